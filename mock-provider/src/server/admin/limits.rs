//! The limits over HTTP: how they stand, and how they are changed in mid-run.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use domain::time::Time;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::in_json;
use crate::rules::{ChangeError, LimitState, PlannedChange, Provider};
use crate::server::shared::Shared;
use crate::settings::Limit;

/// How long a body may be: all limits there may be, with room for their words.
const BODY_BYTES_MAX: usize = 64 << 10;

/// What the owner of the mock may see and change of the limits.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/admin/limits", get(all).put(replace))
        .route("/admin/limits/{limit}", patch(change))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
}

async fn all(State(shared): State<Arc<Shared>>) -> Response {
    shared.with_provider(|at, provider| in_json(StatusCode::OK, &as_they_stand(at, provider)))
}

/// Replaces the whole list: the body is a list of limits as the settings have them.
async fn replace(
    State(shared): State<Arc<Shared>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let limits: Vec<Limit> = read(body)?;
    let replaced = shared.with_provider(|at, provider| {
        provider.replace_limits(at, &limits)?;
        Ok(in_json(StatusCode::OK, &as_they_stand(at, provider)))
    });
    if replaced.is_ok() {
        shared.count_limits_anew();
    }
    replaced
}

/// Changes one limit: the body holds the keys that change.
async fn change(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let patch: Map<String, Value> = read(body)?;
    shared.with_provider(|at, provider| {
        provider.change_limit(at, &name, &patch)?;
        Ok(in_json(StatusCode::OK, &as_they_stand(at, provider)))
    })
}

fn as_they_stand(at: Time, provider: &mut Provider) -> Value {
    let limits: Vec<_> = provider.limits(at).into_iter().map(state).collect();
    let schedule: Vec<_> = provider.planned_changes().iter().map(planned).collect();
    json!({ "at_s": at.seconds(), "limits": limits, "schedule": schedule })
}

/// The limit's keys, its name, and what is left of it.
fn state(state: LimitState) -> Value {
    let LimitState { name, limit, holders, remaining } = state;
    let mut said = serde_json::to_value(limit).expect("a limit has a word in JSON");
    said["name"] = name.into();
    said["holders"] = holders.into();
    let resets_in_s = remaining.resets_in.as_secs_f64();
    said["remaining"] = json!({ "calls": remaining.calls, "resets_in_s": resets_in_s });
    said
}

fn planned(planned: &PlannedChange) -> Value {
    let mut said = serde_json::to_value(&planned.change).expect("a change has a word in JSON");
    said["limit"] = planned.name.as_str().into();
    said
}

/// A body that is not understood, or a change that cannot be made.
struct Fault {
    status: StatusCode,
    code: &'static str,
    problems: Vec<String>,
}

impl From<ChangeError> for Fault {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown { .. } => Self {
                status: StatusCode::NOT_FOUND,
                code: "resource_missing",
                problems: vec![error.to_string()],
            },
            ChangeError::Range(problems) => Self {
                status: StatusCode::BAD_REQUEST,
                code: "parameter_invalid",
                problems: problems.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let message = self.problems.join("\n");
        let error = json!({ "code": self.code, "message": message, "problems": self.problems });
        in_json(self.status, &json!({ "error": error }))
    }
}

fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Fault> {
    let body = body.map_err(|rejection| Fault {
        status: rejection.status(),
        code: "body_unreadable",
        problems: vec![format!("{}; at most {BODY_BYTES_MAX} bytes", rejection.body_text())],
    })?;
    serde_json::from_slice(&body).map_err(|error| Fault {
        status: StatusCode::BAD_REQUEST,
        code: "parameter_invalid",
        problems: vec![format!("body: {error}")],
    })
}
