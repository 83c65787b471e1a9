//! What a load loop allocates once it runs: nothing per request.

use std::sync::atomic::AtomicUsize;

use super::shops::{ForeignShop, Trip, answer};
use super::*;
use crate::arrival::Share;
use crate::live::load::LoadLoop;
use crate::step::capture::Capture;
use crate::step::funnel::Scheme::Http;
use crate::step::message::Message;
use crate::step::rule::{Condition, Rule, Rules, Test};
use crate::step::template::{Place, Template};

/// What the loop of `scenario` allocates, whose requests are traced so. Only the loop's own thread is
/// counted, not the shop's.
fn allocated(scenario: &Scenario, target: &Target, tracing: Option<Sampler>) -> u64 {
    let settings = Settings {
        clock: Clock::begin_in(Duration::ZERO),
        run: String::new(),
        threads: 1,
        connections: Connections::PerFan,
        wire: Wire::default(),
        pacing: Pacing::Precise,
        keep_awake: false,
        sources: Vec::new(),
        processes: None,
        limits: Limits::default(),
        drain: Duration::ZERO,
        transcript: None,
        tracing,
        visits: None,
    };
    let dialer = Dialer::new(target, settings.wire, &settings.sources).unwrap();
    let course = course(scenario, &settings, target, dialer, &Stop::default());
    let (reports, reported) = mpsc::channel();
    let allocated = allocation_counter::measure(|| {
        let arrivals = scenario.coming(Share::WHOLE);
        LoadLoop::new(&course, 0, arrivals, None, reports).unwrap().run().unwrap();
    });
    drop(reported);
    allocated.count_total
}

/// Many fans who look again a millisecond after each answer.
fn impatient(mut scenario: Scenario) -> Scenario {
    scenario.populations[0].crowd.behaviour.reload.gap = Law::Constant(Duration::from_millis(1));
    scenario
}

fn trial() -> Trial {
    Trial { fans: 8, closes: Time::from_millis(3_600_000), ..Trial::default() }
}

/// What one loop allocates, and how many requests its fans make, when the shop turns them away
/// after `many` requests, which are traced so.
fn allocations(many: usize, tracing: Option<Sampler>) -> (u64, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let shop = open(move |asked| {
        let is_over = counted.fetch_add(1, Ordering::SeqCst) >= many;
        let outcome = if is_over { Outcome::Rejected } else { Outcome::NotOpen };
        let is_status = asked.line.ends_with("/status");
        is_status
            .then(|| Deed::Answer(json(&ShopReply { items: Some(1), ..ShopReply::of(outcome) })))
    });
    let target = Target {
        shop: shop.address,
        host: "shop.test".to_owned(),
        provider: None,
        provider_ledger: None,
        certificate: None,
        abroad: None,
    };
    let count = allocated(&impatient(trial().scenario()), &target, tracing);
    (count, asked.load(Ordering::SeqCst))
}

