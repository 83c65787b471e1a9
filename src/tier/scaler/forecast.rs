//! Tasks for what is known to begin: a job by the clock looks at the tournaments that begin soon, or began just
//! now, and at who has entered them by then.
//!
//! The rule is Tonamel's, as its engineering blog tells it: every 30 minutes, for the beginnings from 30 minutes
//! ago to 90 minutes ahead, entries × team × organizer × format / capacity of a task. Its coefficients were
//! not published: here they are numbers of the scenario.

use domain::time::{Duration, Offset, Span, Time, nanos_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A job that foresees the fewest tasks: `stack.application.forecast`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// How often it looks: 30 minutes, as Tonamel's.
    #[serde(default = "every")]
    pub every: Span,
    /// One of the moments at which it looks, from the first opening; the others lie whole `every` before and
    /// after it. Left out: the opening.
    #[serde(default)]
    pub at: Offset,
    /// How far back a tournament may have begun and still count, this moment included: 30 minutes, likewise.
    #[serde(default = "behind")]
    pub behind: Span,
    /// How far ahead one may begin and already count, this moment excluded: 90 minutes, likewise.
    #[serde(default = "ahead")]
    pub ahead: Span,
    /// For how many people a task is, weighted as below; the tasks are rounded up.
    pub per_task: f64,
    /// Who entered later than this, from the first opening, is not known to it: so is a plan that is made
    /// once a week. Left out: whoever has entered when it looks is known.
    #[serde(default)]
    pub planned: Option<Offset>,
    /// What begins.
    #[serde(default)]
    pub tournaments: Vec<Tournament>,
}

/// Something that begins at a time that is known: `stack.application.forecast.tournaments`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tournament {
    /// When it is said to begin, from the first opening.
    pub starts: Offset,
    /// How many people an entry is: the players of a team.
    #[serde(default = "one")]
    pub team: f64,
    /// How many people come for each of them: this organizer's coefficient.
    #[serde(default = "one")]
    pub organizer: f64,
    /// How much more each of them asks for than in the plainest format: this format's coefficient.
    #[serde(default = "one")]
    pub format: f64,
    /// Who enters, and when.
    #[serde(default)]
    pub entries: Vec<Entries>,
}

/// Entries that come at one moment.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// How many.
    pub count: u32,
    /// When, from the first opening. Left out: long ago.
    #[serde(default)]
    pub entered: Option<Offset>,
}

const fn every() -> Span {
    Span(Duration::from_mins(30))
}

const fn behind() -> Span {
    Span(Duration::from_mins(30))
}

const fn ahead() -> Span {
    Span(Duration::from_mins(90))
}

const fn one() -> f64 {
    1.0
}

impl Tournament {
    /// Its people, weighted, of whom was entered until `known` \[ns from the first opening\].
    fn weight(&self, known: i64) -> f64 {
        let is_known =
            |entries: &&Entries| entries.entered.is_none_or(|entered| entered.nanos() <= known);
        let entries: f64 =
            self.entries.iter().filter(is_known).map(|entries| f64::from(entries.count)).sum();
        entries * self.team * self.organizer * self.format
    }

    /// Likewise, of all who ever enter.
    pub fn weight_in_all(&self) -> f64 {
        self.weight(i64::MAX)
    }
}

impl Forecast {
    /// How many tasks it foresees when it looks at `at` \[ns from the first opening\].
    pub fn tasks(&self, at: i64) -> u32 {
        let from = at.saturating_sub(signed(self.behind));
        let until = at.saturating_add(signed(self.ahead));
        let known = self.planned.map_or(at, |planned| planned.nanos().min(at));
        let soon = |one: &&Tournament| (from..until).contains(&one.starts.nanos());
        let weights = self.tournaments.iter().filter(soon).map(|one| one.weight(known));
        super::proportional(1, weights.sum(), self.per_task)
    }

    /// When what it foresees changes, and to how many tasks \[ns from the first opening\], in the order of time;
    /// nothing is foreseen before the first.
    pub fn steps(&self) -> Vec<(i64, u32)> {
        let changes = self.tournaments.iter().flat_map(|one| {
            let starts = one.starts.nanos();
            let entered = one.entries.iter().filter_map(|entries| entries.entered);
            // The first moments at which it counts, and at which it does not any more.
            let seen = starts.saturating_sub(signed(self.ahead)).saturating_add(1);
            let forgotten = starts.saturating_add(signed(self.behind)).saturating_add(1);
            entered.map(Offset::nanos).chain([seen, forgotten])
        });
        let mut looks: Vec<i64> = changes.map(|at| self.next_look(at)).collect();
        looks.sort_unstable();
        looks.dedup();
        let mut before = 0;
        let each = looks.into_iter().map(|look| (look, self.tasks(look)));
        each.filter(|(_, tasks)| std::mem::replace(&mut before, *tasks) != *tasks).collect()
    }

    /// When it looks next, at `at` or later \[ns from the first opening, both\].
    fn next_look(&self, at: i64) -> i64 {
        match self.last_look(at) {
            last if last == at => at,
            last => last.saturating_add(signed(self.every).max(1)),
        }
    }

    /// When it looked last, at `at` or before \[ns from the first opening, both\].
    fn last_look(&self, at: i64) -> i64 {
        let since = at.saturating_sub(self.at.nanos());
        at.saturating_sub(since.rem_euclid(signed(self.every).max(1)))
    }
}

/// A length of time \[ns\].
fn signed(span: Span) -> i64 {
    i64::try_from(nanos_of(span.0)).unwrap_or(i64::MAX)
}

