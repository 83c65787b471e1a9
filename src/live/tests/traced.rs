//! Which trace a request belongs to: what the shop is told of it, and what is kept.

use std::collections::{BTreeMap, BTreeSet};

use domain::shop::ShopSnapshot;
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request as Asking, ResponseTemplate};

use super::foreign::{session_shop, session_trip};
use super::shops::{ForeignShop, Seen, Trip, answer};
use super::*;
use crate::scenario::{Protocol, Tls};
use crate::step::funnel::Scheme;
use crate::step::message::Message;
use crate::step::template::{Place, Template};

/// What an honest shop answers.
fn honest_answer(asking: &Asking) -> ResponseTemplate {
    let ok = ShopReply { items: Some(1), slots: Some(1), ..ShopReply::of(Outcome::Ok) };
    match asking.url.path() {
        "/admin/snapshot" => ResponseTemplate::new(200).set_body_json(ShopSnapshot::default()),
        "/admin/ledger" => ResponseTemplate::new(200).set_body_string("{}\n"),
        path if path.contains("/page/") => {
            ResponseTemplate::new(200).set_body_string("<p>page</p>")
        }
        _ => ResponseTemplate::new(200).set_body_json(ok),
    }
}

/// Lives `trial` at a shop of wiremock's; what came of it, and of each request of the fans what it said of
/// its trace.
fn live_at_a_mock(trial: &Trial) -> (Outcomes, Vec<Option<String>>) {
    let runtime = Runtime::new().unwrap();
    let shop = runtime.block_on(async {
        let shop = MockServer::start().await;
        Mock::given(any()).respond_with(honest_answer).mount(&shop).await;
        shop
    });
    let outcomes = trial.live(*shop.address());
    let asked = runtime.block_on(shop.received_requests()).unwrap();
    let text = |asking: &Asking, name: &str| {
        asking.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    let by_fans = asked.iter().filter(|asking| {
        text(asking, "user-agent").is_some_and(|agent| agent.starts_with("spike/"))
    });
    let told = by_fans.map(|asking| text(asking, "traceparent")).collect();
    (outcomes, told)
}

/// Trace, parent and flags of a `traceparent`.
fn parts(told: &str) -> (&str, &str, &str) {
    let parts: Vec<&str> = told.split('-').collect();
    let ["00", trace, parent, flags] = parts[..] else { panic!("{told}") };
    let is_hex = |text: &str| text.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    assert!(trace.len() == 32 && parent.len() == 16 && is_hex(trace) && is_hex(parent), "{told}");
    (trace, parent, flags)
}

#[test]
fn every_request_says_which_trace_it_belongs_to_and_those_of_some_fans_are_kept() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let wire = Wire { protocol, tls: Tls::Off };
        let trial = Trial { fans: 20, wire, traced: Some(0.5), ..Trial::default() };
        let (outcomes, told) = live_at_a_mock(&trial);
        assert_eq!(outcomes.departures(), [Departure::Bought; 20], "{protocol:?}");
        let told: Vec<String> = told.into_iter().map(Option::unwrap).collect();
        let parents: BTreeSet<&str> = told.iter().map(|told| parts(told).1).collect();
        assert_eq!(parents.len(), told.len(), "each request has a span of its own");

        let sampler = Sampler::new(0.5, 7, 0);
        let (followed, others): (Vec<FanId>, Vec<FanId>) =
            outcomes.steps.iter().map(|step| step.fan).partition(|fan| sampler.samples(*fan));
        assert!(!followed.is_empty() && !others.is_empty());
        let flagged: BTreeSet<(String, String)> = told
            .iter()
            .map(|told| parts(told))
            .filter(|(.., flags)| *flags == "01")
            .map(|(trace, parent, _)| (trace.to_owned(), parent.to_owned()))
            .collect();
        let (requests, operations): (Vec<&tracing::Span>, Vec<&tracing::Span>) =
            outcomes.spans.iter().partition(|span| span.request.is_some());
        let kept: BTreeSet<(String, String)> =
            requests.iter().map(|span| (span.trace.to_string(), span.id.to_string())).collect();
        assert_eq!(kept, flagged, "what the shop may keep is kept here too");
        assert!(told.len() > flagged.len() && !flagged.is_empty());
        assert!(outcomes.spans.iter().all(|span| sampler.samples(span.fan)));
        let whole: BTreeMap<_, _> =
            operations.iter().map(|span| ((span.trace, Some(span.id)), *span)).collect();
        let made = outcomes
            .steps
            .iter()
            .filter(|step| matches!(step.action, Action::Send(_)) && sampler.samples(step.fan));
        assert_eq!(operations.len(), made.count());
        for request in requests {
            let whole = whole[&(request.trace, request.parent)];
            assert_eq!((request.fan, request.operation), (whole.fan, whole.operation));
            assert!(whole.began <= request.began && request.ended <= whole.ended);
            let exchange = request.request.as_ref().unwrap();
            assert_eq!((exchange.status, exchange.secured), (Some(200), false));
            assert_eq!(exchange.host, "shop.test");
            let method = if request.operation == Operation::Reload { "GET" } else { "POST" };
            let is_asking = matches!(request.operation, Operation::Slots | Operation::Item);
            assert!(is_asking || exchange.method == method, "{request:?}");
        }
    }
}

