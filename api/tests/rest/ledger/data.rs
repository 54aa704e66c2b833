//! Batches, jobs, queue entries and records that the ledger shows.

use weft_api::{
    AccountProofView, AttemptsView, BatchView, Finality, FixedBytes, JobStateName, JobView, L1Transaction, L1View,
    Progress, ProofTreeView, QueueEntryView, QueueRange, QueueState, Step, WorkerState, WorkerView,
};
use weft_protocol::crypto::{Digest, poseidon};
use weft_protocol::{
    AccountIndex, AssetId, Kind, MerklePath, Object, Opening, OpeningDeposit, QueueEntry, QueueOperation, Record,
    RecordFields, TREE_DEPTH, empty_subtree,
};

use super::{OPEN, PROVING, State, VERIFIED, amount, key, now, owner};

pub(super) fn steps(number: u32) -> Vec<Step> {
    let last = match number {
        ..=VERIFIED => Finality::Withdrawable,
        OPEN => Finality::Executed,
        _ => Finality::Proving,
    };
    let ladder = [
        Finality::Executed,
        Finality::Sealed,
        Finality::Proving,
        Finality::Proven,
        Finality::Posted,
        Finality::Verified,
        Finality::Withdrawable,
    ];
    ladder.into_iter().take_while(|step| *step <= last).map(|step| Step { step, at: now() }).collect()
}

pub(super) fn batch_view(number: u32, state: &State) -> BatchView {
    let commit = L1Transaction { hash: FixedBytes([7; 32]), gas: 900_000, data_bytes: 2100 };
    let steps = if number == PROVING { state.steps.clone() } else { steps(number) };
    BatchView {
        trace_id: format!("{number:032x}"),
        number,
        status: steps.last().map_or(Finality::Executed, |step| step.step),
        timestamp: now(),
        root_before: Digest::ZERO,
        root: Digest::ZERO,
        slots: 100,
        records: 100,
        segments: 2,
        withdrawals: 5,
        queue: QueueRange { first: u64::from(number - 1), end: u64::from(number) },
        proving: Some(Progress { done: 1, total: 2 }),
        steps,
        l1: L1View { commit: (number <= VERIFIED).then_some(commit), prove: None },
        cpu_seconds: Some(1.5),
    }
}

pub(super) fn records(number: u32) -> Vec<Record> {
    let fields = RecordFields::new(Kind::Transfer, AccountIndex(1), AssetId(2), amount(u64::from(number)));
    vec![fields.record(), Record::address(&owner(1))]
}

pub(super) fn jobs() -> Vec<JobView> {
    let states = [JobStateName::Done, JobStateName::Leased, JobStateName::Waiting, JobStateName::Quarantined];
    let job = |(position, state): (u8, JobStateName)| JobView {
        id: FixedBytes([position; 32]),
        batch: PROVING,
        position: position.into(),
        name: format!("segment {position}"),
        kind: "segment".to_owned(),
        state,
        height: 2,
        children: Vec::new(),
        worker: (state == JobStateName::Leased).then(|| "loom".to_owned()),
        stage: (state == JobStateName::Leased).then(|| "openings".to_owned()),
        memory_mib: 900,
        created_at: now(),
        started_at: None,
        done_at: (state == JobStateName::Done).then(now),
        wall_seconds: (state == JobStateName::Done).then_some(1.25),
        cpu_seconds: None,
        attempts: AttemptsView { claims: 1, ..AttemptsView::default() },
        reason: (state == JobStateName::Quarantined).then(|| "four proofs did not hold".to_owned()),
    };
    (0..).zip(states).map(job).collect()
}

pub(super) fn proof_tree(number: u32, state: &State) -> ProofTreeView {
    let jobs = if number == PROVING { state.jobs.clone() } else { Vec::new() };
    let done = jobs.iter().filter(|job| job.state == JobStateName::Done).count();
    let count = |number: usize| u32::try_from(number).expect("a few");
    ProofTreeView {
        batch: number,
        status: batch_view(number, state).status,
        progress: Progress { done: count(done), total: count(jobs.len()) },
        rest: None,
        jobs,
    }
}

pub(super) fn worker() -> WorkerView {
    WorkerView {
        id: 1,
        name: "loom".to_owned(),
        state: WorkerState::Working,
        job: Some("5/segment 1".to_owned()),
        stage: Some("openings".to_owned()),
        build: "0.1.0".to_owned(),
        cores: 2,
        memory_mib: 4096,
        registered_at: now(),
        seen_at: now(),
        done: 12,
        failed: 1,
        last_failure: Some("killed for want of memory".to_owned()),
    }
}

pub(super) fn queue() -> Vec<QueueEntryView> {
    let states = [QueueState::Verified, QueueState::Executed, QueueState::Waiting];
    let view = |(position, state): (u32, QueueState)| {
        let deposit = OpeningDeposit {
            owner: owner(position + 1),
            key: key(position + 1).public_key().digest(),
            asset: AssetId(1),
            amount: amount(1000),
        };
        let entry = QueueEntry { operation: QueueOperation::OpeningDeposit(deposit), sender: owner(8) };
        let waiting = state == QueueState::Waiting;
        QueueEntryView {
            state,
            batch: (!waiting).then_some(position + 1),
            read_at: Some(now()),
            age_seconds: waiting.then_some(0.5),
            ..QueueEntryView::waiting(position.into(), &entry, [1; 32])
        }
    };
    (0..).zip(states).map(view).collect()
}

/// Root of the subtree of `height` levels whose first leaf is `first`.
fn subtree(state: &State, height: usize, first: u64) -> Digest {
    let leaves = state.objects.range(first_of(first)..first_of(first + (1 << height)));
    match (leaves.count(), height) {
        (0, _) => empty_subtree(height),
        (_, 0) => state.objects[&first_of(first)].digest(),
        _ => {
            let half = 1 << (height - 1);
            let [left, right] = [first, first + half].map(|first| subtree(state, height - 1, first));
            poseidon::compress(&left, &right)
        }
    }
}

fn first_of(index: u64) -> u32 {
    u32::try_from(index).expect("indices have 28 bits")
}

pub(super) fn account_proof(state: &State, index: AccountIndex, batch: u32) -> AccountProofView {
    let sibling = |height: usize| {
        let first = ((u64::from(index.0) >> height) ^ 1) << height;
        subtree(state, height, first)
    };
    let siblings: Vec<_> = (0..TREE_DEPTH).map(sibling).collect();
    let path = MerklePath { siblings: siblings.try_into().expect("as many as levels") };
    let object: Option<Object> = state.objects.get(&index.0).copied();
    AccountProofView::new(index, batch, subtree(state, TREE_DEPTH, 0), &Opening { object, path })
}
