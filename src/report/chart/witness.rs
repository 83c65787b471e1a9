//! One violation on a line of time: who did what when, a lane each.

use super::sheet::{Anchor, Caption, DOTS, Ink, Place, Sheet, Size, drawing};
use crate::audit::{Finding, Who, WitnessEvent};
use crate::report::figure;

/// The lanes' left and right end \[pixels\].
const LEFT: i32 = 84;
const RIGHT: i32 = 936;
/// The first lane, and how far the next is below it \[pixels\].
const TOP: i32 = 26;
const LANE: i32 = 34;
/// How close two points may stand \[pixels\]: their numbers must be legible.
const APART: i32 = 22;
/// Half the width of a point \[pixels\].
const POINT: i32 = 8;

/// The events of a finding's witness over time, numbered as they are listed, as SVG; `None` where
/// there are fewer than two. `place` is the finding's among those on a page.
pub fn witness(finding: &Finding, place: usize) -> Option<String> {
    let events = &finding.events;
    let (first, last) = (events.first()?, events.last()?);
    if events.len() < 2 {
        return None;
    }
    let caption = Caption {
        name: format!("witness-{place}"),
        title: format!("{}: one violation over time", finding.id),
        description: description(events),
    };
    let height = TOP + LANE * 3 + 18;
    Some(drawing(&caption, (960, height.unsigned_abs()), |sheet| {
        lanes(sheet);
        let places = places(events);
        sheet.line(places.clone(), Ink::Quiet, 2);
        for ((number, event), place) in (1_usize..).zip(events).zip(places) {
            point(sheet, number, event.who, place);
        }
        let below = (TOP + LANE * 3) * DOTS;
        let ends = [(LEFT, Anchor::Start, first), (RIGHT, Anchor::End, last)];
        for (across, anchor, event) in ends {
            let text = figure::seconds(event.t_s);
            sheet.text(&text, (across * DOTS, below), anchor, Size::Small, Ink::Quiet);
        }
    }))
}

fn lanes(sheet: &Sheet<'_>) {
    for who in Who::ALL {
        let height = height(who);
        let name = ((LEFT - 14) * DOTS, height);
        sheet.text(who.word(), name, Anchor::End, Size::Small, Ink::Text);
        sheet.line(vec![(LEFT * DOTS, height), (RIGHT * DOTS, height)], Ink::Grid, 2);
    }
}

fn height(who: Who) -> i32 {
    let lane = match who {
        Who::Fan => 0,
        Who::Shop => 1,
        Who::Provider => 2,
    };
    (TOP + LANE * lane) * DOTS
}

/// Where each event stands: in proportion to its time, as far as there is room for its number.
fn places(events: &[WitnessEvent]) -> Vec<Place> {
    let (from, until) = (events[0].t_s, events[events.len() - 1].t_s);
    let span = (until - from).max(f64::MIN_POSITIVE);
    let wide = f64::from(RIGHT - LEFT - 2 * POINT);
    let left = LEFT + POINT;
    let wish = |event: &WitnessEvent| left + rounded((event.t_s - from) / span * wide);
    let mut across: Vec<i32> = events.iter().map(wish).collect();
    for place in 1..across.len() {
        across[place] = across[place].max(across[place - 1] + APART);
    }
    let mut most = RIGHT - POINT;
    for place in across.iter_mut().rev() {
        *place = (*place).min(most);
        most = *place - APART;
    }
    across
        .into_iter()
        .zip(events)
        .map(|(across, event)| (across * DOTS, height(event.who)))
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a place on the sheet is far below 2^31")]
fn rounded(pixels: f64) -> i32 {
    pixels.round() as i32
}

fn point(sheet: &Sheet<'_>, number: usize, who: Who, (across, height): Place) {
    let lane = match who {
        Who::Fan => 0,
        Who::Shop => 1,
        Who::Provider => 2,
    };
    let half = POINT * DOTS;
    let corners = vec![
        (across - half, height - half),
        (across + half, height - half),
        (across + half, height + half),
        (across - half, height + half),
    ];
    sheet.fill(corners, Ink::Line(lane), 1.0);
    sheet.text(&number.to_string(), (across, height), Anchor::Middle, Size::Small, Ink::Paper);
}

fn description(events: &[WitnessEvent]) -> String {
    let told = |event: &WitnessEvent| format!("{} {}.", figure::seconds(event.t_s), event.what);
    events.iter().map(told).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Status;

    fn finding(times: &[f64]) -> Finding {
        let event = |(place, t_s): (usize, &f64)| WitnessEvent {
            t_s: *t_s,
            who: Who::ALL[place % 3],
            what: format!("<did> {place}"),
        };
        let events = times.iter().enumerate().map(event).collect();
        Finding { events, ..Finding::plain("INV-FIFO", Status::Violated, Vec::new()) }
    }

    #[test]
    fn every_event_is_a_numbered_point_in_its_lane() {
        let svg = witness(&finding(&[1.0, 1.001, 1.002, 9.0]), 0).unwrap();
        for number in 1..=4 {
            assert!(svg.contains(&format!("\n{number}\n")) || svg.contains(&format!(">{number}<")));
        }
        assert!(svg.contains("&lt;did&gt; 0") && !svg.contains("<did>"), "{svg}");
    }

    #[test]
    fn points_at_one_moment_stand_apart_and_on_the_sheet() {
        let events = finding(&[5.0; 12]).events;
        let places = places(&events);
        assert!(places.windows(2).all(|two| two[1].0 - two[0].0 >= APART * DOTS));
        assert!(places.iter().all(|(across, _)| (LEFT * DOTS..=RIGHT * DOTS).contains(across)));
    }

    #[test]
    fn a_single_event_needs_no_picture() {
        assert_eq!(witness(&finding(&[1.0]), 0), None);
    }
}
