//! The gate in front of the payment: who is let through, who waits how long, and what the calls of
//! an order cost.

mod bucket;
mod crowd;
mod edge;
#[cfg(test)]
mod tests;

use domain::id::FanId;
use domain::time::Time;

use crate::rules::Toll;
use crate::settings::{Admission as Settings, AdmissionBy, Allowance, Per, Unit};
use bucket::Bucket;
use crowd::Crowd;
use edge::Counters;

/// The gate.
#[derive(Debug)]
pub(super) struct Admission {
    allowance: Allowance,
    per: Per,
    /// One for each that has an allowance of its own.
    lanes: Vec<Lane>,
    /// Where the edge counts, and nobody behind it.
    edge: Option<Counters>,
}

#[derive(Debug)]
struct Lane {
    /// Absent where somebody else counts.
    bucket: Option<Bucket>,
    crowd: Crowd,
}

/// What the gate says to an order.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Passes,
    Waits,
    /// Somebody else counts, and is to be asked.
    Ask(Toll),
}

impl Admission {
    /// A gate of a shop with so many sales.
    pub(super) fn new(settings: &Settings, sales: usize, seed: u64) -> Self {
        let allowance = settings.allowance();
        let orders_per_s = settings.orders_per_s(f64::from(allowance.per_order));
        let lane = || Lane {
            bucket: (settings.by == AdmissionBy::Memory).then(|| Bucket::full(&allowance)),
            crowd: Crowd::new(orders_per_s, seed),
        };
        let count = match settings.per {
            Per::Account => 1,
            Per::Sale => sales,
        };
        let edge = (settings.by == AdmissionBy::Edge).then(|| Counters::new(settings, seed));
        Self { allowance, per: settings.per, lanes: (0..count).map(|_| lane()).collect(), edge }
    }

    /// Whether a checkout of `fan` gets past the edge, whatever it is.
    pub(super) fn pass_the_edge(&mut self, at: Time, fan: FanId) -> bool {
        self.edge.as_mut().is_none_or(|counters| counters.pass(at, fan))
    }

    /// How many calls an order is let through with.
    pub(super) fn prepaid(&self) -> u32 {
        self.allowance.per_order
    }

    /// Whether a new order of `fan` passes.
    pub(super) fn ask(&mut self, at: Time, fan: FanId, sale: u16) -> Said {
        if self.edge.is_some() {
            return Said::Passes;
        }
        let (number, tokens) = (self.number(sale), self.allowance.per_order);
        let lane = &mut self.lanes[usize::from(number)];
        let Some(bucket) = &mut lane.bucket else {
            return Said::Ask(Toll { lane: number, tokens: tokens.cast_signed() });
        };
        if !bucket.take(at, tokens) {
            return Said::Waits;
        }
        lane.crowd.leaves(fan);
        Said::Passes
    }

    /// `fan` was let through by who counts.
    pub(super) fn passed(&mut self, fan: FanId, sale: u16) {
        self.lane(sale).crowd.leaves(fan);
    }

    /// How long `fan`, refused `at`, is asked to wait \[s\].
    pub(super) fn wait_s(&mut self, at: Time, fan: FanId, sale: u16) -> u32 {
        self.lane(sale).crowd.wait_s(at, fan)
    }

    /// So many tokens are taken beside what orders were let through for, or were not needed if there
    /// are fewer than none; what who counts must be told of it.
    pub(super) fn settle(&mut self, at: Time, sale: u16, tokens: i32) -> Option<Toll> {
        if self.edge.is_some() {
            return None;
        }
        let number = self.number(sale);
        match &mut self.lanes[usize::from(number)].bucket {
            _ if tokens == 0 => None,
            None => Some(Toll { lane: number, tokens }),
            Some(bucket) => {
                bucket.draw(at, tokens);
                None
            }
        }
    }

    /// What `made` calls of an order, and its end if it is `over`, change in what it was let through
    /// with; the tokens that are taken beside, or given back.
    pub(super) fn charge(&self, prepaid: &mut u32, made: u32, over: Over) -> i32 {
        if self.allowance.unit == Unit::Orders {
            return 0;
        }
        let covered = made.min(*prepaid);
        *prepaid -= covered;
        let back = match over {
            Over::Now => std::mem::take(prepaid),
            Over::NotYet => 0,
        };
        (made - covered).cast_signed() - back.cast_signed()
    }

    fn number(&self, sale: u16) -> u16 {
        match self.per {
            Per::Account => 0,
            Per::Sale => sale,
        }
    }

    fn lane(&mut self, sale: u16) -> &mut Lane {
        let number = self.number(sale);
        &mut self.lanes[usize::from(number)]
    }
}

/// Whether an order came to its end just now.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Now,
    NotYet,
}
