//! Every kind of report as a person sees it: a browser opens it, on a screen and on a telephone, and each figure
//! is what `summary.json` says. What it looks like stays in `target/report-look`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::browser::{Look, asked, barriers, opened, pictures};
use crate::program::Desk;

/// Lives a scenario and gives back the run's folder.
fn lived(desk: &Desk, words: &[&str], code: i32) -> PathBuf {
    let said = desk.say(words);
    assert_eq!(said.code, Some(code), "{words:?}: {}", said.stderr);
    fs::canonicalize(desk.file("reports/latest")).unwrap()
}

fn shipped(name: &str) -> String {
    format!("{}/scenarios/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn summary_of(run: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap()
}

/// Opens the report of a run and holds it against what a report must be; at least so many of its figures are
/// compared.
fn looked_at(run: &Path, name: &str, least: usize) -> String {
    let page = run.join("report.html");
    let size = fs::metadata(&page).unwrap().len();
    assert!(size < 1_500_000, "{name}: {size} bytes");
    let summary = summary_of(run);
    let mut dom = String::new();
    for (look, kind) in [(Look::DarkAndNarrow, "dark"), (Look::Light, "light")] {
        let seen = opened(&page, look, Some(&pictures(&format!("{name}-{kind}"))));
        assert_eq!(seen.console, [""; 0], "{name}: no error, and nothing asked of the network");
        for picture in ["png", "pdf"] {
            let picture = pictures(&format!("{name}-{kind}.{picture}"));
            assert!(fs::metadata(&picture).unwrap().len() > 5_000, "{}", picture.display());
        }
        assert_eq!(barriers(&page, look), [""; 0], "{name}, {kind}");
        dom = seen.dom;
    }
    let figures = figures(&dom);
    assert!(figures.len() >= least, "{name}: {} figures", figures.len());
    for (at, shown) in &figures {
        assert_eq!(differs(&summary, at, shown), None, "{name}");
    }
    dom
}

/// Where a page's figures say that they stand, and what is shown.
fn figures(dom: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| html_escape::decode_html_entities(text).into_owned();
    let marked = dom.split(" data-figure=\"").skip(1).map(|rest| {
        let (at, rest) = rest.split_once('"').unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let (shown, _) = rest.split_once('<').unwrap();
        (decoded(at), decoded(shown))
    });
    marked.collect()
}

/// The values at a place of a summary: several where it says `*`, none where it has none.
fn values<'a>(summary: &'a Value, at: &str) -> Vec<&'a Value> {
    let mut here = vec![summary];
    for part in at.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        here = here.into_iter().flat_map(|value| within(value, &part)).collect();
    }
    here.into_iter().filter(|value| !value.is_null()).collect()
}

fn within<'a>(value: &'a Value, part: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(object) if part == "*" => object.values().collect(),
        Value::Object(object) => object.get(part).into_iter().collect(),
        Value::Array(array) => match part.parse::<usize>() {
            Ok(place) => array.get(place).into_iter().collect(),
            // Findings have names.
            Err(_) => array.iter().filter(|one| one["id"] == part).collect(),
        },
        _ => Vec::new(),
    }
}

/// How what is shown differs from what stands there; `None` where it does not.
fn differs(summary: &Value, at: &str, shown: &str) -> Option<String> {
    let values = values(summary, at);
    if let [Value::String(text)] = values[..] {
        return (text != shown).then(|| format!("{at}: {text}, shown as {shown}"));
    }
    let sum: f64 = values.iter().filter_map(|value| value.as_f64()).sum();
    if shown == "–" {
        // Nobody says: then it is 0 or absent.
        return (sum > 0.0).then(|| format!("{at}: {sum} is not shown"));
    }
    let read = read(shown);
    let Some((value, tolerance)) = read else { return Some(format!("{at}: no figure: {shown}")) };
    ((value - sum).abs() > tolerance).then(|| format!("{at}: {sum}, shown as {shown}"))
}

/// The value that a text shows, and how far the value itself may be from it: half of the last digit. Times are in
/// ms, shares are ratios.
fn read(shown: &str) -> Option<(f64, f64)> {
    let shown = shown.replace(',', "").replace('−', "-");
    let words: Vec<&str> = shown.split_whitespace().collect();
    let number = |word: &str| word.parse::<f64>().ok();
    let digit = |word: &str| {
        let decimals = word.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        0.500_001 / (0..decimals).fold(1.0, |power, _| power * 10.0)
    };
    let scaled = |word: &str, unit: f64| Some((number(word)? * unit, digit(word) * unit));
    match words[..] {
        ["<", _, "%"] => Some((0.000_05, 0.000_05)),
        [">", _, "%"] => Some((0.999_95, 0.000_05)),
        [hours, "h", minutes, "min"] => {
            // Minutes that are not full are cut off.
            let minutes = number(hours)? * 60.0 + number(minutes)? + 0.5;
            Some((minutes * 60_000.0, 30_500.0))
        }
        [minutes, "min", seconds, "s"] => {
            Some((number(minutes)? * 60_000.0 + number(seconds)? * 1e3, 501.0))
        }
        [word, "s"] => scaled(word, 1e3),
        [word, "ms"] | [word, "minor", "units"] => scaled(word, 1.0),
        [word, "%"] => scaled(word, 0.01),
        [word] => scaled(word.trim_end_matches("/s"), 1.0),
        _ => None,
    }
}

