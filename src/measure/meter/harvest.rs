//! What a meter counted and timed in a while.

use std::collections::{BTreeMap, VecDeque};

use domain::outcome::{Departure, Operation, Outcome};
use serde::{Deserialize, Serialize};

use crate::evidence::ConnectionFailure;
use crate::measure::edge::EdgeCounts;
use crate::measure::latency::Series;
use crate::tracing::Spans;

/// What a meter counted in a while: mergeable without loss.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Harvest {
    /// Counts by second; the first entry is second `first`.
    pub(super) seconds: VecDeque<Counts>,
    pub(super) first: u64,
    pub(super) samples: Vec<Sample>,
    /// Times that so many had.
    pub(super) shared: Vec<(Sample, u32)>,
    /// What the edge did with the answers of each step, by its name, since the last harvest.
    pub(super) edges: BTreeMap<String, EdgeCounts>,
    /// What was traced since the last harvest.
    pub(super) spans: Spans,
}

/// What was counted in one second of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Operations intended in it.
    pub offered: u64,
    /// Operations sent in it.
    pub sent: u64,
    /// Operations answered or given up in it.
    pub completed: u64,
    /// Checkouts (and their polls) answered `ok` in it.
    pub useful: u64,
    /// Checkouts sent in it.
    pub checkout: u64,
    /// Reloads sent in it.
    pub reload: u64,
    /// Fans that arrived in it.
    pub arrived: u64,
    /// Fans that left in it, by departure.
    pub departed: [u64; Departure::ALL.len()],
    /// Operations intended in it, by operation and outcome.
    pub outcomes: [[u64; Outcome::ALL.len()]; Operation::ALL.len()],
    /// Requests of reloads sent in it, by outcome.
    pub calls: [u64; Outcome::ALL.len()],
    /// Operations sent in each of its tenths.
    pub tenths: [u64; 10],
    /// Connections that stood, and were secured where that was wanted, in it.
    pub opened: u64,
    /// Those of them that resumed an earlier TLS session.
    pub resumed: u64,
    /// Connections that failed in it before they were of use, by kind.
    pub connection_failures: [u64; ConnectionFailure::ALL.len()],
}

impl Counts {
    /// Adds what others counted.
    pub fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.sent += other.sent;
        self.completed += other.completed;
        self.useful += other.useful;
        self.checkout += other.checkout;
        self.reload += other.reload;
        self.arrived += other.arrived;
        add(&mut self.departed, &other.departed);
        add(&mut self.calls, &other.calls);
        add(&mut self.tenths, &other.tenths);
        self.opened += other.opened;
        self.resumed += other.resumed;
        add(&mut self.connection_failures, &other.connection_failures);
        for (mine, theirs) in self.outcomes.iter_mut().zip(&other.outcomes) {
            add(mine, theirs);
        }
    }
}

fn add(mine: &mut [u64], theirs: &[u64]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

/// One time of one series in one interval, packed so that sorting groups what belongs together:
/// 28 bits of interval (tenths of a second: 310 days), 6 of series, 30 of microseconds.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Sample(u64);

const VALUE_BITS: u32 = 30;
const SERIES_BITS: u32 = 6;
const INTERVAL_MAX: u64 = (1 << (64 - VALUE_BITS - SERIES_BITS)) - 1;

impl Sample {
    pub(super) fn new(interval: u64, series: Series, us: u64) -> Self {
        let group = (interval.min(INTERVAL_MAX) << SERIES_BITS) | series.place() as u64;
        Self((group << VALUE_BITS) | us)
    }

    /// Equal for samples of one series in one interval.
    pub(crate) const fn group(self) -> Group {
        Group(self.0 >> VALUE_BITS)
    }

    /// The time \[us\].
    pub(crate) const fn us(self) -> u64 {
        self.0 & ((1 << VALUE_BITS) - 1)
    }
}

/// An interval and a series, ordered by both.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group(u64);

impl Group {
    /// The tenth of a second that the interval begins with.
    pub(crate) const fn interval(self) -> u64 {
        self.0 >> SERIES_BITS
    }

    /// The series.
    pub(crate) fn series(self) -> Series {
        let place = self.0 & ((1 << SERIES_BITS) - 1);
        Series::all()
            .find(|series| series.place() as u64 == place)
            .expect("a sample is made of a series")
    }
}

impl Harvest {
    /// Adds what another meter counted.
    pub fn merge(&mut self, other: Self) {
        for (second, counts) in (other.first..).zip(&other.seconds) {
            self.at(second).merge(counts);
        }
        if self.samples.is_empty() {
            self.samples = other.samples;
        } else {
            self.samples.extend_from_slice(&other.samples);
        }
        self.shared.extend_from_slice(&other.shared);
        self.see(other.edges);
        self.trace(other.spans);
    }

    /// Adds what was traced.
    pub fn trace(&mut self, spans: Spans) {
        self.spans.merge(spans);
    }

    /// Takes what was traced out.
    pub(crate) fn take_spans(&mut self) -> Spans {
        std::mem::take(&mut self.spans)
    }

    /// Adds what the edge did with the answers of steps.
    pub fn see(&mut self, edges: BTreeMap<String, EdgeCounts>) {
        for (step, counts) in edges {
            self.edges.entry(step).or_default().merge(&counts);
        }
    }

    /// What the edge did with the answers of steps.
    pub const fn edges(&self) -> &BTreeMap<String, EdgeCounts> {
        &self.edges
    }

    /// The counts of each second that has any entry, in order.
    pub fn seconds(&self) -> impl Iterator<Item = (u64, &Counts)> {
        (self.first..).zip(&self.seconds).filter(|(_, counts)| **counts != Counts::default())
    }

    /// Takes the samples out, sorted: by interval, then series, then value.
    pub(crate) fn take_samples(&mut self) -> Vec<Sample> {
        let mut samples = std::mem::take(&mut self.samples);
        samples.sort_unstable();
        samples
    }

    /// Takes out the times that several had, and how many each.
    pub(crate) fn take_shared(&mut self) -> Vec<(Sample, u32)> {
        std::mem::take(&mut self.shared)
    }

    /// The counts of a second: nearly always one that is there already.
    pub(super) fn at(&mut self, second: u64) -> &mut Counts {
        let place = second.wrapping_sub(self.first);
        if place >= self.seconds.len() as u64 {
            self.make_room(second);
        }
        let place = usize::try_from(second - self.first).expect("a run's seconds fit memory");
        &mut self.seconds[place]
    }

    fn make_room(&mut self, second: u64) {
        if self.seconds.is_empty() {
            self.first = second;
        }
        while second < self.first {
            self.seconds.push_front(Counts::default());
            self.first -= 1;
        }
        let place = usize::try_from(second - self.first).expect("a run's seconds fit memory");
        if place >= self.seconds.len() {
            self.seconds.resize(place + 1, Counts::default());
        }
    }
}
