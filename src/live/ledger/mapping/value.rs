//! Texts of a database as numbers, money and instants.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Numbers below this are seconds since 1970 (until 5138), below a thousand times this
/// milliseconds, below a million times microseconds, and above nanoseconds.
const SECONDS_MAX: u64 = 100_000_000_000;

/// A whole number; one with a fraction of zeros is whole.
pub(super) fn whole(text: &str) -> Result<i64, &'static str> {
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return Err("is no whole number"),
        None => text,
    };
    digits.parse().map_err(|_| "is no whole number")
}

/// A whole number of 0 or more.
pub(super) fn count(text: &str) -> Result<u64, &'static str> {
    u64::try_from(whole(text)?).map_err(|_| "is less than nothing")
}

/// Money in minor units.
pub(super) fn minor(text: &str) -> Result<u64, &'static str> {
    match whole(text) {
        Ok(_) => count(text),
        Err(_) if major(text).is_ok() => {
            Err("is no amount in minor units; name the column `…_major` if it is in hundredths")
        }
        Err(_) => Err("is no amount of money"),
    }
}

/// Money with at most two decimals, as hundredths.
pub(super) fn major(text: &str) -> Result<u64, &'static str> {
    const NONE: &str = "is no amount of money with two decimals";
    let text = text.trim();
    let (units, cents) = text.split_once('.').unwrap_or((text, ""));
    let cents_kept = cents.trim_end_matches('0');
    if cents_kept.len() > 2 || !cents.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NONE);
    }
    let units: u64 = units.parse().map_err(|_| NONE)?;
    let cents: u64 = format!("{cents_kept:0<2}").parse().map_err(|_| NONE)?;
    units.checked_mul(100).and_then(|units| units.checked_add(cents)).ok_or(NONE)
}

/// An instant \[ns of UTC\]: RFC 3339, `YYYY-MM-DD HH:MM:SS[.fff]` with an offset or in UTC, or a
/// number since 1970 whose size says its unit. None where it stands for no instant: never, or for
/// ever.
pub(super) fn instant(text: &str) -> Result<Option<u64>, &'static str> {
    const NONE: &str = "is no instant that is known: RFC 3339, `YYYY-MM-DD HH:MM:SS` in UTC, or a \
                        number since 1970";
    let text = text.trim();
    if matches!(text, "" | "infinity" | "-infinity" | "0") || text.starts_with("0000-00-00") {
        return Ok(None);
    }
    if let Some((whole, fraction)) = number(text) {
        return since_1970(whole, fraction).map(Some).ok_or(NONE);
    }
    let at: Timestamp = if let Ok(at) = text.parse() {
        at
    } else {
        let civil: DateTime = text.parse().map_err(|_| NONE)?;
        civil.to_zoned(TimeZone::UTC).map_err(|_| NONE)?.timestamp()
    };
    let since = at.duration_since(Timestamp::UNIX_EPOCH);
    if since <= SignedDuration::ZERO {
        return Ok(None);
    }
    u64::try_from(since.as_nanos()).map(Some).map_err(|_| NONE)
}

/// The digits of a number that may be one since 1970, before and after its point.
fn number(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (whole.len() >= 5 && digits(whole) && digits(fraction)).then_some((whole, fraction))
}

/// A number since 1970 as nanoseconds; none when it is too large.
fn since_1970(whole: &str, fraction: &str) -> Option<u64> {
    let number: u64 = whole.parse().ok()?;
    let unit: u64 = match number {
        0..SECONDS_MAX => 1_000_000_000,
        _ if number / 1_000 < SECONDS_MAX => 1_000_000,
        _ if number / 1_000_000 < SECONDS_MAX => 1_000,
        _ => 1,
    };
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let part: u64 = nine.parse().unwrap_or(0);
    let part = u128::from(part) * u128::from(unit) / 1_000_000_000;
    let part = u64::try_from(part).unwrap_or(0);
    number.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_whole_or_told() {
        for (text, number) in [("4", Ok(4)), (" 4.000 ", Ok(4)), ("0", Ok(0)), ("-0", Ok(0))] {
            assert_eq!(count(text), number, "{text}");
        }
        for text in ["", "4.5", "four", "-1", "1e3", "99999999999999999999", "t"] {
            assert!(count(text).is_err(), "{text}");
        }
        assert_eq!(whole("-5"), Ok(-5));
    }

    #[test]
    fn money_is_never_read_in_the_wrong_unit() {
        assert_eq!((minor("4500"), minor("4500.00")), (Ok(4_500), Ok(4_500)));
        assert!(minor("45.50").unwrap_err().contains("_major"));
        for (text, hundredths) in
            [("45.00", 4_500), ("45", 4_500), ("45.5", 4_550), ("0.01", 1), ("45.5000", 4_550)]
        {
            assert_eq!(major(text), Ok(hundredths), "{text}");
        }
        for text in ["45.005", "-1", "", "1,000.00", "x", "18446744073709551615"] {
            assert!(major(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_instant_is_known_in_each_form() {
        const AT: u64 = 1_795_346_096_500_000_000;
        for text in [
            "2026-11-22T11:14:56.5Z",
            "2026-11-22T20:14:56.5+09:00",
            "2026-11-22 11:14:56.5",
            "2026-11-22 11:14:56.500000",
            "2026-11-22 11:14:56.5+00",
            "2026-11-22 20:14:56.5+09",
            "1795346096.5",
            "1795346096500",
            "1795346096500000",
            "1795346096500000000",
        ] {
            assert_eq!(instant(text), Ok(Some(AT)), "{text}");
        }
        for text in ["infinity", "0000-00-00 00:00:00", ""] {
            assert_eq!(instant(text), Ok(None), "{text}");
        }
        for text in ["yesterday", "2026-13-01", "99999999999999999999", "12:30"] {
            assert!(instant(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_value_panic(text in "\\PC{0,24}|[0-9.:+ TZ-]{0,30}") {
            let _ = (whole(&text), count(&text), minor(&text), major(&text), instant(&text));
        }
    }
}
