//! `tools/performance`: spike beside wrk, oha, h2load, a bare timer loop, nginx, `SimPy` and nexosim, in one table.
//!
//! How it is measured, and what each row is worth, stands in docs/PERFORMANCE.md. Everything runs
//! on this machine and ends with this program.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]

mod cost;
mod figures;
mod footprint;
mod freeze;
mod lateness;
mod loops;
mod peers;
mod processes;
mod report;
mod scenarios;
mod scripted;
mod server;
mod simulator;
mod storm;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use figures::Row;
use server::Nginx;
use spike::live::clock::Clock;

/// Prints the table of docs/PERFORMANCE.md, measured on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// Interleaved rounds of each comparison.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the sections whose name contains one of these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The program to measure instead of the one that was built with this one.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_spike"))]
    spike: PathBuf,
    /// The profile in which other benchmarks are built.
    #[arg(long, env = "PROFILE", default_value = "release")]
    profile: String,
    /// Renews the table in this file, between its two marks.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Lives the scripted step against this port instead of measuring anything.
    #[arg(long, hide = true, requires = "out")]
    live_scripted: Option<u16>,
    /// Where that run leaves its evidence.
    #[arg(long, hide = true)]
    out: Option<PathBuf>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What all measurements need.
pub(crate) struct Bench {
    rounds: usize,
    spike: PathBuf,
    profile: String,
    /// Where scenarios, reports and nginx's files lie.
    folder: PathBuf,
    clock: Clock,
    /// The core of nginx, and of whoever shares it.
    server_core: String,
    /// The core of clients that do not share the server's.
    client_core: String,
    nginx: Nginx,
}

/// Some rows that are measured together.
struct Section {
    name: &'static str,
    /// The rows, before they are measured.
    rows: fn() -> Vec<Row>,
    /// Fills the rows in, in their order; what else is to be shown comes back as text.
    measure: fn(&Bench, &mut [Row]) -> anyhow::Result<String>,
}

const SECTIONS: [Section; 10] = [
    Section { name: "closed", rows: loops::closed_rows, measure: loops::closed },
    Section { name: "open", rows: loops::open_rows, measure: loops::open },
    Section { name: "lateness", rows: lateness::rows, measure: lateness::measure },
    Section { name: "waiting", rows: footprint::waiting_rows, measure: footprint::waiting },
    Section { name: "active", rows: footprint::active_rows, measure: footprint::active },
    Section { name: "growth", rows: footprint::growth_rows, measure: footprint::growth },
    Section { name: "edge", rows: loops::edge_rows, measure: loops::edge },
    Section { name: "dome", rows: storm::rows, measure: storm::dome },
    Section { name: "freeze", rows: freeze::rows, measure: freeze::measure },
    Section { name: "simulator", rows: simulator::rows, measure: simulator::simulator },
];

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let (Some(port), Some(out)) = (options.live_scripted, &options.out) {
        return scripted::live(port, out);
    }
    let bench = Bench::prepare(&options)?;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for section in &SECTIONS {
        let wanted = options.only.iter().any(|word| section.name.contains(word.as_str()));
        if wanted || options.only.is_empty() {
            eprintln!("measuring: {}", section.name);
            notes.extend(measure(section, &bench, &mut rows));
        }
    }
    let text = report::markdown(&rows, &notes);
    println!("{text}");
    options.write.map_or(Ok(()), |file| report::renew(&file, &text))
}

/// Measures a section; a row that could not be measured says why instead of vanishing.
fn measure(section: &Section, bench: &Bench, rows: &mut Vec<Row>) -> Option<String> {
    let mut measured = (section.rows)();
    let told = (section.measure)(bench, &mut measured);
    if let Err(error) = &told {
        for row in measured.iter_mut().filter(|row| row.rounds.is_empty() && row.note.is_empty()) {
            row.note = format!("{error:#}");
        }
    }
    rows.append(&mut measured);
    told.ok().filter(|text| !text.is_empty())
}

impl Bench {
    fn prepare(options: &Options) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/performance");
        std::fs::create_dir_all(&folder)?;
        machine::raise_descriptor_limit();
        let server_core = "0".to_owned();
        let nginx = Nginx::start(&server_core, &folder).context(
            "failed to start what everything is measured against\nhint: tools/performance \
             installs it",
        )?;
        Ok(Self {
            rounds: options.rounds.max(1),
            spike: options.spike.clone(),
            profile: options.profile.clone(),
            clock: Clock::begin_in(Duration::ZERO),
            client_core: if cores > 1 { "1" } else { "0" }.to_owned(),
            server_core,
            folder,
            nginx,
        })
    }
}

/// Leaves the machine to those who are measured.
pub(crate) fn pause(length: Duration) {
    std::thread::sleep(length);
}
