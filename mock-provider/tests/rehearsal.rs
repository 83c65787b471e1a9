//! Two small shops, written with the official SDKs and unchanged but for the base URL, are
//! rehearsed: customers come at once, answers are lost, messages are late, and the ledger judges.
//!
//! The shops are in `tests/sdk/shops`, what the provider is like in `tests/sdk/settings`. A shop as
//! it should be does nothing wrong; with a fault planted in it exactly that fault is found.
//! `tools/install-sdks` installs the SDKs.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod child;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use child::{Program, installed, suites};
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::time::Duration;
use futures_util::stream::{self, StreamExt};
use rusqlite::Connection;
use serde_json::{Value, json};

/// What an order costs \[yen\].
const PRICE: u64 = 2_400;

/// How many customers come, and how many pieces there are for them.
const CUSTOMERS: usize = 120;
const STOCK: usize = 90;

/// How many of them are in the shop at the same moment.
const AT_ONCE: usize = 32;

/// The limit in the settings: calls per second, and at once.
const RATE_PER_S: u64 = 20;
const BURST: u64 = 20;

/// How many times the storm comes before the limit is raised.
const STORMS: usize = 3;

/// How often it is looked whether all is quiet.
const LOOKS: usize = 1_000;

/// How long one look waits for its answer: the shop's own calls end after half a second as well.
const LOOK_MAX: Duration = Duration::from_millis(500);

/// How long anything else is waited for: whoever is silent for so long will never answer.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// What is wrong when all is over.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    /// A purchase that more than one payment took money for.
    ChargedTwice,
    /// Money that is neither taken nor let go.
    HeldForNothing,
    /// An order that is paid, and no money was taken for it.
    PaidWithoutMoney,
    /// Money that was taken for an order that is not paid.
    ChargedForNothing,
}

/// A shop, its provider and its customers.
struct Rehearsal {
    provider: Program,
    shop: Program,
    client: reqwest::Client,
    folder: tempfile::TempDir,
    kind: Kind,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// `shop.py`: holds the money, then takes it.
    Python,
    /// `shop.js`: takes it at once, and asks the cardholder where the bank wants it.
    Node,
}

impl Rehearsal {
    fn begin(kind: Kind, bug: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut provider = Command::new(env!("CARGO_BIN_EXE_mock-provider"));
        let settings = suites().join("settings/rehearsal.toml");
        provider.args(["--until-stdin-closes", "--settings"]).arg(settings);
        if kind == Kind::Node {
            provider.args(["--set", "challenges.share=0.3"]);
        }
        let provider = Program::begin(&mut provider);
        let mut shop = match kind {
            Kind::Python => Command::new(installed("python/bin/python")),
            Kind::Node => Command::new("node"),
        };
        match kind {
            Kind::Python => {
                shop.arg("-B").arg(suites().join("shops/shop.py")).args(["--timeout", "0.5"])
            }
            Kind::Node => shop
                .env("NODE_PATH", installed("node/node_modules/stripe").join(".."))
                .arg(suites().join("shops/shop.js"))
                .args(["--timeout", "500", "--patience", "600"]),
        };
        shop.args(["--stripe", &provider.url, "--stock", &STOCK.to_string()]);
        if kind == Kind::Python {
            shop.arg("--database").arg(folder.path().join("shop.db"));
        }
        if let Some(bug) = bug {
            shop.args(["--bug", bug]);
        }
        let shop = Program::begin(&mut shop);
        let client = reqwest::Client::builder().timeout(ANSWER_MAX).build().unwrap();
        Self { provider, shop, client, folder, kind }
    }

    /// What the shop answers a customer.
    async fn check_out(&self, customer: usize) -> u16 {
        let wanted =
            json!({ "order": format!("order-{customer}"), "intent": format!("fan-{customer}") });
        let request = self.client.post(format!("{}/checkout", self.shop.url)).json(&wanted);
        request.send().await.unwrap().status().as_u16()
    }

