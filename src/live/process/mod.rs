//! Load processes: a part of the fans lives in a child process of this very binary, because one
//! process may not hold as many descriptors as the crowd has connections.
//!
//! The parent says over the child's standard input what to live, and later to stop; the child
//! hands over on its standard output what its loops hand over ([`Report`]). A child ends when its
//! standard input closes, so none outlives its parent, however that ends.

mod frame;
pub(super) mod lines;
mod parent;
mod part;
mod serve;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::live::load::Report;
use crate::live::{Settings, Target};
use crate::scenario::file::AsRun;

pub use serve::{ServeError, serve};

pub(super) use parent::{Reins, start};
pub(super) use part::{Part, Portion, parts};

/// How load processes are made.
#[derive(Clone, Debug)]
pub struct Processes {
    /// How many, at most; fewer where there are fewer fans.
    pub count: usize,
    /// The program file: `spike`, which starts its own subcommand for this.
    pub program: PathBuf,
    /// What they live.
    pub scenario: AsRun,
}

/// What a load process is told.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    /// What to live: the first word.
    Live(Box<Order>),
    /// Send nothing more and end when what is on its way has ended.
    Finish,
    /// End at once.
    Abandon,
}

/// What a load process lives.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    scenario: AsRun,
    settings: Settings,
    target: Target,
    part: Part,
}

/// What a load process says.
#[derive(Debug, Serialize, Deserialize)]
enum Heard {
    /// One of its loops hands something over.
    Report(Box<Report>),
    /// All its fans have left: the last word.
    Done,
    /// It cannot go on: the last word too.
    Failed(String),
}
