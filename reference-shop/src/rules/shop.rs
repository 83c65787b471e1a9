//! The shop's front: which requests are answered at once, which become questions to the inventory
//! and which become orders.
//!
//! One purchase, one key; one intent, one sale:
//! - A key whose order is under way is answered `waiting`; one whose order ended in `ok`,
//!   `declined` or `rejected` gets that answer again, for ever.
//! - A key whose order ended otherwise (sold out, refused by the provider, failed) moved no money
//!   and keeps no stock, so it may try again and begins a new order, as a 429 is never remembered
//!   under an idempotency key. Only its latest order counts.
//! - Another key of the same intent is another purchase (another card). It waits while the one
//!   before is undecided, is refused once one was paid, and otherwise begins a new order.
//! - What a fan's undecided and paid orders of one sale hold together stays within the limit per
//!   fan.

use std::collections::HashMap;

use domain::id::{FanId, ItemId, OrderId, SlotId};
use domain::money::Amount;
use domain::outcome::Outcome;
use domain::shop::{Checkout, Sale, ShopReply, ShopRequest, Short};
use domain::time::{Duration, Time};

use crate::rules::admission::Admission;
use crate::rules::order::{Event, Order, new_row};
use crate::rules::question::{Places, Question, availability};
use crate::rules::{Asker, Effect, Input, InventoryCall, InventoryReply, Ticket, Wake};
use crate::settings::ShopSettings;

/// When to ask again for an order that is under way \[s\]: the least that HTTP can say.
const UNDER_WAY_S: u32 = 1;

/// The longest key and intent \[bytes\]: with the operation's word they stay within the 255 that
/// payment providers allow.
const KEY_LENGTH_MAX: usize = 200;

/// How many checkouts without a token are remembered for those who poll instead of knocking again:
/// about 200 MB. Beyond, a poll is answered `rejected`, and knocking again works as ever.
const KNOCKS_MAX: usize = 1 << 20;

/// The shortest time between two sweeps: below it the sweeper would do nothing else.
const SWEEP_MIN: Duration = Duration::from_millis(1);

/// The shop: orders in progress and admission, but never stock.
#[derive(Debug)]
pub struct Shop {
    settings: ShopSettings,
    places: Places,
    admission: Option<Admission>,
    /// All orders, in the order of their numbers; they grow with the number of orders only.
    orders: Vec<Order>,
    /// The latest order under each key.
    by_key: HashMap<String, OrderId>,
    /// The latest order of each intent.
    by_intent: HashMap<String, OrderId>,
    /// Pieces in each fan's undecided and paid orders, by the sale's place in the catalogue.
    pieces: HashMap<(FanId, u16), u32>,
    /// Checkouts that found no token, by key.
    knocks: HashMap<String, Checkout>,
    /// Requests that wait for the inventory.
    questions: HashMap<Ticket, Question>,
    pending: u64,
}

impl Shop {
    /// A shop without orders.
    pub fn new(settings: ShopSettings) -> Self {
        Self {
            places: Places::new(&settings.catalogue),
            admission: settings.shop.admission.map(|gate| Admission::new(gate, settings.seed)),
            settings,
            orders: Vec::new(),
            by_key: HashMap::new(),
            by_intent: HashMap::new(),
            pieces: HashMap::new(),
            knocks: HashMap::new(),
            questions: HashMap::new(),
            pending: 0,
        }
    }

    /// What must be done first: the sweeper's first wake.
    pub fn start(&mut self) -> Vec<Effect> {
        vec![self.next_sweep(Time::ZERO)]
    }

    /// What follows from `input` `at` that time. Every request is answered exactly once, every
    /// inventory call and provider call is expected to come back exactly once.
    pub fn handle(&mut self, at: Time, input: Input) -> Vec<Effect> {
        match input {
            Input::Request { ticket, request } => self.request(at, ticket, request),
            Input::Inventory { asker: Asker::Request(ticket), reply } => {
                self.looked(at, ticket, &reply)
            }
            Input::Inventory { asker: Asker::Order(order), reply } => {
                self.advance(at, order, Event::Inventory(reply))
            }
            Input::Inventory { asker: Asker::Sweeper, reply } => self.swept(at, reply),
            Input::Provider { order, reply } => self.advance(at, order, Event::Provider(reply)),
            Input::Woke(Wake::Sweep) => {
                let call = InventoryCall::Sweep { now: at };
                vec![Effect::Inventory { asker: Asker::Sweeper, call }]
            }
            Input::Woke(Wake::Retry(order)) => self.advance(at, order, Event::Retry),
            Input::Woke(Wake::Look(order)) => self.advance(at, order, Event::Look),
        }
    }

    /// Orders and void jobs that are not over.
    pub fn pending(&self) -> u64 {
        self.pending
    }

