//! Where things stand in the text of a scenario.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys and elements that were struck out because something about them is wrong, so that they
/// are not called missing besides: the table's place, and the key.
pub(super) type Struck = BTreeSet<(Option<usize>, String)>;

/// A place in the text: a value, or (where a key is missing) the table that lacks it.
#[derive(Copy, Clone)]
pub(super) struct Place<'a> {
    start: Option<usize>,
    end: usize,
    value: Value<'a>,
    struck: &'a Struck,
}

#[derive(Copy, Clone)]
enum Value<'a> {
    Root(&'a DeTable<'a>),
    Inner(&'a DeValue<'a>),
    Missing,
}

impl<'a> Place<'a> {
    /// The whole file.
    pub(super) fn root(tree: &'a DeTable<'a>, struck: &'a Struck) -> Self {
        Self { start: None, end: 0, value: Value::Root(tree), struck }
    }

    /// The value of `key`; where it is missing, this place itself.
    pub(super) fn key(self, key: &str) -> Self {
        self.child(self.table().and_then(|table| table.get(key)))
    }

    /// The element number `index`; where it is missing, this place itself.
    pub(super) fn index(self, index: usize) -> Self {
        let Value::Inner(DeValue::Array(elements)) = self.value else { return self.missing() };
        self.child(elements.get(index))
    }

    /// The value at `path`, keys and numbers with dots between, as far as it is there.
    pub(super) fn path(self, path: &str) -> Self {
        path.split('.').fold(self, |place, step| match step.parse() {
            Ok(index) => place.index(index),
            Err(_) => place.key(step),
        })
    }

    /// Whether something on the way of `path` was struck out.
    pub(super) fn struck_on(self, path: &str) -> bool {
        let mut place = self;
        path.split('.').any(|step| {
            let struck = place.struck(step) || place.lacks_elements();
            place = place.path(step);
            struck
        })
    }

    /// The place of `key` itself, where it is there.
    pub(super) fn key_span(self, key: &str) -> Option<Range<usize>> {
        self.table()?.get_key_value(key).map(|(key, _)| key.span())
    }

    /// The bytes of the text; absent for the whole file.
    pub(super) fn span(self) -> Option<Range<usize>> {
        self.start.map(|start| start..self.end)
    }

    /// Whether `key` is written here and was not struck out.
    pub(super) fn has(self, key: &str) -> bool {
        self.table().is_some_and(|table| table.get(key).is_some())
    }

    /// Whether `key` was struck out here: it is not missing, but wrong, and that was said.
    pub(super) fn struck(self, key: &str) -> bool {
        self.struck.contains(&(self.start, key.to_owned()))
    }

    /// Whether elements of this list were struck out.
    pub(super) fn lacks_elements(self) -> bool {
        self.struck(ELEMENT)
    }

    fn table(self) -> Option<&'a DeTable<'a>> {
        match self.value {
            Value::Root(table) | Value::Inner(DeValue::Table(table)) => Some(table),
            _ => None,
        }
    }

    fn child(self, value: Option<&'a Spanned<DeValue<'a>>>) -> Self {
        let Some(value) = value else { return self.missing() };
        let span = value.span();
        Self {
            start: Some(span.start),
            end: span.end,
            value: Value::Inner(value.get_ref()),
            struck: self.struck,
        }
    }

    fn missing(self) -> Self {
        Self { value: Value::Missing, ..self }
    }
}

/// Stands for any element of a list among struck-out keys.
pub(super) const ELEMENT: &str = "*";
