//! The greatest memory of a process, on Linux.

use std::fs;

/// Greatest resident memory of a process since its start, in bytes; `None` if the system does not tell.
pub(super) fn peak_bytes_of(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}
