//! The gate in front of the payment: `[shop] admission`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Calls that an order which is paid makes: it is authorized, then captured.
const CALLS_PER_ORDER: u32 = 2;

/// The share of the provider's allowance that is left unused where nothing else is said \[A\]: calls
/// are counted when an order is let through and made a little later.
const HEADROOM: f64 = 0.1;

/// Points of presence, where nothing else is said \[A\].
const POPS: u32 = 8;

/// The most points of presence: more than any network has.
const POPS_MAX: u32 = 1_000;

/// How many orders may pass at once at least, where nothing else is said.
const ORDERS_AT_ONCE: f64 = 2.0;

/// The gate in front of the payment: `[shop] admission`. It counts either orders or the calls to the
/// provider that they make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admission {
    /// Orders let through per second \[1/s\], more than 0. Either this or `calls_per_second`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders_per_second: Option<f64>,
    /// Calls per second that the provider allows \[1/s\], more than 0. An order is let through with the
    /// two calls of a sale; what it calls beside them (voids, repetitions, questions) is counted as it
    /// happens, and what it did not need is given back when it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<f64>,
    /// The share of `calls_per_second` that is left unused, from 0 to below 1; left out: 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headroom: Option<f64>,
    /// How many orders, or calls, may pass at once after a quiet time; left out: one second's worth, at
    /// least two orders'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<f64>,
    /// What has an allowance of its own.
    pub per: Per,
    /// Who counts.
    pub by: AdmissionBy,
    /// Points of presence of an edge that counts, each with a counter of its own for an even part of the
    /// whole, at least 1; left out: 8. Visitors come to them in proportion to 1, 1/2, 1/3, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pops: Option<u32>,
    /// How far the counters of an edge are off, more than -1: 0.3 lets 30 % too many through, -0.3 so many
    /// too few; left out: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
}

/// What has an allowance of its own.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// The merchant account at the provider: all sales share one.
    #[default]
    Account,
    /// Each sale, as each tenant of a shared shop: one does not starve the other.
    Sale,
}

/// Who counts what is let through: `memory`, `edge`, `redis` or `redis://…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdmissionBy {
    /// The shop's own memory: one process.
    #[default]
    Memory,
    /// The edge, by point of presence: it sees requests, and nothing of what becomes of them.
    Edge,
    /// A Redis server that the shop starts for itself.
    OwnRedis,
    /// The Redis server at this address, which any number of shops may share.
    Redis(String),
}

/// An allowance as a bucket of tokens.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Allowance {
    /// Tokens per second \[1/s\].
    pub rate_per_s: f64,
    /// How many there are at most.
    pub burst: f64,
    /// How many an order takes.
    pub per_order: u32,
    /// What a token stands for.
    pub unit: Unit,
}

/// What a token stands for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// An order, whatever it calls.
    Orders,
    /// A call to the provider.
    Calls,
}

impl Admission {
    /// The bucket of each of those that have one of their own.
    pub fn allowance(&self) -> Allowance {
        let (rate_per_s, per_order, unit) = match (self.orders_per_second, self.calls_per_second) {
            (None, Some(calls)) => {
                (calls * (1.0 - self.headroom.unwrap_or(HEADROOM)), CALLS_PER_ORDER, Unit::Calls)
            }
            (orders, _) => (orders.unwrap_or(0.0), 1, Unit::Orders),
        };
        let least = f64::from(per_order);
        let burst = self.burst.unwrap_or_else(|| rate_per_s.max(ORDERS_AT_ONCE * least)).max(least);
        Allowance { rate_per_s, burst, per_order, unit }
    }

    /// Orders per second that the gate lets through if each makes `calls` to the provider \[1/s\].
    pub fn orders_per_s(&self, calls: f64) -> f64 {
        let Allowance { rate_per_s, unit, .. } = self.allowance();
        match unit {
            Unit::Orders => rate_per_s,
            Unit::Calls => rate_per_s / calls.max(1.0),
        }
    }

    /// How many points of presence count, where the edge does.
    pub fn pops(&self) -> u32 {
        self.pops.unwrap_or(POPS)
    }

