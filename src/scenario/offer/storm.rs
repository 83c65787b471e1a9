//! How many ask to buy when a sale opens. Who waits looks at the page again when the gap is over, and
//! thinks before each step of the way: the storm at the checkout is lower and broader than the one
//! at the edge.

use domain::draw::{Purpose, draw_for};
use domain::outcome::Operation;
use domain::time::Time;

use crate::scenario::Population;
use crate::scenario::offer::{expected, foreign, reach, whole};

/// People who stand for a population \[A\]: the busiest second then holds some thousands of them, and is
/// known to a few hundredths.
const STAND_INS: u32 = 20_000;

/// How many seconds after an opening are looked at.
const SECONDS: usize = 600;

/// Those who ask to buy for the first time, in each second after an opening.
pub(super) struct Storm([f64; SECONDS]);

impl Storm {
    /// Nobody does.
    pub(super) const CALM: Self = Self([0.0; SECONDS]);

    /// The busiest second \[1/s\].
    pub(super) fn peak_per_s(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// Adds a population whose sale opens `at` a moment, those who are there by then.
    pub(super) fn add(&mut self, people: &Population, at: Time) {
        let ask = expected(people, at) * reach(people);
        let each = || (0..STAND_INS).map(|one| first_ask(people, one));
        let weights: f64 = each().map(|(weight, _)| weight).sum();
        for (weight, after_s) in each() {
            if let Some(second) =
                usize::try_from(whole(after_s)).ok().and_then(|at| self.0.get_mut(at))
            {
                *second += ask * weight / weights;
            }
        }
    }
}

/// How long after the opening somebody asks who waited for it \[s\], and how much they weigh: the gap
/// between two looks in which it falls, as a long one is the likelier to hold it. What is left of it is any part of it.
fn first_ask(people: &Population, one: u32) -> (f64, f64) {
    let behaviour = &people.crowd.behaviour;
    let stages = &people.crowd.route.stages;
    let draw = |n| draw_for(0, u64::from(one), Purpose::ReloadGap, n);
    let page = foreign::page(people);
    let gap_s = behaviour.reload.gap.sample(draw(0)).as_secs_f64();
    let (weight, left_s) = match page {
        Some(_) if gap_s > 0.0 => (gap_s, gap_s * draw(1).uniform()),
        _ => (1.0, 0.0),
    };
    let on_the_way = (2..).step_by(2).zip(&stages[page.map_or(0, |page| page + 1)..]);
    let thoughts_s = on_the_way
        .filter(|(n, stage)| {
            !matches!(stage.operation, Operation::Poll | Operation::Login)
                && draw(*n).chance(stage.chance)
        })
        .map(|(n, stage)| stage.think.unwrap_or(behaviour.think).sample(draw(n + 1)));
    (weight, left_s + thoughts_s.map(|thought| thought.as_secs_f64()).sum::<f64>())
}
