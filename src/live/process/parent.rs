//! The parent's side of load processes: starts them, tells them to stop, takes what they hand over.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;

use super::frame::{FrameReader, FrameWriter};
use super::{Heard, Order, Part, Processes, Told};
use crate::live::LiveError;
use crate::live::load::{Course, Report};
use crate::live::stop::Wish;

/// The subcommand of `spike` that a load process is.
const SUBCOMMAND: &str = "load-process";

/// The hold on a load process: dropping it ends the process.
#[derive(Debug)]
pub(in crate::live) struct Reins {
    input: FrameWriter<ChildStdin>,
    told: Wish,
    pid: u32,
}

impl Reins {
    /// Passes the user's wish on, once.
    pub(in crate::live) fn tell(&mut self, wish: Wish) {
        if wish == self.told {
            return;
        }
        self.told = wish;
        let told = match wish {
            Wish::Go => return,
            Wish::Finish => Told::Finish,
            Wish::Abandon => Told::Abandon,
        };
        // Who does not listen any more has ended, and its driver says how.
        let _ = self.input.write(&told);
    }

    /// The process's number in the system.
    pub(in crate::live) const fn pid(&self) -> u32 {
        self.pid
    }
}

/// Takes what one load process hands over, until it has ended.
#[derive(Debug)]
pub(in crate::live) struct Driver {
    number: usize,
    child: Child,
    output: FrameReader<ChildStdout>,
}

/// Starts a load process for one part of the crowd and tells it what to live.
///
/// # Errors
/// When it cannot be started.
pub(in crate::live) fn start(
    course: &Course<'_>,
    processes: &Processes,
    number: usize,
    part: Part,
) -> io::Result<(Reins, Driver)> {
    let mut command = Command::new(&processes.program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    // The terminal's Ctrl-C is the parent's alone.
    let mut child = command
        .process_group(0)
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = FrameWriter::new(child.stdin.take().expect("its input is piped"));
    let output = FrameReader::new(child.stdout.take().expect("its output is piped"));
    let mut reins = Reins { input, told: Wish::Go, pid: child.id() };
    let order = Order {
        scenario: processes.scenario.clone(),
        settings: course.settings.clone(),
        target: course.target.clone(),
        part,
    };
    // A process that dies at once is told of by its driver, which sees its status.
    let _ = reins.input.write(&Told::Live(Box::new(order)));
    Ok((reins, Driver { number, child, output }))
}

/// Whether a variable of the environment is a flag of this program.
fn is_ours(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("SPIKE_")
}

impl Driver {
    /// Hands on what the process hands over, until its last fan has left.
    ///
    /// # Errors
    /// When it ends before that.
    pub(in crate::live) fn drive(mut self, reports: &Sender<Report>) -> Result<(), LiveError> {
        let ended = self.listen(reports);
        // Its output is at an end or makes no sense: either way there is nothing more to wait for.
        if ended.is_err() {
            let _ = self.child.kill();
        }
        let status = self.child.wait();
        let number = self.number;
        ended.map_err(|why| match (why, status) {
            (Some(why), _) => LiveError::LoadProcess { number, why },
            (None, Ok(status)) => {
                let why = format!("it ended before they had left ({status})");
                LiveError::LoadProcess { number, why }
            }
            (None, Err(error)) => LiveError::LoadProcess { number, why: error.to_string() },
        })
    }

    /// Listens until the last word; why there is none, where that is known.
    fn listen(&mut self, reports: &Sender<Report>) -> Result<(), Option<String>> {
        loop {
            match self.output.read() {
                Ok(Some(Heard::Report(report))) => {
                    // The receiver goes away only when the run has failed, which the signal says.
                    let _ = reports.send(*report);
                }
                Ok(Some(Heard::Done)) => return Ok(()),
                Ok(Some(Heard::Failed(why))) => return Err(Some(why)),
                Ok(None) => return Err(None),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(None),
                Err(error) => return Err(Some(error.to_string())),
            }
        }
    }
}
