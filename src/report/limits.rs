//! What was at 100 %, and what would have to change, as sentences.

use super::{digest, figure};
use crate::measure::{AtLimit, Limited, Measured};
use crate::report::breaking::tier;
use crate::verdict::probe::Probe;
use crate::verdict::{Judged, Verdict, World};

/// What was at 100 % and when, and what came of each change that was tried; nothing where nothing was.
pub(super) fn sentences(judged: &Judged) -> Vec<String> {
    at_limit(&judged.measured).into_iter().chain(tried(judged)).collect()
}

/// What was at 100 % and when.
pub(super) fn at_limit(measured: &Measured) -> Option<String> {
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    let each = measured.at_limit.iter().map(|limit| {
        let AtLimit { what, seconds, first_s, last_s, .. } = *limit;
        let when = if seconds == 1 {
            format!("in the second before {}", moment(first_s))
        } else {
            let seconds = figure::number(seconds);
            format!("in {seconds} seconds from {} to {}", moment(first_s), moment(last_s))
        };
        format!("{} {when}{}", name(what), needed(limit))
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| format!("At 100 %: {}.", each.join("; ")))
}

/// `the application's servers`
const fn name(what: Limited) -> &'static str {
    match what {
        Limited::Edge => "the edge's servers",
        Limited::Balancer => "the load balancer",
        Limited::Application => "the application's servers",
        Limited::Connections => "the connections to the database",
        Limited::Processors => "the database's processors",
        Limited::Row => "a row that transactions lock",
        Limited::Payment => "what the payment provider allows",
    }
}

/// ` (40 there, at least 96 needed)`
fn needed(limit: &AtLimit) -> String {
    let Some(needed) = limit.needed.filter(|needed| needed.needed > 1.05 * needed.had) else {
        return String::new();
    };
    let shown = |value: f64| match limit.what {
        Limited::Balancer | Limited::Payment => figure::rate(value),
        _ => figure::decimal(value, usize::from(value.fract() > 0.0)),
    };
    format!(" ({} there, at least {} needed)", shown(needed.had), shown(needed.needed))
}

