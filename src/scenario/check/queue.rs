//! `[[queue]]`: plain queues, held against textbooks.

use domain::time::Span;

use crate::scenario::check::{Checker, Seen, TABLES_MAX};
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::scenario::written::File;
use crate::scenario::written::queue::{
    ArrivalsShape, ArrivalsTable, LengthShape, LengthTable, QueueTable,
};
use crate::tier::queue::{Arrivals, Length, Order, Queue};

/// How many customers come where nothing is said.
const CUSTOMERS: u32 = 1_000_000;
/// How many come at least, for fewer say nothing of the long run, and at most.
const CUSTOMERS_RANGE: (u32, u32) = (1_000, 1_000_000_000);
/// The most servers of a queue.
const SERVERS_MAX: u32 = 1_000_000;
/// The most customers of a closed queue, each of whom takes memory.
const POPULATION_MAX: u32 = 10_000_000;
/// The most parts of a length.
const PHASES_MAX: u32 = 1_000;
/// How long a simulation may last in virtual time \[s\]: nanoseconds since its beginning fit 64 bits
/// for 584 years.
const HORIZON_S: f64 = 500.0 * 365.0 * 86_400.0;

/// All queues of `file`.
pub(super) fn queues(checker: &mut Checker, file: &File, root: Place<'_>) -> Vec<Queue> {
    let place = root.key("queue");
    if file.queue.len() > TABLES_MAX {
        checker.wrong(place, format!("a scenario has at most {TABLES_MAX} queues"));
    }
    let mut seen = Seen::default();
    let each = file.queue.iter().enumerate();
    each.map(|(index, table)| queue(checker, table, place.index(index), &mut seen)).collect()
}

fn queue(checker: &mut Checker, table: &QueueTable, place: Place<'_>, seen: &mut Seen) -> Queue {
    let name = checker.required(table.name.as_ref(), place, TABLE, "name");
    checker.identifier(&name, "queue", seen, place, "name");
    let arrivals = checker.required(table.arrivals.as_ref(), place, TABLE, "arrivals");
    let arrivals = arrivals_of(checker, &arrivals, place.key("arrivals"));
    let service = checker.required(table.service.as_ref(), place, TABLE, "service");
    let service = length(checker, &service, place, "service");
    let patience = table.patience.map(|patience| length(checker, &patience, place, "patience"));
    let queue = Queue {
        name,
        arrivals,
        service,
        servers: table.servers.unwrap_or(1),
        limit: table.limit,
        patience,
        order: table.order,
        customers: table.customers.unwrap_or(CUSTOMERS),
    };
    checker.count(queue.servers, (1, SERVERS_MAX), place, "servers");
    checker.count(queue.customers, CUSTOMERS_RANGE, place, "customers");
    checker.fits_together(&queue, place);
    queue
}

/// What a table of the list is called.
const TABLE: &str = "`[[queue]]`";

impl Checker {
    /// Numbers that are right by themselves and not beside each other.
    fn fits_together(&mut self, queue: &Queue, place: Place<'_>) {
        if let Some(limit) = queue.limit
            && limit < queue.servers
            && queue.order == Order::Fifo
        {
            let servers = grouped(queue.servers.into());
            let message =
                format!("`limit` is {}, and there are {servers} servers", grouped(limit.into()));
            self.wrong(place.key("limit"), message)
                .mark("counts those in service and those who wait");
        } else if queue.limit == Some(0) {
            self.wrong(place.key("limit"), "`limit` is 0").mark("must be 1 or more");
        }
        if queue.order == Order::Sharing && queue.patience.is_some() {
            let message = "who shares the servers with all others does not wait";
            self.wrong(place.key("patience"), message).advise("leave `patience` out");
        }
        let (Arrivals::Open(gap) | Arrivals::Closed { think: gap, .. }) = queue.arrivals;
        let lasts_s = f64::from(queue.customers) * (gap.mean_s() + queue.service.mean_s());
        if lasts_s > HORIZON_S {
            let years = lasts_s / 86_400.0 / 365.0;
            let message =
                format!("{} customers last {years:.0} years", grouped(queue.customers.into()));
            self.wrong(place, message)
                .advise("write its times in a smaller unit: minutes as seconds; at most 500 years");
        }
    }
}

fn arrivals_of(checker: &mut Checker, table: &ArrivalsTable, place: Place<'_>) -> Arrivals {
    let shape = match table.shape {
        ArrivalsShape::Closed => return closed(checker, table, place),
        ArrivalsShape::Poisson => LengthShape::Exponential,
        ArrivalsShape::Constant => LengthShape::Constant,
        ArrivalsShape::Erlang => LengthShape::Erlang,
        ArrivalsShape::Hyperexponential => LengthShape::Hyperexponential,
        ArrivalsShape::Lognormal => LengthShape::Lognormal,
    };
    checker.only_of(
        &[("population", table.population.is_some()), ("think", table.think.is_some())],
        "closed",
        place,
    );
    let rate = checker.required(table.rate.as_ref(), place, "`arrivals`", "rate");
    if table.rate.is_some() {
        checker.positive(rate.per_s(), place, "rate");
    }
    let gap = LengthTable { shape, phases: table.phases, cv2: table.cv2, ..LengthTable::default() };
    let mean_s = if rate.per_s() > 0.0 { 1.0 / rate.per_s() } else { 1.0 };
    Arrivals::Open(of_shape(checker, &gap, mean_s, place))
}

