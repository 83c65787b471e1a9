//! Tokens: cards that are handed on once.

use std::sync::Arc;

use super::{Directory, Kind, Object};
use crate::rules::card::{Card, CardData};
use crate::rules::reply::{Fault, Reply};
use crate::rules::request::Terms;

/// How many tokens are remembered, spent ones included; the oldest are forgotten first. They are
/// made to be spent within minutes.
pub(super) const TOKENS_MAX: usize = 20_000;

/// A card that is handed on once: `tok_…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account that made it.
    pub account: Box<str>,
    /// The card.
    pub card: Card,
    /// Whether it was spent.
    pub used: bool,
    /// The billing details that came with the card, under the names of a payment method's.
    pub terms: Option<Box<Terms>>,
    /// When it was made, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
}

impl Token {
    /// Its name: `tok_` and 24 digits.
    pub fn name(&self) -> String {
        name_of(self.number)
    }
}

fn name_of(number: u64) -> String {
    super::named("tok_", number)
}

impl Directory {
    pub(super) fn make_token(
        &mut self,
        utc_ns: u64,
        account: &str,
        data: &CardData,
        terms: Option<Box<Terms>>,
    ) -> Result<Reply, Fault> {
        let card = Card::read(data, utc_ns).map_err(Fault::Card)?;
        let token = self.tokens.add(|number| Token {
            number,
            account: account.into(),
            card,
            used: false,
            terms,
            created_utc_ns: utc_ns,
        });
        self.tokens.forget_beyond(TOKENS_MAX);
        Ok(Reply::Object(Object::Token(token)))
    }

    pub(super) fn token(&self, account: &str, number: u64) -> Result<&Arc<Token>, Fault> {
        let known = self.tokens.get(number).filter(|token| *token.account == *account);
        known.ok_or(Fault::Missing(Kind::Token))
    }

    /// Spends a token that a parameter names.
    pub(super) fn spend_token(&mut self, account: &str, number: u64) -> Result<Arc<Token>, Fault> {
        let refused =
            |code, message| Err(Fault::Parameter { param: "card[token]".into(), code, message });
        let name = name_of(number);
        match self.token(account, number) {
            Err(_) => return refused("resource_missing", format!("No such token: '{name}'")),
            Ok(token) if token.used => {
                let message = format!("The token {name} was used before; each is used once.");
                return refused("token_already_used", message);
            }
            Ok(_) => {}
        }
        let spent = self.tokens.change(number, |token| token.used = true);
        Ok(spent.expect("it has just been found"))
    }
}
