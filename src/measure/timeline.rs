//! The timeline: counts per second, as `timeline.jsonl` keeps them.

use std::collections::BTreeMap;
use std::io::BufRead;

use domain::outcome::{Departure, Operation, Outcome};
use serde::{Deserialize, Serialize};

use crate::evidence::ConnectionFailure;
use crate::evidence::read::{ReadError, json_lines};
use crate::measure::FanSummary;
use crate::measure::edge::EdgeCounts;
use crate::measure::latency::Grain;
use crate::measure::meter::Counts;
use crate::measure::vitals::Vitals;

/// One line of `timeline.jsonl`: what is to be *added* to a second. A second that more becomes
/// known of later (an operation intended in it is answered) gets further lines, so that the file is only
/// ever appended to. Counts that are 0 are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimelineLine {
    /// Which second of the run, from 0.
    pub second: u64,
    /// Operations intended in it (offered).
    #[serde(skip_serializing_if = "is_zero")]
    pub offered: u64,
    /// Operations sent in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Operations answered or given up in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub completed: u64,
    /// Checkouts (and their polls) answered `ok` in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub useful: u64,
    /// Checkouts sent in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub checkout: u64,
    /// Reloads sent in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub reload: u64,
    /// Fans that arrived in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub arrived: u64,
    /// Fans that left in it, by departure.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub departed: BTreeMap<Departure, u64>,
    /// Operations intended in it, by operation and outcome.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outcomes: BTreeMap<Operation, BTreeMap<Outcome, u64>>,
    /// Requests of reloads (`reload.call`) sent in it, by outcome.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<Outcome, u64>,
    /// Operations sent in each of its tenths, within 10 s of the opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenths: Option<[u64; 10]>,
    /// Connections that stood, and were secured where that was wanted, in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub opened: u64,
    /// Those of them that resumed an earlier TLS session.
    #[serde(skip_serializing_if = "is_zero")]
    pub resumed: u64,
    /// Connections that failed in it before they were of use, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub connection_failures: BTreeMap<ConnectionFailure, u64>,
    /// What the edge in front of a foreign shop did with the answers that came in about this second, by
    /// step.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub edges: BTreeMap<String, EdgeCounts>,
    /// The cores that the generator used in it, where known; not a delta.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// What the machine did to the generator in it, where known; not a delta.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vitals: Option<Vitals>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl TimelineLine {
    /// The line of one second's counts.
    pub fn new(second: u64, counts: &Counts, grain: Grain) -> Self {
        Self {
            second,
            offered: counts.offered,
            sent: counts.sent,
            completed: counts.completed,
            useful: counts.useful,
            checkout: counts.checkout,
            reload: counts.reload,
            arrived: counts.arrived,
            departed: by_word(&Departure::ALL, &counts.departed),
            outcomes: Operation::ALL
                .into_iter()
                .zip(&counts.outcomes)
                .map(|(operation, counts)| (operation, by_word(&Outcome::ALL, counts)))
                .filter(|(_, counts)| !counts.is_empty())
                .collect(),
            calls: by_word(&Outcome::ALL, &counts.calls),
            tenths: (grain.is_fine(second) && counts.tenths != [0; 10]).then_some(counts.tenths),
            opened: counts.opened,
            resumed: counts.resumed,
            connection_failures: by_word(&ConnectionFailure::ALL, &counts.connection_failures),
            edges: BTreeMap::new(),
            cpu: None,
            vitals: None,
        }
    }

    /// Adds another line of the same second, or of another when seconds are summed up.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.sent += other.sent;
        self.completed += other.completed;
        self.useful += other.useful;
        self.checkout += other.checkout;
        self.reload += other.reload;
        self.arrived += other.arrived;
        merge(&mut self.departed, &other.departed);
        merge(&mut self.calls, &other.calls);
        self.opened += other.opened;
        self.resumed += other.resumed;
        merge(&mut self.connection_failures, &other.connection_failures);
        for (operation, counts) in &other.outcomes {
            merge(self.outcomes.entry(*operation).or_default(), counts);
        }
        if let Some(theirs) = &other.tenths {
            let mine = self.tenths.get_or_insert_default();
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
        for (step, counts) in &other.edges {
            self.edges.entry(step.clone()).or_default().merge(counts);
        }
        self.cpu = match (self.cpu, other.cpu) {
            (Some(mine), Some(theirs)) => Some(mine.max(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.vitals = other.vitals.or(self.vitals);
    }

    /// Requests of the fans sent in it: each call of a reload, and every other operation.
    pub fn requests(&self) -> u64 {
        let calls: u64 = self.calls.values().sum();
        calls.max(self.reload) + self.sent.saturating_sub(self.reload)
    }
}

fn by_word<K: Copy + Ord>(words: &[K], counts: &[u64]) -> BTreeMap<K, u64> {
    words.iter().copied().zip(counts.iter().copied()).filter(|(_, count)| *count > 0).collect()
}

fn merge<K: Copy + Ord>(mine: &mut BTreeMap<K, u64>, theirs: &BTreeMap<K, u64>) {
    for (key, count) in theirs {
        *mine.entry(*key).or_default() += count;
    }
}

/// The counts of a run, summed up per second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// By second; one in which nothing happened may be missing.
    pub seconds: BTreeMap<u64, TimelineLine>,
}

impl FanSummary {
    /// Of all that a run's lines add up to.
    pub(super) fn of(total: &TimelineLine) -> Self {
        let mut departed: BTreeMap<String, u64> =
            Departure::ALL.iter().map(|departure| (departure.word().to_owned(), 0)).collect();
        for (departure, count) in &total.departed {
            departed.insert(departure.word().to_owned(), *count);
        }
        Self { arrived: total.arrived, departed }
    }
}

impl Timeline {
    /// Reads `timeline.jsonl` and sums its lines up.
    ///
    /// # Errors
    /// As [`json_lines`].
    pub fn read(reader: impl BufRead) -> Result<Self, ReadError> {
        let mut timeline = Self::default();
        for line in json_lines::<TimelineLine>(reader, "timeline.jsonl")? {
            timeline.add(&line);
        }
        Ok(timeline)
    }

    /// Adds a line to its second.
    pub fn add(&mut self, line: &TimelineLine) {
        self.seconds
            .entry(line.second)
            .or_insert_with(|| TimelineLine { second: line.second, ..TimelineLine::default() })
            .add(line);
    }

    /// The sum of all seconds.
    pub fn total(&self) -> TimelineLine {
        self.between(0, u64::MAX)
    }

    /// The sum of the seconds in `[from, until)`.
    pub fn between(&self, from: u64, until: u64) -> TimelineLine {
        let mut sum = TimelineLine { second: from, ..TimelineLine::default() };
        for line in self.seconds.range(from..until.max(from)).map(|(_, line)| line) {
            sum.add(line);
        }
        sum
    }

    /// One second after the last that anything is known of.
    pub fn end(&self) -> u64 {
        self.seconds.last_key_value().map_or(0, |(second, _)| second + 1)
    }
}
