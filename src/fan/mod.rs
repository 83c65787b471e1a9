//! A fan: a small state machine that is told what happened and answers with the one thing it does
//! next.
//!
//! What it does on the way to a purchase stands in `funnel`, how it looks at the page in `reload`,
//! what refusals and waiting lead to in `retry`, and what it asks of the shop in `calls`.

pub mod behaviour;
pub mod calls;
mod funnel;
mod reload;
mod retry;
pub mod route;
#[cfg(test)]
mod tests;

use std::num::NonZeroU8;

use domain::draw::{Draw, Purpose, draw};
use domain::id::FanId;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::Short;
use domain::time::{Duration, Time};

use behaviour::Behaviour;
use route::Route;

/// What all fans of one population share.
#[derive(Clone, Debug, PartialEq)]
pub struct Crowd {
    /// Draws hang on this.
    pub seed: u64,
    /// The population's place in the scenario.
    pub population: u16,
    /// How its people behave.
    pub behaviour: Behaviour,
    /// The way that they take to a purchase.
    pub route: Route,
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

/// One step of one fan, kept so that it can be lived again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Who.
    pub fan: FanId,
    /// What it was told.
    pub input: Input,
    /// What it did.
    pub action: Action,
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

/// What a fan wants to buy: one item, for good.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The item, by its place in the sale.
    pub item: u8,
    /// Pieces: at least 1, at most the sale's limit.
    pub quantity: u8,
}

/// One fan.
///
/// Invariants, whatever the shop answers:
/// - One input gives one action; the same inputs give the same actions.
/// - A request is intended exactly at the time of the input that led to it, and before the sale
///   closes; its deadline is later by `behaviour.timeout`.
/// - A sleep never ends before it begins, nor after the fan's patience or the sale; where it would,
///   it is cut to that end and the fan leaves there, so that departures have true times.
/// - Time from one look at the page to the next, and every wait, is at least [`SHORTEST_PAUSE`].
/// - All tries of one purchase bear the same number, whether refused, waiting or unanswered; only
///   a decline begins another, once.
/// - A checkout answered `ok` is a purchase, whenever it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fan {
    /// When the latest reload was intended: the gap to the next one counts from here.
    reloaded: Time,
    /// When its patience ends; known once it has arrived.
    patience_ends: Time,
    /// Slots that it was refused since it last came from the page: bit n is slot n.
    full: u64,
    /// Gaps drawn.
    gaps: u32,
    /// Its place in its population.
    index: u32,
    /// Its population's place in the scenario.
    population: u16,
    /// Back-offs and waits drawn.
    pauses: u16,
    /// Steps of the funnel taken.
    steps: u16,
    /// Times it was told that what it wants is gone.
    sold_outs: u16,
    /// Slots drawn.
    choices: u16,
    /// Refusals of the current operation in a row.
    refusals: u16,
    phase: Phase,
    slot: Option<SlotPlace>,
    progress: Progress,
}

/// A million fans wait in memory at once, and nobody of them needs the half of a cache line more.
/// So what is counted for a draw has 16 bits and stays at their end, where a fan draws the same
/// again and again: 65,535 steps, waits or disappointments are hours of one person's patience.
/// Reloads, which robots make by the hundred thousand, have 32.
const _: () = assert!(size_of::<Fan>() <= 48, "a fan is three quarters of a cache line");

/// Takes the next number of a counter of draws, which ends at 65,535 and never begins again.
const fn count(counter: &mut u16) -> u32 {
    let number = *counter;
    *counter = counter.saturating_add(1);
    number as u32
}

/// How far a fan has come in its one intent.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// It has not been told that the sale is open.
    Outside,
    /// It is in the funnel, with the card it came with.
    Inside,
    /// That card was declined, and it pays by another: another purchase of the same intent.
    OtherCard,
}

/// The place of a slot in its sale, plus one: there are at most 64, and `None` takes no room.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct SlotPlace(NonZeroU8);

impl SlotPlace {
    fn new(place: u8) -> Self {
        Self(NonZeroU8::MIN.saturating_add(place))
    }

    const fn get(self) -> u8 {
        self.0.get() - 1
    }
}

/// The shortest pause between two looks at the same thing. A law may allow zero, but then a fan
/// would ask without end in one instant of virtual time.
pub const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// What a fan is doing between two inputs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// It has not arrived.
    Coming,
    /// Its operation is outstanding.
    Asking(Operation),
    /// It sleeps.
    Pausing(Next),
    /// It has left.
    Gone,
}

/// What a sleep is followed by.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Next {
    /// The sale has opened: the first step of the funnel.
    Enter,
    /// An operation.
    Send(Operation),
    /// Patience or the sale has ended.
    Leave(Departure),
}

