//! A natural logarithm and an exponential for who takes millions of them: by a table and some terms of a series,
//! to the last digit but one, the same on every machine.

/// So many stretches from 1 to 2 have an entry.
const STRETCHES: usize = 1 << STRETCH_BITS;
const STRETCH_BITS: u32 = 7;
/// The bits of a number after its exponent.
const FRACTION_BITS: u32 = 52;
/// The exponent of 1.
const BIAS: f64 = 1_023.0;

/// For the middle c of each stretch 1 / c, rounded, and minus the logarithm of that.
static LOGARITHMS: [(f64, f64); STRETCHES] = logarithms();

/// 2^(k/128) for each k.
static POWERS: [f64; STRETCHES] = powers();

/// ln 2 / 128 in two parts: the first of 32 bits, so that it can be multiplied by any k without rounding.
const STEP_HIGH: f64 = 0.005_415_212_346_633_78;
const STEP_LOW: f64 = 1.490_792_913_492_646_6e-12;
/// 1.5 · 2^52: what is added to it is rounded to a whole number, which its last bits then are.
const WHOLE: f64 = 6_755_399_441_055_744.0;
/// Beyond, the result is close to no number at all, or to more than any.
const RANGE: f64 = 700.0;

/// The natural logarithm of `x`, which is positive and no less than 2^-1022.
///
/// x = 2^e · m with m in \[1, 2), and m = c · (1 + r) for the middle c of m's stretch, so that |r| < 2^-8:
/// ln x = e · ln 2 + ln c + r − r²/2 + r³/3 − r⁴/4 + r⁵/5 − r⁶/6.
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = f64::from((bits >> FRACTION_BITS) as u32) - BIAS;
    let place = (bits >> (FRACTION_BITS - STRETCH_BITS)) as usize % STRETCHES;
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let mantissa = f64::from_bits(fraction | 1.0_f64.to_bits());
    let (inverse, logarithm) = LOGARITHMS[place];
    let r = mantissa * inverse - 1.0;
    let series =
        r * (1.0 + r * (-0.5 + r * (1.0 / 3.0 + r * (-0.25 + r * (0.2 - r * (1.0 / 6.0))))));
    exponent * core::f64::consts::LN_2 + (logarithm + series)
}

/// e^`x`.
///
/// x = k · ln 2 / 128 + r with |r| < 0.003: e^x = 2^(k/128) · (1 + r + r²/2 + r³/6 + r⁴/24 + r⁵/120).
#[expect(clippy::cast_possible_truncation, reason = "seven bits")]
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() || x.abs() > RANGE {
        return libm::exp(x);
    }
    let shifted = x * (STRETCHES as f64 / core::f64::consts::LN_2) + WHOLE;
    let steps = shifted - WHOLE;
    let r = x - steps * STEP_HIGH - steps * STEP_LOW;
    let series = r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0)))));
    // k + 1,023 · 128, which is more than 0: the exponent's bits, and a place.
    let biased = shifted.to_bits().wrapping_sub(WHOLE.to_bits()).wrapping_add(1_023 * 128);
    let power = POWERS[biased as usize % STRETCHES];
    let scale = f64::from_bits(biased >> STRETCH_BITS << FRACTION_BITS);
    (power + power * series) * scale
}

const fn logarithms() -> [(f64, f64); STRETCHES] {
    let mut entries = [(0.0, 0.0); STRETCHES];
    let mut place = 0;
    while place < STRETCHES {
        let middle = 1.0 + (2 * place + 1) as f64 / (2 * STRETCHES) as f64;
        let inverse = 1.0 / middle;
        entries[place] = (inverse, -ln_by_series(inverse));
        place += 1;
    }
    entries
}

/// ln c = 2 · artanh((c − 1) / (c + 1)) for c from 1/2 to 1, where the power series loses a digit with each term.
const fn ln_by_series(c: f64) -> f64 {
    let s = (c - 1.0) / (c + 1.0);
    let (mut sum, mut term) = (0.0, 40_u32);
    while term > 0 {
        term -= 1;
        sum = sum * s * s + 1.0 / (2 * term + 1) as f64;
    }
    2.0 * s * sum
}

const fn powers() -> [f64; STRETCHES] {
    let mut powers = [1.0; STRETCHES];
    let mut place = 0;
    while place < STRETCHES {
        let x = place as f64 / STRETCHES as f64 * core::f64::consts::LN_2;
        let mut term = 25_u32;
        while term > 0 {
            powers[place] = 1.0 + powers[place] * x / term as f64;
            term -= 1;
        }
        place += 1;
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_that_of_libm(x: f64) {
        let expected = libm::log(x);
        let off = (ln(x) - expected).abs();
        assert!(off <= 4e-16 * expected.abs().max(1.0), "{x}: {off:e}");
    }

    #[test]
    fn at_the_ends_of_each_stretch_and_of_all_numbers_it_is_the_logarithm() {
        for place in 0..=STRETCHES {
            let end = 1.0 + place as f64 / STRETCHES as f64;
            for x in [end.next_down(), end, end.next_up(), end / 2.0, end * 1e-9] {
                is_that_of_libm(x);
            }
        }
        for x in [f64::MIN_POSITIVE, f64::MAX, f64::EPSILON, 1.0_f64.next_down()] {
            is_that_of_libm(x);
        }
        assert!(ln(1.0).abs() < 1e-16);
    }

    fn is_the_exponential_of_libm(x: f64) {
        let expected = libm::exp(x);
        let off = (exp(x) - expected).abs();
        assert!(off <= 5e-16 * expected, "{x}: {off:e}");
    }

    #[test]
    fn at_the_ends_of_its_range_and_of_each_step_it_is_the_exponential() {
        for step in -300_i32..300 {
            let x = f64::from(step) / 256.0 * core::f64::consts::LN_2;
            for x in [x.next_down(), x, x.next_up()] {
                is_the_exponential_of_libm(x);
            }
        }
        for x in [0.0, -0.0, 1e-300, -1e-9, 699.9, -699.9, 700.1, -740.0] {
            is_the_exponential_of_libm(x);
        }
        assert!(exp(f64::NAN).is_nan());
        assert_eq!([exp(-1e9), exp(1e9)].map(f64::to_bits), [0.0, f64::INFINITY].map(f64::to_bits));
    }

    proptest! {
        #[test]
        fn anywhere_it_is_the_exponential(x in -700.0_f64..700.0) {
            is_the_exponential_of_libm(x);
        }

        #[test]
        fn anywhere_it_is_the_logarithm(share in 0.0_f64..1.0, power in 0_i32..50) {
            is_that_of_libm((share + 1e-300) * 2.0_f64.powi(-power));
        }
    }
}
