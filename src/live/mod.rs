//! The live world: the same fans, real sockets, real time.
//!
//! One thread per core lives its share of the fans ([`load`]); once a second they hand over what
//! they counted, which is merged and written down here. When the last fan has left, the shop is
//! left alone to finish, and the ledgers are read.

pub mod abroad;
mod admin;
pub mod alone;
mod answer;
pub mod awake;
pub mod clock;
mod connection;
mod crew;
mod dialogue;
mod drain;
pub mod export;
pub mod guard;
pub mod health;
mod http;
pub mod joined;
mod ledger;
mod lenient;
mod load;
pub mod means;
mod merge;
mod occupied;
pub mod pacing;
mod process;
mod reach;
mod ready;
mod request;
mod slab;
pub mod sleepers;
mod snapshot;
mod stop;
pub mod transcript;
mod tunnel;
mod unlived;
mod vitals;
mod wheel;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use domain::time::{Duration, Time};
use serde::{Deserialize, Serialize};

pub use admin::AdminError;
pub use connection::SecurityError;
pub use ledger::{HookError, LedgerSinks, OpeningError};
pub use process::{Processes, ServeError, serve};
pub use ready::{CanaryError, Ready, ready};
pub use stop::Stop;
pub use unlived::{LiveError, Nothing};

use crate::evidence::Ending;
use crate::fan::Visit;
use crate::measure::recorder::{Progress, Recorder};
use crate::scenario::{self, Population, Scenario, Wire};
use crate::tracing::Sampler;
use abroad::Abroad;
use admin::{Admin, with_causes};
use clock::Clock;
use connection::Dialer;
use drain::{Whom, drain, fetch_ledgers, unknown_abroad};
use guard::Limits;
use load::Course;
use means::PreflightError;
use pacing::Pacing;
use reach::{ask_reference, reach};
use request::Script;
use snapshot::Survey;
use stop::Signal;
use transcript::Spoken;

/// The longest that fans may stay after the last sale has closed, beyond the timeout of what they
/// asked last: those who were told to wait ask on. After it the load ends whatever they do.
const OVERTIME: Duration = Duration::from_mins(1);

/// Whom the fans ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where the shop listens.
    pub shop: SocketAddr,
    /// The shop's name in the field `Host`.
    pub host: String,
    /// Where the provider listens, for its ledger, if that is known.
    pub provider: Option<SocketAddr>,
    /// The file in which it keeps its ledger, if this machine has it: then that is read, also when
    /// the provider has died.
    pub provider_ledger: Option<PathBuf>,
    /// The certificates (PEM) to one of which the shop's own must lead where connections are
    /// secured; no others are trusted.
    pub certificate: Option<Vec<u8>>,
    /// The ways to a foreign shop, whose funnel the scenario says; absent: the target speaks the
    /// reference shop's interface, and what stands above is whom to ask.
    pub abroad: Option<Abroad>,
}

/// How fans share connections.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connections {
    /// Each fan has its own, kept alive until it leaves.
    PerFan,
    /// Each operation of a fan has a new one, closed as soon as the operation is over.
    PerOperation,
    /// At most so many in all; who finds none free waits, first come first served.
    Pool(usize),
}

impl From<scenario::Connections> for Connections {
    fn from(written: scenario::Connections) -> Self {
        match written {
            scenario::Connections::PerFan => Self::PerFan,
            scenario::Connections::PerOperation => Self::PerOperation,
            scenario::Connections::Pool(limit) => Self::Pool(limit as usize),
        }
    }
}

/// How a scenario is lived.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The run's clock: what is embedded was told the same beginning.
    pub clock: Clock,
    /// The run's name in a foreign shop that outlives it ([`domain::id::run_id`]).
    pub run: String,
    /// Load loops in all processes together, at least 1; usually one per core.
    pub threads: usize,
    /// How fans share connections.
    pub connections: Connections,
    /// What a connection is made of.
    pub wire: Wire,
    /// How exactly what is due is sent.
    pub pacing: Pacing,
    /// Whether this process keeps the cores awake while the load lasts.
    pub keep_awake: bool,
    /// When the run is broken off.
    pub limits: Limits,
    /// How long the shop is left alone after the load, unless it says earlier that it is at rest.
    pub drain: Duration,
    /// The local addresses that connections leave from, in turn; none: the one that the system
    /// takes.
    pub sources: Vec<IpAddr>,
    /// The load processes that the loops run in; absent: they are threads of this process.
    #[serde(skip)]
    pub processes: Option<Processes>,
    /// Where everything goes that fans say to a foreign shop and hear there; load processes keep it
    /// to themselves.
    #[serde(skip)]
    pub transcript: Option<Sender<Spoken>>,
    /// Which fans are traced; absent: requests say nothing of traces.
    pub tracing: Option<Sampler>,
    /// Where every step of every fan goes, so that it can be lived again; load processes keep
    /// their steps to themselves.
    #[serde(skip)]
    pub visits: Option<Sender<Visit>>,
}

