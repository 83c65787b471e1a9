//! Machines under the simulated application's tasks: what is refused, what is told, and what becomes of
//! requests when machines are taken back.

use spike::measure::{RecoveryState, TaskSummary};
use spike::scenario::offer;
use spike::verdict::Judged;

use crate::problems::{refused, refused_alone};
use crate::rehearsal::{Room, program, scenario, set, simulate, with};

/// Ten people a second look for four minutes at what is sold out, for a second each.
fn text(stack: &str) -> String {
    format!(
        "schema = 1\nname = \"nodes\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+5s\"\nlasts = \"10m\"\n\
         items = [{{ id = \"tee\", stock = 1, price = 4_500 }}]\n\
         [[fans]]\nname = \"lookers\"\ncount = 2_400\npieces = [1]\n\
         arrive = {{ shape = \"constant\", from = \"0s\", over = \"4m\" }}\n\
         reload = {{ calls = 0 }}\nsold_out = {{ leave = 1 }}\nretry = {{ attempts = 0 }}\n\
         timeout = \"30s\"\n\
         [shop]\nstorage = \"memory\"\n[provider]\nprofile = \"stripe-2024\"\ndeclines = 0.0\n\
         [stack.application]\nservice = \"1s\"\n{stack}\n"
    )
}

/// What cannot work, each alone, and what is said of it.
const MISTAKES: [(&str, &str); 15] = [
    ("nodes = { room = 4, boot = \"1m\", balloon_size = 0.5 }", "must be from 1 to the room of a"),
    ("nodes = { room = 4, boot = \"1m\", balloon_size = 5 }", "must be from 1 to the room of a"),
    ("nodes = { room = 4, boot = \"1m\", ready = 200_000 }", "`ready` is 200,000"),
    (
        "nodes = { room = 4, boot = \"1m\", autoscaler = { scan = \"0s\" } }",
        "must be whole seconds",
    ),
    (
        "nodes = { room = 4, boot = \"1m\", autoscaler = { scan = \"1.5s\" } }",
        "must be whole seconds",
    ),
    (
        "nodes = { room = 4, boot = \"1m\", autoscaler = { unneeded = \"8d\" } }",
        "longer than a week",
    ),
    (
        "nodes = { room = 4, boot = \"1m\", autoscaler = { after_add = \"8d\" } }",
        "longer than a week",
    ),
    ("nodes = { room = 4, boot = \"1m\", autoscaler = { scn = \"10s\" } }", "scn"),
    ("reclaims = [{ at = \"0s\" }]", "nothing is taken back then"),
    ("reclaims = [{ at = \"0s\", nodes = 1 }]", "needs `stack.application.nodes`"),
    (
        "nodes = { room = 4, boot = \"1m\" }\nreclaims = [{ at = \"0s\", tasks = 1 }]",
        "are taken back with these",
    ),
    ("reclaims = [{ at = \"0s\", tasks = 0 }]", "`tasks` is 0"),
    ("reclaims = [{ at = \"-11m\", tasks = 1 }]", "before the opening"),
    ("reclaims = [{ at = \"0s\", tasks = 1, detected = \"9s\" }]", "says nothing beside a notice"),
    ("reclaims = [{ at = \"0s\", tasks = 1, notice = \"8d\" }]", "longer than a week"),
];

#[test]
fn machines_that_cannot_be_are_refused_with_their_line() {
    for (mistake, said) in MISTAKES {
        let told =
            refused_alone("nodes.toml", [text(&format!("servers = 1\ntasks = 4\n{mistake}"))]);
        assert!(told.contains(said), "{mistake}: {told}");
    }
    let none = text("servers = 1\nreclaims = [{ at = \"0s\", tasks = 1 }]");
    let told = refused_alone("nodes.toml", [none]);
    assert!(told.contains("`reclaims` says nothing without `tasks`"), "{told}");
}

#[test]
fn all_that_is_wrong_with_machines_is_told_at_once() {
    let told = refused(
        "nodes.toml",
        &text(
            "servers = 1\ntasks = 9\nnodes = { room = 4, ready = 2, boot = \"1m\", \
             balloon_size = 9, autoscaler = { scan = \"0s\", unneeded = \"8d\" } }\n\
             reclaims = [{ at = \"-11m\", nodes = 0 }, { at = \"0s\" }]",
        ),
    );
    assert!(told.ends_with(": 7 problems\n"), "{told}");
}

