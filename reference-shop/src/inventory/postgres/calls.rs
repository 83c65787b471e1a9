//! What the rules ask, as transactions: each on one connection, with all that it locks held until
//! its end.

use domain::draw::{Purpose, draw_for};
use domain::id::{ItemId, OrderId, SlotId};
use domain::shop::Short;
use domain::time::Time;
use tokio_postgres::Row;

use crate::inventory::leaks;
use crate::inventory::postgres::Plan;
use crate::inventory::postgres::counts::{Counts, add};
use crate::inventory::postgres::session::{Ending, Failure, Session};
use crate::inventory::postgres::shelf::{At, Locked, Taken};
use crate::inventory::rows::{Shelf, signed};
use crate::rules::{InventoryCall, InventoryReply, OrderRow};
use crate::settings::{Inventory, LockOrder, Recheck, Reserve};

/// How often unsold rows are looked at again that others take meanwhile \[A\]: each time somebody
/// has bought.
const RECHECKS_MAX: u32 = 10;

/// What makes it so that an order's pieces and place are held.
#[derive(Copy, Clone, Debug)]
pub(super) struct Wish {
    order: OrderId,
    item: ItemId,
    slot: Option<SlotId>,
    quantity: u32,
    until: Option<Time>,
}

/// Which part of a wish a transaction is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Slot,
    Item,
}

/// One connection at the work of one shop.
pub(super) struct Hand<'a> {
    pub(super) session: &'a mut Session,
    pub(super) plan: &'a Plan,
    pub(super) counts: &'a Counts,
}

