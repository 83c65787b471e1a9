//! When a row happened, as people and their tools write it.

use domain::time::Offset;
use jiff::Timestamp;

/// Numbers below this are seconds from the opening (three years of them), above it epoch seconds (from
/// 1973 on).
const EPOCH_S_MIN: f64 = 1e8;
/// Numbers from this on are epoch milliseconds (from 1973 on; as seconds they would be the year 5138).
const EPOCH_MS_MIN: f64 = 1e11;
/// Numbers from this on are finer than milliseconds.
const EPOCH_US_MIN: f64 = 1e14;

/// What the cure of a moment is.
const FORMS: &str = "write 2026-12-24T03:00:00Z, epoch seconds or milliseconds, or seconds from the \
                     opening such as -30";

/// What moments are held against.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Calendar {
    /// When the run began \[ns of UTC\]; absent in virtual time.
    pub began_utc_ns: Option<u64>,
    /// When the first sale opened, from the run's beginning \[s\].
    pub opening_s: f64,
}

impl Calendar {
    /// When that is, from the run's beginning \[s\].
    ///
    /// # Errors
    /// What is wrong with it, and the cure.
    pub(super) fn place(&self, text: &str) -> Result<f64, (String, &'static str)> {
        if text.is_empty() {
            return Err(("the row has no time".to_owned(), FORMS));
        }
        if let Ok(number) = text.parse::<f64>() {
            let is_offset = text.starts_with(['+', '-']) || number.abs() < EPOCH_S_MIN;
            return match number {
                number if !number.is_finite() => Err((format!("{text:?} is no time"), FORMS)),
                offset if is_offset => Ok(self.opening_s + offset),
                seconds if seconds < EPOCH_MS_MIN => self.at_utc(seconds),
                millis if millis < EPOCH_US_MIN => self.at_utc(millis / 1e3),
                _ => Err((
                    format!("the time {text:?} is too large for epoch milliseconds"),
                    "divide microseconds by 1,000 and nanoseconds by 1,000,000",
                )),
            };
        }
        if let Ok(offset) = text.parse::<Offset>() {
            return Ok(self.opening_s + offset.seconds());
        }
        match text.parse::<Timestamp>() {
            Ok(instant) => self.at_utc(instant.as_nanosecond() as f64 / 1e9),
            Err(_) if text.parse::<jiff::civil::DateTime>().is_ok() => Err((
                format!("the time {text:?} does not say where it is that late"),
                "add Z for UTC or an offset such as +09:00 (Grafana: switch off \"Formatted data\")",
            )),
            Err(_) => Err((format!("{text:?} is no time"), FORMS)),
        }
    }

    /// \[s of UTC\]
    fn at_utc(&self, utc_s: f64) -> Result<f64, (String, &'static str)> {
        let Some(began_utc_ns) = self.began_utc_ns else {
            return Err((
                "a simulated run has no date".to_owned(),
                "write seconds from the opening, such as -30",
            ));
        };
        Ok(utc_s - began_utc_ns as f64 / 1e9)
    }
}
