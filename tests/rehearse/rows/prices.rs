//! Rows about what a choice costs.

use spike::plan::database::{Machine, Prices, file};

use crate::claim::{Claim, at_least, at_most, near};
use crate::row::Row;
use crate::stage::Size;

pub(super) const BREAK_EVEN: Row = Row {
    number: 23,
    name: "serverless-break-even",
    phenomenon: "a serverless database costs less below a fifth of the machine's CPU, below a tenth of one that is \
                 paid for a year ahead, and below seven hundredths of one for three",
    lives: break_even,
};

/// The published table: always 20 % and more, on a machine; 10 % for a year; 7 % for three.
const PUBLISHED: [f64; 3] = [0.20, 0.10, 0.07];

fn break_even(_: Size) -> Vec<Claim> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/prices/aurora.toml");
    let prices = file::read(&std::fs::read_to_string(path).unwrap()).unwrap();
    let choices = prices.choices();
    let mut claims = vec![near("ways to have the machine", choices.len() as f64, 3.0, 0.0)];
    for (choice, published) in choices.iter().zip(PUBLISHED) {
        let line = choice.line.unwrap_or_default();
        let off = (line - published).abs() * 100.0;
        let name = &choice.name;
        let (below, above) = (line - 0.01, line + 0.01);
        let costs = |mean: f64| prices.serverless_per_hour(mean) / choice.per_hour;
        claims.extend([
            at_most(&format!("{name}: percentage points off the published line"), off, 1.0),
            at_most(
                &format!("{name}: serverless over the machine a point below"),
                costs(below),
                1.0,
            ),
            at_least(&format!("{name}: the same a point above"), costs(above), 1.0),
        ]);
    }
    // Four times a year somebody makes it larger or smaller, for 200 each: 0.0913 per hour more.
    let machine = Machine { resizes_per_year: 4.0, per_resize: 200.0, ..prices.machine.clone() };
    let resized = Prices { machine, ..prices.clone() };
    let line = resized.choices()[0].line.unwrap_or_default();
    claims.push(near(
        "line on demand, with an operator who resizes in season",
        line,
        (0.29 + 800.0 / 8_760.0) / (8.0 * 0.12) * 0.667,
        0.01,
    ));
    claims
}
