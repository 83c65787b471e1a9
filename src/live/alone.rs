//! One fan alone: the canary before a storm, and whoever wants to see one walk.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use domain::law::Law;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::Item;
use domain::time::{Duration, Time};

use super::{LiveError, Settings, Stop, Target};
use super::{course, crew, reach};
use crate::arrival::{Arrive, Shape};
use crate::evidence::Complaint;
use crate::fan::Action;
use crate::live::connection::Dialer;
use crate::measure::recorder::{Recorder, Sinks};
use crate::scenario::{Population, Scenario};

/// How long one fan tries: a shop that needs longer for nobody else will not stand a storm.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it looks at a page that is not open yet.
const GAP: Duration = Duration::from_secs(1);

/// How the visit of one fan went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// How it left; absent where it was stopped.
    pub departure: Option<Departure>,
    /// What could not be understood or said.
    pub complaints: Vec<Complaint>,
}

/// The scenario of one fan of the first population, who comes at once, to a sale that is open, and
/// loses no time; it wants `item`, or what its draws say. Of the fans' data it has the last row.
pub fn scenario(of: &Scenario, item: Option<&str>) -> Scenario {
    let mut scenario = of.clone();
    scenario.populations.truncate(1);
    for sale in &mut scenario.catalogue.sales {
        (sale.opens, sale.closes) = (Time::ZERO, Time::ZERO + PATIENCE * 2);
    }
    if let Some(Population { crowd, sale, count, trace, arrive, .. }) =
        scenario.populations.first_mut()
    {
        (*count, *trace) = (1, None);
        *arrive = Arrive { shape: Shape::AtOnce, ..Arrive::default() };
        let sale = &mut scenario.catalogue.sales[*sale];
        if let Some(item) = item {
            sale.items = vec![Item { id: item.to_owned(), stock: 1, price: Amount::ZERO }];
            crowd.demand = vec![1.0];
        }
        (crowd.opens, crowd.closes) = (sale.opens, sale.closes);
        let behaviour = &mut crowd.behaviour;
        behaviour.patience = Law::Constant(PATIENCE);
        behaviour.think = Law::Constant(Duration::ZERO);
        behaviour.reload.gap = Law::Constant(GAP);
        behaviour.reload.growth = 0.0;
        behaviour.abandon = 0.0;
        behaviour.pieces = vec![1.0];
        behaviour.sold_out.leave = 1.0;
        behaviour.other_card = 0.0;
        for stage in &mut crowd.route.stages {
            stage.think = None;
        }
    }
    if let Some(target) = &mut scenario.target {
        let target = Arc::make_mut(target);
        if let Some(data) = &mut target.data {
            data.rows = data.rows.pop().into_iter().collect();
        }
    }
    scenario
}

/// The same for the canary, which must buy `item` before the opening: it takes the page once, also
/// where that says `not_open`, and leaves where a later step says so.
pub fn canary(of: &Scenario, item: &str) -> Scenario {
    let mut scenario = scenario(of, Some(item));
    let route = scenario.populations.first().map(|them| them.crowd.route.clone());
    if let (Some(target), Some(route)) = (&mut scenario.target, route) {
        let funnel = &mut Arc::make_mut(target).funnel;
        for (stage, steps) in route.stages.iter().zip(&mut funnel.stages) {
            let to = match stage.operation {
                Operation::Reload => Outcome::Ok,
                _ => Outcome::Rejected,
            };
            for step in steps {
                step.rules = step.rules.meaning(Outcome::NotOpen, to);
            }
        }
    }
    scenario
}

/// Lives the visit of the one fan of `scenario`; nothing of it is written down.
///
/// # Errors
/// When the shop cannot be reached, or the visit cannot be lived to its end.
pub fn walk(
    scenario: &Scenario,
    settings: &Settings,
    target: &Target,
    stop: &Stop,
) -> Result<Walk, LiveError> {
    let (visits, visited) = mpsc::channel();
    let settings =
        Settings { threads: 1, processes: None, visits: Some(visits), ..settings.clone() };
    let dialer = Dialer::new(target, settings.wire, &settings.sources)?;
    if let Some(abroad) = &target.abroad {
        reach(&dialer, abroad, settings.clock)?;
    }
    let course = course(scenario, &settings, target, dialer, stop);
    let began_utc_ns = settings.clock.began_utc_ns();
    let mut recorder =
        Recorder::new(nowhere(), began_utc_ns, Time::ZERO).map_err(LiveError::Record)?;
    let merged = crew::load(&course, &mut recorder, &mut None, &mut |_| {})?;
    let departures = visited.try_iter().filter_map(|visit| match visit.action {
        Action::Leave(departure) => Some(departure),
        _ => None,
    });
    Ok(Walk { departure: departures.last(), complaints: merged.complaints() })
}

fn nowhere() -> Sinks {
    Sinks {
        latency: Box::new(io::sink()),
        timeline: Box::new(io::sink()),
        purchases: Box::new(io::sink()),
        snapshots: Box::new(io::sink()),
    }
}
