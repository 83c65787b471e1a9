//! Why runs cannot be held against each other: what is another, both values, and the cure.

use thiserror::Error;

use super::{Gating, Observed, Vary};
use crate::verdict::World;
use crate::verdict::compare::{Changed, OF_THE_RUN, values::differences};

/// So many keys of a scenario are named.
const KEYS_NAMED: usize = 5;

/// Why nothing is compared; a fragment fit for "failed to compare: …".
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Refusal {
    /// A side has no run.
    #[error("there is no {0} run\nhint: name a run's folder, such as reports/dome/latest")]
    NoRun(&'static str),
    /// Runs that are not of one kind.
    #[error("the {what}s differ: {first} in {of_first}, {other} in {of_other}\nhint: {cure}")]
    Another {
        /// What is another.
        what: &'static str,
        /// What it is in the first run.
        first: String,
        /// The first run.
        of_first: String,
        /// What it is in another.
        other: String,
        /// The other.
        of_other: String,
        /// What to do about it.
        cure: &'static str,
    },
    /// The scenarios say something else.
    #[error(
        "the scenarios of {of_first} and {of_other} differ in {count} key(s): {keys}\nhint: record the \
         baseline again with this scenario; if that is the change to be judged, --vary names its keys"
    )]
    Keys {
        /// The first run.
        of_first: String,
        /// The other.
        of_other: String,
        /// In how many keys.
        count: u64,
        /// The first of them, with both values.
        keys: String,
    },
    /// The same run twice, which would count as two.
    #[error("{again} is the same run as {first}\nhint: name each run once, and on one side")]
    Twice {
        /// Where it was read first.
        first: String,
        /// Where it was read again.
        again: String,
    },
    /// A run that later ones must not be held against.
    #[error("{run} is {verdict}, and no baseline: {why}\nhint: live it again, and keep that")]
    Unfit {
        /// The run.
        run: String,
        /// What its verdict is.
        verdict: &'static str,
        /// Why.
        why: String,
    },
    /// A figure that no run has.
    #[error("no run has a figure `{name}`\nhint: there are {known}")]
    NoSuchFigure {
        /// Its name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A figure of which nobody knows which way is better.
    #[error("nobody knows which way `{0}` is better\nhint: write `{0}=lower` or `{0}=higher`")]
    NoDirection(String),
    /// Too many figures.
    #[error("{0} figures are to gate, and at most {most} may\nhint: each more asks more of all others, so \
             name those that matter", most = super::figure::GATING_MAX)]
    TooMany(usize),
    /// Effects are asked for that are within the noise of the machine.
    #[error(
        "effects of {asked} are asked for, and the noise of `{name}` on this machine is {noise}\nhint: ask \
         for no less with --min-effect, live more pairs with --pairs, or make the machine quieter and \
         measure it again with --aa"
    )]
    BelowNoise {
        /// The figure.
        name: String,
        /// What is asked for.
        asked: String,
        /// What chance comes to.
        noise: String,
    },
}

/// All that keeps the runs from being compared with the first of them, each once.
pub(super) fn refusals(baseline: &[Observed], candidate: &[Observed], vary: &Vary) -> Vec<Refusal> {
    let sides = [("baseline", baseline), ("candidate", candidate)];
    let mut found: Vec<Refusal> = sides
        .into_iter()
        .filter(|(_, runs)| runs.is_empty())
        .map(|(side, _)| Refusal::NoRun(side))
        .collect();
    found.extend(unlike(baseline, candidate, vary));
    found
}

/// What is another in some run than in the first, each once, and runs that are there twice.
pub(super) fn unlike(baseline: &[Observed], candidate: &[Observed], vary: &Vary) -> Vec<Refusal> {
    let mut found = Vec::new();
    let Some(first) = baseline.first() else { return found };
    let others = || baseline.iter().chain(candidate).skip(1);
    // Who lives both in turns may hold two simulators against each other.
    let is_asked = |property: &Property| *vary != Vary::Any || property.name != "simulator";
    for property in PROPERTIES.into_iter().filter(is_asked) {
        let of = |run: &Observed| (property.read)(run);
        // What is of another world is told as that, and as nothing else.
        let is_alike = |other: &&Observed| other.world == first.world || property.name == "world";
        if let Some(other) = others().filter(is_alike).find(|other| of(other) != of(first)) {
            found.push(Refusal::Another {
                what: property.name,
                first: of(first),
                of_first: first.folder.clone(),
                other: of(other),
                of_other: other.folder.clone(),
                cure: property.cure,
            });
        }
    }
    found.extend(others().find_map(|other| keys(first, other, vary)));
    let all: Vec<&Observed> = baseline.iter().chain(candidate).collect();
    found.extend(twice(&all));
    found
}

