//! What the kernel says in `/proc` and `/sys`. `root` is where those folders stand: `/`, or a
//! test's own.

use std::path::Path;

use domain::time::Duration;

use super::{ClockFacts, Files, Processor, number, text};

/// Ports for outgoing connections.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Ports {
    /// The first and the last of them.
    pub(in super::super) range: Option<(u16, u16)>,
    /// Sockets that hold one now, those in `TIME_WAIT` too.
    pub(in super::super) in_use: u64,
    /// Sockets in `TIME_WAIT`.
    pub(in super::super) time_wait: u64,
    /// Whether those in `TIME_WAIT` may be taken again: 0 never, 1 always, 2 on loopback alone.
    pub(in super::super) reuse: Option<u64>,
}

/// Queues and memory of TCP.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Tcp {
    /// The longest queue of connections that a server has not accepted yet.
    pub(in super::super) accept_queue: Option<u64>,
    /// The longest queue of half-open connections.
    pub(in super::super) syn_queue: Option<u64>,
    /// How long a connection that this side closed is kept half-closed.
    pub(in super::super) fin_timeout: Option<Duration>,
    /// From where on the kernel takes memory away from sockets \[bytes\].
    pub(in super::super) pressure_bytes: Option<u64>,
    /// Memory of sockets now \[bytes\].
    pub(in super::super) used_bytes: Option<u64>,
}

/// The table of tracked connections.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Tracked {
    /// Entries now.
    pub(in super::super) entries: u64,
    /// The most it holds.
    pub(in super::super) most: u64,
}

/// Whether threads may be scheduled before all others.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum RealTime {
    /// They may: by capability, or by a limit above 0.
    Allowed,
    /// They may not.
    Refused,
}

/// The system's limits of open files; those of this process are not the kernel's files.
pub(super) fn files(root: &Path) -> Files {
    let open = text(root, "proc/sys/fs/file-nr");
    Files {
        process_most: number(root, "proc/sys/fs/nr_open"),
        system_most: number(root, "proc/sys/fs/file-max"),
        system_open: open.and_then(|text| text.split_whitespace().next()?.parse().ok()),
        ..Files::default()
    }
}

pub(super) fn ports(root: &Path) -> Ports {
    let range = text(root, "proc/sys/net/ipv4/ip_local_port_range").and_then(|text| range(&text));
    let mut ports =
        Ports { range, reuse: number(root, "proc/sys/net/ipv4/tcp_tw_reuse"), ..Ports::default() };
    for path in ["proc/net/tcp", "proc/net/tcp6"] {
        for line in text(root, path).unwrap_or_default().lines().skip(1) {
            ports.count(line);
        }
    }
    ports
}

fn range(text: &str) -> Option<(u16, u16)> {
    let mut bounds = text.split_whitespace().map(str::parse);
    let (first, last) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    (first <= last).then_some((first, last))
}

/// `TIME_WAIT`, as the kernel's tables of sockets have it.
const TIME_WAIT: &str = "06";

impl Ports {
    /// Counts one line of the kernel's table of sockets: number, local and remote address, state.
    fn count(&mut self, line: &str) {
        let mut fields = line.split_whitespace().skip(1);
        let (Some(local), _, Some(state)) = (fields.next(), fields.next(), fields.next()) else {
            return;
        };
        let port = local.rsplit_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
        let is_ours = self
            .range
            .zip(port)
            .is_some_and(|((first, last), port)| (first..=last).contains(&port));
        self.in_use += u64::from(is_ours);
        self.time_wait += u64::from(state == TIME_WAIT);
    }
}

pub(super) fn tcp(root: &Path, page_bytes: u64) -> Tcp {
    let memory = text(root, "proc/sys/net/ipv4/tcp_mem");
    let pressure = memory.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    let used = text(root, "proc/net/sockstat").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
        let mut words = line.split_whitespace().skip_while(|word| *word != "mem");
        words.nth(1)?.parse::<u64>().ok()
    });
    Tcp {
        accept_queue: number(root, "proc/sys/net/core/somaxconn"),
        syn_queue: number(root, "proc/sys/net/ipv4/tcp_max_syn_backlog"),
        fin_timeout: number(root, "proc/sys/net/ipv4/tcp_fin_timeout").map(Duration::from_secs),
        pressure_bytes: pressure.map(|pages| pages.saturating_mul(page_bytes)),
        used_bytes: used.map(|pages| pages.saturating_mul(page_bytes)),
    }
}

pub(super) fn tracked(root: &Path) -> Option<Tracked> {
    let entries = number(root, "proc/sys/net/netfilter/nf_conntrack_count")?;
    let most = number(root, "proc/sys/net/netfilter/nf_conntrack_max")?;
    Some(Tracked { entries, most })
}

