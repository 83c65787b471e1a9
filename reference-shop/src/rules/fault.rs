//! Promises that the shop can be told to break, to prove that the judge sees it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A promise broken on purpose.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Sells pieces that are not there.
    Oversell,
    /// Gives away places in pickup slots that are not there.
    OversellSlots,
    /// Keeps pieces and slot for ever when the payment is declined.
    StrandOnDecline,
    /// Forgets to void an authorization that led to no sale.
    LostVoid,
    /// Authorizes and captures one intent twice.
    DoubleCharge,
    /// Captures although nothing could be reserved.
    CaptureWithoutStock,
    /// Calls an order paid without capturing.
    ConfirmWithoutCapture,
    /// Loses pieces: they leave `free` and arrive nowhere.
    LeakUnits,
    /// Says sold out while pieces are left.
    EarlySoldOut,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 9] = [
        Self::Oversell,
        Self::OversellSlots,
        Self::StrandOnDecline,
        Self::LostVoid,
        Self::DoubleCharge,
        Self::CaptureWithoutStock,
        Self::ConfirmWithoutCapture,
        Self::LeakUnits,
        Self::EarlySoldOut,
    ];
}
