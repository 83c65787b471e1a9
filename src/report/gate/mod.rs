//! What the gate says, for those who read it elsewhere: a comment on a pull request, annotations, `JUnit`, and
//! figures for github-action-benchmark. All of it from [`Gated`] alone.

mod annotations;
mod benchmark;
mod junit;
mod markdown;
pub(super) mod words;

pub use annotations::annotations;
pub use benchmark::{Bench, benchmark};
pub use junit::junit;
pub use markdown::markdown;

#[cfg(test)]
pub(super) mod fixture;
