//! Histograms of times, and the interval log they are kept in: `latency.hlog`.
//!
//! Every value is a whole number of microseconds \[us\]. An entry's times are in seconds from
//! `StartTime`, the run's beginning; its `Interval_Max` is the largest value divided by 1,000,000,
//! which is seconds too. An interval is where an operation was *intended*: what a frozen shop
//! answers late belongs to the moment in which it was wanted. Such late answers are written as
//! further entries of the earlier interval; whoever adds the entries of a tag has all its values.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::outcome::Operation;
use domain::time::{Duration, Time};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, LogIteratorError, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use crate::evidence::read::ReadError;

/// The shortest time told apart \[us\].
const LOWEST_US: u64 = 1;
/// The longest \[us\], 10 minutes: longer than any deadline that makes sense; what is longer counts
/// as this.
const HIGHEST_US: u64 = 600_000_000;
/// Significant digits: an error of at most 0.1 %, less than any machine's noise.
const DIGITS: u8 = 3;
/// Microseconds per second: what the log divides its largest values by.
const US_PER_S: f64 = 1e6;
/// The file's name, for errors.
const FILE: &str = "latency.hlog";

/// An empty histogram of times in microseconds \[us\].
#[expect(clippy::missing_panics_doc, reason = "the bounds are constants, and right")]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS)
        .expect("the bounds are those of a histogram: 1 to 600,000,000 at 3 digits")
}

/// An empty histogram of the same times that takes memory as far as its longest time wants; its
/// counts end at 2^32.
pub(crate) fn growing_histogram() -> Histogram<u32> {
    Histogram::new(DIGITS).expect("three digits are a histogram's")
}

/// The time between two instants in whole microseconds \[us\], to the nearest, at most what a
/// histogram holds.
pub const fn microseconds(from: Time, until: Time) -> u64 {
    let ns = until.nanos().saturating_sub(from.nanos());
    let us = ns.saturating_add(500) / 1_000;
    if us < HIGHEST_US { us } else { HIGHEST_US }
}

/// Microseconds as milliseconds \[ms\].
pub fn milliseconds(us: u64) -> f64 {
    us as f64 / 1e3
}

/// What is timed: a tag of the interval log.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// From intended to done.
    Response(Operation),
    /// From sent to done.
    Service(Operation),
    /// From intended to sent, of all operations.
    Lateness,
    /// One request of a reload, from sent to done.
    Call,
    /// From intended to the first byte of the answer.
    FirstByte(Operation),
    /// Of a connection, from begun to standing.
    Connect,
    /// Of a connection that stands, until it is secured.
    Handshake,
    /// In the queue for a pooled connection, of those operations that had to wait for one.
    PoolWait,
}

impl Series {
    /// How many there are.
    pub const COUNT: usize = 3 * Operation::ALL.len() + 5;

    /// All series.
    pub fn all() -> impl Iterator<Item = Self> {
        let operations = Operation::ALL.into_iter();
        operations
            .clone()
            .map(Self::Response)
            .chain(operations.clone().map(Self::Service))
            .chain([Self::Lateness, Self::Call])
            .chain(operations.map(Self::FirstByte))
            .chain([Self::Connect, Self::Handshake, Self::PoolWait])
    }

    /// Its place among all series.
    pub const fn place(self) -> usize {
        match self {
            Self::Response(operation) => operation as usize,
            Self::Service(operation) => Operation::ALL.len() + operation as usize,
            Self::Lateness => 2 * Operation::ALL.len(),
            Self::Call => 2 * Operation::ALL.len() + 1,
            Self::FirstByte(operation) => 2 * Operation::ALL.len() + 2 + operation as usize,
            Self::Connect => 3 * Operation::ALL.len() + 2,
            Self::Handshake => 3 * Operation::ALL.len() + 3,
            Self::PoolWait => 3 * Operation::ALL.len() + 4,
        }
    }

