//! The same call under the same key takes effect once.

use domain::law::Law;
use domain::time::Duration;
use mock_provider::settings::{Faults, Latency, Settings};

use crate::{HELD, Shop, path, settings};

const PATH: &str = "/v1/payment_intents";

#[tokio::test]
async fn a_repetition_has_the_first_answers_bytes_whatever_happened_since() {
    let shop = Shop::new();
    let said = &format!("{HELD}&expand[]=latest_charge&expand[]=payment_method");
    let first = shop.keyed("a", PATH, said).await;
    shop.post(&path("payment_intents", &first.body, "/capture"), "").await;
    let again = shop.keyed("a", PATH, said).await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    assert_eq!(again.header("idempotency-key"), Some("a"));
    assert_eq!(shop.ledger().await.iter().filter(|line| line.replayed).count(), 1);
}

#[tokio::test]
async fn a_decline_is_repeated_to_the_byte() {
    let shop = Shop::new();
    let said = HELD.replace("pm_card_visa", "pm_card_chargeDeclined");
    let first = shop.keyed("a", PATH, &said).await;
    let again = shop.keyed("a", PATH, &said).await;
    assert_eq!((again.status, &again.text), (402, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn a_refusal_is_repeated_to_the_byte_although_its_payment_has_moved_on() {
    let shop = Shop::new();
    let made = shop.create("amount=2400&currency=jpy&capture_method=manual").await;
    let capture = path("payment_intents", &made, "/capture");
    let first = shop.keyed("a", &capture, "").await;
    assert_eq!(first.wrong(), (400, "payment_intent_unexpected_state", ""));
    assert_eq!(first.body["error"]["payment_intent"]["status"], "requires_payment_method");
    let confirm = path("payment_intents", &made, "/confirm");
    assert_eq!(shop.post(&confirm, "payment_method=pm_card_visa").await.status, 200);
    let again = shop.keyed("a", &capture, "").await;
    assert_eq!((again.status, &again.text), (400, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn a_key_goes_with_its_parameters_and_its_path() {
    let shop = Shop::new();
    let held = shop.keyed("a", PATH, HELD).await;
    let capture = path("payment_intents", &held.body, "/capture");
    for (path, body) in [(PATH, HELD.replace("2400", "2500")), (&*capture, String::new())] {
        let told = shop.keyed("a", path, &body).await;
        assert_eq!((told.status, &told.body["error"]["type"]), (400, &"idempotency_error".into()));
    }
    // The order of parameters and the spelling of lists mean nothing.
    let other = "capture_method=manual&confirm=true&payment_method=pm_card_visa\
                 &payment_method_types%5B0%5D=card&currency=jpy&amount=2400";
    assert_eq!(shop.keyed("a", PATH, other).await.text, held.text);
}

#[tokio::test]
async fn a_key_under_way_conflicts() {
    let slow = Law::Constant(Duration::from_mins(10));
    let latency = Latency { refusal: Law::default(), ..Latency::every(slow) };
    let shop = Shop::of(Settings { latency, ..settings() });
    let first = tokio::spawn(shop.request(PATH, HELD).header("Idempotency-Key", "a").send());
    while shop.ledger().await.is_empty() {}
    let told = shop.keyed("a", PATH, HELD).await;
    assert_eq!(told.wrong(), (409, "idempotency_key_in_use", ""));
    assert_eq!(told.header("stripe-should-retry"), None);
    first.abort();
}

#[tokio::test]
async fn a_request_that_makes_no_sense_leaves_its_key_free() {
    let shop = Shop::new();
    let none = shop.keyed("a", PATH, "amount=x&currency=jpy").await;
    assert_eq!(none.wrong(), (400, "parameter_invalid_integer", "amount"));
    let most = shop.keyed("a", PATH, "amount=100000000&currency=jpy").await;
    assert_eq!(most.wrong(), (400, "amount_too_large", "amount"));
    let made = shop.keyed("a", PATH, "amount=2400&currency=jpy").await;
    assert_eq!((made.status, made.header("idempotent-replayed")), (200, None));
}

#[tokio::test]
async fn a_failure_is_repeated_and_says_that_trying_again_is_no_use() {
    let faults = Faults { commit_then_5xx: 1.0, ..Faults::default() };
    let shop = Shop::of(Settings { faults, ..settings() });
    let first = shop.keyed("a", PATH, HELD).await;
    let again = shop.keyed("a", PATH, HELD).await;
    assert_eq!((first.status, again.status, &again.text), (500, 500, &first.text));
    assert_eq!(first.body["error"]["type"], "api_error");
    assert_eq!(first.header("stripe-should-retry"), None);
    assert_eq!(again.header("stripe-should-retry"), Some("false"));
}

#[tokio::test]
async fn a_key_has_at_most_255_characters() {
    let shop = Shop::new();
    assert_eq!(shop.keyed(&"k".repeat(255), PATH, HELD).await.status, 200);
    assert_eq!(shop.keyed(&"k".repeat(256), PATH, HELD).await.wrong(), (400, "", ""));
    assert_eq!(shop.ledger().await.len(), 1);
}
