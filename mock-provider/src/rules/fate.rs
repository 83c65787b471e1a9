//! What becomes of a payment: a function of seed, merchant reference (or key), card and operation,
//! and never of the order of arrival, so that both worlds see the same fates.

use std::collections::{HashMap, VecDeque};

use domain::draw::{Draw, Purpose, draw_for, number_of};
use domain::provider::PaymentOperation;
use domain::time::{Duration, Time};

use super::card::Fate;
use super::intent::{Answer, Challenge, Word};
use super::request::{Presence, Source};
use crate::settings::{Cards, Settings};

/// How many interrupted calls are remembered: only those that met a fault, each for its next try.
const INTERRUPTED_MAX: usize = 100_000;

/// By how much brown-outs on top of each other slow a call down at most: a second then takes more
/// than a week.
const SLOWER_MAX: f64 = 1e6;

/// What goes wrong with a call that the provider accepts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// Takes effect, and its answer never comes.
    CommitThenTimeout,
    /// Takes effect, and a 5xx is told.
    CommitThenFail,
    /// Takes effect, and the connection is reset.
    CommitThenReset,
    /// A 5xx is told, and nothing has happened.
    FailThenRollBack,
    /// The connection is reset, and nothing has happened.
    ResetBeforeCommit,
    /// Nothing happens, and no answer comes.
    TimeoutBeforeCommit,
    /// The answer's body trickles.
    SlowBody(Duration),
}

/// Whose fate is drawn: a number for the reference or, where there is none, the key.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    who: u64,
    /// A number for the merchant account: its tries are no other's, but its fates are.
    account: u64,
    operation: PaymentOperation,
    /// How many earlier tries of the same call met a fault.
    tries: u32,
}

/// The tries of calls that met a fault.
#[derive(Debug, Default)]
pub(super) struct Tries {
    counts: HashMap<Tried, u32>,
    order: VecDeque<Tried>,
}

/// Account, reference or key, and operation.
type Tried = (u64, u64, PaymentOperation);

impl Tries {
    /// Whose fate a call meets.
    pub(super) fn subject(
        &self,
        account: &str,
        name: &str,
        operation: PaymentOperation,
    ) -> Subject {
        let (who, account) = (number_of(name), number_of(account));
        let tries = self.counts.get(&(account, who, operation)).copied().unwrap_or(0);
        Subject { who, account, operation, tries }
    }

    /// The next try of the same call is another chance.
    pub(super) fn note(&mut self, subject: Subject) {
        let key = (subject.account, subject.who, subject.operation);
        *self.counts.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            0
        }) += 1;
        if self.order.len() > INTERRUPTED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
    }
}

impl Subject {
    fn draw(self, settings: &Settings, purpose: Purpose) -> Draw {
        // The operation's place in the hash: never change one.
        let operation = match self.operation {
            PaymentOperation::Authorize | PaymentOperation::Create => 0,
            PaymentOperation::Capture => 1,
            PaymentOperation::Void => 2,
            PaymentOperation::Refund => 3,
            PaymentOperation::Confirm => 4,
            _ => 5,
        };
        draw_for(settings.seed, self.who, purpose, operation + (self.tries << 3))
    }

    /// How long the call takes that is executed `at` that time.
    pub(super) fn latency(self, settings: &Settings, at: Time, authorizes: bool) -> Duration {
        let law = if authorizes {
            settings.latency.authorize
        } else {
            settings.latency.of(self.operation)
        };
        let factor = settings.brownouts.iter().filter(|it| it.covers(at)).map(|it| it.latency);
        let factor = factor.product::<f64>().min(SLOWER_MAX);
        law.sample(self.draw(settings, Purpose::ProviderLatency)).mul_f64(factor)
    }

    /// How long an answer takes that executes nothing.
    pub(super) fn round_trip(self, settings: &Settings) -> Duration {
        settings.latency.refusal.sample(self.draw(settings, Purpose::RefusalLatency))
    }