fn lived(stack: &str) -> Judged {
    simulate(&scenario(&text(stack), &set(&[]))).0
}

fn tasks(judged: &Judged) -> &TaskSummary {
    judged.measured.tasks.as_ref().unwrap()
}

/// Looks that failed, and all.
fn failed(judged: &Judged) -> (u64, u64) {
    let item = &judged.measured.operations["item"];
    (item.outcomes.get("error").copied().unwrap_or(0), item.count)
}

/// Ten tasks of four servers each on five nodes; ten requests are served at any time.
const TEN: &str = "servers = 4\ntasks = 10\nstart = { boot = \"10s\" }\n\
     nodes = { room = 2, boot = \"50s\", autoscaler = {} }\n";

#[test]
fn with_a_notice_nothing_fails_and_without_one_a_share_does_until_it_is_noticed() {
    let reclaimed =
        |notice: &str| lived(&format!("{TEN}reclaims = [{{ at = \"+1m\", nodes = 2{notice} }}]"));
    let drained = reclaimed("");
    assert_eq!(failed(&drained).0, 0);
    // At 65 s four tasks of ten are gone. The autoscaler looks at 70 s, two nodes are ready at 120 s.
    let least = tasks(&drained).changes.iter().map(|change| change.in_service).min();
    assert_eq!((least, tasks(&drained).in_service_s(10, 70.0)), (Some(6), Some(130.0)));
    let pending = tasks(&drained).pending.unwrap();
    assert_eq!((pending.tasks, pending.p50_s, pending.max_s, pending.unserved), (4, 65.0, 65.0, 0));
    // Without: ten are being served, of which four are cut off, and for a minute four of ten fail.
    let sudden = reclaimed(", notice = \"0s\"");
    let (count, all) = failed(&sudden);
    assert!((240..=250).contains(&count), "{count} of {all}");
    let aware = reclaimed(", notice = \"0s\", detected = \"0s\"");
    assert!((3..=5).contains(&failed(&aware).0), "{:?}", failed(&aware));
    // What had taken the capacity away is told, and that it was no lasting failure.
    for (judged, clause) in
        [(&drained, "with a notice of 120s"), (&sudden, "2 nodes reclaimed without notice")]
    {
        let recovery = &judged.measured.recoveries[0];
        assert!(recovery.trigger.ends_with(clause), "{recovery:?}");
        assert_eq!(recovery.state, RecoveryState::Recovered, "{recovery:?}");
    }
}

#[test]
fn who_is_wanted_as_the_autoscaler_looks_is_seen_the_next_time() {
    // Two full nodes of five, of which one is taken back at 60 s, as it looks.
    let judged = lived(
        "servers = 4\ntasks = 10\nstart = { boot = \"10s\" }\n\
         nodes = { room = 5, boot = \"1m\", autoscaler = { decision = \"5s\" } }\n\
         reclaims = [{ at = \"+55s\", nodes = 1 }]",
    );
    // 10 s until it looks again, 5 s, a minute for the node and 10 s for the tasks.
    let pending = tasks(&judged).pending.unwrap();
    assert_eq!((pending.tasks, pending.p50_s, pending.max_s), (5, 85.0, 85.0));
    assert_eq!(failed(&judged).0, 0);
}

#[test]
fn workers_lose_what_their_threads_hold_too() {
    let reclaimed = |notice: &str| {
        lived(&format!(
            "workers = 10\nthreads = 4\ntasks = 10\nstart = {{ boot = \"10s\" }}\n\
             reclaims = [{{ at = \"+1m\", tasks = 4{notice} }}]"
        ))
    };
    // Ten requests hold a thread at any time.
    let sudden = reclaimed(", notice = \"0s\", detected = \"0s\"");
    assert!((3..=5).contains(&failed(&sudden).0), "{:?}", failed(&sudden));
    let drained = reclaimed("");
    assert_eq!(failed(&drained).0, 0);
    assert_eq!(tasks(&drained).pending.unwrap().max_s, 10.0);
    assert_eq!(tasks(&drained).nodes, None);
}

