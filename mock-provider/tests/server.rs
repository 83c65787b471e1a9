//! The provider over real HTTP, as merchants and the harness meet it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod shop;

use std::future::pending;
use std::path::PathBuf;

use domain::law::Law;
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::time::Duration;
use mock_provider::server::{Args, Server};
use mock_provider::settings::{
    Algorithm, Faults, HeaderStyle, Headers, Latency, Limit, Scope, Settings,
};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use shop::{serve, settings};

/// A limit that admits two calls.
fn two_calls() -> Limit {
    Limit {
        scope: Scope::Global,
        algorithm: Algorithm::TokenBucket,
        // The bucket is not refilled while the test lasts.
        rate: Some(0.001),
        burst: Some(2.0),
        headers: Headers(vec![HeaderStyle::RetryAfter]),
        ..Limit::default()
    }
}

/// A merchant of a provider that serves until the test ends.
struct Merchant {
    url: String,
    client: reqwest::Client,
}

impl Merchant {
    fn of(settings: Settings) -> Self {
        Self { url: serve(Args::default(), settings), client: reqwest::Client::new() }
    }

    fn post(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.url));
        request.bearer_auth("shop").header("Idempotency-Key", key).json(body)
    }

    async fn call(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        read(self.post(path, key, &body).send().await.unwrap()).await
    }

    async fn authorize(&self, key: &str) -> (u16, Value) {
        self.call("/v1/authorizations", key, authorization()).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth("shop");
        read(request.send().await.unwrap()).await
    }

    async fn ledger(&self) -> Vec<PaymentLine> {
        let answer = self.client.get(format!("{}/admin/ledger", self.url)).send().await.unwrap();
        lines(&answer.text().await.unwrap())
    }
}

fn authorization() -> Value {
    json!({ "amount": 4_500, "card": 0, "reference": "0-417" })
}

fn lines(text: &str) -> Vec<PaymentLine> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn read(answer: Response) -> (u16, Value) {
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn error(code: &str) -> Value {
    json!({ "error": { "code": code } })
}

#[tokio::test]
async fn an_authorization_lives_and_the_ledger_tells_of_it() {
    let shop = Merchant::of(settings());
    let body = json!({ "amount": 4_000, "reference": "0-417" });

    let authorized = shop.authorize("a").await;
    let held = shop.get("/v1/authorizations/1").await;
    let captured = shop.call("/v1/authorizations/1/capture", "c", body.clone()).await;
    let again = shop.call("/v1/authorizations/1/capture", "c", body).await;
    let voided = shop.call("/v1/authorizations/1/void", "v", json!({"reference": "0-417"})).await;
    let known = shop.get("/v1/authorizations/1").await;

    let captured_once = (200, json!({ "id": "1", "status": "captured" }));
    assert_eq!(authorized, (200, json!({ "id": "1", "status": "authorized" })));
    assert_eq!(held.1["status"], "authorized");
    assert_eq!([&captured, &again], [&captured_once, &captured_once]);
    assert_eq!(voided, (400, error("payment_intent_unexpected_state")));
    assert_eq!((&known.1["status"], &known.1["captured"]), (&json!("captured"), &json!(4_000)));

    let told: Vec<_> = shop
        .ledger()
        .await
        .into_iter()
        .map(|line| {
            assert_eq!((line.intent.as_str(), line.payment.as_deref()), ("0-417", Some("1")));
            assert_eq!(line.outcome, line.told);
            (line.operation, line.outcome, line.amount.minor(), line.key, line.replayed)
        })
        .collect();
    assert_eq!(
        told,
        [
            (PaymentOperation::Authorize, PaymentOutcome::Authorized, 4_500, "a".into(), false),
            (PaymentOperation::Capture, PaymentOutcome::Captured, 4_000, "c".into(), false),
            (PaymentOperation::Capture, PaymentOutcome::Captured, 4_000, "c".into(), true),
            (PaymentOperation::Void, PaymentOutcome::Refused, 4_500, "v".into(), false),
        ]
    );
}

#[tokio::test]
async fn a_repetition_says_that_it_is_one() {
    let shop = Merchant::of(settings());
    let send =
        async || shop.post("/v1/authorizations", "a", &authorization()).send().await.unwrap();
    let replayed = |answer: &Response| answer.headers().contains_key("idempotent-replayed");
    let (first, second) = (send().await, send().await);
    assert!(!replayed(&first) && replayed(&second));
    assert_eq!(read(first).await, read(second).await);
}

#[tokio::test]
async fn a_small_bucket_refuses_and_says_when_to_come_back() {
    let shop = Merchant::of(Settings { limits: vec![two_calls()], ..settings() });
    assert_eq!((shop.authorize("a").await.0, shop.authorize("b").await.0), (200, 200));
    let refused = shop.post("/v1/authorizations", "c", &authorization()).send().await.unwrap();
    let wait_s: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=1_000).contains(&wait_s), "{wait_s}");
    let (status, told) = read(refused).await;
    assert_eq!((status, &told["error"]["code"]), (429, &json!("rate_limit")));
    let (_, counts) = shop.get("/admin/status").await;
    assert_eq!([&counts["calls"], &counts["refused"], &counts["open"]], [3, 1, 2]);
    assert_eq!(shop.ledger().await[2].outcome, PaymentOutcome::RateLimited);
}

