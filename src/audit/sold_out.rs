//! Whether who was told `sold_out` could truly not have had it.

use std::collections::{BTreeMap, HashMap};

use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::shop::Short;
use domain::time::{Duration, Time};

use crate::audit::books::Books;
use crate::audit::course::Course;
use crate::audit::finding::{Found, Story, Unit};
use crate::audit::history::{self, Bound, History};
use crate::audit::order::what_was_short;
use crate::audit::story;
use crate::evidence::demand;
use crate::evidence::names::Word;
use crate::evidence::rows::AttemptRow;

/// An answer `sold_out`, and the stretch in which the shop came to it.
pub(super) struct Refusal<'a> {
    pub(super) fan: FanId,
    pub(super) intent: Word<'a>,
    /// What was short: an item, or a slot as `sale/slot`.
    pub(super) name: String,
    /// How much of it was wanted.
    pub(super) quantity: u32,
    /// From when the fan first asked.
    pub(super) asked: Time,
    /// When it was told.
    pub(super) told: Time,
    /// Whether it was the draw of a lottery that said so, which looks at no shelf.
    pub(super) by_lot: bool,
}

/// All answers `sold_out` of which is known what was short, in the order in which they were told.
///
/// What an answer to a poll says may have been decided at any time since the checkout.
pub(super) fn refusals<'a>(books: &Books<'a>) -> impl Iterator<Item = Refusal<'a>> {
    let catalogue = &books.evidence.catalogue;
    let mut since: HashMap<u64, Time> = HashMap::new();
    books.evidence.attempts().filter_map(move |attempt| {
        let AttemptRow { fan, intent, item, quantity, outcome, .. } = attempt;
        let key = attempt.key.number();
        let asked = match attempt.operation {
            Operation::Checkout => Some(*since.entry(key).or_insert(attempt.sent)),
            Operation::Poll => since.get(&key).copied(),
            _ => Some(attempt.sent),
        };
        if matches!(outcome, Outcome::SoldOut | Outcome::Ok | Outcome::Declined | Outcome::Rejected)
        {
            since.remove(&key);
        }
        let asked = asked.filter(|_| outcome == Outcome::SoldOut)?;
        let place = attempt.slot.map(|slot| demand::place(catalogue, &item, slot));
        let (name, quantity) = match (what_was_short(attempt.short, place.is_some()), place) {
            (Some(Short::Item), _) => (item.text().to_owned(), quantity),
            (Some(Short::Slot), Some(place)) => (place, 1),
            _ => return None,
        };
        let by_lot = attempt.operation == Operation::Result;
        Some(Refusal { fan, intent, name, quantity, asked, told: attempt.done, by_lot })
    })
}

/// Answers `sold_out` while as much as was wanted was free from the question to the answer. Where
/// it was merely held for orders that let it go later, the answer was true for the moment: of such
/// ones a share may be allowed. Who is told by a lottery that it has not won is told nothing of that.
pub(super) fn phantom(books: &Books<'_>) -> Found {
    if !books.evidence.has_shop() {
        return match books.ledgers {
            Some(_) => Found::not_applicable("no ledger says what was held when"),
            None => Found::held(),
        };
    }
    let sure = match history::history(books) {
        History::Told => true,
        // What carts hold before there is an order nobody says.
        History::ByOrders => false,
        History::Forgotten(why) => return Found::not_checked(why.to_owned()),
        History::Unknown(why) => return Found::not_applicable(why),
    };
    let free = [Bound::Least, Bound::LeastButForReturns].map(|bound| history::free(books, bound));
    let error = books.clocks.shop.error();
    let mut wrong = Wrong::default();
    for refusal in refusals(books).filter(|refusal| !refusal.by_lot) {
        wrong.weigh(refusal, &free, sure, error);
    }
    wrong.found(books)
}

/// Answers that were wrong.
#[derive(Default)]
struct Wrong<'a> {
    /// All answers, wrong or right.
    all: u64,
    /// Enough was free.
    plain: Answers<'a>,
    /// Enough would have been free but for what was let go later.
    transient: Answers<'a>,
}

/// Answers of one kind: how many, and the first with how much there was.
#[derive(Default)]
struct Answers<'a> {
    count: u64,
    first: Option<(Refusal<'a>, i64)>,
}

impl<'a> Answers<'a> {
    fn add(&mut self, refusal: Refusal<'a>, free: i64) {
        self.count += 1;
        self.first.get_or_insert((refusal, free));
    }
}

impl<'a> Wrong<'a> {
    /// `free` is how much was free at the least, and but for what was let go later.
    fn weigh(
        &mut self,
        refusal: Refusal<'a>,
        free: &[BTreeMap<String, Course>; 2],
        sure: bool,
        error: Duration,
    ) {
        self.all += 1;
        let from = refusal.asked.before(error);
        let until = refusal.told + error;
        let wanted = i64::from(refusal.quantity);
        let within = |free: &BTreeMap<String, Course>| {
            free.get(&refusal.name).map(|course| course.within(from, until))
        };
        let [Some(least), Some(but_for_returns)] = free.each_ref().map(within) else { return };
        if sure && least >= wanted {
            self.plain.add(refusal, least);
        } else if least.max(but_for_returns) >= wanted {
            self.transient.add(refusal, least.max(but_for_returns));
        }
    }

    fn found(&self, books: &Books<'_>) -> Found {
        let allowed = books.asked.budgets.phantom.transient;
        let (all, plain, transient) = (self.all, self.plain.count, self.transient.count);
        let share = if all == 0 { 0.0 } else { transient as f64 / all as f64 };
        let too_many = allowed.is_some_and(|allowed| share > allowed);
        let count = if too_many { plain + transient } else { plain };
        let measure = "answers `sold_out` while there was enough";
        let found = Found::count(count, measure, || {
            if let Some((refusal, free)) = &self.plain.first {
                return told(books, refusal, &format!("{free} were free"));
            }
            let (refusal, free) = self.transient.first.as_ref().expect("one was counted");
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
    let Refusal { fan, intent, name, quantity, asked, told, .. } = refusal;
    let end = format!(
        "from {asked} to {told} at least {lay} of {name}, and fan {fan}, who wanted {quantity}, \
         was told that it is sold out"
    );
    story::of_intent(books, intent.text(), end)
}
