//! The page before and around the opening: when a fan looks next.

use domain::draw::Purpose;
use domain::id::FanId;
use domain::law::Law;
use domain::outcome::{Departure, Operation};
use domain::time::{Duration, Time, duration_from_seconds};

use super::behaviour::Reload;
use super::{Crowd, Fan, Next, Phase, SHORTEST_PAUSE};

/// How many draws of a patience that has lasted so long are made: nearly everybody whose patience is shorter
/// has left by then.
const PATIENCES_MAX: u32 = 64;

impl Reload {
    /// The law of the gap that follows a reload, `distance` before or after the opening: that of
    /// `gap` with its median raised to `growth · distance` where that is longer. A crowd of n then
    /// reloads n / mean times per second.
    pub fn gap_at(&self, distance: Duration) -> Law {
        let stretched = duration_from_seconds(self.growth * distance.as_secs_f64());
        match self.gap {
            Law::Constant(length) => Law::Constant(length.max(stretched)),
            Law::Lognormal { median, sigma } => {
                Law::Lognormal { median: median.max(stretched), sigma }
            }
            Law::Exponential { mean } => {
                // The median of an exponential law is ln 2 of its mean.
                let stretched = stretched.as_secs_f64() / core::f64::consts::LN_2;
                Law::Exponential { mean: mean.max(duration_from_seconds(stretched)) }
            }
            Law::Empirical(quantiles) => {
                let median = quantiles.at(0.5).as_secs_f64().max(1e-9);
                let longer = (stretched.as_secs_f64() / median).max(1.0);
                Law::Empirical(quantiles.times(longer))
            }
        }
    }
}

/// What one who only waits for the opening does after its sleep.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Looks at the page again.
    Looks,
    /// Leaves.
    Leaves(Departure),
}

impl Fan {
    /// One who came before the opening and slept until it looks at the page again, at `at`. What it draws is
    /// drawn from number `look` on, since others had its number before. None where nobody looks at a page.
    pub fn who_waits(id: FanId, look: u32, at: Time, crowd: &Crowd) -> Option<Self> {
        let page = crowd.route.page()?;
        let mut fan = Self::new(id);
        let ends = |n: u32| {
            let draw = fan.draw(crowd, Purpose::Patience, look.wrapping_add(n));
            crowd.opens + crowd.behaviour.patience.sample(draw)
        };
        // Whose patience did not last until now has left.
        fan.patience_ends = (0..PATIENCES_MAX).map(ends).find(|ends| *ends >= at).unwrap_or(at);
        fan.gaps = look;
        // Half of the numbers are left for pauses of its own.
        fan.pauses = u16::try_from(look % (1 << 15)).unwrap_or_default();
        fan.phase = Phase::Pausing(Next::Send(page));
        Some(fan)
    }

    /// What it does after its sleep, if nothing but that tells it from others who wait for the opening: it has
    /// seen nothing of the sale, and nothing was refused.
    pub fn outlook(&self, crowd: &Crowd) -> Option<Outlook> {
        if self.progress.is_inside() || self.refusals > 0 {
            return None;
        }
        match self.phase {
            Phase::Pausing(Next::Send(stage)) if crowd.route.page() == Some(stage) => {
                Some(Outlook::Looks)
            }
            Phase::Pausing(Next::Leave(departure)) => Some(Outlook::Leaves(departure)),
            _ => None,
        }
    }

    /// When it looks again, from start to start: a gap after the latest look at the page was
    /// intended, or `at`, when the answer came, if that is later. So the rate of reloads is that of
    /// the gaps, however slowly the page answers, until answers take longer than a gap. Where it
    /// looks at anything but a page, the gap counts from `at`.
    pub(super) fn next_look(&mut self, look: u8, at: Time, crowd: &Crowd) -> Time {
        let from = if crowd.route.is(look, Operation::Reload) { self.since } else { at };
        let distance = from.max(crowd.opens) - from.min(crowd.opens);
        let gap = crowd.behaviour.reload.gap_at(distance);
        let length = gap.sample(self.draw(crowd, Purpose::ReloadGap, self.gaps));
        self.gaps = self.gaps.saturating_add(1);
        at.max(from + length.max(SHORTEST_PAUSE))
    }
}