    /// The bucket of each point of presence, where the edge counts.
    pub fn allowance_of_a_pop(&self) -> Allowance {
        let whole = self.allowance();
        let part = (1.0 + self.error.unwrap_or(0.0)) / f64::from(self.pops());
        let (rate_per_s, burst) = (whole.rate_per_s * part, (whole.burst * part).max(1.0));
        Allowance { rate_per_s, burst, ..whole }
    }

    /// The same gate for a share of the people.
    pub fn scale(&mut self, scale: f64) {
        for rate in [&mut self.orders_per_second, &mut self.calls_per_second] {
            *rate = rate.map(|rate| rate * scale);
        }
        self.burst = self.burst.map(|burst| (burst * scale).max(1.0));
    }

    /// What of it cannot work, a sentence each, with the key it is about.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let rates = [
            ("orders_per_second", self.orders_per_second),
            ("calls_per_second", self.calls_per_second),
        ];
        for (key, rate) in rates {
            if let Some(rate) = rate.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
                problems.push((key, format!("`{key}` is {rate}, it must be more than 0")));
            }
        }
        match rates.map(|(_, rate)| rate.is_some()) {
            [true, true] => problems.push((
                "calls_per_second",
                "orders or calls are counted, not both: leave one of `orders_per_second` and \
                 `calls_per_second` out"
                    .to_owned(),
            )),
            [false, false] => problems.push((
                "orders_per_second",
                "how many pass is missing: say `orders_per_second`, or the provider's allowance as \
                 `calls_per_second`"
                    .to_owned(),
            )),
            _ => {}
        }
        if let Some(headroom) = self.headroom {
            if self.calls_per_second.is_none() {
                let problem = "`headroom` is a share of `calls_per_second`, which is not there";
                problems.push(("headroom", problem.to_owned()));
            }
            if !(0.0..1.0).contains(&headroom) {
                let problem = format!("`headroom` is {headroom}, it must be from 0 to below 1");
                problems.push(("headroom", problem));
            }
        }
        if let Some(burst) = self.burst.filter(|burst| !(burst.is_finite() && *burst >= 1.0)) {
            problems.push(("burst", format!("`burst` is {burst}, it must be 1 or more")));
        }
        problems.extend(self.edge_problems());
        problems
    }

    /// What of it cannot work because an edge counts, or because none does.
    fn edge_problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.by != AdmissionBy::Edge {
            let given = [("pops", self.pops.is_some()), ("error", self.error.is_some())];
            for (key, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
                problems.push((
                    key,
                    format!(
                        "`{key}` is about counters of an edge: say `by = \"edge\"`, or leave it out"
                    ),
                ));
            }
            return problems;
        }
        if self.calls_per_second.is_some() {
            let problem = "an edge sees no call to the provider: say `orders_per_second`";
            problems.push(("calls_per_second", problem.to_owned()));
        }
        if self.per == Per::Sale {
            let problem = "an edge counts requests and knows no sale: leave `per` out";
            problems.push(("per", problem.to_owned()));
        }
        if !(1..=POPS_MAX).contains(&self.pops()) {
            let problem = format!("`pops` is {}, it must be from 1 to {POPS_MAX}", self.pops());
            problems.push(("pops", problem));
        }
        if let Some(error) = self.error.filter(|error| !(error.is_finite() && *error > -1.0)) {
            problems.push(("error", format!("`error` is {error}, it must be more than -1")));
        }
        problems
    }
}

impl Serialize for AdmissionBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Memory => "memory",
            Self::Edge => "edge",
            Self::OwnRedis => "redis",
            Self::Redis(address) => address,
        })
    }
}

impl<'de> Deserialize<'de> for AdmissionBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        match &*word {
            "memory" => Ok(Self::Memory),
            "edge" => Ok(Self::Edge),
            "redis" => Ok(Self::OwnRedis),
            address => by_redis(address).map_err(serde::de::Error::custom),
        }
    }
}

/// A Redis server by its address.
fn by_redis(address: &str) -> Result<AdmissionBy, String> {
    let rest = ["redis://", "redis+unix://"].iter().find_map(|start| address.strip_prefix(start));
    let Some(rest) = rest else {
        return Err(format!(
            "`{address}` is none of `memory`, `edge`, `redis`, `redis://host:port` and `redis+unix:///path/to/socket`"
        ));
    };
    if rest.contains('@') {
        return Err("an address of Redis holds no password here: it would be written into each \
                    report; put it into the environment as REDISCLI_AUTH"
            .to_owned());
    }
    Ok(AdmissionBy::Redis(address.to_owned()))
}

