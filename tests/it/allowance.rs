//! What the provider's limits allow, told before anything runs: every scope and algorithm, and what
//! a schedule makes of it.

use spike::evidence::Admitted;
use spike::scenario::offer;
use spike::scenario::{Context, Scenario, file};
use spike::verdict::World;

use crate::rehearsal::{program, scenario, set, shipped, shipped_text};

/// A sale from second 10 to second 110, calls of 0.5 s, and the provider's limits that are given.
fn behind(limits: &str) -> Scenario {
    let text = format!(
        r#"
schema = 1
name = "allowance"

[[sale]]
id = "day-1"
opens = "+10s"
lasts = "100s"
items = [{{ id = "tour-tee", stock = 5_000, price = 4_500 }}]

[[fans]]
name = "buyers"
count = 5_000
arrive = {{ shape = "constant", over = "10s" }}
reload = {{ calls = 0 }}

[provider]
profile = "shared-30"
latency = {{ authorize = "500ms", capture = "250ms", other = "100ms" }}
{limits}
"#
    );
    scenario(&text, &set(&[]))
}

/// Calls and orders per second that `limits` allow.
fn allowed(limits: &str) -> (Option<f64>, Option<f64>) {
    let payment = offer::payment(&behind(limits));
    (payment.calls_per_s, payment.orders_per_s)
}

#[test]
fn each_scope_is_shared_by_the_calls_that_it_names() {
    let limit = |more: &str| format!("limits = [{{ rate = 30, {more} }}]");
    // Both calls of an order share one allowance, or have one each.
    assert_eq!(allowed(&limit("scope = \"global\"")), (Some(30.0), Some(15.0)));
    assert_eq!(allowed(&limit("scope = \"key\"")), (Some(30.0), Some(15.0)));
    assert_eq!(allowed(&limit("scope = \"endpoint\"")), (Some(30.0), Some(30.0)));
    let zone = |operations: &str| limit(&format!("scope = \"zone\", operations = {operations}"));
    assert_eq!(allowed(&zone("[\"authorize\", \"capture\"]")), (Some(30.0), Some(15.0)));
    assert_eq!(allowed(&zone("[\"authorize\", \"list\"]")), (Some(30.0), Some(30.0)));
    // What an order never asks for, and what each payment has for itself, bounds no order.
    assert_eq!(allowed(&zone("[\"list\"]")), (None, None));
    assert_eq!(allowed(&limit("scope = \"object\"")), (None, None));
    assert_eq!(allowed("limits = []"), (None, None));
}

#[test]
fn each_algorithm_allows_what_it_admits_in_the_long_run() {
    for algorithm in
        ["token-bucket", "gcra", "leaky-queue", "fixed-window", "sliding-log", "sliding-counter"]
    {
        let limits = format!("limits = [{{ rate = 30, algorithm = {algorithm:?} }}]");
        assert_eq!(allowed(&limits), (Some(30.0), Some(15.0)), "{algorithm}");
    }
    // An order is in flight for 0.5 s and for 0.25 s: 12 places are 16 orders, or 32 calls.
    let cap = "limits = [{ algorithm = \"concurrency\", calls = 12 }]";
    assert_eq!(allowed(cap), (Some(32.0), Some(16.0)));
    // Each endpoint has 12 places of its own: authorizations fill theirs first.
    let caps = "limits = [{ algorithm = \"concurrency\", calls = 12, scope = \"endpoint\" }]";
    assert_eq!(allowed(caps), (Some(24.0), Some(24.0)));
    let others = r#"limits = [
        { algorithm = "object-lock", scope = "object", wait = "1s" },
        { algorithm = "penalty-box", scope = "key", refusals = 5, window = "1s", ban = "10s" },
    ]"#;
    assert_eq!(allowed(others), (None, None));
    // The tightest counts.
    let both = "limits = [{ rate = 100 }, { rate = 20, scope = \"endpoint\" }]";
    assert_eq!(allowed(both), (Some(20.0), Some(20.0)));
}

#[test]
fn looking_where_challenged_payments_stand_takes_its_share() {
    // Half of the cards are challenged, for 5 s: two looks each, so 3 calls in the mean.
    let challenged = "limits = [{ rate = 30 }]\nchallenges = { share = 0.5, takes = \"5s\" }";
    assert_eq!(allowed(challenged), (Some(30.0), Some(10.0)));
}

#[test]
fn a_schedule_is_told_and_bounds_what_can_be_sold_in_the_mean() {
    let scenario = behind(
        r#"limits = [{ name = "account", rate = 30 }]
[[provider.schedule]]
at = "+5s"
limit = "account"
rate = 20
[[provider.schedule]]
at = "+60s"
limit = 0
rate = 100
"#,
    );
    let payment = offer::payment(&scenario);
    // At the opening the first change has happened; then 50 s at 10/s and 50 s at 50/s.
    assert_eq!((payment.calls_per_s, payment.orders_per_s), (Some(20.0), Some(10.0)));
    assert_eq!(payment.orders_mean_per_s, Some(30.0));
    let Admitted::ByProvider { orders_per_s } = offer::facts(&scenario).admitted else { panic!() };
    assert_eq!(orders_per_s, 30.0);
    assert_eq!(offer::sellable(&scenario)[0].sellable, 3_000);
    let remarks = offer::offer(&scenario, &scenario).remarks;
    let told = "the provider's schedule: 50 orders/s instead of 10 from 60 s";
    assert!(remarks.iter().any(|remark| remark.starts_with(told)), "{remarks:?}");
}

/// An instant of the schedule is placed in the run as the opening is, in both worlds.
#[test]
fn a_schedule_may_be_written_in_instants() {
    let text = shipped_text("payment-raised")
        .replace("\"+5s\"", "\"2026-12-24T12:00:00+09:00\"")
        .replace("\"+85s\"", "\"2026-12-24T12:01:20+09:00\"");
    let loaded = file::parse("x.toml", &text, &set(&[]), &Context::VIRTUAL).unwrap();
    let opens_utc_ns = 1_798_081_200_000_000_000;
    let lived = loaded.began_at(opens_utc_ns - 30_000_000_000);
    for (world, opens_s) in [(World::Live, 30.0), (World::Simulated, 60.0)] {
        let scenario = lived.at_scale(Some(1.0), world);
        assert_eq!(scenario.catalogue.sales[0].opens.seconds(), opens_s, "{world:?}");
        let at = scenario.provider.schedule[0].at.time().unwrap();
        assert_eq!(at.seconds(), opens_s + 80.0, "{world:?}");
    }
}

#[test]
fn check_says_what_the_raised_limit_allows() {
    let output = program().args(["check"]).arg(shipped("payment-raised")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("30 calls/s allowed, 15 orders/s"), "{text}");
    assert!(text.contains("50 orders/s instead of 15 from 85 s"), "{text}");
}
