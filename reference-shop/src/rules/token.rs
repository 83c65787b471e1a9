//! A card becomes a token: the customer's browser asks the provider for it with the merchant's public
//! key, and the shop never sees the card. To the provider it is a call of the merchant's; the
//! shop's gate counts it only where the browser asks when it was let through.

use domain::outcome::Outcome;
use domain::provider::{Call, PaymentOperation, PaymentReply, PaymentRequest};
use domain::shop::{Checkout, ShopReply};
use domain::time::{Duration, Time};

use crate::rules::checkout::{KEY_LENGTH_MAX, KNOCKS_MAX};
use crate::rules::shop::{Shop, answer};
use crate::rules::{Effect, Ticket};

/// A checkout whose browser waits for a token.
#[derive(Debug)]
pub(super) enum Tokenizing {
    /// Before anything of the shop heard of it.
    First(Checkout),
    /// After it was let through.
    Admitted(Checkout),
}

impl Shop {
    /// Whether a checkout's card has no token yet. A browser that knocks again has kept its own, and
    /// what is wrong with a name is the shop's to say.
    pub(super) fn wants_a_token(&self, checkout: &Checkout) -> bool {
        let key = &checkout.key;
        key.len() <= KEY_LENGTH_MAX && !self.tokens.contains(key) && !self.by_key.contains_key(key)
    }

    pub(super) fn ask_for_a_token(
        &mut self,
        ticket: Ticket,
        checkout: Checkout,
        when: fn(Checkout) -> Tokenizing,
    ) -> Vec<Effect> {
        let request = PaymentRequest {
            account: self.settings.account.clone(),
            reference: checkout.intent.clone(),
            key: format!("{}/{}", checkout.key, PaymentOperation::Tokenize.word()),
            call: Call::Tokenize { card: checkout.card },
        };
        self.tokenizing.insert(ticket, when(checkout));
        vec![Effect::Tokenize { ticket, request }]
    }

    /// The provider answered a browser. Without a token there is no checkout: who is refused was let
    /// through for nothing.
    pub(super) fn tokenized(
        &mut self,
        at: Time,
        ticket: Ticket,
        reply: Option<&PaymentReply>,
    ) -> Vec<Effect> {
        let waiting = self.tokenizing.remove(&ticket).expect("only who asked is answered");
        let refusal = refusal(reply);
        let (Tokenizing::First(checkout) | Tokenizing::Admitted(checkout)) = &waiting;
        if refusal.is_none() && self.tokens.len() < KNOCKS_MAX {
            self.tokens.insert(checkout.key.clone());
        }
        match (waiting, refusal) {
            (Tokenizing::First(checkout), None) => self.arrive(at, ticket, checkout),
            (Tokenizing::First(_), Some(refusal)) => answer(ticket, refusal),
            (Tokenizing::Admitted(checkout), refusal) => {
                let (sale, _) = self.places.item(checkout.item).expect("it was looked at");
                // The same purchase, or the end of the sale, may have come between.
                let welcome = refusal.map_or_else(|| self.welcome(at, &checkout), Err);
                match welcome {
                    Ok(wish) => self.begin(at, ticket, checkout, wish),
                    Err(reply) => self.turn_away(at, ticket, sale, reply),
                }
            }
        }
    }
}

/// What a fan is told that has no token; none where it has one.
fn refusal(reply: Option<&PaymentReply>) -> Option<ShopReply> {
    let outcome = match reply {
        Some(PaymentReply::Tokenized) => return None,
        Some(PaymentReply::RateLimited { retry_after }) => {
            let retry_after_s = retry_after.map(whole_seconds);
            return Some(ShopReply { retry_after_s, ..ShopReply::of(Outcome::RateLimited) });
        }
        Some(PaymentReply::Declined { .. }) => Outcome::Declined,
        _ => Outcome::Error,
    };
    Some(ShopReply::of(outcome))
}

