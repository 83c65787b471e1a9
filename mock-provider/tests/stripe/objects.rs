//! Whole objects, field by field: an SDK reads what it knows, and fails where it is absent.

use serde_json::{Value, json};

use crate::{HELD, Shop, path, settings};

/// In 2096, so that the clock stands still while the test lasts \[s\].
const NOW_S: u64 = 4_000_000_000;

/// A payment that has just been made, as the first of its provider.
fn fresh() -> Value {
    json!({
        "id": "pi_000000000000000000000001",
        "object": "payment_intent",
        "amount": 2400,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "application": null,
        "allowed_payment_method_types": null,
        "application_fee_amount": null,
        "automatic_payment_methods": { "allow_redirects": "always", "enabled": true },
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic_async",
        "client_secret": "pi_000000000000000000000001_secret_",
        "confirmation_method": "automatic",
        "created": NOW_S,
        "currency": "jpy",
        "customer": null,
        "customer_account": null,
        "description": null,
        "excluded_payment_method_types": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "managed_payments": null,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": {
            "installments": null, "mandate_options": null, "network": null,
            "request_three_d_secure": "automatic",
        } },
        "payment_method_types": ["card"],
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    })
}

/// The same with other values of some fields.
fn with(changes: Value) -> Value {
    let mut intent = fresh();
    let Value::Object(changes) = changes else { panic!("changes are a table") };
    intent.as_object_mut().unwrap().extend(changes);
    intent
}

/// The same held, by the first card of the provider.
fn held(changes: Value) -> Value {
    let mut intent = with(json!({
        "amount_capturable": 2400,
        "automatic_payment_methods": null,
        "capture_method": "manual",
        "latest_charge": "ch_000000000000000000000101",
        "payment_method": "pm_000000000000000000000001",
        "status": "requires_capture",
    }));
    let Value::Object(changes) = changes else { panic!("changes are a table") };
    intent.as_object_mut().unwrap().extend(changes);
    intent
}

/// The payment without the random part of its secret, which is as long as it should be.
fn told(intent: &Value) -> Value {
    let mut intent = intent.clone();
    let secret = intent["client_secret"].as_str().unwrap();
    let (begin, letters) = secret.split_at(secret.len() - 25);
    assert!(letters.bytes().all(|letter| letter.is_ascii_alphanumeric()), "{letters}");
    intent["client_secret"] = begin.into();
    intent
}

fn shop() -> Shop {
    Shop::begun(settings(), Some(NOW_S * 1_000_000_000))
}

#[tokio::test]
async fn a_payment_shows_every_field_in_every_status() {
    let by_hand = HELD.replace("&confirm=true", "");
    let made = shop().create("amount=2400&currency=jpy").await;
    assert_eq!(told(&made), fresh());

    let waits = shop().create(&by_hand).await;
    let none = json!({
        "amount_capturable": 0, "latest_charge": null, "status": "requires_confirmation",
    });
    assert_eq!(told(&waits), held(none));

    let one = shop();
    let intent = one.create(HELD).await;
    assert_eq!(told(&intent), held(json!({})));
    let taken = one.post(&path("payment_intents", &intent, "/capture"), "").await.body;
    let all = json!({ "amount_capturable": 0, "amount_received": 2400, "status": "succeeded" });
    assert_eq!(told(&taken), held(all));

    let other = shop();
    let intent = other.create(HELD).await;
    let gone = other
        .post(&path("payment_intents", &intent, "/cancel"), "cancellation_reason=duplicate")
        .await
        .body;
    let nothing = json!({
        "amount_capturable": 0, "status": "canceled",
        "canceled_at": NOW_S, "cancellation_reason": "duplicate",
    });
    assert_eq!(told(&gone), held(nothing));

    let third = shop();
    let card = HELD.replace("pm_card_visa", "pm_card_threeDSecure2Required");
    let asked = third.create(&format!("{card}&return_url=https://shop.test/back")).await;
    let secret = asked["client_secret"].as_str().unwrap();
    let action = json!({
        "amount_capturable": 0, "latest_charge": null, "status": "requires_action",
        "next_action": {
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": "https://shop.test/back",
                "url": format!("{}/3ds/{secret}", third.url),
            },
        },
    });
    assert_eq!(told(&asked), held(action));
}

/// What a charge has nothing of.
const NOTHING: [&str; 24] = [
    "application",
    "application_fee",
    "application_fee_amount",
    "balance_transaction",
    "calculated_statement_descriptor",
    "customer",
    "description",
    "destination",
    "dispute",
    "failure_balance_transaction",
    "failure_code",
    "failure_message",
    "on_behalf_of",
    "receipt_email",
    "receipt_number",
    "receipt_url",
    "review",
    "shipping",
    "source",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

#[tokio::test]
async fn a_charge_shows_every_field() {
    let shop = shop();
    let intent = shop.create(HELD).await;
    let charge = intent["latest_charge"].as_str().unwrap();
    let mut shown = shop.get(&format!("/v1/charges/{charge}")).await.body;
    let card = shown["payment_method_details"]["card"].take();
    assert_eq!((&card["brand"], &card["last4"]), (&json!("visa"), &json!("4242")));
    // Yen are kept for thirty days.
    assert_eq!(card["capture_before"], NOW_S + 30 * 86_400);
    assert_eq!(card["three_d_secure"], Value::Null);
    let mut expected = json!({
        "id": charge,
        "object": "charge",
        "amount": 2400,
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": {
            "address": {
                "city": null, "country": null, "line1": null, "line2": null,
                "postal_code": null, "state": null,
            },
            "email": null, "name": null, "phone": null, "tax_id": null,
        },
        "captured": false,
        "created": NOW_S,
        "currency": "jpy",
        "disputed": false,
        "fraud_details": {},
        "livemode": false,
        "metadata": {},
        "outcome": {
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
            "risk_score": 20, "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": true,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": { "type": "card", "card": null },
        "radar_options": {},
        "refunded": false,
        "status": "succeeded",
    });
    for field in NOTHING {
        expected[field] = Value::Null;
    }
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_refund_shows_every_field() {
    let shop = shop();
    let intent = shop.create(&HELD.replace("manual", "automatic")).await;
    let say = format!("payment_intent={}&amount=400", intent["id"].as_str().unwrap());
    let refund = shop.post("/v1/refunds", &say).await.body;
    assert_eq!(
        refund,
        json!({
            "id": "re_000000000000000000000101",
            "object": "refund",
            "amount": 400,
            "balance_transaction": null,
            "charge": intent["latest_charge"],
            "created": NOW_S,
            "currency": "jpy",
            "customer": null,
            "customer_account": null,
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": {},
            "payment_intent": intent["id"],
            "payment_method": intent["payment_method"],
            "reason": null,
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": "succeeded",
            "transfer_reversal": null,
        })
    );
}
