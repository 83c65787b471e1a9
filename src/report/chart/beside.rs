//! What is lived beside all sales over time: the machines of rooms, the connections of devices. Time counts from the
//! run's beginning, in the unit that its length asks for.

use super::panel::{Frame, Panel, Range, Tick, round_steps};
use super::reading::{Axis, Unit};
use super::sheet::{Anchor, Caption, DOTS, Ink, Sheet, Size, drawing, width};
use crate::evidence::devices::DeviceSecond;
use crate::evidence::rooms::RoomStep;
use crate::measure::{DeviceSummary, Measured, RoomSummary};
use crate::report::figure;

/// How many steps a line has at most: more than the panel has pixels show nothing.
const COLUMNS_MAX: usize = 600;

const WIDTH: u32 = 960;
const PANEL_HEIGHT: i32 = 120;
const PANEL_GAP: i32 = 38;
const MARGIN_ABOVE: i32 = 48;
const MARGIN_BELOW: i32 = 44;
/// Where the first panel stands.
const FRAME: Frame =
    Frame { left: 68, top: MARGIN_ABOVE, right: 744, bottom: MARGIN_ABOVE + PANEL_HEIGHT };

/// One minute, one hour and one day \[s\].
const MINUTE_S: f64 = 60.0;
const HOUR_S: f64 = 3_600.0;
const DAY_S: f64 = 86_400.0;

/// The machines of all rooms and the rooms that wait, by the rooms' names, as SVG.
pub fn rooms(measured: &Measured) -> Vec<String> {
    (0..).zip(&measured.rooms).map(|(place, (name, rooms))| of_rooms(place, name, rooms)).collect()
}

/// Connections of all devices and their attempts, by the devices' names, as SVG.
pub fn devices(measured: &Measured) -> Vec<String> {
    let all = (0..).zip(&measured.devices);
    all.map(|(place, (name, devices))| of_devices(place, name, devices)).collect()
}

fn of_rooms(place: u32, name: &str, rooms: &RoomSummary) -> String {
    let all = |read: fn(&RoomStep) -> u64| -> Vec<u64> { rooms.series.iter().map(read).collect() };
    let line = |what, values, of| Line { what, values, of };
    let taken = Lane {
        name: "machines in use",
        remark: "with a room or more",
        lines: vec![line("in use", all(|step| step.in_use), Extreme::Most)],
    };
    let pool = Lane {
        name: "the pool",
        remark: "machines ready without a room, and those that were ordered",
        lines: vec![
            line("ready", all(|step| step.ready), Extreme::Least),
            line("booting", all(|step| step.booting), Extreme::Most),
        ],
    };
    let waiting = Lane {
        name: "rooms without a machine",
        remark: "that wait for one",
        lines: vec![line("waiting", all(|step| step.waiting), Extreme::Most)],
    };
    let is_waiting = rooms.series.iter().any(|step| step.waiting > 0);
    let lanes = [taken, pool].into_iter().chain(is_waiting.then_some(waiting)).collect();
    let update = rooms.update.map(|update| Period {
        what: "update",
        from_s: update.began_s,
        to_s: update.took_s.map(|took_s| update.began_s + took_s),
    });
    Course {
        caption: ("rooms", place, format!("The machines of {name} over time")),
        step_s: rooms.step_s as f64,
        period: update,
        lanes,
    }
    .draw()
}

fn of_devices(place: u32, name: &str, devices: &DeviceSummary) -> String {
    let all =
        |read: fn(&DeviceSecond) -> u64| -> Vec<u64> { devices.seconds.iter().map(read).collect() };
    let connected = Lane {
        name: "devices",
        remark: "connected at the end of each second",
        lines: vec![Line {
            what: "connected",
            values: all(|second| second.connected.into()),
            of: Extreme::Least,
        }],
    };
    let attempts = Lane {
        name: "attempts to connect",
        remark: "per second, and how many of them were accepted",
        lines: vec![
            Line { what: "attempts", values: all(|second| second.attempts), of: Extreme::Most },
            Line { what: "accepted", values: all(|second| second.accepted), of: Extreme::Most },
        ],
    };
    let deploy = devices.deploy.as_ref().map(|deploy| Period {
        what: "deploy",
        from_s: deploy.began_s,
        to_s: deploy.took_s.map(|took_s| deploy.began_s + took_s),
    });
    Course {
        caption: ("devices", place, format!("The connections of {name} over time")),
        step_s: 1.0,
        period: deploy,
        lanes: vec![connected, attempts],
    }
    .draw()
}

