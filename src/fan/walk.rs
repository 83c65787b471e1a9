//! The walk along a route: which stage is next, and how it is asked.

use domain::draw::Purpose;
use domain::outcome::{Departure, Operation};
use domain::time::{Duration, Time};

use super::behaviour::Retry;
use super::route::Stage;
use super::{Action, Crowd, Fan, Heard, Next, Phase, Request, SHORTEST_PAUSE, Want, count};

impl Heard {
    /// Where the answer leads that usually leads to `usual`.
    pub(super) fn leads_to(self, usual: u8) -> u8 {
        self.then.unwrap_or(usual)
    }

    /// The least pause before the next step: an answer that leads back could do so without end.
    pub(super) fn rest(self) -> Duration {
        let leads_back = self.then.is_some_and(|then| then <= self.asked);
        if leads_back { SHORTEST_PAUSE } else { Duration::ZERO }
    }
}

impl Crowd {
    /// The stage of that number, which the route has.
    pub(super) fn stage(&self, number: u8) -> &Stage {
        &self.route.stages[usize::from(number)]
    }

    /// How long an answer of a stage is waited for or, of a poll, how long is polled.
    pub(super) fn timeout(&self, stage: u8) -> Duration {
        self.stage(stage).timeout.unwrap_or(self.behaviour.timeout.0)
    }

    /// What a refusal of a stage leads to.
    pub(super) fn retry(&self, stage: u8) -> &Retry {
        self.stage(stage).retry.as_ref().unwrap_or(&self.behaviour.retry)
    }
}

impl Fan {
    /// Whether it takes a stage where that stands in its way: drawn once, the same whenever it is
    /// asked for.
    pub(super) fn takes(&self, stage: u8, crowd: &Crowd) -> bool {
        let chance = crowd.stage(stage).chance;
        chance >= 1.0 || self.draw(crowd, Purpose::Branch, u32::from(stage)).chance(chance)
    }

    /// The page that it looks at until the sale is open; absent: it waits for the opening.
    pub(super) fn page(&self, crowd: &Crowd) -> Option<u8> {
        crowd.route.page().filter(|page| self.takes(*page, crowd))
    }

    /// The stage of the funnel that is next in order, from number `from` on: nobody comes to a poll
    /// that no answer named, nor beyond the last checkout.
    pub(super) fn next_stage(&self, from: u8, crowd: &Crowd) -> Option<u8> {
        let last = crowd.route.last_checkout()?;
        (from..=last).find(|stage| self.comes_to(*stage, crowd))
    }

    fn comes_to(&self, stage: u8, crowd: &Crowd) -> bool {
        !crowd.route.is(stage, Operation::Poll) && self.takes(stage, crowd)
    }

    /// On its way to the opening: takes the stages before it in order, from number `from` on, and
    /// then looks at the page, or sleeps until the sale opens.
    pub(super) fn approach(&mut self, from: u8, at: Time, crowd: &Crowd) -> Action {
        let mut before = from..crowd.route.opening();
        if let Some(stage) = before.find(|stage| self.comes_to(*stage, crowd)) {
            return self.think(stage, Duration::ZERO, at, crowd);
        }
        match self.page(crowd) {
            Some(page) if crowd.stage(page).think.is_some() => {
                self.think(page, Duration::ZERO, at, crowd)
            }
            Some(page) => self.send(page, at, crowd),
            None if at < crowd.opens => self.pause(crowd.opens, Next::Enter, at, crowd),
            None => self.enter(at, crowd),
        }
    }

    /// Takes a step of the funnel after some thought, at least `rest`, unless it turns away first.
    pub(super) fn take_step(
        &mut self,
        stage: u8,
        rest: Duration,
        at: Time,
        crowd: &Crowd,
    ) -> Action {
        if self.draw(crowd, Purpose::Abandon, u32::from(self.steps)).chance(crowd.behaviour.abandon)
        {
            self.leave(Departure::Balked)
        } else {
            self.think(stage, rest, at, crowd)
        }
    }

    /// Asks a stage after some thought, at least `rest`.
    pub(super) fn think(&mut self, stage: u8, rest: Duration, at: Time, crowd: &Crowd) -> Action {
        let n = count(&mut self.steps);
        let law = crowd.stage(stage).think.unwrap_or(crowd.behaviour.think);
        let thought = law.sample(self.draw(crowd, Purpose::Think, n)).max(rest);
        let from = self.await_what_was_announced(stage, at, crowd);
        self.head_for(stage, from + thought, at, crowd)
    }

    /// From when on it may ask a stage. Who waits for a moment that was announced does other things
    /// meanwhile, and loses no patience.
    fn await_what_was_announced(&mut self, stage: u8, at: Time, crowd: &Crowd) -> Time {
        let announced = crowd.stage(stage).not_before.map(|after| crowd.opens + after);
        let from = announced.map_or(at, |announced| announced.max(at));
        self.patience_ends += from - at;
        from
    }

    /// Asks a stage at `until`, or at once if that is `at`.
    pub(super) fn head_for(&mut self, stage: u8, until: Time, at: Time, crowd: &Crowd) -> Action {
        let polls = crowd.route.is(stage, Operation::Poll);
        let until = if polls { self.next_poll(stage, until, at, crowd) } else { until };
        if until == at {
            self.send(stage, at, crowd)
        } else {
            self.pause(until, Next::Send(stage), at, crowd)
        }
    }

    pub(super) fn send(&mut self, stage: u8, at: Time, crowd: &Crowd) -> Action {
        let operation = crowd.stage(stage).operation;
        if at >= crowd.closes && operation != Operation::Poll {
            return self.leave(Departure::Expired);
        }
        let mut deadline = at + crowd.timeout(stage);
        if operation == Operation::Poll {
            let over = self.polling_ends(stage, crowd);
            if at >= over {
                return self.doubt(at, crowd);
            }
            deadline = over.min(at + crowd.behaviour.timeout.0);
        }
        self.prepare(stage, operation, at, crowd);
        self.phase = Phase::Asking(stage);
        let Want { item, quantity } = self.want(crowd);
        Action::Send(Request {
            operation,
            stage,
            intended: at,
            deadline,
            item,
            slot: self.slot.map(super::SlotPlace::get),
            quantity,
            purchase: self.progress.purchase(),
        })
    }

    /// Notes what asking a stage means for what it remembers.
    fn prepare(&mut self, stage: u8, operation: Operation, at: Time, crowd: &Crowd) {
        if operation == Operation::Reload {
            self.since = at;
        }
        if !matches!(operation, Operation::Checkout | Operation::Poll) {
            self.progress.end_row();
        }
        if stage >= crowd.route.funnel() {
            self.progress.enter();
        }
        self.settle_on_slot(stage, operation, crowd);
    }
}
