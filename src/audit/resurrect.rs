//! Whether pieces are sold that had come back after fans had been told that it is sold out, and to
//! whom they go.

use std::collections::{BTreeMap, BTreeSet};

use domain::outcome::{Operation, Outcome};
use domain::time::{Duration, Time};

use crate::audit::books::Books;
use crate::audit::budget::Resurrect;
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::history::{self, History};
use crate::audit::order::{Asker, askers};
use crate::audit::sold_out::{Refusal, refusals};
use crate::audit::story;
use crate::evidence::{PurchaseLine, demand};

/// Pieces sold that were taken only after somebody had been told that it is sold out: what was then
/// neither sold nor held for its buyer had come back.
pub(super) fn resurrect(books: &Books<'_>) -> Found {
    let returned = Returned::new(books);
    let pieces = returned.pieces();
    let policy = books.asked.resurrect;
    let budget = books.asked.budgets.resurrect.pieces;
    let forbidden = policy == Resurrect::Forbid;
    let count = if forbidden && pieces > budget { pieces } else { 0 };
    let measure = "pieces and places sold that had come back after `sold_out`";
    let found = if forbidden {
        Found::count(count, measure, || returned.told(books))
    } else {
        Found::not_applicable("`[audit] resurrect` lets what comes back be sold")
    };
    if !returned.anybody_was_refused {
        return found;
    }
    let allowed = forbidden.then_some(budget as f64);
    let found = found.with((pieces as f64, Unit::Pieces), "sold that had come back", allowed);
    let Some(first) = returned.first() else { return found };
    found
        .with_some(
            (first.after().as_secs_f64(), Unit::Seconds),
            "after the first was told `sold_out`",
        )
        .with_some((saw_both(books) as f64, Unit::Fans), "saw it gone, and back again")
}

/// How many fans saw something gone that they later saw again.
fn saw_both(books: &Books<'_>) -> usize {
    let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for line in &books.evidence.purchases {
        if let PurchaseLine::Seen { fan, .. } = line
            && !once.insert(*fan)
        {
            twice.insert(*fan);
        }
    }
    twice.len()
}

/// Pieces, or a place, that somebody bought.
struct Taken<'a> {
    intent: &'a str,
    at: Time,
    quantity: u32,
}

/// What came back of one item or slot and was sold.
struct Back<'a> {
    name: String,
    pieces: u64,
    /// The first who was told that it is sold out.
    refusal: Refusal<'a>,
    /// What was taken after that, in order.
    taken: Vec<Taken<'a>>,
}

impl Back<'_> {
    /// How long after the refusal the first of it was taken.
    fn after(&self) -> Duration {
        self.taken.first().map_or(Duration::ZERO, |taken| taken.at.since(self.refusal.told))
    }
}

/// What came back and was sold.
struct Returned<'a> {
    backs: Vec<Back<'a>>,
    anybody_was_refused: bool,
}

impl<'a> Returned<'a> {
    fn new(books: &Books<'a>) -> Self {
        let mut by_name: BTreeMap<String, Vec<Refusal<'a>>> = BTreeMap::new();
        for refusal in refusals(books) {
            by_name.entry(refusal.name.clone()).or_default().push(refusal);
        }
        let anybody_was_refused = !by_name.is_empty();
        let error = books.clocks.shop.error();
        let mut taken = taken(books);
        let back = |(name, refusals): (String, Vec<Refusal<'a>>)| {
            let taken = taken.remove(&name)?;
            back(name, refusals, taken, error)
        };
        let backs = by_name.into_iter().filter_map(back).collect();
        Self { backs, anybody_was_refused }
    }

    fn pieces(&self) -> u64 {
        self.backs.iter().map(|back| back.pieces).sum()
    }

    /// What came back soonest after a refusal.
    fn first(&self) -> Option<&Back<'a>> {
        self.backs.iter().min_by_key(|back| back.refusal.told)
    }

    fn told(&self, books: &Books<'_>) -> Story {
        let Some(back) = self.first() else { return Story::default() };
        let Refusal { fan, name, told, quantity, .. } = &back.refusal;
        let Some(taken) = back.taken.first() else { return Story::default() };
        let end = format!(
            "fan {fan} was told at {told} that {quantity} of {name} are not to be had, and {} were \
             taken by others from {} on and sold",
            back.pieces, taken.at
        );
        story::of_two(books, back.refusal.intent, taken.intent, end)
    }
}

