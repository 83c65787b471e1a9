//! What the edge says of itself in the head of an answer: whether its cache had it, how old it is, and
//! which point of presence gave it.
//!
//! What the fields mean is taken from who writes them:
//!
//! | field | by | source |
//! |---|---|---|
//! | `Cache-Status` | any cache | RFC 9211 §2; the member nearest to the client stands last |
//! | `Age` | any cache | RFC 9111 §5.1 |
//! | `X-Cache`, `X-Amz-Cf-Pop` | `CloudFront` | docs.aws.amazon.com/AmazonCloudFront, "Standard logging reference", `x-edge-result-type` |
//! | `CF-Cache-Status`, `CF-Ray` | Cloudflare | developers.cloudflare.com/cache/concepts/cache-responses, …/fundamentals/reference/http-headers |
//! | `X-Cache`, `X-Served-By` | Fastly | docs.fastly.com, "X-Cache", "Understanding cache HIT and MISS headers with shielded services": the edge stands last |
//! | `X-Cache`, `Akamai-Cache-Status` | Akamai | techdocs.akamai.com, "Pragma headers", "Return Cache Status": the edge ("child") stands first |
//! | `Via`, `Age`, `cdn-cache-status` | Google Cloud CDN | cloud.google.com/cdn/docs/caching, …/load-balancing/docs/https/custom-headers |
//! | `X-Cache` | Azure Front Door | learn.microsoft.com/azure/cdn/cdn-msft-http-debug-headers |
//! | `CDN-Cache`, `Server` | bunny.net | docs.bunny.net/cdn/troubleshooting: `Server: BunnyCDN-{PoP}-{server}` |
//! | `X-Vercel-Cache`, `X-Vercel-Id` | Vercel | vercel.com/docs/headers/response-headers |
//! | `X-Edge-Location` | `KeyCDN` | keycdn.com/support/x-edge-location |
//! | `X-Cache-Status`, `X-Proxy-Cache` | nginx, as people set it | nginx.org, `$upstream_cache_status` |
//! | `X-Varnish` | Varnish | varnish-cache.org, "HTTP headers": a second number is the request that filled the cache |
//!
//! Netlify writes `Cache-Status`. Akamai, Azure and Google do not say in a documented form which point of
//! presence answered: there it stays unknown.

use std::fmt;

use super::Answer;

/// What one answer says of the edge; nothing where it came straight from the shop.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the cache nearest to the fan did.
    pub cache: Option<Cache>,
    /// How long ago the shop made the answer, as caches reckon \[s\].
    pub age_s: Option<u32>,
    /// Where it was given.
    pub pop: Option<Pop>,
}

impl fmt::Display for Seen {
    /// `hit, 12 s old, at NRT57-P3`; nothing where nothing is said.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        if let Some(cache) = self.cache {
            formatter.write_str(cache.word())?;
            between = ", ";
        }
        if let Some(age_s) = self.age_s {
            write!(formatter, "{between}{age_s} s old")?;
            between = ", ";
        }
        match &self.pop {
            Some(pop) => write!(formatter, "{between}at {}", pop.text()),
            None => Ok(()),
        }
    }
}

/// What a cache did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Cache {
    /// It had the answer, fresh or stale, and asked nobody before it gave it.
    Hit,
    /// It had none that would do, and fetched it.
    Miss,
    /// It says something else: that it passed the request on without looking, that it asked whether what it
    /// had was still good, that a cache behind it had the answer, that the answer is its own.
    Other,
}

impl Cache {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Other => "other",
        }
    }
}

/// The longest code of a point of presence: `NRT57-P10` has 9 letters, a region `us-east-1` as well.
const POP_MAX: usize = 15;

/// The code of a point of presence, as its owner writes it: `NRT57-P3`, `SJC`, `iad1`. It is copied,
/// never allocated.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pop {
    letters: [u8; POP_MAX],
    length: u8,
}

impl Pop {
    /// The code `text`, if it is one: 2 to 15 letters, digits or hyphens, the first a letter.
    pub fn new(text: &[u8]) -> Option<Self> {
        let is_code = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let begins = text.first().is_some_and(u8::is_ascii_alphabetic);
        if !begins || !(2..=POP_MAX).contains(&text.len()) || !text.iter().all(is_code) {
            return None;
        }
        let mut letters = [0; POP_MAX];
        letters[..text.len()].copy_from_slice(text);
        Some(Self { letters, length: u8::try_from(text.len()).ok()? })
    }