impl JsonSchema for AdmissionBy {
    fn schema_name() -> Cow<'static, str> {
        "AdmissionBy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Who counts what is let through: the shop's own `memory`, a `redis` server \
                            that the shop starts for itself, one at `redis://host:port` or `redis+unix:///path/to/socket`, \
                            or the `edge`, by point of presence.",
            "type": "string",
            "pattern": "^(memory|edge|redis|redis(\\+unix)?://[^@]+)$",
            "default": "memory",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Admission, String> {
        toml::from_str(toml).map_err(|error| error.to_string())
    }

    #[test]
    fn calls_are_the_allowance_less_the_headroom_and_two_an_order() {
        let gate = read("calls_per_second = 100").unwrap();
        let allowance = gate.allowance();
        assert!((allowance.rate_per_s - 90.0).abs() < 1e-9);
        assert_eq!((allowance.per_order, allowance.unit), (2, Unit::Calls));
        assert!((gate.orders_per_s(2.0) - 45.0).abs() < 1e-9);
        assert!((gate.orders_per_s(3.0) - 30.0).abs() < 1e-9);
        let gate = read("calls_per_second = 100\nheadroom = 0.0\nburst = 10").unwrap();
        assert_eq!((gate.allowance().rate_per_s, gate.allowance().burst), (100.0, 10.0));
    }

    #[test]
    fn a_bucket_always_holds_at_least_two_orders() {
        let orders = read("orders_per_second = 0.5").unwrap().allowance();
        let calls = read("calls_per_second = 1").unwrap().allowance();
        assert_eq!((orders.burst, calls.burst), (2.0, 4.0));
    }

    #[test]
    fn who_counts_is_read_and_written_alike() {
        for word in ["memory", "edge", "redis", "redis://127.0.0.1:6379/2"] {
            let gate = read(&format!("orders_per_second = 1\nby = \"{word}\"")).unwrap();
            assert_eq!(serde_json::to_value(&gate.by).unwrap(), word);
        }
        assert!(read("orders_per_second = 1\nby = \"http://127.0.0.1\"").is_err());
    }

    #[test]
    fn a_password_is_not_taken_from_a_file_that_is_written_into_reports() {
        let error = read("orders_per_second = 1\nby = \"redis://:secret@127.0.0.1\"").unwrap_err();
        assert!(error.contains("REDISCLI_AUTH"), "{error}");
    }

    #[test]
    fn what_cannot_work_is_told_key_by_key() {
        let keys = |toml: &str| -> Vec<&str> {
            read(toml).unwrap().problems().iter().map(|(key, _)| *key).collect()
        };
        assert!(keys("orders_per_second = 45").is_empty());
        assert_eq!(keys(""), ["orders_per_second"]);
        assert_eq!(keys("orders_per_second = 1\ncalls_per_second = 1"), ["calls_per_second"]);
        assert_eq!(
            keys("orders_per_second = 0\nheadroom = 0.1"),
            ["orders_per_second", "headroom"]
        );
        assert_eq!(
            keys("calls_per_second = 1\nheadroom = 1.0\nburst = 0.5"),
            ["headroom", "burst"]
        );
        assert_eq!(keys("orders_per_second = 1\npops = 3\nerror = 0.1"), ["pops", "error"]);
        assert_eq!(
            keys("calls_per_second = 1\nby = \"edge\"\nper = \"sale\"\npops = 0\nerror = -1.0"),
            ["calls_per_second", "per", "pops", "error"]
        );
    }

    #[test]
    fn each_point_of_presence_has_an_even_part_as_far_off_as_its_counter() {
        let gate = read("orders_per_second = 20\nby = \"edge\"\nerror = 0.2").unwrap();
        let part = gate.allowance_of_a_pop();
        assert!(
            (part.rate_per_s - 3.0).abs() < 1e-9 && (part.burst - 3.0).abs() < 1e-9,
            "{part:?}"
        );
        let gate = read("orders_per_second = 2\nby = \"edge\"\npops = 4").unwrap();
        assert!((gate.allowance_of_a_pop().burst - 1.0).abs() < 1e-9, "one order passes at all");
    }
}
