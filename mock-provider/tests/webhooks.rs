//! Messages to merchants over real HTTP: signed, retried, late, twice, in another order or lost.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "shop/settings.rs"]
mod settings;

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::law::Law;
use domain::time::{Duration, Span};
use mock_provider::rules::webhook::signature;
use mock_provider::server::{Args, Server};
use mock_provider::settings::{EndpointSettings, Retries, Settings, Webhooks};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use settings::settings;

const SECRET: &str = "whsec_of_the_shop";

/// How long a test waits for what must come; a test that passes never waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message as a shop received it.
#[derive(Debug)]
struct Message {
    headers: HeaderMap,
    body: String,
}

impl Message {
    fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: impl Into<HeaderName>) -> &str {
        self.headers[name.into()].to_str().unwrap()
    }

    /// The time at which it was signed \[s of UTC\], if the signature is right.
    fn signed_at(&self, secret: &str) -> Option<u64> {
        let header = self.header(HeaderName::from_static("stripe-signature"));
        let time = header.strip_prefix("t=")?.split(',').next()?.parse().ok()?;
        (signature(secret, time, self.body.as_bytes()) == header).then_some(time)
    }
}

/// What a shop answers to its messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Manner {
    Fails,
    Redirects,
    Hangs,
}

/// A shop that listens: it answers by its manners first, one message each, and then takes all.
struct Shop {
    url: String,
    messages: mpsc::UnboundedReceiver<Message>,
}

type Ear = (mpsc::UnboundedSender<Message>, Arc<Mutex<Vec<Manner>>>);

impl Shop {
    async fn with(mut manners: Vec<Manner>) -> Self {
        manners.reverse();
        let (heard, messages) = mpsc::unbounded_channel();
        let ear: Ear = (heard, Arc::new(Mutex::new(manners)));
        let router = axum::Router::new().route("/hook", post(hear)).with_state(ear);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, messages }
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.messages.recv()).await.expect("it comes").unwrap()
    }

    async fn next_kinds(&mut self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(self.next().await.event()["type"].as_str().unwrap().to_owned());
        }
        kinds
    }
}

async fn hear(State((heard, manners)): State<Ear>, headers: HeaderMap, body: String) -> Response {
    heard.send(Message { headers, body }).unwrap();
    let manner = manners.lock().unwrap().pop();
    match manner {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Manner::Fails) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Manner::Redirects) => {
            (StatusCode::FOUND, [(header::LOCATION, "/hook")]).into_response()
        }
        Some(Manner::Hangs) => pending().await,
    }
}

/// Messages go to that shop at once, and again after a millisecond.
fn to(shop: &Shop) -> Webhooks {
    let first = Span(Duration::from_millis(1));
    Webhooks {
        delay: Law::default(),
        retries: Retries { first, factor: 1.0, ..Retries::default() },
        endpoints: vec![EndpointSettings::new(&*shop.url, Some(SECRET.to_owned()))],
        ..Webhooks::default()
    }
}

/// A merchant of a provider that takes no time, declines nobody and serves until the test ends.
struct Merchant {
    url: String,
    client: reqwest::Client,
}

fn bind(webhooks: Webhooks) -> Server {
    let settings = Settings { webhooks, ..settings() };
    assert_eq!(settings.check(), []);
    Server::bind(Args::default(), settings).unwrap()
}

impl Merchant {
    fn of(webhooks: Webhooks) -> Self {
        let server = bind(webhooks);
        let merchant = Self::at(&server);
        tokio::spawn(server.serve(pending()));
        merchant
    }

    fn at(server: &Server) -> Self {
        let url = format!("http://{}", server.address());
        Self { url, client: reqwest::Client::new() }
    }

