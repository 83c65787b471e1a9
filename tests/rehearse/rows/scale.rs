//! Rows about tasks and balancers: how long more of them take, and what it is worth to have them before.

use spike::measure::{BalancerSummary, TaskSummary};

use crate::claim::{Claim, at_least, at_most, misses, near, passes, violates};
use crate::row::Row;
use crate::stage::{Lived, Size, simulate};

/// The share of the tasks that a target asks for from which on it counts as met: utilisation is measured
/// on some hundred servers, a sample a second.
const MET: f64 = 0.95;

pub(super) const AUTOSCALE: Row = Row {
    number: 12,
    name: "autoscale-late-or-prescaled",
    phenomenon: "a scaler that tracks its target helps after four minutes, and of ten times the load after 19; \
                 what is there before is there at once",
    lives: autoscale,
};

/// The push comes eleven minutes before the opening, and the run begins two minutes before it.
const SOON: [&str; 3] = ["sale.0.opens=+13m", "fans.0.arrive.from=-13m", "fans.1.arrive.from=-11m"];

fn autoscale(size: Size) -> Vec<Claim> {
    let soon = size.pick(&[][..], &SOON);
    let lived = |name: &str, set: &[&str]| simulate(name, &[soon, set].concat());
    let mut claims = Vec::new();
    for (times, expected_s) in size.pick(
        vec![(2, 240.0), (3, 540.0), (5, 840.0), (8, 840.0), (10, 1_140.0)],
        vec![(2, 240.0), (3, 540.0)],
    ) {
        let more = format!("fans.1.count={}", 900 * (times - 1));
        let late = lived("scaling/autoscale-late", &[&more]);
        // 20 tasks at 45 %, that are to be at 50 %.
        let needed = 18.0 * f64::from(times);
        let what = format!("seconds until capacity is restored, {times} times the load");
        claims.push(near(&what, restored_s(&late, needed), expected_s, 0.005));
        if times == 3 {
            claims.push(near(
                "seconds until the first help",
                in_service_s(&late, 21, push_s(&late)),
                240.0,
                0.005,
            ));
            claims.push(misses("a scaler that tracks its target", &late.judged));
        }
    }
    let early = size.pick("-35m", "-12m");
    let plan = format!("stack.application.schedule=[{{ at = \"{early}\", min = 34 }}]");
    let planned = |set: &[&str]| lived("scaling/pre-scaled", &[&[plan.as_str()], set].concat());
    let foreseen = planned(&[]);
    claims.push(passes("as many as were foreseen, and their tasks before them", &foreseen.judged));
    claims.push(at_most(
        "seconds until these serve",
        in_service_s(&foreseen, 34, push_s(&foreseen)),
        0.0,
    ));
    // 4,050 people instead of 2,700.
    let more = "fans.1.count=3150";
    let alone = planned(&[more]);
    let net = "stack.application.tracking={ metric = \"utilisation\", target = 0.5 }";
    let caught = planned(&[more, net]);
    let until_opening_s = size.pick(1_200.0, 660.0);
    claims.push(misses("half as many again, the plan alone", &alone.judged));
    claims.push(at_least(
        "until when its tasks are at their limit, seconds from the push",
        limit_s(&alone),
        until_opening_s - 10.0,
    ));
    claims.push(at_most("the same, a scaler under the plan", limit_s(&caught), 250.0));
    claims
}

pub(super) const BALANCER: Row = Row {
    number: 11,
    name: "balancer-cold-or-reserved",
    phenomenon: "a load balancer that has seen little refuses what comes at once, and grows for half an hour; \
                 of what is reserved nothing is refused",
    lives: balancer,
};

/// A twentieth of the people and of the capacity, and a minute for five.
const TWENTIETH: [&str; 5] = [
    "fans.0.count=3900",
    "stack.balancer.capacity=50/s",
    "stack.balancer.grows.every=1m",
    "sale.0.opens=+5m",
    "fans.0.arrive.from=-4m",
];

fn balancer(size: Size) -> Vec<Claim> {
    let part = size.pick(&[][..], &TWENTIETH);
    let lived = |set: &[&str]| simulate("scaling/balancer-cold", &[part, set].concat());
    let cold = lived(&[]);
    // The link goes out so early that it has grown enough before the opening.
    let early = size.pick(
        ["sale.0.opens=+36m", "fans.0.arrive.from=-35m"],
        ["sale.0.opens=+8m", "fans.0.arrive.from=-7m"],
    );
    let early = lived(&early);
    let reserved =
        lived(&[size.pick("stack.balancer.reserved=8800/s", "stack.balancer.reserved=440/s")]);
    let (capacity, step_s) = size.pick((1_000.0, 300.0), (50.0, 60.0));
    let opens_s = cold.scenario.first_opening().seconds();
    let healed_s = told(&early).rejecting.map_or(0.0, |it| it.last_s) - come_s(&early, 0);
    vec![
        misses("a balancer that has seen an eighth of it", &cold.judged),
        at_least(
            "share of the requests that it refuses",
            told(&cold).rejected as f64 / told(&cold).offered as f64,
            0.5,
        ),
        near(
            "requests per second that it takes at the opening, after four steps",
            told(&cold).capacity_at(opens_s).unwrap_or_default(),
            capacity * 1.5_f64.powi(4),
            0.001,
        ),
        // 1.5^5 is less than 7.8, and 1.5^6 more.
        near("seconds until it refuses nobody", healed_s, 6.0 * step_s, 0.01),
        passes("as much reserved as will come", &reserved.judged),
        at_most("requests that it refuses then", told(&reserved).rejected as f64, 0.0),
    ]
}

