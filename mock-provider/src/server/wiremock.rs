//! The provider inside `wiremock`, for the tests of shops in Rust: all faces, the very same
//! handlers and rules, and the ledger at hand.
//!
//! ```
//! use mock_provider::wiremock::MockedProvider;
//! use wiremock::matchers::any;
//! use wiremock::{Mock, MockServer};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = MockServer::start().await;
//! let provider = MockedProvider::profile("stripe-2026")?;
//! Mock::given(any()).respond_with(provider.clone()).mount(&server).await;
//! // The shop under test calls `server.uri()`; then the ledger says what truly happened.
//! assert!(provider.ledger().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Two things `wiremock` cannot do, and something stands in for each. A call that hangs is
//! answered after [`NEVER`], which is longer than callers wait. A connection that would be reset
//! ends with an empty 500 under the header [`STANDS_FOR`]: the caller learns as little of what
//! happened. A body that trickles arrives whole, once its last byte would have.

use std::io::BufReader;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ::wiremock::{Request, Respond, ResponseTemplate};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{self, StatusCode, Uri};
use domain::law::Law;
use domain::provider::PaymentLine;
use domain::time::Duration;
use tower_service::Service;

use super::answer::Manner;
use super::connection::Connection;
use super::faces;
use super::ledger::Ledger;
use super::shared::Shared;
use crate::clock::Clock;
use crate::rules::{Counts, Delivery};
use crate::settings::{Latency, Overrides, Settings, UnknownProfileError};

/// After how long a call that hangs is answered: ten minutes. HTTP clients give up after 30 to 80
/// seconds, and a test should not wait for even that.
pub const NEVER: Duration = Duration::from_mins(10);

/// The header of an answer that stands in for something else: `reset` or `silence`.
pub const STANDS_FOR: &str = "mock-provider-stands-for";

/// What the seed is where none is given.
const SEED: u64 = 0;

/// The provider as a responder of `wiremock`. Clones are one provider: mount one, keep the other.
#[derive(Clone, Debug)]
pub struct MockedProvider {
    shared: Arc<Shared>,
    router: Router,
}

impl MockedProvider {
    /// A provider with these settings; its time begins now.
    ///
    /// # Panics
    /// When [`Settings::check`] finds something, or the system has no room for a temporary file:
    /// the ledger is in one.
    pub fn new(settings: Settings) -> Self {
        let ledger = Ledger::open(None).expect("the system has room for a temporary file");
        let shared = Arc::new(Shared::new(Clock::new(None), settings, ledger));
        let router = faces(&shared);
        Self { shared, router }
    }

    /// A provider that behaves as the profile of that name, such as `stripe-2026`, with the seed 0.
    ///
    /// # Errors
    /// When there is no such profile; the error names the nearest.
    pub fn profile(name: &str) -> Result<Self, UnknownProfileError> {
        Ok(Self::new(settings_of(name)?))
    }

    /// As [`MockedProvider::profile`], but everything is answered at once: its limits, declines and
    /// faults without its latency.
    ///
    /// # Errors
    /// When there is no such profile; the error names the nearest.
    pub fn at_once(name: &str) -> Result<Self, UnknownProfileError> {
        let latency = Latency::every(Law::default());
        Ok(Self::new(Settings { latency, ..settings_of(name)? }))
    }

    /// What truly happened and what was told, in order.
    ///
    /// # Panics
    /// When a call panicked, or the temporary file cannot be read.
    pub fn ledger(&self) -> Vec<PaymentLine> {
        // What cannot be written down does not happen; the next call says so.
        let _ = self.shared.settle();
        let lines = BufReader::new(self.shared.reading().blocking());
        let lines = serde_json::Deserializer::from_reader(lines).into_iter();
        lines
            .map(|line| line.expect("the ledger was written here, and its file can be read"))
            .collect()
    }

    /// How many calls there were, and what is remembered.
    ///
    /// # Panics
    /// When a call panicked.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    fn answer(&self, request: &Request) -> http::Response<Body> {
        let mut call = http::Request::new(Body::from(request.body.clone()));
        *call.method_mut() = request.method.clone();
        *call.uri_mut() = uri_of(request);
        *call.headers_mut() = request.headers.clone();
        call.extensions_mut().insert(ConnectInfo(Connection::Described));
        let Ok(response) = at_once(self.router.clone().call(call));
        response
    }
}

impl Respond for MockedProvider {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (mut parts, body) = self.answer(request).into_parts();
        let body = at_once(to_bytes(body, usize::MAX)).expect("an answer's body is in memory");
        let manner = parts.extensions.remove::<Manner>();
        let (delay, delivery) = manner
            .map_or((Duration::ZERO, Delivery::Whole), |manner| (manner.delay, manner.delivery));
        match delivery {
            Delivery::Whole => whole(&parts, &body).set_delay(delay),
            Delivery::Slow(over) => whole(&parts, &body).set_delay(delay + over),
            Delivery::Reset => stand_in("reset").set_delay(delay),
            Delivery::Never => stand_in("silence").set_delay(NEVER),
        }
    }
}

fn settings_of(profile: &str) -> Result<Settings, UnknownProfileError> {
    Overrides { profile: Some(profile.to_owned()), ..Overrides::default() }.resolve(SEED)
}

fn uri_of(request: &Request) -> Uri {
    let path = request.url.path();
    let whole = match request.url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    Uri::try_from(whole).expect("wiremock has read it as an address")
}

fn whole(parts: &http::response::Parts, body: &Bytes) -> ResponseTemplate {
    let headers = parts.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
    let template = ResponseTemplate::new(parts.status.as_u16());
    template.append_headers(headers).set_body_bytes(body.to_vec())
}

fn stand_in(what: &'static str) -> ResponseTemplate {
    let status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
    ResponseTemplate::new(status).insert_header(STANDS_FOR, what)
}

/// What comes of something that waits for nothing: neither handlers nor bodies in memory do, once
/// nobody waits for the answer to leave.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("an answer that is only described waits for nothing"),
    }
}
