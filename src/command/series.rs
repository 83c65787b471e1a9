//! Other people's series: read, kept in the run's folder as they are, and put on its timeline.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::begin::tell;
use super::folder::RunFolder;
use super::say;
use crate::evidence::series::{Calendar, FILE_MAX, Fault, Row, Sheet, read};
use crate::measure::{GapSummary, SeriesSummary, series};
use crate::scenario::Scenario;
use crate::scenario::problem::{Problem, Problems, nearest};
use crate::verdict::{Summary, Verdict, World, bare_line};

/// Where a run's folder keeps them.
const FOLDER: &str = "series";

/// What columns and keys are called.
const KNOWN: [&str; 4] = ["time", "series", "value", "text"];

/// Files that were read and are right.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(Vec<SeriesFile>);

#[derive(Clone, Debug)]
struct SeriesFile {
    from: PathBuf,
    name: String,
    bytes: Vec<u8>,
}

impl Files {
    /// Reads files; when one of them has problems, those of all are told and there is nothing.
    pub(super) fn read(paths: &[PathBuf], calendar: &Calendar) -> Option<Self> {
        let files: Vec<Option<SeriesFile>> =
            paths.iter().map(|path| SeriesFile::read(path, calendar)).collect();
        let files: Option<Vec<SeriesFile>> = files.into_iter().collect();
        let files = files.filter(|files| !is_ambiguous(files));
        if files.is_none() {
            say(&bare_line(Verdict::InvalidScenario));
        }
        files.map(Self)
    }

    /// Keeps them in the run's folder, byte by byte; one of a name that is there takes its place.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn keep(&self, run: &RunFolder) -> anyhow::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let folder = run.file(FOLDER);
        fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make the folder {}", folder.display()))?;
        for file in &self.0 {
            run.write(&format!("{FOLDER}/{}", file.name), &file.bytes)?;
        }
        Ok(())
    }

    /// Keeps what was written into them during the run, as far as it is right; of what is not, what there
    /// was at the beginning stays.
    ///
    /// # Errors
    /// As [`Files::keep`].
    pub(super) fn keep_again(&self, run: &RunFolder, calendar: &Calendar) -> anyhow::Result<()> {
        let changed = self.0.iter().filter(|file| {
            file.from.is_file() && fs::read(&file.from).is_ok_and(|bytes| bytes != file.bytes)
        });
        let changed = changed.filter_map(|file| SeriesFile::read(&file.from, calendar));
        Self(changed.collect()).keep(run)
    }
}

impl SeriesFile {
    fn read(path: &Path, calendar: &Calendar) -> Option<Self> {
        let named = path.display().to_string();
        let problems = |text: &str, list| {
            tell(&Problems::new(&named, text, list).called("a valid file of series"));
        };
        let nowhere = |message: String| problems("", vec![Problem::nowhere(message)]);
        let Some(name) = path.file_name().and_then(OsStr::to_str).map(str::to_owned) else {
            nowhere("the file's name is no text".to_owned());
            return None;
        };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                nowhere(format!("the file cannot be read: {error}"));
                return None;
            }
        };
        match read(&bytes, calendar) {
            Ok(sheet) => {
                tell_ignored(&named, &sheet);
                Some(Self { from: path.to_owned(), name, bytes })
            }
            Err(faults) => {
                // What is too large is not shown.
                let shown = &bytes[..if bytes.len() > FILE_MAX { 0 } else { bytes.len() }];
                let text = str::from_utf8(shown).unwrap_or_default();
                problems(text, faults.into_iter().map(problem).collect());
                None
            }
        }
    }
}

/// Whether two files have one name; that is told.
fn is_ambiguous(files: &[SeriesFile]) -> bool {
    let twice = files.iter().enumerate().find_map(|(place, file)| {
        let other = files[..place].iter().find(|other| other.name == file.name)?;
        Some((file, other))
    });
    if let Some((file, other)) = twice {
        let message = format!("{} has the same name, and a run keeps one", other.from.display());
        let problem = Problem::nowhere(message).hint("rename one of them");
        let named = file.from.display().to_string();
        tell(&Problems::new(&named, "", vec![problem]).called("a valid file of series"));
    }
    twice.is_some()
}

