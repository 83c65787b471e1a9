//! 3-D Secure: a page asks the cardholder.

use domain::law::Law;
use domain::provider::{PaymentOperation, PaymentOutcome};
use domain::time::Duration;
use mock_provider::settings::{Cards, Challenges, Settings};
use serde_json::Value;

use crate::{HELD, Shop, path, settings};

const CARD: &str = "pm_card_threeDSecure2Required";

fn challenged(more: &str) -> String {
    format!("{}{more}", HELD.replace("pm_card_visa", CARD))
}

async fn press(shop: &Shop, url: &str, answer: &str) -> reqwest::Response {
    let form = "application/x-www-form-urlencoded";
    let request = shop.client.post(url).header("Content-Type", form);
    request.body(format!("answer={answer}")).send().await.unwrap()
}

#[tokio::test]
async fn the_page_asks_and_sends_the_cardholder_back_with_the_result() {
    for (answer, result, status) in [
        ("complete", "succeeded", "requires_capture"),
        ("fail", "failed", "requires_payment_method"),
    ] {
        let shop = Shop::new();
        let back = "&return_url=https%3A%2F%2Fshop.test%2Fback%3Forder%3D7%26x%3D%22%3E";
        let asked = shop.create(&challenged(back)).await;
        assert_eq!(
            (&asked["status"], &asked["latest_charge"]),
            (&"requires_action".into(), &Value::Null)
        );
        let to = &asked["next_action"]["redirect_to_url"];
        let url = to["url"].as_str().unwrap();
        assert!(url.starts_with(&shop.url), "{url}");

        let page = shop.client.get(url).send().await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let html = page.text().await.unwrap();
        assert!(html.contains("¥2400") && html.contains("<form method=\"post\">"), "{html}");
        assert!(!html.contains("src=") && !html.contains("http"), "{html}");

        let sent = press(&shop, url, answer).await;
        assert_eq!(sent.status(), 303);
        let secret = asked["client_secret"].as_str().unwrap();
        let expected = format!(
            "https://shop.test/back?order=7&x=\">&payment_intent={}\
             &payment_intent_client_secret={secret}&redirect_status={result}",
            asked["id"].as_str().unwrap()
        );
        assert_eq!(sent.headers()["location"], expected);
        let after = shop.get(&path("payment_intents", &asked, "")).await.body;
        assert_eq!((&after["status"], &after["next_action"]), (&status.into(), &Value::Null));
        // A second answer changes nothing, and says what was decided.
        let second = press(&shop, url, "complete").await;
        assert_eq!(second.headers()["location"], expected);
        assert_eq!(shop.get(&path("payment_intents", &asked, "")).await.body, after);
        let line = shop.ledger().await.pop().unwrap();
        assert_eq!(
            (line.operation, line.told),
            (PaymentOperation::Authenticate, PaymentOutcome::Silence)
        );
    }
}

#[tokio::test]
async fn a_failed_challenge_is_the_payments_last_error() {
    let shop = Shop::new();
    let asked = shop.create(&challenged("")).await;
    let url = asked["next_action"]["use_stripe_sdk"]["stripe_js"].as_str().unwrap();
    assert_eq!(asked["next_action"]["type"], "use_stripe_sdk");
    let page = press(&shop, url, "fail").await;
    assert!(page.text().await.unwrap().contains("Not authenticated"));
    let after = shop.get(&path("payment_intents", &asked, "")).await.body;
    let error = &after["last_payment_error"];
    assert_eq!(error["code"], "payment_intent_authentication_failure");
    assert_eq!((&error["type"], &error["charge"]), (&"invalid_request_error".into(), &Value::Null));
    assert_eq!(error["payment_method"]["object"], "payment_method");
}

#[tokio::test]
async fn a_page_that_was_made_up_asks_nothing() {
    let shop = Shop::new();
    let asked = shop.create(&challenged("")).await;
    let id = asked["id"].as_str().unwrap();
    for name in [id.to_owned(), format!("{id}_secret_x"), "<script>".to_owned(), "%ff".to_owned()] {
        let url = format!("{}/3ds/{name}", shop.url);
        let page = shop.client.get(&url).send().await.unwrap();
        assert!(page.status().is_client_error(), "{name}");
        assert!(!page.text().await.unwrap().contains("<script>"));
        assert!(press(&shop, &url, "complete").await.status().is_client_error());
    }
    let after = shop.get(&path("payment_intents", &asked, "")).await.body;
    assert_eq!(after["status"], "requires_action");
}

#[tokio::test]
async fn cardholders_who_answer_by_themselves_do_so_without_another_call() {
    let challenges = Challenges {
        share: 1.0,
        takes: Law::Constant(Duration::from_millis(1)),
        ..Challenges::default()
    };
    let shop = Shop::of(Settings { cards: Cards::Drawn, challenges, ..settings() });
    let asked = shop.create(HELD).await;
    assert_eq!(asked["status"], "requires_action");
    while shop.ledger().await.len() < 2 {}
    let line = shop.ledger().await.pop().unwrap();
    assert_eq!(
        (line.operation, line.outcome),
        (PaymentOperation::Authenticate, PaymentOutcome::Authorized)
    );
}
