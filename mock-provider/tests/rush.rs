//! Many callers at once over real connections: the ledger's own times say whether a limit held, and
//! whether a key took effect once.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::future::pending;

use domain::law::Law;
use domain::provider::{PaymentLine, PaymentOutcome};
use domain::time::{Duration, Span};
use mock_provider::server::{Args, Server};
use mock_provider::settings::{Algorithm, Latency, Limit, Overrides, Settings};
use reqwest::Client;
use tokio::task::JoinSet;

const CALLERS: u32 = 16;

fn settings(limits: Vec<Limit>) -> Settings {
    let base = Overrides { declines: Some(0.0), ..Overrides::default() }.resolve(7).unwrap();
    let settings = Settings { limits, latency: Latency::every(Law::default()), ..base };
    assert_eq!(settings.check(), []);
    settings
}

/// Serves until the test ends.
fn begin(settings: Settings) -> String {
    let server = Server::bind(Args::default(), settings).unwrap();
    let url = format!("http://{}", server.address());
    tokio::spawn(server.serve(pending()));
    url
}

async fn buy(client: &Client, url: &str, key: &str) -> (u16, bool, String) {
    let body = "amount=2400&currency=jpy&payment_method=pm_card_visa&confirm=true\
                &payment_method_types[]=card&capture_method=manual";
    let request = client.post(format!("{url}/v1/payment_intents")).bearer_auth("sk_test_rush");
    let kind = "application/x-www-form-urlencoded";
    let request = request.header("Content-Type", kind).header("Idempotency-Key", key);
    let answer = request.body(body).send().await.unwrap();
    let replayed = answer.headers().contains_key("idempotent-replayed");
    (answer.status().as_u16(), replayed, answer.text().await.unwrap())
}

async fn ledger(url: &str) -> Vec<PaymentLine> {
    let text = reqwest::get(format!("{url}/admin/ledger")).await.unwrap().text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Each caller makes so many calls, one after the other, under keys of its own.
async fn rush(url: &str, calls: u32) {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (client, url) = (Client::new(), url.to_owned());
        callers.spawn(async move {
            for call in 0..calls {
                buy(&client, &url, &format!("{caller}-{call}")).await;
            }
        });
    }
    callers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_window_of_a_rush_admits_more_than_its_closed_form() {
    for (algorithm, rate) in [
        (Algorithm::TokenBucket, 30.0),
        (Algorithm::Gcra, 100.0),
        (Algorithm::SlidingLog, 100.0),
        (Algorithm::TokenBucket, 660.0),
    ] {
        let window = (algorithm == Algorithm::SlidingLog).then_some(Span(Duration::from_secs(1)));
        let burst = window.is_none().then_some(10.0);
        let limit = Limit { algorithm, rate: Some(rate), burst, window, ..Limit::default() };
        let url = begin(settings(vec![limit]));
        rush(&url, 60).await;
        let ledger = ledger(&url).await;
        assert_eq!(ledger.len(), 60 * CALLERS as usize, "each call has a line");
        assert!(ledger.is_sorted_by_key(|line| line.utc_ns));
        let passed = ledger.iter().filter(|line| line.outcome == PaymentOutcome::Authorized);
        let times: Vec<u64> = passed.map(|line| line.utc_ns).collect();
        for (first, from) in times.iter().enumerate() {
            for (more, until) in times[first..].iter().enumerate() {
                let seconds = (until - from) as f64 / 1e9;
                // The log has room for a second's worth in each half-open second.
                let form = match burst {
                    Some(burst) => burst + rate * seconds,
                    None => rate * (seconds.floor() + 1.0),
                };
                let admitted = more as f64 + 1.0;
                assert!(admitted <= form + 1e-9, "{algorithm:?}: {admitted} in {seconds} s");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_many_use_at_once_takes_effect_once() {
    let latency = Latency::every(Law::Constant(Duration::from_millis(5)));
    let url = begin(Settings { latency, ..settings(Vec::new()) });
    for round in 0..20 {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (client, url, key) = (Client::new(), url.clone(), format!("ключ {round} \"%,"));
            callers.spawn(async move { buy(&client, &url, &key).await });
        }
        let told = callers.join_all().await;
        let firsts = told.iter().filter(|(status, replayed, _)| *status == 200 && !replayed);
        assert_eq!(firsts.count(), 1, "{told:?}");
        let mut bodies: Vec<_> = told.iter().filter(|it| it.0 == 200).map(|it| &it.2).collect();
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "a repetition has the first one's bytes");
        assert!(told.iter().all(|(status, ..)| [200, 409].contains(status)), "{told:?}");
    }
    let mut by_key = BTreeMap::<_, u32>::new();
    for line in ledger(&url).await {
        let moved = line.outcome == PaymentOutcome::Authorized && !line.replayed;
        *by_key.entry(line.key).or_default() += u32::from(moved);
    }
    assert!(by_key.len() == 20 && by_key.values().all(|count| *count == 1), "{by_key:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_hangs_up_early_leaves_his_place_when_his_answer_would_have() {
    let limit = Limit { algorithm: Algorithm::Concurrency, calls: Some(2), ..Limit::default() };
    let latency = Latency::every(Law::Constant(Duration::from_millis(150)));
    let url = begin(Settings { latency, ..settings(vec![limit]) });
    let client = Client::builder().timeout(Duration::from_millis(20)).build().unwrap();
    for number in 0..2 {
        let gone = client.post(format!("{url}/v1/authorizations")).bearer_auth("shop");
        let gone = gone.header("Idempotency-Key", number.to_string());
        let body = format!(r#"{{"amount":1,"reference":"{number}"}}"#);
        assert!(gone.body(body).send().await.unwrap_err().is_timeout());
    }
    // Sooner or later there is room again, and never for more than two at once.
    let patient = Client::new();
    let mut number = 0;
    while buy(&patient, &url, &format!("late-{number}")).await.0 != 200 {
        number += 1;
    }
    let ledger = ledger(&url).await;
    let passed = ledger.iter().filter(|line| line.outcome == PaymentOutcome::Authorized);
    let times: Vec<u64> = passed.map(|line| line.utc_ns).collect();
    assert_eq!(times.len(), 3);
    assert!(times[2] - times[0] >= 150_000_000, "{times:?}");
}
