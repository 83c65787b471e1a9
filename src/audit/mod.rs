//! Was it right: invariants over evidence. It shares no code with the accused.

mod books;
mod budget;
mod chi_square;
mod clocks;
mod counted;
mod course;
pub mod coverage;
mod entries;
mod fifo;
mod finding;
mod flow;
mod foreign;
mod held;
mod history;
mod isolation;
mod lots;
mod order;
mod payments;
mod rank;
mod resurrect;
mod sold_out;
mod stale;
mod stock;
mod story;
mod told;
mod undersold;

#[cfg(test)]
mod tests;

pub use budget::{
    AuditSettings, Budgets, Fair, Fifo, Isolation, Phantom, Pieces, Quota, Resurrect, ServiceOrder,
    Stale, Stranded, Waiver,
};
pub use finding::{Figure, Finding, Status, Unit, Who, WitnessEvent};

use crate::evidence::{Evidence, Facts};
use books::Books;
use finding::Found;

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
pub const INVARIANTS: [Invariant; 20] = [
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
    Invariant {
        id: "INV-PHANTOM-SOLDOUT",
        promise: "who is told that it is sold out could not have had it then",
        kind: Kind::Hard,
        reads: &[Source::Clients, Source::Shop],
        check: sold_out::phantom,
    },
    Invariant {
        id: "INV-STALE-SOLDOUT",
        promise: "what a page says of availability is as old as its time to live at most",
        kind: Kind::Soft,
        reads: &[Source::Clients, Source::Shop],
        check: stale::stale,
    },
    Invariant {
        id: "INV-RESURRECT",
        promise: "what was said to be sold out is not sold afterwards, where the scenario forbids it",
        kind: Kind::Soft,
        reads: &[Source::Clients],
        check: resurrect::resurrect,
    },
    Invariant {
        id: "INV-RESURRECT-FAIR",
        promise: "pieces that come back go to early fans as often as a draw by lot would have it",
        kind: Kind::Soft,
        reads: &[Source::Clients],
        check: resurrect::fair,
    },
    Invariant {
        id: "INV-FIFO",
        promise: "who comes first is not refused what a later one buys",
        kind: Kind::Soft,
        reads: &[Source::Clients],
        check: fifo::fifo,
    },
    Invariant {
        id: "INV-ISOLATION",
        promise: "one sale is served as well as ever while another opens",
        kind: Kind::Soft,
        reads: &[Source::Clients],
        check: isolation::isolation,
    },
];

/// Holds the evidence against every invariant: one finding each, in the order of [`INVARIANTS`].
///
/// What is violated by the evidence there is, is violated, even where a ledger is missing; what
/// merely seems to hold while one is missing is not checked. A waiver lifts `not_checked` only.
pub fn audit(evidence: &Evidence, facts: &Facts, asked: &AuditSettings) -> Vec<Finding> {
    let books = Books::new(evidence, facts, asked);
    let nothing_sold = evidence.catalogue.items().next().is_none()
        && !evidence.has_shop()
        && !evidence.has_provider();
    let judged = |invariant: &Invariant| {
        let found = if nothing_sold {
            Found::not_applicable("nothing was for sale")
        } else {
            judged(&books, invariant)
        };
        finding(invariant, found, &asked.waive)
    };
    // The last ones go by the clients alone, and keep much in mind of each: they have the room for
    // themselves that the ledgers take once somebody looks into them.
    let mut findings: Vec<Finding> = INVARIANTS.iter().rev().map(judged).collect();
    findings.reverse();
    findings
}

/// What is found of an invariant; nothing, where a foreign shop's ledgers lack what it needs.
fn judged(books: &Books<'_>, invariant: &Invariant) -> Found {
    if let Some(why) = coverage::nothing_to_say(books, invariant.id) {
        return Found::not_checked(why);
    }
    let missing = missing(books, invariant.reads);
    let missing = missing.or_else(|| coverage::not_all(books, invariant.id));
    (invariant.check)(books).unless_missing(missing)
}

/// Which ledger is missing of those that are read, and why.
fn missing(books: &Books<'_>, reads: &[Source]) -> Option<String> {
    let absent = |source: &Source| match source {
        Source::Shop if !books.evidence.has_shop() => Some("shop"),
        Source::Provider if !books.evidence.has_provider() => Some("provider"),
        _ => None,
    };
    let name = reads.iter().find_map(absent)?;
    Some(match books.evidence.ending.why_lacking(name) {
        Some(why) => format!("there is no whole ledger of the {name}: {why}"),
        None => format!("there is no ledger of the {name}"),
    })
}

fn finding(invariant: &Invariant, found: Found, waivers: &[Waiver]) -> Finding {
    let Found { status, count, measure, story, figures } = found;
    let waived = waivers
        .iter()
        .find(|waiver| status == Status::NotChecked && waiver.id == invariant.id)
        .map(|waiver| waiver.reason.clone());
    Finding {
        id: invariant.id.to_owned(),
        status,
        count,
        measure: measure.to_owned(),
        figures,
        witness: story.lines,
        events: story.events,
        waived,
    }
}
