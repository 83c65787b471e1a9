//! Stock counted in Redis, and its known crash window, where this machine has Redis (`./test` sees to it).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::thread;

use machine::redis::{Redis, RedisError};
use reference_shop::settings::{Inventory, Saga, ShopSettings, Storage};
use spike::scenario::overrides::Overrides;

use crate::program::{Desk, SMALL};
use crate::rehearsal;

/// How often something is looked at that comes true by itself.
const LOOKS_MAX: u32 = 1_000_000;

const BEGAN: &str = "1700000000000000000";

fn server() -> Option<Redis> {
    match Redis::start() {
        Ok(redis) => Some(redis),
        Err(RedisError::Missing) => {
            eprintln!("Redis is not installed: nothing was tested with it");
            None
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// The last line of what Redis says to a command; nothing where it is gone.
fn says(redis: &Redis, command: &str) -> Option<String> {
    let mut stream = UnixStream::connect(redis.socket()).ok()?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).ok()?;
    let lines: Vec<String> = BufReader::new(stream).lines().map_while(Result::ok).collect();
    lines.iter().rev().nth(1).cloned()
}

/// Waits until the counter of the tees holds.
fn wait_for(redis: &Redis, holds: impl Fn(i64) -> bool) {
    let free = || {
        let counter = says(redis, "KEYS spike:*:items:tee").filter(|key| key.contains("tee"))?;
        says(redis, &format!("GET {counter}"))?.parse().ok()
    };
    assert!((0..LOOKS_MAX).any(|_| free().is_some_and(&holds)), "{:?}", free());
}

fn violated(desk: &Desk) -> Vec<String> {
    let summary = desk.json("reports/latest/summary.json");
    let findings = summary["result"]["findings"].as_array().unwrap();
    let violated = findings.iter().filter(|finding| finding["status"] == "violated");
    violated.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

/// A run whose payments hold even where a busy machine bunches them.
fn words(storage: &str) -> [&str; 8] {
    let [counter, retries] = ["shop.inventory=guarded-counter", "shop.void_retries=5"];
    ["run", "small.toml", "--set", storage, "--set", counter, "--set", retries]
}

#[test]
fn a_sale_counted_in_redis_passes() {
    if server().is_none() {
        return;
    }
    let desk = Desk::new();
    let said = desk.say(&words("shop.storage=redis"));
    // A machine that is busy with others may make the reading inconclusive.
    assert!(matches!(said.code, Some(0 | 112)), "{said:#?}");
    let result = &desk.json("reports/latest/summary.json")["result"];
    assert_eq!(result["orders"]["confirmed"], 10, "{result:#}");
    assert_eq!(violated(&desk), [""; 0]);
}

#[test]
fn a_redis_that_comes_back_with_older_counters_oversells_and_is_found_out() {
    let Some(mut redis) = server() else { return };
    let desk = Desk::new();
    let storage = format!("shop.storage={}", redis.url());
    let mut command = desk.command(&words(&storage));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&redis, |free| free == 6);
    assert_eq!(says(&redis, "SAVE").as_deref(), Some("+OK"));
    wait_for(&redis, |free| free <= 3);
    redis.kill().unwrap();
    redis.start_again().unwrap();
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(111), "{talk}");
    assert!(!talk.contains("panicked"), "{talk}");
    assert!(violated(&desk).contains(&"INV-OVERSELL".to_owned()), "{talk}");
}

/// A server of this program, and where it listens.
fn start(desk: &Desk, words: &[&str]) -> (Child, String) {
    let mut command = desk.command(words);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    (child, url)
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_shop_that_dies_between_counter_and_order_strands_pieces_and_is_found_out() {
    let Some(redis) = server() else { return };
    let desk = Desk::new();
    let scenario = rehearsal::scenario(SMALL, &Overrides::default());
    let settings = |pause: &str| {
        let mut settings: ShopSettings = scenario.shop_settings();
        settings.catalogue.sales[0].opens = domain::time::Time::ZERO;
        settings.catalogue.sales[0].closes = domain::time::Time::NEVER;
        settings.shop.storage = Storage::try_from(redis.url()).unwrap();
        settings.shop.inventory = Inventory::GuardedCounter;
        settings.shop.saga = Saga::ReserveFirst;
        settings.shop.time_in_transaction = pause.parse().unwrap();
        desk.write(&format!("{pause}.json"), &serde_json::to_string(&settings).unwrap());
        format!("{pause}.json")
    };
    let (provider, at) = start(&desk, &["provider", "--listen", "127.0.0.1:0"]);
    let shop = |settings: &str| {
        let place = ["--database", "shop.db", "--began-utc-ns", BEGAN, "--provider", at.as_str()];
        start(&desk, &[&["shop", "--settings", settings][..], &place].concat())
    };
    // Its first order goes no further than the counter.
    let (first, url) = shop(&settings("1h"));
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let buyer = thread::spawn(move || {
        let body = r#"{"fan":"0-1","intent":"0-1-0","key":"0-1-0","item":0,"slot":0,"quantity":2,"card":0}"#;
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /checkout HTTP/1.1\r\nhost: shop\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    });
    wait_for(&redis, |free| free == 4);
    end(first);
    assert_eq!(buyer.join().unwrap(), "");
    let (second, url) = shop(&settings("0s"));
    let said = desk.say(&["run", "small.toml", "--target", &url]);
    end(second);
    end(provider);
    assert_eq!(said.code, Some(111), "{said:#?}");
    let violated = violated(&desk);
    assert!(violated.contains(&"INV-CONSERVE".to_owned()), "{violated:?}: {said:#?}");
}

#[test]
fn what_redis_does_not_count_is_refused_with_its_cure() {
    let desk = Desk::new();
    let set = ["check", "small.toml", "--set", "shop.storage=redis"];
    let said = desk.say(&set);
    assert_eq!(said.code, Some(104), "{said:#?}");
    assert!(said.stderr.contains("write `inventory = \"guarded-counter\"`"), "{}", said.stderr);
    let counter = ["--set", "shop.inventory=guarded-counter"];
    let said = desk.say(&[&set[..], &counter, &["--set", "shop.faults=[\"oversell\"]"]].concat());
    assert_eq!(said.code, Some(104), "{said:#?}");
    let said = desk.say(&["check", "small.toml", "--set", "shop.storage=redis://:hush@db"]);
    assert!(said.stderr.contains("REDISCLI_AUTH"), "{}", said.stderr);
    let said = desk.say(&[&set[..], &counter].concat());
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.stdout.contains("Redis"), "{}", said.stdout);
}
