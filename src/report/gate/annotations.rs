//! Annotations of GitHub Actions: workflow commands on stdout
//! (docs.github.com, "Workflow commands for GitHub Actions").

use super::words;
use crate::report::words::headline;
use crate::verdict::Verdict;
use crate::verdict::gate::{Gated, Standing};

/// A line for the verdict, and one for each figure that regressed, improved, is missing or undecided; `file` is the
/// scenario that they are shown beside.
pub fn annotations(gated: &Gated, file: Option<&str>) -> String {
    let level = match gated.verdict {
        Verdict::Pass => "notice",
        Verdict::Inconclusive => "warning",
        _ => "error",
    };
    let mut lines = String::new();
    let why = gated.reasons.join(" ");
    line(&mut lines, level, file, "spike gate", &format!("{} {why}", headline(gated.verdict)));
    for figure in gated.gating() {
        let (level, standing) = match figure.standing {
            Some(standing @ (Standing::Regressed | Standing::Missing)) => ("error", standing),
            Some(standing @ Standing::Undecided) => ("warning", standing),
            Some(standing @ Standing::Improved) => ("notice", standing),
            Some(Standing::Unchanged) | None => continue,
        };
        let change = words::change(figure.unit, figure.effect);
        let interval = words::interval(figure.unit, figure.ci95);
        let text = format!(
            "{} {}: {} to {}, {change} ({interval})",
            figure.name,
            words::standing(standing),
            words::middle(figure.unit, figure.baseline.as_ref()),
            words::middle(figure.unit, figure.candidate.as_ref()),
        );
        line(&mut lines, level, file, &format!("spike gate: {}", figure.name), &text);
    }
    lines
}

fn line(lines: &mut String, level: &str, file: Option<&str>, title: &str, text: &str) {
    let file = file.map_or_else(String::new, |file| format!("file={},", property(file)));
    let line = format!("::{level} {file}title={}::{}\n", property(title), data(text.trim_end()));
    lines.push_str(&line);
}

/// What follows the colons, with what would end it escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value, in which colons and commas would end it too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_regression_is_an_error_beside_its_scenario() {
        let told = annotations(&fixture::regressed(), Some("scenarios/a,b.toml"));
        let lines: Vec<&str> = told.lines().collect();
        assert!(
            lines[0]
                .starts_with("::error file=scenarios/a%2Cb.toml,title=spike gate::It has become"),
            "{told}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line
                    .contains("title=spike gate%3A checkout p99::checkout p99 regressed")),
            "{told}"
        );
        assert!(lines.iter().all(|line| line.starts_with("::")), "{told}");
        assert!(told.contains("worse by 11.6 %25 (p = 0.0002)."), "{told}");
    }

    #[test]
    fn what_passes_is_a_notice() {
        let told = annotations(&fixture::unchanged(), None);
        assert_eq!(told, "::notice title=spike gate::It held.\n");
    }
}
