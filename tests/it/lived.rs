//! A scenario lived in this process against the real shop and provider: child processes of `spike`.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use domain::time::Duration;
use spike::command::embedded::Embedded;
use spike::command::folder::{self, RunFolder};
use spike::command::rehearse;
use spike::evidence::{Ending, PurchaseLine, read};
use spike::fan::Visit;
use spike::live::clock::Clock;
use spike::live::guard::Limits;
use spike::live::{self, Connections, LedgerSinks, Settings, Stop, Target};
use spike::measure::recorder::Recorder;
use spike::scenario::file::parse;
use spike::scenario::overrides::Overrides;
use spike::scenario::{Context, Scenario, offer};
use spike::sim::Visits;
use spike::verdict::World;

/// Time for the children to come up before the run begins.
const LEAD: Duration = Duration::from_secs(2);

/// What a run left behind, in one world or the other.
pub(crate) struct Lived {
    pub(crate) folder: RunFolder,
    pub(crate) ending: Ending,
    pub(crate) visits: Vec<Visit>,
}

impl Lived {
    /// What the clients saw.
    pub(crate) fn purchases(&self) -> Vec<PurchaseLine> {
        let reader = self.folder.reader(folder::PURCHASES).unwrap().unwrap();
        read::json_lines(reader, folder::PURCHASES).unwrap()
    }
}

/// The scenario `text`; both worlds place its openings alike if they count from the beginning.
pub(crate) fn scenario(text: &str) -> Scenario {
    let loaded = parse("test.toml", text, &Overrides::default(), &Context::VIRTUAL);
    loaded.unwrap_or_else(|error| panic!("{error}")).at_scale(None, World::Live)
}

/// Lives it in virtual time; the folder is made in `out`.
pub(crate) fn simulate(scenario: &Scenario, out: &Path) -> Lived {
    let folder = RunFolder::create(out, &scenario.name, "simulated").unwrap();
    let mut watch = |_: &_| ControlFlow::Continue(());
    let lived = rehearse(scenario, &folder, Visits::Keep, &mut watch).unwrap();
    Lived { folder, ending: lived.ending, visits: lived.visits }
}

/// Lives it over real sockets, while `meanwhile` does what it will on a thread of its own.
pub(crate) fn live<T: Send>(
    scenario: &Scenario,
    out: &Path,
    connections: Connections,
    meanwhile: impl FnOnce(&Embedded, Clock) -> T + Send,
) -> (Lived, T) {
    let folder = RunFolder::create(out, &scenario.name, "live").unwrap();
    let clock = Clock::begin_in(LEAD);
    let binary = Path::new(env!("CARGO_BIN_EXE_spike"));
    let embedded = Embedded::start(binary, scenario, folder.path(), clock).unwrap();
    let (visits, visited) = mpsc::channel();
    let drain = offer::drain(scenario);
    let settings = Settings {
        clock,
        run: "trial".to_owned(),
        threads: 2,
        connections,
        wire: scenario.live.wire,
        pacing: scenario.live.pacing,
        keep_awake: false,
        sources: Vec::new(),
        processes: None,
        limits: Limits::default(),
        drain,
        transcript: None,
        tracing: None,
        visits: Some(visits),
    };
    let (ending, said) = thread::scope(|scope| {
        let doing = scope.spawn(|| meanwhile(&embedded, clock));
        let ending = against(&embedded, scenario, &settings, &folder);
        (ending, doing.join().unwrap())
    });
    drop(settings);
    folder.write_json(folder::ENDING, &ending).unwrap();
    (Lived { folder, ending, visits: visited.into_iter().collect() }, said)
}

fn against(
    embedded: &Embedded,
    scenario: &Scenario,
    settings: &Settings,
    folder: &RunFolder,
) -> Ending {
    let Embedded { shop, provider, provider_ledger, certificate, .. } = embedded;
    let target = Target {
        shop: *shop,
        host: shop.to_string(),
        provider: Some(*provider),
        provider_ledger: Some(provider_ledger.clone()),
        certificate: certificate.clone(),
        abroad: None,
    };
    let (sinks, began) = (folder.sinks().unwrap(), settings.clock.began_utc_ns());
    let mut recorder = Recorder::new(sinks, began, scenario.first_opening()).unwrap();
    let ledgers = LedgerSinks {
        shop: Box::new(folder.writer(folder::LEDGER_SHOP).unwrap()),
        provider: Box::new(folder.writer(folder::LEDGER_PROVIDER).unwrap()),
        foreign: None,
    };
    let stop = Stop::default();
    live::run(scenario, settings, &target, &mut recorder, ledgers, &stop, &mut |_| {}).unwrap()
}