    async fn post(&self, path: &str, key: &str, body: &str) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth("sk_test_shop");
        let request = request
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Idempotency-Key", key);
        read(request.body(body.to_owned())).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url));
        read(request.bearer_auth("sk_test_shop")).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        let request = self.client.delete(format!("{}{path}", self.url));
        read(request.bearer_auth("sk_test_shop")).await
    }

    /// A payment that is taken at once.
    async fn pay(&self, key: &str) -> Value {
        let body = format!(
            "amount=4500&currency=jpy&confirm=true&payment_method=pm_card_visa\
             &payment_method_types[]=card&metadata[order_id]={key}"
        );
        let (status, intent) = self.post("/v1/payment_intents", key, &body).await;
        assert_eq!((status, &intent["status"]), (200, &json!("succeeded")), "{intent}");
        intent
    }

    /// The administration's figures, once they are as they must become.
    async fn messages(&self, are: impl Fn(&Value) -> bool) -> Value {
        let look = async {
            loop {
                let (_, seen) = self.get("/admin/webhooks").await;
                if are(&seen) {
                    return seen;
                }
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("they become so")
    }
}

async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const TOLD: [&str; 3] = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"];

fn only(kind: &str, webhooks: Webhooks) -> Webhooks {
    let endpoints = webhooks.endpoints.into_iter();
    let only = |it| EndpointSettings { events: vec![kind.to_owned()], ..it };
    Webhooks { endpoints: endpoints.map(only).collect(), ..webhooks }
}

#[tokio::test]
async fn a_message_is_the_signed_event_as_the_api_tells_it() {
    let mut shop = Shop::with(Vec::new()).await;
    let merchant = Merchant::of(only("payment_intent.succeeded", to(&shop)));
    let intent = merchant.pay("order-1").await;

    let message = shop.next().await;
    assert!(message.signed_at(SECRET).is_some() && message.signed_at("whsec_other").is_none());
    assert_eq!(message.header(header::CONTENT_TYPE), "application/json; charset=utf-8");
    assert!(message.header(header::USER_AGENT).starts_with("Stripe/1.0"));
    let event = message.event();
    assert_eq!((&event["object"], &event["type"]), (&json!("event"), &json!(TOLD[2])));
    assert_eq!(event["data"], json!({ "object": intent }));
    assert_eq!(event["request"]["idempotency_key"], "order-1");
    assert_eq!((&event["livemode"], &event["pending_webhooks"]), (&json!(false), &json!(1)));

    merchant.messages(|seen| seen["messages"]["delivered"] == 1).await;
    let id = event["id"].as_str().unwrap();
    let mut listed = merchant.get(&format!("/v1/events/{id}")).await.1;
    assert_eq!(listed["pending_webhooks"], 0);
    listed["pending_webhooks"] = json!(1);
    assert_eq!(listed, event);
}

#[tokio::test]
async fn the_request_of_an_event_is_the_call_that_caused_it() {
    let mut shop = Shop::with(Vec::new()).await;
    let merchant = Merchant::of(to(&shop));
    let request = merchant.client.post(format!("{}/v1/payment_intents", merchant.url));
    let request = request.bearer_auth("sk_test_shop").body("amount=4500&currency=jpy");
    let answer =
        request.header("Content-Type", "application/x-www-form-urlencoded").send().await.unwrap();
    let id = answer.headers()["request-id"].to_str().unwrap();
    let event = shop.next().await.event();
    assert_eq!(event["request"], json!({ "id": id, "idempotency_key": null }));
}

#[tokio::test]
async fn a_message_that_is_not_taken_comes_again_signed_anew() {
    let manners = vec![Manner::Fails, Manner::Redirects, Manner::Hangs];
    let mut shop = Shop::with(manners).await;
    let timeout = Span(Duration::from_millis(200));
    let merchant = Merchant::of(only(TOLD[1], Webhooks { timeout, ..to(&shop) }));
    merchant.pay("order-1").await;
    let mut ids = BTreeSet::new();
    let mut last = 0;
    for _ in 0..4 {
        let message = shop.next().await;
        let signed_at = message.signed_at(SECRET).unwrap();
        assert!(signed_at >= last, "{signed_at} < {last}");
        last = signed_at;
        ids.insert(message.event()["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1);
    let seen = merchant.messages(|seen| seen["messages"]["delivered"] == 1).await;
    let messages = json!({
        "noted": 1, "lost": 0, "delivered": 1, "given_up": 0, "dropped": 0, "attempts": 4,
        "retries": 3, "duplicates": 0, "failed": 3,
    });
    assert_eq!((&seen["messages"], &seen["waiting"]), (&messages, &json!(0)));
    let endpoint = &seen["endpoints"][0];
    assert_eq!((&endpoint["taken"], &endpoint["failed"]), (&json!(1), &json!(3)));
    assert_eq!(endpoint["last"], 204);
}

#[tokio::test]
async fn what_is_lost_is_never_sent_and_found_by_those_who_ask() {
    let shop = Shop::with(Vec::new()).await;
    let merchant = Merchant::of(Webhooks { lost: 1.0, ..to(&shop) });
    merchant.pay("order-1").await;
    let seen = merchant.messages(|_| true).await;
    assert_eq!(
        (&seen["messages"]["lost"], &seen["messages"]["attempts"], &seen["waiting"]),
        (&json!(3), &json!(0), &json!(0))
    );
    let found = merchant.get("/v1/events?delivery_success=false&types[]=charge.succeeded").await.1;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["type"], "charge.succeeded");
    let taken = merchant.get("/v1/events?delivery_success=true").await.1;
    assert_eq!((&taken["data"], &taken["has_more"]), (&json!([]), &json!(false)));
}

#[tokio::test]
async fn a_duplicate_is_the_same_event_and_one_change_may_make_two_events() {
    for (webhooks, different) in [
        (Webhooks { duplicated: 1.0, ..Webhooks::default() }, 1),
        (Webhooks { twice: 1.0, ..Webhooks::default() }, 2),
    ] {
        let mut shop = Shop::with(Vec::new()).await;
        let Webhooks { duplicated, twice, .. } = webhooks;
        let merchant = Merchant::of(only(TOLD[1], Webhooks { duplicated, twice, ..to(&shop) }));
        merchant.pay("order-1").await;
        let (one, other) = (shop.next().await.event(), shop.next().await.event());
        let ids: BTreeSet<_> = [&one, &other].map(|event| event["id"].to_string()).into();
        assert_eq!(ids.len(), different);
        assert_eq!(one["data"], other["data"]);
    }
}

#[tokio::test]
async fn a_late_message_waits_where_it_can_be_seen() {
    let shop = Shop::with(Vec::new()).await;
    let late_by = Law::Constant(Duration::from_hours(1));
    let merchant = Merchant::of(Webhooks { late: 1.0, late_by, ..to(&shop) });
    merchant.pay("order-1").await;
    let seen = merchant.messages(|seen| seen["waiting"] == 3).await;
    assert_eq!(seen["messages"]["attempts"], 0);
    let first = &seen["pending"][0];
    assert_eq!((&first["type"], &first["attempts"]), (&json!(TOLD[0]), &json!(0)));
    assert!(first["due_s"].as_f64().unwrap() >= 3_600.0, "{first}");
}

#[tokio::test]
async fn a_message_that_is_held_back_is_overtaken() {
    let mut shop = Shop::with(Vec::new()).await;
    let merchant = Merchant::of(Webhooks { reordered: 1.0, ..to(&shop) });
    merchant.pay("order-1").await;
    assert_eq!(shop.next_kinds(2).await, [TOLD[1], TOLD[0]]);
}

#[tokio::test]
async fn an_endpoint_is_registered_changed_and_forgotten() {
    let mut shop = Shop::with(Vec::new()).await;
    let merchant = Merchant::of(Webhooks { endpoints: Vec::new(), ..to(&shop) });
    let new = format!(
        "url={}&enabled_events[0]=charge.succeeded&description=d&metadata[a]=1\
         &api_version=2020-08-27",
        shop.url
    );
    let (status, made) = merchant.post("/v1/webhook_endpoints", "we", &new).await;
    assert_eq!(status, 200, "{made}");
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(merchant.post("/v1/webhook_endpoints", "we", &new).await.1, made);
    let path = format!("/v1/webhook_endpoints/{}", made["id"].as_str().unwrap());
    let known = merchant.get(&path).await.1;
    let expected = json!({
        "id": made["id"], "object": "webhook_endpoint", "api_version": "2020-08-27",
        "application": null, "created": made["created"], "description": "d",
        "enabled_events": ["charge.succeeded"], "livemode": false, "metadata": { "a": "1" },
        "status": "enabled", "url": shop.url,
    });
    assert_eq!(known, expected);

    merchant.pay("order-1").await;
    let message = shop.next().await;
    assert!(message.signed_at(&secret).is_some());
    assert_eq!(message.event()["api_version"], "2020-08-27");

    let changed = merchant.post(&path, "off", "disabled=true&enabled_events[]=*").await.1;
    assert_eq!(
        (&changed["status"], &changed["enabled_events"]),
        (&json!("disabled"), &json!(["*"]))
    );
    merchant.pay("order-2").await;
    let noted = merchant.messages(|_| true).await["messages"]["noted"].clone();
    assert_eq!(noted, 1);
    merchant.post(&path, "on", "disabled=false").await;
    merchant.pay("order-3").await;
    assert_eq!(
        shop.next_kinds(3).await.into_iter().collect::<BTreeSet<_>>(),
        TOLD.map(String::from).into()
    );

    let list = merchant.get("/v1/webhook_endpoints").await.1;
    assert_eq!((&list["url"], &list["has_more"]), (&json!("/v1/webhook_endpoints"), &json!(false)));
    assert_eq!(list["data"][0]["id"], made["id"]);
    let gone = json!({ "id": made["id"], "object": "webhook_endpoint", "deleted": true });
    assert_eq!(merchant.delete(&path).await, (200, gone));
    assert_eq!(merchant.get(&path).await.0, 404);
    assert_eq!(merchant.get("/v1/webhook_endpoints").await.1["data"], json!([]));
}

#[tokio::test]
async fn a_wrong_endpoint_is_told_what_is_wrong() {
    let merchant = Merchant::of(Webhooks::default());
    for (body, param, part) in [
        ("url=http://shop.example/hook&enabled_events[]=*", "url", "not this machine"),
        ("url=https://127.0.0.1/hook&enabled_events[]=*", "url", "not an http URL"),
        ("url=hook&enabled_events[]=*", "url", "is not a URL"),
        ("enabled_events[]=*", "url", "url"),
        ("url=http://127.0.0.1/hook", "enabled_events", "enabled_events"),
        ("url=http://127.0.0.1/hook&enabled_events[]=charge", "enabled_events", "no kind of event"),
        ("url=http://127.0.0.1/hook&enabled_events[]=*&colour=red", "colour", "colour"),
    ] {
        let (status, answer) = merchant.post("/v1/webhook_endpoints", "", body).await;
        let error = &answer["error"];
        assert_eq!((status, &error["param"]), (400, &json!(param)), "{body}: {answer}");
        assert!(error["message"].as_str().unwrap().contains(part), "{body}: {answer}");
    }
    let (status, answer) = merchant.get("/v1/webhook_endpoints/we_1").await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("resource_missing")));
    let (status, answer) = merchant.get("/v1/events/evt_1").await;
    assert_eq!((status, &answer["error"]["param"]), (404, &json!("id")));
    let (status, answer) = merchant.get("/v1/events?starting_after=evt_1").await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("starting_after")));
}

