//! The simulated world against the limits that many people have in common: fluids.

use crate::rehearsal::{scenario, set, shipped_text, simulate};

#[test]
fn a_line_grows_and_drains_as_a_fluid_does() {
    // M_t/M/1: 2,000 a second come for a minute, then 500, and 1,000 a second are served. The backlog after
    // that minute is 60,000 with a standard deviation of at most √(60 s · 3,000/s) = 424; who then comes waits
    // a minute, and the line is gone after another two.
    let text = shipped_text("crowd/metastable-retry");
    let step = "fans.0.arrive={ shape = \"step\", points = [{ at = \"0s\", rate = \"2000/s\" }, \
                { at = \"60s\", rate = \"500/s\" }, { at = \"210s\", rate = \"0/s\" }] }";
    let scenario = scenario(
        &text,
        &set(&[
            step,
            "fans.0.count=195000",
            "fans.0.timeout=5m",
            "fans.0.retry.attempts=0",
            "sale.0.items.0.stock=1",
            "stack.network=0s",
            "stack.application={ servers = 1, service = { mean = \"1ms\" } }",
        ]),
    );
    let (judged, _) = simulate(&scenario);
    let seconds = &judged.measured.timeline;
    let opens_s = scenario.first_opening().seconds();
    let present_at = |after_s: f64| {
        let second = seconds.iter().find(|second| second.at_s + 1.0 >= opens_s + after_s);
        second.unwrap().present as f64
    };
    let within = |what: &str, found: f64, expected: f64, by: f64| {
        assert!((found - expected).abs() <= by, "{what}: {found} is not {expected} ± {by}");
    };
    let three_sd = 3.0 * 424.0;
    within("after half a minute", present_at(30.0), 30_000.0, three_sd);
    within("after a minute", present_at(60.0), 60_000.0, three_sd);
    within("after two", present_at(120.0), 30_000.0, three_sd);
    let longest_s = judged.measured.operations["item"].response_ms.as_ref().unwrap().max / 1e3;
    within("the longest wait", longest_s, 60.0, three_sd / 1e3);
    let gone = seconds.iter().filter(|second| second.at_s > opens_s + 60.0);
    let gone_s = gone.into_iter().find(|second| second.present < 50).unwrap().at_s - opens_s;
    within("until the line is gone", gone_s, 180.0, 3.0 * three_sd / 500.0);
}
