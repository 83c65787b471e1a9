//! The rude shop in HTTP/1.1.

use std::io;
use std::net::Shutdown;
use std::thread;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite,
    AsyncWriteExt as _, BufReader,
};

use super::{Deed, Guest};

pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    guest: &mut Guest<'_>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some((line, agent)) = read_request(&mut stream).await? {
        match guest.decide(&line, &agent) {
            Deed::Answer(bytes) => tell(&mut stream, bytes.as_bytes()).await?,
            Deed::Trickle(bytes) => {
                for byte in bytes.bytes() {
                    tell(&mut stream, &[byte]).await?;
                }
            }
            Deed::Reset(bytes) => {
                tell(&mut stream, bytes.as_bytes()).await?;
                return guest.reset();
            }
            Deed::AnswerAndClose(bytes) => {
                tell(&mut stream, bytes.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Deed::HalfClose(bytes) => {
                tell(&mut stream, bytes.as_bytes()).await?;
                stream.shutdown().await?;
                return drain(&mut stream).await;
            }
            Deed::Deaf(bytes) => {
                guest.tcp.shutdown(Shutdown::Read)?;
                return tell(&mut stream, bytes.as_bytes()).await;
            }
            Deed::Part(bytes) => {
                tell(&mut stream, bytes.as_bytes()).await?;
                return drain(&mut stream).await;
            }
            Deed::Endless(first, again) => {
                tell(&mut stream, first.as_bytes()).await?;
                loop {
                    tell(&mut stream, again.as_bytes()).await?;
                }
            }
            Deed::Late(pause, bytes) => {
                thread::sleep(pause);
                tell(&mut stream, bytes.as_bytes()).await?;
            }
            Deed::Silence => {
                // Until the other side gives up.
                stream.read_exact(&mut [0]).await?;
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn tell(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Listens until the other side goes.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    tokio::io::copy(stream, &mut tokio::io::sink()).await.map(drop)
}

/// The next request's method and path, and who sent it; `None` at the end of the connection.
async fn read_request(
    reader: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<(String, String)>> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let (mut length, mut agent) = (0, String::new());
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).await?;
        let Some((name, value)) = field.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "user-agent" => value.clone_into(&mut agent),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).await?;
    let asked = line.rsplit_once(' ').unwrap().0.to_owned();
    Ok(Some((asked, agent)))
}
