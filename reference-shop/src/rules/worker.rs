//! The worker: what the shop does at the provider after its customer was answered, at a pace of its own,
//! so that it does not take from those who wait.

use domain::id::OrderId;
use domain::time::{Duration, Time, duration_from_seconds};

use crate::rules::order::Order;
use crate::rules::{Effect, Wake};
use crate::settings::Worker as Settings;

/// The worker's turns, evenly apart.
#[derive(Debug)]
pub(super) struct Worker {
    gap: Duration,
    next: Time,
}

impl Worker {
    /// A worker with nothing to do.
    pub(super) fn new(settings: Settings) -> Self {
        Self { gap: duration_from_seconds(1.0 / settings.calls_per_second), next: Time::ZERO }
    }

    /// Puts the call that `effects` make for an order whose customer was answered into the queue: it
    /// is made when its turn comes.
    pub(super) fn park(&mut self, at: Time, order: &mut Order, effects: &mut [Effect]) {
        for effect in effects {
            if let Effect::CallProvider { order: id, request } = effect {
                let wake = Wake::Worker(*id);
                order.parked = Some(request.clone());
                *effect = Effect::Wake { at: self.turn(at), wake };
            }
        }
    }

    /// The next turn, which is nobody else's.
    fn turn(&mut self, at: Time) -> Time {
        let turn = self.next.max(at);
        self.next = turn + self.gap;
        turn
    }
}

/// The parked call of an order, whose turn has come.
pub(super) fn unpark(id: OrderId, order: &mut Order) -> Vec<Effect> {
    let request = order.parked.take().expect("a turn is given to a call that waits");
    vec![Effect::CallProvider { order: id, request }]
}
