//! What the payment allows: orders per second through all limiters of the provider, and what a
//! schedule makes of that in mid-run.

use std::collections::BTreeSet;

use domain::provider::PaymentOperation;
use domain::time::{Duration, Time};
use mock_provider::settings::{Algorithm, Limit, Scope, Settings as Provider};
use reference_shop::settings::{Edge, EdgeBy, Per, looks};

use crate::evidence::{Admitted, Facts};
use crate::scenario::Scenario;
use crate::scenario::target::Limits;

/// What the payment allows.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Payment {
    /// Calls per second that the tightest of the limits allows at the opening which orders meet;
    /// absent: no limit \[1/s\].
    pub calls_per_s: Option<f64>,
    /// Orders per second that all limits allow at the opening \[1/s\].
    pub orders_per_s: Option<f64>,
    /// The same in the mean from the first opening to the last closing: a schedule may change the
    /// limits meanwhile \[1/s\].
    pub orders_mean_per_s: Option<f64>,
    /// Orders per second that the shop admits, of each sale if it counts per sale; absent: all \[1/s\].
    pub admission_per_s: Option<f64>,
    /// Whether it counts per sale.
    pub is_per_sale: bool,
}

impl Payment {
    /// What can be paid in the mean: what the shop admits, else what the provider allows, else any.
    pub fn admitted(&self) -> Admitted {
        match (self.admission_per_s, self.orders_mean_per_s) {
            (Some(orders_per_s), together_per_s) if self.is_per_sale => {
                Admitted::BySale { orders_per_s, together_per_s }
            }
            (Some(orders_per_s), _) => Admitted::ByShop { orders_per_s },
            (None, Some(orders_per_s)) => Admitted::ByProvider { orders_per_s },
            (None, None) => Admitted::Unbounded,
        }
    }
}

/// What the payment allows.
pub fn payment(scenario: &Scenario) -> Payment {
    if scenario.target.as_ref().is_some_and(|target| target.limits == Limits::Unknown) {
        return Payment::default();
    }
    let opens = opens(scenario);
    let demand = Demand::new(scenario);
    let limits = limits_at(&scenario.provider, opens);
    let gate = scenario.shop.admission.as_ref();
    Payment {
        calls_per_s: lowest(limits.iter().filter_map(|limit| demand.calls_per_s(limit))),
        orders_per_s: demand.orders_per_s(&limits),
        orders_mean_per_s: orders_mean_per_s(scenario, &demand),
        admission_per_s: gate.map(|gate| gate.orders_per_s(demand.calls())),
        is_per_sale: gate.is_some_and(|gate| gate.per == Per::Sale),
    }
}

/// What the judge must know of the scenario beside its catalogue.
pub fn facts(scenario: &Scenario) -> Facts {
    /// How late a busy sweeper may come \[added to its period\].
    const LATE_SWEEP: Duration = Duration::from_secs(4);
    Facts {
        admitted: payment(scenario).admitted(),
        opening: scenario.phases.opening,
        grace: scenario.shop.reservation.sweep.0.saturating_add(LATE_SWEEP),
        edge_ttl: shown(&scenario.shop.edge),
        unannounced: unannounced(scenario),
    }
}

/// How old what the edge shows may be. nginx keeps what it may keep for a second to the end of the next.
fn shown(edge: &Edge) -> Duration {
    let longer = match edge.by {
        EdgeBy::Shop => Duration::ZERO,
        EdgeBy::Nginx => Duration::from_secs(1),
    };
    edge.ttl.0.saturating_add(edge.grace.0).saturating_add(longer)
}

/// The sales whose opening the shop may not know: all of an embedded shop, in whose place another may
/// stand that opens when it likes.
fn unannounced(scenario: &Scenario) -> BTreeSet<String> {
    match &scenario.target {
        Some(target) => target.unannounced.clone(),
        None => scenario.catalogue.sales.iter().map(|sale| sale.id.clone()).collect(),
    }
}

/// Calls to the provider that one paid order makes in the mean.
pub(super) fn calls_per_order(scenario: &Scenario) -> f64 {
    Demand::new(scenario).calls()
}

/// What one paid order asks of the provider in the mean: it is authorized, then captured, and
/// between the two the shop looks where it stands if its cardholder is challenged. Before that the
/// customer's browser may ask for a token.
struct Demand {
    operations: [Asked; 4],
}

/// One operation that an order asks for.
struct Asked {
    operation: PaymentOperation,
    /// How often, in the mean.
    calls: f64,
    /// How long each takes, in the mean \[s\].
    takes_s: f64,
}

impl Demand {
    fn new(scenario: &Scenario) -> Self {
        let Provider { challenges, latency, .. } = &scenario.provider;
        let looks = challenges.share * f64::from(looks(challenges.takes.mean()));
        let each = [
            (PaymentOperation::Authorize, 1.0),
            (PaymentOperation::Capture, 1.0),
            (PaymentOperation::Retrieve, looks),
            (PaymentOperation::Tokenize, f64::from(u8::from(scenario.shop.tokens.is_some()))),
        ];
        let operations = each.map(|(operation, calls)| {
            let takes_s = latency.of(operation).mean().as_secs_f64();
            Asked { operation, calls, takes_s }
        });
        Self { operations }
    }

