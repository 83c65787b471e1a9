//! `spike gate`: what is worse is stopped, what is the same is not, and what says nothing never passes.

mod proof;

use std::fs;

use serde_json::Value;

use crate::program::{Desk, Said, spike};

/// A stack whose times mean something.
const STACK: [&str; 2] = ["stack.application.servers=50", "stack.application.service=5ms"];
/// The same shop a tenth slower.
const SLOWER: [&str; 2] = ["stack.application.servers=50", "stack.application.service=5500us"];

/// Simulates `small.toml` into a folder of its own.
fn simulate(desk: &Desk, out: &str, sets: &[&str], more: &[&str]) {
    let sets = sets.iter().flat_map(|set| ["--set", *set]);
    let words = ["simulate", "small.toml", "-q", "--no-probes", "--out", out].into_iter();
    let words: Vec<&str> = words.chain(sets).chain(more.iter().copied()).collect();
    let said = desk.say(&words);
    assert!(matches!(said.code, Some(0 | 99 | 111)), "{said:#?}");
}

/// Runs that say they were live and of one seed, and were simulated of one seed each: as much apart as
/// crowds are.
fn lived(desk: &Desk, side: &str, sets: &[&str], first_seed: u32) {
    for number in 0..8 {
        let (out, seed) = (format!("{side}/{number}"), (first_seed + number).to_string());
        simulate(desk, &out, sets, &["--seed", &seed]);
        for file in ["provenance.json", "summary.json"] {
            let path = format!("{out}/latest/{file}");
            let text = desk.read(&path);
            let text = text.replace("\"world\": \"simulated\"", "\"world\": \"live\"");
            let told = format!("\"seed\": {seed}");
            assert!(text.contains(&told) && text.contains("\"live\""), "{text}");
            desk.write(&path, &text.replace(&told, "\"seed\": 7"));
        }
    }
}

fn gate(desk: &Desk, words: &[&str]) -> Said {
    desk.say(&[&["gate"], words].concat())
}

/// What is said of what is refused, with nothing on stdout.
fn refused(desk: &Desk, words: &[&str]) -> String {
    let said = gate(desk, words);
    let ended = (said.code, said.last_line(), said.stdout.as_str());
    assert_eq!(ended, (Some(112), "verdict: inconclusive (112)", ""), "{said:#?}");
    said.stderr
}

#[test]
fn a_simulated_candidate_is_compared_exactly() {
    let desk = Desk::new();
    simulate(&desk, "one", &STACK, &[]);
    simulate(&desk, "two", &STACK, &[]);
    simulate(&desk, "slower", &SLOWER, &[]);

    let said = gate(&desk, &["--baseline", "one/latest", "--candidate", "two/latest"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), "verdict: pass (0)\n"), "{said:#?}");
    assert!(said.stdout.starts_with("✓ It held. (pass, exit code 0)\n"), "{}", said.stdout);
    assert!(said.stdout.contains("no difference is chance"), "{}", said.stdout);

    let words = ["--baseline", "one/latest", "--candidate", "slower/latest", "--vary", "stack"];
    let more = ["--figure", "reload p50", "--junit", "junit.xml", "--markdown", "comment.md"];
    let more = [&more[..], &["--benchmark", "bench.json", "--annotations"]].concat();
    let said = gate(&desk, &[&words[..], &more].concat());
    assert_eq!(said.code, Some(113), "{said:#?}");
    assert!(
        said.last_line().starts_with("verdict: regression (113): reload p50 is worse by "),
        "{said:#?}"
    );
    assert!(said.stdout.contains("::error title=spike gate::It has become worse."), "{said:#?}");
    assert!(desk.read("junit.xml").contains("regression (113)"));
    assert!(desk.read("comment.md").contains("| **regressed** |"));
    assert_eq!(desk.json("bench.json")[0]["name"], "reload p50");

    let said = gate(&desk, &[&words[..], &["--figure", "reload p50", "--json"]].concat());
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&json["verdict"], &json["exit_code"]), (&"regression".into(), &113.into()));
    assert_eq!(json["figures"][0]["standing"], "regressed", "{json:#}");
    assert_eq!(json["changed"]["first"][0]["path"], "stack.application.service");
    assert!(json["figures"][0]["effect"].as_f64().unwrap() > 0.05, "{json:#}");
}

