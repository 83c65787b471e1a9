use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// An entry as Chromium writes it, as far as it is read.
fn entry(method: &str, url: &str, sent: &Value, status: u16, kind: &str, body: &str) -> Value {
    json!({
        "startedDateTime": "2026-11-21T03:00:00.000Z",
        "_resourceType": "xhr",
        "request": {
            "method": method,
            "url": url,
            "httpVersion": "h2",
            "headers": [
                { "name": ":authority", "value": "shop.example" },
                { "name": "cookie", "value": "session=5f2c9a0d4e" },
                { "name": "user-agent", "value": "Mozilla/5.0" },
                { "name": "sec-ch-ua", "value": "\"Chromium\"" },
                { "name": "accept", "value": "application/json" },
            ],
            "cookies": [{ "name": "session", "value": "5f2c9a0d4e" }],
            "postData": sent,
        },
        "response": {
            "status": status,
            "headers": [{ "name": "content-type", "value": kind }],
            "content": { "size": body.len(), "mimeType": kind, "text": body },
            "redirectURL": "",
        },
    })
}

fn har(entries: &[Value]) -> String {
    json!({ "log": { "version": "1.2", "creator": { "name": "WebInspector" }, "entries": entries } })
        .to_string()
}

fn form(text: &str) -> Value {
    json!({ "mimeType": "application/x-www-form-urlencoded", "text": text })
}

/// A visit to a shop with a login, a page with a token, a checkout and two polls.
fn visit() -> String {
    let shop = "https://shop.example";
    let none = Value::Null;
    let page = r#"<form action=/buy><input type="hidden" name="csrf_token" value="tok-81f0&amp;x"></form>"#;
    let order = r#"{"order":{"id":4711},"state":"pending"}"#;
    har(&[
        entry(
            "POST",
            &format!("{shop}/login"),
            &form("email=hanako%40mail.example.jp&password=S3cret%21pw"),
            200,
            "text/html",
            "welcome",
        ),
        entry(
            "GET",
            &format!("{shop}/events/tour?lang=ja"),
            &none,
            200,
            "text/html; charset=utf-8",
            page,
        ),
        entry("GET", &format!("{shop}/static/app.js"), &none, 200, "text/javascript", "let x"),
        entry("GET", "https://tracker.example.org/pixel?u=1", &none, 200, "text/plain", ""),
        entry(
            "POST",
            &format!("{shop}/api/checkout"),
            &json!({ "mimeType": "application/json", "text": json!({
                "csrf": "tok-81f0&x", "sku": "tour-tee", "quantity": 2, "gift": false,
                "buyer": { "full_name": "Hanako Yamada", "phone": "+81 90 1234 5678" },
                "card_number": "4242 4242 4242 4242", "note": "leave it at the door",
            }).to_string() }),
            202,
            "application/json",
            order,
        ),
        entry("GET", &format!("{shop}/orders/4711"), &none, 200, "application/json", order),
        entry(
            "GET",
            &format!("{shop}/orders/4711"),
            &none,
            200,
            "application/json",
            r#"{"order":{"id":4711},"state":"confirmed"}"#,
        ),
        entry("GET", &format!("{shop}/thanks"), &none, 200, "text/html", "thank you"),
    ])
}

#[test]
fn a_visit_becomes_a_funnel() {
    let draft = draft("tour", &visit()).unwrap();
    insta::assert_snapshot!(draft.scenario);
    assert!(draft.notes.iter().any(|note| note.contains("tracker.example.org")));
}

#[test]
fn nothing_of_the_person_who_was_recorded_is_left() {
    let Draft { scenario, data, notes } = draft("tour", &visit()).unwrap();
    let data = data.expect("the funnel needs data of its fans");
    assert_eq!(data.lines().next(), Some("email,name,phone,note"));
    let all = [scenario, data, notes.join("\n")].concat();
    for private in [
        "hanako",
        "mail.example.jp",
        "S3cret",
        "Yamada",
        "1234",
        "4242",
        "5f2c9a0d4e",
        "Mozilla",
        "door",
    ] {
        assert!(!all.contains(private), "{private}: {all}");
    }
}

