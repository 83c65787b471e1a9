//! Why a run was not lived, or not to its end.

use std::io;
use std::net::SocketAddr;

use super::means::PreflightError;
use super::{AdminError, CanaryError, HookError, OpeningError, SecurityError};
use crate::scenario::file::TooNear;

/// A run that was not lived to its end.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The machine is too small for the crowd.
    #[error(transparent)]
    Preflight(#[from] PreflightError),
    /// Nobody answers at the target.
    #[error("reach the shop at {address}: {why}\nhint: is it running, and is the address right?")]
    TargetRefuses {
        /// Where it was looked for.
        address: SocketAddr,
        /// What happened instead of an answer.
        why: String,
    },
    /// Nobody answers at a host of a foreign shop.
    #[error("reach {host}: {why}\nhint: is it running, and is its address right?")]
    HostRefuses {
        /// Its URL.
        host: String,
        /// What happened instead of a connection.
        why: String,
    },
    /// A host of a foreign shop shows a certificate that is not trusted.
    #[error(
        "trust the certificate of {host}: {why}\nhint: `--cacert FILE` trusts those in FILE, its own or \
         its authority's; `-k` believes any"
    )]
    Untrusted {
        /// Its URL.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// A host of a foreign shop does not agree on TLS.
    #[error(
        "secure the connection to {host}: {why}\nhint: is it `https://` that is spoken at this port, of \
         version 1.2 or 1.3?"
    )]
    Insecure {
        /// Its URL.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// Connections cannot be secured.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The client for snapshots and ledgers cannot be had.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A foreign shop's stock cannot be restored.
    #[error(transparent)]
    Reset(#[from] HookError),
    /// The ledgers of a foreign shop or of its provider cannot be read before the run.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The canary did not show up where it had to: nothing else is sent.
    #[error(transparent)]
    Canary(#[from] CanaryError),
    /// The opening came too near while a foreign shop was made ready.
    #[error(transparent)]
    TooNear(#[from] TooNear),
    /// A load loop cannot be started or cannot go on.
    #[error("live the fans' load")]
    Load(#[source] io::Error),
    /// A load process ended before its fans did.
    #[error("live the fans of load process {number}: {why}")]
    LoadProcess {
        /// Which, from 1.
        number: usize,
        /// What it said last, or how it ended.
        why: String,
    },
    /// Evidence cannot be written.
    #[error("write down what was measured")]
    Record(#[source] io::Error),
    /// The user abandoned the run; what was written so far is on disk.
    #[error("live the run to its end: it was abandoned")]
    Abandoned,
}

/// Why a run has nothing to be judged.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// It never began: the shop or its ledgers cannot be had; a sentence.
    Begun(&'static str),
    /// Its user abandoned it.
    Abandoned,
    /// The instrument itself failed.
    Instrument,
}

impl LiveError {
    /// Why nothing was lived, or not to its end.
    pub const fn why_nothing_was_lived(&self) -> Nothing {
        match self {
            Self::TargetRefuses { .. } | Self::HostRefuses { .. } => {
                Nothing::Begun("The target refuses: nobody answers there.")
            }
            Self::Untrusted { .. } => {
                Nothing::Begun("The target's certificate is not trusted; nothing was sent.")
            }
            Self::Insecure { .. } => {
                Nothing::Begun("The target does not agree on TLS; nothing was sent.")
            }
            Self::Reset(_) => Nothing::Begun("The stock could not be restored; nothing was sent."),
            Self::Opening(_) => Nothing::Begun("A ledger cannot be read; nothing was sent."),
            Self::Canary(_) => {
                Nothing::Begun("The canary was not found; nothing was sent but its order.")
            }
            Self::TooNear(_) => Nothing::Begun(
                "The opening had come too near when the shop was ready; nothing was sent but the \
                 canary's order.",
            ),
            Self::Abandoned => Nothing::Abandoned,
            _ => Nothing::Instrument,
        }
    }
}
