//! What a step sends: method, path, query, headers and body.

use http::{HeaderName, Method};

use crate::scenario::check::step::body::{self, Body, tell};
use crate::scenario::check::{Checker, Seen};
use crate::scenario::place::Place;
use crate::scenario::problem::did_you_mean;
use crate::scenario::written::step::StepTable;
use crate::step::funnel::Host;
use crate::step::message::Message;
use crate::step::template::{self, Draft, Literal, Part, Place as In, Scope, Template};

/// The methods of a step. `CONNECT` and `TRACE` ask nothing of a shop.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// How a generator introduces itself.
const AGENT: &str = concat!("spike/", env!("CARGO_PKG_VERSION"));

/// Fields that cannot be set by hand, and why.
const REFUSED: [(&str, &str); 15] = [
    ("host", "the step's `host`, or `[target] url`, says whom it asks"),
    ("content-length", "the length of each fan's body is counted"),
    ("transfer-encoding", "each fan's body is sent whole, with its length"),
    ("cookie", "cookies are kept per fan, as browsers keep them: take a step that sets them"),
    ("x-spike-run", "it marks every request of a run, with its id"),
    ("accept-encoding", "bodies are read as they come; a packed one could not be"),
    ("connection", "`connections` says how connections are used"),
    ("keep-alive", "`connections` says how connections are used"),
    ("proxy-connection", "`connections` says how connections are used"),
    ("upgrade", "only HTTP is spoken"),
    ("http2-settings", "`[live] protocol` says what is spoken"),
    ("expect", "the body goes out with its head"),
    ("te", "bodies are read as they come"),
    ("trailer", "nothing is sent after a body"),
    ("proxy-authorization", "it is for a proxy's eyes: `--proxy` names it"),
];

/// The request of a step that asks `host`.
pub(super) fn message(
    checker: &mut Checker,
    table: &StepTable,
    here: Place<'_>,
    host: &Host,
    scope: Scope<'_>,
) -> Message {
    let target = target(checker, table, here, scope);
    let body = body::body(checker, table, here, scope);
    let has_body = body.is_some() || here.has("json") || here.has("form") || here.has("body");
    let method = method(checker, table, here, if has_body { "POST" } else { "GET" });
    let content_type = body.as_ref().and_then(|body| body.content_type);
    let fields = fields(checker, table, here, content_type, scope);
    let body = match body {
        Some(Body { template, .. }) => Some(template),
        // Who expects a body is told that there is none (RFC 9110 §8.6).
        None => matches!(&*method, "POST" | "PUT" | "PATCH").then(Template::default),
    };
    Message::new(&method, &host.authority(), target, fields, body)
}

fn method(checker: &mut Checker, table: &StepTable, here: Place<'_>, usual: &str) -> String {
    let method = table.method.as_deref().unwrap_or(usual);
    let place = here.key("method");
    if METHODS.contains(&method) {
        return method.to_owned();
    }
    let upper = method.to_ascii_uppercase();
    let told = checker.wrong(place, format!("`method` is `{method}`"));
    match Method::from_bytes(method.as_bytes()) {
        _ if METHODS.contains(&&*upper) => told.advise(format!("write \"{upper}\"")),
        _ => told.advise(did_you_mean(&upper, &METHODS)),
    };
    usual.to_owned()
}

/// Path and query.
fn target(checker: &mut Checker, table: &StepTable, here: Place<'_>, scope: Scope<'_>) -> Template {
    let path = checker.required(table.path.as_ref(), here, "`[[step]]`", "path");
    let place = here.key("path");
    if table.path.is_some() {
        check_path(checker, &path, place);
    }
    let mut draft = Draft::default();
    draft.text(&path, In::Url, Literal::AsWritten, scope);
    tell(checker, place, &mut draft);
    if let Some(query) = &table.query {
        if !query.0.is_empty() {
            draft.raw(if path.contains('?') { b"&" } else { b"?" });
        }
        body::pairs(checker, query, here.key("query"), (&mut draft, In::Url), scope);
    }
    draft.finish().unwrap_or_default()
}

