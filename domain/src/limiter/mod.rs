//! Rate limiters as pure machines: the time of each call is an argument.
//!
//! All arithmetic is on integers, so nothing drifts however long a run lasts. A call is counted in
//! grains of 10⁻¹⁸ calls: a rate of r calls per second is then r·10⁹ grains per nanosecond, a whole
//! number for every rate with at most nine decimals; other rates are rounded to that. Times that
//! run backwards count as the latest time seen.

mod bucket;
mod gcra;
mod grains;
mod lock;
mod penalty;
mod places;
mod window;

use bucket::TokenBucket;
use gcra::{Gcra, LeakyQueue};
use grains::{calls_per_window, grains_of, grains_per_ns, window_ns};
use lock::ObjectLock;
use penalty::PenaltyBox;
use places::{Concurrency, SlidingLog};
use window::{FixedWindow, SlidingCounter};

use crate::time::{Duration, Time};

pub use grains::ALLOWANCE_MAX;
pub use places::CALLS_REMEMBERED_MAX;

/// What a limiter says to a call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The call may pass.
    Admit,
    /// The call may pass, but later.
    Delay {
        /// How long it has to wait, more than nothing.
        by: Duration,
    },
    /// It may not.
    Refuse {
        /// How long to wait: a call exactly then is admitted if none came in between, and none
        /// earlier is.
        retry_after: Duration,
    },
}

impl Admission {
    /// Whether the call may pass, now or later.
    pub const fn admits(self) -> bool {
        matches!(self, Self::Admit | Self::Delay { .. })
    }

    /// How long an admitted call has to wait; nothing for a refused one.
    pub const fn delay(self) -> Duration {
        match self {
            Self::Delay { by } => by,
            Self::Admit | Self::Refuse { .. } => Duration::ZERO,
        }
    }

    /// The same instants, for a call that came `lag` earlier than the limiter believes.
    fn seen_from(self, lag: Duration) -> Self {
        match self {
            Self::Admit => Self::Admit,
            Self::Delay { by } => Self::Delay { by: by + lag },
            Self::Refuse { retry_after } => Self::Refuse { retry_after: retry_after + lag },
        }
    }
}

/// What a limiter allows: `q` and `w` of the `RateLimit-Policy` header
/// (draft-ietf-httpapi-ratelimit-headers).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many calls a limiter at rest admits at once; of a penalty box, how many refusals lead
    /// to a ban.
    pub calls: u64,
    /// Over which time. Of a bucket, the time in which an empty one fills; a cap and a lock have
    /// none.
    pub window: Option<Duration>,
}

/// What is left of a quota: `r` and `t` of the `RateLimit` header
/// (draft-ietf-httpapi-ratelimit-headers).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// How many calls would be admitted at once; of a penalty box, how many refusals are left
    /// until a ban, and none in it.
    pub calls: u64,
    /// When the whole quota remains again if no call comes; nothing if it does already.
    pub resets_in: Duration,
}

/// A rate limiter: one allowance, and what is left of it.
///
/// Several limiters in front of one thing are asked in two steps, so that all admit a call or none
/// is debited: [`Limiter::would_admit`] on each, then [`Limiter::take`] on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limiter {
    algorithm: Algorithm,
    /// The latest time at which anything was debited or changed.
    seen: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Algorithm {
    TokenBucket(TokenBucket),
    Gcra(Gcra),
    LeakyQueue(LeakyQueue),
    FixedWindow(FixedWindow),
    SlidingLog(SlidingLog),
    SlidingCounter(SlidingCounter),
    Concurrency(Concurrency),
    ObjectLock(ObjectLock),
    PenaltyBox(PenaltyBox),
}

/// One constructor per algorithm; each makes a limiter that never saw a call. "Saturated" means
/// that a call comes whenever one may pass, from time 0 on.
impl Limiter {
    const fn of(algorithm: Algorithm) -> Self {
        Self { algorithm, seen: Time::ZERO }
    }

    /// A full bucket of `burst` tokens \[calls\], refilled at `rate_per_s` \[calls/s\]; a call
    /// takes one. Any closed window w admits at most ⌊burst + rate·w⌋ calls; saturated, it admits
    /// exactly that many until w.
    ///
    /// A token matters from the first whole nanosecond on at which it is there. So a burst of one
    /// has no room for the rest of that nanosecond, and falls behind a rate whose period is not
    /// whole.
    ///
    /// # Panics
    /// When the rate is not above 0, the burst is below 1, or either above [`ALLOWANCE_MAX`].
    pub fn token_bucket(rate_per_s: f64, burst: f64) -> Self {
        let bucket = TokenBucket::new(grains_per_ns(rate_per_s), grains_of(burst));
        Self::of(Algorithm::TokenBucket(bucket))
    }

