//! Tasks of the simulated application: what is refused, what is told, and that nothing is lost while
//! they come and go.

use spike::measure::{TaskChange, TaskSummary};
use spike::scenario::Scenario;

use crate::problems::{refused, refused_alone};
use crate::rehearsal::{scenario, set, simulate};

/// Twenty people a second look at a page that takes a tenth of one, on `stack`.
fn text(stack: &str) -> String {
    format!(
        "schema = 1\nname = \"tasks\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+10m\"\nlasts = \"20s\"\n\
         items = [{{ id = \"tee\", stock = 10, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 200\nabandon = 1\n\
         arrive = {{ shape = \"constant\", from = \"-10m\", over = \"10s\" }}\n\
         reload = {{ gap = \"10s\", growth = 0, calls = 1, cacheable = 0 }}\n\
         [shop]\nstorage = \"memory\"\n\
         [stack.application]\nservice = \"100ms\"\n{stack}\n"
    )
}

/// What cannot work, each alone.
const MISTAKES: [&str; 27] = [
    "servers = 1\ntasks = 4\ntracking = { target = 0.5 }",
    "servers = 1\ntasks = 4\ntracking = { metric = \"utilisation\" }",
    "servers = 1\ntasks = 4\ntracking = { metric = \"cpu\", target = 0.5 }",
    "servers = 1\ntasks = 4\ntracking = { metric = \"utilisation\", target = 50 }",
    "servers = 1\ntasks = 4\ntracking = { metric = \"requests\", target = 0 }",
    "servers = 1\ntasks = 4\ntracking = { metric = \"utilisation\", target = 0.5, period = \"500ms\" }",
    "servers = 1\ntasks = 4\nhpa = { metric = \"utilisation\", target = 0.5, up_pods = 0, up_share = 0 }",
    "servers = 1\ntasks = 4\nmin = 4\nmax = 2",
    "servers = 1\ntasks = 9\nmax = 8",
    "servers = 1\ntasks = 0",
    "servers = 0\ntasks = 4",
    "servers = 100_000\ntasks = 100",
    "servers = 1\ntracking = { metric = \"utilisation\", target = 0.5 }",
    "servers = 1\nstart = { boot = \"30s\" }",
    "servers = 1\ntasks = 4\nstart = { rate = \"0/s\" }",
    "servers = 1\ntasks = 4\nstart = { warm = 2 }\nnodes = { room = 4, boot = \"1m\" }",
    "servers = 1\ntasks = 9\nnodes = { room = 4, ready = 2, boot = \"1m\" }",
    "servers = 1\ntasks = 4\nnodes = { room = 0, boot = \"1m\" }",
    "servers = 1\ntasks = 4\nschedule = [{ at = \"0s\" }]",
    "servers = 1\ntasks = 4\nschedule = [{ at = \"-11m\", min = 8 }]",
    "servers = 1\ntasks = 4\nschedule = [{ at = \"0s\", min = 8, max = 4 }]",
    "servers = 1\ntasks = 4\ntracking = { metric = \"requests\", target = 9 }\nhpa = { metric = \"requests\", target = 9 }",
    "servers = 1\nslowdowns = [{ at = \"0s\", lasts = \"10s\", capacity = 0 }]",
    "servers = 1\nslowdowns = [{ at = \"0s\", lasts = \"10s\", capacity = 20 }]",
    "servers = 1\nslowdowns = [{ at = \"0s\", lasts = \"0s\", capacity = 0.2 }]",
    "servers = 1\nslowdowns = [{ at = \"-11m\", lasts = \"9s\", capacity = 0.2 }]",
    "servers = 1\nslowdowns = [{ at = \"5s\", lasts = \"9s\", capacity = 0.2 }, { at = \"0s\", lasts = \"9s\", capacity = 0.2 }]",
];

#[test]
fn each_stack_that_cannot_work_is_refused_with_its_line() {
    insta::assert_snapshot!(refused_alone("tasks.toml", MISTAKES.map(text)));
}

#[test]
fn all_that_is_wrong_with_a_stack_is_told_at_once() {
    let text = text(
        "servers = 0\ntasks = 4\nmin = 9\nmax = 2\nstart = { burst = 0 }\n\
         tracking = { metric = \"utilisation\", target = 3 }\nschedule = [{ at = \"0s\" }]",
    );
    let told = refused("tasks.toml", &text);
    assert!(told.ends_with(": 5 problems\n"), "{told}");
}

