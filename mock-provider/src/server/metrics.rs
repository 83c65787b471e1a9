//! Measurements in the text exposition format of Prometheus.
//!
//! The counts stand beside the rules under their lock, as plain numbers; a crate of instruments
//! would count everything a second time with atomics, to save the eighty lines that write it out.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::time::Duration;
use serde::Serialize;

use super::ledger::{self, Stand};
use crate::settings::{Limit, names};
use crate::tally::Tally;

/// The media type of the format.
pub(super) const TEXT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The upper bounds of the histogram's buckets \[s\]: those of the Prometheus client libraries,
/// and more at both ends, for answers without latency and for tails of 18 s.
const BUCKETS_S: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0];

/// How many lines of each kind the ledger has.
#[derive(Clone, Debug, Default)]
pub(super) struct CallCounts(BTreeMap<Kind, u64>);

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    operation: PaymentOperation,
    outcome: PaymentOutcome,
    told: PaymentOutcome,
    replayed: bool,
}

impl CallCounts {
    /// Counts the lines of a decision.
    pub(super) fn note(&mut self, lines: &[PaymentLine]) {
        for line in lines {
            let PaymentLine { operation, outcome, told, replayed, .. } = *line;
            *self.0.entry(Kind { operation, outcome, told, replayed }).or_default() += 1;
        }
    }
}

/// What is measured of the answers. Its lock is held for a tenth of a microsecond.
#[derive(Debug, Default)]
pub(super) struct Meters {
    under_way: AtomicU64,
    left: Mutex<BTreeMap<(PaymentOperation, PaymentOutcome), Histogram>>,
}

#[derive(Clone, Debug, Default)]
struct Histogram {
    /// One entry per bucket, and one for what is above the last.
    counts: [u64; BUCKETS_S.len() + 1],
    sum: Duration,
}

impl Histogram {
    fn note(&mut self, length: Duration) {
        let seconds = length.as_secs_f64();
        self.counts[BUCKETS_S.partition_point(|bound| *bound < seconds)] += 1;
        self.sum += length;
    }
}

/// A call whose answer has not left; one that hangs is under way until its caller goes.
#[derive(Debug)]
pub(super) struct UnderWay<'meters>(&'meters Meters);

impl Meters {
    /// A call has come.
    pub(super) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Relaxed);
        UnderWay(self)
    }

    fn left(&self) -> MutexGuard<'_, BTreeMap<(PaymentOperation, PaymentOutcome), Histogram>> {
        self.left.lock().expect("counting does not panic")
    }
}

impl UnderWay<'_> {
    /// The answer leaves, so long after the call came.
    pub(super) fn leave(self, operation: PaymentOperation, told: PaymentOutcome, after: Duration) {
        self.0.left().entry((operation, told)).or_default().note(after);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
    }
}

/// The counts of one moment.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) calls: CallCounts,
    pub(super) limits: Vec<Limit>,
    pub(super) tally: Tally,
    pub(super) open_authorizations: u64,
    pub(super) stand: Stand,
}

/// All measurements as text.
pub(super) fn exposition(figures: &Figures, meters: &Meters) -> String {
    let mut text = String::new();
    write_all(&mut text, figures, meters).expect("a string takes everything");
    text
}

fn write_all(text: &mut String, figures: &Figures, meters: &Meters) -> fmt::Result {
    write_calls(text, &figures.calls)?;
    write_limits(text, &figures.limits, &figures.tally)?;
    let Figures { open_authorizations, stand, .. } = figures;
    let under_way = meters.under_way.load(Relaxed);
    let writable = u64::from(stand.state == ledger::State::Open);
    for (name, value, help) in [
        ("answers_under_way", under_way, "Calls whose answer has not left yet."),
        ("open_authorizations", *open_authorizations, "Neither captured nor voided."),
        ("ledger_bytes", stand.bytes, "The length of the ledger as JSON lines."),
        ("ledger_lines", stand.lines, "The lines of the ledger."),
        ("ledger_writable", writable, "Whether calls can be written down."),
    ] {
        head(text, name, "gauge", help)?;
        writeln!(text, "spike_provider_{name} {value}")?;
    }
    write_histograms(text, meters)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(text, "# HELP spike_provider_{name} {help}")?;
    writeln!(text, "# TYPE spike_provider_{name} {kind}")
}

fn write_calls(text: &mut String, calls: &CallCounts) -> fmt::Result {
    head(text, "calls_total", "counter", "What happened to calls, and what was told.")?;
    for (Kind { operation, outcome, told, replayed }, count) in &calls.0 {
        let (operation, outcome, told) = (operation.word(), outcome.word(), told.word());
        writeln!(
            text,
            "spike_provider_calls_total{{operation=\"{operation}\",outcome=\"{outcome}\",\
             told=\"{told}\",replayed=\"{replayed}\"}} {count}"
        )?;
    }
    Ok(())
}

fn write_limits(text: &mut String, limits: &[Limit], tally: &Tally) -> fmt::Result {
    head(text, "limit_calls_total", "counter", "What each limit said to calls.")?;
    for ((name, limit), counts) in names(limits).iter().zip(limits).zip(tally.limits()) {
        let (scope, algorithm) = (word(&limit.scope), word(&limit.algorithm));
        for (ruling, count) in [("admitted", counts.admitted), ("refused", counts.refused)] {
            writeln!(
                text,
                "spike_provider_limit_calls_total{{limit=\"{name}\",scope=\"{scope}\",\
                 algorithm=\"{algorithm}\",ruling=\"{ruling}\"}} {count}"
            )?;
        }
    }
    Ok(())
}

fn write_histograms(text: &mut String, meters: &Meters) -> fmt::Result {
    let name = "response_seconds";
    head(text, name, "histogram", "How long after its call an answer left.")?;
    let left = meters.left().clone();
    for ((operation, told), Histogram { counts, sum }) in left {
        let kind = format!("operation=\"{}\",told=\"{}\"", operation.word(), told.word());
        let bounds = BUCKETS_S.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut answers = 0;
        for (bound, count) in bounds.zip(counts) {
            answers += count;
            writeln!(text, "spike_provider_{name}_bucket{{{kind},le=\"{bound}\"}} {answers}")?;
        }
        writeln!(text, "spike_provider_{name}_sum{{{kind}}} {}", sum.as_secs_f64())?;
        writeln!(text, "spike_provider_{name}_count{{{kind}}} {answers}")?;
    }
    Ok(())
}

/// A plain word as files have it.
pub(super) fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("a plain word");
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_in_every_bucket_that_is_long_enough() {
        let meters = Meters::default();
        for millis in [1, 3, 700, 60_000] {
            let after = Duration::from_millis(millis);
            meters.begin().leave(PaymentOperation::Capture, PaymentOutcome::Captured, after);
        }
        let mut text = String::new();
        write_histograms(&mut text, &meters).unwrap();
        let kind = "operation=\"capture\",told=\"captured\"";
        for (bound, count) in [
            ("0.001", 1),
            ("0.0025", 1),
            ("0.005", 2),
            ("0.5", 2),
            ("1", 3),
            ("40", 3),
            ("+Inf", 4),
        ] {
            let name = "spike_provider_response_seconds_bucket";
            let line = format!("{name}{{{kind},le=\"{bound}\"}} {count}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(text.contains(&format!("_sum{{{kind}}} 60.704\n")), "{text}");
        assert!(text.contains(&format!("_count{{{kind}}} 4\n")), "{text}");
    }
}
