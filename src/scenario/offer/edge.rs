//! What follows from points of presence, a shield, and from what the edge does about errors: how many pages are
//! fetched at once by caches that hold nothing yet, how many in the long run, and for how long an error lasts.

use std::collections::BTreeMap;

use domain::time::{Duration, Span, Time};
use reference_shop::settings::{Cookies, Edge};

use crate::scenario::Scenario;
use crate::scenario::offer::looks_per_s;
use crate::scenario::offer::text::{Table, count};
use crate::tier::edge::{EdgeTier, Keeping};

/// Fetches of pages at the origin.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
struct Fetches {
    /// By caches that hold nothing, where all ask at once and who comes second waits.
    at_once: u64,
    /// In the long run \[1/s\].
    per_s: f64,
}

/// The lines of an edge that is more than one cache, while people wait for the opening `at` a moment.
pub(super) fn tell(table: &mut Table, scenario: &Scenario, at: Time) {
    let Some(tier) = scenario.stack.edge.as_ref().filter(|tier| tier.has_layers()) else { return };
    let asked = asked_per_s(scenario, at);
    let keeping = keeping(scenario);
    let apart = fetches(&asked, keeping, &tier.shares());
    let shielded = fetches(&asked, keeping, &[1.0]);
    table.line("  pages", &pages(tier, asked.len(), keeping, (apart, shielded)));
}

/// The line about the origin's errors, where the edge does anything about them.
pub(super) fn tell_errors(table: &mut Table, scenario: &Scenario) {
    let edge = &scenario.shop.edge;
    if edge.deals_with_errors() {
        table.line("errors of the origin", &errors(edge));
    }
}

/// What a live run has not of an edge of the simulated stack; a sentence.
pub(super) fn remark(scenario: &Scenario) -> Option<String> {
    let tier = scenario.stack.edge.as_ref()?;
    let pops = match tier.pops() {
        1 => None,
        pops => Some(format!("{} points of presence", count(pops.into()))),
    };
    let shield = tier.shield.then(|| "the shield".to_owned());
    let timeout = tier.origin_timeout.map(|_| "the time-out of the origin".to_owned());
    let what: Vec<String> = [pops, shield, timeout].into_iter().flatten().collect();
    (!what.is_empty()).then(|| {
        format!(
            "{}: in virtual time alone; a live run's edge is one cache, or one for each of its processes",
            what.join(", ")
        )
    })
}

/// How often each part of each sale's page is asked for by who waits then \[1/s\].
fn asked_per_s(scenario: &Scenario, at: Time) -> Vec<f64> {
    let mut asked: BTreeMap<(usize, u16), f64> = BTreeMap::new();
    for people in &scenario.populations {
        let looks_per_s = looks_per_s(people, at);
        let reload = &people.crowd.behaviour.reload;
        let parts = reload.cacheable.min(reload.calls.saturating_sub(1));
        for part in (0..parts).filter(|_| looks_per_s > 0.0) {
            *asked.entry((people.sale, part)).or_default() += looks_per_s;
        }
    }
    asked.into_values().collect()
}

/// What each cache does with a page.
fn keeping(scenario: &Scenario) -> Keeping {
    let edge = &scenario.shop.edge;
    let application = scenario.stack.application.as_ref();
    let fetch = application.map_or(Duration::ZERO, |application| application.service.mean());
    let ttl = match edge.cookies {
        Cookies::Checkout => edge.ttl.0,
        Cookies::EveryPage => Duration::ZERO,
    };
    let (ttl_s, fetch_s) = (ttl.as_secs_f64(), fetch.as_secs_f64());
    Keeping { ttl_s, fetch_s, collapses: edge.collapse }
}

