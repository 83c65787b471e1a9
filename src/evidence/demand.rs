//! What was sold, what was wanted, and what could have been sold.

use std::collections::{BTreeMap, HashSet};

use domain::outcome::{Departure, Outcome};
use domain::provider::PaymentOutcome;
use domain::shop::{Catalogue, Sale};

use crate::evidence::rows::PurchaseRow;
use crate::evidence::{Evidence, Facts};

/// A slot's name across sales, as snapshots write it: `sale/slot`.
///
/// A ledger may write a slot either way; the item says which sale is meant.
pub fn place(catalogue: &Catalogue, item: &str, slot: &str) -> String {
    let sale = catalogue.items().find(|(_, _, known)| known.id == item).map(|(_, sale, _)| sale);
    match sale {
        Some(sale) if !slot.starts_with(&format!("{}/", sale.id)) => format!("{}/{slot}", sale.id),
        _ => slot.to_owned(),
    }
}

/// Pieces by item, and places by `sale/slot`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pieces by item.
    pub items: BTreeMap<String, u64>,
    /// Places by `sale/slot`; one order takes one.
    pub slots: BTreeMap<String, u64>,
}

impl Tally {
    /// One order more.
    pub fn add(&mut self, catalogue: &Catalogue, item: &str, slot: Option<&str>, quantity: u32) {
        *entry(&mut self.items, item) += u64::from(quantity);
        if let Some(slot) = slot {
            *entry(&mut self.slots, &place(catalogue, item, slot)) += 1;
        }
    }

    /// Pieces of an item.
    pub fn item(&self, item: &str) -> u64 {
        self.items.get(item).copied().unwrap_or(0)
    }

    /// Places of a slot, by `sale/slot`.
    pub fn slot(&self, place: &str) -> u64 {
        self.slots.get(place).copied().unwrap_or(0)
    }
}

/// The count of a name, which is copied only when it is new.
fn entry<'a>(counts: &'a mut BTreeMap<String, u64>, name: &str) -> &'a mut u64 {
    if !counts.contains_key(name) {
        counts.insert(name.to_owned(), 0);
    }
    counts.get_mut(name).expect("it was put there")
}

/// What the paid orders of the shop's ledger sold.
pub fn sold(evidence: &Evidence) -> Tally {
    let mut tally = Tally::default();
    for order in evidence.order_rows().filter(|order| order.paid) {
        let slot = order.slot.as_deref();
        tally.add(&evidence.catalogue, &order.item, slot, order.quantity);
    }
    tally
}

/// What the clients were told they had bought: each idempotency key once, however often it was
/// told.
pub fn told_bought(evidence: &Evidence) -> (Tally, u64) {
    let mut tally = Tally::default();
    let mut keys = HashSet::new();
    for attempt in evidence.attempts() {
        if attempt.buys() && attempt.outcome == Outcome::Ok && keys.insert(attempt.key.number()) {
            tally.add(&evidence.catalogue, &attempt.item, attempt.slot, attempt.quantity);
        }
    }
    (tally, keys.len() as u64)
}

/// What one sale could have sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sellable {
    /// Pieces by item.
    pub items: BTreeMap<String, u64>,
    /// Pieces in all.
    pub total: u64,
    /// What the total would be if declined payments had not used up admissions.
    pub after_declines: u64,
}

/// What each sale could have sold, in the catalogue's order: the least of
///
/// - an item's stock;
/// - the pieces of it that were wanted by fans who entered the funnel. Fans who turned away of
///   their own accord (`balked`), or whose card the provider truly declined, do not count: no shop
///   could have sold to them;
/// - over all items of the sale together, ⌊a·window⌋ × the mean pieces of an order, where a is the
///   rate of orders that can be paid; sales that are open at once share it in proportion to what
///   else bounds them, but where the shop admits so many of each;
/// - over all items of the sale together, the places in its slots × the mean pieces.
///
/// The bounds on the total are shared among the items in proportion to what else bounds them, by
/// the largest remainder.
pub fn sellable(evidence: &Evidence, facts: &Facts) -> Vec<Sellable> {
    let catalogue = &evidence.catalogue;
    let wanted = wanted(evidence);
    let bases: Vec<BTreeMap<String, u64>> = catalogue
        .sales
        .iter()
        .map(|sale| {
            sale.items
                .iter()
                .map(|item| (item.id.clone(), wanted.item(&item.id).min(u64::from(item.stock))))
                .collect()
        })
        .collect();
    let declined = declined_pieces(evidence);
    (0..bases.len())
        .map(|sale| {
            let shared = Shared {
                sale: &catalogue.sales[sale],
                base: &bases[sale],
                share: share(catalogue, &bases, sale),
                mean: wanted.mean_pieces(&catalogue.sales[sale]),
                declined: bases[sale].keys().map(|item| declined.item(item)).sum(),
            };
            shared.sellable(facts)
        })
        .collect()
}

