//! How far the clocks of the ledgers are from the clients': measured by what must have come before
//! what, whoever's clock says when.

use std::collections::BTreeMap;

use domain::outcome::{Operation, Outcome};
use domain::provider::{PaymentLine, PaymentOutcome};
use domain::time::{Duration, Time};

use crate::audit::books::Order;
use crate::evidence::ledgers::ProviderTells;
use crate::evidence::{Evidence, PurchaseLine};

/// How far clocks may be apart that contradict nothing: processes on one machine read one clock, and
/// not at one moment.
const READ_APART: Duration = Duration::from_millis(5);
const READ_APART_NS: i128 = 5_000_000;

/// How a ledger's times lie to the clients'.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// The run's beginning, as UTC by the clients' clock \[ns\].
    began_utc_ns: u64,
    /// How far it is ahead of the clients' clock, or behind it \[ns\].
    ahead_ns: i128,
    /// The most by which it may be otherwise.
    error: Duration,
}

impl Clock {
    /// A clock that agrees with the clients'.
    const fn agreeing(began_utc_ns: u64) -> Self {
        Self { began_utc_ns, ahead_ns: 0, error: READ_APART }
    }

    /// The clock that explains best what came after and before what.
    ///
    /// While neither bound excludes that it agrees with the clients' clock, it does. Otherwise it is in
    /// the middle between them, and may be wrong by as much as they are apart from it.
    fn within(began_utc_ns: u64, bounds: Bounds) -> Self {
        let (least, most) = bounds.ends();
        let agrees = least.is_none_or(|least| least <= READ_APART_NS)
            && most.is_none_or(|most| most >= -READ_APART_NS);
        let Some((least, most)) = least.or(most).zip(most.or(least)).filter(|_| !agrees) else {
            return Self::agreeing(began_utc_ns);
        };
        let ahead_ns = i128::midpoint(least, most);
        let half = u64::try_from((most - ahead_ns).abs()).unwrap_or(u64::MAX);
        let error = Duration::from_nanos(half).saturating_add(READ_APART);
        Self { began_utc_ns, ahead_ns, error }
    }

    /// An instant of this clock as time since the run began, by the clients' clock.
    pub(super) fn time(&self, utc_ns: u64) -> Time {
        let since = i128::from(utc_ns) - i128::from(self.began_utc_ns) - self.ahead_ns;
        Time::from_nanos(u64::try_from(since.max(0)).unwrap_or(u64::MAX))
    }

    /// How far [`Self::time`] may be wrong.
    pub(super) const fn error(&self) -> Duration {
        self.error
    }

    /// How far it is apart from the clients' clock \[s\].
    pub(super) fn apart_s(&self) -> f64 {
        self.ahead_ns.unsigned_abs() as f64 / 1e9
    }
}

/// By how much a clock would be ahead if what it dated had happened at the very moment before which, or
/// after which, it must have \[ns\].
#[derive(Debug, Default)]
struct Bounds {
    after: Vec<i128>,
    before: Vec<i128>,
}

impl Bounds {
    /// What the clock called `stamp_ns` came after `at`: it is ahead by no more than lies between.
    fn after(&mut self, stamp_ns: i128, at: Time) {
        self.after.push(stamp_ns - i128::from(at.nanos()));
    }

    /// What the clock called `stamp_ns` came before `at`: it is ahead by no less than lies between.
    fn before(&mut self, stamp_ns: i128, at: Time) {
        self.before.push(stamp_ns - i128::from(at.nanos()));
    }

    /// By how much it is ahead at the least and at the most \[ns\].
    ///
    /// Nothing comes before it is asked for, so that one of a hundred times may be garbage and no more.
    /// A wrong shop may say that something is bought which it has not begun to sell: half may.
    fn ends(mut self) -> (Option<i128>, Option<i128>) {
        let (half, hundredth) = (self.before.len() / 2, self.after.len() / 100);
        (nth(&mut self.before, half), nth(&mut self.after, hundredth))
    }
}

/// The value at a place of those in order.
fn nth(values: &mut [i128], place: usize) -> Option<i128> {
    (place < values.len()).then(|| *values.select_nth_unstable(place).1)
}

/// The clocks of both ledgers.
#[derive(Copy, Clone, Debug)]
pub(super) struct Clocks {
    pub(super) shop: Clock,
    pub(super) provider: Clock,
}

/// When each intent was first asked for, and first told to be bought.
struct Span {
    asked: Time,
    bought: Option<Time>,
}

