//! What both ledgers of a foreign shop say of the visit of one fan: its order and its payment, and why
//! they do not find each other.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::FanId;
use domain::outcome::Departure;
use domain::provider::PaymentLine;
use domain::shop::ShopLine;
use domain::time::{Duration, Time};
use serde::de::DeserializeOwned;

use super::admin::with_causes;
use super::ledger::place::Home;
use super::ledger::{Foreign, LedgerSinks, Wanted};
use super::{Settings, Target};
use crate::evidence::ledgers::Ends;
use crate::live::clock::Clock;
use crate::scenario::Scenario;

/// How long an order may take to come to its end after its fan has left.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the ledgers are read meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// Columns of orders without which something cannot be judged; of the last one will do.
const ORDERS: [&[&str]; 5] = [
    &["intent"],
    &["item"],
    &["quantity"],
    &["status"],
    &["amount", "amount_major", "total", "total_major"],
];

/// The ledgers of a foreign shop around one visit.
#[derive(Debug)]
pub struct Beside {
    books: Foreign,
    clock: Clock,
    /// The intent of the fan, as the shop is told it.
    intent: String,
}

/// What the ledgers say of the visit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// The fan's orders, each with its payments: a line each.
    pub rows: Vec<String>,
    /// What the judge could not make anything of: a sentence each.
    pub troubles: Vec<String>,
}

impl Beside {
    /// Takes note of what there is before the visit that `settings` names; nothing where `scenario`
    /// has no ledgers. Paths count from `folder`.
    ///
    /// # Errors
    /// When a ledger cannot be read: why, in one line.
    pub fn open(
        scenario: &Scenario,
        settings: &Settings,
        target: &Target,
        folder: &Path,
    ) -> Result<Option<Self>, String> {
        let Some(foreign) = &scenario.target else { return Ok(None) };
        let wanted = Wanted { reset: None, cleanup: None, ..Wanted::of(foreign) };
        if wanted.shop.is_none() && wanted.provider.is_none() {
            return Ok(None);
        }
        let trust = target.abroad.as_ref().map(|abroad| abroad.trust.clone()).unwrap_or_default();
        let (home, clock) = (Home::of(folder, trust), settings.clock);
        let books = Foreign::new(wanted, &scenario.catalogue, clock, &settings.run, home);
        let mut books = books.map_err(|error| with_causes(&error))?;
        books.open(None).map_err(|error| with_causes(&error))?;
        let intent = format!("{}-{}", settings.run, FanId::default());
        Ok(Some(Self { books, clock, intent }))
    }

    /// Reads the ledgers again, once the shop is at rest or after 5 s, for the fan who left so.
    pub fn after(mut self, departure: Option<Departure>) -> Joined {
        let until = self.clock.now() + PATIENCE;
        while self.books.rest().may_change() && self.clock.now() < until {
            self.clock.sleep_until(Time::NEVER, LOOK);
        }
        let (shop, provider) = (Page::default(), Page::default());
        let mut sinks = LedgerSinks {
            shop: Box::new(shop.clone()),
            provider: Box::new(provider.clone()),
            foreign: None,
        };
        let closed = self.books.close(&mut sinks);
        let mut joined = Joined { troubles: closed.unreadable, ..Joined::default() };
        let ledgers = closed.ledgers;
        if ledgers.has("orders") {
            let lacking = ORDERS.iter().filter(|names| !ledgers.has_one_of("orders", names));
            joined.troubles.extend(lacking.map(|names| {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                format!("the query `orders` gives no column {}", names.join(" or "))
            }));
        }
        let seen = Seen {
            intent: &self.intent,
            has_bought: departure == Some(Departure::Bought),
            ends: ledgers.ends,
            shop: ledgers.has("orders").then(|| shop.lines()),
            provider: ledgers.has("payments").then(|| provider.lines()),
        };
        seen.join(&mut joined);
        joined
    }
}

/// Both ledgers since the beginning of the visit.
struct Seen<'a> {
    intent: &'a str,
    has_bought: bool,
    ends: Ends,
    shop: Option<Vec<ShopLine>>,
    provider: Option<Vec<PaymentLine>>,
}

/// An order, as far as it is told.
struct Order<'a> {
    id: &'a str,
    intent: &'a str,
    what: String,
    status: &'a str,
    paid: bool,
    terminal: bool,
    payment: Option<&'a str>,
}

