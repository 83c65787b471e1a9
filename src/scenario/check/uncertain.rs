//! `[uncertain]`: what a key may be. Whether there is such a key, and whether the scenario bears each end of what it
//! may be, is seen where that is tried (`file/uncertain.rs`).

use toml::Value;

use crate::scenario::check::Checker;
use crate::scenario::place::Place;
use crate::scenario::uncertain::{End, Uncertain, Values, between};
use crate::scenario::written::File;
use crate::scenario::written::uncertain::UncertainTable;

/// The most uncertain inputs: what hangs on more of them, nobody reads out of a report.
const INPUTS_MAX: usize = 20;
/// The fewest and the most values of a list.
const VALUES_RANGE: (usize, usize) = (2, 20);
/// What is no condition of a sale, and therefore not uncertain.
const CERTAIN: [&str; 6] = ["schema", "name", "title", "timezone", "live", "uncertain"];

/// All uncertain inputs of `file`, in the order of the alphabet.
pub(super) fn uncertain(checker: &mut Checker, file: &File, root: Place<'_>) -> Vec<Uncertain> {
    let place = root.key("uncertain");
    if file.uncertain.len() > INPUTS_MAX {
        checker.wrong(place, format!("a scenario has at most {INPUTS_MAX} uncertain inputs"));
    }
    let inputs = file.uncertain.iter().filter_map(|(key, table)| {
        checker.can_be_uncertain(key, place);
        let values = match table {
            UncertainTable::Between { from, to } => {
                checker.between(key, (from, to), place.key(key))
            }
            UncertainTable::OneOf(values) => checker.one_of(key, values, place.key(key)),
        };
        Some(Uncertain { key: key.clone(), values: values? })
    });
    inputs.collect()
}

impl Checker {
    fn can_be_uncertain(&mut self, key: &str, place: Place<'_>) {
        let first = key.split('.').next().unwrap_or_default().trim();
        if first == "seed" {
            self.wrong(place.key(key), "`seed` is not uncertain")
                .advise("each replication has a seed of its own: leave it out");
        } else if CERTAIN.contains(&first) {
            self.wrong(place.key(key), format!("`{first}` is not uncertain"))
                .advise("name a key of the people, the shop, the provider or the stack");
        }
    }

    fn between(
        &mut self,
        key: &str,
        (from, to): (&Value, &Value),
        place: Place<'_>,
    ) -> Option<Values> {
        let (first, last) = (self.end(from, place, "from"), self.end(to, place, "to"));
        let (first, last) = (first?, last?);
        let values = between(first, last);
        if values.is_none() && first.kind() == last.kind() {
            self.wrong(place, format!("`{key}` is uncertain from {from} to {to}"))
                .mark("`to` must be more than `from`");
        } else if values.is_none() {
            let (first, last) = (first.kind(), last.kind());
            self.wrong(place, format!("`{key}` is uncertain from {first} to {last}"))
                .mark("both ends must be of one kind");
        }
        values
    }

    /// An end of a range: a number, a length of time, a moment or a rate.
    fn end(&mut self, value: &Value, place: Place<'_>, key: &str) -> Option<End> {
        let end = match value {
            Value::Integer(whole) => Some(End::Whole(*whole)),
            Value::Float(number) if number.is_finite() => Some(End::Number(*number)),
            Value::String(text) => End::of_text(text),
            _ => None,
        };
        if end.is_none() {
            self.wrong(place.key(key), format!("`{key}` is {value}, which has no values between"))
                .mark("must be a number, a length of time, a moment or a rate")
                .advise("list what it may be: `[\"row-lock\", \"unit-rows\"]`");
        }
        end
    }

    fn one_of(&mut self, key: &str, values: &[Value], place: Place<'_>) -> Option<Values> {
        let (least, most) = VALUES_RANGE;
        if values.len() < least || values.len() > most {
            self.wrong(place, format!("`{key}` has {} values", values.len()))
                .mark(format!("must be from {least} to {most}"));
            return None;
        }
        Some(Values::OneOf(values.iter().map(as_set).collect()))
    }
}

/// A value as `--set` takes it: text without quotes, unless it would be taken for something else.
fn as_set(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        value => value.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let is_number = text.replace('_', "").parse::<f64>().is_ok();
    let is_word = matches!(text, "true" | "false");
    let opens = text.starts_with(['"', '\'', '[', '{']);
    let is_trimmed = !text.is_empty() && text.trim() == text;
    is_trimmed && !is_number && !is_word && !opens && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_taken_for_something_else_stands_in_quotes() {
        for (value, expected) in [
            (Value::from("row-lock"), "row-lock"),
            (Value::from("400/s"), "400/s"),
            (Value::from("5"), "\"5\""),
            (Value::from("true"), "\"true\""),
            (Value::from(true), "true"),
            (Value::from(2.5), "2.5"),
        ] {
            assert_eq!(as_set(&value), expected);
        }
    }
}
