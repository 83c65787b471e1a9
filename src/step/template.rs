//! Bytes with holes: `/events/tour?fan={{fan}}`, compiled once and rendered into the caller's
//! buffer, each value escaped for the place where it is put.

use std::io::Write;

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
    /// A header field: control bytes are left out, so that no value can begin another field.
    Field,
    /// A body of which nothing is known: as it is.
    Plain,
}

/// A text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Box<[Piece]>,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<[u8]>),
    Hole(Name),
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
}

impl Template {
    /// Compiles `text`, whose holes must be among `names`.
    ///
    /// # Errors
    /// When a hole does not end, or its name is not known: the first of these.
    pub fn compile(text: &str, place: Place, names: &Names) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(from) = rest.find("{{") {
            let (before, opened) = rest.split_at(from);
            let Some(to) = opened.find("}}") else {
                let rest = opened.chars().take(40).collect();
                return Err(TemplateError::Unclosed { rest });
            };
            let name = opened[2..to].trim();
            let known = names.find(name);
            let known = known.ok_or_else(|| TemplateError::Unknown {
                name: name.to_owned(),
                hint: nearest(name, names),
            })?;
            pieces.extend(piece_of(before));
            pieces.push(Piece::Hole(known));
            rest = &opened[to + 2..];
        }
        pieces.extend(piece_of(rest));
        Ok(Self { pieces: pieces.into(), place })
    }

    /// The names that it uses.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Hole(name) => Some(*name),
        })
    }

    /// Appends the text to `out`, its holes filled with `values`; a value that was never set is
    /// empty.
    pub fn render(&self, values: &Values, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Hole(name) => escape(self.place, values.get(*name), out),
            }
        }
    }
}

fn piece_of(text: &str) -> Option<Piece> {
    (!text.is_empty()).then(|| Piece::Text(text.as_bytes().into()))
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
    }
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

    proptest! {
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
