//! Keys.

use core::fmt;
use std::sync::LazyLock;

use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::curve::{self, Point};
use crate::quintic::Fp5;
use crate::scalar::{self, Scalar};
use crate::{DecodeError, Digest, Goldilocks, Tag, poseidon};

/// Separates the derivation of secret keys from that of nonces.
const KEY_LABEL: &[u8] = b"weft secret key v1";
const NONCE_LABEL: &[u8] = b"weft signature nonce v1";

/// A public key `P' = P + D1`: a finite point of the prime-order subgroup that is not excluded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PublicKey {
    x: Fp5,
    y: Fp5,
}

impl PublicKey {
    /// The key with this `P'`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the point is neutral, outside of the prime-order subgroup, or excluded.
    pub fn from_point(shifted: Point) -> Result<Self, DecodeError> {
        let (x, y) = shifted.coordinates().ok_or(DecodeError::Neutral)?;
        if !shifted.is_in_subgroup() {
            return Err(DecodeError::NotAPoint);
        }
        if is_excluded(&shifted) {
            return Err(DecodeError::ExcludedKey);
        }
        Ok(Self { x, y })
    }

    /// 40 bytes, as [`Point::encode`].
    #[must_use]
    pub fn encode(&self) -> [u8; curve::ENCODED_LEN] {
        self.point().encode()
    }

    /// The inverse of [`Self::encode`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if an element is not canonical or the point is not that of a key
    /// ([`Self::from_point`]).
    pub fn decode(bytes: &[u8; curve::ENCODED_LEN]) -> Result<Self, DecodeError> {
        Self::from_point(Point::decode(bytes)?)
    }

    /// The point `P'`.
    #[must_use]
    pub const fn point(&self) -> Point {
        Point::new_unchecked(self.x, self.y)
    }

    /// What the state stores: `H(KEY; P'.x ‖ P'.y)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(&self.x, &self.y)
    }
}

static EXCLUDED_X: LazyLock<[Fp5; 2]> = LazyLock::new(|| {
    let points = [curve::d1(), curve::d1() + curve::TWO_TORSION];
    points.map(|point| point.x().expect("D1 and N have different orders above 1, so that the sum is finite"))
});

/// The x coordinates of D1 and of D1 + N.
///
/// Under `P' = D1` and `P' = D1 + N` the challenge drops out and anyone can sign. Their negatives
/// are refused along with them, so that a circuit compares one coordinate only.
#[must_use]
pub fn excluded_x() -> &'static [Fp5; 2] {
    &EXCLUDED_X
}

/// Whether `P'` has one of the excluded x coordinates ([`excluded_x`]), or is neutral.
#[must_use]
pub fn is_excluded(shifted: &Point) -> bool {
    shifted.x().is_none_or(|x| excluded_x().contains(&x))
}

/// `H(KEY; P'.x ‖ P'.y)` for any finite point, or `None` for the neutral one.
#[must_use]
pub fn key_digest(shifted: &Point) -> Option<Digest> {
    shifted.coordinates().map(|(x, y)| digest_of(&x, &y))
}

fn digest_of(x: &Fp5, y: &Fp5) -> Digest {
    let mut elements = [Goldilocks::ZERO; 10];
    elements[..5].copy_from_slice(&x.0);
    elements[5..].copy_from_slice(&y.0);
    poseidon::hash(Tag::KEY, &elements)
}

/// A secret key `x` in `1..n` and its public key. Wiped on drop, and never printed.
#[derive(Clone)]
pub struct SecretKey {
    scalar: Scalar,
    public: PublicKey,
}

impl SecretKey {
    /// The key that a seed of 32 uniform bytes determines.
    ///
    /// It is the first of `SHAKE256("weft secret key v1" ‖ seed ‖ c) mod n` that is a key, with 80
    /// bytes of output read big-endian, and `c = 0, 1, …` in 4 bytes big-endian. The one of `c = 0`
    /// is, but with probability below 2^-300.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mut counter = 0_u32;
        loop {
            let scalar = Zeroizing::new(wide_hash(&[KEY_LABEL, seed, &counter.to_be_bytes()]));
            if let Some(key) = Self::from_scalar(*scalar) {
                return key;
            }
            counter += 1;
        }
    }

    /// A key from the randomness of the operating system.
    ///
    /// # Errors
    ///
    /// [`getrandom::Error`] if the operating system has none to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice())?;
        Ok(Self::from_seed(&seed))
    }

    /// The key with this scalar, or `None` if the scalar is 0 or its public key is excluded.
    #[must_use]
    pub fn from_scalar(scalar: Scalar) -> Option<Self> {
        let public = PublicKey::from_point(Point::mul_generator(&scalar) + curve::d1()).ok()?;
        Some(Self { scalar, public })
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The secret scalar `x`.
    pub(super) const fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The nonce `k` and commitment of the signature of `message`.
    ///
    /// The nonce is the first of `SHAKE256("weft signature nonce v1" ‖ x ‖ message ‖ c) mod n` that
    /// is not 0, with 80 bytes of output read big-endian, and `c = 0, 1, …` in 4 bytes big-endian.
    pub(super) fn commit(&self, message: &Digest) -> Commitment {
        let secret = Zeroizing::new(self.scalar.to_bytes());
        let message = message.to_bytes();
        let mut counter = 0_u32;
        loop {
            let parts = [NONCE_LABEL, secret.as_slice(), &message, &counter.to_be_bytes()];
            let nonce = Zeroizing::new(wide_hash(&parts));
            let r = Point::mul_generator(&nonce);
            if let Some(r_x) = r.x() {
                return Commitment { nonce, r, r_x };
            }
            counter += 1;
        }
    }
}

/// What a signature starts with.
pub(super) struct Commitment {
    /// The secret `k`.
    pub(super) nonce: Zeroizing<Scalar>,
    /// `R = k·G`, finite.
    pub(super) r: Point,
    /// The x coordinate of `R`.
    pub(super) r_x: Fp5,
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}

impl ZeroizeOnDrop for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// 80 bytes of SHAKE256 over the parts, modulo `n`. The parts have fixed lengths.
fn wide_hash(parts: &[&[u8]]) -> Scalar {
    let mut hasher = Shake256::default();
    for part in parts {
        hasher.update(part);
    }
    let mut bytes = Zeroizing::new([0; 2 * scalar::ENCODED_LEN]);
    hasher.finalize_xof().read(bytes.as_mut_slice());
    Scalar::from_wide_bytes(&bytes)
}
