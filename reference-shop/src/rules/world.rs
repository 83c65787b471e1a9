//! A world of one shop for tests: its stock in memory, a provider that does what it is told, and a
//! calendar instead of a clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use domain::id::{AuthorizationId, FanId, ItemId, OrderId, SlotId};
use domain::money::Amount;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use domain::shop::{Catalogue, Checkout, Item, OrderStatus, Sale, ShopReply, ShopRequest, Slot};
use domain::time::{Duration, Time};

use crate::inventory::memory::Memory;
use crate::rules::{Asker, Effect, Input, InventoryCall, OrderRow, Shop, Ticket};
use crate::settings::{Settings, ShopSettings};

/// What the provider does with one call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// As asked.
    Well,
    /// 429 with this wait \[s\], nothing happens.
    Limit(Option<u64>),
    /// The card is declined.
    Decline,
    /// It happens, but nobody is told.
    Silent,
    /// Nothing happens, and nobody is told.
    Lost,
    /// It happens, and a 5xx is told.
    Fail,
    /// The cardholder is asked, and answers so.
    Challenge(Cardholder),
}

/// What a cardholder does who is asked, and after how long \[ms\].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Cardholder {
    Passes(u64),
    Fails(u64),
    NeverAnswers,
}

/// Where an authorization stands at the provider.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Money {
    /// The cardholder is asked.
    Asked,
    /// The cardholder failed.
    Refused,
    Reserved,
    Taken,
    LetGo,
}

#[derive(Debug, Default)]
pub(super) struct Bank {
    pub(super) authorizations: Vec<(String, Money)>,
    replies: HashMap<String, (String, PaymentReply)>,
    /// What cardholders will have made of authorizations, and when.
    answers: HashMap<u64, (Time, Money)>,
    /// All keys that were called, in order.
    pub(super) calls: Vec<String>,
}

impl Bank {
    /// How many authorizations of `intent` stand so.
    pub(super) fn count(&self, intent: &str, money: Money) -> usize {
        let wanted = (intent.to_owned(), money);
        self.authorizations.iter().filter(|authorization| **authorization == wanted).count()
    }

    fn answer(&mut self, at: Time, request: &PaymentRequest, mood: Mood) -> Option<PaymentReply> {
        self.calls.push(request.key.clone());
        self.let_cardholders_answer(at);
        match mood {
            Mood::Limit(wait) => {
                Some(PaymentReply::RateLimited { retry_after: wait.map(Duration::from_secs) })
            }
            Mood::Lost => None,
            Mood::Well | Mood::Decline | Mood::Challenge(_) => Some(self.effect(at, request, mood)),
            Mood::Silent => {
                self.effect(at, request, mood);
                None
            }
            Mood::Fail => {
                self.effect(at, request, mood);
                Some(PaymentReply::Failed)
            }
        }
    }

    /// Cardholders answer by themselves, whether or not anybody asks.
    fn let_cardholders_answer(&mut self, at: Time) {
        for (id, (when, becomes)) in &self.answers {
            let (_, money) = &mut self.authorizations[place(*id)];
            if *when <= at && *money == Money::Asked {
                *money = *becomes;
            }
        }
    }

    fn standing(&self, id: AuthorizationId) -> PaymentReply {
        match self.authorizations[place(id.0)].1 {
            Money::Asked => PaymentReply::Challenged { authorization: id },
            Money::Refused => PaymentReply::Declined { code: "card_declined".to_owned() },
            Money::Reserved => PaymentReply::Authorized { authorization: id },
            Money::Taken => PaymentReply::Captured,
            Money::LetGo => PaymentReply::Voided,
        }
    }