/// A wait in whole seconds, a broken one counted as whole \[s\].
fn whole_seconds(wait: Duration) -> u32 {
    let broken = u64::from(wait.subsec_nanos() > 0);
    u32::try_from(wait.as_secs() + broken).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use domain::outcome::Outcome;

    use crate::rules::Input;
    use crate::rules::world::{Mood, World, checkout, settings};
    use crate::settings::{Admission, Tokens};

    use super::*;

    /// A shop that lets through one order a second and has one in store.
    fn shop(tokens: Tokens) -> Shop {
        let mut settings = settings(10, 10);
        settings.shop.tokens = Some(tokens);
        settings.shop.admission = Some(Admission {
            orders_per_second: Some(1.0),
            burst: Some(1.0),
            ..Admission::default()
        });
        Shop::new(settings)
    }

    fn asks(shop: &mut Shop, ticket: u64, fan: u32) -> Vec<Effect> {
        let request = domain::shop::ShopRequest::Checkout(checkout(fan, 0, 1));
        shop.handle(OPEN, Input::Request { ticket: Ticket(ticket), request })
    }

    fn told(shop: &mut Shop, ticket: u64, reply: Option<PaymentReply>) -> Vec<Effect> {
        shop.handle(OPEN, Input::Token { ticket: Ticket(ticket), reply })
    }

    /// While the sale is open.
    const OPEN: Time = Time::from_millis(10_000);

    fn is_for_a_token(effects: &[Effect]) -> bool {
        matches!(effects, [Effect::Tokenize { .. }])
    }

    fn outcome(effects: &[Effect]) -> Option<Outcome> {
        effects.iter().find_map(|effect| match effect {
            Effect::Reply { reply, .. } => Some(reply.outcome),
            _ => None,
        })
    }

    fn authorizes(effects: &[Effect]) -> bool {
        effects.iter().any(|effect| matches!(effect, Effect::CallProvider { .. }))
    }

    #[test]
    fn a_browser_asks_for_its_token_before_the_gate_and_keeps_it() {
        let mut shop = shop(Tokens::Browser);
        let limited = Some(PaymentReply::RateLimited { retry_after: None });
        assert!(is_for_a_token(&asks(&mut shop, 1, 1)));
        assert_eq!(outcome(&told(&mut shop, 1, limited)), Some(Outcome::RateLimited));
        // Who was refused asks again, and has taken nothing of the gate.
        assert!(is_for_a_token(&asks(&mut shop, 2, 1)));
        assert!(authorizes(&told(&mut shop, 2, Some(PaymentReply::Tokenized))));
        // The next is told to wait at the gate, with a token that is not asked for again.
        assert!(is_for_a_token(&asks(&mut shop, 3, 2)));
        let knocks = told(&mut shop, 3, Some(PaymentReply::Tokenized));
        assert!(matches!(knocks[..], [Effect::Inventory { .. }]), "{knocks:?}");
        let again = asks(&mut shop, 4, 2);
        assert!(matches!(again[..], [Effect::Inventory { .. }]), "{again:?}");
    }

    #[test]
    fn where_the_admitted_ask_a_refusal_gives_the_admission_back() {
        let mut shop = shop(Tokens::Admitted);
        assert!(is_for_a_token(&asks(&mut shop, 1, 1)));
        // The gate has let its one through: the next does not get as far as a token.
        let waits = asks(&mut shop, 2, 2);
        assert!(matches!(waits[..], [Effect::Inventory { .. }]), "{waits:?}");
        assert_eq!(outcome(&told(&mut shop, 1, None)), Some(Outcome::Error));
        assert!(is_for_a_token(&asks(&mut shop, 3, 2)), "what was given back is there");
        assert!(authorizes(&told(&mut shop, 3, Some(PaymentReply::Tokenized))));
    }

    #[test]
    fn a_purchase_with_a_token_is_a_purchase() {
        for tokens in [Tokens::Browser, Tokens::Admitted] {
            let mut settings = settings(10, 10);
            settings.shop.tokens = Some(tokens);
            let mut world = World::new(&settings);
            world.moods = vec![(Mood::Well, 700); 2];
            assert_eq!(world.bought(checkout(1, 0, 2)).outcome, Outcome::Ok);
            let calls = ["0-1-0/tokenize", "0-1-0-authorize", "0-1-0-capture"];
            assert_eq!(world.bank.calls, calls);
        }
    }
}
