//! Readings in, findings out: pure.

mod files;
mod network;
mod time;

use super::finding::{Finding, State};
use super::needs::Needs;
use super::reading::Readings;

/// What stands in the way of a run on this machine: of the one that needs `needs`, or, where no
/// scenario is named, of one of middling size; of that one nobody has spoken, so that what it
/// lacks is a warning.
pub(super) fn examine(readings: &Readings, needs: Option<&Needs>) -> Vec<Finding> {
    let middling = Needs::middling();
    let case = Case {
        readings,
        needs: needs.unwrap_or(&middling),
        lacking: if needs.is_some() { State::Problem } else { State::Warning },
    };
    let findings = [files::findings(&case), network::findings(&case), time::findings(&case)];
    findings.into_iter().flatten().collect()
}

/// What is compared.
#[derive(Debug)]
struct Case<'a> {
    readings: &'a Readings,
    needs: &'a Needs,
    /// What it is to have less than is needed.
    lacking: State,
}

/// The why and the cure of a finding, in this order.
fn told(why: &str, cure: impl Into<String>) -> [String; 2] {
    [why.to_owned(), cure.into()]
}

/// The command that sets a kernel's parameter until the next start.
fn sysctl(name: &str, value: impl std::fmt::Display) -> String {
    format!("sudo sysctl -w {name}={value}")
}

#[cfg(test)]
mod tests;
