//! A violation as a person can follow it: what clients, shop and provider say of one purchase.

use domain::outcome::{Operation, Outcome};
use domain::provider::{PaymentOperation, PaymentOutcome};
use domain::time::Time;

use crate::audit::books::Books;
use crate::audit::entries::Order;
use crate::audit::finding::{Story, Who, WitnessEvent};
use crate::evidence::rows::{AttemptRow, HoldRow, PaymentRow, ShopRow};

/// How many lines a story has at most: what fits beside a verdict on a screen.
const LINES_MAX: usize = 12;

/// One line of a story.
pub(super) fn line(at: Time, what: &str) -> String {
    format!("{at}  {what}")
}

/// Something that happened, as one told it.
struct Moment {
    at: Time,
    who: Who,
    what: String,
}

/// The story of one intent, oldest line first, and how it ended.
pub(super) fn of_intent(books: &Books<'_>, intent: &str, end: String) -> Story {
    told(moments(books, intent), end)
}

/// The stories of two intents in one, and how they ended.
pub(super) fn of_two(books: &Books<'_>, one: &str, other: &str, end: String) -> Story {
    let mut moments_of_both = moments(books, one);
    if one != other {
        moments_of_both.extend(moments(books, other));
    }
    told(moments_of_both, end)
}

fn moments(books: &Books<'_>, intent: &str) -> Vec<Moment> {
    let mut moments: Vec<Moment> = Vec::new();
    let Some(intent) = books.evidence.names().people.find(intent) else { return moments };
    for attempt in books.evidence.attempts().filter(|attempt| attempt.intent.name() == intent) {
        of_client(&attempt, &mut moments);
    }
    for payment in books.evidence.payment_rows().filter(|row| row.intent.name() == intent) {
        let (at, what) = (books.clocks.provider.time(payment.utc_ns), of_provider(&payment));
        moments.push(Moment { at, who: Who::Provider, what });
    }
    for order in books.orders.iter().filter(|order| order.intent == intent) {
        of_shop(books, order, &mut moments);
        of_holds(books, order, &mut moments);
    }
    moments
}

fn told(mut moments: Vec<Moment>, end: String) -> Story {
    moments.sort_by_key(|moment| moment.at);
    let more = moments.len().saturating_sub(LINES_MAX - 1);
    moments.truncate(LINES_MAX - 1);
    let event = |moment: &Moment| WitnessEvent::new(moment.at, moment.who, &moment.what);
    let events = moments.iter().map(event).collect();
    let mut lines: Vec<String> =
        moments.into_iter().map(|Moment { at, what, .. }| line(at, &what)).collect();
    if more > 0 {
        lines.push(format!("… and {more} more lines"));
    }
    lines.push(end);
    Story { lines, events }
}

/// The story of an order: of its intent, or where it has none, of itself alone.
pub(super) fn of_order(books: &Books<'_>, order: &Order<'_>, end: String) -> Story {
    if !order.intent().is_empty() {
        return of_intent(books, order.intent(), end);
    }
    let mut moments = Vec::new();
    of_shop(books, order, &mut moments);
    of_holds(books, order, &mut moments);
    told(moments, end)
}

/// What the shop held for an order, and let go.
fn of_holds(books: &Books<'_>, order: &Order<'_>, moments: &mut Vec<Moment>) {
    for row in books.evidence.shop_rows() {
        let ShopRow::Hold(hold) = row else { continue };
        let HoldRow { order_id, item, quantity, .. } = hold;
        if order_id.name() != order.name {
            continue;
        }
        let mut note = |utc_ns: u64, what: String| {
            moments.push(Moment { at: books.shop_time(utc_ns), who: Who::Shop, what });
        };
        note(hold.taken_utc_ns, format!("the shop held {quantity} × {item} for order {order_id}"));
        if let Some(sold) = hold.sold_utc_ns {
            note(sold, format!("the shop sold {quantity} × {item} to order {order_id}"));
        }
        if let Some(freed) = hold.freed_utc_ns {
            note(freed, format!("the shop let {quantity} × {item} of order {order_id} go"));
        }
    }
}