impl Hand<'_> {
    /// Writes down where an order stands, and carries out what it asks, in one transaction.
    pub(super) async fn order(
        &mut self,
        record: Option<&OrderRow>,
        call: InventoryCall,
    ) -> Result<InventoryReply, Failure> {
        match call {
            InventoryCall::Read { item, slot } => {
                self.record_alone(record).await?;
                self.read(item, slot).await
            }
            InventoryCall::Reserve { order, item, slot, quantity, until }
            | InventoryCall::Decrement { order, item, slot, quantity, until } => {
                self.reserve(record, Wish { order, item, slot, quantity, until }).await
            }
            InventoryCall::Sell { order } => self.sell(record, order).await,
            InventoryCall::Release { order } => {
                let held = self.release(record, order, None).await?;
                Ok(InventoryReply::Done { held })
            }
            InventoryCall::Sweep { .. } | InventoryCall::Availability { .. } => {
                unreachable!("an order sweeps nothing, and looks at no sale")
            }
        }
    }

    /// Writes down where an order stands.
    pub(super) async fn record_alone(&mut self, record: Option<&OrderRow>) -> Result<(), Failure> {
        let Some(row) = record else { return Ok(()) };
        let plan = self.plan;
        let work = async |session: &mut Session| {
            plan.record(session, row).await?;
            Ok(Ending::Commit(()))
        };
        self.session.transact(self.counts, work).await
    }

    /// What has run out becomes free, a transaction for each order; those that did.
    pub(super) async fn sweep(&mut self, now: Time) -> Result<InventoryReply, Failure> {
        let due = "select order_id from reservations where state = 'held' and held_until <= $1 \
                   order by held_until, order_id";
        let due = self.session.rows(due, &[&self.plan.utc(now)]).await?;
        let mut swept = Vec::new();
        for row in due {
            let order = order_id(row.get(0));
            match self.release(None, order, Some(now)).await {
                Ok(true) => swept.push(order),
                Ok(false) => {}
                // Those that were freed are told; the others are found by the next sweep.
                Err(_) if !swept.is_empty() => break,
                Err(failure) => return Err(failure),
            }
        }
        Ok(InventoryReply::Swept(swept))
    }

    async fn read(
        &mut self,
        item: ItemId,
        slot: Option<SlotId>,
    ) -> Result<InventoryReply, Failure> {
        let plan = self.plan;
        let item = plan.at(self.session, plan.item(item)).says_free().await?;
        let slot = match slot {
            Some(slot) => Some(plan.at(self.session, plan.slot(slot)).says_free().await?),
            None => None,
        };
        Ok(InventoryReply::Free { item, slot })
    }

    async fn reserve(
        &mut self,
        record: Option<&OrderRow>,
        wish: Wish,
    ) -> Result<InventoryReply, Failure> {
        if self.plan.reserve == Reserve::Together || wish.slot.is_none() {
            return self.reserve_part(record, wish, Part::Whole).await;
        }
        if self.prolong(record, wish).await? {
            return Ok(InventoryReply::Reserved);
        }
        match self.reserve_part(None, wish, Part::Slot).await? {
            InventoryReply::Reserved => self.reserve_part(None, wish, Part::Item).await,
            short => Ok(short),
        }
    }

    /// Writes down where an order stands, and keeps what it holds already until another time.
    async fn prolong(&mut self, record: Option<&OrderRow>, wish: Wish) -> Result<bool, Failure> {
        let plan = self.plan;
        let work = async |session: &mut Session| {
            if let Some(row) = record {
                plan.record(session, row).await?;
            }
            let until = wish.until.map(|until| plan.utc(until));
            Ok(Ending::Commit(prolong(session, wish.order, until).await?))
        };
        self.session.transact(self.counts, work).await
    }

    /// Reserves, and looks again before it says that unit rows are sold out.
    async fn reserve_part(
        &mut self,
        record: Option<&OrderRow>,
        wish: Wish,
        part: Part,
    ) -> Result<InventoryReply, Failure> {
        let mut locked = Locked::PassedOver;
        for looked in 0..=RECHECKS_MAX {
            let plan = self.plan;
            let work = async |session: &mut Session| {
                if let Some(row) = record {
                    plan.record(session, row).await?;
                }
                plan.reserve(session, wish, part, locked).await
            };
            let (reply, short) = loop {
                let reply = self.session.transact(self.counts, work).await?;
                let InventoryReply::Short(short) = reply else { return Ok(reply) };
                let (stock, wanted) = plan.fell_short(wish, short);
                if !self.top_up(stock, wanted).await? {
                    break (reply, short);
                }
            };
            if !self.looks_again(looked) || !self.has_unsold(wish, short).await? {
                // What was recorded was rolled back with what fell short.
                self.record_alone(record).await?;
                return Ok(reply);
            }
            add(&self.counts.rechecks);
            if plan.recheck == Recheck::Blocking {
                locked = Locked::WaitedFor;
            }
        }
        Err(Failure::Contended)
    }

    fn looks_again(&self, looked: u32) -> bool {
        self.plan.strategy.has_rows()
            && match self.plan.recheck {
                Recheck::Blocking => true,
                Recheck::SkipLocked => looked == 0,
                Recheck::None => false,
            }
    }

    async fn has_unsold(&mut self, wish: Wish, short: Short) -> Result<bool, Failure> {
        let (stock, wanted) = self.plan.fell_short(wish, short);
        self.plan.at(self.session, stock).has_unsold(wanted).await
    }

    async fn sell(
        &mut self,
        record: Option<&OrderRow>,
        order: OrderId,
    ) -> Result<InventoryReply, Failure> {
        let plan = self.plan;
        let sold = "update reservations set state = 'sold', held_until = null \
                    where order_id = $1 and state = 'held' returning item, slot, quantity";
        let work = async |session: &mut Session| {
            if let Some(row) = record {
                plan.record(session, row).await?;
            }
            let Some(row) = session.row(sold, &[&signed(order.0)]).await? else {
                return Ok(Ending::Commit(false));
            };
            let (item, slot, _) = plan.held(&row);
            plan.at(session, item).sell(order).await?;
            if let Some(slot) = slot {
                plan.at(session, slot).sell(order).await?;
            }
            plan.pause();
            Ok(Ending::Commit(true))
        };
        let held = self.session.transact(self.counts, work).await?;
        Ok(InventoryReply::Done { held })
    }

    /// What an order holds becomes free, if it ran out by `due` where that is given; whether
    /// anything did.
    async fn release(
        &mut self,
        record: Option<&OrderRow>,
        order: OrderId,
        due: Option<Time>,
    ) -> Result<bool, Failure> {
        let plan = self.plan;
        let due = due.map(|due| plan.utc(due));
        let freed = "delete from reservations where order_id = $1 and state = 'held' \
                     and ($2::bigint is null or held_until <= $2) returning item, slot, quantity";
        let work = async |session: &mut Session| {
            if let Some(row) = record {
                plan.record(session, row).await?;
            }
            let Some(row) = session.row(freed, &[&signed(order.0), &due]).await? else {
                return Ok(Ending::Commit(false));
            };
            let (item, slot, quantity) = plan.held(&row);
            plan.at(session, item).put_back(order, quantity).await?;
            if let Some(slot) = slot {
                plan.at(session, slot).put_back(order, 1).await?;
            }
            plan.pause();
            Ok(Ending::Commit(true))
        };
        self.session.transact(self.counts, work).await
    }
}

impl Plan {
    /// What was short, and how much of it was wished for.
    fn fell_short(&self, wish: Wish, short: Short) -> (&Shelf, u32) {
        match (short, wish.slot) {
            (Short::Slot, Some(slot)) => (self.slot(slot), 1),
            _ => (self.item(wish.item), wish.quantity),
        }
    }

