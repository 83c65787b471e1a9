//! Rooms in virtual time: people open them, a warm pool gives each a machine, and an update replaces all machines.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use domain::draw::{Purpose, draw_for, number_of};
use domain::time::{Duration, Time, duration_from_seconds};

use super::calendar::Calendar;
use crate::evidence::rooms::RoomRecord;
use crate::measure::rooms::{RoomLog, Standing};
use crate::scenario::rooms::Rooms;
use crate::tier::warm_pool::{Count, Empty, Machines, Strategy};

/// After how many events it is asked whether to go on.
const BREATH: u64 = 1 << 16;

/// What can happen.
#[derive(Copy, Clone, Debug)]
enum Event {
    /// Somebody opens a room.
    Opens,
    /// Everybody comes: the room of that number is opened.
    Doors(u32),
    /// What was ordered under that number may be ready.
    Ready(u64),
    /// A room is over, if it is there still.
    Over(Place),
    /// The pool's size changes, for the time of that number.
    Resizes(usize),
    /// The update begins.
    Update,
    /// Rooms on old machines have had their time.
    Deadline,
}

/// Where a room is kept, and which one it is.
#[derive(Copy, Clone, Debug)]
struct Place {
    key: usize,
    number: u64,
}

/// A room that has its machine.
#[derive(Copy, Clone, Debug)]
struct Room {
    number: u64,
    machine: usize,
    visitors: u32,
    /// When it is over; absent: not before the end.
    until: Option<Time>,
}

/// A room that has none yet.
#[derive(Copy, Clone, Debug)]
struct Asked {
    since: Time,
    visitors: u32,
    /// How long it has still to last, if an update has broken it off.
    rest: Option<Duration>,
}

struct World<'a> {
    meant: &'a Rooms,
    seed: u64,
    calendar: Calendar<Event>,
    machines: Machines,
    rooms: slab::Slab<Room>,
    waiting: VecDeque<Asked>,
    /// How many were opened by chance, and how many had a machine: what their draws hang on.
    opened: u64,
    assigned: u64,
    /// Whether old machines are waited for.
    is_updating: bool,
    log: RoomLog,
}

/// Lives `meant` to its end; the same seed gives the same record, and each kind has draws of its own, by its
/// name. `watch` is asked now and then whether to go on; broken off, the record ends there.
pub fn run(meant: &Rooms, seed: u64, watch: &mut dyn FnMut() -> ControlFlow<()>) -> RoomRecord {
    let mut world = World::new(meant, seed);
    world.begin();
    let mut events = 0_u64;
    while let Some(at) = world.calendar.peek().filter(|at| *at < meant.end()) {
        let Some((_, event)) = world.calendar.pop() else { break };
        world.log.until(at);
        world.happens(at, event);
        world.settle(at);
        world.log.stands(world.standing());
        events += 1;
        if events.is_multiple_of(BREATH) && watch().is_break() {
            return world.ends(at);
        }
    }
    world.ends(meant.end())
}

impl<'a> World<'a> {
    fn new(meant: &'a Rooms, seed: u64) -> Self {
        Self {
            meant,
            seed: seed ^ number_of(&meant.name),
            calendar: Calendar::new(),
            machines: Machines::new(meant.pool.size, meant.machine.holds()),
            rooms: slab::Slab::new(),
            waiting: VecDeque::new(),
            opened: 0,
            assigned: 0,
            is_updating: false,
            log: RoomLog::new(meant.lasts, meant.within, meant.machine.price),
        }
    }

    /// The pool is full; what is to come by itself is entered.
    fn begin(&mut self) {
        self.next_opens(Time::ZERO);
        if let Some(doors) = self.meant.doors {
            self.calendar.schedule(doors.at, Event::Doors(0));
        }
        for (number, resize) in self.meant.pool.schedule.iter().enumerate() {
            self.calendar.schedule(resize.at, Event::Resizes(number));
        }
        if let Some(update) = self.meant.update {
            self.calendar.schedule(update.at, Event::Update);
        }
        self.log.stands(self.standing());
    }

    fn happens(&mut self, at: Time, event: Event) {
        match event {
            Event::Opens => {
                self.next_opens(at);
                self.asks(at, self.meant.capacity, None);
            }
            Event::Doors(number) => self.comes_in(at, number),
            Event::Ready(order) => self.machines.is_ready(order),
            Event::Over(place) => self.is_over(place),
            Event::Resizes(number) => {
                self.machines.resize(self.meant.pool.schedule[number].size);
            }
            Event::Update => self.updates(at),
            Event::Deadline => self.stops_old(at),
        }
    }

