//! The simulated load balancer: what is refused of its settings, what it does to a run, and what is told.

use spike::measure::BreakingTier;
use spike::scenario::offer;

use crate::problems::{refused, refused_alone};
use crate::rehearsal::{Room, program, scenario, set, simulate, with};

/// Forty people a second look at a page that no cache keeps, behind a balancer.
fn text(balancer: &str) -> String {
    // It may be written behind.
    let is_written = balancer.contains("[stack.application]");
    let application = "[stack.application]\nservers = 100\nservice = \"10ms\"\n";
    let application = if is_written { "" } else { application };
    format!(
        "schema = 1\nname = \"balanced\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+11m\"\nlasts = \"20s\"\n\
         items = [{{ id = \"tee\", stock = 10, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 400\nabandon = 1\n\
         arrive = {{ shape = \"constant\", from = \"-11m\", over = \"10s\" }}\n\
         reload = {{ gap = \"10s\", growth = 0, calls = 1, cacheable = 0 }}\npatience = \"1h\"\n\
         retry = {{ attempts = 1_000, base = \"10s\", cap = \"10s\", jitter = 0, give_up = 0 }}\n\
         [shop]\nstorage = \"memory\"\n\
         {application}\
         [stack.balancer]\n{balancer}\n"
    )
}

/// What cannot work, each alone.
const MISTAKES: [&str; 16] = [
    "",
    "capacity = \"0/s\"",
    "capacity = \"many\"",
    "capacity = \"20M/s\"",
    "capacity = \"10/s\"\nreserved = \"0/s\"",
    "capacity = \"10/s\"\nmax = \"5/s\"",
    "capacity = \"10/s\"\nreserved = \"40/s\"\nmax = \"20/s\"",
    "capacity = \"10/s\"\ngrows = { by = 0.5 }",
    "capacity = \"10/s\"\ngrows = { above = 70 }",
    "capacity = \"10/s\"\ngrows = { every = \"90s\" }",
    "capacity = \"10/s\"\ngrows = { shrink_after = \"0s\" }",
    "capacity = \"10/s\"\nhealth = { interval = \"30s\" }",
    "capacity = \"10/s\"\nslow_start = \"30s\"",
    "capacity = \"10/s\"\n[stack.application]\nservers = 1\nservice = \"1s\"\ntasks = 4\n\
     start = { health = \"1m\" }\n[stack.balancer.health]\ninterval = \"30s\"",
    "capacity = \"10/s\"\n[stack.application]\nservers = 1\nservice = \"1s\"\ntasks = 4\n\
     [stack.balancer.health]\nhealthy = 0",
    "capacity = \"10/s\"\ngrows = { evry = \"5m\" }",
];

#[test]
fn each_balancer_that_cannot_work_is_refused_with_its_line() {
    insta::assert_snapshot!(refused_alone("balancer.toml", MISTAKES.map(text)));
}

#[test]
fn all_that_is_wrong_with_a_balancer_is_told_at_once() {
    let text = text(
        "capacity = \"0/s\"\nmax = \"0/s\"\n\
         grows = { by = 0, every = \"1s\", above = 2, lag = \"30d\", shrink_after = \"61s\" }",
    );
    let told = refused("balancer.toml", &text);
    assert!(told.ends_with(": 7 problems\n"), "{told}");
}

