use std::collections::{BTreeMap, BTreeSet};

use domain::law::Law;
use domain::money::Amount;
use proptest::prelude::*;

use super::*;
use crate::rules::Provider;
use crate::rules::card::by_name;
use crate::rules::directory::Object;
use crate::rules::event::ListEvents;
use crate::rules::reply::{Fault, Reply};
use crate::rules::request::{
    Call, CaptureMethod, Confirm, Currency, Face, NewIntent, Request, Source,
};
use crate::settings::{EndpointSettings, Latency, Overrides, Retries, Settings};
use domain::time::Span;

const HOOK: &str = "http://127.0.0.1:9/hook";

/// Messages that are sent at once and in order, to one endpoint.
fn at_once() -> Webhooks {
    Webhooks {
        delay: Law::default(),
        endpoints: vec![EndpointSettings::new(HOOK, None)],
        ..Webhooks::default()
    }
}

/// A provider that takes no time and declines nobody.
fn provider(webhooks: Webhooks) -> Provider {
    Provider::new(Settings {
        limits: Vec::new(),
        declines: 0.0,
        latency: Latency::every(Law::default()),
        webhooks,
        ..Overrides::default().resolve(7).unwrap()
    })
}

/// A payment of that reference, by a card that is approved, taken at once.
fn pay(provider: &mut Provider, at: Time, reference: &str) {
    let call = Call::Create(Box::new(NewIntent {
        amount: Amount::new(4_500),
        currency: Currency::JPY,
        capture: CaptureMethod::Automatic,
        confirm: Confirm::Now,
        source: by_name("pm_card_visa").map(Source::Test),
        customer: None,
        terms: None,
    }));
    ask(provider, at, reference, call);
}

fn ask(provider: &mut Provider, at: Time, reference: &str, call: Call) {
    let request = Request {
        face: Face::Stripe,
        account: "shop",
        key: None,
        fingerprint: 0,
        reference,
        intent: "",
        call,
    };
    provider.handle(at, 1_700_000_000_000_000_000 + at.nanos(), &request);
}

/// What a payment that is taken at once tells, in order.
const TOLD: [&str; 3] = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"];

/// Lets an endpoint answer all messages until none waits, and gives them with their instants.
fn run(
    provider: &mut Provider,
    mut answer: impl FnMut(&Delivery) -> Answered,
) -> Vec<(Time, Delivery)> {
    let mut sent = Vec::new();
    while let Some(at) = provider.webhooks().next_due() {
        for delivery in provider.webhooks_mut().due(at, usize::MAX) {
            let answered = answer(&delivery);
            provider.webhooks_mut().outcome(delivery.message, at, answered);
            sent.push((at, delivery));
        }
    }
    sent
}

fn taken(_: &Delivery) -> Answered {
    Answered::Status(200)
}

fn kinds(sent: &[(Time, Delivery)]) -> Vec<&'static str> {
    sent.iter().map(|(_, delivery)| delivery.event.kind).collect()
}

#[test]
fn every_event_is_sent_once_and_in_order_unless_told_otherwise() {
    let mut provider = provider(at_once());
    pay(&mut provider, Time::ZERO, "order-1");
    let sent = run(&mut provider, taken);
    assert_eq!(kinds(&sent), TOLD);
    let tally = Tally { noted: 3, delivered: 3, attempts: 3, ..Tally::default() };
    assert_eq!(provider.webhooks().tally(), tally);
}

#[test]
fn a_message_follows_the_answer_unless_it_is_early() {
    let first_sent = |early| {
        let settings = Webhooks { early, ..at_once() };
        let mut provider = provider(settings);
        provider.settings.latency = Latency::every(Law::Constant(Duration::from_millis(700)));
        pay(&mut provider, Time::from_millis(100), "order-1");
        run(&mut provider, taken)[0].0
    };
    assert_eq!(first_sent(0.0), Time::from_millis(800));
    assert_eq!(first_sent(1.0), Time::from_millis(100));
}

#[test]
fn what_is_lost_is_never_sent_and_can_be_asked_for() {
    let mut provider = provider(Webhooks { lost: 1.0, ..at_once() });
    pay(&mut provider, Time::ZERO, "order-1");
    assert_eq!(run(&mut provider, taken), []);
    let wanted = ListEvents { delivered: Some(Delivered::NotToAll), ..ListEvents::default() };
    let call = WebhookCall::ListEvents(wanted);
    let Ok(Reply::Objects { page, more: false }) = provider.webhook(0, "shop", &call) else {
        panic!("a page of events");
    };
    assert_eq!(page.len(), 3);
    assert_eq!(provider.webhooks().tally().lost, 3);
}

#[test]
fn a_duplicate_is_the_same_event() {
    let mut provider = provider(Webhooks { duplicated: 1.0, ..at_once() });
    pay(&mut provider, Time::ZERO, "order-1");
    let sent = run(&mut provider, taken);
    let mut numbers: Vec<_> = sent.iter().map(|(_, it)| it.event.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 2, 2, 3, 3]);
    assert_eq!(provider.webhooks().tally().duplicates, 3);
}

