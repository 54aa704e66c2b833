//! What the contract and its verifier refuse.

use alloy::primitives::{Bytes, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use weft_circuits::wrap_config::encode_proof;
use weft_contract::bindings::IRollup::IRollupErrors;
use weft_contract::bindings::{Commitment, Header};
use weft_node::demo::Scene;
use weft_node::devnet::OPERATOR;
use weft_node::proof_file::ProofFile;
use weft_node::verify::read;
use weft_prover::CircuitSet;

/// Most gas that the check of a batch's proof may take, from the snapshot of gas. It is the price of calldata; proofs of one
/// length differ a little in their zero bytes, so the snapshot is a bound.
pub(crate) fn prove_gas_max() -> u64 {
    let snapshot: serde_json::Value =
        serde_json::from_str(include_str!("../../../verifier-contract/snapshots/gas.json")).unwrap();
    snapshot["prove_batch"].as_u64().unwrap()
}

/// Order of the field of the proofs.
const ORDER: u64 = 0xffff_ffff_0000_0001;
/// Positions in the proof that are tried.
const POSITIONS: usize = 24;

alloy::sol! {
    #[sol(rpc)]
    interface IVerifier {
        function verify(bytes calldata proof, uint256[4] calldata inputs) external view returns (bool);
    }
}

/// Whether the deployed verifier accepts; a revert is a no.
async fn accepts(scene: &Scene, proof: &[u8], inputs: [U256; 4]) -> bool {
    let provider = scene.net().provider(OPERATOR);
    let address = scene.net().rollup_as(OPERATOR).verifier().call().await.unwrap();
    let verifier = IVerifier::new(address, provider);
    verifier.verify(Bytes::copy_from_slice(proof), inputs).call().await.unwrap_or(false)
}

fn inputs_of(file: &ProofFile) -> [U256; 4] {
    file.statement().unwrap().digest().0.map(|element| U256::from(element.as_u64()))
}

/// The proof in the bytes that the contract reads.
fn encoded(file: &ProofFile, circuits: &CircuitSet) -> Vec<u8> {
    let wrapped = circuits.family().decode_wrapped(&file.proof.0).unwrap();
    let data = circuits.family().wrap.layer.verifier();
    encode_proof(wrapped.inner(), &data.verifier_only, &data.common).unwrap()
}

pub(crate) async fn refuses_proofs_that_are_not_the_batch_s(scene: &Scene, circuits: &CircuitSet) {
    let file = read(&scene.client().proof(1).await.unwrap()).unwrap();
    let (proof, inputs) = (encoded(&file, circuits), inputs_of(&file));
    assert!(accepts(scene, &proof, inputs).await, "the proof as the node has posted it");
    for position in 0..4 {
        let mut other = inputs;
        other[position] ^= U256::ONE;
        assert!(!accepts(scene, &proof, other).await, "another public word {position}");
        other[position] = inputs[position] + U256::from(ORDER);
        assert!(!accepts(scene, &proof, other).await, "a public word that is not below p");
    }
    for step in 0..POSITIONS {
        let position = step * (proof.len() - 1) / (POSITIONS - 1);
        let mut changed = proof.clone();
        changed[position] ^= 1;
        assert!(!accepts(scene, &changed, inputs).await, "byte {position} of the proof");
    }
    assert!(!accepts(scene, &proof[..proof.len() - 1], inputs).await, "a proof that was cut");
    let second = read(&scene.client().proof(2).await.unwrap()).unwrap();
    assert!(!accepts(scene, &encoded(&second, circuits), inputs).await, "the proof of another batch");
}

/// Error of the contract, by name.
fn refusal<T>(result: Result<T, alloy::contract::Error>) -> IRollupErrors {
    let error = result.err().expect("the contract refuses it");
    error.as_decoded_interface_error::<IRollupErrors>().unwrap_or_else(|| panic!("{error}"))
}

pub(crate) async fn refuses_second_claims_strangers_and_repetitions(scene: &Scene) {
    let operator = scene.net().rollup_as(OPERATOR);
    let withdrawals = scene.client().withdrawals(2).await.unwrap();
    for withdrawal in &withdrawals {
        let call = TransactionRequest::default()
            .to(withdrawal.claim.to.0.into())
            .input(Bytes::from(withdrawal.claim.data.0.clone()).into());
        let second = scene.net().provider(OPERATOR).send_transaction(call).await;
        assert!(second.is_err(), "a withdrawal is paid once");
    }
    let withdrawal = &withdrawals[0];
    let path = withdrawal.path.iter().map(|sibling| sibling.0.into()).collect();
    let (owner, asset, amount) = (withdrawal.owner.0.into(), withdrawal.asset, withdrawal.amount.get());
    let more = operator.claim(2, withdrawal.position, owner, asset, amount + 1, path);
    assert!(matches!(refusal(more.call().await), IRollupErrors::WrongPath(_)));

    let file = read(&scene.client().proof(2).await.unwrap()).unwrap();
    let data = Bytes::from(file.records.0.clone());
    let as_user = scene.net().rollup_as(1);
    let by_stranger = as_user.commit(Header::default(), data.clone()).from(scene.users()[0].owner.0.into());
    assert!(matches!(refusal(by_stranger.call().await), IRollupErrors::Unauthorized(_)));
    let operator_address = operator.operator().call().await.unwrap();
    let unknown = operator.prove(Commitment::default(), Bytes::from(file.proof.0)).from(operator_address);
    assert!(matches!(refusal(unknown.call().await), IRollupErrors::UnknownCommitment(_)));
}
