//! The way to a purchase: the stages that a crowd takes, in their order.
//!
//! The embedded shop has one way; a foreign shop's is what its scenario's steps say.

use domain::law::Law;
use domain::outcome::Operation;
use domain::time::Duration;

use super::behaviour::{Reload, Retry};

/// The stages of a funnel, in the order in which they are taken: what comes before the page that is
/// reloaded (a login), that page, the funnel's steps, and the polls that only an answer leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// At most [`STAGES_MAX`].
    pub stages: Vec<Stage>,
}

/// The most stages of a route: a stage's number travels as 8 bits, and nobody buys in more steps.
pub const STAGES_MAX: usize = 64;

/// One operation on the way: what is asked, and what is different there from the fan's habits.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What it is.
    pub operation: Operation,
    /// The chance to take it at all, in \[0, 1\]; who does not goes on with the next. The page
    /// that is reloaded has 0 where a crowd's `reload.calls` is 0: it stands there for its number
    /// alone (the crowds of one funnel share their numbers), and to them it is as if it were not.
    pub chance: f64,
    /// How long a fan thinks before it; absent: as the fan always does.
    pub think: Option<Law>,
    /// How long an answer is waited for or, of a poll, how long is polled; absent: the fan's own.
    pub timeout: Option<Duration>,
    /// What a refusal leads to; absent: the fan's own.
    pub retry: Option<Retry>,
    /// How long after an answer `waiting` it is asked again, unless the answer says; absent: 1 s.
    pub every: Option<Duration>,
}

impl Stage {
    /// A stage that is always taken, and in which fans do as they always do.
    pub const fn of(operation: Operation) -> Self {
        Self { operation, chance: 1.0, think: None, timeout: None, retry: None, every: None }
    }
}

impl Route {
    /// The way through the embedded shop: where nobody reloads there is no page to look at, and a
    /// sale without slots has none to show.
    pub fn embedded(reload: &Reload, slots: u8) -> Self {
        let mut stages = Vec::new();
        if reload.calls > 0 {
            stages.push(Stage::of(Operation::Reload));
        }
        if slots > 0 {
            stages.push(Stage::of(Operation::Slots));
        }
        stages.extend([Operation::Item, Operation::Cart, Operation::Checkout].map(Stage::of));
        Self { stages }
    }
}
