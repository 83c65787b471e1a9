//! The lines of a run as records: what is written to a [`Tape`], and how it is read back.

use domain::id::FanId;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::shop::{ShopLine, Short};
use domain::time::Time;

use crate::evidence::PurchaseLine;
use crate::evidence::names::{Name, Names, Spaces, Word};
use crate::evidence::rows::{AttemptRow, HoldRow, Key, OrderRow, PaymentRow, PurchaseRow, ShopRow};
use crate::evidence::tape::{byte, number, put, put_signed, put_some, signed, small, some};

impl Name {
    fn put(self, bytes: &mut Vec<u8>) {
        put(bytes, u64::from(self.number()));
    }

    fn put_some(name: Option<Self>, bytes: &mut Vec<u8>) {
        put_some(bytes, name.map(|name| u64::from(name.number())));
    }
}

impl Names {
    fn word(&self, bytes: &mut &[u8]) -> Word<'_> {
        Word::new(self, Name::from_number(small(bytes)))
    }

    fn some_word(&self, bytes: &mut &[u8]) -> Option<Word<'_>> {
        (byte(bytes) == 1).then(|| self.word(bytes))
    }
}

fn put_fan(bytes: &mut Vec<u8>, fan: FanId, people: &mut Names) {
    put(bytes, fan.population.into());
    put(bytes, fan.index.into());
    people.intern(&fan.to_string()).put(bytes);
}

fn fan(bytes: &mut &[u8]) -> (FanId, Name) {
    let population = number(bytes).try_into().expect("a population was written");
    let fan = FanId { population, index: small(bytes) };
    (fan, Name::from_number(small(bytes)))
}

fn time(bytes: &mut &[u8]) -> Time {
    Time::from_nanos(number(bytes))
}

/// What a line of `purchases.jsonl` is on tape.
pub(super) fn put_purchase(bytes: &mut Vec<u8>, line: &PurchaseLine, names: &mut Spaces) {
    match line {
        PurchaseLine::Attempt {
            fan,
            intent,
            key,
            operation,
            item,
            slot,
            quantity,
            amount: _,
            intended,
            sent,
            done,
            outcome,
            short,
        } => {
            let rest = key.strip_prefix(intent.as_str()).filter(|rest| rest.starts_with('-'));
            bytes.extend([0, *operation as u8, *outcome as u8]);
            bytes.push(match short {
                None => 0,
                Some(Short::Item) => 1,
                Some(Short::Slot) => 2,
            });
            put_fan(bytes, *fan, &mut names.people);
            names.people.intern(intent).put(bytes);
            bytes.push(u8::from(rest.is_some()));
            names.words.intern(rest.unwrap_or(key)).put(bytes);
            names.words.intern(item).put(bytes);
            Name::put_some(slot.as_deref().map(|slot| names.words.intern(slot)), bytes);
            put(bytes, (*quantity).into());
            for at in [intended, sent, done] {
                put(bytes, at.nanos());
            }
        }
        PurchaseLine::Seen { fan, sent, at, items } => {
            bytes.push(1);
            put_fan(bytes, *fan, &mut names.people);
            put(bytes, sent.nanos());
            put(bytes, at.nanos());
            put(bytes, items.len() as u64);
            for item in items {
                names.words.intern(item).put(bytes);
            }
        }
        PurchaseLine::Departed { fan, at, departure, item, quantity, refused } => {
            bytes.extend([2, *departure as u8, u8::from(*refused)]);
            put_fan(bytes, *fan, &mut names.people);
            put(bytes, at.nanos());
            names.words.intern(item).put(bytes);
            put(bytes, (*quantity).into());
        }
    }
}

/// Reads what [`put_purchase`] wrote.
pub(super) fn purchase<'a>(bytes: &mut &[u8], names: &'a Spaces) -> PurchaseRow<'a> {
    match byte(bytes) {
        0 => PurchaseRow::Attempt(attempt(bytes, names)),
        1 => {
            let ((fan, who), sent, at) = (fan(bytes), time(bytes), time(bytes));
            let items = (0..number(bytes)).map(|_| names.words.word(bytes).text()).collect();
            PurchaseRow::Seen { fan, who, sent, at, items }
        }
        _ => {
            let departure = Departure::ALL[usize::from(byte(bytes))];
            let (refused, (fan, who)) = (byte(bytes) == 1, fan(bytes));
            PurchaseRow::Departed {
                fan,
                who,
                at: time(bytes),
                departure,
                item: names.words.word(bytes).text(),
                quantity: small(bytes),
                refused,
            }
        }
    }
}

