//! The rules of L1 that cost gas are those that the project counts on.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::TransactionRequest;
use weft_contract::embedded::TRANSACTION_GAS_CAP;

fn to_nobody() -> TransactionRequest {
    TransactionRequest::default().with_to(Address::repeat_byte(0x55)).with_value(U256::ONE)
}

/// The floor of calldata (EIP-7623) and the gas cap of a transaction (EIP-7825).
pub(crate) async fn are_those_of_the_fork(provider: &DynProvider) {
    let calldata = to_nobody().with_input(vec![1; 1_000]);
    let receipt = provider.send_transaction(calldata).await.unwrap().get_receipt().await.unwrap();
    assert_eq!(receipt.gas_used, 21_000 + 40 * 1_000, "the floor");
    let most = to_nobody().with_gas_limit(TRANSACTION_GAS_CAP);
    assert!(provider.send_transaction(most).await.unwrap().get_receipt().await.unwrap().status());
    let over = to_nobody().with_gas_limit(TRANSACTION_GAS_CAP + 1);
    assert!(provider.send_transaction(over).await.is_err(), "more gas than the cap");
}
