//! What a fan promises on the way through a sale by lot.

use super::*;
use crate::fan::behaviour::Winner;

/// The steadfast in a lottery whose results are out 20 s after the opening; winners pay after 3 s.
fn drawing(pays: f64) -> Crowd {
    let crowd = Crowd { slots: 0, ..steadfast() };
    let winner = Winner { pays, after: Some(constantly(3.0)) };
    let route = Route::by_lot(&crowd.behaviour.reload, seconds(20.0), &winner);
    Crowd { route, ..crowd }
}

/// A fan that has entered.
fn entered(crowd: Crowd) -> Visit {
    let visit = Visit::begin(crowd, at(41.0)).asks(Operation::Reload).outcome(Outcome::Ok);
    visit.asks(Operation::Entry).outcome(Outcome::Ok)
}

#[test]
fn who_entered_comes_back_for_the_results_and_pays_if_it_has_won() {
    let visit = entered(drawing(1.0)).sleeps_until(60.0).wake().asks(Operation::Reload);
    let visit = visit.outcome(Outcome::Ok).asks(Operation::Result).outcome(Outcome::Ok);
    let visit = visit.sleeps_until(63.0).wake().asks(Operation::Checkout);
    visit.outcome(Outcome::Ok).leaves(Departure::Bought);
}

#[test]
fn who_has_not_won_looks_at_the_results_again() {
    let visit = entered(drawing(1.0)).wake().outcome(Outcome::Ok).outcome(Outcome::SoldOut);
    let visit = visit.sleeps_until(65.0).wake().asks(Operation::Reload).at_stage(2);
    visit.outcome(Outcome::Ok).asks(Operation::Result).outcome(Outcome::Ok).sleeps_until(68.0);
}

#[test]
fn waiting_for_results_that_were_announced_costs_no_patience() {
    let mut crowd = drawing(1.0);
    crowd.behaviour.patience = constantly(4.0);
    let visit = entered(crowd).sleeps_until(60.0).wake().outcome(Outcome::Ok);
    let visit = visit.asks(Operation::Result).outcome(Outcome::SoldOut);
    visit.sleeps_until(64.0).wake().leaves(Departure::Reneged);
}

#[test]
fn results_that_are_late_are_waited_for() {
    let visit = entered(drawing(1.0)).wake().outcome(Outcome::Ok).asks(Operation::Result);
    let visit =
        visit.reply(0.0, Reply { retry_after: Some(seconds(1.0)), ..Reply::of(Outcome::Waiting) });
    visit.wake().asks(Operation::Result);
}

#[test]
fn a_winner_that_does_not_pay_turns_away() {
    let visit = entered(drawing(0.0)).wake().outcome(Outcome::Ok).outcome(Outcome::Ok);
    visit.leaves(Departure::Balked);
}

#[test]
fn where_nobody_reloads_all_enter_at_the_opening_and_ask_at_the_results() {
    let mut crowd = drawing(1.0);
    crowd.behaviour.reload.calls = 0;
    crowd.route = Route::by_lot(&crowd.behaviour.reload, seconds(20.0), &Winner::default());
    let visit = Visit::begin(crowd, at(3.0)).sleeps_until(40.0).wake().asks(Operation::Entry);
    let visit = visit.outcome(Outcome::Ok).sleeps_until(60.0).wake().asks(Operation::Result);
    visit.outcome(Outcome::SoldOut).sleeps_until(65.0).wake().asks(Operation::Result);
}
