//! Messages to merchants: each event goes to the endpoints that want it, late, twice, in another
//! order or not at all, as the settings say; what is not taken is sent again.
//!
//! A pure machine: it is told of events and of answers, and asked what is due. Its memory is
//! bounded: [`PENDING_MAX`] messages wait, the oldest are dropped first and counted.

mod call;
mod endpoint;
mod pending;
mod plan;
mod signature;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::time::{Duration, Time};

pub use call::{Secret, WebhookCall};
pub use endpoint::{Endpoint, EndpointChange, NewEndpoint, Switch};
pub use signature::signature;

use super::event::{Delivered, EVENTS_MAX, Event, Telling};
use crate::settings::Webhooks;
use endpoint::Endpoints;
use pending::{Copy, Message, Pending};
use plan::{From, Order, Plan, Sending};

pub use pending::PENDING_MAX;

/// How long after the message that overtakes it a message that was held back is sent, at least:
/// longer than a message takes on one machine.
const OVERTAKEN_BY: Duration = Duration::from_millis(50);

/// A message to be sent now.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its number, by which its outcome is told.
    pub message: u64,
    /// What it tells.
    pub event: Arc<Event>,
    /// Where it goes.
    pub endpoint: Arc<Endpoint>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// How many endpoints have not taken the event yet.
    pub left: u32,
}

/// What an endpoint answered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// An answer with this HTTP status.
    Status(u16),
    /// None in time, or no connection.
    Silence,
}

/// How messages fared.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that were to be sent: an event for an endpoint each.
    pub noted: u64,
    /// Of those, never sent by design.
    pub lost: u64,
    /// Taken by their endpoint.
    pub delivered: u64,
    /// Given up after the last retry.
    pub given_up: u64,
    /// Dropped because too many waited, or because their endpoint is gone.
    pub dropped: u64,
    /// Attempts, whatever became of them.
    pub attempts: u64,
    /// Of those, retries.
    pub retries: u64,
    /// Of those, sent once more for no reason.
    pub duplicates: u64,
    /// Attempts that were not answered with a 2xx.
    pub failed: u64,
}

/// How an endpoint fares.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Attempts it answered with a 2xx.
    pub taken: u64,
    /// Attempts it did not.
    pub failed: u64,
    /// What it answered last, and when.
    pub last: Option<(Time, Answered)>,
}

/// Who hears of what, and when.
#[derive(Debug)]
pub struct Dispatcher {
    seed: u64,
    settings: Webhooks,
    endpoints: Endpoints,
    standings: BTreeMap<u64, Standing>,
    pending: Pending,
    /// By event: how many endpoints have not taken it. Those that all took are not listed.
    left: BTreeMap<u64, u32>,
    tally: Tally,
}

impl Dispatcher {
    pub(super) fn new(seed: u64, settings: Webhooks) -> Self {
        Self {
            endpoints: Endpoints::new(seed, &settings),
            standings: BTreeMap::new(),
            pending: Pending::default(),
            left: BTreeMap::new(),
            tally: Tally::default(),
            seed,
            settings,
        }
    }

    /// Whether the change that an event tells makes one more event.
    pub(super) fn tells_twice(&self, event: &Event) -> bool {
        event.telling == Telling::First && plan::is_told_twice(self.seed, &self.settings, event)
    }

    /// Plans the messages about an event that a call at `called` caused, whose answer leaves at
    /// `answered`.
    pub(super) fn note(&mut self, event: &Arc<Event>, called: Time, answered: Time) {
        let wants = |endpoint: &&Arc<Endpoint>| endpoint.wants(&event.account, event.kind);
        let endpoints: Vec<_> = self.endpoints.iter().filter(wants).map(Arc::clone).collect();
        if endpoints.is_empty() {
            return;
        }
        let count = u32::try_from(endpoints.len()).expect("a thousand at most");
        self.left.insert(event.number, count);
        while self.left.len() > EVENTS_MAX {
            self.left.pop_first();
        }
        for endpoint in endpoints {
            self.tally.noted += 1;
            match plan::plan(self.seed, &self.settings, event, &endpoint) {
                Plan::Lost => self.tally.lost += 1,
                Plan::Sent(sending) => {
                    let from = if sending.from == From::Call { called } else { answered };
                    self.schedule(event, &endpoint, from, sending);
                }
            }
        }
    }

    fn schedule(&mut self, event: &Arc<Event>, endpoint: &Endpoint, from: Time, sending: Sending) {
        let message = |due| {
            let first = Message::new(Arc::clone(event), endpoint.number, due, Copy::Retried);
            first.and_again(sending.again_after)
        };
        let due = from + sending.delay;
        let about = event.about.intent().map(|intent| (endpoint.number, intent.number));
        let overtaken = about.and_then(|about| self.pending.release(about));
        if let (None, Order::HeldBack, Some(about)) = (overtaken, sending.order, about) {
            // Only one waits at a time: the next message about the payment overtakes it.
            let latest = due + self.settings.held_at_most.0;
            let number = self.push(message(latest));
            self.pending.hold(about, number);
        } else {
            self.push(message(due));
        }
        if let Some(overtaken) = overtaken {
            self.pending.postpone(overtaken, due + OVERTAKEN_BY);
        }
    }

