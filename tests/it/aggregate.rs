//! People who wait for an opening counted instead of told apart: the same figures, in fewer events.

use spike::measure::Measured;
use spike::scenario::overrides::Overrides;
use spike::verdict::Judged;

use crate::problems::refused_alone;
use crate::rehearsal::{live_virtually, scenario, simulate};

const REPLICATIONS: usize = 12;

/// 6,000 people look at a page of ten parts for half a minute, and then at a sale of 300 pieces.
fn sale(fans: &str, stack: &str) -> String {
    format!(
        "schema = 1\nname = \"counted\"\nseed = 1\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+30s\"\nlasts = \"20s\"\nlimit_per_fan = 1\n\
         items = [{{ id = \"tee\", stock = 300, price = 4_500 }}]\n\
         slots = [{{ id = \"noon\", capacity = 200 }}, {{ id = \"one\", capacity = 200 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 6_000\n\
         arrive = {{ shape = \"poisson\", from = \"-30s\", over = \"40s\" }}\n\
         reload = {{ gap = {{ median = \"5s\", sigma = 0.6 }}, growth = 0.1, calls = 11, cacheable = 10 }}\n\
         patience = {{ median = \"15s\", sigma = 0.5 }}\nthink = {{ median = \"1s\", sigma = 0.5 }}\n\
         abandon = 0.4\nsold_out = {{ leave = 0.7, every = \"3s\" }}\n{fans}\n\
         [shop]\nstorage = \"memory\"\ninventory = \"unit-rows\"\nsaga = \"authorize-first\"\n\
         edge = {{ ttl = \"1s\", collapse = true }}\nadmission = {{ orders_per_second = 40 }}\n\
         [provider]\nprofile = \"stripe-2024\"\nlimits = [{{ rate = 100, burst = 100 }}]\n\
         [stack]\nnetwork = {{ median = \"20ms\", sigma = 0.3 }}\n\
         [stack.application]\nservers = 100\nqueue = 1_000\nservice = {{ median = \"25ms\", sigma = 0.5 }}\n\
         {stack}\n"
    )
}

fn lived(fidelity: &str) -> Vec<Judged> {
    let text = sale(&format!("fidelity = \"{fidelity}\""), "");
    let under = |seed| Overrides { seed: Some(seed), ..Overrides::default() };
    (1..=REPLICATIONS as u64).map(|seed| simulate(&scenario(&text, &under(seed))).0).collect()
}

/// Mean and squared standard error.
fn told(figures: &[f64]) -> (f64, f64) {
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
    (mean, squares / (count - 1.0) / count)
}

#[test]
fn who_is_counted_buys_and_asks_as_who_is_told_apart() {
    let (apart, counted) = (lived("event"), lived("aggregate"));
    let compare = |what: &str, bound: f64, figure: &dyn Fn(&Measured) -> f64| {
        let of = |lived: &[Judged]| -> Vec<f64> {
            lived.iter().map(|judged| figure(&judged.measured)).collect()
        };
        let ((apart, apart_squared), (counted, counted_squared)) =
            (told(&of(&apart)), told(&of(&counted)));
        let errors = (apart_squared + counted_squared).sqrt();
        let off = (counted - apart).abs();
        assert!(
            off <= bound * apart || off <= 2.0 * errors,
            "{what}: {counted} counted, {apart} ± {errors} told apart"
        );
    };
    let count =
        |name: &'static str| move |measured: &Measured| measured.operations[name].count as f64;
    compare("reloads", 0.01, &count("reload"));
    compare("calls", 0.01, &count("reload.call"));
    compare("checkouts", 0.01, &count("checkout"));
    compare("requests at the edge", 0.01, &|measured| {
        measured.rates["edge"].count.unwrap_or_default() as f64
    });
    compare("requests at the origin", 0.01, &|measured| {
        measured.rates["origin"].count.unwrap_or_default() as f64
    });
    compare("orders", 0.01, &|measured| measured.orders.confirmed as f64);
    compare("authorized", 0.01, &|measured| measured.payments.authorized as f64);
    let call = |measured: &Measured| measured.operations["reload.call"].response_ms.unwrap();
    compare("p50 of a call", 0.01, &|measured| call(measured).p50);
    compare("p99 of a call", 0.03, &|measured| call(measured).p99);
    compare("p99 of a look in the sale", 0.03, &|measured| {
        measured.operations["reload"].response_ms.unwrap().p99
    });
    let arrived: Vec<u64> = counted.iter().map(|judged| judged.measured.fans.arrived).collect();
    assert_eq!(arrived, [6_000; REPLICATIONS]);
    let gone = |judged: &Judged| judged.measured.fans.departed.values().sum::<u64>();
    assert!(counted.iter().all(|judged| gone(judged) == 6_000));
    assert!(counted.iter().all(|judged| judged.measured.aggregated["fans"].looks > 10_000));
    assert!(apart.iter().all(|judged| judged.measured.aggregated.is_empty()));
}

