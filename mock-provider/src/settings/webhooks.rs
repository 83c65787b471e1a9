//! Messages to merchants: how late, how often, in which order and to whom.

use domain::law::Law;
use domain::time::{Duration, Span, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::problem::Problem;

/// How many endpoints settings may name: Stripe allows 16 to an account (docs.stripe.com/webhooks).
const ENDPOINTS_MAX: usize = 16;

/// The longest a message may practically be under way before its first attempt: Stripe gives up
/// after three days of retries, and a first attempt comes before them.
const DELAY_MAX: Duration = Duration::from_hours(72);

/// The longest time-out: beyond it a slow endpoint would hold its place among those that are sent
/// to at once for good.
const TIMEOUT_MAX: Duration = Duration::from_mins(5);

/// The sigma of a lognormal law whose 99 % quantile is ten times its median: ln 10 divided by the
/// 99 % quantile of the standard normal distribution.
const TENFOLD_AT_P99: f64 = 0.989_785_370_747_015_8;

/// Messages to merchants (webhooks): `[webhooks]`. Any key may be left out.
///
/// Shares lie in \[0, 1\]; what becomes of a message is drawn for its payment, its kind and the
/// endpoint, so that the order of arrival does not matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// How long after the answer to the call that caused it a message is sent. Left out: 300 ms
    /// for half of them and 3 s for one in a hundred \[A\].
    pub delay: Law,
    /// The share sent from the call's arrival on, so that they may come before its answer.
    #[schemars(range(min = 0, max = 1))]
    pub early: f64,
    /// The share that comes later by `late_by`.
    #[schemars(range(min = 0, max = 1))]
    pub late: f64,
    /// How much later. Left out: 1 min for half of them and 10 min for one in a hundred \[A\].
    pub late_by: Law,
    /// The share sent twice: the same event, by the same id.
    #[schemars(range(min = 0, max = 1))]
    pub duplicated: f64,
    /// The share of changes that make two events, with an id each.
    #[schemars(range(min = 0, max = 1))]
    pub twice: f64,
    /// The share held back until the next message about the same payment has been sent. Drawn
    /// delays change the order of others besides.
    #[schemars(range(min = 0, max = 1))]
    pub reordered: f64,
    /// How long a message is held back where no other follows. Left out: 30 s \[A\].
    pub held_at_most: Span,
    /// The share never sent. They are listed all the same: a shop that asks for its events finds
    /// them.
    #[schemars(range(min = 0, max = 1))]
    pub lost: f64,
    /// How long an endpoint may take to answer. Left out: 10 s \[A\].
    pub timeout: Span,
    /// When a message is sent again that was not taken.
    pub retries: Retries,
    /// Hosts beside this machine's own that messages may go to, such as `"shop.test"`. A rehearsal
    /// must never reach a stranger.
    pub allow_hosts: Vec<String>,
    /// Endpoints that are known from the beginning, to every account.
    pub endpoints: Vec<EndpointSettings>,
}

/// When a message is sent again that was answered with anything but a 2xx, or not in time.
///
/// The wait before retry k, from 1, is `first` · `factor`^(k−1), at most `longest`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retries {
    /// The wait before the first retry. Left out: 5 s \[A\]: Stripe's minutes are too long for a
    /// rehearsal.
    pub first: Span,
    /// What each wait is multiplied by, at least 1. Left out: 2 \[A\]: "exponential", says Stripe.
    #[schemars(range(min = 1))]
    pub factor: f64,
    /// The longest wait. Left out: 12 h \[A\].
    pub longest: Span,
    /// No retry is made later than this after the first attempt. Left out: 3 d, as Stripe does in
    /// live mode (docs.stripe.com/webhooks).
    pub within: Span,
    /// How many retries at most. Left out: 100, which is no bound beside `within`; in a sandbox
    /// Stripe makes 3 over a few hours (docs.stripe.com/webhooks).
    pub tries: u32,
}

/// An endpoint that is known from the beginning: `[[webhooks.endpoints]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    /// Where messages go: an `http` address.
    pub url: String,
    /// The secret that signs them. Left out: drawn from the seed, and told at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The kinds of events it wants; left out: all (`"*"`).
    #[serde(default = "all_events")]
    pub events: Vec<String>,
}

