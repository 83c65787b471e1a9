//! A plain queue in virtual time: the simulator's calendar and stations, and nothing else.

use std::ops::ControlFlow;

use domain::draw::{Draws, Purpose, number_of};
use domain::time::{Duration, Time, duration_from_seconds};

use super::calendar::Calendar;
use crate::evidence::queue::QueueOutcome;
use crate::measure::steady::{Flow, State};
use crate::tier::queue::{Arrivals, Order, Queue, Sharing};
use crate::tier::station::{Offered, Station};

/// How long a line may become: what it takes in memory is told apart from a machine's.
const LINE_MAX: u64 = 20_000_000;
/// After how many events it is asked whether to go on.
const BREATH: u64 = 1 << 16;

/// What can happen.
#[derive(Copy, Clone, Debug)]
enum Event {
    /// A customer comes.
    Comes,
    /// A server has served somebody.
    Served(Customer),
    /// Somebody who waits has had enough of it.
    GivesUp(Customer),
    /// Who shares the servers with others has been served, if nobody came or left since.
    Shared(u64),
}

/// Somebody who came.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Customer {
    number: u64,
    came: Time,
}

/// Where customers are served.
enum Place {
    Line(Station<Customer>),
    Shared(Sharing<(Customer, Duration)>),
}

struct World<'a> {
    queue: &'a Queue,
    draws: Draws,
    calendar: Calendar<Event>,
    place: Place,
    flow: Flow,
    /// How often who shares has changed.
    changes: u64,
}

/// Lives `queue` until its customers have come; the same seed gives the same figures. Each queue has
/// draws of its own, by its name. `watch` is asked now and then whether to go on; broken off, there is
/// no steady state.
pub fn run(queue: &Queue, seed: u64, watch: &mut dyn FnMut() -> ControlFlow<()>) -> QueueOutcome {
    let mut world = World::new(queue, seed);
    let mut events = 0_u64;
    let why = loop {
        let Some((at, event)) = world.calendar.pop() else { break None };
        world.flow.until(at);
        if world.flow.arrived() >= u64::from(queue.customers) {
            break None;
        }
        world.happens(at, event);
        world.flow.stands(world.state());
        events += 1;
        if events.is_multiple_of(BREATH) {
            if world.state().waiting > LINE_MAX {
                break Some(format!("{LINE_MAX} customers were waiting, and it was broken off"));
            }
            if watch().is_break() {
                break Some("it was broken off".to_owned());
            }
        }
    };
    let grows = || {
        let asked = queue.asked()?;
        let (asked, servers) = ((asked * 1e3).round() / 1e3, queue.servers);
        Some(format!("{asked} servers are asked for and there are {servers}, so the line grows"))
    };
    world.flow.outcome(if queue.grows() { grows() } else { why })
}

impl<'a> World<'a> {
    fn new(queue: &'a Queue, seed: u64) -> Self {
        let line_max = queue.limit.map(|limit| limit.saturating_sub(queue.servers));
        let place = match queue.order {
            Order::Fifo => Place::Line(Station::new(queue.servers, line_max)),
            Order::Sharing => Place::Shared(Sharing::new(queue.servers)),
        };
        let mut world = Self {
            queue,
            draws: Draws::under(seed ^ number_of(&queue.name)),
            calendar: Calendar::new(),
            place,
            flow: Flow::new(u64::from(queue.customers)),
            changes: 0,
        };
        match queue.arrivals {
            Arrivals::Open(_) => world.next_comes(Time::ZERO, 0),
            Arrivals::Closed { population, .. } => {
                // The first thoughts have numbers that no customer's later one has.
                (0..population)
                    .for_each(|one| world.next_comes(Time::ZERO, u64::MAX - u64::from(one)));
            }
        }
        world
    }

    fn happens(&mut self, at: Time, event: Event) {
        match event {
            Event::Comes => self.comes(at),
            Event::Served(customer) => self.served(at, customer),
            Event::GivesUp(customer) => self.gives_up(at, customer),
            Event::Shared(change) if change == self.changes => self.shared(at),
            Event::Shared(_) => {}
        }
    }

