//! The files in `tests/vectors` say what this crate computes, for other implementations to compare
//! with.
//!
//! The tests fail if a file differs from what the code gives; `WEFT_UPDATE_VECTORS=1` writes the
//! files instead. Numbers are hexadecimal texts: elements of 16 digits, bytes as they are encoded.

use std::path::Path;

use serde::Serialize;
use weft_crypto::curve::{self, Point};
use weft_crypto::poseidon::{self, WIDTH};
use weft_crypto::quintic::Fp5;
use weft_crypto::scalar::Scalar;
use weft_crypto::schnorr::{self, PublicKey, SecretKey, Signature};
use weft_crypto::{Digest, Goldilocks, Tag};

fn check(name: &str, vectors: &impl Serialize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name);
    let text = serde_json::to_string_pretty(vectors).expect("texts and lists are JSON") + "\n";
    if std::env::var_os("WEFT_UPDATE_VECTORS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).expect("the directory of vectors can be written");
        return;
    }
    let stored = std::fs::read_to_string(&path).expect("the file of vectors is there");
    assert!(stored == text, "{name} differs from what the code gives");
}

fn element(value: Goldilocks) -> String {
    format!("0x{:016x}", value.as_u64())
}

fn elements(values: &[Goldilocks]) -> Vec<String> {
    values.iter().copied().map(element).collect()
}

fn bytes(value: &[u8]) -> String {
    format!("0x{}", hex::encode(value))
}

fn scalar(value: &Scalar) -> String {
    bytes(&value.to_bytes())
}

/// Distinct elements without structure, all over the field.
fn samples(seed: u64) -> impl Iterator<Item = Goldilocks> {
    let step = Goldilocks::from_u64(0x9e37_79b9_7f4a_7c15);
    (1..).map(move |i| (step * Goldilocks::from_u64(i) + Goldilocks::from_u64(seed)).pow(5))
}

fn digest(seed: u64) -> Digest {
    let mut values = samples(seed);
    Digest(core::array::from_fn(|_| values.next().expect("the samples do not end")))
}

#[derive(Serialize)]
struct HashVectors {
    permutations: Vec<Permutation>,
    hashes: Vec<Hash>,
    nodes: Vec<Node>,
}

#[derive(Serialize)]
struct Permutation {
    before: Vec<String>,
    after: Vec<String>,
}

#[derive(Serialize)]
struct Hash {
    tag: u64,
    elements: Vec<String>,
    digest: String,
}

#[derive(Serialize)]
struct Node {
    left: String,
    right: String,
    digest: String,
}

fn permutation(before: [Goldilocks; WIDTH]) -> Permutation {
    let mut after = before;
    poseidon::permute(&mut after);
    Permutation { before: elements(&before), after: elements(&after) }
}

fn hash(tag: Tag, length: usize) -> Hash {
    let input: Vec<_> = samples(tag.0).take(length).collect();
    let digest = poseidon::hash(tag, &input).to_string();
    Hash { tag: tag.0, elements: elements(&input), digest }
}

fn node(left: Digest, right: Digest) -> Node {
    let digest = poseidon::compress(&left, &right).to_string();
    Node { left: left.to_string(), right: right.to_string(), digest }
}

#[test]
fn hash_vectors() {
    let mut values = samples(0);
    let random = core::array::from_fn(|_| values.next().expect("the samples do not end"));
    let counting = core::array::from_fn(|i| Goldilocks::from_u64(i as u64));
    let largest = [-Goldilocks::ONE; WIDTH];
    let lengths = [
        (Tag::LEAF, 32),
        (Tag::MESSAGE, 16),
        (Tag::CHAIN, 7),
        (Tag::STATE, 21),
        (Tag::KEY, 10),
        (Tag::SIGNATURE, 13),
        (Tag::CONTEXT, 6),
        (Tag::DOMAIN, 8),
        (Tag::DOMAIN, 0),
        (Tag::CURVE, 1),
        (Tag::CURVE, 9),
    ];
    check(
        "hash.json",
        &HashVectors {
            permutations: [[Goldilocks::ZERO; WIDTH], counting, largest, random].map(permutation).into(),
            hashes: lengths.map(|(tag, length)| hash(tag, length)).into(),
            nodes: vec![node(Digest::ZERO, Digest::ZERO), node(digest(1), digest(2)), node(digest(2), digest(1))],
        },
    );
}

