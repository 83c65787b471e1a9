//! The rude shop in HTTP/2: the same deeds, told in its frames.

use std::thread;

use bytes::Bytes;
use h2::Reason;
use h2::server::{Connection, SendResponse, handshake};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, USER_AGENT};
use http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Deed, Guest};

/// How often the connection may go on before what was told has surely left: each turn writes all
/// that the socket takes.
const TURNS: usize = 16;

pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    guest: &mut Guest<'_>,
) -> Result<(), h2::Error> {
    let mut connection = handshake(stream).await?;
    // A silent shop keeps what it does not answer: to let go of it would be an answer.
    let mut unanswered = Vec::new();
    while let Some(asked) = connection.accept().await {
        let (request, mut respond) = asked?;
        let line = format!("{} {}", request.method(), request.uri().path());
        let agent = request.headers().get(USER_AGENT).map_or("", |agent| agent.to_str().unwrap());
        match guest.decide(&line, agent) {
            Deed::Answer(text) | Deed::Deaf(text) => answer(&mut respond, &text, usize::MAX)?,
            Deed::Trickle(text) => answer(&mut respond, &text, 1)?,
            Deed::Late(pause, text) => {
                thread::sleep(pause);
                answer(&mut respond, &text, usize::MAX)?;
            }
            Deed::Part(text) | Deed::Endless(text, _) => begin(&mut respond, &text)?,
            Deed::AnswerAndClose(text) | Deed::HalfClose(text) => {
                answer(&mut respond, &text, usize::MAX)?;
                connection.graceful_shutdown();
            }
            Deed::Reset(text) => {
                if !text.is_empty() {
                    begin(&mut respond, &text)?;
                }
                go_on(&mut connection).await;
                return guest.reset().map_err(|_| Reason::INTERNAL_ERROR.into());
            }
            Deed::Silence => unanswered.push((request, respond)),
        }
    }
    Ok(())
}

/// Lets the connection write what it has.
async fn go_on<S: AsyncRead + AsyncWrite + Unpin>(connection: &mut Connection<S, Bytes>) {
    for _ in 0..TURNS {
        let once = std::future::poll_fn(|context| {
            let _ = connection.poll_closed(context);
            std::task::Poll::Ready(())
        });
        once.await;
        tokio::task::yield_now().await;
    }
}

/// Answers what `text` says in HTTP/1.1, its body in pieces of `piece` bytes.
fn answer(respond: &mut SendResponse<Bytes>, text: &str, piece: usize) -> Result<(), h2::Error> {
    let (response, body) = parse(text);
    let mut stream = respond.send_response(response, body.is_empty())?;
    let pieces: Vec<&[u8]> = body.chunks(piece).collect();
    for (number, piece) in (1..).zip(&pieces) {
        stream.send_data(Bytes::copy_from_slice(piece), number == pieces.len())?;
    }
    Ok(())
}

/// Begins to answer, and leaves it at that.
fn begin(respond: &mut SendResponse<Bytes>, text: &str) -> Result<(), h2::Error> {
    let (response, body) = parse(text);
    let mut stream = respond.send_response(response, false)?;
    stream.send_data(body, false)?;
    // Whoever lets go of an answer that is not over resets it.
    std::mem::forget(stream);
    Ok(())
}

fn parse(text: &str) -> (Response<()>, Bytes) {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut fields);
    let length = parsed.parse(text.as_bytes()).unwrap().unwrap();
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(parsed.code.unwrap()).unwrap();
    for field in parsed.headers {
        let name: http::HeaderName = field.name.parse().unwrap();
        // How long a body is, is told in another way; it need not be as long as was said.
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            response.headers_mut().insert(name, field.value.try_into().unwrap());
        }
    }
    (response, Bytes::copy_from_slice(&text.as_bytes()[length..]))
}
