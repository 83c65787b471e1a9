//! Whether a fan left empty-handed while what it wanted could still have been sold.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use domain::id::FanId;
use domain::outcome::{Departure, Outcome};
use domain::provider::{PaymentOperation, PaymentOutcome};
use domain::shop::Sale;
use domain::time::Time;

use crate::audit::books::Books;
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::history::{self, History};
use crate::audit::lots::{Leftover, leftover};
use crate::audit::story;
use crate::evidence::Evidence;
use crate::evidence::demand::{self, Tally};
use crate::evidence::gap::Part;
use crate::evidence::rows::{AttemptRow, PurchaseRow};

/// Sold less than sellable while a fan who wanted no more pieces than are left went away without.
///
/// The bound by the admitted rate is lowered by the pieces of declined payments: each used up an
/// admission that nobody could have bought with. Of what is left in the end, a fan could not have had
///
/// - what was held when it was last told that it is sold out, by an answer or by a page (which may be as
///   old as its time to live and the grace of INV-STALE-SOLDOUT), and came back since: what the shop says
///   it let go, or at least the pieces of payments that were declined later. What never comes back
///   excuses nobody;
/// - anything, if it left after a failure and its own payment is what the provider failed, by a 5xx or by
///   silence. A payment that was refused for having been asked too often is the shop's to prevent.
///
/// Of a sale by lot, what could have been sold is what fans entered for ([`leftover`]).
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
    let empty_handed = LazyCell::new(|| EmptyHanded::new(books));
    let (mut count, mut money, mut witness) = (0, 0.0, Story::default());
    for (sale, sellable) in evidence.catalogue.sales.iter().zip(sellable) {
        if sale.lottery.is_some() {
            if let Some(Leftover { pieces, fan, wanted }) = leftover(books, sale, &sold) {
                count += pieces;
                money += pieces as f64 * mean_price(sale);
                if witness.lines.is_empty() {
                    let end = format!(
                        "at the end: {pieces} pieces of sale {} were not drawn for any of its losers, and \
                         fan {fan} entered for {wanted}",
                        sale.id
                    );
                    witness = story::of_intent(books, &fan.to_string(), end);
                }
            }
            continue;
        }
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
    /// By item: what was held for a while.
    backs: BTreeMap<&'a str, Back>,
}

/// A fan that was turned away.
struct Turned {
    fan: FanId,
    /// How many pieces it wanted.
    quantity: u32,
    /// When it last asked and was answered, where it was then told that it is sold out.
    asked: Option<(Time, Time)>,
}

impl<'a> EmptyHanded<'a> {
    fn new(books: &Books<'a>) -> Self {
        let evidence = books.evidence;
        let answers = answers(evidence);
        let age = books.facts.edge_ttl.saturating_add(books.asked.budgets.stale.grace.0);
        let failed = failed_at_the_provider(evidence);
        let mut fans: BTreeMap<&str, Vec<Turned>> = BTreeMap::new();
        for row in evidence.purchases() {
            let PurchaseRow::Departed { fan, who, at, departure, item, quantity, refused } = row
            else {
                continue;
            };
            let answers = answers[who.place()];
            let empty = match departure {
                Departure::SoldOut | Departure::GaveUp | Departure::Rejected => true,
                Departure::Expired | Departure::Reneged => refused || answers.refused,
                Departure::Bought | Departure::Declined | Departure::Balked => false,
            };
            let asked = match (departure, answers.sold_out) {
                // Long after its last answer it leaves at a page, which may be as old as it may be.
                (Departure::SoldOut, (_, told)) if told == Time::NEVER || told + age < at => {
                    Some((at.before(age), at))
                }
                (_, (Time::NEVER, _)) => None,
                (_, asked) => Some(asked),
            };
            if empty && (asked.is_some() || !failed[who.place()]) {
                fans.entry(item).or_default().push(Turned { fan, quantity, asked });
            }
        }
        Self { fans, backs: backs(books) }
    }

    /// A fan whose wish the rest of its item's stock would have met when it last asked.
    fn who_could_have_bought(&self, sale: &Sale, sold: &Tally) -> Option<(FanId, String)> {
        sale.items.iter().find_map(|item| {
            let left = u64::from(item.stock).saturating_sub(sold.item(&item.id));
            let fans = self.fans.get(item.id.as_str()).filter(|_| left > 0)?;
            let could = |turned: &&Turned| {
                let back = self.backs.get(item.id.as_str());
                let held = back.zip(turned.asked).map_or(0, |(back, at)| back.held(at.0, at.1));
                u64::from(turned.quantity) <= left.saturating_sub(held)
            };
            let Turned { fan, quantity, .. } = fans.iter().find(could)?;
            Some((*fan, format!("{quantity} × {}, of which {left} are left", item.id)))
        })
    }
}

