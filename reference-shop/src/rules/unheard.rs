//! The inventory failed: its database was lost, say. What it was asked may have been done, or not.
//!
//! Nothing is sold on a guess, and no money is lost: who wanted pieces is told of an error, and what
//! may be held is let go; what is paid for is written down as soon as the database is back, and
//! until then its fan is told to come back.

use domain::outcome::Outcome;
use domain::shop::ShopReply;

use crate::rules::InventoryCall;
use crate::rules::order::Stage;
use crate::rules::step::Step;
use crate::settings::Reserve;

/// When a fan whose order is paid, but not yet written down as sold, is to ask again \[s\].
const COME_BACK_S: u32 = 1;

impl Step<'_> {
    /// Whether anything is held is not known; the order ends without a sale, and lets go what may be.
    pub(super) fn unserved(&mut self) {
        if self.order.stage == Stage::Reserving {
            // Who reserves one after the other takes nothing back.
            self.order.holds |= self.settings.shop.reserve == Reserve::Together;
        }
        let reply = ShopReply::of(Outcome::Error);
        match self.order.row.payment {
            Some(_) => self.abandon(reply),
            None => self.unpaid(reply),
        }
    }

    /// What was asked must be done, and doing it twice does no harm: it is asked again, for as long
    /// as it takes.
    pub(super) fn ask_later(&mut self) {
        if self.order.stage == Stage::Selling {
            self.tell(ShopReply {
                retry_after_s: Some(COME_BACK_S),
                order: Some(self.order.row.order),
                ..ShopReply::of(Outcome::Waiting)
            });
        }
        let asked = self.order.unknowns;
        self.order.unknowns = asked.saturating_add(1);
        self.wake(asked);
    }

    pub(super) fn ask_again(&mut self) {
        let order = self.order.row.order;
        self.ask_as_before(match self.order.stage {
            Stage::Selling => InventoryCall::Sell { order },
            _ => InventoryCall::Release { order },
        });
    }
}

#[cfg(test)]
mod tests {
    use domain::shop::{OrderStatus, ShopRequest};
    use domain::time::Time;
    use proptest::prelude::*;

    use super::*;
    use crate::rules::world::{Hearing, Money, Mood, World, checkout, settings};
    use crate::settings::Saga;

    fn world(saga: Saga, hearings: &[Hearing]) -> World {
        let mut settings = settings(6, 6);
        settings.shop.saga = saga;
        let mut world = World::new(&settings);
        world.hearings = hearings.to_vec();
        world
    }

    #[test]
    fn who_wanted_pieces_is_told_of_an_error_and_what_may_be_held_is_let_go() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            for hearing in [Hearing::Unheard, Hearing::Undone] {
                let mut world = world(saga, &[hearing]);
                assert_eq!(world.bought(checkout(1, 0, 2)).outcome, Outcome::Error);
                assert_eq!(world.pieces(), (6, 0, 0), "{saga:?}, {hearing:?}");
                assert_eq!(world.bank.count("0-1", Money::Reserved), 0);
                assert_eq!(world.bought(checkout(1, 1, 2)).outcome, Outcome::Ok);
            }
        }
    }

    #[test]
    fn what_is_paid_is_sold_as_soon_as_the_database_is_back_and_its_fan_waits() {
        // Heard of: the reservation. Then the database is gone for three questions.
        let lost = [Hearing::Heard, Hearing::Undone, Hearing::Unheard, Hearing::Undone];
        let mut world = world(Saga::AuthorizeFirst, &lost);
        let ticket = world.buy(checkout(1, 0, 2));
        world.pass(2);
        assert_eq!(world.answers[&ticket].outcome, Outcome::Waiting);
        world.pass(20);
        assert_eq!(world.pieces(), (4, 0, 2));
        assert_eq!(world.bank.count("0-1", Money::Taken), 1);
        assert_eq!(world.bought(checkout(1, 0, 2)).outcome, Outcome::Ok);
        assert_eq!(world.status(1), OrderStatus::Captured);
    }

    #[test]
    fn while_the_database_is_gone_everybody_is_told_of_an_error_and_then_it_goes_on() {
        let mut world = world(Saga::ReserveFirst, &[]);
        world.is_gone = true;
        assert_eq!(world.bought(checkout(1, 0, 2)).outcome, Outcome::Error);
        let status = world.ask(ShopRequest::Status { sale: 0 });
        world.pass(20);
        assert_eq!(world.answers[&status].outcome, Outcome::Error);
        assert_eq!(world.pending(), 1, "what the order may hold is still to be let go");
        world.is_gone = false;
        world.pass(60);
        assert_eq!(world.pending(), 0);
        assert_eq!(world.bought(checkout(1, 0, 2)).outcome, Outcome::Ok);
        // What runs out is swept again, too.
        world.moods = vec![(Mood::Lost, 0); 20];
        world.buy(checkout(2, 0, 1));
        world.pass(100);
        assert_eq!(world.pieces(), (4, 0, 2));
    }

    fn hearing() -> impl Strategy<Value = Hearing> {
        prop_oneof![
            4 => Just(Hearing::Heard),
            1 => Just(Hearing::Unheard),
            1 => Just(Hearing::Undone),
        ]
    }

    fn mood() -> impl Strategy<Value = (Mood, u64)> {
        let mood = prop_oneof![8 => Just(Mood::Well), 1 => Just(Mood::Decline)];
        (mood, 0_u64..3_000)
    }

    proptest! {
        #[test]
        fn whatever_is_not_heard_and_whenever_the_shop_dies_money_and_pieces_agree(
            reserve_first in any::<bool>(),
            hearings in prop::collection::vec(hearing(), 0..60),
            moods in prop::collection::vec(mood(), 0..60),
            stock_ms in prop::collection::vec(0_u64..2_000, 0..7),
            asks in prop::collection::vec((0_u64..20_000, 0_u32..5, 0_u32..2), 1..25),
            deaths_s in prop::collection::vec(1_u64..15, 0..3),
        ) {
            let saga = if reserve_first { Saga::ReserveFirst } else { Saga::AuthorizeFirst };
            let mut world = world(saga, &hearings);
            (world.moods, world.stock_ms) = (moods, stock_ms);
            for (after_ms, fan, n) in asks {
                let at = Time::from_millis(10_000 + after_ms);
                world.ask_at(at, ShopRequest::Checkout(checkout(fan, n, 1)));
            }
            for seconds in deaths_s {
                world.pass(seconds);
                world.die();
            }
            world.pass(2_000);
            prop_assert_eq!(world.pending(), 0);
            let (free, held, sold) = world.pieces();
            prop_assert_eq!((free + sold, held), (6, 0));
            prop_assert!(world.rows.values().all(|row| row.status.is_terminal()));
            for fan in 0..5 {
                let intent = format!("0-{fan}");
                let of = |row: &&crate::rules::OrderRow| row.checkout.intent == intent;
                let paid = world.rows.values().filter(of).filter(|row| row.status.is_paid());
                let paid = paid.count();
                prop_assert_eq!(world.bank.count(&intent, Money::Taken), paid);
                prop_assert_eq!(world.bank.count(&intent, Money::Reserved), 0);
            }
            let paid = world.rows.values().filter(|row| row.status.is_paid()).count();
            prop_assert_eq!(i64::try_from(paid).unwrap(), sold);
        }
    }
}
