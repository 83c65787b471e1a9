//! Service level objectives as people write them: `"reload p(99) for 5s in opening" = "< 800ms"`.

mod devices;
mod reading;
mod region;
mod rooms;

pub use devices::DeviceReading;
pub use region::RegionReading;
pub use rooms::RoomReading;

use domain::outcome::{Operation, Outcome};
use domain::time::{Duration, Span};

use crate::measure::latency::Series;
use reading::Unit;

/// A target for something measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// As written: `reload p(99) < 300ms`.
    pub text: String,
    /// What is read.
    pub subject: Subject,
    /// The name of the devices or rooms that it is read of, if it is.
    pub name: Option<String>,
    /// Every sliding window of that length, step 1 s, must meet it; left out: the whole at once.
    pub window: Option<Duration>,
    /// The part of the run that is read; left out: all of it.
    pub phase: Option<Phase>,
    /// How the reading is compared.
    pub relation: Relation,
    /// With what: milliseconds \[ms\] for times, of devices and rooms also a rate \[1/s\], a count or money, a
    /// ratio otherwise.
    pub bound: f64,
}

/// What an objective reads.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Subject {
    /// A time \[ms\].
    Time(Series, Statistic),
    /// The share of an operation's attempts that were answered so, in \[0, 1\].
    Share(Operation, Answer),
    /// Pieces sold over pieces that could be sold.
    SoldRatio,
    /// How long after its cause was gone the longest failure lasted \[ms\].
    Recovery,
    /// What the loss of a region came to.
    Region(RegionReading),
    /// What became of devices.
    Devices(DeviceReading),
    /// What became of rooms.
    Rooms(RoomReading),
}

/// Which answers a share counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `error ratio`: failures, and answers that never came. Who waits in vain does not care why.
    Failed,
    /// `<outcome> ratio`.
    Is(Outcome),
}

/// One number out of many times.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Statistic {
    /// That share is at most this, in (0, 1).
    Quantile(f64),
    /// The arithmetic mean.
    Mean,
    /// The shortest.
    Min,
    /// The longest.
    Max,
}

impl Statistic {
    /// How many values it needs before it says anything: ten beyond the quantile on its thin side,
    /// so that chance alone moves it little.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a quantile below 1 needs a positive number, and one of 0.999999 ten million"
    )]
    pub fn samples_needed(self) -> u64 {
        match self {
            // Less a whisker, for 10 / (1 - 0.99) is 1000.0000000000009 in binary.
            Self::Quantile(quantile) => (10.0 / (1.0 - quantile) - 1e-6).ceil() as u64,
            Self::Mean | Self::Min | Self::Max => 1,
        }
    }
}

/// A part of the run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Until the first opening.
    Before,
    /// From the first opening, 10 s unless a scenario says otherwise.
    Opening,
    /// From then on until the last sale closes.
    Sale,
    /// After that.
    Drain,
}

impl Phase {
    const ALL: [(&'static str, Self); 4] = [
        ("before", Self::Before),
        ("opening", Self::Opening),
        ("sale", Self::Sale),
        ("drain", Self::Drain),
    ];

    /// The phase's word.
    pub fn word(self) -> &'static str {
        let (word, _) = Self::ALL[self as usize];
        word
    }
}

/// How a reading is compared with its bound.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Relation {
    /// The longer ones first, so that `<=` is not read as `<`.
    const ALL: [(&'static str, Self); 5] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
        ("<", Self::Below),
        (">", Self::Above),
    ];

    /// Whether `value` stands in this relation to `bound`.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
            Self::Equal => (value - bound).abs() < f64::EPSILON,
        }
    }

    /// The worse of two readings.
    pub fn worse(self, one: f64, other: f64, bound: f64) -> f64 {
        match self {
            Self::Below | Self::AtMost => one.max(other),
            Self::Above | Self::AtLeast => one.min(other),
            Self::Equal if (other - bound).abs() > (one - bound).abs() => other,
            Self::Equal => one,
        }
    }
}