impl Clocks {
    /// An order is placed, and a card is asked, after its fan first asked for it and before the fan is
    /// first told that it is bought. The clock of a foreign shop was measured at its database, and
    /// what a foreign provider's times mean nobody says: these are taken as they are.
    pub(super) fn measure(
        evidence: &Evidence,
        orders: &[Order<'_>],
        payments: &[PaymentLine],
    ) -> Self {
        let began = evidence.ending.began_utc_ns;
        let ledgers = evidence.ending.ledgers.as_ref();
        let spans = spans(evidence);
        let since = |utc_ns: u64| i128::from(utc_ns) - i128::from(began);
        let mut of_shop = Bounds::default();
        if ledgers.is_none() {
            let dated = orders.iter().filter(|order| order.created_utc_ns > 0);
            let dated = dated.map(|order| (order.intent, order.created_utc_ns, order.paid));
            bound(&mut of_shop, &spans, since, dated);
        }
        let mut of_provider = Bounds::default();
        if ledgers.is_none_or(|ledgers| ledgers.told == ProviderTells::Calls) {
            let fresh = payments.iter().filter(|line| !line.replayed);
            let dated = fresh.map(|line| {
                (line.intent.as_str(), line.utc_ns, line.outcome == PaymentOutcome::Authorized)
            });
            bound(&mut of_provider, &spans, since, dated);
        }
        Self { shop: Clock::within(began, of_shop), provider: Clock::within(began, of_provider) }
    }
}

/// Bounds a clock by what it dated: of which intent, when \[ns\], and whether the first of its kind must
/// have come before the intent was told to be bought.
fn bound<'a>(
    bounds: &mut Bounds,
    spans: &BTreeMap<&str, Span>,
    since: impl Fn(u64) -> i128,
    dated: impl Iterator<Item = (&'a str, u64, bool)>,
) {
    let mut first: BTreeMap<&str, u64> = BTreeMap::new();
    for (intent, utc_ns, leads_to_it) in dated {
        let Some(span) = spans.get(intent) else { continue };
        bounds.after(since(utc_ns), span.asked);
        if leads_to_it {
            let first = first.entry(intent).or_insert(utc_ns);
            *first = utc_ns.min(*first);
        }
    }
    for (intent, utc_ns) in first {
        if let Some(bought) = spans.get(intent).and_then(|span| span.bought) {
            bounds.before(since(utc_ns), bought);
        }
    }
}

fn spans(evidence: &Evidence) -> BTreeMap<&str, Span> {
    let mut spans: BTreeMap<&str, Span> = BTreeMap::new();
    for line in &evidence.purchases {
        let PurchaseLine::Attempt {
            intent,
            operation: operation @ (Operation::Checkout | Operation::Poll),
            sent,
            done,
            outcome,
            ..
        } = line
        else {
            continue;
        };
        if *outcome == Outcome::Shed {
            continue;
        }
        if *operation == Operation::Checkout {
            let span = spans.entry(intent).or_insert(Span { asked: *sent, bought: None });
            span.asked = span.asked.min(*sent);
        }
        if *outcome == Outcome::Ok
            && let Some(span) = spans.get_mut(intent.as_str())
        {
            span.bought = Some(span.bought.map_or(*done, |bought| bought.min(*done)));
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: u64 = 1_000_000_000_000;
    const SECOND: i128 = 1_000_000_000;

    fn clock(least_ns: Option<i128>, most_ns: Option<i128>) -> Clock {
        let (before, after) = (least_ns.into_iter().collect(), most_ns.into_iter().collect());
        Clock::within(BEGAN, Bounds { after, before })
    }

    #[test]
    fn a_clock_that_contradicts_nothing_agrees() {
        for (least, most) in [
            (None, None),
            (Some(-SECOND), Some(SECOND)),
            (Some(READ_APART_NS), None),
            (None, Some(-READ_APART_NS)),
            (Some(READ_APART_NS), Some(2 * SECOND)),
        ] {
            assert_eq!(clock(least, most), Clock::agreeing(BEGAN), "{least:?} {most:?}");
        }
    }

    #[test]
    fn a_clock_ahead_is_put_back_between_its_bounds() {
        let ahead = clock(Some(3 * SECOND), Some(5 * SECOND));
        assert_eq!(ahead.time(BEGAN + 14_000_000_000), Time::from_millis(10_000));
        assert_eq!(ahead.error(), Duration::from_millis(1_005));
        let behind = clock(Some(-5 * SECOND), Some(-3 * SECOND));
        assert_eq!(behind.time(BEGAN + 6_000_000_000), Time::from_millis(10_000));
        assert_eq!(clock(None, Some(-SECOND)).time(BEGAN), Time::from_millis(1_000));
    }

    #[test]
    fn a_few_wrong_times_move_no_clock() {
        let after = (0..200).map(|place| if place == 7 { -90 * SECOND } else { SECOND }).collect();
        let before = (0..9).map(|place| if place < 4 { 90 * SECOND } else { -SECOND }).collect();
        assert_eq!(Clock::within(BEGAN, Bounds { after, before }), Clock::agreeing(BEGAN));
    }
}
