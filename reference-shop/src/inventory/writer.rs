//! One thread that writes, with group commit, and one that reads: stock in memory and in `SQLite`.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use domain::id::OrderId;
use domain::shop::ShopLine;
use domain::time::{Duration, Time};
use tokio::sync::{mpsc, oneshot};

use crate::inventory::Balances;
use crate::inventory::memory::Memory;
use crate::inventory::redis::Counted;
use crate::inventory::sqlite::Sqlite;
use crate::inventory::stock::{Notice, StockError, tell};
use crate::inventory::unwritten::Unwritten;
use crate::inventory::view::View;
use crate::rules::{Asker, InventoryCall, InventoryReply, OrderRow};

/// How many calls share one transaction: enough for a second's orders, few enough that the first
/// of them does not wait long for the last.
const BATCH_MAX: usize = 512;

/// Where stock and orders are kept.
#[derive(Debug)]
pub enum Storage {
    /// In memory, shared by the two threads.
    Memory(Arc<Mutex<Memory>>),
    /// In a file.
    Sqlite(Box<Sqlite>),
    /// Counted in Redis, with the rest in a file.
    Redis(Box<Counted>),
}

enum Write {
    /// What is written down of orders, and the call that goes with it: all or nothing.
    Step {
        records: Vec<OrderRow>,
        call: Option<(Time, Asker, InventoryCall)>,
    },
    Lines(oneshot::Sender<Vec<ShopLine>>),
    Balances(oneshot::Sender<Balances>),
}

enum Look {
    Call { at: Time, asker: Asker, call: InventoryCall },
    Balances(oneshot::Sender<Balances>),
}

/// The two threads, and the way to them. The queues need no bound of their own: who asks waits for
/// the answer, so they are as long as there are requests and orders under way.
#[derive(Debug)]
pub(super) struct Writer {
    writes: Sender<Write>,
    looks: Sender<Look>,
    view: Arc<View>,
    /// What is to be written down with the next call, or flush.
    records: Mutex<Vec<OrderRow>>,
    unwritten: Option<Arc<Unwritten>>,
    /// Whether one look sees all of the stock; otherwise the writer alone knows when its parts agree.
    is_seen_at_once: bool,
    threads: [JoinHandle<()>; 2],
}

impl Writer {
    /// Starts the threads; what they have to say goes to `notices`. Each call that writes keeps
    /// its transaction open for `pause` beside its statements.
    ///
    /// # Errors
    /// When the database does not open a second time, for reading.
    pub(super) fn start(
        storage: Storage,
        pause: Duration,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Result<Self, StockError> {
        let reader = storage.reader().map_err(StockError::Read)?;
        let (writes, to_write) = channel();
        let (looks, to_look) = channel();
        let view = Arc::new(View::default());
        let unwritten = storage.outlives().then(Arc::<Unwritten>::default);
        let is_seen_at_once = storage.is_seen_at_once();
        let (changed, seen) = (Arc::clone(&view), Arc::clone(&view));
        let mut desk = WriteDesk {
            storage,
            pause,
            view: changed,
            unwritten: unwritten.clone(),
            notices: notices.clone(),
        };
        let writing = std::thread::spawn(move || {
            if let Err(error) = desk.write(&to_write) {
                tell(&desk.notices, Notice::Failed(error));
            }
        });
        let looking = std::thread::spawn(move || {
            if let Err(error) = look(&reader, &seen, &to_look, &notices) {
                tell(&notices, Notice::Failed(error));
            }
        });
        let records = Mutex::default();
        let threads = [writing, looking];
        Ok(Self { writes, looks, view, records, unwritten, is_seen_at_once, threads })
    }

    /// Asks; the answer comes as a [`Notice`]. Plain reads go past the writer.
    pub(super) fn call(&self, at: Time, asker: Asker, call: InventoryCall) {
        // A thread that is gone has sent its failure first.
        let _ = match call {
            InventoryCall::Read { .. } | InventoryCall::Availability { .. } => {
                self.looks.send(Look::Call { at, asker, call }).is_ok()
            }
            _ => self.step(Some((at, asker, call))),
        };
    }

    fn step(&self, call: Option<(Time, Asker, InventoryCall)>) -> bool {
        let records = std::mem::take(&mut *locked(&self.records));
        let nothing = records.is_empty() && call.is_none();
        nothing || self.writes.send(Write::Step { records, call }).is_ok()
    }

    /// What is free in a sale, where that is known without asking: nothing was written since the
    /// reader last looked.
    pub(super) fn glance(&self, sale: u16) -> Option<InventoryReply> {
        self.view.available(sale)
    }

    /// Writes an order down: with the next call that writes, or with the next [`Self::flush`].
    pub(super) fn record(&self, row: OrderRow) {
        if let Some(unwritten) = &self.unwritten {
            unwritten.add(row.order);
        }
        locked(&self.records).push(row);
    }

    /// Sends on what was recorded without a call that it goes with.
    pub(super) fn flush(&self) {
        // A thread that is gone has sent its failure first.
        let _ = self.step(None);
    }

    /// Whether something of an order is not yet where it outlives the process;
    /// [`Notice::Recorded`] follows.
    pub(super) fn is_writing(&self, order: OrderId) -> bool {
        self.unwritten.as_ref().is_some_and(|unwritten| unwritten.contains(order))
    }

    /// The ledger, with everything that was asked before; nothing comes when the database failed.
    pub(super) fn lines(&self) -> oneshot::Receiver<Vec<ShopLine>> {
        let (sender, receiver) = oneshot::channel();
        self.flush();
        let _ = self.writes.send(Write::Lines(sender));
        receiver
    }

    /// Where all pieces and places are; nothing comes when the database failed.
    pub(super) fn balances(&self) -> oneshot::Receiver<Balances> {
        let (sender, receiver) = oneshot::channel();
        let _ = if self.is_seen_at_once {
            self.looks.send(Look::Balances(sender)).is_ok()
        } else {
            self.writes.send(Write::Balances(sender)).is_ok()
        };
        receiver
    }

    /// Carries out what was asked and ends the threads.
    ///
    /// # Panics
    /// If one of the threads panicked.
    pub(super) fn close(self) {
        drop((self.writes, self.looks));
        for thread in self.threads {
            thread.join().expect("the inventory's threads do not panic");
        }
    }
}

impl Storage {
    fn reader(&self) -> rusqlite::Result<Self> {
        Ok(match self {
            Self::Memory(memory) => Self::Memory(Arc::clone(memory)),
            Self::Sqlite(sqlite) => Self::Sqlite(Box::new(sqlite.reader()?)),
            Self::Redis(counted) => Self::Redis(Box::new(counted.reader()?)),
        })
    }

