//! Whether money and pieces changed hands together, and once.

use std::collections::BTreeSet;

use crate::audit::books::Books;
use crate::audit::entries::{Line, Order, Payment};
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::story::{self, thousands};
use crate::audit::{counted, foreign};
use crate::evidence::names::Name;
use crate::evidence::rows::ShopRow;

/// Authorizations neither captured nor voided, which no order waits for: theirs is not paid, or its
/// money was taken by another.
pub(super) fn orphaned(books: &Books<'_>) -> Found {
    // Where there is no ledger, that is the reason.
    if !books.evidence.ending.drained && books.evidence.has_provider() {
        return Found::not_checked(
            "the shop was not left alone long enough to void them".to_owned(),
        );
    }
    if !books.evidence.has_shop() {
        return Found::held();
    }
    let is_due = |payment: &Payment<'_>| {
        payment
            .order()
            .map(|order| &books.orders[order])
            .is_some_and(|order| order.paid && books.net(order) < order.amount.max(1))
    };
    let orphans: Vec<&Payment<'_>> =
        books.ours().filter(|payment| payment.is_open() && !is_due(payment)).collect();
    let sum = orphans.iter().fold(0, |sum: u64, payment| sum.saturating_add(payment.authorized()));
    Found::count(orphans.len() as u64, "authorizations neither captured nor voided", || {
        let first = orphans[0];
        let end = format!(
            "at the end payment {} was neither captured nor voided; {} in all are reserved on \
             customers' cards so",
            first.id(),
            thousands(sum)
        );
        of_payment(books, first, end)
    })
    .with_some((sum as f64, Unit::Money), "reserved on cards for nothing")
}

/// Intents with more than one captured payment, or one of more than the order's amount.
pub(super) fn double_charge(books: &Books<'_>) -> Found {
    let mut charges: Vec<(Purchase, &Payment<'_>)> = Vec::new();
    let mut nameless = 0_u64;
    for payment in books.ours().filter(|payment| payment.net() > 0) {
        match purchase(books, payment) {
            Some(purchase) => charges.push((purchase, payment)),
            None => nameless += 1,
        }
    }
    charges.sort_by_key(|(purchase, _)| *purchase);
    let (mut count, mut excess) = (0, 0_u64);
    let mut first: Option<(&str, String)> = None;
    let mut payments = Vec::new();
    for charges in charges.chunk_by(|one, next| one.0 == next.0) {
        payments.clear();
        payments.extend(charges.iter().map(|(_, payment)| *payment));
        if !is_too_much(books, &payments) {
            continue;
        }
        count += 1;
        excess = excess.saturating_add(beyond(books, &payments));
        let name = books.purchase(payments[0]).unwrap_or_default();
        if first.as_ref().is_none_or(|(first, _)| name < *first) {
            first = Some((name, too_much(books, &payments)));
        }
    }
    if count == 0 && nameless > 0 {
        let reason = format!("{nameless} captured payments name no intent to join them by");
        return Found::not_checked(reason);
    }
    Found::count(count, "purchases charged more than once or too much", || {
        let (purchase, end) = first.unwrap_or_default();
        match books.order(purchase) {
            Some(order) => story::of_order(books, order, end),
            None => story::of_intent(books, purchase, end),
        }
    })
    .with_some((excess as f64, Unit::Money), "taken beyond what was due")
}

/// What a payment is for: an intent, or an order that has a number and no intent.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Purchase {
    Intent(Name),
    Order(Name),
}

/// As [`Books::purchase`], by number.
fn purchase(books: &Books<'_>, payment: &Payment<'_>) -> Option<Purchase> {
    let order = payment.order().map(|order| &books.orders[order]);
    match order {
        Some(order) if !order.intent().is_empty() => Some(Purchase::Intent(order.intent)),
        // A number may be an intent's name too.
        Some(order) => Some(match books.evidence.names().people.find(order.id()) {
            Some(intent) => Purchase::Intent(intent),
            None => Purchase::Order(order.name),
        }),
        None => Some(Purchase::Intent(payment.intent)).filter(|_| !payment.intent().is_empty()),
    }
}

/// The money of an intent's captured payments beyond what is due: beyond its order's amount or, where
/// that is not known, beyond the greatest of them.
fn beyond(books: &Books<'_>, payments: &[&Payment<'_>]) -> u64 {
    let taken = payments.iter().fold(0, |sum: u64, payment| sum.saturating_add(payment.net()));
    let orders: BTreeSet<usize> = payments.iter().filter_map(|payment| payment.order()).collect();
    let due = if foreign::knows_sums(books) && !orders.is_empty() {
        orders.iter().map(|order| books.orders[*order].amount).max()
    } else {
        payments.iter().map(|payment| payment.net()).max()
    };
    taken.saturating_sub(due.unwrap_or(0))
}

