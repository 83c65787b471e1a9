//! A shop of one's own under several load processes: each fan is one and the same wherever it is lived,
//! and what the processes saw is one account.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::program::Desk;

/// How many come, and how many pieces there are: whoever comes buys.
const FANS: usize = 60;

/// What a shop heard, and sold.
#[derive(Default)]
struct Heard {
    /// Of each visit to the page: who, and the row of data that it said.
    visits: Vec<(String, String)>,
    /// Of each purchase: who, its row, its cookie, and its intent.
    bought: Vec<[String; 4]>,
}

/// A shop in this process, which knows who speaks by a cookie of its own, stands behind an edge, and
/// keeps a ledger that can be asked for.
struct WitnessShop {
    url: String,
    heard: Arc<Mutex<Heard>>,
}

impl WitnessShop {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let noted = Arc::clone(&heard);
        thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                let noted = Arc::clone(&noted);
                thread::spawn(move || serve(&tcp, &noted));
            }
        });
        Self { url, heard }
    }
}

fn serve(tcp: &TcpStream, heard: &Mutex<Heard>) -> Option<()> {
    let mut reader = BufReader::new(tcp);
    let mut writer = tcp;
    loop {
        let (mut line, mut cookie, mut length) = (String::new(), String::new(), 0);
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        loop {
            let mut field = String::new();
            reader.read_line(&mut field).ok()?;
            let Some((name, value)) = field.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "cookie" => value.clone_into(&mut cookie),
                "content-length" => length = value.parse().ok()?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        let (status, fields, said) = answer(&line, &cookie, &body, heard);
        let length = said.len();
        write!(writer, "HTTP/1.1 {status} X\r\n{fields}Content-Length: {length}\r\n\r\n{said}")
            .ok()?;
    }
}

fn answer(line: &str, cookie: &str, body: &str, heard: &Mutex<Heard>) -> (u16, String, String) {
    let target = line.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let value = |name: &str| {
        let pairs = query.split('&').chain(body.split('&'));
        let found = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut heard = heard.lock().unwrap();
    let rows = |rows: Vec<Value>| (200, String::new(), json!({ "rows": rows }).to_string());
    match path {
        "/page" => {
            heard.visits.push((value("fan"), value("row")));
            let edge = "X-Cache: Hit from cloudfront\r\nAge: 7\r\nX-Amz-Cf-Pop: NRT57-P3\r\n";
            let cookie = format!("Set-Cookie: sid={}; Path=/; HttpOnly\r\n", value("fan"));
            (200, format!("{edge}{cookie}"), "open".to_owned())
        }
        "/cart" => (200, String::new(), "hm".to_owned()),
        "/buy" => {
            let bought = [value("fan"), value("row"), cookie.to_owned(), value("ref")];
            heard.bought.push(bought);
            (200, String::new(), json!({ "order": heard.bought.len() }).to_string())
        }
        "/ledger/stock" => {
            let free = 500 - heard.bought.len();
            rows(vec![json!({ "item": "tee", "stock": 500, "free": free })])
        }
        "/ledger/orders" => rows((1..).zip(&heard.bought).map(order).collect()),
        "/ledger/payments" => rows((1..).zip(&heard.bought).map(payment).collect()),
        _ => (404, String::new(), String::new()),
    }
}

fn order((number, [fan, _, _, intent]): (usize, &[String; 4])) -> Value {
    json!({
        "order_id": number.to_string(), "fan": fan, "item": "tee", "quantity": 1, "amount": 4_500,
        "status": "paid", "payment": format!("pay_{number}"), "intent": intent,
    })
}

fn payment((number, [.., intent]): (usize, &[String; 4])) -> Value {
    json!({
        "payment": format!("pay_{number}"), "status": "captured", "amount": 4_500, "intent": intent,
    })
}

const SCENARIO: &str = r#"
schema = 1
name = "witness"
seed = 7

[target]
url = "{url}"
data = "fans.csv"

[[sale]]
id = "noon"
opens = "+2s"
lasts = "20s"
items = [{ id = "tee", stock = 500, price = 4_500 }]

[[fans]]
name = "early"
count = 20
arrive = { shape = "constant", from = "-1s", over = "1s" }
reload = { gap = "300ms" }
think = "20ms"
abandon = 0.0

[[fans]]
name = "late"
count = 40
arrive = { shape = "constant", over = "1s" }
reload = { gap = "300ms" }
think = "20ms"
abandon = 0.0

[[step]]
name = "page"
as = "reload"
path = "/page?fan={{fan}}&row={{row}}"

[[step]]
name = "cart"
as = "cart"
path = "/cart"
form = { row = "{{row}}" }
outcome = [{ status = 409, is = "sold_out" }]

[[step]]
name = "buy"
as = "checkout"
path = "/buy"
form = { fan = "{{fan}}", row = "{{row}}", ref = "{{intent}}" }

[ledger.shop]
http = "{url}"
stock = "/ledger/stock"
orders = "/ledger/orders"
paid = ["paid"]
terminal = ["paid"]

[ledger.provider]
http = "{url}"
payments = "/ledger/payments"
"#;

/// What `processes` load processes made of the sale, and what the shop heard.
fn lived(processes: usize) -> (Value, WitnessShop) {
    let (desk, shop) = (Desk::new(), WitnessShop::open());
    desk.write("witness.toml", &SCENARIO.replace("{url}", &shop.url));
    let rows: Vec<String> = (0..FANS).map(|row| format!("row-{row}\n")).collect();
    desk.write("fans.csv", &format!("row\n{}", rows.concat()));
    let processes = format!("live.processes={processes}");
    let said = desk.say(&["run", "witness.toml", "--quiet", "--set", &processes]);
    // A machine that is busy with others may make the reading inconclusive; never partial.
    assert!(matches!(said.code, Some(0 | 112)), "{said:#?}");
    (desk.json("reports/latest/summary.json")["result"].clone(), shop)
}

/// The findings, without their witnesses.
fn findings(result: &Value) -> Vec<(String, String)> {
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = result["findings"].as_array().unwrap();
    findings.iter().map(|finding| (word(finding, "id"), word(finding, "status"))).collect()
}

#[test]
fn several_processes_live_one_crowd_in_a_shop_of_ones_own() {
    let lived = [1, 2, 3].map(lived);
    let alone = findings(&lived[0].0);
    for (result, shop) in &lived {
        let heard = shop.heard.lock().unwrap();
        // Each fan has a row of its own, whichever process it is lived in, and never another.
        let rows: BTreeSet<&String> = heard.bought.iter().map(|[_, row, ..]| row).collect();
        assert_eq!((heard.bought.len(), rows.len()), (FANS, FANS));
        let pairs: BTreeSet<&(String, String)> = heard.visits.iter().collect();
        assert_eq!(pairs.len(), FANS, "nobody says the row of another: {pairs:?}");
        for [fan, _, cookie, intent] in &heard.bought {
            assert_eq!(cookie, &format!("sid={fan}"), "it says back what it alone was given");
            assert!(intent.ends_with(&format!("-{fan}")), "{intent}");
        }
        let runs: BTreeSet<&str> =
            heard.bought.iter().filter_map(|[.., intent]| intent.split('-').next()).collect();
        assert_eq!(runs.len(), 1, "all processes are of one run: {runs:?}");

        assert_eq!(result["orders"]["confirmed"], FANS, "{result}");
        assert_eq!(findings(result), alone);
        let cart: Vec<&Value> = result["complaints"].as_array().unwrap().iter().collect();
        let [complaint] = cart[..] else { panic!("one complaint: {cart:?}") };
        assert_eq!(
            (&complaint["step"], &complaint["kind"]),
            (&json!("cart"), &json!("no_rule_fits"))
        );
        assert_eq!((&complaint["count"], &complaint["of"]), (&json!(FANS), &json!(FANS)));
        let page = &result["edge"]["page"];
        let visits = heard.visits.len();
        assert_eq!((&page["answers"], &page["hits"]), (&json!(visits), &json!(visits)), "{page}");
        assert_eq!(page["pops"]["NRT57-P3"], visits, "{page}");
    }
    let held = |id: &str| alone.contains(&(id.to_owned(), "held".to_owned()));
    for id in ["INV-OVERSELL", "INV-CONSERVE", "INV-DOUBLE-CHARGE", "INV-SILENT-CHARGE"] {
        assert!(held(id), "{id}: {alone:?}");
    }
}
