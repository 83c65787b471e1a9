//! JSON lines: an object for each value or event.

use serde_json::{Map, Value};

use super::{Cells, Fault, Gathered};

/// What an object looks like.
const OBJECT: &str =
    "write {\"time\": …, \"series\": \"…\", \"value\": …} or \"text\" on a line of its own";

/// Reads what begins at `from`.
pub(super) fn read(from: usize, gathered: &mut Gathered<'_>) {
    let text = gathered.text;
    let mut start = from;
    for line in text[from..].split_inclusive('\n') {
        let span = start..start + line.trim_end().len();
        start += line.len();
        if line.trim().is_empty() {
            continue;
        }
        if !gathered.has_room() {
            return;
        }
        match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(object) => take(&object, span, gathered),
            Err(error) => {
                // Its own line number is always 1.
                let why = error.to_string();
                let why = why.split(" at line ").next().unwrap_or_default();
                gathered.wrong(Fault::at(
                    span,
                    format!("the line is no JSON object: {why}"),
                    OBJECT,
                ));
            }
        }
    }
}

fn take(object: &Map<String, Value>, line: std::ops::Range<usize>, gathered: &mut Gathered<'_>) {
    let written = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err((name.to_owned(), other.to_string())),
    };
    let cells = ["time", "series", "value", "text"].map(written);
    for (name, other) in cells.iter().filter_map(|cell| cell.as_ref().err()) {
        let message = format!("`{name}` is {other}, neither a text nor a number");
        let place = gathered.place(&line, other);
        gathered.wrong(Fault::at(place, message, OBJECT));
    }
    let known = ["time", "series", "value", "text"];
    let others = object.keys().filter(|key| !known.contains(&key.as_str()));
    gathered.sheet.ignored.extend(others.cloned());
    if let [Ok(time), Ok(series), Ok(value), Ok(text)] = cells {
        let filled = |cell: &Option<String>| cell.clone().filter(|cell| !cell.is_empty());
        let (value, text) = (filled(&value), filled(&text));
        gathered.row(&Cells {
            line,
            time: &time.unwrap_or_default(),
            series: &series.unwrap_or_default(),
            value: value.as_deref(),
            text: text.as_deref(),
        });
    }
}
