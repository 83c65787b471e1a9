//! The first screen: did it hold, what broke, what was sold, how long people waited, what to do.

use serde::Serialize;

use crate::measure::{Measured, OperationSummary, Presence};
use crate::report::breaking::broke_first;
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
    /// Further violations, then further reasons.
    reasons: Vec<String>,
    broke_first: String,
    at_limit: Option<String>,
    recoveries: Vec<String>,
    /// What is asked of the next step.
    asked: &'static str,
    /// The change with which it would have held.
    changes: Vec<Change>,
    next: String,
    tried: Vec<String>,
    scenario: String,
    world: &'static str,
    started_at: String,
    took: String,
    seed: String,
    scale: String,
    tiles: Vec<Tile>,
}

/// A key of the scenario, and what it would have to be.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Change {
    key: String,
    value: String,
    /// What the first of several was without it; absent of the others.
    now: Option<String>,
}

/// One figure that people ask for first.
#[derive(Debug, Serialize)]
struct Tile {
    label: String,
    value: String,
    remark: String,
    tone: &'static str,
    symbol: char,
    /// Where the value stands in `summary.json`; empty where it does not stand there.
    at: String,
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
        let fixed = [sold(judged), stranded(judged), orphaned(&judged.measured)];
        Self {
            tone: tone.word(),
            symbol: tone.symbol(),
            headline: words::headline(judged.verdict),
            word: judged.verdict.word(),
            exit_code: judged.exit_code,
            broken: first.map(|finding| words::sentence(&words::violation(finding))),
            reasons: also.chain(words::further_reasons(judged).cloned()).collect(),
            broke_first: words::capital(&broke_first(&judged.measured)),
            at_limit: limits::at_limit(&judged.measured),
            recoveries: recovery::sentences(&judged.measured),
            asked: if tone == words::Tone::Bad { "What to change?" } else { "What to do next?" },
            changes: changes(judged),
            next: words::next(judged),
            tried: limits::tried(judged),
            scenario: from.scenario.clone(),
            world: words::world(judged.world),
            started_at: to_the_second(&from.started_at),
            took: words::took(from.took_s),
            seed: from.seed.to_string(),
            scale: from.scale.to_string(),
            tiles: fixed.into_iter().chain(waits(&judged.measured)).collect(),
        }
    }
}

/// A moment without parts of a second: `2026-11-21T03:00:00Z`.
fn to_the_second(moment: &str) -> String {
    match moment.split_once('.') {
        Some((second, rest)) => {
            let zone = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
            format!("{second}{zone}")
        }
        None => moment.to_owned(),
    }
}

/// The keys and values of the change with which the run held.
fn changes(judged: &Judged) -> Vec<Change> {
    let Some(probe) = limits::held_with(judged) else { return Vec::new() };
    let changes = probe.set.iter().enumerate().filter_map(|(place, set)| {
        let (key, value) = set.split_once('=')?;
        let now = (place == 0).then(|| probe.now.clone());
        Some(Change { key: key.to_owned(), value: value.to_owned(), now })
    });
    changes.collect()
}

fn tile(label: &str, value: String, remark: String, tone: words::Tone) -> Tile {
    let (tone, symbol) = (tone.word(), tone.symbol());
    Tile { label: label.to_owned(), value, remark, tone, symbol, at: String::new() }
}

impl Tile {
    fn at(self, place: &str) -> Self {
        Self { at: place.to_owned(), ..self }
    }
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
    let sold = figure::number(pieces.sold);
    tile("Pieces sold", sold, remark, tone).at("/result/sales/*/items/*/sold")
}

fn stranded(judged: &Judged) -> Tile {
    let (value, remark, tone) = match digest::checked(judged, "INV-STRANDED") {
        None => (NONE.to_owned(), "not checked", words::Tone::Open),
        Some(0) => ("0".to_owned(), "nothing stayed reserved", words::Tone::Good),
        Some(count) => (figure::number(count), "reserved for orders never paid", words::Tone::Bad),
    };
    tile("Stranded", value, remark.to_owned(), tone).at("/result/findings/INV-STRANDED/count")
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
    let orphaned = figure::number(payments.orphaned);
    tile("Orphaned", orphaned, remark, tone).at("/result/payments/orphaned")
}

