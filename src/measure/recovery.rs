//! Whether a run came back from what took its capacity away for a while: the detector of metastable
//! failures.
//!
//! A system is metastable when the trigger of a failure is gone and the failure keeps itself up, commonly
//! by people who try again (N. Bronson et al., "Metastable Failures in Distributed Systems", `HotOS` 2021;
//! L. Huang et al., "Metastable Failures in the Wild", OSDI 2022).

use domain::outcome::Outcome;
use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::measure::round3;
use crate::measure::surge::{Surge, surges};
use crate::measure::timeline::{Timeline, TimelineLine};

/// How long before a trigger the good answers are counted, at most \[s\].
pub(super) const BEFORE: u64 = 60;
/// How long after its end they are looked at \[s\]: what has not come back by then does not.
pub(super) const SETTLED: u64 = 60;
/// For how long they are looked at then, at most \[s\].
pub(super) const AFTER: u64 = 30;
/// The least of either that says anything \[s\], and how long good answers must have come to be back.
pub(super) const WINDOW: u64 = 10;
/// The share of the good answers before it from which on they count as back.
pub(super) const BACK: f64 = 0.9;
/// The share below which a failure keeps itself up.
pub(super) const METASTABLE: f64 = 0.5;
/// How many times as many may come as before it, by chance, and count as no more.
const NO_MORE: f64 = 1.1;
/// The share of those who came before it that must still come.
pub(super) const STILL: f64 = 0.1;
/// Fewer arrivals than these before it are no stream of people.
pub(super) const ARRIVALS_MIN: f64 = 30.0;
/// The share of them that must have left again: then those who come are the load, otherwise those who
/// are there.
const COME_AND_GO: f64 = 0.5;

/// What became of a run after something had taken its capacity away, or had brought far more people for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recovery {
    /// What had: `the application at 20 % of its speed`, `the shop was gone`, `a surge of 3.0 times the arrivals`.
    pub trigger: String,
    /// When that began, from the run's beginning \[s\].
    pub from_s: f64,
    /// When it was over \[s\]; absent if it never was.
    pub until_s: Option<f64>,
    /// Good answers per second before it (`ok`, `sold_out`, `declined`) \[1/s\].
    pub before_per_s: Option<f64>,
    /// The same a minute after its end \[1/s\].
    pub after_per_s: Option<f64>,
    /// How long after its end nine tenths of them were back, of what the load then lets expect \[s\];
    /// absent if they never were.
    pub back_after_s: Option<f64>,
    /// What to call it.
    pub state: RecoveryState,
    /// Why it is not assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryState {
    /// Good answers came again within a minute.
    Recovered,
    /// A minute later they were more than half of what they had been, but not back.
    Slow,
    /// A minute later they were less than half of what they had been, though no more people came: the
    /// failure kept itself up.
    Metastable,
    /// Nobody can say.
    NotAssessed,
}

/// What became of a run after each trigger, in the order of time.
pub(super) fn recoveries(evidence: &Evidence, timeline: &Timeline) -> Vec<Recovery> {
    let ending = &evidence.ending;
    let course = Course::of(evidence, timeline);
    let done = ending.triggers.iter();
    let done = done.map(|trigger| (trigger.what.clone(), trigger.from, Some(trigger.until)));
    let gaps =
        ending.gaps.iter().map(|gap| (format!("{} was gone", gap.part), gap.from, gap.until));
    let done = done.chain(gaps).map(|(what, from, until)| course.after(what, from, until));
    let mut all: Vec<Recovery> = done.chain(course.after_surges()).collect();
    all.sort_by(|one, other| one.from_s.total_cmp(&other.from_s));
    all
}

/// The run, second by second.
struct Course {
    /// Operations intended in it that were answered well.
    good: Vec<f64>,
    arrived: Vec<f64>,
    left: Vec<f64>,
    /// Who was there at its end.
    present: Vec<f64>,
    /// When sales opened and closed \[s\].
    sales: Vec<(u64, u64)>,
}

