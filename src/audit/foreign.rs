//! What a foreign shop's ledgers are good for: they hold other people's orders too, may lack what
//! the judge needs, and speak words that it must first understand.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::FanId;
use domain::outcome::Outcome;
use domain::shop::Balance;
use domain::time::Duration;

use crate::audit::books::Books;
use crate::audit::entries::{Order, Payment, Whose};
use crate::audit::finding::Found;
use crate::audit::held::{Fate, never_paid, too_late};
use crate::evidence::Evidence;
use crate::evidence::demand;
use crate::evidence::ledgers::{Ends, Ledgers, ProviderTells, ShopClock};
use crate::evidence::names::Name;
use crate::evidence::rows::AttemptRow;

/// Finds out whose each order is, and, where the scenario does not say, which statuses are an end.
pub(super) fn sort_out(orders: &mut [Order<'_>], ledgers: &Ledgers, evidence: &Evidence) {
    let intents = ledgers.has_one_of("orders", &["intent"]);
    for order in orders.iter_mut() {
        let ours = is_fan(order.intent()) || order.intent().is_empty() && is_fan(order.fan());
        if intents && !ours {
            order.whose = Whose::SomebodyElses;
        }
    }
    if ledgers.ends == Ends::Unsaid {
        let ends = ends(orders, evidence);
        let is_end = |status: &str| ends.contains(status) || says_an_end(status);
        for order in orders.iter_mut().filter(|order| is_end(order.status())) {
            order.terminal = true;
        }
    }
}

/// Words for a status at which nothing more happens, in any shop that uses them.
const ENDS: [&str; 22] = [
    "abandoned",
    "canceled",
    "cancelled",
    "closed",
    "declined",
    "denied",
    "error",
    "expired",
    "failed",
    "failure",
    "out_of_stock",
    "payment_failed",
    "refunded",
    "refused",
    "rejected",
    "released",
    "sold_out",
    "soldout",
    "timed_out",
    "timeout",
    "void",
    "voided",
];

fn says_an_end(status: &str) -> bool {
    let word = status.to_ascii_lowercase().replace(['-', ' '], "_");
    ENDS.contains(&word.as_str())
}

fn is_fan(text: &str) -> bool {
    text.parse::<FanId>().is_ok()
}

/// The statuses that are an end by what clients were told: the only order of each client who was
/// told at last that it is sold out or declined stands at one, and that of no client who was told
/// at last to wait.
fn ends(orders: &[Order<'_>], evidence: &Evidence) -> BTreeSet<String> {
    let people = &evidence.names().people;
    let mut last: Vec<Option<Outcome>> = people.column(None);
    for attempt in evidence.attempts().filter(AttemptRow::buys) {
        last[attempt.intent.name().place()] = Some(attempt.outcome);
    }
    let mut many: Vec<u32> = people.column(0);
    for order in orders {
        many[order.intent.place()] += 1;
    }
    let (mut ends, mut waits) = (BTreeSet::new(), BTreeSet::new());
    for order in orders.iter().filter(|order| many[order.intent.place()] == 1) {
        match last[order.intent.place()] {
            Some(Outcome::SoldOut | Outcome::Declined) => ends.insert(order.status()),
            Some(Outcome::Waiting) => waits.insert(order.status()),
            _ => false,
        };
    }
    ends.difference(&waits).map(|status| (*status).to_owned()).collect()
}

/// Why it cannot be said that every order of the run is over: one stands at a status of which
/// nobody says whether it is an end.
pub(super) fn open_ends(books: &Books<'_>) -> Option<String> {
    if books.ledgers?.ends == Ends::Listed {
        return None;
    }
    let open: Vec<&Order<'_>> =
        books.orders.iter().filter(|order| order.is_ours() && !order.terminal).collect();
    let first = open.first()?;
    let (stand, whose) =
        (if open.len() == 1 { "order stands" } else { "orders stand" }, first.fan());
    let whose = if whose.is_empty() { first.intent() } else { whose };
    Some(format!(
        "{} {stand} at `{}` or the like (the first is order {} of `{whose}`), and `[ledger.shop] \
         terminal` does not say whether that is an end",
        open.len(),
        first.status(),
        first.id()
    ))
}

/// Which status the scenario may have forgotten among those that mean sold: all orders that stand at
/// it were charged in full and told to their clients as bought, and it does not read as an end.
pub(super) fn unlisted_sales(books: &Books<'_>) -> Option<String> {
    let bought = bought(books.evidence);
    let is_sold = |order: &Order<'_>| {
        let net = books.net(order);
        bought[order.intent.place()] && net > 0 && net >= order.amount
    };
    let mut statuses: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    for order in books.orders.iter().filter(|order| order.is_ours() && !order.paid) {
        let (many, all_sold) = statuses.entry(order.status()).or_insert((0, true));
        *many += 1;
        *all_sold &= is_sold(order);
    }
    let (status, (many, _)) =
        statuses.iter().find(|(status, (_, all_sold))| *all_sold && !says_an_end(status))?;
    Some(format!(
        "{many} orders whose clients were told that they are bought, and whose money was taken, \
         stand at `{status}`, which `[ledger.shop] paid` does not list"
    ))
}

/// Of each intent, whether its client was ever told that it is bought.
fn bought(evidence: &Evidence) -> Vec<bool> {
    let mut bought = evidence.names().people.column(false);
    for attempt in evidence.attempts() {
        bought[attempt.intent.name().place()] |= attempt.buys() && attempt.outcome == Outcome::Ok;
    }
    bought
}

/// Who bought an order: in a foreign shop the fan of its intent, for the shop may know its customers
/// by other names; `None` where nobody says.
pub(super) fn buyer(books: &Books<'_>, order: &Order<'_>) -> Option<Name> {
    let fan = match books.ledgers {
        Some(_) if is_fan(order.intent()) => order.intent,
        _ => order.fan,
    };
    (!books.evidence.names().people.text(fan).is_empty()).then_some(fan)
}

/// Whether the orders' sums of money are known.
pub(super) fn knows_sums(books: &Books<'_>) -> bool {
    books.ledgers.is_none_or(|ledgers| ledgers.has_one_of("orders", &SUMS))
}

/// The columns that say an order's sum.
pub(super) const SUMS: [&str; 4] = ["amount", "amount_major", "total", "total_major"];

impl<'a> Books<'a> {
    /// Whether the provider works for this rehearsal alone.
    fn has_own_provider(&self) -> bool {
        self.ledgers.is_some_and(|ledgers| ledgers.told == ProviderTells::Calls)
    }

    /// Whether a foreign shop says how many it holds of an item, or of a slot.
    fn says_held(&self, name: &str) -> bool {
        let is_slot = self.evidence.catalogue.slots().any(|(_, sale, slot)| {
            name.strip_prefix(sale.id.as_str()) == Some(&format!("/{}", slot.id))
        });
        let kind = if is_slot { "slots" } else { "stock" };
        self.ledgers.is_some_and(|ledgers| ledgers.has_one_of(kind, &["held"]))
    }

    /// The payments that are the run's, as far as anybody can know: of one of its intents, of one
    /// of its orders, or, at a provider of its own, nameless.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Payment<'a>> {
        self.payments.iter().filter(|payment| match payment.order() {
            Some(order) => self.orders[order].is_ours(),
            None => match self.ledgers {
                None => true,
                // Who shares a provider with others cannot know whose a nameless payment is.
                Some(_) if payment.intent().is_empty() => self.has_own_provider(),
                Some(_) => is_fan(payment.intent()),
            },
        })
    }
}

