//! The first tier to break: where the first second was in which failures were no accident any more.

use std::collections::BTreeMap;

use domain::outcome::{Operation, Outcome};
use domain::provider::PaymentOutcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::measure::database_tier::{failures, full_seconds};
use crate::measure::round3;
use crate::measure::timeline::{Timeline, TimelineLine};

/// The share of failures in a second from which on a tier counts as broken: five times what
/// service level objectives commonly allow in all (99 %).
const SHARE_MIN: f64 = 0.05;
/// How many failures there must be in that second: one or two of a handful are no sign.
const FAILED_MIN: u64 = 5;

/// A tier, from the deepest to the fans: of those that break in one second the deepest is the cause.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BreakingTier {
    /// The payment provider refused calls, or failed.
    Payment,
    /// The database failed over, or what needs it failed while all its processors were busy.
    Database,
    /// The load balancer refused requests with an error of its own, or cut them off.
    Balancer,
    /// Checkouts and their polls failed or were never answered.
    Checkout,
    /// Other steps of the funnel did.
    Shop,
    /// The sale's page did.
    Page,
    /// Connections could not be made.
    Network,
}

/// The first second in which a tier was broken.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Breaking {
    /// Which tier.
    pub tier: BreakingTier,
    /// When that second began, from the run's beginning \[s\].
    pub at_s: f64,
    /// How many calls, operations or connections failed in it.
    pub failed: u64,
    /// Of how many.
    pub of: u64,
}

/// How many failed in a second, and of how many.
#[derive(Copy, Clone, Debug, Default)]
struct Share {
    failed: u64,
    of: u64,
}

impl Share {
    fn is_broken(self) -> bool {
        self.failed >= FAILED_MIN && self.failed as f64 >= SHARE_MIN * self.of as f64
    }

    fn add(&mut self, count: u64, failed: u64) {
        self.of += count;
        self.failed += failed;
    }
}

/// The first tier to break, if any did.
pub(super) fn first_to_break(evidence: &Evidence, timeline: &Timeline) -> Option<Breaking> {
    let payments = payments(evidence);
    let balancer = balancer(evidence);
    let (database, full) = (database(evidence), full_seconds(evidence));
    let seconds = timeline.seconds.iter().flat_map(|(second, line)| {
        let payment = payments.get(second).copied().unwrap_or_default();
        let refused = balancer.get(second).copied().unwrap_or_default();
        let tiers = [
            (BreakingTier::Payment, payment),
            (BreakingTier::Database, database.get(second).copied().unwrap_or_default()),
            (BreakingTier::Balancer, refused),
            (BreakingTier::Checkout, operations(line, &[Operation::Checkout, Operation::Poll])),
            (BreakingTier::Shop, operations(line, &FUNNEL)),
            (BreakingTier::Page, operations(line, &[Operation::Reload])),
            (BreakingTier::Network, connections(line)),
        ];
        tiers.map(|(tier, share)| (*second, tier, share))
    });
    let (second, tier, share) = seconds.into_iter().find(|(.., share)| share.is_broken())?;
    // What fans wanted in a second may have failed deeper down in the next.
    let deeper = [(BreakingTier::Database, &database), (BreakingTier::Balancer, &balancer)];
    let deeper = deeper.into_iter().find_map(|(tier, seconds)| {
        let share = seconds.get(&(second + 1)).filter(|share| share.is_broken())?;
        Some((second + 1, tier, *share))
    });
    let (second, tier, share) =
        deeper.filter(|_| is_seen_by_fans(tier)).unwrap_or((second, tier, share));
    // And what they wanted in it was not answered for want of a database that had time for it.
    let is_short = is_seen_by_fans(tier) && [second, second + 1].iter().any(|at| full.contains(at));
    let tier = if is_short { BreakingTier::Database } else { tier };
    let at_s = round3(second as f64);
    Some(Breaking { tier, at_s, failed: share.failed, of: share.of })
}

/// Whether a tier is told broken by what fans were answered, whoever behind it was the cause.
const fn is_seen_by_fans(tier: BreakingTier) -> bool {
    matches!(tier, BreakingTier::Checkout | BreakingTier::Shop | BreakingTier::Page)
}

