//! The gate in front of the payment: `[shop] admission`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Calls that an order which is paid makes: it is authorized, then captured.
const CALLS_PER_ORDER: u32 = 2;

/// The share of the provider's allowance that is left unused where nothing else is said \[A\]: calls
/// are counted when an order is let through and made a little later.
const HEADROOM: f64 = 0.1;

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

/// Who counts what is let through: `memory`, `redis` or `redis://…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdmissionBy {
    /// The shop's own memory: one process.
    #[default]
    Memory,
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
        problems
    }
}

impl Serialize for AdmissionBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Memory => "memory",
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
            "redis" => Ok(Self::OwnRedis),
            address => by_redis(address).map_err(serde::de::Error::custom),
        }
    }
}

/// A Redis server by its address.
fn by_redis(address: &str) -> Result<AdmissionBy, String> {
    let Some((_, rest)) = address.split_once("redis://").filter(|(before, _)| before.is_empty())
    else {
        return Err(format!("`{address}` is none of `memory`, `redis` and `redis://host:port`"));
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
                            that the shop starts for itself, or one at `redis://host:port`.",
            "type": "string",
            "pattern": "^(memory|redis|redis://[^@]+)$",
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
        for word in ["memory", "redis", "redis://127.0.0.1:6379/2"] {
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
    }
}
