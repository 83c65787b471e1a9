//! How a step's answer is read: what is kept of it, and what it means.

use domain::outcome::Outcome;
use http::HeaderName;

use crate::scenario::check::Checker;
use crate::scenario::check::step::{Plan, operation};
use crate::scenario::place::Place;
use crate::scenario::problem::did_you_mean;
use crate::scenario::written::step::{OutcomeTable, StepTable};
use crate::scenario::written::values::Scalar;
use crate::step::Names;
use crate::step::capture::{Capture, CaptureError, Kept, Need};
use crate::step::rule::{Condition, Pattern, Rule, Rules, Test};

/// The ways to say where a value stands.
const WAYS: [&str; 4] = ["json", "regex", "header", "css"];

/// Where a value stands, as written.
#[derive(Copy, Clone)]
struct Source<'a> {
    json: Option<&'a str>,
    regex: Option<&'a str>,
    header: Option<&'a str>,
    css: Option<&'a str>,
    attr: Option<&'a str>,
}

/// What is kept of an answer.
pub(super) fn captures(
    checker: &mut Checker,
    table: &StepTable,
    here: Place<'_>,
    names: &Names,
) -> Vec<Kept> {
    let mut captures = Vec::new();
    for (name, written) in &table.capture {
        let place = here.key("capture").key(name);
        let source = Source {
            json: written.json.as_deref(),
            regex: written.regex.as_deref(),
            header: written.header.as_deref(),
            css: written.css.as_deref(),
            attr: written.attr.as_deref(),
        };
        let is_struck = WAYS.into_iter().any(|key| place.struck(key));
        let found = capture(checker, source, place);
        if found.is_none() && !is_struck && WAYS.into_iter().all(|key| !place.has(key)) {
            checker
                .wrong(place, format!("`capture.{name}` does not say where it stands"))
                .advise("write one of `json`, `regex`, `header` and `css`");
        }
        let need = if written.optional { Need::Optional } else { Need::Required };
        let found = names.find(name).zip(found);
        captures.extend(found.map(|(name, at)| Kept { name, at, need }));
    }
    captures
}

/// Where a value stands, compiled; absent where nothing is said, or something is wrong with it.
fn capture(checker: &mut Checker, source: Source<'_>, place: Place<'_>) -> Option<Capture> {
    let written: Vec<&str> = WAYS.into_iter().filter(|key| place.has(key)).collect();
    if source.attr.is_some() && source.css.is_none() && !written.is_empty() {
        checker.wrong(place.key("attr"), "`attr` without `css`").mark("is of no element");
    }
    let [key] = written.as_slice() else {
        if let [first, second, ..] = written.as_slice() {
            checker
                .wrong(place.key(second), format!("both `{first}` and `{second}`"))
                .mark("must be one of `json`, `regex`, `header` and `css`");
        }
        return None;
    };
    let compiled = match source {
        Source { json: Some(path), .. } => Capture::json(path),
        Source { regex: Some(pattern), .. } => Capture::regex(pattern),
        Source { css: Some(selector), attr, .. } => Capture::css(selector, attr),
        Source { header: Some(name), .. } => {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                checker.wrong(place.key("header"), format!("{name:?} is no name of a field"));
                return None;
            }
            Ok(Capture::field(name))
        }
        _ => return None,
    };
    compiled.map_err(|error| unreadable(checker, &error, place.key(key))).ok()
}

