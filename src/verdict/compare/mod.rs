//! Two recorded runs side by side: figure by figure with what can be told from noise, how far they lie
//! apart as a whole and, of two simulated runs that should be the same, whether they are.

mod distances;
mod figures;
pub(super) mod values;

pub use distances::{Distances, OperationApart, RateApart, SaleApart};
pub use figures::{Figure, Group, Standing, Unit};
pub use values::{Changed, Differences};

use serde::Serialize;
use serde_json::Value;

use crate::measure::latency::LatencyLog;
use crate::measure::saga::SagaTimes;
use crate::measure::timeline::Timeline;
use crate::verdict::assess::Times;
use crate::verdict::{Provenance, Summary, Verdict, World};

/// Keys of a scenario that a run writes down itself: what they say is told of the runs.
pub(super) const OF_THE_RUN: [&str; 2] = ["live.scale", "seed"];
/// Likewise, and keys that one of the two worlds does not read: of a simulated and a live run.
const OF_ONE_WORLD: [&str; 3] = ["live", "seed", "stack"];

/// A recorded run, as it is compared.
#[derive(Copy, Clone, Debug)]
pub struct Lived<'a> {
    /// What was measured and judged.
    pub summary: &'a Summary,
    /// Its times.
    pub latency: &'a LatencyLog,
    /// Its counts per second.
    pub timeline: &'a Timeline,
    /// How long the steps of its orders took.
    pub saga: &'a SagaTimes,
    /// Its scenario, as run.
    pub scenario: &'a Value,
    /// Whether its times mean anything.
    pub times: Times,
}

impl Lived<'_> {
    /// Which world it was lived in.
    pub const fn world(&self) -> World {
        self.summary.result.world
    }

    /// When its first sale opened, from its beginning \[s\]; its beginning without a sale.
    pub fn opens_s(&self) -> f64 {
        let sales = self.summary.result.measured.sales.values();
        sales.map(|sale| sale.opens_s).reduce(f64::min).unwrap_or(0.0)
    }
}

/// One of the two.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// What must be known before two runs are held against each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Doubt {
    /// They lived other scenarios.
    Scenario([String; 2]),
    /// They lived one scenario, of which so many keys say something else.
    Keys(u64),
    /// They drew other numbers.
    Seed([u64; 2]),
    /// They were lived at other scales.
    Scale([f64; 2]),
    /// Other versions of `spike` lived them.
    Version([String; 2]),
    /// Both are live, on other machines.
    Machine([String; 2]),
    /// One of them says little of itself: its verdict and its first reason.
    Verdict(Side, Verdict, Option<String>),
    /// One of them is simulated without service times.
    Unmodelled(Side),
    /// The repeat is none of what it should repeat, or says little of itself: what is another there. It
    /// excuses no difference.
    Repeat(Vec<&'static str>),
}

/// Two runs, compared. Differences are `b − a`, ratios `b / a`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The keys of the scenario that say something else, seed and scale left out.
    pub changed: Differences,
    /// What differs in `result` of two simulated runs of one scenario, seed and scale: nothing, or
    /// something has changed. Absent where they are not that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<Differences>,
    /// Likewise, the first second whose counts differ, from the run's beginning \[s\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parted_s: Option<f64>,
    /// Figure by figure.
    pub figures: Vec<Figure>,
    /// How far they lie apart as a whole.
    pub distances: Distances,
    /// Which of the two the third run repeats; absent without a third.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Side>,
    /// What must be known before.
    #[serde(skip)]
    pub doubts: Vec<Doubt>,
}

/// What of a result is no part of the run: what was tried with it afterwards, if anything was.
const NOT_LIVED: [&str; 1] = ["probes"];

/// Compares two runs, and with a third that repeats one of them says how far that lies from what it
/// repeats: the live one of a simulated and a live run, else the first.
pub fn compare(a: &Lived<'_>, b: &Lived<'_>, third: Option<&Lived<'_>>) -> Comparison {
    let left_out = if a.world() == b.world() { &OF_THE_RUN[..] } else { &OF_ONE_WORLD[..] };
    let changed = values::differences(a.scenario, b.scenario, left_out);
    let repeats = match (a.world(), b.world()) {
        (World::Simulated, World::Live) => Side::B,
        _ => Side::A,
    };
    let repeated = if repeats == Side::A { a } else { b };
    let pair = third.map(|third| (repeated, third));
    let is_exact = changed.count == 0 && [a, b].iter().all(|run| run.world() == World::Simulated);
    let is_exact = is_exact && of_the_run(a, b).is_empty();
    let exact = is_exact.then(|| values::differences(&result(a), &result(b), &NOT_LIVED));
    let mut doubts = doubts(a, b, changed.count);
    let unlike = pair.and_then(|(repeated, third)| no_repeat(repeated, third));
    let is_fit = unlike.is_none() && !is_bad(repeated);
    doubts.extend(unlike);
    Comparison {
        parted_s: exact.as_ref().and_then(|_| parted_s(a, b)),
        figures: figures::figures((a, b), pair, is_fit, is_exact),
        distances: distances::distances(a, b, pair),
        repeats: third.map(|_| repeats),
        changed,
        exact,
        doubts,
    }
}

