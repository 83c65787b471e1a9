//! How often a warm pool is empty, in closed form: machines are taken at random moments, and each is ordered
//! anew at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A chance that counts as none: far below what a double tells from nothing beside 1.
const NEGLIGIBLE: f64 = 1e-18;

/// What those do who find no machine ready.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Empty {
    /// They leave at once.
    Leave,
    /// They wait, first come, first served.
    #[default]
    Wait,
}

impl Empty {
    /// The share of those who come that find no machine ready, with `size` machines of which `offered` = λ·E\[L\]
    /// are under way in the mean (λ those who come, L the lead), whatever the lead's law is. They leave: Erlang B,
    /// for what is under way is a system with `size` servers and lost calls. They wait: what is under way is a
    /// Poisson number by Palm's theorem, and there must be fewer than `size` (Feeney and Sherbrooke, Management
    /// Science 12 (1966) 391–411, of base stock with back orders and with lost sales).
    pub fn stock_out(self, size: u32, offered: f64) -> f64 {
        match self {
            Self::Leave => erlang_b(size, offered),
            Self::Wait => poisson_tail(size, offered),
        }
    }

    /// The fewest machines with which at most `share` (more than 0) of those who come find none.
    pub fn smallest(self, offered: f64, share: f64) -> u32 {
        let chances = match self {
            Self::Leave => all_blocked(offered),
            Self::Wait => all_tails(offered),
        };
        let enough = chances.iter().position(|chance| *chance <= share);
        u32::try_from(enough.unwrap_or(chances.len())).unwrap_or(u32::MAX)
    }
}

/// The chance that all of `servers` are busy under `offered` erlang, if calls that find none are lost (A. K.
/// Erlang 1917), by B(n) = a·B(n−1) / (n + a·B(n−1)).
pub fn erlang_b(servers: u32, offered: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| next(blocked, server, offered))
}

/// The chance that a Poisson number of that mean is `least` or more.
pub fn poisson_tail(least: u32, mean: f64) -> f64 {
    let tails = all_tails(mean);
    tails.get(least as usize).copied().unwrap_or_default()
}

fn next(blocked: f64, server: u32, offered: f64) -> f64 {
    offered * blocked / (f64::from(server) + offered * blocked)
}

/// B(0), B(1), … until that is negligible.
fn all_blocked(offered: f64) -> Vec<f64> {
    let mut all = vec![1.0];
    let mut blocked = 1.0;
    for server in 1_u32.. {
        blocked = next(blocked, server, offered);
        all.push(blocked);
        if blocked < NEGLIGIBLE {
            break;
        }
    }
    all
}

/// P(N ≥ 0), P(N ≥ 1), … until that is negligible. B(n) is P(N = n) over P(N ≤ n), so that
/// P(N ≤ n − 1) = P(N ≤ n)·(1 − B(n)): a product that neither overflows nor loses small chances.
fn all_tails(mean: f64) -> Vec<f64> {
    let blocked = all_blocked(mean);
    let mut log_of_fewer = 0.0;
    let tails = blocked.iter().rev().map(|blocked| {
        log_of_fewer += libm::log1p(-blocked);
        -libm::expm1(log_of_fewer)
    });
    let mut tails: Vec<f64> = tails.collect();
    tails.reverse();
    tails
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erlang_b_is_the_usual_table() {
        for (lines, offered) in [(10, 4.461), (15, 8.108), (100, 84.064)] {
            let blocked = erlang_b(lines, offered);
            assert!((blocked / 0.01 - 1.0).abs() < 1e-3, "{lines}: {blocked}");
        }
        assert!((erlang_b(15, 10.0) - 0.036_497).abs() < 1e-5, "{}", erlang_b(15, 10.0));
    }

    #[test]
    fn a_poisson_tail_is_what_is_left_of_the_sum() {
        for (least, mean) in [(0, 3.0), (1, 3.0), (15, 10.0), (40, 10.0), (3, 0.01), (900, 1_000.0)]
        {
            let mut term = -mean;
            let mut log_of_factorial = 0.0;
            let mut below = 0.0;
            for number in 0..least {
                if number > 0 {
                    log_of_factorial += libm::log(f64::from(number));
                    term = f64::from(number) * libm::log(mean) - mean - log_of_factorial;
                }
                below += libm::exp(term);
            }
            let tail = poisson_tail(least, mean);
            assert!((tail + below - 1.0).abs() < 1e-9, "{least} of {mean}: {tail} and {below}");
        }
        assert!((poisson_tail(15, 10.0) - 0.083_458).abs() < 1e-5, "{}", poisson_tail(15, 10.0));
        // Far out, where 1 less the sum says nothing: P(N ≥ 40) of 10 is 7.342e-13.
        let tail = poisson_tail(40, 10.0);
        assert!((tail / 7.341_636e-13 - 1.0).abs() < 1e-5, "{tail}");
        assert!(poisson_tail(2_000_000, 10.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_smallest_pool_suffices_and_one_less_does_not() {
        for offered in [0.3, 10.0, 250.0, 20_000.0] {
            for empty in [Empty::Leave, Empty::Wait] {
                for share in [0.1, 0.001, 1e-6] {
                    let size = empty.smallest(offered, share);
                    assert!(empty.stock_out(size, offered) <= share, "{empty:?} {offered} {size}");
                    let fewer = empty.stock_out(size - 1, offered);
                    assert!(fewer > share, "{empty:?} {offered} {size}: {fewer}");
                }
            }
        }
    }
}
