//! Synthetic machines, good and bad.

use domain::time::Duration;

use super::*;
use crate::command::doctor::reading::{
    ClockFacts, Files, Memory, Ports, Processor, RealTime, Tcp, Tracked,
};

const GIB: u64 = 1 << 30;

/// A machine on which nothing stands in the way of some thousand connections.
fn healthy() -> Readings {
    Readings {
        machine: "a machine".to_owned(),
        files: Files {
            soft: 100_000,
            raised: 100_000,
            process_most: Some(1_048_576),
            system_most: Some(2_000_000),
            system_open: Some(500),
        },
        processes: Some(90_000),
        ports: Ports { range: Some((32_768, 60_999)), in_use: 3, time_wait: 1, reuse: Some(2) },
        tcp: Tcp {
            accept_queue: Some(4_096),
            syn_queue: Some(2_048),
            fin_timeout: Some(Duration::from_mins(1)),
            pressure_bytes: Some(GIB),
            used_bytes: Some(400_000),
        },
        tracked: Some(Tracked { entries: 10, most: 262_144 }),
        processor: Processor {
            cores: 4,
            quota_cores: Some(4.0),
            load: Some(0.2),
            stolen: Some(0.001),
            governor: Some("performance".to_owned()),
        },
        memory: Memory { available_bytes: Some(8 * GIB), group_left_bytes: None },
        clock: ClockFacts {
            source: Some("tsc".to_owned()),
            others: vec!["hpet".to_owned()],
            resolution: Duration::from_nanos(1),
            cost: Duration::from_nanos(25),
            slack: Some(Duration::from_micros(50)),
            late: [Duration::from_micros(60), Duration::from_micros(200)],
        },
        real_time: RealTime::Refused,
        disk_bytes: Some(GIB),
    }
}

/// A scenario of so many connections.
fn needing(connections: u64) -> Needs {
    Needs {
        scenario: "storm".to_owned(),
        connections,
        descriptors: connections + 64,
        connections_of_address: connections,
        arrivals_peak_per_s: 1_000.0,
        ..Needs::middling()
    }
}

/// Name, state and cure of all that is not well.
fn wanting(findings: Vec<Finding>) -> Vec<(&'static str, State, String)> {
    let wanting = findings.into_iter().filter(|finding| finding.state != State::Ok);
    wanting.map(|finding| (finding.id, finding.state, finding.cure.unwrap())).collect()
}

/// The one thing that is not well on a machine that was spoilt.
#[track_caller]
fn the_one(
    spoil: impl FnOnce(&mut Readings),
    needs: Option<&Needs>,
) -> (&'static str, State, String) {
    let mut readings = healthy();
    spoil(&mut readings);
    let mut wanting = wanting(examine(&readings, needs));
    assert_eq!(wanting.len(), 1, "{wanting:?}");
    wanting.remove(0)
}

#[test]
fn a_healthy_machine_lacks_nothing_and_every_limit_is_told() {
    let findings = examine(&healthy(), Some(&needing(10_000)));
    assert_eq!(wanting(findings.clone()), []);
    let mut ids: Vec<&str> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids.len(), 22, "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 22, "each has a name of its own");
}

#[test]
fn what_a_machine_does_not_say_is_left_out() {
    let readings = Readings {
        files: Files { soft: 100_000, raised: 100_000, ..Files::default() },
        processes: None,
        ports: Ports::default(),
        tcp: Tcp::default(),
        tracked: None,
        processor: Processor { cores: 2, ..Processor::default() },
        memory: Memory::default(),
        clock: ClockFacts { resolution: Duration::from_nanos(1), ..ClockFacts::default() },
        disk_bytes: None,
        ..healthy()
    };
    let ids: Vec<&str> = examine(&readings, None).iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["open_files", "cores", "clock", "timers", "real_time_priority"]);
}

#[test]
fn what_a_scenario_lacks_is_a_problem_and_what_nobody_asked_for_a_warning() {
    let low = |readings: &mut Readings| {
        readings.files.soft = 1_024;
        readings.files.raised = 4_096;
    };
    let cure = |needed: u64| format!("sudo prlimit --pid $$ --nofile={needed}:{needed}");
    let asked = needing(10_000);
    assert_eq!(the_one(low, Some(&asked)), ("open_files", State::Problem, cure(10_064)));
    assert_eq!(the_one(low, None), ("open_files", State::Warning, cure(14_064)));
}

#[test]
fn a_limit_that_was_raised_is_told_as_such() {
    let mut readings = healthy();
    readings.files.soft = 1_024;
    let finding = examine(&readings, None).remove(0);
    let expected = Finding::ok("open_files", "100,000 in one process, raised from 1,024");
    assert_eq!(finding, expected);
}