    /// The first effect of a key, or its replay.
    fn effect(&mut self, at: Time, request: &PaymentRequest, mood: Mood) -> PaymentReply {
        if let Call::Retrieve { authorization } = request.call {
            return self.standing(authorization);
        }
        let asked = format!("{:?}", request.call);
        if let Some((before, reply)) = self.replies.get(&request.key) {
            assert_eq!(*before, asked, "a key stands for one call");
            return reply.clone();
        }
        let reply = match (&request.call, mood) {
            (Call::Authorize { .. }, Mood::Decline) => {
                PaymentReply::Declined { code: "insufficient_funds".to_owned() }
            }
            (Call::Authorize { .. }, Mood::Challenge(cardholder)) => {
                self.authorizations.push((request.reference.clone(), Money::Asked));
                let id = self.authorizations.len() as u64;
                let after = |ms| at + Duration::from_millis(ms);
                match cardholder {
                    Cardholder::Passes(ms) => {
                        self.answers.insert(id, (after(ms), Money::Reserved));
                    }
                    Cardholder::Fails(ms) => {
                        self.answers.insert(id, (after(ms), Money::Refused));
                    }
                    Cardholder::NeverAnswers => {}
                }
                PaymentReply::Challenged { authorization: AuthorizationId(id) }
            }
            (Call::Authorize { .. }, _) => {
                self.authorizations.push((request.reference.clone(), Money::Reserved));
                let authorization = AuthorizationId(self.authorizations.len() as u64);
                PaymentReply::Authorized { authorization }
            }
            (Call::Capture { authorization, .. }, _) => {
                self.settle(*authorization, Money::Taken, PaymentReply::Captured)
            }
            (Call::Void { authorization }, _) => {
                self.settle(*authorization, Money::LetGo, PaymentReply::Voided)
            }
            (Call::Refund { .. } | Call::Retrieve { .. }, _) => {
                unreachable!("the saga gives nothing back, and looking was dealt with")
            }
        };
        self.replies.insert(request.key.clone(), (asked, reply.clone()));
        reply
    }

    fn settle(&mut self, id: AuthorizationId, to: Money, reply: PaymentReply) -> PaymentReply {
        let (_, money) = &mut self.authorizations[place(id.0)];
        let may = match to {
            Money::LetGo => matches!(money, Money::Reserved | Money::Asked | Money::Refused),
            _ => *money == Money::Reserved,
        };
        if !may {
            return PaymentReply::Refused { code: "payment_intent_unexpected_state".to_owned() };
        }
        *money = to;
        reply
    }
}

fn place(id: u64) -> usize {
    usize::try_from(id - 1).unwrap()
}

enum Happening {
    Input(Input),
    Stock(Asker, InventoryCall),
}

pub(super) struct World {
    shop: Shop,
    pub(super) memory: Memory,
    pub(super) bank: Bank,
    provider_timeout: Duration,
    calendar: BinaryHeap<Reverse<(Time, u64)>>,
    happenings: HashMap<u64, Happening>,
    next: u64,
    tickets: u64,
    pub(super) now: Time,
    pub(super) answers: BTreeMap<Ticket, ShopReply>,
    pub(super) answered_at: BTreeMap<Ticket, Time>,
    pub(super) rows: BTreeMap<OrderId, OrderRow>,
    /// What the provider does with each call, and how long it takes \[ms\]; then it is well.
    pub(super) moods: Vec<(Mood, u64)>,
    /// How long the inventory takes before and after a call takes effect \[ms\], in turn.
    pub(super) stock_ms: Vec<u64>,
    called: usize,
    asked: usize,
}

/// Item 0 of `stock` pieces at 4,500 and slot 0 of `capacity`, from 10 s to 1,000 s.
pub(super) fn settings(stock: u32, capacity: u32) -> ShopSettings {
    let item = Item { id: "tour-tee".to_owned(), stock, price: Amount::new(4_500) };
    let slot = Slot { id: "12:30".to_owned(), capacity };
    let sale = Sale {
        id: "day-1".to_owned(),
        opens: Time::from_millis(10_000),
        closes: Time::from_millis(1_000_000),
        limit_per_fan: 4,
        items: vec![item],
        slots: vec![slot],
    };
    ShopSettings {
        shop: Settings::default(),
        catalogue: Catalogue { sales: vec![sale] },
        account: "spike".to_owned(),
        seed: 1,
    }
}

/// Fan `index` buys `quantity` pieces of item 0 in slot 0 as its purchase `n`.
pub(super) fn checkout(index: u32, n: u32, quantity: u32) -> Checkout {
    let fan = FanId { population: 0, index };
    let (item, slot) = (ItemId(0), Some(SlotId(0)));
    let (intent, key) = (fan.to_string(), format!("{fan}-{n}"));
    Checkout { fan, intent, key, item, slot, quantity, card: n }
}

