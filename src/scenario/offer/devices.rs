//! What follows from devices: how many try to connect at once, how many wait, how long a deploy takes.

use std::fmt::Write as _;

use domain::time::{Duration, Span, Time};

use crate::scenario::devices::Devices;
use crate::scenario::offer::text::{Table, count, duration};
use crate::tier::websocket::{Deploy, Stale, Strategy};

/// The lines of devices.
pub(super) fn tell(table: &mut Table, devices: &Devices, scale: f64) {
    let number = count(f64::from(devices.count));
    let mut figure = format!("{number} devices, looked at for {}", duration(devices.lasts));
    for (every, what) in [
        (devices.heartbeat, "heartbeats"),
        (devices.status, "status messages"),
        (devices.lifetime, "ends of connections"),
    ] {
        if every.is_some() {
            let per_s = count(devices.per_s(every));
            write!(figure, "; {per_s}/s {what}").expect("text can be appended to");
        }
    }
    table.line(&format!("devices {}", devices.name), &figure);
    table.line("  accepted", &accepted(devices));
    if let (Some(database), Some(usual)) = (&devices.database, devices.usual_share()) {
        let mut figure = format!("{} % used while all are connected", count(usual * 100.0));
        if !database.connect.mean().is_zero() {
            let most = count(database.connects_per_s());
            write!(figure, "; {most}/s connects where it does nothing else")
                .expect("text can be appended to");
        }
        table.line("  database", &figure);
    }
    let mut remarks = Vec::new();
    if let Some(deploy) = &devices.deploy {
        let storm = Storm::of(devices, deploy);
        table.line("  deploy", &storm.deploy(devices, deploy));
        table.line("  first attempts", &storm.attempts());
        remarks.extend(storm.remarks(devices));
    }
    remarks.extend(too_long_a_batch(devices));
    if (scale - 1.0).abs() > f64::EPSILON {
        remarks
            .push("containers and databases are not scaled, so storms are lesser ones".to_owned());
    }
    table.list("  remarks", &remarks);
}

fn accepted(devices: &Devices) -> String {
    let server = &devices.server;
    let backlog = match server.backlog {
        Some(backlog) => format!("at most {} wait", count(backlog.into())),
        None => "any number waits".to_owned(),
    };
    format!(
        "{}/s, all of them in {}; {backlog}; a device waits for {}",
        count(server.accepts_per_s()),
        duration(Duration::from_secs_f64(devices.accepted_within_s())),
        Span(devices.timeout),
    )
}

/// The devices that a deploy sends away.
struct Storm {
    /// How long it takes.
    took: Duration,
    /// How many connections are cut off.
    cut: u32,
    /// How many of them are cut off at the same time, at most.
    at_once: u32,
    /// From when to when after they were cut off their first attempts come.
    stretch: (Duration, Duration),
    /// How many connections are closed per second \[1/s\].
    pace_per_s: f64,
    /// How many attempts are accepted per second \[1/s\].
    accepts_per_s: f64,
}

impl Storm {
    fn of(devices: &Devices, deploy: &Deploy) -> Self {
        let tasks = devices.server.tasks;
        let (took, cut) = deploy.planned(devices.count, tasks);
        let (at_once, pace_per_s) = match deploy.strategy {
            Strategy::Kill { .. } | Strategy::BlueGreen { .. } => (cut, 0.0),
            Strategy::Graceful { pace, .. } => {
                let batches =
                    tasks.div_ceil(u32::try_from(deploy.batch(0, tasks).len()).unwrap_or(1));
                (cut.div_ceil(batches.max(1)), pace.per_s())
            }
        };
        let accepts_per_s = devices.server.accepts_per_s();
        Self {
            took,
            cut,
            at_once,
            stretch: devices.reconnect.first_attempts(),
            pace_per_s,
            accepts_per_s,
        }
    }

    /// How the old containers go.
    fn deploy(&self, devices: &Devices, deploy: &Deploy) -> String {
        let at = duration(deploy.at - Time::ZERO);
        let all = count(f64::from(devices.count));
        match deploy.strategy {
            Strategy::Kill { start } if start.is_zero() => {
                format!("at {at}: {all} connections are cut off at once")
            }
            Strategy::Kill { start } => format!(
                "at {at}: {all} connections are cut off at once, and nobody accepts for {}",
                Span(start)
            ),
            Strategy::Graceful { pace, at_once, .. } => format!(
                "at {at}: {pace} are closed, {at_once} of {} containers at a time; it takes {}",
                devices.server.tasks,
                duration(self.took)
            ),
            Strategy::BlueGreen { shift } => format!(
                "at {at}: new connections are shifted over {}; then what is still on the old ones is cut off, \
                 {all} at most",
                duration(shift)
            ),
        }
    }

    /// The most first attempts per second, and how many wait.
    fn attempts(&self) -> String {
        let width_s = self.width_s();
        let waits = count(self.backlog());
        if self.cut == 0 {
            let pace = count(self.pace_per_s);
            return format!("{pace}/s; {waits} of them wait at most");
        }
        let cut = f64::from(self.at_once);
        if width_s == 0.0 {
            return format!("{} at once; {waits} of them wait at most", count(cut));
        }
        format!(
            "{}/s for {}; {waits} of them wait at most",
            count((cut / width_s).min(cut)),
            duration(self.width())
        )
    }

    /// Over how long first attempts come.
    fn width(&self) -> Duration {
        self.stretch.1.saturating_sub(self.stretch.0)
    }

    fn width_s(&self) -> f64 {
        self.width().as_secs_f64()
    }

    /// How many attempts wait at most, as a fluid does: N − A·J of what comes evenly over J.
    fn backlog(&self) -> f64 {
        let cut = f64::from(self.at_once);
        let of_cut = (cut - self.accepts_per_s * self.width_s()).max(0.0);
        let of_closed = (self.pace_per_s - self.accepts_per_s).max(0.0) * self.took.as_secs_f64();
        of_cut.max(of_closed)
    }

    fn remarks(&self, devices: &Devices) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.cut > 0 && self.pace_per_s > 0.0 {
            remarks.push(format!(
                "{} connections are cut off: closing them all does not fit the stop time-out",
                count(self.cut.into())
            ));
        }
        let waits = self.backlog() / self.accepts_per_s;
        let bounded = devices.server.backlog.map_or(f64::INFINITY, f64::from);
        let waits = waits.min(bounded / self.accepts_per_s);
        if waits > devices.timeout.as_secs_f64() {
            let waits = duration(Duration::from_secs_f64(waits));
            let gives_up = Span(devices.timeout);
            let then = match devices.server.stale {
                Stale::Served => "gives up and asks again, and what it gave up is accepted in vain",
                Stale::Dropped => "gives up and asks again",
            };
            remarks
                .push(format!("the last one would wait {waits}: whoever waits {gives_up} {then}"));
        }
        remarks
    }
}

fn too_long_a_batch(devices: &Devices) -> Option<String> {
    let batch = devices.database.as_ref()?.batch?;
    let (lasts, every) = (batch.lasts(devices.count), batch.every);
    (lasts > every).then(|| {
        format!(
            "the batch lasts {} and comes every {}: it never ends",
            duration(lasts),
            Span(every)
        )
    })
}
