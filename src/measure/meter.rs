//! A meter: what one load thread counts and times, with nothing shared.
//!
//! The hot path adds to counters and appends packed samples to a block; histograms are made of them
//! by the recorder, off the load path, whenever a block is full and once a second. So a record costs some 25 ns (measured:
//! `cargo bench --bench meter`), and an interval's values can be told apart by when they were
//! *intended*, which a histogram per thread could not do without one histogram per interval.

mod harvest;

use std::collections::VecDeque;

use domain::outcome::{Departure, Operation, Outcome};
use domain::time::Time;

use crate::evidence::{Attempt, ConnectionFailure};
use crate::measure::latency::{Grain, Series, microseconds};

pub(crate) use harvest::Group;
use harvest::Sample;
pub use harvest::{Counts, Harvest};

/// How many samples a meter gathers at most before it wants to hand them over: 128 KiB, which a busy
/// thread fills some ten times a second. So its memory hangs on no rate.
const BLOCK: usize = 1 << 14;
/// How many samples may still come between a look at [`Meter::is_full`] and the next one: a loop
/// that serves some hundred events in between, each with a handful of samples.
const BLOCK_SLACK: usize = 1 << 12;

/// What one load thread (or the simulator) has counted since the last harvest.
#[derive(Debug)]
pub struct Meter {
    grain: Grain,
    medium: Medium,
    counted: Harvest,
}

/// What carries the answers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Medium {
    /// A network: an answer has a first byte and a last one.
    Wire,
    /// An event calendar: an answer is there at once and whole.
    Calendar,
}

impl Meter {
    /// An empty meter of a load loop; `opening` is the first opening, around which counting is
    /// finer.
    pub fn new(opening: Time) -> Self {
        let grain = Grain::new(opening);
        Self { grain, medium: Medium::Wire, counted: Harvest::default() }
    }

    /// An empty meter of the simulator, where no answer has a first byte.
    pub fn in_virtual_time(opening: Time) -> Self {
        Self { medium: Medium::Calendar, ..Self::new(opening) }
    }

    /// A fan arrived.
    pub fn arrived(&mut self, at: Time) {
        self.counted.at(second(at)).arrived += 1;
    }

    /// A fan left.
    pub fn departed(&mut self, at: Time, departure: Departure) {
        self.counted.at(second(at)).departed[departure as usize] += 1;
    }

    /// A fan wants an operation sent at `intended`, and it was handed to the network at `sent`. An
    /// operation that is shed is never sent: it counts as offered when it is done.
    pub fn sent(&mut self, operation: Operation, intended: Time, sent: Time) {
        self.counted.at(second(intended)).offered += 1;
        let counts = self.counted.at(second(sent));
        counts.sent += 1;
        counts.checkout += u64::from(operation == Operation::Checkout);
        counts.reload += u64::from(operation == Operation::Reload);
        counts.tenths[tenth(sent)] += 1;
        self.time(Series::Lateness, intended, intended, sent);
    }

    /// An answer told a fan at `done` that it has bought.
    pub fn bought(&mut self, done: Time) {
        self.counted.at(second(done)).useful += 1;
    }

    /// A whole operation was answered or given up.
    pub fn done(&mut self, attempt: &Attempt) {
        let Attempt { operation, intended, sent, first_byte, done, outcome, .. } = *attempt;
        let counts = self.counted.at(second(intended));
        counts.outcomes[operation as usize][outcome as usize] += 1;
        counts.offered += u64::from(outcome == Outcome::Shed);
        self.counted.at(second(done)).completed += 1;
        if outcome.enters_percentiles() {
            self.time(Series::Response(operation), intended, intended, done);
            self.time(Series::Service(operation), intended, sent, done);
            if self.medium == Medium::Wire {
                // What was never answered was waited for until its deadline: to leave it out would
                // flatter the shop.
                let first_byte = first_byte.unwrap_or(done);
                self.time(Series::FirstByte(operation), intended, intended, first_byte);
            }
        }
    }

