//! A value in a JSON text: plain paths such as `$.order.id` are followed where they lie, without
//! building the rest; any other RFC 9535 path goes through a library.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json_path::JsonPath;

/// A compiled path.
#[derive(Clone, Debug)]
pub(super) enum Path {
    /// Members and places, one inside the other.
    Plain(Box<[Step]>),
    /// Anything else.
    General(JsonPath),
}

/// One step of a plain path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The member of that name.
    Member(Box<str>),
    /// The element at that place, from 0.
    Element(usize),
}

impl Path {
    /// Compiles a path that begins with `$`.
    ///
    /// # Errors
    /// When it is none, in the words of the library.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        if let Some(steps) = plain(text) {
            return Ok(Self::Plain(steps.into()));
        }
        JsonPath::parse(text).map(Self::General).map_err(|error| error.to_string())
    }

    /// The first value at this path: a text without its quotes and escapes, anything else as JSON.
    pub(super) fn find<'body>(&self, body: &'body [u8]) -> Option<Cow<'body, [u8]>> {
        match self {
            Self::Plain(steps) => {
                let mut found = None;
                let mut reader = serde_json::Deserializer::from_slice(body);
                Seek { steps, found: &mut found }.deserialize(&mut reader).ok()?;
                reader.end().ok()?;
                unquoted(found?.get())
            }
            Self::General(path) => {
                let value: serde_json::Value = serde_json::from_slice(body).ok()?;
                let text = match path.query(&value).first()? {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some(Cow::Owned(text.into_bytes()))
            }
        }
    }
}

/// The steps of `$.a.b[0]`; none where anything else stands in it.
fn plain(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(dotted) = rest.strip_prefix('.') {
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let end = dotted.find(|letter| !is_part(letter)).unwrap_or(dotted.len());
            let name = &dotted[..end];
            if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
                return None;
            }
            (Step::Member(name.into()), &dotted[end..])
        } else {
            let (number, after) = rest.strip_prefix('[')?.split_once(']')?;
            let digits = number == "0" || !number.starts_with('0');
            let digits = digits && number.bytes().all(|byte| byte.is_ascii_digit());
            (Step::Element(number.parse().ok().filter(|_| digits)?), after)
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

fn unquoted(raw: &str) -> Option<Cow<'_, [u8]>> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Some(Cow::Borrowed(raw.as_bytes()));
    };
    if inner.contains('\\') {
        let text: String = serde_json::from_str(raw).ok()?;
        return Some(Cow::Owned(text.into_bytes()));
    }
    Some(Cow::Borrowed(inner.as_bytes()))
}

/// Goes down the steps and notes the value at their end. The whole text is read, so that nothing
/// is found in what is no JSON.
struct Seek<'seek, 'body> {
    steps: &'seek [Step],
    found: &'seek mut Option<&'body RawValue>,
}

impl<'body> DeserializeSeed<'body> for Seek<'_, 'body> {
    type Value = ();

    fn deserialize<D: Deserializer<'body>>(self, reader: D) -> Result<(), D::Error> {
        if self.steps.is_empty() {
            let value = <&RawValue>::deserialize(reader)?;
            self.found.get_or_insert(value);
            return Ok(());
        }
        reader.deserialize_any(self)
    }
}

impl<'body> Visitor<'body> for Seek<'_, 'body> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'body>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(is_ours) = members.next_key_seed(IsNamed(&self.steps[0]))? {
            if is_ours {
                let deeper = Seek { steps: &self.steps[1..], found: &mut *self.found };
                members.next_value_seed(deeper)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'body>>(self, mut elements: A) -> Result<(), A::Error> {
        if let Step::Element(place) = self.steps[0] {
            for _ in 0..place {
                if elements.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(());
                }
            }
            let deeper = Seek { steps: &self.steps[1..], found: &mut *self.found };
            elements.next_element_seed(deeper)?;
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    // There is nothing inside these.
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Whether a member's name is that of a step.
struct IsNamed<'step>(&'step Step);

impl<'body> DeserializeSeed<'body> for IsNamed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'body>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for IsNamed<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a member's name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<bool, E> {
        Ok(matches!(self.0, Step::Member(ours) if **ours == *name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn found(path: &str, body: &str) -> Option<String> {
        let found = Path::compile(path).unwrap().find(body.as_bytes())?;
        Some(String::from_utf8(found.into_owned()).unwrap())
    }

    #[test]
    fn plain_paths_are_told_from_others() {
        let member = |name: &str| Step::Member(name.into());
        assert_eq!(plain("$"), Some(vec![]));
        let steps = vec![member("a"), Step::Element(10), member("b_1")];
        assert_eq!(plain("$.a[10].b_1"), Some(steps));
        for other in ["$..a", "$.a[*]", "$['a']", "$[-1]", "$[01]", "$.1", "a", "$[0", "$.é"] {
            assert_eq!(plain(other), None, "{other}");
        }
        assert!(Path::compile("order.id").is_err());
    }

    #[test]
    fn texts_come_without_quotes_and_the_rest_as_json() {
        let body = r#" {"x":[1],"a":{"s":"é\n","n":-1.50,"l":[true,{"k":"v"}],"o":{}},"z":null} "#;
        assert_eq!(found("$.a.s", body).unwrap(), "é\n");
        assert_eq!(found("$.a.n", body).unwrap(), "-1.50");
        assert_eq!(found("$.a.l[1].k", body).unwrap(), "v");
        assert_eq!(found("$.a.l", body).unwrap(), r#"[true,{"k":"v"}]"#);
        assert_eq!(found("$.z", body).unwrap(), "null");
        assert_eq!(found("$['a']['l'][-1]['k']", body).unwrap(), "v");
        for missing in ["$.b", "$.a.s.t", "$.a[0]", "$.a.l[2]", "$.x.a", "$..nothing"] {
            assert_eq!(found(missing, body), None, "{missing}");
        }
    }

    #[test]
    fn nothing_is_found_in_what_is_no_json() {
        for body in ["", "{", r#"{"a":1"#, r#"{"a":1}}"#, r#"{"a":1,}"#, "<html>"] {
            assert_eq!(found("$.a", body), None, "{body}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(found("$[0]", &deep), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_short_way_finds_what_the_library_finds(
            json in any_json(),
            steps in prop::collection::vec("\\.[a-c]|\\[[0-3]\\]", 0..4),
        ) {
            let path = format!("${}", steps.concat());
            let body = json.to_string();
            let short = Path::compile(&path).unwrap();
            prop_assert!(matches!(short, Path::Plain(_)));
            let long = Path::General(JsonPath::parse(&path).unwrap());
            prop_assert_eq!(short.find(body.as_bytes()), long.find(body.as_bytes()));
        }

        #[test]
        fn no_bytes_break_the_search(body: Vec<u8>) {
            let _ = Path::compile("$.a[0]").unwrap().find(&body);
        }
    }
}