fn attempt<'a>(bytes: &mut &[u8], names: &'a Spaces) -> AttemptRow<'a> {
    let operation = Operation::ALL[usize::from(byte(bytes))];
    let outcome = Outcome::ALL[usize::from(byte(bytes))];
    let short = [None, Some(Short::Item), Some(Short::Slot)][usize::from(byte(bytes))];
    let ((fan, who), intent) = (fan(bytes), names.people.word(bytes));
    let key = Key { intent: (byte(bytes) == 1).then_some(intent), rest: names.words.word(bytes) };
    AttemptRow {
        fan,
        who,
        intent,
        key,
        operation,
        item: names.words.word(bytes),
        slot: names.words.some_word(bytes).map(Word::text),
        quantity: small(bytes),
        intended: time(bytes),
        sent: time(bytes),
        done: time(bytes),
        outcome,
        short,
    }
}

/// What a line of the shop's ledger is on tape.
pub(super) fn put_shop(bytes: &mut Vec<u8>, line: &ShopLine, names: &mut Spaces) {
    match line {
        ShopLine::Stock { item, initial, free, held, sold } => {
            bytes.push(0);
            names.words.intern(item).put(bytes);
            put(bytes, *initial);
            for count in [free, held, sold] {
                put_signed(bytes, *count);
            }
        }
        ShopLine::Slot { slot, sale, initial, free, held, sold } => {
            bytes.push(1);
            names.words.intern(slot).put(bytes);
            names.words.intern(sale).put(bytes);
            put(bytes, *initial);
            for count in [free, held, sold] {
                put_signed(bytes, *count);
            }
        }
        ShopLine::Order { .. } => put_order(bytes, line, names),
        ShopLine::Reservation { order_id, item, slot, quantity, held_until_utc_ns } => {
            bytes.push(3);
            names.orders.intern(order_id).put(bytes);
            names.words.intern(item).put(bytes);
            Name::put_some(slot.as_deref().map(|slot| names.words.intern(slot)), bytes);
            put(bytes, (*quantity).into());
            put_some(bytes, *held_until_utc_ns);
        }
        ShopLine::Hold {
            order_id,
            item,
            slot,
            quantity,
            asked_utc_ns,
            taken_utc_ns,
            sold_utc_ns,
            freeing_utc_ns,
            freed_utc_ns,
        } => {
            bytes.push(4);
            names.orders.intern(order_id).put(bytes);
            names.words.intern(item).put(bytes);
            Name::put_some(slot.as_deref().map(|slot| names.words.intern(slot)), bytes);
            put(bytes, (*quantity).into());
            put(bytes, *asked_utc_ns);
            put(bytes, *taken_utc_ns);
            let ends = [sold_utc_ns, freeing_utc_ns, freed_utc_ns];
            for at in ends {
                put_some(bytes, *at);
            }
        }
        ShopLine::Database { .. } => unreachable!("it is kept beside the tape"),
        ShopLine::Unit { unit, name, item, state, order_id } => {
            bytes.push(5);
            put(bytes, *unit);
            Name::put_some(name.as_deref().map(|name| names.words.intern(name)), bytes);
            names.words.intern(item).put(bytes);
            names.words.intern(state).put(bytes);
            let order = order_id.as_deref().map(|order| names.orders.intern(order));
            Name::put_some(order, bytes);
        }
    }
}

fn put_order(bytes: &mut Vec<u8>, line: &ShopLine, names: &mut Spaces) {
    let ShopLine::Order {
        order_id,
        fan,
        intent,
        item,
        slot,
        quantity,
        amount,
        status,
        paid,
        terminal,
        payment,
        created_utc_ns,
        updated_utc_ns,
    } = line
    else {
        return;
    };
    bytes.extend([2, u8::from(*paid), u8::from(*terminal)]);
    names.orders.intern(order_id).put(bytes);
    names.people.intern(fan).put(bytes);
    names.people.intern(intent).put(bytes);
    names.words.intern(item).put(bytes);
    Name::put_some(slot.as_deref().map(|slot| names.words.intern(slot)), bytes);
    put(bytes, (*quantity).into());
    put(bytes, amount.minor());
    names.words.intern(status).put(bytes);
    Name::put_some(payment.as_deref().map(|payment| names.payments.intern(payment)), bytes);
    put(bytes, *created_utc_ns);
    put(bytes, *updated_utc_ns);
}

