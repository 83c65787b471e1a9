//! Every mistake in a scenario is told at once, with file, line, column and the nearest right word.

use domain::time::Time;
use spike::scenario::file::{self, Loaded};
use spike::scenario::overrides::Overrides;
use spike::scenario::{Context, Late};
use spike::verdict::World;

/// A scenario without a mistake.
const RIGHT: &str = r#"
schema = 1
name = "small"

[[sale]]
id = "day-1"
opens = "+40s"
lasts = "30s"
items = [
    { id = "tee", stock = 90, price = 4_500, demand = 0.6 },
    { id = "towel", stock = 11, price = 2_500, demand = 0.4 },
]
slots = [{ id = "12:30", capacity = 40 }]

[[fans]]
name = "fans"
count = 700
arrive = { shape = "logistic", midpoint = "-25s", spread = "2s" }   # around the opening
reload = { calls = 6, cacheable = 5 }

[provider]
profile = "shared-30"
"#;

fn read(text: &str) -> Result<Loaded, String> {
    read_with(text, &Overrides::default(), &Context::VIRTUAL)
}

fn read_with(text: &str, overrides: &Overrides, context: &Context) -> Result<Loaded, String> {
    file::parse("small.toml", text, overrides, context).map_err(|problems| problems.to_string())
}

fn problems(text: &str) -> String {
    read(text).map(|_| ()).expect_err("the scenario is wrong")
}

/// The scenario with one passage changed.
fn with(from: &str, to: &str) -> String {
    assert!(RIGHT.contains(from), "{from}");
    RIGHT.replace(from, to)
}

#[test]
fn ten_mistakes_are_ten_messages() {
    let text = r#"
schema = 1
name = "ten mistakes"
sead = 7

[[sale]]
id = "day-1"
opens = "+40s"
lasts = "30 parsecs"
items = [
    { id = "tee", stock = "many", price = 4_500 },
    { id = "tee", stock = 11, price = 2_500 },
]

[[fans]]
name = "fans"
sale = "day-2"
arrive = { shape = "logistics", midpoint = "-25s", spread = "2s" }
reload = { calls = 6, cacheable = 6 }
abandon = 1.5

[shop]
storage = "sqlit"

[provider]
profile = "shared-03"

[target]
url = "https://example.com"
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn broken_toml_is_told_without_calling_the_rest_missing() {
    let text = "name = \"broken\n[[sale]]\nid = \"day-1\"\nid = \"day-2\"\nlasst = \"3s\"\n";
    insta::assert_snapshot!(problems(text));
}

#[test]
fn an_empty_file_lacks_what_every_scenario_needs() {
    insta::assert_snapshot!(problems(""));
}

#[test]
fn offers() {
    for name in ["dome", "payment-collapse", "payment-admission", "oversell"] {
        let path = std::path::PathBuf::from(format!("scenarios/{name}.toml"));
        let loaded = match file::load(&path, &Overrides::default(), &Context::VIRTUAL) {
            Ok(l) => l,
            Err(e) => panic!("{e}"),
        };
        let s = loaded.at_scale(None, World::Simulated);
        let l = loaded.at_scale(None, World::Live);
        println!("{}", spike::scenario::offer::render(&s, &spike::scenario::offer::offer(&s, &l)));
    }
}
