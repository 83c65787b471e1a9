//! Cards: those whose fate is documented, by number, by token and by the name of a payment method
//! that is ready made; and what a cardholder types in.
//!
//! Source of the names and fates: `docs.stripe.com/testing`.

mod table;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use domain::draw::number_of;

pub use table::TEST_CARDS;

/// A card with a documented fate.
#[derive(Debug, PartialEq, Eq)]
pub struct TestCard {
    /// Its number.
    pub number: &'static str,
    /// What follows `pm_card_` in the name of its payment method, and `tok_` in that of its token.
    /// Some have none, some several.
    pub names: &'static [&'static str],
    /// Its brand, such as `visa`.
    pub brand: &'static str,
    /// The network it belongs to beside its brand's, such as `cartes_bancaires`.
    pub co_brand: Option<&'static str>,
    /// Where it was issued: two capital letters of ISO 3166-1.
    pub country: &'static str,
    /// `credit`, `debit` or `prepaid`.
    pub funding: &'static str,
    /// What becomes of a charge.
    pub fate: Fate,
    /// How the first line of the address is found.
    pub line1_check: Check,
    /// How the postal code is found.
    pub postal_code_check: Check,
    /// How the security code is found.
    pub cvc_check: Check,
}

/// What becomes of a charge of a test card.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The bank agrees.
    Approved,
    /// The bank declines, and does so already when the card is to be kept for a customer.
    Declined {
        /// The error's code.
        code: &'static str,
        /// The bank's reason, if it gives one.
        decline_code: Option<&'static str>,
    },
    /// The card can be kept for a customer, and every charge is declined.
    DeclinedLater {
        /// The error's code.
        code: &'static str,
        /// The bank's reason, if it gives one.
        decline_code: Option<&'static str>,
    },
    /// The bank asks its customer first, then agrees.
    Challenged,
    /// As `Challenged`; but a card that was set up may be charged while the cardholder is away.
    ChallengedUnlessSetUp,
    /// As `Challenged`; but it may always be charged while the cardholder is away.
    ChallengedOnSession,
    /// The bank asks its customer first, then declines.
    ChallengedThenDeclined {
        /// The error's code.
        code: &'static str,
        /// The bank's reason, if it gives one.
        decline_code: Option<&'static str>,
    },
}

/// How the bank finds something that the cardholder said.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is right.
    Pass,
    /// It is wrong.
    Fail,
    /// The bank cannot tell.
    Unavailable,
}

impl Check {
    /// Its word in Stripe's API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unavailable => "unavailable",
        }
    }
}

impl TestCard {
    const fn new(
        number: &'static str,
        names: &'static [&'static str],
        brand: &'static str,
        country: &'static str,
    ) -> Self {
        Self {
            number,
            names,
            brand,
            co_brand: None,
            country,
            funding: "credit",
            fate: Fate::Approved,
            line1_check: Check::Pass,
            postal_code_check: Check::Pass,
            cvc_check: Check::Pass,
        }
    }

    const fn debit(self) -> Self {
        Self { funding: "debit", ..self }
    }

    const fn prepaid(self) -> Self {
        Self { funding: "prepaid", ..self }
    }

    const fn also_of(self, network: &'static str) -> Self {
        Self { co_brand: Some(network), ..self }
    }

    const fn fated(self, fate: Fate) -> Self {
        Self { fate, ..self }
    }

    const fn declined(self, code: &'static str, decline_code: &'static str) -> Self {
        self.fated(Fate::Declined { code, decline_code: Some(decline_code) })
    }

    const fn declined_later(self, code: &'static str, decline_code: &'static str) -> Self {
        self.fated(Fate::DeclinedLater { code, decline_code: Some(decline_code) })
    }

    const fn challenged_then_declined(self, decline_code: &'static str) -> Self {
        let (code, decline_code) = ("card_declined", Some(decline_code));
        self.fated(Fate::ChallengedThenDeclined { code, decline_code })
    }

    const fn checks(self, line1_check: Check, postal_code_check: Check, cvc_check: Check) -> Self {
        Self { line1_check, postal_code_check, cvc_check, ..self }
    }

    /// The last four digits of its number.
    pub fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    /// Sixteen letters and digits, the same for the same number.
    pub fn fingerprint(&self) -> String {
        const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let halves = [number_of(self.number), number_of(&format!("fingerprint {}", self.number))];
        let bytes = halves.iter().flat_map(|half| half.to_le_bytes());
        bytes.map(|byte| char::from(SIGNS[usize::from(byte) % SIGNS.len()])).collect()
    }

    /// How many digits its security code has.
    pub fn cvc_digits(&self) -> usize {
        if self.brand == "amex" { 4 } else { 3 }
    }
}

/// The test card of that number, blanks and hyphens aside.
pub fn by_number(number: &str) -> Option<&'static TestCard> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    TEST_CARDS.iter().find(|card| card.number == digits)
}

