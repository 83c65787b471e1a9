//! The shop as a program, with its edge in processes of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;
use std::io::Read as _;
use std::process::Command;

use program::Shop;
use rustix::process::{Pid, Signal, kill_process};

/// The processes of a shop's edge.
fn nodes(shop: &Shop) -> Vec<Pid> {
    let id = shop.child.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
    pids.map(|pid| Pid::from_raw(pid).unwrap()).collect()
}

fn runs(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    // One that has ended may still wait for somebody to hear of it.
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn two_processes_hold_the_edge_and_a_lost_one_ends_the_shop() {
    let mut shop = Shop::start(&["--edge-processes", "2"]);
    for _ in 0..20 {
        assert!(shop.get("/sales/0/page/0").starts_with("HTTP/1.1 200 "));
        assert!(shop.get("/sales/0/status").ends_with(r#""items":7,"slots":7}"#));
    }
    assert_eq!(shop.snapshot().edge, 40);
    let [first, second] = nodes(&shop)[..] else { panic!("there are not two nodes") };
    // To wait for a child closes its standard input, at whose end it would end in peace.
    let _stdin = shop.child.stdin.take();
    kill_process(first, Signal::KILL).unwrap();
    assert!(!shop.child.wait().unwrap().success());
    let mut said = String::new();
    shop.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "error: failed to keep the edge: one of its processes ended\n");
    assert!(!runs(second));
}

#[test]
fn no_process_outlives_the_shop() {
    let mut shop = Shop::start(&["--edge-processes", "2"]);
    let nodes = nodes(&shop);
    assert_eq!(nodes.len(), 2);
    // It is not asked to end, so nobody but the nodes themselves can see to their end.
    shop.child.kill().unwrap();
    shop.child.wait().unwrap();
    while nodes.iter().any(|node| runs(*node)) {
        std::thread::yield_now();
    }
}

#[test]
fn the_certificate_is_there_when_the_shop_says_where_it_listens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edge.pem");
    let shop = Shop::start(&["--tls-certificate", path.to_str().unwrap()]);
    assert!(shop.url.starts_with("https://127.0.0.1:"));
    let certificate = fs::read_to_string(path).unwrap();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(certificate.ends_with("-----END CERTIFICATE-----\n"));
}

#[test]
fn a_port_that_is_taken_is_shared_by_no_mistake() {
    let first = Shop::start(&["--edge-processes", "1"]);
    let address = first.url.strip_prefix("http://").unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_reference-shop"))
        .args(["--provider", "http://127.0.0.1:1", "--edge-processes", "1", "--listen", address])
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("the port is in use\nhint: "), "{said}");
}
