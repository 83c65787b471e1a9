//! Webhook endpoints: where a merchant wants to hear what happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::draw::{Purpose, draw_for, number_of};

use crate::rules::directory::Kind;
use crate::rules::reply::Fault;
use crate::rules::request::{PageOf, Terms};
use crate::settings::{EndpointSettings, Webhooks, is_kind};

/// How many endpoints an account may have: 16, as Stripe allows (docs.stripe.com/webhooks).
const ENDPOINTS_OF_ACCOUNT_MAX: usize = 16;

/// How many endpoints there may be: anybody may name any number of accounts.
const ENDPOINTS_MAX: usize = 1_024;

/// How many kinds of events an endpoint may name, and how long its address may be \[bytes\]: more
/// than Stripe has kinds, and more than proxies let pass.
const KINDS_MAX: usize = 500;
const URL_BYTES_MAX: usize = 2_048;

/// How many letters a secret has after `whsec_`: 62 kinds of letters give 190 bits.
const SECRET_LETTERS: u32 = 32;

/// Where a merchant wants to hear what happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account that registered it; none: it is the settings', and hears of all.
    pub account: Option<Box<str>>,
    /// Where messages go.
    pub url: Box<str>,
    /// What signs them.
    pub secret: Box<str>,
    /// The kinds of events it wants; `*` is all.
    pub events: Vec<String>,
    /// Whether messages are sent to it.
    pub switch: Switch,
    /// The version of the API that it asked for.
    pub api_version: Option<Box<str>>,
    /// What else the merchant says: metadata and a description.
    pub terms: Terms,
    /// When it was made, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
}

/// Whether messages are sent to an endpoint.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Switch {
    /// They are.
    Enabled,
    /// They are not, and those that wait are forgotten.
    Disabled,
}

/// An endpoint to be registered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewEndpoint {
    /// Where messages go.
    pub url: String,
    /// The kinds of events it wants.
    pub events: Vec<String>,
    /// The version of the API it asks for.
    pub api_version: Option<String>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// What changes about an endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointChange {
    /// Where messages go.
    pub url: Option<String>,
    /// The kinds of events it wants.
    pub events: Option<Vec<String>>,
    /// Whether messages are sent to it.
    pub switch: Option<Switch>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

impl Endpoint {
    /// Whether it wants to hear of a kind of event of that account.
    pub fn wants(&self, account: &str, kind: &str) -> bool {
        self.switch == Switch::Enabled
            && self.is_seen_by(account)
            && self.events.iter().any(|wanted| wanted == "*" || wanted == kind)
    }

    fn is_seen_by(&self, account: &str) -> bool {
        self.account.as_deref().is_none_or(|owner| owner == account)
    }
}

/// All endpoints, by number from 1.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    known: BTreeMap<u64, Arc<Endpoint>>,
    made: u64,
}

