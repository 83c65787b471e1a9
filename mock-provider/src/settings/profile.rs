//! The profiles: providers that exist, as files of settings with the provenance of each figure.

use toml::{Table, Value};

/// The profile that is used when none is named.
pub const DEFAULT: &str = "stripe-2024";

/// The profiles' names and files, the default first.
const FILES: [(&str, &str); 14] = [
    (DEFAULT, include_str!("../../profiles/stripe-2024.toml")),
    ("stripe-2024-test", include_str!("../../profiles/stripe-2024-test.toml")),
    ("stripe-2026", include_str!("../../profiles/stripe-2026.toml")),
    ("stripe-2026-test", include_str!("../../profiles/stripe-2026-test.toml")),
    ("payjp", include_str!("../../profiles/payjp.toml")),
    ("payjp-test", include_str!("../../profiles/payjp-test.toml")),
    ("amazonpay-jp", include_str!("../../profiles/amazonpay-jp.toml")),
    ("gmo-like", include_str!("../../profiles/gmo-like.toml")),
    ("komoju", include_str!("../../profiles/komoju.toml")),
    ("adyen", include_str!("../../profiles/adyen.toml")),
    ("square", include_str!("../../profiles/square.toml")),
    ("shared-20", include_str!("../../profiles/shared-20.toml")),
    ("shared-30", include_str!("../../profiles/shared-30.toml")),
    ("shared-window", include_str!("../../profiles/shared-window.toml")),
];

/// A provider that exists: its figures, and where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Where the figures come from, in one line; each figure's own tag stands in the file.
    pub provenance: String,
    /// The settings' keys, but for `seed` and `profile`.
    pub table: Table,
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
        Self { name: name.to_owned(), nearest: nearest(name, profiles()) }
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

/// The word that is most similar to the one written, if any is similar.
pub(crate) fn nearest<'word>(
    written: &str,
    known: impl IntoIterator<Item = &'word str>,
) -> Option<&'word str> {
    /// Below it two words have little in common (Jaro similarity, in \[0, 1\]): clap draws the
    /// line at the same place.
    const SIMILAR: f64 = 0.7;
    let known = known.into_iter().map(|word| (strsim::jaro(written, word), word));
    let similar = known.filter(|(similarity, _)| *similarity > SIMILAR);
    similar.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, word)| word)
}

/// The names of all profiles, the default first.
pub fn profiles() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The profile of that name, with what it takes over from the one it extends.
///
/// # Errors
/// When there is none; the error names the nearest.
///
/// # Panics
/// Never: a test reads every profile of the program.
pub fn profile(name: &str) -> Result<Profile, UnknownProfileError> {
    let mut own = own(name)?;
    let mut table = match own.remove("extends") {
        Some(Value::String(base)) => profile(&base)?.table,
        _ => Table::new(),
    };
    overlay(&mut table, own);
    Ok(Profile::of(table))
}

impl Profile {
    /// The profile that a table describes, which extends no other any more.
    pub(crate) fn of(mut table: Table) -> Self {
        let provenance = match table.remove("provenance") {
            Some(Value::String(provenance)) => provenance,
            _ => "not said".to_owned(),
        };
        Self { provenance, table }
    }
}

/// What a profile's own file says.
fn own(name: &str) -> Result<Table, UnknownProfileError> {
    let file = FILES.iter().find(|(known, _)| *known == name);
    let (_, text) = file.ok_or_else(|| UnknownProfileError::new(name))?;
    Ok(text.parse().expect("a test reads every profile of the program"))
}

/// Lays one table of settings over another: the keys of a table one by one, and any other value
/// whole, also a law of random times. The decline mix is one value: who names reasons names all.
pub(crate) fn overlay(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) if key != "decline_mix" => {
                under.extend(over);
            }
            (_, value) => drop(table.insert(key, value)),
        }
    }
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
                // Names are no figures, nor is the scope `global`, which is the default.
                let named = ["name = ", "extends = ", "scope = \"global\""];
                let named = named.iter().any(|begins| line.starts_with(begins));
                let figure = line.contains(" = ") && !line.starts_with('#') && !named;
                assert!(!figure || tagged || above_is_tagged, "{name}: {line}");
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
             stripe-2024, stripe-2024-test, stripe-2026, stripe-2026-test, payjp, payjp-test, \
             amazonpay-jp, gmo-like, komoju, adyen, square, shared-20, shared-30, shared-window"
        );
    }
}
