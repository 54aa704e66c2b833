//! The wrap's hashes.

use plonky2::field::types::PrimeField64;
use plonky2::plonk::config::Hasher;
use weft_circuits::config::F;
use weft_circuits::wrap_config::{Digest, WrapHasher};

use super::hasher::PackedHasher;

impl PackedHasher for WrapHasher {
    fn hash_rows(columns: &[Vec<F>], first: usize, digests: &mut [Digest]) {
        let mut bytes = Vec::new();
        for (row, digest) in (first..).zip(digests) {
            bytes.clear();
            bytes.extend(columns.iter().flat_map(|column| column[row].to_canonical_u64().to_be_bytes()));
            *digest = Digest::of(&bytes);
        }
    }

    fn hash_pairs(children: &[Digest], parents: &mut [Digest]) {
        for (&[left, right], parent) in children.as_chunks::<2>().0.iter().zip(parents) {
            *parent = <Self as Hasher<F>>::two_to_one(left, right);
        }
    }
}
