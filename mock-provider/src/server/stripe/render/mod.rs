//! Payments, charges and refunds as JSON objects, with every field that is documented: an SDK in
//! Python knows no field that is absent.
//!
//! Source: docs.stripe.com/api/payment_intents/object, …/charges/object, …/refunds/object.

mod charge;
mod intent;
mod refund;

use serde_json::{Map, Value};

pub(super) use charge::{charge, charges_of};
pub(super) use intent::{intent, next_action_at};
pub(super) use refund::refund;

use super::expand::Expand;
use super::name::named;
use super::{customers, methods};
use crate::rules::directory::{Customer, Method, Object};
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
            _ => None,
        })
    }

    /// The customer of that number, if the reply names it.
    fn customer(&self, number: u64) -> Option<&'reply Customer> {
        self.companions.iter().find_map(|object| match object {
            Object::Customer(customer) if customer.number == number => Some(&**customer),
            _ => None,
        })
    }
}

/// A moment as the API says it \[s\].
pub(super) const fn seconds(utc_ns: u64) -> u64 {
    utc_ns / 1_000_000_000
}

/// The field `customer`: a name, or the object.
pub(super) fn customer(view: &View<'_>, expand: &Expand, number: Option<u64>) -> Value {
    let Some(number) = number else { return Value::Null };
    match (expand.under("customer"), view.customer(number)) {
        (Some(expand), Some(customer)) => customers::show(view, expand, customer),
        _ => named("cus_", number).into(),
    }
}

/// A field that names a payment method: its name, or the object.
pub(super) fn method(view: &View<'_>, expand: &Expand, field: &str, number: Option<u64>) -> Value {
    let Some(number) = number else { return Value::Null };
    match (expand.under(field), view.method(number)) {
        (Some(expand), Some(method)) => methods::show(view, expand, method),
        _ => named("pm_", number).into(),
    }
}

/// What the merchant said under that name, if anything; null otherwise.
pub(super) fn said(terms: Option<&Terms>, field: &str) -> Value {
    terms.and_then(|terms| terms.fields.get(field)).cloned().unwrap_or(Value::Null)
}

/// The field `metadata`.
pub(super) fn metadata(terms: Option<&Terms>) -> Value {
    let pairs = terms.map_or(&[][..], |terms| &terms.metadata);
    let pair = |(key, value): &(String, String)| (key.clone(), Value::from(value.as_str()));
    Value::Object(pairs.iter().map(pair).collect::<Map<_, _>>())
}