/// Statements by the second: those that failed.
fn database(evidence: &Evidence) -> BTreeMap<u64, Share> {
    let seconds = failures(evidence).into_iter();
    seconds.map(|(second, (failed, of))| (second, Share { failed, of })).collect()
}

/// Requests that reached the balancer by the second: those it refused or cut off.
fn balancer(evidence: &Evidence) -> BTreeMap<u64, Share> {
    let mut seconds: BTreeMap<u64, Share> = BTreeMap::new();
    let (mut offered, mut lost) = (0, 0);
    for snapshot in &evidence.snapshots {
        let Some(state) = snapshot.balancer else { continue };
        // It says what was counted by then.
        let second = snapshot.at.nanos().div_ceil(1_000_000_000).saturating_sub(1);
        let lost_by_then = state.rejected + state.cut;
        let (came, failed) = (state.offered - offered, lost_by_then - lost);
        seconds.entry(second).or_default().add(came, failed);
        (offered, lost) = (state.offered, lost_by_then);
    }
    seconds
}

/// The steps of the funnel before its end.
const FUNNEL: [Operation; 7] = [
    Operation::Login,
    Operation::Slots,
    Operation::Item,
    Operation::Cart,
    Operation::Entry,
    Operation::Result,
    Operation::Other,
];

/// Operations that were intended in a second: those that failed, or were never answered.
fn operations(line: &TimelineLine, which: &[Operation]) -> Share {
    let mut share = Share::default();
    for (outcome, count) in which.iter().filter_map(|which| line.outcomes.get(which)).flatten() {
        let failed = matches!(outcome, Outcome::Error | Outcome::Unknown);
        share.add(*count, if failed { *count } else { 0 });
    }
    share
}

fn connections(line: &TimelineLine) -> Share {
    let failed = line.connection_failures.values().sum();
    Share { failed, of: line.opened + failed }
}

