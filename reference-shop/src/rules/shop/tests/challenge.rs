//! Cardholders whose bank asks them.

use super::*;

fn challenge(cardholder: Cardholder) -> (Mood, u64) {
    (Mood::Challenge(cardholder), 500)
}

#[test]
fn who_is_challenged_comes_back_under_the_same_key_and_buys() {
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let mut world = world(saga, &[challenge(Cardholder::Passes(20_000))]);
        let first = world.buy(checkout(1, 0, 2));
        world.pass(5);
        let waiting = &world.answers[&first];
        assert_eq!((waiting.outcome, waiting.retry_after_s), (Outcome::Waiting, Some(2)));
        assert_eq!(waiting.order, Some(OrderId(1)));
        let again = world.buy(checkout(1, 0, 2));
        let other_card = world.buy(checkout(1, 1, 2));
        world.pass(1);
        assert_eq!(world.answers[&again].outcome, Outcome::Waiting);
        assert_eq!(world.answers[&other_card].outcome, Outcome::Waiting);
        world.pass(40);
        let polled = world.ask(ShopRequest::Order { key: "0-1-0".to_owned() });
        world.pass(1);
        assert_eq!(world.answers[&polled].outcome, Outcome::Ok);
        assert_eq!(world.pieces(), (8, 0, 2));
        assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
        // After 2, 4, 8 and 16 s: the fourth look finds the answer of second 20.
        let looked = world.bank.calls.iter().filter(|key| key.ends_with("-retrieve"));
        assert_eq!(looked.count(), 4);
    }
}

#[test]
fn who_fails_the_challenge_is_declined_and_may_pay_otherwise() {
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let mut world = world(saga, &[challenge(Cardholder::Fails(3_000))]);
        world.buy(checkout(1, 0, 1));
        world.pass(20);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
        assert_eq!((world.status(1), world.pieces()), (OrderStatus::Declined, (10, 0, 0)));
        assert_eq!(world.bought(checkout(1, 1, 1)).outcome, Outcome::Ok);
        assert_eq!(world.pending(), 0);
    }
}

#[test]
fn who_never_answers_the_challenge_is_declined_in_time_and_lets_go() {
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let mut settings = settings(10, 10);
        settings.shop.challenge_timeout = Span(Duration::from_secs(45));
        let moods = [challenge(Cardholder::NeverAnswers)];
        let mut world = world_of(settings, saga, &[], &moods);
        world.buy(checkout(1, 0, 1));
        world.pass(45);
        assert_eq!(world.pending(), 1);
        world.pass(5);
        assert_eq!(world.pending(), 0);
        assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Declined);
        assert_eq!((world.status(1), world.pieces()), (OrderStatus::Expired, (10, 0, 0)));
        assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::LetGo)]);
    }
}

/// The shop gives up while the cardholder still thinks: the answer must reserve no money.
#[test]
fn an_answer_after_the_challenge_timeout_reserves_nothing() {
    let mut settings = settings(10, 10);
    settings.shop.challenge_timeout = Span(Duration::from_secs(10));
    let moods = [challenge(Cardholder::Passes(12_000))];
    let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &moods);
    world.buy(checkout(1, 0, 1));
    world.pass(60);
    assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::LetGo)]);
}

#[test]
fn a_reservation_runs_out_while_the_cardholder_thinks() {
    let mut settings = settings(1, 1);
    settings.shop.reservation.ttl = Span(Duration::from_secs(9));
    let moods = [challenge(Cardholder::Passes(30_000))];
    let mut world = world_of(settings, Saga::ReserveFirst, &[], &moods);
    world.buy(checkout(1, 0, 1));
    world.pass(15);
    assert_eq!(world.pieces(), (1, 0, 0));
    assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::LetGo)]);
    assert_eq!(world.bought(checkout(2, 0, 1)).outcome, Outcome::Ok);
    world.pass(60);
    assert_eq!((world.pending(), world.pieces()), (0, (0, 0, 1)));
    assert_eq!(world.status(1), OrderStatus::Voided);
}

#[test]
fn a_look_that_is_refused_or_not_answered_is_made_again() {
    let moods = [challenge(Cardholder::Passes(1_000)), LIMIT, LOST, (Mood::Fail, 5), LIMIT, WELL];
    let mut world = world(Saga::AuthorizeFirst, &moods);
    world.buy(checkout(1, 0, 1));
    world.pass(120);
    assert_eq!(world.bought(checkout(1, 0, 1)).outcome, Outcome::Ok);
    assert_eq!(world.bank.authorizations, [("0-1".to_owned(), Money::Taken)]);
}
