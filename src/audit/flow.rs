//! Whether orders come to an end, within what one fan may buy and what the provider allows.

use std::collections::BTreeMap;

use domain::provider::{PaymentLine, PaymentOutcome};

use crate::audit::books::{Books, Order};
use crate::audit::{Found, foreign, story};
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
    if !books.evidence.ending.drained {
        return Found::NotChecked("the shop was not left alone long enough to end them".to_owned());
    }
    if let Some(why) = foreign::open_ends(books) {
        return Found::NotChecked(why);
    }
    let open: Vec<&Order<'_>> =
        books.orders.iter().filter(|order| order.is_ours() && !order.terminal).collect();
    Found::count(open.len() as u64, "orders that never came to an end", || {
        let end = format!("at the end order {} was still at `{}`", open[0].id, open[0].status);
        story::of_order(books, open[0], end)
    })
}

/// The share of calls that the provider may refuse once an admission stands in front of it, in
/// \[0, 1\]: two clocks never agree on where a second begins, so not quite 0.
const REFUSED_SHARE_MAX: f64 = 0.001;

/// With an admission configured, the provider refuses hardly any call.
pub(super) fn quota(books: &Books<'_>) -> Found {
    if books.ledgers.is_some() {
        return Found::NotApplicable("it is not known whether an admission stands in front");
    }
    if !matches!(books.facts.admitted, Admitted::ByShop { .. }) {
        return Found::NotApplicable("no admission is configured");
    }
    let calls = || books.provider.unwrap_or_default().iter().filter(|line| !line.replayed);
    let is_refusal = |line: &&PaymentLine| {
        matches!(line.outcome, PaymentOutcome::RateLimited | PaymentOutcome::LockTimeout)
    };
    let refused: Vec<_> = calls().filter(is_refusal).collect();
    let (many, all) = (refused.len() as u64, calls().count() as u64);
    if many as f64 <= REFUSED_SHARE_MAX * all as f64 {
        return Found::Held;
    }
    Found::count(many, "calls the provider refused in spite of the admission", || {
        let share = 100.0 * many as f64 / all as f64;
        let end = format!("in all {many} of {all} calls were refused ({share:.1} %)");
        story::of_intent(books, &refused[0].intent, end)
    })
}