    fn request(&mut self, at: Time, ticket: Ticket, request: ShopRequest) -> Vec<Effect> {
        match request {
            ShopRequest::Page { sale, .. } => {
                let known = usize::from(sale) < self.settings.catalogue.sales.len();
                answer(ticket, ShopReply::of(if known { Outcome::Ok } else { Outcome::Rejected }))
            }
            ShopRequest::Status { sale } => self.look(at, ticket, sale, Question::Status),
            ShopRequest::Slots { sale } => self.look(at, ticket, sale, Question::Slots(sale)),
            ShopRequest::Item { item } => match self.places.item(item) {
                Some((sale, _)) => self.look(at, ticket, sale, Question::Free(item, None)),
                None => answer(ticket, ShopReply::of(Outcome::Rejected)),
            },
            ShopRequest::Cart { item, slot, quantity } => {
                match self.sale_of(item, slot, quantity) {
                    Some((sale, _)) => self.look(at, ticket, sale, Question::Free(item, slot)),
                    None => answer(ticket, ShopReply::of(Outcome::Rejected)),
                }
            }
            ShopRequest::Checkout(checkout) => self.checkout(at, ticket, checkout),
            ShopRequest::Order { key } => self.poll(at, ticket, &key),
        }
    }

    /// Asks the inventory what is free, if the sale is open.
    fn look(&mut self, at: Time, ticket: Ticket, sale: u16, question: Question) -> Vec<Effect> {
        if let Some(reply) = self.closed(at, sale) {
            return answer(ticket, reply);
        }
        self.questions.insert(ticket, question);
        let call = InventoryCall::Availability { sale };
        vec![Effect::Inventory { asker: Asker::Request(ticket), call }]
    }

    /// The inventory said what is free.
    fn looked(&mut self, at: Time, ticket: Ticket, reply: &InventoryReply) -> Vec<Effect> {
        let question = self.questions.remove(&ticket).expect("only who asked is answered");
        let InventoryReply::Available { items, slots } = *reply else {
            unreachable!("an availability is answered by an availability, not {reply:?}")
        };
        let short = match &question {
            Question::Status => None,
            Question::Slots(sale) => self.no_room(*sale, slots),
            Question::Free(item, slot) => self.places.short(*item, *slot, items, slots),
            Question::Knock(checkout) => {
                self.places.short(checkout.item, checkout.slot, items, slots)
            }
        };
        let reply = availability(short, items, slots);
        match question {
            Question::Knock(checkout) => answer(ticket, self.knocked(at, checkout, reply)),
            _ => answer(ticket, reply),
        }
    }

    /// A checkout without a token, once it is known whether waiting is of any use.
    fn knocked(&mut self, at: Time, checkout: Checkout, free: ShopReply) -> ShopReply {
        let Some(admission) = &mut self.admission else { return free };
        if free.outcome == Outcome::SoldOut {
            self.knocks.remove(&checkout.key);
            return free;
        }
        let wait_s = admission.wait_s(at, checkout.fan);
        if self.knocks.len() < KNOCKS_MAX {
            self.knocks.insert(checkout.key.clone(), checkout);
        }
        ShopReply { outcome: Outcome::Waiting, retry_after_s: Some(wait_s), ..free }
    }

    /// What became of the order under a key; a purchase that waits for a token knocks again.
    fn poll(&mut self, at: Time, ticket: Ticket, key: &str) -> Vec<Effect> {
        if let Some(checkout) = self.knocks.get(key).cloned() {
            return self.checkout(at, ticket, checkout);
        }
        let reply = match self.by_key.get(key) {
            Some(order) => self.standing(at, *order),
            None => ShopReply::of(Outcome::Rejected),
        };
        answer(ticket, reply)
    }

    fn checkout(&mut self, at: Time, ticket: Ticket, checkout: Checkout) -> Vec<Effect> {
        if let Some(order) = self.by_key.get(&checkout.key).copied() {
            let reply = self.standing(at, order);
            if binds(reply.outcome) {
                return answer(ticket, reply);
            }
        }
        let wish = match self.welcome(at, &checkout) {
            Ok(wish) => wish,
            Err(refusal) => return answer(ticket, refusal),
        };
        let (fan, sale) = (checkout.fan, wish.0);
        if self.admission.as_mut().is_some_and(|admission| !admission.admit(at, fan)) {
            return self.look(at, ticket, sale, Question::Knock(checkout));
        }
        self.knocks.remove(&checkout.key);
        self.begin(at, ticket, checkout, wish)
    }

    /// Whether a new order may begin: its sale and the money it is about, or why not.
    fn welcome(&self, at: Time, checkout: &Checkout) -> Result<(u16, Amount), ShopReply> {
        let rejected = || ShopReply::of(Outcome::Rejected);
        if checkout.key.len() > KEY_LENGTH_MAX || checkout.intent.len() > KEY_LENGTH_MAX {
            return Err(rejected());
        }
        let Checkout { item, slot, quantity, .. } = *checkout;
        let (sale, amount) = self.sale_of(item, slot, quantity).ok_or_else(rejected)?;
        if let Some(refusal) = self.closed(at, sale) {
            return Err(refusal);
        }
        if let Some(order) = self.by_intent.get(&checkout.intent) {
            match self.standing(at, *order) {
                earlier if earlier.outcome == Outcome::Waiting => return Err(earlier),
                earlier if earlier.outcome == Outcome::Ok => return Err(rejected()),
                _ => {}
            }
        }
        let pieces = self.pieces.get(&(checkout.fan, sale)).copied().unwrap_or(0);
        if pieces.saturating_add(quantity) > self.sale(sale).limit_per_fan {
            return Err(rejected());
        }
        Ok((sale, amount))
    }

