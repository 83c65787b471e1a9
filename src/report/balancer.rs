//! The load balancer, as sentences.

use serde::Serialize;

use super::{digest, figure};
use crate::measure::{BalancerSummary, Measured, Rejecting};

/// What stands above them.
pub(super) const TITLE: &str = "The load balancer";

/// All that is told of it.
#[derive(Debug, Serialize)]
pub(super) struct BalancerSheet {
    pub(super) title: &'static str,
    pub(super) capacity: String,
    pub(super) rejected: String,
}

/// The sheet of a run in which one stood in front of the application.
pub(super) fn sheet(measured: &Measured) -> Option<BalancerSheet> {
    let balancer = measured.balancer.as_ref()?;
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    Some(BalancerSheet {
        title: TITLE,
        capacity: capacity(balancer, &moment),
        rejected: rejected(balancer, &moment),
    })
}

/// `it took 1,000/s at the beginning, 11,391/s at most (from T+600 s); at most 8,012/s were asked for`
fn capacity(balancer: &BalancerSummary, moment: &dyn Fn(f64) -> String) -> String {
    let first = balancer.changes.first().copied().unwrap_or_default();
    let most = balancer.most();
    let grown = if most.capacity_per_s > first.capacity_per_s {
        let (most, from) = (figure::rate(most.capacity_per_s), moment(most.at_s));
        format!(", {most} at most (from {from})")
    } else {
        " and did not grow".to_owned()
    };
    let (first, asked) = (figure::rate(first.capacity_per_s), figure::rate(balancer.peak_per_s));
    format!("it took {first} at the beginning{grown}; at most {asked} were asked for")
}

fn rejected(balancer: &BalancerSummary, moment: &dyn Fn(f64) -> String) -> String {
    let cut = match balancer.cut {
        0 => String::new(),
        cut => format!("; it cut off {} whose task was gone (502)", figure::number(cut)),
    };
    let Some(Rejecting { seconds, first_s, last_s }) = balancer.rejecting else {
        return format!("it refused nothing{cut}");
    };
    format!(
        "it refused {} of {} requests (503) in {} seconds, the first at {}, the last at {}{cut}",
        figure::number(balancer.rejected),
        figure::number(balancer.offered),
        figure::number(seconds),
        moment(first_s),
        moment(last_s)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Breaking, BreakingTier, CapacityChange};
    use crate::report::fixture;

    #[test]
    fn both_reports_tell_of_a_balancer_where_there_is_one_and_nowhere_else() {
        let mut summary = fixture::passing();
        let has_title = |report: &str| report.contains(TITLE);
        let rendered = crate::report::render(&summary);
        assert!(!has_title(&rendered.text) && !has_title(&rendered.html));
        let opening_s = digest::opening_s(&summary.result.measured).unwrap();
        let change =
            |at_s, capacity_per_s| CapacityChange { at_s: opening_s + at_s, capacity_per_s };
        let measured = &mut summary.result.measured;
        measured.balancer = Some(BalancerSummary {
            changes: vec![change(-20.0, 1_000.0), change(5.0, 1_500.0)],
            offered: 60_000,
            peak_per_s: 8_012.0,
            rejected: 40_000,
            cut: 12,
            rejecting: Some(Rejecting {
                seconds: 8,
                first_s: opening_s + 1.0,
                last_s: opening_s + 8.0,
            }),
        });
        measured.first_to_break = Some(Breaking {
            tier: BreakingTier::Balancer,
            at_s: opening_s,
            failed: 7_000,
            of: 8_000,
        });
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat =
                report.split_whitespace().collect::<Vec<_>>().join(" ").replace("&#x2f;", "/");
            for told in [
                "it took 1,000/s at the beginning, 1,500/s at most (from T+5 s); at most 8,012/s were \
                 asked for",
                "it refused 40,000 of 60,000 requests (503) in 8 seconds, the first at T+1 s, the \
                 last at T+8 s; it cut off 12 whose task was gone (502)",
                "load balancer, at T+0 s: 7,000 of 8,000 requests were refused \
                 (503) or cut off within that second, in which it took 1,000/s.",
            ] {
                assert!(flat.contains(told), "{told}: {flat}");
            }
        }
        let quiet =
            BalancerSummary { changes: vec![change(-20.0, 9_000.0)], ..BalancerSummary::default() };
        summary.result.measured.balancer = Some(quiet);
        let text = crate::report::render(&summary).text;
        assert!(text.contains("did not grow") && text.contains("it refused nothing"), "{text}");
    }
}
