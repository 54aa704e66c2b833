//! Schnorr signatures over ecGFp5, shaped so that a circuit verifies them in few rows.
//!
//! With secret key `x`, `P = x·G`, and `P' = P + D1` the public key (what is stored, sent and
//! hashed):
//!
//! * challenge: the integer `e = 2^64·e0 + e1`, with `e0, e1` the first two outputs of
//!   `H(SIGNATURE; R.x ‖ key digest ‖ message)`;
//! * valid: `s·G + 2^80·e·(P' - D1)` is finite and its x coordinate is `R.x`;
//! * signing: `R = k·G`, `s = k - 2^80·e·x mod n`.
//!
//! The factor `2^80` makes the last point of the circuit's walk ([`walk`]) the commitment `R`
//! itself. It also removes the point of order two: keys `P'` and `P' + N` accept the same
//! signatures up to their digests. As only x coordinates are compared, `R` and `-R` sign the same,
//! and the circuit takes `s` and `s + n`: nothing may be keyed on signature bytes.
//!
//! # Agreement
//!
//! For every key and message, [`verify`] and the circuit agree on whether a valid signature exists.
//! [`holds`] is the relation that the circuit proves, for any point of the curve as `P'` and any
//! integer of 320 bits as `s`.

mod key;
pub mod walk;

use crate::curve::{self, Jacobian, Point};
use crate::quintic::Fp5;
use crate::scalar::{self, Scalar};
use crate::{DecodeError, Digest, Goldilocks, Tag, poseidon};
use key::Commitment;
pub use key::{PublicKey, SecretKey, excluded_x, is_excluded, key_digest};

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = curve::ENCODED_LEN + scalar::ENCODED_LEN;

/// A signature `(R, s)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Signature {
    /// The commitment `R`, a finite point of the prime-order subgroup.
    pub r: Point,
    /// The response `s`.
    pub s: Scalar,
}

impl Signature {
    /// 80 bytes: `R` ‖ `s`.
    #[must_use]
    pub fn encode(&self) -> [u8; SIGNATURE_LEN] {
        let mut bytes = [0; SIGNATURE_LEN];
        let (r, s) = bytes.split_at_mut(curve::ENCODED_LEN);
        r.copy_from_slice(&self.r.encode());
        s.copy_from_slice(&self.s.to_bytes());
        bytes
    }

    /// The inverse of [`Self::encode`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if `R` is not canonical, no point of the subgroup, or neutral, or if `s` is
    /// not below `n`.
    pub fn decode(bytes: &[u8; SIGNATURE_LEN]) -> Result<Self, DecodeError> {
        let [r, s] = [0, curve::ENCODED_LEN].map(|start| core::array::from_fn(|i| bytes[start + i]));
        let r = Point::decode(&r)?;
        if r.is_infinity() {
            return Err(DecodeError::Neutral);
        }
        Ok(Self { r, s: Scalar::from_bytes(&s)? })
    }
}

/// The signature of `message`; the same secret and message give the same signature.
#[must_use]
pub fn sign(secret: &SecretKey, message: &Digest) -> Signature {
    let Commitment { nonce, r, r_x } = secret.commit(message);
    let e = challenge(&r_x, &secret.public_key().digest(), message);
    let s = *nonce - Scalar::power_of_two(80) * Scalar::from_u128(e) * *secret.scalar();
    Signature { r, s }
}

/// Whether `signature` is valid for the key and the message.
#[must_use]
pub fn verify(key: &PublicKey, message: &Digest, signature: &Signature) -> bool {
    signature.r.x().is_some_and(|r_x| holds(&key.point(), message, &r_x, &signature.s.limbs()))
}

/// The relation that the circuit proves: `P'` (`shifted`), a point of the curve, is not excluded,
/// and `s·G + 2^80·e·(P' - D1)` is finite with x coordinate `r_x`.
///
/// `s` is any integer of 320 bits, least significant limb first.
#[must_use]
pub fn holds(shifted: &Point, message: &Digest, r_x: &Fp5, s: &[u64; scalar::LIMBS]) -> bool {
    if is_excluded(shifted) {
        return false;
    }
    let Some(digest) = key_digest(shifted) else {
        return false;
    };
    let e = challenge(r_x, &digest, message);
    let [low, high, ..] = Scalar::from_u128(e).limbs();
    Jacobian::multiply(&(*shifted - curve::d1()), &[low, high]).comb(s).has_x(*r_x)
}

/// The challenge `e = 2^64·e0 + e1`, where `e0, e1 < p` are the first two outputs of
/// `H(SIGNATURE; r_x ‖ key digest ‖ message)`.
#[must_use]
pub fn challenge(r_x: &Fp5, key_digest: &Digest, message: &Digest) -> u128 {
    let mut elements = [Goldilocks::ZERO; 13];
    elements[..5].copy_from_slice(&r_x.0);
    elements[5..9].copy_from_slice(&key_digest.0);
    elements[9..].copy_from_slice(&message.0);
    let [e0, e1, ..] = poseidon::hash(Tag::SIGNATURE, &elements).0;
    u128::from(e0.as_u64()) << 64 | u128::from(e1.as_u64())
}

#[cfg(test)]
mod tests;
