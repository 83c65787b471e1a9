//! One limiter of the provider, as a person writes it.

mod check;
mod headers;
mod wording;

use std::borrow::Cow;
use std::fmt;

use domain::limiter::Limiter;
use domain::provider::PaymentOperation;
use domain::time::{Duration, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

pub(crate) use check::LIMITS_MAX;
pub(super) use check::check;
pub use headers::{HeaderStyle, Headers, VendorHeaders};
pub use wording::{Told, Wording};

use super::problem::Problem;

/// The window of an algorithm that counts in windows and names none.
const WINDOW: Duration = Duration::from_secs(1);

/// One limiter: `[[provider.limits]]`. Which of its parameters it takes depends on the algorithm:
/// one that it does not have is a mistake, and so is a missing one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// What it is called in metrics, headers and schedules; left out: its scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$"))]
    pub name: Option<String>,
    /// What shares one allowance.
    pub scope: Scope,
    /// The operations it applies to; none: all. A zone names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<PaymentOperation>,
    /// How calls are counted.
    pub algorithm: Algorithm,
    /// Calls per second \[1/s\], more than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub rate: Option<f64>,
    /// How many calls may come at once after a quiet time, at least 1; of a leaky queue, how many
    /// may wait, from 0. Left out: one second's worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub burst: Option<f64>,
    /// The window of an algorithm that counts in windows; left out: 1 s. Of a penalty box, within
    /// which its refusals count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// How many calls may be in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub calls: Option<u32>,
    /// How long a call waits for a lock before it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Span>,
    /// How many refusals lead into a penalty box.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub refusals: Option<u32>,
    /// How long a penalty box refuses everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ban: Option<Span>,
    /// By which share the rate, burst or cap of each allowance may be off, from 0 to 0.5: drawn
    /// once for each, as where a limiter is spread over several machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 0.5))]
    pub error: Option<f64>,
    /// Which calls are debited.
    pub counts: Counts,
    /// What a refused call is told.
    pub refusal: Wording,
    /// Which headers speak of the limit.
    pub headers: Headers,
}

/// What shares one allowance.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All calls of all accounts.
    #[default]
    Global,
    /// The calls of one merchant account.
    Key,
    /// The calls of the operations that are named, together.
    Zone,
    /// The calls of one operation.
    Endpoint,
    /// The calls about one payment; others are not asked.
    Object,
}

/// How calls are counted against an allowance.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// A bucket of `burst` tokens, refilled at `rate`.
    #[default]
    TokenBucket,
    /// The generic cell rate algorithm: it admits what a token bucket admits.
    Gcra,
    /// A queue that one call leaves every 1/`rate`; up to `burst` calls wait in it.
    LeakyQueue,
    /// At most `rate` × `window` calls in each window, counted from the run's beginning.
    FixedWindow,
    /// At most `rate` × `window` calls in any window.
    SlidingLog,
    /// About `rate` × `window` calls in any window, estimated from this window and the last.
    SlidingCounter,
    /// At most `calls` calls in flight.
    Concurrency,
    /// One call at a time; another waits at most `wait`.
    ObjectLock,
    /// Who is refused `refusals` times within `window` is refused everything for `ban`.
    PenaltyBox,
}

/// Which calls an allowance is debited for.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// Those that all limits admit.
    #[default]
    Admitted,
    /// Those that this limit admits, also when another refuses them.
    Offered,
}

/// A limit by its name or, from 0, its place in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LimitName(pub String);

impl LimitName {
    /// The place of the limit that is meant, if there is one.
    pub fn find(&self, limits: &[Limit]) -> Option<usize> {
        let by_name = names(limits).iter().position(|name| *name == self.0);
        let by_place = || self.0.parse().ok().filter(|place| *place < limits.len());
        by_name.or_else(by_place)
    }
}

