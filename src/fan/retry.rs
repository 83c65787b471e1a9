//! What refusals, failures, silence and waiting lead to: asking again for the same thing.

use domain::draw::{Draw, Purpose};
use domain::outcome::Departure;
use domain::time::{Duration, duration_from_seconds};

use super::behaviour::Retry;
use super::{Action, Crowd, Fan, Heard, SHORTEST_PAUSE, count};

/// How long a fan waits that is told to wait but not how long.
const WAIT_DEFAULT: Duration = Duration::from_secs(1);

/// The longest share of a wait that is added to it at random: a crowd told the same second must
/// not come back as one.
const WAIT_JITTER: f64 = 0.2;

impl Retry {
    /// How long to wait after refusal number `refusal` in a row, counted from 1.
    ///
    /// The back-off is v = min(cap, base · factor^(refusal − 1)), of which the share `jitter` is
    /// random: uniform in \[v · (1 − jitter), v\]; a jitter of 1 is the "full jitter" and 0.5 the
    /// "equal jitter" of M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015.
    /// A Retry-After that is honoured takes the place of the fixed share where it is longer; the
    /// random share comes on top, for everybody was told the same.
    pub fn pause(&self, refusal: u16, retry_after: Option<Duration>, draw: Draw) -> Duration {
        let base_s = self.base.0.as_secs_f64();
        let growth = libm::pow(self.factor, f64::from(refusal.saturating_sub(1)));
        // A base of zero stays zero, although zero times infinity is not a number.
        let longest_s =
            if base_s > 0.0 { (base_s * growth).min(self.cap.0.as_secs_f64()) } else { 0.0 };
        let fixed = duration_from_seconds(longest_s * (1.0 - self.jitter));
        let asked = retry_after.filter(|_| self.honour_retry_after).unwrap_or_default();
        let random = duration_from_seconds(longest_s * self.jitter * draw.uniform());
        fixed.max(asked).saturating_add(random).max(SHORTEST_PAUSE)
    }
}

impl Fan {
    /// Refused, failed, unanswered or never sent: tries the same again, or what the answer names,
    /// under the same purchase, unless it gives up.
    pub(super) fn retry(
        &mut self,
        heard: Heard,
        retry_after: Option<Duration>,
        crowd: &Crowd,
    ) -> Action {
        let retry = crowd.retry(heard.asked);
        let n = count(&mut self.pauses);
        if self.refusals >= retry.attempts
            || self.draw(crowd, Purpose::GiveUp, n).chance(retry.give_up)
        {
            return self.leave(Departure::GaveUp);
        }
        self.refusals = self.refusals.saturating_add(1);
        let draw = self.draw(crowd, Purpose::Backoff, n);
        let until = heard.at + retry.pause(self.refusals, retry_after, draw);
        self.head_for(heard.leads_to(heard.asked), until, heard.at, crowd)
    }

    /// Told to wait: asks the same again when it is time, or what the answer names, under the same
    /// purchase. That is no retry, and only patience limits it, or the time that a poll has.
    pub(super) fn wait(
        &mut self,
        heard: Heard,
        retry_after: Option<Duration>,
        crowd: &Crowd,
    ) -> Action {
        self.refusals = 0;
        let next = heard.leads_to(heard.asked);
        let n = count(&mut self.pauses);
        let pause = match (retry_after, crowd.stage(next).every) {
            // Its own habit: nobody told a whole crowd the same.
            (None, Some(every)) => every.max(SHORTEST_PAUSE),
            (told, _) => {
                let wait = told.unwrap_or(WAIT_DEFAULT).max(SHORTEST_PAUSE);
                let share = WAIT_JITTER * self.draw(crowd, Purpose::Waiting, n).uniform();
                wait.saturating_add(duration_from_seconds(wait.as_secs_f64() * share))
            }
        };
        self.head_for(next, heard.at + pause, heard.at, crowd)
    }
}
