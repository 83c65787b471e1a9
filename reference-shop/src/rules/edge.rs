//! The edge cache as a pure machine: objects with a time to live, one fetch for many, and what becomes of
//! the origin's errors.

use std::collections::BTreeMap;

use domain::shop::CacheState;
use domain::time::Time;

use crate::rules::Ticket;
use crate::settings::{Cookies, Edge as Settings};

/// What to do with a request for a cacheable object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Answer from the cache.
    Hit,
    /// Answer with the error that the origin gave not long ago, of this status of HTTP.
    Failed(u16),
    /// Fetch it from the origin, then call [`Edge::fetched`].
    Fetch,
    /// Answer from the cache what is no longer fresh, and fetch it from the origin besides.
    Refresh,
    /// Wait: the fetch under way will answer it too.
    Wait,
}

/// What a fetch brought.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// What may be kept.
    Page,
    /// Another answer, by its status of HTTP.
    Failed(u16),
}

/// What is to be done with what a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It answers these too, who waited for it.
    Answer(Vec<Ticket>),
    /// The origin is asked once more, at once; who waits goes on waiting.
    Restart,
}

/// The cache: which objects are fresh, and who waits for a fetch.
#[derive(Debug)]
pub struct Edge {
    settings: Settings,
    objects: BTreeMap<u64, Object>,
    counts: CacheState,
}

#[derive(Debug, Default)]
struct Object {
    /// None where there is nothing to give.
    fresh_until: Option<Time>,
    /// The origin's last error, and until when it is given.
    failed: Option<(u16, Time)>,
    fetching: bool,
    waiting: Vec<Ticket>,
}

impl Edge {
    /// An empty cache.
    pub fn new(settings: Settings) -> Self {
        Self { settings, objects: BTreeMap::new(), counts: CacheState::default() }
    }

    /// A request for `object` arrives `at`; `ticket` is who asks.
    pub fn lookup(&mut self, at: Time, object: u64, ticket: Ticket) -> Lookup {
        let caching = self.is_caching();
        let entry = self.objects.entry(object).or_default();
        let failed = entry.failed.filter(|(_, until)| caching && at < *until);
        if let Some(until) = entry.fresh_until.filter(|_| caching) {
            if at < until {
                self.counts.hits += 1;
                return Lookup::Hit;
            }
            if at < until + self.settings.grace.0 {
                self.counts.stale += 1;
                // As long as an error is kept nobody asks the origin (stale-if-error, RFC 5861 §4).
                if failed.is_some() || std::mem::replace(&mut entry.fetching, true) {
                    return Lookup::Hit;
                }
                self.counts.refreshes += 1;
                return Lookup::Refresh;
            }
        }
        if let Some((status, _)) = failed {
            self.counts.errors += 1;
            return Lookup::Failed(status);
        }
        if caching && self.settings.collapse {
            if entry.fetching {
                entry.waiting.push(ticket);
                self.counts.collapsed += 1;
                return Lookup::Wait;
            }
            entry.fetching = true;
        }
        self.counts.misses += 1;
        Lookup::Fetch
    }

    /// Whether so many requests for `object` that arrive `at`, not before what has happened here already, are
    /// answered from what is fresh then, which nothing that happens until then can change; then they are counted.
    pub fn gives(&mut self, at: Time, object: u64, requests: u64) -> bool {
        let fresh_until = self.objects.get(&object).and_then(|entry| entry.fresh_until);
        let gives = self.is_caching() && fresh_until.is_some_and(|until| at < until);
        self.counts.hits += if gives { requests } else { 0 };
        gives
    }

    /// What the origin answered to a fetch of `object` came `at`; the fetch was begun again `restarts`
    /// times before. An error leaves the object stale.
    pub fn fetched(&mut self, at: Time, object: u64, fetched: Fetched, restarts: u32) -> Next {
        let until = match fetched {
            Fetched::Page => at + self.settings.ttl.0,
            Fetched::Failed(status) => {
                let is_error = self.settings.is_error(status);
                self.counts.failures += u64::from(is_error);
                if is_error && restarts < self.settings.restarts {
                    self.counts.restarts += 1;
                    return Next::Restart;
                }
                if is_error { at + self.settings.error_ttl.0 } else { at }
            }
        };
        Next::Answer(self.keep(object, fetched, until))
    }

