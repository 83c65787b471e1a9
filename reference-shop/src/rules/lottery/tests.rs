use domain::shop::{OrderStatus, ShopRequest};
use domain::time::{Duration, Span};

use super::*;
use crate::rules::world::{Mood, World, checkout, settings};
use crate::settings::{Inventory, Saga};

/// Item 0 of `stock` pieces, drawn from 10 s on: entries until 30 s, results at 40 s, 60 s to pay.
fn world(stock: u32, redraws: u32, redraw: Redraw) -> World {
    let span = |s| Span(Duration::from_secs(s));
    let mut settings = settings(stock, 1);
    settings.shop.saga = Saga::ReserveFirst;
    settings.shop.inventory = Inventory::GuardedCounter;
    let sale = &mut settings.catalogue.sales[0];
    sale.slots.clear();
    sale.lottery = Some(Lottery {
        entries_close: span(20),
        results: span(30),
        pay_by: span(60),
        redraws,
        redraw,
    });
    World::new(&settings)
}

fn entry(index: u32) -> Checkout {
    Checkout { slot: None, ..checkout(index, 0, 1) }
}

fn said(world: &mut World, request: ShopRequest) -> ShopReply {
    let ticket = world.ask(request);
    world.pass(0);
    world.answers[&ticket].clone()
}

fn enter(world: &mut World, entry: Checkout) -> Outcome {
    said(world, ShopRequest::Enter(entry)).outcome
}

fn result(world: &mut World, index: u32) -> Outcome {
    let fan = FanId { population: 0, index };
    said(world, ShopRequest::Drawn { sale: 0, fan }).outcome
}

/// Which of the first `count` fans are told that they have won.
fn winners(world: &mut World, count: u32) -> Vec<u32> {
    (1..=count).filter(|index| result(world, *index) == Outcome::Ok).collect()
}

fn pay(world: &mut World, index: u32) -> Outcome {
    world.bought(entry(index)).outcome
}

#[test]
fn an_entry_is_one_however_often_it_is_sent_and_only_until_entries_close() {
    let mut world = world(2, 0, Redraw::AfterRelease);
    assert_eq!(enter(&mut world, entry(1)), Outcome::Ok);
    assert_eq!(enter(&mut world, entry(1)), Outcome::Ok);
    let more = Checkout { quantity: 2, ..entry(1) };
    assert_eq!(enter(&mut world, more), Outcome::Rejected);
    let beyond_the_limit = Checkout { quantity: 5, ..entry(2) };
    assert_eq!(enter(&mut world, beyond_the_limit), Outcome::Rejected);
    world.pass(20);
    assert_eq!(enter(&mut world, entry(3)), Outcome::Rejected);
    assert_eq!(enter(&mut world, entry(1)), Outcome::Ok);
    world.pass(11);
    assert_eq!(winners(&mut world, 3), [1]);
    assert_eq!(result(&mut world, 3), Outcome::Rejected);
}

#[test]
fn results_are_out_at_once_when_all_prizes_are_reserved() {
    let mut world = world(2, 0, Redraw::AfterRelease);
    for index in 1..=6 {
        enter(&mut world, entry(index));
    }
    // The inventory takes two seconds for each.
    world.stock_ms = vec![1_000; 100];
    world.pass(29);
    assert_eq!(result(&mut world, 1), Outcome::Waiting);
    let early = world.buy(entry(1));
    world.pass(1);
    assert_eq!(world.answers[&early].outcome, Outcome::Rejected);
    assert!((1..=6).all(|index| result(&mut world, index) == Outcome::Waiting));
    world.pass(3);
    assert_eq!(winners(&mut world, 6).len(), 2);
    assert_eq!(world.pieces(), (0, 2, 0));
}

#[test]
fn who_is_drawn_does_not_hang_on_when_it_entered() {
    let drawn = |order: Vec<u32>| {
        let mut world = world(5, 0, Redraw::AfterRelease);
        for index in order {
            enter(&mut world, entry(index));
        }
        world.pass(31);
        winners(&mut world, 20)
    };
    let forwards = drawn((1..=20).collect());
    assert_eq!(forwards.len(), 5);
    assert_eq!(forwards, drawn((1..=20).rev().collect()));
    assert_ne!(forwards, [1, 2, 3, 4, 5]);
}

