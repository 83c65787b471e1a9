//! Arrival processes of the open workload model: fans come whether or not the shop copes.
//!
//! A shape is a distribution of moments (`curve`). Evenly spaced shapes take its quantiles at
//! (k + ½) / count; `logistic` and `poisson` let each fan draw a quantile of its own, so that
//! another fan more changes nobody else's arrival. The count is met exactly either way.

mod check;
mod coming;
mod curve;
mod trace;

pub use check::ArriveProblem;
pub use coming::{Arrivals, Share};
pub use trace::{TraceError, TraceLine, parse_trace};

use curve::Curve;
use domain::draw::{Purpose, draw};
use domain::id::FanId;
use domain::rate::Rate;
use domain::time::{Offset, Span, Time, duration_from_seconds, nanos_of};
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
    /// Instead of `over`: the rate of `constant` and `poisson`; the population's count says how
    /// long.
    pub rate: Option<Rate>,
    /// The rate at the beginning of a `ramp` (only its ratio to `end` counts).
    pub start: Option<Rate>,
    /// The rate at the end of a `ramp`.
    pub end: Option<Rate>,
    /// Where half of a `logistic` has arrived.
    pub midpoint: Option<Offset>,
    /// How wide a `logistic` is: 46 % (tanh ½) arrive within one `spread` before or after the
    /// midpoint.
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

impl Shape {
    /// Its word in a scenario.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Ramp => "ramp",
            Self::Logistic => "logistic",
            Self::Step => "step",
            Self::AtOnce => "at-once",
            Self::Poisson => "poisson",
            Self::Curve => "curve",
            Self::Trace => "trace",
        }
    }

    /// Whether each fan draws its own moment, independently of all others.
    pub const fn is_random(self) -> bool {
        matches!(self, Self::Logistic | Self::Poisson)
    }
}

impl Arrive {
    /// When each of the `count` fans of a population arrives, and its index: sorted by both.
    ///
    /// `trace` holds the moments of the `file` \[s from the opening\], as [`parse_trace`] reads
    /// them; other shapes take no notice of it. Moments before the run's beginning are moved to it, but
    /// for those of a `logistic`: those who come before its midpoint come within the run.
    /// The same seed gives the same arrivals, and of a random shape that lasts `over` a given time
    /// each fan's arrival hangs on the seed, its population and its index alone.
    ///
    /// # Panics
    /// When the settings do not pass [`Arrive::check`], or a trace's moments are not given.
    pub fn arrivals(
        &self,
        seed: u64,
        population: u16,
        count: u32,
        opens: Time,
        trace: Option<&[f64]>,
    ) -> Vec<(Time, u32)> {
        let moments = self.moments(seed, population, count, opens, trace);
        let mut arrivals: Vec<_> = (0..count).map(|index| (moments.of(index), index)).collect();
        arrivals.sort_unstable();
        arrivals
    }

    /// The same moments one by one, for whoever has no room for a list of them.
    ///
    /// # Panics
    /// As [`Arrive::arrivals`] does.
    pub fn moments(
        &self,
        seed: u64,
        population: u16,
        count: u32,
        opens: Time,
        trace: Option<&[f64]>,
    ) -> Moments {
        let curve = Curve::of(self, count, trace).within_run(-opens.seconds());
        Moments { curve, is_random: self.shape.is_random(), seed, population, count, opens }
    }

    /// How many of the `count` fans are expected to have arrived by `at` \[fans\]: the count times
    /// the distribution function. Evenly spaced shapes keep within half a fan of it.
    ///
    /// # Panics
    /// As [`Arrive::arrivals`] does.
    pub fn expected(&self, count: u32, opens: Time, at: Time, trace: Option<&[f64]>) -> f64 {
        if count == 0 {
            return 0.0;
        }
        let from_opening_s = at.seconds() - opens.seconds();
        let curve = Curve::of(self, count, trace).within_run(-opens.seconds());
        f64::from(count) * curve.share_by(from_opening_s)
    }

    /// The moment, from the opening, before which practically nobody comes: where the curve begins,
    /// or, for a `logistic`, which has no beginning, where half a fan is expected. A run that
    /// begins there misses nothing.
    ///
    /// # Panics
    /// As [`Arrive::arrivals`] does.
    pub fn first(&self, count: u32, trace: Option<&[f64]>) -> Offset {
        offset(Curve::of(self, count, trace).begin(count))
    }
}

/// When the people of one population arrive, each by its index.
#[derive(Clone, Debug)]
pub struct Moments {
    curve: Curve,
    is_random: bool,
    seed: u64,
    population: u16,
    count: u32,
    opens: Time,
}

impl Moments {
    /// How many people there are.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether each draws its own moment; otherwise they come in the order of their indices.
    pub const fn is_random(&self) -> bool {
        self.is_random
    }

    /// When the one of that index, below the count, arrives.
    pub fn of(&self, index: u32) -> Time {
        let share = if self.is_random {
            let fan = FanId { population: self.population, index };
            draw(self.seed, fan, Purpose::Arrival, 0).open_uniform()
        } else {
            (f64::from(index) + 0.5) / f64::from(self.count)
        };
        offset(self.curve.moment(share)).from(self.opens)
    }

    /// When the last of them arrives; `None` where there is nobody.
    pub fn last(&self) -> Option<Time> {
        if self.is_random {
            (0..self.count).map(|index| self.of(index)).max()
        } else {
            self.count.checked_sub(1).map(|last| self.of(last))
        }
    }
}

/// The offset of `seconds` \[s\], rounded to nanoseconds.
fn offset(seconds: f64) -> Offset {
    let nanos = nanos_of(duration_from_seconds(seconds.abs()));
    let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
    Offset::from_nanos(if seconds < 0.0 { -nanos } else { nanos })
}

#[cfg(test)]
mod tests;
