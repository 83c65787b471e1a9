//! What goes wrong is told in one clear message, and what was measured is kept.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{Desk, Running, SMALL, Said, Server, spike};

const TEN_MISTAKES: &str = r#"
schema = 1
name = "ten"
sead = 7

[[sale]]
id = "day-1"
opens = "noon"
lasts = "30 parsecs"
items = [
    { id = "tee", stock = -1, price = 4_500, demand = 0.6 },
    { id = "towel", stok = 11, price = 2_500, demand = 0.4 },
]

[[fans]]
name = "fans"
count = "many"
arrive = { shape = "logisitc" }
abandon = 1.5

[shop]
storage = "postgers"

[provider]
profile = "strip-2024"
"#;

#[test]
fn ten_mistakes_are_ten_messages_each_with_its_place() {
    let desk = Desk::new();
    desk.write("ten.toml", TEN_MISTAKES);
    let said = desk.say(&["simulate", "ten.toml"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(104), ""));
    let places: Vec<&str> =
        said.stderr.lines().filter(|line| line.contains("--> ten.toml:")).collect();
    for line in [4, 8, 9, 11, 12, 17, 18, 19, 22, 25] {
        let place = format!("--> ten.toml:{line}:");
        assert!(places.iter().any(|told| told.contains(&place)), "{place} {}", said.stderr);
    }
    let errors = said.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, places.len() + 1, "{}", said.stderr);
    assert!(said.stderr.contains("ten.toml is not a valid scenario: "), "{}", said.stderr);
}

#[test]
fn what_is_no_file_is_no_scenario() {
    let desk = Desk::new();
    let said = desk.say(&["run", "nope.toml"]);
    assert_eq!(said.code, Some(104));
    assert!(said.stderr.contains("error: there is no such file\n"), "{}", said.stderr);
    let said = desk.say(&["check", "."]);
    assert_eq!(said.code, Some(104));
    assert!(said.stderr.to_lowercase().contains("directory"), "{}", said.stderr);
}

#[test]
fn an_opening_in_the_past_is_refused_unless_late() {
    let desk = Desk::new();
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(10);
    let sale = SMALL.replace("+2s", &past.to_string()).replace("\"3s\"", "\"10m\"");
    desk.write("past.toml", &sale);
    let said = desk.say(&["run", "past.toml", "--dry-run"]);
    assert_eq!(said.code, Some(104), "{said:#?}");
    assert!(said.stderr.contains("past.toml:9:9") && said.stderr.contains("--late"), "{said:#?}");
    let late = desk.say(&["run", "past.toml", "--dry-run", "--late"]);
    assert_eq!((late.code, late.stderr.as_str()), (Some(0), ""));
    desk.write("over.toml", &sale.replace("10m", "5s"));
    let over = desk.say(&["run", "over.toml", "--dry-run", "--late"]);
    assert_eq!(over.code, Some(104), "nothing is left of it: {over:#?}");
    assert!(over.stderr.contains("error: the sale is over\n"), "{over:#?}");
}

#[test]
fn what_is_no_runs_folder_cannot_be_verified() {
    let desk = Desk::new();
    for (folder, told) in [("nope", "nope"), ("small.toml", "small.toml"), (".", ".")] {
        for command in ["verify", "report"] {
            let said = desk.say(&[command, folder]);
            assert_eq!(said.code, Some(1));
            assert!(said.the_error().starts_with(&format!("failed to read {told}")), "{said:#?}");
            assert!(said.stderr.contains("hint: "), "{said:#?}");
            assert_eq!(said.last_line(), "verdict: error (1)");
        }
    }
}

#[test]
fn an_out_that_is_a_file_is_named() {
    let desk = Desk::new();
    for world in ["run", "simulate"] {
        let said = desk.say(&[world, "small.toml", "-o", "small.toml"]);
        assert_eq!(said.code, Some(1));
        assert!(said.the_error().contains("small.toml/small: Not a directory"), "{said:#?}");
    }
}