impl Course {
    fn of(evidence: &Evidence, timeline: &Timeline) -> Self {
        let nothing = TimelineLine::default();
        let lines = (0..timeline.end()).map(|at| timeline.seconds.get(&at).unwrap_or(&nothing));
        let sales = evidence.catalogue.sales.iter();
        let sales = sales.map(|sale| (second(sale.opens), second(sale.closes))).collect();
        let none = Vec::new;
        let mut course =
            Self { good: none(), arrived: none(), left: none(), present: none(), sales };
        let mut there = 0.0;
        for line in lines {
            let (arrived, left) = (line.arrived as f64, line.departed.values().sum::<u64>() as f64);
            there += arrived - left;
            course.good.push(answered_well(line) as f64);
            course.arrived.push(arrived);
            course.left.push(left);
            course.present.push(there);
        }
        course
    }

    /// What became of it after each surge of arrivals of which that can be said.
    fn after_surges(&self) -> impl Iterator<Item = Recovery> {
        let mut opened: Vec<u64> = self.sales.iter().map(|(opens, _)| *opens).collect();
        opened.sort_unstable();
        let ends = opened.iter().skip(1).copied().chain([self.arrived.len() as u64]);
        // The rush at an opening is what the sale is about, and nothing good came before it.
        let stretches: Vec<(u64, u64)> = opened.iter().copied().zip(ends).collect();
        let all = stretches.into_iter().flat_map(move |stretch| surges(&self.arrived, stretch));
        let told = all.map(move |Surge { from, until, times }| {
            let [from, until] = [from, until].map(|second| Time::from_millis(second * 1_000));
            self.after(format!("a surge of {times:.1} times the arrivals"), from, Some(until))
        });
        told.filter(|recovery| recovery.state != RecoveryState::NotAssessed)
    }

    fn after(&self, trigger: String, from: Time, until: Option<Time>) -> Recovery {
        let mut told = Recovery {
            trigger,
            from_s: round3(from.seconds()),
            until_s: until.map(|until| round3(until.seconds())),
            before_per_s: None,
            after_per_s: None,
            back_after_s: None,
            state: RecoveryState::NotAssessed,
            reason: None,
        };
        match until.ok_or("it never was over").and_then(|until| self.assess(&mut told, from, until))
        {
            Ok(state) => told.state = state,
            Err(reason) => told.reason = Some(reason.to_owned()),
        }
        told
    }

    fn assess(
        &self,
        told: &mut Recovery,
        from: Time,
        until: Time,
    ) -> Result<RecoveryState, &'static str> {
        let (from, over) = (from.nanos() / 1_000_000_000, second(until));
        let opened = self.sales.iter().map(|(opens, _)| *opens).filter(|opens| *opens <= from);
        let since = opened.max().unwrap_or(0).max(from.saturating_sub(BEFORE));
        let before = mean(&self.good, since, from).filter(|_| from - since >= WINDOW);
        let before = before.ok_or("the ten seconds before it are not there to compare with")?;
        told.before_per_s = Some(round3(before));
        if before == 0.0 {
            return Err("nothing was answered before it");
        }
        let load = self.load(since, from);
        let usual = mean(load, since, from).unwrap_or_default();
        let closes = self.sales.iter().map(|(_, closes)| *closes).filter(|closes| *closes > over);
        let end = closes.min().unwrap_or(u64::MAX).min(self.good.len() as u64);
        // Of the good answers before it, those that so many people let expect.
        let share = |at: u64, until: u64| mean(load, at, until).map(|now| now / usual);
        let expected = |share: f64| before * share.min(1.0);
        let is_back = |at: &u64| {
            let until = *at + WINDOW;
            let share = share(*at, until).filter(|share| *share >= STILL);
            let good = mean(&self.good, *at, until);
            share.zip(good).is_some_and(|(share, good)| good >= BACK * expected(share))
        };
        let back = (over..end.saturating_sub(WINDOW - 1)).find(is_back);
        told.back_after_s = back.map(|at| round3(at as f64 - until.seconds()).max(0.0));

