//! The language of a shop of your own: what its steps compile to, and every mistake told at once.

use std::fmt::Write as _;

use domain::id::ItemId;
use domain::outcome::Operation::{self, Checkout, Login, Poll, Reload};
use domain::outcome::Outcome;
use domain::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use spike::scenario::file::{self, Loaded};
use spike::scenario::overrides::Overrides;
use spike::scenario::target::{Canary, Kind, ProviderLedger, Rows};
use spike::scenario::{Connections, Context, Scenario, Tls, offer};
use spike::step::cookie::Jar;
use spike::step::funnel::{Host, Scheme};
use spike::step::message::Saying;
use spike::step::{Answer, Values};
use spike::verdict::World;

/// Somebody who says something to the shop in 1970.
fn saying<'a>(values: &'a Values, jar: &'a Jar, host: &'a Host) -> Saying<'a> {
    Saying { values, jar, host, now_s: 0 }
}

/// A scenario without a mistake.
const RIGHT: &str = r#"
schema = 1
name = "own"

[target]
url = "https://staging.shop.example"
allow_hosts = ["staging.shop.example", "pay.example"]
canary = { item = "canary-item" }
connections = { pool = 20 }
abort = { server_errors = 0.5 }

[setup]
reset = { sql = "update stock set free = initial" }

[[sale]]
id = "noon"
opens = "+40s"
lasts = "30s"
items = [{ id = "tee", stock = 90, price = 4_500 }, { id = "towel", price = 2_500 }]
slots = [{ id = "12:30", capacity = 40 }]

[[fans]]
name = "fans"
count = 700
arrive = { shape = "at-once" }
reload = { gap = "2s" }

[[step]]
name = "sign-in"
as = "login"
path = "/login"
form = { user = "{{fan}}", remember = true, tag = ["a", "b c"] }

[[step]]
name = "page"
as = "reload"
path = "/events/tour?fan={{fan}}"
query = { "at the" = "{{slot}}&" }
headers = { X-Seen = "{{seen}}" }
capture.csrf = { css = "input[name=csrf_token]", attr = "value" }
capture.seen = { header = "ETag" }

[[step]]
name = "status"
as = "reload"
path = "/status"
outcome = [{ status = [200, "3xx"], json = "$.open", equals = true, is = "ok" }, { is = "not_open" }]

[[step]]
name = "pay"
as = "checkout"
host = "https://pay.example:8443"
path = "/v2/orders"
probability = 0.7
every = "2s"
json = { sku = "{{item}}", lines = [{ qty = "{{quantity:number}}", of = 1, up = 2.5 }], ref = "{{intent}}-\"{{key}}\"", csrf = "{{csrf}}" }
capture.order = { json = "$.order" }
outcome = [
    { status = 202, is = "waiting", then = "poll" },
    { status = "409", json = "$.code", equals = "sold_out", is = "sold_out" },
]

[[step]]
name = "buy"
as = "checkout"
method = "PUT"
path = "/orders"
timeout = "5s"
outcome = [{ status = 202, is = "waiting", then = "poll" }]

[[step]]
name = "poll"
as = "poll"
path = "/orders/{{order}}"
every = "500ms"
timeout = "30s"
outcome = [
    { json = "$.left", equals = 0, is = "sold_out" },
    { header = "X-State", matches = "^pend", is = "waiting" },
    { regex = "state=(\\w+)", equals = "confirmed", is = "ok" },
    { css = "p.gone", exists = false, is = "rejected" },
]

[ledger.shop]
sql = "sqlite:///tmp/shop.db"
stock = "select sku as item, initial as stock from capacity"
orders = "select id as order_id, reference as intent from purchase"
paid = ["paid"]

[ledger.provider]
mock = "http://127.0.0.1:12111"
"#;

fn read(text: &str) -> Result<Loaded, String> {
    let read = file::parse("own.toml", text, &Overrides::default(), &Context::VIRTUAL);
    read.map_err(|problems| problems.to_string())
}

