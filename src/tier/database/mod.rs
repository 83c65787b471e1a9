//! The database of the simulated stack as it is written, and how many connections its flavour allows.

pub mod capacity;
pub mod processors;

use domain::law::Law;
use domain::time::{Duration, Offset, Span, Time, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use capacity::Capacity;

/// The database: `[stack.database]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// How many statements it carries out at once: its connections. Left out: as many as `flavour`
    /// allows, or as the shop's own pool has where that is fewer.
    #[serde(default)]
    pub servers: Option<u32>,
    /// A database has none: its statements wait as long as it takes, and the application's queue bounds
    /// them.
    #[serde(default)]
    pub queue: Option<u32>,
    /// How long one statement takes; with `capacity`, how much of a processor's time.
    pub service: Law,
    /// Which database it is: how many connections it allows. Needs `capacity`.
    #[serde(default)]
    pub flavour: Option<Flavour>,
    /// How much processor its statements share; left out: each has one of its own.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// When it fails over to another machine.
    #[serde(default)]
    pub failovers: Vec<Failover>,
}

/// A flavour of Aurora.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// Compatible with `MySQL`.
    Mysql,
    /// Compatible with `PostgreSQL`.
    Postgresql,
}

/// The defaults of `max_connections` by the most capacity \[ACU\], for `MySQL` and for `PostgreSQL`
/// (Aurora user guide, "Maximum connections for Aurora Serverless v2"). Between two rows the lower one
/// counts.
const MAX_CONNECTIONS: [(f64, u32, u32); 7] = [
    (1.0, 90, 189),
    (4.0, 135, 823),
    (8.0, 1_000, 1_669),
    (16.0, 2_000, 3_360),
    (32.0, 3_000, 5_000),
    (64.0, 4_000, 5_000),
    (128.0, 5_000, 5_000),
];

/// `PostgreSQL` whose least capacity is 0.5 ACU allows no more (the same page).
const SMALLEST_MAX_CONNECTIONS: u32 = 2_000;

impl Flavour {
    /// How many connections it allows with so much capacity \[ACU\], whatever it has at the moment.
    pub fn max_connections(self, capacity: &Capacity) -> u32 {
        let (least, most) = capacity.bounds();
        let row = MAX_CONNECTIONS.iter().rev().find(|(units, ..)| *units <= most);
        let (_, mysql, postgresql) = row.unwrap_or(&MAX_CONNECTIONS[0]);
        match self {
            Self::Mysql => *mysql,
            Self::Postgresql if least < 1.0 => (*postgresql).min(SMALLEST_MAX_CONNECTIONS),
            Self::Postgresql => *postgresql,
        }
    }
}

/// The database fails over to another machine: `stack.database.failovers`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failover {
    /// When it begins, from the first opening.
    pub at: Offset,
    /// How long nothing is served: 30 s, within which a failover of Aurora typically completes (its
    /// FAQ).
    #[serde(default = "typically")]
    pub lasts: Span,
    /// Of the transactions whose work was done and that were not answered yet, the share that was
    /// committed all the same: a half, an assumption.
    #[serde(default = "half")]
    pub committed: f64,
}

const fn typically() -> Span {
    Span(Duration::from_secs(30))
}

const fn half() -> f64 {
    0.5
}

impl Failover {
    /// When it begins and ends, in a sale that opens then.
    pub fn stretch(&self, opens: Time) -> (Time, Time) {
        let from = self.at.from(opens);
        (from, from + self.lasts.0)
    }
}

impl Database {
    /// The connections that its flavour allows; none where nobody says which it is.
    pub fn max_connections(&self) -> Option<u32> {
        Some(self.flavour?.max_connections(self.capacity.as_ref()?))
    }

    /// How many statements it carries out at once, where the shop's own `pool` has so many connections.
    pub fn connections(&self, pool: Option<u32>) -> u32 {
        let allowed = || self.max_connections().into_iter().chain(pool).min();
        self.servers.or_else(allowed).unwrap_or(1)
    }

    /// Whether it has a capacity, or fails over.
    pub fn is_bounded(&self) -> bool {
        self.capacity.is_some() || !self.failovers.is_empty()
    }

    /// How long before the opening the first of its failovers begins.
    pub fn lead(&self) -> Duration {
        let early_s = self.failovers.iter().map(|failover| -failover.at.seconds());
        duration_from_seconds(early_s.fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serverless(min: f64, max: f64) -> Capacity {
        Capacity { min: Some(min), max: Some(max), ..Capacity::default() }
    }

    #[test]
    fn connections_are_those_of_the_most_capacity_as_the_guide_says() {
        let both = |min, max| {
            [Flavour::Mysql, Flavour::Postgresql]
                .map(|flavour| flavour.max_connections(&serverless(min, max)))
        };
        for (min, max, allowed) in [
            (0.5, 1.0, [90, 189]),
            (8.0, 32.0, [3_000, 5_000]),
            (12.5, 80.0, [4_000, 5_000]),
            (0.5, 128.0, [5_000, 2_000]),
            (2.0, 256.0, [5_000, 5_000]),
        ] {
            assert_eq!(both(min, max), allowed, "{min} to {max} ACU");
        }
        let provisioned = Capacity { provisioned: Some(16.0), ..Capacity::default() };
        assert_eq!(Flavour::Postgresql.max_connections(&provisioned), 3_360);
    }

    #[test]
    fn the_pool_of_the_shop_is_what_it_has_where_the_database_allows_more() {
        let mut database = Database {
            servers: None,
            queue: None,
            service: Law::default(),
            flavour: Some(Flavour::Mysql),
            capacity: Some(serverless(2.0, 4.0)),
            failovers: Vec::new(),
        };
        assert_eq!(
            [None, Some(20), Some(400)].map(|pool| database.connections(pool)),
            [135, 20, 135]
        );
        database.servers = Some(60);
        assert_eq!(database.connections(Some(20)), 60);
    }
}
