//! A shop that nobody here knows, with a database of its own, from before the storm to the verdict:
//! an honest one trips nothing, whoever else buys there, and each fault trips its own invariant.

mod faults;
mod hooks;
mod lacking;
mod mocked;
mod secured;
mod servers;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::FanId;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::{Catalogue, Item, Sale};
use domain::time::{Duration, Time};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::audit::{AuditSettings, Finding, Status, audit};
use crate::evidence::read::json_lines;
use crate::evidence::{Ending, Facts, Lines, PurchaseLine};
use crate::live::abroad::Trust;
use crate::scenario::target::Rows;

/// This run, and one that somebody else lives.
const RUN: &str = "mi9s4k2p";
const OTHER: &str = "ab12cd34";
const TEE: &str = "tour-tee";

const SCHEMA: &str = "
    create table capacity (sku text primary key, initial integer, free integer);
    create table purchase (id integer primary key, customer text, sku text, qty integer,
      amount integer, state text, pi text, reference text);
    create table charge (pi text, reference text, state text, amount integer);
    create table hold (purchase integer, sku text, qty integer, until text);
";
const ORDERS: &str = "select id as order_id, customer as fan, sku as item, qty as quantity, \
                      state as status, pi as payment, amount, reference as intent from purchase";
const PAYMENTS: &str =
    "select pi as payment, reference as intent, state as status, amount from charge";

/// A shop's database, and what its clients saw.
struct Shop {
    folder: TempDir,
    database: Connection,
    purchases: Vec<PurchaseLine>,
    stated: u32,
}

