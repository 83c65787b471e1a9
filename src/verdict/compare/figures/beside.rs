//! What stands beside fans, or instead of them: plain queues, devices and rooms, in virtual time.

use super::{Group, Reading, Unit, counted, told};
use crate::evidence::queue::{Estimate, QueueOutcome};
use crate::measure::interval::Sampled;
use crate::verdict::compare::Lived;

/// The figures of all queues, with the intervals of their batch means; those of a queue in no steady
/// state have none.
pub(super) fn queues(run: &Lived<'_>) -> Vec<Reading> {
    let queues = run.summary.result.measured.queues.iter();
    queues.flat_map(|(name, queue)| one_queue(name, queue)).collect()
}

fn one_queue(name: &str, queue: &QueueOutcome) -> Vec<Reading> {
    let of_time = |mean, ci95| Estimate { mean, ci95 };
    let figures = [
        ("wait", Unit::Seconds, of_time(queue.wait_s.mean, queue.wait_s.ci95)),
        ("in system", Unit::Seconds, of_time(queue.in_system_s.mean, queue.in_system_s.ci95)),
        ("utilisation", Unit::Share, queue.utilisation),
        ("blocked", Unit::Share, queue.blocked),
        ("abandoned", Unit::Share, queue.abandoned),
        ("served", Unit::PerSecond, queue.per_s),
    ];
    let readings = figures.into_iter().map(|(what, unit, estimate)| Reading {
        group: Group::Queues,
        name: format!("{name} {what}"),
        unit,
        value: estimate.mean,
        sampled: queue.unsettled.is_none().then(|| sampled(estimate)),
    });
    readings.collect()
}

fn sampled(estimate: Estimate) -> Sampled {
    let [low, high] = estimate.ci95;
    let value = estimate.mean;
    Sampled { value, low: low.min(value), high: high.max(value) }
}

/// The figures of all devices.
pub(super) fn devices(run: &Lived<'_>) -> Vec<Reading> {
    const GROUP: Group = Group::Devices;
    let mut readings = Vec::new();
    for (name, devices) in &run.summary.result.measured.devices {
        let named = |what: &str| format!("{name} {what}");
        let (connects, deploy) = (&devices.connects, devices.deploy.as_ref());
        readings.push(told(GROUP, named("availability"), Unit::Share, devices.availability));
        readings.push(told(GROUP, named("downtime p99"), Unit::Seconds, devices.downtime_s.p99));
        readings.push(counted(GROUP, named("attempts"), connects.attempts));
        readings.push(counted(GROUP, named("attempts in vain"), connects.in_vain));
        let peak_per_s = connects.peak_per_s as f64;
        readings.push(told(GROUP, named("connect peak"), Unit::PerSecond, peak_per_s));
        readings.push(counted(GROUP, named("backlog"), devices.backlog));
        let recovered_s = deploy.and_then(|deploy| deploy.recovered_after_s);
        readings.extend(
            recovered_s.map(|after_s| told(GROUP, named("recovered"), Unit::Seconds, after_s)),
        );
    }
    readings
}

/// The figures of all rooms. Who finds no machine ready is not alone in it, so that their shares are no sample.
pub(super) fn rooms(run: &Lived<'_>) -> Vec<Reading> {
    const GROUP: Group = Group::Rooms;
    let mut readings = Vec::new();
    for (name, rooms) in &run.summary.result.measured.rooms {
        let named = |what: &str| format!("{name} {what}");
        let machines = &rooms.machines;
        readings.push(counted(GROUP, named("openings"), rooms.openings));
        for (what, share) in [
            ("found no machine ready", rooms.stock_out),
            ("left", rooms.left),
            ("assigned in time", rooms.assigned_within),
        ] {
            readings.push(told(GROUP, named(what), Unit::Share, share));
        }
        let waited = rooms.wait_s.as_ref();
        readings
            .extend(waited.map(|waited| told(GROUP, named("wait p99"), Unit::Seconds, waited.p99)));
        readings.push(counted(GROUP, named("thrown out"), rooms.visitors.disconnected));
        readings.push(told(GROUP, named("machines at most"), Unit::Count, machines.most as f64));
    }
    readings
}
