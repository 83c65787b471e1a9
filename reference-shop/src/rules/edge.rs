//! The edge cache as a pure machine: objects with a time to live, one fetch for many.

use std::collections::HashMap;

use domain::time::Time;

use crate::rules::Ticket;
use crate::settings::{Cookies, Edge as Settings};

/// What to do with a request for a cacheable object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Answer from the cache.
    Hit,
    /// Fetch it from the origin, then call [`Edge::fetched`].
    Fetch,
    /// Answer from the cache what is no longer fresh, and fetch it from the origin besides.
    Refresh,
    /// Wait: the fetch under way will answer it too.
    Wait,
}

/// The cache: which objects are fresh, and who waits for a fetch.
#[derive(Debug)]
pub struct Edge {
    settings: Settings,
    objects: HashMap<u64, Object>,
}

#[derive(Debug, Default)]
struct Object {
    /// None where there is nothing to give.
    fresh_until: Option<Time>,
    fetching: bool,
    waiting: Vec<Ticket>,
}

impl Edge {
    /// An empty cache.
    pub fn new(settings: Settings) -> Self {
        Self { settings, objects: HashMap::new() }
    }

    /// A request for `object` arrives `at`; `ticket` is who asks.
    pub fn lookup(&mut self, at: Time, object: u64, ticket: Ticket) -> Lookup {
        let shareable = self.settings.cookies == Cookies::Checkout;
        let caching = shareable && !self.settings.ttl.0.is_zero();
        let entry = self.objects.entry(object).or_default();
        if let Some(until) = entry.fresh_until.filter(|_| caching) {
            if at < until {
                return Lookup::Hit;
            }
            if at < until + self.settings.grace.0 {
                let is_first = !std::mem::replace(&mut entry.fetching, true);
                return if is_first { Lookup::Refresh } else { Lookup::Hit };
            }
        }
        if caching && self.settings.collapse {
            if entry.fetching {
                entry.waiting.push(ticket);
                return Lookup::Wait;
            }
            entry.fetching = true;
        }
        Lookup::Fetch
    }

    /// The origin's answer for `object` came `at`: who waited for it and is answered now. An
    /// answer that may not be kept (an error) leaves the object stale.
    pub fn fetched(&mut self, at: Time, object: u64, keep: bool) -> Vec<Ticket> {
        let entry = self.objects.entry(object).or_default();
        entry.fetching = false;
        if keep {
            entry.fresh_until = Some(at + self.settings.ttl.0);
        }
        std::mem::take(&mut entry.waiting)
    }
}

#[cfg(test)]
mod tests {
    use domain::draw::{Purpose, draw_for};
    use domain::time::{Duration, Span};

    use super::*;

    #[test]
    fn many_requests_are_one_fetch_per_time_to_live() {
        let mut edge = Edge::new(Settings::default());
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(2)), Lookup::Wait);
        assert_eq!(edge.fetched(Time::from_millis(10), 7, true), [Ticket(2)]);
        assert_eq!(edge.lookup(Time::from_millis(1_009), 7, Ticket(3)), Lookup::Hit);
        assert_eq!(edge.lookup(Time::from_millis(1_010), 7, Ticket(4)), Lookup::Fetch);
    }

    #[test]
    fn in_its_grace_a_stale_answer_serves_all_while_one_fetches() {
        let grace = Span(Duration::from_secs(5));
        let mut edge = Edge::new(Settings { grace, ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert!(edge.fetched(Time::ZERO, 7, true).is_empty());
        assert_eq!(edge.lookup(Time::from_millis(1_000), 7, Ticket(2)), Lookup::Refresh);
        assert_eq!(edge.lookup(Time::from_millis(1_000), 7, Ticket(3)), Lookup::Hit);
        assert!(edge.fetched(Time::from_millis(2_000), 7, true).is_empty());
        assert_eq!(edge.lookup(Time::from_millis(2_999), 7, Ticket(4)), Lookup::Hit);
        // Its grace runs out too.
        assert_eq!(edge.lookup(Time::from_millis(8_000), 7, Ticket(5)), Lookup::Fetch);
        assert_eq!(edge.lookup(Time::from_millis(8_000), 7, Ticket(6)), Lookup::Wait);
    }

    #[test]
    fn a_refresh_that_fails_is_tried_again_within_the_grace() {
        let grace = Span(Duration::from_secs(5));
        let mut edge = Edge::new(Settings { grace, ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        edge.fetched(Time::ZERO, 7, true);
        assert_eq!(edge.lookup(Time::from_millis(1_000), 7, Ticket(2)), Lookup::Refresh);
        edge.fetched(Time::from_millis(1_000), 7, false);
        assert_eq!(edge.lookup(Time::from_millis(2_000), 7, Ticket(3)), Lookup::Refresh);
    }

    #[test]
    fn without_collapsing_each_miss_is_a_fetch() {
        let mut edge = Edge::new(Settings { collapse: false, ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(2)), Lookup::Fetch);
    }

    #[test]
    fn an_answer_with_a_cookie_serves_one_visitor() {
        let mut edge = Edge::new(Settings { cookies: Cookies::EveryPage, ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(2)), Lookup::Fetch);
        assert!(edge.fetched(Time::ZERO, 7, true).is_empty());
        assert_eq!(edge.lookup(Time::from_millis(1), 7, Ticket(3)), Lookup::Fetch);
    }

    /// Fetches per second of one object that people ask for independently of each other, `per_s` a second,
    /// and that takes the origin so long.
    fn fetches_per_s(per_s: f64, origin: Duration, people: u64) -> f64 {
        let ttl = Span(Duration::from_secs(2));
        let mut edge = Edge::new(Settings { ttl, ..Settings::default() });
        let (mut now, mut fetches, mut answered) = (Time::ZERO, 0.0, None);
        for person in 0..people {
            let gap = draw_for(21, person, Purpose::Arrival, 0).exponential(1.0 / per_s);
            now += Duration::from_secs_f64(gap);
            if let Some(at) = answered.take_if(|at| *at <= now) {
                edge.fetched(at, 7, true);
            }
            if edge.lookup(now, 7, Ticket(person)) == Lookup::Fetch {
                fetches += 1.0;
                answered = Some(now + origin);
            }
        }
        fetches / now.seconds()
    }

    #[test]
    fn an_object_is_fetched_once_per_time_to_live_fetch_and_gap() {
        // Renewal: from one fetch to the next the time to live passes after the origin has answered, and then
        // somebody must come, 1 / (T + D + 1/λ).
        for (per_s, origin_ms, people, expected) in [
            (500.0, 0, 2_000_000, 0.499_500),
            (500.0, 50, 2_000_000, 0.487_329),
            (0.3, 0, 40_000, 0.187_5),
        ] {
            let found = fetches_per_s(per_s, Duration::from_millis(origin_ms), people);
            assert!((found / expected - 1.0).abs() < 0.01, "{per_s}/s: {found}, {expected}");
        }
    }
}
