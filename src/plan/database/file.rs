//! A file of prices: read as far as it can be, with all that is wrong told at once.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Machine, Prices, Reserved, Serverless};
use crate::scenario::problem::{Problem, did_you_mean};

/// What a number must be.
#[derive(Copy, Clone)]
enum Bound {
    Positive,
    NotNegative,
    Share,
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Self::Positive => value > 0.0,
                Self::NotNegative => value >= 0.0,
                Self::Share => value > 0.0 && value <= 1.0,
            }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Positive => "more than 0",
            Self::NotNegative => "0 or more",
            Self::Share => "more than 0, at most 1",
        }
    }
}

/// A table of the file.
#[derive(Clone)]
struct Table<'a> {
    /// Its keys in the file, with dots; empty for the file itself.
    name: &'static str,
    /// Where it stands; absent for the file itself.
    span: Option<Range<usize>>,
    /// Its values; none where it is missing itself.
    values: Option<&'a DeTable<'a>>,
}

impl<'a> Table<'a> {
    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.values?.get(key)
    }

    /// The key as it would be written from the file's beginning.
    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// The prices of `text`.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn read(text: &str) -> Result<Prices, Vec<Problem>> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problem = |error: &toml::de::Error| Problem {
            span: error.span(),
            ..Problem::nowhere(format!("not TOML: {}", error.message()))
        };
        return Err(errors.iter().map(problem).collect());
    }
    let file = Table { name: "", span: None, values: Some(tree.get_ref()) };
    let mut reading = Reading::default();
    reading.only(&file, &["currency", "day", "machine", "serverless"]);
    let prices = Prices {
        currency: reading.word(&file, "currency"),
        day: reading.day(&file),
        machine: reading.machine(&file),
        serverless: reading.serverless(&file),
    };
    if reading.problems.is_empty() { Ok(prices) } else { Err(reading.problems) }
}

/// What was wrong so far.
#[derive(Default)]
struct Reading {
    problems: Vec<Problem>,
}

impl Reading {
    fn machine(&mut self, file: &Table<'_>) -> Machine {
        let table = self.table(file, "machine");
        let keys = ["name", "capacity", "per_hour", "resizes_per_year", "per_resize", "reserved"];
        self.only(&table, &keys);
        Machine {
            name: self.word(&table, "name"),
            capacity: self.number(&table, "capacity", Bound::Positive, None),
            per_hour: self.number(&table, "per_hour", Bound::Positive, None),
            resizes_per_year: self.number(
                &table,
                "resizes_per_year",
                Bound::NotNegative,
                Some(0.0),
            ),
            per_resize: self.number(&table, "per_resize", Bound::NotNegative, Some(0.0)),
            reserved: self.reserved(&table),
        }
    }

    fn reserved(&mut self, machine: &Table<'_>) -> Vec<Reserved> {
        let elements = self.list(machine, "reserved");
        let tables = elements.into_iter().flatten();
        let each = tables.filter_map(|element| {
            let span = Some(element.span());
            let Some(values) = element.get_ref().as_table() else {
                let what = "an element of `machine.reserved` is no table";
                self.tell(span, what).hint = Some("write `{ years = 1, ratio = 0.6 }`".to_owned());
                return None;
            };
            let table = Table { name: "machine.reserved", span, values: Some(values) };
            self.only(&table, &["years", "ratio"]);
            Some(Reserved {
                years: self.number(&table, "years", Bound::Positive, None),
                ratio: self.number(&table, "ratio", Bound::Share, None),
            })
        });
        each.collect()
    }

    fn serverless(&mut self, file: &Table<'_>) -> Serverless {
        let table = self.table(file, "serverless");
        self.only(&table, &["per_unit_hour", "min", "utilisation"]);
        Serverless {
            per_unit_hour: self.number(&table, "per_unit_hour", Bound::Positive, None),
            min: self.number(&table, "min", Bound::NotNegative, Some(0.0)),
            utilisation: self.number(&table, "utilisation", Bound::Share, None),
        }
    }

    /// Parts of a day, of which one at least has a load; one where none are written.
    fn day(&mut self, file: &Table<'_>) -> Vec<f64> {
        let Some(elements) = self.list(file, "day") else { return vec![1.0] };
        let parts = elements.iter().map(|part| self.bounded(part, "day", Bound::NotNegative));
        let parts: Vec<f64> = parts.collect();
        if !parts.iter().any(|part| *part > 0.0) {
            let span = file.get("day").map(Spanned::span);
            let hint = "leave it out where the load is the same all day";
            self.tell(span, "no part of the `day` has a load").hint = Some(hint.to_owned());
        }
        parts
    }