        let settled = over + SETTLED;
        let last = (settled + AFTER).min(end);
        let after = mean(&self.good, settled, last).filter(|_| last >= settled + WINDOW);
        told.after_per_s = after.map(round3);
        if back.is_some_and(|at| at <= settled) {
            return Ok(RecoveryState::Recovered);
        }
        let after = after.ok_or("the run or its sale ended within a minute of it")?;
        let share = share(settled, last).unwrap_or_default();
        if share < STILL {
            return Err("hardly anybody came any more a minute after it");
        }
        if share > NO_MORE {
            return Err("more people came a minute after it than before it");
        }
        let kept_up = after < METASTABLE * expected(share);
        Ok(if kept_up { RecoveryState::Metastable } else { RecoveryState::Slow })
    }

    /// The load by second: who comes, where people come and go; otherwise who is there.
    fn load(&self, since: u64, until: u64) -> &[f64] {
        let sum =
            |seconds| mean(seconds, since, until).unwrap_or_default() * (until - since) as f64;
        let (came, left) = (sum(&self.arrived), sum(&self.left));
        let is_stream = came >= ARRIVALS_MIN && left >= COME_AND_GO * came;
        if is_stream { &self.arrived } else { &self.present }
    }
}

/// The operations intended in a second that were answered as a shop that works answers.
fn answered_well(line: &TimelineLine) -> u64 {
    const WELL: [Outcome; 3] = [Outcome::Ok, Outcome::SoldOut, Outcome::Declined];
    let counts = line.outcomes.values().flatten();
    counts.filter(|(outcome, _)| WELL.contains(outcome)).map(|(_, count)| count).sum()
}

/// The mean per second in `[from, until)`, if all of that was lived.
pub(super) fn mean(seconds: &[f64], from: u64, until: u64) -> Option<f64> {
    let part = seconds.get(to_index(from)..to_index(until)).filter(|part| !part.is_empty())?;
    Some(part.iter().sum::<f64>() / part.len() as f64)
}

fn to_index(second: u64) -> usize {
    usize::try_from(second).unwrap_or(usize::MAX)
}

