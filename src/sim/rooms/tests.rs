//! Rooms against closed forms of base stock (each within four standard errors and 10 % of it), and against
//! bursts and updates that are worked out by hand.

use domain::law::Law;
use domain::time::Duration;

use super::*;
use crate::evidence::rooms::{RoomStep, RoomVisitors};
use crate::scenario::rooms::Doors;
use crate::tier::warm_pool::{Machine, Pool, Resize, Update, erlang_b, poisson_tail};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn at(seconds: u64) -> Time {
    Time::from_millis(seconds * 1_000)
}

/// Ten rooms a minute in the mean, and machines that come a minute after they were ordered: ten are under way.
fn rooms(size: u32, empty: Empty) -> Rooms {
    Rooms {
        name: "venues".to_owned(),
        lasts: s(60_000),
        openings_per_s: 10.0 / 60.0,
        doors: None,
        capacity: 1,
        stay: None,
        empty,
        within: s(5),
        pool: Pool { size, lead: Law::Constant(s(60)), schedule: Vec::new() },
        machine: Machine { rooms: 1, performance: 1.0, price: 0.0 },
        update: None,
    }
}

fn lived_seeded(rooms: &Rooms, seed: u64) -> RoomRecord {
    let record = run(rooms, seed, &mut || ControlFlow::Continue(()));
    let RoomRecord { openings, assigned, left, stock_outs, .. } = record;
    assert!(openings >= assigned + left && stock_outs >= left, "{openings} {assigned} {left}");
    let sum = |of: fn(&RoomStep) -> u64| record.series.iter().map(of).sum::<u64>();
    assert_eq!(sum(|step| step.openings), openings);
    assert_eq!(sum(|step| step.stock_outs), stock_outs);
    record
}

fn lived(rooms: &Rooms) -> RoomRecord {
    lived_seeded(rooms, 20_261_121)
}

/// Twenty runs, each of a seed of its own.
fn replications(rooms: &Rooms) -> Vec<RoomRecord> {
    (1..=20).map(|seed| lived_seeded(rooms, seed)).collect()
}

