//! A row about forecasts of demand, over worlds whose law is not the one that is learned.

use domain::draw::{Draw, Purpose, draw_for};
use spike::plan::demand::{Demand, Past, backtest, median};

use crate::claim::{Claim, at_least, at_most, near};
use crate::row::Row;
use crate::stage::Size;

pub(super) const FORECAST: Row = Row {
    number: 22,
    name: "peek-forecast",
    phenomenon: "the few who look before the day foretell the many on it, better than all that earlier sales teach",
    lives: forecast,
};

/// Sales of a world, and those of them that are foreseen by the ones before.
const SALES: u32 = 80;
const FORESEEN: usize = 20;
/// Organizers, of which number k has a sale with a weight of 1/k (Zipf).
const ORGANIZERS: u32 = 12;

/// The sales of a world, in the order of time. What makes them is not what is learned: chance is exponential, not
/// normal; three in ten sales have a format that asks for 1.3 times as much, which nobody wrote down; and the share
/// that looks before the day varies from sale to sale, log-normal around 3 %.
fn world(seed: u64) -> Vec<Past> {
    let sale = |number: u32| {
        let drawn = |n: u32| draw_for(seed, number.into(), Purpose::Boot, n);
        let organizer = drawn(0).pick((1..=ORGANIZERS).map(|rank| 1.0 / f64::from(rank)));
        let of_all: Draw = draw_for(seed, 1_000 + organizer as u64, Purpose::Boot, 0);
        let exposure = drawn(1).lognormal(20_000.0, 0.8);
        let chance = 0.4 * (drawn(2).exponential(1.0) - 1.0);
        let format = if drawn(3).chance(0.3) { 1.3 } else { 1.0 };
        let asked = 0.02 * exposure * (0.5 * of_all.normal() + chance).exp() * format;
        let looked = asked * drawn(4).lognormal(0.03, 0.2);
        Past { organizer: organizer.to_string(), exposure, peek: Some(looked), peak: asked }
    };
    (0..SALES).map(sale).collect()
}

fn forecast(size: Size) -> Vec<Claim> {
    let (mut before, mut by_peek) = (Vec::new(), Vec::new());
    let (mut worst, mut fooled, mut kept) = (0.0_f64, 0, 0);
    for seed in 1..=size.pick(20, 5) {
        let sales = world(seed);
        let first = sales.len() - FORESEEN;
        let misses = backtest(&sales, first);
        let blind: Vec<f64> = misses.iter().map(|miss| miss.before).collect();
        let seen: Vec<f64> = misses.iter().filter_map(|miss| miss.by_peek).collect();
        let off = |misses: &[f64]| median(misses.iter().copied()).unwrap_or(f64::INFINITY);
        worst = worst.max(off(&seen));
        fooled += u32::from(off(&seen) >= off(&blind));
        kept += (first..sales.len()).filter(|number| is_within(&sales, *number)).count();
        before.extend(blind);
        by_peek.extend(seen);
    }
    let foreseen = by_peek.len() as f64;
    let [before, by_peek] =
        [before, by_peek].map(|all| median(all.into_iter()).unwrap_or(f64::INFINITY));
    vec![
        at_most("median error by the peek, in all worlds", by_peek, 0.2),
        at_most("the same, in the worst world of 20 sales", worst, 0.2),
        at_least("times as far off without the peek", before / by_peek, 1.5),
        at_most("worlds in which the peek did not help", f64::from(fooled), 0.0),
        near("share of sales below what nine in ten should be", kept as f64 / foreseen, 0.9, 0.06),
    ]
}

/// Whether a sale came to no more than the ninth of ten by those before it and its peek.
fn is_within(sales: &[Past], number: usize) -> bool {
    let sale = &sales[number];
    let demand = Demand::learn(&sales[..number]).unwrap();
    let peek = sale.peek.unwrap();
    sale.peak <= demand.foresee_by(&sale.organizer, sale.exposure, peek).quantile(0.9)
}