impl Shop {
    /// 20 tees at first, of which an earlier fan bought 3; one order of another run is open, and
    /// money is reserved for it.
    fn before_the_storm() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join("shop.db")).unwrap();
        database.execute_batch(SCHEMA).unwrap();
        let shop = Self { folder, database, purchases: Vec::new(), stated: 0 };
        shop.sql("insert into capacity values ('tour-tee', 20, 20), ('canary-item', 9, 9)");
        shop.order(Some("somebody"), 3, "confirmed");
        shop.order(Some(&format!("{OTHER}-0-1")), 2, "pending");
        shop.sql(&format!("insert into charge values ('pi_x', '{OTHER}-0-1', 'authorized', 9000)"));
        shop.sql("update capacity set free = 17 where sku = 'tour-tee'");
        shop.sql(&format!(
            "insert into purchase values (90, 'canary', 'canary-item', 1, 100, 'confirmed', 'pi_c', \
             '{RUN}-canary'); insert into charge values ('pi_c', '{RUN}-canary', 'captured', 100)"
        ));
        shop
    }

    fn home(&self) -> Home {
        Home::of(self.folder.path(), Trust::default())
    }

    fn sql(&self, statements: &str) {
        self.database.execute_batch(statements).unwrap();
    }

    /// An order of tees; its number.
    fn order(&self, reference: Option<&str>, quantity: u32, state: &str) -> i64 {
        let values = (reference, TEE, quantity, quantity * 4_500, state);
        let insert = "insert into purchase (customer, sku, qty, amount, state, reference) \
                      values (?1, ?2, ?3, ?4, ?5, ?1)";
        self.database.execute(insert, values).unwrap();
        self.database.last_insert_rowid()
    }

    /// A captured, authorized … payment of an order.
    fn charge(&self, order: i64, state: &str) {
        let pay = "insert into charge select 'pi_' || id, reference, ?2, amount from purchase \
                   where id = ?1";
        self.database.execute(pay, (order, state)).unwrap();
        let note = "update purchase set pi = 'pi_' || id where id = ?1";
        self.database.execute(note, [order]).unwrap();
    }

    fn take(&self, pieces: i64) {
        self.database
            .execute("update capacity set free = free - ? where sku = 'tour-tee'", [pieces])
            .unwrap();
    }

    /// A fan was told something, and went.
    fn told(&mut self, index: u32, quantity: u32, outcome: Outcome, departure: Departure) {
        let fan = FanId { population: 0, index };
        let at = |ms| Time::from_millis(2_000 + u64::from(index) * 100 + ms);
        self.purchases.push(PurchaseLine::Attempt {
            fan,
            intent: fan.to_string(),
            key: format!("{fan}-0"),
            operation: Operation::Checkout,
            item: TEE.to_owned(),
            slot: None,
            quantity,
            amount: Amount::new(u64::from(quantity) * 4_500),
            intended: at(0),
            sent: at(0),
            done: at(50),
            outcome,
            short: None,
        });
        let item = TEE.to_owned();
        self.purchases.push(PurchaseLine::Departed {
            fan,
            at: at(60),
            departure,
            item,
            quantity,
            refused: false,
        });
    }

    /// A fan buys as it should.
    fn buys(&mut self, index: u32, quantity: u32) -> i64 {
        let order = self.order(Some(&format!("{RUN}-0-{index}")), quantity, "confirmed");
        self.charge(order, "captured");
        self.take(i64::from(quantity));
        self.told(index, quantity, Outcome::Ok, Departure::Bought);
        order
    }

    /// A fan's card is declined.
    fn is_declined(&mut self, index: u32) -> i64 {
        let order = self.order(Some(&format!("{RUN}-0-{index}")), 2, "declined");
        self.told(index, 2, Outcome::Declined, Departure::Declined);
        order
    }

    /// An honest storm: what there is, is sold, some of it to another run; one card is declined.
    fn storms(&mut self) {
        (0..7).for_each(|index| {
            self.buys(index, 2);
        });
        self.is_declined(7);
        self.told(8, 1, Outcome::SoldOut, Departure::SoldOut);
        for (state, pieces) in [("confirmed", 3), ("pending", 0)] {
            self.order(Some(&format!("{OTHER}-0-2")), pieces, state);
            self.take(i64::from(pieces));
        }
        self.sql(&format!("insert into charge values ('pi_y', '{OTHER}-0-3', 'authorized', 9000)"));
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("shop.db").display())
    }

    /// The ledgers as this test's scenario names them; `stock` is the query.
    fn wanted(&self, stock: &str) -> Wanted {
        let rows = Rows::Sql { url: self.url() };
        let questions = [(Kind::Stock, stock), (Kind::Orders, ORDERS)];
        let questions = questions.into_iter().filter(|(_, text)| !text.is_empty());
        Wanted {
            reset: None,
            cleanup: None,
            shop: Some(ShopLedger {
                rows: rows.clone(),
                questions: questions.map(|(kind, text)| (kind, text.to_owned())).collect(),
                paid: vec!["confirmed".to_owned()],
                terminal: ["confirmed", "declined", "sold_out"].map(str::to_owned).to_vec(),
            }),
            provider: Some(ProviderLedger::Mapped { rows, payments: PAYMENTS.to_owned() }),
        }
    }

    fn catalogue(&self) -> Catalogue {
        let item = Item { id: TEE.to_owned(), stock: self.stated, price: Amount::new(4_500) };
        Catalogue {
            sales: vec![Sale {
                id: "noon".to_owned(),
                opens: Time::from_millis(1_000),
                closes: Time::from_millis(61_000),
                limit_per_fan: 4,
                items: vec![item],
                lottery: None,
                slots: Vec::new(),
            }],
        }
    }

    /// The ledgers, before the storm.
    fn ledgers(&self, wanted: Wanted) -> Foreign {
        let clock = Clock::begin_in(Duration::ZERO);
        let mut foreign = Foreign::new(wanted, &self.catalogue(), clock, RUN, self.home()).unwrap();
        foreign.open(Some(("canary-item", 1))).unwrap();
        foreign
    }

    /// The evidence after the storm.
    fn evidence(&self, foreign: &mut Foreign) -> Lines {
        let (shop, provider) = (File::default(), File::default());
        let mut sinks = LedgerSinks {
            shop: Box::new(shop.clone()),
            provider: Box::new(provider.clone()),
            foreign: None,
        };
        let closed = foreign.close(&mut sinks);
        let mut evidence = Lines {
            catalogue: self.catalogue(),
            purchases: self.purchases.clone(),
            snapshots: Vec::new(),
            shop: Some(json_lines(&*shop.text(), "ledger-shop.jsonl").unwrap()),
            provider: Some(json_lines(&*provider.text(), "ledger-provider.jsonl").unwrap()),
            ending: Ending {
                began_utc_ns: foreign.clock.began_utc_ns(),
                load_ended: Time::from_millis(61_000),
                judged: Time::from_millis(200_000),
                drained: true,
                unreadable: closed.unreadable,
                absent: closed.absent,
                doubts: closed.doubts,
                ledgers: Some(closed.ledgers),
                ..Ending::default()
            },
        };
        if evidence.ending.why_lacking("shop").is_some() {
            evidence.shop = None;
        }
        if evidence.ending.why_lacking("provider").is_some() {
            evidence.provider = None;
        }
        let ledgers = evidence.ending.ledgers.clone().unwrap();
        ledgers.apply(&mut evidence.catalogue);
        // What is written into a run's folder is what is read from it.
        let text = serde_json::to_string(&evidence.ending).unwrap();
        assert_eq!(serde_json::from_str::<Ending>(&text).unwrap(), evidence.ending);
        evidence
    }

    /// What an honest storm and then `fault` come to, by the query `stock`.
    fn judged(fault: impl FnOnce(&mut Self), stock: &str) -> Vec<Finding> {
        let mut shop = Self::before_the_storm();
        let mut foreign = shop.ledgers(shop.wanted(stock));
        shop.storms();
        fault(&mut shop);
        findings(&shop.evidence(&mut foreign))
    }
}

