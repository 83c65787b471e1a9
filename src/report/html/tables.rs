//! The page's tables, as text.

use domain::outcome::Departure;
use serde::Serialize;

use crate::audit::{Finding, Status};
use crate::measure::{Measured, Percentiles, SaleSummary};
use crate::report::figure::{self, NONE};
use crate::report::{chart, digest, invariant, sale, words};
use crate::verdict::{Assessment, Judged};

/// What happened to a step of a foreign shop, and an answer with which it did.
#[derive(Debug, Serialize)]
pub(super) struct ComplaintRow {
    what: String,
    example: String,
}

/// What could not be understood or said.
pub(super) fn complaints(judged: &Judged) -> Vec<ComplaintRow> {
    let rows = judged.complaints.iter().map(|complaint| ComplaintRow {
        what: words::complaint(complaint),
        example: complaint.example.as_ref().map(words::example).unwrap_or_default(),
    });
    rows.collect()
}

/// A step of the funnel.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    name: &'static str,
    /// The operation's word.
    word: &'static str,
    tried: String,
    succeeded: String,
    share: String,
    /// For a bar, in percent.
    percent: String,
    otherwise: String,
}

/// The funnel from the page to the payment; steps that nobody took are left out.
pub(super) fn steps(measured: &Measured) -> Vec<Step> {
    const STEPS: [(&str, &str); 7] = [
        ("reload", "reloaded the page"),
        ("login", "signed in"),
        ("slots", "looked at the pickup slots"),
        ("item", "looked at an item"),
        ("cart", "filled the cart"),
        ("checkout", "checked out"),
        ("poll", "asked what became of it"),
    ];
    let taken = STEPS.iter().filter_map(|(word, name)| {
        let operation = measured.operations.get(*word).filter(|operation| operation.count > 0)?;
        let succeeded = operation.outcomes.get("ok").copied().unwrap_or(0);
        let others =
            digest::outcomes(operation).into_iter().filter(|(outcome, _)| *outcome != "ok");
        let otherwise: Vec<String> =
            others.map(|(outcome, count)| format!("{outcome} {}", figure::number(count))).collect();
        Some(Step {
            name,
            word,
            tried: figure::number(operation.count),
            succeeded: figure::number(succeeded),
            share: figure::share(succeeded, operation.count),
            percent: percent(succeeded, operation.count),
            otherwise: otherwise.join(" · "),
        })
    });
    taken.collect()
}

/// A share from 0 to 100 for a style sheet.
fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    format!("{:.1}", share.min(1.0) * 100.0)
}

/// A part of the fans.
#[derive(Debug, Serialize)]
pub(super) struct Share {
    word: String,
    meaning: &'static str,
    count: String,
    of_all: String,
    percent: String,
}

fn of_arrived(measured: &Measured, word: &str, meaning: &'static str, count: u64) -> Share {
    let arrived = measured.fans.arrived;
    Share {
        word: word.to_owned(),
        meaning,
        count: figure::number(count),
        of_all: figure::share(count, arrived),
        percent: percent(count, arrived),
    }
}

/// The fans who bought.
pub(super) fn bought(measured: &Measured) -> Share {
    let word = Departure::Bought.word();
    let count = measured.fans.departed.get(word).copied().unwrap_or(0);
    of_arrived(measured, word, words::departure(word), count)
}

/// How the fans left, and who had not.
pub(super) fn departures(measured: &Measured) -> Vec<Share> {
    let share = |word: &str, meaning, count| of_arrived(measured, word, meaning, count);
    let mut shares: Vec<Share> = digest::departures(measured)
        .into_iter()
        .map(|(word, count)| share(word, words::departure(word), count))
        .collect();
    let there = digest::still_there(measured);
    if there > 0 {
        shares.push(share("still there", "had not left when the run ended", there));
    }
    shares
}

/// An operation's counts and times.
#[derive(Debug, Serialize)]
pub(super) struct OperationRow {
    name: String,
    count: String,
    /// p50, p90, p95, p99, p99.9, max.
    response: Vec<String>,
    service_p99: String,
    first_byte_p99: String,
    outcomes: Vec<OutcomeView>,
}

/// An outcome and how often it came.
#[derive(Debug, Serialize)]
pub(super) struct OutcomeView {
    word: String,
    count: String,
    share: String,
}

/// The operations in the order of the funnel.
pub(super) fn operations(measured: &Measured) -> Vec<OperationRow> {
    let rows = digest::operations(measured).into_iter().map(|(word, operation)| OperationRow {
        name: word.to_owned(),
        count: figure::number(operation.count),
        response: times(operation.response_ms.as_ref()),
        service_p99: p99(operation.service_ms.as_ref()),
        first_byte_p99: p99(operation.first_byte_ms.as_ref()),
        outcomes: digest::outcomes(operation)
            .into_iter()
            .map(|(outcome, count)| OutcomeView {
                word: outcome.to_owned(),
                count: figure::number(count),
                share: figure::share(count, operation.count),
            })
            .collect(),
    });
    rows.collect()
}

fn p99(percentiles: Option<&Percentiles>) -> String {
    percentiles.map_or_else(|| NONE.to_owned(), |of| figure::milliseconds(of.p99))
}

