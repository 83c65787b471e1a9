//! Why a run never began: one cause, in its own words, and what may cure it.

use std::error::Error;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an error's text begins to say what may cure it.
const HINT: &str = "\nhint: ";

/// Why a run never began. No secret stands in it: errors hide theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeverBegun {
    /// What could not be had, as a sentence.
    pub what: String,
    /// Why, in the words of the error: with its address.
    pub why: String,
    /// What may cure it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl NeverBegun {
    /// That `what` could not be had, for the reason that `error` and its causes say.
    pub fn of(what: &str, error: &(dyn Error + 'static)) -> Self {
        let (mut whys, mut hint) = (Vec::new(), None);
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            let (why, cure) = text.split_once(HINT).unzip();
            whys.push(why.unwrap_or(&text).replace('\n', " "));
            // The innermost knows best what is wrong.
            hint = cure.map(|cure| cure.replace('\n', " ")).or(hint);
            next = error.source();
        }
        Self { what: what.to_owned(), why: whys.join(": "), hint }
    }
}

impl fmt::Display for NeverBegun {
    /// `The stock could not be restored; nothing was sent: connect to …: connection refused.`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}.", self.what.trim_end_matches('.'), self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reach http://127.0.0.1:1\nhint: is it running?")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn the_cause_is_told_whole_and_the_hint_apart() {
        let error = Outer(std::io::Error::other("connection refused"));
        let told = NeverBegun::of("The target refuses: nobody answers there.", &error);
        assert_eq!(told.hint.as_deref(), Some("is it running?"));
        assert_eq!(
            told.to_string(),
            "The target refuses: nobody answers there: reach http://127.0.0.1:1: connection refused."
        );
    }
}
