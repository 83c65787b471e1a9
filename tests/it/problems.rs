//! Every mistake in a scenario is told at once, with file, line, column and the nearest right word.

use std::fmt::Write as _;

use domain::time::Time;
use proptest::collection::vec;
use proptest::prelude::*;
use spike::scenario::file::{self, Loaded};
use spike::scenario::overrides::Overrides;
use spike::scenario::{Context, Late, offer};
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

/// What is said, in virtual time, of a file that cannot be lived.
#[track_caller]
pub(crate) fn refused(file: &str, text: &str) -> String {
    let loaded = file::parse(file, text, &Overrides::default(), &Context::VIRTUAL);
    loaded.map(|_| ()).unwrap_err().to_string()
}

/// What is said of files with one mistake each: one problem, and its line.
#[track_caller]
pub(crate) fn refused_alone(file: &str, texts: impl IntoIterator<Item = String>) -> String {
    let texts = texts.into_iter();
    let alone = texts.map(|text| {
        let problems = refused(file, &text);
        assert!(problems.ends_with(": 1 problem\n"), "{text}:\n{problems}");
        assert!(problems.contains(&format!("--> {file}:")), "{problems}");
        let (told, _count) = problems.split_once(&format!("error: {file}")).unwrap();
        told.to_owned()
    });
    alone.collect()
}

