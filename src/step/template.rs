//! Bytes with holes: `/events/tour?fan={{fan}}`, compiled once and rendered into the caller's
//! buffer, each value escaped for the place where it is put.

use std::fmt;
use std::io::Write;

use serde::de::IgnoredAny;

use super::{Name, Names, Values};

/// What the holes of a template are part of, and so how a value must be escaped to stay a value.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path or query: all but the unreserved bytes of RFC 3986 §2.3 becomes `%XX`. They are the
    /// same for both, and so nothing that a value holds can end a segment or begin a parameter.
    Url,
    /// A body of the type `application/x-www-form-urlencoded` (WHATWG URL §5.2): blanks become `+`.
    Form,
    /// The inside of a JSON text in quotes (RFC 8259 §7). What is no UTF-8 becomes U+FFFD.
    Json,
    /// A JSON number: as it is if it is one, otherwise a text in quotes, so that the body stays
    /// JSON whatever the value.
    JsonNumber,
    /// Any JSON: as it is if it is some, otherwise a text in quotes.
    JsonValue,
    /// A header field: control bytes are left out, so that no value can begin another field.
    Field,
    /// A body of which nothing is known: as it is.
    Plain,
}

/// A text with holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Box<[Piece]>,
}

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<[u8]>),
    /// Out of the environment: as it is sent, and never shown.
    Secret(Box<[u8]>),
    Hole(Name, Place),
}

impl fmt::Debug for Piece {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "{:?}", String::from_utf8_lossy(text)),
            Self::Secret(_) => formatter.write_str("Secret"),
            Self::Hole(name, place) => write!(formatter, "Hole({}, {place:?})", name.0),
        }
    }
}

/// A text that is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("find the end of `{rest}`\nhint: write `}}}}` after the name")]
    Unclosed {
        /// From the opening braces on, shortened.
        rest: String,
    },
    /// A name that nothing defines.
    #[error("fill in `{{{{{name}}}}}`: nothing of that name is known\nhint: {hint}")]
    Unknown {
        /// As it is written.
        name: String,
        /// The nearest name that is known, or all of them.
        hint: String,
    },
    /// A variable that the environment does not have.
    #[error(
        "fill in `{{{{env.{name}}}}}`: the environment has no variable `{name}`\nhint: set it \
         where `spike` is started, for example `{name}=… spike run …`"
    )]
    Unset {
        /// The variable.
        name: String,
    },
    /// A form that a value cannot take there.
    #[error("fill in `{{{{{hole}}}}}`: {why}")]
    Form {
        /// What stands between the braces.
        hole: String,
        /// Why it cannot, and what can be written.
        why: &'static str,
    },
}

/// What the names in a template may stand for.
#[derive(Copy, Clone)]
pub struct Scope<'a> {
    /// The names that every fan has a value for, sooner or later.
    pub names: &'a Names,
    /// The variables of the environment, for `{{env.NAME}}`.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Scope<'a> {
    /// These names, and no environment.
    pub fn of(names: &'a Names) -> Self {
        Self { names, env: &|_| None }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scope").field("names", self.names).finish_non_exhaustive()
    }
}

/// A template that is being written, piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pieces: Vec<Piece>,
    /// What could not be written.
    pub wrong: Vec<TemplateError>,
}

/// How the text between the holes goes out.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// As it is: whoever wrote it wrote what is sent.
    AsWritten,
    /// Escaped for its place, as values are.
    Escaped,
}

impl Draft {
    /// Appends bytes that go out as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if let Some(Piece::Text(text)) = self.pieces.last_mut() {
            *text = [text, bytes].concat().into();
        } else {
            self.pieces.push(Piece::Text(bytes.into()));
        }
    }

    /// Appends `text` with its holes, whose values are escaped for `place`. What is wrong with it
    /// is kept in [`Draft::wrong`], and left out.
    pub fn text(&mut self, text: &str, place: Place, literal: Literal, scope: Scope<'_>) {
        for part in parts(text) {
            match part {
                Ok(Part::Text(text)) if literal == Literal::AsWritten => self.raw(text.as_bytes()),
                Ok(Part::Text(text)) => {
                    let mut escaped = Vec::new();
                    escape(place, text.as_bytes(), &mut escaped);
                    self.raw(&escaped);
                }
                Ok(Part::Hole(hole)) => match piece_of(hole, place, scope) {
                    Ok(piece) => self.pieces.push(piece),
                    Err(error) => self.wrong.push(error),
                },
                Err(error) => self.wrong.push(error),
            }
        }
    }

    /// The template, if nothing in it was wrong.
    ///
    /// # Errors
    /// The first thing that was.
    pub fn finish(self) -> Result<Template, TemplateError> {
        let template = Template { pieces: self.pieces.into() };
        self.wrong.into_iter().next().map_or(Ok(template), Err)
    }
}

