//! What the rules refuse, as error objects.
//!
//! Sources: `docs.stripe.com/error-codes`, `docs.stripe.com/declines/codes`,
//! `docs.stripe.com/rate-limits`, `docs.stripe.com/api/idempotent_requests`.

use std::sync::Arc;

use axum::http::StatusCode;

use super::error::{Advice, ErrorObject};
use super::money::spoken;
use super::render::View;
use super::{decline, name, render};
use crate::rules::card::CardFault;
use crate::rules::directory::{Kind, SetupStatus};
use crate::rules::intent::{Decline, Intent};
use crate::rules::{Fault, Reason, Refusal};

/// Which parameters name such an object, and what it is called in errors.
pub(super) const fn params_of(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Intent => &[("payment_intent", "payment_intent"), ("charge", "charge")],
        Kind::Refund => &[("refund", "refund")],
        Kind::Method => &[
            ("payment_method", "PaymentMethod"),
            ("invoice_settings[default_payment_method]", "PaymentMethod"),
        ],
        Kind::Customer => &[("customer", "customer")],
        Kind::Setup => &[("setup_intent", "setupintent")],
        Kind::Token => &[("card[token]", "token"), ("payment_method_data[card][token]", "token")],
        Kind::Endpoint => &[("webhook_endpoint", "webhook endpoint")],
        Kind::Event => &[("event", "event")],
    }
}

/// A fault of the call. `stands` is the payment it is about, as it stood then.
pub(super) fn of_fault(view: &View<'_>, fault: &Fault, stands: Option<&Intent>) -> ErrorObject {
    let code = fault.code();
    let currency = stands.map(|intent| intent.currency);
    let error = match fault {
        Fault::UnexpectedState { status, operation } => ErrorObject::invalid(format!(
            "You cannot {operation} this PaymentIntent because it has a status of {}.",
            status.word()
        )),
        Fault::CardMissing => ErrorObject::invalid(
            "You cannot confirm this PaymentIntent because it has no payment method. Give it one, \
             in this call or in an update, and confirm it again.",
        ),
        Fault::AmountTooLarge { most, param } => {
            let most = spoken(*most, currency);
            let message = match *param {
                "amount_to_capture" => {
                    format!("The amount to capture is more than can be captured: {most}.")
                }
                _ => format!("The amount is more than there is left: {most}."),
            };
            ErrorObject::invalid(message).param(*param)
        }
        Fault::AmountTooSmall { param } => {
            ErrorObject::invalid("The amount must be at least one minor unit.").param(*param)
        }
        Fault::AlreadyRefunded => ErrorObject::invalid("The charge has already been refunded."),
        Fault::AuthorizationExpired => {
            ErrorObject::invalid("The authorization has run out and can no longer be captured.")
        }
        Fault::OrderTaken => ErrorObject::invalid("There is a payment for that order already."),
        Fault::Parameter { param, message, .. } => {
            ErrorObject::invalid(message.clone()).param(param.clone())
        }
        Fault::SetupState { setup, operation } => {
            let shown = super::setups::show(view, &super::expand::Expand::default(), setup);
            let status = setup.status.word();
            ErrorObject::invalid(match setup.status {
                SetupStatus::RequiresPaymentMethod => format!(
                    "You cannot {operation} this SetupIntent because it has no payment method."
                ),
                _ => format!(
                    "You cannot {operation} this SetupIntent because it has a status of {status}."
                ),
            })
            .with("setup_intent", shown)
        }
        Fault::Card(fault) => return of_card(*fault),
        Fault::Missing(_) | Fault::Garbled => unreachable!("who asks knows what is wrong"),
    };
    let error = if code.is_empty() { error } else { error.code(code) };
    match (fault, stands) {
        (Fault::UnexpectedState { .. } | Fault::CardMissing, Some(intent)) => {
            let shown = render::intent(view, &super::expand::Expand::default(), intent);
            error.with("payment_intent", shown)
        }
        _ => error,
    }
}

/// A card that nobody accepts, or that a bank declined.
pub(super) fn of_card(fault: CardFault) -> ErrorObject {
    let CardFault { code, decline_code, param } = fault;
    let mut error = ErrorObject::card(code, decline::message_of(code, decline_code));
    if code == "setup_intent_authentication_failure" {
        error.kind = "invalid_request_error".into();
    }
    error.param = param.map(Into::into);
    match decline_code {
        Some(reason) => error.with("decline_code", reason.into()),
        None => error,
    }
}

/// A declined card: the payment is back at its beginning.
pub(super) fn of_decline(view: &View<'_>, intent: &Arc<Intent>, decline: &Decline) -> ErrorObject {
    let nothing = super::expand::Expand::default();
    let mut error = ErrorObject::card(decline.code, decline::message(decline));
    error.param = decline::param(decline).map(Into::into);
    if let Some(reason) = decline.decline_code {
        error = error.with("decline_code", reason.into());
    }
    if decline.charge > 0 {
        error = error.with("charge", name::charge(intent, decline.charge).into());
    }
    if let Some(method) = decline.method.and_then(|number| view.method(number)) {
        error = error.with("payment_method", super::methods::show(view, &nothing, method));
    }
    error.with("payment_intent", render::intent(view, &nothing, intent))
}

/// A call that a limiter refused, in the words of its settings. Its headers come from there too.
pub(super) fn of_limit(refused: &Refusal) -> ErrorObject {
    let told = &refused.told;
    let error = ErrorObject::invalid(told.message.clone()).code(told.code.clone());
    let status = StatusCode::from_u16(told.status).expect("settings in range have such statuses");
    let advice = Advice {
        // SDKs leave a 429 to the shop, unless they are told that it is worth another try.
        should_retry: (refused.reason == Reason::Lock).then_some("true"),
        retry_after: refused.retry_after,
        whole: refused.body(),
    };
    error.kind(told.kind.clone()).status(status).advice(advice)
}

/// The first call under the key is still under way.
pub(super) fn in_flight() -> ErrorObject {
    let message = "Another call under this Idempotency-Key is still under way. Try again once it \
                   has been answered.";
    let error = ErrorObject::invalid(message).code("idempotency_key_in_use");
    error.kind("idempotency_error").status(StatusCode::CONFLICT)
}

/// The key was used for something else.
pub(super) fn key_reused(key: &str) -> ErrorObject {
    let error = ErrorObject::invalid(format!(
        "An Idempotency-Key goes with the parameters and the path it was first used with. Use \
         another than '{key}' if you mean another call."
    ));
    error.kind("idempotency_error")
}

/// The provider failed: the call may have taken effect.
pub(super) fn failed() -> ErrorObject {
    let error = ErrorObject::invalid("Something went wrong on the provider's end.");
    error.kind("api_error").status(StatusCode::INTERNAL_SERVER_ERROR)
}
