use domain::law::Law;
use domain::time::{Duration, Span};

use super::*;

fn written(text: &str) -> Overrides {
    toml::from_str(text).unwrap()
}

fn limit(algorithm: Algorithm, rate: f64, burst: Option<f64>) -> Limit {
    Limit { algorithm, rate: Some(rate), burst, ..Limit::default() }
}

#[test]
fn what_is_left_out_comes_from_the_profile() {
    let text = "latency.capture = \"20ms\"\nfaults.commit_then_timeout = 0.001\n\
                holds.jpy = \"1d\"\nkeys.length = 40\nchallenges.share = 0.3\n\
                decline_mix = { lost_card = 1 }";
    let base = written("").resolve(7).unwrap();
    let capture = Law::Constant(Duration::from_millis(20));
    let expected = Settings {
        latency: Latency { capture, ..base.latency },
        faults: Faults { commit_then_timeout: 0.001, ..base.faults },
        holds: Holds { jpy: "1d".parse().unwrap(), ..base.holds },
        keys: Keys { length: 40, ..base.keys },
        challenges: Challenges { share: 0.3, ..base.challenges },
        decline_mix: BTreeMap::from([(DeclineReason::LostCard, 1.0)]),
        ..base
    };
    assert_eq!(written(text).resolve(7).unwrap(), expected);
    assert_eq!((expected.seed, expected.profile.as_str()), (7, "stripe-2024"));
}

#[test]
fn a_list_of_limits_replaces_the_profiles_whole() {
    let settings = written("profile = \"stripe-2026\"\n[[limits]]\nrate = 30").resolve(7);
    let expected = vec![limit(Algorithm::TokenBucket, 30.0, None)];
    assert_eq!(settings.unwrap().limits, expected);
    assert_eq!(written("limits = []").resolve(7).unwrap().limits, []);
}

#[test]
fn a_key_that_does_not_exist_is_an_error() {
    for text in ["decline = 0.1", "[[limits]]\nrate = 1\nper = \"s\"", "latency.refunds = \"1s\""] {
        let message = toml::from_str::<Overrides>(text).unwrap_err().to_string();
        assert!(message.contains("unknown field"), "{message}");
    }
}

#[test]
fn settings_survive_being_written_for_a_child_process() {
    let settings = written("profile = \"shared-window\"").resolve(u64::MAX).unwrap();
    let text = serde_json::to_string(&settings).unwrap();
    let read: Settings = serde_json::from_str(&text).unwrap();
    assert_eq!(read, settings);
}

#[test]
fn scaling_multiplies_rate_and_burst_and_never_to_nothing() {
    let base = written("").resolve(7).unwrap();
    let limits = vec![
        limit(Algorithm::TokenBucket, 30.0, Some(40.0)),
        limit(Algorithm::TokenBucket, 30.0, None),
        limit(Algorithm::FixedWindow, 30.0, None),
    ];
    let scaled = |scale| Settings { limits: limits.clone(), ..base.clone() }.scaled(scale);
    let rates = |settings: &Settings| {
        let rates = settings.limits.iter().map(|limit| (limit.rate.unwrap(), limit.burst()));
        rates.collect::<Vec<_>>()
    };
    assert_eq!(rates(&scaled(0.5)), [(15.0, 20.0), (15.0, 15.0), (15.0, 15.0)]);
    assert_eq!(rates(&scaled(0.01)), [(0.3, 1.0), (0.3, 1.0), (1.0, 1.0)]);
    assert_eq!(scaled(0.01).check(), []);
    assert_eq!(scaled(0.5).latency, base.latency);
}

#[test]
fn scaling_leaves_alone_what_is_not_about_the_size_of_the_crowd() {
    let base = written("").resolve(7).unwrap();
    let text = r#"
        limits = [
            { algorithm = "concurrency", calls = 20 },
            { algorithm = "object-lock", scope = "object", wait = "1s" },
            { scope = "object", rate = 0.3, burst = 1000 },
            { algorithm = "penalty-box", refusals = 5, window = "10s", ban = "1m" },
            { algorithm = "leaky-queue", rate = 30, burst = 5 },
        ]
    "#;
    let limits = written(text).limits.unwrap();
    let settings = Settings { limits: limits.clone(), ..base }.scaled(0.1);
    assert_eq!(settings.limits[..4], limits[..4]);
    let queue = Limit { rate: Some(3.0), burst: Some(0.5), ..limits[4].clone() };
    assert_eq!(settings.limits[4], queue);
}

#[test]
fn scaling_scales_the_schedule_with_its_limits() {
    let text = r#"
        limits = [{ rate = 30 }, { algorithm = "fixed-window", rate = 30 }]
        [[schedule]]
        at = "+65s"
        limit = 0
        rate = 100
        burst = 50
        [[schedule]]
        at = "+70s"
        limit = "global-2"
        window = "100ms"
    "#;
    let settings = written(text).resolve(7).unwrap();
    assert_eq!(settings.check(), []);
    let scaled = settings.scaled(0.1);
    let figures = scaled.schedule.iter().map(|change| (change.rate, change.burst));
    // 3 per second leave no call for 100 ms.
    assert_eq!(figures.collect::<Vec<_>>(), [(Some(10.0), Some(5.0)), (Some(10.0), None)]);
    assert_eq!(scaled.check(), []);
}

