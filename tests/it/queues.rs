//! Plain queues as a user holds them against a textbook.

use serde_json::Value;
use spike::evidence::queue::QueueOutcome;

use crate::program::{Desk, Said};
use crate::rehearsal::{scenario, set, shipped_text, simulate};

/// A line that grows, in a file of its own.
const GROWS: &str = r#"
schema = 1
name = "grows"

[[queue]]
name = "busy"
arrivals = { rate = "2/s" }
service = "1s"
customers = 20_000
"#;

const WRONG: &str = r#"
schema = 1
name = "wrong"

[[queue]]
name = "a"
arrivals = { shape = "erlang", rate = "0/s", cv2 = 3 }
service = { shape = "lognormal", mean = "0s" }
servers = 0

[[queue]]
name = "a"
arrivals = { shape = "closed", rate = "3/s" }
service = { shape = "gamma", mean = "1s" }
servers = 4
limit = 1
customers = 3

[[queue]]
arrivals = { rate = "1/h" }
service = "1h"
customers = 1_000_000_000
order = "sharing"
patience = { mean = "2s", sigma = 3 }
"#;

/// Lives a file of its own on a desk: `simulate`, or what else is said.
fn said(desk: &Desk, text: &str, words: &[&str]) -> Said {
    std::fs::write(desk.file("queues.toml"), text).unwrap();
    desk.say(&[words, &["queues.toml"]].concat())
}

fn holds([low, high]: [f64; 2], expected: f64) -> bool {
    // Half of it are two standard errors; four are allowed.
    let half = (high - low) / 2.0;
    (low - half..=high + half).contains(&expected)
}

#[test]
fn the_textbook_holds() {
    let all = scenario(&shipped_text("textbook/queues"), &set(&["queue.0.customers=4000000"]));
    let (judged, _) = simulate(&all);
    assert_eq!(judged.exit_code, 0, "{:?}", judged.reasons);
    let queue = |name: &str| -> &QueueOutcome { &judged.measured.queues[name] };
    let share_of_e = (-1.0_f64).exp();
    for (name, found, expected) in [
        ("wait", queue("m-m-1").wait_s.ci95, 9.0),
        ("there", queue("m-m-1").in_system.ci95, 9.0),
        ("Erlang C", queue("m-m-16").wait_s.ci95, 0.369_59),
        ("Erlang B", queue("erlang-b").blocked.ci95, 0.01),
        ("Pollaczek and Khinchine", queue("m-d-1").wait_s.ci95, 2.0),
        ("repairs", queue("repairman").per_s.ci95, 0.785_418),
        ("sharing", queue("sharing").in_system_s.ci95, 5.0),
        ("impatient", queue("impatient").abandoned.ci95, share_of_e),
    ] {
        assert!(holds(found, expected), "{name}: {expected} is not in {found:?}");
    }
}

#[test]
fn a_line_that_grows_is_inconclusive() {
    let desk = Desk::new();
    let lived = said(&desk, GROWS, &["simulate", "--json"]);
    assert_eq!(lived.code, Some(112), "{lived:#?}");
    let why = "the queue busy is in no steady state: 2 servers are asked for and there are 1, so the line grows";
    assert!(lived.last_line().to_lowercase().ends_with(why), "{}", lived.last_line());
    let summary: Value = serde_json::from_str(&lived.stdout).unwrap();
    let statuses = summary["result"]["findings"].as_array().unwrap().iter();
    assert!(statuses.map(|finding| &finding["status"]).all(|status| status == "not_applicable"));
    // Judged again out of its folder, it is the same.
    let again = desk.say(&["verify", "reports/latest", "--json"]);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["result"], summary["result"]);
}

#[test]
fn all_that_is_wrong_with_queues_is_told_at_once() {
    let refused = said(&Desk::new(), WRONG, &["simulate"]);
    assert_eq!(refused.code, Some(104), "{refused:#?}");
    insta::assert_snapshot!(refused.stderr);
}

#[test]
fn a_live_run_takes_no_queue() {
    let refused = said(&Desk::new(), GROWS, &["run"]);
    assert_eq!(refused.code, Some(104), "{refused:#?}");
    assert!(
        refused.stderr.contains("a plain queue is lived in virtual time alone"),
        "{refused:#?}"
    );
}

#[test]
fn a_report_of_queues_shows_queues_and_no_sale() {
    let desk = Desk::new();
    let text = GROWS.replace("2/s", "0.5/s");
    let lived = said(&desk, &text, &["simulate", "--no-tui"]);
    assert_eq!(lived.code, Some(0), "{lived:#?}");
    let head = lived.stdout.split("took ").next().unwrap().to_owned();
    let figures = lived.stdout.split_once("\n\n").unwrap().1.split_once("\n\n").unwrap().1;
    insta::assert_snapshot!(format!("{head}…\n\n{figures}"));
    let page = std::fs::read_to_string(desk.file("reports/latest/report.html")).unwrap();
    assert!(page.contains("Plain queues") && !page.contains("What was sold"));
}
