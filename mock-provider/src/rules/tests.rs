use std::collections::{BTreeMap, BTreeSet};

use domain::law::Law;
use proptest::prelude::*;

use domain::provider::{Call, PaymentLine, PaymentOperation, PaymentReply};

use super::*;
use crate::settings::{
    Algorithm, Faults, HeaderStyle, Headers, Latency, Limit, Overrides, Scope,
};

/// A provider that declines nobody and takes 100 ms.
fn settings() -> Settings {
    let tenth = Law::Constant(Duration::from_millis(100));
    Settings {
        limits: Vec::new(),
        declines: 0.0,
        latency: Latency { refusal: Law::default(), ..Latency::every(tenth) },
        ..Overrides::default().resolve(7).unwrap()
    }
}

fn limit(rate: f64, burst: f64) -> Limit {
    let (scope, algorithm) = (Scope::Global, Algorithm::TokenBucket);
    Limit { scope, algorithm, rate: Some(rate), burst: Some(burst), ..Limit::default() }
}

fn request(key: &str, call: Call) -> PaymentRequest {
    let (account, reference) = ("shop".to_owned(), "0-417".to_owned());
    PaymentRequest { account, reference, key: key.to_owned(), call }
}

fn authorize(key: &str) -> PaymentRequest {
    request(key, Call::Authorize { amount: Amount::new(4_500), card: 0 })
}

fn capture(key: &str, amount: u64) -> PaymentRequest {
    let call = Call::Capture { authorization: AuthorizationId(1), amount: Amount::new(amount) };
    request(key, call)
}

fn void(key: &str) -> PaymentRequest {
    request(key, Call::Void { authorization: AuthorizationId(1) })
}

/// Calls one after the other, a second apart, and what they are answered.
fn replies(
    provider: &mut Provider,
    calls: impl IntoIterator<Item = PaymentRequest>,
) -> Vec<PaymentReply> {
    let second = |(at, request): (u64, PaymentRequest)| {
        provider.call(Time::from_millis(at * 1_000), 0, &request).payment_reply().unwrap()
    };
    (1..).zip(calls).map(second).collect()
}

fn refused_as(code: &str) -> PaymentReply {
    PaymentReply::Refused { code: code.to_owned() }
}

/// The one line of a call about a payment.
fn line_of(decision: &Decision) -> &PaymentLine {
    let [line] = &decision.lines[..] else { panic!("one line: {:?}", decision.lines) };
    line
}

/// This share of calls takes effect in silence.
fn silent(share: f64) -> Faults {
    Faults { commit_then_timeout: share, ..Faults::default() }
}

/// Where an authorization stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Open,
    Captured(Amount),
    Voided,
}

impl State {
    fn of(intent: &Intent) -> Self {
        match intent.status {
            Status::RequiresCapture => Self::Open,
            Status::Succeeded => Self::Captured(intent.received),
            Status::Canceled => Self::Voided,
            status => panic!("{status:?}"),
        }
    }
}

const AUTHORIZED: PaymentReply = PaymentReply::Authorized { authorization: AuthorizationId(1) };

#[test]
fn an_authorization_is_captured_once() {
    let mut provider = Provider::new(settings());
    let calls = [authorize("a"), capture("c", 4_500), capture("c2", 4_500), void("v")];
    let unexpected = refused_as("payment_intent_unexpected_state");
    let expected = [AUTHORIZED, PaymentReply::Captured, unexpected.clone(), unexpected];
    assert_eq!(replies(&mut provider, calls), expected);
    let known = provider.authorization(AuthorizationId(1)).unwrap();
    assert_eq!((known.status, known.received), (Status::Succeeded, Amount::new(4_500)));
    assert_eq!(provider.open_authorizations(), 0);
}

#[test]
fn a_voided_authorization_cannot_be_captured() {
    let mut provider = Provider::new(settings());
    let calls = [authorize("a"), void("v"), capture("c", 4_500), void("v2")];
    let unexpected = refused_as("payment_intent_unexpected_state");
    let expected = [AUTHORIZED, PaymentReply::Voided, unexpected.clone(), unexpected];
    assert_eq!(replies(&mut provider, calls), expected);
}

#[test]
fn no_more_is_captured_than_was_authorized() {
    let mut provider = Provider::new(settings());
    let calls = [authorize("a"), capture("c", 4_501), capture("c2", 4_000)];
    let expected = [AUTHORIZED, refused_as("amount_too_large"), PaymentReply::Captured];
    assert_eq!(replies(&mut provider, calls), expected);
}