fn all_events() -> Vec<String> {
    vec!["*".to_owned()]
}

impl EndpointSettings {
    /// An endpoint for all kinds of events.
    pub fn new(url: impl Into<String>, secret: Option<String>) -> Self {
        Self { url: url.into(), secret, events: all_events() }
    }
}

impl Default for Webhooks {
    fn default() -> Self {
        let tenfold = |median| Law::Lognormal { median, sigma: TENFOLD_AT_P99 };
        Self {
            delay: tenfold(Duration::from_millis(300)),
            early: 0.0,
            late: 0.0,
            late_by: tenfold(Duration::from_mins(1)),
            duplicated: 0.0,
            twice: 0.0,
            reordered: 0.0,
            held_at_most: Span(Duration::from_secs(30)),
            lost: 0.0,
            timeout: Span(Duration::from_secs(10)),
            retries: Retries::default(),
            allow_hosts: Vec::new(),
            endpoints: Vec::new(),
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            first: Span(Duration::from_secs(5)),
            factor: 2.0,
            longest: Span(Duration::from_hours(12)),
            within: Span(Duration::from_hours(72)),
            tries: 100,
        }
    }
}

impl Retries {
    /// The wait before retry number `retry`, from 1; `None` when it is not made, `spent` after the
    /// first attempt.
    pub fn wait(&self, retry: u32, spent: Duration) -> Option<Duration> {
        if retry > self.tries {
            return None;
        }
        let longest_s = self.longest.0.as_secs_f64();
        let first_s = self.first.0.as_secs_f64().min(longest_s);
        let wait_s = (1..retry).fold(first_s, |wait_s, _| (wait_s * self.factor).min(longest_s));
        let wait = duration_from_seconds(wait_s);
        (spent + wait <= self.within.0).then_some(wait)
    }
}

/// An address that messages must not or cannot go to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not an address.
    #[error("`{url}` is not a URL: {source}")]
    Invalid {
        /// As given.
        url: String,
        /// Why.
        source: url::ParseError,
    },
    /// It is not spoken here.
    #[error("`{url}` is not an http URL: messages are sent without encryption")]
    Scheme {
        /// As given.
        url: String,
    },
    /// It may be a stranger's.
    #[error(
        "`{host}` is not this machine: a rehearsal must not reach a stranger\n\
         hint: if it is yours, allow it by `--webhook-hosts {host}` or `webhooks.allow_hosts`"
    )]
    Stranger {
        /// The host of the address.
        host: String,
    },
}

