//! The command line keeps its word: flags and variables, exit codes, streams, files.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use spike::measure::latency::LatencyLog;

use crate::program::{Desk, Said, spike};

const COMMANDS: [&str; 16] = [
    "run",
    "simulate",
    "check",
    "try",
    "doctor",
    "verify",
    "report",
    "compare",
    "gate",
    "init",
    "plan",
    "forecast",
    "schema",
    "provider",
    "shop",
    "completions",
];

fn simulated(desk: &Desk, more: &[&str]) -> Said {
    desk.say(&[&["simulate", "small.toml"], more].concat())
}

#[test]
fn every_subcommand_explains_itself() {
    let mut pages = Said::of(spike().arg("--help")).stdout;
    for command in COMMANDS {
        let said = Said::of(spike().args([command, "--help"]).env("COLUMNS", "100"));
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{command}");
        write!(pages, "\n=== {command}\n{}", said.stdout).unwrap();
    }
    insta::assert_snapshot!(pages);
}

#[test]
fn every_flag_has_a_variable() {
    for command in COMMANDS.into_iter().filter(|command| *command != "completions") {
        let page = Said::of(spike().args([command, "--help"])).stdout;
        let flags = page.lines().filter(|line| line.trim_start().starts_with('-')).count();
        let variables = page.matches("SPIKE_").count();
        let help = 1;
        assert_eq!(flags, variables + help, "{page}");
    }
}

#[test]
fn usage_is_2() {
    let desk = Desk::new();
    for words in [&["simulate"][..], &["sprint"], &["simulate", "small.toml", "--sead", "7"], &[]] {
        let said = desk.say(words);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{words:?}");
    }
}

#[test]
fn all_problems_of_all_files_are_told_and_nothing_runs() {
    let desk = Desk::new();
    desk.write("one.toml", "schema = 1\nname = \"one\"\nsead = 7\n");
    desk.write("two.toml", "schema = 1\nnaem = \"two\"\n");
    for world in ["simulate", "run"] {
        let said = desk.say(&[world, "small.toml", "one.toml", "two.toml", "three.toml"]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(104), ""), "{world}");
        for told in ["one.toml:3:1", "two.toml:2:1", "three.toml", "`seed`", "`name`"] {
            assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
        }
        assert_eq!(said.last_line(), "verdict: invalid_scenario (104)");
        assert!(!desk.file("reports").exists());
    }
    let said = desk.say(&["check", "one.toml"]);
    assert_eq!((said.code, said.last_line()), (Some(104), "verdict: invalid_scenario (104)"));
}

