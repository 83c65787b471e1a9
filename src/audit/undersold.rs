//! Whether a fan left empty-handed while what it wanted could still have been sold.

use std::collections::BTreeMap;

use domain::id::FanId;
use domain::outcome::{Departure, Outcome};
use domain::shop::Sale;
use domain::time::Time;

use crate::audit::books::Books;
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::story;
use crate::evidence::Evidence;
use crate::evidence::demand::{self, Tally};
use crate::evidence::gap::Part;
use crate::evidence::rows::PurchaseRow;

/// Sold less than sellable while a fan who wanted no more pieces than are left went away without.
///
/// The bound by the admitted rate is lowered by the pieces of declined payments: each used up an
/// admission that nobody could have bought with. Pieces of payments that were declined after a fan
/// was last told that it is sold out were held then: that fan could not have had them.
pub(super) fn undersold(books: &Books<'_>) -> Found {
    let evidence = books.evidence;
    if evidence.catalogue.sales.is_empty() {
        return Found::not_applicable("nothing was for sale");
    }
    if !evidence.has_shop() {
        return Found::held();
    }
    if evidence.ending.aborted {
        return Found::not_checked("the sale was cut short".to_owned());
    }
    if evidence.ending.gaps.iter().any(|gap| gap.part == Part::Provider) {
        return Found::not_checked("the provider died, and nothing could be paid then".to_owned());
    }
    if let Some(name) = books.ledgers.and_then(|ledgers| ledgers.disputed.first()) {
        return Found::not_checked(format!(
            "the scenario and the shop do not agree how many there were of {name}"
        ));
    }
    let sold = demand::sold(evidence);
    let sellable = demand::sellable(evidence, books.facts);
    let empty_handed = EmptyHanded::new(books);
    let (mut count, mut money, mut witness) = (0, 0.0, Story::default());
    for (sale, sellable) in evidence.catalogue.sales.iter().zip(sellable) {
        let within = |item: &domain::shop::Item| sold.item(&item.id).min(u64::from(item.stock));
        let total: u64 = sale.items.iter().map(within).sum();
        let missing = sellable.after_declines.saturating_sub(total);
        if missing == 0 || slots_are_full(sale, &sold) {
            continue;
        }
        if let Some((fan, wanted)) = empty_handed.who_could_have_bought(sale, &sold) {
            count += missing;
            money += missing as f64 * mean_price(sale);
            if witness.lines.is_empty() {
                let end = format!(
                    "at the end: {total} of {} sellable pieces of sale {} were sold, and fan {fan} \
                     left without {wanted}",
                    sellable.total, sale.id
                );
                witness = story::of_intent(books, &fan.to_string(), end);
            }
        }
    }
    let allowed = books.asked.budgets.undersold.pieces;
    let over = if count > allowed { count } else { 0 };
    let found = Found::count(over, "sellable pieces not sold", || witness);
    if count == 0 {
        return found;
    }
    found
        .with(
            (count as f64, Unit::Pieces),
            "not sold though they could have been",
            Some(allowed as f64),
        )
        .with((money.round(), Unit::Money), "not earned", None)
}

/// The mean price of a sale's pieces \[minor units\].
fn mean_price(sale: &Sale) -> f64 {
    let (money, pieces) = sale.items.iter().fold((0.0, 0.0), |(money, pieces), item| {
        let stock = f64::from(item.stock);
        (money + stock * item.price.minor() as f64, pieces + stock)
    });
    if pieces > 0.0 { money / pieces } else { 0.0 }
}

fn slots_are_full(sale: &Sale, sold: &Tally) -> bool {
    let is_full = |slot: &domain::shop::Slot| {
        sold.slot(&format!("{}/{}", sale.id, slot.id)) >= u64::from(slot.capacity)
    };
    !sale.slots.is_empty() && sale.slots.iter().all(is_full)
}

