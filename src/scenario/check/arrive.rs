//! `[[fans]] arrive`: which keys a curve takes, and that nobody comes before the run begins.

use domain::rate::Rate;
use domain::time::{Duration, Offset, Time};

use crate::arrival::{Arrive, Point, Shape};
use crate::scenario::check::sale::Opening;
use crate::scenario::check::{Checked, Checker, RUN_MAX, Surroundings};
use crate::scenario::place::Place;
use crate::scenario::problem::listed;
use crate::scenario::{Late, Population};

/// The most corners of a `step` or `curve`, and moments of a `trace`.
const POINTS_MAX: usize = 1_000_000;

/// What a curve's keys must be.
struct Keys {
    word: &'static str,
    /// All of these.
    required: &'static [&'static str],
    /// Exactly one of these, where there are any.
    either: &'static [&'static str],
    /// Any of these.
    optional: &'static [&'static str],
}

/// Which keys a curve takes: see [`Shape`].
const fn keys(shape: Shape) -> Keys {
    let (word, required, either, optional): (_, &[&str], &[&str], &[&str]) = match shape {
        Shape::Constant => ("constant", &[], &["over", "rate"], &["from"]),
        Shape::Ramp => ("ramp", &["over", "start", "end"], &[], &["from"]),
        Shape::Logistic => ("logistic", &["midpoint", "spread"], &[], &[]),
        Shape::Step => ("step", &["points"], &[], &[]),
        Shape::AtOnce => ("at-once", &[], &[], &["at"]),
        Shape::Poisson => ("poisson", &[], &["over", "rate"], &["from"]),
        Shape::Curve => ("curve", &["points"], &[], &[]),
        Shape::Trace => ("trace", &["file"], &[], &[]),
    };
    Keys { word, required, either, optional }
}

/// Which of a curve's keys are written.
fn written(arrive: &Arrive) -> Vec<&'static str> {
    let Arrive { shape: _, from, over, rate, start, end, midpoint, spread, at, points, file } =
        arrive;
    [
        ("from", from.is_some()),
        ("over", over.is_some()),
        ("rate", rate.is_some()),
        ("start", start.is_some()),
        ("end", end.is_some()),
        ("midpoint", midpoint.is_some()),
        ("spread", spread.is_some()),
        ("at", at.is_some()),
        ("points", points.is_some()),
        ("file", file.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, there)| there.then_some(key))
    .collect()
}

/// Checks that a curve has the keys it needs, no others, and that they make sense.
pub(super) fn check(checker: &mut Checker, arrive: &Arrive, place: Place<'_>) {
    if place.struck("shape") {
        return;
    }
    let keys = keys(arrive.shape);
    let word = keys.word;
    let written = written(arrive);
    for key in &written {
        if ![keys.required, keys.either, keys.optional].iter().any(|all| all.contains(key)) {
            let all = [keys.required, keys.either, keys.optional].concat();
            let problem = checker
                .wrong(place.key(key), format!("`{key}` means nothing to the shape `{word}`"));
            problem.hint = Some(format!("`{word}` takes {}", listed(&all)));
        }
    }
    for key in keys.required {
        if !written.contains(key) {
            checker.required::<()>(None, place, &format!("`arrive` of shape `{word}`"), key);
        }
    }
    let chosen = keys.either.iter().filter(|key| written.contains(key)).count();
    let wrong = keys.either.iter().any(|key| place.struck(key));
    if !keys.either.is_empty() && chosen != 1 && !wrong {
        let all = keys.either.join("` or `");
        checker.wrong(place, format!("`arrive` of shape `{word}` needs `{all}`")).label =
            if chosen == 0 { "has neither" } else { "has both" }.to_owned();
    }
    values(checker, arrive, place);
}

fn values(checker: &mut Checker, arrive: &Arrive, place: Place<'_>) {
    for (key, span) in [("over", arrive.over), ("spread", arrive.spread)] {
        if let Some(span) = span {
            checker.lasting(span.0, place, key);
            if span.0 > RUN_MAX {
                checker.wrong(place.key(key), format!("`{key}` is longer than a week"));
            }
        }
    }
    if let Some(rate) = arrive.rate {
        checker.positive(rate.per_s(), place, "rate");
    }
    let nothing = |rate: Option<Rate>| rate.is_some_and(|rate| rate.per_s() == 0.0);
    if nothing(arrive.start) && nothing(arrive.end) {
        checker.wrong(place.key("start"), "a ramp from 0 to 0 brings nobody");
    }
    if let Some(points) = &arrive.points {
        corners(checker, points, arrive.shape, place.key("points"));
    }
}

/// The corners of a `step` or `curve`: at least two, in order of time, not all 0.
fn corners(checker: &mut Checker, points: &[Point], shape: Shape, place: Place<'_>) {
    if place.lacks_elements() {
        return;
    }
    if points.len() < 2 || points.len() > POINTS_MAX {
        checker.wrong(place, format!("`points` has {} corners", points.len())).label =
            "must have at least 2: the last one ends it".to_owned();
        return;
    }
    for (index, pair) in points.windows(2).enumerate() {
        if pair[1].at <= pair[0].at {
            checker
                .wrong(
                    place.index(index + 1),
                    format!("the corner at {} comes after the one at {}", pair[1].at, pair[0].at),
                )
                .label = "must be later".to_owned();
        }
    }
    // The rate of a step's last corner is not used: nothing comes after it.
    let used = if shape == Shape::Step { &points[..points.len() - 1] } else { points };
    if used.iter().all(|point| point.rate.per_s() == 0.0) {
        checker.wrong(place, "all rates of `points` are 0").label = "nobody comes".to_owned();
    }
}

