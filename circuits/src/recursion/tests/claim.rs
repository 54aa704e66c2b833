//! SA-2 to SA-7, natively and as constraints, with few record positions.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use weft_crypto::{Digest, Goldilocks};
use weft_protocol::{
    AccountIndex, Amount, AssetId, Context, DataPoint, FeeAsset, FeeSums, Kind, Record, RecordFields, RunningState,
    SealStatement, SegmentStatement, chain_records, evaluate_data,
};

use super::merge::digest;
use crate::builder::{Builder, Target};
use crate::ledger::ClauseId;
use crate::recursion::{RecordSlot, SealClaim, SealError};
use crate::statement::Statement;
use crate::testing::conform::Conformance;
use crate::wired::Wires;
use crate::{conformance, wires};

const POSITIONS: usize = 4;

/// A claim with its record positions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Case {
    claim: SealClaim,
    slots: [RecordSlot; POSITIONS],
}
wires! { struct CaseWires for Case { claim: SealClaim, slots: [RecordSlot; POSITIONS] } }

/// The claims of the table SA that do not concern the child's proof.
enum Claim {}

impl Statement for Claim {
    const SPEC: &'static str = "SA";
    const CLAUSES: &'static [ClauseId] = &["SA-2", "SA-3", "SA-4", "SA-5", "SA-6", "SA-7"];
    type Input = Case;
    type Output = Digest;
    type Reject = SealError;

    fn evaluate(input: &Case) -> Result<Digest, SealError> {
        input.claim.check(&input.slots)?;
        Ok(input.claim.digest)
    }

    fn constrain(b: &mut Builder, input: &Wires<Case>) -> [Target; 4] {
        input.claim.constrain(b, &input.slots)
    }
}

/// Different records for different seeds.
pub(super) fn record(seed: u32) -> Record {
    let amount = Amount::new(1_000_000_007 * u64::from(seed) + 1).expect("62 bits");
    RecordFields::new(Kind::Transfer, AccountIndex(seed), AssetId(1), amount).record()
}

/// A batch of these records, from `digest(20)` to `digest(21)`; z is arbitrary here.
fn batch(records: &[Record]) -> Case {
    let z = DataPoint([Goldilocks::from_u64(0x1234_5678_9abc), Goldilocks::from_u64(0xdef0_1234_5678)]);
    let chain = chain_records(Digest::ZERO, records);
    let (root_before, root_after) = (digest(20), digest(21));
    let child = SegmentStatement {
        context: Context(digest(1)),
        before: RunningState::start_of_batch(root_before).digest(),
        after: RunningState { chain, ..RunningState::start_of_batch(root_after) }.digest(),
    };
    let statement = SealStatement {
        context: child.context,
        root_before,
        root_after,
        chain,
        record_count: u32::try_from(records.len()).expect("few records"),
        z,
        value: evaluate_data(records, z),
    };
    let slot = |i| records.get(i).map_or(RecordSlot::UNUSED, RecordSlot::used);
    Case { claim: SealClaim::new(child, &statement), slots: std::array::from_fn(slot) }
}

fn records(count: u32) -> Vec<Record> {
    (1..=count).map(record).collect()
}

/// A batch of two records, changed; the digest follows the change.
fn changed(change: impl Fn(&mut Case)) -> Case {
    let mut case = batch(&records(2));
    change(&mut case);
    case.claim.digest = case.claim.statement().digest();
    case
}

/// A batch whose child ends or starts in another state than a batch does.
fn with_states(before: impl Fn(&mut RunningState), after: impl Fn(&mut RunningState)) -> Case {
    changed(|case| {
        let mut start = RunningState::start_of_batch(case.claim.root_before);
        let mut end = RunningState { chain: case.claim.chain, ..RunningState::start_of_batch(case.claim.root_after) };
        before(&mut start);
        after(&mut end);
        case.claim.child.before = start.digest();
        case.claim.child.after = end.digest();
    })
}

fn some_fees() -> FeeSums {
    FeeSums::default().with(FeeAsset::new(3).expect("the last one"), Amount::new(1).expect("62 bits"))
}

/// S with something in the group part, which the native type cannot express.
fn with_group(case: &SealClaim, element: usize) -> Digest {
    let mut elements = RunningState { chain: case.chain, ..RunningState::start_of_batch(case.root_after) }.elements();
    elements[element] = Goldilocks::from_u64(1);
    weft_crypto::poseidon::hash(weft_crypto::Tag::STATE, &elements)
}