#[test]
fn an_authorization_belongs_to_its_account() {
    let mut provider = Provider::new(settings());
    let foreign = PaymentRequest { account: "other".to_owned(), ..capture("c", 4_500) };
    let calls = [capture("c0", 1), authorize("a"), foreign];
    let missing = refused_as("resource_missing");
    assert_eq!(replies(&mut provider, calls), [missing.clone(), AUTHORIZED, missing]);
}

#[test]
fn a_repetition_is_answered_with_the_first_result() {
    let mut provider = Provider::new(settings());
    provider.call(Time::ZERO, 5, &authorize("a"));
    let again = provider.call(Time::from_millis(100), 100_000_005, &authorize("a"));
    let line = PaymentLine {
        utc_ns: 100_000_005,
        payment: Some("1".to_owned()),
        reference: "0-417".to_owned(),
        intent: "0-417".to_owned(),
        operation: PaymentOperation::Authorize,
        outcome: PaymentOutcome::Authorized,
        told: PaymentOutcome::Authorized,
        amount: Amount::new(4_500),
        key: "a".to_owned(),
        replayed: true,
    };
    assert_eq!((again.payment_reply(), again.delay), (Some(AUTHORIZED), Duration::ZERO));
    assert!(again.is_replay());
    assert_eq!(again.lines, [line]);
    assert_eq!(provider.open_authorizations(), 1);
}

#[test]
fn a_failure_is_the_result_under_its_key_too() {
    let mut provider = Provider::new(settings());
    let calls = [capture("c", 4_500), authorize("a"), capture("c", 4_500)];
    let missing = refused_as("resource_missing");
    assert_eq!(replies(&mut provider, calls), [missing.clone(), AUTHORIZED, missing]);
}

#[test]
fn a_key_cannot_be_used_for_something_else() {
    let mut provider = Provider::new(settings());
    let other_card = request("a", Call::Authorize { amount: Amount::new(4_500), card: 1 });
    let other_intent = PaymentRequest { reference: "0-418".to_owned(), ..authorize("a") };
    let other_account = PaymentRequest { account: "other".to_owned(), ..authorize("a") };
    let calls = [authorize("a"), other_card, other_intent, void("a"), other_account];
    let reused = refused_as("idempotency_key_reused");
    let second = PaymentReply::Authorized { authorization: AuthorizationId(2) };
    let expected = [AUTHORIZED, reused.clone(), reused.clone(), reused, second];
    assert_eq!(replies(&mut provider, calls), expected);
}

#[test]
fn a_repetition_of_a_call_under_way_conflicts() {
    let mut provider = Provider::new(settings());
    provider.call(Time::ZERO, 0, &authorize("a"));
    let early = provider.call(Time::from_millis(99), 0, &authorize("a"));
    assert_eq!(early.payment_reply(), Some(PaymentReply::InFlight));
    assert_eq!(line_of(&early).outcome, PaymentOutcome::InFlight);
    let late = provider.call(Time::from_millis(100), 0, &authorize("a"));
    assert_eq!(late.payment_reply(), Some(AUTHORIZED));
}

#[test]
fn a_refusal_by_a_limiter_is_not_kept_under_the_key() {
    let mut provider = Provider::new(Settings { limits: vec![limit(1.0, 1.0)], ..settings() });
    provider.call(Time::ZERO, 0, &authorize("a"));
    let refused = provider.call(Time::ZERO, 0, &authorize("b"));
    assert_eq!(refused.payment_reply(), Some(PaymentReply::RateLimited { retry_after: None }));
    let line = line_of(&refused);
    assert_eq!((line.outcome, &line.payment), (PaymentOutcome::RateLimited, &None));
    let again = provider.call(Time::from_millis(1_000), 0, &authorize("b"));
    let authorization = AuthorizationId(2);
    assert_eq!(again.payment_reply(), Some(PaymentReply::Authorized { authorization }));
}

#[test]
fn limiters_stand_before_the_idempotency_layer() {
    let mut provider = Provider::new(Settings { limits: vec![limit(1.0, 1.0)], ..settings() });
    provider.call(Time::ZERO, 0, &authorize("a"));
    let again = provider.call(Time::from_millis(500), 0, &authorize("a"));
    assert_eq!(again.payment_reply(), Some(PaymentReply::RateLimited { retry_after: None }));
    let counts = provider.counts(Time::from_millis(500));
    assert_eq!((counts.calls, counts.refused, counts.pending), (2, 1, 0));
}

