//! The inventory that the settings ask for, opened; and where it is, for as long as it is needed.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use machine::postgres::Server;
use machine::redis::Redis;
use redis::{ConnectionInfo, IntoConnectionInfo as _};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::inventory::memory::Memory;
use crate::inventory::postgres::{Plan, Pool};
use crate::inventory::redis::Counted;
use crate::inventory::sqlite::Sqlite;
use crate::inventory::stock::{Notice, Stock, Storage as Written};
use crate::rules::Found;
use crate::server::gate::with_password;
use crate::server::machine::Scrap;
use crate::settings::{ShopSettings, Storage};

/// Where the database is, if it is the shop's own: gone when this is dropped.
#[derive(Debug)]
pub(super) enum Place {
    /// Somebody else's, or the shop's memory.
    Elsewhere,
    /// A temporary file.
    File(#[expect(dead_code, reason = "kept for its end")] Scrap),
    /// A server.
    Server(#[expect(dead_code, reason = "kept for its end")] Box<Server>),
    /// A Redis that counts, if it is the shop's own, and the file with the rest, if nobody keeps it.
    Counters(#[expect(dead_code, reason = "kept for its end")] (Option<Redis>, Option<Scrap>)),
}

/// An inventory, the orders that an earlier shop left in it, and where it is.
#[derive(Debug)]
pub(super) struct Warehouse {
    pub(super) stock: Stock,
    pub(super) found: Vec<Found>,
    pub(super) place: Place,
}

/// Opens the inventory; what it has to say goes to `notices`. `database` is the file of `SQLite`, or
/// the address of the server that was started for this shop.
///
/// # Errors
/// When the database cannot be made, reached or started.
pub(super) async fn open(
    settings: &ShopSettings,
    database: Option<&Path>,
    clock: Clock,
    notices: mpsc::UnboundedSender<Notice>,
) -> anyhow::Result<Warehouse> {
    let (catalogue, shop) = (&settings.catalogue, &settings.shop);
    let (strategy, pause) = (shop.inventory, shop.time_in_transaction.0);
    let began_utc_ns = clock.began_utc_ns();
    match &shop.storage {
        Storage::Memory => {
            let memory = Memory::new(catalogue, strategy, &shop.faults).began(began_utc_ns);
            let written = Written::Memory(Arc::new(Mutex::new(memory)));
            let stock = Stock::start(written, pause, notices)?;
            Ok(Warehouse { stock, found: Vec::new(), place: Place::Elsewhere })
        }
        Storage::Sqlite => {
            let scrap = database.is_none().then(|| Scrap::new(began_utc_ns));
            let path = database.or(scrap.as_ref().map(Scrap::path)).context("name the database")?;
            let (sqlite, found) =
                Sqlite::open(path, catalogue, strategy, &shop.faults, began_utc_ns)?;
            let stock = Stock::start(Written::Sqlite(Box::new(sqlite)), pause, notices)?;
            let place = scrap.map_or(Place::Elsewhere, Place::File);
            Ok(Warehouse { stock, found, place })
        }
        Storage::Postgres if database.is_some() => {
            let url = database.and_then(Path::to_str).context("read the server's address")?;
            in_postgres(url, settings, clock, notices).await
        }
        Storage::Postgres => {
            let connections = shop.server_connections();
            let started = tokio::task::spawn_blocking(move || Server::start(connections)).await;
            let server = started.context("wait for PostgreSQL")??;
            let opened = in_postgres(&server.url(), settings, clock, notices).await?;
            Ok(Warehouse { place: Place::Server(Box::new(server)), ..opened })
        }
        Storage::PostgresAt(url) => in_postgres(url, settings, clock, notices).await,
        Storage::Redis | Storage::RedisAt(_) => {
            let scrap = database.is_none().then(|| Scrap::new(began_utc_ns));
            let path = database.or(scrap.as_ref().map(Scrap::path)).context("name the database")?;
            let (info, own) = redis(&shop.storage).await?;
            let (path, catalogue) = (path.to_owned(), catalogue.clone());
            let open = move || Counted::open(info, &path, &catalogue, began_utc_ns);
            let opened = tokio::task::spawn_blocking(open).await;
            let (counted, found) = opened.context("wait for Redis")??;
            let stock = Stock::start(Written::Redis(Box::new(counted)), pause, notices)?;
            Ok(Warehouse { stock, found, place: Place::Counters((own, scrap)) })
        }
    }
}

/// The way to the Redis that counts, and the server if it is the shop's own.
async fn redis(storage: &Storage) -> anyhow::Result<(ConnectionInfo, Option<Redis>)> {
    if let Storage::RedisAt(address) = storage {
        return Ok((with_password(address)?, None));
    }
    let started = tokio::task::spawn_blocking(Redis::start).await;
    let own = started.context("wait for Redis")?.context("start Redis, which shall count")?;
    Ok((own.url().into_connection_info()?, Some(own)))
}

async fn in_postgres(
    url: &str,
    settings: &ShopSettings,
    clock: Clock,
    notices: mpsc::UnboundedSender<Notice>,
) -> anyhow::Result<Warehouse> {
    let (plan, found) = Plan::open(url, settings, clock).await?;
    let pool = Pool::start(plan, notices).context("start a thread for each connection")?;
    Ok(Warehouse { stock: Stock::pooled(pool), found, place: Place::Elsewhere })
}
