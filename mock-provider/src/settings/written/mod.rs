//! Settings as a file has them: read in spite of mistakes, so that all are told at once, each with
//! its place.

mod set;
mod strike;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use super::problem::Problem;
use super::profile::{DEFAULT, nearest, profile};
use super::{Overrides, Settings};

pub(crate) use set::set;

/// How many mistakes are told before the rest of a file is left unread.
const MISTAKES_MAX: usize = 100;

/// The keys of a file that are no settings of the provider.
const ABOUT: [&str; 3] = ["seed", "extends", "provenance"];

/// A file of settings, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// What the file is called.
    name: String,
    /// The settings' keys, without those of which something is wrong.
    pub(crate) table: Table,
    /// On which seed draws hang.
    pub(crate) seed: Option<u64>,
    /// The profile that it starts from.
    pub(crate) extends: Option<String>,
    /// Where its figures come from.
    pub(crate) provenance: Option<String>,
    /// What is wrong, a line each.
    pub(crate) problems: Vec<String>,
    /// The line of each key and element, such as `limits.0.rate`; none in JSON.
    lines: BTreeMap<String, usize>,
    /// The keys and elements it has.
    keys: BTreeSet<String>,
    /// Keys of which something is wrong, which was said.
    struck: BTreeSet<String>,
}

/// The keys by which a scenario is known: settings have none of them.
const OF_SCENARIO: [&str; 4] = ["schema", "sale", "fans", "target"];

