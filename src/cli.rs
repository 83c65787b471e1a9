//! The command line: types alone.

mod gate;
mod plans;
mod telemetry;

use core::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, value_parser};

pub use gate::GateArgs;
pub use plans::{ForecastArgs, PlanArgs};
pub use telemetry::TelemetryArgs;

/// Rehearses the minute when everyone comes at once, and says whether the shop was right.
///
/// Exit codes: 0 pass · 1 error · 2 usage · 99 objective missed · 104 invalid scenario ·
/// 105 aborted · 111 invariant violated · 112 inconclusive · 113 regression.
#[derive(Debug, Parser)]
#[command(name = "spike", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Live a scenario over real HTTP, against its own target or an embedded shop and payment provider
    Run(LiveArgs),
    /// Live a scenario in virtual time: same fans, same judge, same report
    Simulate(SimulateArgs),
    /// Validate a scenario and print what follows from it; run nothing
    Check(CheckArgs),
    /// Let one fan walk the funnel of your own shop, and print each request, answer and outcome
    Try(TryArgs),
    /// Say what on this machine stands in the way of a run, and what to do about it
    Doctor(DoctorArgs),
    /// Answer after known times: the server that `doctor --self-test` measures
    #[command(hide = true)]
    KnownLatency(KnownLatencyArgs),
    /// Judge a recorded run again, from its files alone
    Verify(FolderArgs),
    /// Render a recorded run's report again
    Report(ReportArgs),
    /// Hold two recorded runs against each other, from their files alone; of a simulated and a live run,
    /// say where the gap between them is
    Compare(CompareArgs),
    /// Say whether runs of a candidate are worse than those of a baseline: the regression gate
    Gate(Box<GateArgs>),
    /// Write a first scenario for a shop of your own, or a draft of one that a browser recorded
    Init(InitArgs),
    /// Say from which load on a database on a machine of its own costs less than a serverless one
    Plan(PlanArgs),
    /// Say what sales to come will be asked for at their peak, by those that were and by who looks before
    Forecast(ForecastArgs),
    /// Print the JSON Schema of scenario files
    Schema,
    /// Serve the mock payment provider, alone
    Provider(mock_provider::server::Args),
    /// Serve the reference shop, alone
    Shop(reference_shop::server::Args),
    /// Serve the shop and the provider of a scenario, with all parts that they stand on, for other tools
    Serve(ServeArgs),
    /// Live a part of a crowd for the process that started this one
    #[command(hide = true)]
    LoadProcess,
    /// Print a shell's completions
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// How a scenario is changed on its way in.
#[derive(Clone, Debug, Default, Args)]
pub struct OverrideArgs {
    /// The seed that all draws hang on
    #[arg(long, env = "SPIKE_SEED")]
    pub seed: Option<u64>,
    /// Multiply people, stock and limits by this [default: run: the file's, others: 1]
    #[arg(long, env = "SPIKE_SCALE", value_name = "X")]
    pub scale: Option<f64>,
    /// Override a key of the file, such as provider.limits.0.rate=100
    #[arg(long = "set", env = "SPIKE_SET", value_name = "KEY=VALUE", value_delimiter = ';')]
    pub set: Vec<String>,
    /// Accept an opening in the past
    #[arg(long, env = "SPIKE_LATE", value_parser = switch())]
    pub late: bool,
}

/// `spike run` and `spike simulate`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct RunArgs {
    /// Scenario files; several are run one after the other under one exit code
    #[arg(required = true, value_name = "SCENARIO.toml")]
    pub scenarios: Vec<PathBuf>,
    /// How the scenario is changed on its way in.
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// Where runs leave their folders
    #[arg(short, long, env = "SPIKE_OUT", value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
    /// Say nothing but the verdict
    #[arg(short, long, env = "SPIKE_QUIET", value_parser = switch())]
    pub quiet: bool,
    /// Print progress line by line, even on a terminal
    #[arg(long, env = "SPIKE_NO_TUI", value_parser = switch())]
    pub no_tui: bool,
    /// Print summary.json on stdout instead of the text
    #[arg(long, env = "SPIKE_JSON", value_parser = switch())]
    pub json: bool,
    /// Also write the verdict as `JUnit` XML
    #[arg(long, env = "SPIKE_JUNIT", value_name = "FILE")]
    #[arg(help = "Also write the verdict as JUnit XML")]
    pub junit: Option<PathBuf>,
    /// Put series of your own on the timeline (deploys, pushes, scaling, metrics), of CSV or JSON lines,
    /// as they are when the run ends; several: again, or with ;
    #[arg(long, env = "SPIKE_SERIES", value_name = "FILE", value_delimiter = ';')]
    pub series: Vec<PathBuf>,
    /// Check and print what would be run, but run nothing
    #[arg(long, env = "SPIKE_DRY_RUN", value_parser = switch())]
    pub dry_run: bool,
    /// Print the scenario as it would be run, with overrides, and run nothing
    #[arg(long, env = "SPIKE_PRINT_CONFIG", value_parser = switch())]
    pub print_config: bool,
}

