//! A fan: a small state machine that is told what happened and answers with the one thing it does
//! next.

pub mod behaviour;

use domain::id::FanId;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::Short;
use domain::time::{Duration, Time};

use behaviour::Behaviour;

/// What all fans of one population share.
#[derive(Clone, Debug, PartialEq)]
pub struct Crowd {
    /// Draws hang on this.
    pub seed: u64,
    /// The population's place in the scenario.
    pub population: u16,
    /// How its people behave.
    pub behaviour: Behaviour,
    /// When their sale opens.
    pub opens: Time,
    /// When their sale closes.
    pub closes: Time,
    /// How much each item of the sale is wanted; not all 0.
    pub demand: Vec<f64>,
    /// How many pickup slots the sale has.
    pub slots: u8,
    /// How many pieces one fan may buy.
    pub limit_per_fan: u32,
}

/// What happened to a fan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// It is there.
    Arrived {
        /// When it was to arrive.
        at: Time,
    },
    /// The sleep it asked for is over.
    Woke {
        /// The time *asked for*, so that a late timer never hides.
        at: Time,
    },
    /// Its operation was answered, or its deadline passed (`unknown`), or it could not be sent
    /// (`shed`).
    Replied {
        /// When.
        at: Time,
        /// With what.
        reply: Reply,
    },
}

/// What a fan reads in an answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What came of the operation.
    pub outcome: Outcome,
    /// The wait that was asked for.
    pub retry_after: Option<Duration>,
    /// What is short, if the outcome is `sold_out`.
    pub short: Option<Short>,
    /// Which items of the sale have free pieces, if the answer said so: bit n is item n.
    pub items: Option<u64>,
    /// Which slots of the sale have room, likewise.
    pub slots: Option<u64>,
}

impl Reply {
    /// An answer that says nothing but its outcome.
    pub const fn of(outcome: Outcome) -> Self {
        Self { outcome, retry_after: None, short: None, items: None, slots: None }
    }
}

/// The one thing a fan does next.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Asks the shop; the next input is `Replied`.
    Send(Request),
    /// Does nothing until then; the next input is `Woke` with that time.
    Sleep {
        /// Not before the input's time.
        until: Time,
    },
    /// Goes; there is no next input.
    Leave(Departure),
}

/// One operation on its way to the shop.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub operation: Operation,
    /// When the fan wants it sent: response time counts from here.
    pub intended: Time,
    /// When its outcome becomes `unknown`.
    pub deadline: Time,
    /// The item, by its place in the sale.
    pub item: u8,
    /// The slot, by its place in the sale; absent before one is chosen.
    pub slot: Option<u8>,
    /// Pieces.
    pub quantity: u8,
    /// Which purchase of the fan's one intent, from 0: another card is another purchase.
    pub purchase: u8,
}

/// A stand-in for the fan machine: reloads until the sale opens, then walks the funnel once.
#[derive(Clone, Debug)]
pub struct Fan {
    id: FanId,
    next: Operation,
    tries: u16,
    born: Time,
}

impl Fan {
    /// A fan that has not arrived.
    pub const fn new(id: FanId) -> Self {
        Self { id, next: Operation::Reload, tries: 0, born: Time::ZERO }
    }

    /// What follows from `input`.
    pub fn step(&mut self, input: Input, crowd: &Crowd) -> Action {
        match input {
            Input::Arrived { at } => {
                self.born = at;
                self.ask(at, crowd)
            }
            Input::Woke { at } => self.ask(at, crowd),
            Input::Replied { at, reply } => self.replied(at, reply, crowd),
        }
    }

    fn ask(&self, at: Time, crowd: &Crowd) -> Action {
        Action::Send(Request {
            operation: self.next,
            intended: at,
            deadline: at + crowd.behaviour.timeout.0,
            item: 0,
            slot: (crowd.slots > 0).then_some(0),
            quantity: 1,
            purchase: 0,
        })
    }

    fn replied(&mut self, at: Time, reply: Reply, crowd: &Crowd) -> Action {
        if at >= crowd.closes {
            return Action::Leave(Departure::Expired);
        }
        self.next = match (self.next, reply.outcome) {
            (Operation::Checkout | Operation::Poll, Outcome::Ok) => {
                return Action::Leave(Departure::Bought);
            }
            (_, Outcome::SoldOut) => return Action::Leave(Departure::SoldOut),
            (_, Outcome::Rejected) => return Action::Leave(Departure::Rejected),
            (_, Outcome::Declined) => return Action::Leave(Departure::Declined),
            (Operation::Checkout | Operation::Poll, Outcome::Waiting) => Operation::Poll,
            (Operation::Reload, Outcome::Ok) => Operation::Slots,
            (Operation::Slots, Outcome::Ok) => Operation::Item,
            (Operation::Item, Outcome::Ok) => Operation::Cart,
            (Operation::Cart, Outcome::Ok) => Operation::Checkout,
            (same, Outcome::NotOpen) => {
                return self.sleep(same, at, crowd.behaviour.reload.gap.mean());
            }
            (same, _) => {
                self.tries += 1;
                if self.tries > crowd.behaviour.retry.attempts {
                    return Action::Leave(Departure::GaveUp);
                }
                return self.sleep(same, at, crowd.behaviour.retry.base.0);
            }
        };
        self.ask(at, crowd)
    }

    fn sleep(&mut self, next: Operation, at: Time, wait: Duration) -> Action {
        self.next = next;
        let _ = (self.id, self.born);
        Action::Sleep { until: at + wait }
    }
}
