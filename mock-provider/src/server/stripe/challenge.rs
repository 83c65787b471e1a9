//! The page where a cardholder is asked (3-D Secure): it stands in for the bank's.
//!
//! It works without scripts and loads nothing. A payment is named by its client secret, which
//! nobody else knows; so is a card that is kept for later (`seti_…`).

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::form::Form;
use super::intents::RETURN_URL;
use super::money::spoken;
use super::name::{client_secret, named, number_in, owner_of_secret};
use crate::rules::directory::{Setup, SetupStatus};
use crate::rules::request::Terms;
use crate::rules::{Answer, Face, Intent, Status};
use crate::server::shared::Shared;

/// Under which name a payment keeps where its cardholder goes after the page.
pub(in crate::server) const BACK: &str = RETURN_URL;

/// How long the answer of a page may be: one word.
const ANSWER_BYTES_MAX: usize = 1 << 10;

/// The page.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/3ds/{secret}", get(ask).post(answer))
        .layer(DefaultBodyLimit::max(ANSWER_BYTES_MAX))
}

/// Where the cardholder is asked about that payment: the path of the page.
pub(in crate::server) fn path_of(seed: u64, number: u64) -> String {
    format!("/3ds/{}", client_secret(seed, &named("pi_", number)))
}

/// What a page is about.
struct Question {
    /// The face that the question came up through.
    face: Face,
    /// What the cardholder is asked for: an amount, as a rule.
    what: String,
    /// Whether the question is still open.
    stands: Stands,
    /// Where the cardholder goes afterwards, if the shop said so.
    back: Option<String>,
}

/// Where a question stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Stands {
    Open,
    Passed,
    Failed,
}

async fn ask(State(shared): State<Arc<Shared>>, Path(secret): Path<String>) -> Response {
    match question(&shared, &secret) {
        None => unknown(),
        Some(question) => page(StatusCode::OK, &body_of(&question)),
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path(secret): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::decode(&body).unwrap_or_default();
    let said = form.parameters();
    let answer = match said.text("answer") {
        Ok(Some("complete")) => Answer::Passed,
        Ok(Some("fail")) => Answer::Failed,
        _ => return page(StatusCode::BAD_REQUEST, "<p>Press one of the two buttons.</p>"),
    };
    let Some(before) = question(&shared, &secret) else { return unknown() };
    if before.stands == Stands::Open {
        // A challenge that somebody else has answered meanwhile stays as it was answered.
        match subject_of(&shared, &secret) {
            Some(Subject::Intent(number)) => {
                if let Err(full) = shared.authenticate(number, answer) {
                    return page(StatusCode::SERVICE_UNAVAILABLE, &full.to_string());
                }
            }
            Some(Subject::Setup(number)) => {
                shared.authenticate_setup(number, answer).ok();
            }
            None => {}
        }
    }
    let after = question(&shared, &secret).unwrap_or(before);
    match &after.back {
        None => page(StatusCode::OK, &body_of(&after)),
        // The gateway's shops ask for the result; their address says of which trade.
        Some(back) if after.face == Face::Gateway => see_other(back),
        Some(back) => see_other(&with_result(back, &secret, after.stands)),
    }
}

/// What a cardholder is asked about, by its number.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Subject {
    Intent(u64),
    Setup(u64),
}

fn subject_of(shared: &Shared, secret: &str) -> Option<Subject> {
    let name = owner_of_secret(shared.seed(), secret)?;
    let intent = number_in("pi_", name).map(Subject::Intent);
    intent.or_else(|| number_in("seti_", name).map(Subject::Setup))
}

fn question(shared: &Shared, secret: &str) -> Option<Question> {
    Some(match subject_of(shared, secret)? {
        Subject::Intent(number) => {
            let intent = shared.intent(number)?;
            Question {
                face: intent.face,
                what: spoken(intent.amount, Some(intent.currency)),
                stands: stands(&intent),
                back: back(intent.terms.as_deref()),
            }
        }
        Subject::Setup(number) => {
            let setup = shared.setup(number)?;
            Question {
                face: Face::Stripe,
                what: "leave to charge your card later".to_owned(),
                stands: setup_stands(&setup),
                back: back(setup.terms.as_deref()),
            }
        }
    })
}

