//! The life of a payment.

use domain::provider::{PaymentOperation, PaymentOutcome};
use serde_json::{Value, json};

use crate::{HELD, Shop, TAKEN, path};

fn money(intent: &Value) -> (&str, u64, u64) {
    let of = |field: &str| intent[field].as_u64().unwrap();
    (intent["status"].as_str().unwrap(), of("amount_capturable"), of("amount_received"))
}

#[tokio::test]
async fn a_payment_is_made_confirmed_captured_and_given_back_and_the_ledger_tells_of_it() {
    let shop = Shop::new();
    let said = "amount=2400&currency=JPY&capture_method=manual&metadata[order_id]=A-12\
                &metadata[intent]=0-417&description=%E5%B8%AD";
    let made = shop.create(said).await;
    assert_eq!(money(&made), ("requires_payment_method", 0, 0));
    let confirm = path("payment_intents", &made, "/confirm");
    let held = shop.post(&confirm, "payment_method=pm_card_visa").await.body;
    assert_eq!(money(&held), ("requires_capture", 2_400, 0));
    let capture = path("payment_intents", &made, "/capture");
    let taken = shop.post(&capture, "amount_to_capture=2000").await.body;
    assert_eq!(money(&taken), ("succeeded", 0, 2_000));
    let of = format!("payment_intent={}&amount=500", made["id"].as_str().unwrap());
    let refund = shop.post("/v1/refunds", &of).await.body;
    assert_eq!((&refund["amount"], &refund["charge"]), (&json!(500), &taken["latest_charge"]));

    let told: Vec<_> = shop
        .ledger()
        .await
        .into_iter()
        .map(|line| {
            assert_eq!((line.reference.as_str(), line.intent.as_str()), ("A-12", "0-417"));
            assert_eq!((line.payment.as_deref(), line.told), (made["id"].as_str(), line.outcome));
            (line.operation, line.outcome, line.amount.minor())
        })
        .collect();
    assert_eq!(
        told,
        [
            (PaymentOperation::Create, PaymentOutcome::Accepted, 2_400),
            (PaymentOperation::Confirm, PaymentOutcome::Authorized, 2_400),
            (PaymentOperation::Capture, PaymentOutcome::Captured, 2_000),
            (PaymentOperation::Refund, PaymentOutcome::Refunded, 500),
        ]
    );
}

#[tokio::test]
async fn reserved_money_is_let_go() {
    let shop = Shop::new();
    let held = shop.create(HELD).await;
    let cancel = path("payment_intents", &held, "/cancel");
    let gone = shop.post(&cancel, "cancellation_reason=abandoned").await.body;
    assert_eq!(money(&gone), ("canceled", 0, 0));
    assert_eq!(gone["cancellation_reason"], "abandoned");
    assert!(gone["canceled_at"].as_u64() >= gone["created"].as_u64());
    let again = shop.post(&cancel, "").await;
    assert_eq!(again.wrong(), (400, "payment_intent_unexpected_state", ""));
    assert_eq!(again.body["error"]["payment_intent"]["status"], "canceled");
}

#[tokio::test]
async fn a_declined_card_leaves_the_payment_at_its_beginning() {
    let shop = Shop::new();
    let declined = TAKEN.replace("pm_card_visa", "pm_card_chargeDeclined");
    let told = shop.post("/v1/payment_intents", &declined).await;
    assert_eq!(told.wrong(), (402, "card_declined", ""));
    let error = &told.body["error"];
    assert_eq!(
        (&error["type"], &error["decline_code"]),
        (&json!("card_error"), &json!("generic_decline"))
    );
    let intent = &error["payment_intent"];
    assert_eq!(money(intent), ("requires_payment_method", 0, 0));
    let last = &intent["last_payment_error"];
    assert_eq!((&last["charge"], &last["code"]), (&error["charge"], &error["code"]));
    assert_eq!(last["payment_method"], error["payment_method"]);
    assert_eq!(intent["payment_method"], Value::Null);

    let failed = shop.get(&format!("/v1/charges/{}", error["charge"].as_str().unwrap())).await;
    assert_eq!(
        [&failed.body["status"], &failed.body["paid"], &failed.body["failure_code"]],
        [&json!("failed"), &json!(false), &json!("card_declined")]
    );
    let confirm = path("payment_intents", intent, "/confirm");
    let taken = shop.post(&confirm, "payment_method=pm_card_visa").await.body;
    assert_eq!(money(&taken), ("succeeded", 0, 2_400));
    assert_eq!(taken["last_payment_error"], Value::Null);
    assert_ne!(taken["latest_charge"], error["charge"]);
}

