//! What a fan promises, by examples and by properties.

use domain::law::Law;
use domain::time::Span;

use super::behaviour::{Reload, Retry, SoldOut};
use super::route::Stage;
use super::*;

mod lottery;
mod polls;
mod properties;
mod published;
mod routes;
mod strategies;

const OPENS: Time = Time::from_millis(40_000);
const CLOSES: Time = Time::from_millis(70_000);
const ID: FanId = FanId { population: 0, index: 417 };

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn at(seconds: f64) -> Time {
    Time::from_seconds(seconds)
}

fn constantly(length: f64) -> Law {
    Law::Constant(seconds(length))
}

/// A crowd without whims: it reloads every 2 s, never gives up, never leaves on its own, and waits
/// 1 s, 2 s, 4 s … before its retries.
fn steadfast() -> Crowd {
    Crowd {
        seed: 20_261_121,
        population: 0,
        behaviour: Behaviour {
            reload: Reload { gap: constantly(2.0), growth: 0.0, calls: 6, cacheable: 5 },
            patience: constantly(600.0),
            think: constantly(0.0),
            login: 0.0,
            abandon: 0.0,
            pieces: vec![1.0],
            retry: Retry {
                attempts: 3,
                base: Span(seconds(1.0)),
                cap: Span(seconds(20.0)),
                factor: 2.0,
                jitter: 0.0,
                honour_retry_after: true,
                give_up: 0.0,
            },
            sold_out: SoldOut { leave: 0.0, every: constantly(5.0) },
            other_card: 1.0,
            timeout: Span(seconds(3.0)),
        },
        route: Route::embedded(&Reload::default(), 4),
        opens: OPENS,
        closes: CLOSES,
        demand: vec![0.5, 0.3, 0.2],
        slots: 4,
        limit_per_fan: 4,
    }
}

/// The same people on the way through the embedded shop that suits them.
fn on_their_way(crowd: Crowd) -> Crowd {
    Crowd { route: Route::embedded(&crowd.behaviour.reload, crowd.slots), ..crowd }
}

/// The steadfast where nobody looks at a page.
fn without_page() -> Crowd {
    let mut crowd = steadfast();
    crowd.behaviour.reload.calls = 0;
    on_their_way(crowd)
}

/// A fan and where its visit stands.
#[derive(Clone)]
struct Visit {
    fan: Fan,
    crowd: Crowd,
    now: Time,
    action: Action,
}

impl Visit {
    fn begin(crowd: Crowd, at: Time) -> Self {
        let mut fan = Fan::new(ID);
        let action = fan.step(Input::Arrived { at }, &crowd);
        Self { fan, crowd, now: at, action }
    }

    /// Answers the outstanding operation `after` that long.
    fn reply(mut self, after: f64, reply: Reply) -> Self {
        assert!(matches!(self.action, Action::Send(_)), "{:?}", self.action);
        self.now += seconds(after);
        self.action = self.fan.step(Input::Replied { at: self.now, reply }, &self.crowd);
        self
    }

    /// Answers the outstanding operation at once with nothing but an outcome.
    fn outcome(self, outcome: Outcome) -> Self {
        self.reply(0.0, Reply::of(outcome))
    }

    fn wake(mut self) -> Self {
        let Action::Sleep { until } = self.action else { panic!("{:?}", self.action) };
        self.now = until;
        self.action = self.fan.step(Input::Woke { at: until }, &self.crowd);
        self
    }

    fn request(&self) -> Request {
        let Action::Send(request) = self.action else { panic!("{:?}", self.action) };
        request
    }

    #[track_caller]
    fn asks(self, operation: Operation) -> Self {
        assert_eq!(self.request().operation, operation);
        self
    }

    #[track_caller]
    fn sleeps_until(self, until: f64) -> Self {
        assert_eq!(self.action, Action::Sleep { until: at(until) });
        self
    }

    #[track_caller]
    fn leaves(self, departure: Departure) {
        assert_eq!(self.action, Action::Leave(departure));
    }

