//! The origin's end of the links: what every process of the edge asks, and what it counted.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Buf as _;
use domain::shop::{CacheState, ShopReply};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::server::desk::{Answer, Message};
use crate::server::link::{BATCH_MAX, Frame, Frames, Hello, Kind, put, put_said};
use crate::server::origin::Office;
use crate::server::said::Said;

/// What goes to a process of the edge.
#[derive(Debug)]
pub(in crate::server) enum Told {
    /// The rules' answer to a question.
    Reply(u64, ShopReply),
    /// Another answer, or that there is none any more.
    Said(u64, Option<Said>),
    /// Asks for its counts.
    Count(u64),
}

/// What one process of the edge counted, or all of them together.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::server) struct Counted {
    /// Requests that reached the edge.
    pub(in crate::server) edge: u64,
    /// Requests that went on to the origin.
    pub(in crate::server) origin: u64,
    /// What its cache did.
    pub(in crate::server) cache: CacheState,
}

/// The links to all processes of the edge; none when the edge is in the origin's own process.
#[derive(Debug, Default)]
pub(in crate::server) struct Hub {
    spokes: Vec<Arc<Spoke>>,
}

/// One process of the edge, seen from here.
#[derive(Debug)]
struct Spoke {
    told: mpsc::UnboundedSender<Told>,
    counts: Mutex<Counts>,
}

/// Who waits for this process's counts.
#[derive(Debug, Default)]
struct Counts {
    asked: u64,
    waiting: HashMap<u64, oneshot::Sender<Counted>>,
}

/// One link, before it is served.
#[derive(Debug)]
pub(in crate::server) struct Link {
    frames: Frames<OwnedReadHalf>,
    write: OwnedWriteHalf,
    spoke: Arc<Spoke>,
    tell: mpsc::UnboundedReceiver<Told>,
}

impl Hub {
    /// Says what they must know to the processes at the other ends, and waits until all listen.
    ///
    /// # Errors
    /// When one does not come to listen.
    pub(in crate::server) async fn gather(
        streams: Vec<UnixStream>,
        hello: &Hello,
    ) -> io::Result<(Self, Vec<Link>)> {
        let hello = serde_json::to_vec(hello).expect("settings can always be written");
        let mut first = Vec::new();
        put(&mut first, Kind::Hello, 0, |to| to.extend_from_slice(&hello));
        let (mut spokes, mut links) = (Vec::new(), Vec::new());
        for stream in streams {
            let (read, mut write) = stream.into_split();
            write.write_all(&first).await?;
            let (told, tell) = mpsc::unbounded_channel();
            let spoke = Arc::new(Spoke { told, counts: Mutex::default() });
            spokes.push(Arc::clone(&spoke));
            links.push(Link { frames: Frames::new(read), write, spoke, tell });
        }
        for link in &mut links {
            match link.frames.next().await? {
                Some(Frame { kind: Kind::Ready, .. }) => {}
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok((Self { spokes }, links))
    }

    /// What all processes of the edge counted until now; nothing when one of them is gone.
    pub(in crate::server) async fn count(&self) -> Option<Counted> {
        let asked: Vec<_> = self.spokes.iter().map(|spoke| spoke.count()).collect();
        let mut sum = Counted::default();
        for counted in asked {
            let counted = counted.await.ok()?;
            sum.edge += counted.edge;
            sum.origin += counted.origin;
            sum.cache += counted.cache;
        }
        Some(sum)
    }

    /// How many processes of the edge there are.
    pub(in crate::server) fn processes(&self) -> u64 {
        self.spokes.len() as u64
    }
}

impl Spoke {
    fn count(&self) -> oneshot::Receiver<Counted> {
        let (sender, receiver) = oneshot::channel();
        let mut counts = self.counts();
        counts.asked += 1;
        let number = counts.asked;
        counts.waiting.insert(number, sender);
        if self.told.send(Told::Count(number)).is_err() {
            counts.waiting.clear();
        }
        receiver
    }

    fn counted(&self, Frame { number, mut payload, .. }: Frame) -> io::Result<()> {
        let mut read = || payload.try_get_u64_le().map_err(|_| io::ErrorKind::InvalidData);
        let (edge, origin) = (read()?, read()?);
        let counted = Counted { edge, origin, cache: serde_json::from_slice(&payload)? };
        if let Some(waiting) = self.counts().waiting.remove(&number) {
            // Who has hung up does not listen.
            let _ = waiting.send(counted);
        }
        Ok(())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("who locks the counts does not panic")
    }
}

impl Link {
    /// Carries questions to the office and answers back, until the process at the other end is
    /// gone.
    ///
    /// # Errors
    /// When the stream breaks, or what arrives makes no sense.
    pub(in crate::server) async fn serve(self, office: Arc<Office>) -> io::Result<()> {
        let Self { frames, write, spoke, tell } = self;
        let ended = tokio::select! {
            ended = listen(frames, &spoke, office) => ended,
            ended = tell_all(write, tell) => ended,
        };
        // Who waits for the counts of a process that is gone hears that there are none.
        spoke.counts().waiting.clear();
        ended
    }
}

/// Hears what the other end asks. It never waits for the other end to read, so both ends cannot
/// wait for each other.
async fn listen(
    mut frames: Frames<OwnedReadHalf>,
    spoke: &Spoke,
    office: Arc<Office>,
) -> io::Result<()> {
    let mut looks = JoinSet::new();
    while let Some(frame) = frames.next().await? {
        let (number, told) = (frame.number, spoke.told.clone());
        let answer = move |said| {
            // A process that is gone does not listen.
            let _ = told.send(Told::Said(number, said));
        };
        match frame.kind {
            Kind::Ask => match serde_json::from_slice(&frame.payload) {
                Ok(request) => {
                    // A desk that is gone drops the answer, which says so.
                    let told = Answer::There(number, spoke.told.clone());
                    let _ = office.desk.send(Message::Request(request, told));
                }
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            },
            Kind::Snapshot => {
                let office = Arc::clone(&office);
                looks.spawn(async move { answer(office.snapshot().await) });
            }
            Kind::Ledger => {
                let office = Arc::clone(&office);
                looks.spawn(async move { answer(office.ledger().await) });
            }
            Kind::Counted => spoke.counted(frame)?,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        while looks.try_join_next().is_some() {}
    }
    Ok(())
}

/// Writes what is to be told, as much as waits in one go.
async fn tell_all(
    mut write: OwnedWriteHalf,
    mut tell: mpsc::UnboundedReceiver<Told>,
) -> io::Result<()> {
    let (mut batch, mut bytes) = (Vec::new(), Vec::new());
    while tell.recv_many(&mut batch, BATCH_MAX).await > 0 {
        for told in batch.drain(..) {
            match told {
                Told::Reply(number, reply) => put_said(&mut bytes, number, &Said::reply(&reply)),
                Told::Said(number, Some(said)) => put_said(&mut bytes, number, &said),
                Told::Said(number, None) => put(&mut bytes, Kind::Gone, number, |_| {}),
                Told::Count(number) => put(&mut bytes, Kind::Count, number, |_| {}),
            }
        }
        write.write_all(&bytes).await?;
        bytes.clear();
    }
    Ok(())
}
