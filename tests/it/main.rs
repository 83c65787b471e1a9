//! Each file is a promise (docs/PROMISES.md).

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking")]

mod allowance;
mod any_funnel;
mod bad_input;
mod balancer;
mod challenge;
mod cli;
mod counted;
mod determinism;
mod docs;
mod doctor;
mod drain;
mod edge;
mod filters;
mod floors;
mod fluid;
mod funnel_promises;
mod honest;
mod init;
mod lived;
mod lottery;
mod memory;
mod omission;
mod own_processes;
mod own_shop;
mod parts;
mod postgres;
mod problems;
mod processes;
mod program;
mod provider_page;
mod queues;
mod real_stack;
mod rehearsal;
mod rudeness;
mod sabotage;
mod scenario_files;
mod scenarios;
mod series;
mod side_by_side;
mod sometimes;
mod tasks;
mod tiny_shop;
mod twin;
mod wire;