/// Why a text is no objective.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nhint: {hint}")]
pub struct ObjectiveProblem {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

fn problem(message: impl Into<String>, hint: impl Into<String>) -> ObjectiveProblem {
    ObjectiveProblem { message: message.into(), hint: hint.into() }
}

/// What a key may be, for hints.
const KEYS: &str = "write `reload p(99)`, `checkout error ratio`, `sold ratio` or `recovery`, and after it \
                    ` for 5s in opening` if need be; of devices and rooms `NAME availability`, \
                    `NAME assigned ratio` and the like";

impl Objective {
    /// Reads one line of `[objectives]`.
    ///
    /// A key is `<operation> [service|first byte] p(N)|med|avg|min|max`, `connect`, `handshake` or
    /// `pool wait` and the same, `<operation> error ratio`, `<operation> <outcome> ratio`,
    /// `sold ratio`, `recovery`, `outage` or `lost orders`, and may go on ` for 5s` and ` in <phase>`, but for these four. Of
    /// devices it is `<name> availability`, `downtime <statistic>`, `connect peak`, `backlog`,
    /// `recovery`, `deploy`, `database` or `heartbeat <statistic>`, of rooms `<name> assigned ratio`,
    /// `stock-out ratio`, `wait <statistic>`, `machines`, `disconnected`, `update` or `cost`, of the whole run.
    /// A value is `<`, `<=`, `>`, `>=` or `==` and a length of time, a ratio, a percentage or a number.
    ///
    /// # Errors
    /// When either cannot be read: what is wrong, and the nearest right word.
    pub fn parse(key: &str, value: &str) -> Result<Self, ObjectiveProblem> {
        let mut words: Vec<&str> = key.split_whitespace().collect();
        let phase = suffix(&mut words, "in")?.map(parse_phase).transpose()?;
        let window = suffix(&mut words, "for")?.map(parse_window).transpose()?;
        let (name, subject) = if let Some((name, reading)) = DeviceReading::parse(&words)? {
            (Some(name), Subject::Devices(reading))
        } else if let Some((name, reading)) = RoomReading::parse(&words)? {
            (Some(name), Subject::Rooms(reading))
        } else if let Some(reading) = RegionReading::parse(&words) {
            (None, Subject::Region(reading))
        } else {
            (None, parse_subject(&words)?)
        };
        let of_the_whole = !matches!(subject, Subject::Time(..) | Subject::Share(..));
        if of_the_whole && (phase.is_some() || window.is_some()) {
            let what = words.join(" ");
            return Err(problem(
                format!("`{what}` is read at the end, not over a while"),
                format!("leave out what follows `{what}`"),
            ));
        }
        let (relation, bound) = parse_bound(value, subject)?;
        let text =
            format!("{} {}", key.split_whitespace().collect::<Vec<_>>().join(" "), value.trim());
        Ok(Self { text, subject, name, window, phase, relation, bound })
    }

    /// Whether it reads what only a network has: connections, and the first byte of an answer.
    pub fn is_of_the_network(&self) -> bool {
        matches!(
            self.subject,
            Subject::Time(
                Series::FirstByte(_) | Series::Connect | Series::Handshake | Series::PoolWait,
                _
            )
        )
    }

    /// The bound on a time \[ms\], if it is one from above.
    pub fn time_bound_ms(&self) -> Option<f64> {
        let is_time = matches!(self.subject, Subject::Time(..));
        (is_time && matches!(self.relation, Relation::Below | Relation::AtMost))
            .then_some(self.bound)
    }
}

/// Cuts ` for X` or ` in X` off the end.
fn suffix<'a>(words: &mut Vec<&'a str>, word: &str) -> Result<Option<&'a str>, ObjectiveProblem> {
    match words.iter().position(|found| *found == word) {
        None => Ok(None),
        Some(place) if place + 2 == words.len() => {
            let argument = words[place + 1];
            words.truncate(place);
            Ok(Some(argument))
        }
        Some(place) => {
            let rest = words[place..].join(" ");
            Err(problem(
                format!("`{rest}` is not how an objective ends"),
                "write ` for 5s`, ` in opening` or ` for 5s in opening`",
            ))
        }
    }
}

fn parse_phase(word: &str) -> Result<Phase, ObjectiveProblem> {
    let found = Phase::ALL.into_iter().find(|(name, _)| *name == word);
    found.map(|(_, phase)| phase).ok_or_else(|| {
        problem(
            format!("`{word}` is not a phase of the run"),
            nearest(word, Phase::ALL.into_iter().map(|(name, _)| name.to_owned())),
        )
    })
}

fn parse_window(text: &str) -> Result<Duration, ObjectiveProblem> {
    let hint = "write a whole number of seconds, such as ` for 5s`";
    let Span(length) = text
        .parse()
        .map_err(|error: domain::time::ParseSpanError| problem(error.to_string(), hint))?;
    if length.is_zero() || length.subsec_nanos() != 0 {
        return Err(problem(format!("`{text}` is not a whole number of seconds"), hint));
    }
    Ok(length)
}

