//! The limits over HTTP: what a refusal says, how they stand, how they are changed in mid-run.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::future::pending;

use domain::law::Law;
use mock_provider::server::{Args, Server};
use mock_provider::settings::{Latency, Limit, Overrides, Settings};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// A provider with these limits that serves until the test ends.
struct Mock {
    url: String,
    client: reqwest::Client,
}

impl Mock {
    fn of(limits: &str) -> Self {
        let written: Overrides = toml::from_str(limits).unwrap();
        let settings = Settings {
            declines: 0.0,
            latency: Latency::every(Law::default()),
            ..written.resolve(7).unwrap()
        };
        assert_eq!(settings.check(), []);
        let args = Args::default();
        let server = Server::bind(args, settings).unwrap();
        let url = format!("http://{}", server.address());
        tokio::spawn(server.serve(pending()));
        Self { url, client: reqwest::Client::new() }
    }

    async fn authorize(&self, key: &str) -> Response {
        let request = self.client.post(format!("{}/v1/authorizations", self.url));
        let request = request.bearer_auth("shop").header("Idempotency-Key", key);
        request.json(&json!({ "amount": 1, "reference": key })).send().await.unwrap()
    }

    /// How many of so many authorizations pass.
    async fn passing(&self, round: &str, calls: usize) -> usize {
        let mut passing = 0;
        for number in 0..calls {
            let answer = self.authorize(&format!("{round}-{number}")).await;
            passing += usize::from(answer.status() == 200);
        }
        passing
    }

    async fn admin(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let request = self.client.request(method, format!("{}/admin/limits{path}", self.url));
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

fn header<'answer>(answer: &'answer Response, name: &str) -> Option<&'answer str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

/// It is not refilled while a test lasts.
const SLOW: &str = "[[limits]]\nrate = 0.001\nburst = 2\n";

#[tokio::test]
async fn a_refusal_says_what_its_limit_is_set_to_say() {
    let mock = Mock::of(&format!(
        "{SLOW}headers = [\"ratelimit\", \"stripe\"]\n\
         refusal = {{ status = 503, body = '{{\"wait\":{{retry_after}}}}' }}"
    ));
    let passed = mock.authorize("a").await;
    assert_eq!(header(&passed, "ratelimit-policy"), Some("\"global\";q=2;w=2000"));
    assert_eq!(header(&passed, "ratelimit"), Some("\"global\";r=1;t=1000"));
    mock.authorize("b").await;
    let refused = mock.authorize("c").await;
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, "stripe-rate-limited-reason"), Some("global-rate"));
    let wait = header(&refused, "retry-after").unwrap().to_owned();
    assert_eq!(refused.text().await.unwrap(), format!("{{\"wait\":{wait}}}"));
}

#[tokio::test]
async fn a_refusal_by_default_is_a_429_with_code_type_and_message() {
    let mock = Mock::of(SLOW);
    mock.passing("a", 2).await;
    let refused = mock.authorize("b").await;
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (429, None));
    let message = "Too many requests came in too short a time.";
    let error =
        json!({ "code": "rate_limit", "type": "invalid_request_error", "message": message });
    assert_eq!(refused.json::<Value>().await.unwrap(), json!({ "error": error }));
}

#[tokio::test]
async fn limits_can_be_seen_as_they_stand() {
    let mock = Mock::of(&format!("{SLOW}[[schedule]]\nat = \"+1h\"\nlimit = 0\nrate = 5\n"));
    mock.passing("a", 1).await;
    let (status, said) = mock.admin(Method::GET, "", "").await;
    assert_eq!(status, 200);
    let limit = &said["limits"][0];
    assert_eq!(
        (&limit["name"], &limit["rate"], &limit["burst"], &limit["remaining"]["calls"]),
        (&json!("global"), &json!(0.001), &json!(2.0), &json!(1))
    );
    let planned = json!([{ "at": "+3600s", "limit": "global", "rate": 5.0 }]);
    assert_eq!(said["schedule"], planned);
}

#[tokio::test]
async fn a_limit_raised_in_mid_run_admits_more_from_then_on() {
    let mock = Mock::of(SLOW);
    assert_eq!(mock.passing("a", 4).await, 2);
    let raised = mock.admin(Method::PATCH, "/global", r#"{ "rate": 1e9, "burst": 50 }"#).await;
    assert_eq!((raised.0, &raised.1["limits"][0]["burst"]), (200, &json!(50.0)));
    assert_eq!(mock.passing("b", 20).await, 20);
    mock.admin(Method::PATCH, "/0", r#"{ "rate": 0.001, "burst": 1 }"#).await;
    assert_eq!(mock.passing("c", 4).await, 1);
    let counted = async |mock: &Mock| {
        let (_, said) = mock.admin(Method::GET, "/seconds", "").await;
        (said["limits"][0]["admitted"].as_u64(), said["limits"][0]["refused"].as_u64())
    };
    assert!(counted(&mock).await.1 > Some(0));
    mock.admin(Method::PUT, "", r#"[{ "rate": 1000 }]"#).await;
    assert_eq!(counted(&mock).await, (Some(0), Some(0)), "another limit counts from nothing");
    let (status, said) = mock.admin(Method::PUT, "", "[]").await;
    assert_eq!((status, &said["limits"]), (200, &json!([])));
    assert_eq!(mock.passing("d", 20).await, 20);
}

#[tokio::test]
async fn what_a_list_says_can_be_put_back() {
    let mock = Mock::of("profile = \"stripe-2026\"");
    let limits = |said: &Value| -> Vec<Limit> {
        let mut limits = said["limits"].clone();
        for limit in limits.as_array_mut().unwrap() {
            let limit = limit.as_object_mut().unwrap();
            limit.retain(|key, _| key != "holders" && key != "remaining");
        }
        serde_json::from_value(limits).unwrap()
    };
    let (_, said) = mock.admin(Method::GET, "", "").await;
    let list = serde_json::to_string(&limits(&said)).unwrap();
    let (status, again) = mock.admin(Method::PUT, "", &list).await;
    assert_eq!((status, limits(&again)), (200, limits(&said)));
}

#[tokio::test]
async fn a_change_that_cannot_be_made_says_why_and_changes_nothing() {
    let mock = Mock::of(SLOW);
    let (_, before) = mock.admin(Method::GET, "", "").await;
    let unknown = mock.admin(Method::PATCH, "/globe", "{}").await;
    assert_eq!((unknown.0, &unknown.1["error"]["code"]), (404, &json!("resource_missing")));
    assert_eq!(unknown.1["error"]["message"], "there is no limit `globe`: they are global");
    let range = mock.admin(Method::PATCH, "/global", r#"{ "rate": 0, "wait": "1s" }"#).await;
    assert_eq!(
        (range.0, &range.1["error"]["problems"]),
        (
            400,
            &json!([
                "limits.0.wait: `token-bucket` has no `wait`: it has `rate`, `burst`",
                "limits.0.rate: 0 calls per second: must be above 0 and at most 1e9",
            ])
        )
    );
    for body in ["", "[", "5", "null", "{\"rate\": \"x\"}", "{\"rate\": [}", "\u{0}"] {
        assert_eq!(mock.admin(Method::PATCH, "/0", body).await.0, 400, "{body}");
        assert_eq!(mock.admin(Method::PUT, "", body).await.0, 400, "{body}");
    }
    let long = "x".repeat(100_000);
    assert_eq!(mock.admin(Method::PUT, "", &long).await.0, 413);
    let (_, after) = mock.admin(Method::GET, "", "").await;
    assert_eq!(after["limits"][0]["rate"], before["limits"][0]["rate"]);
}
