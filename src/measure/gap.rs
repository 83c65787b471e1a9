//! When parts of the embedded stack were not there, as figures and sentences.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::round3;
use crate::evidence::gap::Gap;
use crate::evidence::series::Row;

/// The series under which a run's timeline shows them.
const SERIES: &str = "stack";

/// A part that died in mid-run, and when it was back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GapSummary {
    /// Which: `the shop`, `the provider`, `PostgreSQL` or `Redis`.
    pub part: String,
    /// When it died, from the run's beginning \[s\].
    pub from_s: f64,
    /// When it was there again \[s\]; absent if it never was.
    pub until_s: Option<f64>,
    /// How it died, and why it did not come back.
    pub how: String,
}

impl GapSummary {
    /// `The shop died 12.3 s into the run (killed by signal 9) and was back 0.412 s later.`
    pub fn sentence(&self) -> String {
        let Self { part, from_s, until_s, how } = self;
        let what = match until_s {
            Some(until_s) => format!("was back {} s later", round3(until_s - from_s)),
            None => "did not come back".to_owned(),
        };
        let mut text = format!("{part} died {from_s} s into the run ({how}) and {what}.");
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        text
    }

    /// Its two ends, as events on the run's timeline.
    pub fn rows(&self) -> Vec<Row> {
        let row = |at_s, what: &str| Row {
            at_s,
            series: SERIES.to_owned(),
            value: None,
            text: Some(format!("{} {what}", self.part)),
        };
        let back = self.until_s.map(|until_s| row(until_s, "is back"));
        std::iter::once(row(self.from_s, "died")).chain(back).collect()
    }
}

impl From<&Gap> for GapSummary {
    fn from(gap: &Gap) -> Self {
        Self {
            part: gap.part.name().to_owned(),
            from_s: round3(gap.from.seconds()),
            until_s: gap.until.map(|until| round3(until.seconds())),
            how: gap.how.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Time;

    use super::*;
    use crate::evidence::gap::Part;

    #[test]
    fn a_gap_is_told_with_its_cause_and_its_length() {
        let gap = |until| Gap {
            part: Part::Shop,
            from: Time::from_millis(12_300),
            until,
            how: "killed by signal 9".to_owned(),
        };
        let back = GapSummary::from(&gap(Some(Time::from_millis(12_712))));
        assert_eq!(
            back.sentence(),
            "The shop died 12.3 s into the run (killed by signal 9) and was back 0.412 s later."
        );
        assert_eq!(back.rows().len(), 2);
        let gone = GapSummary::from(&gap(None));
        assert!(gone.sentence().ends_with("(killed by signal 9) and did not come back."));
        assert_eq!(gone.rows().len(), 1);
    }
}
