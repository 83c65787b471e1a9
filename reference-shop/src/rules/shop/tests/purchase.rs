//! What becomes of a purchase: sold, sold out, refused, unknown, swept; now and from a queue.

use super::*;

#[test]
fn a_purchase_is_authorized_reserved_captured_and_sold() {
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let mut world = world(saga, &[]);
        let reply = world.bought(checkout(1, 0, 2));
        assert_eq!(reply, ShopReply { order: Some(OrderId(1)), ..ShopReply::of(Outcome::Ok) });
        assert_eq!(world.bank.calls, ["0-1-0-authorize", "0-1-0-capture"]);
        assert_eq!(world.pieces(), (8, 0, 2));
        assert_eq!(world.status(1), OrderStatus::Captured);
        assert_eq!(world.pending(), 0);
    }
}

#[test]
fn what_is_sold_out_is_voided_after_the_answer() {
    let moods = [WELL, WELL, WELL, (Mood::Well, 5_000)];
    let mut world = world_of(settings(1, 10), Saga::AuthorizeFirst, &[], &moods);
    let first = world.buy(checkout(1, 0, 1));
    world.pass(5);
    let second = world.buy(checkout(2, 0, 1));
    world.pass(1);
    assert_eq!(world.answers[&first].outcome, Outcome::Ok);
    let reply = &world.answers[&second];
    assert_eq!((reply.outcome, reply.short), (Outcome::SoldOut, Some(Short::Item)));
    assert_eq!(world.pending(), 1);
    world.pass(10);
    assert_eq!(world.bank.count("0-2", Money::LetGo), 1);
    assert_eq!(world.status(2), OrderStatus::Voided);
    assert_eq!(world.pending(), 0);
}

#[test]
fn item_and_slot_are_taken_together_or_not_at_all() {
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let mut world = world_of(settings(10, 1), saga, &[], &[]);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
        assert_eq!(world.bought(checkout(2, 0, 1)).short, Some(Short::Slot));
        assert_eq!(world.pieces(), (9, 0, 1));
    }
}

#[test]
fn a_refused_capture_frees_the_stock_and_voids() {
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let mut world = world(saga, &[WELL, (Mood::Limit(Some(3)), 20), WELL]);
        let reply = world.bought(checkout(1, 0, 2));
        assert_eq!((reply.outcome, reply.retry_after_s), (Outcome::RateLimited, Some(3)));
        assert_eq!(world.pieces(), (10, 0, 0));
        assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
        assert_eq!(world.status(1), OrderStatus::Voided);
    }
}

#[test]
fn a_refused_void_is_made_again_as_often_as_was_set_and_then_orphans() {
    for (retries, left) in [(0, Money::Reserved), (1, Money::Reserved), (2, Money::LetGo)] {
        let mut settings = settings(10, 10);
        settings.shop.void_retries = retries;
        let moods = [WELL, LIMIT, LIMIT, LIMIT, WELL];
        let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &moods);
        world.bought(checkout(1, 0, 1));
        assert_eq!(world.bank.count("0-1", left), 1, "{retries} retries");
        assert_eq!(world.status(1), OrderStatus::Voided);
        assert_eq!(world.pending(), 0);
    }
}

/// A 5xx may be kept under the key of a void for ever: letting go twice is letting go once.
#[test]
fn a_void_that_stays_unknown_goes_out_under_a_new_key() {
    let moods = [WELL, LIMIT, LOST, SILENT, WELL];
    let mut world = world(Saga::AuthorizeFirst, &moods);
    world.buy(checkout(1, 0, 1));
    world.pass(60);
    let voids = ["0-1-0-void", "0-1-0-void-again-1", "0-1-0-void-again-2"];
    assert_eq!(world.bank.calls[2..], voids);
    assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
    assert_eq!((world.status(1), world.pending()), (OrderStatus::Voided, 0));
}

