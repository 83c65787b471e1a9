//! `spike compare`: two recorded runs side by side, from their folders alone.

use std::fs;

use serde_json::Value;

use crate::program::Desk;

/// A stack whose times mean something.
const STACK: [&str; 4] =
    ["--set", "stack.application.servers=50", "--set", "stack.application.service=5ms"];

/// Simulates `small.toml` into a folder of its own.
fn simulate(desk: &Desk, out: &str, more: &[&str]) {
    let words = [&["simulate", "small.toml", "-q", "--out", out][..], &STACK, more].concat();
    let said = desk.say(&words);
    assert!(matches!(said.code, Some(0 | 99)), "{said:#?}");
}

fn told(desk: &Desk, words: &[&str]) -> String {
    let said = desk.say(&[&["compare"], words].concat());
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:#?}");
    said.stdout
}

fn json(desk: &Desk, words: &[&str]) -> Value {
    serde_json::from_str(&told(desk, &[words, &["--json"]].concat())).unwrap()
}

fn figure<'a>(json: &'a Value, name: &str) -> &'a Value {
    let mut figures = json["figures"].as_array().unwrap().iter();
    figures.find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("{name}: {json:#}"))
}

#[test]
fn two_simulations_of_one_seed_are_identical_and_a_changed_one_is_told() {
    let desk = Desk::new();
    simulate(&desk, "one", &[]);
    simulate(&desk, "two", &[]);
    simulate(&desk, "fewer", &["--set", "sale.0.items.0.stock=3"]);

    let same = json(&desk, &["one/latest", "two/small/latest"]);
    assert_eq!(same["exact"]["count"], 0, "{same:#}");
    assert_eq!(same["warnings"].as_array().map(Vec::len), Some(0), "{same:#}");
    assert!(same["exact"]["of"].as_u64().unwrap() > 100, "{same:#}");
    assert!(told(&desk, &["one/latest", "two/latest"]).contains("✓ Identical: all "));

    let fewer = json(&desk, &["one/latest", "fewer/latest"]);
    assert_eq!(fewer["exact"], Value::Null);
    assert_eq!(fewer["changed"]["first"][0]["path"], "sale.0.items.0.stock");
    let tees = figure(&fewer, "day-1 tee sold");
    for (key, expected) in [("a", 6.0), ("b", 3.0), ("difference", -3.0), ("ratio", 0.5)] {
        assert_eq!(tees[key], expected, "{key}: {tees}");
    }
    assert_eq!(tees["standing"], "unjudged", "both sold out: the stock, and no chance");
    let text = told(&desk, &["one/latest", "fewer/latest"]);
    insta::assert_snapshot!(text.replace(&version(&fewer), "VERSION"));
}

/// The version that lived the runs, as it is told.
fn version(json: &Value) -> String {
    let from = &json["runs"][0]["provenance"];
    let version = from["spike"].as_str().unwrap();
    from["commit"]
        .as_str()
        .map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"))
}

#[test]
fn other_seeds_and_scales_are_warned_of() {
    let desk = Desk::new();
    simulate(&desk, "one", &[]);
    simulate(&desk, "other", &["--seed", "8", "--scale", "2"]);
    let found = json(&desk, &["one/latest", "other/latest"]);
    let warnings = found["warnings"].to_string();
    for warning in ["The seeds differ, 7 in A and 8 in B", "The scales differ, 1 in A and 2 in B"] {
        assert!(warnings.contains(warning), "{warnings}");
    }
    assert_eq!(found["changed"]["count"], 0, "{found:#}");
    assert_eq!(figure(&found, "arrived")["standing"], "differs");
}

#[test]
fn a_simulated_and_a_live_run_are_told_apart_tier_by_tier() {
    let desk = Desk::new();
    simulate(&desk, "simulated", &[]);
    let words = [&["run", "small.toml", "-q", "--no-tui", "--out", "live"][..], &STACK].concat();
    let said = desk.say(&words);
    assert!(matches!(said.code, Some(0 | 99 | 112)), "{said:#?}");

    // The run as its own repeat: the distance to itself is nothing.
    let words = ["simulated/latest", "live/latest", "--repeat", "live/latest"];
    let found = json(&desk, &words);
    assert_eq!(found["repeats"], "b");
    let tiers: Vec<&str> =
        found["gap"].as_array().unwrap().iter().map(|gap| gap["tier"].as_str().unwrap()).collect();
    assert_eq!(tiers, ["generator", "edge", "balancer", "application", "database", "provider"]);
    let figures = found["figures"].as_array().unwrap();
    assert!(figures.iter().all(|figure| figure["repeat"].as_f64().is_none_or(|by| by == 0.0)));
    assert!(figures.iter().any(|figure| figure["repeat"] == 0.0), "{found:#}");
    let operations = found["distances"]["operations"].as_array().unwrap();
    let reload = operations.iter().find(|row| row["operation"] == "reload").unwrap();
    assert!(reload["apart"]["w1_ms"].as_f64().unwrap() > 0.0, "{reload}");
    assert_eq!(reload["repeat"]["w1_ms"], 0.0);
    let text = told(&desk, &words);
    for part in ["Where the gap between simulated and live is", "reload took ", "To reserve pieces"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_is_wrong_with_folders_is_told_all_at_once() {
    let desk = Desk::new();
    simulate(&desk, "one", &[]);
    simulate(&desk, "two", &[]);
    fs::remove_file(desk.file("one/latest/summary.json")).unwrap();
    fs::remove_file(desk.file("two/latest/ending.json")).unwrap();
    let said = desk.say(&["compare", "nowhere", "one/latest", "--repeat", "two/latest"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:#?}");
    for told in [
        "A: failed to read nowhere",
        "B: one/latest lacks summary.json",
        "hint: `spike verify one/latest` judges the run and writes it",
        "the repeat: two/latest is a partial run, without ending.json",
    ] {
        assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    assert_eq!(said.last_line(), "verdict: error (1)");
}

#[test]
fn a_damaged_file_is_no_difference() {
    let desk = Desk::new();
    simulate(&desk, "one", &[]);
    simulate(&desk, "two", &[]);
    let timeline = desk.read("two/latest/timeline.jsonl");
    let half: String = timeline.split_inclusive('\n').take(2).collect();
    desk.write("two/latest/timeline.jsonl", &half);
    let said = desk.say(&["compare", "one/latest", "two/latest"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.stderr.contains("is damaged: timeline.jsonl holds "), "{}", said.stderr);
}
