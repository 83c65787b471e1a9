//! Customers, payment methods, setups and tokens over real HTTP, as a shop meets them that speaks
//! Stripe's API.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod shop;

use mock_provider::server::Args;
use mock_provider::settings::{Cards, Settings};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use shop::{serve, settings};

/// A shop beside a provider that serves until the test ends.
struct Shop {
    url: String,
    client: reqwest::Client,
    key: &'static str,
}

impl Shop {
    fn new() -> Self {
        let settings = Settings { cards: Cards::AsDocumented, ..settings() };
        let url = serve(Args::default(), settings);
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { url, client, key: "sk_test_shop" }
    }

    /// The same provider, asked with another key.
    fn with_key(&self, key: &'static str) -> Self {
        Self { url: self.url.clone(), client: self.client.clone(), key }
    }

    async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.send(self.client.post(self.at(path)).body(body.to_owned())).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.client.get(self.at(path))).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(self.client.delete(self.at(path))).await
    }

    /// What a call answers that must succeed.
    async fn done(&self, path: &str, body: &str) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert_eq!(status, 200, "{path} {body}: {answer}");
        answer
    }

    async fn seen(&self, path: &str) -> Value {
        let (status, answer) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The name of a new customer.
    async fn customer(&self) -> String {
        name_of(&self.done("/v1/customers", "").await)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let response = request.bearer_auth(self.key).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }
}

fn name_of(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}

/// The status, code and parameter of an error.
fn fault(answer: &(u16, Value)) -> (u16, &str, &str) {
    let error = &answer.1["error"];
    let text = |field: &str| error[field].as_str().unwrap_or_default();
    (answer.0, text("code"), text("param"))
}

const CARD: &str = "type=card&card[number]=4000003920000003&card[exp_month]=12\
                    &card[exp_year]=2034&card[cvc]=314";

#[tokio::test]
async fn a_payment_method_tells_of_its_card_and_never_its_number() {
    let shop = Shop::new();
    let billing = "&billing_details[name]=%E4%BD%90%E8%97%A4&billing_details[address][line1]=1-1";
    let method = shop.done("/v1/payment_methods", &format!("{CARD}{billing}&metadata[a]=b")).await;
    let card = &method["card"];
    assert_eq!((&card["brand"], &card["country"]), (&json!("visa"), &json!("JP")));
    assert_eq!((&card["last4"], &card["exp_year"]), (&json!("0003"), &json!(2034)));
    assert_eq!(card["checks"]["cvc_check"], "unchecked");
    assert_eq!(method["billing_details"]["name"], "佐藤");
    assert_eq!(method["billing_details"]["address"]["line1"], "1-1");
    assert_eq!(method["billing_details"]["address"]["city"], Value::Null);
    assert_eq!(method["metadata"], json!({ "a": "b" }));
    assert!(!method.to_string().contains("4000003920000003"));
    let path = format!("/v1/payment_methods/{}", name_of(&method));
    assert_eq!(shop.seen(&path).await, method);
    let change = "card[exp_month]=1&billing_details[email]=a@b.jp&metadata[a]=";
    let changed = shop.done(&path, change).await;
    assert_eq!(changed["card"]["exp_month"], 1);
    assert_eq!(changed["billing_details"]["email"], "a@b.jp");
    assert_eq!(changed["billing_details"]["name"], "佐藤");
    assert_eq!(changed["metadata"], json!({}));
}

