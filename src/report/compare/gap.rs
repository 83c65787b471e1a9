//! Where a live run and a simulated one come apart, tier by tier: what the evidence of both says, and what
//! it cannot say.

use domain::outcome::Operation;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::measure::latency::{Series, milliseconds};
use crate::measure::{BoundStatus, Measured, Percentiles, Presence};
use crate::report::figure;
use crate::verdict::assess::Times;
use crate::verdict::compare::Lived;

/// A part of the stack, from the fans inwards.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Who makes the load.
    Generator,
    /// Connections, caches, and the way there.
    Edge,
    /// The load balancer.
    Balancer,
    /// The application.
    Application,
    /// The database.
    Database,
    /// The payment provider.
    Provider,
}

impl Tier {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generator => "Generator",
            Self::Edge => "Edge",
            Self::Balancer => "Balancer",
            Self::Application => "Application",
            Self::Database => "Database",
            Self::Provider => "Provider",
        }
    }
}

/// The gap at one tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Which.
    pub tier: Tier,
    /// What the evidence says, a sentence each.
    pub says: Vec<String>,
    /// What it cannot say, a sentence each.
    pub cannot_say: Vec<String>,
}

impl Gap {
    const fn at(tier: Tier) -> Self {
        Self { tier, says: Vec::new(), cannot_say: Vec::new() }
    }

    fn say(&mut self, sentence: String) {
        self.says.push(sentence);
    }

    fn cannot_say(&mut self, sentence: &str) {
        self.cannot_say.push(sentence.to_owned());
    }
}

/// The gap between a simulated run and a live one, from the fans inwards.
pub(super) fn gap(simulated: &Lived<'_>, live: &Lived<'_>) -> Vec<Gap> {
    let both = Both { simulated, live };
    vec![
        generator(&both),
        edge(&both),
        balancer(&both),
        application(&both),
        database(&both),
        provider(&both),
    ]
}

struct Both<'a> {
    simulated: &'a Lived<'a>,
    live: &'a Lived<'a>,
}

impl Both<'_> {
    fn live(&self) -> &Measured {
        &self.live.summary.result.measured
    }

    fn simulated(&self) -> &Measured {
        &self.simulated.summary.result.measured
    }
}

fn generator(both: &Both<'_>) -> Gap {
    let mut gap = Gap::at(Tier::Generator);
    match &both.live().health {
        Some(health) => gap.say(format!(
            "Live, operations were sent {} late at p99; simulated, none can be.",
            figure::milliseconds(health.lateness_ms.p99)
        )),
        None => gap.cannot_say("How late the live generator was: nothing was measured of it."),
    }
    let bounds = both.live().health.iter().flat_map(|health| &health.bounds);
    let broken: Vec<&str> = bounds
        .filter(|(_, bound)| bound.status == BoundStatus::Broken)
        .map(|(name, _)| name.as_str())
        .collect();
    if !broken.is_empty() {
        gap.say(format!(
            "The live instrument was beyond its bounds ({}): live times may be longer than the shop's.",
            broken.join(", ")
        ));
    }
    gap
}

fn edge(both: &Both<'_>) -> Gap {
    let mut gap = Gap::at(Tier::Edge);
    let count =
        |measured: &Measured, tier: &str| measured.rates.get(tier).and_then(|rate| rate.count);
    if let (Some(live), Some(simulated)) =
        (count(both.live(), "edge"), count(both.simulated(), "edge"))
    {
        gap.say(format!(
            "{} requests live, {} simulated{}.",
            figure::number(live),
            figure::number(simulated),
            beside(live as f64, simulated as f64)
        ));
    }
    let missed = |measured: &Measured| {
        Some(figure::share(count(measured, "origin")?, count(measured, "edge")?))
    };
    match (missed(both.live()), missed(both.simulated())) {
        (Some(live), Some(simulated)) => {
            gap.say(format!("Of them {live} went on to the origin live, {simulated} simulated."));
        }
        _ => gap.cannot_say(
            "How much the caches answered: the live shop does not say what reached it.",
        ),
    }
    connections(both, &mut gap);
    gap.cannot_say(
        "How much of a live answer's time was the way there and back: the simulator draws it from \
         [stack] network, live it is part of the time until the first byte.",
    );
    gap
}