    fn begin(&self) -> rusqlite::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sqlite(sqlite) => sqlite.begin(),
            Self::Redis(counted) => counted.begin(),
        }
    }

    fn begin_reading(&self) -> rusqlite::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sqlite(sqlite) => sqlite.begin_reading(),
            Self::Redis(counted) => counted.begin_reading(),
        }
    }

    fn commit(&self) -> rusqlite::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sqlite(sqlite) => sqlite.commit(),
            Self::Redis(counted) => counted.commit(),
        }
    }

    /// Whether what is written outlives the process.
    const fn outlives(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            Self::Sqlite(_) | Self::Redis(_) => true,
        }
    }

    /// Whether one look sees all of the stock as it was at one moment: what is taken from Redis is in the
    /// file only later.
    const fn is_seen_at_once(&self) -> bool {
        match self {
            Self::Memory(_) | Self::Sqlite(_) => true,
            Self::Redis(_) => false,
        }
    }

    fn apply(&self, at: Time, call: InventoryCall) -> rusqlite::Result<InventoryReply> {
        match self {
            Self::Memory(memory) => Ok(locked(memory).apply(at, call)),
            Self::Sqlite(sqlite) => sqlite.apply(call),
            Self::Redis(counted) => counted.apply(call),
        }
    }

    /// Carries out a call that writes, and takes `pause` for it: inside the transaction, or, of what is
    /// taken from Redis, before it is in the books.
    fn carry_out(
        &self,
        pause: Duration,
        at: Time,
        call: InventoryCall,
    ) -> rusqlite::Result<InventoryReply> {
        if let Self::Redis(counted) = self {
            let reply = counted.apply(call);
            let takes =
                matches!(call, InventoryCall::Reserve { .. } | InventoryCall::Decrement { .. });
            std::thread::sleep(if takes { pause } else { Duration::ZERO });
            return reply;
        }
        std::thread::sleep(pause);
        self.apply(at, call)
    }

    fn record(&self, row: OrderRow) -> rusqlite::Result<()> {
        match self {
            Self::Memory(memory) => {
                locked(memory).record(row);
                Ok(())
            }
            Self::Sqlite(sqlite) => sqlite.record(&row),
            Self::Redis(counted) => counted.record(&row),
        }
    }

    /// Nothing where a part of it does not answer now.
    fn balances(&self) -> rusqlite::Result<Option<Balances>> {
        match self {
            Self::Memory(memory) => Ok(Some(locked(memory).balances())),
            Self::Sqlite(sqlite) => sqlite.balances().map(Some),
            Self::Redis(counted) => counted.balances(),
        }
    }

    /// Nothing where a part of it does not answer now.
    fn lines(&self) -> rusqlite::Result<Option<Vec<ShopLine>>> {
        match self {
            Self::Memory(memory) => Ok(Some(locked(memory).lines())),
            Self::Sqlite(sqlite) => sqlite.lines().map(Some),
            Self::Redis(counted) => counted.lines(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("who locks the stock does not panic")
}

/// What has arrived, at most [`BATCH_MAX`]; waits for the first. `None` when nobody is left.
fn batch<T>(queue: &Receiver<T>) -> Option<Vec<T>> {
    let mut batch = vec![queue.recv().ok()?];
    batch.extend(queue.try_iter().take(BATCH_MAX - 1));
    Some(batch)
}

/// The writer's own: one transaction per batch, and answers only when it lasts.
struct WriteDesk {
    storage: Storage,
    pause: Duration,
    view: Arc<View>,
    unwritten: Option<Arc<Unwritten>>,
    notices: mpsc::UnboundedSender<Notice>,
}

impl WriteDesk {
    fn write(&mut self, queue: &Receiver<Write>) -> Result<(), StockError> {
        while let Some(batch) = batch(queue) {
            let (mut replies, mut recorded) = (Vec::new(), Vec::new());
            let (mut ledgers, mut accounts) = (Vec::new(), Vec::new());
            self.storage.begin().map_err(StockError::Write)?;
            for write in batch {
                match write {
                    Write::Step { records, call } => {
                        recorded.extend(records.iter().map(|row| row.order));
                        replies.extend(self.step(records, call).map_err(StockError::Write)?);
                    }
                    Write::Lines(sender) => ledgers.push(sender),
                    Write::Balances(sender) => accounts.push(sender),
                }
            }
            self.storage.commit().map_err(StockError::Write)?;
            // Before anybody is told: who knows of a change never reads what was before it.
            self.view.committed();
            if let Some(unwritten) = &self.unwritten {
                recorded.retain(|order| unwritten.written(*order));
                replies.extend(recorded.into_iter().map(Notice::Recorded));
            }
            for reply in replies {
                tell(&self.notices, reply);
            }
            // Who asked may have gone.
            for account in accounts {
                let balances = self.storage.balances().map_err(StockError::Read)?;
                balances.map(|balances| account.send(balances).is_ok());
            }
            for ledger in ledgers {
                let lines = self.storage.lines().map_err(StockError::Read)?;
                lines.map(|lines| ledger.send(lines).is_ok());
            }
        }
        Ok(())
    }

    fn step(
        &self,
        records: Vec<OrderRow>,
        call: Option<(Time, Asker, InventoryCall)>,
    ) -> rusqlite::Result<Option<Notice>> {
        for row in records {
            self.storage.record(row)?;
        }
        let Some((at, asker, call)) = call else { return Ok(None) };
        let reply = self.storage.carry_out(self.pause, at, call)?;
        Ok(Some(Notice::Reply { asker, reply }))
    }
}

/// The reader: one state of the database per batch, and one query per sale however many ask.
fn look(
    storage: &Storage,
    view: &View,
    queue: &Receiver<Look>,
    notices: &mpsc::UnboundedSender<Notice>,
) -> Result<(), StockError> {
    while let Some(batch) = batch(queue) {
        let mut available = BTreeMap::new();
        let commits = view.commits();
        storage.begin_reading().map_err(StockError::Read)?;
        for look in batch {
            match look {
                Look::Call { asker, call: InventoryCall::Availability { sale }, at } => {
                    let reply = match available.get(&sale) {
                        Some(reply) => InventoryReply::clone(reply),
                        None => storage
                            .apply(at, InventoryCall::Availability { sale })
                            .map_err(StockError::Read)?,
                    };
                    if available.insert(sale, reply.clone()).is_none() {
                        view.read(sale, commits, reply.clone());
                    }
                    tell(notices, Notice::Reply { asker, reply });
                }
                Look::Call { asker, call, at } => {
                    let reply = storage.apply(at, call).map_err(StockError::Read)?;
                    tell(notices, Notice::Reply { asker, reply });
                }
                Look::Balances(sender) => {
                    // Who asked may have gone.
                    let balances = storage.balances().map_err(StockError::Read)?;
                    balances.map(|balances| sender.send(balances).is_ok());
                }
            }
        }
        storage.commit().map_err(StockError::Read)?;
    }
    Ok(())
}
