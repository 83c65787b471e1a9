//! A part of the stack under the eyes of a thread of its own.

use std::io::{self, PipeReader, PipeWriter};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread::{self, JoinHandle};

use anyhow::Context;
use domain::time::Time;
use machine::watch::{First, wait};
use rustix::process::Pid;

use crate::evidence::gap::{Gap, Part};
use crate::live::clock::Clock;

/// How often in a run a part is started again: one that dies more often dies of what it does.
const DEATHS_MAX: usize = 10;

/// How often that is tried after one death: its port may be taken for a moment by a connection of
/// somebody else's.
const TRIES_MAX: usize = 3;

/// A part that runs, ends when it is dropped, and may die before.
pub(super) trait Running {
    /// Its process.
    fn process(&self) -> anyhow::Result<Pid>;

    /// Of a process that has ended: how.
    fn how_it_ended(&mut self) -> String;

    /// Starts it again after its death, at the same address and on what it has kept.
    fn start_again(&mut self) -> anyhow::Result<()>;
}

/// A part that is watched; it is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Watched {
    tell: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

/// What has died so far, and when it was back.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    gaps: Vec<Gap>,
    /// Whether a part is not started again.
    is_broken: bool,
}

impl Watched {
    /// Starts a part on a thread of its own, by `start`, and watches it from then on; what `start`
    /// says beside it.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start<R: Running, T: Send + 'static>(
        part: Part,
        clock: Clock,
        gaps: &Gaps,
        start: impl FnOnce() -> anyhow::Result<(R, T)> + Send + 'static,
    ) -> anyhow::Result<(Self, T)> {
        let (told, tell) = io::pipe().context("failed to make a pipe")?;
        let (say, said) = mpsc::channel();
        let gaps = gaps.clone();
        let work = move || match start() {
            Ok((mut running, found)) => {
                // Who started it waits for this.
                let _ = say.send(Ok(found));
                let watch = Watch { part, clock, gaps, told };
                if let Err(error) = watch.keep(&mut running) {
                    eprintln!("warning: {part} is no longer watched: {error:#}");
                    watch.until_told();
                }
            }
            Err(error) => drop(say.send(Err(error))),
        };
        let thread = thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(work)
            .context("failed to start a thread")?;
        let watched = Self { tell: Some(tell), thread: Some(thread) };
        let found = said.recv().context("failed to start a part of the stack")??;
        Ok((watched, found))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        drop(self.tell.take());
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed; there is nothing to add while dropping.
            let _ = thread.join();
        }
    }
}

struct Watch {
    part: Part,
    clock: Clock,
    gaps: Gaps,
    told: PipeReader,
}

impl Watch {
    /// Starts the part again whenever it dies, until the other end of the pipe is closed.
    fn keep(&self, running: &mut impl Running) -> anyhow::Result<()> {
        for deaths in 0..=DEATHS_MAX {
            if wait(running.process()?, &self.told)? == First::Told {
                return Ok(());
            }
            let from = self.clock.now();
            let gap = self.gaps.died(self.part, from, running.how_it_ended());
            // A provider that forgot what it promised would be another provider.
            if self.part == Part::Provider || deaths == DEATHS_MAX {
                self.gaps.all().is_broken = true;
                break;
            }
            match again(running) {
                Ok(()) => self.gaps.back(gap, self.clock.now()),
                Err(error) => {
                    self.gaps.gone(gap, &error);
                    break;
                }
            }
        }
        self.until_told();
        Ok(())
    }

    fn until_told(&self) {
        // It cannot fail for one's own process, which does not end before it is told.
        drop(wait(rustix::process::getpid(), &self.told));
    }
}

fn again(running: &mut impl Running) -> anyhow::Result<()> {
    let mut tried = running.start_again();
    for _ in 1..TRIES_MAX {
        if tried.is_ok() {
            break;
        }
        tried = running.start_again();
    }
    tried
}

impl Gaps {
    /// All of them, in the order of time.
    pub(super) fn until_now(&self) -> Vec<Gap> {
        let mut gaps = self.all().gaps.clone();
        gaps.sort_by_key(|gap| gap.from);
        gaps
    }

    /// Whether a part is dead for good.
    pub(super) fn is_broken(&self) -> bool {
        self.all().is_broken
    }

    fn died(&self, part: Part, from: Time, how: String) -> usize {
        let gaps = &mut self.all().gaps;
        gaps.push(Gap { part, from, until: None, how });
        gaps.len() - 1
    }

    fn back(&self, gap: usize, at: Time) {
        self.all().gaps[gap].until = Some(at);
    }

    fn gone(&self, gap: usize, error: &anyhow::Error) {
        let mut noted = self.all();
        noted.is_broken = true;
        let how = &mut noted.gaps[gap].how;
        *how = format!("{how}; it could not be started again: {error:#}").replace('\n', " ");
    }

    fn all(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().expect("who notes a gap does not panic")
    }
}

impl Running for machine::postgres::Server {
    fn process(&self) -> anyhow::Result<Pid> {
        Ok(Self::process(self)?)
    }

    fn how_it_ended(&mut self) -> String {
        "its process ended".to_owned()
    }

    fn start_again(&mut self) -> anyhow::Result<()> {
        Ok(Self::start_again(self)?)
    }
}

impl Running for machine::redis::Redis {
    fn process(&self) -> anyhow::Result<Pid> {
        Ok(Self::process(self)?)
    }

    fn how_it_ended(&mut self) -> String {
        "its process ended".to_owned()
    }

    fn start_again(&mut self) -> anyhow::Result<()> {
        Ok(Self::start_again(self)?)
    }
}
