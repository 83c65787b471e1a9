//! A plain queue's course, event by event, and what it comes to.

use domain::time::{Duration, Time, nanos_of};
use hdrhistogram::Histogram;

use super::{Block, Blocks, batch, warm_up};
use crate::evidence::queue::{Estimate, QueueOutcome, TimeEstimate};

/// Into how many parts the customers are divided for quantiles, so that those of the warm-up can be
/// left out.
const PARTS: usize = 64;
/// How exactly times are kept: three digits.
const DIGITS: u8 = 3;

/// Why a value can be recorded.
const GROWS: &str = "a histogram without bounds grows";

/// How a queue stands between two events.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Who waits.
    pub waiting: u64,
    /// Who is there, in service or waiting.
    pub present: u64,
    /// The share of the servers that is busy \[0 to 1\].
    pub busy: f64,
}

/// Takes note of a queue's course.
#[derive(Debug)]
pub struct Flow {
    at: Time,
    state: State,
    blocks: Blocks,
    arrived: u64,
    expected: u64,
    /// The part that the last customer who came belongs to.
    part: usize,
    waits: Vec<Histogram<u32>>,
    stays: Vec<Histogram<u32>>,
}

impl Flow {
    /// Nobody has come; `expected` customers will, more than 0.
    ///
    /// # Panics
    /// Never: three digits are a precision that histograms know.
    pub fn new(expected: u64) -> Self {
        let none = || -> Vec<Histogram<u32>> {
            (0..PARTS).map(|_| Histogram::new(DIGITS).expect("three digits are known")).collect()
        };
        Self {
            at: Time::ZERO,
            state: State::default(),
            blocks: Blocks::new(),
            arrived: 0,
            expected,
            part: 0,
            waits: none(),
            stays: none(),
        }
    }

    /// From the event before until `at` the queue stood as it was said to.
    pub fn until(&mut self, at: Time) {
        let length_s = (at - self.at).as_secs_f64();
        let block = &mut self.blocks.current;
        block.lasted_s += length_s;
        block.waiting_s += length_s * self.state.waiting as f64;
        block.present_s += length_s * self.state.present as f64;
        block.busy_s += length_s * self.state.busy;
        self.at = at;
        self.blocks.close_if_full();
    }

    /// From here on it stands as `state` says.
    pub fn stands(&mut self, state: State) {
        self.state = state;
    }

    /// A customer comes.
    pub fn arrives(&mut self) {
        let before = self.arrived.saturating_mul(PARTS as u64);
        while self.part < PARTS - 1 && before >= self.expected.saturating_mul(self.part as u64 + 1)
        {
            self.part += 1;
        }
        self.arrived += 1;
        self.blocks.current.arrived += 1.0;
    }

    /// Who came is turned away.
    pub fn is_blocked(&mut self) {
        self.blocks.current.blocked += 1.0;
    }

    /// Somebody's wait ends.
    pub fn waited(&mut self, wait: Duration) {
        let block = &mut self.blocks.current;
        (block.waits, block.waited_s) = (block.waits + 1.0, block.waited_s + wait.as_secs_f64());
        note(&mut self.waits[self.part], wait);
    }

    /// Somebody leaves who was served.
    pub fn is_served(&mut self, stay: Duration) {
        self.blocks.current.served += 1.0;
        self.left(stay);
    }

    /// Somebody leaves who gave up waiting.
    pub fn gives_up(&mut self, stay: Duration) {
        self.blocks.current.abandoned += 1.0;
        self.left(stay);
    }

    fn left(&mut self, stay: Duration) {
        let block = &mut self.blocks.current;
        (block.stays, block.stayed_s) = (block.stays + 1.0, block.stayed_s + stay.as_secs_f64());
        note(&mut self.stays[self.part], stay);
    }

    /// How many have come.
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// What it came to. `unsettled` says why there is no steady state, where that is known already.
    pub fn outcome(&self, unsettled: Option<String>) -> QueueOutcome {
        let blocks = &self.blocks.done;
        let present = |block: &Block| (block.present_s, block.lasted_s);
        let observed: Vec<f64> =
            blocks.iter().map(|block| block.present_s / block.lasted_s).collect();
        let cut = warm_up::warm_up(&observed);
        let steady = &blocks[cut.unwrap_or_default()..];
        let unsettled = unsettled.or_else(|| match cut {
            None => {
                Some("how many are there still changes in the second half of the run".to_owned())
            }
            Some(_) if batch::is_too_short(steady, present) => {
                Some("how many are there swings too slowly for so few customers".to_owned())
            }
            Some(_) => None,
        });
        let warm_up = cut.unwrap_or_default() as u64 * self.blocks.arrivals;
        let mean = |ratio: fn(&Block) -> (f64, f64)| batch::estimate(steady, ratio);
        QueueOutcome {
            customers: self.arrived,
            warm_up,
            unsettled,
            wait_s: times(
                mean(|block| (block.waited_s, block.waits)),
                &self.after(warm_up, &self.waits),
            ),
            in_system_s: times(
                mean(|block| (block.stayed_s, block.stays)),
                &self.after(warm_up, &self.stays),
            ),
            waiting: mean(|block| (block.waiting_s, block.lasted_s)),
            in_system: mean(present),
            utilisation: mean(|block| (block.busy_s, block.lasted_s)),
            blocked: mean(|block| (block.blocked, block.arrived)),
            abandoned: mean(|block| (block.abandoned, block.arrived)),
            per_s: mean(|block| (block.served, block.lasted_s)),
        }
    }

    /// All parts that lie wholly after the first `warm_up` customers.
    fn after(&self, warm_up: u64, parts: &[Histogram<u32>]) -> Histogram<u64> {
        let first = (warm_up * PARTS as u64).div_ceil(self.expected);
        let first = usize::try_from(first).unwrap_or(PARTS).min(PARTS - 1);
        let mut all = Histogram::new(DIGITS).expect("three digits are known");
        for part in &parts[first..] {
            for bucket in part.iter_recorded() {
                let count = u64::from(bucket.count_at_value());
                all.record_n(bucket.value_iterated_to(), count).expect(GROWS);
            }
        }
        all
    }
}

fn note(values: &mut Histogram<u32>, length: Duration) {
    values.record(nanos_of(length)).expect(GROWS);
}

/// A length of time by its mean, and by the histogram of its values \[ns\].
fn times(Estimate { mean, ci95 }: Estimate, values: &Histogram<u64>) -> TimeEstimate {
    let at = |quantile| values.value_at_quantile(quantile) as f64 / 1e9;
    TimeEstimate {
        mean,
        ci95,
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p99_9: at(0.999),
        max: values.max() as f64 / 1e9,
    }
}
