//! What a scenario asks of the judge: `[audit]`.

use domain::time::{Duration, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The table `[audit]` of a scenario; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// How long the shop is left alone before the ledgers are read; left out: backlog / provider
    /// rate + longest time to live and sweep + retry horizon.
    pub drain: Option<Span>,
    /// Whether pieces may be sold that had come back after fans were told that it is sold out.
    pub resurrect: Resurrect,
    /// In which order fans are to be served.
    pub order: ServiceOrder,
    /// How much of a soft promise may be broken.
    pub budgets: Budgets,
    /// Invariants whose `not_checked` does not cost the pass.
    pub waive: Vec<Waiver>,
}

/// An invariant whose `not_checked` does not cost the pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// `INV-…`.
    pub id: String,
    /// Why, for the verdict line.
    pub reason: String,
}

/// Whether pieces may be sold that had come back after fans were told that it is sold out.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resurrect {
    /// No: who says `sold_out` keeps to it.
    Forbid,
    /// Yes, to whoever sees them: payments are declined, and what was held for them comes back.
    #[default]
    Announce,
    /// Yes, by lot among those who were refused, which INV-RESURRECT-FAIR holds against them.
    Lottery,
}

/// In which order fans are to be served.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceOrder {
    /// First come, first served, as far as the budget of INV-FIFO says.
    #[default]
    Fifo,
    /// By lot: whenever a fan asks, its chance is the same.
    Draw,
}

/// How much of each soft promise may be broken: `[audit.budgets]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// Of each item and of each slot.
    #[serde(rename = "INV-OVERSELL")]
    pub oversell: Pieces,
    /// Beside what is still held at the end, of which nothing is allowed.
    #[serde(rename = "INV-STRANDED")]
    pub stranded: Stranded,
    /// Of all sales together.
    #[serde(rename = "INV-UNDERSOLD")]
    pub undersold: Pieces,
    /// Of the calls to the provider, behind an admission.
    #[serde(rename = "INV-QUOTA")]
    pub quota: Quota,
    /// Beside answers that were plainly wrong, of which none is allowed.
    #[serde(rename = "INV-PHANTOM-SOLDOUT")]
    pub phantom: Phantom,
    /// Of the pages on which fans first saw something gone, or back.
    #[serde(rename = "INV-STALE-SOLDOUT")]
    pub stale: Stale,
    /// Of all items and slots together, where `resurrect = "forbid"`.
    #[serde(rename = "INV-RESURRECT")]
    pub resurrect: Pieces,
    /// Where `resurrect = "lottery"`.
    #[serde(rename = "INV-RESURRECT-FAIR")]
    pub fair: Fair,
    /// Where `order = "fifo"`.
    #[serde(rename = "INV-FIFO")]
    pub fifo: Fifo,
    /// Of each sale while another opens.
    #[serde(rename = "INV-ISOLATION")]
    pub isolation: Isolation,
}

/// A number of pieces or places.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pieces {
    /// So many pieces, or places in slots.
    pub pieces: u64,
}

/// How long pieces may be kept from others by orders that are never paid.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stranded {
    /// Pieces × seconds in all \[s\]; left out: it is told and not judged.
    pub unit_seconds: Option<f64>,
}

/// How many calls the provider may refuse behind an admission.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// The share of all calls, in \[0, 1\]: two clocks never agree on where a second begins, so not
    /// quite 0.
    pub share: f64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { share: 0.001 }
    }
}

/// How often `sold_out` may be said while pieces are held for orders that will let them go.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Phantom {
    /// The share of all such answers, in \[0, 1\]; left out: it is told and not judged, for only who
    /// knows which cards will be declined could avoid it.
    pub transient: Option<f64>,
}

/// How old what a page says of availability may be.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stale {
    /// The share of pages that may be older, in \[0, 1\].
    pub share: f64,
    /// How old it may be beyond the edge's time to live.
    pub grace: Span,
}

impl Default for Stale {
    fn default() -> Self {
        Self { share: 0.01, grace: Span(Duration::from_secs(2)) }
    }
}

/// How those fare who came first, where pieces that come back are drawn by lot.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fair {
    /// The least share of such pieces that goes to fans who asked before half of the refused did,
    /// in \[0, 1\]: a draw among the refused gives them half.
    pub share: f64,
}

impl Default for Fair {
    fn default() -> Self {
        Self { share: 0.5 }
    }
}

/// How often a fan may be refused what a later one then buys.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fifo {
    /// The share of the pairs of a refused fan and a buyer in which the buyer came later, in \[0, 1\];
    /// left out: no more than a draw by lot would give, which is half, and what chance adds to it.
    pub share: Option<f64>,
    /// Who comes so little later came at the same time.
    pub within: Span,
}

impl Default for Fifo {
    fn default() -> Self {
        Self { share: None, within: Span(Duration::from_secs(1)) }
    }
}

/// How much worse one sale may fare while another opens.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Isolation {
    /// So many times its usual response time at the 99th percentile, and share of failures.
    pub factor: f64,
}

impl Default for Isolation {
    fn default() -> Self {
        Self { factor: 1.2 }
    }
}