#[test]
fn of_four_times_its_capacity_three_quarters_fail_until_it_grows() {
    let (judged, _) = simulate(&scenario(&text("capacity = \"10/s\""), &set(&[])));
    let balancer = judged.measured.balancer.clone().unwrap();
    let changes: Vec<_> =
        balancer.changes.iter().map(|change| (change.at_s, change.capacity_per_s)).collect();
    assert_eq!(changes[..3], [(1.0, 10.0), (300.0, 15.0), (600.0, 22.5)], "{changes:?}");
    let before = |second: &&spike::measure::Second| (60.0..300.0).contains(&second.at_s);
    let before: Vec<_> = judged.measured.timeline.iter().filter(before).collect();
    let rejected: u64 = before.iter().filter_map(|second| second.rejected).sum();
    let asked: u64 = before.iter().filter_map(|second| second.origin).sum();
    let share = rejected as f64 / asked as f64;
    assert!((share - 0.75).abs() < 0.005, "{rejected} of {asked}");
    // Each refusal is one error of a fan, and nothing else fails.
    assert_eq!(judged.measured.operations["reload"].outcomes["error"], balancer.rejected);
    assert_eq!(judged.measured.first_to_break.unwrap().tier, BreakingTier::Balancer);
    // Behind it nobody asks for more than it lets through.
    let reload = &judged.measured.operations["reload"];
    let count = |outcome: &str| reload.outcomes.get(outcome).copied().unwrap_or(0);
    assert_eq!(count("ok") + count("not_open"), balancer.offered - balancer.rejected);
}

#[test]
fn what_is_reserved_or_cached_is_not_refused() {
    let told = |sets: &[&str]| {
        let (judged, _) = simulate(&scenario(&text("capacity = \"10/s\""), &set(sets)));
        judged.measured.balancer.unwrap()
    };
    let reserved = told(&["stack.balancer.reserved=45/s"]);
    assert_eq!((reserved.rejected, reserved.rejecting), (0, None));
    assert!(reserved.offered > 20_000, "{reserved:?}");
    // Of two requests the edge answers one: forty reach the balancer of eighty.
    let half =
        ["fans.0.reload.calls=2", "fans.0.reload.cacheable=1", "stack.balancer.reserved=45/s"];
    let kept = "shop.edge={ ttl = \"1s\", collapse = true }";
    let cached = told(&[half.as_slice(), &[kept]].concat());
    assert_eq!(cached.rejected, 0, "{cached:?}");
    let nothing_kept = told(&[half.as_slice(), &["shop.edge.ttl=0s"]].concat());
    assert!(nothing_kept.rejected > 5_000, "{nothing_kept:?}");
}

/// Tasks that are enough, and what is done with them.
fn tasks(balancer: &str, application: &str) -> String {
    text(&format!(
        "capacity = \"1000/s\"\n{balancer}\n[stack.application]\nservers = 1\n{application}\n"
    ))
}

#[test]
fn a_new_task_takes_requests_when_its_checks_say_so() {
    let application = "service = \"10ms\"\ntasks = 4\nstart = { boot = \"20s\" }\n\
         schedule = [{ at = \"-10m\", tasks = 8 }]";
    let after_s = |balancer: &str| {
        let (judged, _) = simulate(&scenario(&tasks(balancer, application), &set(&[])));
        judged.measured.tasks.unwrap().in_service_s(8, 0.0).unwrap() - 60.0
    };
    let seen = [
        "",
        "health = {}",
        "health = { initial = 1 }",
        "health = { interval = \"5s\", healthy = 2 }",
    ];
    assert_eq!(seen.map(after_s), [20.0, 170.0, 50.0, 30.0]);
}

#[test]
fn in_a_slow_start_new_tasks_help_later() {
    // Forty a second of 0.1 s are four servers; two tasks are there, and ten more come.
    let application = "service = \"100ms\"\nqueue = 20\ntasks = 2\nstart = { boot = \"0s\" }\n\
         schedule = [{ at = \"-10m\", tasks = 12 }]";
    let at_limit_s = |balancer: &str| {
        let (judged, _) = simulate(&scenario(&tasks(balancer, application), &set(&[])));
        judged.measured.tasks.unwrap().saturated.unwrap().last_s - 60.0
    };
    let (at_once, slow) = (at_limit_s(""), at_limit_s("slow_start = \"5m\""));
    assert!(at_once <= 2.0, "{at_once}");
    // Four servers are all busy and work off no queue: the fifth is there after three tenths of the time.
    assert!((88.0..95.0).contains(&slow), "{slow}");
}

