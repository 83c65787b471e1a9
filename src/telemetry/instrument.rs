//! What is exported, by the names of both worlds: OpenTelemetry's, and what Prometheus makes of them.

/// What kind of figure an instrument gives.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often each time came.
    Histogram,
}

/// One thing that is measured.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Its name, as OpenTelemetry has it.
    pub name: &'static str,
    /// Its unit, by UCUM; of things that are counted, the thing in braces.
    pub unit: &'static str,
    /// What kind of figure it gives.
    pub kind: Kind,
    /// What it is.
    pub help: &'static str,
}

impl Instrument {
    /// Its name in Prometheus, by the rule of OpenTelemetry's compatibility specification: dots become
    /// underscores, the unit goes to the end, and after it `total` where it only grows.
    pub fn prometheus(&self) -> String {
        let mut name = self.name.replace('.', "_");
        let unit = match (self.unit, self.kind) {
            ("s", _) => "_seconds",
            ("1", Kind::Gauge) => "_ratio",
            _ => "",
        };
        name.push_str(unit);
        if self.kind == Kind::Counter {
            name.push_str("_total");
        }
        name
    }
}

const fn counter(name: &'static str, unit: &'static str, help: &'static str) -> Instrument {
    Instrument { name, unit, kind: Kind::Counter, help }
}

const fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Instrument {
    Instrument { name, unit, kind: Kind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Instrument {
    Instrument { name, unit: "s", kind: Kind::Histogram, help }
}

/// From the moment an operation was intended to its answer, by `operation`.
pub const RESPONSE: Instrument = histogram(
    "spike.response.duration",
    "From the moment an operation was intended to its answer; refusals and errors are not in it",
);
/// From the moment an operation was sent to its answer, by `operation`.
pub const SERVICE: Instrument = histogram(
    "spike.service.duration",
    "From the moment an operation was sent to its answer; refusals and errors are not in it",
);
/// From the moment an operation was intended to the first byte of its answer, by `operation`.
pub const FIRST_BYTE: Instrument = histogram(
    "spike.first_byte.duration",
    "From the moment an operation was intended to the first byte of its answer",
);
/// One request of a reload.
pub const RELOAD_CALL: Instrument =
    histogram("spike.reload.call.duration", "One request of a reload, from sent to its answer");
/// How late operations were sent.
pub const LATENESS: Instrument =
    histogram("spike.lateness", "How late operations were sent: the generator's own delay");
/// How long connections took to stand.
pub const CONNECT: Instrument =
    histogram("spike.connect.duration", "How long connections took until they stood");
/// How long TLS handshakes took.
pub const HANDSHAKE: Instrument =
    histogram("spike.handshake.duration", "How long connections that stood took to be secured");
/// How long operations waited for a pooled connection.
pub const POOL_WAIT: Instrument =
    histogram("spike.pool.wait.duration", "How long operations waited for a pooled connection");

/// Operations that fans intended.
pub const OFFERED: Instrument =
    counter("spike.operations.offered", "{operation}", "Operations that fans intended");
/// Operations that were handed to the network.
pub const SENT: Instrument =
    counter("spike.operations.sent", "{operation}", "Operations that were handed to the network");
/// Operations that were answered or given up, by `operation` and `outcome`.
pub const DONE: Instrument =
    counter("spike.operations.done", "{operation}", "Operations that were answered or given up");
/// Requests of reloads, by `outcome`.
pub const RELOAD_CALLS: Instrument = counter(
    "spike.reload.calls",
    "{request}",
    "Requests of reloads that were answered or given up",
);
/// Purchases that fans were told of.
pub const PURCHASES: Instrument =
    counter("spike.purchases", "{purchase}", "Purchases that fans were told of");
/// Fans who came.
pub const ARRIVED: Instrument = counter("spike.fans.arrived", "{fan}", "Fans who came");
/// Fans who left, by `departure`.
pub const DEPARTED: Instrument = counter("spike.fans.departed", "{fan}", "Fans who left, and how");
/// Fans who are there.
pub const PRESENT: Instrument = gauge("spike.fans.present", "{fan}", "Fans who are there");
/// Connections that stood.
pub const OPENED: Instrument =
    counter("spike.connections.opened", "{connection}", "Connections that stood");
/// Connections that resumed an earlier session of TLS.
pub const RESUMED: Instrument = counter(
    "spike.connections.resumed",
    "{connection}",
    "Connections that resumed an earlier session of TLS",
);
/// Connections that failed before they were of use, by `error.type`.
pub const FAILED: Instrument = counter(
    "spike.connections.failed",
    "{connection}",
    "Connections that failed before they were of use",
);
/// Answers of a foreign shop, by `step` and `cache`.
pub const EDGE: Instrument = counter(
    "spike.edge.answers",
    "{answer}",
    "Answers of the steps of a funnel, by what the edge says it did: hit, miss, other, silent",
);

/// Requests at the tiers of the shop, by `tier`.
pub const SHOP_REQUESTS: Instrument = counter(
    "spike.shop.requests",
    "{request}",
    "Requests at the edge, at the origin and at the payment provider, as the shop counts them",
);
/// Orders that are not over.
pub const PENDING: Instrument =
    gauge("spike.shop.orders.pending", "{order}", "Orders that are not over, as the shop says");
/// Pieces, by `item` and `state`.
pub const STOCK: Instrument =
    gauge("spike.shop.stock", "{piece}", "Pieces that are free, held and sold, as the shop says");
/// Places, by `slot` and `state`.
pub const PLACES: Instrument = gauge(
    "spike.shop.places",
    "{place}",
    "Places of pickup slots that are free, held and taken, as the shop says",
);

/// When the first sale opens.
pub const OPENING: Instrument =
    gauge("spike.opening.timestamp", "s", "When the first sale opens, in Unix time");
/// The cores that the generator used.
pub const CORES: Instrument =
    gauge("spike.generator.cores", "{core}", "Cores that the generator used in the last second");
/// How long load threads waited for a core.
pub const CORE_WAIT: Instrument =
    counter("spike.generator.core_wait", "s", "How long load threads were ready and did not run");
/// The share of the machine that was busy.
pub const BUSY: Instrument =
    gauge("spike.machine.busy", "1", "The share of all cores' time in which they worked");
/// The share of the machine that its host gave away.
pub const STOLEN: Instrument =
    gauge("spike.machine.stolen", "1", "The share of all cores' time that the host gave away");
/// How far the two clocks may be apart.
pub const CLOCK_ERROR: Instrument = gauge(
    "spike.clock.error",
    "s",
    "How far the wall clock and the monotonic clock may have come apart",
);

/// What reached somebody who listens, by `consumer`.
pub const DELIVERED: Instrument = counter(
    "spike.telemetry.delivered",
    "{item}",
    "What was exported: scrapes, seconds of metrics, spans",
);
/// What did not reach them, by `consumer`.
pub const DROPPED: Instrument = counter(
    "spike.telemetry.dropped",
    "{item}",
    "What was not exported because the consumer was slow, stuck or gone",
);

/// All of them.
pub const ALL: [Instrument; 32] = [
    RESPONSE,
    SERVICE,
    FIRST_BYTE,
    RELOAD_CALL,
    LATENESS,
    CONNECT,
    HANDSHAKE,
    POOL_WAIT,
    OFFERED,
    SENT,
    DONE,
    RELOAD_CALLS,
    PURCHASES,
    ARRIVED,
    DEPARTED,
    PRESENT,
    OPENED,
    RESUMED,
    FAILED,
    EDGE,
    SHOP_REQUESTS,
    PENDING,
    STOCK,
    PLACES,
    OPENING,
    CORES,
    CORE_WAIT,
    BUSY,
    STOLEN,
    CLOCK_ERROR,
    DELIVERED,
    DROPPED,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn units_and_totals_stand_at_the_end_of_a_name_in_prometheus() {
        let names = [RESPONSE, DONE, PRESENT, CORE_WAIT, BUSY, OPENING].map(|it| it.prometheus());
        let expected = [
            "spike_response_duration_seconds",
            "spike_operations_done_total",
            "spike_fans_present",
            "spike_generator_core_wait_seconds_total",
            "spike_machine_busy_ratio",
            "spike_opening_timestamp_seconds",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn every_name_is_well_formed_and_another_in_both_worlds() {
        let mut names = BTreeSet::new();
        for instrument in ALL {
            let is_letter = |letter: char| letter.is_ascii_lowercase() || "._".contains(letter);
            assert!(instrument.name.starts_with("spike."), "{}", instrument.name);
            assert!(instrument.name.chars().all(is_letter), "{}", instrument.name);
            assert!(names.insert(instrument.prometheus()), "{}", instrument.name);
            assert!(!instrument.help.ends_with('.') && !instrument.help.contains('\n'));
        }
    }
}
