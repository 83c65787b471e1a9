//! Rooms that take machines of a warm pool as a user rehearses them.

use serde_json::Value;
use spike::scenario::offer;

use crate::problems::{refused, refused_alone};
use crate::program::{Desk, Said};
use crate::rehearsal::{scenario, set};

/// Ten rooms a minute for a pool of fifteen, and a burst of sixty at twenty minutes.
const SMALL: &str = r#"
schema = 1
name = "small-pool"

[[rooms]]
name = "venues"
lasts = "40m"
openings = "10/m"
doors = { at = "+20m", visitors = 3_000, over = "10s" }
capacity = 50
stay = "10m"

[rooms.pool]
size = 15
lead = "1m"

[rooms.machine]
price = 0.17

[rooms.update]
at = "+25m"

[objectives]
"venues assigned ratio" = ">= 99%"
"venues wait max" = "< 5s"
"venues disconnected" = "<= 0"
"#;

/// The pool is enlarged before the burst.
const ENLARGED: &str =
    "rooms.0.pool={ size = 40, lead = \"1m\", schedule = [{ at = \"+18m\", size = 120 }] }";

/// Lives a file of its own on a desk: `simulate`, or what else is said.
fn said(desk: &Desk, text: &str, words: &[&str]) -> Said {
    std::fs::write(desk.file("rooms.toml"), text).unwrap();
    desk.say(&[words, &["rooms.toml"]].concat())
}

