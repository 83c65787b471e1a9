//! The sentences of a report: what a verdict says, what to do next, how a fan left.

use domain::outcome::Departure;

use super::{figure, invariant, limits, queue, replications, rooms};
use crate::audit::{Finding, Status};
use crate::evidence::{Complaint, Example};
use crate::measure::{BoundStatus, ItemSummary, OrderSummary, SaleSummary, SlotSummary, Witness};
use crate::verdict::{Assessment, AssessmentStatus, Judged, Verdict, World};

/// Whether something is good, bad or open, for colour and symbol alike.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Not known.
    Open,
    /// Does not matter here.
    Quiet,
}

impl Tone {
    /// A sign that tells the tone without colour.
    pub(super) const fn symbol(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Bad => '✗',
            Self::Open => '?',
            Self::Quiet => '–',
        }
    }

    /// The tone's word, for style sheets.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Open => "open",
            Self::Quiet => "quiet",
        }
    }
}

/// The tone of a verdict.
pub(super) const fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Inconclusive | Verdict::Aborted => Tone::Open,
        Verdict::Error
        | Verdict::InvalidScenario
        | Verdict::ObjectiveMissed
        | Verdict::InvariantViolated
        | Verdict::Regression
        | Verdict::OverCapacity => Tone::Bad,
    }
}

/// The tone of an assessment's status.
pub(super) const fn assessment_tone(status: AssessmentStatus) -> Tone {
    match status {
        AssessmentStatus::Met => Tone::Good,
        AssessmentStatus::Missed => Tone::Bad,
        AssessmentStatus::NotAssessed => Tone::Open,
    }
}

/// An assessment's status in words.
pub(super) const fn assessment_word(status: AssessmentStatus) -> &'static str {
    match status {
        AssessmentStatus::Met => "met",
        AssessmentStatus::Missed => "missed",
        AssessmentStatus::NotAssessed => "not assessed",
    }
}

/// A verdict as the answer to "did it hold?".
pub(super) const fn headline(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "It held.",
        Verdict::Error => "spike itself failed.",
        Verdict::ObjectiveMissed => "It was right, but not good enough.",
        Verdict::InvalidScenario => "The scenario is not valid.",
        Verdict::Aborted => "It was cut short.",
        Verdict::InvariantViolated => "It did not hold.",
        Verdict::Inconclusive => "Nothing can be said.",
        Verdict::Regression => "It has become worse.",
        Verdict::OverCapacity => "The plan cannot be met.",
    }
}

/// What to do next, in one or two sentences.
pub(super) fn next(judged: &Judged) -> String {
    if let Some(next) = replications::next(judged) {
        return next;
    }
    let is_unsettled = judged.measured.queues.values().any(|queue| queue.unsettled.is_some());
    match judged.verdict {
        Verdict::Inconclusive if is_unsettled => {
            "Let more customers come (`customers`), or ask for less than there are servers."
                .to_owned()
        }
        Verdict::Pass if queue::are_all(&judged.measured) => {
            "Hold the figures below against the textbook's.".to_owned()
        }
        Verdict::Pass => "Nothing needs mending. Raise `--scale` to find out how much more it can \
                          take, and keep this run to compare later ones with."
            .to_owned(),
        Verdict::Error => {
            "Mend the cause and run it again: this run says nothing about the shop.".to_owned()
        }
        Verdict::ObjectiveMissed => after_a_missed_objective(judged),
        Verdict::InvalidScenario => "Mend the scenario where the problems point.".to_owned(),
        Verdict::Aborted => {
            "Run it again to its end: what follows is what was seen until it was stopped."
                .to_owned()
        }
        Verdict::InvariantViolated => match violated(judged).next() {
            Some(finding) => {
                let cure = invariant::explain(&finding.id).cure;
                match limits::cure(judged) {
                    Some(tried) => format!("{cure} {tried}"),
                    None => format!("{cure} Then run the same seed again."),
                }
            }
            None => "Follow the witnesses below, then run the same seed again.".to_owned(),
        },
        Verdict::Inconclusive => after_nothing_can_be_said(judged),
        Verdict::Regression => {
            "Look at what changed between baseline and candidate, then compare again.".to_owned()
        }
        Verdict::OverCapacity => {
            "Widen the plan's bounds, or lower what is asked of it.".to_owned()
        }
    }
}

fn after_a_missed_objective(judged: &Judged) -> String {
    let missed = judged
        .objectives
        .iter()
        .find(|assessment| assessment.status == AssessmentStatus::Missed)
        .map(|assessment| assessment.text.as_str());
    let cure = limits::cure(judged);
    let measured = &judged.measured;
    let first_word = missed.and_then(|text| text.split_whitespace().next()).unwrap_or_default();
    let is_of_rooms = measured.rooms.contains_key(first_word);
    let is_of_devices = measured.sales.is_empty();
    match missed {
        Some(text) if is_of_rooms => {
            format!("Start with `{text}`: {}, and run the same seed again.", rooms::cure(text))
        }
        Some(text) if is_of_devices => format!(
            "Start with `{text}`: change how connections are closed or how fast they are accepted, for what \
             devices do is in their firmware, and run the same seed again."
        ),
        Some(text) if cure.is_some() => {
            let cure = cure.unwrap_or_default();
            format!("Stock and money were right, `{text}` was missed. {cure}")
        }
        Some(text) => format!(
            "Stock and money were right. Start with `{text}`: find the tier that is at its limit \
             when it goes wrong, mend it, and run the same seed again."
        ),
        None => "Find the tier that is at its limit and run the same seed again.".to_owned(),
    }
}