/// The test card of a ready-made payment method (`pm_card_visa`) or token (`tok_visa`).
pub fn by_name(name: &str) -> Option<&'static TestCard> {
    let name = name.strip_prefix("pm_card_").or_else(|| name.strip_prefix("tok_"))?;
    TEST_CARDS.iter().find(|card| card.names.contains(&name))
}

/// A card as it was given: which one, until when it is valid, whether with its security code.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Which.
    pub test: &'static TestCard,
    /// The last month it is valid in, from 1 to 12.
    pub exp_month: u8,
    /// The last year it is valid in, such as 2034.
    pub exp_year: u16,
    /// Whether the security code came with it.
    pub cvc: Given,
}

/// Whether something was given.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// It was.
    Yes,
    /// It was not.
    No,
}

/// What a cardholder types in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CardData {
    /// The number; blanks and hyphens do not count.
    pub number: Arc<str>,
    /// The last month it is valid in.
    pub exp_month: i64,
    /// The last year it is valid in, of four digits or two.
    pub exp_year: i64,
    /// The security code.
    pub cvc: Option<Arc<str>>,
}

/// Why a card is not accepted (402).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CardFault {
    /// The error's code, such as `incorrect_number`.
    pub code: &'static str,
    /// The bank's reason, if a bank was asked.
    pub decline_code: Option<&'static str>,
    /// What is wrong about it, such as `number`; none where nothing is.
    pub param: Option<&'static str>,
}

impl CardFault {
    const fn wrong(code: &'static str, param: &'static str) -> Self {
        Self { code, decline_code: None, param: Some(param) }
    }

    /// A decline of a bank.
    pub fn declined(code: &'static str, decline_code: Option<&'static str>) -> Self {
        let param = match code {
            "expired_card" => Some("exp_month"),
            "incorrect_cvc" => Some("cvc"),
            "incorrect_number" => Some("number"),
            _ => None,
        };
        Self { code, decline_code, param }
    }
}

/// How far in the future a card may end.
const YEARS_MAX: u16 = 50;

impl Card {
    /// A card whose name is all that was given: it ends a year after `utc_ns` \[ns\].
    pub(super) fn named(test: &'static TestCard, utc_ns: u64) -> Self {
        let (year, month) = year_and_month(utc_ns);
        Self { test, exp_month: month, exp_year: year + 1, cvc: Given::Yes }
    }

    /// Reads what a cardholder typed in at `utc_ns` \[ns\].
    ///
    /// # Errors
    /// When something is wrong about it, the number first; or when it is no test card, as a real
    /// card is declined that is used in test mode.
    pub(super) fn read(data: &CardData, utc_ns: u64) -> Result<Self, CardFault> {
        let test = read_number(&data.number)?;
        let (year, month) = year_and_month(utc_ns);
        let wrong_month = CardFault::wrong("invalid_expiry_month", "exp_month");
        let wrong_year = CardFault::wrong("invalid_expiry_year", "exp_year");
        let exp_month = u8::try_from(data.exp_month).ok().filter(|month| (1..=12).contains(month));
        let exp_month = exp_month.ok_or(wrong_month)?;
        let exp_year = match u16::try_from(data.exp_year) {
            Ok(short) if short < 100 => short + year / 100 * 100,
            Ok(long) => long,
            Err(_) => return Err(wrong_year),
        };
        if !(year..=year + YEARS_MAX).contains(&exp_year) {
            return Err(wrong_year);
        }
        if exp_year == year && exp_month < month {
            return Err(wrong_month);
        }
        let cvc = match &data.cvc {
            None => Given::No,
            Some(cvc) if cvc.len() == test.cvc_digits() && all_digits(cvc) => Given::Yes,
            Some(_) => return Err(CardFault::wrong("invalid_cvc", "cvc")),
        };
        Ok(Self { test, exp_month, exp_year, cvc })
    }
}

fn read_number(number: &str) -> Result<&'static TestCard, CardFault> {
    let signs = |sign: &char| !matches!(sign, ' ' | '-');
    let number: String = number.chars().filter(signs).collect();
    // Primary account numbers: ISO/IEC 7812-1.
    if !(12..=19).contains(&number.len()) || !all_digits(&number) {
        return Err(CardFault::wrong("invalid_number", "number"));
    }
    if !passes_luhn(&number) {
        return Err(CardFault::wrong("incorrect_number", "number"));
    }
    by_number(&number).ok_or(CardFault {
        code: "card_declined",
        decline_code: Some("test_mode_live_card"),
        param: None,
    })
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the check digit is right: ISO/IEC 7812-1, annex B.
pub(crate) fn passes_luhn(digits: &str) -> bool {
    let weighed = digits.bytes().rev().enumerate().map(|(place, byte)| {
        let digit = u32::from(byte - b'0');
        match place % 2 {
            0 => digit,
            _ => 2 * digit / 10 + 2 * digit % 10,
        }
    });
    weighed.sum::<u32>().is_multiple_of(10)
}

