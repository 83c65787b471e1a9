//! The way to a purchase: the stages that a crowd takes, in their order.
//!
//! The embedded shop has one way; a foreign shop's is what its scenario's steps say.

use domain::law::Law;
use domain::outcome::{Operation, Outcome};
use domain::time::Duration;

use super::Reply;
use super::behaviour::{Reload, Retry, Winner};

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
    /// How long after the opening it is asked at the earliest; who comes there before sleeps until then,
    /// and thinks then. Absent: at any time.
    pub not_before: Option<Duration>,
}

impl Stage {
    /// A stage that is always taken, and in which fans do as they always do.
    pub const fn of(operation: Operation) -> Self {
        Self {
            operation,
            chance: 1.0,
            think: None,
            timeout: None,
            retry: None,
            every: None,
            not_before: None,
        }
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

    /// The way through a sale of the embedded shop whose pieces are given out by lot: fans enter, come
    /// back when the `results` (so long after the opening) are out, and those who have won pay, if they do.
    pub fn by_lot(reload: &Reload, results: Duration, winner: &Winner) -> Self {
        let come_back = |operation| Stage { not_before: Some(results), ..Stage::of(operation) };
        let page = Some(Operation::Reload).filter(|_| reload.calls > 0);
        let mut stages: Vec<Stage> = page.into_iter().map(Stage::of).collect();
        stages.push(Stage::of(Operation::Entry));
        stages.extend(page.map(come_back));
        stages.push(come_back(Operation::Result));
        let pays =
            Stage { chance: winner.pays, think: winner.after, ..Stage::of(Operation::Checkout) };
        stages.push(pays);
        Self { stages }
    }

    /// The same way for people of whom a share must sign in: once they have seen that the sale is open
    /// or, where nobody looks at a page, on arrival.
    #[must_use]
    pub fn signing_in(mut self, share: f64) -> Self {
        if share > 0.0 {
            let place = usize::from(self.is(0, Operation::Reload));
            self.stages.insert(place, Stage { chance: share, ..Stage::of(Operation::Login) });
        }
        self
    }

    /// Whether the stage of that number is such an operation.
    pub fn is(&self, stage: u8, operation: Operation) -> bool {
        self.stages.get(usize::from(stage)).is_some_and(|stage| stage.operation == operation)
    }

    /// The number of the first stage that is such an operation.
    pub fn first(&self, operation: Operation) -> Option<u8> {
        (0..).zip(&self.stages).find(|(_, stage)| stage.operation == operation).map(|(n, _)| n)
    }

    /// The number of the page that is reloaded until the sale is open; one that nobody takes is
    /// none.
    pub fn page(&self) -> Option<u8> {
        self.first(Operation::Reload).filter(|page| self.stages[usize::from(*page)].chance > 0.0)
    }

    /// How many stages are taken on arrival, whether the sale is open or not: those before the page
    /// or, where there is none, the logins at the beginning.
    pub fn opening(&self) -> u8 {
        self.page().unwrap_or_else(|| {
            let logins = self.stages.iter().take_while(|stage| stage.operation == Operation::Login);
            u8::try_from(logins.count()).unwrap_or(u8::MAX)
        })
    }

    /// The number of the funnel's first stage: the one after the page, or after those of arrival.
    pub fn funnel(&self) -> u8 {
        self.page().map_or_else(|| self.opening(), |page| page.saturating_add(1))
    }

    /// The number of the checkout that the funnel ends with.
    pub fn last_checkout(&self) -> Option<u8> {
        let stages = (0..).zip(&self.stages);
        stages.filter(|(_, stage)| stage.operation == Operation::Checkout).map(|(n, _)| n).last()
    }

    /// The stage that an answer names, if there is one of that number.
    pub fn known(&self, then: Option<u8>) -> Option<u8> {
        then.filter(|then| usize::from(*then) < self.stages.len())
    }

    /// Whether such an answer to a stage is the purchase: the `ok` of the last checkout or of a poll
    /// that does not lead on.
    pub fn buys(&self, stage: u8, reply: &Reply) -> bool {
        let settles = || self.is(stage, Operation::Poll) || self.last_checkout() == Some(stage);
        reply.outcome == Outcome::Ok && settles() && self.known(reply.then).is_none()
    }
}
