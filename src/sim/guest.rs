//! Fans in the simulated world: what they are told, and what comes of what they do.

use core::num::NonZeroU32;

use domain::id::FanId;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::ShopReply;
use domain::time::Time;

use super::path::number;
use super::{Event, World};
use crate::evidence::Attempt;
use crate::fan::calls::SaleNumbers;
use crate::fan::{Action, Crowd, Fan, Input, Outlook, Reply, Request, Visit};
use crate::scenario::Population;

/// A fan with what the world remembers for it.
pub(super) struct Guest {
    fan: Fan,
    /// What it waits for.
    asking: Option<Place>,
}

/// A million guests wait, and most of them for nothing but the end of a sleep.
const _: () = assert!(size_of::<Guest>() <= 56, "a guest is a fan and little more");

/// An operation that is under way.
pub(super) struct Asking {
    guest: u32,
    /// Its number among all: an answer to an earlier one of its guest is void.
    operation: u32,
    request: Request,
    /// When its first call was sent.
    sent: Time,
    /// Its present call, from 0: a reload makes several, one after the other.
    call: u16,
    /// When that was sent.
    call_sent: Time,
}

impl Asking {
    /// Whether it is the operation of that number.
    pub(super) const fn is(&self, operation: u32) -> bool {
        self.operation == operation
    }
}

/// The place of what a guest waits for, among all.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(NonZeroU32);

