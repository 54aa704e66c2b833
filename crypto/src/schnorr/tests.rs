use proptest::prelude::*;

use super::*;
use crate::curve::{GENERATOR, ORDER, TWO_TORSION, d1};
use crate::scalar::LIMBS;

fn message(first: u64) -> Digest {
    Digest([first, 2, 3, 4].map(Goldilocks::from_u64))
}

fn example() -> (SecretKey, Digest, Signature) {
    let secret = SecretKey::from_seed(&[7; 32]);
    let signature = sign(&secret, &message(1));
    (secret, message(1), signature)
}

/// Whether the circuit's steps exist and end at a point with the x coordinate of `R`; without the
/// exclusion of keys.
fn walk_accepts(shifted: &Point, message: &Digest, r_x: &Fp5, s: &[u64; LIMBS]) -> bool {
    let e = challenge(r_x, &key_digest(shifted).unwrap(), message);
    walk::walk(shifted, e, s).is_some_and(|walk| walk.end.x() == Some(*r_x))
}

/// A signature for any finite `P'` by whoever knows `x` with `P'` = `x·G + D1` or `x·G + D1 + N`.
fn sign_for(shifted: &Point, x: Scalar, message: &Digest) -> (Fp5, Scalar) {
    let nonce = Scalar::from_u128(0x1234_5678_9abc_def0);
    let r_x = Point::mul_generator(&nonce).x().unwrap();
    let e = challenge(&r_x, &key_digest(shifted).unwrap(), message);
    (r_x, nonce - Scalar::power_of_two(80) * Scalar::from_u128(e) * x)
}

/// `s + n` as an integer, without reduction.
fn plus_order(s: &Scalar) -> [u64; LIMBS] {
    let mut sum = [0; LIMBS];
    let mut carry = false;
    for i in 0..LIMBS {
        (sum[i], carry) = s.limbs()[i].carrying_add(ORDER[i], carry);
    }
    assert!(!carry, "2n is below 2^320");
    sum
}

#[test]
fn signing_is_deterministic_and_binds_key_and_message() {
    let (secret, message_1, signature) = example();
    assert_eq!(signature, sign(&secret, &message_1));
    assert!(verify(secret.public_key(), &message_1, &signature));
    assert!(!verify(secret.public_key(), &message(2), &signature));
    let other = SecretKey::from_seed(&[8; 32]);
    assert!(!verify(other.public_key(), &message_1, &signature));
    assert_ne!(signature.r, sign(&secret, &message(2)).r);
    assert_ne!(signature.r, sign(&other, &message_1).r);
}

#[test]
fn key_plus_point_of_order_two_signs_but_is_no_key() {
    let (secret, message, signature) = example();
    let shifted = secret.public_key().point() + TWO_TORSION;
    assert_eq!(PublicKey::from_point(shifted), Err(DecodeError::NotAPoint));
    // The digest differs, and with it the challenge.
    let (r_x, s) = (signature.r.x().unwrap(), signature.s.limbs());
    assert!(!holds(&shifted, &message, &r_x, &s));
    assert!(!walk_accepts(&shifted, &message, &r_x, &s));
    // Its owner can sign for it: relation and walk agree.
    let (r_x, s) = sign_for(&shifted, *secret.scalar(), &message);
    assert!(holds(&shifted, &message, &r_x, &s.limbs()));
    assert!(walk_accepts(&shifted, &message, &r_x, &s.limbs()));
}

