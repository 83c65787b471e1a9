//! The edge while the simulation runs: points of presence with a cache each, the shield behind them where
//! there is one, and what becomes of the origin's errors there.
//!
//! The caches are those of the live edge. Whichever stands next to the origin asks again after an error;
//! what a shield has or hears is kept by the points of presence as long as by itself. The way between them
//! takes no time.

use domain::outcome::Outcome;
use domain::sampler::Sampler;
use domain::shop::{CacheState, EdgeState, ShopReply, ShopRequest};
use domain::time::{Duration, Time};
use reference_shop::rules::Ticket;
use reference_shop::rules::edge::{Edge, Fetched, Lookup, Next};
use reference_shop::settings::Edge as Settings;

use super::event::Seldom;
use super::path::{Call, number, object_of};
use super::{Event, World};
use crate::scenario::Scenario;
use crate::tier::edge::{EdgeTier, pop_of};
use crate::tier::station::{Offered, Station};

/// The edge.
pub(super) struct EdgeCaches {
    /// Its servers, where it takes time.
    station: Option<Station<u32>>,
    service: Option<Sampler>,
    /// A cache for each point of presence, and which part of the fans comes there.
    pops: Vec<Edge>,
    shares: Vec<f64>,
    shield: Option<Edge>,
    origin_timeout: Option<Duration>,
    /// Counts what was asked of the origin with a time-out: one that is over belongs to one of these.
    asked: u64,
    timeouts: u64,
    /// Whether it says of itself what its caches did.
    tells: bool,
}

/// For whom of the edge a call fetches.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Fetch {
    /// The point of presence.
    pop: u32,
    reason: Reason,
    /// How often it was begun again.
    restarts: u32,
    /// Its number among those with a time-out, while the origin is asked.
    asked: Option<u64>,
}

/// Who waits for what is fetched.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
enum Reason {
    /// A point of presence, and who asked there.
    #[default]
    Pop,
    /// The shield, which has given what was stale.
    Shield,
    /// Nobody any more.
    Nobody,
}

impl Fetch {
    /// What comes of it is not waited for.
    pub(super) const FOR_NOBODY: Self =
        Self { pop: 0, reason: Reason::Nobody, restarts: 0, asked: None };

    /// It is made for who came to that point of presence.
    pub(super) const fn come_to(&mut self, pop: u32) {
        self.pop = pop;
    }

    /// One that a point of presence makes for who asked there.
    pub(super) const fn of_pop(pop: u32) -> Self {
        Self::of(pop, Reason::Pop)
    }

    const fn of(pop: u32, reason: Reason) -> Self {
        Self { pop, reason, restarts: 0, asked: None }
    }
}

impl EdgeCaches {
    /// Empty caches, of a scenario whose shop has these settings.
    pub(super) fn new(scenario: &Scenario, settings: &Settings) -> Self {
        let bare = EdgeTier::default();
        let tier = scenario.stack.edge.as_ref().unwrap_or(&bare);
        let cache = || Edge::new(settings.clone());
        Self {
            station: tier.servers.map(|servers| Station::new(servers, tier.queue)),
            service: tier.service.map(Sampler::new),
            pops: (0..tier.pops()).map(|_| cache()).collect(),
            shares: tier.shares(),
            shield: tier.shield.then(cache),
            origin_timeout: tier.origin_timeout.map(|timeout| timeout.0),
            asked: 0,
            timeouts: 0,
            tells: tier.has_layers()
                || tier.origin_timeout.is_some()
                || settings.deals_with_errors(),
        }
    }

    /// Its servers, where it takes time.
    pub(super) fn station(&self) -> Option<&Station<u32>> {
        self.station.as_ref()
    }

    /// Which part of the fans comes to each point of presence.
    pub(super) fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// The cache of a point of presence.
    pub(super) fn pop(&mut self, pop: u32) -> &mut Edge {
        &mut self.pops[pop as usize]
    }

