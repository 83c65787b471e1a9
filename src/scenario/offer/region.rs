//! What follows from a region that is lost.

use crate::scenario::Scenario;
use crate::scenario::offer::text::duration;

/// When what serves again, and what the standby will not know.
pub(super) fn remark(scenario: &Scenario) -> Option<String> {
    let region = scenario.stack.region.as_ref()?;
    let opens = scenario.first_opening();
    let course = region.course(opens);
    let after = duration(course.serves_again().since(course.lost));
    let who = match (course.promoted, course.back) {
        (None, _) => "it is back before anybody calls upon the standby",
        (Some(_), None) => "the standby serves",
        (Some(promoted), Some(back)) if back < promoted => {
            "it is back, unfenced, before the standby serves too"
        }
        (Some(_), Some(_)) => "the standby serves, and later the other one again, unfenced",
    };
    let knows = match (region.lag, region.round_trip) {
        (Some(lag), _) => {
            format!("the replica lacks what was committed in the last {}", duration(lag.0))
        }
        (None, Some(takes)) => {
            format!("the replica has every commit, and each waits {} for it", duration(takes.0))
        }
        (None, None) => "the replica has every commit".to_owned(),
    };
    Some(format!(
        "the region is lost at {} of virtual time alone: {after} later {who}, and fans who were there come to it \
         within {}; {knows}",
        region.at,
        duration(region.ttl.0)
    ))
}