#[test]
fn a_port_in_use_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for words in [&["provider"][..], &["shop", "--provider", "http://127.0.0.1:1"]] {
        let said = Said::of(spike().args(words).args(["--listen", &address]));
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:#?}");
        let error = said.the_error();
        assert!(error.contains(&address) && error.contains("in use"), "{said:#?}");
        assert!(said.stderr.contains("\nhint: "), "{said:#?}");
        assert_eq!(said.last_line(), "verdict: error (1)");
    }
}

#[test]
fn a_target_elsewhere_is_refused_before_anything_is_sent() {
    let desk = Desk::new();
    for (target, told) in [
        ("http://shop.example:8080", "send fans to `shop.example`"),
        ("https://127.0.0.1:8080", "only `http://` can be spoken"),
        ("127.0.0.1:8080", "read the target `127.0.0.1:8080`"),
    ] {
        let said = desk.say(&["run", "small.toml", "--target", target]);
        assert_eq!(said.code, Some(104), "{said:#?}");
        assert!(said.the_error().contains(told), "{said:#?}");
        assert!(said.stderr.contains("\nhint: "), "{said:#?}");
        assert_eq!(said.last_line(), "verdict: invalid_scenario (104)");
        assert!(!desk.file("reports").exists());
    }
}

#[test]
fn a_target_that_refuses_is_inconclusive_and_its_folder_is_kept() {
    let desk = Desk::new();
    // A port that was free a moment ago, and that nobody listens at.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = desk.say(&["run", "small.toml", "-t", &format!("http://{address}"), "-q"]);
    assert_eq!(said.code, Some(112), "{said:#?}");
    let error = said.the_error();
    assert!(error.contains(&format!("reach the shop at {address}")), "{said:#?}");
    assert!(error.contains("refused"), "{said:#?}");
    assert!(said.last_line().starts_with("verdict: inconclusive (112): The target refuses"));
    assert_eq!(desk.json("reports/latest/summary.json")["result"]["exit_code"], 112);
    assert_eq!(desk.say(&["verify", "reports/latest", "-q"]).code, Some(112));
}

#[test]
fn a_running_shop_is_a_target_whose_provider_stays_unknown() {
    let desk = Desk::new();
    let provider = Server::start(spike().args(["provider"]));
    let mut shop = desk.command(&["shop", "--provider", &provider.url]);
    let shop = Server::start(&mut shop);
    // The shop's own small sale is open already; this is what it sells.
    let items = SMALL.find("items = [").unwrap()..SMALL.find("\n\n[[fans]]").unwrap();
    let sale = r#"items = [
        { id = "tour-tee", stock = 100, price = 4_500 },
        { id = "towel", stock = 100, price = 2_500 },
        { id = "poster", stock = 100, price = 1_500 },
    ]
    slots = [
        { id = "12:00", capacity = 100 },
        { id = "12:30", capacity = 100 },
        { id = "13:00", capacity = 100 },
    ]"#;
    desk.write("theirs.toml", &SMALL.replace(&SMALL[items], sale));
    let mut run = desk.command(&["run", "theirs.toml", "-q"]);
    let said = Said::of(run.env("SPIKE_TARGET", &shop.url));
    assert_eq!(said.code, Some(112), "{said:#?}");
    let summary = desk.json("reports/latest/summary.json");
    assert!(summary["result"]["orders"]["confirmed"].as_u64().unwrap() > 5, "{said:#?}");
    let finding = finding(&summary, "INV-ORPHAN-AUTH");
    assert_eq!(finding["status"], "not_checked");
    assert!(finding["witness"][0].as_str().unwrap().contains("provider listens"), "{finding}");
    assert_eq!(self::finding(&summary, "INV-PERUSER")["status"], "held");
}

