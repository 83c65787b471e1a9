//! The endpoint that Prometheus scrapes: `GET /metrics`, a connection for each.
//!
//! A scraper that does not ask, or does not read its answer, is given up after a while; of those that are
//! there at once, so many are served and the others turned away. Each is counted as dropped.

use std::io;
use std::sync::Arc;

use domain::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Shared;
use crate::telemetry::prometheus::Form;

/// The consumer's word in the figures.
pub(super) const CONSUMER: &str = "scrape";

/// How long a scrape may take, from its connection to the last byte of its answer: Prometheus's own usual
/// timeout.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many are served at once; there is seldom a second one.
const AT_ONCE: usize = 8;
/// The longest head of a question that is read \[bytes\].
const HEAD_MAX: usize = 8_192;
/// The most fields of a question.
const FIELDS_MAX: usize = 64;
/// How long nobody is taken in after the system refused to give a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers whoever comes, as long as the thread runs.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            shared.count(CONSUMER, 0, 1);
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            match timeout(PATIENCE, converse(stream, &shared)).await {
                Ok(Ok(Said::Figures)) => shared.count(CONSUMER, 1, 0),
                // Who leaves early, or asks for something else, is not owed anything.
                Ok(_) => {}
                Err(_) => {
                    shared.count(CONSUMER, 0, 1);
                    shared.note("a scraper took more than 10 s".to_owned());
                }
            }
            drop(place);
        });
    }
}

/// What was answered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Said {
    Figures,
    SomethingElse,
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<Said> {
    let mut head = Vec::with_capacity(1_024);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_MAX || stream.read_buf(&mut head).await? == 0 {
            return Ok(Said::SomethingElse);
        }
    }
    let (answer, said) = answer(&head, shared);
    stream.write_all(&answer).await?;
    stream.shutdown().await?;
    Ok(said)
}

fn answer(head: &[u8], shared: &Shared) -> (Vec<u8>, Said) {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    let plain = "text/plain; charset=utf-8";
    let refuse = |status, why: &str| (written(status, plain, why.as_bytes()), Said::SomethingElse);
    let (Ok(_), Some(method), Some(path)) = (request.parse(head), request.method, request.path)
    else {
        return refuse("400 Bad Request", "this is no HTTP\n");
    };
    if path.split('?').next() != Some("/metrics") {
        return refuse("404 Not Found", "the figures are at /metrics\n");
    }
    if method != "GET" && method != "HEAD" {
        return refuse("405 Method Not Allowed", "ask with GET\n");
    }
    let accept = request.headers.iter().filter(|it| it.name.eq_ignore_ascii_case("accept"));
    let accept: Vec<_> = accept.map(|it| String::from_utf8_lossy(it.value)).collect();
    let form = Form::accepted(&accept.join(","));
    let body = {
        let state = shared.state();
        form.write(&state.totals.metrics(&state.traffics), &shared.run.resource)
    };
    let mut answer = written("200 OK", &form.content_type(), &body);
    if method == "HEAD" {
        answer.truncate(answer.len() - body.len());
    }
    (answer, Said::Figures)
}

fn written(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}
