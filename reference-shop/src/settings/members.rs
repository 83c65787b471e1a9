//! The base of members, at which fans sign in: `[shop] members`.

use domain::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most logins that one base works on at once: more than any machine has threads.
const AT_ONCE_MAX: u32 = 100_000;

/// The base of members, which all sales share: it works on so many logins at once, and further ones wait,
/// first come, first served.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// Logins that it works on at once.
    #[schemars(range(min = 1, max = AT_ONCE_MAX))]
    pub at_once: u32,
    /// How long one takes.
    pub takes: Span,
}

impl Members {
    /// What of it cannot work, a sentence each, with the key it is about.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !(1..=AT_ONCE_MAX).contains(&self.at_once) {
            let problem =
                format!("`at_once` is {}, it must be from 1 to {AT_ONCE_MAX}", self.at_once);
            problems.push(("at_once", problem));
        }
        if self.takes.0.is_zero() {
            problems.push(("takes", "`takes` must be longer than 0".to_owned()));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_that_works_on_nothing_or_takes_no_time_is_refused() {
        let problems = |text: &str| toml::from_str::<Members>(text).unwrap().problems();
        assert_eq!(problems("at_once = 5\ntakes = \"50ms\""), []);
        let keys: Vec<&str> =
            problems("at_once = 0\ntakes = \"0ms\"").iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["at_once", "takes"]);
    }
}