/// What bounds all items of one sale together.
struct Shared<'a> {
    sale: &'a Sale,
    base: &'a BTreeMap<String, u64>,
    share: f64,
    mean: f64,
    declined: u64,
}

impl Shared<'_> {
    fn sellable(&self, facts: &Facts) -> Sellable {
        let base: u64 = self.base.values().sum();
        let by_slots = if self.sale.slots.is_empty() {
            u64::MAX
        } else {
            let places: u64 = self.sale.slots.iter().map(|slot| u64::from(slot.capacity)).sum();
            whole(places as f64 * self.mean)
        };
        let by_rate = facts.admitted.of_a_sale(self.share).map_or(u64::MAX, |orders_per_s| {
            let window = self.sale.closes.since(self.sale.opens).as_secs_f64();
            whole((orders_per_s * window).floor() * self.mean)
        });
        let total = base.min(by_slots).min(by_rate);
        Sellable {
            items: apportion(self.base, total),
            total,
            after_declines: base.min(by_slots).min(by_rate.saturating_sub(self.declined)),
        }
    }
}

/// The share of the admitted rate that a sale has: its part of what all sales want that are open
/// while it is, in \[0, 1\].
fn share(catalogue: &Catalogue, bases: &[BTreeMap<String, u64>], sale: usize) -> f64 {
    let this = &catalogue.sales[sale];
    let sum = |base: &BTreeMap<String, u64>| base.values().sum::<u64>() as f64;
    let together: f64 = catalogue
        .sales
        .iter()
        .zip(bases)
        .filter(|(other, _)| other.opens < this.closes && this.opens < other.closes)
        .map(|(_, base)| sum(base))
        .sum();
    if together > 0.0 { sum(&bases[sale]) / together } else { 1.0 }
}

/// Shares `total` in proportion to `base`, by the largest remainder; ties go to the earlier name.
fn apportion(base: &BTreeMap<String, u64>, total: u64) -> BTreeMap<String, u64> {
    let sum: u64 = base.values().sum();
    if total >= sum {
        return base.clone();
    }
    let exact = |pieces: u64| u128::from(pieces) * u128::from(total);
    let divisor = u128::from(sum);
    let mut shares: BTreeMap<String, u64> = base
        .iter()
        .map(|(item, pieces)| {
            let share = exact(*pieces) / divisor;
            (item.clone(), u64::try_from(share).expect("a share is at most its item's pieces"))
        })
        .collect();
    let mut remainders: Vec<_> =
        base.iter().map(|(item, pieces)| (exact(*pieces) % divisor, item)).collect();
    remainders.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    let missing = total - shares.values().sum::<u64>();
    for (_, item) in remainders.into_iter().take(usize::try_from(missing).unwrap_or(usize::MAX)) {
        *shares.entry(item.clone()).or_default() += 1;
    }
    shares
}

/// What the fans wanted.
struct Wanted {
    pieces: Tally,
    orders: Tally,
}

impl Wanted {
    fn item(&self, item: &str) -> u64 {
        self.pieces.item(item)
    }

    /// The mean pieces of an order of one sale; 1 when nobody wanted any.
    fn mean_pieces(&self, sale: &Sale) -> f64 {
        let sum = |tally: &Tally| sale.items.iter().map(|item| tally.item(&item.id)).sum::<u64>();
        match sum(&self.orders) {
            0 => 1.0,
            orders => sum(&self.pieces) as f64 / orders as f64,
        }
    }
}

