//! Fans in virtual time, against shops that are slow or full.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use domain::outcome::Outcome;
use domain::shop::ShopLine;

use super::*;
use crate::measure::recorder::Sinks;
use crate::scenario::file::parse;
use crate::scenario::overrides::Overrides;
use crate::scenario::{Context, offer};
use crate::verdict::World as Which;

/// A file in memory that can be read after it was written.
#[derive(Clone, Debug, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a run left behind.
struct Left {
    run: SimulatedRun,
    timeline: String,
    purchases: String,
    latency: String,
}

impl Left {
    /// How many calls of reloads ended how.
    fn calls(&self) -> BTreeMap<String, u64> {
        let mut calls = BTreeMap::new();
        for line in self.timeline.lines() {
            let second: serde_json::Value = serde_json::from_str(line).unwrap();
            for (outcome, count) in second["calls"].as_object().into_iter().flatten() {
                *calls.entry(outcome.clone()).or_default() += count.as_u64().unwrap();
            }
        }
        calls
    }
}

/// Lives a sale of 10 tees that is open at 1 s, with the keys `fans` of its people and `tables` after them.
fn live(fans: &str, tables: &str) -> Left {
    let text = format!(
        "schema = 1\nname = \"trial\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"20s\"\nlimit_per_fan = 1\n\
         items = [{{ id = \"tee\", stock = 10, price = 4_500, demand = 1.0 }}]\n\
         [[fans]]\nname = \"fans\"\nsale = \"day-1\"\n{fans}\n{tables}\n"
    );
    let loaded = parse("trial.toml", &text, &Overrides::default(), &Context::VIRTUAL);
    let scenario = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let scenario = scenario.at_scale(None, Which::Simulated);
    let [timeline, purchases, latency] = [Page::default(), Page::default(), Page::default()];
    let sinks = Sinks {
        latency: Box::new(latency.clone()),
        timeline: Box::new(timeline.clone()),
        purchases: Box::new(purchases.clone()),
        snapshots: Box::new(io::sink()),
    };
    let mut recorder = Recorder::new(sinks, 0, scenario.first_opening()).unwrap();
    let drain = offer::drain(&scenario);
    let watch = &mut |_: &Progress| ControlFlow::Continue(());
    let run = run(&scenario, drain, Visits::Keep, &mut recorder, watch).unwrap();
    let text = |page: Page| String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    Left { run, timeline: text(timeline), purchases: text(purchases), latency: text(latency) }
}

#[test]
fn a_request_that_its_fan_gave_up_on_still_becomes_an_order() {
    // The fan's checkout is sent at 2 s, behind 20 questions of bots that leave at 2.9 s; the fan
    // itself gives up at 5 s, and the shop sees the checkout at 12 s.
    let left = live(
        "count = 1\narrive = { shape = \"at-once\" }\ntimeout = \"3s\"\n\
         reload = { calls = 0, cacheable = 0 }\nretry = { attempts = 0 }\n\
         [[fans]]\nname = \"bots\"\nsale = \"day-1\"\ncount = 20\ntimeout = \"1s\"\n\
         arrive = { shape = \"at-once\", at = \"900ms\" }\n\
         reload = { calls = 0, cacheable = 0 }\nretry = { attempts = 0 }",
        "[stack.application]\nservers = 1\nservice = \"500ms\"",
    );
    let ended = left.run.ending.load_ended;
    let created = left.run.ledgers.shop.iter().find_map(|line| match line {
        ShopLine::Order { created_utc_ns, .. } => Some(Time::from_nanos(*created_utc_ns)),
        _ => None,
    });
    assert!(created.is_some_and(|created| created > ended), "{created:?} after {ended:?}");
    assert!(left.purchases.contains("\"unknown\""), "{}", left.purchases);
}

#[test]
fn a_call_of_a_reload_that_is_never_answered_is_counted_as_unknown() {
    let left = live(
        "count = 1\narrive = { shape = \"at-once\" }\ntimeout = \"1s\"\n\
         reload = { calls = 2, cacheable = 1 }\nretry = { attempts = 0 }",
        "[stack.application]\nservers = 1\nservice = \"5s\"",
    );
    assert_eq!(left.calls(), BTreeMap::from([(Outcome::Unknown.to_string(), 1)]));
}