/// `spike simulate`.
#[derive(Clone, Debug, Args)]
pub struct SimulateArgs {
    /// What it shares with `spike run`.
    #[command(flatten)]
    pub run: RunArgs,
    /// Do not live a run that did not hold again with what it lacked
    #[arg(long, env = "SPIKE_NO_PROBES", value_parser = switch())]
    pub no_probes: bool,
    /// Take the stack's service times from this recorded live run of the same shop instead of the file
    #[arg(long, env = "SPIKE_CALIBRATE", value_name = "RUN_DIR")]
    pub calibrate: Option<PathBuf>,
    /// Live the scenario so many times, each with a seed and values of its uncertain inputs of its own, and
    /// tell how far the figures spread [default: 1]
    #[arg(long, env = "SPIKE_REPLICATIONS", value_name = "N")]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000))]
    pub replications: Option<u32>,
    /// From 10 replications on, stop as soon as sell-out times, 99 % response times and shares of failures are
    /// known within this share of them, at the latest after --replications [default: 100]
    #[arg(long, env = "SPIKE_PRECISION", value_name = "SHARE", value_parser = share)]
    pub precision: Option<f64>,
    /// Threads that live replications; they change no byte of what comes of it [default: one per core]
    #[arg(long, env = "SPIKE_THREADS", value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// A share between nothing and all.
fn share(text: &str) -> Result<f64, String> {
    let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let share = number.trim().parse::<f64>().map_err(|_| "write 5% or 0.05")? / of;
    if share > 0.0 && share < 1.0 {
        Ok(share)
    } else {
        Err("must be more than 0 and less than 100%".to_owned())
    }
}

/// `spike run`.
#[derive(Clone, Debug, Args)]
pub struct LiveArgs {
    /// What it shares with `spike simulate`.
    #[command(flatten)]
    pub run: RunArgs,
    /// The shop instead of the scenario's or of the embedded one; without `[target]` it must speak
    /// the reference shop's API
    #[arg(short, long, env = "SPIKE_TARGET", value_name = "URL")]
    pub target: Option<String>,
    /// How a shop of one's own is reached.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Break the run off when more requests than this are sent in a second, whatever the scenario says
    #[arg(long, env = "SPIKE_MAX_RATE", value_name = "N", value_parser = rate)]
    pub max_rate: Option<f64>,
    /// Who is told what the run comes to while it lasts.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// A rate that a ceiling can be.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.trim_end_matches("/s").parse().map_err(|_| "write 500 or 500/s")?;
    if rate > 0.0 && rate.is_finite() { Ok(rate) } else { Err("must be more than 0".to_owned()) }
}

/// How the shop of a scenario's `[target]` is reached.
#[derive(Clone, Debug, Default, Args)]
pub struct NetworkArgs {
    /// Trust these certificates (PEM) besides those that this machine trusts
    #[arg(long, env = "SPIKE_CACERT", value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Believe every certificate of the shop
    #[arg(short = 'k', long, env = "SPIKE_INSECURE", value_parser = switch())]
    pub insecure: bool,
    /// Ask the shop through this HTTP proxy, http://[USER:PASSWORD@]HOST:PORT
    #[arg(long, env = "SPIKE_PROXY", value_name = "URL", hide_env_values = true)]
    pub proxy: Option<String>,
    /// Connect elsewhere for a host and port of the shop, as curl does; several: again, or with ;
    #[arg(long, env = "SPIKE_CONNECT_TO", value_name = "HOST:PORT:ADDRESS:PORT")]
    #[arg(value_delimiter = ';')]
    pub connect_to: Vec<String>,
}

/// `spike check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The scenario file
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: PathBuf,
    /// How the scenario is changed on its way in.
    #[command(flatten)]
    pub overrides: OverrideArgs,
}

/// `spike init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// The file to write; the scenario is named after it
    #[arg(value_name = "SCENARIO.toml", default_value = "our-shop.toml")]
    pub file: PathBuf,
    /// Draft the funnel from this recording of a browser; of the person nothing is taken over
    #[arg(long, env = "SPIKE_HAR", value_name = "FILE")]
    pub har: Option<PathBuf>,
}

