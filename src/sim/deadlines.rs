//! Deadlines of operations, almost all of which are over long before.
//!
//! Those that come in the order of their time, as they do where all have as long, wait in a line of their own and
//! leave it unseen once their operation is over: an event each would be the most of all that is pending.

use std::collections::VecDeque;

use domain::time::Time;

use super::guest::Place;
use super::{Event, World};

/// The deadlines of operations that may still be under way, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Deadlines(VecDeque<Deadline>);

#[derive(Copy, Clone, Debug)]
struct Deadline {
    at: Time,
    /// Of the operation that has this number, at this place.
    operation: u32,
    place: Place,
}

impl World<'_> {
    /// Sees to it that the deadline of an operation is not missed.
    pub(super) fn watch(&mut self, at: Time, operation: u32, place: Place) {
        let line = &mut self.deadlines.0;
        if line.back().is_none_or(|last| last.at <= at) {
            line.push_back(Deadline { at, operation, place });
        } else {
            self.calendar.schedule(at, Event::Deadline(place));
        }
    }

    /// The first deadline in the line of an operation that is under way.
    pub(super) fn next_deadline(&mut self) -> Option<Time> {
        let Self { deadlines: Deadlines(line), askings, .. } = self;
        while let Some(Deadline { at, operation, place }) = line.front() {
            let asking = askings.get(place.key());
            if asking.is_some_and(|asking| asking.is(*operation)) {
                return Some(*at);
            }
            line.pop_front();
        }
        None
    }

    /// The first of the line has had its time.
    pub(super) fn first_times_out(&mut self) {
        if let Some(Deadline { at, place, .. }) = self.deadlines.0.pop_front() {
            self.deadline(at, place);
        }
    }
}