fn of_client(attempt: &AttemptRow<'_>, moments: &mut Vec<Moment>) {
    let AttemptRow { fan, intent, operation, item, quantity, sent, done, outcome, .. } = *attempt;
    if operation == Operation::Cart {
        return;
    }
    let asked = match operation {
        Operation::Entry => format!("for {quantity} × {item} in the lottery"),
        Operation::Result => "whether its entry had won".to_owned(),
        Operation::Checkout => format!("to check out {quantity} × {item}"),
        _ => "what became of its order".to_owned(),
    };
    let asked = format!("fan {fan} asked {asked} (intent {intent})");
    moments.push(Moment { at: sent, who: Who::Fan, what: asked });
    let told = match outcome {
        Outcome::Unknown => "had no answer in time".to_owned(),
        Outcome::Shed => "was not sent after all".to_owned(),
        outcome => format!("was told {}", words(outcome.word())),
    };
    moments.push(Moment { at: done, who: Who::Fan, what: format!("fan {fan} {told}") });
}

fn of_provider(payment: &PaymentRow<'_>) -> String {
    let name = payment.id;
    let money = thousands(payment.amount.minor());
    let asked = match payment.operation {
        PaymentOperation::Authorize | PaymentOperation::Confirm => "authorization",
        other => other.word(),
    };
    let what = match payment.outcome {
        _ if payment.replayed => format!("the provider repeated its answer to the {asked}"),
        PaymentOutcome::Authorized => format!("the provider authorized {money} as payment {name}"),
        PaymentOutcome::Captured => format!("the provider took {money} of payment {name}"),
        PaymentOutcome::Voided => format!("the provider let payment {name} go"),
        PaymentOutcome::Refunded => format!("the provider gave back {money} of payment {name}"),
        PaymentOutcome::Accepted => format!("the provider took note of the {asked}"),
        PaymentOutcome::Challenged => {
            format!("the provider asked the cardholder of payment {name} first")
        }
        PaymentOutcome::LockTimeout => {
            format!("the provider refused the {asked}: another call held payment {name}")
        }
        PaymentOutcome::Declined => format!("the provider declined the card for {money}"),
        PaymentOutcome::RateLimited => {
            format!("the provider refused the {asked}: too many calls (429)")
        }
        PaymentOutcome::Refused => format!("the provider refused the {asked}"),
        PaymentOutcome::InFlight => {
            format!("the provider refused the {asked}: the same is under way")
        }
        PaymentOutcome::Failed | PaymentOutcome::Silence => {
            format!("the provider failed at the {asked}: nothing happened")
        }
    };
    match payment.operation {
        PaymentOperation::Authenticate => return format!("the cardholder answered, and {what}"),
        PaymentOperation::Expire => return format!("nobody captured in time, and {what}"),
        _ => {}
    }
    match payment.told {
        told if told == payment.outcome => what,
        PaymentOutcome::Silence => format!("{what}, and the shop heard nothing"),
        PaymentOutcome::Failed => format!("{what}, and the shop heard a failure (5xx)"),
        _ => what,
    }
}

fn of_shop(books: &Books<'_>, order: &Order<'_>, moments: &mut Vec<Moment>) {
    let (id, status) = (order.id(), order.status());
    let (what, money) = (order.what(), thousands(order.amount));
    // A foreign shop's ledger may not say when.
    let judged = books.evidence.ending.judged;
    let at = |utc_ns| {
        if utc_ns == 0 && books.ledgers.is_some() { judged } else { books.shop_time(utc_ns) }
    };
    let mut note = |at, what| moments.push(Moment { at, who: Who::Shop, what });
    note(at(order.created_utc_ns), format!("the shop placed order {id}: {what} for {money}"));
    let meaning = match (order.paid, order.terminal) {
        (true, _) => "sold",
        (false, true) => "over, not sold",
        (false, false) => "not over",
    };
    let stands = format!("order {id} is left at `{status}`: {meaning}");
    note(at(order.updated_utc_ns), stands);
}

/// A number with its thousands apart: 9,000.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (9_000, "9,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
    }
}
