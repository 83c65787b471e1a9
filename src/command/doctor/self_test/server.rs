//! A server of known latency: it answers each fan after a time that hangs on the request's number
//! alone, and writes down how long it really took.
//!
//! What it writes down is the truth that the generator is measured against: from the moment at
//! which the request lay in this process's hands until just before its answer was written. Both
//! ends lie within what a client can see, so that no client can measure less.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use domain::outcome::Outcome;
use domain::quantiles::Quantiles;
use domain::shop::{ShopReply, ShopSnapshot};
use domain::time::{Duration, Time};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use crate::live::clock::Clock;

/// The token of the listening socket; connections have those from 0 on.
const LISTENER: Token = Token(usize::MAX);
/// The most events taken at once.
const EVENTS: usize = 1_024;
/// Connections that wait to be accepted: more than meet the freeze; the system allows fewer
/// (`net.core.somaxconn`).
const QUEUE: i32 = 16_384;
/// The longest request that is read: a fan's is some 100 bytes \[bytes\].
const REQUEST_MAX: usize = 4_096;
/// The golden ratio's fractional part: its multiples, less their whole parts, fill \[0, 1) evenly,
/// so that any stretch of requests has the whole distribution.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// How long answers take, by quantiles: 1 ms at least, 5 ms for half, half a second at most.
const LATENCY_MS: [u64; 9] = [1, 3, 5, 10, 20, 50, 200, 400, 500];

/// When the server stands still: it takes requests, as a kernel does for a process that is stopped,
/// and answers nobody.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Freeze {
    /// How long after the first request.
    pub(super) after: Duration,
    /// How long.
    pub(super) length: Duration,
}

/// What the server did, as it knows itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Truth {
    /// From each request to its answer \[ns\], in the order of the answers.
    pub(super) times_ns: Vec<u64>,
    /// Requests that arrived while it stood still.
    pub(super) met_the_freeze: u64,
}

/// An answer that is due.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Time,
    connection: usize,
    arrived: Time,
}

/// A connection and what has come over it of the next request.
#[derive(Debug)]
struct Client {
    stream: TcpStream,
    request: Vec<u8>,
}

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    clock: Clock,
    poll: Poll,
    listener: TcpListener,
    /// By their tokens; a number is not given twice, for an answer may still be due to it.
    clients: Vec<Option<Client>>,
    due: BinaryHeap<Reverse<Due>>,
    latency: Quantiles,
    freeze: Option<Freeze>,
    /// When it stands still, once the first request has come.
    frozen: Option<(Time, Time)>,
    asked: u32,
    truth: Truth,
}

