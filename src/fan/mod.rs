//! A fan: a small state machine that is told what happened and answers with the one thing it does
//! next.

pub mod behaviour;

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
