//! The curve of arrivals as a distribution of moments: its quantiles and its distribution function.

use domain::time::Offset;

use super::{Arrive, Point, Shape};

/// A distribution of moments, in seconds from the opening \[s\].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Curve {
    /// All of it in one moment.
    Instant(f64),
    /// A rate that follows lines, one after the other.
    Lines(Vec<Line>),
    /// The logistic distribution.
    Logistic {
        /// Its median \[s\].
        midpoint_s: f64,
        /// Its scale \[s\].
        spread_s: f64,
        /// The share that would come before the run begins, in \[0, ½): the half that comes before
        /// the midpoint is drawn without it.
        cut: f64,
    },
    /// The empirical distribution of moments, sorted; there is at least one.
    Moments(Vec<f64>),
}

/// A stretch of time over which the rate follows a line.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Line {
    begins_s: f64,
    lasts_s: f64,
    /// The rate at its beginning \[any unit, the same for all lines\].
    start: f64,
    /// The rate at its end \[same unit\].
    end: f64,
    /// The integral of the rate over all earlier lines.
    before: f64,
}

impl Curve {
    /// The curve of settings that passed [`Arrive::check`], for so many fans.
    pub(super) fn of(arrive: &Arrive, count: u32, trace: Option<&[f64]>) -> Self {
        let checked = "settings of arrivals are checked before they are used";
        let seconds = |offset: Option<Offset>| offset.unwrap_or_default().seconds();
        let from_s = seconds(arrive.from);
        match arrive.shape {
            Shape::Constant | Shape::Poisson => {
                let lasts_s = match arrive.rate {
                    Some(rate) => f64::from(count) / rate.per_s(),
                    None => arrive.over.expect(checked).0.as_secs_f64(),
                };
                Self::lines([(from_s, lasts_s, 1.0, 1.0)].into_iter())
            }
            Shape::Ramp => {
                let lasts_s = arrive.over.expect(checked).0.as_secs_f64();
                let (start, end) = (arrive.start.expect(checked), arrive.end.expect(checked));
                Self::lines([(from_s, lasts_s, start.per_s(), end.per_s())].into_iter())
            }
            Shape::Logistic => Self::Logistic {
                midpoint_s: arrive.midpoint.expect(checked).seconds(),
                spread_s: arrive.spread.expect(checked).0.as_secs_f64(),
                cut: 0.0,
            },
            Shape::Step => Self::corners(arrive.points.as_deref().expect(checked), |a, _| a),
            Shape::Curve => Self::corners(arrive.points.as_deref().expect(checked), |_, b| b),
            Shape::AtOnce => Self::Instant(seconds(arrive.at)),
            Shape::Trace => {
                let mut moments = trace.expect("a trace is read before its fans arrive").to_vec();
                assert!(!moments.is_empty(), "a trace has at least one moment");
                moments.sort_unstable_by(f64::total_cmp);
                Self::Moments(moments)
            }
        }
    }

    /// The same curve in a run that begins at `begins_s` \[s\]. A logistic has no beginning; what
    /// of it lies before the run's, if that is less than the half that comes before its midpoint,
    /// is made up for by the rest of that half: its midpoint and its other half stay as they are.
    pub(super) fn within_run(self, begins_s: f64) -> Self {
        let before = self.share_by(begins_s);
        match self {
            Self::Logistic { midpoint_s, spread_s, .. } if before < 0.5 => {
                Self::Logistic { midpoint_s, spread_s, cut: before }
            }
            other => other,
        }
    }

    /// Lines between corners; `end` says which of the two rates a line ends with.
    fn corners(points: &[Point], end: fn(f64, f64) -> f64) -> Self {
        Self::lines(points.windows(2).map(|pair| {
            let (begins_s, ends_s) = (pair[0].at.seconds(), pair[1].at.seconds());
            let (start, next) = (pair[0].rate.per_s(), pair[1].rate.per_s());
            (begins_s, ends_s - begins_s, start, end(start, next))
        }))
    }

