//! The edge as it is written: the servers of its own that it has, its points of presence, the shield behind
//! them, and how often they ask what is behind them.

use domain::draw::{Purpose, draw};
use domain::id::FanId;
use domain::law::Law;
use domain::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most points of presence: more than any network has.
pub const POPS_MAX: u32 = 1_000;

/// The edge: `[stack.edge]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeTier {
    /// How many requests it serves at once, at all points of presence together; left out, with `service`:
    /// any number, in no time.
    #[serde(default)]
    pub servers: Option<u32>,
    /// How many may wait; one more is refused with `error`. Left out: any number.
    #[serde(default)]
    pub queue: Option<u32>,
    /// How long one request takes a server.
    #[serde(default)]
    pub service: Option<Law>,
    /// Points of presence, each with a cache of its own; a fan always comes to the same one. Left out: one.
    #[serde(default)]
    pub pops: Option<u32>,
    /// In which proportion fans come to them, one number for each; left out: 1, 1/2, 1/3, …
    #[serde(default)]
    pub weights: Option<Vec<f64>>,
    /// Whether a cache between them and the origin asks for all of them.
    #[serde(default)]
    pub shield: bool,
    /// How long the origin may take to answer a fetch; then it counts as an error (504). Left out: as long
    /// as it likes.
    #[serde(default)]
    pub origin_timeout: Option<Span>,
}

impl EdgeTier {
    /// How many points of presence there are.
    pub fn pops(&self) -> u32 {
        self.pops.unwrap_or(1)
    }

    /// Whether it is more than one cache.
    pub fn has_layers(&self) -> bool {
        self.pops() > 1 || self.shield
    }

    /// Which part of the fans comes to each point of presence: numbers that add up to 1.
    pub fn shares(&self) -> Vec<f64> {
        let usual = || (1..=self.pops()).map(|rank| 1.0 / f64::from(rank)).collect();
        let weights: Vec<f64> = self.weights.clone().unwrap_or_else(usual);
        let all: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / all).collect()
    }
}

/// The point of presence that is near to `fan`, where they have such `shares`: the same one that a limiter at
/// the edge counts it at.
pub fn pop_of(seed: u64, fan: FanId, shares: &[f64]) -> usize {
    match shares {
        [] | [_] => 0,
        _ => draw(seed, fan, Purpose::PointOfPresence, 0).pick(shares.iter().copied()),
    }
}

/// A cache of objects that people ask for independently of each other.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Keeping {
    /// How long an object is kept \[s\]; 0: not at all.
    pub ttl_s: f64,
    /// How long it takes to fetch one \[s\].
    pub fetch_s: f64,
    /// Whether requests for what is being fetched wait for that one fetch.
    pub collapses: bool,
}

impl Keeping {
    /// How often an object is fetched that is asked for at such a rate \[1/s\]: by renewal, once in
    /// T + D + 1/λ where all wait for one fetch. Where nobody waits, each who comes during the first fetch
    /// makes one besides, and the answer to the last of them, who comes D − (1 − e^(−λD)) / λ after the first in
    /// the mean, is kept for T: 1 + λD in T + 2D + e^(−λD) / λ, as long as T is D at least.
    pub fn fetches_per_s(self, asked_per_s: f64) -> f64 {
        let Self { ttl_s, fetch_s, collapses } = self;
        if ttl_s <= 0.0 || asked_per_s <= 0.0 {
            return asked_per_s;
        }
        if collapses {
            return 1.0 / (ttl_s + fetch_s + 1.0 / asked_per_s);
        }
        let meanwhile = asked_per_s * fetch_s;
        let gap_s = libm::exp(-meanwhile) / asked_per_s;
        (1.0 + meanwhile) / (ttl_s + 2.0 * fetch_s + gap_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> EdgeTier {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn fans_come_to_points_in_their_proportion_and_always_to_the_same() {
        let edge = read("pops = 3");
        let shares = edge.shares();
        for (share, expected) in shares.iter().zip([6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0]) {
            assert!((share - expected).abs() < 1e-12, "{shares:?}");
        }
        assert_eq!(read("").shares(), [1.0]);
        let shares = read("pops = 2\nweights = [3, 1]").shares();
        assert_eq!(shares, [0.75, 0.25]);
        let fan = |index| FanId { population: 0, index };
        let at_first = (0..10_000).filter(|index| pop_of(1, fan(*index), &shares) == 0).count();
        assert!((7_350..7_650).contains(&at_first), "{at_first}");
        assert_eq!(pop_of(1, fan(7), &shares), pop_of(1, fan(7), &shares));
        assert_eq!(pop_of(1, fan(7), &[1.0]), 0);
    }

    #[test]
    fn an_object_is_fetched_by_renewal() {
        let cache = Keeping { ttl_s: 2.0, fetch_s: 0.05, collapses: true };
        for (cache, per_s, expected) in [
            (cache, 500.0, 0.487_329),
            (Keeping { fetch_s: 0.0, ..cache }, 0.3, 0.187_5),
            // 25 more come while one fetches, the last of them just before it ends: 26 in 2.1 s.
            (Keeping { collapses: false, ..cache }, 500.0, 12.380_952),
            // One more comes: 2 in 2 + 1 + 0.367879 / 2 s.
            (Keeping { fetch_s: 0.5, collapses: false, ..cache }, 2.0, 0.628_152),
            (Keeping { fetch_s: 0.0, collapses: false, ..cache }, 0.3, 0.187_5),
            (Keeping { ttl_s: 0.0, ..cache }, 500.0, 500.0),
            (cache, 0.0, 0.0),
        ] {
            let found = cache.fetches_per_s(per_s);
            assert!((found - expected).abs() < 1e-4, "{cache:?}, {per_s}/s: {found}");
        }
    }
}
