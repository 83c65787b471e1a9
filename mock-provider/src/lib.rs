//! The mock payment provider: stateful, rate limited, and with a ledger that is true whatever its
//! callers were told.

mod clock;
pub mod rules;
pub mod server;
pub mod settings;
pub mod tally;

#[cfg(feature = "wiremock")]
pub use server::wiremock;
