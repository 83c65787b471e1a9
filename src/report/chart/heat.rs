//! Response times in the course of the run, as a heat map: one slow answer among a million is a cell too.

use std::collections::BTreeMap;

use super::moments::TimeAxis;
use super::panel::{Frame, Panel, Tick};
use super::reading::{Grid, GridColumn};
use super::sheet::{Caption, Ink, Sheet, drawing};
use crate::measure::{HeatColumn, HeatSummary, Measured, ROWS_PER_DECADE, row_begins_ms};
use crate::report::{digest, figure};
use crate::verdict::Summary;

/// How many operations have a panel: of the others, tables tell.
const OPERATIONS_MAX: usize = 2;
/// What fans wait for before anything else.
const FIRST: [&str; 2] = ["reload", "checkout"];
/// From one answer to the most of any cell, in equal steps of the logarithm.
const SHADES: [f64; 6] = [0.14, 0.26, 0.4, 0.56, 0.76, 1.0];
/// The rows that begin at twice and five times a power of ten.
const ROUND: [u32; 2] = [3, 7];

const WIDTH: u32 = 960;
const PANEL_HEIGHT: i32 = 150;
const PANEL_GAP: i32 = 38;
const MARGIN_ABOVE: i32 = 28;
const MARGIN_BELOW: i32 = 44;

/// Response times of the operations that fans wait for most, over time, as SVG.
pub fn heat(summary: &Summary) -> String {
    let measured = &summary.result.measured;
    let maps = maps(measured);
    let caption = Caption {
        name: "heat".to_owned(),
        title: "Response times in the course of the run".to_owned(),
        description: description(&maps),
    };
    let ends = (measured.timeline.first(), measured.timeline.last());
    let ((Some(first), Some(last)), false) = (ends, maps.is_empty()) else {
        return super::nothing(&caption);
    };
    let axis = TimeAxis::new(measured, first.at_s, last.at_s + 1.0);
    let frame = Frame { left: 68, top: 0, right: 944, bottom: PANEL_HEIGHT };
    let labels = axis.labels_height(frame);
    let top = labels + MARGIN_ABOVE;
    let panels = i32::try_from(maps.len()).unwrap_or(0);
    let height = top + panels * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + MARGIN_BELOW;
    drawing(&caption, (WIDTH, height.unsigned_abs()), |sheet| {
        for (place, map) in (0..).zip(&maps) {
            let above = top + place * (PANEL_HEIGHT + PANEL_GAP);
            let frame = Frame { top: above, bottom: above + PANEL_HEIGHT, ..frame };
            let panel = one(sheet, frame, &axis, map);
            panel.name(map.word, &map.remark(), if place == 0 { labels } else { 0 });
            if place == 0 {
                axis.labels(sheet, frame);
            }
            if place + 1 == panels {
                panel.names_below(&axis.ticks(), axis.title);
            }
        }
    })
}

/// Whether there is a heat map to draw.
pub fn tells_times(measured: &Measured) -> bool {
    !maps(measured).is_empty()
}

/// The heat map of an operation.
struct Map<'a> {
    word: &'a str,
    p99_ms: f64,
    heat: &'a HeatSummary,
    /// The lowest and the highest row with an answer.
    rows: (u32, u32),
    /// The most answers of a cell.
    most: u64,
}

/// Those of the operations that fans wait for first, then of the slowest, in the order of the funnel.
fn maps(measured: &Measured) -> Vec<Map<'_>> {
    let mut maps: Vec<(usize, Map<'_>)> = digest::operations(measured)
        .into_iter()
        .filter_map(|(word, operation)| {
            let times = operation.response_ms.filter(|times| times.max > 0.0)?;
            Map::of(word, times.p99, operation.heat.as_ref()?)
        })
        .enumerate()
        .collect();
    let order = |one: &Map<'_>, other: &Map<'_>| {
        rank(one).cmp(&rank(other)).then(other.p99_ms.total_cmp(&one.p99_ms))
    };
    maps.sort_by(|(_, one), (_, other)| order(one, other));
    maps.truncate(OPERATIONS_MAX);
    maps.sort_by_key(|(place, _)| *place);
    maps.into_iter().map(|(_, map)| map).collect()
}

