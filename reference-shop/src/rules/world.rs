//! A world of one shop for tests: its stock in memory, a provider that does what it is told, and a
//! calendar instead of a clock.

mod bank;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};

use domain::id::{FanId, ItemId, OrderId, SlotId};
use domain::money::Amount;
use domain::provider::PaymentRequest;
use domain::shop::{
    Catalogue, Checkout, Item, OrderStatus, Sale, ShopLine, ShopReply, ShopRequest, Slot,
};
use domain::time::{Duration, Time};

use crate::inventory::memory::Memory;
use crate::rules::{
    Asker, Effect, Found, Input, InventoryCall, InventoryReply, OrderRow, Shop, Ticket, Toll,
};
use crate::settings::{Settings, ShopSettings};

pub(super) use bank::{Bank, Cardholder, Money, Mood};

/// Whether what the inventory is asked takes effect, and is heard of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    Heard,
    /// It is done, but its database is lost before it says so.
    Unheard,
    /// Its database is lost before it is done.
    Undone,
}

enum Happening {
    Input(Input),
    Stock(Asker, InventoryCall),
}

pub(super) struct World {
    pub(super) shop: Shop,
    pub(super) memory: Memory,
    pub(super) bank: Bank,
    settings: ShopSettings,
    calendar: BinaryHeap<Reverse<(Time, u64)>>,
    happenings: HashMap<u64, Happening>,
    next: u64,
    tickets: u64,
    pub(super) now: Time,
    pub(super) answers: BTreeMap<Ticket, ShopReply>,
    pub(super) answered_at: BTreeMap<Ticket, Time>,
    pub(super) rows: BTreeMap<OrderId, OrderRow>,
    /// Those rows that are in the database: each goes there with the call that it came with.
    written: BTreeMap<OrderId, OrderRow>,
    /// What the provider does with each call, and how long it takes \[ms\]; then it is well.
    pub(super) moods: Vec<(Mood, u64)>,
    /// How long the inventory takes before and after a call takes effect \[ms\], in turn.
    pub(super) stock_ms: Vec<u64>,
    /// Free pieces of item 0 after each call to the inventory.
    pub(super) free: Vec<(Time, i64)>,
    /// What becomes of what orders ask of the inventory; then all is heard.
    pub(super) hearings: Vec<Hearing>,
    /// Whether the inventory's database is gone, for everybody.
    pub(super) is_gone: bool,
    /// What the gate says that somebody else keeps, in this order.
    pub(super) gate: VecDeque<Option<bool>>,
    /// What it was asked and told.
    pub(super) tolls: Vec<Toll>,
    called: usize,
    asked: usize,
    stocked: usize,
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
        lottery: None,
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
            settings: settings.clone(),
            calendar: BinaryHeap::new(),
            happenings: HashMap::new(),
            next: 0,
            tickets: 0,
            now: settings.catalogue.sales[0].opens,
            answers: BTreeMap::new(),
            answered_at: BTreeMap::new(),
            rows: BTreeMap::new(),
            written: BTreeMap::new(),
            moods: Vec::new(),
            stock_ms: Vec::new(),
            free: Vec::new(),
            hearings: Vec::new(),
            is_gone: false,
            gate: VecDeque::new(),
            tolls: Vec::new(),
            called: 0,
            asked: 0,
            stocked: 0,
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
            // What the calendar still says of a shop that died does not happen.
            let Some(happening) = self.happenings.remove(&number) else { continue };
            match happening {
                Happening::Input(input) => {
                    let effects = self.shop.handle(at, input);
                    self.carry_out(effects);
                }
                Happening::Stock(asker, call) => {
                    let reply = self.ask_stock(asker, call);
                    self.free.push((at, self.pieces().0));
                    let after = self.stock_delay();
                    self.plan(at + after, Happening::Input(Input::Inventory { asker, reply }));
                }
            }
        }
        self.now = until;
        self.bank.let_cardholders_answer(until);
    }

    /// The shop dies, and another goes on where it ended. What was asked of the inventory is done;
    /// who waited for an answer gets none.
    pub(super) fn die(&mut self) {
        let mut happenings: Vec<(u64, Happening)> = self.happenings.drain().collect();
        happenings.sort_by_key(|(number, _)| *number);
        for (number, happening) in happenings {
            match happening {
                Happening::Stock(asker, call) => drop(self.do_stock(asker, call)),
                Happening::Input(Input::Request { .. }) => {
                    self.happenings.insert(number, happening);
                }
                Happening::Input(_) => {}
            }
        }
        self.rows.clone_from(&self.written);
        self.shop = Shop::new(self.settings.clone());
        let mut effects = self.shop.start();
        let held = self.held();
        let found = self.written.values().map(|row| {
            let holds = held.contains(&row.order.to_string());
            Found { row: row.clone(), holds }
        });
        effects.extend(self.shop.resume(self.now, found.collect()));
        self.carry_out(effects);
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

    /// The orders for which something is held.
    fn held(&self) -> BTreeSet<String> {
        let lines = self.memory.lines().into_iter();
        let held = lines.filter_map(|line| match line {
            ShopLine::Reservation { order_id, .. } => Some(order_id),
            _ => None,
        });
        held.collect()
    }

    fn ask_stock(&mut self, asker: Asker, call: InventoryCall) -> InventoryReply {
        let hearing = match asker {
            _ if self.is_gone => Hearing::Undone,
            Asker::Order(_) => {
                self.stocked += 1;
                self.hearings.get(self.stocked - 1).copied().unwrap_or(Hearing::Heard)
            }
            _ => Hearing::Heard,
        };
        match hearing {
            Hearing::Heard => self.do_stock(asker, call),
            Hearing::Unheard => {
                self.do_stock(asker, call);
                InventoryReply::Failed
            }
            Hearing::Undone => InventoryReply::Failed,
        }
    }

    fn do_stock(&mut self, asker: Asker, call: InventoryCall) -> InventoryReply {
        if let Asker::Order(order) = asker
            && let Some(row) = self.rows.get(&order)
        {
            self.written.insert(order, row.clone());
        }
        self.memory.apply(self.now, call)
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
        let asks = |order: OrderId| {
            effects.iter().any(|effect| {
                matches!(effect, Effect::Inventory { asker: Asker::Order(it), .. } if *it == order)
            })
        };
        for effect in &effects {
            if let Effect::Record(row) = effect
                && !asks(row.order)
            {
                self.written.insert(row.order, row.clone());
            }
        }
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
                Effect::Tokenize { ticket, request } => {
                    let reply = self.bank.answer(self.now, &request, Mood::Well);
                    let input = Input::Token { ticket, reply };
                    self.plan(self.now + Duration::from_millis(1), Happening::Input(input));
                }
                Effect::AskGate { ticket, toll } => {
                    self.tolls.push(toll);
                    let passes = self.gate.pop_front().expect("the test says what the gate says");
                    let input = Input::Gate { ticket, passes };
                    self.plan(self.now + Duration::from_millis(1), Happening::Input(input));
                }
                Effect::SettleGate(toll) => self.tolls.push(toll),
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
        let (takes, timeout) =
            (Duration::from_millis(takes), self.settings.shop.provider_timeout.0);
        let reply = self.bank.answer(self.now, request, mood).filter(|_| takes < timeout);
        let after = if reply.is_some() { takes } else { timeout };
        self.plan(self.now + after, Happening::Input(Input::Provider { order, reply }));
    }
}
