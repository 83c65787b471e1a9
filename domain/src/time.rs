//! Time as a value: nanoseconds since the run began, and durations as people write them.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use core::time::Duration;

/// An instant, in nanoseconds since the run began \[ns\].
///
/// Whoever owns a clock maps it to UTC with the run's start; nobody else can.
#[derive(
    Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The instant at which the run began.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens (584 years).
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the run began.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the run began.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// The instant `seconds` after the run began; negative and non-finite values are zero.
    pub fn from_seconds(seconds: f64) -> Self {
        Self::ZERO + duration_from_seconds(seconds)
    }

    /// Nanoseconds since the run began.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the run began \[s\].
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved back by `duration`, at most to the run's beginning.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos_of(duration)))
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos_of(duration)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Time {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        debug_assert!(self >= earlier, "time runs forward: {self} is before {earlier}");
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3} s", self.seconds())
    }
}

/// The whole nanoseconds of a duration, at most `u64::MAX`.
pub fn nanos_of(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(duration.subsec_nanos()))
}

/// The duration of `seconds` \[s\]; negative and non-finite values are zero.
pub fn duration_from_seconds(seconds: f64) -> Duration {
    Duration::from_nanos(nanos_from_seconds(seconds))
}

/// The whole nanoseconds of `seconds` \[s\], to the nearest; negative and non-finite values are zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u64 just before"
)]
pub fn nanos_from_seconds(seconds: f64) -> u64 {
    if seconds.is_finite() && seconds > 0.0 {
        let nanos = (seconds * 1e9).min(1.8e19);
        // To the nearest, as `round` does it, which is a call on processors without SSE 4.1.
        let whole = nanos as u64;
        let is_half_or_more = nanos - whole as f64 >= 0.5;
        whole + u64::from(is_half_or_more)
    } else {
        0
    }
}

/// A length of time as a scenario writes it: a number and a unit, such as `"250ms"`, `"1.5s"`,
/// `"2m"` or `"1h30m"`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// The units a span may be written in, and their length \[ns\].
const UNITS: [(&str, f64); 7] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3_600e9),
    ("d", 86_400e9),
];

/// A text that is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a length of time: write a number and a unit, such as \"250ms\", \"1.5s\" or \"2m\""
)]
pub struct ParseSpanError {
    text: String,
}

impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseSpanError { text: text.to_owned() };
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self(Duration::ZERO));
        }
        if rest.is_empty() {
            return Err(error());
        }
        let mut total_ns = 0.0;
        while !rest.is_empty() {
            let digits = rest
                .find(|letter: char| !(letter.is_ascii_digit() || letter == '.' || letter == '_'))
                .ok_or_else(error)?;
            let number: f64 = rest[..digits].replace('_', "").parse().map_err(|_| error())?;
            rest = rest[digits..].trim_start();
            let letters =
                rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
            let unit_ns = UNITS
                .iter()
                .find(|(unit, _)| *unit == &rest[..letters])
                .map(|(_, unit_ns)| *unit_ns)
                .ok_or_else(error)?;
            total_ns += number * unit_ns;
            rest = rest[letters..].trim_start();
        }
        Ok(Self(duration_from_seconds(total_ns / 1e9)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = nanos_of(self.0);
        let (unit_ns, unit) = match nanos {
            0 => return formatter.write_str("0s"),
            _ if nanos.is_multiple_of(1_000_000_000) => (1_000_000_000, "s"),
            _ if nanos.is_multiple_of(1_000_000) => (1_000_000, "ms"),
            _ if nanos.is_multiple_of(1_000) => (1_000, "us"),
            _ => (1, "ns"),
        };
        write!(formatter, "{}{unit}", nanos / unit_ns)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Span;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a length of time in quotes, such as \"250ms\" or \"1.5s\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*(0|([0-9_.]+\s*(ns|us|ms|s|m|h|d)\s*)+)\s*$",
            "description": "A length of time: a number and a unit, such as \"250ms\", \"1.5s\", \"2m\" or \"1h30m\"."
        })
    }
}