impl Fan {
    /// A fan that has not arrived.
    pub const fn new(id: FanId) -> Self {
        Self {
            reloaded: Time::ZERO,
            patience_ends: Time::NEVER,
            full: 0,
            gaps: 0,
            index: id.index,
            population: id.population,
            pauses: 0,
            steps: 0,
            sold_outs: 0,
            choices: 0,
            refusals: 0,
            phase: Phase::Coming,
            slot: None,
            progress: Progress::Outside,
        }
    }

    /// Who it is.
    pub const fn id(&self) -> FanId {
        FanId { population: self.population, index: self.index }
    }

    /// Whether it has come as far as being told that the sale is open.
    pub const fn entered_funnel(&self) -> bool {
        !matches!(self.progress, Progress::Outside)
    }

    /// What it does next, now that `input` has happened. The first input is `Arrived`; each later
    /// one is what the latest action asks for; `crowd` is always the fan's own.
    ///
    /// # Panics
    /// When the input is not the one that the latest action asks for: the world is wrong then.
    pub fn step(&mut self, input: Input, crowd: &Crowd) -> Action {
        match (self.phase, input) {
            (Phase::Coming, Input::Arrived { at }) => self.arrive(at, crowd),
            (Phase::Pausing(Next::Enter), Input::Woke { at }) => self.enter(at, crowd),
            (Phase::Pausing(Next::Send(operation)), Input::Woke { at }) => {
                self.send(operation, at, crowd)
            }
            (Phase::Pausing(Next::Leave(departure)), Input::Woke { .. }) => self.leave(departure),
            (Phase::Asking(operation), Input::Replied { at, reply }) => {
                self.read(operation, &reply, at, crowd)
            }
            (phase, input) => panic!("fan {} is {phase:?} and cannot take {input:?}", self.id()),
        }
    }

    /// What an answer leads to.
    fn read(&mut self, asked: Operation, reply: &Reply, at: Time, crowd: &Crowd) -> Action {
        if (asked, reply.outcome) == (Operation::Checkout, Outcome::Ok) {
            return self.leave(Departure::Bought);
        }
        if at > self.patience_ends && self.patience_ends < crowd.closes {
            return self.leave(Departure::Reneged);
        }
        match reply.outcome {
            Outcome::Ok => self.go_on(asked, reply, at, crowd),
            Outcome::NotOpen => self.await_opening(at, crowd),
            Outcome::SoldOut => self.miss(reply.short, at, crowd),
            Outcome::Declined => self.pay_otherwise(asked, at, crowd),
            Outcome::Waiting => self.wait(asked, reply.retry_after, at, crowd),
            Outcome::Rejected if at >= crowd.closes => self.leave(Departure::Expired),
            Outcome::Rejected => self.leave(Departure::Rejected),
            Outcome::RateLimited | Outcome::Error | Outcome::Unknown | Outcome::Shed => {
                self.retry(asked, reply.retry_after, at, crowd)
            }
        }
    }

    fn arrive(&mut self, at: Time, crowd: &Crowd) -> Action {
        let patience = crowd.behaviour.patience.sample(self.draw(crowd, Purpose::Patience, 0));
        self.patience_ends = at.max(crowd.opens) + patience;
        if crowd.reloads() {
            self.send(Operation::Reload, at, crowd)
        } else if at < crowd.opens {
            self.pause(crowd.opens, Next::Enter, at, crowd)
        } else {
            self.enter(at, crowd)
        }
    }

    fn send(&mut self, operation: Operation, at: Time, crowd: &Crowd) -> Action {
        if at >= crowd.closes {
            return self.leave(Departure::Expired);
        }
        if operation == Operation::Reload {
            self.reloaded = at;
        }
        self.phase = Phase::Asking(operation);
        let Want { item, quantity } = self.want(crowd);
        Action::Send(Request {
            operation,
            intended: at,
            deadline: at + crowd.behaviour.timeout.0,
            item,
            slot: self.slot.map(SlotPlace::get),
            quantity,
            purchase: u8::from(self.progress == Progress::OtherCard),
        })
    }

    /// Sleeps from `at` until `until`, but at longest to the end of its patience or of the sale.
    fn pause(&mut self, until: Time, next: Next, at: Time, crowd: &Crowd) -> Action {
        debug_assert!(until >= at, "a sleep ends after it begins");
        let (until, next) = if until > self.patience_ends && self.patience_ends < crowd.closes {
            (self.patience_ends, Next::Leave(Departure::Reneged))
        } else if until >= crowd.closes {
            (crowd.closes, Next::Leave(Departure::Expired))
        } else {
            (until, next)
        };
        match next {
            Next::Leave(departure) if until <= at => self.leave(departure),
            _ => {
                self.phase = Phase::Pausing(next);
                Action::Sleep { until }
            }
        }
    }

    fn leave(&mut self, departure: Departure) -> Action {
        self.phase = Phase::Gone;
        Action::Leave(departure)
    }

    fn draw(&self, crowd: &Crowd, purpose: Purpose, n: u32) -> Draw {
        draw(crowd.seed, self.id(), purpose, n)
    }
}
