//! The load loops together: the crowd shared out over threads, of this process or of load
//! processes, and what they hand over merged once a second.
//!
//! Threads and processes are two sources of the same reports: a thread of this process either runs
//! a loop, or takes what a load process hands over.

use std::io;
use std::panic;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, Scope, ScopedJoinHandle};

use domain::time::Duration;

use crate::live::LiveError;
use crate::live::awake::Awake;
use crate::live::guard::Guard;
use crate::live::load::{Course, LoadLoop, Report};
use crate::live::merge::Merge;
use crate::live::process::{self, Part, Portion, Processes, Reins, parts};
use crate::live::snapshot::Survey;
use crate::live::stop::{Signal, Wish};
use crate::live::vitals::{Gauge, LOAD_THREAD};
use crate::measure::recorder::{Progress, Recorder};

/// How often the main thread looks for snapshots and for the user's wish.
const LOOK: Duration = Duration::from_millis(50);

/// How nice the threads are that make no load: of a core that is fought for, a tenth is theirs.
const NICE: i32 = 10;

/// A thread of a crew.
pub(super) type Hand<'scope> = io::Result<ScopedJoinHandle<'scope, Result<(), LiveError>>>;

/// Starts the load loops, which wait for the run's beginning, writes down once a second what they
/// hand over, and joins them; returns what was merged.
///
/// # Errors
/// When a loop fails, evidence cannot be written, or the user abandons the run.
///
/// # Panics
/// When a loop panics.
pub(super) fn load(
    course: &Course<'_>,
    recorder: &mut Recorder,
    survey: &mut Option<Survey>,
    watch: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Merge, LiveError> {
    let settings = course.settings;
    let processes = settings.processes.as_ref();
    let count = processes.map_or(1, |processes| processes.count);
    let parts = parts(course.scenario, count, settings);
    let loops = parts[0].of();
    let (reports, reported) = mpsc::channel();
    let _awake = settings.keep_awake.then(Awake::keep);
    thread::scope(|scope| {
        let (threads, mut reins) = if let Some(processes) = processes {
            start_processes(scope, course, processes, &parts, &reports)
        } else {
            let portions = parts[0].portions(settings.connections);
            (start_loops(scope, course, portions, &reports), Vec::new())
        };
        drop(reports);
        // With the last of it go the reins, and who still runs ends with these.
        let record = move || {
            give_way();
            let reins = &mut reins;
            let merged = merge_reports(course, loops, reins, &reported, recorder, survey, watch);
            if merged.is_err() {
                course.signal.fail();
            }
            merged
        };
        let builder = thread::Builder::new().name("recorder".to_owned());
        let started = builder.spawn_scoped(scope, record).map_err(LiveError::Load);
        if started.is_err() {
            course.signal.fail();
        }
        let merged = started.map(ScopedJoinHandle::join);
        join(threads)?;
        merged?.unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

/// Lets the load threads go first where they want the core that this thread is on: what it writes
/// down may be late, and what they send may not. On Linux a nice value is the thread's own
/// (setpriority(2)).
pub(super) fn give_way() {
    // Where the system refuses, they share as equals.
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// Starts a thread for each portion, which lives it from the run's beginning on.
pub(super) fn start_loops<'scope>(
    scope: &'scope Scope<'scope, '_>,
    course: &'scope Course<'scope>,
    portions: Vec<Portion>,
    reports: &Sender<Report>,
) -> Vec<Hand<'scope>> {
    let start = |Portion { people, pool }: Portion| {
        let reports = reports.clone();
        let place = people.place as usize;
        start_hand(scope, course, format!("{LOAD_THREAD}{place}"), move || {
            let arrivals = course.scenario.coming(people);
            let load = LoadLoop::new(course, place, arrivals, pool, reports);
            // To put a million in order takes longer than the first of them may wait.
            course.clock.sleep_until_beginning();
            load.and_then(LoadLoop::run).map_err(LiveError::Load)
        })
    };
    portions.into_iter().map(start).collect()
}

/// Starts a load process for each part, and a thread that takes what it hands over.
fn start_processes<'scope>(
    scope: &'scope Scope<'scope, '_>,
    course: &'scope Course<'scope>,
    processes: &Processes,
    parts: &[Part],
    reports: &Sender<Report>,
) -> (Vec<Hand<'scope>>, Vec<Reins>) {
    let (mut hands, mut all_reins) = (Vec::new(), Vec::new());
    for (number, part) in (1..).zip(parts) {
        let started = process::start(course, processes, number, *part);
        hands.push(started.and_then(|(reins, driver)| {
            all_reins.push(reins);
            let reports = reports.clone();
            let drive = move || {
                give_way();
                driver.drive(&reports)
            };
            start_hand(scope, course, format!("driver-{number}"), drive)
        }));
    }
    if hands.iter().any(Result::is_err) {
        course.signal.fail();
    }
    (hands, all_reins)
}

/// Starts a thread; however it ends before its fans do, the others end with it.
fn start_hand<'scope>(
    scope: &'scope Scope<'scope, '_>,
    course: &'scope Course<'scope>,
    name: String,
    work: impl FnOnce() -> Result<(), LiveError> + Send + 'scope,
) -> Hand<'scope> {
    let live = move || {
        let watchdog = FailUnlessDone(&course.signal);
        work()?;
        std::mem::forget(watchdog);
        Ok(())
    };
    let started = thread::Builder::new().name(name).spawn_scoped(scope, live);
    if started.is_err() {
        course.signal.fail();
    }
    started
}

