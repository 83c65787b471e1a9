//! A step's whole HTTP/1.1 request: head and body, with the length of a body that varies.

use std::io::Write;
use std::ops::Range;

use super::cookie::{Jar, Spot};
use super::funnel::Host;
use super::redirect::Manner;
use super::template::Template;
use super::{Name, Values};

/// A request that is rendered for one fan after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The method and a blank.
    method: Box<str>,
    target: Template,
    /// What follows the target: version and `Host`, each with its end.
    fixed: Box<str>,
    /// Fields whose values vary.
    fields: Box<[(Box<str>, Template)]>,
    body: Option<Template>,
}

/// Who says a message, to whom, and when: what its cookies hang on.
#[derive(Copy, Clone, Debug)]
pub struct Saying<'a> {
    /// What the speaker's names stand for.
    pub values: &'a Values,
    /// Its cookies.
    pub jar: &'a Jar,
    /// Who is asked.
    pub host: &'a Host,
    /// When \[s of UTC\].
    pub now_s: i64,
}

/// Where a redirect sent a message.
#[derive(Copy, Clone, Debug)]
pub struct Detour<'a> {
    /// What stands in the field `Host` there.
    pub authority: &'a str,
    /// What is asked for: a path with its query.
    pub target: &'a str,
    /// How.
    pub manner: Manner,
    /// Whether it is still the one whom the message was meant for.
    pub place: Place,
}

