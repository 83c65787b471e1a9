//! What became of devices that hold a connection: storms of attempts, time without a connection, and whether
//! they came back after a deploy.

mod log;

pub use log::{DeviceLog, Lost, Standing};

use std::collections::BTreeMap;

use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::evidence::devices::{DeployRecord, DeviceRecord, DeviceSecond};
use crate::evidence::spread::Spread;
use crate::measure::recovery::{AFTER, BACK, BEFORE, METASTABLE, SETTLED, WINDOW, mean, second};
use crate::measure::{RecoveryState, round3, round6, rounded};

/// What became of the devices of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceSummary {
    /// How many there are.
    pub count: u32,
    /// From when on availability and downtime count, from the run's beginning \[s\]: the beginning of the
    /// deploy, or of the run where there is none.
    pub from_s: f64,
    /// Until when they do: the run's end \[s\].
    pub until_s: f64,
    /// The share of the devices' time within that in which they were connected \[0 to 1\].
    pub availability: f64,
    /// How long each device was without a connection within that, in all \[s\].
    pub downtime_s: Spread,
    /// Attempts to connect.
    pub connects: ConnectSummary,
    /// The most attempts that waited to be accepted at once.
    pub backlog: u64,
    /// How long heartbeats waited for their answers \[s\]; absent where none were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_s: Option<Spread>,
    /// Heartbeats and status messages that were not answered in time: each cost its connection.
    pub unanswered: u64,
    /// The database under them; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DeviceDatabase>,
    /// The deploy; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy: Option<DeployOutcome>,
    /// One entry per second of the run.
    pub seconds: Vec<DeviceSecond>,
}

/// Attempts to connect.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectSummary {
    /// How many.
    pub attempts: u64,
    /// Those that were accepted in time.
    pub accepted: u64,
    /// Those that were refused: the backlog was full, or nobody was there.
    pub refused: u64,
    /// Those that were given up before they were accepted.
    pub timed_out: u64,
    /// Those that were accepted though nobody waited for them any more.
    pub in_vain: u64,
    /// The most in one second.
    pub peak_per_s: u64,
    /// The most first attempts (since a connection was lost) in one second.
    pub first_peak_per_s: u64,
}

/// The share of a database that devices take.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceDatabase {
    /// In the mean over the run \[0 to 1\].
    pub mean: f64,
    /// In the busiest minute, or in the whole run where it is shorter \[0 to 1\]: what an alarm sees
    /// (`CloudWatch` reports once a minute).
    pub busiest_minute: f64,
    /// In the busiest second \[0 to 1\].
    pub busiest_second: f64,
}

/// What came of a deploy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeployOutcome {
    /// When it began, from the run's beginning \[s\].
    pub began_s: f64,
    /// How long it took until the old containers were gone and the new ones accepted \[s\]; absent if
    /// they never were.
    pub took_s: Option<f64>,
    /// How many devices were connected when it began.
    pub connected: u32,
    /// Connections that were cut off, with the container that held them.
    pub cut: u32,
    /// Connections that were closed one by one.
    pub closed: u32,
    /// The share of those connected at its beginning that stayed on the old containers to the end, and
    /// were cut off \[0 to 1\].
    pub stayed: f64,
    /// How long after its end the last device that it took the connection from had one again \[s\]; 0
    /// where that was before its end, absent if one never had.
    pub recovered_after_s: Option<f64>,
    /// How long after its end nine tenths of those connected before were connected again, for ten
    /// seconds \[s\]; absent if they never were.
    pub back_after_s: Option<f64>,
    /// How many were connected a minute after its end, in the mean; absent where nobody looked.
    pub connected_after: Option<f64>,
    /// What to call it.
    pub state: RecoveryState,
    /// Why it is not assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of all devices, by name.
pub(super) fn devices(evidence: &Evidence) -> BTreeMap<String, DeviceSummary> {
    let all = evidence.ending.devices.iter();
    all.map(|(name, record)| (name.clone(), summary(record))).collect()
}

/// How long a minute is in seconds of a database's use.
const MINUTE: usize = 60;

fn summary(record: &DeviceRecord) -> DeviceSummary {
    let window_s = record.until.since(record.window_from).as_secs_f64();
    let all_s = window_s * f64::from(record.count);
    let sum = |of: fn(&DeviceSecond) -> u64| record.seconds.iter().map(of).sum();
    let most = |of: fn(&DeviceSecond) -> u64| record.seconds.iter().map(of).max().unwrap_or(0);
    DeviceSummary {
        count: record.count,
        from_s: round3(record.window_from.seconds()),
        until_s: round3(record.until.seconds()),
        availability: if all_s > 0.0 { round6((record.connected_s / all_s).min(1.0)) } else { 0.0 },
        downtime_s: rounded(record.downtime_s),
        connects: ConnectSummary {
            attempts: sum(|second| second.attempts),
            accepted: sum(|second| second.accepted),
            refused: sum(|second| second.refused),
            timed_out: sum(|second| second.timed_out),
            in_vain: record.in_vain,
            peak_per_s: most(|second| second.attempts),
            first_peak_per_s: most(|second| second.first_attempts),
        },
        backlog: most(|second| second.backlog),
        heartbeat_s: record.heartbeat_s.map(rounded),
        unanswered: record.unanswered,
        database: record.database.as_deref().map(database),
        deploy: record.deploy.as_ref().map(|deploy| outcome(deploy, record)),
        seconds: record.seconds.clone(),
    }
}

