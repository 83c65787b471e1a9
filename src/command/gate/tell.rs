//! How the gate's answer is told: results on stdout and in files, talk and the last line on stderr.

use std::io::{ErrorKind, IsTerminal};
use std::path::Path;

use anyhow::Context as _;

use crate::cli::GateArgs;
use crate::command::folder::write_whole;
use crate::command::{print, say};
use crate::report::{gate, text};
use crate::verdict::gate::Gated;
use crate::verdict::reasoned_line;

/// As wide as a terminal is at the least, and a log of CI.
pub(super) const WIDTH: usize = 80;

/// Removes what an earlier gate wrote where this one shall write: a refusal writes nothing, and must not leave
/// another's pass behind.
pub(super) fn clear(args: &GateArgs) -> anyhow::Result<()> {
    for path in [&args.junit, &args.markdown, &args.benchmark].into_iter().flatten() {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let failed = || format!("failed to remove the earlier {}", path.display());
                return Err(error).with_context(failed);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Tells what the gate says.
pub(super) fn tell(gated: &Gated, args: &GateArgs) -> anyhow::Result<()> {
    if let Some(path) = &args.junit {
        let xml = gate::junit(gated).context("failed to write JUnit XML")?;
        write_whole(path, xml.as_bytes())?;
    }
    if let Some(path) = &args.markdown {
        write_whole(path, gate::markdown(gated).as_bytes())?;
    }
    if let Some(path) = &args.benchmark {
        let json = serde_json::to_string_pretty(&gate::benchmark(gated))?;
        write_whole(path, (json + "\n").as_bytes())?;
    }
    if args.json {
        print(&(serde_json::to_string_pretty(gated)? + "\n"))?;
    } else if !args.quiet {
        print(&text::gate(gated, WIDTH, colour()))?;
    }
    if args.annotations {
        let file = args.scenario.as_deref().map(Path::to_string_lossy);
        print(&gate::annotations(gated, file.as_deref()))?;
    }
    say(&reasoned_line(gated.verdict, &gated.reasons));
    Ok(())
}

/// Coloured where somebody looks and does not mind.
pub(super) fn colour() -> text::Colour {
    let styled = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if styled { text::Colour::Ansi } else { text::Colour::Plain }
}
