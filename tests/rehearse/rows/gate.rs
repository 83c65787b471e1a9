//! Rows about the gate in front of the payment: where it stands, and whose it is.

use domain::provider::{PaymentOperation, PaymentOutcome};
use spike::verdict::Judged;

use crate::claim::{Claim, at_least, at_most, passes, violates};
use crate::row::Row;
use crate::stage::{Lived, Size, live, simulate};

pub(super) const MISPLACED: Row = Row {
    number: 4,
    name: "admission-misplaced",
    phenomenon: "a limiter at the edge lets through too many or too few: it counts requests, inexactly",
    lives: misplaced,
};

fn misplaced(size: Size) -> Vec<Claim> {
    const FILE: &str = "payment/admission-misplaced";
    /// Calls per second that the gate is meant to let through: 13.5 orders of two each.
    const MEANT_PER_S: f64 = 27.0;
    const EXACT: &str = "shop.admission={ orders_per_second = 13.5 }";
    let twenty_seconds: &[&str] =
        &["sale.0.lasts=20s", "fans.0.arrive.over=15s", "fans.0.count=900", "audit.drain=12s"];
    let shorter: &[&str] = size.pick(&[], twenty_seconds);
    let idle = |lived: &Lived| 1.0 - accepted_per_s(lived) / MEANT_PER_S;
    let over = simulate(FILE, &[]);
    let under = simulate(FILE, &["shop.admission.error=-0.3"]);
    let few = "fans.0.count=1200";
    let uneven = simulate(FILE, &["shop.admission.error=0", few]);
    let (exact, exact_few) = (simulate(FILE, &[EXACT]), simulate(FILE, &[EXACT, few]));
    let overrun = ["INV-ORPHAN-AUTH", "INV-QUOTA"];
    let overruns = |what: &str, judged: &Judged| violates(what, judged, &overrun);
    let mut claims = vec![
        overruns("counters 30 % off, too many pass", &over.judged),
        at_least("share of calls that the provider refused", refused(&over.judged), 0.1),
        violates("30 % off, too few pass", &under.judged, &["INV-UNDERSOLD"]),
        at_least("share of the allowance that lies idle", idle(&under), 0.1),
        violates("exact, people come unevenly", &uneven.judged, &["INV-UNDERSOLD"]),
        at_least("share of the allowance that lies idle", idle(&uneven), 0.1),
        passes("the shop's own gate, many people", &exact.judged),
        passes("the shop's own gate, few people", &exact_few.judged),
        at_most("share of the allowance that lies idle", idle(&exact_few), 0.05),
        live("live, counters 30 % off", (FILE, shorter), overruns),
    ];
    if size == Size::Full {
        claims.push(live("live, the shop's own gate", (FILE, &[EXACT]), passes));
    }
    claims
}

pub(super) const NEIGHBOURS: Row = Row {
    number: 14,
    name: "neighbours",
    phenomenon: "one opening takes what the payment allows from all others; with limits, two at once still do",
    lives: neighbours,
};

fn neighbours(size: Size) -> Vec<Claim> {
    const FILE: &str = "tenants/neighbours";
    const EACH: &str = "shop.admission={ orders_per_second = 22, per = \"sale\" }";
    const TOGETHER: &str = "shop.admission={ orders_per_second = 44 }";
    let wronged = ["INV-ISOLATION", "INV-ORPHAN-AUTH", "INV-UNDERSOLD"];
    let suffers = |what: &str, judged: &Judged| violates(what, judged, &wronged);
    let [none, each, together] =
        [&[][..], &[EACH], &[TOGETHER]].map(|set| simulate(FILE, set).judged);
    let served = "share of the small tenant's people who bought";
    let mut claims = vec![
        suffers("no limit for anybody", &none),
        at_most(served, small_tenant_bought(&none), 0.9),
        passes("a limit for each tenant", &each),
        at_least(served, small_tenant_bought(&each), 0.99),
        at_most("the same, one limit for both together", small_tenant_bought(&together), 0.9),
    ];
    if size == Size::Full {
        claims.push(live("live, no limit for anybody", (FILE, &[]), suffers));
        claims.push(live("live, a limit for each tenant", (FILE, &[EACH]), passes));
    }
    claims.extend(fifty(size, EACH));
    claims
}

