//! The edge: a stale page in its grace, and a real nginx, where this machine has it (`./test` sees to it).

use std::path::Path;

use spike::verdict::Judged;

use crate::program::{Desk, Said};
use crate::rehearsal;

fn words<'a>(verb: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![verb, "small.toml", "--set", "shop.edge.by=nginx"];
    // Payments that hold even where a busy machine bunches them.
    for set in ["shop.void_retries=5"].iter().chain(sets) {
        words.extend(["--set", *set]);
    }
    words
}

/// A small sale behind nginx; nothing where that is not installed.
fn run(desk: &Desk, sets: &[&str]) -> Option<Said> {
    if Path::new("/usr/sbin/nginx").exists() {
        return Some(desk.say(&words("run", sets)));
    }
    eprintln!("nginx is not installed: nothing was tested with it");
    None
}

#[test]
fn a_sale_behind_nginx_passes_over_every_wire_and_edge_and_origin_are_counted() {
    let wires: [&[&str]; 3] = [
        &[],
        &["live.tls=full", "live.protocol=h2", "shop.edge.grace=5s"],
        &["live.tls=resumed", "live.connections.pool=20"],
    ];
    for wire in wires {
        let desk = Desk::new();
        let Some(said) = run(&desk, wire) else { return };
        // A machine that is busy with others may make the reading inconclusive.
        assert!(matches!(said.code, Some(0 | 112)), "{wire:?}: {said:#?}");
        let result = &desk.json("reports/latest/summary.json")["result"];
        assert_eq!(result["orders"]["confirmed"], 10, "{wire:?}: {result:#}");
        let count = |tier: &str| result["rates"][tier]["count"].as_u64().unwrap();
        let answered = result["operations"].as_object().unwrap();
        let operations: u64 = answered.values().map(|of| of["count"].as_u64().unwrap()).sum();
        assert!(count("edge") >= operations / 2, "{wire:?}: {result:#}");
        // Every second call of a reload is for a page, of which there is one.
        assert!(count("origin") < count("edge"), "{wire:?}: {result:#}");
    }
}

#[test]
fn what_nginx_cannot_do_is_refused_with_its_cure() {
    let desk = Desk::new();
    for (sets, part, cure) in [
        (&["live.protocol=h2"][..], "over TLS alone", "write `tls = \"full\"`"),
        (&["shop.edge.ttl=500ms"], "counts whole seconds", "write whole seconds"),
    ] {
        let said = desk.say(&words("check", sets));
        assert_eq!(said.code, Some(104), "{said:#?}");
        assert!(said.stderr.contains(part) && said.stderr.contains(cure), "{}", said.stderr);
    }
    let said = desk.say(&words("check", &[]));
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.stdout.contains("the edge is an nginx"), "{}", said.stdout);
}

#[test]
fn grace_spares_everybody_the_wait_for_a_fetch() {
    let lived = |grace: &str| {
        let sets = rehearsal::set(&["fans.0.count=1000", grace]);
        let scenario = rehearsal::scenario(&rehearsal::shipped_text("crowd/layers"), &sets);
        rehearsal::simulate(&scenario).0
    };
    let origin = |judged: &Judged| judged.measured.rates["origin"].count.unwrap_or_default() as f64;
    let slow = |judged: &Judged| judged.measured.operations["reload"].response_ms.unwrap().p95;
    let (without, with) = (lived("shop.edge.grace=0s"), lived("shop.edge.grace=10s"));
    // A page takes 200 ms to fetch: whoever came meanwhile waited for it.
    assert!(slow(&with) + 50.0 < slow(&without), "{} {}", slow(&with), slow(&without));
    assert!((origin(&with) / origin(&without) - 1.0).abs() < 0.1);
}
