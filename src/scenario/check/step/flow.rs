//! The order of the steps: that the way leads to a purchase, past each of them, and that no step
//! needs what only a later one learns.

use std::collections::BTreeSet;

use domain::outcome::{Operation, Outcome};

use crate::scenario::check::Checker;
use crate::scenario::check::step::names::Known;
use crate::scenario::check::step::{Plan, body, is_page, operation};
use crate::scenario::place::Place;
use crate::scenario::written::File;
use crate::scenario::written::step::StepTable;
use crate::step::template::{self, Part};

/// Tells what is wrong with the order of the steps.
pub(super) fn check(
    checker: &mut Checker,
    file: &File,
    root: Place<'_>,
    plan: &Plan<'_>,
    known: &Known,
) {
    let place = root.key("step");
    if file.step.is_empty() || !plan.is_whole {
        return;
    }
    lotteries(checker, file, place);
    checkouts(checker, file, place);
    pages(checker, file, place, plan);
    polls(checker, file, place);
    chances(checker, file, place);
    slots(checker, file, place);
    early(checker, file, place, plan, known);
}

/// Lots are drawn by the embedded shop alone.
fn lotteries(checker: &mut Checker, file: &File, place: Place<'_>) {
    for (index, table) in file.step.iter().enumerate() {
        let operation = operation(table);
        if matches!(operation, Operation::Entry | Operation::Result) {
            checker
                .wrong(
                    place.index(index).key("as"),
                    format!("`{operation}` is a step of the embedded shop's lottery"),
                )
                .advise("write `as = \"other\"`");
        }
    }
}

/// A purchase ends the way: there is one, and nothing but polls comes after the last.
fn checkouts(checker: &mut Checker, file: &File, place: Place<'_>) {
    let is_checkout = |table: &StepTable| operation(table) == Operation::Checkout;
    let Some(last) = file.step.iter().rposition(is_checkout) else {
        checker
            .wrong(place, "no step is a checkout")
            .mark("nobody can buy anything")
            .advise("write `as = \"checkout\"` at the step that buys");
        return;
    };
    for (index, table) in file.step.iter().enumerate().skip(last + 1) {
        if operation(table) != Operation::Poll {
            let name = table.name.as_deref().unwrap_or_default();
            checker
                .wrong(
                    place.index(index),
                    format!("the step `{name}` stands after the last checkout"),
                )
                .mark("is never taken: a checkout that is `ok` ends the way")
                .advise("after it only steps with `as = \"poll\"` may stand");
        }
    }
}

/// The requests of one reload stand in a row.
fn pages(checker: &mut Checker, file: &File, place: Place<'_>, plan: &Plan<'_>) {
    let mut first = None;
    for (index, table) in file.step.iter().enumerate() {
        if !is_page(operation(table)) {
            continue;
        }
        let stage = plan.stage_of[index];
        if *first.get_or_insert(stage) != stage {
            let name = table.name.as_deref().unwrap_or_default();
            checker
                .wrong(place.index(index), format!("a second page to reload, `{name}`"))
                .mark("does not follow the first")
                .advise("steps with `as = \"reload\"` in a row are the requests of one reload");
        }
    }
}

/// Only an answer leads to a poll.
fn polls(checker: &mut Checker, file: &File, place: Place<'_>) {
    let outcomes = |table: &StepTable| {
        let then = table.outcome.iter().filter_map(|outcome| outcome.then.clone());
        (table.name.clone(), then.collect::<Vec<_>>())
    };
    let led_to: BTreeSet<String> = file
        .step
        .iter()
        .map(outcomes)
        .flat_map(|(own, then)| then.into_iter().filter(move |name| Some(name) != own.as_ref()))
        .collect();
    for (index, table) in file.step.iter().enumerate() {
        let Some(name) = table.name.as_ref().filter(|_| operation(table) == Operation::Poll) else {
            continue;
        };
        if !led_to.contains(name) && !any_outcome_struck(file, place) {
            checker
                .wrong(place.index(index), format!("nothing leads to the poll `{name}`"))
                .mark("is never asked")
                .advise(format!(
                    "write `then = \"{name}\"` where the checkout's answer means `waiting`"
                ));
        }
    }
}

/// Whether some outcome was struck out, so that what it led to is not known.
fn any_outcome_struck(file: &File, place: Place<'_>) -> bool {
    (0..file.step.len()).any(|index| {
        let here = place.index(index);
        let outcomes = here.key("outcome");
        let count = file.step[index].outcome.len();
        here.struck("outcome")
            || outcomes.lacks_elements()
            || (0..count).any(|outcome| outcomes.index(outcome).struck("then"))
    })
}

