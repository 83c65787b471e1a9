//! The ledgers side by side: which payment belongs to which order.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Deref;

use domain::shop::Balance;
use domain::time::Time;

use crate::audit::clocks::Clocks;
use crate::audit::entries::{Order, Payment, Place, orders, payments};
use crate::audit::{AuditSettings, foreign};
use crate::evidence::ledgers::Ledgers;
use crate::evidence::names::Name;
use crate::evidence::rows::ShopRow;
use crate::evidence::{Evidence, Facts};

/// The evidence, and what is asked of it. A ledger that could not be read is absent.
pub(super) struct Books<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) facts: &'a Facts,
    /// What is asked of the judge.
    pub(super) asked: &'a AuditSettings,
    /// How far the ledgers of a foreign shop go; absent for the embedded one, whose go all the way.
    pub(super) ledgers: Option<&'a Ledgers>,
    entries: OnceCell<Entries<'a>>,
    unlisted: OnceCell<Option<String>>,
}

/// The ledgers, indexed.
pub(super) struct Entries<'a> {
    evidence: &'a Evidence,
    /// How the ledgers' times lie to the clients'.
    pub(super) clocks: Clocks,
    /// The orders of the shop's ledger; empty where it is absent.
    pub(super) orders: Vec<Order<'a>>,
    /// The payments of the provider's ledger, in the order of their first line; empty where it is absent.
    pub(super) payments: Vec<Payment<'a>>,
    /// The place of each order by its number.
    order_places: Vec<Place>,
}

/// What is indexed of the ledgers is so once somebody looks: who goes by the clients alone needs no room
/// for it.
impl<'a> Deref for Books<'a> {
    type Target = Entries<'a>;

    fn deref(&self) -> &Entries<'a> {
        self.entries.get_or_init(|| Entries::new(self.evidence))
    }
}

impl<'a> Books<'a> {
    pub(super) fn new(evidence: &'a Evidence, facts: &'a Facts, asked: &'a AuditSettings) -> Self {
        Self {
            evidence,
            facts,
            asked,
            ledgers: evidence.ending.ledgers.as_ref(),
            entries: OnceCell::new(),
            unlisted: OnceCell::new(),
        }
    }

    /// Which status the scenario may have forgotten among those that mean sold, if one looks so.
    pub(super) fn unlisted(&self) -> Option<&String> {
        let looked = || self.ledgers.and_then(|_| foreign::unlisted_sales(self));
        self.unlisted.get_or_init(looked).as_ref()
    }

    /// The order of that number.
    pub(super) fn order(&self, id: &str) -> Option<&Order<'a>> {
        self.order_named(self.evidence.names().orders.find(id)?)
    }

    /// The order of that number.
    pub(super) fn order_named(&self, name: Name) -> Option<&Order<'a>> {
        self.order_places[name.place()].get().map(|place| &self.orders[place])
    }

    /// Money taken for an order \[minor units\].
    pub(super) fn net(&self, order: &Order<'_>) -> u64 {
        let (mut sum, mut next) = (0_u64, order.first_payment);
        while let Some(payment) = next.get().map(|place| &self.payments[place]) {
            sum = sum.saturating_add(payment.net());
            next = payment.next;
        }
        sum
    }

    /// An instant of the shop's clock as time since the run began, by the clients' clock.
    pub(super) fn shop_time(&self, utc_ns: u64) -> Time {
        self.clocks.shop.time(utc_ns)
    }

    /// The purchase that a payment is for, by its intent or, where it has none, by its order's
    /// number.
    pub(super) fn purchase(&self, payment: &Payment<'a>) -> Option<&'a str> {
        match payment.order().map(|order| &self.orders[order]) {
            Some(order) if !order.intent().is_empty() => Some(order.intent()),
            Some(order) => Some(order.id()),
            None => Some(payment.intent()).filter(|intent| !intent.is_empty()),
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
        self.evidence.shop_rows().filter_map(|row| match row {
            ShopRow::Stock { item, initial, free, held, sold } => {
                Some((item.to_owned(), initial, Balance { free, held, sold }))
            }
            ShopRow::Slot { slot, sale, initial, free, held, sold } => {
                let name = match slot.strip_prefix(sale) {
                    Some(rest) if rest.starts_with('/') => slot.to_owned(),
                    _ => format!("{sale}/{slot}"),
                };
                Some((name, initial, Balance { free, held, sold }))
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
    pub(super) fn items_with_units(&self) -> BTreeSet<Name> {
        let item = |row| match row {
            ShopRow::Unit { item, .. } => Some(item.name()),
            _ => None,
        };
        self.evidence.shop_rows().filter_map(item).collect()
    }
}

impl<'a> Entries<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        let (mut orders, order_places) = orders(evidence);
        if let Some(ledgers) = &evidence.ending.ledgers {
            foreign::sort_out(&mut orders, ledgers, evidence);
        }
        let clocks = Clocks::measure(evidence, &orders);
        let payments = payments(evidence);
        let mut entries = Self { evidence, clocks, orders, payments, order_places };
        entries.join();
        entries
    }

    /// Gives each payment to one order: the one that names it; or else, of the orders of its
    /// intent, the first paid one, or the last; or else the one whose number it bears.
    fn join(&mut self) {
        let names = self.evidence.names();
        let mut claims = names.payments.column(Place::NONE);
        let mut by_intent = names.people.column(Place::NONE);
        for (place, order) in self.orders.iter().enumerate() {
            if let Some(payment) = order.claims {
                let claim = &mut claims[payment.place()];
                *claim = if *claim == Place::NONE { Place::of(place) } else { *claim };
            }
            if order.intent().is_empty() {
                continue;
            }
            let best = &mut by_intent[order.intent.place()];
            if best.get().is_none_or(|best| !self.orders[best].paid) {
                *best = Place::of(place);
            }
        }
        for (place, payment) in self.payments.iter_mut().enumerate() {
            let by_number = || {
                let said = [payment.intent, payment.reference].map(|name| names.people.text(name));
                let known = said.iter().filter_map(|number| names.orders.find(number));
                known.into_iter().find_map(|name| self.order_places[name.place()].get())
            };
            let known = claims[payment.name.place()].get();
            let known = known.or_else(|| by_intent[payment.intent.place()].get());
            if let Some(order) = known.or_else(by_number) {
                payment.order = Place::of(order);
                let order = &mut self.orders[order];
                payment.next = std::mem::replace(&mut order.first_payment, Place::of(place));
            }
        }
    }
}