    fn lines(lines: impl Iterator<Item = (f64, f64, f64, f64)>) -> Self {
        let mut before = 0.0;
        let lines = lines.map(|(begins_s, lasts_s, start, end)| {
            let line = Line { begins_s, lasts_s, start, end, before };
            before += line.integral(lasts_s);
            line
        });
        Self::Lines(lines.collect())
    }

    /// The quantile \[s\]: the moment by which `share`, in (0, 1), has arrived.
    pub(super) fn moment(&self, share: f64) -> f64 {
        match self {
            Self::Instant(moment_s) => *moment_s,
            Self::Lines(lines) => {
                let wanted = share * total(lines);
                let place = lines.partition_point(|line| line.after() < wanted);
                // Rounding may leave a hair more wanted than there is.
                let line = lines[place.min(lines.len() - 1)];
                line.begins_s + line.inverse(wanted - line.before)
            }
            Self::Logistic { midpoint_s, spread_s, cut } => {
                let whole = if share < 0.5 { cut + share * (1.0 - 2.0 * cut) } else { share };
                midpoint_s + spread_s * libm::log(whole / (1.0 - whole))
            }
            Self::Moments(moments) => moments[place_of(share, moments.len())],
        }
    }

    /// The distribution function: the share that has arrived by `at_s` \[s\].
    pub(super) fn share_by(&self, at_s: f64) -> f64 {
        match self {
            Self::Instant(instant_s) => f64::from(u8::from(at_s >= *instant_s)),
            Self::Lines(lines) => {
                let reached = |line: &Line| line.integral(at_s - line.begins_s);
                (lines.iter().map(reached).sum::<f64>() / total(lines)).min(1.0)
            }
            Self::Logistic { midpoint_s, spread_s, cut } => {
                let whole = 1.0 / (1.0 + libm::exp((midpoint_s - at_s) / spread_s));
                if whole < 0.5 { ((whole - cut) / (1.0 - 2.0 * cut)).max(0.0) } else { whole }
            }
            Self::Moments(moments) => {
                moments.partition_point(|moment| *moment <= at_s) as f64 / moments.len() as f64
            }
        }
    }

    /// Where it begins \[s\]: nobody of `count` is to be expected before.
    pub(super) fn begin(&self, count: u32) -> f64 {
        match self {
            Self::Lines(lines) => {
                let first = lines.iter().find(|line| line.integral(line.lasts_s) > 0.0);
                first.map_or(0.0, |line| line.begins_s)
            }
            _ => self.moment(0.5 / f64::from(count.max(1))),
        }
    }
}

impl Line {
    /// The integral of the rate over its first `length_s`, which is cut to the line.
    fn integral(&self, length_s: f64) -> f64 {
        let x = length_s.clamp(0.0, self.lasts_s);
        x * (self.start + (self.end - self.start) * x / (2.0 * self.lasts_s))
    }

    /// The integral of the rate up to its end, earlier lines included.
    fn after(&self) -> f64 {
        self.before + self.integral(self.lasts_s)
    }

    /// How long from its beginning the integral takes to reach `wanted` \[s\]: the root of
    /// start·x + slope·x²/2 = wanted, in the form that does not cancel.
    fn inverse(&self, wanted: f64) -> f64 {
        if wanted <= 0.0 {
            return 0.0;
        }
        let slope = (self.end - self.start) / self.lasts_s;
        let root = (self.start * self.start + 2.0 * slope * wanted).max(0.0).sqrt();
        (2.0 * wanted / (self.start + root)).min(self.lasts_s)
    }
}

fn total(lines: &[Line]) -> f64 {
    lines.last().map_or(0.0, Line::after)
}

/// The place of the quantile `share` among `count` sorted values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share in (0, 1) of a length in memory"
)]
fn place_of(share: f64, count: usize) -> usize {
    ((share * count as f64) as usize).min(count - 1)
}
