//! The rules as a whole: whatever is called in whatever order, money conserves, the ledger tells
//! the truth, and memory stays.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use domain::law::Law;
use domain::money::Amount;
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::time::{Duration, Span, Time};
use mock_provider::rules::card::by_name;
use mock_provider::rules::request::{
    CaptureMethod, Confirm, Confirmation, Currency, NewIntent, NewRefund, Source,
};
use mock_provider::rules::{
    Answer, Call, Decision, Delivery, Face, Fault, Provider, Reply, Request, Status,
};
use mock_provider::settings::{Brownout, Challenges, Faults, Latency, Overrides, Settings};
use proptest::prelude::*;

/// A provider that declines and challenges nobody, and answers at once.
fn settings() -> Settings {
    let base = Overrides { declines: Some(0.0), ..Overrides::default() }.resolve(7).unwrap();
    Settings { limits: Vec::new(), latency: Latency::every(Law::default()), ..base }
}

fn create(amount: u64, capture: CaptureMethod, confirm: Confirm) -> Call {
    Call::Create(Box::new(NewIntent {
        amount: Amount::new(amount),
        currency: Currency::JPY,
        capture,
        confirm,
        source: Some(Source::Nth(0)),
        customer: None,
        terms: None,
    }))
}

fn confirm(intent: u64) -> Call {
    let with = Confirmation { source: Some(Source::Nth(1)), ..Confirmation::default() };
    Call::Confirm { intent, with: Box::new(with) }
}

fn capture(intent: u64, amount: Option<u64>) -> Call {
    Call::Capture { intent, amount: amount.map(Amount::new), terms: None }
}

fn refund(intent: u64, amount: Option<u64>) -> Call {
    let amount = amount.map(Amount::new);
    Call::Refund(Box::new(NewRefund { intent, amount, reason: None, terms: None }))
}

/// A call under a key of its own, at a second of its own.
fn ask(provider: &mut Provider, number: u64, reference: &str, call: Call) -> Decision {
    let (at, key) = (Time::from_millis(number * 1_000), number.to_string());
    let request = Request {
        face: Face::Stripe,
        account: "sk_test_1",
        key: Some(&key),
        fingerprint: number,
        reference,
        intent: "",
        call,
    };
    provider.handle(at, at.nanos(), &request)
}

/// What a ledger says of one payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Money {
    reserved: u64,
    taken: u64,
    given_back: u64,
    let_go: bool,
}

/// The payments that a ledger tells of.
fn money_of(ledger: &[PaymentLine]) -> BTreeMap<String, Money> {
    let mut all: BTreeMap<String, Money> = BTreeMap::new();
    for line in ledger.iter().filter(|line| !line.replayed) {
        let Some(payment) = line.payment.clone() else { continue };
        let money = all.entry(payment).or_default();
        let amount = line.amount.minor();
        match line.outcome {
            PaymentOutcome::Authorized => {
                assert_eq!(*money, Money::default(), "reserved once: {line:?}");
                money.reserved = amount;
            }
            PaymentOutcome::Captured => {
                assert_eq!((money.taken, money.let_go), (0, false), "taken once: {line:?}");
                assert!(money.reserved == 0 || amount <= money.reserved, "{line:?}");
                money.taken = amount;
            }
            PaymentOutcome::Voided => {
                assert_eq!(money.taken, 0, "what is taken is not let go: {line:?}");
                money.let_go = true;
            }
            PaymentOutcome::Refunded => money.given_back += amount,
            _ => {}
        }
        assert!(money.given_back <= money.taken, "no more comes back than was taken: {line:?}");
    }
    all
}

/// A call of a small world, in which everything collides.
fn any_call() -> impl Strategy<Value = Call> {
    let id = 0_u64..6;
    let amount = 0_u64..12;
    let some_amount = prop::option::of(0_u64..12);
    let method = prop_oneof![Just(CaptureMethod::Manual), Just(CaptureMethod::Automatic)];
    let when = prop_oneof![Just(Confirm::Now), Just(Confirm::Later)];
    prop_oneof![
        3 => (amount, method, when).prop_map(|(amount, method, when)| create(amount, method, when)),
        2 => id.clone().prop_map(confirm),
        3 => (id.clone(), some_amount.clone()).prop_map(|(id, amount)| capture(id, amount)),
        1 => id.clone().prop_map(|intent| Call::Cancel { intent, reason: None }),
        3 => (id, some_amount).prop_map(|(id, amount)| refund(id, amount)),
    ]
}

