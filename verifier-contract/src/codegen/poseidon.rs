//! Constants of Poseidon in the form that the contracts use: lanes of 85 bits, see `templates/poseidon.yul`.

use alloy::primitives::U256;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon, SPONGE_WIDTH};

use super::CodegenError;
use super::template::Values;

/// Bits of a lane.
const LANE_BITS: usize = 85;

/// Lanes of a word.
const LANES: usize = 3;

/// Words of a state.
const STATE_WORDS: usize = 4;

/// Bits of a lane above 64.
const TOP_BITS: usize = LANE_BITS - 64;

/// Words of the table that `permute` reads.
pub(super) const TABLE_WORDS: usize = 2 * HALF_N_FULL_ROUNDS * STATE_WORDS + N_PARTIAL_ROUNDS;

type State = [F; SPONGE_WIDTH];

/// The word with `lanes`, the lowest first.
fn word(lanes: [u64; LANES]) -> U256 {
    lanes.iter().rev().fold(U256::ZERO, |word, &lane| (word << LANE_BITS) | U256::from(lane))
}

fn mask(bits: usize) -> U256 {
    (U256::from(1) << bits) - U256::from(1)
}

/// The four words of a state: element e in word e mod 4, lane e mod 3.
fn state_words(state: &State) -> [U256; STATE_WORDS] {
    core::array::from_fn(|index| {
        let mut lanes = [0; LANES];
        for element in (index..SPONGE_WIDTH).step_by(STATE_WORDS) {
            lanes[element % LANES] = state[element].to_canonical_u64();
        }
        word(lanes)
    })
}

/// `mix`'s factors: word m, lane u is the circulant's entry d with d ≡ m mod 4 and d ≡ −u mod 3.
fn circulant_words() -> [U256; STATE_WORDS] {
    core::array::from_fn(|index| {
        let mut lanes = [0; LANES];
        for entry in (index..SPONGE_WIDTH).step_by(STATE_WORDS) {
            lanes[(LANES - entry % LANES) % LANES] = <F as Poseidon>::MDS_MATRIX_CIRC[entry];
        }
        word(lanes)
    })
}

fn multiply(state: &State) -> State {
    core::array::from_fn(|row| {
        let circulant = (0..SPONGE_WIDTH)
            .map(|i| state[(row + i) % SPONGE_WIDTH] * F::from_canonical_u64(<F as Poseidon>::MDS_MATRIX_CIRC[i]))
            .sum::<F>();
        circulant + state[row] * F::from_canonical_u64(<F as Poseidon>::MDS_MATRIX_DIAG[row])
    })
}

fn round_constants(round: usize) -> State {
    core::array::from_fn(|i| F::from_canonical_u64(ALL_ROUND_CONSTANTS[round * SPONGE_WIDTH + i]))
}

/// The table of constants: four words per full round, then one per partial round.
///
/// In a partial round only element 0 meets the S-box, so the constants of the others pass through the matrix
/// into the next round, and after the last into the next full round.
pub(super) fn table() -> Vec<U256> {
    let mut full = Vec::with_capacity(TABLE_WORDS);
    for round in 0..HALF_N_FULL_ROUNDS {
        full.extend(state_words(&round_constants(round)));
    }
    let mut partial = Vec::with_capacity(N_PARTIAL_ROUNDS);
    let mut carried = [F::ZERO; SPONGE_WIDTH];
    for round in HALF_N_FULL_ROUNDS..HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS {
        let constants = round_constants(round);
        let mut sum: State = core::array::from_fn(|i| constants[i] + carried[i]);
        partial.push(U256::from(sum[0].to_canonical_u64()));
        sum[0] = F::ZERO;
        carried = multiply(&sum);
    }
    for round in 0..HALF_N_FULL_ROUNDS {
        let constants = round_constants(HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS + round);
        full.extend(state_words(&core::array::from_fn(|i| constants[i] + carried[i])));
        carried = [F::ZERO; SPONGE_WIDTH];
    }
    full.extend(partial);
    full
}

/// Gives the placeholders of `templates/poseidon.yul` their values.
///
/// # Errors
/// If the library's matrix is not circulant but for its first entry.
pub(super) fn set_values(values: &mut Values) -> Result<(), CodegenError> {
    let diagonal = <F as Poseidon>::MDS_MATRIX_DIAG;
    if diagonal[1..].iter().any(|&entry| entry != 0) {
        return Err(CodegenError::Poseidon);
    }
    for (index, factor) in circulant_words().iter().enumerate() {
        values.set(&format!("K{index}"), format!("{factor:#x}"));
    }
    values.set("DIAGONAL", diagonal[0]);
    values.set("LANE", format!("{:#x}", mask(LANE_BITS)));
    values.set("LANE_1", format!("{:#x}", mask(LANE_BITS) << LANE_BITS));
    values.set("LANE_2", format!("{:#x}", mask(LANE_BITS) << (2 * LANE_BITS)));
    values.set("OTHER_LANES", format!("{:#x}", mask(LANES * LANE_BITS) ^ mask(LANE_BITS)));
    let tops = mask(TOP_BITS);
    values.set("LANE_TOPS", format!("{:#x}", tops | (tops << LANE_BITS) | (tops << (2 * LANE_BITS))));
    Ok(())
}