#[test]
fn a_limit_that_says_when_to_come_back_says_it_in_whole_seconds() {
    let limits = vec![Limit { headers: Headers(vec![HeaderStyle::RetryAfter]), ..limit(0.4, 1.0) }];
    let mut provider = Provider::new(Settings { limits, ..settings() });
    provider.call(Time::ZERO, 0, &authorize("a"));
    let refused = provider.call(Time::ZERO, 0, &authorize("b"));
    let retry_after = Some(Duration::from_secs(3));
    assert_eq!(refused.payment_reply(), Some(PaymentReply::RateLimited { retry_after }));
}

#[test]
fn a_call_that_hangs_takes_effect_and_can_be_asked_for_again() {
    let mut provider = Provider::new(Settings { faults: silent(1.0), ..settings() });
    let hung = provider.call(Time::ZERO, 0, &authorize("a"));
    assert_eq!(hung.payment_reply(), None);
    let truth = (line_of(&hung).outcome, line_of(&hung).told);
    assert_eq!(truth, (PaymentOutcome::Authorized, PaymentOutcome::Silence));
    assert_eq!(provider.open_authorizations(), 1);
    assert_eq!(provider.counts(Time::from_millis(99)).pending, 1);
    let again = provider.call(Time::from_millis(100), 0, &authorize("a"));
    assert_eq!(again.payment_reply(), Some(AUTHORIZED));
    assert_eq!(provider.counts(Time::from_millis(100)).pending, 0);
}

#[test]
fn a_decline_reserves_nothing() {
    let mut provider = Provider::new(Settings { declines: 1.0, ..settings() });
    let decision = provider.call(Time::ZERO, 0, &authorize("a"));
    assert!(matches!(decision.payment_reply(), Some(PaymentReply::Declined { .. })));
    assert_eq!(line_of(&decision).outcome, PaymentOutcome::Declined);
    assert_eq!(provider.open_authorizations(), 0);
}

/// A call of a small world, in which everything collides.
fn any_request() -> impl Strategy<Value = PaymentRequest> {
    let amount = (0_u64..4).prop_map(Amount::new);
    let id = (0_u64..6).prop_map(AuthorizationId);
    let call = prop_oneof![
        3 => (amount.clone(), 0_u32..3).prop_map(|(amount, card)| Call::Authorize { amount, card }),
        2 => (id.clone(), amount).prop_map(|(authorization, amount)| {
            Call::Capture { authorization, amount }
        }),
        1 => id.prop_map(|authorization| Call::Void { authorization }),
    ];
    (0_u8..2, 0_u8..3, 0_u8..12, call).prop_map(|(account, reference, key, call)| PaymentRequest {
        account: account.to_string(),
        reference: format!("0-{reference}"),
        key: key.to_string(),
        call,
    })
}

fn any_stream() -> impl Strategy<Value = Vec<(Time, PaymentRequest)>> {
    let gap_ms = prop_oneof![Just(0), 0_u64..50, 0_u64..2_000];
    prop::collection::vec((gap_ms, any_request()), 1..120).prop_map(|calls| {
        let mut at = Time::ZERO;
        let later = |(gap_ms, request)| {
            at += Duration::from_millis(gap_ms);
            (at, request)
        };
        calls.into_iter().map(later).collect()
    })
}

fn rude(seed: u64, limits: Vec<Limit>) -> Settings {
    Settings { seed, limits, declines: 0.2, faults: silent(0.2), ..settings() }
}

/// The authorizations that a ledger tells of: what was reserved, and what became of it.
fn state_of(ledger: &[PaymentLine]) -> BTreeMap<String, (Amount, State)> {
    let mut state = BTreeMap::new();
    for line in ledger.iter().filter(|line| !line.replayed) {
        let payment = line.payment.clone();
        match line.outcome {
            PaymentOutcome::Authorized => {
                let before = state.insert(payment.unwrap(), (line.amount, State::Open));
                assert_eq!(before, None, "an authorization is made once");
            }
            PaymentOutcome::Captured | PaymentOutcome::Voided => {
                let (reserved, state) = state.get_mut(&payment.unwrap()).unwrap();
                assert_eq!(*state, State::Open, "money moves once");
                assert!(line.amount <= *reserved, "no more is taken than was reserved");
                *state = match line.outcome {
                    PaymentOutcome::Captured => State::Captured(line.amount),
                    _ => State::Voided,
                };
            }
            _ => {}
        }
    }
    state
}

