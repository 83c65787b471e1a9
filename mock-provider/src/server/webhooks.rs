//! Sends messages to merchants when they are due.
//!
//! One task: it asks the rules what is due, sends it, tells them the outcome, and sleeps until the
//! next. A message is signed anew with each attempt.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use domain::time::{Duration, Time};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::shared::Shared;
use super::stripe;
use crate::rules::webhook::{Answered, Delivery, Dispatcher, Tally, signature};
use crate::settings::{EndpointSettings, Settings};

/// How many messages are under way at once: an endpoint that is silent holds each for its time-out,
/// and with the 10 s of the default 25 messages a second still get out.
const UNDER_WAY_MAX: usize = 256;

/// How much of an endpoint's answer is read \[bytes\]: its status alone counts, but a connection
/// can only be used again once its answer was read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// How long the messages under way may take at the end: a shop answers within a second or is gone.
const GRACE_MAX: Duration = Duration::from_secs(5);

/// How many of the messages that wait the administration is shown.
const SHOWN_MAX: usize = 100;

/// Where messages to the merchant go.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WebhookArgs {
    /// Send webhooks to this address, signed with this secret [default: one that is drawn]
    #[arg(long, env = "SPIKE_PROVIDER_WEBHOOK", value_name = "URL[,SECRET]")]
    #[arg(value_parser = endpoint_of)]
    pub webhook: Vec<EndpointSettings>,

    /// Let webhooks go to these hosts beside this machine's own
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    #[arg(env = "SPIKE_PROVIDER_WEBHOOK_HOSTS")]
    pub webhook_hosts: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "clap asks for a Result; the check comes later")]
fn endpoint_of(text: &str) -> Result<EndpointSettings, String> {
    Ok(match text.split_once(',') {
        Some((url, secret)) => EndpointSettings::new(url, Some(secret.to_owned())),
        None => EndpointSettings::new(text, None),
    })
}

impl WebhookArgs {
    /// Adds what was asked for on the command line.
    pub(super) fn add_to(&self, settings: &mut Settings) {
        settings.webhooks.endpoints.extend(self.webhook.iter().cloned());
        settings.webhooks.allow_hosts.extend(self.webhook_hosts.iter().cloned());
    }
}

/// Says on stderr where messages go from the beginning, and the secret that signs them: a shop must
/// know it to verify them.
pub(super) fn announce(shared: &Shared) {
    shared.with_webhooks(|webhooks| {
        for (endpoint, _) in webhooks.endpoints() {
            eprintln!("webhooks to {} are signed with {}", endpoint.url, endpoint.secret);
        }
    });
}

/// Sends what is due until `closing` closes; then the messages under way have a few seconds.
pub(super) async fn send_all(shared: Arc<Shared>, mut closing: watch::Receiver<()>) {
    // No proxy: a message goes where the settings allow it to go, and nowhere else.
    let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build();
    let client = client.expect("without encryption a client needs nothing from the system");
    let mut under_way = JoinSet::new();
    loop {
        let (due, wait) = shared.due(UNDER_WAY_MAX - under_way.len());
        for message in due {
            under_way.spawn(send(client.clone(), Arc::clone(&shared), message));
        }
        let room = under_way.len() < UNDER_WAY_MAX;
        tokio::select! {
            // The other end is dropped, never used: an error is the signal.
            _ = closing.changed() => break,
            () = shared.hurry() => {}
            () = pause(wait), if room => {}
            Some(sent) = under_way.join_next() => sent.expect("sending does not panic"),
        }
    }
    let rest = async { while under_way.join_next().await.is_some() {} };
    // What is still under way then is broken off.
    drop(tokio::time::timeout(GRACE_MAX, rest).await);
}

async fn pause(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Sends a message, and tells the rules what became of it.
async fn send(client: reqwest::Client, shared: Arc<Shared>, message: Delivery) {
    let body = stripe::event_body(&shared, &message);
    let signature = signature(&message.endpoint.secret, shared.utc_s(), body.as_bytes());
    let request = client
        .post(&*message.endpoint.url)
        .timeout(shared.with_webhooks(Dispatcher::timeout))
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header(USER_AGENT, "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("Stripe-Signature", signature)
        .body(body);
    let answered = match request.send().await {
        Err(_) => Answered::Silence,
        Ok(mut response) => {
            let status = response.status().as_u16();
            let mut left = ANSWER_BYTES_MAX;
            while let Ok(Some(bytes)) = response.chunk().await
                && left > 0
            {
                left = left.saturating_sub(bytes.len());
            }
            Answered::Status(status)
        }
    };
    shared.answered(message.message, answered);
}

/// What the owner of the mock may see of messages: how they fared, each endpoint, and the oldest
/// that wait.
pub(super) async fn status(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.with_webhooks(|webhooks| {
        let endpoints = webhooks.endpoints().map(|(endpoint, standing)| {
            json!({
                "id": stripe::endpoint_name(endpoint.number),
                "url": endpoint.url,
                "enabled_events": endpoint.events,
                "account": endpoint.account,
                "taken": standing.taken,
                "failed": standing.failed,
                "last": standing.last.map(|(_, answered)| said(answered)),
            })
        });
        let pending = webhooks.pending().take(SHOWN_MAX).map(|(event, endpoint, attempts, due)| {
            json!({
                "event": stripe::event_name(event.number),
                "type": event.kind,
                "endpoint": stripe::endpoint_name(endpoint),
                "attempts": attempts,
                "due_s": due.map(Time::seconds),
            })
        });
        let (endpoints, pending): (Vec<_>, Vec<_>) = (endpoints.collect(), pending.collect());
        json!({
            "messages": tally(&webhooks.tally()),
            "waiting": webhooks.pending_count(),
            "endpoints": endpoints,
            "pending": pending,
        })
    }))
}

fn said(answered: Answered) -> Value {
    match answered {
        Answered::Status(status) => status.into(),
        Answered::Silence => "silence".into(),
    }
}

/// How messages fared, as the administration tells it.
pub(super) fn tally(tally: &Tally) -> Value {
    let Tally { noted, lost, delivered, given_up, dropped, attempts, retries, duplicates, failed } =
        *tally;
    json!({
        "noted": noted, "lost": lost, "delivered": delivered, "given_up": given_up,
        "dropped": dropped, "attempts": attempts, "retries": retries, "duplicates": duplicates,
        "failed": failed,
    })
}