fn parse_subject(words: &[&str]) -> Result<Subject, ObjectiveProblem> {
    match words {
        [] => Err(problem("an objective needs a name", KEYS)),
        ["sold", "ratio"] => Ok(Subject::SoldRatio),
        ["recovery"] => Ok(Subject::Recovery),
        [operation, answer, "ratio"] => {
            Ok(Subject::Share(parse_operation(operation)?, parse_answer(answer)?))
        }
        ["connect", statistic] => Ok(Subject::Time(Series::Connect, parse_statistic(statistic)?)),
        ["handshake", statistic] => {
            Ok(Subject::Time(Series::Handshake, parse_statistic(statistic)?))
        }
        ["pool", "wait", statistic] => {
            Ok(Subject::Time(Series::PoolWait, parse_statistic(statistic)?))
        }
        [operation, "first", "byte", statistic] => {
            let series = Series::FirstByte(parse_operation(operation)?);
            Ok(Subject::Time(series, parse_statistic(statistic)?))
        }
        ["reload.call", statistic] => Ok(Subject::Time(Series::Call, parse_statistic(statistic)?)),
        [operation, statistic] => {
            let series = Series::Response(parse_operation(operation)?);
            Ok(Subject::Time(series, parse_statistic(statistic)?))
        }
        [operation, "service", statistic] => {
            let series = Series::Service(parse_operation(operation)?);
            Ok(Subject::Time(series, parse_statistic(statistic)?))
        }
        words => {
            if let [operation, ..] = words {
                parse_operation(operation)?;
            }
            Err(problem(format!("`{}` is not something measured", words.join(" ")), KEYS))
        }
    }
}

fn parse_operation(word: &str) -> Result<Operation, ObjectiveProblem> {
    Operation::from_word(word).ok_or_else(|| {
        let words = Operation::ALL.into_iter().map(|operation| operation.word().to_owned());
        problem(format!("`{word}` is not an operation"), nearest(word, words))
    })
}

fn parse_answer(word: &str) -> Result<Answer, ObjectiveProblem> {
    if word == "error" {
        return Ok(Answer::Failed);
    }
    Outcome::from_word(word).map(Answer::Is).ok_or_else(|| {
        let words = Outcome::ALL.into_iter().map(|outcome| outcome.word().to_owned());
        problem(format!("`{word}` is not an outcome"), nearest(word, words))
    })
}

fn parse_statistic(word: &str) -> Result<Statistic, ObjectiveProblem> {
    let percent = word.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
    match (word, percent.map(str::parse::<f64>)) {
        ("med", _) => Ok(Statistic::Quantile(0.5)),
        ("avg", _) => Ok(Statistic::Mean),
        ("min", _) => Ok(Statistic::Min),
        ("max", _) => Ok(Statistic::Max),
        (_, Some(Ok(percent))) if percent > 0.0 && percent < 100.0 => {
            Ok(Statistic::Quantile(percent / 100.0))
        }
        (_, Some(_)) => Err(problem(
            format!("`{word}` is not a percentile"),
            "write a number between 0 and 100, such as p(99) or p(99.9)",
        )),
        _ => Err(problem(
            format!("`{word}` is not a statistic"),
            "write p(50) … p(99.9), med, avg, min or max",
        )),
    }
}

fn parse_bound(value: &str, subject: Subject) -> Result<(Relation, f64), ObjectiveProblem> {
    let text = value.trim();
    let (sign, relation) =
        Relation::ALL.into_iter().find(|(sign, _)| text.starts_with(sign)).ok_or_else(|| {
            problem(
                format!("`{text}` does not say how to compare"),
                "begin with <, <=, >, >= or ==, such as \"< 300ms\"",
            )
        })?;
    let number = text[sign.len()..].trim();
    let bound = match subject {
        Subject::Time(..) | Subject::Recovery => Unit::Milliseconds.bound(number)?,
        Subject::Share(..) | Subject::SoldRatio => Unit::Ratio.bound(number)?,
        Subject::Region(reading) => reading.bound(number)?,
        Subject::Devices(reading) => reading.bound(number)?,
        Subject::Rooms(reading) => reading.bound(number)?,
    };
    Ok((relation, bound))
}