fn rank(map: &Map<'_>) -> usize {
    FIRST.iter().position(|word| *word == map.word).unwrap_or(FIRST.len())
}

impl<'a> Map<'a> {
    fn of(word: &'a str, p99_ms: f64, heat: &'a HeatSummary) -> Option<Self> {
        let cells = || heat.columns.iter().flat_map(HeatColumn::cells);
        let rows = (cells().map(|(row, _)| row).min()?, cells().map(|(row, _)| row).max()?);
        let most = cells().map(|(_, count)| count).max()?;
        Some(Self { word, p99_ms, heat, rows, most })
    }

    fn remark(&self) -> String {
        let most = figure::number(self.most);
        let step = figure::number(self.heat.step_s);
        format!("response times of what was wanted in each {step} s; the fullest cell holds {most}")
    }

    /// How strong the colour of so many answers is.
    fn shade(&self, count: u64) -> usize {
        let strongest = SHADES.len() - 1;
        if count >= self.most {
            return strongest;
        }
        let part = (count.max(1) as f64).ln() / (self.most as f64).ln();
        let shade = figure::whole((part * strongest as f64).floor());
        usize::try_from(shade).unwrap_or(strongest).min(strongest - 1)
    }

    /// Areas of one shade: its row, from when to when \[s\], and which shade.
    fn areas(&self) -> Vec<Area> {
        let mut rows: BTreeMap<u32, Vec<Area>> = BTreeMap::new();
        for column in &self.heat.columns {
            let (from_s, to_s) = (column.at_s, column.at_s + self.heat.step_s);
            for (row, count) in column.cells() {
                let shade = self.shade(count);
                let areas = rows.entry(row).or_default();
                match areas.last_mut() {
                    Some(last) if last.to_s == from_s && last.shade == shade => last.to_s = to_s,
                    _ => areas.push(Area { row, from_s, to_s, shade }),
                }
            }
        }
        rows.into_values().flatten().collect()
    }

    /// What the mouse reads.
    fn grid(&self, origin_s: f64) -> Grid {
        let (first, last) = self.rows;
        let name = |row: u32| {
            let [from, to] = [row, row + 1].map(|row| figure::milliseconds(row_begins_ms(row)));
            format!("{from} to {to}")
        };
        let column = |column: &HeatColumn| {
            let below = first.saturating_sub(column.row) as usize;
            GridColumn {
                at: column.at_s as f64 - origin_s,
                row: column.row.saturating_sub(first),
                counts: column.counts.iter().skip(below).copied().collect(),
            }
        };
        Grid {
            name: self.word.to_owned(),
            step: self.heat.step_s as f64,
            rows: (first..=last).map(name).collect(),
            columns: self.heat.columns.iter().map(column).collect(),
        }
    }
}

/// A part of a row that has one shade.
#[derive(Debug, PartialEq, Eq)]
struct Area {
    row: u32,
    from_s: u64,
    to_s: u64,
    shade: usize,
}

fn one<'s, 'b>(
    sheet: &'s Sheet<'b>,
    frame: Frame,
    axis: &TimeAxis,
    map: &Map<'_>,
) -> Panel<'s, 'b> {
    let (first, last) = map.rows;
    let rows = (f64::from(first), f64::from(last + 1));
    let panel = Panel::new(sheet, frame, axis.range, rows);
    axis.ground(&panel);
    for area in map.areas() {
        let [from, to] = [area.from_s, area.to_s].map(|at_s| at_s as f64 - axis.origin_s);
        let to = to.min(axis.range.1);
        if from < to {
            let row = f64::from(area.row);
            panel.cell((from, to), (row, row + 1.0), Ink::Line(0), SHADES[area.shade]);
        }
    }
    panel.horizontal_grid(&ticks(first, last + 1));
    axis.marks(&panel);
    panel.reads_grid(axis.counts, map.grid(axis.origin_s));
    panel
}

