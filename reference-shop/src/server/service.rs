//! The service: everything started in order, connections served, everything ended in order.

use std::future::Future;
use std::net::TcpListener as StdListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use domain::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::inventory::memory::Memory;
use crate::inventory::sqlite::Sqlite;
use crate::inventory::stock::{Stock, StockError, Storage as Kept};
use crate::rules::Shop;
use crate::server::Counters;
use crate::server::connection::converse;
use crate::server::desk::{Desk, Queues};
use crate::server::http::Front;
use crate::server::machine::Scrap;
use crate::server::pages::Pages;
use crate::server::payment::Payment;
use crate::server::tls::{self, Identity};
use crate::settings::{ShopSettings, Storage};

/// How long to wait before accepting again when there is no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A shop that listens.
pub(super) struct Service {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    front: Arc<Front>,
    desk: JoinHandle<Result<(), StockError>>,
    /// Dropped last: the database is deleted when nobody has it open.
    scrap: Option<Scrap>,
}

impl Service {
    /// Starts the inventory and the desk.
    ///
    /// # Errors
    /// When the database, the client of the provider or the TLS of `identity` cannot be made.
    pub(super) fn start(
        listener: StdListener,
        identity: Option<&Identity>,
        settings: ShopSettings,
        provider: &str,
        database: Option<&Path>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let tls = identity.map(tls::acceptor).transpose().context("begin to speak TLS")?;
        let shop = &settings.shop;
        let scrap = (shop.storage == Storage::Sqlite && database.is_none())
            .then(|| Scrap::new(clock.began_utc_ns()));
        let path = database.or(scrap.as_ref().map(Scrap::path));
        let storage = storage(&settings, path, clock.began_utc_ns())?;
        let payment = Payment::new(provider, shop.provider_timeout.0)
            .context("make the client of the payment provider")?;
        let (notify, notices) = mpsc::unbounded_channel();
        let (ask, messages) = mpsc::unbounded_channel();
        let catalogue = settings.catalogue.clone();
        let pages = Arc::new(Pages::new(&catalogue, shop.edge));
        let counters = Arc::new(Counters::default());
        let desk = Desk {
            stock: Stock::start(storage, shop.time_in_transaction.0, notify)?,
            shop: Shop::new(settings),
            clock,
            payment,
            pages: Arc::clone(&pages),
            counters: Arc::clone(&counters),
            queues: Queues::default(),
        };
        let listener = TcpListener::from_std(listener).context("listen")?;
        let front = Arc::new(Front { clock, catalogue, pages, counters, desk: ask });
        let desk = tokio::spawn(desk.serve(messages, notices));
        Ok(Self { listener, tls, front, desk, scrap })
    }

    /// Serves until `stop` comes or the database fails; then ends every connection and writes down
    /// what was asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn serve(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { listener, tls, front, mut desk, scrap } = self;
        let mut stop = std::pin::pin!(stop);
        let mut connections = JoinSet::new();
        let failed = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(converse(stream, tls.clone(), Arc::clone(&front)));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
                failed = &mut desk => break Some(failed),
                () = &mut stop => break None,
            }
        };
        connections.shutdown().await;
        // The desk ends when nobody can ask it any more.
        drop(front);
        let ended = match failed {
            Some(failed) => failed,
            None => desk.await,
        };
        drop(scrap);
        ended.context("keep the shop's desk")?.context("keep the shop's stock")
    }
}

fn storage(
    settings: &ShopSettings,
    path: Option<&Path>,
    began_utc_ns: u64,
) -> anyhow::Result<Kept> {
    let (catalogue, shop) = (&settings.catalogue, &settings.shop);
    match (shop.storage, path) {
        (Storage::Memory, _) => {
            let memory = Memory::new(catalogue, shop.inventory, &shop.faults).began(began_utc_ns);
            Ok(Kept::Memory(Arc::new(Mutex::new(memory))))
        }
        (Storage::Sqlite, path) => {
            let path = path.context("name the database")?;
            let sqlite =
                Sqlite::create(path, catalogue, shop.inventory, &shop.faults, began_utc_ns)?;
            Ok(Kept::Sqlite(Box::new(sqlite)))
        }
    }
}
