//! Arrival processes of the open workload model: fans come whether or not the shop copes.

use domain::rate::Rate;
use domain::time::{Duration, Offset, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the people of a population arrive: `[[fans]] arrive`. Which keys a shape takes stands at
/// [`Shape`]. The population's `count` is always met exactly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Arrive {
    /// The curve.
    pub shape: Shape,
    /// Where `constant`, `ramp` and `poisson` begin; left out: the opening.
    pub from: Option<Offset>,
    /// How long `constant`, `ramp` and `poisson` last.
    pub over: Option<Span>,
    /// Instead of `over`: the rate of `constant` and `poisson`; the population's count says how long.
    pub rate: Option<Rate>,
    /// The rate at the beginning of a `ramp` (only its ratio to `end` counts).
    pub start: Option<Rate>,
    /// The rate at the end of a `ramp`.
    pub end: Option<Rate>,
    /// Where half of a `logistic` has arrived.
    pub midpoint: Option<Offset>,
    /// How wide a `logistic` is: 46 % arrive within one `spread` of the midpoint.
    pub spread: Option<Span>,
    /// When `at-once` comes; left out: the opening.
    pub at: Option<Offset>,
    /// The corners of a `step` or `curve`: moments and rates (only their ratios count).
    pub points: Option<Vec<Point>>,
    /// The file of a `trace`: one moment per line, in seconds from the opening.
    pub file: Option<String>,
}

/// A corner of a `step` or `curve`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// When, from the opening.
    pub at: Offset,
    /// The rate from here on (`step`) or just here (`curve`).
    pub rate: Rate,
}

/// The curve of arrivals.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Evenly spaced: `from`, and `over` or `rate`.
    #[default]
    Constant,
    /// The rate grows or falls along a line: `from`, `over`, `start`, `end`.
    Ramp,
    /// The density rises and falls around a moment: `midpoint`, `spread`.
    Logistic,
    /// The rate jumps at each of `points`; the last one ends it.
    Step,
    /// All in one instant: `at`.
    AtOnce,
    /// Independent of each other: `from`, and `over` or `rate`.
    Poisson,
    /// The rate follows lines between `points`.
    Curve,
    /// Moments out of a `file`.
    Trace,
}

impl Arrive {
    /// A stand-in: evenly over `over` from `from`.
    pub fn arrivals(
        &self,
        seed: u64,
        population: u16,
        count: u32,
        opens: Time,
        trace: Option<&[f64]>,
    ) -> Vec<(Time, u32)> {
        let _ = (seed, population, trace);
        let from = self.from.map_or(opens, |offset| offset.from(opens));
        let over = self.over.map_or(Duration::ZERO, |span| span.0);
        (0..count).map(|index| (from + over * index / count.max(1), index)).collect()
    }
}
