//! Whatever happens: each ticket is answered, each order ends, and the books agree.

use super::*;

fn cardholder() -> impl Strategy<Value = Cardholder> {
    prop_oneof![
        2 => (0_u64..90_000).prop_map(Cardholder::Passes),
        1 => (0_u64..90_000).prop_map(Cardholder::Fails),
        1 => Just(Cardholder::NeverAnswers),
    ]
}

fn mood() -> impl Strategy<Value = (Mood, u64)> {
    let mood = prop_oneof![
        6 => Just(Mood::Well),
        1 => Just(Mood::Limit(None)),
        1 => Just(Mood::Decline),
        1 => Just(Mood::Silent),
        1 => Just(Mood::Lost),
        1 => Just(Mood::Fail),
        2 => cardholder().prop_map(Mood::Challenge),
    ];
    (mood, 0_u64..12_000)
}

/// What the history of holds says of item 0 in the end: pieces held and sold.
fn told_pieces(world: &World) -> (i64, i64) {
    let of = |fits: fn(&HoldEnd) -> bool| {
        let holds = world.shop.holds().iter().filter(|hold| fits(&hold.end));
        holds.map(|hold| i64::from(hold.quantity)).sum()
    };
    let held = of(|end| *end == HoldEnd::Held);
    (held, of(|end| matches!(end, HoldEnd::Sold { .. })))
}

/// The first moment at which fewer pieces of item 0 were free than the history of holds says
/// there were at the least: never, or the history is not to be trusted.
fn history_is_too_generous_at(world: &World, stock: i64) -> Option<Time> {
    let too_generous = |(at, free): &&(Time, i64)| {
        let mut least = stock;
        for hold in world.shop.holds() {
            let is_free = matches!(hold.end, HoldEnd::Freed { at: freed, .. } if freed <= *at);
            if hold.asked <= *at && !is_free {
                least -= i64::from(hold.quantity);
            }
        }
        least > *free
    };
    world.free.iter().find(too_generous).map(|(at, _)| *at)
}

proptest! {
    #[test]
    fn every_ticket_is_answered_and_every_order_ends(
        reserve_first in any::<bool>(),
        naive in any::<bool>(),
        gate in prop::option::of(1.0..5.0_f64),
        ttl_ms in 1_u64..15_000,
        void_retries in 0_u32..3,
        challenge_s in 1_u64..90,
        moods in prop::collection::vec(mood(), 0..120),
        stock_ms in prop::collection::vec(0_u64..3_000, 0..7),
        asks in prop::collection::vec((0_u64..60_000, 0_u32..6, 0_u32..2, 1_u32..3), 1..40),
    ) {
        let mut settings = gate.map_or_else(|| settings(6, 5), |rate| gated(6, rate));
        settings.shop.reservation.ttl = Span(Duration::from_millis(ttl_ms));
        settings.shop.void_retries = void_retries;
        settings.shop.challenge_timeout = Span(Duration::from_secs(challenge_s));
        settings.shop.inventory =
            if naive { Inventory::NaiveCounter } else { Inventory::UnitRows };
        let saga = if reserve_first { Saga::ReserveFirst } else { Saga::AuthorizeFirst };
        let mut world = world_of(settings, saga, &[], &moods);
        world.stock_ms = stock_ms;
        let mut tickets = Vec::new();
        for (after_ms, fan, n, quantity) in asks {
            let at = Time::from_millis(10_000 + after_ms);
            let order = checkout(fan, n, quantity);
            let key = order.key.clone();
            tickets.push(world.ask_at(at, ShopRequest::Checkout(order)));
            tickets.push(world.ask_at(at + Duration::from_secs(30), ShopRequest::Order { key }));
        }
        world.pass(5_000);

        prop_assert_eq!(world.pending(), 0);
        prop_assert_eq!(world.answers.len(), tickets.len());
        let (free, held, sold) = world.pieces();
        prop_assert_eq!((free + sold, held), (6, 0));
        prop_assert_eq!(told_pieces(&world), (0, sold));
        prop_assert_eq!(history_is_too_generous_at(&world, 6), None);
        prop_assert!(naive || free >= 0);
        prop_assert!(world.rows.values().all(|row| row.status.is_terminal()));
        for fan in 0..6 {
            let intent = format!("0-{fan}");
            let paid: Vec<_> = world
                .rows
                .values()
                .filter(|row| row.checkout.intent == intent && row.status.is_paid())
                .collect();
            prop_assert!(world.bank.count(&intent, Money::Taken) <= 1);
            prop_assert_eq!(world.bank.count(&intent, Money::Taken), paid.len());
        }
        let paid = world.rows.values().filter(|row| row.status.is_paid());
        let pieces: u32 = paid.map(|row| row.checkout.quantity).sum();
        prop_assert_eq!(i64::from(pieces), sold);
    }
}
