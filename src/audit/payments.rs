//! Whether money and pieces changed hands together, once, and for those who were told so.

use std::collections::BTreeMap;

use domain::outcome::{Operation, Outcome};
use domain::shop::ShopLine;

use crate::audit::books::{Books, Line, Order, Payment};
use crate::audit::story::{self, thousands};
use crate::audit::{Found, foreign};
use crate::evidence::PurchaseLine;

/// Authorizations neither captured nor voided whose order is not paid.
pub(super) fn orphaned(books: &Books<'_>) -> Found {
    if !books.evidence.ending.drained {
        return Found::NotChecked(
            "the shop was not left alone long enough to void them".to_owned(),
        );
    }
    if books.shop.is_none() {
        return Found::Held;
    }
    let is_paid =
        |payment: &Payment<'_>| payment.order.is_some_and(|order| books.orders[order].paid);
    let orphans: Vec<&Payment<'_>> =
        books.ours().filter(|payment| payment.is_open() && !is_paid(payment)).collect();
    Found::count(orphans.len() as u64, "authorizations neither captured nor voided", || {
        let sum = orphans
            .iter()
            .fold(0, |sum: u64, payment| sum.saturating_add(payment.authorized.unwrap_or(0)));
        let first = orphans[0];
        let end = format!(
            "at the end payment {} was neither captured nor voided; {} in all are reserved on \
             customers' cards so",
            first.id,
            thousands(sum)
        );
        of_payment(books, first, end)
    })
}

/// Intents with more than one captured payment, or one of more than the order's amount.
pub(super) fn double_charge(books: &Books<'_>) -> Found {
    let mut by_intent: BTreeMap<&str, Vec<&Payment<'_>>> = BTreeMap::new();
    let mut nameless = 0_u64;
    for payment in books.ours().filter(|payment| payment.net() > 0) {
        if payment.intent.is_empty() {
            nameless += 1;
        } else {
            by_intent.entry(payment.intent).or_default().push(payment);
        }
    }
    let charged: Vec<(&str, String)> = by_intent
        .iter()
        .filter_map(|(intent, payments)| too_much(books, payments).map(|end| (*intent, end)))
        .collect();
    if charged.is_empty() && nameless > 0 {
        let reason = format!("{nameless} captured payments name no intent to join them by");
        return Found::NotChecked(reason);
    }
    Found::count(charged.len() as u64, "purchases charged more than once or too much", || {
        let (intent, end) = &charged[0];
        story::of_intent(books, intent, end.clone())
    })
}

/// How an intent's captured payments are too many or too much, if they are.
fn too_much(books: &Books<'_>, payments: &[&Payment<'_>]) -> Option<String> {
    if payments.len() > 1 {
        let names: Vec<&str> = payments.iter().map(|payment| payment.id).collect();
        return Some(format!("at the end payments {} were both taken", names.join(" and ")));
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
        return Found::Held;
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
        return Found::Held;
    }
    let ours = books.orders.iter().filter(|order| order.is_ours());
    let unpaid: Vec<&Order<'_>> =
        ours.filter(|order| order.paid && books.net(order) < order.amount).collect();
    Found::count(unpaid.len() as u64, "orders sold without their money", || {
        let order = unpaid[0];
        let (net, due) = (thousands(books.net(order)), thousands(order.amount));
        let end = format!("at the end {net} of {due} were taken for order {}", order.id);
        story::of_order(books, order, end)
    })
}

/// Intents whose client was told by every answer that nothing was bought, and whose money was
/// taken.
///
/// An intent with a single answer that leaves room for doubt (none in time, a failure, `waiting`)
/// does not count: its client knows that it does not know.
pub(super) fn silent_charge(books: &Books<'_>) -> Found {
    let mut refused: BTreeMap<&str, Doubt> = BTreeMap::new();
    for line in &books.evidence.purchases {
        let PurchaseLine::Attempt { intent, operation, outcome, .. } = line else { continue };
        if !matches!(operation, Operation::Checkout | Operation::Poll) {
            continue;
        }
        let doubt = refused.entry(intent).or_insert(Doubt::None);
        match outcome {
            Outcome::SoldOut
            | Outcome::Declined
            | Outcome::Rejected
            | Outcome::RateLimited
            | Outcome::NotOpen
            | Outcome::Shed => {}
            Outcome::Ok | Outcome::Waiting | Outcome::Error | Outcome::Unknown => {
                *doubt = Doubt::Some;
            }
        }
    }
    let charged: Vec<&Payment<'_>> = books
        .payments
        .iter()
        .filter(|payment| payment.net() > 0 && refused.get(payment.intent) == Some(&Doubt::None))
        .collect();
    Found::count(charged.len() as u64, "payments taken from fans who were refused", || {
        let net = thousands(charged[0].net());
        let end = format!("at the end {net} were taken, and the fan was never told of it");
        of_payment(books, charged[0], end)
    })
}

/// Whether a client has reason to believe that it may have bought.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Doubt {
    None,
    Some,
}

fn of_payment(books: &Books<'_>, payment: &Payment<'_>, end: String) -> Vec<String> {
    match payment.order {
        Some(order) if payment.intent.is_empty() => {
            story::of_order(books, &books.orders[order], end)
        }
        _ => story::of_intent(books, payment.intent, end),
    }
}
