//! What one step of an order asks of the world: stock, money, a wake, an answer, a record.

use domain::provider::{Call, PaymentOperation, PaymentRequest};
use domain::shop::{Checkout, OrderStatus, ShopReply};
use domain::time::{Duration, Time};

use crate::rules::fault::Fault;
use crate::rules::order::{Order, Stage};
use crate::rules::{Asker, Effect, InventoryCall, Wake};
use crate::settings::{Inventory, Saga, ShopSettings};

/// The wait before a call to the provider is made again; it doubles each time.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The longest wait before a call to the provider is made again.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// One step of one order: where effects gather.
pub(super) struct Step<'a> {
    pub(super) order: &'a mut Order,
    pub(super) at: Time,
    pub(super) settings: &'a ShopSettings,
    pub(super) effects: Vec<Effect>,
}

impl Step<'_> {
    /// Asks for pieces and place, as the strategy of the inventory has it.
    pub(super) fn reserve(&mut self) {
        let Checkout { item, slot, .. } = self.order.row.checkout;
        if self.settings.shop.inventory == Inventory::NaiveCounter {
            self.ask(Stage::Reading, InventoryCall::Read { item, slot });
        } else {
            let call = self.take_call(self.held_until());
            self.ask(Stage::Reserving, call);
        }
    }

    pub(super) fn decrement(&mut self) {
        let Checkout { item, slot, quantity, .. } = self.order.row.checkout;
        let (order, until) = (self.order.row.order, self.held_until());
        let call = InventoryCall::Decrement { order, item, slot, quantity, until };
        self.ask(Stage::Reserving, call);
    }

    pub(super) fn take_call(&self, until: Option<Time>) -> InventoryCall {
        let Checkout { item, slot, quantity, .. } = self.order.row.checkout;
        InventoryCall::Reserve { order: self.order.row.order, item, slot, quantity, until }
    }

    /// What is captured next is held until that is decided; what is paid for later has a time to
    /// live.
    pub(super) fn held_until(&self) -> Option<Time> {
        match self.saga() {
            Saga::AuthorizeFirst | Saga::CaptureQueue => None,
            // What was won has a deadline, which the draw keeps.
            Saga::ReserveFirst if self.order.prize.is_some() => None,
            Saga::ReserveFirst => Some(self.at + self.settings.shop.reservation.ttl.0),
        }
    }

    pub(super) fn ask(&mut self, stage: Stage, call: InventoryCall) {
        self.order.stage = stage;
        self.order.unknowns = 0;
        self.ask_as_before(call);
    }

    /// Asks the inventory again, at the same stage.
    pub(super) fn ask_as_before(&mut self, call: InventoryCall) {
        self.effects.push(Effect::Inventory { asker: Asker::Order(self.order.row.order), call });
    }

    /// Makes a new call to the provider.
    pub(super) fn call(&mut self, stage: Stage, operation: PaymentOperation) {
        self.order.stage = stage;
        self.order.unknowns = 0;
        self.order.refusals = 0;
        self.repeat(operation);
    }

    /// Makes the outstanding call to the provider, under the key it always has; a void that stayed
    /// unknown gets a new one, for letting go twice is letting go once, and a 5xx may be kept under
    /// the old one for ever.
    pub(super) fn repeat(&mut self, operation: PaymentOperation) {
        let order = &*self.order;
        let again = matches!(order.stage, Stage::ChargingAgain(_));
        let authorization = || {
            let payment = if again { order.again } else { order.row.payment };
            payment.expect("only what has a name is asked about, captured or voided")
        };
        let call = match operation {
            PaymentOperation::Authorize => {
                Call::Authorize { amount: order.row.amount, card: order.row.checkout.card }
            }
            PaymentOperation::Capture => {
                Call::Capture { authorization: authorization(), amount: order.row.amount }
            }
            PaymentOperation::Void => Call::Void { authorization: authorization() },
            PaymentOperation::Retrieve => Call::Retrieve { authorization: authorization() },
            other => unreachable!("the saga has no step `{}`", other.word()),
        };
        let mut key = provider_key(&order.row.checkout.key, operation, order.row.attempt, again);
        let before = match order.stage {
            Stage::Voiding => order.unknowns,
            Stage::Resolving => order.resolves - 1,
            _ => 0,
        };
        if before > 0 {
            key = format!("{key}-again-{before}");
        }
        let request = PaymentRequest {
            account: self.settings.account.clone(),
            reference: order.row.checkout.intent.clone(),
            key,
            call,
        };
        self.effects.push(Effect::CallProvider { order: order.row.order, request });
    }

    /// Waits to make an unanswered call again, at most `most` times; false when that was it.
    pub(super) fn try_again(&mut self, most: u32) -> bool {
        let tried = self.order.unknowns;
        self.order.unknowns += 1;
        if tried >= most {
            return false;
        }
        self.wake(tried);
        true
    }

    /// Waits to make a refused call again, at most `most` times; false when that was it.
    pub(super) fn refused_again(&mut self, most: u32) -> bool {
        let tried = self.order.refusals;
        self.order.refusals = tried.saturating_add(1);
        if tried >= most {
            return false;
        }
        self.wake(tried);
        true
    }

    pub(super) fn wake(&mut self, doublings: u32) {
        let factor = 2_u32.saturating_pow(doublings);
        let wait = RETRY_FIRST.saturating_mul(factor).min(RETRY_MAX);
        let wake = Wake::Retry(self.order.row.order);
        self.effects.push(Effect::Wake { at: self.at + wait, wake });
    }

    /// Answers who waits; the first decision stands.
    pub(super) fn decide(&mut self, mut reply: ShopReply) {
        if self.order.answer.is_some() {
            return;
        }
        reply.order = Some(self.order.row.order);
        self.order.answer = Some(reply.clone());
        self.tell(reply);
    }

    /// Answers who waits, if somebody does: a fan that was told to come back asks by itself.
    pub(super) fn tell(&mut self, reply: ShopReply) {
        if let Some(ticket) = self.order.ticket.take() {
            self.effects.push(Effect::Reply { ticket, reply });
        }
    }

    pub(super) fn end(&mut self, status: OrderStatus) {
        assert!(status.is_terminal(), "an order ends in a terminal status, not {status:?}");
        assert!(self.order.answer.is_some(), "an order is decided before it is over");
        self.order.stage = Stage::Over;
        self.record(status);
    }

    pub(super) fn record(&mut self, status: OrderStatus) {
        self.order.row.status = status;
        self.order.row.updated = self.at;
        self.effects.push(Effect::Record(self.order.row.clone()));
    }

    pub(super) fn saga(&self) -> Saga {
        self.settings.shop.saga
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.settings.shop.faults.contains(&fault)
    }
}

/// The idempotency key of a call to the provider: `0-417-0-capture`; the second authorization of
/// the same purchase, after the first was let go, and all that follows it, end in `-2`.
fn provider_key(key: &str, operation: PaymentOperation, attempt: u32, again: bool) -> String {
    let again = if again { "again-" } else { "" };
    let word = operation.word();
    if attempt == 0 {
        format!("{key}-{again}{word}")
    } else {
        format!("{key}-{again}{word}-{}", attempt + 1)
    }
}
