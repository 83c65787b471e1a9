//! The way between the edge's processes and the origin: frames over one stream for each process.
//!
//! A frame is its length \[bytes, u32\], its kind, the number of the question it belongs to
//! \[u64\] and a payload, all in little endian. Whatever waits goes out in one write, so a
//! question at the origin costs a fraction of a system call when many are asked.

pub(super) mod hub;
pub(super) mod spoke;

use std::io;
use std::net::SocketAddr;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use domain::shop::Catalogue;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::server::said::{Content, Said};
use crate::server::tls::Identity;
use crate::settings::Edge;

/// Length, kind and number \[bytes\].
const HEAD_LENGTH: usize = 13;

/// How many messages go out in one write at most.
const BATCH_MAX: usize = 1_024;

/// How much is read at once \[bytes\]: some hundred questions.
const READ_LENGTH: usize = 16_384;

/// What a process of the edge must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) listen: SocketAddr,
    pub(super) identity: Option<Identity>,
    pub(super) catalogue: Catalogue,
    pub(super) edge: Edge,
    pub(super) began_utc_ns: u64,
}

/// What a frame is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// To a process: what it must know ([`Hello`] as JSON).
    Hello,
    /// From a process: it listens.
    Ready,
    /// From a process: a request of the shop (JSON).
    Ask,
    /// From a process: what the shop says of itself.
    Snapshot,
    /// From a process: all that the shop wrote down.
    Ledger,
    /// To a process: the answer, [`Said`].
    Said,
    /// To a process: there is no answer any more.
    Gone,
    /// To a process: how many requests it has counted.
    Count,
    /// From a process: so many at the edge, and so many at the origin, each u64; and what its cache did
    /// ([`domain::shop::CacheState`] as JSON).
    Counted,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Hello,
        Self::Ready,
        Self::Ask,
        Self::Snapshot,
        Self::Ledger,
        Self::Said,
        Self::Gone,
        Self::Count,
        Self::Counted,
    ];
}

/// One frame that has arrived whole.
#[derive(Debug)]
struct Frame {
    kind: Kind,
    number: u64,
    payload: Bytes,
}

/// Appends a frame whose payload `write` appends.
fn put(to: &mut Vec<u8>, kind: Kind, number: u64, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = to.len();
    to.put_u32_le(0);
    to.put_u8(kind as u8);
    to.put_u64_le(number);
    write(to);
    let length = u32::try_from(to.len() - begin).expect("a ledger is shorter than 4 GB");
    to[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
}

/// Appends an answer of the shop.
fn put_said(to: &mut Vec<u8>, number: u64, said: &Said) {
    put(to, Kind::Said, number, |to| {
        to.put_u16_le(said.status);
        to.put_u8(said.content as u8);
        // No wait that HTTP can ask for is that long.
        to.put_u32_le(said.retry_after_s.unwrap_or(u32::MAX));
        to.put_slice(&said.body);
    });
}

/// The answer of the shop in a payload.
///
/// # Errors
/// When it is none.
fn take_said(mut payload: Bytes) -> io::Result<Said> {
    let read = |payload: &mut Bytes| {
        let status = payload.try_get_u16_le().ok()?;
        let content = Content::ALL.get(usize::from(payload.try_get_u8().ok()?)).copied()?;
        let retry_after_s = payload.try_get_u32_le().ok()?;
        Some((status, content, Some(retry_after_s).filter(|seconds| *seconds < u32::MAX)))
    };
    let (status, content, retry_after_s) = read(&mut payload).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Said { status, content, retry_after_s, ..Said::new(payload) })
}

/// The frames of a stream, one after the other.
#[derive(Debug)]
struct Frames<R> {
    stream: R,
    arrived: BytesMut,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    fn new(stream: R) -> Self {
        Self { stream, arrived: BytesMut::new() }
    }

    /// The next frame, or nothing at the stream's end. A call may be dropped without loss.
    ///
    /// # Errors
    /// When the stream breaks, or what arrives is no frame.
    async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            self.arrived.reserve(READ_LENGTH);
            if self.stream.read_buf(&mut self.arrived).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take(&mut self) -> io::Result<Option<Frame>> {
        let Some(length) = self.arrived.first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length < HEAD_LENGTH {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if self.arrived.len() < length {
            return Ok(None);
        }
        let mut payload = self.arrived.split_to(length).freeze();
        payload.advance(4);
        let kind = Kind::ALL.get(usize::from(payload.get_u8())).copied();
        let kind = kind.ok_or(io::ErrorKind::InvalidData)?;
        let number = payload.get_u64_le();
        Ok(Some(Frame { kind, number, payload }))
    }
}
