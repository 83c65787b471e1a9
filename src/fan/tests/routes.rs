//! What a fan promises on the way through a foreign shop.

use super::*;

/// A stage that is like this.
fn stage(operation: Operation) -> Stage {
    Stage::of(operation)
}

/// The steadfast on a way of these stages, in a sale without slots.
pub(super) fn on(stages: Vec<Stage>) -> Crowd {
    Crowd { route: Route { stages }, slots: 0, ..steadfast() }
}

pub(super) fn of(operations: &[Operation]) -> Vec<Stage> {
    operations.iter().copied().map(stage).collect()
}

pub(super) fn leading(outcome: Outcome, then: u8) -> Reply {
    Reply { then: Some(then), ..Reply::of(outcome) }
}

impl Visit {
    #[track_caller]
    pub(super) fn at_stage(self, stage: u8) -> Self {
        assert_eq!(self.request().stage, stage);
        self
    }
}

#[test]
fn a_login_before_the_page_is_taken_on_arrival_and_once() {
    let crowd = on(of(&[Operation::Login, Operation::Reload, Operation::Checkout]));
    let visit = Visit::begin(crowd, at(3.0)).asks(Operation::Login).at_stage(0);
    let visit = visit.reply(0.5, Reply::of(Outcome::Ok)).asks(Operation::Reload);
    assert!(!visit.fan.entered_funnel());
    let visit = visit.outcome(Outcome::NotOpen).sleeps_until(5.5).wake().asks(Operation::Reload);
    let visit = visit.reply(40.0, Reply::of(Outcome::Ok)).asks(Operation::Checkout).at_stage(2);
    assert!(visit.fan.entered_funnel());
    visit.outcome(Outcome::Ok).leaves(Departure::Bought);
}

#[test]
fn without_a_page_logins_are_taken_on_arrival_and_the_rest_at_the_opening() {
    let order = [Operation::Login, Operation::Login, Operation::Other, Operation::Login];
    let crowd = on(of(&[&order[..], &[Operation::Checkout]].concat()));
    let visit = Visit::begin(crowd.clone(), at(3.0)).at_stage(0).outcome(Outcome::Ok).at_stage(1);
    let visit = visit.outcome(Outcome::Ok).sleeps_until(40.0);
    assert!(!visit.fan.entered_funnel());
    let visit = visit.wake().asks(Operation::Other);
    assert!(visit.fan.entered_funnel());
    visit.outcome(Outcome::Ok).at_stage(3).outcome(Outcome::Ok).asks(Operation::Checkout);
    let late = Visit::begin(crowd, at(44.0)).outcome(Outcome::Ok).outcome(Outcome::Ok);
    late.asks(Operation::Other);
}

#[test]
fn a_crowd_that_does_not_reload_passes_by_the_page_and_sleeps_until_the_opening() {
    let order = [Operation::Login, Operation::Other, Operation::Reload, Operation::Checkout];
    let mut crowd = on(of(&order));
    crowd.route.stages[2].chance = 0.0;
    let visit = Visit::begin(crowd, at(3.0)).outcome(Outcome::Ok).sleeps_until(40.0).wake();
    // It is as if the page were not there: all but the login waits for the opening.
    let visit = visit.at_stage(1).outcome(Outcome::Ok).at_stage(3).outcome(Outcome::NotOpen);
    visit.sleeps_until(42.0).wake().at_stage(1);
}

#[test]
fn who_goes_by_a_page_that_others_take_has_taken_what_comes_before_it() {
    let order = [Operation::Login, Operation::Other, Operation::Reload, Operation::Checkout];
    let mut crowd = on(of(&order));
    crowd.route.stages[2].chance = 1e-9;
    let visit = Visit::begin(crowd, at(3.0)).outcome(Outcome::Ok).at_stage(1);
    let visit = visit.outcome(Outcome::Ok).sleeps_until(40.0).wake();
    visit.at_stage(3).outcome(Outcome::NotOpen).sleeps_until(42.0).wake().at_stage(3);
}

#[test]
fn a_login_that_is_refused_is_tried_again_before_anything_else() {
    let crowd = on(of(&[Operation::Login, Operation::Reload, Operation::Checkout]));
    let visit = || Visit::begin(crowd.clone(), at(3.0));
    visit().outcome(Outcome::RateLimited).sleeps_until(4.0).wake().at_stage(0);
    visit().outcome(Outcome::NotOpen).sleeps_until(5.0).wake().at_stage(0);
    visit().outcome(Outcome::Rejected).leaves(Departure::Rejected);
    visit().outcome(Outcome::Declined).leaves(Departure::Declined);
}

#[test]
fn nobody_is_led_from_the_login_into_a_sale_that_has_not_opened() {
    let crowd = on(of(&[Operation::Login, Operation::Other, Operation::Checkout]));
    let led =
        |arrives| Visit::begin(crowd.clone(), at(arrives)).reply(0.0, leading(Outcome::Ok, 2));
    let visit = led(3.0).sleeps_until(40.0);
    assert!(!visit.fan.entered_funnel());
    let visit = visit.wake().at_stage(2);
    assert!(visit.fan.entered_funnel());
    led(44.0).at_stage(2);
}

