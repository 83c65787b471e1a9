//! `/v1/customers` (docs.stripe.com/api/customers).

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::asked::Asked;
use super::caller::is_live;
use super::errand::{about_customer, ask, ask_for_list, page_of};
use super::error::ErrorObject;
use super::expand::Expand;
use super::form::{Change, Parameters};
use super::methods::{address, named_source};
use super::name::number_in;
use super::page::list;
use super::render::{View, metadata, method, said, seconds};
use super::terms::{metadata_of, say, shipping, text_of};
use crate::rules::directory::{Customer, CustomerChange, DefaultChange, Errand, Existence};
use crate::rules::request::Terms;
use crate::server::shared::Shared;

const URL: &str = "/v1/customers";

/// What is called so in parameters of expansion.
const OBJECT: &str = "customer";

/// Texts that are told again under their own names; an empty one is unset.
const TEXTS: [&str; 7] =
    ["business_name", "description", "email", "individual_name", "invoice_prefix", "name", "phone"];

/// What may be said of a customer.
const KNOWN: [&str; 21] = [
    "address",
    "balance",
    "business_name",
    "cash_balance",
    "description",
    "email",
    "expand",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "metadata",
    "name",
    "next_invoice_sequence",
    "payment_method",
    "phone",
    "preferred_locales",
    "shipping",
    "tax",
    "tax_exempt",
    "test_clock",
    "validate",
];

/// How many locales a customer may prefer: more than a browser names.
const LOCALES_MAX: usize = 100;

/// The calls about customers.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(URL, post(create).get(list_all))
        .route("/v1/customers/{customer}", get(retrieve).post(update).delete(delete))
}

async fn create(asked: Asked) -> Response {
    let read = |parameters: &Parameters<'_>| change(parameters).map(Errand::MakeCustomer);
    ask(&asked, None, OBJECT, read).await
}

async fn retrieve(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&["expand"])?;
        Ok(Errand::FindCustomer(number_of(name)))
    };
    ask(&asked, Some(about_customer("id", name)), OBJECT, read).await
}

async fn update(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        if parameters.has("payment_method") {
            let message = "Received unknown parameter: payment_method. Attach it instead.";
            let error = ErrorObject::invalid(message).code("parameter_unknown");
            return Err(error.param("payment_method"));
        }
        Ok(Errand::ChangeCustomer { customer: number_of(name), change: change(parameters)? })
    };
    ask(&asked, Some(about_customer("id", name)), OBJECT, read).await
}

async fn delete(asked: Asked) -> Response {
    let name = asked.name(0);
    let read = |parameters: &Parameters<'_>| {
        parameters.known_only(&[])?;
        Ok(Errand::DeleteCustomer(number_of(name)))
    };
    ask(&asked, Some(about_customer("id", name)), OBJECT, read).await
}

async fn list_all(asked: Asked) -> Response {
    let read = |parameters: &Parameters<'_>| {
        let word = (OBJECT, |name: &str| number_in("cus_", name));
        let page = page_of(parameters, &["email", "test_clock"], word)?;
        let email = parameters.text("email")?.map(str::to_owned);
        Ok(Errand::ListCustomers { email, page })
    };
    ask_for_list(&asked, None, OBJECT, read).await
}

/// The number of a customer; 0, which none has, for what is no name of one.
fn number_of(name: &str) -> u64 {
    number_in("cus_", name).unwrap_or(0)
}

fn change(parameters: &Parameters<'_>) -> Result<CustomerChange, ErrorObject> {
    parameters.known_only(&KNOWN)?;
    let method = match parameters.text_change("payment_method")? {
        Change::Set(name) => Some(named_source(name)),
        Change::Keep | Change::Unset => None,
    };
    let default_method = match default_method(parameters)? {
        Change::Keep => DefaultChange::Keep,
        Change::Unset => DefaultChange::Unset,
        Change::Set(name) => DefaultChange::Set(named_source(name)),
    };
    let terms = Some(Box::new(terms_of(parameters)?));
    Ok(CustomerChange { method, default_method, terms })
}

