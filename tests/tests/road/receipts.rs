//! Receipts that were changed, offline and against L1.

use alloy::providers::Provider;
use weft_node::demo::Scene;
use weft_node::devnet::OPERATOR;
use weft_node::receipt::Receipt;
use weft_node::verify::{Check, FailedCheck, L1Error, check_transaction, verify_on_l1, verify_receipt};
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_prover::CircuitSet;

pub(crate) async fn every_field_is_checked(scene: &Scene, circuits: &CircuitSet) {
    let [transfer, withdrawal] = [scene.sent().first(), scene.sent().last()].map(Option::unwrap);
    let receipt = receipt_of(scene, transfer).await;
    let verified = verify_receipt(&receipt, circuits).expect("the receipt as it was downloaded");
    assert_eq!(verified.id, transfer.to_string());
    on_l1(&receipt, scene).await.expect("L1 has verified the batch");

    let other = receipt_of(scene, withdrawal).await;
    verify_receipt(&other, circuits).expect("a withdrawal has a receipt, too");
    fields_are_bound_offline(&receipt, &other, circuits);
    fields_are_bound_on_l1(&receipt, &other, scene).await;
}

async fn receipt_of(scene: &Scene, id: &Digest) -> Receipt {
    Receipt::from_bytes(&scene.client().receipt(id).await.unwrap()).unwrap()
}

fn changed(receipt: &Receipt, change: impl FnOnce(&mut Receipt)) -> Receipt {
    let mut receipt = receipt.clone();
    change(&mut receipt);
    receipt
}

fn fields_are_bound_offline(receipt: &Receipt, other: &Receipt, circuits: &CircuitSet) {
    let fails = |receipt: &Receipt, check| {
        let failed = verify_receipt(receipt, circuits).map(|_| ()).expect_err("something was changed");
        assert_eq!(failed.check, check, "{failed}");
    };
    fails(&changed(receipt, |it| it.slot += 1), Check::Slot);
    fails(&changed(receipt, |it| it.slot = u32::MAX), Check::Slot);
    fails(&changed(receipt, |it| it.transaction = other.transaction.clone()), Check::Slot);
    fails(&changed(receipt, |it| it.transaction.transaction.nonce += 1), Check::Signature);
    fails(&changed(receipt, |it| it.transaction.signature = other.transaction.signature), Check::Signature);
    fails(&changed(receipt, |it| it.batch.contract.0[0] ^= 1), Check::Signature);
    fails(&changed(receipt, |it| it.batch.timestamp += 1), Check::Binding);
    fails(&changed(receipt, |it| it.batch.root_after = Digest([Goldilocks::from_u64(1); 4])), Check::Binding);
    fails(&changed(receipt, |it| it.batch.circuit.0[0] ^= 1), Check::Circuit);
    assert!(check_transaction(receipt).is_ok());
}

async fn on_l1(receipt: &Receipt, scene: &Scene) -> Result<(), FailedCheck> {
    match verify_on_l1(&receipt.batch, Some(&receipt.l1), scene.net().provider(OPERATOR)).await {
        Ok(_) => Ok(()),
        Err(L1Error::Failed(failed)) => Err(failed),
        Err(error) => panic!("L1 could not be asked: {error}"),
    }
}

async fn fields_are_bound_on_l1(receipt: &Receipt, other: &Receipt, scene: &Scene) {
    let fails = async |receipt: Receipt, check| {
        let failed = on_l1(&receipt, scene).await.expect_err("something was changed");
        assert_eq!(failed.check, check, "{failed}");
    };
    fails(changed(receipt, |it| it.batch.chain_id += 1), Check::Chain).await;
    fails(changed(receipt, |it| it.batch.contract.0[0] ^= 1), Check::Contract).await;
    fails(changed(receipt, |it| it.batch.genesis_salt = Digest::ZERO), Check::Contract).await;
    fails(changed(receipt, |it| it.l1.prove = other.l1.prove), Check::Verified).await;
    fails(changed(receipt, |it| it.l1.prove = it.l1.commit), Check::Verified).await;
    fails(changed(receipt, |it| it.l1.commit = other.l1.commit), Check::Commitment).await;
    fails(changed(receipt, |it| it.batch.number = 77), Check::Verified).await;
    fails(changed(receipt, |it| it.batch.root_after = it.batch.root_before), Check::Verified).await;
    fails(changed(receipt, |it| it.batch.root_before = it.batch.root_after), Check::Commitment).await;
    fails(changed(receipt, |it| it.batch.timestamp += 1), Check::Commitment).await;
    fails(changed(receipt, |it| it.batch.records.0[20] ^= 1), Check::Commitment).await;
    // A token is a contract as well, but not the rollup.
    let provider = scene.net().provider(OPERATOR);
    let code = provider.get_code_at(scene.net().token).await.unwrap();
    assert!(!code.is_empty());
    let token = weft_protocol::Address(scene.net().token.into_array());
    let result = verify_on_l1(&changed(receipt, |it| it.batch.contract = token).batch, None, provider).await;
    assert!(result.is_err(), "{result:?}");
}
