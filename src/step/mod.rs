//! A step of a funnel as bytes: what is sent ([`template`], [`message`]), what is read in the
//! answer ([`capture`]), and what that means ([`rule`]); and what one fan keeps from step to step
//! ([`session`]: values, cookies, redirects). Pure: bytes in, bytes out.
//!
//! Everything is compiled once, when a scenario is read; to send a step and to read its answer then
//! allocates nothing, but where an escape in the answer has to be undone.

pub mod capture;
pub mod cookie;
pub mod edge;
pub mod funnel;
pub mod hosts;
pub mod message;
pub mod redirect;
pub mod rule;
pub mod session;
pub mod template;

mod css;
mod json;

use std::ops::Range;

use memchr::memchr;

/// The number of a name in [`Names`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u16);

/// The names that a funnel's templates may use: what every fan has, and what its steps capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// The number of `name`, which is given one if it has none yet.
    ///
    /// # Panics
    /// When there are more than 65,535 names.
    pub fn define(&mut self, name: &str) -> Name {
        self.find(name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            Name(u16::try_from(self.0.len() - 1).expect("a funnel has fewer than 65,536 names"))
        })
    }

    /// The number of `name`, if it is known.
    pub fn find(&self, name: &str) -> Option<Name> {
        let place = self.0.iter().position(|known| known == name)?;
        u16::try_from(place).ok().map(Name)
    }

    /// What a name is.
    pub fn text(&self, name: Name) -> &str {
        self.0.get(usize::from(name.0)).map_or("", String::as_str)
    }

    /// All names, in the order in which they were defined.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What one fan's names stand for at this moment: all values in one piece of memory, for there are
/// as many of these as fans. A value that is as long as the one before takes its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// All values, one after the other, by the numbers of their names.
    bytes: Vec<u8>,
    /// Where each value ends, and whether it was ever set ([`SET`]).
    ends: Vec<u32>,
}

/// The bit of an end that says that its value was set; values are shorter than what is below it.
const SET: u32 = 1 << 31;

impl Values {
    /// Lets `name` stand for `value`.
    ///
    /// # Panics
    /// When all values together are longer than 2 GB, which no answer that is kept allows.
    pub fn set(&mut self, name: Name, value: &[u8]) {
        let place = usize::from(name.0);
        if place >= self.ends.len() {
            let last = u32::try_from(self.bytes.len()).expect("values are shorter than 2 GB");
            self.ends.resize(place + 1, last);
        }
        let span = self.span(place);
        if span.len() == value.len() {
            self.bytes[span].copy_from_slice(value);
        } else {
            let before = span.len();
            self.bytes.splice(span, value.iter().copied());
            for end in &mut self.ends[place..] {
                let moved = (*end & !SET) as usize + value.len() - before;
                let moved = u32::try_from(moved).expect("values are shorter than 2 GB");
                *end = moved | *end & SET;
            }
        }
        self.ends[place] |= SET;
    }

    /// What `name` stands for; nothing as long as it was not set.
    pub fn get(&self, name: Name) -> &[u8] {
        let place = usize::from(name.0);
        if place < self.ends.len() { &self.bytes[self.span(place)] } else { &[] }
    }

    /// Whether `name` was ever set, be it to nothing.
    pub fn is_set(&self, name: Name) -> bool {
        self.ends.get(usize::from(name.0)).is_some_and(|end| end & SET != 0)
    }

    fn span(&self, place: usize) -> Range<usize> {
        let from = place.checked_sub(1).map_or(0, |before| self.ends[before] & !SET);
        from as usize..(self.ends[place] & !SET) as usize
    }
}

/// An answer, as far as steps look at it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Answer<'bytes> {
    /// The status code.
    pub status: u16,
    /// The lines of the head below the status line, as they came; empty where they were not kept.
    pub fields: &'bytes [u8],
    /// The body, without its framing.
    pub body: &'bytes [u8],
}

impl<'bytes> Answer<'bytes> {
    /// The value of the first field of that name, whatever its case, without blanks around it.
    pub fn field(&self, name: &str) -> Option<&'bytes [u8]> {
        let is_it = |(known, _): &(&[u8], _)| known.eq_ignore_ascii_case(name.as_bytes());
        self.all_fields().find(is_it).map(|(_, value)| value)
    }

    /// All fields, each its name and its value without blanks around it, in the order in which they
    /// came.
    pub fn all_fields(&self) -> impl Iterator<Item = (&'bytes [u8], &'bytes [u8])> + use<'bytes> {
        let mut rest = self.fields;
        let lines = std::iter::from_fn(move || {
            let end = memchr(b'\n', rest)?;
            let line = &rest[..end];
            rest = &rest[end + 1..];
            Some(line)
        });
        lines.filter_map(|line| {
            let colon = memchr(b':', line)?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_its_latest_value() {
        let mut names = Names::default();
        let (fan, token) = (names.define("fan"), names.define("token"));
        assert_ne!(fan, token);
        assert_eq!(names.define("fan"), fan);
        assert_eq!(names.find("card"), None);
        assert_eq!(names.iter().collect::<Vec<_>>(), ["fan", "token"]);
        let mut values = Values::default();
        values.set(token, b"a longer one");
        values.set(token, b"one");
        assert_eq!((values.get(fan), values.get(token)), (&b""[..], &b"one"[..]));
        assert_eq!((values.is_set(fan), values.is_set(token)), (false, true));
        values.set(fan, b"");
        assert!(values.is_set(fan));
    }

    proptest! {
        #[test]
        fn what_was_set_last_is_found(set: Vec<(u8, Vec<u8>)>) {
            let (mut values, mut expected) = (Values::default(), [const { None }; 8]);
            for (number, value) in set {
                values.set(Name(u16::from(number % 8)), &value);
                expected[usize::from(number % 8)] = Some(value);
            }
            for (number, value) in (0..).zip(&expected) {
                prop_assert_eq!(values.get(Name(number)), value.as_deref().unwrap_or_default());
                prop_assert_eq!(values.is_set(Name(number)), value.is_some());
            }
        }
    }

    #[test]
    fn a_field_is_found_whatever_its_case() {
        let fields = b"Date: now\r\nX-Token:  a b \r\nx-token: other\r\nodd line\r\n";
        let answer = Answer { status: 200, fields, body: b"" };
        assert_eq!(answer.field("x-TOKEN"), Some(&b"a b"[..]));
        assert_eq!(answer.field("Token"), None);
    }
}
