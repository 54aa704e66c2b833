//! Domain separation of hashes.

/// What a hash is for. It sits in the capacity of the sponge, so that equal inputs under two tags
/// are unrelated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tag(pub u64);

impl Tag {
    /// Leaf of the state tree.
    pub const LEAF: Self = Self(1);
    /// Inner node of a Merkle tree.
    pub const NODE: Self = Self(2);
    /// Message of a transaction; its digest is the id of the transaction.
    pub const MESSAGE: Self = Self(3);
    /// Chain of records.
    pub const CHAIN: Self = Self(4);
    /// Running state between proofs.
    pub const STATE: Self = Self(5);
    /// Public key.
    pub const KEY: Self = Self(6);
    /// Verifier key of a child proof.
    pub const CHILD_KEY: Self = Self(7);
    /// Set of allowed verifier keys.
    pub const KEY_SET: Self = Self(8);
    /// Challenge of a signature.
    pub const SIGNATURE: Self = Self(9);
    /// Domain of a deployment.
    pub const DOMAIN: Self = Self(10);
    /// Context of a batch.
    pub const CONTEXT: Self = Self(11);
    /// Statement of a proof.
    pub const STATEMENT: Self = Self(12);
    /// Derivation of curve points that nobody knows a relation of.
    pub const CURVE: Self = Self(14);
    /// Chain of accesses of leaves.
    pub const ACCESS: Self = Self(15);
    /// Running state with a chain of accesses for the root.
    pub const ACCESS_STATE: Self = Self(16);
}
