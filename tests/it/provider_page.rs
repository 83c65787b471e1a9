//! docs/PROVIDER.md says what there is: every key, word, profile, path and metric of the provider.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mock_provider::settings::{Overrides, profiles};

use crate::docs::commands;
use crate::program::{Desk, Said, Server, spike};
use crate::scenario_files::{documented, gather_words, tables};

fn page() -> String {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROVIDER.md"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn schema() -> serde_json::Value {
    schemars::schema_for!(Overrides).to_value()
}

#[test]
fn the_page_names_every_setting_of_the_provider_and_no_other() {
    let mut expected = tables(&schema());
    let about = ["seed", "extends", "provenance"].map(str::to_owned);
    expected.get_mut("").unwrap().extend(about);
    // A law is described in a sentence, and the reasons of declines stand in a list.
    expected.retain(|table, _| !["law", "decline_mix"].contains(&table.as_str()));
    assert_eq!(documented(&page(), "The settings themselves"), expected);
}

#[test]
fn the_page_names_every_word_and_every_profile_of_the_provider() {
    let mut words = BTreeSet::new();
    gather_words(&schema(), &mut words);
    words.extend(profiles().map(str::to_owned));
    let page = page();
    let says =
        |word: &&String| ["`", "*"].iter().any(|it| page.contains(&format!("{it}{word}{it}")));
    let missing: Vec<_> = words.iter().filter(|word| !says(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for word in ["penalty-box", "object", "offered", "ratelimit", "tokenize", "payjp-test"] {
        assert!(words.contains(word), "{word}: {words:?}");
    }
}

/// The answer to a GET, with its head.
fn ask(server: &Server, path: &str) -> String {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: provider\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The paths in the code of the provider's server, but for its tests.
fn paths_in(folder: &Path) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            paths.extend(paths_in(&path));
        } else if !path.ends_with("tests.rs") {
            let code = read(&path);
            let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let quoted = code.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
            let is_path = |text: &&str| {
                ["/v1/", "/admin", "/metrics", "/3ds/{s"].iter().any(|it| text.starts_with(it))
                    && !text.contains(' ')
                    && *text != "/v1/"
            };
            paths.extend(quoted.filter(is_path).map(str::to_owned));
        }
    }
    paths
}

#[test]
fn the_page_names_every_path_of_the_provider() {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("mock-provider/src/server");
    let paths = paths_in(&server);
    assert!(paths.len() > 35, "the paths were found: {paths:?}");
    let page = page();
    let says = |path: &&String| {
        [format!("`{path}`"), format!(" {path}`")].iter().any(|text| page.contains(text))
    };
    let missing: Vec<_> = paths.iter().filter(|path| !says(path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_page_names_every_metric_of_the_provider() {
    let server = Server::start(spike().args(["provider", "--profile", "shared-30"]));
    let text = ask(&server, "/metrics");
    let metrics: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(metrics.len() >= 8, "{text}");
    let page = page();
    let missing: Vec<_> =
        metrics.iter().filter(|metric| !page.contains(&format!("`{metric}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The settings that the page shows as a file of that name.
fn file_of(page: &str, name: &str) -> String {
    let begin = format!("```toml\n# {name}\n");
    page.split(&begin).nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn every_command_of_the_page_starts_a_provider() {
    let page = page();
    let desk = Desk::new();
    desk.write("ours.toml", &file_of(&page, "ours.toml"));
    let program = env!("CARGO_BIN_EXE_spike");
    let mut started = 0;
    for (number, command) in commands(&page).into_iter().enumerate() {
        let words = ["spike provider ", "cargo run --release -p mock-provider -- "];
        let Some(args) = words.iter().find_map(|word| command.strip_prefix(word)) else {
            assert!(command.starts_with("curl "), "{command}");
            continue;
        };
        let args = args.replace("--ledger ", &format!("--ledger {number}-"));
        let args = args.replace("127.0.0.1:12111", "127.0.0.1:0");
        let line = format!("'{program}' provider --until-stdin-closes {args}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(desk.path()).stdin(Stdio::null());
        let said = Said::of(&mut shell);
        assert_eq!(said.code, Some(0), "{command}: {said:#?}");
        assert!(said.stdout.starts_with("listening on http://127.0.0.1:"), "{command}: {said:#?}");
        started += 1;
    }
    assert!(started >= 5, "the commands were found");
}
