//! The desk: the one task that owns the shop's rules and carries out what they ask for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::id::OrderId;
use domain::provider::PaymentRequest;
use domain::shop::{ShopLine, ShopReply, ShopRequest, ShopSnapshot};
use domain::time::{Duration, Time};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::inventory::stock::{Notice, Stock, StockError};
use crate::inventory::{Balances, hold_lines};
use crate::rules::{Asker, Effect, Found, Input, InventoryCall, Shop, Ticket, Wake};
use crate::server::Counters;
use crate::server::gate::Gate;
use crate::server::link::hub::Told;
use crate::server::pages::{Again, Page, Pages};
use crate::server::payment::Payment;

/// How long to sleep when nothing is planned.
const IDLE: Duration = Duration::from_hours(1);

/// What the connections ask of the desk.
#[derive(Debug)]
pub(super) enum Message {
    /// A request of a fan, and where its answer goes.
    Request(ShopRequest, Answer),
    /// The edge fetches a page, for this one of its tickets.
    Fetch(Page, Ticket),
    /// What the shop says of itself now, but for what the edge counted.
    Snapshot(oneshot::Sender<(ShopSnapshot, oneshot::Receiver<Balances>)>),
    /// All that it wrote down: the inventory's lines, and those that the rules know themselves.
    Ledger(oneshot::Sender<(oneshot::Receiver<Vec<ShopLine>>, Vec<ShopLine>)>),
}

/// Where an answer goes.
#[derive(Debug)]
pub(super) enum Answer {
    /// To who asked in this process.
    Here(oneshot::Sender<ShopReply>),
    /// To the process of the edge that asked under this number.
    There(u64, mpsc::UnboundedSender<Told>),
}

/// Who waits for an answer of the rules.
#[derive(Debug)]
enum Asked {
    Fan(Answer),
    Edge(Page, Ticket),
}

/// The shop's rules, and all that they act on.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) shop: Shop,
    pub(super) clock: Clock,
    pub(super) stock: Stock,
    pub(super) payment: Payment,
    /// The gate, where Redis keeps it.
    pub(super) gate: Option<Gate>,
    pub(super) pages: Arc<Pages>,
    pub(super) counters: Arc<Counters>,
    pub(super) queues: Queues,
    /// The orders that an earlier shop left.
    pub(super) found: Vec<Found>,
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Queues {
    asked: HashMap<Ticket, Asked>,
    tickets: u64,
    /// Calls to the provider and questions to who keeps the gate, each of which becomes an input.
    calls: JoinSet<Option<Input>>,
    /// Calls to the provider that are made once the order behind them is written down: a shop that
    /// dies must know of every order that the provider knows of.
    held_back: HashMap<OrderId, PaymentRequest>,
    /// The next wake first; those of one moment in the order they were asked for.
    wakes: BinaryHeap<Reverse<(Time, u64)>>,
    planned: HashMap<u64, Wake>,
    plans: u64,
}

