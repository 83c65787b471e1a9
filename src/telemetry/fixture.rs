//! A moment of a run, for tests.

use std::io;
use std::sync::{Arc, Mutex};

use domain::id::FanId;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::{Balance, ShopSnapshot};
use domain::time::Time;

use super::Run;
use super::totals::{Totals, Traffic, Traffics};
use crate::evidence::{Attempt, ConnectionFailure};
use crate::measure::edge::EdgeCounts;
use crate::measure::meter::Meter;
use crate::measure::recorder::{Recorder, Sinks};
use crate::measure::vitals::{CoreWaits, MachineLoad, Vitals};
use crate::tracing::{Exchange, Sampler, Span};

/// When the run began \[ns of UTC\].
pub(super) const BEGAN_NS: u64 = 1_795_000_000_000_000_000;

/// A run that opens after 40 s.
pub(super) fn run() -> Run {
    let resource = [
        ("service.name", "spike"),
        ("service.instance.id", "mi9s4k2p"),
        ("spike.scenario", "dome"),
    ];
    Run {
        began_utc_ns: BEGAN_NS,
        opening: Time::from_millis(40_000),
        operations: vec![Operation::Reload, Operation::Checkout],
        resource: resource.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}

fn done(meter: &mut Meter, operation: Operation, outcome: Outcome, took_ms: u64) {
    let at = |ms| Time::from_millis(500 + ms);
    let (intended, sent, done) = (at(0), at(2), at(2 + took_ms));
    let first_byte = Some(done);
    let fan = FanId::default();
    meter.sent(operation, intended, sent);
    meter.done(&Attempt { fan, operation, intended, sent, first_byte, done, outcome });
}

/// What a second of it came to.
pub(super) fn totals() -> Totals {
    let sinks = Sinks {
        latency: Box::new(io::sink()),
        timeline: Box::new(io::sink()),
        purchases: Box::new(io::sink()),
        snapshots: Box::new(io::sink()),
    };
    let mut recorder = Recorder::new(sinks, BEGAN_NS, run().opening).unwrap();
    let totals = Arc::new(Mutex::new(Totals::of(&run())));
    let heard = Arc::clone(&totals);
    recorder.follow(Box::new(move |delta| heard.lock().unwrap().add(delta)));
    let mut meter = Meter::new(run().opening);
    for _ in 0..3 {
        meter.arrived(Time::from_millis(500));
    }
    meter.departed(Time::from_millis(900), Departure::Bought);
    for took_ms in [6, 48, 298] {
        done(&mut meter, Operation::Reload, Outcome::Ok, took_ms);
    }
    done(&mut meter, Operation::Checkout, Outcome::Ok, 1_498);
    done(&mut meter, Operation::Checkout, Outcome::RateLimited, 1);
    meter.bought(Time::from_millis(900));
    let connected = Time::from_millis(501);
    meter.connected(Time::from_millis(500), connected, None, false);
    meter.connection_failed(connected, ConnectionFailure::Refused);
    let mut harvest = meter.harvest();
    let edge = EdgeCounts { answers: 9, hits: 5, misses: 2, others: 1, ..EdgeCounts::default() };
    harvest.see([("page".to_owned(), edge)].into());
    recorder.busy(0.75);
    recorder.felt(Vitals {
        span_s: 1.0,
        machine: Some(MachineLoad { cores: 2, busy: 0.5, stolen: 0.0, kept_awake: false }),
        waits: Some(CoreWaits { waited_ms: 12.5, turns: 80 }),
        clock_error_us: None,
    });
    recorder.absorb(Time::from_millis(1_000), vec![harvest], &[]).unwrap();
    let balance = Balance { free: 7, held: 2, sold: 1 };
    let shop = ShopSnapshot {
        at: Time::from_millis(1_000),
        edge: 60,
        origin: 10,
        payment: 1,
        pending: 2,
        items: [("tee".to_owned(), balance)].into(),
        slots: [("day-1/12:30".to_owned(), balance)].into(),
        ..ShopSnapshot::default()
    };
    recorder.snapshot(&shop).unwrap();
    totals.lock().unwrap().clone()
}

/// What became of earlier exports.
pub(super) fn traffics() -> Traffics {
    let traffic = |delivered, dropped| Traffic { delivered, dropped, ..Traffic::default() };
    [("scrape", traffic(4, 0)), ("otlp_traces", traffic(96, 32))].into()
}

/// A checkout that was answered 409, and the request of it.
pub(super) fn spans() -> Vec<Span> {
    let at = Time::from_millis;
    let fan = FanId { population: 0, index: 417 };
    let traced = Sampler::new(1.0, 7, BEGAN_NS).operation(fan, at(40_000));
    let whole = Span {
        trace: traced.trace(),
        id: traced.whole(),
        parent: None,
        fan,
        operation: Operation::Checkout,
        began: at(40_000),
        ended: at(40_250),
        outcome: Outcome::SoldOut,
        request: None,
    };
    let exchange = Exchange {
        method: "POST".to_owned(),
        secured: true,
        host: "shop.test:8443".to_owned(),
        path: "/checkout".to_owned(),
        status: Some(409),
    };
    let request = Span {
        id: traced.request(0),
        parent: Some(traced.whole()),
        began: at(40_001),
        request: Some(exchange),
        ..whole.clone()
    };
    vec![request, whole]
}
