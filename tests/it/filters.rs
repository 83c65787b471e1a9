//! The rehearsal takes what `cargo test` hands to every test program.

#[path = "../rehearse/arguments.rs"]
mod arguments;

use arguments::{Split, split};

fn of(words: &str) -> Split {
    split(words.split_whitespace().map(str::to_owned))
}

#[test]
fn as_many_filters_as_come_each_chooses() {
    let asked = of("payment layers --test-threads 1");
    assert_eq!(asked.flags, ["--test-threads", "1"]);
    assert!(asked.means("02 payment-collapse") && asked.means("10 layers"));
    assert!(!asked.means("06 stock-naive"));
    assert!(of("--list").means("06 stock-naive"), "no filter is every row");
}

#[test]
fn a_value_is_no_filter_and_what_follows_two_dashes_is_one() {
    let asked = of("--skip payment --format=terse -q --color never -- --exact");
    assert_eq!(asked.flags, ["--skip", "payment", "--format=terse", "-q", "--color", "never"]);
    assert_eq!(asked.filters, ["--exact"]);
}

#[test]
fn an_exact_filter_is_the_whole_name() {
    let asked = of("--exact layers");
    assert!(asked.means("layers") && !asked.means("10 layers"));
}

#[test]
fn flags_of_the_standard_harness_that_change_nothing_are_taken() {
    let asked =
        of("--no-capture -Z unstable-options --shuffle-seed 7 --shuffle --report-time --nocapture");
    assert_eq!(asked, Split { filters: Vec::new(), flags: vec!["--nocapture".to_owned()] });
}