/// The job at work.
#[derive(Clone, Debug)]
pub struct Job {
    forecast: Forecast,
    /// The first opening \[ns from the run's beginning\].
    opens: i64,
    /// When it looked last \[ns from the first opening\].
    looked: Option<i64>,
}

impl Job {
    /// Of a run whose first sale opens then.
    pub fn new(forecast: Forecast, opens: Time) -> Self {
        Self { forecast, opens: opens.nanos().cast_signed(), looked: None }
    }

    /// How many tasks it foresees from the end of this second on, if it has just looked: also in the run's
    /// first second, for it looked before.
    pub(super) fn second(&mut self, at: Time) -> Option<u32> {
        let look = self.forecast.last_look(at.nanos().cast_signed().saturating_sub(self.opens));
        if self.looked.replace(look) == Some(look) {
            return None;
        }
        Some(self.forecast.tasks(look))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute \[ns\].
    const MINUTE: i64 = 60_000_000_000;

    fn forecast(text: &str) -> Forecast {
        toml::from_str(text).unwrap()
    }

    /// 216 teams of six, with half as many friends, in a format that is looked at a quarter more: 2,430. The opening
    /// stands for 10:40, the tournament begins at 10:30, and the job looks at whole and half hours.
    fn cup(more: &str) -> Forecast {
        forecast(&format!(
            "per_task = 135\nat = '-10m'\n{more}\n\
             [[tournaments]]\nstarts = '-10m'\nteam = 6\norganizer = 1.5\nformat = 1.25\n\
             entries = [{{ count = 54, entered = '-5d' }}, {{ count = 162, entered = '-45m' }}]"
        ))
    }

    #[test]
    fn what_begins_counts_from_90_minutes_before_it_to_30_after() {
        let all =
            forecast("per_task = 135\n[[tournaments]]\nstarts = '0s'\nentries = [{ count = 270 }]");
        let foreseen = |minute: i64| all.tasks(minute * MINUTE);
        // Half open: what begins in exactly 90 minutes does not count yet, what began 30 ago still does.
        assert_eq!([-91, -90, -89, 0, 30, 31].map(foreseen), [0, 0, 2, 2, 2, 0]);
        assert_eq!(all.tasks(-90 * MINUTE + 1), 2);
        assert_eq!(all.tasks(30 * MINUTE + 1), 0);
        // Without looking back it is forgotten as soon as it has begun.
        let onward = Forecast { behind: Span::default(), ..all };
        assert_eq!([-1, 0, 1].map(|minute| onward.tasks(minute * MINUTE)), [2, 2, 0]);
    }

    #[test]
    fn tasks_are_the_weighted_people_over_what_a_task_is_for() {
        let cup = cup("");
        // 216 · 6 · 1.5 · 1.25 / 135 = 18 exactly; 54 · … / 135 = 4.5.
        assert_eq!(cup.tasks(-40 * MINUTE), 18);
        assert_eq!(cup.tasks(-46 * MINUTE), 5);
        assert!((cup.tournaments[0].weight_in_all() - 2_430.0).abs() < 1e-9);
        // Two that begin soon are one sum, rounded once: 0.6 + 0.6 of a task are two.
        let two = forecast(
            "per_task = 10\ntournaments = [{ starts = '0s', entries = [{ count = 6 }] }, \
             { starts = '1h', entries = [{ count = 6 }] }]",
        );
        assert_eq!((two.tasks(0), two.tasks(-40 * MINUTE)), (2, 1));
    }

    #[test]
    fn a_plan_knows_nobody_who_enters_after_it_was_made() {
        let planned = |when: &str| cup(&format!("planned = '{when}'")).tasks(-40 * MINUTE);
        assert_eq!([planned("-6d"), planned("-3d"), planned("-45m")], [0, 5, 18]);
        // Nor does a plan for later know who has not entered yet.
        assert_eq!(cup("planned = '0s'").tasks(-46 * MINUTE), 5);
    }

    #[test]
    fn its_steps_are_the_looks_at_which_something_changes() {
        let steps = |more: &str| -> Vec<(i64, u32)> {
            cup(more).steps().into_iter().map(|(at, tasks)| (at / MINUTE, tasks)).collect()
        };
        assert_eq!(steps(""), [(-70, 5), (-40, 18), (50, 0)]);
        // A look at each second finds it, and those who enter, as soon as may be.
        let eager = cup("every = '1s'").steps();
        let second = MINUTE / 60;
        assert_eq!(eager[0], (-100 * MINUTE + second, 5));
        assert_eq!(eager[1], (-45 * MINUTE, 18));
        assert_eq!(eager[2], (20 * MINUTE + second, 0));
        assert!(cup("planned = '-6d'").steps().is_empty());
    }

    #[test]
    fn it_looks_by_the_clock_and_looked_before_the_run_began() {
        // The run begins at 08:40.
        let mut job = Job::new(cup(""), Time::from_millis(120 * 60_000));
        let mut looks = Vec::new();
        for second in 1..=3 * 3_600 {
            if let Some(tasks) = job.second(Time::from_millis(second * 1_000)) {
                looks.push((second / 60, tasks));
            }
        }
        // At 08:30, which is told in the first second; at 09:00, when 10:30 does not count yet; at 09:30 with the
        // 54 teams that have entered; at 10:00 with all; and still at 11:00. The next look is at 11:30.
        let expected = [(0, 0), (20, 0), (50, 5), (80, 18), (110, 18), (140, 18), (170, 0)];
        assert_eq!(looks, expected);
    }
}