#[derive(Serialize)]
struct KeyVectors {
    generator: Coordinates,
    point_of_order_two: Coordinates,
    d1: Coordinates,
    d2: Coordinates,
    walk_start: Coordinates,
    comb_table: Vec<Coordinates>,
    group_order: String,
    keys: Vec<Key>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Coordinates {
    x: Vec<String>,
    y: Vec<String>,
}

#[derive(Serialize)]
struct Key {
    seed: String,
    shifted: Coordinates,
    encoded: String,
    digest: String,
}

/// An encoding that decoding must refuse, and why.
#[derive(Serialize)]
struct Refused {
    encoded: String,
    reason: String,
}

fn coordinates(point: &Point) -> Coordinates {
    let (x, y) = point.coordinates().expect("the points are finite");
    Coordinates { x: elements(&x.0), y: elements(&y.0) }
}

fn key(seed: [u8; 32]) -> Key {
    let secret = SecretKey::from_seed(&seed);
    let public = secret.public_key();
    Key {
        seed: bytes(&seed),
        shifted: coordinates(&public.point()),
        encoded: bytes(&public.encode()),
        digest: public.digest().to_string(),
    }
}

fn refused_key(encoded: [u8; 40]) -> Refused {
    Refused {
        encoded: bytes(&encoded),
        reason: PublicKey::decode(&encoded).expect_err("the encoding is refused").to_string(),
    }
}

/// `encoded` with 8 bytes replaced by the order of the field, an alias of 0.
fn with_alias(encoded: [u8; 40], position: usize) -> [u8; 40] {
    let mut changed = encoded;
    changed[8 * position..8 * position + 8].copy_from_slice(&Goldilocks::ORDER.to_be_bytes());
    changed
}

/// The first small `w` that encodes no point.
fn no_point() -> [u8; 40] {
    let mut encodings = (1..).map(|w| Fp5::from_u64s([w, 0, 0, 0, 0]).to_bytes());
    encodings.find(|encoded| Point::decode(encoded).is_err()).expect("every second one is no point")
}

#[test]
fn key_vectors() {
    let refused = [
        [0; 40],
        with_alias(curve::GENERATOR.encode(), 1),
        with_alias(curve::GENERATOR.encode(), 4),
        no_point(),
        curve::d1().encode(),
        (-curve::d1()).encode(),
    ];
    check(
        "key.json",
        &KeyVectors {
            generator: coordinates(&curve::GENERATOR),
            point_of_order_two: coordinates(&curve::TWO_TORSION),
            d1: coordinates(&curve::d1()),
            d2: coordinates(&curve::d2()),
            walk_start: coordinates(&curve::q0()),
            comb_table: curve::comb_table().iter().map(coordinates).collect(),
            group_order: bytes(&order_bytes()),
            keys: [[0; 32], [1; 32], core::array::from_fn(|i| i.to_le_bytes()[0])].map(key).into(),
            refused: refused.map(refused_key).into(),
        },
    );
}

/// The order `n`, as a scalar would be encoded.
fn order_bytes() -> [u8; 40] {
    let mut encoded = [0; 40];
    for (chunk, limb) in encoded.chunks_exact_mut(8).zip(curve::ORDER.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    encoded
}

#[derive(Serialize)]
struct SignatureVectors {
    signatures: Vec<Signed>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Signed {
    seed: String,
    key: String,
    message: String,
    commitment_x: Vec<String>,
    challenge: String,
    response: String,
    encoded: String,
    valid: bool,
}

fn signed(seed: [u8; 32], message: Digest, change: impl Fn(Signature) -> Signature) -> Signed {
    let secret = SecretKey::from_seed(&seed);
    let public = secret.public_key();
    let signature = change(schnorr::sign(&secret, &message));
    let r_x = signature.r.x().expect("commitments are finite");
    Signed {
        seed: bytes(&seed),
        key: bytes(&public.encode()),
        message: message.to_string(),
        commitment_x: elements(&r_x.0),
        challenge: format!("0x{:032x}", schnorr::challenge(&r_x, &public.digest(), &message)),
        response: scalar(&signature.s),
        encoded: bytes(&signature.encode()),
        valid: schnorr::verify(public, &message, &signature),
    }
}

fn refused_signature(commitment: [u8; 40], response: [u8; 40]) -> Refused {
    let mut encoded = [0; 80];
    encoded[..40].copy_from_slice(&commitment);
    encoded[40..].copy_from_slice(&response);
    Refused {
        encoded: bytes(&encoded),
        reason: Signature::decode(&encoded).expect_err("the encoding is refused").to_string(),
    }
}

#[test]
fn signature_vectors() {
    let generator = curve::GENERATOR.encode();
    let one = Scalar::ONE.to_bytes();
    let signatures = vec![
        signed([0; 32], Digest::ZERO, |signature| signature),
        signed([1; 32], digest(7), |signature| signature),
        signed([1; 32], digest(8), |signature| signature),
        signed([1; 32], digest(8), |signature| Signature { r: -signature.r, ..signature }),
        signed([1; 32], digest(8), |signature| Signature { s: signature.s + Scalar::ONE, ..signature }),
        signed([1; 32], digest(8), |signature| Signature { s: -signature.s, ..signature }),
        signed([1; 32], digest(8), |signature| Signature { r: signature.r.double(), ..signature }),
    ];
    let valid: Vec<_> = signatures.iter().map(|signed| signed.valid).collect();
    assert_eq!(valid, [true, true, true, true, false, false, false]);
    check(
        "signature.json",
        &SignatureVectors {
            signatures,
            refused: vec![
                refused_signature([0; 40], one),
                refused_signature(with_alias(generator, 2), one),
                refused_signature(no_point(), one),
                refused_signature(generator, order_bytes()),
                refused_signature(generator, [0xff; 40]),
            ],
        },
    );
}
