//! What became of an invariant, for people and for programs.

use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of an invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `INV-OVERSELL` and so on.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// How many violations.
    pub count: u64,
    /// What is counted, as a few words: "pieces oversold".
    pub measure: String,
    /// How much, in each unit that applies, and how much was allowed. Of a promise that held too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// One violation, as a person can follow it; a line each. Why, if it is not checked.
    pub witness: Vec<String>,
    /// The same violation as points on a line of time, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<WitnessEvent>,
    /// Whether and why the scenario waives it.
    pub waived: Option<String>,
}

impl Finding {
    /// Of that status, with nothing counted, for the reason given.
    pub fn plain(id: &str, status: Status, why: Vec<String>) -> Self {
        Self {
            id: id.to_owned(),
            status,
            count: 0,
            measure: String::new(),
            figures: Vec::new(),
            witness: why,
            events: Vec::new(),
            waived: None,
        }
    }
}

/// Whether an invariant held.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It held.
    Held,
    /// It was violated.
    Violated,
    /// There is nothing it could apply to.
    NotApplicable,
    /// It could not be checked.
    NotChecked,
}

/// How much of something was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// How much, in `unit`.
    pub value: f64,
    /// What it is counted in.
    pub unit: Unit,
    /// Of what, as a few words after the number: "sold beyond what there was".
    pub what: String,
    /// How much is allowed, in the same unit; absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
}

/// What a figure is counted in.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Pieces of items, and places in slots.
    Pieces,
    /// Money, in the minor unit of the currency.
    Money,
    /// Pieces times the seconds for which each was kept.
    UnitSeconds,
    /// Seconds.
    Seconds,
    /// Answers that fans got.
    Answers,
    /// Fans.
    Fans,
    /// Calls to the provider.
    Calls,
    /// A share, in \[0, 1\].
    Share,
    /// A correlation, in \[-1, 1\].
    Correlation,
    /// How many times as much.
    Factor,
}

/// One point of a witness's line of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WitnessEvent {
    /// When, since the run began \[s\].
    pub t_s: f64,
    /// Who did or said it.
    pub who: Who,
    /// What.
    pub what: String,
}

/// Who did or said something.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A fan.
    Fan,
    /// The shop.
    Shop,
    /// The payment provider, or the cardholder in front of it.
    Provider,
}

impl Who {
    /// All of them, in the order in which a request passes them.
    pub const ALL: [Self; 3] = [Self::Fan, Self::Shop, Self::Provider];

    /// The word in files and pictures.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fan => "fan",
            Self::Shop => "shop",
            Self::Provider => "provider",
        }
    }
}

/// A violation, told: in words, and as points in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Story {
    pub(super) lines: Vec<String>,
    pub(super) events: Vec<WitnessEvent>,
}

impl From<Vec<String>> for Story {
    fn from(lines: Vec<String>) -> Self {
        Self { lines, events: Vec::new() }
    }
}

impl WitnessEvent {
    pub(super) fn new(at: Time, who: Who, what: &str) -> Self {
        Self { t_s: at.seconds(), who, what: what.to_owned() }
    }
}

/// What a check found.
pub(super) struct Found {
    pub(super) status: Status,
    pub(super) count: u64,
    pub(super) measure: &'static str,
    pub(super) story: Story,
    pub(super) figures: Vec<Figure>,
}

impl Found {
    /// It held.
    pub(super) fn held() -> Self {
        Self::plain(Status::Held, Story::default())
    }

    /// There is nothing it could apply to.
    pub(super) fn not_applicable(why: impl Into<String>) -> Self {
        Self::plain(Status::NotApplicable, vec![why.into()].into())
    }

    /// It could not be checked.
    pub(super) fn not_checked(why: impl Into<String>) -> Self {
        Self::plain(Status::NotChecked, vec![why.into()].into())
    }

    fn plain(status: Status, story: Story) -> Self {
        Self { status, count: 0, measure: "", story, figures: Vec::new() }
    }

    /// Violated if there is a first one of `count`, and otherwise held.
    pub(super) fn count<S: Into<Story>>(
        count: u64,
        measure: &'static str,
        witness: impl FnOnce() -> S,
    ) -> Self {
        if count == 0 {
            return Self::held();
        }
        let story = witness().into();
        Self { status: Status::Violated, count, measure, story, figures: Vec::new() }
    }

    /// With a figure more, of which so much is allowed.
    pub(super) fn with(
        mut self,
        (value, unit): (f64, Unit),
        what: &str,
        budget: Option<f64>,
    ) -> Self {
        self.figures.push(Figure { value: tidy(value), unit, what: what.to_owned(), budget });
        self
    }

    /// With a figure more, if there is any of it.
    pub(super) fn with_some(self, (value, unit): (f64, Unit), what: &str) -> Self {
        if value == 0.0 { self } else { self.with((value, unit), what, None) }
    }

    /// What was found, unless nothing was found and something was missing to be sure.
    pub(super) fn unless_missing(self, missing: Option<String>) -> Self {
        match missing {
            Some(why) if self.status == Status::Held => Self::not_checked(why),
            _ => self,
        }
    }
}

/// At most six digits behind the point: what a reader can use, and the same in every world.
fn tidy(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