/// Whether the provider's ledger is another one than the shop pays at: it knows none of the payments
/// that paid orders name.
pub(super) fn another_provider(books: &Books<'_>) -> Option<String> {
    let paid: Vec<&Order<'_>> =
        books.orders.iter().filter(|order| order.is_ours() && order.paid).collect();
    let first = paid.iter().find_map(|order| order.claims())?;
    let unknown = !paid.iter().any(|order| order.has_payment());
    unknown.then(|| {
        format!(
            "the provider's ledger knows none of the payments that paid orders name (such as \
             {first}): is it the provider that the shop pays?"
        )
    })
}

/// What captured payments are called that are neither an order's nor a purchase's of the run, at a
/// provider that works for this rehearsal alone; those of other rehearsals say so.
pub(super) fn strangers(books: &Books<'_>) -> Option<String> {
    let is_strange = |payment: &&Payment<'_>| {
        payment.net() > 0
            && payment.order().is_none()
            && !payment.intent().is_empty()
            && !is_of_a_run(payment.intent())
    };
    let strange: Vec<&Payment<'_>> = books.payments.iter().filter(is_strange).collect();
    let first = strange.first().filter(|_| books.has_own_provider())?;
    let many = strange.len();
    Some(format!(
        "{many} captured payments are for no order and no purchase of the run: the first, {}, calls \
         itself `{}`",
        first.id(),
        first.intent()
    ))
}

