//! The example of a shop that nobody here serves: another language, its own database, its own words.
//! Each of its faults is found by the invariant that it breaks; without one it passes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program::{Desk, Said, Server, spike};

/// The example shop, until it is dropped.
struct TinyShop {
    child: Child,
    url: String,
}

impl TinyShop {
    /// Its database lies at the desk.
    fn open(desk: &Desk, provider: &str, bug: Option<&str>) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tiny-shop/shop.py");
        let mut command = Command::new("python3");
        command.arg(program).current_dir(desk.path());
        command.args(["--listen", "127.0.0.1:0", "--provider", provider]);
        command.args(bug.map(|bug| ["--bug", bug]).into_iter().flatten());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 is installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("it says where").to_owned();
        Self { child, url }
    }
}

impl Drop for TinyShop {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs the example's scenario against its shop with that fault, and a provider as it says.
fn rehearsed(bug: Option<&str>, provider: &[&str]) -> (Desk, Said) {
    let desk = Desk::new();
    let scenario = include_str!("../../examples/tiny-shop/scenario.toml");
    desk.write("tiny-shop.toml", scenario);
    let provider = Server::start(
        spike().args(["provider", "--profile", "stripe-2024", "--listen", "127.0.0.1:0"]).args(provider),
    );
    let shop = TinyShop::open(&desk, &provider.url, bug);
    let settings = [
        format!("target.url={}", shop.url),
        format!("ledger.provider.mock={}", provider.url),
        "fans.0.count=150".to_owned(),
        "sale.0.lasts=20s".to_owned(),
    ];
    let mut words = vec!["run", "tiny-shop.toml", "--quiet"];
    for setting in &settings {
        words.extend(["--set", setting]);
    }
    let said = desk.say(&words);
    (desk, said)
}

/// The ids of the invariants that were violated.
fn violated(desk: &Desk) -> Vec<String> {
    let summary = desk.json("reports/latest/summary.json");
    let findings = summary["result"]["findings"].as_array().unwrap();
    let violated = findings.iter().filter(|finding| finding["status"] == "violated");
    violated.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn without_a_fault_it_passes() {
    let (desk, said) = rehearsed(None, &[]);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stderr, desk.read("reports/latest/summary.json"));
    let summary = desk.json("reports/latest/summary.json");
    assert_eq!(summary["result"]["sales"]["noon"]["items"]["tour-tee"]["sold"], 40);
    assert_eq!(summary["result"]["sales"]["noon"]["items"]["towel"]["sold"], 25);
}

#[test]
fn who_sells_the_same_piece_twice_is_found_out_by_the_shops_own_database() {
    let (desk, said) = rehearsed(Some("oversell"), &[]);
    assert_eq!(said.code, Some(111), "{}", said.stderr);
    assert!(violated(&desk).contains(&"INV-OVERSELL".to_owned()), "{:?}", violated(&desk));
}
