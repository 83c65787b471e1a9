//! What the edge in front of a foreign shop did with the answers: hits, misses, ages, points of
//! presence.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::round6;
use crate::measure::timeline::TimelineLine;

/// How many points of presence a step's answers are told apart by; answers of further ones are counted
/// together. A load generator sees a few: each of its addresses is sent to the nearest.
pub const POPS_MAX: usize = 64;

/// Ages up to this are told apart by the second \[s\]; longer ones to 1/32, which nobody can see in a
/// median.
const EXACT_S: u32 = 64;
/// Buckets per doubling of longer ages.
const STEPS: u32 = EXACT_S / 2;
/// How many buckets there are: those of single seconds, and those of every doubling below 2^32.
pub const AGE_BUCKETS: usize = (EXACT_S + (u32::BITS - EXACT_S.ilog2()) * STEPS) as usize;

/// The bucket of an age \[s\].
pub const fn age_bucket(age_s: u32) -> usize {
    if age_s < EXACT_S {
        return age_s as usize;
    }
    let doublings = age_s.ilog2() - EXACT_S.ilog2();
    let step = (age_s >> (doublings + 1)) - STEPS;
    (EXACT_S + doublings * STEPS + step) as usize
}

/// The least age in a bucket \[s\].
#[expect(clippy::cast_possible_truncation, reason = "there are a thousand buckets")]
pub const fn bucket_s(bucket: usize) -> u32 {
    let last = AGE_BUCKETS - 1;
    let bucket = if bucket < last { bucket as u32 } else { last as u32 };
    if bucket < EXACT_S {
        return bucket;
    }
    let (doublings, step) = ((bucket - EXACT_S) / STEPS, (bucket - EXACT_S) % STEPS);
    (STEPS + step) << (doublings + 1)
}

/// What the edge did with answers to requests of one step: mergeable without loss, but for points of
/// presence beyond [`POPS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeCounts {
    /// Answers, also those that redirected.
    pub answers: u64,
    /// The edge had them.
    pub hits: u64,
    /// It had to fetch them.
    pub misses: u64,
    /// It says something else: passed on, asked about, made by itself.
    pub others: u64,
    /// How old they were, by the least age of a bucket \[s\].
    pub ages: BTreeMap<u32, u64>,
    /// The oldest \[s\].
    pub age_max_s: Option<u32>,
    /// By point of presence.
    pub pops: BTreeMap<String, u64>,
    /// Of points of presence beyond the first [`POPS_MAX`].
    pub other_pops: u64,
}

impl EdgeCounts {
    /// Adds what others counted.
    pub fn merge(&mut self, other: &Self) {
        self.answers += other.answers;
        self.hits += other.hits;
        self.misses += other.misses;
        self.others += other.others;
        for (age_s, count) in &other.ages {
            *self.ages.entry(*age_s).or_default() += count;
        }
        self.age_max_s = self.age_max_s.max(other.age_max_s);
        self.other_pops += other.other_pops;
        for (pop, count) in &other.pops {
            if let Some(known) = self.pops.get_mut(pop) {
                *known += count;
            } else if self.pops.len() < POPS_MAX {
                self.pops.insert(pop.clone(), *count);
            } else {
                self.other_pops += count;
            }
        }
    }

    /// Whether any answer said anything of an edge.
    fn says_anything(&self) -> bool {
        let words = self.hits + self.misses + self.others + self.other_pops;
        words > 0 || !self.ages.is_empty() || !self.pops.is_empty()
    }
}

/// What the edge did with the answers of one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EdgeSummary {
    /// Answers to its requests, also those that redirected.
    pub answers: u64,
    /// Of these, which the edge had, fresh or stale.
    pub hits: u64,
    /// Which it had to fetch.
    pub misses: u64,
    /// Of which it says something else: passed on without looking, asked whether still good, made by
    /// itself.
    pub others: u64,
    /// Of which nothing is said.
    pub silent: u64,
    /// Hits among the answers of which something is said; absent where there are none.
    pub hit_ratio: Option<f64>,
    /// How old the answers were, where it is said \[s\].
    pub age_s: Option<AgeSummary>,
    /// Answers by point of presence, where it is said.
    pub pops: BTreeMap<String, u64>,
    /// Answers of further points of presence, beyond the first 64.
    pub other_pops: u64,
}

/// Ages of answers \[s\].
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgeSummary {
    /// How many said how old they were.
    pub count: u64,
    /// Half are at most this; above a minute to 3 %.
    pub p50: u32,
    /// The oldest.
    pub max: u32,
}

