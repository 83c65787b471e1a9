//! Merges what the load loops hand over, second by second.

use std::collections::BTreeMap;

use domain::time::{Duration, Time};

use crate::evidence::{Complaint, PurchaseLine};
use crate::live::load::{Report, Tally};
use crate::measure::meter::Harvest;

/// How much later than its own time a line may be written by its loop: an operation that timed out
/// is dated by its deadline, and a loop later than this makes the run inconclusive anyway.
const SLACK: Duration = Duration::from_millis(100);

/// A whole second that all loops have handed over.
#[derive(Debug)]
pub(super) struct Merged {
    /// Its end.
    pub(super) until: Time,
    /// One per loop, or more.
    pub(super) harvests: Vec<Harvest>,
    /// Purchases in order of time.
    pub(super) lines: Vec<PurchaseLine>,
}

/// What has been handed over and not yet been passed on.
#[derive(Debug)]
pub(super) struct Merge {
    /// How far each loop has handed over; for ever, once it has ended.
    reached: Vec<Time>,
    tallies: Vec<Tally>,
    harvests: BTreeMap<Time, Vec<Harvest>>,
    lines: Vec<PurchaseLine>,
    complaints: Vec<Complaint>,
    /// How often each step was answered, by its name.
    answered: BTreeMap<String, u64>,
    broken_off: Option<String>,
    last_ended: Time,
}

impl Merge {
    /// Nothing yet, of `loops` loops.
    pub(super) fn of(loops: usize) -> Self {
        Self {
            reached: vec![Time::ZERO; loops],
            tallies: vec![Tally::default(); loops],
            harvests: BTreeMap::new(),
            lines: Vec::new(),
            complaints: Vec::new(),
            answered: BTreeMap::new(),
            broken_off: None,
            last_ended: Time::ZERO,
        }
    }

    /// Notes why the run is broken off.
    pub(super) fn break_off(&mut self, why: String) {
        self.broken_off.get_or_insert(why);
    }

    /// Why the run was broken off, if it was.
    pub(super) fn broken_off(&self) -> Option<&str> {
        self.broken_off.as_deref()
    }

    /// Takes what one loop hands over. What was timed has been taken out before: it waits for no
    /// other loop. A report of no further second has nothing counted.
    pub(super) fn take(&mut self, report: Report) {
        self.tallies[report.place] = report.tally;
        if report.until > self.reached[report.place] || report.ended.is_some() {
            self.harvests.entry(report.until).or_default().push(report.harvest);
        }
        self.lines.extend(report.lines);
        for complaint in report.complaints {
            self.complain(complaint);
        }
        for (step, count) in report.answered {
            *self.answered.entry(step).or_default() += count;
        }
        self.reached[report.place] = match report.ended {
            Some(at) => {
                self.last_ended = self.last_ended.max(at);
                Time::NEVER
            }
            None => report.until,
        };
    }

    /// Adds up what is the same; the first example stays.
    fn complain(&mut self, complaint: Complaint) {
        let is_same = |known: &&mut Complaint| {
            (&known.step, known.kind, &known.about)
                == (&complaint.step, complaint.kind, &complaint.about)
        };
        match self.complaints.iter_mut().find(is_same) {
            Some(known) => {
                known.count += complaint.count;
                known.open += complaint.open;
            }
            None => self.complaints.push(complaint),
        }
    }

    /// What fans could not understand or say, since the beginning: the most frequent first.
    pub(super) fn complaints(&self) -> Vec<Complaint> {
        let of = |step: &str| self.answered.get(step).copied();
        let whole = |known: &Complaint| Complaint { of: of(&known.step), ..known.clone() };
        let mut complaints: Vec<Complaint> = self.complaints.iter().map(whole).collect();
        complaints.sort_by_key(|complaint| std::cmp::Reverse(complaint.count));
        complaints
    }

