//! A database's capacity: provisioned, or serverless, which grows in proportion to itself.
//!
//! The guide of Aurora Serverless v2 says that it scales in steps of 0.5 ACU, and faster the larger it is;
//! a rate AWS does not name, and practitioners saw 15 to 90 s for a step. So it doubles here within a time that is
//! an input: while more is asked for than it has, dC/dt = C · ln 2 / `doubling`.

use domain::time::{Duration, Span, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much processor a database has: `stack.database.capacity`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// Always as much as so many capacity units (ACU, of some 2 GiB of memory and what goes with it).
    pub provisioned: Option<f64>,
    /// Serverless: the least it has, and what it has at the run's beginning \[ACU\].
    pub min: Option<f64>,
    /// Serverless: the most that it grows to \[ACU\].
    pub max: Option<f64>,
    /// How long it takes to have twice as much while more is asked for than it has: 30 s, an
    /// assumption.
    pub doubling: Span,
    /// How long it takes to have half as much where less is enough: 10 min, an assumption; practitioners
    /// say that it shrinks slowly.
    pub halving: Span,
    /// It grows after a second in which more than this share of its processors was asked for: 1, an
    /// assumption. The guide says "begins to reach".
    pub above: f64,
    /// Processors of one unit: 0.25, as in the guide's example that 16 ACU stand for a db.r6g.xlarge,
    /// which has four.
    pub cores: f64,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            provisioned: None,
            min: None,
            max: None,
            doubling: Span(Duration::from_secs(30)),
            halving: Span(Duration::from_mins(10)),
            above: 1.0,
            cores: 0.25,
        }
    }
}

/// The smallest step \[ACU\] (Aurora user guide).
pub const STEP: f64 = 0.5;

/// How much of a step may be missing for the arithmetic's sake \[steps\].
const NEARLY: f64 = 1e-6;

impl Capacity {
    /// The least and the most that it has \[ACU\].
    pub fn bounds(&self) -> (f64, f64) {
        let min = self.provisioned.or(self.min).unwrap_or(STEP);
        (min, self.provisioned.or(self.max).unwrap_or(min))
    }

    /// Processors of so much capacity \[ACU\].
    pub fn cores(&self, units: f64) -> f64 {
        units * self.cores
    }

    /// The capacity that has so many processors, in whole steps \[ACU\].
    pub fn units(&self, cores: f64) -> f64 {
        (cores / self.cores / STEP - NEARLY).ceil() * STEP
    }

    /// How long it takes from the least it has until it has so much \[ACU\], asked for all along; none
    /// where it never does.
    pub fn until(&self, units: f64) -> Option<Duration> {
        let (min, max) = self.bounds();
        let doublings = libm::log2(units / min).max(0.0);
        let takes = duration_from_seconds(self.doubling.0.as_secs_f64() * doublings);
        (units <= max).then_some(takes)
    }
}

/// A capacity while time passes. It looks once a second.
#[derive(Clone, Debug)]
pub struct Provision {
    settings: Capacity,
    /// What it has, in parts of a step too \[ACU\].
    units: f64,
    /// What a second of growth, and one of decay, multiplies it by.
    grows: f64,
    shrinks: f64,
}

impl Provision {
    /// As much as it has at the run's beginning.
    pub fn new(settings: Capacity) -> Self {
        let per_second = |span: Span| 1.0 / span.0.as_secs_f64();
        Self {
            units: settings.bounds().0,
            grows: libm::exp2(per_second(settings.doubling)),
            shrinks: libm::exp2(-per_second(settings.halving)),
            settings,
        }
    }

    /// What it has, in whole steps \[ACU\].
    pub fn units(&self) -> f64 {
        (self.units / STEP + NEARLY).floor() * STEP
    }

    /// The processors that it has.
    pub fn cores(&self) -> f64 {
        self.settings.cores(self.units())
    }

