//! The profiles: providers that exist, as files of settings with the provenance of each figure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::behaviour::{Brownout, Cards, Challenges, DeclineReason, Faults, Holds, Keys};
use super::latency::Latency;
use super::limit::Limit;
use super::webhooks::Webhooks;

/// The profile that is used when none is named.
pub const DEFAULT: &str = "stripe-2024";

/// The profiles' names and files, the default first.
const FILES: [(&str, &str); 6] = [
    (DEFAULT, include_str!("../../profiles/stripe-2024.toml")),
    ("stripe-2026", include_str!("../../profiles/stripe-2026.toml")),
    ("payjp", include_str!("../../profiles/payjp.toml")),
    ("shared-20", include_str!("../../profiles/shared-20.toml")),
    ("shared-30", include_str!("../../profiles/shared-30.toml")),
    ("shared-window", include_str!("../../profiles/shared-window.toml")),
];

/// A provider that exists: its figures, and where they come from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Where the figures come from, in one line; each figure's own tag stands in the file.
    pub provenance: String,
    /// The limiters, in the order they are asked.
    pub limits: Vec<Limit>,
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

/// A name that no profile has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no provider profile `{name}`\nhint: {}", self.hint())]
pub struct UnknownProfileError {
    /// The name as written.
    pub name: String,
    /// The profile with the most similar name, if any is similar.
    pub nearest: Option<&'static str>,
}

impl UnknownProfileError {
    fn new(name: &str) -> Self {
        /// Below it two names have little in common (Jaro similarity, in \[0, 1\]): clap draws the
        /// line at the same place.
        const SIMILAR: f64 = 0.7;
        let nearest = profiles()
            .map(|known| (strsim::jaro(name, known), known))
            .filter(|(similarity, _)| *similarity > SIMILAR)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, known)| known);
        Self { name: name.to_owned(), nearest }
    }

    /// The cure: the nearest profile, or all of them.
    pub fn hint(&self) -> String {
        let all: Vec<_> = profiles().collect();
        let all = all.join(", ");
        match self.nearest {
            Some(nearest) => format!("did you mean `{nearest}`? The profiles are {all}"),
            None => format!("the profiles are {all}"),
        }
    }
}

/// The names of all profiles, the default first.
pub fn profiles() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The profile of that name.
///
/// # Errors
/// When there is none; the error names the nearest.
///
/// # Panics
/// Never: a test reads every profile of the program.
pub fn profile(name: &str) -> Result<Profile, UnknownProfileError> {
    let (_, file) = FILES
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| UnknownProfileError::new(name))?;
    Ok(toml::from_str(file).expect("a test reads every profile of the program"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Overrides;

    #[test]
    fn every_profile_can_be_read_and_is_in_range() {
        for name in profiles() {
            let overrides = Overrides { profile: Some(name.to_owned()), ..Overrides::default() };
            let settings = overrides.resolve(7).unwrap();
            assert_eq!(settings.profile, name);
            assert_eq!(settings.check(), [], "{name}");
            assert!(!settings.limits.is_empty(), "{name}");
        }
    }

    #[test]
    fn every_figure_of_a_profile_says_where_it_comes_from() {
        for (name, file) in FILES {
            let mut above_is_tagged = false;
            for line in file.lines() {
                let tagged = line.contains("[V]") || line.contains("[A]");
                let figure = line.contains(" = ") && !line.starts_with('#');
                // The scope `global` is the default and no figure.
                assert!(
                    !figure || tagged || above_is_tagged || line.contains("\"global\""),
                    "{name}: {line}"
                );
                above_is_tagged = line.starts_with('#') && (tagged || above_is_tagged);
            }
        }
    }

    #[test]
    fn an_unknown_profile_is_told_the_nearest() {
        let nearest = |name| profile(name).unwrap_err().nearest;
        assert_eq!(nearest("strip-2024"), Some("stripe-2024"));
        assert_eq!(nearest("stripe_2026"), Some("stripe-2026"));
        assert_eq!(nearest("shared30"), Some("shared-30"));
        assert_eq!(nearest("?"), None);
        let message = profile("pay.jp").unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no provider profile `pay.jp`\nhint: did you mean `payjp`? The profiles are \
             stripe-2024, stripe-2026, payjp, shared-20, shared-30, shared-window"
        );
    }
}
