//! The documents are true: every command in them is one that works, every promise has its test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Parser;
use spike::cli::Cli;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The command lines of a document's `sh` blocks; a line that ends in `\` goes on.
pub(crate) fn commands(document: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for block in document.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap().replace("\\\n", " ");
        commands.extend(block.lines().map(str::to_owned).filter(|line| !line.trim().is_empty()));
    }
    commands
}

#[test]
fn every_command_of_the_readmes_is_one_that_spike_takes() {
    let mut spike_commands = 0;
    for name in ["README.md", "README.ja.md"] {
        for command in commands(&document(name)) {
            let Some(args) = command.strip_prefix("cargo run --release -- ") else {
                let known = ["./test", "curl ", "python3 examples/tiny-shop/shop.py "];
                assert!(known.iter().any(|word| command.starts_with(word)), "{command}");
                continue;
            };
            spike_commands += 1;
            let words = std::iter::once("spike").chain(args.split_whitespace());
            let parsed = Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{name}: {command}: {}", parsed.unwrap_err());
            let files = args.split_whitespace().filter(|word| word.starts_with("scenarios/"));
            for file in files {
                assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file(), "{file}");
            }
        }
    }
    assert!(spike_commands > 10, "the commands were found");
}

/// The words of a command line as a shell has them: what stands between single quotes is one.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in command.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_command_of_the_gates_page_is_one_that_spike_takes() {
    let commands = commands(&document("docs/GATE.md"));
    let commands: Vec<&String> =
        commands.iter().filter(|command| command.starts_with("spike gate")).collect();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let parsed = Cli::try_parse_from(words(command));
        assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
    }
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let documents = [
        "README.md",
        "README.ja.md",
        "CONTRIBUTING.md",
        "docs/ARCHITECTURE.md",
        "docs/COMPARE.md",
        "docs/GATE.md",
        "docs/PROMISES.md",
        "docs/PERFORMANCE.md",
        "docs/PLANS.md",
        "docs/PROVIDER.md",
        "docs/SCENARIO.md",
        "docs/SERIES.md",
        "docs/TELEMETRY.md",
    ];
    let mut links = 0;
    for name in documents {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let folder = folder.parent().unwrap();
        for link in document(name).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.starts_with("http") {
                continue;
            }
            links += 1;
            assert!(folder.join(target).exists(), "{name} links to {target}");
        }
    }
    assert!(links > 10, "the links were found");
}

#[test]
fn both_readmes_list_every_shipped_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for readme in ["README.md", "README.ja.md"] {
        let page = document(readme);
        for path in crate::scenario_files::shipped() {
            let link = format!("]({})", path.strip_prefix(root).unwrap().display());
            assert!(page.contains(&link), "{readme} does not list {}", path.display());
        }
    }
}

/// The anchors of a page's headings, as they are drawn on GitHub: letters, digits, `-` and `_`; one
/// that is taken has a number behind it.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in page.lines().filter(|line| line.starts_with('#')) {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        let kept = |letter: &char| letter.is_alphanumeric() || "-_".contains(*letter);
        let anchor: String = text.chars().filter(kept).collect();
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(numbered);
        let free = free.into_iter().find(|anchor| !anchors.contains(anchor));
        anchors.insert(free.unwrap());
    }
    anchors
}

#[test]
fn every_link_within_a_page_leads_to_a_heading() {
    let mut links = 0;
    for name in ["docs/PROVIDER.md", "docs/SCENARIO.md"] {
        let page = document(name);
        let anchors = anchors(&page);
        for link in page.split("](#").skip(1) {
            let target = link.split(')').next().unwrap();
            links += 1;
            assert!(anchors.contains(target), "{name} links to #{target}: {anchors:?}");
        }
    }
    assert!(links > 30, "the links were found");
}

#[test]
fn every_promise_names_a_test_that_is_there() {
    let promises = document("docs/PROMISES.md");
    let mut tests = 0;
    for word in promises.split('`').skip(1).step_by(2) {
        let Some((file, test)) = word.split_once("::") else { continue };
        if Path::new(file).extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        tests += 1;
        let code = document(file);
        assert!(code.contains(&format!("fn {test}(")), "{file} has no test {test}");
    }
    assert!(tests > 30, "the promises were found");
}