impl Conformance for Claim {
    fn inputs() -> BoxedStrategy<Case> {
        let honest = (0..=4_u32).prop_map(|count| batch(&records(count)));
        (honest, 0..24usize, any::<bool>())
            .prop_map(|(mut case, element, lie)| {
                if lie {
                    let slot = &mut case.slots[element % POSITIONS];
                    match element / POSITIONS {
                        0 => slot.used = !slot.used,
                        limb @ 1..=3 => slot.limbs[limb - 1] += Goldilocks::from_u64(1),
                        _ => case.claim.record_count += 1,
                    }
                }
                case
            })
            .boxed()
    }

    fn clause(reject: &SealError) -> ClauseId {
        match reject {
            SealError::Start => "SA-2",
            SealError::End => "SA-3",
            SealError::Positions { .. } | SealError::Count { .. } | SealError::TooManyRecords { .. } => "SA-4",
            SealError::Chain => "SA-5",
            SealError::Value => "SA-6",
            SealError::Digest => "SA-7",
        }
    }

    fn examples() -> Vec<Case> {
        let one = Goldilocks::from_u64(1);
        let mut cases = vec![
            batch(&records(2)),
            batch(&[]),
            batch(&records(4)),
            // Not the start of a batch.
            with_states(|start| start.chain = digest(3), |_| ()),
            with_states(|start| start.fee_sums = some_fees(), |_| ()),
            with_states(|start| start.root = digest(3), |_| ()),
            // Not the end: fees that nobody collected, another root, another chain.
            with_states(|_| (), |end| end.fee_sums = some_fees()),
            with_states(|_| (), |end| end.root = digest(3)),
            with_states(|_| (), |end| end.chain = digest(3)),
            // Positions: a hole, the first unused, limbs without a record.
            changed(|case| case.slots[0].used = false),
            changed(|case| case.slots[3] = RecordSlot { used: true, ..RecordSlot::UNUSED }),
            changed(|case| case.slots[2].limbs[1] = Goldilocks::from_u64(5)),
            // A record of zeros at the end changes no value, but the count and the chain.
            changed(|case| case.slots[2].used = true),
            changed(|case| case.claim.record_count += 1),
            changed(|case| case.claim.record_count = 0),
            changed(|case| case.slots[1].limbs[2] += one),
            changed(|case| case.slots.swap(0, 1)),
            changed(|case| case.claim.value.0[0] += one),
            changed(|case| case.claim.value.0[1] += one),
            changed(|case| case.claim.z.0[0] += one),
        ];
        let mut wrong_chain = with_states(|_| (), |end| end.chain = digest(3));
        wrong_chain.claim.chain = digest(3);
        wrong_chain.claim.digest = wrong_chain.claim.statement().digest();
        cases.push(wrong_chain);
        // An open group: group digest, group chain, slots left.
        cases.extend(
            [12, 16, 20].map(|element| changed(|case| case.claim.child.after = with_group(&case.claim, element))),
        );
        // Each element of a comparison alone, each limb without a record, each record after a hole.
        for element in 0..4 {
            let mut chain = with_states(|_| (), |end| end.chain.0[element] += one);
            chain.claim.chain.0[element] += one;
            chain.claim.digest = chain.claim.statement().digest();
            cases.push(chain);
            cases.push(changed(|case| case.claim.child.before.0[element] += one));
            cases.push(changed(|case| case.claim.child.after.0[element] += one));
            let mut digest = batch(&records(2));
            digest.claim.digest.0[element] += one;
            cases.push(digest);
        }
        for position in 0..POSITIONS {
            cases.extend([0, 1, 2].map(|limb| {
                let mut case = batch(&[]);
                case.slots[position].limbs[limb] = one;
                case
            }));
        }
        cases.extend((1..POSITIONS).map(|position| {
            let mut case = batch(&[]);
            case.slots[position].used = true;
            case.claim.record_count = 1;
            case
        }));
        // Another digest: of another context, or of nothing.
        let mut other_context = batch(&records(2));
        let statement = SealStatement { context: Context(digest(2)), ..other_context.claim.statement() };
        other_context.claim.digest = statement.digest();
        cases.push(other_context);
        cases
    }
}

conformance!(Claim);
