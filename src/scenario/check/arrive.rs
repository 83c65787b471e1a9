//! `[[fans]] arrive`: that its curve can be used, and that nobody comes before the run begins.

use domain::time::Duration;

use crate::arrival::{Arrive, Shape, parse_trace};
use crate::scenario::check::sale::{AHEAD_MIN, Opening};
use crate::scenario::check::{Checker, RUN_MAX, Setting, Surroundings};
use crate::scenario::place::Place;
use crate::scenario::problem::Problem;
use crate::scenario::{Late, Population};

/// The most corners of a `step` or `curve`, and the most moments of a `trace`.
const POINTS_MAX: usize = 1_000_000;

/// How long before its opening a sale is rehearsed at least: where a logistic crowd comes around the
/// opening, half of it must not fall into one instant.
const NEEDED_MIN: Duration = Duration::from_secs(1);

/// Whether the curve can be used.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Usable {
    /// It can.
    Yes,
    /// It cannot, and that was told.
    No,
}

/// Checks the curve and reads its trace: the moments \[s from the opening\], for that shape alone.
pub(super) fn check(
    checker: &mut Checker,
    arrive: &Arrive,
    place: Place<'_>,
    around: &Surroundings<'_>,
) -> (Usable, Option<Vec<f64>>) {
    if place.struck("shape") {
        return (Usable::No, None);
    }
    let before = checker.problems.len();
    let problems = arrive.check();
    for problem in &problems {
        if !place.struck_on(&problem.key) {
            checker
                .wrong(place.path(&problem.key), problem.what.as_str())
                .advise(problem.hint.clone());
        }
    }
    limits(checker, arrive, place);
    let trace = match (arrive.shape, &arrive.file) {
        (Shape::Trace, Some(file)) => trace(checker, file, place, around),
        _ => None,
    };
    let usable = problems.is_empty() && checker.problems.len() == before;
    (if usable { Usable::Yes } else { Usable::No }, trace)
}

fn limits(checker: &mut Checker, arrive: &Arrive, place: Place<'_>) {
    for (key, span) in [("over", arrive.over), ("spread", arrive.spread)] {
        if span.is_some_and(|span| span.0 > RUN_MAX) {
            checker.wrong(place.key(key), format!("`{key}` is longer than a week"));
        }
    }
    let moments = [("from", arrive.from), ("midpoint", arrive.midpoint), ("at", arrive.at)];
    for (key, moment) in moments {
        if moment.is_some_and(|moment| moment.seconds().abs() > RUN_MAX.as_secs_f64()) {
            checker.wrong(place.key(key), format!("`{key}` is a week or more from the opening"));
        }
    }
    if let Some(count) = arrive.points.as_ref().map(Vec::len).filter(|count| *count > POINTS_MAX) {
        checker.wrong(place.key("points"), format!("{count} points: at most {POINTS_MAX}"));
    }
}

fn trace(
    checker: &mut Checker,
    file: &str,
    place: Place<'_>,
    around: &Surroundings<'_>,
) -> Option<Vec<f64>> {
    let here = place.key("file");
    let text = match (around.read)(file) {
        Ok(text) => text,
        Err(error) => {
            checker.wrong(here, format!("the trace `{file}` cannot be read: {error}"));
            return None;
        }
    };
    match parse_trace(&text) {
        Ok(moments) if moments.len() > POINTS_MAX => {
            let count = moments.len();
            checker
                .wrong(here, format!("the trace `{file}` has {count} moments"))
                .mark(format!("at most {POINTS_MAX}"));
        }
        Ok(moments) if moments.iter().any(|at| at.abs() > RUN_MAX.as_secs_f64()) => {
            checker.wrong(here, format!("the trace `{file}` leads a week from the opening"));
        }
        Ok(moments) => return Some(moments),
        Err(error) => {
            let message = error.to_string();
            let (why, hint) = message.split_once("\nhint: ").unwrap_or((&message, ""));
            let told = format!("the trace `{file}` cannot be used: {why}");
            let problem: &mut Problem = checker.wrong(here, told);
            problem.hint = (!hint.is_empty()).then(|| hint.to_owned());
        }
    }
    None
}

/// Nobody can come before the run begins: they would all stand there in its first instant. Of a
/// logistic, whose beginning nobody knows, half must come later.
pub(super) fn not_before_the_run(
    checker: &mut Checker,
    population: &Population,
    opening: Opening,
    setting: Setting<'_>,
    fans: Place<'_>,
) {
    let context = setting.context;
    let lead_s = match (opening, context.now_utc_ns) {
        (Opening::After(lead), _) => lead.as_secs_f64(),
        (Opening::At { utc_ns }, Some(now)) if context.late == Late::Refused => {
            (i128::from(utc_ns) - i128::from(now)) as f64 / 1e9
        }
        // In virtual time the run begins early enough, and who is late knows it.
        (Opening::At { .. }, _) => return,
    };
    let early_s = early_s(population);
    // An instant that is past or too near was told already.
    let is_instant = matches!(opening, Opening::At { .. });
    if early_s <= lead_s || (is_instant && lead_s < AHEAD_MIN.as_secs_f64()) {
        return;
    }
    let early_s = early_s.ceil();
    let message = format!(
        "people arrive {early_s} s before the opening, but the run begins {lead_s:.0} s before it"
    );
    checker.wrong(fans.key("arrive"), message).advise(match opening {
        Opening::After(_) => {
            format!("let the sale open later, for example `opens = \"+{early_s}s\"`")
        }
        Opening::At { .. } => "`--late` lets them stand there at the run's beginning".to_owned(),
    });
}

/// How long before the opening those people come who may not be pressed into the run's first
/// instant \[s\]: the first or, of a logistic, its first half. Negative: after it.
fn early_s(population: &Population) -> f64 {
    let first = match population.arrive.shape {
        Shape::Logistic => population.arrive.midpoint.unwrap_or_default(),
        _ => population.arrive.first(population.count, population.trace.as_deref()),
    };
    -first.seconds()
}

/// How long before the opening a run must have begun so that the people of `population` come as
/// they should.
pub(in crate::scenario) fn needed(population: &Population) -> Duration {
    domain::time::duration_from_seconds(early_s(population)).max(NEEDED_MIN)
}

/// How long before the opening the run must begin for the people of `population` to come in time.
pub(in crate::scenario) fn lead(population: &Population) -> Duration {
    let first = population.arrive.first(population.count, population.trace.as_deref());
    domain::time::duration_from_seconds(-first.seconds())
}
