//! Was it right: invariants over evidence. It shares no code with the accused.

mod books;
pub mod coverage;
mod flow;
mod foreign;
mod held;
mod payments;
mod stock;
mod story;
mod told;
mod undersold;

#[cfg(test)]
mod tests;

use domain::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Facts};
use books::Books;

/// The table `[audit]` of a scenario; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// How long the shop is left alone before the ledgers are read; left out: backlog / provider
    /// rate + longest time to live and sweep + retry horizon.
    pub drain: Option<Span>,
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

/// What became of an invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `INV-OVERSELL` and so on.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// How many violations.
    pub count: u64,
    /// What is counted, as a few words: "pieces oversold".
    pub measure: String,
    /// One violation, as a person can follow it; a line each. Why, if it is not checked.
    pub witness: Vec<String>,
    /// Whether and why the scenario waives it.
    pub waived: Option<String>,
}

/// Whether an invariant held.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It held.
    Held,
    /// It was violated.
    Violated,
    /// There is nothing it could apply to.
    NotApplicable,
    /// It could not be checked.
    NotChecked,
}

/// An invariant: what must hold, and where one would see it broken.
pub struct Invariant {
    /// `INV-…`.
    pub id: &'static str,
    /// What must hold, as a sentence.
    pub promise: &'static str,
    /// Whether one violation is one too many.
    pub kind: Kind,
    /// What it reads.
    pub reads: &'static [Source],
    check: fn(&Books<'_>) -> Found,
}

/// Whether one violation of an invariant is one too many. Either costs the pass.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A single one is wrong whatever the load.
    Hard,
    /// A share is allowed, or the scenario decides whether it can be held at all.
    Soft,
}

/// What an invariant reads.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// What the clients saw.
    Clients,
    /// What the shop said of itself during the run.
    Snapshots,
    /// The shop's ledger.
    Shop,
    /// The provider's ledger.
    Provider,
}

/// All invariants, in the order of their findings.
pub const INVARIANTS: [Invariant; 14] = [
    Invariant {
        id: "INV-CONSERVE",
        promise: "free, held and sold pieces and places always add up to what there was",
        kind: Kind::Hard,
        reads: &[Source::Snapshots, Source::Shop],
        check: stock::conserve,
    },
    Invariant {
        id: "INV-OVERSELL",
        promise: "no more pieces and places are sold than there are",
        kind: Kind::Hard,
        reads: &[Source::Clients, Source::Shop, Source::Provider],
        check: stock::oversell,
    },
    Invariant {
        id: "INV-STRANDED",
        promise: "nothing stays held for an order that will never be paid",
        kind: Kind::Hard,
        reads: &[Source::Shop],
        check: held::stranded,
    },
    Invariant {
        id: "INV-UNDERSOLD",
        promise: "what could be sold is sold before a fan leaves empty-handed",
        kind: Kind::Soft,
        reads: &[Source::Clients, Source::Shop],
        check: undersold::undersold,
    },
    Invariant {
        id: "INV-ORPHAN-AUTH",
        promise: "no money stays reserved for an order that is not paid, or was paid otherwise",
        kind: Kind::Hard,
        reads: &[Source::Shop, Source::Provider],
        check: payments::orphaned,
    },
    Invariant {
        id: "INV-DOUBLE-CHARGE",
        promise: "a purchase is charged once, and not more than its price",
        kind: Kind::Hard,
        reads: &[Source::Shop, Source::Provider],
        check: payments::double_charge,
    },
    Invariant {
        id: "INV-CAPTURED-NO-STOCK",
        promise: "who is charged gets the pieces",
        kind: Kind::Hard,
        reads: &[Source::Shop, Source::Provider],
        check: payments::captured_no_stock,
    },
    Invariant {
        id: "INV-STOCK-NO-CAPTURE",
        promise: "who gets the pieces is charged",
        kind: Kind::Hard,
        reads: &[Source::Shop, Source::Provider],
        check: payments::stock_no_capture,
    },
    Invariant {
        id: "INV-SILENT-CHARGE",
        promise: "who was told that nothing was bought is not charged",
        kind: Kind::Hard,
        reads: &[Source::Clients, Source::Provider],
        check: told::silent_charge,
    },
    Invariant {
        id: "INV-PHANTOM-SALE",
        promise: "who was told that it is bought has just that in a paid order",
        kind: Kind::Hard,
        reads: &[Source::Clients, Source::Shop],
        check: told::phantom_sale,
    },
    Invariant {
        id: "INV-EARLY",
        promise: "nothing is sold before the opening that was announced",
        kind: Kind::Hard,
        reads: &[Source::Clients],
        check: told::early,
    },
    Invariant {
        id: "INV-PERUSER",
        promise: "no fan buys more pieces than one fan may",
        kind: Kind::Hard,
        reads: &[Source::Shop],
        check: flow::per_user,
    },
    Invariant {
        id: "INV-RESOLVED",
        promise: "every order comes to an end",
        kind: Kind::Hard,
        reads: &[Source::Shop],
        check: flow::resolved,
    },
    Invariant {
        id: "INV-QUOTA",
        promise: "with an admission in front, the provider refuses at most 0.1 % of the calls",
        kind: Kind::Hard,
        reads: &[Source::Provider],
        check: flow::quota,
    },
];