fn after_nothing_can_be_said(judged: &Judged) -> String {
    if let Some(cause) = &judged.never_begun {
        return match &cause.hint {
            Some(hint) => format!("{} Then run it again.", closed(&capital(hint))),
            None => "Remove that cause and run it again.".to_owned(),
        };
    }
    let Some(first) = judged.reasons.first() else {
        return "There was nothing to judge: see that fans arrive and that the shop answers, then \
                run it again."
            .to_owned();
    };
    if first.starts_with("Not assessed ") && first.contains(" samples") {
        return "Raise `--scale`, or let more fans come, until there are enough samples; or ask for a lower \
                percentile. Then run it again."
            .to_owned();
    }
    let unchecked = judged
        .findings
        .iter()
        .find(|finding| finding.status == Status::NotChecked && finding.waived.is_none());
    // A waiver helps where nothing else stands before what was not checked.
    let is_first = first.starts_with("INV-");
    let advice = match unchecked.filter(|_| is_first) {
        Some(finding) => format!(
            "Remove the cause named above, or waive {} with a reason under `[audit] waive`, and \
             run it again.",
            finding.id
        ),
        None => "Remove the cause named above and run it again.".to_owned(),
    };
    let bounds = judged.measured.health.iter().flat_map(|health| health.bounds.values());
    if bounds.into_iter().any(|bound| bound.status == BoundStatus::Broken) {
        format!(
            "{advice} The instrument itself was beyond its bounds: lower `--scale` on this machine, \
             or leave it more of the machine."
        )
    } else {
        advice
    }
}

/// The violated findings, as the judge ordered them.
pub(super) fn violated(judged: &Judged) -> impl Iterator<Item = &Finding> {
    judged.findings.iter().filter(|finding| finding.status == Status::Violated)
}

/// What a violated finding says, as a clause: "the shop sold more than it had: 37 pieces oversold
/// (INV-OVERSELL)".
pub(super) fn violation(finding: &Finding) -> String {
    let clause = invariant::explain(&finding.id).violated;
    format!("{clause}: {} ({})", counted(finding), finding.id)
}

/// The reasons that no violated finding tells better.
pub(super) fn further_reasons(judged: &Judged) -> impl Iterator<Item = &String> {
    judged
        .reasons
        .iter()
        .filter(|reason| !violated(judged).any(|finding| reason.starts_with(&finding.id)))
}

/// A sentence with its end.
fn closed(text: &str) -> String {
    if text.ends_with(['.', '?', '!']) { text.to_owned() } else { format!("{text}.") }
}

/// A clause as a sentence: with a capital and a full stop.
pub(super) fn sentence(clause: &str) -> String {
    capital(clause) + "."
}

/// A clause with a capital.
pub(super) fn capital(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// A finding's count and what is counted: "37 pieces oversold".
pub(super) fn counted(finding: &Finding) -> String {
    format!("{} {}", figure::number(finding.count), finding.counted())
}

/// How a fan left, as a clause after its number: "were told that it is sold out".
pub(super) fn departure(word: &str) -> &'static str {
    let known = Departure::ALL.into_iter().find(|departure| departure.word() == word);
    match known {
        Some(Departure::Bought) => "left with what they wanted",
        Some(Departure::SoldOut) => "were told that it is sold out",
        Some(Departure::Declined) => "had their last card declined",
        Some(Departure::Expired) => "were still trying when the sale closed",
        Some(Departure::Balked) => "turned away of their own accord",
        Some(Departure::Reneged) => "ran out of patience while waiting",
        Some(Departure::GaveUp) => "gave up after too many refusals or failures",
        Some(Departure::Rejected) => "were refused for good",
        None => "left otherwise",
    }
}

/// Which world a run was lived in, and what that means for its times.
pub(super) const fn world(world: World) -> &'static str {
    match world {
        World::Live => "live over HTTP",
        World::Simulated => "simulated in virtual time",
    }
}

/// How many orders there were, and by whose word.
pub(super) fn course_of_orders(orders: &OrderSummary) -> String {
    let (attempted, confirmed) =
        (figure::number(orders.attempted), figure::number(orders.confirmed));
    let told = match orders.told_by {
        Witness::Ledger => format!("orders: {attempted} written down, {confirmed} paid"),
        Witness::Clients => format!(
            "orders: {attempted} tried, {confirmed} told as bought, by what the clients heard; there \
             is no ledger of the shop"
        ),
    };
    match orders.per_s {
        Some(per_s) => format!("{told}, {} from the opening to the last", figure::rate(per_s)),
        None => told,
    }
}