/// `spike try`.
#[derive(Clone, Debug, Args)]
pub struct TryArgs {
    /// The scenario file; its `[target]` is who is asked
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: PathBuf,
    /// How the scenario is changed on its way in.
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// How the shop is reached.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// The item that the fan wants [default: drawn as for the first fan]
    #[arg(long, env = "SPIKE_ITEM", value_name = "ID")]
    pub item: Option<String>,
    /// How many bytes of each answer are shown; of a page of HTML its words and forms are
    #[arg(long, env = "SPIKE_BODY", value_name = "N", default_value_t = 2_000)]
    pub body: usize,
    /// Keep each answer whole, in a file of this folder
    #[arg(long, env = "SPIKE_SAVE", value_name = "DIR")]
    pub save: Option<PathBuf>,
}

/// `spike serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The scenario whose shop and provider are served
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: PathBuf,
    /// How the scenario is changed on its way in.
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// Where the shop listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", env = "SPIKE_SERVE_LISTEN")]
    pub listen: SocketAddr,
    /// Where the provider listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    #[arg(env = "SPIKE_SERVE_PROVIDER_LISTEN")]
    pub provider_listen: SocketAddr,
    /// Keep settings, certificate and database in this folder [default: a temporary one, removed]
    #[arg(short, long, value_name = "DIR", env = "SPIKE_SERVE_FOLDER")]
    pub folder: Option<PathBuf>,
}

/// `spike doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// A scenario: what it needs is compared with what this machine has
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: Option<PathBuf>,
    /// How the scenario is changed on its way in.
    #[command(flatten)]
    pub overrides: OverrideArgs,
    /// Where runs leave their folders
    #[arg(short, long, env = "SPIKE_OUT", value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
    /// Print what was found as JSON
    #[arg(long, env = "SPIKE_JSON", value_parser = switch())]
    pub json: bool,
    /// Instead of the limits, measure the generator's own accuracy against a server of known latency
    #[arg(long, env = "SPIKE_SELF_TEST", value_parser = switch(), conflicts_with = "scenario")]
    pub self_test: bool,
    /// How many seconds each of the self-test's three steps lasts
    #[arg(long, env = "SPIKE_SECONDS", value_name = "N", default_value_t = 5)]
    #[arg(value_parser = value_parser!(u64).range(1..=600))]
    pub seconds: u64,
}

/// The server that `spike doctor --self-test` measures.
#[derive(Clone, Debug, Args)]
pub struct KnownLatencyArgs {
    /// How long after the first request it stands still, in milliseconds
    #[arg(long, default_value_t = 0)]
    pub freeze_after_ms: u64,
    /// For how long, in milliseconds
    #[arg(long, default_value_t = 0)]
    pub freeze_ms: u64,
}

/// `spike verify` and `spike report`.
#[derive(Clone, Debug, Args)]
pub struct FolderArgs {
    /// A run's folder, such as reports/dome/latest
    #[arg(value_name = "RUN_DIR")]
    pub folder: PathBuf,
    /// Print summary.json on stdout instead of the text
    #[arg(long, env = "SPIKE_JSON", value_parser = switch())]
    pub json: bool,
    /// Also write the verdict as `JUnit` XML
    #[arg(long, env = "SPIKE_JUNIT", value_name = "FILE")]
    #[arg(help = "Also write the verdict as JUnit XML")]
    pub junit: Option<PathBuf>,
    /// Say nothing but the verdict
    #[arg(short, long, env = "SPIKE_QUIET", value_parser = switch())]
    pub quiet: bool,
}

/// `spike report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// What it shares with `spike verify`.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Put series of your own on the timeline (deploys, pushes, scaling, metrics), of CSV or JSON lines;
    /// several: again, or with ;
    #[arg(long, env = "SPIKE_SERIES", value_name = "FILE", value_delimiter = ';')]
    pub series: Vec<PathBuf>,
}

/// `spike compare`.
#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// The first run's folder, such as reports/dome/latest
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// The second run's folder; differences are B − A
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// A third run that repeats the live one of the two, or else A: its distance from that one is shown
    /// beside every figure
    #[arg(long, env = "SPIKE_REPEAT", value_name = "C")]
    pub repeat: Option<PathBuf>,
    /// Also write the comparison as an HTML page, the charts of both runs over each other
    #[arg(long, env = "SPIKE_HTML", value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print the comparison as JSON on stdout instead of the text
    #[arg(long, env = "SPIKE_JSON", value_parser = switch())]
    pub json: bool,
}

/// What a switch's variable may say: `1`, `true`, `yes` or any word turns it on; nothing, `0`,
/// `false`, `no` or `off` does not.
fn switch() -> FalseyValueParser {
    FalseyValueParser::new()
}
