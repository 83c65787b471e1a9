//! What `cargo test` hands to a test program: filters, and flags that not every harness knows.

/// Flags of the standard harness whose value is the next argument.
const WITH_VALUE: [&str; 7] =
    ["--skip", "--test-threads", "--logfile", "--color", "--format", "-Z", "--shuffle-seed"];

/// Flags of the standard harness that change nothing here: nothing is captured, nothing is timed, and
/// rows go in the table's order.
const WITHOUT_EFFECT: [&str; 9] = [
    "--no-capture",
    "--report-time",
    "--ensure-time",
    "--shuffle",
    "--shuffle-seed",
    "--exclude-should-panic",
    "--force-run-in-process",
    "--fail-fast",
    "-Z",
];

/// The arguments of one call, apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// Names, or parts of them: whoever has any of them is meant; all if there are none.
    pub(crate) filters: Vec<String>,
    /// What the harness is handed.
    pub(crate) flags: Vec<String>,
}

/// Takes the arguments apart. The harness takes one filter, the standard one as many as come.
pub(crate) fn split(arguments: impl IntoIterator<Item = String>) -> Split {
    let mut arguments = arguments.into_iter();
    let mut split = Split::default();
    let mut is_name = false;
    while let Some(argument) = arguments.next() {
        if is_name || !argument.starts_with('-') {
            split.filters.push(argument);
            continue;
        }
        if argument == "--" {
            is_name = true;
            continue;
        }
        let flag = argument.split('=').next().unwrap_or_default().to_owned();
        let takes_next = argument == flag && WITH_VALUE.contains(&flag.as_str());
        let value = if takes_next { arguments.next() } else { None };
        if !WITHOUT_EFFECT.contains(&flag.as_str()) {
            split.flags.push(argument);
            split.flags.extend(value);
        }
    }
    split
}

impl Split {
    /// Whether a test of this name is meant.
    pub(crate) fn means(&self, name: &str) -> bool {
        let is_exact = self.flags.iter().any(|flag| flag == "--exact");
        let fits = |filter: &String| if is_exact { name == filter } else { name.contains(filter) };
        self.filters.is_empty() || self.filters.iter().any(fits)
    }
}
