//! `spike simulate --calibrate`: the stack's service times as a recorded live run measured them.

use std::path::Path;

use anyhow::bail;
use domain::quantiles::Quantiles;
use domain::time::{Duration, Span};
use serde_json::{Value, json};

use super::compare::Recorded;
use crate::measure::BoundStatus;
use crate::measure::calibrate::{Laws, SAMPLES_MIN, Timed, laws};
use crate::scenario::Scenario;
use crate::verdict::{Calibrated, Verdict, World};

/// A recorded live run whose times a simulated stack may take for its own.
pub(super) struct Calibration {
    path: String,
    run: Recorded,
    timed: Timed,
}

impl Calibration {
    /// Reads the folder of a live run.
    ///
    /// # Errors
    /// All that makes its times unfit, at once.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let run = Recorded::read(path)?;
        let timed =
            Timed::new(&run.latency, &run.summary.result.measured, run.saga.reservation.clone());
        let calibration = Self { path: path.display().to_string(), run, timed };
        refuse(&calibration.path, &calibration.unfit())?;
        Ok(calibration)
    }

    fn unfit(&self) -> Vec<String> {
        let judged = &self.run.summary.result;
        if judged.world == World::Simulated {
            return vec![
                "it was simulated, so nobody measured its times; name the folder of a live run \
                 (`spike run`)"
                    .to_owned(),
            ];
        }
        let mut problems = Vec::new();
        if matches!(judged.verdict, Verdict::Inconclusive | Verdict::Aborted | Verdict::Error) {
            let why = judged.reasons.first().map_or("nobody says why", String::as_str);
            problems.push(format!(
                "it is {}, so its times say nothing: {}; run it again, at a smaller --scale where the \
                 generator was late",
                judged.verdict.word(),
                why.trim_end_matches('.')
            ));
        }
        let bounds = judged.measured.health.iter().flat_map(|health| &health.bounds);
        let broken = bounds.filter(|(_, bound)| bound.status == BoundStatus::Broken);
        let broken: Vec<&str> = broken.map(|(name, _)| name.as_str()).collect();
        if !broken.is_empty() {
            problems.push(format!(
                "its generator was beyond its bounds ({}), so its times are not the shop's alone; run it \
                 again at a smaller --scale, or on a machine that is idle",
                broken.join(", ")
            ));
        }
        for (name, count) in self.timed.counts() {
            if count < SAMPLES_MIN {
                problems.push(format!(
                    "it holds {count} {name}, and {SAMPLES_MIN} are needed; run it at a larger --scale, \
                     or longer"
                ));
            }
        }
        problems
    }

    /// The changes to a scenario, called `file`, that give its stack the measured times, as `--set` would.
    ///
    /// # Errors
    /// All that they cannot be given to, at once.
    pub(super) fn changes(&self, file: &str, scenario: &Scenario) -> anyhow::Result<Vec<String>> {
        refuse(&self.path, &self.misfits(file, scenario))?;
        Ok(self.changed(scenario).into_iter().map(|(key, law)| format!("{key}={law}")).collect())
    }

    /// Each key of the stack that is changed, and what it becomes.
    fn changed(&self, scenario: &Scenario) -> Vec<(&'static str, String)> {
        let Laws { edge, application, database } =
            laws(&self.timed, scenario.shop.time_in_transaction.0);
        let mut changed = vec![
            ("stack.edge.service", written(&edge)),
            ("stack.application.service", written(&application)),
            ("stack.database.service", written(&database)),
        ];
        if scenario.stack.network.is_some() {
            changed.push(("stack.network", "0s".to_owned()));
        }
        changed
    }

    fn misfits(&self, file: &str, scenario: &Scenario) -> Vec<String> {
        let mut misfits = Vec::new();
        let lived = &self.run.summary.provenance.scenario;
        if *lived != scenario.name {
            misfits.push(format!(
                "it lived `{lived}`, and {file} is `{}`; calibrate each by a run of its own",
                scenario.name
            ));
        }
        let (measured, simulated) = (of_the_shop(&self.run.meant), of_the_shop(scenario));
        for ((key, measured), (_, simulated)) in measured.into_iter().zip(simulated) {
            if measured != simulated {
                misfits.push(format!(
                    "its shop.{key} is {measured}, and that of {file} is {simulated}: another shop takes \
                     other times; run it with `--set shop.{key}={simulated}`"
                ));
            }
        }
        misfits.extend(tiers_that_do_not_fit(file, scenario));
        misfits
    }

    /// What a report says of it.
    pub(super) fn told(&self) -> Calibrated {
        let from = &self.run.summary.provenance;
        Calibrated {
            by: self.path.clone(),
            started_at: from.started_at.clone(),
            seed: from.seed,
            scale: from.scale,
            counts: self.timed.counts(),
        }
    }
}

fn refuse(path: &str, problems: &[String]) -> anyhow::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    bail!("failed to calibrate by {path}:\n  {}", problems.join("\n  "))
}

/// What a shop's times hang on, as written.
fn of_the_shop(scenario: &Scenario) -> Vec<(&'static str, Value)> {
    let shop = &scenario.shop;
    vec![
        ("storage", json!(shop.storage)),
        ("inventory", json!(shop.inventory)),
        ("reserve", json!(shop.reserve)),
        ("time_in_transaction", json!(shop.time_in_transaction)),
    ]
}

/// The tiers that measured times cannot be given to, and why.
fn tiers_that_do_not_fit(file: &str, scenario: &Scenario) -> Vec<String> {
    let stack = &scenario.stack;
    let tiers = [
        ("edge", stack.edge.is_none()),
        ("application", stack.application.is_none()),
        ("database", stack.database.is_none()),
    ];
    let mut misfits = Vec::new();
    for (tier, is_missing) in tiers {
        if is_missing {
            misfits.push(format!(
                "{file} has no [stack.{tier}]: a run says how long its work takes, and not how many it \
                 serves at once; write `[stack.{tier}]` with `servers = …` and any `service`"
            ));
        }
    }
    if stack.application.as_ref().is_some_and(|tier| tier.workers.is_some()) {
        misfits.push(format!(
            "stack.application.workers of {file} makes `service` the time of a processor, which no client \
             can measure; write `servers` instead"
        ));
    }
    if stack.database.as_ref().is_some_and(|tier| tier.capacity.is_some()) {
        misfits.push(format!(
            "stack.database.capacity of {file} makes `service` the time of a processor, which no ledger \
             holds; leave it out"
        ));
    }
    misfits
}

/// A law as it is written in a scenario, to the microsecond.
fn written(law: &Quantiles) -> String {
    let lengths = Quantiles::KEYS.iter().zip(law.lengths());
    let quantiles: Vec<String> = lengths
        .map(|(key, length)| {
            let us = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
            format!("{key} = \"{}\"", Span(Duration::from_micros(us)))
        })
        .collect();
    format!("{{ {} }}", quantiles.join(", "))
}