impl<'de> Deserialize<'de> for LimitName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrPlace;
        impl de::Visitor<'_> for NameOrPlace {
            type Value = LimitName;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a limit's name or place")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<LimitName, E> {
                Ok(LimitName(name.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, place: u64) -> Result<LimitName, E> {
                Ok(LimitName(place.to_string()))
            }

            fn visit_i64<E: de::Error>(self, place: i64) -> Result<LimitName, E> {
                Ok(LimitName(place.to_string()))
            }
        }
        deserializer.deserialize_any(NameOrPlace)
    }
}

impl JsonSchema for LimitName {
    fn schema_name() -> Cow<'static, str> {
        "LimitName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A limit by its name or, from 0, its place in the list.",
            "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 0 }],
        })
    }
}

/// What each limit is called: its name or its scope; where that is taken, with a number behind it.
pub fn names(limits: &[Limit]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(limits.len());
    for limit in limits {
        let name = limit.name.as_deref().unwrap_or(limit.scope.word());
        let is_taken = |name: &String| {
            names.contains(name)
                || limit.name.is_none() && limits.iter().any(|it| it.name.as_ref() == Some(name))
        };
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_taken(name));
        names.push(free.expect("the numbers do not end"));
    }
    names
}

impl fmt::Display for Limit {
    /// In one line: `endpoint 25/s (burst 25)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or(self.scope.word());
        write!(formatter, "{name} ")?;
        let (rate, window) = (self.rate.unwrap_or_default(), Span(self.window()));
        match self.algorithm {
            Algorithm::TokenBucket | Algorithm::Gcra => {
                write!(formatter, "{rate}/s (burst {})", self.burst())
            }
            Algorithm::LeakyQueue => write!(formatter, "{rate}/s (queue of {})", self.burst()),
            Algorithm::FixedWindow | Algorithm::SlidingLog | Algorithm::SlidingCounter => {
                write!(formatter, "{rate}/s ({} of {window})", self.algorithm.word())
            }
            Algorithm::Concurrency => {
                write!(formatter, "{} in flight", self.calls.unwrap_or_default())
            }
            Algorithm::ObjectLock => write!(formatter, "one at a time ({})", Span(self.wait())),
            Algorithm::PenaltyBox => {
                let refusals = self.refusals.unwrap_or_default();
                let ban = self.ban.unwrap_or(Span(Duration::ZERO));
                write!(formatter, "ban of {ban} after {refusals} refusals in {window}")
            }
        }
    }
}

impl Scope {
    /// The scope's word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Key => "key",
            Self::Zone => "zone",
            Self::Endpoint => "endpoint",
            Self::Object => "object",
        }
    }
}

impl Algorithm {
    /// The algorithm's word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TokenBucket => "token-bucket",
            Self::Gcra => "gcra",
            Self::LeakyQueue => "leaky-queue",
            Self::FixedWindow => "fixed-window",
            Self::SlidingLog => "sliding-log",
            Self::SlidingCounter => "sliding-counter",
            Self::Concurrency => "concurrency",
            Self::ObjectLock => "object-lock",
            Self::PenaltyBox => "penalty-box",
        }
    }

    /// Whether it counts `rate` × `window` calls.
    const fn counts_windows(self) -> bool {
        matches!(self, Self::FixedWindow | Self::SlidingLog | Self::SlidingCounter)
    }
}

impl Limit {
    /// A limiter that never saw a call and whose allowance is multiplied by `factor`, which is
    /// near 1. The limit is in range.
    pub(crate) fn limiter(&self, factor: f64) -> Limiter {
        let rate = self.rate.unwrap_or(1.0) * factor;
        let burst = self.burst() * factor;
        match self.algorithm {
            Algorithm::TokenBucket => Limiter::token_bucket(rate, burst.max(1.0)),
            Algorithm::Gcra => Limiter::gcra(rate, burst.max(1.0)),
            Algorithm::LeakyQueue => Limiter::leaky_queue(rate, burst),
            Algorithm::FixedWindow => Limiter::fixed_window(rate, self.window()),
            Algorithm::SlidingLog => Limiter::sliding_log(rate, self.window()),
            Algorithm::SlidingCounter => Limiter::sliding_counter(rate, self.window()),
            Algorithm::Concurrency => Limiter::concurrency(times(self.calls.unwrap_or(1), factor)),
            Algorithm::ObjectLock => Limiter::object_lock(self.wait()),
            Algorithm::PenaltyBox => {
                let ban = self.ban.map_or(Duration::ZERO, Duration::from);
                Limiter::penalty_box(self.refusals.unwrap_or(1), self.window(), ban)
            }
        }
    }