/// A part of a text with holes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// What stands between holes.
    Text(&'a str),
    /// What stands between `{{` and `}}`, without blanks around it.
    Hole(&'a str),
}

/// The parts of `text`, in their order; empty ones are left out. Nothing follows an error.
pub fn parts(text: &str) -> impl Iterator<Item = Result<Part<'_>, TemplateError>> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let from = rest.find("{{").unwrap_or(rest.len());
        if from > 0 {
            let (before, after) = rest.split_at(from);
            rest = after;
            return Some(Ok(Part::Text(before)));
        }
        let opened = rest.strip_prefix("{{")?;
        let Some(to) = opened.find("}}") else {
            let unclosed = rest.chars().take(40).collect();
            rest = "";
            return Some(Err(TemplateError::Unclosed { rest: unclosed }));
        };
        rest = &opened[to + 2..];
        Some(Ok(Part::Hole(opened[..to].trim())))
    })
}

/// A hole's name and the place that its form asks for: `quantity:number` is a JSON number.
///
/// # Errors
/// Why a value cannot take that form there.
pub fn name_and_place(hole: &str, place: Place) -> Result<(&str, Place), &'static str> {
    let Some((name, form)) = hole.split_once(':') else { return Ok((hole, place)) };
    let place = match (form.trim(), place) {
        ("number", Place::JsonNumber | Place::JsonValue) => Place::JsonNumber,
        ("json", Place::JsonNumber | Place::JsonValue) => Place::JsonValue,
        ("number" | "json", _) => {
            return Err(
                "a value takes another form only where it is all of a text of `json = {…}`",
            );
        }
        _ => return Err("the forms of a value are `:number` and `:json`"),
    };
    Ok((name.trim(), place))
}

fn piece_of(hole: &str, place: Place, scope: Scope<'_>) -> Result<Piece, TemplateError> {
    let form = |why| TemplateError::Form { hole: hole.to_owned(), why };
    let (name, place) = name_and_place(hole, place).map_err(form)?;
    if let Some(variable) = name.strip_prefix("env.") {
        let value = (scope.env)(variable)
            .ok_or_else(|| TemplateError::Unset { name: variable.to_owned() })?;
        let mut escaped = Vec::new();
        escape(place, value.as_bytes(), &mut escaped);
        return Ok(Piece::Secret(escaped.into()));
    }
    let known = scope.names.find(name).map(|name| Piece::Hole(name, place));
    known.ok_or_else(|| TemplateError::Unknown {
        name: name.to_owned(),
        hint: nearest(name, scope.names),
    })
}

impl Template {
    /// Compiles `text`, whose holes must be among `names`. What stands between the holes is sent
    /// as it is written.
    ///
    /// # Errors
    /// When a hole does not end, or its name is not known: the first of these.
    pub fn compile(text: &str, place: Place, names: &Names) -> Result<Self, TemplateError> {
        let mut draft = Draft::default();
        draft.text(text, place, Literal::AsWritten, Scope::of(names));
        draft.finish()
    }

    /// Appends the text to `out`, its holes filled with `values`; a value that was never set is
    /// empty.
    pub fn render(&self, values: &Values, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) | Piece::Secret(text) => out.extend_from_slice(text),
                Piece::Hole(name, place) => escape(*place, values.get(*name), out),
            }
        }
    }

    /// What in it came from the environment.
    pub fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Secret(text) => Some(&**text),
            Piece::Text(_) | Piece::Hole(..) => None,
        })
    }

    /// The names of its holes, in their order.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(name, _) => Some(*name),
            Piece::Text(_) | Piece::Secret(_) => None,
        })
    }
}

