//! Machines that their owner takes back, as spot instances are: with a notice, or all of a sudden.

use domain::time::{Duration, Offset, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Machines are taken back: `stack.application.reclaims`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reclaim {
    /// When the notice comes, from the first opening; at the whole second that follows.
    pub at: Offset,
    /// How many nodes: those with the most tasks. Either these or `tasks`.
    #[serde(default)]
    pub nodes: Option<u32>,
    /// How many tasks, where each has a machine of its own.
    #[serde(default)]
    pub tasks: Option<u32>,
    /// How long before they are gone they are drained: 2 min, as EC2 and Fargate Spot have it. `"0s"`: they
    /// are gone at once, and so is all that they had begun.
    #[serde(default = "notice")]
    pub notice: Span,
    /// Without a notice: how long nobody knows that they are gone. 60 s, the default of an ALB: two
    /// failed health checks, 30 s apart.
    #[serde(default = "detected")]
    pub detected: Span,
}

const fn notice() -> Span {
    Span(Duration::from_mins(2))
}

const fn detected() -> Span {
    Span(Duration::from_mins(1))
}

impl Reclaim {
    /// Whether what they had begun has time to be done.
    pub fn is_drained(&self) -> bool {
        !self.notice.0.is_zero()
    }

    /// From the notice until they are gone and everybody knows, in a sale that opens then.
    pub fn stretch(&self, opens: Time) -> (Time, Time) {
        let from = self.at.from(opens);
        (from, from + if self.is_drained() { self.notice.0 } else { self.detected.0 })
    }

    /// What was done, as a clause without a verb: `2 nodes reclaimed, with a notice of 120s`.
    pub fn clause(&self) -> String {
        let (count, what) = match (self.nodes, self.tasks) {
            (Some(nodes), _) => (nodes, "node"),
            (None, tasks) => (tasks.unwrap_or(0), "task"),
        };
        let plural = if count == 1 { "" } else { "s" };
        let notice = if self.is_drained() {
            format!("with a notice of {}", self.notice)
        } else {
            "without notice".to_owned()
        };
        format!("{count} {what}{plural} reclaimed {notice}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_taken_and_how_long_before() {
        let of = |text: &str| -> Reclaim { toml::from_str(text).unwrap() };
        let drained = of("at = '+1m'\nnodes = 2");
        assert_eq!(drained.clause(), "2 nodes reclaimed with a notice of 120s");
        let minute = |minutes: u64| Time::ZERO + Duration::from_mins(minutes);
        assert_eq!(drained.stretch(minute(10)), (minute(11), minute(13)));
        let sudden = of("at = '0s'\ntasks = 1\nnotice = '0s'");
        assert_eq!(sudden.clause(), "1 task reclaimed without notice");
        assert_eq!(sudden.stretch(minute(10)), (minute(10), minute(11)));
    }
}
