//! The edge: cached pages, and who waits for one that is being fetched.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use domain::shop::Catalogue;
use domain::time::{Duration, Span, Time};
use hyper::header::HeaderValue;
use tokio::sync::oneshot;

use crate::rules::Ticket;
use crate::rules::edge::{Edge, Lookup};
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
    /// It comes; somebody else fetches it.
    Wait(oneshot::Receiver<Option<Bytes>>),
    /// It comes once [`Pages::fetched`] is told that it was fetched for this ticket.
    Fetch(Ticket, oneshot::Receiver<Option<Bytes>>),
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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    edge: Edge,
    texts: HashMap<u64, Bytes>,
    waiting: HashMap<Ticket, oneshot::Sender<Option<Bytes>>>,
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
        // Where another keeps the pages, each request that comes here is one that it passed on.
        let own_ttl = match settings.by {
            EdgeBy::Shop => settings.ttl,
            EdgeBy::Nginx => Span(Duration::ZERO),
        };
        let state = State {
            edge: Edge::new(EdgeSettings { ttl: own_ttl, ..settings }),
            texts: HashMap::new(),
            waiting: HashMap::new(),
            tickets: 0,
        };
        Self { catalogue: catalogue.clone(), cache_control, cookie, state: Mutex::new(state) }
    }

    /// A request for a page arrives.
    pub(super) fn lookup(&self, at: Time, page: Page) -> Answer {
        let object = page.object();
        let mut state = self.locked();
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        match state.edge.lookup(at, object, ticket) {
            Lookup::Hit => Answer::Hit(state.texts[&object].clone()),
            Lookup::Wait => Answer::Wait(state.enlist(ticket)),
            Lookup::Fetch => Answer::Fetch(ticket, state.enlist(ticket)),
            Lookup::Refresh => Answer::Refresh(state.texts[&object].clone(), ticket),
        }
    }

    /// The origin answered for `ticket`: the page exists, or it does not.
    pub(super) fn fetched(&self, at: Time, page: Page, ticket: Ticket, exists: Existence) {
        let object = page.object();
        let mut state = self.locked();
        let keep = exists == Existence::Exists;
        let text = keep.then(|| page.text(&self.catalogue));
        if let Some(text) = &text {
            state.texts.insert(object, text.clone());
        }
        let mut tickets = state.edge.fetched(at, object, keep);
        tickets.push(ticket);
        for ticket in tickets {
            if let Some(waiting) = state.waiting.remove(&ticket) {
                // Who has hung up does not listen.
                let _ = waiting.send(text.clone());
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("who locks the cache does not panic")
    }
}

/// Whether the origin knows a page.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Existence {
    Exists,
    Missing,
}

impl State {
    fn enlist(&mut self, ticket: Ticket) -> oneshot::Receiver<Option<Bytes>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.insert(ticket, sender);
        receiver
    }
}
