//! Whether one sale is served as well as ever while another opens.

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
/// open. Carts, checkouts and polls count, which are the only ones of which each is recorded.
pub(super) fn isolation(books: &Books<'_>) -> Found {
    let sales = &books.evidence.catalogue.sales;
    if sales.len() < 2 {
        return Found::not_applicable("there is one sale alone");
    }
    let factor = books.asked.budgets.isolation.factor;
    let mut compared = 0_u64;
    let mut worst: Option<Comparison<'_>> = None;
    let mut slowed = 0_u64;
    for (place, sale) in sales.iter().enumerate() {
        let (quiet, disturbed) = sides(books, place);
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
    /// Response times of those that enter percentiles \[ms\].
    ms: Vec<f64>,
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
            self.ms.push(done.since(intended).as_secs_f64() * 1e3);
        }
    }

    fn share(&self) -> f64 {
        self.failed as f64 / self.answers.max(1) as f64
    }
}

/// A sale's answers while no other sale is open, and while another one opens.
fn sides(books: &Books<'_>, of: usize) -> (Side, Side) {
    let sales = &books.evidence.catalogue.sales;
    let others =
        || sales.iter().enumerate().filter(|(place, _)| *place != of).map(|(_, sale)| sale);
    let opening = books.facts.opening;
    let (mut quiet, mut disturbed) = (Side::default(), Side::default());
    for AttemptRow { item, intended, done, outcome, .. } in books.evidence.attempts() {
        if !sales[of].items.iter().any(|known| known.id == item) {
            continue;
        }
        let opens = |sale: &Sale| (sale.opens..sale.opens + opening).contains(&intended);
        let open = |sale: &Sale| (sale.opens..sale.closes).contains(&intended);
        if others().any(opens) {
            disturbed.add(intended, done, outcome);
        } else if !others().any(open) {
            quiet.add(intended, done, outcome);
        }
    }
    (quiet, disturbed)
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
        let quiet_ms = quantile(&mut quiet.ms)?;
        let disturbed_ms = quantile(&mut disturbed.ms)?;
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

/// The quantile, between where it is at the least and at the most, by the ranks that chance allows.
fn quantile(ms: &mut [f64]) -> Option<(f64, f64, f64)> {
    if ms.len() < ANSWERS_MIN {
        return None;
    }
    ms.sort_unstable_by(f64::total_cmp);
    let count = ms.len() as f64;
    let middle = QUANTILE * count;
    let spread = CHANCE * (count * QUANTILE * (1.0 - QUANTILE)).sqrt();
    Some((ranked(ms, middle - spread), ranked(ms, middle), ranked(ms, middle + spread)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the places there are"
)]
fn ranked(sorted: &[f64], rank: f64) -> f64 {
    let place = rank.ceil().clamp(1.0, sorted.len() as f64) as usize - 1;
    sorted[place]
}
