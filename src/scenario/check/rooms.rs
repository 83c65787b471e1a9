//! `[[rooms]]`: rooms that take machines of a warm pool.

use domain::law::Law;
use domain::time::{Duration, Offset, Span, Time};

use crate::scenario::check::fans::law;
use crate::scenario::check::{COUNT_MAX, Checker, Seen, TABLES_MAX};
use crate::scenario::place::Place;
use crate::scenario::rooms::{Doors, Rooms};
use crate::scenario::wording::grouped;
use crate::scenario::written::File;
use crate::scenario::written::rooms::{
    DoorsTable, MachineTable, PoolTable, ResizeTable, RoomsTable, UpdateTable,
};
use crate::tier::warm_pool::{Machine, Pool, Resize, Strategy, Update, UpdateWord};

/// What a table of the list is called.
const TABLE: &str = "`[[rooms]]`";
/// How long they are looked at where nothing is said.
const LASTS: Duration = Duration::from_hours(1);
/// The longest: a year.
const LASTS_MAX: Duration = Duration::from_hours(366 * 24);
/// Within how long a room is to have its machine where nothing is said.
const WITHIN: Duration = Duration::from_secs(5);
/// The largest pool, and the most changes of its size.
const SIZE_MAX: u32 = 1_000_000;
const CHANGES_MAX: usize = 1_000;
/// The most rooms of a machine, and the highest performance.
const HOLDS_MAX: u32 = 100_000;
const PERFORMANCE_MAX: f64 = 1_000.0;

/// All rooms of `file`.
pub(super) fn rooms(checker: &mut Checker, file: &File, root: Place<'_>) -> Vec<Rooms> {
    let place = root.key("rooms");
    if file.rooms.len() > TABLES_MAX {
        checker.wrong(place, format!("a scenario has at most {TABLES_MAX} kinds of rooms"));
    }
    let mut seen = Seen::default();
    let each = file.rooms.iter().enumerate();
    each.map(|(index, table)| one(checker, table, place.index(index), &mut seen)).collect()
}

fn one(checker: &mut Checker, table: &RoomsTable, place: Place<'_>, seen: &mut Seen) -> Rooms {
    let name = name(checker, table, place, seen);
    let lasts = table.lasts.map_or(LASTS, |span| span.0);
    checker.lasting(lasts, place, "lasts");
    if lasts > LASTS_MAX {
        checker.wrong(place.key("lasts"), "`lasts` is more than a year").mark("at most 366d");
    }
    let capacity = table.capacity.unwrap_or(1);
    checker.count(capacity, (1, COUNT_MAX), place, "capacity");
    if let Some(stay) = table.stay {
        lengths(checker, stay, place, "stay");
    }
    let doors = table.doors.as_ref().map(|table| doors(checker, table, lasts, place.key("doors")));
    let update = table.update.as_ref();
    let update = update.map(|table| update_of(checker, table, lasts, place.key("update")));
    Rooms {
        name,
        lasts,
        openings_per_s: openings(checker, table, lasts, place),
        doors,
        capacity: capacity.max(1),
        stay: table.stay,
        empty: table.empty,
        within: table.within.map_or(WITHIN, |span| span.0),
        pool: pool(checker, table.pool.as_ref(), lasts, place),
        machine: machine(checker, &table.machine, place.key("machine")),
        update,
    }
}

fn name(checker: &mut Checker, table: &RoomsTable, place: Place<'_>, seen: &mut Seen) -> String {
    let name = checker.required(table.name.as_ref(), place, TABLE, "name");
    checker.spoken_of(&name, "kind of rooms", seen, place);
    if name == "pool" {
        checker
            .wrong(place.key("name"), "`pool` cannot name a kind of rooms")
            .advise("`pool wait` is an objective on connections already");
    }
    name
}

/// How many are opened per second \[1/s\], no more in all than can be counted.
fn openings(checker: &mut Checker, table: &RoomsTable, lasts: Duration, place: Place<'_>) -> f64 {
    let is_struck = place.struck("openings") || place.struck("doors");
    if table.openings.is_none() && table.doors.is_none() && !is_struck {
        checker
            .wrong(place, "nobody opens a room")
            .advise("write `openings = \"10/m\"`, or `doors` for everybody at once");
    }
    let Some(rate) = table.openings else { return 0.0 };
    let per_s = rate.per_s();
    checker.positive(per_s, place, "openings");
    let all = per_s * lasts.as_secs_f64();
    if all > f64::from(COUNT_MAX) {
        let most = grouped(COUNT_MAX.into());
        checker
            .wrong(place.key("openings"), format!("too many rooms are opened in {}", Span(lasts)))
            .mark(format!("at most {most} of a kind"));
    }
    per_s
}

fn doors(checker: &mut Checker, table: &DoorsTable, lasts: Duration, place: Place<'_>) -> Doors {
    let at = moment(checker, table.at, lasts, (place, "`doors`"));
    let visitors = checker.required(table.visitors.as_ref(), place, "`doors`", "visitors");
    if place.has("visitors") {
        checker.count(visitors, (1, COUNT_MAX), place, "visitors");
    }
    Doors { at, visitors: visitors.max(1), over: table.over.map_or(Duration::ZERO, |span| span.0) }
}

