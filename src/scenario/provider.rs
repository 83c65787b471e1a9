//! The table `[provider]` as written: a profile, and the keys that override it.

use domain::law::Law;
use domain::time::Duration;
use mock_provider::settings::{Latency, Limit, Scope, Settings};
use schemars::JsonSchema;
use serde::Deserialize;

/// The mock payment provider; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// The profile to begin with; left out: `stripe-2024`.
    pub profile: Option<String>,
    /// The limiters; a list given here replaces the profile's whole.
    pub limits: Option<Vec<Limit>>,
    /// The share of authorizations that are declined.
    #[schemars(range(min = 0, max = 1))]
    pub declines: Option<f64>,
    /// How long each operation takes.
    pub latency: LatencyOverrides,
    /// The share of calls that take effect but whose answer never comes.
    #[schemars(range(min = 0, max = 1))]
    pub hangs: Option<f64>,
}

/// How long each operation of the provider takes; what is left out is the profile's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyOverrides {
    /// Authorizations.
    pub authorize: Option<Law>,
    /// Captures.
    pub capture: Option<Law>,
    /// Voids.
    pub void: Option<Law>,
}

/// The profiles by name.
pub const PROFILES: [&str; 4] = ["stripe-2024", "stripe-2026", "shared-20", "shared-30"];

impl Overrides {
    /// The provider that is meant.
    ///
    /// # Errors
    /// When the profile is unknown; the text says so.
    pub fn resolve(&self, seed: u64) -> Result<Settings, String> {
        let name = self.profile.as_deref().unwrap_or("stripe-2024");
        let limits = limits_of(name).ok_or_else(|| format!("unknown profile `{name}`"))?;
        // Latencies of no provider are published; these are assumptions, to be overridden.
        let lognormal =
            |median_ms, sigma| Law::Lognormal { median: Duration::from_millis(median_ms), sigma };
        Ok(Settings {
            seed,
            profile: name.to_owned(),
            limits: self.limits.clone().unwrap_or(limits),
            declines: self.declines.unwrap_or(0.05),
            latency: Latency {
                authorize: self.latency.authorize.unwrap_or(lognormal(700, 0.62)),
                capture: self.latency.capture.unwrap_or(lognormal(350, 0.75)),
                void: self.latency.void.unwrap_or(lognormal(250, 0.62)),
            },
            hangs: self.hangs.unwrap_or(0.001),
        })
    }
}

fn limits_of(profile: &str) -> Option<Vec<Limit>> {
    let limit = |scope, rate| Limit {
        scope,
        algorithm: mock_provider::settings::Algorithm::TokenBucket,
        rate,
        burst: None,
        window: None,
        retry_after: false,
    };
    Some(match profile {
        "stripe-2024" => vec![limit(Scope::Global, 100.0)],
        "stripe-2026" => vec![limit(Scope::Global, 100.0), limit(Scope::Endpoint, 25.0)],
        "shared-20" => vec![limit(Scope::Global, 20.0)],
        "shared-30" => vec![limit(Scope::Global, 30.0)],
        _ => return None,
    })
}
