//! What a lottery left over.

use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::shop::Sale;
use domain::time::Duration;

use crate::audit::books::Books;
use crate::evidence::demand::Tally;

/// Pieces of a lottery that could have been sold.
pub(super) struct Leftover {
    pub(super) pieces: u64,
    /// A fan who entered, did not win and wanted no more of an item than are left, and its wish.
    pub(super) fan: FanId,
    pub(super) wanted: String,
}

/// What a fan's entry came to.
#[derive(Copy, Clone, Default)]
struct Entry {
    /// Pieces it was taken for.
    quantity: u32,
    fan: FanId,
    /// Whether it was drawn, by the shop's ledger.
    won: bool,
    /// Whether it was drawn in the last draw and not paid at once, or declined after it: nobody is drawn in its place.
    lapsed: bool,
    paid: bool,
}

/// The pieces of a sale by lot that fans entered for and that nobody bought, less what those who were
/// drawn last did not pay, and what was declined after that: after the last draw nobody is drawn in their place. `None` where nobody who
/// lost wanted as few as that.
pub(super) fn leftover(books: &Books<'_>, sale: &Sale, sold: &Tally) -> Option<Leftover> {
    let last = sale.draw_at(sale.lottery?.redraws);
    let error: Duration = books.clocks.shop.error();
    let mut found: Option<Leftover> = None;
    for item in &sale.items {
        let mut entries = books.evidence.names().people.column(Entry::default());
        for attempt in books.evidence.attempts().filter(|attempt| *attempt.item == *item.id) {
            if attempt.operation == Operation::Entry && attempt.outcome == Outcome::Ok {
                let entry = &mut entries[attempt.intent.name().place()];
                (entry.quantity, entry.fan) = (attempt.quantity, attempt.fan);
            }
        }
        for order in books.evidence.order_rows().filter(|order| *order.item == *item.id) {
            let entry = &mut entries[order.intent.name().place()];
            entry.won = true;
            // What expires was free for the next draw; a payment under way then was still to be declined.
            let since = match &*order.status {
                "expired" => Some(order.created_utc_ns),
                "declined" => Some(order.updated_utc_ns),
                _ => None,
            };
            entry.lapsed |= since.is_some_and(|since| books.shop_time(since) + error >= last);
            entry.paid |= order.paid;
        }
        let pieces = |is: &dyn Fn(&Entry) -> bool| -> u64 {
            entries.iter().filter(|it| is(it)).map(|it| u64::from(it.quantity)).sum()
        };
        let could = pieces(&|_| true).min(u64::from(item.stock));
        let taken = sold.item(&item.id) + pieces(&|entry| entry.lapsed && !entry.paid);
        let left = could.saturating_sub(taken);
        let mut losers = entries.iter().filter(|entry| entry.quantity > 0 && !entry.won);
        let Some(loser) = losers.find(|entry| u64::from(entry.quantity) <= left) else { continue };
        let wanted = format!("{} × {}, of which {left} are left", loser.quantity, item.id);
        let found = found.get_or_insert(Leftover { pieces: 0, fan: loser.fan, wanted });
        found.pieces += left;
    }
    found
}
