//! Rooms that take machines of a warm pool: figures as text.

use super::figure;
use super::sheet::{Sheet, row, spread};
use crate::measure::{Measured, PoolMachines, RoomSummary, UpdateOutcome};

/// All rooms, by name.
pub(super) fn sheets(measured: &Measured) -> Vec<Sheet> {
    measured.rooms.iter().map(|(name, rooms)| sheet(name, rooms)).collect()
}

fn sheet(name: &str, rooms: &RoomSummary) -> Sheet {
    let machines = &rooms.machines;
    let mut rows = vec![
        row("rooms opened", opened(rooms)),
        row("found no machine ready", figure::ratio(rooms.stock_out)),
        row(
            &format!("assigned within {}", figure::seconds(rooms.within_s)),
            figure::ratio(rooms.assigned_within),
        ),
    ];
    if let Some(waited) = &rooms.wait_s {
        rows.push(row("waited", spread(waited)));
    }
    rows.push(row("people", people(rooms)));
    rows.push(row("machines in the mean", used(machines)));
    if machines.price > 0.0 {
        let [cost, hours] = [machines.cost, machines.hours].map(|value| figure::decimal(value, 1));
        let price = machines.price;
        rows.push(row("cost", format!("{cost}, of {hours} hours at {price}")));
    }
    if let Some(update) = &rooms.update {
        rows.push(row("the update", course(update)));
    }
    Sheet {
        title: format!("Rooms {name}: {}", figure::number(rooms.openings)),
        answer: Some(answer(name, rooms)),
        rows,
    }
}

/// `120: 110 had a machine, 6 left, 4 wait still; 30 were opened again after the update`
fn opened(rooms: &RoomSummary) -> String {
    let left = rooms.openings.saturating_sub(rooms.assigned + rooms.still_waiting);
    let [all, assigned, left, waiting] =
        [rooms.openings, rooms.assigned, left, rooms.still_waiting].map(figure::number);
    let again = match rooms.reopened {
        0 => String::new(),
        again => format!("; {} were opened again after the update", figure::number(again)),
    };
    format!("{all}: {assigned} had a machine, {left} left, {waiting} wait still{again}")
}

fn people(rooms: &RoomSummary) -> String {
    let visitors = &rooms.visitors;
    let [came, left, out] =
        [visitors.came, visitors.left, visitors.disconnected].map(figure::number);
    match rooms.update {
        Some(_) => format!("{came} came, {left} left, {out} were thrown out by the update"),
        None => format!("{came} came, {left} left"),
    }
}

fn used(machines: &PoolMachines) -> String {
    let means = [machines.in_use, machines.ready, machines.booting];
    let [in_use, ready, booting] = means.map(|mean| figure::decimal(mean, 1));
    let most = figure::number(machines.most);
    format!("{in_use} in use, {ready} ready, {booting} booting; {most} together at most")
}

/// `began at 30 min 00 s and took 11 min 00 s: 98 rooms were open, 0 were closed`
fn course(update: &UpdateOutcome) -> String {
    let took = match update.took_s {
        Some(took_s) => format!("took {}", figure::seconds(took_s)),
        None => "did not end".to_owned(),
    };
    format!(
        "began at {} and {took}: {} rooms were open, {} were closed",
        figure::seconds(update.began_s),
        figure::number(update.rooms),
        figure::number(update.closed)
    )
}

/// How often the pool was empty, and whom the update threw out.
fn answer(name: &str, rooms: &RoomSummary) -> String {
    let all = figure::number(rooms.openings);
    let longest = rooms.wait_s.map_or(0.0, |waited| waited.max);
    let empty = match (rooms.openings, rooms.stock_out) {
        (0, _) => "nobody opened one".to_owned(),
        (_, none) if none <= 0.0 => format!("each of {all} found a machine ready"),
        (_, some) => {
            let then = if rooms.left > 0.0 {
                "and its people left".to_owned()
            } else {
                let still = match rooms.still_waiting {
                    0 => String::new(),
                    still => format!("; {} wait still", figure::number(still)),
                };
                format!("and waited, for {} at most{still}", figure::seconds(longest))
            };
            format!("{} of {all} found no machine ready {then}", figure::ratio(some))
        }
    };
    let update = match (&rooms.update, rooms.visitors.disconnected) {
        (None, _) => String::new(),
        (Some(_), 0) => "; the update threw out nobody".to_owned(),
        (Some(_), out) => format!("; the update threw out {} people", figure::number(out)),
    };
    format!("Rooms {name}: {empty}{update}.")
}