#[tokio::test]
async fn events_are_listed_newest_first_and_page_by_page() {
    let merchant = Merchant::of(Webhooks::default());
    merchant.pay("order-1").await;
    merchant.pay("order-2").await;
    let all = merchant.get("/v1/events").await.1;
    let kinds: Vec<_> =
        all["data"].as_array().unwrap().iter().map(|it| it["type"].clone()).collect();
    assert_eq!(kinds, [TOLD[2], TOLD[1], TOLD[0], TOLD[2], TOLD[1], TOLD[0]]);
    let id = |place: usize| all["data"][place]["id"].as_str().unwrap().to_owned();
    let ids = async |query: &str| {
        let page = merchant.get(&format!("/v1/events?{query}")).await.1;
        let listed = page["data"].as_array().unwrap().clone();
        let ids: Vec<_> = listed.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["has_more"].as_bool().unwrap())
    };
    assert_eq!(ids("limit=2").await, (vec![id(0), id(1)], true));
    assert_eq!(ids(&format!("limit=4&starting_after={}", id(1))).await.0, [2, 3, 4, 5].map(id));
    assert_eq!(ids(&format!("limit=2&ending_before={}", id(3))).await, (vec![id(1), id(2)], true));
    assert_eq!(ids("type=charge.succeeded").await, (vec![id(1), id(4)], false));
    assert_eq!(ids("type=charge.*").await.0, [id(1), id(4)]);
    assert_eq!(ids("created[lt]=5").await, (Vec::new(), false));
}

