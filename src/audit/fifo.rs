//! Whether who came first is served first; or, where lots are drawn, whether all had one chance.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::time::{Duration, Time};

use crate::audit::books::Books;
use crate::audit::budget::ServiceOrder;
use crate::audit::chi_square::{chance_of, chi_square};
use crate::audit::finding::{Found, Status, Story, Unit};
use crate::audit::order::{Asker, askers};
use crate::audit::rank::{Counts, kendall_tau};
use crate::audit::story;

/// The share of pairs in the wrong order that a draw by lot gives.
const BY_LOT: f64 = 0.5;
/// How far from that chance may lead, in standard deviations: hardly ever farther.
const CHANCE: f64 = 4.0;

/// Pairs of a fan who was refused an item (or a slot) and another who bought at least as much of it:
/// the buyer should have come first.
pub(super) fn fifo(books: &Books<'_>) -> Found {
    let askers = askers(books);
    let catalogue = &books.evidence.catalogue;
    let lotteries = catalogue.items().filter(|(_, sale, _)| sale.lottery.is_some());
    let lots: HashSet<&str> = lotteries.map(|(_, _, item)| item.id.as_str()).collect();
    match books.asked.order {
        ServiceOrder::Draw => drawn(askers.iter()),
        ServiceOrder::Fifo if lots.is_empty() => overtaken(books, askers.iter()),
        ServiceOrder::Fifo => {
            let lot = drawn(askers.iter().filter(|(name, _)| lots.contains(name)));
            let queue = overtaken(books, askers.iter().filter(|(name, _)| !lots.contains(name)));
            let lot_says_more =
                lot.status == Status::Violated || queue.status == Status::NotApplicable;
            if lot_says_more { lot } else { queue }
        }
    }
}

fn overtaken<'a>(books: &Books<'_>, lines: impl Iterator<Item = (&'a str, &'a [Asker])>) -> Found {
    let budget = books.asked.budgets.fifo;
    let within = budget.within.0;
    let mut sum = Pairs::default();
    let mut first = None;
    let mut tau = (0.0, 0_usize);
    for (_, askers) in lines {
        let pairs = pairs(askers, within);
        if pairs.overtaken > 0 && first.is_none() {
            first = example(askers, within);
        }
        sum.add(&pairs);
        if let Some(value) = order_kept(askers).filter(|_| pairs.all() > 0) {
            tau = (tau.0 + value * askers.len() as f64, tau.1 + askers.len());
        }
    }
    if sum.all() == 0 {
        return Found::not_applicable("no fan was refused what another bought");
    }
    let share = sum.wrong as f64 / sum.all() as f64;
    let allowed = budget.share.unwrap_or(BY_LOT);
    let chance = if budget.share.is_none() { CHANCE * sum.deviation() } else { 0.0 };
    let count = if share > allowed + chance { sum.overtaken } else { 0 };
    let measure = "fans refused what a later one bought";
    let found = Found::count(count, measure, || {
        first.map_or_else(Story::default, |(loser, winner)| told(books, loser, winner))
    });
    let found = found
        .with(
            (share, Unit::Share),
            "of the pairs of a refused fan and a buyer were served in the \
               wrong order",
            Some(allowed),
        )
        .with((sum.overtaken as f64, Unit::Fans), "were refused what a later one bought", None);
    if tau.1 == 0 {
        return found;
    }
    let tau = tau.0 / tau.1 as f64;
    found.with(
        (tau, Unit::Correlation),
        "between coming early and being served early (Kendall)",
        None,
    )
}

/// Pairs of a refused fan and a buyer of at least as much, who did not come at the same time.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
struct Pairs {
    /// The refused one came first.
    wrong: u64,
    /// The buyer came first.
    right: u64,
    /// Refused fans of any pair in the wrong order.
    overtaken: u64,
    refused: u64,
    buyers: u64,
}

impl Pairs {
    fn add(&mut self, more: &Self) {
        self.wrong += more.wrong;
        self.right += more.right;
        self.overtaken += more.overtaken;
        self.refused += more.refused;
        self.buyers += more.buyers;
    }

    fn all(&self) -> u64 {
        self.wrong + self.right
    }

    /// The standard deviation of the share of wrong pairs where lots decide (Mann and Whitney).
    fn deviation(&self) -> f64 {
        let (refused, buyers) = (self.refused.max(1) as f64, self.buyers.max(1) as f64);
        ((refused + buyers + 1.0) / (12.0 * refused * buyers)).sqrt()
    }
}

impl Asker {
    fn is_refused(&self) -> bool {
        self.refused && self.bought().is_none()
    }

    fn is_buyer(&self) -> bool {
        self.bought().is_some()
    }

    /// Whether a draw gave it something, which it may not have paid for.
    fn is_lucky(&self) -> bool {
        self.is_buyer() || self.won
    }
}

