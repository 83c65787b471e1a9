//! The database under the shop, as figures.

use serde::Serialize;

use super::figure::{self, NONE};
use crate::measure::{Change, DatabaseSummary, PlanSummary};

/// What stands above it.
pub(super) const TITLE: &str = "The database under the shop";

/// What is said where nobody counted statements.
pub(super) const UNCOUNTED: &str =
    "What statements took is not known: the server has no pg_stat_statements.";

/// A statement and what it took.
#[derive(Debug, Serialize)]
pub(super) struct StatementRow {
    pub(super) statement: String,
    pub(super) calls: String,
    pub(super) rows: String,
    pub(super) total: String,
    pub(super) mean: String,
    pub(super) max: String,
}

/// A table and what it had grown to.
#[derive(Debug, Serialize)]
pub(super) struct TableRow {
    pub(super) table: String,
    pub(super) live: String,
    pub(super) dead: String,
    pub(super) size: String,
    pub(super) indexes: String,
    pub(super) vacuums: String,
    pub(super) analyzes: String,
}

/// How the database reserves.
#[derive(Debug, Serialize)]
pub(super) struct PlanView {
    pub(super) told: String,
    pub(super) statement: String,
    pub(super) before: String,
    /// Empty where it is the same.
    pub(super) after: String,
}

/// All that is told of a database.
#[derive(Debug, Serialize)]
pub(super) struct DatabaseSheet {
    pub(super) title: &'static str,
    pub(super) pool: String,
    pub(super) locks: String,
    pub(super) uncounted: Option<&'static str>,
    pub(super) statements: Vec<StatementRow>,
    pub(super) tables: Vec<TableRow>,
    pub(super) plan: Option<PlanView>,
}

/// The sheet of a database.
pub(super) fn sheet(database: &DatabaseSummary) -> DatabaseSheet {
    let statements = database.statements.as_ref();
    let told = database.plan.is_some();
    DatabaseSheet {
        title: TITLE,
        pool: pool(database),
        locks: locks(database),
        uncounted: (told && statements.is_none()).then_some(UNCOUNTED),
        statements: statements.into_iter().flatten().map(statement).collect(),
        tables: database.tables.iter().map(table).collect(),
        plan: database.plan.as_ref().map(plan),
    }
}

fn pool(database: &DatabaseSummary) -> String {
    let wait = &database.wait_ms;
    format!(
        "{} connections, {} calls; wait for one p50 {}, p99 {}, max {}; at most {} calls waited at \
         once",
        figure::number(database.connections),
        figure::number(database.calls),
        figure::milliseconds(wait.p50),
        figure::milliseconds(wait.p99),
        figure::milliseconds(wait.max),
        figure::number(database.waiting_max),
    )
}

fn locks(database: &DatabaseSummary) -> String {
    let mut parts = vec![format!(
        "{} transactions waited for a lock in the mean, {} at most (of {} looks)",
        figure::decimal(database.lock_waits.mean, 1),
        figure::number(database.lock_waits.max),
        figure::number(database.lock_waits.looks)
    )];
    for (count, what) in [
        (database.deadlocks, "deadlocks"),
        (database.conflicts, "version conflicts"),
        (database.rechecks, "looks again before \u{201c}sold out\u{201d}"),
        (database.lost, "connections lost"),
        (database.failed, "calls failed"),
    ] {
        if count > 0 || what == "deadlocks" {
            parts.push(format!("{} {what}", figure::number(count)));
        }
    }
    parts.join("; ")
}

fn statement(statement: &crate::measure::StatementSummary) -> StatementRow {
    StatementRow {
        statement: statement.statement.clone(),
        calls: figure::number(statement.calls),
        rows: figure::number(statement.rows),
        total: figure::milliseconds(statement.total_ms),
        mean: figure::milliseconds(statement.mean_ms),
        max: figure::milliseconds(statement.max_ms),
    }
}

fn table(table: &crate::measure::TableSummary) -> TableRow {
    TableRow {
        table: table.table.clone(),
        live: change(table.live_rows, figure::number),
        dead: change(table.dead_rows, figure::number),
        size: change(table.bytes, bytes),
        indexes: change(table.index_bytes, bytes),
        vacuums: figure::number(table.vacuums),
        analyzes: figure::number(table.analyzes),
    }
}

/// `20,000 → 19,988`; once where it did not change.
fn change(Change { before, after }: Change, told: fn(u64) -> String) -> String {
    match before == after {
        true if after == 0 => NONE.to_owned(),
        true => told(after),
        false => format!("{} \u{2192} {}", told(before), told(after)),
    }
}

/// A size in the unit that fits: `8.0 kB`, `312 MB`.
fn bytes(bytes: u64) -> String {
    const STEP: f64 = 1_024.0;
    let mut size = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if size < STEP {
            break;
        }
        (size, unit) = (size / STEP, next);
    }
    let decimals = usize::from(size < 10.0 && unit != "B");
    format!("{} {unit}", figure::decimal(size, decimals))
}

fn plan(plan: &PlanSummary) -> PlanView {
    let told = if plan.changed {
        "The plan of the statement that reserves changed during the run."
    } else {
        "The plan of the statement that reserves is the same before and after."
    };
    let after = if plan.changed { plan.after.join("\n") } else { String::new() };
    let (statement, before) = (plan.statement.clone(), plan.before.join("\n"));
    PlanView { told: told.to_owned(), statement, before, after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_size_is_told_in_the_unit_that_fits() {
        let told = [0, 900, 8_192, 40_960, 327_155_712, 3 << 30].map(bytes);
        assert_eq!(told, ["0 B", "900 B", "8.0 kB", "40 kB", "312 MB", "3.0 GB"]);
    }

    #[test]
    fn both_reports_show_the_database_where_there_is_one_and_nowhere_else() {
        for (summary, is_there) in [(fixture::passing(), true), (fixture::failing(), false)] {
            let rendered = crate::report::render(&summary);
            for report in [&rendered.text, &rendered.html] {
                assert_eq!(report.contains(TITLE), is_there);
                assert_eq!(report.contains("20 connections, 5,012 calls"), is_there);
                assert_eq!(report.contains("Seq Scan on units"), is_there);
            }
        }
    }
}