/// A run's `result` as it stands in its file.
fn result(run: &Lived<'_>) -> Value {
    serde_json::to_value(&run.summary.result).unwrap_or(Value::Null)
}

/// The first second of which anything differs \[s\].
fn parted_s(a: &Lived<'_>, b: &Lived<'_>) -> Option<f64> {
    let (a, b) = (&a.summary.result.measured.timeline, &b.summary.result.measured.timeline);
    let second = (0..a.len().max(b.len())).find(|second| a.get(*second) != b.get(*second))?;
    Some(second as f64)
}

/// Which of a run's own settings are others in the other.
fn of_the_run(a: &Lived<'_>, b: &Lived<'_>) -> Vec<&'static str> {
    let (a, b) = (&a.summary.provenance, &b.summary.provenance);
    let settings = [
        ("scenario", a.scenario != b.scenario),
        ("seed", a.seed != b.seed),
        ("scale", is_another_scale(a, b)),
    ];
    settings.into_iter().filter(|(_, is_another)| *is_another).map(|(name, _)| name).collect()
}

fn is_another_scale(a: &Provenance, b: &Provenance) -> bool {
    (a.scale - b.scale).abs() > 0.0
}

fn doubts(a: &Lived<'_>, b: &Lived<'_>, changed: u64) -> Vec<Doubt> {
    let (of_a, of_b) = (&a.summary.provenance, &b.summary.provenance);
    let both = |read: fn(&Provenance) -> &String| [read(of_a).clone(), read(of_b).clone()];
    let mut doubts = Vec::new();
    if of_a.scenario != of_b.scenario {
        doubts.push(Doubt::Scenario(both(|of| &of.scenario)));
    }
    if changed > 0 {
        doubts.push(Doubt::Keys(changed));
    }
    if of_a.seed != of_b.seed {
        doubts.push(Doubt::Seed([of_a.seed, of_b.seed]));
    }
    if is_another_scale(of_a, of_b) {
        doubts.push(Doubt::Scale([of_a.scale, of_b.scale]));
    }
    if version(of_a) != version(of_b) {
        doubts.push(Doubt::Version([version(of_a), version(of_b)]));
    }
    let are_live = [a, b].iter().all(|run| run.world() == World::Live);
    if are_live && of_a.machine != of_b.machine {
        doubts.push(Doubt::Machine(both(|of| &of.machine)));
    }
    for (side, run) in [(Side::A, a), (Side::B, b)] {
        let judged = &run.summary.result;
        if is_bad(run) {
            doubts.push(Doubt::Verdict(side, judged.verdict, judged.reasons.first().cloned()));
        }
        if run.times == Times::Unmodelled && !judged.measured.operations.is_empty() {
            doubts.push(Doubt::Unmodelled(side));
        }
    }
    doubts
}

/// Whether its verdict says that its figures say little.
const fn is_bad(run: &Lived<'_>) -> bool {
    let verdict = run.summary.result.verdict;
    matches!(verdict, Verdict::Inconclusive | Verdict::Aborted | Verdict::Error)
}

/// `0.1.0 (fe4d290)`.
fn version(of: &Provenance) -> String {
    match &of.commit {
        Some(commit) => format!("{} ({commit})", of.spike),
        None => of.spike.clone(),
    }
}

/// Why the third run is no repeat, if it is none: by the same that is asked of the two, and its own verdict.
fn no_repeat(repeated: &Lived<'_>, third: &Lived<'_>) -> Option<Doubt> {
    let (of_repeated, of_third) = (&repeated.summary.provenance, &third.summary.provenance);
    let mut others = of_the_run(repeated, third);
    if values::differences(repeated.scenario, third.scenario, &OF_THE_RUN).count > 0
        && !others.contains(&"scenario")
    {
        others.push("scenario");
    }
    if repeated.world() != third.world() {
        others.push("world");
    }
    if version(of_repeated) != version(of_third) {
        others.push("version");
    }
    let are_live = [repeated, third].iter().all(|run| run.world() == World::Live);
    if are_live && of_repeated.machine != of_third.machine {
        others.push("machine");
    }
    if is_bad(third) {
        others.push("verdict");
    }
    (!others.is_empty()).then_some(Doubt::Repeat(others))
}

#[cfg(test)]
mod tests;