#[test]
fn balloons_give_way_at_once_and_their_part_of_the_cost_is_told() {
    let raised = |balloons: u32| {
        lived(&format!(
            "servers = 4\ntasks = 10\nstart = {{ boot = \"10s\" }}\n\
             schedule = [{{ at = \"+1m\", tasks = 15 }}]\n[stack.application.nodes]\nroom = 5\n\
             boot = \"1m\"\nballoon_size = 2.5\nballoons = {balloons}\nautoscaler = {{}}"
        ))
    };
    let (kept, bare) = (raised(2), raised(0));
    assert_eq!(tasks(&kept).pending.unwrap().max_s, 10.0);
    // It looks 5 s after they were wanted.
    assert_eq!(tasks(&bare).pending.unwrap().p50_s, 75.0);
    let (kept, bare) = (tasks(&kept).nodes.unwrap(), tasks(&bare).nodes.unwrap());
    assert_eq!((kept.first, kept.last, bare.first, bare.last), (3, 4, 2, 3));
    assert_eq!((bare.balloon_hours, bare.balloons_add()), (0.0, Some(0.0)));
    // A node more all the time; the balloons had one until 65 s, and from 130 s on.
    let (more, held) = (kept.hours - bare.hours, kept.balloon_hours);
    assert!(held > 0.0 && held < more && kept.balloons_add().unwrap() > 0.2, "{kept:?} {bare:?}");
}

#[test]
fn nobody_tells_of_machines_where_there_are_none() {
    let judged = lived("servers = 4\ntasks = 10\nschedule = [{ at = \"+1m\", tasks = 15 }]");
    assert_eq!((tasks(&judged).pending, tasks(&judged).nodes), (None, None));
}

#[test]
fn check_says_how_many_pods_find_room_at_once_and_how_long_the_others_wait() {
    let said = |stack: &str| {
        let scenario = scenario(&text(stack), &set(&[]));
        offer::render(&scenario, &offer::offer(&scenario, &scenario))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let kept = said(
        "servers = 1\ntasks = 20\nstart = { boot = \"10s\" }\n\
         reclaims = [{ at = \"+1m\", nodes = 2 }]\n[stack.application.nodes]\nroom = 5\n\
         boot = \"50s\"\nballoons = 8\nballoon_size = 2.5\nautoscaler = { decision = \"5s\" }",
    );
    let expected = "nodes 8 at first, for 20 task(s) and 8 balloon(s) of 2.5: 20 more find room at once \
                    and serve 10 s later; one that finds none waits 55 s to 65 s longer";
    assert!(kept.contains(expected), "{kept}");
    assert!(kept.contains("taken back at +60s: 2 nodes reclaimed with a notice of 120s"), "{kept}");
    let bare = said("servers = 1\ntasks = 20\nnodes = { room = 5, boot = \"50s\" }");
    let expected = "nodes 4 at first, for 20 task(s): 0 more find room at once and serve 60 s later; \
                    one that finds none waits 50 s longer";
    assert!(bare.contains(expected), "{bare}");
}

#[test]
fn a_live_run_says_which_machines_it_leaves_out() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("nodes.toml");
    let stack = format!(
        "{TEN}reclaims = [{{ at = \"0s\", nodes = 2 }}]\n\
         slowdowns = [{{ at = \"0s\", lasts = \"1s\", capacity = 0.5 }}]"
    );
    let soon = text(&stack).replace("+5s", "+1s").replace("2_400", "4").replace("4m", "1s");
    std::fs::write(&file, soon).unwrap();
    let mut command = program();
    command.args(["run", "--set", "sale.0.lasts=2s", "-q", "-o"]).arg(out.path()).arg(&file);
    let said = with(Room::Whole, || String::from_utf8(command.output().unwrap().stderr).unwrap());
    for left_out in ["slowdowns", "nodes", "reclaims"] {
        assert!(said.contains(&format!("left out: `stack.application.{left_out}`;")), "{said}");
    }
}

#[test]
fn both_reports_of_a_run_show_how_long_pods_were_pending_and_their_nodes() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("nodes.toml");
    let stack = format!("{TEN}reclaims = [{{ at = \"+1m\", nodes = 2 }}]");
    std::fs::write(&file, text(&stack)).unwrap();
    let mut command = program();
    command.args(["simulate", "-o"]).arg(out.path()).arg(&file);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let html = std::fs::read_to_string(out.path().join("nodes/latest/report.html")).unwrap();
    for report in [said, html] {
        let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("half of the 4 that were wanted were pending for at most"), "{flat}");
        assert!(flat.contains("5 nodes at the beginning, 5 at most, 5 at the end"), "{flat}");
    }
}
