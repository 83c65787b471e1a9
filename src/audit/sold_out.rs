//! Whether who was told `sold_out` could truly not have had it.

use std::collections::{BTreeMap, HashMap};

use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::shop::Short;
use domain::time::{Duration, Time};

use crate::audit::books::Books;
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::history::{self, Free, History};
use crate::audit::order::what_was_short;
use crate::audit::story;
use crate::evidence::{PurchaseLine, demand};

/// An answer `sold_out`, and the stretch in which the shop came to it.
pub(super) struct Refusal<'a> {
    pub(super) fan: FanId,
    pub(super) intent: &'a str,
    /// What was short: an item, or a slot as `sale/slot`.
    pub(super) name: String,
    /// How much of it was wanted.
    pub(super) quantity: u32,
    /// From when the fan first asked.
    pub(super) asked: Time,
    /// When it was told.
    pub(super) told: Time,
}

/// All answers `sold_out` of which is known what was short, in the order in which they were told.
///
/// What an answer to a poll says may have been decided at any time since the checkout.
pub(super) fn refusals<'a>(books: &Books<'a>) -> Vec<Refusal<'a>> {
    let catalogue = &books.evidence.catalogue;
    let mut since: HashMap<&str, Time> = HashMap::new();
    let mut refusals = Vec::new();
    for line in &books.evidence.purchases {
        let PurchaseLine::Attempt {
            fan,
            intent,
            key,
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
        let asked = match operation {
            Operation::Checkout => Some(*since.entry(key).or_insert(*sent)),
            Operation::Poll => since.get(key.as_str()).copied(),
            _ => Some(*sent),
        };
        if matches!(outcome, Outcome::SoldOut | Outcome::Ok | Outcome::Declined | Outcome::Rejected)
        {
            since.remove(key.as_str());
        }
        let Some(asked) = asked.filter(|_| *outcome == Outcome::SoldOut) else { continue };
        let place = slot.as_ref().map(|slot| demand::place(catalogue, item, slot));
        let (name, quantity) = match (what_was_short(*short, place.is_some()), place) {
            (Some(Short::Item), _) => (item.clone(), *quantity),
            (Some(Short::Slot), Some(place)) => (place, 1),
            _ => continue,
        };
        let (fan, told) = (*fan, *done);
        refusals.push(Refusal { fan, intent, name, quantity, asked, told });
    }
    refusals
}

/// Answers `sold_out` while as much as was wanted was free from the question to the answer. Where
/// it was merely held for orders that let it go later, the answer was true for the moment: of such
/// ones a share may be allowed.
pub(super) fn phantom(books: &Books<'_>) -> Found {
    if books.shop.is_none() {
        return match books.ledgers {
            Some(_) => Found::not_applicable("no ledger says what was held when"),
            None => Found::held(),
        };
    }
    let (holds, sure) = match history::history(books) {
        History::Told(holds) => (holds, true),
        // What carts hold before there is an order nobody says.
        History::ByOrders(holds) => (holds, false),
        History::Unknown(why) => return Found::not_applicable(why),
    };
    let refusals = refusals(books);
    let free = history::free(books, &holds);
    let error = books.clocks.shop.error();
    let mut wrong = Wrong::default();
    for refusal in &refusals {
        wrong.weigh(refusal, &free, sure, error);
    }
    wrong.found(books, refusals.len())
}

/// Answers that were wrong.
#[derive(Default)]
struct Wrong<'a> {
    /// Enough was free.
    plain: Vec<(&'a Refusal<'a>, i64)>,
    /// Enough would have been free but for what was let go later.
    transient: Vec<(&'a Refusal<'a>, i64)>,
}

impl<'a> Wrong<'a> {
    fn weigh(
        &mut self,
        refusal: &'a Refusal<'a>,
        free: &BTreeMap<String, Free>,
        sure: bool,
        error: Duration,
    ) {
        let Some(free) = free.get(&refusal.name) else { return };
        let from = refusal.asked.before(error);
        let until = refusal.told + error;
        let wanted = i64::from(refusal.quantity);
        let least = free.least.within(from, until);
        let but_for_returns = free.but_for_returns.within(from, until);
        if sure && least >= wanted {
            self.plain.push((refusal, least));
        } else if least.max(but_for_returns) >= wanted {
            self.transient.push((refusal, least.max(but_for_returns)));
        }
    }

    fn found(&self, books: &Books<'_>, all: usize) -> Found {
        let allowed = books.asked.budgets.phantom.transient;
        let (plain, transient) = (self.plain.len(), self.transient.len());
        let share = if all == 0 { 0.0 } else { transient as f64 / all as f64 };
        let too_many = allowed.is_some_and(|allowed| share > allowed);
        let count = if too_many { plain + transient } else { plain };
        let measure = "answers `sold_out` while there was enough";
        let found = Found::count(count as u64, measure, || {
            if let Some((refusal, free)) = self.plain.first() {
                return told(books, refusal, &format!("{free} were free"));
            }
            let (refusal, free) = self.transient[0];
            let lay = format!("{free} were free or held for orders that let them go later");
            told(books, refusal, &lay)
        });
        if all == 0 {
            return found;
        }
        let answers = (plain as f64, Unit::Answers);
        found
            .with(answers, "said `sold_out` while enough was free", Some(0.0))
            .with(
                (transient as f64, Unit::Answers),
                "said so while it was held and came back",
                None,
            )
            .with((share, Unit::Share), "of all such answers were of the second kind", allowed)
            .with_some(
                (books.clocks.shop.apart_s(), Unit::Seconds),
                "between the clocks of shop and fans",
            )
    }
}

fn told(books: &Books<'_>, refusal: &Refusal<'_>, lay: &str) -> Story {
    let Refusal { fan, intent, name, quantity, asked, told } = refusal;
    let end = format!(
        "from {asked} to {told} at least {lay} of {name}, and fan {fan}, who wanted {quantity}, \
         was told that it is sold out"
    );
    story::of_intent(books, intent, end)
}
