//! A request as HTTP/2 has it, from its one canonical form: the bytes of HTTP/1.1.

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};

/// The most header fields of a request.
const FIELDS_MAX: usize = 64;
/// What speaks of one connection and has no place in HTTP/2 (RFC 9113 §8.2.2).
const OF_THE_CONNECTION: [&str; 5] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// The request in `bytes` and its body, under the given scheme; `None` when it is none.
pub(super) fn parse(bytes: &[u8], scheme: &str) -> Option<(Request<()>, Bytes)> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(length) = parsed.parse(bytes).ok()? else { return None };
    let host = parsed.headers.iter().find(|field| is(field.name, HOST.as_str()))?.value;
    let uri =
        Uri::builder().scheme(scheme).authority(host).path_and_query(parsed.path?).build().ok()?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(parsed.method?.as_bytes()).ok()?;
    *request.uri_mut() = uri;
    copy(parsed.headers, request.headers_mut())?;
    Some((request, Bytes::copy_from_slice(&bytes[length..])))
}

fn copy(fields: &[httparse::Header<'_>], into: &mut HeaderMap) -> Option<()> {
    for field in fields {
        let dropped = OF_THE_CONNECTION.iter().any(|name| is(field.name, name));
        if dropped || is(field.name, HOST.as_str()) {
            continue;
        }
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        into.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some(())
}

const fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_all_but_what_speaks_of_its_connection() {
        let bytes = b"POST /cart?x=1 HTTP/1.1\r\nHost: shop.test:81\r\nConnection: keep-alive\r\n\
            Cookie: a=1\r\nCookie: b=2\r\nX-Fan: 7\r\nContent-Length: 2\r\n\r\n{}";
        let (request, body) = parse(bytes, "https").unwrap();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), "https://shop.test:81/cart?x=1");
        assert_eq!(body, "{}");
        let fields: Vec<(&str, &[u8])> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        assert_eq!(
            fields,
            [
                ("cookie", &b"a=1"[..]),
                ("cookie", b"b=2"),
                ("x-fan", b"7"),
                ("content-length", b"2")
            ]
        );
    }

    #[test]
    fn what_is_no_request_is_not_sent() {
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"GET / HTTP/1.1\r\nHost: a\r\n", b""] {
            assert!(parse(bytes, "http").is_none());
        }
    }
}