    fn push(&mut self, message: Message) -> u64 {
        let (number, dropped) = self.pending.push(message);
        self.tally.dropped += dropped;
        number
    }

    /// When the next message is due.
    pub fn next_due(&self) -> Option<Time> {
        self.pending.next_due()
    }

    /// At most `room` messages that are due `at` that time, the earliest first. Each is under way
    /// until its outcome is told.
    ///
    /// # Panics
    /// Never: messages go with their endpoint.
    pub fn due(&mut self, at: Time, room: usize) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while deliveries.len() < room
            && let Some((number, message)) = self.pending.take_due(at)
        {
            self.tally.attempts += 1;
            self.tally.retries += u64::from(message.attempts > 1);
            self.tally.duplicates += u64::from(message.copy == Copy::Once);
            let Message { event, endpoint, attempts, again_after, .. } = message.clone();
            if let (1, Some(after)) = (attempts, again_after) {
                self.push(Message::new(Arc::clone(&event), endpoint, at + after, Copy::Once));
            }
            let endpoint = self.endpoints.get(endpoint).expect("its messages go with it");
            let left = self.left(event.number);
            let endpoint = Arc::clone(endpoint);
            deliveries.push(Delivery { message: number, event, endpoint, attempt: attempts, left });
        }
        deliveries
    }

    /// Tells what the endpoint answered to a message: it is done, or sent again later.
    pub fn outcome(&mut self, message: u64, at: Time, answered: Answered) {
        let taken = matches!(answered, Answered::Status(200..=299));
        self.tally.failed += u64::from(!taken);
        // A message that was dropped while it was under way needs nothing more.
        let Some(known) = self.pending.get(message) else { return };
        let (endpoint, event, copy) = (known.endpoint, known.event.number, known.copy);
        let standing = self.standings.entry(endpoint).or_default();
        standing.taken += u64::from(taken);
        standing.failed += u64::from(!taken);
        standing.last = Some((at, answered));
        if copy == Copy::Once {
            self.pending.remove(message);
        } else if taken {
            self.tally.delivered += 1;
            self.pending.remove(message);
            self.took(event);
        } else {
            let spent = at.since(known.first);
            if let Some(wait) = self.settings.retries.wait(known.attempts, spent) {
                self.pending.postpone(message, at + wait);
            } else {
                self.tally.given_up += 1;
                self.pending.remove(message);
            }
        }
    }

    /// One endpoint more has taken the event.
    fn took(&mut self, event: u64) {
        if let Some(left) = self.left.get_mut(&event) {
            *left -= 1;
            if *left == 0 {
                self.left.remove(&event);
            }
        }
    }

    /// How many endpoints have not taken the event: also those whose message is lost.
    pub fn left(&self, event: u64) -> u32 {
        self.left.get(&event).copied().unwrap_or(0)
    }

    /// Whether all endpoints that wanted the event took it.
    pub fn delivered(&self, event: u64) -> Delivered {
        if self.left(event) == 0 { Delivered::ToAll } else { Delivered::NotToAll }
    }

    /// How long an endpoint may take to answer.
    pub const fn timeout(&self) -> Duration {
        self.settings.timeout.0
    }

    /// All endpoints, the oldest first, and how each fares.
    pub fn endpoints(&self) -> impl Iterator<Item = (&Arc<Endpoint>, Standing)> {
        let standing = |number| self.standings.get(number).copied().unwrap_or_default();
        self.endpoints.iter().map(move |endpoint| (endpoint, standing(&endpoint.number)))
    }

    /// Whether the account sees an endpoint of that number.
    pub fn knows(&self, account: &str, endpoint: u64) -> bool {
        self.endpoints.of(account, endpoint).is_ok()
    }

    /// The messages that wait or are under way, the oldest first: the event, the endpoint's
    /// number, the attempts so far, and when the next is due unless one is under way.
    pub fn pending(&self) -> impl Iterator<Item = (&Arc<Event>, u64, u32, Option<Time>)> {
        self.pending.iter()
    }

    /// How many messages wait or are under way.
    pub fn pending_count(&self) -> u64 {
        self.pending.len() as u64
    }

    /// How messages fared.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Forgets the messages to an endpoint that wants none any more.
    fn forget(&mut self, endpoint: u64) {
        let dropped = self.pending.forget(endpoint);
        self.tally.dropped += dropped.len() as u64;
        for event in dropped {
            self.took(event);
        }
    }
}

#[cfg(test)]
mod tests;
