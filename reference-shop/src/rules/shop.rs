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
mod tests;
