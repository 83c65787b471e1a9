//! The program as a user or their CI starts it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A sale that a small shop survives: few fans, few pieces, over in 5 s.
pub(crate) const SMALL: &str = r#"
schema = 1
name = "small"
title = "A small sale"
seed = 7

[[sale]]
id = "day-1"
opens = "+2s"
lasts = "3s"
items = [
    { id = "tee", stock = 6, price = 4_500, demand = 0.6 },
    { id = "towel", stock = 4, price = 2_500, demand = 0.4 },
]
slots = [{ id = "12:30", capacity = 40 }]

[[fans]]
name = "fans"
count = 60
arrive = { shape = "constant", from = "-1500ms", over = "1s" }
reload = { gap = { median = "300ms", sigma = 0.2 }, calls = 2, cacheable = 1 }
think = { median = "50ms", sigma = 0.2 }
abandon = 0.0

[shop]
storage = "memory"
inventory = "unit-rows"

[provider]
profile = "stripe-2024"
declines = 0.0
latency = { authorize = "50ms", capture = "50ms" }

[objectives]
"sold ratio" = ">= 1"
"#;

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// The one thing that is said to be wrong.
    #[track_caller]
    pub(crate) fn the_error(&self) -> &str {
        let errors: Vec<&str> =
            self.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        assert_eq!(errors.len(), 1, "{self:#?}");
        assert!(errors[0].starts_with(char::is_lowercase), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        assert!(!self.stderr.contains("backtrace"), "{self:#?}");
        errors[0]
    }
}

/// The program with nothing in its environment that would change what it does.
pub(crate) fn spike() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spike"));
    for (name, _) in std::env::vars() {
        if name.starts_with("SPIKE_") || name.starts_with("OTEL_") || name == "NO_COLOR" {
            command.env_remove(name);
        }
    }
    command.env("RUST_BACKTRACE", "1").stdin(Stdio::null());
    command
}

/// A folder of a test's own, which is where the program is started.
#[derive(Debug)]
pub(crate) struct Desk(TempDir);

impl Desk {
    /// With `small.toml` in it.
    pub(crate) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("small.toml", SMALL);
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = spike();
        command.current_dir(self.path()).args(words);
        command
    }

    pub(crate) fn say(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words))
    }
}

/// A server of the program's that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.arg("--until-stdin-closes").stdin(Stdio::piped());
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// A run that is under way.
pub(crate) struct Running {
    pub(crate) child: Child,
    talk: BufReader<ChildStderr>,
}

impl Running {
    /// Starts `small.toml`, a minute long, and waits for its second line of progress.
    pub(crate) fn start(desk: &Desk) -> Self {
        Self::start_with(desk, &["sale.0.lasts=60s"])
    }

    /// Starts `small.toml` with other values of some keys, and waits for its second line of progress.
    pub(crate) fn start_with(desk: &Desk, sets: &[&str]) -> Self {
        let mut command = desk.command(&["run", "small.toml", "--no-tui"]);
        for set in sets {
            command.args(["--set", set]);
        }
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self { child, talk };
        running.hear("");
        running.hear("");
        running
    }

    /// Waits for the next line with `word` in it.
    pub(crate) fn hear(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.talk.read_line(&mut line).unwrap(), 0, "it ended before {word:?}");
            if line.contains(word) {
                return line;
            }
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The processes that it started.
    pub(crate) fn children(&self) -> Vec<PathBuf> {
        children(self.child.id())
            .iter()
            .map(|child| PathBuf::from(format!("/proc/{child}")))
            .collect()
    }

    /// The process below it with `word` on its command line, or a program of that name.
    pub(crate) fn part(&self, word: &str) -> Option<Pid> {
        let mut below = children(self.child.id());
        while let Some(process) = below.pop() {
            let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let path = format!("/{word}");
            let is_it = |part: &str| part == word || part.ends_with(&path);
            if line.split(['\0', ' ']).any(is_it) && !line.contains("guard") {
                return Pid::from_raw(i32::try_from(process).unwrap());
            }
            below.extend(children(process));
        }
        None
    }

    /// Its exit code, and the rest of what it says.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.talk.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

/// The processes that a process started, by any of its threads.
fn children(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    let lists =
        tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    let numbers =
        |list: String| list.split_whitespace().map(|it| it.parse().unwrap()).collect::<Vec<_>>();
    lists.flat_map(numbers).collect()
}
