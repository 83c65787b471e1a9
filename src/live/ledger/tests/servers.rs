//! The same shop in real database servers, where this machine has them (`./test` sees to it).

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::live::ledger::rows::{Heard, Question, Source, Value};

/// Whoever runs nothing else: database servers refuse to be root.
const NOBODY: u32 = 65_534;

/// A database server of this test's own.
struct Server {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first of these programs that there is.
fn program(patterns: &[&str]) -> Option<PathBuf> {
    patterns.iter().map(PathBuf::from).find(|path| path.exists())
}

/// An address of this machine that no other test process has.
fn address() -> String {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.{}.{high}.{low}", 77 + std::process::id() % 50)
}

fn as_nobody(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A folder of the server's own, with a certificate for its address.
fn folder(address: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec![address.to_owned()]).unwrap();
    std::fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    if rustix::process::getuid().is_root() {
        for path in [folder.path(), &key] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    folder
}

/// Starts a server that says on its standard error when it is ready.
fn start(mut command: Command, ready: &str, url: String, folder: TempDir) -> Server {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let is_ready = lines.by_ref().map_while(Result::ok).any(|line| {
        said.push(line);
        said.last().is_some_and(|line| line.contains(ready))
    });
    // Whatever else it says is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    let server = Server { child, url, folder };
    assert!(is_ready, "{}", said.join("\n"));
    server
}

fn postgres() -> Option<Server> {
    let versions = ["18", "17", "16", "15", "14", "13"];
    let homes: Vec<String> = versions
        .iter()
        .map(|version| format!("/usr/lib/postgresql/{version}/bin/initdb"))
        .collect();
    let initdb = program(&homes.iter().map(String::as_str).collect::<Vec<_>>())?;
    let address = address();
    let folder = folder(&address);
    let data = folder.path().join("data");
    let mut init = as_nobody(&initdb, folder.path());
    init.args(["--auth=trust", "--username=shop", "--no-sync", "--encoding=UTF8"])
        .arg("-D")
        .arg(&data);
    assert!(init.stderr(Stdio::inherit()).status().unwrap().success());
    let mut server = as_nobody(&initdb.with_file_name("postgres"), folder.path());
    server.arg("-D").arg(&data).args(["-h", &address, "-p", "5432", "-F", "-k", "/tmp"]);
    server.args([
        "-c",
        "ssl=on",
        "-c",
        "ssl_cert_file=../cert.pem",
        "-c",
        "ssl_key_file=../key.pem",
    ]);
    server.args(["-c", "timezone=Asia/Tokyo", "-c", "unix_socket_directories="]);
    let url = format!("postgres://shop@{address}/postgres");
    Some(start(server, "ready to accept connections", url, folder))
}

fn mariadb() -> Option<Server> {
    let install = program(&["/usr/bin/mariadb-install-db"])?;
    let mariadbd = program(&["/usr/sbin/mariadbd"])?;
    let address = address();
    let folder = folder(&address);
    let data = folder.path().join("data");
    let mut init = as_nobody(&install, folder.path());
    init.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
    init.arg(format!("--datadir={}", data.display())).stderr(Stdio::null());
    assert!(init.status().unwrap().success());
    let first = folder.path().join("first.sql");
    std::fs::write(
        &first,
        "create database shop;\ncreate user me identified by 'p@ss/word';\ngrant all on shop.* to me;\n",
    )
    .unwrap();
    let mut server = as_nobody(&mariadbd, folder.path());
    server.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
    server.arg(format!("--socket={}", folder.path().join("socket").display()));
    server.arg(format!("--init-file={}", first.display()));
    for part in ["cert", "key"] {
        let file = folder.path().join(format!("{part}.pem"));
        server.arg(format!("--ssl-{part}={}", file.display()));
    }
    server.args([
        &format!("--bind-address={address}"),
        "--port=3306",
        "--default-time-zone=+09:00",
    ]);
    server.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"]);
    let url = format!("mysql://me:p%40ss%2Fword@{address}/shop");
    Some(start(server, "ready for connections", url, folder))
}

/// A database server that this machine does not have is not tested with, and that is said.
fn or_told(server: Option<Server>, name: &str) -> Option<Server> {
    if server.is_none() {
        eprintln!("{name} is not installed: nothing was tested with it");
    }
    server
}

/// All rows of the shop's own database as statements.
fn rows_of(shop: &Shop) -> String {
    let mut text = Vec::new();
    for table in ["capacity", "purchase", "charge", "hold"] {
        text.push(format!("delete from {table}"));
        let mut all = shop.database.prepare(&format!("select * from {table}")).unwrap();
        let wide = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let value = |place| match row.get::<_, rusqlite::types::Value>(place).unwrap() {
                rusqlite::types::Value::Null => "null".to_owned(),
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => format!("'{text}'"),
                other => panic!("{other:?}"),
            };
            let values: Vec<String> = (0..wide).map(value).collect();
            text.push(format!("insert into {table} values ({})", values.join(", ")));
        }
    }
    text.join(";\n")
}

fn source(url: &str) -> Source {
    Source::new(&Rows::Sql { url: url.to_owned() }, &Filling::of(RUN), &Home::default()).unwrap()
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// An honest storm and one with a fault, in the database of `server`.
fn storms_are_judged(server: &Server, schema: &str) {
    let (source, runtime) = (source(&server.url), runtime());
    source.execute(&runtime, schema).unwrap();
    let mut shop = Shop::before_the_storm();
    source.execute(&runtime, &rows_of(&shop)).unwrap();
    let mut wanted = shop.wanted(FREE);
    let rows = Rows::Sql { url: server.url.clone() };
    wanted.shop.as_mut().unwrap().rows = rows.clone();
    wanted.provider = Some(ProviderLedger::Mapped { rows, payments: PAYMENTS.to_owned() });
    let mut foreign = shop.ledgers(wanted);
    shop.storms();
    source.execute(&runtime, &rows_of(&shop)).unwrap();
    let evidence = shop.evidence(&mut foreign);
    let judged = findings(&evidence);
    assert_eq!(told(&judged), BTreeMap::new(), "{judged:#?}");
    let clock = evidence.ending.ledgers.unwrap().clock;
    let crate::evidence::ledgers::ShopClock::Within { error_ns } = clock else { panic!() };
    assert!(error_ns < 60_000_000_000, "{error_ns}");

    shop.buys(20, 2);
    source.execute(&runtime, &rows_of(&shop)).unwrap();
    let judged = findings(&shop.evidence(&mut foreign));
    assert_eq!(told(&judged), BTreeMap::from([("INV-OVERSELL", Status::Violated)]));

    let failed = source.execute(&runtime, "delete from charge; delete from nowhere").unwrap_err();
    assert!(failed.contains("nowhere") && !failed.contains("p@ss"), "{failed}");
    assert_eq!(shop.evidence(&mut foreign).provider.unwrap().len(), 9, "nothing was deleted");
}

/// The values of one row of `query`.
fn values(url: &str, query: &str) -> Result<Vec<Value>, String> {
    let (mut found, mut ended) = (Vec::new(), Ok(()));
    let questions = vec![Question { kind: Kind::Orders, text: query.to_owned() }];
    let asked = source(url).ask(&runtime(), questions, &mut |heard| match heard {
        Heard::Row(values) => found = values,
        Heard::End(_, end) => ended = end,
        Heard::Clock { .. } | Heard::Columns(..) => {}
    });
    asked.map_err(|error| with_causes(&error))?;
    ended.map(|()| found)
}

/// A connection is secured as its URL asks, and only with whom it trusts.
fn is_secured(server: &Server, query: &str, yes: &str) {
    let roots = server.folder.path().join("cert.pem").display().to_string();
    let asked = |mode: &str| values(&format!("{}?sslmode={mode}", server.url), query);
    assert_eq!(asked("require"), Ok(texts(&[yes])));
    assert_eq!(asked(&format!("verify-full&sslrootcert={roots}")), Ok(texts(&[yes])));
    assert_eq!(asked(&format!("verify-ca&sslrootcert={roots}")), Ok(texts(&[yes])));
    assert!(asked("verify-full").unwrap_err().contains("certificate"));
    assert_ne!(asked("disable"), Ok(texts(&[yes])));
    assert!(asked("perhaps").unwrap_err().contains("`sslmode=perhaps`"));
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| Value::Text((*text).to_owned())).collect()
}

#[test]
fn a_shop_in_postgres_is_judged_and_every_type_is_text() {
    let Some(server) = or_told(postgres(), "PostgreSQL") else { return };
    storms_are_judged(&server, SCHEMA);
    let query = "select 7::bigint, 45.00::numeric(12,2), true, \
                 timestamptz '2026-11-22 20:14:56.5+09', timestamp '2026-11-22 11:14:56', \
                 '6f1c7b0e-0000-4000-8000-000000000001'::uuid, 'a'::char(1)";
    let expected = [
        "7",
        "45.00",
        "t",
        "2026-11-22 11:14:56.5+00",
        "2026-11-22 11:14:56",
        "6f1c7b0e-0000-4000-8000-000000000001",
        "a",
    ];
    assert_eq!(values(&server.url, query), Ok(texts(&expected)));
    assert_eq!(values(&server.url, "select null::int;"), Ok(vec![Value::Null]));
    let why = values(&server.url, "select nothing from capacity").unwrap_err();
    assert_eq!(why, "column \"nothing\" does not exist");
    let why = values(&server.url, "delete from capacity").unwrap_err();
    assert!(why.contains("read-only"), "{why}");
    is_secured(&server, "select ssl from pg_stat_ssl where pid = pg_backend_pid()", "t");
}

#[test]
fn a_shop_in_mariadb_is_judged_and_every_type_is_text() {
    let Some(server) = or_told(mariadb(), "MariaDB") else { return };
    storms_are_judged(&server, &SCHEMA.replace(" text", " varchar(100)"));
    let query = "select cast(7 as signed), cast(45 as decimal(12,2)), true, \
                 timestamp '2026-11-22 11:14:56.5', 'ä', json_extract('{\"a\": 1}', '$.a')";
    let expected = ["7", "45.00", "1", "2026-11-22 11:14:56.5", "ä", "1"];
    assert_eq!(values(&server.url, query), Ok(texts(&expected)));
    let odd = Ok(vec![Value::Null, Value::Odd("bytes")]);
    assert_eq!(values(&server.url, "select null, cast('x' as binary)"), odd);
    let why = values(&server.url, "select nothing from capacity").unwrap_err();
    assert!(why.contains("Unknown column 'nothing'"), "{why}");
    let why = values(&server.url, "delete from capacity").unwrap_err();
    assert!(why.contains("READ ONLY"), "{why}");
    let cipher = "select variable_value <> '' from information_schema.session_status \
                  where variable_name = 'ssl_cipher'";
    is_secured(&server, cipher, "1");
}
