//! What was at 100 %, and what would have to change: a simulated run that did not hold is lived again with
//! what it lacked.

use std::path::Path;

use serde_json::Value;
use spike::measure::Limited;

use crate::rehearsal::{program, scenario, set, simulate};

/// For twenty seconds 400 people a second look at an item; an application of so many servers answers each in 25 ms.
fn text(servers: u32) -> String {
    format!(
        "schema = 1\nname = \"short\"\nseed = 7\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"60s\"\n\
         items = [{{ id = \"tee\", stock = 1, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 8_000\n\
         arrive = {{ shape = \"constant\", from = \"0s\", over = \"20s\" }}\n\
         reload = {{ calls = 0 }}\nsold_out = {{ leave = 1 }}\nretry = {{ attempts = 0 }}\n\
         timeout = \"10s\"\n\
         [shop]\nstorage = \"memory\"\n\
         [provider]\nprofile = \"stripe-2024\"\ndeclines = 0.0\nlimits = []\n\
         [stack.application]\nservers = {servers}\nservice = \"25ms\"\n\
         [objectives]\n\"item p(95)\" = \"< 1s\"\n"
    )
}

#[test]
fn what_was_at_100_percent_is_told_with_how_much_would_have_done() {
    // 5 of the 10 servers that 400 a second keep busy: 200 a second are answered.
    let judged = simulate(&scenario(&text(5), &set(&[]))).0;
    let [limit] = judged.measured.at_limit.as_slice() else {
        panic!("{:?}", judged.measured.at_limit)
    };
    assert_eq!(limit.what, Limited::Application);
    let needed = limit.needed.unwrap();
    assert_eq!(needed.had, 5.0);
    assert!((needed.needed - 10.0).abs() < 0.5, "{needed:?}");
    // It is full from the first second after the opening until the line is gone, 40 s later.
    assert!(limit.first_s <= 3.0 && (limit.last_s - 41.0).abs() <= 3.0, "{limit:?}");
    assert_eq!(simulate(&scenario(&text(20), &set(&[]))).0.measured.at_limit, []);
}

/// Simulates the scenario in `out` by the program, and what it left.
fn simulated(out: &Path, text: &str, more: &[&str]) -> (String, Value) {
    let file = out.join("short.toml");
    std::fs::write(&file, text).unwrap();
    let mut command = program();
    command.args(["simulate", "-o"]).arg(out).arg(&file).args(more);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    (flat(&said), summary(out))
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn summary(out: &Path) -> Value {
    let text = std::fs::read_to_string(out.join("short/latest/summary.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn what_it_lacked_is_tried_and_told_and_verify_knows_it() {
    let out = tempfile::tempdir().unwrap();
    let (said, told) = simulated(out.path(), &text(5), &[]);
    let probes = &told["result"]["probes"];
    assert_eq!(probes[0]["what"], "application", "{said}");
    let set = probes[0]["set"][0].as_str().unwrap();
    assert_eq!(
        (set, probes[0]["verdict"].as_str()),
        ("stack.application.servers=13", Some("pass"))
    );
    assert!(said.contains("At 100 %: the application's servers in "), "{said}");
    assert!(
        said.contains("Tried `--set stack.application.servers=13` (now 5): it holds."),
        "{said}"
    );
    assert!(said.contains("Next: Stock and money were right"), "{said}");
    // It is as it was told.
    let tried = simulate(&scenario(&text(5), &crate::rehearsal::set(&[set]))).0;
    assert_eq!(tried.exit_code, 0);
    // The files alone say so too, and nothing else is left of it.
    let run = out.path().join("short/latest");
    let html = flat(&std::fs::read_to_string(run.join("report.html")).unwrap());
    assert!(html.contains("stack.application.servers=13"));
    let mut again = program();
    assert!(again.arg("verify").arg(&run).output().unwrap().status.code().is_some());
    assert_eq!(summary(out.path())["result"]["probes"], *probes);
    let left = std::fs::read_dir(&run).unwrap().filter_map(Result::ok);
    assert!(left.into_iter().all(|entry| entry.file_type().unwrap().is_file()));
}

#[test]
fn a_run_is_the_same_whatever_was_tried_after_it() {
    let out = tempfile::tempdir().unwrap();
    simulated(out.path(), &text(5), &[]);
    let first = std::fs::canonicalize(out.path().join("short/latest")).unwrap();
    simulated(out.path(), &text(5), &["--no-probes"]);
    let mut command = program();
    command.arg("compare").arg(first).arg(out.path().join("short/latest"));
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("✓ Identical: all "), "{said}");
}

#[test]
fn what_held_or_is_not_to_be_tried_is_lived_once() {
    let out = tempfile::tempdir().unwrap();
    for (servers, more) in [(20, &[][..]), (5, &["--no-probes"])] {
        let (said, told) = simulated(out.path(), &text(servers), more);
        assert!(told["result"].get("probes").is_none(), "{said}");
        assert!(!said.contains("Tried"), "{said}");
    }
}
