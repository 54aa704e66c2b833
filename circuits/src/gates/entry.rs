//! A change of one entry of an object: finds the entry and gives the balances after, in one row.
//!
//! ```text
//! routed   0..12 ids   12..24 amounts   24..28 words of ids   28 asset   29 any position   30 delta
//!          31 present   32 available   33 overflow   34 low   35..39 words after   39..51 amounts after
//! others   51..63 position, one-hot   then products and inverses
//! ```
//!
//! The entry is the one that holds the asset (`present`), or else the lowest free one among the first 8, or 12 if
//! `any position` is 1. Its amount becomes `low = amount + delta − 2^62·overflow`; the circuit range-checks `low`. An entry
//! that falls to 0 becomes free. Without a place (`available` = 0) nothing changes.
//!
//! # Soundness
//! The object is canonical: an asset stands in at most one entry, and asset 0 exactly where the amount is 0. Then every
//! output is a function of the inputs: `present` and `free` are 0 or 1 by products that vanish exactly if one factor does;
//! a one-hot position whose id is the asset names the only such entry; one whose id is 0 and whose product of the ids
//! before is not 0 names the lowest free one. `overflow` is fixed by the range check of `low`. The inverses are pinned to 0
//! where they have no work. For asset 0 the position may be any free entry: a change of 0 leaves it as it is, and nothing else in asset 0 is
//! ever written.

use std::ops::Range;

use plonky2::field::types::{Field, PrimeField64};
use weft_protocol::{Amount, ENTRY_COUNT, OTHERS_ENTRY_COUNT};

use super::F;
use super::algebra::Algebra;
use super::shape::{CustomGate, GateShape};

/// Ids in a word.
const IDS_PER_WORD: usize = 3;
/// Words of ids.
const WORDS: usize = ENTRY_COUNT / IDS_PER_WORD;
/// Factors that one product takes, so that no constraint has a degree above 7.
const HALF: usize = ENTRY_COUNT / 2;

const IDS: usize = 0;
const AMOUNTS: usize = IDS + ENTRY_COUNT;
const WORDS_IN: usize = AMOUNTS + ENTRY_COUNT;
const ASSET: usize = WORDS_IN + WORDS;
const ANY_POSITION: usize = ASSET + 1;
const DELTA: usize = ANY_POSITION + 1;
const PRESENT: usize = DELTA + 1;
const AVAILABLE: usize = PRESENT + 1;
const OVERFLOW: usize = AVAILABLE + 1;
const LOW: usize = OVERFLOW + 1;
const WORDS_OUT: usize = LOW + 1;
const AMOUNTS_OUT: usize = WORDS_OUT + WORDS;
const POSITION: usize = AMOUNTS_OUT + ENTRY_COUNT;
const OTHERS_HALF: usize = POSITION + ENTRY_COUNT;
const OTHERS: usize = OTHERS_HALF + 1;
const OTHERS_INVERSE: usize = OTHERS + 1;
const BEFORE_HALF: usize = OTHERS_INVERSE + 1;
const BEFORE_EIGHT: usize = BEFORE_HALF + 1;
const REACHABLE: usize = BEFORE_EIGHT + 1;
const FREE: usize = REACHABLE + 1;
const REACHABLE_INVERSE: usize = FREE + 1;
const LOWEST: usize = REACHABLE_INVERSE + 1;
const LOWEST_INVERSE: usize = LOWEST + 1;
const EMPTY: usize = LOWEST_INVERSE + 1;
const LOW_INVERSE: usize = EMPTY + 1;
const NUM_WIRES: usize = LOW_INVERSE + 1;

/// Shape of a row that changes an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryChange;

/// Gate of changes of entries.
pub type EntryGate = CustomGate<EntryChange>;