#[test]
fn beyond_what_any_process_may_hold_the_kernel_is_told_first() {
    let low = |readings: &mut Readings| {
        readings.files.raised = 4_096;
        readings.files.process_most = Some(8_192);
    };
    let (_, _, cure) = the_one(low, Some(&needing(10_000)));
    let expected = "sudo sysctl -w fs.nr_open=10064 && sudo prlimit --pid $$ --nofile=10064:10064";
    assert_eq!(cure, expected);
}

#[test]
fn ports_are_widened_as_far_as_there_are_any() {
    let wide = |readings: &mut Readings| {
        readings.files.raised = 200_000;
        readings.tracked = None;
    };
    let (id, state, cure) = the_one(wide, Some(&needing(40_000)));
    assert_eq!((id, state), ("ports", State::Problem));
    assert_eq!(cure, "sudo sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"");
    let (_, _, cure) = the_one(wide, Some(&needing(70_000)));
    assert!(!cure.contains("sysctl"), "no range is wide enough: {cure}");
}

#[test]
fn queues_grow_with_those_who_come_in_a_second() {
    let needs = Needs { arrivals_peak_per_s: 50_000.0, ..needing(10_000) };
    let findings = wanting(examine(&healthy(), Some(&needs)));
    let expected = [
        ("accept_queue", State::Warning, "sudo sysctl -w net.core.somaxconn=16384".to_owned()),
        (
            "syn_queue",
            State::Warning,
            "sudo sysctl -w net.ipv4.tcp_max_syn_backlog=16384".to_owned(),
        ),
    ];
    assert_eq!(findings, expected);
}

/// The finding, what it says, and what spoils the limit.
type Spoilt = (&'static str, State, fn(&mut Readings));

#[test]
fn each_spoilt_limit_is_found_alone() {
    let needs = needing(10_000);
    let spoilt: [Spoilt; 17] = [
        ("open_files_of_system", State::Problem, |it| it.files.system_most = Some(20_000)),
        ("processes", State::Problem, |it| it.processes = Some(20)),
        ("memory", State::Problem, |it| it.memory.group_left_bytes = Some(GIB / 5)),
        ("disk", State::Problem, |it| it.disk_bytes = Some(1_000_000)),
        ("time_wait", State::Warning, |it| it.ports.reuse = Some(0)),
        ("time_wait", State::Warning, |it| it.ports.time_wait = 20_000),
        ("fin_timeout", State::Warning, |it| it.tcp.fin_timeout = Some(Duration::from_mins(4))),
        ("tcp_memory", State::Problem, |it| it.tcp.pressure_bytes = Some(70_000_000)),
        ("tracked_connections", State::Problem, |it| it.tracked.as_mut().unwrap().most = 8_192),
        ("cores", State::Warning, |it| (it.processor.cores, it.processor.load) = (1, None)),
        ("processor_quota", State::Warning, |it| it.processor.quota_cores = Some(1.5)),
        ("load", State::Warning, |it| it.processor.load = Some(3.0)),
        ("stolen_time", State::Warning, |it| it.processor.stolen = Some(0.05)),
        ("governor", State::Warning, |it| it.processor.governor = Some("powersave".to_owned())),
        ("clock_source", State::Warning, |it| it.clock.source = Some("acpi_pm".to_owned())),
        ("clock", State::Problem, |it| it.clock.resolution = Duration::from_millis(4)),
        ("timer_slack", State::Warning, |it| it.clock.slack = Some(Duration::from_millis(4))),
    ];
    for (id, state, spoil) in spoilt {
        let found = the_one(spoil, Some(&needs));
        assert_eq!((found.0, found.1), (id, state));
        assert!(!found.2.is_empty());
    }
}

#[test]
fn late_timers_are_a_warning_and_too_late_ones_make_every_run_inconclusive() {
    let late = |millis| move |it: &mut Readings| it.clock.late[1] = Duration::from_millis(millis);
    assert_eq!(the_one(late(3), None).1, State::Warning);
    assert_eq!(the_one(late(20), None).1, State::Problem);
    // Where priority may be asked for, it is offered.
    let mut readings = healthy();
    late(3)(&mut readings);
    readings.real_time = RealTime::Allowed;
    let ids: Vec<_> = wanting(examine(&readings, None)).into_iter().map(|found| found.0).collect();
    assert_eq!(ids, ["timers", "real_time_priority"]);
}

#[test]
fn a_faster_clock_is_named_where_the_kernel_has_one() {
    let slow = |it: &mut Readings| {
        it.clock.source = Some("hpet".to_owned());
        it.clock.others = vec!["tsc".to_owned()];
    };
    assert!(the_one(slow, None).2.starts_with("echo tsc | sudo tee /sys/"));
}