#[test]
fn results_go_to_stdout_and_talk_to_stderr_and_the_last_line_is_the_verdict() {
    let desk = Desk::new();
    let said = simulated(&desk, &[]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(said.last_line(), "verdict: pass (0)");
    assert!(said.stdout.contains("OVERSELL"), "{}", said.stdout);
    assert!(said.stderr.contains("report: reports/small/"), "{}", said.stderr);
    let summary = desk.json("reports/latest/summary.json");
    assert_eq!(summary["result"]["verdict"], "pass");
    assert_eq!(summary["result"]["exit_code"], 0);
}

#[test]
fn a_missed_objective_is_99_and_a_violated_invariant_111_in_every_place() {
    let desk = Desk::new();
    for (set, code, word) in [
        ("objectives.\"checkout p(50)\"=< 1ms", 99, "objective_missed"),
        ("shop.faults=[\"oversell\"]", 111, "invariant_violated"),
    ] {
        let said = simulated(
            &desk,
            &[
                "--set",
                set,
                "--set",
                "stack.application.servers=50",
                "--set",
                "stack.application.service=5ms",
                "--junit",
                "junit.xml",
            ],
        );
        assert_eq!(said.code, Some(code), "{said:#?}");
        assert!(said.last_line().starts_with(&format!("verdict: {word} ({code}): ")), "{said:#?}");
        let summary = desk.json("reports/latest/summary.json");
        assert_eq!(summary["result"]["verdict"], word);
        assert_eq!(summary["result"]["exit_code"], code);
        assert!(desk.read("junit.xml").contains(&format!("{word} ({code})")));
    }
}

#[test]
fn several_scenarios_end_under_the_gravest_verdict() {
    let desk = Desk::new();
    let small = desk.read("small.toml");
    desk.write("sold.toml", &small.replace("[provider]", "faults = [\"oversell\"]\n[provider]"));
    let said = desk.say(&["simulate", "sold.toml", "small.toml"]);
    assert_eq!(said.code, Some(111), "{said:#?}");
    assert_eq!(said.last_line(), "verdict: invariant_violated (111): the gravest of 2 runs");
    assert_eq!(fs::read_dir(desk.file("reports/small")).unwrap().count(), 3, "two and `latest`");
}

#[test]
fn json_is_the_summary_and_nothing_else() {
    let desk = Desk::new();
    let said = simulated(&desk, &["--json"]);
    assert_eq!(said.stdout, desk.read("reports/latest/summary.json"));
    assert_eq!(said.last_line(), "verdict: pass (0)");
}

#[test]
fn junit_holds_a_case_for_each_invariant_and_objective() {
    let desk = Desk::new();
    simulated(&desk, &["--junit", "junit.xml"]);
    let xml = desk.read("junit.xml");
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let summary = desk.json("reports/latest/summary.json");
    let result = &summary["result"];
    let names = |key: &str, name: &str| -> Vec<String> {
        let cases = result[key].as_array().unwrap().iter();
        cases.map(|case| case[name].as_str().unwrap().to_owned()).collect()
    };
    let mut wanted = vec!["verdict".to_owned()];
    wanted.extend(names("findings", "id"));
    wanted.extend(names("objectives", "text"));
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    assert_eq!(cases.map(|case| case.name.to_string()).collect::<Vec<_>>(), wanted);
}

#[test]
fn quiet_says_nothing_but_the_verdict() {
    let desk = Desk::new();
    let said = simulated(&desk, &["-q"]);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", "verdict: pass (0)\n"));
}

#[test]
fn print_config_prints_what_would_run_and_runs_nothing() {
    let desk = Desk::new();
    for world in ["simulate", "run"] {
        let said = desk.say(&[
            world,
            "small.toml",
            "--print-config",
            "--seed",
            "99",
            "--set",
            "sale.0.items.1.stock=3",
        ]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        let tree: toml::Table = said.stdout.parse().unwrap();
        assert_eq!(tree["seed"].as_integer(), Some(99));
        assert_eq!(tree["sale"][0]["items"][1]["stock"].as_integer(), Some(3));
        assert!(!desk.file("reports").exists());
    }
}

#[test]
fn a_dry_run_prints_what_follows_and_runs_nothing() {
    let desk = Desk::new();
    for world in ["simulate", "run"] {
        let said = desk.say(&[world, "small.toml", "--dry-run"]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(said.stdout.contains("drain"), "{}", said.stdout);
        assert!(!desk.file("reports").exists());
    }
    let checked = desk.say(&["check", "small.toml"]);
    assert_eq!(checked.stdout, desk.say(&["simulate", "small.toml", "--dry-run"]).stdout);
}

#[test]
fn a_flag_goes_before_its_variable_and_the_variable_before_the_file() {
    let desk = Desk::new();
    let seed = |words: &[&str], variable: Option<&str>| {
        let mut command =
            desk.command(&[&["simulate", "small.toml", "--print-config"], words].concat());
        let said = Said::of(command.envs(variable.map(|seed| ("SPIKE_SEED", seed))));
        said.stdout.parse::<toml::Table>().unwrap()["seed"].as_integer()
    };
    assert_eq!(seed(&[], None), Some(7));
    assert_eq!(seed(&[], Some("8")), Some(8));
    assert_eq!(seed(&["--seed", "9"], Some("8")), Some(9));
}

#[test]
fn a_switch_is_turned_on_by_its_variable() {
    let desk = Desk::new();
    for (word, on) in [("1", true), ("true", true), ("yes", true), ("0", false), ("", false)] {
        let said = Said::of(
            desk.command(&["simulate", "small.toml", "--print-config"]).env("SPIKE_QUIET", word),
        );
        assert_eq!(said.code, Some(0), "{word}: {said:#?}");
        let said = Said::of(desk.command(&["simulate", "small.toml"]).env("SPIKE_DRY_RUN", word));
        assert_eq!(said.last_line().is_empty(), on, "{word}: {said:#?}");
    }
    let mut several = desk.command(&["simulate", "small.toml", "--print-config"]);
    let said = Said::of(several.env("SPIKE_SET", "fans.0.count=5;title=Seven"));
    assert!(said.stdout.contains("count = 5") && said.stdout.contains("Seven"), "{said:#?}");
}

#[test]
fn nothing_is_coloured_where_nobody_looks_or_no_color_is_set() {
    let desk = Desk::new();
    desk.write("bad.toml", "schema = 1\nsead = 7\n");
    for file in ["small.toml", "bad.toml"] {
        let said = Said::of(desk.command(&["simulate", file]).env("NO_COLOR", "1"));
        assert!(!said.stdout.contains('\x1b') && !said.stderr.contains('\x1b'), "{said:#?}");
    }
}

#[test]
fn the_printed_schema_accepts_the_shipped_scenarios() {
    let said = Said::of(spike().arg("schema"));
    let schema: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in crate::scenario_files::shipped() {
        let text = fs::read_to_string(path).unwrap();
        let tree = serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
        assert!(validator.is_valid(&tree), "{text}");
    }
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        let said = Said::of(spike().args(["completions", shell]));
        assert_eq!(said.code, Some(0));
        assert!(COMMANDS.iter().all(|command| said.stdout.contains(command)), "{shell}");
    }
}

#[test]
fn verify_reaches_the_same_result_byte_for_byte() {
    let desk = Desk::new();
    let first = simulated(&desk, &["--json"]);
    fs::remove_file(desk.file("reports/latest/summary.json")).unwrap();
    let again = desk.say(&["verify", "reports/latest", "--json"]);
    assert_eq!((again.code, again.last_line()), (first.code, first.last_line()));
    assert_eq!(again.stdout, first.stdout);
}

#[test]
fn report_draws_the_same_page_again() {
    let desk = Desk::new();
    let first = simulated(&desk, &[]);
    let page = desk.read("reports/latest/report.html");
    fs::remove_file(desk.file("reports/latest/report.html")).unwrap();
    let again = desk.say(&["report", "reports/latest"]);
    assert_eq!((again.code, &again.stdout), (first.code, &first.stdout));
    assert_eq!(desk.read("reports/latest/report.html"), page);
}

#[test]
fn a_run_leaves_behind_what_was_promised() {
    let desk = Desk::new();
    simulated(&desk, &["--set", "sale.0.items.1.stock=3", "-o", "kept/here", "-q"]);
    let latest = fs::canonicalize(desk.file("kept/here/latest")).unwrap();
    assert_eq!(fs::canonicalize(desk.file("kept/here/small/latest")).unwrap(), latest);
    let read = |name: &str| {
        fs::read_to_string(latest.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let lived: toml::Table = read("scenario.toml").parse().unwrap();
    assert_eq!(lived["sale"][0]["items"][1]["stock"].as_integer(), Some(3));
    for name in ["timeline.svg", "latency.svg", "sell-through.svg"] {
        assert!(read(name).starts_with("<svg"), "{name}");
    }
    for name in ["purchases.jsonl", "ledger-shop.jsonl", "ledger-provider.jsonl"] {
        let lines: Vec<Value> =
            read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.len() > 10, "{name}");
    }
    assert!(read("latency.hlog").contains("Tag=checkout"));
    LatencyLog::read(read("latency.hlog").as_bytes()).unwrap();
    let page = read("report.html");
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "it opens offline");
    let unfinished = fs::read_dir(&latest).unwrap().map(|entry| entry.unwrap().file_name());
    let unfinished: Vec<_> =
        unfinished.filter(|name| name.to_string_lossy().contains("unfinished")).collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");
}