/// What stands in a path between its holes goes out as it is.
fn check_path(checker: &mut Checker, path: &str, place: Place<'_>) {
    if !path.starts_with('/') {
        let told = checker.wrong(place, format!("`path` is `{path}`"));
        told.mark("must begin with `/`");
        if path.contains("://") {
            told.advise("write scheme, name and port of another host as `host`");
        }
        return;
    }
    let literal = template::parts(path).filter_map(|part| match part {
        Ok(Part::Text(text)) => Some(text),
        Ok(Part::Hole(_)) | Err(_) => None,
    });
    let wrong = |letter: &char| !letter.is_ascii_graphic() || "#\"<>\\^`|".contains(*letter);
    if let Some(letter) = literal.flat_map(str::chars).find(wrong) {
        let mut buffer = [0; 4];
        let mut escaped = Vec::new();
        template::escape(In::Url, letter.encode_utf8(&mut buffer).as_bytes(), &mut escaped);
        let escaped = String::from_utf8_lossy(&escaped).into_owned();
        checker
            .wrong(place, format!("{letter:?} cannot stand in a path as it is"))
            .advise(format!("write `{escaped}`"));
    }
}

/// The fields of the head but `Host`: what marks every request, what says what the body is, and
/// the step's own.
fn fields(
    checker: &mut Checker,
    table: &StepTable,
    here: Place<'_>,
    content_type: Option<&str>,
    scope: Scope<'_>,
) -> Vec<(String, Template)> {
    let mut own = Vec::new();
    let mut seen = Seen::default();
    for (name, values) in table.headers.iter().flat_map(|pairs| &pairs.0) {
        let place = here.key("headers").key(name);
        if !check_name(checker, name, place) {
            continue;
        }
        if !seen.insert(&name.to_ascii_lowercase()) {
            checker
                .wrong(place, format!("the field `{name}` stands there twice"))
                .advise("write several values as a list");
        }
        for value in values {
            let value = field(checker, name, &value.text(), place, scope);
            own.push((name.clone(), value));
        }
    }
    let mut draft = Draft::default();
    draft.text("{{run}}", In::Field, Literal::AsWritten, scope);
    let run = draft.finish().unwrap_or_default();
    let plain = |text: &str| {
        let mut draft = Draft::default();
        draft.raw(text.as_bytes());
        draft.finish().unwrap_or_default()
    };
    let usual = [
        ("User-Agent", Some(plain(AGENT))),
        ("X-Spike-Run", Some(run)),
        ("Accept", Some(plain("*/*"))),
        ("Content-Type", content_type.map(plain)),
    ];
    let is_own = |name: &str| own.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
    let usual = usual.into_iter().filter(|(name, _)| !is_own(name));
    let usual = usual.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let mut fields: Vec<_> = usual.collect();
    fields.extend(own);
    fields
}

/// Whether a field of that name may be sent.
fn check_name(checker: &mut Checker, name: &str, place: Place<'_>) -> bool {
    let lower = name.to_ascii_lowercase();
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == lower) {
        checker.wrong(place, format!("the field `{name}` cannot be set by hand")).mark(*why);
        return false;
    }
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        checker
            .wrong(place, format!("{name:?} is no name of a field"))
            .mark("letters, digits and `-`, without blanks");
        return false;
    }
    true
}

/// A field's value. Who names an agent of their own still says who they are.
fn field(
    checker: &mut Checker,
    name: &str,
    text: &str,
    place: Place<'_>,
    scope: Scope<'_>,
) -> Template {
    let is_wrong = |letter: char| letter.is_control() && letter != '\t' || !letter.is_ascii();
    if let Some(letter) = text.chars().find(|letter| is_wrong(*letter)) {
        checker
            .wrong(place, format!("{letter:?} cannot stand in the field `{name}`"))
            .mark("letters of ASCII, on one line");
    }
    let mut draft = Draft::default();
    draft.text(text.trim(), In::Field, Literal::AsWritten, scope);
    if name.eq_ignore_ascii_case("user-agent") && !text.contains("spike/") {
        draft.raw(format!(" {AGENT}").as_bytes());
    }
    tell(checker, place, &mut draft);
    draft.finish().unwrap_or_default()
}