/// The word nearest to what was written, if any is near; otherwise all of them.
fn nearest(written: &str, words: impl Iterator<Item = String>) -> String {
    /// Words less alike than this are no slip of the finger.
    const ALIKE_MIN: f64 = 0.75;
    let words: Vec<String> = words.collect();
    let alike = |word: &String| strsim::jaro_winkler(written, word);
    let best = words.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match best {
        Some(best) if alike(best) >= ALIKE_MIN => format!("did you mean `{best}`?"),
        _ => format!("it is one of {}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str, value: &str) -> Objective {
        Objective::parse(key, value).unwrap()
    }

    fn assert_read(key: &str, value: &str, expected: (Subject, Relation, f64)) {
        let (subject, relation, bound) = expected;
        let read = parse(key, value);
        assert_eq!((read.subject, read.relation), (subject, relation), "{key}");
        assert!((read.bound - bound).abs() < 1e-9, "{key}: {}", read.bound);
    }

    #[test]
    fn objectives_are_read_as_people_write_them() {
        let reload = Series::Response(Operation::Reload);
        let checkout = Operation::Checkout;
        for (key, value, subject, relation, bound) in [
            (
                "reload p(99)",
                "< 300ms",
                Subject::Time(reload, Statistic::Quantile(0.99)),
                Relation::Below,
                300.0,
            ),
            (
                "reload med",
                "<= 1.5s",
                Subject::Time(reload, Statistic::Quantile(0.5)),
                Relation::AtMost,
                1_500.0,
            ),
            (
                "checkout service p(95)",
                "<2s",
                Subject::Time(Series::Service(checkout), Statistic::Quantile(0.95)),
                Relation::Below,
                2_000.0,
            ),
            (
                "reload.call max",
                "< 1s",
                Subject::Time(Series::Call, Statistic::Max),
                Relation::Below,
                1_000.0,
            ),
            (
                "checkout error ratio",
                "< 1%",
                Subject::Share(checkout, Answer::Failed),
                Relation::Below,
                0.01,
            ),
            (
                "checkout rate_limited ratio",
                "<= 0.5",
                Subject::Share(checkout, Answer::Is(Outcome::RateLimited)),
                Relation::AtMost,
                0.5,
            ),
            ("sold ratio", ">= 1", Subject::SoldRatio, Relation::AtLeast, 1.0),
        ] {
            assert_read(key, value, (subject, relation, bound));
        }
    }

    #[test]
    fn what_happens_before_the_answer_has_objectives_too() {
        for (key, value, subject, relation, bound) in [
            (
                "reload first byte p(99)",
                "< 200ms",
                Subject::Time(Series::FirstByte(Operation::Reload), Statistic::Quantile(0.99)),
                Relation::Below,
                200.0,
            ),
            (
                "connect p(95)",
                "< 50ms",
                Subject::Time(Series::Connect, Statistic::Quantile(0.95)),
                Relation::Below,
                50.0,
            ),
            (
                "handshake avg",
                "< 5ms",
                Subject::Time(Series::Handshake, Statistic::Mean),
                Relation::Below,
                5.0,
            ),
            (
                "pool wait max",
                "< 1s",
                Subject::Time(Series::PoolWait, Statistic::Max),
                Relation::Below,
                1_000.0,
            ),
        ] {
            assert_read(key, value, (subject, relation, bound));
        }
    }

    #[test]
    fn a_window_and_a_phase_may_follow() {
        let read = parse("reload p(99) for 5s in opening", "< 800ms");
        assert_eq!(read.window, Some(Duration::from_secs(5)));
        assert_eq!(read.phase, Some(Phase::Opening));
        assert_eq!(read.text, "reload p(99) for 5s in opening < 800ms");
        assert_eq!(parse("reload avg in before", "< 1s").phase, Some(Phase::Before));
        assert_eq!(parse("reload avg for 1m", "< 1s").window, Some(Duration::from_mins(1)));
    }

    #[test]
    fn what_cannot_be_read_says_what_would_be_right() {
        for (key, value, hint) in [
            ("relaod p(99)", "< 300ms", "did you mean `reload`?"),
            ("reload p99", "< 300ms", "p(50) …"),
            ("reload p(100)", "< 300ms", "between 0 and 100"),
            ("reload p(99)", "< 300", "a time needs its unit: 300ms"),
            ("reload p(99)", "300ms", "begin with <"),
            ("reload p(99) for 5s in openning", "< 1s", "did you mean `opening`?"),
            ("reload p(99) for 1500ms", "< 1s", "whole number of seconds"),
            ("reload p(99) in opening for 5s", "< 1s", " for 5s in opening"),
            ("checkout eror ratio", "< 1%", "did you mean `error`?"),
            ("checkout error ratio", "< many", "such as"),
            ("sold ratio in sale", ">= 1", "leave out"),
            ("", "< 1s", "sold ratio"),
            ("reload", "< 1s", "sold ratio"),
        ] {
            let problem = Objective::parse(key, value).unwrap_err();
            assert!(problem.hint.contains(hint), "{key}: {problem:?}");
        }
    }

    #[test]
    fn a_quantile_needs_ten_values_beyond_it() {
        for (quantile, needed) in [(0.5, 20), (0.9, 100), (0.99, 1_000), (0.999, 10_000)] {
            assert_eq!(Statistic::Quantile(quantile).samples_needed(), needed);
        }
    }
}
