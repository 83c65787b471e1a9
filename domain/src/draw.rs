//! Draws: every choice is a hash of seed, fan, purpose and number; no generator is stored.
//!
//! So a fan makes the same choices in both worlds, on every machine and in any order of events.
//! Logarithms and exponentials come from `libm`, not from the platform, for the same reason.

use crate::elementary::{exp, ln};
use crate::id::FanId;
use crate::time::{Duration, duration_from_seconds};

/// What a draw decides. The number is part of the hash: never reuse or change one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// When the fan arrives.
    Arrival = 1,
    /// How long until the fan gives up waiting.
    Patience = 2,
    /// The gap between two reloads.
    ReloadGap = 3,
    /// Which item is wanted.
    Item = 4,
    /// How many pieces are wanted.
    Pieces = 5,
    /// Which pickup slot is chosen.
    Slot = 6,
    /// How long the fan thinks before a step.
    Think = 7,
    /// Whether the fan abandons the funnel before a step.
    Abandon = 8,
    /// How long the fan waits before a retry.
    Backoff = 9,
    /// Whether the fan gives up after a refusal.
    GiveUp = 10,
    /// Whether the fan leaves on a sold-out answer.
    SoldOut = 11,
    /// Whether the fan tries another card after a decline.
    OtherCard = 12,
    /// How long the provider takes.
    ProviderLatency = 13,
    /// Whether the provider declines.
    Decline = 14,
    /// Whether a provider's call hangs or fails.
    ProviderFault = 15,
    /// How long a station of the simulated stack serves.
    Service = 16,
    /// How the shop spreads its Retry-After answers.
    RetryAfter = 17,
    /// How much longer than asked a fan waits that was told to wait.
    Waiting = 18,
    /// How long until a fan looks again at what was sold out.
    LookAgain = 19,
    /// How long the provider takes to refuse.
    RefusalLatency = 20,
    /// Whether the cardholder is asked (3-D Secure).
    Challenge = 21,
    /// How the cardholder answers.
    ChallengeAnswer = 22,
    /// How long the cardholder takes.
    ChallengeTime = 23,
    /// What becomes of a message to the merchant's webhook endpoint.
    Webhook = 24,
    /// How far a limiter's allowance is off.
    LimiterError = 25,
    /// The letters of a name or a secret that the provider gives.
    Letter = 26,
    /// Whether the fan takes a stage of its way at all.
    Branch = 27,
    /// Which of an edge's points of presence is near to the fan.
    PointOfPresence = 28,
    /// In which order a cart lists what it holds.
    CartOrder = 29,
    /// How long a task or a node of the simulated stack takes to start.
    Boot = 30,
    /// The place of a fan's entry in a ticket lottery.
    Lot = 31,
    /// When a device sends its heartbeats.
    Heartbeat = 32,
    /// When a device tells its status.
    Status = 33,
    /// How long a connection, or a room, lasts by itself.
    Lifetime = 34,
    /// Whether a new connection goes to the new containers of a deploy.
    Shift = 35,
    /// Whether a transaction that was not answered was committed before its database failed over.
    Committed = 40,
    /// Whether the application fails a request while it is out of order.
    Outage = 41,
    /// How long a fan still has the answer of the DNS that it was given.
    NameCache = 42,
    /// The seed of a replication.
    Replication = 50,
    /// The value of an uncertain input in a replication.
    Input = 51,
    /// Which runs a comparison draws again out of those that it has.
    Resample = 60,
    /// What some of many people do who are not told apart, and how long that takes.
    Multitude = 61,
    /// Whether the fan's requests are traced.
    Traced = 62,
    /// What a fan's operation is called in a trace.
    TraceId = 63,
    /// What a request of an operation is called in a trace.
    SpanId = 64,
}

/// All draws under one seed: what they have in common is hashed once.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Draws(u64);

impl Draws {
    /// The draws under `seed`.
    pub const fn under(seed: u64) -> Self {
        Self(mix(seed ^ 0x9e37_79b9_7f4a_7c15))
    }

    /// The draw number `n` of anything that has a number of its own (a payment, a request).
    pub fn draw_for(self, who: u64, purpose: Purpose, n: u32) -> Draw {
        let what = (u64::from(purpose as u32) << 32) | u64::from(n);
        Draw(mix(mix(self.0.wrapping_add(who)).wrapping_add(what)))
    }
}

/// One draw: 64 even bits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Draw(u64);

/// The draw number `n` of `fan` for `purpose` under `seed`.
pub fn draw(seed: u64, fan: FanId, purpose: Purpose, n: u32) -> Draw {
    let who = (u64::from(fan.population) << 32) | u64::from(fan.index);
    draw_for(seed, who, purpose, n)
}

/// The draw number `n` of anything that has a number of its own (a payment, a request).
pub fn draw_for(seed: u64, who: u64, purpose: Purpose, n: u32) -> Draw {
    Draws::under(seed).draw_for(who, purpose, n)
}

