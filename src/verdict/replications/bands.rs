//! Requests per second at each tier in many replications: what most of them had in each second. The memory hangs on
//! the number of replications alone, not on how long they last.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::sample::quantile;
use crate::measure::{Second, round3};

/// How many steps a course has at most: more than a chart has pixels show nothing.
const STEPS_MAX: usize = 900;

/// What a second says of a tier.
type Count = fn(&Second) -> u64;

/// The tiers, from the fans inwards.
const TIERS: [(&str, Count); 4] = [
    ("edge", |second| second.edge),
    ("origin", |second| second.origin.unwrap_or(0)),
    ("checkout", |second| second.checkout),
    ("payment", |second| second.payment.unwrap_or(0)),
];

/// What most replications had over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bands {
    /// How many seconds a step lasts, from the run's beginning; its value is that of its busiest second.
    pub step_s: u64,
    /// By tier: `edge`, `origin`, `checkout`, `payment`.
    pub tiers: BTreeMap<String, Band>,
}

/// Requests per second at a tier, step by step \[1/s\].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    /// 5 % of the replications had fewer.
    pub p5: Vec<f64>,
    /// Half of them had.
    pub median: Vec<f64>,
    /// 95 % of them had.
    pub p95: Vec<f64>,
}

/// One replication's requests over time, in as many seconds to a step as it needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Course {
    /// A power of two.
    step_s: u64,
    /// By tier, the busiest second of each step.
    tiers: [Vec<u32>; TIERS.len()],
}

impl Course {
    pub(super) fn of(timeline: &[Second]) -> Self {
        let all = |read: Count| -> Vec<u32> {
            let counts = timeline.iter().map(read);
            counts.map(|count| u32::try_from(count).unwrap_or(u32::MAX)).collect()
        };
        let mut course = Self { step_s: 1, tiers: TIERS.map(|(_, read)| all(read)) };
        while course.steps() > STEPS_MAX {
            course = course.coarser();
        }
        course
    }

    fn steps(&self) -> usize {
        self.tiers[0].len()
    }

    /// The same with two steps in one.
    fn coarser(self) -> Self {
        let halved = |values: Vec<u32>| -> Vec<u32> {
            let pairs = values.chunks(2);
            pairs.map(|pair| pair.iter().copied().max().unwrap_or(0)).collect()
        };
        Self { step_s: self.step_s * 2, tiers: self.tiers.map(halved) }
    }
}

/// The bands of all courses, in the steps that the longest needs. After the end of a replication nothing came in
/// it any more.
pub(super) fn bands(mut courses: Vec<Course>) -> Bands {
    let step_s = courses.iter().map(|course| course.step_s).max().unwrap_or(1);
    for course in &mut courses {
        while course.step_s < step_s {
            *course = std::mem::take(course).coarser();
        }
    }
    let longest = courses.iter().map(Course::steps).max().unwrap_or(0);
    let tiers = TIERS.iter().enumerate().map(|(place, (tier, _))| {
        let mut band = Band::default();
        for step in 0..longest {
            let there = courses.iter().map(|course| course.tiers[place].get(step));
            let mut values: Vec<f64> =
                there.map(|count| f64::from(count.copied().unwrap_or(0))).collect();
            values.sort_by(f64::total_cmp);
            let at = |share| round3(quantile(&values, share));
            band.p5.push(at(0.05));
            band.median.push(at(0.5));
            band.p95.push(at(0.95));
        }
        ((*tier).to_owned(), band)
    });
    Bands { step_s, tiers: tiers.collect() }
}
