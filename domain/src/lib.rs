//! The words all programs of `spike` share, and their pure instruments.
//!
//! Nothing here reads a clock, a socket, a file or a global.

pub mod database;
pub mod draw;
mod elementary;
pub mod id;
pub mod law;
pub mod limiter;
pub mod money;
pub mod outcome;
pub mod provider;
pub mod quantiles;
pub mod rate;
pub mod sampler;
pub mod shop;
pub mod time;
