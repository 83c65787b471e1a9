//! What waiting fans cost: the memory of the whole program with one and with ten million of them,
//! the time to make one, and how late they wake at 250,000 a second.
//!
//! Each figure is one line on stdout: its name, its value and its unit.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use domain::id::FanId;
use domain::law::Law;
use domain::time::{Duration, Time};
use spike::fan::behaviour::{Behaviour, Reload};
use spike::fan::route::Route;
use spike::fan::{Action, Crowd, Fan, Input};
use spike::live::clock::{Clock, processor_time};
use spike::live::sleepers::Sleepers;
use spike::measure::latency::{histogram, microseconds};
use spike::measure::timeline::Timeline;

/// A crowd that comes within seconds and waits for an opening that never comes. Nobody looks at the
/// page, so that connections are not what is measured.
const SCENARIO: &str = r#"
schema = 1
name = "waiting"
seed = 3

[live]
connections = { pool = 8 }

[[sale]]
id = "day-1"
opens = "+900s"
lasts = "1s"
items = [{ id = "tee", stock = 50, price = 4_500 }]

[[fans]]
name = "fans"
count = 1_000_000
arrive = { shape = "poisson", from = "-899s", over = "2s" }
reload = { gap = "1s", growth = 0.0, calls = 0, cacheable = 0 }
patience = "1s"

[shop]
storage = "memory"

[provider]
profile = "stripe-2024"
"#;
/// Fans in one process of this benchmark.
const FANS: u32 = 1_000_000;
/// Over how long they wake: 250,000 a second.
const WAKING: Duration = Duration::from_secs(4);
/// The most that wake at once, as in a load loop.
const BATCH: usize = 64;
/// The longest that a program may take until all its fans are there.
const PATIENCE: Duration = Duration::from_mins(5);

fn main() {
    print("waiting_1_000_000_fans_peak", program_peak_mb(1_000_000), "MB");
    print("waiting_10_000_000_fans_peak", program_peak_mb(10_000_000), "MB");
    let crowd = crowd();
    let mut fans = Vec::with_capacity(FANS as usize);
    let mut sleepers = Sleepers::with_capacity(FANS as usize);
    let before = processor_time();
    for index in 0..FANS {
        let mut fan = Fan::new(FanId { population: 0, index });
        let action = fan.step(Input::Arrived { at: wakes_at(index) }, &crowd);
        assert!(matches!(action, Action::Sleep { .. }), "nobody asks before the opening");
        sleepers.insert(index, wakes_at(index));
        fans.push(fan);
    }
    let spent = processor_time().saturating_sub(before);
    print("waiting_fan_made", spent.as_nanos() as f64 / f64::from(FANS), "ns");
    wake(&mut sleepers);
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn print(name: &str, value: f64, unit: &str) {
    println!("{name} {value:.3} {unit}");
}

/// Those who wait for an opening.
fn crowd() -> Crowd {
    Crowd {
        seed: 3,
        population: 0,
        behaviour: Behaviour {
            reload: Reload { calls: 0, cacheable: 0, ..Behaviour::default().reload },
            patience: Law::Constant(Duration::from_mins(10)),
            ..Behaviour::default()
        },
        route: Route::embedded(&Reload { calls: 0, ..Reload::default() }, 0),
        opens: Time::from_millis(600_000),
        closes: Time::from_millis(900_000),
        demand: vec![1.0],
        slots: 0,
        limit_per_fan: 1,
    }
}

/// When each fan's sleep ends: one second after the beginning at the earliest, in no order.
fn wakes_at(index: u32) -> Time {
    let share = f64::from(index.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
    Time::from_millis(1_000) + WAKING.mul_f64(share)
}

/// Wakes all fans as a load loop does, and tells how late.
fn wake(sleepers: &mut Sleepers) {
    let mut late = histogram();
    let clock = Clock::begin_in(Duration::ZERO);
    let before = processor_time();
    while let Some(due) = sleepers.next_due() {
        clock.sleep_until(due, Duration::from_millis(50));
        let now = clock.now();
        sleepers.expire(now, BATCH, |_, due| late.saturating_record(microseconds(due, now)));
    }
    let spent = processor_time().saturating_sub(before);
    assert_eq!(late.len(), u64::from(FANS), "everybody has woken");
    print("waking_250_000_per_s_late_p50", late.value_at_quantile(0.50) as f64 / 1e3, "ms");
    print("waking_250_000_per_s_late_p99", late.value_at_quantile(0.99) as f64 / 1e3, "ms");
    print("waking_fan", spent.as_nanos() as f64 / f64::from(FANS), "ns");
}

/// The peak memory of a `spike run` in which so many fans wait \[MB of 2^20 bytes\].
fn program_peak_mb(fans: u64) -> f64 {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let scenario = folder.path().join("waiting.toml");
    std::fs::write(&scenario, SCENARIO).expect("a file in it");
    let mut count = String::new();
    write!(count, "fans.0.count={fans}").expect("a string takes all");
    let mut program = Command::new(env!("CARGO_BIN_EXE_spike"));
    program.args(["run", "-q", "--no-tui", "--set", &count, "-o"]).arg(folder.path());
    program.arg(&scenario).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::null());
    let mut child = program.spawn().expect("the program starts");
    let peak = peak_once_there(&mut child, folder.path(), fans);
    child.kill().expect("it runs still");
    child.wait().expect("it has been killed");
    peak
}

/// The peak of a program once all its fans have arrived.
fn peak_once_there(child: &mut Child, folder: &Path, fans: u64) -> f64 {
    let clock = Clock::begin_in(Duration::ZERO);
    let timeline = folder.join("waiting/latest/timeline.jsonl");
    let arrived = || {
        let file = std::fs::File::open(&timeline).ok()?;
        let timeline = Timeline::read(std::io::BufReader::new(file)).ok()?;
        Some(timeline.total().arrived)
    };
    while arrived().unwrap_or(0) < fans {
        assert!(child.try_wait().expect("it is a child").is_none(), "the program has ended");
        assert!(clock.now() < Time::ZERO + PATIENCE, "the fans do not arrive");
        clock.sleep_until(clock.now() + Duration::from_millis(100), PATIENCE);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.expect("the kernel knows the program");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.trim().strip_suffix(" kB")).expect("a peak is known");
    peak.trim().parse::<f64>().expect("it is a number") / 1_024.0
}
