//! Behind the application: the shop's effects carried out on the inventory and the provider of the
//! simulated world.

use std::collections::BTreeMap;

use domain::id::OrderId;
use domain::provider::{PaymentLine, PaymentReply, PaymentRequest};
use domain::shop::{ShopLine, ShopSnapshot};
use domain::time::{Duration, Time};
use mock_provider::rules::Delivery;
use reference_shop::inventory::hold_lines;
use reference_shop::inventory::memory::Memory;
use reference_shop::rules::{Effect, Input, Shop, Ticket, Wake};

use super::World;
use super::event::Seldom;
use super::site::is_quiet;

/// What the shop and the provider have written down, and what passed each tier.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) edge: u64,
    pub(super) origin: u64,
    payment: u64,
    payments: Vec<PaymentLine>,
}

/// Both ledgers at the end.
#[derive(Debug)]
pub struct Ledgers {
    /// The shop's.
    pub shop: Vec<ShopLine>,
    /// The provider's.
    pub provider: Vec<PaymentLine>,
}

impl Books {
    /// Both ledgers as they stand. Virtual time begins at 0 UTC.
    ///
    /// Of a region beside it goes with them what this one has never heard of.
    pub(super) fn ledgers(
        self,
        (inventory, shop): (&Memory, &Shop),
        aside: Option<&Memory>,
    ) -> Ledgers {
        let mut lines = inventory.lines();
        lines.extend(hold_lines(shop, 0));
        lines.extend(aside.into_iter().flat_map(|aside| aside.lines_beside(inventory)));
        Ledgers { shop: lines, provider: self.payments }
    }
}

impl World<'_> {
    /// Lets the shop do what must be done first.
    pub(super) fn open_the_shop(&mut self) {
        let effects = self.shop.start();
        self.carry_out(Time::ZERO, effects);
    }

    pub(super) fn wake_shop(&mut self, at: Time, wake: Wake) {
        self.tell_shop(at, Input::Woke(wake));
    }

    /// Tells the shop what happened and does what it wants done.
    pub(super) fn tell_shop(&mut self, at: Time, input: Input) {
        let effects = self.shop.handle(at, input);
        self.carry_out(at, effects);
    }

    pub(super) fn carry_out(&mut self, at: Time, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Reply { ticket: Ticket(call), reply } => {
                    let call = u32::try_from(call).expect("tickets are the numbers of calls");
                    self.origin_answered(at, call, reply);
                }
                Effect::Inventory { asker, call } => self.ask_inventory(at, asker, call),
                Effect::CallProvider { order, request } => self.call_provider(at, order, &request),
                Effect::Tokenize { ticket, request } => {
                    let (delay, reply) = self.ask_provider(at, &request);
                    self.schedule_seldom(at + delay, Seldom::Token { ticket, reply });
                }
                Effect::AskGate { .. } | Effect::SettleGate(_) => {
                    unreachable!("a shop that stands alone keeps its own gate")
                }
                Effect::Record(row) => self.inventory.record(row),
                Effect::Wake { at, wake } => self.schedule_seldom(at, Seldom::Shop(wake)),
            }
        }
    }

    /// The provider decides at once; its answer, or the shop's time-out, comes later.
    fn call_provider(&mut self, at: Time, order: OrderId, request: &PaymentRequest) {
        let (delay, reply) = self.ask_provider(at, request);
        self.schedule_seldom(at + delay, Seldom::Provider { order, reply });
    }

    /// What it answers, or `None`, and how long that takes.
    fn ask_provider(
        &mut self,
        at: Time,
        request: &PaymentRequest,
    ) -> (Duration, Option<PaymentReply>) {
        self.books.payment += 1;
        let mut decision = self.provider.call(at, at.nanos(), request);
        self.books.payments.append(&mut decision.lines);
        let timeout = self.scenario.shop.provider_timeout.0;
        match decision.delivery {
            // A connection that breaks is heard of at once.
            Delivery::Reset if decision.delay <= timeout => (decision.delay, None),
            Delivery::Whole | Delivery::Slow(_) if decision.takes() <= timeout => {
                (decision.takes(), decision.payment_reply())
            }
            _ => (timeout, None),
        }
    }

    pub(super) fn token_answered(&mut self, at: Time, ticket: Ticket, reply: Option<PaymentReply>) {
        self.tell_shop(at, Input::Token { ticket, reply });
    }

    pub(super) fn provider_answered(
        &mut self,
        at: Time,
        order: OrderId,
        reply: Option<PaymentReply>,
    ) {
        self.tell_shop(at, Input::Provider { order, reply });
    }

    /// Lets what has fallen due at the provider by itself reach its ledger: cardholders answer, and
    /// reserved money is let go, whether or not anybody calls.
    pub(super) fn settle_payments(&mut self, at: Time) {
        let mut lines = self.provider.settle(at, at.nanos());
        self.books.payments.append(&mut lines);
    }

    /// What the shop says of itself.
    pub(super) fn snapshot(&self, at: Time) -> ShopSnapshot {
        let balances = self.inventory.balances();
        ShopSnapshot {
            at,
            edge: self.books.edge,
            origin: self.books.origin,
            payment: self.books.payment,
            pending: self.shop.pending(),
            items: balances.items,
            slots: balances.slots,
            database: None,
            database_load: self.database_load(),
            tasks: self.task_state(),
            balancer: self.balancer_state(),
            caches: self.edge.state(),
            full: BTreeMap::new(),
        }
    }

    /// Whether nothing is left that could still change a ledger by then: a request whose fan has
    /// given up waiting may yet become an order, and a cardholder may answer whom the shop has
    /// forgotten.
    pub(super) fn is_quiet_until(&self, end: Time) -> bool {
        if self.provider.next_due().is_some_and(|due| due <= end) {
            return false;
        }
        self.calls.is_empty()
            && is_quiet(&self.shop, &self.inventory, &self.statements)
            && self.is_quiet_aside()
    }
}
