//! Columns of the table.
//!
//! ```text
//! 0         12                         248                                260
//! | inputs  | S-boxes: x³, x⁷ of each  | what the row is and what it shares |
//! ```
//! The outputs of the permutation are linear in the last twelve x⁷ and have no columns.

use std::ops::Range;

use plonky2::hash::poseidon::{HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, SPONGE_WIDTH};

/// Inputs of the permutation.
pub const INPUTS: Range<usize> = 0..SPONGE_WIDTH;
/// S-boxes of a permutation.
pub(super) const SBOX_COUNT: usize = 2 * HALF_N_FULL_ROUNDS * SPONGE_WIDTH + N_PARTIAL_ROUNDS;
/// `x³` and `x⁷` of each S-box in turn.
pub const SBOXES: Range<usize> = INPUTS.end..INPUTS.end + 2 * SBOX_COUNT;
/// First column after the permutation.
const CONTROL: usize = SBOXES.end;

/// 1 on the row of a node of the tree before.
pub(super) const BEFORE: usize = CONTROL;
/// 1 on the row of a node of the tree after.
pub(super) const AFTER: usize = CONTROL + 1;
/// 1 on the row of an access.
pub const ACCESS: usize = CONTROL + 2;
/// Position of a node's left child among the nodes of its height, twice the node's own; index of an access.
pub(super) const POSITION: usize = CONTROL + 3;
/// Height of a node, 0 for an access.
pub(super) const HEIGHT: usize = CONTROL + 4;
/// Number of the row.
pub const ROW: usize = CONTROL + 5;
/// Time of the left child, of the leaf that an access finds; time of the right child, of the leaf that an access leaves.
pub(super) const TIMES: [usize; 2] = [CONTROL + 6, CONTROL + 7];
/// How often the row's number occurs among the waiting times of accesses.
pub const FREQUENCY: usize = CONTROL + 8;
/// −1 where the node's own tuple is received, 1 where it is sent.
pub const OWN: usize = CONTROL + 9;
/// The same of the two tuples of the children, or of the leaf that an access finds and leaves.
pub const PARTS: [usize; 2] = [CONTROL + 10, CONTROL + 11];

/// Columns of the table.
pub const COLUMNS: usize = CONTROL + 12;

/// Columns with the inputs that the tuple `part` carries.
pub(super) const fn part_inputs(part: usize) -> Range<usize> {
    4 * part..4 * part + 4
}

/// Column with output `lane` of the last S-boxes.
pub(super) const fn last_sbox(lane: usize) -> usize {
    SBOXES.end - 2 * SPONGE_WIDTH + 2 * lane + 1
}