    /// Walks to the outstanding checkout of a sale that has opened.
    fn to_checkout(crowd: Crowd) -> Self {
        let mut visit = Self::begin(crowd, at(45.0));
        while visit.request().operation != Operation::Checkout {
            visit = visit.outcome(Outcome::Ok);
        }
        visit
    }
}

#[test]
fn a_fan_reloads_as_soon_as_it_arrives() {
    let visit = Visit::begin(steadfast(), at(12.0));
    let request = visit.request();
    assert_eq!(request.operation, Operation::Reload);
    assert_eq!((request.intended, request.deadline), (at(12.0), at(15.0)));
    assert_eq!((request.slot, request.purchase), (None, 0));
}

#[test]
fn reloads_follow_from_start_to_start_however_slowly_the_page_answers() {
    let visit = Visit::begin(steadfast(), at(10.0))
        .reply(0.5, Reply::of(Outcome::NotOpen))
        .sleeps_until(12.0)
        .wake()
        .reply(1.9, Reply::of(Outcome::NotOpen))
        .sleeps_until(14.0)
        .wake();
    assert_eq!(visit.request().intended, at(14.0));
}

#[test]
fn a_page_slower_than_the_gap_is_reloaded_when_its_answer_comes() {
    let visit = Visit::begin(steadfast(), at(10.0)).reply(2.5, Reply::of(Outcome::NotOpen));
    assert_eq!(visit.request().intended, at(12.5));
    visit.reply(0.5, Reply::of(Outcome::NotOpen)).sleeps_until(14.5);
}

#[test]
fn a_crowd_reloads_as_often_as_its_mean_gap_says() {
    let gap = Law::Lognormal { median: seconds(6.1), sigma: 0.8 };
    let mut crowd = steadfast();
    crowd.behaviour.reload = Reload { gap, growth: 0.0, calls: 6, cacheable: 5 };
    (crowd.opens, crowd.closes) = (at(1_000.0), at(2_000.0));
    let (fans, mut reloads) = (500, 0_u32);
    for index in 0..fans {
        let mut fan = Fan::new(FanId { population: 0, index });
        let mut action = fan.step(Input::Arrived { at: Time::ZERO }, &crowd);
        loop {
            action = match action {
                Action::Send(request) if request.intended >= crowd.opens => break,
                Action::Send(request) => {
                    // The first 100 s are left out: all fans began at once.
                    reloads += u32::from(request.intended >= at(100.0));
                    let reply = Reply::of(Outcome::NotOpen);
                    fan.step(Input::Replied { at: request.intended + seconds(0.3), reply }, &crowd)
                }
                Action::Sleep { until } => fan.step(Input::Woke { at: until }, &crowd),
                Action::Leave(departure) => panic!("{departure}"),
            }
        }
    }
    let expected = f64::from(fans) * 900.0 / gap.mean().as_secs_f64();
    assert!((f64::from(reloads) / expected - 1.0).abs() < 0.01, "{reloads} of {expected}");
}

#[test]
fn a_page_that_is_open_leads_through_the_funnel() {
    let visit = Visit::begin(steadfast(), at(41.0)).asks(Operation::Reload);
    assert!(!visit.fan.entered_funnel());
    let visit = visit.outcome(Outcome::Ok).asks(Operation::Slots);
    assert!(visit.fan.entered_funnel());
    let visit = visit.outcome(Outcome::Ok).asks(Operation::Item);
    assert!(visit.request().slot.is_some_and(|slot| slot < 4));
    visit
        .outcome(Outcome::Ok)
        .asks(Operation::Cart)
        .outcome(Outcome::Ok)
        .asks(Operation::Checkout)
        .outcome(Outcome::Ok)
        .leaves(Departure::Bought);
}

#[test]
fn a_sale_without_slots_has_no_slots_step() {
    let visit = Visit::begin(on_their_way(Crowd { slots: 0, ..steadfast() }), at(41.0))
        .outcome(Outcome::Ok)
        .asks(Operation::Item)
        .outcome(Outcome::Ok)
        .outcome(Outcome::Ok)
        .asks(Operation::Checkout);
    assert_eq!(visit.request().slot, None);
}