#[test]
fn a_redirect_is_part_of_the_step_that_it_answers() {
    let shop = "http://127.0.0.1:8000";
    let mut buy = entry("POST", &format!("{shop}/buy"), &form("qty=1"), 302, "text/html", "");
    buy["response"]["headers"] = json!([{ "name": "Location", "value": "/thanks" }]);
    let draft = draft(
        "s",
        &har(&[
            entry("GET", &format!("{shop}/"), &Value::Null, 200, "text/html", "a page"),
            buy,
            entry("GET", &format!("{shop}/thanks"), &Value::Null, 200, "text/html", "thanks"),
        ]),
    )
    .unwrap();
    assert_eq!(draft.scenario.matches("\n[[step]]").count(), 2, "{}", draft.scenario);
    assert!(draft.scenario.contains("form = { qty = \"{{quantity}}\" }"), "{}", draft.scenario);
    assert!(!draft.scenario.contains("allow_hosts"), "{}", draft.scenario);
}

#[test]
fn an_order_that_was_only_accepted_is_no_purchase() {
    let shop = "http://127.0.0.1:8000";
    let page = entry("GET", &format!("{shop}/"), &Value::Null, 200, "text/html", "a page");
    let paid = json!({ "mimeType": "application/json", "text": r#"{"card":"tok"}"# });
    let accepted = r#"{"order":"R8f93ab2"}"#;
    let pay = entry("POST", &format!("{shop}/api/pay"), &paid, 202, "application/json", accepted);
    let state = r#"{"order":"R8f93ab2","state":"CONFIRMED"}"#;
    let url = format!("{shop}/api/orders/R8f93ab2");
    let ask = entry("GET", &url, &Value::Null, 200, "application/json", state);
    let asked = draft("s", &har(&[page.clone(), pay.clone(), ask])).unwrap().scenario;
    assert!(asked.contains("{ status = 202, is = \"waiting\", then = \"poll\" }"), "{asked}");
    let end = "{ json = \"$.state\", equals = \"CONFIRMED\", is = \"ok\" }";
    assert!(asked.contains(end) && asked.contains("path = \"/api/orders/{{"), "{asked}");
    let alone = draft("s", &har(&[page, pay])).unwrap().scenario;
    assert!(alone.contains("{ status = 202, is = \"waiting\" }"), "{alone}");
}

#[test]
fn a_short_name_in_a_path_is_captured_where_it_was_told_and_a_version_is_none() {
    let (shop, kind) = ("https://shop.example", "application/json");
    let sent = json!({ "mimeType": "application/json", "text": r#"{"sku":"tee"}"# });
    let visit = har(&[
        entry(
            "GET",
            &format!("{shop}/v2/tour"),
            &Value::Null,
            200,
            kind,
            r#"{"id":"t","api":"v2"}"#,
        ),
        entry("POST", &format!("{shop}/v2/checkout"), &sent, 202, kind, r#"{"order":{"id":"o7"}}"#),
        entry(
            "GET",
            &format!("{shop}/v2/orders/o7"),
            &Value::Null,
            200,
            kind,
            r#"{"state":"paid"}"#,
        ),
    ]);
    let scenario = draft("tour", &visit).unwrap().scenario;
    assert!(scenario.contains("{ json = \"$.order.id\" }"), "{scenario}");
    assert!(scenario.contains("path = \"/v2/orders/{{id}}\""), "{scenario}");
    assert!(scenario.contains("path = \"/v2/checkout\""), "{scenario}");
}

/// A shop of JSON alone, whose card is taken by a page elsewhere: who buys says who it is by a bearer's
/// token.
fn bearer_visit() -> String {
    let (shop, till) = ("http://127.0.0.1:8421", "http://127.0.0.1:8422");
    let sent = |body: Value| json!({ "mimeType": "application/json", "text": body.to_string() });
    let kind = "application/json";
    let token = r#"{"access_token":"tok_secret_987654","expires":3600}"#;
    let person = sent(json!({ "user": "hanako", "password": "S3cret" }));
    let mut cart =
        entry("POST", &format!("{shop}/api/cart"), &sent(json!({ "sku": "tee" })), 200, kind, "{}");
    let mut pay = entry(
        "POST",
        &format!("{shop}/api/pay"),
        &sent(json!({ "card": "visa" })),
        200,
        kind,
        "{}",
    );
    for call in [&mut cart, &mut pay] {
        let bearer = json!({ "name": "Authorization", "value": "Bearer tok_secret_987654" });
        call["request"]["headers"].as_array_mut().unwrap().push(bearer);
    }
    har(&[
        entry("POST", &format!("{shop}/api/token"), &person, 200, kind, token),
        entry("GET", &format!("{shop}/api/tour"), &Value::Null, 200, kind, r#"{"open":true}"#),
        cart,
        entry("GET", &format!("{till}/frame"), &Value::Null, 200, "text/html", "<input name=card>"),
        pay,
    ])
}

#[test]
fn a_bearers_token_is_captured_where_it_was_told() {
    let Draft { scenario, notes, .. } = draft("tour", &bearer_visit()).unwrap();
    assert!(scenario.contains("url = \"http://127.0.0.1:8421\"\n"), "{scenario}");
    assert!(
        scenario.contains("capture.access_token = { json = \"$.access_token\" }"),
        "{scenario}"
    );
    let bearer = "authorization = \"Bearer {{access_token}}\"";
    // Both steps say it, and the line that is proposed for the checkout.
    assert_eq!(scenario.matches(bearer).count(), 3, "{scenario}");
    assert!(!scenario.contains("tok_secret"), "{scenario}");
    assert!(!notes.iter().any(|note| note.contains("AUTHORIZATION")), "{notes:?}");
    assert!(
        scenario.contains("as = \"login\"\nmethod = \"POST\"\npath = \"/api/token\""),
        "{scenario}"
    );
}

#[test]
fn each_step_is_told_what_one_lucky_visit_does_not_show() {
    let scenario = draft("tour", &bearer_visit()).unwrap().scenario;
    let steps: Vec<&str> = scenario.split("[[step]]").skip(1).collect();
    let of = |name: &str| {
        let name = format!("name = \"{name}\"");
        *steps
            .iter()
            .find(|step| step.contains(&name))
            .unwrap_or_else(|| panic!("{name}: {scenario}"))
    };
    assert!(of("page").contains("is = \"not_open\""), "{scenario}");
    assert!(of("cart").contains("is = \"sold_out\"") && !of("cart").contains("declined"));
    let checkout = of("checkout");
    assert!(checkout.contains("is = \"sold_out\"") && checkout.contains("is = \"declined\""));
    assert!(checkout.contains("# The judge finds a purchase in both ledgers by {{intent}}"));
    let intent = "# json = { card = \"{{env.CARD}}\", reference = \"{{intent}}\" }\n";
    assert!(checkout.contains(intent), "{checkout}");
    assert!(checkout.contains("idempotency-key = \"{{key}}\" }"), "{checkout}");
    assert!(!of("login").contains("sold_out") && !of("cart").contains("{{intent}}"), "{scenario}");
}

#[test]
fn what_is_no_recording_is_told() {
    let told = |text: &str| draft("s", text).unwrap_err().to_string();
    assert!(told("no JSON").contains("save it in the browser's network panel"));
    assert!(told("{}").contains("missing field `log`"));
    assert!(told(&har(&[json!({ "request": 7 })])).contains("of its 1 entries none"));
    let image = entry("GET", "http://127.0.0.1/a.png", &Value::Null, 200, "image/png", "");
    assert!(told(&har(&[image])).contains("of its 1 entries none"));
}

proptest! {
    #[test]
    fn no_recording_breaks_the_reader(
        path in "[a-zA-Z0-9/%_.{}-]{0,30}",
        text in "\\PC{0,60}",
        name in "\\PC{0,10}",
        status in 0..700_u16,
        kind in prop::sample::select(vec!["text/html", "application/json", "image/png", ""]),
    ) {
        let url = format!("http://127.0.0.1/{path}");
        let json = json!({ name.clone(): text.clone(), "n": [1, { "id": text.clone() }] }).to_string();
        let posted = json!({ "mimeType": "application/json", "text": json.clone() });
        let params = json!({ "mimeType": "", "params": [{ "name": name, "value": text.clone() }] });
        let entries = vec![
            entry("GET", &url, &Value::Null, status, kind, &text),
            entry("POST", &url, &posted, status, kind, &json),
            entry("PUT", &url, &params, 200, "application/json", &json),
        ];
        if let Ok(draft) = draft("s", &har(&entries)) {
            let read: Result<toml::Table, _> = toml::from_str(&draft.scenario);
            prop_assert!(read.is_ok(), "{:?}: {}", read, draft.scenario);
        }
    }
}
