//! Promises that the shop can be told to break, to prove that the judge sees it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A promise broken on purpose.
///
/// Each fault trips exactly these invariants where more is wanted than there is (of items, and of
/// slots for `oversell-slots`), some cards are declined and the provider refuses nothing:
///
/// | fault | saga | trips |
/// |---|---|---|
/// | `oversell` | all | INV-OVERSELL |
/// | `oversell-slots` | all | INV-OVERSELL |
/// | `strand-on-decline` | all | INV-STRANDED, INV-UNDERSOLD |
/// | `lost-void` | authorize-first, capture-queue | INV-ORPHAN-AUTH |
/// | `double-charge` | all | INV-DOUBLE-CHARGE |
/// | `capture-without-stock` | authorize-first, capture-queue | INV-CAPTURED-NO-STOCK, INV-OVERSELL |
/// | `confirm-without-capture` | all | INV-STOCK-NO-CAPTURE |
/// | `leak-units` | all | INV-CONSERVE, INV-UNDERSOLD |
/// | `early-sold-out` | all | INV-UNDERSOLD, INV-PHANTOM-SOLDOUT, INV-STALE-SOLDOUT |
/// | `forget-keys` | all | INV-DOUBLE-CHARGE |
///
/// What is stranded or lost cannot be sold, so both also undersell. Money taken for pieces that
/// are not there is a sale as the provider and the fan count it, so it also oversells; a stock that is
/// a counter does not say whose the pieces are that are not there, and then that alone shows. An order
/// that is called paid is no orphan, so `confirm-without-capture` leaves INV-ORPHAN-AUTH alone.
/// Under reserve-first an authorization leads to no sale only when a capture is refused, so
/// `lost-void` shows there only behind a provider that refuses captures; and a reservation falls
/// short only for those who looked just before, so `capture-without-stock` shows there only when
/// many reserve at once. `forget-keys` shows where fans do not wait for the first answer, which comes
/// sooner under capture-queue; one whose second try is refused is charged silently besides
/// (INV-SILENT-CHARGE).
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
    /// Takes a repeated checkout for another purchase: no idempotency key is looked at.
    ForgetKeys,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 10] = [
        Self::Oversell,
        Self::OversellSlots,
        Self::StrandOnDecline,
        Self::LostVoid,
        Self::DoubleCharge,
        Self::CaptureWithoutStock,
        Self::ConfirmWithoutCapture,
        Self::LeakUnits,
        Self::EarlySoldOut,
        Self::ForgetKeys,
    ];

    /// The fault's word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Oversell => "oversell",
            Self::OversellSlots => "oversell-slots",
            Self::StrandOnDecline => "strand-on-decline",
            Self::LostVoid => "lost-void",
            Self::DoubleCharge => "double-charge",
            Self::CaptureWithoutStock => "capture-without-stock",
            Self::ConfirmWithoutCapture => "confirm-without-capture",
            Self::LeakUnits => "leak-units",
            Self::EarlySoldOut => "early-sold-out",
            Self::ForgetKeys => "forget-keys",
        }
    }

    /// Whether it is broken where stock is counted, and not by the rules.
    pub const fn is_of_stock(self) -> bool {
        matches!(self, Self::Oversell | Self::OversellSlots | Self::LeakUnits | Self::EarlySoldOut)
    }

    /// The invariants that this fault alone violates, in the table's order (see [`Fault`]).
    pub const fn trips(self) -> &'static [&'static str] {
        match self {
            Self::Oversell | Self::OversellSlots => &["INV-OVERSELL"],
            Self::StrandOnDecline => &["INV-STRANDED", "INV-UNDERSOLD"],
            Self::LostVoid => &["INV-ORPHAN-AUTH"],
            Self::DoubleCharge | Self::ForgetKeys => &["INV-DOUBLE-CHARGE"],
            Self::CaptureWithoutStock => &["INV-CAPTURED-NO-STOCK", "INV-OVERSELL"],
            Self::ConfirmWithoutCapture => &["INV-STOCK-NO-CAPTURE"],
            Self::LeakUnits => &["INV-CONSERVE", "INV-UNDERSOLD"],
            Self::EarlySoldOut => &["INV-UNDERSOLD", "INV-PHANTOM-SOLDOUT", "INV-STALE-SOLDOUT"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_ten_invariants_is_tripped_by_a_fault() {
        for invariant in [
            "INV-CONSERVE",
            "INV-OVERSELL",
            "INV-STRANDED",
            "INV-UNDERSOLD",
            "INV-ORPHAN-AUTH",
            "INV-DOUBLE-CHARGE",
            "INV-CAPTURED-NO-STOCK",
            "INV-STOCK-NO-CAPTURE",
            "INV-PHANTOM-SOLDOUT",
            "INV-STALE-SOLDOUT",
        ] {
            assert!(
                Fault::ALL.iter().any(|fault| fault.trips().contains(&invariant)),
                "{invariant}"
            );
        }
    }

    #[test]
    fn every_word_is_the_one_that_files_hold() {
        for fault in Fault::ALL {
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.word());
        }
    }
}