#[tokio::test]
async fn cards_that_make_no_sense_are_refused_with_their_code() {
    let shop = Shop::new();
    let card = |number: &str, month: &str, year: &str, cvc: &str| {
        format!(
            "type=card&card[number]={number}&card[exp_month]={month}&card[exp_year]={year}\
             &card[cvc]={cvc}"
        )
    };
    let visa = "4242424242424242";
    let wrong = [
        (card("4242424242424241", "12", "34", "123"), (402, "incorrect_number", "number")),
        (card("42", "12", "34", "123"), (402, "invalid_number", "number")),
        (card(visa, "13", "34", "123"), (402, "invalid_expiry_month", "exp_month")),
        (card(visa, "12", "20", "123"), (402, "invalid_expiry_year", "exp_year")),
        (card(visa, "12", "34", "99"), (402, "invalid_cvc", "cvc")),
        (card("4111111111111111", "12", "34", "123"), (402, "card_declined", "")),
        ("type=card".to_owned(), (400, "parameter_missing", "card")),
        (format!("{CARD}&colour=red"), (400, "parameter_unknown", "colour")),
        ("type=card&card[token]=tok_none".to_owned(), (400, "resource_missing", "card[token]")),
    ];
    for (body, expected) in wrong {
        let answer = shop.post("/v1/payment_methods", &body).await;
        assert_eq!(fault(&answer), expected, "{body}: {}", answer.1);
    }
    let live = shop.post("/v1/payment_methods", &card("4111111111111111", "12", "34", "")).await;
    assert_eq!(live.1["error"]["decline_code"], "test_mode_live_card");
}

#[tokio::test]
async fn a_customer_lives_changes_and_is_deleted() {
    let shop = Shop::new();
    let body = "name=%E5%B1%B1%E7%94%B0&email=a@b.jp&metadata[k]=v&shipping[name]=Y\
                &shipping[address][line1]=2&preferred_locales[]=ja";
    let made = shop.done("/v1/customers", body).await;
    assert_eq!((&made["object"], &made["name"]), (&json!("customer"), &json!("山田")));
    assert_eq!(made["preferred_locales"], json!(["ja"]));
    assert_eq!(made["shipping"]["address"]["line1"], "2");
    let path = format!("/v1/customers/{}", name_of(&made));
    let changed = shop.done(&path, "name=&phone=1&metadata=").await;
    assert_eq!((&changed["name"], &changed["phone"]), (&Value::Null, &json!("1")));
    assert_eq!((&changed["email"], &changed["metadata"]), (&json!("a@b.jp"), &json!({})));
    shop.customer().await;
    let found = shop.seen("/v1/customers?email=a@b.jp").await;
    assert_eq!(names(&found), [made["id"].as_str().unwrap()]);
    let gone = json!({ "id": made["id"], "object": "customer", "deleted": true });
    assert_eq!(shop.delete(&path).await, (200, gone.clone()));
    assert_eq!(shop.get(&path).await, (200, gone));
    assert_eq!(fault(&shop.post(&path, "name=x").await), (404, "resource_missing", "id"));
    assert_eq!(fault(&shop.delete(&path).await), (404, "resource_missing", "id"));
    assert_eq!(names(&shop.seen("/v1/customers?email=a@b.jp").await), Vec::<&str>::new());
}

#[tokio::test]
async fn customers_are_listed_page_by_page() {
    let shop = Shop::new();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(shop.customer().await);
    }
    let page = shop.seen("/v1/customers?limit=2").await;
    assert_eq!((names(&page), &page["has_more"]), (vec![&*made[4], &*made[3]], &json!(true)));
    assert_eq!((&page["object"], &page["url"]), (&json!("list"), &json!("/v1/customers")));
    let next = shop.seen(&format!("/v1/customers?limit=3&starting_after={}", made[3])).await;
    assert_eq!((names(&next).len(), &next["has_more"]), (3, &json!(false)));
    let before = shop.seen(&format!("/v1/customers?limit=2&ending_before={}", made[1])).await;
    assert_eq!(names(&before), [&*made[3], &*made[2]]);
    let unknown = shop.get("/v1/customers?starting_after=cus_000000000000000000000099").await;
    assert_eq!(fault(&unknown), (400, "resource_missing", "starting_after"));
}