    /// What goes wrong, if anything does.
    pub(super) fn mishap(self, settings: &Settings, at: Time) -> Option<Mishap> {
        let faults = &settings.faults;
        let brownout = settings.brownouts.iter().filter(|it| it.covers(at)).map(|it| it.fails);
        let mut left = self.draw(settings, Purpose::ProviderFault).uniform();
        let slow = faults.slow_body_takes.0;
        let spared = faults.only.is_some_and(|only| only != self.operation);
        let share = |share: f64| if spared { 0.0 } else { share };
        [
            (share(faults.commit_then_timeout), Mishap::CommitThenTimeout),
            (share(faults.commit_then_5xx), Mishap::CommitThenFail),
            (share(faults.commit_then_reset), Mishap::CommitThenReset),
            (share(faults.rollback_after_5xx) + brownout.sum::<f64>(), Mishap::FailThenRollBack),
            (share(faults.reset_before_commit), Mishap::ResetBeforeCommit),
            (share(faults.timeout_before_commit), Mishap::TimeoutBeforeCommit),
            (share(faults.slow_body), Mishap::SlowBody(slow)),
        ]
        .into_iter()
        .find(|(share, _)| {
            left -= share;
            left < 0.0
        })
        .map(|(_, mishap)| mishap)
    }
}

/// What the bank says about a card. The same card of the same purchase intent always meets the same
/// fate; another card is another chance.
pub(super) fn word(
    settings: &Settings,
    at: Time,
    name: &str,
    (source, fate): (&Source, Option<Fate>),
    presence: Presence,
) -> Word {
    let who = number_of(name);
    let card = match (source, fate) {
        (Source::Nth(card), _) => *card,
        (_, Some(fate)) => match (settings.cards, documented(fate, presence)) {
            (Cards::Drawn, Word::Approved) => 0,
            (_, word) => return word,
        },
        (_, None) => 0,
    };
    if let Some((code, decline_code)) = decline(settings, who, card) {
        return Word::Declined { code, decline_code };
    }
    drawn_challenge(settings, at, who, card, presence)
}

fn documented(fate: Fate, presence: Presence) -> Word {
    let declined = |code, decline_code| Word::Declined { code, decline_code };
    match (fate, presence) {
        (Fate::Approved, _) | (Fate::ChallengedOnSession, Presence::OffSession) => Word::Approved,
        (Fate::Declined { code, decline_code } | Fate::DeclinedLater { code, decline_code }, _) => {
            declined(code, decline_code)
        }
        (
            Fate::Challenged
            | Fate::ChallengedUnlessSetUp
            | Fate::ChallengedOnSession
            | Fate::ChallengedThenDeclined { .. },
            Presence::OnSession,
        ) => Word::Challenged(Challenge { answer: None }),
        (
            Fate::Challenged | Fate::ChallengedUnlessSetUp | Fate::ChallengedThenDeclined { .. },
            Presence::OffSession,
        ) => declined("authentication_required", Some("authentication_required")),
    }
}

/// Why the card is declined, if it is.
fn decline(
    settings: &Settings,
    who: u64,
    card: u32,
) -> Option<(&'static str, Option<&'static str>)> {
    let draw = draw_for(settings.seed, who, Purpose::Decline, card);
    if !draw.chance(settings.declines) {
        return None;
    }
    // Given a decline, the draw is uniform below `declines`: it also decides why.
    let total: f64 = settings.decline_mix.values().sum();
    let mut left = draw.uniform() / settings.declines * total;
    let reason = settings.decline_mix.iter().find(|(_, weight)| {
        left -= **weight;
        left < 0.0
    });
    reason.or(settings.decline_mix.first_key_value()).map(|(reason, _)| reason.code_and_reason())
}

fn drawn_challenge(settings: &Settings, at: Time, who: u64, card: u32, presence: Presence) -> Word {
    let challenges = &settings.challenges;
    let draw = draw_for(settings.seed, who, Purpose::Challenge, card);
    if !draw.chance(challenges.share) {
        return Word::Approved;
    }
    if presence == Presence::OffSession {
        let code = "authentication_required";
        return Word::Declined { code, decline_code: Some(code) };
    }
    let how = draw_for(settings.seed, who, Purpose::ChallengeAnswer, card).uniform();
    let takes = challenges.takes.sample(draw_for(settings.seed, who, Purpose::ChallengeTime, card));
    let answer = if how < challenges.abandoned {
        None
    } else if how < challenges.abandoned + challenges.failed {
        Some((at + takes, Answer::Failed))
    } else {
        Some((at + takes, Answer::Passed))
    };
    Word::Challenged(Challenge { answer })
}