    fn begin(
        &mut self,
        at: Time,
        ticket: Ticket,
        checkout: Checkout,
        (sale, amount): (u16, Amount),
    ) -> Vec<Effect> {
        let earlier = self.by_key.get(&checkout.key);
        let attempt = earlier.map_or(0, |order| self.order(*order).next_attempt(&checkout));
        let id = OrderId(self.orders.len() as u64 + 1);
        self.by_key.insert(checkout.key.clone(), id);
        self.by_intent.insert(checkout.intent.clone(), id);
        *self.pieces.entry((checkout.fan, sale)).or_default() += checkout.quantity;
        self.pending += 1;
        self.orders.push(Order::new(new_row(id, checkout, amount, at), ticket, attempt));
        self.advance(at, id, Event::Begun)
    }

    /// Something happened to an order.
    fn advance(&mut self, at: Time, id: OrderId, event: Event) -> Vec<Effect> {
        let order = &mut self.orders[place(id)];
        let (decided, over) = (order.answer().is_some(), order.is_over());
        let effects = order.step(at, event, &self.settings);
        if !over && order.is_over() {
            self.pending -= 1;
        }
        let unpaid = order.answer().is_some_and(|answer| answer.outcome != Outcome::Ok);
        if !decided && unpaid {
            let Checkout { fan, item, quantity, .. } = *order.checkout();
            let (sale, _) = self.places.item(item).expect("only what exists is ordered");
            let pieces = self.pieces.get_mut(&(fan, sale));
            *pieces.expect("who ordered has pieces counted") -= quantity;
        }
        effects
    }

    fn swept(&mut self, at: Time, reply: InventoryReply) -> Vec<Effect> {
        let InventoryReply::Swept(orders) = reply else {
            unreachable!("a sweep is answered by what was swept, not {reply:?}")
        };
        let mut effects = vec![self.next_sweep(at)];
        for order in orders {
            effects.extend(self.advance(at, order, Event::Swept));
        }
        effects
    }

    /// The next sweep counts from the end of the one before, so that sweeps never pile up behind a
    /// slow inventory.
    fn next_sweep(&self, at: Time) -> Effect {
        let pause = self.settings.shop.reservation.sweep.0.max(SWEEP_MIN);
        Effect::Wake { at: at + pause, wake: Wake::Sweep }
    }

    /// The answer of an order, or that it is under way.
    fn standing(&self, at: Time, id: OrderId) -> ShopReply {
        let order = self.order(id);
        order.answer().cloned().unwrap_or_else(|| ShopReply {
            retry_after_s: Some(order.looks_in_s(at).unwrap_or(UNDER_WAY_S)),
            order: Some(id),
            ..ShopReply::of(Outcome::Waiting)
        })
    }

    /// Why nothing of a sale can be looked at or ordered now, if so.
    fn closed(&self, at: Time, sale: u16) -> Option<ShopReply> {
        let Some(sale) = self.settings.catalogue.sales.get(usize::from(sale)) else {
            return Some(ShopReply::of(Outcome::Rejected));
        };
        if at < sale.opens {
            Some(ShopReply::of(Outcome::NotOpen))
        } else if at >= sale.closes {
            Some(ShopReply::of(Outcome::Rejected))
        } else {
            None
        }
    }

    /// The sale of a well-formed wish, and the money it is about: item and slot belong to one
    /// sale, a slot is chosen exactly where there are slots, and the limit per fan is kept.
    fn sale_of(&self, item: ItemId, slot: Option<SlotId>, quantity: u32) -> Option<(u16, Amount)> {
        let (number, place) = self.places.item(item)?;
        let sale = self.sale(number);
        let slot_fits = match slot {
            Some(slot) => self.places.slot(slot).is_some_and(|(of, _)| of == number),
            None => sale.slots.is_empty(),
        };
        let fits = slot_fits && (1..=sale.limit_per_fan).contains(&quantity);
        let amount = sale.items[place as usize].price.times(quantity)?;
        fits.then_some((number, amount))
    }

    fn no_room(&self, sale: u16, slots: u64) -> Option<Short> {
        (slots == 0 && !self.sale(sale).slots.is_empty()).then_some(Short::Slot)
    }

    fn sale(&self, number: u16) -> &Sale {
        &self.settings.catalogue.sales[usize::from(number)]
    }

    fn order(&self, id: OrderId) -> &Order {
        &self.orders[place(id)]
    }
}

/// Whether a key stands by this answer for ever.
const fn binds(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ok | Outcome::Declined | Outcome::Rejected | Outcome::Waiting)
}

fn place(id: OrderId) -> usize {
    usize::try_from(id.0 - 1).expect("as many orders as fit the memory")
}

