//! Live progress: a screen of a live run, or one line that changes, on a terminal; one line a second
//! elsewhere.

use std::io::{IsTerminal, Write};

use domain::time::Time;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::measure::recorder::Progress;
use crate::report::text::{BOARD_COLUMNS, BOARD_LINES, Board, progress_line};
use crate::scenario::Scenario;
use crate::verdict::World;

/// Shows a person how far a run is.
pub(super) struct Watch {
    opens: Time,
    view: View,
    /// Where it was when that was shown last.
    shown: Option<Time>,
}

enum View {
    Hidden,
    Lines,
    Bar(ProgressBar),
    /// A screen, which a bar without a bar draws.
    Board(ProgressBar, Box<Board>),
}

impl Watch {
    /// Begins to show a run's progress, unless nobody wants to see it.
    pub(super) fn begin(scenario: &Scenario, world: World, quiet: bool, lines: bool) -> Self {
        let view = if quiet {
            View::Hidden
        } else if lines || !std::io::stderr().is_terminal() {
            View::Lines
        } else if world == World::Live && is_large_enough() {
            View::Board(screen(), Box::new(board(scenario)))
        } else {
            View::Bar(bar(scenario))
        };
        Self { opens: scenario.first_opening(), view, shown: None }
    }

    /// Whether it shows what the last seconds were like.
    pub(super) const fn shows_recent(&self) -> bool {
        matches!(self.view, View::Board(..))
    }

    /// Shows where the run is, if it has come any further.
    pub(super) fn show(&mut self, progress: &Progress) {
        if self.shown.replace(progress.at) == Some(progress.at) {
            return;
        }
        let line = || progress_line(progress, self.opens);
        match &mut self.view {
            View::Hidden => {}
            // Nobody is left to watch when standard error is gone.
            View::Lines => drop(writeln!(std::io::stderr().lock(), "{}", line())),
            View::Bar(bar) => {
                bar.set_position(progress.at.nanos() / 1_000_000_000);
                bar.set_message(line());
            }
            View::Board(screen, board) => screen.set_message(board.lines(progress).join("\n")),
        }
    }

    /// Leaves the screen as it was.
    pub(super) fn end(self) {
        if let View::Bar(bar) | View::Board(bar, _) = self.view {
            bar.finish_and_clear();
        }
    }
}

/// Whether the terminal has room for the screen.
fn is_large_enough() -> bool {
    rustix::termios::tcgetwinsize(std::io::stderr()).is_ok_and(|size| {
        usize::from(size.ws_col) >= BOARD_COLUMNS && usize::from(size.ws_row) >= BOARD_LINES
    })
}

fn board(scenario: &Scenario) -> Board {
    Board::new(scenario.title.clone(), scenario.first_opening(), last_closing(scenario))
}

/// Lines that take each other's place.
fn screen() -> ProgressBar {
    let screen = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    screen.set_style(ProgressStyle::with_template("{msg}").expect("the template is well formed"));
    screen
}

/// When the last sale closes.
fn last_closing(scenario: &Scenario) -> Time {
    let closes = scenario.catalogue.sales.iter().map(|sale| sale.closes).max();
    closes.unwrap_or(Time::ZERO)
}

/// A bar that is full when the last sale closes; the drain is past it.
fn bar(scenario: &Scenario) -> ProgressBar {
    let whole = last_closing(scenario).nanos() / 1_000_000_000;
    let bar = ProgressBar::with_draw_target(Some(whole), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("{bar:12} {wide_msg}").expect("the template is well formed");
    bar.set_style(style.progress_chars("━╸─"));
    bar
}
