//! HTTP: paths and bodies to requests, replies to answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use domain::id::{ItemId, SlotId};
use domain::shop::{Catalogue, ShopRequest};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;

use crate::clock::Clock;
use crate::server::Counters;
use crate::server::date::Date;
use crate::server::origin::Origin;
use crate::server::pages::{Answer, Page, Pages};
use crate::server::said::{Content, Said};

/// The longest body read \[bytes\]: a checkout is below 1,000.
pub(super) const BODY_LENGTH_MAX: usize = 16_384;

/// What all connections of one process share.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) clock: Clock,
    pub(super) catalogue: Catalogue,
    pub(super) pages: Arc<Pages>,
    pub(super) counters: Arc<Counters>,
    pub(super) origin: Origin,
    pub(super) date: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cart {
    item: ItemId,
    #[serde(default)]
    slot: Option<SlotId>,
    quantity: u32,
}

/// What a path asks for.
#[derive(Debug)]
pub(super) enum Route {
    Page(u16, u16),
    Shop(ShopRequest),
    Cart,
    Entry,
    Checkout,
    Snapshot,
    Ledger,
    Unknown,
}

/// Answers one request that the library has read.
pub(super) async fn answer(
    front: Arc<Front>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let route = route(request.method().as_str(), request.uri().path());
    let body = match route {
        Route::Cart | Route::Entry | Route::Checkout => {
            let body = Limited::new(request.into_body(), BODY_LENGTH_MAX).collect().await;
            body.map(http_body_util::Collected::to_bytes)
        }
        _ => Ok(Bytes::new()),
    };
    let said = match body {
        Ok(body) => respond(&front, route, &body).await,
        Err(error) => {
            front.counters.edge.fetch_add(1, Ordering::Relaxed);
            unreadable(&error)
        }
    };
    Ok(said.into_response())
}

/// The answer to what is asked, and to a body where there is one.
pub(super) async fn respond(front: &Front, route: Route, body: &[u8]) -> Said {
    let counter = match route {
        Route::Snapshot | Route::Ledger | Route::Unknown => &front.counters.beside,
        _ => &front.counters.edge,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    let said = match route {
        Route::Page(sale, part) => return page(front, sale, part).await,
        Route::Shop(request) => shop(front, request).await,
        Route::Cart => match serde_json::from_slice(body) {
            Ok(Cart { item, slot, quantity }) => {
                shop(front, ShopRequest::Cart { item, slot, quantity }).await
            }
            Err(error) => return unreadable(&error),
        },
        Route::Entry => match serde_json::from_slice(body) {
            Ok(entry) => shop(front, ShopRequest::Enter(entry)).await,
            Err(error) => return unreadable(&error),
        },
        Route::Checkout => match serde_json::from_slice(body) {
            Ok(checkout) => shop(front, ShopRequest::Checkout(checkout)).await,
            Err(error) => return unreadable(&error),
        },
        Route::Snapshot => front.origin.snapshot().await,
        Route::Ledger => front.origin.ledger().await,
        Route::Unknown => {
            return Said::text(StatusCode::NOT_FOUND, "there is nothing under this path\n");
        }
    };
    said.unwrap_or_else(Said::gone)
}

/// What a method and a path ask for.
pub(super) fn route(method: &str, path: &str) -> Route {
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    let routed = match (method, parts) {
        ("GET", [Some("sales"), Some(sale), Some("page"), Some(part), None]) => {
            numbers(sale, part).map(|(sale, part)| Route::Page(sale, part))
        }
        ("GET", [Some("sales"), Some(sale), Some("status"), None, None]) => {
            sale.parse().ok().map(|sale| Route::Shop(ShopRequest::Status { sale }))
        }
        ("GET", [Some("sales"), Some(sale), Some("slots"), None, None]) => {
            sale.parse().ok().map(|sale| Route::Shop(ShopRequest::Slots { sale }))
        }
        ("GET", [Some("items"), Some(item), None, None, None]) => {
            let item = item.parse().ok().map(ItemId);
            item.map(|item| Route::Shop(ShopRequest::Item { item }))
        }
        ("GET", [Some("orders"), Some(key), None, None, None]) => {
            Some(Route::Shop(ShopRequest::Order { key: key.to_owned() }))
        }
        ("POST", [Some("sales"), Some(sale), Some("login"), None, None]) => {
            sale.parse().ok().map(|sale| Route::Shop(ShopRequest::Login { sale }))
        }
        ("GET", [Some("sales"), Some(sale), Some("entries"), Some(fan), None]) => {
            let asked = sale.parse().ok().zip(fan.parse().ok());
            asked.map(|(sale, fan)| Route::Shop(ShopRequest::Drawn { sale, fan }))
        }
        ("POST", [Some("entries"), None, None, None, None]) => Some(Route::Entry),
        ("POST", [Some("cart"), None, None, None, None]) => Some(Route::Cart),
        ("POST", [Some("checkout"), None, None, None, None]) => Some(Route::Checkout),
        ("GET", [Some("admin"), Some("snapshot"), None, None, None]) => Some(Route::Snapshot),
        ("GET", [Some("admin"), Some("ledger"), None, None, None]) => Some(Route::Ledger),
        _ => None,
    };
    routed.unwrap_or(Route::Unknown)
}

fn numbers(sale: &str, part: &str) -> Option<(u16, u16)> {
    Some((sale.parse().ok()?, part.parse().ok()?))
}

async fn page(front: &Front, sale: u16, part: u16) -> Said {
    let Some(page) = Page::of(&front.catalogue, sale, part) else {
        return Said::text(StatusCode::NOT_FOUND, "there is no such page\n");
    };
    let fetch = |ticket| {
        front.counters.origin.fetch_add(1, Ordering::Relaxed);
        front.origin.fetch(page, ticket);
    };
    let found = match front.pages.lookup(front.clock.now(), page) {
        Answer::Hit(text) => Some(Ok(text)),
        Answer::Failed(status) => Some(Err(status)),
        Answer::Wait(text) => text.await.ok(),
        Answer::Fetch(ticket, text) => {
            fetch(ticket);
            text.await.ok()
        }
        Answer::Refresh(text, ticket) => {
            fetch(ticket);
            Some(Ok(text))
        }
    };
    let found = match found {
        Some(Ok(found)) => found,
        Some(Err(status)) => return Said { status, ..Said::gone() },
        None => return Said::gone(),
    };
    let (cache_control, cookie) = (front.pages.cache_control.clone(), front.pages.cookie);
    Said { content: Content::Text, cache_control, cookie, ..Said::new(found) }
}

async fn shop(front: &Front, request: ShopRequest) -> Option<Said> {
    front.counters.origin.fetch_add(1, Ordering::Relaxed);
    front.origin.ask(request).await
}

fn unreadable(error: &impl std::fmt::Display) -> Said {
    Said::text(StatusCode::BAD_REQUEST, &format!("read the body: {error}\n"))
}