impl EntryChange {
    /// Columns of the ids.
    pub const IDS: Range<usize> = IDS..AMOUNTS;
    /// Columns of the amounts before.
    pub const AMOUNTS: Range<usize> = AMOUNTS..WORDS_IN;
    /// Columns of the packed ids before.
    pub const WORDS: Range<usize> = WORDS_IN..ASSET;
    /// Column of the asset.
    pub const ASSET: usize = ASSET;
    /// Column of the flag that a credit may take any position.
    pub const ANY_POSITION: usize = ANY_POSITION;
    /// Column of the change of the amount, an element.
    pub const DELTA: usize = DELTA;
    /// Column of the flag that the asset has an entry.
    pub const PRESENT: usize = PRESENT;
    /// Column of the flag that there is an entry for the asset, or a free one.
    pub const AVAILABLE: usize = AVAILABLE;
    /// Column of the carry of the amount after.
    pub const OVERFLOW: usize = OVERFLOW;
    /// Column of the amount after without the carry: the circuit checks its range.
    pub const LOW: usize = LOW;
    /// Columns of the packed ids after.
    pub const WORDS_AFTER: Range<usize> = WORDS_OUT..AMOUNTS_OUT;
    /// Columns of the amounts after.
    pub const AMOUNTS_AFTER: Range<usize> = AMOUNTS_OUT..POSITION;
}

/// The product of values; 1 for none.
fn product<A: Algebra>(algebra: &mut A, values: &[A::Value]) -> A::Value {
    let one = algebra.constant(F::ONE);
    values.iter().copied().reduce(|product, value| algebra.mul(product, value)).unwrap_or(one)
}

/// `Σ aᵢ·bᵢ`.
fn dot<A: Algebra>(algebra: &mut A, left: &[A::Value], right: &[A::Value]) -> A::Value {
    let zero = algebra.constant(F::ZERO);
    left.iter().zip(right).fold(zero, |sum, (&a, &b)| algebra.mul_add(a, b, sum))
}

/// `flag` is 1 if `value` is 0, else 0; the inverse is that of the value, or 0.
fn test_for_zero<A: Algebra>(algebra: &mut A, [value, flag, inverse]: [A::Value; 3], constraints: &mut Vec<A::Value>) {
    let inverted = algebra.mul_add(value, inverse, flag);
    constraints.push(algebra.affine(F::NEG_ONE, &[F::ONE], &[inverted]));
    constraints.push(algebra.mul(value, flag));
    constraints.push(algebra.mul(inverse, flag));
}

impl EntryChange {
    /// Whether the asset has an entry, and whether a credit finds a free one.
    fn constrain_search<A: Algebra>(algebra: &mut A, wires: &[A::Value], constraints: &mut Vec<A::Value>) {
        let ids = &wires[Self::IDS];
        let differences: Vec<_> = ids.iter().map(|&id| algebra.sub(id, wires[ASSET])).collect();
        let half = product(algebra, &differences[..HALF]);
        constraints.push(algebra.sub(wires[OTHERS_HALF], half));
        let rest = product(algebra, &differences[HALF..]);
        let others = algebra.mul(wires[OTHERS_HALF], rest);
        constraints.push(algebra.sub(wires[OTHERS], others));
        test_for_zero(algebra, [OTHERS, PRESENT, OTHERS_INVERSE].map(|column| wires[column]), constraints);

        let half = product(algebra, &ids[..HALF]);
        constraints.push(algebra.sub(wires[BEFORE_HALF], half));
        let to_eight = product(algebra, &ids[HALF..OTHERS_ENTRY_COUNT]);
        let eight = algebra.mul(wires[BEFORE_HALF], to_eight);
        constraints.push(algebra.sub(wires[BEFORE_EIGHT], eight));
        let last = product(algebra, &ids[OTHERS_ENTRY_COUNT..]);
        let more = algebra.affine(F::NEG_ONE, &[F::ONE], &[last]);
        let more = algebra.mul(wires[BEFORE_EIGHT], more);
        let reachable = algebra.mul_add(wires[ANY_POSITION], more, wires[BEFORE_EIGHT]);
        constraints.push(algebra.sub(wires[REACHABLE], reachable));
        test_for_zero(algebra, [REACHABLE, FREE, REACHABLE_INVERSE].map(|column| wires[column]), constraints);
    }