/// Lives `scenario` against `target`, from the beginning of the clock in `settings`.
///
/// Evidence goes to `recorder` once a second and to `ledgers` at the end; `watch` is called after
/// each second. A first press of `stop` ends the sending, drains and is then judged (the ending
/// says `aborted`); a second abandons the run.
///
/// # Errors
/// When the run cannot begin or cannot be lived to its end; then there is no ending, and the run is
/// partial.
///
/// # Panics
/// When a load loop panics.
pub fn run(
    scenario: &Scenario,
    settings: &Settings,
    target: &Target,
    recorder: &mut Recorder,
    mut ledgers: LedgerSinks,
    stop: &Stop,
    watch: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Ending, LiveError> {
    check_means(scenario, settings)?;
    let dialer = Dialer::new(target, settings.wire, &settings.sources)?;
    let admin = match &target.abroad {
        Some(abroad) => {
            reach(&dialer, abroad, settings.clock)?;
            None
        }
        None => Some(ask_reference(&dialer, settings, target)?),
    };
    let course = course(scenario, settings, target, dialer, stop);
    let mut survey = match admin {
        Some(_) => {
            let surveyor = Admin::new(settings.wire.tls, target)?;
            Some(Survey::start(surveyor, target.shop, settings.clock)?)
        }
        // A foreign shop says nothing of itself.
        None => None,
    };

    let merged = crew::load(&course, recorder, &mut survey, watch)?;
    let mut foreign = ledgers.foreign.take();
    let mut whom = match (&mut survey, &mut foreign) {
        (Some(survey), _) => Whom::Survey(survey),
        (None, Some(ready)) => Whom::Books(&mut ready.books),
        (None, None) => Whom::Nobody,
    };
    let drained = drain(&course, merged.ended_at(), recorder, &mut whom, watch)?;
    if let Some(survey) = &mut survey {
        survey.now(recorder)?;
    }
    let judged = settings.clock.now();
    let mut closed = match (&admin, &mut foreign) {
        (Some(admin), _) => fetch_ledgers(admin, target, &mut ledgers),
        (None, Some(ready)) => ready.books.close(&mut ledgers),
        (None, None) => unknown_abroad(),
    };
    let cleaned_up = foreign.as_ref().map_or(Ok(()), |ready| ready.books.clean_up());

    let aborted = stop.presses() > 0;
    let mut tally = merged.tally();
    if aborted {
        // Who stops a run wants the fans to be left behind.
        tally.left_behind = 0;
    }
    let mut doubts = health::doubts(tally, survey.as_ref().and_then(Survey::unheard));
    doubts.append(&mut closed.doubts);
    Ok(Ending {
        began_utc_ns: settings.clock.began_utc_ns(),
        load_ended: merged.ended_at(),
        judged,
        drained,
        aborted,
        never_begun: None,
        broken_off: merged.broken_off().map(str::to_owned),
        gaps: Vec::new(),
        triggers: Vec::new(),
        unreadable: closed.unreadable,
        absent: closed.absent,
        doubts,
        complaints: merged.complaints(),
        left_dirty: cleaned_up.err().map(|error| with_causes(&error)),
        ledgers: foreign.map(|_| closed.ledgers),
        queues: std::collections::BTreeMap::new(),
        devices: std::collections::BTreeMap::new(),
        task_waits: Vec::new(),
        aggregated: std::collections::BTreeMap::new(),
        region: None,
        rooms: std::collections::BTreeMap::new(),
        written: std::collections::BTreeMap::new(),
    })
}

/// How many connections a scenario needs at once, at most: of each host that fans ask.
pub fn connections_needed(scenario: &Scenario, connections: Connections) -> u64 {
    let fans: u64 = scenario.populations.iter().map(|them| u64::from(them.count)).sum();
    let target = scenario.target.as_ref();
    let hosts = target.map_or(1, |target| target.funnel.hosts.len().max(1) as u64);
    match connections {
        Connections::PerFan | Connections::PerOperation => fans * hosts,
        Connections::Pool(limit) => fans.min(limit as u64) * hosts,
    }
}

fn check_means(scenario: &Scenario, settings: &Settings) -> Result<(), PreflightError> {
    means::check_sources(&settings.sources)?;
    match settings.processes {
        Some(_) => Ok(()),
        None => means::check_alone(scenario, settings.connections),
    }
}

fn course<'run>(
    scenario: &'run Scenario,
    settings: &'run Settings,
    target: &'run Target,
    dialer: Dialer,
    stop: &Stop,
) -> Course<'run> {
    let sales = &scenario.catalogue.sales;
    let script = |population: &Population| {
        let reload = &population.crowd.behaviour.reload;
        Script::new(&scenario.catalogue, population.sale, reload, &target.host)
    };
    let stages = scenario.populations.iter().flat_map(|them| &them.crowd.route.stages);
    let usual = scenario.populations.iter().map(|them| them.crowd.behaviour.timeout.0);
    let timeout = usual.chain(stages.filter_map(|stage| stage.timeout)).max();
    let closes = sales.iter().map(|sale| sale.closes).max().unwrap_or(Time::ZERO);
    let last = closes.max(last_arrival(scenario));
    Course {
        scenario,
        settings,
        target,
        dialer,
        clock: settings.clock,
        scripts: scenario.populations.iter().map(script).collect(),
        signal: Signal::new(stop.clone()),
        opening: sales.iter().map(|sale| sale.opens).min().unwrap_or(Time::ZERO),
        horizon: last + timeout.unwrap_or_default() + OVERTIME,
    }
}

/// When the last of all fans comes.
fn last_arrival(scenario: &Scenario) -> Time {
    let populations = (0_u16..).zip(&scenario.populations).map(|(population, _)| population);
    let last = populations.filter_map(|population| scenario.moments(population).last()).max();
    last.unwrap_or(Time::ZERO)
}

#[cfg(test)]
mod tests;
