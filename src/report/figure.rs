//! Figures as people read them: thousands separators, units, as many digits as mean something.

use crate::audit::{Figure, Unit};

/// What stands where there is nothing to say.
pub const NONE: &str = "–";

/// A count with thousands separators: `1,234,567`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count that may be below zero: `−37`.
pub fn signed(count: i64) -> String {
    let sign = if count < 0 { "−" } else { "" };
    format!("{sign}{}", number(count.unsigned_abs()))
}

/// A number of at most `decimals` decimals with thousands separators; not finite is [`NONE`].
pub fn decimal(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let is_zero = text.bytes().all(|letter| matches!(letter, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    match whole.parse() {
        Ok(whole) => format!("{sign}{}{fraction}", number(whole)),
        Err(_) => format!("{value:.1e}"),
    }
}

/// Requests per second \[1/s\]: three digits that count, no more.
pub fn rate(per_s: f64) -> String {
    let decimals = match per_s.abs() {
        small if small == 0.0 || small >= 100.0 => 0,
        middle if middle >= 1.0 => 1,
        _ => 2,
    };
    format!("{}/s", decimal(per_s, decimals))
}

/// As [`rate`]; what nobody counted is [`NONE`].
pub fn known_rate(per_s: Option<f64>) -> String {
    per_s.map_or_else(|| NONE.to_owned(), rate)
}

/// A length of time given in milliseconds \[ms\], in the unit people would use for it.
pub fn milliseconds(millis: f64) -> String {
    match millis.abs() {
        0.0 => "0 ms".to_owned(),
        short if short < 10.0 => format!("{} ms", decimal(millis, 2)),
        short if short < 100.0 => format!("{} ms", decimal(millis, 1)),
        middle if middle < 999.5 => format!("{} ms", decimal(millis, 0)),
        _ => seconds(millis / 1e3),
    }
}

/// A length of time given in seconds \[s\]: `1.24 s`, `12.3 s`, `1 min 51 s`, `2 h 05 min`.
pub fn seconds(seconds: f64) -> String {
    if !seconds.is_finite() {
        return NONE.to_owned();
    }
    match seconds.abs() {
        short if short < 9.995 => format!("{} s", decimal(seconds, 2)),
        short if short < 99.95 => format!("{} s", decimal(seconds, 1)),
        _ => {
            let whole = whole(seconds.abs());
            let sign = if seconds < 0.0 { "−" } else { "" };
            match (whole / 3_600, whole / 60 % 60, whole % 60) {
                (0, minutes, rest) => format!("{sign}{minutes} min {rest:02} s"),
                (hours, minutes, _) => format!("{sign}{} h {minutes:02} min", number(hours)),
            }
        }
    }
}

/// The nearest whole number of a value that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what a figure too long to read should do"
)]
pub fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// How much `part` is of `whole`: `12.3 %`; of nothing it is [`NONE`].
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 { NONE.to_owned() } else { ratio(part as f64 / whole as f64) }
}

/// A ratio as a percentage: `12.3 %`; what rounds to nothing but is something is `< 0.01 %`, and
/// what rounds to all but is not all is `> 99.99 %`.
pub fn ratio(ratio: f64) -> String {
    let percent = ratio * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        100.0 => "100 %".to_owned(),
        tiny if tiny > 0.0 && tiny < 0.01 => "< 0.01 %".to_owned(),
        nearly if nearly > 99.99 && nearly < 100.0 => "> 99.99 %".to_owned(),
        fine if fine < 1.0 || (fine > 99.0 && fine < 100.0) => format!("{} %", decimal(fine, 2)),
        _ => format!("{} %", decimal(percent, 1)),
    }
}

/// Money in the minor units of the scenario's one currency (yen, cents).
pub fn money(minor: u64) -> String {
    format!("{} minor units", number(minor))
}

/// A moment relative to the opening \[s\], in whole seconds: `T−12 s`, `T+3 s`.
pub fn moment(from_opening_s: f64) -> String {
    if !from_opening_s.is_finite() {
        return NONE.to_owned();
    }
    // Seconds are counted by where they begin, as clocks do: T+0 s is the first of the sale.
    let floor = from_opening_s.floor();
    let sign = if floor < 0.0 { '−' } else { '+' };
    format!("T{sign}{} s", number(whole(floor.abs())))
}

/// A figure of a finding, and how much is allowed: "4,500 ¥ not earned", "3.1 % of the pairs … (50 %
/// allowed)".
pub fn figured(found: &Figure) -> String {
    let amount = |value: f64| match found.unit {
        Unit::Money => money(whole(value)),
        Unit::Share => ratio(value),
        Unit::Pieces => format!("{} pieces", number(whole(value))),
        Unit::Answers => format!("{} answers", number(whole(value))),
        Unit::Fans => format!("{} fans", number(whole(value))),
        Unit::Calls => format!("{} calls", number(whole(value))),
        Unit::UnitSeconds => format!("{} unit-seconds", number(whole(value))),
        Unit::Seconds => seconds(value),
        Unit::Correlation => format!("{value:.2}"),
        Unit::Factor => format!("{value:.2} ×"),
    };
    let told = format!("{} {}", amount(found.value), found.what);
    match found.budget {
        Some(budget) => format!("{told} ({} allowed)", amount(budget)),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_separated_by_thousands() {
        let texts = [0, 7, 999, 1_000, 70_000, 1_234_567, u64::MAX].map(number);
        assert_eq!(
            texts,
            ["0", "7", "999", "1,000", "70,000", "1,234,567", "18,446,744,073,709,551,615"]
        );
        assert_eq!(signed(-2_000), "−2,000");
        assert_eq!(decimal(-0.001, 1), "0.0");
        assert_eq!(decimal(12_345.67, 1), "12,345.7");
        assert_eq!(decimal(f64::NAN, 1), NONE);
    }

    #[test]
    fn times_take_the_unit_people_would_use() {
        let texts = [0.0, 0.842, 12.34, 312.4, 999.6, 1_240.0, 12_340.0, 111_000.0, 7_500_000.0]
            .map(milliseconds);
        assert_eq!(
            texts,
            [
                "0 ms",
                "0.84 ms",
                "12.3 ms",
                "312 ms",
                "1.00 s",
                "1.24 s",
                "12.3 s",
                "1 min 51 s",
                "2 h 05 min"
            ]
        );
    }

    #[test]
    fn a_share_never_rounds_something_to_nothing_or_to_all() {
        let texts = [(0, 9), (1, 70_000), (1, 300), (1, 3), (69_999, 70_000), (9, 9), (937, 900)]
            .map(|(part, whole)| share(part, whole));
        assert_eq!(texts, ["0 %", "< 0.01 %", "0.33 %", "33.3 %", "> 99.99 %", "100 %", "104.1 %"]);
        assert_eq!(share(1, 0), NONE);
    }

    #[test]
    fn rates_keep_the_digits_that_count() {
        assert_eq!([0.0, 0.084, 45.27, 9_812.4].map(rate), ["0/s", "0.08/s", "45.3/s", "9,812/s"]);
    }

    #[test]
    fn moments_count_from_the_opening() {
        assert_eq!([-12.0, -0.5, 0.0, 3.9].map(moment), ["T−12 s", "T−1 s", "T+0 s", "T+3 s"]);
    }
}
