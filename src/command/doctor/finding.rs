//! What was found about one limit of this machine, and how all of it is told.

use std::fmt::Write as _;

use serde::Serialize;

use crate::verdict::Verdict;

/// How wide the column of names is \[columns\].
const NAME_COLUMNS: usize = 22;
/// How wide a line is at most \[columns\].
const LINE_COLUMNS: usize = 100;
/// How far what belongs to a finding is moved to the right.
const INDENT: &str = "      ";

/// Whether something stands in the way.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Nothing does.
    Ok,
    /// A run can be lived, but its figures or a larger run may suffer.
    Warning,
    /// A run cannot be lived, or nothing could be believed of it.
    Problem,
}

impl State {
    const fn mark(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Warning => '!',
            Self::Problem => '✗',
        }
    }
}

/// What was found about one limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// Its stable name, such as `open_files`.
    pub(super) id: &'static str,
    /// Whether it stands in the way.
    pub(super) state: State,
    /// What there is, with its unit.
    pub(super) value: String,
    /// What would be better; absent where nothing would.
    pub(super) wanted: Option<String>,
    /// Why that matters, in a sentence; absent where all is well.
    pub(super) why: Option<String>,
    /// What to do: a command to type, or a sentence.
    pub(super) cure: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(id: &'static str, value: impl Into<String>) -> Self {
        Self { id, state: State::Ok, value: value.into(), wanted: None, why: None, cure: None }
    }

    /// Something is not as it should be.
    pub(super) fn wanting(
        id: &'static str,
        state: State,
        value: impl Into<String>,
        wanted: impl Into<String>,
        [why, cure]: [String; 2],
    ) -> Self {
        let (value, wanted) = (value.into(), Some(wanted.into()));
        Self { id, state, value, wanted, why: Some(why), cure: Some(cure) }
    }
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Diagnosis {
    /// The version of this layout: 1.
    pub(super) schema: u32,
    /// The machine in a few words.
    pub(super) machine: String,
    /// What the scenario needs, if one was named.
    pub(super) needs: Option<super::needs::Needs>,
    /// One for each limit.
    pub(super) findings: Vec<Finding>,
    /// The word of the end.
    pub(super) verdict: Verdict,
    /// Its number.
    pub(super) exit_code: u8,
}

impl Diagnosis {
    /// What `findings` come to: a problem makes every run here inconclusive.
    pub(super) fn new(
        machine: String,
        needs: Option<super::needs::Needs>,
        findings: Vec<Finding>,
    ) -> Self {
        let stands = findings.iter().any(|finding| finding.state == State::Problem);
        let verdict = if stands { Verdict::Inconclusive } else { Verdict::Pass };
        Self { schema: 1, machine, needs, findings, verdict, exit_code: verdict.exit_code() }
    }

    /// The names of what stands in the way.
    pub(super) fn problems(&self) -> Vec<String> {
        let problems = self.findings.iter().filter(|finding| finding.state == State::Problem);
        problems.map(|finding| name(finding.id)).collect()
    }

    /// As text for a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = format!("this machine: {}\n", self.machine);
        if let Some(needs) = &self.needs {
            push_wrapped(&mut text, "", &needs.sentence());
        }
        text.push('\n');
        for finding in &self.findings {
            push_finding(&mut text, finding);
        }
        text
    }
}

fn name(id: &str) -> String {
    id.replace('_', " ")
}

fn push_finding(text: &mut String, finding: &Finding) {
    let wanted = finding.wanted.as_ref().map(|wanted| format!("; wanted: {wanted}"));
    let line = format!(
        "{} {:<NAME_COLUMNS$} {}{}",
        finding.state.mark(),
        name(finding.id),
        finding.value,
        wanted.unwrap_or_default()
    );
    text.push_str(&line);
    text.push('\n');
    if let Some(why) = &finding.why {
        push_wrapped(text, INDENT, why);
    }
    if let Some(cure) = &finding.cure {
        // A command stays in one line, so that it can be copied.
        writeln!(text, "{INDENT}> {cure}").expect("text can be appended to");
    }
}

/// A sentence in lines that fit.
fn push_wrapped(text: &mut String, indent: &str, sentence: &str) {
    let mut columns = 0;
    for word in sentence.split(' ') {
        let letters = word.chars().count();
        if columns > 0 && columns + 1 + letters > LINE_COLUMNS {
            text.push('\n');
            columns = 0;
        }
        text.push_str(if columns == 0 { indent } else { " " });
        columns += letters + if columns == 0 { indent.len() } else { 1 };
        text.push_str(word);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn low() -> Finding {
        let lines = ["It is too low for that.".to_owned(), "sudo sysctl -w a.b=2".to_owned()];
        Finding::wanting("a_limit", State::Problem, "1", "2", lines)
    }

    #[test]
    fn one_problem_makes_the_whole_inconclusive_and_a_warning_does_not() {
        let warning = Finding { state: State::Warning, ..low() };
        let fine = Finding::ok("other", "9");
        let judge = |findings| {
            let diagnosis = Diagnosis::new("m".to_owned(), None, findings);
            (diagnosis.verdict, diagnosis.exit_code, diagnosis.problems())
        };
        assert_eq!(judge(vec![fine.clone(), warning]), (Verdict::Pass, 0, vec![]));
        let problems = vec!["a limit".to_owned()];
        assert_eq!(judge(vec![fine, low()]), (Verdict::Inconclusive, 112, problems));
    }

    #[test]
    fn a_finding_is_told_with_what_is_wanted_why_and_the_cure() {
        let diagnosis = Diagnosis::new("two cores".to_owned(), None, vec![low()]);
        insta::assert_snapshot!(diagnosis.text(), @r"
        this machine: two cores

        ✗ a limit                1; wanted: 2
              It is too low for that.
              > sudo sysctl -w a.b=2
        ");
    }

    #[test]
    fn sentences_are_broken_where_the_screen_ends() {
        let mut text = String::new();
        push_wrapped(&mut text, INDENT, &"word ".repeat(60));
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|line| line.len() <= LINE_COLUMNS && line.starts_with(INDENT)));
    }
}
