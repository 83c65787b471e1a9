//! The summary in a terminal: the verdict first, then what it rests on.

mod balancer;
mod beside;
mod board;
mod comparison;
mod database;
mod database_tier;
mod edge;
mod gate;
mod generator;
mod layers;
mod progress;
mod queues;
mod replications;
mod sections;
mod series;
mod table;
mod tasks;

use super::beside::answers;
use super::breaking::first_to_break;
use super::limits;
use super::queue;
use super::recovery;
use super::words::{self, Tone};
use super::{aggregated, calibrated};
use crate::verdict::Summary;

pub use board::{BOARD_COLUMNS, BOARD_LINES, Board};
pub use comparison::comparison;
pub use gate::{gate, noise};
pub use progress::progress_line;

/// Whether text is coloured. Colour repeats what symbols and words say already.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Text alone.
    #[default]
    Plain,
    /// With the escape sequences of a terminal (ECMA-48, SGR).
    Ansi,
}

/// The narrowest and the widest page that is laid out; other widths are taken to the nearest.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=100;

/// The summary as text of at most `width` columns (60 to 100): verdict, pieces, findings,
/// objectives, rates, operations, fans, payments, health; ends with a line break. Of a run that never
/// began: the verdict alone.
pub fn text(summary: &Summary, width: usize, colour: Colour) -> String {
    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let mut page = Page { out: String::new(), width, colour };
    verdict(&mut page, summary);
    provenance(&mut page, summary);
    if summary.result.never_begun.is_none() {
        sections::write(&mut page, &summary.result);
    }
    page.out
}

fn verdict(page: &mut Page, summary: &Summary) {
    let judged = &summary.result;
    let tone = words::verdict_tone(judged.verdict);
    page.toned(
        tone,
        "",
        &format!(
            "{} {} ({}, exit code {})",
            tone.symbol(),
            words::headline(judged.verdict),
            judged.verdict.word(),
            judged.exit_code
        ),
    );
    for finding in words::violated(judged) {
        page.wrapped("  ", &words::sentence(&words::violation(finding)));
    }
    for reason in words::further_reasons(judged) {
        page.wrapped("  ", reason);
    }
    for answer in answers(&judged.measured) {
        page.wrapped("  ", &answer);
    }
    if judged.never_begun.is_none() && !queue::without_a_sale(&judged.measured) {
        page.wrapped("  ", &first_to_break(&judged.measured));
        for sentence in limits::sentences(judged) {
            page.wrapped("  ", &sentence);
        }
        for recovery in recovery::sentences(&judged.measured) {
            page.wrapped("  ", &recovery);
        }
    }
    page.wrapped("  ", &format!("Next: {}", words::next(judged)));
}

fn provenance(page: &mut Page, summary: &Summary) {
    let from = &summary.provenance;
    page.blank();
    page.wrapped("", &format!("{}: {}", from.scenario, from.title));
    page.wrapped(
        "  ",
        &format!(
            "{}, seed {}, scale {}, {}",
            words::world(summary.result.world),
            from.seed,
            from.scale,
            words::took(from.took_s)
        ),
    );
    if let Some(of) = &from.calibrated {
        page.wrapped("  ", &calibrated::sentence(of));
    }
    if let Some(sentence) = aggregated::sentence(&summary.result.measured) {
        page.wrapped("  ", &sentence);
    }
}

/// A page that is being written.
#[derive(Debug)]
struct Page {
    out: String,
    width: usize,
    colour: Colour,
}

impl Page {
    fn blank(&mut self) {
        self.out.push('\n');
    }

    /// A section's heading, after an empty line.
    fn heading(&mut self, title: &str) {
        self.blank();
        self.painted("1", title);
    }

    /// Text in the colour of its tone, broken into lines as by [`Page::wrapped`].
    fn toned(&mut self, tone: Tone, indent: &str, text: &str) {
        let code = match tone {
            Tone::Good => "1;32",
            Tone::Bad => "1;31",
            Tone::Open => "1;33",
            Tone::Quiet => "2",
        };
        for line in table::broken(&clean(text), indent, self.width) {
            self.painted(code, &line);
        }
    }

    /// A line that is laid out already.
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Text broken into lines that start with `indent`; what continues is indented by two more.
    fn wrapped(&mut self, indent: &str, text: &str) {
        for line in table::broken(&clean(text), indent, self.width) {
            self.line(&line);
        }
    }

    fn painted(&mut self, code: &str, text: &str) {
        match self.colour {
            Colour::Plain => self.out.push_str(text),
            Colour::Ansi => {
                self.out.push_str("\u{1b}[");
                self.out.push_str(code);
                self.out.push('m');
                self.out.push_str(text);
                self.out.push_str("\u{1b}[0m");
            }
        }
        self.out.push('\n');
    }
}

/// The text without control characters: titles and witnesses come from users and from shops, and
/// must not steer the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::verdict::World;

    #[test]
    fn a_passing_run_reads_as_one() {
        insta::assert_snapshot!(text(&fixture::passing(), 100, Colour::Plain));
    }

    #[test]
    fn a_failing_run_says_what_broke_and_what_to_do() {
        insta::assert_snapshot!(text(&fixture::failing(), 80, Colour::Plain));
    }

    #[test]
    fn a_run_in_which_nothing_happened_is_told_too() {
        let mut summary = fixture::empty();
        summary.result.world = World::Simulated;
        insta::assert_snapshot!(text(&summary, 100, Colour::Plain));
    }

    #[test]
    fn money_that_was_given_back_is_told() {
        let mut summary = fixture::passing();
        let of = |summary: &Summary| text(summary, 100, Colour::Plain);
        assert!(!of(&summary).contains("given back"));
        summary.result.measured.payments.refunded = 7;
        assert!(of(&summary).contains(" voided, 7 given back; "), "{}", of(&summary));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [60, 72, 80, 100] {
            for line in text(&fixture::failing(), width, Colour::Plain).lines() {
                let columns = table::columns(line);
                assert!(columns <= width.max(80), "{columns} > {width}: {line}");
            }
        }
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let plain = text(&fixture::failing(), 100, Colour::Plain);
        let mut rest = text(&fixture::failing(), 100, Colour::Ansi);
        assert!(rest.contains("\u{1b}[1;31m"));
        while let Some(start) = rest.find('\u{1b}') {
            let end = start + rest[start..].find('m').unwrap();
            rest.replace_range(start..=end, "");
        }
        assert_eq!(rest, plain);
    }

    #[test]
    fn a_title_cannot_steer_the_terminal() {
        let mut summary = fixture::passing();
        summary.provenance.title = "\u{1b}[2Jgone".to_owned();
        assert!(!text(&summary, 100, Colour::Plain).contains('\u{1b}'));
    }
}