/// What everybody must take cannot be left to chance.
fn chances(checker: &mut Checker, file: &File, place: Place<'_>) {
    let is_checkout = |table: &StepTable| operation(table) == Operation::Checkout;
    let last = file.step.iter().rposition(is_checkout);
    for (index, table) in file.step.iter().enumerate() {
        if table.probability.is_none_or(|chance| chance >= 1.0) {
            continue;
        }
        let why = match operation(table) {
            Operation::Reload => "whoever comes looks at the page",
            Operation::Poll => "who is told to wait asks",
            _ if last == Some(index) => "is the last checkout: nothing follows it",
            _ => continue,
        };
        let told =
            checker.wrong(place.index(index).key("probability"), "`probability` of this step");
        told.mark(why);
        if last == Some(index) {
            told.advise("`[[fans]] abandon` is the chance to leave before a step");
        }
    }
}

/// `{{slot}}` needs slots.
fn slots(checker: &mut Checker, file: &File, place: Place<'_>) {
    if file.sale.iter().any(|sale| !sale.slots.is_empty()) {
        return;
    }
    for (index, table) in file.step.iter().enumerate() {
        for (at, text) in body::texts(table, place.index(index)) {
            if holes(text).any(|name| name == "slot") {
                checker
                    .wrong(at, "`{{slot}}`, but no sale has slots")
                    .mark("would always be empty")
                    .advise("add `slots = [{ id = \"12:30\", capacity = 400 }]` to the `[[sale]]`");
            }
        }
    }
}

/// The names of a text's holes.
fn holes(text: &str) -> impl Iterator<Item = &str> {
    template::parts(text).filter_map(|part| match part {
        Ok(Part::Hole(hole)) => hole.split(':').next().map(str::trim),
        Ok(Part::Text(_)) | Err(_) => None,
    })
}

/// A step cannot say what only later steps learn, unless it may be taken again after them.
fn early(checker: &mut Checker, file: &File, place: Place<'_>, plan: &Plan<'_>, known: &Known) {
    let after = reached(file, plan);
    for (index, table) in file.step.iter().enumerate() {
        let own = plan.stage_of[index];
        for (at, text) in body::texts(table, place.index(index)) {
            for name in holes(text) {
                let Some(steps) = known.names.find(name).and_then(|name| known.captured.get(&name))
                else {
                    continue;
                };
                let is_known =
                    |step: &usize| *step < index || after[plan.stage_of[*step]].contains(&own);
                if !steps.iter().any(is_known) {
                    let learnt = file.step[steps[0]].name.as_deref().unwrap_or_default();
                    checker
                        .wrong(
                            at,
                            format!("`{{{{{name}}}}}` is captured by the step `{learnt}` alone"),
                        )
                        .mark("is asked before")
                        .advise("capture it in a step before this one");
                }
            }
        }
    }
}

/// The stages that may be taken after each one by what its answers lead to, that of the page by
/// itself included. What every step may come back to, a retry of itself, is not.
fn reached(file: &File, plan: &Plan<'_>) -> Vec<BTreeSet<usize>> {
    let count = plan.stage_of.last().map_or(0, |last| last + 1);
    let mut next = vec![BTreeSet::new(); count];
    let page = file.step.iter().position(|table| is_page(operation(table)));
    let page = page.map(|index| plan.stage_of[index]);
    for (index, table) in file.step.iter().enumerate() {
        let stage = plan.stage_of[index];
        let then = table.outcome.iter().filter_map(|outcome| outcome.then.as_deref());
        next[stage].extend(then.filter_map(|name| plan.by_name.get(name).copied()));
        if stage + 1 < count {
            next[stage].insert(stage + 1);
        }
        let waits = |outcome: &crate::scenario::written::step::OutcomeTable| {
            outcome.is == Some(Outcome::Waiting) && outcome.then.is_none()
        };
        if operation(table) == Operation::Poll || table.outcome.iter().any(waits) {
            next[stage].insert(stage);
        }
        // Who is told that it is sold out looks at the page again, and who looks at it does too.
        next[stage].extend(page.filter(|page| stage >= *page));
    }
    let mut reached = next.clone();
    for middle in 0..count {
        for from in 0..count {
            if reached[from].contains(&middle) {
                let further = reached[middle].clone();
                reached[from].extend(further);
            }
        }
    }
    reached
}
