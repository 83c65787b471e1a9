//! A gate in front of the checkouts, the shop's own and one that somebody else keeps.

use super::*;

#[test]
fn without_a_token_one_waits_and_either_a_knock_or_a_poll_gets_in() {
    let mut world = world_of(gated(10, 2.0), Saga::AuthorizeFirst, &[], &[]);
    let first = [1, 2].map(|fan| world.buy(checkout(fan, 0, 1)));
    let refused = [3, 4].map(|fan| world.buy(checkout(fan, 0, 1)));
    world.pass(10);
    for ticket in refused {
        assert_eq!(world.answers[&ticket].outcome, Outcome::Waiting);
        assert!(world.answers[&ticket].retry_after_s >= Some(1));
    }
    let knock = world.buy(checkout(3, 0, 1));
    let poll = world.ask(ShopRequest::Order { key: "0-4-0".to_owned() });
    world.pass(10);
    for ticket in [first[0], first[1], knock, poll] {
        assert_eq!(world.answers[&ticket].outcome, Outcome::Ok);
    }
}

/// A gate that somebody else keeps, which says this.
fn kept_elsewhere(says: &[Option<bool>], saga: Saga, moods: &[(Mood, u64)]) -> World {
    let mut settings = settings(10, 100);
    settings.shop.admission =
        Some(Gate { calls_per_second: Some(100.0), by: AdmissionBy::OwnRedis, ..Gate::default() });
    let mut world = world_of(settings, saga, &[], moods);
    world.gate = says.iter().copied().collect();
    world
}

fn tokens(world: &World) -> Vec<i32> {
    world.tolls.iter().map(|toll| toll.tokens).collect()
}

#[test]
fn who_keeps_the_gate_is_asked_and_a_purchase_costs_its_two_calls() {
    let mut world = kept_elsewhere(&[Some(true)], Saga::AuthorizeFirst, &[]);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
    assert_eq!(tokens(&world), [2]);
}

#[test]
fn who_is_refused_by_the_gate_or_gets_no_word_of_it_waits() {
    let says = [Some(false), None, Some(true)];
    let mut world = kept_elsewhere(&says, Saga::AuthorizeFirst, &[]);
    for _ in 0..2 {
        let reply = world.bought(checkout(1, 0, 1));
        assert_eq!(reply.outcome, Outcome::Waiting);
        assert!(reply.retry_after_s >= Some(1));
    }
    let poll = world.ask(ShopRequest::Order { key: "0-1-0".to_owned() });
    world.pass(10);
    assert_eq!(world.answers[&poll].outcome, Outcome::Ok);
    assert_eq!(world.bank.calls.len(), 2);
}

#[test]
fn a_second_request_of_one_purchase_gives_back_what_the_gate_took() {
    let mut world = kept_elsewhere(&[Some(true); 2], Saga::AuthorizeFirst, &[]);
    let both = [0, 1].map(|_| world.buy(checkout(1, 0, 1)));
    world.pass(10);
    assert_eq!(world.answers[&both[0]].outcome, Outcome::Ok);
    assert_eq!(world.answers[&both[1]].outcome, Outcome::Waiting);
    assert_eq!(tokens(&world), [2, 2, -2]);
    assert_eq!(world.bank.count("0-1", Money::Taken), 1);
}

#[test]
fn calls_beside_the_two_are_told_to_the_gate_and_those_not_made_are_given_back() {
    let decline = [(Mood::Decline, 100)];
    let mut world = kept_elsewhere(&[Some(true)], Saga::AuthorizeFirst, &decline);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
    assert_eq!(tokens(&world), [2, -1]);
    // Authorized, refused at the capture, and voided: three calls.
    let refused = [WELL, LIMIT, WELL];
    let mut world = kept_elsewhere(&[Some(true)], Saga::AuthorizeFirst, &refused);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::RateLimited);
    assert_eq!(tokens(&world), [2, 1]);
}

#[test]
fn those_who_wait_for_nothing_are_told() {
    let mut world = world_of(gated(1, 2.0), Saga::AuthorizeFirst, &[], &[]);
    world.bought(checkout(1, 0, 1));
    for fan in 2..4 {
        world.buy(checkout(fan, 0, 1));
    }
    let without_token = world.buy(checkout(9, 0, 1));
    world.pass(1);
    assert_eq!(world.answers[&without_token].outcome, Outcome::SoldOut);
}
