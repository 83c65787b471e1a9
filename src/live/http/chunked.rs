//! The chunked coding of a body (RFC 9112 §7.1), byte ranges out.

use std::ops::Range;

use super::ReadError;

/// The longest size line and the longest trailer section; extensions and trailers are legal but
/// nobody here reads them \[bytes\].
const LINE_MAX: u32 = 4 * 1024;

/// Where a chunked body is being read.
#[derive(Debug)]
pub(super) struct Chunks {
    state: State,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// In the size's digits: how many so far, and their value.
    Size { digits: u8, size: u64 },
    /// In the rest of the size line.
    Extension { size: u64, length: u32 },
    /// After the size line's carriage return.
    SizeEnd { size: u64 },
    /// In the data.
    Data { left: u64 },
    /// After the data.
    DataReturn,
    /// After the data's carriage return.
    DataEnd,
    /// In the trailers: bytes so far, and bytes of the present line.
    Trailer { total: u32, line: u32 },
    /// After a trailer line's carriage return.
    TrailerEnd { total: u32, line: u32 },
    /// After the last byte.
    Ended,
}

impl Chunks {
    /// Before the first size line.
    pub(super) const fn new() -> Self {
        Self { state: State::Size { digits: 0, size: 0 } }
    }

    /// Whether the last byte has been read.
    pub(super) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Reads on, at least one byte, at most to the end of a chunk's data: how many bytes were
    /// read, and which of them are data.
    ///
    /// # Errors
    /// When the bytes are not chunked.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Range<usize>), ReadError> {
        for (place, byte) in bytes.iter().enumerate() {
            if let State::Data { left } = self.state {
                let available = (bytes.len() - place) as u64;
                let taken = left.min(available);
                let end = place + usize::try_from(taken).expect("at most the bytes at hand");
                self.state = match left - taken {
                    0 => State::DataReturn,
                    left => State::Data { left },
                };
                return Ok((end, place..end));
            }
            self.state = after(self.state, *byte)?;
            if self.state == State::Ended {
                return Ok((place + 1, 0..0));
            }
        }
        Ok((bytes.len(), 0..0))
    }
}

/// What follows from one byte outside the data. Line ends are CR LF, nothing else.
fn after(state: State, byte: u8) -> Result<State, ReadError> {
    let next = match (state, byte) {
        (State::Size { digits, size }, _) if byte.is_ascii_hexdigit() => {
            let digit = char::from(byte).to_digit(16).expect("a hexadecimal digit");
            // Fifteen digits are 2^60 bytes: far beyond any limit, and no overflow.
            if digits == 15 {
                return Err(ReadError::Chunk);
            }
            State::Size { digits: digits + 1, size: size * 16 + u64::from(digit) }
        }
        (State::Size { digits: 1.., size }, b';' | b' ' | b'\t') => {
            State::Extension { size, length: 1 }
        }
        (State::Size { digits: 1.., size } | State::Extension { size, .. }, b'\r') => {
            State::SizeEnd { size }
        }
        (State::Extension { size, length }, _) if byte != b'\n' && length < LINE_MAX => {
            State::Extension { size, length: length + 1 }
        }
        (State::SizeEnd { size: 0 }, b'\n') => State::Trailer { total: 0, line: 0 },
        (State::SizeEnd { size }, b'\n') => State::Data { left: size },
        (State::DataReturn, b'\r') => State::DataEnd,
        (State::DataEnd, b'\n') => State::Size { digits: 0, size: 0 },
        (State::Trailer { total, line }, b'\r') => State::TrailerEnd { total, line },
        (State::Trailer { total, line }, _) if byte != b'\n' && total < LINE_MAX => {
            State::Trailer { total: total + 1, line: line + 1 }
        }
        (State::TrailerEnd { line: 0, .. }, b'\n') => State::Ended,
        (State::TrailerEnd { total, .. }, b'\n') => State::Trailer { total, line: 0 },
        _ => return Err(ReadError::Chunk),
    };
    Ok(next)
}
