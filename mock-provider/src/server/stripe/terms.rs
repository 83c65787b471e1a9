//! What a merchant says of a payment that moves no money: kept, and told again.

use serde_json::{Map, Value};

use super::error::ErrorObject;
use super::form::{Change, MetadataChange, Parameters};
use crate::rules::request::{Presence, Terms};

/// Texts that are told again under their own names; an empty one is unset.
const TEXTS: [&str; 6] = [
    "description",
    "on_behalf_of",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
];

/// How long a text may be \[characters\]: longer ones would fill the memory, shorter limits are
/// documented for some.
const TEXT_CHARS_MAX: usize = 5_000;

/// How long what stands on a cardholder's statement may be \[characters\]
/// (docs.stripe.com/get-started/account/statement-descriptors).
const STATEMENT_CHARS_MAX: usize = 22;

/// The fields of an address.
pub(super) const ADDRESS: [&str; 6] = ["city", "country", "line1", "line2", "postal_code", "state"];

/// What is known of these terms, whatever else the call has.
pub(super) const PARAMETERS: [&str; 12] = [
    "description",
    "metadata",
    "on_behalf_of",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
    "application_fee_amount",
    "expand",
];

/// Reads the terms of a payment.
///
/// # Errors
/// When one of them makes no sense.
pub(super) fn terms_of(parameters: &Parameters<'_>) -> Result<Terms, ErrorObject> {
    let mut terms = metadata_of(parameters)?;
    for name in TEXTS {
        say(&mut terms.fields, name, text_of(parameters, name)?);
    }
    if parameters.has("setup_future_usage") {
        let usage = match parameters.text_change("setup_future_usage")? {
            Change::Set(_) => {
                parameters.one_of("setup_future_usage", &["off_session", "on_session"])?.into()
            }
            Change::Keep | Change::Unset => Value::Null,
        };
        terms.fields.insert("setup_future_usage".into(), usage);
    }
    if let Some(fee) = parameters.integer_within("application_fee_amount", 0..=99_999_999)? {
        terms.fields.insert("application_fee_amount".into(), fee.into());
    }
    say(&mut terms.fields, "shipping", shipping(parameters)?);
    say(&mut terms.fields, "transfer_data", transfer_data(parameters)?);
    Ok(terms)
}

/// Reads the metadata alone.
///
/// # Errors
/// When it is no table of texts, or beyond its limits.
pub(super) fn metadata_of(parameters: &Parameters<'_>) -> Result<Terms, ErrorObject> {
    let mut terms = Terms::default();
    match parameters.metadata("metadata")? {
        None => {}
        Some(MetadataChange::Clear) => terms.metadata_anew = true,
        Some(MetadataChange::Merge(merged)) => {
            let pair = |(key, value): (String, Option<String>)| (key, value.unwrap_or_default());
            terms.metadata = merged.into_iter().map(pair).collect();
        }
    }
    terms.presence = Presence::OnSession;
    Ok(terms)
}

pub(super) fn say(fields: &mut Map<String, Value>, name: &str, change: Change<Value>) {
    match change {
        Change::Keep => {}
        Change::Unset => drop(fields.insert(name.to_owned(), Value::Null)),
        Change::Set(value) => drop(fields.insert(name.to_owned(), value)),
    }
}

pub(super) fn text_of(
    parameters: &Parameters<'_>,
    name: &str,
) -> Result<Change<Value>, ErrorObject> {
    let change = parameters.text_change(name)?;
    let most = if name.starts_with("statement") { STATEMENT_CHARS_MAX } else { TEXT_CHARS_MAX };
    match change {
        Change::Keep => Ok(Change::Keep),
        Change::Unset => Ok(Change::Unset),
        Change::Set(text) if text.chars().count() > most => {
            let message = format!("Invalid {name}: at most {most} characters.");
            Err(ErrorObject::invalid(message).code("parameter_invalid_string_too_long").param(name))
        }
        Change::Set(text) => Ok(Change::Set(text.into())),
    }
}

/// A table whose texts are told again, or nothing.
pub(super) fn table_of<'form>(
    parameters: &Parameters<'form>,
    name: &str,
) -> Result<Change<Parameters<'form>>, ErrorObject> {
    if let Ok(Change::Unset) = parameters.text_change(name) {
        return Ok(Change::Unset);
    }
    Ok(parameters.table(name)?.map_or(Change::Keep, Change::Set))
}

pub(super) fn shipping(parameters: &Parameters<'_>) -> Result<Change<Value>, ErrorObject> {
    let given = match table_of(parameters, "shipping")? {
        Change::Keep => return Ok(Change::Keep),
        Change::Unset => return Ok(Change::Unset),
        Change::Set(given) => given,
    };
    given.known_only(&["address", "carrier", "name", "phone", "tracking_number"])?;
    let mut shipping = texts(&given, &["carrier", "name", "phone", "tracking_number"])?;
    let address = given.table("address")?;
    if let Some(address) = &address {
        address.known_only(&ADDRESS)?;
    }
    let address = address.map(|address| texts(&address, &ADDRESS)).transpose()?;
    shipping.insert("address".into(), address.into());
    Ok(Change::Set(shipping.into()))
}

fn transfer_data(parameters: &Parameters<'_>) -> Result<Change<Value>, ErrorObject> {
    let Change::Set(given) = table_of(parameters, "transfer_data")? else {
        return Ok(Change::Keep);
    };
    given.known_only(&["amount", "destination"])?;
    let mut data = texts(&given, &["destination"])?;
    if let Some(amount) = given.amount("amount")? {
        data.insert("amount".into(), amount.minor().into());
    }
    Ok(Change::Set(data.into()))
}

pub(super) fn texts(
    given: &Parameters<'_>,
    names: &[&str],
) -> Result<Map<String, Value>, ErrorObject> {
    let mut table = Map::new();
    for name in names {
        let text = match text_of(given, name)? {
            Change::Set(text) => text,
            Change::Keep | Change::Unset => Value::Null,
        };
        table.insert((*name).to_owned(), text);
    }
    Ok(table)
}
