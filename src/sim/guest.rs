//! Fans in the simulated world: what they are told, and what comes of what they do.

use domain::id::FanId;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::ShopReply;
use domain::time::Time;

use super::{Event, World};
use crate::evidence::Attempt;
use crate::fan::calls::SaleNumbers;
use crate::fan::{Action, Fan, Input, Reply, Request, Visit};
use crate::scenario::Population;

/// A fan with what the world remembers for it.
pub(super) struct Guest {
    fan: Fan,
    /// When it comes.
    arrived: Time,
    /// Counts its operations: an answer or a deadline of an earlier one is void.
    operation: u32,
    /// What it waits for.
    request: Option<Request>,
    /// Whether a deadline of it stands in the calendar: one at a time, however many operations.
    watched: bool,
    /// When the first call of that was sent.
    sent: Time,
    /// Its present call, from 0: a reload makes several, one after the other.
    call: u16,
    /// When that was sent.
    call_sent: Time,
}

impl Guest {
    /// Who it is.
    pub(super) fn id(&self) -> FanId {
        self.fan.id()
    }

    /// Who it is, and when it came.
    pub(super) fn came(&self) -> (FanId, Time) {
        (self.fan.id(), self.arrived)
    }
}

impl<'run> World<'run> {
    /// Enters everybody's arrival.
    pub(super) fn admit_everyone(&mut self) {
        let scenario = self.scenario;
        for (number, _) in (0_u16..).zip(&scenario.populations) {
            for (at, index) in scenario.arrivals(number) {
                let guest = u32::try_from(self.guests.len()).expect("fewer than 2^32 fans");
                self.guests.push(Guest {
                    fan: Fan::new(FanId { population: number, index }),
                    arrived: at,
                    operation: 0,
                    request: None,
                    watched: false,
                    sent: at,
                    call: 0,
                    call_sent: at,
                });
                self.present += 1;
                self.calendar.schedule(at, Event::Arrive(guest));
            }
        }
    }

    pub(super) fn arrive(&mut self, at: Time, guest: u32) {
        self.meter.arrived(at);
        self.tell(at, guest, Input::Arrived { at });
    }

    pub(super) fn wake(&mut self, at: Time, guest: u32) {
        self.tell(at, guest, Input::Woke { at });
    }

    /// The time of the operation that was under way when this was entered is over. If that one is
    /// under way still, nobody knows what came of it, and what was sent takes its course; if a
    /// later one is, its deadline is next.
    pub(super) fn deadline(&mut self, at: Time, guest: u32) {
        let entry = &mut self.guests[guest as usize];
        entry.watched = false;
        match entry.request {
            None => {}
            Some(request) if request.deadline > at => self.watch(guest, &request),
            Some(_) => {
                self.count_call(at, guest, Outcome::Unknown);
                self.conclude(at, guest, Reply::of(Outcome::Unknown));
            }
        }
    }

    /// Sees to it that the deadline of a guest's operation is not missed.
    fn watch(&mut self, guest: u32, request: &Request) {
        let entry = &mut self.guests[guest as usize];
        if !entry.watched {
            entry.watched = true;
            self.calendar.schedule_in_order(request.deadline, Event::Deadline(guest));
        }
    }

    /// One call of a guest's operation is answered.
    pub(super) fn reply(&mut self, at: Time, guest: u32, operation: u32, reply: &ShopReply) {
        let waiting = &self.guests[guest as usize];
        let Some(request) = waiting.request.filter(|_| waiting.operation == operation) else {
            return;
        };
        let reload = &self.population(guest).crowd.behaviour.reload;
        let goes_on = request.goes_on(waiting.call, reply.outcome, reload);
        self.count_call(at, guest, reply.outcome);
        if goes_on {
            self.guests[guest as usize].call += 1;
            self.send_call(at, guest, &request);
        } else {
            self.conclude(at, guest, reply_of(reply));
        }
    }

    /// A call of a reload is over.
    fn count_call(&mut self, at: Time, guest: u32, outcome: Outcome) {
        let Guest { request, call_sent, .. } = &self.guests[guest as usize];
        if request.is_some_and(|request| request.operation == Operation::Reload) {
            self.meter.call_done(*call_sent, at, outcome);
        }
    }

    /// Tells a fan what happened and does what it wants done.
    fn tell(&mut self, at: Time, guest: u32, input: Input) {
        let crowd = &self.population(guest).crowd;
        let entry = &mut self.guests[guest as usize];
        let action = entry.fan.step(input.clone(), crowd);
        if let Some(visits) = &mut self.visits {
            visits.push(Visit { fan: entry.fan.id(), input, action });
        }
        match action {
            Action::Send(request) => self.send(at, guest, &request),
            Action::Sleep { until } => self.calendar.schedule(until, Event::Wake(guest)),
            Action::Leave(departure) => self.leave(at, guest, departure),
        }
    }

    fn send(&mut self, at: Time, guest: u32, request: &Request) {
        let entry = &mut self.guests[guest as usize];
        entry.operation += 1;
        entry.request = Some(*request);
        entry.sent = at;
        entry.call = 0;
        self.meter.sent(request.operation, request.intended, at);
        self.watch(guest, request);
        self.send_call(at, guest, request);
    }

    /// Puts the present call of the guest's operation on its way.
    fn send_call(&mut self, at: Time, guest: u32, request: &Request) {
        let Population { crowd, sale, .. } = self.population(guest);
        let numbers = SaleNumbers::of(&self.scenario.catalogue, *sale);
        let entry = &mut self.guests[guest as usize];
        entry.call_sent = at;
        let (operation, call, fan) = (entry.operation, entry.call, entry.fan.id());
        let asked = request.call(call, fan, &crowd.behaviour.reload, numbers);
        self.depart(at, guest, operation, asked);
    }

    /// An operation is over: it is written down, and its fan is told.
    fn conclude(&mut self, at: Time, guest: u32, reply: Reply) {
        let entry = &mut self.guests[guest as usize];
        let request = entry.request.take().expect("an operation was under way");
        let sent = entry.sent;
        let fan = entry.fan.id();
        let outcome = reply.outcome;
        let operation = request.operation;
        let intended = request.intended;
        // The model's answers are there at once and whole: nothing is known of their first byte.
        let first_byte = None;
        let attempt = Attempt { fan, operation, intended, sent, first_byte, done: at, outcome };
        self.meter.done(&attempt);
        let Population { crowd, sale, .. } =
            &self.scenario.populations[usize::from(fan.population)];
        if crowd.route.buys(request.stage, &reply) {
            self.meter.bought(at);
        }
        self.diary.attempt(crowd, *sale, &attempt, &request, &reply);
        self.tell(at, guest, Input::Replied { at, reply });
    }

    fn leave(&mut self, at: Time, guest: u32, departure: Departure) {
        self.meter.departed(at, departure);
        self.present -= 1;
        let Population { crowd, sale, .. } = self.population(guest);
        self.diary.departed(&self.guests[guest as usize].fan, crowd, *sale, at, departure);
    }

    fn population(&self, guest: u32) -> &'run Population {
        let fan = self.guests[guest as usize].fan.id();
        &self.scenario.populations[usize::from(fan.population)]
    }
}

/// What a fan reads in the shop's answer.
fn reply_of(reply: &ShopReply) -> Reply {
    Reply {
        outcome: reply.outcome,
        retry_after: reply.retry_after(),
        short: reply.short,
        items: reply.items,
        slots: reply.slots,
        then: None,
    }
}
