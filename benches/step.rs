//! What a scripted step costs beside its two system calls: a rendered request, two captures and
//! two checks.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::outcome::Outcome;
use spike::step::capture::Capture;
use spike::step::cookie::{Jar, Spot};
use spike::step::funnel::{Host, Scheme};
use spike::step::message::{Message, Saying};
use spike::step::rule::{Condition, Rule, Rules, Test};
use spike::step::template::{Place, Template};
use spike::step::{Answer, Names, Values};

/// An answer as a shop's interface gives it, 270 bytes.
const BODY: &[u8] = br#"{"event":"tour","state":"closed","order":{"id":"o-7f3a91","lines":[
    {"sku":"tour-tee","quantity":1,"price":4500},{"sku":"towel","quantity":2,"price":2500}]},
    "token":"b5bb9d8014a0f9b1d61e21e796d78dcc","opens_at":"2026-12-24T12:00:00+09:00"}"#;
const FIELDS: &[u8] = b"Server: nginx\r\nContent-Type: application/json\r\nX-Queue: 7\r\n";

fn step(criterion: &mut Criterion) {
    let mut names = Names::default();
    let [fan, token, order] = ["fan", "token", "order"].map(|name| names.define(name));
    let compile =
        |text, place| Template::compile(text, place, &names).expect("its names are known");
    let body = r#"{"fan":"{{fan}}","token":"{{token}}","order":"{{order}}"}"#;
    let message = Message::new(
        "POST",
        "shop.test",
        compile("/checkout?fan={{fan}}", Place::Url),
        vec![("X-Intent".to_owned(), compile("{{fan}}", Place::Field))],
        Some(compile(body, Place::Json)),
    );
    let json = |path| Capture::json(path).expect("it is a path");
    let closed = Test::Equals(b"closed".as_slice().into());
    let rules = Rules::new(vec![Rule {
        status: Some(200..=200),
        conditions: vec![Condition { of: json("$.state"), test: closed }],
        is: Outcome::NotOpen,
        then: None,
    }]);
    let captures = [(token, json("$.token")), (order, json("$.order.id"))];
    let answer = Answer { status: 200, fields: FIELDS, body: BODY };
    let (mut values, mut scratch, mut out) = (Values::default(), Vec::new(), Vec::new());
    values.set(fan, b"0-417");
    let host = Host { scheme: Scheme::Http, name: "shop.test".to_owned(), port: 80 };
    let (empty, mut jar) = (Jar::default(), Jar::default());
    let spot = Spot { host: &host, target: b"/", now_s: 0 };
    for cookie in ["sessionid=5f2b0c1e9d; Path=/; HttpOnly", "csrftoken=b5bb9d8014a0f9b1; Path=/"] {
        jar.set(cookie.as_bytes(), &spot);
    }

    let mut group = criterion.benchmark_group("step");
    group.bench_function("two_captures_two_checks", |bencher| {
        bencher.iter(|| {
            let saying = Saying { values: &values, jar: &empty, host: &host, now_s: 0 };
            message.render(saying, &mut scratch, &mut out);
            black_box(&out);
            for (name, capture) in &captures {
                let value = capture.find(black_box(&answer)).expect("it is there");
                values.set(*name, &value);
            }
            black_box(rules.first(&answer).map(|rule| rule.is))
        });
    });
    for (name, jar) in [("render", &empty), ("render_with_two_cookies", &jar)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let values = black_box(&values);
                let saying = Saying { values, jar, host: &host, now_s: 0 };
                message.render(saying, &mut scratch, &mut out);
                black_box(&out);
            });
        });
    }
    for (name, capture) in [
        ("json", json("$.token")),
        ("json_general", json("$..token")),
        ("regex", Capture::regex("\"token\":\"([0-9a-f]+)\"").expect("it is a pattern")),
        ("field", Capture::field("X-Queue")),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(capture.find(black_box(&answer))));
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