#[test]
fn what_is_shown_is_read_to_half_of_its_last_digit() {
    let summary =
        json!({"a": {"b/c": 1_234.4, "d": 66_500.0, "none": null}, "list": [{"id": "X", "n": 7}]});
    let holds = |at: &str, shown: &str| differs(&summary, at, shown).is_none();
    assert!(
        holds("/a/b~1c", "1,234") && holds("/a/b~1c", "1.23 s") && holds("/a/b~1c", "1,234.4/s")
    );
    assert!(!holds("/a/b~1c", "1,235") && !holds("/a/b~1c", "1.24 s") && !holds("/a/b~1c", "–"));
    assert!(holds("/a/d", "1 min 07 s") && !holds("/a/d", "1 min 08 s"));
    assert!(holds("/list/X/n", "7") && holds("/list/0/n", "7") && holds("/list/Y/n", "–"));
    assert!(holds("/a/none", "–") && holds("/a/none", "0") && !holds("/a/none", "3"));
    assert!(holds("/a/*", "67,734"), "all of them, and what is absent adds nothing");
}

/// Where the last of the five answers, the step to do next, ends \[pixels of a screen of 1280 × 800\]; below it
/// stands what else was tried.
fn answered_at(run: &Path) -> f64 {
    let script = "addEventListener('load', () => \
                  say(document.querySelector('.answers .do p').getBoundingClientRect().bottom));";
    asked(&run.join("report.html"), Look::Light, script).as_f64().unwrap()
}

/// The headings of the five answers.
const QUESTIONS: [&str; 5] =
    ["id=\"verdict\"", "What broke first?", "Pieces sold", "Stranded", "Waited "];

#[test]
fn a_simulated_run_answers_on_the_first_screen() {
    let desk = Desk::new();
    let said = desk.say(&["simulate", &shipped("dome.toml"), "--scale", "0.05", "--quiet"]);
    assert!(said.code.is_some_and(|code| code != 1), "{}", said.stderr);
    let run = fs::canonicalize(desk.file("reports/latest")).unwrap();
    let dom = looked_at(&run, "simulated", 60);
    let screen = &dom[..dom.find("<nav").unwrap()];
    for question in QUESTIONS {
        assert!(screen.contains(question), "{question}");
    }
    assert!(dom.contains("How long people waited when"), "there is a heat map");
    assert!(answered_at(&run) < 800.0);
}

#[test]
fn a_run_that_broke_names_the_key_and_the_value_that_were_tried() {
    let desk = Desk::new();
    let scenario = shipped("payment-collapse.toml");
    let run = lived(&desk, &["simulate", &scenario, "--scale", "0.02", "--quiet"], 111);
    let dom = looked_at(&run, "broken", 50);
    let screen = &dom[..dom.find("<nav").unwrap()];
    assert!(screen.contains("What to change?") && screen.contains("shop.admission="), "{screen}");
    assert!(answered_at(&run) < 800.0);
}

#[test]
fn a_live_run_is_shown_with_the_health_of_its_generator() {
    let desk = Desk::new();
    desk.say(&["run", "small.toml", "--quiet"]);
    let run = fs::canonicalize(desk.file("reports/latest")).unwrap();
    let dom = looked_at(&run, "live", 60);
    assert!(dom.contains("data-figure=\"/result/health/lateness_ms/p99\""));
}

#[test]
fn a_run_that_was_cut_short_or_left_nothing_is_shown_too() {
    let desk = Desk::new();
    let run = lived(&desk, &["simulate", "small.toml", "--quiet"], 0);
    fs::remove_file(run.join("ending.json")).unwrap();
    let verified = desk.say(&["verify", "reports/latest", "--quiet"]);
    assert_eq!(verified.code, Some(112), "{}", verified.stderr);
    looked_at(&run, "partial", 30);
    for file in fs::read_dir(&run).unwrap().map(Result::unwrap) {
        let file = file.path();
        if file.extension().is_some_and(|kind| kind == "jsonl" || kind == "hlog") {
            fs::remove_file(file).unwrap();
        }
    }
    let verified = desk.say(&["verify", "reports/latest", "--quiet"]);
    assert_eq!(verified.code, Some(112), "{}", verified.stderr);
    let dom = looked_at(&run, "empty", 10);
    assert!(dom.contains("Nothing can be said.") && dom.contains("nothing was measured"));
}

#[test]
fn what_is_lived_beside_sales_is_shown() {
    let desk = Desk::new();
    desk.write(
        "queue.toml",
        "schema = 1\nname = \"queue\"\ntitle = \"One queue\"\n[[queue]]\nname = \"desk\"\n\
         arrivals = { shape = \"poisson\", rate = \"0.5/s\" }\n\
         service = { shape = \"exponential\", mean = \"1s\" }\ncustomers = 20_000\n",
    );
    let queue = lived(&desk, &["simulate", "queue.toml", "--quiet"], 0);
    assert!(looked_at(&queue, "queue", 2).contains("Plain queues"));
    let rooms = shipped("rooms/room-pool.toml");
    let rooms = lived(&desk, &["simulate", &rooms, "--scale", "0.1", "--quiet"], 0);
    assert!(looked_at(&rooms, "rooms", 2).contains("The machines of venues over time"));
}