/// A number for a text, so that a payment's reference can be drawn for (FNV-1a, 64 bits).
pub fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finalizer of `SplitMix64` after one step (Steele, Lea and Flood, OOPSLA 2014).
const fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

impl Draw {
    /// All 64 bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Uniform in \[0, 1): the upper 53 bits.
    pub fn uniform(self) -> f64 {
        (self.0 >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in the open interval (0, 1), for logarithms.
    pub fn open_uniform(self) -> f64 {
        ((self.0 >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// True with probability `probability`.
    pub fn chance(self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform among 0, 1, … `count` − 1.
    ///
    /// # Panics
    /// When `count` is 0: there is nothing to choose from.
    pub fn below(self, count: u64) -> u64 {
        assert!(count > 0, "something to choose from");
        let product = u128::from(self.0) * u128::from(count);
        u64::try_from(product >> 64).expect("the upper half of a product of two u64 fits u64")
    }

    /// The place of one of `weights` (each not negative, not all 0), with probability
    /// proportional to it.
    pub fn pick(self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let total: f64 = weights.clone().sum();
        let mut left = self.uniform() * total;
        let mut last = 0;
        for (place, weight) in weights.enumerate() {
            if weight > 0.0 {
                last = place;
                if left < weight {
                    return place;
                }
            }
            left -= weight;
        }
        last
    }

    /// Exponential with the given mean \[same unit\].
    pub fn exponential(self, mean: f64) -> f64 {
        -mean * libm::log(self.open_uniform())
    }

    /// The same to the last digit but one, for who draws millions of them.
    pub fn exponential_quickly(self, mean: f64) -> f64 {
        -mean * ln(self.open_uniform())
    }

    /// Standard normal, by the inverse distribution function.
    pub fn normal(self) -> f64 {
        inverse_normal(self.open_uniform())
    }

    /// Lognormal with the given median \[same unit\] and sigma of the logarithm; its mean is
    /// median · exp(sigma²/2).
    pub fn lognormal(self, median: f64, sigma: f64) -> f64 {
        if sigma == 0.0 { median } else { median * libm::exp(sigma * self.normal()) }
    }

    /// The same to the last digit but one, for who draws millions of them.
    pub fn lognormal_quickly(self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// A lognormal length of time.
    pub fn lognormal_duration(self, median: Duration, sigma: f64) -> Duration {
        duration_from_seconds(self.lognormal(median.as_secs_f64(), sigma))
    }
}

/// The quantile of the standard normal distribution at `probability` in (0, 1).
///
/// Algorithm AS 241 (PPND16) of M. J. Wichura, Applied Statistics 37 (1988) 477–484; relative
/// accuracy about 1e-16.
pub fn inverse_normal(probability: f64) -> f64 {
    let polynomial = |coefficients: [f64; 8], x: f64| {
        coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
    };
    let q = probability - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(A, r) / polynomial(B, r);
    }
    let tail = if q < 0.0 { probability } else { 1.0 - probability };
    let r = libm::sqrt(-libm::log(tail));
    let value = if r <= 5.0 {
        polynomial(C, r - 1.6) / polynomial(D, r - 1.6)
    } else {
        polynomial(E, r - 5.0) / polynomial(F, r - 5.0)
    };
    if q < 0.0 { -value } else { value }
}

/// Numerator beside the middle: coefficients a of AS 241.
const A: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];

/// Denominator beside the middle: coefficients b of AS 241.
const B: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_545,
];

/// Numerator in the tails: coefficients c of AS 241.
const C: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];

/// Denominator in the tails: coefficients d of AS 241.
const D: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];

/// Numerator far out in the tails: coefficients e of AS 241.
const E: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];

/// Denominator far out in the tails: coefficients f of AS 241.
const F: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    const FAN: FanId = FanId { population: 1, index: 417 };

    #[test]
    fn draws_are_the_same_on_every_machine() {
        // Golden values, computed apart from this code: a change here changes every recorded run.
        for (seed, fan, purpose, n, bits) in [
            (20_261_121, FAN, Purpose::ReloadGap, 0, 0xceaf_29cd_7b15_375c),
            (20_261_121, FAN, Purpose::ReloadGap, 1, 0xa187_ce62_c2f5_e1fe),
            (20_261_121, FAN, Purpose::ReloadGap, 2, 0x459f_2442_0507_aed3),
            (0, FanId::default(), Purpose::Arrival, 0, 0xa3cc_c30f_e878_e617),
            (
                u64::MAX,
                FanId { population: u16::MAX, index: u32::MAX },
                Purpose::RetryAfter,
                u32::MAX,
                0x3639_7348_0041_3306,
            ),
        ] {
            assert_eq!(draw(seed, fan, purpose, n), Draw(bits), "{seed} {fan} {purpose:?} {n}");
        }
    }

