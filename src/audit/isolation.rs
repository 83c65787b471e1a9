//! Whether one sale is served as well as ever while another opens.

use std::collections::HashMap;

use domain::outcome::Outcome;
use domain::shop::Sale;
use domain::time::Time;

use crate::audit::books::Books;
use crate::audit::finding::{Found, Unit};
use crate::evidence::rows::AttemptRow;

/// The quantile of response times that is compared.
const QUANTILE: f64 = 0.99;
/// How many answers it takes on each side: ten beyond the quantile.
const ANSWERS_MIN: usize = 1_000;
/// How far chance may lead, in standard deviations.
const CHANCE: f64 = 3.0;
/// What is too little to be noticed by anybody \[ms\].
const NOTICED_MS: f64 = 10.0;
/// What is too small a share to be told from none.
const NOTICED_SHARE: f64 = 0.01;

/// Each sale's response times and failures while another one opens, beside those while no other is
/// open. Carts, checkouts and polls count, which are the only ones of which each is recorded; how long a
/// fan is told to wait for its turn is no response time, and does not.
pub(super) fn isolation(books: &Books<'_>) -> Found {
    let sales = &books.evidence.catalogue.sales;
    if sales.len() < 2 {
        return Found::not_applicable("there is one sale alone");
    }
    let factor = books.asked.budgets.isolation.factor;
    let mut compared = 0_u64;
    let mut worst: Option<Comparison<'_>> = None;
    let mut slowed = 0_u64;
    for (sale, (quiet, disturbed)) in sales.iter().zip(sides(books)) {
        let Some(comparison) = Comparison::new(sale, quiet, disturbed) else { continue };
        compared += 1;
        slowed += u64::from(comparison.is_worse_than(factor));
        let is_worst = |other: &Comparison<'_>| comparison.times() > other.times();
        if worst.as_ref().is_none_or(is_worst) {
            worst = Some(comparison);
        }
    }
    let Some(worst) = worst.filter(|_| compared > 0) else {
        return Found::not_applicable(
            "no sale has a thousand answers both while another opens and while it is alone",
        );
    };
    Found::count(slowed, "sales that suffered while another opened", || worst.told()).with(
        (worst.times(), Unit::Factor),
        "the usual p99 of the sale that fared worst",
        Some(factor),
    )
}

/// Answers in one situation.
#[derive(Default)]
struct Side {
    /// Response times of those that enter percentiles \[us\].
    us: Vec<u32>,
    answers: u64,
    failed: u64,
}

impl Side {
    fn add(&mut self, intended: Time, done: Time, outcome: Outcome) {
        if outcome == Outcome::Shed {
            return;
        }
        self.answers += 1;
        self.failed +=
            u64::from(matches!(outcome, Outcome::Error | Outcome::Unknown | Outcome::RateLimited));
        if outcome.enters_percentiles() {
            let us = done.since(intended).as_micros();
            self.us.push(u32::try_from(us).unwrap_or(u32::MAX));
        }
    }

    fn share(&self) -> f64 {
        self.failed as f64 / self.answers.max(1) as f64
    }
}

/// Each sale's answers while no other sale is open, and while another one opens, in the order of sales.
fn sides(books: &Books<'_>) -> Vec<(Side, Side)> {
    let sales = &books.evidence.catalogue.sales;
    let opening = books.facts.opening;
    let opens = |sale: &Sale| (sale.opens, sale.opens + opening);
    let open = |sale: &Sale| (sale.opens, sale.closes);
    let [opening, open] = [Stretches::of(sales, opens), Stretches::of(sales, open)];
    let words = &books.evidence.names().words;
    let items = sales.iter().enumerate().flat_map(|(place, sale)| {
        sale.items.iter().filter_map(move |item| Some((words.find(&item.id)?, place)))
    });
    let sale_of: HashMap<_, _> = items.collect();
    let mut sides: Vec<_> = sales.iter().map(|_| <(Side, Side)>::default()).collect();
    for AttemptRow { item, intended, done, outcome, .. } in books.evidence.attempts() {
        let Some(&sale) = sale_of.get(&item.name()) else { continue };
        let (quiet, disturbed) = &mut sides[sale];
        if opening.has_another(sale, intended) {
            disturbed.add(intended, done, outcome);
        } else if !open.has_another(sale, intended) {
            quiet.add(intended, done, outcome);
        }
    }
    sides
}

