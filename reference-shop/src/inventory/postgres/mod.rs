//! Stock and orders in `PostgreSQL`: each call a transaction of its own, over as many connections
//! as `connections` says, so that transactions race for real.
//!
//! A connection is a thread with one session, as in an application that keeps a pool: a call waits
//! for a free one in one queue, first come, first served, and how long is counted. A pool of somebody
//! else's would give this no more: what it lends out returns as it was, and here each thread keeps
//! its connection, makes it anew when it breaks, and sleeps exactly as long as `time_in_transaction`
//! says.
//!
//! When the database is gone, what is asked is answered [`InventoryReply::Failed`], and everything
//! goes on when it is back.

mod calls;
mod counts;
mod insight;
mod ledger;
mod open;
mod pooled;
mod queue;
mod reader;
mod rows;
mod session;
mod shelf;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use domain::database::{DatabaseState, DatabaseView};
use domain::id::{ItemId, OrderId, SlotId};
use domain::shop::{Catalogue, ShopLine};
use domain::time::{Duration, Time};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Config;

use crate::clock::Clock;
use crate::inventory::Balances;
use crate::inventory::postgres::counts::Counts;
use crate::inventory::postgres::queue::{Job, Queue};
use crate::inventory::postgres::reader::Look;
use crate::inventory::rows::{Shelf, signed};
use crate::inventory::stock::Notice;
use crate::inventory::view::View;
use crate::rules::fault::Fault;
use crate::rules::{Asker, InventoryCall, InventoryReply, OrderRow};
use crate::settings::{Inventory, LockOrder, Recheck, Reserve, Units};

pub use open::OpenError;

/// What every connection to the database of one run needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    config: Config,
    schema: String,
    catalogue: Catalogue,
    strategy: Inventory,
    reserve: Reserve,
    recheck: Recheck,
    lock_order: LockOrder,
    faults: Vec<Fault>,
    pause: Duration,
    units: Units,
    connections: u32,
    clock: Clock,
    began_utc_ns: u64,
    seed: u64,
    items: Vec<Shelf>,
    slots: Vec<Shelf>,
    /// What the database said of itself before anybody asked the shop for anything.
    before: Box<DatabaseView>,
}

impl Plan {
    fn item(&self, item: ItemId) -> &Shelf {
        &self.items[usize::from(item.0)]
    }

    fn slot(&self, slot: SlotId) -> &Shelf {
        &self.slots[usize::from(slot.0)]
    }

    fn utc(&self, time: Time) -> i64 {
        signed(self.began_utc_ns.saturating_add(time.nanos()))
    }

    /// The application's round trips, while what is locked stays locked. The thread has nothing
    /// else to do.
    fn pause(&self) {
        if !self.pause.is_zero() {
            std::thread::sleep(self.pause);
        }
    }
}

/// What all threads share.
#[derive(Debug)]
struct Shared {
    plan: Plan,
    queue: Mutex<Queue>,
    /// There is something to do, or nothing more will be.
    news: Condvar,
    /// Something is done.
    done: Condvar,
    counts: Counts,
    view: View,
    notices: mpsc::UnboundedSender<Notice>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("who locks the queue does not panic")
    }

    /// Changes the queue, and wakes who may have something to do now.
    fn change<T>(&self, change: impl FnOnce(&mut Queue, Time) -> T) -> T {
        let mut queue = self.queue();
        let (before, at) = (queue.waiting(), self.plan.clock.now());
        let changed = change(&mut queue, at);
        let waiting = queue.waiting();
        let more = waiting.saturating_sub(before);
        self.counts.waiting_max.fetch_max(waiting as u64, Ordering::Relaxed);
        let is_over = queue.is_over();
        drop(queue);
        if is_over {
            self.news.notify_all();
        } else {
            (0..more).for_each(|_| self.news.notify_one());
        }
        changed
    }

    /// The next job; waits for one, and gives none when nothing more will come.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue();
        loop {
            if let Some(job) = queue.take() {
                return Some(job);
            }
            if queue.is_over() {
                return None;
            }
            queue = self.news.wait(queue).expect("who locks the queue does not panic");
        }
    }
}

/// The connections at work, and the way to them.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    looks: Sender<Look>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts a thread for each connection, and one that reads; what they have to say goes to
    /// `notices`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(plan: Plan, notices: mpsc::UnboundedSender<Notice>) -> std::io::Result<Self> {
        let connections = plan.connections;
        let shared = Arc::new(Shared {
            plan,
            queue: Mutex::default(),
            news: Condvar::new(),
            done: Condvar::new(),
            counts: Counts::new(),
            view: View::default(),
            notices,
        });
        let (looks, to_look) = channel();
        let mut threads = Vec::new();
        for number in 0..connections {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("stock-{number}"));
            threads.push(thread.spawn(move || worker::work(&shared))?);
        }
        let seen = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("stock-reader".to_owned());
        threads.push(thread.spawn(move || reader::read(&seen, &to_look))?);
        Ok(Self { shared, looks, threads })
    }

    /// Asks; the answer comes as a [`Notice`].
    pub(super) fn call(&self, asker: Asker, call: InventoryCall) {
        match (asker, call) {
            (Asker::Order(order), call) => {
                self.shared.change(|queue, at| queue.call(at, order, call));
            }
            (_, InventoryCall::Sweep { now }) => {
                self.shared.change(|queue, at| queue.sweep(at, now));
            }
            // The reader is gone only when the shop is.
            (asker, call) => drop(self.looks.send(Look::Call { asker, call })),
        }
    }

    /// What is free in a sale, where nothing was written since the reader last looked.
    pub(super) fn glance(&self, sale: u16) -> Option<InventoryReply> {
        self.shared.view.available(sale)
    }

    /// Writes an order down: with its next call, or with the next [`Self::flush`].
    pub(super) fn record(&self, row: OrderRow) {
        self.shared.change(|queue, _| queue.record(row));
    }

    /// Sends on what was recorded without a call.
    pub(super) fn flush(&self) {
        self.shared.change(Queue::flush);
    }

    /// Whether an order still waits for something.
    pub(super) fn is_writing(&self, order: OrderId) -> bool {
        self.shared.queue().is_busy(order)
    }

    /// The ledger, with everything that was asked before; nothing comes when the database failed.
    pub(super) fn lines(&self) -> oneshot::Receiver<Vec<ShopLine>> {
        let (sender, receiver) = oneshot::channel();
        let after = self.shared.queue().next_number();
        // The reader is gone only when the shop is.
        drop(self.looks.send(Look::Lines { after, sender }));
        receiver
    }

    /// Where all pieces and places are; nothing comes when the database failed.
    pub(super) fn balances(&self) -> oneshot::Receiver<Balances> {
        let (sender, receiver) = oneshot::channel();
        drop(self.looks.send(Look::Balances(sender)));
        receiver
    }

    /// How the connections are getting on.
    pub(super) fn state(&self) -> DatabaseState {
        let waiting = self.shared.queue().waiting() as u64;
        self.shared.counts.state(u64::from(self.shared.plan.connections), waiting)
    }

    /// Carries out what was asked and ends the threads.
    ///
    /// # Panics
    /// If one of the threads panicked.
    pub(super) fn close(self) {
        self.shared.change(|queue, at| {
            queue.retry(at);
            queue.close();
        });
        drop(self.looks);
        for thread in self.threads {
            thread.join().expect("the inventory's threads do not panic");
        }
    }
}
