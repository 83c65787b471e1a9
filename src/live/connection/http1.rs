//! HTTP/1.1 over a stream: one request at a time.

use std::io::ErrorKind;

use super::stream::Stream;
use super::{Answer, Loss, Progress};
use crate::live::http::{Body, Heads, Reader};

/// A connection that speaks HTTP/1.1.
#[derive(Debug)]
pub(super) struct Http1 {
    stream: Stream,
    /// The rest of a request that the stream would not take yet; usually empty.
    unsent: Vec<u8>,
    /// Whether the stream has taken any byte of the present request.
    took_bytes: bool,
    reader: Reader,
    /// How many answers it has carried.
    answers: u32,
    /// Whether the server closed it, or said more than it was asked.
    spoiled: bool,
}

impl Http1 {
    /// Over `stream`, which need not be open yet.
    pub(super) const fn new(stream: Stream) -> Self {
        Self {
            stream,
            unsent: Vec::new(),
            took_bytes: false,
            reader: Reader::new(),
            answers: 0,
            spoiled: false,
        }
    }

    pub(super) const fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    pub(super) fn send(&mut self, request: &[u8], body: Body) -> Result<(), Loss> {
        debug_assert!(self.unsent.is_empty(), "one request at a time");
        self.reader.expect(body);
        self.took_bytes = false;
        let sent = self.write_some(request)?;
        self.unsent.extend_from_slice(&request[sent..]);
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), Loss> {
        if !self.stream.flush().map_err(Loss::Network)? || self.unsent.is_empty() {
            return Ok(());
        }
        let unsent = std::mem::take(&mut self.unsent);
        let sent = self.write_some(&unsent)?;
        self.unsent = unsent;
        self.unsent.drain(..sent);
        Ok(())
    }

    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        heads: &mut Heads,
        closing: bool,
    ) -> Result<Progress, Loss> {
        self.spoiled |= closing;
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => {
                    self.spoiled = true;
                    self.reader.close()?;
                    return Ok(Progress::Whole);
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(self.progress()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) if self.reader.is_whole() => return Ok(Progress::Whole),
                Err(error) => return Err(Loss::Network(error)),
            };
            let used = self.reader.feed(&buffer[..count], heads)?;
            self.spoiled |= used < count;
            // A short read emptied the socket: whatever comes later is a new event. So an answer
            // usually costs one call. A full buffer may hide bytes that nobody asked for.
            let emptied = self.stream.is_drained(count, buffer.len()) && !closing;
            if self.reader.is_whole() {
                self.spoiled |= !emptied && !self.is_quiet();
                return Ok(Progress::Whole);
            }
            if emptied {
                return Ok(Progress::Partial);
            }
        }
    }

    pub(super) fn is_quiet(&mut self) -> bool {
        self.stream.is_quiet()
    }

    pub(super) fn answered(&mut self) {
        self.answers += 1;
        self.reader.expect(Body::Skip);
    }

    pub(super) const fn answer(&self) -> Answer<'_> {
        Answer::Http1(&self.reader)
    }

    pub(super) fn is_reusable(&self) -> bool {
        let keep_alive = self.reader.head().is_some_and(|head| head.keep_alive);
        keep_alive && !self.spoiled && self.unsent.is_empty()
    }

    pub(super) fn went_stale(&self) -> bool {
        self.answers > 0 && self.reader.is_untouched()
    }

    pub(super) const fn took_bytes(&self) -> bool {
        self.took_bytes
    }

    fn progress(&self) -> Progress {
        if self.reader.is_whole() { Progress::Whole } else { Progress::Partial }
    }

    /// Writes as much as the stream takes.
    fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Loss> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(0) => return Err(Loss::Network(ErrorKind::WriteZero.into())),
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Loss::Network(error)),
            }
            self.took_bytes |= sent > 0;
        }
        Ok(sent)
    }
}
