//! People who wait for an opening and are counted instead of told apart: `[[fans]] fidelity = "aggregate"`.
//!
//! Of those who sleep until they look at the page again, only when matters: they are counted by the tick in which
//! they do. What they ask the edge for is asked for all of a tick at once, and what it has is counted (`parts`).
//! Whatever the edge does not answer by itself is an event as ever: fetches, and the call of each look that goes to
//! the shop (`looks`). For that call a look has a fan, who is the fan of both worlds, and goes back among the others
//! once told that the sale is not open yet. Whoever hears anything else stays what he is; so purchases, refusals
//! and retries are everybody's own.

mod looks;
mod parts;
mod spread;
mod steps;

use std::collections::{BTreeMap, VecDeque};

use domain::draw::Purpose;
use domain::id::FanId;
use domain::outcome::Outcome;
use domain::sampler::Sampler;
use domain::time::{Duration, Time};

use super::World;
use super::lengths::{Laws, Lengths};
use crate::evidence::Aggregated;
use crate::fan::Fan;
use crate::measure::latency::Grain;
use crate::measure::meter::Meter;
use crate::scenario::{Fidelity, Population, Scenario};

pub(super) use looks::Look;
pub(super) use parts::Waiting;
use spread::Spread;
use steps::Steps;

/// How long a tick is: the edge's caches are off by as much at most.
const TICK: Duration = Duration::from_millis(10);
const TICK_NS: u64 = 10_000_000;

/// Those of one population who wait.
#[derive(Debug)]
pub(super) struct Multitude {
    population: u16,
    sale: u16,
    opens: Time,
    grain: Grain,
    /// The number of the next tick.
    tick: u64,
    /// Who looks in each tick to come, the next one first.
    ticks: VecDeque<Tick>,
    /// How many they are.
    waiting: u64,
    /// Who asks for each part of the page in each tick to come, the next one first.
    asking: Vec<VecDeque<Group>>,
    /// How many they are, with those who wait for a fetch.
    loading: u64,
    /// Whether the calendar has the next tick.
    ticks_on: bool,
    /// Who leaves, and how many do at one time.
    leaving: BTreeMap<(Time, u8), u64>,
    /// Numbers of fans who went back among the others, and the first that nobody has had.
    given_back: Vec<u32>,
    fresh: u32,
    /// How often somebody looked: gaps are drawn by this.
    looks: u32,
    /// How long one call takes that the edge answers at once.
    call: Spread,
    /// How many ticks pass from the beginning of a look's tick to its first request, and from one that the edge
    /// has to the next.
    first: Steps,
    next: Steps,
    /// Calls that the edge answered in that interval, and of which it is not told yet how long they took.
    answered: u64,
    interval: Time,
    /// What was aggregated so far.
    done: Aggregated,
}

/// Who looks in a tick.
#[derive(Copy, Clone, Debug, Default)]
struct Tick {
    looks: u32,
    arrivals: u32,
}

/// People who are at the same point of their looks.
#[derive(Copy, Clone, Debug, Default)]
struct Group {
    people: u32,
    /// The sum of the times at which they began to look \[ns\].
    since: u128,
}

impl Group {
    /// So many of them.
    fn some(self, people: u32) -> Self {
        let since = self.since * u128::from(people) / u128::from(self.people.max(1));
        Self { people, since }
    }

    /// When they began to look, in the mean.
    fn began(self) -> Time {
        let mean = self.since / u128::from(self.people.max(1));
        Time::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    fn join(&mut self, other: Self) {
        self.people += other.people;
        self.since += other.since;
    }
}

impl Multitude {
    /// One for each population of `scenario` that is to be aggregated.
    pub(super) fn all(scenario: &Scenario, lengths: &Lengths, laws: &Laws) -> Vec<Self> {
        let populations = (0_u16..).zip(&scenario.populations);
        let aggregated =
            populations.filter(|(_, population)| population.fidelity == Fidelity::Aggregate);
        let network = laws.network.as_ref();
        aggregated
            .map(|(number, population)| Self::new(scenario, (number, population), lengths, network))
            .collect()
    }