#[test]
fn an_instant_of_the_schedule_needs_to_know_when_the_run_begins() {
    let text = r#"
        [[schedule]]
        at = "2026-12-24T12:05:00+09:00"
        limit = "write"
        rate = 200
    "#;
    let settings = written(text).resolve(7).unwrap();
    let problems: Vec<_> = settings.check().iter().map(ToString::to_string).collect();
    let problem = "schedule.0.at: 2026-12-24T03:05:00Z: an instant needs a run whose beginning \
                   is known; write \"+65s\"";
    assert_eq!(problems, [problem]);
    // Five minutes after noon in Japan, in a run that began at noon.
    let settings = settings.anchored(1_798_081_200_000_000_000);
    assert_eq!(settings.schedule[0].at, Moment::After(Duration::from_mins(5)));
    assert_eq!(settings.check(), []);
}

#[test]
fn a_limit_has_the_parameters_of_its_algorithm_and_no_other() {
    let text = r#"
        limits = [
            { algorithm = "token-bucket", rate = 1, window = "1s" },
            { algorithm = "concurrency", rate = 1 },
            { algorithm = "object-lock", wait = "1s", counts = "offered", error = 0.1 },
            { algorithm = "penalty-box", refusals = 0, ban = "0s" },
            { scope = "zone", rate = 1, error = 0.6 },
            { name = "9", rate = 1 },
            { name = "a", rate = 1 },
            { name = "a", rate = 1, headers = { vendor = {} }, refusal.status = 99 },
            { rate = 1, headers = ["none", { vendor = { limit = "X Y" } }] },
            { algorithm = "sliding-log", rate = 1e6, window = "1m" },
        ]
    "#;
    let settings = written(text).resolve(7).unwrap();
    let problems: Vec<_> = settings.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "limits.0.window: `token-bucket` has no `window`: it has `rate`, `burst`",
            "limits.1.rate: `concurrency` has no `rate`: it has `calls`",
            "limits.1.calls: missing: `concurrency` has `calls`",
            "limits.2.error: `object-lock` has no allowance that could be off",
            "limits.2.counts: `object-lock` counts no calls: one that is refused holds nothing",
            "limits.3.window: missing: `penalty-box` has `refusals`, `window`, `ban`",
            "limits.3.refusals: 0: must be from 1 to 1000000",
            "limits.3.ban: must be longer than 0s",
            "limits.4.operations: missing: a zone is the operations that are named",
            "limits.4.error: 0.6: must be from 0 to 0.5",
            "limits.5.name: `9`: must be a letter, then up to 63 of letters, digits, - _ .",
            "limits.7.name: `a` is the name of a limit before",
            "limits.7.refusal.status: 99: must be from 200 to 599",
            "limits.7.headers.vendor: names no header: `remaining`, `limit`, `reset`",
            "limits.8.headers.vendor.limit: `X Y`: no name of a header",
            "limits.9.window: 1000000 calls per second in 60s: a sliding-log remembers at most \
             1000000 calls",
        ]
    );
}

#[test]
fn every_value_out_of_range_is_named_with_its_key() {
    let wrong = r#"
        declines = 1.5
        faults.slow_body = -0.1
        challenges.failed = 2
        keys.length = 0
        decline_mix = { lost_card = 0 }
        brownouts = [{ from = "1s", lasts = "1s", fails = 3 }]
    "#;
    let mut settings = written(wrong).resolve(7).unwrap();
    settings.latency.void = Law::Exponential { mean: Duration::from_mins(50) };
    settings.limits = vec![
        limit(Algorithm::TokenBucket, 0.0, Some(0.5)),
        limit(Algorithm::Gcra, f64::NAN, None),
        limit(Algorithm::FixedWindow, 0.5, None),
        Limit { window: Some(Span(Duration::ZERO)), ..limit(Algorithm::FixedWindow, 1.0, None) },
    ];
    let problems: Vec<_> = settings.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "limits.0.rate: 0 calls per second: must be above 0 and at most 1e9",
            "limits.0.burst: 0.5 calls at once: must be from 1 to 1e9",
            "limits.1.rate: NaN calls per second: must be above 0 and at most 1e9",
            "limits.2.window: 0.5 calls per second leave no call for a window of 1s",
            "limits.3.window: must be longer than 0s",
            "declines: 1.5: must be from 0 to 1",
            "latency.void: one answer in a thousand would take more than an hour",
            "decline_mix: each weight must be 0 or more, and one of them above 0",
            "challenges.failed: 2: must be from 0 to 1",
            "faults.slow_body: -0.1: must be from 0 to 1",
            "brownouts.0.fails: 3: must be from 0 to 1",
            "keys.length: 0 letters: must be from 1 to 255",
        ]
    );
}