/// Waits for all threads to end.
///
/// # Errors
/// When one could not be started or could not go on.
///
/// # Panics
/// When one panicked.
pub(super) fn join(hands: Vec<Hand<'_>>) -> Result<(), LiveError> {
    // All are waited for before any error is told.
    let ended: Vec<_> = hands.into_iter().map(|hand| hand.map(ScopedJoinHandle::join)).collect();
    for hand in ended {
        match hand.map_err(LiveError::Load)? {
            Ok(lived) => lived?,
            Err(panic) => panic::resume_unwind(panic),
        }
    }
    Ok(())
}

struct FailUnlessDone<'run>(&'run Signal);

impl Drop for FailUnlessDone<'_> {
    fn drop(&mut self) {
        self.0.fail();
    }
}

/// Merges what the loops hand over until the last has ended.
fn merge_reports(
    course: &Course<'_>,
    loops: usize,
    reins: &mut [Reins],
    reported: &Receiver<Report>,
    recorder: &mut Recorder,
    survey: &mut Option<Survey>,
    watch: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Merge, LiveError> {
    let clock = course.clock;
    let mut merge = Merge::of(loops);
    let load_processes = reins.iter().map(Reins::pid);
    let pids = std::iter::once(std::process::id()).chain(load_processes).collect();
    let mut gauge = Gauge::new(pids, clock.now());
    let mut guard = Guard::new(course.settings.limits.clone());
    while !merge.is_ended() {
        match reported.recv_timeout(LOOK) {
            Ok(mut report) => {
                recorder.fold(&mut report.harvest);
                merge.take(report);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(LiveError::Abandoned),
        }
        if merge.broken_off().is_none()
            && let Some(why) = guard.look(clock.now(), merge.tally().seen)
        {
            merge.break_off(why);
            course.signal.finish();
        }
        let wish = course.signal.wish();
        for child in reins.iter_mut() {
            child.tell(wish);
        }
        if wish == Wish::Abandon {
            return Err(LiveError::Abandoned);
        }
        while let Some(merged) = merge.pass_on() {
            if let Some(reading) = gauge.read(clock.now(), clock.error().bound()) {
                recorder.busy(reading.cores);
                recorder.felt(reading.vitals);
            }
            recorder
                .absorb(merged.until, merged.harvests, &merged.lines)
                .map_err(LiveError::Record)?;
            if let Some(survey) = survey {
                survey.ask();
            }
            watch(&recorder.progress());
        }
        if let Some(survey) = survey {
            survey.collect(recorder)?;
        }
    }
    Ok(merge)
}
