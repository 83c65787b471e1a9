//! Where an answer sends its reader: the target of a redirect, and what is asked there.

use url::Url;

use super::Answer;
use super::funnel::{Host, Scheme};

/// How a request goes on at the place that it was sent to (RFC 9110 §15.4).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it was, with its body.
    Repeat,
    /// As a `GET` without one.
    Get,
}

/// A place that cannot be gone to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// It is no reference to a URL.
    #[error("`{location}` is no URL: {why}")]
    Unreadable {
        /// As it came, shortened.
        location: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is not spoken here.
    #[error("`{0}` is no URL of HTTP")]
    Scheme(String),
}

/// The reference in a redirect, if `answer` is one, and how the request, made by `method`, goes on.
pub fn of<'bytes>(answer: &Answer<'bytes>, method: &str) -> Option<(&'bytes [u8], Manner)> {
    let manner = match answer.status {
        303 if method != "HEAD" => Manner::Get,
        // What every browser does, though the letter of the RFC only allows it.
        301 | 302 if method == "POST" => Manner::Get,
        301 | 302 | 303 | 307 | 308 => Manner::Repeat,
        _ => return None,
    };
    answer.field("location").map(|location| (location, manner))
}

/// The host and the path with its query that `location` leads to from `target` at `host`.
///
/// # Errors
/// When it leads nowhere that HTTP is spoken.
pub fn resolve(
    host: &Host,
    target: &[u8],
    location: &[u8],
) -> Result<(Host, Box<str>), RedirectError> {
    let location = String::from_utf8_lossy(location);
    let unreadable = |error: url::ParseError| RedirectError::Unreadable {
        location: location.chars().take(200).collect(),
        why: error.to_string(),
    };
    let base = format!("{}{}", host.origin(), String::from_utf8_lossy(target));
    let base = Url::parse(&base).map_err(unreadable)?;
    let url = base.join(&location).map_err(unreadable)?;
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(RedirectError::Scheme(url.as_str().chars().take(200).collect())),
    };
    let name = url.host_str().unwrap_or_default();
    let name = name.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() {
        return Err(unreadable(url::ParseError::EmptyHost));
    }
    let port = url.port().unwrap_or(scheme.port());
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let target = format!("{}{query}", url.path());
    Ok((Host { scheme, name, port }, target.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shop() -> Host {
        Host { scheme: Scheme::Https, name: "shop.test".to_owned(), port: 8443 }
    }

    fn led_to(location: &str) -> String {
        let (host, target) = resolve(&shop(), b"/events/tour?fan=1", location.as_bytes()).unwrap();
        host.origin() + &target
    }

    #[test]
    fn a_reference_is_read_from_where_it_stands() {
        for (location, expected) in [
            ("/login", "https://shop.test:8443/login"),
            ("done", "https://shop.test:8443/events/done"),
            ("../x?y=1#part", "https://shop.test:8443/x?y=1"),
            ("?fan=2", "https://shop.test:8443/events/tour?fan=2"),
            ("//queue.test/in", "https://queue.test/in"),
            ("http://QUEUE.test:80", "http://queue.test/"),
            ("https://user:pass@queue.test:9/a b", "https://queue.test:9/a%20b"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
            ("", "https://shop.test:8443/events/tour?fan=1"),
        ] {
            assert_eq!(led_to(location), expected, "{location}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        for location in
            ["ftp://shop.test/", "javascript:alert(1)", "http://", "https://a b/", "//."]
        {
            assert!(resolve(&shop(), b"/", location.as_bytes()).is_err(), "{location}");
        }
    }

    #[test]
    fn a_post_becomes_a_get_or_is_repeated_by_its_status() {
        let manner = |status, method| {
            let answer = Answer { status, fields: b"Location: /\r\n", body: b"" };
            of(&answer, method).map(|(_, manner)| manner)
        };
        for status in [301, 302, 303] {
            assert_eq!(manner(status, "POST"), Some(Manner::Get), "{status}");
        }
        assert_eq!(manner(303, "PUT"), Some(Manner::Get));
        for (status, method) in [(307, "POST"), (308, "POST"), (302, "PUT"), (301, "GET")] {
            assert_eq!(manner(status, method), Some(Manner::Repeat), "{status}");
        }
        assert_eq!(manner(200, "GET"), None);
        assert_eq!(manner(304, "GET"), None);
        assert_eq!(of(&Answer { status: 302, fields: b"", body: b"" }, "GET"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_way(location: Vec<u8>, text in "[a-z:/?#\\[\\]@. %-]{0,30}") {
            for location in [&location, text.as_bytes()] {
                if let Ok((host, target)) = resolve(&shop(), b"/a", location) {
                    prop_assert!(target.starts_with('/'), "{target}");
                    prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
                    prop_assert!(!host.name.is_empty());
                }
            }
        }
    }
}
