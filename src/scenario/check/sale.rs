//! `[[sale]]`: what is for sale, when and for how long.

use domain::money::Amount;
use domain::shop::{CHOICES_MAX, Item, Sale, Slot};
use domain::time::{Duration, Offset, Span, Time};

use crate::scenario::Late;
use crate::scenario::check::lottery::lottery;
use crate::scenario::check::{
    COUNT_MAX, Checker, RUN_MAX, Seen, Setting, TABLES_MAX, stands_without_a_sale,
};
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::scenario::written::{File, ItemTable, SaleTable, SlotTable};

/// The dearest piece [minor units]: with [`COUNT_MAX`] pieces the money still fits 64 bits.
const PRICE_MAX: u64 = 900_000_000_000;

/// When a sale opens.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Opening {
    /// So long after the run's beginning.
    After(Duration),
    /// At an instant of UTC \[ns\].
    At {
        /// Nanoseconds since 1970.
        utc_ns: u64,
    },
}

/// A sale as meant, but for its opening's place in the run.
pub(super) struct MeantSale {
    /// When it opens; absent where that cannot be read.
    pub(super) opening: Option<Opening>,
    /// The rest; it opens at the run's beginning.
    pub(super) sale: Sale,
    /// How much each item is wanted.
    pub(super) demand: Vec<f64>,
}

/// All sales of `file`.
pub(super) fn sales(
    checker: &mut Checker,
    file: &File,
    root: Place<'_>,
    setting: Setting<'_>,
) -> Vec<MeantSale> {
    if file.sale.is_empty() && !stands_without_a_sale(root) {
        checker.required_list(0, root, "the scenario", "sale");
    }
    if file.sale.len() > TABLES_MAX {
        checker.wrong(root.key("sale"), format!("a scenario has at most {TABLES_MAX} sales"));
    }
    let mut seen = Names::default();
    let place = root.key("sale");
    let each = file.sale.iter().enumerate();
    let needs = if file.target.is_some() || root.struck("target") {
        Needs::LedgerSays
    } else {
        Needs::Stock
    };
    each.map(|(index, table)| {
        let here = place.index(index);
        let mut meant = sale(checker, table, here, (&mut seen, needs), setting);
        meant.sale.lottery = lottery(checker, table, file, here);
        meant
    })
    .collect()
}

/// Whether an item must say how many pieces there are.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Needs {
    /// It must.
    Stock,
    /// A shop's own ledger says, where the item does not.
    LedgerSays,
}

#[derive(Default)]
struct Names {
    sales: Seen,
    items: Seen,
}

fn sale(
    checker: &mut Checker,
    table: &SaleTable,
    place: Place<'_>,
    (seen, needs): (&mut Names, Needs),
    setting: Setting<'_>,
) -> MeantSale {
    let name = "`[[sale]]`";
    let id = checker.required(table.id.as_ref(), place, name, "id");
    checker.identifier(&id, "sale", &mut seen.sales, place, "id");
    if id.contains('/') {
        checker
            .wrong(place.key("id"), format!("{id:?} cannot name a sale"))
            .mark("without `/`, which stands between sale and slot in the files of a run");
    }
    let lasts = checker.required(table.lasts.as_ref(), place, name, "lasts");
    if table.lasts.is_some() {
        duration(checker, lasts, place, "lasts");
    }
    let opening = opening(checker, table, lasts, place, setting);
    if let Some(limit) = table.limit_per_fan {
        checker.count(limit, (1, u32::MAX), place, "limit_per_fan");
    }
    let items = items(checker, &table.items, place, &mut seen.items, needs);
    let slots = slots(checker, &table.slots, place);
    MeantSale {
        opening,
        sale: Sale {
            id,
            opens: Time::ZERO,
            closes: Time::ZERO + lasts.0,
            limit_per_fan: table.limit_per_fan.unwrap_or(u32::MAX),
            items,
            slots,
            lottery: None,
        },
        demand: demand(checker, &table.items, place),
    }
}

fn duration(checker: &mut Checker, span: Span, place: Place<'_>, key: &str) {
    checker.lasting(span.0, place, key);
    if span.0 > RUN_MAX {
        checker.wrong(place.key(key), format!("`{key}` is longer than a week"));
    }
}

/// When the sale opens: a moment after the run's beginning, or an instant that is not past; absent
/// where something is wrong with it.
fn opening(
    checker: &mut Checker,
    table: &SaleTable,
    lasts: Span,
    place: Place<'_>,
    setting: Setting<'_>,
) -> Option<Opening> {
    let text = checker.required(table.opens.as_ref(), place, "`[[sale]]`", "opens");
    table.opens.as_ref()?;
    let here = place.key("opens");
    if let Ok(offset) = text.parse::<Offset>() {
        let after = offset.from(Time::ZERO) - Time::ZERO;
        if offset.seconds() < 0.0 {
            checker
                .wrong(here, "a sale cannot open before the run begins")
                .mark("counts from the run's beginning");
            return None;
        }
        if after > RUN_MAX {
            checker.wrong(here, "`opens` is later than a week after the run's beginning");
        }
        return Some(Opening::After(after));
    }
    let Some(utc_ns) = parse_instant(&text) else {
        checker
            .wrong(here, format!("{text:?} is no time of opening"))
            .advise("write \"+40s\" after the run's beginning, or \"2026-12-24T12:00:00+09:00\"");
        return None;
    };
    if let Some(now) = setting.context.now_utc_ns {
        not_past(checker, (utc_ns, lasts.0), now, setting.context.late, here);
    }
    Some(Opening::At { utc_ns })
}

