//! The simulated world against an independent simulator: `SimPy` (4.1.2) lives two models of the same parameters, and
//! both agree by 4 standard errors of the difference, and by 2 % where there is enough of it to tell.
//! `tools/install-simpy` installs it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use spike::measure::{OperationSummary, Percentiles};
use spike::scenario::overrides::Overrides;
use spike::verdict::Judged;

use crate::rehearsal::{count, scenario, simulate};

/// What a model of `tests/simpy` printed of each replication.
fn by_simpy(model: &str, given: &Value) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/simpy/bin/python");
    assert!(python.exists(), "there is no {}: tools/install-simpy installs it", python.display());
    let model = root.join("tests/simpy").join(model).with_extension("py");
    let output = Command::new(python).arg("-B").arg(model).arg(given.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A scenario lived under as many seeds.
fn by_spike(text: &str, replications: u64) -> Vec<Judged> {
    let under = |seed| Overrides { seed: Some(seed), ..Overrides::default() };
    (1..=replications).map(|seed| simulate(&scenario(text, &under(seed))).0).collect()
}

/// Mean and squared standard error.
fn told(figures: &[f64]) -> (f64, f64) {
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
    (mean, squares / (count - 1.0) / count)
}

/// Both say the same of a figure, within 4 standard errors of what lies between them and a share of it.
#[track_caller]
fn agree(what: &str, here: &[f64], there: &[f64], share: f64) {
    let ((here, here_squared), (there, there_squared)) = (told(here), told(there));
    let four_errors = 4.0 * (here_squared + there_squared).sqrt();
    let apart = (here - there).abs();
    assert!(apart <= four_errors, "{what}: {here}, by SimPy {there} ± {four_errors}");
    assert!(apart <= share * there, "{what}: {here}, by SimPy {there}");
}

/// Of what there is much.
const MUCH: f64 = 0.02;
/// Of what there is little, so that chance moves it more.
const LITTLE: f64 = 0.1;

/// A figure of each replication of a model.
fn figures(replications: &[Value], name: &str) -> Vec<f64> {
    replications.iter().map(|one| one[name].as_f64().unwrap()).collect()
}

const REPLICATIONS: u64 = 8;

/// 8,000 people come within four seconds to ten servers of 400 requests a second, before which so many may wait;
/// who has no answer within two seconds, or is refused, asks again after a back-off, three times at most.
fn impatient(queue: u32) -> (Vec<OperationSummary>, Vec<Value>) {
    let given = json!({
        "replications": REPLICATIONS, "people": 8_000, "over_s": 4.0, "network_s": 0.04,
        "servers": 10, "queue": queue, "service_s": 0.025, "timeout_s": 2.0,
        "attempts": 3, "base_s": 0.5, "factor": 2.0, "cap_s": 20.0,
    });
    // Who comes first buys the only piece; all others look at what is sold out.
    let text = format!(
        "schema = 1\nname = \"impatient\"\nseed = 1\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"5m\"\n\
         items = [{{ id = \"tee\", stock = 1, price = 4_500 }}]\n\
         [[fans]]\nname = \"first\"\ncount = 1\narrive = {{ shape = \"at-once\" }}\n\
         reload = {{ calls = 0 }}\nthink = \"0s\"\nabandon = 0.0\n\
         [[fans]]\nname = \"fans\"\ncount = 8_000\n\
         arrive = {{ shape = \"poisson\", from = \"10s\", over = \"4s\" }}\n\
         reload = {{ calls = 0 }}\nthink = \"0s\"\nabandon = 0.0\nsold_out = {{ leave = 1 }}\n\
         timeout = \"2s\"\n\
         retry = {{ attempts = 3, base = \"500ms\", factor = 2, cap = \"20s\", jitter = 1, give_up = 0 }}\n\
         [shop]\nstorage = \"memory\"\n\
         [provider]\nprofile = \"stripe-2024\"\ndeclines = 0.0\nlimits = []\n\
         [stack]\nnetwork = \"40ms\"\n\
         [stack.application]\nservers = 10\nqueue = {queue}\nservice = {{ mean = \"25ms\" }}\n"
    );
    let lived = by_spike(&text, REPLICATIONS);
    let items = lived.iter().map(|judged| judged.measured.operations["item"].clone()).collect();
    (items, by_simpy("impatient_retries", &given))
}

/// How many had that outcome.
fn outcomes(items: &[OperationSummary], outcome: &str) -> Vec<f64> {
    let counts = items.iter().map(|item| item.outcomes.get(outcome).copied());
    counts.map(|count| count.unwrap_or(0) as f64).collect()
}

#[test]
fn people_who_are_refused_and_ask_again_wait_as_long_as_those_of_simpy() {
    // The line is full before anybody's two seconds are over.
    let (here, there) = impatient(700);
    agree("answered", &outcomes(&here, "sold_out"), &figures(&there, "answered"), MUCH);
    agree("refused", &outcomes(&here, "error"), &figures(&there, "refused"), MUCH);
    let times = |of: fn(&Percentiles) -> f64| -> Vec<f64> {
        here.iter().map(|item| of(&item.response_ms.unwrap()) / 1e3).collect()
    };
    agree("median wait", &times(|times| times.p50), &figures(&there, "p50_s"), MUCH);
    agree("90th percentile", &times(|times| times.p90), &figures(&there, "p90_s"), MUCH);
}

#[test]
fn people_whom_nobody_answers_in_time_are_as_many_as_those_of_simpy() {
    // A longer line is served for people who have left it.
    let (here, there) = impatient(900);
    agree("refused", &outcomes(&here, "error"), &figures(&there, "refused"), MUCH);
    agree("timed out", &outcomes(&here, "unknown"), &figures(&there, "timed_out"), MUCH);
    agree("answered", &outcomes(&here, "sold_out"), &figures(&there, "answered"), LITTLE);
}

#[test]
fn orders_under_one_shared_limit_are_those_of_simpy() {
    const REPLICATIONS: u64 = 60;
    let given = json!({
        "replications": REPLICATIONS, "orders": 3_000, "over_s": 250.0, "rate": 8.0, "burst": 8.0,
        "median_s": 0.7, "sigma": 0.62, "refusal_s": 0.01,
    });
    let text = "schema = 1\nname = \"shared\"\nseed = 1\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"5m\"\n\
         items = [{ id = \"tee\", stock = 100_000, price = 4_500 }]\n\
         [[fans]]\nname = \"buyers\"\ncount = 3_000\n\
         arrive = { shape = \"poisson\", from = \"0s\", over = \"250s\" }\n\
         reload = { calls = 0 }\nthink = \"0s\"\nabandon = 0.0\npieces = [1]\n\
         retry = { attempts = 0 }\nother_card = 0.0\n\
         [shop]\nstorage = \"memory\"\ninventory = \"unit-rows\"\nsaga = \"authorize-first\"\n\
         [provider]\nprofile = \"stripe-2024\"\ndeclines = 0.0\n\
         latency = { authorize = { median = \"700ms\", sigma = 0.62 }, capture = \"50ms\", \
         void = \"50ms\", refusal = \"10ms\" }\n\
         limits = [{ rate = 8, burst = 8 }]\n";
    let (here, there) = (by_spike(text, REPLICATIONS), by_simpy("shared_bucket", &given));
    let of = |figure: fn(&Judged) -> u64| -> Vec<f64> {
        here.iter().map(|judged| figure(judged) as f64).collect()
    };
    let authorized = of(|one| one.measured.payments.authorized);
    agree("authorized", &authorized, &figures(&there, "authorized"), MUCH);
    let captured = of(|one| one.measured.payments.captured);
    agree("captured", &captured, &figures(&there, "captured"), MUCH);
    let voided = of(|one| one.measured.payments.voided);
    agree("voided", &voided, &figures(&there, "voided"), LITTLE);
    let refused = of(|one| one.measured.payments.refused);
    agree("refused", &refused, &figures(&there, "refused"), MUCH);
    let orphaned = of(|one| count(one, "INV-ORPHAN-AUTH"));
    agree("orphaned", &orphaned, &figures(&there, "orphaned"), MUCH);
}
