//! Plans: what follows from figures of one's own, before anything is rehearsed.

pub mod database;
pub mod demand;
