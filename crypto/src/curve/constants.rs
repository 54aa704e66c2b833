//! Fixed points and tables.

use std::sync::LazyLock;

use super::{Jacobian, Point};
use crate::quintic::Fp5;
use crate::scalar::{LIMBS, Scalar};
use crate::{Goldilocks, Tag, poseidon};

/// Teeth of the comb that multiplies the generator.
pub const COMB_TEETH: usize = 4;

/// Bits between two teeth; `COMB_TEETH · COMB_SPACING = 320` bits are what a scalar may have.
pub const COMB_SPACING: usize = 80;

/// Bits of a challenge.
const CHALLENGE_BITS: u32 = 128;

/// The factor of D1 in the point at which a walk starts.
const START_FACTOR: u128 = 7;

const THIRD: Goldilocks = Goldilocks::new_const(3).inverse().expect("3 is not 0");

/// One half.
pub(super) const HALF: Goldilocks = Goldilocks::new_const(2).inverse().expect("2 is not 0");

/// The linear coefficient 2 of the form `v^2 = u(u^2 + 2u + 263z)`.
pub(super) const U_LINEAR: Fp5 = Fp5::from_u64s([2, 0, 0, 0, 0]);

/// The constant coefficient `263z` of the form `v^2 = u(u^2 + 2u + 263z)`.
pub(super) const U_CONSTANT: Fp5 = Fp5::from_u64s([0, 263, 0, 0, 0]);

/// `x - u` between the two forms of the curve: 2/3.
pub const U_SHIFT: Fp5 = Fp5::from_base(THIRD.times(Goldilocks::new_const(2)));

/// Coefficient of the curve: `A = 263z - 4/3`.
pub const A: Fp5 = Fp5::from_u64s([THIRD.times(Goldilocks::new_const(Goldilocks::ORDER - 4)).as_u64(), 263, 0, 0, 0]);

/// Coefficient of the curve: `B = (16 - 4734z)/27`.
pub const B: Fp5 = {
    let inverse_27 = THIRD.pow(3);
    let linear = inverse_27.times(Goldilocks::new_const(Goldilocks::ORDER - 4734));
    Fp5::from_u64s([inverse_27.times(Goldilocks::new_const(16)).as_u64(), linear.as_u64(), 0, 0, 0])
};

/// The generator `G` of the prime-order subgroup: the point whose sum with `N` is the generator of
/// the paper (`w = 4`), so that its own `w = y/(x - 2/3)` is -4.
pub const GENERATOR: Point = Point::new_unchecked(
    Fp5::from_u64s([
        11_712_523_173_042_564_207,
        14_090_224_426_659_529_053,
        13_197_813_503_519_687_414,
        16_280_770_174_934_269_299,
        15_998_333_998_318_935_536,
    ]),
    Fp5::from_u64s([
        14_639_054_205_878_357_578,
        17_426_078_571_020_221_072,
        2_548_978_194_165_003_307,
        8_663_895_577_921_260_088,
        9_793_640_284_382_595_140,
    ]),
);

/// The point `N` of order two, outside of the prime-order subgroup.
pub const TWO_TORSION: Point = Point::new_unchecked(U_SHIFT, Fp5::ZERO);

static D1: LazyLock<Point> = LazyLock::new(|| {
    (0..).map(Goldilocks::from_u64).find_map(hash_to_subgroup).expect("every second counter gives a point")
});

static D2: LazyLock<Point> = LazyLock::new(|| {
    let one = Scalar::ONE;
    let shift = Scalar::power_of_two(80);
    // Offset after the steps of the challenge: 7·2^128 from the start, and 2^128 - 1 from the
    // steps.
    let offset = Scalar::from_u128(START_FACTOR + 1) * Scalar::power_of_two(CHALLENGE_BITS) - one;
    let inverse = (shift - one).inverse().expect("2^80 - 1 is not 0 modulo n");
    *D1 * &-(offset * shift * inverse)
});

static Q0: LazyLock<Point> = LazyLock::new(|| *D1 * &Scalar::from_u128(START_FACTOR));

static GENERATOR_COMB: LazyLock<[Point; 1 << COMB_TEETH]> = LazyLock::new(|| comb_from(Point::INFINITY));

static COMB_TABLE: LazyLock<[Point; 1 << COMB_TEETH]> = LazyLock::new(|| comb_from(*D2));

/// The offset `D1` between a key and its stored form.
///
/// Nobody knows its logarithm: the first counter `c = 0, 1, …` is taken for which `w`, the four
/// elements of `H(CURVE; c, 0)` and the first of `H(CURVE; c, 1)`, encodes a finite point
/// ([`Point::decode`]). The encoding reaches the points of the prime-order subgroup only, so that
/// no cofactor is left.
#[must_use]
pub fn d1() -> Point {
    *D1
}

/// The offset `D2 = -(8·2^128 - 1)·2^80/(2^80 - 1)·D1` of the comb: with it, the offsets of a walk
/// cancel at its end.
#[must_use]
pub fn d2() -> Point {
    *D2
}

/// The point `7·D1` at which a walk starts. It differs from D1, as the first step must add
/// different points.
#[must_use]
pub fn q0() -> Point {
    *Q0
}

/// The comb table of a walk: entry `i` is D2 plus `2^(80·t)·G` for each bit `t` of `i`.
#[must_use]
pub fn comb_table() -> &'static [Point; 1 << COMB_TEETH] {
    &COMB_TABLE
}

/// The comb table without offset: entry `i` is the sum of `2^(80·t)·G` for the bits `t` of `i`.
#[must_use]
pub fn generator_comb() -> &'static [Point; 1 << COMB_TEETH] {
    &GENERATOR_COMB
}

/// Index into a comb table at `step`, counted down from 79: bits `step + 80·t` of the integer, for
/// `t = 0..4`.
#[must_use]
pub fn comb_index(integer: &[u64; LIMBS], step: usize) -> usize {
    (0..COMB_TEETH)
        .map(|tooth| (tooth, step + tooth * COMB_SPACING))
        .filter(|(_, bit)| integer[bit / 64] >> (bit % 64) & 1 == 1)
        .map(|(tooth, _)| 1 << tooth)
        .sum()
}

/// The comb table whose entry 0 is `offset`.
fn comb_from(offset: Point) -> [Point; 1 << COMB_TEETH] {
    let mut table = [Jacobian::from(offset); 1 << COMB_TEETH];
    let mut tooth = GENERATOR;
    for i in 0..COMB_TEETH {
        for j in 0..1 << i {
            table[j | 1 << i] = table[j].add_affine(&tooth);
        }
        tooth = (0..COMB_SPACING).fold(Jacobian::from(tooth), |point, _| point.double()).to_affine();
    }
    table.map(Jacobian::to_affine)
}

/// The point that the counter gives, if it gives one.
fn hash_to_subgroup(counter: Goldilocks) -> Option<Point> {
    let [a, b, c, d] = poseidon::hash(Tag::CURVE, &[counter, Goldilocks::ZERO]).0;
    let [e, ..] = poseidon::hash(Tag::CURVE, &[counter, Goldilocks::ONE]).0;
    Point::from_slope(Fp5([a, b, c, d, e])).filter(|point| !point.is_infinity())
}
