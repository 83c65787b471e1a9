//! `spike plan`: what follows from a file of prices.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::begin::{or_refuse, tell};
use super::print;
use crate::cli::PlanArgs;
use crate::plan::database::file;
use crate::scenario::problem::{Problem, Problems};
use crate::verdict::Verdict;

/// Reads prices and prints from which load on which choice costs less.
pub(super) fn plan(args: &PlanArgs) -> anyhow::Result<Verdict> {
    let prices = read(&args.prices, file::read, "a valid file of prices");
    let Some(prices) = or_refuse(prices) else { return Ok(Verdict::InvalidScenario) };
    print(&prices.text(args.mean))?;
    Ok(Verdict::Pass)
}

/// What stands in a file that is to be `what`; all that is wrong with it is told.
pub(super) fn read<T>(
    path: &Path,
    of: impl Fn(&str) -> Result<T, Vec<Problem>>,
    what: &'static str,
) -> Option<T> {
    let (text, read) = match fs::read_to_string(path) {
        Ok(text) => {
            let read = of(&text);
            (text, read)
        }
        Err(error) => {
            let problem = match error.kind() {
                ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => format!("the file cannot be read: {error}"),
            };
            (String::new(), Err(vec![Problem::nowhere(problem)]))
        }
    };
    let told = |list| tell(&Problems::new(&path.display().to_string(), &text, list).called(what));
    read.map_err(told).ok()
}
