//! Bad input: the documented error, and nothing happens.

use mock_provider::settings::{Limit, Scope, Settings};

use crate::{HELD, Shop, TAKEN, path, read, settings};

#[tokio::test]
async fn what_makes_no_sense_is_counted_by_limiters_and_by_nothing_else() {
    let limit =
        Limit { scope: Scope::Endpoint, rate: Some(0.001), burst: Some(2.0), ..Limit::default() };
    let shop = Shop::of(Settings { limits: vec![limit], ..settings() });
    for body in ["amount=x&currency=jpy", "amount=2400&currency=jpy&expand[]=amount"] {
        assert_eq!(shop.keyed("a", "/v1/payment_intents", body).await.status, 400, "{body}");
    }
    let refused = shop.keyed("a", "/v1/payment_intents", "colour=blue").await;
    assert_eq!(refused.wrong(), (429, "rate_limit", ""));
    // Another endpoint has another limit.
    let missing = shop.post("/v1/payment_intents/pi_none/capture", "colour=blue").await;
    assert_eq!(missing.status, 400);
    assert!(shop.ledger().await.is_empty());
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let shop = Shop::new();
    let long = "x".repeat(501);
    for (body, code, param) in [
        ("currency=jpy", "parameter_missing", "amount"),
        ("amount=2400", "parameter_missing", "currency"),
        ("amount=2400&currency=jpy&colour=blue", "parameter_unknown", "colour"),
        ("amount=2400&currency=jpy&shipping[colour]=blue", "parameter_unknown", "shipping[colour]"),
        ("amount=-5&currency=jpy", "parameter_invalid_integer", "amount"),
        ("amount=24.00&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=49&currency=jpy", "amount_too_small", "amount"),
        ("amount=49&currency=usd", "amount_too_small", "amount"),
        ("amount=100000000&currency=jpy", "amount_too_large", "amount"),
        ("amount=2400&currency=xyz", "", "currency"),
        ("amount=2400&currency=%E5%86%86", "", "currency"),
        ("amount=2400&currency=jpy&customer=cus_none", "resource_missing", "customer"),
        ("amount=2400&currency=jpy&payment_method=pm_none", "resource_missing", "payment_method"),
        ("amount=2400&currency=jpy&capture_method=later", "", "capture_method"),
        ("amount=2400&currency=jpy&expand[]=amount", "", "expand[0]"),
        ("amount=2400&currency=jpy&return_url=https://a.test", "", "return_url"),
        (
            "amount=2400&currency=jpy&confirm=true&return_url=javascript:x",
            "url_invalid",
            "return_url",
        ),
        (&format!("amount=2400&currency=jpy&metadata[a]={long}"), "", "metadata"),
        ("amount[a]=1&currency=jpy", "", "amount"),
        ("amount=1&amount[a]=1", "", "amount[a]"),
        ("%ff=1", "", "\u{fffd}"),
    ] {
        let told = shop.post("/v1/payment_intents", body).await;
        let wrong = told.wrong();
        assert_eq!((wrong.0, wrong.1), (400, code), "{body}: {}", told.text);
        assert!(wrong.2 == param || param == "\u{fffd}", "{body}: {}", told.text);
        assert!(told.header("request-id").unwrap().starts_with("req_"));
    }
    assert!(
        shop.ledger()
            .await
            .iter()
            .all(|line| { line.outcome == domain::provider::PaymentOutcome::Refused })
    );
}

#[tokio::test]
async fn what_is_not_there_is_missing() {
    let shop = Shop::new();
    let zero = "pi_000000000000000000000000";
    for id in ["pi_none", zero, "pi_999999999999999999999999", "x%20y", "%E5%86%86"] {
        for what in ["/confirm", "/capture", "/cancel", ""] {
            let told = shop.post(&format!("/v1/payment_intents/{id}{what}"), "").await;
            assert_eq!(told.wrong(), (404, "resource_missing", "intent"), "{id}{what}");
        }
        let told = shop.get(&format!("/v1/payment_intents/{id}")).await;
        assert_eq!(told.wrong(), (404, "resource_missing", "intent"));
    }
    for kind in ["charges", "refunds"] {
        let told = shop.get(&format!("/v1/{kind}/none")).await;
        assert_eq!(told.wrong(), (404, "resource_missing", "id"));
    }
    let taken = shop.create(TAKEN).await;
    let charge = taken["latest_charge"].as_str().unwrap();
    let other = format!("{}02", &charge[..charge.len() - 2]);
    assert_eq!(shop.get(&format!("/v1/charges/{other}")).await.wrong().0, 404);
    let refund = shop.post("/v1/refunds", "payment_intent=pi_none").await;
    assert_eq!(refund.wrong(), (400, "resource_missing", "payment_intent"));
    assert_eq!(shop.post("/v1/refunds", "").await.wrong().0, 400);
}

