//! Devices against what is worked out by hand: fluids of attempts and servers, a map of rounds, paces.

use domain::rate::Rate;
use domain::time::Duration;

use super::*;
use crate::device::{Doubles, Ocpp, Reconnect};
use crate::tier::websocket::{Deploy, Server, Strategy};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn at(seconds: u64) -> Time {
    Time::from_millis(seconds * 1_000)
}

/// 30,000 devices and containers that accept 500 a second; all are killed after a minute.
fn storm(reconnect: Reconnect) -> Devices {
    Devices {
        name: "devices".to_owned(),
        count: 30_000,
        lasts: s(600),
        timeout: s(600),
        network: Duration::from_millis(50),
        reconnect,
        heartbeat: None,
        status: None,
        lifetime: None,
        server: Server {
            tasks: 10,
            servers: 5,
            service: Law::Constant(Duration::from_millis(100)),
            backlog: None,
            stale: Stale::Served,
        },
        database: None,
        deploy: Some(Deploy { at: at(60), strategy: Strategy::Kill { start: Duration::ZERO } }),
    }
}

fn lived(devices: &Devices) -> DeviceRecord {
    let record = run(devices, 20_261_121, &mut || ControlFlow::Continue(()));
    // Whoever tried was accepted, refused, gave up, or still waits.
    let sum = |of: fn(&crate::evidence::devices::DeviceSecond) -> u64| {
        record.seconds.iter().map(of).sum::<u64>()
    };
    let ended = sum(|one| one.accepted) + sum(|one| one.refused) + sum(|one| one.timed_out);
    let open = sum(|one| one.attempts) - ended;
    assert!(open <= u64::from(devices.count), "{open} attempts are open");
    record
}

/// How long after the kill the last device was connected again \[s\].
fn last_s(record: &DeviceRecord) -> f64 {
    let deploy = record.deploy.as_ref().unwrap();
    assert_eq!((deploy.cut, deploy.still_away), (30_000, 0));
    deploy.last_back.unwrap().since(deploy.began).as_secs_f64()
}

fn backlog(record: &DeviceRecord) -> f64 {
    record.seconds.iter().map(|second| second.backlog).max().unwrap_or_default() as f64
}

fn first_peak(record: &DeviceRecord) -> f64 {
    let firsts = record.seconds.iter().map(|second| second.first_attempts);
    firsts.max().unwrap_or_default() as f64
}

#[test]
fn a_storm_with_jitter_is_a_fluid() {
    // N attempts come evenly over J, and a are accepted per second: max(0, N − aJ) wait at most, and the
    // last one is connected at max(J, N/a).
    for jitter_s in [1, 15, 30, 45, 90, 120] {
        let base = s(jitter_s);
        let record = lived(&storm(Reconnect::FullJitter { base, cap: base }));
        let expected = (30_000.0 - 500.0 * jitter_s as f64).max(0.0);
        let found = backlog(&record);
        // Chance moves a count of attempts by √N/2 at most, some 90; four of those.
        assert!((found - expected).abs() < 360.0, "{jitter_s} s: {found} wait, not {expected}");
        let (found, expected) = (last_s(&record), (jitter_s as f64).max(60.0));
        assert!((found - expected).abs() < 0.5, "{jitter_s} s: {found} s, not {expected} s");
    }
}

#[test]
fn first_attempts_come_as_their_rule_says() {
    let ocpp =
        |doubles| Reconnect::Ocpp(Ocpp { minimum: s(10), doublings: 3, range: s(10), doubles });
    let (base, cap) = (s(5), s(60));
    for (reconnect, per_s) in [
        (Reconnect::Immediate, 30_000.0),
        (Reconnect::Fixed { every: s(10) }, 30_000.0),
        (Reconnect::FullJitter { base, cap }, 6_000.0), // N/base
        (Reconnect::EqualJitter { base, cap }, 12_000.0),
        (Reconnect::Decorrelated { base, cap }, 3_000.0),
        (ocpp(Doubles::Minimum), 3_000.0), // N/W
        (ocpp(Doubles::Both), 3_000.0),
    ] {
        let found = first_peak(&lived(&storm(reconnect)));
        assert!((found / per_s - 1.0).abs() < 0.05, "{reconnect:?}: {found}, not {per_s}");
    }
}

/// When the last of N devices is connected that ask again at once, in time-outs; never, if they keep each
/// other out. N/A is x time-outs. In each round so many wait in vain before those who ask anew, and whoever
/// is not reached within the time-out asks once more.
fn rounds(x: f64) -> Option<f64> {
    let (mut stale, mut fresh) = (0.0, x);
    for round in 0..100 {
        let reached = f64::max(0.0, 1.0 - stale);
        if fresh <= reached {
            return Some(f64::from(round) + stale + fresh);
        }
        if reached == 0.0 {
            return None;
        }
        (stale, fresh) = (stale + fresh - 1.0, fresh - reached);
    }
    None
}

