//! Whether money and pieces changed hands together, and once.

use std::collections::{BTreeMap, BTreeSet};

use domain::shop::ShopLine;

use crate::audit::books::{Books, Line, Order, Payment};
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::story::{self, thousands};
use crate::audit::{counted, foreign};

/// Authorizations neither captured nor voided, which no order waits for: theirs is not paid, or its
/// money was taken by another.
pub(super) fn orphaned(books: &Books<'_>) -> Found {
    // Where there is no ledger, that is the reason.
    if !books.evidence.ending.drained && books.provider.is_some() {
        return Found::not_checked(
            "the shop was not left alone long enough to void them".to_owned(),
        );
    }
    if books.shop.is_none() {
        return Found::held();
    }
    let is_due = |payment: &Payment<'_>| {
        payment
            .order
            .map(|order| &books.orders[order])
            .is_some_and(|order| order.paid && books.net(order) < order.amount.max(1))
    };
    let orphans: Vec<&Payment<'_>> =
        books.ours().filter(|payment| payment.is_open() && !is_due(payment)).collect();
    let sum = orphans
        .iter()
        .fold(0, |sum: u64, payment| sum.saturating_add(payment.authorized.unwrap_or(0)));
    Found::count(orphans.len() as u64, "authorizations neither captured nor voided", || {
        let first = orphans[0];
        let end = format!(
            "at the end payment {} was neither captured nor voided; {} in all are reserved on \
             customers' cards so",
            first.id,
            thousands(sum)
        );
        of_payment(books, first, end)
    })
    .with_some((sum as f64, Unit::Money), "reserved on cards for nothing")
}

/// Intents with more than one captured payment, or one of more than the order's amount.
pub(super) fn double_charge(books: &Books<'_>) -> Found {
    let mut by_intent: BTreeMap<&str, Vec<&Payment<'_>>> = BTreeMap::new();
    let mut nameless = 0_u64;
    for payment in books.ours().filter(|payment| payment.net() > 0) {
        match books.purchase(payment) {
            Some(purchase) => by_intent.entry(purchase).or_default().push(payment),
            None => nameless += 1,
        }
    }
    let charged: Vec<(&str, String)> = by_intent
        .iter()
        .filter_map(|(intent, payments)| too_much(books, payments).map(|end| (*intent, end)))
        .collect();
    if charged.is_empty() && nameless > 0 {
        let reason = format!("{nameless} captured payments name no intent to join them by");
        return Found::not_checked(reason);
    }
    let excess = charged
        .iter()
        .fold(0, |sum: u64, (intent, _)| sum.saturating_add(beyond(books, &by_intent[intent])));
    Found::count(charged.len() as u64, "purchases charged more than once or too much", || {
        let (purchase, end) = &charged[0];
        match books.order(purchase) {
            Some(order) => story::of_order(books, order, end.clone()),
            None => story::of_intent(books, purchase, end.clone()),
        }
    })
    .with_some((excess as f64, Unit::Money), "taken beyond what was due")
}

/// The money of an intent's captured payments beyond what is due: beyond its order's amount or, where
/// that is not known, beyond the greatest of them.
fn beyond(books: &Books<'_>, payments: &[&Payment<'_>]) -> u64 {
    let taken = payments.iter().fold(0, |sum: u64, payment| sum.saturating_add(payment.net()));
    let orders: BTreeSet<usize> = payments.iter().filter_map(|payment| payment.order).collect();
    let due = if foreign::knows_sums(books) && !orders.is_empty() {
        orders.iter().map(|order| books.orders[*order].amount).max()
    } else {
        payments.iter().map(|payment| payment.net()).max()
    };
    taken.saturating_sub(due.unwrap_or(0))
}

/// How an intent's captured payments are too many or too much, if they are.
fn too_much(books: &Books<'_>, payments: &[&Payment<'_>]) -> Option<String> {
    if payments.len() > 1 {
        let names: Vec<&str> = payments.iter().map(|payment| payment.id).collect();
        return Some(format!("at the end payments {} taken", counted::all_of(&names)));
    }
    let payment = payments.first()?;
    let order = &books.orders[payment.order?];
    (foreign::knows_sums(books) && payment.net() > order.amount).then(|| {
        let (net, due) = (thousands(payment.net()), thousands(order.amount));
        format!("at the end {net} were taken by payment {} for an order of {due}", payment.id)
    })
}

/// Orders whose money was taken and whose pieces are not sold to them; payments without any order.
pub(super) fn captured_no_stock(books: &Books<'_>) -> Found {
    if books.shop.is_none() {
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
        books.ours().filter(|payment| payment.net() > 0 && payment.order.is_none()).collect();
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
            let end = format!("at the end no order knows of payment {}", homeless[0].id);
            return of_payment(books, homeless[0], end);
        };
        let (id, net, got) = (order.id, thousands(books.net(order)), pieces(order));
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
fn pieces_sold<'a>(books: &Books<'a>) -> impl Fn(&Order<'_>) -> u64 {
    let with_rows = books.items_with_units();
    let mut rows: BTreeMap<(&'a str, &'a str), u64> = BTreeMap::new();
    for row in books.shop.unwrap_or_default() {
        if let ShopLine::Unit { state, item, order_id: Some(order), .. } = row
            && state == "sold"
        {
            *rows.entry((order, item)).or_default() += 1;
        }
    }
    move |order| {
        let pieces = |line: &Line<'_>| {
            if with_rows.contains(line.item) {
                rows.get(&(order.id, line.item)).copied().unwrap_or(0)
            } else if line.paid {
                u64::from(line.quantity)
            } else {
                0
            }
        };
        order.lines.iter().map(pieces).sum()
    }
}

/// Paid orders whose money was not taken, or not all of it.
pub(super) fn stock_no_capture(books: &Books<'_>) -> Found {
    if books.provider.is_none() {
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
        let end = format!("at the end {net} of {due} were taken for order {}", order.id);
        story::of_order(books, order, end)
    })
    .with_some((missing as f64, Unit::Money), "never taken for what was sold")
}

/// The story of a payment: of its order or of its intent.
pub(super) fn of_payment(books: &Books<'_>, payment: &Payment<'_>, end: String) -> Story {
    match payment.order {
        Some(order) if payment.intent.is_empty() => {
            story::of_order(books, &books.orders[order], end)
        }
        _ => story::of_intent(books, payment.intent, end),
    }
}
