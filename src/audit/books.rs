//! The ledgers side by side: which payment belongs to which order.

use std::collections::{BTreeMap, BTreeSet};

use domain::provider::{PaymentLine, PaymentOutcome};
use domain::shop::{Balance, ShopLine};
use domain::time::Time;

use crate::audit::clocks::Clocks;
use crate::audit::{AuditSettings, foreign};
use crate::evidence::ledgers::Ledgers;
use crate::evidence::{Evidence, Facts};

/// The evidence, indexed. A ledger that could not be read is absent.
pub(super) struct Books<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) facts: &'a Facts,
    /// What is asked of the judge.
    pub(super) asked: &'a AuditSettings,
    /// How the ledgers' times lie to the clients'.
    pub(super) clocks: Clocks,
    /// The shop's ledger.
    pub(super) shop: Option<&'a [ShopLine]>,
    /// Its orders; empty where it is absent.
    pub(super) orders: Vec<Order<'a>>,
    /// The provider's ledger.
    pub(super) provider: Option<&'a [PaymentLine]>,
    /// Its payments, in the order of their first line; empty where it is absent.
    pub(super) payments: Vec<Payment<'a>>,
    /// How far the ledgers of a foreign shop go; absent for the embedded one, whose go all the way.
    pub(super) ledgers: Option<&'a Ledgers>,
    order_places: BTreeMap<&'a str, usize>,
    /// Which status the scenario may have forgotten among those that mean sold, if one looks so.
    pub(super) unlisted: Option<String>,
}

/// An order of the shop's ledger: all its rows together.
pub(super) struct Order<'a> {
    pub(super) id: &'a str,
    pub(super) fan: &'a str,
    pub(super) intent: &'a str,
    /// What it is about, in the order of its rows; one at least.
    pub(super) lines: Vec<Line<'a>>,
    pub(super) slot: Option<&'a str>,
    pub(super) amount: u64,
    pub(super) status: &'a str,
    /// Whether any of it is sold.
    pub(super) paid: bool,
    /// Whether nothing more will happen to any of it.
    pub(super) terminal: bool,
    /// Whose it is.
    pub(super) whose: Whose,
    /// The payment that it names.
    pub(super) claims: Option<&'a str>,
    pub(super) created_utc_ns: u64,
    pub(super) updated_utc_ns: u64,
    /// Places of its payments among [`Books::payments`].
    pub(super) payments: Vec<usize>,
}

/// Pieces of one item in an order.
pub(super) struct Line<'a> {
    pub(super) item: &'a str,
    pub(super) quantity: u32,
    pub(super) paid: bool,
}

/// Whose an order is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A fan's of this run, or for all that is known it may be.
    Ours,
    /// Somebody's who also bought in a foreign shop: it takes stock, and is no business of ours.
    SomebodyElses,
}

impl Order<'_> {
    /// Its pieces, of all items together.
    pub(super) fn pieces(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.quantity)).sum()
    }

    /// What of it is sold where it is paid, and otherwise all that it is about.
    pub(super) fn taken(&self) -> impl Iterator<Item = &Line<'_>> {
        self.lines.iter().filter(|line| line.paid || !self.paid)
    }

    /// Whether it is a fan's of this run.
    pub(super) fn is_ours(&self) -> bool {
        self.whose == Whose::Ours
    }

    /// What it is about, as a person says it: `2 × tour-tee`.
    pub(super) fn what(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("{} × {}", line.quantity, line.item));
        lines.collect::<Vec<_>>().join(" and ")
    }
}

/// A payment of the provider's ledger: what truly became of it.
pub(super) struct Payment<'a> {
    pub(super) id: &'a str,
    pub(super) intent: &'a str,
    reference: &'a str,
    pub(super) authorized: Option<u64>,
    captured: u64,
    refunded: u64,
    pub(super) captures: u64,
    pub(super) voided: bool,
    /// The place of its order among [`Books::orders`].
    pub(super) order: Option<usize>,
}

impl Payment<'_> {
    /// Money taken and not given back \[minor units\].
    pub(super) const fn net(&self) -> u64 {
        if self.voided { 0 } else { self.captured.saturating_sub(self.refunded) }
    }

    /// Whether money is reserved that was neither taken nor let go.
    pub(super) const fn is_open(&self) -> bool {
        self.authorized.is_some() && self.captures == 0 && !self.voided
    }
}

