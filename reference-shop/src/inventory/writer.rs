//! One thread that writes, with group commit, and one that reads: stock in memory and in `SQLite`.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use domain::shop::ShopLine;
use domain::time::{Duration, Time};
use tokio::sync::{mpsc, oneshot};

use crate::inventory::Balances;
use crate::inventory::memory::Memory;
use crate::inventory::sqlite::Sqlite;
use crate::inventory::stock::{Notice, StockError, tell};
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
}

enum Write {
    Call { at: Time, asker: Asker, call: InventoryCall },
    Record(Box<OrderRow>),
    Lines(oneshot::Sender<Vec<ShopLine>>),
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
        let (written, changed, seen) = (notices.clone(), Arc::clone(&view), Arc::clone(&view));
        let writing = std::thread::spawn(move || {
            if let Err(error) = write(&storage, pause, &changed, &to_write, &written) {
                tell(&written, Notice::Failed(error));
            }
        });
        let looking = std::thread::spawn(move || {
            if let Err(error) = look(&reader, &seen, &to_look, &notices) {
                tell(&notices, Notice::Failed(error));
            }
        });
        Ok(Self { writes, looks, view, threads: [writing, looking] })
    }

    /// Asks; the answer comes as a [`Notice`]. Plain reads go past the writer.
    pub(super) fn call(&self, at: Time, asker: Asker, call: InventoryCall) {
        // A thread that is gone has sent its failure first.
        let _ = match call {
            InventoryCall::Read { .. } | InventoryCall::Availability { .. } => {
                self.looks.send(Look::Call { at, asker, call }).is_ok()
            }
            _ => self.writes.send(Write::Call { at, asker, call }).is_ok(),
        };
    }

    /// What is free in a sale, where that is known without asking: nothing was written since the
    /// reader last looked.
    pub(super) fn glance(&self, sale: u16) -> Option<InventoryReply> {
        self.view.available(sale)
    }

    /// Writes an order down, before any call that is made after this.
    pub(super) fn record(&self, row: OrderRow) {
        let _ = self.writes.send(Write::Record(Box::new(row)));
    }

    /// The ledger, with everything that was asked before; nothing comes when the database failed.
    pub(super) fn lines(&self) -> oneshot::Receiver<Vec<ShopLine>> {
        let (sender, receiver) = oneshot::channel();
        let _ = self.writes.send(Write::Lines(sender));
        receiver
    }

    /// Where all pieces and places are; nothing comes when the database failed.
    pub(super) fn balances(&self) -> oneshot::Receiver<Balances> {
        let (sender, receiver) = oneshot::channel();
        let _ = self.looks.send(Look::Balances(sender));
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
        })
    }

    fn begin(&self) -> rusqlite::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sqlite(sqlite) => sqlite.begin(),
        }
    }

    fn begin_reading(&self) -> rusqlite::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sqlite(sqlite) => sqlite.begin_reading(),
        }
    }

    fn commit(&self) -> rusqlite::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sqlite(sqlite) => sqlite.commit(),
        }
    }

    fn apply(&self, at: Time, call: InventoryCall) -> rusqlite::Result<InventoryReply> {
        match self {
            Self::Memory(memory) => Ok(locked(memory).apply(at, call)),
            Self::Sqlite(sqlite) => sqlite.apply(call),
        }
    }

    fn record(&self, row: OrderRow) -> rusqlite::Result<()> {
        match self {
            Self::Memory(memory) => {
                locked(memory).record(row);
                Ok(())
            }
            Self::Sqlite(sqlite) => sqlite.record(&row),
        }
    }

    fn balances(&self) -> rusqlite::Result<Balances> {
        match self {
            Self::Memory(memory) => Ok(locked(memory).balances()),
            Self::Sqlite(sqlite) => sqlite.balances(),
        }
    }

    fn lines(&self) -> rusqlite::Result<Vec<ShopLine>> {
        match self {
            Self::Memory(memory) => Ok(locked(memory).lines()),
            Self::Sqlite(sqlite) => sqlite.lines(),
        }
    }
}

fn locked(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().expect("who locks the stock does not panic")
}

/// What has arrived, at most [`BATCH_MAX`]; waits for the first. `None` when nobody is left.
fn batch<T>(queue: &Receiver<T>) -> Option<Vec<T>> {
    let mut batch = vec![queue.recv().ok()?];
    batch.extend(queue.try_iter().take(BATCH_MAX - 1));
    Some(batch)
}

/// The writer: one transaction per batch, and answers only when it lasts.
fn write(
    storage: &Storage,
    pause: Duration,
    view: &View,
    queue: &Receiver<Write>,
    notices: &mpsc::UnboundedSender<Notice>,
) -> Result<(), StockError> {
    while let Some(batch) = batch(queue) {
        let mut replies = Vec::new();
        let mut ledgers = Vec::new();
        storage.begin().map_err(StockError::Write)?;
        for write in batch {
            match write {
                Write::Call { at, asker, call } => {
                    std::thread::sleep(pause);
                    let reply = storage.apply(at, call).map_err(StockError::Write)?;
                    replies.push(Notice::Reply { asker, reply });
                }
                Write::Record(row) => storage.record(*row).map_err(StockError::Write)?,
                Write::Lines(sender) => ledgers.push(sender),
            }
        }
        storage.commit().map_err(StockError::Write)?;
        // Before anybody is told: who knows of a change never reads what was before it.
        view.committed();
        for reply in replies {
            tell(notices, reply);
        }
        for ledger in ledgers {
            // Who asked may have gone.
            let _ = ledger.send(storage.lines().map_err(StockError::Read)?);
        }
    }
    Ok(())
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
                    let _ = sender.send(storage.balances().map_err(StockError::Read)?);
                }
            }
        }
        storage.commit().map_err(StockError::Read)?;
    }
    Ok(())
}