/// What a check found.
enum Found {
    Held,
    Violated { count: u64, measure: &'static str, witness: Vec<String> },
    NotApplicable(&'static str),
    NotChecked(String),
}

impl Found {
    /// Violated if there is a first one of `count`, and otherwise held.
    fn count(count: u64, measure: &'static str, witness: impl FnOnce() -> Vec<String>) -> Self {
        if count == 0 { Self::Held } else { Self::Violated { count, measure, witness: witness() } }
    }

    /// What was found, unless nothing was found and something was missing to be sure.
    fn unless_missing(self, missing: Option<String>) -> Self {
        match (self, missing) {
            (Self::Held, Some(reason)) => Self::NotChecked(reason),
            (found, _) => found,
        }
    }
}

/// Holds the evidence against every invariant: one finding each, in the order of [`INVARIANTS`].
///
/// What is violated by the evidence there is, is violated, even where a ledger is missing; what
/// merely seems to hold while one is missing is not checked. A waiver lifts `not_checked` only.
pub fn audit(evidence: &Evidence, facts: &Facts, waivers: &[Waiver]) -> Vec<Finding> {
    let books = Books::new(evidence, facts);
    let nothing_sold = evidence.catalogue.items().next().is_none()
        && evidence.shop.is_none()
        && evidence.provider.is_none();
    INVARIANTS
        .iter()
        .map(|invariant| {
            let found = if nothing_sold {
                Found::NotApplicable("nothing was for sale")
            } else {
                judged(&books, invariant)
            };
            finding(invariant, found, waivers)
        })
        .collect()
}

/// What is found of an invariant; nothing, where a foreign shop's ledgers lack what it needs.
fn judged(books: &Books<'_>, invariant: &Invariant) -> Found {
    if let Some(why) = coverage::nothing_to_say(books, invariant.id) {
        return Found::NotChecked(why);
    }
    let missing = missing(books, invariant.reads);
    let missing = missing.or_else(|| coverage::not_all(books, invariant.id));
    (invariant.check)(books).unless_missing(missing)
}

/// Which ledger is missing of those that are read, and why.
fn missing(books: &Books<'_>, reads: &[Source]) -> Option<String> {
    let absent = |source: &Source| match source {
        Source::Shop if books.shop.is_none() => Some("shop"),
        Source::Provider if books.provider.is_none() => Some("provider"),
        _ => None,
    };
    let name = reads.iter().find_map(absent)?;
    Some(match books.evidence.ending.why_lacking(name) {
        Some(why) => format!("there is no whole ledger of the {name}: {why}"),
        None => format!("there is no ledger of the {name}"),
    })
}

fn finding(invariant: &Invariant, found: Found, waivers: &[Waiver]) -> Finding {
    let id = invariant.id.to_owned();
    let (status, count, measure, witness) = match found {
        Found::Held => (Status::Held, 0, String::new(), Vec::new()),
        Found::Violated { count, measure, witness } => {
            (Status::Violated, count, measure.to_owned(), witness)
        }
        Found::NotApplicable(why) => {
            (Status::NotApplicable, 0, String::new(), vec![why.to_owned()])
        }
        Found::NotChecked(why) => (Status::NotChecked, 0, String::new(), vec![why]),
    };
    let waived = waivers
        .iter()
        .find(|waiver| status == Status::NotChecked && waiver.id == id)
        .map(|waiver| waiver.reason.clone());
    Finding { id, status, count, measure, witness, waived }
}
