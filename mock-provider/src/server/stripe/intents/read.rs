//! The parameters of calls about payments.

use domain::money::Amount;
use serde_json::{Value, json};

use crate::rules::Call;
use crate::rules::request::{
    CaptureMethod, Confirm, Confirmation, Currency, IntentChange, NewIntent, Presence, Terms,
};
use crate::server::stripe::asked::Asked;
use crate::server::stripe::error::ErrorObject;
use crate::server::stripe::form::{Parameters, required};
use crate::server::stripe::methods::{customer, source};
use crate::server::stripe::money::{currency, least, spoken};
use crate::server::stripe::terms::{self, terms_of};

/// Where the provider was asked when the payment was confirmed: its page is there.
pub(in super::super) const ASKED_AT: &str = "asked_at";

/// How the merchant spelled the way of capturing.
pub(in super::super) const CAPTURE_WORD: &str = "capture_word";

/// Where the cardholder goes after the page.
pub(in super::super) const RETURN_URL: &str = "return_url";

/// How long an address of a page may be \[characters\].
const URL_CHARS_MAX: usize = 2_048;

/// What every call may say that gives a card or confirms.
const CARD: [&str; 6] = [
    "payment_method",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "excluded_payment_method_types",
    "capture_method",
];

/// What every call may say that confirms.
const CONFIRMATION: [&str; 10] = [
    "client_secret",
    "confirmation_token",
    "error_on_requires_action",
    "mandate",
    "mandate_data",
    "off_session",
    "radar_options",
    "return_url",
    "use_stripe_sdk",
    "amount_details",
];

/// What says of whom and of how much.
const MONEY: [&str; 8] = [
    "amount",
    "currency",
    "customer",
    "customer_account",
    "payment_method_configuration",
    "payment_details",
    "hooks",
    "transfer_data",
];

/// A payment to be made.
pub(super) fn create(asked: &Asked) -> Result<Call, ErrorObject> {
    let parameters = asked.parameters();
    let own = ["automatic_payment_methods", "confirm", "confirmation_method"];
    known(&parameters, &[&own, &MONEY, &CARD, &CONFIRMATION, &terms::PARAMETERS])?;
    let amount = required("amount", parameters.amount("amount")?)?;
    let currency = currency_of(&parameters)?;
    let currency = required("currency", currency)?;
    check_least(amount, currency)?;
    let confirm = match parameters.boolean("confirm")? {
        Some(true) => Confirm::Now,
        _ => Confirm::Later,
    };
    let mut terms = terms_of(&parameters)?;
    let capture = capture_method(&parameters, &mut terms)?;
    ways_to_pay(&parameters, &mut terms)?;
    if let Some(word) = parameters.one_of("confirmation_method", &["automatic", "manual"])? {
        terms.fields.insert("confirmation_method".into(), word.into());
    }
    match confirm {
        Confirm::Now => confirmation(asked, &mut terms)?,
        Confirm::Later => only_when_confirming(&parameters)?,
    }
    Ok(Call::Create(Box::new(NewIntent {
        amount,
        currency,
        capture: capture.unwrap_or(CaptureMethod::Automatic),
        confirm,
        source: source(&parameters)?,
        customer: customer(&parameters)?,
        terms: Some(Box::new(terms)),
    })))
}

/// A payment to be confirmed.
pub(super) fn confirm(asked: &Asked, intent: u64) -> Result<Call, ErrorObject> {
    let parameters = asked.parameters();
    let own = ["expand", "receipt_email", "setup_future_usage", "shipping"];
    known(&parameters, &[&own, &CARD, &CONFIRMATION])?;
    let mut terms = terms_of(&parameters)?;
    let capture = capture_method(&parameters, &mut terms)?;
    ways_to_pay_again(&parameters, &mut terms)?;
    confirmation(asked, &mut terms)?;
    let source = source(&parameters)?;
    let with = Confirmation { source, terms: Some(Box::new(terms)), capture };
    Ok(Call::Confirm { intent, with: Box::new(with) })
}