#[test]
fn a_fan_thinks_before_each_step_of_the_funnel() {
    let mut crowd = steadfast();
    crowd.behaviour.think = constantly(1.5);
    Visit::begin(crowd, at(41.0))
        .outcome(Outcome::Ok)
        .sleeps_until(42.5)
        .wake()
        .asks(Operation::Slots)
        .outcome(Outcome::Ok)
        .sleeps_until(44.0)
        .wake()
        .asks(Operation::Item);
}

#[test]
fn a_crowd_without_reloads_enters_the_funnel_at_the_opening() {
    let crowd = without_page();
    let visit = Visit::begin(crowd.clone(), at(3.0)).sleeps_until(40.0);
    assert!(!visit.fan.entered_funnel());
    let visit = visit.wake().asks(Operation::Slots);
    assert!(visit.fan.entered_funnel());
    Visit::begin(crowd, at(44.0)).asks(Operation::Slots);
}

#[test]
fn a_fan_wants_one_item_for_good() {
    let crowd = Crowd { demand: vec![0.0, 1.0], ..steadfast() };
    let visit = Visit::to_checkout(crowd);
    let want = visit.fan.want(&visit.crowd);
    assert_eq!(want, Want { item: 1, quantity: 1 });
    let request = visit.outcome(Outcome::SoldOut).wake().outcome(Outcome::Ok).request();
    assert_eq!((request.item, request.quantity), (1, 1));
}

#[test]
fn wants_follow_demand_and_pieces_up_to_the_limit() {
    let mut crowd = Crowd { demand: vec![0.6, 0.0, 0.4], limit_per_fan: 2, ..steadfast() };
    crowd.behaviour.pieces = vec![0.5, 0.25, 0.25];
    let (fans, mut items, mut pieces) = (20_000, [0_u32; 3], [0_u32; 3]);
    for index in 0..fans {
        let want = Fan::new(FanId { population: 0, index }).want(&crowd);
        items[usize::from(want.item)] += 1;
        pieces[usize::from(want.quantity)] += 1;
    }
    let share = |count: u32| f64::from(count) / f64::from(fans);
    assert!((share(items[0]) - 0.6).abs() < 0.015 && items[1] == 0);
    // Those who want three take the two that they may have.
    assert!((share(pieces[1]) - 0.5).abs() < 0.015 && pieces[0] == 0);
    assert!((share(pieces[2]) - 0.5).abs() < 0.015);
}

#[test]
fn an_item_that_the_page_shows_as_gone_is_not_asked_for() {
    let mut crowd = Crowd { demand: vec![0.0, 1.0], ..steadfast() };
    let gone = Reply { items: Some(0b01), ..Reply::of(Outcome::Ok) };
    let visit = Visit::begin(crowd.clone(), at(41.0)).reply(0.0, gone);
    assert!(visit.fan.entered_funnel(), "it was told that the sale is open");
    visit.sleeps_until(46.0).wake().asks(Operation::Reload);
    crowd.behaviour.sold_out.leave = 1.0;
    Visit::begin(crowd, at(41.0)).reply(0.0, gone).leaves(Departure::SoldOut);
}

#[test]
fn a_slot_is_chosen_among_those_seen_as_available() {
    for seed in 0..50 {
        let seen = Reply { slots: Some(0b1010), ..Reply::of(Outcome::Ok) };
        let visit = Visit::begin(Crowd { seed, ..steadfast() }, at(41.0))
            .outcome(Outcome::Ok)
            .reply(0.0, seen);
        assert!(matches!(visit.request().slot, Some(1 | 3)));
    }
}

#[test]
fn no_slot_left_is_sold_out() {
    let none = Reply { slots: Some(0), ..Reply::of(Outcome::Ok) };
    let visit = Visit::begin(steadfast(), at(41.0)).outcome(Outcome::Ok).reply(0.0, none);
    visit.sleeps_until(46.0).wake().asks(Operation::Reload);
}