fn problems(text: &str) -> String {
    refused("small.toml", text)
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

[queue]
name = "till"
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
fn a_scenario_without_a_mistake_is_read() {
    let scenario = read(RIGHT).unwrap().at_scale(None, World::Simulated);
    assert_eq!(scenario.title, "small");
    assert_eq!(scenario.catalogue.sales[0].opens, Time::from_millis(40_000));
    assert_eq!(scenario.catalogue.sales[0].closes, Time::from_millis(70_000));
    assert_eq!(scenario.populations[0].crowd.demand, [0.6, 0.4]);
    assert_eq!(scenario.populations[0].sale, 0);
    assert_eq!(scenario.populations[0].crowd.closes, Time::from_millis(70_000));
}

/// One mistake at a time: a passage of the right scenario, and what stands there instead.
const MISTAKES: &[(&str, &str)] = &[
    ("schema = 1", "schema = 2"),
    ("schema = 1", "timezone = 9"),
    ("schema = 1", "live = { scale = 0 }"),
    ("schema = 1", "live = { threads = 0 }"),
    ("schema = 1", "live = { connections = \"pool\" }"),
    ("schema = 1", "live = { connections = { pool = 0 } }"),
    ("schema = 1", "live = { processes = 0 }"),
    ("schema = 1", "live = { local_ips = [] }"),
    ("schema = 1", "live = { local_ips = [\"here\"] }"),
    ("schema = 1", "live = { local_ips = [\"0.0.0.0\"] }"),
    ("schema = 1", "live = { local_ips = [\"127.0.0.2\", \"127.0.0.2\"] }"),
    ("schema = 1", "phases = { opening = \"0s\" }"),
    ("schema = 1", "objectives = { \"reload p(99)\" = \"fast\" }"),
    ("schema = 1", "audit = { waive = [{ id = \"INV-FIF\", reason = \"so\" }] }"),
    ("schema = 1", "audit = { waive = [{ id = \"INV-FIFO\", reason = \" \" }] }"),
    ("schema = 1", "audit = { waive = [{ id = \"INV-FIFO\" }] }"),
    ("schema = 1", "stack = { database = { servers = 0, service = \"1ms\" } }"),
    ("schema = 1", "stack = { database = { servers = 1, queue = 9, service = \"1ms\" } }"),
    ("schema = 1", "shop = { admission = { orders_per_second = 0 } }"),
    ("schema = 1", "shop = { faults = [\"oversel\"] }"),
    ("schema = 1", "shop = { reservation = { ttl = \"0s\" } }"),
    ("id = \"day-1\"", "id = \"day/1\""),
    ("opens = \"+40s\"", "opens = \"noon\""),
    ("opens = \"+40s\"", "opens = \"-4s\""),
    ("opens = \"+40s\"", "opens = 2026-12-24T12:00:00+09:00"),
    ("opens = \"+40s\"", "opens = \"+20s\""),
    ("opens = \"+40s\"", ""),
    ("lasts = \"30s\"", "lasts = \"0s\""),
    ("lasts = \"30s\"", "lasts = \"8d\""),
    ("lasts = \"30s\"", "lasts = \"30s\"\nlimit_per_fan = 0"),
    ("stock = 90", "stock = 0"),
    ("stock = 90", "stock = -5"),
    ("stock = 90", "stock = \"90\""),
    ("stock = 90", "stok = 90"),
    ("price = 4_500", "price = 0"),
    ("id = \"towel\"", "id = \"tee\""),
    ("demand = 0.6", "demand = -1"),
    ("capacity = 40", "capacity = 40, id = \"1\""),
    ("[[sale]]", "[sale]"),
    ("[provider]", "[[provider]]"),
    ("name = \"fans\"", "name = \" fans\""),
    ("count = 700", "count = 0"),
    ("count = 700", "count = 700\nsale = \"day-2\""),
    ("midpoint = \"-25s\"", "midpiont = \"-25s\""),
    ("spread = \"2s\"", "spread = \"2s\", from = \"-25s\""),
    ("cacheable = 5", "cacheable = 6"),
    ("calls = 6", "calls = 6, gap = \"0s\""),
    ("calls = 6", "calls = 6, gap = { median = \"1s\", sigma = 9 }"),
    ("calls = 6", "calls = 6, gap = { median = \"1s\" }"),
    ("count = 700", "count = 700\nabandon = -0.1"),
    ("count = 700", "count = 700\npieces = [0, 0]"),
    ("count = 700", "count = 700\npieces = [\"one\"]"),
    ("count = 700", "count = 700\nretry = { factor = 0.5 }"),
    ("count = 700", "count = 700\nretry = { base = \"30s\" }"),
    ("count = 700", "count = 700\nsold_out = { leave = 2 }"),
    ("profile = \"shared-30\"", "profile = \"shared-03\""),
    ("profile = \"shared-30\"", "limits = [{ rate = 0 }]"),
    ("profile = \"shared-30\"", "limits = [{ burst = 4 }]"),
    ("profile = \"shared-30\"", "limits = [{ rate = 4, window = \"1s\" }]"),
    ("profile = \"shared-30\"", "declines = 1.5"),
    ("profile = \"shared-30\"", "[queue]\nname = \"q\""),
];

#[test]
fn each_mistake_is_told_once_and_alone() {
    let (mut told, mut more) = (String::new(), String::new());
    for (from, to) in MISTAKES {
        let problems = problems(&with(from, to));
        if !problems.ends_with(": 1 problem\n") {
            write!(more, "{from} -> {to}:\n{problems}").unwrap();
        }
        told.push_str(problems.split("error: small.toml").next().unwrap());
    }
    assert!(more.is_empty(), "{more}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_sale_has_at_most_64_slots() {
    let slot = |number: usize| format!("{{ id = \"{number}\", capacity = 4 }}");
    let slots: Vec<String> = (0..65).map(slot).collect();
    let told = problems(&with("{ id = \"12:30\", capacity = 40 }", &slots.join(", ")));
    assert!(told.starts_with("error: 65 slots in one sale\n"), "{told}");
}

#[test]
fn an_opening_must_lie_ahead_unless_late_is_allowed() {
    // 2026-12-24T12:00:00+09:00.
    let opens_utc_ns = 1_798_081_200_000_000_000_u64;
    let text = with("\"+40s\"", "\"2026-12-24T12:00:00+09:00\"");
    let read_at = |offset_s: i64, late| {
        let now_utc_ns = opens_utc_ns.checked_add_signed(offset_s * 1_000_000_000);
        read_with(&text, &Overrides::default(), &Context { now_utc_ns, late })
    };
    let opens = |read: Result<Loaded, String>| {
        let sale = &read.unwrap().at_scale(None, World::Live).catalogue.sales[0];
        (sale.opens.seconds(), sale.closes.seconds())
    };
    assert_eq!(opens(read_at(-60, Late::Refused)), (60.0, 90.0));
    assert_eq!(opens(read_at(-3, Late::Allowed)), (3.0, 33.0));
    assert_eq!(opens(read_at(10, Late::Allowed)), (0.0, 20.0));
    let mut told = String::new();
    for (offset_s, late) in
        [(10, Late::Refused), (-3, Late::Refused), (-20, Late::Refused), (40, Late::Allowed)]
    {
        told.push_str(&read_at(offset_s, late).map(|_| ()).unwrap_err());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_limit_changes_at_an_instant_of_a_run_whose_beginning_is_known() {
    let schedule =
        "\n[[provider.schedule]]\nat = \"2026-12-24T12:05:00+09:00\"\nlimit = 0\nrate = 9\n";
    let at_an_instant = with("\"+40s\"", "\"2026-12-24T12:00:00+09:00\"") + schedule;
    let scenario = read(&at_an_instant).unwrap().at_scale(None, World::Simulated);
    let offset = |time: Option<Time>| time.unwrap().seconds();
    let opens = scenario.catalogue.sales[0].opens.seconds();
    assert_eq!(offset(scenario.provider.schedule[0].at.time()), opens + 300.0);
    let told = problems(&(RIGHT.to_owned() + schedule));
    assert!(
        told.starts_with("error: schedule.0.at: 2026-12-24T03:05:00Z: an instant needs"),
        "{told}"
    );
}

#[test]
fn in_virtual_time_the_run_begins_early_enough_and_hangs_on_the_file_alone() {
    let text = with("\"+40s\"", "\"2020-12-24T12:00:00+09:00\"");
    let virtually = read(&text).unwrap().at_scale(None, World::Simulated);
    assert_eq!(virtually.catalogue.sales[0].opens.seconds(), 60.0);
    // Half a fan of 700 is expected 14.5 spreads of 5 s before the midpoint.
    let text = text.replace("spread = \"2s\"", "spread = \"10s\"");
    let virtually = read(&text).unwrap().at_scale(None, World::Simulated);
    assert!(virtually.catalogue.sales[0].opens.seconds() > 90.0);
    let later = read(&text).unwrap().began_at(1_600_000_000_000_000_000);
    let later = later.at_scale(None, World::Simulated);
    assert_eq!(later.catalogue, virtually.catalogue);
}

#[test]
fn a_bad_override_says_what_there_is() {
    let set = [
        "fans.0.cuont=5",
        "fans.1.count=5",
        "fans.x.count=5",
        "sale.0.items.7.stock=5",
        "sale.0.lasts.seconds=5",
        "provider.limits.0.rate=5",
        "zzz=1",
        "fans.0.count",
        "=5",
        "fans.0.count=many",
    ];
    let overrides = Overrides {
        set: set.iter().map(|set| (*set).to_owned()).collect(),
        scale: Some(-1.0),
        ..Overrides::default()
    };
    let told = read_with(RIGHT, &overrides, &Context::VIRTUAL).map(|_| ()).unwrap_err();
    insta::assert_snapshot!(told);
}

#[test]
fn a_file_that_is_not_there_is_one_clear_message() {
    let path = std::path::Path::new("scenarios/no-such-file.toml");
    let told = file::load(path, &Overrides::default(), &Context::VIRTUAL).unwrap_err();
    insta::assert_snapshot!(told.to_string());
}

#[test]
fn a_trace_is_read_beside_its_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    let text = with(
        "{ shape = \"logistic\", midpoint = \"-25s\", spread = \"2s\" }",
        "{ shape = \"trace\", file = \"arrivals.csv\" }",
    );
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("arrivals.csv"), "-12.5\n0\n3\n").unwrap();
    let loaded = file::load(&path, &Overrides::default(), &Context::VIRTUAL).unwrap();
    let people = &loaded.at_scale(None, World::Simulated).populations[0];
    assert_eq!(people.trace.as_deref(), Some([-12.5, 0.0, 3.0].as_slice()));
    std::fs::write(folder.path().join("arrivals.csv"), "soon\nlater\n").unwrap();
    let told = file::load(&path, &Overrides::default(), &Context::VIRTUAL).unwrap_err();
    assert!(told.to_string().contains("later"), "{told}");
}

#[test]
fn an_unknown_time_zone_is_told_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    std::fs::write(&path, with("schema = 1", "timezone = \"Asia/Tokio\"")).unwrap();
    // Where the machine has no time zone database, every name is believed.
    if let Err(told) = file::load(&path, &Overrides::default(), &Context::VIRTUAL) {
        assert!(told.to_string().contains("did you mean `Asia/Tokyo`?"), "{told}");
    }
}

/// What a hand may leave in a text by mistake.
const SLIPS: &[&str] = &[
    "",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    "#",
    "0",
    "-",
    "999999999",
    "1e300",
    "nan",
    "inf",
    ".",
    "ä😀",
    "\"\"\"",
    "'",
    "[[sale]]\n",
    "[shop]\n",
    "id = 1\n",
    ",",
    "\r\n",
    "\0",
    "true",
    "\"0s\"",
    "\"9999999d\"",
    "\"-9999999d\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a slip of the hand makes of a scenario, it is read or its problems are told.
    #[test]
    fn no_text_breaks_the_reader(
        slips in vec((0_usize..10_000, 0_usize..12, 0_usize..SLIPS.len()), 1..4),
    ) {
        let mut text: Vec<char> = include_str!("../../scenarios/dome.toml").chars().collect();
        for (place, length, slip) in slips {
            let start = place % text.len();
            let end = (start + length).min(text.len());
            text.splice(start..end, SLIPS[slip].chars());
        }
        match read(&text.into_iter().collect::<String>()) {
            Ok(loaded) => {
                let [full, lived] = [World::Simulated, World::Live]
                    .map(|world| loaded.at_scale(None, world));
                prop_assert!(!offer::render(&full, &offer::offer(&full, &lived)).is_empty());
            }
            Err(told) => prop_assert!(told.contains("is not a valid scenario"), "{}", told),
        }
    }
}