#[test]
fn a_session_that_is_lost_begins_again_with_the_login() {
    let crowd = on(of(&[Operation::Login, Operation::Reload, Operation::Checkout]));
    let visit = Visit::to_checkout(crowd).reply(0.0, leading(Outcome::Error, 0));
    let visit = visit.sleeps_until(46.0).wake().asks(Operation::Login).outcome(Outcome::Ok);
    visit.asks(Operation::Reload).outcome(Outcome::Ok).asks(Operation::Checkout);
}

#[test]
fn an_ok_leads_where_the_answer_says() {
    let crowd = on(of(&[Operation::Reload, Operation::Item, Operation::Cart, Operation::Checkout]));
    let visit = Visit::begin(crowd.clone(), at(45.0)).reply(0.0, leading(Outcome::Ok, 3));
    visit.at_stage(3).outcome(Outcome::Ok).leaves(Departure::Bought);
    let nowhere = Visit::begin(crowd.clone(), at(45.0)).reply(0.0, leading(Outcome::Ok, 4));
    nowhere.at_stage(1);
    // A shop that sends its visitors round in circles is not asked without end in one instant.
    let back =
        Visit::begin(crowd, at(45.0)).outcome(Outcome::Ok).reply(0.0, leading(Outcome::Ok, 1));
    back.sleeps_until(45.001).wake().at_stage(1);
}

#[test]
fn what_is_sold_out_is_looked_for_where_the_answer_says() {
    let crowd = on(of(&[Operation::Reload, Operation::Item, Operation::Checkout]));
    let visit = Visit::to_checkout(crowd).reply(0.0, leading(Outcome::SoldOut, 1));
    visit.sleeps_until(50.0).wake().asks(Operation::Item);
}

#[test]
fn a_sale_that_is_not_open_is_looked_at_where_the_answer_says() {
    let crowd = on(of(&[Operation::Reload, Operation::Other, Operation::Checkout]));
    let visit = Visit::to_checkout(crowd).reply(0.5, leading(Outcome::NotOpen, 1));
    visit.sleeps_until(47.5).wake().at_stage(1);
}

#[test]
fn another_card_is_tried_where_the_answer_says() {
    let crowd = on(of(&[Operation::Reload, Operation::Other, Operation::Checkout]));
    let visit = Visit::to_checkout(crowd).reply(0.0, leading(Outcome::Declined, 1)).wake();
    assert_eq!((visit.request().stage, visit.request().purchase), (1, 1));
}

#[test]
fn a_stage_that_nobody_takes_is_reached_only_where_an_answer_names_it() {
    let mut crowd = on(of(&[Operation::Reload, Operation::Other, Operation::Checkout]));
    crowd.route.stages[1].chance = 0.0;
    Visit::begin(crowd.clone(), at(45.0)).outcome(Outcome::Ok).at_stage(2);
    let visit = Visit::begin(crowd.clone(), at(45.0)).reply(0.0, leading(Outcome::Ok, 1));
    visit.at_stage(1).outcome(Outcome::Ok).at_stage(2);
    crowd.route.stages[1].chance = 1.0;
    Visit::begin(crowd, at(45.0)).outcome(Outcome::Ok).at_stage(1);
}

#[test]
fn a_stage_is_taken_by_its_share_of_the_people_and_always_by_the_same() {
    let mut crowd = on(of(&[Operation::Other, Operation::Other, Operation::Checkout]));
    crowd.route.stages[0].chance = 0.3;
    crowd.route.stages[1].chance = 0.3;
    let (people, mut takers) = (20_000, [0_u32; 2]);
    let mut both = 0_u32;
    for index in 0..people {
        let fan = Fan::new(FanId { population: 0, index });
        let taken = [0, 1].map(|stage| fan.takes(stage, &crowd));
        assert_eq!(taken, [0, 1].map(|stage| fan.takes(stage, &crowd)));
        takers = [0, 1].map(|stage| takers[stage] + u32::from(taken[stage]));
        both += u32::from(taken == [true, true]);
    }
    for taken in takers {
        assert!((f64::from(taken) / f64::from(people) - 0.3).abs() < 0.015);
    }
    // One stage's draw says nothing of another's.
    assert!((f64::from(both) / f64::from(people) - 0.09).abs() < 0.01);
}

#[test]
fn who_passes_by_every_checkout_leaves_with_nothing() {
    let mut crowd = on(of(&[Operation::Reload, Operation::Item, Operation::Checkout]));
    crowd.route.stages[2].chance = 0.0;
    let visit = Visit::begin(crowd, at(45.0)).outcome(Outcome::Ok).outcome(Outcome::Ok);
    visit.leaves(Departure::Balked);
}

#[test]
fn who_passes_by_the_page_waits_for_the_opening() {
    let mut crowd = on(of(&[Operation::Reload, Operation::Checkout]));
    crowd.route.stages[0].chance = 0.0;
    let visit = Visit::begin(crowd, at(3.0)).sleeps_until(40.0).wake().asks(Operation::Checkout);
    visit.outcome(Outcome::NotOpen).sleeps_until(42.0).wake().asks(Operation::Checkout);
}

