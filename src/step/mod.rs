//! A step of a funnel as bytes: what is sent ([`template`], [`message`]), what is read in the
//! answer ([`capture`]), and what that means ([`rule`]). Pure: bytes in, bytes out.
//!
//! Everything is compiled once, when a scenario is read; to send a step and to read its answer then
//! allocates nothing, but where an escape in the answer has to be undone.

pub mod capture;
pub mod funnel;
pub mod message;
pub mod rule;
pub mod template;

mod css;
mod json;

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

    /// All names, in the order in which they were defined.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What one fan's names stand for at this moment. Memory is kept from value to value, so that a
/// name that is captured again and again takes none anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(Vec<Vec<u8>>);

impl Values {
    /// Lets `name` stand for `value`.
    pub fn set(&mut self, name: Name, value: &[u8]) {
        let place = usize::from(name.0);
        if place >= self.0.len() {
            self.0.resize(place + 1, Vec::new());
        }
        self.0[place].clear();
        self.0[place].extend_from_slice(value);
    }

    /// What `name` stands for; nothing as long as it was not set.
    pub fn get(&self, name: Name) -> &[u8] {
        self.0.get(usize::from(name.0)).map_or(&[], Vec::as_slice)
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
        self.fields.split(|byte| *byte == b'\n').find_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let matches = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            matches.then(|| line[colon + 1..].trim_ascii())
        })
    }
}

#[cfg(test)]
mod tests {
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
    }

    #[test]
    fn a_field_is_found_whatever_its_case() {
        let fields = b"Date: now\r\nX-Token:  a b \r\nx-token: other\r\nodd line\r\n";
        let answer = Answer { status: 200, fields, body: b"" };
        assert_eq!(answer.field("x-TOKEN"), Some(&b"a b"[..]));
        assert_eq!(answer.field("Token"), None);
    }
}
