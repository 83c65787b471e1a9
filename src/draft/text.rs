//! A draft as text: the scenario with its comments, and the fans' data.

use std::fmt::Write as _;

use domain::outcome::Operation;
use serde_json::Value;

use super::funnel::{Funnel, Step};
use super::link::{Body, Needs, Spoken, quoted};
use super::{DATA_FILE, Draft, privacy};
use crate::step::funnel::is_loopback;

/// How many fans a first try has, and how many rows of data.
const FANS: usize = 100;

/// Why text can be appended to.
const GROWS: &str = "text can be appended to";

/// The draft as files.
pub(super) fn write(name: &str, funnel: &Funnel, spoken: &[Spoken], needs: Needs) -> Draft {
    let mut text = head(name, funnel, &needs);
    for (step, said) in funnel.steps.iter().zip(spoken) {
        text.push('\n');
        write_step(&mut text, funnel, step, said);
    }
    text.push_str(LEDGERS);
    let data = (!needs.columns.is_empty()).then(|| rows(&needs.columns));
    Draft { scenario: text, data, notes: needs.notes }
}

fn head(name: &str, funnel: &Funnel, needs: &Needs) -> String {
    let host = url::Url::parse(&funnel.origin).ok();
    let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let mut text = format!(
        "# A first draft of what a browser did at {host}. Nothing of the person who was recorded is in it.\n\
         # Go on with `spike check`, then `spike try`: one fan walks the funnel, and you see each answer.\n\
         schema = 1\nname = {}\n\n[target]\nurl = {}\n",
        quoted(name),
        quoted(&funnel.origin)
    );
    if !is_loopback(&host) {
        writeln!(text, "allow_hosts = [{}]", quoted(&host)).expect(GROWS);
        text.push_str(
            "# One order of an item that nobody wants, before the storm: it must show up at the mock provider.\n\
             canary = { item = \"canary-item\" }\n",
        );
    }
    if !needs.columns.is_empty() {
        writeln!(text, "data = {}", quoted(DATA_FILE)).expect(GROWS);
    }
    text.push_str("\n[[sale]]\nid = \"sale\"\nopens = \"+10s\"\nlasts = \"30s\"\nitems = [\n");
    let unknown = ["an-item".to_owned()];
    let items = if needs.items.is_empty() { &unknown[..] } else { &needs.items };
    for item in items {
        let item = quoted(item);
        writeln!(text, "  {{ id = {item}, stock = 10, price = 1_000 }},    # look these up")
            .expect(GROWS);
    }
    write!(
        text,
        "]\n\n[[fans]]\nname = \"fans\"\ncount = {FANS}\n\
         arrive = {{ shape = \"logistic\", midpoint = \"-2s\", spread = \"1s\" }}\n\
         reload = {{ gap = {{ median = \"5s\", sigma = 0.8 }} }}\nthink = \"1s\"\n"
    )
    .expect(GROWS);
    text
}

fn write_step(text: &mut String, funnel: &Funnel, step: &Step, said: &Spoken) {
    writeln!(text, "[[step]]\nname = {}\nas = \"{}\"", quoted(&step.name), step.operation)
        .expect(GROWS);
    if step.exchange.method != "GET" {
        writeln!(text, "method = {}", quoted(&step.exchange.method)).expect(GROWS);
    }
    let origin = step.exchange.origin();
    if origin != funnel.origin {
        writeln!(text, "host = {}", quoted(&origin)).expect(GROWS);
    }
    writeln!(text, "path = {}", quoted(&said.path)).expect(GROWS);
    for (key, pairs) in [("query", &said.query), ("headers", &said.headers)] {
        if !pairs.is_empty() {
            writeln!(text, "{key} = {}", table(pairs)).expect(GROWS);
        }
    }
    match &said.body {
        Body::None => {}
        Body::Form(pairs) => writeln!(text, "form = {}", table(pairs)).expect(GROWS),
        Body::Json(json) => writeln!(text, "json = {}", inline(json)).expect(GROWS),
        Body::Raw(raw) => writeln!(text, "body = {}", quoted(raw)).expect(GROWS),
    }
    if step.operation == Operation::Checkout {
        write_where_the_intent_goes(text, said);
    }
    for (name, capture) in &step.captures {
        writeln!(text, "capture.{name} = {capture}").expect(GROWS);
    }
    write_outcomes(text, funnel, step);
}

/// By what a purchase is found again in both ledgers, where the recording had nothing of the kind.
fn write_where_the_intent_goes(text: &mut String, said: &Spoken) {
    let says = |hole: &str| format!("{said:?}").contains(hole);
    if says("{{intent}}") && says("{{key}}") {
        return;
    }
    if !says("{{intent}}") {
        text.push_str(
            "# The judge finds a purchase in both ledgers by {{intent}}: send it where the shop keeps a word\n\
             # of its client's, and let the shop bring it into the order and its payment.\n",
        );
    }
    let known = |kind: &str, pairs: &[(String, String)]| {
        let mut pairs = pairs.to_vec();
        pairs.push(("reference".to_owned(), "{{intent}}".to_owned()));
        format!("# {kind} = {}\n", table(&pairs))
    };
    if !says("{{intent}}") {
        let line = match &said.body {
            Body::Form(pairs) => known("form", pairs),
            Body::Json(Value::Object(members)) => {
                let mut members = members.clone();
                members.insert("reference".to_owned(), Value::String("{{intent}}".to_owned()));
                format!("# json = {}\n", inline(&Value::Object(members)))
            }
            Body::None => known("query", &said.query),
            Body::Json(_) | Body::Raw(_) => known("headers", &said.headers),
        };
        text.push_str(&line);
    }
    if !says("{{key}}") {
        text.push_str("# A click that is sent again has the same {{key}}:\n");
        let mut headers = said.headers.clone();
        headers.push(("idempotency-key".to_owned(), "{{key}}".to_owned()));
        writeln!(text, "# headers = {}", table(&headers)).expect(GROWS);
    }
}

