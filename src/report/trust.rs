//! What the generator could have seen, in words: its health, its bounds, its connections.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::measure::{Bound, BoundStatus, ConnectionSummary, HealthSummary, Percentiles};
use crate::report::figure;
use crate::report::words::Tone;
use crate::verdict::bounds::Figure;

/// Where a live run left no word of its generator.
pub(super) const NOTHING_KNOWN: &str = "nothing was measured";
/// Why a simulated run has none.
pub(super) const VIRTUAL: &str = "virtual time: nothing can be late";

/// A figure and its bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BoundLine {
    /// What is bounded: "99 % lateness".
    pub(super) what: Cow<'static, str>,
    /// What was read.
    pub(super) value: String,
    /// The most it may be.
    pub(super) bound: String,
    /// "kept" or "broken".
    pub(super) status: &'static str,
    pub(super) tone: Tone,
}

/// The bounds, the weightiest first; those that are not known here stand last.
pub(super) fn bounds(health: &HealthSummary) -> Vec<BoundLine> {
    let known = Figure::ALL.into_iter().filter_map(|figure| {
        let bound = health.bounds.get(figure.word())?;
        Some(line(Cow::Borrowed(name(figure)), *bound, |value| shown(figure, value)))
    });
    let is_known = |word: &str| Figure::ALL.iter().any(|figure| figure.word() == word);
    let others = health.bounds.iter().filter(|(word, _)| !is_known(word));
    let others = others
        .map(|(word, bound)| line(Cow::Owned(word.clone()), *bound, |value| value.to_string()));
    known.chain(others).collect()
}

fn line(what: Cow<'static, str>, read: Bound, shown: impl Fn(f64) -> String) -> BoundLine {
    let Bound { value, bound, status } = read;
    let (status, tone) = match status {
        BoundStatus::Kept => ("kept", Tone::Good),
        BoundStatus::Broken => ("broken", Tone::Bad),
    };
    BoundLine { what, value: shown(value), bound: shown(bound), status, tone }
}

const fn name(figure: Figure) -> &'static str {
    match figure {
        Figure::Lateness => "lateness p99",
        Figure::Dropped => "operations never sent",
        Figure::CoreWait => "wait for a core, worst second",
        Figure::Cpu => "cores used, busiest second",
        Figure::Stolen => "time the host gave away",
        Figure::ClockError => "clocks apart",
    }
}

fn shown(figure: Figure, value: f64) -> String {
    match figure {
        Figure::Lateness | Figure::CoreWait => figure::milliseconds(value),
        Figure::Dropped => figure::number(figure::whole(value)),
        Figure::Cpu => figure::decimal(value, 2),
        Figure::Stolen => figure::ratio(value),
        Figure::ClockError => microseconds(value),
    }
}

/// A length of time given in microseconds \[us\]: `12.4 us`, and from a millisecond on as
/// milliseconds.
pub(super) fn microseconds(us: f64) -> String {
    if us < 1_000.0 {
        format!("{} us", figure::decimal(us, 1))
    } else {
        figure::milliseconds(us / 1e3)
    }
}

/// What the machine did, a clause each; what the system does not tell is left out.
pub(super) fn machine(health: &HealthSummary) -> Vec<String> {
    let machine = health.machine.as_ref().map(|machine| {
        let busy = figure::ratio(machine.busy);
        let awake = if machine.kept_awake { ", kept awake" } else { "" };
        format!("{} cores{awake}, {busy} busy in the busiest second", machine.cores)
    });
    let queue = health.run_queue.as_ref().map(|queue| {
        let (mean, worst) = (figure::decimal(queue.mean, 2), figure::decimal(queue.worst, 2));
        format!("load threads waiting for a core: {mean} on average, {worst} in the worst second")
    });
    machine.into_iter().chain(queue).collect()
}

/// The failures that happened, most frequent first: `refused 12 · timed_out 3`.
pub(super) fn failures(connections: &ConnectionSummary) -> Option<String> {
    let mut failed: Vec<(&String, &u64)> =
        connections.failed.iter().filter(|(_, count)| **count > 0).collect();
    failed.sort_by(|(left, many), (right, few)| few.cmp(many).then(left.cmp(right)));
    let failed: Vec<String> = failed
        .into_iter()
        .map(|(word, count)| format!("{word} {}", figure::number(*count)))
        .collect();
    (!failed.is_empty()).then(|| failed.join(" · "))
}

/// How many connections were opened, resumed, and failed, as one clause.
pub(super) fn connected(connections: &ConnectionSummary) -> String {
    let ConnectionSummary { opened, resumed, .. } = connections;
    let mut text = format!("{} opened", figure::number(*opened));
    if *resumed > 0 {
        let share = figure::share(*resumed, *opened);
        let _ = write!(text, ", {} of them resumed ({share})", figure::number(*resumed));
    }
    match failures(connections) {
        Some(failures) => format!("{text}; failed: {failures}"),
        None => format!("{text}; none failed"),
    }
}

/// The times of connections that are known: what, and its percentiles.
pub(super) fn times(connections: &ConnectionSummary) -> Vec<(&'static str, Percentiles)> {
    let all = [
        ("connect", connections.connect_ms),
        ("handshake", connections.handshake_ms),
        ("pool wait", connections.pool_wait_ms),
    ];
    all.into_iter().filter_map(|(what, times)| Some((what, times?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_stand_with_their_units_and_unknown_ones_last() {
        let bounds_of = [
            ("clock_error_us", Bound::at_most(41.26, 1_000.0)),
            ("another", Bound::at_most(2.0, 1.0)),
            ("stolen", Bound::at_most(0.125, 0.1)),
            ("lateness_p99_ms", Bound::at_most(1.4, 30.0)),
        ];
        let bounds_of = bounds_of.map(|(word, bound)| (word.to_owned(), bound));
        let health = HealthSummary { bounds: bounds_of.into(), ..HealthSummary::default() };
        let told: Vec<String> = bounds(&health)
            .into_iter()
            .map(|BoundLine { what, value, bound, status, .. }| {
                format!("{what}: {value} of {bound}, {status}")
            })
            .collect();
        assert_eq!(
            told,
            [
                "lateness p99: 1.40 ms of 30.0 ms, kept",
                "time the host gave away: 12.5 % of 10.0 %, broken",
                "clocks apart: 41.3 us of 1.00 ms, kept",
                "another: 2 of 1, broken",
            ]
        );
    }

    #[test]
    fn failures_are_told_most_frequent_first() {
        let failed = [("refused", 3), ("reset", 0), ("timed_out", 1_200)];
        let failed = failed.map(|(word, count)| (word.to_owned(), count)).into();
        let some =
            ConnectionSummary { opened: 4_000, resumed: 1_000, failed, ..Default::default() };
        assert_eq!(
            connected(&some),
            "4,000 opened, 1,000 of them resumed (25.0 %); failed: timed_out 1,200 · refused 3"
        );
        let honest = ConnectionSummary { opened: 7, ..Default::default() };
        assert_eq!(connected(&honest), "7 opened; none failed");
    }
}
