//! What a fan promises by properties: whatever the shop answers, on every way.

use proptest::collection::vec;
use proptest::prelude::*;

use super::strategies::{crowds, replies};
use super::*;

/// Every input of a visit with the action that answered it, up to its departure. Answers are
/// taken from `script` in turn; when it begins anew, nobody is told to wait any more.
fn live_through(
    crowd: &Crowd,
    arrival: Time,
    script: &[(Duration, Reply)],
) -> Vec<(Input, Action)> {
    // Between two pauses, each slot is tried at most once, by way of every stage.
    let bound = 10_000 * (2 + crowd.route.stages.len() * (usize::from(crowd.slots) + 1));
    let mut fan = Fan::new(ID);
    let mut input = Input::Arrived { at: arrival };
    let mut visit = Vec::new();
    let mut answered = 0;
    loop {
        let action = fan.step(input.clone(), crowd);
        visit.push((input, action));
        assert!(visit.len() < bound, "a fan leaves at last");
        input = match action {
            Action::Leave(_) => return visit,
            Action::Sleep { until } => Input::Woke { at: until },
            Action::Send(request) => {
                let (latency, mut reply) = script[answered % script.len()];
                if answered >= script.len() && reply.outcome == Outcome::Waiting {
                    reply.outcome = Outcome::Error;
                }
                answered += 1;
                Input::Replied { at: request.intended + latency, reply }
            }
        };
    }
}

fn moment(input: &Input) -> Time {
    match input {
        Input::Arrived { at } | Input::Woke { at } | Input::Replied { at, .. } => *at,
    }
}

/// The end of patience, and whether it comes before that of the sale.
fn patience_ends(crowd: &Crowd, arrival: Time) -> Time {
    let patience = crowd.behaviour.patience.sample(draw(crowd.seed, ID, Purpose::Patience, 0));
    arrival.max(crowd.opens) + patience
}

