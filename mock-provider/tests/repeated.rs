//! Calls that execute nothing: repetitions, calls under a key in flight, and words that make no
//! sense. They hold nothing up, and what is kept is what was said.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use domain::law::Law;
use domain::money::Amount;
use domain::time::{Duration, Span, Time};
use mock_provider::rules::request::{CaptureMethod, Confirm, Currency, NewIntent, Source};
use mock_provider::rules::{Call, Decision, Delivery, Face, Provider, Reply, Request};
use mock_provider::settings::{
    Algorithm, Counts, Faults, HeaderStyle, Headers, Latency, Limit, Overrides, Scope, Settings,
};

const SECOND: Duration = Duration::from_secs(1);

/// A provider whose every call takes a second, and says no in ten milliseconds.
fn settings(limits: Vec<Limit>) -> Settings {
    let base = Overrides { declines: Some(0.0), ..Overrides::default() }.resolve(7).unwrap();
    let refusal = Law::Constant(Duration::from_millis(10));
    let latency = Latency { refusal, ..Latency::every(Law::Constant(SECOND)) };
    let settings = Settings { limits, latency, ..base };
    assert_eq!(settings.check(), []);
    settings
}

fn create(amount: u64) -> Call {
    Call::Create(Box::new(NewIntent {
        amount: Amount::new(amount),
        currency: Currency::JPY,
        capture: CaptureMethod::Manual,
        confirm: Confirm::Now,
        source: Some(Source::Nth(0)),
        customer: None,
        terms: None,
    }))
}

fn capture(intent: u64) -> Call {
    Call::Capture { intent, amount: None, terms: None }
}

fn ask(provider: &mut Provider, at_ms: u64, key: &str, fingerprint: u64, call: Call) -> Decision {
    let at = Time::from_millis(at_ms);
    let (face, account) = (Face::Stripe, "test_1");
    let (key, reference) = (Some(key).filter(|key| !key.is_empty()), "order-1");
    let request = Request { face, account, key, fingerprint, reference, intent: "", call };
    provider.handle(at, at.nanos(), &request)
}

fn cap(calls: u32) -> Limit {
    Limit { algorithm: Algorithm::Concurrency, calls: Some(calls), ..Limit::default() }
}

fn lock() -> Limit {
    let (scope, wait) = (Scope::Object, Some(Span(Duration::from_millis(500))));
    Limit { algorithm: Algorithm::ObjectLock, scope, wait, ..Limit::default() }
}

#[test]
fn a_repetition_holds_its_place_only_until_it_is_answered() {
    let mut provider = Provider::new(settings(vec![cap(1)]));
    ask(&mut provider, 0, "a", 1, create(500));
    let again = ask(&mut provider, 2_000, "a", 1, create(500));
    assert!(again.is_replay());
    assert_eq!(again.delay, Duration::from_millis(10));
    // The answer has left: the place is free.
    let other = ask(&mut provider, 2_010, "b", 2, create(500));
    assert!(matches!(other.reply, Reply::Intent(_)), "{:?}", other.reply);
}

#[test]
fn a_body_that_trickles_holds_its_place_until_its_last_byte() {
    let slow_body_takes = Span(SECOND);
    let faults = Faults { slow_body: 1.0, slow_body_takes, ..Faults::default() };
    let mut provider = Provider::new(Settings { faults, ..settings(vec![cap(1)]) });
    let slow = ask(&mut provider, 0, "a", 1, create(500));
    assert_eq!((slow.delivery, slow.takes()), (Delivery::Slow(SECOND), 2 * SECOND));
    let early = ask(&mut provider, 1_999, "b", 2, create(500));
    assert!(matches!(early.reply, Reply::Limited(_)), "{:?}", early.reply);
    let late = ask(&mut provider, 2_000, "c", 3, create(500));
    assert!(matches!(late.reply, Reply::Intent(_)), "{:?}", late.reply);
}

#[test]
fn a_key_in_flight_is_told_at_once_and_waits_for_no_lock() {
    let mut provider = Provider::new(settings(vec![lock()]));
    ask(&mut provider, 0, "a", 1, create(500));
    ask(&mut provider, 2_000, "b", 2, capture(1));
    // The lock would be free at 3 s, which is more than anybody waits: yet it is not asked.
    let same = ask(&mut provider, 2_100, "b", 2, capture(1));
    assert_eq!((&same.reply, same.delay), (&Reply::InFlight, Duration::from_millis(10)));
    let same = ask(&mut provider, 2_600, "b", 2, capture(1));
    assert_eq!((&same.reply, same.delay), (&Reply::InFlight, Duration::from_millis(10)));
    // Nor does it hold the lock against anybody.
    let other = ask(&mut provider, 3_000, "c", 3, capture(1));
    assert_eq!(other.delay, SECOND);
}

#[test]
fn what_makes_no_sense_is_not_kept_under_its_key() {
    let mut provider = Provider::new(settings(Vec::new()));
    for (number, wrong) in [(1, 0), (2, 100_000_000)] {
        let refused = ask(&mut provider, 2_000 * number, "a", number, create(wrong));
        assert!(matches!(refused.reply, Reply::Refused(_)), "{:?}", refused.reply);
    }
    let right = ask(&mut provider, 10_000, "a", 3, create(500));
    assert!(matches!(right.reply, Reply::Intent(_)), "{:?}", right.reply);
}

#[test]
fn who_waits_as_long_as_he_is_told_is_admitted_although_a_refusal_was_counted() {
    let bucket = |name: &str, rate, burst| Limit {
        name: Some(name.to_owned()),
        rate: Some(rate),
        burst: Some(burst),
        headers: Headers(vec![HeaderStyle::RetryAfter]),
        ..Limit::default()
    };
    let offered = Limit { counts: Counts::Offered, ..bucket("offered", 0.5, 2.0) };
    let mut provider = Provider::new(settings(vec![bucket("first", 1.0, 1.0), offered]));
    ask(&mut provider, 0, "a", 1, create(500));
    // The refusal takes the last token of the other bucket, which then needs two seconds for one.
    let refused = ask(&mut provider, 100, "b", 2, create(500));
    let Reply::Limited(refusal) = &refused.reply else { panic!("{:?}", refused.reply) };
    assert_eq!(refusal.retry_after, Some(2 * SECOND));
    let late = ask(&mut provider, 2_100, "c", 3, create(500));
    assert!(matches!(late.reply, Reply::Intent(_)), "{:?}", late.reply);
}
