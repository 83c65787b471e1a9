//! `spike doctor`: what on this machine stands in the way of a run, before it is lived.
//!
//! The limits are read ([`reading`]), compared with what a run needs ([`examine`], pure) and told
//! ([`finding`]). With `--self-test` the generator itself is measured ([`self_test`]).

mod examine;
mod finding;
mod needs;
mod reading;
mod self_test;

use super::begin::load;
use super::{print, say};
use crate::cli::DoctorArgs;
use crate::live::clock::Clock;
use crate::live::means::Machine;
use crate::verdict::{Verdict, World, bare_line};
use domain::time::Duration;
use finding::Diagnosis;
use needs::Needs;
pub(super) use self_test::known_latency;

/// Examines this machine, for the scenario if one is named, and says what it found.
pub(super) fn doctor(args: &DoctorArgs) -> anyhow::Result<Verdict> {
    if args.self_test {
        return self_test::self_test(args);
    }
    // First of all: who counts descriptors raises their limit, and it is told from where.
    let readings = reading::read(&args.out);
    let needs = match &args.scenario {
        None => None,
        Some(path) => {
            let now = Clock::begin_in(Duration::ZERO).began_utc_ns();
            let Some(loaded) = load(path, &args.overrides, Some(now)) else {
                return Ok(Verdict::InvalidScenario);
            };
            Some(Needs::of(&loaded.at_scale(None, World::Live), &Machine::here()))
        }
    };
    let findings = examine::examine(&readings, needs.as_ref());
    let diagnosis = Diagnosis::new(readings.machine, needs, findings);
    if args.json {
        print(&(serde_json::to_string_pretty(&diagnosis)? + "\n"))?;
    } else {
        print(&diagnosis.text())?;
    }
    say(&last_line(&diagnosis));
    Ok(diagnosis.verdict)
}

fn last_line(diagnosis: &Diagnosis) -> String {
    let line = bare_line(diagnosis.verdict);
    match diagnosis.problems()[..] {
        [] => line,
        ref problems => format!("{line}: {}", problems.join(", ")),
    }
}