    /// How many calls per second it admits in the long run \[1/s\]; absent where that depends on
    /// how long calls take.
    pub fn rate_per_s(&self) -> Option<f64> {
        match self.algorithm {
            Algorithm::Concurrency | Algorithm::ObjectLock | Algorithm::PenaltyBox => None,
            _ => self.rate,
        }
    }

    /// How many calls may come at once after a quiet time, or wait in a queue: as written, or one
    /// second's worth, and at least 1 where they do not wait.
    pub fn burst(&self) -> f64 {
        let burst = self.burst.or(self.rate).unwrap_or(1.0);
        if self.algorithm == Algorithm::LeakyQueue { burst } else { burst.max(1.0) }
    }

    /// The length of a window: as written, or 1 s.
    pub fn window(&self) -> Duration {
        self.window.map_or(WINDOW, Duration::from)
    }

    /// How long a call waits for a lock; not at all where nothing is written.
    pub fn wait(&self) -> Duration {
        self.wait.map_or(Duration::ZERO, Duration::from)
    }

    /// Whether it is asked about an operation.
    pub fn applies_to(&self, operation: PaymentOperation) -> bool {
        self.operations.is_empty() || self.operations.contains(&operation)
    }

    /// The limit with its rate and burst multiplied by `scale`. What it admits at once never falls
    /// below one call: a bucket's burst not below 1, a window not below one call. What holds for
    /// one payment, and caps, waits and windows stay as they are.
    pub(super) fn scaled(&self, scale: f64) -> Self {
        if self.scope == Scope::Object {
            return self.clone();
        }
        let least_burst = if self.algorithm == Algorithm::LeakyQueue { 0.0 } else { 1.0 };
        let burst = self.burst.map(|burst| (burst * scale).max(least_burst));
        let least_rate =
            if self.algorithm.counts_windows() { 1.0 / self.window().as_secs_f64() } else { 0.0 };
        let rate = self.rate.map(|rate| (rate * scale).max(least_rate));
        Self { rate, burst, ..self.clone() }
    }

    /// The limit as a JSON merge patch (RFC 7396) changes it: `null` takes a key away.
    ///
    /// # Errors
    /// When a key does not exist or a value is of the wrong kind; ranges are not checked.
    pub fn patched(
        &self,
        patch: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, Problem> {
        let wrong = |error: serde_json::Error| Problem::new("limit", error.to_string());
        let mut written = serde_json::to_value(self).map_err(wrong)?;
        merge_patch(&mut written, patch);
        serde_json::from_value(written).map_err(wrong)
    }
}

fn merge_patch(value: &mut serde_json::Value, patch: &serde_json::Map<String, serde_json::Value>) {
    if !value.is_object() {
        *value = serde_json::Value::Object(serde_json::Map::new());
    }
    let Some(table) = value.as_object_mut() else { return };
    for (key, change) in patch {
        match change {
            serde_json::Value::Null => drop(table.remove(key)),
            serde_json::Value::Object(inner) => {
                merge_patch(table.entry(key.clone()).or_insert(serde_json::Value::Null), inner);
            }
            other => drop(table.insert(key.clone(), other.clone())),
        }
    }
}

/// A number of calls times a factor near 1, rounded, at least one.
fn times(calls: u32, factor: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a million calls, and a factor from 0.5 to 1.5"
    )]
    let calls = (f64::from(calls) * factor).round() as u32;
    calls.clamp(1, 1_000_000)
}
