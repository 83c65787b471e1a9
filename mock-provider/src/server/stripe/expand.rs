//! Expansion: which names in an answer are replaced by what they name.
//!
//! `expand[]=latest_charge.balance_transaction` is a path of fields. What can be expanded is
//! documented with each object (`docs.stripe.com/api/expanding_objects`).

use std::collections::BTreeMap;

use super::error::ErrorObject;
use super::form::Parameters;

/// How deep a path may be (same source).
const DEPTH_MAX: usize = 4;

/// How many paths a call may name: there are fewer fields that can be expanded.
const PATHS_MAX: usize = 20;

/// The fields that can be expanded: of which object, under which name, and what is found there. It
/// is empty where this provider has nothing: the field is always null.
const FIELDS: &[(&str, &str, &str)] = &[
    ("payment_intent", "application", ""),
    ("payment_intent", "customer", "customer"),
    ("payment_intent", "latest_charge", "charge"),
    ("payment_intent", "on_behalf_of", ""),
    ("payment_intent", "payment_method", "payment_method"),
    ("payment_intent", "review", ""),
    ("payment_intent", "source", ""),
    ("charge", "application", ""),
    ("charge", "application_fee", ""),
    ("charge", "balance_transaction", ""),
    ("charge", "customer", "customer"),
    ("charge", "failure_balance_transaction", ""),
    ("charge", "on_behalf_of", ""),
    ("charge", "payment_intent", "payment_intent"),
    ("charge", "review", ""),
    ("charge", "source_transfer", ""),
    ("refund", "balance_transaction", ""),
    ("refund", "charge", "charge"),
    ("refund", "customer", "customer"),
    ("refund", "failure_balance_transaction", ""),
    ("refund", "payment_intent", "payment_intent"),
    ("refund", "payment_method", "payment_method"),
    ("refund", "source_transfer_reversal", ""),
    ("refund", "transfer_reversal", ""),
    ("payment_method", "customer", "customer"),
    ("customer", "default_source", ""),
    ("customer", "invoice_settings", "invoice_settings"),
    ("customer", "sources", ""),
    ("customer", "subscriptions", ""),
    ("customer", "tax", ""),
    ("customer", "tax_ids", ""),
    ("invoice_settings", "default_payment_method", "payment_method"),
    ("customer", "discount", ""),
    ("customer", "test_clock", ""),
    ("setup_intent", "application", ""),
    ("setup_intent", "customer", "customer"),
    ("setup_intent", "latest_attempt", ""),
    ("setup_intent", "mandate", ""),
    ("setup_intent", "on_behalf_of", ""),
    ("setup_intent", "payment_method", "payment_method"),
    ("setup_intent", "single_use_mandate", ""),
];

/// The fields to expand, each with those beneath it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expand(BTreeMap<String, Self>);

impl Expand {
    /// What a call asks to be expanded of the `object` it answers with, such as `payment_intent`.
    ///
    /// # Errors
    /// When a path is too deep, or names a field that cannot be expanded.
    pub(super) fn of(object: &str, parameters: &Parameters<'_>) -> Result<Self, ErrorObject> {
        Self::read(parameters, |path| check(object, path))
    }

    /// The same of a list of such objects: each path begins with `data`.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn of_list(object: &str, parameters: &Parameters<'_>) -> Result<Self, ErrorObject> {
        let whole = Self::read(parameters, |path| match path {
            ["data", rest @ ..] if !rest.is_empty() => check(object, rest),
            _ => false,
        })?;
        Ok(whole.under("data").cloned().unwrap_or_default())
    }

    /// Those beneath that field, if it is to be expanded.
    pub(super) fn under(&self, field: &str) -> Option<&Self> {
        self.0.get(field)
    }

    fn read(
        parameters: &Parameters<'_>,
        fits: impl Fn(&[&str]) -> bool,
    ) -> Result<Self, ErrorObject> {
        let mut whole = Self::default();
        let paths = parameters.texts("expand")?.unwrap_or_default();
        if paths.len() > PATHS_MAX {
            let message = format!("You cannot expand more than {PATHS_MAX} properties.");
            return Err(ErrorObject::invalid(message).param("expand"));
        }
        for (place, path) in paths.into_iter().enumerate() {
            let param = format!("expand[{place}]");
            let fields: Vec<_> = path.split('.').collect();
            if fields.len() > DEPTH_MAX {
                let message =
                    format!("You cannot expand more than {DEPTH_MAX} levels of a property.");
                return Err(ErrorObject::invalid(message).param(param));
            }
            if !fits(&fields) {
                let path: String = path.chars().take(255).collect();
                let message = format!("This property cannot be expanded ({path}).");
                return Err(ErrorObject::invalid(message).param(param));
            }
            let mut here = &mut whole;
            for field in fields {
                here = here.0.entry(field.to_owned()).or_default();
            }
        }
        Ok(whole)
    }
}

fn check(object: &str, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let found = FIELDS.iter().find(|(of, field, _)| *of == object && field == first);
    found.is_some_and(|(_, _, target)| target.is_empty() || check(target, rest))
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::*;

    fn expand(object: &str, body: &str) -> Result<Expand, ErrorObject> {
        let form = Form::decode(body.as_bytes()).unwrap();
        Expand::of(object, &form.parameters())
    }

    #[test]
    fn paths_become_a_tree() {
        let body = "expand[]=latest_charge.balance_transaction&expand[]=customer";
        let tree = expand("payment_intent", body).unwrap();
        assert!(tree.under("customer").is_some());
        assert!(tree.under("latest_charge").unwrap().under("balance_transaction").is_some());
        assert!(tree.under("payment_method").is_none());
    }

    #[test]
    fn what_cannot_be_expanded_is_said() {
        let error = expand("payment_intent", "expand[0]=amount").unwrap_err();
        assert_eq!(error.message, "This property cannot be expanded (amount).");
        assert_eq!(error.param.as_deref(), Some("expand[0]"));
        assert!(expand("charge", "expand[]=latest_charge").is_err());
        let deep = "expand[]=latest_charge.payment_intent.latest_charge.payment_intent.customer";
        assert!(expand("payment_intent", deep).is_err());
        assert!(expand("payment_intent", "expand[]=").is_err());
    }
}
