//! What a lottery is expected to be: who enters, what is drawn, and who comes back for the results.

use domain::draw::{Purpose, draw_for};
use domain::shop::Lottery;
use domain::time::Duration;

use crate::scenario::offer::{expected, whole};
use crate::scenario::{Population, Scenario};

/// People who stand for a population \[A\].
const STAND_INS: u32 = 20_000;

/// How many seconds after the results are looked at.
const SECONDS: usize = 600;

/// What a lottery is expected to be.
#[derive(Clone, Debug, PartialEq)]
pub struct LotteryOffer {
    /// Its moments.
    pub terms: Lottery,
    /// Fans who are expected to enter.
    pub entries: f64,
    /// Pieces they want.
    pub wanted: f64,
    /// Pieces that the first draw gives out.
    pub drawn: f64,
    /// Fans who come back for the results in the busiest second \[1/s\].
    pub back_per_s: f64,
    /// The requests they make at the edge in that second, the question for the result included \[1/s\].
    pub edge_per_s: f64,
}

/// The lottery of the sale of that number, if it has one.
pub(super) fn lottery(scenario: &Scenario, number: usize) -> Option<LotteryOffer> {
    let sale = &scenario.catalogue.sales[number];
    let terms = sale.lottery?;
    let mut offer = LotteryOffer {
        terms,
        entries: 0.0,
        wanted: 0.0,
        drawn: 0.0,
        back_per_s: 0.0,
        edge_per_s: 0.0,
    };
    let mut by_item = vec![0.0; sale.items.len()];
    let mut back = vec![(0.0, 0.0); SECONDS];
    for people in scenario.populations.iter().filter(|people| people.sale == number) {
        let there = expected(people, sale.opens + terms.entries_close.0);
        let stays = 1.0 - people.crowd.behaviour.abandon;
        let entries = there * stays;
        offer.entries += entries;
        let total: f64 = people.crowd.demand.iter().sum();
        for (pieces, weight) in by_item.iter_mut().zip(&people.crowd.demand) {
            *pieces += entries * super::sale::mean_pieces(people) * weight / total;
        }
        let calls = f64::from(people.crowd.behaviour.reload.calls) + 1.0;
        for (second, share) in back.iter_mut().zip(shares(people)) {
            second.0 += entries * stays * share;
            second.1 += entries * stays * share * calls;
        }
    }
    offer.wanted = by_item.iter().sum();
    let least = |(wanted, item): (&f64, &domain::shop::Item)| wanted.min(f64::from(item.stock));
    offer.drawn = by_item.iter().zip(&sale.items).map(least).sum();
    offer.back_per_s = back.iter().map(|second| second.0).fold(0.0, f64::max);
    offer.edge_per_s = back.iter().map(|second| second.1).fold(0.0, f64::max);
    Some(offer)
}

/// The share of a population that comes back in each second after the results: each thinks first.
fn shares(people: &Population) -> Vec<f64> {
    let mut shares = vec![0.0; SECONDS];
    for one in 0..STAND_INS {
        let draw = draw_for(0, u64::from(one), Purpose::Think, 0);
        let after: Duration = people.crowd.behaviour.think.sample(draw);
        let second = usize::try_from(whole(after.as_secs_f64())).unwrap_or(SECONDS);
        if let Some(share) = shares.get_mut(second) {
            *share += 1.0 / f64::from(STAND_INS);
        }
    }
    shares
}
