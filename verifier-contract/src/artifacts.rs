//! The compiled contracts, as committed in `artifacts/`.

use alloy::primitives::{Bytes, hex};
use serde::Deserialize;

/// A compiled contract.
#[derive(Clone, Copy, Debug)]
pub struct Artifact {
    json: &'static str,
}

#[derive(Deserialize)]
struct Code {
    bytecode: String,
}

impl Artifact {
    /// The rollup.
    pub const ROLLUP: Self = Self { json: include_str!("../artifacts/Rollup.json") };
    /// The verifier of proofs of the circuits of a deployment. Its constructor takes the address of [`Self::GATES`].
    pub const VERIFIER: Self = Self { json: include_str!("../artifacts/Verifier.json") };
    /// The part of the verifier that evaluates the constraints of gates.
    pub const GATES: Self = Self { json: include_str!("../artifacts/Gates.json") };
    /// A token that anyone may mint, for development.
    pub const TEST_TOKEN: Self = Self { json: include_str!("../artifacts/TestToken.json") };

    /// A contract whose artifact lies elsewhere: `json` is the file's text.
    #[must_use]
    pub const fn from_json(json: &'static str) -> Self {
        Self { json }
    }

    /// The code that deploys the contract, without constructor arguments.
    ///
    /// # Panics
    /// If the text is not that of an artifact: a member `bytecode` in hex.
    #[must_use]
    pub fn creation_code(&self) -> Bytes {
        let code: Code = serde_json::from_str(self.json).expect("an artifact has a bytecode");
        hex::decode(code.bytecode).expect("a bytecode is hex").into()
    }
}
