//! What is known of the proof of a batch, and how it is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_api::{EstimateView, Event, Finality, FixedBytes, JobStateName, JobView, ProofTreeView, Step, Time};

use crate::clock;

/// Most rows of jobs: of a larger tree only what happens now is shown, and the rest counted.
const JOB_ROWS_MAX: usize = 20;

/// A batch and the jobs that prove it.
#[derive(Clone, Debug)]
pub struct Picture {
    batch: u32,
    steps: Vec<Step>,
    /// Jobs in the order of the tree: children before parents.
    jobs: Vec<JobView>,
    rest: Option<(EstimateView, Time)>,
}

impl Picture {
    /// A batch of which nothing is known yet.
    #[must_use]
    pub const fn new(batch: u32) -> Self {
        Self { batch, steps: Vec::new(), jobs: Vec::new(), rest: None }
    }

    /// The jobs as far as they are known.
    #[must_use]
    pub fn jobs(&self) -> &[JobView] {
        &self.jobs
    }

    /// Takes an event in; returns what has changed, in lines.
    pub fn take(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Step(step) => {
                self.steps.push(*step);
                vec![format!("batch {}: {}", self.batch, step.step)]
            }
            Event::Proving(_) => vec![],
            Event::Tree(tree) => self.take_tree(tree),
            Event::Job(job) => self.take_job(job).into_iter().collect(),
        }
    }

    fn take_tree(&mut self, tree: &ProofTreeView) -> Vec<String> {
        self.rest = tree.rest.map(|rest| (rest, clock::now()));
        let before = std::mem::take(&mut self.jobs);
        let state = |job: &JobView| before.iter().find(|old| old.id == job.id).map(|old| old.state);
        let changed =
            tree.jobs.iter().filter(|job| state(job) != Some(job.state) && job.state != JobStateName::Waiting);
        let lines = changed.map(|job| self.line(job)).collect();
        self.jobs.clone_from(&tree.jobs);
        lines
    }

    fn take_job(&mut self, job: &JobView) -> Option<String> {
        let line = self.line(job);
        match self.jobs.iter_mut().find(|old| old.id == job.id) {
            Some(old) => {
                let is_news = old.state != job.state || old.stage != job.stage;
                *old = job.clone();
                is_news.then_some(line)
            }
            None => {
                self.jobs.push(job.clone());
                Some(line)
            }
        }
    }

    fn line(&self, job: &JobView) -> String {
        format!("batch {}: {} {}", self.batch, job.name, state(job, clock::now()))
    }

    /// The last step, if any was reached.
    #[must_use]
    pub fn status(&self) -> Option<Finality> {
        self.steps.last().map(|step| step.step)
    }

    /// The picture in rows, as it is at a time.
    #[must_use]
    pub fn rows(&self, now: Time) -> Vec<String> {
        let mut rows = vec![self.head(now)];
        if self.jobs.len() <= JOB_ROWS_MAX {
            let ids: BTreeMap<_, _> = self.jobs.iter().map(|job| (job.id, job)).collect();
            let children: Vec<_> = self.jobs.iter().flat_map(|job| job.children.iter()).collect();
            for root in self.jobs.iter().rev().filter(|job| !children.contains(&&job.id)) {
                branch(root, &ids, 1, now, &mut rows);
            }
            return rows;
        }
        rows.extend(self.counts());
        let busy = |job: &&JobView| matches!(job.state, JobStateName::Leased | JobStateName::Quarantined);
        let shown = self.jobs.iter().filter(busy).take(JOB_ROWS_MAX);
        rows.extend(shown.map(|job| row(job, 1, now)));
        rows
    }

    fn head(&self, now: Time) -> String {
        let done = self.jobs.iter().filter(|job| job.state == JobStateName::Done).count();
        let status = self.status().map_or("unknown", Finality::name);
        let mut head = format!("batch {}: {status}, {done} of {} jobs done", self.batch, self.jobs.len());
        if let Some((rest, at)) = self.rest
            && done < self.jobs.len()
        {
            let left = Duration::try_from_secs_f64(rest.seconds).unwrap_or_default().saturating_sub(between(at, now));
            let workers = if rest.workers == 1 { "1 worker".to_owned() } else { format!("{} workers", rest.workers) };
            head += &format!(", about {} s left with {workers}", left.as_secs());
        }
        head
    }

    /// One row for each kind of job: how many are in which state.
    fn counts(&self) -> Vec<String> {
        let mut kinds: Vec<(&str, BTreeMap<JobStateName, u32>)> = Vec::new();
        for job in &self.jobs {
            let position = kinds.iter().position(|(kind, _)| *kind == job.kind).unwrap_or_else(|| {
                kinds.push((&job.kind, BTreeMap::new()));
                kinds.len() - 1
            });
            *kinds[position].1.entry(job.state).or_default() += 1;
        }
        let count = |(state, count): (&JobStateName, &u32)| format!("{count} {}", state.name());
        let words = |states: &BTreeMap<_, _>| states.iter().map(count).collect::<Vec<_>>().join(", ");
        kinds.iter().map(|(kind, states)| format!("  {kind}: {}", words(states))).collect()
    }
}

/// A job and below it those that it needs.
fn branch(job: &JobView, all: &BTreeMap<FixedBytes<32>, &JobView>, depth: usize, now: Time, rows: &mut Vec<String>) {
    rows.push(row(job, depth, now));
    for child in job.children.iter().filter_map(|id| all.get(id)) {
        branch(child, all, depth + 1, now, rows);
    }
}

fn row(job: &JobView, depth: usize, now: Time) -> String {
    let mark = match job.state {
        JobStateName::Waiting => '·',
        JobStateName::Ready => '○',
        JobStateName::Leased => '◐',
        JobStateName::Done => '●',
        JobStateName::Quarantined => '✗',
        JobStateName::Cancelled => '-',
    };
    format!("{:indent$}{mark} {} {}", "", job.name, state(job, now), indent = 2 * depth)
}

