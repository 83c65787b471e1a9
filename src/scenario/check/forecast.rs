//! `[stack.application.forecast]`: a job that could foresee nothing is refused.

use crate::scenario::check::stack::{bounded, whole_seconds};
use crate::scenario::check::{COUNT_MAX, Checker};
use crate::scenario::place::Place;
use crate::scenario::wording::grouped;
use crate::tier::application::{Application, TASKS_MAX};
use crate::tier::scaler::forecast::{Forecast, Tournament};

/// The job that foresees the tasks of `application`.
pub(super) fn forecast(
    checker: &mut Checker,
    forecast: &Forecast,
    application: &Application,
    place: Place<'_>,
) {
    whole_seconds(checker, forecast.every.0, place, "every");
    for (key, span) in [("behind", forecast.behind), ("ahead", forecast.ahead)] {
        bounded(checker, span.0, place, key);
    }
    if forecast.behind.0.is_zero() && forecast.ahead.0.is_zero() {
        checker
            .wrong(place.key("ahead"), "neither `behind` nor `ahead` lets it see anything")
            .mark("must be longer than 0, or `behind`");
    }
    checker.positive(forecast.per_task, place, "per_task");
    checker.required_list(
        forecast.tournaments.len(),
        place,
        "[stack.application.forecast]",
        "tournaments",
    );
    for (index, one) in forecast.tournaments.iter().enumerate() {
        tournament(checker, one, place.key("tournaments").index(index));
    }
    bounds(checker, forecast, application, place);
}

fn tournament(checker: &mut Checker, tournament: &Tournament, place: Place<'_>) {
    let Tournament { team, organizer, format, .. } = *tournament;
    for (key, coefficient) in [("team", team), ("organizer", organizer), ("format", format)] {
        checker.positive(coefficient, place, key);
    }
    checker.required_list(
        tournament.entries.len(),
        place,
        "[[stack.application.forecast.tournaments]]",
        "entries",
    );
    for (index, entries) in tournament.entries.iter().enumerate() {
        checker.count(entries.count, (1, COUNT_MAX), place.key("entries").index(index), "count");
    }
}

/// What is foreseen for one of them is not cut off by `max`.
fn bounds(checker: &mut Checker, forecast: &Forecast, application: &Application, place: Place<'_>) {
    let most = application.max.unwrap_or(TASKS_MAX);
    for (index, one) in forecast.tournaments.iter().enumerate() {
        let tasks = (one.weight_in_all() / forecast.per_task).ceil();
        if tasks.is_finite() && tasks > f64::from(most) {
            let most = grouped(most.into());
            let what = format!("it takes {tasks:.0} tasks, and there are at most {most}");
            checker
                .wrong(place.key("tournaments").index(index), what)
                .advise("let a task be for more people (`per_task`), or raise `max`");
        }
    }
}
