//! What the generator could have seen, and the connections it made.

use super::Page;
use super::table::{Side, Table};
use crate::measure::{ConnectionSummary, HealthSummary};
use crate::report::words::Tone;
use crate::report::{figure, trust};
use crate::verdict::World;

/// Writes the connections, where anything is known of any.
pub(super) fn connections(page: &mut Page, connections: Option<&ConnectionSummary>) {
    let Some(connections) = connections else { return };
    page.heading("Connections");
    page.wrapped("  ", &trust::connected(connections));
    let mut table = Table::new(&[
        ("", Side::Left),
        ("count", Side::Right),
        ("p50", Side::Right),
        ("p99", Side::Right),
        ("max", Side::Right),
    ]);
    let times = trust::times(connections);
    for (what, of) in &times {
        table.row(&[
            (*what).to_owned(),
            figure::number(of.count),
            figure::milliseconds(of.p50),
            figure::milliseconds(of.p99),
            figure::milliseconds(of.max),
        ]);
    }
    if !times.is_empty() {
        super::sections::table(page, &table);
    }
}

/// Writes the generator's health and its bounds.
pub(super) fn health(page: &mut Page, world: World, health: Option<&HealthSummary>) {
    page.heading("Generator");
    let Some(health) = health else {
        let text = match world {
            World::Simulated => trust::VIRTUAL,
            World::Live => trust::NOTHING_KNOWN,
        };
        return page.wrapped("  ", text);
    };
    let late = &health.lateness_ms;
    page.wrapped(
        "  ",
        &format!(
            "lateness p50 {}, p99 {}, max {}; {} of a core at its busiest second",
            figure::milliseconds(late.p50),
            figure::milliseconds(late.p99),
            figure::milliseconds(late.max),
            figure::ratio(health.cpu)
        ),
    );
    let machine = trust::machine(health);
    if !machine.is_empty() {
        page.wrapped("  ", &machine.join("; "));
    }
    bounds(page, health);
}

fn bounds(page: &mut Page, health: &HealthSummary) {
    let mut table = Table::new(&[
        ("bound", Side::Left),
        ("read", Side::Right),
        ("at most", Side::Right),
        ("", Side::Left),
    ]);
    let bounds = trust::bounds(health);
    for line in &bounds {
        let status = format!("{} {}", line.tone.symbol(), line.status);
        let cells =
            [line.what.clone().into_owned(), line.value.clone(), line.bound.clone(), status];
        table.row(&cells);
    }
    let lines = table.lines("  ");
    for (place, text) in lines.iter().enumerate().filter(|_| !bounds.is_empty()) {
        match place.checked_sub(1).map(|row| bounds[row].tone) {
            Some(Tone::Bad) => page.toned(Tone::Bad, "", text),
            _ => page.line(text),
        }
    }
}
