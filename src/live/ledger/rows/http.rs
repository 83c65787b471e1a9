//! Rows of JSON documents: an array of objects, an object with one array, or an object per line.

use reqwest::StatusCode;
use reqwest::header::DATE;
use serde_json::{Map, Value as Json};
use tokio::sync::mpsc::Sender;

use super::{Heard, Question, Rowing, Value, in_time, with_causes};
use crate::live::abroad::Trust;
use crate::live::ledger::server::Server;
use crate::scenario::target::Kind;

/// The largest document that is read \[bytes\]: some million rows, which must fit into memory.
const DOCUMENT_MAX: usize = 1 << 30;

/// Answers `questions`, which are paths of the server at `base`, one after the other.
pub(super) async fn answer(
    base: &str,
    trust: &Trust,
    questions: Vec<Question>,
    said: Sender<Heard>,
) -> Result<(), String> {
    let server = Server::at(base, trust)?;
    for Question { kind, text } in questions {
        let found = in_time(rows(&server, kind, &text, &said)).await;
        if said.send(Heard::End(kind, found)).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn rows(server: &Server, kind: Kind, path: &str, said: &Sender<Heard>) -> Result<(), String> {
    let failed = |error: reqwest::Error| with_causes(&error.without_url());
    let mut response = server.get(path).send().await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        return Err(format!("{path} answered {}", response.status()));
    }
    let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
    if let Some(utc_ns) = date.and_then(clock) {
        // Nobody listens only when the question is given up.
        let _ = said.send(Heard::Clock { utc_ns, error_ns: 500_000_000 }).await;
    }
    let mut document = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(failed)? {
        document.extend_from_slice(&bytes);
        if document.len() > DOCUMENT_MAX {
            return Err(format!("{path} is longer than {DOCUMENT_MAX} bytes"));
        }
    }
    let objects = objects(&document).map_err(|why| format!("{path}: {why}"))?;
    let columns = columns(&objects);
    said.send(Heard::Columns(kind, columns.iter().map(|name| name.to_ascii_lowercase()).collect()))
        .await
        .map_err(|_| "nobody listens".to_owned())?;
    let mut rowing = Rowing::new(said);
    for object in &objects {
        let value = |name: &String| object.get(name).map_or(Value::Null, text);
        rowing.row(columns.iter().map(value).collect()).await?;
    }
    Ok(())
}

/// The middle of the second that a field `Date` names \[ns of UTC\].
fn clock(date: &str) -> Option<u64> {
    let at = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    u64::try_from(at.as_nanosecond()).ok()?.checked_add(500_000_000)
}

/// The objects of a document.
fn objects(document: &[u8]) -> Result<Vec<Map<String, Json>>, String> {
    let each = |rows: Vec<Json>| {
        let object = |(place, row): (usize, Json)| match row {
            Json::Object(object) => Ok(object),
            _ => Err(format!("row {} is no object", place + 1)),
        };
        rows.into_iter().enumerate().map(object).collect()
    };
    match serde_json::from_slice(document) {
        Ok(Json::Array(rows)) => each(rows),
        Ok(Json::Object(object)) => within(object),
        Ok(_) => Err("it is neither an array nor an object".to_owned()),
        Err(whole) => {
            let lines = document.split(|byte| *byte == b'\n');
            let lines = lines.filter(|line| !line.iter().all(u8::is_ascii_whitespace));
            let rows: Result<Vec<Json>, _> = lines.map(serde_json::from_slice).collect();
            match rows {
                Ok(rows) => each(rows),
                Err(_) => Err(format!("it is no JSON: {whole}")),
            }
        }
    }
}

/// The rows within an object: its one array, or the object itself.
fn within(object: Map<String, Json>) -> Result<Vec<Map<String, Json>>, String> {
    let arrays: Vec<&str> = object
        .iter()
        .filter(|(_, value)| value.is_array())
        .map(|(name, _)| name.as_str())
        .collect();
    match arrays.as_slice() {
        [] => Ok(vec![object]),
        [one] => {
            let rows = &object[*one];
            objects(rows.to_string().as_bytes())
        }
        several => Err(format!("it has {} arrays: {}", several.len(), several.join(", "))),
    }
}

/// All names, in the order in which they come first; of a document without rows, every name that
/// is known, for no row lacks any.
fn columns(objects: &[Map<String, Json>]) -> Vec<String> {
    if objects.is_empty() {
        return super::super::mapping::COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    }
    let mut seen = std::collections::BTreeSet::new();
    let names = objects.iter().flat_map(|object| object.keys());
    names.filter(|name| seen.insert(name.as_str())).cloned().collect()
}

fn text(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Text(truth.to_string()),
        Json::Number(number) => Value::Text(number.to_string()),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) => Value::Odd("a list"),
        Json::Object(_) => Value::Odd("an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_each_form_of_document() {
        let expected = objects(br#"[{"item":"tee","stock":4},{"item":"cap"}]"#).unwrap();
        assert_eq!(expected.len(), 2);
        for form in [
            r#"{"next":null,"data":[{"item":"tee","stock":4},{"item":"cap"}]}"#,
            "{\"item\":\"tee\",\"stock\":4}\n\n{\"item\":\"cap\"}\n",
        ] {
            assert_eq!(objects(form.as_bytes()).unwrap(), expected, "{form}");
        }
        assert_eq!(columns(&expected), ["item", "stock"]);
    }

    #[test]
    fn a_document_that_holds_no_rows_says_why() {
        for (document, why) in [
            ("", "no JSON"),
            ("<html>", "no JSON"),
            ("4", "neither"),
            (r#"{"a":[],"b":[]}"#, "2 arrays: a, b"),
            ("[1]", "row 1"),
        ] {
            let told = objects(document.as_bytes());
            match told {
                Err(told) => assert!(told.contains(why), "{document}: {told}"),
                Ok(rows) => assert!(document.is_empty() && rows.is_empty(), "{document}"),
            }
        }
    }

    #[test]
    fn a_date_is_a_second_of_utc() {
        assert_eq!(clock("Thu, 01 Jan 1970 00:00:01 GMT"), Some(1_500_000_000));
        assert_eq!(clock("yesterday"), None);
    }
}