    /// All that the shop asks for: a browser's calls are none of its own.
    fn calls(&self) -> f64 {
        let own = |asked: &&Asked| asked.operation != PaymentOperation::Tokenize;
        self.operations.iter().filter(own).map(|asked| asked.calls).sum()
    }

    /// What one order takes of the allowance of a limit that it takes most of, by `weight`.
    fn load(&self, limit: &Limit, weight: fn(&Asked) -> f64) -> f64 {
        let asked = self.operations.iter().filter(|asked| limit.applies_to(asked.operation));
        match limit.scope {
            Scope::Global | Scope::Key | Scope::Zone => asked.map(weight).sum(),
            Scope::Endpoint => asked.map(weight).fold(0.0, f64::max),
            // Each payment has its own.
            Scope::Object => 0.0,
        }
    }

    /// Orders per second that a limit allows; absent: any \[1/s\].
    fn orders_per_s_of(&self, limit: &Limit) -> Option<f64> {
        let (allowance, load) = match (limit.algorithm, limit.rate_per_s()) {
            // Little's law: so many in flight, each for as long as it takes.
            (Algorithm::Concurrency, _) => {
                (f64::from(limit.calls?), self.load(limit, |asked| asked.calls * asked.takes_s))
            }
            (_, rate) => (rate?, self.load(limit, |asked| asked.calls)),
        };
        (load > 0.0).then(|| allowance / load)
    }

    /// Orders per second that all limits allow; absent: any \[1/s\].
    fn orders_per_s(&self, limits: &[Limit]) -> Option<f64> {
        lowest(limits.iter().filter_map(|limit| self.orders_per_s_of(limit)))
    }

    /// Calls per second of one allowance of a limit that orders meet; absent: any \[1/s\].
    fn calls_per_s(&self, limit: &Limit) -> Option<f64> {
        Some(self.orders_per_s_of(limit)? * self.load(limit, |asked| asked.calls))
    }
}

/// A change of the orders per second that the provider allows, in mid-run.
pub(super) struct Turn {
    pub(super) at: Time,
    pub(super) before_per_s: f64,
    pub(super) after_per_s: f64,
}

/// What the schedule changes after the first opening.
pub(super) fn turns(scenario: &Scenario) -> Vec<Turn> {
    let demand = Demand::new(scenario);
    let opens = opens(scenario);
    let allowed =
        |at: Time| demand.orders_per_s(&limits_at(&scenario.provider, at)).unwrap_or(f64::INFINITY);
    let mut before_per_s = allowed(opens);
    let mut turns = Vec::new();
    for at in changes(scenario).into_iter().filter(|at| *at > opens) {
        let after_per_s = allowed(at);
        if (after_per_s - before_per_s).abs() > 0.0 {
            turns.push(Turn { at, before_per_s, after_per_s });
        }
        before_per_s = after_per_s;
    }
    turns
}

/// Orders per second that all limits allow in the mean, from the first opening to the last closing.
fn orders_mean_per_s(scenario: &Scenario, demand: &Demand) -> Option<f64> {
    let (opens, closes) = (opens(scenario), closes(scenario));
    let mut corners: Vec<Time> = changes(scenario);
    corners.retain(|at| *at > opens && *at < closes);
    corners.insert(0, opens);
    let mut orders = 0.0;
    for (place, from) in corners.iter().enumerate() {
        let until = corners.get(place + 1).copied().unwrap_or(closes);
        let per_s = demand.orders_per_s(&limits_at(&scenario.provider, *from))?;
        if closes <= opens {
            return Some(per_s);
        }
        orders += per_s * until.since(*from).as_secs_f64();
    }
    Some(orders / closes.since(opens).as_secs_f64())
}

/// When the limits change, in order.
fn changes(scenario: &Scenario) -> Vec<Time> {
    let schedule = &scenario.provider.schedule;
    let mut moments: Vec<Time> = schedule.iter().filter_map(|change| change.at.time()).collect();
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// The limits once everything has changed that was to change by then.
fn limits_at(provider: &Provider, at: Time) -> Vec<Limit> {
    let mut limits = provider.limits.clone();
    let mut due: Vec<_> = provider
        .schedule
        .iter()
        .filter(|change| change.at.time().is_some_and(|due| due <= at))
        .collect();
    due.sort_by_key(|change| change.at.time());
    for change in due {
        if let Some(place) = change.limit.find(&limits) {
            limits[place] = change.applied_to(&limits[place]);
        }
    }
    limits
}

fn opens(scenario: &Scenario) -> Time {
    scenario.catalogue.sales.iter().map(|sale| sale.opens).min().unwrap_or_default()
}

fn closes(scenario: &Scenario) -> Time {
    scenario.catalogue.sales.iter().map(|sale| sale.closes).max().unwrap_or_default()
}

fn lowest(rates: impl Iterator<Item = f64>) -> Option<f64> {
    rates.min_by(f64::total_cmp)
}
