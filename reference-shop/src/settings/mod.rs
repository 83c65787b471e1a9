//! What can be set about the shop: the table `[shop]` of a scenario.

mod admission;
mod edge;
mod inventory;
mod members;
mod tokens;
mod units;

use std::collections::BTreeSet;

use domain::money::Amount;
use domain::shop::{CHOICES_MAX, Catalogue, Item, Sale, Slot};
use domain::time::{Duration, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::fault::Fault;

pub use admission::{Admission, AdmissionBy, Allowance, Per, Unit};
pub use edge::{Cookies, Edge, EdgeBy};
pub use inventory::{
    CONNECTIONS, CONNECTIONS_MAX, Inventory, LockOrder, Misfit, Recheck, Reserve, Storage,
    StorageError,
};
pub use members::Members;
pub use tokens::Tokens;
pub use units::{UnitIndex, Units};

/// The table `[shop]`: every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where stock and orders are kept.
    pub storage: Storage,
    /// How stock is counted and reserved.
    pub inventory: Inventory,
    /// Whether slot and pieces are reserved in one transaction.
    pub reserve: Reserve,
    /// What is done before unit rows are said to be sold out.
    pub recheck: Recheck,
    /// In which order a transaction locks pieces and slot.
    pub lock_order: LockOrder,
    /// How the rows of pieces are kept in `PostgreSQL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// How many connections there are to the database; left out: 20.
    #[schemars(range(min = 1, max = CONNECTIONS_MAX))]
    pub connections: Option<u32>,
    /// In which order stock and money are reserved.
    pub saga: Saga,
    /// How long each inventory transaction stays open beside its statements: the application's
    /// round trips.
    pub time_in_transaction: Span,
    /// The cache in front of the shop.
    pub edge: Edge,
    /// Where fans sign in; left out: that takes no time.
    pub members: Option<Members>,
    /// How many orders are let through to the payment; left out means all.
    pub admission: Option<Admission>,
    /// When a customer's card becomes a token; left out: cards are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// How long pieces and slots are held.
    pub reservation: Reservation,
    /// How long the shop waits for the provider before it asks again under the same key.
    pub provider_timeout: Span,
    /// How often a call to the provider that was not answered is made again under the same key.
    pub provider_retries: u32,
    /// How often a capture that was refused by a limit is made again, one second apart and doubling,
    /// before the order is given up. A capture of the queue is made until it is answered.
    pub capture_retries: u32,
    /// How often a void that was refused is made again, one second apart and doubling.
    pub void_retries: u32,
    /// How fast the shop does at the provider what no customer waits for; left out means at once.
    pub worker: Option<Worker>,
    /// How long a cardholder may take to answer a challenge (3-D Secure); then the payment is let
    /// go and the order declined. Never scaled.
    pub challenge_timeout: Span,
    /// Promises broken on purpose.
    pub faults: Vec<Fault>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            storage: Storage::default(),
            inventory: Inventory::default(),
            reserve: Reserve::default(),
            recheck: Recheck::default(),
            lock_order: LockOrder::default(),
            units: None,
            tokens: None,
            connections: None,
            saga: Saga::default(),
            time_in_transaction: Span(Duration::ZERO),
            edge: Edge::default(),
            members: None,
            admission: None,
            reservation: Reservation::default(),
            provider_timeout: Span(Duration::from_secs(10)),
            provider_retries: 3,
            capture_retries: 0,
            void_retries: 0,
            worker: None,
            challenge_timeout: Span(Duration::from_mins(5)),
            faults: Vec::new(),
        }
    }
}

/// The wait before the provider is first asked where a challenged payment stands \[A\]; it doubles
/// each time.
const LOOK_FIRST: Duration = Duration::from_secs(2);

/// The longest wait before the provider is asked again where a challenged payment stands \[A\].
const LOOK_MAX: Duration = Duration::from_secs(30);

/// How long the shop waits before it asks the provider where a challenged payment stands, after it
/// has asked so often.
pub fn look_wait(asked: u32) -> Duration {
    LOOK_FIRST.saturating_mul(2_u32.saturating_pow(asked)).min(LOOK_MAX)
}

/// How often the shop asks about a challenge that is answered after `takes`: until it hears of it.
pub fn looks(takes: Duration) -> u32 {
    let (mut asked, mut waited) = (1, look_wait(0));
    while waited < takes {
        waited += look_wait(asked);
        asked += 1;
    }
    asked
}