    /// The position: one-hot if there is a place, of the asset or the lowest free one.
    fn constrain_position<A: Algebra>(algebra: &mut A, wires: &[A::Value], constraints: &mut Vec<A::Value>) {
        let (ids, position) = (&wires[Self::IDS], &wires[POSITION..OTHERS_HALF]);
        let [present, free, available] = [PRESENT, FREE, AVAILABLE].map(|column| wires[column]);
        constraints.extend(position.iter().map(|&bit| algebra.quadratic(bit, F::NEG_ONE)));
        let both = algebra.mul(present, free);
        constraints.push(algebra.affine(
            F::ZERO,
            &[F::ONE, F::ONE, F::NEG_ONE, F::NEG_ONE],
            &[present, free, both, available],
        ));
        let coefficients = [[F::ONE; ENTRY_COUNT].as_slice(), &[F::NEG_ONE]].concat();
        constraints.push(algebra.affine(F::ZERO, &coefficients, &[position, &[available]].concat()));
        let id = dot(algebra, position, ids);
        let expected = algebra.mul(present, wires[ASSET]);
        constraints.push(algebra.sub(id, expected));

        let mut before = vec![algebra.constant(F::ONE)];
        for i in 1..ENTRY_COUNT {
            before.push(match i {
                HALF => wires[BEFORE_HALF],
                OTHERS_ENTRY_COUNT => wires[BEFORE_EIGHT],
                _ => algebra.mul(before[i - 1], ids[i - 1]),
            });
        }
        let lowest = dot(algebra, position, &before);
        constraints.push(algebra.sub(wires[LOWEST], lowest));
        let takes_free = algebra.sub(free, both);
        let inverted = algebra.mul(wires[LOWEST], wires[LOWEST_INVERSE]);
        let not_inverted = algebra.affine(F::NEG_ONE, &[F::ONE], &[inverted]);
        constraints.push(algebra.mul(takes_free, not_inverted));
        let idle = algebra.affine(F::ONE, &[F::NEG_ONE], &[takes_free]);
        constraints.push(algebra.mul(idle, wires[LOWEST_INVERSE]));
    }

    /// Amount and id of the entry after.
    fn constrain_balances<A: Algebra>(algebra: &mut A, wires: &[A::Value], constraints: &mut Vec<A::Value>) {
        let position = &wires[POSITION..OTHERS_HALF];
        let [overflow, low, present, empty] = [OVERFLOW, LOW, PRESENT, EMPTY].map(|column| wires[column]);
        let carry = -F::from_canonical_u64(1 << Amount::BITS);
        let before = dot(algebra, position, &wires[Self::AMOUNTS]);
        let growth = algebra.affine(F::ZERO, &[F::ONE, carry], &[wires[DELTA], overflow]);
        constraints.push(algebra.affine(F::ZERO, &[F::ONE, F::ONE, F::NEG_ONE], &[before, growth, low]));
        constraints.push(algebra.quadratic(overflow, F::NEG_ONE));
        test_for_zero(algebra, [LOW, EMPTY, LOW_INVERSE].map(|column| wires[column]), constraints);

        // The id after is the asset unless the entry is empty; before, it is the asset if present, else 0.
        let id_change = algebra.affine(F::ONE, &[F::NEG_ONE, F::NEG_ONE], &[empty, present]);
        let id_growth = algebra.mul(id_change, wires[ASSET]);
        let weights: [F; IDS_PER_WORD] = std::array::from_fn(|i| F::from_canonical_u64(1 << (16 * i)));
        for (word, bits) in position.chunks(IDS_PER_WORD).enumerate() {
            let weight = algebra.affine(F::ZERO, &weights, bits);
            let after = algebra.mul_add(weight, id_growth, wires[WORDS_IN + word]);
            constraints.push(algebra.sub(wires[WORDS_OUT + word], after));
        }
        for (i, &bit) in position.iter().enumerate() {
            let after = algebra.mul_add(bit, growth, wires[AMOUNTS + i]);
            constraints.push(algebra.sub(wires[AMOUNTS_OUT + i], after));
        }
    }
}