#[tokio::test]
async fn paths_and_methods_that_are_none_get_an_error_object() {
    let shop = Shop::new();
    let search = "/v1/payment_intents/search";
    for path in ["/v1/nothing", "/", "/v1/payment_intents/a/b/c", search] {
        let told = shop.get(path).await;
        assert_eq!(told.wrong(), (404, "", ""));
        let message = told.body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("Unrecognized request URL (GET: {path})")),
            "{message}"
        );
    }
    let told = shop.client.delete(format!("{}/v1/payment_intents", shop.url));
    assert_eq!(read(told.send().await.unwrap()).await.wrong(), (404, "", ""));
    let broken = shop.get("/v1/payment_intents/%ff").await;
    assert_eq!(broken.wrong().0, 404);
}

#[tokio::test]
async fn who_has_no_key_is_told_to_bring_one() {
    let shop = Shop::new();
    let url = format!("{}/v1/payment_intents", shop.url);
    let bare = read(shop.client.get(&url).send().await.unwrap()).await;
    assert_eq!((bare.wrong().0, bare.header("www-authenticate").is_some()), (401, true));
    for key in ["sk", "not-a-key", "sk_test_"] {
        let told = read(shop.client.get(&url).bearer_auth(key).send().await.unwrap()).await;
        assert_eq!(told.wrong().0, 401, "{key}");
    }
    let basic = shop.client.get(&url).basic_auth("sk_test_spike", Some(""));
    assert_eq!(read(basic.send().await.unwrap()).await.status, 200);
    let browser = read(shop.client.get(&url).bearer_auth("pk_test_a").send().await.unwrap()).await;
    assert_eq!(browser.wrong(), (401, "secret_key_required", ""));
    let held = shop.create(HELD).await;
    let other = format!("{}{}", shop.url, path("payment_intents", &held, ""));
    let other = shop.client.get(other).bearer_auth("sk_test_other");
    assert_eq!(read(other.send().await.unwrap()).await.wrong().0, 404);
}

#[tokio::test]
async fn money_moves_only_as_far_as_it_can() {
    let shop = Shop::new();
    let held = shop.create(HELD).await;
    let capture = path("payment_intents", &held, "/capture");
    let more = shop.post(&capture, "amount_to_capture=2401").await;
    assert_eq!(more.wrong(), (400, "amount_too_large", "amount_to_capture"));
    let of = format!("payment_intent={}", held["id"].as_str().unwrap());
    assert_eq!(shop.post("/v1/refunds", &of).await.wrong().0, 400);
    assert_eq!(shop.post(&capture, "").await.status, 200);
    let again = shop.post(&capture, "").await;
    assert_eq!(again.wrong(), (400, "payment_intent_unexpected_state", ""));
    let refund = shop.post("/v1/refunds", &format!("{of}&amount=2401")).await;
    assert_eq!((refund.wrong().0, refund.wrong().2), (400, "amount"));
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let shop = Shop::new();
    let json = shop.client.post(format!("{}/v1/payment_intents", shop.url));
    let json = json.bearer_auth("sk_test_spike").json(&serde_json::json!({ "amount": 1 }));
    assert_eq!(read(json.send().await.unwrap()).await.wrong().0, 400);
    let long = format!("description={}", "x".repeat(600_000));
    assert_eq!(shop.post("/v1/payment_intents", &long).await.wrong().0, 413);
    assert_eq!(shop.ledger().await, []);
}