    fn tell(&mut self, span: Option<Range<usize>>, what: impl Into<String>) -> &mut Problem {
        self.problems.push(Problem { span, ..Problem::nowhere(what) });
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Each key of the table is one of these.
    fn only(&mut self, table: &Table<'_>, keys: &[&str]) {
        for (key, _) in table.values.into_iter().flatten() {
            let word = key.get_ref().as_ref();
            if !keys.contains(&word) {
                let problem =
                    self.tell(Some(key.span()), format!("unknown key `{}`", table.path(word)));
                problem.hint = Some(did_you_mean(word, keys));
            }
        }
    }

    fn missing(&mut self, table: &Table<'_>, key: &str) {
        // Of a table that is missing itself this was said.
        if table.values.is_some() {
            self.tell(table.span.clone(), format!("missing key `{}`", table.path(key)));
        }
    }

    fn table<'a>(&mut self, file: &Table<'a>, key: &'static str) -> Table<'a> {
        let value = file.get(key);
        let values = value.and_then(|value| value.get_ref().as_table());
        let span = value.map(Spanned::span);
        if value.is_none() {
            self.missing(file, key);
        } else if values.is_none() {
            let hint = format!("write it as `[{key}]`");
            self.tell(span.clone(), format!("`{key}` is no table")).hint = Some(hint);
        }
        Table { name: key, span, values }
    }

    /// The elements of a list that may be left out.
    fn list<'a>(&mut self, table: &Table<'a>, key: &str) -> Option<&'a [Spanned<DeValue<'a>>]> {
        let value = table.get(key)?;
        let elements = value.get_ref().as_array();
        if elements.is_none() {
            self.tell(Some(value.span()), format!("`{}` is no list", table.path(key)));
        }
        elements.map(|elements| &**elements)
    }

    fn word(&mut self, table: &Table<'_>, key: &str) -> String {
        let Some(value) = table.get(key) else {
            self.missing(table, key);
            return String::new();
        };
        let word = value.get_ref().as_str();
        if word.is_none() {
            let problem =
                self.tell(Some(value.span()), format!("`{}` is no text", table.path(key)));
            problem.hint = Some("write it in quotes".to_owned());
        }
        word.unwrap_or_default().to_owned()
    }

    fn number(&mut self, table: &Table<'_>, key: &str, bound: Bound, left_out: Option<f64>) -> f64 {
        let Some(value) = table.get(key) else {
            if left_out.is_none() {
                self.missing(table, key);
            }
            return left_out.unwrap_or_default();
        };
        self.bounded(value, &table.path(key), bound)
    }

    fn bounded(&mut self, value: &Spanned<DeValue<'_>>, name: &str, bound: Bound) -> f64 {
        let number = number(value.get_ref());
        if !number.is_some_and(|number| bound.holds(number)) {
            let what = match number {
                Some(number) => format!("`{name}` is {number}"),
                None => format!("`{name}` is no number"),
            };
            let problem = self.tell(Some(value.span()), what);
            problem.label = format!("must be a number, {}", bound.words());
        }
        number.unwrap_or_default()
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let word = match value {
        DeValue::Integer(whole) if whole.radix() == 10 => whole.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return None,
    };
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a text, with the words that it is told of.
    fn told(text: &str) -> Vec<(String, &str)> {
        let problems = read(text).unwrap_err();
        let word = |problem: &Problem| &text[problem.span.clone().unwrap_or_default()];
        problems.iter().map(|problem| (problem.message.clone(), word(problem))).collect()
    }

    #[test]
    fn what_may_be_left_out_may_be_left_out() {
        let text = "currency = 'JPY'\nmachine = { name = 'db', capacity = 8, per_hour = 1_0.5 }\n\
                    serverless = { per_unit_hour = 2, utilisation = 1 }";
        let prices = read(text).unwrap();
        assert_eq!((prices.day.as_slice(), prices.serverless.min), (&[1.0][..], 0.0));
        assert_eq!((prices.machine.capacity, prices.machine.per_hour), (8.0, 10.5));
        assert!(prices.machine.reserved.is_empty());
    }

    #[test]
    fn all_that_is_wrong_with_prices_is_told_at_once_with_its_place() {
        let text = "day = [0, 0]\nyear = 1\n[machine]\nname = 3\ncapacity = 0\nper_our = -1\n\
                    reserved = [{ years = 1, ratio = 2 }, 7, { years = 0, ratio = 1 }]\n\
                    [serverless]\nper_unit_hour = 'x'\nutilisation = 66.7\nmin = -1\n";
        let expected = [
            ("unknown key `year`", "year"),
            ("missing key `currency`", ""),
            ("no part of the `day` has a load", "[0, 0]"),
            ("unknown key `machine.per_our`", "per_our"),
            ("`machine.name` is no text", "3"),
            ("`machine.capacity` is 0", "0"),
            ("missing key `machine.per_hour`", "[machine]"),
            ("`machine.reserved.ratio` is 2", "2"),
            ("an element of `machine.reserved` is no table", "7"),
            ("`machine.reserved.years` is 0", "0"),
            ("`serverless.per_unit_hour` is no number", "'x'"),
            ("`serverless.min` is -1", "-1"),
            ("`serverless.utilisation` is 66.7", "66.7"),
        ];
        let expected = expected.map(|(what, word)| (what.to_owned(), word));
        assert_eq!(told(text), expected);
    }

    #[test]
    fn a_file_that_is_none_of_prices_is_told_as_such() {
        assert_eq!(told("currency = 'USD'\nmachine = 1\nserverless = []\nday = 3").len(), 3);
        let missing = ["`currency`", "`machine`", "`serverless`"];
        assert_eq!(told("").len(), missing.len(), "{:?}", told(""));
        assert!(told("sale,organizer\n")[0].0.starts_with("not TOML: "));
    }
}