fn lived(stack: &str, overrides: &[&str]) -> (spike::verdict::Judged, TaskSummary) {
    let scenario = scenario(&text(stack), &set(overrides));
    let (judged, _) = simulate(&scenario);
    let tasks = judged.measured.tasks.clone().unwrap();
    (judged, tasks)
}

/// Two servers are busy of four; from the sixth minute on twice as many people look.
const TRACKED: &str = "servers = 1\nqueue = 20\ntasks = 4\nmin = 2\n\
     tracking = { metric = \"utilisation\", target = 0.5 }\nstart = { boot = \"30s\" }";

#[test]
fn tasks_come_when_the_target_is_passed_and_finish_what_they_have_when_they_go() {
    // A second crowd as large as the first comes after 240 s.
    let more = "[[fans]]\nname = \"more\"\ncount = 400\nabandon = 1\n\
         arrive = { shape = \"constant\", from = \"-6m\", over = \"10s\" }\n\
         reload = { gap = \"10s\", growth = 0, calls = 1, cacheable = 0 }\n";
    let text = text(TRACKED).replace("[shop]", &format!("{more}[shop]"));
    let (judged, _) = simulate(&scenario(&text, &set(&["stack.application.tracking.target=0.6"])));
    let tasks = judged.measured.tasks.clone().unwrap();
    // 20 requests a second of 0.1 s are 2 of 4 servers; 60 are 6, more than there are: 4 of 4. The alarm
    // rises at 240 + 180 s for 4 / 0.6 = 7, which serve at 450 s; 6 of 7 are too many from 480 s on, but
    // for the pause, and the next step is wanted at 720 s, after the end.
    assert_eq!(tasks.in_service_s(7, 0.0), Some(450.0), "{tasks:?}");
    assert_eq!(tasks.most().in_service, 7, "{tasks:?}");
    let saturated = tasks.saturated.unwrap();
    assert!((240.0..270.0).contains(&saturated.first_s), "{saturated:?}");
    assert!((449.0..470.0).contains(&saturated.last_s), "{saturated:?}");
    // Every reload that was sent was answered or given up.
    let reload = &judged.measured.operations["reload"];
    assert_eq!(reload.count, reload.outcomes.values().sum::<u64>());
}

/// A forecast of so many entries at the opening, or of none; what else it says, and the stack.
fn foreseeing(forecast: &str, entries: &str, stack: &str) -> String {
    text(&format!(
        "servers = 1\nqueue = 20\nstart = {{ boot = \"30s\" }}\n{stack}\n\
         [stack.application.forecast]\n{forecast}\n\
         tournaments = [{{ starts = \"0s\", team = 4, {entries} }}]"
    ))
}

#[test]
fn a_forecast_that_could_foresee_nothing_is_refused_with_its_line() {
    let twenty = "entries = [{ count = 20 }]";
    for (forecast, entries, stack, told) in [
        ("per_task = 0", twenty, "tasks = 4", "`per_task` is 0"),
        ("", twenty, "tasks = 4", "missing key `per_task`"),
        ("per_task = 8\nevery = \"500ms\"", twenty, "tasks = 4", "must be whole seconds"),
        (
            "per_task = 8\nahead = \"0s\"\nbehind = \"0s\"",
            twenty,
            "tasks = 4",
            "neither `behind` nor",
        ),
        ("per_task = 8", "entries = []", "tasks = 4", "`entries` of"),
        (
            "per_task = 8",
            "organizer = 0, entries = [{ count = 20 }]",
            "tasks = 4",
            "`organizer` is 0",
        ),
        ("per_task = 8", "entries = [{ count = 0 }]", "tasks = 4", "`count` is 0"),
        (
            "per_task = 8",
            twenty,
            "tasks = 4\nmax = 9",
            "it takes 10 tasks, and there are at most 9",
        ),
    ] {
        let problems = refused("tasks.toml", &foreseeing(forecast, entries, stack));
        assert!(problems.contains(told), "{problems}");
        assert!(problems.contains("--> tasks.toml:"), "{problems}");
        assert!(problems.ends_with(": 1 problem\n"), "{problems}");
    }
    let text = foreseeing("per_task = 8", twenty, "").replace("start = { boot = \"30s\" }\n", "");
    let problems = refused("tasks.toml", &text);
    assert!(problems.contains("`forecast` has nothing to scale without `tasks`"), "{problems}");
}

