//! The funnel: what is wanted, and what each answer leads to.

use domain::draw::Purpose;
use domain::outcome::{Departure, Operation};
use domain::shop::{CHOICES_MAX, Short};
use domain::time::{Duration, Time};

use super::{Action, Crowd, Fan, Heard, Next, Reply, SHORTEST_PAUSE, SlotPlace, Want, count};

impl Crowd {
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
        self.come_in();
        self.follow(self.next_stage(crowd.route.funnel(), crowd), Duration::ZERO, at, crowd)
    }

    /// What an `ok` leads to; one that is the purchase has been dealt with.
    pub(super) fn go_on(&mut self, heard: Heard, reply: &Reply, crowd: &Crowd) -> Action {
        self.refusals = 0;
        let free = self.free_slots(reply, crowd);
        let gone = !sees_item(reply, self.want(crowd).item) || (crowd.slots > 0 && free == 0);
        if gone {
            return self.meet_sold_out(heard, crowd);
        }
        let (Heard { asked, then, at }, route) = (heard, &crowd.route);
        if asked < route.opening() {
            return self.come_nearer(heard, crowd);
        }
        if asked < route.funnel() {
            self.come_in();
        } else if route.is(asked, Operation::Slots) && crowd.slots > 0 {
            self.choose_slot(free, crowd);
        }
        let next = then.or_else(|| self.next_stage(asked.saturating_add(1), crowd));
        self.follow(next, heard.rest(), at, crowd)
    }

    /// What an `ok` of a stage before the opening leads to: nobody is led into a sale that has not
    /// opened yet.
    fn come_nearer(&mut self, heard: Heard, crowd: &Crowd) -> Action {
        let Heard { asked, then, at } = heard;
        match then {
            None => self.approach(asked.saturating_add(1), at, crowd),
            Some(stage) if stage < crowd.route.funnel() => {
                self.think(stage, heard.rest(), at, crowd)
            }
            Some(stage) if at < crowd.opens => {
                self.pause(crowd.opens, Next::Send(stage), at, crowd)
            }
            Some(stage) => self.take_step(stage, heard.rest(), at, crowd),
        }
    }

    /// Takes the next step of the funnel; where none is left, it leaves without what it wanted.
    fn follow(&mut self, next: Option<u8>, rest: Duration, at: Time, crowd: &Crowd) -> Action {
        match next {
            Some(stage) => self.take_step(stage, rest, at, crowd),
            None => self.leave(Departure::Balked),
        }
    }

    /// What a `sold_out` leads to: another slot if only the slot is short in the funnel, else the
    /// sold-out rule.
    pub(super) fn miss(&mut self, heard: Heard, short: Option<Short>, crowd: &Crowd) -> Action {
        self.refusals = 0;
        if short == Some(Short::Slot)
            && heard.asked >= crowd.route.funnel()
            && let Some(slot) = self.slot.take()
        {
            self.full |= 1 << slot.get();
            if crowd.all_slots() & !self.full != 0 {
                let choice = self.stage_of(Operation::Slots, crowd);
                let choice = choice.or_else(|| self.next_stage(crowd.route.funnel(), crowd));
                let stage = heard.leads_to(choice.unwrap_or(heard.asked));
                return self.take_step(stage, heard.rest(), heard.at, crowd);
            }
        }
        self.meet_sold_out(heard, crowd)
    }

    /// The sold-out rule: leaves, or looks again later.
    fn meet_sold_out(&mut self, heard: Heard, crowd: &Crowd) -> Action {
        let rule = &crowd.behaviour.sold_out;
        let n = count(&mut self.sold_outs);
        self.progress.enter();
        if self.draw(crowd, Purpose::SoldOut, n).chance(rule.leave) {
            return self.leave(Departure::SoldOut);
        }
        let pause = rule.every.sample(self.draw(crowd, Purpose::LookAgain, n)).max(SHORTEST_PAUSE);
        self.full = 0;
        let again = heard.leads_to(self.place_to_look(heard.asked, crowd));
        if crowd.route.is(again, Operation::Reload) {
            self.look_afresh();
        }
        self.head_for(again, heard.at + pause, heard.at, crowd)
    }

    /// What a decline leads to: one other card, or leaving. Another card is another purchase, which
    /// begins with the first checkout.
    pub(super) fn pay_otherwise(&mut self, heard: Heard, crowd: &Crowd) -> Action {
        self.refusals = 0;
        let operation = crowd.stage(heard.asked).operation;
        let pays = matches!(operation, Operation::Checkout | Operation::Poll);
        let chance = crowd.behaviour.other_card;
        if pays
            && self.progress.has_other_card()
            && self.draw(crowd, Purpose::OtherCard, 0).chance(chance)
        {
            self.progress.take_other_card();
            let checkout = crowd.route.first(Operation::Checkout).unwrap_or(heard.asked);
            self.think(heard.leads_to(checkout), heard.rest(), heard.at, crowd)
        } else {
            self.leave(Departure::Declined)
        }
    }

    /// The sale turned out not to be open: back to the page, or to the funnel's beginning where
    /// nobody reloads.
    pub(super) fn await_opening(&mut self, heard: Heard, crowd: &Crowd) -> Action {
        self.refusals = 0;
        self.look_afresh();
        let look = heard.leads_to(self.place_to_look(heard.asked, crowd));
        let due = self.next_look(look, heard.at, crowd);
        self.head_for(look, due, heard.at, crowd)
    }

    /// Where it looks whether anything has changed: at the page or, where it does not look at that,
    /// at its item once it has a slot, else at the funnel's first stage. Before the funnel each
    /// stage is its own place: who must sign in first sees nothing else.
    fn place_to_look(&self, asked: u8, crowd: &Crowd) -> u8 {
        if asked < crowd.route.funnel() {
            return asked;
        }
        if crowd.route.is(asked, Operation::Result) {
            // The page with the results stands before it, where it looks at one.
            let page = asked.saturating_sub(1);
            return if crowd.route.is(page, Operation::Reload) { page } else { asked };
        }
        let item = || self.slot.and_then(|_| self.stage_of(Operation::Item, crowd));
        let first = || self.next_stage(crowd.route.funnel(), crowd);
        self.page(crowd).or_else(item).or_else(first).unwrap_or(asked)
    }

    /// The first stage of the funnel that asks for that, if the fan takes it.
    fn stage_of(&self, operation: Operation, crowd: &Crowd) -> Option<u8> {
        let stage = crowd.route.first(operation)?;
        (stage >= crowd.route.funnel() && self.takes(stage, crowd)).then_some(stage)
    }

    /// It has been told that the sale is open.
    const fn come_in(&mut self) {
        self.progress.enter();
        self.look_afresh();
    }

    /// Forgets the slot it chose and those it was refused.
    const fn look_afresh(&mut self) {
        self.slot = None;
        self.full = 0;
    }

    /// The slots it believes to have room: those the answer names, or all if it names none, less
    /// those it was just refused.
    fn free_slots(&self, reply: &Reply, crowd: &Crowd) -> u64 {
        reply.slots.unwrap_or(u64::MAX) & crowd.all_slots() & !self.full
    }

    /// Chooses a slot unseen for who needs one now and was shown none: where no stage of its way
    /// shows slots, or an answer led past that.
    pub(super) fn settle_on_slot(&mut self, stage: u8, operation: Operation, crowd: &Crowd) {
        if crowd.slots == 0 || self.slot.is_some() {
            return;
        }
        let carries = matches!(operation, Operation::Cart | Operation::Checkout);
        let is_shown_none = || self.stage_of(Operation::Slots, crowd).is_none();
        if carries || (stage >= crowd.route.funnel() && is_shown_none()) {
            let free = crowd.all_slots() & !self.full;
            self.choose_slot(if free == 0 { crowd.all_slots() } else { free }, crowd);
        }
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
