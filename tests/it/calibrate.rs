//! `spike simulate --calibrate`: a recorded run's service times make the next prediction better.

use std::fs;

use serde_json::{Value, json};

use crate::program::Desk;

/// What the shop under test truly takes, which nobody who writes a scenario knows.
const TRUTH: [&str; 3] = [
    "stack.edge={ servers = 1_000, service = { median = \"2ms\", sigma = 0.4 } }",
    "stack.application={ servers = 1_000, service = { median = \"7ms\", sigma = 0.5 } }",
    "stack.database={ servers = 1_000, service = { median = \"3ms\", sigma = 0.3 } }",
];

/// What was written down instead.
const GUESS: [&str; 4] = [
    "stack.network={ median = \"20ms\", sigma = 0.3 }",
    "stack.edge={ servers = 1_000, service = \"1ms\" }",
    "stack.application={ servers = 1_000, service = { median = \"30ms\", sigma = 0.5 } }",
    "stack.database={ servers = 1_000, service = { median = \"3ms\", sigma = 0.5 } }",
];

/// Stock for everybody, so that all orders reserve.
const STOCK: [&str; 2] = ["sale.0.items.0.stock=300", "sale.0.items.1.stock=300"];

/// Simulates `small.toml` into a folder of its own.
fn simulate(desk: &Desk, out: &str, stack: &[&str], more: &[&str]) {
    let sets = stack.iter().chain(&STOCK).flat_map(|set| ["--set", *set]);
    let words = ["simulate", "small.toml", "-q", "--out", out].into_iter().chain(sets);
    let words: Vec<&str> = words.chain(more.iter().copied()).collect();
    let said = desk.say(&words);
    assert!(matches!(said.code, Some(0 | 99)), "{said:#?}");
}

/// Makes a simulated run one that says it was live: what a shop of that truth would have left behind.
fn say_it_was_live(desk: &Desk, run: &str) {
    for file in ["provenance.json", "summary.json"] {
        let path = format!("{run}/{file}");
        let text = desk.read(&path);
        assert!(text.contains("\"world\": \"simulated\""), "{text}");
        desk.write(&path, &text.replace("\"world\": \"simulated\"", "\"world\": \"live\""));
    }
}

fn percentile(summary: &Value, operation: &str, which: &str) -> f64 {
    summary["result"]["operations"][operation]["response_ms"][which].as_f64().unwrap()
}

#[test]
fn a_calibrated_prediction_is_nearer_on_a_load_that_it_was_not_fitted_to() {
    let desk = Desk::new();
    simulate(&desk, "fitted", &TRUTH, &["--scale", "8"]);
    say_it_was_live(&desk, "fitted/latest");
    // Another crowd, half as large again.
    let held_out = ["--scale", "12", "--seed", "9"];
    simulate(&desk, "truth", &TRUTH, &held_out);
    simulate(&desk, "guess", &GUESS, &held_out);
    let calibrate = [&held_out[..], &["--calibrate", "fitted/latest"]].concat();
    let sets = GUESS.iter().chain(&STOCK).flat_map(|set| ["--set", *set]);
    let stack: Vec<&str> = sets.collect();
    // `--set` may say nothing of a time that was measured, so the guess is the file's.
    let file = desk.say(&[&["simulate", "small.toml", "--print-config"], &stack[..]].concat());
    desk.write("guess.toml", &file.stdout);
    let words =
        ["simulate", "guess.toml", "-q", "--out", "calibrated"].into_iter().chain(calibrate);
    let said = desk.say(&words.collect::<Vec<&str>>());
    assert!(matches!(said.code, Some(0 | 99)), "{said:#?}");

    let [truth, guess, calibrated] = ["truth", "guess", "calibrated"]
        .map(|run| desk.json(&format!("{run}/latest/summary.json")));
    for operation in ["reload", "reload.call", "slots", "item", "cart", "checkout"] {
        for which in ["p50", "p95", "p99"] {
            let [truth, guess, calibrated] =
                [&truth, &guess, &calibrated].map(|run| percentile(run, operation, which));
            let (off, guess_off) = ((calibrated - truth).abs(), (guess - truth).abs());
            assert!(off < guess_off, "{operation} {which}: {calibrated} {guess} {truth}");
            // Of some hundred times the 99th percentile is one of the longest: a draw.
            let is_near = which == "p99" || off <= 0.2 * truth;
            assert!(is_near, "{operation} {which}: {calibrated} {truth}");
        }
    }

    let told = &calibrated["provenance"]["calibrated"];
    assert_eq!((&told["by"], &told["scale"]), (&"fitted/latest".into(), &8.0.into()), "{told}");
    assert!(told["counts"]["reservations"].as_u64().unwrap() >= 50, "{told}");
    let report = desk.say(&["report", "calibrated/latest"]).stdout;
    assert!(report.contains("Service times of the stack as measured in fitted/latest"), "{report}");
    let html = desk.read("calibrated/latest/report.html");
    assert!(html.contains("as measured in fitted"), "the page says it too");
    // What was lived is the scenario with the measured laws, and can be judged again.
    let scenario = desk.read("calibrated/latest/scenario.toml");
    assert!(scenario.contains("#   --set stack.edge.service={ p0 = "), "{scenario}");
    assert!(matches!(desk.say(&["verify", "calibrated/latest", "-q"]).code, Some(0 | 99)));
    let told = desk.say(&["compare", "guess/latest", "calibrated/latest"]).stdout;
    assert!(told.replace("\n  ", " ").contains("calibrated by fitted/latest"), "{told}");
}

