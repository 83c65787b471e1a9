//! How far the clocks of the ledgers are from the clients': measured by what must have come before
//! what, whoever's clock says when.

use domain::outcome::{Operation, Outcome};
use domain::provider::PaymentOutcome;
use domain::time::{Duration, Time};

use crate::audit::entries::Order;
use crate::evidence::Evidence;
use crate::evidence::ledgers::ProviderTells;
use crate::evidence::names::Name;
use crate::evidence::rows::AttemptRow;

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
    after: Vec<i64>,
    before: Vec<i64>,
}

impl Bounds {
    /// What the clock called `stamp_ns` came after `at`: it is ahead by no more than lies between.
    fn after(&mut self, stamp_ns: i128, at: Time) {
        self.after.push(between(stamp_ns, at));
    }

    /// What the clock called `stamp_ns` came before `at`: it is ahead by no less than lies between.
    fn before(&mut self, stamp_ns: i128, at: Time) {
        self.before.push(between(stamp_ns, at));
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

/// From an instant to a stamp \[ns\]; what is farther than a clock can be wrong is as far as can be said.
fn between(stamp_ns: i128, at: Time) -> i64 {
    let apart = stamp_ns - i128::from(at.nanos());
    i64::try_from(apart).unwrap_or(if apart < 0 { i64::MIN } else { i64::MAX })
}

/// The value at a place of those in order.
fn nth(values: &mut [i64], place: usize) -> Option<i128> {
    (place < values.len()).then(|| i128::from(*values.select_nth_unstable(place).1))
}

/// The clocks of both ledgers.
#[derive(Copy, Clone, Debug)]
pub(super) struct Clocks {
    pub(super) shop: Clock,
    pub(super) provider: Clock,
}

/// When an intent was first asked for, and first told to be bought; never, where it was not.
#[derive(Copy, Clone)]
struct Span {
    asked: Time,
    bought: Time,
}

impl Clocks {
    /// An order is placed, and a card is asked, after its fan first asked for it and before the fan is
    /// first told that it is bought. The clock of a foreign shop was measured at its database, and
    /// what a foreign provider's times mean nobody says: these are taken as they are.
    pub(super) fn measure(evidence: &Evidence, orders: &[Order<'_>]) -> Self {
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
        let shop = Clock::within(began, of_shop);
        let mut of_provider = Bounds::default();
        if ledgers.is_none_or(|ledgers| ledgers.told == ProviderTells::Calls) {
            let fresh = evidence.payment_rows().filter(|row| !row.replayed);
            let dated = fresh.map(|row| {
                (row.intent.name(), row.utc_ns, row.outcome == PaymentOutcome::Authorized)
            });
            bound(&mut of_provider, &spans, since, dated);
        }
        Self { shop, provider: Clock::within(began, of_provider) }
    }
}

/// Bounds a clock by what it dated: of which intent, when \[ns\], and whether the first of its kind must
/// have come before the intent was told to be bought.
fn bound(
    bounds: &mut Bounds,
    spans: &[Span],
    since: impl Fn(u64) -> i128,
    dated: impl Iterator<Item = (Name, u64, bool)>,
) {
    let mut first = vec![u64::MAX; spans.len()];
    for (intent, utc_ns, leads_to_it) in dated {
        let span = spans[intent.place()];
        if span.asked == Time::NEVER {
            continue;
        }
        bounds.after(since(utc_ns), span.asked);
        if leads_to_it {
            first[intent.place()] = first[intent.place()].min(utc_ns);
        }
    }
    for (span, first) in spans.iter().zip(first) {
        if first != u64::MAX && span.bought != Time::NEVER {
            bounds.before(since(first), span.bought);
        }
    }
}

/// What was asked for and told when, by intent.
fn spans(evidence: &Evidence) -> Vec<Span> {
    let never = Span { asked: Time::NEVER, bought: Time::NEVER };
    let mut spans = evidence.names().people.column(never);
    // Who won by lot has an order since the draw, which comes after its entry.
    let enters = |attempt: &AttemptRow<'_>| attempt.operation == Operation::Entry;
    let attempts = evidence.attempts().filter(|attempt| attempt.buys() || enters(attempt));
    for attempt in attempts.filter(|attempt| attempt.outcome != Outcome::Shed) {
        let span = &mut spans[attempt.intent.name().place()];
        if attempt.operation == Operation::Checkout || enters(&attempt) {
            span.asked = span.asked.min(attempt.sent);
        }
        if attempt.buys() && attempt.outcome == Outcome::Ok && span.asked != Time::NEVER {
            span.bought = span.bought.min(attempt.done);
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
        let bounds = |ns: Option<i128>| ns.iter().map(|ns| i64::try_from(*ns).unwrap()).collect();
        let (before, after) = (bounds(least_ns), bounds(most_ns));
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
        let second = 1_000_000_000;
        let after = (0..200).map(|place| if place == 7 { -90 * second } else { second }).collect();
        let before = (0..9).map(|place| if place < 4 { 90 * second } else { -second }).collect();
        assert_eq!(Clock::within(BEGAN, Bounds { after, before }), Clock::agreeing(BEGAN));
    }
}
