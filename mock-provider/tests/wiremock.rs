//! The provider inside `wiremock`: the same handlers, rules and ledger as over its own port.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use domain::law::Law;
use domain::provider::{PaymentOperation, PaymentOutcome};
use domain::time::Duration;
use mock_provider::settings::{Faults, Latency, Limit, Settings};
use mock_provider::wiremock::{MockedProvider, NEVER, STANDS_FOR};
use reqwest::Client;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond};

use settings::settings;

#[path = "../examples/in_your_tests.rs"]
mod in_your_tests;
#[path = "shop/settings.rs"]
mod settings;

async fn mounted(provider: &MockedProvider) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(provider.clone()).mount(&server).await;
    server
}

async fn authorize(server: &MockServer, key: &str) -> (u16, Value) {
    let url = format!("{}/v1/authorizations", server.uri());
    let body = json!({ "amount": 4_500, "card": 0, "reference": key });
    let request = Client::new().post(url).bearer_auth("shop").header("Idempotency-Key", key);
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// The request of a shop, as a responder sees it.
fn request(reference: &str) -> Request {
    let url = "http://localhost/payment/EntryTran.idPass".parse().unwrap();
    let shop = "ShopID=tshop00000001&ShopPass=abcd1234&JobCd=AUTH&Amount=4500";
    let body = format!("{shop}&OrderID={reference}").into_bytes();
    Request { url, method: reqwest::Method::POST, headers: reqwest::header::HeaderMap::new(), body }
}

#[test]
fn the_example_for_rust_teams_buys() {
    in_your_tests::main().unwrap();
}

#[tokio::test]
async fn all_faces_answer_and_one_ledger_tells_of_them() {
    let provider = MockedProvider::new(settings());
    let server = mounted(&provider).await;

    let native = authorize(&server, "native").await;
    let url = format!("{}/payment/EntryTran.idPass", server.uri());
    let gateway = Client::new().post(url).body(request("gateway").body).send().await.unwrap();
    let unknown = Client::new().get(format!("{}/v1/nothing", server.uri())).send().await.unwrap();

    assert_eq!(native, (200, json!({ "id": "1", "status": "authorized" })));
    assert!(gateway.text().await.unwrap().starts_with("AccessID="));
    assert_eq!(unknown.status(), 404);
    let told: Vec<_> = provider
        .ledger()
        .into_iter()
        .map(|line| (line.reference, line.operation, line.outcome))
        .collect();
    assert_eq!(
        told,
        [
            ("native".to_owned(), PaymentOperation::Authorize, PaymentOutcome::Authorized),
            ("gateway".to_owned(), PaymentOperation::Create, PaymentOutcome::Accepted),
        ]
    );
    assert_eq!((provider.counts().calls, provider.counts().open), (2, 1));
}

#[tokio::test]
async fn limits_hold_inside_wiremock_as_well() {
    let one = Limit { rate: Some(0.001), burst: Some(1.0), ..Limit::default() };
    let provider = MockedProvider::new(Settings { limits: vec![one], ..settings() });
    let server = mounted(&provider).await;
    assert_eq!(authorize(&server, "one").await.0, 200);
    assert_eq!(authorize(&server, "two").await.0, 429);
    assert_eq!(provider.counts().refused, 1);
}

#[test]
fn the_time_an_answer_takes_is_the_templates_delay() {
    let other = Law::Constant(Duration::from_millis(350));
    let latency = Latency { other, ..settings().latency };
    let provider = MockedProvider::new(Settings { latency, ..settings() });
    let template = format!("{:?}", provider.respond(&request("slow")));
    assert!(template.contains("delay: Some(350ms)"), "{template}");
}

#[test]
fn what_wiremock_cannot_do_has_a_stand_in_that_says_so() {
    let template = |faults: Faults| {
        let provider = MockedProvider::new(Settings { faults, ..settings() });
        let template = format!("{:?}", provider.respond(&request("lost")));
        (template, provider.ledger())
    };
    let reset = Faults { commit_then_reset: 1.0, ..Faults::default() };
    let silence = Faults { timeout_before_commit: 1.0, ..Faults::default() };
    for (faults, word, delay) in [(reset, "reset", Duration::ZERO), (silence, "silence", NEVER)] {
        let (template, ledger) = template(faults);
        assert!(template.contains("status_code: 500"), "{template}");
        assert!(template.contains(&format!("\"{STANDS_FOR}\": \"{word}\"")), "{template}");
        assert!(template.contains(&format!("delay: Some({delay:?})")), "{template}");
        assert_eq!(ledger[0].told, PaymentOutcome::Silence);
    }
}

#[test]
fn an_unknown_profile_is_told_the_nearest() {
    let error = MockedProvider::profile("stripe_2026").unwrap_err();
    assert_eq!(error.nearest, Some("stripe-2026"));
}