    /// The code.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.letters[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for Pop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pop({})", self.text())
    }
}

/// The greatest age that is told; greater ones mean this one (RFC 9111 §1.2.2) \[s\].
pub const AGE_MAX_S: u32 = 1 << 31;

/// Whose word on the cache counts before whose: what a CDN says in a field of its own, then the standard's
/// field, then fields that many write. Of the same kind the last line counts, for who is nearer to the fan
/// adds below.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Varnish,
    Nginx,
    XCache,
    Standard,
    Own,
}

/// What was found in the fields so far.
#[derive(Debug, Default)]
struct Reading {
    cache: Option<(Rank, Cache)>,
    age_s: Option<u32>,
    pop: Option<Pop>,
    via_google: Option<()>,
}

/// What the head of `answer` says of the edge. It allocates nothing.
pub fn of(answer: &Answer<'_>) -> Seen {
    let mut reading = Reading::default();
    for (name, value) in answer.all_fields() {
        reading.take(name, value);
    }
    let Reading { cache, age_s, pop, via_google } = reading;
    // An age implies that the answer was not made for this request (RFC 9111 §5.1): where a load balancer
    // stands right before the shop, its cache had it.
    let by_age = via_google.and(age_s).map(|_| Cache::Hit);
    Seen { cache: cache.map(|(_, cache)| cache).or(by_age), age_s, pop }
}

impl Reading {
    /// Nearly every field is passed over by the length of its name.
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            3 if is("age") => self.age_s = self.age_s.or_else(|| age(value)),
            3 if is("via") && last(value).ends_with(b" google") => self.via_google = Some(()),
            6 if is("cf-ray") => self.at(value.rsplit(|byte| *byte == b'-').next()),
            6 if is("server") => self.at(bunny(value)),
            7 if is("x-cache") => self.says(Rank::XCache, nearest_last(value)),
            9 if is("cdn-cache") => self.says(Rank::Own, word(value)),
            9 if is("x-varnish") => self.says(Rank::Varnish, varnish(value)),
            11 if is("x-served-by") => self.at(fastly(value)),
            11 if is("x-vercel-id") => self.at(value.split(|byte| *byte == b':').next()),
            12 if is("x-amz-cf-pop") => self.at(Some(value)),
            12 if is("cache-status") => self.says(Rank::Standard, standard(value)),
            13 if is("x-proxy-cache") => self.says(Rank::Nginx, word(value)),
            14 if is("x-vercel-cache") => self.says(Rank::Own, word(value)),
            14 if is("x-cache-status") => self.says(Rank::Nginx, word(value)),
            15 if is("cf-cache-status") => self.says(Rank::Own, word(value)),
            15 if is("x-edge-location") => self.at(Some(value)),
            16 if is("cdn-cache-status") => self.says(Rank::Own, word(value)),
            19 if is("akamai-cache-status") => {
                self.says(Rank::Own, value.split(|byte| *byte == b',').next().and_then(word));
            }
            _ => {}
        }
    }

    fn says(&mut self, rank: Rank, cache: Option<Cache>) {
        let before = self.cache.map(|(rank, _)| rank);
        if let Some(cache) = cache
            && before.is_none_or(|before| before <= rank)
        {
            self.cache = Some((rank, cache));
        }
    }

    fn at(&mut self, code: Option<&[u8]>) {
        self.pop = code.and_then(|code| Pop::new(code.trim_ascii())).or(self.pop);
    }
}

/// Whole seconds; of several the first counts (RFC 9111 §5.1).
fn age(value: &[u8]) -> Option<u32> {
    let digits = value.split(|byte| *byte == b',').next()?.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let told = str::from_utf8(digits).ok()?.parse().unwrap_or(AGE_MAX_S);
    Some(told.min(AGE_MAX_S))
}

/// The last member of a list without quotes.
fn last(value: &[u8]) -> &[u8] {
    value.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii()
}

