//! The ledger as its writers and readers meet it.

use std::pin::pin;

use axum::body::Bytes;
use domain::money::Amount;
use domain::provider::{PaymentOperation, PaymentOutcome};
use futures_util::stream::{Stream, StreamExt};
use rusqlite::Connection;

use super::*;

fn line(number: u64) -> PaymentLine {
    PaymentLine {
        utc_ns: number,
        payment: number.is_multiple_of(2).then(|| number.to_string()),
        reference: "注文417".to_owned(),
        intent: format!("0-{number}"),
        operation: PaymentOperation::Authorize,
        outcome: PaymentOutcome::Authorized,
        told: PaymentOutcome::Silence,
        amount: Amount::new(4_500),
        key: "0-417-0".to_owned(),
        replayed: number.is_multiple_of(3),
    }
}

fn lines(numbers: std::ops::Range<u64>) -> Vec<PaymentLine> {
    numbers.map(line).collect()
}

async fn read(reading: &Reading, after: u64) -> Vec<u8> {
    let (_, pieces) = reading.after(after, Follow::UntilHere).await.unwrap();
    collect(pieces).await
}

async fn collect(pieces: impl Stream<Item = io::Result<Bytes>>) -> Vec<u8> {
    let mut pieces = pin!(pieces);
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        all.extend(piece.unwrap());
    }
    all
}

