//! What becomes of the connections that fans make: what fails is evidence, as an answer is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a connection could not be made.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ConnectionFailure {
    /// The other side refused it.
    Refused,
    /// It did not stand in time: an accept queue that is full drops what knocks.
    TimedOut,
    /// The other side broke it off before it stood.
    Reset,
    /// It stood, and the TLS handshake or the protocol's own greeting failed.
    Handshake,
    /// This machine had no port left for it: the generator's own fault.
    NoPort,
    /// This process could open no further descriptor: the generator's own fault.
    NoDescriptor,
    /// Anything else: no route, no memory.
    Other,
}

impl ConnectionFailure {
    /// All failures.
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::TimedOut,
        Self::Reset,
        Self::Handshake,
        Self::NoPort,
        Self::NoDescriptor,
        Self::Other,
    ];

    /// The failure's word in files and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Reset => "reset",
            Self::Handshake => "handshake",
            Self::NoPort => "no_port",
            Self::NoDescriptor => "no_descriptor",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ConnectionFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_the_one_that_files_hold() {
        for (place, failure) in ConnectionFailure::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(failure).unwrap(), failure.word());
            assert_eq!(failure as usize, place);
        }
    }
}