/// A chart: panels over one axis of time.
struct Course {
    /// What makes its name the page's only one, and its title.
    caption: (&'static str, u32, String),
    /// How long an entry of a line lasts \[s\].
    step_s: f64,
    /// A while that is shaded.
    period: Option<Period>,
    lanes: Vec<Lane>,
}

/// Something that lasts, to the end of the run where it does not end.
#[derive(Copy, Clone, Debug)]
struct Period {
    what: &'static str,
    from_s: f64,
    to_s: Option<f64>,
}

/// A panel.
struct Lane {
    name: &'static str,
    remark: &'static str,
    lines: Vec<Line>,
}

/// A line, with an entry per step of the run.
struct Line {
    what: &'static str,
    values: Vec<u64>,
    of: Extreme,
}

/// What stands for several steps that are drawn as one, and for the line as a whole.
#[derive(Copy, Clone, Debug)]
enum Extreme {
    Least,
    Most,
}

impl Extreme {
    fn among(self, values: &[u64]) -> u64 {
        let values = values.iter().copied();
        let one = match self {
            Self::Least => values.min(),
            Self::Most => values.max(),
        };
        one.unwrap_or(0)
    }
}

impl Line {
    /// `in use, at most 412`
    fn told(&self) -> String {
        let word = match self.of {
            Extreme::Least => "least",
            Extreme::Most => "most",
        };
        format!("{}, at {word} {}", self.what, figure::number(self.of.among(&self.values)))
    }

    /// The corners of a stair; steps of the same value are one.
    fn stair(&self, step: f64) -> Vec<(f64, f64)> {
        let together = self.values.len().div_ceil(COLUMNS_MAX).max(1);
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for (place, values) in self.values.chunks(together).enumerate() {
            let value = self.of.among(values) as f64;
            let from = (place * together) as f64 * step;
            let to = from + values.len() as f64 * step;
            match corners.last_mut() {
                Some((end, before)) if before.total_cmp(&value).is_eq() => *end = to,
                _ => corners.extend([(from, value), (to, value)]),
            }
        }
        corners
    }
}

impl Course {
    fn draw(&self) -> String {
        let (sort, place, title) = &self.caption;
        let lines = self.lanes.iter().flat_map(|lane| &lane.lines);
        let told = lines.map(|line| format!("{}.", line.told()));
        let caption = Caption {
            name: format!("{sort}-{place}"),
            title: title.clone(),
            description: told.collect::<Vec<_>>().join(" "),
        };
        let steps = self.lanes.iter().flat_map(|lane| &lane.lines).map(|line| line.values.len());
        let Some(steps) = steps.max().filter(|steps| *steps > 0) else {
            return super::nothing(&caption);
        };
        let lasts_s = steps as f64 * self.step_s.max(1.0);
        let (unit_s, title) = unit(lasts_s);
        let range = (0.0, lasts_s / unit_s);
        let ticks = ticks(range.1);
        let panels = i32::try_from(self.lanes.len()).unwrap_or(0);
        let height = MARGIN_ABOVE + panels * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + MARGIN_BELOW;
        drawing(&caption, (WIDTH, height.unsigned_abs()), |sheet| {
            for (place, lane) in (0..).zip(&self.lanes) {
                let down = place * (PANEL_HEIGHT + PANEL_GAP);
                let frame = Frame { top: FRAME.top + down, bottom: FRAME.bottom + down, ..FRAME };
                let label = if place == 0 { self.label_height() } else { 0 };
                let panel = self.one(sheet, (frame, range), &ticks, (lane, unit_s));
                panel.name(lane.name, lane.remark, label);
                if place == 0 {
                    self.label(sheet, &panel, unit_s, frame);
                }
                if place + 1 == panels {
                    panel.names_below(&ticks, title);
                }
            }
        })
    }

