//! What was held for whom, and when: as the rules learn it from the inventory's answers, whatever
//! storage is behind them.

use std::collections::{HashMap, HashSet};
use std::mem::discriminant;

use domain::id::{ItemId, OrderId, SlotId};
use domain::time::Time;

use crate::rules::{Asker, InventoryCall, InventoryReply};

/// Pieces and a place that an order took. What happened to them happened between two moments: when
/// the inventory was asked, and when it had answered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// For whom.
    pub order: OrderId,
    /// The item.
    pub item: ItemId,
    /// The slot.
    pub slot: Option<SlotId>,
    /// Pieces.
    pub quantity: u32,
    /// When they were asked for.
    pub asked: Time,
    /// When they were known to be held.
    pub taken: Time,
    /// Until when they may be held, as was last asked for.
    until: Option<Time>,
    /// What became of them.
    pub end: HoldEnd,
}

/// What became of a hold.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum HoldEnd {
    /// It is still held.
    Held,
    /// It is sold.
    Sold {
        /// When that was known.
        at: Time,
    },
    /// It is free again.
    Freed {
        /// When the inventory was asked to let it go.
        asked: Time,
        /// When that was known.
        at: Time,
    },
}

/// All holds there have been, in the order in which they were known to be taken.
#[derive(Debug, Default)]
pub(super) struct History {
    holds: Vec<Hold>,
    /// The place of each order's hold that has no end yet.
    open: HashMap<OrderId, usize>,
    /// What each order has asked the inventory for, and when.
    asked: HashMap<OrderId, (Time, InventoryCall)>,
    /// Orders of which the sweeper's news came before their own.
    swept_early: HashSet<OrderId>,
    /// When the last sweep was asked for.
    sweep: Time,
}

impl History {
    /// The holds so far.
    pub(super) fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// What of it was known then: what came later is as if it had never been.
    pub(super) fn known_at(&self, then: Time) -> Self {
        let of = |hold: &Hold| {
            let end = match hold.end {
                HoldEnd::Sold { at } | HoldEnd::Freed { at, .. } if at > then => HoldEnd::Held,
                end => end,
            };
            Hold { end, ..*hold }
        };
        let known = self.holds.iter().filter(|hold| hold.taken <= then);
        let holds: Vec<Hold> = known.map(of).collect();
        let open = holds.iter().enumerate().filter(|(_, hold)| hold.end == HoldEnd::Held);
        let open = open.map(|(place, hold)| (hold.order, place)).collect();
        Self { holds, open, ..Self::default() }
    }

    /// The inventory is asked for something.
    pub(super) fn asked(&mut self, at: Time, asker: Asker, call: InventoryCall) {
        match (asker, call) {
            (Asker::Order(order), _) => {
                // What is asked again after a failure may have been done when it was asked first.
                let again =
                    |asked: &(Time, InventoryCall)| discriminant(&asked.1) == discriminant(&call);
                let first =
                    self.asked.get(&order).filter(|asked| again(asked)).map(|asked| asked.0);
                self.asked.insert(order, (first.unwrap_or(at), call));
            }
            (Asker::Sweeper, InventoryCall::Sweep { now }) => self.sweep = now,
            _ => {}
        }
    }

    /// The inventory has answered.
    pub(super) fn answered(&mut self, at: Time, asker: Asker, reply: &InventoryReply) {
        match (asker, reply) {
            (Asker::Order(order), InventoryReply::Failed) => {
                // It may have been done: what may be held counts as held until it is let go.
                if let Some((asked, call)) = self.asked.get(&order).copied()
                    && matches!(
                        call,
                        InventoryCall::Reserve { .. } | InventoryCall::Decrement { .. }
                    )
                {
                    self.of_order(order, (asked, at), call, &InventoryReply::Reserved);
                }
            }
            (Asker::Order(order), _) => {
                if let Some((asked, call)) = self.asked.remove(&order) {
                    self.of_order(order, (asked, at), call, reply);
                }
            }
            (Asker::Sweeper, InventoryReply::Swept(orders)) => {
                for order in orders {
                    self.swept(*order, at);
                }
            }
            _ => {}
        }
    }

    fn of_order(
        &mut self,
        order: OrderId,
        (asked, at): (Time, Time),
        call: InventoryCall,
        reply: &InventoryReply,
    ) {
        use InventoryCall::{Decrement, Release, Reserve, Sell};
        match (call, reply) {
            (
                Reserve { item, slot, quantity, until, .. }
                | Decrement { item, slot, quantity, until, .. },
                InventoryReply::Reserved,
            ) => {
                let end = HoldEnd::Held;
                self.take(Hold { order, item, slot, quantity, asked, taken: at, until, end });
            }
            (Sell { .. }, InventoryReply::Done { held: true }) => {
                self.end(order, HoldEnd::Sold { at });
            }
            // Where nothing was held any more it has become free before.
            (Release { .. }, InventoryReply::Done { .. })
            | (Sell { .. }, InventoryReply::Done { held: false }) => {
                self.end(order, HoldEnd::Freed { asked, at });
            }
            _ => {}
        }
    }

    /// An order takes something, or keeps what it has until another time.
    fn take(&mut self, hold: Hold) {
        if let Some(place) = self.open.get(&hold.order) {
            self.holds[*place].until = hold.until;
            return;
        }
        self.open.insert(hold.order, self.holds.len());
        self.holds.push(hold);
        if self.swept_early.remove(&hold.order) {
            self.end(hold.order, HoldEnd::Freed { asked: self.sweep, at: hold.taken });
        }
    }

