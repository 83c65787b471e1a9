//! Draws what was measured and judged: data in, text or picture out.

mod aggregated;
mod balancer;
mod beside;
mod breaking;
mod calibrated;
pub mod chart;
pub mod compare;
mod database;
mod database_tier;
mod devices;
mod digest;
mod edge;
pub mod figure;
pub mod gate;
pub mod html;
mod invariant;
mod layers;
mod limits;
mod queue;
mod recovery;
mod replications;
mod rooms;
mod sale;
mod series;
mod sheet;
mod tasks;
pub mod text;
mod trust;
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

    fn charts(summary: &Summary) -> [String; 5] {
        let charts = html::Charts::draw(summary);
        [charts.timeline, charts.opening, charts.latency, charts.heat, charts.sell_through]
    }

    /// Panics unless every element of the XML is closed in order.
    fn assert_well_formed(xml: &str) {
        let mut open: Vec<&str> = Vec::new();
        for part in xml.split('<').skip(1) {
            let (tag, text) = part.split_once('>').expect("a tag ends");
            assert_eq!(tag.matches('"').count() % 2, 0, "quotes are paired: {tag}");
            assert!(!text.contains('>'), "text is escaped: {text}");
            let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{tag}");
            } else if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert_eq!(open, [""; 0]);
    }

    #[test]
    fn every_chart_is_well_formed_and_says_what_it_shows() {
        for summary in [fixture::passing(), fixture::failing(), fixture::empty()] {
            for svg in charts(&summary) {
                assert_well_formed(&svg);
                assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
                assert!(svg.contains("<title id=") && svg.contains("<desc id="));
                assert!(!svg.contains("NaN") && !svg.contains("inf"));
            }
        }
    }

    #[test]
    fn charts_over_time_mark_the_opening_and_the_sell_out() {
        let [timeline, opening, .., sell_through] = charts(&fixture::passing());
        for svg in [&timeline, &opening, &sell_through] {
            assert!(svg.contains(">\nopening\n<"), "{svg}");
        }
        for svg in [&timeline, &sell_through] {
            assert!(svg.contains(">\nsold out after 27.4 s\n<"), "{svg}");
        }
    }

    #[test]
    fn a_chart_without_data_says_so() {
        for svg in charts(&fixture::empty()) {
            assert!(svg.contains("nothing was measured"));
        }
    }

    #[test]
    fn a_stock_that_nobody_told_has_no_chart() {
        let titles = |summary: &Summary| {
            let html = render(summary).html;
            html.matches("How the stock went").count()
        };
        let mut summary = fixture::passing();
        assert!(titles(&summary) > 0);
        for second in &mut summary.result.measured.timeline {
            second.sold.clear();
            second.free.clear();
        }
        assert_eq!(titles(&summary), 0);
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        for summary in [fixture::passing(), fixture::failing(), fixture::empty()] {
            let html = render(&summary).html;
            for reference in ["http://", "https://", "src=", "@import", "url(", "<link"] {
                assert!(!html.contains(reference), "{reference}");
            }
            assert_eq!(html.matches("<script").count(), 1, "its own");
            assert!(html.contains("content=\"default-src 'none';"), "and no browser would");
        }
    }

    #[test]
    fn what_users_write_never_becomes_markup() {
        let evil = "</title><img src=x onerror=\"alert('1')\">&";
        let mut summary = fixture::failing();
        summary.provenance.title = evil.to_owned();
        summary.provenance.command = evil.to_owned();
        summary.result.reasons = vec![evil.to_owned(), format!("`{evil}")];
        summary.result.findings[0].witness = vec![evil.to_owned()];
        summary.result.objectives[0].text = evil.to_owned();
        let sale = summary.result.measured.sales.remove("day-1").unwrap();
        let mut second = sale.clone();
        second.items = sale.items.into_values().map(|item| (evil.to_owned(), item)).collect();
        summary.result.measured.sales.insert(evil.to_owned(), second.clone());
        summary.result.measured.sales.insert("other".to_owned(), second);
        for second in &mut summary.result.measured.timeline {
            second.sold = [(evil.to_owned(), 7)].into();
        }

        let rendered = render(&summary);

        assert!(!rendered.html.contains("<img"));
        assert!(rendered.html.contains("&lt;img"));
        for svg in charts(&summary) {
            assert!(!svg.contains("<img"));
            assert_well_formed(&svg);
        }
    }

    #[test]
    fn the_first_screen_answers_what_people_ask() {
        let html = render(&fixture::failing()).html;
        let screen = &html[..html.find("<nav").unwrap()];
        for answer in [
            "It did not hold.",
            "<span data-figure=\"/result/exit_code\">111</span>",
            "The shop sold more than it had: 37 pieces oversold (INV-OVERSELL).",
            "of 2,000 sellable",
            "✗</span> <span data-figure=\"/result/payments/orphaned\">1,220</span>",
            "<dt>What broke first?</dt>",
            "Waited for the page",
            "<dt>What to change?</dt>",
        ] {
            assert!(screen.contains(answer), "{answer}");
        }
    }

    /// Places are bounds as pieces are: who sold more of either did not sell out well.
    #[test]
    fn a_sale_that_sold_more_than_it_could_gets_no_tick() {
        let tile = |summary: &Summary| {
            let html = render(summary).html;
            let (_, after) = html.split_once("Pieces sold").unwrap();
            after[..after.find("sellable").unwrap()].to_owned()
        };
        let mut summary = fixture::passing();
        assert!(tile(&summary).contains('✓'), "{}", tile(&summary));
        for sale in summary.result.measured.sales.values_mut() {
            sale.items.values_mut().for_each(|item| item.sellable = item.sold / 2);
        }
        assert!(!tile(&summary).contains(['✓', '✗']), "{}", tile(&summary));
        for finding in &mut summary.result.findings {
            if finding.id == "INV-OVERSELL" {
                (finding.status, finding.count) = (crate::audit::Status::Violated, 3);
            }
        }
        assert!(tile(&summary).contains('✗'), "{}", tile(&summary));
    }

    #[test]
    fn equal_summaries_give_equal_bytes() {
        assert_eq!(render(&fixture::failing()), render(&fixture::failing()));
    }

    /// A day without two seconds alike, at every tier and of every item.
    #[test]
    fn a_day_stays_a_small_page_in_which_three_seconds_are_seen() {
        let mut summary = fixture::failing();
        let day = fixture::timeline(86_400, 18.0, 6.0);
        summary.result.measured.timeline = (1_u64..).zip(day).map(fixture::restless).collect();
        let sale = summary.result.measured.sales.get_mut("day-1").unwrap();
        sale.closes_s = 86_400.0;
        let calm = render(&summary);
        assert!(calm.html.len() < 1_500_000, "{}", calm.html.len());
        for second in &mut summary.result.measured.timeline[50_000..50_003] {
            second.edge = 1_000_000_007;
        }
        let spiked = render(&summary);
        assert!(spiked.html.contains("1000000007.0"), "the mouse can read it");
        assert_ne!(calm.timeline_svg, spiked.timeline_svg);
        assert!(spiked.html.len() < 1_500_000, "{}", spiked.html.len());
    }

    #[test]
    fn remarks_of_what_held_are_made_of_what_there_was() {
        let mut summary = fixture::passing();
        let figure = |value: f64, what: &str| crate::audit::Figure {
            value,
            unit: crate::audit::Unit::Share,
            what: what.to_owned(),
            budget: Some(0.5),
        };
        let held = summary.result.findings.iter_mut().find(|finding| finding.id == "INV-QUOTA");
        held.unwrap().figures = vec![figure(0.0, "of nothing"), figure(0.125, "of something")];
        let html = render(&summary).html;
        assert!(!html.contains("of nothing"), "nothing is no remark");
        let told = "12.5\u{a0}% of something (50.0\u{a0}% allowed)";
        assert!(html.contains(told), "a figure and its unit stay together");
    }

    #[test]
    fn figures_out_of_their_mind_do_not_stop_a_report() {
        let mut summary = fixture::failing();
        let measured = &mut summary.result.measured;
        for sale in measured.sales.values_mut() {
            sale.opens_s = f64::NAN;
            sale.closes_s = f64::INFINITY;
            sale.sold_out_s = Some(f64::NEG_INFINITY);
            sale.items.values_mut().for_each(|item| item.stock = 0);
        }
        for operation in measured.operations.values_mut() {
            operation.spectrum_ms = vec![(2.0, f64::NAN), (0.5, -1.0), (1.0, f64::INFINITY)];
        }
        measured.timeline.truncate(1);
        measured.opening.truncate(1);
        measured.fans.arrived = 0;

        let rendered = render(&summary);

        assert!(rendered.html.ends_with("</html>\n") || rendered.html.ends_with("</html>"));
    }

    #[test]
    fn many_items_share_lines_and_many_sales_share_labels() {
        let mut summary = fixture::passing();
        let measured = &mut summary.result.measured;
        let sale = measured.sales.remove("day-1").unwrap();
        for place in 0..9_u32 {
            let mut another = sale.clone();
            another.opens_s += f64::from(place) * 0.7;
            let items = another.items.iter();
            another.items = items.map(|(id, item)| (format!("{id} {place}"), *item)).collect();
            for second in &mut measured.timeline {
                let sold = second.sold.clone();
                let tees = sold.get("tour-tee").copied().unwrap_or(0);
                second.sold.insert(format!("tour-tee {place}"), tees);
                second.sold.insert(format!("towel {place}"), tees / 2);
            }
            measured.sales.insert(format!("hall-{place}"), another);
        }
        let [timeline, .., sell_through] = charts(&summary);
        assert_well_formed(&timeline);
        assert!(timeline.contains("hall-0: opening"));
        assert!(timeline.contains(">\nclosing\n<"));
        assert!(sell_through.contains("11 other items"));
    }

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
