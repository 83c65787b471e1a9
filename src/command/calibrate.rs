//! `spike simulate --calibrate`: the stack's service times as a recorded live run measured them.

use std::path::Path;

use anyhow::bail;
use domain::quantiles::Quantiles;
use domain::time::{Duration, Span};
use serde_json::{Value, json};

use super::compare::Recorded;
use super::say;
use crate::measure::calibrate::{Laws, SAMPLES_MIN, Timed, laws};
use crate::measure::{BoundStatus, Limited};
use crate::scenario::Scenario;
use crate::verdict::{AssessmentStatus, Calibrated, Verdict, World};

/// The keys that take what was measured.
const MEASURED: [&str; 4] =
    ["stack.edge.service", "stack.application.service", "stack.database.service", "stack.network"];

/// A recorded live run whose times a simulated stack may take for its own.
pub(super) struct Calibration {
    path: String,
    run: Recorded,
    timed: Timed,
}

impl Calibration {
    /// Reads the folder of a live run, and warns of what makes its times longer or shorter than the shop's.
    ///
    /// # Errors
    /// All that makes its times unfit, at once.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let run = Recorded::read(path)?;
        let timed =
            Timed::new(&run.latency, &run.summary.result.measured, run.saga.reservation.clone());
        let calibration = Self { path: path.display().to_string(), run, timed };
        refuse(&calibration.path, &calibration.unfit())?;
        for doubt in calibration.doubts() {
            say(&format!("warning: {}: {doubt}", calibration.path));
        }
        Ok(calibration)
    }

    /// What makes its times fit less well than one would like.
    fn doubts(&self) -> Vec<String> {
        let judged = &self.run.summary.result;
        let mut doubts = Vec::new();
        let missed = judged.objectives.iter();
        let missed: Vec<&str> = missed
            .filter(|objective| objective.status == AssessmentStatus::Missed)
            .map(|objective| objective.text.as_str())
            .collect();
        if !missed.is_empty() {
            doubts.push(format!(
                "it missed {}; if its shop was overloaded, what waited is taken for work: fit at a load at \
                 which nobody waits",
                missed.join(", ")
            ));
        }
        // What the payment provider refuses takes none of these times.
        let full = judged.measured.at_limit.iter().filter(|limit| limit.what != Limited::Payment);
        if let Some(seconds) = full.map(|limit| limit.seconds).max() {
            doubts.push(format!(
                "a part of its shop was at 100 % in {seconds} second(s), and what waited for it is taken for \
                 work: fit at a load at which nobody waits"
            ));
        }
        if !self.run.meant.shop.edge.grace.0.is_zero() {
            doubts.push(
                "its shop.edge.grace is set: fetches for which no fan waited are taken for look-ups of fans, \
                 so that a cache's answers come out a little too short"
                    .to_owned(),
            );
        }
        doubts
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

    /// The changes to a scenario, called `file`, that give its stack the measured times, as `--set` would, where
    /// `set` is what `--set` has said already.
    ///
    /// # Errors
    /// All that they cannot be given to, and what of `set` says otherwise, at once.
    pub(super) fn changes(
        &self,
        file: &str,
        scenario: &Scenario,
        set: &[String],
    ) -> anyhow::Result<Vec<String>> {
        let misfits = self.misfits(file, scenario).into_iter().chain(in_vain(set));
        refuse(&self.path, &misfits.collect::<Vec<String>>())?;
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

/// What `--set` says of the times that were measured: the report would say that they are the run's.
fn in_vain(set: &[String]) -> Vec<String> {
    let is_measured = |key: &str| {
        MEASURED.into_iter().any(|measured| {
            key.strip_prefix(measured).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let keys = set.iter().map(|set| set.split('=').next().unwrap_or_default().trim());
    keys.filter(|key| is_measured(key))
        .map(|key| {
            format!(
                "`--set {key}` says what it has measured; leave that out, or do without --calibrate"
            )
        })
        .collect()
}

/// What a shop's times hang on, as written.
fn of_the_shop(scenario: &Scenario) -> Vec<(&'static str, Value)> {
    let shop = &scenario.shop;
    vec![
        ("storage", json!(shop.storage)),
        ("inventory", json!(shop.inventory)),
        ("reserve", json!(shop.reserve)),
        ("time_in_transaction", json!(shop.time_in_transaction)),
        ("edge.by", json!(shop.edge.by)),
        ("edge.collapse", json!(shop.edge.collapse)),
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
