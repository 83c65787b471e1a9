//! What waits for a connection: what one order asks comes one after the other, everything else side
//! by side.
//!
//! What is written down of an order goes into one transaction with the call that follows it, so
//! neither is ever there without the other. What could not be written stays, and goes with the
//! order's next call or with the next sweep.

use std::collections::{BTreeSet, HashMap, VecDeque};

use domain::id::OrderId;
use domain::time::Time;

use crate::rules::{InventoryCall, OrderRow};

/// All that waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    jobs: VecDeque<Job>,
    lanes: HashMap<OrderId, Lane>,
    /// Orders that were recorded and not sent on since.
    dirty: Vec<OrderId>,
    /// Orders of which something could not be written down.
    overdue: Vec<OrderId>,
    number: u64,
    /// The numbers of the jobs that are not done.
    outstanding: BTreeSet<u64>,
    closed: bool,
}

/// What one order still wants.
#[derive(Debug, Default)]
struct Lane {
    is_busy: bool,
    record: Option<Box<OrderRow>>,
    calls: VecDeque<InventoryCall>,
}

/// What one connection does in one go.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u64,
    /// Since when it has waited.
    pub(super) asked: Time,
    pub(super) work: Work,
}

#[derive(Debug)]
pub(super) enum Work {
    /// What one order wants.
    Order { order: OrderId, record: Option<Box<OrderRow>>, call: Option<InventoryCall> },
    /// What has run out by then becomes free.
    Sweep { now: Time },
}

impl Queue {
    /// An order is to be written down.
    pub(super) fn record(&mut self, row: OrderRow) {
        let order = row.order;
        self.dirty.push(order);
        self.lanes.entry(order).or_default().record = Some(Box::new(row));
    }

    /// An order asks for something.
    pub(super) fn call(&mut self, at: Time, order: OrderId, call: InventoryCall) {
        self.lanes.entry(order).or_default().calls.push_back(call);
        self.send(at, order);
    }

    /// Sends on what was recorded without a call that it goes with.
    pub(super) fn flush(&mut self, at: Time) {
        for order in std::mem::take(&mut self.dirty) {
            self.send(at, order);
        }
    }

    /// A sweep; with it goes what could not be written down before.
    pub(super) fn sweep(&mut self, at: Time, now: Time) {
        self.retry(at);
        self.enqueue(at, Work::Sweep { now });
    }

    /// Tries again to write down what could not be.
    pub(super) fn retry(&mut self, at: Time) {
        for order in std::mem::take(&mut self.overdue) {
            self.send(at, order);
        }
    }

    /// Whether an order still wants something.
    pub(super) fn is_busy(&self, order: OrderId) -> bool {
        self.lanes.contains_key(&order)
    }

    /// The next job.
    pub(super) fn take(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    /// A job of an order is done, but for `unwritten`; what is left that the order wants.
    pub(super) fn finished(
        &mut self,
        at: Time,
        (number, order): (u64, OrderId),
        unwritten: Option<Box<OrderRow>>,
    ) -> Rest {
        self.outstanding.remove(&number);
        let lane = self.lanes.entry(order).or_default();
        lane.is_busy = false;
        if lane.record.is_none() && unwritten.is_some() {
            lane.record = unwritten;
            if lane.calls.is_empty() {
                self.overdue.push(order);
                return Rest::Unwritten;
            }
        }
        if lane.record.is_none() && lane.calls.is_empty() {
            self.lanes.remove(&order);
            return Rest::Nothing;
        }
        self.send(at, order);
        Rest::UnderWay
    }

    /// A sweep is done.
    pub(super) fn swept(&mut self, number: u64) {
        self.outstanding.remove(&number);
    }

    /// The number that the next job will have.
    pub(super) const fn next_number(&self) -> u64 {
        self.number
    }

    /// Whether every job with a smaller number is done.
    pub(super) fn is_done_before(&self, number: u64) -> bool {
        self.outstanding.first().is_none_or(|first| *first >= number)
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// Nothing more will be asked.
    pub(super) const fn close(&mut self) {
        self.closed = true;
    }

    /// Whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.closed && self.jobs.is_empty() && self.outstanding.is_empty()
    }

    /// Sends on what an order wants, unless it waits for something already.
    fn send(&mut self, at: Time, order: OrderId) {
        let Some(lane) = self.lanes.get_mut(&order).filter(|lane| !lane.is_busy) else { return };
        let (record, call) = (lane.record.take(), lane.calls.pop_front());
        if record.is_none() && call.is_none() {
            return;
        }
        lane.is_busy = true;
        self.enqueue(at, Work::Order { order, record, call });
    }

    fn enqueue(&mut self, asked: Time, work: Work) {
        let number = self.number;
        self.number += 1;
        self.outstanding.insert(number);
        self.jobs.push_back(Job { number, asked, work });
    }
}

/// What is left that an order wants.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing.
    Nothing,
    /// Something, which is on its way.
    UnderWay,
    /// What could not be written down.
    Unwritten,
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{FanId, ItemId};
    use domain::money::Amount;
    use domain::shop::{Checkout, OrderStatus};

