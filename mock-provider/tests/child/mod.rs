//! A program that a test starts: it says where it listens, and ends with its test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What to do when an SDK is missing.
pub(crate) const CURE: &str = "hint: install the SDKs with `tools/install-sdks`";

/// A program that has said where it listens; it ends with its test.
pub(crate) struct Program {
    child: Child,
    /// Where, such as `http://127.0.0.1:40001`.
    pub(crate) url: String,
}

impl Program {
    /// Begins, and waits for the line that says where it listens.
    pub(crate) fn begin(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}\n{CURE}"));
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").map(|url| url.trim().to_owned());
        let url = url.unwrap_or_else(|| panic!("{command:?} does not listen"));
        Self { child, url }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the suites for the SDKs are.
pub(crate) fn suites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}

/// Something that `tools/install-sdks` installs.
pub(crate) fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/sdk").join(path);
    assert!(path.exists(), "there is no {}\n{CURE}", path.display());
    path
}
