//! Objectives of devices: `"chargers availability" = ">= 99%"`.

use super::reading::{Unit, kept, read, waited_ms};
use super::{ObjectiveProblem, Statistic};
use crate::measure::DeviceSummary;

/// What an objective reads of devices.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum DeviceReading {
    /// `availability`: the share of their time in which they were connected.
    Availability,
    /// `downtime p(99)`: how long each was without a connection in all \[ms\].
    Downtime(Statistic),
    /// `connect peak`: the most attempts in one second \[1/s\].
    ConnectPeak,
    /// `backlog`: the most attempts that waited at once.
    Backlog,
    /// `recovery`: how long after the end of the deploy the last one was connected again \[ms\].
    Recovery,
    /// `deploy`: how long the deploy took \[ms\].
    Deploy,
    /// `database`: the share of the database that was used in the busiest minute.
    Database,
    /// `heartbeat p(99)`: how long a heartbeat waited for its answer \[ms\].
    Heartbeat(Statistic),
}

/// Of whom statistics are kept.
const DEVICES: &str = "devices";

impl DeviceReading {
    /// The name of devices and what is read of them, if that is what the words of a key say.
    ///
    /// # Errors
    /// When the statistic is none.
    pub(super) fn parse(words: &[&str]) -> Result<Option<(String, Self)>, ObjectiveProblem> {
        let (name, reading) = match words {
            [name, "availability"] => (name, Self::Availability),
            [name, "connect", "peak"] => (name, Self::ConnectPeak),
            [name, "backlog"] => (name, Self::Backlog),
            [name, "recovery"] => (name, Self::Recovery),
            [name, "deploy"] => (name, Self::Deploy),
            [name, "database"] => (name, Self::Database),
            [name, "downtime", word] => (name, Self::Downtime(kept(word, DEVICES)?)),
            [name, "heartbeat", word] => (name, Self::Heartbeat(kept(word, DEVICES)?)),
            _ => return Ok(None),
        };
        Ok(Some(((*name).to_owned(), reading)))
    }

    /// What its value is.
    pub(super) const fn unit(self) -> Unit {
        match self {
            Self::Availability | Self::Database => Unit::Ratio,
            Self::ConnectPeak => Unit::PerSecond,
            Self::Backlog => Unit::Count,
            Self::Downtime(_) | Self::Recovery | Self::Deploy | Self::Heartbeat(_) => {
                Unit::Milliseconds
            }
        }
    }

    /// The bound that a value is compared with, in the reading's unit.
    ///
    /// # Errors
    /// When the text is none.
    pub(super) fn bound(self, text: &str) -> Result<f64, ObjectiveProblem> {
        self.unit().bound(text)
    }

    /// Whether its value is a length of time.
    pub fn is_time(self) -> bool {
        self.unit() == Unit::Milliseconds
    }

    /// Its value, in its unit; infinite where something never ended.
    ///
    /// # Errors
    /// Why there is none.
    pub fn value(self, devices: &DeviceSummary) -> Result<f64, String> {
        let ms = |seconds: Option<f64>| seconds.map_or(f64::INFINITY, |seconds| seconds * 1e3);
        let deploy = || devices.deploy.as_ref().ok_or_else(|| "there was no deploy".to_owned());
        match self {
            Self::Availability => Ok(devices.availability),
            Self::Downtime(statistic) => Ok(read(statistic, &devices.downtime_s) * 1e3),
            Self::ConnectPeak => Ok(devices.connects.peak_per_s as f64),
            Self::Backlog => Ok(devices.backlog as f64),
            Self::Recovery => deploy().map(|deploy| ms(deploy.recovered_after_s)),
            Self::Deploy => deploy().map(|deploy| ms(deploy.took_s)),
            Self::Database => devices
                .database
                .map(|database| database.busiest_minute)
                .ok_or_else(|| "they have no database".to_owned()),
            Self::Heartbeat(statistic) => {
                let waited =
                    devices.heartbeat_s.ok_or_else(|| "no heartbeat was answered".to_owned())?;
                waited_ms(statistic, &waited)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::spread::Spread;
    use crate::verdict::objective::{Objective, Subject};

    #[test]
    fn objectives_of_devices_are_read_as_people_write_them() {
        for (key, value, reading, bound) in [
            ("chargers availability", ">= 99%", DeviceReading::Availability, 0.99),
            ("chargers connect peak", "<= 120/s", DeviceReading::ConnectPeak, 120.0),
            ("chargers backlog", "< 1_000", DeviceReading::Backlog, 1_000.0),
            ("chargers recovery", "< 1m", DeviceReading::Recovery, 60_000.0),
            ("chargers deploy", "< 310s", DeviceReading::Deploy, 310_000.0),
            ("chargers database", "< 80%", DeviceReading::Database, 0.8),
            ("rooms downtime max", "< 10s", DeviceReading::Downtime(Statistic::Max), 10_000.0),
            (
                "rooms heartbeat p(99)",
                "< 1s",
                DeviceReading::Heartbeat(Statistic::Quantile(0.99)),
                1_000.0,
            ),
        ] {
            let read = Objective::parse(key, value).unwrap();
            assert_eq!(read.subject, Subject::Devices(reading), "{key}");
            assert_eq!(read.name.as_deref(), key.split_whitespace().next());
            assert!((read.bound - bound).abs() < 1e-9, "{key}: {}", read.bound);
        }
    }

    #[test]
    fn what_cannot_be_read_of_them_says_what_would_be_right() {
        for (key, value, hint) in [
            ("chargers downtime p(42)", "< 1s", "p(50), p(90)"),
            ("chargers downtime avg", "< 1s", "p(50), p(90)"),
            ("chargers connect peak", "< 3", "<= 120/s"),
            ("chargers backlog", "< many", "such as"),
            ("chargers recovery", "< 3", "needs its unit"),
            ("chargers availability in opening", "> 1%", "leave out"),
        ] {
            let problem = Objective::parse(key, value).unwrap_err();
            assert!(problem.hint.contains(hint), "{key}: {problem:?}");
        }
    }

    #[test]
    fn what_never_ended_is_longer_than_every_bound() {
        let mut devices = DeviceSummary::default();
        assert!(DeviceReading::Recovery.value(&devices).is_err());
        assert!(DeviceReading::Database.value(&devices).is_err());
        devices.downtime_s = Spread::of(100, |share| share * 10.0);
        let p99 = DeviceReading::Downtime(Statistic::Quantile(0.99)).value(&devices).unwrap();
        assert!((p99 - 9_900.0).abs() < 1e-9);
        devices.heartbeat_s = Some(Spread::of(100, |_| 1.0));
        assert!(DeviceReading::Heartbeat(Statistic::Quantile(0.99)).value(&devices).is_err());
    }
}