impl GateShape for EntryChange {
    const NAME: &'static str = "EntryGate";

    fn parameters(&self) -> Vec<usize> {
        Vec::new()
    }

    fn from_parameters(parameters: &[usize]) -> Option<Self> {
        parameters.is_empty().then_some(Self)
    }

    fn num_wires(&self) -> usize {
        NUM_WIRES
    }

    fn num_constraints(&self) -> usize {
        // Search: two products and a test for zero, three and another. Position: its bits and six more. Balances: two, a
        // test for zero, the outputs.
        (2 + 3 + 3 + 3) + (ENTRY_COUNT + 6) + (2 + 3 + WORDS + ENTRY_COUNT)
    }

    fn degree(&self) -> usize {
        HALF + 1
    }

    fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value> {
        let mut constraints = Vec::with_capacity(self.num_constraints());
        Self::constrain_search(algebra, wires, &mut constraints);
        Self::constrain_position(algebra, wires, &mut constraints);
        Self::constrain_balances(algebra, wires, &mut constraints);
        constraints
    }

    fn inputs(&self, _slot: usize) -> Vec<usize> {
        (IDS..PRESENT).collect()
    }

    fn outputs(&self, _slot: usize) -> Vec<usize> {
        (PRESENT..NUM_WIRES).collect()
    }

