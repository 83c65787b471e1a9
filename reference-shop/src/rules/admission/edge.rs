//! A limiter that stands at the edge, far from what it protects.

use domain::draw::{Purpose, draw};
use domain::id::FanId;
use domain::time::Time;

use super::bucket::Bucket;
use crate::settings::Admission as Settings;

/// Counters of requests, one for each point of presence. They know neither each other nor what becomes
/// of a request: whether it is an order at all, what it calls, and whose allowance that takes.
#[derive(Debug)]
pub(super) struct Counters {
    seed: u64,
    buckets: Vec<Bucket>,
}

impl Counters {
    pub(super) fn new(settings: &Settings, seed: u64) -> Self {
        let allowance = settings.allowance_of_a_pop();
        let buckets = (0..settings.pops()).map(|_| Bucket::full(&allowance)).collect();
        Self { seed, buckets }
    }

    /// Whether a request of `fan` passes the counter of its point of presence. The one with the most
    /// visitors has twice as many as the next, three times as many as the one after that, and so on.
    pub(super) fn pass(&mut self, at: Time, fan: FanId) -> bool {
        let weights = (1..=self.buckets.len()).map(|rank| 1.0 / rank as f64);
        let pop = draw(self.seed, fan, Purpose::PointOfPresence, 0).pick(weights);
        self.buckets[pop].take(at, 1)
    }
}
