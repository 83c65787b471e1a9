//! Payments, charges and refunds as JSON objects, with every field that is documented: an SDK in
//! Python knows no field that is absent.
//!
//! Source: docs.stripe.com/api/payment_intents/object, …/charges/object, …/refunds/object.

mod charge;
mod intent;
mod refund;

use serde_json::{Map, Value};

pub(super) use charge::{charge, charges_of};
pub(super) use intent::intent;
pub(super) use refund::refund;

use super::expand::Expand;
use super::methods;
use super::name::named;
use crate::rules::directory::{Method, Object};
use crate::rules::request::Terms;

/// What an object is shown with.
#[derive(Copy, Clone, Debug)]
pub(super) struct View<'reply> {
    /// What secrets are drawn from.
    pub(super) seed: u64,
    /// When the run began \[ns of UTC\].
    pub(super) began_utc_ns: u64,
    /// What the reply names, as it stood when it was made.
    pub(super) companions: &'reply [Object],
}

impl<'reply> View<'reply> {
    /// The payment method of that number, if the reply names it.
    pub(super) fn method(&self, number: u64) -> Option<&'reply Method> {
        self.companions.iter().find_map(|object| match object {
            Object::Method(method) if method.number == number => Some(&**method),
            Object::Method(_) => None,
        })
    }
}

/// A moment as the API says it \[s\].
pub(super) const fn seconds(utc_ns: u64) -> u64 {
    utc_ns / 1_000_000_000
}

/// The field `customer`: a name, or the object.
pub(super) fn customer(_view: &View<'_>, _expand: &Expand, number: Option<u64>) -> Value {
    number.map_or(Value::Null, |number| named("cus_", number).into())
}

/// The field `payment_method`: a name, or the object.
fn method(view: &View<'_>, expand: &Expand, number: Option<u64>) -> Value {
    let Some(number) = number else { return Value::Null };
    match (expand.under("payment_method"), view.method(number)) {
        (Some(expand), Some(method)) => methods::show(view, expand, method),
        _ => named("pm_", number).into(),
    }
}

/// What the merchant said under that name, if anything; null otherwise.
fn said(terms: Option<&Terms>, field: &str) -> Value {
    terms.and_then(|terms| terms.fields.get(field)).cloned().unwrap_or(Value::Null)
}

/// The field `metadata`.
fn metadata(terms: Option<&Terms>) -> Value {
    let pairs = terms.map_or(&[][..], |terms| &terms.metadata);
    let pair = |(key, value): &(String, String)| (key.clone(), Value::from(value.as_str()));
    Value::Object(pairs.iter().map(pair).collect::<Map<_, _>>())
}
