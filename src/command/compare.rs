//! `spike compare`: two recorded runs side by side, from their files alone.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::begin::Begun;
use super::conclude::{files, times};
use super::folder::{self, RunFolder};
use super::{print, verify};
use crate::cli::CompareArgs;
use crate::evidence::read::{Completeness, CutShort, evidence};
use crate::measure::latency::LatencyLog;
use crate::measure::saga::{SagaTimes, saga_times};
use crate::measure::timeline::Timeline;
use crate::report::compare::{Named, told};
use crate::report::{html, text};
use crate::scenario::Scenario;
use crate::verdict::assess::Times;
use crate::verdict::compare::{Lived, compare as compared};
use crate::verdict::{Summary, Verdict};

/// Compares two runs, and tells it. What is wrong with their folders is told all at once.
pub(super) fn compare(args: &CompareArgs) -> anyhow::Result<Verdict> {
    let folders = [Some(("A", &args.a)), Some(("B", &args.b))];
    let third = args.repeat.as_ref().map(|path| ("the repeat", path));
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    for (name, path) in folders.into_iter().chain([third]).flatten() {
        match Recorded::read(path) {
            Ok(run) => runs.push(run),
            Err(error) => problems.push(format!("{name}: {error:#}").replace('\n', "\n  ")),
        }
    }
    if !problems.is_empty() {
        bail!("failed to compare:\n  {}", problems.join("\n  "));
    }
    let [a, b, rest @ ..] = &runs[..] else { bail!("failed to compare: two runs are needed") };
    let (a, b, third) = (a.named(), b.named(), rest.first().map(Recorded::named));
    let found = compared(&a.lived, &b.lived, third.as_ref().map(|third| &third.lived));
    let told = told(&found, &a, &b, third.as_ref());
    if let Some(path) = &args.html {
        let page = html::comparison(&told, (a.lived.summary, b.lived.summary));
        std::fs::write(path, page)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&told).context("failed to write JSON")?;
        print(&(json + "\n"))?;
    } else {
        let stdout = std::io::stdout();
        let styled = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let colour = if styled { text::Colour::Ansi } else { text::Colour::Plain };
        print(&text::comparison(&told, 100, colour))?;
    }
    Ok(Verdict::Pass)
}

/// A run as its folder holds it.
pub(super) struct Recorded {
    folder: String,
    pub(super) summary: Summary,
    pub(super) latency: LatencyLog,
    timeline: Timeline,
    pub(super) saga: SagaTimes,
    /// Its scenario, as it was run.
    pub(super) scenario: Value,
    pub(super) times: Times,
    /// Its scenario, as meant.
    pub(super) meant: Scenario,
}

impl Recorded {
    /// Reads a whole run; a partial or damaged one is refused, for what it lacks would be a difference.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let run = RunFolder::open(path)?;
        refuse_incomplete(&run)?;
        let begun: Begun =
            run.read_json(folder::PROVENANCE)?.context("provenance.json is missing")?;
        let summary: Summary =
            run.read_json(folder::SUMMARY)?.context("summary.json is missing")?;
        let scenario = verify::scenario(&run, &begun)?;
        let mut files = files(&run)?;
        let latency = LatencyLog::read(&mut files.latency).with_context(|| failed(path))?;
        let timeline = Timeline::read(&mut files.timeline).with_context(|| failed(path))?;
        let (evidence, completeness) =
            evidence(scenario.catalogue.clone(), &mut files).with_context(|| failed(path))?;
        if let Completeness::Damaged(damages) = completeness {
            let damages: Vec<String> = damages.iter().map(ToString::to_string).collect();
            bail!("{} is damaged: {}", path.display(), damages.join("; "));
        }
        if let Some(cause) = &summary.result.never_begun {
            bail!("{} never began: {}", path.display(), cause.what);
        }
        let saga = saga_times(&evidence);
        if let Some(error) = evidence.lost() {
            bail!("failed to read {}: what was put aside of it: {error}", path.display());
        }
        Ok(Self {
            folder: path.display().to_string(),
            saga,
            times: times(&scenario, begun.world),
            scenario: as_run(&run)?,
            summary,
            latency,
            timeline,
            meant: scenario,
        })
    }

    fn named(&self) -> Named<'_> {
        Named {
            folder: &self.folder,
            lived: Lived {
                summary: &self.summary,
                latency: &self.latency,
                timeline: &self.timeline,
                saga: &self.saga,
                scenario: &self.scenario,
                times: self.times,
            },
        }
    }
}

fn failed(path: &Path) -> String {
    format!("failed to read {}", path.display())
}

/// Refuses a run that is not all there, naming every file that it lacks.
fn refuse_incomplete(run: &RunFolder) -> anyhow::Result<()> {
    let is_missing = |name: &&str| !run.file(name).is_file();
    if is_missing(&folder::ENDING) {
        let why = match run.reader(folder::CUT_SHORT)? {
            Some(mut reader) => cut_short(&mut reader),
            None => "it was killed, or is still under way".to_owned(),
        };
        bail!(
            "{} is a partial run, without {}: {why}\nhint: what it lacks would look like a difference; \
             run it again to its end",
            run.path().display(),
            folder::ENDING
        );
    }
    let needed = [folder::PROVENANCE, folder::SUMMARY, folder::LATENCY, folder::TIMELINE];
    let missing: Vec<&str> = needed.into_iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let hint = match missing[..] {
        [folder::SUMMARY] => {
            format!("\nhint: `spike verify {}` judges the run and writes it", run.path().display())
        }
        _ => String::new(),
    };
    bail!("{} lacks {}{hint}", run.path().display(), missing.join(", "))
}

/// Why a run was cut short, in its own words.
fn cut_short(reader: &mut dyn BufRead) -> String {
    let why: Option<CutShort> = serde_json::from_reader(reader).ok();
    why.unwrap_or_default().why
}

/// The scenario as it was run, for comparison key by key.
fn as_run(run: &RunFolder) -> anyhow::Result<Value> {
    let path = run.file(folder::SCENARIO);
    let read = || format!("failed to read {}", path.display());
    let text = std::fs::read_to_string(&path).with_context(read)?;
    let table: toml::Table = text.parse().with_context(read)?;
    serde_json::to_value(table).with_context(read)
}
