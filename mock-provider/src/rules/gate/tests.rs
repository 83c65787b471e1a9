use domain::time::Span;
use proptest::prelude::*;

use super::*;
use crate::settings::{HeaderStyle, Headers as Styles, Moment, Overrides, Problem, Scope};
use crate::settings::{LimitName, VendorHeaders};
use allowances::{ALLOWANCES_MAX, RESTED_MAX};

fn bucket(scope: Scope, rate: f64, burst: f64) -> Limit {
    Limit { scope, rate: Some(rate), burst: Some(burst), ..Limit::default() }
}

fn settings(limits: &[Limit], schedule: &[Change]) -> Settings {
    let base = Overrides::default().resolve(7).unwrap();
    let (limits, schedule) = (limits.to_vec(), schedule.to_vec());
    let settings = Settings { limits, schedule, ..base };
    assert_eq!(settings.check(), []);
    settings
}

fn gate(limits: &[Limit]) -> Gate {
    Gate::new(&settings(limits, &[]))
}

fn takes(ms: u64) -> Takes {
    let work = Duration::from_millis(ms);
    Takes { work, answer: work }
}

fn authorize(account: &str) -> Caller<'_> {
    let effect = Effect::Executes;
    Caller { account, operation: PaymentOperation::Authorize, object: None, effect }
}

fn capture(account: &str) -> Caller<'_> {
    capture_of(account, 1)
}

fn capture_of(account: &str, object: u64) -> Caller<'_> {
    Caller { operation: PaymentOperation::Capture, object: Some(object), ..authorize(account) }
}

fn admit(gate: &mut Gate, at_ms: u64, caller: Caller<'_>) -> Result<Passage, Refusal> {
    gate.admit(Time::from_millis(at_ms), caller, takes(100))
}

/// How many of so many calls at the same time pass.
fn passing(gate: &mut Gate, at_ms: u64, caller: Caller<'_>, calls: usize) -> usize {
    (0..calls).filter(|_| admit(gate, at_ms, caller).is_ok()).count()
}

/// A limit of every algorithm, and how many of ten calls at once it lets pass.
fn one_of_each() -> [(Limit, usize); 9] {
    let of = |algorithm| Limit { algorithm, ..Limit::default() };
    let rate = Some(3.0);
    let second = Some(Span(Duration::from_secs(1)));
    [
        (Limit { rate, burst: Some(2.0), ..of(Algorithm::TokenBucket) }, 2),
        (Limit { rate, burst: Some(2.0), ..of(Algorithm::Gcra) }, 2),
        (Limit { rate, burst: Some(2.0), ..of(Algorithm::LeakyQueue) }, 3),
        (Limit { rate, window: second, ..of(Algorithm::FixedWindow) }, 3),
        (Limit { rate, window: second, ..of(Algorithm::SlidingLog) }, 3),
        (Limit { rate, ..of(Algorithm::SlidingCounter) }, 3),
        (Limit { calls: Some(4), ..of(Algorithm::Concurrency) }, 4),
        (Limit { wait: Some(Span(Duration::from_millis(250))), ..of(Algorithm::ObjectLock) }, 3),
        (Limit { refusals: Some(2), window: second, ban: second, ..of(Algorithm::PenaltyBox) }, 10),
    ]
}

#[test]
fn every_algorithm_limits_each_scope_by_itself() {
    let scopes = [Scope::Global, Scope::Key, Scope::Zone, Scope::Endpoint, Scope::Object];
    for ((limit, at_once), scope) in
        one_of_each().iter().flat_map(|limit| scopes.map(|scope| (limit, scope)))
    {
        let operations = match scope {
            Scope::Zone => vec![PaymentOperation::Capture, PaymentOperation::Void],
            _ => Vec::new(),
        };
        let limit = Limit { scope, operations, ..limit.clone() };
        let mut gate = gate(std::slice::from_ref(&limit));
        let first = capture_of("a", 1);
        let void = Caller { operation: PaymentOperation::Void, ..first };
        assert_eq!(passing(&mut gate, 0, first, 10), *at_once, "{limit:?}");
        let free = |gate: &mut Gate, caller| passing(gate, 0, caller, 10) >= *at_once;
        let endless = limit.algorithm == Algorithm::PenaltyBox;
        let expected = |own: bool| own || endless;
        assert_eq!(
            free(&mut gate, capture_of("b", 2)),
            expected(matches!(scope, Scope::Key | Scope::Object)),
            "{limit:?}"
        );
        assert_eq!(free(&mut gate, void), expected(scope == Scope::Endpoint), "{limit:?}");
        assert_eq!(
            free(&mut gate, capture_of("a", 3)),
            expected(scope == Scope::Object),
            "{limit:?}"
        );
        // An authorization is about no payment yet, and no operation of the zone.
        let unasked = matches!(scope, Scope::Object | Scope::Zone | Scope::Endpoint);
        assert_eq!(free(&mut gate, authorize("a")), expected(unasked), "{limit:?}");
    }
}