    /// The generic cell rate algorithm in its virtual scheduling form (ITU-T I.371): it admits
    /// exactly what a token bucket of the same rate and burst admits.
    ///
    /// # Panics
    /// As [`Limiter::token_bucket`].
    pub fn gcra(rate_per_s: f64, burst: f64) -> Self {
        Self::of(Algorithm::Gcra(Gcra::new(grains_per_ns(rate_per_s), grains_of(burst))))
    }

    /// The leaky bucket as a queue (nginx's `limit_req` without `nodelay`): one call per 1/rate
    /// leaves, up to `burst` calls \[calls, from 0\] wait for their turn, more are refused.
    ///
    /// Turns are exactly 1/rate apart, and a call leaves at the first whole nanosecond of its
    /// turn: where the period is whole, departures are never closer than it, and else never
    /// closer than its whole nanoseconds. Saturated, 1 + ⌊rate·w⌋ calls have left until w and
    /// ⌊1 + burst + rate·w⌋ were admitted.
    ///
    /// # Panics
    /// When the rate is not above 0, the burst is below 0, or either above [`ALLOWANCE_MAX`].
    pub fn leaky_queue(rate_per_s: f64, burst: f64) -> Self {
        let queue = LeakyQueue::new(grains_per_ns(rate_per_s), grains_of(burst));
        Self::of(Algorithm::LeakyQueue(queue))
    }

    /// At most limit = ⌊rate·window⌋ calls, but always one, in each window
    /// \[n·window, (n+1)·window) of the run; saturated, exactly limit in each. A window that
    /// straddles an edge may see twice as many.
    ///
    /// # Panics
    /// When the rate is not above 0, above [`ALLOWANCE_MAX`], or the window is empty.
    pub fn fixed_window(rate_per_s: f64, window: Duration) -> Self {
        let window_ns = window_ns(window);
        let limit = calls_per_window(rate_per_s, window_ns);
        Self::of(Algorithm::FixedWindow(FixedWindow::new(limit, window_ns)))
    }

    /// At most limit = ⌊rate·window⌋ calls, but always one, in any half-open window of that
    /// length; saturated, limit at each of 0, window, 2·window … It remembers the times of the
    /// last limit calls, 8 bytes each.
    ///
    /// # Panics
    /// As [`Limiter::fixed_window`], and when limit is above [`CALLS_REMEMBERED_MAX`].
    pub fn sliding_log(rate_per_s: f64, window: Duration) -> Self {
        let window_ns = window_ns(window);
        let limit = calls_per_window(rate_per_s, window_ns);
        Self::of(Algorithm::SlidingLog(SlidingLog::new(limit, window_ns)))
    }

    /// A call passes while current + previous·(1 − passed) < limit = ⌊rate·window⌋, at least 1:
    /// what this window of the run and the last one counted, and the share of this one that has
    /// passed.
    ///
    /// Any closed window w admits fewer than limit·(1 + w/window) + 1 calls, and each window of
    /// the run at most limit; saturated, exactly that (if a call's share of the window is more
    /// than a nanosecond).
    ///
    /// # Panics
    /// As [`Limiter::fixed_window`].
    pub fn sliding_counter(rate_per_s: f64, window: Duration) -> Self {
        let window_ns = window_ns(window);
        let limit = calls_per_window(rate_per_s, window_ns);
        Self::of(Algorithm::SlidingCounter(SlidingCounter::new(limit, window_ns)))
    }

    /// At most `calls_max` calls in flight; a call is from when it is taken until its answer
    /// leaves, that instant excluded. With a latency of l, saturated, it admits `calls_max` at
    /// each of 0, l, 2·l … (Little's law: `calls_max` / l per second). It remembers when the
    /// answers in flight leave, 8 bytes each.
    ///
    /// # Panics
    /// When `calls_max` is 0 or above [`CALLS_REMEMBERED_MAX`].
    pub fn concurrency(calls_max: u32) -> Self {
        Self::of(Algorithm::Concurrency(Concurrency::new(calls_max)))
    }