fn connections(both: &Both<'_>, gap: &mut Gap) {
    let Some(connections) = &both.live().connections else { return };
    let took = |what: &str, times: Option<&Percentiles>| {
        times.map(|times| format!("{what} {}", of_percentiles(times)))
    };
    let steps: Vec<String> = [
        took("to stand took", connections.connect_ms.as_ref()),
        took("to be secured", connections.handshake_ms.as_ref()),
        took("to wait for a pooled one", connections.pool_wait_ms.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let took = if steps.is_empty() { String::new() } else { format!(": {}", steps.join(", ")) };
    gap.say(format!(
        "Live, {} connections were opened{took}. The simulator has none: this time is in live answers \
         alone.",
        figure::number(connections.opened)
    ));
    let failed: u64 = connections.failed.values().sum();
    if failed > 0 {
        gap.say(format!(
            "Live, {} connections failed; simulated, none can.",
            figure::number(failed)
        ));
    }
}

fn balancer(both: &Both<'_>) -> Gap {
    let mut gap = Gap::at(Tier::Balancer);
    if let Some(balancer) = &both.simulated().balancer {
        gap.say(format!(
            "The simulated one refused {} of {} requests with an error of its own and cut off {}.",
            figure::number(balancer.rejected),
            figure::number(balancer.offered),
            figure::number(balancer.cut)
        ));
        gap.cannot_say(
            "Whether a live one did: it tells nothing, and its refusals are among the errors of the \
             operations.",
        );
    } else {
        gap.cannot_say(
            "Whether one stands before the live shop: none is simulated, and a live one tells nothing.",
        );
    }
    gap
}

fn application(both: &Both<'_>) -> Gap {
    let mut gap = Gap::at(Tier::Application);
    if both.simulated.times == Times::Unmodelled {
        gap.say(
            "The simulated stack has no service times ([stack.application]): all that a live answer \
             took is time that the simulator does not have."
                .to_owned(),
        );
    }
    for operation in Operation::ALL {
        gap.says.extend(of_operation(both, operation));
    }
    if let Some(order) = of_two(&both.live.saga.order, &both.simulated.saga.order) {
        gap.say(format!("From an order's first line to its payment: {order}."));
    }
    let tasks = both.simulated().tasks.as_ref();
    if let Some(saturated) = tasks.and_then(|tasks| tasks.saturated) {
        gap.say(format!(
            "In {} seconds of the simulated run all servers were busy and requests waited.",
            figure::number(saturated.seconds)
        ));
    }
    gap.cannot_say(
        "How the live time until the first byte is shared between waiting for a thread and working: \
         a live shop does not say how many it has at work.",
    );
    gap
}

/// What an operation took in the mean, and of the live time, where it went.
fn of_operation(both: &Both<'_>, operation: Operation) -> Option<String> {
    let live = both.live.latency.whole(Series::Response(operation));
    if live.is_empty() {
        return None;
    }
    let live_ms = mean_ms(&live);
    let simulated = both.simulated.latency.whole(Series::Response(operation));
    let told = if both.simulated.times == Times::Unmodelled || simulated.is_empty() {
        format!("{operation} took {} live in the mean", figure::milliseconds(live_ms))
    } else {
        let simulated_ms = mean_ms(&simulated);
        format!(
            "{operation} took {} live in the mean, {} simulated{}",
            figure::milliseconds(live_ms),
            figure::milliseconds(simulated_ms),
            beside(live_ms, simulated_ms)
        )
    };
    Some(format!("{told}{}.", course(both, operation, live_ms, live.len())))
}

/// Where the live time went: before it was sent, until the first byte, until the last. Means add up.
fn course(both: &Both<'_>, operation: Operation, response_ms: f64, answers: u64) -> String {
    /// First bytes of fewer of the answers than this would be of others: what timed out has none.
    const SHARE_MIN: f64 = 0.99;
    let service = both.live.latency.whole(Series::Service(operation));
    let first_byte = both.live.latency.whole(Series::FirstByte(operation));
    if service.is_empty() || (first_byte.len() as f64) < SHARE_MIN * answers as f64 {
        return String::new();
    }
    let before_ms = (response_ms - mean_ms(&service)).max(0.0);
    let first_byte_ms = mean_ms(&first_byte);
    format!(
        "; of the live time {} before it was sent, {} until the first byte, {} until the last",
        figure::milliseconds(before_ms),
        figure::milliseconds((first_byte_ms - before_ms).max(0.0)),
        figure::milliseconds((response_ms - first_byte_ms).max(0.0))
    )
}

fn database(both: &Both<'_>) -> Gap {
    let mut gap = Gap::at(Tier::Database);
    match of_two(&both.live.saga.reservation, &both.simulated.saga.reservation) {
        Some(told) => gap.say(format!(
            "To reserve pieces, from asking for them until they were known to be held: {told}."
        )),
        None => gap.cannot_say(
            "How long pieces were waited for: not both shops' ledgers say when they asked for them.",
        ),
    }
    match &both.live().database {
        Some(database) => gap.say(format!(
            "Live, a call waited {} at p50 and {} at p99 for a connection, and {} transactions waited \
             for a lock in the mean, at most {}; {} deadlocks.",
            figure::milliseconds(database.wait_ms.p50),
            figure::milliseconds(database.wait_ms.p99),
            figure::decimal(database.lock_waits.mean, 2),
            figure::number(database.lock_waits.max),
            figure::number(database.deadlocks)
        )),
        None => gap.cannot_say(
            "What live transactions waited for: the shop's storage does not say (PostgreSQL does).",
        ),
    }
    match &both.simulated().database_tier {
        Some(database) => gap.say(format!(
            "Simulated, at most {} statements waited for a connection, and all processors were busy in \
             {} seconds.",
            figure::number(database.waiting_max),
            figure::number(database.full.map_or(0, |full| full.seconds))
        )),
        None => gap.cannot_say(
            "What simulated statements waited for: without [stack.database] capacity nothing is counted.",
        ),
    }
    gap
}

fn provider(both: &Both<'_>) -> Gap {
    let mut gap = Gap::at(Tier::Provider);
    let (live, simulated) = (&both.live().payments, &both.simulated().payments);
    if live.ledger == Presence::Missing || simulated.ledger == Presence::Missing {
        gap.cannot_say("What the provider did: one of the runs has no ledger of it.");
        return gap;
    }
    gap.say(format!(
        "{} payments were authorized live and {} simulated, {} and {} captured; its limiters refused {} \
         and {} calls.",
        figure::number(live.authorized),
        figure::number(simulated.authorized),
        figure::number(live.captured),
        figure::number(simulated.captured),
        figure::number(live.refused),
        figure::number(simulated.refused)
    ));
    match of_two(&both.live.saga.capture, &both.simulated.saga.capture) {
        Some(told) => gap.say(format!(
            "From an authorization to its capture, by the provider's clock (the answer's way, the shop, \
             and the way back): {told}."
        )),
        None => gap.cannot_say(
            "How long the shop took from an authorization to its capture: one of the runs has none.",
        ),
    }
    gap.cannot_say(
        "How long a call to the provider took: its ledger says when it decided, and not when the shop \
         had the answer.",
    );
    gap
}

/// Two series of times beside each other; nothing where one of them is empty.
fn of_two(live: &Histogram<u64>, simulated: &Histogram<u64>) -> Option<String> {
    if live.is_empty() || simulated.is_empty() {
        return None;
    }
    let at = |times: &Histogram<u64>, quantile| {
        figure::milliseconds(milliseconds(times.value_at_quantile(quantile)))
    };
    Some(format!(
        "p50 {} live and {} simulated, p99 {} and {}",
        at(live, 0.5),
        at(simulated, 0.5),
        at(live, 0.99),
        at(simulated, 0.99)
    ))
}

fn of_percentiles(times: &Percentiles) -> String {
    format!(
        "{} at p50 and {} at p99",
        figure::milliseconds(times.p50),
        figure::milliseconds(times.p99)
    )
}

/// The mean of times \[us\], in milliseconds \[ms\].
fn mean_ms(times: &Histogram<u64>) -> f64 {
    times.mean() / 1e3
}

/// ` (live 12.3 % more)`; nothing beside 0.
fn beside(live: f64, simulated: f64) -> String {
    if simulated <= 0.0 {
        return String::new();
    }
    let more = live / simulated - 1.0;
    let word = if more < 0.0 { "less" } else { "more" };
    format!(" (live {} {word})", figure::ratio(more.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::fixture::Recorded;

    fn at(gaps: &[Gap], tier: Tier) -> &Gap {
        gaps.iter().find(|gap| gap.tier == tier).unwrap()
    }

    #[test]
    fn the_gap_is_told_by_tier_with_what_nobody_knows() {
        let (live, simulated) = (Recorded::live(), Recorded::simulated());
        let gaps = gap(&simulated.lived(), &live.lived());
        insta::assert_snapshot!(
            gaps.iter()
                .map(|gap| {
                    let lines = gap.says.iter().chain(&gap.cannot_say).cloned();
                    let name = gap.tier.name().to_owned();
                    std::iter::once(name).chain(lines).collect::<Vec<_>>().join("\n  ")
                })
                .collect::<Vec<_>>()
                .join("\n")
        );
    }

    #[test]
    fn live_time_is_shared_out_and_adds_up() {
        let (live, simulated) = (Recorded::live(), Recorded::simulated());
        let gaps = gap(&simulated.lived(), &live.lived());
        let told = at(&gaps, Tier::Application).says.join("\n");
        // 1,000 checkouts of 84 ms: sent 1 ms late, first byte after 80 ms; 60 ms simulated; to the three
        // digits that a histogram keeps.
        let expected = "checkout took 84.0 ms live in the mean, 60.0 ms simulated (live 40.0 % more); of \
                        the live time 1.02 ms before it was sent, 79.0 ms until the first byte, 3.97 ms \
                        until the last.";
        assert!(told.contains(expected), "{told}");
    }

    #[test]
    fn a_stack_without_times_is_said_to_have_none() {
        let (live, mut simulated) = (Recorded::live(), Recorded::simulated());
        simulated.times = Times::Unmodelled;
        let gaps = gap(&simulated.lived(), &live.lived());
        let told = &at(&gaps, Tier::Application).says;
        assert!(told[0].contains("no service times"), "{told:?}");
        assert!(!told.iter().any(|told| told.contains("more)")), "{told:?}");
    }

    #[test]
    fn what_only_one_side_has_is_no_figure_of_both() {
        let (mut live, simulated) = (Recorded::live(), Recorded::simulated());
        live.saga = crate::measure::saga::SagaTimes::default();
        let gaps = gap(&simulated.lived(), &live.lived());
        let database = at(&gaps, Tier::Database);
        assert!(database.cannot_say[0].starts_with("How long pieces were waited for"));
    }
}
