//! The edge: cached pages, and who waits for one that is being fetched.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use domain::shop::{CacheState, Catalogue, EdgeState};
use domain::time::{Duration, Span, Time};
use hyper::header::HeaderValue;
use tokio::sync::oneshot;

use crate::rules::Ticket;
use crate::rules::edge::{Edge, Fetched, Lookup, Next};
use crate::settings::{Cookies, Edge as EdgeSettings, EdgeBy};

/// How many parts a page may have. It bounds the cache, whatever is asked for.
const PARTS_MAX: u16 = 64;

/// How long a page is about \[bytes\].
const PAGE_LENGTH: usize = 1_000;

/// One part of one sale's page.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) sale: u16,
    pub(super) part: u16,
}

impl Page {
    /// The page, if there can be one of these numbers.
    pub(super) fn of(catalogue: &Catalogue, sale: u16, part: u16) -> Option<Self> {
        let known = usize::from(sale) < catalogue.sales.len() && part < PARTS_MAX;
        known.then_some(Self { sale, part })
    }

    fn object(self) -> u64 {
        (u64::from(self.sale) << 16) | u64::from(self.part)
    }

    /// Its text: the same for everybody.
    fn text(self, catalogue: &Catalogue) -> Bytes {
        let sale = &catalogue.sales[usize::from(self.sale)];
        let mut text = format!("{}, part {}\n", sale.id, self.part);
        for item in &sale.items {
            if text.len() < PAGE_LENGTH {
                writeln!(text, "{}: {} for {}", item.id, item.stock, item.price)
                    .expect("a text can always be written to");
            }
        }
        let filler = "Everything is sold at the opening, and not before. ";
        while text.len() < PAGE_LENGTH {
            text.push_str(filler);
        }
        Bytes::from(text)
    }
}

/// What a request for a page leads to.
#[derive(Debug)]
pub(super) enum Answer {
    /// Here it is.
    Hit(Bytes),
    /// The origin could not give it not long ago, and said so with this status.
    Failed(u16),
    /// It comes, or a status in its place; somebody else fetches it.
    Wait(oneshot::Receiver<Result<Bytes, u16>>),
    /// It comes once [`Pages::fetched`] is told that it was fetched for this ticket.
    Fetch(Ticket, oneshot::Receiver<Result<Bytes, u16>>),
    /// Here it is, no longer fresh; it is to be fetched for this ticket.
    Refresh(Bytes, Ticket),
}

/// The cache in front of the shop, shared by all connections.
#[derive(Debug)]
pub(super) struct Pages {
    catalogue: Catalogue,
    /// What a browser may do with a page.
    pub(super) cache_control: HeaderValue,
    /// The cookie that a page sets.
    pub(super) cookie: Option<&'static str>,
    /// Whether it says of itself what it did with errors.
    tells: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    edge: Edge,
    texts: HashMap<u64, Bytes>,
    waiting: HashMap<Ticket, oneshot::Sender<Result<Bytes, u16>>>,
    /// How often a fetch that is under way was begun again; none where it was not.
    restarts: HashMap<Ticket, u32>,
    tickets: u64,
}

impl Pages {
    pub(super) fn new(catalogue: &Catalogue, settings: EdgeSettings) -> Self {
        let cookie = match settings.cookies {
            Cookies::Checkout => None,
            Cookies::EveryPage => Some("visitor=1; Path=/"),
        };
        let cache_control = HeaderValue::from_str(&settings.cache_control());
        let cache_control = cache_control.expect("digits and letters make a header");
        let tells = settings.deals_with_errors();
        // Where another keeps the pages, each request that comes here is one that it passed on.
        let own_ttl = match settings.by {
            EdgeBy::Shop => settings.ttl,
            EdgeBy::Nginx => Span(Duration::ZERO),
        };
        let state = State {
            edge: Edge::new(EdgeSettings { ttl: own_ttl, ..settings }),
            texts: HashMap::new(),
            waiting: HashMap::new(),
            restarts: HashMap::new(),
            tickets: 0,
        };
        let (catalogue, state) = (catalogue.clone(), Mutex::new(state));
        Self { catalogue, cache_control, cookie, tells, state }
    }

    /// A request for a page arrives.
    pub(super) fn lookup(&self, at: Time, page: Page) -> Answer {
        let object = page.object();
        let mut state = self.locked();
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        match state.edge.lookup(at, object, ticket) {
            Lookup::Hit => Answer::Hit(state.texts[&object].clone()),
            Lookup::Failed(status) => Answer::Failed(status),
            Lookup::Wait => Answer::Wait(state.enlist(ticket)),
            Lookup::Fetch => Answer::Fetch(ticket, state.enlist(ticket)),
            Lookup::Refresh => Answer::Refresh(state.texts[&object].clone(), ticket),
        }
    }

