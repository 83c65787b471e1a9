//! What is answered from a file of one's own figures: `spike plan` and `spike forecast`.

use std::path::PathBuf;

use clap::Args;

use super::share;

/// A file of prices, as one would begin it.
const PRICES: &str = "\
A file of prices:
  currency = \"USD\"
  day = [1, 1, 2, 4]                      # the load of its quarters: only their ratios count
  [machine]
  name = \"db.r6g.large\"
  capacity = 8                            # as many capacity units as the machine is worth
  per_hour = 0.29
  reserved = [{ years = 1, ratio = 0.5 }] # paid for ahead, at this share of the price
  [serverless]
  per_unit_hour = 0.12
  min = 0.5                               # it never has fewer units
  utilisation = 0.667                     # the share of its units that is used
All keys are in docs/PLANS.md; prices/aurora.toml is a whole one.";

/// `spike plan`.
#[derive(Clone, Debug, Args)]
#[command(after_help = PRICES)]
pub struct PlanArgs {
    /// The file of prices
    #[arg(value_name = "PRICES.toml")]
    pub prices: PathBuf,
    /// The mean utilisation of the machine's CPU, 10% or 0.1: what serverless costs at that load
    #[arg(long, env = "SPIKE_MEAN", value_name = "SHARE", value_parser = share)]
    pub mean: Option<f64>,
}

/// A table of sales, as one would begin it.
const SALES: &str = "\
A table of sales, in the order of time:
  sale,organizer,exposure,peek,peak
  spring,east,23836,11.2,331
  summer,north,8000,,95
  autumn,east,20000,9.9,
exposure: how many could come (accounts, seats) · peek: what was seen a while before, the same while
before each sale, say requests per second an hour ahead; empty where nobody looked · peak: the most
that was asked for, in the same unit; empty where the sale is to come. More is in docs/PLANS.md.";

/// `spike forecast`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SALES)]
pub struct ForecastArgs {
    /// A table of sales; those without a peak are to come
    #[arg(value_name = "SALES.csv")]
    pub sales: PathBuf,
}
