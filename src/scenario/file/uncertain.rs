//! Whether a scenario bears what it calls uncertain: each end of what a key may be is tried.

use toml::de::DeTable;

use super::{Loaded, read_in};
use crate::scenario::Context;
use crate::scenario::check::Surroundings;
use crate::scenario::overrides::Overrides;
use crate::scenario::place::{Place, Struck};
use crate::scenario::problem::{Problem, Problems};
use crate::scenario::uncertain::Uncertain;

/// The same scenario, called `name`, if it is one with each end of its uncertain inputs.
///
/// # Errors
/// All keys that there are not, and the first thing that is wrong with each value.
pub(super) fn borne_out(
    name: &str,
    loaded: Loaded,
    context: &Context,
    surroundings: &Surroundings<'_>,
) -> Result<Loaded, Problems> {
    let problems = problems(name, &loaded, context, surroundings);
    if problems.is_empty() { Ok(loaded) } else { Err(Problems::new(name, &loaded.text, problems)) }
}

fn problems(
    name: &str,
    loaded: &Loaded,
    context: &Context,
    surroundings: &Surroundings<'_>,
) -> Vec<Problem> {
    let inputs = &loaded.meant.scenario.uncertain;
    let mut problems = Vec::new();
    if inputs.is_empty() || surroundings.are_gone() {
        return problems;
    }
    let (tree, _) = DeTable::parse_recoverable(&loaded.text);
    let struck = Struck::new();
    let table = Place::root(tree.get_ref(), &struck).key("uncertain");
    for input in inputs {
        for end in input.values.ends() {
            let set = input.with(&end);
            let overrides =
                Overrides { set: vec![set.clone()], seed: None, scale: loaded.overrides.scale };
            let tried = read_in(name, &loaded.text, &overrides, context, surroundings);
            let Some(wrong) = tried.err().and_then(first) else { continue };
            problems.push(problem(table, input, (&set, &end), wrong));
        }
    }
    problems
}

fn first(problems: Problems) -> Option<Problem> {
    problems.list.into_iter().next()
}

/// What is wrong with an end, at its place in the table: the key, or the value.
fn problem(
    table: Place<'_>,
    input: &Uncertain,
    (set, end): (&str, &str),
    wrong: Problem,
) -> Problem {
    let Problem { message, label, hint, .. } = wrong;
    let key = &input.key;
    // What `--set` itself refuses is the key's fault, whatever the value.
    let refused = message.strip_prefix(&format!("--set {set}: "));
    let (span, message) = if let Some(why) = refused {
        (table.key_span(key), format!("`{key}` cannot be uncertain: {why}"))
    } else {
        let message = format!("with `{key}` = {end} this is no scenario: {message}");
        (table.key(key).span(), message)
    };
    let problem = match span {
        Some(span) => Problem::at(span, message),
        None => Problem::nowhere(message),
    };
    Problem { hint, ..problem.label(label) }
}
