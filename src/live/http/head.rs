//! The head of an answer: its status, how its body ends, and whether the connection stays.

use std::mem::MaybeUninit;

use domain::time::Duration;

use super::ReadError;

/// The longest head of an answer; servers and proxies cap theirs at 8 to 16 KiB \[bytes\].
pub(in crate::live) const HEAD_MAX: usize = 16 * 1024;
/// The most header fields of an answer; twice what busy sites send.
const HEADERS_MAX: usize = 96;
/// How many heads are remembered: a page's parts and what is asked besides.
const HEADS_KNOWN: usize = 4;
/// The longest head that is remembered \[bytes\].
const KNOWN_MAX: usize = 1_024;
/// The longest wait that a `Retry-After` may ask for: a run is over long before \[s\].
const RETRY_AFTER_MAX_S: u64 = 86_400;

/// What is read of an answer's head.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::live) struct Head {
    /// The status code, from 200.
    pub(in crate::live) status: u16,
    /// The wait that was asked for.
    pub(in crate::live) retry_after: Option<RetryAfter>,
    /// Whether the server lets the connection be used again.
    pub(in crate::live) keep_alive: bool,
}

/// The field `Retry-After` (RFC 9110 §10.2.3).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::live) enum RetryAfter {
    /// Whole seconds from the answer on.
    Seconds(u64),
    /// A date \[s of UTC\].
    Date(i64),
}

impl RetryAfter {
    /// The field's value; `None` when it is neither seconds nor a date.
    pub(in crate::live) fn read(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value.trim_ascii()).ok()?;
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self::Seconds);
        }
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Self::Date(date.as_second()))
    }

    /// The wait from `now_utc_ns` on, at most a day.
    pub(in crate::live) fn wait(self, now_utc_ns: u64) -> Duration {
        let seconds = match self {
            Self::Seconds(seconds) => seconds,
            Self::Date(date_s) => {
                let now_s = i64::try_from(now_utc_ns.div_ceil(1_000_000_000)).unwrap_or(i64::MAX);
                u64::try_from(date_s.saturating_sub(now_s)).unwrap_or(0)
            }
        };
        Duration::from_secs(seconds.min(RETRY_AFTER_MAX_S))
    }
}

/// A head, and how the body after it ends.
#[derive(Copy, Clone, Debug)]
pub(super) struct ParsedHead {
    pub(super) head: Head,
    pub(super) framing: Framing,
}

/// How the end of a body is known.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// It has so many bytes.
    Length(u64),
    /// It says itself where it ends.
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// Heads that came lately, and what they said. Of one sort of answer all heads of a second are the
/// same bytes (the date changes with it), and to compare them costs a tenth of reading them.
#[derive(Debug, Default)]
pub(in crate::live) struct Heads {
    known: [Known; HEADS_KNOWN],
    /// The place that the next new one takes.
    next: usize,
}

#[derive(Debug, Default)]
struct Known {
    /// Empty as long as there is none.
    bytes: Vec<u8>,
    said: Option<ParsedHead>,
}

impl Heads {
    /// The length of the head at the beginning of `bytes` and what it says; `None` when it goes on.
    ///
    /// # Errors
    /// When it is no head of HTTP/1.x, too long, or says two lengths.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Option<(usize, ParsedHead)>, ReadError> {
        for Known { bytes: known, said } in &self.known {
            if let Some(said) = said
                && bytes.starts_with(known)
            {
                return Ok(Some((known.len(), *said)));
            }
        }
        let parsed = parse_head(bytes)?;
        if let Some((length, said)) = parsed.filter(|(length, _)| *length <= KNOWN_MAX) {
            let place = &mut self.known[self.next];
            self.next = (self.next + 1) % HEADS_KNOWN;
            place.bytes.clear();
            place.bytes.extend_from_slice(&bytes[..length]);
            place.said = Some(said);
        }
        Ok(parsed)
    }
}