/// The same in a foreign shop whose page is asked for by JSON with what its latest answer told, and
/// says by its JSON that it is not open yet. At every `detour`th request it redirects, sets a cookie,
/// and answers with a page of HTML.
fn foreign_allocations(many: usize, detour: usize) -> (u64, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let shop = ForeignShop::open(Http, move |seen| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let state = if number >= many { "gone" } else { "closed" };
        if number % detour == detour - 1 && seen.line == "POST /page" {
            return answer(303, "Location: /in\r\nSet-Cookie: sid=7; Path=/\r\n", "");
        }
        let edge = "ETag: \"v1\"\r\nX-Cache: Hit from cloudfront\r\nAge: 7\r\n";
        let told = format!(r#"{{"state":"{state}","lines":[{{"token":"{number:08}"}}]}}"#);
        if seen.line == "GET /in" {
            let page = format!("<form id=buy><p><input name=csrf value={number}></form>{told}");
            return answer(200, "Content-Type: text/html\r\n", &page);
        }
        answer(200, edge, &told)
    });
    let mut trip = Trip::to(&[&shop.host]);
    for name in ["token", "etag", "csrf"] {
        trip.names.define(name);
    }
    let template = |text, place| Template::compile(text, place, &trip.names).unwrap();
    let body = r#"{"fan":"{{fan}}","token":"{{token}}","etag":"{{etag}}","qty":1}"#;
    let fields = vec![
        ("Content-Type".to_owned(), template("application/json", Place::Field)),
        ("If-None-Match".to_owned(), template("{{etag}}", Place::Field)),
    ];
    let target = template("/page", Place::Url);
    let body = template(body, Place::Json);
    let message = Message::new("POST", &shop.host.authority(), target, fields, Some(body));
    let state = |word: &str, is| Rule {
        status: Some(200..=299),
        conditions: vec![Condition {
            of: Capture::regex("\"state\":\"([a-z]+)\"").unwrap(),
            test: Test::Equals(word.as_bytes().into()),
        }],
        is,
        then: None,
    };
    let open =
        Condition { of: Capture::json("$.state").unwrap(), test: Test::Equals(b"open"[..].into()) };
    let open = Rule { status: None, conditions: vec![open], is: Outcome::Ok, then: None };
    let step = trip.step(Operation::Reload, 0, "POST /page", "");
    step.message = message;
    step.rules =
        Rules::new(vec![open, state("closed", Outcome::NotOpen), state("gone", Outcome::Rejected)]);
    for (name, at) in [
        ("token", Capture::json("$.lines[0].token").unwrap()),
        ("etag", Capture::field("ETag")),
        ("csrf", Capture::css("#buy input[name=csrf]", Some("value")).unwrap()),
    ] {
        trip.capture(name, at);
    }
    trip.step(Operation::Checkout, 0, "POST /pay", "t={{token}}");
    trip.trial = trial();
    let shop_address = SocketAddr::from(([127, 0, 0, 1], shop.host.port));
    let whole = Trial { abroad: Some(trip.abroad.clone()), ..trip.trial.clone() };
    let count = allocated(&impatient(trip.scenario()), &whole.target(shop_address), None);
    (count, asked.load(Ordering::SeqCst))
}

#[test]
fn in_the_steady_state_a_request_allocates_nothing() {
    assert_allocates_nothing(None);
}

/// Only of those that are followed anything is kept.
#[test]
fn a_request_that_says_which_trace_it_belongs_to_allocates_nothing_either() {
    assert_allocates_nothing(Some(Sampler::new(0.0, 7, 1)));
}

fn assert_allocates_nothing(tracing: Option<Sampler>) {
    let (few, few_requests) = allocations(2_000, tracing);
    let (many, many_requests) = allocations(12_000, tracing);
    let (more, requests) = (many.saturating_sub(few), many_requests - few_requests);
    assert!(few > 0, "the counter counts: a loop's beginning allocates");
    assert!(requests >= 9_000, "{requests}");
    // What is left is what each second costs, however many its requests are.
    assert!(more * 100 < requests as u64, "{more} allocations in {requests} requests");
}

/// Allocations per request between a short and a long visit to a foreign shop.
fn per_foreign_request(detour: usize) -> f64 {
    let (few, few_requests) = foreign_allocations(2_000, detour);
    let (many, many_requests) = foreign_allocations(12_000, detour);
    assert!(few > 0 && many_requests - few_requests >= 9_000, "{many_requests}");
    many.saturating_sub(few) as f64 / (many_requests - few_requests) as f64
}

/// The reader of JSON keeps a stack for the arrays that it passes over on its way to a member; nothing
/// else is allocated.
#[test]
fn in_the_steady_state_a_foreign_request_allocates_once_at_most() {
    let each = per_foreign_request(usize::MAX);
    assert!(each < 1.02, "{each} allocations a request");
}

/// Who is redirected to a page notes where it was sent and which cookie it was given, and a page is
/// taken apart to find an element in it.
#[test]
fn a_detour_over_a_page_allocates_a_bounded_number_of_times() {
    let each = per_foreign_request(2);
    assert!(each < 40.0, "{each} allocations a request");
}
