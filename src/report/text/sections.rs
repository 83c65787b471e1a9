//! The parts of the summary that follow the verdict.

use super::table::{Side, Table, UNBROKEN};
use super::{
    Page, balancer, beside, database, database_tier, edge, generator, layers, queues, replications,
    series, tasks,
};
use crate::audit::{Finding, Status};
use crate::evidence::Complaint;
use crate::measure::{Measured, OperationSummary, Percentiles, Presence, SaleSummary};
use crate::report::figure::{self, NONE};
use crate::report::queue;
use crate::report::words::{self, Tone};
use crate::report::{digest, sale, words::assessment_word};
use crate::verdict::Judged;

/// Writes every part that has something to say.
pub(super) fn write(page: &mut Page, judged: &Judged) {
    let measured = &judged.measured;
    replications::write(page, judged);
    queues::write(page, measured);
    beside::write(page, measured);
    if queue::without_a_sale(measured) {
        objectives(page, judged);
        return;
    }
    for (id, sale) in &measured.sales {
        one_sale(page, id, sale);
    }
    findings(page, &judged.findings);
    objectives(page, judged);
    rates(page, measured);
    series::write(page, measured);
    operations(page, measured);
    complaints(page, &judged.complaints);
    edge::write(page, measured);
    layers::write(page, judged.world, measured);
    database::write(page, measured);
    balancer::write(page, measured);
    tasks::write(page, measured);
    database_tier::write(page, measured);
    generator::connections(page, measured.connections.as_ref());
    fans(page, measured);
    payments(page, measured);
    generator::health(page, judged.world, measured.health.as_ref());
}

fn one_sale(page: &mut Page, id: &str, sale: &SaleSummary) {
    page.heading(&super::clean(&format!("Sale {id}: {}", sale::course(sale))));
    let mut items = Table::new(&[
        ("item", Side::Left),
        ("stock", Side::Right),
        ("sold", Side::Right),
        ("sellable", Side::Right),
        ("", Side::Left),
    ]);
    for (id, item) in &sale.items {
        items.row(&[
            id.clone(),
            digest::counted(sale, item.stock),
            digest::counted(sale, item.sold),
            digest::counted(sale, item.sellable),
            words::item_remark(sale, item),
        ]);
    }
    table(page, &items);
    if sale.slots.is_empty() {
        return;
    }
    let mut slots = Table::new(&[
        ("slot", Side::Left),
        ("capacity", Side::Right),
        ("taken", Side::Right),
        ("", Side::Left),
    ]);
    for (id, slot) in &sale.slots {
        slots.row(&[
            id.clone(),
            digest::counted(sale, slot.capacity),
            digest::counted(sale, slot.taken),
            words::slot_remark(slot),
        ]);
    }
    table(page, &slots);
}

fn findings(page: &mut Page, findings: &[Finding]) {
    page.heading("Findings");
    if findings.is_empty() {
        page.wrapped("  ", "nothing was audited");
    }
    let with = |status: Status| findings.iter().filter(move |finding| finding.status == status);
    for finding in with(Status::Violated) {
        let text = format!("✗ {}  {}", finding.id, words::counted(finding));
        page.toned(Tone::Bad, "  ", &text);
        for found in &finding.figures {
            page.wrapped("      ", &figure::figured(found));
        }
        for line in &finding.witness {
            page.wrapped("      ", line);
        }
    }
    for finding in with(Status::NotChecked) {
        page.toned(Tone::Open, "  ", &format!("? {}  not checked", finding.id));
        for line in &finding.witness {
            page.wrapped("      ", line);
        }
        if let Some(reason) = &finding.waived {
            page.wrapped("      ", &format!("waived: {reason}"));
        }
    }
    listed(page, "✓ held: ", with(Status::Held));
    figures(page, with(Status::Held));
    listed(page, "– not applicable: ", with(Status::NotApplicable));
    figures(page, with(Status::NotApplicable));
}

/// How much there was of what was not judged, or is within what is allowed.
fn figures<'a>(page: &mut Page, findings: impl Iterator<Item = &'a Finding>) {
    for finding in findings {
        let used = finding.figures.iter().filter(|found| found.value != 0.0);
        let used: Vec<String> = used.map(figure::figured).collect();
        if !used.is_empty() {
            page.wrapped("      ", &format!("{}: {}", short(finding), used.join("; ")));
        }
    }
}

fn listed<'a>(page: &mut Page, title: &str, findings: impl Iterator<Item = &'a Finding>) {
    let ids: Vec<&str> = findings.map(short).collect();
    if !ids.is_empty() {
        page.wrapped("  ", &format!("{title}{}", ids.join(", ")));
    }
}

/// An invariant's name without what all have in common.
fn short(finding: &Finding) -> &str {
    finding.id.strip_prefix("INV-").unwrap_or(&finding.id)
}

fn objectives(page: &mut Page, judged: &Judged) {
    if judged.objectives.is_empty() {
        return;
    }
    page.heading("Objectives");
    for assessment in &judged.objectives {
        let tone = words::assessment_tone(assessment.status);
        let status = assessment_word(assessment.status);
        let read = match assessment.value {
            Some(_) => format!("{status}: {}", words::assessed(assessment)),
            None => status.to_owned(),
        };
        page.toned(tone, "  ", &format!("{} {}  {read}", tone.symbol(), assessment.text));
        if let Some(reason) = &assessment.reason {
            page.wrapped("      ", reason);
        }
    }
}

