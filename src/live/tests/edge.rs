//! Shops behind an edge that says what it does.

use super::shops::{ForeignShop, Trip, answer};
use super::*;
use crate::measure::edge::EdgeCounts;
use crate::measure::timeline::Timeline;
use crate::scenario::{Protocol, Tls};
use crate::step::funnel::Scheme::{Http, Https};

/// Three fans load a page of two requests, and buy; the page comes out of the edge, the order does not.
fn trip(host: &crate::step::funnel::Host) -> Trip {
    let mut trip = Trip::to(&[host]);
    trip.step(Operation::Reload, 0, "GET /page", "").name = "page".into();
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b").name = "buy".into();
    trip.trial.fans = 3;
    trip
}

/// What an edge says of the page: who is not on it yet is led there.
fn page(line: &str) -> String {
    match line {
        "GET /page" => answer(302, "Location: /at\r\nX-Cache: Miss from cloudfront\r\n", ""),
        "GET /at" => {
            let head = "X-Cache: Hit from cloudfront\r\nX-Amz-Cf-Pop: NRT57-P3\r\nAge: 90\r\n";
            answer(200, head, "now")
        }
        _ => answer(200, "", "yours"),
    }
}

fn edges(outcomes: &Outcomes) -> std::collections::BTreeMap<String, EdgeCounts> {
    Timeline::read(outcomes.timeline.as_bytes()).unwrap().total().edges
}

#[test]
fn what_the_edge_says_is_counted_by_step_whichever_loop_heard_it() {
    let shop = ForeignShop::open(Http, |seen| page(&seen.line));
    let outcomes = trip(&shop.host).live();
    assert_eq!(outcomes.departures(), [Departure::Bought; 3]);
    let edges = edges(&outcomes);
    let page = &edges["page"];
    let asked = shop.asked("GET ").len() as u64;
    assert_eq!((page.answers, page.hits, page.misses), (asked, asked / 2, asked / 2));
    assert_eq!(page.pops, [("NRT57-P3".to_owned(), asked / 2)].into());
    assert_eq!((page.age_max_s, page.ages.len()), (Some(90), 1));
    assert_eq!(edges["buy"], EdgeCounts { answers: 3, ..EdgeCounts::default() });
}

#[test]
fn the_edge_is_understood_over_http_2_and_in_pieces() {
    let wire = Wire { protocol: Protocol::Http2, tls: Tls::Resumed };
    let shop = RudeShop::open_over(wire, |asked| Some(Deed::Trickle(page(&asked.line))));
    let port = shop.address.port();
    let host = crate::step::funnel::Host { scheme: Https, name: "shop.test".to_owned(), port };
    let mut trip = trip(&host);
    trip.abroad.addresses.insert("shop.test".to_owned(), vec![shop.address.ip()]);
    trip.trust(shop.certificate.as_ref().unwrap());
    trip.trial.wire = wire;
    let outcomes = trip.live();
    assert_eq!(outcomes.departures(), [Departure::Bought; 3]);
    let page = &edges(&outcomes)["page"];
    assert!(page.hits >= 3 && page.hits == page.misses && page.age_max_s == Some(90), "{page:?}");
}

#[test]
fn what_a_load_process_counted_reaches_the_one_that_started_it() {
    let counts = EdgeCounts {
        answers: 9,
        hits: 4,
        ages: [(7, 4)].into(),
        age_max_s: Some(7),
        pops: [("NRT".to_owned(), 9)].into(),
        ..EdgeCounts::default()
    };
    let mut harvest = crate::measure::meter::Meter::new(Time::ZERO).harvest();
    harvest.see([("page".to_owned(), counts.clone())].into());
    let bytes = postcard::to_stdvec(&harvest).unwrap();
    let mut whole: crate::measure::meter::Harvest = postcard::from_bytes(&bytes).unwrap();
    whole.merge(harvest);
    assert_eq!((whole.edges()["page"].answers, whole.edges()["page"].pops["NRT"]), (18, 18));
}
