//! What became of the run after its capacity had been taken away, as sentences.

use super::{digest, figure};
use crate::measure::{Measured, Recovery, RecoveryState, RegionSummary};

/// A sentence for each time.
pub(super) fn sentences(measured: &Measured) -> Vec<String> {
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    let all = measured.recoveries.iter().map(|recovery| sentence(recovery, &moment));
    all.chain(measured.region.as_ref().map(|region| of_region(region, &moment))).collect()
}

/// What the loss of a region came to.
fn of_region(region: &RegionSummary, moment: &dyn Fn(f64) -> String) -> String {
    let lost = moment(region.lost_s);
    let who = match (region.promoted_s, region.back_s) {
        (Some(at_s), None) => format!("the standby served from {} on", moment(at_s)),
        (None, Some(at_s)) => {
            format!("it was back at {}, and no standby called upon", moment(at_s))
        }
        (Some(at_s), Some(back_s)) => format!(
            "the standby served from {} on, and the other one again from {} on, unfenced",
            moment(at_s),
            moment(back_s)
        ),
        (None, None) => "nothing served afterwards".to_owned(),
    };
    let outage = match region.outage_s {
        Some(lasted_s) => format!("Good answers were back {} after it", figure::seconds(lasted_s)),
        None => "Good answers were not seen to be back".to_owned(),
    };
    format!(
        "The region was lost at {lost}; {who}. {outage}. {} requests under way broke off, {} more went there and \
         nobody heard them; of {} paid orders the region that serves in the end knows nothing.",
        figure::number(region.cut),
        figure::number(region.unheard),
        figure::number(region.lost_orders),
    )
}

fn sentence(recovery: &Recovery, moment: &dyn Fn(f64) -> String) -> String {
    let from = moment(recovery.from_s);
    let while_ = match recovery.until_s {
        Some(until_s) => format!("{from} to {}", moment(until_s)),
        None => format!("from {from} on"),
    };
    let rate = |per_s: Option<f64>| per_s.map_or_else(|| figure::NONE.to_owned(), figure::rate);
    let (before, after) = (rate(recovery.before_per_s), rate(recovery.after_per_s));
    let minute = format!("{after} good answers a minute later, {before} before it");
    let back = recovery.back_after_s.map(figure::seconds);
    let what = match (recovery.state, back) {
        (RecoveryState::Recovered, back) => {
            format!("good answers were back {} after it", back.unwrap_or_default())
        }
        (RecoveryState::Slow, None) => format!("not back to normal: {minute}"),
        (RecoveryState::Slow, Some(back)) => {
            format!("back to normal only {back} after it: {minute}")
        }
        (RecoveryState::Metastable, None) => format!(
            "the failure kept itself up, though no more people came than before (metastable): {minute}, and \
             they never came back"
        ),
        (RecoveryState::Metastable, Some(back)) => format!(
            "the failure kept itself up, though no more people came than before (metastable): {minute}, and \
             they came back {back} after it"
        ),
        (RecoveryState::NotAssessed, _) => {
            let reason = recovery.reason.as_deref().unwrap_or("nobody can say");
            format!("whether good answers came back cannot be said: {reason}")
        }
    };
    format!("After {} ({while_}): {what}.", recovery.trigger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn recovery(state: RecoveryState, back_after_s: Option<f64>) -> Recovery {
        Recovery {
            trigger: "the application at 20 % of its speed".to_owned(),
            from_s: 60.0,
            until_s: Some(70.0),
            before_per_s: Some(680.0),
            after_per_s: Some(12.5),
            back_after_s,
            state,
            reason: None,
        }
    }

    #[test]
    fn both_reports_say_what_became_of_it() {
        let mut summary = fixture::passing();
        let opening_s = digest::opening_s(&summary.result.measured).unwrap();
        let at = |of: Recovery| Recovery {
            from_s: opening_s + 60.0,
            until_s: Some(opening_s + 70.0),
            ..of
        };
        summary.result.measured.recoveries = vec![
            at(recovery(RecoveryState::Recovered, Some(13.0))),
            at(recovery(RecoveryState::Metastable, None)),
            at(Recovery {
                reason: Some("it never was over".to_owned()),
                until_s: None,
                ..recovery(RecoveryState::NotAssessed, None)
            }),
        ];
        summary.result.measured.region = Some(RegionSummary {
            lost_s: opening_s + 60.0,
            serves_again_s: opening_s + 70.0,
            promoted_s: Some(opening_s + 70.0),
            back_s: None,
            outage_s: Some(23.0),
            state: RecoveryState::Recovered,
            reason: None,
            cut: 17,
            unheard: 1_234,
            lost_orders: 3,
        });
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [
                "After the application at 20 % of its speed (T+60 s to T+70 s): good answers were back 13.0 s \
                 after it.",
                "(metastable): 12.5/s good answers a minute later, 680/s before it, and they never came back.",
                "cannot be said: it never was over.",
                "The region was lost at T+60 s; the standby served from T+70 s on. Good answers were back 23.0 s \
                 after it. 17 requests under way broke off, 1,234 more went there and nobody heard them; of 3 paid \
                 orders the region that serves in the end knows nothing.",
            ] {
                assert!(flat.contains(told), "{told}\n{flat}");
            }
        }
    }
}