/// Rules for the answers that were seen, and for those that a rush brings.
fn write_outcomes(text: &mut String, funnel: &Funnel, step: &Step) {
    let status = step.exchange.answer.status;
    let poll = funnel.steps.iter().find(|step| step.operation == Operation::Poll);
    text.push_str("outcome = [\n");
    match (step.operation, poll) {
        (Operation::Poll, _) => write_states(text, step),
        (Operation::Checkout, Some(poll)) => {
            let then = quoted(&poll.name);
            writeln!(text, "  {{ status = {status}, is = \"waiting\", then = {then} }},")
                .expect(GROWS);
        }
        (Operation::Checkout, None) if status == 202 => text.push_str(
            "  # 202 is accepted, and not bought yet: add a step `as = \"poll\"` that asks what became of\n\
             \x20 # the order, and lead there by `then`.\n\
             \x20 { status = 202, is = \"waiting\" },\n",
        ),
        _ => writeln!(text, "  {{ status = {status}, is = \"ok\" }},").expect(GROWS),
    }
    text.push_str("  { status = 429, is = \"rate_limited\" },\n]\n");
    text.push_str(unseen(step));
    if step.operation == Operation::Poll {
        text.push_str("every = \"500ms\"\ntimeout = \"30s\"\n");
    }
}

/// What the recording of one lucky visit cannot show.
fn unseen(step: &Step) -> &'static str {
    let sends = step.exchange.method != "GET";
    match step.operation {
        Operation::Checkout => {
            "# How does the shop say that nothing is left, and that a card was declined? Such as:\n\
             #   { status = 409, json = \"$.code\", equals = \"sold_out\", is = \"sold_out\" },\n\
             #   { status = 402, is = \"declined\" },\n"
        }
        Operation::Reload => {
            "# How does the page say that the sale is not open yet? Such as, before the others:\n\
             #   { status = 200, regex = \"coming soon\", is = \"not_open\" },\n"
        }
        Operation::Cart | Operation::Slots | Operation::Other if sends => {
            "# How does the shop say here that nothing is left? Such as:\n\
             #   { status = 409, json = \"$.code\", equals = \"sold_out\", is = \"sold_out\" },\n"
        }
        _ => "",
    }
}

/// What differed between the answers to the same question: the last one is taken for success.
fn write_states(text: &mut String, step: &Step) {
    let answers: Vec<Value> =
        step.answers.iter().filter_map(|answer| serde_json::from_str(answer).ok()).collect();
    let (Some(first), Some(last)) = (answers.first(), answers.last()) else {
        text.push_str("  { status = 200, is = \"ok\" },\n");
        return;
    };
    let states = first.as_object().into_iter().flatten().filter_map(|(key, before)| {
        let (before, after) = (before.as_str()?, last.get(key)?.as_str()?);
        let word = |text: &str| text.len() <= 40 && !text.contains(char::is_whitespace);
        (before != after && word(before) && word(after)).then_some((key, before, after))
    });
    let Some((key, before, after)) = states.into_iter().next() else {
        write_end(text, last);
        return;
    };
    let path = quoted(&format!("$.{key}"));
    for (state, is) in [(before, "waiting"), (after, "ok")] {
        let state = quoted(state);
        writeln!(text, "  {{ json = {path}, equals = {state}, is = \"{is}\" }},").expect(GROWS);
    }
}

/// The one answer that was heard is taken for success, by the word that it says of the order.
fn write_end(text: &mut String, answer: &Value) {
    let word = ["state", "status"].into_iter().find_map(|key| Some((key, answer[key].as_str()?)));
    let Some((key, word)) = word else {
        text.push_str("  { status = 200, is = \"ok\" },\n");
        return;
    };
    let (path, word) = (quoted(&format!("$.{key}")), quoted(word));
    writeln!(text, "  {{ json = {path}, equals = {word}, is = \"ok\" }},").expect(GROWS);
    text.push_str("  # And while the order is under way, sold out or declined? `is = \"waiting\"` and so on.\n");
}

fn table(pairs: &[(String, String)]) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut members = Vec::new();
    // A table has each key once: of several values the last counts, as in most shops.
    for (name, value) in pairs.iter().rev() {
        if !seen.contains(&name.as_str()) {
            seen.push(name);
            members.push(format!("{} = {}", key(name), quoted(value)));
        }
    }
    members.reverse();
    format!("{{ {} }}", members.join(", "))
}

fn key(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

/// JSON as a value of TOML, which knows no null: such members are left out.
fn inline(json: &Value) -> String {
    match json {
        Value::Null => "\"\"".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(inline).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| format!("{} = {}", key(name), inline(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

fn rows(columns: &[String]) -> String {
    let mut text = columns.join(",") + "\n";
    for row in 1..=FANS {
        let values: Vec<String> =
            columns.iter().map(|column| privacy::stand_in(column, row)).collect();
        text.push_str(&values.join(","));
        text.push('\n');
    }
    text
}

const LEDGERS: &str = r#"
# Who is right? Without ledgers the judge can say only how fast the shop was. Take the signs away and
# write the queries for your tables; the columns' names are the judge's.
# [ledger.shop]
# sql = "postgres://spike:{{env.SHOP_DB_PASSWORD}}@127.0.0.1/shop"
# stock = "select sku as item, quantity as stock from stock"
# orders = "select id as order_id, customer as fan, sku as item, quantity, status, payment, amount, reference as intent from orders"
# paid = ["paid"]
# [ledger.provider]
# mock = "http://127.0.0.1:12111"
"#;
