//! What is offered to a shop of one's own, as lines of the table.

use super::{ForeignOffer, Rate};
use crate::scenario::offer::Drain;
use crate::scenario::offer::text::{Table, count, duration};

/// The longest name of a step that fits the left column.
const NAME_LETTERS: usize = 19;

/// What each step and each host is asked.
pub(in crate::scenario::offer) fn steps(table: &mut Table, offer: &ForeignOffer) {
    for step in &offer.steps {
        let rate = match step.rate {
            Rate::PerSecond(per_s) => format!("{}/s offered", count(per_s)),
            Rate::OnArrival(per_s) => format!("at most {}/s, as fans arrive", count(per_s)),
            Rate::AtOnce(fans) => format!("{} fans at once, for nobody reloads", count(fans)),
            Rate::Never => "never, for nobody reloads".to_owned(),
            Rate::AsAnswered => "as answers lead to it".to_owned(),
        };
        let name: String = step.name.chars().take(NAME_LETTERS).collect();
        table.line(&format!("  {name}"), &format!("{rate}, of {}", step.host));
    }
    if offer.hosts.len() > 1 {
        for host in &offer.hosts {
            table.line("  host", &format!("{}: at most {}/s in all", host.host, count(host.per_s)));
        }
    }
}

/// What keeps the shop safe, and what nobody can check.
pub(in crate::scenario::offer) fn safety(table: &mut Table, offer: &ForeignOffer, drain: &Drain) {
    if let Some(rows) = offer.rows {
        let (there, needed) = (count(rows.there as f64), count(rows.needed as f64));
        table.line("data", &format!("{needed} rows needed by a live run, {there} there"));
    }
    table.line("canary", &offer.canary);
    let why = match drain.asked {
        Some(_) => "as `[audit] drain` says",
        None => "unless `[audit] drain` says how long your shop goes on by itself",
    };
    table.line("drain", &format!("{}, {why}", duration(drain.length())));
    table.list("not_checked", &offer.not_checked);
}