/// A moment relative to an opening, as a scenario writes it: `"-25s"`, `"+40s"`, `"0s"`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(i64);

impl Offset {
    /// The moment `nanos` nanoseconds after the opening; negative means before it.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds after the opening \[ns\]; negative means before it.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds after the opening \[s\]; negative means before it.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The instant this offset from `opening` stands for, at earliest the run's beginning.
    pub fn from(self, opening: Time) -> Time {
        if self.0 < 0 {
            opening.before(Duration::from_nanos(self.0.unsigned_abs()))
        } else {
            opening + Duration::from_nanos(self.0.unsigned_abs())
        }
    }
}

impl FromStr for Offset {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let (sign, span) = match trimmed.strip_prefix('-') {
            Some(span) => (-1, span),
            None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let span: Span = span.parse().map_err(|_| ParseSpanError { text: text.to_owned() })?;
        let nanos = i64::try_from(nanos_of(span.0))
            .map_err(|_| ParseSpanError { text: text.to_owned() })?;
        Ok(Self(sign * nanos))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "+" };
        write!(formatter, "{sign}{}", Span(Duration::from_nanos(self.0.unsigned_abs())))
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Offset;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a moment relative to the opening, such as \"-25s\" or \"+2m\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Offset, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Offset {
    fn schema_name() -> Cow<'static, str> {
        "Offset".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*[+-]?(0|([0-9_.]+\s*(ns|us|ms|s|m|h|d)\s*)+)\s*$",
            "description": "A moment relative to the opening: \"-25s\" is before it, \"+2m\" after it."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, millis) in
            [("250ms", 250), ("1.5s", 1_500), ("2m", 120_000), ("1h30m", 5_400_000), ("0", 0)]
        {
            assert_eq!(text.parse(), Ok(Span(Duration::from_millis(millis))), "{text}");
        }
        for text in ["", "5", "s", "5 parsecs", "-1s", "1.2.3s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_become_the_nearest_nanoseconds() {
        for (seconds, nanos) in [
            (0.0, 0),
            (-1.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, 0),
            (0.499e-9, 0),
            (0.5e-9, 1),
            (1.5e-9, 2),
            (2.4e-9, 2),
            (1.0, 1_000_000_000),
            (0.123_456_789_4, 123_456_789),
            (0.123_456_789_6, 123_456_790),
            (1e12, 18_000_000_000_000_000_000),
        ] {
            assert_eq!(nanos_of(duration_from_seconds(seconds)), nanos, "{seconds}");
        }
        assert_eq!(nanos_of(Duration::MAX), u64::MAX);
        assert_eq!(nanos_of(Duration::from_secs(u64::MAX / 1_000_000_000 + 1)), u64::MAX);
    }

    #[test]
    fn offsets_lie_on_both_sides_of_the_opening() {
        let opening = Time::from_millis(40_000);
        let at = |text: &str| text.parse::<Offset>().unwrap().from(opening);
        assert_eq!(at("-25s"), Time::from_millis(15_000));
        assert_eq!(at("+2m"), Time::from_millis(160_000));
        assert_eq!(at("-1h"), Time::ZERO);
    }

    proptest! {
        #[test]
        fn the_nearest_nanosecond_is_that_of_round(seconds in 0.0_f64..1e6) {
            let rounded = (seconds * 1e9).round();
            let nearest = nanos_of(duration_from_seconds(seconds)) as f64;
            prop_assert_eq!(nearest.to_bits(), rounded.to_bits());
        }

        #[test]
        fn a_span_survives_being_written(nanos in 0_u64..10_000_000_000_000) {
            let span = Span(Duration::from_nanos(nanos));
            let read: Span = span.to_string().parse().unwrap();
            // The text goes through a double: exact up to 2^53 ns, which is 104 days.
            prop_assert_eq!(read, span);
        }
    }
}
