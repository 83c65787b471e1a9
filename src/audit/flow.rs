//! Whether orders come to an end, within what one fan may buy and what the provider allows.

use std::collections::BTreeMap;

use domain::provider::{PaymentLine, PaymentOutcome};

use crate::audit::books::{Books, Order};
use crate::audit::finding::{Found, Unit};
use crate::audit::{foreign, story};
use crate::evidence::Admitted;

/// The pieces of a fan's paid orders in one sale are at most what one fan may buy.
pub(super) fn per_user(books: &Books<'_>) -> Found {
    let catalogue = &books.evidence.catalogue;
    let mut limits: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
    for (_, sale, item) in catalogue.items() {
        limits.insert(&item.id, (&sale.id, sale.limit_per_fan));
    }
    let mut bought: BTreeMap<(&str, &str), (u64, u32, &Order<'_>)> = BTreeMap::new();
    for order in books.orders.iter().filter(|order| order.paid && order.is_ours()) {
        let Some(fan) = foreign::buyer(books, order) else { continue };
        for line in order.lines.iter().filter(|line| line.paid) {
            if let Some((sale, limit)) = limits.get(line.item) {
                let entry = bought.entry((fan, *sale)).or_insert((0, *limit, order));
                entry.0 += u64::from(line.quantity);
            }
        }
    }
    let over: Vec<_> =
        bought.iter().filter(|(_, (pieces, limit, _))| *pieces > u64::from(*limit)).collect();
    Found::count(over.len() as u64, "fans with more pieces than one may buy", || {
        let ((fan, sale), (pieces, limit, order)) = over[0];
        let end =
            format!("at the end fan {fan} had {pieces} pieces of sale {sale}; {limit} are allowed");
        story::of_order(books, order, end)
    })
}

/// Every order has come to an end.
pub(super) fn resolved(books: &Books<'_>) -> Found {
    // Where there is no ledger, that is the reason.
    if !books.evidence.ending.drained && books.shop.is_some() {
        return Found::not_checked(
            "the shop was not left alone long enough to end them".to_owned(),
        );
    }
    if let Some(why) = foreign::open_ends(books) {
        return Found::not_checked(why);
    }
    let open: Vec<&Order<'_>> =
        books.orders.iter().filter(|order| order.is_ours() && !order.terminal).collect();
    Found::count(open.len() as u64, "orders that never came to an end", || {
        let end = format!("at the end order {} was still at `{}`", open[0].id, open[0].status);
        story::of_order(books, open[0], end)
    })
}

/// With an admission configured, the provider refuses hardly any call.
pub(super) fn quota(books: &Books<'_>) -> Found {
    if books.ledgers.is_some() {
        return Found::not_applicable("it is not known whether an admission stands in front");
    }
    if !matches!(books.facts.admitted, Admitted::ByShop { .. }) {
        return Found::not_applicable("no admission is configured");
    }
    let calls = || books.provider.unwrap_or_default().iter().filter(|line| !line.replayed);
    let is_refusal = |line: &&PaymentLine| {
        matches!(line.outcome, PaymentOutcome::RateLimited | PaymentOutcome::LockTimeout)
    };
    let refused: Vec<_> = calls().filter(is_refusal).collect();
    let (many, all) = (refused.len() as u64, calls().count() as u64);
    let allowed = books.asked.budgets.quota.share;
    let share = if all == 0 { 0.0 } else { many as f64 / all as f64 };
    let count = if share > allowed { many } else { 0 };
    Found::count(count, "calls the provider refused in spite of the admission", || {
        let percent = 100.0 * share;
        let end = format!("in all {many} of {all} calls were refused ({percent:.1} %)");
        story::of_intent(books, &refused[0].intent, end)
    })
    .with((share, Unit::Share), "of the calls were refused", Some(allowed))
}