fn closed(checker: &mut Checker, table: &ArrivalsTable, place: Place<'_>) -> Arrivals {
    for (key, is_given) in [
        ("rate", table.rate.is_some()),
        ("phases", table.phases.is_some()),
        ("cv2", table.cv2.is_some()),
    ] {
        if is_given {
            checker
                .wrong(place.key(key), format!("`{key}` is of those who come whatever happens"))
                .advise("who comes again and again has `population` and `think`");
        }
    }
    let population = checker.required(table.population.as_ref(), place, "`arrivals`", "population");
    if place.has("population") {
        checker.count(population, (1, POPULATION_MAX), place, "population");
    }
    let think = checker.required(table.think.as_ref(), place, "`arrivals`", "think");
    Arrivals::Closed { population, think: length(checker, &think, place, "think") }
}

/// The length at `key` of the table at `place`. Where it cannot be used a second stands in, which nobody
/// lives: there is a problem.
fn length(checker: &mut Checker, table: &LengthTable, place: Place<'_>, key: &str) -> Length {
    let here = place.key(key);
    if !place.has(key) {
        return Length::Constant { mean_s: 1.0 };
    }
    let mean = checker.required(table.mean.as_ref(), here, &format!("`{key}`"), "mean");
    if mean == Span::default() && table.mean.is_some() {
        checker.wrong(here, format!("`{key}` is no time at all")).mark("must be longer than 0");
    }
    of_shape(checker, table, mean.0.as_secs_f64().max(1e-9), here)
}

/// The length of that mean whose other figures stand at `place`.
fn of_shape(checker: &mut Checker, table: &LengthTable, mean_s: f64, place: Place<'_>) -> Length {
    use LengthShape::{Constant, Erlang, Exponential, Hyperexponential, Lognormal};
    let shape = table.shape;
    if shape != Erlang {
        checker.only_of(&[("phases", table.phases.is_some())], "erlang", place);
    }
    if !matches!(shape, Hyperexponential | Lognormal) {
        let spread = [("cv2", table.cv2.is_some()), ("sigma", table.sigma.is_some())];
        checker.only_of(&spread, "lognormal", place);
    }
    match shape {
        Constant => Length::Constant { mean_s },
        Exponential => Length::Exponential { mean_s },
        Erlang => {
            let phases = checker.required(table.phases.as_ref(), place, "an `erlang`", "phases");
            if table.phases.is_some() {
                checker.count(phases, (1, PHASES_MAX), place, "phases");
            }
            Length::Erlang { mean_s, phases: phases.max(1) }
        }
        Hyperexponential => {
            checker.only_of(&[("sigma", table.sigma.is_some())], "lognormal", place);
            let cv2 = checker.required(table.cv2.as_ref(), place, "a `hyperexponential`", "cv2");
            if table.cv2.is_some_and(|cv2| !(cv2.is_finite() && cv2 >= 1.0)) {
                checker
                    .wrong(place.key("cv2"), format!("`cv2` is {cv2}"))
                    .mark("must be 1 or more");
            }
            Length::Hyperexponential { mean_s, cv2: cv2.max(1.0) }
        }
        Lognormal => lognormal(checker, table, mean_s, place),
    }
}

fn lognormal(checker: &mut Checker, table: &LengthTable, mean_s: f64, place: Place<'_>) -> Length {
    let is_right = |value: &f64| value.is_finite() && *value >= 0.0;
    for (key, value) in [("cv2", table.cv2), ("sigma", table.sigma)] {
        if let Some(value) = value.filter(|value| !is_right(value)) {
            checker.wrong(place.key(key), format!("`{key}` is {value}")).mark("must be 0 or more");
        }
    }
    match (table.cv2, table.sigma) {
        (Some(cv2), None) => Length::lognormal(mean_s, cv2),
        (None, Some(sigma)) => Length::Lognormal { mean_s, sigma },
        (Some(_), Some(_)) => {
            checker
                .wrong(place.key("sigma"), "`cv2` and `sigma` say the same thing twice")
                .advise("leave one of them out");
            Length::Constant { mean_s }
        }
        (None, None) => {
            checker.required::<f64>(None, place, "a `lognormal`", "cv2");
            Length::Constant { mean_s }
        }
    }
}

impl Checker {
    /// Keys that are given, though they are of another shape.
    fn only_of(&mut self, keys: &[(&str, bool)], shape: &str, place: Place<'_>) {
        for (key, _) in keys.iter().filter(|(_, is_given)| *is_given) {
            self.wrong(place.key(key), format!("`{key}` is of another shape"))
                .advise(format!("write `shape = \"{shape}\"`, or leave `{key}` out"));
        }
    }
}