fn parsed(text: &[u8]) -> Vec<PaymentLine> {
    let (last, whole) = text.split_last().expect("there are lines");
    assert_eq!(*last, b'\n', "only whole lines are read");
    whole.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// The rows of a database, in the order of their lines.
fn rows(path: &Path) -> Vec<PaymentLine> {
    let connection = Connection::open(path).unwrap();
    let fields = "'utc_ns', utc_ns, 'payment', payment, 'reference', reference, 'intent', intent, \
                  'operation', operation, 'outcome', outcome, 'told', told, 'amount', amount, \
                  'key', key, 'replayed', json(iif(replayed, 'true', 'false'))";
    let query = format!("select json_object({fields}) from payments order by line");
    let mut statement = connection.prepare(&query).unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts.map(|text| serde_json::from_str(&text.unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_reader_who_comes_again_and_again_gets_every_line_once() {
    let mut ledger = Ledger::open(None).unwrap();
    let reading = ledger.reading();
    let mut seen = Vec::new();
    // 20,000 lines are many pieces; the reader comes at odd places of them.
    for number in 0..20_000 {
        ledger.append(&[line(number)]).unwrap();
        if number % 777 == 0 {
            seen.extend(read(&reading, seen.len() as u64).await);
        }
    }
    seen.extend(read(&reading, seen.len() as u64).await);
    assert_eq!(read(&reading, seen.len() as u64).await, b"");
    assert_eq!(parsed(&seen), lines(0..20_000));
    assert_eq!(read(&reading, 0).await, seen);
}

#[tokio::test]
async fn a_decision_may_have_any_number_of_lines() {
    let mut ledger = Ledger::open(None).unwrap();
    let reading = ledger.reading();
    let nothing = ledger.append(&[]).unwrap();
    assert!(reading.has(nothing));
    // More than is written at once.
    let receipt = ledger.append(&lines(0..5_000)).unwrap();
    assert!(reading.has(receipt));
    assert_eq!(reading.stand().lines, 5_000);
    assert_eq!(parsed(&read(&reading, 0).await), lines(0..5_000));
}

#[tokio::test]
async fn who_follows_reads_lines_as_they_are_written_and_ends_with_the_ledger() {
    let mut ledger = Ledger::open(None).unwrap();
    ledger.append(&[line(0)]).unwrap();
    let (_, pieces) = ledger.reading().after(0, Follow::ToTheEnd).await.unwrap();
    let mut pieces = pin!(pieces);
    for number in 0..3 {
        let piece = pieces.next().await.unwrap().unwrap();
        assert_eq!(parsed(&piece), [line(number)]);
        ledger.append(&[line(number + 1)]).unwrap();
    }
    ledger.close()().unwrap();
    assert_eq!(parsed(&collect(pieces).await), [line(3)]);
}

#[tokio::test]
async fn nobody_reads_from_within_a_line_or_beyond_the_end() {
    let mut ledger = Ledger::open(None).unwrap();
    ledger.append(&lines(0..2)).unwrap();
    let reading = ledger.reading();
    let bytes = reading.stand().bytes;
    for (after, part) in [(3, "no line begins there"), (bytes + 1, "the ledger has")] {
        let error = reading.after(after, Follow::UntilHere).await.err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_full_ledger_takes_no_more() {
    let mut ledger = Ledger { bytes_max: 1_000, ..Ledger::open(None).unwrap() };
    let mut number = 0;
    while ledger.has_room().is_ok() {
        ledger.append(&[line(number)]).unwrap();
        number += 1;
    }
    assert!((2..10).contains(&number), "{number}");
    assert_eq!(ledger.append(&[line(number)]), Err(LedgerError::Full));
    assert_eq!(LedgerError::Full.code(), "ledger_full");
    assert_eq!(parsed(&read(&ledger.reading(), 0).await), lines(0..number));
}

#[test]
fn a_ledger_of_another_run_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    for (ledger, held) in
        [("a.jsonl", "a.jsonl"), ("b.db", "b.db"), ("c.SQLite", "c.SQLite"), ("d.db", "d.db-wal")]
    {
        let held = folder.path().join(held);
        std::fs::write(&held, "{}\n").unwrap();
        let message = Ledger::open(Some(&folder.path().join(ledger))).unwrap_err().to_string();
        assert!(message.contains("already holds 3 bytes of another run"), "{message}");
        assert_eq!(std::fs::read_to_string(&held).unwrap(), "{}\n");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_turns_every_call_away() {
    let mut ledger = Ledger::open(Some(Path::new("/dev/full"))).unwrap();
    assert_eq!(ledger.append(&[line(0)]), Err(LedgerError::DiskFull));
    assert_eq!(ledger.append(&[line(1)]), Err(LedgerError::DiskFull));
    assert_eq!(ledger.reading().stand().bytes, 0, "nothing stands");
    let closed = ledger.close()();
    assert!(matches!(closed, Err(LedgerFileError::Write { .. })), "{closed:?}");
}

#[tokio::test]
async fn a_database_holds_what_the_json_lines_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut ledger = Ledger::open(Some(&path)).unwrap();
    let reading = ledger.reading();
    for number in 0..100 {
        let receipt = ledger.append(&lines(number * 10..number * 10 + 10)).unwrap();
        reading.wait_for(receipt).await.unwrap();
        // Somebody else reads it meanwhile.
        assert_eq!(rows(&path).len() as u64, number * 10 + 10);
    }
    assert_eq!(parsed(&read(&reading, 0).await), lines(0..1_000));
    ledger.close()().unwrap();
    assert_eq!(rows(&path), lines(0..1_000));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "the file holds everything alone: {names:?}");
}

#[test]
fn what_was_handed_over_stands_when_the_ledger_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite3");
    let mut ledger = Ledger::open(Some(&path)).unwrap();
    for number in 0..5_000 {
        ledger.append(&[line(number)]).unwrap();
    }
    let finish = ledger.close();
    assert_eq!(ledger.append(&[line(5_000)]), Err(LedgerError::Closed));
    finish().unwrap();
    assert_eq!(ledger.reading().stand().lines, 5_000);
    assert_eq!(rows(&path), lines(0..5_000));
}

#[tokio::test]
async fn a_database_that_refuses_turns_calls_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut ledger = Ledger::open(Some(&path)).unwrap();
    let reading = ledger.reading();
    let first = ledger.append(&[line(0)]).unwrap();
    reading.wait_for(first).await.unwrap();
    Connection::open(&path).unwrap().execute_batch("drop table payments").unwrap();
    let second = ledger.append(&[line(1)]).unwrap();
    assert_eq!(reading.wait_for(second).await, Err(LedgerError::Unwritable));
    assert_eq!(ledger.has_room(), Err(LedgerError::Unwritable));
    assert_eq!(parsed(&read(&reading, 0).await), [line(0)]);
    let closed = ledger.close()();
    assert!(matches!(closed, Err(LedgerFileError::Commit { .. })), "{closed:?}");
}

#[test]
fn the_table_has_a_column_for_each_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    Ledger::open(Some(&path)).unwrap().close()().unwrap();
    let connection = Connection::open(&path).unwrap();
    let names = |query: &str| -> Vec<String> {
        let mut statement = connection.prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let columns = names("select name from pragma_table_info('payments') order by name");
    let fields = serde_json::to_value(line(0)).unwrap();
    let mut fields: Vec<_> = fields.as_object().unwrap().keys().cloned().collect();
    fields.push("line".to_owned());
    fields.sort();
    assert_eq!(columns, fields);
    for column in ["intent", "payment"] {
        let query = format!("explain query plan select * from payments where {column} = 'x'");
        let plan: String = connection.query_row(&query, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING INDEX"), "{plan}");
    }
}

#[test]
fn an_export_is_the_ledger_as_a_database() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ledger.jsonl", "ledger.db"] {
        let path = folder.path().join(name);
        let mut ledger = Ledger::open(Some(&path)).unwrap();
        ledger.append(&lines(0..3_000)).unwrap();
        ledger.close()().unwrap();
        let (mut file, bytes) = ledger.reading().export().unwrap();
        let copy = folder.path().join(format!("{name}-export.db"));
        let copied = io::copy(&mut file, &mut std::fs::File::create(&copy).unwrap()).unwrap();
        assert_eq!(copied, bytes);
        assert_eq!(rows(&copy), lines(0..3_000));
    }
}
