//! `spike doctor` says what stands in the way before a run does.

use std::process::Command;

use serde_json::Value;

use crate::program::{Desk, Said, spike};
use crate::rehearsal::{Room, with};

fn diagnosis(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:#?}"))
}

/// What was found about one limit.
fn finding<'a>(diagnosis: &'a Value, id: &str) -> &'a Value {
    let findings = diagnosis["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("{diagnosis}"))
}

#[test]
fn this_machine_is_examined_and_nothing_is_run() {
    let desk = Desk::new();
    let said = desk.say(&["doctor", "--json"]);
    let diagnosis = diagnosis(&said);
    assert_eq!((&diagnosis["schema"], &diagnosis["needs"]), (&1.into(), &Value::Null));
    assert_eq!(diagnosis["exit_code"].as_i64(), said.code.map(i64::from));
    let word = diagnosis["verdict"].as_str().unwrap();
    assert!(said.last_line().starts_with(&format!("verdict: {word}")), "{said:#?}");
    for id in ["open_files", "ports", "cores", "memory", "clock", "timers", "disk"] {
        assert!(finding(&diagnosis, id)["value"].is_string(), "{id}");
    }
    assert!(!desk.file("reports").exists());
}

#[test]
fn a_small_scenario_fits_and_one_beyond_all_ports_is_inconclusive() {
    let desk = Desk::new();
    let said = desk.say(&["doctor", "small.toml", "--json"]);
    let small = diagnosis(&said);
    assert_eq!(small["needs"]["connections"], 60);
    assert_eq!(finding(&small, "open_files")["state"], "ok");
    assert_eq!(finding(&small, "ports")["state"], "ok");

    let crowd = ["doctor", "small.toml", "--set", "fans.0.count=10_000_000"];
    let said = desk.say(&crowd);
    assert_eq!(said.code, Some(112), "{said:#?}");
    assert!(said.last_line().starts_with("verdict: inconclusive (112): "), "{said:#?}");
    assert!(said.last_line().contains("open files"), "{said:#?}");
    assert!(said.stdout.contains("✗ open files") && said.stdout.contains("      > "), "{said:#?}");
}

#[test]
fn a_low_soft_limit_of_open_files_is_raised_and_told() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -Sn 256; exec \"$0\" doctor --json", env!("CARGO_BIN_EXE_spike")]);
    let said = Said::of(&mut shell);
    let value = finding(&diagnosis(&said), "open_files")["value"].as_str().unwrap().to_owned();
    assert!(value.ends_with("raised from 256"), "{value}");
}

#[test]
fn a_scenario_with_problems_is_not_compared_with_anything() {
    let desk = Desk::new();
    desk.write("bad.toml", "schema = 1\nsead = 7\n");
    let said = desk.say(&["doctor", "bad.toml"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(104), ""));
    let said = Said::of(spike().args(["doctor", "there-is-no-such.toml"]));
    assert_eq!((said.code, said.last_line()), (Some(104), "verdict: invalid_scenario (104)"));
}

/// What is measured contains what the server did: each request was wanted before it arrived there,
/// and read after it was answered. So no quantile can be shorter than the truth, however busy this
/// machine is; how much longer is what the verdict is about.
#[test]
fn the_self_test_measures_every_request_and_never_flatters() {
    let said = with(Room::Whole, || {
        Said::of(spike().args(["doctor", "--self-test", "--seconds=1", "--json"]))
    });
    let told = diagnosis(&said);
    assert_eq!(told["exit_code"].as_i64(), said.code.map(i64::from), "{said:#?}");
    assert!(matches!(said.code, Some(0 | 112)), "{said:#?}");
    let steps = told["steps"].as_array().unwrap();
    let planned: Vec<_> = steps.iter().map(|step| step["planned"].as_u64().unwrap()).collect();
    assert_eq!(planned, [1_000, 5_000, 5_000]);
    for step in steps {
        assert_eq!((&step["answered"], &step["measured"]), (&step["planned"], &step["planned"]));
        for reading in step["readings"].as_array().unwrap() {
            let of = |key: &str| reading[key].as_f64().unwrap();
            // A histogram of three digits is off by a thousandth at most, and counts microseconds.
            assert!(of("measured_ms") >= 0.999 * of("truth_ms") - 0.001, "{reading}");
        }
        assert!(step["processor_us"].as_f64().unwrap() > 0.0);
    }
    // The load does not wait for a server that stands still.
    assert_eq!((&steps[0]["met_the_freeze"], &steps[1]["met_the_freeze"]), (&0.into(), &0.into()));
    assert!(steps[2]["met_the_freeze"].as_u64().unwrap() > 1_000, "{}", steps[2]);
    let p99 = |step: &Value| step["readings"][3]["measured_ms"].as_f64().unwrap();
    assert!(p99(&steps[2]) > 2.0 * p99(&steps[1]), "half a second of silence is in its p99");
}
