//! The page where a cardholder is asked (3-D Secure): stands in for the bank's.

use std::sync::Arc;

use axum::Router;

use crate::server::shared::Shared;

/// The page.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
}
