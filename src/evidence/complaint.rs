//! What fans could not understand in a foreign shop's answers, or could not say to it: counted, each
//! with one example.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most of an answer's body that an example shows \[bytes\].
const BODY_SHOWN: usize = 200;

/// Something that happened to one step again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Complaint {
    /// The step, by its name in the scenario.
    pub step: String,
    /// What happened.
    pub kind: ComplaintKind,
    /// What it is about: a name, an encoding, why a redirect was refused; or nothing.
    pub about: String,
    /// How often.
    pub count: u64,
    /// How often that left open what was meant: the operation is an error, or a guess.
    #[serde(default)]
    pub open: u64,
    /// How often the step was answered, or could not be said, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// The answer with which it happened first; absent where there was none.
    pub example: Option<Example>,
}

/// What can be wrong with a step.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ComplaintKind {
    /// An answer that was `ok` had no value for a capture: the operation is an error.
    CaptureNotFound,
    /// No rule fitted: the status decided, and a success was an error where the rules look into it.
    NoRuleFits,
    /// A redirect led where nobody is sent: the operation is an error.
    RedirectRefused,
    /// Redirects led on beyond the step's limit: the operation is an error.
    TooManyRedirects,
    /// The body was encoded, and was looked at as it came.
    EncodedBody,
    /// A template needed a value that nothing had captured: nothing was sent, and the operation is
    /// an error.
    ValueMissing,
}

/// An answer, as far as a report shows it. What was sent is not shown: it may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// Its status.
    pub status: u16,
    /// The beginning of its body; what is not printable is shown as a dot.
    pub body: String,
}

impl ComplaintKind {
    /// What happened, in a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::CaptureNotFound => "nothing to capture",
            Self::NoRuleFits => "no rule fits",
            Self::RedirectRefused => "redirect refused",
            Self::TooManyRedirects => "too many redirects",
            Self::EncodedBody => "encoded body",
            Self::ValueMissing => "no value for the template",
        }
    }

    /// What happened, and to what: `nothing to capture (order)`.
    pub fn about(self, about: &str) -> String {
        let words = self.words();
        if about.is_empty() { words.to_owned() } else { format!("{words} ({about})") }
    }
}

impl fmt::Display for Complaint {
    /// `checkout: nothing to capture (order), 12 times of 70`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.kind.about(&self.about);
        write!(formatter, "{}: {what}, {}", self.step, self.count)?;
        formatter.write_str(if self.count == 1 { " time" } else { " times" })?;
        self.of.map_or(Ok(()), |of| write!(formatter, " of {of}"))
    }
}

impl Complaint {
    /// The share of its step's answers that it left open, in \[0, 1\]; 0 where that is not known.
    pub fn share(&self) -> f64 {
        self.of.filter(|of| *of > 0).map_or(0.0, |of| self.open as f64 / of as f64)
    }
}

impl Example {
    /// What is shown of an answer.
    pub fn of(status: u16, body: &[u8]) -> Self {
        let shown = &body[..body.len().min(BODY_SHOWN)];
        let text = String::from_utf8_lossy(shown);
        let printable = |letter: char| match letter {
            '\n' | '\r' | '\t' => ' ',
            letter if letter.is_control() || letter == char::REPLACEMENT_CHARACTER => '·',
            letter => letter,
        };
        Self { status, body: text.chars().map(printable).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_short_and_printable() {
        let example = Example::of(500, b"<p>a\r\n\x1b[31mb\xff</p>");
        assert_eq!(example.body, "<p>a  ·[31mb·</p>");
        assert_eq!(Example::of(200, &[b'x'; 9_000]).body.len(), BODY_SHOWN);
    }

    #[test]
    fn a_complaint_names_step_thing_and_count() {
        let complaint = Complaint {
            step: "checkout".to_owned(),
            kind: ComplaintKind::CaptureNotFound,
            about: "order".to_owned(),
            count: 12,
            open: 12,
            of: None,
            example: None,
        };
        assert_eq!(complaint.to_string(), "checkout: nothing to capture (order), 12 times");
        let complaint = Complaint { of: Some(48), ..complaint };
        assert_eq!(complaint.to_string(), "checkout: nothing to capture (order), 12 times of 48");
        assert!((complaint.share() - 0.25).abs() < 1e-9);
    }
}