/// How a job stands, in words.
fn state(job: &JobView, now: Time) -> String {
    let worker = job.worker.as_deref().unwrap_or("a worker");
    let tries = if job.attempts.claims > 1 { format!(" (try {})", job.attempts.claims) } else { String::new() };
    let reason = job.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    match job.state {
        JobStateName::Waiting => "waits for the proofs below".to_owned(),
        JobStateName::Ready if job.attempts.claims > 0 => format!("queued again{reason}"),
        JobStateName::Ready => "queued".to_owned(),
        JobStateName::Leased => {
            let since = job.started_at.map_or(Duration::ZERO, |start| between(start, now)).as_secs();
            let stage = job.stage.as_deref().filter(|stage| !stage.is_empty()).unwrap_or("begins");
            format!("proving by {worker}, {stage}, {since} s{tries}")
        }
        JobStateName::Done => {
            let wall = job.wall_seconds.map_or_else(String::new, |wall| format!(" in {wall:.1} s"));
            format!("verified, proved by {worker}{wall}{tries}")
        }
        JobStateName::Quarantined => format!("given up{reason}"),
        JobStateName::Cancelled => "no longer needed".to_owned(),
    }
}

fn between(from: Time, to: Time) -> Duration {
    Duration::from_millis(to.unix_ms().saturating_sub(from.unix_ms()))
}

#[cfg(test)]
mod tests {
    use weft_api::{AttemptsView, Progress};

    use super::*;

    fn job(id: u8, state: JobStateName, children: &[u8]) -> JobView {
        let kind = if children.is_empty() { "segment" } else { "lift" };
        JobView {
            id: FixedBytes([id; 32]),
            batch: 4,
            position: u32::from(id),
            name: format!("{kind} {id}"),
            kind: kind.to_owned(),
            state,
            height: 0,
            children: children.iter().map(|id| FixedBytes([*id; 32])).collect(),
            worker: None,
            stage: None,
            memory_mib: 100,
            created_at: Time::from_unix_ms(0),
            started_at: None,
            done_at: None,
            wall_seconds: None,
            cpu_seconds: None,
            attempts: AttemptsView::default(),
            reason: None,
        }
    }

    fn tree(jobs: Vec<JobView>) -> Event {
        let rest = EstimateView { seconds: 9.0, workers: 1 };
        let progress = Progress { done: 0, total: 1 };
        let (batch, status) = (4, Finality::Sealed);
        Event::Tree(Box::new(ProofTreeView { batch, status, progress, rest: Some(rest), jobs }))
    }

    fn three() -> Vec<JobView> {
        let done =
            JobView { worker: Some("a".to_owned()), wall_seconds: Some(2.25), ..job(1, JobStateName::Done, &[]) };
        let leased = JobView {
            worker: Some("b".to_owned()),
            stage: Some("quotient".to_owned()),
            started_at: Some(Time::from_unix_ms(1_000)),
            attempts: AttemptsView { claims: 2, ..AttemptsView::default() },
            ..job(2, JobStateName::Leased, &[])
        };
        vec![done, leased, job(3, JobStateName::Waiting, &[1, 2])]
    }

    #[test]
    fn a_small_tree_is_drawn_whole_from_the_root_down() {
        let mut picture = Picture::new(4);
        let lines = picture.take(&tree(three()));
        assert_eq!(lines[0], "batch 4: segment 1 verified, proved by a in 2.2 s");
        assert_eq!(lines.len(), 2, "what waits is no news: {lines:?}");
        picture.take(&Event::Step(Step { step: Finality::Sealed, at: Time::from_unix_ms(0) }));
        let rows = picture.rows(Time::from_unix_ms(4_000));
        assert_eq!(rows[0], "batch 4: sealed, 1 of 3 jobs done, about 9 s left with 1 worker");
        assert_eq!(rows[1], "  · lift 3 waits for the proofs below");
        assert_eq!(rows[2], "    ● segment 1 verified, proved by a in 2.2 s");
        assert_eq!(rows[3], "    ◐ segment 2 proving by b, quotient, 3 s (try 2)");
        assert_eq!(rows.len(), 4);
    }

    #[test]
    fn of_a_large_tree_the_busy_jobs_are_shown_and_the_rest_is_counted() {
        let mut jobs: Vec<_> = (0..60).map(|id| job(id, JobStateName::Done, &[])).collect();
        jobs.push(JobView { reason: Some("out of memory".to_owned()), ..job(60, JobStateName::Quarantined, &[]) });
        let mut picture = Picture::new(4);
        picture.take(&tree(jobs));
        let rows = picture.rows(Time::from_unix_ms(0));
        assert_eq!(rows[1..], ["  segment: 60 done, 1 quarantined", "  ✗ segment 60 given up: out of memory"]);
    }

    #[test]
    fn a_job_is_news_when_its_state_or_stage_changes() {
        let mut picture = Picture::new(4);
        picture.take(&tree(three()));
        let same = three().remove(1);
        assert!(picture.take(&Event::Job(Box::new(same.clone()))).is_empty());
        let failed = JobView { reason: Some("exit 137".to_owned()), state: JobStateName::Ready, ..same };
        let lines = picture.take(&Event::Job(Box::new(failed)));
        assert_eq!(lines, ["batch 4: segment 2 queued again: exit 137"]);
        assert_eq!(
            picture.take(&Event::Job(Box::new(job(9, JobStateName::Ready, &[])))),
            ["batch 4: segment 9 queued"]
        );
        assert_eq!(picture.jobs().len(), 4);
    }
}
