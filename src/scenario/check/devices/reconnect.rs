//! `devices.reconnect`: by which rule a device waits before it connects.

use domain::time::{Duration, Span};

use super::GAP_MIN;
use crate::device::{Ocpp, Reconnect};
use crate::scenario::check::Checker;
use crate::scenario::place::Place;
use crate::scenario::written::devices::{ReconnectTable, ReconnectWord};

/// What the table is called.
const TABLE: &str = "`reconnect`";
/// The most doublings: of 10 s they make three centuries.
const DOUBLINGS_MAX: u32 = 30;

pub(super) fn reconnect(
    checker: &mut Checker,
    table: &ReconnectTable,
    place: Place<'_>,
) -> Reconnect {
    use ReconnectWord::{Decorrelated, EqualJitter, Fixed, FullJitter, Immediate, Ocpp as Charge};
    let is_jitter = matches!(table.strategy, FullJitter | EqualJitter | Decorrelated);
    let is_ocpp = table.strategy == Charge;
    for (key, is_given, belongs, of) in [
        ("every", table.every.is_some(), table.strategy == Fixed, "fixed"),
        ("base", table.base.is_some(), is_jitter, "full-jitter"),
        ("cap", table.cap.is_some(), is_jitter, "full-jitter"),
        ("minimum", table.minimum.is_some(), is_ocpp, "ocpp"),
        ("doublings", table.doublings.is_some(), is_ocpp, "ocpp"),
        ("range", table.range.is_some(), is_ocpp, "ocpp"),
        ("doubles", table.doubles.is_some(), is_ocpp, "ocpp"),
    ] {
        if is_given && !belongs {
            checker.of_another(place, key, of);
        }
    }
    match table.strategy {
        Immediate => Reconnect::Immediate,
        Fixed => Reconnect::Fixed { every: needed(checker, table.every, place, "every") },
        FullJitter => {
            let (base, cap) = bounds(checker, table, place);
            Reconnect::FullJitter { base, cap }
        }
        EqualJitter => {
            let (base, cap) = bounds(checker, table, place);
            Reconnect::EqualJitter { base, cap }
        }
        Decorrelated => {
            let (base, cap) = bounds(checker, table, place);
            Reconnect::Decorrelated { base, cap }
        }
        Charge => Reconnect::Ocpp(ocpp(checker, table, place)),
    }
}

fn bounds(checker: &mut Checker, table: &ReconnectTable, place: Place<'_>) -> (Duration, Duration) {
    let base = needed(checker, table.base, place, "base");
    let cap = needed(checker, table.cap, place, "cap");
    if table.base.is_some() && table.cap.is_some() && cap < base {
        checker
            .wrong(place.key("cap"), format!("`cap` is {}, and `base` {}", Span(cap), Span(base)))
            .mark("must not be less than `base`");
    }
    (base, cap.max(base))
}

fn ocpp(checker: &mut Checker, table: &ReconnectTable, place: Place<'_>) -> Ocpp {
    let minimum = needed(checker, table.minimum, place, "minimum");
    let doublings = checker.required(table.doublings.as_ref(), place, TABLE, "doublings");
    if place.has("doublings") {
        checker.count(doublings, (0, DOUBLINGS_MAX), place, "doublings");
    }
    // None at all is a setting too: then all come at once.
    let range = checker.required(table.range.as_ref(), place, TABLE, "range").0;
    Ocpp { minimum, doublings, range, doubles: table.doubles.unwrap_or_default() }
}

fn needed(checker: &mut Checker, span: Option<Span>, place: Place<'_>, key: &str) -> Duration {
    let length = checker.required(span.as_ref(), place, TABLE, key).0;
    if span.is_some() && length < GAP_MIN {
        checker
            .wrong(place.key(key), format!("`{key}` is {}", Span(length)))
            .mark("must be 1ms or more");
    }
    length.max(GAP_MIN)
}