#[tokio::test]
async fn a_repetition_of_a_call_under_way_conflicts() {
    let slow = Law::Constant(Duration::from_mins(10));
    let latency = Latency { refusal: Law::default(), ..Latency::every(slow) };
    let shop = Merchant::of(Settings { latency, ..settings() });
    let first = tokio::spawn(shop.post("/v1/authorizations", "a", &authorization()).send());
    while shop.get("/admin/status").await.1["pending"] != 1 {}
    assert_eq!(shop.authorize("a").await, (409, error("idempotency_key_in_use")));
    first.abort();
}

#[tokio::test]
async fn a_call_that_hangs_takes_effect_in_silence() {
    let shop = Merchant::of(Settings {
        faults: Faults { commit_then_timeout: 1.0, ..Faults::default() },
        ..settings()
    });
    let hung = tokio::spawn(shop.post("/v1/authorizations", "a", &authorization()).send());
    while shop.get("/admin/status").await.1["calls"] != 1 {}
    let line = shop.ledger().await.remove(0);
    assert_eq!((line.outcome, line.told), (PaymentOutcome::Authorized, PaymentOutcome::Silence));
    assert_eq!(shop.authorize("a").await, (200, json!({ "id": "1", "status": "authorized" })));
    assert!(!hung.is_finished(), "the first caller still waits");
    hung.abort();
}

#[tokio::test]
async fn a_declined_card_reserves_nothing() {
    let shop = Merchant::of(Settings { declines: 1.0, ..settings() });
    let (status, body) = shop.authorize("a").await;
    let code = body["error"]["code"].as_str().unwrap();
    let codes = ["insufficient_funds", "generic_decline", "incorrect_cvc", "expired_card"];
    assert!(status == 402 && codes.contains(&code), "{status} {code}");
    assert_eq!(shop.get("/v1/authorizations/1").await.1["status"], "declined");
    assert_eq!(shop.get("/admin/status").await.1["open"], 0);
}

#[tokio::test]
async fn a_bad_request_is_told_what_is_wrong_and_leaves_no_trace() {
    let shop = Merchant::of(settings());
    let url = format!("{}/v1/authorizations", shop.url);
    let bare = || shop.client.post(&url);
    let keyed = || bare().bearer_auth("shop").header("Idempotency-Key", "a");
    let void = shop.post("/v1/authorizations/x/void", "a", &json!({ "reference": "0-417" }));
    let long = "x".repeat(20_000);
    for (request, status, part) in [
        (keyed().body("{"), 400, "EOF while parsing"),
        (keyed().json(&json!({ "amount": 1 })), 400, "missing field `reference`"),
        (keyed().json(&json!({ "amount": -5, "reference": "r" })), 400, "invalid value"),
        (keyed().json(&json!({ "amount": 1, "reference": "r", "x": 1 })), 400, "unknown field `x`"),
        (keyed().json(&json!({ "amount": 1, "reference": " " })), 400, "reference: missing"),
        (keyed().body(long.clone()), 413, "at most 16384 bytes"),
        (bare().bearer_auth("shop").json(&authorization()), 400, "Idempotency-Key: missing"),
        (shop.post("/v1/authorizations", &long[..300], &authorization()), 400, "300 bytes"),
        (bare().header("Idempotency-Key", "a").json(&authorization()), 401, "Bearer <account>"),
        (void, 400, "no authorization is named `x`"),
        (shop.post("/v1/charges", "a", &authorization()), 404, "POST /v1/authorizations"),
    ] {
        let (answered, body) = read(request.send().await.unwrap()).await;
        let message = body["error"]["message"].as_str().unwrap();
        assert!(answered == status && message.contains(part), "{part}: {answered} {body}");
    }
    assert_eq!(shop.ledger().await, []);
}

