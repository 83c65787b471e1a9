//! The inventory at work beside the shop, whatever it is kept in.

use domain::database::DatabaseState;
use domain::id::OrderId;
use domain::shop::ShopLine;
use domain::time::{Duration, Time};
use tokio::sync::{mpsc, oneshot};

use crate::inventory::Balances;
use crate::inventory::postgres::Pool;
use crate::inventory::writer::Writer;
use crate::rules::{Asker, InventoryCall, InventoryReply, OrderRow};

pub use crate::inventory::writer::Storage;

/// What the inventory has to say.
#[derive(Debug)]
pub enum Notice {
    /// It carried out a call; what it wrote will survive the process.
    Reply {
        /// Who asked.
        asker: Asker,
        /// What it says.
        reply: InventoryReply,
    },
    /// All that was to be written down of an order is.
    Recorded(OrderId),
    /// What was to be written down of an order is not; it is tried again.
    Unrecorded(OrderId),
    /// It cannot go on; nothing asked before is answered any more.
    Failed(StockError),
}

/// A database that failed in the middle of a run.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// A transaction failed.
    #[error("write to the shop's database")]
    Write(#[source] rusqlite::Error),
    /// A query failed.
    #[error("read from the shop's database")]
    Read(#[source] rusqlite::Error),
}

/// The way to the stock. Its queues need no bound of their own: who asks waits for the answer, so
/// they are as long as there are requests and orders under way.
#[derive(Debug)]
pub struct Stock(Way);

#[derive(Debug)]
enum Way {
    Writer(Writer),
    Pool(Pool),
}

impl Stock {
    /// Stock in memory or in a file, written by one thread; what it has to say goes to `notices`.
    /// Each call that writes keeps its transaction open for `pause` beside its statements.
    ///
    /// # Errors
    /// When the database does not open a second time, for reading.
    pub fn start(
        storage: Storage,
        pause: Duration,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Result<Self, StockError> {
        Writer::start(storage, pause, notices).map(|writer| Self(Way::Writer(writer)))
    }

    /// Stock in `PostgreSQL`, changed over several connections at once.
    pub const fn pooled(pool: Pool) -> Self {
        Self(Way::Pool(pool))
    }

    /// Asks; the answer comes as a [`Notice`]. Plain reads go past who writes.
    pub fn call(&self, at: Time, asker: Asker, call: InventoryCall) {
        match &self.0 {
            Way::Writer(writer) => writer.call(at, asker, call),
            Way::Pool(pool) => pool.call(asker, call),
        }
    }

    /// What is free in a sale, where that is known without asking: nothing was written since the
    /// reader last looked.
    pub fn glance(&self, sale: u16) -> Option<InventoryReply> {
        match &self.0 {
            Way::Writer(writer) => writer.glance(sale),
            Way::Pool(pool) => pool.glance(sale),
        }
    }

    /// Writes an order down, before or with any call of that order that is made after this.
    pub fn record(&self, row: OrderRow) {
        match &self.0 {
            Way::Writer(writer) => writer.record(row),
            Way::Pool(pool) => pool.record(row),
        }
    }

    /// Nothing more is asked for now: what was recorded without a call that it goes with is to be
    /// written down.
    pub fn flush(&self) {
        match &self.0 {
            Way::Writer(writer) => writer.flush(),
            Way::Pool(pool) => pool.flush(),
        }
    }

    /// Whether something is to be written down of an order before anybody else may be asked on its
    /// behalf; [`Notice::Recorded`] or [`Notice::Unrecorded`] follows.
    pub fn is_writing(&self, order: OrderId) -> bool {
        match &self.0 {
            Way::Writer(writer) => writer.is_writing(order),
            Way::Pool(pool) => pool.is_writing(order),
        }
    }

    /// The ledger, with everything that was asked before; nothing comes when the database failed.
    pub fn lines(&self) -> oneshot::Receiver<Vec<ShopLine>> {
        match &self.0 {
            Way::Writer(writer) => writer.lines(),
            Way::Pool(pool) => pool.lines(),
        }
    }

    /// Where all pieces and places are; nothing comes when the database failed.
    pub fn balances(&self) -> oneshot::Receiver<Balances> {
        match &self.0 {
            Way::Writer(writer) => writer.balances(),
            Way::Pool(pool) => pool.balances(),
        }
    }

    /// How the connections to the database are getting on, where there are several.
    pub fn state(&self) -> Option<DatabaseState> {
        match &self.0 {
            Way::Writer(_) => None,
            Way::Pool(pool) => Some(pool.state()),
        }
    }

    /// Carries out what was asked and ends the threads.
    ///
    /// # Panics
    /// If one of the threads panicked.
    pub fn close(self) {
        match self.0 {
            Way::Writer(writer) => writer.close(),
            Way::Pool(pool) => pool.close(),
        }
    }
}

/// Says something to the shop.
pub(super) fn tell(notices: &mpsc::UnboundedSender<Notice>, notice: Notice) {
    // A shop that is shutting down listens no more, and nobody waits for the answer.
    let _ = notices.send(notice);
}
