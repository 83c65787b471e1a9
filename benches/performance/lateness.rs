//! How late requests leave, beside a bare timer loop on the same core.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use anyhow::Context;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

use spike::live::awake::Awake;

use crate::figures::{Bound, Row, Unit, median, ratios};
use crate::{Bench, peers, scenarios};

/// The rates at which precise pacing is held to the bare loop \[requests/s\].
const RATES: [u32; 3] = [5_000, 10_000, 20_000];
/// How long each side runs \[s\].
const LENGTH_S: u32 = 4;
/// How long a run of spike's may take in all.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn rows() -> Vec<Row> {
    RATES.map(row).to_vec()
}

fn row(rate: u32) -> Row {
    let what = format!("lateness p99, precise pacing, {rate}/s: bare timerfd loop");
    Row::new(&what, Unit::Times, Bound::AtMost(1.5), Some(Bound::AtMost(1.2)))
}

pub(crate) fn measure(bench: &Bench, rows: &mut [Row]) -> anyhow::Result<String> {
    // Of a halted core the host decides when it comes back, for both sides, by its own neighbours.
    let _awake = Awake::keep();
    for (rate, row) in RATES.into_iter().zip(rows) {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for round in 0..bench.rounds {
            // Whoever comes second finds another machine: they take turns.
            if round % 2 == 1 {
                ours.push(of_spike(bench, rate)?);
            }
            bare.push(of_timer(bench, rate)?);
            if round % 2 == 0 {
                ours.push(of_spike(bench, rate)?);
            }
        }
        row.rounds = ratios(&ours, &bare);
        let micros = |figures: &[f64]| median(figures).unwrap_or(0.0) * 1e3;
        row.note = format!("spike {:.0} µs, bare loop {:.0} µs", micros(&ours), micros(&bare));
    }
    Ok(String::new())
}

/// The 99 % lateness of what spike sends \[ms\].
fn of_spike(bench: &Bench, rate: u32) -> anyhow::Result<f64> {
    let scenario = scenarios::looks(rate, LENGTH_S);
    let process = peers::spike(bench, &bench.client_core, &scenario, bench.nginx.waiting_port)?;
    let summary = peers::to_the_end(bench, process, PATIENCE)?;
    peers::number(&summary, "/result/health/lateness_ms/p99")
}

/// The 99 % lateness of a loop that does nothing but read a timer at each due time \[ms\].
///
/// It runs on the clients' core, in a thread of its own, so that the pinning ends with it.
fn of_timer(bench: &Bench, rate: u32) -> anyhow::Result<f64> {
    let core: usize = bench.client_core.parse()?;
    let lived = std::thread::scope(|scope| scope.spawn(|| timer_loop(core, rate)).join());
    let mut late_ns = lived.map_err(|_| anyhow::anyhow!("the bare timer loop panicked"))??;
    late_ns.sort_unstable();
    let place = (late_ns.len() * 99).div_ceil(100) - 1;
    Ok(late_ns[place] as f64 / 1e6)
}

/// How late each of the due times was seen \[ns\]: absolute times, so that no lateness shifts the
/// next.
fn timer_loop(core: usize, rate: u32) -> anyhow::Result<Vec<i64>> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).context("failed to pin the bare timer loop")?;
    debug_assert_eq!(sched_getaffinity(None)?.count(), 1, "it stands on one core");
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let mut reader = File::from(timer.try_clone()?);
    let gap_ns = 1_000_000_000 / i64::from(rate);
    let began_ns = now_ns() + 10_000_000;
    let count = i64::from(rate) * i64::from(LENGTH_S);
    let mut late_ns = Vec::with_capacity(usize::try_from(count)?);
    for n in 0..count {
        let due_ns = began_ns + n * gap_ns;
        if now_ns() < due_ns {
            let none = Timespec { tv_sec: 0, tv_nsec: 0 };
            let due = Timespec { tv_sec: due_ns / 1_000_000_000, tv_nsec: due_ns % 1_000_000_000 };
            let once = Itimerspec { it_interval: none, it_value: due };
            timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &once)?;
            reader.read_exact(&mut [0; 8])?;
        }
        late_ns.push(now_ns() - due_ns);
    }
    Ok(late_ns)
}

fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