/// The first second that begins at or after `at`.
pub(super) const fn second(at: Time) -> u64 {
    at.nanos().div_ceil(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use domain::outcome::{Departure, Operation};
    use domain::shop::{Catalogue, Sale};

    use super::*;
    use crate::evidence::Trigger;

    /// 200 seconds with a trigger from the 60th to the 70th; so many come, and are answered well, from
    /// each given second on. Those who come leave at once.
    fn told(come: &[(u64, u64)], well: &[(u64, u64)]) -> Recovery {
        lived(come, come, well)
    }

    fn lived(come: &[(u64, u64)], leave: &[(u64, u64)], well: &[(u64, u64)]) -> Recovery {
        let time = |seconds: u64| Time::from_millis(seconds * 1_000);
        let what = "a test".to_owned();
        let trigger = Trigger { what, from: time(60), until: time(70) };
        of(Catalogue { sales: Vec::new() }, vec![trigger], (come, leave, well)).remove(0)
    }

    /// Who came, left and was answered well.
    type Steps<'a> = (&'a [(u64, u64)], &'a [(u64, u64)], &'a [(u64, u64)]);

    fn of(
        catalogue: Catalogue,
        triggers: Vec<Trigger>,
        (come, leave, well): Steps<'_>,
    ) -> Vec<Recovery> {
        let at = |steps: &[(u64, u64)], second| {
            steps.iter().rev().find(|(from, _)| *from <= second).map_or(0, |(_, count)| *count)
        };
        let mut timeline = Timeline::default();
        for second in 0..200 {
            let outcomes = [(Outcome::Ok, at(well, second)), (Outcome::Unknown, 9)].into();
            timeline.add(&TimelineLine {
                second,
                arrived: at(come, second),
                departed: [(Departure::Bought, at(leave, second))].into(),
                outcomes: [(Operation::Item, outcomes)].into(),
                ..TimelineLine::default()
            });
        }
        let mut evidence = Evidence::of(catalogue, None);
        evidence.ending.triggers = triggers;
        recoveries(&evidence, &timeline)
    }

    #[test]
    fn a_surge_of_arrivals_is_a_trigger_too() {
        use RecoveryState::{Metastable, Recovered};
        let sale = Sale {
            id: "day-1".to_owned(),
            opens: Time::from_millis(10_000),
            closes: Time::from_millis(190_000),
            limit_per_fan: 1,
            items: Vec::new(),
            lottery: None,
            slots: Vec::new(),
        };
        let come = [(0, 400), (10, 100), (60, 300), (70, 100)];
        for (well, state, back) in [
            (&[(0, 80), (60, 90), (70, 10), (78, 80)][..], Recovered, Some(8.0)),
            (&[(0, 80), (60, 10)], Metastable, None),
        ] {
            let sales = vec![sale.clone()];
            let told = of(Catalogue { sales }, Vec::new(), (&come, &come, well));
            let [told] = told.as_slice() else { panic!("one surge, not {told:?}") };
            assert_eq!(told.trigger, "a surge of 3.0 times the arrivals");
            assert_eq!((told.from_s, told.until_s, told.state), (60.0, Some(70.0), state));
            let close = |(told, back): (f64, f64)| (told - back).abs() <= 1.0;
            assert_eq!(told.back_after_s.is_some(), back.is_some(), "{told:?}");
            assert!(told.back_after_s.zip(back).is_none_or(close), "{told:?}");
        }
        // Of what nobody can say what came of it, nothing is said.
        let none = of(Catalogue { sales: Vec::new() }, Vec::new(), (&come, &come, &come));
        assert_eq!(none, []);
    }

    #[test]
    fn good_answers_come_back_or_do_not() {
        use RecoveryState::{Metastable, Recovered, Slow};
        let steady = [(0, 100)];
        for (well, state, back) in [
            (&[(0, 80), (60, 10), (83, 80)][..], Recovered, Some(13.0)),
            (&[(0, 80), (60, 10)], Metastable, None),
            // A minute is a minute, whatever comes later.
            (&[(0, 80), (60, 10), (170, 80)], Metastable, Some(99.0)),
            (&[(0, 80), (60, 10), (80, 60)], Slow, None),
        ] {
            let told = told(&steady, well);
            assert_eq!((told.state, told.before_per_s), (state, Some(80.0)), "{well:?}");
            // Ten seconds are back as soon as nine of them are.
            let close = |(told, back): (f64, f64)| (told - back).abs() <= 1.0;
            assert!(told.back_after_s.zip(back).is_none_or(close), "{told:?}");
            assert_eq!(told.back_after_s.is_some(), back.is_some(), "{told:?}");
        }
    }

    #[test]
    fn it_takes_the_load_into_account() {
        use RecoveryState::{Metastable, NotAssessed, Recovered};
        for (come, well, state) in [
            // Half of the people, half of the answers.
            (&[(0, 100), (65, 50)][..], &[(0, 80), (60, 1), (75, 40)][..], Recovered),
            (&[(0, 100), (65, 50)], &[(0, 80), (60, 1), (75, 10)], Metastable),
            // A storm is no failure that keeps itself up.
            (&[(0, 100), (75, 150)], &[(0, 80), (60, 10)], NotAssessed),
            (&[(0, 100), (75, 0)], &[(0, 80), (60, 0)], NotAssessed),
        ] {
            let told = told(come, well);
            assert_eq!(told.state, state, "{told:?}");
            assert_eq!(told.reason.is_some(), state == NotAssessed);
        }
    }

    #[test]
    fn of_a_crowd_that_is_there_already_those_who_are_there_are_the_load() {
        let told = lived(&[(0, 1_000), (1, 0)], &[], &[(0, 80), (60, 10)]);
        assert_eq!(told.state, RecoveryState::Metastable);
    }
}