impl Server {
    /// A server on a free port of this machine, and that port.
    ///
    /// # Errors
    /// When the system gives no socket.
    pub(super) fn open(freeze: Option<Freeze>) -> io::Result<(Self, u16)> {
        let mut listener = listen()?;
        let port = listener.local_addr()?.port();
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let latency = Quantiles::new(LATENCY_MS.map(|ms| Some(Duration::from_millis(ms))))
            .expect("the quantiles ascend");
        let server = Self {
            clock: Clock::begin_in(Duration::ZERO),
            poll,
            listener,
            clients: Vec::new(),
            due: BinaryHeap::new(),
            latency,
            freeze,
            frozen: None,
            asked: 0,
            truth: Truth::default(),
        };
        Ok((server, port))
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// When the system's poll fails.
    pub(super) fn serve(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let wait = self.due.peek().map(|due| due.0.at.since(self.clock.now()));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            // Whatever is announced has come by now: that is closer to the truth than when its
            // turn comes in this batch.
            let arrived = self.clock.now();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(number) => self.read(number, arrived),
                }
            }
            self.answer_what_is_due();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let token = Token(self.clients.len());
            self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
            self.clients.push(Some(Client { stream, request: Vec::new() }));
        }
    }

    /// Reads what has come over a connection; a whole request is answered now or later.
    fn read(&mut self, number: usize, arrived: Time) {
        let Some(Some(client)) = self.clients.get_mut(number) else { return };
        let mut buffer = [0; REQUEST_MAX];
        loop {
            match client.stream.read(&mut buffer) {
                Ok(count) if count > 0 && client.request.len() < REQUEST_MAX => {
                    client.request.extend_from_slice(&buffer[..count]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // It has gone, or says more than any fan would.
                Ok(_) | Err(_) => {
                    self.clients[number] = None;
                    return;
                }
            }
        }
        if !client.request.ends_with(b"\r\n\r\n") {
            return;
        }
        let request = std::mem::take(&mut client.request);
        if request.starts_with(b"GET /items/") {
            let at = self.due_at(arrived);
            self.due.push(Reverse(Due { at, connection: number, arrived }));
        } else {
            let answer = self.administration(&request);
            self.write(number, answer.as_bytes());
        }
    }

    /// When the answer to a request of now is due.
    fn due_at(&mut self, arrived: Time) -> Time {
        let share = (f64::from(self.asked) * GOLDEN).fract();
        self.asked += 1;
        let due = arrived + self.latency.at(share);
        let Some(freeze) = self.freeze else { return due };
        let from = arrived + freeze.after;
        let (from, until) = *self.frozen.get_or_insert((from, from + freeze.length));
        self.truth.met_the_freeze += u64::from((from..until).contains(&arrived));
        if (from..until).contains(&due) { until } else { due }
    }

    fn answer_what_is_due(&mut self) {
        let answer = answer(409, &ShopReply::of(Outcome::SoldOut));
        while let Some(Reverse(due)) = self.due.peek().copied() {
            let now = self.clock.now();
            if due.at > now {
                return;
            }
            self.due.pop();
            let times = &mut self.truth.times_ns;
            times.push(u64::try_from(now.since(due.arrived).as_nanos()).unwrap_or(u64::MAX));
            self.write(due.connection, answer.as_bytes());
        }
    }

    /// What is asked besides: by the probe, by who watches, and at the end for the truth.
    fn administration(&self, request: &[u8]) -> String {
        if request.starts_with(b"GET /truth ") {
            answer(200, &self.truth)
        } else if request.starts_with(b"GET /admin/snapshot ") {
            answer(200, &ShopSnapshot::default())
        } else if request.starts_with(b"GET /admin/ledger ") {
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else {
            answer(200, &ShopReply::of(Outcome::Ok))
        }
    }

    /// Writes an answer. A fan's fits into any socket's buffer; only the truth may wait for room.
    fn write(&mut self, number: usize, mut bytes: &[u8]) {
        let Some(Some(client)) = self.clients.get_mut(number) else { return };
        while !bytes.is_empty() {
            match client.stream.write(bytes) {
                Ok(count) if count > 0 => bytes = &bytes[count..],
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    std::thread::yield_now();
                }
                Ok(_) | Err(_) => {
                    self.clients[number] = None;
                    return;
                }
            }
        }
    }
}

/// A listening socket on a free port, with as long a queue as the system allows: those who come
/// while the server stands still must not be turned away by the kernel.
fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let anywhere: SocketAddr = ([127, 0, 0, 1], 0).into();
    socket.bind(&anywhere.into())?;
    socket.listen(QUEUE)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

fn answer(status: u16, body: &impl Serialize) -> String {
    let body = serde_json::to_string(body).expect("plain fields become JSON");
    let length = body.len();
    format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n\
         {body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn server(freeze: Option<Freeze>) -> Server {
        Server::open(freeze).unwrap().0
    }

    #[test]
    fn a_thousand_requests_in_a_row_have_the_whole_distribution() {
        let mut server = server(None);
        let mut times: Vec<u64> = (0..1_000).map(|_| server.due_at(Time::ZERO).nanos()).collect();
        times.sort_unstable();
        assert!(times[0] >= MS && times[999] <= 500 * MS);
        for (place, share) in [(500, 0.5), (900, 0.9), (950, 0.95), (990, 0.99)] {
            // Evenly spread, each is at most two places from where it belongs.
            let [low, high] = [share - 0.002, share + 0.002].map(|share| server.latency.at(share));
            let found = Duration::from_nanos(times[place]);
            assert!(low <= found && found <= high, "{place}: {found:?}");
        }
    }

    #[test]
    fn nothing_is_answered_in_the_freeze_and_nothing_waits_longer_than_its_end() {
        let (after, length) = (Duration::from_secs(1), Duration::from_millis(600));
        let mut server = server(Some(Freeze { after, length }));
        let (from, until) = (Time::from_millis(1_000), Time::from_millis(1_600));
        for at_ms in 0..3_000 {
            let at = Time::from_millis(at_ms);
            let due = server.due_at(at);
            assert!(due > at && !(from..until).contains(&due), "{at_ms}");
            assert!(due <= until || due <= at + Duration::from_millis(500), "{at_ms}");
        }
        assert_eq!(server.truth.met_the_freeze, 600);
    }
}
