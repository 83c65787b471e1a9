//! The words of a comparison: which runs, what must be known before, and, of a simulated and a live run,
//! where the gap between them is.

mod gap;
pub(super) mod rows;
pub(super) mod words;

pub use gap::{Gap, Tier};

use serde::Serialize;

use crate::verdict::compare::{Comparison, Lived, Side};
use crate::verdict::{Provenance, Verdict, World};

/// A run that is compared, and where it lies.
#[derive(Copy, Clone, Debug)]
pub struct Named<'a> {
    /// Its folder, as the user named it.
    pub folder: &'a str,
    /// What it left behind.
    pub lived: Lived<'a>,
}

/// A comparison as it is told: what `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Told<'a> {
    /// The version of this layout: 1.
    pub schema: u32,
    /// The runs: the first, the second, and the repeat if there is one.
    pub runs: Vec<Run<'a>>,
    /// What must be known before, a sentence each.
    pub warnings: Vec<String>,
    /// What came of it, a sentence each: how many figures differ, and which the most.
    pub answer: Vec<String>,
    /// What was compared.
    #[serde(flatten)]
    pub comparison: &'a Comparison,
    /// Of a simulated and a live run, where the gap between them is, from the fans inwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gap: Vec<Gap>,
}

/// Which run.
#[derive(Clone, Debug, Serialize)]
pub struct Run<'a> {
    /// `A`, `B` or `repeat`.
    pub is: &'static str,
    /// Its folder.
    pub folder: &'a str,
    /// Which world it was lived in.
    pub world: World,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its exit code.
    pub exit_code: u8,
    /// Where it came from.
    pub provenance: &'a Provenance,
}

/// A comparison in words.
pub fn told<'a>(
    comparison: &'a Comparison,
    a: &Named<'a>,
    b: &Named<'a>,
    third: Option<&Named<'a>>,
) -> Told<'a> {
    let third_run = third.map(|third| run("repeat", third));
    Told {
        schema: 1,
        runs: [run("A", a), run("B", b)].into_iter().chain(third_run).collect(),
        warnings: words::warnings(comparison),
        answer: words::answer(comparison),
        comparison,
        gap: match (a.lived.world(), b.lived.world()) {
            (World::Simulated, World::Live) => gap::gap(&a.lived, &b.lived),
            (World::Live, World::Simulated) => gap::gap(&b.lived, &a.lived),
            _ => Vec::new(),
        },
    }
}

fn run<'a>(is: &'static str, named: &Named<'a>) -> Run<'a> {
    let summary = named.lived.summary;
    Run {
        is,
        folder: named.folder,
        world: summary.result.world,
        verdict: summary.result.verdict,
        exit_code: summary.result.exit_code,
        provenance: &summary.provenance,
    }
}

/// A run's letter.
const fn letter(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}

#[cfg(test)]
pub(super) mod fixture;
