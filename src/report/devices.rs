//! Devices that hold a connection: figures as text.

use super::figure::{self, NONE};
use super::sheet::{Sheet, row, spread};
use crate::measure::{DeployOutcome, DeviceSummary, Measured, RecoveryState};

/// All devices, by name.
pub(super) fn sheets(measured: &Measured) -> Vec<Sheet> {
    measured.devices.iter().map(|(name, devices)| sheet(name, devices)).collect()
}

fn sheet(name: &str, devices: &DeviceSummary) -> Sheet {
    let connects = &devices.connects;
    let stretch = figure::seconds(devices.until_s - devices.from_s);
    let mut rows = vec![
        row("availability", format!("{} of {stretch}", figure::ratio(devices.availability))),
        row("downtime of each", spread(&devices.downtime_s)),
        row(
            "attempts to connect",
            format!(
                "{}: {} accepted, {} refused, {} given up, {} accepted in vain",
                figure::number(connects.attempts),
                figure::number(connects.accepted),
                figure::number(connects.refused),
                figure::number(connects.timed_out),
                figure::number(connects.in_vain)
            ),
        ),
        row(
            "the most in one second",
            format!(
                "{} attempts; {} first attempts",
                figure::number(connects.peak_per_s),
                figure::number(connects.first_peak_per_s)
            ),
        ),
        row("the most that waited", figure::number(devices.backlog)),
    ];
    if let Some(waited) = &devices.heartbeat_s {
        let lost = figure::number(devices.unanswered);
        rows.push(row(
            "heartbeats waited",
            format!("{}; {lost} messages were not answered in time", spread(waited)),
        ));
    }
    if let Some(database) = &devices.database {
        rows.push(row(
            "database in use",
            format!(
                "{} in the mean, {} in the busiest minute, {} in the busiest second",
                figure::ratio(database.mean),
                figure::ratio(database.busiest_minute),
                figure::ratio(database.busiest_second)
            ),
        ));
    }
    if let Some(deploy) = &devices.deploy {
        rows.push(row("the deploy", course(deploy)));
    }
    Sheet {
        title: format!("Devices {name}: {}", figure::number(devices.count.into())),
        answer: devices.deploy.as_ref().map(|deploy| recovery(name, deploy, devices.count)),
        rows,
    }
}

/// `began at 2 min 00 s and took 5 min 00 s: 30,000 connections closed, none cut off`
fn course(deploy: &DeployOutcome) -> String {
    let took = match deploy.took_s {
        Some(took_s) => format!("took {}", figure::seconds(took_s)),
        None => "did not end".to_owned(),
    };
    format!(
        "began at {} and {took}: {} connections closed, {} cut off ({} of those there were)",
        figure::seconds(deploy.began_s),
        figure::number(deploy.closed.into()),
        figure::number(deploy.cut.into()),
        figure::ratio(deploy.stayed)
    )
}

/// What became of them after the deploy.
fn recovery(name: &str, deploy: &DeployOutcome, count: u32) -> String {
    let all = figure::number(count.into());
    let later = deploy
        .connected_after
        .map_or_else(|| NONE.to_owned(), |connected| figure::number(figure::whole(connected)));
    let minute = format!("{later} of {all} were connected a minute later");
    let last = deploy.recovered_after_s.map(figure::seconds);
    let what = match (deploy.state, last) {
        (RecoveryState::Recovered, Some(last)) => {
            format!("the last of them was connected again {last} after its end")
        }
        (RecoveryState::Recovered, None) => {
            "nine tenths of them came back within a minute, and some never".to_owned()
        }
        (RecoveryState::Slow, Some(last)) => {
            format!("they came back slowly: {minute}, and the last {last} after its end")
        }
        (RecoveryState::Slow, None) => format!("they came back slowly: {minute}, and some never"),
        (RecoveryState::Metastable, Some(last)) => format!(
            "the failure kept itself up (metastable): {minute}, and the last came back {last} after its end"
        ),
        (RecoveryState::Metastable, None) => format!(
            "the failure kept itself up (metastable): {minute}, and they never all came back"
        ),
        (RecoveryState::NotAssessed, _) => {
            let reason = deploy.reason.as_deref().unwrap_or("nobody can say");
            format!("whether they came back cannot be said: {reason}")
        }
    };
    format!("After the deploy of {name}: {what}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::spread::Spread;
    use crate::report::fixture;

    fn devices(state: RecoveryState, recovered_after_s: Option<f64>) -> DeviceSummary {
        DeviceSummary {
            count: 30_000,
            from_s: 120.0,
            until_s: 900.0,
            availability: 0.9934,
            downtime_s: Spread { count: 30_000, p50: 0.2, max: 61.0, ..Spread::default() },
            deploy: Some(DeployOutcome {
                began_s: 120.0,
                took_s: Some(300.0),
                connected: 30_000,
                cut: 18_000,
                closed: 12_000,
                stayed: 0.6,
                recovered_after_s,
                back_after_s: recovered_after_s,
                connected_after: Some(1_200.0),
                state,
                reason: None,
            }),
            ..DeviceSummary::default()
        }
    }

    #[test]
    fn both_reports_tell_of_devices() {
        let mut summary = fixture::passing();
        let all = [
            ("back", devices(RecoveryState::Recovered, Some(61.0))),
            ("gone", devices(RecoveryState::Metastable, None)),
        ];
        summary.result.measured.devices =
            all.into_iter().map(|(name, devices)| (name.to_owned(), devices)).collect();
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [
                "Devices back: 30,000",
                "99.34 % of 13 min 00 s",
                "After the deploy of back: the last of them was connected again 61.0 s after its end.",
                "After the deploy of gone: the failure kept itself up (metastable): 1,200 of 30,000 were connected \
                 a minute later, and they never all came back.",
                "began at 2 min 00 s and took 5 min 00 s: 12,000 connections closed, 18,000 cut off (60.0 % of those \
                 there were)",
            ] {
                assert!(flat.contains(told), "{told}\n{flat}");
            }
        }
    }
}