/// A provider that does everything that can go wrong.
fn rude(seed: u64) -> Settings {
    let minute = Law::Exponential { mean: Duration::from_secs(20) };
    Settings {
        seed,
        declines: 0.2,
        challenges: Challenges { share: 0.4, takes: minute, failed: 0.3, abandoned: 0.2 },
        faults: Faults {
            commit_then_timeout: 0.05,
            commit_then_5xx: 0.05,
            commit_then_reset: 0.05,
            rollback_after_5xx: 0.05,
            reset_before_commit: 0.05,
            timeout_before_commit: 0.05,
            slow_body: 0.05,
            slow_body_takes: Span(Duration::from_millis(10)),
            only: None,
        },
        brownouts: vec![Brownout {
            from: Span(Duration::from_secs(10)),
            lasts: Span(Duration::from_secs(10)),
            latency: 3.0,
            fails: 0.3,
        }],
        ..settings()
    }
}

proptest! {
    #[test]
    fn money_conserves_whatever_is_called_and_whatever_goes_wrong(
        calls in prop::collection::vec((any_call(), 0_u8..4, any::<bool>()), 1..80),
        seed in any::<u64>(),
    ) {
        let mut provider = Provider::new(rude(seed));
        let mut ledger = Vec::new();
        for (number, (call, reference, answers)) in (0..).zip(calls) {
            let reference = format!("0-{reference}");
            ledger.extend(ask(&mut provider, number, &reference, call).lines);
            let at = Time::from_millis(number * 1_000 + 500);
            let answer = if answers { Answer::Passed } else { Answer::Failed };
            // A cardholder's answer is no call: what is due before it is let happen first.
            ledger.extend(provider.settle(at, at.nanos()));
            if let Ok((_, line)) = provider.authenticate(at, at.nanos(), number % 5, answer) {
                ledger.push(line);
            }
        }
        let end = Time::from_millis(40 * 86_400_000);
        ledger.extend(provider.settle(end, end.nanos()));
        prop_assert!(ledger.is_sorted_by_key(|line| line.utc_ns), "lines come in order of time");
        let told = money_of(&ledger);
        for number in 1..200 {
            let Some(intent) = provider.intent(number) else { continue };
            let money = told.get(&intent.name()).copied().unwrap_or_default();
            prop_assert_eq!(intent.received.minor(), money.taken, "{:?}", intent);
            prop_assert_eq!(intent.refunded.minor(), money.given_back, "{:?}", intent);
            prop_assert!(!intent.is_open(), "forty days later nothing is held: {:?}", intent);
            let was_open = money.reserved > 0 && money.taken == 0;
            prop_assert!(!was_open || money.let_go, "{:?}, {:?}", intent, money);
        }
        prop_assert_eq!(provider.open_authorizations(), 0);
    }
}

#[test]
fn a_partial_capture_lets_the_rest_go() {
    let mut provider = Provider::new(settings());
    ask(&mut provider, 1, "a", create(1_000, CaptureMethod::Manual, Confirm::Now));
    let taken = ask(&mut provider, 2, "a", capture(1, Some(400)));
    assert_eq!(taken.lines[0].amount, Amount::new(400));
    let intent = provider.intent(1).unwrap();
    assert_eq!((intent.status, intent.received.minor()), (Status::Succeeded, 400));
    assert_eq!(intent.capturable, Amount::ZERO);
}

#[test]
fn money_comes_back_in_parts_and_never_twice() {
    let mut provider = Provider::new(settings());
    ask(&mut provider, 1, "a", create(1_000, CaptureMethod::Automatic, Confirm::Now));
    let outcomes: Vec<_> = [Some(300), Some(800), None, None]
        .into_iter()
        .zip(2..)
        .map(|(amount, number)| ask(&mut provider, number, "a", refund(1, amount)).lines[0].outcome)
        .collect();
    let (given, refused) = (PaymentOutcome::Refunded, PaymentOutcome::Refused);
    assert_eq!(outcomes, [given, refused, given, refused]);
    assert_eq!(provider.intent(1).unwrap().refunded, Amount::new(1_000));
}