/// How many departed so, in the mean of some runs of a sale with enough for everybody.
fn departed(departure: &str, fidelity: &str, fans: &str, stack: &str) -> f64 {
    let text = sale(&format!("{fans}\nfidelity = \"{fidelity}\""), stack)
        .replace("count = 6_000", "count = 2_000")
        .replace("stock = 300", "stock = 4_000")
        .replace("capacity = 200", "capacity = 4_000")
        .replace("patience = { median = \"15s\"", "patience = { median = \"6s\"");
    let under = |seed| Overrides { seed: Some(seed), ..Overrides::default() };
    let runs = (1..=6).map(|seed| simulate(&scenario(&text, &under(seed))).0);
    let counts: Vec<f64> = runs
        .map(|judged| judged.measured.fans.departed.get(departure).copied().unwrap_or(0) as f64)
        .collect();
    told(&counts).0
}

#[test]
fn patience_is_lost_once_where_who_waits_is_counted() {
    let [apart, counted] = ["event", "aggregate"].map(|of| departed("reneged", of, "", ""));
    assert!(apart > 100.0 && (counted / apart - 1.0).abs() < 0.08, "{counted} {apart}");
}

#[test]
fn who_is_refused_before_the_opening_gives_up_as_often_where_he_is_counted() {
    let outage = "[[stack.application.outages]]\nat = \"-25s\"\nlasts = \"20s\"\nshare = 0.5";
    let fans = "retry = { give_up = 0.1 }";
    let [apart, counted] = ["event", "aggregate"].map(|of| departed("gave_up", of, fans, outage));
    assert!(apart > 100.0 && (counted / apart - 1.0).abs() < 0.1, "{counted} {apart}");
}

#[test]
fn counted_people_who_wait_longer_than_anybody_would_make_a_run_inconclusive() {
    let text = sale("fidelity = \"aggregate\"\ntimeout = \"3s\"", "")
        .replace("servers = 100", "servers = 1");
    let judged = simulate(&scenario(&text, &Overrides::default())).0;
    assert!(judged.measured.aggregated["fans"].beyond_timeout > 0);
    let says = |why: &String| why.contains("took longer than the timeout");
    assert!(judged.reasons.iter().any(says), "{:?}", judged.reasons);
}

#[test]
fn the_same_seed_gives_the_same_counted_crowd() {
    let text = sale("fidelity = \"aggregate\"", "");
    let files = [(), ()].map(|()| {
        let out = tempfile::tempdir().unwrap();
        let scenario = scenario(&text, &Overrides::default());
        let (run, lived) = live_virtually(&scenario, out.path());
        let read = |name: &str| std::fs::read(run.path().join(name)).unwrap();
        let names = ["latency.hlog", "timeline.jsonl", "purchases.jsonl", "ledger-shop.jsonl"];
        (names.map(read), lived.events)
    });
    assert!(files[0] == files[1]);
    let apart = simulate(&scenario(&sale("", ""), &Overrides::default())).1;
    assert!(files[0].1 < apart.events, "{} {}", files[0].1, apart.events);
}

#[test]
fn who_cannot_be_counted_is_refused_with_the_reason() {
    let edge = "[stack.edge]\nservers = 100\nservice = \"1ms\"";
    insta::assert_snapshot!(refused_alone(
        "counted.toml",
        [
            sale("fidelity = \"aggregate\"", edge),
            sale("fidelity = \"aggregate\"\nlogin = 0.5", ""),
            sale("fidelity = \"sum\"", ""),
            sale("fidelity = \"aggregate\"", "").replace("cacheable = 10", "cacheable = 0"),
            sale("fidelity = \"aggregate\"", "").replace("collapse = true", "collapse = false"),
        ]
    ));
}