#[test]
fn who_asks_again_at_once_is_kept_out_by_what_he_gave_up() {
    // All of 30,000 are accepted in 60 s. With a longer time-out nobody gives up. With a shorter one what was
    // given up is accepted in vain, and it takes longer; with less than half of it nobody comes in any more.
    for (timeout_s, expected_s) in [
        (90, Some(60.0)),
        (61, Some(60.0)),
        (50, Some(70.0)),
        (40, Some(80.0)),
        (36, Some(rounds(60.0 / 36.0).unwrap() * 36.0)),
        (32, Some(rounds(60.0 / 32.0).unwrap() * 32.0)),
        (25, None),
        (20, None),
    ] {
        let devices =
            Devices { timeout: s(timeout_s), lasts: s(240), ..storm(Reconnect::Immediate) };
        let record = lived(&devices);
        assert_eq!(record.in_vain > 0, timeout_s < 60, "{timeout_s} s: {}", record.in_vain);
        let Some(expected_s) = expected_s else {
            // Those who are reached before the first time-out, and nobody after that.
            let connected = record.seconds.last().unwrap().connected;
            let first = u32::try_from(timeout_s * 500).unwrap();
            assert!(connected.abs_diff(first) < 100, "{timeout_s} s: {connected}");
            continue;
        };
        let found_s = last_s(&record);
        assert!(
            (found_s - expected_s).abs() < 1.0,
            "{timeout_s} s: {found_s} s, not {expected_s} s"
        );
    }
}

#[test]
fn a_short_backlog_or_a_look_at_who_is_there_lets_all_in() {
    let base = Devices { timeout: s(20), network: s(1), ..storm(Reconnect::Immediate) };
    let dropped = Server { stale: Stale::Dropped, ..base.server };
    let short = Server { backlog: Some(2_000), ..base.server };
    for (server, is_refused) in [(dropped, false), (short, true)] {
        let record = lived(&Devices { server, ..base.clone() });
        // And the ways there, of each time that all of those who waited gave up.
        assert!((60.0..66.0).contains(&last_s(&record)), "{server:?}: {} s", last_s(&record));
        assert_eq!(record.in_vain, 0, "{server:?}");
        let refused: u64 = record.seconds.iter().map(|second| second.refused).sum();
        assert_eq!(refused > 0, is_refused, "{server:?}");
        assert!(backlog(&record) <= 2_000.0 || !is_refused);
    }
}

#[test]
fn nobody_accepts_until_the_new_containers_are_there() {
    let kill = Strategy::Kill { start: s(10) };
    let deploy = Some(Deploy { at: at(60), strategy: kill });
    let record =
        lived(&Devices { count: 2_000, deploy, ..storm(Reconnect::Fixed { every: s(1) }) });
    let deploy = record.deploy.clone().unwrap();
    assert_eq!(deploy.ended, Some(at(70)));
    assert!(record.seconds[60..70].iter().all(|second| second.connected == 0));
    // Each asks once in 1.05 s, all of them together, and finds nobody nine times.
    assert_eq!(record.seconds[60..70].iter().map(|second| second.refused).sum::<u64>(), 18_000);
    assert_eq!(deploy.still_away, 0);
    assert!(deploy.last_back.unwrap() < at(76), "{deploy:?}");
}

/// Closed at 100 a second, so many containers at a time, which have so long.
fn graceful(at_once: u32, stop_timeout: Option<Duration>) -> Devices {
    let pace = Rate::per_second(100.0).unwrap();
    let strategy = Strategy::Graceful { pace, at_once, stop_timeout };
    Devices { deploy: Some(Deploy { at: at(60), strategy }), ..storm(Reconnect::Immediate) }
}

#[test]
fn a_paced_close_makes_no_peak_and_takes_as_long_as_it_says() {
    for (at_once, stop_timeout) in [(1, None), (10, None), (1, Some(s(120))), (4, Some(s(120)))] {
        let devices = graceful(at_once, stop_timeout);
        let record = lived(&devices);
        let deploy = record.deploy.clone().unwrap();
        assert_eq!((deploy.closed, deploy.cut, deploy.still_away), (30_000, 0, 0));
        let took_s = deploy.ended.unwrap().since(deploy.began).as_secs_f64();
        assert!((took_s - 300.0).abs() < 0.1, "{took_s}");
        assert!(first_peak(&record) <= 101.0, "{}", first_peak(&record));
        // The way there and back, and the time that accepting takes.
        assert!((record.downtime_s.max - 0.15).abs() < 1e-6, "{:?}", record.downtime_s);
    }
}

