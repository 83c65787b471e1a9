//! What is wrong with the settings of an arrival process.

use domain::rate::Rate;

use super::{Arrive, Point, Shape};

/// One thing wrong with `arrive`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ArriveProblem {
    /// The key it is about, within `arrive`: `over`, `points`, `points.1.at`.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub hint: String,
}

/// The keys a shape takes.
struct Keys {
    must: &'static [&'static str],
    may: &'static [&'static str],
    example: &'static str,
}

impl Shape {
    /// Settings of this shape that can be used, as a scenario writes them.
    pub const fn example(self) -> &'static str {
        self.keys().example
    }

    const fn keys(self) -> Keys {
        match self {
            Self::Constant => Keys {
                must: &[],
                may: &["from", "over", "rate"],
                example: r#"{ shape = "constant", from = "0s", over = "30s" }"#,
            },
            Self::Ramp => Keys {
                must: &["over", "start", "end"],
                may: &["from"],
                example: r#"{ shape = "ramp", over = "30s", start = "0/s", end = "100/s" }"#,
            },
            Self::Logistic => Keys {
                must: &["midpoint", "spread"],
                may: &[],
                example: r#"{ shape = "logistic", midpoint = "-25s", spread = "5s" }"#,
            },
            Self::Step => Keys {
                must: &["points"],
                may: &[],
                example: r#"{ shape = "step", points = [ { at = "0s", rate = "9/s" }, { at = "10s", rate = 0 } ] }"#,
            },
            Self::AtOnce => {
                Keys { must: &[], may: &["at"], example: r#"{ shape = "at-once", at = "0s" }"# }
            }
            Self::Poisson => Keys {
                must: &[],
                may: &["from", "over", "rate"],
                example: r#"{ shape = "poisson", rate = "400/s" }"#,
            },
            Self::Curve => Keys {
                must: &["points"],
                may: &[],
                example: r#"{ shape = "curve", points = [ { at = "-30s", rate = 0 }, { at = "0s", rate = "9/s" } ] }"#,
            },
            Self::Trace => Keys {
                must: &["file"],
                may: &[],
                example: r#"{ shape = "trace", file = "arrivals.csv" }"#,
            },
        }
    }
}

impl Arrive {
    /// All that is wrong with these settings: keys that the shape needs or does not take, and
    /// values out of range. None means that they can be used.
    pub fn check(&self) -> Vec<ArriveProblem> {
        let mut problems = self.wrong_keys();
        problems.extend(self.wrong_lengths());
        problems.extend(self.wrong_rates());
        if let Some(points) = &self.points {
            problems.extend(wrong_points(points, self.shape));
        }
        if self.file.as_deref().is_some_and(|file| file.trim().is_empty()) {
            problems.push(problem("file", "`file` is empty", "name the file of the trace"));
        }
        problems
    }

    /// Every key of `arrive` but `shape`, and whether it is given.
    fn given(&self) -> [(&'static str, bool); 10] {
        [
            ("from", self.from.is_some()),
            ("over", self.over.is_some()),
            ("rate", self.rate.is_some()),
            ("start", self.start.is_some()),
            ("end", self.end.is_some()),
            ("midpoint", self.midpoint.is_some()),
            ("spread", self.spread.is_some()),
            ("at", self.at.is_some()),
            ("points", self.points.is_some()),
            ("file", self.file.is_some()),
        ]
    }

    fn wrong_keys(&self) -> Vec<ArriveProblem> {
        let (word, keys) = (self.shape.word(), self.shape.keys());
        let mut problems = Vec::new();
        for (key, given) in self.given() {
            let (must, may) = (keys.must.contains(&key), keys.may.contains(&key));
            if must && !given {
                let what = format!("the shape `{word}` needs `{key}`");
                problems.push(problem(key, what, format!("write {}", keys.example)));
            } else if given && !must && !may {
                let what = format!("the shape `{word}` does not take `{key}`");
                problems.push(problem(key, what, format!("it takes {}", taken(&keys))));
            }
        }
        if keys.may.contains(&"rate") {
            let hint = "`over` says how long they come, `rate` how fast; the count does the rest";
            match (self.over, self.rate) {
                (None, None) => {
                    let what = format!("the shape `{word}` needs `over` or `rate`");
                    problems.push(problem("over", what, format!("write {}", keys.example)));
                }
                (Some(_), Some(_)) => {
                    let what = format!("the shape `{word}` takes `over` or `rate`, not both");
                    problems.push(problem("rate", what, hint));
                }
                _ => {}
            }
        }
        problems
    }

    fn wrong_lengths(&self) -> impl Iterator<Item = ArriveProblem> {
        let hint = "for all in one instant, write { shape = \"at-once\" }";
        [("over", self.over), ("spread", self.spread)]
            .into_iter()
            .filter(|(_, span)| span.is_some_and(|span| span.0.is_zero()))
            .map(move |(key, _)| problem(key, format!("`{key}` must be longer than 0s"), hint))
    }

    fn wrong_rates(&self) -> Vec<ArriveProblem> {
        let none = |rate: Option<Rate>| rate.is_some_and(|rate| rate.per_s() <= 0.0);
        let mut problems = Vec::new();
        if none(self.rate) {
            let hint = "at 0/s nobody ever comes: write a rate such as \"400/s\"";
            problems.push(problem("rate", "`rate` must be more than 0/s", hint));
        }
        if none(self.start) && none(self.end) {
            let hint = "only their ratio counts: write start = \"0/s\", end = \"1/s\"";
            problems.push(problem("end", "`start` and `end` must not both be 0/s", hint));
        }
        problems
    }
}

/// What is wrong with the corners of a `step` or `curve`.
fn wrong_points(points: &[Point], shape: Shape) -> Vec<ArriveProblem> {
    let mut problems = Vec::new();
    for (place, pair) in (1..).zip(points.windows(2)) {
        if pair[1].at <= pair[0].at {
            let what = format!("the point at {} does not come after {}", pair[1].at, pair[0].at);
            let hint = "write the points in the order of time, each moment once";
            problems.push(problem(format!("points.{place}.at"), what, hint));
        }
    }
    // The last corner of a step only ends it.
    let counted = points.len().saturating_sub(usize::from(shape == Shape::Step));
    if points.len() < 2 {
        let what = format!("{} of the two or more points that make a curve", points.len());
        problems.push(problem("points", what, "the first point begins it, the last one ends it"));
    } else if points[..counted].iter().all(|point| point.rate.per_s() <= 0.0) {
        let hint = "only the ratios of the rates count; give at least one point a rate";
        problems.push(problem("points", "all points have the rate 0/s", hint));
    }
    problems
}

/// The keys a shape takes, as a sentence has them.
fn taken(keys: &Keys) -> String {
    let quoted: Vec<_> = keys.must.iter().chain(keys.may).map(|key| format!("`{key}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn problem(
    key: impl Into<String>,
    what: impl Into<String>,
    hint: impl Into<String>,
) -> ArriveProblem {
    ArriveProblem { key: key.into(), what: what.into(), hint: hint.into() }
}
