//! The edge in layers: what is refused of its settings, what points of presence, a shield and the origin's errors
//! do to a run, and what is told.

use spike::measure::LayersSummary;
use spike::scenario::offer;
use spike::verdict::Judged;

use crate::problems::{refused, refused_alone};
use crate::rehearsal::{Room, program, scenario, set, simulate, with};

/// 2,000 people look at a page of one part, 500 times a second for 110 s, in front of an edge that keeps it for
/// 2 s, and of a shop that takes 50 ms for it.
fn text(edge: &str, shop: &str, application: &str) -> String {
    format!(
        "schema = 1\nname = \"layered\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+2m\"\nlasts = \"10s\"\n\
         items = [{{ id = \"tee\", stock = 10, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 2_000\nabandon = 1\n\
         arrive = {{ shape = \"constant\", from = \"-110s\", over = \"1s\" }}\n\
         reload = {{ gap = {{ mean = \"4s\" }}, growth = 0, calls = 2, cacheable = 1 }}\npatience = \"1h\"\n\
         retry = {{ attempts = 1_000, base = \"2s\", cap = \"2s\", jitter = 0, give_up = 0 }}\n\
         [shop]\nstorage = \"memory\"\n{shop}\n\
         [stack.application]\nservers = 10_000\nservice = \"50ms\"\n{application}\n\
         {edge}\n"
    )
}

const KEPT: &str = "edge = { ttl = \"2s\" }";

fn lived(edge: &str, shop: &str, application: &str) -> Judged {
    simulate(&scenario(&text(edge, shop, application), &set(&[]))).0
}

fn layers(edge: &str, shop: &str, application: &str) -> LayersSummary {
    lived(edge, shop, application).measured.layers.unwrap()
}

/// One cache that tells what it did, because it would do something about errors.
const TELLS: &str = "edge = { ttl = \"2s\", restarts = 1 }";

#[test]
fn each_edge_that_cannot_work_is_refused_with_its_line() {
    let edges = [
        "pops = 0",
        "pops = 1_001",
        "pops = 2\nsheild = true",
        "weights = [1, 2]",
        "pops = 3\nweights = [1, 2]",
        "pops = 2\nweights = [1, 0]",
        "servers = 10",
        "service = \"1ms\"",
        "servers = 0\nservice = \"1ms\"",
        "pops = 2\nqueue = 10",
        "origin_timeout = \"0s\"",
        "origin_timeout = \"30d\"",
    ];
    let edges = edges.iter().map(|edge| text(&format!("[stack.edge]\n{edge}"), KEPT, ""));
    let shops = [
        "edge = { restarts = 11 }",
        "edge = { error_statuses = [503] }",
        "edge = { restarts = 1, error_statuses = [] }",
        "edge = { error_ttl = \"10s\", error_statuses = [503, 200] }",
        "edge = { error_ttl = \"10s\", by = \"nginx\" }",
        "edge = { eror_ttl = \"10s\" }",
    ];
    let shops = shops.iter().map(|shop| text("", shop, ""));
    let limiters = ["pops = 3", "pops = 8\nweights = [1, 1, 1, 1, 1, 1, 1, 1]"];
    let limited = "admission = { orders_per_second = 10, by = \"edge\" }";
    let limiters = limiters.iter().map(|edge| text(&format!("[stack.edge]\n{edge}"), limited, ""));
    let outages = [
        "{ at = \"-60s\", lasts = \"0s\" }",
        "{ at = \"-60s\", lasts = \"5s\", share = 0 }",
        "{ at = \"-60s\", lasts = \"5s\", share = 20 }",
        "{ at = \"-10m\", lasts = \"5s\" }",
        "{ at = \"-60s\", lasts = \"5s\" }, { at = \"-56s\", lasts = \"5s\" }",
    ];
    let outages = outages.iter().map(|outage| text("", KEPT, &format!("outages = [{outage}]")));
    insta::assert_snapshot!(refused_alone(
        "layered.toml",
        edges.chain(shops).chain(limiters).chain(outages)
    ));
}

#[test]
fn all_that_is_wrong_with_an_edge_is_told_at_once() {
    let told = refused(
        "layered.toml",
        &text(
            "[stack.edge]\npops = 0\nqueue = 3\norigin_timeout = \"0s\"",
            "edge = { restarts = 99, error_statuses = [7] }",
            "outages = [{ at = \"-60s\", lasts = \"0s\", share = 2 }]",
        ),
    );
    assert!(told.ends_with(": 7 problems\n"), "{told}");
}

