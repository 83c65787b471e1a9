//! What follows from a scenario before anything runs: offered rates, what can be sold, what the
//! machine must lend, how long the shop must be left alone, and which findings a scale costs.

mod devices;
mod drain;
mod edge;
mod foreign;
mod foreseen;
mod lots;
mod payment;
mod pods;
mod region;
mod rooms;
mod sale;
mod samples;
mod scale;
mod storm;
mod text;

use domain::time::{Duration, Time};
use reference_shop::settings::EdgeBy;

use crate::scenario::{Connections, Population, Scenario};
use crate::tier::database::Database;

pub use drain::{Drain, drain, drain_needed};
pub use foreign::{ForeignOffer, HostOffer, Rate, Rows, StepOffer};
pub use lots::LotteryOffer;
pub use payment::{Payment, facts, payment};
pub use sale::{Bound, SaleOffer, sellable};
pub use text::{line, render};

/// What follows from a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The scale this holds for.
    pub scale: f64,
    /// How many fans arrive in all.
    pub arrivals: u64,
    /// The most of them that are expected to arrive in one second \[fans/s\].
    pub arrivals_peak_per_s: f64,
    /// One per opening, in order of time; sales that open together are one.
    pub openings: Vec<Opening>,
    /// What the payment allows.
    pub payment: Payment,
    /// One per sale, in the catalogue's order.
    pub sales: Vec<SaleOffer>,
    /// The scale of `spike run`.
    pub live_scale: f64,
    /// What a live run needs of this machine, at that scale.
    pub needs: Needs,
    /// How long the shop is left alone after the last fan.
    pub drain: Drain,
    /// What is asked of a shop of one's own; absent: the embedded one is.
    pub foreign: Option<ForeignOffer>,
    /// What does not survive the scale of `spike run`; a sentence each.
    pub lost_by_scale: Vec<String>,
    /// What a reader should know besides; a sentence each.
    pub remarks: Vec<String>,
}

/// What is offered at an opening: fans come whether or not the shop copes.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Opening {
    /// When.
    pub at: Time,
    /// Fans who are there, waiting for it.
    pub present: f64,
    /// Requests per second at the edge: fans × calls / mean gap \[1/s\].
    pub edge_per_s: f64,
    /// The uncached share of them, at the origin \[1/s\].
    pub origin_per_s: f64,
    /// Checkouts of those who ask for the first time, once those who turn away have left and the others
    /// have thought, in the busiest second that follows \[1/s\].
    pub checkouts_per_s: f64,
}

/// What a live run needs of this machine, roughly.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Connections to the shop.
    pub connections: u64,
    /// File descriptors of all load processes together.
    pub descriptors: u64,
    /// Memory of the load process \[bytes\].
    pub memory_bytes: u64,
    /// What the run leaves on disk \[bytes\].
    pub disk_bytes: u64,
}

/// What follows from `scenario`; `lived` is the same at the scale of `spike run`.
pub fn offer(scenario: &Scenario, lived: &Scenario) -> Offer {
    let payment = payment(scenario);
    let openings = openings(scenario);
    let arrivals_peak_per_s = arrivals_peak_per_s(scenario);
    let storm_per_s = openings.iter().map(|opening| opening.checkouts_per_s);
    // Whoever enters a lottery pays later, if at all.
    let by_lot = scenario.catalogue.sales.iter().all(|sale| sale.lottery.is_some());
    let come_per_s = if by_lot { 0.0 } else { arrivals_peak_per_s };
    let storm_per_s = storm_per_s.fold(come_per_s, f64::max);
    let needs = needs(lived);
    Offer {
        scale: scenario.scale,
        arrivals: fans(scenario),
        arrivals_peak_per_s,
        openings,
        payment,
        sales: sellable(scenario),
        live_scale: lived.scale,
        needs,
        drain: drain_needed(scenario),
        foreign: foreign::foreign(scenario, arrivals_peak_per_s, fans(lived)),
        lost_by_scale: scale::lost(lived),
        remarks: remarks(scenario, &payment, storm_per_s)
            .into_iter()
            .chain(samples::few(lived))
            .collect(),
    }
}

/// All people of all populations.
fn fans(scenario: &Scenario) -> u64 {
    scenario.populations.iter().map(|people| u64::from(people.count)).sum()
}