    /// Takes what is wished for, or nothing of it.
    async fn reserve(
        &self,
        session: &mut Session,
        wish: Wish,
        part: Part,
        locked: Locked,
    ) -> Result<Ending<InventoryReply>, Failure> {
        let Wish { order, quantity, until, .. } = wish;
        let until = until.map(|until| self.utc(until));
        if part == Part::Whole && prolong(session, order, until).await? {
            return Ok(Ending::Commit(InventoryReply::Reserved));
        }
        let item = (part != Part::Slot).then(|| self.item(wish.item));
        let slot = wish.slot.filter(|_| part != Part::Item).map(|slot| self.slot(slot));
        let short = if self.strategy == Inventory::Optimistic {
            self.take_optimistically(session, (item, quantity), slot).await?
        } else {
            self.take(session, order, (item, quantity), slot, locked).await?
        };
        if let Some(short) = short {
            return Ok(Ending::RollBack(InventoryReply::Short(short)));
        }
        if let Some(item) = item.filter(|_| leaks(order, &self.faults)) {
            self.at(session, item).lose_one().await?;
        }
        let quantity = if part == Part::Slot { 0 } else { i64::from(quantity) };
        let insert = "insert into reservations (order_id, item, slot, quantity, held_until) \
                      values ($1, $2, $3, $4, $5) on conflict (order_id) do update \
                      set quantity = excluded.quantity, held_until = excluded.held_until";
        let (item, slot) = (&self.item(wish.item).name, wish.slot.map(|it| &self.slot(it).name));
        session.change(insert, &[&signed(order.0), item, &slot, &quantity, &until]).await?;
        if self.strategy != Inventory::Optimistic {
            self.pause();
        }
        Ok(Ending::Commit(InventoryReply::Reserved))
    }

    /// Locks and takes, the item before the slot so that nobody waits in a circle, or as the cart has
    /// it; what is short.
    async fn take(
        &self,
        session: &mut Session,
        order: OrderId,
        (item, quantity): (Option<&Shelf>, u32),
        slot: Option<&Shelf>,
        locked: Locked,
    ) -> Result<Option<Short>, Failure> {
        let item = item.map(|item| (item, quantity, Short::Item));
        let slot = slot.map(|slot| (slot, 1, Short::Slot));
        let each = if self.has_slot_first(order) { [slot, item] } else { [item, slot] };
        let mut is_first = true;
        for (shelf, quantity, short) in each.into_iter().flatten() {
            if self.at(session, shelf).take(order, quantity, locked).await? == Taken::Short {
                if !is_first {
                    // What is locked is given back: that takes the application its time, too.
                    self.pause();
                }
                return Ok(Some(short));
            }
            is_first = false;
        }
        Ok(None)
    }

    /// Whether an order's cart lists its slot before its pieces, where that is the order of locks: one
    /// of two, by a draw.
    fn has_slot_first(&self, order: OrderId) -> bool {
        self.lock_order == LockOrder::Cart
            && draw_for(self.seed, order.0, Purpose::CartOrder, 0).chance(0.5)
    }

    /// Reads, thinks, and writes if nobody else has written meanwhile; what is short.
    async fn take_optimistically(
        &self,
        session: &mut Session,
        (item, quantity): (Option<&Shelf>, u32),
        slot: Option<&Shelf>,
    ) -> Result<Option<Short>, Failure> {
        let wanted = [(item, i64::from(quantity), Short::Item), (slot, 1, Short::Slot)];
        let mut versions = Vec::new();
        for (stock, wanted, short) in wanted {
            let Some(stock) = stock else { continue };
            match self.at(session, stock).version(wanted).await? {
                Some(version) => versions.push((stock, version, wanted)),
                None => return Ok(Some(short)),
            }
        }
        self.pause();
        for (stock, version, wanted) in versions {
            self.at(session, stock).take_version(version, wanted).await?;
        }
        Ok(None)
    }

    /// One shelf, over one session.
    pub(super) fn at<'a>(&self, session: &'a mut Session, stock: &'a Shelf) -> At<'a> {
        let order = self.order_of(stock.kind);
        let is_pooled = self.pool(stock).is_some();
        At { session, shelf: stock, strategy: self.strategy, order, is_pooled }
    }

    /// The shelves and the quantity of a row of `reservations`.
    fn held(&self, row: &Row) -> (&Shelf, Option<&Shelf>, i64) {
        let (item, slot): (&str, Option<&str>) = (row.get(0), row.get(1));
        let find = |shelves: &'_ [Shelf], name: &str| {
            shelves.iter().position(|shelf| shelf.name == name).expect("only what exists is held")
        };
        let slot = slot.map(|name| &self.slots[find(&self.slots, name)]);
        (&self.items[find(&self.items, item)], slot, row.get(2))
    }
}

/// What an order holds already it keeps, until another time; whether it holds anything.
async fn prolong(
    session: &mut Session,
    order: OrderId,
    until: Option<i64>,
) -> Result<bool, Failure> {
    let update = "update reservations set held_until = $2 where order_id = $1 and state = 'held'";
    Ok(session.change(update, &[&signed(order.0), &until]).await? > 0)
}

pub(super) fn order_id(number: i64) -> OrderId {
    OrderId(u64::try_from(number).expect("orders are numbered from 1"))
}
