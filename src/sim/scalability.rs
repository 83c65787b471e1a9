//! Locks and the calendar in a closed loop, held against the Universal Scalability Law: what it reads off the
//! simulated throughput is the share of the work that was put in as serial.

use domain::draw::{Purpose, draw_for};
use domain::time::{Duration, Time, duration_from_seconds};

use super::calendar::Calendar;
use crate::measure::usl::ScalabilityLaw;
use crate::tier::locks::{Asked, Locks};

/// What everybody does in turn: some work alone, some with a row of all of them locked \[s\].
const ALONE_S: f64 = 0.095;
const LOCKED_S: f64 = 0.005;

/// How long each piece of work takes, by its mean \[s\].
#[derive(Copy, Clone, PartialEq)]
enum Work {
    /// As long as the mean. All begin together, and nobody begins again before the last is done: what waits for
    /// a lock is then as much as can be.
    InRounds,
    /// Exponential; everybody begins again at once.
    ByChance,
}

enum Event {
    /// Somebody wants the row.
    Asks(u32),
    /// Who holds it is done with it.
    Done(u32),
}

/// Turns per second of so many who take `turns` of them in all.
fn throughput(many: u32, turns: u32, work: Work) -> f64 {
    let mut calendar = Calendar::new();
    let mut locks = Locks::default();
    let mut drawn = 0;
    let mut takes = |mean_s: f64| -> Duration {
        drawn += 1;
        duration_from_seconds(match work {
            Work::InRounds => mean_s,
            Work::ByChance => draw_for(27, drawn, Purpose::Service, 0).exponential(mean_s),
        })
    };
    for one in 0..many {
        calendar.schedule(Time::ZERO + takes(ALONE_S), Event::Asks(one));
    }
    let (mut done, mut last) = (0, Time::ZERO);
    while done < turns {
        let (at, event) = calendar.pop().expect("everybody goes on");
        match event {
            Event::Asks(one) => {
                if locks.ask((), one) == Asked::Held {
                    calendar.schedule(at + takes(LOCKED_S), Event::Done(one));
                }
            }
            Event::Done(one) => {
                (done, last) = (done + 1, at);
                if let Some(next) = locks.give_back(&()) {
                    calendar.schedule(at + takes(LOCKED_S), Event::Done(next));
                }
                let begin = match work {
                    Work::ByChance => one..one + 1,
                    Work::InRounds if done % many == 0 => 0..many,
                    Work::InRounds => 0..0,
                };
                for one in begin {
                    calendar.schedule(at + takes(ALONE_S), Event::Asks(one));
                }
            }
        }
    }
    f64::from(done) / last.seconds()
}

const LEVELS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

#[test]
fn the_law_reads_the_serial_share_off_a_closed_loop_of_the_simulated_locks() {
    // A round of n takes 95 ms and n times 5 ms: X = n / (0.095 + 0.005 n), which is Amdahl's law of 5 %.
    let points = LEVELS.map(|many| (f64::from(many), throughput(many, 100 * many, Work::InRounds)));
    for (many, per_s) in &points {
        let expected = many / (ALONE_S + LOCKED_S * many);
        assert!((per_s / expected - 1.0).abs() < 1e-6, "{per_s} of {many}, not {expected}");
    }
    let law = ScalabilityLaw::fit(&points).unwrap();
    assert!((law.contention - 0.05).abs() < 1e-6, "{law:?}");
    assert!((law.alone - 10.0).abs() < 1e-5, "{law:?}");
    assert!(law.coherency < 1e-9, "{law:?}");
}

/// Turns per second of n who work alone and then queue, both for exponential times: mean value analysis of the
/// machine repairman (M. Reiser and S. S. Lavenberg, JACM 27, 1980).
fn repairman(many: u32) -> f64 {
    let (mut per_s, mut waiting) = (0.0, 0.0);
    for n in 1..=many {
        let locked_s = LOCKED_S * (1.0 + waiting);
        per_s = f64::from(n) / (ALONE_S + locked_s);
        waiting = per_s * locked_s;
    }
    per_s
}

#[test]
fn who_comes_by_chance_waits_less_than_in_rounds_and_as_long_as_the_machine_repairman() {
    for many in LEVELS {
        let per_s = throughput(many, 20_000, Work::ByChance);
        let exact = repairman(many);
        assert!((per_s / exact - 1.0).abs() < 0.03, "{per_s} of {many}, not {exact}");
        let n = f64::from(many);
        let in_rounds = n / (ALONE_S + LOCKED_S * n);
        assert!(per_s > 0.98 * in_rounds, "{per_s} of {many}, {in_rounds} in rounds");
    }
}
