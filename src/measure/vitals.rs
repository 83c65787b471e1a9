//! What the machine did to the generator in one second, as a line of the timeline keeps it.

use serde::{Deserialize, Serialize};

/// One reading, of about a second. What the system does not tell is absent.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vitals {
    /// How long the reading spans \[s\].
    pub span_s: f64,
    /// All cores of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineLoad>,
    /// How long the generator's load threads waited for a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<CoreWaits>,
    /// How far the wall clock and the monotonic clock may have come apart since the run began, the
    /// resolution and the reading of both included \[us\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_error_us: Option<f64>,
}

/// What all cores of the machine did.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineLoad {
    /// How many there are.
    pub cores: u32,
    /// The share of their time in which they worked for anybody on this machine, in \[0, 1\].
    pub busy: f64,
    /// The share of their time that the host gave to other machines (steal), in \[0, 1\].
    pub stolen: f64,
    /// Whether they were kept from halting.
    #[serde(default)]
    pub kept_awake: bool,
}

/// How long threads were ready to run and did not.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreWaits {
    /// Summed over the load threads \[ms\].
    pub waited_ms: f64,
    /// How often they were given a core.
    pub turns: u64,
}
