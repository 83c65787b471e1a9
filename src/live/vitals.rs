//! What the machine does to the generator, once a second, as `/proc` tells it (proc(5)).
//!
//! Everywhere else the processor time of this process is known, and the rest is absent.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use domain::time::{Duration, Time};

use crate::live::awake::AWAKE_THREAD;
use crate::live::clock::processor_time;
use crate::measure::vitals::{CoreWaits, MachineLoad, Vitals};

/// Less than this between two readings says too little.
const SPAN_MIN: Duration = Duration::from_millis(500);
/// What the names of load threads begin with.
pub(super) const LOAD_THREAD: &str = "load-";

/// Reads what the load processes and the machine did since the last reading.
#[derive(Debug)]
pub(super) struct Gauge {
    /// The load processes.
    pids: Vec<u32>,
    at: Time,
    last: Totals,
}

/// What a second did to the generator.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Reading {
    /// The cores that the load processes used.
    pub(super) cores: f64,
    pub(super) vitals: Vitals,
}

/// What has been counted since the machine, or a process, began.
#[derive(Clone, Debug, Default)]
struct Totals {
    machine: Option<Machine>,
    processes: BTreeMap<u32, Process>,
    /// What this process used to keep cores awake; absent where it does not.
    awake: Option<Duration>,
}

/// Time of all cores, in ticks of the system.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
struct Machine {
    cores: u32,
    busy: u64,
    stolen: u64,
    all: u64,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
struct Process {
    used: Duration,
    waits: Option<Waits>,
}

/// How long load threads were ready to run and did not, and how often they were given a core.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
struct Waits {
    waited_ns: u64,
    turns: u64,
}

/// What a thread has had of the cores.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Turns {
    ran_ns: u64,
    waits: Waits,
}

impl Gauge {
    /// A gauge of the load processes `pids`, from `at` on.
    pub(super) fn new(pids: Vec<u32>, at: Time) -> Self {
        let last = Totals::read(&pids);
        Self { pids, at, last }
    }

    /// What was done since the last reading; `None` after less than half a second.
    /// `clock_error` is how wrong the run's clock may be by now.
    pub(super) fn read(&mut self, at: Time, clock_error: Duration) -> Option<Reading> {
        let span = at.since(self.at);
        if span < SPAN_MIN {
            return None;
        }
        let now = Totals::read(&self.pids);
        let reading = now.since(&self.last, span, clock_error);
        (self.at, self.last) = (at, now);
        Some(reading)
    }
}

impl Totals {
    fn read(pids: &[u32]) -> Self {
        let machine = fs::read_to_string("/proc/stat").ok().and_then(|text| machine(&text));
        let processes = pids.iter().map(|pid| (*pid, Process::read(*pid))).collect();
        Self { machine, processes, awake: awake() }
    }

    fn since(&self, before: &Self, span: Duration, clock_error: Duration) -> Reading {
        let mut used = Duration::ZERO;
        let mut waits = None;
        for (pid, now) in &self.processes {
            // What a process that has just begun, or has ended, did before counts for nothing.
            let Some(then) = before.processes.get(pid) else { continue };
            used += now.used.saturating_sub(then.used);
            let (Some(now), Some(then)) = (now.waits, then.waits) else { continue };
            let sum: &mut CoreWaits = waits.get_or_insert_default();
            sum.waited_ms += now.waited_ns.saturating_sub(then.waited_ns) as f64 / 1e6;
            sum.turns += now.turns.saturating_sub(then.turns);
        }
        let awake = self.awake.map(|now| now.saturating_sub(before.awake.unwrap_or_default()));
        used = used.saturating_sub(awake.unwrap_or_default());
        let machine = self.machine.zip(before.machine);
        let span_s = span.as_secs_f64();
        Reading {
            cores: used.as_secs_f64() / span_s,
            vitals: Vitals {
                span_s,
                machine: machine.and_then(|(now, then)| now.since(then, awake)),
                waits,
                clock_error_us: Some(clock_error.as_secs_f64() * 1e6),
            },
        }
    }
}

