//! How long operations took in the course of a run: counts by moment and by time taken, for a heat map.

use std::collections::BTreeMap;

use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::latency::{LatencyLog, Series};

/// How many columns a heat map has at most: wider ones last longer, and lose no answer.
const COLUMNS_MAX: u64 = 120;
/// Where the rows of the first power of ten begin \[0.1 us\]: the preferred numbers R10 of ISO 3, each about
/// 1.26 times the one before.
const ROWS: [u64; 10] = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800];
/// How many rows make a power of ten.
pub const ROWS_PER_DECADE: u32 = 10;
/// The last row, which has no end: it begins at 630 s, beyond what is measured.
const ROW_MAX: u32 = 78;
/// A second \[ns\].
const SECOND_NS: u64 = 1_000_000_000;

/// The response times of one operation over time, of those answers that enter percentiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeatSummary {
    /// How long a column lasts \[s\].
    pub step_s: u64,
    /// Those columns in which an answer was wanted that came, in the order of time.
    pub columns: Vec<HeatColumn>,
}

/// The answers that were wanted within one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeatColumn {
    /// Its beginning, from the run's beginning \[s\].
    pub at_s: u64,
    /// The row of the first count. Row 0 begins at 10 us, and ten rows make a power of ten: 10, 12.5, 16,
    /// 20, 25, 31.5, 40, 50, 63, 80, 100 …
    pub row: u32,
    /// How many answers took so long, row by row.
    pub counts: Vec<u64>,
}

impl HeatColumn {
    /// The counts that are not 0, each with its row.
    pub fn cells(&self) -> impl Iterator<Item = (u32, u64)> {
        (self.row..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }
}

/// When a row begins, which is where the one before ends \[ms\].
pub fn row_begins_ms(row: u32) -> f64 {
    tenths(row) as f64 / 1e4
}

/// When a row begins \[0.1 us\].
fn tenths(row: u32) -> u64 {
    let place = (row % ROWS_PER_DECADE) as usize;
    ROWS[place].saturating_mul(10_u64.saturating_pow(row / ROWS_PER_DECADE))
}

/// The row of a time \[us\]; what is shorter than 10 us is in the first.
fn row(us: u64) -> u32 {
    let is_begun = |row: &u32| tenths(*row) <= us.saturating_mul(10);
    (1..=ROW_MAX).take_while(is_begun).last().unwrap_or(0)
}

/// The heat map of a series; `None` where nothing was recorded of it.
pub(super) fn heat(log: &LatencyLog, series: Series, seconds: u64) -> Option<HeatSummary> {
    let step_s = seconds.div_ceil(COLUMNS_MAX).max(1);
    let mut cells: BTreeMap<u64, BTreeMap<u32, u64>> = BTreeMap::new();
    for (start, counts) in log.intervals(series) {
        let column = cells.entry(begins_s(start, step_s)).or_default();
        for (us, count) in counts {
            *column.entry(row(u64::from(*us))).or_default() += u64::from(*count);
        }
    }
    let columns: Vec<HeatColumn> =
        cells.into_iter().filter_map(|(at_s, rows)| column(at_s, &rows)).collect();
    (!columns.is_empty()).then_some(HeatSummary { step_s, columns })
}

/// When the column begins that holds an interval \[s\].
fn begins_s(start: Time, step_s: u64) -> u64 {
    start.nanos() / SECOND_NS / step_s * step_s
}

fn column(at_s: u64, rows: &BTreeMap<u32, u64>) -> Option<HeatColumn> {
    let (first, last) = (*rows.first_key_value()?.0, *rows.last_key_value()?.0);
    let counts = (first..=last).map(|row| rows.get(&row).copied().unwrap_or(0)).collect();
    Some(HeatColumn { at_s, row: first, counts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_begins_where_the_one_before_ends() {
        let begins = [0, 1, 8, 10, 20, 48, 50].map(|row| format!("{:.4}", row_begins_ms(row)));
        let expected = ["0.0100", "0.0125", "0.0630", "0.1000", "1.0000", "630.0000", "1000.0000"];
        assert_eq!(begins, expected);
        for at in 1..=ROW_MAX {
            let us = tenths(at).div_ceil(10);
            assert_eq!((row(us - 1), row(us)), (at - 1, at), "{us}");
        }
        assert_eq!((row(0), row(9), row(u64::MAX)), (0, 0, ROW_MAX));
    }

    #[test]
    fn a_column_holds_every_row_between_its_least_and_its_greatest() {
        let column = column(12, &[(3, 7), (5, 1)].into()).unwrap();
        assert_eq!((column.row, &column.counts[..]), (3, &[7, 0, 1][..]));
        assert_eq!(column.cells().collect::<Vec<_>>(), [(3, 7), (5, 1)]);
        assert_eq!(super::column(12, &BTreeMap::new()), None);
    }

    #[test]
    fn wider_columns_begin_at_whole_steps() {
        let begins =
            [0, 719, 720, 1_500].map(|at_s| begins_s(Time::from_millis(at_s * 1_000), 720));
        assert_eq!(begins, [0, 0, 720, 1_440]);
    }
}
