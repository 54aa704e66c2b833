use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field, PrimeField64};
use proptest::prelude::*;

use super::*;

type Library = QuinticExtension<GoldilocksField>;

fn element() -> impl Strategy<Value = Fp5> {
    let coefficient = prop_oneof![Just(0), Just(1), Just(Goldilocks::ORDER - 1), any::<u64>()];
    proptest::array::uniform5(coefficient).prop_map(Fp5::from_u64s)
}

fn library(x: Fp5) -> Library {
    QuinticExtension(x.0.map(|c| GoldilocksField::from_canonical_u64(c.as_u64())))
}

fn ours(x: Library) -> Fp5 {
    Fp5::from_u64s(x.0.map(|c| c.to_canonical_u64()))
}

#[test]
fn zero_has_no_inverse_and_is_its_own_root() {
    assert_eq!(Fp5::ZERO.inverse(), None);
    assert_eq!(Fp5::batch_inverse(&[Fp5::ONE, Fp5::ZERO]), None);
    assert_eq!(Fp5::ZERO.sqrt(), Some(Fp5::ZERO));
}

#[test]
fn carries_of_the_largest_products_are_counted() {
    let largest = Fp5::from_u64s([Goldilocks::ORDER - 1; 5]);
    let all_ones = Fp5::from_u64s([1; 5]);
    // The largest element is -1 - z - … - z^4.
    assert_eq!(largest * largest, all_ones * all_ones);
    assert_eq!(largest.square(), all_ones.square());
    assert_eq!(all_ones.square(), Fp5::from_u64s([13, 11, 9, 7, 5]));
}

#[test]
fn coefficients_from_the_order_on_are_refused() {
    for position in 0..5 {
        let mut bytes = Fp5::ONE.to_bytes();
        bytes[8 * position..8 * position + 8].copy_from_slice(&Goldilocks::ORDER.to_be_bytes());
        assert_eq!(Fp5::from_bytes(&bytes), Err(DecodeError::NotCanonical { position }));
    }
}

proptest! {
    #[test]
    fn arithmetic_equals_the_library(a in element(), b in element()) {
        prop_assert_eq!(a + b, ours(library(a) + library(b)));
        prop_assert_eq!(a - b, ours(library(a) - library(b)));
        prop_assert_eq!(a * b, ours(library(a) * library(b)));
        prop_assert_eq!(-a, ours(-library(a)));
        prop_assert_eq!(a.square(), a * a);
        prop_assert_eq!(a.double(), a + a);
        prop_assert_eq!(a.inverse(), library(a).try_inverse().map(ours));
    }

    #[test]
    fn it_is_a_field(a in element(), b in element(), c in element()) {
        prop_assert_eq!((a * b) * c, a * (b * c));
        prop_assert_eq!(a * b, b * a);
        prop_assert_eq!(a * (b + c), a * b + a * c);
        prop_assert_eq!(a * Fp5::ONE, a);
        prop_assert_eq!(a.scale(b.0[0]), a * Fp5::from_base(b.0[0]));
    }

    #[test]
    fn frobenius_is_raising_to_p(a in element()) {
        let mut power = a;
        for count in 0..5 {
            prop_assert_eq!(a.frobenius(count), power);
            power = power.pow(Goldilocks::ORDER);
        }
        prop_assert_eq!(power, a);
    }

    #[test]
    fn roots_are_those_of_squares(a in element()) {
        let root = a.square().sqrt().unwrap();
        prop_assert!(root == a || root == -a);
        prop_assert!(a.square().is_square());
        prop_assert_eq!(a.sqrt().is_some(), a.is_square());
        if !a.is_zero() {
            // 7 is no square in the base field, and stays none in an extension of odd degree.
            prop_assert_ne!(a.is_square(), a.scale(Goldilocks::from_u64(7)).is_square());
        }
    }

    #[test]
    fn many_inverses_at_once(elements in proptest::collection::vec(element(), 0..8)) {
        let expected: Option<Vec<_>> = elements.iter().map(Fp5::inverse).collect();
        prop_assert_eq!(Fp5::batch_inverse(&elements), expected);
    }

    #[test]
    fn bytes_round_trip(a in element()) {
        prop_assert_eq!(Fp5::from_bytes(&a.to_bytes()), Ok(a));
    }
}
