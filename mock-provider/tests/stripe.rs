//! The Stripe-compatible face over real HTTP, as a shop without an SDK meets it.

#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod shop;
mod stripe {
    mod challenge;
    mod delivery;
    mod idempotency;
    mod lists;
    mod objects;
    mod payment;
    mod wrong;
}

use domain::provider::PaymentLine;
use mock_provider::server::Args;
use mock_provider::settings::Settings;
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::Value;

use shop::{serve, settings};

/// A payment of 2,400 yen that is held.
const HELD: &str = "amount=2400&currency=jpy&payment_method_types[]=card\
                    &payment_method=pm_card_visa&confirm=true&capture_method=manual";

/// A payment of 2,400 yen that is taken at once.
const TAKEN: &str = "amount=2400&currency=jpy&payment_method_types[]=card\
                     &payment_method=pm_card_visa&confirm=true";

/// A shop of a provider that serves until the test ends.
struct Shop {
    url: String,
    client: Client,
}

/// An answer: status, headers, and body as text and as JSON.
struct Told {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
    body: Value,
}

impl Shop {
    fn of(settings: Settings) -> Self {
        Self::begun(settings, None)
    }

    /// A shop of a provider whose run begins at that instant \[ns of UTC\]: before it, the clock
    /// stands there.
    fn begun(settings: Settings, began_utc_ns: Option<u64>) -> Self {
        let url = serve(Args { began_utc_ns, ..Args::default() }, settings);
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { url, client }
    }

    fn new() -> Self {
        Self::of(settings())
    }

    fn request(&self, path: &str, body: &str) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.url));
        let kind = "application/x-www-form-urlencoded";
        request.header("Content-Type", kind).body(body.to_owned()).bearer_auth("sk_test_spike")
    }

    async fn post(&self, path: &str, body: &str) -> Told {
        read(self.request(path, body).send().await.unwrap()).await
    }

    async fn keyed(&self, key: &str, path: &str, body: &str) -> Told {
        let request = self.request(path, body).header("Idempotency-Key", key);
        read(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Told {
        let request = self.client.get(format!("{}{path}", self.url));
        read(request.bearer_auth("sk_test_spike").send().await.unwrap()).await
    }

    async fn create(&self, body: &str) -> Value {
        let told = self.post("/v1/payment_intents", body).await;
        assert_eq!(told.status, 200, "{}", told.text);
        told.body
    }

    async fn ledger(&self) -> Vec<PaymentLine> {
        let answer = self.client.get(format!("{}/admin/ledger", self.url)).send().await.unwrap();
        let text = answer.text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Told {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// What an error says: status, code and parameter.
    fn wrong(&self) -> (u16, &str, &str) {
        let error = &self.body["error"];
        let word = |field: &str| error[field].as_str().unwrap_or_default();
        assert!(!word("message").is_empty() && !word("type").is_empty(), "{}", self.text);
        (self.status, word("code"), word("param"))
    }
}

async fn read(answer: Response) -> Told {
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Told { status, headers, text, body }
}

/// The path of an object: `/v1/payment_intents/pi_…/capture`.
fn path(of: &str, object: &Value, what: &str) -> String {
    format!("/v1/{of}/{}{what}", object["id"].as_str().unwrap())
}
