//! `spike provider` and `spike shop`: the servers alone; and the load process of `spike run`.

use anyhow::Context;

use crate::live;
use crate::verdict::Verdict;

/// Serves the mock payment provider until it is told to end.
pub(super) fn provider(args: &mock_provider::server::Args) -> anyhow::Result<Verdict> {
    mock_provider::server::run(args.clone())?;
    Ok(Verdict::Pass)
}

/// Serves the reference shop until it is told to end.
pub(super) fn shop(args: &reference_shop::server::Args) -> anyhow::Result<Verdict> {
    reference_shop::server::run(args).context("failed to serve the shop")?;
    Ok(Verdict::Pass)
}

/// Lives the part of a crowd that the process which started this one names.
pub(super) fn load_process() -> anyhow::Result<Verdict> {
    live::serve(std::io::stdin(), std::io::stdout())
        .context("failed to live a part of the load")?;
    Ok(Verdict::Pass)
}
