//! The bucket in Redis, where this machine has it (`./test` sees to it).

use super::*;

fn settings(calls_per_second: f64, burst: f64) -> Admission {
    Admission {
        calls_per_second: Some(calls_per_second),
        headroom: Some(0.0),
        burst: Some(burst),
        by: AdmissionBy::OwnRedis,
        ..Admission::default()
    }
}

fn toll(tokens: i32) -> Toll {
    Toll { lane: 0, tokens }
}

async fn open(settings: &Admission) -> (Gate, Redis) {
    let (gate, own) = Gate::open(settings, "spike", 1).await.unwrap();
    (gate.unwrap(), own.unwrap())
}

/// A rate so low that nothing comes in while a test runs.
const NEVER: f64 = 1e-6;

#[tokio::test]
async fn no_two_shops_take_the_same_token() {
    let (gate, _redis) = open(&settings(NEVER, 50.0)).await;
    let asks = (0..200).map(|_| {
        let gate = gate.clone();
        tokio::spawn(async move { gate.ask(toll(2)).await.unwrap() })
    });
    let asks: Vec<_> = asks.collect();
    let mut passed = 0;
    for ask in asks {
        passed += u32::from(ask.await.unwrap());
    }
    assert_eq!(passed, 25);
}

#[tokio::test]
async fn what_is_called_beside_is_missing_and_what_comes_back_is_there() {
    let (gate, _redis) = open(&settings(NEVER, 10.0)).await;
    gate.settle(toll(9)).await;
    assert_eq!(gate.ask(toll(2)).await, Some(false));
    // More was called than there was.
    gate.settle(toll(4)).await;
    gate.settle(toll(-4)).await;
    assert_eq!(gate.ask(toll(2)).await, Some(false));
    gate.settle(toll(-1)).await;
    assert_eq!(gate.ask(toll(2)).await, Some(true));
    // A bucket never holds more than it can.
    gate.settle(toll(-100)).await;
    let mut passed = 0;
    while gate.ask(toll(2)).await == Some(true) {
        passed += 1;
    }
    assert_eq!(passed, 5);
}

#[tokio::test]
async fn each_lane_and_each_run_has_a_bucket_of_its_own() {
    let (gate, _redis) = open(&settings(NEVER, 2.0)).await;
    assert_eq!(gate.ask(toll(2)).await, Some(true));
    assert_eq!(gate.ask(toll(2)).await, Some(false));
    assert_eq!(gate.ask(Toll { lane: 1, tokens: 2 }).await, Some(true));
    let later = Gate { prefix: "spike:2:spike".into(), ..gate.clone() };
    assert_eq!(later.ask(toll(2)).await, Some(true));
}

#[tokio::test]
async fn tokens_come_back_with_time_by_the_servers_own_clock() {
    let (gate, _redis) = open(&settings(1_000.0, 2.0)).await;
    assert_eq!(gate.ask(toll(2)).await, Some(true));
    while gate.ask(toll(2)).await != Some(true) {}
}

#[tokio::test]
async fn a_server_that_is_gone_lets_nobody_through() {
    let (gate, redis) = open(&settings(NEVER, 2.0)).await;
    drop(redis);
    assert_eq!(gate.ask(toll(2)).await, None);
    assert!(gate.lost.load(Ordering::Relaxed));
}

#[tokio::test]
async fn who_shall_keep_the_gate_must_be_there_at_the_start() {
    let by = AdmissionBy::Redis("redis://127.0.0.1:1".to_owned());
    let error = Gate::open(&Admission { by, ..settings(1.0, 2.0) }, "spike", 1).await.unwrap_err();
    assert!(format!("{error:#}").contains("127.0.0.1:1"), "{error:#}");
}
