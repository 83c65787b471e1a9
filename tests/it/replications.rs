//! A scenario lived several times: the same bytes whatever the threads, and figures that spread as far as its inputs
//! are uncertain.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Desk, SMALL, Said};

/// A payment that takes nobody knows how long.
const UNCERTAIN: &str = r#"
[uncertain]
"provider.latency.authorize" = { from = "20ms", to = "1500ms" }
"#;

/// What nobody could draw from.
const WRONG: &str = r#"
[uncertain]
seed = [1, 2]
"name" = ["one", "two"]
"sale.0.lasts" = { from = "3s", to = "1s" }
"provider.declines" = { from = "20ms", to = 3 }
"shop.inventory" = { from = "row-lock", to = "unit-rows" }
"fans.0.count" = [60]
"#;

/// What is drawn from, and is no scenario.
const UNFIT: &str = r#"
[uncertain]
"provider.latencyy.authorize" = { from = "20ms", to = "1s" }
"fans.0.count" = { from = 0, to = 10 }
"shop.inventory" = ["unit-rows", "sharded"]
"#;

/// A desk with the small sale, whose provider refuses nobody whatever the seed, and more of its file.
fn desk(more: &str) -> Desk {
    let desk = Desk::new();
    let profile = "profile = \"stripe-2024\"\n";
    assert!(SMALL.contains(profile));
    let free = format!("{profile}limits = []\n");
    desk.write("small.toml", &(SMALL.replace(profile, &free) + more));
    desk
}

fn several(desk: &Desk, words: &[&str]) -> Said {
    desk.say(&[&["simulate", "small.toml", "--no-tui"], words].concat())
}

/// The bytes of a summary's `result`: everything before its `provenance`, which comes last.
fn result(summary: &str) -> &str {
    let (result, _) = summary.rsplit_once("\n  \"provenance\": {").unwrap();
    result
}

/// What became of all replications of the newest run.
fn replications(desk: &Desk) -> Value {
    desk.json("reports/latest/summary.json")["result"]["replications"].clone()
}

/// How far apart the 90 % of the replications in the middle paid their orders \[1/s\].
fn width(replications: &Value) -> f64 {
    let paid = &replications["figures"]["orders.per_s"];
    assert_eq!(paid["count"], replications["lived"], "all sold out");
    paid["p95"].as_f64().unwrap() - paid["p5"].as_f64().unwrap()
}

#[test]
fn the_threads_change_no_byte() {
    let left = ["1", "2", "3"].map(|threads| {
        let desk = desk(UNCERTAIN);
        let said = several(&desk, &["--replications", "7", "--threads", threads, "--json"]);
        assert_eq!(said.code, Some(0), "{said:#?}");
        let kept = desk.read("reports/latest/replications.json");
        let run = fs::canonicalize(desk.file("reports/latest")).unwrap();
        let names = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().file_name());
        let scratch = names.filter(|name| name.to_string_lossy().contains(".replication"));
        assert_eq!(scratch.count(), 0, "the evidence of the others is gone");
        (result(&said.stdout).to_owned(), kept)
    });
    assert_eq!(left[0], left[1]);
    assert_eq!(left[0], left[2]);
    let lived: Value = serde_json::from_str(&left[0].1).unwrap();
    let seeds: Vec<u64> =
        lived["each"].as_array().unwrap().iter().map(|one| one["seed"].as_u64().unwrap()).collect();
    assert_eq!((seeds.len(), seeds[0]), (7, 7), "the first has the scenario's seed");
}

#[test]
fn one_replication_is_the_run_as_ever() {
    let certain = desk("");
    let plain = several(&certain, &["--json"]);
    let one = several(&certain, &["--json", "--replications", "1"]);
    assert_eq!(result(&plain.stdout), result(&one.stdout));
    assert!(!result(&plain.stdout).contains("replications"));
    assert!(!certain.file("reports/latest/replications.json").exists());
    // Without others beside it, what is uncertain is as written.
    let desk = desk(UNCERTAIN);
    let written = several(&desk, &["--json"]);
    assert_eq!(result(&plain.stdout), result(&written.stdout));
    assert!(written.stderr.contains("what is uncertain is as written"), "{written:#?}");
}