#[test]
fn what_a_task_that_goes_has_begun_is_cut_off_after_the_delay() {
    // Forty a second of 5 s keep 200 of 400 tasks busy; half of them go.
    let application = "service = \"5s\"\ntasks = 400\n\
         schedule = [{ at = \"-5m\", min = 200, tasks = 200 }]";
    let lived = |balancer: &str| {
        let (judged, _) = simulate(&scenario(&tasks(balancer, application), &set(&[])));
        let errors = judged.measured.operations["reload"].outcomes.get("error").copied();
        let balancer = judged.measured.balancer.unwrap();
        assert_eq!(errors.unwrap_or(0), balancer.cut, "{balancer:?}");
        balancer.cut
    };
    assert_eq!(lived(""), 0, "an ALB waits for five minutes");
    assert_eq!(lived("deregistration = \"5s\""), 0);
    let (at_once, after_two) = (lived("deregistration = \"0s\""), lived("deregistration = \"2s\""));
    // Half of the 200 that are begun, and of the 120 of them that last more than two seconds yet.
    assert!((99..=101).contains(&at_once), "{at_once}");
    assert!((59..=61).contains(&after_two), "{after_two}");
}

#[test]
fn without_a_task_all_is_refused_until_there_is_one() {
    let application = "service = \"10ms\"\ntasks = 4\nstart = { boot = \"20s\" }\n\
         schedule = [{ at = \"-8m\", min = 0, tasks = 0 }, { at = \"-7m\", tasks = 4 }]";
    let (judged, _) = simulate(&scenario(&tasks("", application), &set(&[])));
    let balancer = judged.measured.balancer.unwrap();
    // From 180 s until the first four have booted, at 260 s: forty a second.
    let rejecting = balancer.rejecting.unwrap();
    assert_eq!((rejecting.first_s, rejecting.last_s), (181.0, 260.0), "{balancer:?}");
    assert!((3_150..=3_250).contains(&balancer.rejected), "{balancer:?}");
}

#[test]
fn check_says_what_is_asked_for_beside_what_it_takes() {
    let said = |balancer: &str| {
        let scenario = scenario(&text(balancer), &set(&[]));
        offer::render(&scenario, &offer::offer(&scenario, &scenario))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let cold = said("capacity = \"10/s\"");
    let expected = "balancer 10/s taken at first; 40/s find room after 4 step(s) of growth, 20 min 0 s \
                    after they came";
    assert!(cold.contains(expected), "{cold}");
    assert!(cold.contains("a live run has none"), "{cold}");
    let never = said("capacity = \"10/s\"\nmax = \"20/s\"");
    assert!(never.contains("balancer 10/s taken at first; 40/s never find room"), "{never}");
    let reserved = said("capacity = \"10/s\"\nreserved = \"45/s\"");
    assert!(reserved.contains("balancer 45/s taken at first checkouts"), "{reserved}");
}

#[test]
fn both_reports_of_a_run_show_its_balancer() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("balanced.toml");
    std::fs::write(&file, text("capacity = \"10/s\"")).unwrap();
    let mut command = program();
    command.args(["simulate", "-o"]).arg(out.path()).arg(&file);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("The load balancer\n  it took 10.0/s at the beginning"), "{said}");
    assert!(said.contains("First to break: the load balancer"), "{said}");
    let run = out.path().join("balanced/latest");
    let html = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(html.contains("it took 10.0&#x2f;s at the beginning"));
    let svg = std::fs::read_to_string(run.join("timeline.svg")).unwrap();
    assert!(svg.contains("balancer takes, 1/s") && svg.contains("balancer refuses, 1/s"));
}

#[test]
fn a_live_run_says_that_it_leaves_the_balancer_out() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("balanced.toml");
    let soon = text("capacity = \"1/s\"").replace("+11m", "+1s").replace("-11m", "-1s");
    std::fs::write(&file, soon.replace("count = 400", "count = 4")).unwrap();
    let mut command = program();
    command.args(["run", "--set", "sale.0.lasts=1s", "-q", "-o"]).arg(out.path()).arg(&file);
    let said = with(Room::Whole, || String::from_utf8(command.output().unwrap().stderr).unwrap());
    assert!(said.contains("left out: `stack.balancer`, which takes 1/s at first"), "{said}");
}