/// Whether an intent's captured payments are too many or too much.
fn is_too_much(books: &Books<'_>, payments: &[&Payment<'_>]) -> bool {
    let due = |payment: &Payment<'_>| payment.order().map(|order| books.orders[order].amount);
    match payments {
        [payment] => {
            foreign::knows_sums(books) && due(payment).is_some_and(|due| payment.net() > due)
        }
        _ => true,
    }
}

/// How an intent's captured payments are too many or too much.
fn too_much(books: &Books<'_>, payments: &[&Payment<'_>]) -> String {
    if let [payment] = payments {
        let due = payment.order().map_or(0, |order| books.orders[order].amount);
        let (net, due) = (thousands(payment.net()), thousands(due));
        return format!(
            "at the end {net} were taken by payment {} for an order of {due}",
            payment.id()
        );
    }
    let names: Vec<&str> = payments.iter().map(|payment| payment.id()).collect();
    format!("at the end payments {} taken", counted::all_of(&names))
}

/// Orders whose money was taken and whose pieces are not sold to them; payments without any order.
pub(super) fn captured_no_stock(books: &Books<'_>) -> Found {
    if !books.evidence.has_shop() {
        return Found::held();
    }
    let pieces = pieces_sold(books);
    // An order still under way when an undrained ledger is read may get its pieces yet.
    let is_settled = |order: &Order<'_>| order.terminal || books.evidence.ending.drained;
    let charged: Vec<&Order<'_>> = books
        .orders
        .iter()
        .filter(|order| order.is_ours() && is_settled(order) && books.net(order) > 0)
        .filter(|order| pieces(order) < order.pieces())
        .collect();
    let homeless: Vec<&Payment<'_>> =
        books.ours().filter(|payment| payment.net() > 0 && payment.order().is_none()).collect();
    let count = charged.len() + homeless.len();
    if count == 0
        && let Some(why) = foreign::strangers(books)
    {
        return Found::not_checked(why);
    }
    let sums = charged.iter().map(|order| books.net(order));
    let money =
        sums.chain(homeless.iter().map(|payment| payment.net())).fold(0, u64::saturating_add);
    Found::count(count as u64, "orders charged without their pieces", || {
        let Some(order) = charged.first() else {
            let end = format!("at the end no order knows of payment {}", homeless[0].id());
            return of_payment(books, homeless[0], end);
        };
        let (id, net, got) = (order.id(), thousands(books.net(order)), pieces(order));
        let end = format!(
            "at the end {net} were taken for order {id}, which has {got} of its {} pieces",
            order.pieces()
        );
        story::of_order(books, order, end)
    })
    .with_some((money as f64, Unit::Money), "taken for pieces that are not there")
}

/// How many pieces are sold to an order: by the rows where the shop keeps one per piece, or else by
/// its being paid.
fn pieces_sold(books: &Books<'_>) -> impl Fn(&Order<'_>) -> u64 + use<> {
    let with_rows = books.items_with_units();
    let mut rows: Vec<(Name, Name)> = Vec::new();
    for row in books.evidence.shop_rows() {
        if let ShopRow::Unit { state: "sold", item, order_id: Some(order), .. } = row {
            rows.push((order.name(), item.name()));
        }
    }
    rows.sort_unstable();
    move |order| {
        let pieces = |line: Line<'_>| {
            if with_rows.contains(&line.name) {
                let wanted = (order.name, line.name);
                let from = rows.partition_point(|row| *row < wanted);
                rows[from..].iter().take_while(|row| **row == wanted).count() as u64
            } else if line.paid {
                u64::from(line.quantity)
            } else {
                0
            }
        };
        order.lines().map(pieces).sum()
    }
}

/// Paid orders whose money was not taken, or not all of it.
pub(super) fn stock_no_capture(books: &Books<'_>) -> Found {
    if !books.evidence.has_provider() {
        return Found::held();
    }
    let ours = books.orders.iter().filter(|order| order.is_ours());
    let unpaid: Vec<&Order<'_>> =
        ours.filter(|order| order.paid && books.net(order) < order.amount).collect();
    let missing = unpaid.iter().fold(0, |sum: u64, order| {
        sum.saturating_add(order.amount.saturating_sub(books.net(order)))
    });
    Found::count(unpaid.len() as u64, "orders sold without their money", || {
        let order = unpaid[0];
        let (net, due) = (thousands(books.net(order)), thousands(order.amount));
        let end = format!("at the end {net} of {due} were taken for order {}", order.id());
        story::of_order(books, order, end)
    })
    .with_some((missing as f64, Unit::Money), "never taken for what was sold")
}

/// The story of a payment: of its order or of its intent.
pub(super) fn of_payment(books: &Books<'_>, payment: &Payment<'_>, end: String) -> Story {
    match payment.order() {
        Some(order) if payment.intent().is_empty() => {
            story::of_order(books, &books.orders[order], end)
        }
        _ => story::of_intent(books, payment.intent(), end),
    }
}