/// What came back of one thing: the most that was taken after any of the refusals beyond the pieces
/// that had been too few for it.
fn back<'a>(
    name: String,
    refusals: Vec<Refusal<'a>>,
    mut taken: Vec<Taken<'a>>,
    error: Duration,
) -> Option<Back<'a>> {
    taken.sort_by_key(|taken| taken.at);
    let mut after = vec![0_u64; taken.len() + 1];
    for place in (0..taken.len()).rev() {
        after[place] = after[place + 1] + u64::from(taken[place].quantity);
    }
    let since = |told: Time| taken.partition_point(|taken| taken.at <= told + error);
    let pieces = |refusal: &Refusal<'_>| {
        let too_few = u64::from(refusal.quantity).saturating_sub(1);
        after[since(refusal.told)].saturating_sub(too_few)
    };
    // Of equal ones the first.
    let worst = refusals.into_iter().rev().max_by_key(pieces)?;
    let (pieces, first) = (pieces(&worst), since(worst.told));
    taken.drain(..first);
    (pieces > 0).then_some(Back { name, pieces, refusal: worst, taken })
}

/// When what is sold was taken, by item and by slot: by the shop's history or, of a foreign shop, not
/// before its buyer first asked for it.
fn taken<'a>(books: &Books<'a>) -> BTreeMap<String, Vec<Taken<'a>>> {
    let mut taken: BTreeMap<String, Vec<Taken<'a>>> = BTreeMap::new();
    let mut note = |name: String, taking| taken.entry(name).or_default().push(taking);
    if let History::Told(holds) = history::history(books)
        && books.shop.is_some()
    {
        for hold in holds.into_iter().filter(|hold| hold.sold) {
            let intent = books.order(hold.order).map_or("", |order| order.intent);
            let at = hold.asked;
            if let Some(place) = hold.place {
                note(place, Taken { intent, at, quantity: 1 });
            }
            note(hold.item.to_owned(), Taken { intent, at, quantity: hold.quantity });
        }
        return taken;
    }
    let catalogue = &books.evidence.catalogue;
    let mut asked: BTreeMap<&str, Time> = BTreeMap::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for line in &books.evidence.purchases {
        let PurchaseLine::Attempt {
            intent,
            key,
            operation,
            item,
            slot,
            quantity,
            sent,
            outcome,
            ..
        } = line
        else {
            continue;
        };
        let at = *asked.entry(intent).or_insert(*sent);
        let buys = matches!(operation, Operation::Checkout | Operation::Poll);
        if *outcome == Outcome::Ok && buys && told.insert(key) {
            if let Some(slot) = slot {
                let place = demand::place(catalogue, item, slot);
                note(place, Taken { intent, at, quantity: 1 });
            }
            note(item.clone(), Taken { intent, at, quantity: *quantity });
        }
    }
    taken
}

/// How far a share of so many pieces may be from one half by chance, in standard deviations.
const CHANCE: f64 = 3.0;

/// Where pieces that come back are drawn by lot: whether fans who had asked before half of the
/// refused did get their share of them.
pub(super) fn fair(books: &Books<'_>) -> Found {
    let returned = Returned::new(books);
    let askers = askers(books);
    let (mut pieces, mut early) = (0_u64, 0_u64);
    for back in &returned.backs {
        let Some(askers) = askers.get(&back.name) else { continue };
        let (of, to_early) = shares(back, askers);
        pieces += of;
        early += to_early;
    }
    if pieces == 0 {
        return Found::not_applicable("nothing was sold that had come back");
    }
    let share = early as f64 / pieces as f64;
    let budget = books.asked.budgets.fair.share;
    let lottery = books.asked.resurrect == Resurrect::Lottery;
    let what = "of what had come back went to fans who asked before half of the refused did";
    let figure = (share, Unit::Share);
    if !lottery {
        let why = "`[audit] resurrect` does not ask that what comes back be drawn by lot";
        return Found::not_applicable(why).with(figure, what, None);
    }
    let chance = CHANCE * (budget * (1.0 - budget) / pieces as f64).max(0.0).sqrt();
    let late = if share + chance < budget { pieces - early } else { 0 };
    let measure = "pieces that had come back and went to late comers";
    Found::count(late, measure, || returned.told(books)).with(figure, what, Some(budget))
}

/// How many pieces that had come back were bought, and how many of them by fans who had asked before
/// half of the refused did.
fn shares(back: &Back<'_>, askers: &[Asker<'_>]) -> (u64, u64) {
    let refused: Vec<Time> =
        askers.iter().filter(|asker| asker.refused).map(|asker| asker.first).collect();
    let Some(median) = refused.get(refused.len() / 2) else { return (0, 0) };
    let first: BTreeMap<&str, Time> =
        askers.iter().map(|asker| (asker.intent, asker.first)).collect();
    let (mut all, mut early) = (0, 0);
    for taken in &back.taken {
        let Some(asked) = first.get(taken.intent) else { continue };
        all += u64::from(taken.quantity);
        if asked < median {
            early += u64::from(taken.quantity);
        }
    }
    (all, early)
}
