//! What a request says that the shop had said before: the values that must be captured, and those
//! that are the fan's own.

use domain::outcome::Operation;
use serde_json::Value;

use super::funnel::{Funnel, Step};
use super::har::{Answer, form};
use super::privacy::{self, Private};

/// The shortest value that is looked for in earlier answers: shorter ones are there by chance.
const LINK_MIN: usize = 5;
/// How much of a page before a value is taken to find it again.
const CONTEXT: usize = 16;

/// Headers that a browser sends of its own accord, or that this instrument sets itself.
const OF_THE_BROWSER: [&str; 15] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "dnt",
    "host",
    "if-modified-since",
    "if-none-match",
    "pragma",
    "priority",
    "referer",
    "user-agent",
];

/// Headers that say what is spoken, and nothing of anybody.
const PLAIN: [&str; 3] = ["accept", "origin", "x-requested-with"];

/// What a step says, as templates.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

/// A body, as templates.
#[derive(Clone, Debug, Default)]
pub(super) enum Body {
    #[default]
    None,
    Form(Vec<(String, String)>),
    Json(Value),
    Raw(String),
}

/// All that the steps together need.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Columns of data.
    pub(super) columns: Vec<String>,
    /// Variables of the environment.
    pub(super) variables: Vec<String>,
    /// The items that were bought.
    pub(super) items: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Writes each request as templates, and each value that it took from an earlier answer as a
/// capture there.
pub(super) fn link(funnel: Funnel) -> (Funnel, Vec<Spoken>, Needs) {
    let mut linker = Linker { funnel, needs: Needs::default() };
    let spoken = (0..linker.funnel.steps.len()).map(|place| linker.speak(place)).collect();
    let Linker { funnel, mut needs } = linker;
    needs.notes.splice(0..0, funnel.notes.iter().cloned());
    (funnel, spoken, needs)
}

struct Linker {
    funnel: Funnel,
    needs: Needs,
}

