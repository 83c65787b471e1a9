//! The saga of an order: every transition, and what each asks of stock and money.
//!
//! The promises of the machine:
//! - With a queue of captures the customer is told `ok` once money and pieces are reserved. What
//!   cannot be captured then is let go all the same: the judge says what that is.
//! - What is being captured is held without a time to live, so the sweeper never frees what is
//!   being paid for: reserve-first asks for that between authorization and capture, and lets the
//!   authorization go if its reservation has run out by then.
//! - Silence, 409 and 5xx are *unknown*, never a failure: the same call goes out again under the
//!   same key, and a refusal (429) of such a repetition says nothing about the first call, so it
//!   too leaves the call unknown. Only a void goes out under a new one: it does no harm twice.
//! - An authorization that stays unknown ends the order as failed: there is no name to void. The
//!   same purchase tried again sends the same key and so finds the authorization, if there is one.
//! - While the cardholder is asked (3-D Secure) nothing is known of the payment's end: see
//!   [`super::challenge`]. What is held meanwhile keeps its time to live.
//! - A capture that stays unknown keeps the stock held, and the provider is asked where the payment
//!   stands, up to [`CAPTURE_PATIENCE`] times more: a 5xx may be kept under the capture's key for
//!   ever. If it was not captured, or cannot be found, a void resolves it: `voided` means that it
//!   was not captured, a refusal of the first one that it was. If that stays unknown too, however
//!   often it is asked, the stock is freed and the order ends as voided, "an attempt was made"; the
//!   judge compares it with the provider's ledger.

use domain::id::AuthorizationId;
use domain::outcome::Outcome;
use domain::provider::PaymentOperation;
use domain::shop::{OrderStatus, ShopReply, Short};
use domain::time::{Duration, Time};

use crate::rules::fault::Fault;
use crate::rules::order::{Order, Prize, Sign, Stage, Then};
use crate::rules::step::Step;
use crate::rules::{Effect, InventoryCall};
use crate::settings::{Saga, ShopSettings};

/// How often the provider is asked again what became of an unknown capture: at 30 s each this
/// outlasts an outage of five minutes.
const CAPTURE_PATIENCE: u32 = 10;

/// What follows for `order` from `sign` `at` that time.
pub(super) fn advance(
    order: &mut Order,
    at: Time,
    sign: Sign,
    settings: &ShopSettings,
) -> Vec<Effect> {
    let mut step = Step { order, at, settings, effects: Vec::new() };
    step.take(sign);
    step.effects
}