/// Reads what [`put_shop`] wrote.
pub(super) fn shop<'a>(bytes: &mut &[u8], names: &'a Spaces) -> ShopRow<'a> {
    let words = &names.words;
    match byte(bytes) {
        0 => ShopRow::Stock {
            item: words.word(bytes).text(),
            initial: number(bytes),
            free: signed(bytes),
            held: signed(bytes),
            sold: signed(bytes),
        },
        1 => ShopRow::Slot {
            slot: words.word(bytes).text(),
            sale: words.word(bytes).text(),
            initial: number(bytes),
            free: signed(bytes),
            held: signed(bytes),
            sold: signed(bytes),
        },
        2 => ShopRow::Order(OrderRow {
            paid: byte(bytes) == 1,
            terminal: byte(bytes) == 1,
            order_id: names.orders.word(bytes),
            fan: names.people.word(bytes),
            intent: names.people.word(bytes),
            item: words.word(bytes),
            slot: words.some_word(bytes),
            quantity: small(bytes),
            amount: Amount::new(number(bytes)),
            status: words.word(bytes),
            payment: names.payments.some_word(bytes),
            created_utc_ns: number(bytes),
            updated_utc_ns: number(bytes),
        }),
        3 => ShopRow::Reservation {
            order_id: names.orders.word(bytes),
            item: words.word(bytes).text(),
            slot: words.some_word(bytes).map(Word::text),
            quantity: small(bytes),
            held_until_utc_ns: some(bytes),
        },
        4 => ShopRow::Hold(HoldRow {
            order_id: names.orders.word(bytes),
            item: words.word(bytes).text(),
            slot: words.some_word(bytes).map(Word::text),
            quantity: small(bytes),
            asked_utc_ns: number(bytes),
            taken_utc_ns: number(bytes),
            sold_utc_ns: some(bytes),
            freeing_utc_ns: some(bytes),
            freed_utc_ns: some(bytes),
        }),
        _ => ShopRow::Unit {
            unit: number(bytes),
            name: words.some_word(bytes).map(Word::text),
            item: words.word(bytes),
            state: words.word(bytes).text(),
            order_id: names.orders.some_word(bytes),
        },
    }
}

/// What a line of the provider's ledger is on tape.
pub(super) fn put_payment(bytes: &mut Vec<u8>, line: &PaymentLine, names: &mut Spaces) {
    bytes.extend([line.operation as u8, line.outcome as u8, line.told as u8]);
    bytes.extend([u8::from(line.replayed), u8::from(line.payment.is_some())]);
    put(bytes, line.utc_ns);
    // A key that no payment is called by says nothing, and there are as many as calls.
    let key = if tells_by_key(line.outcome) { line.key.as_str() } else { "" };
    names.payments.intern(line.payment.as_deref().unwrap_or(key)).put(bytes);
    names.people.intern(&line.reference).put(bytes);
    names.people.intern(&line.intent).put(bytes);
    put(bytes, line.amount.minor());
}

/// Whether a payment without a name that this happened to is called by the key of the call.
const fn tells_by_key(outcome: PaymentOutcome) -> bool {
    matches!(
        outcome,
        PaymentOutcome::Authorized
            | PaymentOutcome::Captured
            | PaymentOutcome::Voided
            | PaymentOutcome::Refunded
            | PaymentOutcome::Challenged
            | PaymentOutcome::LockTimeout
    )
}

/// Reads what [`put_payment`] wrote.
pub(super) fn payment<'a>(bytes: &mut &[u8], names: &'a Spaces) -> PaymentRow<'a> {
    let operation = PaymentOperation::ALL[usize::from(byte(bytes))];
    let outcome = PaymentOutcome::ALL[usize::from(byte(bytes))];
    let told = PaymentOutcome::ALL[usize::from(byte(bytes))];
    PaymentRow {
        operation,
        outcome,
        told,
        replayed: byte(bytes) == 1,
        named: byte(bytes) == 1,
        utc_ns: number(bytes),
        id: names.payments.word(bytes),
        reference: names.people.word(bytes),
        intent: names.people.word(bytes),
        amount: Amount::new(number(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_at_its_number() {
        let found = |places: Vec<usize>| places.into_iter().enumerate().all(|(at, it)| at == it);
        assert!(found(Operation::ALL.map(|word| word as usize).to_vec()));
        assert!(found(Outcome::ALL.map(|word| word as usize).to_vec()));
        assert!(found(Departure::ALL.map(|word| word as usize).to_vec()));
        assert!(found(PaymentOperation::ALL.map(|word| word as usize).to_vec()));
        assert!(found(PaymentOutcome::ALL.map(|word| word as usize).to_vec()));
    }
}