impl Seen<'_> {
    fn join(&self, joined: &mut Joined) {
        let fan = FanId::default().to_string();
        let all: Vec<Order<'_>> = self.shop.iter().flatten().filter_map(order).collect();
        let own: Vec<&Order<'_>> = all.iter().filter(|order| order.intent == fan).collect();
        for order in &own {
            let payments = self.payments(&fan, order.payment);
            let payments = match (&self.provider, payments.is_empty()) {
                (None, _) => "no ledger of the provider".to_owned(),
                (Some(_), true) => "no payment".to_owned(),
                (Some(_), false) => payments.join(", "),
            };
            joined.rows.push(format!(
                "fan {fan} → order {}: {}, `{}`, {} → {payments}",
                order.id,
                order.what,
                order.status,
                standing(order)
            ));
            if self.has_bought && !order.paid {
                joined.troubles.push(format!(
                    "the fan was told that it is bought, and order {} stands at `{}`, which \
                     `[ledger.shop] paid` does not list",
                    order.id, order.status
                ));
            } else if self.ends == Ends::Listed && !order.paid && !order.terminal {
                joined.troubles.push(format!(
                    "order {} stands at `{}`, which is in neither `paid` nor `terminal` of \
                     `[ledger.shop]`",
                    order.id, order.status
                ));
            }
        }
        if self.has_bought {
            self.what_is_missing(&own, &all, &fan, joined);
        }
    }

    /// Why a purchase is not in the ledgers.
    fn what_is_missing(
        &self,
        own: &[&Order<'_>],
        all: &[Order<'_>],
        fan: &str,
        joined: &mut Joined,
    ) {
        let intent = self.intent;
        if self.shop.is_some() && own.is_empty() {
            let others = match all {
                [] => "there is no new order at all".to_owned(),
                [first, ..] => format!("a new one, {}, bears `{}`", first.id, first.intent),
            };
            joined.troubles.push(format!(
                "no order bears the intent `{intent}`: {others}; does the shop keep {{{{intent}}}}?"
            ));
        }
        let Some(lines) = &self.provider else { return };
        let named = own.iter().find_map(|order| order.payment);
        let found = own.iter().any(|order| !self.payments(fan, order.payment).is_empty());
        if !found && self.payments(fan, None).is_empty() {
            let others = match lines.first() {
                None => "there is no new payment at all".to_owned(),
                Some(line) => format!("a new one bears `{}`", line.intent),
            };
            let named =
                named.map_or(String::new(), |name| format!(", and {name} is not known there"));
            joined.troubles.push(format!(
                "no payment bears the intent `{intent}`: {others}{named}; does the shop pay at this \
                 provider, and hand the intent on?"
            ));
        }
    }

    /// What became of the payments of an intent, and of the one of that name.
    fn payments(&self, fan: &str, named: Option<&str>) -> Vec<String> {
        let is_its = |line: &&PaymentLine| {
            line.intent == fan || named.is_some() && line.payment.as_deref() == named
        };
        let lines = self.provider.iter().flatten().filter(|line| !line.replayed).filter(is_its);
        lines
            .map(|line| {
                let name = line.payment.as_deref().unwrap_or("(without a name)");
                format!("payment {name} {} {}", line.outcome.word(), line.amount.minor())
            })
            .collect()
    }
}

fn order(line: &ShopLine) -> Option<Order<'_>> {
    let ShopLine::Order {
        order_id,
        intent,
        item,
        quantity,
        amount,
        status,
        paid,
        terminal,
        payment,
        ..
    } = line
    else {
        return None;
    };
    Some(Order {
        id: order_id,
        intent,
        what: format!("{quantity} × {item} for {}", amount.minor()),
        status,
        paid: *paid,
        terminal: *terminal,
        payment: payment.as_deref(),
    })
}

const fn standing(order: &Order<'_>) -> &'static str {
    match (order.paid, order.terminal) {
        (true, _) => "paid",
        (false, true) => "over and not paid",
        (false, false) => "under way",
    }
}

/// A file in memory, shared with who reads it.
#[derive(Clone, Debug, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn lines<T: DeserializeOwned>(&self) -> Vec<T> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(intent: &str, status: &str, paid: bool) -> ShopLine {
        let line = serde_json::json!({
            "kind": "order", "order_id": "o7", "fan": "x", "intent": intent, "item": "tee",
            "slot": null, "quantity": 2, "amount": 9_000, "status": status, "paid": paid,
            "terminal": false, "payment": "pi_1", "created_utc_ns": 0, "updated_utc_ns": 0,
        });
        serde_json::from_value(line).unwrap()
    }

    fn payment(intent: &str, name: &str) -> PaymentLine {
        let line = serde_json::json!({
            "utc_ns": 0, "payment": name, "intent": intent, "operation": "authorize",
            "outcome": "captured", "told": "captured", "amount": 9_000, "key": "k",
        });
        serde_json::from_value(line).unwrap()
    }

    fn joined(shop: Option<Vec<ShopLine>>, provider: Option<Vec<PaymentLine>>) -> Joined {
        let (ends, mut joined) = (Ends::Listed, Joined::default());
        let seen = Seen { intent: "k3-0-0", has_bought: true, ends, shop, provider };
        seen.join(&mut joined);
        joined
    }

    #[test]
    fn a_purchase_is_followed_from_the_fan_to_its_payment() {
        let shop = || Some(vec![row("0-0", "paid", true)]);
        let whole = joined(shop(), Some(vec![payment("0-0", "pi_1"), payment("", "pi_9")]));
        let told =
            "fan 0-0 → order o7: 2 × tee for 9000, `paid`, paid → payment pi_1 captured 9000";
        assert_eq!(whole, Joined { rows: vec![told.to_owned()], troubles: vec![] });
        // A payment may be known by its name alone.
        assert_eq!(joined(shop(), Some(vec![payment("", "pi_1")])), whole);
        let alone = joined(shop(), None);
        assert!(alone.rows[0].ends_with("no ledger of the provider") && alone.troubles.is_empty());
    }

    #[test]
    fn what_does_not_find_each_other_is_told() {
        let troubles = |shop, provider| joined(shop, provider).troubles.join("\n");
        let none = troubles(Some(vec![]), Some(vec![]));
        assert!(
            none.contains("no order bears the intent `k3-0-0`: there is no new order"),
            "{none}"
        );
        assert!(none.contains("no payment bears the intent `k3-0-0`"), "{none}");
        let other = troubles(Some(vec![row("x-1", "paid", true)]), None);
        assert!(other.contains("a new one, o7, bears `x-1`"), "{other}");
        let elsewhere = troubles(Some(vec![row("0-0", "paid", true)]), Some(vec![]));
        assert!(
            elsewhere.contains("and pi_1 is not known there; does the shop pay"),
            "{elsewhere}"
        );
        let forgotten = troubles(Some(vec![row("0-0", "fulfilled", false)]), None);
        assert!(
            forgotten.contains("stands at `fulfilled`, which `[ledger.shop] paid`"),
            "{forgotten}"
        );
    }
}
