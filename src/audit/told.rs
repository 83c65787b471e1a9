//! Whether what clients were told at last is what became of their purchases.

use domain::outcome::Outcome;
use domain::time::Time;

use crate::audit::books::Books;
use crate::audit::entries::{Order, Payment, Place};
use crate::audit::finding::{Found, Unit};
use crate::audit::foreign;
use crate::audit::payments::of_payment;
use crate::audit::story::{self, thousands};
use crate::evidence::names::{Name, Word};
use crate::evidence::rows::AttemptRow;

/// What a client knows of its purchase.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Known {
    /// That nothing was bought.
    Refused,
    /// That it is bought.
    Bought,
    /// That it is under way: `waiting`, and nothing since.
    UnderWay,
    /// That it does not know: no answer in time, or a failure, and nothing since.
    Nothing,
}

/// What a client was told of one intent.
#[derive(Copy, Clone)]
struct Told {
    known: Known,
    item: Name,
    quantity: u32,
}

/// What clients were told at last of each intent. What answers neither yes nor no (a refusal to
/// listen, a sale that is not open) leaves them with what they knew.
fn told(books: &Books<'_>) -> Vec<Option<Told>> {
    let mut told: Vec<Option<Told>> = books.evidence.names().people.column(None);
    for attempt in books.evidence.attempts().filter(AttemptRow::buys) {
        let AttemptRow { intent, outcome, item, quantity, .. } = attempt;
        let told = &mut told[intent.name().place()];
        let known = match outcome {
            Outcome::Ok => Known::Bought,
            Outcome::SoldOut | Outcome::Declined | Outcome::Rejected => Known::Refused,
            Outcome::Waiting => Known::UnderWay,
            Outcome::Error | Outcome::Unknown => Known::Nothing,
            Outcome::RateLimited | Outcome::NotOpen | Outcome::Shed => match told {
                Some(_) => continue,
                None => Known::Refused,
            },
        };
        *told = Some(Told { known, item: item.name(), quantity });
    }
    told
}

/// The share of charged purchases whose fans may be left without a word by a foreign shop, in
/// \[0, 1\]: an answer is lost now and then, and such fans have their mail.
const UNHEARD_SHARE_MAX: f64 = 0.01;

/// Intents whose client was told at last that nothing was bought, and whose money was taken.
///
/// Who heard nothing at last knows that it does not know, and is no such client; but where a foreign
/// shop leaves many so, nobody can tell what they were told by other ways.
pub(super) fn silent_charge<'a>(books: &Books<'a>) -> Found {
    let told = told(books);
    let people = &books.evidence.names().people;
    let heard = |payment: &Payment<'a>| {
        let purchase = books.purchase(payment).and_then(|purchase| people.find(purchase));
        purchase.and_then(|purchase| told[purchase.place()]).map(|told| told.known)
    };
    let (mut ours, mut unheard, mut silent) = (0_usize, 0_usize, Vec::new());
    for payment in books.payments.iter().filter(|payment| payment.net() > 0) {
        let Some(known) = heard(payment) else { continue };
        ours += 1;
        match known {
            Known::Nothing => unheard += 1,
            Known::Refused => silent.push(payment),
            Known::Bought | Known::UnderWay => {}
        }
    }
    if silent.is_empty()
        && books.ledgers.is_some()
        && unheard as f64 > UNHEARD_SHARE_MAX * ours as f64
    {
        return Found::not_checked(format!(
            "{unheard} of the {ours} fans who were charged heard nothing but failures at last: \
             nobody knows what they were told"
        ));
    }
    let money = silent.iter().fold(0, |sum: u64, payment| sum.saturating_add(payment.net()));
    Found::count(silent.len() as u64, "payments taken from fans who were refused", || {
        let net = thousands(silent[0].net());
        let end = format!("at the end {net} were taken, and the fan was never told of it");
        of_payment(books, silent[0], end)
    })
    .with_some((money as f64, Unit::Money), "taken from fans who were refused")
}