fn pool(
    checker: &mut Checker,
    table: Option<&PoolTable>,
    lasts: Duration,
    place: Place<'_>,
) -> Pool {
    checker.required::<()>(table.map(|_| &()), place, TABLE, "pool");
    let Some(table) = table else {
        return Pool { size: 1, lead: Law::default(), schedule: Vec::new() };
    };
    let place = place.key("pool");
    let size = size(checker, table.size, (place, "`pool`"));
    checker.required::<()>(table.lead.map(|_| &()), place, "`pool`", "lead");
    let lead = table.lead.unwrap_or_default();
    if table.lead.is_some() {
        lengths(checker, lead, place, "lead");
    }
    let here = place.key("schedule");
    if table.schedule.len() > CHANGES_MAX {
        let most = grouped(CHANGES_MAX as u64);
        checker.wrong(here, format!("a pool changes its size at most {most} times"));
    }
    let each = table.schedule.iter().enumerate();
    let schedule: Vec<Resize> =
        each.map(|(index, change)| resize(checker, change, lasts, here.index(index))).collect();
    for (index, pair) in schedule.windows(2).enumerate() {
        if pair[1].at <= pair[0].at && here.index(index + 1).has("at") {
            checker
                .wrong(here.index(index + 1).key("at"), "it is not later than the one before")
                .mark("must be in the order of time");
        }
    }
    Pool { size, lead, schedule }
}

/// A law of lengths of time, longer than 0 and no wider than others.
fn lengths(checker: &mut Checker, of: Law, place: Place<'_>, key: &str) {
    law(checker, of, place, key);
    // The mean of one that is too wide is none.
    let usual = if let Law::Lognormal { median, .. } = of { median } else { of.mean() };
    checker.lasting(usual, place, key);
}

fn resize(checker: &mut Checker, table: &ResizeTable, lasts: Duration, place: Place<'_>) -> Resize {
    let of = (place, "`schedule`");
    Resize { at: moment(checker, table.at, lasts, of), size: size(checker, table.size, of) }
}

fn size(checker: &mut Checker, size: Option<u32>, (place, table): (Place<'_>, &str)) -> u32 {
    let found = checker.required(size.as_ref(), place, table, "size");
    if size.is_some() {
        checker.count(found, (0, SIZE_MAX), place, "size");
    }
    found
}

fn machine(checker: &mut Checker, table: &MachineTable, place: Place<'_>) -> Machine {
    let rooms = table.rooms.unwrap_or(1);
    let performance = table.performance.unwrap_or(1.0);
    let price = table.price.unwrap_or(0.0);
    checker.count(rooms, (1, HOLDS_MAX), place, "rooms");
    if !(performance > 0.0 && performance <= PERFORMANCE_MAX) {
        checker
            .wrong(place.key("performance"), format!("`performance` is {performance}"))
            .mark("must be more than 0, and at most 1,000");
    }
    if !(price.is_finite() && price >= 0.0) {
        checker.wrong(place.key("price"), format!("`price` is {price}")).mark("must be 0 or more");
    }
    let machine = Machine { rooms, performance, price };
    let is_right = rooms > 0 && performance > 0.0 && performance <= PERFORMANCE_MAX;
    if is_right && machine.holds() == 0 {
        checker
            .wrong(place.key("performance"), "such a machine holds no whole room")
            .advise("`rooms` times `performance` is less than 1: write more `rooms`");
    }
    if is_right && machine.holds() > 0 {
        machine
    } else {
        Machine { rooms: 1, performance: 1.0, price }
    }
}

fn update_of(
    checker: &mut Checker,
    table: &UpdateTable,
    lasts: Duration,
    place: Place<'_>,
) -> Update {
    let at = moment(checker, table.at, lasts, (place, "`update`"));
    let deadline = table.deadline.map(|span| span.0);
    let strategy = match table.strategy {
        UpdateWord::IdleFirst => {
            if let Some(deadline) = deadline {
                checker.lasting(deadline, place, "deadline");
            }
            Strategy::IdleFirst { deadline }
        }
        UpdateWord::AllAtOnce => {
            if deadline.is_some() {
                checker.of_another(place, "deadline", "idle-first");
            }
            Strategy::AllAtOnce
        }
    };
    Update { at, strategy }
}

/// The moment `at` of a table: not before the run's beginning, and while they are looked at.
fn moment(
    checker: &mut Checker,
    at: Option<Offset>,
    lasts: Duration,
    (place, table): (Place<'_>, &str),
) -> Time {
    let found = checker.required(at.as_ref(), place, table, "at");
    if found.seconds() < 0.0 {
        checker
            .wrong(place.key("at"), "`at` is before the run's beginning")
            .mark("counts from there: \"+2m\"");
    }
    let moment = found.from(Time::ZERO);
    if moment >= Time::ZERO + lasts && !lasts.is_zero() {
        checker
            .wrong(
                place.key("at"),
                format!("`at` is {found}, and they are looked at for {}", Span(lasts)),
            )
            .advise("write a longer `lasts`");
    }
    moment
}
