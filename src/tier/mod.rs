//! Infrastructure as pure machines, for the simulated world.

pub mod application;
pub mod balancer;
pub mod database;
pub mod edge;
pub mod locks;
pub mod outage;
pub mod queue;
pub mod region;
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
use edge::EdgeTier;
use region::Region;

/// The stack that the simulator stands in for: the table `[stack]`.
///
/// A tier that is left out takes no time and has no limit, and latency objectives are then not
/// assessed: the simulator never flatters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stack {
    /// From the fan to the edge and back.
    pub network: Option<Law>,
    /// The edge: its own time per request, its points of presence and its shield.
    pub edge: Option<EdgeTier>,
    /// The load balancer between the edge and the application: its own capacity, and its own errors.
    pub balancer: Option<Balancer>,
    /// The application behind the edge: its workers serve every request that is no cache hit.
    pub application: Option<Application>,
    /// The database: its connections carry out the inventory's transactions.
    pub database: Option<Database>,
    /// The region that all of this is in goes out of service, and another one takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

impl Stack {
    /// How long before the opening the stack does something first.
    pub fn lead(&self) -> Duration {
        let application = self.application.as_ref().map_or(Duration::ZERO, Application::lead);
        let database = self.database.as_ref().map_or(Duration::ZERO, Database::lead);
        application.max(database).max(self.region.as_ref().map_or(Duration::ZERO, Region::lead))
    }
}