#[test]
fn a_challenge_is_answered_after_human_time_and_the_ledger_says_when() {
    let takes = Law::Constant(Duration::from_secs(30));
    let challenges = Challenges { share: 1.0, takes, failed: 0.0, abandoned: 0.0 };
    let mut provider = Provider::new(Settings { challenges, ..settings() });
    let asked = ask(&mut provider, 1, "a", create(1_000, CaptureMethod::Manual, Confirm::Now));
    assert_eq!(asked.lines[0].outcome, PaymentOutcome::Challenged);
    let (early, late) = (Time::from_millis(30_999), Time::from_millis(45_000));
    assert_eq!(provider.settle(early, early.nanos()), []);
    let lines = provider.settle(late, late.nanos());
    let told = (lines[0].operation, lines[0].outcome, lines[0].utc_ns);
    let expected = (PaymentOperation::Authenticate, PaymentOutcome::Authorized, 31_000_000_000_u64);
    assert_eq!(told, expected);
    assert_eq!(provider.open_authorizations(), 1);
}

#[test]
fn who_fails_a_challenge_may_try_another_card() {
    let mut provider = Provider::new(settings());
    let card = by_name("pm_card_threeDSecure2Required");
    let Some(card) = card else { return };
    let new = NewIntent {
        amount: Amount::new(1_000),
        currency: Currency::JPY,
        capture: CaptureMethod::Automatic,
        confirm: Confirm::Now,
        source: Some(Source::Test(card)),
        customer: None,
        terms: None,
    };
    ask(&mut provider, 1, "a", Call::Create(Box::new(new)));
    let at = Time::from_millis(2_000);
    let (intent, line) = provider.authenticate(at, at.nanos(), 1, Answer::Failed).unwrap();
    assert_eq!(intent.status, Status::RequiresPaymentMethod);
    assert_eq!(line.outcome, PaymentOutcome::Declined);
    let again = ask(&mut provider, 3, "a", confirm(1));
    assert_eq!(again.lines[0].outcome, PaymentOutcome::Captured);
}

#[test]
fn an_authorization_nobody_captures_runs_out() {
    let mut provider = Provider::new(settings());
    ask(&mut provider, 1, "a", create(1_000, CaptureMethod::Manual, Confirm::Now));
    let month = Time::ZERO + settings().holds.jpy.0;
    assert_eq!(provider.settle(month, month.nanos()), []);
    let later = month + Duration::from_mins(1);
    let lines = provider.settle(later, later.nanos());
    let told = (lines[0].operation, lines[0].outcome, lines[0].amount.minor());
    assert_eq!(told, (PaymentOperation::Expire, PaymentOutcome::Voided, 1_000));
    let refused = ask(&mut provider, 3_000_000, "a", capture(1, None));
    assert_eq!(refused.reply, Reply::Refused(Fault::AuthorizationExpired));
}

/// What a fault of share 1 does to an authorization, and then to its repetition.
fn fault_of(faults: Faults) -> (Decision, Decision) {
    let mut provider = Provider::new(Settings { faults, ..settings() });
    let call = create(1_000, CaptureMethod::Manual, Confirm::Now);
    let first = ask(&mut provider, 1, "a", call.clone());
    let again = Request {
        face: Face::Stripe,
        account: "sk_test_1",
        key: Some("1"),
        fingerprint: 1,
        reference: "a",
        intent: "",
        call,
    };
    let at = Time::from_millis(2_000);
    (first, provider.handle(at, at.nanos(), &again))
}

#[test]
fn each_fault_does_what_its_name_says() {
    let truth = |decision: &Decision| (decision.lines[0].outcome, decision.lines[0].told);
    let (authorized, failed) = (PaymentOutcome::Authorized, PaymentOutcome::Failed);
    let silence = PaymentOutcome::Silence;

    let (first, again) = fault_of(Faults { commit_then_timeout: 1.0, ..Faults::default() });
    assert_eq!((first.delivery, truth(&first)), (Delivery::Never, (authorized, silence)));
    assert!(again.is_replay() && matches!(again.reply, Reply::Intent(_)));

    let (first, again) = fault_of(Faults { commit_then_5xx: 1.0, ..Faults::default() });
    assert_eq!((&first.reply, truth(&first)), (&Reply::Failed, (authorized, failed)));
    assert!(again.is_replay() && again.reply == Reply::Failed, "a 500 is kept under its key");

    let (first, again) = fault_of(Faults { commit_then_reset: 1.0, ..Faults::default() });
    assert_eq!((first.delivery, truth(&first)), (Delivery::Reset, (authorized, silence)));
    assert!(again.is_replay() && matches!(again.reply, Reply::Intent(_)));

    let (first, again) = fault_of(Faults { rollback_after_5xx: 1.0, ..Faults::default() });
    assert_eq!((&first.reply, truth(&first)), (&Reply::Failed, (failed, failed)));
    assert!(again.is_replay() && again.reply == Reply::Failed);

    let (first, again) = fault_of(Faults { reset_before_commit: 1.0, ..Faults::default() });
    assert_eq!((first.delivery, truth(&first)), (Delivery::Reset, (failed, silence)));
    assert!(!again.is_replay(), "what never began is not kept under its key");

    let (first, again) = fault_of(Faults { timeout_before_commit: 1.0, ..Faults::default() });
    assert_eq!((first.delivery, truth(&first)), (Delivery::Never, (failed, silence)));
    assert!(!again.is_replay());

    let second = Span(Duration::from_secs(1));
    let faults = Faults { slow_body: 1.0, slow_body_takes: second, ..Faults::default() };
    let (first, _) = fault_of(faults);
    assert_eq!(
        (first.delivery, truth(&first)),
        (Delivery::Slow(second.0), (authorized, authorized))
    );
}