/// Calls of the provider by the second in which they took effect: those it refused or failed.
fn payments(evidence: &Evidence) -> BTreeMap<u64, Share> {
    let mut seconds: BTreeMap<u64, Share> = BTreeMap::new();
    for line in evidence.payment_rows() {
        let since = line.utc_ns.saturating_sub(evidence.ending.began_utc_ns);
        let failed = matches!(
            line.told,
            PaymentOutcome::RateLimited
                | PaymentOutcome::LockTimeout
                | PaymentOutcome::Failed
                | PaymentOutcome::Silence
        );
        seconds.entry(since / 1_000_000_000).or_default().add(1, u64::from(failed));
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64, operation: Operation, counts: &[(Outcome, u64)]) -> TimelineLine {
        let outcomes = [(operation, counts.iter().copied().collect())].into();
        TimelineLine { second, outcomes, ..TimelineLine::default() }
    }

    fn of(lines: &[TimelineLine]) -> Option<Breaking> {
        let mut timeline = Timeline::default();
        for line in lines {
            timeline.add(line);
        }
        let evidence = Evidence::of(domain::shop::Catalogue { sales: Vec::new() }, None);
        first_to_break(&evidence, &timeline)
    }

    #[test]
    fn the_first_second_with_a_share_of_failures_counts() {
        let told = of(&[
            second(0, Operation::Reload, &[(Outcome::Ok, 1_000), (Outcome::Error, 49)]),
            second(1, Operation::Reload, &[(Outcome::Ok, 95), (Outcome::Error, 5)]),
            second(1, Operation::Checkout, &[(Outcome::Unknown, 9)]),
            second(2, Operation::Cart, &[(Outcome::Error, 900)]),
        ]);
        let expected = Breaking { tier: BreakingTier::Checkout, at_s: 1.0, failed: 9, of: 9 };
        assert_eq!(told, Some(expected), "the deepest of those that break together");
    }

    #[test]
    fn refusals_and_a_few_failures_break_nothing() {
        let told = of(&[
            second(0, Operation::Checkout, &[(Outcome::RateLimited, 500), (Outcome::SoldOut, 9)]),
            second(1, Operation::Slots, &[(Outcome::Error, 4)]),
        ]);
        assert_eq!(told, None);
    }

    #[test]
    fn what_the_balancer_refuses_is_no_fault_of_the_page() {
        let broken_at = |refused_s: u64| {
            let mut timeline = Timeline::default();
            for line in [
                second(3, Operation::Reload, &[(Outcome::Ok, 30), (Outcome::Error, 70)]),
                second(4, Operation::Reload, &[(Outcome::Error, 100)]),
            ] {
                timeline.add(&line);
            }
            let catalogue = domain::shop::Catalogue { sales: Vec::new() };
            let mut evidence = Evidence::of(catalogue, None);
            let snapshot = |second: u64, offered, rejected| domain::shop::ShopSnapshot {
                at: domain::time::Time::from_millis(second * 1_000),
                balancer: Some(domain::shop::BalancerState {
                    capacity_per_s: 30.0,
                    offered,
                    rejected,
                    cut: 0,
                }),
                ..domain::shop::ShopSnapshot::default()
            };
            evidence.snapshots = vec![snapshot(refused_s, 20, 0), snapshot(refused_s + 1, 120, 70)];
            first_to_break(&evidence, &timeline).unwrap()
        };
        let by_balancer =
            |at_s| Breaking { tier: BreakingTier::Balancer, at_s, failed: 70, of: 100 };
        assert_eq!(broken_at(3), by_balancer(3.0));
        assert_eq!(
            broken_at(4),
            by_balancer(4.0),
            "it was refused in the second after it was wanted"
        );
        assert_eq!(broken_at(5).tier, BreakingTier::Page, "it broke before");
    }

    /// Reloads of the fourth second fail, over a database whose seconds were so: busy of four
    /// processors, statements that were carried out, and that failed.
    fn over(database: &[(f64, u64, u64)]) -> Breaking {
        let mut timeline = Timeline::default();
        timeline.add(&second(3, Operation::Reload, &[(Outcome::Ok, 30), (Outcome::Unknown, 70)]));
        let catalogue = domain::shop::Catalogue { sales: Vec::new() };
        let mut evidence = Evidence::of(catalogue, None);
        let (mut carried_out, mut failed) = (0, 0);
        for (second, (busy, done, lost)) in (1..).zip(database) {
            (carried_out, failed) = (carried_out + done, failed + lost);
            evidence.snapshots.push(domain::shop::ShopSnapshot {
                at: domain::time::Time::from_millis(second * 1_000),
                database_load: Some(domain::shop::DatabaseLoad {
                    cores: Some(4.0),
                    busy_cores: Some(*busy),
                    carried_out,
                    failed,
                    ..domain::shop::DatabaseLoad::default()
                }),
                ..domain::shop::ShopSnapshot::default()
            });
        }
        first_to_break(&evidence, &timeline).unwrap()
    }

    #[test]
    fn what_the_database_has_no_time_for_is_no_fault_of_the_page() {
        let quiet = (1.0, 100, 0);
        let seen = Breaking { tier: BreakingTier::Page, at_s: 3.0, failed: 70, of: 100 };
        assert_eq!(over(&[quiet; 6]), seen);
        let mut full = [quiet; 6];
        full[4].0 = 4.0;
        assert_eq!(over(&full), Breaking { tier: BreakingTier::Database, ..seen });
        full[4].0 = 3.9;
        assert_eq!(over(&full), seen);
        // It failed over in the second after they were wanted.
        let mut gone = [quiet; 6];
        gone[4] = (1.0, 40, 60);
        let lost = Breaking { tier: BreakingTier::Database, at_s: 4.0, failed: 60, of: 100 };
        assert_eq!(over(&gone), lost);
    }

    #[test]
    fn connections_break_too() {
        let failures = [(crate::evidence::ConnectionFailure::Refused, 10)].into();
        let line = TimelineLine {
            second: 3,
            opened: 30,
            connection_failures: failures,
            ..TimelineLine::default()
        };
        let expected = Breaking { tier: BreakingTier::Network, at_s: 3.0, failed: 10, of: 40 };
        assert_eq!(of(&[line]), Some(expected));
    }
}
