//! Merges the meters once a second and writes what the judge will read.
//!
//! Its memory grows neither with the run nor with its rate: a histogram of each series and interval
//! that anything came in for since the last second, one of all lateness so far, and the totals that
//! a person watches.

use std::collections::BTreeMap;
use std::io::{self, Write};

use domain::shop::{Balance, ShopSnapshot};
use domain::time::Time;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::evidence::PurchaseLine;
use crate::measure::delta::{Delta, Second, Tap};
use crate::measure::latency::{
    Grain, LatencyWriter, Series, growing_histogram, histogram, milliseconds,
};
use crate::measure::meter::{Counts, Group, Harvest};
use crate::measure::recent::{Recent, RecentSeries};
use crate::measure::timeline::TimelineLine;
use crate::measure::vitals::Vitals;

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
    latency: LatencyWriter,
    timeline: Box<dyn Write + Send>,
    purchases: Box<dyn Write + Send>,
    snapshots: Box<dyn Write + Send>,
    grain: Grain,
    /// What came in since the last second, by interval and series. They grow as far as their
    /// longest time wants: 8 KiB for 2 ms, some 80 KiB for ten minutes.
    open: BTreeMap<Group, Histogram<u32>>,
    /// Filled and emptied for each entry of the interval log, whose bounds are the same for all.
    scratch: Histogram<u64>,
    lateness: Histogram<u64>,
    /// The generator's cores, for the next line of the timeline.
    cpu: Option<f64>,
    /// What the machine did to the generator, for the next line of the timeline.
    vitals: Option<Vitals>,
    /// The last seconds, where a person wants to see them.
    recent: Option<Recent>,
    progress: Progress,
    arrived: u64,
    left: u64,
    last: Option<ShopSnapshot>,
    tap: Option<Tap>,
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
    /// What the shop said of itself last; a foreign one says nothing.
    pub shop: Option<ShopProgress>,
    /// 99 % lateness so far \[ms\].
    pub lateness_p99_ms: f64,
    /// Orders confirmed so far.
    pub confirmed: u64,
    /// Connections opened so far.
    pub opened: u64,
    /// Connections that failed so far.
    pub unconnected: u64,
    /// What the last seconds were like; nothing unless that was asked for.
    pub recent: Vec<RecentSeries>,
}

/// What the shop says of itself, for a person who watches.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ShopProgress {
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
}

impl Recorder {
    /// A recorder that writes to `sinks`. `opening` is the first opening.
    ///
    /// # Errors
    /// When a header cannot be written.
    pub fn new(sinks: Sinks, began_utc_ns: u64, opening: Time) -> io::Result<Self> {
        Ok(Self {
            latency: LatencyWriter::begin(sinks.latency, began_utc_ns)?,
            timeline: sinks.timeline,
            purchases: sinks.purchases,
            snapshots: sinks.snapshots,
            grain: Grain::new(opening),
            open: BTreeMap::new(),
            scratch: histogram(),
            lateness: histogram(),
            cpu: None,
            vitals: None,
            recent: None,
            progress: Progress::default(),
            arrived: 0,
            left: 0,
            last: None,
            tap: None,
        })
    }

