//! A station: servers, a bounded queue, first come, first served. Servers may come and go: one that
//! goes finishes what it has.

use std::cmp::Ordering;
use std::collections::VecDeque;

/// What became of a job that was offered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// A server began it: it ends one service time later.
    Started,
    /// It waits.
    Queued,
    /// The queue was full.
    Refused,
}

/// Servers with one queue before them.
///
/// Always: in service + waiting + served + refused + withdrawn = offered.
#[derive(Debug)]
pub struct Station<Job> {
    servers: u32,
    queue_limit: Option<u32>,
    busy: u32,
    waiting: VecDeque<Job>,
    offered: u64,
    served: u64,
    refused: u64,
    withdrawn: u64,
}

impl<Job> Station<Job> {
    /// An idle station of `servers` (at least 1), before which at most `queue_limit` may wait.
    ///
    /// # Panics
    /// When it has no server.
    pub fn new(servers: u32, queue_limit: Option<u32>) -> Self {
        assert!(servers > 0, "a station has a server");
        Self {
            servers,
            queue_limit,
            busy: 0,
            waiting: VecDeque::new(),
            offered: 0,
            served: 0,
            refused: 0,
            withdrawn: 0,
        }
    }

    /// A job comes. When it is [`Offered::Started`], its end is the caller's to schedule.
    pub fn offer(&mut self, job: Job) -> Offered {
        self.offered += 1;
        if self.busy < self.servers {
            self.busy += 1;
            return Offered::Started;
        }
        if self.queue_limit.is_some_and(|limit| self.waiting() >= u64::from(limit)) {
            self.refused += 1;
            return Offered::Refused;
        }
        self.waiting.push_back(job);
        Offered::Queued
    }

    /// A job ends. The next one, if any waits, starts now: its end is the caller's to schedule.
    ///
    /// # Panics
    /// When no job is in service.
    pub fn finish(&mut self) -> Option<Job> {
        assert!(self.busy > 0, "only what was started ends");
        self.served += 1;
        // A server that is to go takes nothing more.
        let next = if self.busy > self.servers { None } else { self.waiting.pop_front() };
        if next.is_none() {
            self.busy -= 1;
        }
        next
    }

    /// From now on there are so many servers (0 serve nobody). Those who waited and are served now: their
    /// ends are the caller's to schedule.
    pub fn resize(&mut self, servers: u32) -> Vec<Job> {
        self.servers = servers;
        let free = usize::try_from(servers.saturating_sub(self.busy)).unwrap_or(usize::MAX);
        let started: Vec<Job> = self.waiting.drain(..free.min(self.waiting.len())).collect();
        self.busy += u32::try_from(started.len()).unwrap_or(servers);
        started
    }

    /// How many jobs it serves at once.
    pub fn servers(&self) -> u64 {
        u64::from(self.servers)
    }

    /// Takes back a job that waits, if it does: the one that `order` finds equal. Jobs must have come
    /// in that order.
    pub fn withdraw(&mut self, order: impl FnMut(&Job) -> Ordering) -> Option<Job> {
        let place = self.waiting.binary_search_by(order).ok()?;
        self.withdrawn += 1;
        self.waiting.remove(place)
    }

    /// Takes back all jobs, those in service too; the servers are idle.
    pub fn abandon(&mut self) {
        self.withdrawn += self.in_service() + self.waiting();
        self.busy = 0;
        self.waiting.clear();
    }

    /// Jobs in service.
    pub fn in_service(&self) -> u64 {
        u64::from(self.busy)
    }

    /// Jobs that wait.
    pub fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// Jobs that ended.
    pub fn served(&self) -> u64 {
        self.served
    }

    /// Jobs that found the queue full.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Jobs that were taken back before they ended.
    pub fn withdrawn(&self) -> u64 {
        self.withdrawn
    }

    /// Jobs that came.
    pub fn offered(&self) -> u64 {
        self.offered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_job_is_lost_or_made(
            servers in 1_u32..5,
            limit in proptest::option::of(0_u32..5),
            happens in proptest::collection::vec(0_u32..40, 0..200),
        ) {
            let mut station = Station::new(servers, limit);
            for (job, happens) in happens.into_iter().enumerate() {
                match happens {
                    0..20 => {
                        let refused = station.offer(job) == Offered::Refused;
                        prop_assert!(!refused || station.waiting() >= u64::from(limit.unwrap()));
                    }
                    20..36 if station.in_service() > 0 => drop(station.finish()),
                    39 => station.abandon(),
                    36..39 => {
                        // From 1 to 4, by what number the job has.
                        let started = station.resize(1 + u32::try_from(job % 4).unwrap());
                        prop_assert!(started.len() as u64 <= station.servers());
                    }
                    _ => {}
                }
                prop_assert!(station.waiting() == 0 || station.in_service() >= station.servers());
                prop_assert_eq!(
                    station.in_service()
                        + station.waiting()
                        + station.served()
                        + station.refused()
                        + station.withdrawn(),
                    station.offered()
                );
            }
        }
    }

    #[test]
    fn a_server_that_goes_finishes_what_it_has_and_one_that_comes_takes_who_waits() {
        let mut station = Station::new(3, None);
        for job in 0..6 {
            station.offer(job);
        }
        assert!(station.resize(1).is_empty());
        assert_eq!((station.in_service(), station.waiting()), (3, 3));
        assert_eq!([station.finish(), station.finish()], [None, None], "two went");
        assert_eq!(station.finish(), Some(3));
        assert_eq!(station.resize(4), [4, 5]);
        assert_eq!((station.in_service(), station.waiting()), (3, 0));
        assert_eq!(station.offer(6), Offered::Started);
        assert_eq!(station.offer(7), Offered::Queued);
    }

    #[test]
    fn who_waits_can_be_taken_back_and_who_is_served_cannot() {
        let mut station = Station::new(1, None);
        for job in 0..4 {
            station.offer(job);
        }
        assert_eq!(station.withdraw(|job| job.cmp(&2)), Some(2));
        assert_eq!(station.withdraw(|job| job.cmp(&2)), None);
        assert_eq!(station.withdraw(|job| job.cmp(&0)), None);
        assert_eq!(
            [station.finish(), station.finish(), station.finish()],
            [Some(1), Some(3), None]
        );
        assert_eq!((station.served(), station.withdrawn(), station.offered()), (3, 1, 4));
    }

    #[test]
    fn jobs_start_in_the_order_they_came() {
        let mut station = Station::new(1, None);
        for job in 0..4 {
            station.offer(job);
        }
        assert_eq!(
            [station.finish(), station.finish(), station.finish()],
            [Some(1), Some(2), Some(3)]
        );
        assert_eq!(station.finish(), None);
    }
}