#[test]
fn what_one_limit_refuses_debits_no_other_that_counts_admitted_calls() {
    for (limit, at_once) in one_of_each() {
        let mut gate = gate(&[limit.clone(), bucket(Scope::Endpoint, 0.001, 1.0)]);
        assert_eq!(passing(&mut gate, 0, authorize("a"), 1), 1);
        let again = passing(&mut gate, 0, authorize("a"), 1);
        assert_eq!(again, 0, "the endpoint's limit refuses");
        assert_eq!(passing(&mut gate, 0, capture("a"), 1), usize::from(at_once > 1), "{limit:?}");
    }
}

#[test]
fn a_limit_that_counts_what_is_offered_is_debited_whatever_others_say() {
    for (limit, at_once) in one_of_each() {
        let limit = Limit { counts: Counts::Offered, ..limit };
        let base = Overrides::default().resolve(7).unwrap();
        let limits = vec![limit.clone(), bucket(Scope::Endpoint, 0.001, 1.0)];
        let settings = Settings { limits, schedule: Vec::new(), ..base };
        if limit.rate.is_none() {
            let keys: Vec<_> = settings.check().into_iter().map(|problem| problem.key).collect();
            assert_eq!(keys, ["limits.0.counts"], "a refused call holds nothing");
            continue;
        }
        for offered in 1..=at_once {
            let mut gate = Gate::new(&settings);
            for _ in 0..offered {
                drop(admit(&mut gate, 0, authorize("a")));
            }
            let left = usize::from(offered < at_once);
            assert_eq!(passing(&mut gate, 0, capture("a"), 1), left, "{offered} of {limit:?}");
        }
    }
}

#[test]
fn a_decision_says_which_limits_it_was_debited_to_and_which_refused() {
    let captures = vec![PaymentOperation::Capture];
    let offered = Limit { counts: Counts::Offered, ..bucket(Scope::Global, 10.0, 10.0) };
    let limits = [
        Limit { operations: captures, ..bucket(Scope::Global, 5.0, 5.0) },
        bucket(Scope::Endpoint, 1.0, 1.0),
        offered,
    ];
    let mut gate = gate(&limits);
    let places = |set: LimitSet| set.places().collect::<Vec<_>>();
    assert_eq!(places(admit(&mut gate, 0, authorize("a")).unwrap().admitted), [1, 2]);
    assert_eq!(places(admit(&mut gate, 0, capture("a")).unwrap().admitted), [0, 1, 2]);
    let refusal = admit(&mut gate, 0, capture("a")).unwrap_err();
    assert_eq!((refusal.limit, places(refusal.admitted)), (1, vec![2]));
}

#[test]
fn the_first_limit_that_refuses_decides_what_the_caller_is_told() {
    let full =
        |name: &str| Limit { name: Some(name.to_owned()), ..bucket(Scope::Global, 1.0, 1.0) };
    let mut gate = gate(&[full("first"), full("second")]);
    admit(&mut gate, 0, authorize("a")).unwrap();
    let refusal = admit(&mut gate, 0, authorize("a")).unwrap_err();
    assert_eq!((refusal.limit, refusal.told.limit.as_str()), (0, "first"));
}

#[test]
fn the_wait_lasts_until_every_limit_admits() {
    let headers = Styles(vec![HeaderStyle::RetryAfter]);
    let mut gate = gate(&[
        Limit { headers, ..bucket(Scope::Global, 1.0, 1.0) },
        bucket(Scope::Endpoint, 0.1, 1.0),
    ]);
    admit(&mut gate, 0, authorize("a")).unwrap();
    let refused = admit(&mut gate, 500, authorize("a")).unwrap_err();
    assert_eq!(refused.retry_after, Some(Duration::from_secs(10)));
    assert!(admit(&mut gate, 10_500, authorize("a")).is_ok());
}

