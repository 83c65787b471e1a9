//! Fans in shops that speak no language of ours: sessions, tokens, redirects, polls, several hosts.

use super::shops::{ForeignShop, Seen, Trip, answer, proxy, rule};
use super::*;
use crate::evidence::{Complaint, ComplaintKind};
use crate::live::abroad::{Credentials, Pin, Proxy, Trust};
use crate::scenario::{Protocol, Tls};
use crate::step::capture::Capture;
use crate::step::funnel::Scheme::{Http, Https};
use crate::step::rule::Rules;

/// A shop that knows its visitors by a cookie, and believes a form only with the token of their
/// page.
pub(super) fn session_shop(seen: &Seen) -> String {
    let sid = seen.field("cookie").strip_prefix("sid=").unwrap_or_default();
    match seen.line.split(['?', '/']).nth(1).unwrap_or_default() {
        "page" if sid.is_empty() => answer(
            302,
            &format!(
                "Location: /in/page?fan={}\r\nSet-Cookie: sid={0}; Path=/; HttpOnly\r\n",
                seen.value("fan")
            ),
            "",
        ),
        "page" | "in" => {
            let html =
                format!("<form><input name=csrf_token type=hidden value=\"t&amp;{sid}\"></form>");
            answer(200, "Content-Type: text/html\r\n", &html)
        }
        "checkout" if seen.value("csrf") == format!("t%26{sid}") && !sid.is_empty() => {
            answer(200, "", "thanks")
        }
        _ => answer(403, "", "who are you?"),
    }
}

pub(super) fn session_trip(shop: &ForeignShop) -> Trip {
    let mut trip = Trip::to(&[&shop.host]);
    trip.step(Operation::Reload, 0, "GET /page?fan={{fan}}", "");
    let csrf = Capture::css("input[name=csrf_token]", Some("value")).unwrap();
    trip.capture("csrf", csrf);
    trip.data("mail", &["a@x.test", "b@x.test", "c@x.test", "d@x.test"]);
    let form = "csrf={{csrf}}&who={{fan}}&mail={{mail}}&sku={{item}}&qty={{quantity}}&\
                ref={{intent}}&key={{key}}&slot={{slot}}";
    trip.step(Operation::Checkout, 0, "POST /checkout", form);
    trip.trial.fans = 4;
    trip
}

#[test]
fn a_shop_of_sessions_and_tokens_is_bought_from_over_any_connections() {
    for connections in [Connections::PerFan, Connections::Pool(2), Connections::PerOperation] {
        for scheme in [Http, Https] {
            let shop = ForeignShop::open(scheme, session_shop);
            let mut trip = session_trip(&shop);
            trip.trust(&shop.certificate);
            trip.trial.connections = connections;
            let outcomes = trip.live();
            assert_eq!(outcomes.departures(), [Departure::Bought; 4], "{connections:?}");
            assert_eq!(outcomes.complaints(), [], "{connections:?}");
            let run = shop.asked("GET /page")[0].field("x-spike-run").to_owned();
            assert!(run.len() > 5 && !run.contains('{'), "{run}");
            let mut mails = Vec::new();
            for seen in shop.asked("POST /checkout") {
                let who = seen.value("who");
                assert_eq!(seen.field("cookie"), format!("sid={who}"));
                assert_eq!(seen.value("ref"), format!("{run}-{who}"));
                assert_eq!(seen.value("key"), format!("{run}-{who}-0"));
                assert_eq!((seen.value("sku"), seen.value("slot")), ("tee", "noon"));
                assert_eq!(seen.field("user-agent"), "spike/test");
                mails.push((who.to_owned(), seen.value("mail").to_owned()));
            }
            mails.sort();
            let row = |who: &str, mail: &str| (who.to_owned(), format!("{mail}%40x.test"));
            assert_eq!(mails, [row("0-0", "a"), row("0-1", "b"), row("0-2", "c"), row("0-3", "d")]);
            match connections {
                Connections::PerFan => assert_eq!(shop.connections(), 4),
                Connections::Pool(limit) => assert!(shop.connections() <= limit),
                // The redirect is followed within the operation.
                Connections::PerOperation => assert_eq!(shop.connections(), 8),
            }
        }
    }
}

