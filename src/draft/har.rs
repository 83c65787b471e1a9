//! A recording as browsers write it (HAR 1.2), as far as it is needed: what is missing or odd in an
//! entry is overlooked, for every browser has its own ways.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use url::Url;

/// A recording of which no draft can be made.
#[derive(Debug, thiserror::Error)]
pub enum HarError {
    /// It is no HAR.
    #[error(
        "read the recording: {0}\nhint: save it in the browser's network panel as HAR, with content"
    )]
    Unreadable(serde_json::Error),
    /// It holds no page and no request that could be a step.
    #[error(
        "find a funnel in the recording: of its {entries} entries none is a page or a call\n\
         hint: record from the sale's page on, up to the order"
    )]
    Empty {
        /// How many entries it has.
        entries: usize,
    },
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    /// The body's type, without its parameters, and the body.
    pub(super) body: Option<(String, String)>,
    pub(super) answer: Answer,
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// Without its parameters.
    pub(super) kind: String,
    /// Empty where it was not recorded or is no text.
    pub(super) body: String,
}

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(rename = "postData")]
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct PostData {
    #[serde(rename = "mimeType", default)]
    mime_type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    params: Vec<Pair>,
}

#[derive(Deserialize)]
struct Response {
    status: i64,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Content,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(rename = "mimeType", default)]
    mime_type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

/// All exchanges that can be read, in their order. Entries that never got an answer are left out.
///
/// # Errors
/// When the text is no recording.
pub(super) fn read(text: &str) -> Result<Vec<Exchange>, HarError> {
    // Some tools begin their files with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let har: Har = serde_json::from_str(text).map_err(HarError::Unreadable)?;
    let entries = har.log.entries.len();
    let exchanges: Vec<_> = har.log.entries.into_iter().filter_map(exchange).collect();
    if exchanges.is_empty() { Err(HarError::Empty { entries }) } else { Ok(exchanges) }
}

fn exchange(entry: serde_json::Value) -> Option<Exchange> {
    let Entry { request, response } = serde_json::from_value(entry).ok()?;
    let url = Url::parse(&request.url).ok().filter(|url| url.host_str().is_some())?;
    let status = u16::try_from(response.status).ok().filter(|status| *status >= 100)?;
    Some(Exchange {
        method: request.method.to_ascii_uppercase(),
        url,
        headers: pairs(request.headers),
        body: request.post_data.map(PostData::read),
        answer: Answer {
            status,
            headers: pairs(response.headers),
            kind: without_parameters(&response.content.mime_type),
            body: response.content.read(),
        },
    })
}

fn pairs(pairs: Vec<Pair>) -> Vec<(String, String)> {
    pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()
}

fn without_parameters(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl PostData {
    /// Its type and text; browsers that give parameters alone mean a form.
    fn read(self) -> (String, String) {
        let kind = without_parameters(&self.mime_type);
        let text = self.text.filter(|text| !text.is_empty()).unwrap_or_else(|| {
            let mut form = Url::parse("http://form").expect("a constant is a URL");
            form.query_pairs_mut()
                .extend_pairs(self.params.iter().map(|pair| (&pair.name, &pair.value)));
            form.query().unwrap_or_default().to_owned()
        });
        (kind, text)
    }
}

/// The pairs of a form.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    let mut url = Url::parse("http://form").expect("a constant is a URL");
    url.set_query(Some(text));
    url.query_pairs().into_owned().collect()
}

impl Content {
    fn read(self) -> String {
        let text = self.text.unwrap_or_default();
        if self.encoding.as_deref() != Some("base64") {
            return text;
        }
        let decoded = BASE64_STANDARD.decode(text).ok();
        decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Exchange {
    /// Its host as a scenario names it: with the port where that is unusual.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether a field of its body is a password: who sends one says who it is.
    pub(super) fn sends_a_password(&self) -> bool {
        let Some((kind, text)) = &self.body else { return false };
        let is_password = |name: &str| name.to_ascii_lowercase().contains("password");
        if kind == "application/x-www-form-urlencoded" {
            return form(text).iter().any(|(name, _)| is_password(name));
        }
        let json: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let members = json.as_ref().and_then(serde_json::Value::as_object);
        members.is_some_and(|members| members.keys().any(|name| is_password(name)))
    }

    /// Whether the answer sends the browser on to `next`.
    pub(super) fn leads_to(&self, next: &Self) -> bool {
        let location = self.answer.header("location").and_then(|to| self.url.join(to).ok());
        (300..400).contains(&self.answer.status)
            && location.is_some_and(|to| to.as_str() == next.url.as_str())
    }
}

impl Answer {
    /// The first header of that name, whatever its case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether its body is JSON.
    pub(super) fn is_json(&self) -> bool {
        self.kind == "application/json" || self.kind.ends_with("+json") || self.looks_like_json()
    }

    /// Whether a body of which nobody says what it is, as many an API forgets to, is an object or a
    /// list of JSON.
    fn looks_like_json(&self) -> bool {
        let says_nothing = ["", "x-unknown", "text/plain", "application/octet-stream"];
        says_nothing.contains(&self.kind.as_str())
            && self.body.trim_start().starts_with(['{', '['])
            && serde_json::from_str::<serde::de::IgnoredAny>(&self.body).is_ok()
    }

    /// Whether its body is a page.
    pub(super) fn is_page(&self) -> bool {
        matches!(self.kind.as_str(), "text/html" | "application/xhtml+xml")
    }
}
