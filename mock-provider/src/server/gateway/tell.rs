//! The gateway's answers: `key=value&key=value`, and nothing else.
//!
//! Values are not percent-encoded, as those of the gateway are not: no value here has an `&`.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use domain::money::Amount;
use jiff::Timestamp;
use jiff::tz::Offset;
use md5::{Digest, Md5};
use serde_json::Value;

use super::access::{self, approval};
use super::code::Code;
use super::fields::encoded;
use super::job;
use crate::rules::Status;
use crate::rules::intent::Intent;
use crate::rules::request::CaptureMethod;
use crate::server::stripe::challenge;

/// The card company that public examples of the gateway's test environment name.
const FORWARD: &str = "2a99662";

/// Under which names a payment keeps what the gateway alone knows of it.
pub(super) const TAX: &str = "Tax";
pub(super) const TOTAL: &str = "Total";
pub(super) const TOLD_UTC_NS: &str = "told_utc_ns";
pub(super) const RETURN_URL: &str = challenge::BACK;

/// How many fields a shop has for its own words.
const CLIENT_FIELDS: [&str; 3] = ["ClientField1", "ClientField2", "ClientField3"];

/// An answer; the status is 200, whatever it says.
pub(super) fn text(text: &str) -> Response {
    let bytes = encoded(text).unwrap_or_else(|| text.as_bytes().into()).into_owned();
    ([(CONTENT_TYPE, "text/plain;charset=Windows-31J")], bytes).into_response()
}

/// All that is wrong; the status is 200.
pub(super) fn errors(codes: &[Code]) -> Response {
    let joined =
        |part: fn(&Code) -> &'static str| codes.iter().map(part).collect::<Vec<_>>().join("|");
    let families = joined(|code| code.family());
    text(&format!("ErrCode={families}&ErrInfo={}", joined(|code| code.info())))
}

/// A registered trade.
pub(super) fn entry(seed: u64, intent: &Intent) -> String {
    let (id, pass) = (access::id(seed, intent.number), access::pass(seed, intent.number));
    format!("AccessID={id}&AccessPass={pass}")
}

/// The cardholder is asked on a page.
pub(super) fn challenge(base: &str, seed: u64, intent: &Intent) -> String {
    format!("ACS=2&RedirectUrl={base}{}", challenge::path_of(seed, intent.number))
}

/// A paid trade. `pass` is the shop's password, for the sum at the end.
pub(super) fn exec(
    seed: u64,
    pass: &str,
    intent: &Intent,
    client_fields: Option<&[String; 3]>,
) -> String {
    let parts = [
        ("OrderID", intent.reference.to_string()),
        ("Forward", FORWARD.to_owned()),
        ("Method", word(intent, "Method").to_owned()),
        ("PayTimes", word(intent, "PayTimes").to_owned()),
        ("Approve", approval(seed, intent.number)),
        ("TranID", transaction(intent)),
        ("TranDate", date(processed_utc_ns(intent))),
    ];
    let mut hash = Md5::new();
    for (_, value) in &parts {
        hash.update(value);
    }
    hash.update(pass);
    let sum = format!("{:032x}", u128::from_be_bytes(hash.finalize().into()));
    let said = client_fields.map(|fields| CLIENT_FIELDS.into_iter().zip(fields.clone()));
    let all = std::iter::once(("ACS", "0".to_owned()))
        .chain(parts)
        .chain([("CheckString", sum)])
        .chain(said.into_iter().flatten());
    joined(all)
}

/// A trade that was changed.
pub(super) fn alter(seed: u64, intent: &Intent) -> String {
    joined([
        ("AccessID", access::id(seed, intent.number)),
        ("AccessPass", access::pass(seed, intent.number)),
        ("Forward", FORWARD.to_owned()),
        ("Approve", approval(seed, intent.number)),
        ("TranID", transaction(intent)),
        ("TranDate", date(processed_utc_ns(intent))),
    ])
}

