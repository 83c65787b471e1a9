//! What a call is told that a limit refuses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Algorithm, Limit};

/// What a refused call is told, as written: what is left out follows from the algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wording {
    /// The answer's status; left out: 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,
    /// The error's code; left out: `rate_limit`, and of a lock `lock_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's type; left out: `invalid_request_error`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The whole body, instead of the one that the API would write. In it `{code}`, `{type}`,
    /// `{message}`, `{limit}` and `{retry_after}` \[s\] stand for what they say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// What a refused call is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The limit's name.
    pub limit: String,
    /// The answer's status.
    pub status: u16,
    /// The error's code.
    pub code: String,
    /// The error's type.
    pub kind: String,
    /// A sentence for people.
    pub message: String,
    /// The whole body, where it is not the API's own: a template.
    pub body: Option<String>,
}

impl Told {
    /// The whole body of a refusal that lasts `retry_after_s` \[s\], where it is not the API's own.
    pub fn body(&self, retry_after_s: u64) -> Option<String> {
        let filled = self.body.as_ref()?.replace("{code}", &self.code);
        let filled = filled.replace("{type}", &self.kind).replace("{message}", &self.message);
        let filled = filled.replace("{limit}", &self.limit);
        Some(filled.replace("{retry_after}", &retry_after_s.to_string()))
    }
}

impl Limit {
    /// What a call is told that this limit refuses, which is called `name`.
    pub fn told(&self, name: &str) -> Told {
        let (code, message) = match self.algorithm {
            Algorithm::ObjectLock => {
                ("lock_timeout", "Another request has been holding this object for too long.")
            }
            Algorithm::Concurrency => ("rate_limit", "Too many requests are under way at once."),
            Algorithm::PenaltyBox => {
                ("rate_limit", "Too many requests were refused: all are refused for a while.")
            }
            _ => ("rate_limit", "Too many requests came in too short a time."),
        };
        let or =
            |written: &Option<String>, word: &str| written.as_deref().unwrap_or(word).to_owned();
        Told {
            limit: name.to_owned(),
            status: self.refusal.status.unwrap_or(429),
            code: or(&self.refusal.code, code),
            kind: or(&self.refusal.kind, "invalid_request_error"),
            message: or(&self.refusal.message, message),
            body: self.refusal.body.clone(),
        }
    }
}