fn unreadable(checker: &mut Checker, error: &CaptureError, place: Place<'_>) {
    match error {
        CaptureError::Json { path, why } => checker
            .wrong(place, format!("`{path}` is no JSON path: {}", one_line(why)))
            .advise("write it as in RFC 9535: `$.order.id` is the member `id` of `order`"),
        CaptureError::Regex { pattern, why } => checker
            .wrong(place, format!("`{pattern}` is no regular expression: {}", last_line(why))),
        CaptureError::Css { selector } => {
            checker.wrong(place, format!("`{selector}` is no selector of one element")).advise(
                "name it by what it is and what it stands in, such as `#buy input[name=csrf_token]`; \
                 `>`, `+` and `~` cannot be asked for",
            )
        }
    };
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A regular expression's error draws the place over several lines; its last one says it.
fn last_line(text: &str) -> String {
    let last = text.lines().last().unwrap_or(text).trim();
    last.trim_start_matches("error: ").to_owned()
}

/// What an answer means.
pub(super) fn rules(
    checker: &mut Checker,
    table: &StepTable,
    here: Place<'_>,
    plan: &Plan<'_>,
) -> Rules {
    let place = here.key("outcome");
    let mut rules = Vec::new();
    for (index, written) in table.outcome.iter().enumerate() {
        let at = place.index(index);
        let conditions = condition(checker, written, at).into_iter().collect::<Vec<_>>();
        let is = outcome(checker, written, at);
        let then = then(checker, table, written, at, plan);
        let statuses = written.status.as_ref().map(|statuses| statuses.0.as_slice());
        let rule = Rule { status: None, conditions, is, then };
        // A rule for several statuses is several rules.
        match statuses {
            None => rules.push(rule),
            Some(statuses) => rules.extend(statuses.iter().map(|status| {
                let status = Some(status.clone());
                Rule { status, ..rule.clone() }
            })),
        }
        let is_last = index + 1 == table.outcome.len();
        if fits_all(written, at) && !is_last {
            checker
                .wrong(at, "this outcome fits every answer")
                .mark("those after it are never asked")
                .advise("put it last");
        }
    }
    Rules::new(rules)
}

/// Whether nothing is asked of an answer.
fn fits_all(written: &OutcomeTable, at: Place<'_>) -> bool {
    let asks = ["status", "json", "regex", "header", "css"];
    written.status.is_none() && asks.into_iter().all(|key| !at.has(key) && !at.struck(key))
}

fn outcome(checker: &mut Checker, written: &OutcomeTable, at: Place<'_>) -> Outcome {
    let Some(is) = written.is else {
        if !at.struck("is") {
            checker
                .wrong(at, "missing key `is` in `outcome` of `[[step]]`")
                .mark("does not say what the answer is");
        }
        return Outcome::Ok;
    };
    if is == Outcome::Shed {
        checker
            .wrong(at.key("is"), "no answer is `shed`")
            .mark("says that the generator never sent it");
    }
    is
}

/// What is asked of an answer besides its status.
fn condition(checker: &mut Checker, written: &OutcomeTable, at: Place<'_>) -> Option<Condition> {
    let source = Source {
        json: written.json.as_deref(),
        regex: written.regex.as_deref(),
        header: written.header.as_deref(),
        css: written.css.as_deref(),
        attr: written.attr.as_deref(),
    };
    let of = capture(checker, source, at);
    let tests = ["equals", "matches", "exists"];
    let asked: Vec<&str> = tests.into_iter().filter(|key| at.has(key)).collect();
    if let [first, second, ..] = asked.as_slice() {
        checker
            .wrong(at.key(second), format!("both `{first}` and `{second}`"))
            .mark("must be one of `equals`, `matches` and `exists`");
    }
    if let Some(key) = asked.first()
        && WAYS.into_iter().all(|key| !at.has(key) && !at.struck(key))
    {
        checker
            .wrong(at.key(key), format!("`{key}` of nothing"))
            .advise("say of what: `json = \"$.code\"`, `header`, `regex` or `css` beside it");
    }
    let test = match (&written.equals, &written.matches, written.exists) {
        (Some(Scalar::Text(text)), _, _) => Test::Equals(text.as_bytes().into()),
        (Some(Scalar::Truth(truth)), _, _) => Test::Equals(truth.to_string().into_bytes().into()),
        (Some(Scalar::Number(number)), _, _) => Test::Number(*number),
        (None, Some(pattern), _) => match Pattern::new(pattern) {
            Ok(pattern) => Test::Matches(pattern),
            Err(error) => {
                unreadable(checker, &error, at.key("matches"));
                return None;
            }
        },
        (None, None, Some(false)) => Test::Absent,
        (None, None, _) => Test::Exists,
    };
    Some(Condition { of: of?, test })
}

/// Whether `name` is one letter off a name that is known.
fn is_misspelt(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| strsim::damerau_levenshtein(name, known) == 1)
}

/// The stage that follows an answer.
fn then(
    checker: &mut Checker,
    table: &StepTable,
    written: &OutcomeTable,
    at: Place<'_>,
    plan: &Plan<'_>,
) -> Option<u8> {
    use domain::outcome::Operation::Poll;
    let name = written.then.as_deref()?;
    let place = at.key("then");
    if operation(table) == Poll && written.is == Some(Outcome::Ok) {
        checker
            .wrong(place, "`then` after a poll that is `ok`")
            .mark("is the purchase: nothing follows");
    }
    let Some(stage) = plan.by_name.get(name) else {
        let known: Vec<&str> = plan.by_name.keys().copied().collect();
        // A step whose name could not be read may be the one; but not where another is meant.
        if plan.is_whole || is_misspelt(name, &known) {
            checker
                .wrong(place, format!("there is no step `{name}`"))
                .advise(did_you_mean(name, &known));
        }
        return None;
    };
    u8::try_from(*stage).ok()
}