    /// The earliest second that all loops have handed over, if there is one.
    pub(super) fn pass_on(&mut self) -> Option<Merged> {
        let reached = self.reached.iter().copied().min().unwrap_or(Time::NEVER);
        let first = self.harvests.first_entry().filter(|first| *first.key() <= reached)?;
        let (until, harvests) = first.remove_entry();
        let is_last = reached == Time::NEVER && self.harvests.is_empty();
        let before = if is_last { Time::NEVER } else { until.before(SLACK) };
        self.lines.sort_by_key(PurchaseLine::at);
        let whole = self.lines.partition_point(|line| line.at() < before);
        let lines = self.lines.drain(..whole).collect();
        Some(Merged { until, harvests, lines })
    }

    /// Whether all loops have ended.
    pub(super) fn is_ended(&self) -> bool {
        self.reached.iter().all(|reached| *reached == Time::NEVER)
    }

    /// When the last loop ended.
    pub(super) const fn ended_at(&self) -> Time {
        self.last_ended
    }

    /// The counts of all loops, since the beginning.
    pub(super) fn tally(&self) -> Tally {
        self.tallies.iter().fold(Tally::default(), |sum, tally| Tally {
            shed_sockets: sum.shed_sockets + tally.shed_sockets,
            shed_pool: sum.shed_pool + tally.shed_pool,
            left_behind: sum.left_behind + tally.left_behind,
            seen: sum.seen.and(tally.seen),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::id::FanId;

    use super::*;
    use crate::measure::meter::Meter;

    fn report(place: usize, second: u64, line_ms: u64, ended: Option<Time>) -> Report {
        let line = PurchaseLine::Seen {
            fan: FanId::default(),
            sent: Time::ZERO,
            at: Time::from_millis(line_ms),
            items: Vec::new(),
        };
        Report {
            place,
            until: Time::from_millis(second * 1_000),
            harvest: Meter::new(Time::ZERO).harvest(),
            lines: vec![line],
            complaints: Vec::new(),
            answered: Vec::new(),
            tally: Tally { shed_pool: second, ..Tally::default() },
            ended,
        }
    }

    fn passed_on(merge: &mut Merge) -> Option<(u64, usize, Vec<u64>)> {
        let merged = merge.pass_on()?;
        let lines = merged.lines.iter().map(|line| line.at().nanos() / 1_000_000).collect();
        Some((merged.until.nanos() / 1_000_000_000, merged.harvests.len(), lines))
    }

    #[test]
    fn a_second_is_passed_on_when_all_loops_have_handed_it_over_in_order_of_time() {
        let mut merge = Merge::of(2);
        merge.take(report(0, 1, 700, None));
        merge.take(report(0, 2, 1_950, None));
        assert_eq!(passed_on(&mut merge), None);
        merge.take(report(1, 1, 300, None));
        assert_eq!(passed_on(&mut merge), Some((1, 2, vec![300, 700])));
        assert_eq!(passed_on(&mut merge), None);
        merge.take(report(1, 2, 1_100, Some(Time::from_millis(1_980))));
        // The line of 1.95 s waits: another may still be dated before it.
        assert_eq!(passed_on(&mut merge), Some((2, 2, vec![1_100])));
        merge.take(report(0, 4, 3_100, Some(Time::from_millis(3_200))));
        assert_eq!(passed_on(&mut merge), Some((4, 1, vec![1_950, 3_100])));
        assert!(merge.is_ended());
        assert_eq!((merge.ended_at(), merge.tally().shed_pool), (Time::from_millis(3_200), 6));
    }

    #[test]
    fn what_is_handed_over_within_a_second_does_not_end_it() {
        let mut merge = Merge::of(1);
        merge.take(report(0, 0, 300, None));
        assert_eq!(passed_on(&mut merge), None);
        merge.take(report(0, 1, 700, None));
        merge.take(report(0, 1, 1_200, None));
        assert_eq!(passed_on(&mut merge), Some((1, 1, vec![300, 700])));
        assert_eq!(passed_on(&mut merge), None);
        merge.take(report(0, 2, 1_500, Some(Time::from_millis(1_600))));
        assert_eq!(passed_on(&mut merge), Some((2, 1, vec![1_200, 1_500])));
        assert!(merge.is_ended());
    }
}