/// In which order stock and money are reserved.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Saga {
    /// Authorize, reserve, capture; void when there is nothing to reserve or the capture fails.
    #[default]
    AuthorizeFirst,
    /// Reserve, authorize, capture; release when the payment fails.
    ReserveFirst,
    /// Authorize, reserve, tell the customer that it is bought, and capture afterwards: a worker does,
    /// as often as it must.
    CaptureQueue,
}

/// What the shop does at the provider after its customer was answered: `[shop] worker`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Its calls per second \[1/s\], more than 0: voids, their repetitions, captures of the queue.
    pub calls_per_second: f64,
}

/// How long pieces and slots are held: `[shop] reservation`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reservation {
    /// Time to live.
    pub ttl: Span,
    /// How often the sweeper frees what has run out.
    pub sweep: Span,
}

impl Default for Reservation {
    fn default() -> Self {
        Self { ttl: Span(Duration::from_mins(1)), sweep: Span(Duration::from_secs(1)) }
    }
}

/// All that the shop's rules need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopSettings {
    /// The table `[shop]`.
    pub shop: Settings,
    /// All that is for sale.
    pub catalogue: Catalogue,
    /// The merchant account at the provider.
    pub account: String,
    /// Draws hang on this.
    pub seed: u64,
}

impl ShopSettings {
    /// A small sale that is open from the beginning, to try the shop with.
    pub fn small() -> Self {
        let item =
            |id: &str, price| Item { id: id.to_owned(), stock: 100, price: Amount::new(price) };
        let slot = |id: &str| Slot { id: id.to_owned(), capacity: 100 };
        let sale = Sale {
            id: "day-1".to_owned(),
            opens: Time::ZERO,
            closes: Time::NEVER,
            limit_per_fan: 4,
            items: vec![item("tour-tee", 4_500), item("towel", 2_500), item("poster", 1_500)],
            lottery: None,
            slots: vec![slot("12:00"), slot("12:30"), slot("13:00")],
        };
        Self {
            shop: Settings::default(),
            catalogue: Catalogue { sales: vec![sale] },
            account: "spike".to_owned(),
            seed: 1,
        }
    }

    /// The same shop, in a world that has nothing beside it: a gate that Redis would keep is the same
    /// bucket in its own memory, and an edge that another would be is its own.
    #[must_use]
    pub fn alone(mut self) -> Self {
        if let Some(admission) = &mut self.shop.admission
            && admission.by != AdmissionBy::Edge
        {
            admission.by = AdmissionBy::Memory;
        }
        self.shop.edge.by = EdgeBy::Shop;
        self
    }

    /// What of it the shop cannot work with, a sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        for sale in &self.catalogue.sales {
            let counts = [("items", sale.items.len()), ("slots", sale.slots.len())];
            for (what, count) in counts.into_iter().filter(|(_, count)| *count > CHOICES_MAX) {
                let id = &sale.id;
                problems.push(format!("sale `{id}` has {count} {what}, at most {CHOICES_MAX} fit"));
            }
            let twice = sale.items.iter().filter(|item| !names.insert(&item.id));
            problems.extend(twice.map(|item| format!("there are two items `{}`", item.id)));
            let mut slots = BTreeSet::new();
            let twice = sale.slots.iter().filter(|slot| !slots.insert(&slot.id));
            problems.extend(
                twice.map(|slot| format!("sale `{}` has two slots `{}`", sale.id, slot.id)),
            );
        }
        if let Some(Worker { calls_per_second: rate }) = self.shop.worker
            && !(rate.is_finite() && rate > 0.0)
        {
            problems
                .push(format!("the worker's `calls_per_second` is {rate}, it must be more than 0"));
        }
        let gate = self.shop.admission.iter().flat_map(Admission::problems);
        let members = self.shop.members.iter().flat_map(Members::problems);
        let edge = self.shop.edge.problems();
        problems.extend(gate.chain(members).chain(edge).map(|(_, problem)| problem));
        problems.extend(self.shop.misfits().iter().map(Misfit::to_string));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_looks_after_2_4_8_16_and_then_every_30_seconds() {
        let waits: Vec<_> = (0..6).map(|asked| look_wait(asked).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
        let each = [0, 1, 2, 3, 6, 7, 30, 31, 60, 61];
        let asked = each.map(|seconds| looks(Duration::from_secs(seconds)));
        assert_eq!(asked, [1, 1, 1, 2, 2, 3, 4, 5, 5, 6]);
    }
}
