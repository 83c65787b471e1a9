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
        Ok(Self { sinks })
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
        let _ = (until, harvests, purchases, &mut self.sinks);
        todo!()
    }

    /// Writes down what the shop says of itself.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn snapshot(&mut self, snapshot: &ShopSnapshot) -> io::Result<()> {
        let _ = snapshot;
        todo!()
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        todo!()
    }
}
