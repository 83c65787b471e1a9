//! One connection: statements that are compiled once, transactions that are begun again where the
//! database ends them for another's sake.

use std::collections::HashMap;

use domain::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, SimpleQueryMessage, Statement};

use crate::inventory::postgres::counts::Counts;

/// How long a connection may take to stand.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How often a transaction is tried that others keep from being done \[A\]: at each try one of them
/// is through.
const TRIES_MAX: u32 = 20;

/// Why a transaction was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing was begun, for the database is gone.
    #[error("begin a transaction in the shop's database")]
    NotBegun(#[source] tokio_postgres::Error),
    /// The database says so, or is gone.
    #[error("ask the shop's database")]
    Database(#[from] tokio_postgres::Error),
    /// Somebody else has changed what was read.
    #[error("write what somebody else has changed meanwhile")]
    Conflict,
    /// Enough unsold rows were seen each time, and were taken each time before they were had.
    #[error("get hold of unsold rows")]
    Contended,
}

/// How a transaction ends that nothing went wrong with.
#[derive(Debug)]
pub(super) enum Ending<T> {
    Commit(T),
    RollBack(T),
}

/// What a statement is given.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// An open connection.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    prepared: HashMap<String, Statement>,
    driver: JoinHandle<()>,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers, or not in time.
    pub(super) async fn open(config: &Config) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = config.connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            // What ends the connection is told by the statement that it was needed for.
            let _ = connection.await;
        });
        Ok(Self { client, prepared: HashMap::new(), driver })
    }

    /// Whether nothing more can be asked over it.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The rows that a query finds.
    pub(super) async fn rows(
        &mut self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    /// The first row that a query finds.
    pub(super) async fn row(
        &mut self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Option<Row>, Failure> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// The number that a query finds.
    pub(super) async fn number(&mut self, sql: &str, values: Values<'_>) -> Result<i64, Failure> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query_one(&statement, values).await?.get(0))
    }

    /// How many rows a statement changes.
    pub(super) async fn change(&mut self, sql: &str, values: Values<'_>) -> Result<u64, Failure> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }

    /// The lines that a statement without values says.
    pub(super) async fn said(&mut self, sql: &str) -> Result<Vec<String>, Failure> {
        let messages = self.client.simple_query(sql).await?;
        let line = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        Ok(messages.iter().filter_map(line).collect())
    }

    /// Has the database count what this session has changed before anything else is counted: rows
    /// that are known from their statistics already would be counted twice. From `PostgreSQL` 15 on.
    pub(super) async fn count_changes_now(&mut self) -> Result<(), Failure> {
        let flush = "pg_stat_force_next_flush";
        if self.number("select count(*) from pg_proc where proname = $1", &[&flush]).await? > 0 {
            self.plain(&format!("select {flush}()")).await?;
        }
        Ok(())
    }

    /// Statements without values.
    pub(super) async fn plain(&mut self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Does `work` in one transaction, and again where the database or another's version wants it.
    ///
    /// # Errors
    /// When it was not done, or, if the connection broke, may have been.
    pub(super) async fn transact<T>(
        &mut self,
        counts: &Counts,
        work: impl AsyncFn(&mut Self) -> Result<Ending<T>, Failure>,
    ) -> Result<T, Failure> {
        let mut tries = 1;
        loop {
            match self.once(&work).await {
                Err(failure) if tries < TRIES_MAX && counts.note(&failure) => tries += 1,
                ended => return ended,
            }
        }
    }

    async fn once<T>(
        &mut self,
        work: &impl AsyncFn(&mut Self) -> Result<Ending<T>, Failure>,
    ) -> Result<T, Failure> {
        self.client.batch_execute("begin").await.map_err(Failure::NotBegun)?;
        let ending = work(self).await;
        self.end(ending).await
    }

    /// Reads with `work` what stood there at one moment.
    ///
    /// # Errors
    /// When the database says so, or is gone.
    pub(super) async fn at_one_moment<T>(
        &mut self,
        work: impl AsyncFn(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let begin = "begin isolation level repeatable read read only";
        self.client.batch_execute(begin).await.map_err(Failure::NotBegun)?;
        let ending = work(self).await.map(Ending::Commit);
        self.end(ending).await
    }

    async fn end<T>(&mut self, ending: Result<Ending<T>, Failure>) -> Result<T, Failure> {
        let ended = match ending {
            Ok(Ending::Commit(done)) => self.plain("commit").await.map(|()| done),
            Ok(Ending::RollBack(done)) => self.plain("rollback").await.map(|()| done),
            Err(failure) => Err(failure),
        };
        if ended.is_err() && !self.is_closed() {
            // A connection that breaks just now has rolled back by itself.
            let _ = self.plain("rollback").await;
        }
        ended
    }

    async fn prepared(&mut self, sql: &str) -> Result<Statement, Failure> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Whether the database ended a transaction for the sake of others, so that it may be begun again.
pub(super) fn is_passing(error: &tokio_postgres::Error) -> bool {
    let passing = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
    error.code().is_some_and(|code| passing.contains(code))
}
