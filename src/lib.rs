//! `spike` rehearses the minute when everyone comes at once.
//!
//! The modules stand in floors; a file may use only what stands lower (docs/ARCHITECTURE.md).

pub mod command;

pub mod plan;

pub mod live;
pub mod sim;

pub mod report;
pub mod scenario;

pub mod telemetry;
pub mod verdict;

pub mod audit;
pub mod draft;
pub mod measure;

pub mod arrival;
pub mod device;
pub mod evidence;
pub mod fan;
pub mod step;
pub mod tier;
pub mod tracing;

pub mod cli;