/// The answer to a capture is kept under its key, so the shop asks where the payment stands.
#[test]
fn a_capture_that_fails_for_ever_is_looked_for() {
    for (capture, outcome) in [(Mood::Fail, Outcome::Ok), (Mood::Lost, Outcome::Error)] {
        let mut moods = vec![WELL];
        moods.extend([(capture, 5); 4]);
        let mut world = world(Saga::AuthorizeFirst, &moods);
        let ticket = world.buy(checkout(1, 0, 1));
        world.pass(60);
        assert_eq!(world.answers[&ticket].outcome, outcome);
        assert_eq!(world.bank.calls[5], "0-1-0-retrieve");
        let left = if outcome == Outcome::Ok { Money::Taken } else { Money::LetGo };
        assert_eq!(world.bank.count("0-1", left), 1);
        assert_eq!(world.pending(), 0);
    }
}

#[test]
fn a_refusal_is_not_remembered_under_the_key() {
    let mut world = world(Saga::AuthorizeFirst, &[WELL, LIMIT, WELL, LIMIT, WELL, WELL]);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::RateLimited);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::RateLimited);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
    assert_eq!(
        world.bank.calls[3..],
        ["0-1-0-authorize-2", "0-1-0-authorize-2", "0-1-0-capture-2"]
    );
    assert_eq!(world.bank.count("0-1", Money::Taken), 1);
    assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
}

#[test]
fn the_same_key_joins_its_order() {
    let mut world = world(Saga::AuthorizeFirst, &[]);
    let first = world.buy(checkout(1, 0, 1));
    let again = world.buy(checkout(1, 0, 1));
    world.pass(1);
    let waiting = &world.answers[&again];
    assert_eq!((waiting.outcome, waiting.retry_after_s), (Outcome::Waiting, Some(1)));
    assert_eq!(waiting.order, Some(OrderId(1)));
    world.pass(10);
    let late = world.bought(checkout(1, 0, 1));
    let polled = world.ask(ShopRequest::Order { key: "0-1-0".to_owned() });
    world.pass(1);
    assert_eq!(late, world.answers[&first]);
    assert_eq!(world.answers[&polled], world.answers[&first]);
    assert_eq!(world.pieces(), (9, 0, 1));
}

#[test]
fn another_card_is_another_purchase_until_one_is_paid() {
    let mut world = world(Saga::ReserveFirst, &[(Mood::Decline, 100)]);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
    assert_eq!(world.bought(checkout(1, 1, 1)).outcome, Outcome::Ok);
    assert_eq!(world.bought(checkout(1, 2, 1)).outcome, Outcome::Rejected);
    assert_eq!(world.pieces(), (9, 0, 1));
    assert_eq!(world.status(1), OrderStatus::Declined);
}

#[test]
fn the_limit_per_fan_counts_what_is_paid() {
    let mut world = world(Saga::AuthorizeFirst, &[]);
    let other = Checkout { intent: "another-intent".to_owned(), ..checkout(1, 1, 2) };
    assert_eq!(world.bought(checkout(1, 0, 3)).outcome, Outcome::Ok);
    assert_eq!(world.bought(other).outcome, Outcome::Rejected);
    assert_eq!(world.bought(checkout(2, 0, 5)).outcome, Outcome::Rejected);
    assert_eq!(world.bought(checkout(2, 0, 0)).outcome, Outcome::Rejected);
}

#[test]
fn silence_is_asked_again_under_the_same_key() {
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let moods = [SILENT, LOST, WELL, SILENT, (Mood::Fail, 5), LIMIT, WELL];
        let mut world = world(saga, &moods);
        let ticket = world.buy(checkout(1, 0, 1));
        world.pass(60);
        assert_eq!(world.answers[&ticket].outcome, Outcome::Ok);
        assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
        assert_eq!(world.bank.calls.len(), 7);
    }
}

#[test]
fn an_authorization_that_stays_unknown_is_found_by_the_next_try() {
    let mut world = world(Saga::ReserveFirst, &[SILENT, LOST, LOST, LOST]);
    let ticket = world.buy(checkout(1, 0, 1));
    world.pass(60);
    assert_eq!(world.answers[&ticket].outcome, Outcome::Error);
    assert_eq!((world.status(1), world.pieces()), (OrderStatus::Failed, (10, 0, 0)));
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
    assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
}

