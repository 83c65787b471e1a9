//! Who looks: ticks, the call of a look that goes to the shop, and who is told apart or is so no more.

use domain::draw::Purpose;
use domain::id::FanId;
use domain::outcome::{Departure, Outcome};
use domain::shop::ShopRequest;
use domain::time::Time;

use super::{Group, TICK, TICK_NS, Tick, parts_of, place};
use crate::fan::{Fan, Outlook, Reply};
use crate::sim::path::{Call, number};
use crate::sim::{Event, World};

/// A look that is told apart when it comes to the edge again, or hears of an error there.
#[derive(Debug)]
pub(in crate::sim) struct Look {
    pub(super) multitude: u32,
    pub(super) since: Time,
    /// Its present call, and when that left.
    pub(super) call: u16,
    pub(super) sent: Time,
    /// Whether that has failed.
    pub(super) has_failed: bool,
}

impl World<'_> {
    /// The first ticks.
    pub(in crate::sim) fn begin_ticks(&mut self) {
        for multitude in 0..self.multitudes.len() {
            self.tick_on(Time::ZERO, number(multitude));
        }
    }

    /// Sees to it that the next tick after `now` comes, as long as anybody waits or looks.
    pub(super) fn tick_on(&mut self, now: Time, multitude: u32) {
        let entry = &mut self.multitudes[multitude as usize];
        if !entry.ticks_on && entry.waiting + entry.loading > 0 {
            entry.ticks_on = true;
            let at = Time::from_nanos(entry.tick * TICK_NS).max(now);
            self.calendar.schedule(at, Event::Tick(multitude));
        }
    }

    /// A tick begins: who looks in it begins to, and who is at a part of the page asks for it.
    pub(in crate::sim) fn tick(&mut self, at: Time, multitude: u32) {
        let entry = &mut self.multitudes[multitude as usize];
        entry.ticks_on = false;
        // Before this one there was nobody for a while.
        let tick = at.nanos() / TICK_NS;
        for _ in entry.tick..tick {
            entry.ticks.pop_front();
        }
        entry.tick = tick + 1;
        let Tick { looks, arrivals } = entry.ticks.pop_front().unwrap_or_default();
        let asking = entry.asking.iter_mut().map(|part| part.pop_front().unwrap_or_default());
        let mut asking: Vec<Group> = asking.collect();
        entry.waiting -= u64::from(looks) + u64::from(arrivals);
        if at < entry.opens {
            for _ in 0..arrivals {
                self.meter.arrived(at);
            }
            self.look(at, multitude, looks + arrivals, &mut asking);
        } else {
            self.tell_apart(at, multitude, (looks, arrivals));
        }
        self.ask_for_parts(at, multitude, &mut asking);
        self.tick_on(at, multitude);
    }

    /// So many look in the tick that begins `at`, of whom some ask for the first part in it.
    fn look(&mut self, at: Time, multitude: u32, people: u32, asking: &mut [Group]) {
        if people == 0 {
            return;
        }
        let Self { multitudes, meter, lengths, .. } = self;
        let entry = &mut multitudes[multitude as usize];
        meter.looked(at, people);
        entry.done.looks += u64::from(people);
        entry.loading += u64::from(people);
        let shift = lengths.next(Purpose::Multitude).uniform();
        let middle = u128::from((at + TICK / 2).nanos());
        for (ticks, people) in entry.first.of(people, shift) {
            let group = Group { people, since: middle * u128::from(people) };
            match ticks.checked_sub(1) {
                None => asking[0].join(group),
                Some(ahead) => place(&mut entry.asking[0], ahead).join(group),
            }
        }
    }

    /// The sale is open: who looks in the tick that begins `at`, or arrives in it, is told apart.
    fn tell_apart(&mut self, at: Time, multitude: u32, (looks, arrivals): (u32, u32)) {
        let people = looks + arrivals;
        for who in 0..people {
            let then = at + TICK * who / people;
            let entry = &mut self.multitudes[multitude as usize];
            if who < looks {
                let population = &self.scenario.populations[usize::from(entry.population)];
                let fan = entry.somebody(then, population);
                let guest = self.admit(fan);
                self.calendar.schedule(then, Event::Wake(guest));
            } else {
                let fan = FanId { population: entry.population, index: entry.number() };
                let guest = self.admit(Fan::new(fan));
                self.calendar.schedule(then, Event::Comes(guest));
            }
        }
    }

    /// Of people who have all parts of the page each goes to the shop; they are as far as they are at `at`, half a
    /// tick more or less.
    pub(super) fn go_to_the_shop(&mut self, at: Time, multitude: u32, group: Group) {
        let Self { multitudes, lengths, laws, looks, calendar, .. } = self;
        let entry = &mut multitudes[multitude as usize];
        entry.loading -= u64::from(group.people);
        let (began, call) = (group.began(), number(entry.asking.len()));
        let call = u16::try_from(call).expect("a page has at most a thousand parts");
        for who in 0..group.people {
            let off = TICK * who / group.people;
            let since = (began + off).before(TICK / 2);
            let back = lengths.sample(laws.network.as_ref()) / 2;
            let sent = ((at + off).before(TICK / 2) + back).max(at);
            let there = sent + lengths.sample(laws.network.as_ref()) / 2;
            let look = Look { multitude, since, call, sent, has_failed: false };
            calendar.schedule(there, Event::Looked(number(looks.insert(look))));
        }
    }

    /// A look is told apart: its call to the shop reaches the edge, or an error reaches it.
    pub(in crate::sim) fn looked(&mut self, at: Time, look: u32) {
        let Look { multitude, since, call, sent, has_failed } = self.looks.remove(look as usize);
        let entry = &mut self.multitudes[multitude as usize];
        let (population, sale) = (entry.population, entry.sale);
        let fan = entry.somebody(since, &self.scenario.populations[usize::from(population)]);
        let guest = self.admit(fan);
        let operation = self.resume(guest, since, (call, sent));
        if self.is_beyond_timeout(at, guest) {
            self.multitudes[multitude as usize].done.beyond_timeout += 1;
        }
        if has_failed {
            self.conclude(at, guest, Reply::of(Outcome::Error));
        } else if self.watch_guest(at, guest) {
            let call = Call::new(Some((guest, operation)), ShopRequest::Status { sale });
            let call = number(self.calls.insert(call));
            self.at_edge(at, call);
        }
    }

    /// Whether somebody who sleeps until then goes back among those who are not told apart; if so, he does.
    pub(in crate::sim) fn melts(&mut self, at: Time, guest: u32, until: Time) -> bool {
        let entry = &self.guests[guest as usize];
        let FanId { population, index } = entry.id();
        let multitude = self.multitudes.iter().position(|one| one.population == population);
        let Some(multitude) = multitude else { return false };
        let crowd = &self.scenario.populations[usize::from(population)].crowd;
        let outlook = entry.outlook(crowd);
        let them = &mut self.multitudes[multitude];
        match outlook {
            None => return false,
            Some(Outlook::Looks) => {
                them.at(until).looks += 1;
                them.waiting += 1;
            }
            Some(Outlook::Leaves(departure)) => {
                let key = (until, departure as u8);
                *them.leaving.entry(key).or_default() += 1;
                if them.leaving.first_key_value() == Some((&key, &1)) {
                    self.calendar.schedule(until, Event::Leave(number(multitude)));
                }
            }
        }
        them.given_back.push(index);
        self.guests.remove(guest as usize);
        self.tick_on(at, number(multitude));
        true
    }

    /// Those who leave by now do.
    pub(in crate::sim) fn leave_together(&mut self, at: Time, multitude: u32) {
        let leaving = &mut self.multitudes[multitude as usize].leaving;
        while let Some(entry) = leaving.first_entry().filter(|entry| entry.key().0 <= at) {
            let ((then, departure), people) = entry.remove_entry();
            for _ in 0..people {
                self.meter.departed(then, Departure::ALL[usize::from(departure)]);
            }
            self.present -= people;
        }
        if let Some(((next, _), _)) = leaving.first_key_value() {
            self.calendar.schedule(*next, Event::Leave(multitude));
        }
    }

    /// The parts of the page that a multitude asks for.
    pub(super) fn parts(&self, multitude: u32) -> u16 {
        let population = self.multitudes[multitude as usize].population;
        parts_of(&self.scenario.populations[usize::from(population)])
    }
}
