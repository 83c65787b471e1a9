//! Servers that all customers share: n of them get min(1, c/n) of a server each.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use domain::time::{Duration, Time, duration_from_seconds};

/// Customers who share servers. Each is entered with the service he needs, and leaves when he has had
/// it. All get the same, so that who leaves next is who came with the least, counted in what a
/// customer would have had who was there from the beginning (virtual time).
#[derive(Debug)]
pub struct Sharing<Customer> {
    servers: f64,
    customers: BinaryHeap<Entry<Customer>>,
    entered: u64,
    /// What one who was there from the beginning would have had until `at` \[s\].
    had_s: f64,
    /// What all of them have had together \[s\].
    given_s: f64,
    at: Time,
}

/// Who needs no more than this has had enough: times are whole nanoseconds \[s\].
const DONE_S: f64 = 1e-9;

#[derive(Debug)]
struct Entry<Customer> {
    /// When he has had enough, in virtual time \[s\].
    done_s: f64,
    entered: u64,
    customer: Customer,
}

impl<Customer> Entry<Customer> {
    /// Reversed: the heap keeps its greatest on top, and the least must leave first.
    fn order(&self, other: &Self) -> Ordering {
        other.done_s.total_cmp(&self.done_s).then(other.entered.cmp(&self.entered))
    }
}

impl<Customer> PartialEq for Entry<Customer> {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}

impl<Customer> Eq for Entry<Customer> {}

impl<Customer> PartialOrd for Entry<Customer> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Customer> Ord for Entry<Customer> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

impl<Customer> Sharing<Customer> {
    /// Nobody at `servers` servers, more than 0; parts of one count.
    pub fn new(servers: impl Into<f64>) -> Self {
        Self {
            servers: servers.into(),
            customers: BinaryHeap::new(),
            entered: 0,
            had_s: 0.0,
            given_s: 0.0,
            at: Time::ZERO,
        }
    }

    /// From now on there are so many servers, more than 0; who is there shares them.
    pub fn resize(&mut self, at: Time, servers: f64) {
        self.advance(at);
        self.servers = servers;
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.customers.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
    }

    /// A customer comes who needs `service_s` seconds of a whole server \[s\].
    pub fn enter(&mut self, at: Time, customer: Customer, service_s: f64) {
        self.advance(at);
        self.entered += 1;
        let done_s = self.had_s + service_s;
        self.customers.push(Entry { done_s, entered: self.entered, customer });
    }

    /// When the next one leaves, if nobody comes before.
    pub fn next(&self) -> Option<Time> {
        let next = self.customers.peek()?;
        let left_s = (next.done_s - self.had_s).max(0.0) / self.share();
        // Rounded to nanoseconds, and never before what is due.
        Some(self.at + duration_from_seconds(left_s) + Duration::from_nanos(1))
    }

    /// The next one leaves.
    pub fn leave(&mut self, at: Time) -> Option<Customer> {
        self.advance(at);
        self.customers.pop().map(|entry| entry.customer)
    }

    /// The next one leaves, if he has had what he needs by then.
    pub fn leave_if_done(&mut self, at: Time) -> Option<Customer> {
        self.advance(at);
        let next = self.customers.peek()?;
        if next.done_s - self.had_s > DONE_S {
            return None;
        }
        self.customers.pop().map(|entry| entry.customer)
    }

    /// All leave at once, whatever they still need.
    pub fn clear(&mut self, at: Time) {
        self.advance(at);
        self.customers.clear();
    }

    /// The service that all have had so far together \[s of a whole server\].
    pub fn given_s(&mut self, at: Time) -> f64 {
        self.advance(at);
        self.given_s
    }

    /// What each of them gets of a server.
    fn share(&self) -> f64 {
        (self.servers / self.customers.len() as f64).min(1.0)
    }

    fn advance(&mut self, at: Time) {
        if !self.is_empty() {
            let each_s = (at - self.at).as_secs_f64() * self.share();
            self.had_s += each_s;
            self.given_s += each_s * self.customers.len() as f64;
        }
        self.at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shares_a_server_takes_twice_as_long() {
        let mut sharing = Sharing::new(1);
        let second = |at: Time| (at.seconds() * 1e3).round() / 1e3;
        sharing.enter(Time::ZERO, "long", 3.0);
        sharing.enter(Time::ZERO, "short", 1.0);
        let first = sharing.next().unwrap();
        assert_eq!((second(first), sharing.leave(first)), (2.0, Some("short")));
        let last = sharing.next().unwrap();
        assert_eq!((second(last), sharing.leave(last)), (4.0, Some("long")));
        assert_eq!(sharing.next(), None);
    }

    #[test]
    fn nobody_shares_while_there_are_servers_enough() {
        let mut sharing = Sharing::new(2);
        sharing.enter(Time::ZERO, 1, 2.0);
        sharing.enter(Time::from_millis(1_000), 2, 2.0);
        let first = sharing.next().unwrap();
        assert!((first.seconds() - 2.0).abs() < 1e-6, "{first}");
        sharing.leave(first);
        assert!((sharing.next().unwrap().seconds() - 3.0).abs() < 1e-6);
    }

    #[test]
    fn who_is_there_goes_on_at_another_pace_when_servers_come_or_go() {
        let at = Time::from_seconds;
        let mut sharing = Sharing::new(0.5);
        for customer in 0..2 {
            sharing.enter(Time::ZERO, customer, 1.0);
        }
        // A quarter of a server each for 2 s, then a whole one.
        sharing.resize(at(2.0), 8.0);
        assert_eq!(sharing.leave_if_done(at(2.4)), None);
        let done = sharing.next().unwrap();
        assert!((done.seconds() - 2.5).abs() < 1e-6, "{done}");
        assert_eq!([0, 1].map(|_| sharing.leave_if_done(done)), [Some(0), Some(1)]);
        assert!((sharing.given_s(at(9.0)) - 2.0).abs() < 1e-6);
        sharing.enter(at(9.0), 7, 1.0);
        sharing.clear(at(9.5));
        assert_eq!((sharing.len(), sharing.next()), (0, None));
        assert!((sharing.given_s(at(20.0)) - 2.5).abs() < 1e-6);
    }
}
