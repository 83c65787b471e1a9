//! A fan's next step, and its last one.

use domain::outcome::Departure;
use domain::time::Time;

use super::{LoadLoop, Visitor};
use crate::fan::{Action, Input, Visit};
use crate::live::Settings;
use crate::live::transcript::Spoken;
use crate::scenario::Population;

impl LoadLoop<'_> {
    pub(super) fn step(&mut self, visitor: u32, input: Input) -> Action {
        let fan = &mut self.visitors[visitor as usize].fan;
        let population = usize::from(fan.id().population);
        let crowd = &self.course.scenario.populations[population].crowd;
        let Settings { visits, transcript, .. } = self.course.settings;
        let Some(steps) = visits else { return fan.step(input, crowd) };
        let action = fan.step(input.clone(), crowd);
        // Whoever stopped listening does not want to know.
        if let (Some(told), Input::Replied { at, .. }, Action::Sleep { until }) =
            (transcript, &input, &action)
        {
            let _ = told.send(Spoken::Pause(until.since(*at)));
        }
        let _ = steps.send(Visit { fan: fan.id(), input, action });
        action
    }

    pub(super) fn leave(&mut self, visitor: u32, at: Time, departure: Departure) {
        let Visitor { fan, .. } = &self.visitors[visitor as usize];
        self.present -= 1;
        self.meter.departed(at, departure);
        let Population { crowd, sale, .. } = self.population(fan.id());
        self.diary.departed(fan, crowd, *sale, at, departure);
        self.drop_connections(visitor);
        self.dialogue.leave(visitor);
        self.vacant.push(visitor);
    }
}
