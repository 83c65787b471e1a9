//! Rows about very many pieces, a row for each: how they are found in `PostgreSQL`.

use spike::measure::{DatabaseSummary, TableSummary};
use spike::verdict::Judged;

use crate::claim::{Claim, at_least, at_most, misses, passes};
use crate::row::Row;
use crate::stage::{Size, live_run};

pub(super) const TWO_MILLION: Row = Row {
    number: 7,
    name: "two-million-units",
    phenomenon: "two million rows cost no more than twenty thousand, with the right index and vacuum alone",
    lives: two_million,
};

const FREE: &str = "shop.units.index=free";

fn two_million(size: Size) -> Vec<Claim> {
    const FILE: &str = "stock/two-million-units";
    let few = ["sale.0.items.0.stock=10000", "shop.units.sold_before=90000"];
    let few: &[&str] = size.pick(&[], &few);
    let wrong = live_run(FILE, few);
    let right = live_run(FILE, &[few, &[FREE]].concat());
    let (Some(wrong), Some(right)) = (wrong, right) else {
        return vec![Claim::unseen("live, by the primary key and by the right index")];
    };
    let mut claims = vec![
        by("live, by the primary key alone", &wrong, "units_pkey"),
        by("live, by an index of the free rows", &right, "units_free"),
        passes("live, by an index of the free rows", &right),
        at_least("times what the statement that reserves takes, mean", times(&wrong, &right), 20.0),
        at_most("dead rows after vacuum, before the storm", dead_rows(&right), 0.0),
    ];
    if size == Size::Full {
        claims.push(misses("live, by the primary key alone", &wrong));
        claims.extend(at_two_million(FILE, &wrong));
    }
    claims
}

/// Orders per second where all that there is to do is to serve them, at two million rows and at twenty
/// thousand.
fn at_two_million(file: &str, wrong: &Judged) -> Vec<Claim> {
    /// As many as keep the shop busy for some seconds.
    const MANY: &str = "fans.0.count=4000";
    let lived = |set: &[&str]| live_run(file, &[&[FREE, MANY], set].concat());
    let late = lived(&[]);
    let early = lived(&["sale.0.items.0.stock=1800000", "shop.units.sold_before=200000"]);
    let few = lived(&["sale.0.items.0.stock=5000", "shop.units.sold_before=15000"]);
    let dead = lived(&["shop.units.vacuum=false"]);
    let pooled = lived(&["shop.units.pool=1000"]);
    let (Some(late), Some(early), Some(few), Some(dead), Some(pooled)) =
        (late, early, few, dead, pooled)
    else {
        return vec![Claim::unseen("live, orders per second at two million rows")];
    };
    let share = |one: &Judged, other: &Judged| per_s(one) / per_s(other);
    vec![
        at_least("orders per second, 90 % sold, of those at 10 %", share(&late, &early), 0.7),
        at_least("at two million rows, of those at twenty thousand", share(&late, &few), 0.7),
        at_most("by the primary key alone, of those by the right index", share(wrong, &late), 0.2),
        at_most("without vacuum, of those with it", share(&dead, &late), 0.9),
        at_least("without vacuum, times what the statement takes, mean", times(&dead, &late), 10.0),
        at_least("megabytes of its table and indexes", megabytes(&late), 200.0),
        at_least(
            "dead rows without vacuum, as the server estimates, before the storm",
            dead_rows(&dead),
            1_700_000.0,
        ),
        by("the plan, without vacuum", &dead, "units_free"),
        passes("a capped pool of a thousand rows", &pooled),
        at_least("its orders per second, of those with a row each", share(&pooled, &late), 0.7),
    ]
}

pub(super) const ANALYZE_SKIPPED: Row = Row {
    number: 45,
    name: "analyze-skipped",
    phenomenon: "no statistics after the bulk insert: all rows are sorted for each piece",
    lives: analyze_skipped,
};

fn analyze_skipped(size: Size) -> Vec<Claim> {
    const FILE: &str = "stock/analyze-skipped";
    let few: &[&str] = size.pick(&[], &["sale.0.items.0.stock=20000"]);
    let stale = live_run(FILE, few);
    let drawn = live_run(FILE, &[few, &["shop.units.analyze=true"]].concat());
    let (Some(stale), Some(drawn)) = (stale, drawn) else {
        return vec![Claim::unseen("live, with statistics and without")];
    };
    let mut claims = vec![
        by("live, no statistics drawn", &stale, "Sort"),
        by("live, drawn after the bulk insert", &drawn, "units_pkey"),
        passes("live, drawn after the bulk insert", &drawn),
        at_least("times what the statement that reserves takes, mean", times(&stale, &drawn), 10.0),
    ];
    if size == Size::Full {
        claims.push(misses("live, no statistics drawn", &stale));
        claims.push(at_least("times the checkout's p99", p99(&stale) / p99(&drawn), 5.0));
        claims.push(match live_run(FILE, &[FREE]) {
            Some(free) => by("the right index needs none", &free, "units_free"),
            None => Claim::unseen("the right index needs none"),
        });
    }
    claims
}

fn database(judged: &Judged) -> &DatabaseSummary {
    judged.measured.database.as_ref().unwrap()
}

/// The plan of the statement that reserves has this word, before the storm and after it.
fn by(what: &str, judged: &Judged, word: &str) -> Claim {
    let plan = database(judged).plan.as_ref().unwrap();
    let has = |lines: &[String]| lines.iter().any(|line| line.contains(word));
    let seen = plan.after.iter().map(|line| line.trim_start_matches([' ', '-', '>']));
    let seen = seen.collect::<Vec<_>>().join(", ");
    Claim::of(what, format!("`{word}` in the plan"), seen, has(&plan.before) && has(&plan.after))
}

/// How many times as long the statement that reserves takes in the one as in the other, in the mean.
fn times(one: &Judged, other: &Judged) -> f64 {
    reserving_ms(one) / reserving_ms(other)
}

/// What it takes in the mean \[ms\]; where it is not among those told, at most what the least of them
/// took, over all orders.
fn reserving_ms(judged: &Judged) -> f64 {
    let told = || database(judged).statements.iter().flatten();
    let reserving = told().find(|it| it.statement.starts_with("select id from units"));
    let orders = judged.measured.orders.attempted as f64;
    let least_ms = told().map(|it| it.total_ms).fold(f64::INFINITY, f64::min);
    reserving.map_or(least_ms / orders, |it| it.mean_ms)
}

fn units(judged: &Judged) -> &TableSummary {
    database(judged).tables.iter().find(|table| table.table == "units").unwrap()
}

fn dead_rows(judged: &Judged) -> f64 {
    units(judged).dead_rows.before as f64
}

fn megabytes(judged: &Judged) -> f64 {
    (units(judged).bytes.after + units(judged).index_bytes.after) as f64 / 1e6
}

/// Paid orders per second, from the opening to the last of them.
fn per_s(judged: &Judged) -> f64 {
    judged.measured.orders.per_s.unwrap()
}

fn p99(judged: &Judged) -> f64 {
    judged.measured.operations["checkout"].response_ms.as_ref().unwrap().p99
}
