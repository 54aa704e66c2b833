//! JN-3, and the states that JN-4 claims, natively and as constraints. The native half hashes the elements of a state by
//! their definition (PROTOCOL.md §7, §13).

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use weft_crypto::{Digest, Goldilocks, Tag, poseidon};
use weft_protocol::RunningState;

use super::merge::digest;
use crate::builder::Builder;
use crate::ledger::ClauseId;
use crate::recursion::join::{assert_ends, joined_states};
use crate::segment::input::StateWires;
use crate::statement::Statement;
use crate::testing::conform::Conformance;
use crate::wired::Wires;
use crate::{conformance, wires};

/// A running state with an access chain for its root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct End {
    accesses: Digest,
    records: Digest,
    fees: [Goldilocks; 4],
}
wires! { struct EndWires for End { accesses: Digest, records: Digest, fees: [Goldilocks; 4] } }

/// Two ends, the chains and roots of a table, and what a child claims.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ends {
    ends: [End; 2],
    chains: [Digest; 2],
    roots: [Digest; 2],
    claimed: [Digest; 2],
}
wires! { struct EndsWires for Ends { ends: [End; 2], chains: [Digest; 2], roots: [Digest; 2], claimed: [Digest; 2] } }

/// The claims of the table JN about states.
enum Join {}

/// An end has another chain than the table, or another digest than the child claims.
#[derive(Debug)]
struct OtherEnd;

impl End {
    fn digest(&self, tag: Tag, root: Digest) -> Digest {
        let mut elements = [&root.0[..], &self.records.0, &self.fees].concat();
        elements.resize(RunningState::ELEMENTS, Goldilocks::ZERO);
        poseidon::hash(tag, &elements)
    }
}

impl Statement for Join {
    const SPEC: &'static str = "JN";
    const CLAUSES: &'static [ClauseId] = &["JN-3"];
    type Input = Ends;
    type Output = [Digest; 2];
    type Reject = OtherEnd;

    fn evaluate(input: &Ends) -> Result<[Digest; 2], OtherEnd> {
        for (i, end) in input.ends.iter().enumerate() {
            let claimed = end.digest(Tag::ACCESS_STATE, end.accesses);
            if end.accesses != input.chains[i] || claimed != input.claimed[i] {
                return Err(OtherEnd);
            }
        }
        Ok([0, 1].map(|i| input.ends[i].digest(Tag::STATE, input.roots[i])))
    }

    fn constrain(b: &mut Builder, input: &Wires<Ends>) -> Wires<[Digest; 2]> {
        let ends =
            input.ends.each_ref().map(|end| StateWires { root: end.accesses, chain: end.records, fee_sums: end.fees });
        assert_ends(b, &ends, input.chains, input.claimed);
        joined_states(b, &ends, input.roots)
    }
}

fn good(seed: u64) -> Ends {
    let fees = |seed| [0, 1, 2, 3].map(|i| Goldilocks::from_u64(seed + i));
    let ends = [0, 1].map(|i| End { accesses: digest(seed + i), records: digest(seed + 2 + i), fees: fees(seed + i) });
    let claimed = ends.map(|end| end.digest(Tag::ACCESS_STATE, end.accesses));
    Ends { ends, chains: ends.map(|end| end.accesses), roots: [digest(seed + 4), digest(seed + 5)], claimed }
}

/// One element of an input changed: 0 to 7 are those of the chains, 8 to 15 of the claims, 16 to 31 of records and fees,
/// 32 to 39 of the roots, which are free.
fn changed(seed: u64, element: usize) -> Ends {
    let mut input = good(seed);
    let (part, i) = (element / 4, element % 4);
    let changed = match part {
        0 | 1 => &mut input.chains[part].0[i],
        2 | 3 => &mut input.claimed[part - 2].0[i],
        4 | 5 => &mut input.ends[part - 4].records.0[i],
        6 | 7 => &mut input.ends[part - 6].fees[i],
        _ => &mut input.roots[part % 2].0[i],
    };
    *changed += Goldilocks::from_u64(1);
    input
}

impl Conformance for Join {
    fn inputs() -> BoxedStrategy<Ends> {
        (0..1_000_u64, 0..40_usize).prop_map(|(seed, element)| changed(seed, element)).boxed()
    }

    fn clause(_: &OtherEnd) -> ClauseId {
        "JN-3"
    }

    fn examples() -> Vec<Ends> {
        let mut swapped = good(7);
        swapped.claimed.reverse();
        // A state that claims to be the root's: S for S~.
        let mut plain = good(7);
        plain.claimed = plain.ends.map(|end| end.digest(Tag::STATE, end.accesses));
        // A chain that both ends agree on, but not the table.
        let mut other = good(7);
        other.ends[1].accesses = digest(99);
        other.claimed[1] = other.ends[1].digest(Tag::ACCESS_STATE, digest(99));
        [good(7), swapped, plain, other].into_iter().chain((0..40).map(|element| changed(7, element))).collect()
    }
}

conformance!(Join);
