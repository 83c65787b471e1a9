//! Whether a sale sold out, and when: by what the shop said of itself during the run, or else by the
//! times of the orders in its ledger.

use domain::shop::Sale;
use domain::time::{Duration, Time};

use crate::evidence::Evidence;
use crate::evidence::demand::Tally;
use crate::evidence::ledgers::ShopClock;

/// How wrong the times of a foreign shop may be before nothing is said by them.
const ERROR_MAX: Duration = Duration::from_secs(1);

/// Whether all pieces of a sale are sold in the end; `None` where nobody says what was sold, or what
/// there was.
pub(super) fn is(evidence: &Evidence, sale: &Sale, sold: &Tally) -> Option<bool> {
    if !evidence.has_shop() && evidence.snapshots.is_empty() {
        return None;
    }
    let stock = evidence.ending.ledgers.as_ref().map(|ledgers| &ledgers.stock);
    if sale.items.iter().any(|item| stock.is_some_and(|stock| !stock.contains_key(&item.id))) {
        return None;
    }
    let all = sale.items.iter().all(|item| sold.item(&item.id) >= u64::from(item.stock));
    Some(all && !sale.items.is_empty())
}

/// When the last piece of a sale was sold, if it was and if that is known.
pub(super) fn moment(evidence: &Evidence, sale: &Sale) -> Option<Time> {
    if sale.items.is_empty() {
        return None;
    }
    if evidence.snapshots.is_empty() {
        by_orders(evidence, sale)
    } else {
        by_snapshots(evidence, sale)
    }
}

/// Whether the shop's ledger says when orders were paid, on the run's clock.
pub(super) fn has_times(evidence: &Evidence) -> bool {
    let Some(ledgers) = &evidence.ending.ledgers else { return true };
    let is_close = match ledgers.clock {
        ShopClock::Unknown => false,
        ShopClock::Within { error_ns } => u128::from(error_ns) <= ERROR_MAX.as_nanos(),
    };
    is_close && ledgers.has_one_of("orders", &["created", "updated"])
}

/// By the first snapshot that says so.
fn by_snapshots(evidence: &Evidence, sale: &Sale) -> Option<Time> {
    let all_sold = |item: &domain::shop::Item, snapshot: &domain::shop::ShopSnapshot| {
        let balance = snapshot.items.get(&item.id);
        balance.is_some_and(|balance| balance.sold >= i64::from(item.stock))
    };
    let mut snapshots = evidence.snapshots.iter();
    let first = snapshots.find(|then| sale.items.iter().all(|item| all_sold(item, then)));
    first.map(|found| found.at)
}

/// By the paid order that took the last piece of the last item.
fn by_orders(evidence: &Evidence, sale: &Sale) -> Option<Time> {
    if !evidence.has_shop() || !has_times(evidence) {
        return None;
    }
    let moments: Option<Vec<u64>> = sale
        .items
        .iter()
        .map(|item| last_piece(evidence, &item.id, u64::from(item.stock)).filter(|at| *at > 0))
        .collect();
    let last = moments?.into_iter().max()?;
    Some(Time::from_nanos(last.saturating_sub(evidence.ending.began_utc_ns)))
}

/// When so many pieces of an item had been paid for, in UTC \[ns\].
fn last_piece(evidence: &Evidence, wanted: &str, stock: u64) -> Option<u64> {
    let paid = evidence.order_rows().filter(|order| order.paid && *order.item == *wanted);
    let mut paid: Vec<(u64, u64)> =
        paid.map(|order| (order.updated_utc_ns, u64::from(order.quantity))).collect();
    paid.sort_unstable();
    let mut sold = 0_u64;
    let last = paid.into_iter().find(|(_, pieces)| {
        sold = sold.saturating_add(*pieces);
        sold >= stock
    });
    last.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::ledgers::Ledgers;
    use crate::evidence::{Ending, Lines};
    use domain::money::Amount;
    use domain::shop::{Catalogue, Item, ShopLine};

    fn order(item: &str, quantity: u32, updated_s: u64) -> ShopLine {
        ShopLine::Order {
            order_id: updated_s.to_string(),
            fan: String::new(),
            intent: String::new(),
            item: item.to_owned(),
            slot: None,
            quantity,
            amount: Amount::new(1),
            status: "paid".to_owned(),
            paid: true,
            terminal: true,
            payment: None,
            created_utc_ns: 0,
            updated_utc_ns: updated_s * 1_000_000_000,
        }
    }

    fn evidence(shop: Option<Vec<ShopLine>>, clock: ShopClock) -> Lines {
        let item = |id: &str, stock| Item { id: id.to_owned(), stock, price: Amount::new(1) };
        let sale = Sale {
            id: "noon".to_owned(),
            opens: Time::ZERO,
            closes: Time::from_millis(60_000),
            limit_per_fan: 2,
            items: vec![item("tee", 3), item("towel", 1)],
            lottery: None,
            slots: Vec::new(),
        };
        let stock = [("tee".to_owned(), 3), ("towel".to_owned(), 1)].into();
        let columns = [("orders".to_owned(), ["created".to_owned()].into())].into();
        let ledgers = Ledgers { columns, stock, clock, ..Ledgers::default() };
        Lines {
            catalogue: Catalogue { sales: vec![sale] },
            purchases: Vec::new(),
            snapshots: Vec::new(),
            shop,
            provider: None,
            ending: Ending {
                began_utc_ns: 100_000_000_000,
                ledgers: Some(ledgers),
                ..Ending::default()
            },
        }
    }

    fn told(lines: &Lines) -> (Option<bool>, Option<Time>) {
        let evidence = &lines.read();
        let sold = crate::evidence::demand::sold(evidence);
        let sale = &evidence.catalogue.sales[0];
        (is(evidence, sale, &sold), moment(evidence, sale))
    }

    #[test]
    fn a_foreign_shop_is_sold_out_when_its_ledger_says_so() {
        let clock = ShopClock::Within { error_ns: 1_000_000 };
        let all = || vec![order("tee", 2, 110), order("towel", 1, 107), order("tee", 1, 112)];
        assert_eq!(
            told(&evidence(Some(all()), clock)),
            (Some(true), Some(Time::from_millis(12_000)))
        );
        assert_eq!(told(&evidence(Some(all()), ShopClock::Unknown)), (Some(true), None));
        let some = vec![order("tee", 2, 110), order("towel", 1, 107)];
        assert_eq!(told(&evidence(Some(some), clock)), (Some(false), None));
    }

    #[test]
    fn what_nobody_says_is_not_known() {
        let clock = ShopClock::Within { error_ns: 1_000_000 };
        assert_eq!(told(&evidence(None, clock)), (None, None));
        let mut stockless = evidence(Some(Vec::new()), clock);
        stockless.ending.ledgers.as_mut().unwrap().stock.clear();
        assert_eq!(told(&stockless), (None, None));
    }
}
