//! Deploys, pushes, scaling and metrics of other people's on a run's timeline.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::program::Desk;

const DEPLOYS: &str =
    "time,series,text,who\n-1,push,on sale soon,me\n+1s,deploys,v12,me\n900,deploys,v13,me\n";
const TASKS: &str = "{\"time\":-2,\"series\":\"tasks\",\"value\":4}\n{\"time\":1,\"series\":\"tasks\",\"value\":9.5}\n";

/// A simulated run, with `deploys.csv` and `tasks.jsonl` beside it.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("deploys.csv", DEPLOYS);
    desk.write("tasks.jsonl", TASKS);
    desk.say(&["simulate", "small.toml", "-q"]);
    desk
}

const IMPORT: [&str; 6] =
    ["report", "reports/latest", "--series", "deploys.csv", "--series", "tasks.jsonl"];

#[test]
fn a_report_takes_series_in_keeps_them_and_is_made_again_with_them() {
    let desk = desk();
    let before = desk.json("reports/latest/summary.json");
    let imported = desk.say(&IMPORT);
    assert_eq!(imported.code, Some(0), "{imported:#?}");
    let place =
        |words: &str| imported.stdout.find(words).unwrap_or_else(|| panic!("{imported:#?}"));
    assert!(place("T−1 s push: on sale soon") < place("T+1 s deploys: v12"));
    assert!(place("deploys: 1 row lies outside of the run, at T+900 s") > place("tasks"));
    assert!(imported.stderr.contains("deploys.csv: left out: `who`"), "{imported:#?}");
    assert_eq!(desk.read("reports/latest/series/deploys.csv"), DEPLOYS);
    assert_eq!(desk.read("reports/latest/series/tasks.jsonl"), TASKS);

    let mut summary = desk.json("reports/latest/summary.json");
    let series = summary["result"].as_object_mut().unwrap().remove("series").unwrap();
    assert_eq!(summary, before, "nothing else has changed");
    let names: Vec<&str> =
        series.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["deploys", "push", "tasks"]);
    assert_eq!(series[0]["events"][0]["at_s"], 3.0);
    assert_eq!(
        (&series[2]["values"]["max"], &series[2]["values"]["max_at_s"]),
        (&9.5.into(), &3.0.into())
    );

    let page = desk.read("reports/latest/report.html");
    assert!(page.contains("deploys: v12") && page.contains("imported; at least 4"), "{page}");
    for again in [&IMPORT[..2], &["verify", "reports/latest"], &IMPORT] {
        fs::remove_file(desk.file("reports/latest/report.html")).unwrap();
        assert_eq!(desk.say(again).stdout, imported.stdout, "{again:?}");
        assert_eq!(desk.read("reports/latest/report.html"), page, "{again:?}");
    }
}

#[test]
fn wrong_series_are_told_all_at_once_and_change_nothing() {
    let desk = desk();
    let summary = desk.read("reports/latest/summary.json");
    desk.write("deploys.csv", "time,series,value\nsoon,a,1\n0,a,12%\n2026-12-24T12:00:00Z,a,1\n");
    desk.write("tasks.jsonl", "{\"time\":0,\"series\":\"a\"}\n");
    let said = desk.say(&IMPORT);
    assert_eq!((said.code, said.last_line()), (Some(104), "verdict: invalid_scenario (104)"));
    for words in [
        "\"soon\" is no time",
        "deploys.csv:2:1",
        "write 2026-12-24T03:00:00Z, epoch seconds or milliseconds",
        "the value \"12%\" is no number",
        "deploys.csv:3:5",
        "a simulated run has no date",
        "deploys.csv is not a valid file of series: 3 problems",
        "the row has neither a value nor a text",
        "tasks.jsonl is not a valid file of series: 1 problem",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    assert_eq!(desk.read("reports/latest/summary.json"), summary);
    assert!(!desk.file("reports/latest/series").exists());

    let said = desk.say(&["report", "reports/latest", "--series", "none.csv"]);
    assert!(said.stderr.contains("the file cannot be read: No such file"), "{said:#?}");
    fs::create_dir(desk.file("other")).unwrap();
    desk.write("one.csv", DEPLOYS);
    desk.write("other/one.csv", DEPLOYS);
    let twice = ["report", "reports/latest", "--series", "one.csv", "--series", "other/one.csv"];
    let said = desk.say(&twice);
    assert_eq!(said.code, Some(104));
    assert!(said.stderr.contains("one.csv has the same name"), "{said:#?}");
    desk.write("small.toml", "schema = 1");
    assert_eq!(desk.say(&["simulate", "small.toml", "--series", "one.csv"]).code, Some(104));
}

#[test]
fn a_live_run_takes_moments_of_utc_and_what_was_written_meanwhile() {
    let desk = Desk::new();
    let now = jiff::Timestamp::now();
    // The run begins 2 s from now, or later where the machine is busy, and lasts 5 s at least.
    let within = |millis: i64| now + jiff::SignedDuration::from_millis(millis);
    let first = format!("time,series,value\n{},tasks,4\n", within(6_000));
    desk.write("tasks.csv", &first);
    let mut command = desk.command(&["run", "small.toml", "--no-tui", "--series", "tasks.csv"]);
    let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    // How far it is, it tells from its first second on.
    told.read_line(&mut String::new()).unwrap();
    assert_eq!(desk.read("reports/latest/series/tasks.csv"), first);
    desk.write("tasks.csv", &format!("{first}{},tasks,8\n", within(6_500).as_millisecond()));
    std::io::copy(&mut told, &mut std::io::sink()).unwrap();
    child.wait().unwrap();
    let series = &desk.json("reports/latest/summary.json")["result"]["series"][0];
    assert_eq!(series["values"]["count"], 2, "{series}");
    let began: jiff::Timestamp =
        desk.json("reports/latest/provenance.json")["provenance"]["started_at"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
    let expected = (within(6_000) - began).total(jiff::Unit::Second).unwrap();
    let at_s = series["values"]["min_at_s"].as_f64().unwrap();
    assert!((at_s - expected).abs() < 0.002, "{at_s} and {expected}");
}
