//! Limits that change in mid-run: when, which, and to what.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use domain::time::{Duration, Span, Time, nanos_of};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::limit::{Limit, LimitName, names};
use super::problem::Problem;

/// A change of a limit in mid-run: `[[provider.schedule]]`. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When: `"+65s"` counts from the run's beginning; an instant is written
    /// `"2026-12-24T12:05:00+09:00"`.
    pub at: Moment,
    /// Which limit: its name or, from 0, its place in the list.
    pub limit: LimitName,
    /// Calls per second from then on \[1/s\], more than 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub rate: Option<f64>,
    /// How many calls may come at once after a quiet time, or wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub burst: Option<f64>,
    /// The window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// How many calls may be in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub calls: Option<u32>,
    /// How long a call waits for a lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Span>,
    /// How many refusals lead into a penalty box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub refusals: Option<u32>,
    /// How long a penalty box refuses everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<Span>,
}

/// A moment of a run, before or after it is known when the run begins.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long after the run's beginning.
    After(Duration),
    /// An instant, in nanoseconds of UTC \[ns\].
    Utc(u64),
}

impl Default for Moment {
    fn default() -> Self {
        Self::After(Duration::ZERO)
    }
}

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no moment: write \"+65s\" or \"2026-12-24T12:05:00+09:00\"")]
pub struct ParseMomentError {
    /// The text.
    pub text: String,
}

impl Moment {
    /// The same moment, as an offset of a run that begins at `began_utc_ns` \[ns of UTC\]; what
    /// lies before it is its beginning.
    #[must_use]
    pub fn anchored(self, began_utc_ns: u64) -> Self {
        match self {
            Self::After(_) => self,
            Self::Utc(utc_ns) => {
                Self::After(Duration::from_nanos(utc_ns.saturating_sub(began_utc_ns)))
            }
        }
    }

    /// The instant of the run; absent while it is not known when that begins.
    pub fn time(self) -> Option<Time> {
        match self {
            Self::After(offset) => Some(Time::from_nanos(nanos_of(offset))),
            Self::Utc(_) => None,
        }
    }
}

impl FromStr for Moment {
    type Err = ParseMomentError;

    fn from_str(text: &str) -> Result<Self, ParseMomentError> {
        let wrong = || ParseMomentError { text: text.to_owned() };
        if let Some(offset) = text.strip_prefix('+') {
            return offset.parse().map(|Span(offset)| Self::After(offset)).map_err(|_| wrong());
        }
        let instant: Timestamp = text.parse().map_err(|_| wrong())?;
        u64::try_from(instant.as_nanosecond()).map(Self::Utc).map_err(|_| wrong())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(offset) => write!(formatter, "+{}", Span(*offset)),
            Self::Utc(utc_ns) => match Timestamp::from_nanosecond(i128::from(*utc_ns)) {
                Ok(instant) => write!(formatter, "{instant}"),
                Err(_) => write!(formatter, "{utc_ns} ns of UTC"),
            },
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "\"+65s\" after the run's beginning, or an instant such as \
                            \"2026-12-24T12:05:00+09:00\".",
        })
    }
}

impl Change {
    /// The limit once this has changed it.
    #[must_use]
    pub fn applied_to(&self, limit: &Limit) -> Limit {
        Limit {
            rate: self.rate.or(limit.rate),
            burst: self.burst.or(limit.burst),
            window: self.window.or(limit.window),
            calls: self.calls.or(limit.calls),
            wait: self.wait.or(limit.wait),
            refusals: self.refusals.or(limit.refusals),
            ban: self.ban.or(limit.ban),
            ..limit.clone()
        }
    }

    /// Whether anything changes at all.
    fn changes_something(&self) -> bool {
        let Self { at, limit, .. } = self;
        *self != Self { at: *at, limit: limit.clone(), ..Self::default() }
    }
}

/// The changes in the order of their times, each with the limit it is about and what that is from
/// then on; those that are wrong are left out.
pub(crate) fn planned(limits: &[Limit], schedule: &[Change]) -> Vec<(usize, usize, Limit)> {
    let mut limits = limits.to_vec();
    let mut order: Vec<usize> = (0..schedule.len()).collect();
    order.sort_by_key(|number| schedule[*number].at.time());
    let planned = order.into_iter().filter_map(|number| {
        let change = &schedule[number];
        let place = change.limit.find(&limits)?;
        limits[place] = change.applied_to(&limits[place]);
        Some((number, place, limits[place].clone()))
    });
    planned.collect()
}

/// The schedule for a crowd `scale` times as large: rates and bursts are multiplied as those of
/// the limits they change.
pub(super) fn scaled(limits: &[Limit], schedule: &[Change], scale: f64) -> Vec<Change> {
    let mut scaled = schedule.to_vec();
    for (number, _, after) in planned(limits, schedule) {
        let change = &mut scaled[number];
        let after = after.scaled(scale);
        // A shorter window may need a higher rate, so that it has room for one call.
        if change.rate.is_some() || change.window.is_some() {
            change.rate = after.rate;
        }
        change.burst = change.burst.and(after.burst);
    }
    scaled
}

/// All that is wrong with the schedule; the limits by themselves are right.
pub(super) fn check(limits: &[Limit], schedule: &[Change]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, change) in schedule.iter().enumerate() {
        let mut report = |key: &str, message: String| {
            problems.push(Problem::new(format!("schedule.{number}{key}"), message));
        };
        if change.limit.find(limits).is_none() {
            let all = names(limits).join(", ");
            let message = if all.is_empty() {
                format!("there is no limit `{}`, nor any other", change.limit.0)
            } else {
                format!("there is no limit `{}`: they are {all}", change.limit.0)
            };
            report(".limit", message);
        }
        if change.at.time().is_none() {
            let message = format!(
                "{}: an instant needs a run whose beginning is known; write \"+65s\"",
                change.at
            );
            report(".at", message);
        }
        if !change.changes_something() {
            report("", "changes nothing".to_owned());
        }
    }
    for (number, _, after) in planned(limits, schedule) {
        problems.extend(after.check(&format!("schedule.{number}")));
    }
    problems
}
