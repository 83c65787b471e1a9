//! What a fan promises where a checkout is settled later.

use super::routes::{leading, of, on};
use super::*;

/// A page, a checkout, and a poll that asks every half second for ten seconds in all.
fn asynchronous() -> Crowd {
    let mut stages = of(&[Operation::Reload, Operation::Checkout, Operation::Poll]);
    stages[2].every = Some(seconds(0.5));
    stages[2].timeout = Some(seconds(10.0));
    on(stages)
}

/// The number of the poll of [`asynchronous`].
const POLL: u8 = 2;

impl Visit {
    /// Who has come in at 45 s, has checked out and was told to wait and to ask the poll.
    fn to_poll(crowd: Crowd) -> Self {
        Self::to_checkout(crowd)
            .reply(0.0, leading(Outcome::Waiting, POLL))
            .wake()
            .asks(Operation::Poll)
    }
}

#[test]
fn a_checkout_whose_ok_leads_on_is_no_purchase_yet() {
    let crowd = asynchronous();
    assert!(!crowd.route.buys(1, &leading(Outcome::Ok, POLL)));
    assert!(crowd.route.buys(1, &Reply::of(Outcome::Ok)));
    assert!(crowd.route.buys(POLL, &Reply::of(Outcome::Ok)));
    assert!(!crowd.route.buys(0, &Reply::of(Outcome::Ok)));
    let visit = Visit::to_checkout(crowd).reply(0.0, leading(Outcome::Ok, POLL));
    visit.asks(Operation::Poll).outcome(Outcome::Ok).leaves(Departure::Bought);
}

#[test]
fn told_to_wait_a_fan_asks_what_the_answer_names_after_the_time_of_that() {
    let waiting = leading(Outcome::Waiting, POLL);
    let visit = Visit::to_checkout(asynchronous()).reply(0.0, waiting).sleeps_until(45.5);
    let visit = visit.wake().at_stage(POLL);
    // Without `then` it is the same again.
    let visit = visit.outcome(Outcome::Waiting).sleeps_until(46.0).wake().at_stage(POLL);
    // What the answer says of the time comes first, and nobody comes back as one.
    let told = Reply { retry_after: Some(seconds(2.0)), ..Reply::of(Outcome::Waiting) };
    let visit = visit.reply(0.0, told).wake().at_stage(POLL);
    assert!((at(48.0)..=at(48.4)).contains(&visit.now));
}

#[test]
fn a_fan_polls_until_it_is_told_what_came_of_its_purchase() {
    let polled = || {
        let mut visit = Visit::to_poll(asynchronous());
        for _ in 0..5 {
            visit = visit.outcome(Outcome::Waiting).wake().asks(Operation::Poll);
            assert_eq!(visit.request().purchase, 0);
        }
        visit
    };
    polled().outcome(Outcome::Ok).leaves(Departure::Bought);
    polled().outcome(Outcome::Rejected).leaves(Departure::Rejected);
    polled().outcome(Outcome::SoldOut).sleeps_until(53.0).wake().asks(Operation::Reload);
    let visit = polled().outcome(Outcome::Declined).asks(Operation::Checkout);
    assert_eq!(visit.request().purchase, 1);
    let visit = visit.reply(0.0, leading(Outcome::Waiting, POLL)).wake().asks(Operation::Poll);
    assert_eq!(visit.request().purchase, 1);
    visit.outcome(Outcome::Declined).leaves(Departure::Declined);
}

#[test]
fn a_poll_that_is_refused_is_asked_again_by_the_rule_for_refusals() {
    let visit = Visit::to_poll(asynchronous()).outcome(Outcome::Error).sleeps_until(46.5);
    visit.wake().asks(Operation::Poll).outcome(Outcome::Error).sleeps_until(48.5);
}

#[test]
fn a_poll_is_no_later_than_its_polling_and_no_longer_than_any_operation() {
    let visit = Visit::to_poll(asynchronous());
    // The fan's own timeout of 3 s is shorter than what is left of the ten seconds, and then not.
    assert_eq!(visit.request().deadline, at(48.5));
    let visit = visit.reply(3.0, Reply::of(Outcome::Unknown)).wake();
    let visit = visit.reply(3.0, Reply::of(Outcome::Unknown)).wake();
    assert_eq!((visit.request().intended, visit.request().deadline), (at(54.5), at(55.5)));
}

#[test]
fn polling_that_takes_too_long_leads_to_the_checkout_again_under_the_same_purchase() {
    let mut visit = Visit::to_poll(asynchronous());
    let mut polls = 1;
    while visit.request().operation == Operation::Poll {
        visit = visit.outcome(Outcome::Waiting).wake();
        if visit.now == at(55.5) {
            // The polling of ten seconds is over: the checkout counts as unanswered.
            visit = visit.sleeps_until(56.5).wake();
        } else {
            polls += 1;
        }
    }
    assert_eq!(polls, 20);
    let visit = visit.asks(Operation::Checkout);
    assert_eq!((visit.request().purchase, visit.now), (0, at(56.5)));
    let visit = visit.reply(0.0, leading(Outcome::Waiting, POLL)).wake();
    assert_eq!(visit.request().deadline, at(60.0), "a new polling has its own ten seconds");
}

#[test]
fn a_poll_unanswered_to_the_end_of_its_polling_is_an_unanswered_checkout() {
    let mut crowd = asynchronous();
    crowd.route.stages[2].timeout = Some(seconds(2.0));
    let no_retry = Retry { attempts: 0, ..crowd.behaviour.retry.clone() };
    crowd.route.stages[2].retry = Some(no_retry.clone());
    let visit = Visit::to_poll(crowd.clone()).reply(2.0, Reply::of(Outcome::Unknown));
    visit.sleeps_until(48.5).wake().asks(Operation::Checkout);
    // Whoever never tries again does not do so then.
    crowd.behaviour.retry = no_retry;
    let visit = Visit::to_poll(crowd).reply(2.0, Reply::of(Outcome::Unknown));
    visit.leaves(Departure::GaveUp);
}

#[test]
fn a_shop_that_never_settles_anything_is_asked_as_often_as_a_fan_tries_again() {
    let mut crowd = Crowd { closes: at(10_000.0), ..asynchronous() };
    crowd.behaviour.patience = constantly(9_000.0);
    let mut visit = Visit::begin(crowd, at(45.0)).outcome(Outcome::Ok);
    let (mut checkouts, mut polls, mut pauses) = (0, 0, Vec::new());
    loop {
        visit = match visit.action {
            Action::Send(request) if request.operation == Operation::Checkout => {
                checkouts += 1;
                visit.reply(0.0, leading(Outcome::Waiting, POLL))
            }
            Action::Send(_) => {
                polls += 1;
                // A refusal between polls is a row of its own, which the next answer ends.
                let refused = polls % 2 == 0;
                visit.outcome(if refused { Outcome::RateLimited } else { Outcome::Waiting })
            }
            Action::Sleep { until } => {
                pauses.push(until - visit.now);
                visit.wake()
            }
            Action::Leave(departure) => {
                assert_eq!(departure, Departure::GaveUp);
                break;
            }
        };
    }
    assert_eq!(checkouts, 4, "one, and three attempts more");
    assert!(polls > 4 * 4, "each of them polled to the end");
    for back_off in [1.0, 2.0, 4.0] {
        assert!(pauses.contains(&seconds(back_off)), "{pauses:?}");
    }
}