/// What is offered at each opening.
fn openings(scenario: &Scenario) -> Vec<Opening> {
    let mut moments: Vec<Time> = scenario.catalogue.sales.iter().map(|sale| sale.opens).collect();
    moments.sort_unstable();
    moments.dedup();
    let at_moment = |at: Time| {
        let waiting = scenario.populations.iter().filter(|people| people.crowd.opens >= at);
        waiting.fold(Opening { at, ..Opening::default() }, |sum, people| {
            let one = opening_of(people, at);
            Opening {
                at,
                present: sum.present + one.present,
                edge_per_s: sum.edge_per_s + one.edge_per_s,
                origin_per_s: sum.origin_per_s + one.origin_per_s,
                ..sum
            }
        })
    };
    let with_storm = |opening: Opening| {
        let mut storm = storm::Storm::CALM;
        let by_lot = |it: &&Population| scenario.catalogue.sales[it.sale].lottery.is_some();
        let theirs = scenario.populations.iter().filter(|it| it.crowd.opens == opening.at);
        let theirs = theirs.filter(|it| !by_lot(it));
        theirs.for_each(|people| storm.add(people, opening.at));
        Opening { checkouts_per_s: storm.peak_per_s(), ..opening }
    };
    moments.into_iter().map(at_moment).map(with_storm).collect()
}

/// What one population that waits for its opening offers `at` a moment.
fn opening_of(people: &Population, at: Time) -> Opening {
    let reload = &people.crowd.behaviour.reload;
    let present = expected(people, at);
    let looks_per_s = looks_per_s(people, at);
    let calls = f64::from(reload.calls);
    let uncached = f64::from(reload.calls.saturating_sub(reload.cacheable));
    Opening {
        at,
        present,
        edge_per_s: looks_per_s * calls,
        origin_per_s: looks_per_s * uncached,
        ..Opening::default()
    }
}

/// How often the people of a population who wait for its opening look at the page \[1/s\].
fn looks_per_s(people: &Population, at: Time) -> f64 {
    if people.crowd.opens < at {
        return 0.0;
    }
    let reload = &people.crowd.behaviour.reload;
    let gap_s = reload.gap_at(people.crowd.opens.since(at)).mean().as_secs_f64();
    if gap_s > 0.0 { expected(people, at) / gap_s } else { 0.0 }
}

/// How many people of a population are expected to have arrived `at` a moment.
fn expected(people: &Population, at: Time) -> f64 {
    people.arrive.expected(people.count, people.crowd.opens, at, people.trace.as_deref())
}

/// The share of a population that does not turn away before the last checkout: each step on the way
/// from the page is one chance to.
fn reach(people: &Population) -> f64 {
    foreign::reach(people)
}

/// How many windows are looked at to find the busiest second of arrivals; longer runs are looked
/// at more coarsely.
const WINDOWS_MAX: u32 = 20_000;

/// The most fans that are expected in one second.
fn arrivals_peak_per_s(scenario: &Scenario) -> f64 {
    let end_s = run_length(scenario).as_secs_f64();
    let step_s = (end_s / f64::from(WINDOWS_MAX)).max(1.0);
    let arrived = |at_s: f64| -> f64 {
        scenario.populations.iter().map(|people| expected(people, Time::from_seconds(at_s))).sum()
    };
    let (mut peak, mut at_s, mut before) = (0.0_f64, 0.0, arrived(0.0));
    while at_s < end_s {
        at_s += step_s;
        let now = arrived(at_s);
        peak = peak.max((now - before) / step_s);
        before = now;
    }
    peak
}

/// File descriptors beside connections: files of the run, timers, pipes of the child processes.
const DESCRIPTORS_SPARE: u64 = 64;
/// Memory of a waiting fan: its state (64 bytes) and its place on the timer wheel (48 bytes).
const FAN_BYTES: u64 = 112;
/// Memory of an open connection: its own buffers (3 KB measured with 2 KB each way) and state.
const CONNECTION_BYTES: u64 = 4_096;
/// Memory of everything else: the program, its histograms (216 KiB each) and the timeline.
const BASE_BYTES: u64 = 64 * 1024 * 1024;
/// A line of `purchases.jsonl` or of a ledger, generously.
const LINE_BYTES: u64 = 320;
/// What histograms and timeline take on disk per second of the run, generously.
const SECOND_BYTES: u64 = 16 * 1024;

