//! Takes note of what becomes of devices, event by event.

use domain::time::{Duration, Time, nanos_of};
use hdrhistogram::Histogram;

use crate::evidence::devices::{DeployRecord, DeviceRecord, DeviceSecond};
use crate::evidence::spread::Spread;

/// How exactly waits are kept: three digits.
const DIGITS: u8 = 3;
/// One second \[ns\].
const SECOND: u64 = 1_000_000_000;

/// How things stand between two events.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Devices that are connected.
    pub connected: u32,
    /// Attempts that wait to be accepted.
    pub backlog: u64,
    /// The share of the database that is busy \[0 to 1\]; absent where there is none.
    pub database: Option<f64>,
}

/// What became of an attempt to connect.
#[derive(Clone, Debug)]
struct Absence {
    /// Since when a device has no connection; absent: it has one.
    since: Option<Time>,
    /// How long it had none in the window, before that.
    before: Duration,
    /// Whether it is the deploy that took its last one.
    by_deploy: bool,
}

/// Takes note of what becomes of devices.
#[derive(Debug)]
pub struct DeviceLog {
    at: Time,
    standing: Standing,
    seconds: Vec<DeviceSecond>,
    /// The share of the database that was busy in each second.
    database: Vec<f64>,
    absences: Vec<Absence>,
    window_from: Time,
    connected_s: f64,
    heartbeats: Histogram<u64>,
    unanswered: u64,
    in_vain: u64,
    deploy: Option<DeployRecord>,
}

impl DeviceLog {
    /// So many devices, all connected, of which it counts from `window_from` on who is.
    ///
    /// # Panics
    /// Never: three digits are a precision that histograms know.
    pub fn new(count: u32, window_from: Time) -> Self {
        let there = Absence { since: None, before: Duration::ZERO, by_deploy: false };
        Self {
            at: Time::ZERO,
            standing: Standing { connected: count, ..Standing::default() },
            seconds: Vec::new(),
            database: Vec::new(),
            absences: vec![there; count as usize],
            window_from,
            connected_s: 0.0,
            heartbeats: Histogram::new(DIGITS).expect("three digits are known"),
            unanswered: 0,
            in_vain: 0,
            deploy: None,
        }
    }

    /// Nothing has changed until `at`.
    pub fn until(&mut self, at: Time) {
        while self.at < at {
            let place = self.place();
            let end = Time::from_nanos((self.at.nanos() / SECOND + 1) * SECOND).min(at);
            let lasted_s = end.since(self.at).as_secs_f64();
            if let Some(busy) = self.standing.database {
                if self.database.len() <= place {
                    self.database.resize(place + 1, 0.0);
                }
                self.database[place] += busy * lasted_s;
            }
            let counts_s = end.since(self.at.max(self.window_from)).as_secs_f64();
            self.connected_s += f64::from(self.standing.connected) * counts_s;
            self.at = end;
        }
        self.place();
    }

    /// This is how things stand from now on.
    pub fn stands(&mut self, standing: Standing) {
        self.standing = standing;
        let second = self.second();
        second.connected = standing.connected;
        second.backlog = second.backlog.max(standing.backlog);
    }

    /// A device tries to connect; so many attempts before it have failed.
    pub fn tries(&mut self, failed: u32) {
        let second = self.second();
        second.attempts += 1;
        second.first_attempts += u64::from(failed == 0);
    }

    /// An attempt was refused.
    pub fn is_refused(&mut self) {
        self.second().refused += 1;
    }

    /// An attempt was given up.
    pub fn times_out(&mut self) {
        self.second().timed_out += 1;
    }

    /// An attempt was accepted though nobody waited for it any more.
    pub fn is_in_vain(&mut self) {
        self.in_vain += 1;
    }

    /// A device has a connection now.
    pub fn connects(&mut self, device: u32) {
        self.second().accepted += 1;
        let absence = &mut self.absences[device as usize];
        let since = absence.since.take().unwrap_or(self.at);
        absence.before += self.at.since(since.max(self.window_from));
        if core::mem::take(&mut absence.by_deploy)
            && let Some(deploy) = &mut self.deploy
        {
            deploy.still_away -= 1;
            deploy.last_back = Some(self.at);
        }
    }

    /// A device has lost its connection.
    pub fn loses(&mut self, device: u32) {
        self.absences[device as usize].since = Some(self.at);
    }

    /// A device has lost it to the deploy.
    pub fn loses_to_deploy(&mut self, device: u32, how: Lost) {
        self.loses(device);
        let Some(deploy) = &mut self.deploy else { return };
        self.absences[device as usize].by_deploy = true;
        deploy.still_away += 1;
        match how {
            Lost::Cut => deploy.cut += 1,
            Lost::Closed => deploy.closed += 1,
        }
    }

