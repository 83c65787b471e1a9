//! Coordinated omission: a shop that freezes is asked all the same, and what it made people wait
//! is in the evidence, counted from when each of them wanted to ask.
//!
//! The shop's process is stopped and continued by this test, which reads the run's own clock. What
//! is wanted while it stands still cannot be answered before it goes on: so nothing here hangs on
//! how fast the machine is.

use domain::law::Law;
use domain::outcome::{Departure, Operation, Outcome};
use domain::time::{Duration, Time};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use spike::command::embedded::Embedded;
use spike::command::{folder, judge_folder};
use spike::evidence::PurchaseLine;
use spike::fan::{Action, Input, Request};
use spike::live::Connections;
use spike::live::clock::Clock;
use spike::measure::latency::{LatencyLog, Series};
use spike::measure::timeline::Timeline;
use spike::scenario::Scenario;
use spike::verdict::World;

use crate::lived::{Lived, live, scenario};

/// People come evenly for four seconds and ask for the item, the cart and the checkout: an even
/// load of three operations each.
const EVEN: &str = r#"
schema = 1
name = "even"
seed = 3

[[sale]]
id = "day-1"
opens = "+1s"
lasts = "90s"
items = [{ id = "tee", stock = 5_000, price = 4_500 }]

[[fans]]
name = "buyers"
count = 800
arrive = { shape = "constant", from = "0s", over = "4s" }
reload = { calls = 0 }
think = "0s"
timeout = "60s"

[shop]
storage = "memory"
inventory = "unit-rows"
saga = "authorize-first"

[provider]
profile = "stripe-2024"
declines = 0.0
latency = { authorize = "1ms", capture = "1ms" }

[[provider.limits]]
rate = 100_000
burst = 100_000
"#;

/// When the shop freezes, and for how long at least.
const FREEZES: Time = Time::from_millis(2_500);
const FROZEN: Duration = Duration::from_millis(600);

/// The stretch in which the shop certainly stood still.
#[derive(Copy, Clone, Debug)]
struct Freeze {
    from: Time,
    until: Time,
}

impl Freeze {
    /// Stops the shop's process and lets it go on.
    fn impose(embedded: &Embedded, clock: Clock) -> Self {
        let shop = Pid::from_raw(embedded.shop_process.cast_signed()).unwrap();
        clock.sleep_until_beginning();
        clock.sleep_until(FREEZES, Duration::MAX);
        kill_process(shop, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(shop), WaitOptions::UNTRACED).unwrap().unwrap();
        let from = clock.now();
        clock.sleep_until(from + FROZEN, Duration::MAX);
        let until = clock.now();
        kill_process(shop, Signal::CONT).unwrap();
        assert!(status.stopped(), "{status:?}");
        Self { from, until }
    }

    fn length(self) -> Duration {
        self.until - self.from
    }

    fn covers(self, at: Time) -> bool {
        self.from <= at && at < self.until
    }
}

/// Each operation of that kind: what was asked, and when it was answered.
fn operations(lived: &Lived, operation: Operation) -> Vec<(Request, Time)> {
    let mut asked = std::collections::BTreeMap::new();
    let mut answered = Vec::new();
    for visit in &lived.visits {
        if let Input::Replied { at, .. } = visit.input {
            let request: Request = asked.remove(&visit.fan).unwrap();
            answered.push((request, at));
        }
        if let Action::Send(request) = visit.action {
            asked.insert(visit.fan, request);
        }
    }
    answered.retain(|(request, _)| request.operation == operation);
    answered
}

/// How many of the planned arrivals fall into a part of the run.
fn planned(scenario: &Scenario, from: Time, until: Time) -> u64 {
    let arrivals = scenario.arrivals(0);
    arrivals.iter().filter(|(at, _)| from <= *at && *at < until).count() as u64
}

fn latency(lived: &Lived) -> LatencyLog {
    LatencyLog::read(lived.folder.reader(folder::LATENCY).unwrap().unwrap()).unwrap()
}

