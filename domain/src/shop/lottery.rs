//! A ticket lottery: when entries are taken, when the results are out, and until when winners pay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shop::Sale;
use crate::time::{Duration, Span, Time};

/// How the pieces of a sale are given out by lot. All moments count from the sale's opening.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lottery {
    /// Until when entries are taken.
    pub entries_close: Span,
    /// When the first winners are drawn, and told all at once.
    pub results: Span,
    /// How long the winners of each draw have to pay.
    pub pay_by: Span,
    /// How often what was not paid is drawn again among those who have not won.
    pub redraws: u32,
    /// Whether what was not paid is given back before it is drawn again.
    pub redraw: Redraw,
}

/// When what was not paid by the deadline is drawn again.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Redraw {
    /// Once the unpaid reservations are released.
    #[default]
    AfterRelease,
    /// At the deadline, in place of whoever has not paid; their reservations are released by the next
    /// sweep, and can be paid until then: pieces go twice.
    BeforeRelease,
}

impl Lottery {
    /// When draw number `round` takes place, from 0: each but the first is at the deadline of the one
    /// before. Counted from the opening.
    pub fn draw(&self, round: u32) -> Duration {
        self.results.0.saturating_add(self.pay_by.0.saturating_mul(round))
    }

    /// Until when the winners of draw number `round` pay, from the opening.
    pub fn deadline(&self, round: u32) -> Duration {
        self.draw(round.saturating_add(1))
    }

    /// The deadline of the last draw, from the opening.
    pub fn ends(&self) -> Duration {
        self.deadline(self.redraws)
    }
}

impl Sale {
    /// When draw number `round` of its lottery takes place; never, where it has none.
    pub fn draw_at(&self, round: u32) -> Time {
        self.lottery.map_or(Time::NEVER, |lottery| self.opens + lottery.draw(round))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_draw_is_at_the_deadline_of_the_one_before() {
        let span = |s| Span(Duration::from_secs(s));
        let lottery = Lottery {
            entries_close: span(20),
            results: span(30),
            pay_by: span(60),
            redraws: 1,
            redraw: Redraw::AfterRelease,
        };
        assert_eq!(lottery.draw(0), Duration::from_secs(30));
        assert_eq!(lottery.deadline(0), lottery.draw(1));
        assert_eq!(lottery.ends(), Duration::from_secs(150));
    }
}
