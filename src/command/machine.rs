//! The machine a run was lived on, in a few words.

use std::fs;

/// Processor, cores, memory and kernel: `AMD EPYC, 2 cores, 23 GiB, Linux 6.18.5`.
pub(super) fn machine() -> String {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory_kib: u64 = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    let kernel = rustix::system::uname();
    format!(
        "{processor}, {cores} cores, {} GiB, {} {}",
        memory_kib / (1 << 20),
        kernel.sysname().to_string_lossy(),
        kernel.release().to_string_lossy()
    )
}

/// The value of `name: value` in a file of such lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}