#[test]
fn ranks_stop_what_is_slower_and_nothing_else() {
    let desk = Desk::new();
    lived(&desk, "a", &STACK, 100);
    lived(&desk, "b", &STACK, 200);
    lived(&desk, "slower", &SLOWER, 300);
    let figures = ["--figure", "reload p50", "--figure", "failed share"];

    let said = gate(&desk, &[&["--baseline", "a", "--candidate", "b"], &figures[..]].concat());
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.stdout.contains("What these 8 and 8 runs could have shown, 80 % of the time"));
    for line in said.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }

    let slower = [&["--baseline", "a", "--candidate", "slower"], &figures[..]].concat();
    let told = refused(&desk, &slower);
    assert!(
        told.contains("differ in 1 key(s): stack.application.service is \"5ms\" and \"5500us\""),
        "{told}"
    );
    assert!(told.contains("hint: record the baseline again"), "{told}");
    let said = gate(&desk, &[&slower[..], &["--vary", "stack", "--json"]].concat());
    assert_eq!(said.code, Some(113), "{said:#?}");
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    let figure = &json["figures"][0];
    assert_eq!((&figure["name"], &figure["standing"]), (&"reload p50".into(), &"regressed".into()));
    assert!(figure["p_corrected"].as_f64().unwrap() <= 0.005, "{figure:#}");
    assert_eq!(json["figures"][1]["standing"], "unchanged", "{json:#}");

    // Two runs of each can never show anything, and do not pass.
    let few =
        ["--baseline", "a/0", "--baseline", "a/1", "--candidate", "b/0", "--candidate", "b/1"];
    let said = gate(&desk, &[&few[..], &figures].concat());
    assert_eq!(said.code, Some(112), "{said:#?}");
    assert!(said.last_line().contains("can never show"), "{said:#?}");
}

#[test]
fn a_violated_invariant_stops_whatever_the_figures_say() {
    let desk = Desk::new();
    simulate(&desk, "one", &STACK, &[]);
    simulate(&desk, "oversold", &STACK, &["--set", "shop.faults=[\"oversell\"]"]);
    let words =
        ["--baseline", "one/latest", "--candidate", "oversold/latest", "--vary", "shop.faults"];
    let said = gate(&desk, &words);
    assert_eq!(said.code, Some(111), "{said:#?}");
    assert!(
        said.last_line()
            .starts_with("verdict: invariant_violated (111): INV-OVERSELL is violated in 1 of 1"),
        "{said:#?}"
    );
}