/// The calendar year and month of an instant in nanoseconds of UTC \[ns\].
fn year_and_month(utc_ns: u64) -> (u16, u8) {
    let instant = Timestamp::from_nanosecond(i128::from(utc_ns))
        .expect("64 bits of nanoseconds end in the year 2554");
    let date = instant.to_zoned(TimeZone::UTC).date();
    (date.year().unsigned_abs(), date.month().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 15 March 2026.
    const NOW_NS: u64 = 1_773_532_800_000_000_000;

    fn visa() -> CardData {
        CardData { number: "4242 4242 4242 4242".into(), exp_month: 12, exp_year: 34, cvc: None }
    }

    fn code_of(data: &CardData) -> &'static str {
        Card::read(data, NOW_NS).unwrap_err().code
    }

    #[test]
    fn the_calendar_is_right() {
        assert_eq!(year_and_month(NOW_NS), (2026, 3));
        assert_eq!(year_and_month(0), (1970, 1));
    }

    #[test]
    fn every_test_card_has_a_check_digit_that_is_right() {
        let wrong: Vec<_> =
            TEST_CARDS.iter().map(|card| card.number).filter(|it| !passes_luhn(it)).collect();
        assert_eq!(wrong, Vec::<&str>::new());
    }

    #[test]
    fn no_name_and_no_number_means_two_cards() {
        let mut names: Vec<_> = TEST_CARDS.iter().flat_map(|card| card.names).collect();
        let mut numbers: Vec<_> = TEST_CARDS.iter().map(|card| card.number).collect();
        let counts = (names.len(), numbers.len());
        names.sort_unstable();
        names.dedup();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!((names.len(), numbers.len()), counts);
    }

    #[test]
    fn fingerprints_tell_cards_apart() {
        let mut prints: Vec<_> = TEST_CARDS.iter().map(TestCard::fingerprint).collect();
        assert!(prints.iter().all(|print| print.len() == 16));
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), TEST_CARDS.len());
    }

    #[test]
    fn a_card_is_known_by_number_token_and_ready_made_method() {
        let japanese = by_name("pm_card_jp").unwrap();
        assert_eq!((japanese.country, japanese.last4()), ("JP", "0003"));
        assert_eq!(by_number("4000 0039 2000 0003"), Some(japanese));
        assert_eq!(by_name("tok_jp"), Some(japanese));
        assert_eq!(by_name("jp"), None);
        assert_eq!(by_name("pm_card_chargeDeclined"), by_name("pm_card_visa_chargeDeclined"));
    }

    #[test]
    fn what_is_typed_in_is_read_or_refused_for_its_first_mistake() {
        let card = Card::read(&CardData { cvc: Some("123".into()), ..visa() }, NOW_NS).unwrap();
        assert_eq!((card.exp_month, card.exp_year, card.cvc), (12, 2034, Given::Yes));
        assert_eq!(
            code_of(&CardData { number: "4242424242424241".into(), ..visa() }),
            "incorrect_number"
        );
        assert_eq!(code_of(&CardData { number: "4242".into(), ..visa() }), "invalid_number");
        assert_eq!(
            code_of(&CardData { number: "4111111111111111".into(), ..visa() }),
            "card_declined"
        );
        assert_eq!(code_of(&CardData { exp_month: 13, ..visa() }), "invalid_expiry_month");
        assert_eq!(
            code_of(&CardData { exp_month: 2, exp_year: 2026, ..visa() }),
            "invalid_expiry_month"
        );
        assert_eq!(code_of(&CardData { exp_year: 2025, ..visa() }), "invalid_expiry_year");
        assert_eq!(code_of(&CardData { exp_year: 95, ..visa() }), "invalid_expiry_year");
        assert_eq!(code_of(&CardData { exp_year: 2095, ..visa() }), "invalid_expiry_year");
        assert_eq!(code_of(&CardData { cvc: Some("99".into()), ..visa() }), "invalid_cvc");
        assert_eq!(code_of(&CardData { cvc: Some("1234".into()), ..visa() }), "invalid_cvc");
    }

    #[test]
    fn a_card_may_end_this_month() {
        assert!(Card::read(&CardData { exp_month: 3, exp_year: 2026, ..visa() }, NOW_NS).is_ok());
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_in_makes_it_panic(
            number in "\\PC{0,24}", exp_month in any::<i64>(), exp_year in any::<i64>(),
            cvc in prop::option::of("\\PC{0,6}"), utc_ns in any::<u64>(),
        ) {
            let cvc = cvc.map(Arc::from);
            let data = CardData { number: number.as_str().into(), exp_month, exp_year, cvc };
            Card::read(&data, utc_ns).ok();
            let known = CardData { number: "4242424242424242".into(), ..data };
            Card::read(&known, utc_ns).ok();
        }

        #[test]
        fn one_wrong_digit_is_always_noticed(
            which in 0..TEST_CARDS.len(), place in 0_usize..12, add in 1_u8..10,
        ) {
            let mut digits = TEST_CARDS[which].number.as_bytes().to_vec();
            digits[place] = b'0' + (digits[place] - b'0' + add) % 10;
            let number: Arc<str> = String::from_utf8(digits).unwrap().into();
            prop_assert_eq!(code_of(&CardData { number, ..visa() }), "incorrect_number");
        }
    }
}
