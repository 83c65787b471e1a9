//! The fast lane: plain requests of HTTP/1.1, read and answered without the library.
//!
//! Nearly all that a crowd asks is plain: a whole GET, or a POST of known length, over a connection
//! that is kept. For these a connection needs no buffers while it is idle, and a cached page costs
//! little more than its two system calls. Whatever is not plain (HTTP/2, HTTP/1.0, chunks, `Expect`,
//! other methods, nonsense) is left to the library, with all that has arrived of it.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::server::http::{BODY_LENGTH_MAX, Front, Route, respond, route};

/// How much is read at once \[bytes\]: a request of a fan is below 500.
const READ_LENGTH: usize = 4_096;

/// The longest head of a plain request \[bytes\].
const HEAD_LENGTH_MAX: usize = 8_192;

/// The most headers of a plain request.
const HEADERS_MAX: usize = 32;

/// How much waits to be written at most before it is \[bytes\], however many requests came at once.
const WRITE_LENGTH: usize = 65_536;

/// What has arrived so far is.
#[derive(Debug)]
enum Arrived {
    /// A request, and how long its head and its body are \[bytes\].
    Plain(Route, usize, usize),
    /// The beginning of something.
    Part,
    /// Something for the library.
    Odd,
}

/// Serves plain requests as long as they come. Returns what comes then, if anything: the
/// connection, from the first byte that is not answered.
pub(super) async fn serve<S>(mut stream: S, front: &Front) -> Option<Rewound<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut arrived, mut begin) = (Vec::new(), 0);
    let mut answers = Vec::new();
    loop {
        match look(&arrived[begin..]) {
            Arrived::Plain(route, head, body) => {
                let end = begin + head + body;
                let said = respond(front, route, &arrived[begin + head..end]).await;
                said.render(&front.date.at(front.clock), &mut answers);
                begin = end;
                if answers.len() >= WRITE_LENGTH {
                    write(&mut stream, std::mem::take(&mut answers)).await.ok()?;
                }
            }
            Arrived::Part => {
                // Whoever waits for the rest is not kept waiting for what is answered, and an idle
                // connection holds no memory.
                write(&mut stream, std::mem::take(&mut answers)).await.ok()?;
                arrived = if begin < arrived.len() { arrived.split_off(begin) } else { Vec::new() };
                begin = 0;
                let read = poll_fn(|context| read(&mut stream, context, &mut arrived));
                if read.await.ok()? == 0 {
                    return None;
                }
            }
            Arrived::Odd => {
                write(&mut stream, answers).await.ok()?;
                return Some(Rewound { first: arrived, begin, stream });
            }
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, answers: Vec<u8>) -> io::Result<()> {
    if !answers.is_empty() {
        stream.write_all(&answers).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// Reads what is there, through a buffer that is nobody's between two reads.
fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    arrived: &mut Vec<u8>,
) -> Poll<io::Result<usize>> {
    let mut buffer = [MaybeUninit::uninit(); READ_LENGTH];
    let mut buffer = ReadBuf::uninit(&mut buffer);
    ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
    arrived.extend_from_slice(buffer.filled());
    Poll::Ready(Ok(buffer.filled().len()))
}

fn look(arrived: &[u8]) -> Arrived {
    if arrived.is_empty() {
        return Arrived::Part;
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(arrived) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) if arrived.len() < HEAD_LENGTH_MAX => return Arrived::Part,
        _ => return Arrived::Odd,
    };
    let (Some(method @ ("GET" | "POST")), Some(path), Some(1)) =
        (request.method, request.path, request.version)
    else {
        return Arrived::Odd;
    };
    let body = match body_length(request.headers) {
        Some(0) => 0,
        Some(length @ 1..=BODY_LENGTH_MAX) if method == "POST" => length,
        _ => return Arrived::Odd,
    };
    if arrived.len() < head + body {
        return Arrived::Part;
    }
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if !path.starts_with('/') {
        return Arrived::Odd;
    }
    Arrived::Plain(route(method, path), head, body)
}

/// How long the body is \[bytes\]; nothing when the headers ask for more than the lane knows.
fn body_length(headers: &[httparse::Header<'_>]) -> Option<usize> {
    let mut length = None;
    for header in headers {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let digits = std::str::from_utf8(header.value).ok()?;
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            let known = length.replace(digits.parse().ok()?);
            if !plain || known.is_some() {
                return None;
            }
        } else if is("connection") {
            if !header.value.eq_ignore_ascii_case(b"keep-alive") {
                return None;
            }
        } else if is("transfer-encoding") || is("expect") || is("upgrade") {
            return None;
        }
    }
    Some(length.unwrap_or(0))
}

/// A connection of which something has been read that is to be read again.
#[derive(Debug)]
pub(super) struct Rewound<S> {
    first: Vec<u8>,
    begin: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let first = &this.first[this.begin..];
        if first.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let length = first.len().min(buffer.remaining());
        buffer.put_slice(&first[..length]);
        this.begin += length;
        if this.begin == this.first.len() {
            (this.first, this.begin) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