#[test]
fn verify_and_report_say_the_same_of_the_folder_that_is_kept() {
    let desk = desk(UNCERTAIN);
    let first = several(&desk, &["--replications", "4", "--json"]);
    assert_eq!(first.code, Some(0), "{first:#?}");
    assert_eq!(first.last_line(), "verdict: pass (0): All 4 replications passed");
    let verified = desk.say(&["verify", "reports/latest", "--json"]);
    assert_eq!((verified.code, verified.last_line()), (first.code, first.last_line()));
    assert_eq!(verified.stdout, first.stdout);
    let drawn = desk.say(&["report", "reports/latest"]);
    assert!(drawn.stdout.contains("4 replications"), "{drawn:#?}");
    assert!(desk.read("reports/latest/timeline.svg").contains("of 4 replications"));
    // The kept run is the first, with what was drawn for it.
    let set = replications(&desk)["each"][0]["set"][0].as_str().unwrap().to_owned();
    assert!(desk.read("reports/latest/scenario.toml").contains(&format!("--set {set}")), "{set}");
}

#[test]
fn an_uncertain_input_widens_the_band() {
    let [certain, uncertain] = ["", UNCERTAIN].map(|more| {
        let desk = desk(more);
        let said = several(&desk, &["--replications", "10", "-q"]);
        assert_eq!(said.code, Some(0), "{said:#?}");
        width(&replications(&desk))
    });
    assert!(uncertain > 1.5 * certain && certain > 0.0, "{uncertain} {certain}");
}

#[test]
fn the_same_replication_lives_under_the_same_conditions_whatever_is_changed() {
    let desk = desk(UNCERTAIN);
    let drawn = |words: &[&str]| -> Vec<Value> {
        several(&desk, &[&["-q"], words].concat());
        let each = replications(&desk)["each"].as_array().unwrap().clone();
        each.into_iter().map(|one| serde_json::json!([one["seed"], one["set"]])).collect()
    };
    let three = drawn(&["--replications", "3"]);
    let changed = drawn(&["--replications", "3", "--set", "sale.0.items.0.stock=3"]);
    assert_eq!(three, changed);
    assert_eq!(three, drawn(&["--replications", "5"])[..3], "more of them change none");
    assert_ne!(three, drawn(&["--replications", "3", "--seed", "8"]));
}

#[test]
fn what_is_set_is_not_drawn() {
    let desk = desk(UNCERTAIN);
    let set = "provider.latency.authorize=40ms";
    let said = several(&desk, &["--replications", "3", "--set", set]);
    let told = "not drawn, for it is set: provider.latency.authorize";
    assert!(said.stderr.contains(told), "{said:#?}");
    let each = replications(&desk)["each"].as_array().unwrap().clone();
    assert_eq!(each.len(), 3);
    assert!(each.iter().all(|one| one["set"].is_null()), "{each:?}");
    assert!(desk.read("reports/latest/scenario.toml").contains(&format!("--set {set}")));
}

#[test]
fn the_gravest_verdict_is_that_of_all_and_can_be_lived_again_alone() {
    // Half of the shops that are drawn sell pieces that are not there.
    let desk = desk("[uncertain]\n\"shop.faults\" = [[], [\"oversell\"]]\n");
    let said = several(&desk, &["--replications", "12", "--junit", "junit.xml"]);
    assert_eq!(said.code, Some(111), "{said:#?}");
    let all = replications(&desk);
    let violated = all["verdicts"]["invariant_violated"].as_u64().unwrap();
    assert_eq!(violated + all["verdicts"]["pass"].as_u64().unwrap(), 12);
    assert!(all["findings"]["INV-OVERSELL"]["violated"].as_u64().unwrap() > 0, "{all}");
    let counted = format!("{violated} of 12 replications ended invariant_violated");
    assert!(said.last_line().contains(&counted), "{}", said.last_line());
    assert!(said.stdout.contains("12 replications"), "{}", said.stdout);
    let each = all["each"].as_array().unwrap();
    let one = each.iter().find(|one| one["verdict"] == "invariant_violated").unwrap();
    let (seed, set) = (one["seed"].to_string(), one["set"][0].as_str().unwrap());
    let alone = several(&desk, &["-q", "--seed", &seed, "--set", set]);
    assert_eq!(alone.code, Some(111), "{alone:#?}");
}

