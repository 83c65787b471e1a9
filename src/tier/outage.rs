//! An application that fails for a while, or a part of its requests.

use domain::time::{Offset, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// For a while the application answers a share of its requests with an error (500), once it has served them:
/// `stack.application.outages`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// When it begins, from the first opening.
    pub at: Offset,
    /// How long it lasts.
    pub lasts: Span,
    /// The share of requests that fail meanwhile, more than 0 and at most 1; left out: all.
    #[serde(default = "all")]
    pub share: f64,
}

const fn all() -> f64 {
    1.0
}

impl Outage {
    /// When it begins and ends, in a sale that opens then.
    pub fn stretch(&self, opens: Time) -> (Time, Time) {
        let from = self.at.from(opens);
        (from, from + self.lasts.0)
    }
}

/// Outages; no two of them at once.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    stretches: Vec<(Time, Time, f64)>,
}

impl Outages {
    /// Of a sale that opens then.
    pub fn new(outages: &[Outage], opens: Time) -> Self {
        let of = |one: &Outage| {
            let (from, until) = one.stretch(opens);
            (from, until, one.share)
        };
        Self { stretches: outages.iter().map(of).collect() }
    }

    /// The share of requests that fail then.
    pub fn share(&self, at: Time) -> f64 {
        let out = self.stretches.iter().find(|(from, until, _)| *from <= at && at < *until);
        out.map_or(0.0, |(.., share)| *share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_from_its_beginning_until_before_its_end() {
        let written =
            r#"[{ "at": "+10s", "lasts": "5s" }, { "at": "-5s", "lasts": "2s", "share": 0.1 }]"#;
        let outages: Vec<Outage> = serde_json::from_str(written).unwrap();
        let outages = Outages::new(&outages, Time::from_millis(20_000));
        let shares = [14_999, 15_000, 16_999, 17_000, 29_999, 30_000, 34_999, 35_000];
        let shares = shares.map(|ms| outages.share(Time::from_millis(ms)));
        assert_eq!(shares.to_vec(), [0.0, 0.1, 0.1, 0.0, 0.0, 1.0, 1.0, 0.0]);
    }
}
