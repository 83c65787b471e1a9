//! Overrides and scale of a scenario, its JSON Schema, and the page that documents it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use spike::scenario::file::{self, Loaded};
use spike::scenario::overrides::Overrides;
use spike::scenario::{Context, Scenario, offer, schema};
use spike::verdict::World;

/// Every scenario file of the repository.
pub(crate) fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = files_under(&folder);
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    files
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let under = |path: PathBuf| if path.is_dir() { files_under(&path) } else { vec![path] };
    entries.flat_map(under).collect()
}

fn load(name: &str, overrides: &Overrides) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
    file::load(&path, overrides, &Context::VIRTUAL).unwrap_or_else(|error| panic!("{error}"))
}

fn set(each: &[&str]) -> Overrides {
    Overrides { set: each.iter().map(|set| (*set).to_owned()).collect(), ..Overrides::default() }
}

fn simulated(overrides: &Overrides) -> Scenario {
    load("dome", overrides).at_scale(None, World::Simulated)
}

#[test]
fn every_shipped_scenario_is_valid_for_the_reader_and_for_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for path in shipped() {
        let loaded = file::load(&path, &Overrides::default(), &Context::VIRTUAL);
        loaded.unwrap_or_else(|error| panic!("{error}"));
        let text = std::fs::read_to_string(&path).unwrap();
        let tree: toml::Value = toml::from_str(&text).unwrap();
        let tree = serde_json::to_value(tree).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&tree).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let dome = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/dome.toml");
    let text = std::fs::read_to_string(dome).unwrap();
    let right: Value = serde_json::to_value(toml::from_str::<toml::Value>(&text).unwrap()).unwrap();
    assert!(validator.is_valid(&right));
    for (pointer, key, value) in [
        ("", "sead", serde_json::json!(7)),
        ("/fans/0", "cuont", serde_json::json!(7)),
        ("/sale/0/items/0", "stok", serde_json::json!(7)),
        ("/shop", "storage", serde_json::json!("mysql")),
        ("/fans/0", "abandon", serde_json::json!(1.5)),
        ("/live", "connections", serde_json::json!("pool")),
    ] {
        let mut wrong = right.clone();
        let table = wrong.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        table.insert(key.to_owned(), value);
        assert!(!validator.is_valid(&wrong), "{pointer}/{key}");
    }
}