/// By step; none where no answer of the run said anything of an edge.
pub(super) fn edge(total: &TimelineLine) -> BTreeMap<String, EdgeSummary> {
    if !total.edges.values().any(EdgeCounts::says_anything) {
        return BTreeMap::new();
    }
    total.edges.iter().map(|(step, counts)| (step.clone(), summary(counts))).collect()
}

fn summary(counts: &EdgeCounts) -> EdgeSummary {
    let said = counts.hits + counts.misses + counts.others;
    EdgeSummary {
        answers: counts.answers,
        hits: counts.hits,
        misses: counts.misses,
        others: counts.others,
        silent: counts.answers.saturating_sub(said),
        hit_ratio: (said > 0).then(|| round6(counts.hits as f64 / said as f64)),
        age_s: counts.age_max_s.map(|max| ages(&counts.ages, max)),
        pops: counts.pops.clone(),
        other_pops: counts.other_pops,
    }
}

fn ages(ages: &BTreeMap<u32, u64>, max: u32) -> AgeSummary {
    let count: u64 = ages.values().sum();
    let mut younger = 0;
    let median = ages.iter().find(|(_, same)| {
        younger += **same;
        younger * 2 >= count
    });
    AgeSummary { count, p50: median.map_or(0, |(age_s, _)| *age_s), max }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(hits: u64, ages: &[u32], pops: &[(&str, u64)]) -> EdgeCounts {
        let mut counts = EdgeCounts { answers: hits + 1, hits, misses: 1, ..EdgeCounts::default() };
        for age_s in ages {
            *counts.ages.entry(bucket_s(age_bucket(*age_s))).or_default() += 1;
            counts.age_max_s = counts.age_max_s.max(Some(*age_s));
        }
        counts.pops = pops.iter().map(|(pop, count)| ((*pop).to_owned(), *count)).collect();
        counts
    }

    #[test]
    fn parts_of_a_crowd_add_up_to_the_whole_in_any_order() {
        let parts = [
            counts(3, &[0, 1, 90], &[("NRT", 4)]),
            counts(5, &[7], &[("NRT", 1), ("KIX", 5)]),
            counts(0, &[], &[]),
        ];
        let merged = |order: [usize; 3]| {
            let mut all = EdgeCounts::default();
            for place in order {
                all.merge(&parts[place]);
            }
            all
        };
        assert_eq!(merged([0, 1, 2]), merged([2, 1, 0]));
        let summary = summary(&merged([0, 1, 2]));
        assert_eq!((summary.answers, summary.hits, summary.misses), (11, 8, 3));
        assert_eq!(summary.hit_ratio, Some(0.727_273));
        assert_eq!(summary.age_s, Some(AgeSummary { count: 4, p50: 1, max: 90 }));
        assert_eq!(summary.pops, [("KIX".to_owned(), 5), ("NRT".to_owned(), 5)].into());
    }

    #[test]
    fn points_of_presence_are_bounded_and_the_rest_is_counted() {
        let mut all = EdgeCounts::default();
        for number in 0..200 {
            all.merge(&counts(1, &[], &[(&format!("P{number:03}"), 2)]));
        }
        assert_eq!((all.pops.len(), all.other_pops), (POPS_MAX, 2 * (200 - POPS_MAX as u64)));
    }

    #[test]
    fn a_run_whose_answers_say_nothing_of_an_edge_has_no_part_about_it() {
        let mut total = TimelineLine::default();
        total.edges.insert("page".to_owned(), EdgeCounts { answers: 9, ..EdgeCounts::default() });
        assert_eq!(edge(&total), BTreeMap::new());
        total.edges.insert("buy".to_owned(), counts(1, &[], &[]));
        let steps = edge(&total);
        assert_eq!((steps["page"].silent, steps["page"].hit_ratio), (9, None));
        assert_eq!((steps["buy"].silent, steps["buy"].hit_ratio), (0, Some(0.5)));
    }

    proptest! {
        #[test]
        fn an_age_is_known_to_a_thirtieth_and_short_ones_exactly(age_s: u32) {
            let least = bucket_s(age_bucket(age_s));
            prop_assert!(age_bucket(age_s) < AGE_BUCKETS);
            prop_assert!(least <= age_s && age_s - least <= age_s / 32);
            prop_assert!(age_s >= EXACT_S || least == age_s);
        }
    }
}
