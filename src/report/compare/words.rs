//! What must be known before two runs are held against each other, a sentence each.

use serde_json::Value;

use super::letter;
use crate::report::figure;
use crate::verdict::compare::{Changed, Comparison, Doubt, Figure, Standing, Unit};

/// So many keys of a scenario are named; the JSON names more.
const KEYS_NAMED: usize = 5;
/// So many figures that differ are named.
const FARTHEST_NAMED: usize = 3;
/// So many letters of a value are shown.
const VALUE_LETTERS: usize = 40;

/// All warnings, in the order of their weight.
pub(super) fn warnings(comparison: &Comparison) -> Vec<String> {
    comparison.doubts.iter().map(|doubt| warning(doubt, comparison)).collect()
}

fn warning(doubt: &Doubt, comparison: &Comparison) -> String {
    match doubt {
        Doubt::Scenario([a, b]) => format!(
            "The scenarios are others, {a} in A and {b} in B: what differs may be their doing alone."
        ),
        Doubt::Keys(count) => {
            let named: Vec<String> =
                comparison.changed.first.iter().take(KEYS_NAMED).map(changed).collect();
            let more = *count - named.len() as u64;
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let keys = if *count == 1 { "one key".to_owned() } else { format!("{count} keys") };
            format!("The scenarios differ in {keys}: {}{more}.", named.join("; "))
        }
        Doubt::Seed([a, b]) => format!(
            "The seeds differ, {a} in A and {b} in B: other fans came to other decisions, which is \
             noise beyond the intervals."
        ),
        Doubt::Scale([a, b]) => format!(
            "The scales differ, {a} in A and {b} in B: counts and rates do not compare, shares and \
             times with care."
        ),
        Doubt::Version([a, b]) => {
            format!("Other versions of spike lived them, {a} in A and {b} in B.")
        }
        Doubt::Machine([a, b]) => format!("They are of other machines: {a} in A, {b} in B."),
        Doubt::Verdict(side, verdict, reason) => {
            let why = reason.as_deref().unwrap_or("nobody says why");
            let why = why.trim_end_matches('.');
            format!("{} is {}: {why}.", letter(*side), verdict.word())
        }
        Doubt::Unmodelled(side) => format!(
            "{} was simulated without service times (no [stack.application]): its times mean \
             nothing and are left out.",
            letter(*side)
        ),
        Doubt::Repeat(others) => {
            let repeated = comparison.repeats.map_or("A", letter);
            format!(
                "The third run is no repeat of {repeated}{}, which is part of the distance shown as A/A; \
                 it excuses no difference.",
                why_no_repeat(others)
            )
        }
    }
}

/// `: its scale and version are others, and its verdict says that its figures mean little`
fn why_no_repeat(others: &[&str]) -> String {
    let (verdict, others): (Vec<&str>, Vec<&str>) =
        others.iter().copied().partition(|other| *other == "verdict");
    let others = match &others[..] {
        [] => None,
        [one] => Some(format!("its {one} is another")),
        several => Some(format!("its {} are others", several.join(" and "))),
    };
    let verdict =
        (!verdict.is_empty()).then(|| "its verdict says that its figures mean little".to_owned());
    let why: Vec<String> = others.into_iter().chain(verdict).collect();
    format!(": {}", why.join(", and "))
}