impl Machine {
    /// What all cores did between two readings, `awake` of it only to stay awake; nothing where no
    /// tick passed.
    fn since(self, before: Self, awake: Option<Duration>) -> Option<MachineLoad> {
        let all = self.all.checked_sub(before.all).filter(|ticks| *ticks > 0)? as f64;
        let share = |now: u64, then: u64| now.saturating_sub(then) as f64 / all;
        let per_s = rustix::param::clock_ticks_per_second() as f64;
        let idle = awake.unwrap_or_default().as_secs_f64() * per_s / all;
        Some(MachineLoad {
            cores: self.cores,
            busy: (share(self.busy, before.busy) - idle).max(0.0),
            stolen: share(self.stolen, before.stolen),
            kept_awake: awake.is_some(),
        })
    }
}

impl Process {
    fn read(pid: u32) -> Self {
        let folder = Path::new("/proc").join(pid.to_string());
        let used = if pid == std::process::id() {
            processor_time()
        } else {
            let stat = fs::read_to_string(folder.join("stat")).ok();
            stat.and_then(|text| used(&text)).unwrap_or_default()
        };
        Self { used, waits: waits(&folder) }
    }
}

/// All cores' time, out of `/proc/stat`: `cpu user nice system idle iowait irq softirq steal …`.
fn machine(stat: &str) -> Option<Machine> {
    let mut lines = stat.lines();
    let mut words = lines.next()?.split_whitespace();
    words.next().filter(|name| *name == "cpu")?;
    let ticks: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
    let [.., idle, iowait, _, _, stolen] = ticks[..] else { return None };
    let all: u64 = ticks.iter().sum();
    let cores = lines.take_while(|line| line.starts_with("cpu")).count();
    let busy = all - idle - iowait - stolen;
    Some(Machine { cores: u32::try_from(cores).ok()?, busy, stolen, all })
}

/// The processor time of a process, out of its `stat`: the 14th and 15th words, of which the second,
/// its name in parentheses, may hold anything.
fn used(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let ticks = words.next()?.ok()? + words.next()?.ok()?;
    let per_s = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_secs_f64(ticks as f64 / per_s as f64))
}

/// How long the load threads of the process in `folder` have waited for a core.
fn waits(folder: &Path) -> Option<Waits> {
    let threads = turns_of_threads(folder, LOAD_THREAD);
    threads.into_iter().map(|turns| turns.waits).reduce(|sum, waits| Waits {
        waited_ns: sum.waited_ns + waits.waited_ns,
        turns: sum.turns + waits.turns,
    })
}

/// What the threads of this process that keep cores awake have used for that.
fn awake() -> Option<Duration> {
    let threads = turns_of_threads(Path::new("/proc/self"), AWAKE_THREAD);
    threads.into_iter().map(|turns| Duration::from_nanos(turns.ran_ns)).reduce(|sum, one| sum + one)
}

/// What the threads whose names begin so, of the process in `folder`, have had of the cores.
fn turns_of_threads(folder: &Path, name: &str) -> Vec<Turns> {
    let Ok(threads) = fs::read_dir(folder.join("task")) else { return Vec::new() };
    let turns = |thread: fs::DirEntry| {
        // A thread may have ended since the folder was listed.
        let read = |name: &str| fs::read_to_string(thread.path().join(name)).ok();
        read("comm").filter(|told| told.starts_with(name))?;
        turns_of_thread(&read("schedstat")?)
    };
    threads.flatten().filter_map(turns).collect()
}