/// Counts the pairs among `askers`, who stand in the order in which they came.
fn pairs(askers: &[Asker], within: Duration) -> Pairs {
    let refused = || askers.iter().filter(|asker| asker.is_refused());
    let buyers = || askers.iter().filter(|asker| asker.is_buyer());
    let quantities: BTreeSet<u32> = refused().map(|asker| asker.quantity).collect();
    let quantities: Vec<u32> = quantities.into_iter().collect();
    let rank = |quantity: u32| quantities.partition_point(|known| *known <= quantity);
    let wrong = {
        let mut before = Counts::new(quantities.len());
        let mut waiting = refused().peekable();
        let count = |buyer: &Asker| {
            while let Some(asker) = waiting.next_if(|asker| asker.first + within < buyer.first) {
                before.add(rank(asker.quantity) - 1);
            }
            no_more_than(&before, rank(buyer.quantity))
        };
        buyers().map(count).sum()
    };
    let right = {
        let mut after = Counts::new(quantities.len());
        let mut waiting = refused().rev().peekable();
        let count = |buyer: &Asker| {
            while let Some(asker) = waiting.next_if(|asker| buyer.first + within < asker.first) {
                after.add(rank(asker.quantity) - 1);
            }
            no_more_than(&after, rank(buyer.quantity))
        };
        buyers().rev().map(count).sum()
    };
    let overtaken = overtaken_fans(refused(), buyers(), within);
    let (refused, buyers) = (refused().count() as u64, buyers().count() as u64);
    Pairs { wrong, right, overtaken, refused, buyers }
}

/// How many of those counted wanted one of the first `ranks` quantities.
fn no_more_than(counted: &Counts, ranks: usize) -> u64 {
    if ranks == 0 { 0 } else { counted.up_to(ranks - 1) }
}

/// How many of the refused came before a buyer of at least as much.
fn overtaken_fans<'a>(
    refused: impl Iterator<Item = &'a Asker>,
    buyers: impl Iterator<Item = &'a Asker>,
    within: Duration,
) -> u64 {
    // The last to come of those who bought so much; and then, of those who bought so much or more.
    let mut last_of: BTreeMap<u32, Time> = BTreeMap::new();
    for buyer in buyers {
        let last = last_of.entry(buyer.quantity).or_insert(buyer.first);
        *last = buyer.first.max(*last);
    }
    let mut latest = Time::ZERO;
    for last in last_of.values_mut().rev() {
        latest = latest.max(*last);
        *last = latest;
    }
    let is_overtaken = |asker: &&Asker| {
        let last = last_of.range(asker.quantity..).next();
        last.is_some_and(|(_, last)| asker.first + within < *last)
    };
    refused.filter(is_overtaken).count() as u64
}

/// The first of the refused who was overtaken, and the last who overtook it.
fn example(askers: &[Asker], within: Duration) -> Option<(&Asker, &Asker)> {
    let last = askers.iter().filter(|asker| asker.is_buyer()).map(|buyer| buyer.quantity).max()?;
    let fits = |asker: &&Asker| asker.is_refused() && asker.quantity <= last;
    askers.iter().filter(fits).find_map(|refused| {
        let overtakes = |buyer: &&Asker| {
            buyer.is_buyer()
                && buyer.quantity >= refused.quantity
                && refused.first + within < buyer.first
        };
        askers.iter().rev().find(overtakes).map(|buyer| (refused, buyer))
    })
}

fn told(books: &Books<'_>, refused: &Asker, buyer: &Asker) -> Story {
    let people = &books.evidence.names().people;
    let (loser, winner) = (people.text(refused.intent), people.text(buyer.intent));
    let end = format!(
        "fan {loser} asked {:.1} s before fan {winner}, who bought {}; it wanted {} and was refused",
        buyer.first.since(refused.first).as_secs_f64(),
        buyer.quantity,
        refused.quantity
    );
    story::of_two(books, loser, winner, end)
}

/// How much the order of coming is that of being served: who was never served is served last.
fn order_kept(askers: &[Asker]) -> Option<f64> {
    let served = askers.iter().filter(|asker| asker.is_buyer() || asker.refused);
    kendall_tau(served.map(|asker| (asker.first, asker.bought().unwrap_or(Time::NEVER))))
}

/// Into how many groups of equal size those who took part in a draw are put, by when they came.
const GROUPS: usize = 10;
/// How many buyers, and how many others, each group must have in the mean for the test to mean
/// anything.
const IN_A_GROUP_MIN: f64 = 5.0;
/// A draw that is as uneven as this in one of a thousand fair ones is not taken for fair.
const CHANCE_MIN: f64 = 0.001;