    fn fill(&self, inputs: &[F]) -> Option<Vec<F>> {
        let mut wires = inputs.to_vec();
        wires.resize(NUM_WIRES, F::ZERO);
        let (ids, asset) = (inputs[Self::IDS].to_vec(), inputs[ASSET]);
        let inverse = |value: F| value.try_inverse().unwrap_or(F::ZERO);
        let before = |end: usize| ids[..end].iter().copied().product::<F>();

        wires[OTHERS_HALF] = ids[..HALF].iter().map(|&id| id - asset).product();
        wires[OTHERS] = ids.iter().map(|&id| id - asset).product();
        wires[OTHERS_INVERSE] = inverse(wires[OTHERS]);
        wires[BEFORE_HALF] = before(HALF);
        wires[BEFORE_EIGHT] = before(OTHERS_ENTRY_COUNT);
        wires[REACHABLE] = wires[BEFORE_EIGHT] + inputs[ANY_POSITION] * (before(ENTRY_COUNT) - wires[BEFORE_EIGHT]);
        wires[REACHABLE_INVERSE] = inverse(wires[REACHABLE]);
        let (present, free) = (wires[OTHERS].is_zero(), wires[REACHABLE].is_zero());
        let wanted = if present { asset } else { F::ZERO };
        let position = ids.iter().position(|&id| id == wanted).filter(|_| present || free);
        wires[PRESENT] = F::from_bool(present);
        wires[FREE] = F::from_bool(free);
        wires[AVAILABLE] = F::from_bool(present || free);
        if let Some(position) = position {
            wires[POSITION + position] = F::ONE;
            wires[LOWEST] = before(position);
            wires[LOWEST_INVERSE] = if present { F::ZERO } else { inverse(wires[LOWEST]) };
        }

        let amount = position.map_or(F::ZERO, |position| inputs[AMOUNTS + position]);
        let after = amount + inputs[DELTA];
        // Only a sum of two amounts reaches 2^62; a negative difference is near the order of the field.
        let overflow = after.to_canonical_u64() >> Amount::BITS == 1;
        wires[OVERFLOW] = F::from_bool(overflow);
        wires[LOW] = after - F::from_canonical_u64(u64::from(overflow) << Amount::BITS);
        wires[EMPTY] = F::from_bool(wires[LOW].is_zero());
        wires[LOW_INVERSE] = inverse(wires[LOW]);
        wires.copy_within(Self::WORDS, WORDS_OUT);
        wires.copy_within(Self::AMOUNTS, AMOUNTS_OUT);
        if let Some(position) = position {
            wires[AMOUNTS_OUT + position] = wires[LOW];
            let growth = asset * (F::ONE - wires[EMPTY] - wires[PRESENT]);
            let weight = F::from_canonical_u64(1 << (16 * (position % IDS_PER_WORD)));
            wires[WORDS_OUT + position / IDS_PER_WORD] += weight * growth;
        }
        Some(wires.split_off(PRESENT))
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;
    use proptest::prelude::*;

    use super::super::testing::{assert_conforms, assert_outputs_cannot_move, assert_satisfied, evaluate, fill_slot};
    use super::*;

    fn pack(ids: &[u64]) -> Vec<F> {
        ids.chunks(IDS_PER_WORD)
            .map(|ids| F::from_canonical_u64(ids.iter().rev().fold(0, |word, id| word << 16 | id)))
            .collect()
    }

    /// A row with these entries, asset, positions and change, filled by the generator.
    fn row(entries: &[(u64, u64)], asset: u64, any_position: bool, delta: F) -> Vec<F> {
        let mut entries = entries.to_vec();
        entries.resize(ENTRY_COUNT, (0, 0));
        let ids: Vec<u64> = entries.iter().map(|entry| entry.0).collect();
        let field = |values: Vec<u64>| values.into_iter().map(F::from_canonical_u64).collect::<Vec<_>>();
        let amounts = field(entries.iter().map(|entry| entry.1).collect());
        let last = [F::from_canonical_u64(asset), F::from_bool(any_position), delta];
        let inputs = [field(ids.clone()), amounts, pack(&ids), last.to_vec()].concat();
        let mut wires = vec![F::ZERO; NUM_WIRES];
        fill_slot(&EntryChange, 0, &inputs, &mut wires);
        wires
    }

    fn value(amount: u64) -> F {
        F::from_canonical_u64(amount)
    }

    #[test]
    fn conforms() {
        assert_conforms(&EntryChange);
    }

    /// The outputs are a function of the inputs: no output of an honest row can change alone.
    #[test]
    fn every_output_of_honest_rows_is_determined() {
        let held = [(5, 100), (0, 0), (9, 7)];
        let full: Vec<_> = (1..=12).map(|id| (id, id)).collect();
        for wires in [
            row(&held, 9, false, value(3)),
            row(&held, 9, true, -value(7)),
            row(&held, 6, false, value(3)),
            row(&full[..11], 20, true, value(1)),
            row(&full, 12, false, value((1 << 62) - 12)),
        ] {
            assert_outputs_cannot_move(&EntryChange, &wires);
            for column in PRESENT..NUM_WIRES {
                for change in [F::ONE, F::NEG_ONE, value(1 << 32)] {
                    let mut changed = wires.clone();
                    changed[column] += change;
                    let noticed = evaluate(&EntryChange, &changed).iter().any(Field::is_nonzero);
                    assert!(noticed, "wire {column} changed by {change} goes unnoticed");
                }
            }
        }
    }

    /// A test for zero: the flag is 1 exactly for 0, the inverse is 0 with it.
    fn zero_test(wires: &[F], [value, flag, inverse]: [usize; 3]) -> [F; 3] {
        let [value, flag, inverse] = [value, flag, inverse].map(|column| wires[column]);
        [value * inverse + flag - F::ONE, value * flag, inverse * flag]
    }

    fn expected_search(w: &[F]) -> Vec<F> {
        let others = |range: Range<usize>| w[range].iter().map(|&id| id - w[ASSET]).product::<F>();
        let ids = |range: Range<usize>| w[range].iter().copied().product::<F>();
        let reachable = w[BEFORE_EIGHT] * (F::ONE - w[ANY_POSITION]) + w[ANY_POSITION] * w[BEFORE_EIGHT] * ids(8..12);
        [
            vec![w[OTHERS_HALF] - others(0..6), w[OTHERS] - w[OTHERS_HALF] * others(6..12)],
            zero_test(w, [OTHERS, PRESENT, OTHERS_INVERSE]).to_vec(),
            vec![w[BEFORE_HALF] - ids(0..6), w[BEFORE_EIGHT] - w[BEFORE_HALF] * ids(6..8), w[REACHABLE] - reachable],
            zero_test(w, [REACHABLE, FREE, REACHABLE_INVERSE]).to_vec(),
        ]
        .concat()
    }

    fn expected_position(w: &[F]) -> Vec<F> {
        let bits = &w[POSITION..OTHERS_HALF];
        let dot = |values: &[F]| bits.iter().zip(values).map(|(&bit, &value)| bit * value).sum::<F>();
        // The products of the ids before each position, from the last product that has a wire.
        let before: Vec<F> = (0..ENTRY_COUNT)
            .map(|i| match i {
                0..6 => w[..i].iter().copied().product(),
                6..8 => w[BEFORE_HALF] * w[6..i].iter().copied().product::<F>(),
                _ => w[BEFORE_EIGHT] * w[8..i].iter().copied().product::<F>(),
            })
            .collect();
        let takes_free = w[FREE] * (F::ONE - w[PRESENT]);
        let mut expected: Vec<F> = bits.iter().map(|&bit| bit * bit - bit).collect();
        expected.extend([
            w[PRESENT] + takes_free - w[AVAILABLE],
            bits.iter().copied().sum::<F>() - w[AVAILABLE],
            dot(&w[EntryChange::IDS]) - w[PRESENT] * w[ASSET],
            w[LOWEST] - dot(&before),
            takes_free * (w[LOWEST] * w[LOWEST_INVERSE] - F::ONE),
            (F::ONE - takes_free) * w[LOWEST_INVERSE],
        ]);
        expected
    }

    fn expected_balances(w: &[F]) -> Vec<F> {
        let bits = &w[POSITION..OTHERS_HALF];
        let amount: F = bits.iter().zip(&w[EntryChange::AMOUNTS]).map(|(&bit, &amount)| bit * amount).sum();
        let mut expected = vec![amount + w[DELTA] - value(1 << 62) * w[OVERFLOW] - w[LOW]];
        expected.push(w[OVERFLOW] * w[OVERFLOW] - w[OVERFLOW]);
        expected.extend(zero_test(w, [LOW, EMPTY, LOW_INVERSE]));
        let id = w[ASSET] * (F::ONE - w[EMPTY] - w[PRESENT]);
        expected.extend((0..WORDS).map(|word| {
            let weight: F = (0..3).map(|k| bits[3 * word + k] * value(1 << (16 * k))).sum();
            w[WORDS_IN + word] + weight * id - w[WORDS_OUT + word]
        }));
        expected.extend((0..ENTRY_COUNT).map(|i| {
            let growth = w[DELTA] - value(1 << 62) * w[OVERFLOW];
            w[AMOUNTS_OUT + i] - w[AMOUNTS + i] - bits[i] * growth
        }));
        expected
    }

    #[test]
    fn constraints_at_random_points_are_those_of_the_documentation() {
        let wires = F::rand_vec(NUM_WIRES);
        let found = evaluate(&EntryChange, &wires);
        let expected = [expected_search(&wires), expected_position(&wires), expected_balances(&wires)].concat();
        assert_eq!(found.len(), expected.len());
        for (term, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            assert!(found == expected || found == -expected, "term {term}");
            assert!(found.is_nonzero(), "term {term} vanishes everywhere");
        }
    }

    #[test]
    fn entries_change_as_the_protocol_says() {
        let held = [(5, 100), (0, 0), (9, 7)];
        let after = |wires: &[F]| (wires[WORDS_OUT..AMOUNTS_OUT].to_vec(), wires[AMOUNTS_OUT..POSITION].to_vec());
        let expect = |entries: [(u64, u64); 3]| {
            let mut ids = vec![0; ENTRY_COUNT];
            let mut amounts = vec![F::ZERO; ENTRY_COUNT];
            for (i, (id, amount)) in entries.into_iter().enumerate() {
                (ids[i], amounts[i]) = (id, value(amount));
            }
            (pack(&ids), amounts)
        };
        assert_eq!(after(&row(&held, 9, false, value(3))), expect([(5, 100), (0, 0), (9, 10)]));
        assert_eq!(after(&row(&held, 9, false, -value(7))), expect([(5, 100), (0, 0), (0, 0)]));
        assert_eq!(after(&row(&held, 6, false, value(3))), expect([(5, 100), (6, 3), (9, 7)]));
        assert_eq!(after(&row(&held, 0, false, F::ZERO)), expect(held));
    }

    #[test]
    fn others_reach_eight_positions_and_the_owner_twelve() {
        let eight: Vec<_> = (1..=8).map(|id| (id, 1)).collect();
        let flags = |any| {
            let wires = row(&eight, 20, any, value(1));
            assert_satisfied(&EntryChange, &wires);
            [wires[PRESENT], wires[AVAILABLE], wires[POSITION + 8]]
        };
        assert_eq!(flags(false), [F::ZERO, F::ZERO, F::ZERO]);
        assert_eq!(flags(true), [F::ZERO, F::ONE, F::ONE]);
    }

    #[test]
    fn a_free_entry_that_is_not_the_lowest_is_refused() {
        let mut wires = row(&[(5, 100), (0, 0), (0, 0)], 6, false, value(3));
        wires.swap(POSITION + 1, POSITION + 2);
        wires.swap(AMOUNTS_OUT + 1, AMOUNTS_OUT + 2);
        let moved = value(6 << 32) - value(6 << 16);
        wires[WORDS_OUT] += moved;
        wires[LOWEST] = F::ZERO;
        wires[LOWEST_INVERSE] = F::ZERO;
        let broken: Vec<_> = evaluate(&EntryChange, &wires).into_iter().filter(Field::is_nonzero).collect();
        assert_eq!(broken.len(), 1, "nothing but the claim that it is the lowest");
    }

    /// What a prover decides; everything else in a row follows from it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Decision {
        present: bool,
        free: bool,
        position: Option<usize>,
        overflow: bool,
        empty: bool,
    }

