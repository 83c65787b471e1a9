//! How long the shop is left alone before its ledgers are read.

use domain::law::Law;
use domain::time::{Duration, duration_from_seconds};
use reference_shop::settings::{Saga, Settings, look_wait, looks};

use crate::scenario::Scenario;
use crate::scenario::offer::payment::{calls_per_order, payment};

/// How long any part of the drain may last: nobody waits longer than an hour for a verdict, and a
/// retry that doubles every time would otherwise never end.
const PART_MAX: Duration = Duration::from_hours(1);

/// How long a foreign shop is left alone where nothing is said: what it does by itself, nobody but
/// its owner knows.
const FOREIGN: Duration = Duration::from_secs(10);

/// How long the shop is left alone after the last fan, and why.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Drain {
    /// Calls to the provider that may still have to be made, at its rate.
    pub backlog: Duration,
    /// The time to live of a reservation, and the sweep that ends it.
    pub expiry: Duration,
    /// The retries of one call, from the first to the last.
    pub retries: Duration,
    /// The longest that a challenged cardholder is waited for.
    pub challenges: Duration,
    /// What `[audit] drain` asks for instead.
    pub asked: Option<Duration>,
}

impl Drain {
    /// How long it must be for every invariant to be checked.
    pub fn needed(&self) -> Duration {
        self.backlog + self.expiry + self.retries + self.challenges
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.asked.unwrap_or_else(|| self.needed())
    }

    /// Whether it is cut short, so that stranded stock, orphaned authorizations and unresolved
    /// orders cannot be told from those that are on their way.
    pub fn is_short(&self) -> bool {
        self.length() < self.needed()
    }
}

/// How long the shop is left alone after the last fan.
pub fn drain(scenario: &Scenario) -> Duration {
    drain_needed(scenario).length()
}

/// backlog / R + time to live and sweep + retry horizon + challenges, and what is asked for instead.
/// A foreign shop is left alone for as long as is asked for, else for 10 s.
pub fn drain_needed(scenario: &Scenario) -> Drain {
    if scenario.target.is_some() {
        let asked = scenario.audit.drain.map(|span| span.0);
        return Drain { expiry: asked.unwrap_or(FOREIGN), asked, ..Drain::default() };
    }
    let reservation = scenario.shop.reservation;
    Drain {
        backlog: backlog(scenario).min(PART_MAX),
        expiry: reservation.ttl.0.max(longest_to_pay(scenario)) + reservation.sweep.0,
        retries: retries(scenario).min(PART_MAX),
        challenges: challenges(scenario).min(PART_MAX),
        asked: scenario.audit.drain.map(|span| span.0),
    }
}

/// From the first results of a lottery, before which nobody has heard enough to leave, to its last
/// deadline.
fn longest_to_pay(scenario: &Scenario) -> Duration {
    let lotteries = scenario.catalogue.sales.iter().filter_map(|sale| sale.lottery);
    lotteries.map(|it| it.ends().saturating_sub(it.results.0)).max().unwrap_or_default()
}

/// How long the provider needs for the calls that may be outstanding: those under way, and, where
/// voids are made again or captures wait in a queue, one of every authorization it can have granted
/// meanwhile. At the rate they were granted that takes as long as the sales lasted, at the worker's,
/// if it is slower, longer.
fn backlog(scenario: &Scenario) -> Duration {
    let latency = &scenario.provider.latency;
    let under_way = latency.authorize.bound() + latency.capture.bound();
    let allowed_per_s =
        payment(scenario).orders_per_s.map(|orders| orders * calls_per_order(scenario));
    let Settings { void_retries, saga, worker, .. } = scenario.shop;
    let slowest_per_s = [allowed_per_s, worker.map(|worker| worker.calls_per_second)]
        .into_iter()
        .flatten()
        .min_by(f64::total_cmp);
    let Some(settled_per_s) = slowest_per_s else { return Duration::ZERO };
    if void_retries == 0 && saga != Saga::CaptureQueue && worker.is_none() {
        return under_way;
    }
    let sales = &scenario.catalogue.sales;
    let window_s: f64 =
        sales.iter().map(|sale| sale.closes.since(sale.opens).as_secs_f64()).fold(0.0, f64::max);
    let fans: f64 = scenario.populations.iter().map(|people| f64::from(people.count)).sum();
    let granted = allowed_per_s.map_or(fans, |calls| (calls * window_s).min(fans));
    under_way + duration_from_seconds(granted / settled_per_s)
}

/// Until the last cardholder who may be challenged has answered and the shop has looked, or the shop
/// has given up.
fn challenges(scenario: &Scenario) -> Duration {
    let challenges = &scenario.provider.challenges;
    if challenges.share <= 0.0 {
        return Duration::ZERO;
    }
    let timeout = scenario.shop.challenge_timeout.0;
    if challenges.abandoned > 0.0 {
        return timeout;
    }
    let asked = looks(challenges.takes.bound());
    let looked = (0..asked).map(look_wait).sum();
    timeout.min(looked)
}

/// From the first attempt of a call to its last: unanswered calls wait for the shop's timeout each
/// time, refused voids one second, then two, four and so on.
fn retries(scenario: &Scenario) -> Duration {
    let (shop, latency) = (&scenario.shop, &scenario.provider.latency);
    let looking =
        if scenario.provider.challenges.share > 0.0 { latency.other } else { Law::default() };
    let slowest = [latency.authorize, latency.capture, latency.void, looking]
        .into_iter()
        .map(Law::bound)
        .max()
        .unwrap_or_default();
    let too_slow =
        |times: f64| slowest.as_secs_f64() * times >= shop.provider_timeout.0.as_secs_f64();
    let mut brownouts = scenario.provider.brownouts.iter();
    let unanswered = scenario.provider.faults.total() > 0.0
        || too_slow(1.0)
        || brownouts.any(|brownout| brownout.fails > 0.0 || too_slow(brownout.latency));
    let calls = if unanswered {
        let tries = shop.provider_retries.saturating_add(1);
        let waited = shop.provider_timeout.0.saturating_mul(tries);
        waited.saturating_add(doublings(shop.provider_retries)).saturating_mul(CALLS_IN_A_ROW)
    } else {
        slowest
    };
    let refused = shop.void_retries.max(shop.capture_retries);
    let refused = match shop.saga {
        // A capture of the queue is made again every 30 s at last, for as long as it takes.
        Saga::CaptureQueue => doublings(refused).max(QUEUED),
        Saga::AuthorizeFirst | Saga::ReserveFirst => doublings(refused),
    };
    calls.saturating_add(refused)
}

/// The calls that an order may have to make one after the other, each until it is answered: the
/// authorization, the capture, where it stands, the void.
const CALLS_IN_A_ROW: u32 = 4;

/// How long a queued capture that was refused at the very end may still take: the longest wait.
const QUEUED: Duration = Duration::from_secs(30);

/// 1 + 2 + 4 + … seconds.
fn doublings(waits: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(waits).map_or(u64::MAX, |power| power - 1))
}
