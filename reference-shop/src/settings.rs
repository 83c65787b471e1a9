//! What can be set about the shop: the table `[shop]` of a scenario.

use std::collections::BTreeSet;

use domain::money::Amount;
use domain::shop::{CHOICES_MAX, Catalogue, Item, Sale, Slot};
use domain::time::{Duration, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::fault::Fault;

/// The table `[shop]`: every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where stock and orders are kept.
    pub storage: Storage,
    /// How stock is counted and reserved.
    pub inventory: Inventory,
    /// In which order stock and money are reserved.
    pub saga: Saga,
    /// How long each inventory transaction stays open beside its statements: the application's
    /// round trips.
    pub time_in_transaction: Span,
    /// The cache in front of the shop.
    pub edge: Edge,
    /// How many orders are let through to the payment; left out means all.
    pub admission: Option<Admission>,
    /// How long pieces and slots are held.
    pub reservation: Reservation,
    /// How long the shop waits for the provider before it asks again under the same key.
    pub provider_timeout: Span,
    /// How often a call to the provider that was not answered is made again under the same key.
    pub provider_retries: u32,
    /// How often a void that was refused is made again, one second apart and doubling.
    pub void_retries: u32,
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
            saga: Saga::default(),
            time_in_transaction: Span(Duration::ZERO),
            edge: Edge::default(),
            admission: None,
            reservation: Reservation::default(),
            provider_timeout: Span(Duration::from_secs(10)),
            provider_retries: 3,
            void_retries: 0,
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

/// Where stock and orders are kept.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// A file: write-ahead log, one writer with group commit; commits survive the shop's death, not a
    /// power cut.
    #[default]
    Sqlite,
    /// The shop's memory: fast, lost with the process.
    Memory,
}

/// How stock is counted and reserved.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inventory {
    /// Reads the counter, then decrements it: two statements without a transaction across them.
    /// Oversells.
    NaiveCounter,
    /// One row per piece and per place in a slot, taken in one transaction.
    #[default]
    UnitRows,
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
}

/// The cache in front of the shop: `[shop] edge`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Edge {
    /// How long a cacheable answer is kept; "0s" turns the cache off.
    pub ttl: Span,
    /// Whether requests for an object that is being fetched wait for that one fetch.
    pub collapse: bool,
}

impl Default for Edge {
    fn default() -> Self {
        Self { ttl: Span(Duration::from_secs(1)), collapse: true }
    }
}

/// The gate in front of the payment: `[shop] admission`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// Orders let through per second \[1/s\], more than 0.
    pub orders_per_second: f64,
    /// How many may pass at once after a quiet time; left out: one second's worth, at least 2.
    #[serde(default)]
    pub burst: Option<f64>,
    /// Who counts.
    #[serde(default)]
    pub by: AdmissionBy,
}

/// Who counts admitted orders.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdmissionBy {
    /// The shop's own memory: one process.
    #[default]
    Memory,
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
            slots: vec![slot("12:00"), slot("12:30"), slot("13:00")],
        };
        Self {
            shop: Settings::default(),
            catalogue: Catalogue { sales: vec![sale] },
            account: "spike".to_owned(),
            seed: 1,
        }
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
        if let Some(Admission { orders_per_second: rate, burst, .. }) = self.shop.admission {
            if !(rate.is_finite() && rate > 0.0) {
                problems.push(format!("`orders_per_second` is {rate}, it must be more than 0"));
            }
            if burst.is_some_and(|burst| !(burst.is_finite() && burst >= 1.0)) {
                problems.push("`burst` must be at least 1".to_owned());
            }
        }
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
