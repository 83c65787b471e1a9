//! Coordinated omission at rate: a shop that stands still for half a second in the midst of five
//! seconds at 5,000 requests a second.
//!
//! The shop is in this process, so that the freeze's beginning and end are known exactly: nothing
//! is answered while its gate is held. The ideal 99th percentile then follows from the schedule
//! alone. A machine that is busy otherwise answers the crowd that waited later than at once, which
//! is no fault of the generator's: so the shop notes when it answered, and what is printed must lie
//! within 5 % of what people then waited for.

use domain::time::nanos_of;

use super::*;
use crate::measure::latency::{LatencyLog, Series};

const FANS: u32 = 25_000;
const SECONDS: u64 = 5;
const FREEZES: Time = Time::from_millis(2_500);
const FROZEN: Duration = Duration::from_millis(500);
/// How far the printed percentile may lie from the ideal.
const TOLERANCE: f64 = 0.05;

/// When the shop stood still, and when it answered.
struct Shop {
    from: Time,
    until: Time,
    answered: Vec<Time>,
}

/// The time that 99 in 100 do not exceed \[s\].
fn p99(mut waits: Vec<Duration>) -> f64 {
    waits.sort_unstable();
    waits[waits.len() * 99 / 100 - 1].as_secs_f64()
}

fn scenario() -> Scenario {
    let trial = Trial { fans: FANS, ..Trial::default() };
    let mut scenario = trial.scenario();
    let population = &mut scenario.populations[0];
    population.arrive = Arrive {
        shape: Shape::Constant,
        over: Some(Span(Duration::from_secs(SECONDS))),
        ..Arrive::default()
    };
    // Each looks at the page once and goes.
    let behaviour = &mut population.crowd.behaviour;
    behaviour.reload = Reload { calls: 1, cacheable: 0, ..Reload::default() };
    behaviour.abandon = 1.0;
    scenario
}

/// Lives the crowd against the shop that freezes: what the shop did, and the printed percentile
/// \[s\].
fn live_through_a_freeze(scenario: &Scenario, pacing: Pacing) -> (Shop, f64) {
    let clock = Clock::begin_in(Duration::from_millis(200));
    let gate = Arc::new(Mutex::new(()));
    let answered = Arc::new(Mutex::new(Vec::with_capacity(FANS as usize)));
    let (passed, noted) = (Arc::clone(&gate), Arc::clone(&answered));
    let shop = open(move |_| {
        drop(passed.lock().unwrap());
        noted.lock().unwrap().push(clock.now());
        None
    });
    let freeze = thread::spawn(move || {
        clock.sleep_until(FREEZES, Duration::MAX);
        let held = gate.lock().unwrap();
        let from = clock.now();
        clock.sleep_until(from + FROZEN, Duration::MAX);
        let until = clock.now();
        drop(held);
        (from, until)
    });
    let trial = Trial { connections: Connections::Pool(50), pacing, ..Trial::default() };
    let outcomes = trial.live_as(scenario, clock, shop.address, &Stop::default(), &mut |_| {});
    assert_eq!(outcomes.departures().len(), FANS as usize, "everybody came and went");
    let (from, until) = freeze.join().unwrap();
    let answered = answered.lock().unwrap().clone();
    let log = LatencyLog::read(outcomes.latency.as_bytes()).unwrap();
    let times = log.whole(Series::Response(Operation::Reload));
    assert_eq!(times.len(), u64::from(FANS), "every look is in the evidence");
    (Shop { from, until, answered }, times.value_at_quantile(0.99) as f64 / 1e6)
}

#[test]
fn a_freeze_of_half_a_second_at_5000_per_second_shows_in_the_99th_percentile() {
    let scenario = scenario();
    let (shop, printed) = live_through_a_freeze(&scenario, Pacing::Auto);
    let arrivals: Vec<Time> = scenario.arrivals(0).iter().map(|(at, _)| *at).collect();
    assert_eq!(shop.answered.len(), arrivals.len(), "each is answered once");
    let is_met = |at: Time| shop.from <= at && at < shop.until;
    let ideal =
        arrivals.iter().map(|at| if is_met(*at) { shop.until.since(*at) } else { Duration::ZERO });
    let ideal = p99(ideal.collect());
    // First come, first served: the nth answer is that of the nth to come.
    let waited =
        p99(arrivals.iter().zip(&shop.answered).map(|(at, done)| done.since(*at)).collect());
    let seen = format!("printed {printed} s, ideal {ideal} s, as answered {waited} s");
    assert!(
        nanos_of(FROZEN) as f64 / 1e9 * 0.8 < ideal,
        "the freeze met more than 1 in 100: {seen}"
    );
    assert!(printed >= (1.0 - TOLERANCE) * ideal, "{seen}");
    assert!(printed <= (1.0 + TOLERANCE) * ideal.max(waited), "{seen}");
}