    #[test]
    fn what_is_made_of_a_draw_is_the_same_on_every_machine() {
        // To the last bit: logarithms and exponentials are libm's on all of them.
        let draw = draw(20_261_121, FAN, Purpose::ReloadGap, 0);
        assert_eq!(draw.uniform().to_bits(), 0x3fe9_d5e5_39af_62a6);
        assert_eq!(draw.normal().to_bits(), 0x3feb_c860_1bea_b622);
        assert_eq!(draw.exponential(3.0).to_bits(), 0x3fe4_8ae6_e475_0b3a);
        assert_eq!(draw.lognormal(6.1, 0.8).to_bits(), 0x4028_6f47_e06e_6656);
        assert_eq!(draw.below(1_000), 807);
    }

    #[test]
    fn what_is_drawn_quickly_is_the_same_length() {
        for n in 0..10_000 {
            let draw = draw(7, FAN, Purpose::Think, n);
            let (exact, quick) = (draw.exponential(3.0), draw.exponential_quickly(3.0));
            assert!((exact - quick).abs() <= 2e-15 * exact.max(1.0), "{exact} {quick}");
            let (exact, quick) = (draw.lognormal(3.0, 0.8), draw.lognormal_quickly(3.0, 0.8));
            assert!((exact - quick).abs() <= 1e-15 * exact, "{exact} {quick}");
        }
    }

    #[test]
    fn the_hashes_are_the_published_ones() {
        // SplitMix64: first output for the seed 1234567 of the reference implementation.
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
        // FNV-1a, 64 bits: test vectors of draft-eastlake-fnv.
        assert_eq!(number_of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(number_of("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_inverse_normal_agrees_with_known_quantiles() {
        // Newton's method on the power series of the distribution function with 60 digits; the
        // probabilities lie in all three ranges of the algorithm and beside their borders.
        for (probability, quantile) in [
            (0.500_1, 2.506_628_300_880_351e-4),
            (0.6, 0.253_347_103_135_799_8),
            (0.75, 0.674_489_750_196_081_7),
            (0.925, 1.439_531_470_938_456),
            (0.925_000_1, 1.439_532_177_375_900_5),
            (0.95, 1.644_853_626_951_472_7),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.995, 2.575_829_303_548_901),
            (0.999, 3.090_232_306_167_813_5),
            (1e-3, -3.090_232_306_167_813_5),
            (1e-6, -4.753_424_308_822_899),
            (1e-10, -6.361_340_902_404_056),
            (1e-12, -7.034_483_825_301_132),
            (1e-20, -9.262_340_089_798_408),
        ] {
            // A rounding of the probability beside 1/2 or 1 moves the quantile by as much.
            let error = (inverse_normal(probability) - quantile).abs();
            assert!(error < 1e-15 * f64::max(1.0, f64::abs(quantile)), "{probability}: {error:e}");
        }
    }

    #[test]
    fn the_inverse_normal_is_symmetric_and_grows() {
        let mut before = f64::NEG_INFINITY;
        for step in 1..4_096_u32 {
            let probability = f64::from(step) / 4_096.0;
            let quantile = inverse_normal(probability);
            assert!(quantile > before, "{probability}");
            // 1 − k/4096 is exact, so the symmetry is too.
            assert_eq!(quantile.to_bits(), (0.0 - inverse_normal(1.0 - probability)).to_bits());
            before = quantile;
        }
    }

    #[test]
    fn neighbours_draw_independently() {
        let count = 100_000_u32;
        let fan = |index| draw(7, FanId { population: 0, index }, Purpose::Arrival, 0).uniform();
        let next = |n| draw(7, FAN, Purpose::Think, n).uniform();
        let other = |n| draw(7, FAN, Purpose::Abandon, n).uniform();
        let correlation = |f: &dyn Fn(u32) -> f64, g: &dyn Fn(u32) -> f64| {
            (0..count).map(|n| (f(n) - 0.5) * (g(n) - 0.5)).sum::<f64>() / f64::from(count) * 12.0
        };
        // Four standard errors of a correlation of zero.
        let bound = 4.0 / f64::from(count).sqrt();
        assert!(correlation(&fan, &|index| fan(index + 1)).abs() < bound);
        assert!(correlation(&next, &|n| next(n + 1)).abs() < bound);
        assert!(correlation(&next, &other).abs() < bound);
    }

    #[test]
    fn the_moments_are_those_of_the_laws() {
        let count = 200_000_u32;
        let all = |f: &dyn Fn(Draw) -> f64| {
            (0..count).map(|n| f(draw(7, FAN, Purpose::Think, n))).sum::<f64>() / f64::from(count)
        };
        assert!((all(&|d| d.uniform()) - 0.5).abs() < 0.003);
        assert!((all(&|d| d.exponential(3.0)) - 3.0).abs() < 0.03);
        let mean = 6.1 * libm::exp(0.8 * 0.8 / 2.0);
        assert!((all(&|d| d.lognormal(6.1, 0.8)) / mean - 1.0).abs() < 0.01);
        assert!((all(&|d| d.below(10) as f64) - 4.5).abs() < 0.03);
        let second = all(&|d| f64::from(u8::from(d.pick([0.5, 0.0, 1.5].into_iter()) == 2)));
        assert!((second - 0.75).abs() < 0.005);
    }
}
