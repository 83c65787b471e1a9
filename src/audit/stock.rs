//! Whether pieces and places were conserved, and whether more were sold than there were.

use std::collections::{BTreeMap, BTreeSet};

use domain::outcome::Outcome;
use domain::shop::Balance;

use crate::audit::books::Books;
use crate::audit::entries::Order;
use crate::audit::finding::{Found, Unit};
use crate::audit::foreign;
use crate::audit::story::line;
use crate::evidence::demand::{self, Tally};
use crate::evidence::names::Name;
use crate::evidence::rows::{AttemptRow, ShopRow};

/// free + held + sold = initial, in every snapshot, in the ledger, and in its rows.
pub(super) fn conserve(books: &Books<'_>) -> Found {
    let mut off = Off::default();
    let snapshots = &books.evidence.snapshots;
    for snapshot in snapshots {
        for (name, balance) in snapshot.items.iter().chain(&snapshot.slots) {
            if let Some(initial) = books.initial(name) {
                off.hold(name, initial, balance, &line(snapshot.at, "the shop counted"));
            }
        }
    }
    let judged = books.evidence.ending.judged;
    let mut seen = !snapshots.is_empty();
    for (name, initial, balance) in books.balances() {
        seen = true;
        match books.ledgers {
            None => off.hold(&name, initial, &balance, &line(judged, "the shop's ledger has")),
            Some(_) => off.note(&name, foreign::unaccounted(books, &name, initial, balance)),
        }
    }
    for (name, initial, balance) in rows(books) {
        seen = true;
        off.hold(&name, initial, &balance, &line(judged, "the shop's rows are"));
    }
    if !seen {
        return foreign::without_balances(books);
    }
    let count = off.worst.values().fold(0, |sum: u64, off| sum.saturating_add(*off));
    Found::count(count, "pieces and places unaccounted for", || off.witness)
}

/// What did not add up.
#[derive(Default)]
struct Off {
    /// The most that was ever missing or too many, by name.
    worst: BTreeMap<String, u64>,
    /// The first time for each name.
    witness: Vec<String>,
}

impl Off {
    fn hold(&mut self, name: &str, initial: u64, balance: &Balance, who: &str) {
        let Balance { free, held, sold } = *balance;
        let counted = i128::from(free) + i128::from(held) + i128::from(sold);
        let off = u64::try_from((counted - i128::from(initial)).unsigned_abs()).unwrap_or(u64::MAX);
        if off > 0 {
            let said = format!(
                "{who} of {name}: {free} free + {held} held + {sold} sold = {counted}, but there \
                 were {initial}"
            );
            self.note(name, Some((off, said)));
        }
    }

    /// Takes note of what is missing or too many, if it is.
    fn note(&mut self, name: &str, off: Option<(u64, String)>) {
        let Some((off, said)) = off else { return };
        if !self.worst.contains_key(name) {
            self.witness.push(said);
        }
        let worst = self.worst.entry(name.to_owned()).or_default();
        *worst = off.max(*worst);
    }
}

/// The balances that one row per piece adds up to, where the shop keeps such rows.
///
/// A piece that stands in several rows is one piece: that two orders have it is
/// [`oversell`]'s to tell.
fn rows(books: &Books<'_>) -> Vec<(String, u64, Balance)> {
    let mut pieces: Vec<(Name, u64, State)> = Vec::new();
    for row in books.evidence.shop_rows() {
        if let ShopRow::Unit { unit, item, state, .. } = row {
            let state = match state {
                "free" => State::Free,
                "sold" => State::Sold,
                _ => State::Held,
            };
            pieces.push((item.name(), unit, state));
        }
    }
    pieces.sort_unstable();
    let words = &books.evidence.names().words;
    let mut rows: BTreeMap<&str, Balance> = BTreeMap::new();
    for rows_of_one in pieces.chunk_by(|one, next| (one.0, one.1) == (next.0, next.1)) {
        // The farthest comes last.
        let Some((item, _, state)) = rows_of_one.last() else { continue };
        let balance = rows.entry(words.text(*item)).or_default();
        match state {
            State::Free => balance.free += 1,
            State::Held => balance.held += 1,
            State::Sold => balance.sold += 1,
        }
    }
    rows.into_iter()
        .filter_map(|(item, balance)| {
            let initial = match books.ledgers {
                None => books.initial(item),
                // Rows that were somebody's before the run are not in a foreign shop's ledger.
                Some(ledgers) => ledgers.units.get(item).copied(),
            };
            initial.map(|initial| (item.to_owned(), initial, balance))
        })
        .collect()
}

/// How far a piece has gone.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Free,
    Held,
    Sold,
}