/// How long people waited: for the page, or else for what comes first and takes any time, and at the checkout.
fn waits(measured: &Measured) -> Vec<Tile> {
    let takes = |operation: &OperationSummary| operation.response_ms.is_some_and(|of| of.max > 0.0);
    let timed: Vec<&str> = digest::operations(measured)
        .into_iter()
        .filter(|(_, operation)| takes(operation))
        .map(|(word, _)| word)
        .collect();
    let first = timed.iter().find(|word| !matches!(**word, "checkout" | "poll")).copied();
    let last = timed.iter().find(|word| **word == "checkout").copied();
    let tiles: Vec<Tile> =
        first.into_iter().chain(last).filter_map(|word| waited(word, measured)).collect();
    if !tiles.is_empty() {
        return tiles;
    }
    let remark = "nothing was answered, or nothing says how long it takes".to_owned();
    vec![tile("Waited", NONE.to_owned(), remark, words::Tone::Quiet)]
}

/// How long people waited for an operation: the half and the 99 % of them.
fn waited(word: &str, measured: &Measured) -> Option<Tile> {
    let of = measured.operations.get(word)?.response_ms?;
    let label = match word {
        "reload" => "Waited for the page".to_owned(),
        "checkout" => "Waited at checkout".to_owned(),
        other => format!("Waited at {other}"),
    };
    let remark = format!(
        "half of {} answers; 99 % within {}",
        figure::number(of.count),
        figure::milliseconds(of.p99)
    );
    // What stands in a place of `summary.json` is named as RFC 6901 has it.
    let place = format!("/result/operations/{}/response_ms/p50", super::token(word));
    Some(tile(&label, figure::milliseconds(of.p50), remark, words::Tone::Quiet).at(&place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Limited;
    use crate::report::fixture;
    use crate::verdict::Verdict;
    use crate::verdict::probe::Probe;

    #[test]
    fn the_change_with_which_it_holds_is_told_as_key_and_value() {
        let mut summary = fixture::failing();
        assert!(changes(&summary.result).is_empty());
        summary.result.probes = vec![Probe {
            what: Limited::Payment,
            set: vec!["shop.admission={ calls_per_second = 30 }".to_owned()],
            now: "none".to_owned(),
            verdict: Verdict::Pass,
            reason: None,
            first_to_break: None,
            is_at_limit: false,
        }];
        let [change] = &changes(&summary.result)[..] else { panic!("one key") };
        assert_eq!(change.key, "shop.admission");
        assert_eq!(change.value, "{ calls_per_second = 30 }");
        assert_eq!(change.now.as_deref(), Some("none"));
    }

    #[test]
    fn nobody_wants_to_know_the_nanosecond() {
        let shown =
            ["2026-11-23T20:25:20.580832336Z", "2026-11-21T11:59:20+09:00"].map(to_the_second);
        assert_eq!(shown, ["2026-11-23T20:25:20Z", "2026-11-21T11:59:20+09:00"]);
        assert_eq!(to_the_second("2026-11-21T11:59:20.25+09:00"), "2026-11-21T11:59:20+09:00");
    }

    #[test]
    fn who_has_no_page_waits_for_what_comes_first_and_takes_time() {
        let mut summary = fixture::passing();
        let labels = |summary: &Summary| -> Vec<String> {
            waits(&summary.result.measured).into_iter().map(|tile| tile.label).collect()
        };
        assert_eq!(labels(&summary), ["Waited for the page", "Waited at checkout"]);
        let operations = &mut summary.result.measured.operations;
        operations.retain(|word, _| !word.starts_with("reload"));
        if let Some(times) = &mut operations.get_mut("slots").unwrap().response_ms {
            times.max = 0.0;
        }
        assert_eq!(labels(&summary), ["Waited at item", "Waited at checkout"]);
        summary.result.measured.operations.clear();
        assert_eq!(labels(&summary), ["Waited"]);
    }
}
