//! The names of trades: an id that says the payment's number to whoever knows the seed, and a
//! password. Nothing is kept for them.

use domain::draw::{Purpose, draw_for};

/// The first of the draws that these names use: those below belong to other names.
const FIRST_DRAW: u32 = 1_024;

/// Which half of which name is drawn.
#[derive(Copy, Clone)]
enum Half {
    Seal = 0,
    Veil = 1,
    PassBegins = 2,
    PassEnds = 3,
    Approval = 4,
}

/// How many letters an id or a password has.
pub(super) const LETTERS: usize = 32;

/// The id of the trade about that payment: its number behind a veil, and the seal that lifts it.
pub(super) fn id(seed: u64, number: u64) -> String {
    let seal = drawn(seed, number, Half::Seal);
    format!("{seal:016x}{:016x}", number ^ drawn(seed, seal, Half::Veil))
}

/// The password of the trade about that payment.
pub(super) fn pass(seed: u64, number: u64) -> String {
    let begins = drawn(seed, number, Half::PassBegins);
    format!("{begins:016x}{:016x}", drawn(seed, number, Half::PassEnds))
}

/// The payment of the trade with that id, if the password is its own.
pub(super) fn number_of(seed: u64, id: &str, password: &str) -> Option<u64> {
    let half = |range| id.get(range).and_then(|half| u64::from_str_radix(half, 16).ok());
    let number = half(LETTERS / 2..LETTERS)? ^ drawn(seed, half(0..LETTERS / 2)?, Half::Veil);
    (self::id(seed, number) == id && pass(seed, number) == password).then_some(number)
}

/// The number under which a bank approved the payment: seven digits.
pub(super) fn approval(seed: u64, number: u64) -> String {
    format!("{:07}", drawn(seed, number, Half::Approval) % 10_000_000)
}

fn drawn(seed: u64, who: u64, half: Half) -> u64 {
    draw_for(seed, who, Purpose::Letter, FIRST_DRAW + half as u32).below(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_is_found_by_its_own_id_and_password_alone() {
        for number in [1, 2, 17, u64::MAX] {
            let (id, pass) = (id(7, number), pass(7, number));
            assert_eq!((id.len(), pass.len()), (LETTERS, LETTERS));
            assert_eq!(number_of(7, &id, &pass), Some(number));
            assert_eq!(number_of(8, &id, &pass), None);
            assert_eq!(number_of(7, &id, &super::pass(7, number ^ 1)), None);
            assert_eq!(number_of(7, &id.to_uppercase(), &pass), None);
        }
        assert_eq!(number_of(7, "", ""), None);
        assert_eq!(number_of(7, &"あ".repeat(32), ""), None);
    }
}