#[test]
fn what_cannot_be_compared_is_refused_with_both_values_and_the_cure() {
    let desk = Desk::new();
    simulate(&desk, "one", &STACK, &[]);
    simulate(&desk, "again", &STACK, &[]);
    simulate(&desk, "other", &STACK, &["--seed", "8", "--scale", "2"]);
    let told = refused(&desk, &["--baseline", "one/latest", "--candidate", "other/latest"]);
    for part in [
        "the seeds differ: 7 in one/latest, 8 in other/latest",
        "the scales differ: 1 in",
        "--seed of",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let renamed = desk.read("small.toml").replace("name = \"small\"", "name = \"other\"");
    desk.write("other.toml", &renamed);
    assert_eq!(desk.say(&["simulate", "other.toml", "-q", "--out", "named"]).code, Some(0));
    let told = refused(&desk, &["--baseline", "one/latest", "--candidate", "named/latest"]);
    assert!(
        told.contains("the scenarios differ: small in one/latest, other in named/latest"),
        "{told}"
    );
    let unknown =
        ["--baseline", "one/latest", "--candidate", "again/latest", "--figure", "reload p5"];
    let told = refused(&desk, &unknown);
    assert!(
        told.contains("no run has a figure `reload p5`") && told.contains("reload p50"),
        "{told}"
    );
    // A run is no measure of itself, and a variable that nobody set lets nothing vary.
    let told = refused(&desk, &["--baseline", "one", "--candidate", "one/latest"]);
    assert!(told.contains("is the same run as one/small/"), "{told}");
    simulate(&desk, "slower", &SLOWER, &[]);
    for vary in ["", "stack.database;"] {
        let words = ["--baseline", "one/latest", "--candidate", "slower/latest", "--vary", vary];
        let told = refused(&desk, &words);
        assert!(told.contains("differ in 1 key(s)"), "{vary}: {told}");
    }
}

#[test]
fn what_cannot_be_read_never_passes_and_is_told_all_at_once() {
    let desk = Desk::new();
    for out in ["one", "lacking", "partial", "damaged"] {
        simulate(&desk, out, &STACK, &[]);
    }
    fs::remove_file(desk.file("lacking/latest/summary.json")).unwrap();
    fs::remove_file(desk.file("partial/latest/ending.json")).unwrap();
    let timeline = desk.read("damaged/latest/timeline.jsonl");
    let half: String = timeline.split_inclusive('\n').take(2).collect();
    desk.write("damaged/latest/timeline.jsonl", &half);
    desk.write("broken.json", "{\"schema\": 1");
    desk.write("empty.json", "{\"schema\": 1, \"scenario\": {}, \"runs\": []}");
    fs::create_dir(desk.file("nothing")).unwrap();
    desk.write("junit.xml", "an earlier pass");
    fs::create_dir(desk.file("some")).unwrap();
    fs::rename(desk.file("one/small"), desk.file("some/small")).unwrap();
    std::os::unix::fs::symlink("gone", desk.file("some/gone")).unwrap();
    let candidates = [
        "lacking/latest",
        "partial/latest",
        "damaged/latest",
        "broken.json",
        "empty.json",
        "nothing",
        "nowhere",
        "some",
    ];
    let words = ["--junit", "junit.xml", "--baseline", "some/small/latest", "--candidate"];
    let words = [&words, &candidates[..]].concat();
    let told = refused(&desk, &words);
    for part in [
        "lacking/latest lacks summary.json",
        "partial/latest is a partial run",
        "damaged/latest is damaged",
        "failed to read broken.json: EOF while parsing",
        "failed to read empty.json: it is no baseline that this version knows, or holds no run",
        "failed to read nothing: it holds no run",
        "failed to read nowhere: it holds no run",
        "failed to read some/gone: ",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!desk.file("junit.xml").exists(), "who reads it would read an earlier gate's");
}

#[test]
fn a_baseline_is_kept_in_a_file_and_read_again() {
    let desk = Desk::new();
    simulate(&desk, "one", &STACK, &[]);
    simulate(&desk, "slower", &SLOWER, &[]);
    let kept = "reports/baseline/small/baseline.json";
    let said = gate(&desk, &["--candidate", "one/latest", "--save", kept]);
    assert_eq!((said.code, said.last_line()), (Some(0), "verdict: pass (0)"), "{said:#?}");
    assert_eq!(desk.json(kept)["scenario"]["name"], "small");

    simulate(&desk, "again", &STACK, &[]);
    let words = ["--baseline", "reports/baseline/small", "--candidate", "again/latest"];
    let said = gate(&desk, &[&words[..], &["--save", kept]].concat());
    assert_eq!(said.code, Some(0), "{said:#?}");
    let held = desk.read(kept);
    assert!(held.contains("again/latest"), "what passed is the next baseline");
    let words =
        ["--baseline", kept, "--candidate", "slower", "--vary", "stack", "--figure", "reload p50"];
    for _ in 0..2 {
        assert_eq!(gate(&desk, &[&words[..], &["--save", kept]].concat()).code, Some(113));
        assert_eq!(desk.read(kept), held, "what did not pass is none");
    }
    simulate(&desk, "oversold", &STACK, &["--set", "shop.faults=[\"oversell\"]"]);
    let told = refused(&desk, &["--candidate", "oversold", "--save", "bad.json"]);
    assert!(told.contains("is invariant_violated, and no baseline: INV-OVERSELL"), "{told}");
    assert!(!desk.file("bad.json").exists());
}

#[test]
fn two_commands_live_a_scenario_in_turns() {
    let desk = Desk::new();
    let program = spike().get_program().to_string_lossy().into_owned();
    let command = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|set| format!("--set {set}")).collect();
        format!("{program} simulate --no-probes {}", sets.join(" "))
    };
    let (fast, slow) = (command(&STACK), command(&SLOWER));
    let turns = |a: &str, b: &str| {
        gate(&desk, &["small.toml", "--a", a, "--b", b, "--figure", "reload p50"])
    };

    let said = turns(&fast, &fast);
    assert_eq!((said.code, said.last_line()), (Some(0), "verdict: pass (0)"), "{said:#?}");
    assert!(said.stderr.contains("pair 1 of 8: A pass, B pass"), "{said:#?}");
    assert!(!said.stderr.contains("pair 2"), "simulated runs of one seed are the same: {said:#?}");
    let said = turns(&fast, &slow);
    assert_eq!(said.code, Some(113), "{said:#?}");
    let told = said.stdout.replace("\n  ", " ");
    assert!(told.contains("stack.application.service is \"5ms\" and \"5500us\""), "{told}");
    assert!(desk.file("reports/gate/small/latest/b/001/latest/summary.json").is_file());

    let said = turns(&fast, "sh -c 'echo no such shop >&2; exit 3'");
    assert_eq!(said.code, Some(112), "{said:#?}");
    for part in ["B, pair 1: `sh -c", "exit status: 3: that is no end of a run", "no such shop"] {
        assert!(said.stderr.contains(part), "{part}: {said:#?}");
    }
    // Whatever it left, and whoever it left behind: that is waited for as little.
    let said = turns(&fast, &format!("run() {{ {fast} \"$@\"; return 7; }}; run"));
    assert_eq!(said.code, Some(112), "{said:#?}");
    assert!(said.stderr.contains("exit status: 7: that is no end of a run"), "{said:#?}");
    let said = turns(&fast, &format!("sleep 600 & echo $! >> left; {fast}\n"));
    for left in desk.read("left").lines() {
        let left = rustix::process::Pid::from_raw(left.parse().unwrap()).unwrap();
        rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
    }
    assert_eq!((said.code, said.last_line()), (Some(0), "verdict: pass (0)"), "{said:#?}");
    desk.write("bad.toml", "schema = 1\nname = \"bad\"\n");
    let said = gate(&desk, &["bad.toml", "--a", &fast, "--b", &fast]);
    assert_eq!((said.code, said.last_line()), (Some(104), "verdict: invalid_scenario (104)"));
}