/// The names of the orders that were attempted, and of those that came about.
pub(super) const fn orders(told_by: Witness) -> (&'static str, &'static str) {
    match told_by {
        Witness::Ledger => ("Written down", "Paid"),
        Witness::Clients => ("Tried, by the clients", "Told as bought"),
    }
}

/// How long a run took, if it says so: one that was killed, or never began, does not.
pub(super) fn took(took_s: f64) -> String {
    if took_s > 0.0 {
        format!("took {}", figure::seconds(took_s))
    } else {
        "not lived to its end".to_owned()
    }
}

/// What is remarkable about an item's figures; empty if nothing is.
pub(super) fn item_remark(sale: &SaleSummary, item: &ItemSummary) -> String {
    if sale.sold_out.is_none() && item.sold.min(item.stock) == 0 {
        // Nobody says what there was, or what was sold.
        String::new()
    } else if item.sold > item.stock {
        format!("✗ {} more than there were", figure::number(item.sold - item.stock))
    } else if item.sold < item.sellable {
        format!("{} more could have been sold", figure::number(item.sellable - item.sold))
    } else if item.stock > 0 && item.sold == item.stock {
        "sold out".to_owned()
    } else {
        String::new()
    }
}

/// What is remarkable about a slot's figures; empty if nothing is.
pub(super) fn slot_remark(slot: &SlotSummary) -> String {
    if slot.taken > slot.capacity {
        format!("✗ {} more than there were", figure::number(slot.taken - slot.capacity))
    } else if slot.capacity > 0 && slot.taken == slot.capacity {
        "full".to_owned()
    } else {
        String::new()
    }
}

/// What a tier's rate counts.
pub(super) fn tier(word: &str) -> &'static str {
    match word {
        "edge" => "requests of the fans",
        "origin" => "requests that no cache answered",
        "payment" => "calls to the payment provider",
        "checkout" => "payment attempts of the fans",
        _ => "requests",
    }
}

/// The value that an objective was read as, in the unit that the objective is written in.
pub(super) fn assessed(assessment: &Assessment) -> String {
    let Some(value) = assessment.value else { return figure::NONE.to_owned() };
    let bound = assessment.text.split_whitespace().next_back().unwrap_or_default();
    let unit = bound.trim_start_matches(|letter: char| !letter.is_ascii_alphabetic());
    if bound.ends_with('%') {
        figure::ratio(value)
    } else if bound.contains('/') {
        figure::rate(value)
    } else if bound.starts_with(|letter: char| letter.is_ascii_digit()) && !unit.is_empty() {
        figure::milliseconds(value)
    } else {
        let text = figure::decimal(value, 4);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// What happened to a step again and again: `checkout: no rule fits, 1,204 times of 9,870`.
pub(super) fn complaint(complaint: &Complaint) -> String {
    let about = match complaint.about.as_str() {
        "" => String::new(),
        about => format!(" ({about})"),
    };
    let times = match (complaint.count, complaint.of) {
        (1, None) => "once".to_owned(),
        (1, Some(of)) => format!("1 time of {}", figure::number(of)),
        (count, None) => format!("{} times", figure::number(count)),
        (count, Some(of)) => format!("{} times of {}", figure::number(count), figure::number(of)),
    };
    format!("{}: {}{about}, {times}", complaint.step, complaint.kind.words())
}

/// The answer with which that happened first.
pub(super) fn example(example: &Example) -> String {
    match example.body.as_str() {
        "" => format!("for example {} without a body", example.status),
        body => format!("for example {}: {body}", example.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assessment(text: &str, value: f64) -> Assessment {
        Assessment {
            text: text.to_owned(),
            status: AssessmentStatus::Met,
            value: Some(value),
            reason: None,
        }
    }

    #[test]
    fn a_value_takes_the_unit_of_its_objective() {
        for (text, value, expected) in [
            ("reload p(99) < 300ms", 212.4, "212 ms"),
            ("reload p(99) for 5s in opening < 0.8s", 1_240.0, "1.24 s"),
            ("sold ratio >= 1", 0.993, "0.993"),
            ("sold ratio >= 0", 1.0, "1"),
            ("error ratio < 1%", 0.0123, "1.2 %"),
            ("chargers connect peak <= 120/s", 30_000.0, "30,000/s"),
        ] {
            assert_eq!(assessed(&assessment(text, value)), expected, "{text}");
        }
    }

    #[test]
    fn too_few_samples_are_cured_by_more_people() {
        let mut judged = crate::report::fixture::empty().result;
        assert!(next(&judged).starts_with("There was nothing to judge"), "{}", next(&judged));
        let reason = "Not assessed checkout p(95) < 2s: needs 200 samples, and there are 90.";
        judged.reasons = vec![reason.to_owned()];
        assert!(next(&judged).starts_with("Raise `--scale`"), "{}", next(&judged));
    }

    #[test]
    fn every_departure_is_said_in_words() {
        for known in Departure::ALL {
            assert_ne!(departure(known.word()), departure("teleported"), "{known}");
        }
    }
}
