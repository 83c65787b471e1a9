//! The first screen: did it hold, what broke, what was sold, how long people waited, what to do.

use serde::Serialize;

use crate::measure::{Measured, Presence};
use crate::report::breaking::first_to_break;
use crate::report::figure::{self, NONE};
use crate::report::{digest, limits, recovery, words};
use crate::verdict::{Judged, Summary};

/// The answers, each as text.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    tone: &'static str,
    symbol: char,
    headline: &'static str,
    word: &'static str,
    exit_code: u8,
    broken: Option<String>,
    witness: Option<String>,
    /// Further violations, then further reasons.
    reasons: Vec<String>,
    first_to_break: String,
    limits: Vec<String>,
    recoveries: Vec<String>,
    next: String,
    scenario: String,
    world: &'static str,
    started_at: String,
    took: String,
    seed: String,
    scale: String,
    tiles: Vec<Tile>,
}

/// One figure that people ask for first.
#[derive(Debug, Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    remark: String,
    tone: &'static str,
    symbol: char,
}

impl Answer {
    pub(super) fn of(summary: &Summary) -> Self {
        let judged = &summary.result;
        let from = &summary.provenance;
        let tone = words::verdict_tone(judged.verdict);
        let first = words::violated(judged).next();
        let also = words::violated(judged)
            .skip(1)
            .map(|finding| words::sentence(&words::violation(finding)));
        Self {
            tone: tone.word(),
            symbol: tone.symbol(),
            headline: words::headline(judged.verdict),
            word: judged.verdict.word(),
            exit_code: judged.exit_code,
            broken: first.map(|finding| words::sentence(&words::violation(finding))),
            witness: first.and_then(|finding| finding.witness.first().cloned()),
            reasons: also.chain(words::further_reasons(judged).cloned()).collect(),
            first_to_break: first_to_break(&judged.measured),
            limits: limits::sentences(judged),
            recoveries: recovery::sentences(&judged.measured),
            next: words::next(judged),
            scenario: from.scenario.clone(),
            world: words::world(judged.world),
            started_at: from.started_at.clone(),
            took: words::took(from.took_s),
            seed: from.seed.to_string(),
            scale: from.scale.to_string(),
            tiles: vec![
                sold(judged),
                stranded(judged),
                orphaned(&judged.measured),
                waited("Reload answered", "reload", &judged.measured),
                waited("Checkout answered", "checkout", &judged.measured),
            ],
        }
    }
}

fn tile(label: &'static str, value: String, remark: String, tone: words::Tone) -> Tile {
    Tile { label, value, remark, tone: tone.word(), symbol: tone.symbol() }
}

/// Only what was sold in full and to nobody too many deserves a tick: not a sale of which more pieces or
/// places went than there were, by whosever count.
fn sold(judged: &Judged) -> Tile {
    let measured = &judged.measured;
    if !digest::says_what_was_sold(measured) {
        let remark = "nobody says what was sold".to_owned();
        return tile("Pieces sold", NONE.to_owned(), remark, words::Tone::Open);
    }
    let pieces = digest::pieces(measured);
    let mut remark = format!(
        "of {} sellable, {} in stock",
        figure::number(pieces.sellable),
        figure::number(pieces.stock)
    );
    let oversold = digest::checked(judged, "INV-OVERSELL").unwrap_or(0).max(pieces.oversold);
    let tone = if pieces.stock == 0 {
        words::Tone::Quiet
    } else if oversold > 0 {
        remark = format!("{remark}, {} oversold", figure::number(oversold));
        words::Tone::Bad
    } else if pieces.sold < pieces.sellable {
        words::Tone::Bad
    } else if pieces.sold > pieces.sellable {
        // More than the bounds of payment and places let expect: nobody's fault, and no success either.
        words::Tone::Quiet
    } else {
        words::Tone::Good
    };
    tile("Pieces sold", figure::number(pieces.sold), remark, tone)
}

fn stranded(judged: &Judged) -> Tile {
    let (value, remark, tone) = match digest::checked(judged, "INV-STRANDED") {
        None => (NONE.to_owned(), "not checked", words::Tone::Open),
        Some(0) => ("0".to_owned(), "nothing stayed reserved", words::Tone::Good),
        Some(count) => (figure::number(count), "reserved for orders never paid", words::Tone::Bad),
    };
    tile("Stranded", value, remark.to_owned(), tone)
}

fn orphaned(measured: &Measured) -> Tile {
    let payments = &measured.payments;
    if payments.ledger == Presence::Missing {
        let remark = "there is no ledger of the provider".to_owned();
        return tile("Orphaned", NONE.to_owned(), remark, words::Tone::Open);
    }
    let (remark, tone) = if payments.orphaned > 0 {
        let money = figure::money(payments.orphaned_amount);
        (format!("authorizations holding {money}"), words::Tone::Bad)
    } else if payments.authorized > 0 {
        ("authorizations; all captured or voided".to_owned(), words::Tone::Good)
    } else {
        ("nothing was authorized".to_owned(), words::Tone::Quiet)
    };
    tile("Orphaned", figure::number(payments.orphaned), remark, tone)
}

/// How long people waited for an operation: the half and the 99 % of them.
fn waited(label: &'static str, word: &str, measured: &Measured) -> Tile {
    let response = measured.operations.get(word).and_then(|operation| operation.response_ms);
    let (value, remark) = match response {
        Some(of) => (
            figure::milliseconds(of.p50),
            format!("for half of them, 99 % within {}", figure::milliseconds(of.p99)),
        ),
        None => (NONE.to_owned(), "nothing was measured".to_owned()),
    };
    tile(label, value, remark, words::Tone::Quiet)
}
