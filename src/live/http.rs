//! An incremental reader of HTTP/1.1 answers: bytes in, split anywhere; status, body, and whether
//! the connection may be used again.
//!
//! Framing follows RFC 9112 §6. What cannot be framed is an error, never a guess: bytes of one
//! answer taken for another's would falsify what fans saw.

mod chunked;
mod head;
#[cfg(any(test, fuzzing))]
pub(super) mod splits;
#[cfg(test)]
mod torture;

use std::ops::Range;

use chunked::Chunks;
use head::{Framing, ParsedHead};
pub(super) use head::{HEAD_MAX, Head, Heads, RetryAfter};

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
    /// They are, and the lines of the head too.
    KeepWithFields,
    /// There is none whatever the head says, for the request's method is HEAD; the lines of the
    /// head are kept.
    Absent,
}

impl Body {
    /// Whether the body is kept to be understood.
    pub(super) const fn is_kept(self) -> bool {
        matches!(self, Self::Keep | Self::KeepWithFields)
    }

    /// Whether the lines of the head are.
    pub(super) const fn keeps_fields(self) -> bool {
        matches!(self, Self::KeepWithFields | Self::Absent)
    }
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
    /// The beginning of a split head; then the kept lines of a head and the kept part of a body
    /// that came in pieces.
    kept: Vec<u8>,
    /// How much of `kept` are lines of the head.
    fields_kept: usize,
    /// Where the kept part of the body lies in the bytes taken last, as long as it has come in one
    /// piece: the usual answer is understood where it was read to, and nothing is copied.
    placed: Range<usize>,
    /// Where the kept lines of the head lie, likewise.
    fields_placed: Range<usize>,
    head: Option<Head>,
    body_bytes: u64,
    /// Whether any byte has come, be it one that no answer begins with.
    touched: bool,
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
            fields_kept: 0,
            placed: 0..0,
            fields_placed: 0..0,
            head: None,
            body_bytes: 0,
            touched: false,
        }
    }

    /// Makes ready for the next answer and gives all memory back.
    pub(super) fn expect(&mut self, body: Body) {
        self.state = State::Head;
        self.body = body;
        self.interim = 0;
        self.fields_kept = 0;
        self.placed = 0..0;
        self.fields_placed = 0..0;
        self.head = None;
        self.body_bytes = 0;
        self.touched = false;
        // Nearly every answer comes in one piece: there is nothing to give back.
        if self.kept.capacity() > 0 {
            self.kept = Vec::new();
        }
    }

    /// Whether not one byte of the answer has come.
    pub(super) const fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// Whether the answer is whole.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.state, State::Whole)
    }

    /// The head of the answer, once it has come.
    pub(super) const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The kept part of the body, if the whole body was kept; `taken` is what was fed last, which
    /// it may lie in.
    pub(super) fn body<'a>(&'a self, taken: &'a [u8]) -> &'a [u8] {
        let kept = if self.placed.is_empty() {
            &self.kept[self.fields_kept..]
        } else {
            &taken[self.placed.clone()]
        };
        if self.head.is_some() && self.body_bytes == kept.len() as u64 { kept } else { &[] }
    }

    /// The lines of the head below the status line, each with its end, if they are kept; `taken` is
    /// what was fed last, which they may lie in.
    pub(super) fn fields<'a>(&'a self, taken: &'a [u8]) -> &'a [u8] {
        if self.fields_kept > 0 {
            &self.kept[..self.fields_kept]
        } else {
            &taken[self.fields_placed.clone()]
        }
    }

    /// Takes bytes as they come and returns how many belong to this answer: all of them until the
    /// answer is whole. `heads` are those that came lately, over any connection.
    ///
    /// # Errors
    /// When the bytes cannot be an HTTP/1.1 answer; the connection is then of no use any more.
    pub(super) fn feed(&mut self, bytes: &[u8], heads: &mut Heads) -> Result<usize, ReadError> {
        let mut used = 0;
        self.touched |= !bytes.is_empty();
        while !self.is_whole() && used < bytes.len() {
            used += match &mut self.state {
                State::Head => self.feed_head(bytes, used, heads)?,
                State::Chunked(_) => self.feed_chunks(bytes, used)?,
                State::Length { .. } | State::UntilClose => self.feed_plain(bytes, used)?,
                State::Whole => 0,
            };
        }
        if !self.is_whole() {
            self.copy_placed(bytes);
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

    fn feed_head(
        &mut self,
        bytes: &[u8],
        from: usize,
        heads: &mut Heads,
    ) -> Result<usize, ReadError> {
        // The usual head comes in one piece and is parsed where it lies.
        if self.kept.is_empty() {
            let here = &bytes[from..];
            if let Some((length, head)) = heads.read(here)? {
                self.take_head(head)?;
                if self.body.keeps_fields() && self.head.is_some() {
                    self.fields_placed = from + status_line(here)..from + length;
                }
                return Ok(length);
            }
            if here.len() >= HEAD_MAX {
                return Err(ReadError::HeadTooLong);
            }
            self.kept.extend_from_slice(here);
            return Ok(here.len());
        }
        let bytes = &bytes[from..];
        let before = self.kept.len();
        let room = HEAD_MAX - before;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        match heads.read(&self.kept)? {
            Some((length, head)) => {
                self.take_head(head)?;
                if self.body.keeps_fields() && self.head.is_some() {
                    self.kept.truncate(length);
                    self.kept.drain(..status_line(&self.kept));
                    self.fields_kept = self.kept.len();
                } else {
                    self.kept.clear();
                }
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
            _ if self.body == Body::Absent => State::Whole,
            Framing::Length(0) => State::Whole,
            Framing::Length(left) if left > BODY_MAX => return Err(ReadError::BodyTooLong),
            Framing::Length(left) => State::Length { left },
            Framing::Chunked => State::Chunked(Chunks::new()),
            Framing::UntilClose => State::UntilClose,
        };
        self.head = Some(parsed.head);
        Ok(())
    }

    fn feed_plain(&mut self, bytes: &[u8], from: usize) -> Result<usize, ReadError> {
        let available = (bytes.len() - from) as u64;
        let taken = match self.state {
            State::Length { left } => left.min(available),
            _ => available,
        };
        let length = usize::try_from(taken).expect("at most the bytes at hand");
        self.keep(bytes, from..from + length)?;
        if let State::Length { left } = &mut self.state {
            *left -= taken;
            if *left == 0 {
                self.state = State::Whole;
            }
        }
        Ok(length)
    }

    fn feed_chunks(&mut self, bytes: &[u8], from: usize) -> Result<usize, ReadError> {
        let State::Chunked(chunks) = &mut self.state else { return Ok(0) };
        let (used, data) = chunks.feed(&bytes[from..])?;
        let ended = chunks.is_ended();
        self.keep(bytes, from + data.start..from + data.end)?;
        if ended {
            self.state = State::Whole;
        }
        Ok(used)
    }

    /// Counts the part of the body that lies at `place` in `bytes`, and keeps it as far as it is
    /// wanted: by its place if it is the first, else by its bytes.
    fn keep(&mut self, bytes: &[u8], place: Range<usize>) -> Result<(), ReadError> {
        self.body_bytes += place.len() as u64;
        if self.body_bytes > BODY_MAX {
            return Err(ReadError::BodyTooLong);
        }
        if !self.body.is_kept() || place.is_empty() {
            return Ok(());
        }
        if self.kept.is_empty() && self.placed.is_empty() {
            self.placed = place.start..place.end.min(place.start + KEPT_MAX);
        } else {
            self.copy_placed(bytes);
            self.copy(&bytes[place]);
        }
        Ok(())
    }

    /// Copies what is kept by its place, for the bytes that it lies in are about to be overwritten
    /// or followed by more.
    fn copy_placed(&mut self, bytes: &[u8]) {
        let fields = std::mem::take(&mut self.fields_placed);
        self.fields_kept += fields.len();
        self.kept.extend_from_slice(&bytes[fields]);
        let placed = std::mem::take(&mut self.placed);
        self.copy(&bytes[placed]);
    }

    fn copy(&mut self, bytes: &[u8]) {
        let room = KEPT_MAX - (self.kept.len() - self.fields_kept);
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// How long the status line of a head is, with its end and the empty lines that may stand before it.
fn status_line(head: &[u8]) -> usize {
    let blank = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let end = head[blank..].iter().position(|byte| *byte == b'\n');
    end.map_or(head.len(), |end| blank + end + 1)
}

#[cfg(test)]
mod tests;
