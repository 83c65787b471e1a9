//! The administration: what the owner of the mock may see and change. Nothing here is limited,
//! delayed or written down.

mod limits;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ledger::{AfterError, ExportError, Follow, pieces};
use super::metrics::{self, TEXT_TYPE};
use super::shared::Shared;
use super::webhooks;
use crate::rules;
use crate::settings::names;

/// How far the ledger stands, in bytes: where the next reading begins.
const LEDGER_BYTES: HeaderName = HeaderName::from_static("ledger-bytes");

/// The calls of the owner.
pub(super) fn administration(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/admin/ledger", get(ledger))
        .route("/admin/ledger.db", get(database))
        .route("/admin/status", get(status))
        .route("/admin/webhooks", get(webhooks::status))
        .route("/admin/limits/seconds", get(seconds))
        .route("/metrics", get(measurements))
        .with_state(Arc::clone(&shared))
        .merge(limits::routes(shared))
}

/// What an administration on a listener of its own says to everything else.
pub(super) async fn elsewhere() -> Response {
    let message = "no such path; try GET /admin/status, /admin/ledger, /admin/ledger.db, \
                   /admin/limits, /admin/limits/seconds, /admin/webhooks or /metrics";
    error(StatusCode::NOT_FOUND, "resource_missing", message)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    /// How many bytes the reader has already.
    after: u64,
    /// Whether lines are read as they are written.
    follow: bool,
}

/// The ledger as JSON lines, while it grows.
async fn ledger(
    State(shared): State<Arc<Shared>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(Wanted { after, follow }) = match wanted {
        Ok(wanted) => wanted,
        Err(rejection) => {
            let message = rejection.body_text();
            return error(StatusCode::BAD_REQUEST, "parameter_invalid", &message);
        }
    };
    let follow = if follow { Follow::ToTheEnd } else { Follow::UntilHere };
    let (bytes, lines) = match shared.reading().after(after, follow).await {
        Ok(found) => found,
        Err(error) => return error.into_response(),
    };
    let mut response = Body::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, "application/x-ndjson".parse().expect("a media type"));
    if follow == Follow::UntilHere {
        headers.insert(CONTENT_LENGTH, (bytes - after).into());
        headers.insert(LEDGER_BYTES, bytes.into());
    }
    response
}

/// The ledger as an `SQLite` file.
async fn database(State(shared): State<Arc<Shared>>) -> Result<Response, ExportError> {
    let (file, bytes) = shared.export().await?;
    let headers = [
        (CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (CONTENT_LENGTH, bytes.to_string()),
        (CONTENT_DISPOSITION, "attachment; filename=\"ledger.db\"".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces(file, bytes))).into_response())
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let rules::Counts { calls, refused, pending, open, payments, keys, webhooks } = shared.counts();
    let body = json!({
        "calls": calls, "refused": refused, "pending": pending,
        "open": open, "payments": payments, "keys": keys, "webhooks": webhooks::tally(&webhooks),
    });
    in_json(StatusCode::OK, &body)
}

/// What each limit admitted and refused in each second of the last hour.
async fn seconds(State(shared): State<Arc<Shared>>) -> Response {
    let (limits, tally) = shared.limits();
    let mut counts = tally.limits().iter();
    let limits: Vec<_> = names(&limits)
        .into_iter()
        .zip(&limits)
        .map(|(name, limit)| {
            let counts = counts.next().cloned().unwrap_or_default();
            let (admitted, refused) = (counts.admitted, counts.refused);
            json!({
                "limit": name, "scope": metrics::word(&limit.scope),
                "algorithm": metrics::word(&limit.algorithm),
                "admitted": admitted, "refused": refused, "seconds": counts.seconds,
            })
        })
        .collect();
    let body = json!({ "began_utc_ns": shared.began_utc_ns(), "limits": limits });
    in_json(StatusCode::OK, &body)
}

async fn measurements(State(shared): State<Arc<Shared>>) -> Response {
    let text = metrics::exposition(&shared.figures(), shared.meters());
    ([(CONTENT_TYPE, TEXT_TYPE)], text).into_response()
}

impl IntoResponse for AfterError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Beyond { .. } | Self::WithinALine { .. } => {
                (StatusCode::BAD_REQUEST, "parameter_invalid")
            }
            Self::Read(_) => (StatusCode::INTERNAL_SERVER_ERROR, "ledger_unreadable"),
        };
        error(status, code, &whole(&self))
    }
}

impl IntoResponse for ExportError {
    fn into_response(self) -> Response {
        error(StatusCode::INTERNAL_SERVER_ERROR, "export_failed", &whole(&self))
    }
}

/// An error and its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    in_json(status, &json!({ "error": { "code": code, "message": message } }))
}

fn in_json(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