#[tokio::test]
async fn a_customer_keeps_cards() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    let to = format!("customer={customer}");
    let method = shop.done("/v1/payment_methods", CARD).await;
    let path = format!("/v1/payment_methods/{}", name_of(&method));
    let kept = shop.done(&format!("{path}/attach"), &to).await;
    assert_eq!(kept["customer"], json!(customer));
    assert_eq!(kept["card"]["checks"]["cvc_check"], "pass");
    let jcb = name_of(&shop.done("/v1/payment_methods/pm_card_jcb/attach", &to).await);
    let list =
        shop.seen(&format!("/v1/payment_methods?{to}&type=card&expand[]=data.customer")).await;
    assert_eq!(names(&list), [&jcb, kept["id"].as_str().unwrap()]);
    assert_eq!(list["data"][0]["customer"]["id"], json!(customer));
    let under = format!("/v1/customers/{customer}/payment_methods");
    let list = shop.seen(&format!("{under}?limit=1")).await;
    assert_eq!((names(&list), &list["has_more"]), (vec![&*jcb], &json!(true)));
    assert_eq!(list["url"], json!(under));
    assert_eq!(shop.seen(&format!("{under}/{jcb}")).await["card"]["brand"], "jcb");
    let default = format!(
        "invoice_settings[default_payment_method]={jcb}\
                           &expand[]=invoice_settings.default_payment_method"
    );
    let changed = shop.done(&format!("/v1/customers/{customer}"), &default).await;
    assert_eq!(changed["invoice_settings"]["default_payment_method"]["id"], json!(jcb));
    let gone = shop.done(&format!("/v1/payment_methods/{jcb}/detach"), "").await;
    assert_eq!(gone["customer"], Value::Null);
    let seen = shop.seen(&format!("/v1/customers/{customer}")).await;
    assert_eq!(seen["invoice_settings"]["default_payment_method"], Value::Null);
    let again = shop.post(&format!("/v1/payment_methods/{jcb}/attach"), &to).await;
    assert_eq!(fault(&again), (400, "payment_method_unexpected_state", "payment_method"));
}

#[tokio::test]
async fn a_declined_card_is_not_kept() {
    let shop = Shop::new();
    let to = format!("customer={}", shop.customer().await);
    let cards = [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ];
    for (card, code, decline_code) in cards {
        let (status, answer) = shop.post(&format!("/v1/payment_methods/{card}/attach"), &to).await;
        let error = &answer["error"];
        assert_eq!((status, &error["type"]), (402, &json!("card_error")));
        assert_eq!((&error["code"], &error["decline_code"]), (&json!(code), &json!(decline_code)));
    }
    let later = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
    let kept = name_of(&shop.done(later, &to).await);
    let pay = format!("amount=900&currency=jpy&confirm=true&payment_method={kept}&{to}");
    assert_eq!(fault(&shop.post("/v1/payment_intents", &pay).await).1, "card_declined");
}

#[tokio::test]
async fn what_does_not_exist_is_named_in_the_error() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    let cases = [
        ("/v1/payment_methods/pm_none", (404, "resource_missing", "payment_method")),
        ("/v1/customers/cus_none", (404, "resource_missing", "id")),
        ("/v1/customers/cus_none/payment_methods", (404, "resource_missing", "customer")),
        ("/v1/setup_intents/seti_none", (404, "resource_missing", "intent")),
        ("/v1/tokens/tok_none", (404, "resource_missing", "token")),
        ("/v1/payment_methods?customer=cus_none", (400, "resource_missing", "customer")),
    ];
    for (path, expected) in cases {
        let answer = shop.get(path).await;
        assert_eq!(fault(&answer), expected, "{path}: {}", answer.1);
    }
    let to = "customer=cus_000000000000000000000099";
    let answer = shop.post("/v1/payment_methods/pm_card_visa/attach", to).await;
    assert_eq!(fault(&answer), (400, "resource_missing", "customer"));
    let foreign = shop.with_key("sk_test_other").get(&format!("/v1/customers/{customer}")).await;
    assert_eq!(fault(&foreign), (404, "resource_missing", "id"));
}

