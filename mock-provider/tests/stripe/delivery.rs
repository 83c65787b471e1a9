//! Answers that come slowly, or never, or as a broken connection; and those that limits refuse.

use domain::law::Law;
use domain::time::Span;
use mock_provider::settings::{Faults, Limit, Overrides, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{HELD, Shop, settings};

fn faulty(faults: Faults) -> Shop {
    Shop::of(Settings { faults, ..settings() })
}

/// Sends one call over a connection of its own; what comes back, or why nothing does.
async fn raw(shop: &Shop, path: &str, kind: &str, body: &str) -> std::io::Result<String> {
    let address = shop.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer sk_test_spike\r\n\
         Idempotency-Key: a\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_reset_is_a_true_one_before_any_byte_of_an_answer() {
    for (faults, lines) in [
        (Faults { reset_before_commit: 1.0, ..Faults::default() }, "failed"),
        (Faults { commit_then_reset: 1.0, ..Faults::default() }, "authorized"),
    ] {
        let shop = faulty(faults);
        let native = r#"{"amount":2400,"reference":"r"}"#;
        for (path, kind, body) in [
            ("/v1/payment_intents", FORM, HELD),
            ("/v1/authorizations", "application/json", native),
        ] {
            let error = raw(&shop, path, kind, body).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{path}");
        }
        for line in shop.ledger().await {
            let outcome = serde_json::to_value(line.outcome).unwrap();
            assert_eq!(
                (outcome, line.told),
                (lines.into(), domain::provider::PaymentOutcome::Silence)
            );
        }
    }
}

#[tokio::test]
async fn a_slow_body_comes_whole_in_the_end() {
    let takes = Span("40ms".parse::<Span>().unwrap().0);
    let shop = faulty(Faults { slow_body: 1.0, slow_body_takes: takes, ..Faults::default() });
    let answer = raw(&shop, "/v1/payment_intents", FORM, HELD).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = format!("content-length: {}", body.len());
    assert!(head.to_ascii_lowercase().contains(&length), "{head}");
    assert!(serde_json::from_str::<serde_json::Value>(body).unwrap()["id"].is_string());
}

#[tokio::test]
async fn a_limits_refusal_names_itself_and_keeps_nothing_under_the_key() {
    let limit: Vec<Limit> = toml_limits("rate = 0.001\nburst = 1\nheaders = \"stripe\"");
    let shop = Shop::of(Settings { limits: limit, ..settings() });
    assert_eq!(shop.keyed("a", "/v1/payment_intents", HELD).await.status, 200);
    let told = shop.keyed("b", "/v1/payment_intents", HELD).await;
    assert_eq!(told.wrong(), (429, "rate_limit", ""));
    assert_eq!(told.header("stripe-rate-limited-reason"), Some("global-rate"));
    assert_eq!((told.header("retry-after"), told.header("stripe-should-retry")), (None, None));
}

fn toml_limits(text: &str) -> Vec<Limit> {
    let overrides: Overrides = toml::from_str(&format!("[[limits]]\n{text}")).unwrap();
    overrides.limits.unwrap()
}

#[tokio::test]
async fn an_answer_takes_as_long_as_the_rules_say_and_other_calls_do_not_wait_for_it() {
    let mut latency = settings().latency;
    latency.authorize = Law::Constant(domain::time::Duration::from_mins(10));
    let shop = Shop::of(Settings { latency, ..settings() });
    let slow = tokio::spawn(shop.request("/v1/payment_intents", HELD).send());
    while shop.ledger().await.is_empty() {}
    let made = shop.create("amount=2400&currency=jpy").await;
    assert_eq!(made["status"], "requires_payment_method");
    assert!(!slow.is_finished());
    slow.abort();
}
