use proptest::prelude::*;

use super::*;

const P: u128 = Goldilocks::ORDER as u128;

/// Integers near the places where carries happen, mixed with uniform ones.
fn integer() -> impl Strategy<Value = u64> {
    let edges = [0, 1, 2, EPSILON - 1, EPSILON, EPSILON + 1, Goldilocks::ORDER - 1, Goldilocks::ORDER, u64::MAX];
    prop_oneof![proptest::sample::select(edges.to_vec()), any::<u64>()]
}

fn element() -> impl Strategy<Value = Goldilocks> {
    integer().prop_map(Goldilocks::from_u64)
}

fn modulo(x: u128) -> u64 {
    u64::try_from(x % P).unwrap()
}

#[test]
fn only_canonical_integers_are_elements() {
    assert_eq!(Goldilocks::from_canonical(Goldilocks::ORDER - 1).unwrap().as_u64(), Goldilocks::ORDER - 1);
    assert_eq!(Goldilocks::from_canonical(Goldilocks::ORDER), None);
    assert_eq!(Goldilocks::from_canonical(u64::MAX), None);
    assert_eq!(Goldilocks::from_u64(Goldilocks::ORDER), Goldilocks::ZERO);
}

#[test]
fn zero_has_no_inverse_and_is_its_own_root() {
    assert_eq!(Goldilocks::ZERO.inverse(), None);
    assert_eq!(Goldilocks::ZERO.sqrt(), Some(Goldilocks::ZERO));
    assert_eq!(Goldilocks::ZERO.pow(0), Goldilocks::ONE);
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_integers_modulo_p(a in integer(), b in integer(), wide: u128) {
        let (x, y) = (Goldilocks::from_u64(a), Goldilocks::from_u64(b));
        let (a, b) = (u128::from(a) % P, u128::from(b) % P);
        prop_assert_eq!(x.as_u64(), modulo(a));
        prop_assert_eq!((x + y).as_u64(), modulo(a + b));
        prop_assert_eq!((x - y).as_u64(), modulo(a + P - b));
        prop_assert_eq!((x * y).as_u64(), modulo(a * b));
        prop_assert_eq!((-x).as_u64(), modulo(P - a));
        prop_assert_eq!(Goldilocks::from_u128(wide).as_u64(), modulo(wide));
    }

    #[test]
    fn loose_products_are_right_for_any_representative(a in integer(), b in integer()) {
        prop_assert_eq!(canonical(mul_loose(a, b)), modulo(u128::from(a) * u128::from(b) % P));
    }

    #[test]
    fn inverse_and_powers(x in element(), exponent in 0_u64..50) {
        if let Some(inverse) = x.inverse() {
            prop_assert_eq!(x * inverse, Goldilocks::ONE);
        } else {
            prop_assert_eq!(x, Goldilocks::ZERO);
        }
        prop_assert_eq!(x.pow(Goldilocks::ORDER), x);
        prop_assert_eq!(x.pow(exponent), (0..exponent).map(|_| x).product::<Goldilocks>());
    }

    #[test]
    fn roots_are_those_of_squares(x in element()) {
        let root = x.square().sqrt().unwrap();
        prop_assert!(root == x || root == -x);
        prop_assert_eq!(x.sqrt().is_some(), x.is_square());
        if !x.is_zero() {
            // 7 generates the multiplicative group.
            prop_assert_ne!(x.is_square(), (x * Goldilocks::from_u64(7)).is_square());
        }
    }
}
