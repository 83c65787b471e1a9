//! The mock payment provider: stateful, rate limited, rude as the real ones, and with a ledger
//! that is true whatever its callers were told.
//!
//! It is used in three ways: as a program ([`server::run`], which is `mock-provider` and `spike
//! provider`), in a test beside the shop ([`server::Server`], or `wiremock::MockedProvider` under
//! the feature `wiremock`), and by a simulator, which calls the rules in virtual time
//! ([`rules::Provider`]).
//!
//! Begin with [`rules`]: its page has the layers of a call in their order. Then:
//!
//! - [`settings`]: what can be set, the profiles of providers that exist, and what is wrong with a
//!   setting. Pure, as the rules are; the limiters themselves are `domain::limiter`.
//! - [`server`]: sockets, files and time around the rules, and the faces that merchants speak to:
//!   the provider's own JSON, one that answers as Stripe does, and an older Japanese gateway's.
//! - `clock`: the one file that reads time.
//!
//! `server` imports `rules` and `settings`, `rules` imports `settings`, and nothing imports the
//! other way. docs/PROVIDER.md tells the merchant's side, docs/SCENARIO.md every setting.

mod clock;
pub mod rules;
pub mod server;
pub mod settings;
mod tally;

#[cfg(feature = "wiremock")]
pub use server::wiremock;