/// A trade as it stands.
pub(super) fn search(seed: u64, intent: &Intent) -> String {
    let job = job::done(intent);
    let paid = |value: String| if job.is_some() { value } else { String::new() };
    let tax = tax(intent).min(left(intent));
    let kept = ["CardNo", "Expire", "Method", "PayTimes"].map(|name| (name, word(intent, name)));
    let client_fields = CLIENT_FIELDS.map(|name| (name, word(intent, name)));
    let said = |(name, value): (&'static str, &str)| (name, value.to_owned());
    let head = [
        ("OrderID", intent.reference.to_string()),
        ("Status", job::status(intent).to_owned()),
        ("ProcessDate", date(processed_utc_ns(intent))),
        ("JobCd", job.unwrap_or_else(|| job::registered(intent)).word().to_owned()),
        ("AccessID", access::id(seed, intent.number)),
        ("AccessPass", access::pass(seed, intent.number)),
        ("ItemCode", word(intent, "ItemCode").to_owned()),
        ("Amount", left(intent).less(tax).to_string()),
        ("Tax", tax.to_string()),
        ("SiteID", String::new()),
        ("MemberID", String::new()),
    ];
    let tail = [
        ("Forward", paid(FORWARD.to_owned())),
        ("TranID", paid(transaction(intent))),
        ("Approve", paid(approval(seed, intent.number))),
    ];
    let all = head.into_iter().chain(kept.map(said)).chain(tail);
    joined(all.chain(client_fields.map(said)))
}

/// How much of what is reserved is to be taken, or how much the trade is about.
pub(super) fn total(intent: &Intent) -> Amount {
    number(intent, TOTAL).map_or(intent.amount, Amount::new)
}

/// How much the trade is about by now.
pub(super) fn left(intent: &Intent) -> Amount {
    let kept = intent.received.less(intent.refunded);
    match intent.status {
        Status::Succeeded if kept > Amount::ZERO => kept,
        Status::Succeeded => intent.received,
        _ => total(intent),
    }
}

fn tax(intent: &Intent) -> Amount {
    Amount::new(number(intent, TAX).unwrap_or_default())
}

/// When the trade was last processed, in nanoseconds of UTC \[ns\].
fn processed_utc_ns(intent: &Intent) -> u64 {
    let canceled = intent.canceled.as_ref().map(|(utc_ns, _)| *utc_ns);
    let refunded = intent.refunds.last().map(|refund| refund.created_utc_ns);
    let declined = intent.last_decline.as_ref().map(|decline| decline.utc_ns);
    let times = [intent.charged_utc_ns, canceled, refunded, declined, number(intent, TOLD_UTC_NS)];
    times.into_iter().flatten().fold(intent.created_utc_ns, u64::max)
}

/// The number of the trade's last step: the minute of its registration, the payment, the step.
fn transaction(intent: &Intent) -> String {
    let taken = intent.capture == CaptureMethod::Manual && intent.status == Status::Succeeded;
    let steps = usize::from(intent.charges)
        + intent.refunds.len()
        + usize::from(taken)
        + usize::from(intent.canceled.is_some());
    let number = intent.number % 100_000_000_000_000;
    format!("{}{number:014}{steps:04}", &date(intent.created_utc_ns)[2..12])
}

/// An instant in Japan's time: `20261122110908`.
fn date(utc_ns: u64) -> String {
    let instant = Timestamp::from_nanosecond(i128::from(utc_ns));
    let instant = instant.expect("64 bits of nanoseconds end in the year 2554");
    let zone = Offset::constant(9).to_time_zone();
    instant.to_zoned(zone).strftime("%Y%m%d%H%M%S").to_string()
}

fn word<'intent>(intent: &'intent Intent, name: &str) -> &'intent str {
    let kept = intent.terms.as_ref().and_then(|terms| terms.fields.get(name));
    kept.and_then(Value::as_str).unwrap_or_default()
}

fn number(intent: &Intent, name: &str) -> Option<u64> {
    intent.terms.as_ref().and_then(|terms| terms.fields.get(name)).and_then(Value::as_u64)
}

fn joined(parts: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let parts = parts.into_iter().map(|(name, value)| format!("{name}={value}"));
    parts.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_japan() {
        assert_eq!(date(0), "19700101090000");
        assert_eq!(date(1_795_312_800_000_000_000), "20261122110000");
        assert_eq!(date(u64::MAX).len(), 14);
    }
}
