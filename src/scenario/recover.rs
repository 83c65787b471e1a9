//! Reads the text in spite of mistakes: each is told and struck out, and the rest is read again.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::scenario::place::{ELEMENT, Struck};
use crate::scenario::problem::{Problem, nearest};
use crate::scenario::wording;
use crate::scenario::written::File;

/// How many mistakes are told before the rest of the file is left unread.
const MISTAKES_MAX: usize = 1_000;

/// What could be read.
pub(super) struct Recovered<'i> {
    /// The text as a tree, without what was struck out.
    pub(super) tree: Spanned<DeTable<'i>>,
    /// The tables and keys that are right by themselves.
    pub(super) file: File,
    /// What was struck out.
    pub(super) struck: Struck,
    /// What was wrong.
    pub(super) problems: Vec<Problem>,
    /// Whether the text is TOML at all; if not, nothing can be called missing.
    pub(super) syntax: Syntax,
}

/// Whether the text is TOML.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// It is.
    Sound,
    /// It is not; parts of it may be lost.
    Broken,
}

/// Reads `text` as far as it can be read.
pub(super) fn recover(text: &str) -> Recovered<'_> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let syntax = if errors.is_empty() { Syntax::Sound } else { Syntax::Broken };
    let mut recovered = Recovered {
        tree,
        file: File::default(),
        struck: Struck::new(),
        problems: errors.iter().map(|error| wording::syntax_error(error, text)).collect(),
        syntax,
    };
    recovered.strike_lists();
    for _ in 0..MISTAKES_MAX {
        match File::deserialize(toml::de::Deserializer::from(recovered.tree.clone())) {
            Ok(file) => {
                recovered.file = file;
                break;
            }
            Err(error) => {
                if !recovered.strike(&error) {
                    break;
                }
            }
        }
    }
    recovered
}

/// The tables that stand once, so that `[[shop]]` is a mistake.
const TABLES: [&str; 11] = [
    "live",
    "shop",
    "target",
    "setup",
    "ledger",
    "provider",
    "stack",
    "objectives",
    "audit",
    "phases",
    "uncertain",
];

/// Where a mistake stands in the tree.
pub(super) struct Found {
    /// The keys that lead to it; elements of lists stand as [`ELEMENT`].
    pub(super) path: Vec<String>,
    /// The place of the table or list that holds it.
    holder: Option<usize>,
    /// Whether the value is a date, which serde takes for a table.
    pub(super) is_date: bool,
}

impl Recovered<'_> {
    /// Tables that were written as lists: serde would take their elements for fields.
    fn strike_lists(&mut self) {
        for key in TABLES {
            let Some((name, value)) = self.tree.get_ref().get_key_value(key) else { continue };
            if !value.get_ref().is_array() {
                continue;
            }
            let problem = Problem::at(value.span(), format!("`{key}` is one table, not a list"))
                .hint(format!("write `[{key}]`"));
            let name = name.get_ref().clone();
            self.problems.push(problem);
            self.struck.insert((None, key.to_owned()));
            self.tree.get_mut().remove(name.as_ref());
        }
    }

    /// Tells of `error` and strikes out what it is about; false when it cannot be found.
    fn strike(&mut self, error: &toml::de::Error) -> bool {
        let Some(span) = error.span() else {
            self.problems.push(Problem::nowhere(error.message()));
            return false;
        };
        let Some(found) = strike_table(self.tree.get_mut(), None, &span) else {
            self.problems.push(Problem::at(span, error.message()));
            return false;
        };
        let name = found.path.last().map_or("", String::as_str);
        self.struck.insert((found.holder, name.to_owned()));
        if let Some((word, known)) = wording::unknown_field(error.message())
            && let Some(meant) = nearest(word, known.iter().copied())
        {
            self.struck.insert((found.holder, meant.to_owned()));
        }
        if !self.is_told(error, &span) {
            self.problems.push(wording::explain(error.message(), span, &found));
        }
        true
    }

    /// Whether this was said before: at the same place, or of a key that was struck out itself.
    fn is_told(&self, error: &toml::de::Error, span: &Range<usize>) -> bool {
        let missing_because_struck = wording::missing_field(error.message())
            .is_some_and(|key| self.struck.contains(&(Some(span.start), key.to_owned())));
        missing_because_struck
            || self.problems.iter().any(|problem| problem.span.as_ref() == Some(span))
    }
}

/// Takes the key or value at `span` out of `table`, the innermost if several match.
fn strike_table(
    table: &mut DeTable<'_>,
    start: Option<usize>,
    span: &Range<usize>,
) -> Option<Found> {
    let mut hit = None;
    for (key, value) in table.iter_mut() {
        let name = key.get_ref().to_string();
        let is_date = value.get_ref().is_datetime();
        if key.span() == *span {
            hit = Some((name, false));
            break;
        }
        if let Some(mut found) = strike_value(value, span) {
            found.path.insert(0, name);
            return Some(found);
        }
        if value.span() == *span {
            hit = Some((name, is_date));
            break;
        }
    }
    let (name, is_date) = hit?;
    table.remove(name.as_str());
    Some(Found { path: vec![name], holder: start, is_date })
}

fn strike_value(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Found> {
    let start = Some(value.span().start);
    match value.get_mut() {
        DeValue::Table(table) => strike_table(table, start, span),
        DeValue::Array(elements) => {
            let mut hit = None;
            for (index, element) in elements.iter_mut().enumerate() {
                if let Some(mut found) = strike_value(element, span) {
                    found.path.insert(0, ELEMENT.to_owned());
                    return Some(found);
                }
                if element.span() == *span {
                    hit = Some(index);
                    break;
                }
            }
            let index = hit?;
            let others = elements.iter().enumerate().filter(|(place, _)| *place != index);
            let others = others.map(|(_, element)| element.clone()).collect();
            *elements = others;
            Some(Found { path: vec![ELEMENT.to_owned()], holder: start, is_date: false })
        }
        _ => None,
    }
}
