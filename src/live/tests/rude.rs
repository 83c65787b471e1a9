//! A shop that does what it is told, however rude: one thread per connection, plain sockets.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use domain::outcome::Outcome;
use domain::shop::ShopReply;
use domain::time::Duration;

/// What the shop does about one request.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Answers.
    Answer(String),
    /// Answers one byte at a time, each in a packet of its own.
    Trickle(String),
    /// Sends this much and resets the connection.
    Reset(String),
    /// Answers and closes the connection, without having said so.
    AnswerAndClose(String),
    /// Answers, says that it will say no more, and listens on until the other side goes.
    HalfClose(String),
    /// Stops listening, answers, and closes.
    Deaf(String),
    /// Sends this much, and then nothing until the other side goes.
    Part(String),
    /// Sends the first, and then the second again and again until the other side goes.
    Endless(String, String),
    /// Answers after a while, during which this connection is frozen.
    Late(Duration, String),
    /// Never answers.
    Silence,
}

/// A request that the shop is to decide about.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Such as `GET /sales/0/status`.
    pub(super) line: String,
    /// How many requests with the same line came before, over all connections.
    pub(super) before: usize,
}

/// A running shop; it ends with the process.
#[derive(Debug)]
pub(super) struct RudeShop {
    pub(super) address: SocketAddr,
    /// Connections that carried requests of fans.
    pub(super) connections: Arc<AtomicUsize>,
}

/// The answer of an honest shop, with a body where it has one to give.
pub(super) fn json(reply: &ShopReply) -> String {
    let body = serde_json::to_string(reply).unwrap();
    let status = ShopReply::status(reply.outcome);
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What an honest, open and well-stocked shop answers.
pub(super) fn honest(line: &str) -> String {
    let ok = ShopReply { items: Some(1), slots: Some(1), ..ShopReply::of(Outcome::Ok) };
    let body = "<p>page</p>".repeat(50);
    match line {
        _ if line.contains("/page/") => {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        "GET /admin/snapshot" => {
            let snapshot = domain::shop::ShopSnapshot::default();
            let body = serde_json::to_string(&snapshot).unwrap();
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        "GET /admin/ledger" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n".to_owned()
        }
        _ => json(&ok),
    }
}

impl RudeShop {
    /// Opens a shop on a free port that does `deed` about fans' requests; `None` means that it
    /// answers honestly, as it always does to the probe and to administrators.
    pub(super) fn open(deed: impl Fn(&Asked) -> Option<Deed> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (deed, counted) = (Arc::new(deed), Arc::clone(&connections));
        let seen = Arc::new(std::sync::Mutex::new(std::collections::HashMap::new()));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (deed, counted, seen) =
                    (Arc::clone(&deed), Arc::clone(&counted), Arc::clone(&seen));
                thread::spawn(move || {
                    let decide = |line: &str| {
                        let mut seen = seen.lock().unwrap();
                        let before: &mut usize = seen.entry(line.to_owned()).or_default();
                        *before += 1;
                        deed(&Asked { line: line.to_owned(), before: *before - 1 })
                    };
                    // A broken connection is what these shops are for.
                    let _ = serve(stream, &counted, decide);
                });
            }
        });
        Self { address, connections }
    }
}

fn serve(
    stream: TcpStream,
    connections: &AtomicUsize,
    decide: impl Fn(&str) -> Option<Deed>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut is_fan = false;
    while let Some((line, agent)) = read_request(&mut reader)? {
        let by_fan = agent.starts_with("spike/");
        if by_fan && !is_fan {
            is_fan = true;
            connections.fetch_add(1, Ordering::SeqCst);
        }
        let deed = if by_fan { decide(&line) } else { None };
        match deed.unwrap_or_else(|| Deed::Answer(honest(&line))) {
            Deed::Answer(bytes) => writer.write_all(bytes.as_bytes())?,
            Deed::Trickle(bytes) => {
                for byte in bytes.bytes() {
                    writer.write_all(&[byte])?;
                }
            }
            Deed::Reset(bytes) => {
                writer.write_all(bytes.as_bytes())?;
                socket2::SockRef::from(&writer).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            Deed::AnswerAndClose(bytes) => return writer.write_all(bytes.as_bytes()),
            Deed::HalfClose(bytes) => {
                writer.write_all(bytes.as_bytes())?;
                writer.shutdown(Shutdown::Write)?;
                return drain(&mut reader);
            }
            Deed::Deaf(bytes) => {
                writer.shutdown(Shutdown::Read)?;
                return writer.write_all(bytes.as_bytes());
            }
            Deed::Part(bytes) => {
                writer.write_all(bytes.as_bytes())?;
                return drain(&mut reader);
            }
            Deed::Endless(first, again) => {
                writer.write_all(first.as_bytes())?;
                loop {
                    writer.write_all(again.as_bytes())?;
                }
            }
            Deed::Late(pause, bytes) => {
                thread::sleep(pause);
                writer.write_all(bytes.as_bytes())?;
            }
            Deed::Silence => {
                // Until the other side gives up.
                reader.read_exact(&mut [0])?;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Listens until the other side goes.
fn drain(reader: &mut impl Read) -> io::Result<()> {
    io::copy(reader, &mut io::sink()).map(drop)
}

/// The next request's method and path, and who sent it; `None` at the end of the connection.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<(String, String)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let (mut length, mut agent) = (0, String::new());
    loop {
        let mut field = String::new();
        reader.read_line(&mut field)?;
        let Some((name, value)) = field.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "user-agent" => value.clone_into(&mut agent),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let asked = line.rsplit_once(' ').unwrap().0.to_owned();
    Ok(Some((asked, agent)))
}