#[test]
fn what_is_fetched_is_what_renewal_says_with_a_shield_and_without() {
    let of = |edge: &str| layers(edge, TELLS, "");
    let one = of("");
    let points = "[stack.edge]\npops = 3\nweights = [2, 1, 1]\n";
    let (apart, shielded) = (of(points), of(&format!("{points}shield = true")));
    // 1 / (T + D + 1/λ) at 500/s, and the sum of it at 250, 125 and 125/s.
    let times = apart.points.fetches as f64 / one.points.fetches as f64;
    assert!((times / (1.458_672 / 0.487_329) - 1.0).abs() < 0.03, "{times}: {apart:?}, {one:?}");
    let shield = shielded.shield.unwrap();
    assert_eq!(shield.fetches, one.points.fetches, "as one cache with all the visitors");
    assert_eq!(shield.asked, shielded.points.fetches);
    assert!(shielded.points.fetches > 2 * shield.fetches, "{shielded:?}");
    // All that fans asked for was answered by one layer or the other.
    for told in [&one, &apart, &shielded] {
        let points = &told.points;
        assert_eq!(points.hits + points.collapsed + points.fetches, points.asked, "{told:?}");
        assert_eq!((told.failures, told.restarts, told.failing), (0, 0, None));
    }
    assert!(one.points.asked == apart.points.asked && one.points.offload.unwrap() > 0.99);
}

#[test]
fn one_point_and_no_error_is_the_edge_that_was_there_before() {
    let before = lived("", KEPT, "").measured;
    assert_eq!(lived("[stack.edge]\npops = 1", KEPT, "").measured, before);
    let kept = "edge = { ttl = \"2s\", error_ttl = \"10s\", restarts = 1 }";
    let mut told = lived("[stack.edge]\norigin_timeout = \"1m\"", kept, "").measured;
    assert!(told.layers.take().is_some_and(|layers| layers.failures == 0));
    assert_eq!(told, before);
}

/// The shop fails for three seconds.
const DOWN: &str = "outages = [{ at = \"-60s\", lasts = \"3s\" }]";

#[test]
fn an_error_is_heard_once_and_given_for_its_time_through_a_shield_too() {
    let kept = "edge = { ttl = \"2s\", error_ttl = \"10s\" }";
    for (edge, heard) in
        [("", 1), ("[stack.edge]\npops = 3", 3), ("[stack.edge]\npops = 3\nshield = true", 1)]
    {
        let told = layers(edge, kept, DOWN);
        assert_eq!((told.failures, told.restarts), (heard, 0), "{told:?}");
        let (failing, given) = (told.failing.unwrap(), told.errors_given.unwrap());
        let longer_s = given.last_s - failing.last_s;
        assert!((9.0..=11.0).contains(&longer_s), "{told:?}");
        // It is well again at 63 s; nobody gets the page before the error is no longer kept.
        assert!(given.last_s >= 70.0 && given.seconds >= 10, "{told:?}");
    }
    // Where no error is kept it is over with the outage, and the shop is asked all the time.
    let plain = layers("[stack.edge]\npops = 3", "edge = { ttl = \"2s\" }", DOWN);
    let failing = plain.failing.unwrap();
    assert!(plain.errors_given.is_none() && failing.last_s <= 64.0, "{plain:?}");
    assert!(plain.failures > 30, "{plain:?}");
}

#[test]
fn what_was_kept_is_given_while_the_origin_is_down() {
    let graceful = |error_ttl: &str| {
        let edge =
            format!("edge = {{ ttl = \"2s\", grace = \"10s\", error_ttl = \"{error_ttl}\" }}");
        layers("[stack.edge]\npops = 2", &edge, DOWN)
    };
    let (short, shorter) = (graceful("1s"), graceful("100ms"));
    for told in [&short, &shorter] {
        assert!(told.points.stale > 500 && told.points.errors == 0, "{told:?}");
        assert!(told.failing.is_some() && told.errors_given.is_none(), "{told:?}");
    }
    // Two points, up to three seconds of an outage, a try each second or ten of them.
    assert!((2..=6).contains(&short.failures), "{short:?}");
    assert!((10..=60).contains(&shorter.failures), "{shorter:?}");
}

#[test]
fn a_restart_is_made_by_the_cache_next_to_the_origin_alone() {
    let edge = "edge = { ttl = \"2s\", error_ttl = \"10s\", restarts = 2 }";
    for (shield, heard) in [("", 9), ("\nshield = true", 3)] {
        let told = layers(&format!("[stack.edge]\npops = 3{shield}"), edge, DOWN);
        assert_eq!((told.failures, told.restarts), (heard, heard / 3 * 2), "{told:?}");
    }
}

#[test]
fn what_takes_too_long_is_an_error_and_is_served_for_nobody() {
    // For five seconds 50 ms take up to five.
    let slow = "slowdowns = [{ at = \"-60s\", lasts = \"5s\", capacity = 0.01 }]";
    let judged = lived("[stack.edge]\norigin_timeout = \"1s\"", KEPT, slow);
    let told = judged.measured.layers.as_ref().unwrap();
    assert!((3..=5).contains(&told.timeouts) && told.timeouts == told.failures, "{told:?}");
    // Who waited got an error each time; afterwards the page is there again.
    let errors = judged.measured.operations["reload"].outcomes["error"];
    assert!(errors > 500 && told.failing.unwrap().last_s <= 67.0, "{errors}: {told:?}");
    let patient = layers("[stack.edge]\npops = 1\norigin_timeout = \"10s\"", KEPT, slow);
    assert_eq!((patient.timeouts, patient.failures), (0, 0));
}