/// An instant with its offset from UTC, or a `Z` \[ns of UTC\].
fn parse_instant(text: &str) -> Option<u64> {
    let timestamp: jiff::Timestamp = text.trim().parse().ok()?;
    u64::try_from(timestamp.as_nanosecond()).ok()
}

/// How far ahead an instant must be in real time: the embedded shop and provider start and fill
/// their stock first.
pub(super) const AHEAD_MIN: Duration = Duration::from_secs(5);

fn not_past(
    checker: &mut Checker,
    (opens_utc_ns, lasts): (u64, Duration),
    now_utc_ns: u64,
    late: Late,
    here: Place<'_>,
) {
    let from_now = i128::from(opens_utc_ns) - i128::from(now_utc_ns);
    let lasts = i128::try_from(lasts.as_nanos()).unwrap_or(i128::MAX);
    let ahead = i128::try_from(AHEAD_MIN.as_nanos()).expect("a few seconds fit");
    let seconds = from_now as f64 / 1e9;
    if from_now + lasts <= 0 && lasts > 0 {
        checker
            .wrong(here, "the sale is over")
            .mark(format!("it closed {:.0} s ago", -((from_now + lasts) as f64) / 1e9));
    } else if late == Late::Refused && from_now <= 0 {
        let problem = checker.wrong(here, "the sale has opened already");
        problem.mark(format!("{:.0} s ago", -seconds));
        problem.advise("`--late` runs what is left of it");
    } else if late == Late::Refused && from_now < ahead {
        let needed = AHEAD_MIN.as_secs();
        let problem = checker.wrong(here, "the sale opens too soon to be ready for it");
        problem.mark(format!("in {seconds:.1} s: at least {needed} s are needed"));
        problem.advise(
            "the file is right, and the clock is late: let the sale open later, or let `--late` run it \
             all the same",
        );
    }
}

fn items(
    checker: &mut Checker,
    tables: &[ItemTable],
    sale: Place<'_>,
    seen: &mut Seen,
    needs: Needs,
) -> Vec<Item> {
    let name = "`items` of `[[sale]]`";
    let place = sale.key("items");
    checker.required_list(tables.len(), sale, "`[[sale]]`", "items");
    too_many(checker, tables.len(), place, "items");
    let mut items = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let here = place.index(index);
        let id = checker.required(table.id.as_ref(), here, name, "id");
        checker.identifier(&id, "item", seen, here, "id");
        let stock = match needs {
            Needs::Stock => checker.required(table.stock.as_ref(), here, name, "stock"),
            Needs::LedgerSays => table.stock.unwrap_or_default(),
        };
        if here.has("stock") {
            checker.count(stock, (1, COUNT_MAX), here, "stock");
        }
        let price = checker.required(table.price.as_ref(), here, name, "price");
        if here.has("price") && !(1..=PRICE_MAX).contains(&price) {
            checker
                .wrong(here.key("price"), format!("`price` is {price}"))
                .mark(format!("must be from 1 to {} minor units", grouped(PRICE_MAX)));
        }
        items.push(Item { id, stock, price: Amount::new(price) });
    }
    items
}

fn slots(checker: &mut Checker, tables: &[SlotTable], sale: Place<'_>) -> Vec<Slot> {
    let name = "`slots` of `[[sale]]`";
    let place = sale.key("slots");
    too_many(checker, tables.len(), place, "slots");
    let mut seen = Seen::default();
    let mut slots = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let here = place.index(index);
        let id = checker.required(table.id.as_ref(), here, name, "id");
        checker.identifier(&id, "slot of this sale", &mut seen, here, "id");
        let capacity = checker.required(table.capacity.as_ref(), here, name, "capacity");
        if here.has("capacity") {
            checker.count(capacity, (1, COUNT_MAX), here, "capacity");
        }
        slots.push(Slot { id, capacity });
    }
    slots
}

fn too_many(checker: &mut Checker, count: usize, place: Place<'_>, key: &str) {
    if count > CHOICES_MAX {
        checker
            .wrong(place, format!("{count} {key} in one sale"))
            .mark(format!("at most {CHOICES_MAX}"));
    }
}

/// How much each item is wanted, not all 0.
fn demand(checker: &mut Checker, tables: &[ItemTable], sale: Place<'_>) -> Vec<f64> {
    let place = sale.key("items");
    let demand: Vec<f64> = tables.iter().map(|table| table.demand.unwrap_or(1.0)).collect();
    for (index, weight) in demand.iter().enumerate() {
        if !(weight.is_finite() && *weight >= 0.0) {
            let here = place.index(index).key("demand");
            checker.wrong(here, format!("`demand` is {weight}")).mark("must be 0 or more");
        }
    }
    if !demand.is_empty() && demand.iter().all(|weight| *weight == 0.0) {
        checker.wrong(place, "nobody wants any item of this sale").mark("`demand` is 0 for all");
    }
    demand
}
