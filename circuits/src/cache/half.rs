//! What a prover needs of a circuit beside what its verifier knows.

use std::io::{self, Read, Write};

use plonky2::field::types::{Field, PrimeField64};
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::hash::merkle_tree::MerkleTree;
use plonky2::plonk::circuit_data::{CommonCircuitData, ProverOnlyCircuitData};
use plonky2::plonk::config::{GenericConfig, GenericHashOut, Hasher};

use crate::config::{D, F};

/// Elements that are converted at a time.
const CHUNK: usize = 8192;

/// See the [module](self).
#[derive(Debug, PartialEq)]
pub struct ProverHalf<K: GenericConfig<D, F = F>> {
    /// Generators, copies and public inputs: what completes a witness. Its polynomials and their tree are empty but for
    /// the cap, they are in `fixed`; its permutation and roots of unity are empty, they follow from `fixed`.
    pub wiring: ProverOnlyCircuitData<F, K, D>,
    /// Constants, and then the permutation.
    pub fixed: FixedTables<K::Hasher>,
}

/// Polynomials that are part of a circuit, and the tree over their values.
#[derive(Debug, PartialEq)]
pub struct FixedTables<H: Hasher<F>> {
    /// Coefficients of each polynomial.
    pub polynomials: Vec<Vec<F>>,
    /// Values of each polynomial on the coset, in the order of the leaves.
    pub columns: Vec<Vec<F>>,
    /// Digests of the leaves, then of their parents, up to the cap.
    pub levels: Vec<Vec<H::Hash>>,
}

impl<K: GenericConfig<D, F = F>> From<ProverOnlyCircuitData<F, K, D>> for ProverHalf<K> {
    fn from(mut wiring: ProverOnlyCircuitData<F, K, D>) -> Self {
        wiring.sigmas = Vec::new();
        wiring.fft_root_table = None;
        let fixed = FixedTables::take(&mut wiring.constants_sigmas_commitment);
        Self { wiring, fixed }
    }
}

impl<H: Hasher<F>> FixedTables<H> {
    /// Takes the tables out of the library's commitment, which keeps rows.
    fn take<K: GenericConfig<D, F = F, Hasher = H>>(batch: &mut PolynomialBatch<F, K, D>) -> Self {
        let polynomials = std::mem::take(&mut batch.polynomials).into_iter().map(|one| one.coeffs).collect();
        let cap = batch.merkle_tree.cap.clone();
        let tree = std::mem::replace(&mut batch.merkle_tree, MerkleTree { cap, ..MerkleTree::default() });
        let height = (tree.leaves.len() / tree.cap.0.len()).ilog2() as usize;
        let mut levels: Vec<_> = (0..height).map(|level| library_level(&tree, height, level)).collect();
        let columns = 0..tree.leaves[0].len();
        let columns = columns.map(|column| tree.leaves.iter().map(|row| row[column]).collect()).collect();
        levels.push(tree.cap.0);
        Self { polynomials, columns, levels }
    }

    /// Writes them, without any length: those follow from the circuit's shape.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for column in self.polynomials.iter().chain(&self.columns) {
            for chunk in column.chunks(CHUNK) {
                let bytes: Vec<u8> =
                    chunk.iter().flat_map(|element| element.to_noncanonical_u64().to_le_bytes()).collect();
                out.write_all(&bytes)?;
            }
        }
        for level in &self.levels {
            for chunk in level.chunks(CHUNK) {
                let bytes: Vec<u8> = chunk.iter().flat_map(GenericHashOut::<F>::to_bytes).collect();
                out.write_all(&bytes)?;
            }
        }
        Ok(())
    }

    /// Reads what [`Self::write`] wrote for a circuit of this shape.
    pub(super) fn read(common: &CommonCircuitData<F, D>, input: &mut impl Read) -> io::Result<Self> {
        let (degree, config) = (common.degree(), &common.config.fri_config);
        let points = degree << config.rate_bits;
        let count = common.sigmas_range().end;
        let polynomials = (0..count).map(|_| read_elements(input, degree)).collect::<Result<_, _>>()?;
        let columns = (0..count).map(|_| read_elements(input, points)).collect::<Result<_, _>>()?;
        let sizes = (config.cap_height..=points.ilog2() as usize).rev().map(|bits| 1 << bits);
        let levels = sizes.map(|size| read_hashes::<H>(input, size)).collect::<Result<_, _>>()?;
        Ok(Self { polynomials, columns, levels })
    }

    /// Bytes that [`Self::write`] writes for a circuit of this shape.
    pub(super) fn bytes(common: &CommonCircuitData<F, D>) -> u64 {
        let (degree, config) = (common.degree(), &common.config.fri_config);
        let points = degree << config.rate_bits;
        let hashes = 2 * points - (1 << config.cap_height);
        (common.sigmas_range().end * (degree + points) * size_of::<u64>() + hashes * H::HASH_SIZE) as u64
    }
}

fn read_elements(input: &mut impl Read, count: usize) -> io::Result<Vec<F>> {
    let mut elements = Vec::with_capacity(count);
    let mut buffer = [0; CHUNK * size_of::<u64>()];
    while elements.len() < count {
        let chunk = &mut buffer[..CHUNK.min(count - elements.len()) * size_of::<u64>()];
        input.read_exact(chunk)?;
        let (words, _) = chunk.as_chunks();
        elements.extend(words.iter().map(|&word| F::from_noncanonical_u64(u64::from_le_bytes(word))));
    }
    Ok(elements)
}

fn read_hashes<H: Hasher<F>>(input: &mut impl Read, count: usize) -> io::Result<Vec<H::Hash>> {
    let mut bytes = vec![0; count * H::HASH_SIZE];
    input.read_exact(&mut bytes)?;
    Ok(bytes.chunks_exact(H::HASH_SIZE).map(H::Hash::from_bytes).collect())
}

/// Digests of one level below the cap. The library keeps each pair of siblings between the pairs of the levels below.
fn library_level<H: Hasher<F>>(tree: &MerkleTree<F, H>, height: usize, level: usize) -> Vec<H::Hash> {
    let nodes = 1 << (height - level);
    let subtrees = tree.digests.chunks_exact(tree.digests.len() / tree.cap.0.len());
    subtrees
        .flat_map(|digests| (0..nodes).map(|node| digests[2 * pair_position(node >> 1, level) + (node & 1)]))
        .collect()
}

/// Where in a subtree the library keeps a pair of siblings of a level, counted in pairs.
const fn pair_position(pair: usize, level: usize) -> usize {
    (pair << (level + 1)) + (1 << level) - 1
}
