//! What serde and the TOML parser say, in the words of a person who writes a scenario.

use std::ops::Range;

use crate::scenario::place::ELEMENT;
use crate::scenario::problem::{Problem, did_you_mean};
use crate::scenario::recover::Found;

/// What the TOML parser found.
pub(super) fn syntax_error(error: &toml::de::Error, text: &str) -> Problem {
    let message = match (error.message(), error.span()) {
        ("duplicate key", Some(span)) => {
            format!("the key `{}` is written twice", &text[span])
        }
        (message, _) => format!("not TOML: {message}"),
    };
    match error.span() {
        Some(span) => Problem::at(span, message),
        None => Problem::nowhere(message),
    }
}

/// The unknown key and the known ones, if that is what serde says.
pub(super) fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    unknown(message, "unknown field ")
}

/// The missing key, if that is what serde says.
pub(super) fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field ").and_then(|rest| rest.split('`').nth(1))
}

/// What serde found wrong at `span`.
pub(super) fn explain(message: &str, span: Range<usize>, found: &Found) -> Problem {
    let (name, table) = names(&found.path);
    if let Some((word, known)) = unknown_field(message) {
        return unknown_key(word, &known, span, &table);
    }
    if let Some((word, known)) = unknown(message, "unknown variant ") {
        return Problem::at(span, format!("unknown word `{word}` for {name}"))
            .label(format!("not a word for {name}"))
            .hint(did_you_mean(word, &known));
    }
    if let Some(key) = missing_field(message) {
        return Problem::at(span, format!("missing key `{key}` in {}", table_name(&found.path)))
            .label("is not complete");
    }
    match wrong_type(message) {
        Some((_, wanted)) if found.is_date => {
            Problem::at(span, format!("{name} wants {wanted}, not a bare date"))
                .label(format!("wants {wanted}"))
                .hint("write it in quotes")
        }
        Some((got, wanted)) => {
            let problem = Problem::at(span, format!("{name} wants {wanted}, not {got}"))
                .label(format!("wants {wanted}"));
            match type_hint(&got, &wanted, &found.path) {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        }
        None => unreadable(&name, message, span),
    }
}

/// What a value's own reader says: its advice (`…: write …`) becomes the hint.
fn unreadable(name: &str, message: &str, span: Range<usize>) -> Problem {
    if let Some(laws) = message.strip_prefix("a law is ") {
        return Problem::at(span, format!("{name} is no law of lengths of time"))
            .hint(format!("write {laws}"));
    }
    let (why, advice) = match message.split_once(": write ") {
        Some((why, advice)) => (why, Some(format!("write {advice}"))),
        None => (message, None),
    };
    let problem = Problem::at(span, format!("{name} cannot be read: {why}"));
    match advice {
        Some(advice) => problem.hint(advice),
        None => problem,
    }
}

fn unknown_key(word: &str, known: &[&str], span: Range<usize>, table: &str) -> Problem {
    Problem::at(span, format!("unknown key `{word}` in {table}"))
        .label(format!("not a key of {table}"))
        .hint(did_you_mean(word, known))
}

/// The word and the known ones, of serde's "unknown …, expected one of …" with both in backticks.
fn unknown<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let mut quoted = message.strip_prefix(prefix)?.split('`').skip(1).step_by(2);
    let word = quoted.next()?;
    Some((word, quoted.collect()))
}

/// What was found and what was wanted, of serde's `invalid type: …, expected …`.
fn wrong_type(message: &str) -> Option<(String, String)> {
    let rest = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix))?;
    let (got, wanted) = rest.split_once(", expected ")?;
    let is_number = message.starts_with("invalid value");
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" if !is_number => "a whole number".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65,535".to_owned(),
        "u32" => "a whole number from 0 to 4,294,967,295".to_owned(),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "f64" => "a number".to_owned(),
        "a string" => "text in quotes".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a map" => "a table".to_owned(),
        _ if wanted.starts_with("struct ") => "a table".to_owned(),
        _ => wanted.to_owned(),
    };
    let got = match got.split_once(' ') {
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer" | "boolean", text)) => text.to_owned(),
        Some(("floating", text)) => text.trim_start_matches("point ").to_owned(),
        _ if got == "map" => "a table".to_owned(),
        _ if got == "sequence" => "a list".to_owned(),
        _ => got.to_owned(),
    };
    Some((got, wanted))
}

fn type_hint(got: &str, wanted: &str, path: &[String]) -> Option<String> {
    let header = path.iter().filter(|step| *step != ELEMENT).cloned().collect::<Vec<_>>().join(".");
    match (got, wanted) {
        ("a table", "a list") => Some(format!("write `[[{header}]]`, once for each")),
        (_, "text in quotes") if got.starts_with('`') => {
            Some(format!("write it in quotes: \"{}\"", got.trim_matches('`')))
        }
        (_, number) if number.contains("number") => {
            let text = got.strip_prefix("the text ")?.trim_matches('"').replace('_', "");
            text.parse::<f64>().ok().map(|_| "write it without quotes".to_owned())
        }
        _ => None,
    }
}

/// What stands at the end of `path`, and the table that holds it, as a person calls them.
fn names(path: &[String]) -> (String, String) {
    let (last, holders) = path.split_last().expect("a place in the tree has a path");
    let name = match (last.as_str(), holders.last()) {
        (ELEMENT, Some(key)) => format!("an element of `{key}`"),
        (key, _) => format!("`{key}`"),
    };
    (name, table_name(holders))
}

/// A table as a person calls it: `[shop]`, `[[sale]]`, `items` of `[[sale]]`.
pub(super) fn table_name(path: &[String]) -> String {
    let Some((top, inner)) = path.split_first() else { return "the scenario".to_owned() };
    let (top, inner) = match inner.split_first() {
        Some((element, inner)) if element == ELEMENT => (format!("`[[{top}]]`"), inner),
        _ => (format!("`[{top}]`"), inner),
    };
    let keys: Vec<&str> =
        inner.iter().map(String::as_str).filter(|step| *step != ELEMENT).collect();
    if keys.is_empty() { top } else { format!("`{}` of {top}", keys.join(".")) }
}

/// A whole number with commas between thousands.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let first = digits.len() % 3;
    let mut grouped = digits[..first].to_owned();
    for (place, letter) in digits[first..].chars().enumerate() {
        if place % 3 == 0 && !grouped.is_empty() {
            grouped.push(',');
        }
        grouped.push(letter);
    }
    grouped
}
