//! In which order fans asked for what, and who got it: by the clock of the clients, which is one.

use std::collections::BTreeMap;
use std::ops::Range;

use domain::outcome::{Operation, Outcome};
use domain::shop::Short;
use domain::time::Time;

use crate::audit::books::Books;
use crate::audit::entries::Place;
use crate::evidence::demand;
use crate::evidence::names::Name;
use crate::evidence::rows::AttemptRow;

/// One fan's way to one thing.
pub(super) struct Asker {
    pub(super) intent: Name,
    /// What it asked for, by its number.
    thing: u32,
    /// How many pieces it wanted; of a slot, one place.
    pub(super) quantity: u32,
    /// When its first request went out that the shop gave an answer to, other than that the sale is
    /// not open.
    pub(super) first: Time,
    /// When it was told that it has it; never, where it was not.
    bought: Time,
    /// Whether it was ever told that it is sold out.
    pub(super) refused: bool,
    /// Whether it was told that it has won it by lot.
    pub(super) won: bool,
}

impl Asker {
    /// One that is known to have asked.
    pub(super) const fn new(intent: Name, thing: u32, first: Time, quantity: u32) -> Self {
        let (bought, refused, won) = (Time::NEVER, false, false);
        Self { intent, thing, quantity, first, bought, refused, won }
    }

    /// When it was told that it has it.
    pub(super) fn bought(&self) -> Option<Time> {
        Some(self.bought).filter(|bought| *bought != Time::NEVER)
    }

    /// It was told that it has it.
    pub(super) fn buys(&mut self, at: Time, quantity: u32) {
        (self.bought, self.quantity) = (at, quantity);
    }
}

/// Who asked for each item, and for each slot by `sale/slot`.
pub(super) struct Askers {
    all: Vec<Asker>,
    things: BTreeMap<String, Range<usize>>,
}

impl Askers {
    /// Each item and slot, and who asked for it in the order in which they first did.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[Asker])> {
        self.things.iter().map(|(name, range)| (name.as_str(), &self.all[range.clone()]))
    }
}

/// Who asked for each item, and for each slot by `sale/slot`, in the order in which they first did.
///
/// A refusal counts for the item or the slot that was short; where a shop with slots does not say
/// which, it counts for neither.
pub(super) fn askers(books: &Books<'_>) -> Askers {
    let people = &books.evidence.names().people;
    let mut asking = Asking {
        all: Vec::new(),
        heads: people.column(Place::NONE),
        before: Vec::new(),
        things: BTreeMap::new(),
    };
    for attempt in books.evidence.attempts().filter(|attempt| reached(attempt.outcome)) {
        let AttemptRow { item, slot, quantity, short, outcome, .. } = attempt;
        let place = slot.map(|slot| demand::place(&books.evidence.catalogue, &item, slot));
        let short = what_was_short(short, place.is_some());
        let wishes = [(Some(&*item), quantity, Short::Item), (place.as_deref(), 1, Short::Slot)];
        for (name, quantity, kind) in wishes {
            let Some(name) = name else { continue };
            let asker = asking.asker(name, &attempt, quantity);
            if outcome == Outcome::Ok && attempt.buys() && asker.bought == Time::NEVER {
                asker.buys(attempt.done, quantity);
            }
            asker.won |= outcome == Outcome::Ok && attempt.operation == Operation::Result;
            asker.refused |= outcome == Outcome::SoldOut && short == Some(kind);
        }
    }
    let Asking { mut all, things, heads, before } = asking;
    drop((heads, before));
    let order = |asker: &Asker| (asker.thing, asker.first, people.text(asker.intent));
    all.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
    let range = |thing: u32| {
        let from = all.partition_point(|asker| asker.thing < thing);
        from..all.partition_point(|asker| asker.thing <= thing)
    };
    let things = things.into_iter().map(|(name, thing)| (name, range(thing))).collect();
    Askers { all, things }
}

/// Askers as they are met.
struct Asking {
    all: Vec<Asker>,
    /// The last one of each intent that was met first.
    heads: Vec<Place>,
    /// Of each asker the one of the same intent that was met before it.
    before: Vec<Place>,
    things: BTreeMap<String, u32>,
}

impl Asking {
    /// The asker of an attempt for a thing, new or known.
    fn asker(&mut self, name: &str, attempt: &AttemptRow<'_>, quantity: u32) -> &mut Asker {
        let known = self.things.get(name).copied();
        let thing = known.unwrap_or_else(|| {
            let thing = u32::try_from(self.things.len()).expect("things are few");
            self.things.insert(name.to_owned(), thing);
            thing
        });
        let head = &mut self.heads[attempt.intent.name().place()];
        let mut found = head.get();
        while let Some(place) = found.filter(|place| self.all[*place].thing != thing) {
            found = self.before[place].get();
        }
        let place = found.unwrap_or_else(|| {
            self.before.push(std::mem::replace(head, Place::of(self.all.len())));
            self.all.push(Asker::new(attempt.intent.name(), thing, attempt.sent, quantity));
            self.all.len() - 1
        });
        &mut self.all[place]
    }
}

/// Whether a request surely reached a sale that was open.
const fn reached(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Ok
        | Outcome::SoldOut
        | Outcome::RateLimited
        | Outcome::Declined
        | Outcome::Rejected
        | Outcome::Waiting => true,
        Outcome::NotOpen | Outcome::Error | Outcome::Unknown | Outcome::Shed => false,
    }
}

/// What a fan that was told `sold_out` could not have, as far as that is known.
pub(super) const fn what_was_short(said: Option<Short>, has_slot: bool) -> Option<Short> {
    match said {
        None if has_slot => None,
        None => Some(Short::Item),
        said => said,
    }
}
