//! The canary, in shops that are not open yet.

use super::shops::{ForeignShop, Trip, answer, walk};
use super::*;
use crate::step::capture::Capture;
use crate::step::funnel::Scheme::Http;

#[test]
fn a_canary_takes_a_page_that_is_not_open_once_and_waits_for_nothing() {
    let html = "<input name=csrf_token value=t1>";
    let shop = ForeignShop::open(Http, move |seen| match seen.line.as_str() {
        "GET /page" => answer(425, "", html),
        "POST /checkout" if seen.value("csrf") == "t1" => answer(200, "", ""),
        _ => answer(403, "", ""),
    });
    let mut trip = Trip::to(&[&shop.host]);
    trip.step(Operation::Reload, 0, "GET /page", "");
    let csrf = Capture::css("input[name=csrf_token]", Some("value")).unwrap();
    trip.capture("csrf", csrf);
    trip.step(Operation::Checkout, 0, "POST /checkout", "csrf={{csrf}}&sku={{item}}");
    let walked = walk(&alone::canary(&trip.scenario(), "canary-item"), &trip.abroad);
    assert_eq!(walked.departure, Some(Departure::Bought));
    assert_eq!(shop.asked("GET /page").len(), 1);
    assert_eq!(shop.asked("POST /checkout")[0].value("sku"), "canary-item");

    let shut = ForeignShop::open(Http, |_| answer(425, "", ""));
    let mut trip = Trip::to(&[&shut.host]);
    trip.step(Operation::Reload, 0, "GET /page", "");
    trip.step(Operation::Checkout, 0, "POST /checkout", "a=b");
    let walked = walk(&alone::canary(&trip.scenario(), "canary-item"), &trip.abroad);
    assert_eq!(walked.departure, Some(Departure::Rejected));
    assert_eq!(shut.asked("").len(), 2, "the page and the checkout, once each");
}
