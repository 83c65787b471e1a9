//! What can be set about the provider, and the profiles it ships with.
//!
//! [`Overrides`] is what a person writes: any key may be left out. [`Settings`] is what the
//! provider obeys: every key has a value.

mod behaviour;
mod latency;
mod limit;
mod problem;
mod profile;
mod webhooks;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use behaviour::{Brownout, Cards, Challenges, DeclineReason, Faults, Holds, Keys};
pub use latency::{Latency, LatencyOverrides};
pub use limit::{Algorithm, Limit, Scope};
pub use problem::Problem;
pub use profile::{DEFAULT, Profile, UnknownProfileError, profile, profiles};
pub use webhooks::{EndpointSettings, Retries, UrlError, Webhooks, is_kind};

/// How many limiters a provider may have: each is asked at each call.
const LIMITS_MAX: usize = 16;

/// The provider as it runs: every key has a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Draws hang on this.
    pub seed: u64,
    /// The profile it came from.
    pub profile: String,
    /// The limiters, asked in this order; a call passes when all admit it.
    pub limits: Vec<Limit>,
    /// The share of authorizations that are declined, in \[0, 1\].
    pub declines: f64,
    /// How long each operation takes.
    pub latency: Latency,
    /// Why cards are declined, and how often relative to each other.
    pub decline_mix: BTreeMap<DeclineReason, f64>,
    /// Whose word decides about a test card that is documented to be approved.
    pub cards: Cards,
    /// Challenges that are drawn.
    pub challenges: Challenges,
    /// What goes wrong.
    pub faults: Faults,
    /// When it is slow and fails.
    pub brownouts: Vec<Brownout>,
    /// How long reserved money is kept.
    pub holds: Holds,
    /// Idempotency keys.
    pub keys: Keys,
    /// Messages to merchants.
    #[serde(default)]
    pub webhooks: Webhooks,
}

/// The table `[provider]` as written: a profile, and what is different from it.
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
    /// The share of authorizations that are declined, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub declines: Option<f64>,
    /// How long each operation takes.
    pub latency: LatencyOverrides,
    /// Why cards are declined, and how often relative to each other. Replaces the profile's whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_mix: Option<BTreeMap<DeclineReason, f64>>,
    /// Whose word decides about a test card that is documented to be approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cards: Option<Cards>,
    /// Challenges that are drawn. Replaces the profile's whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenges: Option<Challenges>,
    /// What goes wrong. Replaces the profile's whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Faults>,
    /// When it is slow and fails. Replaces the profile's whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brownouts: Option<Vec<Brownout>>,
    /// How long reserved money is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<Holds>,
    /// Idempotency keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
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
    pub fn resolve(&self, seed: u64) -> Result<Settings, UnknownProfileError> {
        let name = self.profile.as_deref().unwrap_or(DEFAULT);
        let base = profile(name)?;
        Ok(Settings {
            seed,
            profile: name.to_owned(),
            limits: self.limits.clone().unwrap_or(base.limits),
            declines: self.declines.unwrap_or(base.declines),
            latency: self.latency.over(base.latency),
            decline_mix: self.decline_mix.clone().unwrap_or(base.decline_mix),
            cards: self.cards.unwrap_or(base.cards),
            challenges: self.challenges.unwrap_or(base.challenges),
            faults: self.faults.unwrap_or(base.faults),
            brownouts: self.brownouts.clone().unwrap_or(base.brownouts),
            holds: self.holds.unwrap_or(base.holds),
            keys: self.keys.unwrap_or(base.keys),
            webhooks: self.webhooks.clone().unwrap_or(base.webhooks),
        })
    }
}

impl Settings {
    /// The same provider for a crowd `scale` times as large: rates and bursts are multiplied,
    /// nothing else is. A burst stays at least 1, a fixed window keeps room for one call.
    #[must_use]
    pub fn scaled(&self, scale: f64) -> Self {
        let limits = self.limits.iter().map(|limit| limit.scaled(scale)).collect();
        Self { limits, ..self.clone() }
    }

    /// All that is out of range, in the order of the keys; nothing when the provider can run.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.limits.len() > LIMITS_MAX {
            let message = format!("{} limits: at most {LIMITS_MAX}", self.limits.len());
            problems.push(Problem::new("limits", message));
        }
        problems.extend(self.limits.iter().zip(0..).flat_map(|(limit, place)| limit.check(place)));
        problems.extend(check_share("declines", self.declines));
        problems.extend(self.latency.check());
        problems.extend(check_share("faults", self.faults.total()));
        problems.extend(self.webhooks.check());
        problems
    }
}

fn check_share(key: &str, share: f64) -> Option<Problem> {
    let in_range = (0.0..=1.0).contains(&share);
    (!in_range).then(|| Problem::new(key, format!("{share}: must be from 0 to 1")))
}

