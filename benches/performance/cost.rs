//! Processor time per request in a steady window, round by round.

use std::time::Duration;

use crate::processes::Process;
use crate::{Bench, pause};

/// After its first requests a program is left alone for so long: caches fill, connections open.
const WARM_UP: Duration = Duration::from_secs(1);
/// The steady window that is measured.
const WINDOW: Duration = Duration::from_secs(3);
/// How long a program may take until it sends.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many requests are no probe any more, but load.
const LOAD: u64 = 1_000;

/// What a window came to.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Cost {
    /// Processor time of the measured program per request counted by the server \[µs\].
    pub(crate) micros: f64,
    /// Requests per second.
    pub(crate) rate_per_s: f64,
}

/// Someone who is measured.
pub(crate) struct Contender<'bench> {
    pub(crate) name: &'static str,
    /// Makes one reading: starts it, measures it, ends it.
    pub(crate) read: Box<dyn Fn() -> anyhow::Result<Cost> + 'bench>,
}

/// Readings of each contender, one per round; why there are none, where there are none.
pub(crate) type Readings = Vec<anyhow::Result<Vec<Cost>>>;

/// Measures all contenders in each round, so that what disturbs the machine disturbs them alike;
/// the order turns from round to round.
pub(crate) fn rounds(bench: &Bench, contenders: &[Contender<'_>]) -> Readings {
    let mut readings: Readings = contenders.iter().map(|_| Ok(Vec::new())).collect();
    for round in 0..bench.rounds {
        for turn in 0..contenders.len() {
            let number = (round + turn) % contenders.len();
            let Ok(mine) = &mut readings[number] else { continue };
            match (contenders[number].read)() {
                Ok(cost) => mine.push(cost),
                Err(error) => readings[number] = Err(error),
            }
        }
    }
    readings
}

/// Measures `process` against nginx, once it sends.
///
/// # Errors
/// When it sends nothing, or ends.
pub(crate) fn of_client(bench: &Bench, process: &Process) -> anyhow::Result<Cost> {
    let counted = || bench.nginx.requests();
    settle(&counted)?;
    window(bench, process, &counted)
}

/// Waits until the server that `counted` asks is under load, and then a little longer.
///
/// # Errors
/// When no load comes.
pub(crate) fn settle(counted: &dyn Fn() -> anyhow::Result<u64>) -> anyhow::Result<()> {
    let before = counted()?;
    let step = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        pause(step);
        if counted()? > before + LOAD {
            pause(WARM_UP);
            return Ok(());
        }
    }
    anyhow::bail!("nothing was sent within {PATIENCE:?}")
}

/// The processor time of `process` over requests that `counted` saw, in one window.
///
/// # Errors
/// When it ends in between.
pub(crate) fn window(
    bench: &Bench,
    process: &Process,
    counted: &dyn Fn() -> anyhow::Result<u64>,
) -> anyhow::Result<Cost> {
    let began = bench.clock.now();
    let (used, requests) = (process.processor()?, counted()?);
    pause(WINDOW);
    let used = process.processor()?.saturating_sub(used);
    let requests = counted()?.saturating_sub(requests);
    let passed = bench.clock.now().since(began);
    anyhow::ensure!(requests > LOAD, "the load stopped: {requests} requests in {passed:?}");
    Ok(Cost {
        micros: used.as_secs_f64() * 1e6 / requests as f64,
        rate_per_s: requests as f64 / passed.as_secs_f64(),
    })
}
