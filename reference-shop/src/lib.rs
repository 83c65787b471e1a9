//! The reference shop: the default system under test.
//!
//! JSON over HTTP, an edge cache in front, orders as sagas against a payment provider, stock in
//! `SQLite` or memory; and switches that break each of its promises on purpose.

pub mod clock;
pub mod inventory;
pub mod rules;
pub mod server;
pub mod settings;