/// p50, p90, p95, p99, p99.9 and the longest.
pub(super) fn times(percentiles: Option<&Percentiles>) -> Vec<String> {
    match percentiles {
        Some(of) => {
            [of.p50, of.p90, of.p95, of.p99, of.p99_9, of.max].map(figure::milliseconds).to_vec()
        }
        None => vec![NONE.to_owned(); 6],
    }
}

/// A tier's requests per second.
#[derive(Debug, Serialize)]
pub(super) struct RateRow {
    tier: String,
    counts: &'static str,
    peak: String,
    mean: String,
    count: String,
}

/// The tiers from the fans inwards.
pub(super) fn rates(measured: &Measured) -> Vec<RateRow> {
    let rows = digest::rates(measured).into_iter().map(|(tier, rate)| RateRow {
        tier: tier.to_owned(),
        counts: words::tier(tier),
        peak: figure::known_rate(rate.peak_per_s),
        mean: figure::known_rate(rate.mean_per_s),
        count: rate.count.map_or_else(|| NONE.to_owned(), figure::number),
    });
    rows.collect()
}

/// A sale.
#[derive(Debug, Serialize)]
pub(super) struct SaleView {
    id: String,
    course: String,
    items: Vec<ItemRow>,
    slots: Vec<SlotRow>,
}

#[derive(Debug, Serialize)]
struct ItemRow {
    id: String,
    stock: String,
    sold: String,
    sellable: String,
    share: String,
    percent: String,
    remark: String,
}

#[derive(Debug, Serialize)]
struct SlotRow {
    id: String,
    capacity: String,
    taken: String,
    share: String,
    percent: String,
    remark: String,
}

/// The sales with their items and slots.
pub(super) fn sales(measured: &Measured) -> Vec<SaleView> {
    let views = measured.sales.iter().map(|(id, sale)| SaleView {
        id: id.clone(),
        course: sale::course(sale),
        items: items(sale),
        slots: slots(sale),
    });
    views.collect()
}

fn items(sale: &SaleSummary) -> Vec<ItemRow> {
    let rows = sale.items.iter().map(|(id, item)| ItemRow {
        id: id.clone(),
        stock: digest::counted(sale, item.stock),
        sold: digest::counted(sale, item.sold),
        sellable: digest::counted(sale, item.sellable),
        share: figure::share(item.sold, item.stock),
        percent: percent(item.sold, item.stock),
        remark: words::item_remark(sale, item),
    });
    rows.collect()
}

fn slots(sale: &SaleSummary) -> Vec<SlotRow> {
    let rows = sale.slots.iter().map(|(id, slot)| SlotRow {
        id: id.clone(),
        capacity: digest::counted(sale, slot.capacity),
        taken: digest::counted(sale, slot.taken),
        share: figure::share(slot.taken, slot.capacity),
        percent: percent(slot.taken, slot.capacity),
        remark: words::slot_remark(slot),
    });
    rows.collect()
}

/// A finding.
#[derive(Debug, Serialize)]
pub(super) struct FindingView {
    id: String,
    name: String,
    counted: String,
    violated: String,
    cure: &'static str,
    /// How much in each unit, and how much was allowed.
    figures: Vec<String>,
    witness: Vec<String>,
    /// The witness as a picture.
    picture: Option<String>,
    waived: Option<String>,
}

impl FindingView {
    pub(super) fn of(finding: &Finding) -> Self {
        let explanation = invariant::explain(&finding.id);
        Self {
            id: finding.id.clone(),
            name: finding.id.strip_prefix("INV-").unwrap_or(&finding.id).to_owned(),
            counted: words::counted(finding),
            violated: words::sentence(explanation.violated),
            cure: explanation.cure,
            figures: finding.figures.iter().map(figure::figured).collect(),
            witness: finding.witness.clone(),
            picture: None,
            waived: finding.waived.clone(),
        }
    }
}

/// The violated findings, each with a picture of its witness.
pub(super) fn violated(judged: &Judged) -> Vec<FindingView> {
    let pictured = |(place, finding): (usize, &Finding)| {
        let picture = chart::witness(finding, place).map(|svg| super::inlined(&svg));
        FindingView { picture, ..FindingView::of(finding) }
    };
    words::violated(judged).enumerate().map(pictured).collect()
}

/// The findings of a status that nobody complains of: of their figures, those that are not 0.
pub(super) fn findings(judged: &Judged, status: Status) -> Vec<FindingView> {
    let of_status = judged.findings.iter().filter(|finding| finding.status == status);
    let told = of_status.map(|finding| {
        let told = finding.figures.iter().filter(|found| found.value != 0.0);
        FindingView { figures: told.map(figure::figured).collect(), ..FindingView::of(finding) }
    });
    told.collect()
}

/// An objective and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct ObjectiveView {
    text: String,
    tone: &'static str,
    symbol: char,
    status: &'static str,
    value: String,
    reason: String,
}

impl ObjectiveView {
    pub(super) fn of(assessment: &Assessment) -> Self {
        let tone = words::assessment_tone(assessment.status);
        Self {
            text: assessment.text.clone(),
            tone: tone.word(),
            symbol: tone.symbol(),
            status: words::assessment_word(assessment.status),
            value: words::assessed(assessment),
            reason: assessment.reason.clone().unwrap_or_default(),
        }
    }
}