/// Runs that were there before.
fn twice<'a>(all: &'a [&Observed]) -> impl Iterator<Item = Refusal> + 'a {
    all.iter().enumerate().filter_map(|(place, again)| {
        let first = all[..place].iter().find(|first| first.is(again))?;
        Some(Refusal::Twice { first: first.folder.clone(), again: again.folder.clone() })
    })
}

/// Runs that say little, or violate an invariant: they are no measure of others.
pub(super) fn unfit(runs: &[Observed]) -> impl Iterator<Item = Refusal> {
    runs.iter().filter(|run| run.says_little() || !run.violated.is_empty()).map(|run| {
        let why = if run.reasons.is_empty() { &run.violated } else { &run.reasons };
        let (run, verdict) = (run.folder.clone(), run.verdict.word());
        Refusal::Unfit { run, verdict, why: why.join("; ") }
    })
}

/// Something that all runs must have in common.
struct Property {
    name: &'static str,
    read: fn(&Observed) -> String,
    cure: &'static str,
}

const PROPERTIES: [Property; 6] = [
    Property {
        name: "scenario",
        read: |run| run.provenance.scenario.clone(),
        cure: "compare runs of one scenario",
    },
    Property {
        name: "world",
        read: |run| world(run.world).to_owned(),
        cure: "compare live runs with live ones, and simulated ones with simulated ones; `spike compare` tells \
               the two worlds apart",
    },
    Property {
        name: "seed",
        read: |run| run.provenance.seed.to_string(),
        cure: "live the candidate with the --seed of the baseline, or record the baseline again",
    },
    Property {
        name: "scale",
        read: |run| run.provenance.scale.to_string(),
        cure: "live the candidate at the --scale of the baseline, or record the baseline again",
    },
    Property {
        name: "machine",
        // Virtual time passes alike everywhere.
        read: |run| match run.world {
            World::Live => run.machine_class().to_owned(),
            World::Simulated => "any".to_owned(),
        },
        cure: "record the baseline on this sort of machine, or live both here: spike gate SCENARIO --a … --b …",
    },
    Property {
        name: "simulator",
        // Virtual time is drawn otherwise by another version, which is no change of the shop's.
        read: |run| match run.world {
            World::Live => "none".to_owned(),
            World::Simulated => run.version(),
        },
        cure: "record the baseline again with this version of spike",
    },
];

const fn world(world: World) -> &'static str {
    match world {
        World::Live => "live",
        World::Simulated => "simulated",
    }
}

fn keys(first: &Observed, other: &Observed, vary: &Vary) -> Option<Refusal> {
    let Vary::Keys(varied) = vary else { return None };
    if first.provenance.scenario != other.provenance.scenario {
        return None;
    }
    let left_out: Vec<&str> =
        OF_THE_RUN.into_iter().chain(varied.iter().map(String::as_str)).collect();
    let found = differences(&first.scenario, &other.scenario, &left_out);
    (found.count > 0).then(|| Refusal::Keys {
        of_first: first.folder.clone(),
        of_other: other.folder.clone(),
        count: found.count,
        keys: named(&found.first),
    })
}

/// `shop.edge.ttl is "1s" and "2s"; …`.
pub(super) fn named(changed: &[Changed]) -> String {
    let value = |value: Option<&serde_json::Value>| {
        value.map_or_else(|| "not there".to_owned(), |value| unnamed(&value.to_string()))
    };
    let named = changed.iter().take(KEYS_NAMED).map(|changed| {
        let (a, b) = (value(changed.a.as_ref()), value(changed.b.as_ref()));
        format!("{} is {a} and {b}", changed.path)
    });
    let named: Vec<String> = named.collect();
    let more = changed.len().saturating_sub(KEYS_NAMED);
    let more = if more > 0 { "; …" } else { "" };
    format!("{}{more}", named.join("; "))
}

/// A value without who asks: what stands in an address between `://` and `@` may be a password, and this is read in
/// comments on pull requests.
fn unnamed(value: &str) -> String {
    let mut parts = value.split("://");
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['"', ' ']).unwrap_or(part.len());
        let place = part[..end].rfind('@').map_or(part, |at| &part[at..]);
        let hidden = if place.len() < part.len() { "…" } else { "" };
        told.extend(["://", hidden, place]);
    }
    told
}

/// Effects that are asked for and lie within the noise; none where nobody asks for any.
pub(super) fn below_noise(gating: &[Gating]) -> Vec<Refusal> {
    let below = gating.iter().filter_map(|gating| {
        let (asked, noise) = (gating.asked?, gating.noise?);
        (asked < noise).then(|| Refusal::BelowNoise {
            name: gating.name.clone(),
            asked: gating.told(asked),
            noise: gating.told(noise),
        })
    });
    below.collect()
}

/// `8 %`, of shares `0.8 percentage points`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 1_000.0).round() / 10.0)
}
