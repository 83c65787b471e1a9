//! In which order fans asked for what, and who got it: by the clock of the clients, which is one.

use std::collections::BTreeMap;

use domain::outcome::{Operation, Outcome};
use domain::shop::Short;
use domain::time::Time;

use crate::audit::books::Books;
use crate::evidence::{PurchaseLine, demand};

/// One fan's way to one thing.
pub(super) struct Asker<'a> {
    pub(super) intent: &'a str,
    /// When its first request went out that the shop gave an answer to, other than that the sale is
    /// not open.
    pub(super) first: Time,
    /// How many pieces it wanted; of a slot, one place.
    pub(super) quantity: u32,
    /// When it was told that it has it.
    pub(super) bought: Option<Time>,
    /// Whether it was ever told that it is sold out.
    pub(super) refused: bool,
}

/// Who asked for each item, and for each slot by `sale/slot`, in the order in which they first did.
///
/// A refusal counts for the item or the slot that was short; where a shop with slots does not say
/// which, it counts for neither.
pub(super) fn askers<'a>(books: &Books<'a>) -> BTreeMap<String, Vec<Asker<'a>>> {
    let catalogue = &books.evidence.catalogue;
    let mut ways: BTreeMap<(String, &str), Asker<'_>> = BTreeMap::new();
    for line in &books.evidence.purchases {
        let PurchaseLine::Attempt {
            intent,
            operation,
            item,
            slot,
            quantity,
            sent,
            done,
            outcome,
            short,
            ..
        } = line
        else {
            continue;
        };
        if !reached(*outcome) {
            continue;
        }
        let place = slot.as_ref().map(|slot| demand::place(catalogue, item, slot));
        let short = what_was_short(*short, place.is_some());
        let buys = matches!(operation, Operation::Checkout | Operation::Poll);
        let wishes = [(Some(item.clone()), *quantity, Short::Item), (place, 1, Short::Slot)];
        for (name, quantity, kind) in wishes {
            let Some(name) = name else { continue };
            let new = Asker { intent, first: *sent, quantity, bought: None, refused: false };
            let asker = ways.entry((name, intent)).or_insert(new);
            if *outcome == Outcome::Ok && buys && asker.bought.is_none() {
                asker.bought = Some(*done);
                asker.quantity = quantity;
            }
            asker.refused |= *outcome == Outcome::SoldOut && short == Some(kind);
        }
    }
    let mut askers: BTreeMap<String, Vec<Asker<'_>>> = BTreeMap::new();
    for ((name, _), asker) in ways {
        askers.entry(name).or_default().push(asker);
    }
    for askers in askers.values_mut() {
        askers.sort_by_key(|asker| asker.first);
    }
    askers
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