impl Endpoints {
    /// Those of the settings.
    pub(super) fn new(seed: u64, settings: &Webhooks) -> Self {
        let mut endpoints = Self::default();
        for EndpointSettings { url, secret, events } in &settings.endpoints {
            let new = NewEndpoint { url: url.clone(), events: events.clone(), ..<_>::default() };
            let endpoint = endpoints.made_of(seed, 0, None, new);
            let endpoint = endpoint.expect("it has no metadata, so not too much");
            let secret = secret.as_deref().map_or(endpoint.secret.clone(), Box::from);
            endpoints.insert(Endpoint { secret, ..endpoint });
        }
        endpoints
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Endpoint>> {
        self.known.values()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Arc<Endpoint>> {
        self.known.get(&number)
    }

    /// An endpoint that the account sees.
    pub(super) fn of(&self, account: &str, number: u64) -> Result<&Arc<Endpoint>, Fault> {
        let known = self.get(number).filter(|endpoint| endpoint.is_seen_by(account));
        known.ok_or(Fault::Missing(Kind::Endpoint))
    }

    /// Registers an endpoint of the account.
    pub(super) fn create(
        &mut self,
        (seed, settings): (u64, &Webhooks),
        utc_ns: u64,
        account: &str,
        new: NewEndpoint,
    ) -> Result<Arc<Endpoint>, Fault> {
        check_url(settings, &new.url)?;
        check_events(&new.events)?;
        let theirs = self.iter().filter(|endpoint| endpoint.account.as_deref() == Some(account));
        if theirs.count() >= ENDPOINTS_OF_ACCOUNT_MAX || self.known.len() >= ENDPOINTS_MAX {
            let message = format!(
                "You have reached the maximum of {ENDPOINTS_OF_ACCOUNT_MAX} webhook endpoints."
            );
            return Err(Fault::Parameter { param: "".into(), code: "", message });
        }
        let endpoint = self.made_of(seed, utc_ns, Some(account), new)?;
        Ok(self.insert(endpoint))
    }

    /// Changes an endpoint.
    pub(super) fn update(
        &mut self,
        settings: &Webhooks,
        account: &str,
        number: u64,
        change: EndpointChange,
    ) -> Result<Arc<Endpoint>, Fault> {
        let mut endpoint = Endpoint::clone(self.of(account, number)?);
        let EndpointChange { url, events, switch, terms } = change;
        if let Some(url) = url {
            check_url(settings, &url)?;
            endpoint.url = url.into();
        }
        if let Some(events) = events {
            check_events(&events)?;
            endpoint.events = events;
        }
        endpoint.switch = switch.unwrap_or(endpoint.switch);
        if let Some(terms) = terms {
            endpoint.terms.change(*terms)?;
        }
        Ok(self.insert(endpoint))
    }

    /// Forgets an endpoint.
    pub(super) fn delete(&mut self, account: &str, number: u64) -> Result<Arc<Endpoint>, Fault> {
        self.of(account, number)?;
        Ok(self.known.remove(&number).expect("it is known"))
    }

    /// The account's endpoints, the newest first, and whether there are more.
    pub(super) fn list(&self, account: &str, page: &PageOf) -> (Vec<Arc<Endpoint>>, bool) {
        let fits = |endpoint: &&Arc<Endpoint>| {
            endpoint.is_seen_by(account)
                && page.covers(endpoint.created_utc_ns)
                && page.numbers().contains(&endpoint.number)
        };
        page.cut(self.iter().filter(fits).map(Arc::clone))
    }

    /// An endpoint under the next number, with a secret drawn for it.
    fn made_of(
        &self,
        seed: u64,
        utc_ns: u64,
        account: Option<&str>,
        new: NewEndpoint,
    ) -> Result<Endpoint, Fault> {
        let NewEndpoint { url, events, api_version, terms } = new;
        let mut known = Terms::default();
        known.change(terms.map(|terms| *terms).unwrap_or_default())?;
        let number = self.made + 1;
        Ok(Endpoint {
            number,
            account: account.map(Box::from),
            secret: secret_of(seed, &format!("{number}\n{url}")),
            url: url.into(),
            events,
            switch: Switch::Enabled,
            api_version: api_version.map(Box::from),
            terms: known,
            created_utc_ns: utc_ns,
        })
    }

    fn insert(&mut self, endpoint: Endpoint) -> Arc<Endpoint> {
        self.made = self.made.max(endpoint.number);
        let endpoint = Arc::new(endpoint);
        self.known.insert(endpoint.number, Arc::clone(&endpoint));
        endpoint
    }
}

/// The secret of an endpoint by that name: `whsec_` and letters and digits.
fn secret_of(seed: u64, name: &str) -> Box<str> {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let who = number_of(name);
    let letter = |place| {
        let drawn = draw_for(seed, who, Purpose::Letter, place).below(LETTERS.len() as u64);
        char::from(LETTERS[usize::try_from(drawn).expect("below 62")])
    };
    "whsec_".chars().chain((0..SECRET_LETTERS).map(letter)).collect::<String>().into()
}

fn check_url(settings: &Webhooks, url: &str) -> Result<(), Fault> {
    let refuse = |message| Fault::Parameter { param: "url".into(), code: "url_invalid", message };
    if url.len() > URL_BYTES_MAX {
        return Err(refuse(format!("Invalid URL: longer than {URL_BYTES_MAX} bytes.")));
    }
    settings.check_url(url).map_err(|error| refuse(format!("Invalid URL: {error}")))
}

fn check_events(events: &[String]) -> Result<(), Fault> {
    let refuse =
        |code, message| Err(Fault::Parameter { param: "enabled_events".into(), code, message });
    if events.is_empty() {
        let message = "Missing required param: enabled_events.".to_owned();
        return refuse("parameter_missing", message);
    }
    if events.len() > KINDS_MAX {
        return refuse(
            "",
            format!("Invalid array: must contain no more than {KINDS_MAX} elements"),
        );
    }
    match events.iter().find(|kind| !is_kind(kind)) {
        None => Ok(()),
        Some(kind) => refuse("", format!("Invalid enabled_events: `{kind}` is no kind of event")),
    }
}
