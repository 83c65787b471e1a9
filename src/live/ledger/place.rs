//! Where a ledger is: what its scenario writes, filled in, and without what nobody may read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::live::abroad::Trust;

/// The shortest secret that is looked for in what others say: shorter ones are found in any word.
const SECRET_MIN: usize = 3;

/// Where a scenario is at home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Home {
    /// What its paths count from: the folder of its file.
    pub(crate) folder: PathBuf,
    /// Whom the certificates of its servers must lead to.
    pub(crate) trust: Trust,
}

impl Home {
    /// In `folder`, on a machine that trusts so.
    pub(crate) fn of(folder: &Path, trust: Trust) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { folder: folder.to_owned(), trust }
    }
}

/// A value of the environment that is not there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FillError {
    /// It is not set.
    #[error("fill in `{{{{env.{name}}}}}`: the variable is not set\nhint: export {name}=…")]
    Unset {
        /// The variable.
        name: String,
    },
    /// A placeholder that nobody knows.
    #[error(
        "fill in `{{{{{name}}}}}`: no such value\nhint: `{{{{run}}}}` and `{{{{env.NAME}}}}` are known"
    )]
    Unknown {
        /// What stands between the braces.
        name: String,
    },
}

/// What a ledger's texts are filled in with, and what must not be told of it.
#[derive(Clone)]
pub(crate) struct Filling<'a> {
    /// The run's id.
    run: &'a str,
    /// The value of a variable of the environment.
    variable: fn(&str) -> Option<String>,
}

/// A text with its values, and how to tell of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    /// With all values: for the one who is asked.
    pub(crate) text: String,
    /// As it is written, a password replaced by stars: for people.
    pub(crate) shown: String,
    secrets: BTreeSet<String>,
}

impl std::fmt::Debug for Filled {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Filled").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl<'a> Filling<'a> {
    /// The values of the run `run` and of this process's environment.
    pub(crate) fn of(run: &'a str) -> Self {
        Self { run, variable: |name| std::env::var(name).ok() }
    }

    /// The run's id.
    pub(crate) const fn run(&self) -> &str {
        self.run
    }

    /// A text with its values.
    ///
    /// # Errors
    /// When one is not known.
    pub(crate) fn text(&self, written: &str) -> Result<Filled, FillError> {
        self.fill(written, |_, value| value)
    }

    /// A URL with its values: those within it are written so that they stay a part of it; one that
    /// it begins with is the URL, or its beginning.
    ///
    /// # Errors
    /// When one is not known.
    pub(crate) fn url(&self, written: &str) -> Result<Filled, FillError> {
        let mut filled = self.fill(written, |place, value| match place {
            0 => value,
            _ => utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string(),
        })?;
        if let Some(password) = password(&filled.text) {
            let decoded = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
            filled.secrets.extend([password.to_owned(), decoded.into_owned()]);
        }
        if let Some(password) = password(written).filter(|text| !text.starts_with("{{")) {
            filled.shown = filled.shown.replacen(&format!(":{password}@"), ":***@", 1);
        }
        Ok(filled)
    }

    fn fill(
        &self,
        written: &str,
        encoded: impl Fn(usize, String) -> String,
    ) -> Result<Filled, FillError> {
        let (mut text, mut secrets) = (String::new(), BTreeSet::new());
        let mut rest = written;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, behind)) = after.split_once("}}") else { break };
            text.push_str(before);
            let name = name.trim();
            match name.strip_prefix("env.") {
                Some(variable) => {
                    let value = (self.variable)(variable)
                        .ok_or_else(|| FillError::Unset { name: variable.to_owned() })?;
                    secrets.insert(value.clone());
                    let value = encoded(text.len(), value);
                    secrets.insert(value.clone());
                    text.push_str(&value);
                }
                None if name == "run" => text.push_str(self.run),
                None => return Err(FillError::Unknown { name: name.to_owned() }),
            }
            rest = behind;
        }
        text.push_str(rest);
        Ok(Filled { text, shown: written.to_owned(), secrets })
    }
}

impl Filled {
    /// What somebody said, without any secret that it may repeat.
    pub(crate) fn hide(&self, said: &str) -> String {
        let mut secrets: Vec<&String> =
            self.secrets.iter().filter(|secret| secret.len() >= SECRET_MIN).collect();
        // The longest first: a part of it may be another one.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(said.to_owned(), |said, secret| said.replace(secret, "***"))
    }
}

/// The password of a URL's `user:password@host`.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password).filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILLING: Filling<'static> = Filling {
        run: "mi9s4k2p",
        variable: |name| match name {
            "PASSWORD" => Some("p@ss/word".to_owned()),
            "DATABASE" => Some("postgres://me:hush%21@db/shop".to_owned()),
            _ => None,
        },
    };

    #[test]
    fn a_password_of_the_environment_stays_a_part_of_the_url_and_is_never_told() {
        let url = FILLING.url("postgres://me:{{env.PASSWORD}}@db/shop").unwrap();
        assert_eq!(url.text, "postgres://me:p%40ss%2Fword@db/shop");
        assert_eq!(url.shown, "postgres://me:{{env.PASSWORD}}@db/shop");
        assert_eq!(url.hide("no p@ss/word at p%40ss%2Fword"), "no *** at ***");
        assert!(!format!("{url:?}").contains("ss%2F"));
    }

    #[test]
    fn a_whole_url_of_the_environment_is_one() {
        let url = FILLING.url("{{env.DATABASE}}").unwrap();
        assert_eq!(url.text, "postgres://me:hush%21@db/shop");
        assert_eq!(url.hide("denied: hush! and hush%21"), "denied: *** and ***");
    }

    #[test]
    fn a_password_that_is_written_is_not_shown() {
        let url = FILLING.url("mysql://me:secret@db:3306/shop").unwrap();
        assert_eq!(url.shown, "mysql://me:***@db:3306/shop");
        assert_eq!(FILLING.url("sqlite://a:b/c.db").unwrap().shown, "sqlite://a:b/c.db");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let unset = FILLING.text("select '{{env.NOBODY}}'").unwrap_err().to_string();
        assert!(unset.contains("{{env.NOBODY}}"), "{unset}");
        assert_eq!(FILLING.text("{{fan}}"), Err(FillError::Unknown { name: "fan".to_owned() }));
        let text = FILLING.text("like '{{run}}-%' and {{ open").unwrap().text;
        assert_eq!(text, "like 'mi9s4k2p-%' and {{ open");
    }
}
