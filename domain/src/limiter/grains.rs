//! Calls in grains of 10⁻¹⁸, so that rates, bursts and waits are whole numbers.

use crate::time::{Duration, nanos_of};

/// Grains per call.
pub(super) const CALL: u128 = 1_000_000_000_000_000_000;

/// The highest rate \[1/s\] and burst \[calls\]: above it, 584 years of grains leave 128 bits.
pub const ALLOWANCE_MAX: f64 = 1e9;

/// How long a rate of `rate` grains per nanosecond needs for `grains`, rounded up to nanoseconds.
pub(super) fn time_for(grains: u128, rate: u64) -> Duration {
    duration_of(grains.div_ceil(u128::from(rate)))
}

/// That many nanoseconds, at most 584 years.
pub(super) fn duration_of(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The whole calls among the grains.
pub(super) fn calls_in(grains: u128) -> u64 {
    u64::try_from(grains / CALL).unwrap_or(u64::MAX)
}

/// Calls per second as grains per nanosecond, at least one.
pub(super) fn grains_per_ns(rate_per_s: f64) -> u64 {
    assert!(rate_per_s > 0.0 && rate_per_s <= ALLOWANCE_MAX, "a rate above 0: {rate_per_s}");
    billionths(rate_per_s).max(1)
}

/// Calls as grains, to nine decimals of a call. From 0 to [`ALLOWANCE_MAX`].
pub(super) fn grains_of(calls: f64) -> u128 {
    assert!((0.0..=ALLOWANCE_MAX).contains(&calls), "from 0 to 1e9 calls: {calls}");
    u128::from(billionths(calls)) * 1_000_000_000
}

/// ⌊rate·window⌋ calls, at least one.
///
/// A rate is known to half a billionth of a call per second, and so is its product: 20 calls per
/// minute are 0.333333333 per second, and still 20 per minute.
pub(super) fn calls_per_window(rate_per_s: f64, window_ns: u64) -> u64 {
    let grains = u128::from(grains_per_ns(rate_per_s)) * u128::from(window_ns);
    calls_in(grains + u128::from(window_ns.div_ceil(2))).max(1)
}

/// The nanoseconds of a window.
pub(super) fn window_ns(window: Duration) -> u64 {
    let window_ns = nanos_of(window);
    assert!(window_ns > 0, "a window has a length");
    window_ns
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the callers check that the value lies between 0 and 10^9"
)]
fn billionths(value: f64) -> u64 {
    (value * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_per_minute_or_hour_leaves_whole_windows() {
        for seconds in [1_u32, 7, 60, 3_600, 86_400] {
            for calls in (1_u32..2_000).chain([99_999]) {
                let rate_per_s = f64::from(calls) / f64::from(seconds);
                let window_ns = u64::from(seconds) * 1_000_000_000;
                let limit = calls_per_window(rate_per_s, window_ns);
                assert_eq!(limit, u64::from(calls), "{calls} in {seconds} s");
            }
        }
        // A rate truly below is not rounded up.
        assert_eq!(calls_per_window(2.999_999_999, 1_000_000_000), 2);
    }

    #[test]
    fn a_wait_is_rounded_up_to_the_nanosecond() {
        let rate = grains_per_ns(3.0);
        assert_eq!(time_for(CALL, rate), Duration::from_nanos(333_333_334));
        assert_eq!(time_for(0, rate), Duration::ZERO);
        assert_eq!(time_for(3 * CALL, rate), Duration::from_secs(1));
    }
}