/// What is said of a calibration that is refused.
fn refused(desk: &Desk, words: &[&str]) -> String {
    let said = desk.say(&[&["simulate", "small.toml", "-q", "--calibrate"], words].concat());
    assert_eq!((said.code, said.last_line()), (Some(1), "verdict: error (1)"), "{said:#?}");
    said.stderr
}

#[test]
fn a_run_that_says_nothing_of_the_shop_is_refused_all_at_once() {
    let desk = Desk::new();
    simulate(&desk, "one", &TRUTH, &[]);
    let refused = |words: &[&str]| refused(&desk, words);
    let told = refused(&["one/latest"]);
    assert!(told.contains("failed to calibrate by one/latest"), "{told}");
    assert!(told.contains("it was simulated, so nobody measured its times"), "{told}");

    say_it_was_live(&desk, "one/latest");
    let told = refused(&["one/latest"]);
    assert!(told.contains(" reservations, and 50 are needed"), "{told}");
    assert!(refused(&["nowhere"]).contains("failed to read nowhere"));

    simulate(&desk, "enough", &TRUTH, &["--scale", "4"]);
    say_it_was_live(&desk, "enough/latest");
    // Another shop, of another name, without a stack.
    let other = desk.read("small.toml").replace("\"small\"", "\"other\"");
    desk.write("small.toml", &other.replace("\"memory\"", "\"sqlite\""));
    let told = refused(&["enough/latest", "--set", "shop.edge.collapse=false"]);
    for part in [
        "it lived `small`, and small.toml is `other`",
        "its shop.storage is \"memory\", and that of small.toml is \"sqlite\"",
        "its shop.edge.collapse is true, and that of small.toml is false",
        "small.toml has no [stack.edge]",
        "small.toml has no [stack.application]",
        "small.toml has no [stack.database]",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(fs::read_dir(desk.file("reports")).is_err(), "nothing was begun");
}

#[test]
fn what_was_measured_is_not_set_and_a_run_that_was_overloaded_is_warned_of() {
    let desk = Desk::new();
    simulate(&desk, "enough", &TRUTH, &["--scale", "4"]);
    say_it_was_live(&desk, "enough/latest");
    let sets = ["stack.application.servers=50", "stack.application.service=5ms"];
    let told = refused(&desk, &["enough/latest", "--set", sets[0], "--set", sets[1]]);
    assert!(told.contains("`--set stack.application.service` says what it has measured"), "{told}");
    assert!(!told.contains("`--set stack.application.servers`"), "{told}");
    assert!(told.contains("small.toml has no [stack.edge]"), "what else is wrong too: {told}");

    let mut summary = desk.json("enough/latest/summary.json");
    summary["result"]["at_limit"] = json!([
        {"what": "connections", "seconds": 3, "first_s": 1.0, "last_s": 4.0},
        {"what": "payment", "seconds": 9, "first_s": 1.0, "last_s": 9.0},
    ]);
    summary["result"]["objectives"] = json!([
        {"text": "checkout p(95) < 1s", "status": "missed", "value": 2_000.0, "reason": null},
    ]);
    desk.write("enough/latest/summary.json", &summary.to_string());
    // It says so before the file, which has no stack, is refused.
    let told = refused(&desk, &["enough/latest"]);
    for part in [
        "warning: enough/latest: it missed checkout p(95) < 1s; if its shop was overloaded",
        "warning: enough/latest: a part of its shop was at 100 % in 3 second(s)",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
