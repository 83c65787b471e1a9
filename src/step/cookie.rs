//! The cookies of one fan (RFC 6265): what servers set, and what is said back to them.
//!
//! A cookie takes one piece of memory, for there are as many jars as fans. Names and attributes are
//! read by the crate `cookie`; there is no list of public suffixes, for cookies go only to hosts
//! that a scenario names: a domain must have a dot in it.

use cookie::{Cookie, Expiration};

use super::funnel::{Host, Scheme};

/// The most cookies of one fan; the oldest of the shortest path goes first (RFC 6265 §6.1 asks for
/// 50 of each domain).
const COOKIES_MAX: usize = 100;
/// The longest cookie with its attributes (RFC 6265 §6.1) \[bytes\].
const COOKIE_MAX: usize = 4_096;

/// The cookies of one fan: longer paths first, then the older ones, as they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar(Vec<Kept>);

/// A place that cookies are set at and sent to, and when.
#[derive(Copy, Clone, Debug)]
pub struct Spot<'a> {
    /// Who is asked.
    pub host: &'a Host,
    /// For what: a path with its query.
    pub target: &'a [u8],
    /// When \[s of UTC\].
    pub now_s: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    /// `name=value`, then the domain, then the path.
    text: Box<[u8]>,
    /// Where the name ends.
    name: u16,
    /// Where the pair ends and the domain begins.
    pair: u16,
    /// Where the domain ends and the path begins.
    domain: u16,
    reach: Reach,
    security: Security,
    /// When it is forgotten \[s of UTC\].
    expires_s: i64,
}

/// Who besides the one that set it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Reach {
    /// Nobody.
    Host,
    /// All below its domain.
    Domain,
}

/// Over what it is sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Security {
    Any,
    /// TLS, or to this machine itself, which browsers trust as much.
    Secure,
}

impl Jar {
    /// Takes the value of one field `Set-Cookie` of an answer; what RFC 6265 §5.3 ignores is
    /// ignored.
    pub fn set(&mut self, value: &[u8], at: &Spot<'_>) {
        let value = String::from_utf8_lossy(value);
        let Some(new) = Kept::read(&value, at) else { return };
        let known = self.0.iter().position(|known| known.is_same(&new));
        if new.expires_s <= at.now_s {
            if let Some(place) = known {
                self.0.remove(place);
            }
            return;
        }
        if let Some(place) = known {
            self.0[place] = new;
            return;
        }
        if self.0.len() >= COOKIES_MAX {
            self.0.pop();
        }
        let length = new.path().len();
        let place = self.0.partition_point(|known| known.path().len() >= length);
        self.0.insert(place, new);
    }