#[test]
fn what_is_foreseen_is_there_before_it_begins_and_what_enters_late_is_seen_at_the_next_look() {
    let entries = "entries = [{ count = 10 }, { count = 10, entered = \"-150s\" }]";
    let forecast = "per_task = 8\nevery = \"1m\"\nahead = \"5m\"\nbehind = \"20m\"";
    let text = foreseeing(forecast, entries, "tasks = 3\nmin = 2");
    let (judged, _) = simulate(&scenario(&text, &set(&[])));
    let tasks = judged.measured.tasks.unwrap();
    // The opening is at 600 s: at 300 s it begins in exactly five minutes and is not seen, at 360 s it is, with
    // 10 · 4 / 8 = 5 tasks; the others enter at 450 s, and are found at 480 s.
    let wanted = |change: &TaskChange| (change.at_s, change.desired, change.in_service);
    let changes: Vec<_> = tasks.changes.iter().map(wanted).collect();
    assert_eq!(
        changes,
        [(1.0, 2, 2), (360.0, 5, 2), (390.0, 5, 5), (480.0, 10, 5), (510.0, 10, 10)]
    );
    assert!(tasks.hours(540.0) > 0.0 && tasks.hours(540.0) < tasks.hours(600.0));
}

#[test]
fn fewer_tasks_serve_as_well_where_they_suffice() {
    let down = "servers = 1\ntasks = 40\nschedule = [{ at = \"-5m\", min = 4, tasks = 4 }]";
    let (judged, tasks) = lived(down, &[]);
    let changes: Vec<_> = tasks.changes.iter().map(|one| (one.at_s, one.in_service)).collect();
    assert_eq!(changes, [(1.0, 40), (300.0, 4)]);
    assert_eq!(tasks.saturated, None);
    let reload = &judged.measured.operations["reload"];
    assert_eq!(reload.outcomes.keys().collect::<Vec<_>>(), ["not_open", "ok"]);
}

#[test]
fn the_same_seed_gives_the_same_tasks_and_another_boots_otherwise() {
    let law = "start={ boot = { median = \"40s\", sigma = 0.5 } }";
    let boot = format!("stack.application.{law}");
    let rise = "stack.application.schedule=[{ at = \"-5m\", tasks = 9 }]";
    let run = |seed: &str| lived("servers = 1\ntasks = 4", &[&boot, rise, seed]).1;
    assert_eq!(run("seed=1"), run("seed=1"));
    assert_ne!(run("seed=1"), run("seed=2"));
}

#[test]
fn servers_without_tasks_are_what_they_were() {
    let (judged, _) = simulate(&scenario(&text("servers = 4"), &set(&[])));
    assert_eq!(judged.measured.tasks, None);
    // As many servers in one task behave alike.
    let (in_tasks, _) = simulate(&scenario(&text("servers = 1\ntasks = 4"), &set(&[])));
    assert_eq!(in_tasks.measured.operations, judged.measured.operations);
}

#[test]
fn an_instant_leaves_room_for_the_schedule_before_it() {
    let at = |stack: &str| -> Scenario {
        let text = text(stack).replace("+10m", "2026-12-24T12:00:00+09:00");
        scenario(&text, &set(&["fans.0.arrive.from=-1m"]))
    };
    let plain = at("servers = 1\ntasks = 4");
    let early = at("servers = 1\ntasks = 4\nschedule = [{ at = \"-40m\", min = 8 }]");
    assert!(plain.first_opening().seconds() < 600.0);
    assert_eq!(early.first_opening().seconds(), 2_400.0);
}

#[test]
fn both_reports_of_a_run_show_its_tasks() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("tasks.toml");
    std::fs::write(&file, text(TRACKED)).unwrap();
    let mut command = crate::rehearsal::program();
    command.args(["simulate", "-o"]).arg(out.path()).arg(&file);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("The application's tasks\n  4 in service at the beginning"), "{said}");
    let run = out.path().join("tasks/latest");
    let html = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(html.contains("4 in service at the beginning"));
    let svg = std::fs::read_to_string(run.join("timeline.svg")).unwrap();
    assert!(svg.contains("tasks in service") && svg.contains("tasks wanted"));
}