#[test]
fn two_runs_lie_over_each_other_on_one_page() {
    let desk = Desk::new();
    for (out, seed) in [("one", "7"), ("other", "8")] {
        let words = ["simulate", "small.toml", "--quiet", "--seed", seed, "--out", out];
        assert!(desk.say(&words).code.is_some_and(|code| code != 1));
    }
    let words = ["compare", "one/latest", "other/latest", "--html", "compared.html"];
    let said = desk.say(&words);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let page = desk.file("compared.html");
    for (look, kind) in [(Look::DarkAndNarrow, "dark"), (Look::Light, "light")] {
        let seen = opened(&page, look, Some(&pictures(&format!("compared-{kind}"))));
        assert_eq!(seen.console, [""; 0], "no error, and nothing asked of the network");
        assert_eq!(barriers(&page, look), [""; 0], "{kind}");
        for told in ["The seeds differ, 7 in A and 8 in B", "edge, A", "edge, B", "B − A"] {
            assert!(seen.dom.contains(told), "{told}");
        }
    }
}

/// A day of seconds, one of them unlike all others: the page stays small, and that second can be seen and read.
#[test]
fn a_day_is_a_small_page() {
    const SPIKE: u64 = 987_654_321;
    let desk = Desk::new();
    let run = lived(&desk, &["simulate", "small.toml", "--quiet"], 0);
    let mut summary = summary_of(&run);
    let seconds = summary["result"]["timeline"].as_array().unwrap().clone();
    let day = (0_u64..86_400).zip(seconds.iter().cycle()).map(|(number, second)| {
        let mut second = second.clone();
        second["at_s"] = json!(number as f64);
        second["origin"] = json!(number * 7_919 % 1_000);
        second["edge"] = json!(if number == 50_000 { SPIKE } else { number * 7_919 % 4_000 });
        second
    });
    summary["result"]["timeline"] = day.collect();
    summary["result"]["rates"]["edge"]["peak_per_s"] = json!(SPIKE as f64);
    fs::write(run.join("summary.json"), serde_json::to_vec(&summary).unwrap()).unwrap();
    let drawn = desk.say(&["report", "reports/latest", "--quiet"]);
    assert_eq!(drawn.code, Some(0), "{}", drawn.stderr);
    let dom = looked_at(&run, "day", 40);
    assert!(dom.contains("987,654,321/s") && dom.contains("987654321.0"));
}

/// The mouse over the chart of the tiers, in its middle: what it reads is what the timeline says of that second.
#[test]
fn a_chart_answers_to_the_mouse_and_to_the_keys() {
    let desk = Desk::new();
    let run = lived(&desk, &["simulate", "small.toml", "--quiet"], 0);
    let summary = summary_of(&run);
    let script = "addEventListener('load', () => {
        const figure = document.querySelector('figure.read');
        const svg = figure.querySelector('svg');
        const told = () => [...figure.querySelectorAll('.told > *')].map((line) =>
            [...line.childNodes].map((part) => part.textContent));
        const box = svg.getBoundingClientRect();
        const point = { clientX: box.left + box.width / 2, clientY: box.top + 60 };
        svg.dispatchEvent(new PointerEvent('pointermove', point));
        const mouse = told();
        svg.dispatchEvent(new PointerEvent('pointerleave'));
        const hidden = figure.querySelector('.told').hidden;
        figure.focus();
        figure.dispatchEvent(new KeyboardEvent('keydown', { key: 'End' }));
        say({ mouse, hidden, keys: told() });
    });";
    let said = asked(&run.join("report.html"), Look::Light, script);
    assert_eq!(said["hidden"], true, "{said}");
    let second_of = |told: &Value| {
        let moment = told[0][0].as_str().unwrap().replace('−', "-");
        let from_opening = moment.trim_start_matches('T').trim_end_matches(" s").to_owned();
        let opens_s = summary["result"]["sales"]["day-1"]["opens_s"].as_f64().unwrap();
        let at_s = from_opening.parse::<f64>().unwrap() + opens_s;
        let timeline = summary["result"]["timeline"].as_array().unwrap();
        let of = |second: &&Value| second["at_s"].as_f64().unwrap() <= at_s;
        timeline.iter().rfind(of).unwrap().clone()
    };
    for told in [&said["mouse"], &said["keys"]] {
        let second = second_of(told);
        let lines = told.as_array().unwrap();
        assert_eq!(lines.len(), 5, "a moment and four tiers: {said}");
        for line in &lines[1..] {
            let (tier, shown) = (line[0].as_str().unwrap(), line[1].as_str().unwrap());
            assert_eq!(differs(&second, &format!("/{tier}"), shown), None, "{said}");
        }
    }
}
