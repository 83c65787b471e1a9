//! The page's lists of facts: each a name and what is known under it.

use serde::Serialize;

use crate::measure::{Measured, Presence};
use crate::report::{aggregated, calibrated, figure, words};
use crate::verdict::Summary;

/// A name and what is known under it.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    name: &'static str,
    value: String,
    /// Where the value stands in `summary.json`; empty where it is a sentence.
    at: &'static str,
}

/// A name and what is known under it.
pub(super) fn fact(name: &'static str, value: String) -> Fact {
    Fact { name, value, at: "" }
}

impl Fact {
    /// With the place of its value in `summary.json`.
    pub(super) fn at(self, at: &'static str) -> Self {
        Self { at, ..self }
    }
}

/// The orders.
pub(super) fn orders(measured: &Measured) -> Vec<Fact> {
    let orders = &measured.orders;
    let (attempted, confirmed) = words::orders(orders.told_by);
    vec![
        fact(attempted, figure::number(orders.attempted)).at("/result/orders/attempted"),
        fact(confirmed, figure::number(orders.confirmed)).at("/result/orders/confirmed"),
        fact("Paid per second, opening to last", figure::known_rate(orders.per_s))
            .at("/result/orders/per_s"),
    ]
}

/// The payments, in numbers and in money.
pub(super) fn payments(measured: &Measured) -> Vec<Fact> {
    let payments = &measured.payments;
    if payments.ledger == Presence::Missing {
        return vec![fact("Not known", "there is no ledger of the provider".to_owned())];
    }
    vec![
        fact("Authorized", figure::number(payments.authorized)).at("/result/payments/authorized"),
        fact("Captured", figure::number(payments.captured)).at("/result/payments/captured"),
        fact("Voided", figure::number(payments.voided)).at("/result/payments/voided"),
        fact("Refunded", figure::number(payments.refunded)).at("/result/payments/refunded"),
        fact("Calls refused by a limiter", figure::number(payments.refused))
            .at("/result/payments/refused"),
        fact("Orphaned", figure::number(payments.orphaned)).at("/result/payments/orphaned"),
        fact("Money authorized", figure::money(payments.authorized_amount))
            .at("/result/payments/authorized_amount"),
        fact("Money captured", figure::money(payments.captured_amount))
            .at("/result/payments/captured_amount"),
        fact("Money in orphaned authorizations", figure::money(payments.orphaned_amount))
            .at("/result/payments/orphaned_amount"),
    ]
}

/// Where the result came from.
pub(super) fn provenance(summary: &Summary) -> Vec<Fact> {
    let from = &summary.provenance;
    let commit = from.commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    let mut facts = vec![
        fact("Scenario", from.scenario.clone()),
        fact("World", words::world(summary.result.world).to_owned()),
        fact("Began", from.started_at.clone()),
        fact("How long", words::took(from.took_s)),
        fact("Seed", from.seed.to_string()).at("/provenance/seed"),
        fact("Scale", from.scale.to_string()).at("/provenance/scale"),
        fact("spike", format!("{}{commit}", from.spike)),
        fact("Machine", from.machine.clone()),
    ];
    facts.extend(from.calibrated.as_ref().map(|of| fact("Stack", calibrated::sentence(of))));
    let aggregated = aggregated::sentence(&summary.result.measured);
    facts.extend(aggregated.map(|sentence| fact("Fidelity", sentence)));
    facts
}
