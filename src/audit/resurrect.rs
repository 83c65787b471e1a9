//! Whether pieces are sold that had come back after fans had been told that it is sold out, and to
//! whom they go.

use std::collections::{BTreeMap, HashSet};

use domain::outcome::Outcome;
use domain::time::{Duration, Time};

use crate::audit::books::Books;
use crate::audit::budget::Resurrect;
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::history::{self, History};
use crate::audit::order::{Asker, askers};
use crate::audit::sold_out::{Refusal, refusals};
use crate::audit::story;
use crate::evidence::demand;
use crate::evidence::names::Name;
use crate::evidence::rows::PurchaseRow;

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
    let mut news = books.evidence.names().people.column(0_u32);
    for row in books.evidence.purchases() {
        if let PurchaseRow::Seen { who, .. } = row {
            news[who.place()] += 1;
        }
    }
    news.into_iter().filter(|news| *news > 1).count()
}

/// Pieces, or a place, that somebody bought.
struct Taken {
    /// Who bought it, where that is known.
    intent: Option<Name>,
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
    taken: Vec<Taken>,
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
        let error = books.clocks.shop.error();
        let mut all: BTreeMap<String, Candidate<'a>> = taken(books)
            .into_iter()
            .map(|(name, taken)| (name, Candidate::new(taken, error)))
            .collect();
        let mut anybody_was_refused = false;
        for refusal in refusals(books) {
            anybody_was_refused = true;
            if let Some(candidate) = all.get_mut(&refusal.name) {
                candidate.weigh(refusal);
            }
        }
        let back = |(name, candidate): (String, Candidate<'a>)| candidate.back(name);
        let backs = all.into_iter().filter_map(back).collect();
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
        let people = &books.evidence.names().people;
        let buyer = taken.intent.map_or("", |intent| people.text(intent));
        story::of_two(books, back.refusal.intent.text(), buyer, end)
    }
}

/// What was taken of one thing, and the refusal after which the most of it was.
struct Candidate<'a> {
    /// In order.
    taken: Vec<Taken>,
    /// How many pieces were taken by each and those behind it.
    after: Vec<u64>,
    error: Duration,
    worst: Option<(u64, Refusal<'a>)>,
}

impl<'a> Candidate<'a> {
    fn new(mut taken: Vec<Taken>, error: Duration) -> Self {
        taken.sort_by_key(|taken| taken.at);
        let mut after = vec![0_u64; taken.len() + 1];
        for place in (0..taken.len()).rev() {
            after[place] = after[place + 1] + u64::from(taken[place].quantity);
        }
        Self { taken, after, error, worst: None }
    }

    /// The first that was taken after a refusal.
    fn since(&self, told: Time) -> usize {
        self.taken.partition_point(|taken| taken.at <= told + self.error)
    }

    /// What was taken after a refusal beyond the pieces that had been too few for it; of equal refusals
    /// the first counts.
    fn weigh(&mut self, refusal: Refusal<'a>) {
        let too_few = u64::from(refusal.quantity).saturating_sub(1);
        let pieces = self.after[self.since(refusal.told)].saturating_sub(too_few);
        if self.worst.as_ref().is_none_or(|(most, _)| pieces > *most) {
            self.worst = Some((pieces, refusal));
        }
    }

    fn back(mut self, name: String) -> Option<Back<'a>> {
        let (pieces, refusal) = self.worst.take().filter(|(pieces, _)| *pieces > 0)?;
        let first = self.since(refusal.told);
        self.taken.drain(..first);
        Some(Back { name, pieces, refusal, taken: self.taken })
    }
}

/// When what is sold was taken, by item and by slot: by the shop's history or, of a foreign shop, not
/// before its buyer first asked for it.
fn taken(books: &Books<'_>) -> BTreeMap<String, Vec<Taken>> {
    let mut taken: BTreeMap<String, Vec<Taken>> = BTreeMap::new();
    let mut note = |name: &str, taking| match taken.get_mut(name) {
        Some(known) => known.push(taking),
        None => drop(taken.insert(name.to_owned(), vec![taking])),
    };
    if let History::Told = history::history(books)
        && books.evidence.has_shop()
    {
        for hold in history::holds(books).filter(|hold| hold.sold) {
            let intent = books.order_named(hold.order).map(|order| order.intent);
            let at = hold.asked;
            if let Some(place) = hold.place {
                note(&place, Taken { intent, at, quantity: 1 });
            }
            note(hold.item, Taken { intent, at, quantity: hold.quantity });
        }
        return taken;
    }
    let catalogue = &books.evidence.catalogue;
    let mut asked = books.evidence.names().people.column(Time::NEVER);
    let mut told = HashSet::new();
    for attempt in books.evidence.attempts() {
        let intent = attempt.intent.name();
        let at = &mut asked[intent.place()];
        *at = if *at == Time::NEVER { attempt.sent } else { *at };
        let (at, intent) = (*at, Some(intent));
        if attempt.outcome == Outcome::Ok && attempt.buys() && told.insert(attempt.key.number()) {
            if let Some(slot) = attempt.slot {
                let place = demand::place(catalogue, &attempt.item, slot);
                note(&place, Taken { intent, at, quantity: 1 });
            }
            note(&attempt.item, Taken { intent, at, quantity: attempt.quantity });
        }
    }
    taken
}

/// How far a share of so many pieces may be from one half by chance, in standard deviations.
const CHANCE: f64 = 3.0;

/// Where pieces that come back are drawn by lot: whether fans who had asked before half of the
/// refused did get their share of them.
pub(super) fn fair(books: &Books<'_>) -> Found {
    // In this order: what is known of all askers is much, and so are the ledgers.
    let came = came(books);
    let returned = Returned::new(books);
    let (mut pieces, mut early) = (0_u64, 0_u64);
    for back in &returned.backs {
        let Some(came) = came.get(&back.name) else { continue };
        let (of, to_early) = shares(books, back, came);
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

/// When a fan first asked for a thing, and whether it was ever refused it.
struct Came {
    intent: Name,
    first: Time,
    refused: bool,
}

/// Who came for each item, and for each slot by `sale/slot`, in the order in which they did.
fn came(books: &Books<'_>) -> BTreeMap<String, Vec<Came>> {
    let askers = askers(books);
    let came = |&Asker { intent, first, refused, .. }: &Asker| Came { intent, first, refused };
    let things = askers.iter();
    things.map(|(name, askers)| (name.to_owned(), askers.iter().map(came).collect())).collect()
}

/// How many pieces that had come back were bought, and how many of them by fans who had asked before
/// half of the refused did.
fn shares(books: &Books<'_>, back: &Back<'_>, came: &[Came]) -> (u64, u64) {
    let refused: Vec<Time> =
        came.iter().filter(|asker| asker.refused).map(|asker| asker.first).collect();
    let Some(median) = refused.get(refused.len() / 2) else { return (0, 0) };
    let mut first = books.evidence.names().people.column(Time::NEVER);
    for asker in came {
        first[asker.intent.place()] = asker.first;
    }
    let (mut all, mut early) = (0, 0);
    for taken in &back.taken {
        let asked = taken.intent.map_or(Time::NEVER, |intent| first[intent.place()]);
        if asked == Time::NEVER {
            continue;
        }
        all += u64::from(taken.quantity);
        if asked < *median {
            early += u64::from(taken.quantity);
        }
    }
    (all, early)
}