#[test]
fn what_does_not_fit_the_stop_time_out_is_cut_off() {
    let devices = graceful(10, Some(s(120)));
    let record = lived(&devices);
    let deploy = record.deploy.clone().unwrap();
    let (took, cut) = devices.deploy.unwrap().planned(30_000, 10);
    assert_eq!((deploy.closed, deploy.cut), (12_000, cut));
    assert_eq!(deploy.ended, Some(deploy.began + took));
    assert!(first_peak(&record) >= 18_000.0);
}

#[test]
fn new_connections_shift_and_the_rest_is_cut_off_at_the_end() {
    let strategy = Strategy::BlueGreen { shift: s(300) };
    let devices = Devices {
        deploy: Some(Deploy { at: at(60), strategy }),
        lifetime: Some(s(1_000)),
        ..storm(Reconnect::Immediate)
    };
    let record = lived(&devices);
    let deploy = record.deploy.clone().unwrap();
    // A connection ends with rate 1/L, and a new one at t goes to the old containers with 1 − t/S: their share
    // obeys o' = (1 − t/S − o)/L, and is (L/S)(1 − e^(−S/L)) at the end.
    let (lasts_s, shift_s) = (1_000.0, 300.0);
    let expected = lasts_s / shift_s * (1.0 - libm::exp(-shift_s / lasts_s));
    let found = f64::from(deploy.cut) / f64::from(deploy.connected);
    assert!((found - expected).abs() < 0.01, "{found}, not {expected}");
    assert_eq!(deploy.ended, Some(at(360)));
    let none = Devices { lifetime: None, ..devices };
    assert_eq!(lived(&none).deploy.unwrap().cut, 30_000, "all stayed");
}

/// Statements of 4 ms on two servers, under heartbeats each minute.
fn with_database(count: u32) -> Devices {
    let constant = |millis| Law::Constant(Duration::from_millis(millis));
    Devices {
        count,
        heartbeat: Some(s(60)),
        timeout: s(30),
        deploy: None,
        database: Some(Database {
            servers: 2,
            connect: constant(10),
            heartbeat: constant(4),
            status: constant(0),
            batch: None,
        }),
        ..storm(Reconnect::Immediate)
    }
}

#[test]
fn a_database_is_used_as_much_as_it_is_asked_for() {
    let devices = with_database(12_000);
    let record = lived(&devices);
    let used = record.database.as_ref().unwrap();
    let mean = used.iter().sum::<f64>() / used.len() as f64;
    // 200 heartbeats per second of 4 ms on two servers.
    assert!(
        (mean - 0.4).abs() < 0.005 && (devices.usual_share().unwrap() - 0.4).abs() < 1e-9,
        "{mean}"
    );
    assert_eq!((record.unanswered, record.downtime_s.max), (0, 0.0));
    let waited = record.heartbeat_s.unwrap();
    // A heartbeat or two are under way at the end.
    assert!((119_950..=120_000).contains(&waited.count), "{waited:?}");
    assert!(waited.p50 >= 0.054 && waited.max < 0.2, "{waited:?}");
}

#[test]
fn a_batch_takes_its_servers_and_heartbeats_wait_for_the_rest() {
    let mut devices = with_database(12_000);
    let batch = Batch { every: s(100), per_device: Duration::from_millis(2), servers: 1 };
    devices.database.as_mut().unwrap().batch = Some(batch);
    let record = lived(&devices);
    let used = record.database.as_ref().unwrap();
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    // 24 s of each hundred: half of it is the batch's, and 80 % of the other half is used.
    assert!((mean(&used[100..124]) - 0.9).abs() < 0.02, "{}", mean(&used[100..124]));
    assert!((mean(&used[130..200]) - 0.4).abs() < 0.02);
    // With all servers gone nobody is answered for as long as it lasts.
    devices.database.as_mut().unwrap().batch = Some(Batch { servers: 2, ..batch });
    let waited = lived(&devices).heartbeat_s.unwrap();
    assert!((11.0..14.0).contains(&waited.max), "{waited:?}");
}

#[test]
fn a_database_that_is_asked_for_too_much_loses_them_all() {
    // 40,000 heartbeats a minute are 133 % of it: answers come too late, and whoever lost his connection
    // asks for one, which costs more.
    let record = lived(&with_database(40_000));
    assert!(record.unanswered > 0);
    let last = record.seconds.last().unwrap().connected;
    assert!(last < 30_000, "{last} are connected");
}

#[test]
fn the_same_seed_gives_the_same_record() {
    let devices = Devices { status: Some(s(120)), lifetime: Some(s(900)), ..with_database(3_000) };
    assert_eq!(lived(&devices), lived(&devices));
    let other = run(&devices, 2, &mut || ControlFlow::Continue(()));
    assert_ne!(lived(&devices), other);
}

#[test]
fn a_run_that_is_broken_off_ends_there() {
    let record = run(&with_database(12_000), 1, &mut || ControlFlow::Break(()));
    assert!(record.until < at(600) && !record.seconds.is_empty());
}
