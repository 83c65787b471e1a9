//! The funnel, slots → item → cart → checkout: what is wanted, and what each answer leads to.

use domain::draw::Purpose;
use domain::outcome::{Departure, Operation};
use domain::shop::{CHOICES_MAX, Short};
use domain::time::Time;

use super::{Action, Crowd, Fan, Next, Progress, Reply, SHORTEST_PAUSE, SlotPlace, Want, count};

impl Crowd {
    /// Where the funnel begins: a sale without slots has none to show.
    fn first_step(&self) -> Operation {
        if self.slots == 0 { Operation::Item } else { Operation::Slots }
    }

    /// All slots of the sale: bit n is slot n.
    fn all_slots(&self) -> u64 {
        1_u64.checked_shl(u32::from(self.slots)).map_or(u64::MAX, |next| next - 1)
    }
}

impl Fan {
    /// What it wants: drawn once, the same whenever it is asked for.
    ///
    /// # Panics
    /// When the sale has more than [`CHOICES_MAX`] items, which no scenario has.
    pub fn want(&self, crowd: &Crowd) -> Want {
        let item = self.draw(crowd, Purpose::Item, 0).pick(crowd.demand.iter().copied());
        assert!(item < CHOICES_MAX, "a sale has at most {CHOICES_MAX} items");
        let pieces = &crowd.behaviour.pieces;
        let more = self.draw(crowd, Purpose::Pieces, 0).pick(pieces.iter().copied());
        let limit = u8::try_from(crowd.limit_per_fan).unwrap_or(u8::MAX).max(1);
        Want {
            item: u8::try_from(item).expect("the number of items was asserted"),
            quantity: u8::try_from(more).unwrap_or(u8::MAX).saturating_add(1).min(limit),
        }
    }

    /// The sale is open: begins the funnel, whatever it did before.
    pub(super) fn enter(&mut self, at: Time, crowd: &Crowd) -> Action {
        self.note_entry();
        self.look_afresh();
        self.take_step(crowd.first_step(), at, crowd)
    }

    /// What an `ok` leads to; that of a checkout has been dealt with.
    pub(super) fn go_on(
        &mut self,
        asked: Operation,
        reply: &Reply,
        at: Time,
        crowd: &Crowd,
    ) -> Action {
        self.refusals = 0;
        let free = self.free_slots(reply, crowd);
        let gone = !sees_item(reply, self.want(crowd).item) || (crowd.slots > 0 && free == 0);
        match asked {
            _ if gone => self.meet_sold_out(at, crowd),
            Operation::Slots => {
                self.choose_slot(free, crowd);
                self.take_step(Operation::Item, at, crowd)
            }
            Operation::Item => self.take_step(Operation::Cart, at, crowd),
            Operation::Cart | Operation::Checkout | Operation::Poll | Operation::Other => {
                self.take_step(Operation::Checkout, at, crowd)
            }
            Operation::Reload | Operation::Login => self.enter(at, crowd),
        }
    }

    /// What a `sold_out` leads to: another slot if only the slot is short, else the sold-out rule.
    pub(super) fn miss(&mut self, short: Option<Short>, at: Time, crowd: &Crowd) -> Action {
        self.refusals = 0;
        if short == Some(Short::Slot)
            && let Some(slot) = self.slot.take()
        {
            self.full |= 1 << slot.get();
            if crowd.all_slots() & !self.full != 0 {
                return self.take_step(Operation::Slots, at, crowd);
            }
        }
        self.meet_sold_out(at, crowd)
    }

    /// The sold-out rule: leaves, or looks again later.
    fn meet_sold_out(&mut self, at: Time, crowd: &Crowd) -> Action {
        let rule = &crowd.behaviour.sold_out;
        let n = count(&mut self.sold_outs);
        self.note_entry();
        if self.draw(crowd, Purpose::SoldOut, n).chance(rule.leave) {
            return self.leave(Departure::SoldOut);
        }
        let pause = rule.every.sample(self.draw(crowd, Purpose::LookAgain, n)).max(SHORTEST_PAUSE);
        self.full = 0;
        let again = if crowd.reloads() {
            self.look_afresh();
            Operation::Reload
        } else if self.slot.is_none() {
            crowd.first_step()
        } else {
            Operation::Item
        };
        self.pause(at + pause, Next::Send(again), at, crowd)
    }

    /// What a decline leads to: one other card, or leaving.
    pub(super) fn pay_otherwise(&mut self, asked: Operation, at: Time, crowd: &Crowd) -> Action {
        self.refusals = 0;
        let has_card = asked == Operation::Checkout && self.progress != Progress::OtherCard;
        let chance = crowd.behaviour.other_card;
        if has_card && self.draw(crowd, Purpose::OtherCard, 0).chance(chance) {
            self.progress = Progress::OtherCard;
            self.think(Operation::Checkout, at, crowd)
        } else {
            self.leave(Departure::Declined)
        }
    }

    /// The sale turned out not to be open: back to the page, or to the funnel's beginning where
    /// nobody reloads.
    pub(super) fn await_opening(&mut self, at: Time, crowd: &Crowd) -> Action {
        self.refusals = 0;
        self.look_afresh();
        let look = if crowd.reloads() { Operation::Reload } else { crowd.first_step() };
        let due = self.next_look(at, crowd);
        if due == at {
            self.send(look, at, crowd)
        } else {
            self.pause(due, Next::Send(look), at, crowd)
        }
    }

    /// Takes a step of the funnel after some thought, unless it turns away first.
    fn take_step(&mut self, step: Operation, at: Time, crowd: &Crowd) -> Action {
        if self.draw(crowd, Purpose::Abandon, u32::from(self.steps)).chance(crowd.behaviour.abandon)
        {
            self.leave(Departure::Balked)
        } else {
            self.think(step, at, crowd)
        }
    }

    fn think(&mut self, step: Operation, at: Time, crowd: &Crowd) -> Action {
        let n = count(&mut self.steps);
        let thought = crowd.behaviour.think.sample(self.draw(crowd, Purpose::Think, n));
        if thought.is_zero() {
            self.send(step, at, crowd)
        } else {
            self.pause(at + thought, Next::Send(step), at, crowd)
        }
    }

    /// It has been told that the sale is open, if it did not know.
    fn note_entry(&mut self) {
        self.progress = self.progress.max(Progress::Inside);
    }

    /// Forgets the slot it chose and those it was refused.
    fn look_afresh(&mut self) {
        self.slot = None;
        self.full = 0;
    }

    /// The slots it believes to have room: those the answer names, or all if it names none, less
    /// those it was just refused.
    fn free_slots(&self, reply: &Reply, crowd: &Crowd) -> u64 {
        reply.slots.unwrap_or(u64::MAX) & crowd.all_slots() & !self.full
    }

    /// Chooses one of the `free` slots; there is one.
    fn choose_slot(&mut self, free: u64, crowd: &Crowd) {
        let slots = (0_u8..64).filter(|slot| free >> slot & 1 == 1);
        let n = count(&mut self.choices);
        let chosen = self.draw(crowd, Purpose::Slot, n).below(u64::from(free.count_ones()));
        let slot = slots.zip(0_u64..).find(|(_, place)| *place == chosen).map(|(slot, _)| slot);
        self.slot = slot.map(SlotPlace::new);
    }
}

/// Whether an answer leaves hope for an item: it shows it as available, or does not speak of items.
fn sees_item(reply: &Reply, item: u8) -> bool {
    reply.items.is_none_or(|items| items >> item & 1 == 1)
}
