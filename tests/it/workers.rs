//! An application of workers with threads: what bounds it, what its processors do meanwhile, and what is
//! refused and told.

use spike::measure::TaskSummary;
use spike::scenario::file;
use spike::scenario::overrides::Overrides;
use spike::scenario::{Context, offer};
use spike::verdict::Judged;

use crate::rehearsal::{scenario, set, simulate};

/// Somebody buys the only piece, and from the tenth second on so many people a second look for a minute at what
/// is sold out, each once.
fn text(per_s: u32, application: &str, tables: &str) -> String {
    format!(
        "schema = 1\nname = \"threaded\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"90s\"\n\
         items = [{{ id = \"tee\", stock = 1, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = {}\n\
         arrive = {{ shape = \"constant\", from = \"10s\", over = \"60s\" }}\n\
         reload = {{ calls = 0 }}\nsold_out = {{ leave = 1 }}\nretry = {{ attempts = 0 }}\n\
         timeout = \"10s\"\n\
         [[fans]]\nname = \"first\"\ncount = 1\narrive = {{ shape = \"at-once\" }}\n\
         reload = {{ calls = 0 }}\n\
         [shop]\nstorage = \"memory\"\n[provider]\nprofile = \"stripe-2024\"\ndeclines = 0.0\n\
         limits = []\n{tables}\n[stack.application]\n{application}\n",
        per_s * 60
    )
}

fn lived(per_s: u32, application: &str, tables: &str) -> Judged {
    simulate(&scenario(&text(per_s, application, tables), &set(&[]))).0
}

fn tasks(judged: &Judged) -> &TaskSummary {
    judged.measured.tasks.as_ref().unwrap()
}

/// Answers per second to those who asked from the 20th to the 50th, by when they were given.
fn answered_per_s(judged: &Judged) -> f64 {
    let seconds = judged.measured.timeline.iter();
    let part = seconds.filter(|second| (20.0..50.0).contains(&second.at_s));
    part.map(|second| second.completed).sum::<u64>() as f64 / 30.0
}

/// A statement of a tenth of a second, for as many as ask.
const SLOW: &str = "[stack.database]\nservers = 10_000\nservice = \"100ms\"";
const QUICK: &str = "[stack.database]\nservers = 10_000\nservice = \"1ms\"";

#[test]
fn a_task_answers_two_hundred_of_a_tenth_of_a_second() {
    // Twice as many as one task can; who finds a queue of 100 is sent away at once.
    let of = |tasks_: u32| {
        let application =
            format!("workers = 4\nthreads = 5\ntasks = {tasks_}\nqueue = 100\nservice = \"0ms\"");
        lived(400, &application, SLOW)
    };
    let answered = |judged: &Judged| {
        let item = &judged.measured.operations["item"];
        item.outcomes["sold_out"] as f64 / 60.0
    };
    let (one, two) = (of(1), of(2));
    assert!((answered(&one) - 200.0).abs() < 5.0, "{}", answered(&one));
    assert!((answered(&two) - 400.0).abs() < 5.0, "{}", answered(&two));
    assert!(tasks(&one).saturated.unwrap().seconds >= 59, "{:?}", tasks(&one));
    // Its processors idle: threads are what it lacks.
    assert_eq!(tasks(&one).processors_busy_max, Some(0.0));
}

#[test]
fn processors_bound_it_where_they_have_more_to_do() {
    let application = "workers = 4\nthreads = 5\ntasks = 1\nqueue = 100\nservice = \"25ms\"";
    let judged = lived(400, application, QUICK);
    // Four processors for 25 ms each.
    let answered = judged.measured.operations["item"].outcomes["sold_out"] as f64 / 60.0;
    assert!((answered - 160.0).abs() < 4.0, "{answered}");
    assert_eq!(tasks(&judged).processors_busy_max, Some(1.0));
}

/// 400 orders a second, each of which waits a second for the provider in its thread.
fn paying(tasks: u32) -> Judged {
    let text =
        text(400, &format!("workers = 4\nthreads = 5\ntasks = {tasks}\nservice = \"1ms\""), "")
            .replace("stock = 1,", "stock = 24_000,")
            .replace(
                "limits = []",
                "limits = []\nlatency = { authorize = \"500ms\", capture = \"500ms\" }",
            );
    simulate(&scenario(&text, &set(&["fans.0.timeout=60s"]))).0
}

#[test]
fn four_hundred_payments_of_a_second_hold_four_hundred_threads() {
    // Twenty tasks are 400 threads; the looks before the payment take some 1 ms each, of which there are two.
    let (few, enough) = (paying(19), paying(21));
    assert!(tasks(&few).saturated.unwrap().seconds > 30, "{:?}", tasks(&few));
    assert_eq!(tasks(&enough).saturated, None);
    let busy = tasks(&few).processors_busy_max.unwrap();
    assert!(busy < 0.05, "the processors idle: {busy}");
    let p99 = |judged: &Judged| judged.measured.operations["checkout"].response_ms.unwrap().p99;
    assert!(p99(&enough) < 1_100.0 && p99(&few) > 2_000.0, "{} {}", p99(&enough), p99(&few));
}

