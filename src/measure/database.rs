//! The database under the shop: what its connections went through, and what it says of itself before
//! and after the storm.

use domain::database::{DatabaseState, DatabaseView, StatementTimes, TableState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::measure::round3;

/// How many statements are told apart; what the others took is added up.
const STATEMENTS_TOLD: usize = 12;

/// What the others are called.
const OTHERS: &str = "all others";

/// The database under the shop, where it is one that several transactions change at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseSummary {
    /// The pool's connections.
    pub connections: u64,
    /// Calls that had one.
    pub calls: u64,
    /// How long calls waited for one \[ms\].
    pub wait_ms: WaitSummary,
    /// The most calls that waited for one at once.
    pub waiting_max: u64,
    /// Transactions that waited for a lock, as the database was asked ten times a second.
    pub lock_waits: LockWaits,
    /// Transactions that the database ended for a deadlock, each of which was begun again.
    pub deadlocks: u64,
    /// Optimistic writes that found another version.
    pub conflicts: u64,
    /// Times that unit rows were looked at again before they were said to be sold out.
    pub rechecks: u64,
    /// Connections that broke.
    pub lost: u64,
    /// Calls that failed.
    pub failed: u64,
    /// What statements took during the run, the most first; absent where nobody kept count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statements: Option<Vec<StatementSummary>>,
    /// The run's tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableSummary>,
    /// How the database would reserve pieces; absent where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSummary>,
}

/// How long calls waited for a connection \[ms\].
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitSummary {
    /// Half at most this.
    pub p50: f64,
    /// 99 % at most this.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// Transactions that waited for a lock, at moments when a connection was at work.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockWaits {
    /// How many such moments were looked at.
    pub looks: u64,
    /// In the mean over them.
    pub mean: f64,
    /// The most.
    pub max: u64,
}

/// What a statement took during the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatementSummary {
    /// It, with `$1` for its first value.
    pub statement: String,
    /// How often it was carried out.
    pub calls: u64,
    /// Rows that it found or changed.
    pub rows: u64,
    /// All that it took, waits for locks included \[ms\].
    pub total_ms: f64,
    /// In the mean \[ms\].
    pub mean_ms: f64,
    /// The longest that it took once \[ms\].
    pub max_ms: f64,
}

/// What a table had grown to, before the storm and after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableSummary {
    /// Its name.
    pub table: String,
    /// Rows that are there, as the database estimates.
    pub live_rows: Change,
    /// Rows that were changed or deleted and not yet cleared away, likewise.
    pub dead_rows: Change,
    /// What it takes on the disk, without its indexes \[bytes\].
    pub bytes: Change,
    /// What its indexes take \[bytes\].
    pub index_bytes: Change,
    /// How often it was cleared of dead rows meanwhile.
    pub vacuums: u64,
    /// How often statistics were drawn of it meanwhile.
    pub analyzes: u64,
}

/// A figure before the storm and after it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Before the first request.
    pub before: u64,
    /// After the drain.
    pub after: u64,
}

/// How the database would carry out the statement that reserves (`EXPLAIN`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSummary {
    /// The statement, for one piece of the item of which there is most.
    pub statement: String,
    /// Before the storm, a line each.
    pub before: Vec<String>,
    /// After it.
    pub after: Vec<String>,
    /// Whether it is another.
    pub changed: bool,
}

/// The database of a run; none where the shop has no such or did not say.
pub(super) fn database(evidence: &Evidence) -> Option<DatabaseSummary> {
    let last = evidence.snapshots.iter().rev().find_map(|snapshot| snapshot.database.as_ref())?;
    let told = DatabaseSummary {
        connections: last.connections,
        calls: last.calls,
        wait_ms: WaitSummary {
            p50: ms(last.wait_p50_ns),
            p99: ms(last.wait_p99_ns),
            max: ms(last.wait_max_ns),
        },
        waiting_max: last.waiting_max,
        lock_waits: lock_waits(last),
        deadlocks: last.deadlocks,
        conflicts: last.conflicts,
        rechecks: last.rechecks,
        lost: last.lost,
        failed: last.failed,
        ..DatabaseSummary::default()
    };
    let Some([before, after]) = &evidence.database else { return Some(told) };
    let plan = PlanSummary {
        statement: after.reserving.clone(),
        before: before.plan.clone(),
        after: after.plan.clone(),
        changed: before.plan != after.plan,
    };
    let statements = statements(before, after);
    Some(DatabaseSummary { statements, tables: tables(before, after), plan: Some(plan), ..told })
}

fn lock_waits(state: &DatabaseState) -> LockWaits {
    let DatabaseState { lock_looks: looks, lock_waits, lock_waits_max: max, .. } = *state;
    LockWaits { looks, mean: round3(lock_waits as f64 / looks.max(1) as f64), max }
}