impl Linker {
    fn speak(&mut self, place: usize) -> Spoken {
        let exchange = self.funnel.steps[place].exchange.clone();
        let segments = exchange.url.path().split('/').map(decoded);
        let path: Vec<String> = segments.map(|segment| self.value(place, "", &segment)).collect();
        let query = exchange.url.query_pairs().into_owned().collect();
        let headers = exchange.headers.iter().filter(|(name, _)| is_own(name)).cloned();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value));
        let headers = headers.map(|(name, value)| {
            let stays = PLAIN.contains(&name.as_str());
            let value = if stays { value } else { self.header(place, &name, &value) };
            (name, value)
        });
        let headers = headers.collect();
        Spoken {
            path: path.join("/"),
            query: self.values(place, query),
            headers,
            body: self.body(place, exchange.body),
        }
    }

    /// What stands in place of a header's value; of `Bearer x` the word after the scheme may have been
    /// told before.
    fn header(&mut self, place: usize, name: &str, value: &str) -> String {
        if let Some((scheme, word)) = value.split_once(' ')
            && scheme.chars().all(|letter| letter.is_ascii_alphabetic())
            && let Some(captured) = self.captured(place, "", word)
        {
            return format!("{scheme} {{{{{captured}}}}}");
        }
        self.value(place, name, value)
    }

    fn body(&mut self, place: usize, body: Option<(String, String)>) -> Body {
        let Some((kind, text)) = body else { return Body::None };
        if kind == "application/x-www-form-urlencoded" {
            let pairs = form(&text);
            return Body::Form(self.values(place, pairs));
        }
        if let Ok(json) = serde_json::from_str(&text) {
            return Body::Json(self.json(place, "", json));
        }
        if text.is_empty() {
            return Body::None;
        }
        let step = &self.funnel.steps[place].name;
        self.needs.notes.push(format!("the body of `{step}` is {kind}: look through it by hand"));
        Body::Raw(privacy::scrubbed(&text))
    }

    fn json(&mut self, place: usize, name: &str, value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.into_iter();
                Value::Object(
                    members
                        .map(|(key, value)| {
                            let value = self.json(place, &key, value);
                            (key, value)
                        })
                        .collect(),
                )
            }
            Value::Array(elements) => {
                elements.into_iter().map(|value| self.json(place, name, value)).collect()
            }
            Value::String(text) => Value::String(self.value(place, name, &text)),
            Value::Number(number) => {
                let text = number.to_string();
                let template = self.value(place, name, &text);
                match template.strip_suffix("}}") {
                    Some(hole) if template != text => Value::String(format!("{hole}:number}}}}")),
                    _ => Value::Number(number),
                }
            }
            other => other,
        }
    }

    fn values(&mut self, place: usize, pairs: Vec<(String, String)>) -> Vec<(String, String)> {
        let fill = |(name, value): (String, String)| {
            let value = self.value(place, &name, &value);
            (name, value)
        };
        pairs.into_iter().map(fill).collect()
    }

    /// What stands in place of a value that was sent as `name`.
    fn value(&mut self, place: usize, name: &str, value: &str) -> String {
        if let Some(hole) = self.given(name, value) {
            return hole.to_owned();
        }
        if let Some(captured) = self.captured(place, name, value) {
            return format!("{{{{{captured}}}}}");
        }
        match privacy::private(name, value) {
            Some(Private::Personal(column)) => {
                let hole = format!("{{{{{column}}}}}");
                if !self.needs.columns.contains(&column) {
                    self.needs.columns.push(column);
                }
                hole
            }
            Some(Private::Secret) => self.secret(place, name),
            None => value.to_owned(),
        }
    }

    /// The name that every fan has for what is sent as `name`, if it is such a thing.
    fn given(&mut self, name: &str, value: &str) -> Option<&'static str> {
        let name: String = name.to_ascii_lowercase().replace('-', "_");
        let is = |words: &[&str]| words.iter().any(|word| name == *word);
        if is(&["sku", "item", "item_id", "product", "product_id", "variant", "variant_id"]) {
            if !self.needs.items.iter().any(|item| item == value) {
                self.needs.items.push(value.to_owned());
            }
            return Some("{{item}}");
        }
        if is(&["qty", "quantity", "count", "pieces"]) {
            return Some("{{quantity}}");
        }
        if is(&["idempotency_key", "x_idempotency_key"]) {
            return Some("{{key}}");
        }
        is(&["reference", "intent", "client_reference", "order_reference"]).then_some("{{intent}}")
    }

    /// The name of the capture that finds `value` in the latest answer before `place` that had it.
    fn captured(&mut self, place: usize, name: &str, value: &str) -> Option<String> {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        // A part of a path with a number in it is the name of something, such as `o7`.
        let is_short_name = digits == value.len() || (name.is_empty() && digits > 0);
        if value.is_empty() || (value.len() < LINK_MIN && !is_short_name) {
            return None;
        }
        let names = self.names();
        let from = self.funnel.steps[..place].iter_mut().rev();
        for step in from {
            let Some((found, capture)) = find(step, value) else { continue };
            if let Some((known, _)) = step.captures.iter().find(|(_, known)| *known == capture) {
                return Some(known.clone());
            }
            let wanted = if name.is_empty() { found } else { name.to_owned() };
            let name = fresh(&wanted, &names);
            step.captures.push((name.clone(), capture));
            return Some(name);
        }
        None
    }

    fn names(&self) -> Vec<String> {
        let captures = self.funnel.steps.iter().flat_map(|step| &step.captures);
        captures.map(|(name, _)| name.clone()).collect()
    }

    fn secret(&mut self, place: usize, name: &str) -> String {
        let step = &self.funnel.steps[place];
        let name = if name.is_empty() { step.name.as_str() } else { name };
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let variable: String = name.chars().map(letter).collect::<String>().to_ascii_uppercase();
        if !self.needs.variables.contains(&variable) {
            self.needs.notes.push(format!(
                "`{name}` of the step `{}` held something secret that no earlier answer had told: \
                 set {variable} in the environment, or capture it",
                step.name
            ));
            self.needs.variables.push(variable.clone());
        }
        format!("{{{{env.{variable}}}}}")
    }
}

fn decoded(segment: &str) -> String {
    let text = form(&format!("x={}", segment.replace('+', "%2B")));
    text.into_iter().next().map(|(_, value)| value).unwrap_or_default()
}

fn is_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_the_browser = OF_THE_BROWSER.contains(&name.as_str())
        || name.starts_with(':')
        || name.starts_with("sec-")
        || name.starts_with("upgrade-insecure");
    !of_the_browser
}

/// A name for a capture, in the letters that names have.
fn fresh(wanted: &str, taken: &[String]) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let word: String = wanted.chars().map(letter).collect::<String>().to_ascii_lowercase();
    let word = word.trim_matches('_');
    let word = if word.is_empty() { "value" } else { word };
    let numbered = (2..).map(|number| format!("{word}_{number}"));
    let mut names = std::iter::once(word.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).expect("there are numbers without end")
}

