//! What really happened in a sale: a promise that holds where nothing ever went wrong says little.

use std::collections::{BTreeMap, BTreeSet};

use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use spike::audit::Unit;
use spike::sim::SimulatedRun;
use spike::verdict::Judged;

/// Something that makes a sale hard.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A fan was told that it is sold out while the last pieces were held for others who let them go.
    Contention,
    /// The provider refused a call for want of allowance.
    Refusal,
    /// A call to the provider was never answered.
    Timeout,
    /// The provider answered a call with a 5xx.
    Failure,
    /// A card was declined.
    Decline,
    /// A cardholder failed the challenge.
    ChallengeFailed,
    /// A cardholder never answered the challenge.
    ChallengeAbandoned,
    /// An authorization was let go only when it was asked for again.
    VoidRepeated,
    /// A fan was told to wait.
    Wait,
}

impl Event {
    pub(crate) const ALL: [Self; 9] = [
        Self::Contention,
        Self::Refusal,
        Self::Timeout,
        Self::Failure,
        Self::Decline,
        Self::ChallengeFailed,
        Self::ChallengeAbandoned,
        Self::VoidRepeated,
        Self::Wait,
    ];
}

/// What a line says came of a call.
type Said = fn(&PaymentLine) -> PaymentOutcome;

/// What of it happened in a run.
pub(crate) fn events(judged: &Judged, lived: &SimulatedRun) -> BTreeSet<Event> {
    use PaymentOperation::{Authenticate, Authorize, Capture, Void};
    let lines = &lived.ledgers.provider;
    let says = |operation: &[PaymentOperation], of: Said, outcome| {
        lines.iter().any(|line| operation.contains(&line.operation) && of(line) == outcome)
    };
    let outcome: Said = |line| line.outcome;
    let told: Said = |line| line.told;
    let calls = [Authorize, Capture, Void];
    let waited = judged.measured.operations.get("checkout");
    let waited = waited.and_then(|checkouts| checkouts.outcomes.get("waiting")).copied();
    Event::ALL
        .into_iter()
        .filter(|event| match event {
            Event::Contention => refused_what_came_back(judged),
            Event::Refusal => says(&calls, told, PaymentOutcome::RateLimited),
            Event::Timeout => says(&calls, told, PaymentOutcome::Silence),
            Event::Failure => says(&calls, told, PaymentOutcome::Failed),
            Event::Decline => says(&[Authorize], outcome, PaymentOutcome::Declined),
            Event::ChallengeFailed => says(&[Authenticate], outcome, PaymentOutcome::Declined),
            Event::ChallengeAbandoned => says(&[Void], outcome, PaymentOutcome::Accepted),
            Event::VoidRepeated => was_void_repeated(lines),
            Event::Wait => waited.unwrap_or(0) > 0,
        })
        .collect()
}

fn refused_what_came_back(judged: &Judged) -> bool {
    let finding = judged.findings.iter().find(|found| found.id == "INV-PHANTOM-SOLDOUT").unwrap();
    let transient = finding.figures.iter().filter(|figure| figure.unit == Unit::Answers).nth(1);
    transient.is_some_and(|figure| figure.value > 0.0)
}

fn was_void_repeated(lines: &[PaymentLine]) -> bool {
    let voids = lines.iter().filter(|line| line.operation == PaymentOperation::Void);
    let mut refused = BTreeSet::new();
    voids.into_iter().any(|line| match line.told {
        PaymentOutcome::RateLimited | PaymentOutcome::Silence | PaymentOutcome::Failed => {
            refused.insert(&line.payment);
            false
        }
        told => told == PaymentOutcome::Voided && refused.contains(&line.payment),
    })
}

/// In how many of many runs each happened.
pub(crate) fn counted(runs: impl IntoIterator<Item = BTreeSet<Event>>) -> BTreeMap<Event, usize> {
    let mut counts: BTreeMap<Event, usize> = Event::ALL.map(|event| (event, 0)).into();
    for event in runs.into_iter().flatten() {
        *counts.entry(event).or_default() += 1;
    }
    counts
}