/// What helps where an objective of rooms is missed.
pub(super) fn cure(objective: &str) -> &'static str {
    match objective.split_whitespace().nth(1) {
        Some("disconnected") => {
            "replace idle machines first, and let the others go with their last room"
        }
        Some("update") => {
            "give old machines a shorter `deadline`, which throws out who is there then"
        }
        Some("machines" | "cost") => "make the pool smaller, or make it small again sooner",
        _ => "make the pool larger, enlarge it sooner, or let machines be ready faster",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::rooms::RoomVisitors;
    use crate::evidence::spread::Spread;
    use crate::report::fixture;

    fn rooms() -> RoomSummary {
        RoomSummary {
            until_s: 3_600.0,
            openings: 1_000,
            assigned: 1_000,
            within_s: 5.0,
            assigned_within: 0.9,
            stock_out: 0.1,
            waited: 0.1,
            wait_s: Some(Spread { count: 1_000, p99: 55.0, max: 60.0, ..Spread::default() }),
            visitors: RoomVisitors { came: 30_000, left: 0, disconnected: 0 },
            machines: PoolMachines {
                in_use: 98.4,
                ready: 9.7,
                booting: 10.3,
                most: 140,
                hours: 118.4,
                price: 0.17,
                cost: 20.128,
            },
            update: Some(UpdateOutcome {
                began_s: 1_800.0,
                took_s: Some(660.0),
                rooms: 98,
                closed: 0,
            }),
            ..RoomSummary::default()
        }
    }

    #[test]
    fn what_helps_hangs_on_what_was_missed() {
        for (objective, word) in [
            ("venues disconnected <= 0", "idle machines first"),
            ("venues update < 2h", "deadline"),
            ("venues cost < 100", "smaller"),
            ("venues wait p(99) < 5s", "larger"),
        ] {
            assert!(cure(objective).contains(word), "{objective}");
        }
    }

    #[test]
    fn both_reports_tell_of_rooms() {
        let gone = RoomSummary {
            left: 0.1,
            visitors: RoomVisitors { came: 30_000, left: 3_000, disconnected: 2_940 },
            reopened: 98,
            assigned: 900,
            ..rooms()
        };
        let none = RoomSummary { stock_out: 0.0, update: None, ..rooms() };
        let still = RoomSummary { assigned: 950, still_waiting: 50, ..rooms() };
        let all = [("venues", rooms()), ("gone", gone), ("calm", none), ("still", still)];
        let mut summary = fixture::passing();
        summary.result.measured.rooms =
            all.into_iter().map(|(name, rooms)| (name.to_owned(), rooms)).collect();
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [
                "Rooms venues: 1,000",
                "Rooms venues: 10.0 % of 1,000 found no machine ready and waited, for 60.0 s at most; the update threw \
                 out nobody.",
                "Rooms gone: 10.0 % of 1,000 found no machine ready and its people left; the update threw out 2,940 \
                 people.",
                "Rooms calm: each of 1,000 found a machine ready.",
                "Rooms still: 10.0 % of 1,000 found no machine ready and waited, for 60.0 s at most; 50 wait still; the \
                 update threw out nobody.",
                "1,000: 950 had a machine, 0 left, 50 wait still",
                "1,000: 900 had a machine, 100 left, 0 wait still; 98 were opened again after the update",
                "30,000 came, 3,000 left, 2,940 were thrown out by the update",
                "98.4 in use, 9.7 ready, 10.3 booting; 140 together at most",
                "20.1, of 118.4 hours at 0.17",
                "began at 30 min 00 s and took 11 min 00 s: 98 rooms were open, 0 were closed",
            ] {
                assert!(flat.contains(told), "{told}\n{flat}");
            }
        }
    }
}
