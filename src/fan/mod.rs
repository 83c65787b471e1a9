//! A fan: a small state machine that is told what happened and answers with the one thing it does
//! next.
//!
//! The way that it walks is a `route`. How it gets from stage to stage stands in `walk`, what it does
//! on the way to a purchase in `funnel`, how it looks at the page in `reload`, what refusals and
//! waiting lead to in `retry`, how it asks for what is not settled in `polling`, and what it asks of
//! the embedded shop in `calls`.

pub mod behaviour;
pub mod calls;
mod funnel;
mod polling;
mod progress;
mod reload;
mod retry;
pub mod route;
#[cfg(test)]
mod tests;
mod walk;

use domain::draw::{Draw, Purpose, draw};
use domain::id::FanId;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::Short;
use domain::time::{Duration, Time};

use behaviour::Behaviour;
use progress::{Progress, SlotPlace};
pub use reload::Outlook;
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
    /// The stage of the route that the answer leads to, if it says so; one that the route does not
    /// have counts as not said.
    pub then: Option<u8>,
}

impl Reply {
    /// An answer that says nothing but its outcome.
    pub const fn of(outcome: Outcome) -> Self {
        Self { outcome, retry_after: None, short: None, items: None, slots: None, then: None }
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
    /// The stage of the route that this is.
    pub stage: u8,
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
/// Invariants, whatever the shop answers, on every route with a checkout:
/// - One input gives one action; the same inputs give the same actions.
/// - A request is intended exactly at the time of the input that led to it, and before the sale
///   closes unless it is a poll; its deadline is later by the stage's own timeout or `behaviour.timeout`. That of a poll
///   is no later than the end of its polling.
/// - A sleep never ends before it begins, nor after the fan's patience or the sale; where it would,
///   it is cut to that end and the fan leaves there, so that departures have true times. Between
///   polls it is cut to the end of the polling likewise, and not to that of the sale: who was told
///   to wait for an order that is under way waits for its end.
/// - Time from one look at the page to the next, every wait, and every step back that an answer
///   names is at least [`SHORTEST_PAUSE`]: nobody asks without end in one instant.
/// - A poll is asked only where an answer names it, and again until it is settled or its time is
///   over; then the checkout counts as unanswered.
/// - All tries of one purchase bear the same number, whether refused, waiting, polled or
///   unanswered; only a decline begins another, once.
/// - A purchase is the last checkout or a poll answered `ok`, unless the answer leads on; it counts
///   whenever it is answered.
/// - What is asked from the funnel's first stage on, is asked by one who has entered it; a cart and
///   a checkout carry a slot exactly where the sale has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fan {
    /// When the latest look at the page was intended, from which the gap to the next one counts; or
    /// when the polling began that is later.
    since: Time,
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

/// The shortest pause between two looks at the same thing. A law may allow zero, but then a fan
/// would ask without end in one instant of virtual time.
pub const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// What a fan is doing between two inputs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// It has not arrived.
    Coming,
    /// The operation of that stage is outstanding.
    Asking(u8),
    /// It sleeps.
    Pausing(Next),
    /// It has left.
    Gone,
}

/// An answer, as far as it says where to go.
#[derive(Copy, Clone, Debug)]
struct Heard {
    /// The stage that was asked.
    asked: u8,
    /// The stage that the answer names, if the route has it.
    then: Option<u8>,
    /// When it came.
    at: Time,
}

/// What a sleep is followed by.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Next {
    /// The sale has opened: the first step of the funnel.
    Enter,
    /// The operation of that stage.
    Send(u8),
    /// Patience or the sale has ended.
    Leave(Departure),
}

impl Fan {
    /// A fan that has not arrived.
    pub const fn new(id: FanId) -> Self {
        Self {
            since: Time::ZERO,
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
            progress: Progress::OUTSIDE,
        }
    }

    /// Who it is.
    pub const fn id(&self) -> FanId {
        FanId { population: self.population, index: self.index }
    }

    /// Whether it has come as far as being told that the sale is open.
    pub const fn entered_funnel(&self) -> bool {
        self.progress.is_inside()
    }

    /// Whether the operation that it is at was refused, or failed, when it was last asked for.
    pub const fn was_refused(&self) -> bool {
        self.refusals > 0
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
            (Phase::Pausing(Next::Send(stage)), Input::Woke { at }) => self.send(stage, at, crowd),
            (Phase::Pausing(Next::Leave(departure)), Input::Woke { .. }) => self.leave(departure),
            (Phase::Asking(stage), Input::Replied { at, reply }) => {
                self.read(stage, &reply, at, crowd)
            }
            (phase, input) => panic!("fan {} is {phase:?} and cannot take {input:?}", self.id()),
        }
    }

    /// What an answer leads to.
    fn read(&mut self, asked: u8, reply: &Reply, at: Time, crowd: &Crowd) -> Action {
        if crowd.route.buys(asked, reply) {
            return self.leave(Departure::Bought);
        }
        if at > self.patience_ends && self.patience_ends < crowd.closes {
            return self.leave(Departure::Reneged);
        }
        let heard = Heard { asked, then: crowd.route.known(reply.then), at };
        match reply.outcome {
            Outcome::Ok => self.go_on(heard, reply, crowd),
            Outcome::NotOpen => self.await_opening(heard, crowd),
            Outcome::SoldOut => self.miss(heard, reply.short, crowd),
            Outcome::Declined => self.pay_otherwise(heard, crowd),
            Outcome::Rejected if at >= crowd.closes => self.leave(Departure::Expired),
            Outcome::Rejected => self.leave(Departure::Rejected),
            _ if self.polls_in_vain(heard, crowd) => self.doubt(at, crowd),
            Outcome::Waiting => self.wait(heard, reply.retry_after, crowd),
            Outcome::RateLimited | Outcome::Error | Outcome::Unknown | Outcome::Shed => {
                self.retry(heard, reply.retry_after, crowd)
            }
        }
    }

    fn arrive(&mut self, at: Time, crowd: &Crowd) -> Action {
        let patience = crowd.behaviour.patience.sample(self.draw(crowd, Purpose::Patience, 0));
        self.patience_ends = at.max(crowd.opens) + patience;
        self.approach(0, at, crowd)
    }

    /// Sleeps from `at` until `until`, but at longest to the end of its patience or of the sale; to
    /// hear what became of its order it stays up beyond that of the sale.
    fn pause(&mut self, until: Time, next: Next, at: Time, crowd: &Crowd) -> Action {
        debug_assert!(until >= at, "a sleep ends after it begins");
        let (until, next) = if self.polls_past_the_close(next, until, crowd) {
            (until, next)
        } else if until > self.patience_ends && self.patience_ends < crowd.closes {
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
