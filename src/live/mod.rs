//! The live world: the same fans, real sockets, real time.

mod answer;
pub mod clock;
mod http;
mod wheel;