impl Step<'_> {
    /// Every transition of the saga.
    #[expect(clippy::match_same_arms, reason = "the table is read stage by stage")]
    fn take(&mut self, sign: Sign) {
        use PaymentOperation::{Authorize, Capture, Retrieve, Void};
        use Stage as At;
        match (self.order.stage, sign) {
            (At::New, Sign::Begun) => self.begin(),
            (At::New, Sign::Found) => self.found(),

            (At::Reading | At::Reserving | At::Securing, Sign::Unheard) => self.unserved(),
            (At::Selling | At::Releasing(_), Sign::Unheard) => self.ask_later(),
            (At::Selling | At::Releasing(_), Sign::Retry) => self.ask_again(),
            (At::Stranding, Sign::Unheard) => self.end(OrderStatus::Declined),

            (At::Reading, Sign::Free(None)) => self.decrement(),
            (At::Reading, Sign::Free(Some(short))) => self.short(short),
            (At::Reserving, Sign::Short(short)) => self.short(short),
            (At::Reserving, Sign::Reserved) => self.reserved(),
            (At::Reserving, Sign::Swept) => self.order.swept = true,

            (At::Awaiting, Sign::Pays) => self.authorize(),
            (At::Awaiting, Sign::Lapsed) => self.lapsed(),

            (At::Authorizing, Sign::Authorized(payment)) => self.authorized(payment),
            (At::Authorizing, Sign::Challenged(payment)) => self.challenged(payment),
            (At::Authorizing, Sign::Declined) => self.declined(),
            (At::Authorizing, Sign::Limited(wait)) => self.unpaid(limited(wait)),
            (At::Authorizing, Sign::Refused) => self.unpaid(ShopReply::of(Outcome::Rejected)),
            (At::Authorizing, Sign::Unknown) => self.authorization_unknown(),
            (At::Authorizing, Sign::Retry) => self.repeat(Authorize),
            (At::Authorizing, Sign::Swept) => self.expired(),

            (At::Challenged, Sign::Look) => self.look(),
            (At::Challenged, Sign::Swept) => self.challenge_swept(),
            (At::Looking, Sign::Authorized(payment)) => self.authorized(payment),
            (At::Looking, Sign::Declined | Sign::Voided) => self.declined(),
            (At::Looking, Sign::Refused) => self.unpaid(ShopReply::of(Outcome::Error)),
            (At::Looking, Sign::Swept) => self.expired(),
            (At::Looking, _) => self.still_challenged(),

            (At::Securing, Sign::Reserved) => self.secured(),
            (At::Securing, Sign::Short(short)) => self.lost(short),
            (At::Securing, Sign::Swept) => self.order.swept = true,
            // The news of a sweep that this order's own release overtook.
            (_, Sign::Swept) => {}

            (At::Capturing, Sign::Captured) => self.captured(),
            (At::Capturing, Sign::Limited(wait)) => self.capture_refused(wait),
            (At::Capturing, Sign::Declined) => self.abandon(ShopReply::of(Outcome::Declined)),
            (At::Capturing, Sign::Refused) => self.abandon(ShopReply::of(Outcome::Error)),
            (At::Capturing, Sign::Unknown) => self.capture_unknown(),
            (At::Capturing, Sign::Retry) => self.repeat(Capture),

            (At::Finding, Sign::Captured) => self.captured(),
            (At::Finding, Sign::Retry) => self.repeat(Retrieve),
            (At::Finding, Sign::Unknown | Sign::Limited(_)) => self.not_found(),
            (At::Finding, Sign::Voided) => self.unresolved(),
            (At::Finding, _) => self.resolve(),

            (At::Resolving, Sign::Refused) if self.order.resolves == 1 => self.captured(),
            (At::Resolving, Sign::Voided) => self.unresolved(),
            (At::Resolving, _) => self.find_again(),

            (At::Selling, Sign::Done) => self.sold(),
            (At::Releasing(then), Sign::Done) => self.released(then),

            (At::Voiding, Sign::Limited(_)) => self.void_refused(),
            (At::Voiding, Sign::Unknown) => self.void_unknown(),
            (At::Voiding, Sign::Retry) => self.repeat(Void),
            (At::Voiding, _) => self.unsold(),

            (At::Stranding, Sign::Reserved | Sign::Short(_)) => self.end(OrderStatus::Declined),
            (At::ChargingAgain(Authorize), Sign::Authorized(payment)) => self.charge(payment),
            (At::ChargingAgain(Capture), Sign::Captured) => self.sell(),
            (At::ChargingAgain(Capture), _) => self.call(At::ChargingAgain(Void), Void),
            (At::ChargingAgain(_), _) => self.sell(),

            // An order that is over, or an answer to nothing that was asked, is no news.
            _ => {}
        }
    }

    fn begin(&mut self) {
        match self.saga() {
            Saga::AuthorizeFirst | Saga::CaptureQueue => self.authorize(),
            Saga::ReserveFirst => {
                self.record(OrderStatus::Created);
                match self.order.prize {
                    Some(Prize::Counted) => self.decrement(),
                    Some(Prize::Reserved) | None => self.reserve(),
                }
            }
        }
    }

    pub(super) fn reserved(&mut self) {
        self.order.holds = true;
        if self.order.swept {
            self.decide(ShopReply::of(Outcome::Error));
            return self.let_go(match self.saga() {
                Saga::AuthorizeFirst | Saga::CaptureQueue => Then::Void,
                Saga::ReserveFirst => Then::End(OrderStatus::Expired),
            });
        }
        match self.saga() {
            Saga::AuthorizeFirst => self.capture(),
            Saga::CaptureQueue => {
                self.decide(ShopReply::of(Outcome::Ok));
                self.capture();
            }
            Saga::ReserveFirst if self.order.prize.is_some() => {
                self.order.stage = Stage::Awaiting;
                self.record(OrderStatus::Reserved);
            }
            Saga::ReserveFirst => self.authorize(),
        }
    }

    /// Nobody began to pay for what was won by lot.
    fn lapsed(&mut self) {
        self.decide(ShopReply::of(Outcome::Rejected));
        self.let_go(Then::End(OrderStatus::Expired));
    }

    fn short(&mut self, short: Short) {
        match self.saga() {
            Saga::ReserveFirst if self.has(Fault::CaptureWithoutStock) => self.authorize(),
            _ if self.has(Fault::CaptureWithoutStock) => self.capture(),
            Saga::AuthorizeFirst | Saga::CaptureQueue => self.abandon(sold_out(short)),
            Saga::ReserveFirst => {
                self.decide(sold_out(short));
                self.end(OrderStatus::Failed);
            }
        }
    }

    fn authorized(&mut self, payment: AuthorizationId) {
        self.order.row.payment = Some(payment);
        self.record(OrderStatus::Authorized);
        match self.saga() {
            _ if self.order.answer.is_some() => self.let_go(Then::Void),
            Saga::AuthorizeFirst | Saga::CaptureQueue => self.reserve(),
            Saga::ReserveFirst if self.order.holds => {
                let call = self.take_call(None);
                self.ask(Stage::Securing, call);
            }
            // Only a broken promise comes this far without anything held.
            Saga::ReserveFirst => self.capture(),
        }
    }

    fn declined(&mut self) {
        if self.has(Fault::StrandOnDecline) && self.order.answer.is_none() {
            self.decide(ShopReply::of(Outcome::Declined));
            let call = self.take_call(None);
            return self.ask(Stage::Stranding, call);
        }
        self.unpaid(ShopReply::of(Outcome::Declined));
    }

    /// Nothing is known of an authorization that was not answered, so nothing can be voided.
    fn authorization_unknown(&mut self) {
        if !self.try_again(self.settings.shop.provider_retries) {
            self.unpaid(ShopReply::of(Outcome::Error));
        }
    }

    /// The reservation ran out before the payment was decided: no sale, whatever the provider
    /// says.
    pub(super) fn expired(&mut self) {
        self.order.holds = false;
        self.decide(ShopReply::of(Outcome::Error));
    }

    fn secured(&mut self) {
        self.order.holds = true;
        if self.order.swept { self.abandon(ShopReply::of(Outcome::Error)) } else { self.capture() }
    }

    /// The reservation ran out and somebody else has the pieces.
    fn lost(&mut self, short: Short) {
        self.order.holds = false;
        self.abandon(sold_out(short));
    }

    fn captured(&mut self) {
        if self.has(Fault::DoubleCharge) {
            self.call(
                Stage::ChargingAgain(PaymentOperation::Authorize),
                PaymentOperation::Authorize,
            );
        } else {
            self.sell();
        }
    }

    /// The second payment of [`Fault::DoubleCharge`] is authorized.
    fn charge(&mut self, payment: AuthorizationId) {
        self.order.again = Some(payment);
        self.call(Stage::ChargingAgain(PaymentOperation::Capture), PaymentOperation::Capture);
    }

    fn sold(&mut self) {
        self.order.holds = false;
        self.decide(ShopReply::of(Outcome::Ok));
        self.order.stage = Stage::Over;
    }

    /// The order ends without money: what is held becomes free.
    pub(super) fn unpaid(&mut self, reply: ShopReply) {
        let status = match (&self.order.answer, reply.outcome) {
            (Some(_), _) => OrderStatus::Expired,
            (None, Outcome::Declined) => OrderStatus::Declined,
            (None, _) => OrderStatus::Failed,
        };
        self.decide(reply);
        self.let_go(Then::End(status));
    }

    /// The order ends although money is reserved: all that is held is let go, stock first.
    pub(super) fn abandon(&mut self, reply: ShopReply) {
        self.decide(reply);
        self.let_go(Then::Void);
    }

    /// A capture that stayed unknown and did not, as far as can be known, take effect.
    fn unresolved(&mut self) {
        self.decide(ShopReply::of(Outcome::Error));
        self.let_go(Then::End(OrderStatus::Voided));
    }

    /// A capture that was refused did not happen: it is made again as often as the shop has patience,
    /// which a queue always has.
    fn capture_refused(&mut self, wait: Option<Duration>) {
        let most = match self.saga() {
            Saga::CaptureQueue => u32::MAX,
            Saga::AuthorizeFirst | Saga::ReserveFirst => self.settings.shop.capture_retries,
        };
        if !self.refused_again(most) {
            self.abandon(limited(wait));
        }
    }

    fn capture_unknown(&mut self) {
        if !self.try_again(self.settings.shop.provider_retries) {
            self.call(Stage::Finding, PaymentOperation::Retrieve);
        }
    }

    fn not_found(&mut self) {
        let first = self.order.resolves == 0;
        let patience = if first { CAPTURE_PATIENCE } else { self.settings.shop.provider_retries };
        if !self.try_again(patience) {
            self.resolve();
        }
    }

    /// Lets go what is not captured, as far as is known; the answer says whether it was.
    fn resolve(&mut self) {
        if self.order.resolves > self.settings.shop.provider_retries {
            return self.unresolved();
        }
        self.order.resolves += 1;
        self.call(Stage::Resolving, PaymentOperation::Void);
    }

    /// Nobody knows what became of the void either, or it was refused after one that may have taken
    /// effect: asks again where the payment stands.
    fn find_again(&mut self) {
        self.order.stage = Stage::Finding;
        self.order.unknowns = 0;
        self.wake(self.order.resolves);
    }

    fn void_refused(&mut self) {
        if !self.refused_again(self.settings.shop.void_retries) {
            self.unsold();
        }
    }

    fn void_unknown(&mut self) {
        if !self.try_again(self.settings.shop.provider_retries) {
            self.unsold();
        }
    }

    /// The payment is let go, or an attempt was made.
    fn unsold(&mut self) {
        self.end(self.order.unsold);
    }

    pub(super) fn let_go(&mut self, then: Then) {
        if self.order.holds {
            let order = self.order.row.order;
            self.ask(Stage::Releasing(then), InventoryCall::Release { order });
        } else {
            self.then(then);
        }
    }

    fn released(&mut self, then: Then) {
        self.order.holds = false;
        self.then(then);
    }

    fn then(&mut self, then: Then) {
        match then {
            Then::Void if self.has(Fault::LostVoid) => self.unsold(),
            Then::Void => self.call(Stage::Voiding, PaymentOperation::Void),
            Then::End(status) => self.end(status),
        }
    }

    fn authorize(&mut self) {
        self.record(OrderStatus::Authorizing);
        self.call(Stage::Authorizing, PaymentOperation::Authorize);
    }

    fn capture(&mut self) {
        if self.has(Fault::ConfirmWithoutCapture) {
            self.sell();
        } else {
            self.call(Stage::Capturing, PaymentOperation::Capture);
        }
    }

    /// Writes the sale down and sells; the fan is told when both are done, so never too early.
    fn sell(&mut self) {
        self.record(OrderStatus::Captured);
        let order = self.order.row.order;
        self.ask(Stage::Selling, InventoryCall::Sell { order });
    }
}

fn sold_out(short: Short) -> ShopReply {
    ShopReply { short: Some(short), ..ShopReply::of(Outcome::SoldOut) }
}

/// A refusal of the provider, passed on with its wait in whole seconds.
fn limited(retry_after: Option<Duration>) -> ShopReply {
    let whole = |wait: Duration| {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
    };
    ShopReply { retry_after_s: retry_after.map(whole), ..ShopReply::of(Outcome::RateLimited) }
}
