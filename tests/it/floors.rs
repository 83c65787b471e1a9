//! The house stands: imports run one way, pure code stays pure, files stay short.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `src/`, from the bottom; a file may use only what stands lower.
const FLOORS: [(&str, u32); 21] = [
    ("cli", 0),
    ("fan", 1),
    ("device", 1),
    ("arrival", 1),
    ("step", 1),
    ("tier", 1),
    ("tracing", 1),
    ("evidence", 1),
    ("measure", 2),
    ("audit", 2),
    ("draft", 2),
    ("verdict", 3),
    ("gate", 3),
    ("telemetry", 3),
    ("scenario", 4),
    ("report", 4),
    ("live", 5),
    ("sim", 5),
    ("fleet", 6),
    ("plan", 6),
    ("command", 7),
];

/// The most lines a file may have before its tests.
const FILE_LINES_MAX: usize = 400;

/// Files that open files, sockets or processes; no others do.
const SHELL: [&str; 10] = [
    "src/scenario/file",
    "src/live/",
    "src/command/",
    "src/main.rs",
    "machine/src/",
    "mock-provider/src/server",
    "mock-provider/src/main.rs",
    "reference-shop/src/server",
    "reference-shop/src/inventory/",
    "reference-shop/src/main.rs",
];

struct Source {
    path: String,
    /// The part before the unit tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for package in ["src", "domain/src", "machine/src", "mock-provider/src", "reference-shop/src"] {
        collect(&root.join(package), &mut files);
    }
    files.sort();
    files
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
            let path = path.strip_prefix(root).unwrap().display().to_string();
            Source { path, code }
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn floor(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The modules a file names as `crate::module`.
fn uses(code: &str) -> impl Iterator<Item = &str> {
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    Some(inside.split('/').next()?.trim_end_matches(".rs"))
}

fn offences(rule: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|source| {
            rule(source).into_iter().map(|offence| format!("{}: {offence}", source.path))
        })
        .collect();
    assert!(sources().len() > 20, "the sources were found");
    found
}

#[test]
fn a_file_uses_only_what_stands_lower() {
    let found = offences(|source| {
        let Some(own) = module_of(&source.path) else { return Vec::new() };
        let Some(own_floor) = floor(own) else { return Vec::new() };
        uses(&source.code)
            .filter(|used| *used != own)
            .filter(|used| floor(used).is_some_and(|used_floor| used_floor >= own_floor))
            .map(|used| format!("uses crate::{used}, which does not stand lower than {own}"))
            .collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_module_has_a_floor() {
    let found = offences(|source| match module_of(&source.path) {
        Some(module) if floor(module).is_none() && !matches!(module, "lib" | "main") => {
            vec![format!("{module} has no floor")]
        }
        _ => Vec::new(),
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_rules_of_a_server_do_not_know_it() {
    let above = [
        ("/src/rules", &["crate::server", "crate::clock"][..]),
        ("/src/settings", &["crate::server", "crate::clock"][..]),
        ("mock-provider/src/settings", &["crate::rules"][..]),
        ("mock-provider/src/server/stripe", &["server::gateway", "server::native"][..]),
        ("mock-provider/src/server/gateway", &["server::native"][..]),
    ];
    let found = offences(|source| {
        let banned = above.iter().filter(|(folder, _)| source.path.contains(folder));
        let banned = banned.flat_map(|(_, banned)| banned.iter());
        banned
            .filter(|module| source.code.contains(**module))
            .map(|module| format!("uses {module}"))
            .collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_worlds_do_not_judge() {
    let found = offences(|source| match module_of(&source.path) {
        Some("live" | "sim") => uses(&source.code)
            .filter(|used| matches!(*used, "audit" | "verdict" | "report"))
            .map(|used| format!("uses crate::{used}"))
            .collect(),
        _ => Vec::new(),
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_judge_shares_no_code_with_the_accused() {
    let found = offences(|source| {
        let judge = ["src/audit", "src/measure", "src/verdict"];
        let accused = ["reference_shop::", "mock_provider::"];
        accused
            .iter()
            .filter(|_| judge.iter().any(|judge| source.path.starts_with(judge)))
            .filter(|accused| source.code.contains(**accused))
            .map(|accused| format!("uses {accused}"))
            .collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn pure_code_opens_nothing() {
    let doors = ["std::fs", "std::net", "tokio::net", "std::process", "reqwest::", "File::open"];
    let found = offences(|source| {
        if SHELL.iter().any(|shell| source.path.starts_with(shell)) {
            return Vec::new();
        }
        doors
            .iter()
            .filter(|door| source.code.contains(**door))
            .map(|door| format!("uses {door}"))
            .collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn one_file_per_package_reads_the_clock() {
    let found = offences(|source| {
        let reads = ["Instant::now", "SystemTime::now", "UtcDateTime::now", "Timestamp::now"];
        reads
            .iter()
            .filter(|_| !source.path.ends_with("clock.rs"))
            .filter(|reads| source.code.contains(**reads))
            .map(|reads| format!("reads a clock: {reads}"))
            .collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_simulator_is_not_asynchronous() {
    let found = offences(|source| {
        let guilty = source.path.starts_with("src/sim/") && source.code.contains("async ");
        guilty.then(|| "contains async".to_owned()).into_iter().collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_main_ends_the_process() {
    let found = offences(|source| {
        let guilty = source.code.contains("process::exit") && !source.path.ends_with("main.rs");
        guilty.then(|| "ends the process".to_owned()).into_iter().collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_file_holds_one_idea() {
    let found = offences(|source| {
        let lines = source.code.lines().count();
        (lines > FILE_LINES_MAX)
            .then(|| format!("{lines} lines before its tests"))
            .into_iter()
            .collect()
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn nothing_has_a_name_that_says_nothing() {
    let banned = ["utils", "common", "helpers", "manager", "imp", "errors"];
    let found = offences(|source| {
        let stem = Path::new(&source.path).file_stem().unwrap().to_str().unwrap().to_owned();
        banned
            .contains(&stem.as_str())
            .then(|| format!("{stem} says nothing"))
            .into_iter()
            .collect()
    });
    assert_eq!(found, Vec::<String>::new());
}
