//! Over many payments the draws are what the settings say: how long, how many declined and why,
//! how many asked.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use domain::law::Law;
use domain::money::Amount;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use domain::time::{Duration, Time};
use mock_provider::rules::Provider;
use mock_provider::settings::{Challenges, DeclineReason, Latency, Overrides, Settings};

const PAYMENTS: u32 = 20_000;

fn settings() -> Settings {
    let latency = Latency::every(Law::default());
    Settings {
        limits: Vec::new(),
        declines: 0.0,
        latency,
        ..Overrides::default().resolve(7).unwrap()
    }
}

/// What each of many payments is told, and after how long.
fn pay(settings: Settings) -> Vec<(PaymentReply, Duration)> {
    assert_eq!(settings.check(), []);
    let mut provider = Provider::new(settings);
    let payments = (0..PAYMENTS).map(|number| {
        let request = PaymentRequest {
            account: "shop".to_owned(),
            reference: format!("order-{number}"),
            key: number.to_string(),
            call: Call::Authorize { amount: Amount::new(4_500), card: 0 },
        };
        let decision = provider.call(Time::from_millis(u64::from(number)), 0, &request);
        (decision.payment_reply().unwrap(), decision.delay)
    });
    payments.collect()
}

/// The share of all payments that fit, which differs from `share` by less than six standard errors.
#[track_caller]
fn assert_share(count: usize, share: f64) {
    let error = (share * (1.0 - share) / f64::from(PAYMENTS)).sqrt();
    let found = count as f64 / f64::from(PAYMENTS);
    assert!((found - share).abs() < 6.0 * error, "{found} instead of {share}");
}

#[test]
fn latencies_follow_the_law_of_their_operation() {
    let median = Duration::from_millis(700);
    let authorize = Law::Lognormal { median, sigma: 0.62 };
    let latency = Latency { authorize, ..Latency::every(Law::Constant(Duration::from_secs(9))) };
    let told = pay(Settings { latency, ..settings() });
    // 0.62 · 2.326 is the logarithm of 4.23: the 99 % quantile over the median.
    for (bound, share) in [(median, 0.5), (median.mul_f64(4.2305), 0.99)] {
        assert_share(told.iter().filter(|(_, delay)| *delay <= bound).count(), share);
    }
}

#[test]
fn declines_have_their_share_and_their_mix() {
    let weights = [
        (DeclineReason::InsufficientFunds, 6.0),
        (DeclineReason::GenericDecline, 3.0),
        (DeclineReason::ExpiredCard, 1.0),
    ];
    let decline_mix = BTreeMap::from(weights);
    let told = pay(Settings { declines: 0.2, decline_mix, ..settings() });
    for (code, share) in
        [("insufficient_funds", 0.12), ("generic_decline", 0.06), ("expired_card", 0.02)]
    {
        let declined = PaymentReply::Declined { code: code.to_owned() };
        assert_share(told.iter().filter(|(reply, _)| *reply == declined).count(), share);
    }
    let passed = |reply: &PaymentReply| matches!(reply, PaymentReply::Authorized { .. });
    assert_share(told.iter().filter(|(reply, _)| passed(reply)).count(), 0.8);
}

#[test]
fn challenges_have_their_share() {
    let challenges = Challenges { share: 0.3, ..Challenges::default() };
    let told = pay(Settings { challenges, ..settings() });
    let asked = |reply: &PaymentReply| matches!(reply, PaymentReply::Challenged { .. });
    assert_share(told.iter().filter(|(reply, _)| asked(reply)).count(), 0.3);
}