    /// Its tag in the interval log.
    pub fn tag(self) -> String {
        match self {
            Self::Response(operation) => operation.word().to_owned(),
            Self::Service(operation) => format!("{operation}.service"),
            Self::Lateness => "lateness".to_owned(),
            Self::Call => "reload.call".to_owned(),
            Self::FirstByte(operation) => format!("{operation}.first_byte"),
            Self::Connect => "connect".to_owned(),
            Self::Handshake => "handshake".to_owned(),
            Self::PoolWait => "pool_wait".to_owned(),
        }
    }

    /// The series of that tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::all().find(|series| series.tag() == tag)
    }
}

/// Half of the stretch around the opening in which a run is cut finer.
const FINE: Duration = Duration::from_secs(10);
/// A second \[ns\].
const SECOND_NS: u64 = 1_000_000_000;
/// A tenth of a second \[ns\].
const TENTH_NS: u64 = 100_000_000;

/// How a run is cut into intervals: whole seconds, and tenths of those seconds that lie within 10 s
/// of the opening.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Grain {
    fine_from: u64,
    fine_until: u64,
}

impl Grain {
    /// The grain of a run whose first sale opens then.
    pub fn new(opening: Time) -> Self {
        Self {
            fine_from: opening.before(FINE).nanos() / SECOND_NS,
            fine_until: (opening + FINE).nanos().div_ceil(SECOND_NS),
        }
    }

    /// Whether the second is cut into tenths.
    pub const fn is_fine(self, second: u64) -> bool {
        self.fine_from <= second && second < self.fine_until
    }

    /// The interval that `at` falls into, by the tenth of a second it begins with.
    pub const fn interval(self, at: Time) -> u64 {
        let second = at.nanos() / SECOND_NS;
        if self.is_fine(second) { at.nanos() / TENTH_NS } else { second * 10 }
    }

    /// How long the interval is that begins with that tenth.
    pub const fn length(self, tenth: u64) -> Duration {
        if self.is_fine(tenth / 10) { Duration::from_millis(100) } else { Duration::from_secs(1) }
    }

    /// When the interval begins.
    pub const fn start(tenth: u64) -> Time {
        Time::from_millis(tenth * 100)
    }
}

/// Writes the interval log.
pub struct LatencyWriter {
    sink: Box<dyn Write + Send>,
    serializer: V2DeflateSerializer,
    /// One line, before it is written.
    line: Vec<u8>,
}

impl LatencyWriter {
    /// Writes the log's header: what the values are, and when the run began in UTC \[ns\].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(mut sink: Box<dyn Write + Send>, began_utc_ns: u64) -> io::Result<Self> {
        let began = std::time::UNIX_EPOCH + Duration::from_nanos(began_utc_ns);
        let mut serializer = V2DeflateSerializer::new();
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment(
                "values: microseconds; Interval_Max: seconds; times: seconds since StartTime",
            )
            .add_comment("an interval may have several entries of one tag: add them")
            .with_start_time(began)
            .with_max_value_divisor(US_PER_S)
            .begin_log_with(&mut sink, &mut serializer)?;
        writeln!(
            sink,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
             \"Interval_Compressed_Histogram\""
        )?;
        Ok(Self { sink, serializer, line: Vec::new() })
    }

    /// Writes what was recorded for `series` in one interval.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(
        &mut self,
        series: Series,
        start: Time,
        length: Duration,
        histogram: &Histogram<u64>,
    ) -> io::Result<()> {
        self.line.clear();
        let tag = series.tag();
        IntervalLogWriterBuilder::new()
            .with_max_value_divisor(US_PER_S)
            .begin_log_with(&mut self.line, &mut self.serializer)?
            .write_histogram(histogram, start.since(Time::ZERO), length, Tag::new(&tag))
            .map_err(|error| io::Error::other(error.to_string()))?;
        // The builder repeats the divisor as a comment each time; the header has it.
        let header = self.line.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.sink.write_all(&self.line[header..])
    }

    /// Hands everything to the medium.
    ///
    /// # Errors
    /// When it cannot.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// An interval log read back: for each entry its distinct values and how often each came, at most
