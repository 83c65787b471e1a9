//! The settings a server is started with: a file's, a profile's, or the default profile's.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Args;
use crate::settings::{Overrides, Settings, UnknownProfileError, profile};

/// The seed when none is given.
const SEED: u64 = 0;

/// A settings file: [`Settings`] with all keys, or any part of them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SettingsFile {
    seed: Option<u64>,
    #[serde(flatten)]
    overrides: Overrides,
}

/// Settings that no provider can run with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("failed to read the settings {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not JSON, or holds a key that does not exist.
    #[error("failed to understand the settings {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// There is no such profile.
    #[error(transparent)]
    Profile(#[from] UnknownProfileError),
    /// Values out of range: all of them, a line each.
    #[error("settings out of range:\n{0}")]
    Range(String),
}

/// The settings that `args` mean. A profile that was chosen says on stderr where its figures come
/// from.
pub(super) fn settings_of(args: &Args) -> Result<Settings, SettingsError> {
    let file = args.settings.as_deref().map(read).transpose()?;
    let says_provenance = file.is_none();
    let SettingsFile { seed, mut overrides } = file.unwrap_or_default();
    overrides.profile = overrides.profile.or_else(|| args.profile.clone());
    let mut settings = overrides.resolve(args.seed.or(seed).unwrap_or(SEED))?;
    args.webhooks.add_to(&mut settings);
    if says_provenance {
        eprintln!("profile {}: {}", settings.profile, profile(&settings.profile)?.provenance);
    }
    let problems: Vec<_> = settings.check().iter().map(|problem| format!("  {problem}")).collect();
    if problems.is_empty() { Ok(settings) } else { Err(SettingsError::Range(problems.join("\n"))) }
}

fn read(path: &Path) -> Result<SettingsFile, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    serde_json::from_str(&text)
        .map_err(|source| SettingsError::Parse { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::settings::{Cards, EndpointSettings};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn args(words: &[&str]) -> Args {
        Command::try_parse_from(std::iter::once(&"mock-provider").chain(words)).unwrap().args
    }

    fn from_file(text: &str, words: &[&str]) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, text).unwrap();
        settings_of(&Args { settings: Some(path), ..args(words) })
    }

    #[test]
    fn a_file_of_all_keys_means_what_it_says() {
        let settings = Overrides::default().resolve(7).unwrap().scaled(0.2);
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(from_file(&text, &[]).unwrap(), settings);
        assert_eq!(from_file(&text, &["--seed", "8"]).unwrap(), Settings { seed: 8, ..settings });
    }

    #[test]
    fn a_file_may_hold_a_part_of_the_keys() {
        let settings = from_file(r#"{ "profile": "shared-30", "cards": "drawn" }"#, &[]).unwrap();
        let profile = settings_of(&args(&["--profile", "shared-30"])).unwrap();
        assert_eq!(settings, Settings { cards: Cards::Drawn, ..profile });
    }

    #[test]
    fn webhooks_can_be_asked_for_on_the_command_line() {
        let words = ["--webhook", "http://shop.test/a,s", "--webhook", "http://127.0.0.1:1/b"];
        let told = |more: &[&str]| settings_of(&args(&[&words[..], more].concat()));
        let webhooks = told(&["--webhook-hosts", "other.test,shop.test"]).unwrap().webhooks;
        let endpoint =
            |url, secret: Option<&str>| EndpointSettings::new(url, secret.map(str::to_owned));
        let endpoints =
            [endpoint("http://shop.test/a", Some("s")), endpoint("http://127.0.0.1:1/b", None)];
        assert_eq!(webhooks.endpoints, endpoints);
        let message = told(&[]).unwrap_err().to_string();
        assert!(message.contains("webhooks.endpoints.0.url: `shop.test` is not this"), "{message}");
    }

    #[test]
    fn a_wrong_file_is_told_what_is_wrong_and_where() {
        let message = |text| {
            let error = anyhow::Error::from(from_file(text, &[]).unwrap_err());
            format!("{error:#}")
        };
        let unknown = message("{\n\"decline\": 0.1 }");
        assert!(unknown.contains("settings.json: unknown field `decline`"), "{unknown}");
        assert!(unknown.contains("line 2 column 9"), "{unknown}");
        let range = message(r#"{ "declines": 2, "limits": [{ "rate": 0 }] }"#);
        assert!(range.contains("limits.0.rate: 0") && range.contains("declines: 2"), "{range}");
        let profile = message(r#"{ "profile": "shared-3" }"#);
        assert!(profile.contains("did you mean `shared-30`"), "{profile}");
    }
}
