//! Rows about the stock: how it is counted, and who waits for whom.

use spike::verdict::Judged;

use crate::claim::{Claim, near, passes, violates};
use crate::rehearsal::count;
use crate::row::Row;
use crate::stage::{Size, live, simulate};

pub(super) const OVERSELL: Row = Row {
    number: 6,
    name: "stock-naive",
    phenomenon: "a counter that is read, then decremented, sells more than there is",
    lives: oversell,
};

fn oversell(_: Size) -> Vec<Claim> {
    let naive = simulate("oversell", &[]).judged;
    let item = naive.measured.sales["day-1"].items["signed-poster"];
    let too_many = count(&naive, "INV-OVERSELL") as f64;
    let rows = simulate("oversell", &["shop.inventory=unit-rows"]).judged;
    let oversells = |what: &str, judged: &Judged| violates(what, judged, &["INV-OVERSELL"]);
    vec![
        oversells("naive-counter", &naive),
        near("pieces found to be too many", too_many, (item.sold - item.stock) as f64, 0.0),
        passes("unit-rows", &rows),
        live("live, naive-counter", ("oversell", &["audit.drain=3s"]), oversells),
    ]
}