/// max(sold by the shop's orders, by captured payments, by what clients were told) ≤ stock, for
/// items and slots; and no piece is in two orders.
pub(super) fn oversell(books: &Books<'_>) -> Found {
    let paid = demand::sold(books.evidence);
    let captured = captured(books);
    let (told, _) = demand::told_bought(books.evidence);
    let mut excess: BTreeMap<String, u64> = BTreeMap::new();
    let mut witness = Vec::new();
    for name in names(&[&paid, &captured, &told]) {
        let Some(initial) = books.initial(&name) else { continue };
        let of = |tally: &Tally| tally.item(&name).max(tally.slot(&name));
        let sold = of(&paid).max(of(&captured)).max(of(&told));
        let over = sold.saturating_sub(initial);
        if over > 0 {
            witness.push(format!(
                "{name}: there were {initial}; {} in paid orders, {} in orders whose money was \
                 taken, {} that clients were told are theirs",
                of(&paid),
                of(&captured),
                of(&told)
            ));
            witness.extend(over_the_last(books, &name, initial));
            excess.insert(name, over);
        }
    }
    let (twice, where_to) = sold_twice(books);
    witness.extend(where_to);
    for (item, twice) in twice {
        // A piece sold to two is also one sold beyond what there was: it counts once.
        let excess = excess.entry(item.to_owned()).or_default();
        *excess = twice.max(*excess);
    }
    let allowed = books.asked.budgets.oversell.pieces;
    let sum = |over: &dyn Fn(u64) -> bool| {
        let counted = excess.values().filter(|pieces| over(**pieces));
        counted.fold(0, |sum: u64, pieces| sum.saturating_add(*pieces))
    };
    let (all, count) = (sum(&|_| true), sum(&|pieces| pieces > allowed));
    let most = excess.values().copied().max().unwrap_or(0);
    let money = price(books, &excess);
    let found = Found::count(count, "pieces and places oversold", || witness);
    if all == 0 {
        return found;
    }
    found
        .with(
            (most as f64, Unit::Pieces),
            "sold beyond what there was of one thing",
            Some(allowed as f64),
        )
        .with_some((money, Unit::Money), "to be given back for pieces that are not there")
}

/// What the pieces oversold cost \[minor units\].
fn price(books: &Books<'_>, excess: &BTreeMap<String, u64>) -> f64 {
    let items = books.evidence.catalogue.items();
    let of = |item: &domain::shop::Item| {
        excess.get(&item.id).map_or(0.0, |over| *over as f64 * item.price.minor() as f64)
    };
    items.map(|(_, _, item)| of(item)).sum()
}

/// What is in orders whose money was taken.
fn captured(books: &Books<'_>) -> Tally {
    let mut tally = Tally::default();
    for order in books.orders.iter().filter(|order| books.net(order) > 0) {
        for (place, line) in order.taken().enumerate() {
            // An order takes one place, whatever it is about.
            let slot = order.slot().filter(|_| place == 0);
            tally.add(&books.evidence.catalogue, line.item, slot, line.quantity);
        }
    }
    tally
}

fn names(tallies: &[&Tally]) -> BTreeSet<String> {
    tallies.iter().flat_map(|tally| tally.items.keys().chain(tally.slots.keys())).cloned().collect()
}

/// The paid order, or else the answer, that went over what there was.
fn over_the_last(books: &Books<'_>, name: &str, initial: u64) -> Option<String> {
    let catalogue = &books.evidence.catalogue;
    let takes = |item: &str, slot: Option<&str>, quantity: u32| match slot {
        _ if item == name => u64::from(quantity),
        Some(slot) if demand::place(catalogue, item, slot) == name => 1,
        _ => 0,
    };
    let mut paid: Vec<&Order<'_>> = books.orders.iter().filter(|order| order.paid).collect();
    paid.sort_by_key(|order| order.updated_utc_ns);
    let mut sold = 0;
    for order in paid {
        let lines = order.taken().enumerate();
        sold += lines
            .map(|(place, line)| {
                takes(line.item, order.slot().filter(|_| place == 0), line.quantity)
            })
            .sum::<u64>();
        if sold > initial {
            let (id, fan) = (order.id(), order.fan());
            let what = format!("order {id} of fan {fan} made it {sold} of {initial}");
            // A ledger that says no times is read in its own order.
            return Some(match order.updated_utc_ns {
                0 => what,
                utc_ns => line(books.shop_time(utc_ns), &what),
            });
        }
    }
    let ok = |attempt: &AttemptRow<'_>| {
        attempt.outcome == Outcome::Ok && takes(&attempt.item, attempt.slot, attempt.quantity) > 0
    };
    let AttemptRow { fan, done, .. } = books.evidence.attempts().filter(ok).last()?;
    Some(line(done, &format!("fan {fan} was the last to be told that {name} is its own")))
}

/// How many pieces of each item are in two orders at once, and the first of them.
fn sold_twice<'a>(books: &Books<'a>) -> (BTreeMap<&'a str, u64>, Option<String>) {
    let mut rows: Vec<(Name, u64, usize, Name)> = Vec::new();
    for (place, row) in books.evidence.shop_rows().enumerate() {
        if let ShopRow::Unit { unit, item, state, order_id: Some(order), .. } = row
            && state != "free"
        {
            rows.push((item.name(), unit, place, order.name()));
        }
    }
    rows.sort_unstable();
    let words = &books.evidence.names().words;
    let mut twice: BTreeMap<&str, u64> = BTreeMap::new();
    let mut first: Option<(usize, Name)> = None;
    for pair in rows.windows(2) {
        let [(item, unit, _, order), (next, next_unit, place, other)] = pair else { continue };
        if (item, unit) == (next, next_unit) && order != other {
            *twice.entry(words.text(*item)).or_default() += 1;
            if first.is_none_or(|(first, _)| *place < first) {
                first = Some((*place, *order));
            }
        }
    }
    let orders = &books.evidence.names().orders;
    let witness = first.and_then(|(place, before)| {
        let row = books.evidence.shop_rows().nth(place)?;
        let ShopRow::Unit { unit, name, item, order_id: Some(order), .. } = row else {
            return None;
        };
        let piece = name.map_or_else(|| unit.to_string(), str::to_owned);
        Some(format!("piece {piece} of {item} is in orders {} and {order}", orders.text(before)))
    });
    (twice, witness)
}