#[cfg(test)]
mod tests {
    use domain::law::Law;
    use domain::time::{Duration, Span};

    use super::*;

    fn written(text: &str) -> Overrides {
        toml::from_str(text).unwrap()
    }

    fn limit(algorithm: Algorithm, rate: f64, burst: Option<f64>) -> Limit {
        Limit { scope: Scope::Global, algorithm, rate, burst, window: None, retry_after: false }
    }

    #[test]
    fn what_is_left_out_comes_from_the_profile() {
        let settings = written("latency.capture = \"20ms\"\nfaults.commit_then_timeout = 0.001")
            .resolve(7)
            .unwrap();
        let base = profile(DEFAULT).unwrap();
        let capture = Law::Constant(Duration::from_millis(20));
        let expected = Settings {
            seed: 7,
            profile: "stripe-2024".to_owned(),
            limits: base.limits,
            declines: 0.05,
            latency: Latency { capture, ..base.latency },
            faults: Faults { commit_then_timeout: 0.001, ..Faults::default() },
            decline_mix: base.decline_mix,
            cards: base.cards,
            challenges: base.challenges,
            brownouts: base.brownouts,
            holds: base.holds,
            keys: base.keys,
            webhooks: base.webhooks,
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn a_list_of_limits_replaces_the_profiles_whole() {
        let settings = written("profile = \"stripe-2026\"\n[[limits]]\nrate = 30").resolve(7);
        let expected = vec![limit(Algorithm::TokenBucket, 30.0, None)];
        assert_eq!(settings.unwrap().limits, expected);
        assert_eq!(written("limits = []").resolve(7).unwrap().limits, []);
    }

    #[test]
    fn a_key_that_does_not_exist_is_an_error() {
        for text in
            ["decline = 0.1", "[[limits]]\nrate = 1\nper = \"s\"", "latency.refund = \"1s\""]
        {
            let message = toml::from_str::<Overrides>(text).unwrap_err().to_string();
            assert!(message.contains("unknown field"), "{message}");
        }
    }

    #[test]
    fn settings_survive_being_written_for_a_child_process() {
        let settings = written("profile = \"shared-window\"").resolve(u64::MAX).unwrap();
        let text = serde_json::to_string(&settings).unwrap();
        let read: Settings = serde_json::from_str(&text).unwrap();
        assert_eq!(read, settings);
    }

    #[test]
    fn scaling_multiplies_rate_and_burst_and_never_to_nothing() {
        let base = written("").resolve(7).unwrap();
        let limits = vec![
            limit(Algorithm::TokenBucket, 30.0, Some(40.0)),
            limit(Algorithm::TokenBucket, 30.0, None),
            limit(Algorithm::FixedWindow, 30.0, None),
        ];
        let scaled = |scale| Settings { limits: limits.clone(), ..base.clone() }.scaled(scale);
        let rates = |settings: &Settings| {
            settings.limits.iter().map(|limit| (limit.rate, limit.burst())).collect::<Vec<_>>()
        };
        assert_eq!(rates(&scaled(0.5)), [(15.0, 20.0), (15.0, 15.0), (15.0, 15.0)]);
        assert_eq!(rates(&scaled(0.01)), [(0.3, 1.0), (0.3, 1.0), (1.0, 1.0)]);
        assert_eq!(scaled(0.01).check(), []);
        assert_eq!(scaled(0.5).latency, base.latency);
    }

    #[test]
    fn every_value_out_of_range_is_named_with_its_key() {
        let mut settings = written("declines = 1.5\nfaults.slow_body = -0.1").resolve(7).unwrap();
        settings.latency.void = Law::Exponential { mean: Duration::from_mins(50) };
        settings.limits = vec![
            limit(Algorithm::TokenBucket, 0.0, Some(0.5)),
            limit(Algorithm::Gcra, f64::NAN, None),
            limit(Algorithm::FixedWindow, 0.5, None),
            Limit {
                window: Some(Span(Duration::ZERO)),
                ..limit(Algorithm::FixedWindow, 1.0, None)
            },
        ];
        let problems: Vec<_> = settings.check().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "limits.0.rate: 0 calls per second: must be above 0 and at most 1e9",
                "limits.0.burst: 0.5 calls at once: must be from 1 to 1e9",
                "limits.1.rate: NaN calls per second: must be above 0 and at most 1e9",
                "limits.2.window: 0.5 calls per second leave no call for a window of 1s",
                "limits.3.window: must be longer than 0s",
                "declines: 1.5: must be from 0 to 1",
                "latency.void: one answer in a thousand would take more than an hour",
                "faults: -0.1: must be from 0 to 1",
            ]
        );
    }
}
