//! Recorded runs, baselines and noise, from their files.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::command::compare::Recorded;
use crate::command::folder;
use crate::verdict::gate::{Baseline, Noise, Observed};

/// So far below a folder that is no run's is looked for runs: `out/01/dome/2026-11-21T23-35-21Z`.
const DEPTH_MAX: usize = 4;
/// A file of noise, which lies beside baselines and is none.
const NOISE: &str = "noise.json";

/// The runs at a path: of a run's folder, of a baseline's file, or all below any other folder, by their names.
/// What cannot be read is told, all of it.
pub(super) fn runs(path: &Path) -> Result<Vec<Observed>, Vec<String>> {
    let places = if path.is_file() || path.join(folder::SCENARIO).is_file() {
        vec![path.to_owned()]
    } else {
        places(path)
    };
    if places.is_empty() {
        return Err(vec![format!(
            "failed to read {}: it holds no run and no baseline\nhint: name a run's folder, such as \
             reports/dome/latest, a folder that holds some, or a file that --save wrote",
            path.display()
        )]);
    }
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    for place in places {
        match at(&place) {
            Ok(found) => runs.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(runs) } else { Err(problems) }
}

/// Runs' folders and baselines below a folder, by their names.
pub(super) fn places(path: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    below(path, DEPTH_MAX, &mut places);
    places
}

/// One recorded run.
pub(super) fn run(path: &Path) -> Result<Observed, String> {
    let recorded = Recorded::read(path).map_err(|error| format!("{error:#}"))?;
    let Recorded { summary, scenario, times, .. } = recorded;
    Ok(Observed::of(&path.display().to_string(), &summary, scenario, times))
}

/// A machine's noise.
pub(super) fn noise(path: &Path) -> Result<Noise, String> {
    let noise: Noise = json(path)?;
    let is_known = |share: &f64| share.is_finite() && *share >= 0.0;
    if noise.schema != 1 || noise.pairs == 0 || !noise.figures.values().all(is_known) {
        return Err(format!(
            "failed to read {}: it is no noise that this version knows\nhint: measure it again with --aa",
            path.display()
        ));
    }
    Ok(noise)
}

fn at(place: &Path) -> Result<Vec<Observed>, String> {
    if place.is_dir() {
        return run(place).map(|run| vec![run]);
    }
    let baseline: Baseline = json(place)?;
    if baseline.schema != 1 || baseline.runs.is_empty() {
        return Err(format!(
            "failed to read {}: it is no baseline that this version knows, or holds no run\nhint: record it \
             again with --save",
            place.display()
        ));
    }
    Ok(baseline.into_runs(&place.display().to_string()))
}

fn json<Content: DeserializeOwned>(path: &Path) -> Result<Content, String> {
    let failed = |why: &dyn std::fmt::Display| format!("failed to read {}: {why}", path.display());
    let text = fs::read(path).map_err(|error| failed(&error))?;
    serde_json::from_slice(&text).map_err(|error| failed(&error))
}

/// Runs' folders and baselines below a folder; links, such as `latest`, are not followed.
fn below(of: &Path, depth: usize, places: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(of).into_iter().flatten().filter_map(Result::ok);
    let mut entries: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| !path.is_symlink()).collect();
    entries.sort();
    for path in entries {
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let is_noise = path.file_name().is_some_and(|name| name == NOISE);
        if path.join(folder::SCENARIO).is_file() || (is_json && !is_noise && path.is_file()) {
            places.push(path);
        } else if path.is_dir() && depth > 1 {
            below(&path, depth - 1, places);
        }
    }
}
