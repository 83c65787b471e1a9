//! Devices that hold a connection as a user rehearses them.

use serde_json::Value;
use spike::scenario::offer;

use crate::program::{Desk, Said};
use crate::rehearsal::{scenario, set};

/// 300 devices that connect again at once, and containers that accept 50 a second.
const SMALL: &str = r#"
schema = 1
name = "small-storm"

[[devices]]
name = "chargers"
count = 300
lasts = "4m"
timeout = "2s"
heartbeat = "30s"

[devices.server]
tasks = 5
servers = 2
service = "200ms"

[devices.database]
servers = 2
connect = "2ms"
heartbeat = "1ms"

[devices.deploy]
at = "+1m"

[objectives]
"chargers availability" = ">= 99%"
"chargers recovery" = "< 10s"
"chargers connect peak" = "<= 20/s"
"#;

const WRONG: &str = r#"
schema = 1
name = "wrong"

[[devices]]
name = "charging stations"
count = 0
lasts = "2d"
timeout = "0s"
network = "1us"
heartbeat = "0s"
reconnect = { strategy = "full-jitter", base = "60s", cap = "5s", range = "10s" }

[devices.server]
tasks = 0
servers = 20_000
stale = "drop"

[[devices]]
name = "doors"
count = 30_000
reconnect = { strategy = "ocpp", minimum = "10s", doublings = 99 }

[devices.server]
tasks = 4
service = "0s"

[devices.database]
servers = 4
connect = "1ms"
batch = { every = "10m", servers = 5 }

[devices.deploy]
at = "+10m"
strategy = "graceful"
pace = "10/s"
at_once = 5
stop_timeout = "300s"
shift = "5m"

[[devices]]
name = "doors"
count = 3
reconnect = { strategy = "imediate" }
database = { servers = 1 }
deploy = { at = "-1m", strategy = "blue-green" }

[objectives]
"doors availability" = ">= 99"
"dors recovery" = "< 1m"
"doors heartbeat p(99)" = "< 1s"
"doors downtime avg" = "< 1s"
"#;

/// Lives a file of its own on a desk: `simulate`, or what else is said.
fn said(desk: &Desk, text: &str, words: &[&str]) -> Said {
    std::fs::write(desk.file("devices.toml"), text).unwrap();
    desk.say(&[words, &["devices.toml"]].concat())
}

/// What `check` says, as one line.
fn checked(text: &str, sets: &[&str]) -> String {
    let scenario = scenario(text, &set(sets));
    let told = offer::render(&scenario, &offer::offer(&scenario, &scenario));
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn all_that_is_wrong_with_devices_is_told_at_once() {
    let refused = said(&Desk::new(), WRONG, &["simulate"]);
    assert_eq!(refused.code, Some(104), "{refused:#?}");
    insta::assert_snapshot!(refused.stderr);
}

#[test]
fn an_objective_of_devices_that_are_not_there_is_refused() {
    let desk = Desk::new();
    let plain = SMALL.replace("[devices.deploy]\nat = \"+1m\"\n", "");
    let without = said(&desk, &plain, &["check"]);
    assert_eq!(without.code, Some(104), "{without:#?}");
    assert!(without.stderr.contains("the devices chargers have no `deploy`"), "{without:#?}");
    let named = SMALL.replace("\"chargers recovery\"", "\"charger recovery\"");
    let named = said(&desk, &named, &["check"]);
    assert!(named.stderr.contains("there are no devices named `charger`"), "{named:#?}");
    assert!(named.stderr.contains("did you mean `chargers`?"), "{named:#?}");
}

#[test]
fn a_storm_misses_its_objectives_and_is_judged_again_the_same() {
    let desk = Desk::new();
    let lived = said(&desk, SMALL, &["simulate", "--json"]);
    assert_eq!(lived.code, Some(99), "{lived:#?}");
    let summary: Value = serde_json::from_str(&lived.stdout).unwrap();
    let devices = &summary["result"]["devices"]["chargers"];
    assert_eq!(devices["connects"]["first_peak_per_s"], 300, "{devices}");
    assert_eq!(devices["deploy"]["state"], "metastable", "{}", devices["deploy"]);
    assert_eq!(devices["deploy"]["recovered_after_s"], Value::Null);
    assert!(devices["availability"].as_f64().unwrap() < 0.5, "{}", devices["availability"]);
    let statuses = summary["result"]["objectives"].as_array().unwrap().iter();
    assert!(statuses.map(|one| &one["status"]).all(|status| status == "missed"));
    assert!(lived.last_line().contains("Missed chargers connect peak <= 20/s: it was 300/s"));
    // Judged again out of its folder, it is the same.
    let again = desk.say(&["verify", "reports/latest", "--json"]);
    assert_eq!(again.code, Some(99));
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["result"], summary["result"]);
}

