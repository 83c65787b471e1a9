//! A database's processors at work: all statements share them, and with too few each takes longer.

use domain::time::{Duration, Time};

use crate::tier::database::capacity::{Capacity, Provision};
use crate::tier::queue::Sharing;

/// Processors that statements share: n statements get min(1, C/n) of a processor each (processor sharing,
/// as an operating system's scheduler does it), where C is what there is at the moment.
///
/// What is asked for in a second is the work that came in it and that was left over before it; by that
/// the capacity grows.
#[derive(Debug)]
pub struct Processors {
    provision: Provision,
    statements: Sharing<u32>,
    /// Work that came since the last look \[s of a processor\].
    came_s: f64,
    /// Work that was left over at the last look \[s\].
    left_s: f64,
    /// Work that was done until the last look \[s\].
    done_s: f64,
    last: Second,
}

/// What a second of the processors was.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Second {
    /// How many there were.
    pub cores: f64,
    /// How many of them were busy, in its mean.
    pub busy: f64,
}

impl Processors {
    /// Those of the capacity at the run's beginning, at which nobody is.
    pub fn new(capacity: Capacity) -> Self {
        let provision = Provision::new(capacity);
        Self {
            statements: Sharing::new(provision.cores()),
            provision,
            came_s: 0.0,
            left_s: 0.0,
            done_s: 0.0,
            last: Second::default(),
        }
    }

    /// A statement comes, which takes a whole processor so long.
    pub fn begin(&mut self, at: Time, statement: u32, work: Duration) {
        self.came_s += work.as_secs_f64();
        self.statements.enter(at, statement, work.as_secs_f64());
    }

    /// When the next one is done, if none comes before and there are always so many processors.
    pub fn next(&self) -> Option<Time> {
        self.statements.next()
    }

    /// The next one, if it is done.
    pub fn done(&mut self, at: Time) -> Option<u32> {
        self.statements.leave_if_done(at)
    }

    /// All that is under way comes to nothing.
    pub fn break_off(&mut self, at: Time) {
        self.statements.clear(at);
        (self.came_s, self.left_s) = (0.0, 0.0);
    }

    /// A second is over: what it was, and how many processors there are from now on.
    pub fn second(&mut self, at: Time) {
        let done_s = self.statements.given_s(at);
        let (busy, cores) = (done_s - self.done_s, self.provision.cores());
        self.done_s = done_s;
        self.last = Second { cores, busy: busy.min(cores) };
        let asked = self.came_s + self.left_s;
        self.came_s = 0.0;
        self.left_s = if self.statements.is_empty() { 0.0 } else { (asked - busy).max(0.0) };
        self.provision.second(asked);
        self.statements.resize(at, self.provision.cores());
    }

    /// What the last second was.
    pub fn last(&self) -> Second {
        self.last
    }

    /// What there is now \[ACU\].
    pub fn units(&self) -> f64 {
        self.provision.units()
    }

    /// Statements that share them.
    pub fn under_way(&self) -> u64 {
        self.statements.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at_ms(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    /// Lives so many seconds in which each millisecond so many statements of 1 ms come; how many were done
    /// in each, what there was \[ACU\], and how many were left.
    fn lived(capacity: Capacity, each_ms: u32, seconds: u64) -> Vec<(u32, f64, u64)> {
        let mut processors = Processors::new(capacity);
        let mut told = Vec::new();
        for second in 0..seconds {
            let units = processors.units();
            let mut done = 0;
            for ms in 0..1_000 {
                let at = at_ms(second * 1_000 + ms);
                while processors.done(at).is_some() {
                    done += 1;
                }
                for statement in 0..each_ms {
                    processors.begin(at, statement, MS);
                }
            }
            processors.second(at_ms((second + 1) * 1_000));
            told.push((done, units, processors.under_way()));
        }
        told
    }

    #[test]
    fn more_work_than_there_are_processors_for_is_done_at_their_rate_and_waits() {
        let provisioned = Capacity { provisioned: Some(16.0), ..Capacity::default() };
        // Four processors do 4,000 of 1 ms a second.
        let told = lived(provisioned.clone(), 2, 3);
        assert!(told.iter().all(|(done, ..)| (1_990..=2_000).contains(done)), "{told:?}");
        let short = lived(provisioned, 6, 3);
        let left = short.last().unwrap().2;
        // 2,000 a second find no time; those that share it have had most of theirs when it is over.
        assert!((5_900..=12_000).contains(&left), "{short:?}");
    }

    #[test]
    fn serverless_processors_catch_up_with_a_step() {
        let serverless = Capacity { min: Some(2.0), max: Some(64.0), ..Capacity::default() };
        // 6 processors are asked for: 24 ACU. There are 2, 4, 8, 16 at 0, 30, 60, 90 s; at 108 s there are
        // 24, and it grows on until what was left over is done.
        let told = lived(serverless, 6, 200);
        let units = |second: usize| told[second].1;
        assert_eq!([0, 30, 60, 90].map(units).to_vec(), [2.0, 4.0, 8.0, 16.0]);
        assert!(units(107) < 24.0 && units(108) >= 24.0);
        assert_eq!(told[199].2, 6, "what came with the last millisecond");
    }

    #[test]
    fn a_second_says_how_many_processors_were_busy() {
        let mut processors =
            Processors::new(Capacity { provisioned: Some(16.0), ..Capacity::default() });
        for statement in 0..8 {
            processors.begin(at_ms(0), statement, Duration::from_millis(250));
        }
        let done = processors.next().unwrap();
        while processors.done(done).is_some() {}
        assert!((done.seconds() - 0.5).abs() < 1e-6, "{done}");
        processors.second(at_ms(1_000));
        let Second { cores, busy } = processors.last();
        assert!((cores - 4.0).abs() < 1e-9 && (busy - 2.0).abs() < 1e-6, "{busy} of {cores}");
        processors.break_off(at_ms(1_000));
        assert_eq!((processors.next(), processors.under_way()), (None, 0));
    }
}