    impl Decision {
        fn all() -> impl Iterator<Item = Self> {
            (0..16_u8).flat_map(|flags| {
                let [present, free, overflow, empty] = [0, 1, 2, 3].map(|bit| flags >> bit & 1 == 1);
                let positions = (0..ENTRY_COUNT).map(Some).chain([None]);
                positions.map(move |position| Self { present, free, position, overflow, empty })
            })
        }

        fn of(wires: &[F]) -> Self {
            let [present, free, overflow, empty] =
                [PRESENT, FREE, OVERFLOW, EMPTY].map(|column| wires[column].is_one());
            let position = (0..ENTRY_COUNT).find(|&i| wires[POSITION + i].is_one());
            Self { present, free, position, overflow, empty }
        }

        /// The best row that this decision admits: inverses are right where they exist and are asked for.
        fn row(self, honest: &[F]) -> Vec<F> {
            let Self { present, free, position, overflow, empty } = self;
            let mut wires = honest.to_vec();
            let inverse = |value: F, is_due: bool| value.try_inverse().filter(|_| is_due).unwrap_or(F::ZERO);
            wires[PRESENT] = F::from_bool(present);
            wires[FREE] = F::from_bool(free);
            wires[AVAILABLE] = F::from_bool(present || free);
            wires[OTHERS_INVERSE] = inverse(wires[OTHERS], !present);
            wires[REACHABLE_INVERSE] = inverse(wires[REACHABLE], !free);
            wires[POSITION..OTHERS_HALF].fill(F::ZERO);
            wires[LOWEST] = F::ZERO;
            if let Some(position) = position {
                wires[POSITION + position] = F::ONE;
                wires[LOWEST] = honest[IDS..IDS + position].iter().copied().product();
            }
            wires[LOWEST_INVERSE] = inverse(wires[LOWEST], free && !present);
            let growth = wires[DELTA] - F::from_canonical_u64(u64::from(overflow) << Amount::BITS);
            wires[OVERFLOW] = F::from_bool(overflow);
            wires[LOW] = position.map_or(F::ZERO, |position| honest[AMOUNTS + position]) + growth;
            wires[EMPTY] = F::from_bool(empty);
            wires[LOW_INVERSE] = inverse(wires[LOW], !empty);
            wires.copy_within(EntryChange::WORDS, WORDS_OUT);
            wires.copy_within(EntryChange::AMOUNTS, AMOUNTS_OUT);
            if let Some(position) = position {
                wires[AMOUNTS_OUT + position] += growth;
                let id_growth = wires[ASSET] * (F::ONE - wires[EMPTY] - wires[PRESENT]);
                let weight = F::from_canonical_u64(1 << (16 * (position % IDS_PER_WORD)));
                wires[WORDS_OUT + position / IDS_PER_WORD] += weight * id_growth;
            }
            wires
        }
    }