    /// The next room is opened by chance.
    fn next_opens(&mut self, at: Time) {
        if self.meant.openings_per_s > 0.0 {
            let draw = draw_for(self.seed, self.opened, Purpose::Arrival, 0);
            let gap_s = draw.exponential(1.0 / self.meant.openings_per_s);
            self.opened += 1;
            self.calendar.schedule(at + duration_from_seconds(gap_s), Event::Opens);
        }
    }

    /// Of those who all come at once so many have come as open another room.
    fn comes_in(&mut self, at: Time, number: u32) {
        let Some(doors) = self.meant.doors else { return };
        let capacity = self.meant.capacity;
        let (_, visitors) = doors.room(number, capacity);
        self.asks(at, visitors, None);
        if number + 1 < doors.rooms(capacity) {
            let (next, _) = doors.room(number + 1, capacity);
            self.calendar.schedule(next, Event::Doors(number + 1));
        }
    }

    /// A room asks for a machine. Whoever came before is served before.
    fn asks(&mut self, at: Time, visitors: u32, rest: Option<Duration>) {
        self.log.asks(visitors);
        let asked = Asked { since: at, visitors, rest };
        let machine = if self.waiting.is_empty() { self.machines.take() } else { None };
        match (machine, self.meant.empty) {
            (Some(machine), _) => self.begins(at, asked, machine),
            (None, Empty::Leave) => self.log.leaves(visitors),
            (None, Empty::Wait) => {
                self.log.waits();
                self.waiting.push_back(asked);
            }
        }
    }

    /// A room has its machine.
    fn begins(&mut self, at: Time, asked: Asked, machine: usize) {
        self.log.is_assigned(at - asked.since);
        let number = self.assigned;
        self.assigned += 1;
        let draw = draw_for(self.seed, number, Purpose::Lifetime, 0);
        let stay = asked.rest.or_else(|| self.meant.stay.map(|stay| stay.sample(draw)));
        let until = stay.map(|stay| at + stay);
        let key = self.rooms.insert(Room { number, machine, visitors: asked.visitors, until });
        if let Some(until) = until {
            self.calendar.schedule(until, Event::Over(Place { key, number }));
        }
    }

    /// A room is over, unless an update has closed it before.
    fn is_over(&mut self, place: Place) {
        if self.rooms.get(place.key).is_some_and(|room| room.number == place.number) {
            let room = self.rooms.remove(place.key);
            self.machines.leave(room.machine);
        }
    }

    /// Rooms that wait have what has come, and what is lacking is ordered.
    fn settle(&mut self, at: Time) {
        while let Some(asked) = self.waiting.front().copied() {
            let Some(machine) = self.machines.take() else { break };
            self.waiting.pop_front();
            self.begins(at, asked, machine);
        }
        for order in self.machines.settle(self.waiting.len() as u64) {
            let lead = self.meant.pool.lead.sample(draw_for(self.seed, order, Purpose::Boot, 0));
            self.calendar.schedule(at + lead, Event::Ready(order));
        }
        if self.is_updating && self.machines.is_updated() {
            self.is_updating = false;
            self.log.update_ends();
        }
    }

    /// All machines are old from now on.
    fn updates(&mut self, at: Time) {
        let Some(update) = self.meant.update else { return };
        self.log.update_begins();
        self.is_updating = true;
        self.machines.update();
        match update.strategy {
            Strategy::IdleFirst { deadline: None } => {}
            Strategy::IdleFirst { deadline: Some(deadline) } => {
                self.calendar.schedule(at + deadline, Event::Deadline);
            }
            Strategy::AllAtOnce => self.stops_old(at),
        }
    }

    /// Old machines are stopped and the rooms on them closed; their people open them again at once, on none but
    /// new ones, for what was left of them.
    fn stops_old(&mut self, at: Time) {
        self.machines.stop_old();
        let machines = &self.machines;
        let on_old = self.rooms.iter().filter(|(_, room)| machines.is_old(room.machine));
        let keys: Vec<usize> = on_old.map(|(key, _)| key).collect();
        let mut closed = Vec::with_capacity(keys.len());
        for key in keys {
            let room = self.rooms.remove(key);
            self.machines.leave(room.machine);
            self.log.is_closed(room.visitors);
            closed.push((room.visitors, room.until.map(|until| until.since(at))));
        }
        for (visitors, rest) in closed {
            self.asks(at, visitors, rest);
        }
    }

    /// All that became of them until `at`; who waits still has waited so long.
    fn ends(mut self, at: Time) -> RoomRecord {
        for asked in &self.waiting {
            self.log.waits_still(at - asked.since);
        }
        self.log.record(at)
    }

    fn standing(&self) -> Standing {
        let Count { booting, ready, in_use } = self.machines.count();
        Standing {
            rooms: self.rooms.len() as u64,
            waiting: self.waiting.len() as u64,
            booting,
            ready,
            in_use,
        }
    }
}

#[cfg(test)]
mod tests;
