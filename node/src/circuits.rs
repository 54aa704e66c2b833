//! The circuits of this program, out of the cache or built.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use weft_prover::{BuildProgress, BuildState, BuildStep, CircuitSet, CircuitSizes, SegmentSize};

/// Where built circuits are kept if nobody says: the user's cache folder.
#[must_use]
pub fn default_cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(caches.join("weft").join("circuits"))
}

/// Loads the circuits of a deployment from `cache`, or builds them, which takes minutes. Shows what it does on a
/// terminal.
#[must_use]
pub fn load(cache: Option<&Path>) -> CircuitSet {
    let display = Display::default();
    CircuitSet::load_or_build(CircuitSizes::PRODUCTION, cache, |progress| display.show(progress))
}

/// A spinner for each step in work; nothing if stderr is no terminal.
#[derive(Default)]
struct Display {
    bars: MultiProgress,
    running: Mutex<BTreeMap<&'static str, ProgressBar>>,
}

impl Display {
    fn show(&self, progress: BuildProgress) {
        let name = name_of(progress.step);
        let Ok(mut running) = self.running.lock() else { return };
        match progress.state {
            BuildState::Started => {
                let bar = self.bars.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("  {spinner} circuits: {msg} {elapsed}") {
                    bar.set_style(style);
                }
                bar.set_message(name);
                bar.enable_steady_tick(std::time::Duration::from_millis(100));
                running.insert(name, bar);
            }
            BuildState::Done { wall } => {
                tracing::info!(circuits = name, ?wall, "ready");
                if let Some(bar) = running.remove(name) {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

const fn name_of(step: BuildStep) -> &'static str {
    match step {
        BuildStep::Segment(SegmentSize::Small) => "small segment",
        BuildStep::Segment(SegmentSize::Large) => "large segment",
        BuildStep::Recursion => "lift, aggregate, seal, wrap",
    }
}