#[tokio::test]
async fn what_the_merchant_says_is_told_again_and_can_be_taken_back() {
    let shop = Shop::new();
    let said = "amount=2400&currency=jpy&description=seat&receipt_email=fan%40example.jp\
                &metadata[a]=1&metadata[%E6%B3%A8%E6%96%87]=%F0%9F%8E%A4\
                &shipping[name]=Fan&shipping[address][line1]=1-1&setup_future_usage=off_session";
    let made = shop.create(said).await;
    assert_eq!(made["metadata"], json!({ "a": "1", "注文": "🎤" }));
    assert_eq!(made["shipping"]["address"]["line1"], "1-1");
    assert_eq!(made["setup_future_usage"], "off_session");
    let one = path("payment_intents", &made, "");
    let changed =
        shop.post(&one, "description=&metadata[a]=&metadata[b]=2&amount=3600&shipping=").await.body;
    assert_eq!(changed["metadata"], json!({ "b": "2", "注文": "🎤" }));
    assert_eq!((&changed["amount"], &changed["description"]), (&json!(3_600), &Value::Null));
    assert_eq!(
        (&changed["shipping"], &changed["receipt_email"]),
        (&Value::Null, &json!("fan@example.jp"))
    );
    assert_eq!(shop.get(&one).await.body, changed);
    assert_eq!(shop.post(&one, "metadata=").await.body["metadata"], json!({}));
}

#[tokio::test]
async fn a_browser_with_the_client_secret_sees_and_confirms_its_payment_alone() {
    let shop = Shop::new();
    let made = shop.create("amount=2400&currency=jpy").await;
    let other = shop.create("amount=2400&currency=jpy").await;
    let secret = made["client_secret"].as_str().unwrap();
    let see = async |intent: &Value, query: &str| {
        let url = format!("{}{}{query}", shop.url, path("payment_intents", intent, ""));
        let request = shop.client.get(url).bearer_auth("pk_test_browser");
        crate::read(request.send().await.unwrap()).await
    };
    let query = format!("?client_secret={secret}");
    assert_eq!(see(&made, &query).await.body["id"], made["id"]);
    assert_eq!(see(&other, &query).await.wrong().0, 400);
    assert_eq!(see(&made, "").await.wrong(), (400, "parameter_missing", "client_secret"));
    let confirm = shop
        .request(
            &path("payment_intents", &made, "/confirm"),
            &format!("client_secret={secret}&payment_method=pm_card_visa"),
        )
        .bearer_auth("pk_test_browser");
    // The header of the merchant's own key comes first and would count.
    let mut confirm = confirm.build().unwrap();
    confirm.headers_mut().insert("authorization", "Bearer pk_test_browser".parse().unwrap());
    let confirmed = crate::read(shop.client.execute(confirm).await.unwrap()).await;
    assert_eq!(confirmed.body["status"], "succeeded", "{}", confirmed.text);
}

#[tokio::test]
async fn a_refund_can_be_looked_at_changed_and_listed() {
    let shop = Shop::new();
    let taken = shop.create(TAKEN).await;
    let charge = taken["latest_charge"].as_str().unwrap();
    let say = format!("charge={charge}&amount=1000&reason=duplicate&metadata[a]=1");
    let first = shop.post("/v1/refunds", &say).await.body;
    let second = shop.post("/v1/refunds", &format!("charge={charge}")).await.body;
    assert_eq!((&second["amount"], &second["status"]), (&json!(1_400), &json!("succeeded")));
    let changed = shop.post(&path("refunds", &first, ""), "metadata[b]=2").await.body;
    assert_eq!(changed["metadata"], json!({ "a": "1", "b": "2" }));
    assert_eq!(shop.get(&path("refunds", &first, "")).await.body, changed);
    let none = shop.post("/v1/refunds", &format!("charge={charge}")).await;
    assert_eq!(none.wrong(), (400, "charge_already_refunded", ""));
    let back = shop.get(&format!("/v1/charges/{charge}")).await.body;
    assert_eq!((&back["refunded"], &back["amount_refunded"]), (&json!(true), &json!(2_400)));
    for query in [format!("?charge={charge}"), String::new()] {
        let all = shop.get(&format!("/v1/refunds{query}")).await.body;
        let ids: Vec<_> = all["data"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert_eq!(ids, [&second["id"], &first["id"]]);
    }
}