/// Everybody came, asked all that they wanted, and bought.
fn assert_nothing_was_dropped(scenario: &Scenario, lived: &Lived) {
    let count = u64::from(scenario.populations[0].count);
    let reader = lived.folder.reader(folder::TIMELINE).unwrap().unwrap();
    let total = Timeline::read(reader).unwrap().total();
    assert_eq!((total.arrived, total.departed[&Departure::Bought]), (count, count));
    assert_eq!((total.offered, total.sent, total.completed), (3 * count, 3 * count, 3 * count));
    for operation in [Operation::Item, Operation::Cart, Operation::Checkout] {
        assert_eq!(total.outcomes[&operation][&Outcome::Ok], count);
    }
    let think = scenario.populations[0].crowd.behaviour.think;
    let Law::Constant(thought) = think else { panic!("everybody thinks alike: {think:?}") };
    let planned: Vec<Time> = scenario.arrivals(0).iter().map(|(at, _)| *at + thought).collect();
    let mut wanted: Vec<Time> =
        operations(lived, Operation::Item).iter().map(|(request, _)| request.intended).collect();
    wanted.sort_unstable();
    assert_eq!(wanted, planned, "each asks when it was to, however late the shop");
}

#[test]
fn a_freeze_is_in_the_response_time_of_everybody_it_met() {
    let scenario = scenario(EVEN);
    let out = tempfile::tempdir().unwrap();
    let (lived, freeze) = live(&scenario, out.path(), Connections::PerFan, Freeze::impose);
    assert_nothing_was_dropped(&scenario, &lived);

    // Those whose time came during the freeze waited for its end, each from its own moment.
    let met = operations(&lived, Operation::Item);
    let met: Vec<_> = met.iter().filter(|(asked, _)| freeze.covers(asked.intended)).collect();
    assert_eq!(met.len() as u64, planned(&scenario, freeze.from, freeze.until));
    assert!(met.len() > 100, "the freeze fell into the load: {freeze:?}");
    for (asked, answered) in met {
        assert!(*answered >= freeze.until, "{asked:?} was answered by a frozen shop");
    }

    // So says the evidence: by count, by its longest time, and by its 99th percentile.
    let times = latency(&lived).whole(Series::Response(Operation::Item));
    assert_eq!(times.len(), u64::from(scenario.populations[0].count));
    let half = u64::try_from((freeze.length() / 2).as_micros()).unwrap();
    let shorter = times.count_between(0, times.lowest_equivalent(half) - 1);
    let early = planned(&scenario, freeze.from, freeze.from + freeze.length() / 2);
    assert!(times.len() - shorter >= early, "{early} of {shorter} waited half of the freeze");

    let tenth = planned(&scenario, freeze.from, freeze.from + freeze.length() / 10);
    assert!(100 * tenth > times.len(), "more than one in a hundred met its first tenth: {tenth}");
    let judged = judge_folder(&lived.folder, &scenario, World::Live).unwrap();
    let shown = judged.measured.operations["item"].response_ms.unwrap();
    let most_ms = 0.9 * freeze.length().as_secs_f64() * 1e3;
    // A histogram of three digits is off by a thousandth at most.
    assert!(shown.p99 >= 0.999 * most_ms && shown.max >= shown.p99, "{shown:?} {freeze:?}");
}

#[test]
fn with_few_connections_the_freeze_hides_in_service_time_but_not_in_response_time() {
    const CONNECTIONS: usize = 4;
    let scenario = scenario(&EVEN.replace("think = \"0s\"", "think = \"400ms\""));
    let out = tempfile::tempdir().unwrap();
    let pool = Connections::Pool(CONNECTIONS);
    let (lived, freeze) = live(&scenario, out.path(), pool, Freeze::impose);
    assert_nothing_was_dropped(&scenario, &lived);

    let (mut met, mut sent_in_time) = (0, 0);
    for line in lived.purchases() {
        let PurchaseLine::Attempt { intended, sent, done, .. } = line else { continue };
        if freeze.covers(intended) {
            met += 1;
            sent_in_time += usize::from(sent < freeze.until);
            assert!(done >= freeze.until, "response time counts from what was intended");
        }
    }
    // A generator that waits for answers would have noticed only these.
    assert!(sent_in_time <= CONNECTIONS, "{sent_in_time} were sent to a frozen shop");
    assert!(met > 10 * CONNECTIONS, "{met} met the freeze");
}
