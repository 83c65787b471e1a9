//! The parameters of calls about payment methods, and of all calls that name one.

use std::sync::Arc;

use super::TYPES;
use crate::rules::card::{self, CardData};
use crate::rules::directory::{CardOrigin, MethodChange, NewMethod};
use crate::rules::request::{Source, Terms};
use crate::server::stripe::error::ErrorObject;
use crate::server::stripe::form::{Change, Parameters, required};
use crate::server::stripe::name::number_in;
use crate::server::stripe::terms::{ADDRESS, metadata_of, say, table_of, text_of, texts};

/// What may be said of a payment method that is made, wherever it is.
const KNOWN: [&str; 6] =
    ["allow_redisplay", "billing_details", "card", "metadata", "radar_options", "type"];

/// What may be said of a card.
const CARD: [&str; 6] = ["cvc", "exp_month", "exp_year", "networks", "number", "token"];

/// The texts of billing details; an address comes besides.
const BILLING: [&str; 4] = ["email", "name", "phone", "tax_id"];

/// Whether a payment method may be shown to its customer again.
const REDISPLAY: &[&str] = &["always", "limited", "unspecified"];

/// The card that a call names: by a payment method's name, or as what makes one.
///
/// # Errors
/// When what makes one makes no sense.
pub(in super::super) fn source(parameters: &Parameters<'_>) -> Result<Option<Source>, ErrorObject> {
    if let Change::Set(name) = parameters.text_change("payment_method")? {
        return Ok(Some(named_source(name)));
    }
    let Some(data) = parameters.table("payment_method_data")? else { return Ok(None) };
    data.known_only(&KNOWN)?;
    Ok(Some(Source::New(Box::new(method_of(&data)?))))
}

/// A payment method by its name, which may be a ready-made one's.
pub(in super::super) fn named_source(name: &str) -> Source {
    if let Some(card) = card::by_name(name).filter(|_| name.starts_with("pm_card_")) {
        return Source::Test(card);
    }
    // Numbers begin at 1: what is no name of a payment method is none that exists.
    Source::Method(number_in("pm_", name).unwrap_or(0))
}

/// The customer that a call names.
///
/// # Errors
/// When it is no name of one.
pub(in super::super) fn customer(parameters: &Parameters<'_>) -> Result<Option<u64>, ErrorObject> {
    match parameters.text_change("customer")? {
        Change::Keep | Change::Unset => Ok(None),
        Change::Set(name) => {
            let missing = || ErrorObject::missing("customer", name, "customer");
            number_in("cus_", name).map(Some).ok_or_else(missing)
        }
    }
}

/// A payment method to be made.
pub(super) fn new_method(parameters: &Parameters<'_>) -> Result<NewMethod, ErrorObject> {
    parameters.known_only(&[&KNOWN[..], &["expand"]].concat())?;
    method_of(parameters)
}

fn method_of(parameters: &Parameters<'_>) -> Result<NewMethod, ErrorObject> {
    required("type", parameters.one_of("type", TYPES)?)?;
    let card = required("card", parameters.table("card")?)?;
    card.known_only(&CARD)?;
    let card = match card.text("token")? {
        None => CardOrigin::Data(card_data(&card)?),
        Some(name) => match card::by_name(name).filter(|_| name.starts_with("tok_")) {
            Some(test) => CardOrigin::Test(test),
            None => CardOrigin::Token(number_in("tok_", name).unwrap_or(0)),
        },
    };
    let mut terms = metadata_of(parameters)?;
    say_billing(parameters, &mut terms)?;
    Ok(NewMethod { card, terms: Some(Box::new(terms)) })
}

/// What changes about a payment method.
pub(super) fn method_change(parameters: &Parameters<'_>) -> Result<MethodChange, ErrorObject> {
    let known = ["allow_redisplay", "billing_details", "card", "expand", "metadata"];
    parameters.known_only(&known)?;
    let mut terms = metadata_of(parameters)?;
    say_billing(parameters, &mut terms)?;
    let card = parameters.table("card")?;
    let (exp_month, exp_year) = match &card {
        None => (None, None),
        Some(card) => {
            card.known_only(&["exp_month", "exp_year", "networks"])?;
            (card.integer("exp_month")?, card.integer("exp_year")?)
        }
    };
    Ok(MethodChange { exp_month, exp_year, terms: Some(Box::new(terms)) })
}

/// What a cardholder typed in.
///
/// # Errors
/// When something is missing, or a month or year is no integer.
pub(in super::super) fn card_data(card: &Parameters<'_>) -> Result<CardData, ErrorObject> {
    let number = card.text("number")?;
    let number = number.ok_or_else(|| missing("number"))?;
    let exp_month = card.integer("exp_month")?.ok_or_else(|| missing("exp_month"))?;
    let exp_year = card.integer("exp_year")?.ok_or_else(|| missing("exp_year"))?;
    let cvc = match card.text_change("cvc")? {
        Change::Set(cvc) => Some(Arc::from(cvc)),
        Change::Keep | Change::Unset => None,
    };
    Ok(CardData { number: number.into(), exp_month, exp_year, cvc })
}

fn missing(field: &str) -> ErrorObject {
    let param = format!("card[{field}]");
    ErrorObject::invalid(format!("Missing required param: {param}."))
        .code("parameter_missing")
        .param(param)
}

/// The billing details that a token's card has, under the names of a payment method's.
///
/// # Errors
/// When one of them is no text, or too long.
pub(in super::super) fn token_terms(card: &Parameters<'_>) -> Result<Terms, ErrorObject> {
    let mut terms = Terms::default();
    say(&mut terms.fields, "name", text_of(card, "name")?);
    let mut address = serde_json::Map::new();
    for (field, told) in [
        ("address_city", "city"),
        ("address_country", "country"),
        ("address_line1", "line1"),
        ("address_line2", "line2"),
        ("address_state", "state"),
        ("address_zip", "postal_code"),
    ] {
        say(&mut address, told, text_of(card, field)?);
    }
    if !address.is_empty() {
        terms.fields.insert("address".into(), address.into());
    }
    Ok(terms)
}

fn say_billing(parameters: &Parameters<'_>, terms: &mut Terms) -> Result<(), ErrorObject> {
    if let Some(shown) = parameters.one_of("allow_redisplay", REDISPLAY)? {
        terms.fields.insert("allow_redisplay".into(), shown.into());
    }
    let Some(billing) = parameters.table("billing_details")? else { return Ok(()) };
    billing.known_only(&[&BILLING[..], &["address"]].concat())?;
    for name in BILLING {
        say(&mut terms.fields, name, text_of(&billing, name)?);
    }
    say(&mut terms.fields, "address", address(&billing)?);
    Ok(())
}

/// The address among such parameters, with all its fields.
///
/// # Errors
/// When one of them is no text, or too long.
pub(in super::super) fn address(
    parameters: &Parameters<'_>,
) -> Result<Change<serde_json::Value>, ErrorObject> {
    match table_of(parameters, "address")? {
        Change::Keep => Ok(Change::Keep),
        Change::Unset => Ok(Change::Unset),
        Change::Set(address) => {
            address.known_only(&ADDRESS)?;
            Ok(Change::Set(texts(&address, &ADDRESS)?.into()))
        }
    }
}
