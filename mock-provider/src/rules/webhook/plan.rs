//! What becomes of a message: a function of seed, event and endpoint, and never of the order in
//! which payments arrive.

use domain::draw::{Draw, Purpose, draw_for, number_of};
use domain::time::Duration;

use super::endpoint::Endpoint;
use crate::rules::event::Event;
use crate::settings::Webhooks;

/// What becomes of one message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// It is never sent.
    Lost,
    /// It is sent.
    Sent(Sending),
}

/// How a message is sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Sending {
    /// From when on the delay counts.
    pub(super) from: From,
    /// How long after that it is first sent.
    pub(super) delay: Duration,
    /// How long after that it is sent once more for no reason.
    pub(super) again_after: Option<Duration>,
    /// Whether it is held back until the next message about the same payment.
    pub(super) order: Order,
}

/// From when on a delay counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// From the call that caused the event.
    Call,
    /// From the answer to it.
    Answer,
}

/// When a message is sent relative to others about the same payment.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Without regard to them.
    Free,
    /// After the next.
    HeldBack,
}

/// What is drawn for a message: the number is part of the hash, never change one.
#[derive(Copy, Clone)]
#[repr(u32)]
enum Aspect {
    Lost = 0,
    Delay = 1,
    Early = 2,
    Late = 3,
    LateBy = 4,
    Duplicated = 5,
    AgainAfter = 6,
    Reordered = 7,
    Twice = 8,
}

/// Whether a change makes a second event.
pub(super) fn is_told_twice(seed: u64, settings: &Webhooks, event: &Event) -> bool {
    // Most settings never do: the draw is worth the question.
    settings.twice > 0.0 && draw(seed, event.identity(), Aspect::Twice).chance(settings.twice)
}

/// What becomes of the message about an event to an endpoint, which is known by its address.
pub(super) fn plan(seed: u64, settings: &Webhooks, event: &Event, endpoint: &Endpoint) -> Plan {
    let who = number_of(&format!("{}\n{}", event.identity(), endpoint.url));
    let drawn = |aspect| draw(seed, who, aspect);
    if drawn(Aspect::Lost).chance(settings.lost) {
        return Plan::Lost;
    }
    let late_by = settings.late_by.sample(drawn(Aspect::LateBy));
    let is_late = drawn(Aspect::Late).chance(settings.late);
    let is_early = drawn(Aspect::Early).chance(settings.early);
    let is_duplicated = drawn(Aspect::Duplicated).chance(settings.duplicated);
    let is_held_back = drawn(Aspect::Reordered).chance(settings.reordered);
    let delay = settings.delay.sample(drawn(Aspect::Delay));
    Plan::Sent(Sending {
        from: if is_early { From::Call } else { From::Answer },
        delay: if is_late { delay + late_by } else { delay },
        again_after: is_duplicated.then(|| settings.delay.sample(drawn(Aspect::AgainAfter))),
        order: if is_held_back { Order::HeldBack } else { Order::Free },
    })
}

fn draw(seed: u64, who: u64, aspect: Aspect) -> Draw {
    draw_for(seed, who, Purpose::Webhook, aspect as u32)
}
