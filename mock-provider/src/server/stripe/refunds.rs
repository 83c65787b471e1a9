//! `/v1/refunds` (`docs.stripe.com/api/refunds`).

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

use super::asked::{About, Asked};
use super::error::ErrorObject;
use super::expand::Expand;
use super::form::Parameters;
use super::name::{charge_in, number_in, refund_in};
use super::page::{self, list};
use super::render::{self, View};
use super::terms::metadata_of;
use crate::rules::directory::Kind;
use crate::rules::intent::Refund;
use crate::rules::request::NewRefund;
use crate::rules::{Call, Reply};
use crate::server::shared::Shared;

const URL: &str = "/v1/refunds";

/// What is called so in parameters of expansion.
const OBJECT: &str = "refund";

/// The calls about refunds.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(URL, post(create).get(list_all))
        .route("/v1/refunds/{refund}", get(retrieve).post(update))
}

async fn create(asked: Asked) -> Response {
    let expand = match Expand::of(OBJECT, &asked.parameters()) {
        Ok(expand) => expand,
        Err(error) => return asked.refuse(error).await,
    };
    let show = |view: &View<'_>, reply: &Reply| match reply {
        Reply::Refund(refund, intent) => Ok(render::refund(view, &expand, refund, intent)),
        other => unreachable!("a refund is answered with a refund, not {other:?}"),
    };
    asked.answer(None, new_refund(&asked.parameters()), show).await
}

async fn update(asked: Asked) -> Response {
    let (about, intent, place) = named(&asked);
    let parameters = asked.parameters();
    let read = || {
        parameters.known_only(&["expand", "metadata"])?;
        let terms = Box::new(metadata_of(&parameters)?);
        let expand = Expand::of(OBJECT, &parameters)?;
        Ok::<_, ErrorObject>((Call::UpdateRefund { intent, place, terms }, expand))
    };
    let (call, expand) = match read() {
        Ok(read) => read,
        Err(error) => return asked.refuse(error).await,
    };
    let show = |view: &View<'_>, reply: &Reply| match reply {
        Reply::Refund(refund, intent) => Ok(render::refund(view, &expand, refund, intent)),
        other => unreachable!("a refund is answered with a refund, not {other:?}"),
    };
    asked.answer(Some(about), Ok(call), show).await
}

async fn retrieve(asked: Asked) -> Response {
    let (about, intent, place) = named(&asked);
    let parameters = asked.parameters();
    let read = || {
        parameters.known_only(&["expand"])?;
        Expand::of(OBJECT, &parameters)
    };
    let expand = match read() {
        Ok(expand) => expand,
        Err(error) => return asked.refuse(error).await,
    };
    let show = |view: &View<'_>, reply: &Reply| match reply {
        Reply::Intent(intent) => {
            let found = intent.refunds.iter().find(|refund| refund.place == place);
            let refund = found.ok_or_else(|| about.missing())?;
            Ok(render::refund(view, &expand, refund, intent))
        }
        other => unreachable!("a payment is answered with a payment, not {other:?}"),
    };
    asked.answer(Some(about), Ok(Call::Retrieve { intent }), show).await
}

/// The refunds of one payment, by its name or by its charge's, or of all.
async fn list_all(asked: Asked) -> Response {
    let parameters = asked.parameters();
    let read = || {
        let known = [&page::PARAMETERS[..], &["charge", "payment_intent"]].concat();
        parameters.known_only(&known)?;
        let expand = Expand::of_list(OBJECT, &parameters)?;
        let page = page::page_of(&parameters, OBJECT, |name| number_of(&asked, name))?;
        Ok::<_, ErrorObject>((expand, page, paid_by(&parameters)?))
    };
    let (expand, page, of) = match read() {
        Ok(read) => read,
        Err(error) => return asked.refuse(error).await,
    };
    let show = |view: &View<'_>, reply: &Reply| match reply {
        Reply::Intent(intent) => {
            let newest_first = intent.refunds.iter().rev();
            let number = |refund: &&Arc<Refund>| refund.number;
            let created_utc_ns = |refund: &&Arc<Refund>| refund.created_utc_ns;
            let (found, more) = page::cut(newest_first, &page, number, created_utc_ns);
            let shown = found.iter().map(|refund| render::refund(view, &expand, refund, intent));
            Ok(list(URL, shown.collect(), more))
        }
        Reply::Refunds { page, more } => {
            let shown =
                page.iter().map(|(refund, intent)| render::refund(view, &expand, refund, intent));
            Ok(list(URL, shown.collect(), *more))
        }
        other => unreachable!("a payment is answered with a payment, not {other:?}"),
    };
    let call = match of {
        Some(intent) => Call::Retrieve { intent },
        None => Call::ListRefunds(page.clone()),
    };
    asked.answer(None, Ok(call), show).await
}

/// The number among all refunds of a refund of the account.
fn number_of(asked: &Asked, name: &str) -> Option<u64> {
    let (intent, place) = refund_in(name)?;
    let intent = asked.shared().intent(intent)?;
    let refund = intent.refunds.iter().find(|refund| refund.place == place)?;
    (*intent.account == *asked.account()).then_some(refund.number)
}

/// The refund that the path names: of which payment, and its place there.
fn named(asked: &Asked) -> (About<'_>, u64, u16) {
    let name = asked.name(0);
    let about = About { kind: Kind::Intent, word: OBJECT, param: "id", name };
    // Numbers begin at 1: what is no name of a refund is none that exists.
    let (intent, place) = refund_in(name).unwrap_or((0, 0));
    (about, intent, place)
}

fn new_refund(parameters: &Parameters<'_>) -> Result<Call, ErrorObject> {
    parameters.known_only(&[
        "amount",
        "charge",
        "currency",
        "customer",
        "expand",
        "instructions_email",
        "metadata",
        "origin",
        "payment_intent",
        "reason",
        "refund_application_fee",
        "reverse_transfer",
    ])?;
    let intent = paid_by(parameters)?.ok_or_else(|| {
        ErrorObject::invalid(
            "One of the following params should be provided for this request: \
                              payment_intent or charge.",
        )
    })?;
    let reasons = &["duplicate", "fraudulent", "requested_by_customer"];
    Ok(Call::Refund(Box::new(NewRefund {
        intent,
        amount: parameters.amount("amount")?,
        reason: parameters.one_of("reason", reasons)?.map(str::to_owned),
        terms: Some(Box::new(metadata_of(parameters)?)),
    })))
}

/// The payment that is named, itself or by its charge.
fn paid_by(parameters: &Parameters<'_>) -> Result<Option<u64>, ErrorObject> {
    if let Some(name) = parameters.text("payment_intent")? {
        return Ok(Some(number_in("pi_", name).unwrap_or(0)));
    }
    let charge = parameters.text("charge")?;
    Ok(charge.map(|name| charge_in(name).map_or(0, |(intent, _)| intent)))
}
