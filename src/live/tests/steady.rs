//! What a load loop allocates once it runs: nothing per request.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::live::arrivals::{Arrivals, Share};
use crate::live::load::LoadLoop;

/// What one loop allocates, and how many requests its fans make, when the shop turns them away
/// after `many` requests. Only the loop's own thread is counted, not the shop's.
fn allocations(many: usize) -> (u64, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let shop = open(move |asked| {
        let is_over = counted.fetch_add(1, Ordering::SeqCst) >= many;
        let outcome = if is_over { Outcome::Rejected } else { Outcome::NotOpen };
        let is_status = asked.line.ends_with("/status");
        is_status
            .then(|| Deed::Answer(json(&ShopReply { items: Some(1), ..ShopReply::of(outcome) })))
    });
    let trial = Trial { fans: 8, closes: Time::from_millis(3_600_000), ..Trial::default() };
    let mut scenario = trial.scenario();
    scenario.populations[0].crowd.behaviour.reload.gap = Law::Constant(Duration::from_millis(1));
    let settings = Settings {
        clock: Clock::begin_in(Duration::ZERO),
        run: String::new(),
        threads: 1,
        connections: Connections::PerFan,
        wire: Wire::default(),
        pacing: Pacing::Precise,
        keep_awake: false,
        sources: Vec::new(),
        processes: None,
        limits: Limits::default(),
        drain: Duration::ZERO,
        transcript: None,
        visits: None,
    };
    let target = Target {
        shop: shop.address,
        host: "shop.test".to_owned(),
        provider: None,
        certificate: None,
        abroad: None,
    };
    let dialer = Dialer::new(&target, settings.wire, &settings.sources).unwrap();
    let course = course(&scenario, &settings, &target, dialer, &Stop::default());
    let (reports, reported) = mpsc::channel();
    let allocated = allocation_counter::measure(|| {
        let arrivals = Arrivals::of(&scenario, Share { place: 0, of: 1 });
        LoadLoop::new(&course, 0, arrivals, None, reports).unwrap().run().unwrap();
    });
    drop(reported);
    (allocated.count_total, asked.load(Ordering::SeqCst))
}

#[test]
fn in_the_steady_state_a_request_allocates_nothing() {
    let (few, few_requests) = allocations(2_000);
    let (many, many_requests) = allocations(12_000);
    let (more, requests) = (many.saturating_sub(few), many_requests - few_requests);
    assert!(few > 0, "the counter counts: a loop's beginning allocates");
    assert!(requests >= 9_000, "{requests}");
    // What is left is what each second costs, however many its requests are.
    assert!(more * 100 < requests as u64, "{more} allocations in {requests} requests");
}