/// The nearest known name, where one is near.
fn nearest(name: &str, names: &Names) -> String {
    let near = names.iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    match near.filter(|(distance, _)| *distance <= 2).min() {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => format!("known are {}", names.iter().collect::<Vec<_>>().join(", ")),
    }
}

/// Appends `value` to `out`, escaped for `place`.
pub fn escape(place: Place, value: &[u8], out: &mut Vec<u8>) {
    match place {
        Place::Plain => out.extend_from_slice(value),
        Place::Field => out.extend(value.iter().filter(|byte| !byte.is_ascii_control())),
        Place::Url => percent(value, out, |byte| matches!(byte, b'-' | b'.' | b'_' | b'~')),
        Place::Form => {
            for (number, word) in value.split(|byte| *byte == b' ').enumerate() {
                out.extend((number > 0).then_some(b'+'));
                percent(word, out, |byte| matches!(byte, b'*' | b'-' | b'.' | b'_'));
            }
        }
        Place::Json => json(value, out),
        Place::JsonNumber if is_number(value) => out.extend_from_slice(value),
        Place::JsonValue if serde_json::from_slice::<IgnoredAny>(value).is_ok() => {
            out.extend_from_slice(value);
        }
        Place::JsonNumber | Place::JsonValue => {
            out.push(b'"');
            json(value, out);
            out.push(b'"');
        }
    }
}

/// Whether `value` is a number of JSON (RFC 8259 §6).
fn is_number(value: &[u8]) -> bool {
    let begins = value.first().is_some_and(|byte| *byte == b'-' || byte.is_ascii_digit());
    let ends = value.last().is_some_and(u8::is_ascii_digit);
    begins && ends && serde_json::from_slice::<IgnoredAny>(value).is_ok()
}

/// Letters, digits and what is `safe` stay; all else becomes `%XX`.
fn percent(value: &[u8], out: &mut Vec<u8>, safe: impl Fn(u8) -> bool) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    for byte in value.iter().copied() {
        if byte.is_ascii_alphanumeric() || safe(byte) {
            out.push(byte);
        } else {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            out.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
        }
    }
}

