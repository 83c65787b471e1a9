//! An incremental reader of HTTP/1.1 answers: bytes in, split anywhere; status, body, and whether
//! the connection may be used again.
//!
//! Framing follows RFC 9112 §6. What cannot be framed is an error, never a guess: bytes of one
//! answer taken for another's would falsify what fans saw.

mod chunked;

use chunked::Chunks;

/// The longest head of an answer; servers and proxies cap theirs at 8 to 16 KiB \[bytes\].
pub(super) const HEAD_MAX: usize = 16 * 1024;
/// The most header fields of an answer; twice what busy sites send.
const HEADERS_MAX: usize = 96;
/// The longest body that is read to its end; a page's part is about 1 KB \[bytes\].
pub(super) const BODY_MAX: u64 = 64 * 1024 * 1024;
/// The most of a body that is kept to be understood \[bytes\].
pub(super) const KEPT_MAX: usize = 64 * 1024;
/// The most interim (1xx) answers before the answer itself.
const INTERIM_MAX: u8 = 8;

/// What becomes of an answer's body.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// It is counted and forgotten: only the status is read.
    Skip,
    /// Its first bytes are kept to be understood.
    Keep,
}

/// What is read of an answer's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The status code, from 200.
    pub(super) status: u16,
    /// The field `Retry-After`, as it came.
    pub(super) retry_after: Option<Box<str>>,
    /// Whether the server lets the connection be used again.
    pub(super) keep_alive: bool,
}

/// An answer that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadError {
    /// The head is not HTTP/1.x.
    #[error("the answer's head is not HTTP/1.1: {0}")]
    Head(httparse::Error),
    /// The head is longer than allowed.
    #[error("the answer's head is longer than {HEAD_MAX} bytes")]
    HeadTooLong,
    /// The server wants to speak something else, or never comes to the point.
    #[error("the server answered with interim status {0} out of turn")]
    Interim(u16),
    /// `Content-Length` is not one number.
    #[error("the answer's Content-Length is not one number")]
    Length,
    /// The chunked body is malformed.
    #[error("the answer's chunked body is malformed")]
    Chunk,
    /// The body is longer than allowed.
    #[error("the answer's body is longer than {BODY_MAX} bytes")]
    BodyTooLong,
    /// The connection was closed before the answer was whole.
    #[error("the connection was closed in the middle of the answer")]
    Truncated,
}

/// Reads one answer after another.
#[derive(Debug)]
pub(super) struct Reader {
    state: State,
    body: Body,
    interim: u8,
    /// The beginning of a split head, then the kept part of the body.
    kept: Vec<u8>,
    head: Option<Head>,
    body_bytes: u64,
}

#[derive(Debug)]
enum State {
    Head,
    Length { left: u64 },
    Chunked(Chunks),
    UntilClose,
    Whole,
}

impl Reader {
    /// A reader before its first answer.
    pub(super) const fn new() -> Self {
        Self {
            state: State::Head,
            body: Body::Skip,
            interim: 0,
            kept: Vec::new(),
            head: None,
            body_bytes: 0,
        }
    }

    /// Makes ready for the next answer and gives all memory back.
    pub(super) fn expect(&mut self, body: Body) {
        *self = Self { body, ..Self::new() };
    }