    fn one<'s, 'b>(
        &self,
        sheet: &'s Sheet<'b>,
        (frame, range): (Frame, Range),
        ticks: &[Tick],
        (lane, unit_s): (&Lane, f64),
    ) -> Panel<'s, 'b> {
        let most = lane.lines.iter().map(|line| Extreme::Most.among(&line.values)).max();
        let counts = round_steps(most.unwrap_or(0) as f64, 3.0);
        let panel = Panel::new(sheet, frame, range, (0.0, counts[counts.len() - 1]));
        if let Some(period) = self.period {
            let to_s = period.to_s.unwrap_or(range.1 * unit_s);
            panel.ground(period.from_s / unit_s, (to_s / unit_s).min(range.1), Ink::Open);
        }
        panel.vertical_grid(ticks);
        let decimals = usize::from(counts[1] < 1.0);
        let names = counts.iter().map(|count| (*count, figure::decimal(*count, decimals)));
        panel.horizontal_grid(&names.collect::<Vec<_>>());
        let mut names = Vec::with_capacity(lane.lines.len());
        let step = self.step_s.max(1.0) / unit_s;
        let stairs: Vec<_> = lane.lines.iter().map(|line| line.stair(step)).collect();
        let told = lane.lines.iter().zip(&stairs);
        let told = told.map(|(line, stair)| (line.what, Unit::Count, &stair[..]));
        panel.reads(axis(unit_s), &told.collect::<Vec<_>>());
        for (place, (line, stair)) in lane.lines.iter().zip(&stairs).enumerate() {
            panel.line(stair, Ink::Line(place));
            if let Some((at, last)) = stair.last() {
                names.push((line.told(), Ink::Line(place), panel.place(*at, *last)));
            }
        }
        if let Some(period) = self.period {
            panel.upright(period.from_s / unit_s, Ink::Text, 2);
        }
        panel.names_beside(&names);
        panel
    }

    /// How high the row of the label above the first panel is \[pixels\].
    fn label_height(&self) -> i32 {
        if self.period.is_some() { 17 } else { 0 }
    }