#[test]
fn who_traces_nothing_says_nothing_of_traces() {
    let (outcomes, told) = live_at_a_mock(&Trial { fans: 2, ..Trial::default() });
    assert!(told.len() > 4 && told.iter().all(Option::is_none), "{told:?}");
    assert_eq!(outcomes.spans, []);
}

#[test]
fn who_is_redirected_stays_in_the_trace_with_another_span() {
    let shop = ForeignShop::open(Scheme::Http, session_shop);
    let mut trip = session_trip(&shop);
    trip.trial.traced = Some(1.0);
    let outcomes = trip.live();
    assert_eq!(outcomes.departures(), [Departure::Bought; 4]);
    let traces = |line: &str| {
        let told = |seen: &Seen| parts(seen.field("traceparent")).0.to_owned();
        shop.asked(line).iter().map(told).collect::<BTreeSet<String>>()
    };
    assert_eq!((traces("GET /page").len(), traces("POST /checkout").len()), (4, 4));
    assert_eq!(traces("GET /page"), traces("GET /in/page"), "a detour is a part of the way");
    let requests = outcomes.spans.iter().filter_map(|span| span.request.as_ref());
    let statuses: Vec<Option<u16>> = requests.map(|exchange| exchange.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == Some(302)).count(), 4);
    assert_eq!(statuses.len(), shop.asked("").len());
    // What a query holds is nobody's business.
    let paths = outcomes.spans.iter().filter_map(|span| span.request.as_ref());
    assert!(paths.clone().any(|exchange| exchange.path == "/in/page"));
    assert!(paths.clone().all(|exchange| !exchange.path.contains('?')));
}

#[test]
fn a_step_that_names_its_trace_itself_keeps_it_and_is_not_kept() {
    const OWN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let shop = ForeignShop::open(Scheme::Http, |_| answer(200, "", ""));
    let mut trip = Trip::to(&[&shop.host]);
    let template = |text, place| Template::compile(text, place, &trip.names).unwrap();
    let fields = vec![("TraceParent".to_owned(), template(OWN, Place::Field))];
    let target = template("/page", Place::Url);
    let own = Message::new("GET", &shop.host.authority(), target, fields, None);
    trip.step(Operation::Reload, 0, "GET /page", "").message = own;
    trip.step(Operation::Checkout, 0, "POST /pay", "a=b");
    trip.trial.traced = Some(1.0);
    let outcomes = trip.live();
    assert_eq!(shop.asked("GET /page")[0].field("traceparent"), OWN);
    assert_ne!(parts(shop.asked("POST /pay")[0].field("traceparent")).0, parts(OWN).0);
    let requests: Vec<Operation> = outcomes
        .spans
        .iter()
        .filter(|span| span.request.is_some())
        .map(|span| span.operation)
        .collect();
    assert_eq!(requests, [Operation::Checkout]);
}

#[test]
fn a_request_that_is_never_answered_ends_at_its_deadline_without_a_status() {
    let shop = rude_about("POST /checkout", Deed::Silence);
    let trial = Trial { timeout: Duration::from_secs(1), traced: Some(1.0), ..Trial::default() };
    let outcomes = trial.live(shop.address);
    let (intended, _, done, outcome) = outcomes.checkout();
    let unanswered = |span: &&tracing::Span| {
        span.operation == Operation::Checkout && span.outcome == Outcome::Unknown
    };
    let spans: Vec<&tracing::Span> = outcomes.spans.iter().filter(unanswered).collect();
    let [request, whole] = spans[..] else { panic!("{spans:?}") };
    assert_eq!(outcome, Outcome::Unknown);
    assert_eq!((whole.began, whole.ended, request.ended), (intended, done, done));
    assert_eq!(request.request.as_ref().unwrap().status, None);
}