fn json(value: &[u8], out: &mut Vec<u8>) {
    for chunk in value.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                0..0x20 => write!(out, "\\u{byte:04x}").expect("memory takes every byte"),
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.define("fan");
        names.define("token");
        names
    }

    fn rendered(text: &str, place: Place, token: &[u8]) -> Vec<u8> {
        let (names, mut values) = (names(), Values::default());
        values.set(names.find("fan").unwrap(), b"0-417");
        values.set(names.find("token").unwrap(), token);
        let mut out = b"before ".to_vec();
        Template::compile(text, place, &names).unwrap().render(&values, &mut out);
        out.split_off(b"before ".len())
    }

    fn percent_decoded(text: &[u8], plus: u8) -> Vec<u8> {
        let mut bytes = text.iter().copied();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'%' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                b'+' => plus,
                other => other,
            });
        }
        decoded
    }

    #[test]
    fn holes_are_filled_and_the_rest_stays() {
        let text = "/events/tour?fan={{fan}}&t={{ token }}&x={a}}";
        let expected = "/events/tour?fan=0-417&t=a%2Fb%26c%20d&x={a}}";
        assert_eq!(rendered(text, Place::Url, b"a/b&c d"), expected.as_bytes());
        assert_eq!(rendered("", Place::Plain, b""), b"");
        assert_eq!(rendered("{{token}}{{token}}", Place::Plain, b"ab"), b"abab");
    }

    #[test]
    fn a_value_cannot_leave_its_place() {
        let evil = b"a\"}&b=1 %\r\nX-Evil: 1";
        assert_eq!(rendered("{{token}}", Place::Field, evil), b"a\"}&b=1 %X-Evil: 1");
        let form = b"a%22%7D%26b%3D1+%25%0D%0AX-Evil%3A+1";
        assert_eq!(rendered("{{token}}", Place::Form, evil), form);
        let json = rendered(r#"{"t":"{{token}}"}"#, Place::Json, evil);
        let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(read["t"].as_str().unwrap().as_bytes(), evil);
    }

    #[test]
    fn a_hole_must_end_and_be_known() {
        let compile = |text| Template::compile(text, Place::Plain, &names()).unwrap_err();
        assert_eq!(compile("a {{fan"), TemplateError::Unclosed { rest: "{{fan".to_owned() });
        let message = compile("{{tokn}}").to_string();
        assert!(message.contains("`{{tokn}}`"), "{message}");
        assert!(message.ends_with("hint: did you mean `token`?"), "{message}");
        assert!(compile("{{}}").to_string().ends_with("hint: known are fan, token"));
    }

    #[test]
    fn a_value_is_a_number_only_if_it_is_one() {
        let at = |place, value: &[u8]| {
            let mut out = Vec::new();
            escape(place, value, &mut out);
            String::from_utf8(out).unwrap()
        };
        for number in ["0", "-1.50", "12e3"] {
            assert_eq!(at(Place::JsonNumber, number.as_bytes()), number);
        }
        for (text, quoted) in
            [("", "\"\""), ("01", "\"01\""), ("true", "\"true\""), ("1\n", "\"1\\u000a\"")]
        {
            assert_eq!(at(Place::JsonNumber, text.as_bytes()), quoted);
        }
        for json in ["true", "null", "{\"a\":[1]}", "\"t\""] {
            assert_eq!(at(Place::JsonValue, json.as_bytes()), json);
        }
        assert_eq!(at(Place::JsonValue, b"tee\",\"x\":1"), "\"tee\\\",\\\"x\\\":1\"");
    }

    #[test]
    fn a_draft_escapes_what_was_not_written_for_its_place_and_tells_all_that_is_wrong() {
        let names = names();
        let scope = Scope::of(&names);
        let mut draft = Draft::default();
        draft.raw(b"?a=");
        draft.text("b & {{token}}", Place::Url, Literal::Escaped, scope);
        let mut values = Values::default();
        values.set(names.find("token").unwrap(), b"c d");
        let mut out = Vec::new();
        draft.clone().finish().unwrap().render(&values, &mut out);
        assert_eq!(out, b"?a=b%20%26%20c%20d");
        draft.text("{{toke}} {{x:number}} {{env.NONE}} {{", Place::Url, Literal::Escaped, scope);
        let told: Vec<String> = draft.wrong.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[2].contains("no variable `NONE`"), "{told:?}");
    }

    #[test]
    fn a_value_of_the_environment_is_sent_and_never_shown() {
        let names = names();
        let env = |name: &str| (name == "TOKEN").then(|| "hush hush".to_owned());
        let mut draft = Draft::default();
        let scope = Scope { names: &names, env: &env };
        draft.text("Bearer {{env.TOKEN}}", Place::Form, Literal::AsWritten, scope);
        let template = draft.finish().unwrap();
        assert!(!format!("{template:?} {scope:?}").contains("hush"));
        let mut out = Vec::new();
        template.render(&Values::default(), &mut out);
        assert_eq!(out, b"Bearer hush+hush");
    }

    proptest! {
        #[test]
        fn a_json_value_stays_one_value(value: Vec<u8>) {
            for place in [Place::JsonNumber, Place::JsonValue] {
                let mut out = Vec::new();
                escape(place, &value, &mut out);
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
            }
        }

        #[test]
        fn no_text_breaks_the_compiler(text in "(\\{\\{|\\}\\}|fan|token|é|[ -~])*") {
            let _ = Template::compile(&text, Place::Json, &names());
        }

        #[test]
        fn what_is_escaped_comes_back(value: Vec<u8>) {
            let url = rendered("{{token}}", Place::Url, &value);
            prop_assert!(url.iter().all(u8::is_ascii_graphic));
            prop_assert_eq!(percent_decoded(&url, b'+'), value.clone());
            let form = rendered("{{token}}", Place::Form, &value);
            prop_assert!(form.iter().all(u8::is_ascii_graphic));
            prop_assert_eq!(percent_decoded(&form, b' '), value.clone());
            let json = rendered(r#""{{token}}""#, Place::Json, &value);
            let read: String = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&value));
            let field = rendered("{{token}}", Place::Field, &value);
            prop_assert!(!field.iter().any(u8::is_ascii_control));
        }
    }
}