impl World {
    /// A shop at its opening.
    pub(super) fn new(settings: &ShopSettings) -> Self {
        let memory =
            Memory::new(&settings.catalogue, settings.shop.inventory, &settings.shop.faults);
        let mut world = Self {
            shop: Shop::new(settings.clone()),
            memory,
            bank: Bank::default(),
            provider_timeout: settings.shop.provider_timeout.0,
            calendar: BinaryHeap::new(),
            happenings: HashMap::new(),
            next: 0,
            tickets: 0,
            now: settings.catalogue.sales[0].opens,
            answers: BTreeMap::new(),
            answered_at: BTreeMap::new(),
            rows: BTreeMap::new(),
            moods: Vec::new(),
            stock_ms: Vec::new(),
            called: 0,
            asked: 0,
        };
        let effects = world.shop.start();
        world.carry_out(effects);
        world
    }

    /// A request arrives now; its ticket.
    pub(super) fn ask(&mut self, request: ShopRequest) -> Ticket {
        self.ask_at(self.now, request)
    }

    /// A request arrives `at` that time, once the world gets there.
    pub(super) fn ask_at(&mut self, at: Time, request: ShopRequest) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.plan(at, Happening::Input(Input::Request { ticket, request }));
        ticket
    }

    /// A checkout now; its ticket.
    pub(super) fn buy(&mut self, checkout: Checkout) -> Ticket {
        self.ask(ShopRequest::Checkout(checkout))
    }

    /// Lets `seconds` pass.
    pub(super) fn pass(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(Reverse((at, number))) = self.calendar.peek().copied() {
            if at > until {
                break;
            }
            self.calendar.pop();
            self.now = at;
            match self.happenings.remove(&number).unwrap() {
                Happening::Input(input) => {
                    let effects = self.shop.handle(at, input);
                    self.carry_out(effects);
                }
                Happening::Stock(asker, call) => {
                    let reply = self.memory.apply(at, call);
                    let after = self.stock_delay();
                    self.plan(at + after, Happening::Input(Input::Inventory { asker, reply }));
                }
            }
        }
        self.now = until;
        self.bank.let_cardholders_answer(until);
    }

    /// Asks and waits long enough; the answer.
    pub(super) fn bought(&mut self, checkout: Checkout) -> ShopReply {
        let ticket = self.buy(checkout);
        self.pass(20);
        self.answers[&ticket].clone()
    }

    pub(super) fn pending(&self) -> u64 {
        self.shop.pending()
    }

    pub(super) fn status(&self, order: u64) -> OrderStatus {
        self.rows[&OrderId(order)].status
    }

    /// Free, held and sold pieces of item 0.
    pub(super) fn pieces(&self) -> (i64, i64, i64) {
        let balance = self.memory.balances().items["tour-tee"];
        (balance.free, balance.held, balance.sold)
    }

    fn plan(&mut self, at: Time, happening: Happening) {
        self.next += 1;
        self.calendar.push(Reverse((at, self.next)));
        self.happenings.insert(self.next, happening);
    }

    fn stock_delay(&mut self) -> Duration {
        self.asked += 1;
        let count = self.stock_ms.len();
        Duration::from_millis(if count == 0 { 1 } else { self.stock_ms[self.asked % count] })
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Reply { ticket, reply } => {
                    let before = self.answers.insert(ticket, reply);
                    assert_eq!(before, None, "a ticket is answered once");
                    self.answered_at.insert(ticket, self.now);
                }
                Effect::Inventory { asker, call } => {
                    let before = self.stock_delay();
                    self.plan(self.now + before, Happening::Stock(asker, call));
                }
                Effect::CallProvider { order, request } => self.call(order, &request),
                Effect::Record(row) => {
                    self.memory.record(row.clone());
                    self.rows.insert(row.order, row);
                }
                Effect::Wake { at, wake } => self.plan(at, Happening::Input(Input::Woke(wake))),
            }
        }
    }

    fn call(&mut self, order: OrderId, request: &PaymentRequest) {
        let (mood, takes) = self.moods.get(self.called).copied().unwrap_or((Mood::Well, 700));
        self.called += 1;
        let takes = Duration::from_millis(takes);
        let reply =
            self.bank.answer(self.now, request, mood).filter(|_| takes < self.provider_timeout);
        let after = if reply.is_some() { takes } else { self.provider_timeout };
        self.plan(self.now + after, Happening::Input(Input::Provider { order, reply }));
    }
}
