//! 3-D Secure: the cardholder is asked before money is reserved, and answers in human time.
//!
//! The fan is told to come back, and the shop asks the provider where the payment stands, less and
//! less often. Who has not answered in time is declined, and the payment let go: it could still
//! be answered, and then reserve money for nobody.

use domain::id::AuthorizationId;
use domain::outcome::Outcome;
use domain::provider::PaymentOperation;
use domain::shop::{OrderStatus, ShopReply};
use domain::time::Time;

use crate::rules::order::{Order, Stage, Then};
use crate::rules::step::Step;
use crate::rules::{Effect, Wake};
use crate::settings::look_wait;

/// A challenge that the cardholder has not answered, as far as the shop knows.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// When the shop gives up.
    until: Time,
    /// When it asks next.
    next_look: Time,
    /// How often it asked.
    looks: u32,
}

impl Order {
    /// In how many whole seconds it is of use to ask for this order again, if it waits for its
    /// cardholder.
    pub(super) fn looks_in_s(&self, at: Time) -> Option<u32> {
        let challenge = self.challenge.filter(|_| self.stage == Stage::Challenged)?;
        let wait = challenge.next_look.since(at);
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Some(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
    }
}

impl Step<'_> {
    /// The cardholder is asked: the fan comes back, and until then the order waits.
    pub(super) fn challenged(&mut self, payment: AuthorizationId) {
        self.order.row.payment = Some(payment);
        self.record(OrderStatus::Authorizing);
        if self.order.answer.is_some() {
            return self.let_go(Then::Void);
        }
        let until = self.at + self.settings.shop.challenge_timeout.0;
        self.order.challenge = Some(Challenge { until, next_look: self.at, looks: 0 });
        self.look_later();
        let reply = ShopReply {
            retry_after_s: self.order.looks_in_s(self.at),
            order: Some(self.order.row.order),
            ..ShopReply::of(Outcome::Waiting)
        };
        self.tell(reply);
    }

    /// It is time to ask where the payment stands; the last time when the shop gives up otherwise.
    pub(super) fn look(&mut self) {
        self.call(Stage::Looking, PaymentOperation::Retrieve);
    }

    /// The cardholder has not answered, or the provider has not: asks again later.
    pub(super) fn still_challenged(&mut self) {
        if self.order.answer.is_some() {
            self.let_go(Then::Void);
        } else if self.challenge().until <= self.at {
            self.give_up();
        } else {
            self.look_later();
        }
    }

    /// The reservation ran out while the cardholder was asked: no sale, whatever the answer.
    pub(super) fn challenge_swept(&mut self) {
        self.expired();
        self.let_go(Then::Void);
    }

    fn look_later(&mut self) {
        let mut challenge = self.challenge();
        challenge.next_look = challenge.until.min(self.at + look_wait(challenge.looks));
        challenge.looks += 1;
        self.order.challenge = Some(challenge);
        self.order.stage = Stage::Challenged;
        let (at, wake) = (challenge.next_look, Wake::Look(self.order.row.order));
        self.effects.push(Effect::Wake { at, wake });
    }

    fn give_up(&mut self) {
        self.decide(ShopReply::of(Outcome::Declined));
        self.order.unsold = OrderStatus::Expired;
        self.let_go(Then::Void);
    }

    fn challenge(&self) -> Challenge {
        self.order.challenge.expect("only who was challenged waits for the cardholder")
    }
}
