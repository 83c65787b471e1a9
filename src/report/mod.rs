//! Draws what was measured and judged: data in, text or picture out.

pub mod chart;
mod digest;
pub mod figure;
mod invariant;
pub mod text;
mod words;

#[cfg(test)]
mod fixture;