/// The first word of what a cache says: `Hit from cloudfront`, `TCP_MEM_HIT from a23-1-2-3 (…)`, `HIT`.
fn word(value: &[u8]) -> Option<Cache> {
    let trimmed = value.trim_ascii();
    let end = trimmed.iter().position(|byte| matches!(byte, b' ' | b';' | b'\t'));
    let word = &trimmed[..end.unwrap_or(trimmed.len())];
    let is = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
    let begins = |known: &str| {
        word.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known.as_bytes()))
    };
    let ends = |known: &str| {
        let from = word.len().saturating_sub(known.len());
        word[from..].eq_ignore_ascii_case(known.as_bytes())
    };
    if word.is_empty() {
        return None;
    }
    // What was stale and had to be asked about, and what lay in a cache behind the edge.
    let asked_on = is("TCP_REFRESH_HIT") || is("TCP_REMOTE_HIT");
    let hit = ["HIT", "STALE", "UPDATING", "PRERENDER", "HITSTALE"].into_iter().any(is)
        || begins("HIT-")
        || begins("TCP_") && ends("_HIT");
    let miss = ["MISS", "EXPIRED"].into_iter().any(is) || begins("TCP_") && ends("_MISS");
    Some(match (hit && !asked_on, miss) {
        (true, _) => Cache::Hit,
        (false, true) => Cache::Miss,
        (false, false) => Cache::Other,
    })
}

/// Of several caches the one nearest to the fan stands last. Where that one missed and another had it,
/// the shop was not asked.
fn nearest_last(value: &[u8]) -> Option<Cache> {
    let mut caches = value.split(|byte| *byte == b',').map(word);
    let nearest = caches.next_back()??;
    let behind = caches.any(|cache| cache == Some(Cache::Hit));
    Some(if nearest == Cache::Miss && behind { Cache::Other } else { nearest })
}

/// One number: the request itself; a second one: the request that filled the cache.
fn varnish(value: &[u8]) -> Option<Cache> {
    let mut numbers = last(value).split(|byte| *byte == b' ').filter(|part| !part.is_empty());
    let is_number = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(own), None, _) if is_number(own) => Some(Cache::Miss),
        (Some(own), Some(filler), None) if is_number(own) && is_number(filler) => Some(Cache::Hit),
        _ => None,
    }
}

/// `cache-iad2120-IAD, cache-sjc3120-SJC`: the last is the nearest, and its last part is the place.
fn fastly(value: &[u8]) -> Option<&[u8]> {
    let node = last(value);
    node.starts_with(b"cache-").then(|| node.rsplit(|byte| *byte == b'-').next()).flatten()
}

/// `BunnyCDN-DE1-1080`.
fn bunny(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"BunnyCDN-")?.split(|byte| *byte == b'-').next()
}

/// RFC 9211: a list of caches, the nearest to the fan last, each with parameters: `hit`, or why the
/// request was forwarded (`fwd`) and what came of that (`fwd-status`).
fn standard(value: &[u8]) -> Option<Cache> {
    let (mut nearest, mut behind) = (None, None);
    for member in outside_quotes(value, b',') {
        if !member.trim_ascii().is_empty() {
            behind = behind.or(nearest.filter(|cache| *cache == Cache::Hit));
            nearest = Some(standard_member(member));
        }
    }
    match (nearest, behind) {
        (Some(Cache::Miss), Some(_)) => Some(Cache::Other),
        (nearest, _) => nearest,
    }
}

fn standard_member(member: &[u8]) -> Cache {
    let (mut cache, mut validated) = (Cache::Other, None);
    for parameter in outside_quotes(member, b';').skip(1) {
        match parameter.trim_ascii() {
            b"hit" | b"hit=?1" => cache = Cache::Hit,
            b"fwd=uri-miss" | b"fwd=vary-miss" | b"fwd=miss" | b"fwd=stale" | b"fwd=partial" => {
                cache = Cache::Miss;
            }
            b"fwd-status=304" => validated = Some(Cache::Other),
            _ => {}
        }
    }
    validated.unwrap_or(cache)
}

