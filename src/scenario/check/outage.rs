//! `stack.application.outages`: one that cannot be is refused.

use crate::scenario::check::sale::MeantSale;
use crate::scenario::check::stack::within_the_run;
use crate::scenario::check::{Checker, RUN_MAX};
use crate::scenario::place::Place;
use crate::tier::outage::Outage;

/// Outages, if their numbers are in range and each is over before the next begins.
pub(super) fn outages(
    checker: &mut Checker,
    outages: &[Outage],
    sales: &[MeantSale],
    place: Place<'_>,
) {
    for (index, outage) in outages.iter().enumerate() {
        let place = place.index(index);
        if !(outage.share > 0.0 && outage.share <= 1.0) {
            checker
                .wrong(place.key("share"), format!("`share` is {}", outage.share))
                .mark("a share of the requests: more than 0, at most 1");
        }
        checker.lasting(outage.lasts.0, place, "lasts");
        if outage.lasts.0 > RUN_MAX {
            checker.wrong(place.key("lasts"), "`lasts` is longer than a week");
        }
        within_the_run(checker, outage.at, sales, place);
        let stretch = |one: &Outage| {
            let from = one.at.seconds();
            (from, from + one.lasts.0.as_secs_f64())
        };
        let (from, until) = stretch(outage);
        let mut others = outages.iter().take(index).map(stretch);
        if others.any(|(other, its_end)| from < its_end && other < until) {
            checker
                .wrong(place, "this outage begins before another one is over")
                .advise("let one follow the other");
        }
    }
}