impl<'a> Books<'a> {
    pub(super) fn new(evidence: &'a Evidence, facts: &'a Facts, asked: &'a AuditSettings) -> Self {
        let shop = evidence.shop.as_deref();
        let provider = evidence.provider.as_deref();
        let ledgers = evidence.ending.ledgers.as_ref();
        let mut orders = orders(shop.unwrap_or_default());
        if let Some(ledgers) = ledgers {
            foreign::sort_out(&mut orders, ledgers, evidence);
        }
        let order_places =
            orders.iter().enumerate().map(|(place, order)| (order.id, place)).collect();
        let mut books = Self {
            evidence,
            facts,
            asked,
            clocks: Clocks::measure(evidence, &orders, provider.unwrap_or_default()),
            shop,
            order_places,
            orders,
            provider,
            ledgers,
            payments: payments(provider.unwrap_or_default()),
            unlisted: None,
        };
        books.join();
        books.unlisted = ledgers.and_then(|_| foreign::unlisted_sales(&books));
        books
    }

    /// The order of that number.
    pub(super) fn order(&self, id: &str) -> Option<&Order<'a>> {
        self.order_places.get(id).map(|place| &self.orders[*place])
    }

    /// Money taken for an order \[minor units\].
    pub(super) fn net(&self, order: &Order<'_>) -> u64 {
        order
            .payments
            .iter()
            .fold(0, |sum: u64, payment| sum.saturating_add(self.payments[*payment].net()))
    }

    /// An instant of the shop's clock as time since the run began, by the clients' clock.
    pub(super) fn shop_time(&self, utc_ns: u64) -> Time {
        self.clocks.shop.time(utc_ns)
    }

    /// The purchase that a payment is for, by its intent or, where it has none, by its order's
    /// number.
    pub(super) fn purchase(&self, payment: &Payment<'a>) -> Option<&'a str> {
        let order = payment.order.map(|order| &self.orders[order]);
        match order {
            Some(order) if !order.intent.is_empty() => Some(order.intent),
            Some(order) => Some(order.id),
            None => Some(payment.intent).filter(|intent| !intent.is_empty()),
        }
    }

    /// Gives each payment to one order: the one that names it; or else, of the orders of its
    /// intent, the first paid one, or the last; or else the one whose number it bears.
    fn join(&mut self) {
        let mut claims = BTreeMap::new();
        let mut by_intent: BTreeMap<&str, usize> = BTreeMap::new();
        for (place, order) in self.orders.iter().enumerate() {
            if let Some(payment) = order.claims {
                claims.entry(payment).or_insert(place);
            }
            if order.intent.is_empty() {
                continue;
            }
            let best = by_intent.entry(order.intent).or_insert(place);
            if !self.orders[*best].paid {
                *best = place;
            }
        }
        for (place, payment) in self.payments.iter_mut().enumerate() {
            let by_number = || {
                let names = [payment.intent, payment.reference];
                names.iter().find_map(|name| self.order_places.get(name))
            };
            let order = claims.get(payment.id).or_else(|| by_intent.get(payment.intent));
            let order = order.or_else(by_number);
            payment.order = order.copied();
            if let Some(order) = payment.order {
                self.orders[order].payments.push(place);
            }
        }
    }

    /// Pieces of an item, or places of a slot by `sale/slot`, at the start: the catalogue's word,
    /// or for what it does not know, the ledger's. Of a foreign shop, what it had at the opening.
    pub(super) fn initial(&self, name: &str) -> Option<u64> {
        if let Some(ledgers) = self.ledgers {
            return ledgers.stock.get(name).or_else(|| ledgers.places.get(name)).copied();
        }
        let catalogue = &self.evidence.catalogue;
        let item = catalogue.items().find(|(_, _, item)| item.id == name);
        let slot = || {
            catalogue.slots().find(|(_, sale, slot)| {
                name.strip_prefix(sale.id.as_str()).and_then(|rest| rest.strip_prefix('/'))
                    == Some(slot.id.as_str())
            })
        };
        item.map(|(_, _, item)| u64::from(item.stock))
            .or_else(|| slot().map(|(_, _, slot)| u64::from(slot.capacity)))
            .or_else(|| self.balances().find(|(of, ..)| of == name).map(|(_, initial, _)| initial))
    }

    /// The balances of the shop's ledger: name (a slot's as `sale/slot`), initial, balance.
    pub(super) fn balances(&self) -> impl Iterator<Item = (String, u64, Balance)> {
        self.shop.unwrap_or_default().iter().filter_map(|line| match line {
            ShopLine::Stock { item, initial, free, held, sold } => {
                let balance = Balance { free: *free, held: *held, sold: *sold };
                Some((item.clone(), *initial, balance))
            }
            ShopLine::Slot { slot, sale, initial, free, held, sold } => {
                let name = match slot.strip_prefix(sale.as_str()) {
                    Some(rest) if rest.starts_with('/') => slot.clone(),
                    _ => format!("{sale}/{slot}"),
                };
                Some((name, *initial, Balance { free: *free, held: *held, sold: *sold }))
            }
            _ => None,
        })
    }

    /// Pieces of an item, or places of a slot by `sale/slot`, that a foreign shop's orders from
    /// before the run may have moved meanwhile.
    pub(super) fn moved(&self, name: &str) -> u64 {
        let Some(ledgers) = self.ledgers else { return 0 };
        let slot = name.rsplit('/').next().unwrap_or(name);
        ledgers.moved.get(name).or_else(|| ledgers.moved.get(slot)).copied().unwrap_or(0)
    }

    /// The items whose pieces the shop keeps as one row each.
    pub(super) fn items_with_units(&self) -> BTreeSet<&'a str> {
        let item = |line: &'a ShopLine| match line {
            ShopLine::Unit { item, .. } => Some(item.as_str()),
            _ => None,
        };
        self.shop.unwrap_or_default().iter().filter_map(item).collect()
    }
}

