//! Fans in the simulated world: what they are told, and what comes of what they do.

use domain::id::{FanId, key_of};
use domain::outcome::{Operation, Outcome};
use domain::shop::{Checkout, ShopReply, ShopRequest};
use domain::time::Time;

use super::{Event, World};
use crate::evidence::{Attempt, PurchaseLine};
use crate::fan::{Action, Fan, Input, Reply, Request, Visit};

/// A fan with what the world remembers for it.
pub(super) struct Guest {
    fan: Fan,
    population: u16,
    /// Counts its operations: an answer or a deadline of an earlier one is void.
    operation: u32,
    /// What it waits for.
    request: Option<Request>,
    /// When that was sent.
    sent: Time,
    /// How many requests of a reload have been answered.
    part: u16,
    /// The worst outcome among them.
    worst: Outcome,
    /// The items it has seen as gone: bit n is the sale's item n.
    gone: u64,
    /// Whether it has seen something come back.
    saw_return: bool,
}

impl World<'_> {
    /// Enters everybody's arrival.
    pub(super) fn admit_everyone(&mut self) {
        let scenario = self.scenario;
        for (number, _) in (0_u16..).zip(&scenario.populations) {
            for (at, index) in scenario.arrivals(number) {
                let guest = u32::try_from(self.guests.len()).expect("fewer than 2^32 fans");
                self.guests.push(Guest {
                    fan: Fan::new(FanId { population: number, index }),
                    population: number,
                    operation: 0,
                    request: None,
                    sent: at,
                    part: 0,
                    worst: Outcome::Ok,
                    gone: 0,
                    saw_return: false,
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

    /// The operation's time is over: nobody knows what came of it.
    pub(super) fn deadline(&mut self, at: Time, guest: u32, operation: u32) {
        let waiting = &self.guests[guest as usize];
        if waiting.operation == operation && waiting.request.is_some() {
            self.conclude(at, guest, Reply::of(Outcome::Unknown));
        }
    }

    /// One request of a guest's operation is answered.
    pub(super) fn reply(
        &mut self,
        at: Time,
        guest: u32,
        operation: u32,
        sent: Time,
        reply: &ShopReply,
    ) {
        let waiting = &mut self.guests[guest as usize];
        let Some(request) = waiting.request.filter(|_| waiting.operation == operation) else {
            return;
        };
        let reply = reply_of(reply);
        if request.operation != Operation::Reload {
            return self.conclude(at, guest, reply);
        }
        self.meter.call_done(sent, at, reply.outcome);
        let calls =
            self.scenario.populations[usize::from(waiting.population)].crowd.behaviour.reload.calls;
        waiting.part += 1;
        if !matches!(reply.outcome, Outcome::Ok | Outcome::NotOpen | Outcome::SoldOut) {
            waiting.worst = reply.outcome;
        }
        if waiting.part < calls {
            return self.send_part(at, guest, &request);
        }
        let worst = waiting.worst;
        let outcome = if worst == Outcome::Ok { reply.outcome } else { worst };
        self.conclude(at, guest, Reply { outcome, ..reply });
    }

    /// Tells a fan what happened and does what it wants done.
    fn tell(&mut self, at: Time, guest: u32, input: Input) {
        let scenario = self.scenario;
        let entry = &mut self.guests[guest as usize];
        let crowd = &scenario.populations[usize::from(entry.population)].crowd;
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
        entry.part = 0;
        entry.worst = Outcome::Ok;
        let operation = entry.operation;
        self.meter.sent(request.operation, request.intended, at);
        let deadline = request.deadline.max(at);
        self.calendar.schedule_in_order(deadline, Event::Deadline { guest, operation });
        self.send_part(at, guest, request);
    }

    /// Puts the next request of the guest's operation on its way.
    fn send_part(&mut self, at: Time, guest: u32, request: &Request) {
        let entry = &self.guests[guest as usize];
        let asked = self.shop_request(entry, request);
        let operation = entry.operation;
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
        let attempt =
            Attempt { fan, operation, intended: request.intended, sent, done: at, outcome };
        self.meter.done(&attempt);
        if matches!(operation, Operation::Cart | Operation::Checkout | Operation::Poll) {
            let line = self.purchase_line(guest, &request, &attempt, &reply);
            self.purchases.push(line);
        }
        self.see(at, guest, &reply);
        self.tell(at, guest, Input::Replied { at, reply });
    }

    /// Writes down the first time a guest sees that something is gone, and that it is back.
    fn see(&mut self, at: Time, guest: u32, reply: &Reply) {
        let Some(mask) = reply.items else { return };
        let entry = &mut self.guests[guest as usize];
        let population = &self.scenario.populations[usize::from(entry.population)];
        let items = &self.scenario.catalogue.sales[population.sale].items;
        let all = (0..items.len()).fold(0_u64, |all, item| all | 1 << item);
        let first_gone = entry.gone == 0 && mask & all != all;
        let first_return = !entry.saw_return && entry.gone & mask != 0;
        entry.gone |= all & !mask;
        entry.saw_return |= first_return;
        if first_gone || first_return {
            let left = (0..items.len()).filter(|item| mask >> item & 1 == 1);
            self.purchases.push(PurchaseLine::Seen {
                fan: entry.fan.id(),
                at,
                items: left.map(|item| items[item].id.clone()).collect(),
            });
        }
    }

    fn leave(&mut self, at: Time, guest: u32, departure: domain::outcome::Departure) {
        self.meter.departed(at, departure);
        self.present -= 1;
        let entry = &self.guests[guest as usize];
        if !entry.fan.entered_funnel() {
            return;
        }
        let population = &self.scenario.populations[usize::from(entry.population)];
        let want = entry.fan.want(&population.crowd);
        let sale = &self.scenario.catalogue.sales[population.sale];
        self.purchases.push(PurchaseLine::Departed {
            fan: entry.fan.id(),
            at,
            departure,
            item: sale.items[usize::from(want.item)].id.clone(),
            quantity: u32::from(want.quantity),
        });
    }

    fn purchase_line(
        &self,
        guest: u32,
        request: &Request,
        attempt: &Attempt,
        reply: &Reply,
    ) -> PurchaseLine {
        let population =
            &self.scenario.populations[usize::from(self.guests[guest as usize].population)];
        let sale = &self.scenario.catalogue.sales[population.sale];
        let item = &sale.items[usize::from(request.item)];
        let quantity = u32::from(request.quantity);
        PurchaseLine::Attempt {
            fan: attempt.fan,
            intent: attempt.fan.to_string(),
            key: key_of(attempt.fan, request.purchase),
            operation: attempt.operation,
            item: item.id.clone(),
            slot: request.slot.map(|slot| sale.slots[usize::from(slot)].id.clone()),
            quantity,
            amount: item.price.times(quantity).expect("a checked scenario's prices fit"),
            intended: attempt.intended,
            sent: attempt.sent,
            done: attempt.done,
            outcome: attempt.outcome,
            short: reply.short,
        }
    }

    /// What the shop is asked in the guest's name.
    fn shop_request(&self, guest: &Guest, request: &Request) -> ShopRequest {
        let population = &self.scenario.populations[usize::from(guest.population)];
        let sale = u16::try_from(population.sale).expect("few sales");
        let item = self.scenario.item(population, request.item);
        let slot = request.slot.map(|slot| self.scenario.slot(population, slot));
        let quantity = u32::from(request.quantity);
        match request.operation {
            Operation::Reload if guest.part < population.crowd.behaviour.reload.cacheable => {
                ShopRequest::Page { sale, part: guest.part }
            }
            Operation::Reload | Operation::Login | Operation::Other => ShopRequest::Status { sale },
            Operation::Slots => ShopRequest::Slots { sale },
            Operation::Item => ShopRequest::Item { item },
            Operation::Cart => ShopRequest::Cart { item, slot, quantity },
            Operation::Checkout => ShopRequest::Checkout(Checkout {
                fan: guest.fan.id(),
                intent: guest.fan.id().to_string(),
                key: key_of(guest.fan.id(), request.purchase),
                item,
                slot,
                quantity,
                card: u32::from(request.purchase),
            }),
            Operation::Poll => ShopRequest::Order { key: key_of(guest.fan.id(), request.purchase) },
        }
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
    }
}
