//! The shared provider as calls meet it, without HTTP.

use domain::law::Law;
use domain::money::Amount;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use futures_util::FutureExt;

use super::*;
use crate::settings::{Algorithm, Latency, Overrides, Scope};

/// One call is admitted; nothing takes time.
fn settings() -> Settings {
    let limit = Limit {
        scope: Scope::Global,
        algorithm: Algorithm::TokenBucket,
        rate: Some(1e-6),
        burst: Some(1.0),
        ..Limit::default()
    };
    let settings = Overrides { declines: Some(0.0), ..Overrides::default() }.resolve(7).unwrap();
    let at_once = Law::default();
    Settings { limits: vec![limit], latency: Latency::every(at_once), ..settings }
}

fn strict() -> Shared {
    Shared::new(Clock::new(None), settings(), Ledger::open(None).unwrap())
}

fn authorize(number: u64) -> PaymentRequest {
    PaymentRequest {
        account: "shop".to_owned(),
        reference: format!("0-{number}"),
        key: format!("0-{number}-0"),
        call: Call::Authorize { amount: Amount::new(4_500), card: 0 },
    }
}

/// Calls, and waits until the answer leaves.
async fn answer(shared: &Shared, request: &PaymentRequest) -> Result<Decision, LedgerError> {
    let called = shared.decide(&Request::from(request))?;
    shared.answer_is_due(&called).await?;
    Ok(*shared.leave(called))
}

#[tokio::test]
async fn what_may_be_told_stands_in_the_ledger() {
    let shared = strict();
    for number in 0..10 {
        answer(&shared, &authorize(number)).await.unwrap();
        assert_eq!(shared.reading().stand().lines, number + 1);
    }
}

#[tokio::test]
async fn nothing_is_told_before_the_database_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(Some(&path)).unwrap();
    let shared = Shared::new(Clock::new(None), settings(), ledger);
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("begin immediate").unwrap();
    assert_eq!(answer(&shared, &authorize(0)).now_or_never(), None);
    assert_eq!(shared.reading().stand().lines, 0);
    foreign.execute_batch("rollback").unwrap();
    answer(&shared, &authorize(1)).await.unwrap();
    let count = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
    let rows = foreign.query_row("select count(*) from payments", [], count).unwrap();
    assert_eq!((u64::from(rows), shared.reading().stand().lines), (2, 2));
}

#[tokio::test]
async fn a_closed_provider_decides_nothing() {
    let shared = strict();
    shared.close()().unwrap();
    assert_eq!(answer(&shared, &authorize(0)).await, Err(LedgerError::Closed));
    assert_eq!(shared.counts().calls, 0);
}

/// Runs the test below in a process of its own, whose memory nobody else uses.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_refused_calls() {
    let name = "server::shared::tests::refused_calls_in_a_process_of_their_own";
    let program = std::env::current_exe().unwrap();
    let words = ["--exact", name, "--ignored", "--nocapture"];
    let output = std::process::Command::new(program).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{complaint}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "it is run by the test above, alone in its process"]
async fn refused_calls_in_a_process_of_their_own() {
    let shared = strict();
    let refuse = async |numbers: std::ops::Range<u64>| {
        for number in numbers {
            let reply = answer(&shared, &authorize(number)).await.unwrap().payment_reply();
            assert!(matches!(reply, Some(PaymentReply::RateLimited { .. })), "{reply:?}");
        }
    };
    answer(&shared, &authorize(0)).await.unwrap();
    refuse(1..20_000).await;
    let before = resident_bytes();
    refuse(20_000..220_000).await;
    let growth = resident_bytes().saturating_sub(before);
    assert_eq!(shared.reading().stand().lines, 220_000);
    // Their lines are some 45 MB.
    assert!(shared.reading().stand().bytes > 40_000_000);
    assert!(growth < 4_000_000, "{growth} bytes more are resident");
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}