    /// Appends what is sent to a place: `a=1; b=2`, or nothing.
    pub fn write(&self, to: &Spot<'_>, out: &mut Vec<u8>) {
        let before = out.len();
        for cookie in self.0.iter().filter(|cookie| cookie.goes(to)) {
            if out.len() > before {
                out.extend_from_slice(b"; ");
            }
            out.extend_from_slice(cookie.pair());
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Kept {
    fn read(value: &str, at: &Spot<'_>) -> Option<Self> {
        // What could begin another field is no cookie (RFC 6265, its successor's draft §5.6).
        if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return None;
        }
        let cookie = Cookie::parse(value).ok()?;
        let host = at.host.name.as_str();
        let asked = cookie.domain().map(|domain| domain.trim_start_matches('.'));
        let asked = asked.filter(|domain| !domain.is_empty()).map(str::to_ascii_lowercase);
        let (domain, reach) = match asked {
            None => (host.to_owned(), Reach::Host),
            Some(domain) if is_address(host) && domain == host => (domain, Reach::Host),
            Some(domain) if is_below(host, &domain) => (domain, Reach::Domain),
            Some(_) => return None,
        };
        let path = cookie.path().filter(|path| path.starts_with('/'));
        let path = path.map_or_else(|| default_path(at.target), str::as_bytes);
        let expires_s = match (cookie.max_age(), cookie.expires()) {
            (Some(age), _) => at.now_s.saturating_add(age.whole_seconds()),
            (None, Some(Expiration::DateTime(date))) => date.unix_timestamp(),
            (None, _) => i64::MAX,
        };
        let (name, pair) = (cookie.name().len(), cookie.name().len() + 1 + cookie.value().len());
        let mut text = format!("{}={}{domain}", cookie.name(), cookie.value()).into_bytes();
        text.extend_from_slice(path);
        if text.len() > COOKIE_MAX {
            return None;
        }
        let place = |place: usize| u16::try_from(place).expect("a cookie is shorter than 4 KB");
        Some(Self {
            name: place(name),
            pair: place(pair),
            domain: place(pair + domain.len()),
            text: text.into(),
            reach,
            security: match cookie.secure() {
                Some(true) => Security::Secure,
                _ => Security::Any,
            },
            expires_s,
        })
    }

    fn pair(&self) -> &[u8] {
        &self.text[..usize::from(self.pair)]
    }

    fn domain(&self) -> &[u8] {
        &self.text[usize::from(self.pair)..usize::from(self.domain)]
    }

    fn path(&self) -> &[u8] {
        &self.text[usize::from(self.domain)..]
    }

    /// Whether one takes the other's place: name, domain and path are the same.
    fn is_same(&self, other: &Self) -> bool {
        self.text[..usize::from(self.name)] == other.text[..usize::from(other.name)]
            && self.domain() == other.domain()
            && self.path() == other.path()
    }

    /// RFC 6265 §5.4.
    fn goes(&self, to: &Spot<'_>) -> bool {
        let host = to.host.name.as_bytes();
        let domain_matches = match self.reach {
            Reach::Host => self.domain() == host,
            Reach::Domain => ends_below(host, self.domain()),
        };
        let is_trusted = || to.host.scheme == Scheme::Https || to.host.is_loopback();
        domain_matches
            && path_matches(path_of(to.target), self.path())
            && (self.security == Security::Any || is_trusted())
            && self.expires_s > to.now_s
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<core::net::IpAddr>().is_ok()
}

/// Whether a server at `host` may set cookies for all of `domain`.
fn is_below(host: &str, domain: &str) -> bool {
    let is_own = host == domain;
    !is_address(host)
        && ends_below(host.as_bytes(), domain.as_bytes())
        && (is_own || domain.contains('.'))
}

/// RFC 6265 §5.1.3, of names in lower case.
fn ends_below(host: &[u8], domain: &[u8]) -> bool {
    let above = host.strip_suffix(domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with(b"."))
}

/// A target without its query.
fn path_of(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// RFC 6265 §5.1.4: the folder of what was asked for.
fn default_path(target: &[u8]) -> &[u8] {
    let path = path_of(target);
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(end) if end > 0 && path.starts_with(b"/") => &path[..end],
        _ => b"/",
    }
}

/// RFC 6265 §5.1.4: whether a request for `path` is within `folder`.
fn path_matches(path: &[u8], folder: &[u8]) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || folder.ends_with(b"/") || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use cookie_store::CookieStore;
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    const NOW_S: i64 = 1_780_000_000;

    fn host(scheme: Scheme, name: &str) -> Host {
        Host { scheme, name: name.to_owned(), port: scheme.port() }
    }

    fn shop() -> Host {
        host(Scheme::Https, "www.shop.test")
    }

    fn sent(jar: &Jar, host: &Host, target: &str, now_s: i64) -> String {
        let mut out = Vec::new();
        jar.write(&Spot { host, target: target.as_bytes(), now_s }, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn jar(lines: &[&str]) -> Jar {
        let (mut jar, shop) = (Jar::default(), shop());
        for line in lines {
            jar.set(line.as_bytes(), &Spot { host: &shop, target: b"/a/b?c=/d", now_s: NOW_S });
        }
        jar
    }

    #[test]
    fn a_session_is_sent_back_to_its_host_alone() {
        let jar = jar(&["sessionid=abc; HttpOnly; Path=/", "csrf=x=y==; path=/; SameSite=Lax"]);
        assert_eq!(sent(&jar, &shop(), "/", NOW_S), "sessionid=abc; csrf=x=y==");
        assert!(!sent(&jar, &host(Scheme::Http, "www.shop.test"), "/", NOW_S).is_empty());
        for other in ["shop.test", "a.www.shop.test", "xwww.shop.test"] {
            assert_eq!(sent(&jar, &host(Scheme::Https, other), "/", NOW_S), "", "{other}");
        }
    }

    #[test]
    fn longer_paths_go_first_and_then_older_cookies() {
        let jar = jar(&["a=1; Path=/", "b=2; Path=/a", "c=3; Path=/", "d=4", "a=5; Path=/"]);
        assert_eq!(sent(&jar, &shop(), "/a/b", NOW_S), "b=2; d=4; a=5; c=3");
        assert_eq!(sent(&jar, &shop(), "/ab", NOW_S), "a=5; c=3");
    }

    #[test]
    fn a_cookie_ends_when_it_says_so_or_is_taken_back() {
        let lines =
            ["a=1; Max-Age=10; Path=/", "b=2; Path=/; Expires=Wed, 01 Jan 2098 00:00:00 GMT"];
        let mut jar = jar(&lines);
        assert_eq!(sent(&jar, &shop(), "/", NOW_S + 9), "a=1; b=2");
        assert_eq!(sent(&jar, &shop(), "/", NOW_S + 10), "b=2");
        let shop = shop();
        let spot = Spot { host: &shop, target: b"/", now_s: NOW_S };
        jar.set(b"b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", &spot);
        jar.set(b"a=; Path=/; Max-Age=0", &spot);
        assert!(jar.is_empty());
    }

    #[test]
    fn a_secure_cookie_goes_over_tls_or_to_this_machine() {
        let (mut jar, local) = (Jar::default(), host(Scheme::Http, "127.0.0.1"));
        jar.set(b"s=1; Secure", &Spot { host: &local, target: b"/", now_s: NOW_S });
        assert_eq!(sent(&jar, &local, "/", NOW_S), "s=1");
        let mut jar = Jar::default();
        jar.set(b"s=1; Secure", &Spot { host: &shop(), target: b"/", now_s: NOW_S });
        assert_eq!(sent(&jar, &shop(), "/", NOW_S), "s=1");
        assert_eq!(sent(&jar, &host(Scheme::Http, "www.shop.test"), "/", NOW_S), "");
    }

    #[test]
    fn nobody_sets_cookies_for_others() {
        for line in
            ["a=1; Domain=other.test", "a=1; Domain=test", "=1", "", "a=1; Domain=x.www.shop.test"]
        {
            assert!(jar(&[line]).is_empty(), "{line}");
        }
        let long = format!("a={}", "x".repeat(COOKIE_MAX));
        assert!(jar(&[&long]).is_empty());
        let many: Vec<String> = (0..150).map(|number| format!("c{number}=1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(jar(&many).0.len(), COOKIES_MAX);
    }

    fn spots() -> impl Strategy<Value = (Host, String)> {
        let of = |list: &'static [&'static str]| prop::sample::select(list);
        let names =
            of(&["shop.test", "www.shop.test", "a.www.shop.test", "other.test", "127.0.0.1"]);
        let schemes = prop::sample::select(vec![Scheme::Http, Scheme::Https]);
        (schemes, names, of(&["/", "/a", "/a/", "/a/b", "/ab/c?d=/e", "/a/b/c"]))
            .prop_map(|(scheme, name, target)| (host(scheme, name), target.to_owned()))
    }

    fn lines() -> impl Strategy<Value = String> {
        let of = |list: &'static [&'static str]| prop::sample::select(list);
        (
            of(&["a", "b", "c"]),
            "[a-z0-9=]{0,4}",
            of(&[
                "",
                "; Domain=shop.test",
                "; domain=.www.shop.test",
                "; Domain=127.0.0.1",
                "; Domain=",
            ]),
            of(&["", "; Path=/", "; path=/a", "; Path=/a/", "; Path=a", "; Path="]),
            of(&[
                "",
                "; Max-Age=0",
                "; max-age=1000000",
                "; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
                "; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=99",
            ]),
            of(&["", "; Secure", "; HttpOnly; SameSite=Strict"]),
        )
            .prop_map(|(name, value, domain, path, end, more)| {
                format!("{name}={value}{domain}{path}{end}{more}")
            })
    }

    proptest! {
        #[test]
        fn a_jar_does_what_the_reference_does(
            set in prop::collection::vec((spots(), lines()), 1..12),
            (to, target) in spots(),
        ) {
            // `cookie_store` implements RFC 6265 too, at a size that no crowd could carry.
            let (mut jar, mut reference) = (Jar::default(), CookieStore::new());
            for ((from, target), line) in &set {
                let url = Url::parse(&(from.origin() + target)).unwrap();
                // It refuses what is set as secure over plain HTTP, as its later draft asks.
                prop_assume!(from.scheme == Scheme::Https || !line.contains("Secure"));
                let spot = Spot { host: from, target: target.as_bytes(), now_s: NOW_S };
                jar.set(line.as_bytes(), &spot);
                let _ = reference.parse(line, &url);
            }
            let url = Url::parse(&(to.origin() + &target)).unwrap();
            let mut expected: Vec<String> = reference
                .get_request_values(&url)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            expected.sort();
            let line = sent(&jar, &to, &target, NOW_S);
            let mut found: Vec<&str> = line.split("; ").filter(|pair| !pair.is_empty()).collect();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_break_a_jar(lines: Vec<Vec<u8>>, target: Vec<u8>, text in "[ -~]{0,60}") {
            let (mut jar, shop) = (Jar::default(), shop());
            let spot = Spot { host: &shop, target: &target, now_s: NOW_S };
            for line in lines.iter().map(Vec::as_slice).chain([text.as_bytes()]) {
                jar.set(line, &spot);
            }
            let mut out = Vec::new();
            jar.write(&spot, &mut out);
            prop_assert!(!out.iter().any(|byte| matches!(byte, b'\r' | b'\n')), "{out:?}");
        }
    }
}