    /// An operation that was `queued` for a pooled connection got one at `begun`, or was given up
    /// then. Those that find one free do not wait and are not told of.
    pub fn pool_waited(&mut self, queued: Time, begun: Time) {
        self.time(Series::PoolWait, queued, queued, begun);
    }

    /// A connection that was `begun` stood at `connected` and, where that was wanted, was `secured`;
    /// `resumed` says whether that took up an earlier TLS session.
    pub fn connected(
        &mut self,
        begun: Time,
        connected: Time,
        secured: Option<Time>,
        resumed: bool,
    ) {
        let counts = self.counted.at(second(secured.unwrap_or(connected)));
        counts.opened += 1;
        counts.resumed += u64::from(resumed);
        self.time(Series::Connect, begun, begun, connected);
        if let Some(secured) = secured {
            self.time(Series::Handshake, begun, connected, secured);
        }
    }

    /// A connection could not be made, or failed before it was of use.
    pub fn connection_failed(&mut self, at: Time, failure: ConnectionFailure) {
        self.counted.at(second(at)).connection_failures[failure as usize] += 1;
    }

    /// One request of a reload (`reload.call`) was answered or given up.
    pub fn call_done(&mut self, sent: Time, done: Time, outcome: Outcome) {
        self.counted.at(second(sent)).calls[outcome as usize] += 1;
        if outcome.enters_percentiles() {
            self.time(Series::Call, sent, sent, done);
        }
    }

    /// So many people want to look at the page `at` that time, and are on their way to it.
    pub fn looked(&mut self, at: Time, people: u32) {
        let many = u64::from(people);
        let counts = self.counted.at(second(at));
        counts.offered += many;
        counts.sent += many;
        counts.reload += many;
        counts.tenths[tenth(at)] += many;
        self.share(Series::Lateness, at, 0, people);
    }

    /// So many requests of reloads that were sent then are answered; how long that took is told by
    /// [`Meter::calls_took`].
    pub fn calls_done(&mut self, sent: Time, outcome: Outcome, requests: u64) {
        self.counted.at(second(sent)).calls[outcome as usize] += requests;
    }

    /// So many requests of reloads that were sent in the interval of `sent` took so long \[ns\].
    pub fn calls_took(&mut self, sent: Time, nanos: u64, requests: u32) {
        let us = microseconds(Time::ZERO, Time::from_nanos(nanos));
        self.share(Series::Call, sent, us, requests);
    }

    /// Keeps a time \[us\] that so many had for the interval of `of`.
    fn share(&mut self, series: Series, of: Time, us: u64, people: u32) {
        if people > 0 {
            let sample = Sample::new(self.grain.interval(of), series, us);
            self.counted.shared.push((sample, people));
        }
    }

    /// Hands over all that was counted and is empty afterwards.
    pub fn harvest(&mut self) -> Harvest {
        let samples = self.take_block();
        let shared = self.counted.take_shared();
        let seconds = VecDeque::with_capacity(self.counted.seconds.len());
        let counted = std::mem::replace(&mut self.counted.seconds, seconds);
        let first = std::mem::take(&mut self.counted.first);
        Harvest { seconds: counted, first, samples, shared, ..Harvest::default() }
    }

    /// Whether what was timed fills a block, which is then to be handed over at once.
    pub const fn is_full(&self) -> bool {
        self.counted.samples.len() >= BLOCK - BLOCK_SLACK
    }

    /// Hands over what was timed; what was counted stays until the next [`Meter::harvest`].
    pub fn block(&mut self) -> Harvest {
        Harvest { samples: self.take_block(), ..Harvest::default() }
    }