fn findings(evidence: &Lines) -> Vec<Finding> {
    audit(&evidence.read(), &Facts::default(), &AuditSettings::default())
}

/// The invariants that are neither held nor out of place, with their statuses.
fn told(findings: &[Finding]) -> BTreeMap<&str, Status> {
    let told = |finding: &&Finding| !matches!(finding.status, Status::Held | Status::NotApplicable);
    findings.iter().filter(told).map(|found| (found.id.as_str(), found.status)).collect()
}

/// A file in memory.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl File {
    fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The queries of what there is, each of which says something else.
const FREE: &str = "select sku as item, initial as stock, free from capacity";
const FIRST: &str = "select sku as item, initial as stock from capacity";
const LEFT: &str = "select sku as item, free as stock from capacity";

#[test]
fn an_honest_shop_trips_nothing_whoever_else_buys_there() {
    for stock in [FREE, LEFT] {
        let findings = Shop::judged(|_| {}, stock);
        assert_eq!(told(&findings), BTreeMap::new(), "{stock}: {findings:#?}");
    }
    let findings = Shop::judged(|_| {}, FIRST);
    let unseen = BTreeMap::from([("INV-STRANDED", Status::NotChecked)]);
    assert_eq!(told(&findings), unseen, "{findings:#?}");
}

#[test]
fn what_there_was_before_the_storm_is_left_out() {
    let mut shop = Shop::before_the_storm();
    let mut foreign = shop.ledgers(shop.wanted(FREE));
    shop.storms();
    let evidence = shop.evidence(&mut foreign);
    let ledgers = evidence.ending.ledgers.as_ref().unwrap();
    assert_eq!(ledgers.stock, BTreeMap::from([(TEE.to_owned(), 17)]));
    let orders = evidence.shop.iter().flatten().filter_map(|line| match line {
        domain::shop::ShopLine::Order { intent, .. } => Some(intent.as_str()),
        _ => None,
    });
    let expected = ["0-0", "0-1", "0-2", "0-3", "0-4", "0-5", "0-6", "0-7"];
    let others = [format!("{OTHER}-0-2"), format!("{OTHER}-0-2")];
    let expected: Vec<&str> =
        expected.into_iter().chain(others.iter().map(String::as_str)).collect();
    assert_eq!(orders.collect::<Vec<_>>(), expected);
    let payments = evidence.provider.iter().flatten();
    assert!(payments.clone().count() == 8 && !payments.clone().any(|line| line.intent == "canary"));
}
