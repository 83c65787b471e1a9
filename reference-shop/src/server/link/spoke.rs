//! The edge's end of its link: questions go out as they come, answers go to who asked.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;

use bytes::BufMut as _;
use domain::shop::ShopRequest;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::rules::Ticket;
use crate::server::http::Front;
use crate::server::link::{BATCH_MAX, Frame, Frames, Hello, Kind, put, take_said};
use crate::server::pages::{Again, Page};
use crate::server::said::Said;

/// What the edge asks of the origin.
#[derive(Debug)]
pub(in crate::server) enum Question {
    /// A request of a fan.
    Ask(ShopRequest, oneshot::Sender<Said>),
    /// A page, for this one of the cache's tickets.
    Fetch(Page, Ticket),
    /// What the shop says of itself now.
    Snapshot(oneshot::Sender<Said>),
    /// All that it wrote down.
    Ledger(oneshot::Sender<Said>),
}

/// Who waits for an answer.
#[derive(Debug)]
enum Asked {
    Fan(oneshot::Sender<Said>),
    Edge(Page, Ticket),
}

/// The link of one process of the edge.
#[derive(Debug)]
pub(in crate::server) struct Link {
    frames: Frames<OwnedReadHalf>,
    write: OwnedWriteHalf,
    asked: HashMap<u64, Asked>,
    numbers: u64,
}

impl Link {
    /// Hears from the origin what this process must know.
    ///
    /// # Errors
    /// When the origin is gone, or says something else.
    pub(in crate::server) async fn greet(stream: UnixStream) -> io::Result<(Self, Hello)> {
        let (read, write) = stream.into_split();
        let mut frames = Frames::new(read);
        match frames.next().await? {
            Some(Frame { kind: Kind::Hello, payload, .. }) => {
                let hello = serde_json::from_slice(&payload)?;
                Ok((Self { frames, write, asked: HashMap::new(), numbers: 0 }, hello))
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Says that this process listens; then carries questions and answers until the origin ends.
    ///
    /// # Errors
    /// When the stream breaks, or what arrives makes no sense.
    pub(in crate::server) async fn serve(
        mut self,
        front: &Front,
        mut questions: mpsc::UnboundedReceiver<Question>,
    ) -> io::Result<()> {
        let (mut batch, mut bytes) = (Vec::new(), Vec::new());
        put(&mut bytes, Kind::Ready, 0, |_| {});
        self.write.write_all(&bytes).await?;
        loop {
            bytes.clear();
            tokio::select! {
                frame = self.frames.next() => match frame? {
                    Some(frame) => self.hear(front, frame, &mut bytes)?,
                    None => return Ok(()),
                },
                _ = questions.recv_many(&mut batch, BATCH_MAX) => {
                    for question in batch.drain(..) {
                        self.ask(question, &mut bytes);
                    }
                }
            }
            // The origin's end reads whatever happens, so this does not wait for long.
            self.write.write_all(&bytes).await?;
        }
    }

    fn ask(&mut self, question: Question, bytes: &mut Vec<u8>) {
        self.numbers += 1;
        let number = self.numbers;
        let mut ask = |request: &ShopRequest| {
            put(bytes, Kind::Ask, number, |to| {
                serde_json::to_writer(to, request).expect("a request can always be written");
            });
        };
        let asked = match question {
            Question::Ask(request, to) => {
                ask(&request);
                Asked::Fan(to)
            }
            Question::Fetch(page, ticket) => {
                ask(&ShopRequest::Page { sale: page.sale, part: page.part });
                Asked::Edge(page, ticket)
            }
            Question::Snapshot(to) => {
                put(bytes, Kind::Snapshot, number, |_| {});
                Asked::Fan(to)
            }
            Question::Ledger(to) => {
                put(bytes, Kind::Ledger, number, |_| {});
                Asked::Fan(to)
            }
        };
        self.asked.insert(number, asked);
    }

    fn hear(&mut self, front: &Front, frame: Frame, bytes: &mut Vec<u8>) -> io::Result<()> {
        match frame.kind {
            Kind::Count => {
                put(bytes, Kind::Counted, frame.number, |to| {
                    to.put_u64_le(front.counters.edge.load(Ordering::Relaxed));
                    to.put_u64_le(front.counters.origin.load(Ordering::Relaxed));
                    serde_json::to_writer(to, &front.pages.counts())
                        .expect("counts can always be written");
                });
                return Ok(());
            }
            Kind::Said | Kind::Gone => {}
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        let asked = self.asked.remove(&frame.number).ok_or(io::ErrorKind::InvalidData)?;
        let said = match frame.kind {
            Kind::Said => Some(take_said(frame.payload)?),
            _ => None,
        };
        match (asked, said) {
            // Who has hung up does not listen.
            (Asked::Fan(to), Some(said)) => drop(to.send(said)),
            (Asked::Fan(to), None) => drop(to),
            (Asked::Edge(page, ticket), said) => {
                // From an origin that is shutting down nothing comes any more.
                let status = said.map_or(500, |said| said.status);
                match front.pages.fetched(front.clock.now(), page, ticket, status) {
                    Again::Once => {
                        front.counters.origin.fetch_add(1, Ordering::Relaxed);
                        self.ask(Question::Fetch(page, ticket), bytes);
                    }
                    Again::No => {}
                }
            }
        }
        Ok(())
    }
}
