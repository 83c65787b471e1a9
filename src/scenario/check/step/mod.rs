//! `[[step]]`: the way through your own shop, compiled.

mod answer;
mod body;
mod flow;
mod names;
mod request;

use std::collections::BTreeMap;

use domain::outcome::Operation;

use crate::fan::route::{STAGES_MAX, Stage};
use crate::scenario::check::fans::{law, retry};
use crate::scenario::check::target::{admitted, host_of};
use crate::scenario::check::{Checker, Seen, Setting};
use crate::scenario::place::Place;
use crate::scenario::problem::Problem;
use crate::scenario::written::File;
use crate::scenario::written::step::StepTable;
use crate::step::Names;
use crate::step::funnel::{Given, Host, Step};
use crate::step::template::{Scope, TemplateError};

pub(super) use names::why_no_name;

/// The most redirects of one request: browsers give up at 20.
const REDIRECTS_MAX: u8 = 50;
/// The redirects that are followed where nothing is said.
const REDIRECTS: u8 = 10;

/// What the steps of a scenario hang on.
pub(super) struct Around<'a> {
    /// The shop itself.
    pub(super) shop: Host,
    /// Whom anything may be sent to besides.
    pub(super) allow_hosts: &'a [String],
    /// The columns of the fans' data; absent where they could not be read, and then any name may
    /// be one of them.
    pub(super) columns: Option<&'a [String]>,
    /// When and where the scenario is read.
    pub(super) setting: Setting<'a>,
}

/// The way through your own shop.
pub(super) struct Way {
    /// All names that its templates know.
    pub(super) names: Names,
    /// Those that every fan has from the beginning.
    pub(super) given: Given,
    /// Whom it speaks to; the first is the shop itself.
    pub(super) hosts: Vec<Host>,
    /// The requests of each stage.
    pub(super) calls: Vec<Vec<Step>>,
    /// The stages.
    pub(super) stages: Vec<Stage>,
}

/// Where each step stands on the way.
struct Plan<'a> {
    /// Each step's stage.
    stage_of: Vec<usize>,
    /// The stage of each name.
    by_name: BTreeMap<&'a str, usize>,
    /// Whether all steps are there: of those that were struck out nothing is known.
    is_whole: bool,
}

/// Whether an operation is the page that is reloaded.
pub(super) const fn is_page(operation: Operation) -> bool {
    matches!(operation, Operation::Reload)
}

/// What a step is.
fn operation(table: &StepTable) -> Operation {
    table.operation.unwrap_or(Operation::Other)
}

/// The way that `file`'s steps are.
pub(super) fn way(checker: &mut Checker, file: &File, root: Place<'_>, around: &Around<'_>) -> Way {
    let place = root.key("step");
    if file.step.is_empty() {
        checker.required_list(0, root, "the scenario", "step");
    }
    let known = names::known(checker, file, place, around);
    let plan = plan(file, place);
    let env = around.setting.surroundings.env;
    let is_gone = around.setting.surroundings.are_gone();
    let believed = |name: &str| env(name).or_else(|| is_gone.then(String::new));
    let scope = Scope { names: &known.names, env: &believed };
    let mut hosts = vec![around.shop.clone()];
    let (mut calls, mut stages) = (Vec::<Vec<Step>>::new(), Vec::<Stage>::new());
    let mut seen = Seen::default();
    for (index, table) in file.step.iter().enumerate() {
        let here = place.index(index);
        let name = checker.required(table.name.as_ref(), here, "`[[step]]`", "name");
        checker.identifier(&name, "step", &mut seen, here, "name");
        let host = host(checker, table, here, around, &mut hosts);
        let message = request::message(checker, table, here, &hosts[host], scope);
        let step = Step {
            name: name.into_boxed_str(),
            host,
            message,
            captures: answer::captures(checker, table, here, &known.names),
            rules: answer::rules(checker, table, here, &plan),
            redirects: redirects(checker, table, here),
        };
        if plan.stage_of[index] < stages.len() {
            beside_the_first(checker, table, here);
            calls[plan.stage_of[index]].push(step);
        } else {
            stages.push(stage(checker, table, here));
            calls.push(vec![step]);
        }
    }
    if stages.len() > STAGES_MAX {
        let count = stages.len();
        checker.wrong(place, format!("{count} steps: a fan takes at most {STAGES_MAX}"));
    }
    flow::check(checker, file, root, &plan, &known);
    Way { names: known.names, given: known.given, hosts, calls, stages }
}