#[test]
fn a_precision_ends_them_as_soon_as_it_is_reached() {
    let desk = desk("");
    several(&desk, &["-q", "--precision", "99%", "--replications", "40"]);
    let all = replications(&desk);
    assert_eq!((&all["asked"], &all["lived"]), (&40.into(), &10.into()), "{all}");
    assert_eq!(all["precision"]["reached"], true);
    let desk = self::desk(UNCERTAIN);
    several(&desk, &["-q", "--precision", "0.00001", "--replications", "12"]);
    let all = replications(&desk);
    assert_eq!((&all["lived"], &all["precision"]["reached"]), (&12.into(), &false.into()), "{all}");
}

#[test]
fn who_stops_them_keeps_what_is_done() {
    let desk = desk("");
    let mut command = desk.command(&["simulate", "small.toml", "--replications", "1000"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    for _ in 0..5 {
        let mut line = String::new();
        assert_ne!(talk.read_line(&mut line).unwrap(), 0, "it ended before");
        assert!(line.starts_with("replication "), "{line}");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    talk.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(105), "{rest}");
    let all = replications(&desk);
    let lived = all["lived"].as_u64().unwrap();
    assert!((5..1_000).contains(&lived), "{lived}");
    assert_eq!((&all["cut_short"], &all["asked"]), (&true.into(), &1_000.into()));
    let why = format!("Cut short by their user after {lived} of 1000 replications");
    assert!(rest.lines().last().unwrap().contains(&why), "{rest}");
}

#[test]
fn what_nobody_could_draw_from_is_refused_all_at_once() {
    let desk = desk(WRONG);
    let said = several(&desk, &["--replications", "3"]);
    assert_eq!(said.code, Some(104), "{said:#?}");
    for told in [
        "`seed` is not uncertain",
        "each replication has a seed of its own",
        "`name` is not uncertain",
        "`sale.0.lasts` is uncertain from \"3s\" to \"1s\"",
        "`provider.declines` is uncertain from a length of time to a number",
        "`from` is \"row-lock\", which has no values between",
        "`fans.0.count` has 1 values",
        "small.toml:",
    ] {
        assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    assert!(!desk.file("reports").exists());
}

#[test]
fn a_key_that_there_is_not_and_a_value_that_is_no_scenario_are_refused_by_every_command() {
    let desk = desk(UNFIT);
    for command in ["simulate", "check", "run"] {
        let said = desk.say(&[command, "small.toml"]);
        assert_eq!(said.code, Some(104), "{said:#?}");
        for told in [
            "`provider.latencyy.authorize` cannot be uncertain: unknown key `latencyy`",
            "did you mean `latency`?",
            "with `fans.0.count` = 0 this is no scenario",
            "with `shop.inventory` = sharded this is no scenario",
            "3 problems",
        ] {
            assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
        }
    }
    let checked = self::desk(UNCERTAIN);
    let checked = checked.say(&["check", "small.toml"]);
    assert!(checked.stdout.contains("provider.latency.authorize: 20ms to 1500ms"), "{checked:#?}");
}

#[test]
fn a_number_of_replications_that_makes_no_sense_is_a_mistake_of_the_command_line() {
    let desk = desk("");
    for words in [
        ["--replications", "0"],
        ["--replications", "1001"],
        ["--precision", "0"],
        ["--precision", "100%"],
        ["--threads", "0"],
    ] {
        assert_eq!(several(&desk, &words).code, Some(2), "{words:?}");
    }
}
