//! The face that speaks as an older Japanese gateway does: flat forms in, flat text out, and every
//! error inside a 200.
//!
//! Its paths, parameters and codes are in the style of GMO-PG's protocol type; docs/PROVIDER.md
//! says what of it is verified. A shop that looks at status codes alone takes a refusal by a
//! limiter for a success: that is what this face is for. It has no idempotency key. An order's id
//! is unique for its shop, and a trade is paid once: whoever hears nothing must ask.

mod access;
mod asked;
mod code;
mod desk;
pub mod fields;
mod job;
mod shops;
mod tell;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};

use super::connection::Connection;
use super::shared::Shared;
use desk::Desk;
use fields::{BODY_BYTES_MAX, Fields};
use shops::Shops;

/// Where all calls are: what follows is the name of one.
const PREFIX: &str = "/payment/";

/// What all calls of this face share.
#[derive(Debug)]
struct Gateway {
    shared: Arc<Shared>,
    shops: Shops,
}

/// The calls of merchants.
pub(super) fn face(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(&format!("{PREFIX}{{api}}"), any(visit))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::new(Gateway { shared, shops: Shops::default() }))
}

async fn visit(
    State(gateway): State<Arc<Gateway>>,
    connection: Option<Extension<ConnectInfo<Connection>>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if method != Method::POST {
        return tell::errors(&[code::NOT_POSTED]);
    }
    let Ok(body) = body else { return tell::errors(&[code::BODY_UNREADABLE]) };
    let fields = Fields::decode(&body);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let desk = Desk {
        gateway: &gateway,
        connection: connection.map(|Extension(info)| info.0).unwrap_or_default(),
        base: format!("http://{host}"),
    };
    let answered = match uri.path().strip_prefix(PREFIX).unwrap_or_default() {
        "EntryTran.idPass" => desk.entry(&fields).await,
        "ExecTran.idPass" => desk.exec(&fields).await,
        "SecureTran2.idPass" => desk.secure(&fields).await,
        "AlterTran.idPass" => desk.alter(&fields).await,
        "ChangeTran.idPass" => desk.change(&fields).await,
        "SearchTrade.idPass" => desk.search(&fields).await,
        _ => Err(vec![code::API_UNKNOWN]),
    };
    answered.unwrap_or_else(|wrong| tell::errors(&wrong))
}
