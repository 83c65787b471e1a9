//! The load loops together: the crowd shared out, one thread each, merged once a second.

use std::io;
use std::panic;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, Scope, ScopedJoinHandle};

use domain::time::Duration;

use crate::live::arrivals::{Arrivals, Share};
use crate::live::load::{Course, LoadLoop, Report};
use crate::live::merge::Merge;
use crate::live::snapshot::Survey;
use crate::live::stop::{Signal, Wish};
use crate::live::vitals::{Gauge, LOAD_THREAD};
use crate::live::{Connections, LiveError, Settings};
use crate::measure::recorder::{Progress, Recorder};
use crate::scenario::Scenario;

/// How often the main thread looks for snapshots and for the user's wish.
const LOOK: Duration = Duration::from_millis(50);

/// Starts the load loops, writes down once a second what they hand over, and joins them; returns
/// what was merged.
///
/// # Errors
/// When a loop fails, evidence cannot be written, or the user abandons the run.
///
/// # Panics
/// When a loop panics.
pub(super) fn load(
    course: &Course<'_>,
    recorder: &mut Recorder,
    survey: &mut Survey,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Merge, LiveError> {
    let portions = portions(course.scenario, course.settings);
    let loops = portions.len();
    let (reports, reported) = mpsc::channel();
    thread::scope(|scope| {
        let mut threads = Vec::with_capacity(loops);
        for (place, portion) in portions.into_iter().enumerate() {
            threads.push(start_loop(scope, course, place, portion, reports.clone()));
        }
        drop(reports);
        let loaded = merge_reports(course, loops, &reported, recorder, survey, watch);
        if loaded.is_err() {
            course.signal.fail();
        }
        for thread in threads {
            match thread.map(ScopedJoinHandle::join) {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) | Err(error) => return Err(LiveError::Load(error)),
                Ok(Err(panic)) => panic::resume_unwind(panic),
            }
        }
        loaded
    })
}

/// One loop's share of the crowd and of the pool.
#[derive(Debug)]
struct Portion {
    people: Share,
    pool: Option<usize>,
}

/// Shares the crowd out by the fans' numbers, so that any number of loops lives the same crowd.
fn portions(scenario: &Scenario, settings: &Settings) -> Vec<Portion> {
    let people: usize = scenario.populations.iter().map(|them| them.count as usize).sum();
    let pool = match settings.connections {
        Connections::PerFan => usize::MAX,
        Connections::Pool(limit) => limit.max(1),
    };
    let loops = settings.threads.min(people).min(pool).max(1);
    let of =
        u32::try_from(loops).expect("there are fewer loops than fans, and those are counted so");
    let portion = |(place, number)| Portion {
        people: Share { place: number, of },
        pool: (pool < usize::MAX).then(|| pool / loops + usize::from(place < pool % loops)),
    };
    (0..loops).zip(0..of).map(portion).collect()
}

fn start_loop<'scope>(
    scope: &'scope Scope<'scope, '_>,
    course: &'scope Course<'scope>,
    place: usize,
    portion: Portion,
    reports: Sender<Report>,
) -> io::Result<ScopedJoinHandle<'scope, io::Result<()>>> {
    let live = move || {
        // However this loop ends before its fans do, the others end with it.
        let watchdog = FailUnlessDone(&course.signal);
        let arrivals = Arrivals::of(course.scenario, portion.people);
        LoadLoop::new(course, place, arrivals, portion.pool, reports)?.run()?;
        std::mem::forget(watchdog);
        Ok(())
    };
    let started =
        thread::Builder::new().name(format!("{LOAD_THREAD}{place}")).spawn_scoped(scope, live);
    if started.is_err() {
        course.signal.fail();
    }
    started
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
    reported: &Receiver<Report>,
    recorder: &mut Recorder,
    survey: &mut Survey,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Merge, LiveError> {
    let clock = course.clock;
    let mut merge = Merge::of(loops);
    let mut gauge = Gauge::new(vec![std::process::id()], clock.now());
    while !merge.is_ended() {
        match reported.recv_timeout(LOOK) {
            Ok(report) => merge.take(report),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(LiveError::Abandoned),
        }
        if course.signal.wish() == Wish::Abandon {
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
            survey.ask();
            watch(&recorder.progress());
        }
        survey.collect(recorder)?;
    }
    Ok(merge)
}
