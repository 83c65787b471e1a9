//! What a connection to the shop is made of: the keys `[live] protocol` and `[live] tls`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What fans speak with the shop.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// HTTP/1.1: one request at a time on a connection.
    #[default]
    #[serde(rename = "http/1.1")]
    Http1,
    /// HTTP/2; without TLS by prior knowledge (RFC 9113 §3.3).
    #[serde(rename = "h2")]
    Http2,
}

impl Protocol {
    /// Its name in ALPN (RFC 7301 §6, RFC 9113 §3.1).
    pub const fn alpn(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        }
    }
}

/// Whether connections are secured, and how much of that is spared when a fan comes again.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// They are not.
    #[default]
    Off,
    /// Each connection makes a full handshake.
    Full,
    /// A fan that connects again resumes its own session, as browsers do.
    Resumed,
}

/// What a connection to the shop is made of.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// What is spoken.
    pub protocol: Protocol,
    /// Whether and how it is secured.
    pub tls: Tls,
}
