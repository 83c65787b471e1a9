//! What the gate says as Markdown, for a comment on a pull request: the verdict, the figures that gate, and what
//! so many runs could have shown.

use super::words;
use crate::report::words::{headline, verdict_tone};
use crate::verdict::gate::{Gated, Judgement};

/// By this line a bot finds its own comment again, so that there is one on each pull request.
const MARK: &str = "<!-- spike gate -->";

/// The comment; it ends with a line break.
pub fn markdown(gated: &Gated) -> String {
    let from = &gated.candidate.provenance;
    let mut text = format!(
        "{MARK}\n### {} {} `{}`\n\n",
        verdict_tone(gated.verdict).symbol(),
        headline(gated.verdict),
        escaped(&from.scenario)
    );
    for reason in &gated.reasons {
        add(&mut text, &format!("- **{}**", escaped(reason)));
    }
    if !gated.reasons.is_empty() {
        text.push('\n');
    }
    add(&mut text, "| | baseline | candidate | change | 95 % interval | |");
    add(&mut text, "|---|--:|--:|--:|--:|---|");
    for figure in gated.gating() {
        add(&mut text, &row(figure));
    }
    text.push('\n');
    for note in &gated.notes {
        add(&mut text, &format!("> {}  ", escaped(note)));
    }
    let power = words::power(gated);
    if !power.is_empty() {
        let these = words::these(gated);
        let summary = format!("What {these} could have shown, 80 % of the time");
        add(&mut text, &format!("\n<details><summary>{summary}</summary>\n"));
        for sentence in power {
            add(&mut text, &format!("- {}", escaped(&sentence)));
        }
        add(&mut text, "\n</details>");
    }
    let world = crate::report::words::world(gated.world);
    let told = format!(
        "\n<sub>{world}, seed {}, scale {}; baseline {}, candidate {}; {} ({})</sub>",
        from.seed,
        from.scale,
        words::runs(&gated.baseline),
        words::runs(&gated.candidate),
        gated.verdict.word(),
        gated.exit_code
    );
    add(&mut text, &told);
    text
}

fn row(judged: &Judgement) -> String {
    let standing = judged.standing.map_or("", words::standing);
    let standing =
        if standing == "regressed" { "**regressed**".to_owned() } else { standing.to_owned() };
    format!(
        "| {} | {} | {} | {} | {} | {standing} |",
        escaped(&judged.name),
        words::middle(judged.unit, judged.baseline.as_ref()),
        words::middle(judged.unit, judged.candidate.as_ref()),
        words::change(judged.unit, judged.effect),
        words::interval(judged.unit, judged.ci95)
    )
}

fn add(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// Text in which nothing is a mark of Markdown, of a table or of HTML: names come from scenarios.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '@' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_regression_reads_as_one() {
        let told = markdown(&fixture::regressed());
        for part in [
            "### ✗ It has become worse. `gate`\n",
            "- **checkout p99 is worse by 11.6 % (p = 0.0002).**\n",
            "| | baseline | candidate | change | 95 % interval | |\n|---|--:|--:|--:|--:|---|\n",
            "| checkout p99 | 104 ms | 116 ms | +11.6 % | +",
            " | **regressed** |\n",
            "| failed share | 0 % | 0 % | 0.0 pp | 0.0…0.0 pp | unchanged |\n",
            "<details><summary>What these 8 pairs could have shown, 80 % of the time</summary>",
            "- checkout p99: a change of ",
            "regression (113)</sub>",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn a_name_is_no_markup() {
        let mut gated = fixture::unchanged();
        gated.figures[0].name = "a|b <img> *c* @all".to_owned();
        let told = markdown(&gated);
        assert!(told.contains(r"| a\|b &lt;img&gt; \*c\* \@all |"), "{told}");
    }

    #[test]
    fn a_bot_finds_its_comment_again() {
        assert!(markdown(&fixture::unchanged()).starts_with(MARK));
    }
}