    /// What another cache answered to a fetch of `object`, and until when that one keeps it: so it is kept
    /// here, for its age travels with it (RFC 9111 §4.2.3). Who waited for it and is answered now.
    pub fn relayed(&mut self, object: u64, fetched: Fetched, until: Time) -> Vec<Ticket> {
        self.keep(object, fetched, until)
    }

    /// Until when what was fetched last is kept: what is stale, until some time ago.
    pub fn kept_until(&self, object: u64, fetched: Fetched) -> Time {
        let entry = self.objects.get(&object);
        let until = entry.and_then(|entry| match fetched {
            Fetched::Page => entry.fresh_until,
            Fetched::Failed(_) => entry.failed.map(|(_, until)| until),
        });
        until.unwrap_or(Time::ZERO)
    }

    /// So many requests for `object` arrive `at` once, for all of which `ticket` stands: what becomes of the
    /// first. Where that one fetches, the others wait for it, if requests are collapsed at all.
    pub fn ask(&mut self, at: Time, object: u64, ticket: Ticket, requests: u64) -> Lookup {
        let (hits, others) = (self.counts.hits, requests.saturating_sub(1));
        let found = self.lookup(at, object, ticket);
        match found {
            Lookup::Failed(_) => self.counts.errors += others,
            Lookup::Fetch | Lookup::Wait => self.counts.collapsed += others,
            Lookup::Hit if self.counts.hits > hits => self.counts.hits += others,
            Lookup::Hit | Lookup::Refresh => self.counts.stale += others,
        }
        found
    }

    /// Whether it keeps what may be shared.
    fn is_caching(&self) -> bool {
        self.settings.cookies == Cookies::Checkout && !self.settings.ttl.0.is_zero()
    }

    /// What it has done so far.
    pub fn counts(&self) -> CacheState {
        self.counts
    }

    fn keep(&mut self, object: u64, fetched: Fetched, until: Time) -> Vec<Ticket> {
        let entry = self.objects.entry(object).or_default();
        entry.fetching = false;
        match fetched {
            Fetched::Page => (entry.fresh_until, entry.failed) = (Some(until), None),
            Fetched::Failed(status) => entry.failed = Some((status, until)),
        }
        std::mem::take(&mut entry.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use domain::draw::{Purpose, draw_for};
    use domain::time::{Duration, Span};

    use super::*;

    /// The origin answers with the page, for the first time of asking.
    fn page(edge: &mut Edge, at: Time) -> Vec<Ticket> {
        answered(edge, at, Fetched::Page)
    }

    fn answered(edge: &mut Edge, at: Time, fetched: Fetched) -> Vec<Ticket> {
        match edge.fetched(at, 7, fetched, 0) {
            Next::Answer(waiting) => waiting,
            Next::Restart => panic!("nobody asks twice"),
        }
    }

    #[test]
    fn many_requests_are_one_fetch_per_time_to_live() {
        let mut edge = Edge::new(Settings::default());
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(2)), Lookup::Wait);
        assert_eq!(page(&mut edge, Time::from_millis(10)), [Ticket(2)]);
        assert_eq!(edge.lookup(Time::from_millis(1_009), 7, Ticket(3)), Lookup::Hit);
        assert_eq!(edge.lookup(Time::from_millis(1_010), 7, Ticket(4)), Lookup::Fetch);
    }

