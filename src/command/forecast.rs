//! `spike forecast`: what sales to come will be asked for, by those that were.

use super::begin::or_refuse;
use super::plan::read;
use super::print;
use crate::cli::ForecastArgs;
use crate::plan::demand::table;
use crate::verdict::Verdict;

/// Reads a table of sales and prints what is foreseen for those that are to come.
pub(super) fn forecast(args: &ForecastArgs) -> anyhow::Result<Verdict> {
    let rows = read(&args.sales, table::read, "a valid table of sales");
    let Some(rows) = or_refuse(rows) else { return Ok(Verdict::InvalidScenario) };
    print(&table::text(&rows))?;
    Ok(Verdict::Pass)
}
