//! Polling: asking again and again what became of a checkout that was not settled at once.

use domain::outcome::{Departure, Operation};
use domain::time::Time;

use super::{Action, Crowd, Fan, Heard, Next, Phase};

impl Fan {
    /// Whether what it asked last is a poll.
    fn is_polling(&self, crowd: &Crowd) -> bool {
        matches!(self.phase, Phase::Asking(stage) if crowd.route.is(stage, Operation::Poll))
    }

    /// When the polling is over that began with the first poll, as far as `poll` says.
    pub(super) fn polling_ends(&self, poll: u8, crowd: &Crowd) -> Time {
        self.since + crowd.timeout(poll)
    }

    /// When it asks `poll` that means to do so at `until`: then or, if the polling is over before,
    /// at that end, where it will find out. The first poll begins the polling.
    pub(super) fn next_poll(&mut self, poll: u8, until: Time, at: Time, crowd: &Crowd) -> Time {
        if !self.is_polling(crowd) {
            self.since = until;
        }
        until.min(self.polling_ends(poll, crowd)).max(at)
    }

    /// Whether a sleep until `until` is one between polls that the end of the sale does not cut.
    pub(super) fn polls_past_the_close(&self, next: Next, until: Time, crowd: &Crowd) -> bool {
        let polls = matches!(next, Next::Send(stage) if crowd.route.is(stage, Operation::Poll));
        polls && until >= crowd.closes && self.patience_ends >= crowd.closes
    }

    /// Whether an answer that settles nothing came when there is no time left to poll on.
    pub(super) fn polls_in_vain(&self, heard: Heard, crowd: &Crowd) -> bool {
        let next = heard.leads_to(heard.asked);
        let polls_on = crowd.route.is(next, Operation::Poll) && self.is_polling(crowd);
        polls_on && heard.at >= self.polling_ends(next, crowd)
    }

    /// Polling is over, and nobody knows what came of the checkout: it counts as unanswered, and is
    /// asked for again under the same purchase unless the fan gives up.
    pub(super) fn doubt(&mut self, at: Time, crowd: &Crowd) -> Action {
        let Some(checkout) = crowd.route.last_checkout() else {
            return self.leave(Departure::GaveUp);
        };
        self.refusals = self.progress.run_out();
        self.retry(Heard { asked: checkout, then: None, at }, None, crowd)
    }
}
