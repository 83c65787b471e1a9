//! Frames on a pipe: a length of four bytes, lowest first, and so many bytes of postcard.

use std::io::{self, ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest frame that is believed \[bytes\]: far beyond the block of 128 KiB that a loop hands
/// over.
const FRAME_MAX: usize = 64 << 20;
/// The length of the length.
const LENGTH: usize = 4;

/// Writes frames.
#[derive(Debug)]
pub(super) struct FrameWriter<W> {
    sink: W,
    bytes: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    /// Frames into `sink`.
    pub(super) const fn new(sink: W) -> Self {
        Self { sink, bytes: Vec::new() }
    }

    /// Writes one frame, flushed.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub(super) fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[0; LENGTH]);
        self.bytes = postcard::to_extend(value, std::mem::take(&mut self.bytes))
            .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        let length = self.bytes.len() - LENGTH;
        let told = u32::try_from(length).ok().filter(|_| length <= FRAME_MAX).ok_or_else(|| {
            io::Error::new(ErrorKind::InvalidInput, format!("a frame of {length} bytes"))
        })?;
        self.bytes[..LENGTH].copy_from_slice(&told.to_le_bytes());
        self.sink.write_all(&self.bytes)?;
        self.sink.flush()
    }
}

/// Reads frames.
#[derive(Debug)]
pub(super) struct FrameReader<R> {
    source: R,
    bytes: Vec<u8>,
}

impl<R: Read> FrameReader<R> {
    /// Frames from `source`.
    pub(super) const fn new(source: R) -> Self {
        Self { source, bytes: Vec::new() }
    }

    /// The next frame; none when the other side has closed the pipe between two.
    ///
    /// # Errors
    /// When a frame breaks off or makes no sense.
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut length = [0; LENGTH];
        if self.source.read(&mut length[..1])? == 0 {
            return Ok(None);
        }
        self.source.read_exact(&mut length[1..])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > FRAME_MAX {
            let what = format!("a frame of {length} bytes is announced");
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        self.bytes.resize(length, 0);
        self.source.read_exact(&mut self.bytes)?;
        let value = postcard::from_bytes(&self.bytes)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(values: &[String]) -> Vec<u8> {
        let mut writer = FrameWriter::new(Vec::new());
        for value in values {
            writer.write(value).unwrap();
        }
        writer.sink
    }

    #[test]
    fn frames_come_out_as_they_went_in_and_end_where_the_pipe_ends() {
        let said = ["", "a fan", "ガチャ"].map(str::to_owned);
        let bytes = written(&said);
        let mut reader = FrameReader::new(&bytes[..]);
        for value in said {
            assert_eq!(reader.read::<String>().unwrap(), Some(value));
        }
        assert_eq!(reader.read::<String>().unwrap(), None);
    }

    #[test]
    fn a_frame_that_breaks_off_is_an_error_wherever_it_does() {
        let bytes = written(&["a fan".to_owned()]);
        for end in 1..bytes.len() {
            let error = FrameReader::new(&bytes[..end]).read::<String>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "cut at {end}");
        }
    }

    #[test]
    fn nonsense_is_refused_before_memory_is_taken_for_it() {
        let endless = [0xff; 16];
        let error = FrameReader::new(&endless[..]).read::<String>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let mut bytes = written(&["a fan".to_owned()]);
        bytes[LENGTH] = 0x7f;
        let error = FrameReader::new(&bytes[..]).read::<String>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