/// Fans who wanted something, were refused and never bought.
struct EmptyHanded<'a> {
    /// By item.
    fans: BTreeMap<&'a str, Vec<Turned>>,
    /// By item: when a payment was declined, and for how many pieces.
    declined: BTreeMap<&'a str, Vec<(Time, u32)>>,
}

/// A fan that was turned away.
struct Turned {
    fan: FanId,
    /// How many pieces it wanted.
    quantity: u32,
    /// When it last asked, where it was then told that it is sold out.
    asked: Option<Time>,
}

impl<'a> EmptyHanded<'a> {
    fn new(books: &Books<'a>) -> Self {
        let evidence = books.evidence;
        let answers = answers(evidence);
        let mut fans: BTreeMap<&str, Vec<Turned>> = BTreeMap::new();
        for row in evidence.purchases() {
            let PurchaseRow::Departed { fan, who, departure, item, quantity, refused, .. } = row
            else {
                continue;
            };
            let answers = answers[who.place()];
            let empty = match departure {
                Departure::SoldOut | Departure::GaveUp | Departure::Rejected => true,
                Departure::Expired | Departure::Reneged => refused || answers.refused,
                Departure::Bought | Departure::Declined | Departure::Balked => false,
            };
            if empty {
                let asked = Some(answers.sold_out).filter(|asked| *asked != Time::NEVER);
                fans.entry(item).or_default().push(Turned { fan, quantity, asked });
            }
        }
        Self { fans, declined: declined(evidence) }
    }

    /// A fan whose wish the rest of its item's stock would have met when it last asked.
    fn who_could_have_bought(&self, sale: &Sale, sold: &Tally) -> Option<(FanId, String)> {
        sale.items.iter().find_map(|item| {
            let left = u64::from(item.stock).saturating_sub(sold.item(&item.id));
            let fans = self.fans.get(item.id.as_str()).filter(|_| left > 0)?;
            let could = |turned: &&Turned| {
                let held = turned.asked.map_or(0, |asked| self.declined_since(&item.id, asked));
                u64::from(turned.quantity) <= left.saturating_sub(held)
            };
            let Turned { fan, quantity, .. } = fans.iter().find(could)?;
            Some((*fan, format!("{quantity} × {}, of which {left} are left", item.id)))
        })
    }

    /// Pieces of an item whose payments were declined from `asked` on.
    fn declined_since(&self, item: &str, asked: Time) -> u64 {
        let declined = self.declined.get(item).into_iter().flatten();
        declined.filter(|(at, _)| *at >= asked).map(|(_, pieces)| u64::from(*pieces)).sum()
    }
}

/// What a fan was answered.
#[derive(Copy, Clone)]
struct Answered {
    /// Whether it ever was refused, or heard nothing.
    refused: bool,
    /// When it last asked, if it was told then that it is sold out; never, if its last answer was another.
    sold_out: Time,
}

/// What each fan was answered.
fn answers(evidence: &Evidence) -> Vec<Answered> {
    let none = Answered { refused: false, sold_out: Time::NEVER };
    let mut answers = evidence.names().people.column(none);
    for attempt in evidence.attempts() {
        let answered = &mut answers[attempt.who.place()];
        answered.refused |= matches!(
            attempt.outcome,
            Outcome::SoldOut | Outcome::RateLimited | Outcome::Error | Outcome::Unknown
        );
        let is_sold_out = attempt.outcome == Outcome::SoldOut;
        answered.sold_out = if is_sold_out { attempt.sent } else { Time::NEVER };
    }
    answers
}

/// When payments were declined, and for how many pieces, by item.
fn declined(evidence: &Evidence) -> BTreeMap<&str, Vec<(Time, u32)>> {
    let mut declined: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for attempt in evidence.attempts() {
        if attempt.buys() && attempt.outcome == Outcome::Declined {
            declined.entry(attempt.item).or_default().push((attempt.done, attempt.quantity));
        }
    }
    declined
}
