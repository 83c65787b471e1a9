//! The service: everything started in order, connections served, everything ended in order.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use machine::redis::Redis;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::inventory::stock::StockError;
use crate::rules::Shop;
use crate::server::Counters;
use crate::server::connection;
use crate::server::date::Date;
use crate::server::desk::{Desk, Queues};
use crate::server::gate::Gate;
use crate::server::http::Front;
use crate::server::link::Hello;
use crate::server::link::hub::Hub;
use crate::server::nginx::Nginx;
use crate::server::origin::{Office, Origin};
use crate::server::pages::Pages;
use crate::server::payment::Payment;
use crate::server::tls::{self, Identity};
use crate::server::warehouse::{self, Place};
use crate::settings::ShopSettings;

/// Where the edge is.
pub(super) enum Edge {
    /// In this process; behind nginx, where there is one, which passes on what it does not answer.
    Here(StdListener, Option<Identity>, Option<Nginx>),
    /// In the processes at the other ends of these links.
    There(Vec<UnixStream>, SocketAddr, Option<Identity>),
}

/// What of the edge is in this process.
enum Door {
    Open(TcpListener, Option<TlsAcceptor>, Arc<Front>),
    Links(JoinSet<io::Result<()>>),
}

/// A shop that listens.
pub(super) struct Service {
    door: Door,
    desk: JoinHandle<Result<(), StockError>>,
    /// Dropped last: a database is deleted when nobody has it open.
    place: Place,
    /// The server that keeps the gate, if it is the shop's own.
    redis: Option<Redis>,
}

/// What ended the service.
enum End {
    Told,
    Desk(Result<Result<(), StockError>, JoinError>),
    Link,
}

impl Service {
    /// Starts the inventory and the desk, and waits until the edge listens.
    ///
    /// # Errors
    /// When the database, the client of the provider or TLS cannot be made, or a process of the
    /// edge does not come to listen.
    pub(super) async fn start(
        edge: Edge,
        settings: ShopSettings,
        provider: &str,
        database: Option<&Path>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let shop = &settings.shop;
        let (notify, notices) = mpsc::unbounded_channel();
        let kept = warehouse::open(&settings, database, clock, notify).await?;
        let payment = Payment::new(provider, shop.provider_timeout.0)
            .context("make the client of the payment provider")?;
        let (gate, redis) = match &shop.admission {
            Some(admission) => {
                Gate::open(admission, &settings.account, clock.began_utc_ns()).await?
            }
            None => (None, None),
        };
        let (ask, messages) = mpsc::unbounded_channel();
        let (catalogue, cache) = (settings.catalogue.clone(), shop.edge.clone());
        let pages = Arc::new(Pages::new(&catalogue, cache.clone()));
        let counters = Arc::new(Counters::default());
        let desk = Desk {
            stock: kept.stock,
            found: kept.found,
            shop: Shop::new(settings),
            clock,
            payment,
            gate,
            pages: Arc::clone(&pages),
            counters: Arc::clone(&counters),
            queues: Queues::default(),
        };
        let desk = tokio::spawn(desk.serve(messages, notices));
        let door = match edge {
            Edge::Here(listener, identity, nginx) => {
                let listener = TcpListener::from_std(listener).context("listen")?;
                let tls = identity.as_ref().map(tls::acceptor).transpose();
                let tls = tls.context("begin to speak TLS")?;
                let hub = Hub::default();
                let office = Office {
                    desk: ask,
                    counters: Arc::clone(&counters),
                    pages: Arc::clone(&pages),
                    hub,
                    nginx,
                };
                let origin = Origin::Here(Arc::new(office));
                let date = Date::default();
                let front = Front { clock, catalogue, pages, counters, origin, date };
                Door::Open(listener, tls, Arc::new(front))
            }
            Edge::There(streams, listen, identity) => {
                let began_utc_ns = clock.began_utc_ns();
                let hello = Hello { listen, identity, catalogue, edge: cache, began_utc_ns };
                let gathered = Hub::gather(streams, &hello).await;
                let (hub, links) = gathered.context("start the processes of the edge")?;
                let office = Office { desk: ask, counters, pages, hub, nginx: None };
                let office = Arc::new(office);
                let links = links.into_iter().map(|link| link.serve(Arc::clone(&office)));
                Door::Links(links.collect())
            }
        };
        Ok(Self { door, desk, place: kept.place, redis })
    }

    /// Serves until `stop` comes, the database fails or a process of the edge ends; then ends every
    /// connection and writes down what was asked for.
    ///
    /// # Errors
    /// When the database fails, or a process of the edge has ended.
    pub(super) async fn serve(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { mut door, mut desk, place, redis } = self;
        let end = tokio::select! {
            () = door.serve() => End::Link,
            ended = &mut desk => End::Desk(ended),
            () = stop => End::Told,
        };
        // The desk ends when nobody can ask it any more.
        drop(door);
        let (ended, link) = match end {
            End::Told => (desk.await, Ok(())),
            End::Link => (desk.await, Err(anyhow!("keep the edge: one of its processes ended"))),
            End::Desk(ended) => (ended, Ok(())),
        };
        drop((place, redis));
        ended.context("keep the shop's desk")?.context("keep the shop's stock")?;
        link
    }
}

impl Door {
    /// Serves until a process of the edge ends; an edge in this process does not.
    async fn serve(&mut self) {
        match self {
            Self::Open(listener, tls, front) => {
                let never = connection::accept(listener, tls.clone(), Arc::clone(front)).await;
                match never {}
            }
            // A link ends with its process, whatever it says of it.
            Self::Links(links) => drop(links.join_next().await),
        }
    }
}
