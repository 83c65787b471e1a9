//! `/v1/charges` (`docs.stripe.com/api/charges`): what banks said about payments. Charges are made
//! by payments alone.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::asked::{About, Asked};
use super::error::ErrorObject;
use super::expand::Expand;
use super::methods;
use super::name::{charge_in, number_in};
use super::page::{self, list};
use super::render;
use crate::rules::directory::Kind;
use crate::rules::request::{Charged, ListIntents, PageOf};
use crate::rules::{Call, Reply};
use crate::server::shared::Shared;

const URL: &str = "/v1/charges";

/// The calls about charges.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route(URL, get(list_all)).route("/v1/charges/{charge}", get(retrieve))
}

async fn retrieve(asked: Asked) -> Response {
    let name = asked.name(0);
    let about = About { kind: Kind::Intent, word: "charge", param: "id", name };
    let (intent, number) = charge_in(name).unwrap_or((0, 0));
    let parameters = asked.parameters();
    let read = || {
        parameters.known_only(&["expand"])?;
        Expand::of("charge", &parameters)
    };
    let (call, expand) = match read() {
        Ok(expand) => (Ok(Call::Retrieve { intent }), expand),
        Err(error) => (Err(error), Expand::default()),
    };
    let show = |view: &render::View<'_>, reply: &Reply| match reply {
        Reply::Intent(intent) => {
            render::charge(view, &expand, intent, number).ok_or_else(|| about.missing())
        }
        other => unreachable!("a payment is answered with a payment, not {other:?}"),
    };
    asked.answer(Some(about), call, show).await
}

/// The charges of one payment, or of all that the account has.
async fn list_all(asked: Asked) -> Response {
    let parameters = asked.parameters();
    let read = || {
        let known = [&page::PARAMETERS[..], &["customer", "payment_intent", "transfer_group"]];
        parameters.known_only(&known.concat())?;
        let expand = Expand::of_list("charge", &parameters)?;
        let place = |name: &str| charge_in(name).map(place_of);
        let page = page::page_of(&parameters, "charge", place)?;
        let of = parameters.text("payment_intent")?;
        let of = of.map(|name| number_in("pi_", name).unwrap_or(0));
        Ok::<_, ErrorObject>((expand, page, of, methods::customer(&parameters)?))
    };
    let (expand, page, of, customer) = match read() {
        Ok(read) => read,
        Err(error) => return asked.refuse(error).await,
    };
    let call = match of {
        Some(intent) => Call::Retrieve { intent },
        None => Call::List(around(&page, customer)),
    };
    let show = |view: &render::View<'_>, reply: &Reply| {
        let intents = match reply {
            Reply::Intent(intent) => std::slice::from_ref(intent),
            Reply::Intents { page, .. } => page,
            other => unreachable!("payments are answered with payments, not {other:?}"),
        };
        let charges = intents
            .iter()
            .flat_map(|intent| render::charges_of(intent).map(move |number| (intent, number)));
        let (found, more) = page::cut(
            charges,
            &page,
            |(intent, number)| place_of((intent.number, *number)),
            |(intent, _)| intent.created_utc_ns,
        );
        let shown = found
            .into_iter()
            .filter_map(|(intent, number)| render::charge(view, &expand, intent, number));
        Ok(list(URL, shown.collect(), more))
    };
    asked.answer(None, Ok(call), show).await
}

/// The payments whose charges may be on the page: each has one at least, and the one that the page
/// begins in or ends in may have more.
fn around(page: &PageOf, customer: Option<u64>) -> ListIntents {
    let of = |place: u64| place / PLACES;
    let page = PageOf {
        limit: page.limit + 2,
        after: page.after.map(|place| of(place) + 1),
        before: page.before.map(|place| of(place).saturating_sub(1)),
        created: page.created.clone(),
    };
    ListIntents { page, customer, charged: Charged::Yes }
}

/// How many charges a payment has less than.
const PLACES: u64 = 100;

/// A charge's place in the order of all.
const fn place_of((intent, charge): (u64, u16)) -> u64 {
    intent.saturating_mul(PLACES) + charge as u64
}