/// The processor, but for what this process is allowed of it.
pub(super) fn processor(root: &Path) -> Processor {
    let load = text(root, "proc/loadavg");
    let governor = text(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    Processor {
        load: load.and_then(|text| text.split_whitespace().next()?.parse().ok()),
        stolen: text(root, "proc/stat").and_then(|text| stolen(&text)),
        governor,
        ..Processor::default()
    }
}

/// The eighth of the processor's times is what was stolen; the two after it (guests) are contained
/// in others (proc(5)).
fn stolen(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let times: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let all: u64 = times.iter().take(8).sum();
    (times.len() >= 8 && all > 0).then(|| times[7] as f64 / all as f64)
}

pub(super) fn available_bytes(root: &Path) -> Option<u64> {
    let text = text(root, "proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The clock, but for what must be measured.
pub(super) fn clock(root: &Path) -> ClockFacts {
    let folder = "sys/devices/system/clocksource/clocksource0";
    let source = text(root, &format!("{folder}/current_clocksource"));
    let others = text(root, &format!("{folder}/available_clocksource")).unwrap_or_default();
    let others = others.split_whitespace().filter(|other| Some(*other) != source.as_deref());
    ClockFacts {
        others: others.map(str::to_owned).collect(),
        source,
        slack: number(root, "proc/self/timerslack_ns").map(Duration::from_nanos),
        ..ClockFacts::default()
    }
}

/// The bit of the capability to change how threads are scheduled (capabilities(7): `CAP_SYS_NICE`).
const CAP_SYS_NICE: u32 = 23;

/// `limit` is the highest priority that this user may ask for.
pub(super) fn real_time(root: &Path, limit: u64) -> RealTime {
    let status = text(root, "proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
    if bits >> CAP_SYS_NICE & 1 == 1 || limit > 0 { RealTime::Allowed } else { RealTime::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files in it.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn ports_in_use_and_in_time_wait_are_counted() {
        let sockets = "  sl  local_address rem_address   st tx_queue rx_queue\n\
                       0: 0100007F:8000 0100007F:1F90 01 00000000:00000000\n\
                       1: 0100007F:1F90 0100007F:8000 01 00000000:00000000\n\
                       2: 0100007F:EA5F 0100007F:1F90 06 00000000:00000000\n";
        let root = root(&[
            ("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
            ("proc/sys/net/ipv4/tcp_tw_reuse", "2\n"),
            ("proc/net/tcp", sockets),
        ]);
        let range = Some((32_768, 60_999));
        let expected = Ports { range, in_use: 2, time_wait: 1, reuse: Some(2) };
        assert_eq!(ports(root.path()), expected);
    }

    #[test]
    fn memory_of_sockets_is_counted_in_pages() {
        let root = root(&[
            ("proc/sys/net/ipv4/tcp_mem", "288390\t384523\t576780\n"),
            ("proc/net/sockstat", "sockets: used 17\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 95\n"),
            ("proc/sys/net/core/somaxconn", "4096\n"),
        ]);
        let read = tcp(root.path(), 4_096);
        assert_eq!(read.pressure_bytes, Some(384_523 * 4_096));
        assert_eq!((read.used_bytes, read.accept_queue), (Some(95 * 4_096), Some(4_096)));
        assert_eq!(read.syn_queue, None);
    }

    #[test]
    fn stolen_time_is_a_share_of_all() {
        let stat = "cpu  60 0 20 10 0 0 0 10 5 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(stolen(stat), Some(0.1));
        assert_eq!(stolen("cpu 1 2 3"), None);
    }

    #[test]
    fn the_clock_says_what_it_counts_with_and_what_else_it_could() {
        let folder = "sys/devices/system/clocksource/clocksource0";
        let root = root(&[
            (&format!("{folder}/current_clocksource"), "hpet\n"),
            (&format!("{folder}/available_clocksource"), "tsc hpet acpi_pm \n"),
            ("proc/self/timerslack_ns", "50000\n"),
        ]);
        let read = clock(root.path());
        assert_eq!(read.source.as_deref(), Some("hpet"));
        assert_eq!(read.others, ["tsc", "acpi_pm"]);
        assert_eq!(read.slack, Some(Duration::from_micros(50)));
    }

    #[test]
    fn priority_is_allowed_by_capability_or_by_limit() {
        let with = root(&[("proc/self/status", "Name:\tx\nCapEff:\t0000000000800000\n")]);
        let without = root(&[("proc/self/status", "CapEff:\t000001ff7f7fffff\n")]);
        assert_eq!(real_time(with.path(), 0), RealTime::Allowed);
        assert_eq!(real_time(without.path(), 0), RealTime::Refused);
        assert_eq!(real_time(without.path(), 50), RealTime::Allowed);
    }

    #[test]
    fn what_is_not_there_is_not_guessed() {
        let nowhere = root(&[]);
        assert_eq!(ports(nowhere.path()), Ports::default());
        assert_eq!(tcp(nowhere.path(), 4_096), Tcp::default());
        assert_eq!(files(nowhere.path()), Files::default());
        assert_eq!(processor(nowhere.path()), Processor::default());
        assert_eq!(clock(nowhere.path()), ClockFacts::default());
        assert_eq!((tracked(nowhere.path()), available_bytes(nowhere.path())), (None, None));
    }
}
