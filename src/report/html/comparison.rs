//! Two runs side by side as one page that opens offline, their charts over each other.

use serde::Serialize;

use super::{SCRIPT, STYLE, inlined, rendered};
use crate::report::chart;
use crate::report::compare::rows::{Shown, one_run, shown};
use crate::report::compare::words::sameness;
use crate::report::compare::{Gap, Told};
use crate::verdict::Summary;

/// The page, whose name tells the engine to escape what it is given as HTML.
const NAME: &str = "comparison.html.j2";
const TEMPLATE: &str = include_str!("../comparison.html.j2");

/// All that the page shows, as text.
#[derive(Debug, Serialize)]
struct Page {
    title: String,
    runs: Vec<String>,
    warnings: Vec<String>,
    /// Of two simulated runs that should be the same, whether they are.
    sameness: Option<Sameness>,
    answer: Vec<String>,
    charts: Vec<Figure>,
    gap: Vec<Tier>,
    groups: Vec<Shown>,
    style: &'static str,
    script: &'static str,
}

#[derive(Debug, Serialize)]
struct Sameness {
    tone: &'static str,
    symbol: char,
    told: String,
}

#[derive(Debug, Serialize)]
struct Figure {
    title: &'static str,
    caption: &'static str,
    svg: String,
}

#[derive(Debug, Serialize)]
struct Tier {
    name: &'static str,
    says: Vec<String>,
    cannot_say: Vec<String>,
}

impl Tier {
    fn of(gap: &Gap) -> Self {
        Self { name: gap.tier.name(), says: gap.says.clone(), cannot_say: gap.cannot_say.clone() }
    }
}

/// A comparison of the runs `a` and `b` as a page.
///
/// # Panics
/// When the page asks for what the data have not, which no comparison can bring about.
pub fn comparison(told: &Told<'_>, (a, b): (&Summary, &Summary)) -> String {
    let page = Page {
        title: format!("{} beside {}", a.provenance.title, b.provenance.title),
        runs: told.runs.iter().map(one_run).collect(),
        warnings: told.warnings.clone(),
        sameness: same(told),
        answer: told.answer.clone(),
        charts: charts(a, b),
        gap: told.gap.iter().map(Tier::of).collect(),
        groups: shown(told),
        style: STYLE,
        script: SCRIPT,
    };
    rendered((NAME, TEMPLATE), &page)
}

fn same(told: &Told<'_>) -> Option<Sameness> {
    let exact = told.comparison.exact.as_ref()?;
    let (tone, symbol) = if exact.count == 0 { ("good", '✓') } else { ("open", '?') };
    Some(Sameness { tone, symbol, told: sameness(told.comparison)? })
}

fn charts(a: &Summary, b: &Summary) -> Vec<Figure> {
    vec![
        Figure {
            title: "Requests per second and pieces sold",
            caption: "From the opening of each run, each tier on a scale of its own.",
            svg: inlined(&chart::tiers(a, b)),
        },
        Figure {
            title: "How long people waited",
            caption: "Answers, and timeouts at their deadline, from the moment a fan wanted them; both axes are \
                      logarithmic.",
            svg: inlined(&chart::spectra(a, b)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::fixture::Recorded;
    use crate::report::compare::{Named, told};
    use crate::verdict::compare::compare;

    fn page(a: &Recorded, b: &Recorded) -> String {
        let found = compare(&a.lived(), &b.lived(), None);
        let named_a = Named { folder: "reports/<a>", lived: a.lived() };
        let named_b = Named { folder: "reports/b", lived: b.lived() };
        comparison(&told(&found, &named_a, &named_b, None), (&a.summary, &b.summary))
    }

    #[test]
    fn two_runs_lie_over_each_other_on_a_page_that_asks_nothing_of_the_network() {
        let html = page(&Recorded::simulated(), &Recorded::live());
        for told in [
            "reports/&lt;a&gt;",
            "Farthest apart: ",
            "<th scope=\"col\" class=\"figure\">B − A</th>",
        ] {
            assert!(html.contains(told), "{told}: {html}");
        }
        assert!(html.contains("Where the gap between simulated and live is"));
        assert_eq!(html.matches("<svg").count(), 2);
        for reference in ["http://", "https://", "src=", "@import", "url(", "<link"] {
            assert!(!html.contains(reference), "{reference}");
        }
    }

    #[test]
    fn runs_that_are_the_same_say_so_first() {
        let simulated = Recorded::simulated();
        let html = page(&simulated, &simulated);
        let (before, _) = html.split_once("<figure>").unwrap();
        assert!(before.contains("Identical: all "), "{before}");
    }
}