#[test]
fn a_winner_pays_for_what_is_reserved_and_a_loser_cannot_buy() {
    let mut world = world(1, 0, Redraw::AfterRelease);
    for index in [1, 2] {
        enter(&mut world, entry(index));
    }
    world.pass(31);
    let won = winners(&mut world, 2)[0];
    assert_eq!(result(&mut world, 3 - won), Outcome::SoldOut);
    assert_eq!(pay(&mut world, 3 - won), Outcome::Rejected);
    assert_eq!(pay(&mut world, won), Outcome::Ok);
    // Paying again under the same key is the same purchase.
    assert_eq!(pay(&mut world, won), Outcome::Ok);
    assert_eq!(world.pieces(), (0, 0, 1));
    assert_eq!(world.bank.calls.len(), 2);
    world.pass(100);
    assert_eq!(world.pieces(), (0, 0, 1));
}

#[test]
fn what_is_not_paid_is_released_once_and_drawn_again_among_the_losers() {
    let mut world = world(2, 1, Redraw::AfterRelease);
    for index in 1..=6 {
        enter(&mut world, entry(index));
    }
    world.pass(31);
    let first = winners(&mut world, 6);
    assert_eq!(pay(&mut world, first[0]), Outcome::Ok);
    world.pass(60);
    let second = winners(&mut world, 6);
    assert_eq!(second.len(), 2, "who paid, and one in the place of who did not");
    let drawn = *second.iter().find(|fan| !first.contains(fan)).unwrap();
    assert_eq!(result(&mut world, first[1]), Outcome::Rejected);
    assert_eq!(pay(&mut world, first[1]), Outcome::Rejected);
    assert_eq!(pay(&mut world, drawn), Outcome::Ok);
    assert_eq!(world.pieces(), (0, 0, 2));
    let ended = |status| world.rows.values().filter(|row| row.status == status).count();
    assert_eq!((ended(OrderStatus::Captured), ended(OrderStatus::Expired)), (2, 1));
    assert_eq!(world.pending(), 0);
}

#[test]
fn after_the_last_deadline_nothing_is_held_and_nothing_is_drawn() {
    let mut world = world(2, 1, Redraw::AfterRelease);
    for index in 1..=6 {
        enter(&mut world, entry(index));
    }
    world.pass(30 + 60 + 60 + 1);
    assert_eq!(world.pieces(), (2, 0, 0));
    assert_eq!(winners(&mut world, 6), [0_u32; 0]);
    assert_eq!(world.rows.len(), 4);
    assert_eq!(world.pending(), 0);
}

/// Two enter for one seat, and who wins it pays just before the deadline, slowly: the payment, and who
/// has not won.
fn paid_late(redraw: Redraw) -> (World, Ticket, u32) {
    let mut world = world(1, 1, redraw);
    for index in [1, 2] {
        enter(&mut world, entry(index));
    }
    world.pass(85);
    let won = winners(&mut world, 2)[0];
    world.moods = vec![(Mood::Well, 20_000)];
    let late = world.buy(entry(won));
    (world, late, 3 - won)
}

#[test]
fn a_payment_that_has_begun_by_the_deadline_keeps_its_prize() {
    let (mut world, late, _) = paid_late(Redraw::AfterRelease);
    world.pass(40);
    assert_eq!(world.answers[&late].outcome, Outcome::Ok);
    assert_eq!(world.pieces(), (0, 0, 1));
    assert_eq!(world.rows.len(), 1);
}

#[test]
fn a_declined_winner_may_try_another_card_until_the_deadline() {
    let mut world = world(1, 0, Redraw::AfterRelease);
    enter(&mut world, entry(1));
    world.pass(31);
    world.moods = vec![(Mood::Decline, 100)];
    assert_eq!(pay(&mut world, 1), Outcome::Declined);
    let other = Checkout { slot: None, ..checkout(1, 1, 1) };
    assert_eq!(world.bought(other).outcome, Outcome::Ok);
    assert_eq!(world.pieces(), (0, 0, 1));
}

#[test]
fn drawn_again_before_the_release_a_piece_goes_twice() {
    let (mut world, late, other) = paid_late(Redraw::BeforeRelease);
    world.pass(10);
    assert_eq!(pay(&mut world, other), Outcome::Ok);
    world.pass(40);
    assert_eq!(world.answers[&late].outcome, Outcome::Ok);
    assert_eq!(world.pieces(), (-1, 0, 2));
}
