//! Wires of the statements that travel between the layers (PROTOCOL.md §9).

use weft_crypto::Digest;
use weft_protocol::{Context, DataPoint, SegmentStatement};

use crate::builder::{Builder, Target};
use crate::config::F;
use crate::wired::{Targets, Wired, to_field};
use crate::wires;

/// What a lift or an aggregate claims: the statement of its segments, under this key set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MergedStatement {
    /// Context and running states.
    pub statement: SegmentStatement,
    /// Digest of the set of keys that the proofs below were verified under.
    pub key_set: Digest,
}

wires! {
    /// Wires of a [`MergedStatement`].
    pub struct MergedStatementWires for MergedStatement { statement: SegmentStatement, key_set: Digest }
}

wires! {
    /// Wires of a [`SegmentStatement`].
    pub struct SegmentStatementWires for SegmentStatement { context: Context, before: Digest, after: Digest }
}

impl Wired for Context {
    type Wires = [Target; 4];

    fn alloc(b: &mut Builder) -> Self::Wires {
        Digest::alloc(b)
    }

    fn elements(&self, out: &mut Vec<F>) {
        self.0.elements(out);
    }

    fn targets(wires: &Self::Wires, out: &mut Vec<Target>) {
        Digest::targets(wires, out);
    }

    fn rebuild(source: &mut Targets<'_>) -> Self::Wires {
        Digest::rebuild(source)
    }
}

impl Wired for DataPoint {
    type Wires = [Target; 2];

    fn alloc(b: &mut Builder) -> Self::Wires {
        <[F; 2]>::alloc(b)
    }

    fn elements(&self, out: &mut Vec<F>) {
        out.extend(self.0.map(to_field));
    }

    fn targets(wires: &Self::Wires, out: &mut Vec<Target>) {
        <[F; 2]>::targets(wires, out);
    }

    fn rebuild(source: &mut Targets<'_>) -> Self::Wires {
        <[F; 2]>::rebuild(source)
    }
}
