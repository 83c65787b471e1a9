//! The layers of the edge, as sentences.

use serde::Serialize;

use super::digest;
use super::figure::{self, NONE};
use crate::measure::{LayerSummary, LayersSummary, Measured, Spell};
use crate::verdict::World;

/// What stands above them.
pub(super) const TITLE: &str = "The edge, layer by layer";

/// All that is told of them.
#[derive(Debug, Serialize)]
pub(super) struct LayersSheet {
    pub(super) title: &'static str,
    /// Each layer, and what became of the origin's errors, a sentence each.
    pub(super) told: Vec<String>,
}

/// The sheet of a run whose edge tells of its layers. A live edge has no points of presence: it is processes
/// with a cache each.
pub(super) fn sheet(measured: &Measured, world: World) -> Option<LayersSheet> {
    let layers = measured.layers.as_ref()?;
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    let near = match (layers.pops, world) {
        (1, _) => "one cache".to_owned(),
        (processes, World::Live) => format!("{} processes of the edge", figure::number(processes)),
        (pops, World::Simulated) => format!("{} points of presence", figure::number(pops)),
    };
    let behind = if layers.shield.is_some() { "the shield" } else { "the origin" };
    let mut told = vec![layer(&near, &layers.points, behind)];
    told.extend(layers.shield.as_ref().map(|shield| layer("the shield", shield, "the origin")));
    told.push(failures(layers, &moment));
    told.extend(layers.errors_given.as_ref().map(|given| errors(given, layers, &moment)));
    Some(LayersSheet { title: TITLE, told })
}

/// `20 points of presence: of 1,200,000 requests for pages 98.3 % were hits …; 1,203 fetches from the shield`
fn layer(who: &str, layer: &LayerSummary, behind: &str) -> String {
    let share = |ratio: Option<f64>| ratio.map_or_else(|| NONE.to_owned(), figure::ratio);
    let mut besides =
        vec![format!("{} waited for a fetch under way", figure::number(layer.collapsed))];
    for (count, what) in [(layer.stale, "stale"), (layer.errors, "answered with an error it kept")]
    {
        if count > 0 {
            besides.push(format!("{} {what}", figure::number(count)));
        }
    }
    format!(
        "{who}: of {} requests for pages {} were hits ({}); {} fetches from {behind}, so {} went no \
         further",
        figure::number(layer.asked),
        share(layer.hit_ratio),
        besides.join(", "),
        figure::number(layer.fetches),
        share(layer.offload),
    )
}

fn failures(layers: &LayersSummary, moment: &dyn Fn(f64) -> String) -> String {
    let Some(Spell { first_s, last_s, .. }) = layers.failing else {
        return "no fetch brought an error of shop.edge.error_statuses".to_owned();
    };
    let late = match layers.timeouts {
        0 => String::new(),
        late => format!(", {} of them not in time", figure::number(late)),
    };
    let again = match layers.restarts {
        0 => "none was tried again".to_owned(),
        restarts => format!("{} were tried again", figure::number(restarts)),
    };
    format!(
        "the origin failed {} fetches{late}, the first by {}, the last by {}; {again}",
        figure::number(layers.failures),
        moment(first_s),
        moment(last_s)
    )
}

fn errors(given: &Spell, layers: &LayersSummary, moment: &dyn Fn(f64) -> String) -> String {
    let longer_s = layers.failing.map_or(0.0, |failing| given.last_s - failing.last_s);
    let longer = if longer_s > 0.0 {
        format!(", {} longer than the origin failed", figure::seconds(longer_s))
    } else {
        String::new()
    };
    format!(
        "an error that was kept answered {} requests, from {} to {}{longer}",
        figure::number(given.count),
        moment(given.first_s),
        moment(given.last_s)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn both_reports_tell_of_the_layers_where_there_are_some_and_nowhere_else() {
        let mut summary = fixture::passing();
        summary.result.world = World::Simulated;
        let rendered = crate::report::render(&summary);
        assert!(!rendered.text.contains(TITLE) && !rendered.html.contains(TITLE));
        let opening_s = digest::opening_s(&summary.result.measured).unwrap();
        let spell = |count, first_s, last_s| {
            let (first_s, last_s) = (opening_s + first_s, opening_s + last_s);
            Some(Spell { count, seconds: 2, first_s, last_s })
        };
        summary.result.measured.layers = Some(LayersSummary {
            pops: 20,
            points: LayerSummary {
                asked: 200_000,
                hits: 180_000,
                stale: 0,
                collapsed: 12_000,
                errors: 7_000,
                fetches: 1_000,
                hit_ratio: Some(0.9),
                offload: Some(0.995),
            },
            shield: Some(LayerSummary { asked: 1_000, fetches: 50, ..LayerSummary::default() }),
            failures: 5,
            timeouts: 2,
            restarts: 3,
            failing: spell(5, -14.0, -13.0),
            errors_given: spell(7_000, -13.0, -3.0),
        });
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [
                "20 points of presence: of 200,000 requests for pages 90.0 % were hits (12,000 waited for a \
                 fetch under way, 7,000 answered with an error it kept); 1,000 fetches from the shield, so \
                 99.50 % went no further",
                "the shield: of 1,000 requests for pages – were hits (0 waited for a fetch under way); 50 \
                 fetches from the origin",
                "the origin failed 5 fetches, 2 of them not in time, the first by T−14 s, the last by T−13 \
                 s; 3 were tried again",
                "an error that was kept answered 7,000 requests, from T−13 s to T−3 s, 10.0 s longer than \
                 the origin failed",
            ] {
                assert!(flat.contains(told), "{told}: {flat}");
            }
        }
        let mut told_of = |pops, world| {
            let quiet = LayersSummary { pops, ..LayersSummary::default() };
            summary.result.measured.layers = Some(quiet);
            sheet(&summary.result.measured, world).unwrap().told
        };
        let told = told_of(1, World::Simulated);
        // Other answers than pages and such errors are counted by nobody.
        assert_eq!(told[1], "no fetch brought an error of shop.edge.error_statuses");
        assert!(told[0].starts_with("one cache: of 0 requests"), "{told:?}");
        let told = told_of(4, World::Live);
        assert!(told[0].starts_with("4 processes of the edge: of 0 requests"), "{told:?}");
    }
}
