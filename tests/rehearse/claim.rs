//! A claim of a row: what is expected, what was seen, and whether the one is the other.

use std::collections::BTreeSet;
use std::fmt::{Display, Formatter};

use spike::verdict::{Assessment, AssessmentStatus, Judged, Verdict, World};

use crate::rehearsal::violated;

/// Whether what was seen is what was expected.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is.
    Held,
    /// It is not.
    Broken,
    /// Nothing can be said: the machine was not its own.
    Unseen,
}

/// What is expected of a scenario and what it showed.
#[derive(Debug)]
pub(crate) struct Claim {
    /// What is looked at.
    pub(crate) what: String,
    /// What it should be.
    pub(crate) expected: String,
    /// What it was.
    pub(crate) seen: String,
    /// Whether the one is the other.
    pub(crate) standing: Standing,
}

impl Claim {
    /// A claim that holds or does not.
    pub(crate) fn of(what: &str, expected: String, seen: String, holds: bool) -> Self {
        let standing = if holds { Standing::Held } else { Standing::Broken };
        Self { what: what.to_owned(), expected, seen, standing }
    }

    /// Nothing could be seen of it: the machine was too busy each time.
    pub(crate) fn unseen(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            expected: String::new(),
            seen: "the machine was too busy".to_owned(),
            standing: Standing::Unseen,
        }
    }
}

impl Display for Claim {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.standing {
            Standing::Unseen => write!(f, "{}: not seen, {}", self.what, self.seen),
            _ => write!(f, "{}: {} expected, {} seen", self.what, self.expected, self.seen),
        }
    }
}

/// The run passes.
pub(crate) fn passes(what: &str, judged: &Judged) -> Claim {
    let seen = match judged.verdict {
        Verdict::Pass => "pass".to_owned(),
        _ => format!("{}: {}", word(judged.verdict), judged.reasons.join("; ")),
    };
    Claim::of(what, "pass".to_owned(), seen, judged.verdict == Verdict::Pass)
}

/// The run misses each of its objectives.
pub(crate) fn misses(what: &str, judged: &Judged) -> Claim {
    let missed = |one: &&Assessment| one.status == AssessmentStatus::Missed;
    let missed: Vec<&str> =
        judged.objectives.iter().filter(missed).map(|one| one.text.as_str()).collect();
    let asked: Vec<&str> = judged.objectives.iter().map(|one| one.text.as_str()).collect();
    let words = |of: &[&str]| format!("missed: {}", of.join(", "));
    Claim::of(what, words(&asked), words(&missed), !asked.is_empty() && missed == asked)
}

/// The run fails by exactly these invariants. A live run may break others besides: the crowd
/// that meets a real fault is not the crowd of the simulation.
pub(crate) fn violates(what: &str, judged: &Judged, invariants: &[&str]) -> Claim {
    let expected: BTreeSet<&str> = invariants.iter().copied().collect();
    let seen = violated(judged);
    let holds = match judged.world {
        World::Simulated => seen == expected,
        World::Live => seen.is_superset(&expected),
    };
    let names = |of: &BTreeSet<&str>| match of.iter().copied().collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => format!("none ({})", word(judged.verdict)),
        names => names,
    };
    Claim::of(what, names(&expected), names(&seen), holds)
}

/// `seen` lies within a share `tolerance` of `expected`.
pub(crate) fn near(what: &str, seen: f64, expected: f64, tolerance: f64) -> Claim {
    let words = format!("{} ± {:.0} %", figure(expected), tolerance * 100.0);
    Claim::of(what, words, figure(seen), (seen / expected - 1.0).abs() <= tolerance)
}

/// `seen` is at least `least`.
pub(crate) fn at_least(what: &str, seen: f64, least: f64) -> Claim {
    Claim::of(what, format!("≥ {}", figure(least)), figure(seen), seen >= least)
}

/// `seen` is at most `most`.
pub(crate) fn at_most(what: &str, seen: f64, most: f64) -> Claim {
    Claim::of(what, format!("≤ {}", figure(most)), figure(seen), seen <= most)
}

/// A figure with as many digits as can matter.
fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A verdict's word, as in files.
fn word(verdict: Verdict) -> String {
    serde_json::to_value(verdict).unwrap().as_str().unwrap_or_default().to_owned()
}