fn finding(summary: &Value, id: &str) -> Value {
    let findings = summary["result"]["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["id"] == id).unwrap().clone()
}

#[test]
fn a_ledger_that_cannot_be_read_is_inconclusive_and_named() {
    let desk = Desk::new();
    assert_eq!(desk.say(&["simulate", "small.toml", "-q"]).code, Some(0));
    // A run that does not know how long its files were written.
    let mut ending = desk.json("reports/latest/ending.json");
    assert!(ending.as_object_mut().unwrap().remove("written").is_some());
    fs::write(desk.file("reports/latest/ending.json"), ending.to_string()).unwrap();
    for name in ["provider", "shop"] {
        let file = format!("ledger-{name}.jsonl");
        let ledger = desk.file("reports/latest").join(&file);
        let whole = fs::read_to_string(&ledger).unwrap();
        let broken_line = whole.replacen('\n', "\n{\"broken\n", 1);
        for (text, told) in [
            (Some(broken_line.as_str()), format!("{file} line 2: ")),
            (Some(&whole[..whole.len() - 9]), format!("{file} line {}: ", whole.lines().count())),
            (None, format!("{file} is missing")),
        ] {
            match text {
                Some(text) => fs::write(&ledger, text).unwrap(),
                None => fs::remove_file(&ledger).unwrap(),
            }
            let said = desk.say(&["verify", "reports/latest", "-q"]);
            assert_eq!(said.code, Some(112), "{said:#?}");
            let told = format!("A ledger could not be read: {name}: {told}");
            assert!(said.last_line().contains(&told), "{told}: {said:#?}");
        }
        fs::write(&ledger, whole).unwrap();
    }
    assert_eq!(desk.say(&["verify", "reports/latest", "-q"]).code, Some(0));
}

#[test]
fn a_torn_last_line_of_a_killed_run_is_left_out() {
    let desk = Desk::new();
    assert_eq!(desk.say(&["simulate", "small.toml", "-q"]).code, Some(0));
    fs::remove_file(desk.file("reports/latest/ending.json")).unwrap();
    for name in ["purchases.jsonl", "timeline.jsonl", "snapshots.jsonl", "latency.hlog"] {
        let file = desk.file("reports/latest").join(name);
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() - 7]).unwrap();
    }
    let said = desk.say(&["verify", "reports/latest", "-q"]);
    assert_eq!(said.code, Some(112), "{said:#?}");
    assert!(said.last_line().contains("The run is partial"), "{said:#?}");
}

#[test]
fn a_finished_run_whose_evidence_was_cut_is_damaged() {
    let desk = Desk::new();
    assert_eq!(desk.say(&["simulate", "small.toml", "-q"]).code, Some(0));
    for name in ["purchases.jsonl", "ledger-provider.jsonl", "latency.hlog"] {
        let file = desk.file("reports/latest").join(name);
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() - 7]).unwrap();
        let said = desk.say(&["verify", "reports/latest", "-q"]);
        assert_eq!(said.code, Some(112), "{said:#?}");
        let expected = format!("evidence is damaged: {name} holds");
        assert!(said.last_line().contains(&expected), "{said:#?}");
        fs::write(&file, &whole).unwrap();
    }
    assert_eq!(desk.say(&["verify", "reports/latest", "-q"]).code, Some(0));
}

/// Starts the program on a disk of `size`, which fills up; `out/small/…` stays readable while
/// the second line of standard input has not come.
fn on_a_small_disk(desk: &Desk, world: &str, size: &str) -> (Said, Vec<String>) {
    fs::create_dir(desk.file("out")).unwrap();
    // The disk goes with its name space, so what is left on it is listed from within.
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs out || exit 77\n\
         \"$0\" {world} small.toml -q -o out; code=$?\n\
         cd out/small/latest && find . -type f -size +0 && exit $code"
    );
    let mut shell = Command::new("unshare");
    shell.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    shell.arg(env!("CARGO_BIN_EXE_spike")).current_dir(desk.path()).stdin(Stdio::null());
    let said = Said::of(shell.env("RUST_BACKTRACE", "1"));
    let mounted = said.code != Some(77) && !said.stderr.contains("unshare:");
    assert!(mounted, "this test needs unprivileged user name spaces: {said:#?}");
    let kept = said.stdout.lines().map(str::to_owned).collect();
    (said, kept)
}