fn back(terms: Option<&Terms>) -> Option<String> {
    Some(terms?.fields.get(RETURN_URL)?.as_str()?.to_owned())
}

fn setup_stands(setup: &Setup) -> Stands {
    match setup.status {
        SetupStatus::RequiresAction => Stands::Open,
        SetupStatus::Succeeded => Stands::Passed,
        SetupStatus::RequiresPaymentMethod
        | SetupStatus::RequiresConfirmation
        | SetupStatus::Canceled => Stands::Failed,
    }
}

fn stands(intent: &Intent) -> Stands {
    match intent.status {
        Status::RequiresAction => Stands::Open,
        Status::RequiresCapture | Status::Succeeded | Status::Processing => Stands::Passed,
        Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::Canceled => {
            Stands::Failed
        }
    }
}

/// The shop's address with what became of the payment: what the shop had in its query stays.
fn with_result(back: &str, secret: &str, stands: Stands) -> String {
    let (name, _) = secret.split_once("_secret_").unwrap_or((secret, ""));
    let kind = if name.starts_with("seti_") { "setup_intent" } else { "payment_intent" };
    let result = if stands == Stands::Passed { "succeeded" } else { "failed" };
    let (address, fragment) = match back.split_once('#') {
        Some((address, fragment)) => (address, Some(fragment)),
        None => (back, None),
    };
    let joint = if address.contains('?') { '&' } else { '?' };
    let mut url = format!(
        "{address}{joint}{kind}={name}&{kind}_client_secret={secret}&redirect_status={result}"
    );
    if let Some(fragment) = fragment {
        write!(url, "#{fragment}").expect("a text takes any text");
    }
    url
}

fn see_other(url: &str) -> Response {
    // What cannot stand in a header cannot be gone to: addresses were checked when they came.
    let Ok(url) = HeaderValue::try_from(url) else {
        return page(StatusCode::OK, "<p>Done. Go back to the shop.</p>");
    };
    (StatusCode::SEE_OTHER, [(LOCATION, url)]).into_response()
}

fn unknown() -> Response {
    page(StatusCode::NOT_FOUND, "<p>There is no such payment.</p>")
}

fn body_of(question: &Question) -> String {
    let what = escaped(&question.what);
    match question.stands {
        Stands::Open => format!(
            "<p>A shop asks for <strong>{what}</strong>. Is it you?</p>\n\
             <form method=\"post\">\n\
             <button id=\"complete\" name=\"answer\" value=\"complete\">Complete</button>\n\
             <button id=\"fail\" name=\"answer\" value=\"fail\">Fail</button>\n\
             </form>"
        ),
        Stands::Passed => format!("<p>Authenticated: {what}.</p>"),
        Stands::Failed => format!("<p>Not authenticated: {what}.</p>"),
    }
}

/// Readable on a phone, in light and in dark.
const STYLE: &str = ":root{color-scheme:light dark;font:1.1rem/1.5 system-ui,sans-serif}\
    body{max-width:26rem;margin:12vh auto;padding:0 1rem}\
    button{font:inherit;padding:.5rem 1.25rem;margin:0 .75rem .75rem 0;cursor:pointer}";

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Your bank asks</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Your bank asks</h1>\n{body}\n\
         <p><small>A mock payment provider: no bank, and no money.</small></p>\n</body>\n</html>\n"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (status, headers, html).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shops_own_query_and_fragment_stay() {
        let secret = "pi_1_secret_x";
        let result = "payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_x";
        assert_eq!(
            with_result("https://shop.test/back", secret, Stands::Passed),
            format!("https://shop.test/back?{result}&redirect_status=succeeded")
        );
        assert_eq!(
            with_result("https://shop.test/back?order=7#top", secret, Stands::Failed),
            format!("https://shop.test/back?order=7&{result}&redirect_status=failed#top")
        );
    }

    #[test]
    fn what_a_shop_says_is_no_markup() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