#[test]
fn a_full_slot_leads_to_each_other_slot_once_and_then_to_looking_again() {
    let full = Reply { short: Some(Short::Slot), ..Reply::of(Outcome::SoldOut) };
    let mut visit = Visit::to_checkout(steadfast());
    let mut tried = vec![visit.request().slot.unwrap()];
    for _ in 1..4 {
        visit = visit.reply(0.0, full).asks(Operation::Slots);
        visit = visit.outcome(Outcome::Ok).outcome(Outcome::Ok).outcome(Outcome::Ok);
        tried.push(visit.request().slot.unwrap());
    }
    let visit = visit.asks(Operation::Checkout);
    assert_eq!(visit.request().purchase, 0);
    tried.sort_unstable();
    assert_eq!(tried, [0, 1, 2, 3]);
    visit.reply(0.0, full).sleeps_until(50.0).wake().asks(Operation::Reload);
}

#[test]
fn slots_that_were_full_are_tried_again_after_looking_again() {
    let full = Reply { short: Some(Short::Slot), ..Reply::of(Outcome::SoldOut) };
    let crowd = on_their_way(Crowd { slots: 1, ..without_page() });
    let visit = Visit::to_checkout(crowd).reply(0.0, full).sleeps_until(50.0).wake();
    let visit = visit.asks(Operation::Slots).outcome(Outcome::Ok).asks(Operation::Item);
    assert_eq!(visit.request().slot, Some(0));
}

#[test]
fn without_reloads_a_fan_looks_again_at_its_item() {
    let crowd = without_page();
    let visit = Visit::to_checkout(crowd).outcome(Outcome::SoldOut).sleeps_until(50.0).wake();
    visit.asks(Operation::Item).outcome(Outcome::Ok).asks(Operation::Cart);
}

#[test]
fn a_declined_fan_tries_one_other_card_as_another_purchase() {
    let visit = Visit::to_checkout(steadfast());
    let first = visit.request();
    let visit = visit.outcome(Outcome::Declined).asks(Operation::Checkout);
    assert_eq!(visit.request(), Request { purchase: 1, ..first });
    visit.outcome(Outcome::Declined).leaves(Departure::Declined);
}

#[test]
fn a_declined_fan_without_another_card_leaves() {
    let mut crowd = steadfast();
    crowd.behaviour.other_card = 0.0;
    Visit::to_checkout(crowd).outcome(Outcome::Declined).leaves(Departure::Declined);
}

#[test]
fn an_unknown_checkout_is_tried_again_under_the_same_purchase() {
    let visit = Visit::to_checkout(steadfast());
    let first = visit.request();
    let second = visit.reply(3.0, Reply::of(Outcome::Unknown)).sleeps_until(49.0).wake().request();
    assert_eq!(Request { intended: first.intended, deadline: first.deadline, ..second }, first);
    assert_eq!((second.intended, second.deadline), (at(49.0), at(52.0)));
}

#[test]
fn a_refused_fan_backs_off_further_each_time_and_gives_up_at_last() {
    Visit::to_checkout(steadfast())
        .outcome(Outcome::RateLimited)
        .sleeps_until(46.0)
        .wake()
        .outcome(Outcome::Error)
        .sleeps_until(48.0)
        .wake()
        .outcome(Outcome::Shed)
        .sleeps_until(52.0)
        .wake()
        .outcome(Outcome::Unknown)
        .leaves(Departure::GaveUp);
}

#[test]
fn another_answer_ends_a_row_of_refusals() {
    let visit = Visit::begin(steadfast(), at(41.0)).outcome(Outcome::RateLimited).wake();
    visit.outcome(Outcome::Ok).outcome(Outcome::RateLimited).sleeps_until(43.0);
    let mut visit = Visit::to_checkout(Crowd { closes: at(1_000.0), ..steadfast() });
    for _ in 0..10 {
        visit = visit.outcome(Outcome::RateLimited).wake().outcome(Outcome::Waiting).wake();
    }
    visit.asks(Operation::Checkout);
}

#[test]
fn no_attempts_means_no_retry() {
    let mut crowd = steadfast();
    crowd.behaviour.retry.attempts = 0;
    Visit::to_checkout(crowd).outcome(Outcome::Error).leaves(Departure::GaveUp);
}

#[test]
fn a_fan_may_give_up_at_the_first_refusal() {
    let mut crowd = steadfast();
    crowd.behaviour.retry.give_up = 1.0;
    Visit::begin(crowd, at(3.0)).outcome(Outcome::RateLimited).leaves(Departure::GaveUp);
}