fn wanted(evidence: &Evidence) -> Wanted {
    let truly_declined = evidence.has_provider().then(|| declined_intents(evidence));
    let mut wanted = Wanted { pieces: Tally::default(), orders: Tally::default() };
    for row in evidence.purchases() {
        let PurchaseRow::Departed { who, departure, item, quantity, .. } = row else { continue };
        let own_accord = match departure {
            Departure::Balked => true,
            Departure::Declined => truly_declined.as_ref().is_none_or(|truly| truly[who.place()]),
            _ => false,
        };
        if !own_accord {
            wanted.pieces.add(&evidence.catalogue, item, None, quantity);
            wanted.orders.add(&evidence.catalogue, item, None, 1);
        }
    }
    wanted
}

/// Of each intent, whether its card was declined, or its cardholder was asked and never reserved any
/// money.
fn declined_intents(evidence: &Evidence) -> Vec<bool> {
    const DECLINED: u8 = 1;
    const ASKED: u8 = 2;
    const PAYING: u8 = 4;
    let mut seen = evidence.names().people.column(0_u8);
    for row in evidence.payment_rows() {
        seen[row.intent.name().place()] |= match row.outcome {
            PaymentOutcome::Authorized | PaymentOutcome::Captured => PAYING,
            PaymentOutcome::Challenged => ASKED,
            PaymentOutcome::Declined => DECLINED,
            _ => 0,
        };
    }
    let declined = |seen: &u8| seen & DECLINED > 0 || seen & (ASKED | PAYING) == ASKED;
    seen.iter().map(declined).collect()
}

/// Pieces of checkouts that were answered `declined`, by item: each used an admission up.
fn declined_pieces(evidence: &Evidence) -> Tally {
    let mut tally = Tally::default();
    for attempt in evidence.attempts().filter(|attempt| attempt.outcome == Outcome::Declined) {
        *entry(&mut tally.items, attempt.item.text()) += u64::from(attempt.quantity);
    }
    tally
}