/// A command that lives a run of another crowd each time and says that it was live, of one seed; of one crowd it
/// says that its generator was late, of another that a ledger could not be read.
const CROWDS: &str = r#"#!/bin/sh
number=$(cat number 2>/dev/null || echo 100)
echo $((number + 1)) > number
"$PROGRAM" simulate "$@" --no-probes --seed "$number"
late='The generator was late: 99 % lateness 30 ms, of which 20 ms are allowed.'
bounds='{"lateness_p99_ms": {"value": 30.0, "bound": 20.0, "status": "broken"}}'
health='{"lateness_ms": {"p50": 0.0, "p99": 30.0, "max": 40.0}, "cpu": 0.5, "dropped": 0, "bounds": '$bounds'}'
unread='A ledger could not be read: it is gone.'
inconclusive() {
    sed -i -e 's/"verdict": "pass"/"verdict": "inconclusive"/' \
        -e "s/\"reasons\": \[\]/\"reasons\": [\"$2\"]/" "$1"/latest/summary.json
}
if [ "$number" = "$LATE" ]; then
    inconclusive "$3" "$late"
    sed -i "s/\"health\": null/\"health\": $health/" "$3"/latest/summary.json
elif [ "$number" = "$UNREAD" ]; then
    inconclusive "$3" "$unread"