#[tokio::test]
async fn a_token_is_spent_once() {
    let shop = Shop::new();
    let browser = shop.with_key("pk_test_shop");
    let card = CARD.replace("type=card&", "");
    let token = browser.done("/v1/tokens", &format!("{card}&card[name]=Sato")).await;
    assert_eq!((&token["object"], &token["used"]), (&json!("token"), &json!(false)));
    assert_eq!(token["card"]["brand"], "Visa");
    let spend = format!("type=card&card[token]={}", name_of(&token));
    let method = shop.done("/v1/payment_methods", &spend).await;
    assert_eq!(method["card"]["last4"], "0003");
    assert_eq!(method["billing_details"]["name"], "Sato");
    let again = shop.post("/v1/payment_methods", &spend).await;
    assert_eq!(fault(&again), (400, "token_already_used", "card[token]"));
    let seen = shop.seen(&format!("/v1/tokens/{}", name_of(&token))).await;
    assert_eq!(seen["used"], json!(true));
    let ready = shop.done("/v1/payment_methods", "type=card&card[token]=tok_amex").await;
    assert_eq!(ready["card"]["brand"], "amex");
}

#[tokio::test]
async fn a_setup_keeps_the_card_for_its_customer() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    let body = format!("customer={customer}&payment_method_types[]=card&metadata[k]=v");
    let setup = shop.done("/v1/setup_intents", &body).await;
    assert_eq!(setup["status"], "requires_payment_method");
    assert_eq!((&setup["usage"], &setup["metadata"]["k"]), (&json!("off_session"), &json!("v")));
    let path = format!("/v1/setup_intents/{}", name_of(&setup));
    let without = shop.post(&format!("{path}/confirm"), "").await;
    assert_eq!(fault(&without).1, "setup_intent_unexpected_state");
    assert_eq!(without.1["error"]["setup_intent"]["id"], setup["id"]);
    let done = shop
        .done(&format!("{path}/confirm"), "payment_method=pm_card_visa&expand[]=payment_method")
        .await;
    assert_eq!(done["status"], "succeeded");
    assert_eq!(done["payment_method"]["customer"], json!(customer));
    let again = shop.post(&format!("{path}/confirm"), "").await;
    assert_eq!((again.0, &again.1["error"]["setup_intent"]["status"]), (400, &json!("succeeded")));
    assert_eq!(fault(&shop.post(&format!("{path}/cancel"), "").await).0, 400);
    let listed = shop.seen(&format!("/v1/setup_intents?customer={customer}")).await;
    assert_eq!(names(&listed), [setup["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn a_declined_setup_says_why_and_waits_for_another_card() {
    let shop = Shop::new();
    let body = "confirm=true&payment_method=pm_card_visa_chargeDeclinedLostCard";
    let (status, answer) = shop.post("/v1/setup_intents", body).await;
    let error = &answer["error"];
    assert_eq!((status, &error["decline_code"]), (402, &json!("lost_card")));
    let setup = &error["setup_intent"];
    assert_eq!(setup["status"], "requires_payment_method");
    assert_eq!(setup["last_setup_error"]["code"], "card_declined");
    assert_eq!(setup["last_setup_error"]["payment_method"]["object"], "payment_method");
    assert_eq!(setup["payment_method"], Value::Null);
    let confirm = format!("/v1/setup_intents/{}/confirm", name_of(setup));
    let done = shop.done(&confirm, "payment_method=pm_card_visa").await;
    assert_eq!((&done["status"], &done["last_setup_error"]), (&json!("succeeded"), &Value::Null));
}

#[tokio::test]
async fn a_cardholder_answers_on_a_page_whether_a_card_is_kept() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    for (answer, result, status) in
        [("fail", "failed", "requires_payment_method"), ("complete", "succeeded", "succeeded")]
    {
        let body = format!(
            "confirm=true&customer={customer}&payment_method=pm_card_authenticationRequired\
             &return_url=https://shop.test/back?a=1"
        );
        let setup = shop.done("/v1/setup_intents", &body).await;
        assert_eq!(setup["status"], "requires_action");
        let page = setup["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
        let html = shop.client.get(page).send().await.unwrap().text().await.unwrap();
        assert!(html.contains("value=\"complete\""), "{html}");
        let form = shop.client.post(page).body(format!("answer={answer}"));
        let kind = "application/x-www-form-urlencoded";
        let response = form.header("Content-Type", kind).send().await.unwrap();
        let location = response.headers()["location"].to_str().unwrap();
        let expected = format!("https://shop.test/back?a=1&setup_intent={}", name_of(&setup));
        assert!(location.starts_with(&expected), "{location}");
        assert!(location.ends_with(&format!("redirect_status={result}")), "{location}");
        let seen = shop.seen(&format!("/v1/setup_intents/{}", name_of(&setup))).await;
        assert_eq!((&seen["status"], &seen["next_action"]), (&json!(status), &Value::Null));
    }
    let kept = shop.seen(&format!("/v1/payment_methods?customer={customer}")).await;
    assert_eq!(names(&kept).len(), 1);
}

#[tokio::test]
async fn a_browser_with_the_secret_confirms_a_setup() {
    let shop = Shop::new();
    let setup = shop.done("/v1/setup_intents", "").await;
    let browser = shop.with_key("pk_test_shop");
    let path = format!("/v1/setup_intents/{}", name_of(&setup));
    assert_eq!(browser.get(&path).await.0, 400);
    let secret = setup["client_secret"].as_str().unwrap();
    let body = format!("client_secret={secret}&payment_method=pm_card_visa");
    assert_eq!(browser.done(&format!("{path}/confirm"), &body).await["status"], "succeeded");
}

#[tokio::test]
async fn a_card_that_was_set_up_pays_while_its_holder_is_away() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    let card = "payment_method=pm_card_authenticationRequiredOnSetup";
    let of = format!("customer={customer}");
    let pay = |card: &str| {
        format!("amount=900&currency=jpy&confirm=true&off_session=true&{of}&payment_method={card}")
    };
    let fresh = shop.done("/v1/payment_methods/pm_card_authenticationRequiredOnSetup/attach", &of);
    let fresh = name_of(&fresh.await);
    let refused = shop.post("/v1/payment_intents", &pay(&fresh)).await;
    assert_eq!(fault(&refused).1, "authentication_required");
    let setup = shop.done("/v1/setup_intents", &format!("confirm=true&{of}&{card}")).await;
    let url = setup["next_action"]["use_stripe_sdk"]["stripe_js"].as_str().unwrap();
    shop.client.post(url).body("answer=complete").send().await.unwrap();
    let ready = shop.seen(&format!("/v1/setup_intents/{}", name_of(&setup))).await;
    let ready = ready["payment_method"].as_str().unwrap();
    assert_eq!(shop.done("/v1/payment_intents", &pay(ready)).await["status"], "succeeded");
}

#[tokio::test]
async fn a_payment_keeps_its_card_for_the_customer_where_that_is_agreed() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    let pay = "amount=900&currency=jpy&confirm=true&payment_method=pm_card_visa";
    let body = format!(
        "{pay}&customer={customer}&setup_future_usage=off_session\
                        &expand[]=payment_method&expand[]=customer"
    );
    let paid = shop.done("/v1/payment_intents", &body).await;
    assert_eq!(paid["payment_method"]["customer"], json!(customer));
    assert_eq!(paid["customer"]["object"], "customer");
    let spent = shop.done("/v1/payment_intents", pay).await;
    let spent = spent["payment_method"].as_str().unwrap();
    let again = format!("amount=900&currency=jpy&confirm=true&payment_method={spent}");
    let again = shop.post("/v1/payment_intents", &again).await;
    assert_eq!(fault(&again), (400, "payment_method_unexpected_state", "payment_method"));
    let kept = paid["payment_method"]["id"].as_str().unwrap();
    let nobody = format!("amount=900&currency=jpy&confirm=true&payment_method={kept}");
    assert_eq!(shop.post("/v1/payment_intents", &nobody).await.0, 400);
    let body = format!("{nobody}&customer={customer}");
    assert_eq!(shop.done("/v1/payment_intents", &body).await["status"], "succeeded");
}