#[test]
fn a_queue_and_a_lock_delay_a_call_one_after_the_other() {
    let queue = Limit {
        algorithm: Algorithm::LeakyQueue,
        rate: Some(10.0),
        burst: Some(5.0),
        ..Limit::default()
    };
    let wait = Some(Span(Duration::from_secs(1)));
    let lock =
        Limit { algorithm: Algorithm::ObjectLock, scope: Scope::Object, wait, ..Limit::default() };
    let mut gate = gate(&[queue, lock]);
    let mut delay = |caller| admit(&mut gate, 0, caller).unwrap().delay.as_millis();
    assert_eq!(delay(capture_of("a", 1)), 0);
    // 100 ms until its turn, and no call holds the payment.
    assert_eq!(delay(capture_of("a", 2)), 100);
    // 200 ms until its turn, and 100 ms until the first has its answer.
    assert_eq!(delay(capture_of("a", 1)), 300);
}

#[test]
fn a_call_that_waits_holds_its_place_until_its_answer_leaves() {
    let wait = Some(Span(Duration::from_millis(150)));
    let lock = Limit { algorithm: Algorithm::ObjectLock, wait, ..Limit::default() };
    let mut gate = gate(&[lock]);
    assert_eq!(admit(&mut gate, 0, capture("a")).unwrap().delay, Duration::ZERO);
    assert_eq!(admit(&mut gate, 0, capture("a")).unwrap().delay.as_millis(), 100);
    let refused = admit(&mut gate, 0, capture("a")).unwrap_err();
    assert_eq!((refused.reason, refused.waited.as_millis()), (Reason::Lock, 150));
    assert_eq!(refused.told.code, "lock_timeout");
    assert!(admit(&mut gate, 50, capture("a")).is_ok(), "200 ms later both are answered");
}

#[test]
fn a_penalty_box_hears_of_refusals_by_any_limit() {
    let headers = Styles(vec![HeaderStyle::RetryAfter]);
    let penalty = Limit {
        algorithm: Algorithm::PenaltyBox,
        scope: Scope::Key,
        refusals: Some(2),
        window: Some(Span(Duration::from_secs(10))),
        ban: Some(Span(Duration::from_mins(1))),
        headers: headers.clone(),
        ..Limit::default()
    };
    let global = Limit { headers, ..bucket(Scope::Global, 1.0, 1.0) };
    let mut gate = gate(&[penalty, global]);
    admit(&mut gate, 0, authorize("a")).unwrap();
    let first = admit(&mut gate, 0, authorize("a")).unwrap_err();
    assert_eq!((first.limit, first.retry_after.unwrap().as_secs()), (1, 1));
    let second = admit(&mut gate, 0, authorize("a")).unwrap_err();
    // It is the refusal that leads into the box: whoever comes back earlier is refused again.
    assert_eq!((second.limit, second.retry_after.unwrap().as_secs()), (1, 60));
    let banned = admit(&mut gate, 30_000, authorize("a")).unwrap_err();
    assert_eq!((banned.limit, banned.reason), (0, Reason::Ban));
    assert_eq!(banned.retry_after.unwrap().as_secs(), 30);
    assert!(admit(&mut gate, 30_000, authorize("b")).is_ok(), "another account is free");
    assert!(admit(&mut gate, 60_000, authorize("a")).is_ok());
}

#[test]
fn accounts_that_rest_are_forgotten() {
    let mut gate = gate(&[bucket(Scope::Key, 1.0, 1.0)]);
    for (number, at_ms) in (0..2 * RESTED_MAX).zip((0..).step_by(10)) {
        admit(&mut gate, at_ms, authorize(&number.to_string())).unwrap();
    }
    assert!(gate.kept(0) <= RESTED_MAX);
}

#[test]
fn whoever_comes_when_there_are_too_many_accounts_shares_one_allowance() {
    let mut gate = gate(&[bucket(Scope::Key, 0.001, 1.0)]);
    for number in 0..ALLOWANCES_MAX {
        admit(&mut gate, 0, authorize(&number.to_string())).unwrap();
    }
    assert!(admit(&mut gate, 0, authorize("a stranger")).is_ok());
    assert!(admit(&mut gate, 0, authorize("another stranger")).is_err());
    assert_eq!(gate.kept(0), ALLOWANCES_MAX + 1);
    // A thousand seconds later all rest, and whoever comes is known again.
    assert!(admit(&mut gate, 1_000_000, authorize("a stranger")).is_ok());
    assert!(admit(&mut gate, 1_000_000, authorize("another stranger")).is_ok());
    assert_eq!(gate.kept(0), 2);
}

