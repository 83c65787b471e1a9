//! How every run ends: its folder is judged, the judgement is written and told.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;

use super::begin::Begun;
use super::folder::{self, RunFolder};
use super::{json, print, scratch, series};
use crate::evidence::read::Files;
use crate::report::{self, text};
use crate::scenario::target::Canary;
use crate::scenario::{Scenario, offer};
use crate::verdict::assess::Times;
use crate::verdict::probe::Probe;
use crate::verdict::{Judged, Provenance, Question, Summary, Verdict, World, junit, last_line};

/// How the judgement is told.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    /// `summary.json` on stdout instead of the text.
    pub(super) json: bool,
    /// Nothing but the verdict.
    pub(super) quiet: bool,
    /// Also as `JUnit` XML.
    pub(super) junit: Option<PathBuf>,
}

/// Judges a run's folder, writes the judgement into it and tells it. `probe` says what becomes of the run
/// with one change each.
pub(super) fn conclude(
    run: &RunFolder,
    scenario: &Scenario,
    begun: &Begun,
    telling: &Telling,
    probe: impl FnOnce(&Judged) -> anyhow::Result<Vec<Probe>>,
) -> anyhow::Result<Verdict> {
    let mut judged = judge_folder(run, scenario, begun.world)?;
    // What is lived again is the run of this folder, whatever became of the others beside it.
    judged.probes = probe(&judged)?;
    if let Some(replications) = run.read_json(folder::REPLICATIONS)? {
        judged.replicated(replications);
    }
    let mut summary = Summary { schema: 1, result: judged, provenance: begun.provenance.clone() };
    summary.result.measured.series = series::kept(run, &summary)?;
    run.write_json(folder::SUMMARY, &summary)?;
    write_report(run, &summary)?;
    tell(run, &summary, telling)?;
    Ok(summary.result.verdict)
}

/// Judges a run by the files of its folder alone.
///
/// # Errors
/// When a file cannot be read.
pub fn judge_folder(run: &RunFolder, scenario: &Scenario, world: World) -> anyhow::Result<Judged> {
    let facts = offer::facts(scenario);
    let question = Question {
        world,
        times: times(scenario, world),
        catalogue: &scenario.catalogue,
        facts: &facts,
        objectives: &scenario.objectives,
        asked: &scenario.audit,
        remarks: &remarks(scenario),
    };
    let mut files = files(run)?;
    if scenario.target.is_some() && files.opening.is_none() {
        // Nobody wrote down what there was: then it is not known, and not nothing.
        files.opening = Some(Box::new(&b"{}"[..]));
    }
    crate::verdict::judge(&question, files)
        .with_context(|| format!("failed to judge {}", run.path().display()))
}

/// Draws the report anew.
pub(super) fn write_report(run: &RunFolder, summary: &Summary) -> anyhow::Result<()> {
    let rendered = report::render(summary);
    run.write("report.html", rendered.html.as_bytes())?;
    run.write("timeline.svg", rendered.timeline_svg.as_bytes())?;
    run.write("latency.svg", rendered.latency_svg.as_bytes())?;
    run.write("sell-through.svg", rendered.sell_through_svg.as_bytes())
}

/// Tells a judgement: results on stdout, talk and the last line on stderr.
pub(super) fn tell(run: &RunFolder, summary: &Summary, telling: &Telling) -> anyhow::Result<()> {
    if let Some(path) = &telling.junit {
        let xml = junit::junit(&summary.provenance.scenario, &summary.result)
            .context("failed to write JUnit XML")?;
        std::fs::write(path, xml).with_context(|| format!("failed to write {}", path.display()))?;
    }
    if telling.json {
        print(&String::from_utf8(json::text(summary)?)?)?;
    } else if !telling.quiet {
        let stdout = std::io::stdout();
        let styled = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let colour = if styled { text::Colour::Ansi } else { text::Colour::Plain };
        print(&text::text(summary, 100, colour))?;
    }
    let mut stderr = std::io::stderr().lock();
    if !telling.quiet {
        drop(writeln!(stderr, "\nreport: {}", run.file("report.html").display()));
    }
    drop(writeln!(stderr, "{}", last_line(&summary.result)));
    Ok(())
}

/// A run's provenance with how long it took \[s\].
pub(super) fn took(provenance: &Provenance, seconds: f64) -> Provenance {
    Provenance { took_s: (seconds * 1e3).round() / 1e3, ..provenance.clone() }
}

/// What the verdict must say of the scenario, whatever it is.
fn remarks(scenario: &Scenario) -> Vec<String> {
    match scenario.target.as_deref().map(|target| &target.canary) {
        Some(Canary::None { reason }) => vec![format!("No canary was sent: {reason}.")],
        _ => Vec::new(),
    }
}

/// Simulated times mean something where the stack says how long its tiers take.
pub(super) fn times(scenario: &Scenario, world: World) -> Times {
    match (world, &scenario.stack.application) {
        (World::Simulated, None) => Times::Unmodelled,
        _ => Times::Known,
    }
}

/// The files of a run's folder; what was not written reads as empty or is absent.
pub(super) fn files(run: &RunFolder) -> anyhow::Result<Files<'static>> {
    let empty = || -> Box<dyn std::io::BufRead> { Box::new(std::io::empty()) };
    let open = |name: &str| -> anyhow::Result<Option<Box<dyn std::io::BufRead>>> {
        Ok(run.reader(name)?.map(|reader| Box::new(reader) as Box<dyn std::io::BufRead>))
    };
    Ok(Files {
        latency: open(folder::LATENCY)?.unwrap_or_else(empty),
        timeline: open(folder::TIMELINE)?.unwrap_or_else(empty),
        purchases: open(folder::PURCHASES)?.unwrap_or_else(empty),
        snapshots: open(folder::SNAPSHOTS)?.unwrap_or_else(empty),
        shop: open(folder::LEDGER_SHOP)?,
        provider: open(folder::LEDGER_PROVIDER)?,
        ending: open(folder::ENDING)?,
        opening: open(folder::OPENING)?,
        cut_short: open(folder::CUT_SHORT)?,
        sizes: run.sizes()?,
        scratch: (0..3).map_while(|_| scratch::in_folder(run.path())).collect(),
    })
}
