//! What a step sends behind its head, and all the texts with holes that a step has.

use crate::scenario::check::Checker;
use crate::scenario::place::Place;
use crate::scenario::written::step::StepTable;
use crate::scenario::written::values::{Json, Pairs, Scalar};
use crate::step::template::{self, Draft, Literal, Part, Place as In, Scope, Template};

/// A body, and the type that says what it is.
pub(super) struct Body {
    /// What is sent.
    pub(super) template: Template,
    /// Its type, unless the step's own headers say.
    pub(super) content_type: Option<&'static str>,
}

/// The body of a step, if it has one.
pub(super) fn body(
    checker: &mut Checker,
    table: &StepTable,
    here: Place<'_>,
    scope: Scope<'_>,
) -> Option<Body> {
    let kinds = ["json", "form", "body"];
    let written: Vec<&str> = kinds.into_iter().filter(|key| here.has(key)).collect();
    if let [first, second, ..] = written.as_slice() {
        checker
            .wrong(here.key(second), format!("the step has both `{first}` and `{second}`"))
            .mark("must be one of `json`, `form` and `body`");
        return None;
    }
    let mut draft = Draft::default();
    let content_type = if let Some(value) = &table.json {
        json(checker, value, here.key("json"), &mut draft, scope);
        Some("application/json")
    } else if let Some(pairs) = &table.form {
        form(checker, pairs, here.key("form"), &mut draft, scope);
        Some("application/x-www-form-urlencoded")
    } else if let Some(text) = &table.body {
        draft.text(text, place_of(table), Literal::AsWritten, scope);
        tell(checker, here.key("body"), &mut draft);
        None
    } else {
        return None;
    };
    let template = draft.finish().unwrap_or_default();
    Some(Body { template, content_type })
}

/// Tells what is wrong with the text at `place` that was just written.
pub(super) fn tell(checker: &mut Checker, place: Place<'_>, draft: &mut Draft) {
    for error in draft.wrong.drain(..) {
        checker.template(place, &error);
    }
}

/// How values are escaped in a body whose type the headers say.
fn place_of(table: &StepTable) -> In {
    let headers = table.headers.iter().flat_map(|pairs| &pairs.0);
    let mut types = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let value = types.next().and_then(|(_, values)| values.first()).map(Scalar::text);
    match value.unwrap_or_default().to_ascii_lowercase() {
        value if value.contains("json") => In::Json,
        value if value.contains("x-www-form-urlencoded") => In::Form,
        _ => In::Plain,
    }
}

/// Names and values, as in a form or a query.
pub(super) fn pairs(
    checker: &mut Checker,
    pairs: &Pairs,
    here: Place<'_>,
    (draft, place): (&mut Draft, In),
    scope: Scope<'_>,
) {
    let mut is_first = true;
    for (name, values) in &pairs.0 {
        for value in values {
            let mut escaped = Vec::new();
            template::escape(place, name.as_bytes(), &mut escaped);
            draft.raw(if is_first { b"" } else { b"&" });
            draft.raw(&escaped);
            draft.raw(b"=");
            draft.text(&value.text(), place, Literal::Escaped, scope);
            tell(checker, here.key(name), draft);
            is_first = false;
        }
    }
}

fn form(
    checker: &mut Checker,
    written: &Pairs,
    here: Place<'_>,
    draft: &mut Draft,
    scope: Scope<'_>,
) {
    pairs(checker, written, here, (draft, In::Form), scope);
}

/// JSON with holes inside its texts; a text that is one hole with a form becomes the value itself.
fn json(checker: &mut Checker, value: &Json, here: Place<'_>, draft: &mut Draft, scope: Scope<'_>) {
    match value {
        Json::Leaf(Scalar::Text(text)) => {
            let is_value = is_formed_hole(text);
            let place = if is_value { In::JsonValue } else { In::Json };
            let quote: &[u8] = if is_value { b"" } else { b"\"" };
            draft.raw(quote);
            draft.text(text, place, Literal::Escaped, scope);
            draft.raw(quote);
            tell(checker, here, draft);
        }
        Json::Leaf(Scalar::Number(number)) => {
            let number = serde_json::Number::from_f64(*number);
            draft.raw(number.expect("the reader takes finite numbers").to_string().as_bytes());
        }
        Json::Leaf(Scalar::Truth(truth)) => draft.raw(truth.to_string().as_bytes()),
        Json::Whole(number) => draft.raw(number.to_string().as_bytes()),
        Json::List(elements) => {
            draft.raw(b"[");
            for (index, element) in elements.iter().enumerate() {
                draft.raw(if index == 0 { b"" } else { b"," });
                json(checker, element, here.index(index), draft, scope);
            }
            draft.raw(b"]");
        }
        Json::Object(members) => {
            draft.raw(b"{");
            for (index, (name, member)) in members.iter().enumerate() {
                draft.raw(if index == 0 { b"" } else { b"," });
                let name_in_quotes = serde_json::to_vec(name).expect("a text becomes JSON");
                draft.raw(&name_in_quotes);
                draft.raw(b":");
                json(checker, member, here.key(name), draft, scope);
            }
            draft.raw(b"}");
        }
    }
}

/// Whether a text is nothing but one hole whose value takes another form, `{{quantity:number}}`.
fn is_formed_hole(text: &str) -> bool {
    let mut parts = template::parts(text);
    let is_formed = matches!(parts.next(), Some(Ok(Part::Hole(hole))) if hole.contains(':'));
    is_formed && parts.next().is_none()
}

/// All texts with holes that a step has, each with its place.
pub(super) fn texts<'a>(table: &'a StepTable, here: Place<'a>) -> Vec<(Place<'a>, &'a str)> {
    let mut texts = Vec::new();
    let path = table.path.as_deref().map(|path| (here.key("path"), path));
    let body = table.body.as_deref().map(|body| (here.key("body"), body));
    texts.extend(path.into_iter().chain(body));
    let of = [("headers", &table.headers), ("query", &table.query), ("form", &table.form)];
    for (key, pairs) in of {
        for (name, values) in pairs.iter().flat_map(|pairs| &pairs.0) {
            for value in values {
                if let Scalar::Text(text) = value {
                    texts.push((here.key(key).key(name), text.as_str()));
                }
            }
        }
    }
    if let Some(value) = &table.json {
        json_texts(value, here.key("json"), &mut texts);
    }
    texts
}

fn json_texts<'a>(value: &'a Json, here: Place<'a>, texts: &mut Vec<(Place<'a>, &'a str)>) {
    match value {
        Json::Leaf(Scalar::Text(text)) => texts.push((here, text)),
        Json::Leaf(_) | Json::Whole(_) => {}
        Json::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                json_texts(element, here.index(index), texts);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                json_texts(member, here.key(name), texts);
            }
        }
    }
}
