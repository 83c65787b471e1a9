//! Infrastructure as pure machines, for the simulated world.

pub mod application;
pub mod balancer;
pub mod database;
pub mod locks;
pub mod queue;
pub mod scaler;
pub mod slowdown;
pub mod station;
pub mod tasks;
pub mod warm_pool;
pub mod websocket;

use domain::law::Law;
use domain::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use application::Application;
use balancer::Balancer;
use database::Database;

/// The stack that the simulator stands in for: the table `[stack]`.
///
/// A tier that is left out takes no time and has no limit, and latency objectives are then not
/// assessed: the simulator never flatters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stack {
    /// From the fan to the edge and back.
    pub network: Option<Law>,
    /// The edge's own time per request.
    pub edge: Option<Tier>,
    /// The load balancer between the edge and the application: its own capacity, and its own errors.
    pub balancer: Option<Balancer>,
    /// The application behind the edge: its workers serve every request that is no cache hit.
    pub application: Option<Application>,
    /// The database: its connections carry out the inventory's transactions.
    pub database: Option<Database>,
}

impl Stack {
    /// How long before the opening the stack does something first.
    pub fn lead(&self) -> Duration {
        let application = self.application.as_ref().map_or(Duration::ZERO, Application::lead);
        application.max(self.database.as_ref().map_or(Duration::ZERO, Database::lead))
    }
}

/// One tier of the stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// How many requests it serves at once.
    pub servers: u32,
    /// How many may wait; one more is refused with `error`. Left out: any number.
    #[serde(default)]
    pub queue: Option<u32>,
    /// How long one request takes a server.
    pub service: Law,
}
