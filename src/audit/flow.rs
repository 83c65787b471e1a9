//! Whether orders come to an end, within what one fan may buy and what the provider allows.

use std::collections::BTreeMap;

use domain::provider::PaymentOutcome;

use crate::audit::books::Books;
use crate::audit::entries::Order;
use crate::audit::finding::{Found, Unit};
use crate::audit::{foreign, story};
use crate::evidence::names::{Name, Word};

/// Pieces that an order gave to a fan in a sale.
struct Share {
    fan: Name,
    /// The sale's place in the catalogue.
    sale: usize,
    /// The order's place.
    order: usize,
    pieces: u64,
}

/// The pieces of a fan's paid orders in one sale are at most what one fan may buy.
pub(super) fn per_user(books: &Books<'_>) -> Found {
    let catalogue = &books.evidence.catalogue;
    let mut sale_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, sale) in catalogue.sales.iter().enumerate() {
        sale_of.extend(sale.items.iter().map(|item| (item.id.as_str(), place)));
    }
    let mut shares = Vec::new();
    for (place, order) in books.orders.iter().enumerate() {
        let Some(fan) = Some(order)
            .filter(|order| order.paid && order.is_ours())
            .and_then(|order| foreign::buyer(books, order))
        else {
            continue;
        };
        for line in order.lines().filter(|line| line.paid) {
            if let Some(sale) = sale_of.get(line.item) {
                let pieces = u64::from(line.quantity);
                shares.push(Share { fan, sale: *sale, order: place, pieces });
            }
        }
    }
    shares.sort_unstable_by_key(|share| (share.fan, share.sale, share.order));
    let pieces = |shares: &[Share]| shares.iter().map(|share| share.pieces).sum::<u64>();
    let limit = |share: &Share| catalogue.sales[share.sale].limit_per_fan;
    let over = || {
        shares
            .chunk_by(|one, next| (one.fan, one.sale) == (next.fan, next.sale))
            .filter(|shares| pieces(shares) > u64::from(limit(&shares[0])))
    };
    let people = &books.evidence.names().people;
    let named = |share: &Share| (people.text(share.fan), catalogue.sales[share.sale].id.as_str());
    Found::count(over().count() as u64, "fans with more pieces than one may buy", || {
        let first = over().min_by_key(|shares| named(&shares[0])).expect("there is one");
        let ((fan, sale), limit) = (named(&first[0]), limit(&first[0]));
        let pieces = pieces(first);
        let end =
            format!("at the end fan {fan} had {pieces} pieces of sale {sale}; {limit} are allowed");
        story::of_order(books, &books.orders[first[0].order], end)
    })
}

/// Every order has come to an end.
pub(super) fn resolved(books: &Books<'_>) -> Found {
    // Where there is no ledger, that is the reason.
    if !books.evidence.ending.drained && books.evidence.has_shop() {
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
        let end = format!("at the end order {} was still at `{}`", open[0].id(), open[0].status());
        story::of_order(books, open[0], end)
    })
}

/// With an admission configured, the provider refuses hardly any call.
pub(super) fn quota(books: &Books<'_>) -> Found {
    if books.ledgers.is_some() {
        return Found::not_applicable("it is not known whether an admission stands in front");
    }
    if !books.facts.admitted.is_gated() {
        return Found::not_applicable("no admission is configured");
    }
    let (mut many, mut all, mut first) = (0_u64, 0_u64, None);
    for call in books.evidence.payment_rows().filter(|row| !row.replayed) {
        all += 1;
        if matches!(call.outcome, PaymentOutcome::RateLimited | PaymentOutcome::LockTimeout) {
            many += 1;
            first.get_or_insert(call.intent);
        }
    }
    let allowed = books.asked.budgets.quota.share;
    let share = if all == 0 { 0.0 } else { many as f64 / all as f64 };
    let count = if share > allowed { many } else { 0 };
    Found::count(count, "calls the provider refused in spite of the admission", || {
        let percent = 100.0 * share;
        let end = format!("in all {many} of {all} calls were refused ({percent:.1} %)");
        story::of_intent(books, first.map_or("", Word::text), end)
    })
    .with((share, Unit::Share), "of the calls were refused", Some(allowed))
}