    /// One call at a time. Another waits for those before it, in the order they came, if that
    /// takes at most `wait`; it holds the lock until its answer leaves, that instant excluded.
    ///
    /// Who would have to wait longer is refused at once: the caller may keep the answer back for
    /// `wait`. An answer that leaves after a latency of l makes 1/l calls per second.
    pub fn object_lock(wait: Duration) -> Self {
        Self::of(Algorithm::ObjectLock(ObjectLock::new(wait)))
    }

    /// With the last of `refusals` refusals within less than `window`, everything is refused for
    /// `ban`, that end excluded; then the counting starts anew. Refusals during a ban do not
    /// count. It learns of them by [`Limiter::note_refusal`] and remembers `refusals` of them, 8
    /// bytes each; calls do not debit it.
    ///
    /// # Panics
    /// When `refusals` is 0 or above [`CALLS_REMEMBERED_MAX`], or the window is empty.
    pub fn penalty_box(refusals: u32, window: Duration, ban: Duration) -> Self {
        let penalty = PenaltyBox::new(refusals, window_ns(window), ban);
        Self::of(Algorithm::PenaltyBox(penalty))
    }
}

impl Limiter {
    /// What a call `at` that time would be told; nothing is debited.
    pub fn would_admit(&self, at: Time) -> Admission {
        let now = at.max(self.seen);
        let admission = match &self.algorithm {
            Algorithm::TokenBucket(bucket) => bucket.would_admit(now),
            Algorithm::Gcra(gcra) => gcra.would_admit(now),
            Algorithm::LeakyQueue(queue) => queue.would_admit(now),
            Algorithm::FixedWindow(window) => window.would_admit(now),
            Algorithm::SlidingLog(log) => log.would_admit(now),
            Algorithm::SlidingCounter(counter) => counter.would_admit(now),
            Algorithm::Concurrency(cap) => cap.would_admit(now),
            // The line has an end whenever one asks.
            Algorithm::ObjectLock(lock) => return lock.would_admit(at),
            Algorithm::PenaltyBox(penalty) => penalty.would_admit(now),
        };
        if now == at { admission } else { admission.seen_from(now.since(at)) }
    }

    /// Debits a call that [`Limiter::would_admit`] admitted at the same time and whose answer
    /// `leaves` then, not before `at` and its delay; a cap and a lock alone read it.
    pub fn take(&mut self, at: Time, leaves: Time) {
        debug_assert!(self.would_admit(at).admits(), "only an admitted call is debited");
        let now = at.max(self.seen);
        self.seen = now;
        match &mut self.algorithm {
            Algorithm::TokenBucket(bucket) => bucket.take(now),
            Algorithm::Gcra(gcra) => gcra.take(now),
            Algorithm::LeakyQueue(queue) => queue.take(now),
            Algorithm::FixedWindow(window) => window.take(now),
            Algorithm::SlidingLog(log) => log.take(now),
            Algorithm::SlidingCounter(counter) => counter.take(now),
            Algorithm::Concurrency(cap) => cap.take(now, leaves),
            Algorithm::ObjectLock(lock) => lock.take(leaves),
            Algorithm::PenaltyBox(_) => {}
        }
    }

    /// Decides a call `at` that time, and debits it when it may pass; its answer `leaves` then,
    /// or when its delay ends if that is later.
    pub fn admit(&mut self, at: Time, leaves: Time) -> Admission {
        let admission = self.would_admit(at);
        if admission.admits() {
            self.take(at, leaves.max(at + admission.delay()));
        }
        admission
    }

    /// Tells a penalty box that a call of its holder was refused, by whichever limiter; the
    /// others ignore it.
    pub fn note_refusal(&mut self, at: Time) {
        if let Algorithm::PenaltyBox(penalty) = &mut self.algorithm {
            let now = at.max(self.seen);
            self.seen = now;
            penalty.note_refusal(now);
        }
    }

