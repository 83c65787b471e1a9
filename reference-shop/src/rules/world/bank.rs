//! The provider of a world for tests: it does what it is told.

use std::collections::HashMap;

use domain::id::AuthorizationId;
use domain::provider::{Call, PaymentReply, PaymentRequest};
use domain::time::{Duration, Time};

/// What the provider does with one call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Mood {
    /// As asked.
    Well,
    /// 429 with this wait \[s\], nothing happens.
    Limit(Option<u64>),
    /// The card is declined.
    Decline,
    /// It happens, but nobody is told.
    Silent,
    /// Nothing happens, and nobody is told.
    Lost,
    /// It happens, and a 5xx is told.
    Fail,
    /// The cardholder is asked, and answers so.
    Challenge(Cardholder),
}

/// What a cardholder does who is asked, and after how long \[ms\].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Cardholder {
    Passes(u64),
    Fails(u64),
    NeverAnswers,
}

/// Where an authorization stands at the provider.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Money {
    /// The cardholder is asked.
    Asked,
    /// The cardholder failed.
    Refused,
    Reserved,
    Taken,
    LetGo,
}

#[derive(Debug, Default)]
pub(in crate::rules) struct Bank {
    pub(in crate::rules) authorizations: Vec<(String, Money)>,
    replies: HashMap<String, (String, PaymentReply)>,
    /// What cardholders will have made of authorizations, and when.
    answers: HashMap<u64, (Time, Money)>,
    /// All keys that were called, in order.
    pub(in crate::rules) calls: Vec<String>,
}

impl Bank {
    /// How many authorizations of `intent` stand so.
    pub(in crate::rules) fn count(&self, intent: &str, money: Money) -> usize {
        let wanted = (intent.to_owned(), money);
        self.authorizations.iter().filter(|authorization| **authorization == wanted).count()
    }

    pub(super) fn answer(
        &mut self,
        at: Time,
        request: &PaymentRequest,
        mood: Mood,
    ) -> Option<PaymentReply> {
        self.calls.push(request.key.clone());
        self.let_cardholders_answer(at);
        match mood {
            Mood::Limit(wait) => {
                Some(PaymentReply::RateLimited { retry_after: wait.map(Duration::from_secs) })
            }
            Mood::Lost => None,
            Mood::Well | Mood::Decline | Mood::Challenge(_) => Some(self.effect(at, request, mood)),
            Mood::Silent => {
                self.effect(at, request, mood);
                None
            }
            Mood::Fail => {
                self.effect(at, request, mood);
                Some(PaymentReply::Failed)
            }
        }
    }

    /// Cardholders answer by themselves, whether or not anybody asks.
    pub(super) fn let_cardholders_answer(&mut self, at: Time) {
        for (id, (when, becomes)) in &self.answers {
            let (_, money) = &mut self.authorizations[place(*id)];
            if *when <= at && *money == Money::Asked {
                *money = *becomes;
            }
        }
    }

    fn standing(&self, id: AuthorizationId) -> PaymentReply {
        match self.authorizations[place(id.0)].1 {
            Money::Asked => PaymentReply::Challenged { authorization: id },
            Money::Refused => PaymentReply::Declined { code: "card_declined".to_owned() },
            Money::Reserved => PaymentReply::Authorized { authorization: id },
            Money::Taken => PaymentReply::Captured,
            Money::LetGo => PaymentReply::Voided,
        }
    }

    /// The first effect of a key, or its replay.
    fn effect(&mut self, at: Time, request: &PaymentRequest, mood: Mood) -> PaymentReply {
        if let Call::Retrieve { authorization } = request.call {
            return self.standing(authorization);
        }
        let asked = format!("{:?}", request.call);
        if let Some((before, reply)) = self.replies.get(&request.key) {
            assert_eq!(*before, asked, "a key stands for one call");
            return reply.clone();
        }
        let reply = match (&request.call, mood) {
            (Call::Authorize { .. }, Mood::Decline) => {
                PaymentReply::Declined { code: "insufficient_funds".to_owned() }
            }
            (Call::Authorize { .. }, Mood::Challenge(cardholder)) => {
                self.authorizations.push((request.reference.clone(), Money::Asked));
                let id = self.authorizations.len() as u64;
                let after = |ms| at + Duration::from_millis(ms);
                match cardholder {
                    Cardholder::Passes(ms) => {
                        self.answers.insert(id, (after(ms), Money::Reserved));
                    }
                    Cardholder::Fails(ms) => {
                        self.answers.insert(id, (after(ms), Money::Refused));
                    }
                    Cardholder::NeverAnswers => {}
                }
                PaymentReply::Challenged { authorization: AuthorizationId(id) }
            }
            (Call::Authorize { .. }, _) => {
                self.authorizations.push((request.reference.clone(), Money::Reserved));
                let authorization = AuthorizationId(self.authorizations.len() as u64);
                PaymentReply::Authorized { authorization }
            }
            (Call::Capture { authorization, .. }, _) => {
                self.settle(*authorization, Money::Taken, PaymentReply::Captured)
            }
            (Call::Void { authorization }, _) => {
                self.settle(*authorization, Money::LetGo, PaymentReply::Voided)
            }
            (Call::Tokenize { .. }, _) => PaymentReply::Tokenized,
            (Call::Refund { .. } | Call::Retrieve { .. }, _) => {
                unreachable!("the saga gives nothing back, and looking was dealt with")
            }
        };
        self.replies.insert(request.key.clone(), (asked, reply.clone()));
        reply
    }

    fn settle(&mut self, id: AuthorizationId, to: Money, reply: PaymentReply) -> PaymentReply {
        let (_, money) = &mut self.authorizations[place(id.0)];
        let may = match to {
            Money::LetGo => matches!(money, Money::Reserved | Money::Asked | Money::Refused),
            _ => *money == Money::Reserved,
        };
        if !may {
            return PaymentReply::Refused { code: "payment_intent_unexpected_state".to_owned() };
        }
        *money = to;
        reply
    }
}

fn place(id: u64) -> usize {
    usize::try_from(id - 1).unwrap()
}