    /// The samples; room for a block takes their place if there have been any, and memory as it is
    /// used.
    fn take_block(&mut self) -> Vec<Sample> {
        let room = if self.counted.samples.is_empty() { 0 } else { BLOCK };
        std::mem::replace(&mut self.counted.samples, Vec::with_capacity(room))
    }

    /// Keeps the time from `from` to `until` for the interval of `of`.
    fn time(&mut self, series: Series, of: Time, from: Time, until: Time) {
        let sample = Sample::new(self.grain.interval(of), series, microseconds(from, until));
        self.counted.samples.push(sample);
    }
}

const fn second(at: Time) -> u64 {
    at.nanos() / 1_000_000_000
}

/// Which tenth of its second, from 0 to 9.
const fn tenth(at: Time) -> usize {
    (at.nanos() / 100_000_000 % 10) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::FanId;

    fn attempt(outcome: Outcome, intended_ms: u64, sent_ms: u64, done_ms: u64) -> Attempt {
        Attempt {
            fan: FanId { population: 0, index: 0 },
            operation: Operation::Checkout,
            intended: Time::from_millis(intended_ms),
            sent: Time::from_millis(sent_ms),
            first_byte: None,
            done: Time::from_millis(done_ms),
            outcome,
        }
    }

    fn meter() -> Meter {
        Meter::new(Time::from_millis(60_000))
    }

    #[test]
    fn an_answer_counts_where_it_was_wanted_and_completes_where_it_came() {
        let mut meter = meter();
        meter.sent(Operation::Checkout, Time::from_millis(1_900), Time::from_millis(2_100));
        let first_byte = Some(Time::from_millis(2_300));
        meter.done(&Attempt { first_byte, ..attempt(Outcome::Ok, 1_900, 2_100, 4_000) });
        meter.bought(Time::from_millis(4_000));
        let mut harvest = meter.harvest();
        let seconds: Vec<(u64, u64, u64, u64, u64)> = harvest
            .seconds()
            .map(|(second, counts)| {
                (second, counts.offered, counts.sent, counts.completed, counts.useful)
            })
            .collect();
        assert_eq!(seconds, [(1, 1, 0, 0, 0), (2, 0, 1, 0, 0), (4, 0, 0, 1, 1)]);
        let samples = harvest.take_samples();
        let read: Vec<(Series, u64, u64)> = samples
            .iter()
            .map(|sample| (sample.group().series(), sample.group().interval(), sample.us()))
            .collect();
        assert_eq!(
            read,
            [
                (Series::Response(Operation::Checkout), 10, 2_100_000),
                (Series::Service(Operation::Checkout), 10, 1_900_000),
                (Series::Lateness, 10, 200_000),
                (Series::FirstByte(Operation::Checkout), 10, 400_000),
            ]
        );
    }

    #[test]
    fn refusals_enter_ratios_only() {
        let mut meter = meter();
        for outcome in [Outcome::RateLimited, Outcome::Error, Outcome::Shed, Outcome::Waiting] {
            meter.done(&attempt(outcome, 1_000, 1_000, 1_001));
        }
        let mut harvest = meter.harvest();
        let (_, counts) = harvest.seconds().next().unwrap();
        assert_eq!(counts.outcomes[Operation::Checkout as usize].iter().sum::<u64>(), 4);
        assert_eq!(counts.offered, 1, "what was shed was offered though never sent");
        assert_eq!(harvest.take_samples(), []);
    }

    #[test]
    fn the_first_byte_of_what_is_never_answered_is_as_late_as_its_deadline() {
        let read = |mut meter: Meter, first_byte_ms: Option<u64>, outcome| {
            let first_byte = first_byte_ms.map(Time::from_millis);
            meter.done(&Attempt { first_byte, ..attempt(outcome, 1_000, 1_100, 3_000) });
            let samples = meter.harvest().take_samples();
            let series = Series::FirstByte(Operation::Checkout);
            samples
                .iter()
                .find(|sample| sample.group().series() == series)
                .map(|sample| sample.us())
        };
        assert_eq!(read(meter(), Some(1_250), Outcome::Ok), Some(250_000));
        assert_eq!(read(meter(), None, Outcome::Unknown), Some(2_000_000));
        assert_eq!(read(meter(), Some(1_250), Outcome::RateLimited), None);
        let modelled = Meter::in_virtual_time(Time::from_millis(60_000));
        assert_eq!(read(modelled, None, Outcome::Ok), None);
    }

    #[test]
    fn connections_are_timed_from_their_beginning_and_their_failures_counted_by_kind() {
        let at = Time::from_millis;
        let mut meter = meter();
        meter.connected(at(900), at(950), Some(at(1_010)), true);
        meter.connected(at(900), at(960), None, false);
        meter.connection_failed(at(1_500), ConnectionFailure::Refused);
        meter.connection_failed(at(1_600), ConnectionFailure::Refused);
        meter.pool_waited(at(100), at(400));
        let mut harvest = meter.harvest();
        let counts: Vec<(u64, u64, u64, u64)> = harvest
            .seconds()
            .map(|(second, counts)| {
                let refused = counts.connection_failures[ConnectionFailure::Refused as usize];
                (second, counts.opened, counts.resumed, refused)
            })
            .collect();
        assert_eq!(counts, [(0, 1, 0, 0), (1, 1, 1, 2)]);
        let samples = harvest.take_samples();
        let read: Vec<(Series, u64)> =
            samples.iter().map(|sample| (sample.group().series(), sample.us())).collect();
        assert_eq!(
            read,
            [
                (Series::Connect, 50_000),
                (Series::Connect, 60_000),
                (Series::Handshake, 60_000),
                (Series::PoolWait, 300_000),
            ]
        );
    }

    #[test]
    fn two_threads_merge_to_what_one_would_have_counted() {
        let (mut one, mut first, mut second) = (meter(), meter(), meter());
        for n in 0..100 {
            let attempt = attempt(Outcome::Ok, 7_000 - n * 50, 7_000, 7_000 + n * 3);
            one.done(&attempt);
            if n % 2 == 0 { &mut first } else { &mut second }.done(&attempt);
        }
        let mut merged = first.harvest();
        merged.merge(second.harvest());
        let mut one = one.harvest();
        assert!(one.seconds().eq(merged.seconds()));
        assert_eq!(one.take_samples(), merged.take_samples());
    }

    #[test]
    fn a_block_is_handed_over_before_it_grows_and_nothing_is_lost() {
        let mut meter = meter();
        let (mut blocks, mut samples, mut longest) = (0, 0, 0);
        for n in 0..100_000 {
            meter.done(&attempt(Outcome::Ok, 1_000 + n / 1_000, 1_200, 1_300));
            if meter.is_full() {
                let mut block = meter.block();
                assert_eq!(block.seconds().count(), 0, "counts wait for the second");
                longest = longest.max(block.samples.capacity());
                samples += block.take_samples().len();
                blocks += 1;
            }
        }
        let mut rest = meter.harvest();
        assert_eq!(rest.seconds().map(|(_, counts)| counts.completed).sum::<u64>(), 100_000);
        assert_eq!(samples + rest.take_samples().len(), 300_000);
        assert!(blocks >= 4 && longest <= BLOCK, "{blocks} blocks of at most {longest}");
    }

    #[test]
    fn a_harvested_meter_is_empty() {
        let mut meter = meter();
        meter.arrived(Time::from_millis(5));
        meter.harvest();
        assert_eq!(meter.harvest().seconds().count(), 0);
    }

    #[test]
    fn what_takes_longer_than_the_histogram_reaches_is_clamped() {
        let mut meter = meter();
        meter.done(&attempt(Outcome::Unknown, 0, 0, 3_600_000));
        assert!(meter.harvest().take_samples().iter().all(|sample| sample.us() == 600_000_000));
    }
}