    /// The origin answered for `ticket`, with this status of HTTP. Whether the page is to be fetched once
    /// more for it.
    #[must_use]
    pub(super) fn fetched(&self, at: Time, page: Page, ticket: Ticket, status: u16) -> Again {
        let object = page.object();
        let mut state = self.locked();
        let (fetched, text) = match status {
            200 => (Fetched::Page, Ok(page.text(&self.catalogue))),
            status => (Fetched::Failed(status), Err(status)),
        };
        let restarts = state.restarts.remove(&ticket).unwrap_or(0);
        match state.edge.fetched(at, object, fetched, restarts) {
            Next::Restart => {
                state.restarts.insert(ticket, restarts + 1);
                Again::Once
            }
            Next::Answer(tickets) => {
                if let Ok(text) = &text {
                    state.texts.insert(object, text.clone());
                }
                for ticket in tickets.into_iter().chain([ticket]) {
                    if let Some(waiting) = state.waiting.remove(&ticket) {
                        // Who has hung up does not listen.
                        let _ = waiting.send(text.clone());
                    }
                }
                Again::No
            }
        }
    }

    /// What it did with the requests that came to it.
    pub(super) fn counts(&self) -> CacheState {
        self.locked().edge.counts()
    }

    /// What `pops` caches like this one did together, where that is told.
    pub(super) fn told(&self, pops: u64, points: CacheState) -> Option<EdgeState> {
        self.tells.then(|| EdgeState { pops, points, ..EdgeState::default() })
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("who locks the cache does not panic")
    }
}

/// Whether the origin is asked once more.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Once,
    No,
}

impl State {
    fn enlist(&mut self, ticket: Ticket) -> oneshot::Receiver<Result<Bytes, u16>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.insert(ticket, sender);
        receiver
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::ShopSettings;

    use super::*;

    fn pages(edge: EdgeSettings) -> (Pages, Page) {
        let catalogue = ShopSettings::small().catalogue;
        let page = Page::of(&catalogue, 0, 0).unwrap();
        (Pages::new(&catalogue, edge), page)
    }

    #[test]
    fn an_error_of_the_origin_is_kept_and_asked_for_again_as_its_rules_say() {
        let error_ttl = Span(Duration::from_secs(10));
        let edge = EdgeSettings { error_ttl, restarts: 1, ..EdgeSettings::default() };
        let (pages, page) = pages(edge);
        let Answer::Fetch(first, mut text) = pages.lookup(Time::ZERO, page) else { panic!() };
        let Answer::Wait(mut other) = pages.lookup(Time::ZERO, page) else { panic!() };
        assert_eq!(pages.fetched(Time::ZERO, page, first, 503), Again::Once);
        assert!(text.try_recv().is_err(), "it is asked for again");
        assert_eq!(pages.fetched(Time::ZERO, page, first, 503), Again::No);
        assert_eq!([text.try_recv().unwrap(), other.try_recv().unwrap()], [Err(503), Err(503)]);
        let (late, later) = (Time::from_millis(9_999), Time::from_millis(10_000));
        assert!(matches!(pages.lookup(late, page), Answer::Failed(503)));
        let Answer::Fetch(second, mut text) = pages.lookup(later, page) else { panic!() };
        assert_eq!(pages.fetched(later, page, second, 503), Again::Once);
        assert_eq!(pages.fetched(later, page, second, 200), Again::No);
        assert!(text.try_recv().unwrap().is_ok());
        let counts = pages.counts();
        assert_eq!((counts.failures, counts.restarts, counts.errors), (3, 2, 1));
        assert_eq!(pages.told(2, counts).unwrap().points, counts);
    }

    #[test]
    fn where_nothing_is_done_about_errors_nothing_is_told_and_each_is_passed_on() {
        let (pages, page) = pages(EdgeSettings::default());
        for _ in 0..2 {
            let Answer::Fetch(ticket, mut text) = pages.lookup(Time::ZERO, page) else { panic!() };
            assert_eq!(pages.fetched(Time::ZERO, page, ticket, 500), Again::No);
            assert_eq!(text.try_recv().unwrap(), Err(500));
        }
        assert_eq!(pages.told(1, pages.counts()), None);
    }
}