/// A payment to be changed.
pub(super) fn update(asked: &Asked, intent: u64) -> Result<Call, ErrorObject> {
    let parameters = asked.parameters();
    known(&parameters, &[&["amount_details"], &MONEY, &CARD, &terms::PARAMETERS])?;
    let amount = parameters.amount("amount")?;
    let currency = currency_of(&parameters)?;
    let mut terms = terms_of(&parameters)?;
    let capture = capture_method(&parameters, &mut terms)?;
    ways_to_pay_again(&parameters, &mut terms)?;
    // A payment that is over is refused for that, whatever the amount.
    let stands = asked.shared().intent(intent).filter(|intent| !intent.status.is_final());
    let stands = stands.map(|intent| currency.unwrap_or(intent.currency));
    if let (Some(amount), Some(currency)) = (amount, stands) {
        check_least(amount, currency)?;
    }
    let change = IntentChange {
        amount,
        currency,
        capture,
        source: source(&parameters)?,
        customer: customer(&parameters)?,
        terms: Some(Box::new(terms)),
    };
    Ok(Call::Update { intent, change: Box::new(change) })
}

/// Reserved money to be taken.
pub(super) fn capture(asked: &Asked, intent: u64) -> Result<Call, ErrorObject> {
    let parameters = asked.parameters();
    let own = ["amount_to_capture", "final_capture", "amount_details", "payment_details", "hooks"];
    known(&parameters, &[&own, &terms::PARAMETERS])?;
    if parameters.boolean("final_capture")? == Some(false) {
        let message = "This payment can be captured once: multicapture is not available.";
        return Err(ErrorObject::invalid(message).param("final_capture"));
    }
    let amount = parameters.amount("amount_to_capture")?;
    let terms = terms_of(&parameters)?;
    Ok(Call::Capture { intent, amount, terms: Some(Box::new(terms)) })
}

