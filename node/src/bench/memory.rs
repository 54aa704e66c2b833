//! The greatest memory of the process, on Linux.

use std::fs;

/// Begins a new measurement, if the system has one.
pub(super) fn reset_peak() {
    // Elsewhere, or without the right, the peak since the start is reported.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Greatest resident memory since [`reset_peak`], in MiB; `None` if the system does not tell.
pub(super) fn peak_mib() -> Option<f64> {
    read("VmHWM:")
}

/// Resident memory now, in MiB; `None` if the system does not tell.
pub(super) fn resident_mib() -> Option<f64> {
    read("VmRSS:")
}

fn read(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