    #[test]
    fn what_is_fresh_is_given_until_its_time_is_over_and_counted() {
        let mut edge = Edge::new(Settings::default());
        assert!(!edge.gives(Time::ZERO, 7, 1));
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert!(!edge.gives(Time::from_millis(5), 7, 1), "it is still fetched");
        page(&mut edge, Time::from_millis(10));
        assert!(edge.gives(Time::from_millis(1_009), 7, 1));
        assert!(!edge.gives(Time::from_millis(1_010), 7, 1) && !edge.gives(Time::ZERO, 8, 1));
        assert_eq!((edge.counts().hits, edge.counts().asked()), (1, 2));
        let mut edge = Edge::new(Settings { cookies: Cookies::EveryPage, ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        page(&mut edge, Time::ZERO);
        assert!(!edge.gives(Time::from_millis(1), 7, 1), "it is one visitor's");
    }

    #[test]
    fn many_who_ask_at_once_are_counted_as_one_after_the_other_would_be() {
        let settings = Settings { grace: seconds(5), error_ttl: seconds(1), ..Settings::default() };
        let (mut together, mut apart) = (Edge::new(settings.clone()), Edge::new(settings));
        for (ms, fetched) in [
            (0, Some(Fetched::Page)),
            (500, None),
            (1_000, Some(Fetched::Failed(503))),
            (1_500, None),
            (6_500, Some(Fetched::Failed(503))),
            (7_000, None),
        ] {
            let at = Time::from_millis(ms);
            let found = together.ask(at, 7, Ticket(1), 5);
            let first = apart.lookup(at, 7, Ticket(1));
            for ticket in 2..6 {
                apart.lookup(at, 7, Ticket(ticket));
            }
            assert_eq!(found, first, "{ms}");
            if let Some(fetched) = fetched {
                answered(&mut together, at, fetched);
                answered(&mut apart, at, fetched);
            }
            assert_eq!(together.counts(), apart.counts(), "{ms}");
        }
    }

    #[test]
    fn in_its_grace_a_stale_answer_serves_all_while_one_fetches() {
        let grace = Span(Duration::from_secs(5));
        let mut edge = Edge::new(Settings { grace, ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert!(page(&mut edge, Time::ZERO).is_empty());
        assert_eq!(edge.lookup(Time::from_millis(1_000), 7, Ticket(2)), Lookup::Refresh);
        assert_eq!(edge.lookup(Time::from_millis(1_000), 7, Ticket(3)), Lookup::Hit);
        assert!(page(&mut edge, Time::from_millis(2_000)).is_empty());
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
        page(&mut edge, Time::ZERO);
        assert_eq!(edge.lookup(Time::from_millis(1_000), 7, Ticket(2)), Lookup::Refresh);
        answered(&mut edge, Time::from_millis(1_000), Fetched::Failed(500));
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
        assert!(page(&mut edge, Time::ZERO).is_empty());
        assert_eq!(edge.lookup(Time::from_millis(1), 7, Ticket(3)), Lookup::Fetch);
    }

    /// Fetches per second of one object that people ask for independently of each other, `per_s` a second,
    /// and that takes the origin so long; `collapse` is whether they wait for a fetch under way.
    fn fetches_per_s(per_s: f64, origin: Duration, people: u64, collapse: bool) -> f64 {
        let ttl = Span(Duration::from_secs(2));
        let mut edge = Edge::new(Settings { ttl, collapse, ..Settings::default() });
        let (mut now, mut fetches, mut answers) = (Time::ZERO, 0.0, VecDeque::new());
        for person in 0..people {
            let gap = draw_for(21, person, Purpose::Arrival, 0).exponential(1.0 / per_s);
            now += Duration::from_secs_f64(gap);
            while answers.front().is_some_and(|at| *at <= now) {
                let at = answers.pop_front().unwrap();
                page(&mut edge, at);
            }
            if edge.lookup(now, 7, Ticket(person)) == Lookup::Fetch {
                fetches += 1.0;
                answers.push_back(now + origin);
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
            let found = fetches_per_s(per_s, Duration::from_millis(origin_ms), people, true);
            assert!((found / expected - 1.0).abs() < 0.01, "{per_s}/s: {found}, {expected}");
        }
    }

    #[test]
    fn without_collapsing_the_answer_to_the_last_fetch_is_kept() {
        // 1 + λD fetches, of which the last is made D − (1 − e^(−λD)) / λ after the first and answered D later:
        // (1 + λD) / (T + 2D + e^(−λD) / λ).
        for (per_s, people, expected) in [(50.0, 400_000, 8.666_667), (2.0, 200_000, 0.628_152)] {
            let found = fetches_per_s(per_s, Duration::from_millis(500), people, false);
            assert!((found / expected - 1.0).abs() < 0.02, "{per_s}/s: {found}, {expected}");
        }
    }

    fn failing(settings: Settings) -> Edge {
        let mut edge = Edge::new(settings);
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        edge
    }

    fn seconds(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }

    #[test]
    fn an_error_is_given_to_all_as_long_as_it_is_kept() {
        let kept = Settings { error_ttl: seconds(10), ..Settings::default() };
        let mut edge = failing(kept.clone());
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(2)), Lookup::Wait);
        let told = answered(&mut edge, Time::from_millis(100), Fetched::Failed(503));
        assert_eq!(told, [Ticket(2)]);
        assert_eq!(edge.lookup(Time::from_millis(101), 7, Ticket(3)), Lookup::Failed(503));
        assert_eq!(edge.lookup(Time::from_millis(10_099), 7, Ticket(4)), Lookup::Failed(503));
        assert_eq!(edge.lookup(Time::from_millis(10_100), 7, Ticket(5)), Lookup::Fetch);
        assert!(page(&mut edge, Time::from_millis(10_200)).is_empty());
        assert_eq!(edge.lookup(Time::from_millis(10_201), 7, Ticket(6)), Lookup::Hit);
        let counts = edge.counts();
        assert_eq!((counts.hits, counts.errors, counts.collapsed, counts.misses), (1, 2, 1, 2));
        assert_eq!((counts.asked(), counts.fetches(), counts.failures), (6, 2, 1));
        // What is no error of the origin is nothing to keep, nor is an error where none is kept.
        for (settings, status) in [(kept, 404), (Settings::default(), 503)] {
            let mut edge = failing(settings);
            answered(&mut edge, Time::ZERO, Fetched::Failed(status));
            assert_eq!(edge.lookup(Time::from_millis(1), 7, Ticket(2)), Lookup::Fetch);
        }
    }

    #[test]
    fn while_an_error_is_kept_what_is_stale_is_given_as_long_as_its_grace_lasts() {
        let (grace, error_ttl) = (seconds(5), seconds(2));
        let mut edge = failing(Settings { grace, error_ttl, ..Settings::default() });
        page(&mut edge, Time::ZERO);
        // Fresh until 1 s, given until 6 s; each error is kept for 2 s.
        for (ms, expected) in [
            (1_000, Lookup::Refresh),
            (1_001, Lookup::Hit),
            (2_999, Lookup::Hit),
            (3_000, Lookup::Refresh),
            (4_999, Lookup::Hit),
            (5_000, Lookup::Refresh),
            (5_999, Lookup::Hit),
            (6_000, Lookup::Failed(502)),
            (6_999, Lookup::Failed(502)),
            (7_000, Lookup::Fetch),
        ] {
            let at = Time::from_millis(ms);
            let found = edge.lookup(at, 7, Ticket(ms));
            assert_eq!(found, expected, "{ms}");
            if found == Lookup::Refresh {
                assert!(answered(&mut edge, at, Fetched::Failed(502)).is_empty());
            }
        }
        assert_eq!((edge.counts().stale, edge.counts().refreshes, edge.counts().errors), (7, 3, 2));
    }

    #[test]
    fn a_restart_asks_again_while_everybody_waits_and_no_more_often_than_it_may() {
        let mut edge = failing(Settings { restarts: 1, ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(2)), Lookup::Wait);
        assert_eq!(edge.fetched(Time::ZERO, 7, Fetched::Failed(500), 0), Next::Restart);
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(3)), Lookup::Wait);
        let waiting = [Ticket(2), Ticket(3)].to_vec();
        let next = edge.fetched(Time::ZERO, 7, Fetched::Failed(500), 1);
        assert_eq!(next, Next::Answer(waiting));
        assert_eq!((edge.counts().failures, edge.counts().restarts), (2, 1));
        // One that succeeds hides what was before it; what is no error is not asked for again.
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(4)), Lookup::Fetch);
        assert_eq!(edge.fetched(Time::ZERO, 7, Fetched::Failed(500), 0), Next::Restart);
        assert_eq!(edge.fetched(Time::ZERO, 7, Fetched::Page, 1), Next::Answer(Vec::new()));
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(5)), Lookup::Hit);
        let next = edge.fetched(Time::ZERO, 8, Fetched::Failed(404), 0);
        assert_eq!(next, Next::Answer(Vec::new()));
    }

    #[test]
    fn what_another_cache_had_is_kept_no_longer_than_there() {
        let mut edge = Edge::new(Settings { error_ttl: seconds(10), ..Settings::default() });
        assert_eq!(edge.lookup(Time::ZERO, 7, Ticket(1)), Lookup::Fetch);
        assert!(edge.relayed(7, Fetched::Page, Time::from_millis(300)).is_empty());
        assert_eq!(edge.lookup(Time::from_millis(299), 7, Ticket(2)), Lookup::Hit);
        assert_eq!(edge.lookup(Time::from_millis(300), 7, Ticket(3)), Lookup::Fetch);
        edge.relayed(7, Fetched::Failed(503), Time::from_millis(2_000));
        assert_eq!(edge.lookup(Time::from_millis(1_999), 7, Ticket(4)), Lookup::Failed(503));
        assert_eq!(edge.lookup(Time::from_millis(2_000), 7, Ticket(5)), Lookup::Fetch);
    }

    /// Fetches per second of one object at its origin, that `people` ask for independently of each other,
    /// `per_s` a second in all, in such shares at points of presence, directly or through a shield.
    fn at_origin_per_s(
        (per_s, shares): (f64, &[f64]),
        is_shielded: bool,
        origin: Duration,
        people: u64,
    ) -> f64 {
        let cache = || Edge::new(Settings { ttl: seconds(2), ..Settings::default() });
        let mut pops: Vec<Edge> = shares.iter().map(|_| cache()).collect();
        let mut shield = is_shielded.then(cache);
        let (mut now, mut fetches) = (Time::ZERO, 0.0);
        // When the origin answers, and whom: a point of presence.
        let mut answers = VecDeque::new();
        for person in 0..people {
            let gap = draw_for(21, person, Purpose::Arrival, 0).exponential(1.0 / per_s);
            now += Duration::from_secs_f64(gap);
            while let Some((at, pop)) = answers.pop_front_if(|(at, _)| *at <= now) {
                let Some(shield) = &mut shield else {
                    page(&mut pops[pop], at);
                    continue;
                };
                let waiting = page(shield, at).into_iter().map(|Ticket(pop)| pop);
                for pop in waiting.map(|pop| usize::try_from(pop).unwrap()).chain([pop]) {
                    pops[pop].relayed(7, Fetched::Page, shield.kept_until(7, Fetched::Page));
                }
            }
            let nearest = draw_for(21, person, Purpose::PointOfPresence, 0);
            let pop = nearest.pick(shares.iter().copied());
            let mut next = pops[pop].lookup(now, 7, Ticket(person));
            if next == Lookup::Fetch
                && let Some(shield) = &mut shield
            {
                next = shield.lookup(now, 7, Ticket(pop as u64));
                if next == Lookup::Hit {
                    pops[pop].relayed(7, Fetched::Page, shield.kept_until(7, Fetched::Page));
                }
            }
            if next == Lookup::Fetch {
                fetches += 1.0;
                answers.push_back((now + origin, pop));
            }
        }
        fetches / now.seconds()
    }

    #[test]
    fn each_point_of_presence_fetches_for_itself_and_a_shield_once_for_all() {
        // Renewal, at each point by its own rate: the sum of 1 / (T + D + 1/λ). Through a shield all points
        // lose a page in one moment, for its age travels with it: as one cache with all the visitors.
        let (even, uneven) = ([1.0, 1.0, 1.0], [2.0, 1.0, 1.0]);
        for (per_s, shares, origin_ms, people, (apart, shielded)) in [
            (500.0, &uneven, 50, 500_000, (1.458_672, 0.487_329)),
            (0.9, &even, 0, 60_000, (0.562_5, 0.321_429)),
        ] {
            for (is_shielded, expected) in [(false, apart), (true, shielded)] {
                let origin = Duration::from_millis(origin_ms);
                let found = at_origin_per_s((per_s, shares), is_shielded, origin, people);
                let off = found / expected - 1.0;
                assert!(off.abs() < 0.015, "{per_s}/s, {is_shielded}: {found}, {expected}");
            }
        }
    }
}