    /// What lasts, above its beginning.
    fn label(&self, sheet: &Sheet<'_>, panel: &Panel<'_, '_>, unit_s: f64, frame: Frame) {
        let Some(Period { what, from_s, .. }) = self.period else { return };
        let (across, _) = panel.place(from_s / unit_s, 0.0);
        let is_inside = across + width(what, Size::Small) < frame.right * DOTS;
        let (anchor, beside) = if is_inside { (Anchor::Start, 6) } else { (Anchor::End, -6) };
        let height = frame.top * DOTS - 17;
        sheet.text(what, (across + beside, height), anchor, Size::Small, Ink::Text);
    }
}

/// The unit for so long a time \[s\], and what the axis is called then.
fn unit(lasts_s: f64) -> (f64, &'static str) {
    match lasts_s {
        short if short <= 10.0 * MINUTE_S => (1.0, "seconds from the run's beginning"),
        middle if middle <= 4.0 * HOUR_S => (MINUTE_S, "minutes from the run's beginning"),
        long if long <= 4.0 * DAY_S => (HOUR_S, "hours from the run's beginning"),
        _ => (DAY_S, "days from the run's beginning"),
    }
}

/// What an axis in that unit counts.
fn axis(unit_s: f64) -> Axis {
    match unit_s {
        seconds if seconds < MINUTE_S => Axis::Beginning,
        minutes if minutes < HOUR_S => Axis::Minutes,
        hours if hours < DAY_S => Axis::Hours,
        _ => Axis::Days,
    }
}

/// At most a dozen marks, at round numbers.
fn ticks(end: f64) -> Vec<Tick> {
    let marks = round_steps(end, 12.0);
    let decimals = usize::from(marks[1] < 1.0);
    let within = marks.into_iter().filter(|mark| *mark <= end);
    within.map(|mark| (mark, figure::decimal(mark, decimals))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::UpdateOutcome;

    fn line(values: Vec<u64>, of: Extreme) -> Line {
        Line { what: "some", values, of }
    }

    #[test]
    fn a_stair_has_its_corners_where_the_value_changes() {
        let corners = line(vec![3, 3, 5, 5, 5, 1], Extreme::Most).stair(2.0);
        let expected = [(0.0, 3.0), (4.0, 3.0), (4.0, 5.0), (10.0, 5.0), (10.0, 1.0), (12.0, 1.0)];
        assert_eq!(corners, expected);
        assert!(line(Vec::new(), Extreme::Most).stair(1.0).is_empty());
    }

    #[test]
    fn of_a_long_run_the_worst_of_each_column_is_drawn() {
        let mut values = vec![7; 3 * COLUMNS_MAX];
        values[1_000] = 9;
        values[400] = 2;
        let highest =
            |line: &Line| line.stair(1.0).iter().map(|corner| corner.1).fold(0.0, f64::max);
        let lowest =
            |line: &Line| line.stair(1.0).iter().map(|corner| corner.1).fold(9.0, f64::min);
        let [most, least] = [Extreme::Most, Extreme::Least].map(|of| line(values.clone(), of));
        assert_eq!([highest(&most), lowest(&most)].map(f64::to_bits), [9.0, 7.0].map(f64::to_bits));
        assert_eq!(
            [highest(&least), lowest(&least)].map(f64::to_bits),
            [7.0, 2.0].map(f64::to_bits)
        );
        assert_eq!(most.told(), "some, at most 9");
        assert_eq!(least.told(), "some, at least 2");
    }

    #[test]
    fn time_is_told_in_the_unit_of_its_length() {
        for (lasts_s, word, last) in [
            (300.0, "seconds", "300"),
            (3_600.0, "minutes", "60"),
            (86_400.0, "hours", "24"),
            (28.0 * 86_400.0, "days", "25"),
        ] {
            let (unit_s, title) = unit(lasts_s);
            assert!(title.starts_with(word), "{lasts_s}: {title}");
            let ticks = ticks(lasts_s / unit_s);
            assert!(ticks.len() <= 13 && ticks.last().unwrap().1 == last, "{ticks:?}");
        }
    }

    #[test]
    fn each_kind_has_a_chart_of_its_own_name_and_nothing_is_drawn_of_nobody() {
        let steps = [RoomStep { in_use: 4, waiting: 2, ..RoomStep::default() }; 9];
        let update = UpdateOutcome { began_s: 30.0, took_s: None, rooms: 4, closed: 0 };
        let full = RoomSummary {
            step_s: 10,
            series: steps.to_vec(),
            update: Some(update),
            ..RoomSummary::default()
        };
        let devices = DeviceSummary {
            seconds: vec![DeviceSecond { connected: 3, attempts: 8, ..DeviceSecond::default() }; 9],
            ..DeviceSummary::default()
        };
        let rooms = [("a \"<b>", full), ("empty", RoomSummary::default())];
        let measured = Measured {
            rooms: rooms.map(|(name, rooms)| (name.to_owned(), rooms)).into(),
            devices: [("chargers".to_owned(), devices)].into(),
            ..Measured::default()
        };
        let drawn = super::rooms(&measured);
        assert!(drawn[0].contains("id=\"rooms-0-title\">The machines of a \"&lt;b&gt; over time<"));
        for told in ["in use, at most 4", "ready, at least 0", "waiting, at most 2", "\nupdate\n"] {
            assert!(drawn[0].contains(told), "{told}: {}", drawn[0]);
        }
        assert!(drawn[1].contains("rooms-1-title") && drawn[1].contains("nothing was measured"));
        let calm = RoomSummary {
            step_s: 1,
            series: vec![RoomStep { in_use: 4, ..RoomStep::default() }],
            ..RoomSummary::default()
        };
        assert!(!of_rooms(0, "calm", &calm).contains("without a machine"), "nobody waits");
        let [devices] = &super::devices(&measured)[..] else { panic!("one kind") };
        for told in ["devices-0-title", "connected, at least 3", "attempts, at most 8"] {
            assert!(devices.contains(told), "{told}: {devices}");
        }
    }
}
