//! Reads objectives off what was measured.

use std::collections::BTreeMap;

use domain::outcome::Outcome;
use domain::shop::Catalogue;
use domain::time::{Duration, Time};
use hdrhistogram::Histogram;

use crate::evidence::Facts;
use crate::measure::latency::{LatencyLog, Series};
use crate::measure::timeline::Timeline;
use crate::measure::{Measured, Recovery, RecoveryState, round3, round6};
use crate::verdict::objective::{Answer, Objective, Phase, Statistic, Subject};
use crate::verdict::{Assessment, AssessmentStatus, World};

/// Whether the times of a run mean anything.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Times {
    /// They were measured, or the simulated stack has service times.
    Known,
    /// The simulated stack has none: an objective on them is not assessed, and that is excused.
    Unmodelled,
}

/// An assessment, and whether it costs the pass when it could not be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessed {
    /// For the summary.
    pub assessment: Assessment,
    /// Whether not being assessed is excused.
    pub excused: bool,
}

/// All that objectives are read off.
pub struct Readings<'a> {
    /// Times.
    pub latency: &'a LatencyLog,
    /// Counts.
    pub timeline: &'a Timeline,
    /// Sales.
    pub measured: &'a Measured,
    /// When they open and close.
    pub catalogue: &'a Catalogue,
    /// How long the opening lasts.
    pub facts: &'a Facts,
    /// Whether times mean anything.
    pub times: Times,
    /// Which world it was lived in.
    pub world: World,
}

/// Reads one objective. Of several windows every one must meet it, and the worst is its value;
/// windows with too few values say nothing, and if none says anything it is not assessed.
pub fn assess(objective: &Objective, readings: &Readings<'_>) -> Assessed {
    let is_time = matches!(objective.subject, Subject::Time(..));
    if is_time && readings.times == Times::Unmodelled {
        let reason = "the simulated stack has no service times ([stack])";
        return not_assessed(objective, reason.to_owned(), true);
    }
    if readings.world == World::Simulated && objective.is_of_the_network() {
        let reason = "virtual time has no connections, and an answer is there at once and whole";
        return not_assessed(objective, reason.to_owned(), true);
    }
    let values = match readings.windows(objective) {
        Ok(windows) => readings.values(objective, &windows),
        Err(reason) => Err(reason),
    };
    match values {
        Ok(values) => assessed(objective, &values),
        Err(reason) => not_assessed(objective, reason, false),
    }
}

fn assessed(objective: &Objective, values: &[f64]) -> Assessed {
    let met = values.iter().all(|value| objective.relation.holds(*value, objective.bound));
    let worst = values
        .iter()
        .copied()
        .reduce(|worst, value| objective.relation.worse(worst, value, objective.bound));
    let rounded = match objective.subject {
        Subject::Share(..) | Subject::SoldRatio => worst.map(round6),
        Subject::Region(reading) if !reading.is_time() => worst.map(round6),
        Subject::Devices(reading) if !reading.is_time() => worst.map(round6),
        Subject::Rooms(reading) if !reading.is_time() => worst.map(round6),
        // What never came back has no length.
        Subject::Time(..)
        | Subject::Recovery
        | Subject::Region(_)
        | Subject::Devices(_)
        | Subject::Rooms(_) => worst.filter(|worst| worst.is_finite()).map(round3),
    };
    let status = if met { AssessmentStatus::Met } else { AssessmentStatus::Missed };
    let text = objective.text.clone();
    Assessed {
        assessment: Assessment { text, status, value: rounded, reason: None },
        excused: false,
    }
}

fn not_assessed(objective: &Objective, reason: String, excused: bool) -> Assessed {
    let assessment = Assessment {
        text: objective.text.clone(),
        status: AssessmentStatus::NotAssessed,
        value: None,
        reason: Some(reason),
    };
    Assessed { assessment, excused }
}

/// A stretch of the run: `[from, until)`.
type Window = (Time, Time);

/// The step of a sliding window.
const STEP: Duration = Duration::from_secs(1);