fn scenario(text: &str) -> Scenario {
    read(text).unwrap_or_else(|told| panic!("{told}")).at_scale(None, World::Live)
}

fn problems(text: &str) -> String {
    read(text).map(|_| ()).unwrap_err()
}

/// The scenario with one passage changed.
fn with(from: &str, to: &str) -> String {
    assert!(RIGHT.contains(from), "{from}");
    RIGHT.replacen(from, to, 1)
}

#[test]
fn a_scenario_is_a_route_a_funnel_and_two_ledgers() {
    let scenario = scenario(RIGHT);
    let target = scenario.target.as_deref().unwrap();
    let stages = &scenario.populations[0].crowd.route.stages;
    let operations: Vec<Operation> = stages.iter().map(|stage| stage.operation).collect();
    assert_eq!(operations, [Login, Reload, Checkout, Checkout, Poll]);
    assert_eq!((stages[2].chance, stages[2].every), (0.7, Some(Duration::from_secs(2))));
    assert_eq!(stages[3].timeout, Some(Duration::from_secs(5)));
    let names: Vec<Vec<&str>> = target
        .funnel
        .stages
        .iter()
        .map(|calls| calls.iter().map(|call| &*call.name).collect())
        .collect();
    assert_eq!(
        names,
        [vec!["sign-in"], vec!["page", "status"], vec!["pay"], vec!["buy"], vec!["poll"]]
    );
    let hosts: Vec<_> =
        target.funnel.hosts.iter().map(|host| (host.scheme, host.authority())).collect();
    let expected = ["staging.shop.example", "pay.example:8443"];
    assert_eq!(hosts, expected.map(|host| (Scheme::Https, host.to_owned())));
    assert_eq!(target.funnel.stages[2][0].host, 1);
    assert_eq!(target.canary, Canary::Item("canary-item".to_owned()));
    assert_eq!(target.unstated.iter().collect::<Vec<_>>(), [&ItemId(1)]);
    let shop = target.shop.as_ref().unwrap();
    assert_eq!(shop.rows, Rows::Sql { url: "sqlite:///tmp/shop.db".to_owned() });
    assert_eq!(shop.questions.keys().collect::<Vec<_>>(), [&Kind::Stock, &Kind::Orders]);
    let mock = ProviderLedger::Mock { url: "http://127.0.0.1:12111".to_owned() };
    assert_eq!(target.provider, Some(mock));
    assert_eq!(target.abort.server_errors, Some(0.5));
    assert_eq!(scenario.live.connections, Connections::Pool(20));
    assert_eq!(scenario.live.wire.tls, Tls::Full);
}

#[test]
fn a_step_says_what_it_was_told_to_with_each_value_escaped_for_its_place() {
    let scenario = scenario(RIGHT);
    let funnel = &scenario.target.as_deref().unwrap().funnel;
    let mut values = Values::default();
    let given = &funnel.given;
    let named = |name: &str| funnel.names.find(name).unwrap();
    for (name, value) in [
        (given.fan, "0-417"),
        (given.run, "k3f"),
        (given.intent, "k3f-0-417"),
        (given.key, "k3f-0-417-0"),
        (given.item, "tee \"L\""),
        (given.quantity, "2"),
        (given.slot, "12:30"),
        (named("csrf"), "a&b"),
        (named("seen"), "\"7\""),
    ] {
        values.set(name, value.as_bytes());
    }
    let (mut told, jar) = (String::new(), Jar::default());
    for step in funnel.stages.iter().flatten() {
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        step.message.render(saying(&values, &jar, &funnel.hosts[0]), &mut scratch, &mut out);
        let text = String::from_utf8(out).unwrap().replace("\r\n", "\n");
        writeln!(told, "--- {}\n{text}", step.name).unwrap();
    }
    insta::assert_snapshot!(
        told.replace(concat!("spike/", env!("CARGO_PKG_VERSION")), "spike/VERSION")
    );
}

