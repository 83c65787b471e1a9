//! The one vocabulary of what was asked, what came of it and how a fan left.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fan asks of the shop: one step of the funnel.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Operation {
    /// Loads the sale's page with all its calls.
    Reload,
    /// Signs in.
    Login,
    /// Looks at the pickup slots.
    Slots,
    /// Looks at an item.
    Item,
    /// Puts pieces and a slot into the cart.
    Cart,
    /// Enters a ticket lottery.
    Entry,
    /// Asks whether its entry has won.
    Result,
    /// Pays.
    Checkout,
    /// Asks what became of a checkout that was answered `waiting`.
    Poll,
    /// Any other step of a foreign funnel.
    Other,
}

impl Operation {
    /// All operations, in the order of the funnel.
    pub const ALL: [Self; 10] = [
        Self::Reload,
        Self::Login,
        Self::Slots,
        Self::Item,
        Self::Cart,
        Self::Entry,
        Self::Result,
        Self::Checkout,
        Self::Poll,
        Self::Other,
    ];

    /// The operation's word in files, reports and objectives.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Login => "login",
            Self::Slots => "slots",
            Self::Item => "item",
            Self::Cart => "cart",
            Self::Entry => "entry",
            Self::Result => "result",
            Self::Checkout => "checkout",
            Self::Poll => "poll",
            Self::Other => "other",
        }
    }

    /// The operation of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.word() == word)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

/// What came of an operation, as far as the fan can know.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// It succeeded.
    Ok,
    /// What was wanted is gone.
    SoldOut,
    /// Too many requests; try later.
    RateLimited,
    /// The payment was declined.
    Declined,
    /// The shop will not do it, now or later.
    Rejected,
    /// The sale has not opened.
    NotOpen,
    /// Taken note of; ask again later.
    Waiting,
    /// The shop failed.
    Error,
    /// No answer in time: it may have taken effect.
    Unknown,
    /// Never sent: the generator's own fault.
    Shed,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::SoldOut,
        Self::RateLimited,
        Self::Declined,
        Self::Rejected,
        Self::NotOpen,
        Self::Waiting,
        Self::Error,
        Self::Unknown,
        Self::Shed,
    ];

    /// The outcome's word in files and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::SoldOut => "sold_out",
            Self::RateLimited => "rate_limited",
            Self::Declined => "declined",
            Self::Rejected => "rejected",
            Self::NotOpen => "not_open",
            Self::Waiting => "waiting",
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::Shed => "shed",
        }
    }

    /// The outcome of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    /// Whether the answer enters the response time's percentiles: answers to the question asked,
    /// and timeouts at their deadline. Refusals and errors enter ratios only.
    pub const fn enters_percentiles(self) -> bool {
        matches!(self, Self::Ok | Self::SoldOut | Self::Declined | Self::Unknown)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

/// How a fan left.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Departure {
    /// With what was wanted.
    Bought,
    /// Told that it is sold out.
    SoldOut,
    /// After the last card was declined.
    Declined,
    /// The sale closed first.
    Expired,
    /// Turned away at a step of the funnel of its own accord.
    Balked,
    /// Out of patience while waiting.
    Reneged,
    /// After too many refusals or failures.
    GaveUp,
    /// Refused for good.
    Rejected,
}

impl Departure {
    /// All departures.
    pub const ALL: [Self; 8] = [
        Self::Bought,
        Self::SoldOut,
        Self::Declined,
        Self::Expired,
        Self::Balked,
        Self::Reneged,
        Self::GaveUp,
        Self::Rejected,
    ];

    /// The departure's word in files and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bought => "bought",
            Self::SoldOut => "sold_out",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Balked => "balked",
            Self::Reneged => "reneged",
            Self::GaveUp => "gave_up",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_the_one_that_files_hold() {
        for operation in Operation::ALL {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.word());
            assert_eq!(Operation::from_word(operation.word()), Some(operation));
        }
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
            assert_eq!(Outcome::from_word(outcome.word()), Some(outcome));
        }
        for departure in Departure::ALL {
            assert_eq!(serde_json::to_value(departure).unwrap(), departure.word());
        }
    }
}