/// What `check` says, as one line.
fn checked(sets: &[&str]) -> String {
    let scenario = scenario(SMALL, &set(sets));
    let told = offer::render(&scenario, &offer::offer(&scenario, &scenario));
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Rooms that can be lived, with other lines.
fn text(lines: &str) -> String {
    let mut text = "schema = 1\nname = \"rooms\"\n\n[[rooms]]\n".to_owned();
    for (key, line) in [
        ("name =", "name = \"venues\""),
        ("openings =", "openings = \"10/m\""),
        ("pool =", "pool = { size = 15, lead = \"1m\" }"),
    ] {
        // Each may be written otherwise, or left out.
        if !lines.contains(key) {
            text.push_str(line);
            text.push('\n');
        }
    }
    let kept = lines.lines().filter(|line| !line.ends_with("= none"));
    text + &kept.collect::<Vec<_>>().join("\n") + "\n"
}

/// What cannot work, each alone; `none` leaves a key out.
const MISTAKES: [&str; 33] = [
    "name = none",
    "name = \"the venues\"",
    "name = \"pool\"",
    "lasts = \"0s\"",
    "lasts = \"400d\"",
    "openings = none",
    "openings = \"0/s\"",
    "openings = \"1M/s\"",
    "openings = \"many\"",
    "capacity = 0",
    "stay = \"0s\"",
    "empty = \"stay\"",
    "withn = \"5s\"",
    "pool = none",
    "pool = { lead = \"1m\" }",
    "pool = { size = 15 }",
    "pool = { size = 15, lead = \"0s\" }",
    "pool = { size = 2_000_000, lead = \"1m\" }",
    "pool = { size = 15, lead = \"1m\", schedule = [{ at = \"+5m\" }] }",
    "pool = { size = 15, lead = \"1m\", schedule = [{ size = 20 }] }",
    "pool = { size = 15, lead = \"1m\", schedule = [{ at = \"+9m\", size = 9 }, { at = \"+5m\", size = 5 }] }",
    "pool = { size = 15, lead = \"1m\", schedule = [{ at = \"+2h\", size = 9 }] }",
    "doors = { visitors = 100 }",
    "doors = { at = \"+5m\" }",
    "doors = { at = \"-5m\", visitors = 100 }",
    "doors = { at = \"+5m\", visitors = 0 }",
    "machine = { rooms = 0 }",
    "machine = { performance = 0 }",
    "machine = { performance = 0.5 }",
    "machine = { price = -1 }",
    "update = { strategy = \"idle-first\" }",
    "update = { at = \"+5m\", strategy = \"all-at-once\", deadline = \"5m\" }",
    "update = { at = \"+5m\", deadline = \"0s\" }",
];

#[test]
fn each_pool_that_cannot_work_is_refused_with_its_line() {
    insta::assert_snapshot!(refused_alone("rooms.toml", MISTAKES.map(text)));
}

#[test]
fn all_that_is_wrong_with_rooms_is_told_at_once() {
    let text = text(
        "lasts = \"0s\"\ncapacity = 0\npool = { size = 2_000_000 }\nmachine = { rooms = 0, price = -1 }\n\
         update = { strategy = \"all-at-once\", deadline = \"5m\" }",
    );
    let told = refused("rooms.toml", &text);
    assert!(told.ends_with(": 8 problems\n"), "{told}");
}

#[test]
fn laws_wider_than_any_that_was_measured_are_refused() {
    for (lines, sigma) in [
        ("stay = { median = \"1m\", sigma = 30 }", "`sigma` is 30"),
        ("stay = { median = \"1m\", sigma = 100 }", "`sigma` is 100"),
        ("pool = { size = 15, lead = { median = \"1m\", sigma = 30 } }", "`sigma` is 30"),
    ] {
        let told = refused_alone("rooms.toml", [text(lines)]);
        assert!(told.contains(sigma) && told.contains("must be from 0 to 5"), "{lines}: {told}");
    }
    let none = refused_alone("rooms.toml", [text("stay = { median = \"0s\", sigma = 1 }")]);
    assert!(none.contains("`stay` is no time at all"), "{none}");
}

#[test]
fn an_objective_of_rooms_that_are_not_there_is_refused() {
    let refused = |from: &str, to: &str| refused("rooms.toml", &SMALL.replace(from, to));
    let named = refused("\"venues wait max\"", "\"venue wait max\"");
    assert!(named.contains("there are no rooms named `venue`"), "{named}");
    assert!(named.contains("did you mean `venues`?"), "{named}");
    let without = refused("[rooms.update]\nat = \"+25m\"\n", "");
    assert!(without.contains("the rooms venues have no `update`"), "{without}");
    let free = SMALL.replace("\"venues disconnected\" = \"<= 0\"", "\"venues cost\" = \"< 9\"");
    let free = self::refused("rooms.toml", &free.replace("price = 0.17", "price = 0"));
    assert!(free.contains("the rooms venues have no `machine.price`"), "{free}");
}

#[test]
fn a_pool_that_is_too_small_misses_its_objectives_and_is_judged_again_the_same() {
    let desk = Desk::new();
    let lived = said(&desk, SMALL, &["simulate", "--json"]);
    assert_eq!(lived.code, Some(99), "{lived:#?}");
    let summary: Value = serde_json::from_str(&lived.stdout).unwrap();
    let venues = &summary["result"]["rooms"]["venues"];
    let number = |pointer: &str| venues.pointer(pointer).and_then(Value::as_f64).unwrap();
    assert_eq!(number("/openings"), number("/assigned") + number("/still_waiting"), "{venues}");
    assert!((350.0..560.0).contains(&number("/openings")), "{venues}");
    assert!(number("/stock_out") > 0.1 && number("/stock_out") == number("/waited"), "{venues}");
    assert_eq!(number("/visitors/came"), 50.0 * number("/openings"), "{venues}");
    // The machine that was ordered fifteen rooms before, when six a second come, and 1.7 of ten seconds besides.
    assert!((57.0..58.5).contains(&number("/wait_s/max")), "{venues}");
    let hours = number("/machines/hours");
    assert!((number("/machines/cost") / hours - 0.17).abs() < 1e-3, "{venues}");
    // An entry is two seconds long.
    assert_eq!(
        (venues["step_s"].as_u64(), venues["series"].as_array().unwrap().len()),
        (Some(2), 1_200)
    );
    let statuses: Vec<&Value> = summary["result"]["objectives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(statuses, ["missed", "missed", "met"]);
    assert!(lived.last_line().contains("Missed venues assigned ratio >= 99%"), "{lived:#?}");
    // Judged again out of its folder, it is the same.
    let again = desk.say(&["verify", "reports/latest", "--json"]);
    assert_eq!(again.code, Some(99));
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["result"], summary["result"]);
}

#[test]
fn rooms_that_wait_still_at_the_end_miss_their_objective_and_are_told() {
    // At ten minutes 1,500 rooms for a thousand machines; the next ones are ready after the end.
    let late = text(
        "openings = none\nlasts = \"1h\"\ncapacity = 50\ndoors = { at = \"+10m\", visitors = 75_000 }\n\
         pool = { size = 1_000, lead = \"2h\" }\n\n[objectives]\n\"venues wait p(99)\" = \"< 5s\"",
    );
    let lived = said(&Desk::new(), &late, &["simulate", "--no-tui"]);
    assert_eq!(lived.code, Some(99), "{lived:#?}");
    let flat = lived.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "33.3 % of 1,500 found no machine ready and waited, for 50 min",
        "at most; 500 wait still.",
        "1,500: 1,000 had a machine, 0 left, 500 wait still",
    ] {
        assert!(flat.contains(told), "{told}\n{flat}");
    }
}