/// The parts between `separator`, of which those within quotes are none (RFC 8941 §3.3.3).
fn outside_quotes(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |byte| {
        let was_escaped = std::mem::take(&mut escaped);
        match *byte {
            b'\\' if quoted && !was_escaped => escaped = true,
            b'"' if !was_escaped => quoted = !quoted,
            other => return other == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(fields: &str) -> Seen {
        let fields = fields.split('\n').fold(String::new(), |all, field| all + field + "\r\n");
        of(&Answer { status: 200, fields: fields.as_bytes(), body: b"" })
    }

    fn told(fields: &str) -> (Option<&'static str>, Option<u32>, String) {
        let Seen { cache, age_s, pop } = seen(fields);
        (cache.map(Cache::word), age_s, pop.map_or_else(String::new, |pop| pop.text().to_owned()))
    }

    /// Fields of an answer, and the word on the cache, the age and the point of presence in them.
    type Head = (&'static str, &'static str, Option<u32>, &'static str);

    const HEADS: &[Head] = &[
        (
            "X-Cache: Hit from cloudfront\nX-Amz-Cf-Pop: NRT57-P3\nAge: 12",
            "hit",
            Some(12),
            "NRT57-P3",
        ),
        ("X-Cache: Miss from cloudfront\nX-Amz-Cf-Pop: FRA60-P10", "miss", None, "FRA60-P10"),
        ("X-Cache: RefreshHit from cloudfront", "other", None, ""),
        ("X-Cache: Error from cloudfront", "other", None, ""),
        ("CF-Cache-Status: HIT\nCF-RAY: 230b030023ae2822-SJC\nAge: 0", "hit", Some(0), "SJC"),
        ("cf-cache-status: EXPIRED\ncf-ray: 8a1f-NRT", "miss", None, "NRT"),
        ("cf-cache-status: STALE", "hit", None, ""),
        ("cf-cache-status: UPDATING", "hit", None, ""),
        ("cf-cache-status: REVALIDATED", "other", None, ""),
        ("cf-cache-status: DYNAMIC\nserver: cloudflare", "other", None, ""),
        (
            "X-Served-By: cache-iad2120-IAD, cache-nrt-rjtt7900057-NRT\nX-Cache: MISS, HIT\n\
                 X-Cache-Hits: 0, 1",
            "hit",
            None,
            "NRT",
        ),
        ("X-Cache: MISS, MISS", "miss", None, ""),
        ("X-Cache: HIT, MISS", "other", None, ""),
        (
            "X-Cache: TCP_HIT from a23-1-2-3.deploy.akamaitechnologies.com (AkamaiGHost/9.9.4-1) (-)",
            "hit",
            None,
            "",
        ),
        (
            "X-Cache: TCP_MEM_HIT from a118-214-191-15 (AkamaiGHost/6.7.0.2-9183648)",
            "hit",
            None,
            "",
        ),
        ("X-Cache: TCP_REFRESH_HIT from a1", "other", None, ""),
        ("X-Cache: TCP_REFRESH_MISS from a1", "miss", None, ""),
        ("X-Cache: TCP_REFRESH_FAIL_HIT from a1", "hit", None, ""),
        ("Akamai-Cache-Status: Miss from child, Hit from parent", "miss", None, ""),
        ("Akamai-Cache-Status: HitStale from child", "hit", None, ""),
        ("Via: 1.1 google\nAge: 44", "hit", Some(44), ""),
        ("cdn-cache-status: uncacheable\nVia: 1.1 google\nAge: 44", "other", Some(44), ""),
        ("X-Cache: TCP_REMOTE_HIT\nX-Azure-Ref: 20240201T000000Z-r1", "other", None, ""),
        ("X-Cache: TCP_MISS\nX-Azure-Ref: 0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0z", "miss", None, ""),
        ("X-Cache: CONFIG_NOCACHE", "other", None, ""),
        ("Server: BunnyCDN-DE1-1080\nCDN-Cache: HIT\nCDN-RequestPullCode: 200", "hit", None, "DE1"),
        (
            "x-vercel-cache: PRERENDER\nx-vercel-id: hnd1::iad1::abcd-1700000000000-ef\nage: 7",
            "hit",
            Some(7),
            "hnd1",
        ),
        (
            "Cache-Status: \"Netlify Durable\"; fwd=miss\nCache-Status: \"Netlify Edge\"; hit",
            "hit",
            None,
            "",
        ),
        ("X-Varnish: 32770 3\nAge: 5\nVia: 1.1 varnish (Varnish/7.4)", "hit", Some(5), ""),
        ("X-Varnish: 32771\nAge: 0", "miss", Some(0), ""),
        ("X-Cache-Status: BYPASS", "other", None, ""),
        ("X-Edge-Location: jptk\nX-Cache: HIT", "hit", None, "jptk"),
    ];

    #[test]
    fn real_heads_of_each_cdn_say_what_their_owners_say_they_say() {
        for (fields, cache, age, pop) in HEADS {
            assert_eq!(told(fields), (Some(*cache), *age, (*pop).to_owned()), "{fields}");
        }
    }

    #[test]
    fn the_standards_field_is_read_by_its_last_member() {
        // The examples of RFC 9211 §3, and what lies between quotes.
        for (value, cache) in [
            ("ExampleCache; hit", "hit"),
            ("ExampleCache; fwd=uri-miss; stored", "miss"),
            ("ExampleCache; fwd=stale; fwd-status=304", "other"),
            ("ExampleCache; fwd=stale; fwd-status=304; collapsed; ttl=299", "other"),
            ("ExampleCache; fwd=bypass", "other"),
            ("ExampleCache; hit; ttl=-1100", "hit"),
            ("OriginCache; hit; ttl=1100, \"CDN Company Here\"; hit; ttl=545", "hit"),
            ("OriginCache; hit, edge; fwd=miss", "other"),
            ("\"a, b; hit \\\" \"; fwd=miss", "miss"),
            ("only-a-name", "other"),
        ] {
            let fields = format!("Cache-Status: {value}");
            assert_eq!(told(&fields).0, Some(cache), "{value}");
        }
        assert_eq!(told("Cache-Status: ").0, None);
    }

    #[test]
    fn one_answer_is_told_in_a_line() {
        let all = seen("X-Cache: Hit from cloudfront\nX-Amz-Cf-Pop: NRT57-P3\nAge: 12");
        assert_eq!(all.to_string(), "hit, 12 s old, at NRT57-P3");
        assert_eq!(seen("CF-Ray: 7-SJC").to_string(), "at SJC");
        assert_eq!(seen("Date: now").to_string(), "");
    }

    #[test]
    fn a_cdns_own_word_goes_before_one_that_many_write() {
        let both = "CF-Cache-Status: MISS\nX-Cache: Hit from cloudfront\nX-Varnish: 1 2";
        assert_eq!(told(both).0, Some("miss"));
        assert_eq!(told("X-Cache: MISS\nCache-Status: e; hit").0, Some("hit"));
    }

    #[test]
    fn a_shop_without_an_edge_says_nothing_and_nonsense_is_no_word() {
        let plain = "Date: Sun, 06 Nov 1994 08:49:37 GMT\nServer: nginx\nContent-Length: 2";
        assert_eq!(seen(plain), Seen::default());
        let nonsense = "Age: soon\nX-Cache:\nX-Varnish: a b\nCF-Ray: -\nX-Amz-Cf-Pop: <b>\n\
                        X-Served-By: 10.0.0.7\nVia: 1.1 google";
        assert_eq!(seen(nonsense), Seen::default());
        assert_eq!(seen("Age: 99999999999999999999").age_s, Some(AGE_MAX_S));
        assert_eq!(seen("Age: 3, 4\nAge: 9").age_s, Some(3));
        assert_eq!(seen("Age: -3").age_s, None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(fields: Vec<u8>) {
            of(&Answer { status: 200, fields: &fields, body: b"" });
        }

        #[test]
        fn no_value_of_a_known_field_makes_it_stumble(
            name in prop::sample::select(vec![
                "Age", "Via", "CF-Ray", "Server", "X-Cache", "CDN-Cache", "X-Varnish", "X-Served-By",
                "X-Vercel-Id", "X-Amz-Cf-Pop", "Cache-Status", "Akamai-Cache-Status",
                "X-Edge-Location",
            ]),
            value in "[-a-zA-Z0-9,;=?\"\\\\ _:]{0,40}",
        ) {
            let fields = format!("{name}: {value}\r\n");
            let seen = of(&Answer { status: 200, fields: fields.as_bytes(), body: b"" });
            if let Some(pop) = seen.pop {
                prop_assert!((2..=POP_MAX).contains(&pop.text().len()) && value.contains(pop.text()));
            }
        }
    }
}
