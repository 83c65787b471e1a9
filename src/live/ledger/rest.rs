//! Whether a foreign shop is at rest: by its own ledger, for it says so in no other way.

use std::collections::{BTreeMap, BTreeSet};

use domain::provider::{PaymentLine, PaymentOutcome};

use crate::evidence::ledgers::Ends;
use crate::live::ledger::Foreign;
use crate::live::ledger::mapping::shop::{Order, ShopRow};
use crate::live::ledger::opening::Opening;

/// What a look at the ledgers says.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::live) enum Rest {
    /// Every order of the run is over, nothing is held, and no money is reserved: nothing more
    /// will happen.
    Whole,
    /// Every order of the run is over, but something is still held or reserved for it.
    OrdersOver,
    /// An order of the run is not over.
    Busy,
    /// An order is neither paid nor at a status that is said to be an end: nobody can tell.
    Unsaid,
    /// There is no ledger of orders, or it cannot be read now.
    Unseen,
}

impl Rest {
    /// Whether another look may see more.
    pub(in crate::live) const fn may_change(self) -> bool {
        !matches!(self, Self::Whole | Self::Unseen)
    }

    /// Whether nothing more need be waited for.
    pub(in crate::live) const fn is_whole(self) -> bool {
        matches!(self, Self::Whole)
    }

    /// Whether a shop that was left alone for as long as one waits unasked may be judged as one at
    /// rest: orders that are known not to be over may still end, and only its owner knows when.
    pub(in crate::live) const fn will_do(self) -> bool {
        !matches!(self, Self::Busy)
    }
}

impl Foreign {
    /// Whether the shop is at rest now. It reads the ledgers whole: at most once a second.
    pub(in crate::live) fn rest(&mut self) -> Rest {
        let Some(shop) = &self.shop else { return Rest::Unseen };
        let (opening, mut seen) = (&self.opening, Seen::default());
        let looked = shop.read(&self.runtime, self.clock, &mut |row, _| seen.take(opening, row));
        if !looked.is_ok_and(|looked| looked.lacking.is_empty()) {
            return Rest::Unseen;
        }
        if seen.open > 0 {
            return if shop.ends() == Ends::Listed { Rest::Busy } else { Rest::Unsaid };
        }
        let money = match self.provider.as_mut().map(|provider| provider.look(&self.runtime)) {
            Some(Ok(lines)) => reserves_money(lines),
            Some(Err(_)) => return Rest::Unseen,
            None => false,
        };
        if money || seen.held || seen.is_short(opening) { Rest::OrdersOver } else { Rest::Whole }
    }
}

/// What is seen of the run.
#[derive(Default)]
struct Seen {
    /// Orders that are not over.
    open: u64,
    /// Whether anything is reserved.
    held: bool,
    /// Pieces of paid orders, by item.
    sold: BTreeMap<String, i64>,
    /// Pieces that are free, by item.
    free: BTreeMap<String, i64>,
}

impl Seen {
    fn take(&mut self, opening: &Opening, row: ShopRow) {
        match row {
            ShopRow::Order(order) if !opening.knows(&order.id) => self.order(order),
            ShopRow::Reservation(held) => self.held |= !opening.has_reservation(&held),
            ShopRow::Stock(count) => {
                if let Some(free) = count.free {
                    self.free.insert(count.name, free);
                }
            }
            ShopRow::Order(_) | ShopRow::Slot(_) | ShopRow::Unit(_) => {}
        }
    }

    fn order(&mut self, order: Order) {
        if !order.terminal {
            self.open += 1;
        }
        if order.paid {
            *self.sold.entry(order.item).or_default() += i64::from(order.quantity);
        }
    }

    /// Whether pieces are gone that are not sold.
    fn is_short(&self, opening: &Opening) -> bool {
        self.free.iter().any(|(item, free)| {
            let before = opening.stock.get(item).and_then(|count| count.free);
            let sold = self.sold.get(item).copied().unwrap_or(0);
            before.is_some_and(|before| free.saturating_add(sold) < before)
        })
    }
}

/// Whether money is reserved that was neither taken nor let go. Whether its order is paid does not
/// matter: many a shop calls it so, and takes the money afterwards.
fn reserves_money(lines: &[PaymentLine]) -> bool {
    let mut open = BTreeSet::new();
    for line in lines.iter().filter(|line| !line.replayed) {
        let Some(payment) = line.payment.as_deref() else { continue };
        match line.outcome {
            PaymentOutcome::Authorized => open.insert(payment),
            PaymentOutcome::Captured | PaymentOutcome::Voided => open.remove(payment),
            _ => false,
        };
    }
    !open.is_empty()
}