#[test]
fn a_pool_that_was_enlarged_passes_and_both_reports_say_so() {
    let desk = Desk::new();
    let lived = said(&desk, SMALL, &["simulate", "--no-tui", "--set", ENLARGED]);
    assert_eq!(lived.code, Some(0), "{lived:#?}");
    let head = lived.stdout.split("took ").next().unwrap().to_owned();
    let figures = lived.stdout.split_once("\n\n").unwrap().1.split_once("\n\n").unwrap().1;
    insta::assert_snapshot!(format!("{head}…\n\n{figures}"));
    let page = std::fs::read_to_string(desk.file("reports/latest/report.html")).unwrap();
    assert!(page.contains("<h2 id=\"rooms\">Rooms</h2>") && !page.contains("What was sold"));
    assert!(page.contains("The machines of venues over time") && page.contains(">\nupdate\n<"));
    assert!(page.contains("found a machine ready; the update threw out nobody."), "{page}");
    assert!(page.contains("venues assigned ratio &gt;= 99%"), "objectives are told");
}

#[test]
fn a_live_run_takes_no_rooms() {
    let refused = said(&Desk::new(), SMALL, &["run"]);
    assert_eq!(refused.code, Some(104), "{refused:#?}");
    let why = "rooms of a warm pool are lived in virtual time alone";
    assert!(refused.stderr.contains(why), "{refused:#?}");
    assert!(refused.stderr.contains("`spike simulate` lives them"), "{refused:#?}");
}

#[test]
fn check_says_what_follows_by_hand() {
    let plain = checked(&[]);
    for told in [
        "rooms venues 10 openings a minute; 3,000 people open 60 rooms at 20 min 0 s, within 10 s; looked at for \
         40 min 0 s",
        "pool 15 ready, each there 60 s after it was ordered; 10 are under way in the mean",
        "stock-outs 8.35 % find none ready and wait (Poisson); a pool of 22 for 0.1 %",
        "doors 5 of the pool's 15 are ready then: 5 rooms have a machine at once, 55 wait for about 60 s; a pool of 70 would \
         be enough",
        "machines 100 in use in the mean; with the pool 19.",
        "update at 25 min 0 s: idle machines first, the others when their last room is over",
    ] {
        assert!(plain.contains(told), "{told}\n{plain}");
    }
    for (lasts, told) in [("100m", "100 min 0 s"), ("6h", "6 h 0 min"), ("28d", "28 days 0 h")] {
        let long = checked(&[&format!("rooms.0.lasts={lasts}")]);
        assert!(long.contains(&format!("looked at for {told}")), "{long}");
    }
    let leave = checked(&["rooms.0.empty=leave", ENLARGED]);
    let told = "less than 0.001 % find none ready and leave (Erlang B); a pool of 21 for 0.1 %";
    assert!(leave.contains(told), "{leave}");
    assert!(
        leave.contains(
            "doors 110 of the pool's 120 are ready then: a machine for each room at once"
        ),
        "{leave}"
    );
    let late = checked(&[
        "rooms.0.pool.schedule=[{ at = \"+1170s\", size = 120 }]",
        "rooms.0.machine={ rooms = 3, performance = 1.3334, price = 0.136 }",
    ]);
    for told in [
        "machines 100 rooms in the mean, 4 to a machine: 25 in use at least; with the pool 5.44 an hour",
        "rooms share machines: how often the pool is empty has no closed form, simulate it",
        "the pool's last change before the doors is less than 60 s before them: not all of it is ready",
    ] {
        assert!(late.contains(told), "{told}\n{late}");
    }
    assert!(!late.contains("stock-outs"), "{late}");
}

#[test]
fn rooms_stand_beside_a_sale_and_scale_as_people_do() {
    let desk = Desk::new();
    let sale = desk
        .read("small.toml")
        .replace("[objectives]", "[objectives]\n\"venues assigned ratio\" = \"> 0\"");
    let rooms = SMALL.split("[[rooms]]").nth(1).unwrap().split("[objectives]").next().unwrap();
    let both = format!("{sale}\n[[rooms]]{rooms}");
    let lived = said(&desk, &both, &["simulate", "--json", "--scale", "0.5"]);
    let summary: Value =
        serde_json::from_str(&lived.stdout).unwrap_or_else(|_| panic!("{lived:#?}"));
    let openings = summary["result"]["rooms"]["venues"]["openings"].as_u64().unwrap();
    // Half of 400, give or take four standard deviations, and of 60.
    assert!((230 - 57..=230 + 57).contains(&openings), "{openings}");
    assert!(summary["result"]["orders"]["confirmed"].as_u64().unwrap() > 0, "{lived:#?}");
    assert_eq!(lived.code, Some(0), "{lived:#?}");
}
