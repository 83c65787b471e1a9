//! The shop over real HTTP, against a provider that does as it is told.

mod client;
mod raw;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::outcome::Outcome;
use domain::shop::{Balance, ShopLine, ShopReply, ShopSnapshot};
use domain::time::{Duration, Span};
use hyper::Method;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::server::service::{Edge, Service};
use crate::server::tests::client::{Client, Wire};
use crate::server::tls::Identity;
use crate::server::{machine, node};
use crate::settings::{Saga, ShopSettings, Storage};

/// What the provider does with authorizations and captures.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    RefusesCaptures,
    Declines,
    SaysNothing,
    /// The cardholder is asked, and by the first look authorization stands so.
    Challenges(&'static str),
}

#[derive(Debug)]
struct Provider {
    mood: Mood,
    /// Operation, authorization and key of every call.
    calls: Vec<(String, u64, String)>,
    authorizations: u64,
}

type Shared = Arc<Mutex<Provider>>;

async fn authorize(
    State(provider): State<Shared>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let mood = provider.lock().unwrap().mood;
    if mood == Mood::SaysNothing {
        std::future::pending::<()>().await;
    }
    let mut provider = provider.lock().unwrap();
    provider.authorizations += 1;
    let id = provider.authorizations;
    note(&mut provider, "authorize", id, &headers);
    if mood == Mood::Declines {
        let body = json!({ "error": { "code": "insufficient_funds" } });
        return (StatusCode::PAYMENT_REQUIRED, Json(body));
    }
    let asked = matches!(mood, Mood::Challenges(_));
    let status = if asked { "requires_action" } else { "authorized" };
    (StatusCode::OK, Json(json!({ "id": id.to_string(), "status": status })))
}

