//! Calls to the payment provider over HTTP.

use domain::id::AuthorizationId;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use domain::time::Duration;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

/// Longer answers are not read \[bytes\]: the provider's are below a hundred.
const ANSWER_LENGTH_MAX: u64 = 65_536;

/// Why a payment is declined that was challenged: where it stands says no more.
const DECLINED: &str = "card_declined";

/// The way to the provider.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    client: Client,
    url: String,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Authorization {
    id: String,
    status: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Payment {
    /// A way to the provider at `url`; a call without an answer after `timeout` is given up.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(super) fn new(url: &str, timeout: Duration) -> reqwest::Result<Self> {
        let client = Client::builder().no_proxy().tcp_nodelay(true).build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), timeout })
    }

    /// Makes a call. `None` means that no answer came: it may have taken effect all the same.
    pub(super) async fn call(self, request: PaymentRequest) -> Option<PaymentReply> {
        let reply = async {
            let response = self.request(&request).send().await.ok()?;
            read(response).await
        };
        tokio::time::timeout(self.timeout, reply).await.ok().flatten()
    }

    fn request(&self, request: &PaymentRequest) -> RequestBuilder {
        let base = format!("{}/v1/authorizations", self.url);
        let reference = &request.reference;
        let (url, body) = match &request.call {
            Call::Authorize { amount, card } => {
                (base, json!({ "amount": amount, "card": card, "reference": reference }))
            }
            Call::Capture { authorization, amount } => (
                format!("{base}/{authorization}/capture"),
                json!({ "amount": amount, "reference": reference }),
            ),
            Call::Tokenize { card } => (
                format!("{}/v1/card-tokens", self.url),
                json!({ "card": card, "reference": reference }),
            ),
            Call::Void { authorization } => {
                (format!("{base}/{authorization}/void"), json!({ "reference": reference }))
            }
            Call::Retrieve { authorization } => {
                let url = format!("{base}/{authorization}");
                return self.client.get(url).bearer_auth(&request.account);
            }
            Call::Refund { .. } => unreachable!("the saga gives nothing back"),
        };
        self.client
            .post(url)
            .bearer_auth(&request.account)
            .header("idempotency-key", &request.key)
            .json(&body)
    }
}

/// What an answer says. One that makes no sense is as good as a failure: it may have taken effect.
async fn read(response: Response) -> Option<PaymentReply> {
    let status = response.status();
    let retry_after = retry_after(&response);
    if response.content_length().is_some_and(|length| length > ANSWER_LENGTH_MAX) {
        return Some(PaymentReply::Failed);
    }
    let body = response.bytes().await.ok()?;
    let code = || match serde_json::from_slice::<Refusal>(&body) {
        Ok(refusal) => refusal.error.code,
        Err(_) => status.as_str().to_owned(),
    };
    Some(match status {
        StatusCode::OK => success(&body).unwrap_or(PaymentReply::Failed),
        StatusCode::PAYMENT_REQUIRED => PaymentReply::Declined { code: code() },
        StatusCode::TOO_MANY_REQUESTS => PaymentReply::RateLimited { retry_after },
        StatusCode::CONFLICT => PaymentReply::InFlight,
        status if status.is_client_error() => PaymentReply::Refused { code: code() },
        _ => PaymentReply::Failed,
    })
}

fn success(body: &[u8]) -> Option<PaymentReply> {
    let Authorization { id, status } = serde_json::from_slice(body).ok()?;
    let name = || id.parse().ok().map(AuthorizationId);
    match status.as_str() {
        "authorized" => Some(PaymentReply::Authorized { authorization: name()? }),
        "requires_action" => Some(PaymentReply::Challenged { authorization: name()? }),
        "captured" => Some(PaymentReply::Captured),
        "voided" => Some(PaymentReply::Voided),
        "refunded" => Some(PaymentReply::Refunded),
        "tokenized" => Some(PaymentReply::Tokenized),
        "declined" => Some(PaymentReply::Declined { code: DECLINED.to_owned() }),
        _ => None,
    }
}

/// The wait asked for, in whole seconds; a date, which HTTP allows too, is not understood.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}