/// some 20,000 a second and series, so that a long run fits into memory.
#[derive(Debug, Default)]
pub struct LatencyLog {
    entries: BTreeMap<Series, Vec<Entry>>,
}

/// One entry of the log.
#[derive(Debug)]
struct Entry {
    start: Time,
    /// Times \[us\], and how many of each.
    counts: Vec<(u32, u32)>,
}

impl Entry {
    fn new(start: Time, histogram: &Histogram<u64>) -> Self {
        let fits = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let counts = histogram
            .iter_recorded()
            .map(|value| (fits(value.value_iterated_to()), fits(value.count_at_value())))
            .collect();
        Self { start, counts }
    }
}

impl LatencyLog {
    /// Reads an interval log. The last line of a killed run may be cut short; it is left out.
    /// Entries with unknown tags are left out too: they are other people's.
    ///
    /// # Errors
    /// When the medium fails or a line is no entry.
    pub fn read(mut reader: impl BufRead) -> Result<Self, ReadError> {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map_err(|source| ReadError::Io { file: FILE, source })?;
        text.truncate(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        let mut log = Self::default();
        for (line, bytes) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
            for entry in IntervalLogIterator::new(bytes) {
                log.keep(entry).map_err(|what| ReadError::Interval { file: FILE, line, what })?;
            }
        }
        for entries in log.entries.values_mut() {
            entries.sort_by_key(|entry| entry.start);
        }
        Ok(log)
    }

    /// Keeps an entry, or says what is wrong with it.
    fn keep(&mut self, entry: Result<LogEntry<'_>, LogIteratorError>) -> Result<(), String> {
        let interval = match entry {
            Ok(LogEntry::Interval(interval)) => interval,
            Ok(LogEntry::StartTime(_) | LogEntry::BaseTime(_)) => return Ok(()),
            Err(LogIteratorError::ParseError { .. }) => return Err("not an interval".to_owned()),
        };
        let Some(series) = interval.tag().and_then(|tag| Series::from_tag(&tag)) else {
            return Ok(());
        };
        let compressed =
            STANDARD.decode(interval.encoded_histogram()).map_err(|error| error.to_string())?;
        let histogram = Deserializer::new()
            .deserialize::<u64, _>(&mut Cursor::new(&compressed))
            .map_err(|error| format!("not a histogram: {error}"))?;
        let start = Time::ZERO + interval.start_timestamp();
        self.entries.entry(series).or_default().push(Entry::new(start, &histogram));
        Ok(())
    }

    /// All values of a series.
    pub fn whole(&self, series: Series) -> Histogram<u64> {
        self.between(series, Time::ZERO, Time::NEVER)
    }

    /// The values of a series in the intervals that begin in `[from, until)`.
    pub fn between(&self, series: Series, from: Time, until: Time) -> Histogram<u64> {
        let mut sum = histogram();
        for (us, count) in self.slice(series, from, until).iter().flat_map(|entry| &entry.counts) {
            sum.saturating_record_n(u64::from(*us), u64::from(*count));
        }
        sum
    }

    /// The entries of a series in the order of time: when each begins, its distinct values \[us\], and how
    /// often each came.
    pub(super) fn intervals(&self, series: Series) -> impl Iterator<Item = (Time, &[(u32, u32)])> {
        let entries = self.slice(series, Time::ZERO, Time::NEVER);
        entries.iter().map(|entry| (entry.start, &entry.counts[..]))
    }

    /// Whether anything of a series was recorded in the intervals that begin in `[from, until)`.
    pub fn has_between(&self, series: Series, from: Time, until: Time) -> bool {
        !self.slice(series, from, until).is_empty()
    }

    /// Whether the log holds anything of a series.
    pub fn has(&self, series: Series) -> bool {
        self.entries.contains_key(&series)
    }