#[tokio::test]
async fn a_payment_is_made_of_a_card_that_is_typed_in() {
    let shop = Shop::new();
    let data = "payment_method_data[type]=card&payment_method_data[card][number]=5555555555554444\
                &payment_method_data[card][exp_month]=2&payment_method_data[card][exp_year]=35\
                &payment_method_data[card][cvc]=123\
                &payment_method_data[billing_details][address][postal_code]=100-0001";
    let body = format!("amount=900&currency=jpy&confirm=true&{data}&expand[]=latest_charge");
    let paid = shop.done("/v1/payment_intents", &body).await;
    let card = &paid["latest_charge"]["payment_method_details"]["card"];
    assert_eq!((&card["brand"], &card["exp_year"]), (&json!("mastercard"), &json!(2035)));
    assert_eq!(card["checks"]["cvc_check"], "pass");
    assert_eq!(card["checks"]["address_postal_code_check"], "pass");
    let wrong = body.replace("5555555555554444", "5555555555554445");
    assert_eq!(fault(&shop.post("/v1/payment_intents", &wrong).await).1, "incorrect_number");
}

#[tokio::test]
async fn a_payment_of_a_customer_takes_no_card_by_itself() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    let to = format!("customer={customer}");
    shop.done("/v1/payment_methods/pm_card_visa/attach", &to).await;
    let body = format!("amount=900&currency=jpy&confirm=true&{to}");
    let refused = shop.post("/v1/payment_intents", &body).await;
    assert_eq!((refused.0, &refused.1["error"]["type"]), (400, &json!("invalid_request_error")));
}