/// A stretch of time for each sale.
struct Stretches {
    each: Vec<(Time, Time)>,
    /// When they begin, and when they are over, oldest first.
    begins: Vec<Time>,
    ends: Vec<Time>,
}

impl Stretches {
    fn of(sales: &[Sale], stretch: impl Fn(&Sale) -> (Time, Time)) -> Self {
        let each: Vec<_> = sales.iter().map(stretch).collect();
        let (mut begins, mut ends): (Vec<_>, Vec<_>) = each.iter().copied().unzip();
        begins.sort_unstable();
        ends.sort_unstable();
        Self { each, begins, ends }
    }

    /// Whether a moment lies in that of another sale.
    fn has_another(&self, sale: usize, at: Time) -> bool {
        let (from, until) = self.each[sale];
        let own = usize::from((from..until).contains(&at));
        let passed = |edges: &[Time]| edges.partition_point(|edge| *edge <= at);
        passed(&self.begins) - passed(&self.ends) > own
    }
}

/// One sale in both situations.
struct Comparison<'a> {
    sale: &'a Sale,
    /// The quantile's bounds: where it surely is while the sale is alone, and while another opens.
    quiet_ms: (f64, f64, f64),
    disturbed_ms: (f64, f64, f64),
    quiet: Side,
    disturbed: Side,
}

impl<'a> Comparison<'a> {
    fn new(sale: &'a Sale, mut quiet: Side, mut disturbed: Side) -> Option<Self> {
        let quiet_ms = quantile_ms(&mut quiet.us)?;
        let disturbed_ms = quantile_ms(&mut disturbed.us)?;
        Some(Self { sale, quiet_ms, disturbed_ms, quiet, disturbed })
    }

    /// How many times as long the response time is.
    fn times(&self) -> f64 {
        self.disturbed_ms.1 / self.quiet_ms.1.max(f64::MIN_POSITIVE)
    }

    fn is_worse_than(&self, factor: f64) -> bool {
        let (_, _, usual) = self.quiet_ms;
        let (at_least, _, _) = self.disturbed_ms;
        let slower = at_least > factor * usual && at_least - usual > NOTICED_MS;
        let (before, now) = (self.quiet.share(), self.disturbed.share());
        let variance = |side: &Side| side.share() * (1.0 - side.share()) / side.answers as f64;
        let chance = CHANCE * (variance(&self.quiet) + variance(&self.disturbed)).sqrt();
        let fails = now - chance > factor * before && now - before > NOTICED_SHARE;
        slower || fails
    }

    fn told(&self) -> Vec<String> {
        let side = |ms: f64, side: &Side| {
            format!(
                "p99 {ms:.0} ms, {:.1} % of {} answers failed",
                100.0 * side.share(),
                side.answers
            )
        };
        vec![
            format!(
                "sale {} while no other is open: {}",
                self.sale.id,
                side(self.quiet_ms.1, &self.quiet)
            ),
            format!(
                "sale {} while another opens: {}",
                self.sale.id,
                side(self.disturbed_ms.1, &self.disturbed)
            ),
        ]
    }
}

/// The quantile \[ms\], between where it is at the least and at the most, by the ranks that chance allows.
fn quantile_ms(us: &mut [u32]) -> Option<(f64, f64, f64)> {
    if us.len() < ANSWERS_MIN {
        return None;
    }
    us.sort_unstable();
    let count = us.len() as f64;
    let middle = QUANTILE * count;
    let spread = CHANCE * (count * QUANTILE * (1.0 - QUANTILE)).sqrt();
    let at = |rank: f64| f64::from(ranked(us, rank)) / 1e3;
    Some((at(middle - spread), at(middle), at(middle + spread)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the places there are"
)]
fn ranked(sorted: &[u32], rank: f64) -> u32 {
    let place = rank.ceil().clamp(1.0, sorted.len() as f64) as usize - 1;
    sorted[place]
}