#[test]
fn a_graceful_deploy_passes_and_both_reports_say_so() {
    let desk = Desk::new();
    let text = SMALL.replace(
        "at = \"+1m\"",
        "at = \"+1m\"\nstrategy = \"graceful\"\npace = \"10/s\"\nstop_timeout = \"60s\"",
    );
    let lived = said(&desk, &text, &["simulate", "--no-tui"]);
    assert_eq!(lived.code, Some(0), "{lived:#?}");
    let head = lived.stdout.split("took ").next().unwrap().to_owned();
    let figures = lived.stdout.split_once("\n\n").unwrap().1.split_once("\n\n").unwrap().1;
    insta::assert_snapshot!(format!("{head}…\n\n{figures}"));
    let page = std::fs::read_to_string(desk.file("reports/latest/report.html")).unwrap();
    assert!(page.contains("Devices chargers: 300") && !page.contains("What was sold"));
    assert!(page.contains("After the deploy of chargers: the last of them was connected again"));
    assert!(page.contains("chargers availability &gt;= 99%"), "objectives are told");
}

#[test]
fn a_live_run_takes_no_devices() {
    let refused = said(&Desk::new(), SMALL, &["run"]);
    assert_eq!(refused.code, Some(104), "{refused:#?}");
    assert!(refused.stderr.contains("devices are lived in virtual time alone"), "{refused:#?}");
    assert!(refused.stderr.contains("`spike simulate` lives them"), "{refused:#?}");
}

#[test]
fn check_says_what_follows_by_hand() {
    let storm = checked(SMALL, &[]);
    for told in [
        "devices chargers 300 devices, looked at for 4 min 0 s; 10/s heartbeats",
        "accepted 50/s, all of them in 6 s; any number waits; a device waits for 2s",
        "database 0.5 % used while all are connected; 1,000/s connects where it does nothing else",
        "deploy at 60 s: 300 connections are cut off at once",
        "first attempts 300 at once; 300 of them wait at most",
        "the last one would wait 6 s: whoever waits 2s gives up and asks again, and what it gave up is accepted \
         in vain",
    ] {
        assert!(storm.contains(told), "{told}\n{storm}");
    }
    let jitter = "devices.0.reconnect={ strategy = \"full-jitter\", base = \"5s\", cap = \"60s\" }";
    // 300 in 5 s, of which 250 are accepted meanwhile.
    let expected = "first attempts 60/s for 5 s; 50 of them wait at most";
    assert!(checked(SMALL, &[jitter]).contains(expected), "{}", checked(SMALL, &[jitter]));
    let graceful = "devices.0.deploy={ at = \"+1m\", strategy = \"graceful\", pace = \"2/s\", stop_timeout = \"20s\" }";
    let graceful = checked(SMALL, &[graceful]);
    let expected = "at 60 s: 2/s are closed, 1 of 5 containers at a time; it takes 100 s";
    assert!(graceful.contains(expected), "{graceful}");
    assert!(
        graceful.contains("100 connections are cut off: closing them all does not fit"),
        "{graceful}"
    );
}

#[test]
fn devices_stand_beside_a_sale_and_scale_as_people_do() {
    let desk = Desk::new();
    let sale = desk
        .read("small.toml")
        .replace("[objectives]", "[objectives]\n\"chargers availability\" = \"> 0\"");
    let devices = SMALL.split("[[devices]]").nth(1).unwrap().split("[objectives]").next().unwrap();
    let both = format!("{sale}\n[[devices]]{devices}");
    let lived = said(&desk, &both, &["simulate", "--json", "--scale", "0.5"]);
    let summary: Value =
        serde_json::from_str(&lived.stdout).unwrap_or_else(|_| panic!("{lived:#?}"));
    assert_eq!(summary["result"]["devices"]["chargers"]["count"], 150);
    assert!(summary["result"]["orders"]["confirmed"].as_u64().unwrap() > 0, "{lived:#?}");
    assert_eq!(lived.code, Some(0), "{lived:#?}");
}
