//! `[devices.deploy]`: new containers take the place of the old ones.

use domain::rate::Rate;
use domain::time::{Duration, Span, Time};

use crate::scenario::check::Checker;
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::scenario::written::devices::DeployTable;
use crate::tier::websocket::{Deploy, STOP_TIMEOUT_MAX, Strategy, StrategyWord};

/// What the table is called.
const TABLE: &str = "`deploy`";
/// The most connections that are closed in a second \[1/s\].
const PACE_MAX: f64 = 1e6;

/// The deploy of so many devices on so many containers that are looked at for so long.
pub(super) fn deploy(
    checker: &mut Checker,
    table: &DeployTable,
    (count, tasks, lasts): (u32, u32, Duration),
    place: Place<'_>,
) -> Deploy {
    use StrategyWord::{BlueGreen, Graceful, Kill};
    for (key, is_given, of, word) in [
        ("start", table.start.is_some(), Kill, "kill"),
        ("pace", table.pace.is_some(), Graceful, "graceful"),
        ("at_once", table.at_once.is_some(), Graceful, "graceful"),
        ("stop_timeout", table.stop_timeout.is_some(), Graceful, "graceful"),
        ("shift", table.shift.is_some(), BlueGreen, "blue-green"),
    ] {
        if is_given && table.strategy != of {
            checker.of_another(place, key, word);
        }
    }
    let at = checker.required(table.at.as_ref(), place, TABLE, "at");
    if at.seconds() < 0.0 {
        checker
            .wrong(place.key("at"), "`at` is before the run's beginning")
            .mark("counts from there: \"+2m\"");
    }
    let strategy = match table.strategy {
        Kill => Strategy::Kill { start: table.start.unwrap_or_default().0 },
        Graceful => graceful(checker, table, tasks, place),
        BlueGreen => {
            let shift = checker.required(table.shift.as_ref(), place, TABLE, "shift").0;
            if table.shift.is_some() {
                checker.lasting(shift, place, "shift");
            }
            Strategy::BlueGreen { shift: shift.max(Duration::from_millis(1)) }
        }
    };
    let deploy = Deploy { at: at.from(Time::ZERO), strategy };
    let ends = deploy.at + deploy.planned(count, tasks).0;
    if place.has("at") && at.seconds() >= 0.0 && ends >= Time::ZERO + lasts {
        let (ends, lasts) = (whole(ends - Time::ZERO), Span(lasts));
        checker
            .wrong(
                place,
                format!("the deploy ends after {ends}, and they are looked at for {lasts}"),
            )
            .advise("write a longer `lasts`: a minute and a half more says whether they came back");
    }
    deploy
}

fn graceful(checker: &mut Checker, table: &DeployTable, tasks: u32, place: Place<'_>) -> Strategy {
    let asked = checker.required(table.pace.as_ref(), place, TABLE, "pace");
    let is_right = asked.per_s() > 0.0 && asked.per_s() <= PACE_MAX;
    if table.pace.is_some() && !is_right {
        checker
            .wrong(place.key("pace"), format!("`pace` is {asked}"))
            .mark("must be more than 0, and at most 1M/s");
    }
    let at_once = table.at_once.unwrap_or(1);
    if at_once == 0 || at_once > tasks {
        let (at_once, tasks) = (grouped(at_once.into()), grouped(tasks.into()));
        checker
            .wrong(place.key("at_once"), format!("`at_once` is {at_once}"))
            .mark(format!("there are {tasks} tasks"));
    }
    let stop_timeout = table.stop_timeout.map(|span| span.0);
    if let Some(timeout) = stop_timeout.filter(|timeout| *timeout > STOP_TIMEOUT_MAX) {
        checker
            .wrong(place.key("stop_timeout"), format!("`stop_timeout` is {}", Span(timeout)))
            .mark("a container has at most 120s after its stop signal")
            .advise("leave it out: connections are then closed before the signal");
    }
    let one = Rate::per_second(1.0).unwrap_or_default();
    Strategy::Graceful {
        pace: if is_right { asked } else { one },
        at_once: at_once.clamp(1, tasks),
        stop_timeout,
    }
}

/// In whole seconds.
fn whole(length: Duration) -> Span {
    Span(Duration::from_secs(length.as_secs() + u64::from(length.subsec_nanos() > 0)))
}
