//! How a lottery went: who entered by what clients were told, who won and paid by the shop's ledger.

use domain::outcome::{Operation, Outcome};
use domain::shop::Sale;
use domain::time::Time;

use crate::evidence::Evidence;
use crate::measure::LotterySummary;

/// What a fan's part in a lottery came to.
#[derive(Copy, Clone, Default)]
struct Part {
    entered: bool,
    /// When it was drawn, by the shop's clock.
    won: Option<Time>,
    paid: bool,
    released: bool,
}

/// How the lottery of a sale went; `None` where it has none, or where there is no ledger of the shop.
pub(super) fn lottery(evidence: &Evidence, sale: &Sale) -> Option<LotterySummary> {
    if sale.lottery.is_none() || !evidence.has_shop() {
        return None;
    }
    let is_of_sale = |name: &str| sale.items.iter().any(|item| item.id == name);
    let mut parts = evidence.names().people.column(Part::default());
    for attempt in evidence.attempts().filter(|attempt| is_of_sale(&attempt.item)) {
        let enters = attempt.operation == Operation::Entry && attempt.outcome == Outcome::Ok;
        parts[attempt.intent.name().place()].entered |= enters;
    }
    for order in evidence.order_rows().filter(|order| is_of_sale(&order.item)) {
        let part = &mut parts[order.intent.name().place()];
        let since = order.created_utc_ns.saturating_sub(evidence.ending.began_utc_ns);
        let drawn = Time::from_nanos(since);
        part.won = Some(part.won.map_or(drawn, |first| first.min(drawn)));
        part.paid |= order.paid;
        part.released |= *order.status == *"expired";
    }
    let second = sale.draw_at(1);
    let count = |is: &dyn Fn(&Part) -> bool| parts.iter().filter(|part| is(part)).count() as u64;
    Some(LotterySummary {
        entries: count(&|part| part.entered),
        winners: count(&|part| part.won.is_some()),
        paid: count(&|part| part.paid),
        released: count(&|part| part.released && !part.paid),
        redrawn: count(&|part| part.won.is_some_and(|at| at >= second)),
    })
}
