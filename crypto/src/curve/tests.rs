use goldilocks_crypto::{Fp5Element, Point as TheirPoint, ScalarField};
use proptest::prelude::*;

use super::*;
use crate::{Goldilocks, Tag, poseidon};

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        (0_u128..20).prop_map(Scalar::from_u128),
        (0_u128..20).prop_map(|small| -Scalar::from_u128(small)),
        any::<[u64; 5]>().prop_map(Scalar::reduce),
    ]
}

/// Points of the whole curve, in the subgroup or not.
fn point() -> impl Strategy<Value = Point> {
    (scalar(), any::<bool>()).prop_map(|(scalar, shift)| {
        let point = Point::mul_generator(&scalar);
        if shift { point + TWO_TORSION } else { point }
    })
}

fn their_field(x: Fp5) -> Fp5Element {
    Fp5Element::from_uint64_array(x.0.map(Goldilocks::as_u64))
}

/// `w = y/u` of a subgroup point.
fn slope(point: &Point) -> Fp5 {
    Fp5::from_bytes(&point.encode()).unwrap()
}

/// The other crate's form of a subgroup point: the paper's `P + N`, whose `w` is the negative.
fn theirs(point: &Point) -> TheirPoint {
    TheirPoint::decode(&their_field(-slope(point))).unwrap()
}

fn assert_same(ours: &Point, theirs: &TheirPoint) {
    let encoded = theirs.encode().0.map(|coefficient| coefficient.to_canonical_u64());
    assert_eq!(-slope(ours), Fp5::from_u64s(encoded));
}

/// The textbook's addition by chord and tangent.
fn textbook_sum(p: &Point, q: &Point) -> Point {
    let (Some((px, py)), Some((qx, qy))) = (p.coordinates(), q.coordinates()) else {
        return if p.is_infinity() { *q } else { *p };
    };
    if px == qx && py == -qy {
        return Point::INFINITY;
    }
    let (numerator, denominator) =
        if px == qx { (px.square().scale(Goldilocks::from_u64(3)) + A, py.double()) } else { (qy - py, qx - px) };
    let slope = numerator * denominator.inverse().unwrap();
    let x = slope.square() - px - qx;
    Point::from_affine(x, slope * (px - x) - py).unwrap()
}

fn times_integer(point: &Point, integer: &[u64]) -> Point {
    Jacobian::multiply(point, integer).to_affine()
}

#[test]
fn coefficients_come_from_the_double_odd_form() {
    let n = |value: u64| Fp5::from_u64s([value, 0, 0, 0, 0]);
    let b = Fp5::from_u64s([0, 263, 0, 0, 0]);
    assert_eq!(n(3) * U_SHIFT, n(2));
    assert_eq!(n(3) * A, n(3) * b - n(4));
    assert_eq!(n(27) * B, n(16) - n(18) * b);
}

#[test]
fn generator_has_prime_order_and_is_that_of_the_other_crate() {
    let (x, y) = GENERATOR.coordinates().unwrap();
    assert_eq!(Point::from_affine(x, y), Some(GENERATOR));
    assert_eq!(times_integer(&GENERATOR, &ORDER), Point::INFINITY);
    assert_same(&GENERATOR, &TheirPoint::generator());
    assert_eq!(slope(&GENERATOR), -Fp5::from_u64s([4, 0, 0, 0, 0]));
    assert_eq!(ScalarField::N.limbs(), ORDER);
}

#[test]
fn point_of_order_two_is_outside_of_the_subgroup() {
    let (x, y) = TWO_TORSION.coordinates().unwrap();
    assert_eq!(Point::from_affine(x, y), Some(TWO_TORSION));
    assert_eq!(TWO_TORSION.double(), Point::INFINITY);
    assert!(!TWO_TORSION.is_in_subgroup());
}

#[test]
fn offsets_cancel() {
    assert!(d1().is_in_subgroup() && !d1().is_infinity());
    assert_eq!(times_integer(&d1(), &ORDER), Point::INFINITY);
    // After the challenge: (8·2^128 - 1)·D1; then 80 doublings, each with D2 added.
    let mut sum = times_integer(&d1(), &[u64::MAX, u64::MAX, 7]);
    for _ in 0..COMB_SPACING {
        sum = sum.double() + d2();
    }
    assert_eq!(sum, Point::INFINITY);
    assert_eq!(q0(), times_integer(&d1(), &[7]));
}

#[test]
fn d1_is_the_first_point_that_its_derivation_gives() {
    let candidate = |counter: u64| {
        let digest = |part| poseidon::hash(Tag::CURVE, &[counter, part].map(Goldilocks::from_u64)).0;
        let ([a, b, c, d], [e, ..]) = (digest(0), digest(1));
        Point::decode(&Fp5([a, b, c, d, e]).to_bytes()).ok()
    };
    assert_eq!((0..).find_map(candidate), Some(d1()));
}

