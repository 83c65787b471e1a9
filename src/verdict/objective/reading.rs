//! What values of objectives are: units and their bounds, and statistics of what is kept of devices and of rooms.

use domain::rate::Rate;
use domain::time::Span;

use super::{ObjectiveProblem, Statistic, parse_statistic, problem};
use crate::evidence::spread::Spread;

/// What the value of a reading is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Ratio,
    Milliseconds,
    PerSecond,
    Count,
}

impl Unit {
    /// The bound that a value is compared with, in this unit.
    ///
    /// # Errors
    /// When the text is none.
    pub(super) fn bound(self, text: &str) -> Result<f64, ObjectiveProblem> {
        match self {
            Self::Ratio => parse_ratio(text),
            Self::Milliseconds => parse_time_ms(text),
            Self::PerSecond => text.parse::<Rate>().map(Rate::per_s).map_err(|error| {
                problem(error.to_string(), "write so many per second, such as \"<= 120/s\"")
            }),
            Self::Count => match text.replace('_', "").parse::<f64>() {
                Ok(count) if count.is_finite() && count >= 0.0 => Ok(count),
                _ => Err(problem(
                    format!("`{text}` is not a count"),
                    "write a number, such as \"< 1_000\"",
                )),
            },
        }
    }
}

fn parse_time_ms(text: &str) -> Result<f64, ObjectiveProblem> {
    let span: Result<Span, _> = text.parse();
    span.map(|span| span.0.as_secs_f64() * 1e3).map_err(|error| {
        let hint = match text.parse::<f64>() {
            Ok(number) => format!("a time needs its unit: {number}ms"),
            Err(_) => "write a length of time, such as \"< 300ms\" or \"< 1.5s\"".to_owned(),
        };
        problem(error.to_string(), hint)
    })
}

fn parse_ratio(text: &str) -> Result<f64, ObjectiveProblem> {
    let (digits, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim(), 100.0),
        None => (text, 1.0),
    };
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number / scale),
        _ => Err(problem(
            format!("`{text}` is not a ratio"),
            "write a share or a percentage, such as \"<= 0.01\" or \"< 1%\"",
        )),
    }
}

/// The quantiles that are kept.
const KEPT: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// A statistic that is kept of `whom`.
///
/// # Errors
/// When it is none, or not kept.
pub(super) fn kept(word: &str, whom: &str) -> Result<Statistic, ObjectiveProblem> {
    let statistic = parse_statistic(word)?;
    let is_kept = match statistic {
        Statistic::Quantile(quantile) => {
            KEPT.iter().any(|kept| (kept - quantile).abs() < f64::EPSILON)
        }
        Statistic::Max => true,
        Statistic::Mean | Statistic::Min => false,
    };
    if is_kept {
        Ok(statistic)
    } else {
        Err(problem(
            format!("`{word}` is not kept of {whom}"),
            "write p(50), p(90), p(95), p(99), p(99.9), med or max",
        ))
    }
}

/// A statistic of kept values, in their unit.
pub(super) fn read(statistic: Statistic, spread: &Spread) -> f64 {
    let kept = [spread.p50, spread.p90, spread.p95, spread.p99, spread.p99_9];
    match statistic {
        Statistic::Quantile(quantile) => {
            let place = KEPT.iter().position(|kept| (kept - quantile).abs() < f64::EPSILON);
            place.map_or(spread.max, |place| kept[place])
        }
        Statistic::Mean | Statistic::Min | Statistic::Max => spread.max,
    }
}

/// A statistic of waits that are kept in seconds \[ms\].
///
/// # Errors
/// When there are too few of them.
pub(super) fn waited_ms(statistic: Statistic, waited: &Spread) -> Result<f64, String> {
    let needed = statistic.samples_needed();
    if waited.count < needed {
        return Err(format!("needs {needed} samples, and there are {}", waited.count));
    }
    Ok(read(statistic, waited) * 1e3)
}