/// A payment to be let go.
pub(super) fn cancel(asked: &Asked, intent: u64) -> Result<Call, ErrorObject> {
    let parameters = asked.parameters();
    parameters.known_only(&["cancellation_reason", "expand"])?;
    let known = &["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
    let reason = parameters.one_of("cancellation_reason", known)?;
    Ok(Call::Cancel { intent, reason: reason.map(str::to_owned) })
}

fn known(parameters: &Parameters<'_>, known: &[&[&str]]) -> Result<(), ErrorObject> {
    Ok(parameters.known_only(&known.concat())?)
}

fn currency_of(parameters: &Parameters<'_>) -> Result<Option<Currency>, ErrorObject> {
    let Some(code) = parameters.text("currency")? else { return Ok(None) };
    let code: String = code.chars().take(20).collect();
    let unknown = || ErrorObject::invalid(format!("Invalid currency: {code}.")).param("currency");
    currency(&code).map(Some).ok_or_else(unknown)
}

fn check_least(amount: Amount, currency: Currency) -> Result<(), ErrorObject> {
    let least = least(currency);
    if amount >= least {
        return Ok(());
    }
    let message = format!("Amount must be at least {}.", spoken(least, Some(currency)));
    Err(ErrorObject::invalid(message).code("amount_too_small").param("amount"))
}

/// Whether confirming takes the money, and the word the merchant has for it.
fn capture_method(
    parameters: &Parameters<'_>,
    terms: &mut Terms,
) -> Result<Option<CaptureMethod>, ErrorObject> {
    let words = &["automatic", "automatic_async", "manual"];
    let whole = parameters.one_of("capture_method", words)?;
    let of_card = parameters
        .text("payment_method_options[card][capture_method]")?
        .filter(|word| *word == "manual");
    let Some(word) = of_card.or(whole) else { return Ok(None) };
    terms.fields.insert(CAPTURE_WORD.into(), word.into());
    Ok(Some(match word {
        "manual" => CaptureMethod::Manual,
        _ => CaptureMethod::Automatic,
    }))
}

/// By which kinds of payment methods a payment can be made: as named, or whatever there is.
pub(in super::super) fn ways_to_pay(
    parameters: &Parameters<'_>,
    terms: &mut Terms,
) -> Result<(), ErrorObject> {
    let automatic = parameters.table("automatic_payment_methods")?;
    let enabled = match &automatic {
        None => None,
        Some(table) => {
            table.known_only(&["allow_redirects", "enabled"])?;
            Some(required("automatic_payment_methods[enabled]", table.boolean("enabled")?)?)
        }
    };
    let named = parameters.has("payment_method_types");
    if enabled == Some(true) && named {
        let message = "You may only name one of automatic_payment_methods and \
                       payment_method_types.";
        return Err(ErrorObject::invalid(message).param("automatic_payment_methods"));
    }
    if !named && enabled != Some(false) {
        let redirects = match &automatic {
            Some(table) => table.one_of("allow_redirects", &["always", "never"])?,
            None => None,
        };
        let ways = json!({ "allow_redirects": redirects.unwrap_or("always"), "enabled": true });
        terms.fields.insert("automatic_payment_methods".into(), ways);
    }
    ways_to_pay_again(parameters, terms)
}

fn ways_to_pay_again(parameters: &Parameters<'_>, terms: &mut Terms) -> Result<(), ErrorObject> {
    if let Some(types) = parameters.texts("payment_method_types")? {
        if !types.contains(&"card") {
            let message = "This provider knows cards alone: payment_method_types must name card.";
            return Err(ErrorObject::invalid(message).param("payment_method_types"));
        }
        terms.fields.insert("payment_method_types".into(), types.into());
    }
    let options = "payment_method_options[card]";
    let asked = &["any", "automatic", "challenge"];
    let secure = parameters.one_of(&format!("{options}[request_three_d_secure]"), asked)?;
    let known = terms.fields.contains_key("payment_method_options");
    if secure.is_some() || !known {
        let card = json!({
            "installments": null, "mandate_options": null, "network": null,
            "request_three_d_secure": secure.unwrap_or("automatic"),
        });
        terms.fields.insert("payment_method_options".into(), json!({ "card": card }));
    }
    Ok(())
}

/// What is said of the confirmation itself.
fn confirmation(asked: &Asked, terms: &mut Terms) -> Result<(), ErrorObject> {
    let parameters = asked.parameters();
    let back = match parameters.text("return_url")? {
        None => Value::Null,
        Some(url) => address(url)?.into(),
    };
    terms.fields.insert(RETURN_URL.into(), back);
    terms.fields.insert(ASKED_AT.into(), asked.base().into());
    // Besides true and false, a word says why the cardholder is away.
    let away =
        parameters.text("off_session")?.is_some_and(|away| !away.eq_ignore_ascii_case("false"));
    let fails = parameters.boolean("error_on_requires_action")? == Some(true);
    terms.presence = if away || fails { Presence::OffSession } else { Presence::OnSession };
    Ok(())
}

/// Some things can be said only with `confirm=true`.
fn only_when_confirming(parameters: &Parameters<'_>) -> Result<(), ErrorObject> {
    let alone = ["return_url", "off_session", "mandate_data", "mandate"];
    match alone.iter().find(|param| parameters.has(param)) {
        None => Ok(()),
        Some(param) => {
            let message = format!("You can say {param} only when confirm is true.");
            Err(ErrorObject::invalid(message).param(*param))
        }
    }
}

/// An address that a browser can be sent to.
pub(in super::super) fn address(url: &str) -> Result<&str, ErrorObject> {
    let web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    // An app of the shop has a scheme of its own.
    let app = url.split_once("://").is_some_and(|(scheme, _)| {
        scheme != "javascript"
            && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
    });
    let clean = !url.chars().any(|letter| letter.is_control() || letter.is_whitespace());
    if (web || app) && clean && url.chars().count() <= URL_CHARS_MAX {
        return Ok(url);
    }
    Err(ErrorObject::invalid("Not a valid URL").code("url_invalid").param("return_url"))
}