/// What came of it, in a sentence or two: how many figures differ, and which the most.
pub(super) fn answer(comparison: &Comparison) -> Vec<String> {
    let figures = &comparison.figures;
    let of = |wanted: &[Standing]| {
        figures.iter().filter(|figure| wanted.contains(&figure.standing)).count()
    };
    let unsaid = of(&[Standing::Unjudged, Standing::OneSided]);
    let more_than = if comparison.exact.is_some() { "" } else { " by more than sampling explains" };
    let parts: Vec<String> = [
        (of(&[Standing::Noise]), "cannot be told from noise"),
        (of(&[Standing::WithinRepeat]), "lie no farther apart than a repeat does"),
        (of(&[Standing::Same]), "are the same"),
        (unsaid, "cannot be judged by one run of each"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!(", {count} {what}"))
    .collect();
    let count = format!(
        "Of {} figures {} differ{more_than}{}.",
        figures.len(),
        of(&[Standing::Differs]),
        parts.concat()
    );
    let farthest: Vec<String> = farthest(figures).into_iter().map(in_both).collect();
    let farthest =
        (!farthest.is_empty()).then(|| format!("Farthest apart: {}.", farthest.join("; ")));
    std::iter::once(count).chain(farthest).collect()
}

/// The figures that differ by the largest factors, one of each operation, tier or sale.
fn farthest(figures: &[Figure]) -> Vec<&Figure> {
    let factor = |figure: &Figure| {
        let ratio = figure.ratio.filter(|ratio| *ratio > 0.0);
        ratio.map_or(0.0, |ratio| libm::log(ratio).abs())
    };
    let differs = |figure: &&Figure| figure.standing == Standing::Differs && factor(figure) > 0.0;
    let whole = figures.iter().filter(|figure| !is_of_a_part(figure));
    let mut found: Vec<&Figure> = whole.filter(differs).collect();
    found.sort_by(|one, other| factor(other).total_cmp(&factor(one)));
    let about = |figure: &Figure| figure.name.split([' ', '.']).next().map(str::to_owned);
    let mut named = std::collections::BTreeSet::new();
    found.retain(|figure| named.insert(about(figure)));
    found.truncate(FARTHEST_NAMED);
    found
}

/// Whether a figure is of a part of a response time: what it says of the tiers stands in the gap.
pub(in crate::report) fn is_of_a_part(figure: &Figure) -> bool {
    [" service p", " first byte p"].iter().any(|part| figure.name.contains(part))
}

/// `checkout p99 (2.00 s in A, 3.00 s in B)`.
fn in_both(figure: &Figure) -> String {
    let of = |value: Option<f64>| {
        value.map_or_else(|| figure::NONE.to_owned(), |value| amount(figure.unit, value))
    };
    format!("{} ({} in A, {} in B)", figure.name, of(figure.a), of(figure.b))
}

/// A figure with its unit.
pub(in crate::report) fn amount(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Count => figure::number(figure::whole(value)),
        Unit::Share => figure::ratio(value),
        Unit::Milliseconds => figure::milliseconds(value),
        Unit::Seconds => figure::seconds(value),
        Unit::PerSecond => figure::rate(value),
    }
}

/// `shop.edge.ttl is "1s" in A and "2s" in B`.
fn changed(changed: &Changed) -> String {
    let shown = |value: Option<&Value>| match value {
        Some(value) => shortened(&value.to_string()),
        None => "not there".to_owned(),
    };
    let (a, b) = (shown(changed.a.as_ref()), shown(changed.b.as_ref()));
    format!("{} is {a} in A and {b} in B", changed.path)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= VALUE_LETTERS {
        return text.to_owned();
    }
    text.chars().take(VALUE_LETTERS - 1).chain(['…']).collect()
}

/// Whether two simulated runs that should be the same are, in one sentence.
pub(in crate::report) fn sameness(comparison: &Comparison) -> Option<String> {
    let exact = comparison.exact.as_ref()?;
    let Some(first) = exact.first.first() else {
        return Some(format!(
            "Identical: all {} values of both results are the same.",
            figure::number(exact.of)
        ));
    };
    let when = match comparison.parted_s {
        Some(at_s) => format!(" They part in second {at_s}."),
        None => String::new(),
    };
    Some(format!(
        "Not identical, though scenario, seed and scale are: {} of {} values differ, the first of \
         them result.{}.{when}",
        figure::number(exact.count),
        figure::number(exact.of),
        changed(first)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::fixture::Recorded;
    use crate::verdict::compare::compare;

    #[test]
    fn the_answer_counts_and_names_what_lies_farthest_apart() {
        let (simulated, live, repeat) =
            (Recorded::simulated(), Recorded::live(), Recorded::repeat());
        let found = compare(&simulated.lived(), &live.lived(), Some(&repeat.lived()));
        let told = answer(&found);
        let [count, farthest] = &told[..] else { panic!("{told:?}") };
        let all = found.figures.len();
        assert!(count.starts_with(&format!("Of {all} figures 3 differ by more than")), "{count}");
        assert!(count.contains(", 1 cannot be told from noise, "), "{count}");
        // One figure stands for all of its operation.
        assert_eq!(farthest, "Farthest apart: checkout p50 (60.0 ms in A, 84.0 ms in B).");
    }

    #[test]
    fn what_a_third_run_lacks_to_be_a_repeat_is_told() {
        assert_eq!(why_no_repeat(&["seed"]), ": its seed is another");
        let little = "its verdict says that its figures mean little";
        assert_eq!(why_no_repeat(&["verdict"]), format!(": {little}"));
        let all = why_no_repeat(&["scale", "version", "verdict"]);
        assert_eq!(all, format!(": its scale and version are others, and {little}"));
    }

    #[test]
    fn a_run_beside_itself_has_nothing_that_lies_apart() {
        let live = Recorded::live();
        let found = compare(&live.lived(), &live.lived(), None);
        let all = found.figures.len();
        let told = answer(&found);
        assert_eq!(
            told,
            [format!(
                "Of {all} figures 0 differ by more than sampling explains, {all} are the same."
            )]
        );
    }
}