fn default_method<'form>(
    parameters: &Parameters<'form>,
) -> Result<Change<&'form str>, ErrorObject> {
    if let Some(settings) = parameters.table("invoice_settings")? {
        let known = ["custom_fields", "default_payment_method", "footer", "rendering_options"];
        settings.known_only(&known)?;
    }
    Ok(parameters.text_change("invoice_settings[default_payment_method]")?)
}

fn terms_of(parameters: &Parameters<'_>) -> Result<Terms, ErrorObject> {
    let mut terms = metadata_of(parameters)?;
    let fields = &mut terms.fields;
    for name in TEXTS {
        say(fields, name, text_of(parameters, name)?);
    }
    say(fields, "address", address(parameters)?);
    say(fields, "shipping", shipping(parameters)?);
    if let Some(settings) = parameters.table("invoice_settings")? {
        say(fields, "footer", text_of(&settings, "footer")?);
    }
    if let Some(balance) = parameters.integer("balance")? {
        fields.insert("balance".into(), balance.into());
    }
    if let Some(next) = parameters.integer_within("next_invoice_sequence", 1..=999_999_999)? {
        fields.insert("next_invoice_sequence".into(), next.into());
    }
    let locales = parameters.texts("preferred_locales")?;
    if let Some(locales) = locales {
        if locales.len() > LOCALES_MAX {
            let message = format!("At most {LOCALES_MAX} locales can be preferred.");
            return Err(ErrorObject::invalid(message).param("preferred_locales"));
        }
        fields.insert("preferred_locales".into(), locales.into());
    }
    if let Change::Set(_) = parameters.text_change("tax_exempt")? {
        let exempt = parameters.one_of("tax_exempt", &["exempt", "none", "reverse"])?;
        fields.insert("tax_exempt".into(), exempt.into());
    }
    Ok(terms)
}

/// The object `customer`; a deleted one has little more than its name.
pub(super) fn show(view: &View<'_>, expand: &Expand, customer: &Customer) -> Value {
    let id = customer.name();
    if customer.existence == Existence::Deleted {
        return json!({ "id": id, "object": "customer", "deleted": true });
    }
    let terms = customer.terms.as_deref();
    let said = |field| said(terms, field);
    let or = |field, otherwise: Value| match said(field) {
        Value::Null => otherwise,
        said => said,
    };
    let none = Expand::default();
    let settings = expand.under("invoice_settings").unwrap_or(&none);
    let default = "default_payment_method";
    let mut shown = json!({
        "id": id,
        "object": "customer",
        "address": said("address"),
        "balance": or("balance", 0.into()),
        "created": seconds(customer.created_utc_ns),
        "currency": null,
        "customer_account": null,
        "default_source": null,
        "delinquent": false,
        "description": said("description"),
        "discount": null,
        "email": said("email"),
        "invoice_prefix": or("invoice_prefix", format!("{:08X}", customer.number).into()),
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": method(view, settings, default, customer.default_method),
            "footer": said("footer"),
            "rendering_options": null,
        },
        "livemode": is_live(&customer.account),
        "metadata": metadata(terms),
        "name": said("name"),
        "next_invoice_sequence": or("next_invoice_sequence", 1.into()),
        "phone": said("phone"),
        "preferred_locales": or("preferred_locales", json!([])),
        "shipping": said("shipping"),
        "tax_exempt": or("tax_exempt", "none".into()),
        "test_clock": null,
    });
    // These come only when they are asked for, and there never are any.
    for kind in ["sources", "subscriptions", "tax_ids"] {
        if expand.under(kind).is_some() {
            shown[kind] = list(&format!("{URL}/{id}/{kind}"), Vec::new(), false);
        }
    }
    shown
}