/// Where `value` stands in the answer of `step`: what it is called there, and the capture as TOML.
fn find(step: &Step, value: &str) -> Option<(String, String)> {
    let answer = &step.exchange.answer;
    if let Some((name, _)) = answer
        .headers
        .iter()
        .find(|(name, held)| held == value && !name.eq_ignore_ascii_case("set-cookie"))
    {
        return Some((name.clone(), format!("{{ header = {} }}", quoted(name))));
    }
    if answer.is_json() {
        return in_json(answer, step.operation, value);
    }
    if value.len() < LINK_MIN {
        return None;
    }
    if answer.is_page() { in_page(&answer.body, value) } else { None }
}

/// A text as a basic string of TOML, which is one of JSON but for U+007F.
pub(super) fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007f")
}

fn in_json(answer: &Answer, operation: Operation, value: &str) -> Option<(String, String)> {
    let json: Value = serde_json::from_str(&answer.body).ok()?;
    let (name, path) = leaf(&json, "$", "", value)?;
    // A short number is the same by chance, unless it is the number of something.
    let numbers = ["id", "order", "number", "key"];
    let is_numbered = numbers.iter().any(|word| name.to_ascii_lowercase().contains(word));
    let likely = value.len() >= LINK_MIN || is_numbered || operation == Operation::Checkout;
    likely.then(|| (name, format!("{{ json = {} }}", quoted(&path))))
}

fn leaf(json: &Value, path: &str, name: &str, value: &str) -> Option<(String, String)> {
    match json {
        Value::Object(members) => members.iter().find_map(|(key, inner)| {
            let plain = key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                && !key.starts_with(|letter: char| letter.is_ascii_digit())
                && !key.is_empty();
            let path = if plain {
                format!("{path}.{key}")
            } else {
                format!("{path}['{}']", key.replace('\\', "\\\\").replace('\'', "\\'"))
            };
            leaf(inner, &path, key, value)
        }),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .find_map(|(place, inner)| leaf(inner, &format!("{path}[{place}]"), name, value)),
        Value::String(text) if text == value => Some((name.to_owned(), path.to_owned())),
        Value::Number(number) if number.to_string() == value => {
            Some((name.to_owned(), path.to_owned()))
        }
        _ => None,
    }
}

fn in_page(page: &str, value: &str) -> Option<(String, String)> {
    in_element(page, value).or_else(|| in_text(page, value))
}

/// By the element that has it as an attribute, if that has a name or an id of its own.
fn in_element(page: &str, value: &str) -> Option<(String, String)> {
    let dom = tl::parse(page, tl::ParserOptions::default()).ok()?;
    dom.nodes().iter().filter_map(tl::Node::as_tag).find_map(|tag| {
        let attributes = tag.attributes();
        let (attribute, _) = attributes.iter().find(|(_, held)| {
            held.as_ref().is_some_and(|held| html_escape::decode_html_entities(held) == value)
        })?;
        let name = attributes.get("name").flatten().and_then(tl::Bytes::try_as_utf8_str);
        let id = attributes.get("id").flatten().and_then(tl::Bytes::try_as_utf8_str);
        let plain = |text: &&str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
        };
        let element = tag.name().try_as_utf8_str()?;
        let (name, selector) = if let Some(name) = name.filter(plain) {
            (name, format!("{element}[name={name}]"))
        } else {
            let id = id.filter(plain)?;
            (id, format!("#{id}"))
        };
        let capture = format!("{{ css = {}, attr = {} }}", quoted(&selector), quoted(&attribute));
        Some((name.to_owned(), capture))
    })
}

/// By what stands just before it.
fn in_text(page: &str, value: &str) -> Option<(String, String)> {
    let at = page.find(value)?;
    let before: Vec<char> = page[..at].chars().rev().take(CONTEXT).collect();
    let before: String = before.into_iter().rev().collect();
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    if line.is_empty() || page.find(line) != page[..at].rfind(line) {
        return None;
    }
    let escaped = regex_escaped(line);
    let capture = format!("{{ regex = {} }}", quoted(&format!("{escaped}([A-Za-z0-9_.~+/=-]+)")));
    Some(("value".to_owned(), capture))
}

fn regex_escaped(text: &str) -> String {
    let special = |letter: char| "\\.+*?()|[]{}^$#&-~".contains(letter);
    text.chars().fold(String::new(), |mut escaped, letter| {
        if special(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
        escaped
    })
}