#[tokio::test]
async fn the_ledger_file_holds_every_line_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("ledger.jsonl");
    let args = Args { ledger: Some(path.clone()), ..Args::default() };
    let server = Server::bind(args, settings()).unwrap();
    let url = format!("http://{}", server.address());
    let (stop, told_to_stop) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(server.serve(async { drop(told_to_stop.await) }));
    let merchant = Merchant { url, client: reqwest::Client::new() };
    for key in 0..200 {
        merchant.authorize(&key.to_string()).await;
    }
    let ledger = merchant.ledger().await;
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
    assert_eq!(ledger.len(), 200);
    assert_eq!(lines(&std::fs::read_to_string(&path).unwrap()), ledger);
    assert!(ledger.is_sorted_by_key(|line| line.utc_ns));
}

#[tokio::test]
async fn the_ledger_can_be_had_as_a_database_while_it_grows() {
    let shop = Merchant::of(settings());
    let folder = tempfile::tempdir().unwrap();
    for round in 1..4 {
        shop.authorize(&round.to_string()).await;
        let url = format!("{}/admin/ledger.db", shop.url);
        let bytes = shop.client.get(url).send().await.unwrap().bytes().await.unwrap();
        let path = folder.path().join(format!("{round}.db"));
        std::fs::write(&path, bytes).unwrap();
        let database = rusqlite::Connection::open(&path).unwrap();
        let query = "select count(*) from payments where intent = '0-417' and told = 'authorized'";
        let count: i64 = database.query_row(query, [], |row| row.get(0)).unwrap();
        assert_eq!(count, round);
    }
}

#[tokio::test]
async fn a_reader_comes_back_for_what_is_new() {
    let shop = Merchant::of(settings());
    let read_on = async |after: usize, more: &str| {
        let url = format!("{}/admin/ledger?after={after}{more}", shop.url);
        shop.client.get(url).send().await.unwrap()
    };
    shop.authorize("a").await;
    let first = read_on(0, "").await.text().await.unwrap();
    shop.authorize("b").await;
    let answer = read_on(first.len(), "").await;
    let end: usize = answer.headers()["ledger-bytes"].to_str().unwrap().parse().unwrap();
    let second = answer.text().await.unwrap();
    assert_eq!(end, first.len() + second.len());
    assert_eq!((&*lines(&first)[0].key, &*lines(&second)[0].key), ("a", "b"));

    let mut followed = read_on(end, "&follow=true").await;
    shop.authorize("c").await;
    let third = followed.chunk().await.unwrap().unwrap();
    assert_eq!(lines(std::str::from_utf8(&third).unwrap())[0].key, "c");

    for (after, more) in [(1, ""), (end * 9, ""), (0, "&x=1"), (0, "&follow=perhaps")] {
        assert_eq!(read(read_on(after, more).await).await.0, 400, "{after}{more}");
    }
}

#[tokio::test]
async fn each_limit_says_what_it_admitted_and_refused_in_each_second() {
    let shop = Merchant::of(Settings { limits: vec![two_calls()], ..settings() });
    for key in ["a", "b", "c"] {
        shop.authorize(key).await;
    }
    let (_, told) = shop.get("/admin/limits/seconds").await;
    let limit = &told["limits"][0];
    assert_eq!((&limit["admitted"], &limit["refused"]), (&json!(2), &json!(1)));
    assert_eq!((&limit["limit"], &limit["algorithm"]), (&json!("global"), &json!("token-bucket")));
    let seconds = limit["seconds"].as_array().unwrap();
    let sum = |key: &str| seconds.iter().map(|it| it[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("admitted"), sum("refused")), (2, 1));
}