/// Whom a redirect leads to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one whom the message was meant for.
    Same,
    /// Somebody else, who is not told any credentials.
    Elsewhere,
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

    /// Its method, such as `POST`.
    pub fn method(&self) -> &str {
        self.method.trim_end()
    }

    /// The names that its templates use.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        let fields = self.fields.iter().map(|(_, value)| value);
        let templates = std::iter::once(&self.target).chain(fields).chain(&self.body);
        templates.flat_map(Template::names)
    }

    /// What in its templates came from the environment.
    pub fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        let fields = self.fields.iter().map(|(_, value)| value);
        let templates = std::iter::once(&self.target).chain(fields).chain(&self.body);
        templates.flat_map(Template::secrets)
    }

    /// Writes its target into `out`, which is emptied first.
    pub fn target(&self, values: &Values, out: &mut Vec<u8>) {
        out.clear();
        self.target.render(values, out);
    }

    /// Writes the request into `out`, which is emptied first. Cookies and the body are rendered in
    /// `scratch`, for the body's length goes before it; both keep their memory.
    pub fn render(&self, saying: Saying<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.method.as_bytes());
        self.target.render(saying.values, out);
        let target = self.method.len()..out.len();
        out.extend_from_slice(self.fixed.as_bytes());
        if !saying.jar.is_empty() {
            write_cookies(saying, target, scratch, out);
        }
        for field in &self.fields {
            write_field(field, saying.values, out);
        }
        self.write_body(saying.values, scratch, out);
    }

    /// The same where a redirect sent it: a `GET` goes without what is said of the body, and who is
    /// somebody else is told no credentials but the cookies that are its own.
    pub fn render_detour(
        &self,
        detour: Detour<'_>,
        saying: Saying<'_>,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        out.clear();
        let method = match detour.manner {
            Manner::Repeat => &*self.method,
            Manner::Get => "GET ",
        };
        out.extend_from_slice(method.as_bytes());
        out.extend_from_slice(detour.target.as_bytes());
        let target = method.len()..out.len();
        write!(out, " HTTP/1.1\r\nHost: {}\r\n", detour.authority)
            .expect("memory takes every byte");
        write_cookies(saying, target, scratch, out);
        for field in &self.fields {
            let is_bodys =
                field.0.get(..8).is_some_and(|name| name.eq_ignore_ascii_case("content-"));
            let is_dropped = detour.manner == Manner::Get && is_bodys
                || detour.place == Place::Elsewhere && is_credential(&field.0);
            if !is_dropped {
                write_field(field, saying.values, out);
            }
        }
        match detour.manner {
            Manner::Repeat => self.write_body(saying.values, scratch, out),
            Manner::Get => out.extend_from_slice(b"\r\n"),
        }
    }

    fn write_body(&self, values: &Values, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        if let Some(body) = &self.body {
            scratch.clear();
            body.render(values, scratch);
            let length = scratch.len();
            write!(out, "Content-Length: {length}\r\n\r\n").expect("memory takes every byte");
            out.extend_from_slice(scratch);
        } else if matches!(&*self.method, "POST " | "PUT " | "PATCH ") {
            // Who expects a body is told that there is none (RFC 9110 §8.6).
            out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn write_field((name, value): &(Box<str>, Template), values: &Values, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    value.render(values, out);
    out.extend_from_slice(b"\r\n");
}

/// Writes the cookies for what stands at `target` in `out`, if there are any.
fn write_cookies(
    saying: Saying<'_>,
    target: Range<usize>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    scratch.clear();
    let spot = Spot { host: saying.host, target: &out[target], now_s: saying.now_s };
    saying.jar.write(&spot, scratch);
    if !scratch.is_empty() {
        out.extend_from_slice(b"Cookie: ");
        out.extend_from_slice(scratch);
        out.extend_from_slice(b"\r\n");
    }
}

/// Whether a field is for its host's eyes alone.
fn is_credential(name: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Names;
    use crate::step::funnel::Scheme;
    use crate::step::template::Place as Where;

    fn shop() -> Host {
        Host { scheme: Scheme::Http, name: "shop.test".to_owned(), port: 80 }
    }

    fn rendered(
        message: &Message,
        values: &Values,
        jar: &Jar,
        detour: Option<Detour<'_>>,
    ) -> String {
        let (host, mut scratch, mut out) = (shop(), Vec::new(), b"old".to_vec());
        let saying = Saying { values, jar, host: &host, now_s: 0 };
        match detour {
            None => message.render(saying, &mut scratch, &mut out),
            Some(detour) => message.render_detour(detour, saying, &mut scratch, &mut out),
        }
        String::from_utf8(out).unwrap()
    }

    fn jar() -> Jar {
        let (mut jar, host) = (Jar::default(), shop());
        jar.set(b"sid=7; Path=/", &Spot { host: &host, target: b"/", now_s: 0 });
        jar
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let mut names = Names::default();
        let sku = names.define("sku");
        let template = |text, place| Template::compile(text, place, &names).unwrap();
        let message = Message::new(
            "POST",
            "shop.test",
            template("/buy?sku={{sku}}", Where::Url),
            vec![("X-Sku".to_owned(), template("<{{sku}}>", Where::Field))],
            Some(template("sku={{sku}}", Where::Form)),
        );
        let mut values = Values::default();
        values.set(sku, b"a b");
        let expected = "POST /buy?sku=a%20b HTTP/1.1\r\nHost: shop.test\r\nX-Sku: <a b>\r\n\
                        Content-Length: 7\r\n\r\nsku=a+b";
        assert_eq!(rendered(&message, &values, &Jar::default(), None), expected);
        assert!(message.names().all(|name| name == sku) && message.names().count() == 3);
        let with_cookie = expected.replace("X-Sku", "Cookie: sid=7\r\nX-Sku");
        assert_eq!(rendered(&message, &values, &jar(), None), with_cookie);
    }

    #[test]
    fn who_is_sent_on_says_only_what_is_right_there() {
        let names = Names::default();
        let template = |text, place| Template::compile(text, place, &names).unwrap();
        let fields =
            [("Content-Type", "text/plain"), ("Authorization", "Bearer x"), ("X-Run", "7")];
        let message = Message::new(
            "POST",
            "shop.test",
            template("/buy", Where::Url),
            fields.map(|(name, value)| (name.to_owned(), template(value, Where::Field))).to_vec(),
            Some(template("body", Where::Plain)),
        );
        let sent_on = |manner, place| {
            let detour = Detour { authority: "a.test:81", target: "/x?y", manner, place };
            rendered(&message, &Values::default(), &jar(), Some(detour))
        };
        let host = "HTTP/1.1\r\nHost: a.test:81\r\nCookie: sid=7\r\n";
        assert_eq!(
            sent_on(Manner::Repeat, Place::Same),
            format!(
                "POST /x?y {host}Content-Type: text/plain\r\nAuthorization: Bearer x\r\n\
                 X-Run: 7\r\nContent-Length: 4\r\n\r\nbody"
            )
        );
        let get = format!("GET /x?y {host}X-Run: 7\r\n\r\n");
        assert_eq!(sent_on(Manner::Get, Place::Elsewhere), get);
    }

    #[test]
    fn a_request_without_a_body_ends_with_its_head() {
        let target = Template::compile("/page", Where::Url, &Names::default()).unwrap();
        let message = Message::new("GET", "shop.test", target, Vec::new(), None);
        let text = rendered(&message, &Values::default(), &Jar::default(), None);
        assert_eq!(text, "GET /page HTTP/1.1\r\nHost: shop.test\r\n\r\n");
        let target = Template::compile("/buy", Where::Url, &Names::default()).unwrap();
        let message = Message::new("POST", "shop.test", target, Vec::new(), None);
        let text = rendered(&message, &Values::default(), &Jar::default(), None);
        assert!(text.ends_with("\r\nContent-Length: 0\r\n\r\n"), "{text}");
    }
}
