//! Wall and CPU time of work.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What a piece of work took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// Time from start to end.
    pub wall: Duration,
    /// CPU time of all threads of the pool that did it.
    pub cpu: Duration,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// Does `work` on the current rayon pool and measures it.
///
/// The CPU time is that of all threads of the pool: exact if the pool does nothing else meanwhile, as in the workers of
/// a proving pool, which have a pool each.
pub fn measure<T: Send>(work: impl FnOnce() -> T + Send) -> (T, Cost) {
    rayon::scope(|_| {
        let cpu = pool_cpu();
        let start = Instant::now();
        let result = work();
        let wall = start.elapsed();
        (result, Cost { wall, cpu: pool_cpu().saturating_sub(cpu) })
    })
}

/// CPU time so far of the current pool's threads.
fn pool_cpu() -> Duration {
    rayon::broadcast(|_| thread_cpu()).into_iter().sum()
}

/// CPU time so far of this thread.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("CPU time is not negative");
    let nanoseconds = u32::try_from(time.tv_nsec).expect("a part of a second");
    Duration::new(seconds, nanoseconds)
}

/// A part of the making of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// What the proof has to claim, computed natively.
    Statement,
    /// The proving key is read, if it is not in memory.
    Loading,
    /// Values of all wires.
    Witness,
    /// The proof.
    Proving,
    /// Its check.
    Verifying,
}

/// A stage and what it took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StageCost {
    /// The stage.
    pub stage: Stage,
    /// What it took.
    pub cost: Cost,
}

impl Stage {
    /// One word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Loading => "loading",
            Self::Witness => "witness",
            Self::Proving => "proving",
            Self::Verifying => "verifying",
        }
    }
}

/// Hears of a stage when it begins.
type Watcher = Box<dyn Fn(Stage) + Send + Sync>;

/// The stages of one proof, in order.
#[derive(Default)]
pub struct StageLog {
    stages: Vec<StageCost>,
    watcher: Option<Watcher>,
}

impl StageLog {
    /// No stage yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No stage yet; `watcher` hears of each one when it begins. It must be quick: the proof waits for it.
    #[must_use]
    pub fn watched(watcher: impl Fn(Stage) + Send + Sync + 'static) -> Self {
        Self { stages: Vec::new(), watcher: Some(Box::new(watcher)) }
    }

    /// Does the work of a stage and notes what it took.
    pub fn run<T: Send>(&mut self, stage: Stage, work: impl FnOnce() -> T + Send) -> T {
        if let Some(watcher) = &self.watcher {
            watcher(stage);
        }
        let (result, cost) = measure(work);
        self.stages.push(StageCost { stage, cost });
        result
    }

    /// The stages so far.
    #[must_use]
    pub fn stages(&self) -> &[StageCost] {
        &self.stages
    }

    /// All stages together but for the reading of the key, which is done once for many proofs.
    #[must_use]
    pub fn total(&self) -> Cost {
        self.stages.iter().filter(|stage| stage.stage != Stage::Loading).map(|stage| stage.cost).sum()
    }
}

impl fmt::Debug for StageLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageLog").field("stages", &self.stages).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rayon::prelude::*;

    use super::*;

    /// Keeps a thread busy until it has used this much CPU time.
    fn burn(cpu: Duration) {
        let start = thread_cpu();
        while thread_cpu() - start < cpu {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn cpu_time_of_all_threads_counts_and_sleep_does_not() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        let each = Duration::from_millis(40);
        let mut log = StageLog::new();
        pool.install(|| {
            log.run(Stage::Proving, || [(); 2].par_iter().for_each(|()| burn(each)));
            log.run(Stage::Verifying, || std::thread::sleep(each));
            log.run(Stage::Loading, || std::thread::sleep(each));
        });
        let [proving, verifying, loading] = log.stages() else { unreachable!("three stages ran") };
        assert!(proving.cost.cpu >= 2 * each, "{proving:?}");
        assert!(verifying.cost.wall >= each && verifying.cost.cpu < each, "{verifying:?}");
        assert!(loading.cost.wall >= each, "{loading:?}");
        assert_eq!(log.total(), proving.cost + verifying.cost, "a key is read once for many proofs");
    }

    #[test]
    fn a_watcher_hears_of_a_stage_before_its_work() {
        let news = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&news);
        let mut log = StageLog::watched(move |stage| heard.lock().expect("not poisoned").push(stage.name()));
        log.run(Stage::Witness, || assert_eq!(*news.lock().expect("not poisoned"), ["witness"]));
        log.run(Stage::Proving, || ());
        assert_eq!(*news.lock().expect("not poisoned"), ["witness", "proving"]);
    }
}