/// The powers of ten among the rows, or, where they are few, twice and five times as much too.
fn ticks(first: u32, last: u32) -> Vec<Tick> {
    let is_wide = last - first > 2 * ROWS_PER_DECADE;
    let named = |row: &u32| match row % ROWS_PER_DECADE {
        0 => true,
        place => !is_wide && ROUND.contains(&place),
    };
    let tick = |row: u32| (f64::from(row), figure::milliseconds(row_begins_ms(row)));
    (first..=last).filter(named).map(tick).collect()
}

fn description(maps: &[Map<'_>]) -> String {
    let told = |map: &Map<'_>| {
        let slowest = map.heat.columns.iter().flat_map(HeatColumn::cells);
        let slowest: u64 =
            slowest.filter(|(row, _)| *row == map.rows.1).map(|(_, count)| count).sum();
        let [from, to] =
            [map.rows.1, map.rows.1 + 1].map(|row| figure::milliseconds(row_begins_ms(row)));
        let (word, slowest) = (map.word, figure::number(slowest));
        format!("{word}: the slowest took {from} to {to}, {slowest} of them.")
    };
    maps.iter().map(told).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn heat_of(columns: &[(u64, u32, &[u64])]) -> HeatSummary {
        let columns = columns.iter().map(|(at_s, row, counts)| HeatColumn {
            at_s: *at_s,
            row: *row,
            counts: counts.to_vec(),
        });
        HeatSummary { step_s: 2, columns: columns.collect() }
    }

    #[test]
    fn neighbours_of_one_shade_are_one_area_and_a_gap_parts_them() {
        let heat = heat_of(&[(0, 4, &[1_000, 0, 1]), (2, 4, &[1_000]), (6, 4, &[1_000])]);
        let map = Map::of("reload", 1.0, &heat).unwrap();
        assert_eq!((map.rows, map.most), ((4, 6), 1_000));
        let strongest = SHADES.len() - 1;
        let area = |row, from_s, to_s, shade| Area { row, from_s, to_s, shade };
        let expected = [area(4, 0, 4, strongest), area(4, 6, 8, strongest), area(6, 0, 2, 0)];
        assert_eq!(map.areas(), expected);
        assert!(map.shade(999) < strongest && map.shade(40) > 0);
    }

    #[test]
    fn one_slow_answer_is_a_cell_of_its_own() {
        let heat = heat_of(&[(0, 20, &[100_000]), (2, 20, &[100_000, 0, 0, 0, 0, 1])]);
        let map = Map::of("reload", 1.0, &heat).unwrap();
        assert_eq!(map.areas().len(), 2);
        assert_eq!(description(&[map]), "reload: the slowest took 3.15 ms to 4.00 ms, 1 of them.");
    }

    #[test]
    fn a_narrow_map_has_marks_between_powers_of_ten() {
        let names = |first, last| -> Vec<String> {
            ticks(first, last).into_iter().map(|tick| tick.1).collect()
        };
        assert_eq!(names(40, 50), ["100 ms", "200 ms", "500 ms", "1.00 s"]);
        assert_eq!(names(20, 50), ["1.00 ms", "10.0 ms", "100 ms", "1.00 s"]);
    }

    #[test]
    fn what_fans_wait_for_is_drawn_in_the_order_of_the_funnel() {
        let mut summary = fixture::passing();
        let words = |summary: &Summary| -> Vec<String> {
            let maps = maps(&summary.result.measured);
            maps.into_iter().map(|map| map.word.to_owned()).collect()
        };
        assert_eq!(words(&summary), ["reload", "checkout"]);
        summary.result.measured.operations.remove("reload");
        assert_eq!(words(&summary), ["cart", "checkout"]);
        assert!(heat(&summary).contains("<metadata>"));
        assert!(!tells_times(&fixture::empty().result.measured));
    }
}