    fn comes(&mut self, at: Time) {
        self.flow.arrives();
        let customer = Customer { number: self.flow.arrived(), came: at };
        if matches!(self.queue.arrivals, Arrivals::Open(_)) {
            self.next_comes(at, customer.number);
        }
        match &mut self.place {
            Place::Line(station) => match station.offer(customer) {
                Offered::Started => self.begins(at, customer),
                Offered::Queued => self.waits(at, customer),
                Offered::Refused => self.is_blocked(at, customer),
            },
            Place::Shared(sharing) => {
                if self.queue.limit.is_some_and(|limit| sharing.len() as u64 >= u64::from(limit)) {
                    self.is_blocked(at, customer);
                    return;
                }
                let service_s =
                    self.queue.service.sample(self.draws, customer.number, Purpose::Service);
                sharing.enter(at, (customer, duration_from_seconds(service_s)), service_s);
                self.next_shared();
            }
        }
    }

    /// A server takes a customer.
    fn begins(&mut self, at: Time, customer: Customer) {
        self.flow.waited(at - customer.came);
        let service_s = self.queue.service.sample(self.draws, customer.number, Purpose::Service);
        self.calendar.schedule(at + duration_from_seconds(service_s), Event::Served(customer));
    }

    fn waits(&mut self, at: Time, customer: Customer) {
        if let Some(patience) = self.queue.patience {
            let patience_s = patience.sample(self.draws, customer.number, Purpose::Patience);
            let gives_up = at + duration_from_seconds(patience_s);
            self.calendar.schedule(gives_up, Event::GivesUp(customer));
        }
    }

    fn is_blocked(&mut self, at: Time, customer: Customer) {
        self.flow.is_blocked();
        self.thinks(at, customer);
    }

    fn served(&mut self, at: Time, customer: Customer) {
        self.flow.is_served(at - customer.came);
        self.thinks(at, customer);
        let Place::Line(station) = &mut self.place else { return };
        if let Some(next) = station.finish() {
            self.begins(at, next);
        }
    }

    fn gives_up(&mut self, at: Time, customer: Customer) {
        let Place::Line(station) = &mut self.place else { return };
        if station.withdraw(|waiting| waiting.number.cmp(&customer.number)).is_some() {
            self.flow.waited(at - customer.came);
            self.flow.gives_up(at - customer.came);
            self.thinks(at, customer);
        }
    }

    fn shared(&mut self, at: Time) {
        let Place::Shared(sharing) = &mut self.place else { return };
        let Some((customer, service)) = sharing.leave(at) else { return };
        let stay = at - customer.came;
        self.flow.waited(stay.saturating_sub(service));
        self.flow.is_served(stay);
        self.thinks(at, customer);
        self.next_shared();
    }

    /// Who left a closed queue thinks, and comes again.
    fn thinks(&mut self, at: Time, customer: Customer) {
        if matches!(self.queue.arrivals, Arrivals::Closed { .. }) {
            self.next_comes(at, customer.number);
        }
    }

    /// The next one comes: after a gap that hangs on who came before, or after his own thought.
    fn next_comes(&mut self, at: Time, number: u64) {
        let (Arrivals::Open(length) | Arrivals::Closed { think: length, .. }) = self.queue.arrivals;
        let after = length.sample(self.draws, number, Purpose::Arrival);
        self.calendar.schedule(at + duration_from_seconds(after), Event::Comes);
    }

    fn next_shared(&mut self) {
        let Place::Shared(sharing) = &self.place else { return };
        self.changes += 1;
        if let Some(next) = sharing.next() {
            self.calendar.schedule(next, Event::Shared(self.changes));
        }
    }

    fn state(&self) -> State {
        let servers = f64::from(self.queue.servers);
        match &self.place {
            Place::Line(station) => State {
                waiting: station.waiting(),
                present: station.waiting() + station.in_service(),
                busy: station.in_service() as f64 / servers,
            },
            Place::Shared(sharing) => {
                let present = sharing.len() as u64;
                let busy = (present as f64).min(servers);
                // Who has less than a whole server waits for the rest of it.
                let waiting = present.saturating_sub(u64::from(self.queue.servers));
                State { waiting, present, busy: busy / servers }
            }
        }
    }
}

#[cfg(test)]
mod tests;