impl Place {
    fn of(key: usize) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number(key)))
    }

    /// Where that is.
    pub(super) const fn key(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Guest {
    /// Who it is.
    pub(super) fn id(&self) -> FanId {
        self.fan.id()
    }

    /// What it does after its sleep, if that alone tells it from others who wait for the opening.
    pub(super) fn outlook(&self, crowd: &Crowd) -> Option<Outlook> {
        self.fan.outlook(crowd)
    }
}

impl<'run> World<'run> {
    /// The next fan is there.
    pub(super) fn arrive(&mut self) {
        let (at, fan) = self.arrivals.next_due(Time::NEVER).expect("somebody is still to come");
        self.next_arrival = self.arrivals.next_at();
        let guest = self.admit(Fan::new(fan));
        self.comes(at, guest);
    }

    /// Somebody has a place among the guests.
    pub(super) fn admit(&mut self, fan: Fan) -> u32 {
        number(self.guests.insert(Guest { fan, asking: None }))
    }

    /// A guest arrives.
    pub(super) fn comes(&mut self, at: Time, guest: u32) {
        self.meter.arrived(at);
        self.tell(at, guest, Input::Arrived { at });
    }

    pub(super) fn wake(&mut self, at: Time, guest: u32) {
        self.tell(at, guest, Input::Woke { at });
    }

    /// The operation that was at this place when this was entered has had its time. If it is there still,
    /// nobody knows what came of it, and what was sent takes its course; a later one has time left.
    pub(super) fn deadline(&mut self, at: Time, place: Place) {
        let asking = self.askings.get(place.key());
        let late = asking.filter(|asking| asking.request.deadline <= at);
        if let Some(guest) = late.map(|asking| asking.guest) {
            self.count_call(at, guest, Outcome::Unknown);
            self.conclude(at, guest, Reply::of(Outcome::Unknown));
        }
    }

    /// What a guest waits for, if it waits for something.
    fn asking(&mut self, guest: u32) -> Option<&mut Asking> {
        let place = self.guests.get(guest as usize)?.asking?;
        Some(&mut self.askings[place.key()])
    }

    /// One call of a guest's operation is answered.
    pub(super) fn reply(&mut self, at: Time, guest: u32, operation: u32, reply: &ShopReply) {
        let Some(asking) = self.asking(guest).filter(|asking| asking.operation == operation) else {
            return;
        };
        let (request, call) = (asking.request, asking.call);
        let reload = &self.population(guest).crowd.behaviour.reload;
        let goes_on = request.goes_on(call, reply.outcome, reload);
        self.count_call(at, guest, reply.outcome);
        if goes_on {
            self.go_on_to_next_call(at, guest);
            self.send_call(at, guest);
        } else {
            self.conclude(at, guest, reply_of(reply));
        }
    }

    /// A call of a reload is over.
    fn count_call(&mut self, at: Time, guest: u32, outcome: Outcome) {
        let Some(Asking { request, call_sent, .. }) = self.asking(guest) else { return };
        if request.operation == Operation::Reload {
            let sent = *call_sent;
            self.meter.call_done(sent, at, outcome);
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
            Action::Sleep { until } if self.melts(at, guest, until) => {}
            Action::Sleep { until } => self.calendar.schedule(until, Event::Wake(guest)),
            Action::Leave(departure) => self.leave(at, guest, departure),
        }
    }

    fn send(&mut self, at: Time, guest: u32, request: &Request) {
        let (operation, place) = self.begin_operation(at, guest, request, (0, at));
        self.meter.sent(request.operation, request.intended, at);
        self.watch(request.deadline, operation, place);
        self.send_call(at, guest);
    }

    /// An operation is under way, at the call of that number, which was sent then.
    fn begin_operation(
        &mut self,
        sent: Time,
        guest: u32,
        request: &Request,
        (call, call_sent): (u16, Time),
    ) -> (u32, Place) {
        self.operations = self.operations.wrapping_add(1);
        let (operation, request) = (self.operations, *request);
        let asking = Asking { guest, operation, request, sent, call, call_sent };
        let place = Place::of(self.askings.insert(asking));
        self.guests[guest as usize].asking = Some(place);
        (operation, place)
    }

    /// Somebody is told apart who began to look at the page at `since` and is at the call of that number, which was
    /// sent then: the number of the operation.
    ///
    /// # Panics
    /// When the guest does not wait for that.
    pub(super) fn resume(&mut self, guest: u32, since: Time, call: (u16, Time)) -> u32 {
        let crowd = &self.population(guest).crowd;
        let action = self.guests[guest as usize].fan.step(Input::Woke { at: since }, crowd);
        let Action::Send(request) = action else { panic!("who waits for an opening looks") };
        self.begin_operation(since, guest, &request, call).0
    }

    /// Sees to it that the deadline of what a guest waits for is not missed; if it is over, so is the operation.
    /// Whether it goes on.
    pub(super) fn watch_guest(&mut self, at: Time, guest: u32) -> bool {
        let Some(place) = self.guests[guest as usize].asking else { return false };
        let Asking { operation, request, .. } = &self.askings[place.key()];
        let (operation, deadline) = (*operation, request.deadline);
        if deadline > at {
            self.watch(deadline, operation, place);
        } else {
            self.deadline(at, place);
        }
        deadline > at
    }

    /// Whether the guest has waited for his operation longer than anybody does.
    pub(super) fn is_beyond_timeout(&self, at: Time, guest: u32) -> bool {
        let asking = self.guests[guest as usize].asking.map(|place| &self.askings[place.key()]);
        asking.is_some_and(|asking| asking.request.deadline <= at)
    }

    /// A call of the guest's operation is answered, and another one follows.
    fn go_on_to_next_call(&mut self, at: Time, guest: u32) {
        if let Some(asking) = self.asking(guest) {
            asking.call += 1;
            asking.call_sent = at;
        }
    }

    /// Puts the present call of the guest's operation on its way; where its answer is known already, the one
    /// after it too, and so on.
    fn send_call(&mut self, mut at: Time, guest: u32) {
        let Population { crowd, sale, .. } = self.population(guest);
        let numbers = SaleNumbers::of(&self.scenario.catalogue, *sale);
        let fan = self.guests[guest as usize].fan.id();
        while let Some(Asking { operation, request, call, .. }) = self.asking(guest) {
            let (operation, deadline) = (*operation, request.deadline);
            let asked = request.call(*call, fan, &crowd.behaviour.reload, numbers);
            // Only parts of a page are known before: of a reload, and never its last call.
            let Some(answered) = self.depart(at, (guest, operation), deadline, asked) else {
                return;
            };
            self.count_call(answered, guest, Outcome::Ok);
            self.go_on_to_next_call(answered, guest);
            at = answered;
        }
    }

    /// An operation is over: it is written down, and its fan is told.
    pub(super) fn conclude(&mut self, at: Time, guest: u32, reply: Reply) {
        let entry = &mut self.guests[guest as usize];
        let place = entry.asking.take().expect("an operation was under way");
        let fan = entry.fan.id();
        let Asking { request, sent, .. } = self.askings.remove(place.key());
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
        let gone = self.guests.remove(guest as usize);
        self.diary.departed(&gone.fan, crowd, *sale, at, departure);
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
