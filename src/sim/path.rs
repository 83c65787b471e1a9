//! A request's path: network, edge (`edge`), balancer, application; and back.

use domain::draw::{Purpose, draw_for};
use domain::outcome::Outcome;
use domain::shop::{ShopReply, ShopRequest};
use domain::time::{Duration, Time};
use reference_shop::rules::{Input, Ticket};

use super::edge::Fetch;
use super::multitude::Waiting;
use super::{Event, World};
use crate::tier::balancer::Passage;
use crate::tier::station::{Offered, Station};

/// One request under way, until its answer has reached the fan (or the fan's deadline voided it).
pub(super) struct Call {
    /// Who asks, and by which operation; nobody where the edge asks for itself.
    pub(super) asker: Option<(u32, u32)>,
    pub(super) request: ShopRequest,
    /// For whom of the edge it fetches, where it does.
    pub(super) fetch: Fetch,
    reply: Option<ShopReply>,
    /// Until when it is in service: its task may be gone before.
    until: Time,
    is_cut: bool,
    /// Since when it has a thread of a worker.
    held: Option<Time>,
    /// Who waits for it without being told apart.
    pub(super) waiting: Option<Waiting>,
}

impl Call {
    /// One that has just been made.
    pub(super) fn new(asker: Option<(u32, u32)>, request: ShopRequest) -> Self {
        let fetch = Fetch::default();
        let (reply, held, waiting) = (None, None, None);
        Self { asker, request, fetch, reply, until: Time::ZERO, is_cut: false, held, waiting }
    }

    /// One that the edge makes for itself.
    pub(super) fn of_edge(request: ShopRequest, fetch: Fetch) -> Self {
        Self { fetch, ..Self::new(None, request) }
    }

    /// One that a point of presence makes for people who are not told apart.
    pub(super) fn of_waiting(request: ShopRequest, fetch: Fetch, waiting: Waiting) -> Self {
        Self { waiting: Some(waiting), ..Self::of_edge(request, fetch) }
    }

    /// Whether its answer is on the way to the fan.
    pub(super) fn is_answered(&self) -> bool {
        self.reply.is_some()
    }

    /// Whether it will not be over then.
    pub(super) fn is_in_service_at(&self, at: Time) -> bool {
        self.until > at && !self.is_cut
    }

    /// It has a thread from now on.
    pub(super) fn hold(&mut self, at: Time) {
        self.held = Some(at);
    }

    /// It has none any more; whether it had one.
    pub(super) fn let_go(&mut self) -> bool {
        self.held.take().is_some()
    }

    /// Whether it has had a thread since then, or before.
    pub(super) fn is_held_since(&self, at: Time) -> bool {
        self.held.is_some_and(|held| held <= at)
    }

    /// It is served for nobody any more: what its fan is answered for it, if it was not cut off before.
    pub(super) fn cut(&mut self) -> Option<Self> {
        let was_cut = std::mem::replace(&mut self.is_cut, true);
        self.held = None;
        (!was_cut).then(|| self.abandon())
    }

    /// What becomes of it at the origin is nobody's any more: what its fan is answered for it.
    pub(super) fn abandon(&mut self) -> Self {
        let fetch = std::mem::replace(&mut self.fetch, Fetch::FOR_NOBODY);
        let waiting = self.waiting.take();
        Self { fetch, waiting, ..Self::new(self.asker.take(), self.request.clone()) }
    }
}

