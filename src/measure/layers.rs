//! The edge layer by layer: what each had, what it asked for, and what became of the origin's errors.

use domain::shop::{CacheState, EdgeState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::measure::{round3, round6};

/// The edge of a run whose caches say what they did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayersSummary {
    /// Caches next to the fans: points of presence, or the processes of a live edge.
    pub pops: u64,
    /// All of these together.
    pub points: LayerSummary,
    /// The shield behind them; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shield: Option<LayerSummary>,
    /// Errors of the origin (`error_statuses`) that the cache next to it heard, time-outs included.
    pub failures: u64,
    /// Those of them that were none: the origin had not answered in time.
    pub timeouts: u64,
    /// How often the origin was asked once more for it.
    pub restarts: u64,
    /// When the origin failed; absent where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Spell>,
    /// When fans were answered with an error that was kept; absent where none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors_given: Option<Spell>,
}

/// What one layer of the edge did with the requests for pages that reached it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayerSummary {
    /// Requests that reached it.
    pub asked: u64,
    /// Answered with what was fresh.
    pub hits: u64,
    /// Answered with what was stale, in its grace.
    pub stale: u64,
    /// Answered by a fetch that was under way when they came.
    pub collapsed: u64,
    /// Answered with an error that was kept.
    pub errors: u64,
    /// What it asked for behind it, whatever was asked for once more.
    pub fetches: u64,
    /// Hits, fresh or stale, among all; absent where nothing reached it.
    pub hit_ratio: Option<f64>,
    /// What reached it and did not go on, among all: 1 − fetches / asked.
    pub offload: Option<f64>,
}

/// Seconds in which something happened, as looked at once a second.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spell {
    /// How often.
    pub count: u64,
    /// In how many seconds.
    pub seconds: u64,
    /// The end of the first of them, from the run's beginning \[s\].
    pub first_s: f64,
    /// The end of the last of them \[s\].
    pub last_s: f64,
}

/// The layers of a run's edge; none where it does not tell of them.
pub(super) fn layers(evidence: &Evidence) -> Option<LayersSummary> {
    let mut summary = None;
    let snapshots = evidence.snapshots.iter();
    for (at_s, state) in
        snapshots.filter_map(|seen| Some((round3(seen.at.seconds()), seen.caches?)))
    {
        summary.get_or_insert_with(LayersSummary::default).note(at_s, &state);
    }
    summary
}

impl LayersSummary {
    /// A shop that is started again counts from 0: until it has counted more, what is known holds.
    fn note(&mut self, at_s: f64, state: &EdgeState) {
        if state.points.asked() < self.points.asked {
            return;
        }
        let next_to_origin = state.shield.unwrap_or(state.points);
        let errors = state.points.errors;
        let more_failures = next_to_origin.failures.saturating_sub(self.failures);
        noted(&mut self.failing, at_s, more_failures);
        noted(&mut self.errors_given, at_s, errors.saturating_sub(self.points.errors));
        self.pops = state.pops;
        self.points = LayerSummary::of(&state.points);
        self.shield = state.shield.as_ref().map(LayerSummary::of);
        self.failures = self.failures.max(next_to_origin.failures);
        self.restarts = self.restarts.max(next_to_origin.restarts);
        self.timeouts = self.timeouts.max(state.timeouts);
    }

    /// The layer that asks the origin.
    pub fn next_to_origin(&self) -> &LayerSummary {
        self.shield.as_ref().unwrap_or(&self.points)
    }
}

/// So many more in the second that ends then \[s\].
fn noted(spell: &mut Option<Spell>, at_s: f64, more: u64) {
    if more > 0 {
        let known = spell.unwrap_or(Spell { first_s: at_s, ..Spell::default() });
        let (count, seconds) = (known.count + more, known.seconds + 1);
        *spell = Some(Spell { count, seconds, last_s: at_s, ..known });
    }
}

