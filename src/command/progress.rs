//! Live progress: one line that changes on a terminal, one line a second elsewhere.

use std::io::{IsTerminal, Write};

use domain::time::Time;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::measure::recorder::Progress;
use crate::report::text::progress_line;
use crate::scenario::Scenario;

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
}

impl Watch {
    /// Begins to show a run's progress, unless nobody wants to see it.
    pub(super) fn begin(scenario: &Scenario, quiet: bool, lines: bool) -> Self {
        let view = if quiet {
            View::Hidden
        } else if lines || !std::io::stderr().is_terminal() {
            View::Lines
        } else {
            View::Bar(bar(scenario))
        };
        Self { opens: scenario.first_opening(), view, shown: None }
    }

    /// Shows where the run is, if it has come any further.
    pub(super) fn show(&mut self, progress: &Progress) {
        if self.shown.replace(progress.at) == Some(progress.at) {
            return;
        }
        let line = progress_line(progress, self.opens);
        match &self.view {
            View::Hidden => {}
            // Nobody is left to watch when standard error is gone.
            View::Lines => drop(writeln!(std::io::stderr().lock(), "{line}")),
            View::Bar(bar) => {
                bar.set_position(progress.at.nanos() / 1_000_000_000);
                bar.set_message(line);
            }
        }
    }

    /// Leaves the screen as it was.
    pub(super) fn end(self) {
        if let View::Bar(bar) = self.view {
            bar.finish_and_clear();
        }
    }
}

/// A bar that is full when the last sale closes; the drain is past it.
fn bar(scenario: &Scenario) -> ProgressBar {
    let closes = scenario.catalogue.sales.iter().map(|sale| sale.closes.nanos()).max();
    let bar = ProgressBar::with_draw_target(
        Some(closes.unwrap_or_default() / 1_000_000_000),
        ProgressDrawTarget::stderr(),
    );
    let style =
        ProgressStyle::with_template("{bar:12} {wide_msg}").expect("the template is well formed");
    bar.set_style(style.progress_chars("━╸─"));
    bar
}
