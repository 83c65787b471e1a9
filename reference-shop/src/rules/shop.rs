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

mod resume;

use std::collections::{HashMap, HashSet};

use domain::id::{FanId, ItemId, OrderId, SlotId};
use domain::money::Amount;
use domain::outcome::Outcome;
use domain::shop::{Catalogue, Checkout, Sale, ShopReply, ShopRequest, Short};
use domain::time::{Duration, Time};

use crate::rules::admission::{Admission, Over};
use crate::rules::history::{History, Hold};
use crate::rules::lottery::{Lotteries, lotteries};
use crate::rules::members::Members;
use crate::rules::order::{Event, Order};
use crate::rules::orders::Orders;
use crate::rules::question::{Places, Question, availability};
use crate::rules::token::Tokenizing;
use crate::rules::worker::{self, Worker};
use crate::rules::{Asker, Effect, Input, InventoryCall, InventoryReply, Ticket, Wake};
use crate::settings::ShopSettings;

/// When to ask again for an order that is under way \[s\]: the least that HTTP can say.
const UNDER_WAY_S: u32 = 1;

/// The shortest time between two sweeps: below it the sweeper would do nothing else.
const SWEEP_MIN: Duration = Duration::from_millis(1);

/// The shop: orders in progress and admission, but never stock.
#[derive(Debug)]
pub struct Shop {
    pub(super) settings: ShopSettings,
    pub(super) places: Places,
    pub(super) admission: Option<Admission>,
    /// Where fans sign in, where that takes time.
    members: Option<Members>,
    /// Who makes the calls that no customer waits for, where that has a pace of its own.
    worker: Option<Worker>,
    /// All orders; they grow with the number of orders only.
    pub(super) orders: Orders,
    /// The latest order under each key.
    pub(super) by_key: HashMap<String, OrderId>,
    /// The latest order of each intent.
    pub(super) by_intent: HashMap<String, OrderId>,
    /// Pieces in each fan's undecided and paid orders, by the sale's place in the catalogue.
    pub(super) pieces: HashMap<(FanId, u16), u32>,
    /// Checkouts that found no token, by key.
    pub(super) knocks: HashMap<String, Checkout>,
    /// Checkouts that wait for the word of who keeps the gate.
    pub(super) at_the_gate: HashMap<Ticket, Checkout>,
    /// Checkouts whose browsers wait for a token.
    pub(super) tokenizing: HashMap<Ticket, Tokenizing>,
    /// The keys of checkouts whose cards have a token and that are no orders yet.
    pub(super) tokens: HashSet<String>,
    /// Requests that wait for the inventory.
    questions: HashMap<Ticket, Question>,
    /// The draws of the sales whose pieces are given out by lot.
    pub(super) lotteries: Lotteries,
    pub(super) pending: u64,
    history: History,
}

impl Shop {
    /// A shop without orders.
    pub fn new(settings: ShopSettings) -> Self {
        Self {
            worker: settings.shop.worker.map(Worker::new),
            members: settings.shop.members.as_ref().map(Members::new),
            places: Places::new(&settings.catalogue),
            admission: settings
                .shop
                .admission
                .as_ref()
                .map(|gate| Admission::new(gate, settings.catalogue.sales.len(), settings.seed)),
            orders: Orders::default(),
            by_key: HashMap::new(),
            by_intent: HashMap::new(),
            pieces: HashMap::new(),
            knocks: HashMap::new(),
            at_the_gate: HashMap::new(),
            tokenizing: HashMap::new(),
            tokens: HashSet::new(),
            questions: HashMap::new(),
            lotteries: lotteries(&settings.catalogue.sales),
            pending: 0,
            history: History::default(),
            settings,
        }
    }

