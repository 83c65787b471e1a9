//! The bounds within which a live reading counts: beyond one of them the instrument measured itself.
//!
//! A machine whose cores are all busy is no reason for doubt: with the embedded shop on the same
//! cores that is what a storm looks like, the response times hold what the machine took, and a
//! generator that still sends and looks in time has seen it rightly. What would falsify a reading is
//! bounded: operations sent late or not at all, long waits for a core, a generator that alone takes
//! the whole machine, a machine that its host lends to others, clocks that disagree.

use std::collections::BTreeMap;

use crate::measure::{Bound, BoundStatus, HealthSummary};
use crate::verdict::objective::Objective;

/// The most lateness at 99 %, and the most that a turn of a core may be waited for, that a reading
/// survives \[ms\]: below this no one would call a page slow.
const LATENESS_MAX_MS: f64 = 20.0;
/// The share of the tightest objective on a time that lateness may take of it, in \[0, 1\].
const LATENESS_SHARE_MAX: f64 = 0.1;
/// The share of all cores that the generator alone may take for a second, in \[0, 1\]: what takes
/// all of them leaves nothing to the network, and nobody can say that it could have sent more.
const CPU_SHARE_MAX: f64 = 0.98;
/// The share of all cores' time that the host may give away over a run, in \[0, 1\]: with more, the
/// machine that the report names is not the one that was measured.
const STOLEN_SHARE_MAX: f64 = 0.1;
/// The most by which the clocks may disagree over a run \[us\]: ledgers carry UTC, operations the
/// monotonic time, and the order of events is judged to the millisecond.
const CLOCK_ERROR_MAX_US: f64 = 1_000.0;

/// A figure that has a bound.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    /// 99 % lateness \[ms\].
    Lateness,
    /// Operations that were never sent.
    Dropped,
    /// How long each turn of a core was waited for, in the worst second \[ms\].
    CoreWait,
    /// Cores that the generator used, in the busiest second.
    Cpu,
    /// The share of all cores' time that the host gave away.
    Stolen,
    /// How far the clocks came apart \[us\].
    ClockError,
}

impl Figure {
    /// All figures, the weightiest first.
    pub const ALL: [Self; 6] =
        [Self::Lateness, Self::Dropped, Self::CoreWait, Self::Cpu, Self::Stolen, Self::ClockError];

    /// The figure's key in `result.health.bounds`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lateness => "lateness_p99_ms",
            Self::Dropped => "dropped",
            Self::CoreWait => "core_wait_ms",
            Self::Cpu => "cpu",
            Self::Stolen => "stolen",
            Self::ClockError => "clock_error_us",
        }
    }

    fn bound(self, health: &HealthSummary, objectives: &[Objective]) -> Option<Bound> {
        let (value, bound) = match self {
            Self::Lateness => (health.lateness_ms.p99, lateness_max_ms(objectives)),
            Self::Dropped => (health.dropped as f64, 0.0),
            Self::CoreWait => (health.run_queue?.wait_ms, lateness_max_ms(objectives)),
            Self::Cpu => (health.cpu, CPU_SHARE_MAX * f64::from(health.machine?.cores)),
            Self::Stolen => (health.machine?.stolen, STOLEN_SHARE_MAX),
            Self::ClockError => (health.clock_error_us?, CLOCK_ERROR_MAX_US),
        };
        Some(Bound::at_most(value, bound))
    }

    /// Why a broken bound costs the reading.
    fn doubt(self, Bound { value, bound, .. }: Bound) -> String {
        match self {
            Self::Lateness => format!(
                "The generator was late: 99 % lateness {value} ms, of which {bound} ms are allowed."
            ),
            Self::Dropped => format!(
                "The generator could not send {value} operations, of which {bound} are allowed: its \
                 own limits, not the shop's."
            ),
            Self::CoreWait => format!(
                "The generator was kept waiting: {value} ms for each turn of a core in its worst \
                 second, of which {bound} ms are allowed."
            ),
            Self::Cpu => format!(
                "The generator was saturated: it used {value} cores in its busiest second, of which \
                 {bound} are allowed."
            ),
            Self::Stolen => format!(
                "The machine was not its own: its host gave {} % of its time to others, of which \
                 {} % are allowed.",
                percent(value),
                percent(bound)
            ),
            Self::ClockError => format!(
                "The clocks disagree: they came {value} us apart, of which {bound} us are allowed."
            ),
        }
    }
}