fn answer(ticket: Ticket, reply: ShopReply) -> Vec<Effect> {
    vec![Effect::Reply { ticket, reply }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fault::Fault;
    use crate::rules::world::{Cardholder, Money, Mood, World, checkout, settings};
    use crate::settings::{Admission as Gate, AdmissionBy, Inventory, Saga};
    use domain::shop::OrderStatus;
    use domain::time::Span;
    use proptest::prelude::*;

    const WELL: (Mood, u64) = (Mood::Well, 700);
    const LIMIT: (Mood, u64) = (Mood::Limit(None), 20);
    const LOST: (Mood, u64) = (Mood::Lost, 0);
    const SILENT: (Mood, u64) = (Mood::Silent, 0);

    /// Ten pieces, ten places; the world's saga and moods are the test's.
    fn world(saga: Saga, moods: &[(Mood, u64)]) -> World {
        world_of(settings(10, 10), saga, &[], moods)
    }

    fn world_of(
        mut settings: ShopSettings,
        saga: Saga,
        faults: &[Fault],
        moods: &[(Mood, u64)],
    ) -> World {
        settings.shop.saga = saga;
        settings.shop.faults = faults.to_vec();
        let mut world = World::new(&settings);
        world.moods = moods.to_vec();
        world
    }

    #[test]
    fn a_purchase_is_authorized_reserved_captured_and_sold() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let mut world = world(saga, &[]);
            let reply = world.bought(checkout(1, 0, 2));
            assert_eq!(reply, ShopReply { order: Some(OrderId(1)), ..ShopReply::of(Outcome::Ok) });
            assert_eq!(world.bank.calls, ["0-1-0-authorize", "0-1-0-capture"]);
            assert_eq!(world.pieces(), (8, 0, 2));
            assert_eq!(world.status(1), OrderStatus::Captured);
            assert_eq!(world.pending(), 0);
        }
    }

    #[test]
    fn what_is_sold_out_is_voided_after_the_answer() {
        let moods = [WELL, WELL, WELL, (Mood::Well, 5_000)];
        let mut world = world_of(settings(1, 10), Saga::AuthorizeFirst, &[], &moods);
        let first = world.buy(checkout(1, 0, 1));
        world.pass(5);
        let second = world.buy(checkout(2, 0, 1));
        world.pass(1);
        assert_eq!(world.answers[&first].outcome, Outcome::Ok);
        let reply = &world.answers[&second];
        assert_eq!((reply.outcome, reply.short), (Outcome::SoldOut, Some(Short::Item)));
        assert_eq!(world.pending(), 1);
        world.pass(10);
        assert_eq!(world.bank.count("0-2", Money::LetGo), 1);
        assert_eq!(world.status(2), OrderStatus::Voided);
        assert_eq!(world.pending(), 0);
    }

    #[test]
    fn item_and_slot_are_taken_together_or_not_at_all() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let mut world = world_of(settings(10, 1), saga, &[], &[]);
            assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
            assert_eq!(world.bought(checkout(2, 0, 1)).short, Some(Short::Slot));
            assert_eq!(world.pieces(), (9, 0, 1));
        }
    }

    #[test]
    fn a_refused_capture_frees_the_stock_and_voids() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let mut world = world(saga, &[WELL, (Mood::Limit(Some(3)), 20), WELL]);
            let reply = world.bought(checkout(1, 0, 2));
            assert_eq!((reply.outcome, reply.retry_after_s), (Outcome::RateLimited, Some(3)));
            assert_eq!(world.pieces(), (10, 0, 0));
            assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
            assert_eq!(world.status(1), OrderStatus::Voided);
        }
    }

    #[test]
    fn a_refused_void_is_made_again_as_often_as_was_set_and_then_orphans() {
        for (retries, left) in [(0, Money::Reserved), (1, Money::Reserved), (2, Money::LetGo)] {
            let mut settings = settings(10, 10);
            settings.shop.void_retries = retries;
            let moods = [WELL, LIMIT, LIMIT, LIMIT, WELL];
            let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &moods);
            world.bought(checkout(1, 0, 1));
            assert_eq!(world.bank.count("0-1", left), 1, "{retries} retries");
            assert_eq!(world.status(1), OrderStatus::Voided);
            assert_eq!(world.pending(), 0);
        }
    }

    /// A 5xx may be kept under the key of a void for ever: letting go twice is letting go once.
    #[test]
    fn a_void_that_stays_unknown_goes_out_under_a_new_key() {
        let moods = [WELL, LIMIT, LOST, SILENT, WELL];
        let mut world = world(Saga::AuthorizeFirst, &moods);
        world.buy(checkout(1, 0, 1));
        world.pass(60);
        let voids = ["0-1-0-void", "0-1-0-void-again-1", "0-1-0-void-again-2"];
        assert_eq!(world.bank.calls[2..], voids);
        assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
        assert_eq!((world.status(1), world.pending()), (OrderStatus::Voided, 0));
    }

    /// The answer to a capture is kept under its key, so the shop asks where the payment stands.
    #[test]
    fn a_capture_that_fails_for_ever_is_looked_for() {
        for (capture, outcome) in [(Mood::Fail, Outcome::Ok), (Mood::Lost, Outcome::Error)] {
            let mut moods = vec![WELL];
            moods.extend([(capture, 5); 4]);
            let mut world = world(Saga::AuthorizeFirst, &moods);
            let ticket = world.buy(checkout(1, 0, 1));
            world.pass(60);
            assert_eq!(world.answers[&ticket].outcome, outcome);
            assert_eq!(world.bank.calls[5], "0-1-0-retrieve");
            let left = if outcome == Outcome::Ok { Money::Taken } else { Money::LetGo };
            assert_eq!(world.bank.count("0-1", left), 1);
            assert_eq!(world.pending(), 0);
        }
    }

    #[test]
    fn a_refusal_is_not_remembered_under_the_key() {
        let mut world = world(Saga::AuthorizeFirst, &[WELL, LIMIT, WELL, LIMIT, WELL, WELL]);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::RateLimited);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::RateLimited);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
        assert_eq!(
            world.bank.calls[3..],
            ["0-1-0-authorize-2", "0-1-0-authorize-2", "0-1-0-capture-2"]
        );
        assert_eq!(world.bank.count("0-1", Money::Taken), 1);
        assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
    }

    #[test]
    fn the_same_key_joins_its_order() {
        let mut world = world(Saga::AuthorizeFirst, &[]);
        let first = world.buy(checkout(1, 0, 1));
        let again = world.buy(checkout(1, 0, 1));
        world.pass(1);
        let waiting = &world.answers[&again];
        assert_eq!((waiting.outcome, waiting.retry_after_s), (Outcome::Waiting, Some(1)));
        assert_eq!(waiting.order, Some(OrderId(1)));
        world.pass(10);
        let late = world.bought(checkout(1, 0, 1));
        let polled = world.ask(ShopRequest::Order { key: "0-1-0".to_owned() });
        world.pass(1);
        assert_eq!(late, world.answers[&first]);
        assert_eq!(world.answers[&polled], world.answers[&first]);
        assert_eq!(world.pieces(), (9, 0, 1));
    }

    #[test]
    fn another_card_is_another_purchase_until_one_is_paid() {
        let mut world = world(Saga::ReserveFirst, &[(Mood::Decline, 100)]);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
        assert_eq!(world.bought(checkout(1, 1, 1)).outcome, Outcome::Ok);
        assert_eq!(world.bought(checkout(1, 2, 1)).outcome, Outcome::Rejected);
        assert_eq!(world.pieces(), (9, 0, 1));
        assert_eq!(world.status(1), OrderStatus::Declined);
    }

    #[test]
    fn the_limit_per_fan_counts_what_is_paid() {
        let mut world = world(Saga::AuthorizeFirst, &[]);
        let other = Checkout { intent: "another-intent".to_owned(), ..checkout(1, 1, 2) };
        assert_eq!(world.bought(checkout(1, 0, 3)).outcome, Outcome::Ok);
        assert_eq!(world.bought(other).outcome, Outcome::Rejected);
        assert_eq!(world.bought(checkout(2, 0, 5)).outcome, Outcome::Rejected);
        assert_eq!(world.bought(checkout(2, 0, 0)).outcome, Outcome::Rejected);
    }

    #[test]
    fn silence_is_asked_again_under_the_same_key() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let moods = [SILENT, LOST, WELL, SILENT, (Mood::Fail, 5), LIMIT, WELL];
            let mut world = world(saga, &moods);
            let ticket = world.buy(checkout(1, 0, 1));
            world.pass(60);
            assert_eq!(world.answers[&ticket].outcome, Outcome::Ok);
            assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
            assert_eq!(world.bank.calls.len(), 7);
        }
    }

    #[test]
    fn an_authorization_that_stays_unknown_is_found_by_the_next_try() {
        let mut world = world(Saga::ReserveFirst, &[SILENT, LOST, LOST, LOST]);
        let ticket = world.buy(checkout(1, 0, 1));
        world.pass(60);
        assert_eq!(world.answers[&ticket].outcome, Outcome::Error);
        assert_eq!((world.status(1), world.pieces()), (OrderStatus::Failed, (10, 0, 0)));
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
        assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
    }

    #[test]
    fn a_capture_that_stays_unknown_keeps_its_stock_until_a_void_resolves_it() {
        for (first, outcome, sold) in [(SILENT, Outcome::Ok, 1), (LOST, Outcome::Error, 0)] {
            let mut moods = vec![WELL, first];
            moods.extend([LOST; 13]);
            let mut world = world(Saga::ReserveFirst, &moods);
            let ticket = world.buy(checkout(1, 0, 1));
            world.pass(300);
            assert_eq!(world.pieces(), (9, 1, 0));
            world.pass(300);
            assert_eq!(world.answers[&ticket].outcome, outcome);
            assert_eq!(world.pieces(), (10 - sold, 0, sold));
            assert_eq!(world.bank.count("0-1", Money::Reserved), 0);
            assert_eq!(world.pending(), 0);
        }
    }

    #[test]
    fn the_sweeper_frees_what_was_not_paid_in_time_and_late_money_is_let_go() {
        let mut settings = settings(1, 1);
        settings.shop.reservation.ttl = Span(Duration::from_secs(2));
        let moods = [(Mood::Well, 6_000)];
        let mut world = world_of(settings, Saga::ReserveFirst, &[], &moods);
        let slow = world.buy(checkout(1, 0, 1));
        world.pass(4);
        assert_eq!(world.answers[&slow].outcome, Outcome::Error);
        assert_eq!(world.pieces(), (1, 0, 0));
        assert_eq!(world.bought(checkout(2, 0, 1)).outcome, Outcome::Ok);
        assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
        assert_eq!(
            (world.status(1), world.status(2)),
            (OrderStatus::Voided, OrderStatus::Captured)
        );
    }

    #[test]
    fn what_is_being_captured_is_not_swept() {
        let mut settings = settings(1, 1);
        settings.shop.reservation.ttl = Span(Duration::from_secs(2));
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let moods = [(Mood::Well, 500), (Mood::Well, 9_000)];
            let mut world = world_of(settings.clone(), saga, &[], &moods);
            let slow = world.buy(checkout(1, 0, 1));
            world.pass(5);
            assert_eq!(world.pieces(), (0, 1, 0));
            world.pass(15);
            assert_eq!(world.answers[&slow].outcome, Outcome::Ok);
            assert_eq!(world.pieces(), (0, 0, 1));
        }
    }

    fn challenge(cardholder: Cardholder) -> (Mood, u64) {
        (Mood::Challenge(cardholder), 500)
    }

    #[test]
    fn who_is_challenged_comes_back_under_the_same_key_and_buys() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let mut world = world(saga, &[challenge(Cardholder::Passes(20_000))]);
            let first = world.buy(checkout(1, 0, 2));
            world.pass(5);
            let waiting = &world.answers[&first];
            assert_eq!((waiting.outcome, waiting.retry_after_s), (Outcome::Waiting, Some(2)));
            assert_eq!(waiting.order, Some(OrderId(1)));
            let again = world.buy(checkout(1, 0, 2));
            let other_card = world.buy(checkout(1, 1, 2));
            world.pass(1);
            assert_eq!(world.answers[&again].outcome, Outcome::Waiting);
            assert_eq!(world.answers[&other_card].outcome, Outcome::Waiting);
            world.pass(40);
            let polled = world.ask(ShopRequest::Order { key: "0-1-0".to_owned() });
            world.pass(1);
            assert_eq!(world.answers[&polled].outcome, Outcome::Ok);
            assert_eq!(world.pieces(), (8, 0, 2));
            assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
            // After 2, 4, 8 and 16 s: the fourth look finds the answer of second 20.
            let looked = world.bank.calls.iter().filter(|key| key.ends_with("-retrieve"));
            assert_eq!(looked.count(), 4);
        }
    }

    #[test]
    fn who_fails_the_challenge_is_declined_and_may_pay_otherwise() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let mut world = world(saga, &[challenge(Cardholder::Fails(3_000))]);
            world.buy(checkout(1, 0, 1));
            world.pass(20);
            assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
            assert_eq!((world.status(1), world.pieces()), (OrderStatus::Declined, (10, 0, 0)));
            assert_eq!(world.bought(checkout(1, 1, 1)).outcome, Outcome::Ok);
            assert_eq!(world.pending(), 0);
        }
    }

    #[test]
    fn who_never_answers_the_challenge_is_declined_in_time_and_lets_go() {
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let mut settings = settings(10, 10);
            settings.shop.challenge_timeout = Span(Duration::from_secs(45));
            let moods = [challenge(Cardholder::NeverAnswers)];
            let mut world = world_of(settings, saga, &[], &moods);
            world.buy(checkout(1, 0, 1));
            world.pass(45);
            assert_eq!(world.pending(), 1);
            world.pass(5);
            assert_eq!(world.pending(), 0);
            assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
            assert_eq!((world.status(1), world.pieces()), (OrderStatus::Expired, (10, 0, 0)));
            assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::LetGo)]);
        }
    }

    /// The shop gives up while the cardholder still thinks: the answer must reserve no money.
    #[test]
    fn an_answer_after_the_challenge_timeout_reserves_nothing() {
        let mut settings = settings(10, 10);
        settings.shop.challenge_timeout = Span(Duration::from_secs(10));
        let moods = [challenge(Cardholder::Passes(12_000))];
        let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &moods);
        world.buy(checkout(1, 0, 1));
        world.pass(60);
        assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::LetGo)]);
    }

    #[test]
    fn a_reservation_runs_out_while_the_cardholder_thinks() {
        let mut settings = settings(1, 1);
        settings.shop.reservation.ttl = Span(Duration::from_secs(9));
        let moods = [challenge(Cardholder::Passes(30_000))];
        let mut world = world_of(settings, Saga::ReserveFirst, &[], &moods);
        world.buy(checkout(1, 0, 1));
        world.pass(15);
        assert_eq!(world.pieces(), (1, 0, 0));
        assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::LetGo)]);
        assert_eq!(world.bought(checkout(2, 0, 1)).outcome, Outcome::Ok);
        world.pass(60);
        assert_eq!((world.pending(), world.pieces()), (0, (0, 0, 1)));
        assert_eq!(world.status(1), OrderStatus::Voided);
    }

    #[test]
    fn a_look_that_is_refused_or_not_answered_is_made_again() {
        let moods =
            [challenge(Cardholder::Passes(1_000)), LIMIT, LOST, (Mood::Fail, 5), LIMIT, WELL];
        let mut world = world(Saga::AuthorizeFirst, &moods);
        world.buy(checkout(1, 0, 1));
        world.pass(120);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
        assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
    }

    #[test]
    fn before_the_opening_and_after_the_close_nothing_is_sold() {
        let mut world = world(Saga::AuthorizeFirst, &[]);
        let status = ShopRequest::Status { sale: 0 };
        let early = world.ask_at(Time::from_millis(9_999), status.clone());
        let order = ShopRequest::Checkout(checkout(1, 0, 1));
        let early_order = world.ask_at(Time::from_millis(9_999), order);
        let open = world.ask_at(Time::from_millis(10_000), status.clone());
        let bought = world.buy(checkout(2, 0, 1));
        world.pass(1_000);
        let late = [
            status,
            ShopRequest::Slots { sale: 0 },
            ShopRequest::Item { item: ItemId(0) },
            ShopRequest::Cart { item: ItemId(0), slot: Some(SlotId(0)), quantity: 1 },
            ShopRequest::Checkout(checkout(1, 0, 1)),
        ]
        .map(|request| world.ask(request));
        let again = world.buy(checkout(2, 0, 1));
        world.pass(1);
        assert_eq!(world.answers[&early].outcome, Outcome::NotOpen);
        assert_eq!(world.answers[&early_order].outcome, Outcome::NotOpen);
        let free = ShopReply { items: Some(1), slots: Some(1), ..ShopReply::of(Outcome::Ok) };
        assert_eq!(world.answers[&open], free);
        for ticket in late {
            assert_eq!(world.answers[&ticket].outcome, Outcome::Rejected);
        }
        assert_eq!(world.answers[&again], world.answers[&bought]);
    }

    #[test]
    fn what_does_not_exist_is_rejected() {
        let mut world = world(Saga::AuthorizeFirst, &[]);
        let mut no_slot = checkout(1, 0, 1);
        no_slot.slot = None;
        let requests = [
            ShopRequest::Page { sale: 9, part: 0 },
            ShopRequest::Status { sale: 9 },
            ShopRequest::Slots { sale: 9 },
            ShopRequest::Item { item: ItemId(9) },
            ShopRequest::Cart { item: ItemId(0), slot: Some(SlotId(9)), quantity: 1 },
            ShopRequest::Checkout(Checkout { item: ItemId(9), ..checkout(1, 0, 1) }),
            ShopRequest::Checkout(Checkout { key: "k".repeat(201), ..checkout(1, 0, 1) }),
            ShopRequest::Checkout(no_slot),
            ShopRequest::Order { key: "nobody".to_owned() },
        ];
        for request in requests {
            let ticket = world.ask(request.clone());
            world.pass(1);
            assert_eq!(world.answers[&ticket].outcome, Outcome::Rejected, "{request:?}");
        }
        assert!(world.bank.calls.is_empty());
    }

    #[test]
    fn those_who_look_see_what_is_sold_out() {
        let mut world = world_of(settings(1, 1), Saga::AuthorizeFirst, &[], &[]);
        world.bought(checkout(1, 0, 1));
        let cart = ShopRequest::Cart { item: ItemId(0), slot: Some(SlotId(0)), quantity: 1 };
        for (request, short) in [
            (ShopRequest::Item { item: ItemId(0) }, Some(Short::Item)),
            (cart, Some(Short::Item)),
            (ShopRequest::Slots { sale: 0 }, Some(Short::Slot)),
            (ShopRequest::Status { sale: 0 }, None),
        ] {
            let ticket = world.ask(request);
            world.pass(1);
            let reply = &world.answers[&ticket];
            assert_eq!((reply.short, reply.items, reply.slots), (short, Some(0), Some(0)));
        }
    }

    fn gated(stock: u32, orders_per_second: f64) -> ShopSettings {
        let mut settings = settings(stock, 100);
        let gate = Gate { orders_per_second, burst: None, by: AdmissionBy::Memory };
        settings.shop.admission = Some(gate);
        settings
    }

    #[test]
    fn without_a_token_one_waits_and_either_a_knock_or_a_poll_gets_in() {
        let mut world = world_of(gated(10, 2.0), Saga::AuthorizeFirst, &[], &[]);
        let first = [1, 2].map(|fan| world.buy(checkout(fan, 0, 1)));
        let refused = [3, 4].map(|fan| world.buy(checkout(fan, 0, 1)));
        world.pass(10);
        for ticket in refused {
            assert_eq!(world.answers[&ticket].outcome, Outcome::Waiting);
            assert!(world.answers[&ticket].retry_after_s >= Some(1));
        }
        let knock = world.buy(checkout(3, 0, 1));
        let poll = world.ask(ShopRequest::Order { key: "0-4-0".to_owned() });
        world.pass(10);
        for ticket in [first[0], first[1], knock, poll] {
            assert_eq!(world.answers[&ticket].outcome, Outcome::Ok);
        }
    }

    #[test]
    fn those_who_wait_for_nothing_are_told() {
        let mut world = world_of(gated(1, 2.0), Saga::AuthorizeFirst, &[], &[]);
        world.bought(checkout(1, 0, 1));
        for fan in 2..4 {
            world.buy(checkout(fan, 0, 1));
        }
        let without_token = world.buy(checkout(9, 0, 1));
        world.pass(1);
        assert_eq!(world.answers[&without_token].outcome, Outcome::SoldOut);
    }

    #[test]
    fn two_who_read_the_same_counter_both_buy() {
        let mut settings = settings(1, 10);
        settings.shop.inventory = Inventory::NaiveCounter;
        let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &[]);
        let both = [1, 2].map(|fan| world.buy(checkout(fan, 0, 1)));
        world.pass(20);
        assert_eq!(both.map(|ticket| world.answers[&ticket].outcome), [Outcome::Ok, Outcome::Ok]);
        assert_eq!(world.pieces(), (-1, 0, 2));
        assert_eq!(world.bought(checkout(3, 0, 1)).outcome, Outcome::SoldOut);
    }

    #[test]
    fn each_fault_breaks_its_promise() {
        use Fault::{
            CaptureWithoutStock, ConfirmWithoutCapture, DoubleCharge, EarlySoldOut, LeakUnits,
            LostVoid, Oversell, OversellSlots, StrandOnDecline,
        };
        for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
            let decline = [(Mood::Decline, 100)];
            let run = |fault, stock, capacity, moods: &[_], fans: u32| {
                let mut world = world_of(settings(stock, capacity), saga, &[fault], moods);
                let tickets: Vec<_> = (0..fans).map(|fan| world.buy(checkout(fan, 0, 1))).collect();
                world.pass(100);
                assert_eq!(world.pending(), 0);
                let ok = |ticket: &&Ticket| world.answers[*ticket].outcome == Outcome::Ok;
                (tickets.iter().filter(ok).count(), world)
            };
            assert_eq!(run(Oversell, 20, 100, &[], 40).0, 22);
            assert_eq!(run(OversellSlots, 100, 20, &[], 40).0, 22);
            assert_eq!(run(EarlySoldOut, 20, 100, &[], 40).0, 18);
            assert_eq!(run(StrandOnDecline, 5, 100, &decline, 1).1.pieces(), (4, 1, 0));
            let (sold, world) = run(LeakUnits, 20, 100, &[], 40);
            assert_eq!((sold, world.pieces()), (18, (0, 0, 18)));
            let (sold, world) = run(CaptureWithoutStock, 1, 100, &[], 2);
            assert_eq!((sold, world.pieces()), (2, (0, 0, 1)));
            let (sold, world) = run(ConfirmWithoutCapture, 5, 100, &[], 1);
            assert_eq!((sold, world.bank.count("0-0", Money::Reserved)), (1, 1));
            assert_eq!(run(DoubleCharge, 5, 100, &[], 1).1.bank.count("0-0", Money::Taken), 2);
            let (_, world) = run(LostVoid, 5, 100, &[WELL, LIMIT], 1);
            assert_eq!(world.bank.count("0-0", Money::Reserved), 1);
        }
    }

    fn cardholder() -> impl Strategy<Value = Cardholder> {
        prop_oneof![
            2 => (0_u64..90_000).prop_map(Cardholder::Passes),
            1 => (0_u64..90_000).prop_map(Cardholder::Fails),
            1 => Just(Cardholder::NeverAnswers),
        ]
    }

    fn mood() -> impl Strategy<Value = (Mood, u64)> {
        let mood = prop_oneof![
            6 => Just(Mood::Well),
            1 => Just(Mood::Limit(None)),
            1 => Just(Mood::Decline),
            1 => Just(Mood::Silent),
            1 => Just(Mood::Lost),
            1 => Just(Mood::Fail),
            2 => cardholder().prop_map(Mood::Challenge),
        ];
        (mood, 0_u64..12_000)
    }

    proptest! {
        #[test]
        fn every_ticket_is_answered_and_every_order_ends(
            reserve_first in any::<bool>(),
            naive in any::<bool>(),
            gate in prop::option::of(1.0..5.0_f64),
            ttl_ms in 1_u64..15_000,
            void_retries in 0_u32..3,
            challenge_s in 1_u64..90,
            moods in prop::collection::vec(mood(), 0..120),
            stock_ms in prop::collection::vec(0_u64..3_000, 0..7),
            asks in prop::collection::vec((0_u64..60_000, 0_u32..6, 0_u32..2, 1_u32..3), 1..40),
        ) {
            let mut settings = gate.map_or_else(|| settings(6, 5), |rate| gated(6, rate));
            settings.shop.reservation.ttl = Span(Duration::from_millis(ttl_ms));
            settings.shop.void_retries = void_retries;
            settings.shop.challenge_timeout = Span(Duration::from_secs(challenge_s));
            settings.shop.inventory =
                if naive { Inventory::NaiveCounter } else { Inventory::UnitRows };
            let saga = if reserve_first { Saga::ReserveFirst } else { Saga::AuthorizeFirst };
            let mut world = world_of(settings, saga, &[], &moods);
            world.stock_ms = stock_ms;
            let mut tickets = Vec::new();
            for (after_ms, fan, n, quantity) in asks {
                let at = Time::from_millis(10_000 + after_ms);
                let order = checkout(fan, n, quantity);
                let key = order.key.clone();
                tickets.push(world.ask_at(at, ShopRequest::Checkout(order)));
                tickets.push(world.ask_at(at + Duration::from_secs(30), ShopRequest::Order { key }));
            }
            world.pass(5_000);

            prop_assert_eq!(world.pending(), 0);
            prop_assert_eq!(world.answers.len(), tickets.len());
            let (free, held, sold) = world.pieces();
            prop_assert_eq!((free + sold, held), (6, 0));
            prop_assert!(naive || free >= 0);
            prop_assert!(world.rows.values().all(|row| row.status.is_terminal()));
            for fan in 0..6 {
                let intent = format!("0-{fan}");
                let paid: Vec<_> = world
                    .rows
                    .values()
                    .filter(|row| row.checkout.intent == intent && row.status.is_paid())
                    .collect();
                prop_assert!(world.bank.count(&intent, Money::Taken) <= 1);
                prop_assert_eq!(world.bank.count(&intent, Money::Taken), paid.len());
            }
            let paid = world.rows.values().filter(|row| row.status.is_paid());
            let pieces: u32 = paid.map(|row| row.checkout.quantity).sum();
            prop_assert_eq!(i64::from(pieces), sold);
        }
    }
}