/// A figure of all runs lies within four standard errors of what it must be, and within a share of it.
fn is_near(
    runs: &[RoomRecord],
    (what, tolerance): (&str, f64),
    expected: f64,
    figure: impl Fn(&RoomRecord) -> f64,
) {
    let found: Vec<f64> = runs.iter().map(figure).collect();
    let count = found.len() as f64;
    let mean = found.iter().sum::<f64>() / count;
    let squares: f64 = found.iter().map(|one| (one - mean) * (one - mean)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let told = format!("{what}: {mean} ± {error}, not {expected}");
    assert!((mean - expected).abs() <= 4.0 * error, "{told}");
    assert!((mean / expected - 1.0).abs() <= tolerance, "{told}");
}

/// The share that found none ready is what the law says, and so is what is under way, in the mean.
fn empties(rooms: &Rooms, runs: &[RoomRecord], stock_out: f64, under_way: f64) {
    let what = format!("{:?} of {} with {:?}", rooms.empty, rooms.pool.size, rooms.pool.lead);
    is_near(runs, (&what, 0.1), stock_out, |record| {
        record.stock_outs as f64 / record.openings as f64
    });
    let what = format!("under way, {what}");
    is_near(runs, (&what, 0.02), under_way, |record| record.booting_s / record.until.seconds());
}

/// Leads of a minute in the mean: what is under way does not hang on their law.
fn leads() -> [Law; 3] {
    [
        Law::Constant(s(60)),
        Law::Exponential { mean: s(60) },
        Law::Lognormal { median: Duration::from_secs_f64(60.0 / libm::exp(0.18)), sigma: 0.6 },
    ]
}

#[test]
fn who_leaves_an_empty_pool_makes_it_erlang_b() {
    // B(15, 10) is 0.0365.
    assert!((erlang_b(15, 10.0) - 0.036_497).abs() < 1e-5);
    let meant = leads().map(|lead| (15, lead)).into_iter().chain([(10, Law::Constant(s(60)))]);
    for (size, lead) in meant {
        let mut rooms = rooms(size, Empty::Leave);
        rooms.pool.lead = lead;
        // Whoever left ordered nothing: λL(1 − B) are under way.
        let blocked = erlang_b(size, 10.0);
        empties(&rooms, &replications(&rooms), blocked, 10.0 * (1.0 - blocked));
    }
}

#[test]
fn who_waits_finds_as_many_under_way_as_a_poisson_number_says() {
    // P(N ≥ 15) of 10 is 0.0835.
    assert!((poisson_tail(15, 10.0) - 0.083_458).abs() < 1e-5);
    for lead in leads() {
        let mut rooms = rooms(15, Empty::Wait);
        rooms.pool.lead = lead;
        empties(&rooms, &replications(&rooms), poisson_tail(15, 10.0), 10.0);
    }
}

#[test]
fn how_long_one_waits_hangs_on_how_many_came_before() {
    // A room has the machine that was ordered P openings before it: it waits longer than t if so many came in
    // L − t.
    for (size, within_s) in [(12, 2), (12, 10)] {
        let mut rooms = rooms(size, Empty::Wait);
        rooms.within = s(within_s);
        let runs = replications(&rooms);
        let expected = poisson_tail(size, 10.0 * (60.0 - within_s as f64) / 60.0);
        is_near(&runs, (&format!("{size} within {within_s} s"), 0.1), expected, |record| {
            1.0 - record.assigned_within as f64 / record.openings as f64
        });
        let longest = runs[0].wait_s.unwrap().max;
        assert!((10.0..60.1).contains(&longest), "{longest}");
    }
}

/// Twenty-five rooms at once, at 200 s, for a pool of ten whose machines come 100 s after they were ordered.
fn burst(empty: Empty) -> Rooms {
    Rooms {
        lasts: s(600),
        openings_per_s: 0.0,
        doors: Some(Doors { at: at(200), visitors: 50, over: Duration::ZERO }),
        capacity: 2,
        pool: Pool { size: 10, lead: Law::Constant(s(100)), schedule: Vec::new() },
        ..rooms(10, empty)
    }
}

/// Of each second: machines in use, booting, ready.
fn machines(record: &RoomRecord, second: usize) -> [u64; 3] {
    let step = record.series[second];
    [step.in_use, step.booting, step.ready]
}

#[test]
fn of_a_burst_ten_have_their_machine_at_once_and_the_others_after_the_lead() {
    let record = lived(&burst(Empty::Wait));
    assert_eq!((record.openings, record.assigned, record.stock_outs), (25, 25, 15));
    assert_eq!(record.assigned_within, 10);
    let wait = record.wait_s.unwrap();
    assert!((wait.p50 / 100.0 - 1.0).abs() < 1e-3 && (wait.max / 100.0 - 1.0).abs() < 1e-3);
    assert_eq!(machines(&record, 199), [0, 0, 10]);
    assert_eq!(machines(&record, 250), [10, 25, 0]);
    assert_eq!(machines(&record, 301), [25, 0, 10]);
    assert_eq!(record.most, 35);
    let record = lived(&burst(Empty::Leave));
    assert_eq!((record.assigned, record.left, record.assigned_within), (10, 15, 10));
    assert_eq!(record.visitors, RoomVisitors { came: 50, left: 30, disconnected: 0 });
    assert_eq!(machines(&record, 301), [10, 0, 10], "nothing was ordered for those who left");
}

#[test]
fn who_waits_still_at_the_end_has_waited_until_then() {
    // Fifteen hundred rooms at 200 s for a thousand machines, and the next ones come after the end.
    let mut rooms = burst(Empty::Wait);
    rooms.doors = Some(Doors { at: at(200), visitors: 3_000, over: Duration::ZERO });
    rooms.pool = Pool { size: 1_000, lead: Law::Constant(s(7_200)), schedule: Vec::new() };
    let record = lived(&rooms);
    assert_eq!((record.openings, record.assigned, record.stock_outs), (1_500, 1_000, 500));
    let wait = record.wait_s.unwrap();
    assert_eq!(wait.count, 1_500);
    assert!(wait.p50.abs() < 1e-9, "{wait:?}");
    for seconds in [wait.p90, wait.p99, wait.max] {
        assert!((seconds / 400.0 - 1.0).abs() < 1e-3, "until 600 s: {wait:?}");
    }
}

#[test]
fn a_pool_that_was_enlarged_in_time_serves_all_at_once() {
    for (enlarged_s, waited, longest_s) in [(60, 0, 0.0), (150, 15, 50.0)] {
        let mut rooms = burst(Empty::Wait);
        rooms.pool.schedule =
            vec![Resize { at: at(enlarged_s), size: 25 }, Resize { at: at(400), size: 10 }];
        let record = lived(&rooms);
        assert_eq!((record.assigned, record.stock_outs), (25, waited), "{enlarged_s} s");
        let longest = record.wait_s.unwrap().max;
        assert!((longest - longest_s).abs() < 0.1, "{longest}, not {longest_s}");
        assert_eq!(machines(&record, 399), [25, 0, 25]);
        assert_eq!(machines(&record, 401), [25, 0, 10], "what is too much is stopped");
    }
}

#[test]
fn those_who_come_over_a_while_open_rooms_over_it() {
    let mut rooms = burst(Empty::Wait);
    rooms.doors = Some(Doors { at: at(200), visitors: 49, over: s(50) });
    let record = lived(&rooms);
    assert_eq!((record.openings, record.visitors.came), (25, 49));
    assert!(record.series[200..250].iter().step_by(2).all(|step| step.openings == 1));
    // The eleventh has the machine that was ordered for the first, 20 s before it came, and so on.
    let wait = record.wait_s.unwrap();
    assert!((wait.max - 80.0).abs() < 0.1, "{wait:?}");
}

#[test]
fn a_machine_of_a_higher_performance_holds_more_rooms() {
    let mut rooms = burst(Empty::Wait);
    rooms.pool.size = 2;
    rooms.machine = Machine { rooms: 3, performance: 1.3334, price: 0.17 };
    rooms.doors = Some(Doors { at: at(200), visitors: 20, over: Duration::ZERO });
    let record = lived(&rooms);
    assert_eq!((record.openings, record.stock_outs, record.assigned), (10, 2, 10));
    // Two more for the pool, and one for both of those that wait.
    assert_eq!(machines(&record, 250), [2, 3, 0]);
    assert_eq!(machines(&record, 301), [3, 0, 2]);
}

#[test]
fn a_machine_whose_last_room_is_over_is_gone() {
    let mut rooms = burst(Empty::Wait);
    rooms.machine.rooms = 5;
    rooms.pool.size = 5;
    rooms.stay = Some(Law::Constant(s(150)));
    let record = lived(&rooms);
    assert_eq!(machines(&record, 301), [5, 0, 5]);
    assert_eq!(machines(&record, 351), [0, 0, 5]);
    // 5 machines 200 s before; 10 for 150 s; 5 for what is left.
    let machine_s = record.booting_s + record.ready_s + record.in_use_s;
    assert!((machine_s - (1_000.0 + 1_500.0 + 1_250.0)).abs() < 1e-6, "{machine_s}");
}

/// Rooms of thirty people that last ten minutes, and an update after half an hour.
fn updated(strategy: Strategy) -> Rooms {
    Rooms {
        lasts: s(3_600),
        capacity: 30,
        stay: Some(Law::Constant(s(600))),
        update: Some(Update { at: at(1_800), strategy }),
        ..rooms(20, Empty::Wait)
    }
}

#[test]
fn idle_machines_first_closes_no_room_and_keeps_the_pool_full() {
    let rooms = updated(Strategy::IdleFirst { deadline: None });
    let record = lived(&rooms);
    let update = record.update.clone().unwrap();
    assert_eq!((record.visitors.disconnected, update.closed, record.reopened), (0, 0, 0));
    assert!(update.rooms > 60, "{update:?}");
    // The last old machines are taken until new ones come after a minute, and each room lasts ten.
    let took = update.ended.unwrap().since(update.began);
    assert!((s(600)..=s(660)).contains(&took), "{took:?}");
    let plain = lived(&Rooms { update: None, ..rooms });
    assert!(
        record.stock_outs <= plain.stock_outs,
        "{} and {}",
        record.stock_outs,
        plain.stock_outs
    );
    assert_eq!(record.openings, plain.openings);
}

#[test]
fn all_at_once_closes_every_room_and_its_people_wait_for_new_machines() {
    let record = lived(&updated(Strategy::AllAtOnce));
    let update = record.update.clone().unwrap();
    assert!(update.closed > 60 && update.closed == update.rooms, "{update:?}");
    assert_eq!(update.ended, Some(update.began));
    assert_eq!(record.reopened, update.closed);
    assert_eq!(record.visitors.disconnected, update.closed * 30);
    assert!(record.stock_outs >= update.closed);
    let longest = record.wait_s.unwrap().max;
    assert!((longest - 60.0).abs() < 0.1, "{longest}");
    // An entry is three seconds long.
    assert_eq!((record.step_s, record.series[601].rooms), (3, 0));
    // They go on where they were broken off: rooms are open for as long as without the update, only later.
    let plain = lived(&Rooms { update: None, ..updated(Strategy::AllAtOnce) });
    let ratio = record.in_use_s / plain.in_use_s;
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
}

#[test]
fn a_deadline_closes_what_is_left_then() {
    let record = lived(&updated(Strategy::IdleFirst { deadline: Some(s(300)) }));
    let update = record.update.clone().unwrap();
    // Those of the last five minutes before the update, and of the minute after it: some sixty.
    assert!((30..100).contains(&update.closed) && update.closed < update.rooms, "{update:?}");
    assert_eq!(update.ended, Some(update.began + s(300)));
    assert_eq!(record.reopened, update.closed);
}

#[test]
fn who_is_thrown_out_at_a_deadline_before_new_machines_are_ready_waits_for_these() {
    // Twenty-five rooms since 200 s; at 400 s thirty new machines are ordered, and come after 100 s.
    let mut rooms = burst(Empty::Wait);
    rooms.pool.size = 30;
    let strategy = Strategy::IdleFirst { deadline: Some(s(30)) };
    rooms.update = Some(Update { at: at(400), strategy });
    let record = lived(&rooms);
    let update = record.update.clone().unwrap();
    assert_eq!((update.rooms, update.closed, record.reopened), (25, 25, 25));
    assert_eq!(update.ended, Some(at(430)));
    assert_eq!(record.visitors, RoomVisitors { came: 100, left: 0, disconnected: 50 });
    assert_eq!((record.openings, record.assigned, record.stock_outs), (50, 50, 25));
    let longest = record.wait_s.unwrap().max;
    assert!((longest / 70.0 - 1.0).abs() < 1e-3, "{longest}");
    // Thirty for the pool, and one for each that waits.
    assert_eq!(machines(&record, 429), [25, 30, 30]);
    assert_eq!(machines(&record, 450), [0, 55, 0]);
    assert_eq!(machines(&record, 501), [25, 25, 5]);
    assert_eq!(machines(&record, 531), [25, 0, 30]);
}

#[test]
fn the_same_seed_gives_the_same_record() {
    let rooms = Rooms {
        stay: Some(Law::Exponential { mean: s(600) }),
        ..updated(Strategy::IdleFirst { deadline: Some(s(60)) })
    };
    assert_eq!(lived(&rooms), lived(&rooms));
    assert_ne!(lived(&rooms), lived_seeded(&rooms, 2));
}

#[test]
fn a_run_that_is_broken_off_ends_there() {
    let rooms = Rooms { lasts: s(12_000_000), ..rooms(15, Empty::Leave) };
    let record = run(&rooms, 1, &mut || ControlFlow::Break(()));
    assert!(record.until < at(12_000_000) && !record.series.is_empty());
}
