//! Why a card was declined, in words (docs.stripe.com/declines/codes). The texts are our own.

use crate::rules::intent::Decline;

/// What the cardholder may be told.
pub(super) fn message(decline: &Decline) -> &'static str {
    message_of(decline.code, decline.decline_code)
}

/// The same of an error's code, and of the bank's reason if a bank was asked.
pub(super) fn message_of(code: &str, decline_code: Option<&str>) -> &'static str {
    match code {
        "expired_card" => "Your card has expired.",
        "incorrect_cvc" => "Your card's security code is incorrect.",
        "incorrect_number" => "Your card number is incorrect.",
        "invalid_number" => "The card number is not a valid credit card number.",
        "invalid_expiry_month" => "Your card's expiration month is invalid.",
        "invalid_expiry_year" => "Your card's expiration year is invalid.",
        "invalid_cvc" => "Your card's security code is invalid.",
        "processing_error" => {
            "An error occurred while processing your card. Try again in a little bit."
        }
        "authentication_required" => {
            "Your card was declined. This payment must be authenticated by the cardholder."
        }
        "payment_intent_authentication_failure" | "setup_intent_authentication_failure" => {
            "The cardholder could not be authenticated. Pay with another card, or try again."
        }
        _ => match decline_code {
            Some("insufficient_funds") => "Your card has insufficient funds.",
            Some("card_velocity_exceeded") => {
                "Your card was declined for too many attempts, or for exceeding its limit."
            }
            Some("test_mode_live_card") => {
                "Your card was declined: it is no test card, and this is a test mode. See \
                 https://docs.stripe.com/testing."
            }
            Some("issuer_not_available") => "Your card's bank could not be reached. Try again.",
            Some("try_again_later") => "Your card was declined. Try again in a little bit.",
            _ => "Your card was declined.",
        },
    }
}

/// The parameter that the decline is about, if it is about one.
pub(super) fn param(decline: &Decline) -> Option<&'static str> {
    match decline.code {
        "expired_card" => Some("exp_month"),
        "incorrect_cvc" => Some("cvc"),
        "incorrect_number" => Some("number"),
        _ => None,
    }
}

/// The error's type.
pub(super) fn kind(decline: &Decline) -> &'static str {
    match decline.code {
        "payment_intent_authentication_failure" => "invalid_request_error",
        _ => "card_error",
    }
}