    /// Hands what it writes down to `tap` too, each second.
    pub fn follow(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    /// From now on a person sees what the last seconds were like.
    pub fn keep_recent(&mut self) {
        self.recent.get_or_insert_default();
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
        let mut all = Harvest::default();
        for mut harvest in harvests {
            self.fold(&mut harvest);
            all.merge(harvest);
        }
        self.progress.at = until;
        self.progress.sent = 0;
        let (cpu, vitals) = (self.cpu, self.vitals);
        if let Some(recent) = &mut self.recent {
            recent.begin();
        }
        self.write_timeline(until, &all)?;
        let times = self.write_latency()?;
        for line in purchases {
            write_line(&mut self.purchases, line)?;
        }
        self.latency.flush()?;
        self.timeline.flush()?;
        self.purchases.flush()?;
        if let Some(tap) = &mut self.tap {
            let mut second = Second { times, cpu, vitals, ..Second::default() };
            second.spans = all.take_spans();
            second.edges.clone_from(all.edges());
            all.seconds().for_each(|(_, counts)| second.counts.merge(counts));
            tap(Delta { until, second: Some(Box::new(second)), shop: None });
        }
        Ok(())
    }

    /// Takes what was timed out of a harvest; it is written down with the next second.
    #[expect(clippy::missing_panics_doc, reason = "a sample is bounded as a histogram is")]
    pub fn fold(&mut self, harvest: &mut Harvest) {
        for group in harvest.take_samples().chunk_by(|a, b| a.group() == b.group()) {
            let group_of_all = group[0].group();
            let values = self.open.entry(group_of_all).or_insert_with(growing_histogram);
            for same in group.chunk_by(|a, b| a == b) {
                let count = u32::try_from(same.len()).unwrap_or(u32::MAX);
                values.record_n(same[0].us(), count).expect("it grows to the longest sample");
                if group_of_all.series() == Series::Lateness {
                    self.lateness.saturating_record_n(same[0].us(), u64::from(count));
                }
            }
        }
        for (sample, count) in harvest.take_shared() {
            let values = self.open.entry(sample.group()).or_insert_with(growing_histogram);
            values.record_n(sample.us(), count).expect("it grows to the longest sample");
            if sample.group().series() == Series::Lateness {
                self.lateness.saturating_record_n(sample.us(), u64::from(count));
            }
        }
    }

    /// Notes how many cores the generator used since the last call \[cores\]; the next line of the
    /// timeline says so.
    pub fn busy(&mut self, cores: f64) {
        self.cpu = Some(self.cpu.map_or(cores, |cpu| cpu.max(cores)));
    }

    /// Notes what the machine did to the generator since the last call; the next line of the timeline
    /// says so.
    pub fn felt(&mut self, vitals: Vitals) {
        self.vitals = Some(vitals);
    }

    /// Writes down what the shop says of itself.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn snapshot(&mut self, snapshot: &ShopSnapshot) -> io::Result<()> {
        write_line(&mut self.snapshots, snapshot)?;
        self.snapshots.flush()?;
        let before = self.last.take().unwrap_or_default();
        let elapsed = snapshot.at.since(before.at).as_secs_f64();
        let per_s = |now: u64, then: u64| rate(now.saturating_sub(then), elapsed);
        let sum = |part: fn(&Balance) -> i64| snapshot.items.values().map(part).sum();
        self.progress.shop = Some(ShopProgress {
            edge: per_s(snapshot.edge, before.edge),
            origin: per_s(snapshot.origin, before.origin),
            payment: per_s(snapshot.payment, before.payment),
            free: sum(|balance| balance.free),
            sold: sum(|balance| balance.sold),
        });
        self.last = Some(snapshot.clone());
        if let Some(tap) = &mut self.tap {
            tap(Delta { until: snapshot.at, second: None, shop: Some(snapshot.clone()) });
        }
        Ok(())
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        let lateness_p99_ms = milliseconds(self.lateness.value_at_quantile(0.99));
        let recent = self.recent.as_ref().map(Recent::series).unwrap_or_default();
        Progress { lateness_p99_ms, recent, ..self.progress.clone() }
    }

    fn write_timeline(&mut self, until: Time, all: &Harvest) -> io::Result<()> {
        for (second, counts) in all.seconds() {
            write_line(&mut self.timeline, &TimelineLine::new(second, counts, self.grain))?;
            self.watch(counts);
        }
        if self.cpu.is_some() || self.vitals.is_some() || !all.edges().is_empty() {
            let second = (until.nanos() / 1_000_000_000).saturating_sub(1);
            let (cpu, vitals) = (self.cpu.take(), self.vitals.take());
            let edges = all.edges().clone();
            let line = TimelineLine { second, edges, cpu, vitals, ..TimelineLine::default() };
            write_line(&mut self.timeline, &line)?;
        }
        Ok(())
    }