#[test]
fn comb_tables_hold_sums_of_teeth() {
    for i in 0..1_u64 << COMB_TEETH {
        let mut teeth = Point::INFINITY;
        for tooth in 0..4 {
            let factor = Scalar::power_of_two(80 * tooth) * Scalar::from_u128(u128::from(i >> tooth & 1));
            teeth = teeth + GENERATOR * &factor;
        }
        let index = usize::try_from(i).unwrap();
        assert_eq!(generator_comb()[index], teeth);
        assert_eq!(comb_table()[index], teeth + d2());
    }
}

#[test]
fn comb_index_collects_the_bits_of_a_step() {
    let mut integer = [0_u64; 5];
    for (tooth, bit) in [79, 159, 239, 319].into_iter().enumerate() {
        integer[bit / 64] |= 1 << (bit % 64);
        assert_eq!(comb_index(&integer, 79), (2 << tooth) - 1);
        assert_eq!(comb_index(&integer, 78), 0);
    }
}

#[test]
fn off_curve_coordinates_are_no_point() {
    let (x, y) = GENERATOR.coordinates().unwrap();
    assert_eq!(Point::from_affine(x, y + Fp5::ONE), None);
    assert_eq!(Point::from_affine(x + Fp5::ONE, y), None);
    assert_eq!(Point::from_affine(Fp5::ZERO, Fp5::ZERO), None);
}

#[test]
fn exceptional_sums() {
    let p = Point::mul_generator(&Scalar::from_u128(77));
    assert_eq!(p + p, p.double());
    assert_eq!(p - p, Point::INFINITY);
    assert_eq!(p + Point::INFINITY, p);
    assert_eq!(Point::INFINITY + p, p);
    assert_eq!(Point::INFINITY.double(), Point::INFINITY);
    assert_eq!(p * &Scalar::ZERO, Point::INFINITY);
    assert_eq!(Point::mul_generator(&Scalar::ZERO), Point::INFINITY);
    assert_eq!(Point::INFINITY * &Scalar::ONE, Point::INFINITY);
}

#[test]
fn neutral_point_is_encoded_as_zero() {
    assert_eq!(Point::INFINITY.encode(), [0; ENCODED_LEN]);
    assert_eq!(Point::decode(&[0; ENCODED_LEN]), Ok(Point::INFINITY));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_are_those_of_the_textbook(p in point(), q in point()) {
        for (p, q) in [(p, q), (p, p), (p, -p), (p, p + TWO_TORSION), (p, Point::INFINITY)] {
            prop_assert_eq!(p + q, textbook_sum(&p, &q));
        }
        prop_assert_eq!(p.double(), textbook_sum(&p, &p));
    }

    #[test]
    fn group_equals_the_other_crate(a in scalar(), b in scalar()) {
        let (p, q) = (Point::mul_generator(&a), Point::mul_generator(&b));
        assert_same(&p, &TheirPoint::generator().mul(&ScalarField::new(a.limbs())));
        assert_same(&(p + q), &theirs(&p).add(&theirs(&q)));
        assert_same(&p.double(), &theirs(&p).double());
        assert_same(&(p * &b), &theirs(&p).mul(&ScalarField::new(b.limbs())));
    }

    #[test]
    fn products_distribute(p in point(), a in scalar(), b in scalar()) {
        prop_assert_eq!(GENERATOR * &a, Point::mul_generator(&a));
        let q = p.double();
        prop_assert_eq!(q * &a + q * &b, q * &(a + b));
        prop_assert_eq!((q * &a) * &b, q * &(a * b));
    }

    #[test]
    fn every_subgroup_point_has_one_encoding(p in point()) {
        let in_subgroup = times_integer(&p, &ORDER).is_infinity();
        prop_assert_eq!(p.is_in_subgroup(), in_subgroup);
        prop_assert_ne!((p + TWO_TORSION).is_in_subgroup(), in_subgroup);
        if in_subgroup {
            prop_assert_eq!(Point::decode(&p.encode()), Ok(p));
        }
    }

    #[test]
    fn decoding_accepts_what_it_encodes_and_agrees_with_the_other_crate(coefficients: [u64; 5]) {
        let w = Fp5::from_u64s(coefficients);
        let decoded = Point::decode(&w.to_bytes());
        prop_assert_eq!(decoded.is_ok(), TheirPoint::decode(&their_field(w)).is_some());
        match decoded {
            Ok(point) => {
                prop_assert!(times_integer(&point, &ORDER).is_infinity());
                prop_assert_eq!(point.encode(), w.to_bytes());
            }
            Err(error) => prop_assert_eq!(error, DecodeError::NotAPoint),
        }
    }
}
