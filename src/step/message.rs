//! A step's whole HTTP/1.1 request: head and body, with the length of a body that varies.

use std::io::Write;

use super::template::Template;
use super::{Name, Values};

/// A request that is rendered for one fan after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    method: Box<str>,
    target: Template,
    /// What follows the target: version, `Host`, and fields that never vary, each with its end.
    fixed: Box<str>,
    /// Fields whose values vary.
    fields: Box<[(Box<str>, Template)]>,
    body: Option<Template>,
}

impl Message {
    /// A request of `method` (such as `POST`) for what `target` renders to, a path with its query.
    ///
    /// `fields` are sent besides `Host: host`; names and `host` go out as they are. With a body
    /// goes its length.
    pub fn new(
        method: &str,
        host: &str,
        target: Template,
        fields: Vec<(String, Template)>,
        body: Option<Template>,
    ) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into_boxed_str(), value));
        Self {
            method: format!("{method} ").into(),
            target,
            fixed: format!(" HTTP/1.1\r\nHost: {host}\r\n").into(),
            fields: fields.collect(),
            body,
        }
    }

    /// The names that it fills in: target, fields and body, each as often as it stands there.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        let fields = self.fields.iter().flat_map(|(_, value)| value.names());
        let body = self.body.iter().flat_map(Template::names);
        self.target.names().chain(fields).chain(body)
    }

    /// Writes the request into `out`, which is emptied first. The body is rendered in `scratch`,
    /// for its length goes before it; both keep their memory.
    pub fn render(&self, values: &Values, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.method.as_bytes());
        self.target.render(values, out);
        out.extend_from_slice(self.fixed.as_bytes());
        for (name, value) in &self.fields {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            value.render(values, out);
            out.extend_from_slice(b"\r\n");
        }
        if let Some(body) = &self.body {
            scratch.clear();
            body.render(values, scratch);
            let length = scratch.len();
            write!(out, "Content-Length: {length}\r\n\r\n").expect("memory takes every byte");
            out.extend_from_slice(scratch);
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Names;
    use crate::step::template::Place;

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let mut names = Names::default();
        let sku = names.define("sku");
        let template = |text, place| Template::compile(text, place, &names).unwrap();
        let message = Message::new(
            "POST",
            "shop.test",
            template("/buy?sku={{sku}}", Place::Url),
            vec![("X-Sku".to_owned(), template("<{{sku}}>", Place::Field))],
            Some(template("sku={{sku}}", Place::Form)),
        );
        let (mut values, mut scratch, mut out) = (Values::default(), Vec::new(), b"old".to_vec());
        values.set(sku, b"a b");
        message.render(&values, &mut scratch, &mut out);
        let expected = "POST /buy?sku=a%20b HTTP/1.1\r\nHost: shop.test\r\nX-Sku: <a b>\r\n\
                        Content-Length: 7\r\n\r\nsku=a+b";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_request_without_a_body_ends_with_its_head() {
        let target = Template::compile("/page", Place::Url, &Names::default()).unwrap();
        let message = Message::new("GET", "shop.test", target, Vec::new(), None);
        let mut out = Vec::new();
        message.render(&Values::default(), &mut Vec::new(), &mut out);
        assert_eq!(out, b"GET /page HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    }
}
