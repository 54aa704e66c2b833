//! Binding of the published data: their value at a point that depends on them (PROTOCOL.md §9, §10).

use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Keccak256};

use crate::crypto::{Digest, Goldilocks};
use crate::{Context, Record};

/// An element of GF(p²) = GF(p)[X]/(X² − 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct DataPoint(pub [Goldilocks; 2]);

/// First word of the preimage of [`DataPoint::of_batch`].
const DATA_TAG: &[u8; 32] = b"weft data v1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

impl DataPoint {
    /// X² of the extension.
    const NON_RESIDUE: u64 = 7;

    /// The point z of a batch: two 128-bit halves of `keccak(tag ‖ context ‖ keccak(data) ‖ C)`, each reduced mod p.
    #[must_use]
    pub fn of_batch(context: &Context, records: &[Record], chain: &Digest) -> Self {
        let mut data = Keccak256::new();
        for record in records {
            data.update(record.to_bytes());
        }
        let hash: [u8; 32] = Keccak256::new()
            .chain_update(DATA_TAG)
            .chain_update(context.0.to_bytes())
            .chain_update(data.finalize())
            .chain_update(chain.to_bytes())
            .finalize()
            .into();
        let word = |bytes: &[u8]| bytes.iter().fold(0u128, |acc, byte| acc << 8 | u128::from(*byte));
        Self([word(&hash[..16]), word(&hash[16..])].map(|word| {
            Goldilocks::from_u64(u64::try_from(word % u128::from(Goldilocks::ORDER)).expect("reduced below p"))
        }))
    }

    fn mul(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a * c + Goldilocks::from_u64(Self::NON_RESIDUE) * b * d, a * d + b * c])
    }
}

/// V = Σ `limb_k` · z^k over the limbs of the records in order.
#[must_use]
pub fn evaluate_data(records: &[Record], z: DataPoint) -> DataPoint {
    let limbs = records.iter().flat_map(Record::limbs);
    limbs.rev().fold(DataPoint([Goldilocks::ZERO; 2]), |acc, limb| {
        let DataPoint([low, high]) = acc.mul(z);
        DataPoint([low + Goldilocks::from_u64(limb), high])
    })
}
