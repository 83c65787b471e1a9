//! Aligned columns.

use super::clean;

/// On which side of its column a cell stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Rows of cells, each column as wide as its widest cell.
#[derive(Debug)]
pub(super) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

/// The widest that a row's name may be; longer names end in an ellipsis. It leaves room for five
/// figures in 100 columns.
const NAME_COLUMNS_MAX: usize = 32;

impl Table {
    /// A table whose first row is its header.
    pub(super) fn new(header: &[(&str, Side)]) -> Self {
        let titles = header.iter().map(|(title, _)| (*title).to_owned()).collect();
        let sides = header.iter().map(|(_, side)| *side).collect();
        Self { sides, rows: vec![titles] }
    }

    /// Adds a row, a cell per column; the first is its name, which is cut if it is very long.
    pub(super) fn row(&mut self, cells: &[String]) {
        debug_assert_eq!(cells.len(), self.sides.len(), "a row has a cell per column");
        let mut row: Vec<String> = cells.iter().map(|cell| clean(cell)).collect();
        if let Some(name) = row.first_mut() {
            *name = cut(name, NAME_COLUMNS_MAX);
        }
        self.rows.push(row);
    }

    /// The rows as lines, the header first, each after `indent`.
    pub(super) fn lines(&self, indent: &str) -> Vec<String> {
        let widths: Vec<usize> = (0..self.sides.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| columns(cell)).max().unwrap_or(0)
            })
            .collect();
        self.rows.iter().map(|row| laid_out(row, &self.sides, &widths, indent)).collect()
    }
}

fn laid_out(row: &[String], sides: &[Side], widths: &[usize], indent: &str) -> String {
    let mut line = indent.to_owned();
    for (place, cell) in row.iter().enumerate() {
        let side = sides.get(place).copied().unwrap_or(Side::Left);
        let width = widths.get(place).copied().unwrap_or(0);
        let padding = " ".repeat(width.saturating_sub(columns(cell)));
        if place > 0 {
            line.push_str("  ");
        }
        match side {
            Side::Left => {
                line.push_str(cell);
                line.push_str(&padding);
            }
            Side::Right => {
                line.push_str(&padding);
                line.push_str(cell);
            }
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// The text in at most `width` columns; where it is cut it ends in an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut used = 0;
    let mut text: String = text
        .chars()
        .take_while(|letter| {
            used += letter_columns(*letter);
            used < width
        })
        .collect();
    text.push('…');
    text
}

/// A space at which no line is broken: U+00A0.
pub(super) const UNBROKEN: char = '\u{a0}';

/// The text as lines of at most `width` columns that start with `indent`; what continues is
/// indented by two more. A single word that is wider stays whole.
pub(super) fn broken(text: &str, indent: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    let mut used = columns(indent);
    let mut is_empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word_columns = columns(word);
        if !is_empty && used + 1 + word_columns > width {
            lines.push(std::mem::replace(&mut line, format!("{indent}  ")));
            used = columns(&line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
            used += 1;
        }
        line.push_str(&word.replace(UNBROKEN, " "));
        used += word_columns;
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// How many columns of a terminal the text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(letter_columns).sum()
}

/// Two columns for the wide letters of East Asia and for pictures, none for what combines, else
/// one: the blocks of Unicode Standard Annex 11 that names of goods are written in.
fn letter_columns(letter: char) -> usize {
    match u32::from(letter) {
        0x0300..=0x036F | 0x200B..=0x200D | 0x3099..=0x309A | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x2_0000..=0x3_FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_in_japanese_too() {
        let mut table = Table::new(&[("item", Side::Left), ("stock", Side::Right)]);
        table.row(&["ツアーTシャツ".to_owned(), "900".to_owned()]);
        table.row(&["towel".to_owned(), "1,100".to_owned()]);

        assert_eq!(
            table.lines("  "),
            ["  item           stock", "  ツアーTシャツ    900", "  towel          1,100"]
        );
    }

    #[test]
    fn a_long_name_is_cut_and_a_control_character_is_none() {
        let mut table = Table::new(&[("item", Side::Left)]);
        table.row(&["x".repeat(200)]);
        table.row(&["\u{1b}[31mred".to_owned()]);

        let lines = table.lines("");

        assert_eq!(columns(&lines[1]), NAME_COLUMNS_MAX);
        assert_eq!(lines[2], " [31mred");
    }
}
