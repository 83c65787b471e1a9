//! Rows about the database: how long a serverless one takes to grow to what is asked of it.

use spike::measure::{BreakingTier, DatabaseTierSummary};

use crate::claim::{Claim, at_least, at_most, misses, near, passes};
use crate::row::Row;
use crate::stage::{Lived, Size, simulate};

pub(super) const CEILING: Row = Row {
    number: 13,
    name: "database-ceiling",
    phenomenon: "a serverless database at a low minimum is the wall for minutes; one that grows as fast as what is \
                 asked of it, or is provisioned, is none",
    lives: ceiling,
};

/// A tenth of the people and pieces, and statements that take ten times as long.
const TENTH: [&str; 3] =
    ["fans.0.count=54960", "sale.0.items.0.stock=1", "stack.database.service=40ms"];

/// When more and more come, and until when, from the opening \[s\].
const RAMP_S: (f64, f64) = (60.0, 180.0);
/// What is asked for before and after it \[ACU\].
const ASKED: (f64, f64) = (1.28, 48.0);
/// A capacity that is asked for more than it has doubles so fast \[s\].
const DOUBLING_S: f64 = 30.0;

fn ceiling(size: Size) -> Vec<Claim> {
    let part = size.pick(&[][..], &TENTH);
    let with = |capacity: &str, flavour: &str| {
        let capacity = format!("stack.database.capacity={capacity}");
        let flavour = format!("stack.database.flavour={flavour}");
        simulate(
            "scaling/database-ceiling",
            &[part, &[capacity.as_str(), flavour.as_str()]].concat(),
        )
    };
    let serverless = |min: f64, flavour| with(&format!("{{ min = {min}, max = 64 }}"), flavour);
    let minima = [2.0, 8.0, 16.0, 64.0];
    let lived = minima.map(|min| serverless(min, "postgresql"));
    let [low, eight, sixteen, all] = &lived;
    let mut claims = vec![
        falls("item p99 from 2, 8, 16 and 64 ACU, ms", lived.each_ref().map(p99_ms)),
        falls("statements at once, from 2, 8, 16 and 64 ACU", lived.each_ref().map(queue)),
        misses("from 2 ACU", &low.judged),
        misses("from 8 ACU", &eight.judged),
        passes("from 16 ACU", &sixteen.judged),
        passes("from 64 ACU", &all.judged),
        near(
            "seconds until 48 ACU are there, from 2, from the ramp's beginning",
            told(low).had_s(ASKED.1, 0.0).map_or(f64::INFINITY, |at_s| at_s - ramp_s(low)),
            overrun_s(2.0) + DOUBLING_S * (ASKED.1 / 2.0).log2(),
            0.02,
        ),
        at_least(
            "seconds in which all its processors are busy, from 2 ACU",
            told(low).full.map_or(0.0, |full| full.seconds as f64),
            60.0,
        ),
        is_the_wall("the first tier to break, from 2 ACU", low),
    ];
    let provisioned = with("{ provisioned = 64 }", "postgresql");
    claims.push(passes("64 ACU provisioned", &provisioned.judged));
    claims.push(near("item p99 of these, ms", p99_ms(&provisioned), p99_ms(all), 0.05));
    claims.extend(smallest(size, |min| serverless(min, "postgresql")));
    let mysql = serverless(2.0, "mysql");
    claims.push(misses("MySQL from 2 ACU", &mysql.judged));
    claims.push(passes("MySQL from 16 ACU", &serverless(16.0, "mysql").judged));
    for (what, lived, allowed) in [("PostgreSQL", low, 5_000.0), ("MySQL", &mysql, 4_000.0)] {
        claims.push(at_most(
            &format!("{what}: connections at most, as of 64 ACU"),
            told(lived).in_use_max as f64,
            allowed,
        ));
    }
    claims
}

/// The smallest minimum that meets the objective, found by halving what lies between 8, which does not, and
/// 16, which does. From `ASKED` × 30 s / ln 2 of the ramp on nobody waits at all.
fn smallest(size: Size, lived: impl Fn(f64) -> Lived) -> Vec<Claim> {
    let (mut too_low, mut enough) = (8.0, 16.0);
    let apart = size.pick(0.5, 4.0);
    while enough - too_low > apart {
        let middle = f64::midpoint(too_low, enough);
        let passed = passes("", &lived(middle).judged).standing == crate::claim::Standing::Held;
        if passed { enough = middle } else { too_low = middle }
    }
    let slope = (ASKED.1 - ASKED.0) / (RAMP_S.1 - RAMP_S.0);
    let keeps_up = slope * DOUBLING_S / std::f64::consts::LN_2;
    vec![at_most("the smallest minimum that meets the objective, ACU", enough, keeps_up)]
}

/// Figures that fall from one minimum to the next.
fn falls(what: &str, figures: [f64; 4]) -> Claim {
    let seen = figures.map(|figure| format!("{figure:.0}")).join(", ");
    let holds = figures.is_sorted_by(|one, next| one > next);
    Claim::of(what, "falling".to_owned(), seen, holds)
}

fn p99_ms(lived: &Lived) -> f64 {
    let item = &lived.judged.measured.operations["item"];
    item.response_ms.map_or(f64::INFINITY, |times| times.p99)
}

/// The most statements that shared the processors or waited for a connection.
fn queue(lived: &Lived) -> f64 {
    (told(lived).sharing_max + told(lived).waiting_max) as f64
}

fn is_the_wall(what: &str, lived: &Lived) -> Claim {
    let seen = lived.judged.measured.first_to_break.map(|breaking| breaking.tier);
    let named = |tier: Option<BreakingTier>| serde_json::to_string(&tier).unwrap();
    let expected = Some(BreakingTier::Database);
    Claim::of(what, named(expected), named(seen), seen == expected)
}

fn told(lived: &Lived) -> &DatabaseTierSummary {
    lived.judged.measured.database_tier.as_ref().unwrap()
}

/// When the ramp begins, from the run's beginning \[s\].
fn ramp_s(lived: &Lived) -> f64 {
    lived.scenario.first_opening().seconds() + RAMP_S.0
}

/// How long after the ramp's beginning more is asked for than `units` \[ACU\] \[s\].
fn overrun_s(units: f64) -> f64 {
    (units - ASKED.0) / (ASKED.1 - ASKED.0) * (RAMP_S.1 - RAMP_S.0)
}