fi
sed -i -e 's/"world": "simulated"/"world": "live"/' -e 's/"seed": '"$number"'/"seed": 7/' \
    "$3"/latest/provenance.json "$3"/latest/summary.json
"#;

#[test]
fn the_noise_of_a_machine_is_measured_and_less_than_it_is_refused() {
    let desk = Desk::new();
    desk.write("crowds.sh", CROWDS);
    let program = spike().get_program().to_string_lossy().into_owned();
    let words = [
        "gate",
        "--aa",
        "small.toml",
        "--a",
        "sh crowds.sh",
        "--pairs",
        "6",
        "--save",
        "kept.json",
    ];
    let said = Said::of(desk.command(&words).env("PROGRAM", &program).env("LATE", "101"));
    assert_eq!((said.code, said.last_line()), (Some(0), "verdict: pass (0)"), "{said:#?}");
    assert!(said.stderr.contains("noise: reports/baseline/small/noise.json"), "{said:#?}");
    let again =
        "pair 1 of 6: A pass, B inconclusive; it is lived again\npair 1 of 6: A pass, B pass\n";
    assert!(said.stderr.starts_with(again), "{said:#?}");
    assert!(said.stdout.contains("How far apart the same lies from the same"), "{said:#?}");
    let noise = desk.json("reports/baseline/small/noise.json");
    assert_eq!((&noise["scenario"], &noise["pairs"]), (&"small".into(), &6.into()), "{noise:#}");
    let orders = noise["figures"]["orders per second"].as_f64().unwrap();
    assert!(orders > 0.0, "{noise:#}");
    assert_eq!(desk.json("kept.json")["runs"].as_array().unwrap().len(), 12);
    // The same runs of another day.
    desk.write(
        "other.json",
        &desk.read("kept.json").replace("\"started_at\": \"", "\"started_at\": \"0"),
    );

    let words =
        ["--baseline", "kept.json", "--candidate", "other.json", "--figure", "orders per second"];
    let told = refused(&desk, &[&words[..], &["--min-effect", "0.0001%"]].concat());
    let told = told.replace("\n  ", " ");
    assert!(told.contains("and the noise of `orders per second` on this machine is"), "{told}");
    assert!(told.contains("hint: ask for no less with --min-effect"), "{told}");
    let said = gate(&desk, &[&words[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    let told = json["figures"][0]["noise"].as_f64().unwrap();
    assert!((told - orders).abs() < 1e-5, "{json:#}");

    // What the shop does itself is never lived again.
    let words =
        ["gate", "small.toml", "--a", "sh crowds.sh", "--b", "sh crowds.sh", "--pairs", "2"];
    desk.write("number", "300");
    let said = Said::of(desk.command(&words).env("PROGRAM", &program).env("UNREAD", "301"));
    assert_eq!(said.code, Some(112), "{said:#?}");
    assert!(
        said.stderr.starts_with("pair 1 of 2: A pass, B inconclusive\npair 2 of 2: "),
        "{said:#?}"
    );

    // Virtual time has none.
    let command = format!("{program} simulate");
    let told = refused(&desk, &["--aa", "small.toml", "--pairs", "2", "--a", command.as_str()]);
    assert!(told.contains("a simulated run is the same each time"), "{told}");
}

#[test]
fn what_makes_no_sense_on_the_command_line_is_usage() {
    let desk = Desk::new();
    for words in [
        &[][..],
        &["small.toml"],
        &["small.toml", "--a", "x"],
        &["--candidate", "x"],
        &["--baseline", "x"],
        &["--aa", "small.toml", "--candidate", "x"],
        &["--candidate", "x", "--baseline", "x", "--min-effect", "0"],
    ] {
        assert_eq!(gate(&desk, words).code, Some(2), "{words:?}");
    }
}
