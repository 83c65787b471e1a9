//! `lottery` of `[[sale]]`: moments that follow each other, in a shop that can keep them.

use domain::shop::{Lottery, Redraw};
use domain::time::{Duration, Offset, Span, Time};
use reference_shop::settings::{Inventory, Saga};

use crate::scenario::check::{Checker, RUN_MAX};
use crate::scenario::place::Place;
use crate::scenario::written::{File, LotteryTable, SaleTable};

/// The most draws after the first.
const REDRAWS_MAX: u32 = 100;

/// The lottery of a sale, if it has one.
pub(super) fn lottery(
    checker: &mut Checker,
    table: &SaleTable,
    file: &File,
    sale: Place<'_>,
) -> Option<Lottery> {
    let written = table.lottery.as_ref()?;
    let place = sale.key("lottery");
    let lottery = moments(checker, written, place);
    if !table.slots.is_empty() {
        checker
            .wrong(sale.key("slots"), "a sale by lot has no slots")
            .mark("a draw gives out pieces")
            .advise("leave `slots` out, or make each slot an item");
    }
    if file.target.is_some() {
        checker
            .wrong(place, "`lottery` is about the embedded shop: your own draws its lots by itself")
            .advise("leave `lottery` out");
        return Some(lottery);
    }
    if file.shop.saga != Saga::ReserveFirst {
        checker
            .wrong(place, "a lottery reserves what is won before it is paid, and `saga` pays first")
            .mark("needs `saga = \"reserve-first\"`")
            .advise("write `saga = \"reserve-first\"` in `[shop]`");
    }
    if file.shop.storage.is_redis() {
        checker
            .wrong(place, "a draw takes many pieces at once, which Redis and the shop's file do not count as one")
            .mark("needs another `storage`")
            .advise("write `storage = \"sqlite\"`, `\"memory\"` or `\"postgres\"` in `[shop]`");
    }
    again(checker, &lottery, file, place);
    let lasts = table.lasts.unwrap_or_default().0;
    if table.lasts.is_some() && lasts < lottery.ends() {
        checker
            .wrong(
                sale.key("lasts"),
                format!(
                    "the sale lasts {}, and the last winners pay until +{}",
                    Span(lasts),
                    Span(lottery.ends())
                ),
            )
            .mark("ends before the lottery does")
            .advise(format!("write `lasts = \"{}\"` or longer", Span(lottery.ends())));
    }
    Some(lottery)
}

/// What is drawn again.
fn again(checker: &mut Checker, lottery: &Lottery, file: &File, place: Place<'_>) {
    if lottery.redraw != Redraw::BeforeRelease {
        return;
    }
    if lottery.redraws == 0 {
        checker
            .wrong(place.key("redraw"), "nothing is drawn again before its release or after it")
            .mark("`redraws` is 0")
            .advise("write `redraws = 1`, or leave `redraw` out");
    }
    if file.shop.inventory != Inventory::NaiveCounter {
        let message = "what is held is given away again only where a counter takes off blindly";
        checker
            .wrong(place.key("redraw"), message)
            .mark("needs `inventory = \"naive-counter\"`")
            .advise("write `inventory = \"naive-counter\"` in `[shop]`, or leave `redraw` out");
    }
}

fn moments(checker: &mut Checker, table: &LotteryTable, place: Place<'_>) -> Lottery {
    let name = "`lottery` of `[[sale]]`";
    let entries_close = after_opening(checker, table.entries_close, place, "entries_close");
    let results = after_opening(checker, table.results, place, "results");
    let pay_by = checker.required(table.pay_by.as_ref(), place, name, "pay_by");
    if table.pay_by.is_some() {
        checker.lasting(pay_by.0, place, "pay_by");
    }
    if table.entries_close.is_some_and(|close| close.seconds() >= 0.0) {
        checker.lasting(entries_close.0, place, "entries_close");
    }
    if table.entries_close.is_some() && table.results.is_some() && results < entries_close {
        checker
            .wrong(place.key("results"), "the results are out before entries close")
            .mark(format!("entries close at +{entries_close}"))
            .advise(format!("write `results = \"+{entries_close}\"` or later"));
    }
    let redraws = table.redraws.unwrap_or(0);
    checker.count(redraws, (0, REDRAWS_MAX), place, "redraws");
    let redraw = table.redraw.unwrap_or_default();
    Lottery { entries_close, results, pay_by, redraws, redraw }
}

/// A moment after the opening.
fn after_opening(
    checker: &mut Checker,
    offset: Option<Offset>,
    place: Place<'_>,
    key: &str,
) -> Span {
    let offset = checker.required(offset.as_ref(), place, "`lottery` of `[[sale]]`", key);
    let after = offset.from(Time::ZERO) - Time::ZERO;
    if offset.seconds() < 0.0 {
        checker
            .wrong(place.key(key), format!("`{key}` is before the opening"))
            .mark("counts from the opening, and a lottery begins with it");
    } else if after > RUN_MAX {
        checker.wrong(place.key(key), format!("`{key}` is later than a week after the opening"));
    }
    Span(after.min(RUN_MAX).max(Duration::ZERO))
}
