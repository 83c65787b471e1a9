//! What the edge did with the answers that the fans of one loop heard, counted step by step.

use std::collections::BTreeMap;

use crate::measure::edge::{AGE_BUCKETS, EdgeCounts, POPS_MAX, age_bucket, bucket_s};
use crate::step::edge::{Cache, Pop, Seen};
use crate::step::funnel::Funnel;

/// Counts since they were last handed over. All room is taken at the beginning: an answer allocates
/// nothing.
#[derive(Debug)]
pub(super) struct Edges {
    /// The number of the first step of each stage.
    firsts: Vec<usize>,
    steps: Vec<Counted>,
}

/// The answers of one step.
#[derive(Debug)]
struct Counted {
    step: Box<str>,
    answers: u64,
    hits: u64,
    misses: u64,
    others: u64,
    /// By bucket; as long as none has an age, no bucket is looked at.
    ages: Vec<u64>,
    age_max_s: Option<u32>,
    pops: Vec<(Pop, u64)>,
    other_pops: u64,
}

impl Edges {
    /// None yet, of the steps of `funnel`.
    pub(super) fn of(funnel: &Funnel) -> Self {
        let mut steps = Vec::new();
        let mut firsts = Vec::with_capacity(funnel.stages.len());
        for stage in &funnel.stages {
            firsts.push(steps.len());
            steps.extend(stage.iter().map(|step| Counted::none(step.name.clone())));
        }
        Self { firsts, steps }
    }

    /// Counts an answer to the step at `place`: its stage, and its number there.
    pub(super) fn count(&mut self, (stage, number): (u8, usize), seen: &Seen) {
        self.steps[self.firsts[usize::from(stage)] + number].count(seen);
    }

    /// Hands over what was counted; steps without an answer are left out.
    pub(super) fn take(&mut self) -> BTreeMap<String, EdgeCounts> {
        let answered = self.steps.iter_mut().filter(|counted| counted.answers > 0);
        answered.map(|counted| (counted.step.to_string(), counted.take())).collect()
    }
}

impl Counted {
    fn none(step: Box<str>) -> Self {
        Self {
            step,
            answers: 0,
            hits: 0,
            misses: 0,
            others: 0,
            ages: vec![0; AGE_BUCKETS],
            age_max_s: None,
            pops: Vec::with_capacity(POPS_MAX),
            other_pops: 0,
        }
    }

    fn count(&mut self, seen: &Seen) {
        self.answers += 1;
        match seen.cache {
            Some(Cache::Hit) => self.hits += 1,
            Some(Cache::Miss) => self.misses += 1,
            Some(Cache::Other) => self.others += 1,
            None => {}
        }
        if let Some(age_s) = seen.age_s {
            self.ages[age_bucket(age_s)] += 1;
            self.age_max_s = self.age_max_s.max(Some(age_s));
        }
        let Some(pop) = seen.pop else { return };
        if let Some((_, count)) = self.pops.iter_mut().find(|(known, _)| *known == pop) {
            *count += 1;
        } else if self.pops.len() < POPS_MAX {
            self.pops.push((pop, 1));
        } else {
            self.other_pops += 1;
        }
    }

    fn take(&mut self) -> EdgeCounts {
        let mut ages = BTreeMap::new();
        if self.age_max_s.is_some() {
            for (bucket, count) in self.ages.iter_mut().enumerate().filter(|(_, count)| **count > 0)
            {
                ages.insert(bucket_s(bucket), std::mem::take(count));
            }
        }
        let pops = self.pops.drain(..).map(|(pop, count)| (pop.text().to_owned(), count));
        EdgeCounts {
            ages,
            pops: pops.collect(),
            answers: std::mem::take(&mut self.answers),
            hits: std::mem::take(&mut self.hits),
            misses: std::mem::take(&mut self.misses),
            others: std::mem::take(&mut self.others),
            age_max_s: self.age_max_s.take(),
            other_pops: std::mem::take(&mut self.other_pops),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_is_counted_once() {
        let step = || Counted::none("page".into());
        let mut edges = Edges { firsts: vec![0, 1], steps: vec![step(), step()] };
        edges.steps[1].step = "buy".into();
        let pop = Pop::new(b"NRT57-P3");
        let hit = Seen { cache: Some(Cache::Hit), age_s: Some(90), pop };
        edges.count((0, 0), &hit);
        edges.count((0, 0), &Seen { cache: Some(Cache::Miss), age_s: None, pop });
        edges.count((0, 0), &Seen::default());
        let taken = edges.take();
        assert_eq!(taken.keys().collect::<Vec<_>>(), ["page"]);
        let page = &taken["page"];
        assert_eq!((page.answers, page.hits, page.misses, page.others), (3, 1, 1, 0));
        assert_eq!(page.pops, [("NRT57-P3".to_owned(), 2)].into());
        assert_eq!((page.age_max_s, page.ages.values().sum::<u64>()), (Some(90), 1));
        assert_eq!(edges.take(), BTreeMap::new());
        edges.count((1, 0), &hit);
        assert_eq!(edges.take()["buy"].ages, page.ages);
    }

    #[test]
    fn an_edge_that_makes_up_places_takes_no_more_room() {
        let mut counted = Counted::none("page".into());
        for number in 0..1_000_u32 {
            let pop = Pop::new(format!("P{number}").as_bytes());
            counted.count(&Seen { cache: None, age_s: Some(number), pop });
        }
        assert_eq!(counted.pops.capacity(), POPS_MAX);
        let taken = counted.take();
        assert_eq!(taken.pops.len() as u64 + taken.other_pops, 1_000);
    }
}