    fn new(
        scenario: &Scenario,
        (number, population): (u16, &Population),
        lengths: &Lengths,
        network: Option<&Sampler>,
    ) -> Self {
        let parts = parts_of(population);
        let call = Spread::of_a_call(network, lengths.draws(), u32::from(number));
        let mut multitude = Self {
            population: number,
            sale: u16::try_from(population.sale).expect("a scenario has fewer than 65,536 sales"),
            opens: population.crowd.opens,
            grain: Grain::new(scenario.first_opening()),
            tick: 0,
            ticks: VecDeque::new(),
            waiting: 0,
            asking: (0..parts).map(|_| VecDeque::new()).collect(),
            loading: 0,
            ticks_on: false,
            leaving: BTreeMap::new(),
            given_back: Vec::new(),
            fresh: 0,
            looks: 0,
            // A look begins anywhere in its tick; its first request has one way to go.
            first: Steps::new(call.nanos().map(|nanos| nanos / 2.0), 0.5),
            next: Steps::new(call.nanos(), 0.0),
            call,
            answered: 0,
            interval: Time::ZERO,
            done: Aggregated::default(),
        };
        let moments = scenario.moments(number);
        for index in 0..moments.count() {
            multitude.at(moments.of(index)).arrivals += 1;
            multitude.waiting += 1;
        }
        multitude
    }

    /// The tick of that time, if it is one to come; else the next one.
    fn at(&mut self, at: Time) -> &mut Tick {
        let ahead = (at.nanos() / TICK_NS).saturating_sub(self.tick);
        place(&mut self.ticks, usize::try_from(ahead).expect("a run's ticks fit memory"))
    }

    /// A number for somebody who is told apart.
    fn number(&mut self) -> u32 {
        self.given_back.pop().unwrap_or_else(|| {
            self.fresh += 1;
            self.fresh - 1
        })
    }

    /// Somebody who has been waiting for the opening, told apart when he looks at the page `at` that time.
    fn somebody(&mut self, at: Time, population: &Population) -> Fan {
        self.looks = self.looks.wrapping_add(1);
        let fan = FanId { population: self.population, index: self.number() };
        let fan = Fan::who_waits(fan, self.looks, at, &population.crowd);
        fan.expect("who is aggregated has a page")
    }

    /// Tells how long the calls took that the edge answered in an interval.
    fn tell(&mut self, meter: &mut Meter, lengths: &mut Lengths) {
        if self.answered > 0 {
            let draw = lengths.next(Purpose::Multitude);
            for (nanos, calls) in self.call.shared(self.answered, draw) {
                meter.calls_took(self.interval, nanos, calls);
            }
            self.answered = 0;
        }
    }

    /// The edge answers so many at once.
    fn answer(&mut self, at: Time, people: u32, meter: &mut Meter, lengths: &mut Lengths) {
        if self.grain.interval(at) != self.grain.interval(self.interval) {
            self.tell(meter, lengths);
        }
        self.interval = at;
        self.answered += u64::from(people);
        self.done.calls += u64::from(people);
        meter.calls_done(at, Outcome::Ok, u64::from(people));
    }
}

impl World<'_> {
    /// Tells what is not told yet of the second that ends.
    pub(super) fn tell_of_multitudes(&mut self) {
        let Self { multitudes, meter, lengths, .. } = self;
        for multitude in multitudes {
            multitude.tell(meter, lengths);
        }
    }

    /// What was aggregated, by population.
    pub(super) fn aggregated(&self) -> BTreeMap<String, Aggregated> {
        let told = self.multitudes.iter().map(|multitude| {
            let population = &self.scenario.populations[usize::from(multitude.population)];
            (population.name.clone(), multitude.done)
        });
        told.collect()
    }
}

/// How many calls of a look the edge may answer.
fn parts_of(population: &Population) -> u16 {
    let reload = &population.crowd.behaviour.reload;
    reload.cacheable.min(reload.calls.saturating_sub(1))
}

/// What is so far ahead in a line.
fn place<T: Clone + Default>(line: &mut VecDeque<T>, ahead: usize) -> &mut T {
    if line.len() <= ahead {
        line.resize(ahead + 1, T::default());
    }
    &mut line[ahead]
}