/// Where each step stands: reload steps in a row are one stage.
fn plan<'a>(file: &'a File, place: Place<'_>) -> Plan<'a> {
    let mut plan =
        Plan { stage_of: Vec::new(), by_name: BTreeMap::new(), is_whole: !place.lacks_elements() };
    let mut next = 0;
    for (index, table) in file.step.iter().enumerate() {
        let goes_on =
            index > 0 && is_page(operation(table)) && is_page(operation(&file.step[index - 1]));
        let stage = if goes_on { next - 1 } else { next };
        next = stage + 1;
        plan.stage_of.push(stage);
        if let Some(name) = &table.name {
            plan.by_name.entry(name).or_insert(stage);
        }
        plan.is_whole &= !place.index(index).struck("name") && !place.index(index).struck("as");
    }
    plan
}

/// Whom a step asks, by its place among `hosts`.
fn host(
    checker: &mut Checker,
    table: &StepTable,
    here: Place<'_>,
    around: &Around<'_>,
    hosts: &mut Vec<Host>,
) -> usize {
    let Some(written) = &table.host else { return 0 };
    let place = here.key("host");
    let Some(host) = host_of(checker, written, place, "host") else { return 0 };
    admitted(checker, &host.name, around.allow_hosts, place);
    hosts.iter().position(|known| *known == host).unwrap_or_else(|| {
        hosts.push(host);
        hosts.len() - 1
    })
}

fn redirects(checker: &mut Checker, table: &StepTable, here: Place<'_>) -> u8 {
    let redirects = table.redirects.unwrap_or(REDIRECTS);
    checker.count(u32::from(redirects), (0, u32::from(REDIRECTS_MAX)), here, "redirects");
    redirects
}

/// The stage that a step is the first request of.
fn stage(checker: &mut Checker, table: &StepTable, here: Place<'_>) -> Stage {
    let chance = table.probability.unwrap_or(1.0);
    checker.chance(chance, here, "probability");
    if let Some(think) = table.think {
        law(checker, think, here, "think");
    }
    for (key, span) in [("timeout", table.timeout), ("every", table.every)] {
        if let Some(span) = span {
            checker.lasting(span.0, here, key);
        }
    }
    if let Some(written) = &table.retry {
        retry(checker, written, here.key("retry"));
    }
    Stage {
        operation: operation(table),
        chance,
        think: table.think,
        timeout: table.timeout.map(|span| span.0),
        retry: table.retry.clone(),
        every: table.every.map(|span| span.0),
        not_before: None,
    }
}

/// What is said of a reload as a whole stands at its first step.
fn beside_the_first(checker: &mut Checker, table: &StepTable, here: Place<'_>) {
    let written = [
        ("every", table.every.is_some()),
        ("timeout", table.timeout.is_some()),
        ("think", table.think.is_some()),
        ("probability", table.probability.is_some()),
        ("retry", table.retry.is_some()),
    ];
    for (key, _) in written.into_iter().filter(|(_, is_written)| *is_written) {
        checker
            .wrong(here.key(key), format!("`{key}` of a further request of one reload"))
            .mark("is that of the reload as a whole")
            .advise("write it at the first step of the reload");
    }
}

impl Checker {
    /// Something is wrong with the template at `place`.
    pub(super) fn template(&mut self, place: Place<'_>, error: &TemplateError) -> &mut Problem {
        match error {
            TemplateError::Unclosed { rest } => self
                .wrong(place, format!("`{rest}` has no end"))
                .advise("write `}}` after the name"),
            TemplateError::Unknown { name, hint } => self
                .wrong(place, format!("nothing is known by the name `{name}`"))
                .advise(hint.as_str()),
            TemplateError::Unset { name } => self
                .wrong(place, format!("the environment has no variable `{name}`"))
                .advise(format!("set it where `spike` is started: `{name}=… spike run …`")),
            TemplateError::Form { hole, why } => {
                self.wrong(place, format!("`{{{{{hole}}}}}` cannot be filled in: {why}"))
            }
        }
    }
}