/// The settings in a file: of a scenario its `[provider]`, with its seed; of any other all of it.
fn of_scenario(mut tree: Spanned<DeTable<'_>>) -> Spanned<DeTable<'_>> {
    let span = tree.span();
    let table = tree.get_mut();
    if !OF_SCENARIO.iter().any(|key| table.contains_key(*key)) {
        return tree;
    }
    let seed = table.remove_entry("seed");
    let mut provider = match table.remove("provider").map(Spanned::into_inner) {
        Some(DeValue::Table(provider)) => provider,
        _ => DeTable::new(),
    };
    if let Some((key, seed)) = seed {
        provider.insert(key, seed);
    }
    Spanned::new(span, provider)
}

impl Written {
    /// Reads TOML.
    pub(crate) fn toml(name: &str, text: &str) -> Self {
        let mut written = Self { name: name.to_owned(), ..Self::default() };
        let (tree, errors) = DeTable::parse_recoverable(text);
        let mut tree = of_scenario(tree);
        for error in &errors {
            let line = error.span().map(|span| line_of(text, span.start));
            let message = error.message();
            written.problems.push(place(name, line, "") + message);
        }
        if !errors.is_empty() {
            return written;
        }
        written.remember(tree.get_ref(), "", text);
        written.take_what_is_about_it(tree.get_mut());
        let overrides = written.recover(tree, text);
        written.table = Table::try_from(&overrides).expect("every value here has a word in TOML");
        written
    }

    /// Reads JSON; its `null` means that a key is left out.
    pub(crate) fn json(name: &str, text: &str) -> Self {
        let mut written = Self { name: name.to_owned(), ..Self::default() };
        let mut value: serde_json::Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                written.problems.push(format!("{name}:{}: {error}", error.line()));
                return written;
            }
        };
        // TOML's integers are signed; a seed need not fit.
        let seed = value.as_object_mut().and_then(|table| table.remove("seed"));
        strip_nulls(&mut value);
        let text = match toml::to_string(&value) {
            Ok(text) => text,
            Err(error) => {
                written.problems.push(format!("{name}: {error}"));
                return written;
            }
        };
        // Lines of the text that it was turned into say nothing to anybody.
        let read = Self::toml(name, &text).without_lines();
        let seed_read = seed.as_ref().and_then(serde_json::Value::as_u64);
        let mut written = Self { seed: seed_read, ..read };
        if seed.is_some_and(|seed| !seed.is_null() && !seed.is_u64()) {
            written.problems.push(format!("{name}: seed: must be a whole number, 0 or more"));
        }
        written
    }

    fn without_lines(mut self) -> Self {
        let with_line = format!("{}:", self.name);
        for problem in &mut self.problems {
            if let Some(rest) = problem.strip_prefix(&with_line)
                && let Some((line, rest)) = rest.split_once(": ")
                && line.parse::<usize>().is_ok()
            {
                *problem = format!("{}: {rest}", self.name);
            }
        }
        self.lines.clear();
        self
    }

    /// What is wrong with a value that the file gave, with its place; nothing if the file did not
    /// give it, and an empty text if that was said already.
    pub(crate) fn tell(&self, problem: &Problem) -> Option<String> {
        let ways = prefixes(&problem.key);
        if ways.clone().any(|way| self.struck.contains(way)) {
            return Some(String::new());
        }
        let way = ways.clone().find(|way| self.keys.contains(*way))?;
        let line = self.lines.get(way).copied();
        Some(place(&self.name, line, &problem.key) + &problem.message)
    }

    /// What is missing in a profile that extends no other, a line each; nothing, where the file
    /// could not be read.
    pub(crate) fn lacks(&self) -> Vec<String> {
        if self.keys.is_empty() && !self.problems.is_empty() {
            return Vec::new();
        }
        let missing = missing(&self.table).into_iter().filter(|key| !self.struck.contains(key));
        let name = &self.name;
        let hint = format!("write it, or `extends = \"{DEFAULT}\"`");
        missing.map(|key| format!("{name}: {key}: missing; {hint}")).collect()
    }

    /// Whether the file gives that key, or a part of what it holds.
    pub(crate) fn gives(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Notes where each key and element stands.
    fn remember(&mut self, table: &DeTable<'_>, path: &str, text: &str) {
        for (key, value) in table {
            let path = join(path, key.get_ref());
            self.note(&path, line_of(text, key.span().start));
            self.remember_value(value.get_ref(), &path, text);
        }
    }

    fn remember_value(&mut self, value: &DeValue<'_>, path: &str, text: &str) {
        match value {
            DeValue::Table(table) => self.remember(table, path, text),
            DeValue::Array(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    let path = join(path, &place.to_string());
                    self.note(&path, line_of(text, element.span().start));
                    self.remember_value(element.get_ref(), &path, text);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, path: &str, line: usize) {
        self.keys.insert(path.to_owned());
        self.lines.insert(path.to_owned(), line);
    }

    /// Takes the keys out that are no settings.
    fn take_what_is_about_it(&mut self, tree: &mut DeTable<'_>) {
        for key in ABOUT {
            let Some(value) = tree.remove(key) else { continue };
            let read = match (key, value.get_ref()) {
                ("seed", DeValue::Integer(number)) => {
                    self.seed = number.as_str().replace('_', "").parse().ok();
                    self.seed.is_some()
                }
                ("extends", DeValue::String(text)) => {
                    self.extends = Some(text.to_string());
                    true
                }
                ("provenance", DeValue::String(text)) => {
                    self.provenance = Some(text.to_string());
                    true
                }
                _ => false,
            };
            if !read {
                let kind = if key == "seed" { "a whole number, 0 or more" } else { "text" };
                let line = self.lines.get(key).copied();
                self.problems.push(place(&self.name, line, key) + "must be " + kind);
            }
        }
    }

    /// Reads the tree; what cannot be read is told and struck out, and the rest is read again.
    fn recover(&mut self, mut tree: Spanned<DeTable<'_>>, text: &str) -> Overrides {
        for _ in 0..MISTAKES_MAX {
            let error = match Overrides::deserialize(toml::de::Deserializer::from(tree.clone())) {
                Ok(overrides) => return overrides,
                Err(error) => error,
            };
            let span = error.span();
            let line = span.as_ref().map(|span| line_of(text, span.start));
            let path = span.and_then(|span| strike::strike(tree.get_mut(), &span));
            let path = path.map(|path| path.join(".")).unwrap_or_default();
            let (message, meant) = wording(error.message());
            let lacks = error.message().strip_prefix("missing field `");
            let lacks = lacks.and_then(|rest| rest.strip_suffix('`'));
            // What was struck out is not missing, but wrong, and that was said.
            if lacks.is_none_or(|key| !self.struck.contains(&join(&path, key))) {
                self.problems.push(place(&self.name, line, &path) + &message);
            }
            if path.is_empty() {
                break;
            }
            if let Some(meant) = meant {
                let table = path.rsplit_once('.').map_or("", |(table, _)| table);
                let meant = join(table, &meant);
                // Where it stands besides, it is read and checked.
                if !self.keys.contains(&meant) {
                    self.struck.insert(meant);
                }
            }
            self.struck.insert(path);
        }
        Overrides::default()
    }
}

/// What every profile that extends no other must say, and `table` does not.
fn missing(table: &Table) -> Vec<String> {
    let whole = profile(DEFAULT).expect("the default profile is a profile").table;
    let mut missing = Vec::new();
    for (key, value) in &whole {
        match (value, table.get(key)) {
            (_, None) => missing.push(key.clone()),
            (toml::Value::Table(whole), Some(toml::Value::Table(part))) if key != "decline_mix" => {
                let lacks = whole.keys().filter(|inner| !part.contains_key(*inner));
                missing.extend(lacks.map(|inner| format!("{key}.{inner}")));
            }
            _ => {}
        }
    }
    // A table has the order of its file or of the alphabet, as its users together want it.
    missing.sort();
    missing
}

/// The settings that a table of all keys stands for.
///
/// # Errors
/// When a key does not exist, is missing or of the wrong kind: the message.
pub(crate) fn settings_of(table: &Table) -> Result<Settings, String> {
    Settings::deserialize(table.clone()).map_err(|error| wording(error.message()).0)
}

/// A serde error in words of the file, and the key that was meant instead of an unknown one.
fn wording(message: &str) -> (String, Option<String>) {
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = [("unknown field", "key"), ("unknown variant", "word")];
    let unknown = unknown.into_iter().find(|(begins, _)| message.starts_with(begins));
    if let (Some((_, kind)), Some(written)) = (unknown, words.next()) {
        let known: Vec<_> = words.collect();
        return match nearest(written, known.iter().copied()) {
            Some(meant) => (
                format!("unknown {kind} `{written}`: did you mean `{meant}`?"),
                Some(meant.to_owned()).filter(|_| kind == "key"),
            ),
            None => (format!("unknown {kind} `{written}`: there are {}", known.join(", ")), None),
        };
    }
    let kinds = [
        ("expected f64", "expected a number"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("floating point ", "number "),
    ];
    let message = message.replace("missing field", "missing");
    let message = kinds.iter().fold(message, |text, (rust, plain)| text.replace(rust, plain));
    (message, None)
}

/// `file.toml:12: limits.0.rate: `.
fn place(name: &str, line: Option<usize>, key: &str) -> String {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
    format!("{name}{line}: {key}")
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A key and all that holds it, the innermost first.
fn prefixes(key: &str) -> impl Iterator<Item = &str> + Clone {
    std::iter::successors(Some(key), |key| key.rsplit_once('.').map(|(holder, _)| holder))
}

/// The line, from 1, of a place in the text.
fn line_of(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}

fn strip_nulls(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(table) => {
            table.retain(|_, value| !value.is_null());
            table.values_mut().for_each(strip_nulls);
        }
        serde_json::Value::Array(elements) => {
            elements.retain(|value| !value.is_null());
            elements.iter_mut().for_each(strip_nulls);
        }
        _ => {}
    }
}