proptest! {
    #[test]
    fn time_never_runs_backwards_and_nobody_outstays(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let arrival = Time::from_millis(arrival);
        let end = patience_ends(&crowd, arrival).min(crowd.closes);
        for (input, action) in live_through(&crowd, arrival, &script) {
            match action {
                Action::Send(request) => {
                    prop_assert_eq!(request.intended, moment(&input));
                    let stage = &crowd.route.stages[usize::from(request.stage)];
                    prop_assert_eq!(request.operation, stage.operation);
                    let usual = crowd.behaviour.timeout.0;
                    let own = stage.timeout.unwrap_or(usual);
                    if stage.operation == Operation::Poll {
                        prop_assert!(request.deadline > request.intended);
                        prop_assert!(request.deadline <= request.intended + usual.min(own));
                    } else {
                        prop_assert_eq!(request.deadline, request.intended + own);
                    }
                    let polls = stage.operation == Operation::Poll;
                    let in_time = request.intended < crowd.closes && request.intended <= end;
                    prop_assert!(polls || in_time);
                }
                Action::Sleep { until } => {
                    let polls = crowd.route.stages.iter().any(|one| one.operation == Operation::Poll);
                    prop_assert!(until >= moment(&input) && (polls || until <= end));
                }
                Action::Leave(Departure::Reneged | Departure::Expired) => {
                    prop_assert!(moment(&input) >= end);
                }
                Action::Leave(_) => {}
            }
        }
    }

    #[test]
    fn what_is_asked_is_for_sale_and_within_the_limit(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let arrival = Time::from_millis(arrival);
        let want = Fan::new(ID).want(&crowd);
        prop_assert!(usize::from(want.item) < crowd.demand.len());
        prop_assert!((1..=crowd.limit_per_fan).contains(&u32::from(want.quantity)));
        for (_, action) in live_through(&crowd, arrival, &script) {
            if let Action::Send(request) = action {
                prop_assert_eq!((request.item, request.quantity), (want.item, want.quantity));
                prop_assert!(request.slot.is_none_or(|slot| slot < crowd.slots));
                let carries = matches!(request.operation, Operation::Cart | Operation::Checkout);
                prop_assert!(!carries || request.slot.is_some() == (crowd.slots > 0));
            }
        }
    }

    #[test]
    fn the_same_inputs_lead_to_the_same_actions(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let visit = live_through(&crowd, Time::from_millis(arrival), &script);
        let mut again = Fan::new(ID);
        for (input, action) in visit {
            prop_assert_eq!(again.step(input, &crowd), action);
        }
    }

    #[test]
    fn nobody_polls_unless_told_to_nor_beyond_the_end_of_the_polling(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let is_poll = |stage: u8| crowd.route.is(stage, Operation::Poll);
        let mut latest: Option<Request> = None;
        let mut told = false;
        let mut began: Option<Time> = None;
        for (input, action) in live_through(&crowd, Time::from_millis(arrival), &script) {
            if let Input::Replied { reply, .. } = &input {
                told = crowd.route.known(reply.then).is_some_and(is_poll);
            }
            if let Action::Send(request) = action {
                let polled = latest.filter(|latest| is_poll(latest.stage));
                if is_poll(request.stage) {
                    prop_assert!(told || polled.is_some_and(|poll| poll.stage == request.stage));
                    let began = *began.get_or_insert(request.intended);
                    let own = crowd.route.stages[usize::from(request.stage)].timeout;
                    let over = began + own.unwrap_or(crowd.behaviour.timeout.0);
                    prop_assert!(request.intended < over && request.deadline <= over);
                } else {
                    began = None;
                }
                latest = Some(request);
            }
        }
    }

    #[test]
    fn no_stage_is_asked_without_end_in_one_instant(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let mut instant = (Time::ZERO, 0);
        for (input, action) in live_through(&crowd, Time::from_millis(arrival), &script) {
            let at = moment(&input);
            instant = if at == instant.0 { (at, instant.1 + 1) } else { (at, 1) };
            let slots = usize::from(crowd.slots) + 2;
            // One pass for each slot, one more by another card, and one after looking again.
            let bound = 4 + (slots + 2) * (crowd.route.stages.len() + 1);
            prop_assert!(instant.1 <= bound, "{} inputs at {at:?}, now {action:?}", instant.1);
        }
    }

    #[test]
    fn nobody_walks_the_funnel_before_the_opening_who_was_not_led_into_it(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let mut fan = Fan::new(ID);
        let (mut latest, mut led) = (None, false);
        for (input, action) in live_through(&crowd, Time::from_millis(arrival), &script) {
            if let Input::Replied { reply, .. } = &input {
                let open = reply.outcome == Outcome::Ok && crowd.route.page() == latest;
                led |= open || reply.then.is_some_and(|then| then >= crowd.route.funnel());
            }
            let was_inside = fan.entered_funnel();
            fan.step(input, &crowd);
            prop_assert!(fan.entered_funnel() || !was_inside, "nobody is outside again");
            if let Action::Send(request) = action {
                latest = Some(request.stage);
                if request.stage >= crowd.route.funnel() {
                    prop_assert!(fan.entered_funnel());
                    prop_assert!(led || request.intended >= crowd.opens);
                }
            }
        }
    }

    #[test]
    fn only_a_decline_begins_another_purchase_and_only_an_ok_ends_in_one(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let mut latest: Option<Request> = None;
        let mut declined = false;
        for (input, action) in live_through(&crowd, Time::from_millis(arrival), &script) {
            let pays = |request: Request| {
                matches!(request.operation, Operation::Checkout | Operation::Poll)
            };
            let stages = &crowd.route.stages;
            let last = stages.iter().rposition(|stage| stage.operation == Operation::Checkout);
            let (mut settled, mut refused) = (false, false);
            if let (Some(request), Input::Replied { reply, .. }) = (latest, &input) {
                let leads_on = reply.then.is_some_and(|then| usize::from(then) < stages.len());
                let is_last = request.operation == Operation::Poll
                    || last == Some(usize::from(request.stage));
                settled = reply.outcome == Outcome::Ok && is_last && !leads_on;
                refused = reply.outcome == Outcome::Declined && pays(request);
            }
            declined |= refused;
            prop_assert_eq!(action == Action::Leave(Departure::Bought), settled);
            if let Action::Send(request) = action {
                let before = latest.map_or(0, |request| request.purchase);
                prop_assert!(request.purchase == before || (declined && request.purchase == 1));
                latest = Some(request);
            }
        }
    }

    #[test]
    fn refused_and_waiting_requests_are_repeated_as_they_were_after_the_wait_asked_for(
        crowd in crowds(), arrival in 0..8_000_u64, script in vec(replies(), 1..40),
    ) {
        let arrival = Time::from_millis(arrival);
        let end = patience_ends(&crowd, arrival).min(crowd.closes);
        let mut latest: Option<Request> = None;
        // The stage that the latest answer leads to, if that repeats what was asked.
        let mut repeats: Option<u8> = None;
        for (input, action) in live_through(&crowd, arrival, &script) {
            if let (Input::Replied { reply, at }, Some(asked)) = (&input, latest) {
                let waits = reply.outcome == Outcome::Waiting;
                let refused = matches!(
                    reply.outcome,
                    Outcome::RateLimited | Outcome::Error | Outcome::Unknown | Outcome::Shed
                );
                let then = crowd.route.known(reply.then);
                repeats = (waits || refused).then(|| then.unwrap_or(asked.stage));
                let retry = crowd.route.stages[usize::from(asked.stage)].retry.as_ref();
                let retry = retry.unwrap_or(&crowd.behaviour.retry);
                let told = reply.retry_after.filter(|_| waits || retry.honour_retry_after);
                let polls = repeats.is_some_and(|next| crowd.route.is(next, Operation::Poll));
                // The end of a polling cuts a wait short; another property holds that end.
                let least = told.filter(|_| !polls).unwrap_or_default().max(SHORTEST_PAUSE);
                if let Action::Sleep { until } = action && repeats.is_some() && !polls {
                    prop_assert!(until >= (*at + least).min(end));
                }
                prop_assert!(repeats.is_none() || !matches!(action, Action::Send(_)));
            }
            if let Action::Send(request) = action {
                if let Some((first, stage)) = latest.zip(repeats) {
                    let over = crowd.route.is(stage, Operation::Poll) && request.stage != stage;
                    let stage = if over { crowd.route.last_checkout().unwrap() } else { stage };
                    let operation = crowd.route.stages[usize::from(stage)].operation;
                    let timed = Request {
                        operation,
                        stage,
                        intended: request.intended,
                        deadline: request.deadline,
                        // Who is led past the slots chooses one then.
                        slot: first.slot.or(request.slot),
                        ..first
                    };
                    prop_assert_eq!(request, timed);
                }
                latest = Some(request);
                repeats = None;
            }
        }
    }

    #[test]
    fn a_shop_that_always_says_the_same_is_left_soon(
        crowd in crowds(), outcome in prop::sample::select(vec![
            Outcome::Ok, Outcome::Declined, Outcome::Rejected, Outcome::RateLimited,
            Outcome::Error, Outcome::Unknown, Outcome::Shed,
        ]),
    ) {
        let visit = live_through(&crowd, crowd.opens, &[(Duration::ZERO, Reply::of(outcome))]);
        // As many operations and thoughts as there are stages and one more by another card, or as
        // many tries and sleeps as there are attempts.
        let retries = crowd.route.stages.iter().filter_map(|stage| stage.retry.as_ref());
        let attempts = retries.chain([&crowd.behaviour.retry]).map(|retry| retry.attempts).max();
        let stages = crowd.route.stages.len();
        let bound = (2 * stages + 4).max(2 * usize::from(attempts.unwrap_or(0)) + 4);
        prop_assert!(visit.len() <= bound, "{} inputs", visit.len());
    }

    #[test]
    fn the_median_gap_is_the_longer_of_the_median_and_the_growth(
        median_ms in 1..10_000_u64, growth in 0.0..0.1_f64, distance_ms in 0..600_000_u64,
    ) {
        let median = Duration::from_millis(median_ms);
        let distance = Duration::from_millis(distance_ms);
        let gap = Law::Lognormal { median, sigma: 0.8 };
        let reload = Reload { gap, growth, ..Reload::default() };
        let Law::Lognormal { median: found, sigma } = reload.gap_at(distance) else {
            panic!("the law stays lognormal")
        };
        prop_assert_eq!(sigma.to_bits(), 0.8_f64.to_bits());
        let expected = f64::max(median.as_secs_f64(), growth * distance.as_secs_f64());
        prop_assert!((found.as_secs_f64() - expected).abs() < 2e-9);
    }
}
