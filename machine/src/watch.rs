//! Waiting for the end of a process, one's own child or not.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// What came first.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// The process has ended.
    Ended,
    /// The other end of the pipe was closed, or said something.
    Told,
}

/// Waits until `process` has ended, or until `pipe` is closed at its other end. A process that is not
/// there has ended.
///
/// # Errors
/// When the system does not let it be watched.
pub fn wait(process: Pid, pipe: impl AsFd) -> io::Result<First> {
    let process = match pidfd_open(process, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(First::Ended),
        Err(error) => return Err(error.into()),
    };
    loop {
        let mut both = [&process.as_fd(), &pipe.as_fd()]
            .map(|it| PollFd::from_borrowed_fd(*it, PollFlags::IN));
        match poll(&mut both, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [process, pipe] = both.map(|it| !it.revents().is_empty());
        // Who is told to end a process does not care that it has.
        if pipe {
            return Ok(First::Told);
        }
        if process {
            return Ok(First::Ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_end_of_a_process_is_seen_and_so_is_the_wish_to_wait_no_more() {
        let (told, tell) = io::pipe().unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = Pid::from_child(&child);
        drop(child.stdin.take());
        assert_eq!(wait(process, &told).unwrap(), First::Ended);
        child.wait().unwrap();
        assert_eq!(wait(process, &told).unwrap(), First::Ended);
        drop(tell);
        assert_eq!(wait(rustix::process::getpid(), &told).unwrap(), First::Told);
    }
}
