//! Calls about events and webhook endpoints.

use std::sync::Arc;

use super::endpoint::{EndpointChange, NewEndpoint, Switch};
use crate::rules::directory::{Kind, Object};
use crate::rules::event::{Event, ListEvents};
use crate::rules::reply::{Fault, Reply};
use crate::rules::request::PageOf;
use crate::rules::{Events, Provider};

/// What is asked about events and endpoints.
#[derive(Clone, Debug, PartialEq)]
pub enum WebhookCall {
    /// Registers an endpoint.
    Create(NewEndpoint),
    /// Changes an endpoint.
    Update {
        /// Which.
        endpoint: u64,
        /// What changes.
        change: EndpointChange,
    },
    /// Forgets an endpoint.
    Delete {
        /// Which.
        endpoint: u64,
    },
    /// Looks at an endpoint.
    Retrieve {
        /// Which.
        endpoint: u64,
    },
    /// Looks at endpoints, the newest first.
    List(PageOf),
    /// Looks at an event.
    RetrieveEvent {
        /// Which.
        event: u64,
    },
    /// Looks at events, the newest first.
    ListEvents(ListEvents),
}

/// Whether an endpoint's secret is told: only in the answer to the call that made it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// It is.
    Told,
    /// It is not.
    Kept,
}

impl WebhookCall {
    /// Whether it only looks.
    pub const fn only_reads(&self) -> bool {
        match self {
            Self::Retrieve { .. }
            | Self::List(_)
            | Self::RetrieveEvent { .. }
            | Self::ListEvents(_) => true,
            Self::Create(_) | Self::Update { .. } | Self::Delete { .. } => false,
        }
    }
}

impl Provider {
    /// Carries out a call about events and endpoints.
    pub(in crate::rules) fn webhook(
        &mut self,
        utc_ns: u64,
        account: &str,
        call: &WebhookCall,
    ) -> Result<Reply, Fault> {
        let Self { settings, dispatcher, events, .. } = self;
        let object = |endpoint, secret| Object::Endpoint(endpoint, secret);
        Ok(match call {
            WebhookCall::Create(new) => {
                let context = (settings.seed, &settings.webhooks);
                let endpoint =
                    dispatcher.endpoints.create(context, utc_ns, account, new.clone())?;
                Reply::Object(object(endpoint, Secret::Told))
            }
            WebhookCall::Update { endpoint, change } => {
                let (settings, change) = (&settings.webhooks, change.clone());
                let changed = dispatcher.endpoints.update(settings, account, *endpoint, change)?;
                if changed.switch == Switch::Disabled {
                    dispatcher.forget(*endpoint);
                }
                Reply::Object(object(changed, Secret::Kept))
            }
            WebhookCall::Delete { endpoint } => {
                let gone = dispatcher.endpoints.delete(account, *endpoint)?;
                dispatcher.forget(*endpoint);
                dispatcher.standings.remove(endpoint);
                Reply::Deleted(object(gone, Secret::Kept))
            }
            WebhookCall::Retrieve { endpoint } => {
                let known = dispatcher.endpoints.of(account, *endpoint)?;
                Reply::Object(object(Arc::clone(known), Secret::Kept))
            }
            WebhookCall::List(page) => {
                let (page, more) = dispatcher.endpoints.list(account, page);
                let page = page.into_iter().map(|it| object(it, Secret::Kept)).collect();
                Reply::Objects { page, more }
            }
            WebhookCall::RetrieveEvent { event } => {
                let known = event_of(events, account, *event)?;
                let left = dispatcher.left(*event);
                Reply::Object(Object::Event(Arc::clone(known), left))
            }
            WebhookCall::ListEvents(wanted) => {
                let fits = |event: &Event| {
                    wanted.delivered.is_none_or(|it| it == dispatcher.delivered(event.number))
                };
                let (page, more) = events.list(account, wanted, fits);
                let told = |event: Arc<Event>| {
                    let left = dispatcher.left(event.number);
                    Object::Event(event, left)
                };
                Reply::Objects { page: page.into_iter().map(told).collect(), more }
            }
        })
    }
}

fn event_of<'events>(
    events: &'events Events,
    account: &str,
    number: u64,
) -> Result<&'events Arc<Event>, Fault> {
    let known = events.get(number).filter(|event| *event.account == *account);
    known.ok_or(Fault::Missing(Kind::Event))
}