#[test]
fn an_order_that_is_accepted_is_asked_for_until_it_is_settled() {
    let polls = Mutex::new(0);
    let shop = ForeignShop::open(Http, move |seen| match seen.line.as_str() {
        "POST /checkout" => answer(202, "", r#"{"order":"o 7"}"#),
        "GET /orders/o%207" => {
            let mut polls = polls.lock().unwrap();
            *polls += 1;
            if *polls < 3 { answer(202, "", "{}") } else { answer(200, "", "{}") }
        }
        _ => answer(200, "", "{}"),
    });
    let mut trip = Trip::to(&[&shop.host]);
    trip.step(Operation::Reload, 0, "GET /page", "");
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b").rules =
        Rules::new(vec![rule(202, Outcome::Waiting, Some(2))]);
    trip.capture("order", Capture::json("$.order").unwrap());
    trip.step(Operation::Poll, 0, "GET /orders/{{order}}", "");
    trip.stages[2].0.every = Some(Duration::from_millis(20));
    let outcomes = trip.live();
    assert_eq!(outcomes.departures(), [Departure::Bought]);
    assert_eq!(shop.asked("GET /orders/o%207").len(), 3);
    assert_eq!(shop.asked("POST /checkout").len(), 1);
}

#[test]
fn each_host_has_its_own_connection_and_cookies() {
    for connections in [Connections::PerFan, Connections::Pool(1), Connections::PerOperation] {
        let card = ForeignShop::open(Http, |_| {
            answer(200, "Set-Cookie: card=1; Path=/elsewhere\r\n", r#"{"token":"tok_1"}"#)
        });
        let shop = ForeignShop::open(Http, |seen| match seen.line.as_str() {
            "POST /pay" if seen.body != "token=tok_1" => answer(400, "", ""),
            _ => answer(200, "Set-Cookie: own=1; Path=/\r\n", ""),
        });
        let mut trip = Trip::to(&[&shop.host, &card.host]);
        trip.step(Operation::Reload, 0, "GET /page", "");
        trip.step(Operation::Other, 1, "POST /tokens", "pan=4242");
        trip.capture("token", Capture::json("$.token").unwrap());
        trip.step(Operation::Checkout, 0, "POST /pay", "token={{token}}");
        trip.trial.fans = 3;
        trip.trial.connections = connections;
        let outcomes = trip.live();
        assert_eq!(outcomes.departures(), [Departure::Bought; 3], "{connections:?}");
        let expected = match connections {
            Connections::PerFan => (3, 3),
            Connections::PerOperation => (6, 3),
            // Each loop has at least one.
            Connections::Pool(_) => (1, 1),
        };
        assert_eq!((shop.connections(), card.connections()), expected, "{connections:?}");
        assert!(shop.asked("POST /pay").iter().all(|seen| seen.field("cookie") == "own=1"));
        assert_eq!(outcomes.run.unwrap().doubts, [""; 0], "{connections:?}");
    }
}

#[test]
fn a_certificate_is_believed_if_it_is_named_or_nobody_is_doubted() {
    let live = |trust: &dyn Fn(&mut Trip, &ForeignShop)| {
        let shop = ForeignShop::open(Https, session_shop);
        let mut trip = session_trip(&shop);
        trust(&mut trip, &shop);
        (trip.live().run, shop)
    };
    let named = live(&|trip, shop| trip.trust(&shop.certificate));
    assert!(named.0.is_ok(), "{:?}", named.0);
    assert!(live(&|trip, _| trip.abroad.trust = Trust::Anyone).0.is_ok());
    let (certificate, _) = rude::identity("127.0.0.1", &[]);
    let (stranger, shop) = live(&|trip, _| trip.trust(&certificate));
    let error = stranger.unwrap_err();
    assert!(matches!(error, LiveError::Untrusted { .. }), "{error}");
    assert!(error.to_string().contains("`-k` believes any"), "{error}");
    assert_eq!(shop.connections(), 0, "nothing was asked");
}

#[test]
fn who_speaks_no_tls_is_told_from_one_whom_nobody_keeps() {
    let shop = ForeignShop::open(Http, |_| answer(200, "", ""));
    let host = crate::step::funnel::Host { scheme: Https, ..shop.host.clone() };
    let mut trip = Trip::to(&[&host]);
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b");
    trip.abroad.trust = Trust::Anyone;
    let error = trip.live().run.unwrap_err();
    assert!(
        error.to_string().starts_with("secure the connection to https://127.0.0.1:"),
        "{error}"
    );
}

#[test]
fn a_redirect_to_a_stranger_is_refused_and_told() {
    let shop = ForeignShop::open(Http, |seen| match seen.line.as_str() {
        "POST /checkout" => answer(307, "Location: https://api.stripe.com/v1\r\n", "moved"),
        _ => answer(200, "", ""),
    });
    let mut trip = Trip::to(&[&shop.host]);
    trip.allow_hosts = vec!["api.stripe.com".to_owned()];
    trip.step(Operation::Reload, 0, "GET /page", "");
    trip.step(Operation::Checkout, 0, "POST /checkout", "card=1");
    let outcomes = trip.live();
    assert_eq!(outcomes.checkout().3, Outcome::Error);
    let [complaint] = &outcomes.complaints()[..] else { panic!("one complaint") };
    assert_eq!(
        (complaint.step.as_str(), complaint.kind),
        ("checkout", ComplaintKind::RedirectRefused)
    );
    assert!(complaint.about.contains("api.stripe.com"), "{complaint:?}");
    let example = complaint.example.as_ref().unwrap();
    assert_eq!((example.status, example.body.as_str()), (307, "moved"));
}

#[test]
fn a_chain_of_redirects_is_one_operation_until_it_is_too_long() {
    let shop = ForeignShop::open(Http, |seen| {
        let hop: u32 = seen.line.rsplit('/').next().unwrap().parse().unwrap_or(0);
        if hop < 12 {
            answer(302, &format!("Location: /hop/{}\r\n", hop + 1), "")
        } else {
            answer(200, "", "")
        }
    });
    let mut trip = Trip::to(&[&shop.host]);
    trip.step(Operation::Checkout, 0, "POST /hop/2", "card=1");
    assert_eq!(trip.live().departures(), [Departure::Bought]);
    assert_eq!(shop.asked("GET /hop/").len(), 10);
    let mut trip = Trip::to(&[&shop.host]);
    trip.step(Operation::Checkout, 0, "POST /hop/1", "card=1");
    let outcomes = trip.live();
    assert_eq!(outcomes.checkout().3, Outcome::Error);
    assert_eq!(outcomes.complaints()[0].kind, ComplaintKind::TooManyRedirects);
}

#[test]
fn what_cannot_be_understood_is_told_once_with_its_count() {
    let shop = ForeignShop::open(Http, |seen| match seen.line.as_str() {
        "GET /page" => answer(200, "Content-Encoding: br\r\n", "\u{7}gibberish"),
        _ => answer(200, "", ""),
    });
    let mut trip = Trip::to(&[&shop.host]);
    trip.step(Operation::Reload, 0, "GET /page", "");
    trip.capture("csrf", Capture::json("$.csrf").unwrap());
    trip.step(Operation::Checkout, 0, "POST /checkout", "csrf={{csrf}}");
    trip.trial.fans = 5;
    trip.trial.threads = 1;
    trip.trial.closes = Time::from_millis(600);
    let outcomes = trip.live();
    assert_eq!(outcomes.first(Operation::Reload).1.outcome, Outcome::Error);
    let asked = shop.asked("GET /page").len() as u64;
    let complaint = |kind, about: &str| Complaint {
        step: "reload".to_owned(),
        kind,
        about: about.to_owned(),
        count: asked,
        open: if kind == ComplaintKind::CaptureNotFound { asked } else { 0 },
        of: Some(asked),
        example: Some(crate::evidence::Example { status: 200, body: "·gibberish".to_owned() }),
    };
    let mut complaints = outcomes.complaints();
    complaints.sort_by_key(|complaint| complaint.kind);
    assert_eq!(
        complaints,
        [
            complaint(ComplaintKind::CaptureNotFound, "csrf"),
            complaint(ComplaintKind::EncodedBody, "br"),
        ]
    );
    assert_eq!(shop.asked("POST /checkout").len(), 0);
}

#[test]
fn a_request_that_lacks_a_value_is_not_sent() {
    let shop = ForeignShop::open(Http, |_| answer(200, "", ""));
    let mut trip = Trip::to(&[&shop.host]);
    trip.names.define("order");
    trip.step(Operation::Reload, 0, "GET /page", "");
    trip.step(Operation::Checkout, 0, "GET /orders/{{order}}", "");
    let outcomes = trip.live();
    assert_eq!(outcomes.checkout().3, Outcome::Error);
    let complaint = &outcomes.complaints()[0];
    assert_eq!((complaint.kind, complaint.about.as_str()), (ComplaintKind::ValueMissing, "order"));
    assert_eq!(complaint.example, None);
    assert_eq!(shop.asked("GET /orders").len(), 0);
}

#[test]
fn what_no_rule_fits_goes_by_its_status_and_is_told() {
    let shop = ForeignShop::open(Http, |_| answer(200, "", "hm"));
    let mut trip = Trip::to(&[&shop.host]);
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b").rules =
        Rules::new(vec![rule(201, Outcome::Ok, None)]);
    let outcomes = trip.live();
    assert_eq!(outcomes.departures(), [Departure::Bought]);
    let complaint = &outcomes.complaints()[0];
    assert_eq!((complaint.kind, complaint.count), (ComplaintKind::NoRuleFits, 1));
}

#[test]
fn a_page_of_several_requests_ends_with_the_last_step_and_each_is_made() {
    let shop = ForeignShop::open(Http, |_| answer(200, "", ""));
    let mut trip = Trip::to(&[&shop.host]);
    let other = trip.step(Operation::Reload, 0, "GET /status", "").clone();
    trip.stages.clear();
    trip.step(Operation::Reload, 0, "GET /page", "");
    trip.stages[0].1.push(other);
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b");
    assert_eq!(trip.live().departures(), [Departure::Bought]);
    let lines: Vec<String> = shop.asked("").into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /page", "GET /status", "POST /checkout"]);
}

#[test]
fn whoever_is_behind_a_proxy_is_asked_through_it() {
    let shop = ForeignShop::open(Https, session_shop);
    let mut trip = session_trip(&shop);
    let (address, asked) = proxy();
    trip.trust(&shop.certificate);
    let credentials = Some(Credentials::basic("me", "hush"));
    trip.abroad.proxy = Some(Proxy { addresses: vec![address], credentials: credentials.clone() });
    assert_eq!(trip.live().departures(), [Departure::Bought; 4]);
    let expected = format!("CONNECT {}", shop.host.authority());
    let known = "Basic bWU6aHVzaA==";
    let is_right =
        |seen: &Seen| seen.line == expected && seen.field("proxy-authorization") == known;
    let asked = asked.lock().unwrap();
    assert!(asked.len() >= 4 && asked.iter().all(is_right), "{asked:?}");
    let hears_it = |seen: &Seen| !seen.field("proxy-authorization").is_empty();
    assert!(!shop.asked("").iter().any(hears_it), "it is for the proxy alone");

    // Over plain HTTP the proxy is told the whole URL.
    let proxy = ForeignShop::open(Http, |_| answer(200, "", ""));
    let host =
        crate::step::funnel::Host { name: "shop.test".to_owned(), port: 80, ..proxy.host.clone() };
    let mut trip = Trip::to(&[&host]);
    trip.step(Operation::Checkout, 0, "POST /checkout?a=b", "a=b");
    let addresses = vec![SocketAddr::from(([127, 0, 0, 1], proxy.host.port))];
    trip.abroad.proxy = Some(Proxy { addresses, credentials });
    assert_eq!(trip.live().departures(), [Departure::Bought]);
    let seen = &proxy.asked("POST http://shop.test/checkout?a=b")[0];
    assert_eq!((seen.field("host"), seen.field("proxy-authorization")), ("shop.test", known));
    assert_eq!(seen.body, "a=b");
}

#[test]
fn a_pinned_host_is_asked_elsewhere_and_a_deaf_address_is_passed_over() {
    let shop = ForeignShop::open(Http, |_| answer(200, "", ""));
    let host =
        crate::step::funnel::Host { name: "shop.test".to_owned(), port: 80, ..shop.host.clone() };
    let mut trip = Trip::to(&[&host]);
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b");
    let to_port = Some(shop.host.port);
    let pin = Pin { name: None, port: Some(80), to_name: Some("backend.test".to_owned()), to_port };
    trip.abroad.pins = vec![pin];
    // Nobody listens at the first.
    let addresses = vec![[127, 0, 0, 77].into(), [127, 0, 0, 1].into()];
    trip.abroad.addresses.insert("backend.test".to_owned(), addresses);
    assert_eq!(trip.live().departures(), [Departure::Bought]);
    assert_eq!(shop.asked("POST /checkout")[0].field("host"), "shop.test");
}

#[test]
fn fields_are_read_over_each_protocol_and_in_pieces() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let wire = Wire { protocol, tls: Tls::Resumed };
        let shop = RudeShop::open_over(wire, |asked| {
            let said = match asked.line.as_str() {
                "GET /page" => answer(302, "Location: /landed\r\nX-Token: a b\r\n", ""),
                "GET /landed" => answer(200, "", "later"),
                "GET /t/a%20b" => answer(200, "", ""),
                _ => answer(404, "", ""),
            };
            Some(Deed::Trickle(said))
        });
        let host = crate::step::funnel::Host {
            scheme: Https,
            name: "shop.test".to_owned(),
            port: shop.address.port(),
        };
        let mut trip = Trip::to(&[&host]);
        trip.abroad.addresses.insert("shop.test".to_owned(), vec![shop.address.ip()]);
        trip.trust(shop.certificate.as_ref().unwrap());
        trip.trial.wire = wire;
        trip.step(Operation::Reload, 0, "GET /page", "");
        trip.capture("token", Capture::field("x-token"));
        trip.step(Operation::Checkout, 0, "GET /t/{{token}}", "");
        let outcomes = trip.live();
        assert_eq!(outcomes.departures(), [Departure::Bought], "{protocol:?}");
        assert_eq!(outcomes.complaints(), [], "{protocol:?}");
    }
}

#[test]
fn a_shop_that_nobody_keeps_is_one_clear_sentence() {
    let host = crate::step::funnel::Host { scheme: Http, name: "127.0.0.1".to_owned(), port: 1 };
    let mut trip = Trip::to(&[&host]);
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b");
    let error = trip.live().run.unwrap_err();
    assert!(error.to_string().starts_with("reach http://127.0.0.1:1: "), "{error}");
}