    /// All of them at once; those who are told to come back.
    async fn check_out_all(&self, customers: Vec<usize>) -> Vec<usize> {
        let told = stream::iter(customers)
            .map(async |customer| (customer, self.check_out(customer).await))
            .buffer_unordered(AT_ONCE);
        let back = told.filter_map(async |(customer, status)| (status == 503).then_some(customer));
        back.collect().await
    }

    async fn get(&self, url: String) -> Value {
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// The shop's own clean-up; how many orders are still not over.
    async fn sweep(&self) -> u64 {
        let answer = self.client.post(format!("{}/sweep", self.shop.url)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Everybody at once, a few times: gives who was told to come back, and the ledger.
    async fn storm(&self) -> (Vec<usize>, Vec<PaymentLine>) {
        let mut back: Vec<usize> = (0..CUSTOMERS).collect();
        for _ in 0..STORMS {
            back = self.check_out_all(back).await;
        }
        (back, self.ledger().await)
    }

    /// The provider allows so many more calls that no one is refused any more.
    async fn raise_the_limit(&self) {
        let raised = self.client.patch(format!("{}/admin/limits/shared", self.provider.url));
        let raised = raised.body(r#"{ "rate": 1e6, "burst": 1e6 }"#).send().await.unwrap();
        assert_eq!(raised.status(), 200);
    }

    /// Who was told to come back comes back, and the shop cleans up, until no order is under way
    /// and no message is.
    async fn quiet(&self, mut back: Vec<usize>) {
        for _ in 0..LOOKS {
            back = self.check_out_all(back).await;
            let open = self.sweep().await;
            let webhooks = self.get(format!("{}/admin/webhooks", self.provider.url)).await;
            if open == 0 && webhooks["waiting"] == 0 && back.is_empty() {
                return;
            }
            // The provider takes its 50 ms for an answer, which is the pause between two looks; or
            // it never answers, for a look may meet a fault as well.
            let look = self.client.get(format!("{}/v1/events?limit=1", self.provider.url));
            let look = look.bearer_auth("sk_test_onlooker").timeout(LOOK_MAX);
            look.send().await.ok();
        }
        panic!("not quiet: {back:?} {:?}", self.orders().await);
    }

    async fn ledger(&self) -> Vec<PaymentLine> {
        let answer = self.client.get(format!("{}/admin/ledger", self.provider.url)).send();
        let text = answer.await.unwrap().text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Of each order what the shop believes, and how many pieces are left.
    async fn orders(&self) -> (BTreeMap<String, String>, usize) {
        if self.kind == Kind::Node {
            let said = self.get(format!("{}/orders", self.shop.url)).await;
            let word = |order: &Value, key: &str| order[key].as_str().unwrap().to_owned();
            let orders = said["orders"].as_array().unwrap().iter();
            let orders = orders.map(|order| (word(order, "id"), word(order, "state")));
            return (orders.collect(), usize::try_from(said["left"].as_u64().unwrap()).unwrap());
        }
        let shop = Connection::open(self.folder.path().join("shop.db")).unwrap();
        let mut statement = shop.prepare("select id, state from orders").unwrap();
        let orders = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let left: i64 = shop.query_row("select left from stock", [], |row| row.get(0)).unwrap();
        (orders.map(Result::unwrap).collect(), usize::try_from(left).unwrap())
    }
}

/// Reads both books and says what is wrong.
fn judge(ledger: &[PaymentLine], orders: &BTreeMap<String, String>) -> BTreeSet<Finding> {
    let mut held = BTreeSet::new();
    let mut charged: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut money = BTreeSet::new();
    for line in ledger.iter().filter(|line| !line.replayed) {
        let payment = line.payment.as_deref().unwrap_or_default();
        match line.outcome {
            PaymentOutcome::Authorized => drop(held.insert(payment)),
            PaymentOutcome::Voided => drop(held.remove(payment)),
            PaymentOutcome::Captured => {
                held.remove(payment);
                assert_eq!(line.amount.minor(), PRICE);
                charged.entry(&line.intent).or_default().insert(payment);
                money.insert(&*line.reference);
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    if charged.values().any(|payments| payments.len() > 1) {
        found.insert(Finding::ChargedTwice);
    }
    if !held.is_empty() {
        found.insert(Finding::HeldForNothing);
    }
    for (order, state) in orders {
        match (state == "paid", money.contains(&**order)) {
            (true, false) => drop(found.insert(Finding::PaidWithoutMoney)),
            (false, true) => drop(found.insert(Finding::ChargedForNothing)),
            _ => {}
        }
    }
    found
}

/// In no window of the storm more calls than the closed form admits: a burst, and the rate times
/// the window.
fn assert_limited(storm: &[PaymentLine]) {
    let limited = |line: &&PaymentLine| line.outcome == PaymentOutcome::RateLimited;
    assert!(storm.iter().any(|line| limited(&line)), "nobody was refused");
    // What the cardholder does is no call.
    let call = |line: &&PaymentLine| line.operation != PaymentOperation::Authenticate;
    let admitted = storm.iter().filter(|line| call(line) && !limited(line));
    let admitted: Vec<_> = admitted.map(|line| line.utc_ns).collect();
    for (first, from) in admitted.iter().enumerate() {
        for (calls, until) in (1..).zip(&admitted[first..]) {
            let form = BURST + RATE_PER_S * (until - from) / 1_000_000_000;
            assert!(calls <= form, "{calls} calls, and the closed form is {form}");
        }
    }
}

async fn rehearse(kind: Kind, bug: Option<&str>) -> BTreeSet<Finding> {
    let rehearsal = Rehearsal::begin(kind, bug);
    let (back, storm) = rehearsal.storm().await;
    rehearsal.raise_the_limit().await;
    rehearsal.quiet(back).await;
    let ledger = rehearsal.ledger().await;
    let (orders, left) = rehearsal.orders().await;
    for line in &ledger {
        assert!(
            line.reference.starts_with("order-") && line.intent.starts_with("fan-"),
            "{line:?}"
        );
    }
    assert_limited(&storm);
    let paid = orders.values().filter(|state| *state == "paid").count();
    assert!(paid > 0 && paid + left == STOCK, "{paid} orders are paid and {left} pieces left");
    judge(&ledger, &orders)
}

#[tokio::test]
async fn a_shop_that_holds_and_takes_does_nothing_wrong() {
    assert_eq!(rehearse(Kind::Python, None).await, [].into());
}

#[tokio::test]
async fn a_shop_that_takes_at_once_does_nothing_wrong() {
    assert_eq!(rehearse(Kind::Node, None).await, [].into());
}

#[tokio::test]
async fn without_an_idempotency_key_what_is_held_twice_is_taken_twice() {
    let expected = BTreeSet::from([Finding::ChargedTwice]);
    assert_eq!(rehearse(Kind::Python, Some("no-idempotency-key")).await, expected);
}

#[tokio::test]
async fn without_an_idempotency_key_a_retry_is_a_second_charge() {
    let expected = BTreeSet::from([Finding::ChargedTwice]);
    assert_eq!(rehearse(Kind::Node, Some("no-idempotency-key")).await, expected);
}

#[tokio::test]
async fn without_a_cancellation_money_is_held_for_nothing() {
    let expected = BTreeSet::from([Finding::HeldForNothing]);
    assert_eq!(rehearse(Kind::Python, Some("no-cancel")).await, expected);
}

#[tokio::test]
async fn without_a_cancellation_who_answers_late_is_charged_for_nothing() {
    let expected = BTreeSet::from([Finding::ChargedForNothing]);
    assert_eq!(rehearse(Kind::Node, Some("no-cancel")).await, expected);
}
