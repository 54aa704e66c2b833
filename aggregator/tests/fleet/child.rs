//! Provers in processes of their own that crash, are killed and hang.
//!
//! The process is this test program again, which is told to run nothing but [`child_process`]. What it proves goes through
//! another file descriptor, since the test runner writes to its standard output.

use std::fs::OpenOptions;
use std::io::stdin;
use std::num::NonZeroUsize;
use std::process::Command;
use std::time::{Duration, Instant};

use weft_aggregator::worker::serve_child;
use weft_aggregator::{ChildProcess, FleetEvent, Job, JobKind, JobNews, Span};
use weft_storage::jobs::JobState;

use crate::toy::{Mishap, Toy};
use crate::world::{Batch, in_memory, start};

/// Says that this is the process of a prover, and what it runs into.
const ROLE: &str = "WEFT_TEST_CHILD";
/// Where it writes what it proves.
const OUTPUT: &str = "/proc/self/fd/3";
/// Where its number goes, if anybody wants to know.
const PID_FILE: &str = "WEFT_TEST_CHILD_PID";

/// Bound on the time from the death of a prover's process to the next lease.
const REPORTED: Duration = Duration::from_secs(1);

/// Not a test of its own: what the other process runs, see the [module](self).
#[test]
fn child_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    if let Ok(file) = std::env::var(PID_FILE) {
        std::fs::write(file, std::process::id().to_string()).expect("the test waits for it");
    }
    let mishap: Option<(JobKind, Mishap)> = serde_json::from_str(&role).expect("it was written by the test");
    let toy = mishap.map_or_else(Toy::good, |(kind, mishap)| Toy::always(kind, mishap));
    let output = OpenOptions::new().write(true).open(OUTPUT).expect("the shell has opened it");
    serve_child(&toy, NonZeroUsize::MIN, stdin().lock(), output).expect("the worker listens");
}

/// A prover in another process.
fn prover(mishap: Option<(JobKind, Mishap)>, pid_file: Option<&std::path::Path>) -> ChildProcess {
    let program = std::env::current_exe().expect("this is one");
    let role = serde_json::to_string(&mishap).expect("plain data");
    let pid_file = pid_file.map(std::path::Path::to_owned);
    ChildProcess::new(move || {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" --exact child::child_process --nocapture 3>&1 >/dev/null 2>&1"]);
        command.arg(&program).env(ROLE, &role);
        if let Some(pid_file) = &pid_file {
            command.env(PID_FILE, pid_file);
        }
        command
    })
}

fn requeued(event: &FleetEvent) -> bool {
    matches!(event, FleetEvent::Job { news: JobNews::Requeued { .. }, .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_proves_a_batch_and_is_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let worker = start("a", world.local(), prover(None, None));
    let batch = Batch::new(1, 3);
    world.submit(&batch).await;
    world.finish(&batch).await;
    assert_eq!(world.proven(1).await.jobs.len(), 3 + 1 + 2);
    let stages = world
        .events()
        .into_iter()
        .filter(|event| matches!(event, FleetEvent::Job { news: JobNews::Stage { .. } | JobNews::Done { .. }, .. }));
    assert!(stages.count() >= 6);
    worker.stop().await.expect("it was asked to");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_noticed_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let pid_file = dir.path().join("pid");
    let slow = Some((JobKind::Segment, Mishap::Slow(900)));
    let _worker = start("a", world.local(), prover(slow, Some(&pid_file)));
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    world.wait_for_job(Job::Segment(0), |news| matches!(news, JobNews::Stage { stage } if stage == "proving")).await;
    let pid = std::fs::read_to_string(&pid_file).expect("it has begun");
    let killed = Instant::now();
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("kill is there").success());
    let (noticed, event) = world.wait_for("the report", requeued).await;
    assert!(noticed - killed < REPORTED, "{:?}", noticed - killed);
    let FleetEvent::Job { news: JobNews::Requeued { reason }, .. } = event else { unreachable!("{event:?}") };
    assert!(reason.contains("killed"), "{reason}");
    world.finish(&batch).await;
    world.proven(1).await;
    let view = &world.coordinator.job_views(1).await.expect("the store works")[0];
    assert!(view.attempts.last_reason.as_deref().is_some_and(|reason| reason.contains("killed")), "{view:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_hangs_is_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let hanging = Some((JobKind::Segment, Mishap::Slow(600_000)));
    let worker = start("hanging", world.local(), prover(hanging, None));
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    let leased = world.wait_for_job(Job::Segment(0), |news| matches!(news, JobNews::Leased { .. })).await;
    let (noticed, event) = world.wait_for("the report", requeued).await;
    let FleetEvent::Job { news: JobNews::Requeued { reason }, .. } = event else { unreachable!("{event:?}") };
    assert!(reason.contains("no progress in stage proving"), "{reason}");
    let after = noticed - leased;
    assert!(after > Duration::from_secs(1) && after < Duration::from_secs(4), "{after:?}");
    worker.stop().await.expect("it was asked to");
    let _good = start("good", world.local(), prover(None, None));
    world.finish(&batch).await;
    world.proven(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_provers_is_put_aside_and_the_others_are_done() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let poisoned = Some((JobKind::Lift, Mishap::Abort));
    let _workers =
        [start("a", world.local(), prover(poisoned, None)), start("b", world.local(), prover(poisoned, None))];
    let (first, second) = (Batch::new(1, 3), Batch::new(2, 2));
    world.submit(&first).await;
    world.submit(&second).await;
    let (_, halted) = world.wait_for("the end", |event| matches!(event, FleetEvent::Halted { batch: 1, .. })).await;
    let FleetEvent::Halted { job, reason, .. } = halted else { unreachable!("{halted:?}") };
    assert_eq!(job, Job::Lift(Span { first: 0, last: 2 }));
    assert!(reason.contains("signal: 6"), "{reason}");
    for position in 0..2 {
        let is_done = |event: &FleetEvent| matches!(event, FleetEvent::Job { batch: 2, job: Job::Segment(at), news: JobNews::Done { .. } } if *at == position);
        world.wait_for("the others", is_done).await;
    }
    let views = world.coordinator.job_views(1).await.expect("the store works");
    let view = views.iter().find(|view| view.job == job).expect("it is there");
    assert!(matches!(view.state, JobState::Quarantined { .. }), "{view:?}");
    let mut losers = view.attempts.lost.clone();
    losers.sort_unstable();
    losers.dedup();
    assert_eq!(losers.len(), 2, "both have tried it: {view:?}");
}