/// When a sale opens, and what time it is.
#[derive(Copy, Clone)]
pub(super) struct Moment<'a> {
    pub(super) opening: Opening,
    pub(super) checked: Checked<'a>,
}

/// Nobody can come before the run begins: they would all stand there in its first instant.
pub(super) fn not_before_the_run(
    checker: &mut Checker,
    population: &Population,
    moment: Moment<'_>,
    fans: Place<'_>,
) {
    let Some(first) = first(&population.arrive) else { return };
    let context = moment.checked.context;
    let lead_s = match (moment.opening, context.now_utc_ns) {
        (Opening::After(lead), _) => lead.as_secs_f64(),
        (Opening::At { utc_ns }, Some(now)) if context.late == Late::Refused => {
            (utc_ns as f64 - now as f64) / 1e9
        }
        // In virtual time the run begins early enough, and who is late knows it.
        (Opening::At { .. }, _) => return,
    };
    let early_s = -first.seconds();
    // An opening that is past was told already.
    if early_s <= lead_s || lead_s < 0.0 {
        return;
    }
    let problem = checker.wrong(
        fans.key("arrive"),
        format!("people arrive {early_s} s before the opening, but the run begins {lead_s:.0} s before it"),
    );
    problem.hint =
        Some(format!("let the sale open later, for example `opens = \"+{early_s:.0}s\"`"));
}

/// When the first people come, from the opening; for a logistic, when half have come. Absent for
/// a trace.
pub(in crate::scenario) fn first(arrive: &Arrive) -> Option<Offset> {
    match arrive.shape {
        Shape::Constant | Shape::Ramp | Shape::Poisson => Some(arrive.from.unwrap_or_default()),
        Shape::Logistic => arrive.midpoint,
        Shape::AtOnce => Some(arrive.at.unwrap_or_default()),
        Shape::Step | Shape::Curve => arrive.points.as_ref()?.first().map(|point| point.at),
        Shape::Trace => None,
    }
}

/// How many spreads before its midpoint a logistic is taken to begin: 0.1 % come earlier.
const LOGISTIC_TAIL: f64 = 6.9;

/// How long before the opening the run must begin for the people of `population` to come in
/// time.
pub(in crate::scenario) fn lead(population: &Population) -> Duration {
    let arrive = &population.arrive;
    let first_s = first(arrive).or_else(|| population.trace.first().copied());
    let tail_s = match (arrive.shape, arrive.spread) {
        (Shape::Logistic, Some(spread)) => spread.0.as_secs_f64() * LOGISTIC_TAIL,
        _ => 0.0,
    };
    let early_s = tail_s - first_s.unwrap_or_default().seconds();
    Time::from_seconds(early_s) - Time::ZERO
}

/// The moments of a trace, in order; empty for all other shapes.
pub(super) fn trace(
    checker: &mut Checker,
    arrive: &Arrive,
    fans: Place<'_>,
    around: &Surroundings<'_>,
) -> Vec<Offset> {
    let (Shape::Trace, Some(file)) = (arrive.shape, &arrive.file) else { return Vec::new() };
    let here = fans.key("arrive").key("file");
    match (around.read)(file) {
        Ok(text) => parse_trace(checker, file, &text, here),
        Err(error) => {
            checker.wrong(here, format!("the trace `{file}` cannot be read: {error}"));
            Vec::new()
        }
    }
}

/// One moment per line, in seconds from the opening; blank lines and `#` comments are skipped.
fn parse_trace(checker: &mut Checker, file: &str, text: &str, here: Place<'_>) -> Vec<Offset> {
    let mut moments = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.parse::<f64>() {
            Ok(seconds) if seconds.abs() <= RUN_MAX.as_secs_f64() => {
                moments.push(offset(seconds));
            }
            _ => {
                let place = number + 1;
                checker.wrong(
                    here,
                    format!("{file}:{place}: `{line}` is no moment in seconds from the opening"),
                );
                return Vec::new();
            }
        }
    }
    if moments.is_empty() || moments.len() > POINTS_MAX {
        let count = moments.len();
        checker.wrong(here, format!("the trace `{file}` has {count} moments")).label =
            format!("must have 1 to {POINTS_MAX}");
    }
    moments.sort_unstable();
    moments
}

/// The moment `seconds` from the opening; at most a week.
fn offset(seconds: f64) -> Offset {
    let nanos = domain::time::nanos_of(domain::time::duration_from_seconds(seconds.abs()));
    let nanos = i64::try_from(nanos).expect("a week in nanoseconds fits 63 bits");
    Offset::from_nanos(if seconds < 0.0 { -nanos } else { nanos })
}
