//! The gateway's error codes: `ErrCode` says the family, `ErrInfo` the case, and HTTP says 200.
//!
//! The codes and their meanings were compared with public clients of the gateway (their lists of
//! codes and messages); docs/PROVIDER.md says which are verified and where this face had to choose.

use crate::rules::intent::Decline;
use crate::rules::{Fault, Reason, Refusal, Status};

pub(super) const SHOP_ID_MISSING: Code = Code("E01010001");
pub(super) const SHOP_ID_MALFORMED: Code = Code("E01010008");
pub(super) const SHOP_PASS_MISSING: Code = Code("E01020001");
pub(super) const SHOP_PASS_MALFORMED: Code = Code("E01020008");
pub(super) const SHOP_UNKNOWN: Code = Code("E01030002");
pub(super) const ORDER_MISSING: Code = Code("E01040001");
pub(super) const ORDER_TOO_LONG: Code = Code("E01040003");
pub(super) const ORDER_TAKEN: Code = Code("E01040010");
pub(super) const ORDER_MALFORMED: Code = Code("E01040013");
pub(super) const JOB_MISSING: Code = Code("E01050001");
pub(super) const JOB_UNKNOWN: Code = Code("E01050002");
pub(super) const AMOUNT_MISSING: Code = Code("E01060001");
pub(super) const AMOUNT_TOO_LONG: Code = Code("E01060005");
pub(super) const AMOUNT_MALFORMED: Code = Code("E01060006");
pub(super) const AMOUNT_DIFFERS: Code = Code("E01060010");
pub(super) const AMOUNT_OUT_OF_RANGE: Code = Code("E01060011");
pub(super) const TAX_TOO_LONG: Code = Code("E01070005");
pub(super) const TAX_MALFORMED: Code = Code("E01070006");
pub(super) const ACCESS_ID_MISSING: Code = Code("E01090001");
pub(super) const ACCESS_ID_MALFORMED: Code = Code("E01090008");
pub(super) const ACCESS_PASS_MISSING: Code = Code("E01100001");
pub(super) const ACCESS_PASS_MALFORMED: Code = Code("E01100008");
pub(super) const TRADE_UNKNOWN: Code = Code("E01110002");
pub(super) const CARD_MISSING: Code = Code("E01170001");
pub(super) const CARD_TOO_LONG: Code = Code("E01170003");
pub(super) const CARD_MALFORMED: Code = Code("E01170006");
pub(super) const CARD_TOO_SHORT: Code = Code("E01170011");
pub(super) const EXPIRY_MISSING: Code = Code("E01180001");
pub(super) const EXPIRY_NOT_FOUR: Code = Code("E01180003");
pub(super) const EXPIRY_MALFORMED: Code = Code("E01180006");
pub(super) const METHOD_MISSING: Code = Code("E01260001");
pub(super) const METHOD_UNKNOWN: Code = Code("E01260002");
pub(super) const TIMES_MISSING: Code = Code("E01270001");
pub(super) const TIMES_TOO_LONG: Code = Code("E01270005");
pub(super) const TIMES_MALFORMED: Code = Code("E01270006");
pub(super) const CLIENT_FIELD_TOO_LONG: [Code; 3] =
    [Code("E01320012"), Code("E01330012"), Code("E01340012")];
pub(super) const CLIENT_FIELD_MALFORMED: [Code; 3] =
    [Code("E01320013"), Code("E01330013"), Code("E01340013")];
pub(super) const SECURITY_CODE_MALFORMED: Code = Code("E01460008");
pub(super) const TOTAL_TOO_LARGE: Code = Code("E01490005");
pub(super) const SETTLED: Code = Code("E11010001");
pub(super) const NOT_SETTLED: Code = Code("E11010002");
pub(super) const JOB_IMPOSSIBLE: Code = Code("E11010003");
pub(super) const NOT_POSTED: Code = Code("E31500014");
pub(super) const CARD_WRONG: Code = Code("E41170099");
pub(super) const BODY_UNREADABLE: Code = Code("E91099996");
pub(super) const API_UNKNOWN: Code = Code("E91099997");
pub(super) const FAILED: Code = Code("E91099999");

