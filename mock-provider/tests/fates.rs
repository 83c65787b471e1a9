//! A payment's fate is its own: it hangs on nobody else's, and not on the order of arrival.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use domain::law::Law;
use domain::money::Amount;
use domain::provider::PaymentOutcome;
use domain::time::{Duration, Time};
use mock_provider::rules::request::{CaptureMethod, Confirm, Currency, NewIntent, Source};
use mock_provider::rules::{Call, Decision, Face, Provider, Request};
use mock_provider::settings::{Cards, Challenges, Faults, Latency, Overrides, Settings};

fn settings() -> Settings {
    let base = Overrides::default().resolve(7).unwrap();
    Settings { limits: Vec::new(), cards: Cards::Drawn, ..base }
}

fn create() -> Call {
    Call::Create(Box::new(NewIntent {
        amount: Amount::new(500),
        currency: Currency::JPY,
        capture: CaptureMethod::Manual,
        confirm: Confirm::Now,
        source: Some(Source::Nth(0)),
        customer: None,
        terms: None,
    }))
}

fn ask(provider: &mut Provider, at: u64, account: &str, reference: &str) -> Decision {
    let at = Time::from_millis(10_000 * at);
    let (face, key, call) = (Face::Stripe, None, create());
    let request = Request { face, account, key, fingerprint: 0, reference, intent: "", call };
    provider.handle(at, at.nanos(), &request)
}

#[test]
fn payments_without_any_name_do_not_share_one_fate() {
    let mut provider = Provider::new(Settings { declines: 0.3, ..settings() });
    let all: Vec<_> = (0..400).map(|at| ask(&mut provider, at, "shop", "")).collect();
    let declined = all.iter().filter(|it| it.told == PaymentOutcome::Declined).count();
    assert!((80..160).contains(&declined), "{declined} of 400 were declined");
    let delays: BTreeSet<_> = all.iter().map(|decision| decision.delay).collect();
    assert!(delays.len() > 390, "only {} latencies", delays.len());
}

#[test]
fn calls_without_any_name_fail_as_often_as_the_others() {
    let faults = Faults { rollback_after_5xx: 0.3, ..Faults::default() };
    let mut provider = Provider::new(Settings { faults, declines: 0.0, ..settings() });
    let failed = (0..400)
        .filter(|at| ask(&mut provider, *at, "shop", "").told == PaymentOutcome::Failed)
        .count();
    assert!((80..160).contains(&failed), "{failed} of 400 failed");
}

#[test]
fn the_tries_of_one_account_are_no_other_accounts() {
    let faults = Faults { rollback_after_5xx: 0.5, ..Faults::default() };
    let settings = Settings { faults, declines: 0.0, ..settings() };
    for number in 0..100 {
        let reference = format!("order-{number}");
        let alone = ask(&mut Provider::new(settings.clone()), 0, "ours", &reference).told;
        let mut provider = Provider::new(settings.clone());
        ask(&mut provider, 0, "theirs", &reference);
        let beside = ask(&mut provider, 1, "ours", &reference).told;
        assert_eq!(alone, beside, "{reference}");
    }
}

#[test]
fn challenges_nobody_answers_are_forgotten_in_the_end() {
    let takes = Law::Constant(Duration::from_secs(1));
    let challenges = Challenges { share: 1.0, abandoned: 1.0, failed: 0.0, takes };
    let latency = Latency::every(Law::default());
    let mut provider = Provider::new(Settings { challenges, latency, declines: 0.0, ..settings() });
    for number in 0..120_000 {
        ask(&mut provider, 0, "shop", &format!("{number}"));
    }
    let payments = provider.counts(Time::ZERO).payments;
    assert_eq!(payments, 100_000);
}