/// Out of a thread's `schedstat`: time run \[ns\], time ready and not run \[ns\], turns.
fn turns_of_thread(schedstat: &str) -> Option<Turns> {
    let mut words = schedstat.split_whitespace().map(str::parse::<u64>);
    let ran_ns = words.next()?.ok()?;
    let waits = Waits { waited_ns: words.next()?.ok()?, turns: words.next()?.ok()? };
    Some(Turns { ran_ns, waits })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  10 5 15 50 20 1 2 7 3 0\ncpu0 5 2 8 25 10 0 1 3 1 0\n\
                        cpu1 5 3 7 25 10 1 1 4 2 0\nintr 1 2 3\n";

    #[test]
    fn the_machines_time_is_worked_waited_or_taken_away() {
        let read = machine(STAT).unwrap();
        assert_eq!(read, Machine { cores: 2, busy: 33, stolen: 7, all: 110 });
        let later = Machine { busy: 93, stolen: 17, all: 210, ..read };
        let load = later.since(read, None).unwrap();
        assert_eq!((load.cores, load.busy, load.stolen), (2, 0.6, 0.1));
        assert!(!load.kept_awake);
        assert_eq!(read.since(read, None), None);
        let per_s = rustix::param::clock_ticks_per_second() as f64;
        let awake = Duration::from_secs_f64(20.0 / per_s);
        let load = later.since(read, Some(awake)).unwrap();
        assert!((load.busy - 0.4).abs() < 1e-9, "to stay awake is no work: {load:?}");
        assert!(load.kept_awake);
        assert_eq!(machine("cpu 1 2 3"), None);
        assert_eq!(machine("nonsense"), None);
    }

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "17 (a) b (c) 1) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 4";
        let per_s = rustix::param::clock_ticks_per_second() as f64;
        let read = used(stat).unwrap().as_secs_f64();
        assert!((read - 300.0 / per_s).abs() < 1e-9, "{read} s");
        assert_eq!(used("17 (a) S 1"), None);
    }

    #[test]
    fn a_threads_waits_are_the_second_and_third_number() {
        let waits = Waits { waited_ns: 2_000, turns: 7 };
        assert_eq!(turns_of_thread("9000 2000 7\n"), Some(Turns { ran_ns: 9_000, waits }));
        assert_eq!(turns_of_thread("9000 2000"), None);
    }

    #[test]
    fn load_processes_are_summed_up_and_new_ones_begin_at_nothing() {
        let process = |used_ms, waited_ns, turns| Process {
            used: Duration::from_millis(used_ms),
            waits: Some(Waits { waited_ns, turns }),
        };
        let of = |processes: &[(u32, Process)], awake_ms| Totals {
            machine: None,
            processes: processes.iter().copied().collect(),
            awake: Some(Duration::from_millis(awake_ms)),
        };
        let before = of(&[(1, process(100, 1_000_000, 10)), (2, process(50, 0, 0))], 40);
        let now = [
            (1, process(1_000, 3_000_000, 30)),
            (2, process(250, 5_000_000, 5)),
            (3, process(9_000, 9_000_000, 9)),
        ];
        let now = of(&now, 140);
        let Reading { cores, vitals } =
            now.since(&before, Duration::from_secs(2), Duration::from_micros(40));
        assert!((cores - 0.5).abs() < 1e-9, "{cores} cores");
        assert_eq!(vitals.waits, Some(CoreWaits { waited_ms: 7.0, turns: 25 }));
        assert_eq!((vitals.machine, vitals.span_s), (None, 2.0));
        assert!((vitals.clock_error_us.unwrap() - 40.0).abs() < 1e-9);
    }

    #[test]
    fn the_gauge_reads_this_very_process_about_once_a_second() {
        let mut gauge = Gauge::new(vec![std::process::id()], Time::ZERO);
        let sum: u64 = (0..1_000_000_u64).map(std::hint::black_box).sum();
        assert!(sum > 0);
        assert_eq!(gauge.read(Time::from_millis(400), Duration::ZERO), None);
        let reading = gauge.read(Time::from_millis(1_000), Duration::ZERO).unwrap();
        assert!(reading.cores > 0.0, "{reading:?}");
        assert_eq!(gauge.read(Time::from_millis(1_100), Duration::ZERO), None);
        if let Some(load) = reading.vitals.machine {
            assert!(load.cores > 0 && (0.0..=1.0).contains(&load.busy), "{load:?}");
        }
    }

    #[test]
    fn the_waits_of_load_threads_are_found_by_their_name() {
        let folder = Path::new("/proc/self");
        let read =
            || std::thread::Builder::new().name(format!("{LOAD_THREAD}7")).spawn(|| waits(folder));
        let found = read().unwrap().join().unwrap();
        // A kernel without `/proc/*/schedstat` tells nothing, which is absent rather than zero.
        assert_eq!(found.is_some(), folder.join("schedstat").exists());
        assert_eq!(waits(Path::new("/nowhere")), None);
    }
}