/// What came of each change that was tried, or who can try.
pub(super) fn tried(judged: &Judged) -> Vec<String> {
    let opening_s = digest::opening_s(&judged.measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    let parts = judged.probes.chunk_by(|one, next| one.what == next.what);
    let sentences = parts.filter_map(|tries| sentence(tries, &moment));
    sentences.chain(untried(judged)).collect()
}

/// Changes are tried in virtual time alone, where the shop is a model: so it is for the embedded one, which
/// says of itself what its caches let through.
fn untried(judged: &Judged) -> Option<String> {
    let is_broken = matches!(judged.verdict, Verdict::InvariantViolated | Verdict::ObjectiveMissed);
    let origin = judged.measured.rates.get("origin");
    let is_modelled = origin.is_some_and(|origin| origin.count.is_some());
    (is_broken && is_modelled && judged.world == World::Live && judged.probes.is_empty()).then(|| {
        "`spike simulate` of the same scenario tries which key would have to change, and to what \
         value."
            .to_owned()
    })
}

/// What came of the last of the tries that gave a part more and more, and which were not enough.
fn sentence(tries: &[Probe], moment: &dyn Fn(f64) -> String) -> Option<String> {
    let (probe, too_few) = tries.split_last()?;
    let part = name(probe.what);
    let is = match probe.what {
        Limited::Balancer | Limited::Row | Limited::Payment => "is",
        Limited::Edge | Limited::Application | Limited::Connections | Limited::Processors => "are",
    };
    let full = if probe.is_at_limit {
        format!("{part} {is} at 100 % all the same")
    } else {
        format!("{part} {is} never at 100 %")
    };
    let outcome = match (probe.verdict, &probe.first_to_break) {
        (Verdict::Pass, _) => "it holds".to_owned(),
        (_, Some(breaking)) => {
            let (tier, _) = tier(breaking.tier);
            format!("{full}, and the first to break is {tier}, at {}", moment(breaking.at_s))
        }
        (_, None) => {
            let reason = probe.reason.as_deref().unwrap_or(probe.verdict.word());
            format!("{full}, nothing breaks, and yet: {}", reason.trim_end_matches('.'))
        }
    };
    let too_few: Vec<String> =
        too_few.iter().map(|probe| format!("; `{}` is not enough", probe.options())).collect();
    Some(format!("Tried `{}` (now {}): {outcome}{}.", probe.options(), probe.now, too_few.concat()))
}

/// The change with which the run held, if one was found.
pub(super) fn held_with(judged: &Judged) -> Option<&Probe> {
    judged.probes.iter().find(|probe| probe.verdict == Verdict::Pass)
}

/// The same as a sentence.
pub(super) fn cure(judged: &Judged) -> Option<String> {
    let probe = held_with(judged)?;
    Some(format!("With `{}` (now {}) this run holds.", probe.options(), probe.now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Breaking, BreakingTier, Needed};
    use crate::report::fixture;

    fn probe(verdict: Verdict, breaks: Option<BreakingTier>, opening_s: f64) -> Probe {
        let breaking = |tier| Breaking { tier, at_s: opening_s + 12.0, failed: 40, of: 400 };
        Probe {
            what: Limited::Application,
            set: vec!["stack.application.servers=30".to_owned()],
            now: "8".to_owned(),
            verdict,
            reason: Some("objectives missed: reload p(99) < 300ms.".to_owned()),
            first_to_break: breaks.map(breaking),
            is_at_limit: false,
        }
    }

    #[test]
    fn both_reports_tell_what_was_at_100_percent_and_what_was_tried() {
        let mut summary = fixture::passing();
        let opening_s = digest::opening_s(&summary.result.measured).unwrap();
        let limit = |what, seconds, needed| AtLimit {
            what,
            seconds,
            first_s: opening_s + 2.0,
            last_s: opening_s + 1.0 + seconds as f64,
            needed,
        };
        let needed = Some(Needed { had: 8.0, needed: 24.0 });
        summary.result.measured.at_limit =
            vec![limit(Limited::Application, 240, needed), limit(Limited::Row, 1, None)];
        let (pass, missed) = (Verdict::Pass, Verdict::ObjectiveMissed);
        let full = Probe {
            what: Limited::Payment,
            is_at_limit: true,
            set: vec!["shop.admission={ calls_per_second = 30 }".to_owned()],
            now: "none".to_owned(),
            ..probe(missed, Some(BreakingTier::Payment), opening_s)
        };
        let pool = |verdict, connections| Probe {
            what: Limited::Connections,
            set: vec![format!("shop.connections={connections}")],
            now: "2".to_owned(),
            is_at_limit: verdict == missed,
            ..probe(verdict, None, opening_s)
        };
        summary.result.probes = vec![
            full,
            probe(missed, None, opening_s),
            pool(missed, 5),
            pool(missed, 10),
            pool(pass, 20),
        ];
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            let flat = flat.replace("<code>", "`").replace("</code>", "`").replace("&#39;", "'");
            for told in [
                "At 100 %: the application's servers in 240 seconds from T+2 s to T+241 s (8 \
                 there, at least 24 needed); a row that transactions lock in the second before T+2 s.",
                "Tried `--set 'shop.admission={ calls_per_second = 30 }'` (now none): what the \
                 payment provider allows is at 100 % all the same, and the first to break is the \
                 payment provider, at T+12 s.",
                "Tried `--set stack.application.servers=30` (now 8): the application's servers are \
                 never at 100 %, nothing breaks, and yet: objectives missed: reload p(99)",
                "Tried `--set shop.connections=20` (now 2): it holds; `--set shop.connections=5` is not \
                 enough; `--set shop.connections=10` is not enough.",
            ] {
                assert!(flat.contains(told), "{told}\n{flat}");
            }
        }
    }

    #[test]
    fn where_nothing_was_full_and_nothing_tried_nothing_is_said() {
        assert!(sentences(&fixture::passing().result).is_empty());
    }

    #[test]
    fn who_can_try_is_told_where_nobody_did() {
        let mut summary = fixture::failing();
        let told = |summary: &crate::verdict::Summary| sentences(&summary.result).concat();
        assert!(told(&summary).starts_with("`spike simulate`"), "{}", told(&summary));
        summary.result.probes = vec![probe(Verdict::Pass, None, 40.0)];
        assert!(told(&summary).starts_with("Tried `--set"), "{}", told(&summary));
        summary.result.probes.clear();
        let rates = &mut summary.result.measured.rates;
        rates.get_mut("origin").unwrap().count = None;
        assert_eq!(told(&summary), "", "nobody knows a foreign shop's model");
    }
}