impl Readings<'_> {
    /// The stretches that must each meet the objective.
    fn windows(&self, objective: &Objective) -> Result<Vec<Window>, String> {
        let (from, until) = self.stretch(objective.phase);
        let Some(length) = objective.window else {
            return Ok(vec![(from, until)]);
        };
        let mut windows = Vec::new();
        let mut start = from;
        while start + length <= until {
            windows.push((start, start + length));
            start += STEP;
        }
        if windows.is_empty() {
            let (window, whole) = (length.as_secs(), until.since(from).as_secs_f64());
            return Err(format!("no window of {window} s fits into {whole:.1} s"));
        }
        Ok(windows)
    }

    /// Where a phase begins and ends; all of the run without one.
    fn stretch(&self, phase: Option<Phase>) -> Window {
        let end = Time::from_millis(self.timeline.end().saturating_mul(1_000));
        let sales = &self.catalogue.sales;
        let opens = sales.iter().map(|sale| sale.opens).min().unwrap_or_default();
        let closes = sales.iter().map(|sale| sale.closes).max().unwrap_or(end);
        let open = (opens + self.facts.opening).min(closes);
        let (from, until) = match phase {
            None => (Time::ZERO, end),
            Some(Phase::Before) => (Time::ZERO, opens),
            Some(Phase::Opening) => (opens, open),
            Some(Phase::Sale) => (open, closes),
            Some(Phase::Drain) => (closes, end),
        };
        let until = until.min(end);
        (from.min(until), until)
    }

    /// One value per window that says anything, or why none does.
    fn values(&self, objective: &Objective, windows: &[Window]) -> Result<Vec<f64>, String> {
        let read = |window: &Window| match objective.subject {
            Subject::Time(series, statistic) => self.time(series, statistic, *window),
            Subject::Share(operation, answer) => {
                let (from, until) = (seconds(window.0), seconds(window.1));
                let counted = self.timeline.between(from, until);
                share(counted.outcomes.get(&operation), answer)
            }
            Subject::SoldRatio => self.sold_ratio(),
            Subject::Recovery => self.recovery_ms(),
            Subject::Region(reading) => reading.value(self.measured.region.as_ref()),
            Subject::Devices(reading) => {
                named(objective, &self.measured.devices).and_then(|devices| reading.value(devices))
            }
            Subject::Rooms(reading) => {
                named(objective, &self.measured.rooms).and_then(|rooms| reading.value(rooms))
            }
        };
        let (mut values, mut why_not) = (Vec::new(), String::new());
        for window in windows {
            match read(window) {
                Ok(value) => values.push(value),
                Err(reason) => why_not = reason,
            }
        }
        if values.is_empty() { Err(why_not) } else { Ok(values) }
    }

    fn time(&self, series: Series, statistic: Statistic, window: Window) -> Result<f64, String> {
        let times = self.latency.between(series, window.0, window.1);
        let (needed, have) = (statistic.samples_needed(), times.len());
        if have < needed {
            return Err(format!("needs {needed} samples, and there are {have}"));
        }
        Ok(read(&times, statistic) / 1e3)
    }

    fn sold_ratio(&self) -> Result<f64, String> {
        if self.measured.sales.values().any(|sale| sale.sold_out.is_none()) {
            return Err("nobody says what was sold, or of how many".to_owned());
        }
        let (mut sold, mut sellable) = (0, 0);
        for item in self.measured.sales.values().flat_map(|sale| sale.items.values()) {
            // What was sold beyond the stock of one item makes up for no other.
            sold += item.sold.min(item.stock);
            sellable += item.sellable;
        }
        if sellable == 0 {
            return Err("nothing was sellable: no fan wanted anything".to_owned());
        }
        Ok(sold as f64 / sellable as f64)
    }

    /// How long the longest failure lasted after its cause was gone \[ms\]; infinite if one kept itself up.
    fn recovery_ms(&self) -> Result<f64, String> {
        if self.measured.recoveries.is_empty() {
            return Err(
                "nothing took the stack's capacity away, and no surge of arrivals came".to_owned()
            );
        }
        let lasted = |recovery: &Recovery| match (recovery.state, &recovery.reason) {
            (RecoveryState::NotAssessed, reason) => {
                let reason = reason.as_deref().unwrap_or("nobody can say");
                Err(format!("after {}: {reason}", recovery.trigger))
            }
            _ => Ok(recovery.back_after_s.map_or(f64::INFINITY, |back_s| back_s * 1e3)),
        };
        let all: Result<Vec<f64>, String> = self.measured.recoveries.iter().map(lasted).collect();
        all.map(|all| all.into_iter().fold(0.0, f64::max))
    }
}

/// What became of those whom the objective names.
fn named<'a, T>(objective: &Objective, all: &'a BTreeMap<String, T>) -> Result<&'a T, String> {
    let name = objective.name.as_deref().unwrap_or_default();
    all.get(name).ok_or_else(|| format!("nobody saw {name}"))
}

/// A statistic of times \[us\].
fn read(times: &Histogram<u64>, statistic: Statistic) -> f64 {
    match statistic {
        Statistic::Quantile(quantile) => times.value_at_quantile(quantile) as f64,
        Statistic::Mean => times.mean(),
        Statistic::Min => times.min() as f64,
        Statistic::Max => times.max() as f64,
    }
}

fn share(counted: Option<&BTreeMap<Outcome, u64>>, answer: Answer) -> Result<f64, String> {
    let all: u64 = counted.map_or(0, |counted| counted.values().sum());
    if all == 0 {
        return Err("nothing was sampled".to_owned());
    }
    let is_meant = |outcome: Outcome| match answer {
        Answer::Failed => matches!(outcome, Outcome::Error | Outcome::Unknown),
        Answer::Is(meant) => outcome == meant,
    };
    let meant: u64 = counted
        .into_iter()
        .flatten()
        .filter(|(outcome, _)| is_meant(**outcome))
        .map(|(_, count)| count)
        .sum();
    Ok(meant as f64 / all as f64)
}

/// The first whole second that begins at or after `at`.
const fn seconds(at: Time) -> u64 {
    at.nanos().div_ceil(1_000_000_000)
}