async fn look_up(
    State(provider): State<Shared>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> Json<Value> {
    assert_eq!(headers["authorization"], "Bearer spike");
    let mut provider = provider.lock().unwrap();
    provider.calls.push(("look_up".to_owned(), id, String::new()));
    let Mood::Challenges(status) = provider.mood else { panic!("nobody was challenged") };
    Json(json!({ "id": id.to_string(), "status": status, "amount": 4_500, "captured": 0 }))
}

async fn change(
    State(provider): State<Shared>,
    Path((id, operation)): Path<(u64, String)>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let mut provider = provider.lock().unwrap();
    note(&mut provider, &operation, id, &headers);
    if operation == "capture" && provider.mood == Mood::RefusesCaptures {
        let body = json!({ "error": { "code": "rate_limit" } });
        return (StatusCode::TOO_MANY_REQUESTS, Json(body));
    }
    let status = if operation == "void" { "voided" } else { "captured" };
    (StatusCode::OK, Json(json!({ "id": id.to_string(), "status": status })))
}

fn note(provider: &mut Provider, operation: &str, id: u64, headers: &HeaderMap) {
    assert_eq!(headers["authorization"], "Bearer spike");
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    provider.calls.push((operation.to_owned(), id, key));
}

/// How a shop's edge is made: in how many nodes (none: beside the origin), and what it speaks.
#[derive(Copy, Clone, Debug)]
struct Place {
    nodes: u16,
    wire: Wire,
}

/// Every kind of edge that there is.
const PLACES: [Place; 5] = [
    Place { nodes: 0, wire: Wire::Http1 },
    Place { nodes: 0, wire: Wire::TlsHttp1 },
    Place { nodes: 0, wire: Wire::TlsHttp2 },
    Place { nodes: 2, wire: Wire::Http1 },
    Place { nodes: 2, wire: Wire::Http2 },
];

impl Place {
    /// The edge, where it listens, its certificate (PEM), and its nodes.
    fn open(self) -> (Edge, SocketAddr, Option<String>, JoinSet<anyhow::Result<()>>) {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let identity = self.wire.is_secured().then(|| Identity::make(any.ip()).unwrap());
        let certificate = identity.as_ref().map(|identity| identity.pem.clone());
        let mut nodes = JoinSet::new();
        if self.nodes == 0 {
            let listener = machine::listen(any).unwrap();
            let address = listener.local_addr().unwrap();
            return (Edge::Here(listener, identity, None), address, certificate, nodes);
        }
        let kept = machine::keep(any).unwrap();
        let address = kept.address;
        let links = (0..self.nodes).map(|_| UnixStream::pair().unwrap());
        let (ours, theirs): (Vec<_>, Vec<_>) = links.unzip();
        for link in theirs {
            nodes.spawn(node::serve(link));
        }
        // The address is kept as long as the test runs: nobody else is to be given it.
        nodes.spawn(async move {
            let _kept = kept;
            std::future::pending().await
        });
        (Edge::There(ours, address, identity), address, certificate, nodes)
    }
}

/// A shop and its provider on free ports.
struct Street {
    client: Client,
    provider: Shared,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<anyhow::Result<()>>,
    nodes: Mutex<JoinSet<anyhow::Result<()>>>,
    provider_task: JoinHandle<()>,
    _folder: tempfile::TempDir,
    database: PathBuf,
}

impl Street {
    async fn open(place: Place, mut settings: ShopSettings, storage: Storage, mood: Mood) -> Self {
        settings.shop.storage = storage;
        let provider = Provider { mood, calls: Vec::new(), authorizations: 0 };
        let provider = Arc::new(Mutex::new(provider));
        let routes = Router::new()
            .route("/v1/authorizations", post(authorize))
            .route("/v1/authorizations/{id}", get(look_up))
            .route("/v1/authorizations/{id}/{operation}", post(change))
            .with_state(Arc::clone(&provider));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider_url = format!("http://{}", listener.local_addr().unwrap());
        let provider_task =
            tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let (edge, address, certificate, nodes) = place.open();
        let database = folder.path().join("shop.db");
        let clock = Clock::new(None);
        let service =
            Service::start(edge, settings, &provider_url, Some(&database), clock).await.unwrap();
        let (stop, ended) = oneshot::channel();
        let serving = tokio::spawn(service.serve(async move { drop(ended.await) }));
        let client = Client::new(address, place.wire, certificate.as_deref());
        let nodes = Mutex::new(nodes);
        Self { client, provider, stop, serving, nodes, provider_task, _folder: folder, database }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let (status, body) = self.client.ask(Method::GET, path, Vec::new()).await;
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, ShopReply) {
        let (status, body) = self.client.ask(Method::POST, path, body.to_string().into()).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Fan `fan` buys `quantity` of item 0 in slot 0.
    async fn buy(&self, fan: u32, quantity: u32) -> (u16, ShopReply) {
        let body = json!({
            "fan": format!("0-{fan}"), "intent": format!("0-{fan}"), "key": format!("0-{fan}-0"),
            "item": 0, "slot": 0, "quantity": quantity, "card": 0,
        });
        self.post("/checkout", &body).await
    }

    async fn snapshot(&self) -> ShopSnapshot {
        serde_json::from_str(&self.get("/admin/snapshot").await.1).unwrap()
    }

    /// The snapshot in which nothing is pending.
    async fn settled(&self) -> ShopSnapshot {
        loop {
            let snapshot = self.snapshot().await;
            if snapshot.pending == 0 {
                return snapshot;
            }
        }
    }

    async fn ledger(&self) -> Vec<ShopLine> {
        let (status, text) = self.get("/admin/ledger").await;
        assert_eq!(status, 200);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn calls(&self) -> Vec<(String, u64, String)> {
        self.provider.lock().unwrap().calls.clone()
    }

    async fn close(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
        self.provider_task.abort();
        self.nodes.into_inner().unwrap().abort_all();
    }
}

fn settings(stock: u32) -> ShopSettings {
    let mut settings = ShopSettings::small();
    settings.catalogue.sales[0].items[0].stock = stock;
    settings
}

fn call(operation: &str, id: u64, key: &str) -> (String, u64, String) {
    (operation.to_owned(), id, key.to_owned())
}

#[tokio::test]
async fn a_purchase_goes_from_end_to_end() {
    for place in PLACES {
        for storage in [Storage::Sqlite, Storage::Memory] {
            let street = Street::open(place, settings(10), storage, Mood::Well).await;
            let (status, text) = street.get("/sales/0/status").await;
            let reply: ShopReply = serde_json::from_str(&text).unwrap();
            assert_eq!((status, reply.items, reply.slots), (200, Some(7), Some(7)));
            let cart = json!({ "item": 0, "slot": 0, "quantity": 2 });
            assert_eq!(street.post("/cart", &cart).await.0, 200);
            let (status, reply) = street.buy(417, 2).await;
            assert_eq!((status, reply.outcome), (200, Outcome::Ok));
            assert_eq!(street.get("/orders/0-417-0").await.0, 200);
            assert_eq!(
                street.calls(),
                [call("authorize", 1, "0-417-0-authorize"), call("capture", 1, "0-417-0-capture"),]
            );
            let snapshot = street.settled().await;
            assert_eq!(snapshot.items["tour-tee"], Balance { free: 8, held: 0, sold: 2 });
            assert_eq!(snapshot.slots["day-1/12:00"], Balance { free: 99, held: 0, sold: 1 });
            assert_eq!((snapshot.edge, snapshot.origin, snapshot.payment), (4, 4, 2));
            let ledger = street.ledger().await;
            let order = ledger.iter().find_map(|line| match line {
                ShopLine::Order { status, paid, payment, amount, slot, .. } => Some((
                    status.as_str(),
                    *paid,
                    payment.as_deref(),
                    amount.minor(),
                    slot.as_deref(),
                )),
                _ => None,
            });
            assert_eq!(order, Some(("captured", true, Some("1"), 9_000, Some("12:00"))));
            let units = ledger.iter().filter(|line| {
                matches!(line, ShopLine::Unit { state, order_id, .. }
                if state == "sold" && order_id.as_deref() == Some("1"))
            });
            assert_eq!(units.count(), 2);
            street.close().await;
        }
    }
}

#[tokio::test]
async fn the_last_piece_goes_to_one_of_many() {
    for place in PLACES {
        for (storage, saga) in [
            (Storage::Sqlite, Saga::AuthorizeFirst),
            (Storage::Sqlite, Saga::ReserveFirst),
            (Storage::Memory, Saga::AuthorizeFirst),
        ] {
            let mut settings = settings(3);
            settings.shop.saga = saga;
            let street = Arc::new(Street::open(place, settings, storage, Mood::Well).await);
            let buyers: Vec<_> = (0..40)
                .map(|fan| {
                    let street = Arc::clone(&street);
                    tokio::spawn(async move { street.buy(fan, 1).await })
                })
                .collect();
            let (mut sold, mut sold_out) = (0, 0);
            for buyer in buyers {
                match buyer.await.unwrap() {
                    (200, _) => sold += 1,
                    (409, _) => sold_out += 1,
                    other => panic!("neither sold nor sold out: {other:?}"),
                }
            }
            assert_eq!((sold, sold_out), (3, 37));
            let snapshot = street.settled().await;
            assert_eq!(snapshot.items["tour-tee"], Balance { free: 0, held: 0, sold: 3 });
            let calls = street.calls();
            let count = |operation| calls.iter().filter(|(name, _, _)| name == operation).count();
            assert_eq!(count("authorize") - count("void"), 3);
            assert_eq!(street.get("/items/0").await.0, 409);
            Arc::into_inner(street).unwrap().close().await;
        }
    }
}

#[tokio::test]
async fn a_refused_capture_leaves_no_orphan() {
    for place in PLACES {
        let street = Street::open(place, settings(3), Storage::Sqlite, Mood::RefusesCaptures).await;
        let (status, reply) = street.buy(1, 1).await;
        assert_eq!((status, reply.outcome), (429, Outcome::RateLimited));
        let snapshot = street.settled().await;
        assert_eq!(snapshot.items["tour-tee"], Balance { free: 3, held: 0, sold: 0 });
        assert_eq!(street.calls()[2], call("void", 1, "0-1-0-void"));
        street.close().await;
    }
}

#[tokio::test]
async fn a_declined_card_is_said_so() {
    for place in PLACES {
        let street = Street::open(place, settings(3), Storage::Memory, Mood::Declines).await;
        assert_eq!(street.buy(1, 1).await.0, 402);
        assert_eq!(street.snapshot().await.pending, 0);
        street.close().await;
    }
}

#[tokio::test]
async fn who_is_challenged_waits_and_then_buys_or_is_declined() {
    // Each place takes seconds: the shop looks at a challenge every two.
    for place in [PLACES[0], PLACES[3]] {
        for (stands, status, last) in [
            ("authorized", 200, call("capture", 1, "0-1-0-capture")),
            ("declined", 402, call("look_up", 1, "")),
        ] {
            let street =
                Street::open(place, settings(3), Storage::Sqlite, Mood::Challenges(stands)).await;
            let (waits, reply) = street.buy(1, 1).await;
            assert_eq!(
                (waits, reply.outcome, reply.retry_after_s),
                (202, Outcome::Waiting, Some(2))
            );
            assert_eq!(street.buy(1, 1).await.0, 202);
            let snapshot = street.settled().await;
            assert_eq!(street.buy(1, 1).await.0, status);
            assert_eq!(street.get("/orders/0-1-0").await.0, status);
            let sold = i64::from(status == 200);
            assert_eq!(snapshot.items["tour-tee"], Balance { free: 3 - sold, held: 0, sold });
            let calls = street.calls();
            assert_eq!(
                calls[..2],
                [call("authorize", 1, "0-1-0-authorize"), call("look_up", 1, "")]
            );
            assert_eq!(calls.last(), Some(&last));
            street.close().await;
        }
    }
}

#[tokio::test]
async fn a_challenge_that_nobody_answers_is_let_go() {
    for place in PLACES {
        let mut settings = settings(3);
        settings.shop.saga = Saga::ReserveFirst;
        settings.shop.challenge_timeout = Span(Duration::from_millis(200));
        let mood = Mood::Challenges("requires_action");
        let street = Street::open(place, settings, Storage::Sqlite, mood).await;
        assert_eq!(street.buy(1, 1).await.0, 202);
        let snapshot = street.settled().await;
        assert_eq!(snapshot.items["tour-tee"], Balance { free: 3, held: 0, sold: 0 });
        assert_eq!(street.buy(1, 1).await.0, 402);
        let calls = street.calls();
        assert_eq!(calls[1..], [call("look_up", 1, ""), call("void", 1, "0-1-0-void")]);
        street.close().await;
    }
}

#[tokio::test]
async fn the_same_key_buys_once() {
    for place in PLACES {
        let street = Street::open(place, settings(5), Storage::Sqlite, Mood::Well).await;
        let first = street.buy(1, 1).await;
        assert_eq!(street.buy(1, 1).await, first);
        assert_eq!(street.settled().await.items["tour-tee"].sold, 1);
        assert_eq!(street.calls().len(), 2);
        street.close().await;
    }
}

#[tokio::test]
async fn a_crowd_is_one_request_at_the_origin() {
    for place in PLACES {
        // A handshake is slow where nothing is optimised.
        let size = if place.wire.is_secured() { 50 } else { 1_000 };
        let mut settings = settings(5);
        settings.shop.edge.ttl = Span(Duration::from_mins(10));
        let street = Arc::new(Street::open(place, settings, Storage::Memory, Mood::Well).await);
        let crowd: Vec<_> = (0..size)
            .map(|_| {
                let street = Arc::clone(&street);
                tokio::spawn(async move { street.get("/sales/0/page/3").await })
            })
            .collect();
        for fan in crowd {
            let (status, text) = fan.await.unwrap();
            assert_eq!(status, 200);
            assert!((1_000..1_100).contains(&text.len()), "{} bytes", text.len());
        }
        let snapshot = street.snapshot().await;
        assert_eq!(snapshot.edge, size);
        // Each node has a cache of its own.
        let caches = u64::from(place.nodes.max(1));
        assert!((1..=caches).contains(&snapshot.origin), "{} fetches", snapshot.origin);
        Arc::into_inner(street).unwrap().close().await;
    }
}

#[tokio::test]
async fn without_a_cache_every_request_reaches_the_origin() {
    for place in PLACES {
        let mut settings = settings(5);
        settings.shop.edge.ttl = Span(Duration::ZERO);
        let street = Street::open(place, settings, Storage::Memory, Mood::Well).await;
        for _ in 0..5 {
            assert_eq!(street.get("/sales/0/page/0").await.0, 200);
        }
        assert_eq!(street.snapshot().await.origin, 5);
        street.close().await;
    }
}

#[tokio::test]
async fn an_abandoned_reservation_is_freed() {
    for place in PLACES {
        let mut settings = settings(1);
        settings.shop.saga = Saga::ReserveFirst;
        settings.shop.reservation.ttl = Span(Duration::from_millis(300));
        settings.shop.reservation.sweep = Span(Duration::from_millis(20));
        let street = Street::open(place, settings, Storage::Sqlite, Mood::SaysNothing).await;
        // The only piece is held while the provider says nothing; who waits for it hears of its end.
        let (status, reply) = street.buy(1, 1).await;
        assert_eq!((status, reply.outcome), (500, Outcome::Error));
        let snapshot = street.snapshot().await;
        assert_eq!(snapshot.items["tour-tee"], Balance { free: 1, held: 0, sold: 0 });
        assert_eq!(snapshot.pending, 1);
        street.provider.lock().unwrap().mood = Mood::Well;
        assert_eq!(street.buy(2, 1).await.0, 200);
        street.close().await;
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_said_so() {
    for place in PLACES {
        let street = Street::open(place, settings(1), Storage::Memory, Mood::Well).await;
        for path in
            ["/", "/sales/x/status", "/sales/0/page/64", "/sales/7/page/0", "/sales/0/status/"]
        {
            assert_eq!(street.get(path).await.0, 404, "{path}");
        }
        assert_eq!(street.get("/items/99").await.0, 422);
        let post = |path, body| street.client.ask(Method::POST, path, body);
        let (status, text) = post("/checkout", b"{\"fan\": 3}".to_vec()).await;
        assert_eq!(status, 400);
        assert!(String::from_utf8_lossy(&text).contains("line 1"));
        assert_eq!(post("/cart", vec![b'x'; 20_000]).await.0, 400);
        street.close().await;
    }
}

#[tokio::test]
async fn the_database_can_be_read_by_anybody_while_the_shop_sells() {
    for place in PLACES {
        let street = Street::open(place, settings(2), Storage::Sqlite, Mood::Well).await;
        street.buy(1, 2).await;
        street.settled().await;
        let database = street.database.clone();
        let read = tokio::task::spawn_blocking(move || {
            let connection = rusqlite::Connection::open(database).unwrap();
            let orders = "select status, quantity, item, fan from orders";
            let read =
                |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            connection.query_row(orders, [], read).unwrap()
        });
        let row: (String, u32, String, String) = read.await.unwrap();
        assert_eq!(row, ("captured".to_owned(), 2, "tour-tee".to_owned(), "0-1".to_owned()));
        street.close().await;
    }
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_sentence() {
    let taken = machine::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let error = machine::listen(taken.local_addr().unwrap()).unwrap_err();
    assert!(error.to_string().contains("the port is in use\nhint: "), "{error}");
}

#[tokio::test]
async fn an_order_placed_at_one_node_is_known_at_all_and_what_they_count_is_added_up() {
    let place = Place { nodes: 4, wire: Wire::Http1 };
    let street = Street::open(place, settings(3), Storage::Sqlite, Mood::Well).await;
    assert_eq!(street.buy(1, 1).await.0, 200);
    // Each request comes over a connection of its own, which the kernel gives to any node.
    for _ in 0..64 {
        assert_eq!(street.get("/orders/0-1-0").await.0, 200);
        assert_eq!(street.buy(1, 1).await.0, 200);
    }
    let snapshot = street.settled().await;
    assert_eq!(snapshot.items["tour-tee"], Balance { free: 2, held: 0, sold: 1 });
    assert_eq!((snapshot.edge, snapshot.origin, snapshot.payment), (129, 129, 2));
    street.close().await;
}

#[tokio::test]
async fn a_shop_that_loses_a_node_ends_and_says_so() {
    let place = Place { nodes: 2, wire: Wire::Http1 };
    let street = Street::open(place, settings(3), Storage::Sqlite, Mood::Well).await;
    street.nodes.lock().unwrap().abort_all();
    let ended = street.serving.await.unwrap();
    assert_eq!(ended.unwrap_err().to_string(), "keep the edge: one of its processes ended");
    drop(street.stop);
}
