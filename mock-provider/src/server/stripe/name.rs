//! The names of objects: a prefix that says what it is, and its number.

use domain::draw::{Purpose, draw_for};

use crate::rules::intent::{Intent, Refund};

/// How many digits follow the prefix: as many as Stripe has letters there.
const DIGITS: usize = 24;

/// How many of a charge's or refund's digits are its place among those of its payment.
const PLACE_DIGITS: usize = 2;

/// The letters of request ids and secrets.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a drawn name is for: each has letters of its own.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Word {
    Request = 0,
    Stray = 1,
    Secret = 2,
}

/// The name of the object of that number, such as `pm_` and 24 digits.
pub(super) fn named(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:0DIGITS$}")
}

/// The number in a name; `None` when it is no name of such an object.
pub(super) fn number_in(prefix: &str, name: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?;
    let sound = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| sound)
}

/// The name of a charge or a refund: the payment's number and the place among its likes.
fn placed(prefix: &str, intent: u64, place: u16) -> String {
    let digits = DIGITS - PLACE_DIGITS;
    format!("{prefix}{intent:0digits$}{place:0PLACE_DIGITS$}")
}

/// The payment and the place in the name of a charge or a refund.
fn place_in(prefix: &str, name: &str) -> Option<(u64, u16)> {
    number_in(prefix, name)?;
    let digits = name.strip_prefix(prefix)?;
    let (intent, place) = digits.split_at(DIGITS - PLACE_DIGITS);
    Some((intent.parse().ok()?, place.parse().ok()?))
}

/// The name of a payment's charge, from 1.
pub(super) fn charge(intent: &Intent, charge: u16) -> String {
    placed("ch_", intent.number, charge)
}

/// The payment and the charge in the name of a charge.
pub(super) fn charge_in(name: &str) -> Option<(u64, u16)> {
    place_in("ch_", name)
}

/// The name of a refund.
pub(super) fn refund(refund: &Refund) -> String {
    placed("re_", refund.intent, refund.place)
}

/// The payment and the refund's place in the name of a refund.
pub(super) fn refund_in(name: &str) -> Option<(u64, u16)> {
    place_in("re_", name)
}

/// The name of the call of that number.
pub(super) fn request(seed: u64, call: u64) -> String {
    format!("req_{}", letters::<14>(seed, Word::Request, call))
}

/// The name of a request that never became a call: it was not understood.
pub(super) fn stray(seed: u64, number: u64) -> String {
    format!("req_{}", letters::<14>(seed, Word::Stray, number))
}

/// What lets a browser act on the one object of that name: `pi_…_secret_…`.
pub(super) fn client_secret(seed: u64, name: &str) -> String {
    let who = domain::draw::number_of(name);
    format!("{name}_secret_{}", letters::<25>(seed, Word::Secret, who))
}

/// The name of the object whose client secret that is.
pub(super) fn owner_of_secret(seed: u64, secret: &str) -> Option<&str> {
    let (name, _) = secret.split_once("_secret_")?;
    (client_secret(seed, name) == secret).then_some(name)
}

fn letters<const COUNT: usize>(seed: u64, word: Word, number: u64) -> String {
    let first = word as u32 * 64;
    let letter = |place| {
        let place = first + u32::try_from(place).expect("a name has few letters");
        let draw = draw_for(seed, number, Purpose::Letter, place).below(LETTERS.len() as u64);
        char::from(LETTERS[usize::try_from(draw).expect("below 62")])
    };
    (0..COUNT).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_number_and_nothing_else_does() {
        assert_eq!(number_in("pm_", &named("pm_", 17)), Some(17));
        assert_eq!(number_in("pm_", &named("pm_", u64::MAX)), Some(u64::MAX));
        for other in ["pm_", "pm_17", "pi_000000000000000000000017", "pm_+00000000000000000000017"]
        {
            assert_eq!(number_in("pm_", other), None, "{other}");
        }
        assert_eq!(number_in("pm_", "pm_999999999999999999999999"), None);
        assert_eq!(charge_in("ch_000000000000000000001703"), Some((17, 3)));
    }

    #[test]
    fn a_secret_is_of_one_object_and_one_seed() {
        let secret = client_secret(7, "pi_1");
        assert_eq!(owner_of_secret(7, &secret), Some("pi_1"));
        assert_eq!(owner_of_secret(8, &secret), None);
        assert_eq!(owner_of_secret(7, &secret.replace("pi_1", "pi_2")), None);
        assert_eq!(secret.len(), "pi_1_secret_".len() + 25);
    }
}
