//! The example of a shop that nobody here serves: another language, its own database, its own words.
//! Each of its faults is found by the invariant that it breaks; without one it passes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program::{Desk, Said, Server, spike};
use crate::rehearsal::{Room, with};

/// The example shop, until it is dropped.
struct TinyShop {
    child: Child,
    url: String,
}

impl TinyShop {
    /// Its database lies at the desk.
    fn open(desk: &Desk, provider: &str, more: &[&str]) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tiny-shop/shop.py");
        let mut command = Command::new("python3");
        command.arg(program).current_dir(desk.path());
        command.args(["--listen", "127.0.0.1:0", "--provider", provider]);
        command.args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 is installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("it says where").to_owned();
        Self { child, url }
    }
}

impl Drop for TinyShop {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A desk with the example's scenario, its shop with that fault, and a provider.
fn opened(bug: Option<&str>) -> (Desk, Server, TinyShop) {
    opened_as(&bug.map_or(Vec::new(), |bug| vec!["--bug", bug]))
}

/// The same with a shop that is told so.
fn opened_as(told: &[&str]) -> (Desk, Server, TinyShop) {
    let desk = Desk::new();
    desk.write("tiny-shop.toml", include_str!("../../examples/tiny-shop/scenario.toml"));
    let provider = provider();
    let shop = TinyShop::open(&desk, &provider.url, told);
    (desk, provider, shop)
}

fn provider() -> Server {
    provider_of(&[])
}

/// A provider that decides by these settings.
fn provider_of(settings: &[&str]) -> Server {
    let mut program = spike();
    program.args(["provider", "--profile", "stripe-2024", "--listen", "127.0.0.1:0"]);
    for setting in settings {
        program.args(["--set", setting]);
    }
    Server::start(&mut program)
}

/// The invariants that the example with that fault violates, at a provider of these settings.
fn violated_by(bug: &str, settings: &[&str], more: &[&str]) -> Vec<String> {
    let desk = Desk::new();
    desk.write("tiny-shop.toml", include_str!("../../examples/tiny-shop/scenario.toml"));
    let provider = provider_of(settings);
    let shop = TinyShop::open(&desk, &provider.url, &["--bug", bug]);
    let said = rehearsed(&desk, &shop, &provider, more);
    assert_eq!(said.code, Some(111), "{bug}: {}", said.stderr);
    violated(&desk)
}

/// Runs the example's scenario against that shop, with the ledger of that provider.
fn rehearsed(desk: &Desk, shop: &TinyShop, provider: &Server, more: &[&str]) -> Said {
    rehearsed_in(Room::Half, desk, shop, provider, more)
}

fn rehearsed_in(
    room: Room,
    desk: &Desk,
    shop: &TinyShop,
    provider: &Server,
    more: &[&str],
) -> Said {
    let settings = [
        format!("target.url={}", shop.url),
        format!("ledger.provider.mock={}", provider.url),
        "fans.0.count=150".to_owned(),
        "sale.0.lasts=20s".to_owned(),
    ];
    let mut words = vec!["run", "tiny-shop.toml", "--quiet"];
    for setting in &settings {
        words.extend(["--set", setting]);
    }
    words.extend(more);
    with(room, || desk.say(&words))
}

/// What a server answers, head and all.
fn asked(url: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: provider\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The ids of the invariants that were violated.
fn violated(desk: &Desk) -> Vec<String> {
    let summary = desk.json("reports/latest/summary.json");
    let findings = summary["result"]["findings"].as_array().unwrap();
    let violated = findings.iter().filter(|finding| finding["status"] == "violated");
    violated.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

/// How often an honest shop is rehearsed again on a machine that is busy with others.
const TRIES: usize = 4;

/// Whether the generator says of itself that it was starved: then nothing can be said of the shop.
fn is_starved(said: &Said) -> bool {
    let starved = ["The generator was ", "The machine was not its own"];
    starved.iter().any(|words| said.last_line().contains(words))
}

#[test]
fn without_a_fault_it_passes() {
    let rehearsals = (0..TRIES).map(|_| {
        let (desk, provider, shop) = opened(None);
        let said = rehearsed(&desk, &shop, &provider, &[]);
        (desk, provider, shop, said)
    });
    let valid = { rehearsals }.find(|(.., said)| !is_starved(said));
    let Some((desk, provider, shop, said)) = valid else { return };
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let summary = desk.json("reports/latest/summary.json");
    assert_eq!(summary["result"]["sales"]["noon"]["items"]["tour-tee"]["sold"], 40);
    assert_eq!(summary["result"]["sales"]["noon"]["items"]["towel"]["sold"], 25);
    let verified = desk.say(&["verify", "reports/latest", "--quiet"]);
    assert_eq!(verified.code, Some(0), "offline it is the same: {}", verified.stderr);

    // Another run finds nothing left, and orders that are not its own.
    let again = rehearsed(&desk, &shop, &provider, &[]);
    assert_eq!(again.code, Some(112), "{}", again.stderr);
    assert!(again.stderr.contains("tour-tee"), "{}", again.stderr);
}

#[test]
fn who_sells_the_same_piece_twice_is_found_out_by_the_shops_own_database() {
    let (desk, provider, shop) = opened(Some("oversell"));
    let said = rehearsed_in(Room::Whole, &desk, &shop, &provider, &[]);
    assert_eq!(said.code, Some(111), "{}", said.stderr);
    assert!(violated(&desk).contains(&"INV-OVERSELL".to_owned()), "{:?}", violated(&desk));
    let verified = desk.say(&["verify", "reports/latest", "--quiet"]);
    assert_eq!(verified.code, Some(111), "{}", verified.stderr);
}

/// A provider that declines many a card. The canary has the first one's luck.
const DECLINES: [&str; 2] = ["cards=drawn", "declines=0.4"];

#[test]
fn who_keeps_the_pieces_of_a_declined_order_strands_them() {
    let found = violated_by("strand", &DECLINES, &[]);
    assert!(found.contains(&"INV-STRANDED".to_owned()), "{found:?}");
}

#[test]
fn who_confirms_whatever_became_of_the_payment_gives_pieces_away() {
    let found = violated_by("free", &DECLINES, &[]);
    assert!(found.contains(&"INV-STOCK-NO-CAPTURE".to_owned()), "{found:?}");
}

#[test]
fn who_takes_every_click_for_another_order_charges_twice() {
    let hasty = ["--set", "step.2.timeout=100ms", "--set", "step.2.every=50ms"];
    let found = violated_by("double-charge", &[], &hasty);
    assert!(found.contains(&"INV-DOUBLE-CHARGE".to_owned()), "{found:?}");
}

#[test]
fn a_shop_that_pays_elsewhere_is_sent_one_canary_and_nothing_else() {
    let (desk, provider_of_the_shop, shop) = opened(None);
    let provider = provider();
    let said = rehearsed(&desk, &shop, &provider, &[]);
    assert_eq!(said.code, Some(112), "{}", said.stderr);
    assert!(said.stderr.contains("find the canary's payment"), "{}", said.stderr);
    let ledger = asked(&provider_of_the_shop.url, "/admin/ledger");
    let lines = ledger.lines().filter(|line| line.starts_with('{')).count();
    assert_eq!(lines, 1, "{ledger}");
}

/// An opening so many seconds from now, as a shop and as a scenario are told it.
fn in_seconds(seconds: i64) -> (String, String) {
    let opens = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    (opens.as_second().to_string(), format!("sale.0.opens={opens}"))
}

#[test]
fn a_canary_buys_before_the_opening_and_the_storm_before_it_is_lived() {
    let (shop_opens, sale_opens) = in_seconds(12);
    let (desk, provider, shop) = opened_as(&["--opens", &shop_opens]);
    let said = rehearsed(&desk, &shop, &provider, &["--set", &sale_opens]);
    assert!(matches!(said.code, Some(0 | 112)), "{}", said.stderr);
    assert!(!said.stderr.contains("canary"), "{}", said.stderr);
    let summary = desk.json("reports/latest/summary.json");
    let outcomes = &summary["result"]["operations"]["reload"]["outcomes"];
    assert!(outcomes["not_open"].as_u64() > Some(0), "{outcomes}");
    assert!(outcomes["ok"].as_u64() > Some(0), "{outcomes}");
}

#[test]
fn an_opening_that_has_come_too_near_for_its_people_is_not_rehearsed() {
    let (shop_opens, sale_opens) = in_seconds(30);
    let (desk, provider, shop) = opened_as(&["--opens", &shop_opens]);
    let early = "fans.0.arrive={ shape = \"constant\", from = \"-24s\", over = \"20s\" }";
    let slow = "setup.reset={ command = \"sleep 5\" }";
    let told = ["--set", &sale_opens, "--set", early, "--set", slow];
    let said = rehearsed(&desk, &shop, &provider, &told);
    assert_eq!(said.code, Some(112), "{}", said.stderr);
    assert!(said.stderr.contains("too late for the opening"), "{}", said.stderr);
    assert!(said.last_line().contains("opening had come too near"), "{}", said.last_line());
    let ledger = asked(&provider.url, "/admin/ledger");
    assert_eq!(ledger.lines().filter(|line| line.starts_with('{')).count(), 1, "{ledger}");
}

#[test]
fn a_ceiling_outside_of_the_scenario_breaks_a_run_off() {
    let (desk, provider, shop) = opened(None);
    let said = rehearsed(&desk, &shop, &provider, &["--max-rate", "5"]);
    assert_eq!(said.code, Some(105), "{}", said.stderr);
    assert!(said.stderr.contains("and 5 are allowed"), "{}", said.stderr);
}

#[test]
fn a_file_put_in_place_breaks_a_run_off() {
    let (desk, provider, shop) = opened(None);
    desk.write("stop", "");
    let said = rehearsed(&desk, &shop, &provider, &["--set", "target.abort.kill_file=stop"]);
    assert_eq!(said.code, Some(105), "{}", said.stderr);
    assert!(said.stderr.contains("there is a file stop"), "{}", said.stderr);
}

#[test]
fn one_fan_walks_the_funnel_and_one_sees_what_it_says_and_hears() {
    let (desk, provider, shop) = opened(None);
    let target = format!("target.url={}", shop.url);
    let mock = format!("ledger.provider.mock={}", provider.url);
    let target = [target, mock].join(";");
    let said = desk.say(&["try", "tiny-shop.toml", "--item", "towel", "--set", &target]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.last_line(), "verdict: pass (0): the fan left as bought");
    for line in [
        "1  page",
        "   > GET /?fan=0-0 HTTP/1.1",
        "   csrf = \"",
        "   is waiting, then poll",
        "   is ok",
    ] {
        assert!(said.stdout.contains(line), "{line}: {}", said.stdout);
    }
    // What was captured is told where it was found, and nowhere else.
    assert_eq!(said.stdout.matches("   csrf = \"").count(), 1, "{}", said.stdout);
    assert!(said.stdout.contains("   goes on after 0."), "{}", said.stdout);
    let lacking = "step.0.capture.csrf.css=input[name=no_such]";
    let impatient = "fans.0.retry.attempts=0";
    let told = ["try", "tiny-shop.toml", "--set", &target, "--set", lacking, "--set", impatient];
    let said = desk.say(&told);
    assert_eq!(said.code, Some(112), "{}", said.stderr);
    assert!(said.stdout.contains("   is error: nothing to capture (csrf)\n"), "{}", said.stdout);
    assert!(!said.stdout.contains("   csrf = "), "{}", said.stdout);
    let ended = desk.say(&["try", "small.toml"]);
    assert_eq!(ended.code, Some(104), "{}", ended.stderr);
}

#[test]
fn what_comes_from_the_environment_is_masked_wherever_it_stands() {
    let (desk, provider, shop) = opened(None);
    let target = format!("target.url={};ledger.provider.mock={}", shop.url, provider.url);
    let path = "step.0.path=/?fan={{fan}}&token={{env.TINY_TOKEN}}";
    let mut command = desk.command(&["try", "tiny-shop.toml", "--set", &target, "--set", path]);
    let said = Said::of(command.env("TINY_TOKEN", "s3cr3t"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("&token=••• HTTP/1.1"), "{}", said.stdout);
    assert!(!said.stdout.contains("s3cr3t") && !said.stderr.contains("s3cr3t"));
}

#[test]
fn a_purchase_is_followed_through_both_ledgers_or_it_is_told_why_not() {
    let (desk, provider, shop) = opened(None);
    let set = format!("target.url={};ledger.provider.mock={}", shop.url, provider.url);
    let tried = |more: &str| {
        let told = ["try", "tiny-shop.toml", "--item", "towel", "--set", &set, "--set", more];
        desk.say(&told)
    };
    let whole = tried("seed=2");
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let row = whole.stdout.lines().find(|line| line.contains("fan 0-0 → order 1: "));
    let row = row.unwrap_or_else(|| panic!("{}", whole.stdout));
    assert!(row.contains("1 × towel for 3000, `confirmed`, paid → payment pi_"), "{row}");
    assert!(row.ends_with(" captured 3000"), "{row}");

    for (more, told) in [
        ("ledger.shop.orders=selct 1", "near \"selct\": syntax error"),
        (
            "ledger.shop.paid=[\"paid\"]",
            "stands at `confirmed`, which `[ledger.shop] paid` does not list",
        ),
        ("ledger.shop.sql=sqlite://no-such.db", "no-such.db"),
        ("step.1.form.reference=mine", "no order bears the intent"),
    ] {
        let said = tried(more);
        assert_eq!(said.code, Some(112), "{more}: {}", said.stderr);
        assert!(said.stderr.contains("ledgers: ") && said.stderr.contains(told), "{}", said.stderr);
        assert!(said.last_line().contains("the fan left as bought"), "{}", said.last_line());
    }
    let elsewhere = provider_of(&[]);
    let said = tried(&format!("ledger.provider.mock={}", elsewhere.url));
    assert!(said.stderr.contains("does the shop pay at this provider"), "{}", said.stderr);
}

#[test]
fn each_answer_can_be_kept_whole() {
    let (desk, provider, shop) = opened(None);
    let set = format!("target.url={};ledger.provider.mock={}", shop.url, provider.url);
    let told = ["try", "tiny-shop.toml", "--body", "20", "--save", "answers", "--set", &set];
    let said = desk.say(&told);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("bytes more (`--body N` shows more)"), "{}", said.stdout);
    assert!(said.stdout.contains("the words and forms of "), "{}", said.stdout);
    assert!(desk.read("answers/01-page.html").contains("name=\"csrf_token\""));
    assert!(desk.read("answers/02-checkout.txt").starts_with("{\"order\""));
}

/// The visit was recorded with Chromium 156: the page, loaded again, the form filled in and sent, and
/// the order asked for until it was confirmed.
#[test]
fn what_chromium_recorded_is_drafted_and_walked() {
    let (desk, provider, shop) = opened(None);
    desk.write("tiny-shop.har", include_str!("recordings/tiny-shop.har"));
    let said = desk.say(&["init", "--har", "tiny-shop.har", "drafted.toml"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let draft = desk.read("drafted.toml");
    for line in [
        "capture.csrf_token = { css = \"input[name=csrf_token]\", attr = \"value\" }",
        "capture.order = { json = \"$.order\" }",
        "{ status = 202, is = \"waiting\", then = \"poll\" }",
        "path = \"/orders/{{order}}\"",
        "{ json = \"$.state\", equals = \"confirmed\", is = \"ok\" }",
    ] {
        assert!(draft.contains(line), "{line}: {draft}");
    }
    assert!(!draft.contains("Hanako"), "nothing of the person is left: {draft}");
    let target = format!("target.url={}", shop.url);
    let tried = desk.say(&["try", "drafted.toml", "--set", &target]);
    assert_eq!(tried.code, Some(0), "{}{}", tried.stdout, tried.stderr);
    assert_eq!(tried.last_line(), "verdict: pass (0): the fan left as bought");
    drop(provider);
}

#[test]
fn the_tiny_shop_needs_nothing_but_pythons_standard_library() {
    let standard = [
        "argparse",
        "base64",
        "http",
        "json",
        "queue",
        "secrets",
        "sqlite3",
        "threading",
        "time",
        "urllib",
    ];
    let shop = include_str!("../../examples/tiny-shop/shop.py");
    let imports = shop.lines().filter_map(|line| line.trim_start().strip_prefix("import "));
    let modules: Vec<&str> = imports.flat_map(|names| names.split(", ")).collect();
    assert!(modules.contains(&"sqlite3"), "{modules:?}");
    for module in modules {
        let root = module.split('.').next().unwrap();
        assert!(standard.contains(&root), "{module}");
    }
    assert!(!shop.lines().any(|line| line.starts_with("from ")), "no other way to import");
}
