//! A provider that is asked all the time admits what its limits say, and not one call more.
//!
//! 60 s of saturation at the rates of real providers, each algorithm, through the rules as a whole.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use domain::law::Law;
use domain::money::Amount;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use domain::time::{Duration, Span, Time};
use mock_provider::rules::Provider;
use mock_provider::settings::{
    Algorithm, Change, Latency, Limit, LimitName, Moment, Overrides, Settings,
};

const SECONDS: u64 = 60;

fn provider(limits: Vec<Limit>, schedule: Vec<Change>) -> Provider {
    let settings = Settings {
        limits,
        schedule,
        declines: 0.0,
        latency: Latency::every(Law::default()),
        ..Overrides::default().resolve(7).unwrap()
    };
    assert_eq!(settings.check(), []);
    Provider::new(settings)
}

/// How many of `offered_per_s` \[calls/s\] were admitted until each of the times that are asked
/// for, that instant included.
fn saturate(mut provider: Provider, offered_per_s: f64, until: &[Time]) -> Vec<u64> {
    let mut request = PaymentRequest {
        account: "shop".to_owned(),
        reference: String::new(),
        key: String::new(),
        call: Call::Authorize { amount: Amount::new(4_500), card: 0 },
    };
    let last = *until.last().unwrap();
    let mut admitted = vec![0; until.len()];
    let times = (0..).map(|number| Time::from_seconds(f64::from(number) / offered_per_s));
    for (number, at) in times.take_while(|at| *at <= last).enumerate() {
        request.reference = number.to_string();
        request.key.clone_from(&request.reference);
        let decision = provider.call(at, at.nanos(), &request);
        let passes = matches!(decision.payment_reply(), Some(PaymentReply::Authorized { .. }));
        assert_eq!(passes, decision.admitted.contains(0));
        assert_eq!(decision.refused_by.is_none(), passes);
        for (count, until) in admitted.iter_mut().zip(until) {
            *count += u64::from(passes && at <= *until);
        }
    }
    admitted
}

/// What the algorithm admits at most in the closed window of `window_s` \[s\] from the run's
/// beginning.
fn closed_form(algorithm: Algorithm, rate: f64, window_s: f64) -> f64 {
    match algorithm {
        // One second's worth at once, and then the rate.
        Algorithm::TokenBucket | Algorithm::Gcra => (rate + rate * window_s).floor(),
        // The same, and the one that leaves at once.
        Algorithm::LeakyQueue => (1.0 + rate + rate * window_s).floor(),
        // The rate in each window that has begun.
        _ => rate * (window_s.floor() + 1.0),
    }
}

#[test]
fn not_one_call_more_than_the_closed_form_in_a_minute_of_saturation() {
    let algorithms = [
        Algorithm::TokenBucket,
        Algorithm::Gcra,
        Algorithm::LeakyQueue,
        Algorithm::FixedWindow,
        Algorithm::SlidingLog,
        Algorithm::SlidingCounter,
    ];
    let until: Vec<_> = (1..=SECONDS).map(|second| Time::from_millis(second * 1_000)).collect();
    for (algorithm, rate) in algorithms.iter().flat_map(|it| [30.0, 100.0, 660.0].map(|r| (*it, r)))
    {
        let limit = Limit { algorithm, rate: Some(rate), ..Limit::default() };
        let admitted = saturate(provider(vec![limit], Vec::new()), 1.3 * rate, &until);
        for (admitted, until) in admitted.iter().zip(&until) {
            let form = closed_form(algorithm, rate, until.seconds());
            let admitted = f64::from(u32::try_from(*admitted).unwrap());
            assert!(
                admitted <= form,
                "{admitted} of {form} by {algorithm:?} at {rate} until {until}"
            );
            // Nor many fewer: a call comes at most a gap after there is room for it.
            assert!(
                admitted >= 0.9 * form - rate,
                "{admitted} of {form} by {algorithm:?} at {rate}"
            );
        }
    }
}

#[test]
fn a_limit_that_is_raised_in_mid_run_admits_the_sum_of_both_forms() {
    let limit = Limit { rate: Some(30.0), ..Limit::default() };
    let raised = Change {
        at: Moment::After(Duration::from_secs(20)),
        limit: LimitName("global".to_owned()),
        rate: Some(100.0),
        ..Change::default()
    };
    let until = [20, 60].map(|second| Time::from_millis(second * 1_000));
    let [before, all] = saturate(provider(vec![limit], vec![raised]), 1_000.0, &until)[..] else {
        panic!("two counts")
    };
    // The burst of 30 and 30 per second; then 100 per second, and nothing at once: the bucket was
    // empty when it grew.
    assert!((30 + 20 * 30 - 1..=30 + 20 * 30).contains(&before), "{before}");
    assert!((30 + 20 * 30 + 40 * 100 - 1..=30 + 20 * 30 + 40 * 100).contains(&all), "{all}");
}

#[test]
fn calls_in_flight_are_never_more_than_the_cap() {
    let (cap, tenth) = (20, Duration::from_millis(100));
    let limit = Limit { algorithm: Algorithm::Concurrency, calls: Some(cap), ..Limit::default() };
    let settings = Settings {
        limits: vec![limit],
        declines: 0.0,
        latency: Latency::every(Law::Constant(tenth)),
        ..Overrides::default().resolve(7).unwrap()
    };
    let until = [10].map(|second| Time::from_millis(second * 1_000));
    let admitted = saturate(Provider::new(settings), 2_000.0, &until)[0];
    // Little's law: the cap over the latency, and what is in flight at the end.
    assert!((20 * 97..=20 * 101).contains(&admitted), "{admitted}");
}

#[test]
fn one_payment_is_changed_by_one_call_at_a_time() {
    let wait = Some(Span(Duration::from_millis(500)));
    let lock = Limit { algorithm: Algorithm::ObjectLock, wait, ..Limit::default() };
    let settings = Settings {
        limits: vec![lock],
        declines: 0.0,
        latency: Latency::every(Law::Constant(Duration::from_millis(100))),
        ..Overrides::default().resolve(7).unwrap()
    };
    let admitted = saturate(Provider::new(settings), 2_000.0, &[Time::from_millis(10_000)])[0];
    // One each 100 ms, those that wait half a second at most, and the one that holds the lock.
    assert!((105..=106).contains(&admitted), "{admitted}");
}
