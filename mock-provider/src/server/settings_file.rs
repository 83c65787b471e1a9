//! The settings a server is started with: a profile, what a file says instead, and what the
//! command line sets.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use toml::Table;

use super::Args;
use crate::settings::written::{Written, set, settings_of as read_table};
use crate::settings::{
    DEFAULT, Problem, Profile, Settings, UnknownProfileError, overlay, profile, profiles,
};

/// The seed when none is given.
const SEED: u64 = 0;

/// How long a chain of profiles may be in which one extends the other: a longer one is a circle.
const CHAIN_MAX: usize = 8;

/// Settings that no provider can run with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read.
    #[error("failed to read the settings {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such profile.
    #[error(transparent)]
    Profile(#[from] UnknownProfileError),
    /// Profiles extend each other in a circle.
    #[error("the profile {} extends too many others: at most {CHAIN_MAX} in a row", path.display())]
    Circle {
        /// The last file of the chain.
        path: PathBuf,
    },
    /// What is wrong with files and values: all of it, a line each.
    #[error("the settings are wrong:\n{}", .0.join("\n"))]
    Wrong(Vec<String>),
}

/// Settings as far as they are put together.
#[derive(Default)]
struct Assembly {
    table: Table,
    /// The files that were read, the last word first.
    files: Vec<Written>,
    provenance: String,
    problems: Vec<String>,
}

/// The settings that `args` mean, in a run that begins at `began_utc_ns` \[ns of UTC\]. A profile
/// whose limits are obeyed says on stderr where its figures come from.
pub(super) fn settings_of(args: &Args, began_utc_ns: u64) -> Result<Settings, SettingsError> {
    let file = args.settings.as_deref().map(read).transpose()?;
    let mut seed = None;
    let mut word = args.profile.clone().unwrap_or_else(|| DEFAULT.to_owned());
    if let Some(file) = &file {
        seed = file.seed;
        let named = file.table.get("profile").and_then(toml::Value::as_str);
        word = named.map_or(word, str::to_owned);
    }
    let beside = args.settings.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let mut assembly = Assembly::default();
    assembly.start_from(&word, beside, CHAIN_MAX)?;
    let says_provenance = file.as_ref().is_none_or(|file| !file.gives("limits"));
    if let Some(file) = file {
        assembly.lay_over(file);
    }
    let sets = assembly.set_all(&args.set);
    let provenance = std::mem::take(&mut assembly.provenance);
    let settings = assembly.finish(&sets)?;
    if says_provenance {
        eprintln!("profile {word}: {provenance}");
    }
    let set_seed = sets.iter().any(|key| key == "seed").then_some(settings.seed);
    let seed = args.seed.or(set_seed).or(seed).unwrap_or(SEED);
    Ok(Settings { seed, profile: word, ..settings }.anchored(began_utc_ns))
}

impl Assembly {
    /// Begins with a profile of the program or of a file; `beside` is the folder that a path
    /// counts from.
    fn start_from(&mut self, word: &str, beside: &Path, left: usize) -> Result<(), SettingsError> {
        if !is_path(word) {
            let Profile { provenance, table } = profile(word)?;
            (self.provenance, self.table) = (provenance, table);
            return Ok(());
        }
        let path = beside.join(word);
        if left == 0 {
            return Err(SettingsError::Circle { path });
        }
        let file = read(&path)?;
        match &file.extends {
            Some(base) => {
                let beside = path.parent().unwrap_or(Path::new(""));
                self.start_from(base, beside, left - 1)?;
            }
            None => {
                self.problems.extend(file.lacks());
                // The rest is checked all the same.
                self.table = profile(DEFAULT)?.table;
            }
        }
        self.provenance = file.provenance.clone().unwrap_or_else(|| "not said".to_owned());
        self.lay_over(file);
        Ok(())
    }

    fn lay_over(&mut self, mut file: Written) {
        self.problems.append(&mut file.problems);
        let mut table = file.table.clone();
        table.remove("profile");
        overlay(&mut self.table, table);
        self.files.insert(0, file);
    }

    /// What the command line sets, one after the other; the keys that were set.
    fn set_all(&mut self, sets: &[String]) -> Vec<String> {
        let mut keys = Vec::new();
        for text in sets {
            match set(&mut self.table, text) {
                Ok(key) => keys.push(key),
                Err(problem) => self.problems.push(problem),
            }
        }
        keys
    }

    fn finish(mut self, sets: &[String]) -> Result<Settings, SettingsError> {
        match read_table(&self.table) {
            Ok(settings) => {
                // Instants count as such: when the run begins is known by now.
                for problem in settings.clone().anchored(0).check() {
                    self.problems.extend(self.tell(&problem, sets));
                }
                if self.problems.is_empty() {
                    return Ok(settings);
                }
            }
            Err(message) => self.problems.push(message),
        }
        Err(SettingsError::Wrong(self.problems))
    }

    /// What is wrong with a value, and where it came from; nothing if that was said.
    fn tell(&self, problem: &Problem, sets: &[String]) -> Option<String> {
        if sets.iter().any(|key| problem.key.starts_with(key.as_str())) {
            return Some(format!("--set {problem}"));
        }
        let told = self.files.iter().find_map(|file| file.tell(problem));
        let told = told.unwrap_or_else(|| problem.to_string());
        (!told.is_empty()).then_some(told)
    }
}

/// Whether a profile's name means a file.
fn is_path(word: &str) -> bool {
    word.contains('/') || has_ending(Path::new(word), "toml")
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending))
}

fn read(path: &Path) -> Result<Written, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    let name = path.display().to_string();
    let is_toml = has_ending(path, "toml");
    Ok(if is_toml { Written::toml(&name, &text) } else { Written::json(&name, &text) })
}

/// Every profile: its name, its limits in one line, and where its figures come from.
pub(super) fn list_profiles() -> String {
    let mut list = String::new();
    for name in profiles() {
        let Profile { provenance, table } = profile(name).expect("a listed profile is a profile");
        let settings = read_table(&table).expect("a test reads every profile of the program");
        let limits: Vec<_> = settings.limits.iter().map(ToString::to_string).collect();
        let limits = limits.join(", ");
        writeln!(list, "{name}\n    {limits}\n    {provenance}").expect("a text takes any letter");
    }
    list
}

#[cfg(test)]
mod tests;
