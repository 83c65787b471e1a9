//! Recorded runs, baselines and noise, from their files.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;

use crate::command::compare::Recorded;
use crate::command::folder;
use crate::verdict::gate::{Baseline, Noise, Observed};

/// So far below a folder that is no run's is looked for runs: `reports/gate/dome/<stamp>/a/001/dome/<stamp>`, but for
/// the first two.
const DEPTH_MAX: usize = 6;
/// A file of noise, which lies beside baselines and is none.
const NOISE: &str = "noise.json";
/// The link to the last run, which lies beside that.
const LATEST: &str = "latest";

/// The runs at a path: of a run's folder, of a baseline's file, or all below any other folder, by their names.
/// What cannot be read is told, all of it.
pub(super) fn runs(path: &Path) -> Result<Vec<Observed>, Vec<String>> {
    let places = if path.is_file() || path.join(folder::SCENARIO).is_file() {
        vec![path.to_owned()]
    } else {
        places(path)?
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

/// Runs' folders and baselines below a folder, by their names; or all that could not be looked into, for behind it may
/// be a run that is worse.
pub(super) fn places(path: &Path) -> Result<Vec<PathBuf>, Vec<String>> {
    let mut found = Found::default();
    if path.exists() {
        found.look_below(path, DEPTH_MAX);
    }
    if found.problems.is_empty() { Ok(found.places) } else { Err(found.problems) }
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

/// What lies below a folder.
#[derive(Debug, Default)]
struct Found {
    places: Vec<PathBuf>,
    problems: Vec<String>,
}

impl Found {
    /// Looks for runs' folders and baselines. The link `latest` is passed over; one that is no run's is no way further.
    fn look_below(&mut self, of: &Path, depth: usize) {
        let entries = fs::read_dir(of).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
        });
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.failed(of, &error),
        };
        entries.retain(|path| !(path.is_symlink() && path.ends_with(LATEST)));
        entries.sort();
        for path in entries {
            if let Err(error) = self.look_at(&path, depth) {
                self.failed(&path, &error);
            }
        }
    }

    fn look_at(&mut self, path: &Path, depth: usize) -> io::Result<()> {
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        if !fs::metadata(path)?.is_dir() {
            self.places.extend(
                Some(path).filter(|_| is_json && !path.ends_with(NOISE)).map(PathBuf::from),
            );
        } else if path.join(folder::SCENARIO).try_exists()? {
            self.places.push(path.to_owned());
        } else if path.is_symlink() {
            return Err(io::Error::other(
                "it is a link to a folder of others; name that folder itself",
            ));
        } else if depth > 1 {
            self.look_below(path, depth - 1);
        } else {
            return Err(io::Error::other(format!(
                "it lies {DEPTH_MAX} folders deep, and farther down no run is looked for; name a folder nearer \
                 to the runs"
            )));
        }
        Ok(())
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.problems.push(format!("failed to read {}: {error}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_cannot_be_looked_into_is_told_and_never_left_out() {
        let desk = tempfile::tempdir().unwrap();
        let runs = desk.path().join("runs");
        for run in ["001", "002"] {
            fs::create_dir_all(runs.join(run)).unwrap();
            fs::write(runs.join(run).join(folder::SCENARIO), "").unwrap();
        }
        fs::write(runs.join("kept.json"), "{}").unwrap();
        fs::write(runs.join(NOISE), "{}").unwrap();
        symlink("002", runs.join(LATEST)).unwrap();
        let found: Vec<PathBuf> = ["001", "002", "kept.json"].map(|name| runs.join(name)).into();
        assert_eq!(places(&runs), Ok(found));

        // A link to itself is what nobody can look into, whoever asks.
        symlink("003", runs.join("003")).unwrap();
        symlink(desk.path(), runs.join("004")).unwrap();
        fs::create_dir_all(runs.join("a/b/c/d/e/f")).unwrap();
        let told = places(&runs).unwrap_err();
        let expected =
            ["003: ", "004: it is a link to a folder", "a/b/c/d/e/f: it lies 6 folders deep"];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            let expected = format!("failed to read {}/{expected}", runs.display());
            assert!(told.starts_with(&expected), "{expected}: {told}");
        }
        assert_eq!(places(&desk.path().join("nowhere")), Ok(Vec::new()));
    }
}
