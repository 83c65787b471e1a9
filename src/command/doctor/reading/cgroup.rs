//! What the control group of this process allows: both versions of the kernel's interface. A limit
//! holds for a group and all below it, so that the narrowest on the way to the root is what counts.

use std::path::{Path, PathBuf};

use super::{number, text};

/// Values from here on are the first version's way to say that there is no limit: the largest
/// whole number of pages \[bytes\].
const NO_LIMIT: u64 = 1 << 62;

/// The share of the processor that is allowed \[cores\].
pub(super) fn quota_cores(root: &Path) -> Option<f64> {
    let second = groups(root, "").into_iter().filter_map(|group| {
        let limit = text(root, &group.join("cpu.max").to_string_lossy())?;
        let (quota, period) = limit.split_once(' ')?;
        Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
    });
    let first = groups(root, "cpu").into_iter().filter_map(|group| {
        // No limit is -1, which is no number here.
        let quota = number(root, &group.join("cpu.cfs_quota_us").to_string_lossy())?;
        let period = number(root, &group.join("cpu.cfs_period_us").to_string_lossy())?;
        (period > 0).then(|| quota as f64 / period as f64)
    });
    second.chain(first).min_by(f64::total_cmp)
}

/// What is left of the memory that is allowed \[bytes\].
pub(super) fn memory_left_bytes(root: &Path) -> Option<u64> {
    left(root, "", "memory.max", "memory.current")
        .into_iter()
        .chain(left(root, "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"))
        .min()
}

/// How many processes and threads more are allowed.
pub(super) fn processes_left(root: &Path) -> Option<u64> {
    left(root, "", "pids.max", "pids.current")
        .into_iter()
        .chain(left(root, "pids", "pids.max", "pids.current"))
        .min()
}

/// The least that is left of a limit, over all groups of a controller.
fn left(root: &Path, controller: &str, limit: &str, used: &str) -> Option<u64> {
    let left = groups(root, controller).into_iter().filter_map(|group| {
        let limit = number(root, &group.join(limit).to_string_lossy())?;
        let used = number(root, &group.join(used).to_string_lossy())?;
        (limit < NO_LIMIT).then(|| limit.saturating_sub(used))
    });
    left.min()
}

/// The folders of this process's group and of those above it: for a controller of the first
/// version, or for the second where none is named.
fn groups(root: &Path, controller: &str) -> Vec<PathBuf> {
    let listed = text(root, "proc/self/cgroup").unwrap_or_default();
    let own = listed.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let is_it = match controller {
            "" => controllers.is_empty(),
            _ => controllers.split(',').any(|name| name == controller),
        };
        is_it.then(|| path.trim_start_matches('/').to_owned())
    });
    let Some(own) = own else { return Vec::new() };
    let mounts: &[&str] = match controller {
        "" => &["sys/fs/cgroup", "sys/fs/cgroup/unified"],
        _ => &["sys/fs/cgroup"],
    };
    // In a container the path is the host's, and the group's files stand at the mount itself: the
    // last of the folders above it.
    let folders = mounts.iter().flat_map(|mount| {
        let mount = Path::new(mount).join(controller);
        let above: Vec<PathBuf> =
            Path::new(&own).ancestors().map(|group| mount.join(group)).collect();
        above
    });
    folders.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_narrowest_group_counts_in_the_second_version() {
        let root = root(&[
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/outer/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "1000\n"),
            ("sys/fs/cgroup/outer/inner/memory.current", "400\n"),
            ("sys/fs/cgroup/outer/memory.max", "max\n"),
            ("sys/fs/cgroup/outer/pids.max", "64\n"),
            ("sys/fs/cgroup/outer/pids.current", "4\n"),
        ]);
        assert_eq!(quota_cores(root.path()), Some(1.5));
        assert_eq!(memory_left_bytes(root.path()), Some(600));
        assert_eq!(processes_left(root.path()), Some(60));
    }

    #[test]
    fn the_first_version_says_no_limit_with_a_huge_number() {
        let root = root(&[
            ("proc/self/cgroup", "4:memory:/here\n1:cpu,cpuacct:/\n0::/\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n"),
            ("sys/fs/cgroup/memory/here/memory.limit_in_bytes", "300\n"),
            ("sys/fs/cgroup/memory/here/memory.usage_in_bytes", "500\n"),
        ]);
        assert_eq!(quota_cores(root.path()), None);
        assert_eq!(memory_left_bytes(root.path()), Some(0));
    }

    #[test]
    fn without_groups_nothing_is_limited() {
        let root = root(&[]);
        assert_eq!((quota_cores(root.path()), memory_left_bytes(root.path())), (None, None));
    }
}