/// Whether those who came early, late or in between bought equally often (χ²).
fn drawn<'a>(lines: impl Iterator<Item = (&'a str, &'a [Asker])>) -> Found {
    let (mut unfair, mut least) = (0_u64, None::<f64>);
    let mut witness = Vec::new();
    for (name, askers) in lines {
        let took_part: Vec<bool> = askers
            .iter()
            .filter(|asker| asker.refused || asker.is_lucky())
            .map(Asker::is_lucky)
            .collect();
        let Some(groups) = groups(&took_part) else { continue };
        let freedom = u32::try_from(groups.len() - 1).expect("there are a few groups");
        let chance = chance_of(chi_square(&groups), freedom);
        least = Some(least.map_or(chance, |least| least.min(chance)));
        if chance < CHANCE_MIN {
            unfair += 1;
            let shares: Vec<String> = groups
                .iter()
                .map(|(bought, all)| format!("{:.0} %", 100.0 * *bought as f64 / *all as f64))
                .collect();
            witness.push(format!(
                "{name}: of {} groups of equal size, from the first to come to the last, {} bought",
                groups.len(),
                shares.join(", ")
            ));
        }
    }
    let Some(least) = least else {
        return Found::not_applicable("too few took part for a draw to be told from another order");
    };
    let what = "of all fair draws are more uneven over the time of coming (χ²)";
    Found::count(unfair, "draws in which it mattered when a fan came", || witness).with(
        (least, Unit::Share),
        what,
        None,
    )
}

/// How many bought of how many, in groups of equal size; none where they would be too small.
fn groups(took_part: &[bool]) -> Option<Vec<(u64, u64)>> {
    let all = took_part.len() as f64;
    let bought = took_part.iter().filter(|bought| **bought).count() as f64;
    let fits = |groups: &usize| bought.min(all - bought) / *groups as f64 >= IN_A_GROUP_MIN;
    let count = (2..=GROUPS).rev().find(fits)?;
    let group = |number: usize| {
        let from = took_part.len() * number / count;
        let until = took_part.len() * (number + 1) / count;
        let group = &took_part[from..until];
        (group.iter().filter(|bought| **bought).count() as u64, group.len() as u64)
    };
    Some((0..count).map(group).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evidence::names::Names;

    fn asker(first_ms: u64, quantity: u32, bought: bool) -> Asker {
        let (first, mut names) = (Time::from_millis(first_ms), Names::default());
        let mut asker = Asker::new(names.intern("0-1"), 0, first, quantity);
        if bought {
            asker.buys(first + Duration::from_millis(10), quantity);
        }
        asker.refused = !bought;
        asker
    }

    #[test]
    fn a_refused_fan_who_came_first_is_one_pair_in_the_wrong_order() {
        let line = [asker(0, 1, false), asker(5_000, 1, true), asker(9_000, 1, false)];
        let pairs = pairs(&line, Duration::from_secs(1));
        assert_eq!((pairs.wrong, pairs.right, pairs.overtaken), (1, 1, 1));
    }

    #[test]
    fn who_wanted_more_than_the_later_one_bought_was_not_overtaken() {
        let line = [asker(0, 3, false), asker(5_000, 2, true)];
        assert_eq!(pairs(&line, Duration::from_secs(1)).all(), 0);
    }

    #[test]
    fn a_draw_by_lot_is_fair_and_a_queue_is_no_draw() {
        let queue: Vec<bool> = (0..200).map(|place| place < 100).collect();
        let groups_of_queue = groups(&queue).unwrap();
        assert!(chance_of(chi_square(&groups_of_queue), 9) < CHANCE_MIN);
        let even: Vec<bool> = (0..200).map(|place| place % 2 == 0).collect();
        assert!(chi_square(&groups(&even).unwrap()) < 1.0);
        assert_eq!(groups(&[true, false, true]), None);
    }

    proptest! {
        #[test]
        fn the_trees_count_what_looking_at_all_pairs_counts(
            line in prop::collection::vec((0_u64..40, 1_u32..4, any::<bool>()), 0..40),
            within in 0_u64..6,
        ) {
            let mut askers: Vec<Asker> =
                line.into_iter().map(|(at, many, bought)| asker(at, many, bought)).collect();
            askers.sort_by_key(|asker| asker.first);
            let within = Duration::from_millis(within);
            let mut slow = Pairs::default();
            for refused in askers.iter().filter(|asker| asker.is_refused()) {
                slow.refused += 1;
                let mut overtaken = 0;
                for buyer in askers.iter().filter(|asker| asker.is_buyer()) {
                    if buyer.quantity >= refused.quantity {
                        slow.right += u64::from(buyer.first + within < refused.first);
                        overtaken += u64::from(refused.first + within < buyer.first);
                    }
                }
                slow.wrong += overtaken;
                slow.overtaken += u64::from(overtaken > 0);
            }
            slow.buyers = askers.iter().filter(|asker| asker.is_buyer()).count() as u64;
            prop_assert_eq!(pairs(&askers, within), slow);
        }
    }
}