#[tokio::test]
async fn a_repetition_makes_no_second_customer() {
    let shop = Shop::new();
    let send = || {
        let request = shop.client.post(shop.at("/v1/customers")).body("name=x");
        shop.send(request.header("Idempotency-Key", "once"))
    };
    assert_eq!(send().await, send().await);
    assert_eq!(names(&shop.seen("/v1/customers").await).len(), 1);
}

#[tokio::test]
async fn no_body_and_no_name_makes_the_provider_fail() {
    let shop = Shop::new();
    let customer = shop.customer().await;
    let paths = [
        "/v1/customers".to_owned(),
        format!("/v1/customers/{customer}"),
        "/v1/customers/%00%ff".to_owned(),
        "/v1/payment_methods".to_owned(),
        "/v1/payment_methods/pm_card_visa/attach".to_owned(),
        "/v1/payment_methods/pm_999999999999999999999999/detach".to_owned(),
        "/v1/setup_intents".to_owned(),
        "/v1/setup_intents/seti_000000000000000000000000/confirm".to_owned(),
        "/v1/tokens".to_owned(),
    ];
    let bodies = [
        "%",
        "=",
        "a[b",
        "card=1&card[number]=2",
        "type=card&card[number]=&card[exp_month]=99999999999999999999",
        "type=card&card[number]=4242424242424242&card[exp_month]=-1&card[exp_year]=-1",
        "type=card&card[token][]=x",
        "card[number]=%F0%9F%92%B3&card[exp_month]=1&card[exp_year]=1",
        "customer[]=x&payment_method[]=y",
        "customer=&payment_method=&metadata[a][b]=c",
        "invoice_settings=1",
        "invoice_settings[default_payment_method]=pm_card_visa",
        "address=x",
        "preferred_locales=x",
        "payment_method=pm_card_none&confirm=true",
        "payment_method_data[type]=card&payment_method_data[card]=x&confirm=true",
        "limit=x&starting_after=&ending_before[]=1&created[gt]=x",
    ];
    for path in &paths {
        for body in bodies {
            let (status, answer) = shop.post(path, body).await;
            assert!((400..500).contains(&status), "{path} {body}: {status} {answer}");
            assert!(answer["error"]["message"].is_string(), "{path} {body}: {answer}");
            let (status, answer) = shop.get(&format!("{path}?{body}")).await;
            assert!(status < 500, "{path} {body}: {status} {answer}");
        }
    }
}
