//! The allowances of one limit: one for each who has one of its own.

use std::collections::HashMap;

use domain::draw::{Purpose, draw_for, number_of};
use domain::limiter::{Limiter, Remaining};
use domain::time::Time;

use super::Caller;
use crate::settings::{Limit, Scope};

/// How many allowances are kept before those are forgotten that are as good as new.
pub(super) const RESTED_MAX: usize = 10_000;

/// How many allowances are kept at all: a caller may name any number of accounts. Whoever comes
/// then shares one with all who come then.
pub(super) const ALLOWANCES_MAX: usize = 1_000_000;

/// Who has an allowance, among those of one limit.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holder(u64, u64);

impl Holder {
    /// All calls together.
    const EVERYBODY: Self = Self(0, 0);
    /// All who came when there were too many.
    const OTHERS: Self = Self(u64::MAX, u64::MAX);

    /// Who pays for a call; nobody, if it is about no payment and each payment has its own.
    pub(super) fn of(scope: Scope, caller: Caller<'_>) -> Option<Self> {
        Some(match scope {
            Scope::Global | Scope::Zone => Self::EVERYBODY,
            Scope::Key => Self(number_of(caller.account), 1),
            Scope::Endpoint => Self(caller.operation as u64, 1),
            Scope::Object => Self(number_of(caller.account), caller.object?),
        })
    }
}

/// The allowances of one limit.
#[derive(Debug)]
pub(super) struct Allowances {
    seed: u64,
    /// The limit's place in the list, for its draws.
    place: u32,
    limit: Limit,
    /// The one that all share.
    shared: Limiter,
    each: HashMap<Holder, Limiter>,
    /// How many there are when those that rest are forgotten next.
    forget_at: usize,
}

impl Allowances {
    pub(super) fn new(seed: u64, place: u32, limit: &Limit) -> Self {
        Self {
            seed,
            place,
            shared: limiter_of(seed, place, limit, Holder::EVERYBODY),
            limit: limit.clone(),
            each: HashMap::new(),
            forget_at: RESTED_MAX,
        }
    }

    /// The allowance of `holder`: new, if it never called or was forgotten.
    pub(super) fn of(&mut self, at: Time, holder: Holder) -> &mut Limiter {
        if holder == Holder::EVERYBODY {
            return &mut self.shared;
        }
        if self.each.len() >= self.forget_at {
            self.forget_rested(at);
        }
        let is_full = self.each.len() >= ALLOWANCES_MAX && !self.each.contains_key(&holder);
        let holder = if is_full { Holder::OTHERS } else { holder };
        let Self { seed, place, limit, each, .. } = self;
        each.entry(holder).or_insert_with(|| limiter_of(*seed, *place, limit, holder))
    }

    /// Forgets who rests, and waits until there are twice as many as remain: so that a call costs
    /// little even if nobody rests.
    fn forget_rested(&mut self, at: Time) {
        self.each.retain(|_, limiter| !limiter.is_rested(at));
        self.forget_at = (2 * self.each.len()).clamp(RESTED_MAX, ALLOWANCES_MAX);
        if self.each.len() >= ALLOWANCES_MAX {
            self.forget_at = usize::MAX;
        }
    }

    /// Another limit from `at` on.
    pub(super) fn change(&mut self, at: Time, from: &Limit, to: &Limit) {
        let (seed, place) = (self.seed, self.place);
        self.limit = to.clone();
        if (from.scope, &from.operations) != (to.scope, &to.operations) {
            // Others share an allowance now: what one of them used is not what the new one did.
            *self = Self::new(seed, place, to);
            return;
        }
        self.shared.change(at, &limiter_of(seed, place, to, Holder::EVERYBODY));
        for (holder, limiter) in &mut self.each {
            limiter.change(at, &limiter_of(seed, place, to, *holder));
        }
    }

    /// How many have an allowance of their own that is in use, and the least that is left of one.
    pub(super) fn least(&self, at: Time) -> (usize, Remaining) {
        let in_use = self.each.values().filter(|limiter| !limiter.is_rested(at));
        let left = in_use.map(|limiter| limiter.remaining(at));
        let everybody = self.shared.remaining(at);
        let (count, least) = left.fold((0, everybody), |(count, least), left| {
            let order = |it: &Remaining| (it.calls, std::cmp::Reverse(it.resets_in));
            (count + 1, std::cmp::min_by_key(least, left, order))
        });
        (count, least)
    }
}

/// A limiter that never saw a call, off by as much as is drawn for its holder.
fn limiter_of(seed: u64, place: u32, limit: &Limit, holder: Holder) -> Limiter {
    let error = limit.error.unwrap_or(0.0);
    let who = holder.0 ^ holder.1.rotate_left(32);
    let off = 2.0 * draw_for(seed, who, Purpose::LimiterError, place).uniform() - 1.0;
    limit.limiter(1.0 + error * off)
}

impl super::Gate {
    /// How many allowances the limit at that place keeps.
    #[cfg(test)]
    pub(super) fn kept(&self, place: usize) -> usize {
        self.barriers[place].allowances.each.len()
    }
}
