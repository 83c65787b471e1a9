//! Test cards: cards whose fate is documented, by number, by token and by the name of a payment
//! method that is ready made.
//!
//! Source of the names and fates: docs.stripe.com/testing.

/// A card with a documented fate.
#[derive(Debug, PartialEq, Eq)]
pub struct TestCard {
    /// Its number.
    pub number: &'static str,
    /// What follows `pm_card_` in the name of its payment method, and `tok_` in that of its token.
    pub name: &'static str,
    /// Its brand.
    pub brand: &'static str,
    /// What becomes of a charge.
    pub fate: Fate,
}

/// What becomes of a charge of a test card.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The bank agrees.
    Approved,
    /// The bank declines.
    Declined {
        /// The error's code.
        code: &'static str,
        /// The bank's reason, if it gives one.
        decline_code: Option<&'static str>,
    },
    /// The bank asks its customer first, then agrees.
    Challenged,
    /// The bank asks its customer first, then declines.
    ChallengedThenDeclined,
}

const fn declined(
    number: &'static str,
    name: &'static str,
    code: &'static str,
    decline_code: Option<&'static str>,
) -> TestCard {
    TestCard { number, name, brand: "visa", fate: Fate::Declined { code, decline_code } }
}

/// All test cards.
pub const TEST_CARDS: &[TestCard] = &[
    TestCard { number: "4242424242424242", name: "visa", brand: "visa", fate: Fate::Approved },
    declined("4000000000000002", "chargeDeclined", "card_declined", Some("generic_decline")),
];

/// The test card of that number, blanks aside.
pub fn by_number(number: &str) -> Option<&'static TestCard> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    TEST_CARDS.iter().find(|card| card.number == digits)
}

/// The test card of a ready-made payment method (`pm_card_visa`) or token (`tok_visa`).
pub fn by_name(name: &str) -> Option<&'static TestCard> {
    let name = name.strip_prefix("pm_card_").or_else(|| name.strip_prefix("tok_"))?;
    TEST_CARDS.iter().find(|card| card.name == name)
}
