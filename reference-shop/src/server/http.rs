//! HTTP: paths and bodies to requests, replies to answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use domain::id::{ItemId, SlotId};
use domain::outcome::Outcome;
use domain::shop::{Catalogue, Checkout, ShopReply, ShopRequest, ShopSnapshot};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::server::Counters;
use crate::server::desk::Message;
use crate::server::pages::{Answer, Page, Pages};

/// The longest body read \[bytes\]: a checkout is below 1,000.
const BODY_LENGTH_MAX: usize = 16_384;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) clock: Clock,
    pub(super) catalogue: Catalogue,
    pub(super) pages: Arc<Pages>,
    pub(super) counters: Arc<Counters>,
    pub(super) desk: mpsc::UnboundedSender<Message>,
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
enum Route {
    Page(u16, u16),
    Shop(ShopRequest),
    Cart,
    Checkout,
    Snapshot,
    Ledger,
    Unknown,
}

/// Answers one request.
pub(super) async fn answer(
    front: Arc<Front>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let route = route(request.method(), request.uri().path());
    if !matches!(route, Route::Snapshot | Route::Ledger | Route::Unknown) {
        front.counters.edge.fetch_add(1, Ordering::Relaxed);
    }
    Ok(match route {
        Route::Page(sale, part) => page(&front, sale, part).await,
        Route::Shop(request) => shop(&front, request).await,
        Route::Cart => match read(request).await {
            Ok(Cart { item, slot, quantity }) => {
                shop(&front, ShopRequest::Cart { item, slot, quantity }).await
            }
            Err(refusal) => refusal,
        },
        Route::Checkout => match read::<Checkout>(request).await {
            Ok(checkout) => shop(&front, ShopRequest::Checkout(checkout)).await,
            Err(refusal) => refusal,
        },
        Route::Snapshot => snapshot(&front).await,
        Route::Ledger => ledger(&front).await,
        Route::Unknown => text(StatusCode::NOT_FOUND, "there is nothing under this path\n"),
    })
}

fn route(method: &Method, path: &str) -> Route {
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    let routed = match (method, parts) {
        (&Method::GET, [Some("sales"), Some(sale), Some("page"), Some(part), None]) => {
            numbers(sale, part).map(|(sale, part)| Route::Page(sale, part))
        }
        (&Method::GET, [Some("sales"), Some(sale), Some("status"), None, None]) => {
            sale.parse().ok().map(|sale| Route::Shop(ShopRequest::Status { sale }))
        }
        (&Method::GET, [Some("sales"), Some(sale), Some("slots"), None, None]) => {
            sale.parse().ok().map(|sale| Route::Shop(ShopRequest::Slots { sale }))
        }
        (&Method::GET, [Some("items"), Some(item), None, None, None]) => {
            let item = item.parse().ok().map(ItemId);
            item.map(|item| Route::Shop(ShopRequest::Item { item }))
        }
        (&Method::GET, [Some("orders"), Some(key), None, None, None]) => {
            Some(Route::Shop(ShopRequest::Order { key: key.to_owned() }))
        }
        (&Method::POST, [Some("cart"), None, None, None, None]) => Some(Route::Cart),
        (&Method::POST, [Some("checkout"), None, None, None, None]) => Some(Route::Checkout),
        (&Method::GET, [Some("admin"), Some("snapshot"), None, None, None]) => {
            Some(Route::Snapshot)
        }
        (&Method::GET, [Some("admin"), Some("ledger"), None, None, None]) => Some(Route::Ledger),
        _ => None,
    };
    routed.unwrap_or(Route::Unknown)
}

fn numbers(sale: &str, part: &str) -> Option<(u16, u16)> {
    Some((sale.parse().ok()?, part.parse().ok()?))
}

/// The body of a request as JSON, or what is wrong with it.
async fn read<T: for<'de> Deserialize<'de>>(
    request: Request<Incoming>,
) -> Result<T, Response<Full<Bytes>>> {
    let body = Limited::new(request.into_body(), BODY_LENGTH_MAX).collect().await;
    let body =
        body.map_err(|error| text(StatusCode::BAD_REQUEST, &format!("read the body: {error}\n")))?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|error| text(StatusCode::BAD_REQUEST, &format!("read the body: {error}\n")))
}

async fn page(front: &Front, sale: u16, part: u16) -> Response<Full<Bytes>> {
    let Some(page) = Page::of(&front.catalogue, sale, part) else {
        return text(StatusCode::NOT_FOUND, "there is no such page\n");
    };
    let found = match front.pages.lookup(front.clock.now(), page) {
        Answer::Hit(text) => Some(text),
        Answer::Wait(text) => text.await.ok().flatten(),
        Answer::Fetch(ticket, text) => {
            front.counters.origin.fetch_add(1, Ordering::Relaxed);
            // A desk that is gone drops the receiver's other end, which is seen just below.
            let _ = front.desk.send(Message::Fetch(page, ticket));
            text.await.ok().flatten()
        }
    };
    let Some(found) = found else { return gone() };
    let mut response = Response::new(Full::new(found));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, front.pages.cache_control.clone());
    response
}

async fn shop(front: &Front, request: ShopRequest) -> Response<Full<Bytes>> {
    front.counters.origin.fetch_add(1, Ordering::Relaxed);
    match ask(front, |answer| Message::Request(request, answer)).await {
        Some(reply) => json(&reply),
        None => gone(),
    }
}

async fn snapshot(front: &Front) -> Response<Full<Bytes>> {
    let Some((snapshot, balances)) = ask(front, Message::Snapshot).await else { return gone() };
    let Ok(balances) = balances.await else { return gone() };
    let snapshot = ShopSnapshot { items: balances.items, slots: balances.slots, ..snapshot };
    let body = serde_json::to_vec(&snapshot).expect("a snapshot can always be written");
    typed(StatusCode::OK, "application/json", Bytes::from(body))
}

async fn ledger(front: &Front) -> Response<Full<Bytes>> {
    let Some(lines) = ask(front, Message::Ledger).await else { return gone() };
    let Ok(lines) = lines.await else { return gone() };
    let mut body = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut body, &line).expect("a ledger line can always be written");
        body.push(b'\n');
    }
    typed(StatusCode::OK, "application/x-ndjson", Bytes::from(body))
}

/// Asks the desk; nothing comes from one that is shutting down.
async fn ask<T>(front: &Front, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    front.desk.send(message(sender)).ok()?;
    receiver.await.ok()
}

fn json(reply: &ShopReply) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(ShopReply::status(reply.outcome))
        .expect("outcomes have statuses of HTTP");
    let body = serde_json::to_vec(reply).expect("a reply can always be written");
    let mut response = typed(status, "application/json", Bytes::from(body));
    if let Some(seconds) = reply.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer of a shop that is shutting down.
fn gone() -> Response<Full<Bytes>> {
    json(&ShopReply::of(Outcome::Error))
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(text.as_bytes()))
}

fn typed(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