    /// A heartbeat was answered so long after it was sent.
    ///
    /// # Panics
    /// Never: a histogram without bounds grows.
    pub fn heartbeat(&mut self, waited: Duration) {
        self.heartbeats.record(nanos_of(waited) / 1_000).expect("a histogram without bounds grows");
    }

    /// A message was not answered in time.
    pub fn is_unanswered(&mut self) {
        self.unanswered += 1;
    }

    /// The deploy begins.
    pub fn deploy_begins(&mut self) {
        let connected = self.standing.connected;
        self.deploy = Some(DeployRecord { began: self.at, connected, ..DeployRecord::default() });
    }

    /// The old containers are gone, and the new ones accept.
    pub fn deploy_ends(&mut self) {
        if let Some(deploy) = &mut self.deploy {
            deploy.ended = Some(self.at);
        }
    }

    /// All that was taken note of until `end`.
    pub fn record(mut self, end: Time) -> DeviceRecord {
        self.until(end);
        let window_from = self.window_from;
        let downtime = |absence: &Absence| {
            let yet = absence.since.map(|since| end.since(since.max(window_from)));
            (absence.before + yet.unwrap_or_default()).as_secs_f64()
        };
        let mut downtimes: Vec<f64> = self.absences.iter().map(downtime).collect();
        downtimes.sort_unstable_by(f64::total_cmp);
        let seconds = usize::try_from(end.nanos().div_ceil(SECOND)).unwrap_or(usize::MAX);
        self.seconds.truncate(seconds);
        let of_waits = |share| self.heartbeats.value_at_quantile(share) as f64 / 1e6;
        let waits = self.heartbeats.len();
        DeviceRecord {
            count: u32::try_from(downtimes.len()).unwrap_or(u32::MAX),
            until: end,
            window_from,
            connected_s: self.connected_s,
            downtime_s: Spread::of(downtimes.len() as u64, |share| nearest(&downtimes, share)),
            heartbeat_s: (waits > 0).then(|| Spread::of(waits, of_waits)),
            unanswered: self.unanswered,
            in_vain: self.in_vain,
            deploy: self.deploy,
            database: self.standing.database.map(|_| self.database),
            seconds: self.seconds,
        }
    }

    /// The second that is going on.
    fn second(&mut self) -> &mut DeviceSecond {
        let place = self.place();
        &mut self.seconds[place]
    }

    /// Its place; those before it are there.
    fn place(&mut self) -> usize {
        let place = usize::try_from(self.at.nanos() / SECOND).unwrap_or(usize::MAX);
        while self.seconds.len() <= place {
            let Standing { connected, backlog, .. } = self.standing;
            self.seconds.push(DeviceSecond { connected, backlog, ..DeviceSecond::default() });
        }
        place
    }
}

/// How a deploy takes a connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It is cut off with its container.
    Cut,
    /// It is closed by itself.
    Closed,
}

/// The value that a share of the sorted values is at most (nearest rank).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share in [0, 1] of a count that fits memory"
)]
fn nearest(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64 - 1e-9).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn it_counts_who_is_connected_from_the_window_on() {
        let mut log = DeviceLog::new(2, time(1_000));
        let stands = |connected| Standing { connected, backlog: 0, database: Some(0.5) };
        log.stands(stands(2));
        log.until(time(500));
        log.loses(0);
        log.stands(stands(1));
        log.until(time(1_000));
        log.deploy_begins();
        log.until(time(2_000));
        log.loses_to_deploy(1, Lost::Cut);
        log.stands(stands(0));
        log.until(time(3_500));
        log.tries(0);
        log.connects(0);
        log.stands(stands(1));
        log.deploy_ends();
        let record = log.record(time(5_000));
        // The second that is without in the window: 2.5 s of the one, 3 s of the other.
        assert!((record.connected_s - 2.5).abs() < 1e-9, "{record:?}");
        assert_eq!((record.downtime_s.p50, record.downtime_s.max), (2.5, 3.0));
        let connected: Vec<u32> = record.seconds.iter().map(|second| second.connected).collect();
        assert_eq!(connected, [1, 1, 0, 1, 1]);
        assert_eq!(record.database.unwrap(), [0.5; 5]);
        let deploy = record.deploy.unwrap();
        assert_eq!((deploy.connected, deploy.cut, deploy.still_away), (1, 1, 1));
        assert_eq!((deploy.ended, deploy.last_back), (Some(time(3_500)), None));
        assert_eq!((record.seconds[3].attempts, record.seconds[3].accepted), (1, 1));
    }

    #[test]
    fn the_nearest_rank_is_a_value() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        for (share, expected) in [(0.1, 1.0), (0.5, 5.0), (0.51, 6.0), (0.99, 10.0), (1.0, 10.0)] {
            assert!((nearest(&values, share) - expected).abs() < 1e-9, "{share}");
        }
    }
}