/// Whether a name is that of an intent, of this run or of another one.
fn is_of_a_run(name: &str) -> bool {
    is_fan(name) || name.split_once('-').is_some_and(|(_, fan)| is_fan(fan))
}

/// What is found of balances where a shop states none. One whose ledger says what there was, and
/// never what is left, has no two figures that could disagree.
pub(super) fn without_balances(books: &Books<'_>) -> Found {
    let says_left = |ledgers: &Ledgers| ledgers.has_one_of("stock", &["free"]);
    if books.ledgers.is_some_and(says_left) && books.evidence.has_shop() {
        return Found::not_checked(
            "the query `stock` gives no row for any item of the sale".to_owned(),
        );
    }
    let was_asked = |ledgers: &Ledgers| !ledgers.lacking.contains_key("stock");
    if books.ledgers.is_some_and(was_asked) && books.evidence.has_shop() {
        return Found::not_applicable("the shop's ledger does not say what is left of its stock");
    }
    Found::not_checked("the shop never said where its stock is".to_owned())
}

/// How many of a foreign shop's pieces or places came from nowhere or went there, and that as a
/// sentence.
///
/// Pieces sold beyond what there was are another promise's, and orders from before the run may have
/// moved some meanwhile. Where the shop does not say what it holds, whatever is neither free nor
/// sold is held: then pieces can only be too many.
pub(super) fn unaccounted(
    books: &Books<'_>,
    name: &str,
    initial: u64,
    balance: Balance,
) -> Option<(u64, String)> {
    let Balance { free, held, sold } = balance;
    let counted = i128::from(free) + i128::from(held) + i128::from(sold);
    let moved = i128::from(books.moved(name));
    let (off, said) = if books.says_held(name) {
        let off = (counted - i128::from(initial)).abs() - moved;
        let said = format!(
            "{name}: {free} are free, {held} held and {sold} sold, together {counted}; there were \
             {initial}"
        );
        (off, said)
    } else {
        let paid = demand::sold(books.evidence);
        let paid = paid.item(name).max(paid.slot(name));
        let over = books.initial(name).map_or(0, |initial| paid.saturating_sub(initial));
        let off = i128::from(held).min(0).abs() - moved - i128::from(over);
        (off, format!("{name}: {free} are left and {sold} are sold, of {initial}"))
    };
    let off = u64::try_from(off).ok().filter(|off| *off > 0)?;
    Some((off, said))
}

/// What will become of what is held in a foreign shop for an order until a time.
pub(super) fn fate(
    books: &Books<'_>,
    ledgers: &Ledgers,
    order: Option<&str>,
    held_until_utc_ns: Option<u64>,
) -> Fate {
    let known = order.and_then(|id| books.order(id));
    match known {
        Some(order) if order.paid || !order.is_ours() => return Fate::Fine,
        Some(order) if order.terminal => return Fate::Lost(never_paid(order)),
        Some(order) if ledgers.ends == Ends::Unsaid => {
            let why = format!(
                "which stands at `{}`, and `[ledger.shop] terminal` does not say whether that is \
                 an end",
                order.status()
            );
            return Fate::Unsure(why);
        }
        _ => {}
    }
    let Some(until_utc_ns) = held_until_utc_ns else {
        return match (known, order) {
            (Some(_), _) => Fate::Fine,
            (None, Some(_)) => Fate::Lost("which the shop does not know".to_owned()),
            (None, None) => Fate::Lost("and for ever".to_owned()),
        };
    };
    let (began, judged) = (books.evidence.ending.began_utc_ns, books.evidence.ending.judged);
    let until = books.shop_time(until_utc_ns);
    let ShopClock::Within { error_ns } = ledgers.clock else {
        return Fate::Unsure("until a time of the shop's clock, which nobody knows".to_owned());
    };
    if until_utc_ns < began.saturating_sub(error_ns) {
        let why = "until before the run began: are the times of the ledger in UTC?";
        return Fate::Unsure(why.to_owned());
    }
    match until + books.facts.grace + Duration::from_nanos(error_ns) < judged {
        true => Fate::Lost(too_late(until, judged)),
        false if known.is_some() => Fate::Fine,
        false => Fate::Unsure(format!("until {until}, and the judge came already at {judged}")),
    }
}