#[test]
fn retry_after_is_honoured_only_by_those_who_honour_it() {
    let told = Reply { retry_after: Some(seconds(7.0)), ..Reply::of(Outcome::RateLimited) };
    let mut crowd = steadfast();
    Visit::to_checkout(crowd.clone()).reply(0.0, told).sleeps_until(52.0);
    crowd.behaviour.retry.honour_retry_after = false;
    Visit::to_checkout(crowd).reply(0.0, told).sleeps_until(46.0);
}

#[test]
fn the_random_share_of_a_back_off_is_jitter() {
    let law = Retry { jitter: 0.5, ..steadfast().behaviour.retry };
    let range = |refusal, retry_after: Option<f64>| {
        let pauses = (0..1_000).map(|n| {
            let draw = draw(1, ID, Purpose::Backoff, n);
            law.pause(refusal, retry_after.map(seconds), draw).as_secs_f64()
        });
        pauses.fold((f64::MAX, 0.0_f64), |(least, most), pause| (least.min(pause), most.max(pause)))
    };
    let (least, most) = range(3, None);
    assert!((2.0..2.01).contains(&least) && (3.99..=4.0).contains(&most), "{least} {most}");
    let (least, most) = range(3, Some(9.0));
    assert!((9.0..9.01).contains(&least) && (10.99..=11.0).contains(&most), "{least} {most}");
    let (least, most) = range(u16::MAX, None);
    assert!((10.0..10.05).contains(&least) && (19.9..=20.0).contains(&most), "{least} {most}");
}

#[test]
fn a_base_of_zero_never_waits_longer_than_the_shortest_pause() {
    let retry = Retry { base: Span(Duration::ZERO), ..steadfast().behaviour.retry };
    let pause = retry.pause(u16::MAX, None, draw(1, ID, Purpose::Backoff, 0));
    assert_eq!(pause, SHORTEST_PAUSE);
}

#[test]
fn waiting_has_no_limit_but_patience_and_keeps_the_purchase() {
    let mut crowd = Crowd { closes: at(10_000.0), ..steadfast() };
    crowd.behaviour.patience = constantly(100.0);
    let mut visit = Visit::to_checkout(crowd);
    let first = visit.request();
    let mut asked = 1;
    while let Action::Send(request) = visit.action {
        assert_eq!(
            Request { intended: first.intended, deadline: first.deadline, ..request },
            first
        );
        let slept_from = visit.now;
        visit = visit.outcome(Outcome::Waiting);
        let Action::Sleep { until } = visit.action else { panic!("{:?}", visit.action) };
        assert!(until - slept_from <= seconds(1.2));
        assert!(until - slept_from >= seconds(1.0) || until == at(145.0));
        visit = visit.wake();
        asked += 1;
    }
    assert!(asked > 75);
    assert_eq!(visit.now, at(145.0));
    visit.leaves(Departure::Reneged);
}

#[test]
fn a_crowd_told_the_same_second_does_not_come_back_as_one() {
    let told = Reply { retry_after: Some(seconds(10.0)), ..Reply::of(Outcome::Waiting) };
    let moments: std::collections::BTreeSet<Time> = (0..100)
        .map(|seed| Visit::to_checkout(Crowd { seed, ..steadfast() }).reply(0.0, told).wake().now)
        .collect();
    assert_eq!(moments.len(), 100);
    assert!(moments.iter().all(|moment| (at(55.0)..=at(57.0)).contains(moment)));
}

#[test]
fn patience_counts_from_the_opening_and_ends_a_sleep_at_its_true_time() {
    let mut crowd = steadfast();
    crowd.behaviour.patience = constantly(7.0);
    let visit = Visit::begin(crowd.clone(), at(3.0)).outcome(Outcome::NotOpen).wake();
    assert_eq!(visit.fan.patience_ends, at(47.0));
    crowd.behaviour.think = constantly(8.0);
    let visit = Visit::begin(crowd, at(41.0)).outcome(Outcome::Ok).sleeps_until(48.0).wake();
    visit.leaves(Departure::Reneged);
}

