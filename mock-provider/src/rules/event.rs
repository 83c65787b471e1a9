//! Events: what happened, as a merchant who listens is told.

use std::collections::VecDeque;
use std::sync::Arc;

use super::directory::Object;
use super::intent::{Intent, Refund};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account it concerns.
    pub account: Box<str>,
    /// When, in nanoseconds of UTC \[ns\].
    pub utc_ns: u64,
    /// What, in Stripe's words, such as `payment_intent.succeeded`.
    pub kind: &'static str,
    /// The object as it stood then.
    pub about: About,
    /// The idempotency key of the call that caused it, if a call did and it had one.
    pub key: Option<Box<str>>,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// A payment.
    Intent(Arc<Intent>),
    /// Money given back.
    Refund(Arc<Refund>, Arc<Intent>),
    /// A charge: the payment's last.
    Charge(Arc<Intent>),
    /// Anything else.
    Object(Object),
}

/// How many events are remembered; the oldest are forgotten first. They are listed newest first,
/// and a shop that lists them looks at hundreds.
const EVENTS_MAX: usize = 10_000;

/// The newest events, the oldest first.
#[derive(Debug, Default)]
pub struct Events {
    log: VecDeque<Arc<Event>>,
    made: u64,
}

impl Events {
    pub(super) fn note(
        &mut self,
        utc_ns: u64,
        account: &str,
        kind: &'static str,
        about: About,
        key: Option<&str>,
    ) {
        self.made += 1;
        if self.log.len() == EVENTS_MAX {
            self.log.pop_front();
        }
        let (number, account, key) = (self.made, account.into(), key.map(Into::into));
        self.log.push_back(Arc::new(Event { number, account, utc_ns, kind, about, key }));
    }

    /// The event of that number, if it is remembered.
    pub fn get(&self, number: u64) -> Option<&Arc<Event>> {
        let first = self.log.front()?.number;
        self.log.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The events after number `after` that are remembered, the oldest first.
    pub fn after(&self, after: u64) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        let first = self.log.front().map_or(0, |event| event.number);
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.log.range(skip.min(self.log.len())..)
    }
}