    /// What must be done first: the sweeper's first wake, and the moments of draws by lot.
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = self.draws_to_come();
        effects.push(self.next_sweep(Time::ZERO));
        effects
    }

    /// What follows from `input` `at` that time. Every request is answered exactly once, every
    /// inventory call and provider call is expected to come back exactly once.
    pub fn handle(&mut self, at: Time, input: Input) -> Vec<Effect> {
        if let Input::Inventory { asker, reply } = &input {
            self.history.answered(at, *asker, reply);
        }
        let effects = self.react(at, input);
        for effect in &effects {
            if let Effect::Inventory { asker, call } = effect {
                self.history.asked(at, *asker, *call);
            }
        }
        effects
    }

    /// All that is for sale.
    pub fn catalogue(&self) -> &Catalogue {
        &self.settings.catalogue
    }

    /// What was held for orders so far, and when.
    pub fn holds(&self) -> &[Hold] {
        self.history.holds()
    }

    fn react(&mut self, at: Time, input: Input) -> Vec<Effect> {
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
            Input::Token { ticket, reply } => self.tokenized(at, ticket, reply.as_ref()),
            Input::Gate { ticket, passes } => self.gate_said(at, ticket, passes),
            Input::Woke(Wake::Sweep) => {
                let call = InventoryCall::Sweep { now: at };
                vec![Effect::Inventory { asker: Asker::Sweeper, call }]
            }
            Input::Woke(Wake::Retry(order)) => self.advance(at, order, Event::Retry),
            Input::Woke(Wake::Worker(order)) => worker::unpark(order, &mut self.orders[order]),
            Input::Woke(Wake::Look(order)) => self.advance(at, order, Event::Look),
            Input::Woke(Wake::Draw { sale, round }) => self.draw_due(at, sale, round),
            Input::Woke(Wake::Lapse { sale, round }) => self.release_unpaid(at, sale, round),
            Input::Woke(Wake::SignedIn(ticket)) => answer(ticket, ShopReply::of(Outcome::Ok)),
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
            ShopRequest::Login { sale } => self.sign_in(at, ticket, sale),
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
            ShopRequest::Enter(entry) => answer(ticket, ShopReply::of(self.enter(at, entry))),
            ShopRequest::Drawn { sale, fan } => answer(ticket, self.drawn(at, sale, fan)),
            ShopRequest::Checkout(checkout) => self.checkout(at, ticket, checkout),
            ShopRequest::Order { key } => self.poll(at, ticket, &key),
        }
    }

    /// Signs a fan in, before a sale as well as in it.
    fn sign_in(&mut self, at: Time, ticket: Ticket, sale: u16) -> Vec<Effect> {
        if usize::from(sale) >= self.settings.catalogue.sales.len() {
            return answer(ticket, ShopReply::of(Outcome::Rejected));
        }
        match &mut self.members {
            Some(members) => {
                vec![Effect::Wake { at: members.signed_in(at), wake: Wake::SignedIn(ticket) }]
            }
            None => answer(ticket, ShopReply::of(Outcome::Ok)),
        }
    }

    /// Asks the inventory what is free, if the sale is open.
    pub(super) fn look(
        &mut self,
        at: Time,
        ticket: Ticket,
        sale: u16,
        question: Question,
    ) -> Vec<Effect> {
        if let Some(reply) = self.closed(at, sale) {
            return answer(ticket, reply);
        }
        if question == Question::Status && self.draws_lots(sale) {
            // What is free says nothing of what a fan may hope for.
            return answer(ticket, ShopReply::of(Outcome::Ok));
        }
        self.questions.insert(ticket, question);
        let call = InventoryCall::Availability { sale };
        vec![Effect::Inventory { asker: Asker::Request(ticket), call }]
    }

    /// The inventory said what is free.
    fn looked(&mut self, at: Time, ticket: Ticket, reply: &InventoryReply) -> Vec<Effect> {
        let question = self.questions.remove(&ticket).expect("only who asked is answered");
        let (items, slots) = match *reply {
            InventoryReply::Available { items, slots } => (items, slots),
            InventoryReply::Failed => return answer(ticket, ShopReply::of(Outcome::Error)),
            _ => unreachable!("an availability is answered by an availability, not {reply:?}"),
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

    /// Something happened to an order.
    pub(super) fn advance(&mut self, at: Time, id: OrderId, event: Event) -> Vec<Effect> {
        let order = &mut self.orders[id];
        let (decided, over) = (order.answer().is_some(), order.is_over());
        let mut effects = order.step(at, event, &self.settings);
        let over = if !over && order.is_over() { Over::Now } else { Over::NotYet };
        if over == Over::Now {
            self.pending -= 1;
        }
        let unpaid = order.answer().is_some_and(|answer| answer.outcome != Outcome::Ok);
        if !decided && unpaid {
            let Checkout { fan, item, quantity, .. } = *order.checkout();
            let (sale, _) = self.places.item(item).expect("only what exists is ordered");
            let pieces = self.pieces.get_mut(&(fan, sale));
            *pieces.expect("who ordered has pieces counted") -= quantity;
        }
        effects.extend(self.settle(at, id, &effects, over).map(Effect::SettleGate));
        let order = &mut self.orders[id];
        if let Some(worker) = self.worker.as_mut().filter(|_| order.answer().is_some()) {
            worker.park(at, order, &mut effects);
        }
        effects.extend(self.draw_goes_on(at, id));
        effects
    }

    fn swept(&mut self, at: Time, reply: InventoryReply) -> Vec<Effect> {
        let orders = match reply {
            InventoryReply::Swept(orders) => orders,
            // What has run out is found by the next sweep.
            InventoryReply::Failed => Vec::new(),
            _ => unreachable!("a sweep is answered by what was swept, not {reply:?}"),
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
    pub(super) fn standing(&self, at: Time, id: OrderId) -> ShopReply {
        let order = self.order(id);
        order.answer().cloned().unwrap_or_else(|| ShopReply {
            retry_after_s: Some(order.looks_in_s(at).unwrap_or(UNDER_WAY_S)),
            order: Some(id),
            ..ShopReply::of(Outcome::Waiting)
        })
    }

    /// Why nothing of a sale can be looked at or ordered now, if so.
    pub(super) fn closed(&self, at: Time, sale: u16) -> Option<ShopReply> {
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
    pub(super) fn sale_of(
        &self,
        item: ItemId,
        slot: Option<SlotId>,
        quantity: u32,
    ) -> Option<(u16, Amount)> {
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

    pub(super) fn sale(&self, number: u16) -> &Sale {
        &self.settings.catalogue.sales[usize::from(number)]
    }

    pub(super) fn order(&self, id: OrderId) -> &Order {
        &self.orders[id]
    }
}

pub(super) fn answer(ticket: Ticket, reply: ShopReply) -> Vec<Effect> {
    vec![Effect::Reply { ticket, reply }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::HoldEnd;
    use crate::rules::fault::Fault;
    use crate::rules::world::{Cardholder, Money, Mood, World, checkout, settings};
    use crate::settings::{Admission as Gate, AdmissionBy, Inventory, Saga, Worker};
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
        let gate = Gate { orders_per_second: Some(orders_per_second), ..Gate::default() };
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

    /// A gate that somebody else keeps, which says this.
    fn kept_elsewhere(says: &[Option<bool>], saga: Saga, moods: &[(Mood, u64)]) -> World {
        let mut settings = settings(10, 100);
        settings.shop.admission = Some(Gate {
            calls_per_second: Some(100.0),
            by: AdmissionBy::OwnRedis,
            ..Gate::default()
        });
        let mut world = world_of(settings, saga, &[], moods);
        world.gate = says.iter().copied().collect();
        world
    }

    fn tokens(world: &World) -> Vec<i32> {
        world.tolls.iter().map(|toll| toll.tokens).collect()
    }

    #[test]
    fn who_keeps_the_gate_is_asked_and_a_purchase_costs_its_two_calls() {
        let mut world = kept_elsewhere(&[Some(true)], Saga::AuthorizeFirst, &[]);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
        assert_eq!(tokens(&world), [2]);
    }

    #[test]
    fn who_is_refused_by_the_gate_or_gets_no_word_of_it_waits() {
        let says = [Some(false), None, Some(true)];
        let mut world = kept_elsewhere(&says, Saga::AuthorizeFirst, &[]);
        for _ in 0..2 {
            let reply = world.bought(checkout(1, 0, 1));
            assert_eq!(reply.outcome, Outcome::Waiting);
            assert!(reply.retry_after_s >= Some(1));
        }
        let poll = world.ask(ShopRequest::Order { key: "0-1-0".to_owned() });
        world.pass(10);
        assert_eq!(world.answers[&poll].outcome, Outcome::Ok);
        assert_eq!(world.bank.calls.len(), 2);
    }

    #[test]
    fn a_second_request_of_one_purchase_gives_back_what_the_gate_took() {
        let mut world = kept_elsewhere(&[Some(true); 2], Saga::AuthorizeFirst, &[]);
        let both = [0, 1].map(|_| world.buy(checkout(1, 0, 1)));
        world.pass(10);
        assert_eq!(world.answers[&both[0]].outcome, Outcome::Ok);
        assert_eq!(world.answers[&both[1]].outcome, Outcome::Waiting);
        assert_eq!(tokens(&world), [2, 2, -2]);
        assert_eq!(world.bank.count("0-1", Money::Taken), 1);
    }

    #[test]
    fn calls_beside_the_two_are_told_to_the_gate_and_those_not_made_are_given_back() {
        let decline = [(Mood::Decline, 100)];
        let mut world = kept_elsewhere(&[Some(true)], Saga::AuthorizeFirst, &decline);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
        assert_eq!(tokens(&world), [2, -1]);
        // Authorized, refused at the capture, and voided: three calls.
        let refused = [WELL, LIMIT, WELL];
        let mut world = kept_elsewhere(&[Some(true)], Saga::AuthorizeFirst, &refused);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::RateLimited);
        assert_eq!(tokens(&world), [2, 1]);
    }

    #[test]
    fn a_queued_capture_is_made_after_the_answer_and_until_it_is_answered() {
        let mut moods = vec![WELL];
        moods.extend([LIMIT; 8]);
        let mut world = world(Saga::CaptureQueue, &moods);
        let ticket = world.buy(checkout(1, 0, 2));
        world.pass(2);
        assert_eq!(world.answers[&ticket].outcome, Outcome::Ok);
        assert_eq!((world.pieces(), world.pending()), ((8, 2, 0), 1));
        world.pass(200);
        assert_eq!(world.status(1), OrderStatus::Captured);
        assert_eq!((world.pieces(), world.pending()), ((8, 0, 2), 0));
        assert_eq!(world.bank.calls.len(), 10);
    }

    #[test]
    fn a_refused_capture_is_made_again_as_often_as_the_shop_has_patience() {
        for (retries, outcome) in [(1, Outcome::RateLimited), (2, Outcome::Ok)] {
            let mut settings = settings(10, 10);
            settings.shop.capture_retries = retries;
            let moods = [WELL, LIMIT, LIMIT];
            let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &moods);
            assert_eq!(world.bought(checkout(1, 0, 1)).outcome, outcome);
        }
    }

    #[test]
    fn what_no_customer_waits_for_is_called_at_the_workers_pace() {
        let mut settings = settings(10, 10);
        settings.shop.worker = Some(Worker { calls_per_second: 0.5 });
        let mut world = world_of(settings, Saga::CaptureQueue, &[], &[]);
        let tickets = [1, 2, 3].map(|fan| world.buy(checkout(fan, 0, 1)));
        world.pass(1);
        assert!(tickets.iter().all(|ticket| world.answers[ticket].outcome == Outcome::Ok));
        let mut captured = Vec::new();
        for _ in 0..3 {
            captured.push(world.pieces().2);
            world.pass(2);
        }
        captured.push(world.pieces().2);
        assert_eq!(captured, [0, 1, 2, 3]);
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

    /// What the history of holds says of item 0 in the end: pieces held and sold.
    fn told_pieces(world: &World) -> (i64, i64) {
        let of = |fits: fn(&HoldEnd) -> bool| {
            let holds = world.shop.holds().iter().filter(|hold| fits(&hold.end));
            holds.map(|hold| i64::from(hold.quantity)).sum()
        };
        let held = of(|end| *end == HoldEnd::Held);
        (held, of(|end| matches!(end, HoldEnd::Sold { .. })))
    }

    /// The first moment at which fewer pieces of item 0 were free than the history of holds says
    /// there were at the least: never, or the history is not to be trusted.
    fn history_is_too_generous_at(world: &World, stock: i64) -> Option<Time> {
        let too_generous = |(at, free): &&(Time, i64)| {
            let mut least = stock;
            for hold in world.shop.holds() {
                let is_free = matches!(hold.end, HoldEnd::Freed { at: freed, .. } if freed <= *at);
                if hold.asked <= *at && !is_free {
                    least -= i64::from(hold.quantity);
                }
            }
            least > *free
        };
        world.free.iter().find(too_generous).map(|(at, _)| *at)
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
            prop_assert_eq!(told_pieces(&world), (0, sold));
            prop_assert_eq!(history_is_too_generous_at(&world, 6), None);
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