    /// Takes over the parameters of another limiter of the same algorithm from `at` on, and keeps
    /// what was used; with another algorithm, it becomes the other, which never saw a call.
    ///
    /// - A token bucket keeps its tokens, as far as the new one holds them.
    /// - GCRA and the queue keep their backlog, in calls; GCRA's is at most the new burst. Whoever
    ///   waits in the queue was told when to leave and leaves then.
    /// - Windows of the run keep their counts, be they shorter or longer now.
    /// - The log keeps its calls, and the box its refusals; what is left of the window of each
    ///   keeps its share of the whole. A ban that began lasts as long as it was to.
    /// - A cap and a lock keep who is in.
    ///
    /// Law: let b be what the algorithm admits in no time, whatever was before, and r its rate.
    /// Over a change, any window of length w1 before and w2 after it admits at most
    /// max(b1, b2) + r1·w1 + r2·w2 calls. Here b is the burst; of the queue, burst + 1; of the
    /// log, its limit; of the counter, limit + 2; of the fixed window, 2·limit. The
    /// last two admit the smaller of both limits more when the length of the window changes. Their
    /// rate is limit/window. Of a cap, no call is admitted while as many as are allowed then are
    /// in flight.
    pub fn change(&mut self, at: Time, to: &Self) {
        let now = at.max(self.seen);
        self.seen = now;
        match (&mut self.algorithm, &to.algorithm) {
            (Algorithm::TokenBucket(bucket), Algorithm::TokenBucket(to)) => bucket.change(now, to),
            (Algorithm::Gcra(gcra), Algorithm::Gcra(to)) => gcra.change(now, to),
            (Algorithm::LeakyQueue(queue), Algorithm::LeakyQueue(to)) => queue.change(now, to),
            (Algorithm::FixedWindow(window), Algorithm::FixedWindow(to)) => window.change(now, to),
            (Algorithm::SlidingLog(log), Algorithm::SlidingLog(to)) => log.change(now, to),
            (Algorithm::SlidingCounter(counter), Algorithm::SlidingCounter(to)) => {
                counter.change(now, to);
            }
            (Algorithm::Concurrency(cap), Algorithm::Concurrency(to)) => cap.change(to),
            (Algorithm::ObjectLock(lock), Algorithm::ObjectLock(to)) => lock.change(to),
            (Algorithm::PenaltyBox(penalty), Algorithm::PenaltyBox(to)) => penalty.change(now, to),
            (own, to) => *own = to.clone(),
        }
    }

    /// What the limiter allows, whatever was used of it.
    pub fn quota(&self) -> Quota {
        match &self.algorithm {
            Algorithm::TokenBucket(bucket) => bucket.quota(),
            Algorithm::Gcra(gcra) => gcra.quota(),
            Algorithm::LeakyQueue(queue) => queue.quota(),
            Algorithm::FixedWindow(window) => window.quota(),
            Algorithm::SlidingLog(log) => log.quota(),
            Algorithm::SlidingCounter(counter) => counter.quota(),
            Algorithm::Concurrency(cap) => cap.quota(),
            Algorithm::ObjectLock(_) => ObjectLock::quota(),
            Algorithm::PenaltyBox(penalty) => penalty.quota(),
        }
    }

    /// What is left of the quota `at` that time.
    pub fn remaining(&self, at: Time) -> Remaining {
        let now = at.max(self.seen);
        let remaining = match &self.algorithm {
            Algorithm::TokenBucket(bucket) => bucket.remaining(now),
            Algorithm::Gcra(gcra) => gcra.remaining(now),
            Algorithm::LeakyQueue(queue) => queue.remaining(now),
            Algorithm::FixedWindow(window) => window.remaining(now),
            Algorithm::SlidingLog(log) => log.remaining(now),
            Algorithm::SlidingCounter(counter) => counter.remaining(now),
            Algorithm::Concurrency(cap) => cap.remaining(now),
            Algorithm::ObjectLock(lock) => return lock.remaining(at),
            Algorithm::PenaltyBox(penalty) => penalty.remaining(now),
        };
        match remaining.resets_in {
            Duration::ZERO => remaining,
            resets_in => Remaining { resets_in: resets_in + now.since(at), ..remaining },
        }
    }

    /// Whether the limiter behaves from `at` on like one that never saw a call, so that it may be
    /// forgotten.
    pub fn is_rested(&self, at: Time) -> bool {
        at >= self.seen
            && match &self.algorithm {
                Algorithm::TokenBucket(bucket) => bucket.is_rested(at),
                Algorithm::Gcra(gcra) => gcra.is_rested(at),
                Algorithm::LeakyQueue(queue) => queue.is_rested(at),
                Algorithm::FixedWindow(window) => window.is_rested(at),
                Algorithm::SlidingLog(log) => log.is_rested(at),
                Algorithm::SlidingCounter(counter) => counter.is_rested(at),
                Algorithm::Concurrency(cap) => cap.is_rested(at),
                Algorithm::ObjectLock(lock) => lock.is_rested(at),
                Algorithm::PenaltyBox(penalty) => penalty.is_rested(at),
            }
    }
}

#[cfg(test)]
mod tests;