#[test]
fn one_change_may_make_two_events() {
    let mut provider = provider(Webhooks { twice: 1.0, ..at_once() });
    pay(&mut provider, Time::ZERO, "order-1");
    let sent = run(&mut provider, taken);
    let numbers: Vec<_> = sent.iter().map(|(_, it)| it.event.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(kinds(&sent), [TOLD[0], TOLD[0], TOLD[1], TOLD[1], TOLD[2], TOLD[2]]);
}

#[test]
fn a_late_message_comes_later_by_the_law() {
    let late_by = Law::Constant(Duration::from_mins(1));
    let mut provider = provider(Webhooks { late: 1.0, late_by, ..at_once() });
    pay(&mut provider, Time::ZERO, "order-1");
    let sent = run(&mut provider, taken);
    assert!(sent.iter().all(|(at, _)| *at == Time::from_millis(60_000)), "{sent:?}");
}

#[test]
fn a_message_that_is_held_back_is_overtaken_by_the_next_about_its_payment() {
    let mut provider = provider(Webhooks { reordered: 1.0, ..at_once() });
    pay(&mut provider, Time::ZERO, "order-1");
    pay(&mut provider, Time::ZERO, "order-2");
    let sent = run(&mut provider, taken);
    let of = |number| {
        let of_it = sent.iter().filter(|(_, it)| it.event.about.intent().unwrap().number == number);
        of_it.map(|(at, it)| (*at, it.event.kind)).collect::<Vec<_>>()
    };
    // The last has no other to wait for.
    let alone = Time::ZERO + Duration::from_secs(30);
    let expected = [(Time::ZERO, TOLD[1]), (Time::from_millis(50), TOLD[0]), (alone, TOLD[2])];
    assert_eq!((of(1), of(2)), (expected.to_vec(), expected.to_vec()));
}

#[test]
fn the_back_off_is_exact() {
    let retries = Retries {
        first: Span(Duration::from_secs(5)),
        factor: 2.0,
        longest: Span(Duration::from_mins(1)),
        within: Span(Duration::from_mins(5)),
        tries: 100,
    };
    let mut provider = provider(Webhooks { retries, ..at_once() });
    provider
        .dispatcher
        .endpoints
        .update(
            &at_once(),
            "shop",
            1,
            EndpointChange { events: Some(vec![TOLD[2].to_owned()]), ..EndpointChange::default() },
        )
        .unwrap();
    pay(&mut provider, Time::from_millis(1_000), "order-1");
    let sent = run(&mut provider, |it| match it.attempt {
        1 => Answered::Silence,
        2 => Answered::Status(302),
        _ => Answered::Status(500),
    });
    let seconds: Vec<_> = sent.iter().map(|(at, _)| at.seconds()).collect();
    // 5, 10, 20, 40, 60, 60, 60 s: one more would be later than 300 s after the first.
    assert_eq!(seconds, [1.0, 6.0, 16.0, 36.0, 76.0, 136.0, 196.0, 256.0]);
    assert!(sent.iter().all(|(_, it)| it.event == sent[0].1.event));
    let tally =
        Tally { noted: 1, given_up: 1, attempts: 8, retries: 7, failed: 8, ..Tally::default() };
    assert_eq!(provider.webhooks().tally(), tally);
}

#[test]
fn by_default_retries_end_after_three_days() {
    let retries = Retries::default();
    let mut spent = Duration::ZERO;
    let mut made = 0;
    while let Some(wait) = retries.wait(made + 1, spent) {
        spent += wait;
        made += 1;
    }
    // 5 s · 2^k for k = 0 … 13, then 12 h each until 3 days are over.
    assert_eq!((made, spent), (18, Duration::from_secs(5 * ((1 << 14) - 1) + 4 * 12 * 3_600)));
    assert_eq!(Retries { tries: 3, ..retries }.wait(4, Duration::ZERO), None);
}

#[test]
fn an_endpoint_hears_only_what_it_wants_and_nothing_once_it_is_gone() {
    let mut provider = provider(Webhooks { endpoints: Vec::new(), ..at_once() });
    let new = NewEndpoint {
        url: HOOK.to_owned(),
        events: vec!["charge.succeeded".to_owned()],
        ..NewEndpoint::default()
    };
    let made = provider.webhook(0, "shop", &WebhookCall::Create(new.clone())).unwrap();
    provider.webhook(0, "other shop", &WebhookCall::Create(new)).unwrap();
    let Reply::Object(Object::Endpoint(endpoint, Secret::Told)) = made else { panic!("{made:?}") };
    assert!(endpoint.secret.len() == 38 && endpoint.secret.starts_with("whsec_"), "{endpoint:?}");
    pay(&mut provider, Time::ZERO, "order-1");
    let pending = provider.webhooks().pending().map(|(it, to, ..)| (it.kind, to));
    assert_eq!(pending.collect::<Vec<_>>(), [("charge.succeeded", 1)]);
    provider.webhook(0, "shop", &WebhookCall::Delete { endpoint: 1 }).unwrap();
    assert_eq!(run(&mut provider, taken), []);
    assert_eq!(provider.webhooks().tally().dropped, 1);
}

#[test]
fn a_stranger_is_never_sent_to() {
    let mut provider = provider(at_once());
    for (url, part) in [
        ("http://example.com/hook", "`example.com` is not this machine"),
        ("http://127.0.0.1@example.com/", "`example.com` is not this machine"),
        ("http://localhost.example.com/", "is not this machine"),
        ("http://[::2]/", "is not this machine"),
        ("https://127.0.0.1/hook", "is not an http URL"),
        ("file:///etc/passwd", "is not an http URL"),
        ("hook", "is not a URL"),
    ] {
        let events = vec!["*".to_owned()];
        let new = NewEndpoint { url: url.to_owned(), events, ..NewEndpoint::default() };
        let call = WebhookCall::Create(new);
        let Err(Fault::Parameter { param, message, .. }) = provider.webhook(0, "shop", &call)
        else {
            panic!("{url} is let pass");
        };
        assert!(param == "url" && message.contains(part), "{url}: {message}");
    }
    let settings = Webhooks { allow_hosts: vec!["shop.test".to_owned()], ..at_once() };
    for url in
        ["http://shop.test:8080/", "http://localhost/", "http://[::1]:9/", "http://127.9.9.9"]
    {
        assert_eq!(settings.check_url(url), Ok(()), "{url}");
    }
}

#[test]
fn the_oldest_messages_are_dropped_before_memory_grows() {
    let mut provider = provider(at_once());
    let payments = PENDING_MAX / TOLD.len() + 100;
    for payment in 0..payments {
        pay(&mut provider, Time::ZERO, &payment.to_string());
    }
    let dropped = (payments * TOLD.len() - PENDING_MAX) as u64;
    assert_eq!(provider.webhooks().pending_count(), PENDING_MAX as u64);
    assert_eq!(provider.webhooks().tally().dropped, dropped);
    let first = provider.webhooks_mut().due(Time::ZERO, 1).remove(0);
    assert_eq!(first.event.number, dropped + 1);
    assert_eq!(provider.webhooks().pending.due.len(), PENDING_MAX - 1);
}

/// Everything that can go wrong does, now and then.
fn rude() -> Webhooks {
    let law = |median| Law::Lognormal { median, sigma: 1.0 };
    Webhooks {
        delay: law(Duration::from_millis(300)),
        early: 0.2,
        late: 0.2,
        late_by: law(Duration::from_mins(1)),
        duplicated: 0.2,
        twice: 0.2,
        reordered: 0.2,
        lost: 0.2,
        ..at_once()
    }
}

proptest! {
    #[test]
    fn what_is_not_lost_is_delivered_as_long_as_the_endpoint_answers_in_the_end(
        seed in any::<u64>(), failures in 0_u32..6, payments in 1_u32..30,
    ) {
        let mut provider = provider(Webhooks::default());
        provider.dispatcher = Dispatcher::new(seed, rude());
        for payment in 0..payments {
            let at = Time::from_millis(u64::from(payment) * 10);
            pay(&mut provider, at, &payment.to_string());
        }
        let made: BTreeSet<_> = (1..=provider.events().made()).collect();
        let sent = run(&mut provider, |it| match it.attempt {
            attempt if attempt <= failures => Answered::Silence,
            _ => Answered::Status(204),
        });
        let told: BTreeSet<_> = sent.iter().map(|(_, it)| it.event.number).collect();
        let not_told: BTreeSet<_> =
            made.iter().copied().filter(|it| provider.webhooks().left(*it) > 0).collect();
        prop_assert!(told.is_disjoint(&not_told));
        prop_assert_eq!(&told | &not_told, made);
        let tally = provider.webhooks().tally();
        prop_assert_eq!(tally.lost + tally.delivered, tally.noted);
        prop_assert_eq!(not_told.len() as u64, tally.lost);
        prop_assert_eq!(provider.webhooks().pending_count(), 0);
        prop_assert!(provider.webhooks().pending.held.is_empty());
    }

    #[test]
    fn what_becomes_of_a_message_does_not_depend_on_other_payments(
        seed in any::<u64>(), order in Just((0_u32..20).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let messages = |order: &[u32]| {
            let mut provider = provider(Webhooks::default());
            provider.dispatcher = Dispatcher::new(seed, rude());
            for payment in order {
                pay(&mut provider, Time::ZERO, &payment.to_string());
            }
            let sent = run(&mut provider, taken);
            let mut by_payment = BTreeMap::<_, Vec<_>>::new();
            for (at, it) in sent {
                let reference = it.event.about.intent().unwrap().reference.clone();
                let message = (at, it.event.kind, it.event.telling);
                by_payment.entry(reference).or_default().push(message);
            }
            by_payment
        };
        let sorted: Vec<_> = (0..20).collect();
        prop_assert_eq!(messages(&order), messages(&sorted));
    }
}
