//! The checker checked: an honest run fires nothing, each seeded violation fires its invariant and
//! no other, and no ledger, however mad, makes it panic.

mod mad;
mod money;
mod mutated;
mod order;
mod restarted;
mod sabotages;
mod stage;
mod told;
mod undersold;

use domain::provider::PaymentOutcome;
use domain::shop::ShopLine;

use self::sabotages::SABOTAGES;
use self::stage::{Stage, TEE, facts, statuses};
use super::*;

/// What becomes of an invariant in an honest run of one sale, in which nothing came back and nobody
/// was refused what somebody bought a second later.
fn unbroken(id: &str) -> Status {
    match id {
        "INV-RESURRECT" | "INV-RESURRECT-FAIR" | "INV-FIFO" | "INV-ISOLATION" => {
            Status::NotApplicable
        }
        _ => Status::Held,
    }
}

#[test]
fn an_honest_run_holds_every_invariant() {
    for finding in Stage::honest().audited() {
        assert_eq!(finding.status, unbroken(&finding.id), "{finding:?}");
    }
}

#[test]
fn a_piece_sold_to_two_is_oversold_once_and_conserved() {
    let mut stage = Stage::honest();
    stage.buys(30, TEE);
    let oversold = |stage: &Stage| {
        let findings = stage.audited();
        findings.into_iter().find(|finding| finding.id == "INV-OVERSELL").unwrap().count
    };
    for line in stage.shop() {
        match line {
            ShopLine::Unit { unit, .. } if *unit >= 60 => *unit -= 60,
            ShopLine::Stock { item, initial: 22, free, sold, .. } if item == TEE => {
                (*free, *sold) = (0, 22);
            }
            _ => {}
        }
    }
    assert_eq!((stage.fired(), oversold(&stage)), (vec!["INV-OVERSELL".to_owned()], 2));
    stage.buys(32, TEE);
    assert_eq!(oversold(&stage), 2);
}

#[test]
fn each_seeded_violation_fires_its_invariant_and_no_other() {
    for (ids, what, sabotage) in SABOTAGES {
        let mut stage = Stage::honest();
        sabotage(&mut stage);
        assert_eq!(stage.fired(), ids, "{what}");
    }
}

#[test]
fn without_a_ledger_nothing_that_reads_it_is_said_to_hold() {
    let mut stage = Stage::honest();
    stage.evidence.provider = None;
    for (id, status) in statuses(&stage.evidence) {
        let invariant = INVARIANTS.iter().find(|invariant| invariant.id == id).unwrap();
        let reads = invariant.reads.contains(&Source::Provider);
        assert_eq!(status, if reads { Status::NotChecked } else { unbroken(&id) }, "{id}");
    }
}

#[test]
fn a_violation_is_one_even_where_a_ledger_is_missing() {
    let mut stage = Stage::honest();
    stage.evidence.shop = None;
    stage.pays(3, 900, PaymentOutcome::Authorized);
    stage.pays(3, 900, PaymentOutcome::Captured);
    assert_eq!(stage.fired(), ["INV-DOUBLE-CHARGE"]);
}

#[test]
fn an_undrained_shop_is_not_asked_what_it_had_no_time_for() {
    let mut stage = Stage::honest();
    stage.evidence.ending.drained = false;
    let statuses = statuses(&stage.evidence);
    for id in ["INV-STRANDED", "INV-ORPHAN-AUTH", "INV-RESOLVED"] {
        assert_eq!(statuses[id], Status::NotChecked, "{id}");
    }
    assert_eq!(statuses["INV-OVERSELL"], Status::Held);
}

#[test]
fn a_waiver_lifts_what_was_not_checked_and_nothing_else() {
    let waiver = |id: &str| Waiver { id: id.to_owned(), reason: "no such ledger".to_owned() };
    let waive = vec![waiver("INV-RESOLVED"), waiver("INV-ORPHAN-AUTH")];
    let waivers = AuditSettings { waive, ..AuditSettings::default() };
    let mut stage = Stage::honest();
    stage.provider().retain(|line| line.outcome != PaymentOutcome::Voided);
    let violated = audit(&stage.evidence.read(), &facts(), &waivers);
    assert!(violated.iter().all(|finding| finding.waived.is_none()));
    stage.evidence.ending.drained = false;
    let not_checked = audit(&stage.evidence.read(), &facts(), &waivers);
    let lifted: Vec<&str> = not_checked
        .iter()
        .filter(|finding| finding.waived.is_some())
        .map(|finding| finding.id.as_str())
        .collect();
    assert_eq!(lifted, ["INV-ORPHAN-AUTH", "INV-RESOLVED"]);
}

#[test]
fn where_nothing_is_for_sale_there_is_nothing_to_audit() {
    let mut stage = Stage::honest();
    stage.evidence.catalogue.sales.clear();
    (stage.evidence.shop, stage.evidence.provider) = (None, None);
    assert!(statuses(&stage.evidence).values().all(|status| *status == Status::NotApplicable));
}

#[test]
fn a_sale_without_slots_has_no_places_to_audit() {
    let mut stage = Stage::honest();
    stage.evidence.catalogue.sales[0].slots.clear();
    stage.shop().retain(|line| !matches!(line, ShopLine::Slot { .. }));
    for line in stage.shop() {
        if let ShopLine::Order { slot, .. } = line {
            *slot = None;
        }
    }
    assert_eq!(stage.fired(), [""; 0]);
}