/// Intents whose client was told that it is bought, and whose paid orders are not what it asked for:
/// there is none, or other pieces are in them.
pub(super) fn phantom_sale(books: &Books<'_>) -> Found {
    if !books.evidence.has_shop() {
        return Found::held();
    }
    let has = Bought::new(books);
    let people = &books.evidence.names().people;
    let (mut count, mut first) = (0, None::<(&str, Told, u64)>);
    for (intent, told) in people.all().zip(told(books)) {
        let Some(told) = told.filter(|told| told.known == Known::Bought) else { continue };
        let pieces = has.pieces(books, intent, told.item);
        if has.open[intent.place()] || pieces == u64::from(told.quantity) {
            continue;
        }
        count += 1;
        if first.is_none_or(|(first, ..)| people.text(intent) < first) {
            first = Some((people.text(intent), told, pieces));
        }
    }
    Found::count(count, "fans who were told that they have what they have not", || {
        let (intent, Told { quantity, item, .. }, pieces) = first.expect("one was counted");
        let item = books.evidence.names().words.text(item);
        let end = format!(
            "at the end {pieces} × {item} are in paid orders of this fan, who was told that its \
             {quantity} are bought"
        );
        story::of_intent(books, intent, end)
    })
}

/// What the run's orders gave to each intent.
struct Bought {
    /// Its last order with anything paid, which knows the one before.
    last: Vec<Place>,
    /// The one before, by the place of an order.
    before: Vec<Place>,
    /// Whether it has an order that may be paid yet: the shop was not left alone to the end.
    open: Vec<bool>,
}

impl Bought {
    fn new(books: &Books<'_>) -> Self {
        let people = &books.evidence.names().people;
        let mut bought = Self {
            last: people.column(Place::NONE),
            before: vec![Place::NONE; books.orders.len()],
            open: people.column(false),
        };
        for (place, order) in books.orders.iter().enumerate().filter(|(_, order)| order.is_ours()) {
            let Some(intent) = whose(books, order) else { continue };
            let last = &mut bought.last[intent.place()];
            bought.before[place] = std::mem::replace(last, Place::of(place));
            if !order.paid && !order.terminal && !books.evidence.ending.drained {
                bought.open[intent.place()] = true;
            }
        }
        bought
    }

    /// Pieces of an item in an intent's paid orders.
    fn pieces(&self, books: &Books<'_>, intent: Name, item: Name) -> u64 {
        let (mut pieces, mut next) = (0, self.last[intent.place()]);
        while let Some(place) = next.get() {
            let paid = books.orders[place].lines().filter(|line| line.paid && line.name == item);
            pieces += paid.map(|line| u64::from(line.quantity)).sum::<u64>();
            next = self.before[place];
        }
        pieces
    }
}

/// The intent of an order or, where it has none, the fan who bought it: they bear one name.
fn whose(books: &Books<'_>, order: &Order<'_>) -> Option<Name> {
    if order.intent().is_empty() { foreign::buyer(books, order) } else { Some(order.intent) }
}

/// Purchases confirmed before the opening that was announced. Clients' times are the run's own; the
/// clocks of a foreign shop may be apart from them by [`CLOCKS_APART_MS`].
pub(super) fn early(books: &Books<'_>) -> Found {
    let catalogue = &books.evidence.catalogue;
    let announced = |sale: &domain::shop::Sale| !books.facts.unannounced.contains(sale.id.as_str());
    if !catalogue.sales.iter().any(announced) {
        return Found::not_applicable(
            "`opens` counts from the run\'s beginning, which no shop could know",
        );
    }
    let apart = books.ledgers.map_or(0, |_| CLOCKS_APART_MS);
    let mut early = books.evidence.names().people.column(false);
    let (mut count, mut first) = (0, None::<(Time, Word<'_>, &domain::shop::Sale)>);
    let bought = |attempt: &AttemptRow<'_>| attempt.buys() && attempt.outcome == Outcome::Ok;
    for AttemptRow { intent, item, done, .. } in books.evidence.attempts().filter(bought) {
        let Some((_, sale, _)) = catalogue.items().find(|(_, _, known)| known.id == *item) else {
            continue;
        };
        let is_early = announced(sale)
            && done + domain::time::Duration::from_millis(apart) < sale.opens
            && !std::mem::replace(&mut early[intent.name().place()], true);
        if !is_early {
            continue;
        }
        count += 1;
        if first.is_none_or(|(at, who, _)| (done, intent.text()) < (at, who.text())) {
            first = Some((done, intent, sale));
        }
    }
    Found::count(count, "purchases before the opening", || {
        let (done, intent, sale) = first.expect("there is one");
        let end = format!(
            "sale {} was to open at {}, {:.1} s after this fan had bought",
            sale.id,
            sale.opens,
            sale.opens.since(done).as_secs_f64()
        );
        story::of_intent(books, intent.text(), end)
    })
}

/// How far the clock of a foreign shop may be from the run's \[ms\]: machines that keep their time
/// by the network are closer, and who opens a whole second early is early.
const CLOCKS_APART_MS: u64 = 1_000;