fn problem(fault: Fault) -> Problem {
    let Fault { span, message, hint } = fault;
    match span {
        Some(span) => Problem::at(span, message),
        None => Problem::nowhere(message),
    }
    .hint(hint)
}

/// Says which columns mean nothing here: one of them may be a slip of the pen.
fn tell_ignored(named: &str, sheet: &Sheet) {
    if sheet.ignored.is_empty() {
        return;
    }
    let ignored: Vec<String> = sheet.ignored.iter().map(|name| format!("`{name}`")).collect();
    let meant = sheet.ignored.iter().find_map(|name| nearest(name, KNOWN));
    let hint = meant.map_or_else(String::new, |meant| format!(" (did you mean `{meant}`?)"));
    say(&format!("{named}: left out: {}{hint}", ignored.join(", ")));
}

/// What moments are held against in a run that is to begin then.
pub(super) fn calendar(scenario: &Scenario, world: World, began_utc_ns: u64) -> Calendar {
    let began_utc_ns = (world == World::Live).then_some(began_utc_ns);
    Calendar { began_utc_ns, opening_s: scenario.first_opening().seconds() }
}

/// What moments are held against in a recorded run.
pub(super) fn calendar_of(summary: &Summary) -> Calendar {
    let started_at = summary.provenance.started_at.parse::<jiff::Timestamp>().ok();
    let began_utc_ns = started_at.and_then(|at| u64::try_from(at.as_nanosecond()).ok());
    let live = summary.result.world == World::Live;
    let openings = summary.result.measured.sales.values().map(|sale| sale.opens_s);
    Calendar {
        began_utc_ns: began_utc_ns.filter(|_| live),
        opening_s: openings.reduce(f64::min).unwrap_or(0.0),
    }
}

/// What the files of a run's folder say, on its timeline, and which parts of the stack died.
///
/// # Errors
/// When a file cannot be read, or was edited and is wrong.
pub(super) fn kept(run: &RunFolder, summary: &Summary) -> anyhow::Result<Vec<SeriesSummary>> {
    let measured = &summary.result.measured;
    let mut rows = rows_kept(run, &calendar_of(summary))?;
    rows.extend(measured.gaps.iter().flat_map(GapSummary::rows));
    let ended_s = measured.timeline.last().map_or(0.0, |last| last.at_s + 1.0);
    let balancer = measured.balancer.iter();
    rows.extend(balancer.flat_map(|balancer| balancer.rows(&measured.timeline, ended_s)));
    let database = measured.database_tier.iter();
    rows.extend(database.flat_map(|database| database.rows(&measured.timeline, ended_s)));
    rows.extend(measured.tasks.iter().flat_map(|tasks| tasks.rows(ended_s)));
    Ok(series(rows, ended_s))
}

fn rows_kept(run: &RunFolder, calendar: &Calendar) -> anyhow::Result<Vec<Row>> {
    let folder = run.file(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let unread = || format!("failed to read {}", folder.display());
    let entries: Result<Vec<_>, _> = fs::read_dir(&folder).with_context(unread)?.collect();
    let mut paths: Vec<PathBuf> =
        entries.with_context(unread)?.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file() && path.extension() != Some(OsStr::new("unfinished")));
    paths.sort();
    let mut rows = Vec::new();
    for path in paths {
        let unread = || format!("failed to read {}", path.display());
        let bytes = fs::read(&path).with_context(unread)?;
        let sheet = read(&bytes, calendar).map_err(|faults| {
            let fault = faults.into_iter().next().map_or_else(String::new, |fault| fault.message);
            anyhow::anyhow!("{}: {fault}\nhint: import it again: `--series FILE`", unread())
        })?;
        rows.extend(sheet.rows);
    }
    Ok(rows)
}
