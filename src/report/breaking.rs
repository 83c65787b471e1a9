//! The first tier to break, in words.

use super::{digest, figure};
use crate::measure::{BreakingTier, Measured};

/// The first tier to break, as a sentence.
pub(super) fn first_to_break(measured: &Measured) -> String {
    format!("First to break: {}", broke_first(measured))
}

/// The same without its beginning, as an answer to "what broke first?".
pub(super) fn broke_first(measured: &Measured) -> String {
    let Some(breaking) = &measured.first_to_break else {
        return "nothing did.".to_owned();
    };
    let (tier, what) = tier(breaking.tier);
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = figure::moment(breaking.at_s - opening_s);
    let (failed, of) = (figure::number(breaking.failed), figure::number(breaking.of));
    let took = match (breaking.tier, &measured.balancer) {
        (BreakingTier::Balancer, Some(balancer)) => balancer.capacity_at(breaking.at_s),
        _ => None,
    };
    let took = took.map(|took| format!(", in which it took {}", figure::rate(took)));
    let took = took.unwrap_or_default();
    format!("{tier}, at {moment}: {failed} of {of} {what} within that second{took}.")
}

/// A tier, and what happens to whom when it breaks.
pub(super) const fn tier(tier: BreakingTier) -> (&'static str, &'static str) {
    match tier {
        BreakingTier::Payment => ("the payment provider", "calls were refused or failed"),
        BreakingTier::Database => ("the database", "requests to it failed or were never answered"),
        BreakingTier::Balancer => ("the load balancer", "requests were refused (503) or cut off"),
        BreakingTier::Checkout => ("the checkout", "attempts failed or were never answered"),
        BreakingTier::Shop => ("the shop's own steps", "operations failed or were never answered"),
        BreakingTier::Page => ("the sale's page", "reloads failed or were never answered"),
        BreakingTier::Network => ("the way to the shop", "connections could not be made"),
    }
}