    fn watch(&mut self, counts: &Counts) {
        self.arrived += counts.arrived;
        self.left += counts.departed.iter().sum::<u64>();
        // One meter may tell of a fan's leaving before another tells of its arrival.
        self.progress.present = self.arrived.saturating_sub(self.left);
        self.progress.sent += counts.sent;
        self.progress.confirmed += counts.useful;
        self.progress.opened += counts.opened;
        self.progress.unconnected += counts.connection_failures.iter().sum::<u64>();
        if let Some(recent) = &mut self.recent {
            recent.count(counts);
        }
    }

    /// Writes one entry per interval and series, and hands them out.
    fn write_latency(&mut self) -> io::Result<BTreeMap<Group, Histogram<u32>>> {
        let open = std::mem::take(&mut self.open);
        for (group, values) in &open {
            self.scratch.reset();
            for value in values.iter_recorded() {
                let count = u64::from(value.count_at_value());
                self.scratch.saturating_record_n(value.value_iterated_to(), count);
            }
            let interval = group.interval();
            let (start, length) = (Grain::start(interval), self.grain.length(interval));
            self.latency.write(group.series(), start, length, &self.scratch)?;
            if let Some(recent) = &mut self.recent {
                recent.time(group.series(), values);
            }
        }
        Ok(open)
    }
}

/// Events per second, to the nearest; nothing while no time has passed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count over a positive time is positive, and far below 2^64"
)]
fn rate(count: u64, seconds: f64) -> u64 {
    if seconds > 0.0 { (count as f64 / seconds).round() as u64 } else { 0 }
}

