//! `spike verify` and `spike report`: a recorded run again, from its files alone.

use anyhow::{Context as _, bail};

use super::begin::Begun;
use super::conclude::{Telling, conclude, tell, write_report};
use super::folder::{self, RunFolder};
use super::series;
use crate::cli::{FolderArgs, ReportArgs};
use crate::evidence::Ending;
use crate::scenario::file;
use crate::scenario::{Context, Late, Scenario};
use crate::verdict::{Summary, Verdict};

/// Judges a recorded run again.
pub(super) fn verify(args: &FolderArgs) -> anyhow::Result<Verdict> {
    let run = RunFolder::open(&args.folder)?;
    let begun: Begun = run
        .read_json(folder::PROVENANCE)?
        .with_context(|| format!("failed to read {}: it is missing", folder::PROVENANCE))?;
    let scenario = scenario(&run, &begun)?;
    conclude(&run, &scenario, &begun, &telling(args), |_| {
        Ok(run.read_json(folder::PROBES)?.unwrap_or_default())
    })
}

/// Renders a recorded run's report again, with the series that are to be imported into it.
pub(super) fn report(args: &ReportArgs) -> anyhow::Result<Verdict> {
    let ReportArgs { folder: args, series: files } = args;
    let run = RunFolder::open(&args.folder)?;
    let Some(mut summary): Option<Summary> = run.read_json(folder::SUMMARY)? else {
        bail!(
            "failed to read {}: it is missing\nhint: `spike verify {}` judges the run and writes it",
            run.file(folder::SUMMARY).display(),
            args.folder.display()
        );
    };
    if !files.is_empty() {
        let Some(files) = series::Files::read(files, &series::calendar_of(&summary)) else {
            return Ok(Verdict::InvalidScenario);
        };
        files.keep(&run)?;
        summary.result.measured.series = series::kept(&run, &summary)?;
        run.write_json(folder::SUMMARY, &summary)?;
    }
    write_report(&run, &summary)?;
    tell(&run, &summary, &telling(args))?;
    Ok(summary.result.verdict)
}

/// The scenario as the run lived it, out of the run's own copy.
pub(super) fn scenario(run: &RunFolder, begun: &Begun) -> anyhow::Result<Scenario> {
    let path = run.file(folder::SCENARIO);
    let context = Context { now_utc_ns: None, late: Late::Allowed };
    let loaded = file::recorded(&path, &context)
        .map_err(|problems| anyhow::anyhow!("failed to read {}:\n{problems}", path.display()))?;
    let ending: Option<Ending> = run.read_json(folder::ENDING)?;
    let loaded = match ending {
        Some(ending) => loaded.began_at(ending.began_utc_ns),
        None => loaded,
    };
    Ok(loaded.at_scale(Some(begun.provenance.scale), begun.world))
}

fn telling(args: &FolderArgs) -> Telling {
    Telling { json: args.json, quiet: args.quiet, junit: args.junit.clone() }
}