    /// Whether not one byte of the answer has come.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self.state, State::Head) && self.kept.is_empty() && self.interim == 0
    }

    /// Whether the answer is whole.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.state, State::Whole)
    }

    /// The head of the answer, once it has come.
    pub(super) const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The kept part of the body, if the whole body was kept.
    pub(super) fn body(&self) -> &[u8] {
        if self.head.is_some() && self.body_bytes == self.kept.len() as u64 {
            &self.kept
        } else {
            &[]
        }
    }

    /// Takes bytes as they come and returns how many belong to this answer: all of them until the
    /// answer is whole.
    ///
    /// # Errors
    /// When the bytes cannot be an HTTP/1.1 answer; the connection is then of no use any more.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        let mut used = 0;
        while !self.is_whole() && used < bytes.len() {
            used += match &mut self.state {
                State::Head => self.feed_head(&bytes[used..])?,
                State::Chunked(_) => self.feed_chunks(&bytes[used..])?,
                State::Length { .. } | State::UntilClose => self.feed_plain(&bytes[used..])?,
                State::Whole => 0,
            };
        }
        Ok(used)
    }

    /// The connection was closed by the server: the end of a body that has no other.
    ///
    /// # Errors
    /// When the answer is not whole by that.
    pub(super) fn close(&mut self) -> Result<(), ReadError> {
        match self.state {
            State::UntilClose | State::Whole => {
                self.state = State::Whole;
                Ok(())
            }
            State::Head | State::Length { .. } | State::Chunked(_) => Err(ReadError::Truncated),
        }
    }

    fn feed_head(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        // The usual head comes in one piece and is parsed where it lies.
        if self.kept.is_empty() {
            if let Some((length, head)) = parse_head(bytes)? {
                self.take_head(head)?;
                return Ok(length);
            }
            if bytes.len() >= HEAD_MAX {
                return Err(ReadError::HeadTooLong);
            }
            self.kept.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let before = self.kept.len();
        let room = HEAD_MAX - before;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        match parse_head(&self.kept)? {
            Some((length, head)) => {
                self.kept = Vec::new();
                self.take_head(head)?;
                Ok(length - before)
            }
            None if self.kept.len() >= HEAD_MAX => Err(ReadError::HeadTooLong),
            None => Ok(bytes.len()),
        }
    }

    fn take_head(&mut self, parsed: ParsedHead) -> Result<(), ReadError> {
        let status = parsed.head.status;
        if status < 200 {
            self.interim += 1;
            // 101 would hand the connection over to another protocol, which nobody asked for.
            let tolerable = status != 101 && self.interim <= INTERIM_MAX;
            return if tolerable { Ok(()) } else { Err(ReadError::Interim(status)) };
        }
        self.state = match parsed.framing {
            Framing::Length(0) => State::Whole,
            Framing::Length(left) if left > BODY_MAX => return Err(ReadError::BodyTooLong),
            Framing::Length(left) => State::Length { left },
            Framing::Chunked => State::Chunked(Chunks::new()),
            Framing::UntilClose => State::UntilClose,
        };
        self.head = Some(parsed.head);
        Ok(())
    }

    fn feed_plain(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        let available = bytes.len() as u64;
        let taken = match self.state {
            State::Length { left } => left.min(available),
            _ => available,
        };
        let taken_bytes = usize::try_from(taken).expect("at most the bytes at hand");
        self.keep(&bytes[..taken_bytes])?;
        if let State::Length { left } = &mut self.state {
            *left -= taken;
            if *left == 0 {
                self.state = State::Whole;
            }
        }
        Ok(taken_bytes)
    }

    fn feed_chunks(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        let State::Chunked(chunks) = &mut self.state else { return Ok(0) };
        let (used, data) = chunks.feed(bytes)?;
        let ended = chunks.is_ended();
        self.keep(&bytes[data])?;
        if ended {
            self.state = State::Whole;
        }
        Ok(used)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        self.body_bytes += bytes.len() as u64;
        if self.body_bytes > BODY_MAX {
            return Err(ReadError::BodyTooLong);
        }
        let room = KEPT_MAX - self.kept.len();
        if self.body == Body::Keep {
            self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        Ok(())
    }
}

struct ParsedHead {
    head: Head,
    framing: Framing,
}

/// How the end of a body is known.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// The length of the head at the beginning of `bytes` and what it says; `None` when it goes on.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, ParsedHead)>, ReadError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes).map_err(ReadError::Head)? {
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
    // Length and coding together are how requests are smuggled: read, then never used again.
    let ambiguous = fields.coding.is_some() && fields.length.is_some();
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
    retry_after: Option<Box<str>>,
}

impl Fields {
    /// RFC 9112 §6.3, without requests by HEAD and CONNECT, which nobody sends here.
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
            fields.retry_after = str::from_utf8(header.value).ok().map(|text| text.trim().into());
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
mod tests;