#[test]
fn a_population_takes_every_key_that_fans_obey() {
    let keys = |schema: &Value| -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let behaviour = schemars::schema_for!(spike::fan::behaviour::Behaviour).to_value();
    let fans = schema()["$defs"]["FansTable"].clone();
    let missing: Vec<_> = keys(&behaviour).difference(&keys(&fans)).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn overrides_reach_every_kind_of_place() {
    let scenario = simulated(&set(&[
        "sale.0.lasts=20s",
        "sale.0.items.1.stock = 7",
        "fans.0.count=1000",
        "fans.0.reload.calls=12",
        "fans.0.reload.gap.median=3s",
        "fans.0.pieces=[1, 1]",
        "provider.limits.0.rate=30",
        "shop.storage=memory",
        "shop.admission.orders_per_second=13.5",
        "shop.faults=[\"oversell\"]",
        "objectives.\"checkout p(95)\"=< 2s",
        "audit.drain=5s",
        "title=2026",
    ]));
    assert_eq!(scenario.catalogue.sales[0].closes.seconds(), 60.0);
    assert_eq!(scenario.catalogue.sales[0].items[1].stock, 7);
    assert_eq!(scenario.populations[0].count, 1_000);
    let behaviour = &scenario.populations[0].crowd.behaviour;
    assert_eq!((behaviour.reload.calls, behaviour.reload.cacheable), (12, 5));
    assert!((behaviour.reload.gap.mean().as_secs_f64() - 3.0 * 0.32_f64.exp()).abs() < 1e-6);
    assert_eq!(behaviour.pieces, [1.0, 1.0]);
    assert_eq!(scenario.provider.limits[0].rate, Some(30.0));
    assert_eq!(scenario.shop.storage, reference_shop::settings::Storage::Memory);
    assert_eq!(scenario.shop.admission.as_ref().unwrap().orders_per_second, Some(13.5));
    assert_eq!(scenario.shop.faults.len(), 1);
    assert!(scenario.objectives.iter().any(|objective| objective.text == "checkout p(95) < 2s"));
    assert_eq!(offer::drain(&scenario).as_secs(), 5);
    assert_eq!(scenario.title, "2026");
}

#[test]
fn the_runs_own_copy_names_its_overrides_keeps_comments_and_is_the_run() {
    let overrides = Overrides { seed: Some(9), scale: Some(0.1), ..set(&["sale.0.lasts=20s"]) };
    let loaded = load("dome", &overrides);
    let copy = loaded.text_as_run(World::Simulated);
    assert!(copy.starts_with(
        "# As run, changed by:\n#   --set sale.0.lasts=20s\n#   --seed 9\n#   --scale 0.1\n"
    ));
    assert!(copy.contains("# Half of them want one piece.\n"), "{copy}");
    let again = file::parse("copy", &copy, &Overrides::default(), &Context::VIRTUAL).unwrap();
    let mut run = loaded.at_scale(None, World::Simulated);
    let again = again.at_scale(None, World::Live);
    run.live.scale = again.live.scale;
    assert_eq!(format!("{run:?}"), format!("{again:?}"));
    assert_eq!((again.seed, again.scale), (9, 0.1));
}

#[test]
fn without_overrides_the_live_copy_is_the_file() {
    let path = &shipped()[0];
    let loaded = file::load(path, &Overrides::default(), &Context::VIRTUAL).unwrap();
    assert_eq!(loaded.text_as_run(World::Live), std::fs::read_to_string(path).unwrap());
}

#[test]
fn the_scale_is_the_flags_else_the_files_else_one() {
    let loaded = load("dome", &Overrides::default());
    assert_eq!((loaded.scale(World::Live), loaded.scale(World::Simulated)), (0.2, 1.0));
    let loaded = load("dome", &Overrides { scale: Some(0.5), ..Overrides::default() });
    assert_eq!((loaded.scale(World::Live), loaded.scale(World::Simulated)), (0.5, 0.5));
}

#[test]
fn scale_shrinks_people_stock_and_limits_but_no_time() {
    let (full, small) = {
        let loaded = load("dome", &Overrides::default());
        (loaded.at_scale(None, World::Simulated), loaded.at_scale(Some(0.01), World::Simulated))
    };
    let stock = |scenario: &Scenario| -> Vec<u32> {
        scenario.catalogue.sales[0].items.iter().map(|item| item.stock).collect()
    };
    assert_eq!(stock(&small), [9, 5, 2]);
    assert_eq!(small.populations[0].count, 700);
    assert_eq!(small.catalogue.sales[0].slots[0].capacity, 3);
    assert_eq!(
        (small.provider.limits[0].rate, small.provider.limits[0].burst),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(small.shop.admission.unwrap().orders_per_second, Some(0.45));
    assert_eq!(small.catalogue.sales[0].closes, full.catalogue.sales[0].closes);
    assert_eq!(small.populations[0].crowd, full.populations[0].crowd);
    assert_eq!(small.shop.reservation, full.shop.reservation);
    assert_eq!(small.stack, full.stack);
}

#[test]
fn the_dome_offers_what_its_head_comment_says() {
    let loaded = load("dome", &Overrides::default());
    let (full, lived) =
        (loaded.at_scale(None, World::Simulated), loaded.at_scale(None, World::Live));
    let offer = offer::offer(&full, &lived);
    let opening = offer.openings[0];
    assert!((opening.edge_per_s / 50_000.0 - 1.0).abs() < 0.05, "{opening:?}");
    assert!((opening.origin_per_s / 8_300.0 - 1.0).abs() < 0.05, "{opening:?}");
    assert_eq!((offer.arrivals, offer.needs.connections), (70_000, 14_000));
    insta::assert_snapshot!(offer::render(&full, &offer));
}

#[test]
fn gaps_and_thoughts_spread_the_storm_at_the_checkout() {
    const ALIKE: &str = "fans.0.reload.gap=10s";
    let opening = |each: &[&str]| {
        let all_stay = ["fans.0.abandon=0", "fans.0.reload.growth=0"];
        let scenario = load("dome", &set(&[&all_stay, each].concat()));
        let scenario = scenario.at_scale(None, World::Simulated);
        offer::offer(&scenario, &scenario).openings[0]
    };
    let near = |checkouts_per_s: f64, expected: f64| {
        assert!((checkouts_per_s / expected - 1.0).abs() < 0.05, "{checkouts_per_s} {expected}");
    };
    let unthinking = opening(&[ALIKE, "fans.0.think=0s"]);
    near(unthinking.checkouts_per_s, unthinking.present / 10.0);
    // Four thoughts of 3 s each move it, those of any length spread it.
    let slow = opening(&[ALIKE, "fans.0.think=3s"]);
    near(slow.checkouts_per_s, slow.present / 10.0);
    let hasty = opening(&["fans.0.think=0s"]);
    near(hasty.checkouts_per_s, hasty.edge_per_s / 6.0);
    let thoughtful = opening(&[]);
    assert!(thoughtful.checkouts_per_s < 0.7 * hasty.checkouts_per_s, "{thoughtful:?}");
    // Without a page to look at, all who are there ask as soon as they have thought.
    let at_once = opening(&["fans.0.reload={ calls = 0 }", "fans.0.think=1s"]);
    near(at_once.checkouts_per_s, at_once.present);
}

#[test]
fn payment_bounds_what_can_be_sold_and_a_short_drain_is_said() {
    let loaded = load("payment-collapse", &set(&["audit.drain=1s", "live.scale=0.1"]));
    let (full, lived) =
        (loaded.at_scale(None, World::Simulated), loaded.at_scale(None, World::Live));
    insta::assert_snapshot!(offer::render(&full, &offer::offer(&full, &lived)));
    let admitted = load("payment-admission", &Overrides::default());
    let admitted = admitted.at_scale(None, World::Simulated);
    assert_eq!(offer::sellable(&admitted)[0].sellable, 13 * 340 + 170);
}

/// The two payment scenarios are a pair: one fails and one passes, and one key tells them apart.
#[test]
fn the_payment_pair_differs_in_one_key() {
    let read = |name: &str| -> toml::Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
        let mut table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        table.remove("name");
        table.remove("title");
        table
    };
    let (bad, mut good) = (read("payment-collapse"), read("payment-admission"));
    assert_ne!(bad, good);
    good["shop"].as_table_mut().unwrap().remove("admission").unwrap();
    assert_eq!(bad, good);
}

/// The words of a file: each table's keys, by the table's path without list numbers.
pub(crate) fn tables(schema: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut tables = BTreeMap::new();
    gather(schema, schema, "", &mut tables);
    tables
}

fn gather(root: &Value, node: &Value, path: &str, tables: &mut BTreeMap<String, BTreeSet<String>>) {
    if let Some(name) = node["$ref"].as_str() {
        let name = name.trim_start_matches("#/$defs/");
        // A law is documented once, wherever it may stand.
        let path = if name == "Law" { "law" } else { path };
        gather(root, &root["$defs"][name], path, tables);
    }
    for variant in ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| node[word].as_array()) {
        for variant in variant {
            gather(root, variant, path, tables);
        }
    }
    if node["items"].is_object() {
        gather(root, &node["items"], path, tables);
    }
    // A table whose keys its writer names: each holds the same.
    if node["additionalProperties"].is_object() {
        gather(root, &node["additionalProperties"], &format!("{path}.NAME"), tables);
    }
    for (key, child) in node["properties"].as_object().into_iter().flatten() {
        tables.entry(path.to_owned()).or_default().insert(key.clone());
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        gather(root, child, &path, tables);
    }
}

