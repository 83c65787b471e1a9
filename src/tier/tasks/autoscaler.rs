//! What fetches nodes and gives them back, as the Cluster Autoscaler of Kubernetes does.
//!
//! Defaults are those of its flags. What it does not do here: move tasks from a node that is little used
//! to others. Tasks that end are those on the emptiest nodes instead.

use domain::law::Law;
use domain::time::{Duration, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An autoscaler of nodes: `stack.application.nodes.autoscaler`.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeAutoscaler {
    /// How often it looks for tasks and balloons without a place, and for nodes that nobody needs:
    /// 10 s (`--scan-interval`).
    pub scan: Span,
    /// From there until it has asked for the node. Left out: 0 s; its FAQ says some 5 s in the mean on
    /// a cluster of less than 100 nodes, and never more than 30.
    pub decision: Law,
    /// How long nobody must have needed a node before it goes: 10 min (`--scale-down-unneeded-time`).
    pub unneeded: Span,
    /// How long after it asked for a node none goes: 10 min (`--scale-down-delay-after-add`).
    pub after_add: Span,
}

impl Default for NodeAutoscaler {
    fn default() -> Self {
        Self {
            scan: Span(Duration::from_secs(10)),
            decision: Law::default(),
            unneeded: Span(Duration::from_mins(10)),
            after_add: Span(Duration::from_mins(10)),
        }
    }
}
