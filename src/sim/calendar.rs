//! The event calendar: what happens next in virtual time. Ties leave in the order they came in.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use domain::time::Time;

/// Events by time. Beside the heap there is one lane for events whose times never decrease
/// (deadlines: now plus a constant), which costs no comparisons.
#[derive(Debug)]
pub struct Calendar<Event> {
    heap: BinaryHeap<Entry<Event>>,
    lane: VecDeque<Entry<Event>>,
    entered: u64,
    now: Time,
}

#[derive(Debug)]
struct Entry<Event> {
    at: Time,
    entered: u64,
    event: Event,
}

impl<Event> Entry<Event> {
    fn key(&self) -> (Time, u64) {
        (self.at, self.entered)
    }
}

impl<Event> PartialEq for Entry<Event> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<Event> Eq for Entry<Event> {}

impl<Event> PartialOrd for Entry<Event> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Event> Ord for Entry<Event> {
    /// Reversed: the heap keeps its greatest entry on top, and the earliest must come first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<Event> Calendar<Event> {
    /// An empty calendar at the run's beginning.
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), lane: VecDeque::new(), entered: 0, now: Time::ZERO }
    }

    /// The time of the event that was handed out last.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Enters an event; its time is not before now.
    pub fn schedule(&mut self, at: Time, event: Event) {
        let entry = self.entry(at, event);
        self.heap.push(entry);
    }

    /// Enters an event that is not earlier than any entered this way before; what breaks that
    /// goes to the heap.
    pub fn schedule_in_order(&mut self, at: Time, event: Event) {
        let entry = self.entry(at, event);
        if self.lane.back().is_some_and(|last| last.at > at) {
            self.heap.push(entry);
        } else {
            self.lane.push_back(entry);
        }
    }

    /// The time of the next event.
    pub fn peek(&self) -> Option<Time> {
        let heap = self.heap.peek().map(|entry| entry.at);
        let lane = self.lane.front().map(|entry| entry.at);
        match (heap, lane) {
            (Some(heap), Some(lane)) => Some(heap.min(lane)),
            (heap, lane) => heap.or(lane),
        }
    }

    /// The next event; now is its time.
    pub fn pop(&mut self) -> Option<(Time, Event)> {
        let lane_first = match (self.heap.peek(), self.lane.front()) {
            (Some(heap), Some(lane)) => lane.key() < heap.key(),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let entry = if lane_first { self.lane.pop_front() } else { self.heap.pop() }?;
        self.now = entry.at;
        Some((entry.at, entry.event))
    }

    fn entry(&mut self, at: Time, event: Event) -> Entry<Event> {
        assert!(at >= self.now, "nothing is scheduled in the past: {at} is before {}", self.now);
        self.entered += 1;
        Entry { at, entered: self.entered, event }
    }
}

impl<Event> Default for Calendar<Event> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn events_leave_by_time_and_ties_in_order(
            entries in proptest::collection::vec((0_u64..20, any::<bool>()), 0..200)
        ) {
            let mut calendar = Calendar::new();
            for (number, (at, in_order)) in entries.iter().enumerate() {
                if *in_order {
                    calendar.schedule_in_order(Time::from_nanos(*at), number);
                } else {
                    calendar.schedule(Time::from_nanos(*at), number);
                }
            }
            let mut expected: Vec<(u64, usize)> =
                entries.iter().enumerate().map(|(number, (at, _))| (*at, number)).collect();
            expected.sort_unstable();
            let mut seen = Vec::new();
            while let Some((at, number)) = calendar.pop() {
                seen.push((at.nanos(), number));
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