impl World<'_> {
    /// A request leaves its fan. Where nothing can change its answer any more, that is when the fan has it, if
    /// it is before the operation's deadline and in the second that is lived; else all takes its course.
    pub(super) fn depart(
        &mut self,
        at: Time,
        asker: (u32, u32),
        deadline: Time,
        request: ShopRequest,
    ) -> Option<Time> {
        let there = at + self.way();
        let region = self.region_of(at, asker.0)?;
        let pop = self.pop_of(asker.0);
        if !self.is_kept(there, pop, &request) {
            let mut call = Call::new(Some(asker), request);
            call.fetch.come_to(pop);
            let call = self.calls.insert(call);
            self.calendar.schedule_in(region, there, Event::AtEdge(number(call)));
            return None;
        }
        let back = there + self.way();
        if back < deadline && back <= self.second {
            return Some(back);
        }
        let reply = Some(ShopReply::of(Outcome::Ok));
        let call = self.calls.insert(Call { reply, ..Call::new(Some(asker), request) });
        self.calendar.schedule(back, Event::Answered(number(call)));
        None
    }

    pub(super) fn at_origin(&mut self, at: Time, call: u32) {
        self.books.origin += 1;
        if let Some(balancer) = &mut self.balancer
            && balancer.offer(at) == Passage::Rejected
        {
            return self.refuse_at_origin(at, call);
        }
        if self.is_misrouted() {
            return self.origin_failed(at, call, 502);
        }
        match self.application.as_mut().map(|station| station.offer(call)) {
            None => self.serve(at, call),
            Some(Offered::Started) => self.start_application(at, call),
            Some(Offered::Queued) => {}
            Some(Offered::Refused) => self.refuse_at_origin(at, call),
        }
    }

    pub(super) fn start_application(&mut self, at: Time, call: u32) {
        let service = self.lengths.sample(self.laws.application.as_ref());
        if self.begin_work(at, call, service) {
            return;
        }
        let done = self.slowdowns.done(at, service);
        self.calls[call as usize].until = done;
        self.calendar.schedule(done, Event::ApplicationDone(call));
    }

    /// A server of the application is free.
    pub(super) fn leave_application(&mut self, at: Time) {
        if let Some(next) = self.application.as_mut().and_then(Station::finish) {
            self.start_application(at, next);
        }
    }

    pub(super) fn application_done(&mut self, at: Time, call: u32) {
        if self.is_cut_off(call) {
            self.calls.remove(call as usize);
            return;
        }
        self.leave_application(at);
        self.serve(at, call);
    }

    /// Whether the task of a request is gone, so that nobody waits for it.
    pub(super) fn is_cut_off(&self, call: u32) -> bool {
        self.calls[call as usize].is_cut
    }

    /// The shop's rules see the request, if the application does not fail it.
    pub(super) fn serve(&mut self, at: Time, call: u32) {
        if self.is_failed(at) {
            return self.origin_failed(at, call, 500);
        }
        let request = self.calls[call as usize].request.clone();
        let ticket = Ticket(u64::from(call));
        self.tell_shop(at, Input::Request { ticket, request });
    }

    /// Whether the application fails what it serves then.
    fn is_failed(&mut self, at: Time) -> bool {
        let share = self.outages.share(at);
        if share <= 0.0 {
            return false;
        }
        self.outage_draws += 1;
        draw_for(self.scenario.seed, self.outage_draws, Purpose::Outage, 0).chance(share)
    }

    /// The origin has answered.
    pub(super) fn origin_answered(&mut self, at: Time, call: u32, reply: ShopReply) {
        let status = ShopReply::status(reply.outcome);
        self.leave_origin(at, call, reply, status);
    }

    /// The origin, or what stands before it, has answered with an error of this status of HTTP.
    pub(super) fn origin_failed(&mut self, at: Time, call: u32, status: u16) {
        self.leave_origin(at, call, ShopReply::of(Outcome::Error), status);
    }

    /// What the edge may keep answers those who wait for it too.
    fn leave_origin(&mut self, at: Time, call: u32, reply: ShopReply, status: u16) {
        if self.is_cut_off(call) {
            self.calls.remove(call as usize);
            return;
        }
        self.give_back_thread(at, call);
        match object_of(&self.calls[call as usize].request) {
            Some(object) => self.fetched(at, call, object, (reply, status)),
            None => self.answer(at, call, reply),
        }
    }

    /// The answer leaves for the fan.
    pub(super) fn answer(&mut self, at: Time, call: u32, reply: ShopReply) {
        if self.calls[call as usize].asker.is_none() {
            if let Some(waiting) = self.calls.remove(call as usize).waiting {
                self.answered_together(at, waiting, &reply);
            }
            return;
        }
        self.calls[call as usize].reply = Some(reply);
        let back = self.way();
        self.calendar.schedule(at + back, Event::Answered(call));
    }

    pub(super) fn answered(&mut self, at: Time, call: u32) {
        let call = self.calls.remove(call as usize);
        let reply = call.reply.expect("an answer is there when it arrives");
        let (guest, operation) = call.asker.expect("what the edge asks for itself ends there");
        self.reply(at, guest, operation, &reply);
    }

    /// A full queue: the tier answers with an error at once.
    pub(super) fn refuse(&mut self, at: Time, call: u32) {
        self.answer(at, call, ShopReply::of(Outcome::Error));
    }

    /// The same before the application: there is no room (503).
    pub(super) fn refuse_at_origin(&mut self, at: Time, call: u32) {
        self.origin_failed(at, call, 503);
    }

    /// One way between a fan and the edge.
    fn way(&mut self) -> Duration {
        self.lengths.sample(self.laws.network.as_ref()) / 2
    }
}

/// The object of a cacheable request: the sale's page, part by part.
pub(super) fn object_of(request: &ShopRequest) -> Option<u64> {
    match request {
        ShopRequest::Page { sale, part } => Some(u64::from(*sale) << 16 | u64::from(*part)),
        _ => None,
    }
}

/// A slab's key as it travels in events.
pub(super) fn number(key: usize) -> u32 {
    u32::try_from(key).expect("fewer than 2^32 requests under way")
}
