//! No step that somebody writes and no answer that a shop gives breaks what is said and heard.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::funnel_promises::{assert_answers_are_heard, assert_steps_are_read_or_refused, rich};
use crate::own_shop::any_step;

/// A target as a tired person might write it.
fn any_target() -> impl Strategy<Value = String> {
    let url =
        select(vec!["http://127.0.0.1:8000", "https://shop.example", "127.0.0.1", "http://[::1]"]);
    let host = select(vec!["shop.example", "card.example", "*.example", "api.stripe.com"]);
    let canary =
        select(vec!["", "canary = \"none\"\nreason = \"so\"\n", "canary = { item = \"c\" }\n"]);
    (url, vec(host, 0..3), canary).prop_map(|(url, hosts, canary)| {
        format!("[target]\nurl = {url:?}\nallow_hosts = {hosts:?}\n{canary}")
    })
}

/// Fields that mean something, and some that mean nothing.
fn any_fields() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "Location: /on?a=b#c",
        "Location: https://card.example/in",
        "Location: //card.example:8443/",
        "Location: http://api.stripe.com/v1",
        "Location: javascript:alert(1)",
        "Set-Cookie: sid=a b; Path=/; Max-Age=9",
        "Set-Cookie: sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "Set-Cookie: wide=1; Domain=example; Secure",
        "Content-Encoding: br",
        "X-State: pending",
        "X-Cache: HIT, Miss from cloudfront",
        "Age: 99999999999",
        "CF-Ray: 8f-NRT",
        "no field at all",
    ]);
    let line = prop_oneof![
        4 => known.prop_map(|line| line.as_bytes().to_vec()),
        1 => ("[A-Za-z-]{1,12}", vec(1..=255_u8, 0..20)).prop_map(|(name, value)| {
            let value = value.into_iter().filter(|byte| *byte != b'\n');
            name.into_bytes().into_iter().chain(*b": ").chain(value).collect()
        }),
    ];
    vec(line, 0..4)
        .prop_map(|lines| lines.into_iter().flat_map(|line| [line, vec![b'\n']].concat()).collect())
}

/// Bodies in which something is found, and others.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        r#"{"open":true,"order":"o \"7\"","a":[{"token":"t\r\nX-Evil: 1"}]}"#,
        r#"{"order":{"id":[1,2]},"code":"sold_out","left":0.0}"#,
        "<title>a & \u{e9}</title><form><input name=csrf value=\"a&quot;&#10;b\"></form>",
        "<p class=gone>token=abc state=confirmed</p>",
        "<form><form><input><input name=csrf>",
        "{\"order\":",
    ]);
    prop_oneof![
        3 => known.prop_map(|body| body.as_bytes().to_vec()),
        1 => vec(1..=255_u8, 0..60),
    ]
}

/// Answers, a NUL between them.
fn any_answers() -> impl Strategy<Value = Vec<u8>> {
    let status = select(vec![200_u16, 202, 302, 303, 307, 308, 404, 409, 425, 429, 503, 999]);
    let answer = (status, any_fields(), any_body()).prop_map(|(status, fields, body)| {
        [format!("{status}\n").as_bytes(), &fields, b"\n", &body, b"\0"].concat()
    });
    vec(answer, 0..12).prop_map(|answers| answers.concat())
}

proptest! {
    #[test]
    fn steps_are_refused_or_can_be_said_and_answered(
        target in any_target(),
        steps in vec(any_step(), 0..4),
        answers in any_answers(),
    ) {
        let checkout = "[[step]]\nname = \"pay\"\nas = \"checkout\"\npath = \"/pay\"\n";
        let text = format!("{target}{}{checkout}", steps.concat());
        assert_steps_are_read_or_refused(&text, &answers);
    }

    #[test]
    fn a_text_that_is_nearly_a_scenario_is_refused_or_read(
        from in 0..4_000_usize,
        to in 0..40_usize,
        instead in "[\\[\\]{}=\"'#,. a-z0-9\n\u{e9}]{0,12}",
        answers in any_answers(),
    ) {
        let mut letters: Vec<char> = crate::funnel_promises::RICH.chars().collect();
        let from = from % letters.len();
        let to = letters.len().min(from + to);
        letters.splice(from..to, instead.chars());
        assert_steps_are_read_or_refused(&letters.into_iter().collect::<String>(), &answers);
    }

    #[test]
    fn whatever_a_shop_answers_is_heard(answers in any_answers()) {
        assert_answers_are_heard(&answers);
    }

    #[test]
    fn whatever_bytes_a_shop_answers_are_heard(answers: Vec<u8>) {
        assert_answers_are_heard(&answers);
    }
}

/// The promises say something: the funnel that everything happens in is one, and a fan that is
/// answered well walks it to its end.
#[test]
fn the_rich_funnel_is_walked_to_its_end() {
    let scenario = rich();
    let funnel = &scenario.target.as_deref().unwrap().funnel;
    assert_eq!((funnel.stages.len(), funnel.hosts.len()), (5, 2));
    assert_answers_are_heard(
        b"302\nLocation: /events\nSet-Cookie: sid=7\n\n\0\
          200\nContent-Type: text/html\n\n<title>t</title><form><input name=csrf value=x></form>",
    );
}