/// Of the use second by second, in \[0, 1\].
fn database(used: &[f64]) -> DeviceDatabase {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let minutes = used.windows(MINUTE.min(used.len().max(1))).map(mean);
    DeviceDatabase {
        mean: round6(mean(used)),
        busiest_minute: round6(minutes.fold(0.0, f64::max)),
        busiest_second: round6(used.iter().copied().fold(0.0, f64::max)),
    }
}

fn outcome(deploy: &DeployRecord, record: &DeviceRecord) -> DeployOutcome {
    let ended = deploy.ended;
    let since_end = |at: Time| ended.map(|ended| round3(at.since(ended).as_secs_f64()));
    let all_back = deploy.still_away == 0 && ended.is_some();
    let mut told = DeployOutcome {
        began_s: round3(deploy.began.seconds()),
        took_s: ended.map(|ended| round3(ended.since(deploy.began).as_secs_f64())),
        connected: deploy.connected,
        cut: deploy.cut,
        closed: deploy.closed,
        stayed: round6(f64::from(deploy.cut) / f64::from(deploy.connected.max(1))),
        recovered_after_s: all_back
            .then(|| since_end(deploy.last_back.unwrap_or(Time::ZERO)))
            .flatten(),
        back_after_s: None,
        connected_after: None,
        state: RecoveryState::NotAssessed,
        reason: None,
    };
    match ended.ok_or("it did not end").and_then(|ended| assess(&mut told, ended, record)) {
        Ok(state) => told.state = state,
        Err(reason) => told.reason = Some(reason.to_owned()),
    }
    told
}

/// The detector of metastable failures, with devices that are connected as what is good: the load, all
/// devices there are, is the same before and after.
fn assess(
    told: &mut DeployOutcome,
    ended: Time,
    record: &DeviceRecord,
) -> Result<RecoveryState, &'static str> {
    let connected: Vec<f64> =
        record.seconds.iter().map(|second| f64::from(second.connected)).collect();
    let began = record.deploy.as_ref().map_or(0, |deploy| deploy.began.nanos() / 1_000_000_000);
    let since = began.saturating_sub(BEFORE);
    let before = mean(&connected, since, began).filter(|_| began - since >= WINDOW);
    let before = before.ok_or("the ten seconds before it are not there to compare with")?;
    if before == 0.0 {
        return Err("nobody was connected before it");
    }
    let (over, end) = (second(ended), connected.len() as u64);
    let is_back =
        |at: &u64| mean(&connected, *at, *at + WINDOW).is_some_and(|now| now >= BACK * before);
    let back = (over..end.saturating_sub(WINDOW - 1)).find(is_back);
    told.back_after_s = back.map(|at| round3(at as f64 - ended.seconds()).max(0.0));
    let settled = over + SETTLED;
    let last = (settled + AFTER).min(end);
    let after = mean(&connected, settled, last).filter(|_| last >= settled + WINDOW);
    told.connected_after = after.map(round3);
    if back.is_some_and(|at| at <= settled) {
        return Ok(RecoveryState::Recovered);
    }
    let after = after.ok_or("the run ended within a minute of it")?;
    let kept_up = after < METASTABLE * before;
    Ok(if kept_up { RecoveryState::Metastable } else { RecoveryState::Slow })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    /// 300 seconds with a deploy that is over at the 100th; so many are connected from each second on.
    fn told(connected: &[(u64, u32)]) -> DeployOutcome {
        let at = |second| {
            let steps = connected.iter().rev();
            steps.into_iter().find(|(from, _)| *from <= second).map_or(0, |(_, count)| *count)
        };
        let second = |number| DeviceSecond { connected: at(number), ..DeviceSecond::default() };
        let deploy = DeployRecord {
            began: time(70),
            ended: Some(time(100)),
            connected: 1_000,
            cut: 250,
            still_away: 1,
            ..DeployRecord::default()
        };
        let record = DeviceRecord {
            count: 1_000,
            until: time(300),
            deploy: Some(deploy),
            seconds: (0..300).map(second).collect(),
            ..DeviceRecord::default()
        };
        summary(&record).deploy.unwrap()
    }

    #[test]
    fn devices_come_back_or_do_not() {
        use RecoveryState::{Metastable, Recovered, Slow};
        for (connected, state, back) in [
            (&[(0, 1_000), (70, 0), (120, 950)][..], Recovered, Some(20.0)),
            (&[(0, 1_000), (70, 400)], Metastable, None),
            (&[(0, 1_000), (70, 400), (220, 1_000)], Metastable, Some(119.0)),
            (&[(0, 1_000), (70, 600)], Slow, None),
            (&[(0, 1_000), (70, 900)], Recovered, Some(0.0)),
        ] {
            let told = told(connected);
            assert_eq!(told.state, state, "{connected:?} {told:?}");
            let close = |(told, back): (f64, f64)| (told - back).abs() <= 1.0;
            assert!(told.back_after_s.zip(back).is_none_or(close), "{told:?}");
            assert_eq!(told.back_after_s.is_some(), back.is_some(), "{told:?}");
            assert_eq!((told.took_s, told.stayed), (Some(30.0), 0.25));
            assert_eq!(told.recovered_after_s, None, "one was never back");
        }
    }

    #[test]
    fn the_busiest_minute_is_what_an_alarm_sees() {
        let busy = |from: usize, until: usize| {
            let used: Vec<f64> =
                (0..300).map(|at| f64::from(u8::from((from..until).contains(&at)))).collect();
            database(&used)
        };
        let told = busy(100, 130);
        assert_eq!((told.busiest_minute, told.busiest_second, told.mean), (0.5, 1.0, 0.1));
        let minutes = [busy(10, 200), database(&[1.0, 0.0])].map(|told| told.busiest_minute);
        assert_eq!(minutes.map(f64::to_bits), [1.0, 0.5].map(f64::to_bits));
    }
}