/// The length of the head at the beginning of `bytes` and what it says; `None` when it goes on.
///
/// # Errors
/// When it is no head of HTTP/1.x, too long, or says two lengths.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, ParsedHead)>, ReadError> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut headers)
        .map_err(ReadError::Head)?;
    let length = match parsed {
        httparse::Status::Complete(length) if length > HEAD_MAX => {
            return Err(ReadError::HeadTooLong);
        }
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = response.code.expect("a whole head has a status");
    let fields = read_fields(response.headers)?;
    let framing = fields.framing(status);
    let persistent = match response.version {
        Some(1) => !fields.says_close,
        _ => fields.says_keep_alive && !fields.says_close,
    };
    // Length and coding together are how requests are smuggled, and HTTP/1.0 knows no codings
    // (RFC 9112 §6.1): read, then never used again.
    let is_old = response.version == Some(0);
    let ambiguous = fields.coding.is_some() && (fields.length.is_some() || is_old);
    let keep_alive = persistent && framing != Framing::UntilClose && !ambiguous;
    let head = Head { status, retry_after: fields.retry_after, keep_alive };
    Ok(Some((length, ParsedHead { head, framing })))
}

/// The last of an answer's transfer codings.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Coding {
    Chunked,
    Other,
}

/// The header fields that matter here.
#[derive(Default)]
struct Fields {
    length: Option<u64>,
    coding: Option<Coding>,
    says_close: bool,
    says_keep_alive: bool,
    retry_after: Option<RetryAfter>,
}

impl Fields {
    /// RFC 9112 §6.3, without CONNECT, which nobody sends here; an answer to HEAD is the reader's
    /// matter, which knows what was asked.
    fn framing(&self, status: u16) -> Framing {
        match status {
            204 | 304 => Framing::Length(0),
            _ => match (self.coding, self.length) {
                (Some(Coding::Chunked), _) => Framing::Chunked,
                (None, Some(length)) => Framing::Length(length),
                (Some(Coding::Other), _) | (None, None) => Framing::UntilClose,
            },
        }
    }
}

fn read_fields(headers: &[httparse::Header<'_>]) -> Result<Fields, ReadError> {
    let mut fields = Fields::default();
    for header in headers {
        let name = header.name;
        if name.eq_ignore_ascii_case("content-length") {
            let length = parse_length(header.value)?;
            if fields.length.is_some_and(|other| other != length) {
                return Err(ReadError::Length);
            }
            fields.length = Some(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            // Only the last coding says where the body ends.
            let chunked = tokens(header.value).last().is_some_and(|token| is(token, "chunked"));
            fields.coding = Some(if chunked { Coding::Chunked } else { Coding::Other });
        } else if name.eq_ignore_ascii_case("connection") {
            fields.says_close |= tokens(header.value).any(|token| is(token, "close"));
            fields.says_keep_alive |= tokens(header.value).any(|token| is(token, "keep-alive"));
        } else if name.eq_ignore_ascii_case("retry-after") {
            fields.retry_after = RetryAfter::read(header.value);
        }
    }
    Ok(fields)
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

const fn is(token: &[u8], word: &str) -> bool {
    token.eq_ignore_ascii_case(word.as_bytes())
}

/// One number, or the same number several times (RFC 9110 §8.6); digits only.
fn parse_length(value: &[u8]) -> Result<u64, ReadError> {
    let mut length = None;
    for token in tokens(value) {
        let digits = !token.is_empty() && token.iter().all(u8::is_ascii_digit);
        let text = str::from_utf8(token).ok().filter(|_| digits).ok_or(ReadError::Length)?;
        let number: u64 = text.parse().map_err(|_| ReadError::Length)?;
        if length.is_some_and(|other| other != number) {
            return Err(ReadError::Length);
        }
        length = Some(number);
    }
    length.ok_or(ReadError::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_after_is_seconds_or_a_date() {
        // 1994-11-06 08:49:37 UTC is 784,111,777 s after 1970.
        let now = 784_111_777 * 1_000_000_000 - 10 * 1_000_000_000;
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let wait = |text: &str, now| RetryAfter::read(text.as_bytes()).map(|after| after.wait(now));
        for (text, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            (date, Some(10)),
            ("99999999", Some(RETRY_AFTER_MAX_S)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(wait(text, now), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(wait(date, 2 * now), Some(Duration::ZERO));
        assert_eq!(wait(date, u64::MAX), Some(Duration::ZERO));
    }
}
