//! Stripe's official SDKs, unchanged but for the base URL, against the program.
//!
//! What they do with it is in `tests/sdk/python` and `tests/sdk/node`: a folder for each kind of
//! provider, whose settings are in `tests/sdk/settings`. `tools/install-sdks` installs the SDKs.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod child;

use std::process::{Command, Output};

use child::{CURE, Program, installed, suites};

/// A provider with the settings of that kind.
fn provider(kind: &str) -> Program {
    let settings = suites().join("settings").join(kind).with_extension("json");
    let mut provider = Command::new(env!("CARGO_BIN_EXE_mock-provider"));
    Program::begin(provider.args(["--until-stdin-closes", "--settings"]).arg(settings))
}

/// The tests of a suite passed, and there was at least one.
fn assert_passed(output: &Output, none: &str) {
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{}\n{text}", output.status);
    assert!(!text.contains(none), "nothing was tested:\n{text}");
}

/// Runs a folder of the Python suite, with the SDK of that environment, against a provider of that
/// kind.
fn python(environment: &str, folder: &str, kind: &str) {
    let interpreter = installed(environment).join("bin/python");
    let provider = provider(kind);
    let output = Command::new(interpreter)
        .args(["-B", "-m", "unittest", "discover", "--start-directory", folder])
        .current_dir(suites().join("python"))
        .env("PYTHONPATH", suites().join("python"))
        .env("STRIPE_API_BASE", &provider.url)
        .output()
        .unwrap();
    assert_passed(&output, "Ran 0 tests");
}

/// Runs a folder of the Node suite against a provider of that kind.
fn node(folder: &str, kind: &str) {
    let modules = installed("node/node_modules/stripe").join("..");
    let provider = provider(kind);
    let files = suites().join("node").join(folder).read_dir().unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .args(&files)
        .env("NODE_PATH", modules)
        .env("STRIPE_API_BASE", &provider.url)
        .output()
        .unwrap_or_else(|error| panic!("failed to start node: {error}\n{CURE}"));
    assert_passed(&output, "tests 0");
}

#[test]
fn the_sdk_for_python_buys_captures_refunds_and_reads() {
    python("python", "quick", "quick");
}

#[test]
fn the_sdk_for_node_buys_captures_refunds_and_reads() {
    node("quick", "quick");
}

#[test]
fn the_older_style_of_the_sdk_for_python_works_with_a_new_and_an_old_version() {
    python("python", "classic", "quick");
    python("python-5", "classic", "quick");
}

#[test]
fn an_old_version_of_the_sdk_for_node_works() {
    node("classic", "quick");
}

#[test]
fn the_sdks_hear_that_a_key_is_in_flight() {
    python("python", "slow", "slow");
    node("slow", "slow");
}

#[test]
fn the_sdks_hear_of_a_rate_limit_and_do_not_try_again() {
    python("python", "limited", "limited");
    node("limited", "limited");
}

#[test]
fn the_sdks_hear_of_a_lock_and_try_again() {
    python("python", "locked", "locked");
    node("locked", "locked");
}

#[test]
fn the_sdks_hear_the_same_500_under_the_same_key() {
    python("python", "faulty", "faulty");
    node("faulty", "faulty");
}

#[test]
fn the_sdks_verify_webhooks_and_receive_them_again() {
    python("python", "webhooks", "webhooks");
    node("webhooks", "webhooks");
}