fn write_line(sink: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *sink, line)?;
    sink.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    use crate::evidence::Attempt;
    use crate::measure::latency::LatencyLog;
    use crate::measure::meter::Meter;
    use crate::measure::timeline::Timeline;
    use domain::id::FanId;
    use domain::outcome::{Departure, Operation, Outcome};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn bytes(&self) -> Vec<u8> {
            self.0.lock().unwrap().clone()
        }
    }

    struct Rig {
        recorder: Recorder,
        latency: Shared,
        timeline: Shared,
    }

    fn rig() -> Rig {
        let (latency, timeline) = (Shared::default(), Shared::default());
        let sinks = Sinks {
            latency: Box::new(latency.clone()),
            timeline: Box::new(timeline.clone()),
            purchases: Box::new(io::sink()),
            snapshots: Box::new(io::sink()),
        };
        let recorder = Recorder::new(sinks, 0, Time::from_millis(40_000)).unwrap();
        Rig { recorder, latency, timeline }
    }

    fn reload(meter: &mut Meter, intended_ms: u64, took_ms: u64) {
        let intended = Time::from_millis(intended_ms);
        let done = Time::from_millis(intended_ms + took_ms);
        let fan = FanId { population: 0, index: 0 };
        let (operation, outcome) = (Operation::Reload, Outcome::Ok);
        meter.sent(operation, intended, intended);
        let (sent, first_byte) = (intended, Some(done));
        meter.done(&Attempt { fan, operation, intended, sent, first_byte, done, outcome });
    }

    #[test]
    fn what_comes_late_corrects_the_second_it_belongs_to() {
        let mut rig = rig();
        let mut meter = Meter::new(Time::from_millis(40_000));
        reload(&mut meter, 100, 50);
        rig.recorder.absorb(Time::from_millis(1_000), vec![meter.harvest()], &[]).unwrap();
        reload(&mut meter, 900, 700);
        rig.recorder.absorb(Time::from_millis(2_000), vec![meter.harvest()], &[]).unwrap();

        let timeline = Timeline::read(&rig.timeline.bytes()[..]).unwrap();
        assert_eq!(timeline.seconds[&0].outcomes[&Operation::Reload][&Outcome::Ok], 2);
        assert_eq!((timeline.seconds[&0].completed, timeline.seconds[&1].completed), (1, 1));
        let log = LatencyLog::read(&rig.latency.bytes()[..]).unwrap();
        let first =
            log.between(Series::Response(Operation::Reload), Time::ZERO, Time::from_millis(1_000));
        assert_eq!((first.len(), first.equivalent(first.max(), 700_000)), (2, true));
    }

    #[test]
    fn the_opening_is_cut_into_tenths() {
        let mut rig = rig();
        let mut meter = Meter::new(Time::from_millis(40_000));
        for tenth in 0..10 {
            reload(&mut meter, 40_000 + tenth * 100, 5);
        }
        rig.recorder.absorb(Time::from_millis(41_000), vec![meter.harvest()], &[]).unwrap();
        let text = String::from_utf8(rig.latency.bytes()).unwrap();
        let intervals: Vec<&str> =
            text.lines().filter(|line| line.starts_with("Tag=reload,40.")).collect();
        assert_eq!(intervals.len(), 10);
        assert!(intervals[3].starts_with("Tag=reload,40.300,0.100,0.005,"), "{}", intervals[3]);
        let timeline = Timeline::read(&rig.timeline.bytes()[..]).unwrap();
        assert_eq!(timeline.seconds[&40].tenths, Some([1; 10]));
    }

    #[test]
    fn who_follows_is_told_each_second_once_and_what_the_shop_says() {
        let mut rig = rig();
        let told: Arc<Mutex<Vec<Delta>>> = Arc::default();
        let heard = Arc::clone(&told);
        rig.recorder.follow(Box::new(move |delta| heard.lock().unwrap().push(delta)));
        let mut meter = Meter::new(Time::from_millis(40_000));
        reload(&mut meter, 100, 50);
        reload(&mut meter, 200, 700);
        rig.recorder.busy(0.5);
        rig.recorder.absorb(Time::from_millis(1_000), vec![meter.harvest()], &[]).unwrap();
        reload(&mut meter, 900, 2_000);
        rig.recorder.absorb(Time::from_millis(2_000), vec![meter.harvest()], &[]).unwrap();
        let snapshot = ShopSnapshot { edge: 60, ..ShopSnapshot::default() };
        rig.recorder.snapshot(&snapshot).unwrap();

        let told = told.lock().unwrap();
        let [first, second, shop] = &told[..] else { panic!("{told:?}") };
        let seconds = [first, second].map(|delta| delta.second.as_ref().unwrap());
        assert_eq!(seconds.map(|second| second.counts.sent), [2, 1]);
        assert_eq!(seconds.map(|second| second.cpu), [Some(0.5), None]);
        let responses = seconds.map(|second| {
            let response = Series::Response(Operation::Reload);
            let times = second.times().filter(|(series, ..)| *series == response);
            times.map(|(_, us, count)| ((us + 5_000) / 10_000, count)).collect::<Vec<_>>()
        });
        assert_eq!(
            responses,
            [vec![(5, 1), (70, 1)], vec![(200, 1)]],
            "what is told is not told again"
        );
        assert_eq!((shop.shop.as_ref(), shop.second.is_none()), (Some(&snapshot), true));
    }

    #[test]
    fn progress_counts_the_last_second_and_who_is_present() {
        let mut rig = rig();
        let mut meter = Meter::new(Time::from_millis(40_000));
        meter.arrived(Time::from_millis(10));
        meter.arrived(Time::from_millis(20));
        meter.departed(Time::from_millis(30), Departure::SoldOut);
        reload(&mut meter, 100, 5);
        rig.recorder.busy(0.5);
        rig.recorder.absorb(Time::from_millis(1_000), vec![meter.harvest()], &[]).unwrap();
        let snapshot =
            |ms, edge| ShopSnapshot { at: Time::from_millis(ms), edge, ..ShopSnapshot::default() };
        rig.recorder.snapshot(&snapshot(1_000, 60)).unwrap();
        rig.recorder.snapshot(&snapshot(3_000, 260)).unwrap();
        let progress = rig.recorder.progress();
        let edge = progress.shop.unwrap().edge;
        assert_eq!((progress.present, progress.sent, edge), (1, 1, 100));
        rig.recorder.absorb(Time::from_millis(2_000), vec![meter.harvest()], &[]).unwrap();
        assert_eq!(rig.recorder.progress().sent, 0);
        let timeline = Timeline::read(&rig.timeline.bytes()[..]).unwrap();
        assert_eq!(timeline.total().cpu, Some(0.5));
    }
}
