//! What the database says of itself: what statements took, what tables have grown to, how it would
//! reserve.

use domain::database::{DatabaseView, StatementTimes, TableState};
use tokio_postgres::Row;

use crate::inventory::postgres::Plan;
use crate::inventory::postgres::session::{Failure, Session};
use crate::inventory::postgres::shelf::reserving;
use crate::inventory::rows::Shelf;

/// The extension that keeps count of statements, of the same package as the server.
const STATEMENTS: &str = "pg_stat_statements";

/// The statements of this database's user that were carried out, by what they took. Schemas have
/// tables of their own, so statements of other runs have other numbers.
const TIMES: &str = "select queryid, query, calls, rows, \
                     (total_exec_time * 1e6)::bigint, (max_exec_time * 1e6)::bigint \
                     from SCHEMA.pg_stat_statements \
                     where dbid = (select oid from pg_database where datname = current_database()) \
                     and userid = (select usesysid from pg_user where usename = current_user) \
                     and queryid is not null and query not like '<%' \
                     and query not like 'explain %' and position('pg_stat_' in query) = 0 \
                     order by total_exec_time desc";

const TABLES: &str = "select relname::text, n_live_tup, n_dead_tup, pg_table_size(relid), \
                      pg_indexes_size(relid), vacuum_count + autovacuum_count, \
                      analyze_count + autoanalyze_count \
                      from pg_stat_user_tables where schemaname = $1 and relname <> 'run' \
                      order by relname";

impl Plan {
    /// Has the database keep count of statements, if it can.
    pub(super) async fn keep_count(session: &mut Session) -> Result<(), Failure> {
        let there = "select count(*) from pg_available_extensions where name = $1";
        if session.number(there, &[&STATEMENTS]).await? > 0 {
            let create = format!("create extension if not exists {STATEMENTS} schema public");
            session.plain(&create).await?;
        }
        Ok(())
    }

    /// What the database says of itself now.
    pub(super) async fn view(&self, session: &mut Session) -> Result<DatabaseView, Failure> {
        // What other sessions counted lately is looked at, not what this one saw of it before.
        session.plain("select pg_stat_clear_snapshot()").await?;
        let statements = statements(session).await?;
        let tables = session.rows(TABLES, &[&self.schema]).await?;
        let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
        let deadlocks = session.number(deadlocks, &[]).await?.unsigned_abs();
        let reserving = self.reserving();
        let plan = session.said(&format!("explain (costs off) {reserving}")).await?;
        Ok(DatabaseView {
            statements,
            tables: tables.iter().map(table).collect(),
            deadlocks,
            reserving,
            plan,
        })
    }

    /// The statement that reserves a piece of the item of which there is most.
    fn reserving(&self) -> String {
        let most = self.items.iter().rev().max_by_key(|shelf| shelf.initial);
        let Shelf { kind, name, margin, .. } = most.expect("something is sold");
        let name = format!("'{}'", name.replace('\'', "''"));
        let sql = reserving(self.strategy, *kind, self.order_of(*kind));
        sql.replace("$1", &name).replace("$2", "1").replace("$3", &margin.to_string())
    }

    /// How many transactions of this run wait for a lock now.
    pub(super) async fn lock_waits(&self, session: &mut Session) -> Result<u64, Failure> {
        let waits = "select count(*) from pg_stat_activity \
                     where application_name = $1 and wait_event_type = 'Lock'";
        Ok(session.number(waits, &[&self.schema]).await?.unsigned_abs())
    }
}

/// What statements took, where somebody keeps count.
async fn statements(session: &mut Session) -> Result<Option<Vec<StatementTimes>>, Failure> {
    let schema = "select nspname::text from pg_extension join pg_namespace n on n.oid = extnamespace \
                  where extname = $1";
    let Some(schema) = session.row(schema, &[&STATEMENTS]).await? else { return Ok(None) };
    let sql = TIMES.replace("SCHEMA", &format!("\"{}\"", schema.get::<_, &str>(0)));
    match session.rows(&sql, &[]).await {
        Ok(rows) => Ok(Some(rows.iter().map(times).collect())),
        // It is there, and the server was started without its library.
        Err(Failure::Database(error)) if error.as_db_error().is_some() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn times(row: &Row) -> StatementTimes {
    let words: Vec<&str> = row.get::<_, &str>(1).split_whitespace().collect();
    StatementTimes {
        id: row.get(0),
        statement: words.join(" "),
        calls: number(row, 2),
        rows: number(row, 3),
        total_ns: number(row, 4),
        max_ns: number(row, 5),
    }
}

fn table(row: &Row) -> TableState {
    TableState {
        table: row.get(0),
        live_rows: number(row, 1),
        dead_rows: number(row, 2),
        bytes: number(row, 3),
        index_bytes: number(row, 4),
        vacuums: number(row, 5),
        analyzes: number(row, 6),
    }
}

fn number(row: &Row, column: usize) -> u64 {
    row.get::<_, i64>(column).unsigned_abs()
}