#[test]
fn a_scaler_that_goes_by_processors_does_not_see_threads_that_wait() {
    let scaled = |application: &str| {
        let application = format!(
            "{application}\nservice = \"2ms\"\ntasks = 1\nmax = 9\nstart = {{ boot = \"1s\" }}\n\
             tracking = {{ metric = \"utilisation\", target = 0.5, period = \"1s\" }}"
        );
        tasks(&lived(400, &application, SLOW)).most().in_service
    };
    // 400 a second of 2 ms are 0.8 of four processors; all threads wait for the database.
    assert_eq!(scaled("workers = 4\nthreads = 5\nqueue = 100"), 1);
    // Servers are busy for the 2 ms alone here, and the statement holds none.
    assert_eq!(scaled("servers = 1\nqueue = 100"), 2);
}

#[test]
fn a_slowdown_slows_the_processors() {
    let application = "workers = 4\ntasks = 1\nservice = \"20ms\"\n\
         slowdowns = [{ at = \"20s\", lasts = \"30s\", capacity = 0.25 }]";
    let judged = lived(100, application, QUICK);
    // Four processors carry out 200 a second, and a quarter of them 50 of the 100 that ask.
    let in_between = answered_per_s(&judged);
    assert!((45.0..70.0).contains(&in_between), "{in_between}");
    let before = &judged.measured.timeline[15];
    assert_eq!(before.completed, before.offered);
}

#[test]
fn of_tasks_that_go_what_they_still_have_is_cut_off_after_the_delay() {
    let lived = |deregistration: &str| {
        let balancer = format!(
            "[stack.balancer]\ncapacity = \"10000/s\"\nderegistration = \"{deregistration}\"\n\
             [stack.database]\nservers = 10_000\nservice = \"5s\""
        );
        let application = "workers = 4\ntasks = 40\nservice = \"0ms\"\n\
             schedule = [{ at = \"30s\", min = 20, tasks = 20 }]";
        let judged = lived(40, application, &balancer);
        let errors = judged.measured.operations["item"].outcomes.get("error").copied();
        let cut = judged.measured.balancer.unwrap().cut;
        assert_eq!(errors.unwrap_or(0), cut);
        cut
    };
    assert_eq!(lived("5s"), 0);
    // Of 200 under way half, and half of the 120 of them that last for more than two seconds yet.
    let (at_once, after_two) = (lived("0s"), lived("2s"));
    assert!((99..=101).contains(&at_once), "{at_once}");
    assert!((59..=61).contains(&after_two), "{after_two}");
}

/// What cannot work, each alone.
const MISTAKES: [&str; 6] = [
    "service = \"1ms\"",
    "servers = 4\nworkers = 4\ntasks = 1\nservice = \"1ms\"",
    "servers = 4\nthreads = 4\nservice = \"1ms\"",
    "workers = 4\nservice = \"1ms\"",
    "workers = 4\nthreads = 0\ntasks = 1\nservice = \"1ms\"",
    "workers = 1_000\nthreads = 100\ntasks = 100\nservice = \"1ms\"",
];

#[test]
fn each_application_of_workers_that_cannot_work_is_refused_with_its_line() {
    let mut told = String::new();
    for application in MISTAKES {
        let text = text(1, application, "");
        let problems =
            file::parse("threaded.toml", &text, &Overrides::default(), &Context::VIRTUAL);
        let problems = problems.map(|_| ()).unwrap_err().to_string();
        assert!(problems.ends_with(": 1 problem\n"), "{application}:\n{problems}");
        told.push_str(problems.split("error: threaded.toml").next().unwrap());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn check_says_what_a_task_answers_and_who_waits_for_a_connection() {
    let said = |application: &str, database: &str| {
        let text = text(1, application, database)
            .replace("calls = 0", "gap = \"10s\", growth = 0, calls = 1, cacheable = 0")
            .replace("from = \"10s\"", "from = \"-60s\"")
            .replace("+1s", "+60s");
        let scenario = scenario(&text, &set(&[]));
        let offer = offer::render(&scenario, &offer::offer(&scenario, &scenario));
        offer.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let workers = "workers = 4\nthreads = 5\ntasks = 40";
    let slow = "[stack.database]\nservers = 500\nservice = \"99ms\"";
    let told = said(&format!("{workers}\nservice = \"1ms\""), slow);
    let expected = "application 40 task(s) at first of 4 workers x 5 threads: at most 200/s each, by their \
                    threads, 8,000/s together; what waits for the provider holds its thread longer";
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("800 threads share 500 connections to the database"), "{told}");
    let told = said(&format!("{workers}\nservice = \"25ms\""), "");
    assert!(told.contains("at most 160/s each, by their processors, 6,400/s together"), "{told}");
    assert!(!told.contains("connections to the database"), "{told}");
}