#[test]
fn a_call_that_met_a_fault_has_another_chance_when_it_is_made_again() {
    let faults = Faults { reset_before_commit: 0.5, ..Faults::default() };
    let mut provider = Provider::new(Settings { faults, ..settings() });
    for fan in 0..200 {
        let reference = format!("0-{fan}");
        let made = (0..30).any(|attempt| {
            let call = create(1_000, CaptureMethod::Manual, Confirm::Now);
            let decision = ask(&mut provider, fan * 100 + attempt, &reference, call);
            decision.delivery == Delivery::Whole
        });
        assert!(made, "thirty coins do not all fall on one side");
    }
}

#[test]
fn a_brownout_is_slow_and_fails_and_ends() {
    let tenth = Law::Constant(Duration::from_millis(100));
    let brownout = Brownout {
        from: Span(Duration::from_secs(10)),
        lasts: Span(Duration::from_secs(5)),
        latency: 8.0,
        fails: 1.0,
    };
    let mut provider = Provider::new(Settings {
        latency: Latency::every(tenth),
        brownouts: vec![brownout],
        ..settings()
    });
    let mut at = |second| {
        let call = create(1_000, CaptureMethod::Manual, Confirm::Now);
        let decision = ask(&mut provider, second, "a", call);
        (decision.delay.as_millis(), decision.reply == Reply::Failed)
    };
    assert_eq!(
        [at(9), at(10), at(14), at(15)],
        [(100, false), (800, true), (800, true), (100, false)]
    );
}

#[test]
fn brownouts_on_top_of_each_other_end_too() {
    let brownout = Brownout {
        from: Span(Duration::ZERO),
        lasts: Span(Duration::from_secs(5)),
        latency: 1_000.0,
        fails: 0.0,
    };
    let latency = Latency::every(Law::Constant(Duration::from_secs(1)));
    let brownouts = vec![brownout; 12];
    let mut provider = Provider::new(Settings { latency, brownouts, ..settings() });
    let call = || create(1_000, CaptureMethod::Manual, Confirm::Now);
    let slow = ask(&mut provider, 1, "a", call()).delay;
    assert!(slow >= Duration::from_secs(1_000_000), "{slow:?}");
    assert_eq!(ask(&mut provider, 5, "b", call()).delay, Duration::from_secs(1));
}

#[test]
fn what_is_finished_is_forgotten_and_what_is_open_is_not() {
    let mut provider = Provider::new(settings());
    ask(&mut provider, 0, "first", create(1_000, CaptureMethod::Manual, Confirm::Now));
    let orders = 130_000;
    for order in 1..=orders {
        let at = Time::from_millis(order);
        let mut call = |key: &str, call| {
            let request = Request {
                face: Face::Native,
                account: "shop",
                key: Some(key),
                fingerprint: 0,
                reference: "0-417",
                intent: "",
                call,
            };
            provider.handle(at, 0, &request);
        };
        let key = order.to_string();
        call(&key, create(1_000, CaptureMethod::Manual, Confirm::Now));
        call(&format!("{key}-c"), capture(order + 1, None));
    }
    let counts = provider.counts(Time::from_millis(orders + 1));
    assert_eq!((counts.calls, counts.open), (2 * orders + 1, 1));
    assert_eq!(counts.payments, 100_001, "the open one, and the newest that are finished");
    assert!(provider.intent(1).unwrap().is_open());
    assert!(provider.intent(2).is_none());
    let day_later = Time::from_millis(2 * 86_400_000);
    ask(&mut provider, day_later.nanos() / 1_000_000_000, "x", capture(1, None));
    assert_eq!(provider.counts(day_later).keys, 1, "a key is remembered for a day");
}