/// Fetches of pages that are asked for so often, by caches with such shares of the visitors.
fn fetches(asked_per_s: &[f64], keeping: Keeping, shares: &[f64]) -> Fetches {
    let of_one = |per_s: &f64| -> f64 {
        shares.iter().map(|share| keeping.fetches_per_s(per_s * share)).sum()
    };
    Fetches {
        at_once: (asked_per_s.len() * shares.len()) as u64,
        per_s: asked_per_s.iter().map(of_one).sum(),
    }
}

/// `100 fetches at once by a cold edge, then 96.2/s: 5 at each of 20 points of presence; with a shield …`
fn pages(
    tier: &EdgeTier,
    objects: usize,
    keeping: Keeping,
    (apart, shielded): (Fetches, Fetches),
) -> String {
    let (pops, objects) = (count(tier.pops().into()), count(objects as f64));
    if keeping.ttl_s <= 0.0 {
        return format!(
            "{}/s fetched: nothing is kept, at {pops} points of presence",
            count(apart.per_s)
        );
    }
    let told = |fetches: Fetches| {
        if keeping.collapses {
            let at_once = match fetches.at_once {
                1 => "1 fetch".to_owned(),
                many => format!("{} fetches", count(many as f64)),
            };
            format!("{at_once} at once by a cold edge, then {}/s", count(fetches.per_s))
        } else {
            format!("all who come while one is fetched, then {}/s", count(fetches.per_s))
        }
    };
    if tier.shield {
        format!(
            "{}: {objects} through the shield; without it {} at {pops} points of presence",
            told(shielded),
            told(apart)
        )
    } else {
        format!(
            "{}: {objects} at each of {pops} points of presence; with a shield {}",
            told(apart),
            told(shielded)
        )
    }
}

/// `503 is given for 10s to all who ask; each is asked for 1 time(s) more …`
fn errors(edge: &Edge) -> String {
    let statuses: Vec<String> = edge.error_statuses.iter().map(u16::to_string).collect();
    let statuses = statuses.join(", ");
    let mut told = Vec::new();
    if edge.restarts > 0 {
        let tries = u64::from(edge.restarts) + 1;
        let tries = count(tries as f64);
        told.push(format!(
            "a fetch that fails ({statuses}) is tried {tries} times: of a share q of failures q^{tries} is \
             left, and where all fail the origin is asked {tries} times as often"
        ));
    }
    if !edge.error_ttl.0.is_zero() {
        let kept = Span(edge.error_ttl.0);
        told.push(format!(
            "an error ({statuses}) is given to all for {kept}, also when the origin has recovered"
        ));
        if edge.grace.0 > Duration::ZERO {
            let grace = Span(edge.grace.0);
            told.push(format!("what is stale is given in its place for {grace}"));
        }
    }
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_fetches_each_page_and_a_shield_once_for_all() {
        let keeping = Keeping { ttl_s: 2.0, fetch_s: 0.05, collapses: true };
        let asked = [500.0, 500.0];
        let apart = fetches(&asked, keeping, &[0.5, 0.25, 0.25]);
        assert_eq!(apart.at_once, 6);
        // 1 / (2.05 + 0.004) + 2 / (2.05 + 0.008), for each of the two.
        assert!((apart.per_s - 2.0 * 1.458_672).abs() < 1e-5, "{apart:?}");
        let shielded = fetches(&asked, keeping, &[1.0]);
        assert!(shielded.at_once == 2 && (shielded.per_s - 2.0 * 0.487_329).abs() < 1e-5);
    }

    #[test]
    fn what_is_done_about_errors_is_a_sentence() {
        let edge = |toml: &str| errors(&toml::from_str(toml).unwrap());
        assert_eq!(
            edge("error_ttl = \"10s\"\nerror_statuses = [503]"),
            "an error (503) is given to all for 10s, also when the origin has recovered"
        );
        let both = edge("error_ttl = \"1s\"\nrestarts = 1\ngrace = \"5s\"");
        assert!(both.contains("is tried 2 times: of a share q of failures q^2 is left"), "{both}");
        assert!(both.ends_with("; what is stale is given in its place for 5s"), "{both}");
    }
}