#[tokio::test]
async fn a_server_ends_in_order_beside_an_endpoint_that_is_silent() {
    let mut shop = Shop::with(vec![Manner::Hangs]).await;
    let timeout = Span(Duration::from_millis(50));
    let retries = Retries { first: Span(Duration::from_hours(1)), ..Retries::default() };
    let server = bind(only(TOLD[0], Webhooks { timeout, retries, ..to(&shop) }));
    let merchant = Merchant::at(&server);
    let (end, told_to_end) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(server.serve(async { drop(told_to_end.await) }));
    merchant.pay("order-1").await;
    shop.next().await;
    end.send(()).unwrap();
    tokio::time::timeout(PATIENCE, task).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test]
async fn customers_and_their_cards_are_told_of_with_what_they_were() {
    let mut shop = Shop::with(Vec::new()).await;
    let merchant = Merchant::of(to(&shop));
    let customer = merchant.post("/v1/customers", "c", "name=a&metadata[x]=1").await.1;
    let id = customer["id"].as_str().unwrap();
    let created = shop.next().await.event();
    assert_eq!(
        (&created["type"], &created["data"]),
        (&json!("customer.created"), &json!({ "object": customer }))
    );
    let changed = merchant.post(&format!("/v1/customers/{id}"), "u", "name=b&metadata[y]=2").await;
    let event = shop.next().await.event();
    assert_eq!(event["type"], "customer.updated");
    let before = json!({ "name": "a", "metadata": { "y": null } });
    assert_eq!(event["data"], json!({ "object": changed.1, "previous_attributes": before }));

    let attach = "/v1/payment_methods/pm_card_visa/attach";
    merchant.post(attach, "a", &format!("customer={id}")).await;
    merchant
        .post(
            "/v1/setup_intents",
            "s",
            "confirm=true&payment_method=pm_card_visa&payment_method_types[]=card",
        )
        .await;
    let expected = ["payment_method.attached", "setup_intent.created", "setup_intent.succeeded"];
    let told: BTreeSet<_> = shop.next_kinds(3).await.into_iter().collect();
    assert_eq!(told, expected.map(String::from).into());
    merchant.delete(&format!("/v1/customers/{id}")).await;
    assert!(shop.next_kinds(2).await.contains(&"customer.deleted".to_owned()));
}
