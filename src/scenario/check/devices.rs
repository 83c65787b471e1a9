//! `[[devices]]`: devices that hold a connection.

mod deploy;
mod reconnect;

use domain::law::Law;
use domain::time::{Duration, Span};

use crate::scenario::check::{COUNT_MAX, Checker, Seen, TABLES_MAX};
use crate::scenario::devices::Devices;
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::scenario::written::File;
use crate::scenario::written::devices::{BatchTable, DatabaseTable, DevicesTable, ServerTable};
use crate::tier::websocket::{Batch, Database, Server};

/// What a table of the list is called.
const TABLE: &str = "`[[devices]]`";
/// How long they are looked at where nothing is said.
const LASTS: Duration = Duration::from_mins(15);
/// The longest: each second of it is written down.
const LASTS_MAX: Duration = Duration::from_hours(24);
/// How long a device waits where nothing is said: what OCPP clients commonly have.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long its way is where nothing is said: a mobile network's, an assumption.
const NETWORK: Duration = Duration::from_millis(50);
/// The most containers, and the most that each accepts at once.
const TASKS_MAX: u32 = 10_000;
/// The most servers of a database.
const SERVERS_MAX: u32 = 100_000;
/// The shortest time between two messages of a device, or from one attempt to the next: a million devices
/// still make no more than ten million events a second.
const GAP_MIN: Duration = Duration::from_millis(1);

/// All devices of `file`.
pub(super) fn devices(checker: &mut Checker, file: &File, root: Place<'_>) -> Vec<Devices> {
    let place = root.key("devices");
    if file.devices.len() > TABLES_MAX {
        checker.wrong(place, format!("a scenario has at most {TABLES_MAX} kinds of devices"));
    }
    let mut seen = Seen::default();
    let each = file.devices.iter().enumerate();
    each.map(|(index, table)| one(checker, table, place.index(index), &mut seen)).collect()
}

fn one(checker: &mut Checker, table: &DevicesTable, place: Place<'_>, seen: &mut Seen) -> Devices {
    let name = checker.required(table.name.as_ref(), place, TABLE, "name");
    checker.spoken_of(&name, "kind of devices", seen, place);
    let count = checker.required(table.count.as_ref(), place, TABLE, "count");
    if place.has("count") {
        checker.count(count, (1, COUNT_MAX), place, "count");
    }
    let lasts = length(checker, table.lasts, LASTS, place, "lasts");
    if lasts > LASTS_MAX {
        checker.wrong(place.key("lasts"), "`lasts` is more than a day").mark("at most 1d");
    }
    let timeout = length(checker, table.timeout, TIMEOUT, place, "timeout");
    let network = length(checker, table.network, NETWORK, place, "network");
    if network < GAP_MIN && !network.is_zero() {
        checker
            .wrong(place.key("network"), format!("`network` is {}", Span(network)))
            .mark("must be 1ms or more");
    }
    let gap = |checker: &mut Checker, span: Option<Span>, key: &str| {
        let gap = span?.0;
        if gap < GAP_MIN {
            checker
                .wrong(place.key(key), format!("`{key}` is {}", Span(gap)))
                .mark("must be 1ms or more");
        }
        Some(gap.max(GAP_MIN))
    };
    let heartbeat = gap(checker, table.heartbeat, "heartbeat");
    let status = gap(checker, table.status, "status");
    let lifetime = gap(checker, table.lifetime, "lifetime");
    let server = server(checker, table.server.as_ref(), place);
    let database = table.database.as_ref();
    let database = database.map(|database| database_of(checker, database, place.key("database")));
    let deploy = table.deploy.as_ref().map(|deploy| {
        deploy::deploy(checker, deploy, (count, server.tasks, lasts), place.key("deploy"))
    });
    Devices {
        reconnect: reconnect::reconnect(checker, &table.reconnect, place.key("reconnect")),
        name,
        count,
        lasts,
        timeout,
        network,
        heartbeat,
        status,
        lifetime,
        server,
        database,
        deploy,
    }
}

/// The length at `key`, longer than nothing.
fn length(
    checker: &mut Checker,
    span: Option<Span>,
    left_out: Duration,
    place: Place<'_>,
    key: &str,
) -> Duration {
    let length = span.map_or(left_out, |span| span.0);
    checker.lasting(length, place, key);
    length
}

fn server(checker: &mut Checker, table: Option<&ServerTable>, place: Place<'_>) -> Server {
    checker.required::<()>(table.map(|_| &()), place, TABLE, "server");
    let here = place.key("server");
    let table = table.cloned().unwrap_or_default();
    let law = Law::Constant(Duration::from_secs(1));
    let (tasks, servers) = (table.tasks.unwrap_or(1), table.servers.unwrap_or(1));
    if place.has("server") {
        checker.required::<()>(table.service.map(|_| &()), here, "`server`", "service");
        checker.count(tasks, (1, TASKS_MAX), here, "tasks");
        checker.count(servers, (1, TASKS_MAX), here, "servers");
        checker.lasting(table.service.unwrap_or(law).mean(), here, "service");
    }
    let service = table.service.filter(|law| !law.mean().is_zero()).unwrap_or(law);
    Server {
        tasks: tasks.max(1),
        servers: servers.max(1),
        service,
        backlog: table.backlog,
        stale: table.stale,
    }
}

fn database_of(checker: &mut Checker, table: &DatabaseTable, place: Place<'_>) -> Database {
    let servers = checker.required(table.servers.as_ref(), place, "`database`", "servers");
    if place.has("servers") {
        checker.count(servers, (1, SERVERS_MAX), place, "servers");
    }
    let laws = [table.connect, table.heartbeat, table.status];
    let takes_time = laws.iter().any(|law| !law.mean().is_zero());
    if !takes_time && table.batch.is_none() && !place.struck("batch") {
        let struck = ["connect", "heartbeat", "status"].iter().any(|key| place.struck(key));
        if !struck {
            checker
                .wrong(place, "nothing takes any time of this database")
                .advise("write `connect`, `heartbeat`, `status` or `batch`, or leave it out");
        }
    }
    let servers = servers.max(1);
    Database {
        servers,
        connect: table.connect,
        heartbeat: table.heartbeat,
        status: table.status,
        batch: table.batch.map(|batch| batch_of(checker, &batch, servers, place.key("batch"))),
    }
}

fn batch_of(checker: &mut Checker, table: &BatchTable, of: u32, place: Place<'_>) -> Batch {
    let every = checker.required(table.every.as_ref(), place, "`batch`", "every");
    if place.has("every") {
        checker.lasting(every.0, place, "every");
    }
    let per_device = checker.required(table.per_device.as_ref(), place, "`batch`", "per_device");
    if place.has("per_device") {
        checker.lasting(per_device.0, place, "per_device");
    }
    let servers = table.servers.unwrap_or(1);
    if servers == 0 || servers > of {
        let (servers, of) = (grouped(servers.into()), grouped(of.into()));
        checker
            .wrong(place.key("servers"), format!("`servers` is {servers}"))
            .mark(format!("the database has {of}"));
    }
    let every = every.0.max(GAP_MIN);
    Batch { every, per_device: per_device.0, servers: servers.clamp(1, of) }
}
