//! The whole real stack: one command here, and the compose file for who has containers.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use clap::Parser as _;
use reference_shop::settings::{AdmissionBy, EdgeBy, ShopSettings, Storage};
use rustix::process::{Pid, Signal, kill_process};
use saphyr::{LoadableYamlNode as _, Yaml};
use spike::cli::{Cli, Command};
use spike::scenario::overrides::Overrides;
use spike::verdict::Verdict;

use crate::program::Desk;
use crate::rehearsal::{self, Room, program, shipped, with};

/// Whether all of Debian's packages are there.
fn is_installed() -> bool {
    let programs = ["/usr/sbin/nginx", "/usr/bin/redis-server", "/usr/lib/postgresql"];
    let lacks = programs.iter().find(|path| !Path::new(path).exists());
    if let Some(lacks) = lacks {
        eprintln!("{lacks} is not there: nothing was tested with the real stack");
    }
    lacks.is_none()
}

#[test]
fn in_virtual_time_it_sells_out_as_its_head_comment_says() {
    let text = rehearsal::shipped_text("real-stack");
    let scenario = rehearsal::scenario(&text, &Overrides::default());
    let judged = rehearsal::simulate(&scenario).0;
    assert_eq!(judged.verdict, Verdict::Pass, "{:?}", judged.reasons);
}

#[test]
fn one_command_starts_all_of_it_and_the_sale_passes() {
    if !is_installed() {
        return;
    }
    let desk = Desk::new();
    std::fs::copy(shipped("real-stack"), desk.file("real-stack.toml")).unwrap();
    let small = ["--scale", "0.1", "--set", "sale.0.opens=+8s", "--set", "sale.0.lasts=15s"];
    let soon = ["--set", "fans.0.arrive.midpoint=-4s", "--set", "fans.0.arrive.spread=500ms"];
    let said =
        with(Room::Whole, || desk.say(&[&["run", "real-stack.toml"][..], &small, &soon].concat()));
    // A machine that is busy with others may make the reading inconclusive, or slow.
    assert!(matches!(said.code, Some(0 | 99 | 112)), "{said:#?}");
    let result = &desk.json("reports/latest/summary.json")["result"];
    let findings = result["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["status"] != "violated"), "{result:#}");
    assert!(result["orders"]["confirmed"].as_u64().unwrap() > 0, "{result:#}");
    let count = |tier: &str| result["rates"][tier]["count"].as_u64().unwrap();
    assert!(count("origin") * 2 < count("edge"), "{result:#}");
    let snapshots = desk.read("reports/latest/snapshots.jsonl");
    assert!(snapshots.lines().last().unwrap().contains(r#""connections":20"#), "{snapshots}");
}

/// A running `spike serve`.
struct Served {
    child: Child,
    /// What it printed: a name and an address, or the like, each.
    lines: Vec<String>,
}

impl Served {
    fn start(words: &[&str]) -> Self {
        let mut command = program();
        command.arg("serve").args(words).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(4);
        let lines = lines.map(Result::unwrap).collect();
        Self { child, lines }
    }

    fn of(&self, name: &str) -> &str {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{:?}", self.lines)).trim()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_stack_is_served_for_other_tools_until_it_is_told_to_end() {
    if !is_installed() {
        return;
    }
    let mut served = Served::start(&[shipped("real-stack").to_str().unwrap()]);
    let shop = served.of("shop").strip_prefix("http://").unwrap().to_owned();
    let answer = ask(&shop, "/sales/0/page/0");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("X-Cache-Status: MISS"), "{answer}");
    let folder = served.of("files").to_owned();
    assert!(Path::new(&folder).join("shop.json").exists());
    let process = Pid::from_child(&served.child);
    kill_process(process, Signal::TERM).unwrap();
    assert!(served.child.wait().unwrap().success());
    assert!(TcpStream::connect(&shop).is_err());
    assert!(!Path::new(&folder).exists());
}

fn ask(address: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A service's list of words under `key`.
fn words<'a>(service: &'a Yaml<'a>, key: &str) -> Vec<&'a str> {
    let list = service.as_mapping_get(key).and_then(|list| list.as_sequence());
    list.into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

/// The port at the end of an address.
fn port(address: &str) -> &str {
    address.rsplit_once(':').unwrap().1
}

#[test]
fn the_compose_file_says_what_the_programs_accept() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("compose.yaml")).unwrap();
    let file = &Yaml::load_from_str(&text).unwrap()[0];
    let services = file.as_mapping_get("services").unwrap().as_mapping().unwrap();
    let names: BTreeSet<&str> = services.keys().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["postgres", "provider", "redis", "shop"]));
    for (name, service) in services {
        let name = name.as_str().unwrap();
        let needs = service.as_mapping_get("depends_on").and_then(|needs| needs.as_mapping());
        for needed in needs.into_iter().flat_map(|needs| needs.keys()) {
            assert!(names.contains(needed.as_str().unwrap()), "{name}: {needed:?}");
        }
        match service.as_mapping_get("image").and_then(|image| image.as_str()) {
            Some(image) => {
                let (image, version) = image.split_once(':').unwrap();
                assert!(image == name && version.parse::<u32>().is_ok(), "{image}:{version}");
            }
            None => holds_for_spike(root, &names, service),
        }
    }
}

/// A service of this program: its command line is one, its ports are where it listens, and what it reads
/// is there and speaks of services that are there.
fn holds_for_spike(root: &Path, names: &BTreeSet<&str>, service: &Yaml<'_>) {
    assert_eq!(service.as_mapping_get("build").and_then(|build| build.as_str()), Some("."));
    let command = words(service, "command");
    let cli = Cli::try_parse_from(["spike"].iter().chain(&command)).unwrap();
    let ports = words(service, "ports");
    let [published] = ports[..] else { panic!("{ports:?}") };
    assert!(published.starts_with("127.0.0.1:"), "{published}");
    match cli.command {
        Command::Provider(args) => assert_eq!(port(&args.listen), port(published)),
        Command::Shop(args) => {
            assert_eq!(args.listen.port().to_string(), port(published));
            let provider = args.provider.unwrap();
            let host = provider.strip_prefix("http://").unwrap().split(':').next().unwrap();
            assert!(names.contains(host), "{host}");
            let inside = args.settings.unwrap();
            let volumes = words(service, "volumes");
            let mounted = volumes.iter().find_map(|volume| {
                let (outside, rest) = volume.split_once(':')?;
                (rest.strip_suffix(":ro")? == inside.to_str()?).then_some(outside)
            });
            holds_for_settings(&root.join(mounted.unwrap()), names);
        }
        other => panic!("{other:?}"),
    }
}

fn holds_for_settings(path: &Path, names: &BTreeSet<&str>) {
    let text = std::fs::read_to_string(path).unwrap();
    let settings: ShopSettings = serde_json::from_str(&text).unwrap();
    assert_eq!(settings.problems(), [""; 0]);
    let Storage::PostgresAt(url) = &settings.shop.storage else { panic!("{settings:?}") };
    let host = url.split_once('@').unwrap().1.split('/').next().unwrap();
    assert!(names.contains(host), "{host}");
    let Some(AdmissionBy::Redis(url)) = settings.shop.admission.as_ref().map(|it| &it.by) else {
        panic!("{settings:?}")
    };
    let host = url.strip_prefix("redis://").unwrap().split(':').next().unwrap();
    assert!(names.contains(host), "{host}");
    assert_eq!(settings.shop.edge.by, EdgeBy::Nginx);
}
