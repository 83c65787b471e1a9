//! A scripted step in the load loop: templates, two captures, two checks.
//!
//! The funnel has one step, and its shop never opens: so this program lives it itself, as a process
//! of its own that is measured like any other client.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::outcome::Outcome;
use spike::command::folder::{self, RunFolder};
use spike::live::abroad::Abroad;
use spike::live::clock::Clock;
use spike::live::guard::Limits;
use spike::live::{self, Connections, LedgerSinks, Settings, Stop, Target};
use spike::measure::recorder::Recorder;
use spike::scenario::file::parse;
use spike::scenario::overrides::Overrides;
use spike::scenario::{self, Context};
use spike::step::capture::{Capture, Kept, Need};
use spike::step::funnel::{Funnel, Given, Host, Scheme, Step};
use spike::step::message::Message;
use spike::step::rule::{Condition, Rule, Rules, Test};
use spike::step::template::{Place, Template};
use spike::step::{Name, Names};
use spike::verdict::World;

use crate::Bench;
use crate::peers::CONNECTIONS;
use crate::processes::{Output, Process};
use crate::scenarios;

/// What nginx answers to the step.
pub(crate) const ANSWER: &str = concat!(
    r#"{"event":"tour","state":"closed","order":{"id":"o-7f3a91","lines":[{"sku":"tour-tee","#,
    r#""quantity":1,"price":4500},{"sku":"towel","quantity":2,"price":2500}]},"token":"#,
    r#""b5bb9d8014a0f9b1d61e21e796d78dcc","opens_at":"2026-12-24T12:00:00+09:00"}"#
);

/// Starts this program again as the client of `port`.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn start(bench: &Bench, core: &str, port: u16) -> anyhow::Result<Process> {
    let out = bench.folder.join("scripted").into_os_string();
    let arguments = ["--live-scripted".into(), port.to_string().into(), "--out".into(), out];
    Process::start(core, &std::env::current_exe()?, arguments, Output::Dropped)
}

/// Fifty fans take the step again and again, until this process is ended.
///
/// # Errors
/// When the run cannot begin.
pub(crate) fn live(port: u16, out: &std::path::Path) -> anyhow::Result<()> {
    let text = scenarios::closed(CONNECTIONS, "1ms").replace("cacheable = 5", "cacheable = 0");
    let scenario = parse("scripted.toml", &text, &Overrides::default(), &Context::VIRTUAL)?;
    let mut scenario = scenario.at_scale(None, World::Live);
    scenario.target = Some(Arc::new(foreign(port)?));
    let clock = Clock::begin_in(Duration::from_secs(1));
    let shop = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let abroad = Some(Abroad { hosts: vec![host(port)], ..Abroad::default() });
    let target = Target {
        shop,
        host: shop.to_string(),
        provider: None,
        provider_ledger: None,
        certificate: None,
        abroad,
    };
    let settings = Settings {
        clock,
        run: "trial".to_owned(),
        threads: 1,
        connections: Connections::PerFan,
        pacing: scenario.live.pacing,
        keep_awake: false,
        wire: scenario.live.wire,
        sources: Vec::new(),
        processes: None,
        limits: Limits::default(),
        drain: Duration::ZERO,
        transcript: None,
        tracing: None,
        visits: None,
    };
    let run = RunFolder::create(out, "scripted", "live")?;
    let opening = scenario.first_opening();
    let mut recorder = Recorder::new(run.sinks()?, clock.began_utc_ns(), opening)?;
    let ledgers = LedgerSinks {
        shop: Box::new(run.writer(folder::LEDGER_SHOP)?),
        provider: Box::new(run.writer(folder::LEDGER_PROVIDER)?),
        foreign: None,
    };
    live::run(
        &scenario,
        &settings,
        &target,
        &mut recorder,
        ledgers,
        &Stop::default(),
        &mut |_| {},
    )?;
    Ok(())
}

fn host(port: u16) -> Host {
    Host { scheme: Scheme::Http, name: Ipv4Addr::LOCALHOST.to_string(), port }
}

/// `GET /step` with what the last answer said; two captures; the answer must be a 200 and say that
/// the sale is closed.
fn foreign(port: u16) -> anyhow::Result<scenario::target::Target> {
    let mut names = Names::default();
    let given = Given::define(&mut names, &[]);
    let [token, order] = ["token", "order"].map(|name| names.define(name));
    let target = "/step?fan={{fan}}&token={{token}}&order={{order}}";
    let intent = Template::compile("{{fan}}", Place::Field, &names)?;
    let target = Template::compile(target, Place::Url, &names)?;
    let closed = Condition {
        of: Capture::json("$.state")?,
        test: Test::Equals(b"closed".as_slice().into()),
    };
    let is = Outcome::NotOpen;
    let rule = Rule { status: Some(200..=200), conditions: vec![closed], is, then: None };
    let shop = host(port);
    let fields = vec![("X-Intent".into(), intent)];
    let step = Step {
        name: "page".into(),
        host: 0,
        message: Message::new("GET", &shop.authority(), target, fields, None),
        captures: vec![kept(token, "$.token")?, kept(order, "$.order.id")?],
        rules: Rules::new(vec![rule]),
        redirects: 10,
    };
    let funnel = Funnel { names, given, hosts: vec![shop], stages: vec![vec![step]] };
    Ok(scenario::target::Target::of(funnel))
}

fn kept(name: Name, path: &str) -> anyhow::Result<Kept> {
    Ok(Kept { name, at: Capture::json(path)?, need: Need::Required })
}
