//! Whether what clients were told at last is what became of their purchases.

use std::collections::{BTreeMap, BTreeSet};

use domain::outcome::{Operation, Outcome};
use domain::time::Time;

use crate::audit::books::{Books, Order, Payment};
use crate::audit::finding::{Found, Unit};
use crate::audit::foreign;
use crate::audit::payments::of_payment;
use crate::audit::story::{self, thousands};
use crate::evidence::PurchaseLine;

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
struct Told<'a> {
    known: Known,
    item: &'a str,
    quantity: u32,
}

/// What clients were told at last of each intent. What answers neither yes nor no (a refusal to
/// listen, a sale that is not open) leaves them with what they knew.
fn told<'a>(books: &Books<'a>) -> BTreeMap<&'a str, Told<'a>> {
    let mut told: BTreeMap<&str, Told<'_>> = BTreeMap::new();
    for line in &books.evidence.purchases {
        let PurchaseLine::Attempt { intent, operation, outcome, item, quantity, .. } = line else {
            continue;
        };
        if !matches!(operation, Operation::Checkout | Operation::Poll) {
            continue;
        }
        let known = match outcome {
            Outcome::Ok => Known::Bought,
            Outcome::SoldOut | Outcome::Declined | Outcome::Rejected => Known::Refused,
            Outcome::Waiting => Known::UnderWay,
            Outcome::Error | Outcome::Unknown => Known::Nothing,
            Outcome::RateLimited | Outcome::NotOpen | Outcome::Shed => match told.get(&**intent) {
                Some(_) => continue,
                None => Known::Refused,
            },
        };
        told.insert(intent, Told { known, item, quantity: *quantity });
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
pub(super) fn silent_charge(books: &Books<'_>) -> Found {
    let told = told(books);
    let charged: Vec<(&Payment<'_>, Option<Known>)> = books
        .payments
        .iter()
        .filter(|payment| payment.net() > 0)
        .map(|payment| {
            let purchase = books.purchase(payment).and_then(|purchase| told.get(purchase));
            (payment, purchase.map(|told| told.known))
        })
        .collect();
    let with = |known: Known| charged.iter().filter(move |(_, knows)| *knows == Some(known));
    let silent: Vec<&Payment<'_>> = with(Known::Refused).map(|(payment, _)| *payment).collect();
    let unheard = with(Known::Nothing).count();
    let ours = charged.iter().filter(|(_, known)| known.is_some()).count();
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
    if books.shop.is_none() {
        return Found::held();
    }
    let has = bought(books);
    let wrong: Vec<(&str, Told<'_>)> = told(books)
        .into_iter()
        .filter(|(intent, told)| told.known == Known::Bought && !has.open.contains(intent))
        .filter(|(intent, told)| has.pieces(intent, told.item) != u64::from(told.quantity))
        .collect();
    Found::count(wrong.len() as u64, "fans who were told that they have what they have not", || {
        let (intent, told) = &wrong[0];
        let Told { quantity, item, .. } = told;
        let pieces = has.pieces(intent, item);
        let end = format!(
            "at the end {pieces} × {item} are in paid orders of this fan, who was told that its \
             {quantity} are bought"
        );
        story::of_intent(books, intent, end)
    })
}

/// What the run's orders gave to each intent.
struct Bought<'a> {
    /// Pieces in paid orders, by intent and item.
    paid: BTreeMap<(&'a str, &'a str), u64>,
    /// Intents with an order that may be paid yet: the shop was not left alone to the end.
    open: BTreeSet<&'a str>,
}

impl Bought<'_> {
    fn pieces(&self, intent: &str, item: &str) -> u64 {
        self.paid.get(&(intent, item)).copied().unwrap_or(0)
    }
}

fn bought<'a>(books: &Books<'a>) -> Bought<'a> {
    let mut bought = Bought { paid: BTreeMap::new(), open: BTreeSet::new() };
    for order in books.orders.iter().filter(|order| order.is_ours()) {
        let Some(intent) = whose(books, order) else { continue };
        for line in order.lines.iter().filter(|line| line.paid) {
            *bought.paid.entry((intent, line.item)).or_default() += u64::from(line.quantity);
        }
        if !order.paid && !order.terminal && !books.evidence.ending.drained {
            bought.open.insert(intent);
        }
    }
    bought
}

/// The intent of an order or, where it has none, the fan who bought it: they bear one name.
fn whose<'a>(books: &Books<'_>, order: &Order<'a>) -> Option<&'a str> {
    match order.intent {
        "" => foreign::buyer(books, order),
        intent => Some(intent),
    }
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
    let mut early: BTreeMap<&str, (Time, &domain::shop::Sale)> = BTreeMap::new();
    for line in &books.evidence.purchases {
        let PurchaseLine::Attempt {
            operation: Operation::Checkout | Operation::Poll,
            outcome: Outcome::Ok,
            intent,
            item,
            done,
            ..
        } = line
        else {
            continue;
        };
        let Some((_, sale, _)) = catalogue.items().find(|(_, _, known)| known.id == *item) else {
            continue;
        };
        if announced(sale) && *done + domain::time::Duration::from_millis(apart) < sale.opens {
            early.entry(intent).or_insert((*done, sale));
        }
    }
    Found::count(early.len() as u64, "purchases before the opening", || {
        let first = early.iter().min_by_key(|(_, (done, _))| *done);
        let (intent, (done, sale)) = first.expect("there is one");
        let end = format!(
            "sale {} was to open at {}, {:.1} s after this fan had bought",
            sale.id,
            sale.opens,
            sale.opens.since(*done).as_secs_f64()
        );
        story::of_intent(books, intent, end)
    })
}

/// How far the clock of a foreign shop may be from the run's \[ms\]: machines that keep their time
/// by the network are closer, and who opens a whole second early is early.
const CLOCKS_APART_MS: u64 = 1_000;