#[test]
fn a_full_disk_is_one_clear_sentence_and_keeps_what_was_measured() {
    for world in ["simulate", "run"] {
        let desk = Desk::new();
        let (said, kept) = on_a_small_disk(&desk, world, "48k");
        assert_eq!(said.code, Some(1), "{world}: {said:#?}");
        let error = said.the_error();
        assert!(error.contains("No space left on device"), "{said:#?}");
        assert!(error.contains("out/small/"), "{said:#?}");
        assert_eq!(said.last_line(), "verdict: error (1)");
        for name in ["./scenario.toml", "./timeline.jsonl"] {
            assert!(kept.iter().any(|file| file == name), "{world}: {kept:?}");
        }
        assert!(!kept.iter().any(|file| file == "./ending.json"), "{world}: {kept:?}");
    }
}

#[test]
fn a_killed_run_is_partial_and_its_servers_end_with_it() {
    let desk = Desk::new();
    let running = Running::start(&desk);
    let children = running.children();
    assert_eq!(children.len(), 2, "{children:?}");
    running.send(Signal::KILL);
    // They hold the other end of this pipe: it ends when the last of them has ended.
    let (code, rest) = running.end();
    assert_eq!(code, None, "{rest}");
    let said = desk.say(&["verify", "reports/latest", "-q"]);
    assert_eq!(said.code, Some(112), "{said:#?}");
    assert!(said.last_line().starts_with("verdict: inconclusive (112): The run is partial"));
    let summary = desk.json("reports/latest/summary.json");
    assert!(summary["result"]["fans"]["arrived"].as_u64().unwrap() > 0, "{summary}");
}

#[test]
fn the_first_stop_drains_and_judges() {
    for signal in [Signal::INT, Signal::TERM] {
        let desk = Desk::new();
        let running = Running::start(&desk);
        running.send(signal);
        let (code, rest) = running.end();
        assert_eq!(code, Some(105), "{rest}");
        let last = rest.lines().last().unwrap();
        assert!(last.starts_with("verdict: aborted (105): The run was cut short"), "{rest}");
        let summary = desk.json("reports/latest/summary.json");
        assert_eq!(summary["result"]["verdict"], "aborted");
        let last = &desk.json("reports/latest/ending.json");
        assert_eq!(last["unreadable"], Value::Array(Vec::new()), "the servers outlived the signal");
    }
}

#[test]
fn the_second_stop_leaves_the_partial_run() {
    let desk = Desk::new();
    let running = Running::start(&desk);
    running.send(Signal::INT);
    running.send(Signal::TERM);
    let (code, rest) = running.end();
    assert_eq!(code, Some(105), "{rest}");
    assert!(rest.contains("what was measured so far: reports/small/"), "{rest}");
    assert!(rest.lines().last().unwrap().starts_with("verdict: aborted (105): "), "{rest}");
    assert!(!desk.file("reports/latest/summary.json").exists());
    let judged = desk.say(&["verify", "reports/latest", "-q"]);
    assert_eq!(judged.code, Some(112), "{}", judged.stderr);
    let why = "The run is partial: its user abandoned it";
    assert!(judged.last_line().contains(why), "{}", judged.last_line());
}

#[test]
fn the_terminals_ctrl_c_is_not_for_the_servers() {
    let desk = Desk::new();
    let running = Running::start(&desk);
    let group = |process: &PathBuf| {
        let stat = fs::read_to_string(process.join("stat")).unwrap();
        let after_name = stat.rsplit(')').next().unwrap().to_owned();
        after_name.split_whitespace().nth(2).unwrap().to_owned()
    };
    let own = group(&PathBuf::from(format!("/proc/{}", running.child.id())));
    for child in running.children() {
        assert_ne!(group(&child), own);
    }
    running.send(Signal::KILL);
    running.end();
}
