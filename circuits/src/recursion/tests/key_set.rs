//! Membership in a key set (AG-1, JN-1, SA-1), natively and as constraints.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use weft_crypto::{Digest, Goldilocks};

use super::merge::digest;
use crate::builder::Builder;
use crate::conformance;
use crate::ledger::ClauseId;
use crate::recursion::key::KeySet;
use crate::statement::Statement;
use crate::testing::conform::Conformance;
use crate::wired::Wires;

/// A key is one of a set.
enum Member {}

#[derive(Debug)]
struct NotAMember;

impl Statement for Member {
    const SPEC: &'static str = "AG";
    const CLAUSES: &'static [ClauseId] = &["AG-1"];
    type Input = (KeySet, Digest);
    type Output = ();
    type Reject = NotAMember;

    fn evaluate((set, key): &(KeySet, Digest)) -> Result<(), NotAMember> {
        if set.contains(key) { Ok(()) } else { Err(NotAMember) }
    }

    fn constrain(b: &mut Builder, (set, key): &Wires<(KeySet, Digest)>) {
        b.clause("AG-1", |b| set.assert_contains(b, *key));
    }
}

fn set() -> KeySet {
    KeySet { lift_small: digest(1), lift_large: digest(2), join: digest(3), aggregate: digest(4) }
}

/// A digest whose elements come from the members, each from its own.
fn mixed(members: [usize; 4]) -> Digest {
    let keys = set().keys();
    Digest(std::array::from_fn(|i| keys[members[i]].0[i]))
}

impl Conformance for Member {
    fn inputs() -> BoxedStrategy<(KeySet, Digest)> {
        proptest::array::uniform4(0..4_usize).prop_map(|members| (set(), mixed(members))).boxed()
    }

    fn clause(_: &NotAMember) -> ClauseId {
        "AG-1"
    }

    fn examples() -> Vec<(KeySet, Digest)> {
        let near = |member: usize, element: usize| {
            let mut key = set().keys()[member];
            key.0[element] += Goldilocks::from_u64(1);
            (set(), key)
        };
        let members = set().keys().map(|key| (set(), key));
        // The digest 0 is a member only of a set that has it.
        let zero = KeySet { aggregate: Digest::ZERO, ..set() };
        let strangers = [(set(), Digest::ZERO), (set(), digest(5)), (zero, Digest::ZERO)];
        let near = (0..4).flat_map(|member| (0..4).map(move |element| near(member, element)));
        members.into_iter().chain(strangers).chain(near).collect()
    }
}

conformance!(Member);