/// The orders, each with all its rows: an order of several items has a row for each.
fn orders(shop: &[ShopLine]) -> Vec<Order<'_>> {
    let mut orders: Vec<Order<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for order in shop.iter().filter_map(order) {
        if let Some(place) = places.get(order.id) {
            orders[*place].join(order);
        } else {
            places.insert(order.id, orders.len());
            orders.push(order);
        }
    }
    orders
}

impl Order<'_> {
    /// Takes another row of the same order.
    fn join(&mut self, row: Self) {
        // What stands for the whole is the row that is furthest from its end.
        if self.terminal && !row.terminal {
            self.status = row.status;
        }
        self.lines.extend(row.lines);
        self.slot = self.slot.or(row.slot);
        self.claims = self.claims.or(row.claims);
        self.amount = self.amount.saturating_add(row.amount);
        self.paid |= row.paid;
        self.terminal &= row.terminal;
        self.updated_utc_ns = self.updated_utc_ns.max(row.updated_utc_ns);
    }
}

fn order(line: &ShopLine) -> Option<Order<'_>> {
    match line {
        &ShopLine::Order {
            ref order_id,
            ref fan,
            ref intent,
            ref item,
            ref slot,
            quantity,
            amount,
            ref status,
            paid,
            terminal,
            ref payment,
            created_utc_ns,
            updated_utc_ns,
        } => Some(Order {
            id: order_id,
            fan,
            intent,
            lines: vec![Line { item, quantity, paid }],
            slot: slot.as_deref(),
            amount: amount.minor(),
            status,
            paid,
            terminal,
            whose: Whose::Ours,
            claims: payment.as_deref(),
            created_utc_ns,
            updated_utc_ns,
            payments: Vec::new(),
        }),
        _ => None,
    }
}

fn payments(provider: &[PaymentLine]) -> Vec<Payment<'_>> {
    let mut payments: Vec<Payment<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for line in provider.iter().filter(|line| !line.replayed) {
        let moves = matches!(
            line.outcome,
            PaymentOutcome::Authorized
                | PaymentOutcome::Captured
                | PaymentOutcome::Voided
                | PaymentOutcome::Refunded
        );
        if !moves {
            continue;
        }
        // A ledger without names for its payments still tells them apart by their keys.
        let id = line.payment.as_deref().unwrap_or(&line.key);
        let place = *places.entry(id).or_insert_with(|| {
            payments.push(Payment {
                id,
                intent: &line.intent,
                reference: &line.reference,
                authorized: None,
                captured: 0,
                refunded: 0,
                captures: 0,
                voided: false,
                order: None,
            });
            payments.len() - 1
        });
        let payment = &mut payments[place];
        match line.outcome {
            PaymentOutcome::Authorized => payment.authorized = Some(line.amount.minor()),
            PaymentOutcome::Captured => {
                payment.captures += 1;
                payment.captured = payment.captured.saturating_add(line.amount.minor());
            }
            PaymentOutcome::Refunded => {
                payment.refunded = payment.refunded.saturating_add(line.amount.minor());
            }
            _ => payment.voided = true,
        }
    }
    payments
}
