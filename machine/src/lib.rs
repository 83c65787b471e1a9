//! What the programs of spike need of the machine they run on.

mod guard;
pub mod nginx;
pub mod postgres;
pub mod redis;
pub mod server;
pub mod watch;

use std::fs::{self, File};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most open files for which there is room from the beginning: half a megabyte of the kernel's.
const ROOM_MAX: u64 = 65_536;

/// Raises this process's limit of open files as far as it may by itself, and returns it: to the
/// hard limit, and with the capability for it beyond, to the most that the kernel allows any
/// process. Makes room for so many, or for 65,536 of them, at once.
///
/// To be called before there is a second thread. The kernel doubles its table of a process's open
/// files as they are opened, and in a process of several threads it waits each time until no thread
/// can be reading the old table (`expand_fdtable` in fs/file.c): on a busy machine of two cores that
/// stopped a load loop for 0.1 s at its 8,192nd connection, and for 0.7 s at its 16,384th.
pub fn raise_descriptor_limit() -> u64 {
    let hard = getrlimit(Resource::Nofile).maximum;
    let most = fs::read_to_string("/proc/sys/fs/nr_open").ok();
    let most = most.and_then(|text| text.trim().parse().ok()).filter(|most| hard < Some(*most));
    for limit in [hard, most.or(hard)] {
        // Where the system refuses, the present limit is what there is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit });
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    make_room(limit.min(ROOM_MAX));
    limit
}

/// Makes the table of open files large enough for `count` of them: a file that is opened at its end
/// makes it so, and it never shrinks.
fn make_room(count: u64) {
    let Some(last) = count.checked_sub(1).and_then(|last| i32::try_from(last).ok()) else { return };
    // Without it the table grows as it is needed.
    if let Ok(file) = File::open("/dev/null") {
        drop(rustix::io::fcntl_dupfd_cloexec(&file, last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the table of open files, as the kernel tells it (proc(5)).
    fn room() -> u64 {
        let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
        size.and_then(|size| size.trim().parse().ok()).expect("it is a number")
    }

    #[test]
    fn the_limit_of_files_is_raised_to_what_is_allowed_and_there_is_room_for_them() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let raised = raise_descriptor_limit();
        assert!(raised >= hard);
        // What could be raised is raised: a second time finds nothing to do.
        assert_eq!(getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX), raised);
        assert_eq!(raise_descriptor_limit(), raised);
        assert!(room() >= raised.min(ROOM_MAX), "{} of {raised}", room());
    }
}
