//! Sales whose stock is in `PostgreSQL`, where this machine has it (`./test` sees to it).

use std::io::Read as _;
use std::process::Stdio;

use machine::postgres::{Server, StartError};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

use crate::program::{Desk, Said};

/// How often something is looked at that comes true by itself.
const LOOKS_MAX: u32 = 1_000_000;

fn server() -> Option<Server> {
    match Server::start(60) {
        Ok(server) => Some(server),
        Err(StartError::Missing) => {
            eprintln!("PostgreSQL is not installed: nothing was tested with it");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn words<'a>(verb: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![verb, "small.toml"];
    for set in sets {
        words.extend(["--set", *set]);
    }
    words
}

fn run(desk: &Desk, sets: &[&str]) -> Said {
    desk.say(&words("run", sets))
}

/// The invariants that do not hold.
fn violated(desk: &Desk) -> Vec<String> {
    let summary = desk.json("reports/latest/summary.json");
    let findings = summary["result"]["findings"].as_array().unwrap();
    let violated = findings.iter().filter(|finding| finding["status"] == "violated");
    violated.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_sale_on_postgresql_passes_with_every_sound_strategy() {
    let Some(server) = server() else { return };
    let storage = format!("shop.storage={}", server.url());
    let strategies = ["guarded-counter", "row-lock", "optimistic", "unit-rows"];
    for (place, strategy) in strategies.into_iter().enumerate() {
        let desk = Desk::new();
        let strategy = format!("shop.inventory={strategy}");
        // The last is on a server of the shop's own.
        let storage = if place == 3 { "shop.storage=postgres" } else { storage.as_str() };
        // A void that a busy provider refuses is asked for again.
        let keys = ["shop.time_in_transaction=5ms", "shop.void_retries=5"];
        let said = run(&desk, &[storage, &strategy, keys[0], keys[1]]);
        // A machine that is busy with others may make the reading inconclusive.
        assert!(matches!(said.code, Some(0 | 112)), "{strategy}: {said:#?}");
        let result = &desk.json("reports/latest/summary.json")["result"];
        assert_eq!(result["orders"]["confirmed"], 10, "{strategy}: {result:#}");
        assert_eq!(violated(&desk), [""; 0], "{strategy}");
        let snapshots = desk.read("reports/latest/snapshots.jsonl");
        let last: Value = serde_json::from_str(snapshots.lines().last().unwrap()).unwrap();
        assert_eq!(last["database"]["connections"], 20, "{last}");
        assert!(last["database"]["calls"].as_u64().unwrap() >= 20, "{last}");
        let (database, has_rows) = (&result["database"], place == 3);
        assert_eq!(database["connections"], 20, "{database:#}");
        let plan = database["plan"]["after"].to_string();
        let wanted = if has_rows { "LockRows" } else { "items" };
        assert!(plan.contains(wanted), "{strategy}: {database:#}");
        if has_rows {
            shows_its_statements_and_tables(database);
        }
    }
}

/// A server of the shop's own keeps count of statements; others are left as they are.
fn shows_its_statements_and_tables(database: &Value) {
    let all = |key: &str| database[key].as_array().unwrap();
    let named = |of: &str, key: &str, part: &str| {
        let is = |it: &&Value| it[key].as_str().unwrap().contains(part);
        all(of).iter().find(is).unwrap_or_else(|| panic!("{part}: {database:#}")).clone()
    };
    let reserve = named("statements", "statement", "for update skip locked");
    assert!(reserve["calls"].as_u64().unwrap() >= 10, "{reserve:#}");
    assert!(reserve["total_ms"].as_f64().unwrap() > 0.0, "{reserve:#}");
    assert_eq!(named("tables", "table", "units")["live_rows"]["before"], 10);
}

#[test]
fn a_naive_counter_on_postgresql_is_found_out() {
    let Some(server) = server() else { return };
    let desk = Desk::new();
    let storage = format!("shop.storage={}", server.url());
    let naive = ["shop.inventory=naive-counter", "shop.time_in_transaction=100ms"];
    let said = run(&desk, &[&storage, naive[0], naive[1]]);
    assert_eq!(said.code, Some(111), "{said:#?}");
    assert!(violated(&desk).contains(&"INV-OVERSELL".to_owned()), "{said:#?}");
}

/// A connection to a server, for looking only.
struct Looker {
    runtime: Runtime,
    client: Client,
}

impl Looker {
    fn new(server: &Server) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        Self { runtime, client }
    }

    fn number(&self, sql: &str) -> i64 {
        self.runtime.block_on(self.client.query_one(sql, &[])).unwrap().get(0)
    }

    /// Waits until the first order is paid.
    fn wait_for_a_sale(&self) {
        let schema = "select max(nspname::text) from pg_namespace where nspname like 'spike_%'";
        let schema = (0..LOOKS_MAX).find_map(|_| {
            let row = self.runtime.block_on(self.client.query_one(schema, &[])).unwrap();
            row.get::<_, Option<String>>(0)
        });
        let sold = format!(
            "select count(*) from {}.reservations where state = 'sold'",
            schema.expect("the shop makes its tables")
        );
        assert!((0..LOOKS_MAX).any(|_| self.number(&sold) > 0), "nothing is sold");
    }
}

#[test]
fn a_server_that_is_killed_in_mid_sale_costs_sales_but_breaks_no_promise() {
    let Some(mut server) = server() else { return };
    let desk = Desk::new();
    let storage = format!("shop.storage={}", server.url());
    let sets = [storage.as_str(), "shop.time_in_transaction=50ms", "shop.connections=4"];
    let mut command = desk.command(&words("run", &sets));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    Looker::new(&server).wait_for_a_sale();
    server.kill().unwrap();
    server.start_again().unwrap();
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 99 | 111 | 112)), "{code:?}: {talk}");
    assert!(!talk.contains("panicked"), "{talk}");
    // Who was told of an error has left, so pieces may be left over: nothing worse.
    let violated = violated(&desk);
    assert!(violated.iter().all(|id| id == "INV-UNDERSOLD"), "{violated:?}: {talk}");
    let snapshots = desk.read("reports/latest/snapshots.jsonl");
    let last: Value = serde_json::from_str(snapshots.lines().last().unwrap()).unwrap();
    assert!(last["database"]["lost"].as_u64().unwrap() > 0, "{last}");
    let result = &desk.json("reports/latest/summary.json")["result"];
    assert!(result["orders"]["confirmed"].as_u64().unwrap() > 0, "{result:#}");
}

#[test]
fn what_does_not_fit_together_is_refused_with_its_cure() {
    let desk = Desk::new();
    let said = desk.say(&words("check", &["shop.storage=sqlite", "shop.inventory=row-lock"]));
    assert_eq!(said.code, Some(104), "{said:#?}");
    for part in
        ["`inventory = \"row-lock\"`", "`storage = \"sqlite\"`", "write `storage = \"postgres\"`"]
    {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    let said = desk.say(&words("check", &["shop.storage=postgres://me:secret@db/shop"]));
    assert_eq!(said.code, Some(104), "{said:#?}");
    assert!(said.stderr.contains("PGPASSWORD"), "{}", said.stderr);
}

#[test]
fn what_the_simulator_would_acquit_it_refuses() {
    for bad in ["shop.reserve=one-after-the-other", "shop.recheck=none", "shop.lock_order=cart"] {
        let desk = Desk::new();
        let said = desk.say(&words("simulate", &["shop.storage=postgres", bad]));
        assert_eq!(said.code, Some(104), "{said:#?}");
        assert!(said.stderr.contains("shows in a real database alone"), "{}", said.stderr);
    }
}
