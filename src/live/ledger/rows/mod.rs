//! Rows of a foreign ledger: read from a database or over HTTP, each value as text.

mod http;
mod mysql;
mod postgres;
mod sqlite;
mod trust;

use std::path::PathBuf;

use domain::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Sender, channel};

use crate::live::abroad::Trust;
use crate::live::ledger::place::{FillError, Filled, Filling, Home};
use crate::scenario::target::{Kind, Rows};

/// The most rows of one question: an answer of more is no ledger of a rehearsal.
const ROWS_MAX: u64 = 10_000_000;
/// How long the answer to one question may take in all: who reads ten million rows needs a minute.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How many rows may be on their way from who reads them to who understands them.
const UNDER_WAY: usize = 1_024;

/// Where rows come from, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Source {
    place: Place,
    /// As a person may see it.
    named: Filled,
    trust: Trust,
}

#[derive(Clone, Debug)]
enum Place {
    Sqlite(PathBuf),
    Postgres,
    Mysql,
    Http,
}

/// A kind of rows, and how they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) kind: Kind,
    /// SQL, or the path of a document.
    pub(super) text: String,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// None.
    Null,
    /// Anything that can be written.
    Text(String),
    /// Something that cannot be written in one way: bytes, a list.
    Odd(&'static str),
}

/// What is heard from a source, in this order for each question: its columns, its rows, its end.
#[derive(Debug)]
pub(super) enum Heard {
    /// What its clock says \[ns of UTC\], and how far from that it may be \[ns\].
    Clock { utc_ns: u64, error_ns: u64 },
    /// The columns' names, in lower case.
    Columns(Kind, Vec<String>),
    /// A row, a value per column.
    Row(Vec<Value>),
    /// No more rows; or why not all could be had.
    End(Kind, Result<(), String>),
}

/// A source that cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be filled in.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// It is no source of rows.
    #[error(
        "read the ledger `{shown}`: it is none that is known\nhint: write sqlite://, postgres://, \
         mysql:// or http://"
    )]
    Unknown {
        /// As it is written.
        shown: String,
    },
    /// It cannot be opened.
    #[error("open the ledger `{shown}`: {why}")]
    Open {
        /// As it is written, without its password.
        shown: String,
        /// Why not.
        why: String,
    },
}

impl Source {
    /// The source that a scenario at `home` names.
    ///
    /// # Errors
    /// When a value is not known, or it is no source.
    pub(super) fn new(
        rows: &Rows,
        filling: &Filling<'_>,
        home: &Home,
    ) -> Result<Self, SourceError> {
        let (Rows::Sql { url } | Rows::Http { url }) = rows;
        let named = filling.url(url)?;
        let place = match (rows, named.text.split_once("://")) {
            (Rows::Sql { .. }, Some(("sqlite", path))) => Place::Sqlite(home.folder.join(path)),
            (Rows::Sql { .. }, Some(("postgres" | "postgresql", _))) => Place::Postgres,
            (Rows::Sql { .. }, Some(("mysql" | "mariadb", _))) => Place::Mysql,
            (Rows::Http { .. }, Some(("http" | "https", _))) => Place::Http,
            _ => return Err(SourceError::Unknown { shown: named.shown }),
        };
        Ok(Self { place, named, trust: home.trust.clone() })
    }

    /// As a person may see it.
    pub(super) fn shown(&self) -> &str {
        &self.named.shown
    }

    /// Whether it is a file here, written by a shop with this machine's clock.
    pub(super) const fn is_on_this_machine(&self) -> bool {
        matches!(self.place, Place::Sqlite(_))
    }

    /// Asks all `questions` at one moment, where the source knows moments, and tells `hear` what is
    /// heard. A question that fails does not keep the others from being answered.
    ///
    /// # Errors
    /// When nothing can be asked.
    pub(super) fn ask(
        &self,
        runtime: &Runtime,
        questions: Vec<Question>,
        hear: &mut dyn FnMut(Heard),
    ) -> Result<(), SourceError> {
        let (said, mut heard) = channel(UNDER_WAY);
        let asked = runtime.block_on(async {
            let listen = async {
                while let Some(heard) = heard.recv().await {
                    hear(self.without_secrets(heard));
                }
            };
            tokio::join!(self.answer(questions, said), listen).0
        });
        asked.map_err(|why| self.cannot_open(&why))
    }

    async fn answer(&self, questions: Vec<Question>, said: Sender<Heard>) -> Result<(), String> {
        match &self.place {
            Place::Sqlite(path) => sqlite::answer(path.clone(), questions, said).await,
            Place::Postgres => {
                postgres::answer(&self.named.text, &self.trust, questions, said).await
            }
            Place::Mysql => mysql::answer(&self.named.text, &self.trust, questions, said).await,
            Place::Http => http::answer(&self.named.text, &self.trust, questions, said).await,
        }
    }

    /// Carries out `statements`, which change what is there.
    ///
    /// # Errors
    /// When that is not possible: the database's own words.
    pub(super) fn execute(&self, runtime: &Runtime, statements: &str) -> Result<(), String> {
        let done = runtime.block_on(async {
            match &self.place {
                Place::Sqlite(path) => sqlite::execute(path, statements).await,
                Place::Postgres => {
                    postgres::execute(&self.named.text, &self.trust, statements).await
                }
                Place::Mysql => mysql::execute(&self.named.text, &self.trust, statements).await,
                Place::Http => Err("it is no database".to_owned()),
            }
        });
        done.map_err(|why| self.named.hide(&why))
    }

    fn without_secrets(&self, heard: Heard) -> Heard {
        match heard {
            Heard::End(kind, Err(why)) => Heard::End(kind, Err(self.named.hide(&why))),
            heard => heard,
        }
    }

    fn cannot_open(&self, why: &str) -> SourceError {
        SourceError::Open { shown: self.named.shown.clone(), why: self.named.hide(why) }
    }
}

/// Counts the rows of one question, and passes them on.
struct Rowing<'a> {
    said: &'a Sender<Heard>,
    rows: u64,
}

impl<'a> Rowing<'a> {
    const fn new(said: &'a Sender<Heard>) -> Self {
        Self { said, rows: 0 }
    }

    /// Passes a row on.
    ///
    /// # Errors
    /// When there are too many, or nobody listens any more.
    async fn row(&mut self, values: Vec<Value>) -> Result<(), String> {
        self.count()?;
        self.said.send(Heard::Row(values)).await.map_err(|_| "nobody listens".to_owned())
    }

    /// Passes a row on, on a thread that may wait.
    ///
    /// # Errors
    /// As [`Rowing::row`].
    fn row_blocking(&mut self, values: Vec<Value>) -> Result<(), String> {
        self.count()?;
        self.said.blocking_send(Heard::Row(values)).map_err(|_| "nobody listens".to_owned())
    }

    fn count(&mut self) -> Result<(), String> {
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(format!("it has more than {ROWS_MAX} rows"));
        }
        Ok(())
    }
}

/// Waits for the answer to one question, for as long as one may take.
async fn in_time(answer: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late()))
}

fn late() -> String {
    format!("it took longer than {} s", PATIENCE.as_secs())
}

/// A statement without the end that a person may have written.
fn one_statement(text: &str) -> &str {
    text.trim().trim_end_matches(';').trim_end()
}

/// An error with all its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    crate::live::admin::with_causes(error)
}
