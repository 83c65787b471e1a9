//! The messages that wait or are under way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::time::{Duration, Time};

use crate::rules::event::Event;

/// How many messages may wait: an endpoint that is silent for ten minutes of 80 events per second,
/// in about 10 MB beside the events.
pub const PENDING_MAX: usize = 50_000;

/// A message: an event for an endpoint.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) event: Arc<Event>,
    pub(super) endpoint: u64,
    /// When it was first sent, or is to be.
    pub(super) first: Time,
    /// How often it was sent.
    pub(super) attempts: u32,
    pub(super) copy: Copy,
    /// How long after its first attempt it is sent once more for no reason.
    pub(super) again_after: Option<Duration>,
    /// When it is due; none while it is under way.
    due: Option<Time>,
}

/// Whether a message is sent again when it is not taken.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    /// It is.
    Retried,
    /// It is not: it is one more of a message that is.
    Once,
}

impl Message {
    pub(super) const fn new(event: Arc<Event>, endpoint: u64, due: Time, copy: Copy) -> Self {
        let (first, attempts, again_after) = (due, 0, None);
        Self { event, endpoint, first, attempts, copy, again_after, due: Some(due) }
    }

    /// The same, and once more that long after its first attempt.
    pub(super) fn and_again(self, again_after: Option<Duration>) -> Self {
        Self { again_after, ..self }
    }
}

/// An endpoint and a payment.
type Topic = (u64, u64);

/// All messages, by number from 1.
#[derive(Debug, Default)]
pub(super) struct Pending {
    known: BTreeMap<u64, Message>,
    /// Those that are not under way, the next first.
    pub(super) due: BTreeSet<(Time, u64)>,
    /// Those that are held back.
    pub(super) held: BTreeMap<Topic, u64>,
    made: u64,
}

impl Pending {
    /// Takes a message, and says its number and how many had to go for it.
    pub(super) fn push(&mut self, message: Message) -> (u64, u64) {
        let mut dropped = 0;
        while self.known.len() >= PENDING_MAX {
            let oldest = *self.known.first_key_value().expect("it is not empty").0;
            self.remove(oldest);
            dropped += 1;
        }
        self.made += 1;
        self.due.extend(message.due.map(|due| (due, self.made)));
        self.known.insert(self.made, message);
        (self.made, dropped)
    }

    pub(super) fn get(&self, number: u64) -> Option<&Message> {
        self.known.get(&number)
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<Event>, u64, u32, Option<Time>)> {
        self.known.values().map(|it| (&it.event, it.endpoint, it.attempts, it.due))
    }

    /// The next message that is due `at` that time: it is under way from now on.
    pub(super) fn take_due(&mut self, at: Time) -> Option<(u64, &Message)> {
        let (due, number) = *self.due.first()?;
        if due > at {
            return None;
        }
        self.due.pop_first();
        let message = self.known.get_mut(&number).expect("what is due is known");
        message.due = None;
        message.attempts += 1;
        if message.attempts == 1 {
            message.first = at;
        }
        if let Some(topic) = topic_of(message)
            && self.held.get(&topic) == Some(&number)
        {
            self.held.remove(&topic);
        }
        Some((number, message))
    }

    /// Makes a message due at another time.
    pub(super) fn postpone(&mut self, number: u64, due: Time) {
        let Some(message) = self.known.get_mut(&number) else { return };
        if let Some(before) = message.due.replace(due) {
            self.due.remove(&(before, number));
        }
        self.due.insert((due, number));
    }

    /// Remembers that a message waits for the next of its topic.
    pub(super) fn hold(&mut self, topic: Topic, number: u64) {
        self.held.insert(topic, number);
    }

    /// The message that waited for the next of that topic.
    pub(super) fn release(&mut self, topic: Topic) -> Option<u64> {
        self.held.remove(&topic)
    }

    pub(super) fn remove(&mut self, number: u64) {
        let Some(message) = self.known.remove(&number) else { return };
        if let Some(due) = message.due {
            self.due.remove(&(due, number));
        }
        if let Some(topic) = topic_of(&message)
            && self.held.get(&topic) == Some(&number)
        {
            self.held.remove(&topic);
        }
    }

    /// Forgets the messages to an endpoint, and says the events of those that would be retried.
    pub(super) fn forget(&mut self, endpoint: u64) -> Vec<u64> {
        let is_theirs = |(_, message): &(&u64, &Message)| message.endpoint == endpoint;
        let numbers: Vec<_> = self.known.iter().filter(is_theirs).map(|(it, _)| *it).collect();
        let mut events = Vec::new();
        for number in numbers {
            if self.known[&number].copy == Copy::Retried {
                events.push(self.known[&number].event.number);
            }
            self.remove(number);
        }
        events
    }
}

fn topic_of(message: &Message) -> Option<Topic> {
    message.event.about.intent().map(|intent| (message.endpoint, intent.number))
}