#[test]
fn an_answer_after_the_end_of_patience_is_not_acted_on() {
    let mut crowd = steadfast();
    crowd.behaviour.patience = constantly(2.0);
    Visit::begin(crowd, at(41.0)).reply(2.1, Reply::of(Outcome::Ok)).leaves(Departure::Reneged);
}

#[test]
fn a_sleep_that_ends_with_patience_is_still_followed_up() {
    let mut crowd = steadfast();
    crowd.behaviour.patience = constantly(2.0);
    let visit = Visit::begin(crowd, at(41.0)).outcome(Outcome::NotOpen).sleeps_until(43.0).wake();
    visit.asks(Operation::Reload).outcome(Outcome::Ok).asks(Operation::Slots);
}

#[test]
fn patience_longer_than_the_sale_lets_the_last_answer_count() {
    let mut crowd = steadfast();
    crowd.behaviour.patience = constantly(100.0);
    crowd.behaviour.other_card = 0.0;
    let late = Visit::to_checkout(crowd).reply(200.0, Reply::of(Outcome::Declined));
    late.leaves(Departure::Declined);
}

#[test]
fn a_checkout_answered_ok_is_bought_whenever_it_is_answered() {
    let mut crowd = steadfast();
    crowd.behaviour.patience = constantly(2.0);
    Visit::to_checkout(crowd).reply(60.0, Reply::of(Outcome::Ok)).leaves(Departure::Bought);
}

#[test]
fn nothing_is_sent_once_the_sale_has_closed() {
    Visit::begin(steadfast(), CLOSES).leaves(Departure::Expired);
    let late = || Visit::begin(steadfast(), at(69.0));
    late().reply(1.0, Reply::of(Outcome::Ok)).leaves(Departure::Expired);
    let visit = late().reply(0.5, Reply::of(Outcome::NotOpen)).sleeps_until(70.0).wake();
    visit.leaves(Departure::Expired);
    late().reply(1.5, Reply::of(Outcome::Error)).leaves(Departure::Expired);
}

#[test]
fn a_rejection_after_the_closing_is_the_closing() {
    let late = || Visit::begin(steadfast(), at(69.0));
    late().reply(0.9, Reply::of(Outcome::Rejected)).leaves(Departure::Rejected);
    late().reply(1.0, Reply::of(Outcome::Rejected)).leaves(Departure::Expired);
}

#[test]
fn a_fan_may_turn_away_before_a_step() {
    let mut crowd = steadfast();
    crowd.behaviour.abandon = 1.0;
    let visit = Visit::begin(crowd, at(41.0)).outcome(Outcome::Ok);
    assert!(visit.fan.entered_funnel());
    visit.leaves(Departure::Balked);
}

#[test]
fn a_funnel_that_is_not_open_leads_back_to_the_page() {
    let visit = Visit::begin(steadfast(), at(41.0)).outcome(Outcome::Ok).asks(Operation::Slots);
    visit.reply(0.5, Reply::of(Outcome::NotOpen)).sleeps_until(43.0).wake().asks(Operation::Reload);
    let crowd = without_page();
    let visit = Visit::begin(crowd, at(41.0)).reply(0.5, Reply::of(Outcome::NotOpen));
    visit.sleeps_until(43.5).wake().asks(Operation::Slots);
}

#[test]
fn choices_do_not_hang_on_how_often_the_page_was_reloaded() {
    let funnel = |visit: Visit| {
        let visit = visit.outcome(Outcome::Ok).outcome(Outcome::Ok);
        let request = visit.asks(Operation::Item).request();
        (request.item, request.slot, request.quantity)
    };
    let early = Visit::begin(steadfast(), at(39.0)).outcome(Outcome::NotOpen).wake();
    let late = Visit::begin(steadfast(), at(41.0));
    assert_eq!(funnel(early), funnel(late));
}

#[test]
#[should_panic(expected = "fan 0-417 is Gone")]
fn a_world_that_speaks_to_a_fan_that_left_is_wrong() {
    let mut visit = Visit::begin(steadfast(), CLOSES);
    visit.fan.step(Input::Woke { at: CLOSES }, &visit.crowd);
}