/// The keys that a page documents: the first column of the tables under each heading, for every
/// table that the heading names; that of the file itself is called `whole`.
pub(crate) fn documented(page: &str, whole: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut paths: Vec<String> = Vec::new();
    for line in page.lines() {
        if line.starts_with('#') {
            let quoted = line.split('`').skip(1).step_by(2);
            paths = quoted.map(|name| name.replace(['[', ']'], "")).collect();
            if line.contains(whole) {
                paths = vec![String::new()];
            }
        } else if let Some(key) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()) {
            for path in &paths {
                tables.entry(path.clone()).or_default().insert(key.to_owned());
            }
        }
    }
    tables
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SCENARIO.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_pages_own_shop_is_a_scenario_without_a_mistake() {
    let page = page();
    let example = page.split("```toml\n").find(|block| block.starts_with("schema = 1")).unwrap();
    let example = example.split("```").next().unwrap();
    // The variable must be set, and any that is will do.
    let example = example.replace("env.SHOP_PASSWORD", "env.PATH");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my-shop.toml");
    std::fs::write(&path, &example).unwrap();
    let loaded = file::load(&path, &Overrides::default(), &Context::VIRTUAL);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let scenario = loaded.at_scale(None, World::Live);
    assert_eq!(scenario.target.as_deref().unwrap().funnel.stages.len(), 5);
    assert_eq!(scenario.populations[0].crowd.behaviour.reload.calls, 2);
    let tree: toml::Value = toml::from_str(&example).unwrap();
    let tree = serde_json::to_value(tree).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&tree).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_page_names_every_key_and_no_other() {
    assert_eq!(documented(&page(), "The file itself"), tables(&schema()));
}

#[test]
fn the_page_names_every_word_that_a_key_takes() {
    let text = page();
    let mut words = BTreeSet::new();
    gather_words(&schema(), &mut words);
    words.extend(mock_provider::settings::profiles().map(str::to_owned));
    let missing: Vec<_> =
        words.iter().filter(|word| !text.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(words.contains("strand-on-decline") && words.contains("at-once"), "{words:?}");
}

pub(crate) fn gather_words(node: &Value, words: &mut BTreeSet<String>) {
    match node {
        Value::Object(object) => {
            words.extend(object.get("const").and_then(Value::as_str).map(str::to_owned));
            let all = object.get("enum").and_then(Value::as_array);
            words.extend(all.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            object.values().for_each(|child| gather_words(child, words));
        }
        Value::Array(values) => values.iter().for_each(|child| gather_words(child, words)),
        _ => {}
    }
}
