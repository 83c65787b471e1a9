//! A payment as a merchant asks for it: how much, by which card, and when it is taken.

use domain::money::Amount;

use super::Terms;
use crate::rules::card::TestCard;
use crate::rules::directory::NewMethod;

/// The largest amount \[minor units\]: eight digits, as Stripe has it.
pub const AMOUNT_MAX: Amount = Amount::new(99_999_999);

/// A payment to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewIntent {
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Whether confirming reserves the money or takes it.
    pub capture: CaptureMethod,
    /// Whether to confirm at once.
    pub confirm: Confirm,
    /// The card, if it is known already.
    pub source: Option<Source>,
    /// Whose card, where a customer is named.
    pub customer: Option<u64>,
    /// What else the merchant says; none through the native face.
    pub terms: Option<Box<Terms>>,
}

/// Whether a payment is confirmed in the call that makes it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// In the same call.
    Now,
    /// In a call of its own.
    Later,
}

/// Whether confirming reserves money or takes it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum CaptureMethod {
    /// Confirming takes it.
    Automatic,
    /// Confirming reserves it; a capture takes it.
    Manual,
}

/// How a payment is confirmed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confirmation {
    /// Another card than the one known.
    pub source: Option<Source>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
    /// Whether the confirmation reserves or takes, where it changes.
    pub capture: Option<CaptureMethod>,
}

/// What changes about a payment that is not confirmed yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntentChange {
    /// How much.
    pub amount: Option<Amount>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// Whether confirming reserves or takes.
    pub capture: Option<CaptureMethod>,
    /// The card.
    pub source: Option<Source>,
    /// Whose card.
    pub customer: Option<u64>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// A card, as a merchant names it.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The customer's first, second … card: its fate is drawn.
    Nth(u32),
    /// A card with a documented fate, by its test number, token or name.
    Test(&'static TestCard),
    /// A payment method that was made before.
    Method(u64),
    /// A payment method that is made by the call.
    New(Box<NewMethod>),
}

/// Money to be given back.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRefund {
    /// Of which payment.
    pub intent: u64,
    /// How much; left out: all that is left.
    pub amount: Option<Amount>,
    /// Why, in the merchant's words.
    pub reason: Option<String>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// A currency by its ISO 4217 code, in lower case.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The yen, which has no minor unit.
    pub const JPY: Self = Self(*b"jpy");

    /// The currency of that code, in any case; `None` if it is not three letters.
    pub fn new(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(letters.map(|letter| letter.to_ascii_lowercase())))
    }

    /// Its code, in lower case.
    ///
    /// # Panics
    /// Never: three ASCII letters are a text.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters")
    }
}