    /// The last moment the log knows of: the beginning of its last interval.
    pub fn last(&self) -> Time {
        self.entries
            .values()
            .filter_map(|entries| entries.last())
            .map(|entry| entry.start)
            .max()
            .unwrap_or_default()
    }

    fn slice(&self, series: Series, from: Time, until: Time) -> &[Entry] {
        let entries = self.entries.get(&series).map_or(&[][..], Vec::as_slice);
        let first = entries.partition_point(|entry| entry.start < from);
        let end = entries.partition_point(|entry| entry.start < until);
        &entries[first..end.max(first)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

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

    /// A log with the values 1 ms … 100 ms in each of three seconds.
    fn log() -> Vec<u8> {
        let sink = Shared::default();
        let mut writer =
            LatencyWriter::begin(Box::new(sink.clone()), 1_700_000_000_000_000_000).unwrap();
        let mut hundred = histogram();
        for ms in 1..=100 {
            hundred.record(ms * 1_000).unwrap();
        }
        let series = Series::Response(Operation::Reload);
        for second in 0..3 {
            let start = Time::from_millis(second * 1_000);
            writer.write(series, start, Duration::from_secs(1), &hundred).unwrap();
        }
        writer.flush().unwrap();
        sink.0.lock().unwrap().clone()
    }

    #[test]
    fn percentiles_survive_the_log_to_three_digits() {
        let log = LatencyLog::read(&log()[..]).unwrap();
        let whole = log.whole(Series::Response(Operation::Reload));
        assert_eq!(whole.len(), 300);
        for (quantile, ms) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let read = milliseconds(whole.value_at_quantile(quantile));
            assert!((read - ms).abs() / ms <= 0.001, "{quantile}: {read} ms");
        }
        assert!(!log.has(Series::Lateness));
    }

    #[test]
    fn a_window_holds_the_intervals_that_begin_in_it() {
        let log = LatencyLog::read(&log()[..]).unwrap();
        let window = log.between(
            Series::Response(Operation::Reload),
            Time::from_millis(1_000),
            Time::from_millis(2_000),
        );
        assert_eq!(window.len(), 100);
        assert_eq!(log.last(), Time::from_millis(2_000));
    }

    #[test]
    fn the_log_says_its_units_and_when_it_began() {
        let log = String::from_utf8(log()).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines[0], "#[Histogram log format version 1.3]");
        assert_eq!(lines[3], "#[StartTime: 1700000000.000 (seconds since epoch)]");
        assert!(lines[6].starts_with("Tag=reload,0.000,1.000,0.100,HIST"), "{}", lines[6]);
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn the_torn_last_line_of_a_killed_run_is_left_out() {
        let mut text = log();
        text.truncate(text.len() - 10);
        let log = LatencyLog::read(&text[..]).unwrap();
        assert_eq!(log.whole(Series::Response(Operation::Reload)).len(), 200);
    }

    #[test]
    fn a_broken_line_is_named() {
        let mut text = log();
        text.extend_from_slice(b"Tag=reload,3.000,1.000,0.100,nonsense\n");
        let error = LatencyLog::read(&text[..]).unwrap_err().to_string();
        assert!(error.starts_with("read latency.hlog line 10: "), "{error}");
    }

    #[test]
    fn every_series_is_found_by_its_tag_and_has_a_place_of_its_own() {
        for (place, series) in Series::all().enumerate() {
            assert_eq!((series.place(), Series::from_tag(&series.tag())), (place, Some(series)));
        }
        assert_eq!(Series::all().count(), Series::COUNT);
    }

    #[test]
    fn seconds_near_the_opening_are_cut_into_tenths() {
        let grain = Grain::new(Time::from_millis(40_500));
        let at = |ms| grain.interval(Time::from_millis(ms));
        assert_eq!((at(29_999), at(30_499), at(50_450), at(51_999)), (290, 304, 504, 510));
        assert_eq!(grain.length(504), Duration::from_millis(100));
        assert_eq!(grain.length(510), Duration::from_secs(1));
    }
}