proptest! {
    #[test]
    fn money_conserves_and_the_ledger_replayed_gives_the_state(
        stream in any_stream(), seed in any::<u64>(),
    ) {
        let mut provider = Provider::new(rude(seed, vec![limit(20.0, 5.0)]));
        let ledger: Vec<_> = stream
            .iter()
            .flat_map(|(at, request)| provider.call(*at, at.nanos(), request).lines)
            .collect();
        let told = state_of(&ledger);
        for (payment, (amount, state)) in &told {
            let id = AuthorizationId(payment.parse().unwrap());
            let known = provider.authorization(id).unwrap();
            prop_assert_eq!((known.amount, State::of(known)), (*amount, *state));
        }
        let open = told.values().filter(|(_, state)| *state == State::Open).count();
        prop_assert_eq!(provider.open_authorizations(), u64::try_from(open).unwrap());
    }

    #[test]
    fn a_key_takes_effect_once_and_its_first_result_is_its_only_one(
        stream in any_stream(), seed in any::<u64>(),
    ) {
        let mut provider = Provider::new(rude(seed, vec![limit(20.0, 5.0)]));
        let mut first: BTreeMap<(String, String), Decision> = BTreeMap::new();
        let mut effects = BTreeSet::new();
        for (at, request) in stream {
            let decision = provider.call(at, at.nanos(), &request);
            let key = (request.account, request.key);
            let PaymentLine { outcome, replayed, .. } = *line_of(&decision);
            let moves = matches!(
                outcome,
                PaymentOutcome::Authorized | PaymentOutcome::Captured | PaymentOutcome::Voided
            );
            if replayed {
                let first = &first[&key];
                prop_assert_eq!(outcome, line_of(first).outcome);
                prop_assert_eq!(&line_of(&decision).payment, &line_of(first).payment);
                prop_assert_eq!(&first.reply, &decision.reply);
            } else {
                prop_assert!(!moves || effects.insert(key.clone()), "{:?} twice", key);
                let passing = [PaymentOutcome::RateLimited, PaymentOutcome::InFlight];
                if !passing.contains(&outcome) {
                    first.entry(key).or_insert(decision);
                }
            }
        }
    }

    #[test]
    fn no_window_admits_more_than_the_limit(
        stream in any_stream(), rate in 1_u32..40, burst in 1_u32..10,
    ) {
        let limits = vec![limit(f64::from(rate), f64::from(burst))];
        let mut provider = Provider::new(rude(7, limits));
        let mut admitted = stream.clone();
        admitted.retain(|(at, request)| {
            line_of(&provider.call(*at, 0, request)).outcome != PaymentOutcome::RateLimited
        });
        for (first, (start, _)) in admitted.iter().enumerate() {
            for (last, (end, _)) in admitted.iter().enumerate().skip(first) {
                let window_ms = (end.nanos() - start.nanos()) / 1_000_000;
                let worth = u64::from(rate) * window_ms / 1_000;
                prop_assert!((last - first + 1) as u64 <= u64::from(burst) + worth);
            }
        }
        let counts = provider.counts(Time::NEVER);
        prop_assert_eq!(counts.calls - counts.refused, admitted.len() as u64);
    }

    #[test]
    fn the_fate_of_a_payment_does_not_depend_on_the_order_of_arrival(
        seed in any::<u64>(), order in Just((0_u32..40).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let fates = |order: &[u32]| {
            let faults = Some(silent(0.3));
            let base = Overrides { declines: Some(0.3), faults, ..Overrides::default() };
            let limits = Vec::new();
            let mut provider =
                Provider::new(Settings { limits, ..base.resolve(seed).unwrap() });
            let fate = |fan: &u32| {
                let reference = format!("0-{fan}");
                let key = format!("0-{fan}-0");
                let request = PaymentRequest { reference, ..authorize(&key) };
                let decision = provider.call(Time::ZERO, 0, &request);
                (*fan, (line_of(&decision).outcome, line_of(&decision).told, decision.delay))
            };
            order.iter().map(fate).collect::<BTreeMap<_, _>>()
        };
        let sorted: Vec<_> = (0..40).collect();
        prop_assert_eq!(fates(&order), fates(&sorted));
    }
}
