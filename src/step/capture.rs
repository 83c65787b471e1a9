//! What is read in an answer: by JSON path, regular expression, field or selector.

use std::borrow::Cow;

use regex_automata::util::syntax;
use regex_automata::{Input, meta};

use super::css::Selector;
use super::json::Path;
use super::{Answer, Name};

/// Where a value stands in an answer, compiled once.
#[derive(Clone, Debug)]
pub struct Capture(Source);

#[derive(Clone, Debug)]
enum Source {
    Body,
    Field(Box<str>),
    Json(Path),
    Regex { regex: meta::Regex, group: usize },
    Css(Selector),
}

/// A value that a step keeps of its answers.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What templates call it.
    pub name: Name,
    /// Where it stands.
    pub at: Capture,
    /// What becomes of an answer without it.
    pub need: Need,
}

/// What becomes of an answer that is `ok` and lacks a value.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// It is an error.
    #[default]
    Required,
    /// It stays `ok`; the name keeps what it stood for, at first nothing.
    Optional,
}

/// What cannot be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// No JSON path.
    #[error(
        "read the JSON path `{path}`: {why}\nhint: `$.order.id` is the member `id` of the \
             member `order`"
    )]
    Json {
        /// As it is written.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// No regular expression.
    #[error("read the regular expression `{pattern}`: {why}")]
    Regex {
        /// As it is written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// No selector.
    #[error(
        "read the selector `{selector}`\nhint: name one element by what it is and what it stands in, such \
         as `#buy input[name=csrf_token]`; `>`, `+` and `~` cannot be asked for"
    )]
    Css {
        /// As it is written.
        selector: String,
    },
}

impl Capture {
    /// The whole body.
    pub const fn body() -> Self {
        Self(Source::Body)
    }

    /// The first field of that name, whatever its case.
    pub fn field(name: &str) -> Self {
        Self(Source::Field(name.into()))
    }

    /// The first value at a path of RFC 9535; a text without quotes and escapes, anything else as
    /// JSON.
    ///
    /// # Errors
    /// When it is no such path.
    pub fn json(path: &str) -> Result<Self, CaptureError> {
        let error = |why| CaptureError::Json { path: path.to_owned(), why };
        Path::compile(path).map(|path| Self(Source::Json(path))).map_err(error)
    }

    /// The first match in the body: its first group or, without groups, the whole of it.
    ///
    /// # Errors
    /// When it is no regular expression in the syntax of the crate `regex`.
    pub fn regex(pattern: &str) -> Result<Self, CaptureError> {
        let regex = compile(pattern)?;
        let group = usize::from(regex.captures_len() > 1);
        Ok(Self(Source::Regex { regex, group }))
    }

    /// An attribute of the first element of an HTML body that `selector` fits or, where `attribute`
    /// is `None`, its text.
    ///
    /// # Errors
    /// When it is no selector.
    pub fn css(selector: &str, attribute: Option<&str>) -> Result<Self, CaptureError> {
        let compiled = Selector::compile(selector, attribute);
        let error = || CaptureError::Css { selector: selector.to_owned() };
        compiled.map(|selector| Self(Source::Css(selector))).ok_or_else(error)
    }

    /// The value in `answer`, if it is there: as it lies, where no escape had to be undone.
    pub fn find<'bytes>(&self, answer: &Answer<'bytes>) -> Option<Cow<'bytes, [u8]>> {
        match &self.0 {
            Source::Body => Some(Cow::Borrowed(answer.body)),
            Source::Field(name) => answer.field(name).map(Cow::Borrowed),
            Source::Json(path) => path.find(answer.body),
            Source::Css(selector) => selector.find(answer.body),
            Source::Regex { regex, group } => {
                // The ends of the whole match and of the first group.
                let mut ends = [None; 4];
                regex.search_slots(&Input::new(answer.body), &mut ends)?;
                let (from, to) = (ends[2 * group]?.get(), ends[2 * group + 1]?.get());
                Some(Cow::Borrowed(&answer.body[from..to]))
            }
        }
    }
}

/// A regular expression over bytes, which need not be UTF-8.
pub(super) fn compile(pattern: &str) -> Result<meta::Regex, CaptureError> {
    let compiled = meta::Regex::builder()
        .syntax(syntax::Config::new().utf8(false))
        .configure(meta::Config::new().utf8_empty(false))
        .build(pattern);
    compiled.map_err(|error| {
        let why = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
        CaptureError::Regex { pattern: pattern.to_owned(), why }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(capture: &Capture, body: &[u8]) -> Option<String> {
        let fields = b"Location: /orders/7\r\nSet-Cookie: a=1\r\n";
        let answer = Answer { status: 200, fields, body };
        capture.find(&answer).map(|bytes| String::from_utf8(bytes.into_owned()).unwrap())
    }

    #[test]
    fn each_way_finds_its_value() {
        let body = br#"{"order":{"id":"o-7"},"html":"<input name=csrf value=abc>"}"#;
        for (capture, expected) in [
            (Capture::json("$.order.id").unwrap(), "o-7"),
            (Capture::regex("\"id\":\"([^\"]+)\"").unwrap(), "o-7"),
            (Capture::regex("o-[0-9]").unwrap(), "o-7"),
            (Capture::field("location"), "/orders/7"),
        ] {
            assert_eq!(found(&capture, body).as_deref(), Some(expected), "{capture:?}");
        }
        assert_eq!(found(&Capture::body(), b"all").as_deref(), Some("all"));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for capture in [
            Capture::json("$.order").unwrap(),
            Capture::regex("id=(x)?y").unwrap(),
            Capture::field("ETag"),
        ] {
            assert_eq!(found(&capture, b"id=y no JSON"), None, "{capture:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_searched_too() {
        let capture = Capture::regex(r"(?-u)\xff?token=([a-z]+)").unwrap();
        assert_eq!(found(&capture, b"\xfe\xff\x00token=abc\xff").as_deref(), Some("abc"));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (error, part) in [
            (Capture::json("order.id").unwrap_err(), "`order.id`"),
            (Capture::regex("(a").unwrap_err(), "unclosed group"),
            (Capture::css("[", None).unwrap_err(), "`[`"),
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_was_planted_is_found(
            token in "[A-Za-z0-9+/=_-]{1,40}",
            noise in "[^\"<>&\\\\]{0,40}",
        ) {
            let json = serde_json::json!({ "noise": noise, "a": { "token": token } }).to_string();
            let captured = found(&Capture::json("$.a.token").unwrap(), json.as_bytes());
            prop_assert_eq!(captured.as_ref(), Some(&token));
            let regex = Capture::regex("token\":\"([^\"]*)\"").unwrap();
            prop_assert_eq!(found(&regex, json.as_bytes()), Some(token.clone()));
            let html = format!(
                "<p title=\"{noise}\">{noise}</p><form><input type=hidden name=\"csrf_token\" \
                 value=\"{token}\"></form>"
            );
            let css = Capture::css("input[name=csrf_token]", Some("value")).unwrap();
            prop_assert_eq!(found(&css, html.as_bytes()), Some(token));
        }

        #[test]
        fn no_bytes_break_a_capture(body: Vec<u8>, text in "[<>a-c\"'=/! &;#x0-9-]{0,60}") {
            for capture in [
                Capture::json("$.a[0]").unwrap(),
                Capture::regex("a(b+)c").unwrap(),
                Capture::css("a[b]", Some("c")).unwrap(),
                Capture::css("a", None).unwrap(),
            ] {
                for body in [&body, text.as_bytes()] {
                    let _ = capture.find(&Answer { status: 200, fields: body, body });
                }
            }
        }
    }
}