/// What each statement took between the two, the most first.
fn statements(before: &DatabaseView, after: &DatabaseView) -> Option<Vec<StatementSummary>> {
    let (before, after) = (before.statements.as_ref()?, after.statements.as_ref()?);
    let nothing = StatementTimes::default();
    let mut meanwhile: Vec<StatementTimes> = after
        .iter()
        .map(|times| {
            let known = before.iter().find(|known| known.id == times.id).unwrap_or(&nothing);
            StatementTimes {
                calls: times.calls.saturating_sub(known.calls),
                rows: times.rows.saturating_sub(known.rows),
                total_ns: times.total_ns.saturating_sub(known.total_ns),
                ..times.clone()
            }
        })
        .filter(|times| times.calls > 0)
        .collect();
    meanwhile.sort_by_key(|times| std::cmp::Reverse(times.total_ns));
    let others = meanwhile.split_off(meanwhile.len().min(STATEMENTS_TOLD));
    let mut told: Vec<StatementSummary> = meanwhile.iter().map(told).collect();
    let others = others.into_iter().reduce(|sum, times| StatementTimes {
        statement: OTHERS.to_owned(),
        calls: sum.calls + times.calls,
        rows: sum.rows + times.rows,
        total_ns: sum.total_ns + times.total_ns,
        max_ns: sum.max_ns.max(times.max_ns),
        ..times
    });
    told.extend(others.iter().map(self::told));
    Some(told)
}

fn told(times: &StatementTimes) -> StatementSummary {
    StatementSummary {
        statement: times.statement.clone(),
        calls: times.calls,
        rows: times.rows,
        total_ms: ms(times.total_ns),
        mean_ms: ms(times.total_ns / times.calls.max(1)),
        max_ms: ms(times.max_ns),
    }
}

/// Nanoseconds as milliseconds \[ms\].
fn ms(ns: u64) -> f64 {
    round3(ns as f64 / 1e6)
}

fn tables(before: &DatabaseView, after: &DatabaseView) -> Vec<TableSummary> {
    let nothing = TableState::default();
    let told = after.tables.iter().map(|after| {
        let before = before.tables.iter().find(|before| before.table == after.table);
        let before = before.unwrap_or(&nothing);
        let change = |of: fn(&TableState) -> u64| Change { before: of(before), after: of(after) };
        TableSummary {
            table: after.table.clone(),
            live_rows: change(|table| table.live_rows),
            dead_rows: change(|table| table.dead_rows),
            bytes: change(|table| table.bytes),
            index_bytes: change(|table| table.index_bytes),
            vacuums: after.vacuums.saturating_sub(before.vacuums),
            analyzes: after.analyzes.saturating_sub(before.analyzes),
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(id: i64, calls: u64, total_ns: u64) -> StatementTimes {
        StatementTimes { id, statement: format!("s{id}"), calls, total_ns, ..Default::default() }
    }

    fn view(statements: Vec<StatementTimes>) -> DatabaseView {
        DatabaseView { statements: Some(statements), ..DatabaseView::default() }
    }

    #[test]
    fn what_statements_took_before_the_storm_is_not_of_it() {
        let before = view(vec![times(1, 10, 5_000_000), times(2, 3, 1)]);
        let after = view(vec![times(2, 3, 1), times(1, 14, 9_000_000), times(7, 2, 10_000_000)]);
        let told = statements(&before, &after).unwrap();
        let read: Vec<_> = told.iter().map(|it| (it.statement.as_str(), it.calls)).collect();
        assert_eq!(read, [("s7", 2), ("s1", 4)]);
        let StatementSummary { total_ms, mean_ms, .. } = told[1];
        assert!((total_ms - 4.0).abs() < 1e-9 && (mean_ms - 1.0).abs() < 1e-9, "{told:?}");
        assert_eq!(statements(&before, &DatabaseView::default()), None);
    }

    #[test]
    fn what_the_many_small_statements_took_is_added_up() {
        let all = (1..=15).map(|id| times(id, 1, 1_000_000 * id.unsigned_abs())).collect();
        let told = statements(&view(Vec::new()), &view(all)).unwrap();
        assert_eq!(told.len(), STATEMENTS_TOLD + 1);
        let others = told.last().unwrap();
        assert_eq!((others.statement.as_str(), others.calls), (OTHERS, 3));
        assert!((others.total_ms - 6.0).abs() < 1e-9, "{others:?}");
    }

    #[test]
    fn waits_for_locks_are_those_of_the_moments_that_were_looked_at() {
        let state = DatabaseState {
            lock_looks: 4,
            lock_waits: 38,
            lock_waits_max: 18,
            ..DatabaseState::default()
        };
        assert_eq!(lock_waits(&state), LockWaits { looks: 4, mean: 9.5, max: 18 });
        assert_eq!(lock_waits(&DatabaseState::default()), LockWaits::default());
    }
}
