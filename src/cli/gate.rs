//! `spike gate`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, value_parser};

use super::{OverrideArgs, switch};

/// `spike gate`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(group(ArgGroup::new("what").required(true).args(["scenario", "candidate", "aa"])))]
#[command(group(ArgGroup::new("against").multiple(true).args(["baseline", "save"])))]
pub struct GateArgs {
    /// Live this scenario by two commands in turns, A B A B, on this machine
    #[arg(value_name = "SCENARIO.toml", requires_all = ["a", "b"])]
    pub scenario: Option<PathBuf>,
    /// How the scenario is changed on its way in.
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// Compare with these: runs' folders, folders that hold some, or files of kept runs; several: again, or
    /// with ;
    #[arg(long, env = "SPIKE_BASELINE", value_name = "DIR", requires = "candidate")]
    #[arg(num_args = 1.., value_delimiter = ';')]
    pub baseline: Vec<PathBuf>,
    /// Compare these, likewise
    #[arg(long, env = "SPIKE_CANDIDATE", value_name = "DIR", requires = "against")]
    #[arg(num_args = 1.., value_delimiter = ';')]
    pub candidate: Vec<PathBuf>,
    /// The command that lives the baseline's runs: a shell runs it with what `spike run` takes behind it
    #[arg(long, env = "SPIKE_A", value_name = "CMD", conflicts_with = "candidate")]
    pub a: Option<String>,
    /// The command that lives the candidate's runs, likewise
    #[arg(long, env = "SPIKE_B", value_name = "CMD", requires = "scenario")]
    pub b: Option<String>,
    /// Measure this machine's own noise instead: the same against the same, by `spike run` or the first
    /// command
    #[arg(long, env = "SPIKE_AA", value_name = "SCENARIO.toml")]
    pub aa: Option<PathBuf>,
    /// How many pairs of runs are lived
    #[arg(long, env = "SPIKE_PAIRS", value_name = "N", default_value_t = 8)]
    #[arg(value_parser = value_parser!(u16).range(1..=100))]
    pub pairs: u16,
    /// The least effect that counts; of shares, a tenth of it [default: 5%, or this machine's noise where that
    /// is more]
    #[arg(long, env = "SPIKE_MIN_EFFECT", value_name = "SHARE", value_parser = effect)]
    pub min_effect: Option<f64>,
    /// A figure that gates, such as "checkout p99" or "edge mean=higher", at most six; several: again, or
    /// with ; [default: orders, sell-out, failures, checkouts and reloads]
    #[arg(long, env = "SPIKE_FIGURE", value_name = "NAME[=lower|higher]", value_delimiter = ';')]
    pub figure: Vec<String>,
    /// A key in which the scenarios may differ, with all below it; several: again, or with ;
    #[arg(long, env = "SPIKE_VARY", value_name = "KEY", value_delimiter = ';')]
    pub vary: Vec<String>,
    /// What stays undecided does not pass
    #[arg(long, env = "SPIKE_STRICT", value_parser = switch())]
    pub strict: bool,
    /// This machine's noise, where it was measured, or is to be written down [default:
    /// reports/baseline/<scenario>/noise.json]
    #[arg(long, env = "SPIKE_NOISE", value_name = "FILE")]
    pub noise: Option<PathBuf>,
    /// Keep the candidate's runs as a baseline, in a file for the repository; all runs where noise is
    /// measured
    #[arg(long, env = "SPIKE_SAVE", value_name = "FILE", conflicts_with = "scenario")]
    pub save: Option<PathBuf>,
    /// Where runs that are lived leave their folders
    #[arg(short, long, env = "SPIKE_OUT", value_name = "DIR", default_value = "reports/gate")]
    pub out: PathBuf,
    /// Say nothing but the verdict
    #[arg(short, long, env = "SPIKE_QUIET", value_parser = switch())]
    pub quiet: bool,
    /// Print what came of it as JSON on stdout instead of the text
    #[arg(long, env = "SPIKE_JSON", value_parser = switch())]
    pub json: bool,
    /// Also write it as `JUnit` XML
    #[arg(long, env = "SPIKE_JUNIT", value_name = "FILE", help = "Also write it as JUnit XML")]
    pub junit: Option<PathBuf>,
    /// Also write it as Markdown, for a comment on a pull request
    #[arg(long, env = "SPIKE_MARKDOWN", value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Also write the candidate's figures as JSON for github-action-benchmark, less being better of each
    #[arg(long, env = "SPIKE_BENCHMARK", value_name = "FILE")]
    pub benchmark: Option<PathBuf>,
    /// Also print annotations for GitHub Actions on stdout
    #[arg(long, env = "SPIKE_ANNOTATIONS", value_parser = switch(), conflicts_with = "json")]
    pub annotations: bool,
}

/// An effect that can count.
fn effect(text: &str) -> Result<f64, String> {
    let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let share = number.trim().parse::<f64>().map_err(|_| "write 5% or 0.05")? / of;
    if share > 0.0 && share <= 10.0 {
        Ok(share)
    } else {
        Err("must be more than 0 and at most 1000%".to_owned())
    }
}
