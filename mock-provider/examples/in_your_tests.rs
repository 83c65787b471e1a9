//! A shop in Rust, tested against the provider: five lines of set-up, a purchase, and the ledger.

use domain::provider::{PaymentLine, PaymentOutcome};
use mock_provider::wiremock::MockedProvider;
use reqwest::{Client, StatusCode};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

/// The purchase of the shop under test: a payment is made and confirmed, then captured.
async fn buy(provider: &str, order: &str) -> reqwest::Result<StatusCode> {
    let payments = format!("{provider}/v1/payment_intents");
    let post = |url: String, step: &str, body: String| {
        let request = Client::new().post(url).bearer_auth("sk_test_shop");
        let request = request.header("Idempotency-Key", format!("{order}-{step}"));
        request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
    };
    let terms = "amount=4500&currency=jpy&confirm=true&payment_method=pm_card_visa";
    let terms = format!("{terms}&capture_method=manual&metadata[order_id]={order}");
    let made = post(payments.clone(), "authorize", terms).send().await?.error_for_status()?;
    let made: serde_json::Value = made.json().await?;
    let payment = made["id"].as_str().unwrap_or_default();
    let captured = post(format!("{payments}/{payment}/capture"), "capture", String::new());
    Ok(captured.send().await?.status())
}

/// What a test of the shop looks like.
#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = MockServer::start().await;
    let provider = MockedProvider::at_once("stripe-2026")?;
    Mock::given(any()).respond_with(provider.clone()).mount(&server).await;

    assert_eq!(buy(&server.uri(), "order-7").await?, StatusCode::OK);

    let happened = |line: PaymentLine| (line.reference, line.outcome, line.amount.minor());
    let ledger: Vec<_> = provider.ledger().into_iter().map(happened).collect();
    let line = |outcome| ("order-7".to_owned(), outcome, 4_500);
    assert_eq!(ledger, [line(PaymentOutcome::Authorized), line(PaymentOutcome::Captured)]);
    Ok(())
}