#[test]
fn a_part_that_is_not_answered_ends_the_reload_of_all_who_wait_for_it() {
    let left = live(
        "count = 3\narrive = { shape = \"at-once\" }\n\
         reload = { calls = 4, cacheable = 3 }\nretry = { attempts = 0 }",
        "[shop]\nedge = { ttl = \"1s\", collapse = true }\n\
         [stack]\nnetwork = \"10ms\"\n\
         [stack.application]\nservers = 1\nqueue = 0\nservice = \"30s\"",
    );
    // One fan's fetch of the first part takes the only worker; the others wait for it at the edge
    // until all three leave, and nobody asks for a second part.
    assert_eq!(left.calls().values().sum::<u64>(), 3, "{:?}", left.calls());
}

#[test]
fn what_the_edge_is_known_to_have_is_answered_as_if_it_were_asked() {
    // An edge of servers that take no time answers each request when it comes; one without knows before. Nobody
    // waits for another, so that no two things happen in one instant, whose order would hang on that.
    let edges = ["", "[stack.edge]\nservers = 1_000\nservice = \"0s\"\n"];
    for timeout in ["1s", "70ms"] {
        let fans = format!(
            "count = 300\narrive = {{ shape = \"poisson\", from = \"-1s\", over = \"3s\" }}\n\
             reload = {{ gap = {{ median = \"300ms\", sigma = 0.3 }}, calls = 4, cacheable = 3 }}\ntimeout = \"{timeout}\"\n\
             sold_out = {{ leave = 0.1, every = \"500ms\" }}"
        );
        let [ahead, asked] = edges.map(|edge| {
            let tables = format!(
                "[shop]\nedge = {{ ttl = \"300ms\", collapse = false }}\n[stack]\n\
                 network = \"20ms\"\n{edge}[stack.application]\nservers = 900\nservice = \"5ms\""
            );
            live(&fans, &tables)
        });
        assert_eq!(ahead.timeline, asked.timeline, "{timeout}");
        assert_eq!(ahead.purchases, asked.purchases, "{timeout}");
        assert_eq!(ahead.latency, asked.latency, "{timeout}");
        let events = (ahead.run.events, asked.run.events);
        assert!(events.0 * 3 < events.1 * 2, "{timeout}: {events:?}");
        assert!(ahead.calls()[&Outcome::Ok.to_string()] > 1_000, "{timeout}: {:?}", ahead.calls());
    }
}

/// When the last of ten fans who come at once has bought one of ten tees \[ms after the opening\], where
/// a transaction takes 500 ms.
fn last_sale_ms(shop: &str) -> u64 {
    let left = live(
        "count = 10\narrive = { shape = \"at-once\" }\nreload = { calls = 0, cacheable = 0 }\n\
         think = \"0s\"\nabandon = 0.0\ntimeout = \"15s\"\npieces = [1.0]",
        &format!(
            "[shop]\nstorage = \"postgres\"\nsaga = \"reserve-first\"\nprovider_timeout = \"1s\"\n\
             time_in_transaction = \"500ms\"\n{shop}\n[provider]\nprofile = \"stripe-2024\"\n\
             declines = 0.0\nlatency = {{ authorize = \"1ms\", capture = \"1ms\" }}"
        ),
    );
    let sales = left.run.ledgers.shop.iter().filter_map(|line| match line {
        ShopLine::Order { paid: true, updated_utc_ns, .. } => Some(*updated_utc_ns),
        _ => None,
    });
    let sales: Vec<u64> = sales.collect();
    assert_eq!(sales.len(), 10, "{shop}: {}", left.purchases);
    sales.into_iter().max().unwrap() / 1_000_000 - 1_000
}

#[test]
fn a_counters_row_is_waited_for_rows_of_pieces_are_not_and_a_connection_always_is() {
    // Each reserves, which takes its time once; that it is held longer takes none.
    for slow in ["inventory = \"row-lock\"", "inventory = \"guarded-counter\"", "connections = 1"] {
        assert!(last_sale_ms(slow) >= 5_000, "{slow}");
    }
    // One of those who have read the same version gets through at a time.
    assert!(last_sale_ms("inventory = \"optimistic\"") >= 5_000);
    assert!(last_sale_ms("inventory = \"unit-rows\"") < 2_000);
}