fn complaints(page: &mut Page, complaints: &[Complaint]) {
    if complaints.is_empty() {
        return;
    }
    page.heading("What could not be understood");
    for complaint in complaints {
        page.toned(Tone::Open, "  ", &format!("? {}", words::complaint(complaint)));
        if let Some(example) = &complaint.example {
            page.wrapped("      ", &words::example(example));
        }
    }
}

fn rates(page: &mut Page, measured: &Measured) {
    if measured.rates.is_empty() {
        return;
    }
    page.heading("Rates");
    let mut rates = Table::new(&[
        ("tier", Side::Left),
        ("peak", Side::Right),
        ("mean", Side::Right),
        ("in all", Side::Right),
        ("", Side::Left),
    ]);
    for (tier, rate) in digest::rates(measured) {
        rates.row(&[
            tier.to_owned(),
            figure::known_rate(rate.peak_per_s),
            figure::known_rate(rate.mean_per_s),
            rate.count.map_or_else(|| NONE.to_owned(), figure::number),
            words::tier(tier).to_owned(),
        ]);
    }
    table(page, &rates);
}

fn operations(page: &mut Page, measured: &Measured) {
    let operations = digest::operations(measured);
    if operations.is_empty() {
        return;
    }
    page.heading("Operations (response time from intended to done)");
    // Virtual time knows no first byte.
    let first_bytes = operations.iter().any(|(_, operation)| operation.first_byte_ms.is_some());
    let mut header = vec![
        ("operation", Side::Left),
        ("count", Side::Right),
        ("p50", Side::Right),
        ("p99", Side::Right),
        ("max", Side::Right),
        ("service p99", Side::Right),
    ];
    header.extend(first_bytes.then_some(("first byte p99", Side::Right)));
    let mut times = Table::new(&header);
    for (word, operation) in &operations {
        let response = |read: fn(&Percentiles) -> f64| time(operation.response_ms.as_ref(), read);
        let mut row = vec![
            (*word).to_owned(),
            figure::number(operation.count),
            response(|of| of.p50),
            response(|of| of.p99),
            response(|of| of.max),
            time(operation.service_ms.as_ref(), |of| of.p99),
        ];
        row.extend(first_bytes.then(|| time(operation.first_byte_ms.as_ref(), |of| of.p99)));
        times.row(&row);
    }
    let lines = times.lines("  ");
    let (header, rows) = lines.split_first().expect("a table has a header");
    page.line(header);
    for (row, (_, operation)) in rows.iter().zip(&operations) {
        page.line(row);
        page.wrapped("      ", &outcomes(operation));
    }
}

fn outcomes(operation: &OperationSummary) -> String {
    let outcomes = digest::outcomes(operation);
    if let [(outcome, _)] = outcomes[..] {
        return format!("all {outcome}");
    }
    let counts = outcomes
        .into_iter()
        .map(|(outcome, count)| format!("{outcome}{UNBROKEN}{}", figure::number(count)));
    counts.collect::<Vec<_>>().join(" · ")
}

fn time(percentiles: Option<&Percentiles>, read: fn(&Percentiles) -> f64) -> String {
    percentiles.map_or_else(|| NONE.to_owned(), |of| figure::milliseconds(read(of)))
}

fn fans(page: &mut Page, measured: &Measured) {
    let arrived = measured.fans.arrived;
    page.heading(&format!("Fans: {} arrived", figure::number(arrived)));
    let mut fans = Table::new(&[
        ("", Side::Left),
        ("fans", Side::Right),
        ("share", Side::Right),
        ("", Side::Left),
    ]);
    for (departure, count) in digest::departures(measured) {
        fans.row(&[
            departure.to_owned(),
            figure::number(count),
            figure::share(count, arrived),
            words::departure(departure).to_owned(),
        ]);
    }
    let there = digest::still_there(measured);
    if there > 0 {
        fans.row(&[
            "still there".to_owned(),
            figure::number(there),
            figure::share(there, arrived),
            "had not left when the run ended".to_owned(),
        ]);
    }
    for line in fans.lines("  ").into_iter().skip(1) {
        page.line(&line);
    }
}

fn payments(page: &mut Page, measured: &Measured) {
    let payments = &measured.payments;
    let orders = &measured.orders;
    page.heading("Orders and payments");
    page.wrapped("  ", &words::course_of_orders(orders));
    if payments.ledger == Presence::Missing {
        page.wrapped("  ", "payments: not known, there is no ledger of the provider");
        return;
    }
    let given_back = match payments.refunded {
        0 => String::new(),
        refunded => format!(", {} given back", figure::number(refunded)),
    };
    page.wrapped(
        "  ",
        &format!(
            "payments: {} authorized, {} captured, {} voided{given_back}; {} calls refused by a limiter",
            figure::number(payments.authorized),
            figure::number(payments.captured),
            figure::number(payments.voided),
            figure::number(payments.refused)
        ),
    );
    if payments.orphaned == 0 && payments.authorized == 0 {
        page.wrapped("  ", "orphaned: none, nothing was authorized");
    } else if payments.orphaned == 0 {
        page.wrapped("  ", "orphaned: none, every authorization was captured or voided");
    } else {
        let text = format!(
            "✗ orphaned: {} authorizations worth {} neither captured nor voided",
            figure::number(payments.orphaned),
            figure::money(payments.orphaned_amount)
        );
        page.toned(Tone::Bad, "  ", &text);
    }
}

/// Writes a table's lines.
pub(super) fn table(page: &mut Page, table: &Table) {
    for line in table.lines("  ") {
        page.line(&line);
    }
}