    /// What its caches did, where that is told.
    pub(super) fn state(&self) -> Option<EdgeState> {
        let points = || {
            self.pops.iter().fold(CacheState::default(), |mut sum, pop| {
                sum += pop.counts();
                sum
            })
        };
        self.tells.then(|| EdgeState {
            pops: self.pops.len() as u64,
            points: points(),
            shield: self.shield.as_ref().map(Edge::counts),
            timeouts: self.timeouts,
        })
    }
}

impl World<'_> {
    pub(super) fn at_edge(&mut self, at: Time, call: u32) {
        self.books.edge += 1;
        match self.edge.station.as_mut().map(|station| station.offer(call)) {
            None => self.edge_done(at, call),
            Some(Offered::Started) => self.start_edge(at, call),
            Some(Offered::Queued) => {}
            Some(Offered::Refused) => self.refuse(at, call),
        }
    }

    fn start_edge(&mut self, at: Time, call: u32) {
        let service = self.lengths.sample(self.edge.service.as_ref());
        self.calendar.schedule(at + service, Event::EdgeDone(call));
    }

    /// The edge answers from its cache, or passes the request on.
    pub(super) fn edge_done(&mut self, at: Time, call: u32) {
        if let Some(station) = &mut self.edge.station
            && let Some(next) = station.finish()
        {
            self.start_edge(at, next);
        }
        let Some(object) = object_of(&self.calls[call as usize].request) else {
            return self.at_origin(at, call);
        };
        let pop = self.calls[call as usize].fetch.pop;
        match self.edge.pops[pop as usize].lookup(at, object, Ticket(u64::from(call))) {
            Lookup::Hit => self.answer(at, call, ShopReply::of(Outcome::Ok)),
            Lookup::Failed(_) => self.answer(at, call, ShopReply::of(Outcome::Error)),
            Lookup::Wait => {}
            Lookup::Fetch => self.fetch(at, call, object),
            Lookup::Refresh => {
                let request = self.calls[call as usize].request.clone();
                self.answer(at, call, ShopReply::of(Outcome::Ok));
                let refresh = Call::of_edge(request, Fetch::of(pop, Reason::Pop));
                let refresh = number(self.calls.insert(refresh));
                self.fetch(at, refresh, object);
            }
        }
    }

    /// Whether a request that reaches a point of presence then will find a fresh answer there, whatever happens
    /// until then; if so, it is counted at once.
    ///
    /// That can be said where the edge itself takes no time and is not lost: what is fresh now remains so until its time to
    /// live is over. It is said of the second that is lived alone, so that each second has its own counts.
    pub(super) fn is_kept(&mut self, at: Time, pop: u32, request: &ShopRequest) -> bool {
        if self.edge.station.is_some() || self.regions.is_some() || at > self.second {
            return false;
        }
        let Some(object) = object_of(request) else { return false };
        let is_kept = self.edge.pops[pop as usize].gives(at, object, 1);
        self.books.edge += u64::from(is_kept);
        is_kept
    }

    /// The point of presence of a guest.
    pub(super) fn pop_of(&self, guest: u32) -> u32 {
        number(pop_of(self.scenario.seed, self.guests[guest as usize].id(), &self.edge.shares))
    }

    /// A point of presence fetches: from the shield, or else from the origin.
    pub(super) fn fetch(&mut self, at: Time, call: u32, object: u64) {
        let Some(shield) = &mut self.edge.shield else { return self.ask_origin(at, call) };
        match shield.lookup(at, object, Ticket(u64::from(call))) {
            Lookup::Hit => self.relay(at, call, object, &Kept::PAGE),
            Lookup::Failed(status) => self.relay(at, call, object, &Kept::error(status)),
            Lookup::Wait => {}
            Lookup::Fetch => self.ask_origin(at, call),
            Lookup::Refresh => {
                let Call { request, fetch, .. } = &self.calls[call as usize];
                let refresh = Call::of_edge(request.clone(), Fetch::of(fetch.pop, Reason::Shield));
                self.relay(at, call, object, &Kept::PAGE);
                let refresh = number(self.calls.insert(refresh));
                self.ask_origin(at, refresh);
            }
        }
    }

    /// The origin is asked, and has a time for it where there is one.
    fn ask_origin(&mut self, at: Time, call: u32) {
        if let Some(timeout) = self.edge.origin_timeout {
            self.edge.asked += 1;
            let asked = self.edge.asked;
            self.calls[call as usize].fetch.asked = Some(asked);
            self.schedule_seldom(at + timeout, Seldom::OriginTimeout { call, asked });
        }
        self.at_origin(at, call);
    }

    /// The time of a fetch is over: the origin goes on with it for nobody.
    pub(super) fn origin_timeout(&mut self, at: Time, call: u32, asked: u64) {
        let waits = |call: &&mut Call| call.fetch.asked == Some(asked);
        let Some(call) = self.calls.get_mut(call as usize).filter(waits) else { return };
        let told = call.abandon();
        let told = number(self.calls.insert(told));
        self.edge.timeouts += 1;
        self.origin_failed(at, told, 504);
    }

    /// The origin has answered a fetch of `object`, with this status of HTTP.
    pub(super) fn fetched(
        &mut self,
        at: Time,
        call: u32,
        object: u64,
        (reply, status): (ShopReply, u16),
    ) {
        let fetch = &mut self.calls[call as usize].fetch;
        fetch.asked = None;
        let Fetch { pop, reason, restarts, .. } = *fetch;
        if reason == Reason::Nobody {
            return self.answer(at, call, reply);
        }
        let fetched = match reply.outcome {
            Outcome::Ok => Fetched::Page,
            _ => Fetched::Failed(status),
        };
        let next_to_origin = match &mut self.edge.shield {
            Some(shield) => shield,
            None => &mut self.edge.pops[pop as usize],
        };
        match next_to_origin.fetched(at, object, fetched, restarts) {
            Next::Restart => {
                self.calls[call as usize].fetch.restarts += 1;
                self.ask_origin(at, call);
            }
            Next::Answer(waiting) => {
                let kept = Kept { fetched, reply };
                for Ticket(waiting) in waiting {
                    self.hand_over(at, call_of(waiting), object, &kept);
                }
                self.hand_over(at, call, object, &kept);
            }
        }
    }

    /// What was fetched goes to who waits for it next to the origin.
    fn hand_over(&mut self, at: Time, call: u32, object: u64, kept: &Kept) {
        let is_for_shield = self.calls[call as usize].fetch.reason == Reason::Shield;
        if self.edge.shield.is_none() || is_for_shield {
            // Nobody asks for what the shield fetches for itself.
            return self.answer(at, call, kept.reply.clone());
        }
        self.relay(at, call, object, kept);
    }

    /// What the shield has goes to the point of presence that asks, and to all who wait there.
    fn relay(&mut self, at: Time, call: u32, object: u64, kept: &Kept) {
        let shield = self.edge.shield.as_ref().expect("what is relayed comes from a shield");
        let until = shield.kept_until(object, kept.fetched);
        let pop = self.calls[call as usize].fetch.pop as usize;
        for Ticket(waiting) in self.edge.pops[pop].relayed(object, kept.fetched, until) {
            self.answer(at, call_of(waiting), kept.reply.clone());
        }
        self.answer(at, call, kept.reply.clone());
    }
}

/// What a cache has, and what its fans are answered.
struct Kept {
    fetched: Fetched,
    reply: ShopReply,
}

impl Kept {
    const PAGE: Self = Self { fetched: Fetched::Page, reply: ShopReply::of(Outcome::Ok) };

    const fn error(status: u16) -> Self {
        Self { fetched: Fetched::Failed(status), reply: ShopReply::of(Outcome::Error) }
    }
}

fn call_of(ticket: u64) -> u32 {
    u32::try_from(ticket).expect("tickets are the numbers of calls")
}