#[test]
fn allowances_are_off_by_at_most_the_error_and_on_average_not() {
    let limit = Limit { error: Some(0.05), ..bucket(Scope::Key, 100.0, 100.0) };
    let mut gate = gate(&[limit]);
    let admitted: Vec<_> =
        (0..200).map(|key| passing(&mut gate, 0, authorize(&format!("k{key}")), 120)).collect();
    assert!(admitted.iter().all(|count| (95..=105).contains(count)), "{admitted:?}");
    let distinct: std::collections::BTreeSet<_> = admitted.iter().collect();
    assert!(distinct.len() > 8, "{distinct:?}");
    let sum: usize = admitted.iter().sum();
    assert!((19_750..20_150).contains(&sum), "rounded down, 99.5 of 100: {sum}");
}

fn texts(headers: &Headers) -> Vec<String> {
    headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

#[test]
fn each_header_style_has_its_exact_words() {
    let styled = |styles: Vec<HeaderStyle>| {
        let limit = Limit { headers: Styles(styles), ..bucket(Scope::Global, 2.0, 3.0) };
        let mut gate = gate(&[limit]);
        let passed = texts(&admit(&mut gate, 0, authorize("a")).unwrap().headers);
        passing(&mut gate, 0, authorize("a"), 2);
        let refused = admit(&mut gate, 0, authorize("a")).unwrap_err();
        (passed, texts(&refused.headers), refused.retry_after.map(|wait| wait.as_secs()))
    };
    let said = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(styled(vec![]), (vec![], vec![], None));
    assert_eq!(styled(vec![HeaderStyle::None]), (vec![], vec![], None));
    assert_eq!(styled(vec![HeaderStyle::RetryAfter]), (vec![], vec![], Some(1)));
    let reason = said(&["Stripe-Rate-Limited-Reason: global-rate"]);
    assert_eq!(styled(vec![HeaderStyle::Stripe]), (vec![], reason, None));
    let policy = "RateLimit-Policy: \"global\";q=3;w=2";
    assert_eq!(
        styled(vec![HeaderStyle::Ratelimit]),
        (
            said(&[policy, "RateLimit: \"global\";r=2;t=1"]),
            said(&[policy, "RateLimit: \"global\";r=0;t=2"]),
            Some(1)
        )
    );
    let vendor = HeaderStyle::Vendor(VendorHeaders {
        remaining: Some("X-Remaining-Requests-Exact".to_owned()),
        limit: Some("X-Requests-Per-Minute-Exact".to_owned()),
        reset: Some("X-Reset".to_owned()),
    });
    let left = |calls: u32, reset: u32| {
        vec![
            "X-Requests-Per-Minute-Exact: 3".to_owned(),
            format!("X-Remaining-Requests-Exact: {calls}"),
            format!("X-Reset: {reset}"),
        ]
    };
    assert_eq!(styled(vec![vendor]), (left(2, 1), left(0, 2), None));
}

#[test]
fn limits_that_speak_of_themselves_share_one_list() {
    let headers = Styles(vec![HeaderStyle::Ratelimit]);
    let calls = Some(20);
    let cap = Limit { algorithm: Algorithm::Concurrency, calls, ..Limit::default() };
    let mut gate = gate(&[
        Limit { headers: headers.clone(), ..bucket(Scope::Global, 100.0, 100.0) },
        Limit { headers: headers.clone(), scope: Scope::Endpoint, ..cap },
        bucket(Scope::Key, 1.0, 1.0),
    ]);
    assert_eq!(
        texts(&admit(&mut gate, 0, authorize("a")).unwrap().headers),
        [
            "RateLimit-Policy: \"global\";q=100;w=1, \"endpoint\";q=20;qu=\"concurrent-requests\"",
            "RateLimit: \"global\";r=99;t=1, \"endpoint\";r=19;t=1",
        ]
    );
}

#[test]
fn stripe_names_the_reason_by_scope_and_algorithm() {
    let reason = |limit: Limit| {
        let headers = Styles(vec![HeaderStyle::Stripe]);
        let mut gate = gate(&[Limit { headers, ..limit }]);
        let refused = (0..10).find_map(|_| admit(&mut gate, 0, capture("a")).err()).unwrap();
        refused.headers.first().map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let [(bucket, _), .., (cap, _), (lock, _), _] = one_of_each();
    let scoped = |scope, limit: &Limit| Limit { scope, ..limit.clone() };
    assert_eq!(reason(scoped(Scope::Global, &bucket)), "global-rate");
    assert_eq!(reason(scoped(Scope::Key, &bucket)), "global-rate");
    assert_eq!(reason(scoped(Scope::Endpoint, &bucket)), "endpoint-rate");
    assert_eq!(reason(scoped(Scope::Object, &bucket)), "resource-specific");
    assert_eq!(reason(scoped(Scope::Global, &cap)), "global-concurrency");
    assert_eq!(reason(scoped(Scope::Endpoint, &cap)), "endpoint-concurrency");
    assert_eq!(reason(scoped(Scope::Object, &lock)), "", "a lock says no reason");
}

#[test]
fn a_refusal_has_the_words_and_the_body_of_its_settings() {
    let refusal = |limit: Limit| {
        let mut gate = gate(&[limit]);
        admit(&mut gate, 0, authorize("a")).unwrap();
        admit(&mut gate, 0, authorize("a")).unwrap_err()
    };
    let plain = refusal(bucket(Scope::Global, 1.0, 1.0));
    assert_eq!(
        (plain.told.status, plain.told.code.as_str(), plain.body()),
        (429, "rate_limit", None)
    );
    let wording = r#"
        status = 503
        code = "over_capacity"
        type = "busy"
        message = "Later."
        body = '{"c":"{code}","t":"{type}","m":"{message}","l":"{limit}","s":{retry_after}}'
    "#;
    let headers = Styles(vec![HeaderStyle::RetryAfter]);
    let wording = toml::from_str(wording).unwrap();
    let said = refusal(Limit { refusal: wording, headers, ..bucket(Scope::Global, 0.1, 1.0) });
    let body = r#"{"c":"over_capacity","t":"busy","m":"Later.","l":"global","s":10}"#;
    assert_eq!((said.told.status, said.body().as_deref()), (503, Some(body)));
}

fn raise(at_ms: u64, rate: f64, burst: f64) -> Change {
    Change {
        at: Moment::After(Duration::from_millis(at_ms)),
        limit: LimitName("global".to_owned()),
        rate: Some(rate),
        burst: Some(burst),
        ..Change::default()
    }
}

#[test]
fn a_scheduled_change_comes_exactly_at_its_time() {
    let settings = settings(&[bucket(Scope::Global, 1.0, 1.0)], &[raise(5_000, 1_000.0, 1.0)]);
    let mut gate = Gate::new(&settings);
    assert!(admit(&mut gate, 4_999, authorize("a")).is_ok());
    // A thousandth of a token at the old rate, then one after a millisecond at the new one.
    assert!(admit(&mut gate, 5_000, authorize("a")).is_err());
    assert!(admit(&mut gate, 5_001, authorize("a")).is_ok());
    assert_eq!(gate.planned(), []);
}

#[test]
fn a_change_that_nobody_saw_coming_in_still_counts_from_its_time() {
    let settings = settings(&[bucket(Scope::Global, 1.0, 1.0)], &[raise(1_000, 10.0, 100.0)]);
    let mut gate = Gate::new(&settings);
    assert!(admit(&mut gate, 0, authorize("a")).is_ok());
    // One token at 1 s, then 10 per second.
    assert_eq!(passing(&mut gate, 6_000, authorize("a"), 100), 51);
}

proptest! {
    #[test]
    fn over_a_change_not_one_call_more_than_the_closed_form(
        before in (1_u32..50, 1_u32..50),
        after in (1_u32..200, 1_u32..100),
        change_ms in 1_u64..4_000,
        step_us in 300_u64..20_000,
    ) {
        let [rate, burst, new_rate, new_burst] =
            [before.0, before.1, after.0, after.1].map(f64::from);
        let change = raise(change_ms, new_rate, new_burst);
        let mut gate = Gate::new(&settings(&[bucket(Scope::Global, rate, burst)], &[change]));
        let changed = Time::from_millis(change_ms);
        let (mut admitted, mut since_change) = (0, 0);
        for at in (0..8_000_000).step_by(usize::try_from(step_us).unwrap()) {
            let at = Time::from_nanos(at * 1_000);
            let passes = gate.admit(at, authorize("a"), takes(0)).is_ok();
            admitted += u32::from(passes);
            since_change += u32::from(passes && at >= changed);
            let (old, new) = (at.min(changed), at.since(changed));
            // A billionth of a call is a matter of binary fractions.
            let form = burst.max(new_burst) + rate * old.seconds() + new_rate * new.as_secs_f64();
            prop_assert!(f64::from(admitted) <= form + 1e-6, "{admitted} at {at}");
            let form = burst.max(new_burst) + new_rate * new.as_secs_f64();
            prop_assert!(f64::from(since_change) <= form + 1e-6, "{since_change} at {at}");
        }
    }
}

#[test]
fn a_change_by_hand_keeps_what_was_used() {
    let mut gate = gate(&[bucket(Scope::Global, 1.0, 10.0)]);
    assert_eq!(passing(&mut gate, 0, authorize("a"), 4), 4);
    let patch = serde_json::json!({ "rate": 100, "burst": 100 });
    gate.patch(Time::ZERO, "global", patch.as_object().unwrap()).unwrap();
    assert_eq!(passing(&mut gate, 0, authorize("a"), 100), 6, "six tokens were left");
    assert_eq!(passing(&mut gate, 100, authorize("a"), 100), 10);
}

#[test]
fn a_change_by_hand_that_is_wrong_changes_nothing() {
    let limit = Limit { name: Some("all".to_owned()), ..bucket(Scope::Global, 1.0, 2.0) };
    let mut gate = gate(std::slice::from_ref(&limit));
    let mut error = |name: &str, patch: serde_json::Value| {
        gate.patch(Time::ZERO, name, patch.as_object().unwrap()).unwrap_err().to_string()
    };
    assert_eq!(error("al", serde_json::json!({})), "there is no limit `al`: they are all");
    assert_eq!(
        error("all", serde_json::json!({ "rate": -1, "calls": 3 })),
        "limits.0.calls: `token-bucket` has no `calls`: it has `rate`, `burst`\n\
         limits.0.rate: -1 calls per second: must be above 0 and at most 1e9"
    );
    assert!(error("0", serde_json::json!({ "rat": 1 })).contains("unknown field `rat`"));
    assert_eq!(gate.limits(), [limit]);
}

#[test]
fn a_list_that_replaces_another_keeps_what_was_used_of_limits_of_the_same_name() {
    let settings = settings(&[bucket(Scope::Global, 1.0, 3.0)], &[raise(9_000, 5.0, 5.0)]);
    let mut gate = Gate::new(&settings);
    assert_eq!(passing(&mut gate, 0, authorize("a"), 2), 2);
    let limits = [bucket(Scope::Endpoint, 9.0, 9.0), bucket(Scope::Global, 1.0, 3.0)];
    gate.replace(Time::ZERO, &limits).unwrap();
    assert_eq!(passing(&mut gate, 0, authorize("a"), 9), 1);
    assert_eq!(gate.planned(), [], "the schedule was made for the list before");
    let wrong = gate.replace(Time::ZERO, &[bucket(Scope::Zone, 1.0, 1.0)]);
    let problems = wrong.unwrap_err();
    let key = |problem: &Problem| problem.key.clone();
    let ChangeError::Range(problems) = problems else { panic!("{problems}") };
    assert_eq!(problems.iter().map(key).collect::<Vec<_>>(), ["limits.0.operations"]);
    assert_eq!(gate.limits(), limits);
}

#[test]
fn the_state_of_a_limit_is_the_least_that_is_left() {
    let mut gate = gate(&[bucket(Scope::Endpoint, 1.0, 5.0)]);
    passing(&mut gate, 0, authorize("a"), 1);
    passing(&mut gate, 0, capture("a"), 3);
    let states = gate.states(Time::ZERO);
    let said: Vec<_> = states
        .iter()
        .map(|it| (it.name.as_str(), it.holders, it.remaining.calls, it.remaining.resets_in))
        .collect();
    assert_eq!(said, [("endpoint", 2, 2, Duration::from_secs(3))]);
}
