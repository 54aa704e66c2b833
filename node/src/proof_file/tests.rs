use proptest::prelude::*;
use weft_protocol::testing::{arb_address, arb_digest};

use super::*;

fn arb_file() -> impl Strategy<Value = ProofFile> {
    let deployment = (any::<u64>(), arb_address(), arb_digest());
    let batch = (any::<u32>(), any::<u64>(), arb_digest(), arb_digest());
    let bytes = proptest::collection::vec(any::<u8>(), 0..100);
    (deployment, batch, bytes.clone(), any::<[u8; 32]>(), bytes).prop_map(
        |(deployment, batch, records, circuit, proof)| ProofFile {
            version: ProofFile::VERSION,
            chain_id: deployment.0,
            contract: deployment.1,
            genesis_salt: deployment.2,
            number: batch.0,
            timestamp: batch.1,
            root_before: batch.2,
            root_after: batch.3,
            records: HexBytes(records),
            circuit: CircuitDigest(circuit),
            proof: HexBytes(proof),
        },
    )
}

proptest! {
    #[test]
    fn reading_undoes_writing(file in arb_file()) {
        prop_assert_eq!(ProofFile::from_bytes(&file.to_bytes()).unwrap(), file);
    }

    #[test]
    fn no_byte_is_without_meaning(file in arb_file(), position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let bytes = file.to_bytes();
        let mut changed = bytes.clone();
        changed[position.index(bytes.len())] = byte;
        match ProofFile::from_bytes(&changed) {
            Ok(other) => prop_assert_eq!(other == file, changed == bytes),
            Err(_) => prop_assert_ne!(changed, bytes),
        }
    }
}

fn refusal(text: &str) -> FormatError {
    ProofFile::from_bytes(text.as_bytes()).expect_err("it is refused")
}

#[test]
fn other_forms_are_refused() {
    let file = ProofFile {
        version: 1,
        chain_id: 1,
        contract: Address([0xab; 20]),
        genesis_salt: Digest::ZERO,
        number: 1,
        timestamp: 5,
        root_before: Digest::ZERO,
        root_after: Digest::ZERO,
        records: HexBytes(vec![0; RECORD_BYTES]),
        circuit: CircuitDigest([1; 32]),
        proof: HexBytes(vec![2]),
    };
    let text = String::from_utf8(file.to_bytes()).unwrap();
    assert!(matches!(refusal(&format!("{text}\n")), FormatError::NotCanonical { .. }));
    assert!(matches!(refusal(&text.replace("0xab", "0xAB")), FormatError::NotCanonical { .. }));
    assert!(matches!(refusal(&text.replace("\"version\":1", "\"version\":2")), FormatError::Version { got: 2, .. }));
    assert!(matches!(refusal(&text.replace("chain_id", "chain")), FormatError::Json(_)));
    let too_large = format!("\"root_after\":\"0x{}\"", "ff".repeat(32));
    let zero = format!("\"root_after\":\"0x{}\"", "00".repeat(32));
    assert!(matches!(refusal(&text.replace(&zero, &too_large)), FormatError::Digest { field: "root_after" }));
    assert!(file.statement().is_ok());
    let cut = ProofFile { records: HexBytes(vec![0; RECORD_BYTES + 1]), ..file.clone() };
    assert!(matches!(cut.statement(), Err(FormatError::Records { got: 22 })));
    assert!(matches!(ProofFile { chain_id: 1 << 63, ..file }.statement(), Err(FormatError::Value(_))));
}