const AUTHORIZATION_TOO_OLD: Code = Code("E01420010");
const NOT_AUTHENTICATED: Code = Code("E21010001");
const BUSY: Code = Code("E92000001");
const BUSY_AT_ONCE: Code = Code("E92000002");
const UNDER_WAY: Code = Code("E90010001");

/// One case of an error: the value of `ErrInfo`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Code(&'static str);

impl Code {
    /// The value of `ErrInfo`.
    pub(super) const fn info(self) -> &'static str {
        self.0
    }

    /// The value of `ErrCode`: the family. What a card company says, such as `42G020000`, is of
    /// its own: `G02`.
    pub(super) fn family(self) -> &'static str {
        let company = self.0.strip_prefix("42");
        company.unwrap_or(self.0).get(..3).expect("every code has nine letters")
    }
}

/// What a limiter's refusal is called: too much traffic, or the same trade under way.
pub(super) const fn of_limit(refusal: &Refusal) -> Code {
    match refusal.reason {
        Reason::Rate | Reason::Ban => BUSY,
        Reason::Concurrency => BUSY_AT_ONCE,
        Reason::Lock => UNDER_WAY,
    }
}

/// What the rules refuse.
pub(super) fn of_fault(fault: &Fault) -> Code {
    match fault {
        Fault::Missing(_) => TRADE_UNKNOWN,
        Fault::OrderTaken => ORDER_TAKEN,
        Fault::UnexpectedState { operation: "confirm", .. } => SETTLED,
        Fault::UnexpectedState { status, .. } => match status {
            Status::RequiresPaymentMethod
            | Status::RequiresConfirmation
            | Status::RequiresAction
            | Status::Processing => NOT_SETTLED,
            Status::RequiresCapture | Status::Succeeded | Status::Canceled => JOB_IMPOSSIBLE,
        },
        Fault::AmountTooLarge { .. } => AMOUNT_DIFFERS,
        Fault::AmountTooSmall { .. } => AMOUNT_OUT_OF_RANGE,
        Fault::AlreadyRefunded => JOB_IMPOSSIBLE,
        Fault::AuthorizationExpired => AUTHORIZATION_TOO_OLD,
        Fault::CardMissing => CARD_MISSING,
        // The face checks all other parameters before the rules hear of them.
        _ => FAILED,
    }
}

/// Why a card was declined.
pub(super) fn of_decline(decline: &Decline) -> Code {
    match decline.reason() {
        "payment_intent_authentication_failure" | "authentication_required" => NOT_AUTHENTICATED,
        "insufficient_funds" => Code("42G020000"),
        "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" => Code("42G030000"),
        "try_again_later" => Code("42G300000"),
        "incorrect_cvc" | "invalid_cvc" => Code("42G440000"),
        "lost_card" | "stolen_card" | "pickup_card" => Code("42G600000"),
        "incorrect_number" | "invalid_number" => Code("42G650000"),
        "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => Code("42G830000"),
        "issuer_not_available" => Code("42G950000"),
        "fraudulent" => Code("42G970000"),
        "processing_error" => Code("42G980000"),
        _ => Code("42G120000"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::card::{Fate, TEST_CARDS};
    use domain::money::Amount;

    #[test]
    fn the_family_is_the_beginning_of_the_case() {
        assert_eq!(ORDER_TAKEN.family(), "E01");
        assert_eq!(BUSY.family(), "E92");
        assert_eq!(Code("42G020000").family(), "G02");
    }

    #[test]
    fn every_declined_test_card_has_a_code_of_the_card_companies() {
        for card in TEST_CARDS {
            let (Fate::Declined { code, decline_code }
            | Fate::DeclinedLater { code, decline_code }) = card.fate
            else {
                continue;
            };
            let decline = Decline {
                code,
                decline_code,
                charge: 1,
                amount: Amount::ZERO,
                method: None,
                utc_ns: 0,
            };
            assert!(of_decline(&decline).family().starts_with('G'), "{}", card.number);
        }
    }
}
