//! All payments, and how long they are remembered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::directory::Kind;
use super::intent::{Intent, Refund};
use super::reply::Fault;
use super::request::{Charged, Face, ListIntents, PageOf};

/// How many payments are remembered that hold no money: the oldest are forgotten first, so that
/// memory grows with the open authorizations and not with the run. Half an hour of 50 orders per
/// second, in about 50 MB.
pub(super) const IDLE_MAX: usize = 100_000;

/// A refund, and its payment.
type Given = (Arc<Refund>, Arc<Intent>);

/// All payments that are remembered, by number from 1.
#[derive(Debug, Default)]
pub(super) struct Book {
    known: BTreeMap<u64, Arc<Intent>>,
    made: u64,
    open: u64,
    /// Payments that hold no money, since when they hold none.
    idle: VecDeque<u64>,
    /// The gateway's payments by account and order: it has at most one for each.
    orders: HashMap<Order, u64>,
    /// The newest refunds: the payment and the place there of each, by number.
    refunds: BTreeMap<u64, (u64, u16)>,
    refunds_made: u64,
}

/// A merchant account and its own name of an order.
type Order = (Box<str>, Box<str>);

impl Book {
    /// How many hold reserved money.
    pub(super) const fn open(&self) -> u64 {
        self.open
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The number of the next payment.
    pub(super) const fn next(&self) -> u64 {
        self.made + 1
    }

    pub(super) fn get(&self, number: u64) -> Option<&Arc<Intent>> {
        self.known.get(&number)
    }

    /// The payment that the account made for that order through the gateway face.
    pub(super) fn order(&self, account: &str, reference: &str) -> Option<u64> {
        self.orders.get(&(account.into(), reference.into())).copied()
    }

    /// A payment of the account.
    pub(super) fn of(&self, account: &str, number: u64) -> Result<&Arc<Intent>, Fault> {
        let known = self.get(number).filter(|intent| *intent.account == *account);
        known.ok_or(Fault::Missing(Kind::Intent))
    }

    /// A payment that was made under [`Book::next`], as it stands after its first call.
    pub(super) fn insert(&mut self, intent: Intent) -> Arc<Intent> {
        assert_eq!(intent.number, self.next(), "numbers are given in order");
        self.made += 1;
        self.open += u64::from(intent.is_open());
        let number = intent.number;
        let intent = Arc::new(intent);
        self.known.insert(number, Arc::clone(&intent));
        if intent.face == Face::Gateway {
            self.orders.insert(order_of(&intent), number);
        }
        self.rest(&intent);
        intent
    }

    /// Changes a payment of the account; a change that fails changes nothing.
    pub(super) fn change<T>(
        &mut self,
        account: &str,
        number: u64,
        change: impl FnOnce(&mut Intent) -> Result<T, Fault>,
    ) -> Result<(Arc<Intent>, T), Fault> {
        let known = self.known.get_mut(&number).filter(|intent| *intent.account == *account);
        let known = known.ok_or(Fault::Missing(Kind::Intent))?;
        let mut changed = Intent::clone(known);
        let result = change(&mut changed)?;
        self.open -= u64::from(known.is_open());
        self.open += u64::from(changed.is_open());
        *known = Arc::new(changed);
        let known = Arc::clone(known);
        self.rest(&known);
        Ok((known, result))
    }

    /// The account's payments, the newest first, and whether there are more.
    pub(super) fn list(&self, account: &str, wanted: &ListIntents) -> (Vec<Arc<Intent>>, bool) {
        let ListIntents { page, customer, charged } = wanted;
        let fits = |intent: &&Arc<Intent>| {
            *intent.account == *account
                && (*charged == Charged::Perhaps || intent.charges > 0)
                && customer.is_none_or(|customer| intent.customer == Some(customer))
                && page.covers(intent.created_utc_ns)
        };
        let known = self.known.range(page.numbers()).map(|(_, intent)| intent);
        page.cut(known.filter(fits).map(Arc::clone))
    }

    /// The number of the next refund.
    pub(super) const fn next_refund(&self) -> u64 {
        self.refunds_made + 1
    }

    /// Remembers a refund that was made under [`Book::next_refund`].
    pub(super) fn note_refund(&mut self, refund: &Refund) {
        self.refunds_made += 1;
        assert_eq!(refund.number, self.refunds_made, "numbers are given in order");
        self.refunds.insert(refund.number, (refund.intent, refund.place));
        if self.refunds.len() > IDLE_MAX {
            self.refunds.pop_first();
        }
    }

    /// The account's refunds, the newest first, each with its payment, and whether there are more.
    pub(super) fn list_refunds(&self, account: &str, page: &PageOf) -> (Vec<Given>, bool) {
        let found = |(_, (intent, place)): (&u64, &(u64, u16))| {
            let intent = self.of(account, *intent).ok()?;
            let refund = intent.refunds.iter().find(|refund| refund.place == *place)?;
            page.covers(refund.created_utc_ns).then(|| (Arc::clone(refund), Arc::clone(intent)))
        };
        page.cut(self.refunds.range(page.numbers()).filter_map(found))
    }

    /// Remembers that a payment holds no money, and forgets those that have held none for longest.
    fn rest(&mut self, intent: &Intent) {
        if holds(intent) {
            return;
        }
        self.idle.push_back(intent.number);
        while self.idle.len() > IDLE_MAX {
            let oldest = self.idle.pop_front().expect("it is not empty");
            if self.known.get(&oldest).is_some_and(|intent| !holds(intent))
                && let Some(forgotten) = self.known.remove(&oldest)
                && forgotten.face == Face::Gateway
            {
                self.orders.remove(&order_of(&forgotten));
            }
        }
    }
}

/// Whether a payment must be remembered: money is reserved, or its holder is about to answer. Those
/// whose holder may never answer would be kept for ever.
fn holds(intent: &Intent) -> bool {
    intent.is_open() || intent.challenge.is_some_and(|challenge| challenge.answer.is_some())
}

fn order_of(intent: &Intent) -> Order {
    (intent.account.clone(), intent.reference.clone())
}

#[cfg(test)]
mod tests {
    use domain::money::Amount;

    use super::*;
    use crate::rules::request::{CaptureMethod, Confirm, Currency, NewIntent};

    #[test]
    fn an_order_is_known_as_long_as_its_payment() {
        let new = NewIntent {
            amount: Amount::new(4_500),
            currency: Currency::JPY,
            capture: CaptureMethod::Manual,
            confirm: Confirm::Later,
            source: None,
            customer: None,
            terms: None,
        };
        let mut book = Book::default();
        let payments = IDLE_MAX as u64 + 1;
        for number in 1..=payments {
            let order = format!("order-{number}");
            let owner = (Face::Gateway, "shop");
            book.insert(Intent::new(number, 0, owner, (&order, &order), &new));
        }
        assert_eq!(book.order("shop", "order-1"), None);
        assert_eq!(book.order("shop", "order-2"), Some(2));
        assert_eq!(book.order("other", "order-2"), None);
        assert_eq!((book.orders.len(), book.len()), (IDLE_MAX, IDLE_MAX));
    }
}