    /// A second is over in which statements asked for so many processors.
    pub fn second(&mut self, asked: f64) {
        let (min, max) = self.settings.bounds();
        let enough = asked / self.settings.above;
        self.units = if enough > self.cores() {
            (self.units * self.grows).min(max)
        } else {
            // It never has less than is asked for of it.
            (self.units * self.shrinks).max(self.settings.units(enough)).clamp(min, self.units)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serverless(min: f64, max: f64) -> Capacity {
        Capacity { min: Some(min), max: Some(max), ..Capacity::default() }
    }

    /// What there is after so many seconds in which more is asked for than there ever is.
    fn after(capacity: &Capacity, seconds: u32) -> f64 {
        let mut provision = Provision::new(capacity.clone());
        (0..seconds).for_each(|_| provision.second(1_000.0));
        provision.units()
    }

    #[test]
    fn from_2_to_64_acu_takes_150_s_and_from_16_a_minute() {
        let from_two = serverless(2.0, 64.0);
        let seen = [0, 10, 30, 60, 90, 120, 149, 150, 300].map(|at| after(&from_two, at));
        // Twice as much every 30 s, in steps of a half: 2 · 2^(1/3) = 2.52, 64 / 2^(1/30) = 62.54.
        assert_eq!(seen.to_vec(), [2.0, 2.5, 4.0, 8.0, 16.0, 32.0, 62.5, 64.0, 64.0]);
        let from_sixteen = serverless(16.0, 64.0);
        let seen = [30, 59, 60].map(|at| after(&from_sixteen, at));
        assert_eq!(seen.to_vec(), [32.0, 62.5, 64.0]);
        let until = |capacity: &Capacity| capacity.until(64.0).unwrap();
        let takes = [&from_two, &from_sixteen].map(until).map(|takes| takes.as_secs());
        assert_eq!(takes, [150, 60]);
        assert_eq!(from_two.until(64.5), None);
    }

    #[test]
    fn an_optimist_s_and_a_pessimist_s_step_differ_sixfold() {
        let with = |doubling: &str| Capacity {
            doubling: doubling.parse().unwrap(),
            ..serverless(2.0, 64.0)
        };
        assert_eq!(
            [with("15s"), with("90s")].map(|it| it.until(64.0).unwrap().as_secs()),
            [75, 450]
        );
    }

    #[test]
    fn what_is_enough_does_not_grow_and_what_is_too_much_shrinks_slowly() {
        let mut provision = Provision::new(serverless(2.0, 64.0));
        (0..150).for_each(|_| provision.second(1_000.0));
        // 16 processors, and as many are asked for.
        provision.second(16.0);
        assert!((provision.units() - 64.0).abs() < 1e-9);
        (0..600).for_each(|_| provision.second(0.0));
        assert!((provision.units() - 32.0).abs() <= STEP, "{}", provision.units());
        // 20 ACU are asked for; it stops there, and at the least when nothing is.
        (0..3_600).for_each(|_| provision.second(5.0));
        assert!((provision.units() - 20.0).abs() < 1e-9, "{}", provision.units());
        (0..7_200).for_each(|_| provision.second(0.0));
        assert!((provision.units() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn it_may_grow_before_all_of_it_is_asked_for() {
        let mut provision = Provision::new(Capacity { above: 0.7, ..serverless(16.0, 64.0) });
        provision.second(2.8);
        assert!((provision.units() - 16.0).abs() < 1e-9);
        (0..30).for_each(|_| provision.second(0.71 * provision.cores()));
        assert!((provision.units() - 32.0).abs() <= STEP, "{}", provision.units());
    }

    #[test]
    fn what_is_provisioned_is_always_there() {
        let mut provision =
            Provision::new(Capacity { provisioned: Some(16.0), ..Capacity::default() });
        for asked in [0.0, 400.0, 1.0] {
            provision.second(asked);
            assert!((provision.cores() - 4.0).abs() < 1e-9);
        }
    }
}