    const ORDER: OrderId = OrderId(7);
    const SELL: InventoryCall = InventoryCall::Sell { order: ORDER };

    fn row(status: OrderStatus) -> OrderRow {
        let checkout = Checkout {
            fan: FanId { population: 0, index: 3 },
            intent: "0-3".to_owned(),
            key: "0-3-0".to_owned(),
            item: ItemId(0),
            slot: None,
            quantity: 1,
            card: 0,
        };
        let (created, updated) = (Time::ZERO, Time::ZERO);
        let amount = Amount::new(100);
        OrderRow {
            order: ORDER,
            checkout,
            status,
            payment: None,
            amount,
            created,
            updated,
            attempt: 0,
        }
    }

    /// The number, the status to write and the call of the next job.
    fn taken(queue: &mut Queue) -> Option<(u64, Option<OrderStatus>, Option<InventoryCall>)> {
        let job = queue.take()?;
        match job.work {
            Work::Order { record, call, .. } => {
                Some((job.number, record.map(|row| row.status), call))
            }
            Work::Sweep { .. } => None,
        }
    }

    #[test]
    fn what_is_recorded_goes_with_the_call_that_follows_it() {
        let mut queue = Queue::default();
        queue.record(row(OrderStatus::Captured));
        queue.call(Time::ZERO, ORDER, SELL);
        queue.flush(Time::ZERO);
        assert_eq!(taken(&mut queue), Some((0, Some(OrderStatus::Captured), Some(SELL))));
        assert_eq!(taken(&mut queue), None);
        assert!(queue.is_busy(ORDER));
        assert_eq!(queue.finished(Time::ZERO, (0, ORDER), None), Rest::Nothing);
        assert!(!queue.is_busy(ORDER));
    }

    #[test]
    fn what_one_order_wants_comes_one_after_the_other() {
        let mut queue = Queue::default();
        queue.record(row(OrderStatus::Authorizing));
        queue.flush(Time::ZERO);
        queue.call(Time::ZERO, ORDER, SELL);
        queue.record(row(OrderStatus::Captured));
        queue.flush(Time::ZERO);
        assert_eq!(taken(&mut queue), Some((0, Some(OrderStatus::Authorizing), None)));
        assert_eq!(taken(&mut queue), None, "the first is not done");
        assert_eq!(queue.finished(Time::ZERO, (0, ORDER), None), Rest::UnderWay);
        assert_eq!(taken(&mut queue), Some((1, Some(OrderStatus::Captured), Some(SELL))));
    }

    #[test]
    fn what_could_not_be_written_goes_with_the_next_call_or_sweep_and_never_over_what_is_newer() {
        let mut queue = Queue::default();
        let unwritten = || Some(Box::new(row(OrderStatus::Authorizing)));
        queue.record(row(OrderStatus::Authorizing));
        queue.flush(Time::ZERO);
        taken(&mut queue).unwrap();
        assert_eq!(queue.finished(Time::ZERO, (0, ORDER), unwritten()), Rest::Unwritten);
        assert!(queue.is_busy(ORDER), "it is still to be written");
        assert_eq!(taken(&mut queue), None);
        queue.sweep(Time::ZERO, Time::ZERO);
        assert_eq!(taken(&mut queue), Some((1, Some(OrderStatus::Authorizing), None)));
        queue.record(row(OrderStatus::Failed));
        assert_eq!(queue.finished(Time::ZERO, (1, ORDER), unwritten()), Rest::UnderWay);
        assert_eq!(taken(&mut queue), None, "the sweep");
        assert_eq!(taken(&mut queue), Some((3, Some(OrderStatus::Failed), None)));
        assert_eq!(queue.finished(Time::ZERO, (3, ORDER), None), Rest::Nothing);
    }

    #[test]
    fn a_ledger_waits_for_what_was_asked_before_it() {
        let mut queue = Queue::default();
        queue.call(Time::ZERO, ORDER, SELL);
        let mark = queue.next_number();
        queue.call(Time::ZERO, OrderId(8), InventoryCall::Sell { order: OrderId(8) });
        assert!(!queue.is_done_before(mark));
        queue.take().unwrap();
        queue.finished(Time::ZERO, (0, ORDER), None);
        assert!(queue.is_done_before(mark) && !queue.is_done_before(queue.next_number()));
    }
}
