//! The event calendar: what happens next in virtual time. Ties leave in the order they came in.
//!
//! A few events lie in a heap. Where there are many, those that are not due soon lie in a wheel (`wheel`), which
//! takes the same time for a million as for a thousand, and come to the heap a tick before they are due.

mod wheel;

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use domain::time::Time;

use wheel::Wheel;

/// So many events are few: a heap of them stays in the nearest cache.
const FEW: usize = 256;

/// Events by time.
#[derive(Debug)]
pub struct Calendar<Event> {
    /// The next events, and all as long as they are few.
    near: BinaryHeap<Entry<Event>>,
    /// All others. Who is entered here is later than all that is near to the wheel, so that events of one
    /// instant come to the heap in the order in which they were entered.
    far: Wheel<Event>,
    /// How many came to the heap.
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
        Self { near: BinaryHeap::new(), far: Wheel::new(), entered: 0, now: Time::ZERO }
    }

    /// The time of the event that was handed out last.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Enters an event.
    ///
    /// # Panics
    /// When its time is before now.
    pub fn schedule(&mut self, at: Time, event: Event) {
        assert!(at >= self.now, "nothing is scheduled in the past: {at} is before {}", self.now);
        if self.far.is_empty() {
            if self.near.len() < FEW {
                return enter(&mut self.near, &mut self.entered, at, event);
            }
            self.far.turn_to(self.now);
        }
        if self.far.is_near(at) {
            enter(&mut self.near, &mut self.entered, at, event);
        } else {
            self.far.put(at, event);
        }
    }

    /// The time of the next event.
    pub fn peek(&mut self) -> Option<Time> {
        self.draw_near();
        self.near.peek().map(|entry| entry.at)
    }

    /// The next event; now is its time.
    pub fn pop(&mut self) -> Option<(Time, Event)> {
        self.draw_near();
        let entry = self.near.pop()?;
        self.now = entry.at;
        Some((entry.at, entry.event))
    }

    /// Sees to it that the next of all events is on the heap.
    fn draw_near(&mut self) {
        let Self { near, far, entered, .. } = self;
        while !far.is_empty() && near.peek().is_none_or(|next| !far.is_near(next.at)) {
            far.turn(|at, event| enter(near, entered, at, event));
        }
    }
}

fn enter<Event>(near: &mut BinaryHeap<Entry<Event>>, entered: &mut u64, at: Time, event: Event) {
    *entered += 1;
    near.push(Entry { at, entered: *entered, event });
}

impl<Event> Default for Calendar<Event> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::Duration;
    use proptest::prelude::*;

    /// What is done with a calendar: so many events are entered, each so long after now, or one leaves.
    #[derive(Clone, Debug)]
    enum Done {
        Enters(Vec<u64>),
        Leaves(usize),
    }

    /// Lengths of time in all digits of the wheel, with many that are equal.
    fn length_ns() -> impl Strategy<Value = u64> {
        prop_oneof![
            0_u64..4,
            (0_u64..4).prop_map(|ticks| ticks << 16),
            0_u64..300_000,
            (0_u64..20, 17_u32..45).prop_map(|(times, bits)| times << bits),
            0_u64..200_000_000_000,
        ]
    }

    fn done() -> impl Strategy<Value = Done> {
        prop_oneof![
            proptest::collection::vec(length_ns(), 0..400).prop_map(Done::Enters),
            (0_usize..500).prop_map(Done::Leaves),
        ]
    }

    proptest! {
        #[test]
        fn events_leave_by_time_and_ties_in_order(
            course in proptest::collection::vec(done(), 1..12)
        ) {
            let mut calendar = Calendar::new();
            let (mut expected, mut number) = (std::collections::BTreeSet::new(), 0_u64);
            for done in course.into_iter().chain([Done::Leaves(usize::MAX)]) {
                match done {
                    Done::Enters(lengths) => {
                        for length_ns in lengths {
                            let at = calendar.now() + Duration::from_nanos(length_ns);
                            calendar.schedule(at, number);
                            expected.insert((at, number));
                            number += 1;
                        }
                    }
                    Done::Leaves(events) => {
                        for _ in 0..events {
                            let next = expected.pop_first();
                            prop_assert_eq!(calendar.peek(), next.map(|(at, _)| at));
                            prop_assert_eq!(calendar.pop(), next);
                            if next.is_none() {
                                break;
                            }
                        }
                    }
                }
            }
            prop_assert_eq!(expected.len(), 0);
        }
    }
}
