//! What looks ask the edge for, part by part: all of a tick at once.

use domain::draw::Purpose;
use domain::outcome::Outcome;
use domain::shop::{ShopReply, ShopRequest};
use domain::time::{Time, nanos_of};
use reference_shop::rules::Ticket;
use reference_shop::rules::edge::Lookup;

use super::looks::Look;
use super::steps::first_of;
use super::{Group, TICK, TICK_NS, place};
use crate::sim::edge::Fetch;
use crate::sim::path::{Call, number, object_of};
use crate::sim::{Event, World};

/// Of so many who wait for a fetch, each has a time of its own.
const WAITING_MAX: u32 = 64;

/// People who wait for one fetch.
#[derive(Copy, Clone, Debug)]
pub(in crate::sim) struct Waiting {
    multitude: u32,
    part: u16,
    group: Group,
    since: Time,
}

impl World<'_> {
    /// Who is at each part in the tick that begins `at` asks for it.
    pub(super) fn ask_for_parts(&mut self, at: Time, multitude: u32, asking: &mut [Group]) {
        for part in 0..self.parts(multitude) {
            let group = std::mem::take(&mut asking[usize::from(part)]);
            if group.people > 0 {
                let had = self.ask_for_part(at, (multitude, part), group);
                self.go_on(at, (multitude, part), had, Some(asking));
            }
        }
    }

    /// They ask for a part, each at his point of presence: those whom the edge answers at once.
    fn ask_for_part(&mut self, at: Time, (multitude, part): (u32, u16), group: Group) -> Group {
        let pops = self.edge.shares().len();
        if pops == 1 {
            return self.ask_pop(at, (multitude, part), 0, group);
        }
        let shift = self.lengths.next(Purpose::Multitude).uniform();
        let (mut share, mut before, mut had) = (0.0, 0, Group::default());
        for pop in 0..pops {
            share += self.edge.shares()[pop];
            let last = pop + 1 == pops;
            let until = if last { group.people } else { first_of(share, group.people, shift) };
            let until = until.max(before);
            let here = until - std::mem::replace(&mut before, until);
            if here > 0 {
                had.join(self.ask_pop(at, (multitude, part), number(pop), group.some(here)));
            }
        }
        had
    }

    /// They ask at one point of presence. Who is not answered at once is heard of later.
    fn ask_pop(&mut self, at: Time, which: (u32, u16), pop: u32, group: Group) -> Group {
        let ((multitude, part), people) = (which, group.people);
        self.books.edge += u64::from(people);
        let sale = self.multitudes[multitude as usize].sale;
        let request = ShopRequest::Page { sale, part };
        let object = object_of(&request).expect("a part of a page is an object");
        if self.edge.pop(pop).gives(at, object, u64::from(people)) {
            self.edge_answers(at, multitude, people);
            return group;
        }
        let waiting = Waiting { multitude, part, group, since: at };
        let call = Call::of_waiting(request, Fetch::of_pop(pop), waiting);
        let call = number(self.calls.insert(call));
        match self.edge.pop(pop).ask(at, object, Ticket(u64::from(call)), u64::from(people)) {
            Lookup::Hit => {
                self.calls.remove(call as usize);
                self.edge_answers(at, multitude, people);
                return group;
            }
            Lookup::Failed(_) => self.answer(at, call, ShopReply::of(Outcome::Error)),
            Lookup::Wait => {}
            Lookup::Fetch => self.fetch(at, call, object),
            Lookup::Refresh => {
                self.calls[call as usize].waiting = None;
                self.edge_answers(at, multitude, people);
                self.fetch(at, call, object);
                return group;
            }
        }
        Group::default()
    }

    fn edge_answers(&mut self, at: Time, multitude: u32, people: u32) {
        let Self { multitudes, meter, lengths, .. } = self;
        multitudes[multitude as usize].answer(at, people, meter, lengths);
    }

    /// Those who have a part since `at` ask for the next one, or go to the shop. In a tick that begins they may do
    /// so within it.
    fn go_on(
        &mut self,
        at: Time,
        (multitude, part): (u32, u16),
        group: Group,
        mut asking: Option<&mut [Group]>,
    ) {
        if group.people == 0 {
            return;
        }
        let next = usize::from(part) + 1;
        if next == usize::from(self.parts(multitude)) {
            return self.go_to_the_shop(at, multitude, group);
        }
        let Self { multitudes, lengths, .. } = self;
        let entry = &mut multitudes[multitude as usize];
        // From within a tick on, some are in time for the next one and some are not.
        let into = at.nanos() % TICK_NS;
        let shift = lengths.next(Purpose::Multitude).uniform();
        let late = first_of(into as f64 / TICK_NS as f64, group.people, shift);
        for (later, people) in [(0, group.people - late), (1, late)] {
            for (ticks, people) in entry.next.of(people, shift) {
                let some = group.some(people);
                match ((ticks + later).checked_sub(1), asking.as_deref_mut()) {
                    (None, Some(asking)) => asking[next].join(some),
                    (ahead, _) => place(&mut entry.asking[next], ahead.unwrap_or(0)).join(some),
                }
            }
        }
    }

    /// Those who waited together are answered.
    pub(in crate::sim) fn answered_together(
        &mut self,
        at: Time,
        waiting: Waiting,
        reply: &ShopReply,
    ) {
        let Waiting { multitude, part, group, since } = waiting;
        if reply.outcome != Outcome::Ok {
            return self.fail_together(at, waiting, reply.outcome);
        }
        let Self { multitudes, meter, lengths, .. } = self;
        let entry = &mut multitudes[multitude as usize];
        meter.calls_done(since, Outcome::Ok, u64::from(group.people));
        entry.done.calls += u64::from(group.people);
        let waited = nanos_of(at - since);
        let shares = group.people.min(WAITING_MAX);
        for share in 0..shares {
            let until = |share: u32| u64::from(share) * u64::from(group.people) / u64::from(shares);
            let people = u32::try_from(until(share + 1) - until(share)).unwrap_or(u32::MAX);
            let took = waited + entry.call.at(lengths.next(Purpose::Multitude));
            meter.calls_took(since, took, people);
        }
        self.go_on(at, (multitude, part), group, None);
        self.tick_on(at, multitude);
    }

    /// A part has failed them: each is told apart when he hears of it.
    fn fail_together(&mut self, at: Time, waiting: Waiting, outcome: Outcome) {
        let Waiting { multitude, part, group, since } = waiting;
        let Self { multitudes, meter, lengths, laws, looks, calendar, .. } = self;
        meter.calls_done(since, outcome, u64::from(group.people));
        multitudes[multitude as usize].loading -= u64::from(group.people);
        for who in 0..group.people {
            let began = (group.began() + TICK * who / group.people).before(TICK / 2);
            let then = at + lengths.sample(laws.network.as_ref()) / 2;
            let look = Look { multitude, since: began, call: part, sent: since, has_failed: true };
            calendar.schedule(then, Event::Looked(number(looks.insert(look))));
        }
    }
}
