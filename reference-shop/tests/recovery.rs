//! The shop as a program whose stock is in `PostgreSQL`, killed in the middle of its work; where this
//! machine has a server (`./test` sees to it).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use domain::shop::{ShopLine, ShopSnapshot};
use machine::postgres::{Server, StartError};
use reference_shop::settings::{ShopSettings, Storage};

/// The beginning of the run \[ns of UTC\].
const BEGAN: &str = "1700000000000000000";

/// How often something is looked at that comes true by itself.
const LOOKS_MAX: u32 = 10_000_000;

fn server() -> Option<Server> {
    match Server::start(60) {
        Ok(server) => Some(server),
        Err(StartError::Missing) => {
            eprintln!("PostgreSQL is not installed: nothing was tested with it");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A running shop.
struct Shop {
    child: Child,
    address: String,
}

impl Shop {
    fn start(settings: &Path, provider: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reference-shop"))
            .args(["--provider", provider, "--until-stdin-closes", "--began-utc-ns", BEGAN])
            .arg("--settings")
            .arg(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap().trim().to_owned();
        Self { child, address }
    }

    /// Says something and does not wait for the answer.
    fn say(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        body(self.say(&request))
    }

    /// Fan 0-7 buys two pieces of item 0 in slot 0.
    fn buy(&self) -> TcpStream {
        let wish =
            r#"{"fan":"0-7","intent":"0-7","key":"0-7-0","item":0,"slot":0,"quantity":2,"card":0}"#;
        let length = wish.len();
        self.say(&format!(
            "POST /checkout HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{wish}"
        ))
    }

    fn snapshot(&self) -> ShopSnapshot {
        serde_json::from_str(&self.get("/admin/snapshot")).unwrap()
    }

    fn ledger(&self) -> Vec<ShopLine> {
        let ledger = self.get("/admin/ledger");
        ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Kills it: it has no time for anything.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn body(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// A provider that says what it is asked, and answers what it is told to, or hangs up.
struct Provider {
    url: String,
    heard: Receiver<String>,
    answers: Sender<Option<&'static str>>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (hear, heard) = channel();
        let (answers, told) = channel::<Option<&'static str>>();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(asked)) = lines.next() else { continue };
                // Who has gone hears nothing.
                let (Ok(()), Ok(says)) = (hear.send(asked), told.recv()) else { return };
                if let Some(json) = says {
                    let top =
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
                    let length = json.len();
                    drop(write!(stream, "{top}\r\ncontent-length: {length}\r\n\r\n{json}"));
                }
            }
        });
        Self { url, heard, answers }
    }

    /// What it is asked next.
    fn hears(&self) -> String {
        let line = self.heard.recv().unwrap();
        line.strip_suffix(" HTTP/1.1").unwrap().to_owned()
    }

    fn answers(&self, answer: &'static str) {
        self.answers.send(Some(answer)).unwrap();
    }
}

fn settings(folder: &Path, storage: Storage) -> PathBuf {
    let mut settings = ShopSettings::small();
    settings.shop.storage = storage;
    let path = folder.join("shop.json");
    fs::write(&path, serde_json::to_string(&settings).unwrap()).unwrap();
    path
}

#[test]
fn a_shop_that_is_killed_goes_on_with_its_orders_and_keeps_what_it_sold() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), Storage::PostgresAt(server.url()));
    let provider = Provider::start();
    let shop = Shop::start(&settings, &provider.url);
    let _fan = shop.buy();
    assert_eq!(provider.hears(), "POST /v1/authorizations");
    shop.kill();
    provider.answers.send(None).unwrap();

    let shop = Shop::start(&settings, &provider.url);
    assert_eq!(provider.hears(), "POST /v1/authorizations", "under the same key");
    provider.answers(r#"{"id":"1","status":"authorized"}"#);
    assert_eq!(provider.hears(), "POST /v1/authorizations/1/capture");
    shop.kill();
    provider.answers.send(None).unwrap();

    let shop = Shop::start(&settings, &provider.url);
    assert_eq!(provider.hears(), "GET /v1/authorizations/1", "was it captured?");
    provider.answers(r#"{"id":"1","status":"captured"}"#);
    assert!((0..LOOKS_MAX).any(|_| shop.snapshot().pending == 0), "the order ends");
    shop.kill();

    let shop = Shop::start(&settings, &provider.url);
    let ledger = shop.ledger();
    let orders: Vec<&ShopLine> =
        ledger.iter().filter(|line| matches!(line, ShopLine::Order { .. })).collect();
    let [ShopLine::Order { status, paid: true, .. }] = orders[..] else { panic!("{ledger:#?}") };
    assert_eq!(status, "captured");
    let [ShopLine::Stock { free: 98, held: 0, sold: 2, .. }, ..] = ledger[..] else {
        panic!("{ledger:#?}");
    };
    assert!(body(shop.buy()).contains("\"ok\""), "the same key is told the same");
    shop.kill();
}

#[test]
fn a_server_of_the_shops_own_does_not_outlive_it() {
    let Some(_) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), Storage::Postgres);
    let shop = Shop::start(&settings, "http://127.0.0.1:1");
    assert_eq!(shop.snapshot().database.unwrap().connections, 20);
    let home = home_of_the_server(shop.child.id());
    assert!(home.join("data").exists());
    shop.kill();
    let is_gone = || (0..LOOKS_MAX).any(|_| !home.exists());
    assert!(is_gone(), "{} is still there", home.display());
}

/// The folder of the server that a process has started: it is on the command line of its guard.
fn home_of_the_server(process: u32) -> PathBuf {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let children =
        threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("children")));
    let children: String = children.map(Result::unwrap).collect();
    let lines = children
        .split_whitespace()
        .map(|child| fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap());
    let guard = lines.into_iter().find(|line| line.contains("\0guard\0")).unwrap();
    PathBuf::from(guard.split_once("\0guard\0").unwrap().1.split('\0').next().unwrap())
}
