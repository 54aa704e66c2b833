use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

fn integer(limbs: &[u64]) -> BigUint {
    limbs.iter().rev().fold(BigUint::ZERO, |sum, limb| (sum << 64) + limb)
}

fn order() -> BigUint {
    integer(&ORDER)
}

fn value(scalar: Scalar) -> BigUint {
    integer(&scalar.limbs())
}

/// Limbs of any 320-bit integer, often with extreme ones.
fn limbs() -> impl Strategy<Value = [u64; LIMBS]> {
    let limb = prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    prop_oneof![proptest::array::uniform5(limb), Just(ORDER), any::<[u64; LIMBS]>()]
}

#[test]
fn the_order_is_a_prime_of_319_bits() {
    assert_eq!(order().bits(), 319);
    // Miller and Rabin, n = 3 mod 4 or not: n - 1 = 2^twos·odd.
    let one = BigUint::from(1_u32);
    let below = order() - &one;
    let twos = below.trailing_zeros().unwrap();
    let odd = &below >> twos;
    for base in 2_u32..42 {
        let mut power = BigUint::from(base).modpow(&odd, &order());
        let mut composite = power != one && power != below;
        for _ in 1..twos {
            power = &power * &power % order();
            composite &= power != below;
        }
        assert!(!composite, "{base} is a witness");
    }
}

#[test]
fn decoding_refuses_the_order_and_what_is_above() {
    let largest = -Scalar::ONE;
    let mut bytes = largest.to_bytes();
    assert_eq!(Scalar::from_bytes(&bytes), Ok(largest));
    bytes[39] += 1;
    assert_eq!(Scalar::from_bytes(&bytes), Err(DecodeError::ScalarNotReduced));
    assert_eq!(Scalar::from_bytes(&[0xff; 40]), Err(DecodeError::ScalarNotReduced));
}

#[test]
fn encoding_is_big_endian() {
    let mut bytes = [0; 40];
    bytes[39] = 5;
    bytes[23] = 1;
    assert_eq!(Scalar::from_bytes(&bytes), Ok(Scalar::from_u128(5) + Scalar::power_of_two(128)));
}

#[test]
fn zero_has_no_inverse() {
    assert_eq!(Scalar::ZERO.inverse(), None);
    assert_eq!(-Scalar::ZERO, Scalar::ZERO);
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_integers_modulo_the_order(a in limbs(), b in limbs()) {
        let (x, y) = (Scalar::reduce(a), Scalar::reduce(b));
        let (a, b) = (integer(&a) % order(), integer(&b) % order());
        prop_assert_eq!(&value(x), &a);
        prop_assert_eq!(value(x + y), (&a + &b) % order());
        prop_assert_eq!(value(x - y), (&a + order() - &b) % order());
        prop_assert_eq!(value(x * y), &a * &b % order());
        prop_assert_eq!(value(-x), (order() - &a) % order());
        prop_assert_eq!(x.inverse().map(value), a.modinv(&order()));
        prop_assert_eq!(Scalar::from_bytes(&x.to_bytes()), Ok(x));
    }

    #[test]
    fn wide_integers_are_reduced(high in limbs(), low in limbs()) {
        let wide: BigUint = (integer(&high) << 320_u32) + integer(&low);
        let mut bytes = [0; 80];
        let digits = wide.to_bytes_be();
        bytes[80 - digits.len()..].copy_from_slice(&digits);
        prop_assert_eq!(value(Scalar::from_wide_bytes(&bytes)), wide % order());
    }

    #[test]
    fn small_integers_and_powers_of_two(small: u128, exponent in 0_u32..700) {
        prop_assert_eq!(value(Scalar::from_u128(small)), BigUint::from(small));
        prop_assert_eq!(value(Scalar::power_of_two(exponent)), (BigUint::from(1_u32) << exponent) % order());
    }
}
