//! What the ledgers of a foreign shop say, and what they leave out: the judge believes no more than
//! that.

use std::collections::{BTreeMap, BTreeSet};

use domain::shop::Catalogue;
use serde::{Deserialize, Serialize};

/// How far the ledgers of a foreign shop go, in `ending.json`; absent for the embedded shop, whose
/// ledgers leave nothing out.
///
/// Kinds of rows have the names that they have in a scenario: `stock`, `slots`, `orders`,
/// `reservations`, `units`; the provider's are `payments`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledgers {
    /// The columns of each kind of rows that could be read; a kind that was never asked for is not
    /// here.
    pub columns: BTreeMap<String, BTreeSet<String>>,
    /// Why a kind of rows that was asked for could not be had.
    pub lacking: BTreeMap<String, String>,
    /// Pieces of each item that could be sold in the run, as far as anybody said.
    pub stock: BTreeMap<String, u64>,
    /// Items that the query `stock` knows, and no sale.
    pub elsewhere: BTreeSet<String>,
    /// Places of each slot, by `sale/slot`, likewise.
    pub places: BTreeMap<String, u64>,
    /// Pieces by item that orders from before the run may have taken or given back during it.
    pub moved: BTreeMap<String, u64>,
    /// Pieces by item that stood in rows of their own and were free at the opening.
    pub units: BTreeMap<String, u64>,
    /// Items and slots of which the scenario states another stock than the shop had at the opening.
    pub disputed: BTreeSet<String>,
    /// Whether the scenario says which statuses of an order are an end.
    pub ends: Ends,
    /// Whether the shop's times can be held against the run's.
    pub clock: ShopClock,
    /// What the provider's ledger tells.
    pub told: ProviderTells,
}

/// What a foreign shop had at the opening, in `opening.json`: it is written before the storm, so that
/// a killed run can be judged by it. What nobody said is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AtOpening {
    /// Pieces of each item; where the shop's rows do not say whether they count what there was at first
    /// or what is left, the more of the two.
    pub stock: BTreeMap<String, u64>,
    /// Places of each slot, by `sale/slot`, likewise.
    pub places: BTreeMap<String, u64>,
}

/// What the ledger of a foreign shop's provider tells.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderTells {
    /// What became of the payments.
    #[default]
    Payments,
    /// Each call, whatever came of it: our mock's.
    Calls,
}

/// Whether a scenario says which statuses of an order mean that nothing more will happen.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// It does.
    Listed,
    /// It says only which are paid.
    #[default]
    Unsaid,
}

/// Whether the shop's times can be held against the run's.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopClock {
    /// Nobody knows what its clock says.
    #[default]
    Unknown,
    /// The times of the ledger are on the run's clock, give or take so many \[ns\].
    Within {
        /// The most by which they may be wrong.
        error_ns: u64,
    },
}

impl Ledgers {
    /// Whether rows of that kind were read.
    pub fn has(&self, kind: &str) -> bool {
        self.columns.contains_key(kind)
    }

    /// Whether rows of that kind were read and have one of `columns`.
    pub fn has_one_of(&self, kind: &str, columns: &[&str]) -> bool {
        self.columns.get(kind).is_some_and(|there| columns.iter().any(|one| there.contains(*one)))
    }

    /// Puts what there truly was at the opening into a catalogue.
    pub fn apply(&self, catalogue: &mut Catalogue) {
        let fits = |pieces: u64| u32::try_from(pieces).unwrap_or(u32::MAX);
        for sale in &mut catalogue.sales {
            for item in &mut sale.items {
                if let Some(pieces) = self.stock.get(&item.id) {
                    item.stock = fits(*pieces);
                }
            }
            for slot in &mut sale.slots {
                if let Some(places) = self.places.get(&format!("{}/{}", sale.id, slot.id)) {
                    slot.capacity = fits(*places);
                }
            }
        }
    }
}