impl LayerSummary {
    fn of(state: &CacheState) -> Self {
        let (asked, fetches) = (state.asked(), state.fetches());
        let share = |part: u64| (asked > 0).then(|| round6(part as f64 / asked as f64));
        Self {
            asked,
            hits: state.hits,
            stale: state.stale,
            collapsed: state.collapsed,
            errors: state.errors,
            fetches,
            hit_ratio: share(state.hits + state.stale),
            offload: share(asked.saturating_sub(fetches)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::shop::{Catalogue, ShopSnapshot};
    use domain::time::Time;

    use super::*;

    fn of(states: &[Option<EdgeState>]) -> Option<LayersSummary> {
        let mut evidence = Evidence::of(Catalogue { sales: Vec::new() }, None);
        evidence.snapshots = (1..)
            .zip(states)
            .map(|(second, caches)| ShopSnapshot {
                at: Time::from_millis(second * 1_000),
                caches: *caches,
                ..ShopSnapshot::default()
            })
            .collect();
        layers(&evidence)
    }

    #[test]
    fn each_layer_is_told_and_when_errors_were_heard_and_given() {
        let points = |hits, errors, misses| CacheState {
            hits,
            stale: 10,
            collapsed: 20,
            errors,
            misses,
            refreshes: 5,
            ..CacheState::default()
        };
        let shield = |failures, restarts| CacheState {
            hits: 30,
            misses: 15,
            failures,
            restarts,
            ..CacheState::default()
        };
        let state = |points, shield| {
            Some(EdgeState { pops: 20, points, shield: Some(shield), timeouts: 1 })
        };
        let told = of(&[
            state(points(0, 0, 5), shield(0, 0)),
            state(points(30, 0, 15), shield(3, 1)),
            state(points(60, 7, 25), shield(4, 2)),
            state(points(90, 9, 35), shield(4, 2)),
            state(points(121, 9, 40), shield(4, 2)),
        ]);
        let told = told.unwrap();
        assert_eq!((told.pops, told.failures, told.restarts, told.timeouts), (20, 4, 2, 1));
        let expected = LayerSummary {
            asked: 200,
            hits: 121,
            stale: 10,
            collapsed: 20,
            errors: 9,
            fetches: 45,
            hit_ratio: Some(0.655),
            offload: Some(0.775),
        };
        assert_eq!(told.points, expected);
        assert_eq!(told.next_to_origin().fetches, 15);
        let spell =
            |count, seconds, first_s, last_s| Some(Spell { count, seconds, first_s, last_s });
        assert_eq!(told.failing, spell(4, 2, 2.0, 3.0));
        assert_eq!(told.errors_given, spell(9, 2, 3.0, 4.0));
    }

    #[test]
    fn a_shop_that_is_started_again_takes_nothing_back() {
        let state = |hits, errors, failures| {
            let points = CacheState { hits, errors, failures, misses: 10, ..CacheState::default() };
            Some(EdgeState { pops: 1, points, ..EdgeState::default() })
        };
        // 115, 10 and 133 were asked for; the second shop counts one error and one failure.
        let told = of(&[state(100, 5, 4), state(0, 0, 0), state(120, 3, 1)]).unwrap();
        assert_eq!((told.points.asked, told.failures), (133, 4));
        let first = Spell { count: 4, seconds: 1, first_s: 1.0, last_s: 1.0 };
        assert_eq!(told.failing, Some(first));
        assert_eq!(told.errors_given, Some(Spell { count: 5, ..first }));
    }

    #[test]
    fn where_nothing_is_said_or_asked_there_is_nothing_to_tell() {
        assert_eq!(of(&[None]), None);
        let quiet = of(&[Some(EdgeState { pops: 1, ..EdgeState::default() })]).unwrap();
        assert_eq!((quiet.points.hit_ratio, quiet.failing, quiet.errors_given), (None, None, None));
        assert_eq!(quiet.next_to_origin(), &LayerSummary::default());
    }
}