/// Fifty tenants, of which two open with fifty times a small one's orders.
fn fifty(size: Size, each: &str) -> Vec<Claim> {
    const FILE: &str = "tenants/fifty";
    const AT_NOON: &str = "sale.1.opens=+75s";
    let wronged = ["INV-ISOLATION", "INV-ORPHAN-AUTH", "INV-UNDERSOLD"];
    let overrun = ["INV-ISOLATION", "INV-ORPHAN-AUTH", "INV-QUOTA", "INV-UNDERSOLD"];
    let served = "the least share of a tenant's people who bought, big ones aside";
    let staggered = simulate(FILE, &[each]);
    let at_noon = simulate(FILE, &[each, AT_NOON]);
    let mut claims = vec![
        passes("fifty tenants, a limit for each, openings staggered", &staggered.judged),
        at_least(served, least_served(&staggered), 1.0),
        violates("the same, two openings at noon", &at_noon.judged, &overrun),
        at_least("share of calls that the provider refused", refused(&at_noon.judged), 0.1),
    ];
    if size == Size::Full {
        let none = simulate(FILE, &[]);
        claims.push(violates("fifty tenants, no limit for anybody", &none.judged, &wronged));
        claims.push(at_most(served, least_served(&none), 0.5));
    }
    claims
}

/// Of the tenants but the first two, the least share of people who bought; each wants one piece.
fn least_served(lived: &Lived) -> f64 {
    let people = lived.scenario.populations.iter().filter(|people| people.sale >= 2);
    let shares = people.map(|people| {
        let sale = &lived.scenario.catalogue.sales[people.sale];
        let sold = lived.judged.measured.sales[&sale.id].items[&sale.items[0].id].sold;
        sold as f64 / f64::from(people.count)
    });
    shares.fold(1.0, f64::min)
}

pub(super) const BROWSER_TOKENS: Row = Row {
    number: 46,
    name: "browser-tokens",
    phenomenon: "browsers ask the provider for tokens of cards, and no admission sees them",
    lives: browser_tokens,
};

fn browser_tokens(size: Size) -> Vec<Claim> {
    const FILE: &str = "payment/browser-tokens";
    const ADMITTED: &str = "shop.tokens=admitted";
    let few = [
        "sale.0.lasts=30s",
        "sale.0.items.0.stock=100",
        "fans.0.count=300",
        "fans.0.arrive.over=1s",
    ];
    let few: &[&str] = size.pick(&[], &few);
    let refused_by = |lived: &Lived, is_token: bool| {
        let such = lived.run.ledgers.provider.iter().filter(|line| {
            line.outcome == PaymentOutcome::RateLimited
                && (line.operation == PaymentOperation::Tokenize) == is_token
        });
        such.count() as f64
    };
    let overruns = |what: &str, judged: &Judged| violates(what, judged, &["INV-QUOTA"]);
    let bad = simulate(FILE, &[]);
    let good = simulate(FILE, &[ADMITTED]);
    vec![
        overruns("a token first, then the shop", &bad.judged),
        at_least("browsers that were told 429", refused_by(&bad, true), 1_000.0),
        at_most("calls of the shop that were refused", refused_by(&bad, false), 0.0),
        passes("a token for those who were let through", &good.judged),
        at_most("browsers that were told 429", refused_by(&good, true), 0.0),
        live("live, a token first", (FILE, few), overruns),
        live("live, a token for those let through", (FILE, &[few, &[ADMITTED]].concat()), passes),
    ]
}

/// The share of the people who came to the small tenant's sale that bought there; each wants one piece.
fn small_tenant_bought(judged: &Judged) -> f64 {
    const CAME: f64 = 2_800.0;
    judged.measured.sales["small"].items["badge"].sold as f64 / CAME
}

/// The share of all calls that the provider refused.
fn refused(judged: &Judged) -> f64 {
    let calls = judged.measured.rates["payment"].count.unwrap_or_default();
    judged.measured.payments.refused as f64 / calls.max(1) as f64
}

/// Calls per second that the provider let through from 5 s after the opening to 60 s after it, while
/// people come.
fn accepted_per_s(lived: &Lived) -> f64 {
    let opens_s = lived.scenario.catalogue.sales[0].opens.seconds();
    let window = opens_s + 5.0..opens_s + 60.0;
    let accepted = lived.run.ledgers.provider.iter().filter(|line| {
        let at_s = std::time::Duration::from_nanos(line.utc_ns).as_secs_f64();
        line.outcome != PaymentOutcome::RateLimited && window.contains(&at_s)
    });
    accepted.count() as f64 / (window.end - window.start)
}