/// What lateness may be at 99 %, by the tightest objective on a time \[ms\].
fn lateness_max_ms(objectives: &[Objective]) -> f64 {
    let tightest = objectives.iter().filter_map(Objective::time_bound_ms).reduce(f64::min);
    tightest.map_or(0.0, |ms| LATENESS_SHARE_MAX * ms).max(LATENESS_MAX_MS)
}

/// A share as a percentage of one decimal.
fn percent(share: f64) -> f64 {
    (share * 1e3).round() / 10.0
}

/// The bounds of all figures that are known, by their words.
pub(super) fn bounds(health: &HealthSummary, objectives: &[Objective]) -> BTreeMap<String, Bound> {
    let known = Figure::ALL.into_iter().filter_map(|figure| {
        let bound = figure.bound(health, objectives)?;
        Some((figure.word().to_owned(), bound))
    });
    known.collect()
}

/// A sentence for each broken bound, the weightiest first.
pub(super) fn doubts(health: &HealthSummary) -> Vec<String> {
    let broken = Figure::ALL.into_iter().filter_map(|figure| {
        let bound = health.bounds.get(figure.word())?;
        (bound.status == BoundStatus::Broken).then(|| figure.doubt(*bound))
    });
    broken.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{LatenessSummary, MachineSummary, RunQueueSummary};

    /// Two cores, all busy all the time, and a generator that keeps up all the same.
    fn healthy() -> HealthSummary {
        HealthSummary {
            lateness_ms: LatenessSummary { p50: 0.4, p99: 19.0, max: 90.0 },
            cpu: 1.2,
            dropped: 0,
            machine: Some(MachineSummary { cores: 2, busy: 1.0, stolen: 0.02, kept_awake: true }),
            run_queue: Some(RunQueueSummary { mean: 0.9, worst: 1.6, wait_ms: 3.0 }),
            clock_error_us: Some(40.0),
            bounds: BTreeMap::new(),
        }
    }

    fn judged(health: &HealthSummary, objectives: &[Objective]) -> HealthSummary {
        HealthSummary { bounds: bounds(health, objectives), ..health.clone() }
    }

    #[test]
    fn busy_cores_alone_are_no_reason_for_doubt() {
        let health = judged(&healthy(), &[]);
        assert_eq!(health.bounds.len(), Figure::ALL.len());
        assert_eq!(doubts(&health), [""; 0]);
    }

    #[test]
    fn each_broken_bound_is_a_sentence_with_the_figure_and_the_bound() {
        let machine = healthy().machine.unwrap();
        let queue = healthy().run_queue.unwrap();
        let lateness_ms = LatenessSummary { p99: 20.5, ..healthy().lateness_ms };
        let run_queue = Some(RunQueueSummary { wait_ms: 31.0, ..queue });
        let stolen = Some(MachineSummary { stolen: 0.125, ..machine });
        for (health, figures) in [
            (HealthSummary { lateness_ms, ..healthy() }, ["20.5 ms", "20 ms"]),
            (HealthSummary { dropped: 3, ..healthy() }, ["3 operations", "0 are allowed"]),
            (HealthSummary { run_queue, ..healthy() }, ["31 ms", "20 ms"]),
            (HealthSummary { cpu: 1.97, ..healthy() }, ["1.97 cores", "1.96 are"]),
            (HealthSummary { machine: stolen, ..healthy() }, ["12.5 %", "10 % are"]),
            (
                HealthSummary { clock_error_us: Some(2_500.0), ..healthy() },
                ["2500 us", "1000 us are"],
            ),
        ] {
            let said = doubts(&judged(&health, &[]));
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(figures.iter().all(|figure| said[0].contains(figure)), "{said:?}");
        }
    }

    #[test]
    fn the_tightest_objective_on_a_time_says_how_late_is_late() {
        let objective = |key: &str, value: &str| Objective::parse(key, value).unwrap();
        let slow = [objective("reload p(99)", "< 3s"), objective("checkout p(99)", "< 400ms")];
        let late = HealthSummary {
            lateness_ms: LatenessSummary { p99: 39.0, ..LatenessSummary::default() },
            ..HealthSummary::default()
        };
        assert_eq!(doubts(&judged(&late, &slow)), [""; 0]);
        assert_eq!(doubts(&judged(&late, &[])).len(), 1);
    }

    #[test]
    fn what_the_system_does_not_tell_has_no_bound() {
        let silent = judged(&HealthSummary::default(), &[]);
        let known: Vec<&str> = silent.bounds.keys().map(String::as_str).collect();
        assert_eq!(known, ["dropped", "lateness_p99_ms"]);
    }
}
