//! Objectives that speak, by name, of devices or rooms that are not there, or of what those do not have.

use crate::scenario::check::Checker;
use crate::scenario::devices::Devices;
use crate::scenario::place::Place;
use crate::scenario::problem::did_you_mean;
use crate::scenario::rooms::Rooms;
use crate::scenario::written::File;
use crate::verdict::objective::{DeviceReading, Objective, RoomReading, Subject};

/// What an objective speaks of.
struct Named<'a> {
    /// The key of the list.
    key: &'static str,
    /// All names that there are.
    names: Vec<&'a str>,
    /// Whether the one that is meant is among them.
    is_there: bool,
    /// Which key of its own it lacks, if it does.
    lacks: Option<&'static str>,
}

pub(super) fn objectives(
    checker: &mut Checker,
    objectives: &[Objective],
    (file, devices, rooms): (&File, &[Devices], &[Rooms]),
    root: Place<'_>,
) {
    for objective in objectives {
        let Some(name) = &objective.name else { continue };
        let named = match objective.subject {
            Subject::Devices(reading) => of_devices(reading, name, devices),
            Subject::Rooms(reading) => of_rooms(reading, name, rooms),
            _ => continue,
        };
        // Who was struck out is not known by name.
        let Named { key, names, is_there, lacks } = named;
        if root.struck(key) || root.key(key).lacks_elements() {
            continue;
        }
        let written = file.objectives.keys().find(|key| objective.text.starts_with(key.trim()));
        let place = root.key("objectives");
        let place = written.map_or(place, |key| place.key(key));
        if !is_there {
            let problem = checker.wrong(place, format!("there are no {key} named `{name}`"));
            problem.advise(match names.as_slice() {
                [] => format!(
                    "an objective begins with an operation, or with the name of `[[{key}]]`"
                ),
                known => did_you_mean(name, known),
            });
        } else if let Some(lacks) = lacks {
            checker
                .wrong(place, format!("the {key} {name} have no `{lacks}`"))
                .advise(format!("write `{lacks}` in their table, or leave the objective out"));
        }
    }
}

fn of_devices<'a>(reading: DeviceReading, name: &str, devices: &'a [Devices]) -> Named<'a> {
    let lacks = |meant: &Devices| match reading {
        DeviceReading::Recovery | DeviceReading::Deploy => {
            meant.deploy.is_none().then_some("deploy")
        }
        DeviceReading::Database => meant.database.is_none().then_some("database"),
        DeviceReading::Heartbeat(_) => meant.heartbeat.is_none().then_some("heartbeat"),
        _ => None,
    };
    let meant = devices.iter().find(|devices| devices.name == name);
    Named {
        key: "devices",
        names: devices.iter().map(|devices| devices.name.as_str()).collect(),
        is_there: meant.is_some(),
        lacks: meant.and_then(lacks),
    }
}

fn of_rooms<'a>(reading: RoomReading, name: &str, rooms: &'a [Rooms]) -> Named<'a> {
    let lacks = |meant: &Rooms| match reading {
        RoomReading::Disconnected | RoomReading::Update => {
            meant.update.is_none().then_some("update")
        }
        RoomReading::Cost => (meant.machine.price <= 0.0).then_some("machine.price"),
        _ => None,
    };
    let meant = rooms.iter().find(|rooms| rooms.name == name);
    Named {
        key: "rooms",
        names: rooms.iter().map(|rooms| rooms.name.as_str()).collect(),
        is_there: meant.is_some(),
        lacks: meant.and_then(lacks),
    }
}