    /// What an order held had run out at the sweep. What it has been promised since for longer is
    /// not meant: that news overtook this.
    fn swept(&mut self, order: OrderId, at: Time) {
        match self.open.get(&order).map(|place| self.holds[*place].until) {
            Some(until) if until.is_some_and(|until| until <= self.sweep) => {
                self.end(order, HoldEnd::Freed { asked: self.sweep, at });
            }
            None if self.asked.contains_key(&order) => drop(self.swept_early.insert(order)),
            _ => {}
        }
    }

    fn end(&mut self, order: OrderId, end: HoldEnd) {
        if let Some(place) = self.open.remove(&order) {
            self.holds[place].end = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: OrderId = OrderId(1);

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn reserve(until_ms: Option<u64>) -> InventoryCall {
        let until = until_ms.map(Time::from_millis);
        InventoryCall::Reserve { order: ORDER, item: ItemId(0), slot: None, quantity: 2, until }
    }

    fn ends(history: &History) -> Vec<HoldEnd> {
        history.holds().iter().map(|hold| hold.end).collect()
    }

    #[test]
    fn what_was_known_at_a_moment_is_a_history_that_goes_on() {
        let sell = InventoryCall::Sell { order: ORDER };
        let done = InventoryReply::Done { held: true };
        let mut history = History::default();
        says(&mut history, 100, reserve(None), &InventoryReply::Reserved);
        says(&mut history, 200, sell, &done);
        assert_eq!(ends(&history.known_at(at(104))), []);
        assert_eq!(ends(&history.known_at(at(205))), [HoldEnd::Sold { at: at(205) }]);
        let mut earlier = history.known_at(at(204));
        assert_eq!(ends(&earlier), [HoldEnd::Held]);
        says(&mut earlier, 300, InventoryCall::Release { order: ORDER }, &done);
        assert_eq!(ends(&earlier), [HoldEnd::Freed { asked: at(300), at: at(305) }]);
    }

    /// Asks at `asked` \[ms\] and is answered 5 ms later.
    fn says(history: &mut History, asked: u64, call: InventoryCall, reply: &InventoryReply) {
        history.asked(at(asked), Asker::Order(ORDER), call);
        history.answered(at(asked + 5), Asker::Order(ORDER), reply);
    }

    fn sweeps(history: &mut History, now: u64, answered: u64) {
        history.asked(at(now), Asker::Sweeper, InventoryCall::Sweep { now: at(now) });
        let swept = InventoryReply::Swept(vec![ORDER]);
        history.answered(at(answered), Asker::Sweeper, &swept);
    }

    #[test]
    fn a_hold_is_told_from_the_question_to_the_answer() {
        let mut history = History::default();
        says(&mut history, 10, reserve(None), &InventoryReply::Reserved);
        let hold = history.holds()[0];
        assert_eq!((hold.asked, hold.taken, hold.end), (at(10), at(15), HoldEnd::Held));
        let done = InventoryReply::Done { held: true };
        says(&mut history, 30, InventoryCall::Release { order: ORDER }, &done);
        assert_eq!(ends(&history), [HoldEnd::Freed { asked: at(30), at: at(35) }]);
        says(&mut history, 40, reserve(None), &InventoryReply::Reserved);
        says(&mut history, 50, InventoryCall::Sell { order: ORDER }, &done);
        assert_eq!(ends(&history)[1], HoldEnd::Sold { at: at(55) });
    }

    #[test]
    fn what_falls_short_is_no_hold() {
        let mut history = History::default();
        let short = InventoryReply::Short(domain::shop::Short::Item);
        says(&mut history, 10, reserve(None), &short);
        assert!(history.holds().is_empty());
    }

    #[test]
    fn what_may_be_held_for_all_that_is_known_is_held_until_it_is_let_go() {
        let mut history = History::default();
        says(&mut history, 10, reserve(None), &InventoryReply::Failed);
        assert_eq!(ends(&history), [HoldEnd::Held]);
        let release = InventoryCall::Release { order: ORDER };
        says(&mut history, 20, release, &InventoryReply::Failed);
        says(&mut history, 90, release, &InventoryReply::Done { held: false });
        assert_eq!(ends(&history), [HoldEnd::Freed { asked: at(20), at: at(95) }]);
    }

    #[test]
    fn what_has_run_out_is_free_after_the_sweep_and_what_was_prolonged_is_not() {
        let mut history = History::default();
        says(&mut history, 10, reserve(Some(100)), &InventoryReply::Reserved);
        sweeps(&mut history, 120, 125);
        assert_eq!(ends(&history), [HoldEnd::Freed { asked: at(120), at: at(125) }]);
        says(&mut history, 130, reserve(Some(300)), &InventoryReply::Reserved);
        says(&mut history, 200, reserve(None), &InventoryReply::Reserved);
        sweeps(&mut history, 310, 315);
        assert_eq!(ends(&history)[1], HoldEnd::Held);
    }

    #[test]
    fn a_sweep_that_is_heard_of_before_the_hold_itself_still_frees_it() {
        let mut history = History::default();
        history.asked(at(10), Asker::Order(ORDER), reserve(Some(11)));
        sweeps(&mut history, 12, 13);
        history.answered(at(14), Asker::Order(ORDER), &InventoryReply::Reserved);
        assert_eq!(ends(&history), [HoldEnd::Freed { asked: at(12), at: at(14) }]);
    }
}
