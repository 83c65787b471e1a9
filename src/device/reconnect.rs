//! How long a device waits before it tries to connect again.

use domain::draw::Draw;
use domain::time::{Duration, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a device that has lost its connection tries to connect, and tries again.
///
/// The forms with jitter are those of AWS's simulator of back-offs (github.com/aws-samples/
/// aws-arch-backoff-simulator; M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// At once, each time.
    Immediate,
    /// After the same time, each time.
    Fixed {
        /// How long.
        every: Duration,
    },
    /// After a time that is even in \[0, v\], v = min(cap, base · 2ⁿ), n the attempts that failed.
    FullJitter {
        /// v of the first attempt.
        base: Duration,
        /// The most that v becomes.
        cap: Duration,
    },
    /// After v/2 and a time that is even in \[0, v/2\].
    EqualJitter {
        /// v of the first attempt.
        base: Duration,
        /// The most that v becomes.
        cap: Duration,
    },
    /// After a time that is even in \[base, 3 · the last one\], at most the cap.
    Decorrelated {
        /// The least, and the last one before the first.
        base: Duration,
        /// The most.
        cap: Duration,
    },
    /// As the Open Charge Point Protocol 2.x has it.
    Ocpp(Ocpp),
}

/// The back-off of OCPP 2.x (its variables `RetryBackOffWaitMinimum`, `RetryBackOffRepeatTimes` and
/// `RetryBackOffRandomRange`): minimum · 2ᵏ and a random part that is even in \[0, range\]. k grows with each
/// attempt that fails up to the number of doublings, and stays there; a device never gives up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Ocpp {
    /// The least.
    pub minimum: Duration,
    /// How often it is doubled.
    pub doublings: u32,
    /// How long the random part is at most.
    pub range: Duration,
    /// What is doubled: readings of the text differ.
    pub doubles: Doubles,
}

/// What OCPP's back-off doubles.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Doubles {
    /// The minimum alone.
    #[default]
    Minimum,
    /// The random part too.
    Both,
}

impl Reconnect {
    /// How long to wait before the next attempt, of which so many have `failed` since the connection was
    /// lost; `last` is how long was waited before the last one, if there was one.
    pub fn pause(self, failed: u32, last: Option<Duration>, draw: Draw) -> Duration {
        let even = |from: Duration, to: Duration| {
            from + duration_from_seconds(to.saturating_sub(from).as_secs_f64() * draw.uniform())
        };
        match self {
            Self::Immediate => Duration::ZERO,
            Self::Fixed { every } => every,
            Self::FullJitter { base, cap } => even(Duration::ZERO, doubled(base, failed).min(cap)),
            Self::EqualJitter { base, cap } => {
                let longest = doubled(base, failed).min(cap);
                even(longest / 2, longest)
            }
            Self::Decorrelated { base, cap } => {
                even(base, last.unwrap_or(base).saturating_mul(3)).min(cap)
            }
            Self::Ocpp(Ocpp { minimum, doublings, range, doubles }) => {
                let times = failed.min(doublings);
                let range = if doubles == Doubles::Both { doubled(range, times) } else { range };
                doubled(minimum, times).saturating_add(even(Duration::ZERO, range))
            }
        }
    }

    /// Within which stretch the first attempts of devices come that lost their connections together: from
    /// the first to the last of them, evenly; of no length where all come at once.
    pub fn first_attempts(self) -> (Duration, Duration) {
        match self {
            Self::Immediate => (Duration::ZERO, Duration::ZERO),
            Self::Fixed { every } => (every, every),
            Self::FullJitter { base, cap } => (Duration::ZERO, base.min(cap)),
            Self::EqualJitter { base, cap } => (base.min(cap) / 2, base.min(cap)),
            // What is beyond the cap comes at the cap.
            Self::Decorrelated { base, cap } => (base, base.saturating_mul(3).min(cap.max(base))),
            Self::Ocpp(Ocpp { minimum, range, .. }) => (minimum, minimum.saturating_add(range)),
        }
    }
}

/// `length` doubled so many times, or the longest there is.
fn doubled(length: Duration, times: u32) -> Duration {
    length.saturating_mul(2_u32.saturating_pow(times.min(31)))
}

#[cfg(test)]
mod tests {
    use domain::draw::{Purpose, draw_for};

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The shortest and the longest of many pauses \[s\].
    fn range(reconnect: Reconnect, failed: u32, last: Option<Duration>) -> (f64, f64) {
        let pauses = (0..20_000).map(|who| {
            reconnect.pause(failed, last, draw_for(3, who, Purpose::Backoff, 0)).as_secs_f64()
        });
        pauses
            .fold((f64::INFINITY, 0.0), |(least, most), pause| (least.min(pause), most.max(pause)))
    }

    #[test]
    fn each_waits_within_what_is_published() {
        let (base, cap) = (s(5), s(60));
        let ocpp =
            |doubles| Reconnect::Ocpp(Ocpp { minimum: s(10), doublings: 3, range: s(10), doubles });
        for (reconnect, failed, last, (least, most)) in [
            (Reconnect::Immediate, 9, None, (0.0, 0.0)),
            (Reconnect::Fixed { every: s(10) }, 9, None, (10.0, 10.0)),
            (Reconnect::FullJitter { base, cap }, 0, None, (0.0, 5.0)),
            (Reconnect::FullJitter { base, cap }, 3, None, (0.0, 40.0)),
            (Reconnect::FullJitter { base, cap }, 4_000_000, None, (0.0, 60.0)),
            (Reconnect::EqualJitter { base, cap }, 1, None, (5.0, 10.0)),
            (Reconnect::Decorrelated { base, cap }, 0, None, (5.0, 15.0)),
            (Reconnect::Decorrelated { base, cap }, 1, Some(s(15)), (5.0, 45.0)),
            (Reconnect::Decorrelated { base, cap }, 2, Some(s(45)), (5.0, 60.0)),
            (ocpp(Doubles::Minimum), 0, None, (10.0, 20.0)),
            (ocpp(Doubles::Minimum), 2, None, (40.0, 50.0)),
            (ocpp(Doubles::Minimum), 50, None, (80.0, 90.0)),
            (ocpp(Doubles::Both), 2, None, (40.0, 80.0)),
        ] {
            let (shortest, longest) = range(reconnect, failed, last);
            let close = |seen: f64, expected: f64| (seen - expected).abs() <= 0.01 * (most - least);
            assert!(
                close(shortest, least) && close(longest, most),
                "{reconnect:?} after {failed}: {shortest} {longest}"
            );
        }
    }

    #[test]
    fn the_stretch_of_the_first_attempts_is_where_they_are() {
        let (base, cap) = (s(5), s(8));
        for reconnect in [
            Reconnect::Immediate,
            Reconnect::Fixed { every: s(10) },
            Reconnect::FullJitter { base, cap },
            Reconnect::EqualJitter { base, cap },
            Reconnect::Decorrelated { base, cap },
            Reconnect::Ocpp(Ocpp {
                minimum: s(10),
                doublings: 3,
                range: s(10),
                doubles: Doubles::Both,
            }),
        ] {
            let (from, to) = reconnect.first_attempts();
            let (shortest, longest) = range(reconnect, 0, None);
            assert!((from.as_secs_f64() - shortest).abs() < 0.01, "{reconnect:?}");
            assert!((to.as_secs_f64() - longest).abs() < 0.01, "{reconnect:?}");
        }
    }
}