#[test]
fn an_answer_means_what_the_first_outcome_that_fits_says() {
    let scenario = scenario(RIGHT);
    let funnel = &scenario.target.as_deref().unwrap().funnel;
    let rule = |stage: usize, call: usize, status: u16, fields: &str, body: &str| {
        let answer = Answer { status, fields: fields.as_bytes(), body: body.as_bytes() };
        let rule = funnel.stages[stage][call].rules.first(&answer);
        rule.map(|rule| (rule.is, rule.then))
    };
    assert_eq!(rule(1, 1, 200, "", r#"{"open":true}"#), Some((Outcome::Ok, None)));
    assert_eq!(rule(1, 1, 302, "", r#"{"open":true}"#), Some((Outcome::Ok, None)));
    assert_eq!(rule(1, 1, 200, "", r#"{"open":false}"#), Some((Outcome::NotOpen, None)));
    assert_eq!(rule(2, 0, 202, "", ""), Some((Outcome::Waiting, Some(4))));
    assert_eq!(rule(2, 0, 409, "", r#"{"code":"sold_out"}"#), Some((Outcome::SoldOut, None)));
    assert_eq!(rule(2, 0, 409, "", r#"{"code":"other"}"#), None);
    assert_eq!(rule(4, 0, 200, "", r#"{"left":0.0}"#), Some((Outcome::SoldOut, None)));
    assert_eq!(rule(4, 0, 200, "X-State: pending\r\n", ""), Some((Outcome::Waiting, None)));
    assert_eq!(rule(4, 0, 200, "", "state=confirmed"), Some((Outcome::Ok, None)));
    assert_eq!(rule(4, 0, 200, "", "<p>"), Some((Outcome::Rejected, None)));
    assert_eq!(rule(4, 0, 200, "", "<p class=gone>"), None);
}

#[test]
fn people_alone_are_scaled_and_reload_as_the_steps_say() {
    let loaded = read(RIGHT).unwrap();
    let small = loaded.at_scale(Some(0.1), World::Live);
    assert_eq!(small.populations[0].count, 70);
    assert_eq!(small.catalogue.sales[0].items[0].stock, 90);
    assert_eq!(small.catalogue.sales[0].slots[0].capacity, 40);
    let reload = &small.populations[0].crowd.behaviour.reload;
    assert_eq!((reload.calls, reload.cacheable), (2, 0));
    let written = with("gap = \"2s\"", "gap = \"2s\", calls = 5, cacheable = 3");
    let reload = scenario(&written).populations[0].crowd.behaviour.reload.clone();
    assert_eq!((reload.calls, reload.cacheable), (5, 3));
    let nobody = scenario(&with("gap = \"2s\"", "calls = 0"));
    let route = &nobody.populations[0].crowd.route;
    assert_eq!((route.stages.len(), route.stages[1].chance), (5, 0.0));
}

#[test]
fn what_belongs_together_is_missed_where_it_is_not() {
    let (head, steps) = RIGHT.split_once("[[step]]").unwrap();
    let (_, ledger) = steps.split_once("[ledger.shop]").unwrap();
    let without_steps = format!("{head}[ledger.shop]{ledger}");
    let sale = head.split_once("[[sale]]").unwrap().1;
    let sale = sale.replace("id = \"towel\",", "id = \"towel\", stock = 9,");
    let without_target = format!("name = \"own\"\n[[sale]]{sale}[[step]]{steps}");
    let without_checkout = RIGHT.replace("as = \"checkout\"", "as = \"other\"");
    let mut told = String::new();
    for text in [without_steps, without_target, without_checkout] {
        told.push_str(&problems(&text));
    }
    insta::assert_snapshot!(told);
}

/// What reading the scenario says beside a file with the fans' data.
fn beside(data: &str, text: &str, scale: Option<f64>) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("fans.csv"), data).unwrap();
    let overrides = Overrides { scale, ..Overrides::default() };
    let read = file::load(&path, &overrides, &Context::VIRTUAL);
    read.map_err(|problems| {
        problems.list.iter().flat_map(|problem| [problem.message.as_str(), "\n"]).collect()
    })
}

fn with_data() -> String {
    with("[setup]", "data = \"fans.csv\"\n[setup]")
        .replace("{{fan}}\", remember", "{{mail}}\", remember")
        .replace("user = \"{{fan}}\"", "user = \"{{mail}}\"")
}

#[test]
fn every_fan_has_a_row_of_its_own() {
    let rows = |count: usize| -> String {
        let rows = (0..count).map(|row| format!("\"{row}@x.example\",hush-{row}\n"));
        std::iter::once("mail, password\n".to_owned()).chain(rows).collect()
    };
    let scenario = beside(&rows(700), &with_data(), None).unwrap().at_scale(None, World::Live);
    let target = scenario.target.unwrap();
    let data = target.data.as_ref().unwrap();
    assert_eq!(data.columns, ["mail", "password"]);
    assert_eq!(data.rows[699], ["699@x.example", "hush-699"]);
    let columns: Vec<_> =
        ["mail", "password"].map(|name| target.funnel.names.find(name).unwrap()).into();
    assert_eq!(target.funnel.given.columns, columns);
    assert!(!format!("{target:?}").contains("hush"));
    assert_eq!(
        beside(&rows(69), &with_data(), Some(0.1)).map(|_| ()).unwrap_err(),
        "the data `fans.csv` has 69 rows for 70 people at scale 0.1\n"
    );
    beside(&rows(70), &with_data(), Some(0.1)).unwrap();
}

#[test]
fn what_is_wrong_with_data_is_told_without_repeating_it() {
    let mut told = String::new();
    for data in [
        "",
        "mail,password\n",
        "mail,password\nhush\n",
        "mail,mail\n",
        "mail,,a{b,fan\n",
        "mial\nhush\n",
    ] {
        writeln!(
            told,
            "--- {data:?}\n{}",
            beside(data, &with_data(), None).map(|_| ()).unwrap_err()
        )
        .unwrap();
    }
    assert!(!told.lines().any(|line| !line.starts_with("---") && line.contains("hush")));
    insta::assert_snapshot!(told);
}

#[test]
fn a_recorded_run_is_read_without_its_data_and_its_variables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.toml");
    let text = with_data().replace("path = \"/login\"", "path = \"/login?{{env.SPIKE_NO_SUCH}}\"");
    std::fs::write(&path, text).unwrap();
    assert!(file::load(&path, &Overrides::default(), &Context::VIRTUAL).is_err());
    let scenario = file::recorded(&path, &Context::VIRTUAL).unwrap().at_scale(None, World::Live);
    assert_eq!(scenario.target.unwrap().funnel.stages.len(), 5);
}

#[test]
fn a_variable_is_sent_and_written_nowhere() {
    // Cargo sets it for every test, and it stands nowhere else.
    let secret = env!("CARGO_PKG_NAME");
    let secret = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| secret.to_owned());
    let text = with("X-Seen = \"{{seen}}\"", "Authorization = \"<{{env.CARGO_PKG_NAME}}>\"");
    let loaded = beside("", &text, None).unwrap();
    let scenario = loaded.at_scale(None, World::Live);
    let target = scenario.target.as_deref().unwrap();
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    let page = &target.funnel.stages[1][0].message;
    let (values, jar) = (Values::default(), Jar::default());
    page.render(saying(&values, &jar, target.shop_host()), &mut scratch, &mut out);
    let sent = String::from_utf8(out).unwrap();
    assert!(sent.contains(&format!("Authorization: <{secret}>\r\n")), "{sent}");
    assert!(!format!("{loaded:?}{scenario:?}").contains(&format!("<{secret}")));
    assert!(loaded.text_as_run(World::Live).contains("<{{env.CARGO_PKG_NAME}}>"));
}

/// What `check` says of a scenario.
fn offered(text: &str) -> String {
    let loaded = read(text).unwrap_or_else(|told| panic!("{told}"));
    let lived = loaded.at_scale(None, World::Live);
    offer::render(&lived, &offer::offer(&lived, &lived))
}

#[test]
fn check_says_what_each_step_and_host_is_asked_and_what_nobody_can_check() {
    insta::assert_snapshot!(offered(RIGHT));
    let nobody_asks = RIGHT.split_once("[ledger.shop]").unwrap().0;
    let nobody_asks =
        nobody_asks.replace("[setup]\nreset = { sql = \"update stock set free = initial\" }", "");
    let nobody_asks = nobody_asks.replace(
        "canary = { item = \"canary-item\" }",
        "canary = \"none\"\nreason = \"the till is a stub\"",
    );
    let told = offered(&nobody_asks.replace("gap = \"2s\"", "calls = 0"));
    assert!(told.contains("none: the till is a stub"), "{told}");
    assert!(told.contains("fans at once, for nobody reloads"), "{told}");
    assert!(told.contains("there is no `[ledger.shop]`"), "{told}");
    assert!(told.contains("INV-SILENT-CHARGE: there is no `[ledger.provider]`"), "{told}");
    let limited = format!("{RIGHT}\n[provider]\nprofile = \"shared-30\"\n");
    assert!(offered(&limited).contains("calls/s allowed"), "the provider's limits are told");
}

#[test]
fn check_says_where_there_are_too_few_people_for_an_objective() {
    let objectives = "\n[objectives]\n\"checkout p(99)\" = \"< 2s\"\n\"login med\" = \"< 1s\"\n\
                      \"reload p(99.99)\" = \"< 1s\"\n\"checkout max\" = \"< 9s\"\n";
    let told = offered(&format!("{}{objectives}", with("count = 700", "count = 120")));
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    // 0.7 of the people take the first checkout, and all the second.
    let said = "`checkout p(99) < 2s` needs 1000 samples, and people who take each step once make 204: \
                take `p(95)`, or send more people";
    assert!(told.contains(said), "{told}");
    assert_eq!(told.matches("samples, and people").count(), 1, "{told}");
}

#[test]
fn a_misspelt_then_is_told_with_the_other_mistakes() {
    let told = problems(&with("then = \"poll\"", "then = \"pol\"").replacen(
        "as = \"login\"",
        "as = \"logon\"",
        1,
    ));
    assert!(told.contains("there is no step `pol`") && told.contains("`logon`"), "{told}");
}

#[test]
fn the_tiny_shop_is_a_scenario_without_a_mistake() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny-shop/scenario.toml");
    let path = std::path::Path::new(path);
    let loaded = file::load(path, &Overrides::default(), &Context::VIRTUAL);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.only_live("scenario.toml").is_some(), "nobody can simulate it");
    assert!(loaded.at_scale(None, World::Live).target.is_some());
}

/// Steps as a tired person, or a machine, might write them: some of it is right.
pub(crate) fn any_step() -> impl Strategy<Value = String> {
    let name = "[ab{}: ]{0,3}";
    let operation = select(vec!["reload", "login", "cart", "checkout", "poll", "other", "buy"]);
    let text = "(/|\\{\\{|\\}\\}|fan|a|:number|env\\.|:json|é|%| ){0,6}";
    let key = select(vec!["json", "form", "query", "headers", "body", "path", "host", "method"]);
    let value = prop_oneof![
        text.prop_map(|text| format!("{text:?}")),
        (name, text).prop_map(|(name, text)| format!("{{ {name:?} = [{text:?}, 1] }}")),
        (name, text).prop_map(|(name, text)| format!("{{ {name:?} = {{ x = {text:?} }} }}")),
        Just("[nan, 1979-05-27]".to_owned()),
    ];
    let way = select(vec!["json", "regex", "header", "css", "attr"]);
    let pattern = "[$.a\\[\\](*?)=#x-]{0,6}";
    let capture = (name, way.clone(), pattern)
        .prop_map(|(name, way, pattern)| format!("capture.{name:?} = {{ {way} = {pattern:?} }}"));
    let status = select(vec!["200", "\"2xx\"", "[200, \"4xx\"]", "\"x\"", "-1"]);
    let is = select(vec!["ok", "waiting", "shed", "not_open", "fine"]);
    let outcome = (status, way, pattern, is, name).prop_map(|(status, way, pattern, is, then)| {
        format!("{{ status = {status}, {way} = {pattern:?}, is = {is:?}, then = {then:?} }}")
    });
    let lines =
        (name, operation, text, vec((key, value), 0..2), vec(capture, 0..2), vec(outcome, 0..3));
    lines.prop_map(|(name, operation, path, keys, captures, outcomes)| {
        let keys: Vec<String> =
            keys.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
        format!(
            "[[step]]\nname = {name:?}\nas = {operation:?}\npath = {path:?}\n{}\n{}\noutcome = [{}]\n",
            keys.join("\n"),
            captures.join("\n"),
            outcomes.join(", ")
        )
    })
}

proptest! {
    #[test]
    fn no_steps_break_the_reader(steps in vec(any_step(), 0..6)) {
        let (head, rest) = RIGHT.split_once("[[step]]").unwrap();
        let ledger = rest.split_once("[ledger.shop]").unwrap().1;
        if let Ok(loaded) = read(&format!("{head}{}[ledger.shop]{ledger}", steps.concat())) {
            let scenario = loaded.at_scale(None, World::Live);
            let target = scenario.target.as_deref().unwrap();
            let stages = &scenario.populations[0].crowd.route.stages;
            prop_assert_eq!(target.funnel.stages.len(), stages.len());
            prop_assert!(stages.iter().any(|stage| stage.operation == Checkout));
            offer::render(&scenario, &offer::offer(&scenario, &scenario));
        }
    }
}

/// One mistake at a time: a passage of the right scenario, and what stands there instead.
const MISTAKES: &[(&str, &str)] = &[
    ("url = \"https://staging.shop.example\"", ""),
    ("https://staging.shop.example", "staging.shop.example"),
    ("https://staging.shop.example", "ftp://staging.shop.example"),
    ("https://staging.shop.example", "https://staging.shop.example/shop"),
    ("https://staging.shop.example", "https://me:hush@staging.shop.example"),
    ("https://staging.shop.example", "https://prod.shop.example"),
    ("https://staging.shop.example", "https://api.stripe.com"),
    ("\"staging.shop.example\", ", "\"staging.shop.example\", \"https://x.example\", "),
    ("\"staging.shop.example\", ", "\"staging.shop.example\", \"checkout.stripe.com\", "),
    ("\"staging.shop.example\", ", "\"staging.shop.example\", \"*.shop.example\", "),
    ("\"staging.shop.example\", ", "\"staging.shop.example\", \"Staging.Shop.example\", "),
    ("canary = { item = \"canary-item\" }", ""),
    ("canary = { item = \"canary-item\" }", "canary = \"none\""),
    ("canary = { item = \"canary-item\" }", "canary = \"none\"\ncanary_reason = \" \""),
    ("canary = { item = \"canary-item\" }", "canary = \"canary-item\""),
    ("canary = { item = \"canary-item\" }", "canary = { itm = \"canary-item\" }"),
    ("canary = { item = \"canary-item\" }", "canary = { item = \"c\" }\nreason = \"so\""),
    ("canary = { item = \"canary-item\" }", "canary = { item = \"c\" }\ndata = \"fans.csv\""),
    ("connections = { pool = 20 }", "connections = { pool = 0 }"),
    ("server_errors = 0.5", "server_errors = 0"),
    ("server_errors = 0.5", "server_errors = 0.5, within = \"0s\""),
    ("server_errors = 0.5", "server_error = 0.5"),
    ("[setup]", "[shop]\nstorage = \"memory\"\n[setup]"),
    ("[setup]", "[live]\nconnections = \"per-fan\"\n[setup]"),
    ("[setup]", "[live]\ntls = \"off\"\n[setup]"),
    ("[target]", "[[target]]"),
    ("sql = \"update stock set free = initial\"", ""),
    ("sql = \"update stock set free = initial\"", "sql = \"x\", http = \"http://127.0.0.1/\""),
    ("sql = \"update stock set free = initial\"", "http = \"http://10.0.0.1/reset\""),
    ("sql = \"update stock set free = initial\"", "sql = \" \""),
    ("sql = \"update stock set free = initial\"", "command = \"x\", database = \"sqlite://a\""),
    ("gap = \"2s\"", "gap = \"2s\", calls = 2, cacheable = 2"),
    ("as = \"login\"", "as = \"logon\""),
    ("name = \"sign-in\"", ""),
    ("name = \"sign-in\"", "name = \"page\""),
    ("path = \"/login\"", ""),
    ("path = \"/login\"", "path = \"login\""),
    ("path = \"/login\"", "path = \"/log in\""),
    ("path = \"/login\"", "path = \"https://x.example/login\""),
    ("path = \"/login\"", "path = \"/login?{{\""),
    ("path = \"/login\"", "path = \"/login?{{fann}}\""),
    ("path = \"/login\"", "path = \"/login?{{quantity:number}}\""),
    ("path = \"/login\"", "path = \"/login?{{csrf}}\""),
    ("path = \"/login\"", "path = \"/login?{{env.SPIKE_NO_SUCH}}\""),
    ("path = \"/login\"", "path = \"/login\"\nmethod = \"post\""),
    ("path = \"/login\"", "path = \"/login\"\nmethod = \"CONNECT\""),
    ("path = \"/login\"", "path = \"/login\"\njson = { a = 1 }"),
    ("path = \"/login\"", "path = \"/login\"\nredirects = 51"),
    ("path = \"/login\"", "path = \"/login\"\nthink = { median = \"1s\", sigma = 9 }"),
    ("path = \"/login\"", "path = \"/login\"\nprobability = 2"),
    ("path = \"/login\"", "path = \"/login\"\nevery = \"0s\""),
    ("path = \"/login\"", "path = \"/login\"\nretry = { factor = 0.5 }"),
    ("tag = [\"a\", \"b c\"]", "tag = { a = 1 }"),
    ("tag = [\"a\", \"b c\"]", "tag = 2026-12-24"),
    ("X-Seen = \"{{seen}}\"", "Cookie = \"a=b\""),
    ("X-Seen = \"{{seen}}\"", "host = \"shop.example\""),
    ("X-Seen = \"{{seen}}\"", "\"X Seen\" = \"1\""),
    ("X-Seen = \"{{seen}}\"", "X-Seen = \"a\\r\\nX-Evil: 1\""),
    ("X-Seen = \"{{seen}}\"", "X-Seen = \"a\", x-seen = \"b\""),
    ("X-Seen = \"{{seen}}\"", "X-Seen = \"{{order:json}}\""),
    ("attr = \"value\"", "attr = \"value\", json = \"$.a\""),
    ("css = \"input[name=csrf_token]\", ", ""),
    ("css = \"input[name=csrf_token]\"", "css = \"form > input\""),
    ("header = \"ETag\"", "header = \"E Tag\""),
    ("header = \"ETag\"", "json = \"seen\""),
    ("header = \"ETag\"", "regex = \"(seen\""),
    ("header = \"ETag\"", ""),
    ("capture.seen =", "capture.fan = { header = \"X\" }\ncapture.seen ="),
    ("path = \"/status\"", "path = \"/status\"\nthink = \"1s\""),
    ("[200, \"3xx\"]", "\"6xx\""),
    ("[200, \"3xx\"]", "99"),
    ("equals = true, is = \"ok\"", "equals = true, matches = \"t\", is = \"ok\""),
    ("equals = true, is = \"ok\"", "matches = \"(t\", is = \"ok\""),
    ("equals = true, is = \"ok\"", "equals = true"),
    ("equals = true, is = \"ok\"", "equals = true, is = \"fine\""),
    ("json = \"$.open\", equals = true", "equals = true"),
    ("json = \"$.open\", equals = true", "json = \"open\", equals = true"),
    ("{ is = \"not_open\" }]", "{ is = \"not_open\" }, { status = 429, is = \"rate_limited\" }]"),
    ("host = \"https://pay.example:8443\"", "host = \"https://other.example\""),
    ("host = \"https://pay.example:8443\"", "host = \"https://www.paypal.com\""),
    ("host = \"https://pay.example:8443\"", "host = \"https://pay.example/buy\""),
    ("up = 2.5", "up = 2.5, qtty = \"{{quantty}}\""),
    ("up = 2.5", "up = nan"),
    ("then = \"poll\"", "then = \"pol\""),
    ("[ledger.shop]", "[[step]]\nname = \"x\"\npath = \"/x\"\n[ledger.shop]"),
    ("[ledger.shop]", "[[step]]\nname = \"x\"\nas = \"poll\"\npath = \"/x\"\n[ledger.shop]"),
    (
        "[[step]]\nname = \"buy\"",
        "[[step]]\nname = \"x\"\nas = \"reload\"\npath = \"/x\"\n[[step]]\nname = \"buy\"",
    ),
    ("method = \"PUT\"", "method = \"PUT\"\nprobability = 0.5"),
    ("\"X-State\", matches = \"^pend\", is = \"waiting\"", "\"X-State\", is = \"shed\""),
    ("equals = \"confirmed\", is = \"ok\"", "equals = \"confirmed\", is = \"ok\", then = \"page\""),
    ("as = \"poll\"", "as = \"poll\"\nprobability = 0.5"),
    ("slots = [{ id = \"12:30\", capacity = 40 }]", ""),
    ("sqlite:///tmp/shop.db", "oracle://127.0.0.1/shop"),
    ("sqlite:///tmp/shop.db", "postgres://me:hush@127.0.0.1/shop"),
    ("sqlite:///tmp/shop.db", "postgres://me@127.0.0.1/shop?password=hush"),
    ("sqlite:///tmp/shop.db", "postgres://me:{{env.SPIKE_NO_SUCH}}@127.0.0.1/shop"),
    ("sqlite:///tmp/shop.db", "mysql://db.example/shop"),
    ("sqlite:///tmp/shop.db", "{{fan}}"),
    ("sqlite:///tmp/shop.db", "shop.db"),
    ("sql = \"sqlite:///tmp/shop.db\"", "sql = \"sqlite://a\"\nhttp = \"http://127.0.0.1\""),
    ("orders = \"select", "odrers = \"select"),
    ("orders = \"select", "payments = \"select 1\"\norders = \"select"),
    ("paid = [\"paid\"]", ""),
    ("paid = [\"paid\"]", "paid = []"),
    ("mock = \"http://127.0.0.1:12111\"", ""),
    ("mock = \"http://127.0.0.1:12111\"", "mock = \"https://api.stripe.com\""),
    ("mock = \"http://127.0.0.1:12111\"", "http = \"http://127.0.0.1:12111\""),
    ("mock = \"http://127.0.0.1:12111\"", "mock = \"http://127.0.0.1:1\"\npayments = \"x\""),
];

#[test]
fn each_mistake_is_told_once_and_alone() {
    let (mut told, mut more) = (String::new(), String::new());
    for (from, to) in MISTAKES {
        let text = with(from, to);
        let problems = match read(&text) {
            Ok(_) => format!("{from} -> {to}: is no mistake\n"),
            Err(problems) => problems,
        };
        if !problems.ends_with(": 1 problem\n") {
            write!(more, "{from} -> {to}:\n{problems}").unwrap();
        }
        assert!(!problems.contains(":hush"), "{problems}");
        told.push_str(problems.split("error: own.toml").next().unwrap());
    }
    assert!(more.is_empty(), "{more}");
    insta::assert_snapshot!(told);
}
