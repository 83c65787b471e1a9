//! Draws what was measured and judged: data in, text or picture out.

pub mod chart;
mod digest;
pub mod figure;
pub mod html;
mod invariant;
pub mod text;
mod words;

#[cfg(test)]
mod fixture;

use crate::verdict::Summary;

/// How wide the text of a [`Rendered`] report is \[columns\].
const TEXT_COLUMNS: usize = 100;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// `report.html`: opens offline.
    pub html: String,
    /// `timeline.svg`.
    pub timeline_svg: String,
    /// `latency.svg`.
    pub latency_svg: String,
    /// `sell-through.svg`.
    pub sell_through_svg: String,
    /// The summary without colour, at most 100 columns wide.
    pub text: String,
}

/// Renders everything that a run's folder holds for people. Equal summaries give equal bytes.
pub fn render(summary: &Summary) -> Rendered {
    let charts = html::Charts::draw(summary);
    Rendered {
        html: html::html(summary, &charts),
        text: text::text(summary, TEXT_COLUMNS, text::Colour::Plain),
        timeline_svg: charts.timeline,
        latency_svg: charts.latency,
        sell_through_svg: charts.sell_through,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    #[ignore = "writes target/report-look/ for a person to look at"]
    fn a_person_can_look_at_every_report() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/report-look");
        std::fs::create_dir_all(&folder).unwrap();
        let summaries = [
            ("passing", fixture::passing()),
            ("failing", fixture::failing()),
            ("empty", fixture::empty()),
        ];
        for (name, summary) in summaries {
            let rendered = render(&summary);
            std::fs::write(folder.join(format!("{name}.html")), rendered.html).unwrap();
            std::fs::write(folder.join(format!("{name}-timeline.svg")), rendered.timeline_svg)
                .unwrap();
            std::fs::write(folder.join(format!("{name}-latency.svg")), rendered.latency_svg)
                .unwrap();
            std::fs::write(
                folder.join(format!("{name}-sell-through.svg")),
                rendered.sell_through_svg,
            )
            .unwrap();
        }
    }
}