    /// Whether the gate and the range check beside it accept a row.
    fn accepted(wires: &[F]) -> bool {
        wires[LOW].to_canonical_u64() >> Amount::BITS == 0 && evaluate(&EntryChange, wires).iter().all(Field::is_zero)
    }

    /// Canonical entries: distinct ids with amounts above 0 in some positions.
    fn arb_entries() -> impl Strategy<Value = Vec<(u64, u64)>> {
        let amount = || prop_oneof![1..20_u64, (1 << 62) - 20..1_u64 << 62];
        let entry = || prop_oneof![1 => Just(None), 3 => amount().prop_map(Some)];
        (proptest::collection::vec(entry(), ENTRY_COUNT), 1..5_u64).prop_map(|(amounts, step)| {
            let entries = (1..).zip(amounts);
            entries.map(|(i, amount)| amount.map_or((0, 0), |amount| (i * step, amount))).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Of all decisions a prover can take, the gate accepts one: which entry, whether there is a place, the carry,
        /// whether the entry becomes free. (The change of nothing in asset 0 may look at any free entry, and changes none.)
        #[test]
        fn one_decision_is_accepted(
            entries in arb_entries(),
            asset in 0..30_u64,
            any_position in any::<bool>(),
            amount in prop_oneof![1..40_u64, (1 << 62) - 40..1_u64 << 62],
            is_debit in any::<bool>(),
        ) {
            let delta = match (asset, is_debit) {
                (0, _) => F::ZERO,
                (_, true) => -value(amount),
                (_, false) => value(amount),
            };
            let honest = row(&entries, asset, any_position, delta);
            let decision = Decision::of(&honest);
            prop_assert_eq!(&decision.row(&honest), &honest);
            for other in Decision::all() {
                let wires = other.row(&honest);
                let is_same = other == decision;
                let is_idle = asset == 0 && wires[WORDS_OUT..POSITION] == honest[WORDS_OUT..POSITION];
                prop_assert!(!accepted(&wires) || is_same || is_idle, "{:?} instead of {:?}", other, decision);
            }
        }

        /// Positions that are no flags, though they add up to one entry.
        #[test]
        fn positions_are_flags(at in 0..3_usize, weight in 2..1_000_u64) {
            let mut wires = row(&[(5, 100), (0, 0), (9, 7)], 9, false, value(3));
            wires[POSITION + 2] -= value(weight);
            wires[POSITION + at] += value(weight);
            prop_assert_eq!(accepted(&wires), at == 2);
        }
    }
}
