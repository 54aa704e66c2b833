//! What the tests of the generated contracts share.

use alloy::primitives::{U256, keccak256};

/// Creation code of an artifact.
pub(crate) fn creation_code(artifact: &str) -> Vec<u8> {
    let json: serde_json::Value = serde_json::from_str(artifact).expect("an artifact is JSON");
    let code = json["bytecode"].as_str().expect("an artifact has a bytecode");
    hex::decode(code.trim_start_matches("0x")).expect("a bytecode is hex")
}

/// First four bytes of the hash of a function's or an error's signature.
pub(crate) fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature)[..4].try_into().expect("four bytes")
}

/// A value as a word.
pub(crate) fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}