/// The whole part of a number of pieces; negative and absurd ones are clamped.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u64 by the cast itself, which saturates"
)]
fn whole(pieces: f64) -> u64 {
    // Rates such as 0.1/s are not exact in binary: 3.0000000000000004 and 2.9999999999999996 pieces
    // are both 3.
    (pieces + 1e-6).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Admitted, Ending, Lines, PurchaseLine};
    use domain::id::FanId;
    use domain::money::Amount;
    use domain::provider::PaymentLine;
    use domain::shop::{Item, Slot};
    use domain::time::Time;

    fn sale(id: &str, stock: u32, capacity: Option<u32>) -> Sale {
        Sale {
            id: id.to_owned(),
            opens: Time::from_millis(1_000),
            closes: Time::from_millis(11_000),
            limit_per_fan: 4,
            items: vec![
                Item { id: format!("{id}-tee"), stock, price: Amount::new(4_500) },
                Item { id: format!("{id}-cap"), stock, price: Amount::new(3_000) },
            ],
            lottery: None,
            slots: capacity
                .map(|capacity| Slot { id: "12:30".to_owned(), capacity })
                .into_iter()
                .collect(),
        }
    }

    fn departed(index: u32, departure: Departure, item: &str, quantity: u32) -> PurchaseLine {
        PurchaseLine::Departed {
            fan: FanId { population: 0, index },
            at: Time::from_millis(9_000),
            departure,
            item: item.to_owned(),
            quantity,
            refused: false,
        }
    }

    fn evidence(sales: Vec<Sale>, purchases: Vec<PurchaseLine>) -> Lines {
        Lines {
            catalogue: Catalogue { sales },
            purchases,
            snapshots: Vec::new(),
            shop: None,
            provider: None,
            ending: Ending::default(),
        }
    }

    fn crowd(tees: u32, caps: u32) -> Vec<PurchaseLine> {
        let tees = (0..tees).map(|fan| departed(fan, Departure::Bought, "a-tee", 2));
        let caps = (0..caps).map(|fan| departed(1_000 + fan, Departure::GaveUp, "a-cap", 2));
        tees.chain(caps).collect()
    }

    #[test]
    fn what_can_be_sold_is_bounded_by_stock_and_by_what_was_wanted() {
        let found = &sellable(
            &evidence(vec![sale("a", 100, None)], crowd(80, 10)).read(),
            &Facts::default(),
        )[0];
        assert_eq!((found.items["a-tee"], found.items["a-cap"], found.total), (100, 20, 120));
    }

    #[test]
    fn who_turned_away_or_was_declined_could_not_have_been_sold_to() {
        let purchases = vec![
            departed(0, Departure::Balked, "a-tee", 1),
            departed(1, Departure::Declined, "a-tee", 1),
            departed(2, Departure::Reneged, "a-tee", 1),
        ];
        let found =
            &sellable(&evidence(vec![sale("a", 9, None)], purchases).read(), &Facts::default())[0];
        assert_eq!(found.total, 1);
    }

    #[test]
    fn whose_cardholder_never_answered_could_not_have_been_sold_to() {
        use domain::provider::PaymentOperation;
        let line = |index: u32, operation, outcome| PaymentLine {
            utc_ns: 0,
            payment: Some(index.to_string()),
            reference: String::new(),
            intent: FanId { population: 0, index }.to_string(),
            operation,
            outcome,
            told: outcome,
            amount: Amount::new(4_500),
            key: String::new(),
            replayed: false,
        };
        let purchases = (0..3).map(|fan| departed(fan, Departure::Declined, "a-tee", 1)).collect();
        let mut evidence = evidence(vec![sale("a", 9, None)], purchases);
        evidence.provider = Some(vec![
            line(0, PaymentOperation::Authorize, PaymentOutcome::Challenged),
            line(1, PaymentOperation::Authorize, PaymentOutcome::Challenged),
            line(1, PaymentOperation::Authenticate, PaymentOutcome::Authorized),
        ]);
        // The shop declined fan 1, who had answered, and fan 2, who was never asked.
        assert_eq!(sellable(&evidence.read(), &Facts::default())[0].total, 2);
    }

    #[test]
    fn the_admitted_rate_bounds_all_items_together_and_is_shared_by_demand() {
        let facts = Facts { admitted: Admitted::ByShop { orders_per_s: 4.0 }, ..Facts::default() };
        let found =
            &sellable(&evidence(vec![sale("a", 1_000, None)], crowd(200, 100)).read(), &facts)[0];
        assert_eq!((found.items["a-tee"], found.items["a-cap"], found.total), (53, 27, 80));
    }

    #[test]
    fn places_in_slots_bound_what_can_be_sold() {
        let evidence = evidence(vec![sale("a", 1_000, Some(30))], crowd(200, 100));
        assert_eq!(sellable(&evidence.read(), &Facts::default())[0].total, 60);
    }

    #[test]
    fn sales_open_at_once_share_the_admitted_rate() {
        let mut purchases = crowd(60, 0);
        purchases.extend((0..20).map(|fan| departed(5_000 + fan, Departure::Bought, "b-tee", 2)));
        let sales = vec![sale("a", 1_000, None), sale("b", 1_000, None)];
        let facts = Facts { admitted: Admitted::ByShop { orders_per_s: 4.0 }, ..Facts::default() };
        let found = sellable(&evidence(sales, purchases).read(), &facts);
        assert_eq!((found[0].total, found[1].total), (60, 20));
    }

    #[test]
    fn an_admission_for_each_sale_is_not_shared_but_the_provider_is() {
        let mut purchases = crowd(60, 0);
        purchases.extend((0..20).map(|fan| departed(5_000 + fan, Departure::Bought, "b-tee", 2)));
        let sales = vec![sale("a", 1_000, None), sale("b", 1_000, None)];
        let evidence = evidence(sales, purchases).read();
        for (together_per_s, totals) in [(None, (60, 40)), (Some(3.0), (44, 14))] {
            let admitted = Admitted::BySale { orders_per_s: 3.0, together_per_s };
            let found = sellable(&evidence, &Facts { admitted, ..Facts::default() });
            assert_eq!((found[0].total, found[1].total), totals, "{together_per_s:?}");
        }
    }

    #[test]
    fn a_slot_is_known_by_either_name() {
        let catalogue = Catalogue { sales: vec![sale("a", 1, Some(1))] };
        assert_eq!(place(&catalogue, "a-tee", "12:30"), "a/12:30");
        assert_eq!(place(&catalogue, "a-tee", "a/12:30"), "a/12:30");
    }
}