impl Desk {
    /// Serves until nobody can ask any more.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn serve(
        mut self,
        mut messages: mpsc::UnboundedReceiver<Message>,
        mut notices: mpsc::UnboundedReceiver<Notice>,
    ) -> Result<(), StockError> {
        let mut effects = self.shop.start();
        effects.extend(self.shop.resume(self.clock.now(), std::mem::take(&mut self.found)));
        self.carry_out(effects);
        let served = loop {
            let pause = match self.queues.wakes.peek() {
                Some(Reverse((at, _))) => self.clock.until(*at),
                None => IDLE,
            };
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => self.receive(message),
                    None => break Ok(()),
                },
                Some(notice) = notices.recv() => match notice {
                    Notice::Reply { asker, reply } => {
                        self.handle(Input::Inventory { asker, reply });
                    }
                    Notice::Recorded(order) => self.go_on(order),
                    Notice::Unrecorded(order) => self.give_up(order),
                    Notice::Failed(error) => break Err(error),
                },
                Some(call) = self.queues.calls.join_next() => {
                    if let Some(input) = call.expect("a call to others does not panic") {
                        self.handle(input);
                    }
                }
                () = tokio::time::sleep(pause) => self.wake(),
            }
        };
        self.close().await;
        served
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Request(request, answer) => self.ask(request, Asked::Fan(answer)),
            Message::Fetch(page, ticket) => {
                let request = ShopRequest::Page { sale: page.sale, part: page.part };
                self.ask(request, Asked::Edge(page, ticket));
            }
            // Who asked may have gone.
            Message::Snapshot(answer) => {
                let _ = answer.send((self.snapshot(), self.stock.balances()));
            }
            Message::Ledger(answer) => {
                let holds = hold_lines(&self.shop, self.clock.began_utc_ns());
                let _ = answer.send((self.stock.lines(), holds));
            }
        }
    }

    fn ask(&mut self, request: ShopRequest, asked: Asked) {
        self.queues.tickets += 1;
        let ticket = Ticket(self.queues.tickets);
        self.queues.asked.insert(ticket, asked);
        self.handle(Input::Request { ticket, request });
    }

    /// All wakes that are due.
    fn wake(&mut self) {
        let now = self.clock.now();
        while let Some(Reverse((at, number))) = self.queues.wakes.peek().copied() {
            if at > now {
                break;
            }
            self.queues.wakes.pop();
            let wake = self.queues.planned.remove(&number).expect("a wake is planned once");
            self.handle(Input::Woke(wake));
        }
    }

    fn handle(&mut self, input: Input) {
        let effects = self.shop.handle(self.clock.now(), input);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Reply { ticket, reply } => self.reply(ticket, reply),
                Effect::Inventory { asker, call } => self.call(asker, call),
                Effect::CallProvider { order, request } => {
                    // What this step recorded is on its way before it is asked about.
                    self.stock.flush();
                    if self.stock.is_writing(order) {
                        self.queues.held_back.insert(order, request);
                    } else {
                        self.pay(order, request);
                    }
                }
                Effect::Tokenize { ticket, request } => {
                    self.counters.payment.fetch_add(1, Ordering::Relaxed);
                    let payment = self.payment.clone();
                    self.queues.calls.spawn(async move {
                        Some(Input::Token { ticket, reply: payment.call(request).await })
                    });
                }
                Effect::AskGate { ticket, toll } => {
                    let gate = self.gate();
                    self.queues.calls.spawn(async move {
                        Some(Input::Gate { ticket, passes: gate.ask(toll).await })
                    });
                }
                Effect::SettleGate(toll) => {
                    let gate = self.gate();
                    self.queues.calls.spawn(async move {
                        gate.settle(toll).await;
                        None
                    });
                }
                Effect::Record(row) => self.stock.record(row),
                Effect::Wake { at, wake } => {
                    self.queues.plans += 1;
                    self.queues.planned.insert(self.queues.plans, wake);
                    self.queues.wakes.push(Reverse((at, self.queues.plans)));
                }
            }
        }
        self.stock.flush();
    }

    fn pay(&mut self, order: OrderId, request: PaymentRequest) {
        self.counters.payment.fetch_add(1, Ordering::Relaxed);
        let payment = self.payment.clone();
        self.queues.calls.spawn(async move {
            Some(Input::Provider { order, reply: payment.call(request).await })
        });
    }

    /// An order is written down: what waited for that goes to the provider.
    fn go_on(&mut self, order: OrderId) {
        if let Some(request) = self.queues.held_back.remove(&order) {
            self.pay(order, request);
        }
    }

    /// An order cannot be written down: the provider is not asked, which is as good as no answer.
    fn give_up(&mut self, order: OrderId) {
        if self.queues.held_back.remove(&order).is_some() {
            self.handle(Input::Provider { order, reply: None });
        }
    }

    fn gate(&self) -> Gate {
        self.gate.clone().expect("a gate that others keep was connected to at the start")
    }

    fn call(&mut self, asker: Asker, call: InventoryCall) {
        let known = match call {
            InventoryCall::Availability { sale } => self.stock.glance(sale),
            _ => None,
        };
        match known {
            Some(reply) => self.handle(Input::Inventory { asker, reply }),
            None => self.stock.call(self.clock.now(), asker, call),
        }
    }

    fn reply(&mut self, ticket: Ticket, reply: ShopReply) {
        match self.queues.asked.remove(&ticket).expect("a ticket is answered once") {
            // Who has hung up does not listen.
            Asked::Fan(Answer::Here(to)) => drop(to.send(reply)),
            Asked::Fan(Answer::There(number, to)) => drop(to.send(Told::Reply(number, reply))),
            Asked::Edge(page, ticket) => {
                let status = ShopReply::status(reply.outcome);
                match self.pages.fetched(self.clock.now(), page, ticket, status) {
                    Again::Once => {
                        self.counters.origin.fetch_add(1, Ordering::Relaxed);
                        self.receive(Message::Fetch(page, ticket));
                    }
                    Again::No => {}
                }
            }
        }
    }

    fn snapshot(&self) -> ShopSnapshot {
        ShopSnapshot {
            at: self.clock.now(),
            payment: self.counters.payment.load(Ordering::Relaxed),
            pending: self.shop.pending(),
            database: self.stock.state(),
            ..ShopSnapshot::default()
        }
    }

    /// Gives up what is under way, writes down what was asked for and ends the threads.
    async fn close(mut self) {
        self.queues.calls.shutdown().await;
        let stock = self.stock;
        let closed = tokio::task::spawn_blocking(move || stock.close());
        closed.await.expect("the inventory's threads do not panic");
    }
}