#[tokio::test]
async fn the_measurements_say_what_happened() {
    let shop = Merchant::of(Settings { limits: vec![two_calls()], ..settings() });
    for key in ["a", "a", "c"] {
        shop.authorize(key).await;
    }
    let answer = shop.client.get(format!("{}/metrics", shop.url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    let bytes = shop.client.get(format!("{}/admin/ledger", shop.url)).send().await.unwrap();
    let bytes = bytes.bytes().await.unwrap().len();
    let call = "spike_provider_calls_total{operation=\"authorize\",outcome=";
    let limit = "spike_provider_limit_calls_total{limit=\"global\",scope=\"global\",algorithm=\"token-bucket\",ruling=";
    for line in [
        format!("{call}\"authorized\",told=\"authorized\",replayed=\"false\"}} 1"),
        format!("{call}\"authorized\",told=\"authorized\",replayed=\"true\"}} 1"),
        format!("{call}\"rate_limited\",told=\"rate_limited\",replayed=\"false\"}} 1"),
        format!("{limit}\"admitted\"}} 2"),
        format!("{limit}\"refused\"}} 1"),
        "spike_provider_answers_under_way 0".to_owned(),
        "spike_provider_open_authorizations 1".to_owned(),
        format!("spike_provider_ledger_bytes {bytes}"),
        "spike_provider_ledger_lines 3".to_owned(),
        "spike_provider_ledger_writable 1".to_owned(),
        "spike_provider_response_seconds_count{operation=\"authorize\",told=\"authorized\"} 2"
            .into(),
        "spike_provider_response_seconds_count{operation=\"authorize\",told=\"rate_limited\"} 1"
            .into(),
    ] {
        assert!(text.lines().any(|said| said == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_under_way_until_its_caller_goes() {
    let shop = Merchant::of(Settings {
        faults: Faults { commit_then_timeout: 1.0, ..Faults::default() },
        ..settings()
    });
    let under_way = async |count: u32| {
        let text = shop.client.get(format!("{}/metrics", shop.url)).send().await.unwrap();
        let line = format!("spike_provider_answers_under_way {count}");
        text.text().await.unwrap().lines().any(|said| said == line)
    };
    let hung = tokio::spawn(shop.post("/v1/authorizations", "a", &authorization()).send());
    while !under_way(1).await {}
    hung.abort();
    while !under_way(0).await {}
}

#[tokio::test]
async fn the_administration_can_have_an_address_of_its_own() {
    let args = Args { admin: Some("127.0.0.1:0".to_owned()), ..Args::default() };
    let server = Server::bind(args, settings()).unwrap();
    let status = |address| format!("http://{address}/admin/status");
    let (merchants, owner) = (status(server.address()), status(server.admin_address()));
    tokio::spawn(server.serve(pending()));
    assert_eq!(reqwest::get(owner).await.unwrap().status(), 200);
    assert_eq!(reqwest::get(merchants).await.unwrap().status(), 404);
}

#[tokio::test]
async fn other_machines_do_not_reach_the_administration_unless_told_so() {
    for (listen, admin, admin_is_here) in [
        ("0.0.0.0:0", None, true),
        ("0.0.0.0:0", Some("0"), true),
        ("127.0.0.1:0", Some("0"), true),
        ("127.0.0.1:0", None, true),
        ("127.0.0.1:0", Some("0.0.0.0:0"), false),
    ] {
        let admin = admin.map(str::to_owned);
        let shared = listen == "127.0.0.1:0" && admin.is_none();
        let server =
            Server::bind(Args { listen: listen.to_owned(), admin, ..Args::default() }, settings())
                .unwrap();
        let (address, owner) = (server.address(), server.admin_address());
        assert_eq!(owner.ip().is_loopback(), admin_is_here, "{listen}: {owner}");
        assert_eq!(owner == address, shared, "{listen}");
        tokio::spawn(server.serve(pending()));
        for path in ["admin/status", "admin/ledger", "admin/ledger.db", "metrics"] {
            let ask = async |port| {
                reqwest::get(format!("http://127.0.0.1:{port}/{path}")).await.unwrap().status()
            };
            assert_eq!(ask(owner.port()).await, 200, "{listen} {path}");
            assert_eq!(ask(address.port()).await, if shared { 200 } else { 404 }, "{path}");
        }
    }
}

#[tokio::test]
async fn many_callers_at_once_get_no_more_than_the_burst() {
    let limit = Limit {
        scope: Scope::Global,
        algorithm: Algorithm::FixedWindow,
        rate: Some(0.02),
        window: Some("1000s".parse().unwrap()),
        ..Limit::default()
    };
    // The run began at the start of a window, which does not end while the test lasts.
    let shop = std::sync::Arc::new(Merchant::of(Settings { limits: vec![limit], ..settings() }));
    let calls: Vec<_> = (0..100)
        .map(|key: u32| {
            let shop = std::sync::Arc::clone(&shop);
            tokio::spawn(async move { shop.authorize(&key.to_string()).await.0 })
        })
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    let count = |status| statuses.iter().filter(|answered| **answered == status).count();
    assert_eq!((count(200), count(429)), (20, 80));
}

#[tokio::test]
async fn a_connection_outlives_a_refusal_whose_body_comes_late() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let settings = Settings { limits: Vec::new(), ..settings() };
    let server = Server::bind(Args::default(), settings).unwrap();
    let address = server.address();
    tokio::spawn(server.serve(pending()));
    for (path, status) in [
        ("/v1/payment_intents", "401"),
        ("/v1/nothing", "404"),
        ("/v1/authorizations", "401"),
        ("/v1/payment_intents/pi_1/nothing", "404"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        for round in 0..2 {
            let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // Many libraries send the head and the body apart; meanwhile the server is not idle.
            for _ in 0..20 {
                reqwest::get(format!("http://{address}/metrics")).await.unwrap();
            }
            stream.write_all(b"a=b&c").await.unwrap();
            let mut told = [0; 4_096];
            let length = stream.read(&mut told).await.unwrap();
            let told = String::from_utf8_lossy(&told[..length]);
            assert!(told.starts_with(&format!("HTTP/1.1 {status}")), "{path}, {round}: {told}");
        }
    }
}
