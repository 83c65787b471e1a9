//! How the provider is run: the flags, and the variables that stand in for them.

use std::path::PathBuf;

use clap::value_parser;

use super::webhooks::WebhookArgs;

/// How to run the provider.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Listen on this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    #[arg(env = "SPIKE_PROVIDER_LISTEN")]
    pub listen: String,

    /// Serve /admin and /metrics on this address; a port alone means 127.0.0.1 [default: the
    /// address of --listen, or a free port of 127.0.0.1 if other machines reach that]
    #[arg(long, value_name = "ADDR", env = "SPIKE_PROVIDER_ADMIN")]
    pub admin: Option<String>,

    /// Behave like this provider: a name of --list-profiles, or a TOML file [default: stripe-2024]
    #[arg(long, value_name = "NAME|FILE", env = "SPIKE_PROVIDER_PROFILE")]
    pub profile: Option<String>,

    /// Say which profiles there are, their limits and where their figures come from, and end
    #[arg(long, env = "SPIKE_PROVIDER_LIST_PROFILES")]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    pub list_profiles: bool,

    /// Read the settings from this TOML or JSON file: the keys of a scenario's [provider], and seed; or
    /// from a scenario's own
    #[arg(long, value_name = "FILE", env = "SPIKE_PROVIDER_SETTINGS", conflicts_with = "profile")]
    pub settings: Option<PathBuf>,

    /// Set a key of the settings, such as declines=0 or limits.0.rate=30
    #[arg(long, value_name = "KEY=VALUE", env = "SPIKE_PROVIDER_SET", value_delimiter = ';')]
    pub set: Vec<String>,

    /// Draw latencies, declines and hangs from this seed [default: the settings' own, or 0]
    #[arg(long, value_name = "N", env = "SPIKE_PROVIDER_SEED")]
    pub seed: Option<u64>,

    /// Write the ledger to this file, which is new or empty: JSON lines, or an sqlite3 database
    /// if its name ends in .db, .sqlite or .sqlite3 [default: a temporary file]
    #[arg(long, value_name = "FILE", env = "SPIKE_PROVIDER_LEDGER")]
    pub ledger: Option<PathBuf>,

    /// When the run began, in nanoseconds of UTC [default: now]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64))]
    #[arg(env = "SPIKE_PROVIDER_BEGAN_UTC_NS")]
    pub began_utc_ns: Option<u64>,

    /// End when standard input is closed
    #[arg(long, env = "SPIKE_PROVIDER_UNTIL_STDIN_CLOSES")]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    pub until_stdin_closes: bool,

    /// Where messages to the merchant go.
    #[command(flatten)]
    pub webhooks: WebhookArgs,
}

impl Default for Args {
    /// A free port of this machine, and nothing else asked for.
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            admin: None,
            profile: None,
            list_profiles: false,
            settings: None,
            set: Vec::new(),
            seed: None,
            ledger: None,
            began_utc_ns: None,
            until_stdin_closes: false,
            webhooks: WebhookArgs::default(),
        }
    }
}
