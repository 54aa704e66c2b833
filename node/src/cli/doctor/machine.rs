//! The machine itself.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Finding;

/// Memory of the largest proof, the wrap, in MiB.
const WRAP_MIB: u64 = 4096;
/// Memory of a worker that does all other jobs, in MiB.
const WORKER_MIB: u64 = 2048;
/// Disk below which a node should not begin, in MiB.
const DISK_MIB_MIN: u64 = 1024;
/// Disk that lasts for a while, in MiB.
const DISK_MIB_GOOD: u64 = 10 << 10;
/// Syncs that are measured.
const SYNCS: u32 = 20;
/// A sync that makes every acknowledgement slow.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Largest file of the system that is read.
const SYSTEM_FILE_BYTES: usize = 1 << 16;

/// The build of this program.
pub(super) fn build() -> Finding {
    let version = env!("CARGO_PKG_VERSION");
    let target = format!("{} {}", std::env::consts::ARCH, std::env::consts::OS);
    let found = format!("weft {version} for {target}");
    if cfg!(debug_assertions) {
        return Finding::warn(
            "build",
            format!("{found}, with checks of overflows"),
            "build with --release to prove faster",
        );
    }
    Finding::ok("build", found)
}

/// What the processor can do, and whether this build uses it.
pub(super) fn processor() -> Finding {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let features = features();
    let found = |best: &str| format!("{threads} threads, {best}");
    match features {
        Features { avx512: true, .. } if cfg!(target_feature = "avx512f") => {
            Finding::ok("processor", found("AVX-512 in use"))
        }
        Features { avx512: true, .. } => Finding::warn(
            "processor",
            found("AVX-512, which the proof system's part of this build does not use"),
            "build on this machine, with target-cpu=native: proofs are faster",
        ),
        Features { avx2: true, .. } => Finding::ok("processor", found("AVX2")),
        Features { .. } => Finding::warn(
            "processor",
            found("no vector instructions that are used"),
            "proofs take several times as long as on a machine with AVX2 or AVX-512",
        ),
    }
}

struct Features {
    avx2: bool,
    avx512: bool,
}

#[cfg(target_arch = "x86_64")]
fn features() -> Features {
    let avx512 = std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512dq");
    Features { avx2: std::arch::is_x86_feature_detected!("avx2"), avx512 }
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Features {
    Features { avx2: false, avx512: false }
}

/// Memory that is free, with the limit of a container.
pub(super) fn memory() -> Finding {
    let Some(mib) = free_memory_mib() else {
        return Finding::warn("memory", "unknown: this system does not tell", "a worker needs 2 GiB, the wrap 4 GiB");
    };
    let found = format!("{mib} MiB are free");
    match mib {
        0..WORKER_MIB => {
            Finding::fail("memory", found, "a worker needs 2 GiB, the wrap 4 GiB: free some, or run workers elsewhere")
        }
        WORKER_MIB..WRAP_MIB => {
            Finding::warn("memory", found, "the last proof of a batch needs 4 GiB: let another worker do it")
        }
        _ => Finding::ok("memory", found),
    }
}

/// The least of what the kernel has to give and what the control group has left.
fn free_memory_mib() -> Option<u64> {
    let text = system_file("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kernel = line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? / 1024;
    let number = |path| system_file(path)?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max");
    let used = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
    let group = limit.map_or(u64::MAX, |limit| limit.saturating_sub(used) >> 20);
    Some(kernel.min(group))
}

fn system_file(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    (text.len() <= SYSTEM_FILE_BYTES).then_some(text)
}

/// Room on the disk of a folder.
pub(super) fn disk_space(folder: &Path) -> Finding {
    let place = folder.display();
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        return Finding::fail(
            "disk space",
            format!("{place} cannot be looked at"),
            "make the folder, or name another with --data-dir",
        );
    };
    let mib = disk.f_bavail.saturating_mul(disk.f_frsize) >> 20;
    let found = format!("{mib} MiB are free at {place}");
    match mib {
        0..DISK_MIB_MIN => Finding::fail("disk space", found, "a node needs 1 GiB to begin with"),
        DISK_MIB_MIN..DISK_MIB_GOOD => Finding::warn("disk space", found, "10 GiB last for a while; the log grows"),
        _ => Finding::ok("disk space", found),
    }
}

/// How long a sync takes: every acknowledgement of a transaction waits for one.
pub(super) fn disk_sync(folder: &Path) -> Finding {
    match measure_sync(folder) {
        Ok(time) => {
            let found = format!("a sync takes {} µs at {}", time.as_micros(), folder.display());
            if time > SYNC_SLOW {
                return Finding::warn("disk sync", found, "every acknowledgement waits for one: use a faster disk");
            }
            Finding::ok("disk sync", found)
        }
        Err(error) => {
            let found = format!("cannot write at {}: {error}", folder.display());
            Finding::fail("disk sync", found, "name a folder that can be written with --data-dir")
        }
    }
}

fn measure_sync(folder: &Path) -> std::io::Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let begin = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[0; 512])?;
        file.sync_data()?;
    }
    Ok(begin.elapsed() / SYNCS)
}

/// Whether the circuits are built.
pub(super) fn circuits(cache: Option<&Path>) -> Finding {
    let Some(cache) = cache else {
        return Finding::warn(
            "circuits",
            "there is no folder to keep them in",
            "set WEFT_CIRCUIT_CACHE: they take minutes to build",
        );
    };
    let files = std::fs::read_dir(cache).map_or(0, Iterator::count);
    if files == 0 {
        let found = format!("none in {}", cache.display());
        return Finding::warn("circuits", found, "the first start builds them, which takes minutes");
    }
    Finding::ok("circuits", format!("{files} files in {}", cache.display()))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_fails() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("none");
        assert_eq!(disk_space(&nowhere).level, Level::Fail);
        assert_eq!(disk_sync(&nowhere).level, Level::Fail);
        assert_ne!(disk_sync(folder.path()).level, Level::Fail);
    }

    #[test]
    fn circuits_that_are_not_built_are_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(circuits(Some(folder.path())).level, Level::Warn);
        std::fs::write(folder.path().join("wrap"), "x").unwrap();
        assert_eq!(circuits(Some(folder.path())).level, Level::Ok);
        assert_eq!(circuits(None).level, Level::Warn);
    }

    #[test]
    fn every_complaint_says_what_to_do() {
        let folder = std::env::temp_dir();
        for finding in [build(), processor(), memory(), disk_space(&folder), disk_sync(&folder), circuits(None)] {
            assert_eq!(finding.advice.is_some(), finding.level != Level::Ok, "{finding:?}");
            assert!(!finding.found.is_empty());
        }
    }
}
