//! An opening that has come too near.

use domain::time::Duration;

use super::Loaded;
use crate::scenario::check;

/// An opening at an instant that has come too near for the people of its sale.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "be ready for the opening of `{sale}`: the shop was ready {}, too late for the opening: its \
     people need {:.1} s\nhint: let the sale open later, or let `--late` live what is left of it",
    moment(*.ahead_s),
    .needed.as_secs_f64()
)]
pub struct TooNear {
    /// The sale.
    pub sale: String,
    /// How long before its opening the run would begin \[s\]; negative: after it.
    pub ahead_s: f64,
    /// How long before it the run must begin.
    pub needed: Duration,
}

fn moment(ahead_s: f64) -> String {
    let side = if ahead_s < 0.0 { "after" } else { "before" };
    format!("{:.1} s {side} it", ahead_s.abs())
}

impl Loaded {
    /// The first sale whose opening, an instant, is so near after the run's beginning
    /// ([`Loaded::began_at`]) that its people cannot come as they should: some would have come
    /// before.
    pub fn too_near(&self) -> Option<TooNear> {
        let began = self.began_utc_ns?;
        let scenario = &self.meant.scenario;
        let mut sales = scenario.catalogue.sales.iter().zip(&self.meant.openings).enumerate();
        sales.find_map(|(number, (sale, opening))| {
            let check::Opening::At { utc_ns } = *opening else { return None };
            let people = scenario.populations.iter().filter(|people| people.sale == number);
            let needed = people.map(check::needed).max()?;
            let ahead_s = (i128::from(utc_ns) - i128::from(began)) as f64 / 1e9;
            let is_near = ahead_s < needed.as_secs_f64();
            is_near.then(|| TooNear { sale: sale.id.clone(), ahead_s, needed })
        })
    }
}
