//! `--set a.b=value`, `--seed` and `--scale`: changes to a scenario's text that keep its comments.

use toml_edit::{DocumentMut, InlineTable, Item, Key, Table, TableLike, Value};

use crate::scenario::check::SCALE_MAX;
use crate::scenario::problem::{Problem, did_you_mean};
use crate::scenario::schema::{Node, schema};

/// What the command line changes in a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Each `a.b=value`, in order: lists by number, such as `provider.limits.0.rate=30`; a value
    /// that is no TOML is text.
    pub set: Vec<String>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--scale`, for any world.
    pub scale: Option<f64>,
}

impl Overrides {
    /// Whether one of `set` says what `key` is: that key itself, what holds it, or a part of it.
    pub(super) fn sets(&self, key: &str) -> bool {
        let Ok(wanted) = Key::parse(key) else { return false };
        let mut paths = self.set.iter().filter_map(|set| Key::parse(split(set)?.0).ok());
        paths.any(|path| path.iter().zip(&wanted).all(|(said, wanted)| said.get() == wanted.get()))
    }

    /// Each override as it stood on the command line, one line each.
    pub(super) fn lines(&self) -> Vec<String> {
        // A line break in a value must not end the comment it will stand in.
        let one_line = |set: &String| format!("--set {}", set.replace(char::is_control, " "));
        let mut lines: Vec<String> = self.set.iter().map(one_line).collect();
        lines.extend(self.seed.map(|seed| format!("--seed {seed}")));
        lines.extend(self.scale.map(|scale| format!("--scale {scale}")));
        lines
    }
}

/// The text with all overrides, and what is wrong with those that could not be made. Text that is
/// no TOML stays as it is: its own problems are told where it is read.
pub(super) fn apply(text: &str, overrides: &Overrides) -> (String, Vec<Problem>) {
    let mut problems = Vec::new();
    if let Some(scale) = overrides.scale.filter(|scale| !(*scale > 0.0 && *scale <= SCALE_MAX)) {
        let message = format!("--scale {scale}: must be more than 0 and at most {SCALE_MAX}");
        problems.push(Problem::nowhere(message));
    }
    if overrides.set.is_empty() && overrides.seed.is_none() {
        return (text.to_owned(), problems);
    }
    let Ok(mut document) = text.parse::<DocumentMut>() else { return (text.to_owned(), problems) };
    let schema = schema();
    for set in &overrides.set {
        if let Err(problem) = set_one(&mut document, set, &schema) {
            problems.push(problem);
        }
    }
    if let Some(seed) = overrides.seed {
        // TOML's integers are signed; a larger seed is written as text of its number, which
        // nothing reads: it is refused here instead.
        match i64::try_from(seed) {
            Ok(seed) => put(document.as_table_mut(), &Key::new("seed"), seed.into()),
            Err(_) => problems
                .push(Problem::nowhere(format!("--seed {seed}: must be at most {}", i64::MAX))),
        }
    }
    (document.to_string(), problems)
}

/// The text with `[live] scale` set; text that is no TOML stays as it is.
pub(super) fn set_scale(text: &str, scale: f64) -> String {
    let Ok(mut document) = text.parse::<DocumentMut>() else { return text.to_owned() };
    let path = [Key::new("live"), Key::new("scale")];
    put_in_table(document.as_table_mut(), &path, scale.into());
    document.to_string()
}

fn set_one(
    document: &mut DocumentMut,
    set: &str,
    schema: &serde_json::Value,
) -> Result<(), Problem> {
    let (path, text) = split(set)
        .ok_or_else(|| wrong(set, "it has no value").hint("write `--set key.key=value`"))?;
    let path = Key::parse(path).map_err(|_| {
        wrong(set, "it is no path of keys")
            .hint("write keys with dots between, and list entries by number: `fans.0.count`")
    })?;
    let mut node = Node::root(schema);
    let mut item = Some(document.as_item());
    for (depth, key) in path.iter().enumerate() {
        let so_far = join(&path[..depth]);
        node = step(node, item, key.get(), &so_far).map_err(|(why, hint)| {
            let problem = wrong(set, &why);
            if hint.is_empty() { problem } else { problem.hint(hint) }
        })?;
        item = item.and_then(|item| child(item, key.get()));
    }
    let value = value_of(text, node);
    put_in_table(document.as_table_mut(), &path, value);
    Ok(())
}

fn wrong(set: &str, why: &str) -> Problem {
    Problem::nowhere(format!("--set {set}: {why}"))
}

/// Path and value of `a."b=c"=value`: the first equals sign outside quotes divides them.
fn split(set: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (place, letter) in set.char_indices() {
        match (quote, letter) {
            (None, '=') => return Some((set[..place].trim(), set[place + 1..].trim())),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if letter == open => quote = None,
            _ => {}
        }
    }
    None
}

fn join(path: &[Key]) -> String {
    path.iter().map(Key::get).collect::<Vec<_>>().join(".")
}

/// One step along a path: what may stand at `key`, or why there is no such place and what is.
fn step<'a>(
    node: Node<'a>,
    item: Option<&Item>,
    key: &str,
    so_far: &str,
) -> Result<Node<'a>, (String, String)> {
    if let Some(element) = node.element().filter(|_| !node.is_table()) {
        let length = item.map_or(0, length);
        let there = match length {
            0 => format!("`{so_far}` has no entries in the file"),
            1 => format!("`{so_far}.0` is its one entry"),
            _ => format!("its entries are `{so_far}.0` to `{so_far}.{}`", length - 1),
        };
        return match key.parse::<usize>() {
            Ok(index) if index < length => Ok(element),
            Ok(_) => Err((format!("there is no `{so_far}.{key}`"), there)),
            Err(_) => Err((format!("`{so_far}` is a list"), there)),
        };
    }
    let place = if so_far.is_empty() { "the scenario".to_owned() } else { format!("`{so_far}`") };
    node.key(key).ok_or_else(|| match node.keys() {
        keys if keys.is_empty() => (format!("{place} has no keys of its own"), String::new()),
        keys => (format!("unknown key `{key}` in {place}"), did_you_mean(key, &keys)),
    })
}

fn length(item: &Item) -> usize {
    match item {
        Item::ArrayOfTables(tables) => tables.len(),
        Item::Value(Value::Array(values)) => values.len(),
        _ => 0,
    }
}

/// What stands at `key` of `item`, or at that number of a list.
fn child<'a>(item: &'a Item, key: &str) -> Option<&'a Item> {
    match (item, key.parse::<usize>()) {
        (Item::ArrayOfTables(_) | Item::Value(Value::Array(_)), Ok(index)) => item.get(index),
        _ => item.get(key),
    }
}

/// A value as typed: TOML if it is, otherwise (and where only text may stand) text.
fn value_of(text: &str, node: Node<'_>) -> Value {
    match text.parse::<Value>() {
        Ok(value @ Value::String(_)) => value,
        Ok(Value::Datetime(_)) | Err(_) => text.into(),
        Ok(_) if node.is_text_alone() => text.into(),
        Ok(value) => value,
    }
}

/// Puts `value` at `path`, making tables on the way; every step was found right before.
fn put_in_table(table: &mut dyn TableLike, path: &[Key], value: Value) {
    let (key, rest) = path.split_first().expect("a path has at least one key");
    if rest.is_empty() {
        put(table, key, value);
        return;
    }
    if table.get(key.get()).is_none() {
        let is_document = table.get("name").is_some() && table.get("sale").is_some();
        let new = if is_document { Item::Table(Table::new()) } else { inline_table() };
        table.insert(key.get(), new);
    }
    put_in_item(table.get_mut(key.get()).expect("it was just made"), rest, value);
}

fn inline_table() -> Item {
    Item::Value(Value::InlineTable(InlineTable::new()))
}

fn put_in_item(item: &mut Item, path: &[Key], value: Value) {
    match item {
        Item::Table(table) => put_in_table(table, path, value),
        Item::ArrayOfTables(tables) => {
            let (index, rest) = path.split_first().expect("a path has at least one key");
            if let Some(table) = number(index).and_then(|index| tables.get_mut(index)) {
                match (rest.is_empty(), &value) {
                    (true, Value::InlineTable(new)) => *table = new.clone().into_table(),
                    (true, _) => {}
                    (false, _) => put_in_table(table, rest, value),
                }
            }
        }
        Item::Value(old) => put_in_value(old, path, value),
        Item::None => *item = Item::Value(value),
    }
}

fn put_in_value(old: &mut Value, path: &[Key], value: Value) {
    match old {
        Value::InlineTable(table) => put_in_table(table, path, value),
        Value::Array(elements) => {
            let (index, rest) = path.split_first().expect("a path has at least one key");
            let element = number(index).and_then(|index| elements.get_mut(index));
            match element {
                Some(element) if rest.is_empty() => replace(element, value),
                Some(element) => put_in_value(element, rest, value),
                None => {}
            }
        }
        // Text such as `gap = "6s"` gives way to the table whose key is set.
        _ => {
            let mut table = InlineTable::new();
            put_in_table(&mut table, path, value);
            replace(old, Value::InlineTable(table));
        }
    }
}

fn number(key: &Key) -> Option<usize> {
    key.get().parse().ok()
}

fn put(table: &mut dyn TableLike, key: &Key, value: Value) {
    match table.get_mut(key.get()) {
        Some(Item::Value(old)) => replace(old, value),
        _ => {
            table.insert(key.get(), Item::Value(value));
        }
    }
}

/// Replaces a value and keeps the blanks and comments around it.
fn replace(old: &mut Value, mut new: Value) {
    *new.decor_mut() = old.decor().clone();
    *old = new;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_set_by_itself_by_what_holds_it_and_by_its_parts() {
        let set = ["stack.edge.service={ p50 = \"1ms\" }", "objectives.\"a.b\"=< 1s", "fans"];
        let overrides = Overrides { set: set.map(str::to_owned).to_vec(), ..Overrides::default() };
        for (key, expected) in [
            ("stack.edge.service", true),
            ("stack.\"edge\" . service.p50", true),
            ("stack.edge", true),
            ("stack.edge.servers", false),
            ("stack.application.service", false),
            ("objectives.\"a.b\"", true),
            ("objectives.a.b", false),
            // It has no value.
            ("fans", false),
        ] {
            assert_eq!(overrides.sets(key), expected, "{key}");
        }
    }
}