impl Webhooks {
    /// Whether messages may go to that address: over http, to this machine or an allowed host.
    ///
    /// # Errors
    /// When they may not; the error says why.
    pub fn check_url(&self, url: &str) -> Result<(), UrlError> {
        let parsed =
            Url::parse(url).map_err(|source| UrlError::Invalid { url: url.to_owned(), source })?;
        let (Some(host), "http") = (parsed.host(), parsed.scheme()) else {
            return Err(UrlError::Scheme { url: url.to_owned() });
        };
        let is_here = match host {
            Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let name = parsed.host_str().unwrap_or_default();
        let allowed = self.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
        if is_here || allowed { Ok(()) } else { Err(UrlError::Stranger { host: name.to_owned() }) }
    }

    /// What is out of range, with keys below `webhooks`.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut report = |key: &str, message: String| {
            problems.push(Problem::new(format!("webhooks.{key}"), message));
        };
        for (key, law) in [("delay", self.delay), ("late_by", self.late_by)] {
            if law.bound() > DELAY_MAX {
                report(key, "one message in a thousand would be under way for 3 days".to_owned());
            }
        }
        for (key, share) in [
            ("early", self.early),
            ("late", self.late),
            ("duplicated", self.duplicated),
            ("twice", self.twice),
            ("reordered", self.reordered),
            ("lost", self.lost),
        ] {
            if !(0.0..=1.0).contains(&share) {
                report(key, format!("{share}: must be from 0 to 1"));
            }
        }
        let timeout = self.timeout;
        if timeout.0.is_zero() || timeout.0 > TIMEOUT_MAX {
            report("timeout", format!("{timeout}: must be above 0s and at most 5m"));
        }
        let factor = self.retries.factor;
        if !(1.0..=1e3).contains(&factor) {
            report("retries.factor", format!("{factor}: must be from 1 to 1000"));
        }
        let count = self.endpoints.len();
        if count > ENDPOINTS_MAX {
            report("endpoints", format!("{count} endpoints: at most {ENDPOINTS_MAX}"));
        }
        for (endpoint, place) in self.endpoints.iter().zip(0..) {
            for (key, message) in self.problems_of(endpoint) {
                report(&format!("endpoints.{place}.{key}"), message);
            }
        }
        problems
    }

    fn problems_of(&self, endpoint: &EndpointSettings) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Err(error) = self.check_url(&endpoint.url) {
            problems.push(("url", error.to_string()));
        }
        if endpoint.secret.as_ref().is_some_and(String::is_empty) {
            problems.push(("secret", "empty: leave it out to have one drawn".to_owned()));
        }
        if endpoint.events.is_empty() {
            problems.push(("events", "no kind of event: leave it out to hear of all".to_owned()));
        }
        if let Some(kind) = endpoint.events.iter().find(|kind| !is_kind(kind)) {
            let cure = "write `*`, or a kind such as `payment_intent.succeeded`";
            problems.push(("events", format!("`{kind}` is no kind of event: {cure}")));
        }
        problems
    }
}

/// Whether a word can name a kind of event: `*`, or words with dots between them. Stripe has more
/// than 200 kinds, of which most never happen here.
pub fn is_kind(word: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty() && part.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    word == "*" || word.contains('.') && word.split('.').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Webhooks {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn any_key_may_be_left_out() {
        let endpoint = EndpointSettings::new("http://127.0.0.1:80/", None);
        let settings = written("lost = 0.1\n[[endpoints]]\nurl = \"http://127.0.0.1:80/\"");
        let expected = Webhooks { lost: 0.1, endpoints: vec![endpoint], ..Webhooks::default() };
        assert_eq!(settings, expected);
        assert_eq!(settings.check(), []);
        let delay: Webhooks = written("delay = { median = \"300ms\", p99 = \"3s\" }");
        let (Law::Lognormal { sigma, .. }, Law::Lognormal { sigma: default, .. }) =
            (delay.delay, Webhooks::default().delay)
        else {
            panic!("{delay:?}");
        };
        assert!((sigma - default).abs() < 1e-12, "{sigma} {default}");
    }

    #[test]
    fn every_value_out_of_range_is_named_with_its_key() {
        let settings = written(
            "delay = \"4d\"\nlate = 1.5\nlost = -1\ntimeout = \"0s\"\nretries.factor = 0.5\n\
             [[endpoints]]\nurl = \"http://shop.example/\"\nsecret = \"\"\nevents = [\"charge\"]\n\
             [[endpoints]]\nurl = \"http://localhost:80/\"\nevents = []",
        );
        let problems: Vec<_> = settings.check().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "webhooks.delay: one message in a thousand would be under way for 3 days",
                "webhooks.late: 1.5: must be from 0 to 1",
                "webhooks.lost: -1: must be from 0 to 1",
                "webhooks.timeout: 0s: must be above 0s and at most 5m",
                "webhooks.retries.factor: 0.5: must be from 1 to 1000",
                "webhooks.endpoints.0.url: `shop.example` is not this machine: a rehearsal must \
                 not reach a stranger\nhint: if it is yours, allow it by `--webhook-hosts \
                 shop.example` or `webhooks.allow_hosts`",
                "webhooks.endpoints.0.secret: empty: leave it out to have one drawn",
                "webhooks.endpoints.0.events: `charge` is no kind of event: write `*`, or a kind \
                 such as `payment_intent.succeeded`",
                "webhooks.endpoints.1.events: no kind of event: leave it out to hear of all",
            ]
        );
    }
}