fn told(lived: &Lived) -> &BalancerSummary {
    lived.judged.measured.balancer.as_ref().unwrap()
}

pub(super) const TASK_START: Row = Row {
    number: 47,
    name: "task-start",
    phenomenon: "containers on serverless tasks are there sooner than on machines that must boot first",
    lives: task_start,
};

fn task_start(_: Size) -> Vec<Claim> {
    let of = |set: &[&str]| simulate("scaling/task-start", set);
    let on = |nodes: &str| format!("stack.application.nodes={{ room = 5, boot = \"2m\"{nodes} }}");
    let serverless = of(&[]);
    let machines = of(&[&on("")]);
    let with_room = of(&[&on(", balloons = 90")]);
    let all_s = |lived: &Lived| in_service_s(lived, 200, 60.0);
    // 100 are launched at once, 80 more at 20 a second.
    let serverless_s = 4.0 + 30.0;
    vec![
        near("seconds to capacity, serverless", all_s(&serverless), serverless_s, 0.001),
        // The second step is the first one's over again.
        near("on machines that boot first", all_s(&machines), 120.0 + serverless_s, 0.001),
        at_least("times as long", all_s(&machines) / all_s(&serverless), 4.0),
        near(
            "half of them on machines with room",
            in_service_s(&with_room, 110, 60.0),
            30.0,
            0.001,
        ),
        passes("serverless, ten minutes before", &serverless.judged),
        passes("on machines, ten minutes before", &machines.judged),
    ]
}

pub(super) const VENUE_DAY: Row = Row {
    number: 15,
    name: "venue-day",
    phenomenon: "everybody in the venue orders at once: without an admission money is held for nothing, and \
                 without a scaler nobody catches up",
    lives: venue_day,
};

/// A quarter of the people and of all that serves them.
const QUARTER: [&str; 5] = [
    "fans.0.count=10000",
    "sale.0.items.0.stock=12500",
    "provider.limits=[{ rate = 25, burst = 25 }]",
    "stack.application.servers=2",
    "stack.application.queue=100",
];

fn venue_day(size: Size) -> Vec<Claim> {
    let part = size.pick(&[][..], &QUARTER);
    let lived = |set: &[&str]| simulate("payment/venue-day", &[part, set].concat());
    let admission = format!("shop.admission.calls_per_second={}", size.pick(100, 25));
    let per_task = size.pick(2_760, 690);
    let net =
        format!("stack.application.tracking={{ metric = \"requests\", target = {per_task} }}");
    let bad = lived(&[]);
    let good = lived(&[&admission, &net]);
    let unjust = ["INV-ORPHAN-AUTH", "INV-UNDERSOLD"];
    vec![
        violates("everybody passes, six tasks", &bad.judged, &unjust),
        misses("the same", &bad.judged),
        passes("as many pass as the provider allows, and a scaler", &good.judged),
        // Three datapoints of a minute, and a minute to boot, from the run's beginning.
        at_most(
            "until when its tasks are at their limit, seconds from the run's beginning",
            tasks(&good).saturated.map_or(f64::INFINITY, |saturated| saturated.last_s),
            245.0,
        ),
    ]
}

fn tasks(lived: &Lived) -> &TaskSummary {
    lived.judged.measured.tasks.as_ref().unwrap()
}

/// How long after `from_s` so many tasks are in service \[s\]; for ever if they never are.
fn in_service_s(lived: &Lived, needed: u64, from_s: f64) -> f64 {
    let at_s = tasks(lived).in_service_s(needed, from_s);
    at_s.map_or(f64::INFINITY, |at_s| at_s - from_s)
}

/// When the push comes, from the run's beginning \[s\].
fn push_s(lived: &Lived) -> f64 {
    come_s(lived, 1)
}

/// When the first of a population comes, likewise.
fn come_s(lived: &Lived, population: usize) -> f64 {
    let from = lived.scenario.populations[population].arrive.from.unwrap();
    from.from(lived.scenario.first_opening()).seconds()
}

/// How long after the push nearly as many tasks are in service as are needed \[s\].
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "tens of tasks")]
fn restored_s(lived: &Lived, needed: f64) -> f64 {
    in_service_s(lived, (needed * MET).ceil() as u64, push_s(lived))
}

/// Until how long after the push all servers were busy while requests waited \[s\].
fn limit_s(lived: &Lived) -> f64 {
    tasks(lived).saturated.map_or(0.0, |saturated| saturated.last_s - push_s(lived))
}