#[test]
fn a_stage_has_its_own_thought_timeout_and_retries() {
    let operations = [Operation::Login, Operation::Reload, Operation::Item, Operation::Checkout];
    let mut crowd = on(of(&operations));
    let [login, page, item, _] = &mut crowd.route.stages[..] else { panic!("four stages") };
    login.think = Some(constantly(1.0));
    page.think = Some(constantly(2.0));
    item.think = Some(constantly(3.0));
    item.timeout = Some(seconds(8.0));
    let own = Retry { attempts: 1, base: Span(seconds(7.0)), ..crowd.behaviour.retry.clone() };
    item.retry = Some(own);
    let visit = Visit::begin(crowd, at(41.0)).sleeps_until(42.0).wake().outcome(Outcome::Ok);
    let visit = visit.sleeps_until(44.0).wake().asks(Operation::Reload).outcome(Outcome::Ok);
    let visit = visit.sleeps_until(47.0).wake().asks(Operation::Item);
    assert_eq!(visit.request().deadline, at(55.0));
    let visit = visit.outcome(Outcome::Error).sleeps_until(54.0).wake().asks(Operation::Item);
    let checkout = visit.clone().outcome(Outcome::Ok).asks(Operation::Checkout);
    assert_eq!(checkout.request().deadline, at(57.0), "the fan's own");
    checkout.outcome(Outcome::Error).sleeps_until(55.0);
    visit.outcome(Outcome::Error).leaves(Departure::GaveUp);
}

#[test]
fn only_the_last_of_several_checkouts_is_the_purchase() {
    let operations =
        [Operation::Reload, Operation::Checkout, Operation::Other, Operation::Checkout];
    let visit = Visit::to_checkout(on(of(&operations))).at_stage(1);
    let visit = visit.outcome(Outcome::Ok).at_stage(2).outcome(Outcome::Ok).at_stage(3);
    // Another card is another purchase, from its first step on.
    let again = visit.clone().outcome(Outcome::Declined).at_stage(1);
    assert_eq!(again.request().purchase, 1);
    let visit = visit.outcome(Outcome::Unknown).wake().at_stage(3);
    visit.outcome(Outcome::Ok).leaves(Departure::Bought);
}

#[test]
fn where_no_stage_shows_slots_one_is_chosen_unseen_on_entering() {
    let operations = [Operation::Reload, Operation::Item, Operation::Checkout];
    let crowd = Crowd { slots: 4, ..on(of(&operations)) };
    let visit = Visit::begin(crowd.clone(), at(45.0));
    assert_eq!(visit.request().slot, None);
    let visit = visit.outcome(Outcome::Ok).asks(Operation::Item);
    let chosen = visit.request().slot.unwrap();
    let visit = visit.outcome(Outcome::Ok).asks(Operation::Checkout);
    assert_eq!(visit.request().slot, Some(chosen));
    // A full one leads through the funnel with another.
    let full = Reply { short: Some(Short::Slot), ..Reply::of(Outcome::SoldOut) };
    let visit = visit.reply(0.0, full).asks(Operation::Item);
    assert!(visit.request().slot.is_some_and(|slot| slot != chosen && slot < 4));
    let slots: std::collections::BTreeSet<_> = (0..50)
        .map(|seed| Visit::to_checkout(Crowd { seed, ..crowd.clone() }).request().slot)
        .collect();
    assert_eq!(slots.len(), 4, "{slots:?}");
}

#[test]
fn who_is_led_past_the_slots_has_one_all_the_same() {
    let operations = [Operation::Reload, Operation::Slots, Operation::Item, Operation::Cart];
    let crowd = on([of(&operations), of(&[Operation::Checkout])].concat());
    let crowd = Crowd { slots: 4, ..crowd };
    let visit = Visit::begin(crowd.clone(), at(45.0)).reply(0.0, leading(Outcome::Ok, 2));
    assert_eq!(visit.request().slot, None, "an item is looked at without");
    assert!(visit.outcome(Outcome::Ok).asks(Operation::Cart).request().slot.is_some());
    // A page of slots in a sale that has none is a page like any other.
    let visit = Visit::begin(Crowd { slots: 0, ..crowd }, at(45.0)).outcome(Outcome::Ok);
    let visit = visit.asks(Operation::Slots).outcome(Outcome::Ok).asks(Operation::Item);
    assert_eq!(visit.request().slot, None);
}

#[test]
fn who_must_sign_in_does_so_when_the_sale_is_open_or_on_arrival_where_nobody_reloads() {
    let operations = |calls, share| -> Vec<Operation> {
        let route = Route::embedded(&Reload { calls, ..Reload::default() }, 0).signing_in(share);
        route.stages.iter().map(|stage| stage.operation).collect()
    };
    let funnel = [Operation::Item, Operation::Cart, Operation::Checkout];
    let before = |first: &[Operation]| [first, &funnel].concat();
    assert_eq!(operations(2, 0.5), before(&[Operation::Reload, Operation::Login]));
    assert_eq!(operations(0, 0.5), before(&[Operation::Login]));
    assert_eq!(operations(0, 0.0), funnel);
}