#[test]
fn other_errors_than_those_that_are_named_are_passed_on() {
    let named = |statuses: &str| {
        let edge = format!(
            "edge = {{ ttl = \"2s\", error_ttl = \"10s\", error_statuses = [{statuses}] }}"
        );
        layers("", &edge, DOWN)
    };
    assert!(named("500").errors_given.is_some());
    let others = named("502, 503, 504");
    assert!(others.errors_given.is_none() && others.failures == 0, "{others:?}");
}

#[test]
fn check_says_what_a_cold_edge_fetches_with_a_shield_and_without() {
    let said = |edge: &str, shop: &str| {
        let scenario = scenario(&text(edge, shop, DOWN), &set(&[]));
        offer::render(&scenario, &offer::offer(&scenario, &scenario))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let points = "[stack.edge]\npops = 20\n";
    let apart = said(points, KEPT);
    // The sum of 1 / (2.05 + r · 3.5977 / 500) over the ranks from 1 to 20, and 1 / (2.05 + 1 / 500).
    let expected = "pages 20 fetches at once by a cold edge, then 9.4/s: 1 at each of 20 points of presence; \
                    with a shield 1 fetch at once by a cold edge, then 0.5/s";
    assert!(apart.contains(expected), "{apart}");
    assert!(apart.contains("20 points of presence: in virtual time alone"), "{apart}");
    let shielded = said(&format!("{points}shield = true"), KEPT);
    assert!(shielded.contains("1 through the shield; without it 20 fetches"), "{shielded}");
    let errors = said("", "edge = { ttl = \"2s\", error_ttl = \"10s\", restarts = 1 }");
    assert!(errors.contains("is tried 2 times") && errors.contains("to all for 10s"), "{errors}");
    let plain = said("", KEPT);
    assert!(!plain.contains("pages") && !plain.contains("errors of the origin"), "{plain}");
}

#[test]
fn both_reports_of_a_run_show_its_layers() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("layered.toml");
    let kept = "edge = { ttl = \"2s\", error_ttl = \"10s\" }";
    std::fs::write(&file, text("[stack.edge]\npops = 3\nshield = true", kept, DOWN)).unwrap();
    let mut command = program();
    command.args(["simulate", "-o"]).arg(out.path()).arg(&file);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("The edge, layer by layer\n  3 points of presence: of "), "{said}");
    let run = out.path().join("layered/latest");
    let html = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(
        html.contains("<p>the shield: of ") && html.contains("an error that was kept answered")
    );
    let summary = std::fs::read_to_string(run.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let layers = &summary["result"]["layers"];
    assert_eq!((&layers["pops"], &layers["failures"]), (&3.into(), &1.into()), "{layers:#}");
    assert!(layers["shield"]["offload"].as_f64().unwrap() > 0.5, "{layers:#}");
    let recoveries = &summary["result"]["recoveries"];
    let trigger = "the application failing 100 % of its requests";
    assert!(recoveries.to_string().contains(trigger), "{recoveries:#}");
}

#[test]
fn a_live_run_says_what_of_the_edge_it_leaves_out() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("layered.toml");
    let edge = "[stack.edge]\npops = 3\nshield = true\norigin_timeout = \"5s\"";
    let kept = "edge = { ttl = \"2s\", error_ttl = \"10s\", restarts = 1 }";
    let soon = text(edge, kept, "outages = [{ at = \"-1s\", lasts = \"1s\" }]");
    let soon = soon.replace("+2m", "+1s").replace("-110s", "-1s").replace("2_000", "4");
    std::fs::write(&file, soon).unwrap();
    let mut command = program();
    command.args(["run", "--set", "sale.0.lasts=1s", "-q", "-o"]).arg(out.path()).arg(&file);
    let said = with(Room::Whole, || String::from_utf8(command.output().unwrap().stderr).unwrap());
    for left_out in [
        "left out: errors for `shop.edge.error_ttl` and `restarts`",
        "left out: `stack.edge` with 3 point(s) of presence and a shield",
        "left out: `stack.edge.origin_timeout`",
        "left out: `stack.application.outages`",
    ] {
        assert!(said.contains(left_out), "{left_out}: {said}");
    }
    // What it does about errors it says, though there are none.
    let summary = std::fs::read_to_string(out.path().join("layered/latest/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let layers = &summary["result"]["layers"];
    assert!(layers["points"]["asked"].as_u64().unwrap() > 0, "{layers:#}");
    assert_eq!((&layers["failures"], &layers["shield"]), (&0.into(), &serde_json::Value::Null));
}