#[test]
fn response_plus_order_holds_but_is_not_decoded() {
    let (secret, message, signature) = example();
    let (shifted, r_x, s) = (secret.public_key().point(), signature.r.x().unwrap(), plus_order(&signature.s));
    assert!(holds(&shifted, &message, &r_x, &s));
    assert!(walk_accepts(&shifted, &message, &r_x, &s));
    let mut bytes = signature.encode();
    for (chunk, limb) in bytes[40..].chunks_exact_mut(8).zip(s.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    assert_eq!(Signature::decode(&bytes), Err(DecodeError::ScalarNotReduced));
    assert_eq!(Scalar::reduce(s), signature.s);
}

#[test]
fn negative_commitment_signs_too() {
    let (secret, message, signature) = example();
    let negated = Signature { r: -signature.r, ..signature };
    assert!(verify(secret.public_key(), &message, &negated));
    assert_eq!(Signature::decode(&negated.encode()), Ok(negated));
}

#[test]
fn commitment_plus_point_of_order_two_is_refused() {
    let (secret, message, signature) = example();
    let moved = Signature { r: signature.r + TWO_TORSION, ..signature };
    assert!(!verify(secret.public_key(), &message, &moved));
    let r_x = moved.r.x().unwrap();
    assert!(!walk_accepts(&secret.public_key().point(), &message, &r_x, &moved.s.limbs()));
}

#[test]
fn commitment_outside_of_the_subgroup_is_refused_even_if_the_signer_hashes_it() {
    let (secret, message, _) = example();
    let shifted = secret.public_key().point();
    let nonce = Scalar::from_u128(99);
    let r_x = (Point::mul_generator(&nonce) + TWO_TORSION).x().unwrap();
    let e = challenge(&r_x, &secret.public_key().digest(), &message);
    let s = nonce - Scalar::power_of_two(80) * Scalar::from_u128(e) * *secret.scalar();
    assert!(!holds(&shifted, &message, &r_x, &s.limbs()));
    assert!(!walk_accepts(&shifted, &message, &r_x, &s.limbs()));
}

#[test]
fn keys_under_which_anyone_signs_are_excluded() {
    for shifted in [d1(), d1() + TWO_TORSION] {
        // s = k needs no secret, and the steps alone accept it: only the exclusion does not.
        let (r_x, s) = sign_for(&shifted, Scalar::ZERO, &message(1));
        assert!(walk_accepts(&shifted, &message(1), &r_x, &s.limbs()));
        for excluded in [shifted, -shifted] {
            assert!(is_excluded(&excluded));
            assert!(!holds(&excluded, &message(1), &r_x, &s.limbs()));
            assert!(PublicKey::from_point(excluded).is_err());
        }
    }
    for excluded in [d1(), -d1()] {
        assert_eq!(PublicKey::decode(&excluded.encode()), Err(DecodeError::ExcludedKey));
    }
    assert!(SecretKey::from_scalar(Scalar::ZERO).is_none());
}

#[test]
fn neutral_points_are_no_key_and_no_commitment() {
    let (secret, message, signature) = example();
    assert_eq!(PublicKey::decode(&[0; 40]), Err(DecodeError::Neutral));
    assert_eq!(PublicKey::from_point(Point::INFINITY), Err(DecodeError::Neutral));
    assert_eq!(key_digest(&Point::INFINITY), None);
    assert!(!holds(&Point::INFINITY, &message, &signature.r.x().unwrap(), &signature.s.limbs()));
    let mut bytes = signature.encode();
    bytes[..40].fill(0);
    assert_eq!(Signature::decode(&bytes), Err(DecodeError::Neutral));
    let neutral = Signature { r: Point::INFINITY, ..signature };
    assert!(!verify(secret.public_key(), &message, &neutral));
}

#[test]
fn alias_of_an_element_is_refused() {
    // The generator is -4 in the first element and 0 in the others; p is another name of 0.
    for position in 1..5 {
        let mut bytes = GENERATOR.encode();
        bytes[8 * position..8 * position + 8].copy_from_slice(&Goldilocks::ORDER.to_be_bytes());
        assert_eq!(PublicKey::decode(&bytes), Err(DecodeError::NotCanonical { position }));
        let mut signature = example().2.encode();
        signature[..40].copy_from_slice(&bytes);
        assert_eq!(Signature::decode(&signature), Err(DecodeError::NotCanonical { position }));
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (secret, message, signature) = example();
    let flipped = |bytes: &[u8], bit: usize| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    for bit in 0..8 * SIGNATURE_LEN {
        let bytes = flipped(&signature.encode(), bit).try_into().unwrap();
        let accepted = Signature::decode(&bytes).is_ok_and(|s| verify(secret.public_key(), &message, &s));
        assert!(!accepted, "signature bit {bit}");
    }
    for bit in 0..8 * 40 {
        let bytes = flipped(&secret.public_key().encode(), bit).try_into().unwrap();
        assert!(!PublicKey::decode(&bytes).is_ok_and(|key| verify(&key, &message, &signature)), "key bit {bit}");
    }
    for bit in 0..8 * 32 {
        let bytes = flipped(&message.to_bytes(), bit).try_into().unwrap();
        let accepted = Digest::from_bytes(&bytes).is_some_and(|m| verify(secret.public_key(), &m, &signature));
        assert!(!accepted, "message bit {bit}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let (secret, ..) = example();
    let printed = format!("{secret:?}");
    let digits = format!("{:?}", secret.scalar());
    assert!(printed.contains("public"));
    for limb in digits.trim_start_matches("0x").as_bytes().chunks(16) {
        assert!(!printed.contains(core::str::from_utf8(limb).unwrap()));
    }
    for limb in secret.scalar().limbs() {
        assert!(!printed.contains(&limb.to_string()));
    }
}

#[test]
fn random_keys_differ() {
    let (a, b) = (SecretKey::random().unwrap(), SecretKey::random().unwrap());
    assert_ne!(a.public_key(), b.public_key());
}

#[test]
fn steps_without_value() {
    let q = Point::mul_generator(&Scalar::from_u128(12));
    assert_eq!(walk::step(&q, &q), None);
    assert_eq!(walk::step(&q, &-q), None);
    // The sum Q + T is -Q, and then the result is neutral.
    assert_eq!(walk::step(&q, &-q.double()), None);
    assert_eq!(walk::step(&Point::INFINITY, &q), None);
    assert_eq!(walk::step(&q, &Point::INFINITY), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn honest_signatures_are_valid_everywhere(seed: [u8; 32], elements: [u64; 4]) {
        let secret = SecretKey::from_seed(&seed);
        let key = *secret.public_key();
        let message = Digest(elements.map(Goldilocks::from_u64));
        let signature = sign(&secret, &message);
        prop_assert!(signature.r.is_in_subgroup());
        prop_assert!(verify(&key, &message, &signature));
        prop_assert_eq!(PublicKey::decode(&key.encode()), Ok(key));
        prop_assert_eq!(Signature::decode(&signature.encode()), Ok(signature));
        let e = challenge(&signature.r.x().unwrap(), &key.digest(), &message);
        let walk = walk::walk(&key.point(), e, &signature.s.limbs()).unwrap();
        prop_assert_eq!(walk.end, signature.r);
        prop_assert_eq!((walk.challenge.len(), walk.comb.len()), (walk::CHALLENGE_STEPS, walk::COMB_STEPS));
    }

    #[test]
    fn relation_and_walk_agree_on_any_response(seed: [u8; 32], s: [u64; LIMBS], r: [u64; LIMBS]) {
        let shifted = SecretKey::from_seed(&seed).public_key().point();
        let r_x = Point::mul_generator(&Scalar::reduce(r)).x().unwrap();
        prop_assert!(!holds(&shifted, &message(1), &r_x, &s));
        prop_assert!(!walk_accepts(&shifted, &message(1), &r_x, &s));
    }

    #[test]
    fn a_walk_is_a_linear_combination(seed: [u8; 32], e: u128, s: [u64; LIMBS]) {
        let secret = SecretKey::from_seed(&seed);
        let shifted = secret.public_key().point();
        let end = walk::walk(&shifted, e, &s).unwrap().end;
        let factor = Scalar::power_of_two(80) * Scalar::from_u128(e);
        prop_assert_eq!(end, GENERATOR * &Scalar::reduce(s) + (shifted - d1()) * &factor);
    }

    #[test]
    fn a_step_is_two_q_plus_t_and_satisfies_the_circuit(a in 1_u128..1000, b in 1_u128..1000) {
        let (q, t) = (Point::mul_generator(&Scalar::from_u128(a)), Point::mul_generator(&Scalar::from_u128(b)));
        let Some(step) = walk::step(&q, &t) else {
            prop_assert_eq!(a, b);
            return Ok(());
        };
        prop_assert_eq!(step.after, q + t + q);
        let ((x, y), (t_x, t_y)) = (q.coordinates().unwrap(), t.coordinates().unwrap());
        let sum_x = step.l1.square() - x - t_x;
        prop_assert_eq!(step.l1 * (t_x - x), t_y - y);
        prop_assert_eq!((step.l1 + step.l2) * (sum_x - x) + y.double(), Fp5::ZERO);
    }
}
