//! What `check` foretells of the dome.

use crate::rehearsal::{program, shipped};

/// How far `value` is from `expected`, as a share of it.
fn off(value: f64, expected: f64) -> f64 {
    (value / expected - 1.0).abs()
}

/// What `check` prints: requests per second at the edge and at the origin. `tests/rehearse` holds what
/// is lived against the same figures.
fn foretold() -> (f64, f64) {
    let output = program().args(["check", "--scale", "1"]).arg(shipped("dome")).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let per_s = |head: &str| -> f64 {
        let line = text.lines().find(|line| line.trim_start().starts_with(head)).unwrap();
        let word = line.split_whitespace().find_map(|word| word.split_once("/s")).unwrap().0;
        word.replace(',', "").parse().unwrap()
    };
    (per_s("edge"), per_s("origin"))
}

#[test]
fn check_foretells_the_dome_at_the_edge_and_at_the_origin() {
    let (edge, origin) = foretold();
    assert!(off(edge, 50_000.0) < 0.02, "{edge}");
    assert!(off(origin, 8_300.0) < 0.02, "{origin}");
}
