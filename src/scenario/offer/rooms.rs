//! What follows from rooms and their pool: how often it is empty, how large it must be, what a burst finds.

use std::fmt::Write as _;

use domain::time::{Span, Time};

use crate::scenario::offer::text::{Table, count, duration};
use crate::scenario::offer::whole;
use crate::scenario::rooms::{Doors, Rooms};
use crate::scenario::wording::grouped;
use crate::tier::warm_pool::{Empty, Strategy};

/// How often a pool may be empty that is called large enough.
const SHARE: f64 = 0.001;
/// The most machines under way of which closed forms are worked out.
const OFFERED_MAX: f64 = 1e6;

/// The lines of rooms.
pub(super) fn tell(table: &mut Table, rooms: &Rooms, scale: f64) {
    table.line(&format!("rooms {}", rooms.name), &opened(rooms));
    table.line("  pool", &pool(rooms));
    if is_by_law(rooms) && rooms.offered() <= OFFERED_MAX {
        table.line("  stock-outs", &stock_outs(rooms));
    }
    if let Some(doors) = &rooms.doors {
        table.line("  doors", &burst(rooms, doors));
    }
    if let Some(usual) = rooms.usual_rooms().filter(|usual| *usual > 0.0) {
        table.line("  machines", &machines(rooms, usual));
    }
    if let Some(update) = rooms.update {
        let at = duration(update.at - Time::ZERO);
        let how = match update.strategy {
            Strategy::AllAtOnce => "all machines at once, with the rooms on them".to_owned(),
            Strategy::IdleFirst { deadline: None } => {
                "idle machines first, the others when their last room is over".to_owned()
            }
            Strategy::IdleFirst { deadline: Some(deadline) } => {
                format!("idle machines first, and what is left after {}", Span(deadline))
            }
        };
        table.line("  update", &format!("at {at}: {how}"));
    }
    table.list("  remarks", &remarks(rooms, scale));
}

/// Whether closed forms hold: each opening takes a machine. Where a machine holds several rooms, most find
/// a place on one in use.
fn is_by_law(rooms: &Rooms) -> bool {
    rooms.openings_per_s > 0.0 && rooms.machine.holds() == 1
}

fn opened(rooms: &Rooms) -> String {
    let mut parts = Vec::new();
    if rooms.openings_per_s > 0.0 {
        parts.push(format!("{} openings a minute", count(rooms.openings_per_s * 60.0)));
    }
    if let Some(doors) = &rooms.doors {
        let visitors = grouped(doors.visitors.into());
        let opened = grouped(doors.rooms(rooms.capacity).into());
        let over = if doors.over.is_zero() {
            "at once".to_owned()
        } else {
            format!("within {}", duration(doors.over))
        };
        let at = duration(doors.at - Time::ZERO);
        parts.push(format!("{visitors} people open {opened} rooms at {at}, {over}"));
    }
    format!("{}; looked at for {}", parts.join("; "), duration(rooms.lasts))
}

fn pool(rooms: &Rooms) -> String {
    let lead = duration(rooms.pool.lead.mean());
    let under_way = if is_by_law(rooms) {
        format!("; {} are under way in the mean", count(rooms.offered()))
    } else {
        String::new()
    };
    let size = grouped(rooms.pool.size.into());
    format!("{size} ready, each there {lead} after it was ordered{under_way}")
}

/// By Erlang B, or by the tail of a Poisson number.
fn stock_outs(rooms: &Rooms) -> String {
    let offered = rooms.offered();
    let percent = rooms.empty.stock_out(rooms.pool.size, offered) * 100.0;
    let percent = match percent {
        rare if rare < 0.001 => "less than 0.001".to_owned(),
        some => three_digits(some),
    };
    let (law, then) = match rooms.empty {
        Empty::Leave => ("Erlang B", "leave"),
        Empty::Wait => ("Poisson", "wait"),
    };
    let smallest = grouped(rooms.empty.smallest(offered, SHARE).into());
    format!(
        "{percent} % find none ready and {then} ({law}); a pool of {smallest} for {} %",
        SHARE * 100.0
    )
}

/// How many rooms of the doors find a machine ready, with as many under way as usual.
fn burst(rooms: &Rooms, doors: &Doors) -> String {
    let holds = u64::from(rooms.machine.holds());
    let under_way = if is_by_law(rooms) { whole(rooms.offered().round()) } else { 0 };
    let size = u64::from(rooms.pool.size_at(doors.at));
    let ready = size.saturating_sub(under_way);
    let asked = u64::from(doors.rooms(rooms.capacity));
    let at_once = asked.min(ready * holds);
    let there = format!("{} of the pool's {} are ready then", grouped(ready), grouped(size));
    if at_once == asked {
        return format!("{there}: a machine for each room at once");
    }
    let then = match rooms.empty {
        Empty::Leave => "leave if nothing has come meanwhile".to_owned(),
        Empty::Wait => format!("wait for about {}", duration(rooms.pool.lead.mean())),
    };
    format!(
        "{there}: {} rooms have a machine at once, {} {then}; a pool of {} would be enough",
        grouped(at_once),
        grouped(asked - at_once),
        grouped(asked.div_ceil(holds) + under_way)
    )
}

/// How many are in use where each room finds one, and what that and the pool cost.
fn machines(rooms: &Rooms, usual: f64) -> String {
    let holds = rooms.machine.holds();
    let in_use = usual / f64::from(holds);
    let mut figure = match holds {
        1 => format!("{} in use in the mean", count(in_use)),
        _ => format!(
            "{} rooms in the mean, {} to a machine: {} in use at least",
            count(usual),
            grouped(holds.into()),
            count(in_use)
        ),
    };
    let price = rooms.machine.price;
    if price > 0.0 {
        let hour = (in_use + f64::from(rooms.pool.size)) * price;
        let hour = three_digits(hour);
        write!(figure, "; with the pool {hour} an hour").expect("text can be appended to");
    }
    figure
}

fn remarks(rooms: &Rooms, scale: f64) -> Vec<String> {
    let mut remarks = Vec::new();
    if rooms.openings_per_s > 0.0 && rooms.machine.holds() > 1 {
        remarks.push(
            "rooms share machines: how often the pool is empty has no closed form, simulate it"
                .to_owned(),
        );
    }
    let machine = rooms.machine;
    let exact = f64::from(machine.rooms) * machine.performance;
    if exact - f64::from(machine.holds()) > 0.01 {
        remarks.push(format!(
            "{} rooms times a performance of {} are {} whole rooms to a machine: the rest is lost",
            grouped(machine.rooms.into()),
            machine.performance,
            grouped(machine.holds().into())
        ));
    }
    let lead = rooms.pool.lead.mean();
    let late = rooms.doors.is_some_and(|doors| {
        let last = rooms.pool.schedule.iter().rfind(|resize| resize.at <= doors.at);
        last.is_some_and(|resize| doors.at - resize.at < lead)
    });
    if late {
        remarks.push(format!(
            "the pool's last change before the doors is less than {} before them: not all of it is ready",
            duration(lead)
        ));
    }
    if (scale - 1.0).abs() > f64::EPSILON {
        remarks.push("pools are not scaled, so they are larger than at full scale".to_owned());
    }
    remarks
}

/// With three digits that count.
fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 99.95 => 0,
        middle if middle >= 9.995 => 1,
        small if small >= 0.999_5 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}