/// What a fan was answered.
#[derive(Copy, Clone)]
struct Answered {
    /// Whether it ever was refused, or heard nothing.
    refused: bool,
    /// When it last asked and was answered, if it was told then that it is sold out; never, if its last
    /// answer was another.
    sold_out: (Time, Time),
}

/// What each fan was answered.
fn answers(evidence: &Evidence) -> Vec<Answered> {
    let none = Answered { refused: false, sold_out: (Time::NEVER, Time::NEVER) };
    let mut answers = evidence.names().people.column(none);
    for attempt in evidence.attempts() {
        let answered = &mut answers[attempt.who.place()];
        answered.refused |= matches!(
            attempt.outcome,
            Outcome::SoldOut | Outcome::RateLimited | Outcome::Error | Outcome::Unknown
        );
        let is_sold_out = attempt.outcome == Outcome::SoldOut;
        let never = (Time::NEVER, Time::NEVER);
        answered.sold_out = if is_sold_out { (attempt.sent, attempt.done) } else { never };
    }
    answers
}

/// Of each intent, whether the provider failed a payment of it (a 5xx, or no answer at all) and never
/// refused one for having been asked too often, which is the shop's to prevent.
fn failed_at_the_provider(evidence: &Evidence) -> Vec<bool> {
    use PaymentOperation::{Authenticate, Authorize, Capture, Retrieve};
    const FAILED: u8 = 1;
    const LIMITED: u8 = 2;
    let mut seen = evidence.names().people.column(0_u8);
    for row in evidence.payment_rows() {
        if matches!(row.operation, Authorize | Authenticate | Capture | Retrieve) {
            seen[row.intent.name().place()] |= match row.told {
                PaymentOutcome::Failed | PaymentOutcome::Silence => FAILED,
                PaymentOutcome::RateLimited => LIMITED,
                _ => 0,
            };
        }
    }
    seen.into_iter().map(|seen| seen == FAILED).collect()
}

/// Pieces over time: how many there are from a moment on.
#[derive(Default)]
struct Pieces {
    /// Oldest first, once [`Self::summed`].
    moments: Vec<(Time, u64)>,
}

impl Pieces {
    fn add(&mut self, at: Time, quantity: u32) {
        self.moments.push((at, u64::from(quantity)));
    }

    /// With each moment the pieces of all that come after it, too.
    fn summed(mut self) -> Self {
        self.moments.sort_unstable();
        let mut sum = 0;
        for (_, pieces) in self.moments.iter_mut().rev() {
            sum += *pieces;
            *pieces = sum;
        }
        self
    }

    /// The pieces from a moment on.
    fn since(&self, at: Time) -> u64 {
        let first = self.moments.partition_point(|(moment, _)| *moment < at);
        self.moments.get(first).map_or(0, |(_, pieces)| *pieces)
    }

    /// The pieces after a moment.
    fn after(&self, at: Time) -> u64 {
        let first = self.moments.partition_point(|(moment, _)| *moment <= at);
        self.moments.get(first).map_or(0, |(_, pieces)| *pieces)
    }
}

/// What of one item was held for a while and not sold.
#[derive(Default)]
struct Back {
    /// When payments were declined, where the shop does not say what it held.
    declined: Pieces,
    /// When pieces were taken that were let go later.
    taken: Pieces,
    /// When these were let go.
    freed: Pieces,
}

impl Back {
    /// Pieces that were held at some moment of a question that was asked and answered then, and not
    /// sold. Where the shop does not say what it held when, declined payments stand for it.
    fn held(&self, asked: Time, told: Time) -> u64 {
        let let_go = self.freed.since(asked).saturating_sub(self.taken.after(told));
        let_go.saturating_add(self.declined.since(asked))
    }
}

/// What of each item came back.
fn backs<'a>(books: &Books<'a>) -> BTreeMap<&'a str, Back> {
    let mut backs: BTreeMap<&str, Back> = BTreeMap::new();
    if let History::Told = history::history(books) {
        for hold in history::holds(books) {
            if let Some((_, freed)) = hold.freed {
                let back = backs.entry(hold.item).or_default();
                back.taken.add(hold.asked, hold.quantity);
                back.freed.add(freed, hold.quantity);
            }
        }
    } else {
        let declined =
            |attempt: &AttemptRow<'_>| attempt.buys() && attempt.outcome == Outcome::Declined;
        for attempt in books.evidence.attempts().filter(declined) {
            backs
                .entry(attempt.item.text())
                .or_default()
                .declined
                .add(attempt.done, attempt.quantity);
        }
    }
    let summed = |Back { declined, taken, freed }| Back {
        declined: declined.summed(),
        taken: taken.summed(),
        freed: freed.summed(),
    };
    backs.into_iter().map(|(item, back)| (item, summed(back))).collect()
}
