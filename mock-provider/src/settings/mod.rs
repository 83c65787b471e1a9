//! What can be set about the provider, and the profiles it ships with.
//!
//! [`Overrides`] is what a person writes: any key may be left out. [`Settings`] is what the
//! provider obeys: every key has a value. Both are tables of the same keys, and a profile is a
//! third: what is written is laid over the profile, key by key, and the whole is read once.

mod behaviour;
mod latency;
mod limit;
mod problem;
mod profile;
mod schedule;
mod webhooks;
pub(crate) mod written;

use std::collections::BTreeMap;

use domain::law::Law;
use domain::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use behaviour::{Brownout, Cards, Challenges, DeclineReason, Faults, Holds, Keys};
pub use latency::Latency;
pub use limit::{
    Algorithm, Counts, HeaderStyle, Headers, Limit, LimitName, Scope, Told, VendorHeaders, Wording,
    names,
};
pub use problem::Problem;
pub use profile::{DEFAULT, Profile, UnknownProfileError, profile, profiles};
pub use schedule::{Change, Moment, ParseMomentError};
pub use webhooks::{EndpointSettings, Retries, UrlError, Webhooks, is_kind};

pub(crate) use limit::LIMITS_MAX;
pub(crate) use profile::overlay;
pub(crate) use schedule::planned;

use behaviour::{check_mix, check_share};

/// How many changes a schedule may have: more than one a minute over a day is a mistake.
const CHANGES_MAX: usize = 1_000;

/// The provider as it runs: every key has a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Draws hang on this.
    #[serde(default)]
    pub seed: u64,
    /// The profile it came from.
    #[serde(default)]
    pub profile: String,
    /// The limiters, asked in this order; a call passes when all admit it.
    pub limits: Vec<Limit>,
    /// How the limits change in mid-run.
    #[serde(default)]
    pub schedule: Vec<Change>,
    /// The share of authorizations that are declined, in \[0, 1\].
    pub declines: f64,
    /// How long each operation takes.
    pub latency: Latency,
    /// Why cards are declined, and how often relative to each other.
    pub decline_mix: BTreeMap<DeclineReason, f64>,
    /// Whose word decides about a test card that is documented to be approved.
    #[serde(default)]
    pub cards: Cards,
    /// Challenges that are drawn.
    #[serde(default)]
    pub challenges: Challenges,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Faults,
    /// When it is slow and fails.
    #[serde(default)]
    pub brownouts: Vec<Brownout>,
    /// How long reserved money is kept.
    pub holds: Holds,
    /// Idempotency keys.
    pub keys: Keys,
    /// Messages to merchants.
    #[serde(default)]
    pub webhooks: Webhooks,
}

/// The table `[provider]` as written: a profile, and what is different from it. Of a table that is
/// given in part the profile's other keys stay; a list replaces the profile's whole, and so does
/// the decline mix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// The profile; left out: `stripe-2024`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The limiters, asked in this order; a call passes when all admit it. A list given here
    /// replaces the profile's whole; an empty one means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Vec<Limit>>,
    /// How the limits change in mid-run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Vec<Change>>,
    /// The share of authorizations that are declined, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub declines: Option<f64>,
    /// How long each operation takes.
    pub latency: Latency<Option<Law>>,
    /// Why cards are declined, and how often relative to each other. Replaces the profile's whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_mix: Option<BTreeMap<DeclineReason, f64>>,
    /// Whose word decides about a test card that is documented to be approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cards: Option<Cards>,
    /// Challenges that are drawn.
    pub challenges: Challenges<Option<f64>, Option<Law>>,
    /// What goes wrong.
    pub faults: Faults<Option<f64>, Option<Span>>,
    /// When it is slow and fails. Replaces the profile's whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brownouts: Option<Vec<Brownout>>,
    /// How long reserved money is kept.
    pub holds: Holds<Option<Span>>,
    /// Idempotency keys.
    pub keys: Keys<Option<Span>, Option<u16>>,
    /// Messages to merchants. Replaces the profile's whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<Webhooks>,
}

impl Overrides {
    /// The settings that are meant: what is left out comes from the profile. Ranges are not
    /// checked here: see [`Settings::check`].
    ///
    /// # Errors
    /// When there is no such profile; the error names the nearest.
    ///
    /// # Panics
    /// Never: what is written and what a profile says have the same kinds.
    pub fn resolve(&self, seed: u64) -> Result<Settings, UnknownProfileError> {
        let name = self.profile.as_deref().unwrap_or(DEFAULT);
        let mut table = profile(name)?.table;
        let written = toml::Table::try_from(self).expect("every value here has a word in TOML");
        overlay(&mut table, written);
        let settings = table.try_into().expect("both tables are of the right kinds");
        Ok(Settings { seed, profile: name.to_owned(), ..settings })
    }
}

impl Settings {
    /// The same provider for a crowd `scale` times as large: rates and bursts are multiplied, also
    /// scheduled ones, nothing else is. A burst stays at least 1, a window keeps room for one call.
    #[must_use]
    pub fn scaled(&self, scale: f64) -> Self {
        let limits = self.limits.iter().map(|limit| limit.scaled(scale)).collect();
        let schedule = schedule::scaled(&self.limits, &self.schedule, scale);
        Self { limits, schedule, ..self.clone() }
    }

    /// The same provider in a run that begins at `began_utc_ns` \[ns of UTC\]: instants of the
    /// schedule become offsets.
    #[must_use]
    pub fn anchored(mut self, began_utc_ns: u64) -> Self {
        for change in &mut self.schedule {
            change.at = change.at.anchored(began_utc_ns);
        }
        self
    }

    /// All that is out of range, in the order of the keys; nothing when the provider can run.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = check_limits(&self.limits, &self.schedule);
        problems.extend(check_share("declines", self.declines));
        problems.extend(self.latency.check());
        problems.extend(check_mix(&self.decline_mix));
        problems.extend(self.challenges.check());
        problems.extend(self.faults.check());
        let brownouts = self.brownouts.iter().zip(0..);
        problems.extend(brownouts.flat_map(|(brownout, place)| brownout.check(place)));
        problems.extend(self.keys.check());
        problems.extend(self.webhooks.check());
        problems
    }
}

/// All that is wrong with limits and their schedule.
pub(crate) fn check_limits(limits: &[Limit], schedule: &[Change]) -> Vec<Problem> {
    let mut problems = limit::check(limits);
    if schedule.len() > CHANGES_MAX {
        let message = format!("{} changes: at most {CHANGES_MAX}", schedule.len());
        problems.push(Problem::new("schedule", message));
    } else if problems.is_empty() {
        problems.extend(schedule::check(limits, schedule));
    }
    problems
}

#[cfg(test)]
mod tests;
