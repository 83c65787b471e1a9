//! What a second of a live run added, for whoever follows it while it lasts.

use std::collections::BTreeMap;

use domain::shop::ShopSnapshot;
use domain::time::Time;
use hdrhistogram::Histogram;

use crate::measure::edge::EdgeCounts;
use crate::measure::latency::Series;
use crate::measure::meter::{Counts, Group};
use crate::measure::vitals::Vitals;
use crate::tracing::Spans;

/// What came in since the last one: a second's counts and times, or what the shop said of itself.
#[derive(Debug, Default)]
pub struct Delta {
    /// Up to when everything has come in.
    pub until: Time,
    /// The whole second that ended with it, if one did.
    pub second: Option<Box<Second>>,
    /// What the shop says of itself, if it said something.
    pub shop: Option<ShopSnapshot>,
}

/// What all meters added in a second. An operation that was intended before and answered now is in it.
#[derive(Debug, Default)]
pub struct Second {
    /// Counts.
    pub counts: Counts,
    /// Times, by interval and series.
    pub(crate) times: BTreeMap<Group, Histogram<u32>>,
    /// What the edge in front of a foreign shop did with answers, by step.
    pub edges: BTreeMap<String, EdgeCounts>,
    /// The cores that the generator used, where known.
    pub cpu: Option<f64>,
    /// What the machine did to the generator, where known.
    pub vitals: Option<Vitals>,
    /// What was traced.
    pub spans: Spans,
}

impl Second {
    /// All times: of which series, how long \[us\], and how many.
    pub fn times(&self) -> impl Iterator<Item = (Series, u64, u64)> {
        self.times.iter().flat_map(|(group, values)| {
            let series = group.series();
            values.iter_recorded().map(move |value| {
                let us = values.median_equivalent(value.value_iterated_to());
                (series, us, u64::from(value.count_at_value()))
            })
        })
    }
}

/// Takes what a second added. It must not wait for anybody: who calls it writes the evidence.
pub type Tap = Box<dyn FnMut(Delta) + Send>;