fn needs(scenario: &Scenario) -> Needs {
    let fans = fans(scenario);
    let hosts = scenario.target.as_ref().map_or(1, |target| target.funnel.hosts.len() as u64);
    let connections = match scenario.live.connections {
        Connections::PerFan | Connections::PerOperation => fans * hosts,
        Connections::Pool(pool) => fans.min(u64::from(pool)) * hosts,
    };
    // Each fan in the funnel leaves a cart, a checkout and a departure; each order two calls in
    // the provider's ledger and one line in the shop's; each piece a line of its own.
    let in_funnel: f64 =
        scenario.populations.iter().map(|people| f64::from(people.count) * reach(people)).sum();
    let pieces: u64 = scenario.catalogue.items().map(|(_, _, item)| u64::from(item.stock)).sum();
    let lines = fans + whole(in_funnel) * 6 + pieces;
    let length = run_length(scenario);
    Needs {
        connections,
        descriptors: connections + DESCRIPTORS_SPARE,
        memory_bytes: BASE_BYTES + fans * FAN_BYTES + connections * CONNECTION_BYTES,
        disk_bytes: lines * LINE_BYTES + length.as_secs() * SECOND_BYTES,
    }
}

/// From the run's beginning to the last closing.
fn run_length(scenario: &Scenario) -> Duration {
    let ends = scenario.catalogue.sales.iter().map(|sale| sale.closes);
    ends.max().unwrap_or_default() - Time::ZERO
}

fn remarks(scenario: &Scenario, payment: &Payment, storm_per_s: f64) -> Vec<String> {
    let mut remarks = Vec::new();
    match (payment.admission_per_s, payment.orders_per_s) {
        (Some(admission), Some(allowed)) if admission > allowed => remarks.push(format!(
            "the shop admits {admission} orders/s, but the provider allows {allowed}: captures \
             and voids will be refused"
        )),
        (None, Some(allowed)) if storm_per_s > allowed => remarks.push(format!(
            "nothing holds back the checkouts: up to {} orders/s meet a provider that allows \
             {allowed}",
            text::count(storm_per_s)
        )),
        _ => {}
    }
    if scenario.target.is_none() && scenario.shop.storage.is_postgres() {
        remarks.push(format!(
            "{} connections to PostgreSQL; in virtual time they, and locked counters, are waited for, but \
             there are no deadlocks, and nobody passes over rows of pieces that others have locked",
            scenario.shop.pool()
        ));
    }
    if scenario.target.is_none() && scenario.shop.storage.is_redis() {
        remarks.push(
            "stock is counted in Redis, beside the shop's own file; in virtual time the two are one, and \
             nobody dies between them"
                .to_owned(),
        );
    }
    if scenario.target.is_none() && scenario.shop.edge.by == EdgeBy::Nginx {
        remarks.push(
            "the edge is an nginx; in virtual time its rules are those of the shop's own edge, and nobody \
             looks only every half second whether a page has come"
                .to_owned(),
        );
    }
    if scenario.target.is_none() {
        remarks.extend(edge::remark(scenario));
    }
    if scenario.target.is_none() && scenario.stack.balancer.is_some() {
        remarks.push(
            "a balancer with a capacity of its own stands in front of the shop in virtual time alone: a live \
             run has none, and nothing is refused there"
                .to_owned(),
        );
    }
    if scenario.target.is_none()
        && scenario.stack.database.as_ref().is_some_and(Database::is_bounded)
    {
        remarks.push(
            "the capacity and the failovers of the database are those of virtual time alone: a live run's \
             database has the machine, and stays"
                .to_owned(),
        );
    }
    remarks.extend(region::remark(scenario));
    remarks.extend(starved(scenario));
    remarks.extend(payment::turns(scenario).iter().map(|turn| {
        format!(
            "the provider's schedule: {} orders/s instead of {} from {} after the run's beginning; \
             what is allowed above holds at the opening",
            text::count(turn.after_per_s),
            text::count(turn.before_per_s),
            text::duration(turn.at - Time::ZERO),
        )
    }));
    remarks
}

/// Threads that may have to wait for a connection, though a processor is free for each.
fn starved(scenario: &Scenario) -> Option<String> {
    let (stack, shop) = (&scenario.stack, &scenario.shop);
    let application = stack.application.as_ref().filter(|it| it.workers.is_some())?;
    let pool = shop.storage.is_postgres().then(|| shop.pool());
    let database = stack.database.as_ref().map(|database| database.connections(pool));
    let (threads, connections) = (application.servers_at_first(), database.or(pool)?);
    (threads > connections).then(|| {
        format!(
            "{} threads share {} connections to the database: those without one wait, and their threads with \
             them",
            text::count(threads.into()),
            text::count(connections.into())
        )
    })
}

/// The whole part of a count, at least 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u64 just before"
)]
fn whole(value: f64) -> u64 {
    value.clamp(0.0, 1e18) as u64
}
