//! The simulated database's capacity and failovers: what is refused of their settings, what they do to a run,
//! and what is told.

use spike::measure::{BreakingTier, DatabaseTierSummary, RecoveryState};
use spike::scenario::offer;
use spike::verdict::Judged;

use crate::problems::{refused, refused_alone};
use crate::rehearsal::{Room, program, scenario, set, simulate, violated, with};

/// Two hundred people a second look at what is sold out, for three minutes.
fn text(database: &str) -> String {
    format!(
        "schema = 1\nname = \"stored\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"4m\"\n\
         items = [{{ id = \"tee\", stock = 10, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 36_000\n\
         arrive = {{ shape = \"constant\", from = \"0s\", over = \"180s\" }}\n\
         reload = {{ calls = 0 }}\nsold_out = {{ leave = 1 }}\nretry = {{ attempts = 0 }}\n\
         timeout = \"10s\"\n\
         [shop]\nstorage = \"memory\"\n[provider]\nprofile = \"stripe-2024\"\ndeclines = 0.0\n\
         [stack.database]\n{database}\n"
    )
}

/// What cannot work, each alone.
const MISTAKES: [&str; 25] = [
    "service = \"1ms\"",
    "servers = 0\nservice = \"1ms\"",
    "servers = 4\nqueue = 4\nservice = \"1ms\"",
    "servers = 4",
    "servers = 4\nservice = \"1ms\"\nflavour = \"mysql\"",
    "servers = 4\nservice = \"1ms\"\ncapacity = {}",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 2 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { max = 2 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 8, max = 2 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 0.7, max = 2 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 0, max = 2 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 0.5, max = 0.5 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { provisioned = 5_000 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { provisioned = 16, doubling = \"15s\" }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 2, max = 8, doubling = \"0s\" }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 2, max = 8, halving = \"30d\" }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 2, max = 8, above = 70 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 2, max = 8, cores = 0 }",
    "servers = 4\nservice = \"1ms\"\ncapacity = { min = 2, max = 8 }\nflavour = \"oracle\"",
    "servers = 200\nservice = \"1ms\"\ncapacity = { min = 2, max = 4 }\nflavour = \"mysql\"",
    "servers = 4\nservice = \"1ms\"\ncapacity = { least = 2, max = 8, min = 2 }",
    "servers = 4\nservice = \"1ms\"\nfailovers = [{ at = \"10s\", lasts = \"0s\" }]",
    "servers = 4\nservice = \"1ms\"\nfailovers = [{ at = \"-10s\" }]",
    "servers = 4\nservice = \"1ms\"\nfailovers = [{ at = \"10s\", committed = 50 }]",
    "servers = 4\nservice = \"1ms\"\nfailovers = [{ at = \"10s\" }, { at = \"39s\" }]",
];

#[test]
fn each_database_that_cannot_work_is_refused_with_its_line() {
    insta::assert_snapshot!(refused_alone("stored.toml", MISTAKES.map(text)));
}

#[test]
fn all_that_is_wrong_with_a_database_is_told_at_once() {
    let text = text(
        "servers = 0\nqueue = 1\nservice = \"1ms\"\n\
         capacity = { min = 9.2, max = 2, above = 2, cores = 99 }\n\
         failovers = [{ at = \"-10s\", lasts = \"0s\", committed = 2 }]",
    );
    let told = refused("stored.toml", &text);
    assert!(told.ends_with(": 9 problems\n"), "{told}");
}

fn lived(database: &str) -> Judged {
    simulate(&scenario(&text(database), &set(&[]))).0
}

fn told(judged: &Judged) -> &DatabaseTierSummary {
    judged.measured.database_tier.as_ref().unwrap()
}

fn unknown(judged: &Judged) -> u64 {
    judged.measured.operations["item"].outcomes.get("unknown").copied().unwrap_or(0)
}

#[test]
fn what_is_provisioned_carries_out_what_it_has_processors_for() {
    // 200 a second of 10 ms are two processors: 8 ACU.
    let enough = lived("servers = 500\nservice = \"10ms\"\ncapacity = { provisioned = 12 }");
    let database = told(&enough);
    let changes: Vec<_> = database.capacity.iter().map(|one| one.units).collect();
    assert_eq!(changes, [12.0]);
    // As long as nobody knows that it is sold out they ask for more.
    assert!(database.full.is_none_or(|full| full.last_s < 3.0), "{database:?}");
    let busy = |judged: &Judged| {
        let mut seconds = judged.measured.timeline.iter();
        seconds.find(|second| second.at_s == 60.0).unwrap().database_busy.unwrap()
    };
    assert!((busy(&enough) - 2.0 / 3.0).abs() < 0.01, "{}", busy(&enough));
    assert_eq!(unknown(&enough), 0);
    // Half of them, and everybody shares: those who were promised 10 ms wait until they give up.
    let short = lived("servers = 500\nservice = \"10ms\"\ncapacity = { provisioned = 4 }");
    let database = told(&short);
    let full = database.full.unwrap();
    assert!(full.seconds >= 175, "{full:?}");
    assert_eq!((database.in_use_max, database.connections), (500, 500));
    assert!(database.waiting_max > 1_000, "{database:?}");
    assert!(unknown(&short) > 10_000, "{:?}", short.measured.operations["item"]);
    assert_eq!(short.measured.first_to_break.unwrap().tier, BreakingTier::Database);
    // One processor carries out a hundred a second of 10 ms, whatever waits.
    assert_eq!(busy(&short), 1.0);
    let per_s = database.carried_out as f64 / full.seconds as f64;
    assert!((per_s - 100.0).abs() < 3.0, "{per_s}");
}

#[test]
fn a_serverless_database_grows_to_what_is_asked_of_it_and_a_higher_minimum_is_sooner_there() {
    let enough_s = |min: &str| {
        let judged = lived(&format!(
            "servers = 500\nservice = \"10ms\"\ncapacity = {{ min = {min}, max = 64 }}"
        ));
        told(&judged).had_s(8.0, 0.0).unwrap()
    };
    // Twice as much every 30 s: two doublings from 2 ACU, one from 4. The sale opens at 1 s.
    assert_eq!(["2", "4", "8"].map(enough_s), [61.0, 31.0, 0.0]);
}

#[test]
fn connections_are_as_many_as_its_flavour_allows() {
    let connections = |flavour: &str| {
        let judged = lived(&format!(
            "flavour = \"{flavour}\"\nservice = \"1ms\"\ncapacity = {{ min = 2, max = 4 }}"
        ));
        told(&judged).connections
    };
    assert_eq!(["mysql", "postgresql"].map(connections), [135, 823]);
}

#[test]
fn check_says_it_of_people_who_come_after_the_opening_too() {
    let scenario = scenario(&crate::rehearsal::shipped_text("scaling/database-ceiling"), &set(&[]));
    let told = offer::render(&scenario, &offer::offer(&scenario, &scenario));
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "database 125/s at first, by 2 ACU; 3,000/s take 48 ACU, 2 min 18 s after they came";
    assert!(told.contains(expected), "{told}");
}

/// Who holds a row while its database is short of processors holds it for longer.
#[test]
fn a_row_is_locked_for_as_long_as_its_statement_has_to_share() {
    let sold_after_s = |capacity: &str| {
        let text = text(&format!(
            "servers = 500\nservice = \"10ms\"\ncapacity = {{ provisioned = {capacity} }}"
        ));
        let text = text
            .replace("stock = 10", "stock = 300")
            .replace("storage = \"memory\"", "storage = \"postgres\"\ninventory = \"row-lock\"");
        let (judged, _) = simulate(&scenario(&text, &set(&["fans.0.timeout=60s"])));
        judged.measured.sales["day-1"].sold_out_s.unwrap()
    };
    let (alone, shared) = (sold_after_s("64"), sold_after_s("6"));
    assert!(shared > 2.0 * alone, "{alone} s, {shared} s");
}

const FAILOVER: &str =
    "servers = 20\nservice = \"5ms\"\nfailovers = [{ at = \"60s\", lasts = \"20s\" }]";

#[test]
fn nothing_is_served_while_it_fails_over_and_good_answers_come_back_after_it() {
    let judged = lived(FAILOVER);
    let database = told(&judged);
    assert_eq!((database.capacity.len(), database.full), (0, None));
    // 200 a second for 20 s, refused at once, those who were under way, and the shop's own sweeps.
    assert!((4_000..=4_030).contains(&database.failed), "{database:?}");
    let errors = judged.measured.operations["item"].outcomes["error"];
    assert!((3_990..=4_005).contains(&errors), "{errors} of {database:?}");
    let [recovery] = judged.measured.recoveries.as_slice() else { panic!("one is looked at") };
    assert_eq!(recovery.trigger, "a failover of the database");
    assert_eq!((recovery.from_s, recovery.until_s), (61.0, Some(81.0)));
    assert_eq!((recovery.state, recovery.back_after_s), (RecoveryState::Recovered, Some(0.0)));
    assert_eq!(judged.measured.first_to_break.unwrap().tier, BreakingTier::Database);
}

/// Sixty orders a second, in the midst of which the database goes: of whatever was under way nobody knows
/// what came, and nothing is sold twice, held for ever or paid in vain.
#[test]
fn no_invariant_breaks_whatever_was_under_way_when_it_failed_over() {
    let text = |saga: &str, inventory: &str| {
        text("servers = 20\nservice = \"8ms\"\nfailovers = [{ at = \"9s\", lasts = \"15s\" }]")
            .replace("stock = 10", "stock = 1_500")
            .replace("count = 36_000", "count = 1_800")
            .replace("over = \"180s\"", "over = \"30s\"")
            .replace("lasts = \"4m\"", "lasts = \"50s\"")
            .replace(
                "storage = \"memory\"",
                &format!(
                    "storage = \"postgres\"\ninventory = \"{inventory}\"\nsaga = \"{saga}\"\n\
                     time_in_transaction = \"4ms\""
                ),
            )
            .replace("attempts = 0", "attempts = 20, base = \"1s\"")
    };
    for (saga, inventory) in [
        ("authorize-first", "unit-rows"),
        ("reserve-first", "unit-rows"),
        ("reserve-first", "row-lock"),
        ("authorize-first", "optimistic"),
    ] {
        for committed in ["0", "1"] {
            let set = set(&[
                &format!("stack.database.failovers.0.committed={committed}"),
                "provider.limits=[]",
            ]);
            let (judged, _) = simulate(&scenario(&text(saga, inventory), &set));
            let told = told(&judged);
            assert!(told.failed > 10, "{told:?}");
            assert!(
                violated(&judged).is_empty(),
                "{saga}, {inventory}, {committed}: {:?}",
                judged.reasons
            );
            assert!(judged.measured.orders.confirmed > 500, "{:?}", judged.measured.orders);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_database() {
    let run = |seed: &str| {
        let capacity = "servers = 20\nservice = { mean = \"9ms\" }\n\
             capacity = { min = 2, max = 16 }\nfailovers = [{ at = \"60s\" }]";
        let (judged, _) = simulate(&scenario(&text(capacity), &set(&[seed])));
        judged.measured
    };
    assert_eq!(run("seed=1"), run("seed=1"));
    assert_ne!(run("seed=1").database_tier, run("seed=2").database_tier);
}

#[test]
fn an_instant_leaves_room_for_a_failover_before_it() {
    let at = |failover: &str| {
        let database = format!("servers = 4\nservice = \"1ms\"\nfailovers = [{failover}]");
        let text = text(&database).replace("+1s", "2026-12-24T12:00:00+09:00");
        scenario(&text, &set(&[])).first_opening().seconds()
    };
    assert_eq!(at("{ at = \"-40m\" }") - at(""), 2_400.0 - at(""));
}

#[test]
fn check_says_what_it_carries_out_at_first_and_when_there_is_enough() {
    let said = |capacity: &str| {
        let database = format!("servers = 500\nservice = \"10ms\"\ncapacity = {{ {capacity} }}");
        let text = text(&database)
            .replace("calls = 0", "gap = \"10s\", growth = 0, calls = 1, cacheable = 0")
            .replace("over = \"180s\"", "over = \"60s\"")
            .replace("from = \"0s\"", "from = \"-60s\"")
            .replace("+1s", "+60s");
        let scenario = scenario(&text, &set(&["fans.0.count=12000"]));
        offer::render(&scenario, &offer::offer(&scenario, &scenario))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    // 12,000 people, each every 10 s.
    let low = said("min = 2, max = 64");
    let expected =
        "database 50/s at first, by 2 ACU; 1,200/s take 48 ACU, 2 min 18 s after they came";
    assert!(low.contains(expected), "{low}");
    assert!(low.contains("those of virtual time alone"), "{low}");
    let never = said("min = 2, max = 16");
    assert!(never.contains("1,200/s take 48 ACU and never find room: 400/s by 16 ACU"), "{never}");
    assert!(said("provisioned = 64").contains("database 1,600/s at first, by 64 ACU "), "{never}");
}

#[test]
fn both_reports_of_a_run_show_its_database() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("stored.toml");
    let capacity = "servers = 500\nservice = \"10ms\"\ncapacity = { min = 2, max = 16 }";
    std::fs::write(&file, text(capacity)).unwrap();
    let mut command = program();
    command.args(["simulate", "-o"]).arg(out.path()).arg(&file);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("The database of the stack\n  it had 2 ACU at the beginning"), "{said}");
    assert!(said.contains("First to break: the database"), "{said}");
    let run = out.path().join("stored/latest");
    let html = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(html.contains("it had 2 ACU at the beginning"));
    let svg = std::fs::read_to_string(run.join("timeline.svg")).unwrap();
    assert!(svg.contains("database capacity, ACU") && svg.contains("database processors busy, %"));
}

#[test]
fn a_live_run_says_that_it_leaves_capacity_and_failovers_out() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("stored.toml");
    let database = "servers = 4\nservice = \"1ms\"\ncapacity = { provisioned = 4 }\n\
         failovers = [{ at = \"1s\" }]";
    let soon = text(database).replace("count = 36_000", "count = 4").replace("180s", "1s");
    std::fs::write(&file, soon).unwrap();
    let mut command = program();
    command.args(["run", "--set", "sale.0.lasts=1s", "-q", "-o"]).arg(out.path()).arg(&file);
    let said = with(Room::Whole, || String::from_utf8(command.output().unwrap().stderr).unwrap());
    for left_out in ["stack.database.capacity", "stack.database.failovers"] {
        assert!(said.contains(&format!("left out: `{left_out}`")), "{said}");
    }
}