#[test]
fn a_capture_that_stays_unknown_keeps_its_stock_until_a_void_resolves_it() {
    for (first, outcome, sold) in [(SILENT, Outcome::Ok, 1), (LOST, Outcome::Error, 0)] {
        let mut moods = vec![WELL, first];
        moods.extend([LOST; 13]);
        let mut world = world(Saga::ReserveFirst, &moods);
        let ticket = world.buy(checkout(1, 0, 1));
        world.pass(300);
        assert_eq!(world.pieces(), (9, 1, 0));
        world.pass(300);
        assert_eq!(world.answers[&ticket].outcome, outcome);
        assert_eq!(world.pieces(), (10 - sold, 0, sold));
        assert_eq!(world.bank.count("0-1", Money::Reserved), 0);
        assert_eq!(world.pending(), 0);
    }
}

#[test]
fn the_sweeper_frees_what_was_not_paid_in_time_and_late_money_is_let_go() {
    let mut settings = settings(1, 1);
    settings.shop.reservation.ttl = Span(Duration::from_secs(2));
    let moods = [(Mood::Well, 6_000)];
    let mut world = world_of(settings, Saga::ReserveFirst, &[], &moods);
    let slow = world.buy(checkout(1, 0, 1));
    world.pass(4);
    assert_eq!(world.answers[&slow].outcome, Outcome::Error);
    assert_eq!(world.pieces(), (1, 0, 0));
    assert_eq!(world.bought(checkout(2, 0, 1)).outcome, Outcome::Ok);
    assert_eq!(world.bank.count("0-1", Money::LetGo), 1);
    assert_eq!((world.status(1), world.status(2)), (OrderStatus::Voided, OrderStatus::Captured));
}

#[test]
fn what_is_being_captured_is_not_swept() {
    let mut settings = settings(1, 1);
    settings.shop.reservation.ttl = Span(Duration::from_secs(2));
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let moods = [(Mood::Well, 500), (Mood::Well, 9_000)];
        let mut world = world_of(settings.clone(), saga, &[], &moods);
        let slow = world.buy(checkout(1, 0, 1));
        world.pass(5);
        assert_eq!(world.pieces(), (0, 1, 0));
        world.pass(15);
        assert_eq!(world.answers[&slow].outcome, Outcome::Ok);
        assert_eq!(world.pieces(), (0, 0, 1));
    }
}

#[test]
fn a_queued_capture_is_made_after_the_answer_and_until_it_is_answered() {
    let mut moods = vec![WELL];
    moods.extend([LIMIT; 8]);
    let mut world = world(Saga::CaptureQueue, &moods);
    let ticket = world.buy(checkout(1, 0, 2));
    world.pass(2);
    assert_eq!(world.answers[&ticket].outcome, Outcome::Ok);
    assert_eq!((world.pieces(), world.pending()), ((8, 2, 0), 1));
    world.pass(200);
    assert_eq!(world.status(1), OrderStatus::Captured);
    assert_eq!((world.pieces(), world.pending()), ((8, 0, 2), 0));
    assert_eq!(world.bank.calls.len(), 10);
}

#[test]
fn a_refused_capture_is_made_again_as_often_as_the_shop_has_patience() {
    for (retries, outcome) in [(1, Outcome::RateLimited), (2, Outcome::Ok)] {
        let mut settings = settings(10, 10);
        settings.shop.capture_retries = retries;
        let moods = [WELL, LIMIT, LIMIT];
        let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &moods);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, outcome);
    }
}

#[test]
fn what_no_customer_waits_for_is_called_at_the_workers_pace() {
    let mut settings = settings(10, 10);
    settings.shop.worker = Some(Worker { calls_per_second: 0.5 });
    let mut world = world_of(settings, Saga::CaptureQueue, &[], &[]);
    let tickets = [1, 2, 3].map(|fan| world.buy(checkout(fan, 0, 1)));
    world.pass(1);
    assert!(tickets.iter().all(|ticket| world.answers[ticket].outcome == Outcome::Ok));
    let mut captured = Vec::new();
    for _ in 0..3 {
        captured.push(world.pieces().2);
        world.pass(2);
    }
    captured.push(world.pieces().2);
    assert_eq!(captured, [0, 1, 2, 3]);
}
